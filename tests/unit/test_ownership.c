// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who owns a page: every transition on a page in every state, under v6.12 and v7.0;
 * what each error leaves behind; the order of errors; host faults.
 */
#include <string.h>

#include "tests/unit/ownership_rig.h"

/* ---- The matrices ------------------------------------------ */

/* States in which a page can be: how it gets there, and what is seen then. */
struct state {
	const char *name;
	int steps[3]; /* operations, ends at -1 */
	u64 page;
	enum page_state host, hyp;
	u32 refcount;
	bool hyp_mapped;
};

enum { P, Y, S, SP, F, HOLE, NOMAP, BOOT, N_STATES };

#define NOPAGE PKVM_NOPAGE
#define OWNED PKVM_PAGE_OWNED
#define SHARED PKVM_PAGE_SHARED_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED

static const struct state states_v6_12[N_STATES] = {
	[P] = { "P", { -1 }, PAGE_IN_RAM, OWNED, NOPAGE, 0, false },
	[Y] = { "Y", { DH, -1 }, PAGE_IN_RAM, NOPAGE, OWNED, 0, true },
	[S] = { "S", { SH, -1 }, PAGE_IN_RAM, SHARED, BORROWED, 0, true },
	[SP] = { "Sp", { SH, PIN, -1 }, PAGE_IN_RAM, SHARED, BORROWED, 1, true },
	[F] = { "F", { SF, -1 }, PAGE_IN_RAM, SHARED, NOPAGE, 0, false },
	[HOLE] = { "hole", { -1 }, PAGE_OF_HOLE, NOPAGE, NOPAGE, 0, false },
	[NOMAP] = { "nomap", { -1 }, PAGE_OF_NOMAP, NOPAGE, NOPAGE, 0, false },
	[BOOT] = { "B", { -1 }, 0 /* vgic state */, BORROWED, SHARED, 0, true },
};

static const struct state states_v7_0[N_STATES] = {
	[P] = { "J1", { -1 }, PAGE_IN_RAM, OWNED, NOPAGE, 0, false },
	[Y] = { "J2", { DH, -1 }, PAGE_IN_RAM, NOPAGE, OWNED, 0, true },
	[S] = { "J3", { SH, -1 }, PAGE_IN_RAM, SHARED, BORROWED, 0, false },
	[SP] = { "J3 pinned", { SH, PIN, -1 }, PAGE_IN_RAM, SHARED, BORROWED, 1, true },
	[F] = { "J4", { SF, -1 }, PAGE_IN_RAM, SHARED, NOPAGE, 0, false },
	[HOLE] = { "hole", { -1 }, PAGE_OF_HOLE, NOPAGE, NOPAGE, 0, false },
	[NOMAP] = { "nomap", { -1 }, PAGE_OF_NOMAP, OWNED, NOPAGE, 0, false },
	[BOOT] = { "text", { -1 }, 0 /* EL2's text */, NOPAGE, OWNED, 0, true },
};

/* What the operation gives, and the state after success; CORRUPT: none of these. */
struct cell {
	int ret, after;
};
#define CORRUPT -1
#define E                                                                                          \
	{                                                                                          \
		-EPERM, 0                                                                          \
	}
#define OK(after)                                                                                  \
	{                                                                                          \
		0, after                                                                           \
	}

static const struct cell matrix_v6_12[ABORT + 1][N_STATES] = {
	/*        P          Y            S          Sp          F           hole       nomap       B */
	[SH] = { OK(S), E, E, E, E, E, E, E },
	[UH] = { E, E, OK(P), { -EBUSY, 0 }, { PANIC, 0 }, E, E, E },
	[DH] = { OK(Y), E, E, E, E, E, E, E },
	[HD] = { E, OK(P), E, E, E, E, E, E },
	[SF] = { OK(F), E, E, E, E, E, E, E },
	[UF] = { E, E, OK(CORRUPT), OK(CORRUPT), OK(P), E, E, E },
	[PIN] = { E, E, OK(SP), OK(CORRUPT), E, E, E, E },
	[ABORT] = { OK(P), { PANIC, 0 }, OK(S), OK(SP), OK(F), OK(HOLE), OK(NOMAP), OK(BOOT) },
};

