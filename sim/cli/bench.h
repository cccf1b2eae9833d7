/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Benchmarks: operations of EL2 through the seam, beside loops that any machine
 * can be measured by. The only place that reads a clock.
 */
#ifndef PKVM_SIM_CLI_BENCH_H
#define PKVM_SIM_CLI_BENCH_H

#include "cli.h"
#include "model/oracle.h"

/* What one benchmark works on; a fresh one each. */
struct bench_env {
	struct machine *m;
	struct oracle *oracle; /* or NULL */
	struct el2_pgtable *table;
	const struct el2_call *first, *second;
	struct el2_fault fault;
	u64 arg[5];      /* of @first, or addresses and frame numbers, by the benchmark */
	u64 undo[5];     /* of @second */
	u64 iterations;
	u64 random;      /* state of bench_random() */
	u64 failures;    /* results that were not 0: a benchmark must have none */
	u8 *memory;      /* of the reference loops */
};

typedef s64 (*bench_loop)(struct cpu *cpu, void *env);

struct bench {
	const char *name, *doc;
	unsigned int ops; /* operations in one round, for ops/s */
	const char *board;/* NULL: needs no machine */
	bool outside;     /* the loop starts actions itself, rather than run inside one */
	bool (*setup)(struct bench_env *e);
	bench_loop loop;
	bool check;      /* with the oracle at its side */
	u64 ram;         /* MiB of RAM instead of the board's own; 0: its own */
	const char *release; /* NULL: v7.0 */
};

struct figure {
	double median, least, most; /* ns a round */
};

/* Make the machine, set up, measure. False: an operation failed. */
bool bench_figure(const struct bench *b, struct figure *f);

/* What the oracle costs: its own table (bench_oracle.c). */
bool bench_oracle(void);
#define BENCH_ORACLE_DOC "pairs of calls, each an action, without and with the oracle"

/* Exploring: its own table (bench_explore.c). */
bool bench_explore(bool quick);
void bench_spin(void); /* a line about what SPIN needs, where it is installed */
#define BENCH_EXPLORE_DOC "blocks of two CPUs in every order of their visible steps"

#define BENCH_SAMPLES 5
#define BENCH_SAMPLE_NS 30000000u
double bench_median(double *sample); /* of BENCH_SAMPLES; sorts them */

/* A kernel tree's own code beside ours (bench_tree.c). @only: one row, or NULL. */
enum exit_status bench_tree(const char *dir, const char *only, bool quick);
#define BENCH_TREE_ROWS 32
void bench_tree_rows(const char **names); /* fewer than that, NULL terminated */
void bench_tree_help(GString *list);	  /* a line each */

/* A machine that has booted; and the oracle beside it. False: it did not. */
bool bench_boot(const struct bench *b, struct bench_env *e);
bool bench_start_oracle(struct bench_env *e);
u64 bench_now_ns(void); /* of processor time */

/* Of bench_el2.c. */
bool setup_share(struct bench_env *e);
bool setup_donate(struct bench_env *e);
/* @second NULL: one call only. False: the release has none of that name. */
bool bench_find_calls(struct bench_env *e, const char *first, const char *second);
/* Frame number in the middle of the first region: neither EL2's image nor its memory. */
u64 bench_page(struct bench_env *e);

/* Of bench_guest.c. */
/* A VM with two pages from BENCH_GFN on, its vCPU loaded; the next page for the benchmark. */
bool bench_make_vm(struct bench_env *e, bool is_protected);
#define BENCH_GFN UINT64_C(0x80000)
bool setup_lend(struct bench_env *e);
bool setup_give(struct bench_env *e);
bool setup_guest_share(struct bench_env *e);
s64 loop_guest(struct cpu *cpu, void *env);

extern const struct bench benches[];           /* ends at name == NULL */
extern const struct bench bench_references[2]; /* dependent loads; copies */

static inline u64 bench_random(struct bench_env *e)
{
	e->random ^= e->random << 13;
	e->random ^= e->random >> 7;
	e->random ^= e->random << 17;
	return e->random;
}

#endif
