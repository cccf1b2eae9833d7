// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's own stage 1: init, map, unmap, destroy. After the hyp half of
 * arch/arm64/kvm/hyp/pgtable.c, v6.12 to v7.2.
 *
 * There is no break-before-make here: entries are stored as they become, and
 * the only TLBI is that of unmap.
 */
#include "pgtable_priv.h"

struct hyp_map_data {
	u64 phys;
	u64 attr;
};

/*
 * kvm_pgtable_hyp_init - an empty stage 1 for @va_bits bits of input address
 *
 * -EINVAL: no start level -1..3 for them; -ENOMEM: no page for the start table.
 */
int kvm_pgtable_hyp_init(struct hyp_cpu *c, struct kvm_pgtable *pgt, u32 va_bits)
{
	int start_level = s1_start_level(pgt->f->page_shift, va_bits);

	HYP_FRAME(c);

	if (start_level < ARCH_MIN_LEVEL || start_level > ARCH_LAST_LEVEL)
		return -EINVAL;

	pgt->mmu = (struct mmu_table){
		.stage = 1,
		.ia_bits = (u8)va_bits,
		.start_level = (s8)start_level,
		.f = pgt->f,
	};
	pgt->force_pte = NULL;
	pgt->parange_max = kvm_parange_max(pgt->f);
	pgt->mmu.root = pgt->mm_ops->zalloc_page(c, pgt->priv, NULL);
	return pgt->mmu.root.pa ? 0 : -ENOMEM;
}

/*
 * True if the leaf stands. A live leaf that differs in more than its software
 * bits is WARNed about and then treated as if no leaf could stand here: the
 * caller overwrites it with a table.
 */
static bool hyp_map_walker_try_leaf(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx,
				    struct hyp_map_data *data)
{
	u64 phys = data->phys + (ctx->addr - ctx->start);
	u64 new_pte;

	if (!kvm_block_mapping_supported(ctx, phys))
		return false;

	new_pte = kvm_init_valid_leaf_pte(ctx->pgt, phys, data->attr, ctx->level);
	if (ctx->old == new_pte)
		return true;
	if (!pte_valid(ctx->old))
		get_container(c, ctx);
	else if (WARN_ON(c, (ctx->old ^ new_pte) & ~PTE_SW))
		return false;

	mem_store64(c->cpu, ctx->ptep, new_pte, MO_RELEASE);
	return true;
}

static int hyp_map_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	pa_t child;

	if (hyp_map_walker_try_leaf(c, ctx, ctx->arg))
		return 0;
	if (WARN_ON(c, ctx->level == ARCH_LAST_LEVEL))
		return -EINVAL;

	child = pgt->mm_ops->zalloc_page(c, pgt->priv, NULL);
	if (!child.pa)
		return -ENOMEM;

	/* Counted even where a block stood: see the WARN above. */
	get_container(c, ctx);
	mem_store64(c->cpu, ctx->ptep, kvm_init_table_pte(pgt, child), MO_RELEASE);
	return 0;
}

/*
 * kvm_pgtable_hyp_map - map [addr, addr + size) to @phys, rounded down to a page
 *
 * -EINVAL: attributes that cannot be (before the walk, no barrier); then the
 * errors of the walk, and -ENOMEM. What was mapped before an error stays.
 */
int kvm_pgtable_hyp_map(struct hyp_cpu *c, struct kvm_pgtable *pgt, va_t addr, u64 size, pa_t phys,
			u64 prot)
{
	struct hyp_map_data data = { .phys = ALIGN_DOWN(phys.pa, pgt_page_size(pgt)) };
	struct pgtable_walker walker = { WALKER_CB(hyp_map_walker), .arg = &data,
					 .flags = WALK_LEAF };
	int ret;

	HYP_FRAME(c);

	ret = hyp_set_prot_attr(pgt, prot, &data.attr);
	if (ret)
		return ret;
	ret = kvm_pgtable_walk(c, pgt, addr.va, size, &walker);
	cpu_dsb(c->cpu, "ishst");
	cpu_isb(c->cpu);
	return ret;
}

static void hyp_tlbi_va(struct hyp_cpu *c, enum tlbi_op op, u64 va, s8 level)
{
	cpu_dsb(c->cpu, "ishst");
	cpu_tlbi(c->cpu, &(struct tlbi){ .op = op, .level = level, .addr = va });
}

static int hyp_unmap_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	u64 granule = kvm_granule_size(ctx->pgt, ctx->level);
	u64 *unmapped = ctx->arg;
	pa_t child = PA(0);

	if (!pte_valid(ctx->old))
		return -EINVAL;

	if (pte_table(ctx->old, ctx->level)) {
		child = kvm_pte_follow(ctx->pgt, ctx->old);
		if (table_count(c, ctx, child) != 1)
			return 0;
		clear_pte(c, ctx);
		hyp_tlbi_va(c, TLBI_VAE2IS, ctx->addr, -1);
	} else {
		if (ctx->end - ctx->addr < granule)
			return -EINVAL;
		clear_pte(c, ctx);
		hyp_tlbi_va(c, TLBI_VALE2IS, ctx->addr, ctx->level);
		*unmapped += granule;
	}

	cpu_dsb(c->cpu, "ish");
	cpu_isb(c->cpu);
	put_container(c, ctx);
	if (child.pa)
		put_table(c, ctx, child);
	return 0;
}

/*
 * kvm_pgtable_hyp_unmap - how many bytes were unmapped
 *
 * Stops at the first hole, and at a block that reaches beyond the range. Before
 * there are reference counts (early boot) it does nothing and gives 0.
 */
u64 kvm_pgtable_hyp_unmap(struct hyp_cpu *c, struct kvm_pgtable *pgt, va_t addr, u64 size)
{
	u64 unmapped = 0;
	struct pgtable_walker walker = {
		WALKER_CB(hyp_unmap_walker),
		.arg = &unmapped,
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};

	HYP_FRAME(c);

	if (!pgt->mm_ops->page_count)
		return 0;
	kvm_pgtable_walk(c, pgt, addr.va, size, &walker);
	return unmapped;
}

static int hyp_free_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	if (!pte_valid(ctx->old))
		return 0;
	put_container(c, ctx);
	if (pte_table(ctx->old, ctx->level))
		put_table(c, ctx, kvm_pte_follow(ctx->pgt, ctx->old));
	return 0;
}

/* Frees every table. Entries are not cleared and no TLB is told. */
void kvm_pgtable_hyp_destroy(struct hyp_cpu *c, struct kvm_pgtable *pgt)
{
	struct pgtable_walker walker = {
		WALKER_CB(hyp_free_walker),
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};

	HYP_FRAME(c);

	WARN_ON(c, kvm_pgtable_walk(c, pgt, 0, BIT(pgt->mmu.ia_bits), &walker) != 0);
	pgt->mm_ops->put_page(c, pgt->priv, pgt->mmu.root);
	pgt->mmu.root = PA(0);
}
