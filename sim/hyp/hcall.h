/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the tables of calls are written: hyp-main.c has the dispatcher and the calls about
 * the host's own memory, vm_calls.c those about virtual machines.
 */
#ifndef PKVM_SIM_HYP_HCALL_H
#define PKVM_SIM_HYP_HCALL_H

#include "mem_protect.h"

/* A hypercall: its number in each release, and what it does with the host's registers. */
struct hcall {
	u8 nr[N_PROFILES]; /* 0: the release does not have it */
	void (*handle)(struct hyp_cpu *c, u64 regs[18]);
};

#define NUMBERS(v6_12, v7_0, v7_2)                                                                 \
	{                                                                                          \
		[PROFILE_V6_12] = (v6_12), [PROFILE_V7_0] = (v7_0), [PROFILE_V7_2] = (v7_2)        \
	}

/* A function that only EL2 itself calls. */
struct internal_call {
	bool (*available)(const struct hyp *hyp);
	s64 (*fn)(struct hyp_cpu *c, const u64 *args);
};

static inline void cpu_ret(u64 regs[18], s64 ret)
{
	regs[1] = (u64)ret;
}

/* enum kvm_pgtable_prot of the release to PROT_*; bits that mean nothing are lost. */
u64 prot_of_host(const struct profile *p, u64 prot);

/* By enum el2_call_id, from the first of them on. */
#define N_VM_HCALLS (EL2_CALL_FIRST_OWN - EL2_CALL_FIRST_VM)
extern const struct hcall vm_hcalls[N_VM_HCALLS];
extern const struct internal_call vm_internal_calls[N_EL2_CALLS - EL2_CALL_FIRST_VM_OWN];

#endif
