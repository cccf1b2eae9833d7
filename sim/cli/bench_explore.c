// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What exploring costs, and what the reduction spares: blocks of two CPUs on a machine
 * that has booted, run again and again as `explore` does.
 */
#include <string.h>

#include "bench.h"
#include "sim/explore/explore.h"
#include "sim/explore/interleave.h"

#define MAX_ACTIONS 2u

struct bench_block {
	struct bench_env *e;
	struct x_state start;
	struct x_action act[2][MAX_ACTIONS];
	struct outcome out[2][MAX_ACTIONS];
	unsigned int n; /* actions of each CPU */
	u64 broken;	/* runs in which the oracle found something */
};

/* ---- A block ------------------------------------------------------------------------------- */

static s64 run_actions(struct cpu *cpu, void *arg)
{
	struct bench_block *k = arg;

	for (unsigned int i = 0; i < k->n; i++)
		k->out[cpu->id][i] = x_act(k->e->m, &k->act[cpu->id][i]);
	return 0;
}

static void start(void *data)
{
	struct bench_block *k = data;
	struct board *b = k->e->m->board;

	x_back(k->e->m, &k->start);
	b->may = BIT(MAY_TLB);
	for (unsigned int c = 0; c < 2; c++)
		cpu_start(&b->cpus[c], run_actions, k);
}

static struct oracle_part part_of(const struct x_action *a, const struct outcome *o)
{
	struct oracle_part p = { .end = ORACLE_END_VALUE, .value = (s64)o->value };

	p.action = (struct oracle_action){ .kind = a->kind == X_CALL ? ORACLE_CALL
								     : ORACLE_HOST_ACCESS,
					   .cpu = a->cpu,
					   .call = a->call,
					   .n_args = a->n_args,
					   .access = a->access,
					   .addr = a->addr,
					   .size = a->size };
	memcpy(p.action.args, a->arg, sizeof(a->arg));
	return p;
}

static void end(void *data, const struct x_run *run)
{
	struct bench_block *k = data;
	struct oracle_part part[2 * MAX_ACTIONS];
	unsigned int n = 0;

	if (!k->e->oracle)
		return;
	for (unsigned int c = 0; c < 2; c++)
		for (unsigned int i = 0; i < k->n; i++)
			part[n++] = part_of(&k->act[c][i], &k->out[c][i]);
	k->e->m->hyp->view(k->e->m->el2);
	oracle_block_end(k->e->oracle, part, n);
	oracle_violations(k->e->oracle, &n);
	k->broken += n;
}

static struct x_interleave search(struct bench_block *k, struct x_interleave x)
{
	const struct x_block block = { .b = k->e->m->board, .data = k, .start = start, .end = end };

	x_interleave(&x, &block);
	return x;
}

/* ---- Which ----------------------------------------------------------------------------------- */

static struct x_action call(const struct bench_env *e, unsigned int cpu, const char *name, u64 a)
{
	struct x_action act = { .kind = X_CALL, .cpu = cpu, .n_args = 1 };
	bool ambiguous;

	act.call = el2_call_find(e->m->hyp->calls(e->m->el2), name, &ambiguous);
	act.arg[0] = a >> e->m->board->f->page_shift;
	act.n_args = act.call->n_required;
	act.arg[1] = 1;
	return act;
}

static struct x_action touch(unsigned int cpu, enum mmu_access access, u64 addr)
{
	return (struct x_action){
		.kind = X_HOST, .cpu = cpu, .access = access, .addr = addr, .size = 8, .isv = true
	};
}

#define PAGE(n) (base + 0x100000 + (n)*0x1000u)

static void share_unshare(struct bench_block *k, u64 base)
{
	k->act[0][0] = call(k->e, 0, "host_share_hyp", PAGE(0));
	k->act[1][0] = call(k->e, 1, "host_unshare_hyp", PAGE(0));
	k->n = 1;
}

static void one_lock(struct bench_block *k, u64 base)
{
	for (unsigned int c = 0; c < 2; c++)
		for (unsigned int i = 0; i < 2; i++)
			k->act[c][i] = call(k->e, c, "host_unshare_ffa", PAGE(0));
	k->n = 2;
}

static void share_read(struct bench_block *k, u64 base)
{
	k->act[0][0] = call(k->e, 0, "host_share_hyp", PAGE(0));
	k->act[1][0] = touch(1, MMU_READ, PAGE(0));
	k->n = 1;
}

