// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that some release's EL2 has: what tells a call that this EL2 lacks
 * (the dispatcher refuses it) from a misspelt one (an error of the file). After
 * the kernel's enum __kvm_host_smccc_func, v6.12 to v7.2.
 */
#include "script_private.h"

static const char *const hypercalls[] = {
	"kvm_get_mdcr_el2",
	"pkvm_init",
	"create_private_mapping",
	"cpu_set_vector",
	"kvm_enable_ssbs",
	"vgic_v3_init_lrs",
	"vgic_v3_get_gic_config",
	"prot_finalize",
	"kvm_adjust_pc",
	"kvm_vcpu_run",
	"kvm_flush_vm_context",
	"kvm_tlb_flush_vmid_ipa",
	"kvm_tlb_flush_vmid_ipa_nsh",
	"kvm_tlb_flush_vmid",
	"kvm_tlb_flush_vmid_range",
	"kvm_flush_cpu_context",
	"kvm_timer_set_cntvoff",
	"tracing_load",
	"tracing_unload",
	"tracing_enable",
	"tracing_swap_reader",
	"tracing_update_clock",
	"tracing_reset",
	"tracing_enable_event",
	"tracing_write_event",
	"vgic_v3_save_aprs",
	"vgic_v3_save_vmcr_aprs",
	"vgic_v3_restore_vmcr_aprs",
	"vgic_v5_save_apr",
	"vgic_v5_restore_vmcr_apr",
	"host_share_hyp",
	"host_unshare_hyp",
	"host_donate_guest",
	"host_share_guest",
	"host_unshare_guest",
	"host_relax_perms_guest",
	"host_wrprotect_guest",
	"host_test_clear_young_guest",
	"host_mkyoung_guest",
	"reserve_vm",
	"unreserve_vm",
	"init_vm",
	"init_vcpu",
	"vcpu_in_poison_fault",
	"force_reclaim_guest_page",
	"reclaim_dying_guest_page",
	"start_teardown_vm",
	"finalize_teardown_vm",
	"vcpu_init_traps",
	"teardown_vm",
	"vcpu_load",
	"vcpu_put",
	"vcpu_sync_state",
	"tlb_flush_vmid",
};

static const char *const el2_calls[] = {
	"host_donate_hyp_mmio", "hyp_donate_host_mmio", "host_donate_hyp",
	"hyp_donate_host",	"pin_shared_mem",	"unpin_shared_mem",
	"host_share_ffa",	"host_unshare_ffa",	"host_stage2_idmap",
};

/* The names are compared without the kernel's prefixes. */
const char *call_bare(const char *name)
{
	static const char *const prefix[] = { "___", "__", "pkvm_", "kvm_", "hyp_" };

	for (unsigned int i = 0; i < G_N_ELEMENTS(prefix); i++)
		if (g_str_has_prefix(name, prefix[i]) && name[strlen(prefix[i])])
			name += strlen(prefix[i]);
	return name;
}

static bool listed(const char *const *list, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(list[i], name) || !strcmp(call_bare(list[i]), call_bare(name)))
			return true;
	return false;
}

bool known_hypercall(const char *name)
{
	return listed(hypercalls, G_N_ELEMENTS(hypercalls), name);
}

bool known_el2_call(const char *name)
{
	return listed(el2_calls, G_N_ELEMENTS(el2_calls), name);
}

void known_calls_try(struct nearest *n, bool hypercall)
{
	const char *const *list = hypercall ? hypercalls : el2_calls;
	unsigned int count = hypercall ? G_N_ELEMENTS(hypercalls) : G_N_ELEMENTS(el2_calls);

	for (unsigned int i = 0; i < count; i++)
		nearest_try(n, list[i]);
}
