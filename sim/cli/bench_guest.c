// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests' memory: one page lent and taken back, given and reclaimed, lent to the host by
 * its guest. The VM is the driver's, and has a page mapped beside, so that the tables
 * are there; the loops call EL2's functions, as those for a VM by its handle.
 */
#include "bench.h"

#define GFN BENCH_GFN
#define PROT_RWX 0xf /* enum kvm_pgtable_prot with PX and UX apart */

static bool went_well(struct outcome o)
{
	return o.kind == OUTCOME_VALUE && !o.value;
}

/*
 * A VM with the page at GFN, and pages for further tables with EL2: from v7.2 on it wants
 * them for each page, whether or not it will need one.
 */
bool bench_make_vm(struct bench_env *e, bool is_protected)
{
	struct machine_map map = { .gfn = GFN, .pages = 2, .r = true, .w = true, .x = true };
	struct machine_vm vm;

	if (!went_well(machine_vm_create(e->m, 0, "guest", is_protected, 1, 0)) ||
	    !went_well(machine_guest_map(e->m, 0, "guest", 0, &map)) ||
	    !machine_vm(e->m, "guest", &vm))
		return false;
	e->arg[0] = vm.handle;
	e->arg[1] = bench_page(e);
	e->arg[2] = GFN + map.pages;
	e->arg[3] = 1;
	e->arg[4] = PROT_RWX;
	e->undo[0] = e->arg[0];
	e->undo[1] = e->arg[2];
	e->undo[2] = e->arg[3];
	return true;
}

bool setup_lend(struct bench_env *e)
{
	return bench_make_vm(e, false) && bench_find_calls(e, "vm_share", "vm_unshare");
}

bool setup_give(struct bench_env *e)
{
	return bench_make_vm(e, true) &&
	       bench_find_calls(e, "vm_donate", "host_reclaim_page_guest");
}

bool setup_guest_share(struct bench_env *e)
{
	if (!bench_make_vm(e, true) ||
	    !bench_find_calls(e, "guest_share_host", "guest_unshare_host"))
		return false;
	e->arg[1] = e->undo[1] = GFN;
	return true;
}

s64 loop_guest(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	const struct hypervisor *hyp = e->m->hyp;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures +=
			hyp->call(e->m->el2, cpu, e->first, e->arg, e->first->n_required) != 0;
		e->failures +=
			hyp->call(e->m->el2, cpu, e->second, e->undo, e->second->n_required) != 0;
	}
	return 0;
}
