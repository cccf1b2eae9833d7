// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releases, knobs and patches: every name the program knows, with what it stands
 * for; bugs are in bugs.c. `pkvm-sim kernels|knobs|patches` and the reference print these
 * tables; EL2 and the model consult them. Facts: the kernel's history as dated in
 * docs/fidelity.md.
 */
#include <string.h>

#include "el2.h"

const struct knob el2_knobs[N_KNOBS] = {
	[KNOB_MMIO_DONATION] = {
		.name = "mmio_donation",
		.doc = "how EL2 takes a device's registers from the host",
		.origin = "KVM: arm64: Donate MMIO to the hypervisor",
		.value = {
			{ "none", KNOB_DESIGN, "no MMIO donation" },
			{ "v3", KNOB_DEFECT, "page by page, without any check of the page" },
			{ "v5", KNOB_DESIGN, "page by page, with checks: the March 2026 patch 01" },
			{ "range", KNOB_DESIGN, "ranges, all pages checked first; v7.0 or later" },
		},
	},
	[KNOB_MMIO_COMMIT] = {
		.name = "mmio_commit",
		.doc = "what donation does when recording the new owner fails",
		.origin = "KVM: arm64: Donate MMIO to the hypervisor",
		.value = {
			{ "assert", KNOB_DEFECT, "WARN_ON: EL2 panics, with its mapping already made" },
			{ "return", KNOB_DESIGN, "the error is returned and EL2's mapping undone" },
		},
	},
	[KNOB_S2_UNMAP_ANNOTATED] = {
		.name = "s2_unmap_annotated",
		.doc = "what the stage-2 unmap walker does with a counted invalid leaf",
		.origin = "KVM: arm64: Donate MMIO to the hypervisor (pgtable.c hunk)",
		.value = {
			{ "clear", KNOB_DEFECT, "clears it: the owner is forgotten (mainline)" },
			{ "eperm", KNOB_DEFECT, "stops the walk with -EPERM (as posted)" },
			{ "skip", KNOB_DESIGN, "leaves it alone and goes on" },
		},
	},
	[KNOB_RECYCLE_WALK] = {
		.name = "recycle_walk",
		.doc = "how the host's MMIO mappings are dropped when the pool is empty",
		.origin = "KVM: arm64: Donate MMIO to the hypervisor, range version of 2026",
		.value = {
			{ "gaps", KNOB_DESIGN, "one unmap a gap between memory regions" },
			{ "stepping", KNOB_DEFECT, "steps by the level found, without aligning" },
		},
	},
	[KNOB_PROTECTED_UNWIND] = {
		.name = "protected_unwind",
		.doc = "what the error path of unmap_protected_regions() hands back",
		.origin = "KVM: arm64: Track host-unmapped MMIO regions in a static array",
		.value = {
			{ "region", KNOB_DEFECT, "the failing region's own pages only" },
			{ "all", KNOB_DESIGN, "every page donated so far" },
		},
	},
	[KNOB_HYP_MMIO_VA] = {
		.name = "hyp_mmio_va",
		.doc = "where EL2 maps donated MMIO",
		.origin = "KVM: arm64: Donate MMIO to the hypervisor, range version of 2026",
		.value = {
			{ "linear", KNOB_DESIGN, "at its linear-map address" },
			{ "private", KNOB_DESIGN, "in the private range; needs mmio_donation=range" },
		},
	},
	[KNOB_HOST_EPERM] = {
		.name = "host_eperm",
		.doc = "what a host access to a page that it does not own meets",
		.origin = "KVM: arm64: Inject SIGSEGV on illegal accesses (7.1)",
		.value = {
			{ "panic", KNOB_DESIGN, "BUG at EL2 (to v7.0)" },
			{ "inject", KNOB_DESIGN, "an abort into the host (from v7.1)" },
		},
	},
	[KNOB_FINALISE_ORDER] = {
		.name = "finalise_order",
		.doc = "when __pkvm_init_finalise() fixes up ownership",
		.origin = "KVM: arm64: Fix initialisation order in __pkvm_init_finalise()",
		.value = {
			{ "v7.0", KNOB_DESIGN, "before the tables' reference counts and the fixmap" },
			{ "fixed", KNOB_DESIGN, "after both" },
		},
	},
	[KNOB_EL2_DEBUG] = {
		.name = "el2_debug",
		.doc = "CONFIG_NVHE_EL2_DEBUG: lock assertions and extra checks",
		.origin = "arch/arm64/kvm/Kconfig",
		.value = {
			{ "off", KNOB_DESIGN, "as distributed kernels are built" },
			{ "on", KNOB_DESIGN, "extra checks" },
		},
	},
	[KNOB_WARN] = {
		.name = "warn",
		.doc = "whether a WARN_ON at EL2 is fatal",
		.origin = "this simulator; at EL2 a WARN is a BRK",
		.value = {
			{ "panic", KNOB_DESIGN, "EL2 panics, as on hardware" },
			{ "continue", KNOB_DEFECT, "EL2 goes on, to show the state that a panic hides" },
		},
	},
	[KNOB_FFA] = {
		.name = "ffa",
		.doc = "what the secure world says when EL2 asks for its FF-A version at boot",
		.origin = "KVM: arm64: Add FF-A proxy (hyp_ffa_init)",
		.value = {
			{ "none", KNOB_DESIGN, "there is no FF-A: fine" },
			{ "incompatible", KNOB_DESIGN, "another major version: -EOPNOTSUPP" },
			{ "v1.0", KNOB_DESIGN, "version 1.0: memory can be lent to it" },
			{ "v1.1", KNOB_DESIGN, "version 1.1: longer descriptors" },
			{ "v1.2", KNOB_DESIGN, "version 1.2: longer ones yet" },
			{ "unsupported", KNOB_DESIGN, "there is none, said in 32 bits" },
		},
	},
	[KNOB_SECURE_WORLD] = {
		.name = "secure_world",
		.doc = "how the secure world behaves towards EL2's FF-A proxy (with ffa=v1.N)",
		.origin = "this simulator; DEN0077A says what is right",
		.value = {
			{ "honest", KNOB_DESIGN, "it tells what it was told" },
			{ "full", KNOB_DESIGN, "it takes no memory: NO_MEMORY" },
			{ "misplaced", KNOB_DEFECT, "it asks for the next fragment from elsewhere" },
			{ "keeps", KNOB_DEFECT, "it describes what it was lent and keeps it: DENIED" },
			{ "huge", KNOB_DEFECT, "it describes it in 256 MiB" },
			{ "wide", KNOB_DEFECT, "it sends a first fragment of two mailboxes" },
			{ "far", KNOB_DEFECT, "its ranges begin after the descriptor's end" },
			{ "overcounts", KNOB_DEFECT, "it counts 65536 ranges more than there are" },
			{ "stalls", KNOB_DEFECT, "its later fragments have no bytes" },
			{ "overruns", KNOB_DEFECT, "its later fragments have 4 GiB less a page" },
		},
	},
};

