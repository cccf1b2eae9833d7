// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim bench: each figure beside two reference loops of the same run, since a
 * number of nanoseconds tells as much about the machine as about the program.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define SAMPLES BENCH_SAMPLES
#define SAMPLE_NS BENCH_SAMPLE_NS

static struct {
	gboolean quick;
	char *tree;
} o;

static const GOptionEntry entries[] = {
	{ "quick", 0, 0, G_OPTION_ARG_NONE, &o.quick,
	  "a hundredth of the time, for a look whether it runs", NULL },
	{ "kernel-tree", 0, 0, G_OPTION_ARG_FILENAME, &o.tree,
	  "this kernel tree's own code beside ours, at the same work", "DIR" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

/* Of this process alone: who else is on the machine is not what is measured. */
u64 bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static bool run_loop(const struct bench *b, struct bench_env *e, u64 *ns)
{
	u64 start = bench_now_ns();
	bool ok = true;
	s64 ret = 0;

	if (b->outside)
		b->loop(NULL, e);
	else
		ok = cpu_call(&e->m->board->cpus[0], b->loop, e, &ret) == CPU_END_RETURNED;
	*ns = bench_now_ns() - start;
	return ok && !e->failures;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double bench_median(double *sample)
{
	qsort(sample, SAMPLES, sizeof(sample[0]), compare_doubles);
	return sample[SAMPLES / 2];
}

/* Rounds double until a sample is long enough; then the samples. */
static bool measure(const struct bench *b, struct bench_env *e, struct figure *f)
{
	u64 target = o.quick ? SAMPLE_NS / 100 : SAMPLE_NS, ns = 0;
	double sample[SAMPLES];

	for (e->iterations = 16; ns < target; e->iterations *= 2)
		if (!run_loop(b, e, &ns))
			return false;
	for (unsigned int i = 0; i < SAMPLES; i++) {
		if (!run_loop(b, e, &ns))
			return false;
		sample[i] = (double)ns / (double)e->iterations;
	}
	f->median = bench_median(sample);
	f->least = sample[0];
	f->most = sample[SAMPLES - 1];
	return true;
}

static struct board_config *board_of(const struct bench *b)
{
	struct board_config *bc = board_config_machine(b->board);

	if (b->ram) {
		struct ram_region *ram = &g_array_index(bc->ram, struct ram_region, 0);

		g_array_set_size(bc->ram, 1);
		ram->size = b->ram << 20;
	}
	return bc;
}

bool bench_boot(const struct bench *b, struct bench_env *e)
{
	struct board_config *bc = board_of(b);
	struct el2_config *ec = el2_config_new(el2_profile_find(b->release ? b->release : "v7.0"));
	struct machine *m = e->m = machine_new(bc, ec, cli_hypervisor, NULL);
	struct outcome out;

	board_config_free(bc);
	el2_config_free(ec);
	if (!m)
		return false;
	out = machine_boot(m);
	return out.kind == OUTCOME_VALUE && !out.value;
}

/* It reads all that there is when it is told of the first action. */
bool bench_start_oracle(struct bench_env *e)
{
	struct machine *m = e->m;

	e->oracle = oracle_new(m->board, m->hyp->view(m->el2), m->config, CHECK_ON);
	return e->oracle;
}

bool bench_figure(const struct bench *b, struct figure *f)
{
	struct bench_env e = { .random = UINT64_C(0x9e3779b97f4a7c15) };
	bool ok;

	ok = (!b->board || bench_boot(b, &e)) && b->setup(&e) &&
	     (!b->check || bench_start_oracle(&e)) && measure(b, &e, f);
	if (e.table)
		e.m->hyp->pgtable_free(e.table);
	oracle_free(e.oracle);
	machine_free(e.m);
	g_free(e.memory);
	return ok;
}

static void print_figure(const struct bench *b, const struct figure *f, const struct figure *ref)
{
	const int decimals = f->most < 1000 ? 1 : 0;

	printf("%-12s %7.*f [%.*f-%.*f] ns", b->name, decimals, f->median, decimals, f->least,
	       decimals, f->most);
	if (ref)
		printf(" %6.2f loads %6.2f copies", f->median / ref[0].median,
		       f->median / ref[1].median);
	printf(" %6.2f M/s\n             %s\n", 1000.0 * b->ops / f->median, b->doc);
}

static enum exit_status run_benches(const char *only)
{
	struct figure ref[2], f;

	printf("One thread, EL2 of v7.0 unless a row names another, no subscriber; median\n"
	       "[least-most] of %d samples of at least %s ms. Each loop runs inside one action\n"
	       "unless it says otherwise. ns: one round, with both halves of a pair; M/s:\n"
	       "a million operations a second, each half counted. loads, copies: a round as so\n"
	       "many of this run's reference loops.\n\n",
	       SAMPLES, o.quick ? "0.3" : "30");
	for (unsigned int i = 0; i < 2; i++) {
		if (!bench_figure(&bench_references[i], &ref[i]))
			return EXIT_INTERNAL;
		print_figure(&bench_references[i], &ref[i], NULL);
	}
	for (const struct bench *b = benches; b->name; b++) {
		if (only && strcmp(b->name, only))
			continue;
		if (!bench_figure(b, &f)) {
			fprintf(stderr, "pkvm-sim: internal error: benchmark %s failed\n", b->name);
			return EXIT_INTERNAL;
		}
		print_figure(b, &f, ref);
		fflush(stdout);
	}
	if ((!only || !strcmp(only, "oracle")) && !bench_oracle()) {
		fprintf(stderr, "pkvm-sim: internal error: benchmark oracle failed\n");
		return EXIT_INTERNAL;
	}
	if ((!only || !strcmp(only, "explore")) && !bench_explore(o.quick)) {
		fprintf(stderr, "pkvm-sim: internal error: benchmark explore failed\n");
		return EXIT_INTERNAL;
	}
	return EXIT_PASSED;
}

enum exit_status cmd_bench(const struct subcommand *c, int argc, char **argv)
{
	const char *names[32] = { NULL }, *rows[BENCH_TREE_ROWS];
	GString *list = g_string_new("NAME:\n");
	unsigned int n = 0;
	bool parsed;

	for (const struct bench *b = benches; b->name && n + 3 < G_N_ELEMENTS(names); b++) {
		names[n++] = b->name;
		g_string_append_printf(list, "  %-13s %s\n", b->name, b->doc);
	}
	names[n++] = "oracle";
	g_string_append_printf(list, "  %-13s %s\n", "oracle", BENCH_ORACLE_DOC);
	names[n++] = "explore";
	g_string_append_printf(list, "  %-13s %s\n", "explore", BENCH_EXPLORE_DOC);
	g_string_append(list, "\nNAME with --kernel-tree:\n");
	bench_tree_help(list);
	parsed = cli_parse(c, list->str, entries, &argc, &argv);
	g_string_free(list, TRUE);
	if (!parsed)
		return EXIT_USAGE;
	if (argc > 2)
		return usage_error(NULL, "bench: one NAME at most");
	bench_tree_rows(rows);
	if (o.tree && argc == 2 && !g_strv_contains(rows, argv[1]))
		return usage_error(nearest_name(rows, argv[1]),
				   "bench --kernel-tree has no row \"%s\"", argv[1]);
	if (o.tree)
		return cli_close(stdout, "standard output",
				 bench_tree(o.tree, argc == 2 ? argv[1] : NULL, o.quick));
	if (argc == 2 && !g_strv_contains(names, argv[1]))
		return usage_error(nearest_name(names, argv[1]), "no benchmark is called \"%s\"",
				   argv[1]);
	return cli_close(stdout, "standard output", run_benches(argc == 2 ? argv[1] : NULL));
}
