/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Arm defines: descriptors, granules and levels, the MMU's walk, TLBs and
 * their invalidation, syndromes. From the Arm ARM (DDI 0487, chapter D8), not
 * from any operating system. Pure: memory is reached through a callback.
 */
#ifndef PKVM_SIM_ARCH_H
#define PKVM_SIM_ARCH_H

#include "types.h"

/* ---- Features of the machine (ID registers) and geometry ------------------ */

struct arch_features {
	u8 page_shift;	/* granule: 12, 14 or 16 */
	u8 pa_bits;	/* implemented PA size: 32, 36, 40, 42, 44, 48 or 52 */
	bool fwb;	/* FEAT_S2FWB */
	bool lpa2;	/* FEAT_LPA2 in use (4K and 16K granules) */
	bool tlbirange; /* FEAT_TLBIRANGE */
	bool xnx;	/* FEAT_XNX */
	bool hvhe;	/* EL2 runs with HCR_EL2.E2H = 1 (EL2&0 regime) */
	bool bti;	/* FEAT_BTI, and EL2 is built with it */
	bool dic;	/* CTR_EL0.DIC */
	bool idc;	/* CTR_EL0.IDC */
	bool vmid16;	/* 16-bit VMIDs */
	bool hafdbs;	/* hardware access flag: VTCR_EL2.HA */
};

#define ARCH_LAST_LEVEL 3
#define ARCH_MIN_LEVEL (-1)

/* log2 of the bytes that one entry of a table at @level covers. */
static inline unsigned int level_shift(unsigned int page_shift, int level)
{
	return (page_shift - 3) * (unsigned int)(4 - level) + 3;
}

/* Entries of one table page. */
static inline unsigned int table_entries(unsigned int page_shift)
{
	return 1u << (page_shift - 3);
}

/*
 * Lowest level at which Linux writes a block descriptor: 1 with 4K pages, else 2.
 * The MMU also takes the larger blocks that 52-bit addresses bring (Arm ARM D8.3).
 */
static inline int min_block_level(unsigned int page_shift)
{
	return page_shift == 12 ? 1 : 2;
}

/* ---- Descriptor bits: shared by writers (EL2) and reader (MMU) ------------ */

#define PTE_VALID BIT(0)
#define PTE_TYPE BIT(1) /* 1: table, or page at level 3; 0: block */
#define PTE_AF BIT(10)
#define PTE_SH GENMASK(9, 8) /* not with LPA2: there OA[51:50] */
#define PTE_SW GENMASK(58, 55)

#define PTE_S1_ATTRIDX GENMASK(4, 2)
#define PTE_S1_AP GENMASK(7, 6)
#define PTE_S1_GP BIT(50)
#define PTE_S1_PXN BIT(53)
#define PTE_S1_UXN BIT(54) /* XN in a regime with one exception level */

#define PTE_S2_MEMATTR GENMASK(5, 2)
#define PTE_S2_R BIT(6)
#define PTE_S2_W BIT(7)
#define PTE_S2_XN GENMASK(54, 53)

/* Output address <-> descriptor field (Arm ARM D8.3.1). @pa bits outside the
 * field are dropped. */
u64 pte_from_pa(const struct arch_features *f, pa_t pa);
pa_t pa_from_pte(const struct arch_features *f, u64 pte);

static inline bool pte_valid(u64 pte)
{
	return pte & PTE_VALID;
}

static inline bool pte_table(u64 pte, int level)
{
	return level < ARCH_LAST_LEVEL && (pte & 3) == 3;
}

/* ---- The MMU's own walk ---------------------------------------------------- */

enum mmu_access { MMU_READ, MMU_WRITE, MMU_EXEC };

enum mmu_fault {
	MMU_OK,
	MMU_FAULT_ADDRESS_SIZE,
	MMU_FAULT_TRANSLATION,
	MMU_FAULT_ACCESS_FLAG,
	MMU_FAULT_PERMISSION,
	MMU_FAULT_EXTERNAL_WALK, /* nothing answers at a descriptor's address */
};

