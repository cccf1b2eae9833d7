// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests' memory: every call on a page in every state, and the corners. After what the
 * real v7.2 did.
 */
#include "tests/unit/guest_rig.h"

#define OWNED PKVM_PAGE_OWNED
#define SHARED PKVM_PAGE_SHARED_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED
#define NOPAGE PKVM_NOPAGE
#define POISON PKVM_POISON

#define BLOCK_IN_RAM UINT64_C(0x43200000) /* 2 MiB */
#define BLOCK_GFN UINT64_C(0x80200)
#define SECRET UINT64_C(0x5ec7e7)

struct test {
	struct hyp_machine m;
	struct guest g;
};

static void test_new(struct test *t, enum profile_id release)
{
	rig_booted(&t->m, release);
	guest_new(&t->m, &t->g, GUEST_MEMORY, false, 8);
}

static void test_free(struct test *t)
{
	hm_free(&t->m);
}

static s64 at(struct test *t, enum guest_op op, u64 phys, u64 gfn)
{
	return guest_page(&t->m, &t->g, op, phys, gfn);
}

static s64 pages(struct test *t, enum guest_op op, u64 phys, u64 gfn, u64 n)
{
	return guest_do(&t->m, &t->g, op, (struct guest_args){ phys, gfn, n, PROT_RWX });
}

static s64 prot(struct test *t, enum guest_op op, u64 phys, u64 gfn, u64 p)
{
	return guest_do(&t->m, &t->g, op, (struct guest_args){ phys, gfn, 1, p });
}

static u32 sharers(struct test *t, u64 phys)
{
	return rig_look(&t->m, phys).sharers;
}

#define EQ(call, want) g_assert_cmpint((call), ==, (want))

static void states_are(struct test *t, u64 phys, enum page_state host, enum page_state hyp)
{
	const struct abs_page p = rig_look(&t->m, phys);

	g_assert_cmpstr(page_state_name[p.host], ==, page_state_name[host]);
	g_assert_cmpstr(page_state_name[p.hyp], ==, page_state_name[hyp]);
}

/* ---- The matrix ---------------------------------------------------------------------------- */

enum { G = N_OPS };

/* States of a page: the calls that lead there, and what host and EL2 then have. */
static const struct state {
	const char *name;
	u64 page;
	int steps[3]; /* host's calls, or G + guest's, which are about GFN; ends at -1 */
	enum page_state host, hyp;
} states[] = {
	{ "J1", PAGE_IN_RAM, { -1 }, OWNED, NOPAGE },
	{ "J2", PAGE_IN_RAM, { DH, -1 }, NOPAGE, OWNED },
	{ "J3", PAGE_IN_RAM, { SH, -1 }, SHARED, BORROWED },
	{ "J3 pinned", PAGE_IN_RAM, { SH, PIN, -1 }, SHARED, BORROWED },
	{ "J4", PAGE_IN_RAM, { SF, -1 }, SHARED, NOPAGE },
	{ "J5", PAGE_IN_RAM, { G + SG, -1 }, SHARED, NOPAGE },
	{ "J6", PAGE_IN_RAM, { G + DG, -1 }, NOPAGE, NOPAGE },
	{ "J7", PAGE_IN_RAM, { G + DG, G + GS, -1 }, BORROWED, NOPAGE },
	{ "hole", PAGE_OF_HOLE, { -1 }, NOPAGE, NOPAGE },
	{ "nomap", PAGE_OF_NOMAP, { -1 }, OWNED, NOPAGE },
	{ "text", 0 /* EL2's */, { -1 }, NOPAGE, OWNED },
};

