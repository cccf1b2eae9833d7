// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What no driver would do, by chance: any hypercall about VMs with handles that are dead,
 * reserved or made up, frames that a VM has, guests' frames past the last, lists of pages
 * that lead anywhere, in any order; on the driver's VMs and on one that this host makes by
 * itself, step by step, beside the driver. And guests that ask for what is not theirs.
 *
 * What the driver has in its own hands is left alone: who gives that away makes the driver
 * free what is not free, and that is nobody's breach.
 */
#include <string.h>

#include "explore_private.h"
#include "sim/guest/guest.h"

/* ---- The VM that the attacker makes ------------------------------------------------------ */

/* Its memory lies together: start tables first, as they are aligned. */
enum part_of_own { OWN_PGD, OWN_KVM, OWN_AREA, OWN_VCPU, OWN_VCPU_AREA, OWN_LIST, OWN_DATA, N_OWN };

#define OWN_LIST_PAGES 6u
#define OWN_DATA_PAGES 4u
/* Steps that make it, and those after which it is gone. */
#define STEPS_MADE (8 + OWN_LIST_PAGES + 13)
#define STEPS_ENDED (7 + 8)

static u64 page_size(const struct generator *g)
{
	return g->places.page;
}

static const struct el2_view *view(const struct generator *g)
{
	return g->j->m->hyp->view(g->j->m->el2);
}

static u64 pages_of(const struct generator *g, enum part_of_own part)
{
	const struct el2_vm_layout *l = &el2_vm_layout;
	const u64 bytes[N_OWN] = {
		[OWN_PGD] = page_size(g) *
			    s2_pgd_pages(g->j->m->board->f->page_shift, view(g)->host_s2.ia_bits),
		[OWN_KVM] = l->kvm_size,
		[OWN_AREA] = l->hyp_vm_size + 8,
		[OWN_VCPU] = l->vcpu_size,
		[OWN_VCPU_AREA] = l->hyp_vcpu_size,
		[OWN_LIST] = OWN_LIST_PAGES * page_size(g),
		[OWN_DATA] = OWN_DATA_PAGES * page_size(g),
	};

	return ALIGN_UP(bytes[part], page_size(g)) / page_size(g);
}

/* PA; of OWN_* in [0, N_OWN]: where the part begins, or all ends. */
static u64 own(const struct generator *g, unsigned int part)
{
	u64 pa = g->attack.base;

	for (unsigned int i = 0; i < part; i++)
		pa += pages_of(g, (enum part_of_own)i) * page_size(g);
	return pa;
}

