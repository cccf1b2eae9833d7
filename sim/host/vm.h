/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files vm*.c share: the host driver's books, and a flow, which is one action of
 * the driver on one CPU. After arch/arm64/kvm/{pkvm,mmu,arm}.c.
 *
 * struct kvm, struct kvm_vcpu and memcaches stand in fake RAM, in pages of the host's, since
 * EL2 reads and writes them. What only the host looks at stands beside the machine: in
 * stores, so that it costs what is used.
 */
#ifndef PKVM_SIM_HOST_VM_H
#define PKVM_SIM_HOST_VM_H

#include <errno.h>

#include "host_private.h"
#include "sim/guest/guest.h"

#define EHWPOISON 133

#define HOST_VMS 256
#define HOST_VM_VCPUS 512 /* KVM_MAX_VCPUS */

/* ---- The books ------------------------------------------------------------------------- */

/* Of each page of RAM that is not firmware's. */
struct host_page {
	u32 shares; /* hyp_shared_pfns: users of its being shared with EL2 */
	u8 taken;   /* page() gave it, or the driver has it */
};

/* struct pkvm_mapping: what a guest has, in a list of its VM ascending by gfn. */
struct host_mapping {
	u64 gfn, pfn;
	u32 nr_pages;
	u32 owned : 1; /* the driver took the pages and frees them */
	u32 next : 31, prev; /* numbers of mappings, from 1; 0: none */
};

struct host_vm {
	char name[HOST_VM_NAME];
	u8 state;        /* enum host_vm_state */
	bool is_protected;
	bool created;    /* EL2 has it */
	bool is_dying;   /* its teardown began */
	u32 handle;      /* 0: none yet */
	u32 last_handle; /* of a VM that is gone */
	u32 vcpus;
	u64 kvm;         /* PA of struct kvm */
	u32 first, last, near; /* mappings; the one last looked at */
	u64 gen;         /* VMs are numbered as they are made */
};

enum host_vm_state { HOST_VM_NONE, HOST_VM_LIVE, HOST_VM_GONE };

struct host_vcpu {
	u64 vcpu;        /* PA of struct kvm_vcpu */
	u16 cpu;         /* where it is loaded, plus 1 */
	bool finalized;  /* EL2 has it */
	bool mapping;    /* its memcache has a struct pkvm_mapping to spare */
	bool pending;    /* @insn exited, and the host has not dealt with it */
	struct guest_insn insn;
	struct el2_guest_exit exit;
};

/* Hypercalls that flows issue. */
enum host_call {
	HC_SHARE_HYP, HC_UNSHARE_HYP,
	HC_RESERVE_VM, HC_UNRESERVE_VM, HC_INIT_VM, HC_INIT_VCPU,
	HC_VCPU_LOAD, HC_VCPU_PUT, HC_VCPU_RUN,
	HC_START_TEARDOWN, HC_RECLAIM_DYING, HC_FINALIZE_TEARDOWN, HC_TEARDOWN,
	HC_DONATE_GUEST, HC_SHARE_GUEST, HC_UNSHARE_GUEST,
	HC_RELAX_PERMS, HC_WRPROTECT, HC_TEST_CLEAR_YOUNG, HC_MKYOUNG,
	HC_IN_POISON_FAULT, HC_FORCE_RECLAIM, HC_TLB_FLUSH_VMID,
	N_HOST_CALLS
};

struct host {
	const struct el2_call *call[N_HOST_CALLS]; /* NULL: the release has none */
	struct extent *pages, *mappings, *vms, *vcpus;
	u64 n_pages;          /* of RAM */
	u64 *first_page;      /* by RAM region: number of its first page */
	u64 cursor;           /* no page from it on is free, as far as the driver knows */
	u32 n_mappings;       /* ever used */
	u32 free_mapping;     /* those given back, linked by ->next */
	u64 gen;
	u32 loaded[BOARD_MAX_CPUS]; /* vm * HOST_VM_VCPUS + vcpu + 1; 0: none */
};

#define HOST_VM_STRIDE 256
#define HOST_VCPU_STRIDE 512
#define HOST_MAPPING_STRIDE 32

/* For reading; what is to be written is asked for by host_*_mark(). */
struct host_page *host_page(struct machine *m, u64 pa); /* NULL: none of the host's RAM */
struct host_page *host_page_mark(struct machine *m, struct host_page *p);
struct host_vm *host_vm_at(struct machine *m, u32 vm);
struct host_vm *host_vm_mark(struct machine *m, struct host_vm *vm);
struct host_vcpu *host_vcpu(struct machine *m, const struct host_vm *vm, u32 idx);
struct host_vcpu *host_vcpu_mark(struct machine *m, struct host_vcpu *v);
struct host_vm *host_vm_find(struct machine *m, const char *name); /* live, else NULL */

/* ---- A flow ------------------------------------------------------------------------------ */

/*
 * One action of the driver. If the host's own access to its memory ends in an abort, the
 * thread is gone: what would follow does nothing, and the action ends as the access did.
 */
