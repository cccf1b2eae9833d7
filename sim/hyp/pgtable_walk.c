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

struct walk;
typedef int (*walk_fn)(struct walk *w, pa_t table, int level, unsigned int shift);

struct walk {
	struct hyp_cpu *c;
	struct pgtable_walker *walker;
	struct pgtable_visit_ctx ctx; /* as the visitor is shown it */
	u64 addr, page_size;
	unsigned int level_bits; /* of the address, an entry's number */
	walk_fn table;
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
static inline bool walk_continue(const struct walk *w, int r)
{
	if (likely(!r))
		return true;
	if (r != -EAGAIN)
		return false;
	if (w->ctx.pgt->v->ignore_eagain_flag)
		return w->ctx.flags & WALK_IGNORE_EAGAIN;
	return !(w->ctx.flags & WALK_HANDLE_FAULT);
}

static inline int visit(struct walk *w, u32 what)
{
	return w->walker->cb(w->c, &w->ctx, what);
}

/* True if the entry that is looked at is a table. @quiet: its table's bytes, or NULL. */
static inline bool load_entry(struct walk *w, const u8 *quiet, u64 off, int level)
{
	w->ctx.old = quiet ? *(const volatile u64 *)(quiet + off)
			   : mem_load64(w->c->cpu, w->ctx.ptep, MO_ONCE);
	return pte_table(w->ctx.old, level);
}

/*
 * The entries of @table from w->addr on, which is below the end; each translates 2^@shift
 * bytes. The callback may have changed an entry: what to descend into is read again.
 * @below: the same for the tables below; @quiet: as load_entry().
 */
static inline __attribute__((always_inline)) int walk_entries(struct walk *w, pa_t table, int level,
							      unsigned int shift, const u8 *quiet,
							      walk_fn below)
{
	struct pgtable_visit_ctx *const ctx = &w->ctx;
	u64 off = (w->addr >> shift) * sizeof(u64) & (w->page_size - 1);

	do {
		const u64 addr = w->addr;
		bool is_table;
		int ret;

		ctx->ptep = pa_add(table, off);
		ctx->addr = addr;
		ctx->level = (s8)level;
		is_table = load_entry(w, quiet, off, level);
		if (ctx->flags & (is_table ? WALK_TABLE_PRE : WALK_LEAF)) {
			ret = visit(w, is_table ? WALK_TABLE_PRE : WALK_LEAF);
			if (likely(!ctx->pgt->v->no_reload_after_pre) || !is_table)
				is_table = load_entry(w, quiet, off, level);
			if (!walk_continue(w, ret))
				return ret;
		}
		if (!is_table) {
			w->addr = ((addr >> shift) + 1) << shift;
		} else {
			const u64 old = ctx->old;

			ret = below(w, kvm_pte_follow(ctx->pgt, old), level + 1,
				    shift - w->level_bits);
			if (ret)
				return ret;
			if (ctx->flags & WALK_TABLE_POST) {
				ctx->ptep = pa_add(table, off);
				ctx->old = old;
				ctx->addr = addr;
				ctx->level = (s8)level;
				ret = visit(w, WALK_TABLE_POST);
				if (!walk_continue(w, ret))
					return ret;
			}
		}
		off += sizeof(u64);
	} while (w->addr < ctx->end && off < w->page_size);
	return 0;
}

static int walk_table(struct walk *w, pa_t table, int level, unsigned int shift)
{
	return walk_entries(w, table, level, shift, NULL, walk_table);
}

/* Where nobody hears of loads: a walk may look at a great many entries. */
static int walk_quiet(struct walk *w, pa_t table, int level, unsigned int shift)
{
	const u8 *quiet = mem_quiet_load(w->c->cpu, table, w->page_size);

	return walk_entries(w, table, level, shift, quiet, walk_quiet);
}

static inline void walk_init(struct walk *w, struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 start,
			     u64 end, struct pgtable_walker *walker)
{
	const unsigned int page_shift = pgt->f->page_shift;

	w->c = c;
	w->walker = walker;
	w->addr = start;
	w->page_size = BIT(page_shift);
	w->level_bits = page_shift - 3;
	w->table = unlikely(c->cpu->board->watched) ? walk_table : walk_quiet;
	w->ctx.pgt = pgt;
	w->ctx.arg = walker->arg;
	w->ctx.start = start;
	w->ctx.end = end;
	w->ctx.flags = walker->flags;
}

int __kvm_pgtable_walk(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table, int level, u64 start,
		       u64 end, struct pgtable_walker *walker)
{
	struct walk w;

	if (WARN_ON(c, level < ARCH_MIN_LEVEL || level > ARCH_LAST_LEVEL))
		return -EINVAL;
	walk_init(&w, c, pgt, start, end, walker);
	return w.table(&w, table, level, level_shift(pgt->f->page_shift, level));
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
	const u64 page = pgt_page_size(pgt), limit = BIT(pgt->mmu.ia_bits);
	const u64 start = ALIGN_DOWN(addr, page), end = ALIGN_UP(start + size, page);
	const int level = pgt->mmu.start_level;
	const unsigned int shift = level_shift(pgt->f->page_shift, level);
	struct frame visitor = { .fn = walker->name };
	struct walk w;
	pa_t table;
	int ret = 0;

	HYP_FRAME(c);

	if ((walker->flags & WALK_SHARED) && !c->el1_build)
		return -EPERM;
	if (start > limit || end > limit)
		return -ERANGE;
	if (!pgt->mmu.root.pa)
		return -EINVAL;

	/* Reports name the visitor, not the walk. */
	visitor.up = c->cpu->frame;
	c->cpu->frame = &visitor;
	walk_init(&w, c, pgt, start, end, walker);
	/* Concatenated start tables are one array of entries in memory. */
	table = pa_add(pgt->mmu.root, ALIGN_DOWN((start & (limit - 1)) >> shift << 3, page));
	for (; w.addr < end; table = pa_add(table, page)) {
		ret = w.table(&w, table, level, shift);
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