/* What a call gives in each; 1: nobody can ask, as no guest has the page. */
static const struct {
	int op;
	bool fresh; /* about a frame number that the guest does not use */
	int ret[G_N_ELEMENTS(states)];
} matrix[] = {
#define EP -EPERM
#define EA -EAGAIN
	/*                 J1  J2  J3  J3p J4  J5  J6  J7  hole nomap text */
	{ SH, false, { 0, EP, EP, EP, EP, EP, EP, EP, EP, EP, EP } },
	{ UH, false, { EP, EP, 0, -EBUSY, EP, EP, EP, EP, EP, EP, EP } },
	{ DH, false, { 0, EP, EP, EP, EP, EP, EP, EP, EP, EP, EP } },
	{ HD, false, { EP, 0, EP, EP, EP, EP, EP, EP, PANIC, EP, 0 } },
	{ SF, false, { 0, EP, EP, EP, EP, EP, EP, EP, EP, EP, EP } },
	{ UF, false, { EP, EP, 0, 0, 0, 0, EP, EP, EP, EP, EP } },
	{ PIN, false, { EP, EP, 0, 0, EP, EP, EP, EP, EP, EP, EP } },
	{ G + SG, true, { 0, EP, EP, EP, EP, 0, EP, EP, EP, EP, EP } },
	{ G + DG, true, { 0, EP, EP, EP, EP, EP, EP, EP, EP, EP, EP } },
	{ G + UG, false, { 1, 1, 1, 1, 1, 0, EP, EP, 1, 1, 1 } },
	{ G + GS, false, { 1, 1, 1, 1, 1, EP, 0, EP, 1, 1, 1 } },
	{ G + GU, false, { 1, 1, 1, 1, 1, EP, EP, 0, 1, 1, 1 } },
	{ G + RC, false, { 1, 1, 1, 1, 1, EP, 0, 0, 1, 1, 1 } },
	{ G + FR, false, { EA, EP, EA, EA, EA, EA, 0, EA, -EFAULT, EA, PANIC } },
	{ ABORT, false, { 0, EP, 0, 0, 0, 0, EP, 0, 0, 0, 0 } },
#undef EP
#undef EA
};

static s64 matrix_call(struct test *t, int op, u64 page, u64 gfn)
{
	return op < G ? rig_do(&t->m, (enum rig_op)op, page)
		      : at(t, (enum guest_op)(op - G), page, gfn);
}

static void check_cell(unsigned int row, unsigned int col)
{
	const struct state *s = &states[col];
	const int op = matrix[row].op, want = matrix[row].ret[col];
	struct test t;
	s64 ret;
	u64 page;

	if (want == 1)
		return;
	test_new(&t, PROFILE_V7_2);
	page = s->page ? s->page : t.m.hyp->text.base;
	for (unsigned int i = 0; i < G_N_ELEMENTS(s->steps) && s->steps[i] >= 0; i++)
		EQ(matrix_call(&t, s->steps[i], page, GFN), 0);
	if (page != PAGE_OF_HOLE)
		states_are(&t, page, s->host, s->hyp);
	ret = matrix_call(&t, op, page, GFN + matrix[row].fresh);
	if (ret != want)
		g_error("%s of a page in %s: %d, not %d",
			op < G ? rig_op_name[op] : guest_op_name[op - G], s->name, (int)ret, want);
	/* what is refused changes nothing */
	if (want && want != PANIC && page != PAGE_OF_HOLE)
		states_are(&t, page, s->host, s->hyp);
	test_free(&t);
}

static void test_matrix(void)
{
	for (unsigned int row = 0; row < G_N_ELEMENTS(matrix); row++)
		for (unsigned int col = 0; col < G_N_ELEMENTS(states); col++)
			check_cell(row, col);
}

