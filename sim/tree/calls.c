// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls of a tree under the names that scenarios use: what each takes, for those whose
 * arguments are known here. Which of them a tree has, and under which number, it says.
 */
#include <string.h>

#include "tree_private.h"

#define ARG(name_, kind_)                                                                          \
	{                                                                                          \
		.name = (name_), .kind = (kind_)                                                   \
	}

static const struct el2_call hypercalls[] = {
	{ .hypercall = true,
	  .name = "pkvm_init",
	  .full = "__pkvm_init",
	  .arg = { ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER), ARG("nr_cpus", ARG_NUMBER),
		   ARG("per_cpu_base", ARG_ADDR), ARG("hyp_va_bits", ARG_NUMBER) },
	  .n_args = 5,
	  .n_required = 4,
	  .doc = "take over EL2 with this memory: 0 or -errno; early" },
	{ .hypercall = true,
	  .name = "create_private_mapping",
	  .full = "__pkvm_create_private_mapping",
	  .arg = { ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER), ARG("prot", ARG_PROT) },
	  .n_args = 3,
	  .n_required = 3,
	  .doc = "map memory in EL2's private range: its EL2 address or -errno; early" },
	{ .hypercall = true,
	  .name = "cpu_set_vector",
	  .full = "__pkvm_cpu_set_vector",
	  .arg = { ARG("slot", ARG_NUMBER) },
	  .n_args = 1,
	  .n_required = 1,
	  .doc = "choose this CPU's exception vectors: 0 or -EINVAL; early" },
	{ .hypercall = true,
	  .name = "enable_ssbs",
	  .full = "__kvm_enable_ssbs",
	  .doc = "set SCTLR_EL2.DSSBS; early" },
	{ .hypercall = true,
	  .name = "prot_finalize",
	  .full = "__pkvm_prot_finalize",
	  .doc = "the host's stage 2 on for this CPU: 0, -EPERM if it is on" },
	{ .hypercall = true,
	  .name = "host_share_hyp",
	  .full = "__pkvm_host_share_hyp",
	  .arg = { ARG("pfn", ARG_PFN) },
	  .n_args = 1,
	  .n_required = 1,
	  .doc = "lend a page to EL2: 0 or -errno" },
	{ .hypercall = true,
	  .name = "host_unshare_hyp",
	  .full = "__pkvm_host_unshare_hyp",
	  .arg = { ARG("pfn", ARG_PFN) },
	  .n_args = 1,
	  .n_required = 1,
	  .doc = "take a page back from EL2: 0 or -errno" },
	{ .hypercall = true,
	  .name = "flush_vm_context",
	  .full = "__kvm_flush_vm_context",
	  .doc = "drop all stage-2 translations of every VM" },
};

#define PAGES                                                                                      \
	{                                                                                          \
		ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR)                                       \
	}
#define RANGE                                                                                      \
	{                                                                                          \
		ARG("from", ARG_VA), ARG("to", ARG_VA)                                             \
	}

