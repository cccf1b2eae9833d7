// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs, locks, events, choices and devices: what happens on a board, and in which order. */
#include <string.h>

#include "tests/unit/board_fixture.h"

/* ---- One CPU ------------------------------------------------------------------------------ */

static s64 deep(struct cpu *cpu, unsigned int depth)
{
	volatile u8 on_stack[256];
	FRAME(cpu);

	on_stack[depth % 256] = (u8)depth;
	if (!depth && cpu->board)
		cpu_die(cpu);
	if (!depth)
		return 0;
	return deep(cpu, depth - 1) + on_stack[depth % 256];
}

static s64 do_deep(struct cpu *cpu, void *arg)
{
	return deep(cpu, *(unsigned int *)arg);
}

static s64 do_add_one(struct cpu *cpu, void *arg)
{
	FRAME(cpu);
	return *(s64 *)arg + 1;
}

/* A CPU whose stack was dropped anywhere runs the next action as if new. */
static void test_die_and_go_on(void)
{
	struct board *b = board_named("virt");
	struct cpu *cpu = &b->cpus[1];

	for (unsigned int i = 0; i < 1000; i++) {
		unsigned int depth = i % 300;
		s64 in = i, out = -1;

		g_assert_cmpint(cpu_call(cpu, do_deep, &depth, &out), ==, CPU_END_DIED);
		g_assert_cmpint(out, ==, -1);
		g_assert_null(cpu->frame);
		g_assert_cmpint(cpu->state, ==, CPU_DEAD);
		g_assert_cmpint(cpu_call(cpu, do_add_one, &in, &out), ==, CPU_END_RETURNED);
		g_assert_cmpint(out, ==, in + 1);
		g_assert_cmpint(cpu->state, ==, CPU_IDLE);
	}
	board_free(b);
}

static s64 do_other_board(struct cpu *cpu, void *arg)
{
	struct board *other = arg;
	s64 in = 41, out = 0;

	g_assert_cmpint(cpu_call(&other->cpus[0], do_add_one, &in, &out), ==, CPU_END_RETURNED);
	return out;
}

/* An action on one board may run another board. */
static void test_board_inside_board(void)
{
	struct board *a = board_named("virt"), *b = board_named("tiny");
	s64 out = 0;

	g_assert_cmpint(cpu_call(&a->cpus[0], do_other_board, b, &out), ==, CPU_END_RETURNED);
	g_assert_cmpint(out, ==, 42);
	board_free(a);
	board_free(b);
}

static s64 do_load_for_ever(struct cpu *cpu, void *arg)
{
	for (;;)
		mem_load64(cpu, PA(0x40000000), MO_ONCE);
	return 0;
}

/* An action that never ends is given up after as many events as were allowed. */
static void test_step_limit(void)
{
	struct board *b = board_named("virt");
	s64 in = 1, out;

	board_limit_steps(b, 1000);
	g_assert_cmpint(cpu_call(&b->cpus[0], do_load_for_ever, NULL, NULL), ==, CPU_END_GAVE_UP);
	g_assert_true(b->gave_up);
	g_assert_cmpuint(b->seq, ==, 1000);
	g_assert_cmpint(cpu_call(&b->cpus[0], do_add_one, &in, &out), ==, CPU_END_RETURNED);
	g_assert_false(b->gave_up);
	cpu_start(&b->cpus[0], do_load_for_ever, NULL);
	cpu_start(&b->cpus[1], do_load_for_ever, NULL);
	board_limit_steps(b, 2000);
	board_run(b);
	g_assert_cmpint(cpu_result(&b->cpus[0], NULL), ==, CPU_END_GAVE_UP);
	g_assert_cmpint(cpu_result(&b->cpus[1], NULL), ==, CPU_END_GAVE_UP);
	board_free(b);
}

static s64 do_bad_load(struct cpu *cpu, void *arg)
{
	FRAME(cpu);
	return (s64)mem_load64(cpu, PA(*(u64 *)arg), MO_PLAIN);
}

