// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Helpers of the checkers: see check.h. Read from Arm's architecture and the
 * layout that EL2 publishes, from no code of any EL2.
 */
#include <string.h>

#include "check.h"

bool check_booting(struct oracle *o)
{
	const struct oracle_action *a = oracle_action(o);

	if (!oracle_view(o)->booted)
		return true;
	return a && (a->kind == ORACLE_INIT || a->kind == ORACLE_FINALISE ||
		     a->kind == ORACLE_PROT_FINALIZE || a->kind == ORACLE_BOOT);
}

bool check_died(struct oracle *o, enum oracle_end_kind end)
{
	const struct spinlock *l = oracle_board(o)->locks;

	if (end != ORACLE_END_HANG && end != ORACLE_END_OTHER)
		return end == ORACLE_END_PANIC;
	while (l && !spin_is_locked(l))
		l = l->next;
	return l;
}

const struct spinlock *check_lock(struct oracle *o, const char *name)
{
	const struct spinlock *l = oracle_board(o)->locks;

	while (l && strcmp(l->name, name))
		l = l->next;
	return l;
}

/* ---- Pools ----------------------------------------------------------------------- */

/* Where the entries of all its pages follow each other, in one piece of storage, the first. */
static const u8 *pool_counts(struct oracle *o, const struct el2_pool_view *v)
{
	struct board *b = oracle_board(o);
	const struct el2_view *view = oracle_view(o);
	const struct el2_layout *l = view->layout;
	u64 bytes = v->pages * l->hyp_page_size, last = v->pages - 1;
	const struct extent *e;
	pa_t from, to;

	if (l->refcount_width != sizeof(u16) || !model_hyp_page(b, view, PA(v->base), &from) ||
	    !model_hyp_page(b, view, PA(v->base + (last << b->f->page_shift)), &to) ||
	    to.pa - from.pa != last * l->hyp_page_size)
		return NULL;
	e = extent_at(b, from.pa);
	if (!e || e->size - (from.pa - e->base) < bytes)
		return NULL;
	return e->bytes + (from.pa - e->base) + l->refcount_off;
}

static void pool_read(struct oracle *o, struct check_pool *p, const struct el2_pool_view *v)
{
	pa_t entry;

	*p = (struct check_pool){
		.base = v->base, .pages = v->pages, .lock = v->lock, .name = v->name
	};
	p->heads = v->heads.pa;
	p->heads_size = v->pages ? UINT64_C(16) * (v->max_order + 1u) : 0;
	if (!v->pages || !model_hyp_page(oracle_board(o), oracle_view(o), PA(v->base), &entry))
		return;
	p->size = v->pages << oracle_board(o)->f->page_shift;
	p->count = pool_counts(o, v);
}

void check_pools_read(struct oracle *o, struct check_pools *p)
{
	const struct el2_view *v = oracle_view(o);

	p->n = MIN(v->n_pools, N_BASE_POOLS);
	for (unsigned int i = 0; i < p->n; i++)
		pool_read(o, &p->pool[i], &v->pools[i]);
}

u32 check_count_of(struct oracle *o, u64 pa)
{
	const struct el2_layout *l = oracle_view(o)->layout;
	pa_t entry;
	u64 count = 0;

	if (oracle_hyp_page(o, PA(pa), &entry))
		board_peek(oracle_board(o), pa_add(entry, l->refcount_off), l->refcount_width,
			   &count);
	return (u32)count;
}

void check_states(struct oracle *o, u64 pa, enum page_state *host, enum page_state *hyp)
{
	const struct el2_layout *l = oracle_view(o)->layout;
	pa_t entry;
	u64 byte = 0;

	if (!l->has_state || !oracle_hyp_page(o, PA(pa), &entry)) {
		model_states(oracle_board(o), oracle_view(o), PA(pa), host, hyp);
		return;
	}
	board_peek(oracle_board(o), pa_add(entry, l->state_off), 1, &byte);
	*host = (enum page_state)(byte & 0xf);
	*hyp = (enum page_state)(byte >> 4 ^ l->hyp_state_xor);
}

/* ---- Descriptors ------------------------------------------------------------------ */

