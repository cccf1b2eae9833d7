// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage 2: init, map, and annotations of who owns what is not mapped. After
 * arch/arm64/kvm/hyp/pgtable.c, v6.12 to v7.2.
 *
 * A change of a live entry is break-before-make: the entry becomes the locked
 * value, the TLBs forget it, its reference goes, then the new value is stored
 * with release. A fresh entry takes the same way, less the TLBI.
 */
#include "pgtable_priv.h"

struct stage2_map_data {
	u64 phys;
	u64 attr;
	u64 annotation; /* the invalid entry to write */
	bool is_annotation;
	bool force_pte;
	void *mc;
};

unsigned int kvm_parange_max(const struct arch_features *f)
{
	if (f->lpa2 || (f->page_shift == 16 && f->pa_bits == 52))
		return 52;
	return 48;
}

/*
 * kvm_pgtable_stage2_init - an empty stage 2 for @ia_bits bits of IPA
 *
 * Allocates 1 to 16 concatenated start tables. -ENOMEM: no room for them.
 */
int kvm_pgtable_stage2_init(struct hyp_cpu *c, struct kvm_pgtable *pgt, unsigned int ia_bits)
{
	unsigned int shift = pgt->f->page_shift;
	pa_t pgd;

	HYP_FRAME(c);

	pgd = pgt->mm_ops->zalloc_pages_exact(c, pgt->priv,
					      (u64)s2_pgd_pages(shift, ia_bits) << shift);
	if (!pgd.pa)
		return -ENOMEM;

	pgt->mmu.stage = 2;
	pgt->mmu.ia_bits = (u8)ia_bits;
	pgt->mmu.start_level = (s8)s2_start_level(shift, ia_bits);
	pgt->mmu.root = pgd;
	pgt->mmu.f = pgt->f;
	pgt->parange_max = kvm_parange_max(pgt->f);

	/* The start tables are zero before the MMU is told of them. */
	cpu_dsb(c->cpu, "ishst");
	return 0;
}

/* ---- break-before-make ---- */

static u64 locked_pte(const struct kvm_pgtable *pgt)
{
	if (pgt->v->typed_annotations)
		return FIELD_PREP(INVALID_TYPE, ANNOTATION_LOCKED);
	return INVALID_LOCKED;
}

static bool pte_locked(const struct kvm_pgtable *pgt, u64 pte)
{
	if (pte_valid(pte))
		return false;
	if (pgt->v->typed_annotations)
		return FIELD_GET(INVALID_TYPE, pte) == ANNOTATION_LOCKED;
	return pte & INVALID_LOCKED;
}

bool stage2_try_set_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, u64 new_pte)
{
	if (walk_shared(ctx))
		return mem_cmpxchg64(c->cpu, ctx->ptep, ctx->old, new_pte, MO_ONCE);
	mem_store64(c->cpu, ctx->ptep, new_pte, MO_ONCE);
	return true;
}

bool stage2_try_break_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx)
{
	struct kvm_pgtable *pgt = ctx->pgt;

	if (unlikely(pte_locked(pgt, ctx->old))) {
		/* Somebody else is at it, which only a shared walk may meet. */
		WARN_ON(c, !walk_shared(ctx));
		return false;
	}
	if (!stage2_try_set_pte(c, ctx, locked_pte(pgt)))
		return false;

	if (!(ctx->flags & WALK_SKIP_BBM_TLBI)) {
		if (pte_table(ctx->old, ctx->level)) {
			u64 granule = kvm_granule_size(pgt, ctx->level);

			kvm_tlb_flush_vmid_range(c, pgt, ALIGN_DOWN(ctx->addr, granule),
						 granule >> pgt->f->page_shift);
		} else if (pte_valid(ctx->old) && !(c->hyp && hyp_has_bug(c->hyp, BUG_RC15))) {
			kvm_tlb_flush_vmid_ipa(c, pgt, ctx->addr, ctx->level);
		}
	}

	if (ctx->old)
		put_container(c, ctx);
	return true;
}

void stage2_make_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, u64 new_pte)
{
	WARN_ON(c, !pte_locked(ctx->pgt, mem_load64(c->cpu, ctx->ptep, MO_PLAIN)));
	if (new_pte)
		get_container(c, ctx);
	mem_store64(c->cpu, ctx->ptep, new_pte, MO_RELEASE);
}

/* ---- map ---- */

/* v6.12: an address that cannot exist means an owner, and stays what it is. */
static u64 map_phys(const struct pgtable_visit_ctx *ctx, const struct stage2_map_data *data)
{
	if (!kvm_phys_is_valid(ctx->pgt, data->phys))
		return data->phys;
	return data->phys + (ctx->addr - ctx->start);
}

