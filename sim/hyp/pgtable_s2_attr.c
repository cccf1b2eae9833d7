// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage 2: what changes a mapping in place. Permissions, access flag, cache
 * maintenance over a range, splitting of blocks. After
 * arch/arm64/kvm/hyp/pgtable.c, v6.12 to v7.2. EL2 of pKVM calls the attribute
 * operations for guests only; flush and split are the host kernel's.
 */
#include "pgtable_priv.h"

struct attr_data {
	u64 set, clr;
	u64 pte; /* last valid leaf visited, as it was */
	s8 level;
};

static int stage2_attr_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	const struct pgtable_mm_ops *ops = pgt->mm_ops;
	struct attr_data *data = ctx->arg;
	u64 pte;

	if (!pte_valid(ctx->old))
		return -EAGAIN;

	data->level = ctx->level;
	data->pte = ctx->old;
	pte = (ctx->old & ~data->clr) | data->set;
	if (pte == ctx->old)
		return 0;

	/* What becomes executable must not meet stale instructions. */
	if (ops->icache_inval_pou && stage2_pte_executable(pgt, pte) &&
	    !stage2_pte_executable(pgt, ctx->old))
		ops->icache_inval_pou(c, pgt->priv, kvm_pte_follow(pgt, pte),
				      kvm_granule_size(pgt, ctx->level));
	return stage2_try_set_pte(c, ctx, pte) ? 0 : -EAGAIN;
}

/* The result of the walk; @data's pte and level are good only if it is 0. */
static int stage2_update_leaf_attrs(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				    struct attr_data *data, u32 walk_flags)
{
	struct pgtable_walker walker = {
		WALKER_CB(stage2_attr_walker),
		.arg = data,
		.flags = walk_flags | WALK_LEAF,
	};

	data->set &= LEAF_ATTR;
	data->clr &= LEAF_ATTR;
	return kvm_pgtable_walk(c, pgt, addr, size, &walker);
}

/* Holes are passed over. The TLB is the caller's business. */
int kvm_pgtable_stage2_wrprotect(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct attr_data data = { .clr = PTE_S2_W };

	HYP_FRAME(c);

	return stage2_update_leaf_attrs(c, pgt, addr, size, &data,
					pgt->v->ignore_eagain_flag ? WALK_IGNORE_EAGAIN : 0);
}

/* v6.12 decides by itself that this is a shared walk, which EL2 cannot do. */
static u32 fault_walk_flags(const struct kvm_pgtable *pgt, u32 walk_flags)
{
	return pgt->v->ignore_eagain_flag ? walk_flags : WALK_HANDLE_FAULT | WALK_SHARED;
}

/* The entry as it was, or 0 after an error (v6.12); always 0 from v7.0 on. */
u64 kvm_pgtable_stage2_mkyoung(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u32 walk_flags)
{
	struct attr_data data = { .set = PTE_AF };

	HYP_FRAME(c);

	if (stage2_update_leaf_attrs(c, pgt, addr, 1, &data, fault_walk_flags(pgt, walk_flags)))
		return 0;
	cpu_dsb(c->cpu, "ishst");
	return pgt->v->mkyoung_returns_pte ? data.pte : 0;
}

/*
 * kvm_pgtable_stage2_relax_perms - add permissions to the leaf at @addr
 *
 * R and W are only ever added. Execution: v6.12 adds; v7.2 replaces the XN field
 * if PX or UX is asked for; v7.0 replaces it always. The address is invalidated
 * on this CPU, after -EAGAIN too. Errors: -EINVAL (software bits; PX and UX
 * differ without FEAT_XNX), those of the walk, -EAGAIN (no leaf there).
 */
int kvm_pgtable_stage2_relax_perms(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 prot,
				   u32 walk_flags)
{
	const struct pgtable_variant *v = pgt->v;
	u64 xn_mask = stage2_xn_mask(pgt);
	struct attr_data data = { 0 };
	int level = TLBI_TTL_UNKNOWN;
	int ret;

	HYP_FRAME(c);

	if (prot & PROT_SW)
		return -EINVAL;
	if (prot & PROT_R)
		data.set |= PTE_S2_R;
	if (prot & PROT_W)
		data.set |= PTE_S2_W;
	if ((prot & PROT_X) || v->relax_replaces_xn_always) {
		u64 xn = 0;

		ret = stage2_set_xn_attr(pgt, prot, &xn);
		if (ret)
			return ret;
		data.set |= xn;
		data.clr |= xn_mask & ~xn;
	}

	ret = stage2_update_leaf_attrs(c, pgt, addr, 1, &data, fault_walk_flags(pgt, walk_flags));
	if (!ret)
		level = data.level;
	if (!ret || ret == -EAGAIN)
		kvm_tlb_flush_vmid_ipa_nsh(c, pgt, addr, level);
	return ret;
}

struct age_data {
	bool mkold, young;
};