/* Frame numbers that nothing stands behind, poison, blocks; and past the guest's end. */
static void test_absent(void)
{
	static const struct {
		enum guest_op op;
		int absent, poisoned, block, beyond;
	} rows[] = {
		{ UG, -ENOENT, -ENOENT, -E2BIG, -ERANGE },
		{ GS, -ENOENT, -EHWPOISON, -E2BIG, -ERANGE },
		{ GU, -ENOENT, -EHWPOISON, -E2BIG, -ERANGE },
		{ RC, -ENOENT, 0, -E2BIG, -ERANGE },
		{ RELAX, -EAGAIN, -EAGAIN, 0, -ERANGE },
		{ WRPROTECT, 0, 0, 0, -ERANGE },
		{ TEST_YOUNG, 0, 0, 1, PANIC },
		{ MKYOUNG, 0, 0, 0, 0 },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		const enum guest_op op = rows[i].op;
		struct test t;

		test_new(&t, PROFILE_V7_2);
		EQ(at(&t, op, 0, GFN), rows[i].absent);
		guest_must(&t.m, &t.g, DG, PAGE_IN_RAM, GFN);
		guest_must(&t.m, &t.g, FR, PAGE_IN_RAM, 0);
		EQ(at(&t, op, 0, GFN), rows[i].poisoned);
		g_assert_cmpint(guest_state(&t.m, &t.g, GFN), ==, POISON);
		EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 512), 0);
		EQ(at(&t, op, 0, BLOCK_GFN + 3), rows[i].block);
		EQ(at(&t, op, 0, BIT(28)), rows[i].beyond);
		test_free(&t);
	}
}

/* ---- Corners ----------------------------------------------------------------------------------- */

/* C1, C25: taken back from the secure world though shared with EL2; the guest gets it too. */
static void test_unshared_ffa_of_hyp(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	rig_must(&t.m, SH, PAGE_IN_RAM);
	rig_must(&t.m, PIN, PAGE_IN_RAM);
	rig_must(&t.m, UF, PAGE_IN_RAM);
	states_are(&t, PAGE_IN_RAM, OWNED, BORROWED);
	EQ(rig_do(&t.m, UH, PAGE_IN_RAM), -EPERM);
	EQ(rig_do(&t.m, DH, PAGE_IN_RAM), -EPERM);
	EQ(rig_do(&t.m, SH, PAGE_IN_RAM), -EPERM);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN), 0);
	EQ(at(&t, UG, 0, GFN), 0);
	EQ(at(&t, DG, PAGE_IN_RAM, GFN), 0);
	g_assert_true(rig_look(&t.m, PAGE_IN_RAM).hyp_mapped);
	test_free(&t);
}

/* C2: the same though lent to a guest. */
static void test_unshared_ffa_of_guest(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	guest_must(&t.m, &t.g, SG, PAGE_IN_RAM, GFN);
	rig_must(&t.m, UF, PAGE_IN_RAM);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN + 1), 0);
	g_assert_cmpuint(sharers(&t, PAGE_IN_RAM), ==, 2);
	rig_must(&t.m, UF, PAGE_IN_RAM);
	rig_must(&t.m, DH, PAGE_IN_RAM);
	EQ(at(&t, UG, 0, GFN), -EPERM);
	g_assert_cmpint(guest_state(&t.m, &t.g, GFN), ==, BORROWED);
	test_free(&t);
}

/* C3: v7.2 asks for two pages whether or not a table is needed; v7.0 panics without one. */
static void test_memcache(void)
{
	struct test t;

	rig_booted(&t.m, PROFILE_V7_2);
	guest_new(&t.m, &t.g, GUEST_MEMORY, false, 0);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN), -ENOMEM);
	EQ(at(&t, DG, PAGE_IN_RAM, GFN), -ENOMEM);
	states_are(&t, PAGE_IN_RAM, OWNED, NOPAGE);
	EQ(guest_refill(&t.m, &t.g, 3), 0);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN), 0);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 1);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN + 1), -ENOMEM);
	EQ(guest_refill(&t.m, &t.g, 1), 0);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN + 1), 0);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 2);
	test_free(&t);

	rig_booted(&t.m, PROFILE_V7_0);
	guest_new(&t.m, &t.g, GUEST_MEMORY, false, 2);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN), 0);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 0);
	EQ(at(&t, SG, PAGE_IN_RAM, GFN + 1), 0);
	EQ(at(&t, SG, PAGE_IN_RAM, BLOCK_GFN), PANIC);
	g_assert_cmpuint(sharers(&t, PAGE_IN_RAM), ==, 3);
	test_free(&t);
}

