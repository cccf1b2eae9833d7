/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the walk and the words about a descriptor share: one opinion on what is
 * a leaf and what it permits, so that `decode` never contradicts the MMU.
 */
#ifndef PKVM_SIM_ARCH_PRIVATE_H
#define PKVM_SIM_ARCH_PRIVATE_H

#include "sim/arch/arch.h"

/* 64K granules have 52-bit addresses of their own: FEAT_LPA2 is nothing to them. */
static inline bool uses_lpa2(const struct arch_features *f)
{
	return f->lpa2 && f->page_shift != 16;
}

/* Output address bits that the format can hold, whatever the CPU implements. */
static inline unsigned int format_pa_bits(const struct arch_features *f)
{
	return f->lpa2 || f->page_shift == 16 ? 52 : 48;
}

enum desc_kind { DESC_INVALID, DESC_RESERVED, DESC_TABLE, DESC_BLOCK, DESC_PAGE };

/* Arm ARM D8.3.1: what bits [1:0] mean at @level; RESERVED faults as invalid. */
enum desc_kind desc_kind(const struct arch_features *f, u64 desc, int level);

/* Attributes of tables above, as stage 1 hands them down (Arm ARM D8.3.2). */
#define TABLE_PXN BIT(59)
#define TABLE_XN BIT(60)
#define TABLE_AP_NO_EL0 BIT(61)
#define TABLE_AP_RO BIT(62)
#define TABLE_ATTRS (TABLE_PXN | TABLE_XN | TABLE_AP_NO_EL0 | TABLE_AP_RO)

struct desc_perms {
	bool r, w;
	bool px; /* execution at the level that owns the regime; stage 2: EL1 */
	bool ux; /* at EL0; equal to px where the regime has no EL0 */
};

/* What leaf @desc permits; @tables: OR of the table descriptors passed. */
struct desc_perms desc_perms(const struct arch_features *f, unsigned int stage, u64 desc,
			     u64 tables);

#endif
