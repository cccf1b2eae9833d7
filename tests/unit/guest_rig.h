/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machines on the machine of the ownership tests: made of the host's memory by
 * EL2's own calls, and what is done with guests' memory, by name. The functions behind the
 * hypercalls, for any VM: who is let through to them is another test's business.
 */
#ifndef PKVM_SIM_TEST_GUEST_RIG_H
#define PKVM_SIM_TEST_GUEST_RIG_H

#include "sim/hyp/guest.h"
#include "tests/unit/ownership_rig.h"

#define PFN(pa) ((pa) >> 12)
#define GUEST_MEMORY UINT64_C(0x46800000) /* where the first VM's memory is from */
#define GFN UINT64_C(0x80000)

/* The host's memory for one VM with one vCPU: PA. */
struct guest {
	u32 handle;
	u64 kvm, vcpu, area, pgd, vcpu_area;
	u64 next; /* first page after them */
};

enum guest_op {
	DG, /* host_donate_guest */
	SG, /* host_share_guest: prot RWX */
	UG, /* host_unshare_guest */
	GS, /* guest_share_host */
	GU, /* guest_unshare_host */
	RC, /* host_reclaim_page_guest */
	FR, /* host_force_reclaim_page_guest */
	RELAX,
	WRPROTECT,
	TEST_YOUNG,
	CLEAR_YOUNG,
	MKYOUNG,
	N_GUEST_OPS
};
extern const char *const guest_op_name[N_GUEST_OPS];

struct guest_args {
	u64 phys, gfn, n, prot; /* prot: PROT_* */
};

/* 0, -errno or PANIC. Unless EL2 died no lock may be held afterwards. */
s64 guest_do(struct hyp_machine *m, const struct guest *g, enum guest_op op, struct guest_args a);
/* The same for one page, all permissions. */
s64 guest_page(struct hyp_machine *m, const struct guest *g, enum guest_op op, u64 phys, u64 gfn);
void guest_must(struct hyp_machine *m, const struct guest *g, enum guest_op op, u64 phys, u64 gfn);
/* What the guest has at @gfn. */
enum page_state guest_state(struct hyp_machine *m, const struct guest *g, u64 gfn);
u64 guest_pte(struct hyp_machine *m, const struct guest *g, u64 gfn, s8 *level);

/* Host memory at @pa for a VM, its fields written, its pages shared, its handle reserved. */
void guest_prepare(struct hyp_machine *m, struct guest *g, u64 pa, bool is_protected);
s64 guest_init_vm(struct hyp_machine *m, struct guest *g);
s64 guest_init_vcpu(struct hyp_machine *m, struct guest *g);
/* All three, and @pages in the vCPU's memcache. */
void guest_new(struct hyp_machine *m, struct guest *g, u64 pa, bool is_protected, u64 pages);
/* @n pages of the host at g->next onto its list, which EL2 then takes; EL2's result. */
s64 guest_refill(struct hyp_machine *m, struct guest *g, u64 n);
/* Pages [from, to) are the host's and nobody else's. */
void guest_all_back(struct hyp_machine *m, u64 from, u64 to);
u64 guest_memcache(struct hyp_machine *m, const struct guest *g);

/* Hypercall @name from CPU @cpu: x1. -ENOSYS: refused; PANIC. */
s64 guest_hvc(struct hyp_machine *m, unsigned int cpu, const char *name, const u64 *args,
	      unsigned int n);
#define HVC(m, name, ...)                                                                          \
	guest_hvc((m), 0, (name), (const u64[]){ 0, ##__VA_ARGS__ } + 1,                           \
		  sizeof((const u64[]){ 0, ##__VA_ARGS__ }) / sizeof(u64) - 1)
u64 guest_hva(struct hyp_machine *m, u64 pa); /* the host's kernel address */
void host_store(struct hyp_machine *m, u64 pa, u64 val);

#endif