/* What TTBR/VTTBR and TCR/VTCR tell the MMU about one set of tables. */
struct mmu_table {
	u8 stage;   /* 1: EL2's own regime, 2: stage 2 of EL1&0 */
	u8 ia_bits; /* 64 - TxSZ */
	s8 start_level;
	u16 vmid;  /* stage 2 only */
	pa_t root; /* first of the concatenated start tables */
	const struct arch_features *f;
};

/* Reads the descriptor at @pa; false: nothing answers there. */
typedef bool (*mmu_read_fn)(void *ctx, pa_t pa, u64 *desc);

struct mmu_result {
	enum mmu_fault fault;
	s8 level;	  /* of the descriptor at which the walk ended, or of the fault */
	u64 desc;	  /* that descriptor as read, 0 included */
	pa_t desc_pa;	  /* where it stands */
	pa_t table_pa[5]; /* descriptors passed, by level - start_level */
	u64 descs[5];
	pa_t oa;      /* output address of the byte asked for; MMU_OK, permission */
	u64 ia_base;  /* first input address the leaf covers (also for invalid) */
	u64 size;     /* bytes the leaf covers; 0: the walk never began */
	bool r, w, x; /* what the leaf permits at the lower level (stage 2: EL1) */
	u8 memattr;   /* stage 1: AttrIdx; stage 2: MemAttr[3:0] */
	bool sets_af; /* VTCR_EL2.HA: hardware writes PTE_AF into the descriptor */
};

/*
 * mmu_walk - translate @ia as hardware would, from the tables alone.
 * Order of faults as the architecture has it: input out of range, or a geometry
 * that hardware cannot walk -> translation at level 0; root beyond the PA size
 * -> address size at level 0; then level by level external abort on walk,
 * invalid and reserved encodings -> translation, output address size; at the
 * leaf access flag (not with hafdbs at stage 2), then permission.
 * No TLB is looked at or filled, no descriptor written: see sets_af.
 */
void mmu_walk(const struct mmu_table *t, u64 ia, enum mmu_access acc, mmu_read_fn read, void *ctx,
	      struct mmu_result *res);

/*
 * mmu_walk_page - the end of a walk alone, at @desc of a table of the last level for @ia.
 * What tables above hand down is left out; where descriptors stand, and outputs of what
 * faults before its permissions are looked at, are not set.
 */
void mmu_walk_page(const struct mmu_table *t, u64 ia, u64 desc, enum mmu_access acc,
		   struct mmu_result *res);

/* ---- Syndromes ------------------------------------------------------------- */

struct mmu_syndrome {
	u64 esr;	  /* ESR_EL2: EC, IL, ISV.., WnR, S1PTW, FSC with level */
	u64 far;	  /* FAR_EL2 */
	u64 hpfar;	  /* HPFAR_EL2: FIPA, NS as hardware reports; 0 if not written */
	bool hpfar_valid; /* false for permission faults that are not S1PTW */
};

/* For a stage-2 fault of an access from EL1 at VA == IPA @ia (a host whose
 * stage 1 is flat). @size 1, 2, 4, 8; @isv false clears the ISV part. */
void mmu_syndrome_s2(const struct mmu_result *res, u64 ia, enum mmu_access acc, unsigned int size,
		     bool isv, struct mmu_syndrome *out);

#define ESR_EC GENMASK(31, 26)
#define ESR_IL BIT(25)
#define ESR_ISV BIT(24)
#define ESR_S1PTW BIT(7)
#define ESR_WNR BIT(6)
#define ESR_FSC GENMASK(5, 0)
#define EC_HVC64 0x16
#define EC_SMC64 0x17
#define EC_IABT_LOW 0x20
#define EC_IABT_CUR 0x21
#define EC_DABT_LOW 0x24
#define EC_DABT_CUR 0x25
#define EC_BRK64 0x3c