static void two_faults(struct bench_block *k, u64 base)
{
	for (unsigned int c = 0; c < 2; c++)
		k->act[c][0] = touch(c, MMU_WRITE, base + 0x200000 + c * 0x1000);
	k->n = 1;
}

static void share_twice_read(struct bench_block *k, u64 base)
{
	k->act[0][0] = call(k->e, 0, "host_share_hyp", PAGE(0));
	k->act[0][1] = call(k->e, 0, "host_unshare_hyp", PAGE(0));
	k->act[1][0] = touch(1, MMU_READ, PAGE(1));
	k->act[1][1] = touch(1, MMU_WRITE, PAGE(2));
	k->n = 2;
}

static const struct {
	const char *name;
	void (*fill)(struct bench_block *k, u64 base);
} blocks[] = {
	{ "share | unshare, one page", share_unshare },
	{ "2 calls | 2 calls, one lock", one_lock },
	{ "share | host read, one page", share_read },
	{ "host write | host write, faults", two_faults },
	{ "share, unshare | read, write", share_twice_read },
};

/* ---- Figures -------------------------------------------------------------------------------------- */

static bool begin(struct bench_block *k, struct bench_env *e, bool check, unsigned int which)
{
	static const struct bench plain = { .name = "explore", .board = "virt" };

	*e = (struct bench_env){ 0 };
	if (!bench_boot(&plain, e) || (check && !bench_start_oracle(e)))
		return false;
	*k = (struct bench_block){ .e = e };
	blocks[which].fill(k, g_array_index(e->m->board->config->ram, struct ram_region, 0).base);
	if (e->oracle) {
		/* what it reads once is read: as after any action of a run */
		e->m->hyp->view(e->m->el2);
		oracle_begin(e->oracle, &(struct oracle_action){ .kind = ORACLE_PRESSURE });
		oracle_end(e->oracle, ORACLE_END_VALUE, 0);
		e->m->hyp->view(e->m->el2);
		oracle_block_begin(e->oracle, NULL, 0);
	}
	x_save(e->m, &k->start);
	return true;
}

static void finish(struct bench_block *k, struct bench_env *e)
{
	x_drop(e->m, &k->start);
	if (e->oracle)
		oracle_block_over(e->oracle);
	oracle_free(e->oracle);
	machine_free(e->m);
}

/* The same search again and again. */
static bool speed(bool check, u64 ns)
{
	struct bench_block k;
	struct bench_env e;
	u64 runs = 0, steps = 0, from, took;

	if (!begin(&k, &e, check, 0))
		return false;
	from = bench_now_ns();
	do {
		struct x_interleave x = search(&k, (struct x_interleave){ 0 });

		runs += x.runs;
		steps += x.steps;
		took = bench_now_ns() - from;
	} while (took < ns);
	printf("explore       %s, oracle %s: %.0f interleavings and\n"
	       "              %.2f M visible steps a second of processor time\n",
	       blocks[0].name, check ? "on" : "off", (double)runs * 1e9 / (double)took,
	       (double)steps * 1e3 / (double)took);
	k.broken += !runs;
	finish(&k, &e);
	return !k.broken;
}

#define MAX_ALL UINT64_C(3000000)

static bool reduction(unsigned int which, bool quick)
{
	struct x_interleave few, all = { .all = true, .forced = X_UNBOUNDED };
	struct bench_block k;
	struct bench_env e;

	if (!begin(&k, &e, false, which))
		return false;
	few = search(&k, (struct x_interleave){ 0 });
	all.max_runs = quick ? 10000 : MAX_ALL;
	all = search(&k, all);
	printf("              %-32s %s%" G_GUINT64_FORMAT " orders, %" G_GUINT64_FORMAT
	       " explored: 1 of %.0f\n",
	       blocks[which].name, all.complete ? "" : "more than ", all.runs, few.runs,
	       (double)all.runs / (double)few.runs);
	finish(&k, &e);
	return few.complete;
}

bool bench_explore(bool quick)
{
	bool ok = speed(false, quick ? 10000000 : 500000000) &&
		  speed(true, quick ? 10000000 : 500000000);

	for (unsigned int i = 0; ok && i < G_N_ELEMENTS(blocks); i++)
		ok = reduction(i, quick);
	if (ok)
		bench_spin();
	printf("              %s\n", BENCH_EXPLORE_DOC);
	return ok;
}