/* The host's list: what it may name, and what is left after an error. */
static void test_refill(void)
{
	const struct el2_vm_layout *l = &el2_vm_layout;
	struct test t;
	u64 mc;

	rig_booted(&t.m, PROFILE_V7_2);
	guest_new(&t.m, &t.g, GUEST_MEMORY, false, 2);
	mc = t.g.vcpu + l->vcpu_memcache;
	HVC(&t.m, "vcpu_load", t.g.handle, 0, 0);

	/* fewer than EL2 has: nothing moves */
	host_store(&t.m, mc + l->mc_head, PAGE_IN_RAM);
	host_store(&t.m, mc + l->mc_nr_pages, 2);
	EQ(HVC(&t.m, "host_share_guest", PFN(BLOCK_IN_RAM), GFN, 1, 0xf), 0);
	g_assert_cmphex(hm_peek(&t.m, mc + l->mc_head), ==, PAGE_IN_RAM);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 0);

	/* the second page is a device, the first stays EL2's */
	host_store(&t.m, PAGE_IN_RAM, PAGE_OF_HOLE);
	EQ(HVC(&t.m, "host_share_guest", PFN(BLOCK_IN_RAM) + 1, GFN + 1, 1, 0xf), -ENOMEM);
	states_are(&t, PAGE_IN_RAM, NOPAGE, OWNED);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 1);
	g_assert_cmphex(hm_peek(&t.m, mc + l->mc_head), ==, PAGE_OF_HOLE);
	g_assert_cmphex(hm_peek(&t.m, mc + l->mc_nr_pages), ==, 1);

	/* a number without a list, a page twice, low bits of an address, a number that is huge */
	host_store(&t.m, mc + l->mc_head, 0);
	host_store(&t.m, mc + l->mc_nr_pages, ~UINT64_C(0));
	EQ(HVC(&t.m, "host_share_guest", PFN(BLOCK_IN_RAM) + 1, GFN + 1, 1, 0xf), -ENOMEM);
	host_store(&t.m, BLOCK_IN_RAM + 0x8000, BLOCK_IN_RAM + 0x8000);
	host_store(&t.m, mc + l->mc_head, BLOCK_IN_RAM + 0x8ff8);
	host_store(&t.m, mc + l->mc_nr_pages, 3);
	EQ(HVC(&t.m, "host_share_guest", PFN(BLOCK_IN_RAM) + 1, GFN + 1, 1, 0xf), -ENOMEM);
	states_are(&t, BLOCK_IN_RAM + 0x8000, NOPAGE, OWNED);
	g_assert_cmpuint(guest_memcache(&t.m, &t.g), ==, 2);
	test_free(&t);
}

/* C4, C14: not memory, carved out, past memory; C20: bits that a shift drops. */
static void test_not_memory(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	EQ(at(&t, DG, PAGE_OF_HOLE, GFN), -EPERM);
	EQ(at(&t, DG, PAGE_OF_NOMAP, GFN), -EPERM);
	EQ(at(&t, SG, PAGE_OF_HOLE, GFN), -EPERM);
	EQ(at(&t, SG, PAGE_OF_NOMAP, GFN), -EPERM);
	EQ(at(&t, SG, BIT(40), GFN), -EINVAL);
	EQ(at(&t, DG, PAGE_IN_RAM, BIT(28)), -ERANGE);
	EQ(at(&t, DG, PAGE_OF_HOLE, BIT(28)), -EPERM);
	EQ(at(&t, SG, PAGE_IN_RAM, BIT(28)), -ERANGE);

	HVC(&t.m, "vcpu_load", t.g.handle, 0, 0);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM) | BIT(52), GFN, 1, 0xf), -EINVAL);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM), GFN | BIT(52), 1, 0xf), 0);
	g_assert_cmpint(guest_state(&t.m, &t.g, GFN), ==, BORROWED);
	EQ(HVC(&t.m, "host_unshare_guest", t.g.handle, GFN | BIT(60), 1), 0);
	g_assert_cmpint(guest_state(&t.m, &t.g, GFN), ==, NOPAGE);
	test_free(&t);
}

