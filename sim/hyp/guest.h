/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machines at EL2: what pkvm.c (the table and life of VMs), vcpu.c,
 * memcache.c, guest_stage2.c, guest.c (protected guests), np_guest.c and vm_calls.c
 * share.
 *
 * In fake RAM, as at a real EL2: the table of VMs, the free lists of a VM's pool, the
 * pointers to its vCPUs, all of a vCPU, memcaches. Beside it, in struct pkvm_hyp_vm
 * and one for each slot of the table, what the program needs to work on a VM: its lock,
 * its page table's description, its pool's bounds.
 */
#ifndef PKVM_SIM_HYP_GUEST_H
#define PKVM_SIM_HYP_GUEST_H

#include "mem_protect.h"

/* In the donated area of a VM: list heads of its pool, at its start. */
#define HYP_VM_POOL_HEADS 0

/* In the donated area of a vCPU, past what struct el2_vm_layout tells. */
#define HYP_VCPU_IDX 0x30
#define HYP_VCPU_FAULT_ESR 0x38
#define HYP_VCPU_FAULT_FAR 0x40
#define HYP_VCPU_FAULT_HPFAR 0x48 /* HPFAR_NS set: it holds an address */
#define HYP_VCPU_HELD 0x50	  /* memcache header: pages that a scenario drained */
#define HPFAR_NS BIT(63)
#define HPFAR_FIPA GENMASK(47, 4)

struct pkvm_hyp_vm {
	struct spinlock lock;	/* the guest component's, "G" */
	struct hyp_pool pool;	/* of its stage 2's tables */
	struct kvm_pgtable pgt; /* ->priv: this */
	va_t va;		/* of the donated area */
	va_t host_kvm;		/* pinned */
	pa_t pgd;		/* donated */
	u32 handle;
	u32 created_vcpus; /* as the host had it when the VM was made */
	u32 nr_vcpus;	   /* v6.12: those made so far */
	bool is_protected;
	bool is_dying; /* v7.2 */
	char name[12], lock_name[20], pool_lock_name[20];
	struct el2_guest_view view;
};

/* A vCPU of EL2's: all that it is stands in its donated area. */
struct pkvm_hyp_vcpu {
	struct pkvm_hyp_vm *vm;
	va_t va;
};

/* EL2's addresses have this tag above the bits that they share with the host kernel's. */
#define HYP_TAG_LSB 44
#define HYP_TAG_VAL BIT(HYP_TAG_LSB)

/* Host kernel address to EL2's: arithmetic, whatever it is given. EL2's own stay. */
static inline va_t kern_hyp_va(u64 host_va)
{
	return VA((host_va & GENMASK(HYP_TAG_LSB - 1, 0)) | HYP_TAG_VAL);
}

static inline bool pkvm_hyp_vm_is_protected(const struct pkvm_hyp_vm *vm)
{
	return vm->is_protected;
}

/* ---- memcache.c ------------------------------------------------------------------------- */

/*
 * Memory of the host's as EL2 sees it: looked up in EL2's stage 1, an abort where
 * nothing is mapped. @va may have any alignment.
 */
u64 hyp_load_host(struct hyp_cpu *c, va_t va);
void hyp_store_host(struct hyp_cpu *c, va_t va, u64 val);

/* A stack of pages, linked through their first words. */
struct hyp_memcache {
	va_t va; /* of its header */
	pa_t pa; /* of the same; 0: the host has put it where words cross pages */
};

/* The one whose header the host shares with EL2, which aborts where it maps nothing. */
struct hyp_memcache host_memcache(struct hyp_cpu *c, va_t va);

u64 hyp_memcache_pages(struct hyp_cpu *c, const struct hyp_memcache *mc);
void push_hyp_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc, pa_t page);
pa_t pop_hyp_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc); /* 0: none */
int refill_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc, u64 min_pages,
		    const struct hyp_memcache *host_mc);
int pkvm_refill_memcache(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu);

/* ---- guest_stage2.c ---------------------------------------------------------------------- */

u64 guest_pgd_size(const struct hyp *hyp); /* bytes */
int kvm_guest_prepare_stage2(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, pa_t pgd);
void kvm_guest_destroy_stage2(struct hyp_cpu *c, struct pkvm_hyp_vm *vm);
void reclaim_pgtable_pages(struct hyp_cpu *c, struct pkvm_hyp_vm *vm,
			   const struct hyp_memcache *mc);

static inline void guest_lock_component(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	spin_lock(c->cpu, &vm->lock);
}

static inline void guest_unlock_component(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	spin_unlock(c->cpu, &vm->lock);
}

enum page_state guest_get_page_state(struct hyp_cpu *c, u64 pte);
int guest_check_page_state_range(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa, u64 size,
				 enum page_state s);
int guest_check_transition_size(const struct hyp_cpu *c, u64 phys, u64 ipa, u64 nr_pages,
				u64 *size);
int guest_check_pgtable_memcache(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu);
struct hyp_memcache hyp_vcpu_memcache(const struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu);
int guest_stage2_map(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 ipa, u64 size,
		     u64 phys, u64 prot, enum page_state s);

/* ---- guest.c: guests that own memory (v7.2) ------------------------------------------------ */

