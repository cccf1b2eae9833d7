// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Anything at all. Calls that EL2 would make of itself, in any order on a few pages: each
 * time we look, every page is in one of the states that a page can be in, as its owners'
 * tables have it, and in the end all of them are the host's again. Hypercalls with any
 * arguments: EL2 answers or panics, and we do not.
 */
#include "tests/unit/guest_rig.h"

#define OWNED PKVM_PAGE_OWNED
#define SHARED PKVM_PAGE_SHARED_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED
#define NOPAGE PKVM_NOPAGE

#define N_PAGES 12
#define N_GFNS 10
#define N_VMS 2

struct test {
	struct hyp_machine m;
	struct guest g[N_VMS];
	GRand *rand;
	unsigned int done; /* calls that changed something */
};

static u64 page_at(unsigned int i)
{
	return PAGE_IN_RAM + i * 4096 * (i & 1 ? 1 : 513);
}

/* Next to each other, in another table, at the end. */
static u64 gfn_at(unsigned int i)
{
	return i < 6 ? GFN + i : i < 9 ? GFN + 512 + i : BIT(28) - 1;
}

static u32 below(struct test *t, u32 n)
{
	return (u32)g_rand_int_range(t->rand, 0, (gint32)n);
}

/* ---- The states that a page can be in -------------------------------------------------------- */

struct leaves {
	unsigned int n;
	enum page_state state; /* of the last */
	u32 handle;
	u64 gfn;
};

/* All that the guests have, once. */
struct entry {
	u64 pte, gfn;
	u32 handle;
};

struct entries {
	struct entry e[N_VMS * N_GFNS];
};

static struct entries read_entries(struct test *t)
{
	struct entries all;

	for (unsigned int i = 0; i < N_VMS * N_GFNS; i++) {
		const struct guest *g = &t->g[i / N_GFNS];
		const u64 gfn = gfn_at(i % N_GFNS);

		all.e[i] = (struct entry){ guest_pte(&t->m, g, gfn, NULL), gfn, g->handle };
	}
	return all;
}

static struct leaves leaves_of(struct test *t, const struct entries *all, u64 pa)
{
	struct leaves l = { 0 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(all->e); i++) {
		const struct entry *e = &all->e[i];

		if (!pte_valid(e->pte) || pa_from_pte(t->m.b->f, e->pte).pa != pa)
			continue;
		l.n++;
		l.state = (enum page_state)FIELD_GET(t->m.hyp->layout.sw_state_mask, e->pte);
		l.handle = e->handle;
		l.gfn = e->gfn;
	}
	return l;
}

static bool annotated(struct test *t, u64 pte, u8 owner, u32 handle, u64 gfn)
{
	const struct el2_layout *l = &t->m.hyp->layout;

	if (pte_valid(pte) || FIELD_GET(l->owner_mask, pte) != owner)
		return false;
	return owner != l->owner_guest ||
	       (FIELD_GET(l->handle_mask, pte) == handle && FIELD_GET(l->gfn_mask, pte) == gfn);
}

static bool in_a_joint_state(struct test *t, const struct abs_page *p, const struct leaves *l)
{
	const struct el2_layout *layout = &t->m.hyp->layout;
	const bool annotation = p->host_pte && !pte_valid(p->host_pte);

	if (p->host != NOPAGE && annotation)
		return false;
	if (p->host == NOPAGE && p->hyp == OWNED)
		return !l->n && !p->sharers && annotated(t, p->host_pte, layout->owner_hyp, 0, 0);
	if (p->host == NOPAGE)
		return p->hyp == NOPAGE && l->n == 1 && l->state == OWNED && !p->sharers &&
		       annotated(t, p->host_pte, layout->owner_guest, l->handle, l->gfn);
	if (p->host == BORROWED)
		return p->hyp == NOPAGE && l->n == 1 && l->state == SHARED && p->host_mapped;
	if (p->host == OWNED)
		return p->hyp == NOPAGE && !l->n && !p->sharers && !p->refcount;
	if (p->hyp == BORROWED)
		return !l->n && !p->sharers && p->hyp_mapped == (p->refcount > 0);
	return p->hyp == NOPAGE && l->n == p->sharers && (!l->n || l->state == BORROWED) &&
	       !p->refcount && !p->hyp_mapped;
}

static void check_pages(struct test *t, const char *op)
{
	const struct entries all = read_entries(t);

	for (unsigned int i = 0; i < N_PAGES; i++) {
		const struct abs_page p = rig_look(&t->m, page_at(i));
		const struct leaves l = leaves_of(t, &all, page_at(i));

		if (!in_a_joint_state(t, &p, &l))
			g_error("after %s page %u: host %s, hyp %s, refcount %u, %u sharers, %u "
				"leaves, host's entry 0x%" G_GINT64_MODIFIER "x",
				op, i, page_state_name[p.host], page_state_name[p.hyp], p.refcount,
				p.sharers, l.n, p.host_pte);
	}
}