static const struct cell matrix_v7_0[ABORT + 1][N_STATES] = {
	[SH] = { OK(S), E, E, E, E, E, E, E },
	[UH] = { E, E, OK(P), { -EBUSY, 0 }, E, E, E, E },
	[DH] = { OK(Y), E, E, E, E, E, E, E },
	[HD] = { E, OK(P), E, E, E, { PANIC, 0 }, E, OK(P) },
	[SF] = { OK(F), E, E, E, E, E, E, E },
	[UF] = { E, E, OK(CORRUPT), OK(CORRUPT), OK(P), E, E, E },
	[PIN] = { E, E, OK(SP), OK(CORRUPT), E, E, E, E },
	/* EL2's text is mapped for reading: a fault on it changes nothing */
	[ABORT] = { OK(P), { PANIC, 0 }, OK(S), OK(SP), OK(F), OK(HOLE), OK(NOMAP), OK(BOOT) },
};

static void check_state(struct hyp_machine *m, const struct state *s, u64 page, const char *op)
{
	struct abs_page p = rig_look(m, page);

	if (p.host != s->host || p.hyp != s->hyp || p.refcount != s->refcount ||
	    p.hyp_mapped != s->hyp_mapped)
		g_error("%s: %s, not %s: host %s hyp %s refcount %u, EL2 %s it",
			m->ec->profile->name, op, s->name, page_state_name[p.host],
			page_state_name[p.hyp], p.refcount, p.hyp_mapped ? "maps" : "maps not");
}

static u64 enter(struct hyp_machine *m, const struct state *s)
{
	const bool text = m->ec->profile->state_in_vmemmap;
	u64 page = s->page ? s->page : text ? m->hyp->text.base : m->hyp->vgic.base;

	for (unsigned int i = 0; s->steps[i] >= 0; i++)
		rig_must(m, (unsigned int)s->steps[i], page);
	check_state(m, s, page, "set-up");
	return page;
}

static void check_cell(enum profile_id p, const struct state *states, unsigned int op,
		       unsigned int state, const struct cell *want)
{
	struct abs_page before, after;
	struct hyp_machine m;
	u64 page;
	s64 ret;

	rig_booted(&m, p);
	page = enter(&m, &states[state]);
	before = rig_look(&m, page);
	ret = rig_do(&m, op, page);
	if (ret != want->ret)
		g_error("%s: %s of a page in %s gave %d, not %d", el2_profiles[p].name,
			rig_op_name[op], states[state].name, (int)ret, want->ret);
	after = rig_look(&m, page);
	if (ret < 0)
		g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
	else if (!ret && want->after != CORRUPT)
		check_state(&m, &states[want->after], page, rig_op_name[op]);
	if (!ret && op == ABORT)
		g_assert_true(after.host_mapped);
	hm_free(&m);
}

static void test_matrix(void)
{
	for (unsigned int op = 0; op <= ABORT; op++) {
		for (unsigned int s = 0; op != UNPIN && s < N_STATES; s++) {
			check_cell(PROFILE_V6_12, states_v6_12, op, s, &matrix_v6_12[op][s]);
			check_cell(PROFILE_V7_0, states_v7_0, op, s, &matrix_v7_0[op][s]);
		}
	}
}

/* Descriptors of the states, as they were read on the real 6.12. */
static void test_values_v6_12(void)
{
	struct hyp_machine m;
	struct abs_page p;
	const u64 page = PAGE_IN_RAM;

	rig_booted(&m, PROFILE_V6_12);
	rig_must(&m, SH, page);
	p = rig_look(&m, page);
	g_assert_cmphex(p.host_pte, ==, UINT64_C(0x00800000000007ff) | page);
	g_assert_cmphex(p.hyp_pte, ==, UINT64_C(0x0140000000000743) | page);
	rig_must(&m, UH, page);
	g_assert_cmphex(rig_look(&m, page).host_pte, ==, UINT64_C(0x7ff) | page);
	rig_must(&m, SF, page);
	g_assert_cmphex(rig_look(&m, page).host_pte, ==, UINT64_C(0x00800000000007ff) | page);
	rig_must(&m, UF, page);
	rig_must(&m, DH, page);
	p = rig_look(&m, page);
	g_assert_cmphex(p.host_pte, ==, 4);
	g_assert_cmphex(p.hyp_pte, ==, UINT64_C(0x0040000000000743) | page);
	rig_must(&m, HD, page);
	g_assert_cmphex(rig_look(&m, page).host_pte, ==, 0);
	p = rig_look(&m, m.hyp->vgic.base);
	g_assert_cmphex(p.host_pte, ==, UINT64_C(0x01000000000007ff) | m.hyp->vgic.base);
	g_assert_cmphex(p.hyp_pte, ==, UINT64_C(0x00c00000000007c3) | m.hyp->vgic.base);
	hm_free(&m);
}