/* By enum tree_call. */
static const struct el2_call own_calls[TREE_CALL_vm_donate] = {
	[TREE_CALL_host_donate_hyp] = { .name = "host_donate_hyp",
					.full = "__pkvm_host_donate_hyp",
					.arg = PAGES,
					.n_args = 2,
					.n_required = 2,
					.doc = "take pages of memory from the host" },
	[TREE_CALL_hyp_donate_host] = { .name = "hyp_donate_host",
					.full = "__pkvm_hyp_donate_host",
					.arg = PAGES,
					.n_args = 2,
					.n_required = 2,
					.doc = "give pages of memory to the host" },
	[TREE_CALL_host_share_ffa] = { .name = "host_share_ffa",
				       .full = "__pkvm_host_share_ffa",
				       .arg = PAGES,
				       .n_args = 2,
				       .n_required = 2,
				       .doc = "lend pages of the host to the secure world" },
	[TREE_CALL_host_unshare_ffa] = { .name = "host_unshare_ffa",
					 .full = "__pkvm_host_unshare_ffa",
					 .arg = PAGES,
					 .n_args = 2,
					 .n_required = 2,
					 .doc = "take pages back from the secure world" },
	[TREE_CALL_pin_shared_mem] = { .name = "pin_shared_mem",
				       .full = "hyp_pin_shared_mem",
				       .arg = RANGE,
				       .n_args = 2,
				       .n_required = 2,
				       .doc = "keep shared pages from being unshared" },
	[TREE_CALL_unpin_shared_mem] = { .name = "unpin_shared_mem",
					 .full = "hyp_unpin_shared_mem",
					 .arg = RANGE,
					 .n_args = 2,
					 .n_required = 2,
					 .doc = "undo one pin" },
	[TREE_CALL_host_stage2_idmap] = { .name = "host_stage2_idmap",
					  .full = "host_stage2_idmap",
					  .arg = { ARG("addr", ARG_ADDR) },
					  .n_args = 1,
					  .n_required = 1,
					  .doc = "map what the host would fault on there" },
	[TREE_CALL_host_stage2_unmap] = { .name = "host_stage2_unmap",
					  .full = "host_stage2_unmap",
					  .arg = { ARG("addr", ARG_ADDR), ARG("size", ARG_NUMBER) },
					  .n_args = 2,
					  .n_required = 2,
					  .doc = "unmap a range of the host's stage 2" },
	[TREE_CALL_host_donate_hyp_mmio] = { .name = "host_donate_hyp_mmio",
					     .full = "__pkvm_host_donate_hyp_mmio",
					     .arg = { ARG("pfn", ARG_PFN) },
					     .n_args = 1,
					     .n_required = 1,
					     .doc = "take a page of a device's registers "
						    "from the host" },
	[TREE_CALL_hyp_donate_host_mmio] = { .name = "hyp_donate_host_mmio",
					     .full = "__pkvm_hyp_donate_host_mmio",
					     .arg = { ARG("pfn", ARG_PFN) },
					     .n_args = 1,
					     .n_required = 1,
					     .doc = "give a page of a device's registers back" },
	[TREE_CALL_map_mmio] = { .name = "map_mmio",
				 .full = "pkvm_create_mappings",
				 .arg = { ARG("pfn", ARG_PFN) },
				 .n_args = 1,
				 .n_required = 1,
				 .doc = "map a page of a device for EL2" },
};

static u32 number_of(const struct tree_layout *l, const char *full)
{
	for (u32 i = 0; i < l->n_hcalls && i < TREE_MAX_HCALLS; i++)
		if (!strcmp(l->hcall[i].name, full))
			return l->hcall[i].id;
	return 0;
}

static const struct el2_call *own_call(unsigned int i)
{
	return i < TREE_CALL_vm_donate ? &own_calls[i] : tree_vm_own_call(i);
}

unsigned int tree_calls(const struct tree_layout *l, const struct el2_call **call, u32 *hvc_id)
{
	const struct el2_call *vms[TREE_MAX_HCALLS];
	const unsigned int n_vms = tree_vm_hcalls(l, vms);
	unsigned int n = 0;

	for (unsigned int i = 0; i < G_N_ELEMENTS(hypercalls) + n_vms; i++) {
		const unsigned int vm = i - (unsigned int)G_N_ELEMENTS(hypercalls);

		call[n] = i < G_N_ELEMENTS(hypercalls) ? &hypercalls[i] : vms[vm];
		hvc_id[n] = number_of(l, call[n]->full);
		n += hvc_id[n] != 0;
	}
	for (unsigned int i = 0; i < TREE_N_CALLS; i++) {
		if (!(l->calls >> i & 1) || i == TREE_CALL_host_stage2_unmap ||
		    i == TREE_CALL_map_mmio)
			continue;
		hvc_id[n] = 0;
		call[n++] = own_call(i);
	}
	call[n] = NULL;
	return n;
}

unsigned int tree_own_call(const struct el2_call *call)
{
	for (unsigned int i = 0; i < TREE_N_CALLS; i++)
		if (!strcmp(own_call(i)->name, call->name))
			return i;
	return TREE_N_CALLS;
}

u32 tree_hvc_number(const struct tree_layout *l, const char *full)
{
	return number_of(l, full);
}
