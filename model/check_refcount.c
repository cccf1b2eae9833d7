// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * refcount: after an action the count of every table page that it touched is 1
 * and one more for each entry that is not zero (spec: pgtable invariant 1). No
 * count goes below 0.
 *
 * leak: when the run is over, a page that was taken out of a pool and is no
 * table's is lost, since no call of the host can name it. Pages that a scenario
 * holds (drain) are not; tables that are linked and empty are not either, as
 * the next mapping or recycling uses them.
 *
 * warn=continue: what a WARN let through is taken as it is found.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define MAX_TOUCHED 64
#define MAX_KNOWN 16

struct known { /* a count that is wrong and was told */
	u64 page;
	s64 excess;
};

struct refcount_state {
	u64 touched[MAX_TOUCHED];
	unsigned int n_touched;
	bool too_many; /* more were touched than are listed: all are looked at */
	bool warned;   /* a WARN went on, in this action */
	bool dead;     /* EL2 ended: what it was at stays half done */
	bool booted;   /* seen so */
	struct known known[MAX_KNOWN];
	unsigned int n_known;
	u64 base, pages; /* EL2's memory: what the sets have bits for */
	u64 *excused;	 /* neither table nor free, for a reason */
	u64 *lost;	 /* while a scenario makes pressure: what was loose before */
};

/* ---- Counts ---------------------------------------------------------------------------- */

static void touch(struct refcount_state *s, u64 page)
{
	if (s->too_many)
		return;
	for (unsigned int i = s->n_touched; i--;)
		if (s->touched[i] == page)
			return;
	if (s->n_touched < MAX_TOUCHED)
		s->touched[s->n_touched++] = page;
	else
		s->too_many = true;
}

static void forget(struct refcount_state *s, struct known *k)
{
	*k = s->known[--s->n_known];
}

/* True if it was known; from now on it is. */
static bool known_excess(struct refcount_state *s, u64 page, s64 excess)
{
	for (unsigned int i = 0; i < s->n_known; i++) {
		struct known *k = &s->known[i];

		if (k->page != page)
			continue;
		if (k->excess == excess)
			return true;
		forget(s, k);
		break;
	}
	if (excess && s->n_known < MAX_KNOWN)
		s->known[s->n_known++] = (struct known){ page, excess };
	return !excess;
}

static __attribute__((noinline)) void odd_count(struct oracle *o, struct refcount_state *s,
						u64 page, int level, u32 entries, u32 count)
{
	if (known_excess(s, page, (s64)count - 1 - entries) || s->warned)
		return;
	oracle_breach(o, RULE_REFCOUNT, page, NULL,
		      "the table of level %d at 0x%" PRIx64 " has %u entries and %u references: "
		      "it should have %u",
		      level, page, entries, count, entries + 1);
}

static inline void compare_count(struct oracle *o, struct refcount_state *s,
				 const struct check_pool *pool, u64 page, int level, u32 entries)
{
	const u32 count = pool ? check_pool_count(o, pool, page) : check_count_of(o, page);

	if (unlikely(count != 1 + entries || s->n_known))
		odd_count(o, s, page, level, entries, count);
}

heard_often check_count(struct oracle *o, struct refcount_state *s, u64 page)
{
	const struct part p = fold_part(o, PA(page));
	const struct check_pool *pool = check_pool_of(o, page);

	/* a guest's tables are of pages that no pool began with */
	if (p.part == PART_GUEST_TABLE || (pool && check_is_table(&p)))
		compare_count(o, s, pool, page, p.level, p.entries);
}

static __attribute__((noinline)) void check_all_counts(struct oracle *o, struct refcount_state *s)
{
	const u64 page = check_page_size(o);

	for (unsigned int i = 0; i < oracle_pools(o)->n; i++) {
		const struct check_pool *p = &oracle_pools(o)->pool[i];

		for (u64 pa = p->base; pa - p->base < p->size; pa += page)
			check_count(o, s, pa);
	}
}

static void check_put(struct oracle *o, struct refcount_state *s, const struct event *ev)
{
	/* A page of a pool is then freed twice, which is another rule's. */
	if (check_below_zero(o, ev->val) && !check_pool_of(o, ev->addr))
		oracle_breach(o, RULE_REFCOUNT, ev->addr, ev,
			      "a page without references lost one more");
}