/* C5, C6, C7: blocks, in whole or not at all. */
static void test_blocks(void)
{
	struct test t;
	s8 level;

	test_new(&t, PROFILE_V7_2);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 0), -EINVAL);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 2), -EINVAL);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, BIT(53)), -EINVAL);
	EQ(pages(&t, SG, BLOCK_IN_RAM + 4096, BLOCK_GFN, 512), -EINVAL);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN + 1, 512), -EINVAL);
	EQ(pages(&t, SG, 0x44000000, BLOCK_GFN, 512), -EPERM);

	/* one page that is not the host's to lend, or one leaf of the guest's */
	rig_must(&t.m, SH, BLOCK_IN_RAM + 0x10000);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 512), -EPERM);
	g_assert_cmpuint(sharers(&t, BLOCK_IN_RAM), ==, 0);
	rig_must(&t.m, UH, BLOCK_IN_RAM + 0x10000);
	guest_must(&t.m, &t.g, SG, PAGE_IN_RAM, BLOCK_GFN + 7);
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 512), -EPERM);
	guest_must(&t.m, &t.g, UG, 0, BLOCK_GFN + 7);

	/* the table that this emptied is gone: a block may take its place */
	EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 512), 0);
	g_assert_cmphex(guest_pte(&t.m, &t.g, BLOCK_GFN, &level) & 3, ==, 1);
	g_assert_cmpint(level, ==, 2);
	g_assert_cmpuint(sharers(&t, BLOCK_IN_RAM + 511 * 4096), ==, 1);
	EQ(at(&t, SG, BLOCK_IN_RAM + 5 * 4096, GFN), 0);
	g_assert_cmpuint(sharers(&t, BLOCK_IN_RAM + 5 * 4096), ==, 2);
	EQ(at(&t, SG, BLOCK_IN_RAM, BLOCK_GFN), -EPERM);
	EQ(pages(&t, UG, 0, BLOCK_GFN, 1), -E2BIG);
	EQ(pages(&t, UG, 0, GFN & ~UINT64_C(511), 512), -E2BIG);
	EQ(pages(&t, WRPROTECT, 0, BLOCK_GFN + 1, 1), 0);
	g_assert_cmphex(guest_pte(&t.m, &t.g, BLOCK_GFN, NULL) & PTE_S2_W, ==, 0);
	EQ(pages(&t, UG, 0, BLOCK_GFN, 512), 0);
	states_are(&t, BLOCK_IN_RAM, OWNED, NOPAGE);
	states_are(&t, BLOCK_IN_RAM + 5 * 4096, SHARED, NOPAGE);
	test_free(&t);
}

/* A count of sharers at its end is not passed. */
static void test_sharers(void)
{
	struct test t;
	pa_t entry;

	test_new(&t, PROFILE_V7_2);
	guest_must(&t.m, &t.g, SG, PAGE_IN_RAM, GFN);
	g_assert_true(model_hyp_page(t.m.b, pkvm_hypervisor.view(t.m.e), PA(PAGE_IN_RAM), &entry));
	host_store(&t.m, entry.pa, hm_peek(&t.m, entry.pa) | GENMASK(63, 32));
	EQ(at(&t, SG, PAGE_IN_RAM, GFN + 1), -EBUSY);
	host_store(&t.m, entry.pa, hm_peek(&t.m, entry.pa) & GENMASK(31, 0));
	EQ(at(&t, UG, 0, GFN), PANIC);
	test_free(&t);
}

