// SPDX-License-Identifier: GPL-2.0-or-later
/* Boards and their memory: what they hold, what they cost, how they go back. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/board/board_private.h"
#include "tests/unit/board_fixture.h"

#define K UINT64_C(1024)
#define M (K * 1024)
#define G (M * 1024)

/* ---- Configuration --------------------------------------------------------------------- */

static char *board_words(const char *name)
{
	struct board_config *c = board_config_machine(name);
	GString *s = g_string_new(NULL);

	g_string_append_printf(s, "%u %u %u", 1u << c->f.page_shift, c->f.pa_bits, c->n_cpus);
	for (guint i = 0; i < c->ram->len; i++) {
		const struct ram_region *r = &g_array_index(c->ram, struct ram_region, i);

		g_string_append_printf(s, " %lx+%lx%s", (unsigned long)r->base,
				       (unsigned long)r->size, r->nomap ? "n" : "");
	}
	for (guint i = 0; i < c->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(c->mmio, struct mmio_window, i);

		g_string_append_printf(s, " %s=%lx+%lx%s", w->name, (unsigned long)w->base,
				       (unsigned long)w->size, w->model == WINDOW_DMA ? "d" : "");
	}
	board_config_free(c);
	return g_string_free(s, FALSE);
}

/* The built-in boards are the table of the language's page, region by region. */
static void test_machines(void)
{
	static const char *const want[][2] = {
		{ "virt", "4096 40 2 40000000+40000000 gicd=8000000+10000 its=8080000+20000 "
			  "gicr=80a0000+f00000 uart=9000000+1000 rtc=9010000+1000 "
			  "smmu=9050000+20000 dma=a000000+1000d" },
		{ "phone", "4096 40 4 80000000+40000000 c0000000+1000000n c1000000+3f000000 "
			   "880000000+80000000 uart=10000000+1000 gicd=12000000+10000 "
			   "its=12040000+20000 smmu=15000000+80000 dma=16000000+1000d "
			   "pcie=40000000+20000000" },
		{ "server48", "4096 48 4 80000000+80000000 8080000000+f80000000 "
			      "uart=10000000+1000 gicd=20000000+10000 its=20040000+20000 "
			      "smmu=1000000000+80000 pcie=400000000000+10000000000 "
			      "dma=30000000+1000d" },
		{ "tiny", "4096 40 2 40000000+801000 40c03000+7fd000 uart=9000000+1000 "
			  "gap=40801000+1000 dma=a000000+1000d" },
	};
	const char *const *names = board_machine_names();

	for (guint i = 0; i < G_N_ELEMENTS(want); i++) {
		g_autofree char *got = board_words(want[i][0]);
		struct board *b = board_named(want[i][0]);

		g_assert_cmpstr(names[i], ==, want[i][0]);
		g_assert_nonnull(board_machine_doc(names[i]));
		g_assert_cmpstr(got, ==, want[i][1]);
		board_free(b);
	}
	g_assert_null(names[G_N_ELEMENTS(want)]);
	g_assert_null(board_config_machine("desktop"));
}

/* The default features make the VTCR that the recordings of real code have. */
static void test_default_features(void)
{
	struct board *b = board_named("virt");

	g_assert_cmphex(s2_vtcr(b->f, 40), ==, 0x80223558);
	g_assert_true(b->f->fwb);
	g_assert_cmphex(board_pa_limit(b), ==, UINT64_C(1) << 40);
	board_free(b);
}

struct bad_config {
	struct ram_region ram[3];
	struct mmio_window mmio[3];
	unsigned int which;
	const char *says;
};

