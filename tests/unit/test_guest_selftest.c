// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm_ownership_selftest() row by row: one page goes through every state that a page can
 * be in, and in each all calls are tried that it must not let through. After every call all
 * four states are looked at. v7.2 has all rows, v7.0 those without guests that own memory.
 */
#include "tests/unit/guest_rig.h"

#define OWNED PKVM_PAGE_OWNED
#define SHARED PKVM_PAGE_SHARED_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED
#define NOPAGE PKVM_NOPAGE
#define POISON PKVM_POISON

/* Calls about the guest, past those about host, EL2 and secure world. */
enum { G = N_OPS, REFS = N_OPS + N_GUEST_OPS, SHARERS, CHECK };

struct row {
	int op, gfn; /* gfn: 0 or 1, which of the two; REFS, SHARERS: what must be counted */
	int ret;
	bool v7_2; /* row of v7.1 and later */
};

struct stage {
	const char *name;
	enum page_state host, hyp, guest[2];
	bool v7_2;
	struct row rows[14]; /* ends at .op < 0 */
};

#define END                                                                                        \
	{                                                                                          \
		-1, 0, 0, false                                                                    \
	}
#define NO(op)                                                                                     \
	{                                                                                          \
		op, 0, -EPERM, false                                                               \
	}
#define OK(op)                                                                                     \
	{                                                                                          \
		op, 0, 0, false                                                                    \
	}
#define GUEST(op, gfn, ret)                                                                        \
	{                                                                                          \
		G + (op), gfn, ret, false                                                          \
	}
#define GUEST72(op, gfn, ret)                                                                      \
	{                                                                                          \
		G + (op), gfn, ret, true                                                           \
	}
#define COUNT(what, n)                                                                             \
	{                                                                                          \
		what, n, 0, false                                                                  \
	}

