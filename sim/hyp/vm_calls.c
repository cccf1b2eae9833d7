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

#define N_ARGS(...) (sizeof((const struct el2_arg[]){ __VA_ARGS__ }) / sizeof(struct el2_arg))

#define CALL(name_, full_, doc_, ...)                                                              \
	.call = { .name = (name_),                                                                 \
		  .full = (full_),                                                                 \
		  .hypercall = true,                                                               \
		  .doc = (doc_),                                                                   \
		  .arg = { __VA_ARGS__ },                                                          \
		  .n_args = N_ARGS(__VA_ARGS__),                                                   \
		  .n_required = N_ARGS(__VA_ARGS__) }

const struct hcall vm_hcalls[] = {
	{
		CALL("host_donate_guest", "__pkvm_host_donate_guest",
		     "give a page to the loaded, protected guest: 0 or -errno", ARG("pfn", ARG_PFN),
		     ARG("gfn", ARG_NUMBER)),
		.nr = NUMBERS(0, 0, 31),
		.handle = handle___pkvm_host_donate_guest,
	},
	{
		CALL("host_share_guest", "__pkvm_host_share_guest",
		     "lend pages to the loaded guest that is not protected: 0 or -errno",
		     ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR),
		     ARG("prot", ARG_PROT)),
		.nr = NUMBERS(0, 10, 32),
		.handle = handle___pkvm_host_share_guest,
	},
	{
		CALL("host_unshare_guest", "__pkvm_host_unshare_guest",
		     "take pages back from a guest that is not protected: 0 or -errno",
		     ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
		.nr = NUMBERS(0, 11, 33),
		.handle = handle___pkvm_host_unshare_guest,
	},
	{
		CALL("host_relax_perms_guest", "__pkvm_host_relax_perms_guest",
		     "more permissions for a leaf of the loaded guest: 0 or -errno",
		     ARG("gfn", ARG_NUMBER), ARG("prot", ARG_PROT)),
		.nr = NUMBERS(0, 12, 34),
		.handle = handle___pkvm_host_relax_perms_guest,
	},
	{
		CALL("host_wrprotect_guest", "__pkvm_host_wrprotect_guest",
		     "make pages of a guest read-only: 0 or -errno", ARG("handle", ARG_NUMBER),
		     ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
		.nr = NUMBERS(0, 13, 35),
		.handle = handle___pkvm_host_wrprotect_guest,
	},
	{
		CALL("host_test_clear_young_guest", "__pkvm_host_test_clear_young_guest",
		     "were pages of a guest used? 0, 1 or -errno", ARG("handle", ARG_NUMBER),
		     ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER)),
		.nr = NUMBERS(0, 14, 36),
		.handle = handle___pkvm_host_test_clear_young_guest,
	},
	{
		CALL("host_mkyoung_guest", "__pkvm_host_mkyoung_guest",
		     "a leaf of the loaded guest was used: 0 or -errno", ARG("gfn", ARG_NUMBER)),
		.nr = NUMBERS(0, 15, 37),
		.handle = handle___pkvm_host_mkyoung_guest,
	},
	{
		CALL("reserve_vm", "__pkvm_reserve_vm", "a handle for a VM to come, or -errno"),
		.nr = NUMBERS(0, 27, 38),
		.handle = handle___pkvm_reserve_vm,
	},
	{
		CALL("unreserve_vm", "__pkvm_unreserve_vm", "give up a handle that has no VM yet",
		     ARG("handle", ARG_NUMBER)),
		.nr = NUMBERS(0, 28, 39),
		.handle = handle___pkvm_unreserve_vm,
	},
	{
		CALL("init_vm", "__pkvm_init_vm",
		     "make EL2's side of a VM from donated memory: 0 (v6.12 its handle) or -errno",
		     ARG("host_kvm", ARG_VA), ARG("vm_hva", ARG_VA), ARG("pgd_hva", ARG_VA)),
		.nr = NUMBERS(23, 29, 40),
		.handle = handle___pkvm_init_vm,
	},
	{
		CALL("init_vcpu", "__pkvm_init_vcpu",
		     "make EL2's side of a vCPU from donated memory: 0 or -errno",
		     ARG("handle", ARG_NUMBER), ARG("host_vcpu", ARG_VA), ARG("vcpu_hva", ARG_VA)),
		.nr = NUMBERS(24, 30, 41),
		.handle = handle___pkvm_init_vcpu,
	},
	{
		CALL("vcpu_in_poison_fault", "__pkvm_vcpu_in_poison_fault",
		     "did the loaded vCPU exit for a page that was taken from it? 0, 1 or -errno"),
		.nr = NUMBERS(0, 0, 42),
		.handle = handle___pkvm_vcpu_in_poison_fault,
	},
	{
		CALL("force_reclaim_guest_page", "__pkvm_force_reclaim_guest_page",
		     "take a page from the guest that owns it: 0 or -errno", ARG("phys", ARG_ADDR)),
		.nr = NUMBERS(0, 0, 43),
		.handle = handle___pkvm_force_reclaim_guest_page,
	},
	{
		CALL("reclaim_dying_guest_page", "__pkvm_reclaim_dying_guest_page",
		     "take a page back from a dying guest: 0 or -errno", ARG("handle", ARG_NUMBER),
		     ARG("gfn", ARG_NUMBER)),
		.nr = NUMBERS(0, 0, 44),
		.handle = handle___pkvm_reclaim_dying_guest_page,
	},
	{
		CALL("start_teardown_vm", "__pkvm_start_teardown_vm",
		     "begin to take a VM apart: 0 or -errno", ARG("handle", ARG_NUMBER)),
		.nr = NUMBERS(0, 0, 45),
		.handle = handle___pkvm_start_teardown_vm,
	},
	{
		CALL("finalize_teardown_vm", "__pkvm_finalize_teardown_vm",
		     "a VM's own memory goes back to the host: 0 or -errno",
		     ARG("handle", ARG_NUMBER)),
		.nr = NUMBERS(0, 0, 46),
		.handle = handle___pkvm_finalize_teardown_vm,
	},
	{
		CALL("teardown_vm", "__pkvm_teardown_vm",
		     "take a VM apart, its memory goes back to the host: 0 or -errno",
		     ARG("handle", ARG_NUMBER)),
		.nr = NUMBERS(25, 31, 0),
		.handle = handle___pkvm_teardown_vm,
	},
	{
		CALL("vcpu_load", "__pkvm_vcpu_load", "this CPU is to run a vCPU; tells nothing",
		     ARG("handle", ARG_NUMBER), ARG("vcpu_idx", ARG_NUMBER),
		     ARG("hcr_el2", ARG_NUMBER)),
		.nr = NUMBERS(0, 32, 47),
		.handle = handle___pkvm_vcpu_load,
	},
	{
		CALL("vcpu_put", "__pkvm_vcpu_put", "this CPU runs no vCPU any more"),
		.nr = NUMBERS(0, 33, 48),
		.handle = handle___pkvm_vcpu_put,
	},
	{
		CALL("kvm_vcpu_run", "__kvm_vcpu_run",
		     "enter the loaded guest, which an interrupt ends: 0 or -errno",
		     ARG("host_vcpu", ARG_VA)),
		.nr = NUMBERS(12, 17, 9),
		.handle = handle___kvm_vcpu_run,
	},
	{
		CALL("tlb_flush_vmid", "__pkvm_tlb_flush_vmid",
		     "forget all translations of a guest that is not protected",
		     ARG("handle", ARG_NUMBER)),
		.nr = NUMBERS(0, 34, 49),
		.handle = handle___pkvm_tlb_flush_vmid,
	},
};
const unsigned int n_vm_hcalls = G_N_ELEMENTS(vm_hcalls);

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