/* Of regions that cannot be, the one to blame is named by its place and in words. */
static void test_bad_configs(void)
{
	static const struct bad_config bad[] = {
		{ .ram = { { 0x40000000, 0x1000, false }, { 0x40000fff, 1, true } },
		  .which = 1,
		  .says = "overlaps RAM 0x40000000+0x1000" },
		{ .ram = { { 0x40001000, 0x1000, false },
			   { 0x80000000, 1, false },
			   { 0x3ffff000, 0x3000, false } },
		  .which = 2,
		  .says = "RAM 0x3ffff000+0x3000 overlaps RAM 0x40001000+0x1000" },
		{ .ram = { { 0x40000000, 0x1000, false } },
		  .mmio = { { "a", 0x1000, 0x1000, WINDOW_REGS },
			    { "b", 0x40000800, 0x10, WINDOW_REGS } },
		  .which = 2,
		  .says = "window b 0x40000800+0x10 overlaps RAM" },
		{ .mmio = { { "a", 0x1000, 0x1001, WINDOW_REGS },
			    { "b", 0x2000, 0x1000, WINDOW_REGS } },
		  .which = 1,
		  .says = "window b 0x2000+0x1000 overlaps window a" },
		{ .ram = { { 0x1000, ~UINT64_C(0), false } }, .which = 0, .says = "wraps" },
		{ .ram = { { UINT64_C(1) << 40, 1, false } }, .which = 0, .says = "PA limit" },
		{ .ram = { { 0x1000, (UINT64_C(1) << 40) - 0xfff, false } },
		  .which = 0,
		  .says = "PA limit" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct board_config *c = config_bare();
		unsigned int which = 99;
		GError *error = NULL;

		for (guint k = 0; k < 3 && bad[i].ram[k].size; k++)
			g_array_append_val(c->ram, bad[i].ram[k]);
		for (guint k = 0; k < 3 && bad[i].mmio[k].size; k++)
			g_array_append_val(c->mmio, bad[i].mmio[k]);
		g_assert_false(board_config_check(c, &which, &error));
		g_assert_cmpuint(which, ==, bad[i].which);
		g_assert_true(error->domain == BOARD_ERROR);
		g_assert_nonnull(strstr(error->message, bad[i].says));
		g_error_free(error);
		board_config_free(c);
	}
}

/* A window may lie inside a carve-out; an empty region, odd sizes and CPUs are refused. */
static void test_config_edges(void)
{
	struct board_config *c = config_bare();
	unsigned int which;

	add_mmio(c, "z", 0x50000000, 0x1000, WINDOW_REGS);
	add_mmio(c, "fw", 0x40100000, 0x1000, WINDOW_REGS);
	add_ram(c, 0x40100000, 0x10000, true);
	add_ram(c, 0x40000000, 0x100000, false);
	g_assert_true(board_config_check(c, &which, NULL));
	g_assert_cmphex(g_array_index(c->ram, struct ram_region, 0).base, ==, 0x40000000);
	g_assert_cmpstr(g_array_index(c->mmio, struct mmio_window, 0).name, ==, "fw");
	add_ram(c, 0x70000000, 0, false);
	g_assert_false(board_config_check(c, &which, NULL));
	g_assert_cmpuint(which, ==, 2);
	g_array_set_size(c->ram, 2);
	c->f.pa_bits = 39;
	g_assert_false(board_config_check(c, &which, NULL));
	g_assert_cmpuint(which, ==, 4);
	c->f.pa_bits = 52;
	g_assert_false(board_config_check(c, &which, NULL));
	c->f.lpa2 = true;
	g_assert_true(board_config_check(c, &which, NULL));
	c->f.page_shift = 16;
	g_assert_false(board_config_check(c, &which, NULL));
	c->f.lpa2 = false;
	g_assert_true(board_config_check(c, &which, NULL));
	c->n_cpus = BOARD_MAX_CPUS + 1;
	g_assert_false(board_config_check(c, &which, NULL));
	board_config_free(c);
}

/* A window that no address space can hold is an error in words, not a crash. */
static void test_too_large(void)
{
	struct board_config *c = config_bare();
	GError *error = NULL;

	c->f.page_shift = 16;
	c->f.pa_bits = 52;
	add_mmio(c, "huge", 0x100000, (UINT64_C(1) << 52) - 0x100000, WINDOW_REGS);
	g_assert_null(board_new(c, &error));
	g_assert_error(error, BOARD_ERROR, 0);
	g_error_free(error);
	board_config_free(c);
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* Loads of every width see the bytes of a little endian machine. */
static void test_widths(void)
{
	struct board *b = board_named("tiny");
	struct cpu *cpu = &b->cpus[0];
	u64 pa = 0x40000100;

	mem_store64(cpu, PA(pa), UINT64_C(0x8877665544332211), MO_RELEASE);
	g_assert_cmphex(mem_load8(cpu, PA(pa + 3), MO_PLAIN), ==, 0x44);
	g_assert_cmphex(mem_load16(cpu, PA(pa + 4), MO_PLAIN), ==, 0x6655);
	g_assert_cmphex(mem_load32(cpu, PA(pa + 4), MO_ONCE), ==, 0x88776655);
	mem_store16(cpu, PA(pa + 2), 0xbeef, MO_ONCE);
	mem_store8(cpu, PA(pa), 0, MO_PLAIN);
	mem_store32(cpu, PA(pa + 4), 1, MO_PLAIN);
	g_assert_cmphex(mem_load64(cpu, PA(pa), MO_ACQUIRE), ==, UINT64_C(0x1beef2200));
	g_assert_false(mem_cmpxchg64(cpu, PA(pa), 1, 2, MO_PLAIN));
	g_assert_true(mem_cmpxchg64(cpu, PA(pa), UINT64_C(0x1beef2200), 2, MO_PLAIN));
	g_assert_cmphex(peek(b, pa), ==, 2);
	board_free(b);
}

/* The bus answers to the byte where RAM starts and ends, and nowhere else. */
static void test_bus_bounds(void)
{
	struct board_config *c = config_bare();
	struct board *b;
	u64 v;

	add_ram(c, 0x40000810, 0x123, false);
	add_ram(c, 0x40000933, 0x10, true);
	add_mmio(c, "w", 0x40000a00, 3, WINDOW_REGS);
	b = board_of(c);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x4000080f), 1, &v), ==, BUS_ERROR);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x40000809), 8, &v), ==, BUS_ERROR);
	g_assert_cmpint(bus_write(&b->cpus[0], PA(0x40000810), 8, 0x1122334455667788), ==, BUS_OK);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x40000811), 4, &v), ==, BUS_OK);
	g_assert_cmphex(v, ==, 0x44556677);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x40000932), 2, &v), ==, BUS_ERROR);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x40000942), 1, &v), ==, BUS_OK);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(0x40000943), 1, &v), ==, BUS_ERROR);
	g_assert_cmpint(bus_write(&b->cpus[0], PA(0x40000a02), 2, 0), ==, BUS_ERROR);
	g_assert_cmpint(bus_write(&b->cpus[0], PA(0x40000a01), 2, 7), ==, BUS_OK);
	g_assert_cmpint(bus_read(&b->cpus[0], PA(~UINT64_C(0)), 8, &v), ==, BUS_ERROR);
	g_assert_false(board_read_desc(b, PA(0x40000808), &v));
	g_assert_false(board_peek64(b, PA(0), &v));
	board_free(b);
}

