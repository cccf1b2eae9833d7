// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim run, pkvm-sim explore, pkvm-sim golden: files in, a report out.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "sim/golden/golden.h"

static struct {
	char *format, *output, *trace, *record, *jobs;
	char *time, *states, *shard, *part;
	char **merge;
	gboolean keep_going, list, verbose;
} o;

static const GOptionEntry run_only[] = {
	{ "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "text, ktap, tap, junit or jsonl (text)",
	  "FORMAT" },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
	  "write the report there instead of standard output", "FILE" },
	{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &o.verbose,
	  "text: a table for every file, not only for a matrix or a lone file", NULL },
	{ "trace", 0, 0, G_OPTION_ARG_FILENAME, &o.trace,
	  "a line an event, before the report; see below", "[FILE]" },
	{ "record", 0, 0, G_OPTION_ARG_FILENAME, &o.record,
	  "write the run as a scenario: set-up, actions, what happened", "FILE" },
	{ "jobs", 0, 0, G_OPTION_ARG_STRING, &o.jobs,
	  "run combinations in this many processes, with the same report (one a CPU)", "N" },
	{ "keep-going", 'k', 0, G_OPTION_ARG_NONE, &o.keep_going,
	  "a failed line does not end its run", NULL },
	{ "list", 0, 0, G_OPTION_ARG_NONE, &o.list, "print the names of what would run", NULL },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char run_more[] =
	"A directory stands for every .pkvm file below it, - for standard input.\n"
	"Options override what a file says.\n"
	"--jobs changes nothing but the time that it takes; with --trace or --record there is\n"
	"one process.\n"
	"--trace prints events as the kernel's hypervisor tracing does. Without =FILE they go\n"
	"to standard output, or to standard error if the report is for machines.\n\n"
	"Exit status: 0 everything passed, 1 something failed, 2 the command line or a\n"
	"file could not be understood, 3 the simulator is at fault.";

/* --trace takes its FILE behind '=' only: what follows it is a scenario. */
static void fix_trace(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--trace"))
			argv[i] = (char *)"--trace=-";
}

static bool format_exists(const char *name)
{
	const struct report_ops *const *f = report_formats();
	const char *names[16] = { NULL };

	for (unsigned int i = 0; f[i] && i + 1 < G_N_ELEMENTS(names); i++) {
		names[i] = f[i]->name;
		if (!strcmp(names[i], name))
			return true;
	}
	usage_error(nearest_name(names, name), "no format is called \"%s\"", name);
	return false;
}

static enum exit_status run_files(char **paths, struct run_options *opt)
{
	const char *format = o.format ? o.format : "text";
	enum exit_status status = EXIT_USAGE;
	struct report_style style;
	FILE *out = stdout;
	struct report *r;

	if (!format_exists(format) || (o.output && !cli_open(o.output, stdout, &out)))
		return EXIT_USAGE;
	if (o.trace && !cli_open(o.trace, strcmp(format, "text") ? stderr : stdout, &opt->trace))
		return EXIT_USAGE;
	if (o.record && !cli_open(o.record, stdout, &opt->record))
		return EXIT_USAGE;
	if (o.list) {
		status = script_list((const char *const *)paths, opt, out);
	} else {
		style = cli_style(out);
		style.verbose = o.verbose;
		r = report_new(format, out, &style);
		status = script_run((const char *const *)paths, opt, r);
		report_free(r);
	}
	if (opt->trace && opt->trace != out)
		status = cli_close(opt->trace, o.trace, status);
	if (opt->record && opt->record != out)
		status = cli_close(opt->record, o.record, status);
	return cli_close(out, o.output ? o.output : "standard output", status);
}

/* ---- How long a search takes ---------------------------------------------------------------- */

struct clock {
	u64 start, told, limit; /* ms */
	unsigned int jobs;
	bool show, shown;
};

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static void start_clock(void *data)
{
	struct clock *c = data;

	c->start = c->told = now_ms();
}

static bool time_is_up(void *data)
{
	const struct clock *c = data;

	return c->limit && now_ms() - c->start >= c->limit;
}

