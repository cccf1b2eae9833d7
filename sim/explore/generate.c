// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The next action of a random tester. The host asks for anything: any hypercall, any
 * frame, any address. EL2's own functions are called as EL2 would call them, with
 * arguments that come from the host; what ends a loan is called by who was lent it.
 *
 * An episode comes back to a few pages, so that what happens to them adds up.
 */
#include <string.h>

#include "explore_private.h"

#define DRIVERS_MAX (UINT64_C(64) << 20) /* bytes */
#define MAX_CLAIMS 1024u

/* What a call leaves in somebody's hands, and how they let go of it. */
static const struct loan {
	const char *begin, *end;
	bool exact; /* nobody but they may end it, and as a whole */
	bool keeps_host_out;
} loans[] = {
	{ "host_donate_hyp", "hyp_donate_host", false, true },
	{ "host_donate_hyp_mmio", "hyp_donate_host_mmio", false, true },
	{ "host_share_ffa", "host_unshare_ffa", true, false },
	{ "ffa_mem_share", "ffa_mem_reclaim", true, false },
	{ "pin_shared_mem", "unpin_shared_mem", true, false },
	{ "host_share_hyp", "host_unshare_hyp", false, false },
};

/* One action in so many may end the episode: it starts again from boot. */
#define RISK 96u

static const struct loan *loan_ended_by(const char *call)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(loans); i++)
		if (!strcmp(loans[i].end, call))
			return &loans[i];
	return NULL;
}

static const struct loan *loan_begun_by(const char *call)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(loans); i++)
		if (!strcmp(loans[i].begin, call))
			return &loans[i];
	return NULL;
}

static u64 pick_u64(struct generator *g)
{
	u64 high = pick(g, 1u << 16), middle = pick(g, 1u << 24), low = pick(g, 1u << 24);

	return high << 48 | middle << 24 | low;
}

static u64 page_shift(const struct generator *g)
{
	return g->j->m->board->f->page_shift;
}

/* ---- Who else is there ---------------------------------------------------------------------- */

/* With virtual machines: the driver's memory, from the top, and a bit below it. */
bool generator_is_drivers(const struct generator *g, u64 addr, u64 pages)
{
	return addr < g->drivers.base + g->drivers.size &&
	       pages * g->places.page > g->drivers.base - MIN(addr, g->drivers.base) &&
	       g->drivers.size;
}

static void find_drivers(struct generator *g)
{
	for (guint i = 0; g->r->vms && i < g->places.at->len; i++) {
		const struct place *at = &g_array_index(g->places.at, struct place, i);

		if (!at->is_ram || at->owner != OWNER_HOST)
			continue;
		g->drivers = *at;
		g->drivers.size = MIN(ALIGN_DOWN(at->size / 2, g->places.page), DRIVERS_MAX);
		g->drivers.base = at->base + at->size - g->drivers.size;
	}
}

/* ---- Where ---------------------------------------------------------------------------------- */

/* First, last, in the middle, next to a block's edge, or just outside. */
static u64 any_page_of(struct generator *g, const struct place *at)
{
	const u64 page = g->places.page, n = MAX(at->size / page, 1);
	const u64 block = page * (page / 8);
	u64 i = pick_u64(g) % n;

	switch (pick(g, 8)) {
	case 0:
		return at->base;
	case 1:
		return at->base + (n - 1) * page;
	case 2:
		return at->base - (at->base ? page : 0);
	case 3:
		return at->base + n * page;
	case 4:
		return MAX(ALIGN_DOWN(at->base + i * page, block), at->base);
	default:
		return at->base + i * page;
	}
}

/* Not the driver's: who shares a page behind its back makes it free what is shared. */
static u64 page_of(struct generator *g, const struct place *at)
{
	u64 addr;

	do
		addr = any_page_of(g, at);
	while (generator_is_drivers(g, addr, 1));
	return addr;
}

static u64 cold_page(struct generator *g)
{
	const GArray *from = pick(g, 4) || !g->places.window->len ? g->places.at : g->places.window;

	return page_of(g, &g_array_index(from, struct place, pick(g, from->len)));
}