static bool leaf_allowed(const struct pgtable_visit_ctx *ctx, const struct stage2_map_data *data)
{
	if (data->force_pte && ctx->level < ARCH_LAST_LEVEL)
		return false;
	if (data->is_annotation && !ctx->pgt->v->set_owner_by_pa)
		return true;
	return kvm_block_mapping_supported(ctx, map_phys(ctx, data));
}

static u64 map_new_pte(const struct pgtable_visit_ctx *ctx, const struct stage2_map_data *data)
{
	u64 phys;

	if (data->is_annotation)
		return data->annotation;
	phys = map_phys(ctx, data);
	/* v6.12: a mapping beyond the PA range is taken for "owner 0". */
	if (unlikely(!kvm_phys_is_valid(ctx->pgt, phys)))
		return 0;
	return kvm_init_valid_leaf_pte(ctx->pgt, phys, data->attr, ctx->level);
}

/* Nothing but permissions differ (or nothing at all): relax_perms() does those. */
static bool only_perms_differ(const struct kvm_pgtable *pgt, u64 old, u64 new_pte)
{
	u64 perms = PTE_S2_R | PTE_S2_W | stage2_xn_mask(pgt);

	return pte_valid(old) && pte_valid(new_pte) && !((old ^ new_pte) & ~perms);
}

/* An update of software bits needs no break: hardware does not look at them. */
static void store_sw_bits(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u64 new_pte)
{
	if (!ctx->old && new_pte)
		get_container(c, ctx);
	else if (ctx->old && !new_pte)
		put_container(c, ctx);
	WARN_ON(c, !stage2_try_set_pte(c, ctx, new_pte));
}

static void clean_for_new_leaf(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u64 new_pte)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	const struct pgtable_mm_ops *ops = pgt->mm_ops;
	u64 granule = kvm_granule_size(pgt, ctx->level);
	pa_t pa = kvm_pte_follow(pgt, new_pte);

	if (ctx->flags & WALK_SKIP_CMO)
		return;
	if (ops->dcache_clean_inval_poc && stage2_pte_cacheable(pgt, new_pte))
		ops->dcache_clean_inval_poc(c, pgt->priv, pa, granule);
	if (ops->icache_inval_pou && stage2_pte_executable(pgt, new_pte))
		ops->icache_inval_pou(c, pgt->priv, pa, granule);
}

/* -E2BIG: no leaf can stand at this level. */
static int stage2_map_walker_try_leaf(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx,
				      struct stage2_map_data *data)
{
	u64 new_pte;

	if (!leaf_allowed(ctx, data))
		return -E2BIG;
	new_pte = map_new_pte(ctx, data);

	if (only_perms_differ(ctx->pgt, ctx->old, new_pte))
		return -EAGAIN;
	if (!walk_shared(ctx) && !((ctx->old ^ new_pte) & ~PTE_SW)) {
		store_sw_bits(c, ctx, new_pte);
		return 0;
	}
	if (!stage2_try_break_pte(c, ctx))
		return -EAGAIN;
	clean_for_new_leaf(c, ctx, new_pte);
	stage2_make_pte(c, ctx, new_pte);
	return 0;
}

/* A block in the place of a table: the subtree goes once the block stands. */
static int stage2_map_walk_table_pre(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx,
				     struct stage2_map_data *data)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	pa_t child = kvm_pte_follow(pgt, ctx->old);
	int ret;

	if (!leaf_allowed(ctx, data))
		return 0;
	ret = stage2_map_walker_try_leaf(c, ctx, data);
	if (ret)
		return ret;

	/* Tables of a guest have no such callback at EL2: a call through NULL. */
	if (!pgt->mm_ops->free_unlinked_table)
		hyp_abort(c, __func__, VA(0));
	pgt->mm_ops->free_unlinked_table(c, pgt->priv, child, ctx->level);
	return 0;
}

static int stage2_map_walk_leaf(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx,
				struct stage2_map_data *data)
{
	struct kvm_pgtable *pgt = ctx->pgt;
	int ret = stage2_map_walker_try_leaf(c, ctx, data);
	pa_t child;

	if (ret != -E2BIG)
		return ret;
	if (WARN_ON(c, ctx->level == ARCH_LAST_LEVEL))
		return -EINVAL;
	if (!data->mc)
		return -ENOMEM;
	child = pgt->mm_ops->zalloc_page(c, pgt->priv, data->mc);
	if (!child.pa)
		return -ENOMEM;