/* Lending takes back from EL2 too; the two releases differ in what may follow. */
static void test_unlend_of_shared(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		const bool old = p == PROFILE_V6_12;
		struct hyp_machine m;

		rig_booted(&m, p);
		rig_must(&m, SH, PAGE_IN_RAM);
		rig_must(&m, PIN, PAGE_IN_RAM);
		rig_must(&m, UF, PAGE_IN_RAM);
		g_assert_cmpint(rig_do(&m, UH, PAGE_IN_RAM), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, SH, PAGE_IN_RAM), ==, old ? 0 : -EPERM);
		rig_must(&m, old ? UF : SF, PAGE_IN_RAM);
		rig_must(&m, old ? SF : UF, PAGE_IN_RAM);
		rig_must(&m, old ? UF : SF, PAGE_IN_RAM);
		if (!old)
			rig_must(&m, UF, PAGE_IN_RAM);
		g_assert_cmpint(rig_do(&m, DH, PAGE_IN_RAM), ==, old ? 0 : -EPERM);
		g_assert_cmpuint(rig_look(&m, PAGE_IN_RAM).refcount, ==, 1);
		hm_free(&m);
	}
}

/* ---- Ranges ------------------------------------------ */

struct range_case {
	unsigned int op;
	u64 phys, n;
	s64 v6_12, v7_0;
};

static void test_ranges(void)
{
	const u64 past = BIT(40), edge = 0x48000000 - 4096, last = 0x48003000 - 4096;
	const struct range_case cases[] = {
		/* nothing to do: v7.0 still asks where */
		{ DH, PAGE_IN_RAM, 0, 0, 0 },
		{ HD, PAGE_IN_RAM, 0, 0, 0 },
		{ SF, 0x40000000, 0, 0, -EINVAL },
		{ SF, PAGE_OF_HOLE, 0, 0, -EPERM },
		{ UF, PAGE_OF_NOMAP, 0, 0, -EPERM },
		/* past what the CPU can address */
		{ DH, past, 1, -ERANGE, -EINVAL },
		{ SF, past, 1, -ERANGE, -EINVAL },
		{ UF, past - 4096, 2, -ERANGE, -EINVAL },
		{ SH, past, 1, -ERANGE, -EPERM },
		{ HD, past, 1, -EPERM, -EINVAL },
		/* 2^52 pages are no bytes */
		{ DH, PAGE_IN_RAM, BIT(52), 0, -EINVAL },
		{ HD, PAGE_IN_RAM, BIT(40), -ERANGE, -EINVAL },
		/* across two regions, and past the last */
		{ SF, edge, 2, 0, -EINVAL },
		{ DH, last, 2, 0, -EINVAL }, /* one empty entry, judged by its first page */
		{ DH, PAGE_OF_NOMAP, 1, -EPERM, -EPERM },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct range_case *k = &cases[i];

		for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
			struct hyp_machine m;
			s64 want = p == PROFILE_V6_12 ? k->v6_12 : k->v7_0, ret;

			rig_booted(&m, p);
			ret = rig_do_n(&m, k->op, k->phys, k->n);
			if (ret != want)
				g_error("%s: case %u: %d, not %d", el2_profiles[p].name, i,
					(int)ret, (int)want);
			hm_free(&m);
		}
	}
}

/* C28: once the level-3 table is there, the hole behind the last page is seen. */
static void test_range_past_memory(void)
{
	const u64 last = 0x48003000 - 4096;
	struct hyp_machine m;

	rig_booted(&m, PROFILE_V6_12);
	g_assert_cmpint(rig_do_n(&m, DH, last, 2), ==, 0);
	g_assert_cmphex(rig_look(&m, last + 4096).host_pte, ==, 4);
	hm_free(&m);

	rig_booted(&m, PROFILE_V6_12);
	rig_must(&m, SF, last - 4096);
	g_assert_cmpint(rig_do_n(&m, DH, last, 2), ==, -EPERM);
	hm_free(&m);
}

