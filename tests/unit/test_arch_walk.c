// SPDX-License-Identifier: GPL-2.0-or-later
/* The MMU: where walks end, and what the syndrome registers say of it. */
#include <glib.h>

#include "tests/unit/fake_mem.h"

#define ROOT 0x80000000
#define S2_PAGE 0x7ff /* RWX, write-back, AF, SH, page */

struct walker {
	struct arch_features f;
	struct fake_mem m;
	struct mmu_table t;
	struct mmu_result res;
};

static void make(struct walker *w, struct arch_features f, unsigned int stage, unsigned int ia_bits)
{
	w->f = f;
	fake_tables(&w->m, &w->t, &w->f, stage, ia_bits, ROOT);
}

static void expect(struct walker *w, u64 ia, enum mmu_access acc, enum mmu_fault fault, int level)
{
	g_assert_cmpint(fake_walk(&w->m, &w->t, ia, acc, &w->res), ==, fault);
	g_assert_cmpint(w->res.level, ==, level);
}

static u64 leaf_for(const struct walker *w, u64 pa, u64 attrs)
{
	return pte_from_pa(&w->f, PA(pa)) | attrs;
}

/* An empty table faults at each level at which the walk can end, and says what hole it found. */
static void test_translation_levels(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 48);
	expect(&w, 0x40001234, MMU_READ, MMU_FAULT_TRANSLATION, 0);
	for (int level = 1; level <= 3; level++) {
		fake_set(&w.m, &w.t, 0x40001234, level, 0);
		expect(&w, 0x40001234, MMU_READ, MMU_FAULT_TRANSLATION, level);
		g_assert_cmphex(w.res.size, ==, BIT(level_shift(12, level)));
		g_assert_cmphex(w.res.ia_base, ==, ALIGN_DOWN(0x40001234, w.res.size));
		g_assert_cmpuint(w.m.reads, ==, level + 1);
		w.m.reads = 0;
	}
}

/* An input beyond the size that VTCR gives faults at level 0, and no memory is read for it. */
static void test_input_out_of_range(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 40);
	expect(&w, BIT(40), MMU_READ, MMU_FAULT_TRANSLATION, 0);
	expect(&w, ~UINT64_C(0), MMU_EXEC, MMU_FAULT_TRANSLATION, 0);
	g_assert_cmpuint(w.m.reads, ==, 0);
	g_assert_cmphex(w.res.size, ==, 0);
	expect(&w, BIT(40) - 1, MMU_READ, MMU_FAULT_TRANSLATION, 1);
}

/* A geometry that no hardware walks is refused before memory is read. */
static void test_impossible_geometry(void)
{
	static const struct {
		u8 page_shift, stage, ia_bits;
		s8 start;
	} bad[] = {
		{ 12, 2, 44, 1 }, /* 32 concatenated tables */
		{ 12, 1, 40, 1 }, /* stage 1 does not concatenate */
		{ 12, 2, 30, 1 }, /* nothing left for the start level */
		{ 12, 1, 52, -2 }, { 16, 1, 52, 0 }, { 14, 1, 52, -1 }, { 12, 2, 40, 4 },
		{ 12, 1, 53, -1 }, { 13, 2, 40, 1 }, { 0, 2, 40, 1 },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct walker w;

		make(&w, fake_4k, 1, 39);
		w.f.page_shift = bad[i].page_shift;
		w.t.stage = bad[i].stage;
		w.t.ia_bits = bad[i].ia_bits;
		w.t.start_level = bad[i].start;
		expect(&w, 0, MMU_READ, MMU_FAULT_TRANSLATION, 0);
		g_assert_cmpuint(w.m.reads, ==, 0);
	}
}

/* Concatenated start tables are indexed as one: the last bytes of 43 bits sit in the 16th. */
static void test_concatenation(void)
{
	struct walker w;
	u64 ia = BIT(43) - 0x1000;

	make(&w, fake_4k, 2, 43);
	w.f.pa_bits = 44;
	fake_set(&w.m, &w.t, ia, 3, leaf_for(&w, ia, S2_PAGE));
	expect(&w, ia + 8, MMU_WRITE, MMU_OK, 3);
	g_assert_cmphex(w.res.table_pa[0].pa, ==, ROOT + 16 * 0x1000 - 8);
	g_assert_cmphex(w.res.oa.pa, ==, ia + 8);
	expect(&w, ia - BIT(42), MMU_WRITE, MMU_FAULT_TRANSLATION, 1);
}

