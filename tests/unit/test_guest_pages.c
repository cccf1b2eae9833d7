// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual machines with every page size, PA size and kind of cache: made, lent to, given
 * to, taken apart. What is mapped is what the MMU then finds.
 */
#include "tests/unit/guest_rig.h"

#define OWNED PKVM_PAGE_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED
#define NOPAGE PKVM_NOPAGE

#define EQ(call, want) g_assert_cmpint((call), ==, (want))

static const struct shape {
	const char *name;
	u8 page_shift, pa_bits;
	bool fwb, dic, tlbirange, lpa2;
} shapes[] = {
	{ "4K", 12, 40, true, false, false, false },
	{ "4K, 4 levels", 12, 48, true, false, true, false },
	{ "4K, caches by hand", 12, 40, false, false, true, false },
	{ "4K, LPA2", 12, 52, true, true, true, true },
	{ "16K", 14, 40, true, false, false, false },
	{ "16K, caches by hand", 14, 48, false, true, false, false },
	{ "64K", 16, 40, true, false, true, false },
	{ "64K, caches by hand", 16, 48, false, false, false, false },
};

struct test {
	struct hyp_machine m;
	struct guest g;
	u64 page, block; /* bytes */
	u64 ram;	 /* of the host's, aligned to a block */
	u64 gfn;	 /* likewise */
};

static void test_new(struct test *t, const struct shape *s, enum profile_id release,
		     bool is_protected)
{
	hm_config(&t->m, "server48", &el2_profiles[release]);
	t->m.bc->f.page_shift = s->page_shift;
	t->m.bc->f.pa_bits = s->pa_bits;
	t->m.bc->f.fwb = s->fwb;
	t->m.bc->f.dic = s->dic;
	t->m.bc->f.tlbirange = s->tlbirange;
	t->m.bc->f.lpa2 = s->lpa2;
	hm_ram(&t->m, &(struct ram_region){ 0x80000000, UINT64_C(0x100000000), false }, 1);
	g_array_set_size(t->m.bc->mmio, 0);
	hm_start(&t->m);
	EQ(hm_boot(&t->m), 0);
	t->page = BIT(s->page_shift);
	t->block = BIT(level_shift(s->page_shift, 2));
	t->ram = 0xc0000000;
	t->gfn = UINT64_C(0x40000000) >> s->page_shift;
	guest_new(&t->m, &t->g, 0xa0000000, is_protected, 16);
}

static s64 do_pages(struct test *t, enum guest_op op, u64 n)
{
	return guest_do(&t->m, &t->g, op, (struct guest_args){ t->ram, t->gfn, n, PROT_RWX });
}

static u64 page_states(struct test *t, u64 bytes, enum page_state host)
{
	u64 n = 0;

	for (u64 off = 0; off < bytes; off += t->page)
		n += rig_look(&t->m, t->ram + off).host == host;
	return n;
}

/* What the guest's MMU makes of an address of its. */
static u64 translates(struct test *t, u64 ipa, enum mmu_access access)
{
	const struct el2_view *v = pkvm_hypervisor.view(t->m.e);
	struct mmu_result res = { 0 };

	g_assert_cmpuint(v->n_guests, ==, 1);
	mmu_walk(&v->guests[0]->s2, ipa, access, board_read_desc, t->m.b, &res);
	return res.fault == MMU_OK ? res.oa.pa : 0;
}

static void destroy(struct test *t)
{
	const bool two = t->m.hyp->profile->protected_guests;

	if (two)
		EQ(HVC(&t->m, "start_teardown_vm", t->g.handle), 0);
	EQ(HVC(&t->m, two ? "finalize_teardown_vm" : "teardown_vm", t->g.handle), 0);
	for (u64 pa = t->g.area; pa < t->g.next; pa += t->page) {
		const struct abs_page p = rig_look(&t->m, pa);

		if (p.host != OWNED || p.hyp != NOPAGE || p.refcount)
			g_error("page 0x%" G_GINT64_MODIFIER "x did not come back", pa);
	}
	hm_free(&t->m);
}

/* A block is lent and taken back, then one page of the same memory. */
static void lend(const struct shape *s, enum profile_id release)
{
	struct test t;
	u64 pages, off;

	test_new(&t, s, release, false);
	pages = t.block / t.page;
	off = t.block - t.page + 8;
	EQ(do_pages(&t, SG, pages + 1), -EINVAL);
	EQ(do_pages(&t, SG, pages), 0);
	g_assert_cmpuint(page_states(&t, t.block, PKVM_PAGE_SHARED_OWNED), ==, pages);
	g_assert_cmphex(translates(&t, t.gfn * t.page + off, MMU_WRITE), ==, t.ram + off);
	EQ(do_pages(&t, WRPROTECT, pages), 0);
	g_assert_cmphex(translates(&t, t.gfn * t.page + off, MMU_WRITE), ==, 0);
	g_assert_cmphex(translates(&t, t.gfn * t.page + off, MMU_EXEC), ==, t.ram + off);
	EQ(do_pages(&t, UG, 1), -E2BIG);
	EQ(do_pages(&t, UG, pages), 0);
	g_assert_cmpuint(page_states(&t, t.block, OWNED), ==, pages);
	EQ(do_pages(&t, SG, 1), 0);
	g_assert_cmphex(translates(&t, t.gfn * t.page + 8, MMU_WRITE), ==, t.ram + 8);
	g_assert_cmphex(translates(&t, t.gfn * t.page + t.page, MMU_READ), ==, 0);
	EQ(do_pages(&t, UG, 1), 0);
	destroy(&t);
}

