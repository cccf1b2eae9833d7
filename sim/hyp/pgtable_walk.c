// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walker of the page-table library, get_leaf, and what a release's library
 * is (struct pgtable_variant). After arch/arm64/kvm/hyp/pgtable.c.
 *
 * The current address moves only past leaves: a table is left when the walk of
 * its entries has moved the address out of it. Nothing is rolled back: a walk
 * that stops leaves everything as it was at that moment.
 */
#include "pgtable_priv.h"

struct walk_data {
	struct pgtable_walker *walker;
	u64 start, addr, end;
};

struct pgtable_variant pgtable_variant_of(enum profile_id p, u8 unmap_annotated)
{
	const bool v6_12 = p == PROFILE_V6_12;
	const bool v7_0 = p == PROFILE_V7_0;
	const bool v7_2 = p == PROFILE_V7_2;

	return (struct pgtable_variant){
		.typed_annotations = v7_2,
		.ignore_eagain_flag = !v6_12,
		.xn_two_bits = !v6_12,
		.nofwb_flag = v6_12,
		.free_empty_only = !v6_12,
		.set_owner_by_pa = v6_12,
		.relax_replaces_xn_always = v7_0,
		.icache_xn_zero_only = v7_0,
		.hyp_drops_ux = !v6_12,
		.hvhe_pxn = !v6_12,
		.mkyoung_returns_pte = v6_12,
		.unmap_annotated = unmap_annotated,
	};
}

bool kvm_phys_is_valid(const struct kvm_pgtable *pgt, u64 phys)
{
	return !pgt->v->set_owner_by_pa || phys < BIT(pgt->parange_max);
}

static bool level_has_blocks(const struct kvm_pgtable *pgt, int level)
{
	return level >= min_block_level(pgt->f->page_shift) ||
	       (pgt->v->s1_block_anywhere && pgt->mmu.stage == 1);
}

bool kvm_block_mapping_supported(const struct pgtable_visit_ctx *ctx, u64 phys)
{
	u64 granule = kvm_granule_size(ctx->pgt, ctx->level);

	if (!level_has_blocks(ctx->pgt, ctx->level))
		return false;
	if (granule > ctx->end - ctx->addr)
		return false;
	if (!IS_ALIGNED(phys, granule) && kvm_phys_is_valid(ctx->pgt, phys))
		return false;
	return IS_ALIGNED(ctx->addr, granule);
}

/*
 * Does a walk go on after @r? Bit 4 of the flags says what -EAGAIN means, and
 * says the opposite on v6.12 (HANDLE_FAULT) and from v7.0 on (IGNORE_EAGAIN).
 */
static inline bool walk_continue(const struct kvm_pgtable *pgt, const struct pgtable_walker *w,
				 int r)
{
	if (likely(!r))
		return true;
	if (r != -EAGAIN)
		return false;
	if (pgt->v->ignore_eagain_flag)
		return w->flags & WALK_IGNORE_EAGAIN;
	return !(w->flags & WALK_HANDLE_FAULT);
}

/*
 * The table's entries in memory, for loads that nobody hears of; NULL: each goes its way.
 * A page of memory stays where it is as long as the machine runs.
 */
static const u64 *table_bytes(struct hyp_cpu *c, const struct kvm_pgtable *pgt, pa_t table)
{
	struct board *b = c->cpu->board;
	const struct extent *e = b->watched ? NULL : extent_at(b, table.pa);

	if (!e || e->size - (table.pa - e->base) < pgt_page_size(pgt))
		return NULL;
	return (const u64 *)(e->bytes + (table.pa - e->base));
}

static inline u64 load_entry(struct hyp_cpu *c, const u64 *entry, pa_t ptep)
{
	return likely(entry) ? *(const volatile u64 *)entry : mem_load64(c->cpu, ptep, MO_ONCE);
}

static int walk_table(struct hyp_cpu *c, struct kvm_pgtable *pgt, struct walk_data *d, pa_t table,
		      int level);

/* One entry, of which @ctx knows the place; @entry: the same in memory, or NULL. */
static inline int walk_visit(struct hyp_cpu *c, struct walk_data *d, struct pgtable_visit_ctx *ctx,
			     const u64 *entry)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	struct pgtable_walker *w = d->walker;
	const int level = ctx->level;
	bool table;
	u32 visit;
	int ret = 0;

	ctx->old = load_entry(c, entry, ctx->ptep);
	ctx->addr = d->addr;
	table = pte_table(ctx->old, level);
	visit = w->flags & (table ? WALK_TABLE_PRE : WALK_LEAF);

	/* The callback may have changed the entry: what to descend into is read again. */
	if (visit) {
		ret = w->cb(c, ctx, visit);
		if (!(unlikely(table) && pgt->v->no_reload_after_pre)) {
			ctx->old = load_entry(c, entry, ctx->ptep);
			table = pte_table(ctx->old, level);
		}
	}
	if (!walk_continue(pgt, w, ret))
		return ret;

	if (!table) {
		u64 granule = kvm_granule_size(pgt, level);

		d->addr = ALIGN_DOWN(d->addr, granule) + granule;
		return 0;
	}

	ret = walk_table(c, pgt, d, kvm_pte_follow(pgt, ctx->old), level + 1);
	if (!walk_continue(pgt, w, ret))
		return ret;
	if (w->flags & WALK_TABLE_POST)
		ret = w->cb(c, ctx, WALK_TABLE_POST);
	return walk_continue(pgt, w, ret) ? 0 : ret;
}