/* A walk that names a place where nothing answers is an external abort at that level. */
static void test_external_abort(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 40);
	fake_set(&w.m, &w.t, 0, 1, leaf_for(&w, 0x70000000, 3));
	expect(&w, 0, MMU_READ, MMU_FAULT_EXTERNAL_WALK, 2);
	g_assert_cmphex(w.res.desc_pa.pa, ==, 0x70000000);
	w.t.root = PA(0x1000);
	expect(&w, 0, MMU_READ, MMU_FAULT_EXTERNAL_WALK, 1);
}

/* Addresses beyond the PA size fault at the level of the entry; the root's at level 0. */
static void test_address_size(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 40);
	fake_set(&w.m, &w.t, 0, 1, leaf_for(&w, BIT(40), 3));
	expect(&w, 0, MMU_READ, MMU_FAULT_ADDRESS_SIZE, 1);
	fake_set(&w.m, &w.t, BIT(30), 1, leaf_for(&w, BIT(40), 0x7fd));
	expect(&w, BIT(30), MMU_READ, MMU_FAULT_ADDRESS_SIZE, 1);
	fake_set(&w.m, &w.t, BIT(31), 3, leaf_for(&w, BIT(47), S2_PAGE));
	expect(&w, BIT(31), MMU_READ, MMU_FAULT_ADDRESS_SIZE, 3);
	w.t.root = PA(BIT(40));
	expect(&w, 0, MMU_READ, MMU_FAULT_ADDRESS_SIZE, 0);
}

/* Address size comes before the access flag, the access flag before permission. */
static void test_order_at_the_leaf(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 40);
	fake_set(&w.m, &w.t, 0, 3, leaf_for(&w, BIT(41), 3));
	expect(&w, 0, MMU_WRITE, MMU_FAULT_ADDRESS_SIZE, 3);
	fake_set(&w.m, &w.t, 0, 3, leaf_for(&w, 0, 3));
	expect(&w, 0, MMU_WRITE, MMU_FAULT_ACCESS_FLAG, 3);
	fake_set(&w.m, &w.t, 0, 3, leaf_for(&w, 0, 3 | PTE_AF));
	expect(&w, 0, MMU_WRITE, MMU_FAULT_PERMISSION, 3);
	/* Reserved comes before all: the address of no leaf is looked at. */
	fake_set(&w.m, &w.t, 0, 3, leaf_for(&w, BIT(41), 1));
	expect(&w, 0, MMU_WRITE, MMU_FAULT_TRANSLATION, 3);
}

struct block {
	u8 page_shift, pa_bits;
	bool lpa2;
	int level;
	bool legal;
};

static const struct block blocks[] = {
	{ 12, 48, false, 0, false }, { 12, 48, false, 1, true }, { 12, 48, false, 2, true },
	{ 12, 48, false, 3, false }, { 12, 52, true, 0, true },	 { 14, 48, false, 1, false },
	{ 14, 48, false, 2, true },  { 14, 52, true, 1, true },	 { 14, 48, false, 3, false },
	{ 16, 48, false, 1, false }, { 16, 52, false, 1, true }, { 16, 48, false, 2, true },
	{ 16, 48, false, 3, false },
};

/* A block counts at the levels that its granule has it for; elsewhere it is taken as invalid. */
static void test_reserved(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(blocks); i++) {
		const struct block *b = &blocks[i];
		struct arch_features f = { .page_shift = b->page_shift,
					   .pa_bits = b->pa_bits,
					   .lpa2 = b->lpa2 };
		struct walker w;

		make(&w, f, 2, b->pa_bits);
		fake_set(&w.m, &w.t, 0, b->level, 0x4fd);
		expect(&w, 0x800, MMU_READ, b->legal ? MMU_OK : MMU_FAULT_TRANSLATION, b->level);
		g_assert_cmphex(w.res.desc, ==, 0x4fd);
		if (b->legal)
			g_assert_cmphex(w.res.oa.pa, ==, 0x800);
	}
}

/* Address bits below a block's size count for nothing: hardware takes the aligned base. */
static void test_unaligned_block(void)
{
	struct walker w;

	make(&w, fake_4k, 2, 40);
	fake_set(&w.m, &w.t, 0x40000000, 2, leaf_for(&w, 0x40003000, 0x7fd));
	expect(&w, 0x40001008, MMU_READ, MMU_OK, 2);
	g_assert_cmphex(w.res.oa.pa, ==, 0x40001008);
}