/* The knob values of a release; those not named are the first of their table. */
#define KNOBS_TO_V7_0(order)                                                                       \
	{                                                                                          \
		[KNOB_HOST_EPERM] = HOST_EPERM_PANIC, [KNOB_FINALISE_ORDER] = (order)              \
	}

const struct profile el2_profiles[N_PROFILES] = {
	[PROFILE_V6_12] = {
		.name = "v6.12",
		.id = PROFILE_V6_12,
		.built = true,
		.doc = "page state in software bits of both tables; no guest ownership",
		.knob = KNOBS_TO_V7_0(FINALISE_FIXED),
		.stacks_fixed_up = true,
		.map_vgic_state = true,
		.hyp_page_size = 4,
		.init_args = 5,
	},
	[PROFILE_V7_0] = {
		.name = "v7.0",
		.id = PROFILE_V7_0,
		.built = true,
		.doc = "page state in hyp_vmemmap; EL2 maps shared pages when first pinned",
		.knob = KNOBS_TO_V7_0(FINALISE_V7_0),
		.ignore_eagain_flag = true,
		.s2_as_s1 = true,
		.xn_two_bits = true,
		.state_in_vmemmap = true,
		.map_at_pin = true,
		.check_pfn_range = true,
		.text_readable = true,
		.set_owner_checks_memory = true,
		.fixblock = true,
		.map_hyp_data = true,
		.selftest = true,
		.hyp_page_size = 8,
		.init_args = 5,
		.reserves_vms = true,
		.np_guests = true,
	},
	[PROFILE_V7_2] = {
		.name = "v7.2",
		.id = PROFILE_V7_2,
		.built = true,
		.doc = "typed annotations, protected guests' memory, aborts injected into the host",
		.knob = {
			[KNOB_HOST_EPERM] = HOST_EPERM_INJECT,
			[KNOB_FINALISE_ORDER] = FINALISE_FIXED,
		},
		.typed_annotations = true,
		.ignore_eagain_flag = true,
		.idmap_ignores_eagain = true,
		.s2_as_s1 = true,
		.xn_two_bits = true,
		.state_in_vmemmap = true,
		.map_at_pin = true,
		.handback_maps = true,
		.check_pfn_range = true,
		.donate_host_refcount = true,
		.text_readable = true,
		.abort_eexist = true,
		.set_owner_checks_memory = true,
		.stacks_fixed_up = true,
		.pool_init_sets_order = true,
		.fixblock = true,
		.map_hyp_data = true,
		.selftest = true,
		.hyp_page_size = 8,
		.init_args = 4,
		.reserves_vms = true,
		.np_guests = true,
		.protected_guests = true,
		.checks_memcache = true,
		.late_errors_undone = true,
	},
};

