// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every order of steps: how many there are, that leaving out equivalent ones loses
 * nothing, and that parts of a search are all of it.
 */
#include <string.h>

#include "sim/explore/interleave.h"
#include "tests/unit/board_fixture.h"

#define RAM_BASE UINT64_C(0x40000000)
#define WORDS 3u
#define LOCKS 2u
#define OPS 6u

enum op { OP_LOAD, OP_STORE, OP_ADD, OP_LOCK, OP_UNLOCK, OP_BARRIER, N_OPS };

/* A small program of several CPUs on a few words and locks. */
struct program {
	unsigned int cpus;
	struct {
		unsigned int n;
		struct {
			enum op op;
			unsigned int which;
		} op[16];
	} cpu[X_CPUS];
};

struct world {
	struct board *b;
	struct snapshot *start;
	struct program p;
	struct spinlock *lock[LOCKS];
	u64 *reg; /* of each CPU, in the arena: what it has read, and where it got to */
	GHashTable *states;
	GHashTable *least; /* of each state the least of its runs: forced switches, steps */
	u64 ends;
};

static s64 run_cpu(struct cpu *cpu, void *arg)
{
	struct world *w = arg;
	u64 *reg = &w->reg[2 * cpu->id];

	for (unsigned int i = 0; i < w->p.cpu[cpu->id].n; i++) {
		unsigned int which = w->p.cpu[cpu->id].op[i].which;
		pa_t word = PA(RAM_BASE + 8 * which);

		switch (w->p.cpu[cpu->id].op[i].op) {
		case OP_LOAD:
			*reg = *reg * 31 + mem_load64(cpu, word, MO_PLAIN);
			break;
		case OP_STORE:
			mem_store64(cpu, word, 100 * cpu->id + i + 2, MO_PLAIN);
			break;
		case OP_ADD: /* two steps */
			mem_store64(cpu, word, mem_load64(cpu, word, MO_PLAIN) + 1, MO_PLAIN);
			break;
		case OP_LOCK:
			spin_lock(cpu, w->lock[which % LOCKS]);
			break;
		case OP_UNLOCK:
			spin_unlock(cpu, w->lock[which % LOCKS]);
			break;
		default:
			cpu_dsb(cpu, "ish");
			break;
		}
		reg[1] = i + 1;
	}
	return 0;
}

static void start(void *data)
{
	struct world *w = data;

	board_restore(w->b, w->start);
	for (unsigned int i = 0; i < w->p.cpus; i++)
		cpu_start(&w->b->cpus[i], run_cpu, w);
}

static void end(void *data, const struct x_run *run)
{
	struct world *w = data;
	GString *state = g_string_new(NULL);
	u64 val;

	for (unsigned int i = 0; i < WORDS; i++) {
		g_assert_true(board_peek64(w->b, PA(RAM_BASE + 8 * i), &val));
		g_string_append_printf(state, "%" G_GUINT64_FORMAT " ", val);
	}
	for (unsigned int i = 0; i < 2 * w->p.cpus; i++)
		g_string_append_printf(state, "%" G_GUINT64_FORMAT " ", w->reg[i]);
	g_assert_cmpuint(x_run_steps(run), >, 0);
	if (w->least) {
		const u32 steps = x_run_steps(run);
		u64 cost = (u64)x_run_forced(run, steps) << 32 | steps;
		u64 *had = g_hash_table_lookup(w->least, state->str);

		if (!had || *had > cost)
			g_hash_table_insert(w->least, g_strdup(state->str),
					    g_memdup2(&cost, sizeof(cost)));
	}
	g_hash_table_add(w->states, g_string_free(state, FALSE));
	w->ends++;
}