void generator_restart_attack(struct generator *g)
{
	const u64 align = pages_of(g, OWN_PGD) * page_size(g);
	u64 pages;

	g->attack = (struct attack){ 0 };
	if (!g->r->vms)
		return;
	pages = own(g, N_OWN) / page_size(g);
	for (unsigned int tries = 0; tries < 64 && !g->attack.base; tries++) {
		const u64 base = ALIGN_DOWN(generator_memory(g), align);

		if (generator_is_host_memory(g, base, pages) &&
		    !generator_is_drivers(g, base, pages))
			g->attack.base = base;
	}
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

/* Does EL2 have a VM of our own? */
static bool own_is_made(const struct generator *g)
{
	return g->attack.handle && model_guest(view(g), (u32)g->attack.handle);
}

/* What it is made of is left alone until it is made. */
static u64 own_page(struct generator *g)
{
	const bool making = g->attack.step < STEPS_MADE || !own_is_made(g);
	const u64 from = own(g, making ? OWN_DATA : 0);

	return from + page_size(g) * pick(g, (unsigned int)((own(g, N_OWN) - from) / page_size(g)));
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
		pa = g->attack.base ? own_page(g) : 0;
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
		if (g->attack.handle)
			return g->attack.handle;
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

/* Of a call by the name of its argument. */
static u64 some_arg(struct generator *g, const struct el2_arg *arg)
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

/* False: the release has no such call. */
static bool call(const struct generator *g, struct x_action *a, const char *name)
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

	if (!call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++)
		a->arg[i] = some_arg(g, &a->call->arg[i]);
	return true;
}

/* What the host asks of its own memory, asked of a VM's. */
static bool base_call(struct generator *g, struct x_action *a)
{
	static const char *const names[] = { "host_share_hyp", "host_unshare_hyp",
					     "host_donate_hyp", "host_share_ffa",
					     "host_stage2_idmap" };

	if (!call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++)
		a->arg[i] = a->call->arg[i].kind == ARG_NR ? 1 : some_arg(g, &a->call->arg[i]);
	return true;
}

static void write_word(struct x_action *a, u64 pa, u64 val)
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

/* A link: to a page of our own or the host's, not to its beginning at times, or nowhere. */
static u64 some_link(struct generator *g)
{
	const u64 inside = pick(g, 6) ? 0 : 1 + pick(g, (unsigned int)page_size(g) - 1);

	if (!pick(g, 12))
		return pick(g, 2) ? 0 : g->places.limit + page_size(g) * pick(g, 2);
	return inside + (g->attack.base && pick(g, 2) ? own_page(g) : generator_page(g));
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
		write_word(a, vm.kvm.pa + l->kvm_created_vcpus, pick(g, 4));
		break;
	case 1:
		write_word(a, vm.kvm.pa + l->kvm_handle, some_handle(g));
		break;
	case 2:
		write_word(a, vm.kvm.pa + (pick(g, 2) ? l->kvm_is_protected : l->kvm_flags),
			   pick(g, 2));
		break;
	case 3:
		write_word(a, vcpu + l->vcpu_idx, pick(g, 3));
		break;
	case 4:
		write_word(a, vcpu + l->vcpu_memcache + l->mc_nr_pages,
			   pick(g, 8) ? pick(g, 8) : ~UINT64_C(0));
		break;
	default:
		write_word(a, vcpu + l->vcpu_memcache + l->mc_head, some_link(g));
	}
	return true;
}

/* ---- A VM of one's own ------------------------------------------------------------------------------ */

static u64 kern_va(u64 pa)
{
	return GENMASK(63, 48) + pa;
}

static bool share_own(const struct generator *g, struct x_action *a, enum part_of_own part,
		      u64 page)
{
	a->arg[0] = (own(g, part) / page_size(g)) + page;
	return page < pages_of(g, part) && call(g, a, "host_share_hyp");
}

/* The steps that make it; those that a release does not have, or has fewer of, are left out. */
static bool making(const struct generator *g, struct x_action *a, unsigned int step)
{
	const struct el2_vm_layout *l = &el2_vm_layout;
	const u64 kvm = own(g, OWN_KVM), vcpu = own(g, OWN_VCPU);
	const u64 mc = vcpu + l->vcpu_memcache;

	if (step < 4)
		return share_own(g, a, OWN_KVM, step);
	if (step < 8)
		return share_own(g, a, OWN_VCPU, step - 4);
	if (step < 8 + OWN_LIST_PAGES) {
		const u64 page = own(g, OWN_LIST) + (step - 8) * page_size(g);

		write_word(a, page, page + page_size(g));
		return true;
	}
	switch (step - 8 - OWN_LIST_PAGES) {
	case 0:
		return call(g, a, "reserve_vm");
	case 1:
		write_word(a, kvm + l->kvm_created_vcpus, 1);
		return true;
	case 2:
		write_word(a, kvm + l->kvm_handle, g->attack.handle);
		return true;
	case 3:
		write_word(a, kvm + l->kvm_is_protected, g->attack.is_protected);
		return true;
	case 4:
		write_word(a, kvm + l->kvm_flags, 1);
		return true;
	case 5:
		a->arg[0] = kern_va(kvm);
		a->arg[1] = kern_va(own(g, OWN_AREA));
		a->arg[2] = kern_va(own(g, OWN_PGD));
		return call(g, a, "init_vm");
	case 6:
		write_word(a, vcpu + l->vcpu_idx, 0);
		return true;
	case 7:
		write_word(a, vcpu + l->vcpu_kvm, kern_va(kvm));
		return true;
	case 8:
		write_word(a, mc + l->mc_head, own(g, OWN_LIST));
		return true;
	case 9:
		write_word(a, mc + l->mc_nr_pages, OWN_LIST_PAGES);
		return true;
	case 10:
		a->arg[0] = g->attack.handle;
		a->arg[1] = kern_va(vcpu);
		a->arg[2] = kern_va(own(g, OWN_VCPU_AREA));
		return call(g, a, "init_vcpu");
	case 11:
		return call(g, a, "vcpu_put");
	case 12:
		a->arg[0] = g->attack.handle;
		return call(g, a, "vcpu_load");
	default:
		return false;
	}
}

