// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors that the real EL2 wrote (or would write, where said), as the MMU
 * and a person read them.
 */
#include <glib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/fake_mem.h"

enum { FWB = 1, XNX = 2, LPA2 = 4, HVHE = 8, BTI = 16 };

struct worked {
	const char *row; /* of the table of worked values */
	u64 desc;
	unsigned int stage;
	int level;
	unsigned int features;
	const char *perms; /* of "rwx"; NULL: a translation fault */
	unsigned int memattr;
	u64 oa;
	const char *words[3]; /* that the decoding must contain */
	const char *brief;
};

#define RAM 0x40000000
#define MMIO 0x09000000

/* clang-format off */
static const struct worked worked[] = {
	{ "1", 0x00000000400007df, 2, 3, FWB | XNX, "rwx", 7, RAM,
	  { "as stage 1 says", "EL1 and EL0 may execute", "inner shareable" },
	  "(page oa:0x40000000 RWX AS-S1 AF SH)" },
	{ "2", 0x00000000400007ff, 2, 3, 0, "rwx", 15, RAM,
	  { "Normal, write-back", "read, write" }, "(page oa:0x40000000 RWX NORMAL AF SH)" },
	{ "3", 0x00000000400007db, 2, 3, FWB, "rwx", 6, RAM,
	  { "Normal, write-back by force" }, "(page oa:0x40000000 RWX NORMAL AF SH)" },
	{ "4", 0x00000000400007dd, 2, 2, FWB, "rwx", 7, RAM,
	  { "block of 2 MiB" }, "(block 2 MiB oa:0x40000000 RWX AS-S1 AF SH)" },
	{ "5", 0x00000000400007fd, 2, 2, 0, "rwx", 15, RAM,
	  { "block of 2 MiB" }, "(block 2 MiB oa:0x40000000 RWX NORMAL AF SH)" },
	{ "6", 0x00400000000007dd, 2, 1, FWB, "rw", 7, 0,
	  { "block of 1 GiB", "no execute" }, "(block 1 GiB oa:0x0 RW AS-S1 AF SH)" },
	{ "7", 0x00400000090007df, 2, 3, FWB, "rw", 7, MMIO,
	  { "no execute" }, "(page oa:0x9000000 RW AS-S1 AF SH)" },
	{ "8", 0x00400000090007ff, 2, 3, 0, "rw", 15, MMIO,
	  { "no execute" }, "(page oa:0x9000000 RW NORMAL AF SH)" },
	{ "9", 0x004000004100075f, 2, 3, FWB, "r", 7, 0x41000000,
	  { "read only", "no execute" }, "(page oa:0x41000000 R AS-S1 AF SH)" },
	{ "10, FWB", 0x00400000090007c7, 2, 3, FWB, "rw", 1, MMIO,
	  { "Device-nGnRE" }, "(page oa:0x9000000 RW DEVICE AF SH)" },
	{ "10", 0x00400000090007c7, 2, 3, 0, "rw", 1, MMIO,
	  { "Device-nGnRE" }, "(page oa:0x9000000 RW DEVICE AF SH)" },
	{ "11, FWB", 0x00400000400007d7, 2, 3, FWB, "rw", 5, RAM,
	  { "Normal, non-cacheable" }, "(page oa:0x40000000 RW NC AF SH)" },
	{ "11", 0x00400000400007d7, 2, 3, 0, "rw", 5, RAM,
	  { "Normal, non-cacheable" }, "(page oa:0x40000000 RW NC AF SH)" },
	{ "12", 0x00800000400007db, 2, 3, FWB, "rwx", 6, RAM,
	  { "SW        = 0b0001" }, "(page oa:0x40000000 RWX NORMAL AF SH SW0)" },
	{ "13", 0x01000000400007db, 2, 3, FWB, "rwx", 6, RAM,
	  { "SW        = 0b0010" }, "(page oa:0x40000000 RWX NORMAL AF SH SW1)" },
	{ "14", 0x01000000400007d9, 2, 2, FWB, "rwx", 6, RAM,
	  { "SW        = 0b0010", "2 MiB" }, "(block 2 MiB oa:0x40000000 RWX NORMAL AF SH SW1)" },
	{ "15", 0x00600000400007db, 2, 3, FWB | XNX, "rwx", 6, RAM,
	  { "only EL1 may execute" }, "(page oa:0x40000000 RWX X-EL1-ONLY NORMAL AF SH)" },
	{ "15, no XNX", 0x00600000400007db, 2, 3, FWB, "rw", 6, RAM,
	  { "not looked at", "no execute" }, "(page oa:0x40000000 RW NORMAL AF SH)" },
	{ "16", 0x00200000400007db, 2, 3, FWB | XNX, "rw", 6, RAM,
	  { "only EL0 may execute" }, "(page oa:0x40000000 RW X-EL0-ONLY NORMAL AF SH)" },
	{ "16, no XNX", 0x00200000400007db, 2, 3, FWB, "rwx", 6, RAM,
	  { "not looked at" }, "(page oa:0x40000000 RWX NORMAL AF SH)" },
	{ "17", 0x000000004000075b, 2, 3, FWB, "rx", 6, RAM,
	  { "read only" }, "(page oa:0x40000000 RX NORMAL AF SH)" },
	{ "19", 0x00000000400004df, 2, 3, FWB | LPA2, "rwx", 7, RAM,
	  { "no SH with LPA2" }, "(page oa:0x40000000 RWX AS-S1 AF)" },
	{ "20", 0x00000000400007df, 2, 3, FWB | LPA2, "rwx", 7, 0xc000040000000,
	  { "OA        = 0xc000040000000", "OA[51:50] = 0b11" },
	  "(page oa:0xc000040000000 RWX AS-S1 AF)" },
	{ "22", 0x0040000040000743, 1, 3, 0, "rw", 0, RAM,
	  { "MAIR 0", "read, write", "no execute" }, "(page oa:0x40000000 RW NORMAL AF SH)" },
	{ "23", 0x00000000400007c3, 1, 3, 0, "rx", 0, RAM,
	  { "read only", "XN        = 0b0" }, "(page oa:0x40000000 RX NORMAL AF SH)" },
	{ "23, BTI", 0x00040000400007c3, 1, 3, BTI, "rx", 0, RAM,
	  { "guarded" }, "(page oa:0x40000000 RX NORMAL AF SH GP)" },
	{ "24", 0x00400000400007c3, 1, 3, 0, "r", 0, RAM,
	  { "read only", "no execute" }, "(page oa:0x40000000 R NORMAL AF SH)" },
	{ "25", 0x0040000009000753, 1, 3, 0, "rw", 4, MMIO,
	  { "Device-nGnRE" }, "(page oa:0x9000000 RW DEVICE AF SH)" },
	{ "26", 0x0040000040000741, 1, 2, 0, "rw", 0, RAM,
	  { "block of 2 MiB" }, "(block 2 MiB oa:0x40000000 RW NORMAL AF SH)" },
	{ "27, RW", 0x0060000040000703, 1, 3, HVHE, "rw", 0, RAM,
	  { "EL2 read, write", "EL2 may not execute", "EL0 may not execute" },
	  "(page oa:0x40000000 RW NORMAL AF SH)" },
	{ "27, exec", 0x0000000040000783, 1, 3, HVHE, "rx", 0, RAM,
	  { "EL2 read only", "EL2 may execute", "EL0 may execute" },
	  "(page oa:0x40000000 RX NORMAL AF SH)" },
	{ "27, RO", 0x0060000040000783, 1, 3, HVHE, "r", 0, RAM,
	  { "EL2 read only" }, "(page oa:0x40000000 R NORMAL AF SH)" },
	/* The defect that 6.19 fixed: UXN says nothing of EL2. */
	{ "28", 0x0040000040000703, 1, 3, HVHE, "rwx", 0, RAM,
	  { "EL2 may execute", "EL0 may not execute" }, "(page oa:0x40000000 RWX NORMAL AF SH)" },
	{ "29", 0x0060000009000713, 1, 3, HVHE, "rw", 4, MMIO,
	  { "Device-nGnRE" }, "(page oa:0x9000000 RW DEVICE AF SH)" },
	{ "30", 0x00c0000040000743, 1, 3, 0, "rw", 0, RAM,
	  { "SW        = 0b0001" }, "(page oa:0x40000000 RW NORMAL AF SH SW0)" },
	{ "31", 0x0000000000000004, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x4 (in place)" }, "(invalid raw:0x4)" },
	{ "32", 0x0000000000000008, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x8 (in place)" }, "(invalid raw:0x8)" },
	{ "33, v6.12", 0x0000000000000400, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x400 (in place)" }, "(invalid raw:0x400)" },
	{ "33, v7.2", 0x1000000000000000, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x1000000000000000" }, "(invalid raw:0x1000000000000000)" },
	{ "34", 0x2000000000000002, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x2000000000000002" }, "(invalid raw:0x2000000000000002)" },
	{ "35", 0x2000004000010004, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x2000004000010004" }, "(invalid raw:0x2000004000010004)" },
	{ "36", 0x2000008000010034, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x2000008000010034" }, "(invalid raw:0x2000008000010034)" },
	{ "37", 0x3000000000000000, 2, 3, 0, NULL, 0, 0,
	  { "invalid", "0x3000000000000000" }, "(invalid raw:0x3000000000000000)" },
};
/* clang-format on */

static struct arch_features features(unsigned int set)
{
	struct arch_features f = fake_4k;

	f.fwb = set & FWB;
	f.xnx = set & XNX;
	f.lpa2 = set & LPA2;
	f.hvhe = set & HVHE;
	f.bti = set & BTI;
	if (f.lpa2)
		f.pa_bits = 52;
	return f;
}

static void check_walk(const struct worked *w, const struct arch_features *f)
{
	static const char letter[] = { [MMU_READ] = 'r', [MMU_WRITE] = 'w', [MMU_EXEC] = 'x' };
	unsigned int ia_bits = f->lpa2 ? 52 : w->stage == 1 ? 48 : 40;
	u64 offset = BIT(level_shift(12, w->level)) - 8, ia = w->oa | offset;
	struct fake_mem m;
	struct mmu_table t;
	struct mmu_result res;

	fake_tables(&m, &t, f, w->stage, ia_bits, 0x80000000);
	fake_set(&m, &t, ia, w->level, w->desc);
	for (enum mmu_access acc = MMU_READ; acc <= MMU_EXEC; acc++) {
		enum mmu_fault want = !w->perms			      ? MMU_FAULT_TRANSLATION
				      : strchr(w->perms, letter[acc]) ? MMU_OK
								      : MMU_FAULT_PERMISSION;

		g_assert_cmpint(fake_walk(&m, &t, ia, acc, &res), ==, want);
		g_assert_cmpint(res.level, ==, w->level);
		g_assert_cmphex(res.desc, ==, w->desc);
		g_assert_cmphex(res.desc_pa.pa, ==, fake_entry(&m, &t, ia, w->level));
		g_assert_cmphex(res.size, ==, offset + 8);
		g_assert_cmphex(res.ia_base, ==, w->oa);
		if (!w->perms)
			continue;
		g_assert_cmphex(res.oa.pa, ==, ia);
		g_assert_cmpuint(res.memattr, ==, w->memattr);
	}
}

/* Each worked value translates, or faults, as its meaning says, and its words and brief say so. */
static void test_worked(gconstpointer data)
{
	const struct worked *w = data;
	struct arch_features f = features(w->features);
	g_autofree char *text = desc_decode(&f, w->desc, w->stage, w->level);
	g_autofree char *brief = desc_brief(&f, w->desc, w->stage, w->level);

	check_walk(w, &f);
	for (unsigned int i = 0; i < G_N_ELEMENTS(w->words) && w->words[i]; i++)
		if (!strstr(text, w->words[i]))
			g_error("row %s: no \"%s\" in:\n%s", w->row, w->words[i], text);
	g_assert_cmpstr(brief, ==, w->brief);
}

/* Row 18: with AF clear any access faults, unless hardware keeps the flag: then it sets it. */
static void test_row_18(void)
{
	struct arch_features f = features(FWB);
	struct fake_mem m;
	struct mmu_table t;
	struct mmu_result res;
	g_autofree char *text = desc_decode(&f, 0x400003db, 2, 3);

	fake_tables(&m, &t, &f, 2, 40, 0x80000000);
	fake_set(&m, &t, RAM, 3, 0x400003db);
	for (enum mmu_access acc = MMU_READ; acc <= MMU_EXEC; acc++) {
		g_assert_cmpint(fake_walk(&m, &t, RAM, acc, &res), ==, MMU_FAULT_ACCESS_FLAG);
		g_assert_cmpint(res.level, ==, 3);
	}
	f.hafdbs = true;
	g_assert_cmpint(fake_walk(&m, &t, RAM, MMU_READ, &res), ==, MMU_OK);
	g_assert_true(res.sets_af);
	g_assert_nonnull(strstr(text, "AF        = 0b0"));
}

/* Row 21: a table entry leads to the page it names, and permits nothing by itself. */
static void test_row_21(void)
{
	struct fake_mem m;
	struct mmu_table t;
	struct mmu_result res;
	g_autofree char *text = desc_decode(&fake_4k, 0x80001003, 2, 1);
	g_autofree char *brief = desc_brief(&fake_4k, 0x80001003, 2, 1);

	fake_tables(&m, &t, &fake_4k, 2, 36, 0x80000000);
	fake_set(&m, &t, RAM, 2, 0);
	g_assert_cmpint(fake_walk(&m, &t, RAM, MMU_READ, &res), ==, MMU_FAULT_TRANSLATION);
	g_assert_cmphex(res.descs[0], ==, 0x80001003);
	g_assert_cmphex(res.table_pa[1].pa, ==, 0x80001000);
	g_assert_cmpint(res.level, ==, 2);
	g_assert_nonnull(strstr(text, "leads to level 2"));
	g_assert_nonnull(strstr(text, "0x80001000"));
	g_assert_cmpstr(brief, ==, "(table next:0x80001000)");
}

/* Any value at any level and stage decodes into lines of at most 78 columns that name bits. */
static void test_any_value_fits(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);

	for (unsigned int n = 0; n < 20000; n++) {
		u64 desc = (u64)g_rand_int(rand) << 32 | g_rand_int(rand);
		struct arch_features f = features(n & 31);
		g_autofree char *text = NULL, *brief = NULL;
		g_auto(GStrv) lines = NULL;

		f.page_shift = n % 3 == 0 ? 12 : n % 3 == 1 ? 14 : 16;
		text = desc_decode(&f, desc, 1 + n / 3 % 2, (int)(n / 7 % 4));
		brief = desc_brief(&f, desc, 1 + n / 3 % 2, (int)(n / 7 % 4));
		g_assert_true(g_str_has_suffix(text, "\n") && g_str_has_suffix(brief, ")"));
		lines = g_strsplit(text, "\n", -1);
		for (char **l = lines; *l && **l; l++) {
			g_assert_cmpuint(strlen(*l), <=, 78);
			g_assert_true(**l == '[' || **l == ' ');
		}
	}
}

/* Whatever address the format can hold comes back from a descriptor; the rest is dropped. */
static void test_pa_round_trip(void)
{
	static const struct {
		u8 page_shift, bits;
		bool lpa2;
	} c[] = { { 16, 52, true },  { 12, 48, false }, { 14, 48, false },
		  { 16, 52, false }, { 12, 52, true },	{ 14, 52, true } };
	g_autoptr(GRand) rand = g_rand_new_with_seed(2);

	for (unsigned int n = 0; n < 5000; n++) {
		u64 pa = (u64)g_rand_int(rand) << 32 | g_rand_int(rand);
		unsigned int k = n % G_N_ELEMENTS(c);
		struct arch_features f = { .page_shift = c[k].page_shift,
					   .lpa2 = c[k].lpa2,
					   .pa_bits = c[k].bits };

		g_assert_cmphex(pa_from_pte(&f, pte_from_pa(&f, PA(pa))).pa, ==,
				pa & GENMASK(c[k].bits - 1, c[k].page_shift));
		g_assert_cmphex(pte_from_pa(&f, PA(pa)) & 3, ==, 0);
	}
}

/* Where the upper address bits go in each format: [15:12] with 64K, [9:8] with LPA2. */
static void test_pa_fields(void)
{
	struct arch_features f = { .page_shift = 16, .pa_bits = 52 };

	g_assert_cmphex(pte_from_pa(&f, PA(0xf000000010000)), ==, 0x1f000);
	f = (struct arch_features){ .page_shift = 14, .pa_bits = 52, .lpa2 = true };
	g_assert_cmphex(pte_from_pa(&f, PA(0xf000000004000)), ==, 0x3000000004300);
	f.lpa2 = false;
	g_assert_cmphex(pte_from_pa(&f, PA(0xf000000004000)), ==, 0x4000);
}

/* A bug of ours says where on standard error, and ends the program with 3 and nothing else. */
static void test_sim_bug(void)
{
	char text[256] = "";
	int fd[2], status = 0;
	pid_t child;

	g_assert_cmpint(pipe(fd), ==, 0);
	child = fork();
	if (!child) {
		dup2(fd[1], STDERR_FILENO);
		sim_bug("walk.c", 12, "level <= 3");
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 3);
	g_assert_cmpint(read(fd[0], text, sizeof(text) - 1), >, 0);
	g_assert_cmpstr(text, ==, "pkvm-sim: internal error: walk.c:12: level <= 3\n");
	close(fd[0]);
	close(fd[1]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(worked); i++) {
		g_autofree char *path = g_strdup_printf("/desc/worked/row %s", worked[i].row);

		g_test_add_data_func(path, &worked[i], test_worked);
	}
	g_test_add_func("/desc/worked/row 18", test_row_18);
	g_test_add_func("/desc/worked/row 21", test_row_21);
	g_test_add_func("/desc/any-value-fits", test_any_value_fits);
	g_test_add_func("/desc/pa-round-trip", test_pa_round_trip);
	g_test_add_func("/desc/pa-fields", test_pa_fields);
	g_test_add_func("/bug/says-where", test_sim_bug);
	return g_test_run();
}