/* C8, C9, C12, C19: force reclaim; the bytes that the guest left are gone. */
static void test_force_reclaim(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	EQ(at(&t, FR, BIT(40), 0), -EFAULT);
	EQ(at(&t, FR, t.g.area, 0), -EPERM);
	guest_must(&t.m, &t.g, DG, PAGE_IN_RAM, GFN);
	EQ(rig_do(&t.m, ABORT, PAGE_IN_RAM), -EPERM);
	host_store(&t.m, PAGE_IN_RAM + 8, SECRET);
	EQ(at(&t, FR, PAGE_IN_RAM + 0xabc, 0), 0);
	g_assert_cmphex(hm_peek(&t.m, PAGE_IN_RAM + 8), ==, 0);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL), ==, UINT64_C(0x3000000000000000));
	states_are(&t, PAGE_IN_RAM, OWNED, NOPAGE);
	EQ(at(&t, FR, PAGE_IN_RAM, 0), -EAGAIN);
	EQ(at(&t, DG, PAGE_IN_RAM, GFN), -EPERM);
	test_free(&t);
}

/* Reclaiming zeroes what the guest owned, and not what it had lent. */
static void test_reclaim(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	guest_must(&t.m, &t.g, DG, PAGE_IN_RAM, GFN);
	guest_must(&t.m, &t.g, DG, PAGE_IN_RAM + 4096, GFN + 1);
	guest_must(&t.m, &t.g, GS, 0, GFN + 1);
	host_store(&t.m, PAGE_IN_RAM, SECRET);
	host_store(&t.m, PAGE_IN_RAM + 4096, SECRET);
	EQ(at(&t, RC, 0, GFN), 0);
	EQ(at(&t, RC, 0, GFN + 1), 0);
	g_assert_cmphex(hm_peek(&t.m, PAGE_IN_RAM), ==, 0);
	g_assert_cmphex(hm_peek(&t.m, PAGE_IN_RAM + 4096), ==, SECRET);
	states_are(&t, PAGE_IN_RAM, OWNED, NOPAGE);
	states_are(&t, PAGE_IN_RAM + 4096, OWNED, NOPAGE);
	test_free(&t);
}

/* What the host wrote while a page was lent to it, the guest finds. */
static void test_guest_unshare_keeps(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	guest_must(&t.m, &t.g, DG, PAGE_IN_RAM, GFN);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL), ==, PAGE_IN_RAM | 0x7db);
	guest_must(&t.m, &t.g, GS, 0, GFN);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL), ==, PAGE_IN_RAM | BIT(55) | 0x7db);
	g_assert_cmphex(rig_look(&t.m, PAGE_IN_RAM).host_pte, ==, PAGE_IN_RAM | 0x7df);
	host_store(&t.m, PAGE_IN_RAM, SECRET);
	guest_must(&t.m, &t.g, GU, 0, GFN);
	g_assert_cmphex(rig_look(&t.m, PAGE_IN_RAM).host_pte, ==,
			UINT64_C(0x2000000000000004) | t.g.handle << 4 | GFN << 20);
	g_assert_cmphex(hm_peek(&t.m, PAGE_IN_RAM), ==, SECRET);
	test_free(&t);
}

/* C13: pages with references do not go back. */
static void test_referenced(void)
{
	for (unsigned int p = PROFILE_V7_0; p <= PROFILE_V7_2; p++) {
		struct test t;

		rig_booted(&t.m, p);
		guest_new(&t.m, &t.g, GUEST_MEMORY, false, 2);
		EQ(rig_do(&t.m, HD, t.g.pgd), p == PROFILE_V7_2 ? -EBUSY : 0);
		test_free(&t);
	}
}

