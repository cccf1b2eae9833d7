// SPDX-License-Identifier: GPL-2.0-or-later
/* Shapes of tables, and VTCR_EL2, against figures that real kernels computed. */
#include <glib.h>

#include "sim/arch/arch.h"

static const struct {
	u8 page_shift, ia_bits;
	bool lpa2;
	int start;
	unsigned int sl0, pages;
} shape[] = {
	{ 12, 32, false, 2, 0, 4 },  { 12, 36, false, 1, 1, 1 },  { 12, 39, false, 1, 1, 1 },
	{ 12, 40, false, 1, 1, 2 },  { 12, 42, false, 1, 1, 8 },  { 12, 43, false, 1, 1, 16 },
	{ 12, 44, false, 0, 2, 1 },  { 12, 48, false, 0, 2, 1 },  { 12, 52, true, 0, 2, 16 },
	{ 14, 36, false, 2, 1, 1 },  { 14, 40, false, 2, 1, 16 }, { 14, 42, false, 1, 2, 1 },
	{ 14, 44, false, 1, 2, 1 },  { 14, 48, false, 1, 2, 2 },  { 14, 51, true, 1, 2, 16 },
	{ 14, 52, true, 0, 3, 1 },   { 16, 40, false, 2, 1, 1 },  { 16, 44, false, 2, 1, 4 },
	{ 16, 46, false, 2, 1, 16 }, { 16, 47, false, 1, 2, 1 },  { 16, 48, false, 1, 2, 1 },
	{ 16, 52, false, 1, 2, 1 },
};

/* Start level, SL0 and number of start tables of each input size are what kernels take. */
static void test_shape(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(shape); i++) {
		struct arch_features f = { .page_shift = shape[i].page_shift,
					   .pa_bits = 52,
					   .lpa2 = shape[i].lpa2 };
		u64 vtcr = s2_vtcr(&f, shape[i].ia_bits);

		g_assert_cmpint(s2_start_level(f.page_shift, shape[i].ia_bits), ==, shape[i].start);
		g_assert_cmpuint(s2_pgd_pages(f.page_shift, shape[i].ia_bits), ==, shape[i].pages);
		g_assert_cmpuint(FIELD_GET(GENMASK(7, 6), vtcr), ==, shape[i].sl0);
		g_assert_cmpuint(64 - FIELD_GET(GENMASK(5, 0), vtcr), ==, shape[i].ia_bits);
	}
}

static const struct {
	u8 page_shift, pa_bits, ia_bits;
	bool vmid16, lpa2;
	u64 vtcr;
} vtcr[] = {
	{ 12, 32, 32, true, false, 0x80283520 },  { 12, 36, 36, true, false, 0x8029355c },
	{ 12, 40, 39, true, false, 0x802a3559 },  { 12, 40, 40, true, false, 0x802a3558 },
	{ 12, 42, 42, true, false, 0x802b3556 },  { 12, 44, 43, true, false, 0x802c3555 },
	{ 12, 44, 44, true, false, 0x802c3594 },  { 12, 48, 48, true, false, 0x802d3590 },
	{ 12, 52, 48, true, false, 0x802d3590 },  { 12, 40, 40, false, false, 0x80223558 },
	{ 12, 52, 52, false, true, 0x18026358c }, { 14, 40, 40, true, false, 0x802ab558 },
	{ 14, 48, 48, true, false, 0x802db590 },  { 16, 44, 44, true, false, 0x802c7554 },
	{ 16, 48, 48, true, false, 0x802d7590 },
};

/* VTCR_EL2 equals, bit for bit, what 6.12 and 7.2 wrote; 52 bits without LPA2 count as 48. */
static void test_vtcr(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(vtcr); i++) {
		struct arch_features f = { .page_shift = vtcr[i].page_shift,
					   .pa_bits = vtcr[i].pa_bits,
					   .vmid16 = vtcr[i].vmid16,
					   .lpa2 = vtcr[i].lpa2,
					   .hafdbs = true };

		g_assert_cmphex(s2_vtcr(&f, vtcr[i].ia_bits), ==, vtcr[i].vtcr);
	}
}

/* HA of VTCR_EL2 follows the feature. */
static void test_vtcr_ha(void)
{
	struct arch_features f = { .page_shift = 12, .pa_bits = 40, .vmid16 = true };

	g_assert_cmphex(s2_vtcr(&f, 40), ==, 0x800a3558);
}

/* EL2's own tables start where the VA size says, and beyond -1..3 where it cannot be. */
static void test_stage1(void)
{
	g_assert_cmpint(s1_start_level(12, 39), ==, 1);
	g_assert_cmpint(s1_start_level(12, 48), ==, 0);
	g_assert_cmpint(s1_start_level(12, 52), ==, -1);
	g_assert_cmpint(s1_start_level(14, 47), ==, 1);
	g_assert_cmpint(s1_start_level(14, 48), ==, 0);
	g_assert_cmpint(s1_start_level(16, 48), ==, 1);
	g_assert_cmpint(s1_start_level(12, 58), <, -1);
	g_assert_cmpint(s1_start_level(12, 12), >, 3);
	g_assert_cmpint(s1_start_level(12, 0), >, 3);
}

/* Bytes by level and entries by table of the three granules. */
static void test_granules(void)
{
	static const unsigned int shift[][6] = {
		/* granule, levels 3 up to -1 */
		{ 12, 12, 21, 30, 39, 48 },
		{ 14, 14, 25, 36, 47, 58 },
		{ 16, 16, 29, 42, 55, 0 },
	};

	for (unsigned int g = 0; g < 3; g++) {
		for (int level = 3; level >= (g == 2 ? 0 : -1); level--)
			g_assert_cmpuint(level_shift(shift[g][0], level), ==, shift[g][4 - level]);
		g_assert_cmpuint(table_entries(shift[g][0]) * 8, ==, 1u << shift[g][0]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/geometry/shape", test_shape);
	g_test_add_func("/geometry/vtcr", test_vtcr);
	g_test_add_func("/geometry/vtcr-ha", test_vtcr_ha);
	g_test_add_func("/geometry/stage1", test_stage1);
	g_test_add_func("/geometry/granules", test_granules);
	return g_test_run();
}