/* On a terminal, once a second: of several processes the first tells of itself. */
static void show_progress(void *data, u64 runs, u64 steps, u32 deepest, u64 left)
{
	struct clock *c = data;
	u64 now = now_ms(), ms = now - c->start;

	if (!c->show || now - c->told < 1000)
		return;
	c->told = now;
	c->shown = true;
	fprintf(stderr,
		"\rexplore: %" G_GUINT64_FORMAT " interleavings, %" G_GUINT64_FORMAT
		"/s, of up to %u steps, at least %" G_GUINT64_FORMAT " left%s   ",
		runs, runs * 1000 / MAX(ms, 1u), deepest, left,
		c->jobs > 1 ? " (one process of several)" : "");
	fflush(stderr);
}

/* As far as `run` goes: all of each search, here. */
static void tell_of_searches(struct explore_options *e, struct clock *c)
{
	e->begin = start_clock;
	e->progress = show_progress;
	e->data = c;
	c->show = isatty(STDERR_FILENO);
}

static void end_progress(const struct clock *c)
{
	if (c->shown)
		fputc('\n', stderr);
}

enum exit_status cmd_run(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = cli_with_machine_entries(run_only);
	struct explore_options e = { 0 };
	struct clock clock = { 0 };
	enum exit_status status;
	struct run_options opt;
	u64 jobs = MIN(g_get_num_processors(), MAX_JOBS);

	fix_trace(argc, argv);
	if (!cli_parse(c, run_more, entries, &argc, &argv) || !machine_options_check(&opt) ||
	    (o.jobs && !cli_number("--jobs", o.jobs, MAX_JOBS, &jobs)))
		return EXIT_USAGE;
	if (!jobs)
		return usage_error(NULL, "--jobs=0: nobody would run anything");
	opt.jobs = (unsigned int)jobs;
	if (argc < 2)
		return usage_error(NULL,
				   "run: which file or directory? (try `pkvm-sim run --help`)");
	opt.keep_going = o.keep_going;
	opt.explore = &e;
	if (jobs == 1)
		tell_of_searches(&e, &clock);
	status = run_files(argv + 1, &opt);
	end_progress(&clock);
	return status;
}

/* ---- explore ---------------------------------------------------------------------------- */

static const GOptionEntry explore_only[] = {
	{ "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "text, ktap, tap, junit or jsonl (text)",
	  "FORMAT" },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
	  "write the report there instead of standard output", "FILE" },
	{ "jobs", 0, 0, G_OPTION_ARG_STRING, &o.jobs, "search in this many processes (all cores)",
	  "N" },
	{ "time", 0, 0, G_OPTION_ARG_STRING, &o.time,
	  "stop the search of a block after so many seconds", "SECONDS" },
	{ "states", 0, 0, G_OPTION_ARG_STRING, &o.states,
	  "stop a search after so many states of the machine, one a visible step", "N" },
	{ "shard", 0, 0, G_OPTION_ARG_STRING, &o.shard,
	  "search part I of N, from 0; what it finds goes to --part", "I/N" },
	{ "part", 0, 0, G_OPTION_ARG_FILENAME, &o.part, "where a shard's part goes", "FILE" },
	{ "merge", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.merge,
	  "put this part in place of a search; once for each", "FILE" },
	{ "keep-going", 'k', 0, G_OPTION_ARG_NONE, &o.keep_going,
	  "a failed line does not end its run", NULL },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char explore_more[] =
	"Runs files as `run` does, with more to say about their `explore` blocks: how long to\n"
	"look, in how many processes or on how many machines. With the shortest schedule stands\n"
	"what happens under it, a column a CPU.\n"
	"A search over N machines: --shard=0/N --part=0 FILE to --shard=N-1/N --part=N-1 FILE,\n"
	"then --merge=0 ... --merge=N-1 FILE tells what one machine would have.\n\n"
	"Exit status: 0 everything passed, 1 something failed, 2 the command line or a\n"
	"file could not be understood, 3 the simulator is at fault.";