static u64 resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, resident = 0;

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident;
}

/* A 64 GiB board with a 1 TiB window costs what is touched: far below 64 MiB. */
static void test_cost_of_large_board(void)
{
	u64 before = resident_pages(), after;
	struct board *b = board_named("server48");

	mem_zero(&b->cpus[0], PA(0x8080000000), 62 * G);
	for (u64 i = 0; i < 62; i++)
		put(b, 0x8080000000 + i * G, i + 1);
	for (u64 i = 0; i < 1024; i += 8)
		put(b, 0x400000000000 + i * G, i + 1);
	for (u64 i = 0; i < 62; i++)
		g_assert_cmpuint(peek(b, 0x8080000000 + i * G), ==, i + 1);
	g_assert_cmpuint(board_resident_bytes(b), ==, (62 + 128) * 4 * K);
	after = resident_pages();
	g_assert_cmpuint(after * (u64)sysconf(_SC_PAGESIZE), <,
			 before * (u64)sysconf(_SC_PAGESIZE) + 48 * M);
	board_free(b);
}

/* Zeroing touches nothing that was never written, and zeroes what was, to the byte. */
static void test_zero(void)
{
	struct board *b = board_named("virt");
	struct cpu *cpu = &b->cpus[0];

	mem_zero(cpu, PA(0x40000000), 128 * M);
	g_assert_cmpuint(board_resident_bytes(b), ==, 0);
	for (u64 pa = 0x40000ff8; pa < 0x40003010; pa += 8)
		put(b, pa, ~UINT64_C(0));
	g_assert_cmpuint(board_resident_bytes(b), ==, 4 * 4 * K);
	mem_zero(cpu, PA(0x40000ffc), 0x2000);
	g_assert_cmphex(peek(b, 0x40000ff8), ==, 0xffffffff);
	for (u64 pa = 0x40001000; pa < 0x40002ff8; pa += 8)
		g_assert_cmphex(peek(b, pa), ==, 0);
	g_assert_cmphex(peek(b, 0x40002ff8), ==, UINT64_C(0xffffffff00000000));
	mem_zero(cpu, PA(0x40000000), 128 * M);
	g_assert_cmphex(peek(b, 0x40003008), ==, 0);
	g_assert_cmpuint(board_resident_bytes(b), ==, 0);
	board_free(b);
}