struct shape {
	u8 page_shift, ia_bits, stage;
	bool lpa2;
	int start;
	u64 ia;
};

static const struct shape shapes[] = {
	{ 12, 52, 2, true, 0, 0xf123456789ab8 },  { 12, 52, 1, true, -1, 0xf123456789ab8 },
	{ 12, 48, 1, false, 0, 0xf12345678ab8 },  { 12, 32, 2, false, 2, 0xf2345678 },
	{ 14, 52, 2, true, 0, 0xf123456789ab8 },  { 14, 48, 2, false, 1, 0xf12345678ab8 },
	{ 14, 40, 2, false, 2, 0xf123456ab8 },	  { 14, 48, 1, false, 0, 0xf12345678ab8 },
	{ 16, 52, 2, false, 1, 0xf123456789ab8 }, { 16, 46, 2, false, 2, 0x3f12345678b8 },
	{ 16, 48, 1, false, 1, 0xf12345678ab8 },
};

/* Every granule, start level and address width translates a page, through every level between. */
static void test_shapes(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(shapes); i++) {
		const struct shape *s = &shapes[i];
		struct arch_features f = { .page_shift = s->page_shift,
					   .pa_bits = 52,
					   .lpa2 = s->lpa2 };
		u64 page = BIT(s->page_shift), oa = s->ia ^ BIT(30);
		struct walker w;

		make(&w, f, s->stage, s->ia_bits);
		g_assert_cmpint(w.t.start_level, ==, s->start);
		fake_set(&w.m, &w.t, s->ia, 3,
			 leaf_for(&w, ALIGN_DOWN(oa, page), s->stage == 2 ? 0x4df : 0x443));
		expect(&w, s->ia, MMU_READ, MMU_OK, 3);
		g_assert_cmphex(w.res.oa.pa, ==, oa);
		g_assert_cmphex(w.res.ia_base, ==, ALIGN_DOWN(s->ia, page));
		g_assert_cmphex(w.res.size, ==, page);
		for (int l = s->start; l <= 3; l++)
			g_assert_cmphex(w.res.table_pa[l - s->start].pa, ==,
					fake_entry(&w.m, &w.t, s->ia, l));
		expect(&w, s->ia ^ page, MMU_READ, MMU_FAULT_TRANSLATION, 3);
	}
}

/* Attributes of a table take away from what is below it in stage 1, and are nothing to stage 2. */
static void test_table_attributes(void)
{
	static const struct {
		u64 bit;
		bool hvhe, w, x;
	} c[] = {
		{ 0, false, true, true },	{ BIT(60), false, true, false },
		{ BIT(59), false, true, true }, { BIT(62), false, false, true },
		{ 0, true, true, true },	{ BIT(59), true, true, false },
		{ BIT(60), true, true, true },	{ BIT(62), true, false, true },
	};

	for (unsigned int i = 0; i < 2 * G_N_ELEMENTS(c); i++) {
		unsigned int stage = 1 + i / G_N_ELEMENTS(c), k = i % G_N_ELEMENTS(c);
		struct arch_features f = fake_4k;
		struct walker w;
		u64 entry;

		f.hvhe = c[k].hvhe;
		make(&w, f, stage, 39);
		fake_set(&w.m, &w.t, 0, 3, stage == 2 ? S2_PAGE : 0x703);
		entry = fake_entry(&w.m, &w.t, 0, 2);
		fake_store(&w.m, entry, leaf_for(&w, w.m.base[w.m.pages - 1], 3 | c[k].bit));
		expect(&w, 0, MMU_READ, MMU_OK, 3);
		g_assert_cmpint(w.res.w, ==, stage == 2 || c[k].w);
		g_assert_cmpint(w.res.x, ==, stage == 2 || c[k].x);
	}
}

/* In EL2&0, EL2 never executes what EL0 may write. */
static void test_hvhe_el0_writable(void)
{
	struct arch_features f = fake_4k;
	struct walker w;

	f.hvhe = true;
	make(&w, f, 1, 48);
	fake_set(&w.m, &w.t, 0, 3, 0x743);
	expect(&w, 0, MMU_WRITE, MMU_OK, 3);
	expect(&w, 0, MMU_EXEC, MMU_FAULT_PERMISSION, 3);
	fake_set(&w.m, &w.t, 0, 3, 0x7c3);
	expect(&w, 0, MMU_EXEC, MMU_OK, 3);
}