static void on_bus_error(struct cpu *cpu, pa_t pa)
{
	*(u64 *)cpu->el2 = pa.pa;
	cpu_die(cpu);
}

static s64 do_bad_zero(struct cpu *cpu, void *arg)
{
	mem_zero(cpu, PA(*(u64 *)arg), 0x2000);
	return 0;
}

/* EL2's access to where nothing answers is told with its address, and ends the action. */
static void test_bus_error(void)
{
	struct board *b = board_named("virt");
	u64 bad = 0x123456789000, edge = 0x80000000 - 0x1000, told = 0;

	b->cpus[0].el2 = &told;
	board_on_bus_error(b, on_bus_error);
	g_assert_cmpint(cpu_call(&b->cpus[0], do_bad_load, &bad, NULL), ==, CPU_END_DIED);
	g_assert_cmphex(told, ==, bad);
	g_assert_cmpint(cpu_call(&b->cpus[0], do_bad_zero, &edge, NULL), ==, CPU_END_DIED);
	g_assert_cmphex(told, ==, 0x80000000);
	board_free(b);
}

/* ---- Locks ----------------------------------------------------------------------------------- */

struct two_locks {
	struct spinlock a, b;
};

static struct two_locks *locks_of(struct board *b)
{
	struct two_locks *l = board_alloc(b, sizeof(*l));

	spin_init(b, &l->a, "a");
	spin_init(b, &l->b, "b");
	return l;
}

static s64 do_lock_twice(struct cpu *cpu, void *arg)
{
	struct two_locks *l = arg;
	FRAME(cpu);

	spin_lock(cpu, &l->a);
	spin_lock(cpu, &l->a);
	return 0;
}

/* Taking a lock twice is a hang that names the lock, with an event to tell. */
static void test_self_deadlock(void)
{
	struct board *b = board_named("virt");
	struct two_locks *l = locks_of(b);
	GString *events = g_string_new(NULL);

	g_assert_cmpuint(l->b.rank, ==, 1);
	board_subscribe(b, events_to_string, events);
	g_assert_cmpint(cpu_call(&b->cpus[1], do_lock_twice, l, NULL), ==, CPU_END_HUNG);
	g_assert_true(b->cpus[1].waits == &l->a);
	g_assert_cmpint(l->a.holder, ==, 1);
	g_assert_cmpuint(l->a.seq, ==, 1);
	g_assert_cmpstr(l->a.fn, ==, "do_lock_twice");
	g_assert_cmpstr(events->str, ==,
			"1 1 lock do_lock_twice a 0 0 0\n2 1 lock do_lock_twice a 0 0 0\n");
	/* nobody is left to free it for another CPU either */
	g_assert_cmpint(cpu_call(&b->cpus[0], do_lock_twice, l, NULL), ==, CPU_END_HUNG);
	g_assert_true(b->cpus[0].waits == &l->a);
	board_unsubscribe(b, events_to_string, events);
	g_string_free(events, TRUE);
	board_free(b);
}

/* ---- Several CPUs ------------------------------------------------------------------------------ */

#define COUNTER PA(0x40000000)
#define ROUNDS 4

static s64 do_count(struct cpu *cpu, void *arg)
{
	struct two_locks *l = arg;
	FRAME(cpu);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (l)
			spin_lock(cpu, &l->a);
		mem_store64(cpu, COUNTER, mem_load64(cpu, COUNTER, MO_ONCE) + 1, MO_ONCE);
		if (l)
			spin_unlock(cpu, &l->a);
	}
	return cpu->id;
}

static u64 count_by_all(struct board *b, struct two_locks *l)
{
	s64 ret;

	mem_store64(&b->cpus[0], COUNTER, 0, MO_PLAIN);
	for (unsigned int i = 0; i < b->n_cpus; i++)
		cpu_start(&b->cpus[i], do_count, l);
	board_run(b);
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		g_assert_cmpint(cpu_result(&b->cpus[i], &ret), ==, CPU_END_RETURNED);
		g_assert_cmpint(ret, ==, i);
	}
	return peek(b, COUNTER.pa);
}