static bool parse_shard(struct explore_options *e)
{
	g_auto(GStrv) part = g_strsplit(o.shard, "/", 2);
	u64 i, n;

	if (!part[1] || !cli_number("--shard", part[0], MAX_JOBS, &i) ||
	    !cli_number("--shard", part[1], MAX_JOBS, &n) || i >= n) {
		usage_error(NULL, "--shard=I/N: I is below N, not \"%s\"", o.shard);
		return false;
	}
	e->shard = (u32)i;
	e->n_shards = (u32)n;
	if (!o.part)
		usage_error(NULL, "--shard: --part says where what it finds goes");
	return o.part;
}

static bool open_parts(struct explore_options *e, FILE **in)
{
	if (o.part && !o.shard) {
		usage_error(NULL, "--part: of which --shard?");
		return false;
	}
	if (o.part && !cli_open(o.part, stdout, &e->part))
		return false;
	e->merge = o.merge ? in : NULL;
	for (; o.merge && o.merge[e->n_merge]; e->n_merge++) {
		if (e->n_merge == MAX_JOBS) {
			usage_error(NULL, "--merge: more than %d parts", MAX_JOBS);
			return false;
		}
		in[e->n_merge] = fopen(o.merge[e->n_merge], "re");
		if (in[e->n_merge])
			continue;
		usage_error(NULL, "cannot read %s", o.merge[e->n_merge]);
		return false;
	}
	return true;
}

static bool explore_options(struct explore_options *e, struct clock *c, FILE **in)
{
	u64 jobs = (u64)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L), seconds = 0;

	if ((o.jobs && !cli_number("--jobs", o.jobs, MAX_JOBS, &jobs)) ||
	    (o.time && !cli_number("--time", o.time, UINT32_MAX, &seconds)) ||
	    (o.states && !cli_number("--states", o.states, ~UINT64_C(0), &e->states)) ||
	    (o.shard && !parse_shard(e)) || !open_parts(e, in))
		return false;
	if (!jobs)
		usage_error(NULL, "--jobs=0: nobody would search anything");
	e->jobs = (unsigned int)jobs;
	e->listing = true;
	tell_of_searches(e, c);
	e->enough = time_is_up;
	c->limit = seconds * 1000;
	c->jobs = (unsigned int)jobs;
	return jobs;
}

enum exit_status cmd_explore(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = cli_with_machine_entries(explore_only);
	FILE *in[MAX_JOBS] = { NULL };
	struct explore_options e = { 0 };
	enum exit_status status;
	struct run_options opt;
	struct clock clock = { 0 };

	if (!cli_parse(c, explore_more, entries, &argc, &argv) || !machine_options_check(&opt))
		return EXIT_USAGE;
	if (argc < 2)
		return usage_error(NULL, "explore: which file?");
	if (!explore_options(&e, &clock, in))
		return EXIT_USAGE;
	opt.explore = &e;
	opt.keep_going = o.keep_going;
	status = run_files(argv + 1, &opt);
	end_progress(&clock);
	for (unsigned int i = 0; i < e.n_merge; i++)
		fclose(in[i]);
	return e.part ? cli_close(e.part, o.part, status) : status;
}

enum exit_status cmd_golden(const struct subcommand *c, int argc, char **argv)
{
	static char *tree;
	static const GOptionEntry entries[] = {
		{ "kernel-tree", 0, 0, G_OPTION_ARG_FILENAME, &tree,
		  "on this kernel tree's own code", "DIR" },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	const struct hypervisor *hyp = cli_hypervisor;
	const struct el2_tree *built = NULL;
	const struct profile *nearest;
	enum exit_status status;

	if (!cli_parse(
		    c,
		    "A recording is a .jsonl file, gzip'ed or not. Each is replayed from our own\n"
		    "boot of the machine that its header describes, and everything that it holds\n"
		    "is compared. The first difference is printed with both sides.",
		    entries, &argc, &argv))
		return EXIT_USAGE;
	if (argc < 2)
		return usage_error(NULL, "golden: which recording?");
	if (tree && !(built = cli_tree(tree, &hyp, &nearest)))
		return EXIT_USAGE;
	status = golden_run((const char *const *)argv + 1, hyp, built, stdout);
	return cli_close(stdout, "standard output", status);
}
