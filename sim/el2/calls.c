// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls that an EL2 may have, whoever is EL2: what scenarios call them, the kernel's
 * function, its arguments and what it gives. Which release has them, and under which
 * number, the EL2 says.
 */
#include "el2.h"

#define ARG(name_, kind_)                                                                          \
	{                                                                                          \
		.name = (name_), .kind = (kind_)                                                   \
	}
#define OPTIONAL(name_, kind_)                                                                     \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .optional = true                                 \
	}
#define N_ARGS(...) (sizeof((const struct el2_arg[]){ __VA_ARGS__ }) / sizeof(struct el2_arg))

#define CALL(name_, full_, doc_, ...)                                                              \
	.name = (name_), .full = (full_), .doc = (doc_), .arg = { __VA_ARGS__ },                   \
	.n_args = N_ARGS(__VA_ARGS__)
#define HVC(name_, full_, doc_, ...)                                                               \
	{                                                                                          \
		CALL(name_, full_, doc_, __VA_ARGS__), .hypercall = true,                          \
						       .n_required = N_ARGS(__VA_ARGS__)           \
	}
#define OWN(name_, full_, doc_, ...)                                                               \
	{                                                                                          \
		CALL(name_, full_, doc_, __VA_ARGS__), .n_required = N_ARGS(__VA_ARGS__)           \
	}
/* The last argument may be left out: 1. */
#define OWN_RANGE(name_, full_, doc_, ...)                                                         \
	{                                                                                          \
		CALL(name_, full_, doc_, __VA_ARGS__), .n_required = N_ARGS(__VA_ARGS__) - 1       \
	}