	/* What a block mapped besides the range is gone until it faults again. */
	if (!stage2_try_break_pte(c, ctx)) {
		put_table(c, ctx, child);
		return -EAGAIN;
	}
	stage2_make_pte(c, ctx, kvm_init_table_pte(pgt, child));
	return 0;
}

static int stage2_map_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	if (visit == WALK_TABLE_PRE)
		return stage2_map_walk_table_pre(c, ctx, ctx->arg);
	return stage2_map_walk_leaf(c, ctx, ctx->arg);
}

/*
 * kvm_pgtable_stage2_map - map [addr, addr + size) to @phys
 *
 * @mc: what zalloc_page() is to take tables from; NULL: none may be needed.
 * Errors, in this order: -EINVAL (with a WARN: an identity table and
 * @addr != @phys; attributes that cannot be), those of the walk, -ENOMEM, and
 * -EAGAIN where a leaf stands that differs at most in permissions (see
 * walk_continue() for whether that ends the walk). What was mapped before an
 * error stays, tables made on the way too.
 */
int kvm_pgtable_stage2_map(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size, u64 phys,
			   u64 prot, void *mc, u32 walk_flags)
{
	struct stage2_map_data data = {
		.phys = ALIGN_DOWN(phys, pgt_page_size(pgt)),
		.mc = mc,
	};
	struct pgtable_walker walker = {
		WALKER_CB(stage2_map_walker),
		.arg = &data,
		.flags = walk_flags | WALK_TABLE_PRE | WALK_LEAF,
	};
	int ret;

	HYP_FRAME(c);

	if (pgt->force_pte)
		data.force_pte = pgt->force_pte(c, pgt->priv, addr, addr + size, prot);
	if (WARN_ON(c, (pgt->flags & S2_IDMAP) && addr != phys))
		return -EINVAL;
	ret = stage2_set_prot_attr(pgt, prot, &data.attr);
	if (ret)
		return ret;

	ret = kvm_pgtable_walk(c, pgt, addr, size, &walker);
	cpu_dsb(c->cpu, "ishst");
	return ret;
}

int stage2_fill_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table, s8 level, u64 phys,
			 u64 attr, void *mc, bool force_pte)
{
	struct stage2_map_data data = {
		.phys = phys,
		.attr = attr,
		.mc = mc,
		.force_pte = force_pte,
	};
	struct pgtable_walker walker = {
		WALKER_CB(stage2_map_walker),
		.arg = &data,
		.flags = WALK_LEAF | WALK_SKIP_BBM_TLBI | WALK_SKIP_CMO,
	};

	return __kvm_pgtable_walk(c, pgt, table, level + 1, 0, kvm_granule_size(pgt, level),
				  &walker);
}

/* ---- annotations ---- */

static int stage2_annotate(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size, void *mc,
			   u64 annotation)
{
	struct stage2_map_data data = {
		.phys = ~UINT64_C(0),
		.annotation = annotation,
		.is_annotation = true,
		.force_pte = true,
		.mc = mc,
	};
	struct pgtable_walker walker = {
		WALKER_CB(stage2_map_walker),
		.arg = &data,
		.flags = WALK_TABLE_PRE | WALK_LEAF,
	};

	return kvm_pgtable_walk(c, pgt, addr, size, &walker);
}

/*
 * kvm_pgtable_stage2_set_owner - unmap a range and note its owner (v6.12, v7.0)
 *
 * Always down to level 3, also to write the zeros of OWNER_ID_HOST. No table is
 * freed. -EINVAL: no such owner; then the errors of a map walk.
 */
int kvm_pgtable_stage2_set_owner(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				 void *mc, u8 owner)
{
	HYP_FRAME(c);

	sim_assert(!pgt->v->typed_annotations);
	if (owner > OWNER_ID_HYP)
		return -EINVAL;
	return stage2_annotate(c, pgt, addr, size, mc, FIELD_PREP(INVALID_OWNER, owner));
}

/*
 * kvm_pgtable_stage2_annotate - unmap a range and store a typed note (v7.2)
 *
 * -EINVAL: @annotation uses bit 0 or the type's bits; @type is none or the lock.
 * Types beyond four bits lose what does not fit: 16 stores no type, as in v7.2.
 */
int kvm_pgtable_stage2_annotate(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				void *mc, u32 type, u64 annotation)
{
	HYP_FRAME(c);

	sim_assert(pgt->v->typed_annotations);
	if (annotation & (PTE_VALID | INVALID_TYPE))
		return -EINVAL;
	if (!type || type == ANNOTATION_LOCKED)
		return -EINVAL;
	return stage2_annotate(c, pgt, addr, size, mc, annotation | FIELD_PREP(INVALID_TYPE, type));
}