/* Under a lock no schedule loses an update; without one some schedules do. */
static void test_lost_update(void)
{
	struct board *b = board_named("phone");
	struct two_locks *l = locks_of(b);
	unsigned int lost = 0;

	for (u64 seed = 0; seed < 200; seed++) {
		board_choose_seed(b, seed);
		g_assert_cmpuint(count_by_all(b, l), ==, 4 * ROUNDS);
		lost += count_by_all(b, NULL) != 4 * ROUNDS;
		board_choices_clear(b);
	}
	g_assert_cmpuint(lost, >, 100);
	g_assert_false(b->watched);
	board_free(b);
}

static char *run_in_words(struct board *b, struct two_locks *l)
{
	GString *s = g_string_new(NULL);

	put(b, COUNTER.pa, 0);
	b->seq = 0;
	board_subscribe(b, events_to_string, s);
	count_by_all(b, l);
	board_unsubscribe(b, events_to_string, s);
	return g_string_free(s, FALSE);
}

static u32 *recorded(struct board *b, size_t *n)
{
	const struct choice *c = board_choices(b, n);
	u32 *values = g_new(u32, *n);

	for (size_t i = 0; i < *n; i++) {
		g_assert_cmpstr(c[i].what, ==, "cpu");
		g_assert_cmpuint(c[i].value, <, c[i].n);
		g_assert_cmpuint(c[i].n, >, 1);
		values[i] = c[i].value;
	}
	board_choices_clear(b);
	return values;
}

/*
 * A seed gives the same choices and the same events on every board; its record,
 * played as a script, gives them again.
 */
static void test_same_seed_same_run(void)
{
	struct board *a = board_named("phone"), *b = board_named("phone");
	struct two_locks *la = locks_of(a), *lb = locks_of(b);
	unsigned int differ = 0;

	for (u64 seed = 0; seed < 20; seed++) {
		g_autofree char *first = NULL, *again = NULL, *played = NULL;
		g_autofree u32 *values = NULL;
		size_t n;

		board_choose_seed(a, seed);
		first = run_in_words(a, la);
		values = recorded(a, &n);
		board_choose_seed(b, seed);
		again = run_in_words(b, lb);
		g_assert_cmpstr(first, ==, again);
		board_choices_clear(b);
		board_choose_script(b, values, n);
		played = run_in_words(b, lb);
		g_assert_cmpstr(first, ==, played);
		board_choices_clear(b);
		board_choose_first(b);
		g_free(played);
		played = run_in_words(b, lb);
		differ += strcmp(first, played) != 0;
	}
	g_assert_cmpuint(differ, >, 15);
	board_free(a);
	board_free(b);
}

static s64 do_two_locks(struct cpu *cpu, void *arg)
{
	struct two_locks *l = arg;
	struct spinlock *first = cpu->id ? &l->b : &l->a, *second = cpu->id ? &l->a : &l->b;

	spin_lock(cpu, first);
	spin_lock(cpu, second);
	spin_unlock(cpu, second);
	spin_unlock(cpu, first);
	return 0;
}

/* Two locks in both orders: some schedules end well, in the others both CPUs hang. */
static void test_deadlock(void)
{
	struct board *b = board_named("virt");
	struct two_locks *l = locks_of(b);
	struct snapshot *s = board_snapshot(b);
	unsigned int hung = 0, runs = 100;

	for (u64 seed = 0; seed < runs; seed++) {
		enum cpu_end end;

		board_choose_seed(b, seed);
		cpu_start(&b->cpus[0], do_two_locks, l);
		cpu_start(&b->cpus[1], do_two_locks, l);
		board_run(b);
		end = cpu_result(&b->cpus[0], NULL);
		g_assert_cmpint(cpu_result(&b->cpus[1], NULL), ==, end);
		if (end == CPU_END_HUNG) {
			hung++;
			g_assert_true(b->cpus[0].waits == &l->b && b->cpus[1].waits == &l->a);
		} else {
			g_assert_cmpint(end, ==, CPU_END_RETURNED);
		}
		board_restore(b, s);
	}
	g_assert_cmpuint(hung, >, 10);
	g_assert_cmpuint(hung, <, runs - 10);
	board_free(b);
}

