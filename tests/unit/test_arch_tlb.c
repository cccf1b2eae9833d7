// SPDX-License-Identifier: GPL-2.0-or-later
/* What a TLB keeps, and what each TLBI takes from it. */
#include <glib.h>
#include <string.h>

#include "tests/unit/fake_mem.h"

#define PAGE 0x1000
#define NONE (-1) /* no level hint */

static struct mmu_table table_of(unsigned int stage, u16 vmid)
{
	return (struct mmu_table){ .stage = (u8)stage, .vmid = vmid, .f = &fake_4k };
}

static void fill(struct tlb *tlb, unsigned int stage, u16 vmid, u64 ia, int level)
{
	struct mmu_table t = table_of(stage, vmid);
	u64 size = BIT(level_shift(12, level));
	struct mmu_result res = { .level = (s8)level,
				  .ia_base = ALIGN_DOWN(ia, size),
				  .size = size,
				  .oa = PA(ia ^ BIT(35)),
				  .r = true };

	tlb_fill(tlb, &t, &res, ia >> 12);
}

/* Host pages and blocks, another VM's page, EL2's page and block: something for each TLBI. */
static void populate(struct tlb *tlb)
{
	memset(tlb, 0, sizeof(*tlb));
	fill(tlb, 2, 0, 0x40000000, 3);
	fill(tlb, 2, 0, 0x40001000, 3);
	fill(tlb, 2, 0, 0x40200000, 2);
	fill(tlb, 2, 0, 0x80000000, 1);
	fill(tlb, 2, 7, 0x40000000, 3);
	fill(tlb, 1, 0, 0x40000000, 3);
	fill(tlb, 1, 0, 0x40200000, 2);
}

static bool has(struct tlb *tlb, enum tlb_regime regime, u16 vmid, u64 ia)
{
	return tlb_lookup(tlb, regime, vmid, ia);
}

struct inv {
	struct tlbi i;
	unsigned int gone;
	const char *left; /* a letter for each of populate()'s entries, in order */
};

static const struct inv invs[] = {
	/* By IPA: the one page, of the one VMID. */
	{ { TLBI_IPAS2E1IS, 0, NONE, 0x40000000, 0 }, 1, ".bcdefg" },
	{ { TLBI_IPAS2E1IS, 7, NONE, 0x40000000, 0 }, 1, "abcd.fg" },
	{ { TLBI_IPAS2E1, 0, NONE, 0x40001000, 0 }, 1, "a.cdefg" },
	{ { TLBI_IPAS2E1IS, 3, NONE, 0x40000000, 0 }, 0, "abcdefg" },
	{ { TLBI_IPAS2E1IS, 0, NONE, 0x40002000, 0 }, 0, "abcdefg" },
	/* Any page of a block takes the block; bits below the page count for nothing. */
	{ { TLBI_IPAS2E1IS, 0, NONE, 0x403ff000, 0 }, 1, "ab.defg" },
	{ { TLBI_IPAS2E1IS, 0, NONE, 0x403fffff, 0 }, 1, "ab.defg" },
	{ { TLBI_IPAS2E1IS, 0, NONE, 0xbffff000, 0 }, 1, "abc.efg" },
	/* The right hint is harmless, a wrong one invalidates nothing. */
	{ { TLBI_IPAS2E1IS, 0, 2, 0x403ff000, 0 }, 1, "ab.defg" },
	{ { TLBI_IPAS2E1IS, 0, 3, 0x403ff000, 0 }, 0, "abcdefg" },
	{ { TLBI_IPAS2E1IS, 0, 1, 0x40000000, 0 }, 0, "abcdefg" },
	{ { TLBI_IPAS2E1IS, 0, 0, 0x40000000, 0 }, 0, "abcdefg" },
	{ { TLBI_IPAS2E1IS, 0, 4, 0x40000000, 0 }, 1, ".bcdefg" },
	/* Ranges: whatever they touch, no more. */
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40000000, 1 }, 1, ".bcdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40000000, 2 }, 2, "..cdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40000000, 0x200 }, 2, "..cdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40000000, 0x201 }, 3, "...defg" },
	{ { TLBI_RIPAS2E1IS, 0, 3, 0x40000000, 0x201 }, 2, "..cdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x3ffff000, 1 }, 0, "abcdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40000000, 0 }, 0, "abcdefg" },
	{ { TLBI_RIPAS2E1IS, 0, NONE, 0x40001000, ~UINT64_C(0) }, 3, "a...efg" },
	/* By VMID, all of EL1&0, and stage 1 of EL1&0, of which nothing is kept. */
	{ { TLBI_VMALLS12E1IS, 0, NONE, 0, 0 }, 4, "....efg" },
	{ { TLBI_VMALLS12E1, 7, NONE, 0, 0 }, 1, "abcd.fg" },
	{ { TLBI_ALLE1IS, 0, NONE, 0, 0 }, 5, ".....fg" },
	{ { TLBI_VMALLE1IS, 0, NONE, 0, 0 }, 0, "abcdefg" },
	{ { TLBI_VMALLE1, 0, NONE, 0, 0 }, 0, "abcdefg" },
	/* EL2's own: no VMID is compared. */
	{ { TLBI_VAE2IS, 9, NONE, 0x40000000, 0 }, 1, "abcde.g" },
	{ { TLBI_VAE2IS, 0, NONE, 0x40345000, 0 }, 1, "abcdef." },
	{ { TLBI_VALE2IS, 0, 2, 0x40345000, 0 }, 1, "abcdef." },
	{ { TLBI_VALE2IS, 0, 3, 0x40345000, 0 }, 0, "abcdefg" },
	{ { TLBI_ALLE2, 0, NONE, 0, 0 }, 2, "abcde.." },
};

