// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's pkvm.c, and VMs as it has them: how it lays out what host and EL2 know of one,
 * which there are, and the calls of EL2's own for any of them.
 */
#include <nvhe/pkvm.c>

#include "glue.h"

unsigned long glue_vm_table(void)
{
	return (unsigned long)vm_table;
}

hyp_spinlock_t *glue_vm_table_lock(void)
{
	return &vm_table_lock;
}

/* ---- Layout ------------------------------------------------------------------------------- */

/* Pointers to vCPUs follow the structure without a gap. */
static_assert(offsetof(struct pkvm_hyp_vm, vcpus) == sizeof(struct pkvm_hyp_vm));

void glue_vm_layout(struct tree_vm_layout *l)
{
	*l = (struct tree_vm_layout){
		.kvm_size = sizeof(struct kvm),
		.kvm_created_vcpus = offsetof(struct kvm, created_vcpus),
		.kvm_created_vcpus_width = sizeof_field(struct kvm, created_vcpus),
		.kvm_handle = offsetof(struct kvm, arch.pkvm.handle),
		.kvm_handle_width = sizeof_field(struct kvm, arch.pkvm.handle),
		.kvm_flags = offsetof(struct kvm, arch.flags),
		.kvm_has_id_regs = BIT(KVM_ARCH_FLAG_ID_REGS_INITIALIZED),
		.kvm_teardown_mc = offsetof(struct kvm, arch.pkvm.teardown_mc),
		.vcpu_size = sizeof(struct kvm_vcpu),
		.vcpu_idx = offsetof(struct kvm_vcpu, vcpu_idx),
		.vcpu_idx_width = sizeof_field(struct kvm_vcpu, vcpu_idx),
		.vcpu_kvm = offsetof(struct kvm_vcpu, kvm),
		.mc_head = offsetof(struct kvm_hyp_memcache, head),
		.mc_nr_pages = offsetof(struct kvm_hyp_memcache, nr_pages),
		.mc_size = sizeof(struct kvm_hyp_memcache),
		.hyp_vm_size = sizeof(struct pkvm_hyp_vm),
		.hyp_vm_handle = offsetof(struct pkvm_hyp_vm, kvm.arch.pkvm.handle),
		.hyp_vm_lock = offsetof(struct pkvm_hyp_vm, lock),
		.hyp_vm_pool_lock = offsetof(struct pkvm_hyp_vm, pool.lock),
		.hyp_vcpu_size = sizeof(struct pkvm_hyp_vcpu),
		.hyp_vcpu_host = offsetof(struct pkvm_hyp_vcpu, host_vcpu),
#ifdef HAVE_RESERVED_VMS
		.kvm_is_protected = offsetof(struct kvm, arch.pkvm.is_protected),
		.kvm_is_protected_width = sizeof_field(struct kvm, arch.pkvm.is_protected),
		.kvm_stage2_teardown_mc = offsetof(struct kvm, arch.pkvm.stage2_teardown_mc),
		.vcpu_memcache = offsetof(struct kvm_vcpu, arch.pkvm_memcache),
		.hyp_vcpu_memcache = offsetof(struct pkvm_hyp_vcpu, vcpu.arch.pkvm_memcache),
		.hyp_vcpu_loaded = offsetof(struct pkvm_hyp_vcpu, loaded_hyp_vcpu),
		.loaded_is_address = 1,
		.percpu_loaded = (char *)&loaded_hyp_vcpu - __per_cpu_start,
#else
		.kvm_is_protected = offsetof(struct kvm, arch.pkvm.enabled),
		.kvm_is_protected_width = sizeof_field(struct kvm, arch.pkvm.enabled),
		.kvm_stage2_teardown_mc = offsetof(struct kvm, arch.pkvm.teardown_mc),
		/* no page is in it and no vCPU stays loaded: what the host uses and pKVM does not */
		.vcpu_memcache = offsetof(struct kvm_vcpu, arch.mmu_page_cache),
		.hyp_vcpu_memcache = offsetof(struct pkvm_hyp_vcpu, vcpu.arch.mmu_page_cache),
		.hyp_vcpu_loaded = offsetof(struct pkvm_hyp_vcpu, vcpu.arch.mmu_page_cache),
#endif
	};
}

/* ---- Which there are ------------------------------------------------------------------------- */

static bool view_protected(struct pkvm_hyp_vm *vm)
{
#ifdef HAVE_RESERVED_VMS
	return vm->kvm.arch.pkvm.is_protected;
#else
	return vm->host_kvm->arch.pkvm.enabled; /* EL2 asks nobody */
#endif
}

