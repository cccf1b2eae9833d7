// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage 2: how entries and tables go away. Unmap, freeing of subtrees that are
 * no longer linked, destroy. After arch/arm64/kvm/hyp/pgtable.c, v6.12 to v7.2,
 * and patch 01 of the March 2026 series for what unmap does with an annotation.
 */
#include "pgtable_priv.h"

/*
 * One range invalidation after the walk instead of one per leaf: only where the
 * TLB takes ranges, and where no cache must be cleaned through the old mapping.
 */
static bool stage2_unmap_defer_tlb_flush(const struct kvm_pgtable *pgt)
{
	return pgt->f->tlbirange && stage2_has_fwb(pgt);
}

static void stage2_unmap_put_pte(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx)
{
	struct kvm_pgtable *pgt = ctx->pgt;

	clear_pte(c, ctx);
	if (pte_table(ctx->old, ctx->level))
		kvm_tlb_flush_vmid_ipa(c, pgt, ctx->addr, TLBI_TTL_UNKNOWN);
	else if (!stage2_unmap_defer_tlb_flush(pgt))
		kvm_tlb_flush_vmid_ipa(c, pgt, ctx->addr, ctx->level);
	put_container(c, ctx);
}

/* An invalid entry that counts: somebody's annotation. */
static int stage2_unmap_annotated(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx)
{
	switch (ctx->pgt->v->unmap_annotated) {
	case S2_UNMAP_EPERM:
		return -EPERM;
	case S2_UNMAP_SKIP:
		return 0;
	default:
		clear_pte(c, ctx);
		put_container(c, ctx);
		return 0;
	}
}

static int stage2_unmap_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	bool need_flush = false;
	pa_t child = PA(0);

	if (!pte_valid(ctx->old))
		return ctx->old ? stage2_unmap_annotated(c, ctx) : 0;

	if (pte_table(ctx->old, ctx->level)) {
		child = kvm_pte_follow(pgt, ctx->old);
		if (table_count(c, ctx, child) != 1)
			return 0;
	} else {
		need_flush = !stage2_has_fwb(pgt) && stage2_pte_cacheable(pgt, ctx->old);
	}

	stage2_unmap_put_pte(c, ctx);

	if (need_flush && pgt->mm_ops->dcache_clean_inval_poc)
		pgt->mm_ops->dcache_clean_inval_poc(c, pgt->priv, kvm_pte_follow(pgt, ctx->old),
						    kvm_granule_size(pgt, ctx->level));
	if (child.pa)
		put_table(c, ctx, child);
	return 0;
}

/*
 * kvm_pgtable_stage2_unmap - remove what maps [addr, addr + size)
 *
 * A block goes as a whole, even if the range covers part of it. Tables that
 * become empty are freed. Errors: those of the walk; -EPERM at an annotation,
 * where the variant says so: the entries before it are gone, the rest stays.
 */
int kvm_pgtable_stage2_unmap(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgtable_walker walker = {
		WALKER_CB(stage2_unmap_walker),
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};
	int ret;

	HYP_FRAME(c);

	ret = kvm_pgtable_walk(c, pgt, addr, size, &walker);
	if (stage2_unmap_defer_tlb_flush(pgt))
		kvm_tlb_flush_vmid_range(c, pgt, addr, size >> pgt->f->page_shift);
	return ret;
}

/*
 * Drop the references of a subtree. From v7.0 on (fix of Sep 2025) a table that
 * still has entries stays, and the entry of one that is freed is cleared.
 */
static int stage2_free_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	pa_t child;

	if (!ctx->old)
		return 0;
	if (visit == WALK_LEAF) {
		put_container(c, ctx);
		return 0;
	}

	child = kvm_pte_follow(ctx->pgt, ctx->old);
	if (ctx->pgt->v->free_empty_only && table_count(c, ctx, child) != 1)
		return 0;
	put_container(c, ctx);
	put_table(c, ctx, child);
	if (ctx->pgt->v->free_empty_only)
		clear_pte(c, ctx);
	return 0;
}

/*
 * kvm_pgtable_stage2_free_unlinked - free a subtree that nothing refers to
 *
 * @table: the page that an entry at @level named. No TLB is told.
 */
void kvm_pgtable_stage2_free_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table,
				      s8 level)
{
	struct pgtable_walker walker = {
		WALKER_CB(stage2_free_walker),
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};

	HYP_FRAME(c);

	WARN_ON(c, __kvm_pgtable_walk(c, pgt, table, level + 1, 0, kvm_granule_size(pgt, level),
				      &walker) != 0);
	WARN_ON(c, pgt->mm_ops->page_count(c, pgt->priv, table) != 1);
	if (!pgt->v->keeps_unlinked_root)
		pgt->mm_ops->put_page(c, pgt->priv, table);
}

/*
 * kvm_pgtable_stage2_destroy - free all tables, the start tables last
 *
 * Leaves are not cleared and no TLB is told. Needs free_pages_exact().
 */
void kvm_pgtable_stage2_destroy(struct hyp_cpu *c, struct kvm_pgtable *pgt)
{
	struct pgtable_walker walker = {
		WALKER_CB(stage2_free_walker),
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};
	unsigned int shift = pgt->f->page_shift;

	HYP_FRAME(c);

	WARN_ON(c, kvm_pgtable_walk(c, pgt, 0, BIT(pgt->mmu.ia_bits), &walker) != 0);
	pgt->mm_ops->free_pages_exact(c, pgt->priv, pgt->mmu.root,
				      (u64)s2_pgd_pages(shift, pgt->mmu.ia_bits) << shift);
	pgt->mmu.root = PA(0);
}
