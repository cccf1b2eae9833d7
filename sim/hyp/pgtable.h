/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page-table library, after arch/arm64/kvm/hyp/pgtable.c and
 * asm/kvm_pgtable.h. Releases differ by struct pgtable_variant.
 *
 * Tables are pages of fake RAM. Errors are negative errno in the order in which
 * the kernel tests. Nothing is rolled back: see each function.
 */
#ifndef PKVM_SIM_HYP_PGTABLE_H
#define PKVM_SIM_HYP_PGTABLE_H

#include "hyp_cpu.h"

/* Permissions, our own encoding (the enum's numbers differ by release). */
#define PROT_PX BIT(0)
#define PROT_UX BIT(1)
#define PROT_W BIT(2)
#define PROT_R BIT(3)
#define PROT_DEVICE BIT(4)
#define PROT_NORMAL_NC BIT(5)
#define PROT_SW GENMASK(58, 55) /* SW0..SW3 where they stand in the descriptor */
#define PROT_X (PROT_PX | PROT_UX)
#define PROT_RW (PROT_R | PROT_W)
#define PROT_RWX (PROT_RW | PROT_X)
#define PAGE_HYP PROT_RW
#define PAGE_HYP_EXEC (PROT_R | PROT_X)
#define PAGE_HYP_RO PROT_R
#define PAGE_HYP_DEVICE (PROT_RW | PROT_DEVICE)
#define PKVM_HOST_MEM_PROT PROT_RWX
#define PKVM_HOST_MMIO_PROT PROT_RW

/* Walk flags; bit 4 has one name a release and opposite senses. */
#define WALK_LEAF BIT(0)
#define WALK_TABLE_PRE BIT(1)
#define WALK_TABLE_POST BIT(2)
#define WALK_SHARED BIT(3)
#define WALK_HANDLE_FAULT BIT(4)  /* v6.12: -EAGAIN stops */
#define WALK_IGNORE_EAGAIN BIT(4) /* v7.0 on: -EAGAIN does not stop */
#define WALK_SKIP_BBM_TLBI BIT(5)
#define WALK_SKIP_CMO BIT(6)

/* Table flags, our own encoding. */
#define S2_NOFWB BIT(0)
#define S2_IDMAP BIT(1)
#define S2_AS_S1 BIT(2)

/* What the library is given to work with: struct kvm_pgtable_mm_ops. */
struct pgtable_mm_ops {
	const char *name; /* of the pool, for events */
	/* a zeroed table page, 0 if there is none; @mc: what the caller passed to map */
	pa_t (*zalloc_page)(struct hyp_cpu *c, void *priv, void *mc);
	pa_t (*zalloc_pages_exact)(struct hyp_cpu *c, void *priv, u64 bytes);
	void (*free_pages_exact)(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes);
	void (*free_unlinked_table)(struct hyp_cpu *c, void *priv, pa_t table, s8 level);
	void (*get_page)(struct hyp_cpu *c, void *priv, pa_t page);
	void (*put_page)(struct hyp_cpu *c, void *priv, pa_t page);
	int (*page_count)(struct hyp_cpu *c, void *priv, pa_t page); /* NULL early at boot */
	void (*dcache_clean_inval_poc)(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes);
	void (*icache_inval_pou)(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes);
	/* pages that @mc holds, for split; NULL: none */
	unsigned int (*mc_pages)(struct hyp_cpu *c, void *priv, void *mc);
};

struct pgtable_variant {
	bool typed_annotations;
	bool ignore_eagain_flag;
	bool xn_two_bits;
	bool nofwb_flag;       /* v6.12: FWB in use is per table */
	bool free_empty_only;  /* free walker frees only empty tables, clears their entry */
	bool set_owner_by_pa;  /* v6.12: PA >= 2^parange means an owner update */
	bool relax_replaces_xn_always; /* v7.0 */
	bool icache_xn_zero_only;      /* v7.0: executable = XN field 0 */
	bool hyp_drops_ux;     /* v7.0 on, nVHE: UX dropped from hyp prots */
	bool hvhe_pxn;         /* v7.0 on, hVHE: PXN written */
	bool mkyoung_returns_pte; /* v6.12 */
	u8 unmap_annotated;    /* S2_UNMAP_CLEAR, _EPERM, _SKIP */
	/* bugs brought back; no release of pgtable_variant_of() has them */
	bool no_reload_after_pre; /* B-09 */
	bool keeps_unlinked_root; /* B-10 */
	bool s1_block_anywhere;   /* B-30 */
};
/* Variant of a release, with the walker that @unmap_annotated says. */
struct pgtable_variant pgtable_variant_of(enum profile_id p, u8 unmap_annotated);