/* ---- EL2's own calls ------------------------------------------------------------------------- */

/* Taking back from the secure world asks for nothing but the host's state. */
static bool may_take_back(struct test *t, u64 pa)
{
	const struct abs_page p = rig_look(&t->m, pa);

	return p.hyp == NOPAGE && !p.sharers;
}

static const char *host_call(struct test *t)
{
	const enum rig_op op = (enum rig_op)below(t, ABORT + 1);
	const u64 pa = page_at(below(t, N_PAGES));

	if ((op == UF && !may_take_back(t, pa)) || (op == UNPIN && !rig_look(&t->m, pa).refcount))
		return "nothing";
	t->done += !rig_do(&t->m, op, pa);
	return rig_op_name[op];
}

static const char *guest_call(struct test *t)
{
	const bool v7_2 = t->m.hyp->profile->protected_guests;
	const enum guest_op op = (enum guest_op)below(t, N_GUEST_OPS);
	struct guest *g = &t->g[below(t, N_VMS)];

	if (!v7_2 && op != SG && op != UG && op < RELAX)
		return "nothing";
	if (guest_memcache(&t->m, g) < 3)
		g_assert_cmpint(guest_refill(&t->m, g, 1 + below(t, 4)), ==, 0);
	t->done += !guest_page(&t->m, g, op, page_at(below(t, N_PAGES)), gfn_at(below(t, N_GFNS)));
	return guest_op_name[op];
}

/* Whatever it takes until the host has the page again. */
static void give_back(struct test *t, unsigned int page)
{
	const u64 pa = page_at(page);

	for (;;) {
		const struct entries all = read_entries(t);
		const struct leaves l = leaves_of(t, &all, pa);

		if (!l.n)
			break;
		guest_must(&t->m, l.handle == t->g[0].handle ? &t->g[0] : &t->g[1],
			   l.state == BORROWED ? UG : RC, pa, l.gfn);
	}
	while (rig_look(&t->m, pa).refcount)
		rig_must(&t->m, UNPIN, pa);
	if (rig_look(&t->m, pa).hyp == BORROWED)
		rig_must(&t->m, UH, pa);
	if (rig_look(&t->m, pa).hyp == OWNED)
		rig_must(&t->m, HD, pa);
	if (rig_look(&t->m, pa).host == SHARED)
		rig_must(&t->m, UF, pa);
}

static void end(struct test *t)
{
	for (unsigned int i = 0; i < N_PAGES; i++)
		give_back(t, i);
	for (unsigned int v = 0; v < N_VMS; v++) {
		struct guest *g = &t->g[v];

		if (t->m.hyp->profile->protected_guests) {
			g_assert_cmpint(HVC(&t->m, "start_teardown_vm", g->handle), ==, 0);
			g_assert_cmpint(HVC(&t->m, "finalize_teardown_vm", g->handle), ==, 0);
		} else {
			g_assert_cmpint(HVC(&t->m, "teardown_vm", g->handle), ==, 0);
		}
		for (u64 pa = g->kvm; pa < g->area; pa += 4096)
			rig_must(&t->m, UH, pa);
		for (u64 pa = g->kvm; pa < g->next; pa += 4096) {
			const struct abs_page p = rig_look(&t->m, pa);

			if (p.host != OWNED || p.hyp != NOPAGE || p.refcount)
				g_error("page 0x%" G_GINT64_MODIFIER "x did not come back", pa);
		}
	}
}

static void any_order(enum profile_id release, u32 seed)
{
	struct test t = { .rand = g_rand_new_with_seed(seed) };

	rig_booted(&t.m, release);
	guest_new(&t.m, &t.g[0], GUEST_MEMORY, true, 4);
	guest_new(&t.m, &t.g[1], GUEST_MEMORY + 8 * MiB, false, 4);
	for (unsigned int i = 0; i < 3000; i++) {
		const char *op = below(&t, 3) ? guest_call(&t) : host_call(&t);

		if (!(i % 16))
			check_pages(&t, op);
	}
	g_assert_cmpuint(t.done, >, 300);
	end(&t);
	g_rand_free(t.rand);
	hm_free(&t.m);
}

static void test_any_order(void)
{
	for (u32 seed = 1; seed <= 6; seed++) {
		any_order(PROFILE_V7_2, seed);
		any_order(PROFILE_V7_0, seed);
	}
}

/* ---- Hypercalls ------------------------------------------------------------------------------ */