u64 generator_memory(struct generator *g)
{
	for (unsigned int tries = 0; tries < 64; tries++) {
		const struct place *at =
			&g_array_index(g->places.at, struct place, pick(g, g->places.at->len));

		if (at->is_ram && at->owner == OWNER_HOST)
			return page_of(g, at);
	}
	return cold_page(g);
}

u64 generator_page(struct generator *g)
{
	return pick(g, 16) ? g->hot[pick(g, N_HOT)] : cold_page(g);
}

/* Neighbours stand side by side, for calls that take several pages. */
static void choose_hot(struct generator *g)
{
	for (unsigned int i = 0; i < N_HOT; i++) {
		if (i < N_HOT_MEMORY)
			g->hot[i] = i % 4 ? g->hot[i - 1] + g->places.page : generator_memory(g);
		else
			g->hot[i] = cold_page(g);
	}
}

/* Frame numbers that no frame has; the last two are frames once shifted. */
static u64 odd_frame(struct generator *g)
{
	const u64 end = g->places.limit >> page_shift(g);

	switch (pick(g, 5)) {
	case 0:
		return end - 1;
	case 1:
		return end;
	case 2:
		return ~UINT64_C(0);
	case 3:
		return (UINT64_C(1) << (64 - page_shift(g))) - 1;
	default:
		return generator_page(g) >> page_shift(g) | UINT64_C(1) << (64 - page_shift(g));
	}
}

/* ---- Calls ------------------------------------------------------------------------------------ */

static u64 some_count(struct generator *g)
{
	static const u16 counts[] = { 2, 2, 3, 4, 5, 8, 17, 64, 511, 512, 513 };
	bool checked = g->j->m->config->profile->check_pfn_range;

	if (pick(g, 2))
		return 1;
	if (checked && !pick(g, 32))
		return ~UINT64_C(0) >> pick(g, 64);
	return counts[pick(g, G_N_ELEMENTS(counts))];
}

static u64 some_arg(struct generator *g, enum el2_arg_kind kind)
{
	const struct machine *m = g->j->m;

	switch (kind) {
	case ARG_PFN:
		return pick(g, 48) ? generator_page(g) >> page_shift(g) : odd_frame(g);
	case ARG_NR:
		return some_count(g);
	case ARG_ADDR:
		/* a fault tells which 4 KiB */
		return generator_page(g) + 4096u * pick(g, (unsigned int)g->places.page / 4096);
	case ARG_VA:
		return m->hyp->hyp_va(m->el2, PA(generator_page(g))) +
		       pick(g, (unsigned int)g->places.page);
	default:
		return pick(g, 8) ? pick(g, 16) : pick_u64(g);
	}
}

/* Something that is held, if anything is; else what any call takes. */
static bool args_of_claim(struct generator *g, struct x_action *a, const struct loan *loan)
{
	unsigned int n = 0, which;

	for (guint i = 0; i < g->claims->len; i++)
		n += g_array_index(g->claims, struct claim, i).call == loan->end;
	if (!n)
		return false;
	which = pick(g, n);
	for (guint i = 0; i < g->claims->len; i++) {
		const struct claim *c = &g_array_index(g->claims, struct claim, i);

		if (c->call == loan->end && !which--)
			memcpy(a->arg, c->arg, sizeof(c->arg));
	}
	return true;
}

/* EL2 pins what the host says that it shares: mostly true. */
static void args_of_pin(struct generator *g, struct x_action *a)
{
	const struct machine *m = g->j->m;
	struct x_action share = { 0 };

	if (pick(g, 4) && args_of_claim(g, &share, loan_begun_by("host_share_hyp")))
		a->arg[0] = m->hyp->hyp_va(m->el2, PA(share.arg[0] << page_shift(g))) +
			    pick(g, (unsigned int)g->places.page);
	/* a range of addresses is of a few pages */
	a->arg[1] = a->arg[0] + pick(g, pick(g, 4) ? 64 : 3 * (unsigned int)g->places.page);
}

