// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many levels an input size needs, and the VTCR_EL2 that says so. The rules
 * are the Arm ARM's (DDI 0487, D8.2, D24.2 VTCR_EL2); which of the permitted
 * shapes is taken follows Linux' kvm_get_vtcr() and kvm_pgtable_hyp_init().
 */
#include "sim/arch/arch_private.h"

/* Four bits fewer to resolve: up to 16 start tables may stand side by side. */
int s2_start_level(unsigned int page_shift, unsigned int ia_bits)
{
	unsigned int levels = ia_bits < 8 ? 0 : (ia_bits - 8) / (page_shift - 3);

	return 4 - (int)(levels < 2 ? 2 : levels);
}

unsigned int s2_pgd_pages(unsigned int page_shift, unsigned int ia_bits)
{
	/* What one whole table at the start level covers. */
	unsigned int shift = level_shift(page_shift, s2_start_level(page_shift, ia_bits) - 1);

	return ia_bits <= shift ? 1 : 1u << (ia_bits - shift);
}

/* ID_AA64MMFR0_EL1.PARange, VTCR_EL2.PS */
static u64 pa_range(unsigned int pa_bits)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	u64 code = 0;

	while (code < sizeof(bits) && bits[code] != pa_bits)
		code++;
	sim_assert(code < sizeof(bits));
	return code;
}

#define VTCR_T0SZ GENMASK(5, 0)
#define VTCR_SL0 GENMASK(7, 6)
#define VTCR_IRGN0_WBWA FIELD_PREP(GENMASK(9, 8), 1)
#define VTCR_ORGN0_WBWA FIELD_PREP(GENMASK(11, 10), 1)
#define VTCR_SH0_INNER FIELD_PREP(GENMASK(13, 12), 3)
#define VTCR_TG0 GENMASK(15, 14)
#define VTCR_PS GENMASK(18, 16)
#define VTCR_VS BIT(19)
#define VTCR_HA BIT(21)
#define VTCR_RES1 BIT(31)
#define VTCR_DS BIT(32)

u64 s2_vtcr(const struct arch_features *f, unsigned int ia_bits)
{
	unsigned int max = format_pa_bits(f);
	int base = f->page_shift == 12 ? 2 : 3;
	u64 v = VTCR_RES1 | VTCR_IRGN0_WBWA | VTCR_ORGN0_WBWA | VTCR_SH0_INNER;

	v |= FIELD_PREP(VTCR_T0SZ, 64 - ia_bits);
	v |= FIELD_PREP(VTCR_SL0, base - s2_start_level(f->page_shift, ia_bits));
	v |= FIELD_PREP(VTCR_TG0, f->page_shift == 12 ? 0 : f->page_shift == 16 ? 1 : 2);
	v |= FIELD_PREP(VTCR_PS, pa_range(f->pa_bits < max ? f->pa_bits : max));
	if (f->vmid16)
		v |= VTCR_VS;
	if (f->hafdbs)
		v |= VTCR_HA;
	if (uses_lpa2(f))
		v |= VTCR_DS;
	return v;
}

int s1_start_level(unsigned int page_shift, unsigned int va_bits)
{
	return va_bits < 4 ? 4 : 4 - (int)((va_bits - 4) / (page_shift - 3));
}