/* Where it is a matter of which pages to look at in the end, that is noted already. */
asked_often refcount_heeds(struct oracle *o, void *state, unsigned int kind,
			   const struct raw_event *r)
{
	if (kind != EV_GET && kind != EV_PUT)
		return true;
	touch(state, ALIGN_DOWN(r->addr, check_page_size(o)));
	return kind == EV_PUT && check_below_zero(o, r->val);
}

heard_often refcount_store(struct oracle *o, void *state, const struct event *ev,
			   const struct place *at)
{
	if (ev->arg == 8 && !ev->old != !ev->val)
		touch(state, ALIGN_DOWN(ev->addr, check_page_size(o)));
}

heard_often refcount_event(struct oracle *o, void *state, const struct event *ev)
{
	struct refcount_state *s = state;
	const u64 page = ALIGN_DOWN(ev->addr, check_page_size(o));

	switch (ev->kind) {
	case EV_ZERO:
		if (check_pool_of(o, page))
			touch(s, page);
		break;
	case EV_PUT:
		check_put(o, s, ev);
		/* fall through */
	case EV_GET:
		touch(s, page);
		break;
	case EV_PANIC:
		s->warned |= !strcmp(ev->what, "WARN");
		break;
	}
}

/* ---- Pages that nobody has --------------------------------------------------------------- */

static size_t set_bytes(const struct refcount_state *s)
{
	return (s->pages / 64 + 1) * sizeof(u64);
}

static bool in_set(const u64 *set, u64 i)
{
	return set[i / 64] & BIT(i % 64);
}

static void set_add(u64 *set, u64 i)
{
	set[i / 64] |= BIT(i % 64);
}

static void set_remove(u64 *set, u64 i)
{
	set[i / 64] &= ~BIT(i % 64);
}

/* Every page of a pool that is neither free nor a table. Free pages need no excuse any more. */
typedef void (*loose_fn)(struct oracle *o, struct refcount_state *s, u64 page, u64 index);

static void for_each_loose(struct oracle *o, struct refcount_state *s, loose_fn fn)
{
	unsigned int shift = oracle_board(o)->f->page_shift;

	for (unsigned int i = 0; i < oracle_pools(o)->n; i++) {
		const struct check_pool *p = &oracle_pools(o)->pool[i];

		for (u64 pa = p->base; pa - p->base < p->size; pa += BIT(shift)) {
			u64 index = (pa - s->base) >> shift;

			if (pa < s->base || index >= s->pages)
				continue;
			if (!check_pool_count(o, p, pa))
				set_remove(s->excused, index);
			else if (fold_part(o, PA(pa)).part == PART_NONE)
				fn(o, s, pa, index);
		}
	}
}

static void note_lost(struct oracle *o, struct refcount_state *s, u64 page, u64 index)
{
	if (!in_set(s->excused, index))
		set_add(s->lost, index);
}

static void excuse(struct oracle *o, struct refcount_state *s, u64 page, u64 index)
{
	if (!in_set(s->lost, index))
		set_add(s->excused, index);
}

static void report_lost(struct oracle *o, struct refcount_state *s, u64 page, u64 index)
{
	if (in_set(s->excused, index))
		return;
	oracle_breach(o, RULE_LEAK, page, NULL,
		      "the page at 0x%" PRIx64
		      " was taken out of pool %s and is in no table: nobody "
		      "can give it back",
		      page, check_pool_of(o, page)->name);
}

/* ---- Actions -------------------------------------------------------------------------------- */

static void refcount_begin(struct oracle *o, void *state, const struct oracle_action *a)
{
	struct refcount_state *s = state;

	s->n_touched = 0;
	s->too_many = false;
	s->warned = false;
	if (a->kind == ORACLE_PRESSURE && s->booted && !s->dead) {
		memset(s->lost, 0, set_bytes(s));
		for_each_loose(o, s, note_lost);
	}
}

struct boot_pass {
	struct oracle *o;
	struct refcount_state *s;
	u64 first; /* table that is not counted right, and how many are not */
	unsigned int n;
};

static u32 entries_of(struct oracle *o, pa_t table)
{
	u32 entries = 0;
	u64 entry;

	for (u64 off = 0; off < check_page_size(o); off += 8)
		entries += board_peek64(oracle_board(o), pa_add(table, off), &entry) && entry;
	return entries;
}