/* C21: permissions that this CPU does not know. C15, C27 and what is no permission. */
static void test_prot(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	EQ(prot(&t, SG, PAGE_IN_RAM, GFN, PROT_RW | PROT_DEVICE), -EINVAL);
	EQ(prot(&t, RELAX, 0, GFN, PROT_DEVICE), -EINVAL);
	EQ(prot(&t, RELAX, 0, GFN, PROT_RWX), -EAGAIN);
	EQ(prot(&t, SG, PAGE_IN_RAM, GFN, 0), 0);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL) & (PTE_S2_R | PTE_S2_W), ==, 0);
	EQ(prot(&t, RELAX, 0, GFN, PROT_R | PROT_W), 0);
	EQ(prot(&t, RELAX, 0, GFN, PROT_PX), -EINVAL);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL) & (PTE_S2_R | PTE_S2_W), ==,
			PTE_S2_R | PTE_S2_W);
	EQ(prot(&t, SG, PAGE_IN_RAM, GFN + 1, PROT_RW | PROT_PX), PANIC);
	g_assert_cmpuint(sharers(&t, PAGE_IN_RAM), ==, 2);
	g_assert_cmpint(guest_state(&t.m, &t.g, GFN + 1), ==, NOPAGE);
	test_free(&t);

	/* the host's encoding: bits that mean nothing are refused too */
	test_new(&t, PROFILE_V7_2);
	HVC(&t.m, "vcpu_load", t.g.handle, 0, 0);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0x1f), -EINVAL);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0xf | BIT(40)), -EINVAL);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0xf | BIT(55)), -EINVAL);
	EQ(HVC(&t.m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0xf), 0);
	test_free(&t);

	rig_start(&t.m, PROFILE_V7_2);
	t.m.bc->f.xnx = true;
	rig_boot(&t.m);
	guest_new(&t.m, &t.g, GUEST_MEMORY, false, 8);
	EQ(prot(&t, SG, PAGE_IN_RAM, GFN, PROT_RW | PROT_PX), 0);
	test_free(&t);

	rig_booted(&t.m, PROFILE_V7_2);
	guest_new(&t.m, &t.g, GUEST_MEMORY, true, 8);
	for (enum guest_op op = RELAX; op <= MKYOUNG; op++)
		EQ(at(&t, op, 0, GFN), -EPERM);
	test_free(&t);
}

/* C11: pages that memory ends or begins in. C26: an abort beyond all addresses. */
static void test_host_edges(void)
{
	static const struct ram_region ram[] = {
		{ 0x40000000, 64 * MiB, false },
		{ 0x48000000, 0x10800, false },
		{ 0x50000800, 0x10000, false },
	};
	struct test t;

	rig_start(&t.m, PROFILE_V7_2);
	hm_ram(&t.m, ram, G_N_ELEMENTS(ram));
	rig_boot(&t.m);
	EQ(rig_do(&t.m, ABORT, 0x48010000), 0);
	g_assert_cmphex(rig_look(&t.m, 0x48010000).host_pte, ==, 0x480107df);
	EQ(rig_do(&t.m, SH, 0x48010000), -EINVAL);
	EQ(rig_do(&t.m, ABORT, 0x50000000), 0);
	g_assert_cmphex(rig_look(&t.m, 0x50000000).host_pte, ==, UINT64_C(0x00400000500007df));
	EQ(rig_do(&t.m, SH, 0x50000000), -EINVAL);
	EQ(rig_do(&t.m, ABORT, BIT(40)), PANIC);
	hm_free(&t.m);
}

/* C18, C23: EL2's text, which the host may read and no more, whoever has it. */
static void test_text(void)
{
	struct test t;
	u64 text, pte;

	test_new(&t, PROFILE_V7_2);
	text = t.m.hyp->text.base;
	pte = rig_look(&t.m, text).host_pte;
	g_assert_cmphex(pte, ==, UINT64_C(0x0040000000000000) | text | 0x75f);
	EQ(rig_do(&t.m, ABORT, text), 0);
	g_assert_cmphex(rig_look(&t.m, text).host_pte, ==, pte);
	EQ(rig_do(&t.m, HD, text), 0);
	states_are(&t, text, OWNED, NOPAGE);
	g_assert_cmphex(rig_look(&t.m, text).host_pte, ==, pte);
	test_free(&t);
}

