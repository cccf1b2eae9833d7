// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypercalls about virtual machines, after arch/arm64/kvm/hyp/nvhe/hyp-main.c
 * (6.12.117, 7.2.13; v7.0 by dated changes): which vCPU or VM a call is about, and who is
 * refused before anything is looked at. Arguments are cut to the kernel's types. Beside
 * them the functions behind the calls for any VM, as EL2's own self-test calls them.
 */
#include "guest.h"
#include "hcall.h"

/* pkvm_handle_t: 16 bits from v7.1 on. */
static u32 handle_arg(const struct hyp_cpu *c, u64 val)
{
	return c->hyp->profile->protected_guests ? (u16)val : (u32)val;
}

/* What is no permission of the release's is refused as a memory type is. */
static u64 guest_prot(const struct hyp_cpu *c, u64 prot)
{
	const u64 rwx = c->hyp->profile->xn_two_bits ? 0xf : 0x7;

	return prot_of_host(c->hyp->profile, prot & rwx) | (prot & ~rwx ? PROT_DEVICE : 0);
}

/* This CPU's vCPU, if its VM is of the kind that the call is for. */
static bool loaded_vcpu(struct hyp_cpu *c, bool is_protected, struct pkvm_hyp_vcpu *vcpu)
{
	return pkvm_get_loaded_hyp_vcpu(c, vcpu) &&
	       pkvm_hyp_vm_is_protected(vcpu->vm) == is_protected;
}

/* ---- Guests' memory ------------------------------------------------------------------------ */

static void handle___pkvm_host_donate_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vcpu vcpu;
	int ret = -EINVAL;

	HYP_FRAME(c);
	if (loaded_vcpu(c, true, &vcpu)) {
		ret = pkvm_refill_memcache(c, &vcpu);
		if (!ret)
			ret = __pkvm_host_donate_guest(c, regs[1], regs[2], &vcpu);
	}
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_share_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vcpu vcpu;
	int ret = -EINVAL;

	HYP_FRAME(c);
	if (loaded_vcpu(c, false, &vcpu)) {
		ret = pkvm_refill_memcache(c, &vcpu);
		if (!ret)
			ret = __pkvm_host_share_guest(c, regs[1], regs[2], regs[3], &vcpu,
						      guest_prot(c, regs[4]));
	}
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_unshare_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vm *vm;
	int ret = -EINVAL;

	HYP_FRAME(c);
	vm = get_np_pkvm_hyp_vm(c, handle_arg(c, regs[1]));
	if (vm) {
		ret = __pkvm_host_unshare_guest(c, regs[2], regs[3], vm);
		put_pkvm_hyp_vm(c, vm);
	}
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_relax_perms_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vcpu vcpu;
	int ret = -EINVAL;

	HYP_FRAME(c);
	if (loaded_vcpu(c, false, &vcpu))
		ret = __pkvm_host_relax_perms_guest(c, regs[1], &vcpu, guest_prot(c, regs[2]));
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_wrprotect_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vm *vm;
	int ret = -EINVAL;

	HYP_FRAME(c);
	vm = get_np_pkvm_hyp_vm(c, handle_arg(c, regs[1]));
	if (vm) {
		ret = __pkvm_host_wrprotect_guest(c, regs[2], regs[3], vm);
		put_pkvm_hyp_vm(c, vm);
	}
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_test_clear_young_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vm *vm;
	int ret = -EINVAL;

	HYP_FRAME(c);
	vm = get_np_pkvm_hyp_vm(c, handle_arg(c, regs[1]));
	if (vm) {
		ret = __pkvm_host_test_clear_young_guest(c, regs[2], regs[3], regs[4] != 0, vm);
		put_pkvm_hyp_vm(c, vm);
	}
	cpu_ret(regs, ret);
}

static void handle___pkvm_host_mkyoung_guest(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vcpu vcpu;
	int ret = -EINVAL;

	HYP_FRAME(c);
	if (loaded_vcpu(c, false, &vcpu))
		ret = __pkvm_host_mkyoung_guest(c, regs[1], &vcpu);
	cpu_ret(regs, ret);
}

static void handle___pkvm_vcpu_in_poison_fault(struct hyp_cpu *c, u64 regs[18])
{
	struct pkvm_hyp_vcpu vcpu;
	int ret = -EINVAL;

	HYP_FRAME(c);
	if (pkvm_get_loaded_hyp_vcpu(c, &vcpu))
		ret = __pkvm_vcpu_in_poison_fault(c, &vcpu);
	cpu_ret(regs, ret);
}

