// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One descriptor: its address field, its kind and what it permits. From the Arm
 * ARM, DDI 0487, D8.3 (formats) and D8.4 (permissions).
 */
#include "sim/arch/arch_private.h"

/* Bits of the descriptor that hold OA[47:granule] or, with LPA2, OA[49:granule]. */
static u64 oa_low_mask(const struct arch_features *f)
{
	return GENMASK(uses_lpa2(f) ? 49 : 47, f->page_shift);
}

u64 pte_from_pa(const struct arch_features *f, pa_t pa)
{
	u64 pte = pa.pa & oa_low_mask(f);

	if (f->page_shift == 16)
		pte |= FIELD_PREP(GENMASK(15, 12), pa.pa >> 48);
	else if (f->lpa2)
		pte |= FIELD_PREP(GENMASK(9, 8), pa.pa >> 50);
	return pte;
}

pa_t pa_from_pte(const struct arch_features *f, u64 pte)
{
	u64 pa = pte & oa_low_mask(f);

	if (f->page_shift == 16)
		pa = (pa & GENMASK(47, 16)) | FIELD_GET(GENMASK(15, 12), pte) << 48;
	else if (f->lpa2)
		pa |= FIELD_GET(GENMASK(9, 8), pte) << 50;
	return PA(pa);
}

/*
 * Larger output addresses bring larger blocks: 512 GiB (4K) and 64 GiB (16K)
 * with LPA2, 4 TiB (64K) with 52-bit addresses. Linux never writes them.
 */
static int lowest_block(const struct arch_features *f)
{
	bool large = f->page_shift == 16 ? f->pa_bits == 52 : f->lpa2;

	return min_block_level(f->page_shift) - large;
}

enum desc_kind desc_kind(const struct arch_features *f, u64 desc, int level)
{
	if (!pte_valid(desc))
		return DESC_INVALID;
	if (level == ARCH_LAST_LEVEL)
		return desc & PTE_TYPE ? DESC_PAGE : DESC_RESERVED;
	if (desc & PTE_TYPE)
		return DESC_TABLE;
	return level >= lowest_block(f) ? DESC_BLOCK : DESC_RESERVED;
}

/* EL2 alone: AP[1] is RES1, one XN, no EL0 to speak of. */
static struct desc_perms perms_el2(u64 desc, u64 tables)
{
	bool x = !(desc & PTE_S1_UXN) && !(tables & TABLE_XN);

	return (struct desc_perms){
		.r = true,
		.w = !(desc & BIT(7)) && !(tables & TABLE_AP_RO),
		.px = x,
		.ux = x,
	};
}

/* EL2&0: what EL0 may write EL2 may not execute, whatever PXN says. */
static struct desc_perms perms_el20(u64 desc, u64 tables)
{
	bool w = !(desc & BIT(7)) && !(tables & TABLE_AP_RO);
	bool el0 = (desc & BIT(6)) && !(tables & TABLE_AP_NO_EL0);

	return (struct desc_perms){
		.r = true,
		.w = w,
		.px = !(desc & PTE_S1_PXN) && !(tables & TABLE_PXN) && !(el0 && w),
		.ux = !(desc & PTE_S1_UXN) && !(tables & TABLE_XN),
	};
}

/* Read is no condition for execution here: execute-only is legal at stage 2. */
static struct desc_perms perms_s2(const struct arch_features *f, u64 desc)
{
	bool xn1 = desc & BIT(54);
	bool xn0 = f->xnx && (desc & BIT(53));

	return (struct desc_perms){
		.r = desc & PTE_S2_R,
		.w = desc & PTE_S2_W,
		.px = xn1 == xn0,
		.ux = !xn1,
	};
}

struct desc_perms desc_perms(const struct arch_features *f, unsigned int stage, u64 desc,
			     u64 tables)
{
	if (stage == 2)
		return perms_s2(f, desc);
	return f->hvhe ? perms_el20(desc, tables) : perms_el2(desc, tables);
}