/* Each TLBI takes exactly the entries that translate what it names, and counts them. */
static void test_invalidate(void)
{
	static const struct {
		enum tlb_regime regime;
		u16 vmid;
		u64 ia;
	} e[] = {
		{ TLB_S2, 0, 0x40000000 },  { TLB_S2, 0, 0x40001000 }, { TLB_S2, 0, 0x40200000 },
		{ TLB_S2, 0, 0x80000000 },  { TLB_S2, 7, 0x40000000 }, { TLB_EL2, 0, 0x40000000 },
		{ TLB_EL2, 0, 0x40200000 },
	};

	for (unsigned int n = 0; n < G_N_ELEMENTS(invs); n++) {
		char left[G_N_ELEMENTS(e) + 1] = "";
		struct tlb tlb;

		populate(&tlb);
		g_assert_cmpuint(tlb_invalidate(&tlb, &invs[n].i, 12), ==, invs[n].gone);
		for (unsigned int k = 0; k < G_N_ELEMENTS(e); k++)
			left[k] =
				has(&tlb, e[k].regime, e[k].vmid, e[k].ia) ? (char)('a' + k) : '.';
		g_assert_cmpstr(left, ==, invs[n].left);
		g_assert_cmpuint(tlb_invalidate(&tlb, &invs[n].i, 12), ==, 0);
	}
}

/* The operations whose name ends in IS reach every CPU; the others only this one. */
static void test_broadcast(void)
{
	for (enum tlbi_op op = 0; op < N_TLBI_OPS; op++) {
		g_assert_nonnull(tlbi_op_name[op]);
		g_assert_cmpint(tlbi_op_broadcast(op), ==,
				g_str_has_suffix(tlbi_op_name[op], "is"));
	}
}

/* An entry answers for every byte it covers and no other, and gives the leaf's output address. */
static void test_lookup(void)
{
	struct tlb tlb;
	struct tlb_entry *e;

	populate(&tlb);
	g_assert_true(has(&tlb, TLB_S2, 0, 0x40001fff));
	g_assert_false(has(&tlb, TLB_S2, 0, 0x40002000));
	g_assert_false(has(&tlb, TLB_S2, 0, 0x3fffffff));
	g_assert_true(has(&tlb, TLB_S2, 0, 0xbfffffff));
	g_assert_false(has(&tlb, TLB_S2, 7, 0x40001000));
	e = tlb_lookup(&tlb, TLB_S2, 0, 0x40345678);
	g_assert_nonnull(e);
	g_assert_cmphex(e->ia, ==, 0x40200000);
	g_assert_cmphex(e->oa.pa, ==, 0x40200000 ^ BIT(35));
	g_assert_cmpint(e->level, ==, 2);
}

/* Walks that fault are not kept, but for permission: that is checked at each use. */
static void test_what_is_kept(void)
{
	struct mmu_table t = table_of(2, 0);
	struct mmu_result res = { .ia_base = 0, .size = PAGE, .level = 3 };
	struct tlb tlb = { 0 };

	for (enum mmu_fault f = MMU_FAULT_ADDRESS_SIZE; f <= MMU_FAULT_EXTERNAL_WALK; f++) {
		memset(&tlb, 0, sizeof(tlb));
		res.fault = f;
		tlb_fill(&tlb, &t, &res, 1);
		g_assert_cmpint(has(&tlb, TLB_S2, 0, 0), ==, f == MMU_FAULT_PERMISSION);
	}
}