/* One page that cannot, and none does. */
static void test_range_of_mixed_pages(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		struct hyp_machine m;

		rig_booted(&m, p);
		rig_must(&m, SH, PAGE_IN_RAM + 2 * 4096);
		g_assert_cmpint(rig_do_n(&m, DH, PAGE_IN_RAM, 4), ==, -EPERM);
		g_assert_cmpint(rig_do_n(&m, SF, PAGE_IN_RAM, 3), ==, -EPERM);
		g_assert_cmpint(rig_do_n(&m, UF, PAGE_IN_RAM + 4096, 2), ==, -EPERM);
		g_assert_cmpuint(rig_look(&m, PAGE_IN_RAM).host, ==, OWNED);
		g_assert_cmpint(rig_do_n(&m, DH, PAGE_IN_RAM + 3 * 4096, 1024), ==, 0);
		g_assert_cmpint(rig_do_n(&m, HD, PAGE_IN_RAM + 2 * 4096, 4), ==, -EPERM);
		g_assert_cmpint(rig_do_n(&m, HD, PAGE_IN_RAM + 3 * 4096, 1024), ==, 0);
		hm_free(&m);
	}
}

/* ---- Pins ------------------------------------------ */

static void test_pins(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		const bool at_pin = el2_profiles[p].map_at_pin;
		struct hyp_machine m;

		rig_booted(&m, p);
		rig_must(&m, SH, PAGE_IN_RAM);
		rig_must(&m, SH, PAGE_IN_RAM + 4096);
		g_assert_cmpint(rig_look(&m, PAGE_IN_RAM).hyp_mapped, ==, !at_pin);
		g_assert_cmpint(rig_do_n(&m, PIN, PAGE_IN_RAM, 3), ==, -EPERM);
		g_assert_cmpint(rig_do_n(&m, PIN, PAGE_IN_RAM, 2), ==, 0);
		rig_must(&m, PIN, PAGE_IN_RAM);
		g_assert_cmpuint(rig_look(&m, PAGE_IN_RAM).refcount, ==, 2);
		g_assert_true(rig_look(&m, PAGE_IN_RAM).hyp_mapped);
		rig_must(&m, UNPIN, PAGE_IN_RAM);
		g_assert_cmpint(rig_do(&m, UH, PAGE_IN_RAM), ==, -EBUSY);
		g_assert_true(rig_look(&m, PAGE_IN_RAM).hyp_mapped);
		rig_must(&m, UNPIN, PAGE_IN_RAM);
		g_assert_cmpint(rig_look(&m, PAGE_IN_RAM).hyp_mapped, ==, !at_pin);
		rig_must(&m, UH, PAGE_IN_RAM);
		g_assert_cmpint(rig_do(&m, UNPIN, PAGE_IN_RAM), ==, PANIC);
		hm_free(&m);
	}
}

/* 65535 pins are the most. */
static void test_pin_saturation(void)
{
	struct hyp_machine m;

	rig_booted(&m, PROFILE_V7_0);
	rig_must(&m, SH, PAGE_IN_RAM);
	for (unsigned int i = 0; i < UINT16_MAX; i++)
		rig_must(&m, PIN, PAGE_IN_RAM);
	g_assert_cmpint(rig_do(&m, PIN, PAGE_IN_RAM), ==, PANIC);
	g_assert_cmpstr(pkvm_hypervisor.panic(m.e)->fn, ==, "hyp_page_ref_inc");
	hm_free(&m);
}

/* ---- Host faults ------------------------------------------ */

struct fault_case {
	u64 addr;
	s8 level;
	u64 xn; /* not memory: not executable */
};

static void test_fault_sizes(void)
{
	static const struct fault_case cases[] = {
		{ PAGE_OF_HOLE, 1, BIT(54) }, { PAGE_OF_NOMAP, 2, 0 },
		{ 0x42345678, 2, 0 },	      { 0x48001234, 3, 0 },
		{ 0x48003000, 3, BIT(54) },   { 0x48200000, 2, BIT(54) },
		{ BIT(40) - 1, 1, BIT(54) },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
			const struct fault_case *k = &cases[i];
			/* AF, SH, S2AP, MemAttr: 0b1111, or 0b0111 of AS_S1 with FWB */
			u64 want = (p == PROFILE_V6_12 ? 0x7fd : 0x7dd) | k->xn |
				   ALIGN_DOWN(k->addr, BIT(level_shift(12, k->level)));
			struct hyp_machine m;
			struct abs_page page;

			if (k->level == ARCH_LAST_LEVEL)
				want |= PTE_TYPE;
			rig_booted(&m, p);
			rig_must(&m, ABORT, k->addr);
			page = rig_look(&m, ALIGN_DOWN(k->addr, 4096));
			g_assert_cmphex(page.host_pte, ==, want);
			g_assert_cmpint(page.host_level, ==, k->level);
			rig_must(&m, ABORT, k->addr); /* once more: nothing to do */
			hm_free(&m);
		}
	}
}

