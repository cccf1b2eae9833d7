/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL1 and what drives a machine: a board with an EL2 on it. Every action of a
 * scenario is one function here; it runs on a CPU and ends in one outcome.
 */
#ifndef PKVM_SIM_HOST_H
#define PKVM_SIM_HOST_H

#include "sim/el2/el2.h"

enum outcome_kind {
	OUTCOME_VALUE,   /* ended with a number */
	OUTCOME_ABORT,   /* EL2 injected an abort into the host */
	OUTCOME_FAULT,   /* guest access exits, DMA refused, probe finds no permission */
	OUTCOME_BUS,     /* external abort: nothing answers */
	OUTCOME_REFUSED, /* the dispatcher turned the hypercall away; nobody knows the SMC */
	OUTCOME_PANIC,
	OUTCOME_HANG,
	OUTCOME_GAVE_UP, /* --steps */
	OUTCOME_NOT_RUN, /* EL2 is dead */
	OUTCOME_FFA,     /* an FF-A error: value is its code, -1 .. -9 */
	N_OUTCOMES
};
extern const char *const outcome_name[N_OUTCOMES]; /* "value", "abort", ... */

struct outcome {
	enum outcome_kind kind;
	bool is_signed; /* value is an s64 (returns of calls); else a u64 (bytes read) */
	u64 value;
};

/* What it ended in, in one word: outcome_name[], or the FF-A error's: "DENIED". */
const char *outcome_word(const struct outcome *o);

/* What a flow of the driver is made of: an oracle judges each step by itself. */
enum machine_step_kind { STEP_HVC, STEP_HOST_ACCESS, STEP_GUEST_ACCESS, STEP_GUEST_HVC };

struct machine_step {
	enum machine_step_kind kind;
	unsigned int cpu;
	const struct el2_call *call; /* STEP_HVC */
	u64 args[18];                /* STEP_HVC; STEP_GUEST_HVC: the function id first */
	unsigned int n_args;
	enum mmu_access access;      /* accesses; @addr is an IPA for guests */
	u64 addr, size;
	u32 vm;                      /* handle of the guest's VM */
};

/* Told by the flow, on its CPU. A step that EL2 does not survive has no end. */
struct machine_watch {
	void (*begin)(void *data, const struct machine_step *s);
	void (*end)(void *data, const struct outcome *o);
	void *data;
};

struct host; /* the driver's books */
struct host_regs;

struct machine {
	struct board *board;
	struct el2 *el2;
	const struct hypervisor *hyp;
	struct el2_config *config;
	struct host *host;
	const struct machine_watch *watch; /* of flows; NULL: nobody */
	struct host_regs *regs;
	bool dead;       /* EL2 panicked */
	bool boot_failed;
	bool acted;      /* an action was carried out: set-up is over */
};

/* @config and @el2 are copied. Errors: domain BOARD_ERROR or the hypervisor's. */
struct machine *machine_new(const struct board_config *config, const struct el2_config *el2,
			    const struct hypervisor *hyp, GError **error);
void machine_free(struct machine *m);

struct outcome machine_boot(struct machine *m); /* init, finalise, prot_finalize on every CPU */
struct outcome machine_init(struct machine *m, unsigned int cpu);
struct outcome machine_finalise(struct machine *m, unsigned int cpu);
struct outcome machine_prot_finalize(struct machine *m, unsigned int cpu);
/* value: x1 as s64. */
struct outcome machine_hvc(struct machine *m, unsigned int cpu, const u64 *regs, unsigned int n);
struct outcome machine_hvc_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n);
/*
 * SMC #@imm. Value: what el2_smc_end() makes of the registers, which machine_registers()
 * has in full, as the last HVC or SMC left them.
 */
struct outcome machine_smc(struct machine *m, unsigned int cpu, u16 imm, const u64 *regs,
			   unsigned int n);
const u64 *machine_registers(const struct machine *m); /* x0 .. x17; lasts as long as @m */
struct outcome machine_el2_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n);
/* How an access of the host's faults: with a valid syndrome; so that AT fails the first time. */
enum { HOST_ISV = 1, HOST_AT_FAILS = 2 };
/*
 * The host touches physical address @pa (its stage 1 is flat). Faults go to EL2
 * and the access is retried; 16 faults with no descriptor changed are a hang.
 * @size 1, 2, 4, 8 and any alignment; an access that crosses a page is two.
 * Value: bytes read, zero extended; 0 for write and exec. @how: HOST_*.
 */
struct outcome machine_host_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				   u64 pa, unsigned int size, u64 val, unsigned int how);
/*
 * The same by the kernel itself, which from v7.1 on answers an injected abort by taking the
 * page from the guest that has it, and tries again (do_mem_abort()).
 */
struct outcome machine_kernel_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				     u64 pa, unsigned int size, u64 val, unsigned int how);
/* What an access of EL2 at @va would meet: moves the bytes if it is allowed. */
struct outcome machine_hyp_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				  u64 va, unsigned int size, u64 val);
/*
 * Bus master @device (a dma window) touches @pa. No CPU takes part: events stand on the
 * account of @cpu, which in a block of CPUs says where the access comes in order.
 */
