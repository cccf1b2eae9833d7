// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's driver by chance: what it shares with EL2, and virtual machines that are
 * made, get memory, run, are looked at and end; and guests that touch their memory,
 * share it and take it back. A few VMs and a few guest frames, so that they meet.
 */
#include "explore_private.h"
#include "sim/guest/guest.h"

static const char *const names[N_VMS] = { "a", "b", "c" };

const char *generator_vm_name(unsigned int n)
{
	return names[n];
}

static struct x_flow *flow(struct x_action *a, enum x_flow_kind kind)
{
	a->kind = X_FLOW;
	a->flow.kind = kind;
	return &a->flow;
}

void generate_sharing(struct generator *g, struct x_action *a)
{
	const bool share = pick(g, 2);

	flow(a, share ? X_SHARE : X_UNSHARE)->pages = 1 + pick(g, 1 + pick(g, 4));
	a->addr = generator_page(g);
}

/* ---- Virtual machines ------------------------------------------------------------------------ */

/* Side by side, in another table, and at a block's start. */
u64 generator_gfn(struct generator *g)
{
	const u64 per_table = g->places.page / 8;

	switch (pick(g, 8)) {
	case 0:
		return per_table * pick(g, 3);
	case 1:
		return per_table + pick(g, 4);
	default:
		return pick(g, 6);
	}
}

static u64 some_pages(struct generator *g)
{
	const u64 block = g->places.page / 8;

	/* all VMs' blocks must not eat up what the driver has */
	if (g->drivers.size / g->places.page >= 32 * block && !pick(g, 24))
		return block;
	return 1 + (pick(g, 3) ? 0 : pick(g, 4));
}

static void memory(struct generator *g, struct x_action *a)
{
	static const enum x_flow_kind kinds[] = { X_MAP, X_MAP, X_MAP,	    X_UNMAP,
						  X_MAP, X_AGE, X_WRPROTECT };
	struct x_flow *f = flow(a, kinds[pick(g, G_N_ELEMENTS(kinds))]);

	f->gfn = generator_gfn(g);
	f->pages = some_pages(g);
	f->huge = !pick(g, 4);
	/* user space may have chosen the page; else the driver does */
	if (f->kind == X_MAP && !pick(g, 4) && f->pages == 1)
		a->addr = generator_memory(g);
}

static void access(struct generator *g, struct x_action *a)
{
	flow(a, X_GUEST);
	a->access = (enum mmu_access)pick(g, 3);
	a->size = a->access == MMU_EXEC ? 8 : 1u << pick(g, 4);
	a->addr = generator_gfn(g) * g->places.page + 8 * pick(g, (unsigned int)g->places.page / 8);
	a->val = a->access == MMU_WRITE ? pick(g, 256) : 0;
}

static void call(struct generator *g, struct x_action *a)
{
	static const u64 ids[] = { GUEST_HVC_MEM_SHARE, GUEST_HVC_MEM_UNSHARE, GUEST_HVC_MEM_SHARE,
				   GUEST_HVC_HYP_MEMINFO };

	flow(a, X_GUEST_HVC);
	a->n_args = 4;
	a->arg[0] = ids[pick(g, G_N_ELEMENTS(ids))];
	if (a->arg[0] != GUEST_HVC_HYP_MEMINFO)
		a->arg[1] = generator_gfn(g) * g->places.page + !pick(g, 32);
	a->arg[2] = !pick(g, 64);
}

void generate_vm(struct generator *g, struct x_action *a)
{
	const unsigned int which = pick(g, G_N_ELEMENTS(names)), what = pick(g, 32);

	if (!g->vm[which] && pick(g, 8)) {
		flow(a, X_CREATE)->is_protected = pick(g, 2);
		a->flow.vcpu = 1 + pick(g, 2);
		a->flow.vm = names[which];
		return;
	}
	if (what < 10)
		memory(g, a);
	else if (what < 20)
		access(g, a);
	else if (what < 26)
		call(g, a);
	else if (what < 29)
		flow(a, X_RUN);
	else
		flow(a, what < 31 ? X_PUT : X_DESTROY);
	a->flow.vm = names[which];
	a->flow.vcpu = !pick(g, 8);
}

void generator_learn_vm(struct generator *g, const struct x_action *a, const struct outcome *o)
{
	for (unsigned int i = 0; a->kind == X_FLOW && i < G_N_ELEMENTS(names); i++) {
		if (a->flow.vm != names[i] || o->kind != OUTCOME_VALUE || o->value)
			continue;
		if (a->flow.kind == X_CREATE)
			g->vm[i] = true;
		else if (a->flow.kind == X_DESTROY)
			g->vm[i] = false;
	}
}
