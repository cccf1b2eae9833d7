// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * range: a call that names pages by number must mean the pages that it changes.
 * Where a frame number or a count becomes bytes and loses bits, a range call
 * that succeeds has dealt with other pages than it names, or with fewer. A call
 * that takes one page and no count checks and changes the same page, whatever
 * the shift leaves of its number: no breach.
 *
 * At boot the regions to protect are the range: it must not have ended early.
 */
#include <inttypes.h>

#include "check.h"

/* Do pages [pfn, pfn + nr) have byte addresses? */
static bool pages_wrap(u64 pfn, u64 nr, unsigned int shift)
{
	u64 end;

	return __builtin_add_overflow(pfn, nr, &end) || end > UINT64_C(1) << (64 - shift);
}

/* Addresses rounded outward to pages. */
static bool bytes_wrap(u64 from, u64 to, u64 page)
{
	return to > from && to > ALIGN_DOWN(UINT64_MAX, page);
}

/* Two of the arguments together are in range, or so is any one as an address. */
static inline bool all_small(struct oracle *o, const struct oracle_action *a)
{
	u64 any = 0;

	for (unsigned int i = 0; i < a->n_args; i++)
		any |= a->args[i];
	return any < BIT(63 - oracle_board(o)->f->page_shift);
}

static __attribute__((noinline)) void check_call(struct oracle *o, const struct oracle_action *a)
{
	const struct el2_call *c = a->call;
	unsigned int shift = oracle_board(o)->f->page_shift;

	for (unsigned int i = 0; i + 1 < c->n_args && i + 1 < a->n_args; i++) {
		u64 x = a->args[i], y = a->args[i + 1];

		if (c->arg[i].kind == ARG_PFN && c->arg[i + 1].kind == ARG_NR && y &&
		    pages_wrap(x, y, shift))
			oracle_breach(o, RULE_RANGE, NO_PAGE, NULL,
				      "%s took 0x%" PRIx64 " pages from frame 0x%" PRIx64
				      ", which no addresses have: it did something else",
				      c->name, y, x);
		if (c->arg[i].kind == ARG_VA && c->arg[i + 1].kind == ARG_VA &&
		    bytes_wrap(x, y, BIT(shift)))
			oracle_breach(o, RULE_RANGE, NO_PAGE, NULL,
				      "%s took 0x%" PRIx64 " to 0x%" PRIx64
				      ", of which the end rounds to 0: it did something else",
				      c->name, x, y);
	}
}

/* Each entry's last page is the one that a counter that is too short never reaches. */
static __attribute__((noinline)) void check_protected(struct oracle *o)
{
	const struct el2_view *v = oracle_view(o);
	const u64 page = check_page_size(o);

	for (unsigned int i = 0; i < v->n_protected_regs; i++) {
		const struct protect_entry *r = &v->protected_regs[i];
		u64 last = r->base + r->size - page;
		struct abs_page p;

		if (r->size < page)
			continue;
		/* one that it came to and did not get is another rule's */
		model_page(oracle_board(o), v, PA(last), &p);
		if (p.owner == OWNER_HYP || p.hyp_mapped)
			continue;
		oracle_breach(
			o, RULE_RANGE, last, NULL,
			"boot succeeded, and the last page of the protected region at 0x%" PRIx64
			" is not EL2's",
			r->base);
	}
}

static void range_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	const struct oracle_action *a = oracle_action(o);

	if (!a || end != ORACLE_END_VALUE || value < 0)
		return;
	if (a->kind == ORACLE_CALL && a->call) {
		if (unlikely(!all_small(o, a)))
			check_call(o, a);
	} else if ((a->kind == ORACLE_BOOT || a->kind == ORACLE_FINALISE) &&
		   oracle_view(o)->booted) {
		check_protected(o);
	}
}

const struct checker range_checker = {
	.name = "range",
	.end = range_end,
};