const struct el2_call el2_calls[N_EL2_CALLS] = {
	[EL2_CALL_pkvm_init] = HVC(
		"pkvm_init", "__pkvm_init", "take over EL2 with this memory: 0 or -errno; early",
		ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER), ARG("nr_cpus", ARG_NUMBER),
		ARG("per_cpu_base", ARG_ADDR), ARG("hyp_va_bits", ARG_NUMBER)),
	[EL2_CALL_pkvm_init_v7_2] = HVC(
		"pkvm_init", "__pkvm_init", "take over EL2 with this memory: 0 or -errno; early",
		ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER), ARG("per_cpu_base", ARG_ADDR),
		ARG("hyp_va_bits", ARG_NUMBER)),
	[EL2_CALL_create_private_mapping] =
		HVC("create_private_mapping", "__pkvm_create_private_mapping",
		    "map memory in EL2's private range: its EL2 address or -errno; early",
		    ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER), ARG("prot", ARG_PROT)),
	[EL2_CALL_cpu_set_vector] = HVC("cpu_set_vector", "__pkvm_cpu_set_vector",
					"choose this CPU's exception vectors: 0 or -EINVAL; early",
					ARG("slot", ARG_NUMBER)),
	[EL2_CALL_enable_ssbs] =
		HVC("enable_ssbs", "__kvm_enable_ssbs", "set SCTLR_EL2.DSSBS; early"),
	[EL2_CALL_prot_finalize] = HVC("prot_finalize", "__pkvm_prot_finalize",
				       "the host's stage 2 on for this CPU: 0, -EPERM if it is on"),
	[EL2_CALL_host_share_hyp] = HVC("host_share_hyp", "__pkvm_host_share_hyp",
					"lend a page to EL2: 0 or -errno", ARG("pfn", ARG_PFN)),
	[EL2_CALL_host_unshare_hyp] =
		HVC("host_unshare_hyp", "__pkvm_host_unshare_hyp",
		    "take a lent page back: 0 or -errno", ARG("pfn", ARG_PFN)),
	[EL2_CALL_flush_vm_context] = HVC("flush_vm_context", "__kvm_flush_vm_context",
					  "invalidate all of EL1's translations"),
	[EL2_CALL_host_donate_guest] =
		HVC("host_donate_guest", "__pkvm_host_donate_guest",
		    "give a page to the loaded, protected guest: 0 or -errno", ARG("pfn", ARG_PFN),
		    ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_host_share_guest] =
		HVC("host_share_guest", "__pkvm_host_share_guest",
		    "lend pages to the loaded guest that is not protected: 0 or -errno",
		    ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR),
		    ARG("prot", ARG_PROT)),
	[EL2_CALL_host_unshare_guest] =
		HVC("host_unshare_guest", "__pkvm_host_unshare_guest",
		    "take pages back from a guest that is not protected: 0 or -errno",
		    ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_host_relax_perms_guest] =
		HVC("host_relax_perms_guest", "__pkvm_host_relax_perms_guest",
		    "more permissions for a leaf of the loaded guest: 0 or -errno",
		    ARG("gfn", ARG_NUMBER), ARG("prot", ARG_PROT)),
	[EL2_CALL_host_wrprotect_guest] =
		HVC("host_wrprotect_guest", "__pkvm_host_wrprotect_guest",
		    "make pages of a guest read-only: 0 or -errno", ARG("handle", ARG_NUMBER),
		    ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_host_test_clear_young_guest] =
		HVC("host_test_clear_young_guest", "__pkvm_host_test_clear_young_guest",
		    "were pages of a guest used? 0, 1 or -errno", ARG("handle", ARG_NUMBER),
		    ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER)),
	[EL2_CALL_host_mkyoung_guest] =
		HVC("host_mkyoung_guest", "__pkvm_host_mkyoung_guest",
		    "a leaf of the loaded guest was used: 0 or -errno", ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_reserve_vm] =
		HVC("reserve_vm", "__pkvm_reserve_vm", "a handle for a VM to come, or -errno"),
	[EL2_CALL_unreserve_vm] =
		HVC("unreserve_vm", "__pkvm_unreserve_vm", "give up a handle that has no VM yet",
		    ARG("handle", ARG_NUMBER)),
	[EL2_CALL_init_vm] =
		HVC("init_vm", "__pkvm_init_vm",
		    "make EL2's side of a VM from donated memory: 0 (v6.12 its handle) or -errno",
		    ARG("host_kvm", ARG_VA), ARG("vm_hva", ARG_VA), ARG("pgd_hva", ARG_VA)),
	[EL2_CALL_init_vcpu] =
		HVC("init_vcpu", "__pkvm_init_vcpu",
		    "make EL2's side of a vCPU from donated memory: 0 or -errno",
		    ARG("handle", ARG_NUMBER), ARG("host_vcpu", ARG_VA), ARG("vcpu_hva", ARG_VA)),
	[EL2_CALL_vcpu_in_poison_fault] =
		HVC("vcpu_in_poison_fault", "__pkvm_vcpu_in_poison_fault",
		    "did the loaded vCPU exit for a page that was taken from it? 0, 1 or -errno"),
	[EL2_CALL_force_reclaim_guest_page] =
		HVC("force_reclaim_guest_page", "__pkvm_force_reclaim_guest_page",
		    "take a page from the guest that owns it: 0 or -errno", ARG("phys", ARG_ADDR)),
	[EL2_CALL_reclaim_dying_guest_page] =
		HVC("reclaim_dying_guest_page", "__pkvm_reclaim_dying_guest_page",
		    "take a page back from a dying guest: 0 or -errno", ARG("handle", ARG_NUMBER),
		    ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_start_teardown_vm] =
		HVC("start_teardown_vm", "__pkvm_start_teardown_vm",
		    "begin to take a VM apart: 0 or -errno", ARG("handle", ARG_NUMBER)),
	[EL2_CALL_finalize_teardown_vm] = HVC(
		"finalize_teardown_vm", "__pkvm_finalize_teardown_vm",
		"a VM's own memory goes back to the host: 0 or -errno", ARG("handle", ARG_NUMBER)),
	[EL2_CALL_teardown_vm] =
		HVC("teardown_vm", "__pkvm_teardown_vm",
		    "take a VM apart, its memory goes back to the host: 0 or -errno",
		    ARG("handle", ARG_NUMBER)),
	[EL2_CALL_vcpu_load] = HVC(
		"vcpu_load", "__pkvm_vcpu_load", "this CPU is to run a vCPU; tells nothing",
		ARG("handle", ARG_NUMBER), ARG("vcpu_idx", ARG_NUMBER), ARG("hcr_el2", ARG_NUMBER)),
	[EL2_CALL_vcpu_put] = HVC("vcpu_put", "__pkvm_vcpu_put", "this CPU runs no vCPU any more"),
	[EL2_CALL_kvm_vcpu_run] =
		HVC("kvm_vcpu_run", "__kvm_vcpu_run",
		    "enter the loaded guest, which an interrupt ends: 0 or -errno",
		    ARG("host_vcpu", ARG_VA)),
	[EL2_CALL_tlb_flush_vmid] = HVC("tlb_flush_vmid", "__pkvm_tlb_flush_vmid",
					"forget all translations of a guest that is not protected",
					ARG("handle", ARG_NUMBER)),
	[EL2_CALL_host_donate_hyp_mmio] =
		OWN("host_donate_hyp_mmio", "__pkvm_host_donate_hyp_mmio",
		    "take a page of a device's registers from the host", ARG("pfn", ARG_PFN)),
	[EL2_CALL_host_donate_hyp_mmio_range] =
		OWN_RANGE("host_donate_hyp_mmio", "__pkvm_host_donate_hyp_mmio",
			  "take pages of a device's registers from the host", ARG("pfn", ARG_PFN),
			  OPTIONAL("nr_pages", ARG_NR)),
	[EL2_CALL_hyp_donate_host_mmio] =
		OWN("hyp_donate_host_mmio", "__pkvm_hyp_donate_host_mmio",
		    "give a page of a device's registers back to the host", ARG("pfn", ARG_PFN)),
	[EL2_CALL_hyp_donate_host_mmio_range] =
		OWN_RANGE("hyp_donate_host_mmio", "__pkvm_hyp_donate_host_mmio",
			  "give pages of a device's registers back to the host",
			  ARG("pfn", ARG_PFN), OPTIONAL("nr_pages", ARG_NR)),
	[EL2_CALL_host_donate_hyp] = OWN("host_donate_hyp", "__pkvm_host_donate_hyp",
					 "take pages of memory from the host", ARG("pfn", ARG_PFN),
					 ARG("nr_pages", ARG_NR)),
	[EL2_CALL_hyp_donate_host] =
		OWN("hyp_donate_host", "__pkvm_hyp_donate_host", "give pages of memory to the host",
		    ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_host_share_ffa] = OWN("host_share_ffa", "__pkvm_host_share_ffa",
					"lend pages of the host to the secure world",
					ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_host_unshare_ffa] = OWN("host_unshare_ffa", "__pkvm_host_unshare_ffa",
					  "take pages back from the secure world",
					  ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_ffa_mem_share] =
		OWN("ffa_mem_share", "do_ffa_mem_share",
		    "lend pages of the host, and the secure world takes them (ffa=v1.N)",
		    ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_ffa_mem_reclaim] =
		OWN("ffa_mem_reclaim", "do_ffa_mem_reclaim",
		    "the secure world hands back pages that it was lent (ffa=v1.N)",
		    ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_pin_shared_mem] =
		OWN("pin_shared_mem", "hyp_pin_shared_mem", "keep shared pages from being unshared",
		    ARG("from", ARG_VA), ARG("to", ARG_VA)),
	[EL2_CALL_unpin_shared_mem] = OWN("unpin_shared_mem", "hyp_unpin_shared_mem",
					  "undo one pin", ARG("from", ARG_VA), ARG("to", ARG_VA)),
	[EL2_CALL_host_stage2_idmap] =
		OWN("host_stage2_idmap", "host_stage2_idmap",
		    "map what the host would fault on at this address", ARG("addr", ARG_ADDR)),
	[EL2_CALL_map_mmio] =
		OWN("map_mmio", "pkvm_create_mappings",
		    "map a page of registers at EL2's linear address", ARG("pfn", ARG_PFN)),
	[EL2_CALL_host_stage2_unmap] =
		OWN("host_stage2_unmap", "host_stage2_unmap", "unmap a range of the host's stage 2",
		    ARG("addr", ARG_ADDR), ARG("size", ARG_NUMBER)),
	[EL2_CALL_vm_donate] =
		OWN("vm_donate", "vm_host_donate_guest", "host_donate_guest for any VM",
		    ARG("handle", ARG_NUMBER), ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_vm_share] =
		OWN("vm_share", "vm_host_share_guest", "host_share_guest for any VM",
		    ARG("handle", ARG_NUMBER), ARG("pfn", ARG_PFN), ARG("gfn", ARG_NUMBER),
		    ARG("nr_pages", ARG_NR), ARG("prot", ARG_PROT)),
	[EL2_CALL_vm_unshare] =
		OWN("vm_unshare", "vm_host_unshare_guest", "host_unshare_guest for any VM",
		    ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_vm_relax_perms] = OWN(
		"vm_relax_perms", "vm_host_relax_perms_guest", "host_relax_perms_guest for any VM",
		ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("prot", ARG_PROT)),
	[EL2_CALL_vm_wrprotect] =
		OWN("vm_wrprotect", "vm_host_wrprotect_guest", "host_wrprotect_guest for any VM",
		    ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR)),
	[EL2_CALL_vm_test_clear_young] =
		OWN("vm_test_clear_young", "vm_host_test_clear_young_guest",
		    "host_test_clear_young_guest for any VM", ARG("handle", ARG_NUMBER),
		    ARG("gfn", ARG_NUMBER), ARG("nr_pages", ARG_NR), ARG("mkold", ARG_NUMBER)),
	[EL2_CALL_vm_mkyoung] =
		OWN("vm_mkyoung", "vm_host_mkyoung_guest", "host_mkyoung_guest for any VM",
		    ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_guest_share_host] = OWN("guest_share_host", "__pkvm_guest_share_host",
					  "a guest lets the host at a page of its own",
					  ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_guest_unshare_host] = OWN("guest_unshare_host", "__pkvm_guest_unshare_host",
					    "a guest takes such a page back",
					    ARG("handle", ARG_NUMBER), ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_host_reclaim_page_guest] =
		OWN("host_reclaim_page_guest", "__pkvm_host_reclaim_page_guest",
		    "take a page back from a guest, dying or not", ARG("handle", ARG_NUMBER),
		    ARG("gfn", ARG_NUMBER)),
	[EL2_CALL_refill_memcache] = OWN(
		"refill_memcache", "refill_memcache",
		"vCPU 0 of a VM takes pages from a host's list until it has so many",
		ARG("handle", ARG_NUMBER), ARG("min_pages", ARG_NUMBER), ARG("host_mc", ARG_VA)),
};