/* Pages are given, lent back, taken by force; the annotation names the guest's frame. */
static void give(const struct shape *s)
{
	struct test t;
	u64 pte;

	test_new(&t, s, PROFILE_V7_2, true);
	EQ(do_pages(&t, DG, 1), 0);
	pte = rig_look(&t.m, t.ram).host_pte;
	g_assert_cmphex(FIELD_GET(t.m.hyp->layout.gfn_mask, pte), ==, t.gfn);
	g_assert_cmphex(FIELD_GET(t.m.hyp->layout.handle_mask, pte), ==, t.g.handle);
	g_assert_cmphex(translates(&t, t.gfn * t.page + 8, MMU_WRITE), ==, t.ram + 8);
	host_store(&t.m, t.ram + t.page - 8, 0x5ec7e7);
	EQ(do_pages(&t, GS, 1), 0);
	EQ(do_pages(&t, GU, 1), 0);
	EQ(HVC(&t.m, "force_reclaim_guest_page", t.ram + t.page - 1), 0);
	g_assert_cmphex(hm_peek(&t.m, t.ram + t.page - 8), ==, 0);
	g_assert_cmpint(guest_state(&t.m, &t.g, t.gfn), ==, PKVM_POISON);
	g_assert_cmpuint(page_states(&t, t.page, OWNED), ==, 1);
	destroy(&t);
}

static void test_lend(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(shapes); i++) {
		g_test_message("%s", shapes[i].name);
		lend(&shapes[i], PROFILE_V7_0);
		lend(&shapes[i], PROFILE_V7_2);
	}
}

static void test_give(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(shapes); i++) {
		g_test_message("%s", shapes[i].name);
		give(&shapes[i]);
	}
}

/* ---- Cache maintenance ---------------------------------------------------------------------- */

struct seen {
	u64 dc_bytes, ic_bytes;
	unsigned int ialluis, fixmaps;
};

static void watch(void *data, const struct event *ev)
{
	struct seen *s = data;

	if (ev->kind == EV_TLBI)
		s->fixmaps += ev->sub == TLBI_VALE2IS;
	else if (g_str_equal(ev->what, "dc_civac"))
		s->dc_bytes += ev->val;
	else if (g_str_equal(ev->what, "ic_ivau"))
		s->ic_bytes += ev->val;
	else
		s->ialluis++;
}

static struct seen maintenance(const struct shape *s, bool block)
{
	struct seen seen = { 0 };
	struct test t;

	test_new(&t, s, PROFILE_V7_2, false);
	board_subscribe_kinds(t.m.b, BIT(EV_CMO) | BIT(EV_TLBI), watch, &seen);
	EQ(do_pages(&t, SG, block ? t.block / t.page : 1), 0);
	board_unsubscribe(t.m.b, watch, &seen);
	hm_free(&t.m);
	return seen;
}

/* Pages by line, blocks through one slot where there is one, and what the CPU spares. */
static void test_caches(void)
{
	static const struct {
		unsigned int shape;
		bool block;
		struct seen want;
	} rows[] = {
		{ 0, false, { 0, 0x1000, 0, 2 } },
		{ 0, true, { 0, 0, 1, 2 } },
		{ 2, false, { 0x1000, 0x1000, 0, 2 } },
		{ 2, true, { 0x200000, 0, 1, 2 } },
		{ 3, false, { 0, 0, 0, 2 } },
		{ 4, false, { 0, 0x4000, 0, 2 } },
		{ 5, true, { 0x2000000, 0, 0, 2 } },
		{ 7, false, { 0x10000, 0x10000, 0, 2 } },
		{ 7, true, { 0x20000000, 0x20000000, 0, 2 * 8192 } },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct seen got = maintenance(&shapes[rows[i].shape], rows[i].block);

		g_test_message("%s", shapes[rows[i].shape].name);
		g_assert_cmphex(got.dc_bytes, ==, rows[i].want.dc_bytes);
		g_assert_cmphex(got.ic_bytes, ==, rows[i].want.ic_bytes);
		g_assert_cmpuint(got.ialluis, ==, rows[i].want.ialluis);
		g_assert_cmpuint(got.fixmaps, ==, rows[i].want.fixmaps);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pages/lend", test_lend);
	g_test_add_func("/pages/give", test_give);
	g_test_add_func("/pages/caches", test_caches);
	return g_test_run();
}
