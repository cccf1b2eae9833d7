// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VM that the host makes by itself, beside its driver's: by the same calls, step by step,
 * with all that it likes in between. It is made, used in any order, and taken apart, and
 * then the next one is. Now and then one word of a step is wrong.
 */
#include <string.h>

#include "explore_private.h"

#define LIST_PAGES 6u /* for tables */
#define DATA_PAGES 4u

/* Its memory lies together: start tables first, as they are aligned to their size. */
enum part {
	PART_PGD,
	PART_KVM,
	PART_AREA,
	PART_VCPU,
	PART_VCPU_AREA,
	PART_LIST,
	PART_DATA,
	N_PARTS
};

static u64 page_size(const struct generator *g)
{
	return g->places.page;
}

static const struct el2_view *view(const struct generator *g)
{
	return g->j->m->hyp->view(g->j->m->el2);
}

static u64 pages_of(const struct generator *g, enum part part)
{
	const struct el2_vm_layout *l = &el2_vm_layout;
	const u64 bytes[N_PARTS] = {
		[PART_PGD] = page_size(g) *
			     s2_pgd_pages(g->j->m->board->f->page_shift, view(g)->host_s2.ia_bits),
		[PART_KVM] = l->kvm_size,
		[PART_AREA] = l->hyp_vm_size + 8, /* one vCPU */
		[PART_VCPU] = l->vcpu_size,
		[PART_VCPU_AREA] = l->hyp_vcpu_size,
		[PART_LIST] = LIST_PAGES * page_size(g),
		[PART_DATA] = DATA_PAGES * page_size(g),
	};

	return ALIGN_UP(bytes[part], page_size(g)) / page_size(g);
}

/* PA where the part begins; of N_PARTS: where all ends. */
static u64 at(const struct generator *g, unsigned int part)
{
	u64 pa = g->own.base;

	for (unsigned int i = 0; i < part; i++)
		pa += pages_of(g, (enum part)i) * page_size(g);
	return pa;
}

static bool is_made(const struct generator *g)
{
	return g->own.handle && model_guest(view(g), (u32)g->own.handle);
}

/* ---- Making it ------------------------------------------------------------------------------ */

enum word { ZERO, ONE, HANDLE, PROTECTED, LIST, LIST_LENGTH, KVM, AREA, PGD, VCPU, VCPU_AREA };

/* A call, or a word that is written into one of the host's structures. */
struct step {
	const char *call;
	enum part to;
	const u32 *off, *more; /* where in it: the sum of these */
	enum word word[3];
};

#define L el2_vm_layout
static const struct step making[] = {
	{ .call = "reserve_vm" },
	{ .to = PART_KVM, .off = &L.kvm_created_vcpus, .word = { ONE } },
	{ .to = PART_KVM, .off = &L.kvm_handle, .word = { HANDLE } },
	{ .to = PART_KVM, .off = &L.kvm_is_protected, .word = { PROTECTED } },
	{ .to = PART_KVM, .off = &L.kvm_flags, .word = { ONE } },
	{ .call = "init_vm", .word = { KVM, AREA, PGD } },
	{ .to = PART_VCPU, .off = &L.vcpu_idx, .word = { ZERO } },
	{ .to = PART_VCPU, .off = &L.vcpu_kvm, .word = { KVM } },
	{ .to = PART_VCPU, .off = &L.vcpu_memcache, .more = &L.mc_head, .word = { LIST } },
	{ .to = PART_VCPU,
	  .off = &L.vcpu_memcache,
	  .more = &L.mc_nr_pages,
	  .word = { LIST_LENGTH } },
	{ .call = "init_vcpu", .word = { HANDLE, VCPU, VCPU_AREA } },
	{ .call = "vcpu_put" }, /* the driver's */
	{ .call = "vcpu_load", .word = { HANDLE, ZERO, ZERO } },
};
#undef L

static u64 kern_va(u64 pa)
{
	return GENMASK(63, 48) + pa;
}

static u64 value(const struct generator *g, enum word w)
{
	switch (w) {
	case ONE:
		return 1;
	case HANDLE:
		return g->own.handle;
	case PROTECTED:
		return g->own.is_protected;
	case LIST:
		return at(g, PART_LIST);
	case LIST_LENGTH:
		return LIST_PAGES;
	case KVM:
		return kern_va(at(g, PART_KVM));
	case AREA:
		return kern_va(at(g, PART_AREA));
	case PGD:
		return kern_va(at(g, PART_PGD));
	case VCPU:
		return kern_va(at(g, PART_VCPU));
	case VCPU_AREA:
		return kern_va(at(g, PART_VCPU_AREA));
	case ZERO:
		break;
	}
	return 0;
}

/* False: the release has no such call. */
static bool carry_out(const struct generator *g, struct x_action *a, const struct step *s)
{
	if (!s->call) {
		generator_write(a, at(g, s->to) + *s->off + (s->more ? *s->more : 0),
				value(g, s->word[0]));
		return true;
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(s->word); i++)
		a->arg[i] = value(g, s->word[i]);
	return generator_call(g, a, s->call);
}

/* host_share_hyp, or the other way, of the @n-th page that EL2 is to read. False: there are fewer. */
#define MAX_SHARED 8u
static bool share(const struct generator *g, struct x_action *a, const char *call, unsigned int n)
{
	const enum part part = n < MAX_SHARED / 2 ? PART_KVM : PART_VCPU;
	const u64 page = n % (MAX_SHARED / 2);

	a->arg[0] = at(g, part) / page_size(g) + page;
	return page < pages_of(g, part) && generator_call(g, a, call);
}

