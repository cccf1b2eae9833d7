/* SPDX-License-Identifier: GPL-2.0-only */
/* Address translation instructions: the run-time walks, and leaves PAR_EL1. */
#ifndef PKVM_SIM_KVM_ASM_H
#define PKVM_SIM_KVM_ASM_H

#include_next <asm/kvm_asm.h>

#ifndef __ASSEMBLY__
#undef __kvm_at
#define __kvm_at(op, addr) sim_at(#op, (unsigned long)(addr))
#endif
#endif