/* The host's and EL2's; VMs are another matter. Boot's own are refused ever after. */
static const struct {
	const char *name;
	bool of_boot;
	bool by_smc; /* where there is a secure world, the host's SMCs call it */
} asked[] = {
	{ .name = "host_share_hyp" },
	{ .name = "host_unshare_hyp" },
	{ .name = "host_donate_hyp" },
	{ .name = "hyp_donate_host" },
	{ .name = "host_share_ffa" },
	{ .name = "host_unshare_ffa" },
	{ .name = "ffa_mem_share", .by_smc = true },
	{ .name = "ffa_mem_reclaim", .by_smc = true },
	{ .name = "pin_shared_mem" },
	{ .name = "unpin_shared_mem" },
	{ .name = "host_donate_hyp_mmio" },
	{ .name = "hyp_donate_host_mmio" },
	{ .name = "host_stage2_idmap" },
	{ .name = "flush_vm_context" },
	{ .name = "pkvm_init", .of_boot = true },
	{ .name = "create_private_mapping", .of_boot = true },
	{ .name = "enable_ssbs", .of_boot = true },
	{ .name = "cpu_set_vector", .of_boot = true },
	{ .name = "prot_finalize", .of_boot = true },
};

static void find_calls(struct generator *g, const struct el2_call *const *calls)
{
	for (; *calls; calls++)
		for (unsigned int i = 0; i < G_N_ELEMENTS(asked); i++)
			if (!strcmp((*calls)->name, asked[i].name) &&
			    !(asked[i].by_smc && g->ffa.there))
				g->call[asked[i].of_boot][g->n_calls[asked[i].of_boot]++] = *calls;
}

static void generate_call(struct generator *g, struct x_action *a)
{
	const bool of_boot = !pick(g, 512);
	const struct loan *ends;

	a->kind = X_CALL;
	a->call = g->call[of_boot][pick(g, g->n_calls[of_boot])];
	a->n_args = a->call->n_args;
	for (unsigned int i = 0; i < a->n_args; i++)
		a->arg[i] = some_arg(g, a->call->arg[i].kind);
	if (a->n_args == 2 && a->call->arg[1].kind == ARG_VA)
		args_of_pin(g, a);
	ends = loan_ended_by(a->call->name);
	if (ends && (ends->exact || g->r->vms || pick(g, 2)))
		args_of_claim(g, a, ends);
}

/* ---- Accesses ------------------------------------------------------------------------------------- */

bool generator_kept_out(const struct generator *g, u64 addr)
{
	const u64 shift = page_shift(g);

	if (places_hyp_own(&g->places, addr, 1))
		return true;
	for (guint i = 0; i < g->claims->len; i++) {
		const struct claim *c = &g_array_index(g->claims, struct claim, i);

		if (loan_ended_by(c->call)->keeps_host_out &&
		    (addr >> shift) - c->arg[0] < MAX(c->arg[1], 1))
			return true;
	}
	return addr >= g->places.limit;
}

bool generator_access_panics(const struct generator *g)
{
	return g->j->m->config->knob[KNOB_HOST_EPERM] == HOST_EPERM_PANIC;
}

static void generate_access(struct generator *g, struct x_action *a, enum x_kind kind)
{
	const u64 page = g->places.page;

	a->kind = kind;
	a->access = (enum mmu_access)pick(g, kind == X_HOST ? 3 : kind == X_DMA ? 2 : 1);
	a->size = 1u << pick(g, 4);
	a->isv = pick(g, 16);
	a->at_fails = kind == X_HOST && !pick(g, 32);
	a->val = a->access == MMU_WRITE ? pick_u64(g) >> (64 - 8 * a->size) : 0;
	a->addr = generator_page(g);
	while (kind == X_HOST && generator_access_panics(g) && !g->risk &&
	       generator_kept_out(g, a->addr))
		a->addr = generator_page(g);
	a->addr += pick(g, 4) ? pick(g, (unsigned int)page / 8) * 8 : pick(g, (unsigned int)page);
	/* an access ends where its first bytes do not get through */
	if (a->addr < g->places.limit && a->addr + a->size > g->places.limit)
		a->addr = g->places.limit - a->size;
	if (kind == X_HYP)
		a->addr = g->j->m->hyp->hyp_va(g->j->m->el2, PA(a->addr));
}

