// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls about virtual machines, as of 6.12.117 and 7.2.13: hypercalls by the names of the
 * tree's dispatcher, and the functions behind them for any VM. A tree whose functions take
 * other arguments than these has none of that family here.
 */
#include "tree_private.h"

#define ARG(name_, kind_)                                                                          \
	{                                                                                          \
		.name = (name_), .kind = (kind_)                                                   \
	}
#define N_ARGS(...) (sizeof((const struct el2_arg[]){ __VA_ARGS__ }) / sizeof(struct el2_arg))

#define HVC(name_, full_, doc_, ...)                                                               \
	.call = { .name = (name_),                                                                 \
		  .full = (full_),                                                                 \
		  .hypercall = true,                                                               \
		  .doc = (doc_),                                                                   \
		  .arg = { __VA_ARGS__ },                                                          \
		  .n_args = N_ARGS(__VA_ARGS__),                                                   \
		  .n_required = N_ARGS(__VA_ARGS__) },

#define OWN(name_, full_, doc_, ...)                                                               \
	.name = (name_), .full = (full_), .doc = (doc_),                                           \
	.arg = { ARG("handle", ARG_NUMBER), __VA_ARGS__ }, .n_args = 1 + N_ARGS(__VA_ARGS__),      \
	.n_required = 1 + N_ARGS(__VA_ARGS__)

enum family { NEEDS_NOTHING, NEEDS_RESERVED, NEEDS_NP, NEEDS_PROTECTED };

static const struct vm_hcall {
	struct el2_call call;
	enum family needs;
} hcalls[] = {
	{ HVC("host_donate_guest", "__pkvm_host_donate_guest",
	      "give a page to the loaded, protected guest: 0 or -errno", ARG("pfn", ARG_PFN),
	      ARG("gfn", ARG_NUMBER))
		  .needs = NEEDS_PROTECTED },
	{ HVC("host_share_guest", "__pkvm_host_share_guest",
	      "lend pages to the loaded guest that is not protected: 0 or -errno",
	      ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR),
	      ARG("prot", ARG_PROT))
		  .needs = NEEDS_NP },
	{ HVC("host_unshare_guest", "__pkvm_host_unshare_guest",
	      "take pages back from a guest that is not protected: 0 or -errno",
	      ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR))
		  .needs = NEEDS_NP },
	{ HVC("host_relax_perms_guest", "__pkvm_host_relax_perms_guest",
	      "more permissions for a leaf of the loaded guest: 0 or -errno",
	      ARG("gfn", ARG_NUMBER), ARG("prot", ARG_PROT))
		  .needs = NEEDS_NP },
	{ HVC("host_wrprotect_guest", "__pkvm_host_wrprotect_guest",
	      "make pages of a guest read-only: 0 or -errno", ARG("handle", ARG_NUMBER),
	      ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR))
		  .needs = NEEDS_NP },
	{ HVC("host_test_clear_young_guest", "__pkvm_host_test_clear_young_guest",
	      "were pages of a guest used? 0, 1 or -errno", ARG("handle", ARG_NUMBER),
	      ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER))
		  .needs = NEEDS_NP },
	{ HVC("host_mkyoung_guest", "__pkvm_host_mkyoung_guest",
	      "a leaf of the loaded guest was used: 0 or -errno", ARG("gfn", ARG_NUMBER))
		  .needs = NEEDS_NP },
	{ HVC("reserve_vm", "__pkvm_reserve_vm", "a handle for a VM to come, or -errno").needs =
		  NEEDS_RESERVED },
	{ HVC("unreserve_vm", "__pkvm_unreserve_vm", "give up a handle that has no VM yet",
	      ARG("handle", ARG_NUMBER))
		  .needs = NEEDS_RESERVED },
	{ HVC("init_vm", "__pkvm_init_vm",
	      "make EL2's side of a VM from donated memory: 0 (v6.12 its handle) or -errno",
	      ARG("host_kvm", ARG_VA), ARG("vm_hva", ARG_VA), ARG("pgd_hva", ARG_VA))
		  .needs = NEEDS_NOTHING },
	{ HVC("init_vcpu", "__pkvm_init_vcpu",
	      "make EL2's side of a vCPU from donated memory: 0 or -errno",
	      ARG("handle", ARG_NUMBER), ARG("host_vcpu", ARG_VA), ARG("vcpu_hva", ARG_VA))
		  .needs = NEEDS_NOTHING },
	{ HVC("vcpu_in_poison_fault", "__pkvm_vcpu_in_poison_fault",
	      "did the loaded vCPU exit for a page that was taken from it? 0, 1 or -errno")
		  .needs = NEEDS_PROTECTED },
	{ HVC("force_reclaim_guest_page", "__pkvm_force_reclaim_guest_page",
	      "take a page from the guest that owns it: 0 or -errno", ARG("phys", ARG_ADDR))
		  .needs = NEEDS_PROTECTED },
	{ HVC("reclaim_dying_guest_page", "__pkvm_reclaim_dying_guest_page",
	      "take a page back from a dying guest: 0 or -errno", ARG("handle", ARG_NUMBER),
	      ARG("gfn", ARG_NUMBER))
		  .needs = NEEDS_PROTECTED },
	{ HVC("start_teardown_vm", "__pkvm_start_teardown_vm",
	      "begin to take a VM apart: 0 or -errno", ARG("handle", ARG_NUMBER))
		  .needs = NEEDS_PROTECTED },
	{ HVC("finalize_teardown_vm", "__pkvm_finalize_teardown_vm",
	      "a VM's own memory goes back to the host: 0 or -errno", ARG("handle", ARG_NUMBER))
		  .needs = NEEDS_PROTECTED },
	{ HVC("teardown_vm", "__pkvm_teardown_vm",
	      "take a VM apart, its memory goes back to the host: 0 or -errno",
	      ARG("handle", ARG_NUMBER))
		  .needs = NEEDS_NOTHING },
	{ HVC("vcpu_load", "__pkvm_vcpu_load", "this CPU is to run a vCPU; tells nothing",
	      ARG("handle", ARG_NUMBER), ARG("vcpu_idx", ARG_NUMBER), ARG("hcr_el2", ARG_NUMBER))
		  .needs = NEEDS_RESERVED },
	{ HVC("vcpu_put", "__pkvm_vcpu_put", "this CPU runs no vCPU any more").needs =
		  NEEDS_RESERVED },
	{ HVC("kvm_vcpu_run", "__kvm_vcpu_run",
	      "enter the loaded guest, which an interrupt ends: 0 or -errno",
	      ARG("host_vcpu", ARG_VA))
		  .needs = NEEDS_NOTHING },
	{ HVC("tlb_flush_vmid", "__pkvm_tlb_flush_vmid",
	      "forget all translations of a guest that is not protected", ARG("handle", ARG_NUMBER))
		  .needs = NEEDS_RESERVED },
};