/* Hardware's own access flag is VTCR_EL2's: EL2's stage 1 faults whatever the CPU can do. */
static void test_access_flag_el2(void)
{
	struct arch_features f = fake_4k;
	struct walker w;

	f.hafdbs = true;
	make(&w, f, 1, 48);
	fake_set(&w.m, &w.t, 0, 3, 0x343);
	expect(&w, 0, MMU_READ, MMU_FAULT_ACCESS_FLAG, 3);
	g_assert_false(w.res.sets_af);
}

struct garbage {
	u64 seed;
	unsigned int reads;
};

/* Mostly tables, so that walks go deep; anything at all besides. */
static bool garbage_read(void *ctx, pa_t pa, u64 *desc)
{
	struct garbage *g = ctx;
	u64 x = (pa.pa + g->seed) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	*desc = x * UINT64_C(0xbf58476d1ce4e5b9) | (x & 0x700 ? 3 : 0);
	g_assert_cmphex(pa.pa & 7, ==, 0);
	g->reads++;
	return x & 0x1f000;
}

/* Whatever stands in memory, a walk ends after at most one descriptor a level. */
static void test_garbage(void)
{
	for (u64 n = 0; n < 30000; n++) {
		const struct shape *s = &shapes[n % G_N_ELEMENTS(shapes)];
		struct arch_features f = { .page_shift = s->page_shift,
					   .pa_bits = 52,
					   .lpa2 = s->lpa2,
					   .hvhe = n & 1,
					   .xnx = n & 2 };
		struct mmu_table t = { .stage = s->stage,
				       .ia_bits = s->ia_bits,
				       .start_level = (s8)s->start,
				       .root = PA(ROOT),
				       .f = &f };
		struct garbage g = { .seed = n << 16 };
		struct mmu_result res;

		mmu_walk(&t, s->ia ^ (n << 13 & 0xfffffff), (enum mmu_access)(n % 3), garbage_read,
			 &g, &res);
		g_assert_cmpuint(g.reads, <=, 4 - s->start);
		g_assert_cmpint(res.level, >=, s->start);
		g_assert_cmpint(res.level, <=, 3);
		if (res.fault == MMU_OK)
			g_assert_cmphex(res.oa.pa >> 52, ==, 0);
	}
}

/* Each fault has a name of its own, for reports. */
static void test_fault_names(void)
{
	g_assert_cmpstr(mmu_fault_name(MMU_OK), ==, "none");
	g_assert_cmpstr(mmu_fault_name(MMU_FAULT_ADDRESS_SIZE), ==, "address size");
	g_assert_cmpstr(mmu_fault_name(MMU_FAULT_TRANSLATION), ==, "translation");
	g_assert_cmpstr(mmu_fault_name(MMU_FAULT_ACCESS_FLAG), ==, "access flag");
	g_assert_cmpstr(mmu_fault_name(MMU_FAULT_PERMISSION), ==, "permission");
	g_assert_cmpstr(mmu_fault_name(MMU_FAULT_EXTERNAL_WALK), ==, "external abort on walk");
}

static struct mmu_syndrome syndrome(enum mmu_fault fault, int level, enum mmu_access acc,
				    unsigned int size, bool isv)
{
	struct mmu_result res = { .fault = fault, .level = (s8)level };
	struct mmu_syndrome s;

	mmu_syndrome_s2(&res, 0x9001234, acc, size, isv, &s);
	return s;
}

/* Each fault has the status code of the Arm ARM, level -1 its own. */
static void test_fault_status(void)
{
	static const struct {
		enum mmu_fault fault;
		int level;
		u64 fsc;
	} c[] = {
		{ MMU_FAULT_ADDRESS_SIZE, 0, 0x00 },   { MMU_FAULT_ADDRESS_SIZE, 3, 0x03 },
		{ MMU_FAULT_ADDRESS_SIZE, -1, 0x29 },  { MMU_FAULT_TRANSLATION, 0, 0x04 },
		{ MMU_FAULT_TRANSLATION, 3, 0x07 },    { MMU_FAULT_TRANSLATION, -1, 0x2b },
		{ MMU_FAULT_ACCESS_FLAG, 1, 0x09 },    { MMU_FAULT_ACCESS_FLAG, 3, 0x0b },
		{ MMU_FAULT_PERMISSION, 2, 0x0e },     { MMU_FAULT_PERMISSION, 3, 0x0f },
		{ MMU_FAULT_EXTERNAL_WALK, 0, 0x14 },  { MMU_FAULT_EXTERNAL_WALK, 3, 0x17 },
		{ MMU_FAULT_EXTERNAL_WALK, -1, 0x13 },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(c); i++) {
		struct mmu_syndrome s = syndrome(c[i].fault, c[i].level, MMU_READ, 8, false);

		g_assert_cmphex(FIELD_GET(ESR_FSC, s.esr), ==, c[i].fsc);
		g_assert_cmphex(s.esr & (ESR_ISV | ESR_S1PTW | ESR_WNR), ==, 0);
		g_assert_true(s.esr & ESR_IL);
	}
}

