// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What no driver would do, by chance: any hypercall about VMs with handles that are dead,
 * reserved or made up, frames that a VM has, guests' frames past the last, lists of pages
 * that lead anywhere, in any order; on the driver's VMs and on one that the host makes by
 * itself (generate_own.c). And guests that ask for what is not theirs.
 *
 * What the driver has in its own hands is left alone: who gives that away makes the driver
 * free what is not free, and that is nobody's breach.
 */
#include <string.h>

#include "explore_private.h"
#include "sim/guest/guest.h"

static u64 page_size(const struct generator *g)
{
	return g->places.page;
}

static const struct el2_view *view(const struct generator *g)
{
	return g->j->m->hyp->view(g->j->m->el2);
}

/* ---- Whose memory is it about? ------------------------------------------------------------- */

/* A VM of the driver's or of our own that EL2 has, or NULL. */
static const struct el2_guest_view *some_guest(struct generator *g)
{
	const struct el2_view *v = view(g);

	return v->n_guests ? v->guests[pick(g, v->n_guests)] : NULL;
}

static u64 struct_page(struct generator *g)
{
	const char *name = generator_vm_name(pick(g, N_VMS));
	struct machine *m = g->j->m;
	struct machine_vm vm;
	u64 pa;

	if (!machine_vm(m, name, &vm) || !vm.live)
		return 0;
	pa = pick(g, 2) ? machine_vcpu(m, name, pick(g, 2)).pa : vm.kvm.pa;
	return pa ? ALIGN_DOWN(pa, page_size(g)) + page_size(g) * pick(g, 2) : 0;
}

struct nth_table {
	unsigned int n;
	u64 pa;
};

static void count_table(void *data, int level, u64 ia, pa_t table)
{
	struct nth_table *t = data;

	if (!t->n--)
		t->pa = table.pa;
}

/* Memory of a guest's, its tables, or what EL2 keeps about it. 0: not this time. */
static u64 guest_page(struct generator *g)
{
	const struct el2_guest_view *guest = some_guest(g);
	struct machine *m = g->j->m;
	struct nth_table t = { 0 };
	struct mmu_result res;

	if (!guest)
		return 0;
	switch (pick(g, 8)) {
	case 0:
		return guest->pgd.pa + page_size(g) * pick(g, (unsigned int)guest->pgd_pages);
	case 1:
		return ALIGN_DOWN(guest->area.va - view(g)->layout->va_offset, page_size(g));
	case 2:
		t.n = pick(g, 4);
		model_for_each_table(m->board, &guest->s2, count_table, &t);
		return t.pa;
	default:
		if (!model_walk_table(m->board, &guest->s2, generator_gfn(g) * page_size(g),
				      &res) ||
		    res.fault == MMU_FAULT_TRANSLATION)
			return 0;
		return res.oa.pa;
	}
}

/* What an attack is about: a VM's page if there is one. */
u64 generator_victim(struct generator *g)
{
	u64 pa = 0;

	switch (pick(g, 4)) {
	case 0:
		pa = struct_page(g);
		break;
	case 1:
		pa = g->own.base ? generator_own_page(g) : 0;
		break;
	default:
		pa = guest_page(g);
	}
	return pa ? ALIGN_DOWN(pa, page_size(g)) : generator_page(g);
}

/* ---- Arguments -------------------------------------------------------------------------------- */

static u64 some_handle(struct generator *g)
{
	struct machine_vm vm;

	switch (pick(g, 12)) {
	case 0:
		return EL2_HANDLE_OFFSET + pick(g, 6);
	case 1:
		return pick(g, 2) ? 0 : EL2_HANDLE_OFFSET - 1u;
	case 2:
		return EL2_HANDLE_OFFSET + EL2_MAX_VMS - 1u + pick(g, 2);
	case 3:
		return (EL2_HANDLE_OFFSET + pick(g, 4)) | UINT64_C(1) << (16 << pick(g, 2));
	case 4:
		return pick(g, 2) ? ~UINT64_C(0) : UINT64_C(0x80000000);
	case 5:
	case 6:
	case 7:
		if (g->own.handle)
			return g->own.handle;
		/* fall through */
	default:
		/* that of one that is gone, too */
		if (machine_vm(g->j->m, generator_vm_name(pick(g, N_VMS)), &vm))
			return vm.handle;
		return EL2_HANDLE_OFFSET;
	}
}

static u64 some_gfn(struct generator *g)
{
	const u64 end = UINT64_C(1) << (view(g)->host_s2.ia_bits - g->j->m->board->f->page_shift);
	static const u64 far[] = { ~UINT64_C(0), UINT64_C(1) << 52, UINT64_C(1) << 63 };

	switch (pick(g, 16)) {
	case 0:
		return end - 1;
	case 1:
		return end;
	case 2:
		return end - page_size(g) / 8;
	case 3:
		return far[pick(g, G_N_ELEMENTS(far))] + pick(g, 2);
	default:
		return generator_gfn(g);
	}
}

