// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Helpers of the checkers: see check.h. Read from Arm's architecture and the
 * layout that EL2 publishes, from no code of any EL2.
 */
#include <string.h>

#include "check.h"

/* It left a lock behind. */
bool check_stuck(struct oracle *o)
{
	const struct spinlock *l = oracle_board(o)->locks;

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

struct record_map check_record_map(const struct el2_layout *l, u8 page_shift)
{
	struct record_map m = { .page_mask = BIT(page_shift) - 1,
				.page_shift = page_shift,
				.entry_shift = (u8)__builtin_ctz(l->hyp_page_size),
				.entry_mask = (u8)(l->hyp_page_size - 1) };

	if (l->has_state)
		m.field[l->state_off] = RECORD_STATE | 1 << 4;
	m.field[l->order_off] = (u8)(RECORD_ORDER | l->order_width << 4);
	m.field[l->refcount_off] = (u8)(RECORD_COUNT | l->refcount_width << 4);
	return m;
}

/* CPUs whose walks may read the table: one bit each. A guest may run on any. */
static u64 walkers(struct oracle *o, const struct part *p)
{
	if (p->part == PART_HOST_TABLE)
		return oracle_s2_on(o);
	if (p->part == PART_HYP_TABLE && !oracle_view(o)->initialised)
		return 0;
	return GENMASK(oracle_board(o)->n_cpus - 1, 0);
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

struct check_desc check_desc_at(struct oracle *o, u64 pa, const struct part *p)
{
	const unsigned int shift = oracle_board(o)->f->page_shift;
	const unsigned int bits = level_shift(shift, p->level);

	return (struct check_desc){
		.hyp = p->part == PART_HYP_TABLE,
		.guest = p->handle,
		.vmid = p->handle ? guest_vmid(o, p->handle) : oracle_view(o)->host_s2.vmid,
		.level = p->level,
		.ia = p->ia + ((pa & (BIT(shift) - 1)) / 8 << bits),
		.size = BIT(bits),
		.cpus = walkers(o, p),
	};
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