const struct patch el2_patches[] = {
	{
		.name = "mmio-v3",
		.doc = "KVM: arm64: Donate MMIO to the hypervisor, as of July 2025: no checks",
		.base = PROFILE_V7_0,
		.built = true,
		.set = {
			{ KNOB_MMIO_DONATION, MMIO_DONATION_V3 },
			{ KNOB_S2_UNMAP_ANNOTATED, S2_UNMAP_EPERM },
		},
		.n_set = 2,
	},
	{
		.name = "its-v1",
		.doc = "the two March 2026 patches as posted: MMIO donation, static array of regions",
		.base = PROFILE_V7_0,
		.built = true,
		.set = {
			{ KNOB_MMIO_DONATION, MMIO_DONATION_V5 },
			{ KNOB_MMIO_COMMIT, MMIO_COMMIT_ASSERT },
			{ KNOB_S2_UNMAP_ANNOTATED, S2_UNMAP_EPERM },
			{ KNOB_PROTECTED_UNWIND, UNWIND_REGION },
		},
		.n_set = 4,
	},
	{
		.name = "its-v1-fixed",
		.doc = "the same with the walker skipping, the unwind complete, errors returned",
		.base = PROFILE_V7_0,
		.built = true,
		.set = {
			{ KNOB_MMIO_DONATION, MMIO_DONATION_V5 },
			{ KNOB_MMIO_COMMIT, MMIO_COMMIT_RETURN },
			{ KNOB_S2_UNMAP_ANNOTATED, S2_UNMAP_SKIP },
			{ KNOB_PROTECTED_UNWIND, UNWIND_ALL },
		},
		.n_set = 4,
	},
	{
		.name = "smmu-v6",
		.doc = "KVM: arm64: Donate MMIO to the hypervisor, the range version of 2026",
		.base = PROFILE_V7_2,
		.built = true,
		.set = {
			{ KNOB_MMIO_DONATION, MMIO_DONATION_RANGE },
			{ KNOB_MMIO_COMMIT, MMIO_COMMIT_RETURN },
			{ KNOB_HYP_MMIO_VA, HYP_MMIO_PRIVATE },
			{ KNOB_RECYCLE_WALK, RECYCLE_STEPPING },
		},
		.n_set = 4,
	},
};
const unsigned int el2_n_patches = G_N_ELEMENTS(el2_patches);

const char *const page_state_name[N_PAGE_STATES] = {
	[PKVM_PAGE_OWNED] = "OWNED",
	[PKVM_PAGE_SHARED_OWNED] = "SHARED_OWNED",
	[PKVM_PAGE_SHARED_BORROWED] = "SHARED_BORROWED",
	[PKVM_NOPAGE] = "NOPAGE",
	[PKVM_POISON] = "POISON",
};

const struct profile *el2_profile_find(const char *name)
{
	for (unsigned int i = 0; i < N_PROFILES; i++)
		if (!strcmp(el2_profiles[i].name, name))
			return &el2_profiles[i];
	return NULL;
}

const struct patch *el2_patch_find(const char *name)
{
	for (unsigned int i = 0; i < el2_n_patches; i++)
		if (!strcmp(el2_patches[i].name, name))
			return &el2_patches[i];
	return NULL;
}

bool el2_knob_find(const char *name, enum knob_id *id)
{
	for (unsigned int i = 0; i < N_KNOBS; i++) {
		if (!strcmp(el2_knobs[i].name, name)) {
			*id = i;
			return true;
		}
	}
	return false;
}

bool el2_knob_value_find(enum knob_id id, const char *name, u8 *value)
{
	const struct knob_value *v = el2_knobs[id].value;

	for (u8 i = 0; v[i].name; i++) {
		if (!strcmp(v[i].name, name)) {
			*value = i;
			return true;
		}
	}
	return false;
}

const char *el2_knob_value_name(enum knob_id id, u8 value)
{
	return el2_knobs[id].value[value].name;
}