static enum page_state host_state(const struct generator *g, u64 addr)
{
	const struct machine *m = g->j->m;
	struct abs_page page;

	if (addr >= g->places.limit)
		return PKVM_NOPAGE;
	model_page(m->board, m->hyp->view(m->el2), PA(addr), &page);
	return page.host;
}

bool generator_host_has(const struct generator *g, u64 addr)
{
	return host_state(g, addr) != PKVM_NOPAGE;
}

bool generator_host_owns(const struct generator *g, u64 addr)
{
	return host_state(g, addr) == PKVM_PAGE_OWNED;
}

/* A device that is a bus master, and memory that nobody keeps it from. */
static bool generate_dma(struct generator *g, struct x_action *a)
{
	const GArray *mmio = g->j->m->board->config->mmio;

	generate_access(g, a, X_DMA);
	a->addr = ALIGN_DOWN(a->addr, 8);
	a->size = 8;
	a->val = 0;
	for (guint i = 0; i < mmio->len && !a->device; i++)
		if (g_array_index(mmio, struct mmio_window, i).model == WINDOW_DMA)
			a->device = &g_array_index(mmio, struct mmio_window, i);
	return a->device && generator_host_has(g, a->addr);
}

/* ---- Pressure ---------------------------------------------------------------------------------------- */

static void generate_pressure(struct generator *g, struct x_action *a)
{
	const struct el2_view *v = g->j->m->hyp->view(g->j->m->el2);

	/* draining a big pool is slow */
	a->kind = pick(g, 4) ? X_FAIL : pick(g, 2) ? X_DRAIN : X_REFILL;
	a->pool = v->pools[pick(g, v->n_pools)].name;
	if (a->kind == X_DRAIN)
		a->pages = pick(g, 6);
	else if (a->kind == X_REFILL)
		a->pages = pick(g, 2) ? ~UINT64_C(0) : pick(g, 6);
	else
		a->pages = 1 + pick(g, 4);
	a->count = 1 + pick(g, 2);
}

/* ---- All ------------------------------------------------------------------------------------------------ */

/* Memory, all of it, that the host had after boot. */
static bool is_host_memory(const struct generator *g, u64 pfn, u64 nr)
{
	const u64 shift = page_shift(g);

	for (guint i = 0; i < g->places.at->len; i++) {
		const struct place *at = &g_array_index(g->places.at, struct place, i);

		if (pfn - (at->base >> shift) < at->size >> shift)
			return at->is_ram && at->owner == OWNER_HOST &&
			       nr <= (at->size >> shift) - (pfn - (at->base >> shift));
	}
	return false;
}

bool generator_is_host_memory(const struct generator *g, u64 addr, u64 pages)
{
	return is_host_memory(g, addr >> page_shift(g), pages);
}

/* Would a release panic over it, and with reason or by what is known of it? */
static bool may_panic(const struct generator *g, const struct x_action *a)
{
	if (a->kind == X_DRAIN || a->kind == X_FAIL)
		return true;
	return a->kind == X_CALL && !strcmp(a->call->name, "hyp_donate_host") &&
	       !is_host_memory(g, a->arg[0], a->arg[1]);
}

static bool takes_from_driver(const struct generator *g, const struct x_action *a)
{
	const bool counted = a->n_args > 1 && a->call->arg[1].kind == ARG_NR;
	const u64 mask = ~UINT64_C(0) >> page_shift(g), pfn = a->arg[0] & mask;

	return g->r->vms && a->n_args && a->call->arg[0].kind == ARG_PFN &&
	       generator_is_drivers(g, pfn << page_shift(g), counted ? MIN(a->arg[1], mask) : 1);
}

static bool try_to_generate(struct generator *g, struct x_action *a)
{
	unsigned int what = pick(g, 32);

	memset(a, 0, sizeof(*a));
	g->own.is_step = false;
	g->risk = !pick(g, RISK);
	a->cpu = pick(g, g->j->m->board->n_cpus);
	if (g->ffa.there && !pick(g, 3))
		return generate_ffa(g, a);
	if (g->r->vms && pick(g, 4)) {
		if (!pick(g, 3))
			return generate_attack(g, a);
		generate_vm(g, a);
		return true;
	}
	if (what < 19) {
		generate_call(g, a);
		if (takes_from_driver(g, a))
			return false;
	} else if (what < 28)
		generate_access(g, a, X_HOST);
	else if (what < 29)
		generate_access(g, a, X_HYP);
	else if (what < 30)
		generate_sharing(g, a);
	else if (what < 31)
		generate_pressure(g, a);
	else
		return g->r->dma && generate_dma(g, a);
	return keeps_contract(g, a) && (g->risk || !may_panic(g, a));
}