static void view_guest(struct tree_guest *g, struct pkvm_hyp_vm *vm)
{
	*g = (struct tree_guest){
		.handle = vm->kvm.arch.pkvm.handle,
		.created_vcpus = vm->kvm.created_vcpus,
		.is_protected = view_protected(vm),
#ifdef HAVE_PROTECTED_GUESTS
		.is_dying = vm->kvm.arch.pkvm.is_dying,
#endif
		.vmid = atomic64_read(&vm->kvm.arch.mmu.vmid.id),
		.area = (u64)vm,
		.host_kvm = (u64)vm->host_kvm,
	};
	glue_view_table(&g->s2, &vm->pgt);
	glue_view_pool(&g->pool, &vm->pool);
}

void glue_view_guests(struct tree_shared *s)
{
	unsigned int i;

	s->view.n_guests = 0;
	for (i = 0; vm_table && i < KVM_MAX_PVMS && i < TREE_MAX_VMS; i++) {
		struct pkvm_hyp_vm *vm = vm_table[i];

#ifdef HAVE_RESERVED_VMS
		if (vm == RESERVED_ENTRY)
			continue;
#endif
		if (vm)
			view_guest(&s->guest[s->view.n_guests++], vm);
	}
#ifdef HAVE_RESERVED_VMS
	for (i = 0; i < s->n_cpus; i++) {
		struct pkvm_hyp_vcpu *on = *per_cpu_ptr(&loaded_hyp_vcpu, i);

		s->view.cpu[i].loaded =
			on ? pkvm_hyp_vcpu_to_hyp_vm(on)->kvm.arch.pkvm.handle : 0;
	}
#endif
}

/* ---- Calls for any VM, by its handle first ------------------------------------------------------ */

u32 glue_vm_calls(void)
{
	u32 calls = 0;

#ifdef HAVE_NP_GUESTS
	calls |= BIT(TREE_CALL_vm_share) | BIT(TREE_CALL_vm_unshare) |
		 BIT(TREE_CALL_vm_relax_perms) | BIT(TREE_CALL_vm_wrprotect) |
		 BIT(TREE_CALL_vm_test_clear_young) | BIT(TREE_CALL_vm_mkyoung) |
		 BIT(TREE_CALL_refill_memcache);
#endif
#ifdef HAVE_PROTECTED_GUESTS
	calls |= BIT(TREE_CALL_vm_donate) | BIT(TREE_CALL_guest_share_host) |
		 BIT(TREE_CALL_guest_unshare_host) | BIT(TREE_CALL_host_reclaim_page_guest);
#endif
	return calls;
}

#ifdef HAVE_RESERVED_VMS
static long call_vm(unsigned int number, struct pkvm_hyp_vm *vm, const u64 *a)
{
	struct pkvm_hyp_vcpu *vcpu = vm->vcpus[0];

	if (!vcpu)
		return -EINVAL;
	switch (number) {
#ifdef HAVE_NP_GUESTS
	case TREE_CALL_vm_share:
		return __pkvm_host_share_guest(a[1], a[2], a[3], vcpu, a[4]);
	case TREE_CALL_vm_unshare:
		return __pkvm_host_unshare_guest(a[1], a[2], vm);
	case TREE_CALL_vm_relax_perms:
		return __pkvm_host_relax_perms_guest(a[1], vcpu, a[2]);
	case TREE_CALL_vm_wrprotect:
		return __pkvm_host_wrprotect_guest(a[1], a[2], vm);
	case TREE_CALL_vm_test_clear_young:
		return __pkvm_host_test_clear_young_guest(a[1], a[2], a[3], vm);
	case TREE_CALL_vm_mkyoung:
		return __pkvm_host_mkyoung_guest(a[1], vcpu);
	case TREE_CALL_refill_memcache:
		return refill_memcache(&vcpu->vcpu.arch.pkvm_memcache, a[1], (void *)a[2]);
#endif
#ifdef HAVE_PROTECTED_GUESTS
	case TREE_CALL_vm_donate:
		return __pkvm_host_donate_guest(a[1], a[2], vcpu);
	case TREE_CALL_guest_share_host:
		return __pkvm_guest_share_host(vcpu, a[1]);
	case TREE_CALL_guest_unshare_host:
		return __pkvm_guest_unshare_host(vcpu, a[1]);
	case TREE_CALL_host_reclaim_page_guest:
		return __pkvm_host_reclaim_page_guest(a[1], vm);
#endif
	}
	sim_trap("BUG", __FILE__, __LINE__, "a call that the tree does not have");
}
#endif

long glue_vm_call(unsigned int number, const u64 *a)
{
	long ret = -EINVAL;
#ifdef HAVE_RESERVED_VMS
	struct pkvm_hyp_vm *vm = get_pkvm_hyp_vm(a[0]);

	if (vm) {
		ret = call_vm(number, vm, a);
		put_pkvm_hyp_vm(vm);
	}
#endif
	return ret;
}