/* CPUs whose walks may read the table: one bit each. A guest may run on any. */
static u64 walkers(struct oracle *o, const struct part *p)
{
	const struct board *b = oracle_board(o);
	u64 cpus = 0;

	if (p->part == PART_HYP_TABLE && !oracle_view(o)->initialised)
		return 0;
	if (p->part != PART_HOST_TABLE)
		return GENMASK(b->n_cpus - 1, 0);
	for (unsigned int i = 0; i < b->n_cpus; i++)
		cpus |= (u64)b->cpus[i].host_s2_on << i;
	return cpus;
}

static u16 guest_vmid(struct oracle *o, u32 handle)
{
	const struct el2_guest_view *g = model_guest(oracle_view(o), handle);

	return g ? g->s2.vmid : 0;
}

const char *check_desc_whose(const struct check_desc *d)
{
	if (d->guest)
		return "the guest's";
	return d->hyp ? "EL2's" : "the host's";
}

bool check_desc_lock(struct oracle *o, const struct check_desc *d, const char *name)
{
	const struct el2_guest_view *g;

	if (!d->guest)
		return !strcmp(name, d->hyp ? "pkvm_pgd_lock" : "host_mmu");
	g = model_guest(oracle_view(o), d->guest);
	return g && !strcmp(name, g->lock->name);
}

void check_desc_place(struct oracle *o, u64 pa, struct place *at)
{
	const unsigned int shift = oracle_board(o)->f->page_shift;
	const struct part *p = &at->part;
	const unsigned int bits = level_shift(shift, p->level);

	at->d = (struct check_desc){
		.hyp = p->part == PART_HYP_TABLE,
		.guest = p->handle,
		.vmid = p->handle ? guest_vmid(o, p->handle) : oracle_view(o)->host_s2.vmid,
		.level = p->level,
		.ia = p->ia + ((pa & (BIT(shift) - 1)) / 8 << bits),
		.size = BIT(bits),
		.cpus = walkers(o, p),
	};
	at->walked = at->d.cpus;
}

bool check_desc_live(struct oracle *o, const struct check_desc *d, u64 desc)
{
	const struct arch_features *f = oracle_board(o)->f;

	if (!pte_valid(desc))
		return false;
	if (d->level == ARCH_LAST_LEVEL)
		return desc & PTE_TYPE;
	return pte_table(desc, d->level) || d->level >= min_block_level(f->page_shift);
}

u64 check_desc_page(struct oracle *o, const struct check_desc *d, u64 desc)
{
	if (!d->hyp && !d->guest)
		return d->ia;
	return pte_table(desc, d->level) ? NO_PAGE : pa_from_pte(oracle_board(o)->f, desc).pa;
}

/* ---- What TLBs may still know ------------------------------------------------------- */

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

void gone_drop(struct gone_list *l, unsigned int i)
{
	if (i < --l->n)
		memmove(&l->g[i], &l->g[i + 1], (l->n - i) * sizeof(l->g[0]));
}

/*
 * Neighbours of the host's that went the same way are one: what covers both covers it.
 * @d went now, by @cpu, and is no table.
 */
static bool gone_merge(struct gone *g, const struct check_desc *d, unsigned int cpu)
{
	if (g->phase != GONE_STORED || g->walks || g->d.hyp || d->hyp || g->d.guest != d->guest ||
	    g->d.level != d->level || g->grain != d->size || g->hi != d->ia || g->by != cpu ||
	    g->d.cpus != d->cpus)
		return false;
	g->hi = d->ia + d->size;
	return true;
}

void gone_add(struct oracle *o, struct gone_list *l, const struct check_desc *d, u64 old,
	      const struct event *ev)
{
	const bool walks = pte_table(old, d->level);
	struct gone *g;

	if (l->merge && l->n && !walks && gone_merge(&l->g[l->n - 1], d, ev->cpu))
		return;
	if (l->n == GONE_MAX)
		gone_drop(l, 0);
	g = &l->g[l->n++];
	g->d = *d;
	g->old = old;
	g->desc_pa = ev->addr;
	g->lo = d->ia;
	g->hi = d->ia + d->size;
	g->grain = walks && !table_empty(o, old) ? check_page_size(o) : d->size;
	g->phase = GONE_STORED;
	g->by = ev->cpu;
	g->issuer = 0;
	g->combined = false;
	g->walks = walks;
	g->ev = *ev;
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

void gone_tlbi(struct oracle *o, struct gone_list *l, const struct event *ev)
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
