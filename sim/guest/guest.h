/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vCPU does: one load, store, fetch or hypercall at a time, on the CPU that it is
 * loaded on. Its stage 1 is flat, so its virtual addresses are IPAs. What its stage 2
 * does not allow goes to EL2, and may end at the host.
 */
#ifndef PKVM_SIM_GUEST_H
#define PKVM_SIM_GUEST_H

#include "sim/el2/el2.h"

/* Function ids of the calls that EL2 answers for a protected guest. */
#define GUEST_HVC_HYP_MEMINFO UINT64_C(0xc6000002)
#define GUEST_HVC_MEM_SHARE UINT64_C(0xc6000003)
#define GUEST_HVC_MEM_UNSHARE UINT64_C(0xc6000004)

enum guest_end {
	GUEST_DONE,   /* the instruction was carried out */
	GUEST_EXITED, /* the host has to do something about it */
	GUEST_BUS,    /* an external abort: nothing answers */
	GUEST_HANG,   /* the same fault for ever */
	GUEST_ABSENT, /* no vCPU is loaded on this CPU */
};

struct guest_insn {
	bool hvc;
	/* an access */
	enum mmu_access acc;
	u64 ipa;
	unsigned int size; /* 1, 2, 4, 8; any alignment: across a page it is two */
	u64 val;	   /* to write */
	/* a call: function id and arguments; after it the results */
	u64 regs[18];
};

struct guest_result {
	enum guest_end end;
	u64 val;		    /* bytes read, zero extended; x0 of a call */
	struct mmu_result walk;	    /* GUEST_EXITED for a fault */
	struct el2_guest_exit exit; /* GUEST_EXITED: what the host is told */
};

/*
 * Carry out @insn on @cpu, inside an action. An instruction that exits is not carried out, or
 * only its first part if it crosses a page; done again it is done whole.
 */
struct guest_result guest_run(const struct hypervisor *hyp, struct el2 *e, struct cpu *cpu,
			      struct guest_insn *insn);

#endif