static u64 some_count(struct generator *g)
{
	const u64 block = page_size(g) / 8;
	const u64 counts[] = { 0, 2, block, block + 1, UINT64_C(1) << 52, ~UINT64_C(0) };

	return pick(g, 3) ? 1 : counts[pick(g, G_N_ELEMENTS(counts))];
}

/* The kernel's address of a page, EL2's, or inside of it. */
static u64 address_of(struct generator *g, u64 pa)
{
	const struct machine *m = g->j->m;
	const u64 inside =
		pick(g, 16) ? 0 : 8 * pick(g, (unsigned int)page_size(g) / 8) + pick(g, 2);

	if (!pick(g, 32))
		return 0;
	return inside + (pick(g, 8) ? GENMASK(63, 48) + pa : m->hyp->hyp_va(m->el2, PA(pa)));
}

static u64 some_prot(struct generator *g)
{
	const u64 all = g->j->m->config->profile->xn_two_bits ? 0xf : 7;

	return pick(g, 4) ? all : pick(g, 16) ? pick(g, 32) : ~UINT64_C(0) << pick(g, 64);
}

u64 generator_attack_arg(struct generator *g, const struct el2_arg *arg)
{
	const char *name = arg->name;

	if (!strcmp(name, "handle"))
		return some_handle(g);
	if (!strcmp(name, "gfn"))
		return some_gfn(g);
	if (arg->kind == ARG_PFN)
		return generator_victim(g) >> g->j->m->board->f->page_shift;
	if (arg->kind == ARG_NR)
		return some_count(g);
	if (arg->kind == ARG_PROT)
		return some_prot(g);
	if (arg->kind == ARG_VA)
		return address_of(g, generator_victim(g));
	if (arg->kind == ARG_ADDR)
		return generator_victim(g) + 4096u * pick(g, (unsigned int)page_size(g) / 4096);
	if (!strcmp(name, "vcpu_idx"))
		return pick(g, 8) ? pick(g, 3) : ~UINT64_C(0) >> pick(g, 64);
	return pick(g, 2);
}

/* ---- Single calls ------------------------------------------------------------------------------ */

static const struct el2_call *find(const struct generator *g, const char *name)
{
	const struct el2_call *const *c = g->j->m->hyp->calls(g->j->m->el2);

	while (*c && strcmp((*c)->name, name))
		c++;
	return *c;
}

bool generator_call(const struct generator *g, struct x_action *a, const char *name)
{
	a->kind = X_CALL;
	a->call = find(g, name);
	a->n_args = a->call ? a->call->n_args : 0;
	return a->call;
}

static bool any_call(struct generator *g, struct x_action *a)
{
	static const char *const names[] = {
		"host_share_guest",
		"host_donate_guest",
		"host_unshare_guest",
		"host_relax_perms_guest",
		"host_wrprotect_guest",
		"host_test_clear_young_guest",
		"host_mkyoung_guest",
		"force_reclaim_guest_page",
		"reclaim_dying_guest_page",
		"vcpu_in_poison_fault",
		"reserve_vm",
		"unreserve_vm",
		"init_vm",
		"init_vcpu",
		"vcpu_load",
		"vcpu_put",
		"kvm_vcpu_run",
		"start_teardown_vm",
		"finalize_teardown_vm",
		"teardown_vm",
		"tlb_flush_vmid",
		"vcpu_load",
		"vcpu_put",
	};

	if (!generator_call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++)
		a->arg[i] = generator_attack_arg(g, &a->call->arg[i]);
	return true;
}

/* What the host asks of its own memory, asked of a VM's. */
static bool base_call(struct generator *g, struct x_action *a)
{
	static const char *const names[] = { "host_share_hyp", "host_unshare_hyp",
					     "host_donate_hyp", "host_share_ffa",
					     "host_stage2_idmap" };

	if (!generator_call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++)
		a->arg[i] = a->call->arg[i].kind == ARG_NR
				    ? 1
				    : generator_attack_arg(g, &a->call->arg[i]);
	return true;
}

void generator_write(struct x_action *a, u64 pa, u64 val)
{
	a->kind = X_HOST;
	a->access = MMU_WRITE;
	a->isv = true;
	a->size = 8;
	a->addr = pa;
	a->val = val;
}

static bool touch(struct generator *g, struct x_action *a)
{
	a->kind = X_HOST;
	a->access = (enum mmu_access)pick(g, 3);
	a->isv = true;
	a->size = 8;
	a->addr = generator_victim(g) + 8 * pick(g, (unsigned int)page_size(g) / 8);
	a->val = a->access == MMU_WRITE ? pick(g, 256) : 0;
	return true;
}

