// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ESR_EL2, FAR_EL2 and HPFAR_EL2 of a stage-2 abort: Arm ARM, DDI 0487, D24.2
 * (the registers) and AArch64.FaultSyndrome, IPAValid of the pseudocode.
 */
#include "sim/arch/arch.h"

/* Fault status code of level 0, and of level -1 where FEAT_LPA2 gave it one. */
static const struct {
	u8 level0;
	u8 minus1;
} fsc[] = {
	[MMU_FAULT_ADDRESS_SIZE] = { 0x00, 0x29 }, [MMU_FAULT_TRANSLATION] = { 0x04, 0x2b },
	[MMU_FAULT_ACCESS_FLAG] = { 0x08, 0 }, /* no leaf at level -1 */
	[MMU_FAULT_PERMISSION] = { 0x0c, 0 },	   [MMU_FAULT_EXTERNAL_WALK] = { 0x14, 0x13 },
};

#define ESR_SAS GENMASK(23, 22)
#define ESR_SF BIT(15)
#define HPFAR_FIPA GENMASK(47, 4)

static u64 iss_access(unsigned int size)
{
	switch (size) {
	case 1:
	case 2:
	case 4:
		return ESR_ISV | FIELD_PREP(ESR_SAS, size >> 1);
	case 8:
		return ESR_ISV | FIELD_PREP(ESR_SAS, 3) | ESR_SF;
	default:
		return 0; /* pairs, vectors: hardware gives no account of these */
	}
}

/*
 * HPFAR_EL2 is written for translation, access-flag and address-size faults of
 * stage 2; after a permission fault it is UNKNOWN unless a stage-1 walk was what
 * faulted, which a flat stage 1 never does: software has to ask AT for it.
 */
static bool ipa_valid(enum mmu_fault f)
{
	return f == MMU_FAULT_TRANSLATION || f == MMU_FAULT_ACCESS_FLAG ||
	       f == MMU_FAULT_ADDRESS_SIZE;
}

void mmu_syndrome_s2(const struct mmu_result *res, u64 ia, enum mmu_access acc, unsigned int size,
		     bool isv, struct mmu_syndrome *out)
{
	u64 esr = ESR_IL;

	sim_assert(res->fault != MMU_OK);
	esr |= FIELD_PREP(ESR_EC, acc == MMU_EXEC ? EC_IABT_LOW : EC_DABT_LOW);
	esr |= res->level < 0 ? fsc[res->fault].minus1
			      : (u64)fsc[res->fault].level0 + (u64)res->level;
	if (acc == MMU_WRITE)
		esr |= ESR_WNR;
	/* An external abort of the walk says nothing of the instruction. */
	if (acc != MMU_EXEC && isv && res->fault != MMU_FAULT_EXTERNAL_WALK)
		esr |= iss_access(size);
	out->esr = esr;
	out->far = ia;
	out->hpfar_valid = ipa_valid(res->fault);
	out->hpfar = out->hpfar_valid ? FIELD_PREP(HPFAR_FIPA, ia >> 12) : 0;
}
