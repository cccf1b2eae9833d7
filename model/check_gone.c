// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What TLBs may still know: the descriptors that break-before-make and stale-tlb wait
 * for, and how far each is on its way out. See struct gone in check.h.
 */
#include <string.h>

#include "check.h"

/* Does the table that was unlinked lead nowhere? Where its count says so, it does. */
static bool table_empty(struct oracle *o, u64 desc)
{
	struct board *b = oracle_board(o);
	u64 table = pa_from_pte(b->f, desc).pa, any = 0;
	const struct check_pool *pool = check_pool_of(o, table);
	const struct extent *e;
	const u64 *entry;

	if (pool && check_pool_count(o, pool, table) == 1)
		return true;
	e = extent_at(b, table);
	if (!e)
		return true;
	/* a page lies in one piece of storage */
	entry = (const u64 *)(e->bytes + (table - e->base));
	for (u32 i = 0; i < table_entries(b->f->page_shift); i++)
		any |= entry[i];
	return !pte_valid(any);
}

static void gone_drop(struct gone_list *l, unsigned int i)
{
	if (i < --l->n)
		memmove(&l->g[i], &l->g[i + 1], (l->n - i) * sizeof(l->g[0]));
}

void gone_release(struct gone_list *l, unsigned int i, u8 who)
{
	l->g[i].wanted &= (u8)~who;
	if (!l->g[i].wanted)
		gone_drop(l, i);
}

/* What covers both covers @d, which goes now, by @cpu. */
static bool goes_along(const struct gone *g, const struct check_desc *d, unsigned int cpu)
{
	return g->wanted & GONE_STALE && g->phase == GONE_STORED && !g->walks && !g->d.hyp &&
	       !d->hyp && g->d.guest == d->guest && g->d.level == d->level && g->grain == d->size &&
	       g->hi == d->ia && g->by == cpu && g->d.cpus == d->cpus;
}

/* Room for one more: the older half of a full list, with neighbours made one. */
static __attribute__((noinline, cold)) void gone_make_room(struct gone_list *l)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GONE_MAX; i++) {
		struct gone *g = &l->g[i], *last = n ? &l->g[n - 1] : NULL;

		if (i < GONE_MAX / 2) {
			g->wanted &= GONE_STALE;
			if (!g->wanted)
				continue;
			if (last && g->joined && last->hi == g->lo && last->phase == g->phase &&
			    g->hi - g->lo == g->d.size) {
				last->hi = g->hi;
				continue;
			}
		}
		l->g[n++] = *g;
	}
	l->n = n;
	if (n == GONE_MAX)
		gone_drop(l, 0);
}

void gone_add(struct oracle *o, const struct check_desc *d, u64 old, const struct event *ev, u8 who)
{
	struct gone_list *l = check_gone(o);
	struct gone *g = l->g + l->n, *last = g - 1;

	if (l->n && last->ev.seq == ev->seq) {
		last->wanted |= who;
		return;
	}
	if (unlikely(l->n == GONE_MAX)) {
		gone_make_room(l);
		g = l->g + l->n;
		last = g - 1;
	}
	g->d = *d;
	g->old = old;
	g->desc_pa = ev->addr;
	g->lo = d->ia;
	g->hi = d->ia + d->size;
	g->wanted = who;
	g->phase = GONE_STORED;
	g->by = ev->cpu;
	g->issuer = 0;
	g->combined = false;
	g->walks = pte_table(old, d->level);
	g->grain = g->walks && !table_empty(o, old) ? check_page_size(o) : d->size;
	g->joined = l->n && !g->walks && goes_along(last, d, ev->cpu);
	g->ev = *ev;
	l->n++;
}

/* What an operation reaches. */
struct reach {
	bool hyp, by_addr, last_level_only, stage2, stage1;
};

static const struct reach reach[N_TLBI_OPS] = {
	[TLBI_VAE2IS] = { .hyp = true, .by_addr = true },
	[TLBI_VALE2IS] = { .hyp = true, .by_addr = true, .last_level_only = true },
	[TLBI_ALLE2] = { .hyp = true },
	[TLBI_IPAS2E1IS] = { .by_addr = true, .stage2 = true },
	[TLBI_IPAS2E1] = { .by_addr = true, .stage2 = true },
	[TLBI_RIPAS2E1IS] = { .by_addr = true, .stage2 = true },
	[TLBI_VMALLE1IS] = { .stage1 = true },
	[TLBI_VMALLE1] = { .stage1 = true },
	[TLBI_VMALLS12E1IS] = { .stage2 = true, .stage1 = true },
	[TLBI_VMALLS12E1] = { .stage2 = true, .stage1 = true },
	[TLBI_ALLE1IS] = { .stage2 = true, .stage1 = true },
};

/* Cross off what [start, end) takes away. */
static inline void gone_cover(struct gone *g, u64 start, u64 end)
{
	u64 from = ALIGN_DOWN(start, g->grain), to = ALIGN_UP(end, g->grain);

	if (from <= g->lo && to > g->lo)
		g->lo = MIN(to, g->hi);
	else if (to >= g->hi && from < g->hi)
		g->hi = MAX(from, g->lo);
}