/* ---- Lies in the driver's structures --------------------------------------------------------------- */

u64 generator_link(struct generator *g)
{
	const u64 inside = pick(g, 6) ? 0 : 1 + pick(g, (unsigned int)page_size(g) - 1);

	if (!pick(g, 12))
		return pick(g, 2) ? 0 : g->places.limit + page_size(g) * pick(g, 2);
	return inside + (g->own.base && pick(g, 2) ? generator_own_page(g) : generator_page(g));
}

/* Of struct kvm_vcpu the list of pages; of struct kvm what EL2 reads when it makes a VM. */
static bool lie(struct generator *g, struct x_action *a)
{
	const struct el2_vm_layout *l = &el2_vm_layout;
	const char *name = generator_vm_name(pick(g, N_VMS));
	struct machine *m = g->j->m;
	struct machine_vm vm;
	u64 vcpu;

	if (!machine_vm(m, name, &vm) || !vm.live)
		return false;
	vcpu = machine_vcpu(m, name, pick(g, 2)).pa;
	switch (vcpu ? pick(g, 7) : pick(g, 3)) {
	case 0:
		generator_write(a, vm.kvm.pa + l->kvm_created_vcpus, pick(g, 4));
		break;
	case 1:
		generator_write(a, vm.kvm.pa + l->kvm_handle, some_handle(g));
		break;
	case 2:
		generator_write(a, vm.kvm.pa + (pick(g, 2) ? l->kvm_is_protected : l->kvm_flags),
				pick(g, 2));
		break;
	case 3:
		generator_write(a, vcpu + l->vcpu_idx, pick(g, 3));
		break;
	case 4:
		generator_write(a, vcpu + l->vcpu_memcache + l->mc_nr_pages,
				pick(g, 8) ? pick(g, 8) : ~UINT64_C(0));
		break;
	default:
		generator_write(a, vcpu + l->vcpu_memcache + l->mc_head, generator_link(g));
	}
	return true;
}

/* ---- Guests ------------------------------------------------------------------------------------------- */

static bool guest(struct generator *g, struct x_action *a)
{
	a->kind = X_FLOW;
	a->flow.vm = generator_vm_name(pick(g, N_VMS));
	if (pick(g, 2)) {
		a->flow.kind = X_GUEST;
		a->access = (enum mmu_access)pick(g, 3);
		a->size = a->access == MMU_EXEC ? 8 : 1u << pick(g, 4);
		a->addr = some_gfn(g) * page_size(g) - pick(g, 9);
		return true;
	}
	a->flow.kind = X_GUEST_HVC;
	a->n_args = 4;
	a->arg[0] = GUEST_HVC_MEM_SHARE + pick(g, 2);
	a->arg[1] = some_gfn(g) * page_size(g) + (pick(g, 8) ? 0 : pick(g, 64));
	if (!pick(g, 16))
		a->arg[0] = UINT64_C(0xc6000000) + pick(g, 8);
	return true;
}

/* ---- All ----------------------------------------------------------------------------------------------- */

/* Would it take from the driver a page that is in the driver's hands, and the host's? */
bool generator_robs_driver(const struct generator *g, const struct x_action *a)
{
	const unsigned int shift = g->j->m->board->f->page_shift;
	u64 pa, nr;

	for (unsigned int i = 0; g->r->vms && a->kind == X_CALL && i < a->n_args; i++) {
		const enum el2_arg_kind kind = a->call->arg[i].kind;

		/* what is given by address has a few pages, by frame one or a block */
		if (kind == ARG_PFN) {
			pa = a->arg[i] << shift;
			nr = a->n_args == 1 ? 1 : page_size(g) / 8;
		} else if (kind == ARG_VA) {
			pa = a->arg[i] & GENMASK(43, 0);
			nr = 32;
		} else {
			continue;
		}
		if (generator_is_drivers(g, pa, nr) && generator_host_owns(g, pa))
			return true;
	}
	return false;
}

static bool draw(struct generator *g, struct x_action *a)
{
	const unsigned int what = pick(g, 16);

	if (what < 6)
		return generate_own_vm(g, a);
	if (what < 10)
		return any_call(g, a);
	if (what < 12)
		return base_call(g, a);
	if (what < 13)
		return touch(g, a);
	return what < 14 ? lie(g, a) : guest(g, a);
}

bool generate_attack(struct generator *g, struct x_action *a)
{
	if (!draw(g, a) || generator_robs_driver(g, a))
		return false;
	/* where that ends EL2 it ends the episode */
	return a->kind != X_HOST || g->risk || !generator_access_panics(g) ||
	       generator_host_has(g, a->addr);
}