int __pkvm_host_donate_guest(struct hyp_cpu *c, u64 pfn, u64 gfn, const struct pkvm_hyp_vcpu *vcpu);
int __pkvm_guest_share_host(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 gfn);
int __pkvm_guest_unshare_host(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 gfn);
int __pkvm_host_reclaim_page_guest(struct hyp_cpu *c, u64 gfn, struct pkvm_hyp_vm *vm);
int __pkvm_host_force_reclaim_page_guest(struct hyp_cpu *c, u64 phys);
int __pkvm_vcpu_in_poison_fault(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu);

/* ---- np_guest.c: guests that map the host's memory (v7.0 on) -------------------------------- */

int __pkvm_host_share_guest(struct hyp_cpu *c, u64 pfn, u64 gfn, u64 nr_pages,
			    const struct pkvm_hyp_vcpu *vcpu, u64 prot);
int __pkvm_host_unshare_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, struct pkvm_hyp_vm *vm);
int __pkvm_host_relax_perms_guest(struct hyp_cpu *c, u64 gfn, const struct pkvm_hyp_vcpu *vcpu,
				  u64 prot);
int __pkvm_host_wrprotect_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, struct pkvm_hyp_vm *vm);
int __pkvm_host_test_clear_young_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, bool mkold,
				       struct pkvm_hyp_vm *vm);
int __pkvm_host_mkyoung_guest(struct hyp_cpu *c, u64 gfn, const struct pkvm_hyp_vcpu *vcpu);

/* ---- pkvm.c ------------------------------------------------------------------------------- */

/* @vm, which is a slot's, may be changed from now on: see store_mark(). */
struct pkvm_hyp_vm *pkvm_vm_mark(struct hyp *hyp, struct pkvm_hyp_vm *vm);
/* The VM of a live handle, else NULL. vm_table_lock. */
struct pkvm_hyp_vm *get_vm_by_handle(struct hyp_cpu *c, u32 handle);
/* The same with a reference on it, and none that is protected. Take vm_table_lock. */
struct pkvm_hyp_vm *get_pkvm_hyp_vm(struct hyp_cpu *c, u32 handle);
struct pkvm_hyp_vm *get_np_pkvm_hyp_vm(struct hyp_cpu *c, u32 handle);
void put_pkvm_hyp_vm(struct hyp_cpu *c, struct pkvm_hyp_vm *vm);
pa_t hyp_vm_page(const struct hyp_cpu *c, const struct pkvm_hyp_vm *vm); /* has its users */

int __pkvm_reserve_vm(struct hyp_cpu *c);
void __pkvm_unreserve_vm(struct hyp_cpu *c, u32 handle);
int __pkvm_init_vm(struct hyp_cpu *c, va_t host_kvm, u64 vm_hva, u64 pgd_hva);
int __pkvm_start_teardown_vm(struct hyp_cpu *c, u32 handle);
int __pkvm_finalize_teardown_vm(struct hyp_cpu *c, u32 handle);
int __pkvm_teardown_vm(struct hyp_cpu *c, u32 handle);
int __pkvm_reclaim_dying_guest_page(struct hyp_cpu *c, u32 handle, u64 gfn);
void __pkvm_tlb_flush_vmid(struct hyp_cpu *c, u32 handle);

/* Memory that the host gives to EL2 for its own use, and how it goes back. VA 0: refused. */
va_t map_donated_memory(struct hyp_cpu *c, u64 host_va, u64 size);
va_t map_donated_memory_noclear(struct hyp_cpu *c, u64 host_va, u64 size);
void unmap_donated_memory(struct hyp_cpu *c, va_t va, u64 size);
void unmap_donated_memory_noclear(struct hyp_cpu *c, va_t va, u64 size);

/* selftest.c's VM: made on this CPU, found in the table, gone. */
void pkvm_init_selftest_vm(struct hyp_cpu *c, pa_t pgd, pa_t heads);
struct pkvm_hyp_vm *pkvm_insert_selftest_vm(struct hyp_cpu *c);
void pkvm_remove_selftest_vm(struct hyp_cpu *c, const struct pkvm_hyp_vm *vm);

/* ---- vcpu.c ------------------------------------------------------------------------------- */

/* Words of a vCPU's area, and the pointer to it in the VM's. */
u64 hyp_vcpu_load(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u32 off);
void hyp_vcpu_store(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u32 off, u64 val);
pa_t hyp_vcpu_slot(const struct hyp *hyp, const struct pkvm_hyp_vm *vm, u32 idx);
bool hyp_vm_vcpu(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u32 idx, struct pkvm_hyp_vcpu *vcpu);
u32 hyp_vm_vcpus(const struct hyp *hyp, const struct pkvm_hyp_vm *vm); /* slots in use at most */

int __pkvm_init_vcpu(struct hyp_cpu *c, u32 handle, va_t host_vcpu, u64 vcpu_hva);
void unpin_host_vcpu(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu);
void __pkvm_vcpu_load(struct hyp_cpu *c, u32 handle, u32 idx);
void __pkvm_vcpu_put(struct hyp_cpu *c);
/* This CPU's; false: none. */
bool pkvm_get_loaded_hyp_vcpu(struct hyp_cpu *c, struct pkvm_hyp_vcpu *vcpu);
s64 __kvm_vcpu_run(struct hyp_cpu *c, u64 host_vcpu);

#endif
