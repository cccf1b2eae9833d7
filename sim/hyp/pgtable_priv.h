/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the pgtable_*.c files share and nobody else needs: descriptor helpers
 * and the break-before-make protocol.
 */
#ifndef PKVM_SIM_HYP_PGTABLE_PRIV_H
#define PKVM_SIM_HYP_PGTABLE_PRIV_H

#include "hyp_private.h"

/* Bits that an attribute update may change (upper and lower attributes). */
#define LEAF_ATTR (GENMASK(63, 50) | GENMASK(11, 2))

/* Invalid entries: a type from v7.1 on, else owner and lock bit. */
#define INVALID_TYPE GENMASK(63, 60)
#define INVALID_OWNER GENMASK(9, 2)
#define INVALID_LOCKED BIT(10)

/* XN field of stage 2 with two bits. */
#define S2_XN_PX_UX 0u
#define S2_XN_UX 1u
#define S2_XN_NONE 2u
#define S2_XN_PX 3u

#define S2_MEMATTR_NORMAL 0xfu
#define S2_MEMATTR_NC 0x5u
#define S2_MEMATTR_DEVICE 0x1u
#define S2_MEMATTR_FWB_NORMAL 0x6u
#define S2_MEMATTR_FWB_AS_S1 0x7u

static inline u64 pgt_page_size(const struct kvm_pgtable *pgt)
{
	return BIT(pgt->f->page_shift);
}

/* Output address field; bits that have no place in it are dropped. */
static inline u64 kvm_phys_to_pte(const struct kvm_pgtable *pgt, u64 phys)
{
	unsigned int shift = pgt->f->page_shift;

	if (unlikely(pgt->f->lpa2))
		return (phys & GENMASK(49, shift)) | FIELD_PREP(PTE_SH, phys >> 50);
	if (unlikely(shift == 16))
		return (phys & GENMASK(47, 16)) | FIELD_PREP(GENMASK(15, 12), phys >> 48);
	return phys & GENMASK(47, shift);
}

static inline u64 kvm_pte_to_phys(const struct kvm_pgtable *pgt, u64 pte)
{
	unsigned int shift = pgt->f->page_shift;

	if (unlikely(pgt->f->lpa2))
		return (pte & GENMASK(49, shift)) | FIELD_GET(PTE_SH, pte) << 50;
	if (unlikely(shift == 16))
		return (pte & GENMASK(47, 16)) | FIELD_GET(GENMASK(15, 12), pte) << 48;
	return pte & GENMASK(47, shift);
}

static inline u64 kvm_init_table_pte(const struct kvm_pgtable *pgt, pa_t child)
{
	return kvm_phys_to_pte(pgt, child.pa) | PTE_TYPE | PTE_VALID;
}

static inline u64 kvm_init_valid_leaf_pte(const struct kvm_pgtable *pgt, u64 phys, u64 attr,
					  int level)
{
	u64 type = level == ARCH_LAST_LEVEL ? PTE_TYPE : 0;

	return kvm_phys_to_pte(pgt, phys) | (attr & LEAF_ATTR) | type | PTE_VALID;
}

static inline pa_t kvm_pte_follow(const struct kvm_pgtable *pgt, u64 pte)
{
	return PA(kvm_pte_to_phys(pgt, pte));
}

static inline bool walk_shared(const struct pgtable_visit_ctx *ctx)
{
	return ctx->flags & WALK_SHARED;
}

static inline void get_container(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx)
{
	struct kvm_pgtable *pgt = ctx->pgt;

	pgt->mm_ops->get_page(c, pgt->priv, PA(ALIGN_DOWN(ctx->ptep.pa, pgt_page_size(pgt))));
}

static inline void put_container(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx)
{
	struct kvm_pgtable *pgt = ctx->pgt;

	pgt->mm_ops->put_page(c, pgt->priv, PA(ALIGN_DOWN(ctx->ptep.pa, pgt_page_size(pgt))));
}

static inline void put_table(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, pa_t table)
{
	ctx->pgt->mm_ops->put_page(c, ctx->pgt->priv, table);
}

static inline int table_count(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, pa_t table)
{
	return ctx->pgt->mm_ops->page_count(c, ctx->pgt->priv, table);
}

static inline void clear_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx)
{
	mem_store64(c->cpu, ctx->ptep, 0, MO_ONCE);
}

/* ---- pgtable_walk.c ---- */

/* A walk that starts at a table by itself, at its level, over [start, end). */
int __kvm_pgtable_walk(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table, int level, u64 start,
		       u64 end, struct pgtable_walker *walker);
/* May @ctx hold a leaf for @phys? By level, what is left of the range, alignment. */
bool kvm_block_mapping_supported(const struct pgtable_visit_ctx *ctx, u64 phys);
/* v6.12 keeps owners in the guise of physical addresses that cannot exist. */
bool kvm_phys_is_valid(const struct kvm_pgtable *pgt, u64 phys);

/* ---- pgtable_prot.c: 0, or -EINVAL with *@attr untouched ---- */

int hyp_set_prot_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr);
int stage2_set_prot_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr);
int stage2_set_xn_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr);
u64 stage2_xn_mask(const struct kvm_pgtable *pgt);
/* Is write-back without cache maintenance in force for this table? */
bool stage2_has_fwb(const struct kvm_pgtable *pgt);
bool stage2_pte_cacheable(const struct kvm_pgtable *pgt, u64 pte);
bool stage2_pte_executable(const struct kvm_pgtable *pgt, u64 pte);

/* ---- pgtable_s2.c: break-before-make ---- */

/* kvm_get_parange_max(): bits of PA that the descriptor format can hold. */
unsigned int kvm_parange_max(const struct arch_features *f);

/* False: lost to another walker (SHARED), or locked. */
bool stage2_try_set_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, u64 new_pte);
bool stage2_try_break_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx);
void stage2_make_pte(struct hyp_cpu *c, const struct pgtable_visit_ctx *ctx, u64 new_pte);
/* Fill the table @table, which no entry refers to, with what one entry at @level would map. */
int stage2_fill_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table, s8 level, u64 phys,
			 u64 attr, void *mc, bool force_pte);

/* ---- pgtable_alone.c ---- */

struct el2_pgtable {
	struct kvm_pgtable pgt;
	struct pgtable_variant v;
	struct hyp_cpu *cpus;
	u64 first_page;
	u32 limit; /* pages in all */
	u32 used;
	u32 next; /* first page never handed out */
	u32 n_free;
	u32 *free; /* stack of pages handed back */
	u32 *refcount;
};

#endif