/* ---- TLB ------------------------------------------------------------------- */

enum tlb_regime { TLB_EL2, TLB_S2 };

struct tlb_entry {
	bool valid;
	u8 regime;
	s8 level;
	u16 vmid;
	bool r, w, x;
	u8 memattr;
	u64 ia, size; /* bytes; ia aligned to size */
	pa_t oa;      /* of ia */
	u64 desc;
	pa_t desc_pa;
	u64 seq; /* event number of the walk that filled it */
};

#define TLB_ENTRIES 64

/* One CPU's TLB: a small fully associative cache, first in first out. */
struct tlb {
	u32 next;
	u32 used; /* entries ever used: those above are invalid */
	struct tlb_entry e[TLB_ENTRIES];
};

/* The entry that translates @ia, or NULL. Permissions are the caller's to check. */
struct tlb_entry *tlb_lookup(struct tlb *tlb, enum tlb_regime regime, u16 vmid, u64 ia);
/* Keeps what hardware may: walks that ended well or in a permission fault. */
void tlb_fill(struct tlb *tlb, const struct mmu_table *t, const struct mmu_result *res, u64 seq);

enum tlbi_op {
	TLBI_VAE2IS,	 /* by VA, EL2, any level */
	TLBI_VALE2IS,	 /* by VA, EL2, last level */
	TLBI_ALLE2,	 /* all of EL2 */
	TLBI_IPAS2E1IS,	 /* by IPA, stage 2 of the current VMID */
	TLBI_IPAS2E1,	 /* the same, this CPU only */
	TLBI_RIPAS2E1IS, /* range of IPAs */
	TLBI_VMALLE1IS,	 /* stage 1 of the current VMID */
	TLBI_VMALLE1,
	TLBI_VMALLS12E1IS, /* stages 1 and 2 of the current VMID */
	TLBI_VMALLS12E1,
	TLBI_ALLE1IS,
	N_TLBI_OPS
};

struct tlbi {
	enum tlbi_op op;
	u16 vmid;
	s8 level;  /* TTL hint; outside 0..3: none */
	u64 addr;  /* bytes */
	u64 pages; /* ranges only, in granules */
};

extern const char *const tlbi_op_name[N_TLBI_OPS]; /* "vae2is", ... */
bool tlbi_op_broadcast(enum tlbi_op op);	   /* reaches every CPU */
/* Apply to one TLB. A wrong level hint invalidates nothing, as hardware may.
 * Returns how many entries went. */
unsigned int tlb_invalidate(struct tlb *tlb, const struct tlbi *i, unsigned int page_shift);

/* ---- Geometry of stage 2 (VTCR_EL2) ---------------------------------------- */

/* Levels, start level and number of concatenated start tables for @ia_bits
 * (Arm ARM D8.2.2: up to 16 tables at the start level). */
int s2_start_level(unsigned int page_shift, unsigned int ia_bits);
unsigned int s2_pgd_pages(unsigned int page_shift, unsigned int ia_bits);
u64 s2_vtcr(const struct arch_features *f, unsigned int ia_bits); /* as Linux composes it */
/* EL2 stage 1: 4 - ceil of levels; INT outside -1..3 means "cannot". */
int s1_start_level(unsigned int page_shift, unsigned int va_bits);

/* ---- In words --------------------------------------------------------------- */

/*
 * One line per field, for people: "[54:53] XN = 0b10  no execute". What software
 * keeps in SW bits and invalid entries is shown raw: see el2_annotation_words().
 * Returns a new string to g_free().
 */
char *desc_decode(const struct arch_features *f, u64 desc, unsigned int stage, int level);
/* On one line, only what is not default: "(page oa:0x40000000 RWX NORMAL AF SH)". */
char *desc_brief(const struct arch_features *f, u64 desc, unsigned int stage, int level);
const char *mmu_fault_name(enum mmu_fault f);

#endif