#define INTERNAL(name_, full_, doc_, ...)                                                          \
	.call = { .name = (name_),                                                                 \
		  .full = (full_),                                                                 \
		  .doc = (doc_),                                                                   \
		  .arg = { ARG("handle", ARG_NUMBER), __VA_ARGS__ },                               \
		  .n_args = 1 + N_ARGS(__VA_ARGS__),                                               \
		  .n_required = 1 + N_ARGS(__VA_ARGS__) }

const struct internal_call vm_internal_calls[] = {
	{
		INTERNAL("vm_donate", "vm_host_donate_guest", "host_donate_guest for any VM",
			 ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER)),
		.available = has_protected_guests,
		.fn = vm_donate,
	},
	{
		INTERNAL("vm_share", "vm_host_share_guest", "host_share_guest for any VM",
			 ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR),
			 ARG("prot", ARG_PROT)),
		.available = has_np_guests,
		.fn = vm_share,
	},
	{
		INTERNAL("vm_unshare", "vm_host_unshare_guest", "host_unshare_guest for any VM",
			 ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
		.available = has_np_guests,
		.fn = vm_unshare,
	},
	{
		INTERNAL("vm_relax_perms", "vm_host_relax_perms_guest",
			 "host_relax_perms_guest for any VM", ARG("gfn", ARG_NUMBER),
			 ARG("prot", ARG_PROT)),
		.available = has_np_guests,
		.fn = vm_relax_perms,
	},
	{
		INTERNAL("vm_wrprotect", "vm_host_wrprotect_guest",
			 "host_wrprotect_guest for any VM", ARG("gfn", ARG_NUMBER),
			 ARG("nr_pages", ARG_NR)),
		.available = has_np_guests,
		.fn = vm_wrprotect,
	},
	{
		INTERNAL("vm_test_clear_young", "vm_host_test_clear_young_guest",
			 "host_test_clear_young_guest for any VM", ARG("gfn", ARG_NUMBER),
			 ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER)),
		.available = has_np_guests,
		.fn = vm_test_clear_young,
	},
	{
		INTERNAL("vm_mkyoung", "vm_host_mkyoung_guest", "host_mkyoung_guest for any VM",
			 ARG("gfn", ARG_NUMBER)),
		.available = has_np_guests,
		.fn = vm_mkyoung,
	},
	{
		INTERNAL("guest_share_host", "__pkvm_guest_share_host",
			 "a guest lets the host at a page of its own", ARG("gfn", ARG_NUMBER)),
		.available = has_protected_guests,
		.fn = vm_guest_share_host,
	},
	{
		INTERNAL("guest_unshare_host", "__pkvm_guest_unshare_host",
			 "a guest takes such a page back", ARG("gfn", ARG_NUMBER)),
		.available = has_protected_guests,
		.fn = vm_guest_unshare_host,
	},
	{
		INTERNAL("host_reclaim_page_guest", "__pkvm_host_reclaim_page_guest",
			 "take a page back from a guest, dying or not", ARG("gfn", ARG_NUMBER)),
		.available = has_protected_guests,
		.fn = vm_reclaim,
	},
	{
		INTERNAL("refill_memcache", "refill_memcache",
			 "vCPU 0 of a VM takes pages from a host's list until it has so many",
			 ARG("min_pages", ARG_NUMBER), ARG("host_mc", ARG_VA)),
		.available = has_np_guests,
		.fn = vm_refill_memcache,
	},
};
const unsigned int n_vm_internal_calls = G_N_ELEMENTS(vm_internal_calls);