#define STEPS_MADE (MAX_SHARED + LIST_PAGES + (unsigned int)G_N_ELEMENTS(making))

static bool make(const struct generator *g, struct x_action *a, unsigned int step)
{
	u64 page;

	if (step < MAX_SHARED)
		return share(g, a, "host_share_hyp", step);
	step -= MAX_SHARED;
	if (step >= LIST_PAGES)
		return carry_out(g, a, &making[step - LIST_PAGES]);
	page = at(g, PART_LIST) + step * page_size(g);
	generator_write(a, page, page + page_size(g));
	return true;
}

/* ---- Using it, and the end ------------------------------------------------------------------------ */

static bool use(struct generator *g, struct x_action *a)
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
	const u64 data = at(g, PART_DATA) / page_size(g) + pick(g, DATA_PAGES);

	if (!generator_call(g, a, names[pick(g, G_N_ELEMENTS(names))]))
		return false;
	for (unsigned int i = 0; i < a->n_args; i++) {
		const struct el2_arg *arg = &a->call->arg[i];

		a->arg[i] = generator_attack_arg(g, arg);
		if (!strcmp(arg->name, "handle"))
			a->arg[i] = g->own.handle;
		else if (!strcmp(arg->name, "vcpu_idx"))
			a->arg[i] = 0;
		else if (arg->kind == ARG_PFN)
			a->arg[i] = data;
		else if (arg->kind == ARG_NR)
			a->arg[i] = 1;
	}
	return true;
}

/* With the guest's frame for those that ask for one. */
static const struct {
	const char *call;
	u64 gfn;
} ending[] = {
	{ "vcpu_put", 0 },
	{ "start_teardown_vm", 0 },
	{ "reclaim_dying_guest_page", 0 },
	{ "reclaim_dying_guest_page", 1 },
	{ "reclaim_dying_guest_page", 2 },
	{ "finalize_teardown_vm", 0 },
	{ "teardown_vm", 0 },
};

#define STEPS_ENDED ((unsigned int)G_N_ELEMENTS(ending) + MAX_SHARED)

static bool end(const struct generator *g, struct x_action *a, unsigned int step)
{
	if (step >= G_N_ELEMENTS(ending))
		return share(g, a, "host_unshare_hyp", step - (unsigned int)G_N_ELEMENTS(ending));
	a->arg[0] = g->own.handle;
	a->arg[1] = ending[step].gfn;
	return generator_call(g, a, ending[step].call);
}

/* ---- All -------------------------------------------------------------------------------------------- */

static bool next_step(struct generator *g, struct x_action *a)
{
	struct own_vm *own = &g->own;

	if (own->step == STEPS_MADE && is_made(g) && pick(g, 32))
		return use(g, a);
	if (own->step >= STEPS_MADE + STEPS_ENDED) {
		own->step = 0;
		own->is_protected = pick(g, 2);
		/* or some step was left out, and it is there yet */
		if (!is_made(g))
			own->handle = 0;
	}
	if (own->step < STEPS_MADE)
		return make(g, a, own->step++);
	return end(g, a, own->step++ - STEPS_MADE);
}

bool generate_own_vm(struct generator *g, struct x_action *a)
{
	unsigned int tries = 0, i;

	if (!g->own.base)
		return false;
	while (!next_step(g, a))
		if (++tries > STEPS_MADE + STEPS_ENDED)
			return false;
	if (pick(g, 16))
		a->cpu = g->j->m->board->n_cpus - 1;
	g->own.is_step = true;
	if (pick(g, 24))
		return true;
	if (a->kind == X_HOST)
		a->val = pick(g, 2) ? generator_link(g) : pick(g, 4);
	if (a->kind == X_CALL && a->n_args) {
		i = pick(g, a->n_args);
		a->arg[i] = generator_attack_arg(g, &a->call->arg[i]);
	}
	return true;
}

u64 generator_own_page(struct generator *g)
{
	const bool whole = g->own.step >= STEPS_MADE && is_made(g);
	const u64 from = at(g, whole ? 0 : PART_DATA);

	return from +
	       page_size(g) * pick(g, (unsigned int)((at(g, N_PARTS) - from) / page_size(g)));
}

void generator_learn_own(struct generator *g, const struct x_action *a, const struct outcome *o)
{
	const bool gives = g->own.is_step && a->kind == X_CALL && o->kind == OUTCOME_VALUE &&
			   (s64)o->value >= EL2_HANDLE_OFFSET;

	/* up to v6.12 a VM has its handle when it is made */
	if (gives && (!strcmp(a->call->name, "reserve_vm") || !strcmp(a->call->name, "init_vm")))
		g->own.handle = o->value;
}

void generator_restart_own(struct generator *g)
{
	const u64 align = pages_of(g, PART_PGD) * page_size(g);
	u64 pages;

	g->own = (struct own_vm){ 0 };
	if (!g->r->vms)
		return;
	pages = at(g, N_PARTS) / page_size(g);
	for (unsigned int tries = 0; tries < 64 && !g->own.base; tries++) {
		const u64 base = ALIGN_DOWN(generator_memory(g), align);

		if (generator_is_host_memory(g, base, pages) &&
		    !generator_is_drivers(g, base, pages))
			g->own.base = base;
	}
}
