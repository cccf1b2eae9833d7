/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A register by name is a place that a function gives, which glue has or the link fails; one by its
 * encoding goes through a function, which ends EL2 at what it does not know.
 */
#ifndef PKVM_SIM_SYSREG_H
#define PKVM_SIM_SYSREG_H

#include_next <asm/sysreg.h>

#ifndef __ASSEMBLY__
#undef read_sysreg
#define read_sysreg(r)								\
({										\
	extern unsigned long *sim_reg_##r(void);				\
	*sim_reg_##r();								\
})
#undef write_sysreg
#define write_sysreg(v, r)							\
do {										\
	extern unsigned long *sim_reg_##r(void);				\
	*sim_reg_##r() = (unsigned long)(v);					\
} while (0)
#undef read_sysreg_s
#define read_sysreg_s(r) sim_sysreg_read((u32)(r))
#undef write_sysreg_s
#define write_sysreg_s(v, r) sim_sysreg_write((u32)(r), (unsigned long)(v))
#undef read_sysreg_par
#define read_sysreg_par() read_sysreg(par_el1)
#undef write_sysreg_hcr
#define write_sysreg_hcr(v) write_sysreg(v, hcr_el2)
#endif
#endif