static s64 do_die_locked(struct cpu *cpu, void *arg)
{
	spin_lock(cpu, &((struct two_locks *)arg)->a);
	cpu_die(cpu);
}

/* A CPU that dies with a lock leaves the others waiting for it. */
static void test_die_with_lock(void)
{
	struct board *b = board_named("virt");
	struct two_locks *l = locks_of(b);

	cpu_start(&b->cpus[0], do_die_locked, l);
	cpu_start(&b->cpus[1], do_count, l);
	board_run(b); /* the first choice is CPU 0 */
	g_assert_cmpint(cpu_result(&b->cpus[0], NULL), ==, CPU_END_DIED);
	g_assert_cmpint(cpu_result(&b->cpus[1], NULL), ==, CPU_END_HUNG);
	g_assert_true(b->cpus[1].waits == &l->a);
	board_free(b);
}

/* ---- Choices -------------------------------------------------------------------------------------- */

/* A seed reaches every value alike; a script ends in zeros and never leaves its range. */
static void test_choices(void)
{
	struct board *b = board_named("virt");
	static const u32 script[] = { 2, 9, 1 };
	unsigned int seen[3] = { 0 };
	size_t n;

	board_choose_seed(b, 1);
	for (unsigned int i = 0; i < 3000; i++)
		seen[board_choose(b, 3, "test")]++;
	for (unsigned int i = 0; i < 3; i++)
		g_assert_cmpuint(seen[i], >, 900);
	g_assert_cmpuint(board_choose(b, 1, "test"), ==, 0);
	board_choose_script(b, script, 3);
	g_assert_cmpuint(board_choose(b, 3, "test"), ==, 2);
	g_assert_cmpuint(board_choose(b, 3, "test"), ==, 2);
	g_assert_cmpuint(board_choose(b, 3, "test"), ==, 1);
	g_assert_cmpuint(board_choose(b, 3, "test"), ==, 0);
	board_choices(b, &n);
	g_assert_cmpuint(n, ==, 3005);
	board_free(b);
}

/* ---- Events ----------------------------------------------------------------------------------------- */

struct listener {
	GString *log;
	char name;
};

static void listen(void *data, const struct event *ev)
{
	struct listener *l = data;

	g_string_append_printf(l->log, "%c%u ", l->name, (unsigned int)ev->seq);
}

/* Subscribers hear every event in the order in which they came, and none after leaving. */
static void test_subscribers(void)
{
	struct board *b = board_named("virt");
	GString *log = g_string_new(NULL);
	struct listener x = { log, 'x' }, y = { log, 'y' };
	struct cpu *cpu = &b->cpus[0];

	cpu_isb(cpu);
	g_assert_cmpuint(b->seq, ==, 0);
	board_subscribe(b, listen, &x);
	board_subscribe(b, listen, &y);
	cpu_dsb(cpu, "ish");
	cpu_isb(cpu);
	board_unsubscribe(b, listen, &x);
	cpu_cmo(cpu, "dc_civac", PA(0), VA(0), 4096);
	board_unsubscribe(b, listen, &y);
	g_assert_false(b->watched);
	cpu_isb(cpu);
	g_assert_cmpstr(log->str, ==, "x1 y1 x2 y2 y3 ");
	g_string_free(log, TRUE);
	board_free(b);
}

/* An invalidation that is broadcast reaches every TLB, another its own CPU's. */
static void test_tlbi_reach(void)
{
	struct board *b = board_named("virt");
	struct mmu_table t = { .stage = 2, .f = b->f };
	struct mmu_result res = { .level = 3, .ia_base = 0x1000, .size = 0x1000, .r = true };
	struct tlbi own = { .op = TLBI_IPAS2E1, .level = 3, .addr = 0x1000 };
	struct tlbi all = { .op = TLBI_IPAS2E1IS, .level = 3, .addr = 0x1000 };

	b->cached = true;
	tlb_fill(&b->cpus[0].tlb, &t, &res, 1);
	tlb_fill(&b->cpus[1].tlb, &t, &res, 1);
	cpu_tlbi(&b->cpus[0], &own);
	g_assert_null(tlb_lookup(&b->cpus[0].tlb, TLB_S2, 0, 0x1000));
	g_assert_nonnull(tlb_lookup(&b->cpus[1].tlb, TLB_S2, 0, 0x1000));
	cpu_tlbi(&b->cpus[0], &all);
	g_assert_null(tlb_lookup(&b->cpus[1].tlb, TLB_S2, 0, 0x1000));
	board_free(b);
}