/* Age: a use is seen once it is cleared, and again. */
static void test_age(void)
{
	struct test t;

	test_new(&t, PROFILE_V7_2);
	guest_must(&t.m, &t.g, SG, PAGE_IN_RAM, GFN);
	EQ(at(&t, TEST_YOUNG, 0, GFN), 1);
	EQ(at(&t, CLEAR_YOUNG, 0, GFN), 1);
	EQ(at(&t, TEST_YOUNG, 0, GFN), 0);
	EQ(at(&t, MKYOUNG, 0, GFN), 0);
	EQ(at(&t, TEST_YOUNG, 0, GFN), 1);
	EQ(at(&t, WRPROTECT, 0, GFN), 0);
	g_assert_cmphex(guest_pte(&t.m, &t.g, GFN, NULL), ==,
			PAGE_IN_RAM | BIT(56) | (0x7db & ~PTE_S2_W));
	test_free(&t);
}

/* C24: with CONFIG_NVHE_EL2_DEBUG what is asked for must be what is lent, or nothing. */
static void test_debug_asserts(void)
{
	static const struct {
		enum guest_op op;
		u64 gfn;
		int off, on;
	} rows[] = {
		{ WRPROTECT, BLOCK_GFN + 1, 0, PANIC },
		{ TEST_YOUNG, BLOCK_GFN + 1, 1, PANIC },
		{ WRPROTECT, BIT(28), -ERANGE, PANIC },
		{ RELAX, BIT(28), -ERANGE, PANIC },
		{ MKYOUNG, BIT(28), 0, PANIC },
		{ RELAX, BLOCK_GFN + 1, 0, 0 },
		{ WRPROTECT, GFN, 0, 0 },
	};

	for (unsigned int i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
		const bool debug = i & 1;
		struct test t;

		rig_start(&t.m, PROFILE_V7_2);
		t.m.ec->knob[KNOB_EL2_DEBUG] = debug ? EL2_DEBUG_ON : EL2_DEBUG_OFF;
		rig_boot(&t.m);
		guest_new(&t.m, &t.g, GUEST_MEMORY, false, 8);
		EQ(pages(&t, SG, BLOCK_IN_RAM, BLOCK_GFN, 512), 0);
		EQ(at(&t, rows[i / 2].op, 0, rows[i / 2].gfn),
		   debug ? rows[i / 2].on : rows[i / 2].off);
		test_free(&t);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest/matrix", test_matrix);
	g_test_add_func("/guest/absent", test_absent);
	g_test_add_func("/guest/unshared-ffa-of-hyp", test_unshared_ffa_of_hyp);
	g_test_add_func("/guest/unshared-ffa-of-guest", test_unshared_ffa_of_guest);
	g_test_add_func("/guest/memcache", test_memcache);
	g_test_add_func("/guest/refill", test_refill);
	g_test_add_func("/guest/not-memory", test_not_memory);
	g_test_add_func("/guest/blocks", test_blocks);
	g_test_add_func("/guest/sharers", test_sharers);
	g_test_add_func("/guest/force-reclaim", test_force_reclaim);
	g_test_add_func("/guest/reclaim", test_reclaim);
	g_test_add_func("/guest/unshare-keeps", test_guest_unshare_keeps);
	g_test_add_func("/guest/referenced", test_referenced);
	g_test_add_func("/guest/prot", test_prot);
	g_test_add_func("/guest/host-edges", test_host_edges);
	g_test_add_func("/guest/text", test_text);
	g_test_add_func("/guest/age", test_age);
	g_test_add_func("/guest/debug-asserts", test_debug_asserts);
	return g_test_run();
}