/* A word that means something to some call, or nearly. */
static u64 any_word(struct test *t)
{
	const struct guest *g = &t->g[below(t, N_VMS)];
	const u64 words[] = {
		0,
		1,
		2,
		512,
		PFN(page_at(below(t, N_PAGES))),
		gfn_at(below(t, N_GFNS)),
		page_at(below(t, N_PAGES)),
		g->handle,
		g->handle + 1,
		guest_hva(&t->m, g->kvm),
		guest_hva(&t->m, g->vcpu),
		guest_hva(&t->m, g->area),
		guest_hva(&t->m, g->pgd),
		guest_hva(&t->m, g->next),
		guest_hva(&t->m, PAGE_OF_HOLE),
		0xf,
		~UINT64_C(0),
		(u64)g_rand_int(t->rand) << 32 | g_rand_int(t->rand),
	};
	const u64 w = words[below(t, G_N_ELEMENTS(words))];

	switch (below(t, 12)) {
	case 0:
		return w ^ BIT(below(t, 64));
	case 1:
		return w + below(t, 4097) - 2048;
	default:
		return w;
	}
}

/* What an honest host would say for an argument of this name. */
static u64 honest_word(struct test *t, const char *name)
{
	const struct guest *g = &t->g[below(t, N_VMS)];
	const struct {
		const char *name;
		u64 word;
	} words[] = {
		{ "pfn", PFN(page_at(below(t, N_PAGES))) },
		{ "gfn", gfn_at(below(t, N_GFNS)) },
		{ "nr_pages", 1 },
		{ "prot", 0xf },
		{ "handle", g->handle },
		{ "vcpu_idx", 0 },
		{ "phys", page_at(below(t, N_PAGES)) },
		{ "host_kvm", guest_hva(&t->m, g->kvm) },
		{ "vm_hva", guest_hva(&t->m, g->area) },
		{ "pgd_hva", guest_hva(&t->m, g->pgd) },
		{ "host_vcpu", guest_hva(&t->m, g->vcpu) },
		{ "vcpu_hva", guest_hva(&t->m, g->vcpu_area) },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(words); i++)
		if (!g_strcmp0(words[i].name, name))
			return words[i].word;
	return any_word(t);
}

/* Pages on the list of a vCPU, most of them the host's. */
static void offer_pages(struct test *t)
{
	struct guest *g = &t->g[below(t, N_VMS)];
	const u64 mc = g->vcpu + el2_vm_layout.vcpu_memcache;
	u64 head = 0;

	for (unsigned int i = 0; i < 5; i++, g->next += 4096) {
		if (rig_look(&t->m, g->next).host == NOPAGE)
			continue;
		host_store(&t->m, g->next, head);
		head = g->next;
	}
	host_store(&t->m, mc + el2_vm_layout.mc_head, head);
	host_store(&t->m, mc + el2_vm_layout.mc_nr_pages, below(t, 8));
}

/* The host scribbles into what it shares with EL2. */
static void scribble(struct test *t)
{
	const struct guest *g = &t->g[below(t, N_VMS)];
	const u64 at = (below(t, 2) ? g->kvm : g->vcpu) + 8 * below(t, 16);

	host_store(&t->m, at, any_word(t));
}

static void hostile(enum profile_id release, u32 seed)
{
	struct test t = { .rand = g_rand_new_with_seed(seed) };
	unsigned int panics = 0, successes = 0, n = 0;
	const struct el2_call *const *calls;
	struct snapshot *s;
	s64 ret;

	rig_booted(&t.m, release);
	calls = hyp_calls(t.m.hyp);
	while (calls[n] && calls[n]->hypercall)
		n++;
	for (unsigned int v = 0; v < N_VMS; v++) {
		guest_prepare(&t.m, &t.g[v], GUEST_MEMORY + v * 8 * MiB, v);
		if (below(&t, 2))
			g_assert_cmpint(guest_init_vm(&t.m, &t.g[v]), ==, 0);
	}
	s = board_snapshot(t.m.b);
	for (unsigned int i = 0; i < 20000; i++) {
		const struct el2_call *call = calls[below(&t, n)];
		u64 args[4];

		if (!below(&t, 40))
			scribble(&t);
		if (!below(&t, 20))
			offer_pages(&t);
		for (unsigned int j = 0; j < G_N_ELEMENTS(args); j++)
			args[j] = below(&t, 12) ? honest_word(&t, call->arg[j].name) : any_word(&t);
		ret = guest_hvc(&t.m, below(&t, 2), call->name, args, G_N_ELEMENTS(args));
		successes += !ret;
		if (ret != PANIC)
			continue;
		panics++;
		board_restore(t.m.b, s);
	}
	/* some are there to be found: they must not be all */
	g_assert_cmpuint(panics, <, 10000);
	g_assert_cmpuint(successes, >, 500);
	board_snapshot_drop(t.m.b, s);
	g_rand_free(t.rand);
	hm_free(&t.m);
}

static void test_hostile(void)
{
	for (u32 seed = 1; seed <= 3; seed++)
		for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_2; p++)
			hostile((enum profile_id)p, seed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest/any-order", test_any_order);
	g_test_add_func("/guest/hostile", test_hostile);
	return g_test_run();
}
