/* SPDX-License-Identifier: GPL-2.0-only */
/* The register as nVHE names it: no CPU of the board runs EL2 with the other set. */
#ifndef PKVM_SIM_KVM_HYP_H
#define PKVM_SIM_KVM_HYP_H

#include_next <asm/kvm_hyp.h>

#undef read_sysreg_elx
#define read_sysreg_elx(r, nvh, vh) read_sysreg_s(r##nvh)
#undef write_sysreg_elx
#define write_sysreg_elx(v, r, nvh, vh) write_sysreg_s(v, r##nvh)

#endif
