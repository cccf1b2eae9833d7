// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls of a tree under the names that scenarios use, for those whose arguments are
 * known. Which of them a tree has, and under which number, it says; a tree whose functions
 * about virtual machines take other arguments than those of 6.12.117 or 7.2.13 has none of
 * that family here.
 */
#include <string.h>

#include "tree_private.h"

enum family { NEEDS_NOTHING, NEEDS_RESERVED, NEEDS_NP, NEEDS_PROTECTED };

#define ROW(call) (EL2_CALL_##call - EL2_CALL_FIRST_VM)

static const enum family needs[EL2_CALL_FIRST_OWN - EL2_CALL_FIRST_VM] = {
	[ROW(host_donate_guest)] = NEEDS_PROTECTED,
	[ROW(host_share_guest)] = NEEDS_NP,
	[ROW(host_unshare_guest)] = NEEDS_NP,
	[ROW(host_relax_perms_guest)] = NEEDS_NP,
	[ROW(host_wrprotect_guest)] = NEEDS_NP,
	[ROW(host_test_clear_young_guest)] = NEEDS_NP,
	[ROW(host_mkyoung_guest)] = NEEDS_NP,
	[ROW(reserve_vm)] = NEEDS_RESERVED,
	[ROW(unreserve_vm)] = NEEDS_RESERVED,
	[ROW(vcpu_in_poison_fault)] = NEEDS_PROTECTED,
	[ROW(force_reclaim_guest_page)] = NEEDS_PROTECTED,
	[ROW(reclaim_dying_guest_page)] = NEEDS_PROTECTED,
	[ROW(start_teardown_vm)] = NEEDS_PROTECTED,
	[ROW(finalize_teardown_vm)] = NEEDS_PROTECTED,
	[ROW(vcpu_load)] = NEEDS_RESERVED,
	[ROW(vcpu_put)] = NEEDS_RESERVED,
	[ROW(tlb_flush_vmid)] = NEEDS_RESERVED,
};

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

/* By enum tree_call. */
#define OWN(call) [TREE_CALL_##call] = EL2_CALL_##call

static const enum el2_call_id own_calls[TREE_N_CALLS] = {
	OWN(host_donate_hyp),
	OWN(hyp_donate_host),
	OWN(host_share_ffa),
	OWN(host_unshare_ffa),
	OWN(pin_shared_mem),
	OWN(unpin_shared_mem),
	OWN(host_stage2_idmap),
	OWN(host_stage2_unmap),
	OWN(host_donate_hyp_mmio),
	OWN(hyp_donate_host_mmio),
	OWN(map_mmio),
	OWN(vm_donate),
	OWN(vm_share),
	OWN(vm_unshare),
	OWN(vm_relax_perms),
	OWN(vm_wrprotect),
	OWN(vm_test_clear_young),
	OWN(vm_mkyoung),
	OWN(guest_share_host),
	OWN(guest_unshare_host),
	OWN(host_reclaim_page_guest),
	OWN(refill_memcache),
};

static u32 number_of(const struct tree_layout *l, const char *full)
{
	for (u32 i = 0; i < l->n_hcalls && i < TREE_MAX_HCALLS; i++)
		if (!strcmp(l->hcall[i].name, full))
			return l->hcall[i].id;
	return 0;
}

static bool has_hypercall(const struct tree_layout *l, unsigned int id)
{
	/* one name, and from v7.1 on an argument less */
	if (id == (l->has_annotate ? EL2_CALL_pkvm_init : EL2_CALL_pkvm_init_v7_2))
		return false;
	return id < EL2_CALL_FIRST_VM || has_family(l, needs[id - EL2_CALL_FIRST_VM]);
}

unsigned int tree_calls(const struct tree_layout *l, const struct el2_call **call, u32 *hvc_id)
{
	unsigned int n = 0;

	for (unsigned int id = 0; id < EL2_CALL_FIRST_OWN; id++) {
		hvc_id[n] = has_hypercall(l, id) ? number_of(l, el2_calls[id].full) : 0;
		if (hvc_id[n])
			call[n++] = &el2_calls[id];
	}
	for (unsigned int i = 0; i < TREE_N_CALLS; i++) {
		if (!(l->calls >> i & 1) || i == TREE_CALL_host_stage2_unmap ||
		    i == TREE_CALL_map_mmio)
			continue;
		hvc_id[n] = 0;
		call[n++] = &el2_calls[own_calls[i]];
	}
	call[n] = NULL;
	return n;
}

unsigned int tree_own_call(const struct el2_call *call)
{
	for (unsigned int i = 0; i < TREE_N_CALLS; i++)
		if (call == &el2_calls[own_calls[i]])
			return i;
	return TREE_N_CALLS;
}

u32 tree_hvc_number(const struct tree_layout *l, const char *full)
{
	return number_of(l, full);
}