struct flow {
	struct action a; /* first */
	struct cpu *cpu;
	bool oops;
	bool ended; /* ->a.outcome is set: ->fn's value is of no account */
	struct host_vm *vm;
	struct host_vcpu *vcpu;
	u32 idx; /* of @vcpu */
	/* arguments */
	u64 gfn, pages, pa, prot;
	bool huge, mkold;
	struct guest_insn insn;
	s64 (*fn)(struct flow *f);
};

static inline struct machine *flow_machine(const struct flow *f)
{
	return f->a.m;
}

static inline struct host *flow_host(const struct flow *f)
{
	return f->a.m->host;
}

static inline enum profile_id flow_release(const struct flow *f)
{
	return f->a.m->config->profile->id;
}

static inline const struct el2_vm_layout *flow_layout(const struct flow *f)
{
	return f->a.m->config->vm_layout;
}

static inline u64 flow_page_size(const struct flow *f)
{
	return BIT(f->a.m->board->f->page_shift);
}

static inline u64 flow_pages(const struct flow *f, u64 bytes)
{
	return ALIGN_UP(bytes, flow_page_size(f)) >> f->a.m->board->f->page_shift;
}

/* The host kernel's address of @pa, which EL2 turns into its own. */
static inline u64 host_kern_va(u64 pa)
{
	return GENMASK(63, 48) + pa;
}

/* kvm_call_hyp_nvhe(): x1. Where the dispatcher refuses it -EOPNOTSUPP, to v7.0 what x1 holds. */
s64 flow_hcall(struct flow *f, enum host_call call, const u64 *args, unsigned int n);
#define hcall(f, call, ...)                                                                 \
	flow_hcall((f), (call), (const u64[]){ 0, ##__VA_ARGS__ } + 1,                       \
		   sizeof((const u64[]){ 0, ##__VA_ARGS__ }) / sizeof(u64) - 1)

u64 flow_load(struct flow *f, u64 pa);            /* 0 once the thread is gone */
void flow_store(struct flow *f, u64 pa, u64 val);
void flow_store_field(struct flow *f, u64 pa, u64 val, unsigned int width);
void flow_clear_page(struct flow *f, u64 pa);

/* ---- vm_pages.c ---------------------------------------------------------------------------- */

/*
 * @n pages side by side, the first with a number that @align divides: PA, 0: there are
 * none. The highest that the host can write, and that page() did not give.
 */
u64 host_alloc_pages(struct flow *f, u64 n, u64 align);
u64 host_alloc_exact(struct flow *f, u64 bytes); /* alloc_pages_exact(): aligned to its order */
void host_free_pages(struct flow *f, u64 pa, u64 n);

/* The mapping that holds @gfn, else the next above; NULL. */
struct host_mapping *host_mapping_first(struct flow *f, u64 gfn);
struct host_mapping *host_mapping_next(struct flow *f, const struct host_mapping *map);
/* NULL: no room. */
struct host_mapping *host_mapping_insert(struct flow *f, u64 gfn, u64 pfn, u32 nr_pages);
void host_mapping_remove(struct flow *f, struct host_mapping *map);

/* kvm_hyp_memcache: the header at @mc, in a page that EL2 shares. */
int topup_hyp_memcache(struct flow *f, u64 mc, u64 min_pages);
void free_hyp_memcache(struct flow *f, u64 mc);

/* ---- vm_share.c ------------------------------------------------------------------------------ */

int kvm_share_hyp(struct flow *f, u64 pa, u64 bytes);
int kvm_unshare_hyp(struct flow *f, u64 pa, u64 bytes); /* the first error that Linux warns of */

/* ---- vm.c -------------------------------------------------------------------------------------- */

int pkvm_first_run(struct flow *f); /* EL2's side of f->vm and f->vcpu, once */

/* ---- vm_mmu.c ----------------------------------------------------------------------------------- */

int kvm_handle_guest_abort(struct flow *f); /* of f->vcpu->exit */
int pkvm_destroy_range(struct flow *f);     /* all that f->vm maps */

/* ---- vm_run.c ------------------------------------------------------------------------------------ */

#define FLOW_ALL_VCPUS UINT32_MAX

static inline struct outcome flow_gives(s64 ret)
{
	return (struct outcome){ OUTCOME_VALUE, true, (u64)ret };
}

/* Is there a KVM? False with what the action gives instead. */
bool flow_may_begin(struct machine *m, struct outcome *o);
/*
 * The live VM @name and its vCPU @idx; of FLOW_ALL_VCPUS all that are loaded are put. _on:
 * to run on @cpu, so that it is put where else it is loaded. False with what the action
 * gives instead.
 */
bool flow_begin_on(struct flow *f, struct machine *m, unsigned int cpu, const char *name, u32 idx,
		   struct outcome *o);
bool flow_begin(struct flow *f, struct machine *m, const char *name, u32 idx, struct outcome *o);
struct outcome flow_run(struct flow *f, unsigned int cpu);
int flow_vcpu_load(struct flow *f); /* with its first run before; the VM's other business off */
void flow_vcpu_put(struct flow *f); /* whatever is loaded on this CPU */

#endif