static int stage2_age_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct age_data *data = ctx->arg;

	if (!pte_valid(ctx->old) || !(ctx->old & PTE_AF))
		return 0;
	data->young = true;
	if (data->mkold && !stage2_try_set_pte(c, ctx, ctx->old & ~PTE_AF))
		return -EAGAIN;
	return 0;
}

/* Was any leaf of the range used? WARNs if the range cannot be walked. No TLBI. */
bool kvm_pgtable_stage2_test_clear_young(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr,
					 u64 size, bool mkold)
{
	struct age_data data = { .mkold = mkold };
	struct pgtable_walker walker = { WALKER_CB(stage2_age_walker), .arg = &data,
					 .flags = WALK_LEAF };

	HYP_FRAME(c);

	WARN_ON(c, kvm_pgtable_walk(c, pgt, addr, size, &walker) != 0);
	return data.young;
}

static int stage2_flush_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct kvm_pgtable *pgt = ctx->pgt;

	if (stage2_pte_cacheable(pgt, ctx->old) && pgt->mm_ops->dcache_clean_inval_poc)
		pgt->mm_ops->dcache_clean_inval_poc(c, pgt->priv, kvm_pte_follow(pgt, ctx->old),
						    kvm_granule_size(pgt, ctx->level));
	return 0;
}

/* Clean and invalidate what the range maps cacheable; nothing to do with FWB. */
int kvm_pgtable_stage2_flush(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgtable_walker walker = { WALKER_CB(stage2_flush_walker), .flags = WALK_LEAF };

	HYP_FRAME(c);

	if (stage2_has_fwb(pgt))
		return 0;
	return kvm_pgtable_walk(c, pgt, addr, size, &walker);
}

/*
 * kvm_pgtable_stage2_create_unlinked - a table that maps what a block would
 *
 * The table, in *@table_ret, is to stand in the place of a block at @level that
 * maps @phys. -EINVAL: @phys is not aligned to that block, or attributes that
 * cannot be; -ENOMEM. On error nothing is left.
 */
int kvm_pgtable_stage2_create_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 phys,
				       s8 level, u64 prot, void *mc, bool force_pte,
				       pa_t *table_ret)
{
	pa_t table;
	u64 attr;
	int ret;

	HYP_FRAME(c);

	if (!IS_ALIGNED(phys, kvm_granule_size(pgt, level)))
		return -EINVAL;
	ret = stage2_set_prot_attr(pgt, prot, &attr);
	if (ret)
		return ret;
	table = pgt->mm_ops->zalloc_page(c, pgt->priv, mc);
	if (!table.pa)
		return -ENOMEM;

	ret = stage2_fill_unlinked(c, pgt, table, level, phys, attr, mc, force_pte);
	if (ret) {
		kvm_pgtable_stage2_free_unlinked(c, pgt, table, level);
		return ret;
	}
	*table_ret = table;
	return 0;
}

/* Tables needed to map a block of @level by pages. */
static int block_page_tables(const struct kvm_pgtable *pgt, int level)
{
	switch (level) {
	case 1:
		return (int)table_entries(pgt->f->page_shift) + 1;
	case 2:
		return 1;
	default:
		return -EINVAL;
	}
}

static int stage2_split_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	void *mc = ctx->arg;
	bool force_pte = true;
	int needed, have;
	pa_t child;
	int ret;

	if (ctx->level == ARCH_LAST_LEVEL || !pte_valid(ctx->old))
		return 0;
	needed = block_page_tables(pgt, ctx->level);
	if (needed < 0)
		return needed;

	/* Too few for all: one level now, the walk then splits what it finds below. */
	have = (int)pgt->mm_ops->mc_pages(c, pgt->priv, mc);
	if (have < needed) {
		force_pte = false;
		needed = 1;
	}
	if (have < needed)
		return -ENOMEM;

	ret = kvm_pgtable_stage2_create_unlinked(c, pgt, kvm_pte_to_phys(pgt, ctx->old), ctx->level,
						 kvm_pgtable_stage2_pte_prot(pgt, ctx->old), mc,
						 force_pte, &child);
	if (ret)
		return ret;
	if (!stage2_try_break_pte(c, ctx)) {
		kvm_pgtable_stage2_free_unlinked(c, pgt, child, ctx->level);
		return -EAGAIN;
	}
	stage2_make_pte(c, ctx, kvm_init_table_pte(pgt, child));
	return 0;
}

/*
 * kvm_pgtable_stage2_split - turn the blocks of a range into pages
 *
 * The memory type is not kept: device and NORMAL_NC blocks become NORMAL pages.
 * -ENOMEM: @mc ran out; what was split stays so. Needs mc_pages().
 */
int kvm_pgtable_stage2_split(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
			     void *mc)
{
	struct pgtable_walker walker = { WALKER_CB(stage2_split_walker), .arg = mc,
					 .flags = WALK_LEAF };
	int ret;

	HYP_FRAME(c);

	ret = kvm_pgtable_walk(c, pgt, addr, size, &walker);
	cpu_dsb(c->cpu, "ishst");
	return ret;
}