static const struct stage stages[] = {
	{ "S0",
	  NOPAGE,
	  OWNED,
	  { NOPAGE, NOPAGE },
	  false,
	  { COUNT(CHECK, 0), NO(DH), NO(SH), NO(UH), NO(SF), NO(UF), NO(PIN), GUEST(SG, 0, -EPERM),
	    GUEST(UG, 0, -ENOENT), GUEST72(DG, 0, -EPERM), END } },
	{ "S1",
	  OWNED,
	  NOPAGE,
	  { NOPAGE, NOPAGE },
	  false,
	  { OK(HD), NO(HD), NO(UH), NO(UF), GUEST(UG, 0, -ENOENT), NO(PIN), END } },
	{ "S2",
	  SHARED,
	  BORROWED,
	  { NOPAGE, NOPAGE },
	  false,
	  { OK(SH), NO(SH), NO(DH), NO(SF), NO(HD), GUEST(SG, 0, -EPERM), GUEST(UG, 0, -ENOENT),
	    GUEST72(DG, 0, -EPERM), END } },
	{ "S2p",
	  SHARED,
	  BORROWED,
	  { NOPAGE, NOPAGE },
	  false,
	  { OK(PIN),
	    OK(PIN),
	    OK(UNPIN),
	    COUNT(REFS, 1),
	    { UH, 0, -EBUSY, false },
	    NO(SH),
	    NO(DH),
	    NO(SF),
	    NO(HD),
	    GUEST(SG, 0, -EPERM),
	    GUEST(UG, 0, -ENOENT),
	    GUEST72(DG, 0, -EPERM),
	    OK(UNPIN),
	    END } },
	{ "S2q",
	  SHARED,
	  BORROWED,
	  { NOPAGE, NOPAGE },
	  false,
	  { COUNT(CHECK, 0), COUNT(REFS, 0), END } },
	{ "S3", OWNED, NOPAGE, { NOPAGE, NOPAGE }, false, { OK(UH), END } },
	{ "S4",
	  SHARED,
	  NOPAGE,
	  { NOPAGE, NOPAGE },
	  false,
	  { OK(SF), NO(SF), NO(DH), NO(SH), NO(UH), NO(HD), GUEST(SG, 0, -EPERM),
	    GUEST(UG, 0, -ENOENT), GUEST72(DG, 0, -EPERM), NO(PIN), END } },
	{ "S5", OWNED, NOPAGE, { NOPAGE, NOPAGE }, false, { OK(UF), NO(UF), END } },
	{ "S6",
	  SHARED,
	  NOPAGE,
	  { BORROWED, NOPAGE },
	  false,
	  { GUEST(SG, 0, 0), GUEST(SG, 0, -EPERM), NO(SF), NO(DH), NO(SH), NO(UH), NO(HD),
	    GUEST72(DG, 0, -EPERM), NO(PIN), END } },
	{ "S7",
	  SHARED,
	  NOPAGE,
	  { BORROWED, BORROWED },
	  false,
	  { GUEST(SG, 1, 0), COUNT(SHARERS, 2), END } },
	{ "S8", SHARED, NOPAGE, { NOPAGE, BORROWED }, false, { GUEST(UG, 0, 0), END } },
	{ "S9", OWNED, NOPAGE, { NOPAGE, NOPAGE }, false, { GUEST(UG, 1, 0), END } },
	{ "S10",
	  NOPAGE,
	  NOPAGE,
	  { OWNED, NOPAGE },
	  true,
	  { GUEST72(DG, 0, 0), GUEST72(DG, 0, -EPERM), GUEST72(DG, 1, -EPERM), GUEST(SG, 0, -EPERM),
	    GUEST(SG, 1, -EPERM), NO(SF), NO(DH), NO(SH), NO(UH), NO(HD), END } },
	{ "S11",
	  BORROWED,
	  NOPAGE,
	  { SHARED, NOPAGE },
	  true,
	  { GUEST72(GS, 0, 0), GUEST72(GS, 0, -EPERM), GUEST72(DG, 0, -EPERM),
	    GUEST72(DG, 1, -EPERM), GUEST(SG, 0, -EPERM), GUEST(SG, 1, -EPERM), NO(SF), NO(DH),
	    NO(SH), NO(UH), NO(HD), END } },
	{ "S12",
	  NOPAGE,
	  NOPAGE,
	  { OWNED, NOPAGE },
	  true,
	  { GUEST72(GU, 0, 0), GUEST72(GU, 0, -EPERM), GUEST72(DG, 0, -EPERM),
	    GUEST72(DG, 1, -EPERM), GUEST(SG, 0, -EPERM), GUEST(SG, 1, -EPERM), NO(SF), NO(DH),
	    NO(SH), NO(UH), NO(HD), END } },
	{ "S13",
	  OWNED,
	  NOPAGE,
	  { POISON, NOPAGE },
	  true,
	  { GUEST72(FR, 0, 0), GUEST72(DG, 0, -EPERM), GUEST(SG, 0, -EPERM),
	    GUEST72(GS, 0, -EHWPOISON), GUEST72(GU, 0, -EHWPOISON), END } },
	{ "S14", NOPAGE, NOPAGE, { POISON, OWNED }, true, { GUEST72(DG, 1, 0), END } },
	{ "S15",
	  OWNED,
	  NOPAGE,
	  { POISON, NOPAGE },
	  true,
	  { GUEST72(RC, 1, 0), GUEST72(DG, 0, -EPERM), GUEST(SG, 0, -EPERM), END } },
	{ "S16", NOPAGE, OWNED, { POISON, NOPAGE }, false, { OK(DH), END } },
};

struct test {
	struct hyp_machine m;
	struct guest g;
	u64 page, gfn[2];
	unsigned int calls, zeroes;
};

static s64 alloc_page(struct hyp_cpu *c, void *arg)
{
	pa_t page = hyp_alloc_pages(c, &c->hyp->host_s2_pool, 0);

	hyp_page_ref_reset(c, page, 0);
	return (s64)page.pa;
}

