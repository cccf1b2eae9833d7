// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * break-before-make (Arm ARM D8.16.1): another output address, other memory
 * attributes, a block for a table or a table for a block need an invalid entry,
 * a TLBI that covers the old one, and the barriers around it, before the new
 * entry. Permissions, the access flag and what software keeps need none of that,
 * nor does putting back what was there.
 */
#include <inttypes.h>

#include "check.h"

#define PTE_NG BIT(11)
#define PTE_CONTIGUOUS BIT(52)

/* Bits of a leaf that may only change through an invalid entry. */
static u64 leaf_mask(const struct arch_features *f, const struct check_desc *d)
{
	u64 mask = pte_from_pa(f, PA(GENMASK(51, 0))) | PTE_SH | PTE_CONTIGUOUS | PTE_TYPE;

	return mask | (d->hyp ? PTE_S1_ATTRIDX | PTE_NG : PTE_S2_MEMATTR);
}

/* What about going from @old to @new_desc needs a break; NULL: nothing. Both are live. */
static const char *needs_break(const struct arch_features *f, const struct check_desc *d, u64 old,
			       u64 new_desc)
{
	bool was_table = pte_table(old, d->level), is_table = pte_table(new_desc, d->level);

	if (was_table != is_table)
		return is_table ? "a table for a block" : "a block for a table";
	if (is_table)
		return pa_from_pte(f, old).pa != pa_from_pte(f, new_desc).pa ? "another table"
									     : NULL;
	if (!((old ^ new_desc) & leaf_mask(f, d)))
		return NULL;
	return pa_from_pte(f, old).pa != pa_from_pte(f, new_desc).pa ? "another address"
								     : "other attributes";
}

static const char *what_lacks(const struct gone *g)
{
	switch ((enum gone_phase)g->phase) {
	case GONE_STORED:
		return "no DSB made the invalid entry visible";
	case GONE_VISIBLE:
		return "no TLBI covers the old entry";
	case GONE_ISSUED:
	case GONE_S1_ISSUED:
		return "no DSB completed the TLBI";
	case GONE_S2_DONE:
		break;
	}
	return "no TLBI took away what stage 1 combined with it";
}

static void breach(struct oracle *o, const struct check_desc *d, u64 old, const struct event *ev,
		   const char *what, const char *lacks)
{
	oracle_breach(o, RULE_BREAK_BEFORE_MAKE, check_desc_page(o, d, ev->val), ev,
		      "%s entry for 0x%" PRIx64 " at level %d went from 0x%" PRIx64 " to 0x%" PRIx64
		      ": %s, and %s",
		      check_desc_whose(d), d->ia, d->level, old, ev->val, what, lacks);
}

static struct gone *find_broken(struct gone_list *l, u64 desc_pa)
{
	for (unsigned int i = l->n; i--;)
		if (l->g[i].desc_pa == desc_pa && l->g[i].wanted & GONE_BROKEN)
			return &l->g[i];
	return NULL;
}

/* A live entry where one was broken: the old one must be forgotten by all TLBs. */
static void made(struct oracle *o, struct gone_list *l, const struct event *ev,
		 const struct check_desc *d)
{
	struct gone *g = find_broken(l, ev->addr);
	const char *what = NULL;

	if (!g || !check_desc_live(o, d, ev->val))
		return;
	/* The page may have become a table of something else. */
	if (d->ia == g->d.ia && d->level == g->d.level && d->hyp == g->d.hyp &&
	    d->guest == g->d.guest)
		what = needs_break(oracle_board(o)->f, d, g->old, ev->val);
	if (what)
		breach(o, d, g->old, ev, what, what_lacks(g));
	gone_release(l, (unsigned int)(g - l->g), GONE_BROKEN);
}

static void replaced(struct oracle *o, const struct event *ev, const struct check_desc *d)
{
	const char *what;

	if (!check_desc_live(o, d, ev->old))
		return;
	if (!check_desc_live(o, d, ev->val)) {
		gone_add(o, d, ev->old, ev, GONE_BROKEN);
		return;
	}
	what = needs_break(oracle_board(o)->f, d, ev->old, ev->val);
	if (what)
		breach(o, d, ev->old, ev, what, "it was never invalid");
}

heard_often bbm_store(struct oracle *o, void *state, const struct event *ev, const struct place *at)
{
	if (!at->d.cpus)
		return;
	if (pte_valid(ev->old))
		replaced(o, ev, &at->d);
	else if (check_gone(o)->n)
		made(o, check_gone(o), ev, &at->d);
}

static void bbm_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	if (check_died(o, end))
		check_gone(o)->n = 0;
}

const struct checker bbm_checker = {
	.name = "break-before-make",
	.stores = VALID_ENTRIES,
	.store = bbm_store,
	.end = bbm_end,
};