/* By enum tree_call, from the first of them on. */
static const struct el2_call own_calls[] = {
	[TREE_CALL_vm_donate - TREE_CALL_vm_donate] = { OWN(
		"vm_donate", "vm_host_donate_guest", "host_donate_guest for any VM",
		ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER)) },
	[TREE_CALL_vm_share - TREE_CALL_vm_donate] = { OWN(
		"vm_share", "vm_host_share_guest", "host_share_guest for any VM",
		ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR),
		ARG("prot", ARG_PROT)) },
	[TREE_CALL_vm_unshare - TREE_CALL_vm_donate] = { OWN(
		"vm_unshare", "vm_host_unshare_guest", "host_unshare_guest for any VM",
		ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)) },
	[TREE_CALL_vm_relax_perms - TREE_CALL_vm_donate] = { OWN(
		"vm_relax_perms", "vm_host_relax_perms_guest", "host_relax_perms_guest for any VM",
		ARG("gfn", ARG_NUMBER), ARG("prot", ARG_PROT)) },
	[TREE_CALL_vm_wrprotect - TREE_CALL_vm_donate] = { OWN(
		"vm_wrprotect", "vm_host_wrprotect_guest", "host_wrprotect_guest for any VM",
		ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)) },
	[TREE_CALL_vm_test_clear_young - TREE_CALL_vm_donate] = { OWN(
		"vm_test_clear_young", "vm_host_test_clear_young_guest",
		"host_test_clear_young_guest for any VM", ARG("gfn", ARG_NUMBER),
		ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER)) },
	[TREE_CALL_vm_mkyoung - TREE_CALL_vm_donate] = { OWN("vm_mkyoung", "vm_host_mkyoung_guest",
							     "host_mkyoung_guest for any VM",
							     ARG("gfn", ARG_NUMBER)) },
	[TREE_CALL_guest_share_host - TREE_CALL_vm_donate] = { OWN(
		"guest_share_host", "__pkvm_guest_share_host",
		"a guest lets the host at a page of its own", ARG("gfn", ARG_NUMBER)) },
	[TREE_CALL_guest_unshare_host - TREE_CALL_vm_donate] = { OWN(
		"guest_unshare_host", "__pkvm_guest_unshare_host", "a guest takes such a page back",
		ARG("gfn", ARG_NUMBER)) },
	[TREE_CALL_host_reclaim_page_guest - TREE_CALL_vm_donate] = { OWN(
		"host_reclaim_page_guest", "__pkvm_host_reclaim_page_guest",
		"take a page back from a guest, dying or not", ARG("gfn", ARG_NUMBER)) },
	[TREE_CALL_refill_memcache - TREE_CALL_vm_donate] = { OWN(
		"refill_memcache", "refill_memcache",
		"vCPU 0 of a VM takes pages from a host's list until it has so many",
		ARG("min_pages", ARG_NUMBER), ARG("host_mc", ARG_VA)) },
};
G_STATIC_ASSERT(G_N_ELEMENTS(own_calls) == TREE_N_CALLS - TREE_CALL_vm_donate);

static bool has_family(const struct tree_layout *l, enum family f)
{
	switch (f) {
	case NEEDS_RESERVED:
		return l->vm.loaded_is_address;
	case NEEDS_NP:
		return l->calls >> TREE_CALL_vm_share & 1;
	case NEEDS_PROTECTED:
		return l->calls >> TREE_CALL_vm_donate & 1;
	case NEEDS_NOTHING:
		break;
	}
	return true;
}

unsigned int tree_vm_hcalls(const struct tree_layout *l, const struct el2_call **call)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < G_N_ELEMENTS(hcalls); i++)
		if (has_family(l, hcalls[i].needs))
			call[n++] = &hcalls[i].call;
	return n;
}

const struct el2_call *tree_vm_own_call(unsigned int i)
{
	sim_assert(i >= TREE_CALL_vm_donate && i < TREE_N_CALLS);
	return &own_calls[i - TREE_CALL_vm_donate];
}
