// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim run, pkvm-sim golden: files in, a report out.
 */
#include <string.h>

#include "cli.h"
#include "sim/golden/golden.h"

static struct {
	char *format, *output, *trace, *record, *jobs;
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
	  "run combinations in this many processes, with the same report (1)", "N" },
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

enum exit_status cmd_run(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = cli_with_machine_entries(run_only);
	struct run_options opt;
	u64 jobs = 1;

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
	return run_files(argv + 1, &opt);
}

enum exit_status cmd_golden(const struct subcommand *c, int argc, char **argv)
{
	static const GOptionEntry none[] = { { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL } };
	enum exit_status status;

	if (!cli_parse(
		    c,
		    "A recording is a .jsonl file, gzip'ed or not. Each is replayed from our own\n"
		    "boot of the machine that its header describes, and everything that it holds\n"
		    "is compared. The first difference is printed with both sides.",
		    none, &argc, &argv))
		return EXIT_USAGE;
	if (argc < 2)
		return usage_error(NULL, "golden: which recording?");
	status = golden_run((const char *const *)argv + 1, cli_hypervisor, stdout);
	return cli_close(stdout, "standard output", status);
}