static inline void gone_by_addr(struct oracle *o, struct gone *g, const struct event *ev,
				const struct reach *r)
{
	const u64 page = check_page_size(o);
	bool range = ev->sub == TLBI_RIPAS2E1IS;
	s64 hint = range ? -1 : (s64)ev->val;
	u64 start = ALIGN_DOWN(ev->addr, page), pages = range ? ev->val : 1, end;

	if (r->last_level_only && g->walks)
		return;
	if (hint >= 0 && hint <= ARCH_LAST_LEVEL && (g->walks || hint != g->d.level))
		return;
	if (__builtin_mul_overflow(pages, page, &end) || __builtin_add_overflow(start, end, &end))
		end = ALIGN_DOWN(UINT64_MAX, g->grain);
	if (pages)
		gone_cover(g, start, end);
}

static inline bool gone_concerns(const struct gone *g, const struct event *ev,
				 const struct reach *r, bool broadcast)
{
	if (g->d.hyp != r->hyp)
		return false;
	if (!g->d.hyp && ev->sub != TLBI_ALLE1IS && ev->old != g->d.vmid)
		return false;
	return broadcast || g->d.cpus == BIT(ev->cpu);
}

static inline void gone_issue(struct gone *g, const struct event *ev, enum gone_phase phase,
			      const struct reach *r)
{
	g->phase = (u8)phase;
	g->issuer = ev->cpu;
	g->combined = r->stage1;
}

/* What nothing made visible yet, or is on its way already, a TLBI does not change. */
static inline bool gone_waits(const struct gone *g, const struct reach *r)
{
	return g->phase == GONE_VISIBLE ? r->hyp || r->stage2
					: g->phase == GONE_S2_DONE && r->stage1;
}

static void gone_tlbi(struct oracle *o, struct gone_list *l, const struct event *ev)
{
	const struct reach *r;
	bool broadcast;

	if (ev->sub >= N_TLBI_OPS)
		return;
	r = &reach[ev->sub];
	broadcast = tlbi_op_broadcast((enum tlbi_op)ev->sub);
	for (struct gone *g = l->g, *end = g + l->n; g < end; g++) {
		if (!gone_waits(g, r) || !gone_concerns(g, ev, r, broadcast))
			continue;
		if (g->phase == GONE_S2_DONE) {
			gone_issue(g, ev, GONE_S1_ISSUED, r);
			continue;
		}
		if (r->by_addr)
			gone_by_addr(o, g, ev, r);
		else
			g->lo = g->hi;
		if (g->lo >= g->hi)
			gone_issue(g, ev, GONE_ISSUED, r);
	}
}

/* DSB @what, a domain of three letters or none and a type: others' walks too? stores alone? */
static inline void dsb_kind(const char *what, bool *local, bool *stores_only)
{
	const char *type = what[1] == 's' ? what + 3 : what;

	*local = what[0] == 'n';
	*stores_only = type[0] == 's' && type[1] == 't';
}

/* True: no TLB can hold it any more. */
static bool gone_dsb_one(struct gone *g, unsigned int cpu, bool stores_only)
{
	switch ((enum gone_phase)g->phase) {
	case GONE_STORED:
		if (cpu == g->by)
			g->phase = GONE_VISIBLE;
		return false;
	case GONE_ISSUED:
		if (stores_only || cpu != g->issuer)
			return false;
		g->phase = GONE_S2_DONE;
		return g->d.hyp || g->combined;
	case GONE_S1_ISSUED:
		return !stores_only && cpu == g->issuer;
	case GONE_VISIBLE:
	case GONE_S2_DONE:
		break;
	}
	return false;
}

/* Take out those that nobody wants any more. */
static __attribute__((noinline)) void gone_sweep(struct gone_list *l)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		if (!l->g[i].wanted)
			continue;
		if (i > n)
			l->g[n] = l->g[i];
		n++;
	}
	l->n = n;
}

static void gone_dsb(struct gone_list *l, const struct event *ev)
{
	bool local, stores_only, done = false;

	if (!ev->what)
		return;
	dsb_kind(ev->what, &local, &stores_only);
	for (struct gone *g = l->g, *end = g + l->n; g < end; g++) {
		if ((!local || g->d.cpus == BIT(ev->cpu)) && gone_dsb_one(g, ev->cpu, stores_only))
			g->wanted = 0, done = true;
	}
	if (done)
		gone_sweep(l);
}

asked_often gone_heeds(struct oracle *o, void *state, unsigned int kind, const struct raw_event *r)
{
	const struct gone_list *l = state;

	return l->n;
}

heard_often gone_event(struct oracle *o, void *state, const struct event *ev)
{
	if (ev->kind == EV_TLBI)
		gone_tlbi(o, state, ev);
	else
		gone_dsb(state, ev);
}

const struct checker gone_checker = {
	.name = "gone",
	.state_size = sizeof(struct gone_list),
	.kinds = BIT(EV_TLBI) | BIT(EV_DSB),
	.heeds = gone_heeds,
	.event = gone_event,
};