/* A copy is the same bytes, watched or not, and copies nothing where nothing is. */
static void test_copy(void)
{
	struct board *b = board_named("virt");
	GString *events = g_string_new(NULL);

	for (u64 i = 0; i < 100; i++)
		put(b, 0x40000f80 + 8 * i, i);
	mem_copy(&b->cpus[0], PA(0x40100004), PA(0x40000f80), 8 * 100);
	mem_copy(&b->cpus[0], PA(0x40200000), PA(0x48000000), 64 * M);
	g_assert_cmpuint(board_resident_bytes(b), ==, 3 * 4 * K);
	board_subscribe(b, events_to_string, events);
	mem_copy(&b->cpus[0], PA(0x40180000), PA(0x40000f80), 8 * 100);
	mem_copy(&b->cpus[0], PA(0x40180001), PA(0x40000f80), 3);
	board_unsubscribe(b, events_to_string, events);
	g_assert_cmpuint(b->seq, ==, 2 * 100 + 2 * 3);
	for (u64 i = 1; i < 100; i++) {
		u64 v;

		g_assert_cmpuint(peek(b, 0x40180000 + 8 * i), ==, i);
		g_assert_true(board_peek(b, PA(0x40100004 + 8 * i), 8, &v));
		g_assert_cmpuint(v, ==, i);
	}
	g_string_free(events, TRUE);
	board_free(b);
}

/* ---- Snapshots ------------------------------------------------------------------------------ */

#define LEVELS 6
#define AREA (16 * 4 * K)

struct reference { /* what the machine must look like again */
	struct snapshot *s;
	u8 bytes[AREA];
	u64 value, resident, seq;
};

static void remember(struct board *b, struct reference *r, const u64 *arena_word)
{
	for (u64 i = 0; i < AREA; i += 8) {
		u64 v = peek(b, 0x40000000 + i);

		memcpy(r->bytes + i, &v, 8);
	}
	r->value = *arena_word;
	r->resident = board_resident_bytes(b);
	r->seq = b->seq;
}

static void check_same(struct board *b, const struct reference *r, const u64 *arena_word)
{
	for (u64 i = 0; i < AREA; i += 8) {
		u64 v;

		memcpy(&v, r->bytes + i, 8);
		g_assert_cmphex(peek(b, 0x40000000 + i), ==, v);
	}
	g_assert_cmpuint(*arena_word, ==, r->value);
	g_assert_cmpuint(board_resident_bytes(b), ==, r->resident);
	g_assert_cmpuint(b->seq, ==, r->seq);
}

static void random_write(struct board *b, GRand *rand, u64 *arena_word)
{
	u64 off = g_rand_int_range(rand, 0, AREA / 8) * UINT64_C(8);
	u64 n = g_rand_int_range(rand, 1, 3 * 4096);

	b->seq++;
	*arena_word = g_rand_int(rand);
	switch (g_rand_int_range(rand, 0, 8)) {
	case 0:
		mem_zero(&b->cpus[0], PA(0x40000000 + off), MIN(n, AREA - off));
		break;
	case 1: /* whole frames go back to untouched */
		mem_zero(&b->cpus[0], PA(0x40000000 + ALIGN_DOWN(off, 4096)), 4096);
		break;
	case 2:
		off = MIN(off, AREA / 2 - 8);
		mem_copy(&b->cpus[0], PA(0x40000000 + AREA / 2), PA(0x40000000 + off),
			 MIN(n, AREA / 2 - off));
		break;
	default:
		put(b, 0x40000000 + off, g_rand_int(rand));
	}
}

/*
 * Whatever is written, and in whatever order snapshots are taken, restored and
 * dropped from top, middle and bottom, a snapshot brings back every byte.
 */