static void check_states(struct test *t, const struct stage *s, unsigned int row)
{
	const struct abs_page p = rig_look(&t->m, t->page);
	const bool v7_2 = t->m.hyp->profile->id == PROFILE_V7_2;

	if (p.host != s->host || p.hyp != s->hyp)
		g_error("%s, row %u: host %s, hyp %s", s->name, row, page_state_name[p.host],
			page_state_name[p.hyp]);
	for (unsigned int i = 0; i < 2; i++) {
		const enum page_state got = guest_state(&t->m, &t->g, t->gfn[i]);
		/* poison stays where v7.2 left it, and there is none before */
		const enum page_state want = s->guest[i] == POISON && !v7_2 ? NOPAGE : s->guest[i];

		if (got != want)
			g_error("%s, row %u: guest %u %s", s->name, row, i, page_state_name[got]);
	}
}

static void run_row(struct test *t, const struct stage *s, const struct row *r)
{
	s64 ret;

	if (r->op == REFS) {
		g_assert_cmpuint(rig_look(&t->m, t->page).refcount, ==, r->gfn);
		return;
	}
	if (r->op == SHARERS) {
		g_assert_cmpuint(rig_look(&t->m, t->page).sharers, ==, r->gfn);
		return;
	}
	if (r->op == CHECK)
		return;
	ret = r->op < G ? rig_do(&t->m, (enum rig_op)r->op, t->page)
			: guest_page(&t->m, &t->g, (enum guest_op)(r->op - G), t->page,
				     t->gfn[r->gfn]);
	if (ret != r->ret)
		g_error("%s: %s gives %d, not %d", s->name,
			r->op < G ? rig_op_name[r->op] : guest_op_name[r->op - G], (int)ret,
			r->ret);
	if (r->op != UNPIN) {
		t->calls++;
		t->zeroes += !ret;
	}
}

static void run_stages(struct test *t)
{
	const bool v7_2 = t->m.hyp->profile->id == PROFILE_V7_2;

	for (unsigned int i = 0; i < G_N_ELEMENTS(stages); i++) {
		const struct stage *s = &stages[i];

		for (unsigned int j = 0; s->rows[j].op >= 0; j++) {
			if ((s->v7_2 || s->rows[j].v7_2) && !v7_2)
				continue;
			run_row(t, s, &s->rows[j]);
			check_states(t, s, j);
		}
	}
}

static void selftest(enum profile_id release, bool debug, unsigned int calls, unsigned int zeroes)
{
	struct test t = { .calls = 0 };

	rig_start(&t.m, release);
	t.m.ec->knob[KNOB_EL2_DEBUG] = debug ? EL2_DEBUG_ON : EL2_DEBUG_OFF;
	rig_boot(&t.m);
	guest_new(&t.m, &t.g, GUEST_MEMORY, false, 8);
	t.gfn[0] = BIT(t.m.hyp->host_mmu.pgt.mmu.ia_bits - 1) >> 12;
	t.gfn[1] = t.gfn[0] + 1;
	g_assert_true(hm_run(&t.m, alloc_page, NULL, (s64 *)&t.page));
	run_stages(&t);
	g_assert_cmpuint(t.calls, ==, calls);
	g_assert_cmpuint(t.zeroes, ==, zeroes);
	hm_free(&t.m);
}

/* As many calls as the kernel asserts: counted in its source. */
static void test_v7_2(void)
{
	selftest(PROFILE_V7_2, false, 100, 18);
	selftest(PROFILE_V7_2, true, 100, 18);
}

static void test_v7_0(void)
{
	selftest(PROFILE_V7_0, false, 54, 12);
	selftest(PROFILE_V7_0, true, 54, 12);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest/selftest-v7.2", test_v7_2);
	g_test_add_func("/guest/selftest-v7.0", test_v7_0);
	return g_test_run();
}