static void handle___pkvm_force_reclaim_guest_page(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_host_force_reclaim_page_guest(c, regs[1]));
}

static void handle___pkvm_reclaim_dying_guest_page(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_reclaim_dying_guest_page(c, handle_arg(c, regs[1]), regs[2]));
}

/* ---- VMs and vCPUs -------------------------------------------------------------------------- */

static void handle___pkvm_reserve_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_reserve_vm(c));
}

static void handle___pkvm_unreserve_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	__pkvm_unreserve_vm(c, handle_arg(c, regs[1]));
}

static void handle___pkvm_init_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_init_vm(c, kern_hyp_va(regs[1]), regs[2], regs[3]));
}

static void handle___pkvm_init_vcpu(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_init_vcpu(c, handle_arg(c, regs[1]), kern_hyp_va(regs[2]), regs[3]));
}

static void handle___pkvm_start_teardown_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_start_teardown_vm(c, handle_arg(c, regs[1])));
}

static void handle___pkvm_finalize_teardown_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_finalize_teardown_vm(c, handle_arg(c, regs[1])));
}

static void handle___pkvm_teardown_vm(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_teardown_vm(c, handle_arg(c, regs[1])));
}

/* What the host wants of HCR_EL2 concerns no memory. */
static void handle___pkvm_vcpu_load(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	__pkvm_vcpu_load(c, handle_arg(c, regs[1]), (u32)regs[2]);
}

static void handle___pkvm_vcpu_put(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	__pkvm_vcpu_put(c);
}

static void handle___kvm_vcpu_run(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __kvm_vcpu_run(c, regs[1]));
}

static void handle___pkvm_tlb_flush_vmid(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	__pkvm_tlb_flush_vmid(c, handle_arg(c, regs[1]));
}

#define ROW(call) (EL2_CALL_##call - EL2_CALL_FIRST_VM)

const struct hcall vm_hcalls[N_VM_HCALLS] = {
	[ROW(host_donate_guest)] = { NUMBERS(0, 0, 31), handle___pkvm_host_donate_guest },
	[ROW(host_share_guest)] = { NUMBERS(0, 10, 32), handle___pkvm_host_share_guest },
	[ROW(host_unshare_guest)] = { NUMBERS(0, 11, 33), handle___pkvm_host_unshare_guest },
	[ROW(host_relax_perms_guest)] = { NUMBERS(0, 12, 34),
					  handle___pkvm_host_relax_perms_guest },
	[ROW(host_wrprotect_guest)] = { NUMBERS(0, 13, 35), handle___pkvm_host_wrprotect_guest },
	[ROW(host_test_clear_young_guest)] = { NUMBERS(0, 14, 36),
					       handle___pkvm_host_test_clear_young_guest },
	[ROW(host_mkyoung_guest)] = { NUMBERS(0, 15, 37), handle___pkvm_host_mkyoung_guest },
	[ROW(reserve_vm)] = { NUMBERS(0, 27, 38), handle___pkvm_reserve_vm },
	[ROW(unreserve_vm)] = { NUMBERS(0, 28, 39), handle___pkvm_unreserve_vm },
	[ROW(init_vm)] = { NUMBERS(23, 29, 40), handle___pkvm_init_vm },
	[ROW(init_vcpu)] = { NUMBERS(24, 30, 41), handle___pkvm_init_vcpu },
	[ROW(vcpu_in_poison_fault)] = { NUMBERS(0, 0, 42), handle___pkvm_vcpu_in_poison_fault },
	[ROW(force_reclaim_guest_page)] = { NUMBERS(0, 0, 43),
					    handle___pkvm_force_reclaim_guest_page },
	[ROW(reclaim_dying_guest_page)] = { NUMBERS(0, 0, 44),
					    handle___pkvm_reclaim_dying_guest_page },
	[ROW(start_teardown_vm)] = { NUMBERS(0, 0, 45), handle___pkvm_start_teardown_vm },
	[ROW(finalize_teardown_vm)] = { NUMBERS(0, 0, 46), handle___pkvm_finalize_teardown_vm },
	[ROW(teardown_vm)] = { NUMBERS(25, 31, 0), handle___pkvm_teardown_vm },
	[ROW(vcpu_load)] = { NUMBERS(0, 32, 47), handle___pkvm_vcpu_load },
	[ROW(vcpu_put)] = { NUMBERS(0, 33, 48), handle___pkvm_vcpu_put },
	[ROW(kvm_vcpu_run)] = { NUMBERS(12, 17, 9), handle___kvm_vcpu_run },
	[ROW(tlb_flush_vmid)] = { NUMBERS(0, 34, 49), handle___pkvm_tlb_flush_vmid },
};