static void world_init(struct world *w)
{
	struct board_config *c = config_bare();

	c->n_cpus = X_CPUS;
	add_ram(c, RAM_BASE, 2u << 20, false);
	*w = (struct world){ .b = board_of(c) };
	for (unsigned int i = 0; i < LOCKS; i++) {
		w->lock[i] = board_alloc(w->b, sizeof(*w->lock[i]));
		spin_init(w->b, w->lock[i], i ? "B" : "A");
	}
	w->reg = board_alloc(w->b, 2 * X_CPUS * sizeof(*w->reg));
	w->start = board_snapshot(w->b);
	w->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void world_clear(struct world *w)
{
	g_hash_table_unref(w->states);
	board_restore(w->b, w->start);
	board_snapshot_drop(w->b, w->start);
	board_free(w->b);
}

static struct x_interleave explore(struct world *w, struct x_interleave x)
{
	const struct x_block block = { .b = w->b, .data = w, .start = start, .end = end };

	w->ends = 0;
	g_hash_table_remove_all(w->states);
	x_interleave(&x, &block);
	g_assert_cmpuint(w->ends, ==, x.runs);
	return x;
}

static void add_op(struct program *p, unsigned int cpu, enum op op, unsigned int which)
{
	p->cpu[cpu].op[p->cpu[cpu].n].op = op;
	p->cpu[cpu].op[p->cpu[cpu].n++].which = which;
}

/* Calls that only take one lock come in as many orders as the multinomial says, no more. */
static void test_lock_counts(void)
{
	static const struct {
		unsigned int cpus, calls;
		u64 orders;
	} t[] = { { 2, 2, 6 },	  { 2, 4, 70 },	   { 2, 8, 12870 }, { 3, 2, 90 },
		  { 3, 3, 1680 }, { 3, 4, 34650 }, { 4, 2, 2520 } };
	struct world w;

	world_init(&w);
	for (unsigned int i = 0; i < G_N_ELEMENTS(t); i++) {
		struct x_interleave x;

		w.p = (struct program){ .cpus = t[i].cpus };
		for (unsigned int c = 0; c < t[i].cpus; c++) {
			for (unsigned int k = 0; k < t[i].calls; k++) {
				add_op(&w.p, c, OP_LOCK, 0);
				add_op(&w.p, c, OP_UNLOCK, 0);
			}
		}
		x = explore(&w, (struct x_interleave){ 0 });
		g_test_message("%u x %u: %" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT " asleep",
			       t[i].cpus, t[i].calls, x.runs, x.blocked);
		g_assert_true(x.complete);
		g_assert_cmpuint(x.runs, ==, t[i].orders);
	}
	world_clear(&w);
}

static u32 below(GRand *rand, u32 n)
{
	return (u32)g_rand_int_range(rand, 0, (gint32)n);
}

/* Locks are taken and released in pairs, and may be taken in both orders. */
static void random_cpu(struct program *p, unsigned int cpu, GRand *rand, unsigned int ops)
{
	unsigned int held[2], n_held = 0;

	for (unsigned int i = 0; i < ops; i++) {
		enum op op = below(rand, N_OPS);
		unsigned int which = below(rand, op == OP_LOCK ? LOCKS : WORDS);

		if (op == OP_UNLOCK && !n_held)
			op = OP_LOAD;
		if (op == OP_LOCK && (n_held == 2 || (n_held && held[0] == which)))
			op = OP_STORE;
		if (op == OP_LOCK)
			held[n_held++] = which;
		if (op == OP_UNLOCK)
			which = held[--n_held];
		add_op(p, cpu, op, which);
	}
	while (n_held)
		add_op(p, cpu, OP_UNLOCK, held[--n_held]);
}

static void random_program(struct program *p, GRand *rand)
{
	*p = (struct program){ .cpus = 2 + below(rand, 2) };
	for (unsigned int c = 0; c < p->cpus; c++)
		random_cpu(p, c, rand, p->cpus == 2 ? 4 + below(rand, 3) : 2 + below(rand, 2));
}

static bool same_states(GHashTable *a, GHashTable *b)
{
	GHashTableIter it;
	gpointer key;

	g_hash_table_iter_init(&it, a);
	while (g_hash_table_iter_next(&it, &key, NULL))
		if (!g_hash_table_contains(b, key))
			return false;
	return g_hash_table_size(a) == g_hash_table_size(b);
}

/* What is left out leads to no final state that is not reached, deadlocks included. */
static void test_reduction_loses_nothing(void)
{
	GRand *rand = g_rand_new_with_seed(20261120);
	u64 runs_all = 0, runs = 0, blocked = 0;
	struct world w;

	world_init(&w);
	for (unsigned int i = 0; i < 60; i++) {
		struct x_interleave all, few;
		GHashTable *want;

		random_program(&w.p, rand);
		all = explore(&w, (struct x_interleave){ .all = true, .forced = X_UNBOUNDED });
		want = w.states;
		w.states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		few = explore(&w, (struct x_interleave){ 0 });
		g_assert_true(all.complete && few.complete);
		g_assert_cmpuint(few.runs, <=, all.runs);
		g_test_message("program %u: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
			       ", %u of %u states",
			       i, few.runs, all.runs, g_hash_table_size(w.states),
			       g_hash_table_size(want));
		g_assert_true(same_states(want, w.states));
		runs_all += all.runs;
		runs += few.runs;
		blocked += few.blocked;
		g_hash_table_unref(want);
	}
	g_test_message("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", asleep %" G_GUINT64_FORMAT,
		       runs, runs_all, blocked);
	g_assert_cmpuint(runs * 5, <, runs_all);
	world_clear(&w);
	g_rand_free(rand);
}

/* The shards of a search find together what it finds, and each order is one's alone. */
static void test_shards(void)
{
	GRand *rand = g_rand_new_with_seed(7);
	struct world w;

	world_init(&w);
	for (unsigned int i = 0; i < 10; i++) {
		struct x_interleave whole;
		GHashTable *want, *got;
		u64 runs = 0;

		random_program(&w.p, rand);
		whole = explore(&w, (struct x_interleave){ 0 });
		want = w.states;
		got = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		for (u32 s = 0; s < 3; s++) {
			GHashTableIter it;
			gpointer key;

			w.states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
			runs += explore(&w, (struct x_interleave){ .shard = s, .n_shards = 3 })
					.runs;
			g_hash_table_iter_init(&it, w.states);
			while (g_hash_table_iter_next(&it, &key, NULL))
				g_hash_table_add(got, g_strdup(key));
			g_hash_table_unref(w.states);
		}
		w.states = want;
		g_assert_cmpuint(runs, ==, whole.runs);
		g_assert_true(same_states(want, got));
		g_hash_table_unref(got);
	}
	world_clear(&w);
	g_rand_free(rand);
}

/* Two CPUs that take two locks in both orders: the deadlock is among the ends. */
static void test_deadlock(void)
{
	struct x_interleave x;
	struct world w;

	world_init(&w);
	w.p = (struct program){ .cpus = 2 };
	for (unsigned int c = 0; c < 2; c++) {
		add_op(&w.p, c, OP_LOCK, c);
		add_op(&w.p, c, OP_LOCK, !c);
		add_op(&w.p, c, OP_UNLOCK, !c);
		add_op(&w.p, c, OP_UNLOCK, c);
	}
	x = explore(&w, (struct x_interleave){ 0 });
	g_assert_true(x.complete);
	g_assert_cmpuint(x.runs, ==, 3);
	g_assert_true(g_hash_table_contains(w.states, "0 0 0 0 1 0 1 "));
	g_assert_true(g_hash_table_contains(w.states, "0 0 0 0 4 0 4 "));
	world_clear(&w);
}

static GHashTable *least_new(void);

/* Switches after the last step of the least way to a state are of no use for it. */
static void check_late_switches(struct world *w, GHashTable *least)
{
	GHashTableIter it;
	gpointer key, cost;

	g_hash_table_iter_init(&it, least);
	while (g_hash_table_iter_next(&it, &key, &cost)) {
		const u64 want = *(u64 *)cost;
		struct x_interleave x = { .all = true,
					  .forced = (u32)(want >> 32),
					  .switch_before = (u32)want };

		w->least = least_new();
		explore(w, x);
		g_assert_cmphex(*(u64 *)g_hash_table_lookup(w->least, key), ==, want);
		g_hash_table_unref(w->least);
	}
}

static GHashTable *least_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/*
 * Looking with 0, 1, 2, ... forced switches finds for each final state the way to it that is
 * the least of all ways: fewest forced switches, then fewest steps.
 */
static void test_fewest_switches_first(void)
{
	GRand *rand = g_rand_new_with_seed(99);
	struct world w;

	world_init(&w);
	for (unsigned int i = 0; i < 20; i++) {
		struct x_interleave x = { .all = true, .forced = X_UNBOUNDED };
		GHashTable *all;
		GHashTableIter it;
		gpointer key, cost;

		random_program(&w.p, rand);
		all = w.least = least_new();
		explore(&w, x);
		w.least = least_new();
		for (x.forced = 0; g_hash_table_size(w.least) < g_hash_table_size(all);
		     x.forced++) {
			GHashTable *found = w.least;

			w.least = least_new();
			explore(&w, x);
			g_hash_table_iter_init(&it, w.least);
			while (g_hash_table_iter_next(&it, &key, &cost)) {
				g_assert_cmpuint(*(u64 *)cost >> 32, <=, x.forced);
				if (!g_hash_table_contains(found, key))
					g_hash_table_insert(found, g_strdup(key),
							    g_memdup2(cost, sizeof(u64)));
			}
			g_hash_table_unref(w.least);
			w.least = found;
		}
		g_hash_table_iter_init(&it, all);
		while (g_hash_table_iter_next(&it, &key, &cost))
			g_assert_cmphex(*(u64 *)g_hash_table_lookup(w.least, key), ==,
					*(u64 *)cost);
		g_hash_table_unref(w.least);
		check_late_switches(&w, all);
		g_hash_table_unref(all);
	}
	w.least = NULL;
	world_clear(&w);
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/interleave/lock-counts", test_lock_counts);
	g_test_add_func("/interleave/reduction-loses-nothing", test_reduction_loses_nothing);
	g_test_add_func("/interleave/shards", test_shards);
	g_test_add_func("/interleave/deadlock", test_deadlock);
	g_test_add_func("/interleave/fewest-switches-first", test_fewest_switches_first);
	return g_test_run();
}