struct outcome machine_dma(struct machine *m, unsigned int cpu, const struct mmio_window *device,
			   bool write, u64 pa, unsigned int size, u64 val);

/* ---- The driver: FF-A (ffa.c) --------------------------------------------------------- */

#define FFA_MAX_RANGES 8u

struct machine_ffa_ranges {
	bool head;   /* the descriptor's; else ranges alone, a later fragment */
	u32 version; /* of the layout; 0: what FFA_VERSION agreed on, 1.1 before it */
	u32 more, more_pages; /* ranges of later fragments, that the head counts */
	unsigned int n;
	struct {
		u64 address, pages; /* of 4 KiB, cut to 32 bits */
	} range[FFA_MAX_RANGES];
};
u64 machine_ffa_size(const struct machine *m, const struct machine_ffa_ranges *r); /* bytes */
/* The host writes them at @to, a multiple of 8. Value: bytes written. */
struct outcome machine_ffa_describe(struct machine *m, unsigned int cpu, u64 to,
				    const struct machine_ffa_ranges *r);

/* ---- The driver: virtual machines (vm*.c) --------------------------------------------- */

/*
 * Flows of the host's driver, each on one CPU and with what Linux's function returns; where
 * Linux warns and goes on, with the first error that it warns of. -ENODEV: boot did not end
 * well. -ENOENT: there is no such VM or vCPU. A vCPU stays loaded until another one wants
 * its CPU, it another CPU, its VM ends, or machine_vm_put().
 */
#define HOST_VM_NAME 32 /* bytes, with the zero */

/* -EEXIST: the name is taken; -EINVAL: too many vCPUs; -ENOMEM; of EL2. */
struct outcome machine_vm_create(struct machine *m, unsigned int cpu, const char *name,
				 bool is_protected, u64 vcpus, u64 ipa_bits);
/* KVM_RUN: deal with what the vCPU exited for, and let it go on until that is done. */
struct outcome machine_vm_run(struct machine *m, unsigned int cpu, const char *name, u32 vcpu);
struct outcome machine_vm_put(struct machine *m, const char *name, u32 vcpu);
struct outcome machine_vm_destroy(struct machine *m, unsigned int cpu, const char *name);

/* A guest's instruction. Fault: it exited; `vm run` lets it do the instruction again. */
struct outcome machine_guest_access(struct machine *m, unsigned int cpu, const char *name,
				    u32 vcpu, enum mmu_access acc, u64 ipa, unsigned int size,
				    u64 val);
/* x0: refused if that is SMCCC_RET_NOT_SUPPORTED. @regs: function id, arguments. */
struct outcome machine_guest_hvc(struct machine *m, unsigned int cpu, const char *name, u32 vcpu,
				 const u64 *regs, unsigned int n);

struct machine_map {
	u64 gfn, pages;
	u64 pa;       /* 0: memory of the driver's choice, cleared */
	bool huge;    /* blocks where they fit, for guests that are not protected */
	bool r, w, x; /* for guests that are not protected */
};
/* Memory for a guest, as if it had touched each page. What came before an error stays. */
struct outcome machine_guest_map(struct machine *m, unsigned int cpu, const char *name, u32 vcpu,
				 const struct machine_map *map);
/* MMU notifiers. Protected guests are left alone. */
struct outcome machine_guest_unmap(struct machine *m, unsigned int cpu, const char *name, u64 gfn,
				   u64 pages);
struct outcome machine_guest_wrprotect(struct machine *m, unsigned int cpu, const char *name,
				       u64 gfn, u64 pages);
struct outcome machine_guest_age(struct machine *m, unsigned int cpu, const char *name, u64 gfn,
				 u64 pages, bool mkold);

/* kvm_share_hyp(), kvm_unshare_hyp() of @pages from @pa. -EINVAL: no RAM of the host's. */
struct outcome machine_host_share(struct machine *m, unsigned int cpu, u64 pa, u64 pages);
struct outcome machine_host_unshare(struct machine *m, unsigned int cpu, u64 pa, u64 pages);

struct machine_vm {
	bool live;
	u32 handle; /* 0: none yet; of a VM that is gone its last */
	bool is_protected;
	bool created; /* EL2 has it */
	u32 vcpus;
	pa_t kvm; /* struct kvm */
};
/* False: there never was one of this name. */
bool machine_vm(struct machine *m, const char *name, struct machine_vm *out);
pa_t machine_vcpu(struct machine *m, const char *name, u32 idx); /* struct kvm_vcpu; 0: none */
/* The VM with this handle, live or the last that had it; NULL: none of the driver's. */
const char *machine_vm_name(struct machine *m, u32 handle);
void machine_for_each_vm(struct machine *m, void (*fn)(void *data, const char *name), void *data);
/* The driver leaves page @pa alone. False: it has it, or it was taken before. */
bool machine_take_page(struct machine *m, u64 pa);

#endif