/* Then it is used, in any order. */
static bool using(struct generator *g, struct x_action *a)
{
	static const char *const names[] = {
		"host_share_guest",
		"host_donate_guest",
		"host_share_guest",
		"host_donate_guest",
		"host_relax_perms_guest",
		"host_mkyoung_guest",
		"host_unshare_guest",
		"host_wrprotect_guest",
		"kvm_vcpu_run",
		"vcpu_load",
		"vcpu_put",
	};
	const u64 data = own(g, OWN_DATA) / page_size(g) + pick(g, OWN_DATA_PAGES);

	if (!call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++) {
		const struct el2_arg *arg = &a->call->arg[i];

		a->arg[i] = some_arg(g, arg);
		if (!strcmp(arg->name, "handle"))
			a->arg[i] = g->attack.handle;
		else if (!strcmp(arg->name, "vcpu_idx"))
			a->arg[i] = 0;
		else if (arg->kind == ARG_PFN)
			a->arg[i] = data;
		else if (arg->kind == ARG_NR)
			a->arg[i] = 1;
	}
	return true;
}

/* And it ends, one way or the other. */
static bool ending(const struct generator *g, struct x_action *a, unsigned int step)
{
	static const char *const names[] = { "vcpu_put",
					     "start_teardown_vm",
					     "reclaim_dying_guest_page",
					     "reclaim_dying_guest_page",
					     "reclaim_dying_guest_page",
					     "finalize_teardown_vm",
					     "teardown_vm" };

	if (step < G_N_ELEMENTS(names)) {
		a->arg[0] = g->attack.handle;
		a->arg[1] = step - 2;
		return call(g, a, names[step]);
	}
	step -= (unsigned int)G_N_ELEMENTS(names);
	if (!share_own(g, a, step < 4 ? OWN_KVM : OWN_VCPU, step % 4))
		return false;
	return call(g, a, "host_unshare_hyp");
}

static bool next_step(struct generator *g, struct x_action *a)
{
	struct attack *t = &g->attack;

	if (t->step == STEPS_MADE && own_is_made(g) && pick(g, 32))
		return using(g, a);
	if (t->step >= STEPS_MADE + STEPS_ENDED) {
		t->step = 0;
		t->is_protected = pick(g, 2);
		/* or some step was left out, and it is there yet */
		if (!own_is_made(g))
			t->handle = 0;
	}
	if (t->step < STEPS_MADE)
		return making(g, a, t->step++);
	return ending(g, a, t->step++ - STEPS_MADE);
}

/* The next step as it should be; now and then with one word of it wrong. */
static bool own_vm(struct generator *g, struct x_action *a)
{
	unsigned int tries = 0, i;

	while (!next_step(g, a))
		if (++tries > STEPS_MADE + STEPS_ENDED)
			return false;
	if (pick(g, 16))
		a->cpu = g->j->m->board->n_cpus - 1;
	g->attack.own_step = true;
	if (pick(g, 24))
		return true;
	if (a->kind == X_HOST)
		a->val = pick(g, 2) ? some_link(g) : pick(g, 4);
	if (a->kind == X_CALL && a->n_args) {
		i = pick(g, a->n_args);
		a->arg[i] = some_arg(g, &a->call->arg[i]);
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
		return g->attack.base && own_vm(g, a);
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

void generator_learn_attack(struct generator *g, const struct x_action *a, const struct outcome *o)
{
	const bool gives = g->attack.own_step && a->kind == X_CALL && o->kind == OUTCOME_VALUE &&
			   (s64)o->value >= EL2_HANDLE_OFFSET;

	/* up to v6.12 a VM has its handle when it is made */
	if (gives && (!strcmp(a->call->name, "reserve_vm") || !strcmp(a->call->name, "init_vm")))
		g->attack.handle = o->value;
}