void generate(struct generator *g, struct x_action *a)
{
	while (!try_to_generate(g, a))
		;
}

static bool claimed(const struct generator *g, const struct loan *loan, const u64 *arg)
{
	for (guint i = 0; i < g->claims->len; i++) {
		const struct claim *c = &g_array_index(g->claims, struct claim, i);

		if (c->call == loan->end && !memcmp(c->arg, arg, sizeof(c->arg)))
			return true;
	}
	return false;
}

/* EL2 would not give away what it runs on, nor what cannot be. */
static bool gives_away(const struct generator *g, const char *call, const u64 *arg, bool counted)
{
	const u64 shift = page_shift(g), limit = UINT64_C(1) << (64 - shift);
	const u64 pfn = arg[0] & (limit - 1), nr = counted ? arg[1] : 1;

	if (!strcmp(call, "hyp_donate_host_mmio"))
		return arg[0] < g->places.limit >> shift &&
		       nr <= (g->places.limit >> shift) - arg[0];
	return nr < limit - pfn && !places_hyp_own(&g->places, pfn << shift, nr << shift);
}

bool keeps_contract(const struct generator *g, const struct x_action *a)
{
	const struct loan *ends = a->kind == X_CALL ? loan_ended_by(a->call->name) : NULL;

	if (generator_robs_driver(g, a))
		return false;
	/* with VMs EL2 has more that it cannot give away */
	if (ends && (ends->exact || (ends->keeps_host_out && g->r->vms)))
		return claimed(g, ends, a->arg);
	return !ends || !ends->keeps_host_out || gives_away(g, ends->end, a->arg, a->n_args > 1);
}

static void claim_add(struct generator *g, const char *call, const u64 *arg)
{
	struct claim c = { .call = call };

	memcpy(c.arg, arg, sizeof(c.arg));
	if (g->claims->len == MAX_CLAIMS)
		g_array_remove_index(g->claims, 0);
	g_array_append_val(g->claims, c);
}

void generator_learn(struct generator *g, const struct x_action *a, const struct outcome *o)
{
	const struct loan *loan;

	if (g->ffa.there)
		generator_learn_ffa(g, a, o);
	generator_learn_vm(g, a, o);
	generator_learn_own(g, a, o);
	/* what it shares for its own VM is nobody else's to take back */
	if (a->kind != X_CALL || o->kind != OUTCOME_VALUE || o->value || g->own.is_step)
		return;
	loan = loan_begun_by(a->call->name);
	if (loan)
		claim_add(g, loan->end, a->arg);
	loan = loan_ended_by(a->call->name);
	for (guint i = 0; loan && i < g->claims->len; i++) {
		const struct claim *c = &g_array_index(g->claims, struct claim, i);

		if (c->call == loan->end && !memcmp(c->arg, a->arg, sizeof(c->arg))) {
			g_array_remove_index_fast(g->claims, i);
			return;
		}
	}
}

void generator_restart(struct generator *g)
{
	g_array_set_size(g->claims, 0);
	choose_hot(g);
	generator_restart_ffa(g);
	memset(g->vm, 0, sizeof(g->vm));
	generator_restart_own(g);
}

void generator_init(struct generator *g, struct x_judged *j, const struct x_random *r)
{
	*g = (struct generator){ .j = j, .r = r };
	places_init(&g->places, j->m);
	find_drivers(g);
	g->claims = g_array_new(FALSE, FALSE, sizeof(struct claim));
	generator_restart(g);
	find_calls(g, j->m->hyp->calls(j->m->el2));
}

void generator_clear(struct generator *g)
{
	places_clear(&g->places);
	g_array_unref(g->claims);
}