/* HPFAR_EL2 has the frame in [47:4], but nothing after permission faults and external aborts. */
static void test_hpfar(void)
{
	struct mmu_syndrome s = syndrome(MMU_FAULT_TRANSLATION, 3, MMU_READ, 8, true);

	g_assert_true(s.hpfar_valid);
	g_assert_cmphex(s.hpfar, ==, 0x90010);
	g_assert_cmphex(s.far, ==, 0x9001234);
	g_assert_true(syndrome(MMU_FAULT_ACCESS_FLAG, 3, MMU_READ, 8, true).hpfar_valid);
	g_assert_true(syndrome(MMU_FAULT_ADDRESS_SIZE, 3, MMU_READ, 8, true).hpfar_valid);
	g_assert_false(syndrome(MMU_FAULT_EXTERNAL_WALK, 3, MMU_READ, 8, true).hpfar_valid);
	s = syndrome(MMU_FAULT_PERMISSION, 3, MMU_WRITE, 8, true);
	g_assert_false(s.hpfar_valid);
	g_assert_cmphex(s.hpfar, ==, 0);
	g_assert_cmphex(s.far, ==, 0x9001234);
}

/* Whole ESR values: class, length, size of the access, direction. */
static void test_esr(void)
{
	g_assert_cmphex(syndrome(MMU_FAULT_TRANSLATION, 3, MMU_WRITE, 8, true).esr, ==, 0x93c08047);
	g_assert_cmphex(syndrome(MMU_FAULT_TRANSLATION, 3, MMU_READ, 4, true).esr, ==, 0x93800007);
	g_assert_cmphex(syndrome(MMU_FAULT_TRANSLATION, 2, MMU_READ, 2, true).esr, ==, 0x93400006);
	g_assert_cmphex(syndrome(MMU_FAULT_TRANSLATION, 1, MMU_READ, 1, true).esr, ==, 0x93000005);
	g_assert_cmphex(syndrome(MMU_FAULT_PERMISSION, 3, MMU_WRITE, 8, false).esr, ==, 0x9200004f);
	g_assert_cmphex(syndrome(MMU_FAULT_PERMISSION, 3, MMU_WRITE, 16, true).esr, ==, 0x9200004f);
	g_assert_cmphex(syndrome(MMU_FAULT_PERMISSION, 3, MMU_EXEC, 4, true).esr, ==, 0x8200000f);
	g_assert_cmphex(syndrome(MMU_FAULT_EXTERNAL_WALK, 1, MMU_READ, 8, true).esr, ==,
			0x92000015);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/walk/translation-levels", test_translation_levels);
	g_test_add_func("/walk/input-out-of-range", test_input_out_of_range);
	g_test_add_func("/walk/impossible-geometry", test_impossible_geometry);
	g_test_add_func("/walk/concatenation", test_concatenation);
	g_test_add_func("/walk/external-abort", test_external_abort);
	g_test_add_func("/walk/address-size", test_address_size);
	g_test_add_func("/walk/order-at-the-leaf", test_order_at_the_leaf);
	g_test_add_func("/walk/reserved", test_reserved);
	g_test_add_func("/walk/unaligned-block", test_unaligned_block);
	g_test_add_func("/walk/shapes", test_shapes);
	g_test_add_func("/walk/table-attributes", test_table_attributes);
	g_test_add_func("/walk/hvhe-el0-writable", test_hvhe_el0_writable);
	g_test_add_func("/walk/access-flag-el2", test_access_flag_el2);
	g_test_add_func("/walk/garbage", test_garbage);
	g_test_add_func("/walk/fault-names", test_fault_names);
	g_test_add_func("/syndrome/fault-status", test_fault_status);
	g_test_add_func("/syndrome/hpfar", test_hpfar);
	g_test_add_func("/syndrome/esr", test_esr);
	return g_test_run();
}
