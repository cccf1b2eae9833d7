// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that some release's EL2 has: what tells a call that this EL2 lacks
 * (the dispatcher refuses it) from a misspelt one (an error of the file).
 */
#include "script_private.h"

/* Of the kernel's enum __kvm_host_smccc_func, v6.12 to v7.2, what no EL2 here has. */
static const char *const refused[] = {
	"kvm_get_mdcr_el2",
	"vgic_v3_init_lrs",
	"vgic_v3_get_gic_config",
	"kvm_adjust_pc",
	"kvm_tlb_flush_vmid_ipa",
	"kvm_tlb_flush_vmid_ipa_nsh",
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
	"vcpu_init_traps",
	"vcpu_sync_state",
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

static bool same(const char *a, const char *b)
{
	return !strcmp(call_bare(a), call_bare(b));
}

static bool known(const char *name, bool hypercall)
{
	for (unsigned int i = 0; i < N_EL2_CALLS; i++)
		if (el2_calls[i].hypercall == hypercall &&
		    (same(el2_calls[i].name, name) || same(el2_calls[i].full, name)))
			return true;
	return false;
}

bool known_hypercall(const char *name)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(refused); i++)
		if (same(refused[i], name))
			return true;
	return known(name, true);
}

bool known_el2_call(const char *name)
{
	return known(name, false);
}

void known_calls_try(struct nearest *n, bool hypercall)
{
	for (unsigned int i = 0; i < N_EL2_CALLS; i++)
		if (el2_calls[i].hypercall == hypercall)
			nearest_try(n, el2_calls[i].name);
	for (unsigned int i = 0; hypercall && i < G_N_ELEMENTS(refused); i++)
		nearest_try(n, refused[i]);
}