/* ---- Devices ------------------------------------------------------------------------------------------ */

#define DMA UINT64_C(0x0a000000)

static u64 transfer(struct board *b, u64 src, u64 dst, u64 bytes)
{
	struct cpu *cpu = &b->cpus[0];
	u64 status = 99;

	g_assert_cmpint(bus_write(cpu, PA(DMA), 8, src), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 8), 8, dst), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 16), 8, bytes), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 24), 8, 1), ==, BUS_OK);
	g_assert_cmpint(bus_read(cpu, PA(DMA + 24), 8, &status), ==, BUS_OK);
	return status;
}

/* A register window gives back what was written, each byte at its place. */
static void test_regs(void)
{
	struct board *b = board_named("virt");
	struct cpu *cpu = &b->cpus[0];
	u64 v;

	g_assert_cmpint(bus_read(cpu, PA(0x09000ff8), 8, &v), ==, BUS_OK);
	g_assert_cmphex(v, ==, 0);
	g_assert_cmpint(bus_write(cpu, PA(0x09000ff8), 8, 0x1122334455667788), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(0x09000ffa), 2, 0xabcd), ==, BUS_OK);
	g_assert_cmphex(peek(b, 0x09000ff8), ==, 0x11223344abcd7788);
	g_assert_cmpint(bus_read(cpu, PA(0x09000ffc), 4, &v), ==, BUS_OK);
	g_assert_cmphex(v, ==, 0x11223344);
	g_assert_cmpint(bus_read(cpu, PA(0x09001000), 1, &v), ==, BUS_ERROR);
	board_free(b);
}

/* A transfer moves the bytes as a whole, overlapping or not, to any address. */
static void test_dma_copies(void)
{
	struct board *b = board_named("virt");
	static const u64 dst[] = { 0x40100003, 0x40000805, 0x400007f1, 0x40000800, 0x08080000 };
	u8 want[0x3000];

	for (unsigned int k = 0; k < G_N_ELEMENTS(dst); k++) {
		for (u64 i = 0; i < 0x4000; i += 8)
			put(b, 0x40000000 + i, i * UINT64_C(0x0123456789abcdef) + k);
		for (u64 i = 0; i < sizeof(want); i++) {
			u64 v;

			g_assert_true(board_peek(b, PA(0x40000800 + i), 1, &v));
			want[i] = (u8)v;
		}
		g_assert_cmpuint(transfer(b, 0x40000800, dst[k], sizeof(want)), ==, 1);
		for (u64 i = 0; i < sizeof(want); i++) {
			u64 v;

			g_assert_true(board_peek(b, PA(dst[k] + i), 1, &v));
			g_assert_cmphex(v, ==, want[i]);
		}
	}
	/* memory that was never written is zeros like any other */
	g_assert_cmpuint(transfer(b, 0x7f000000, 0x40000000, 0x1000), ==, 1);
	g_assert_cmphex(peek(b, 0x40000ff8), ==, 0);
	board_free(b);
}