/* A page that straddles the end or the start of a region is mapped, as its first byte is. */
static void test_fault_on_unaligned_region(void)
{
	static const struct ram_region odd[] = {
		{ 0x40000000, 64 * MiB, false },
		{ 0x50000800, 0x10000, false },
	};

	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		struct hyp_machine m;

		rig_start(&m, p);
		hm_ram(&m, odd, G_N_ELEMENTS(odd));
		rig_boot(&m);
		rig_must(&m, ABORT, 0x50000000);
		g_assert_cmpint(rig_look(&m, 0x50000000).host_level, ==, 3);
		g_assert_true(rig_look(&m, 0x50000000).host_pte & PTE_S2_XN);
		rig_must(&m, ABORT, 0x50010000);
		g_assert_cmpint(rig_look(&m, 0x50010000).host_level, ==, 3);
		g_assert_false(rig_look(&m, 0x50010000).host_pte & PTE_S2_XN);
		hm_free(&m);
	}
}

static void test_fault_errors(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		struct hyp_machine m;

		rig_booted(&m, p);
		g_assert_cmpint(rig_do(&m, ABORT, BIT(40)), ==, PANIC);
		g_assert_cmpstr(pkvm_hypervisor.panic(m.e)->reason, ==, "BUG");
		g_assert_cmpstr(pkvm_hypervisor.panic(m.e)->fn, ==, "host_mem_abort");
		hm_free(&m);

		rig_start(&m, p);
		m.ec->knob[KNOB_HOST_EPERM] = HOST_EPERM_INJECT;
		rig_boot(&m);
		rig_must(&m, DH, PAGE_IN_RAM);
		rig_must(&m, DONATE_MMIO, PAGE_OF_HOLE);
		g_assert_cmpint(rig_do(&m, ABORT, PAGE_IN_RAM), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, ABORT, PAGE_OF_HOLE), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, ABORT, PAGE_IN_RAM + 4096), ==, 0);
		hm_free(&m);
	}
}

/* ---- Debug builds ------------------------------------------ */

static s64 check_unlocked(struct hyp_cpu *c, void *arg)
{
	return host_stage2_idmap_locked(c, PAGE_IN_RAM, 4096, PKVM_HOST_MEM_PROT);
}

static void test_debug(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		for (u8 debug = EL2_DEBUG_OFF; debug <= EL2_DEBUG_ON; debug++) {
			struct hyp_machine m;
			s64 ret;

			rig_start(&m, p);
			m.ec->knob[KNOB_EL2_DEBUG] = debug;
			rig_boot(&m);
			rig_must(&m, SH, PAGE_IN_RAM);
			rig_must(&m, UF, PAGE_IN_RAM);
			/* EL2 borrows it still, and only who asks EL2's side sees it */
			g_assert_cmpint(rig_do(&m, DH, PAGE_IN_RAM), ==,
					p == PROFILE_V6_12 && !debug ? 0 : -EPERM);
			g_assert_cmpint(hm_run(&m, check_unlocked, NULL, &ret), ==, !debug);
			hm_free(&m);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ownership/matrix", test_matrix);
	g_test_add_func("/ownership/values-v6.12", test_values_v6_12);
	g_test_add_func("/ownership/unlend-of-shared", test_unlend_of_shared);
	g_test_add_func("/ownership/ranges", test_ranges);
	g_test_add_func("/ownership/range-past-memory", test_range_past_memory);
	g_test_add_func("/ownership/range-of-mixed-pages", test_range_of_mixed_pages);
	g_test_add_func("/ownership/pins", test_pins);
	g_test_add_func("/ownership/pin-saturation", test_pin_saturation);
	g_test_add_func("/ownership/fault-sizes", test_fault_sizes);
	g_test_add_func("/ownership/fault-on-unaligned-region", test_fault_on_unaligned_region);
	g_test_add_func("/ownership/fault-errors", test_fault_errors);
	g_test_add_func("/ownership/debug", test_debug);
	return g_test_run();
}