static void test_snapshots_random(void)
{
	struct board *b = board_named("tiny");
	u64 *word = board_alloc(b, sizeof(*word));
	struct reference *ref = g_new(struct reference, LEVELS);
	GRand *rand = g_rand_new_with_seed(4711);
	unsigned int n = 0, k;

	for (unsigned int step = 0; step < 30000; step++) {
		switch (g_rand_int_range(rand, 0, 40)) {
		case 0:
		case 1:
			if (n == LEVELS)
				break;
			remember(b, &ref[n], word);
			ref[n++].s = board_snapshot(b);
			break;
		case 2:
			if (!n)
				break;
			k = (unsigned int)g_rand_int_range(rand, 0, (gint)n);
			board_restore(b, ref[k].s);
			check_same(b, &ref[k], word);
			n = k + 1;
			break;
		case 3:
			if (!n)
				break;
			k = (unsigned int)g_rand_int_range(rand, 0, (gint)n);
			board_snapshot_drop(b, ref[k].s);
			memmove(&ref[k], &ref[k + 1], (n - k - 1) * sizeof(*ref));
			n--;
			break;
		default:
			random_write(b, rand, word);
		}
	}
	g_rand_free(rand);
	g_free(ref);
	board_free(b);
}

/* A restore undoes the lines written since, not the memory that exists. */
static void test_snapshot_cost(void)
{
	struct board *b = board_named("virt");
	struct undo *log = &b->priv->undo;
	struct snapshot *s;

	for (u64 i = 0; i < 4096; i++)
		put(b, 0x40000000 + 4096 * i, i);
	s = board_snapshot(b);
	g_assert_cmpuint(log->n, ==, 0);
	for (u64 i = 0; i < 1000; i++)
		put(b, 0x40000000 + 8 * (i % 128), i);
	g_assert_cmpuint(log->n, ==, 2);
	g_assert_cmpuint(b->priv->ram.dirty->len, ==, 1);
	board_restore(b, s);
	g_assert_cmpuint(log->n, ==, 0);
	g_assert_cmpuint(peek(b, 0x40000000), ==, 0);
	mem_zero(&b->cpus[0], PA(0x60000000), 256 * M);
	g_assert_cmpuint(log->n, ==, 0);
	board_free(b);
}

/* Dropping the newer of two again and again keeps one entry a line, not one a drop. */
static void test_snapshot_log_is_bounded(void)
{
	struct board *b = board_named("virt");
	struct snapshot *base, *s;

	put(b, 0x40000000, 1);
	base = board_snapshot(b);
	for (u64 i = 0; i < 20000; i++) {
		s = board_snapshot(b);
		put(b, 0x40000000 + 512 * (i % 8), i);
		board_snapshot_drop(b, s);
	}
	g_assert_cmpuint(b->priv->undo.n, <, 5000);
	board_restore(b, base);
	g_assert_cmpuint(peek(b, 0x40000000), ==, 1);
	g_assert_cmpuint(peek(b, 0x40000200), ==, 0);
	board_free(b);
}

/* Locks, event numbers and TLBs are state like any other; who watches is not. */
static void test_snapshot_covers_cpus(void)
{
	struct board *b = board_named("virt");
	struct spinlock *l = board_alloc(b, sizeof(*l));
	struct mmu_table t = { .stage = 2, .f = b->f };
	struct mmu_result res = { .level = 3, .ia_base = 0x1000, .size = 0x1000, .r = true };
	GString *events = g_string_new(NULL);
	struct snapshot *s;

	spin_init(b, l, "lock");
	s = board_snapshot(b);
	board_subscribe(b, events_to_string, events);
	spin_lock(&b->cpus[1], l);
	b->cached = true;
	tlb_fill(&b->cpus[1].tlb, &t, &res, 1);
	board_limit_steps(b, 1000);
	board_restore(b, s);
	g_assert_false(spin_is_locked(l));
	g_assert_cmpuint(b->seq, ==, 0);
	g_assert_null(tlb_lookup(&b->cpus[1].tlb, TLB_S2, 0, 0x1000));
	g_assert_cmpuint(b->step_limit, ==, 1000);
	g_assert_true(b->watched);
	g_string_free(events, TRUE);
	board_free(b);
}