/* A transfer with a byte that does not answer, on either side, is refused and moves none. */
static void test_dma_refused(void)
{
	struct board *b = board_named("virt");
	const u64 end = 0x80000000;

	put(b, end - 8, 0x5a);
	g_assert_cmpuint(transfer(b, end - 8, 0x40000000, 9), ==, 2);
	g_assert_cmpuint(transfer(b, end - 8, 0x3ffffff8, 16), ==, 2);
	g_assert_cmpuint(transfer(b, end - 8, end - 4, 8), ==, 2);
	g_assert_cmpuint(transfer(b, ~UINT64_C(0) - 3, 0x40000000, 8), ==, 2);
	g_assert_cmpuint(transfer(b, 0x40000000, end - 8, ~UINT64_C(0)), ==, 2);
	g_assert_cmpuint(transfer(b, 0x40000000, UINT64_C(1) << 40, 1), ==, 2);
	g_assert_cmphex(peek(b, end - 8), ==, 0x5a);
	g_assert_cmphex(peek(b, 0x40000000), ==, 0);
	g_assert_cmpuint(transfer(b, 0, ~UINT64_C(0), 0), ==, 1);
	g_assert_cmpuint(transfer(b, end - 8, 0x40000000, 8), ==, 1);
	g_assert_cmphex(peek(b, 0x40000000), ==, 0x5a);
	board_free(b);
}

/* Only a 1 in the start register starts anything; narrow writes count as whole words. */
static void test_dma_start(void)
{
	struct board *b = board_named("virt");
	struct cpu *cpu = &b->cpus[0];

	g_assert_cmpuint(transfer(b, 0x40000000, 0x40001000, 8), ==, 1);
	put(b, 0x40000000, 7);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 24), 8, 0x101), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 25), 1, 0), ==, BUS_OK);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 32), 8, 1), ==, BUS_OK);
	g_assert_cmphex(peek(b, 0x40001000), ==, 0);
	g_assert_cmpint(bus_write(cpu, PA(DMA + 24), 1, 1), ==, BUS_OK);
	g_assert_cmphex(peek(b, 0x40001000), ==, 7);
	/* its own registers are memory to it, and its start register no trigger */
	put(b, 0x40000000, 1);
	g_assert_cmpuint(transfer(b, 0x40000000, DMA + 24, 8), ==, 1);
	board_free(b);
}

/* What a device reads and writes is what stands in memory, seen by an event. */
static void test_bus_dma(void)
{
	struct board *b = board_named("virt");
	const struct mmio_window *w = board_window_at(b, PA(DMA));
	GString *events = g_string_new(NULL);
	u64 v = 0x1234;

	board_subscribe(b, events_to_string, events);
	g_assert_cmpint(bus_dma(&b->cpus[0], w, PA(0x40000001), true, 2, &v), ==, BUS_OK);
	v = 0;
	g_assert_cmpint(bus_dma(&b->cpus[0], w, PA(0x40000000), false, 4, &v), ==, BUS_OK);
	g_assert_cmphex(v, ==, 0x123400);
	g_assert_cmpint(bus_dma(&b->cpus[0], w, PA(0x1000), false, 4, &v), ==, BUS_ERROR);
	g_assert_cmpstr(events->str, ==,
			"1 0 access - dma write 40000001 1234 40000001\n"
			"2 0 access - dma read 40000000 123400 40000000\n");
	board_unsubscribe(b, events_to_string, events);
	g_string_free(events, TRUE);
	board_free(b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/board/die-and-go-on", test_die_and_go_on);
	g_test_add_func("/board/board-inside-board", test_board_inside_board);
	g_test_add_func("/board/step-limit", test_step_limit);
	g_test_add_func("/board/bus-error", test_bus_error);
	g_test_add_func("/board/self-deadlock", test_self_deadlock);
	g_test_add_func("/board/lost-update", test_lost_update);
	g_test_add_func("/board/same-seed-same-run", test_same_seed_same_run);
	g_test_add_func("/board/deadlock", test_deadlock);
	g_test_add_func("/board/die-with-lock", test_die_with_lock);
	g_test_add_func("/board/choices", test_choices);
	g_test_add_func("/board/subscribers", test_subscribers);
	g_test_add_func("/board/tlbi-reach", test_tlbi_reach);
	g_test_add_func("/board/regs", test_regs);
	g_test_add_func("/board/dma-copies", test_dma_copies);
	g_test_add_func("/board/dma-refused", test_dma_refused);
	g_test_add_func("/board/dma-start", test_dma_start);
	g_test_add_func("/board/bus-dma", test_bus_dma);
	return g_test_run();
}