/* ---- The functions behind them, for any VM -------------------------------------------------- */

static bool has_np_guests(const struct hyp *hyp)
{
	return hyp->profile->np_guests;
}

static bool has_protected_guests(const struct hyp *hyp)
{
	return hyp->profile->protected_guests;
}

/* The VM, with a reference, and its vCPU 0, which is what its stage 2 takes tables from. */
static bool any_vcpu(struct hyp_cpu *c, u64 handle, struct pkvm_hyp_vcpu *vcpu)
{
	struct pkvm_hyp_vm *vm = get_pkvm_hyp_vm(c, handle_arg(c, handle));

	if (!vm)
		return false;
	if (hyp_vm_vcpu(c, vm, 0, vcpu))
		return true;
	put_pkvm_hyp_vm(c, vm);
	return false;
}

#define FOR_ANY_VCPU(c, handle, call)                                                              \
	__extension__({                                                                            \
		struct pkvm_hyp_vcpu vcpu;                                                         \
		s64 ret = -EINVAL;                                                                 \
		if (any_vcpu((c), (handle), &vcpu)) {                                              \
			ret = (call);                                                              \
			put_pkvm_hyp_vm((c), vcpu.vm);                                             \
		}                                                                                  \
		ret;                                                                               \
	})

static s64 vm_donate(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_host_donate_guest(c, a[1], a[2], &vcpu));
}

static s64 vm_share(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(
		c, a[0], __pkvm_host_share_guest(c, a[1], a[2], a[3], &vcpu, guest_prot(c, a[4])));
}

static s64 vm_unshare(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_host_unshare_guest(c, a[1], a[2], vcpu.vm));
}

static s64 vm_relax_perms(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0],
			    __pkvm_host_relax_perms_guest(c, a[1], &vcpu, guest_prot(c, a[2])));
}

static s64 vm_wrprotect(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_host_wrprotect_guest(c, a[1], a[2], vcpu.vm));
}

static s64 vm_test_clear_young(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0],
			    __pkvm_host_test_clear_young_guest(c, a[1], a[2], a[3] != 0, vcpu.vm));
}

static s64 vm_mkyoung(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_host_mkyoung_guest(c, a[1], &vcpu));
}

static s64 vm_guest_share_host(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_guest_share_host(c, &vcpu, a[1]));
}

static s64 vm_guest_unshare_host(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_guest_unshare_host(c, &vcpu, a[1]));
}

static s64 vm_reclaim(struct hyp_cpu *c, const u64 *a)
{
	return FOR_ANY_VCPU(c, a[0], __pkvm_host_reclaim_page_guest(c, a[1], vcpu.vm));
}

static s64 vm_refill_memcache(struct hyp_cpu *c, const u64 *a)
{
	const struct hyp_memcache host = host_memcache(c, VA(a[2]));
	struct hyp_memcache mc;

	return FOR_ANY_VCPU(
		c, a[0], (mc = hyp_vcpu_memcache(c, &vcpu), refill_memcache(c, &mc, a[1], &host)));
}

#undef ROW
#define ROW(call) (EL2_CALL_##call - EL2_CALL_FIRST_VM_OWN)

const struct internal_call vm_internal_calls[N_EL2_CALLS - EL2_CALL_FIRST_VM_OWN] = {
	[ROW(vm_donate)] = { has_protected_guests, vm_donate },
	[ROW(vm_share)] = { has_np_guests, vm_share },
	[ROW(vm_unshare)] = { has_np_guests, vm_unshare },
	[ROW(vm_relax_perms)] = { has_np_guests, vm_relax_perms },
	[ROW(vm_wrprotect)] = { has_np_guests, vm_wrprotect },
	[ROW(vm_test_clear_young)] = { has_np_guests, vm_test_clear_young },
	[ROW(vm_mkyoung)] = { has_np_guests, vm_mkyoung },
	[ROW(guest_share_host)] = { has_protected_guests, vm_guest_share_host },
	[ROW(guest_unshare_host)] = { has_protected_guests, vm_guest_unshare_host },
	[ROW(host_reclaim_page_guest)] = { has_protected_guests, vm_reclaim },
	[ROW(refill_memcache)] = { has_np_guests, vm_refill_memcache },
};