/* Books beside the machine: zero, apart from RAM, undone line by line. */
static void test_store(void)
{
	struct board *b = board_named("server48");
	struct extent *one = board_store_new(b, UINT64_C(1) << 39);
	struct extent *two = board_store_new(b, 100);
	const u64 last = (UINT64_C(1) << 39) - 8;
	struct snapshot *s, *inner;
	u64 resident;

	g_assert_nonnull(one);
	g_assert_nonnull(two);
	resident = board_resident_bytes(b);
	store_mark(b, one, last);
	one->bytes[last] = 1;
	g_assert_cmpuint(board_resident_bytes(b) - resident, ==, 4096);
	s = board_snapshot(b);
	store_mark(b, one, last);
	one->bytes[last] = 2;
	store_mark(b, two, 8);
	two->bytes[8] = 2;
	put(b, 0x80000000, 2);
	inner = board_snapshot(b);
	store_mark(b, two, 8);
	two->bytes[8] = 3;
	board_restore(b, inner);
	g_assert_cmpuint(two->bytes[8], ==, 2);
	board_snapshot_drop(b, inner);
	board_restore(b, s);
	g_assert_cmpuint(one->bytes[last], ==, 1);
	g_assert_cmpuint(two->bytes[8], ==, 0);
	g_assert_cmpuint(peek(b, 0x80000000), ==, 0);
	g_assert_cmpuint(board_resident_bytes(b) - resident, ==, 4096);
	board_free(b);
}

static void count_event(void *data, const struct event *ev)
{
	++*(unsigned int *)data;
}

static bool heeds_it(void *data, const struct cpu *cpu, u64 addr, u64 val, u64 old, u32 arg)
{
	return val != 7;
}

static void test_subscribe_kinds(void)
{
	struct board *b = board_named("tiny");
	unsigned int stores = 0, all = 0;

	board_subscribe_kinds(b, BIT(EV_STORE), count_event, &stores);
	put(b, 0x40000000, 1);
	mem_load64(&b->cpus[0], PA(0x40000000), MO_PLAIN);
	g_assert_cmpuint(stores, ==, 1);
	g_assert_cmpuint(b->seq, ==, 2);
	board_subscribe(b, count_event, &all);
	mem_load64(&b->cpus[0], PA(0x40000000), MO_PLAIN);
	g_assert_cmpuint(stores, ==, 1);
	g_assert_cmpuint(all, ==, 1);
	board_free(b);
}

/*
 * Who wants some loads hears those of the range that was named last, but what it does not
 * heed, also one that a compare and swap made in vain; and all of them where somebody else
 * wants them all.
 */
static void test_subscribe_loads(void)
{
	struct board *b = board_named("tiny");
	struct cpu *cpu = &b->cpus[0];
	unsigned int loads = 0, all = 0;

	board_subscribe_some(b, EV_LOAD, heeds_it, count_event, &loads);
	put(b, 0x40001010, 7);
	mem_load64(cpu, PA(0x40000000), MO_PLAIN);
	g_assert_cmpuint(loads, ==, 0);
	g_assert_cmpuint(b->seq, ==, 2);
	board_loads_from(b, 0x40001000, 0x1000);
	mem_load8(cpu, PA(0x40000fff), MO_PLAIN);
	mem_load8(cpu, PA(0x40001000), MO_PLAIN);
	mem_load16(cpu, PA(0x40001ffe), MO_PLAIN);
	mem_load32(cpu, PA(0x40002000), MO_PLAIN);
	g_assert_cmpuint(loads, ==, 2);
	g_assert_false(mem_cmpxchg64(cpu, PA(0x40001008), 1, 2, MO_PLAIN));
	g_assert_cmpuint(loads, ==, 3);
	mem_load64(cpu, PA(0x40001010), MO_PLAIN); /* 7 */
	g_assert_cmpuint(loads, ==, 3);
	board_subscribe(b, count_event, &all);
	mem_load64(cpu, PA(0x40000000), MO_PLAIN);
	g_assert_cmpuint(loads, ==, 4);
	g_assert_cmpuint(all, ==, 1);
	board_loads_from(b, 0, 0);
	board_unsubscribe(b, count_event, &all);
	mem_load64(cpu, PA(0x40001000), MO_PLAIN);
	g_assert_cmpuint(loads, ==, 4);
	g_assert_cmpuint(b->seq, ==, 10);
	board_free(b);
}