typedef bool (*pgtable_force_pte_fn)(struct hyp_cpu *c, void *priv, u64 addr, u64 end, u64 prot);

struct kvm_pgtable {
	struct mmu_table mmu;   /* stage, ia_bits, start_level, root: as the MMU sees it */
	const struct arch_features *f;
	const struct pgtable_variant *v;
	const struct pgtable_mm_ops *mm_ops;
	void *priv;             /* for mm_ops and force_pte */
	u32 flags;              /* S2_* */
	pgtable_force_pte_fn force_pte;
	unsigned int parange_max; /* bits */
};

#define OWNER_ID_HOST 0
#define OWNER_ID_HYP 1
#define OWNER_ID_FFA 2   /* v6.12, v7.0 */
#define OWNER_ID_GUEST 2 /* v7.2 */
#define ANNOTATION_LOCKED 1
#define ANNOTATION_DONATION 2
#define ANNOTATION_POISONED 3

/* Stage 1. @pgt->f, ->v, ->mm_ops, ->priv must be set by the caller. */
int kvm_pgtable_hyp_init(struct hyp_cpu *c, struct kvm_pgtable *pgt, u32 va_bits);
int kvm_pgtable_hyp_map(struct hyp_cpu *c, struct kvm_pgtable *pgt, va_t addr, u64 size,
			pa_t phys, u64 prot);
u64 kvm_pgtable_hyp_unmap(struct hyp_cpu *c, struct kvm_pgtable *pgt, va_t addr, u64 size);
void kvm_pgtable_hyp_destroy(struct hyp_cpu *c, struct kvm_pgtable *pgt);
u64 kvm_pgtable_hyp_pte_prot(const struct kvm_pgtable *pgt, u64 pte);

/* Stage 2. ia_bits, vmid in pgt->mmu; f, v, mm_ops, priv, flags, force_pte set by the caller. */
int kvm_pgtable_stage2_init(struct hyp_cpu *c, struct kvm_pgtable *pgt, unsigned int ia_bits);
int kvm_pgtable_stage2_map(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
			   u64 phys, u64 prot, void *mc, u32 walk_flags);
int kvm_pgtable_stage2_set_owner(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				 void *mc, u8 owner);
int kvm_pgtable_stage2_annotate(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				void *mc, u32 type, u64 annotation);
int kvm_pgtable_stage2_unmap(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size);
int kvm_pgtable_stage2_wrprotect(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size);
u64 kvm_pgtable_stage2_mkyoung(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr,
			       u32 walk_flags);
bool kvm_pgtable_stage2_test_clear_young(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr,
					 u64 size, bool mkold);
int kvm_pgtable_stage2_relax_perms(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr,
				   u64 prot, u32 walk_flags);
int kvm_pgtable_stage2_flush(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size);
int kvm_pgtable_stage2_split(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
			     void *mc);
/* 0, or -errno with *@table_ret untouched. */
int kvm_pgtable_stage2_create_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 phys,
				       s8 level, u64 prot, void *mc, bool force_pte,
				       pa_t *table_ret);
void kvm_pgtable_stage2_free_unlinked(struct hyp_cpu *c, struct kvm_pgtable *pgt, pa_t table,
				      s8 level);
void kvm_pgtable_stage2_destroy(struct hyp_cpu *c, struct kvm_pgtable *pgt);
u64 kvm_pgtable_stage2_pte_prot(const struct kvm_pgtable *pgt, u64 pte);

int kvm_pgtable_get_leaf(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 *pte,
			 s8 *level);

/* ---- The walker itself, for mem_protect.c and setup.c ---- */

struct pgtable_visit_ctx {
	struct kvm_pgtable *pgt;
	pa_t ptep;
	u64 old;
	void *arg;
	u64 start, addr, end;
	s8 level;
	u32 flags;
};

struct pgtable_walker {
	int (*cb)(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit);
	const char *name; /* of cb, for call chains */
	void *arg;
	u32 flags;
};
#define WALKER_CB(fn) .cb = (fn), .name = #fn

int kvm_pgtable_walk(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
		     struct pgtable_walker *walker);

static inline u64 kvm_granule_size(const struct kvm_pgtable *pgt, int level)
{
	return BIT(level_shift(pgt->f->page_shift, level));
}

/* TLB maintenance above tlb.c (hyp/nvhe/tlb.c): tlb.c of this folder. */
#define TLBI_TTL_UNKNOWN 0x7fffffff
void kvm_tlb_flush_vmid_ipa(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 ipa, int level);
void kvm_tlb_flush_vmid_ipa_nsh(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 ipa, int level);
void kvm_tlb_flush_vmid_range(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 pages);
void kvm_tlb_flush_vmid(struct hyp_cpu *c, struct kvm_pgtable *pgt);

#endif