/* The same translation filled again takes its own slot, so that no stale twin answers. */
static void test_refill(void)
{
	struct mmu_table t = table_of(2, 0);
	struct mmu_result res = { .ia_base = 0x40001000, .size = PAGE, .level = 3, .w = true };
	struct tlb tlb;
	u32 used;

	populate(&tlb);
	used = tlb.used;
	g_assert_false(tlb_lookup(&tlb, TLB_S2, 0, 0x40001000)->w);
	tlb_fill(&tlb, &t, &res, 99);
	g_assert_cmpuint(tlb.used, ==, used);
	g_assert_true(tlb_lookup(&tlb, TLB_S2, 0, 0x40001000)->w);
	g_assert_cmpuint(tlb_lookup(&tlb, TLB_S2, 0, 0x40001000)->seq, ==, 99);
}

/* A full TLB drops the entry that came first. */
static void test_capacity(void)
{
	struct tlb tlb = { 0 };

	for (u64 n = 0; n < TLB_ENTRIES + 3; n++)
		fill(&tlb, 2, 0, n * PAGE, 3);
	g_assert_cmpuint(tlb.used, ==, TLB_ENTRIES);
	for (u64 n = 0; n < TLB_ENTRIES + 3; n++)
		g_assert_cmpint(has(&tlb, TLB_S2, 0, n * PAGE), ==, n >= 3);
}

/* With 64K granules a TLBI by address covers the granule, and a range counts granules. */
static void test_granule(void)
{
	struct tlbi by_ipa = { TLBI_IPAS2E1IS, 0, NONE, 0x1000, 0 };
	struct tlbi range = { TLBI_RIPAS2E1IS, 0, NONE, 0x10000, 2 };
	struct tlb tlb = { 0 };

	fill(&tlb, 2, 0, 0xf000, 3);
	fill(&tlb, 2, 0, 0x2f000, 3);
	fill(&tlb, 2, 0, 0x30000, 3);
	g_assert_cmpuint(tlb_invalidate(&tlb, &by_ipa, 16), ==, 1);
	g_assert_false(has(&tlb, TLB_S2, 0, 0xf000));
	g_assert_cmpuint(tlb_invalidate(&tlb, &range, 16), ==, 1);
	g_assert_false(has(&tlb, TLB_S2, 0, 0x2f000));
	g_assert_true(has(&tlb, TLB_S2, 0, 0x30000));
}

/* A walk of real tables, kept, goes on answering after the descriptor is gone: what BBM is for. */
static void test_stale(void)
{
	struct tlbi i = { TLBI_IPAS2E1IS, 0, NONE, 0x40000000, 0 };
	struct fake_mem m;
	struct mmu_table t;
	struct mmu_result res;
	struct tlb tlb = { 0 };

	fake_tables(&m, &t, &fake_4k, 2, 40, 0x80000000);
	fake_set(&m, &t, 0x40000000, 3, 0x400007ff);
	g_assert_cmpint(fake_walk(&m, &t, 0x40000008, MMU_READ, &res), ==, MMU_OK);
	tlb_fill(&tlb, &t, &res, 5);
	fake_set(&m, &t, 0x40000000, 3, 0);
	g_assert_cmpint(fake_walk(&m, &t, 0x40000008, MMU_READ, &res), ==, MMU_FAULT_TRANSLATION);
	g_assert_cmphex(tlb_lookup(&tlb, TLB_S2, 0, 0x40000ff8)->desc, ==, 0x400007ff);
	g_assert_cmpuint(tlb_invalidate(&tlb, &i, 12), ==, 1);
	g_assert_false(has(&tlb, TLB_S2, 0, 0x40000ff8));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tlb/invalidate", test_invalidate);
	g_test_add_func("/tlb/broadcast", test_broadcast);
	g_test_add_func("/tlb/lookup", test_lookup);
	g_test_add_func("/tlb/what-is-kept", test_what_is_kept);
	g_test_add_func("/tlb/refill", test_refill);
	g_test_add_func("/tlb/capacity", test_capacity);
	g_test_add_func("/tlb/granule", test_granule);
	g_test_add_func("/tlb/stale", test_stale);
	return g_test_run();
}