static int walk_table(struct hyp_cpu *c, struct kvm_pgtable *pgt, struct walk_data *d, pa_t table,
		      int level)
{
	const unsigned int n = table_entries(pgt->f->page_shift);
	const u64 *const bytes = table_bytes(c, pgt, table);
	struct pgtable_visit_ctx ctx = {
		.pgt = pgt,
		.arg = d->walker->arg,
		.start = d->start,
		.end = d->end,
		.level = (s8)level,
		.flags = d->walker->flags,
	};
	unsigned int idx;
	int ret = 0;

	if (WARN_ON(c, level < ARCH_MIN_LEVEL || level > ARCH_LAST_LEVEL))
		return -EINVAL;

	idx = (unsigned int)(d->addr >> level_shift(pgt->f->page_shift, level)) & (n - 1);
	for (; idx < n && d->addr < d->end; idx++) {
		ctx.ptep = pa_add(table, idx * sizeof(u64));
		ret = walk_visit(c, d, &ctx, bytes ? bytes + idx : NULL);
		if (ret)
			break;
	}
	return ret;
}

int __kvm_pgtable_walk(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table, int level, u64 start,
		       u64 end, struct pgtable_walker *walker)
{
	struct walk_data d = { .walker = walker, .start = start, .addr = start, .end = end };

	return walk_table(c, pgt, &d, table, level);
}

/*
 * kvm_pgtable_walk - visit every entry that translates [addr, addr + size)
 *
 * @addr is rounded down to a page first, then the end is rounded up: the offset
 * of @addr in its page does not lengthen the range. Ranges that are empty or
 * wrap visit nothing and give 0.
 *
 * Errors, in this order: -EPERM (a SHARED walk at EL2), -ERANGE (beyond
 * 2^ia_bits), -EINVAL (no start table), then what the callback gave, unless it
 * was an -EAGAIN that the flags say to pass over.
 */
int kvm_pgtable_walk(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
		     struct pgtable_walker *walker)
{
	unsigned int shift = pgt->f->page_shift;
	const u64 page = BIT(shift), limit = BIT(pgt->mmu.ia_bits);
	struct walk_data d = { .walker = walker };
	struct frame visitor = { .fn = walker->name };
	int level = pgt->mmu.start_level;
	u64 idx;
	int ret = 0;

	HYP_FRAME(c);

	d.start = d.addr = ALIGN_DOWN(addr, page);
	d.end = ALIGN_UP(d.addr + size, page);

	if ((walker->flags & WALK_SHARED) && !c->el1_build)
		return -EPERM;
	if (d.addr > limit || d.end > limit)
		return -ERANGE;
	if (!pgt->mmu.root.pa)
		return -EINVAL;

	/* Reports name the visitor, not the walk. */
	visitor.up = c->cpu->frame;
	c->cpu->frame = &visitor;
	/* Concatenated start tables are one array of entries in memory. */
	idx = (d.addr & (limit - 1)) >> level_shift(shift, level - 1);
	for (; d.addr < d.end; idx++) {
		ret = walk_table(c, pgt, &d, pa_add(pgt->mmu.root, idx << shift), level);
		if (ret)
			break;
	}
	c->cpu->frame = visitor.up;
	return ret;
}

struct leaf_data {
	u64 pte;
	s8 level;
};

static int leaf_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct leaf_data *data = ctx->arg;

	data->pte = ctx->old;
	data->level = ctx->level;
	return 0;
}

/*
 * kvm_pgtable_get_leaf - the entry at which the translation of @addr ends
 *
 * Valid, annotated or 0; a hole gives 0 and the level at which it begins. At or
 * beyond 2^ia_bits: -ERANGE, nothing written. @pte and @level may be NULL.
 */
int kvm_pgtable_get_leaf(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 *pte, s8 *level)
{
	struct leaf_data data = { 0 };
	struct pgtable_walker walker = { WALKER_CB(leaf_walker), .arg = &data, .flags = WALK_LEAF };
	int ret;

	HYP_FRAME(c);

	ret = kvm_pgtable_walk(c, pgt, ALIGN_DOWN(addr, pgt_page_size(pgt)), pgt_page_size(pgt),
			       &walker);
	if (ret)
		return ret;
	if (pte)
		*pte = data.pte;
	if (level)
		*level = data.level;
	return 0;
}
