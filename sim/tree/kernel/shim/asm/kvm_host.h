/* SPDX-License-Identifier: GPL-2.0-only */
/* The host kernel's own build of a file that EL2 has too: a call of EL2's is a call. */
#ifndef PKVM_SIM_KVM_HOST_H
#define PKVM_SIM_KVM_HOST_H

#include_next <asm/kvm_host.h>

#ifndef __KVM_NVHE_HYPERVISOR__
#undef kvm_call_hyp
#define kvm_call_hyp(f, ...) f(__VA_ARGS__)
#endif
#endif