/* Boot ends before the fold begins: its tables are read here. */
static void boot_table(void *data, int level, u64 ia, pa_t table)
{
	const struct boot_pass *p = data;
	struct oracle *o = p->o;
	const struct check_pool *pool = check_pool_of(p->o, table.pa);
	u64 index = (table.pa - p->s->base) / check_page_size(o);

	if (pool)
		compare_count(o, p->s, pool, table.pa, level, entries_of(o, table));
	if (table.pa >= p->s->base && index < p->s->pages)
		set_add(p->s->excused, index);
}

/* Counts are checked from here on. What boot took for good is no table's, and not lost. */
static void after_boot(struct oracle *o, struct refcount_state *s)
{
	struct boot_pass pass = { .o = o, .s = s };

	s->booted = true;
	oracle_pools_sync(o);
	model_for_each_table(oracle_board(o), &oracle_view(o)->host_s2, boot_table, &pass);
	model_for_each_table(oracle_board(o), &oracle_view(o)->hyp_s1, boot_table, &pass);
	/* so far the tables are excused: turn that round; free pages need none */
	for (u64 i = 0; i < s->pages; i++) {
		const u64 pa = s->base + i * check_page_size(o);
		const struct check_pool *pool = check_pool_of(o, pa);

		if (in_set(s->excused, i) || !pool || !check_pool_count(o, pool, pa))
			set_remove(s->excused, i);
		else
			set_add(s->excused, i);
	}
}

static void uncounted_table(void *data, int level, u64 ia, pa_t table)
{
	struct boot_pass *p = data;
	const struct check_pool *pool = check_pool_of(p->o, table.pa);

	if (!pool || check_pool_count(p->o, pool, table.pa) == 1 + entries_of(p->o, table))
		return;
	if (!p->n++)
		p->first = table.pa;
}

/*
 * A boot that fails with an error leaves EL2 on its tables and pools, and it answers
 * calls: the counts must be right. Before the host's tables are there nothing is freed.
 */
static void after_failed_boot(struct oracle *o, struct refcount_state *s)
{
	const struct oracle_action *a = oracle_action(o);
	struct boot_pass pass = { .o = o, .s = s };

	if (!a || (a->kind != ORACLE_BOOT && a->kind != ORACLE_FINALISE) ||
	    !oracle_view(o)->host_s2.root.pa)
		return;
	oracle_pools_sync(o);
	model_for_each_table(oracle_board(o), &oracle_view(o)->host_s2, uncounted_table, &pass);
	model_for_each_table(oracle_board(o), &oracle_view(o)->hyp_s1, uncounted_table, &pass);
	if (pass.n)
		oracle_breach(o, RULE_REFCOUNT, pass.first, NULL,
			      "boot failed with the references of %u tables not counted: the first "
			      "to lose an entry is freed with all others",
			      pass.n);
}

static void refcount_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	struct refcount_state *s = state;

	s->dead |= check_died(o, end);
	if (s->dead)
		return;
	if (unlikely(!oracle_view(o)->booted)) {
		if (end == ORACLE_END_VALUE && value < 0)
			after_failed_boot(o, s);
		return;
	}
	if (unlikely(!s->booted)) {
		after_boot(o, s);
		return;
	}
	if (oracle_action(o) && oracle_action(o)->kind == ORACLE_PRESSURE)
		for_each_loose(o, s, excuse);
	else if (s->too_many)
		check_all_counts(o, s);
	else
		for (unsigned int i = 0; i < s->n_touched; i++)
			check_count(o, s, s->touched[i]);
}

static void refcount_finish(struct oracle *o, void *state)
{
	struct refcount_state *s = state;

	if (s->booted && !s->dead)
		for_each_loose(o, s, report_lost);
}

static void refcount_init(struct oracle *o, void *state)
{
	struct refcount_state *s = state;
	const struct el2_view *v = oracle_view(o);

	s->base = v->hyp_mem.base;
	s->pages = v->hyp_mem.size >> oracle_board(o)->f->page_shift;
	s->excused = board_alloc(oracle_board(o), set_bytes(s));
	s->lost = board_alloc(oracle_board(o), set_bytes(s));
}

const struct checker refcount_checker = {
	.name = "refcount",
	.state_size = sizeof(struct refcount_state),
	.kinds = BIT(EV_ZERO) | BIT(EV_GET) | BIT(EV_PUT) | BIT(EV_PANIC),
	.init = refcount_init,
	.heeds = refcount_heeds,
	.event = refcount_event,
	.stores = PART_TABLES,
	.store = refcount_store,
	.begin = refcount_begin,
	.end = refcount_end,
	.finish = refcount_finish,
};