/* Boards do not know of each other. */
static void test_several_boards(void)
{
	struct board *b[3];
	struct snapshot *s;

	for (unsigned int i = 0; i < 3; i++) {
		b[i] = board_named("tiny");
		put(b[i], 0x40000000, i + 1);
	}
	s = board_snapshot(b[1]);
	for (unsigned int i = 0; i < 3; i++)
		put(b[i], 0x40000000, 10 * (i + 1));
	board_restore(b[1], s);
	board_free(b[0]);
	g_assert_cmpuint(peek(b[1], 0x40000000), ==, 2);
	g_assert_cmpuint(peek(b[2], 0x40000000), ==, 30);
	board_free(b[1]);
	board_free(b[2]);
}

/*
 * Whoever keeps events has the last ones of every kind and counts of all, whatever
 * others subscribe to; a snapshot that is restored takes none of them back.
 */
static void test_keep_events(void)
{
	struct board *b = board_named("virt");
	struct event ev[4] = { 0 };
	struct event_ring ring = { .ev = ev, .mask = 3 };
	struct snapshot *s = board_snapshot(b);
	unsigned int stores = 0;

	board_keep_events(b, &ring);
	board_subscribe_kinds(b, BIT(EV_STORE), count_event, &stores);
	for (u64 i = 0; i < 3; i++) {
		mem_store64(&b->cpus[0], PA(0x40000000), i, MO_PLAIN);
		mem_load64(&b->cpus[1], PA(0x40000000), MO_ONCE);
	}
	g_assert_cmpuint(stores, ==, 3);
	g_assert_cmpuint(ring.n, ==, 6);
	g_assert_cmpuint(ring.count[EV_LOAD], ==, 3);
	g_assert_cmpuint(ring.count[EV_STORE], ==, 3);
	for (u64 i = 2; i < 6; i++) {
		g_assert_cmpuint(ev[i & 3].seq, ==, i + 1);
		g_assert_cmpuint(ev[i & 3].kind, ==, i & 1 ? EV_LOAD : EV_STORE);
		g_assert_cmpuint(ev[i & 3].cpu, ==, i & 1);
		g_assert_cmpuint(ev[i & 3].val, ==, i / 2);
	}
	board_restore(b, s);
	g_assert_cmpuint(b->seq, ==, 0);
	mem_load64(&b->cpus[0], PA(0x40000000), MO_PLAIN);
	g_assert_cmpuint(ring.n, ==, 7);
	g_assert_cmpuint(ev[2].seq, ==, 1);
	board_keep_events(b, NULL);
	mem_store64(&b->cpus[0], PA(0x40000000), 1, MO_PLAIN);
	g_assert_cmpuint(ring.n, ==, 7);
	g_assert_cmpuint(stores, ==, 4);
	board_free(b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/board/machines", test_machines);
	g_test_add_func("/board/default-features", test_default_features);
	g_test_add_func("/board/bad-configs", test_bad_configs);
	g_test_add_func("/board/config-edges", test_config_edges);
	g_test_add_func("/board/too-large", test_too_large);
	g_test_add_func("/board/widths", test_widths);
	g_test_add_func("/board/bus-bounds", test_bus_bounds);
	g_test_add_func("/board/cost-of-large-board", test_cost_of_large_board);
	g_test_add_func("/board/zero", test_zero);
	g_test_add_func("/board/copy", test_copy);
	g_test_add_func("/board/snapshots-random", test_snapshots_random);
	g_test_add_func("/board/snapshot-cost", test_snapshot_cost);
	g_test_add_func("/board/snapshot-log-is-bounded", test_snapshot_log_is_bounded);
	g_test_add_func("/board/snapshot-covers-cpus", test_snapshot_covers_cpus);
	g_test_add_func("/board/store", test_store);
	g_test_add_func("/board/subscribe-kinds", test_subscribe_kinds);
	g_test_add_func("/board/subscribe-loads", test_subscribe_loads);
	g_test_add_func("/board/keep-events", test_keep_events);
	g_test_add_func("/board/several-boards", test_several_boards);
	return g_test_run();
}
