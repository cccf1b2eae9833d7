// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim sweep: what if this allocation fails?
 */
#include <string.h>

#include "cli.h"

static struct {
	char *format, *output;
} o;

static const GOptionEntry sweep_only[] = {
	{ "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "text or jsonl (text)", "FORMAT" },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
	  "write the report there instead of standard output", "FILE" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char sweep_more[] =
	"A directory stands for every .pkvm file below it, - for standard input.\n"
	"Runs the files. Before each action the same action is carried out once for every\n"
	"allocation that it makes, with just that one failing; and after an error once more,\n"
	"plainly, from where the failure left the machine. Then all is as before.\n"
	"Of a line in a loop it is the rounds 1 to 4, 8, 16, 32 and so on.\n"
	"Listed is each line with the pools that it allocates from, how often, and what the\n"
	"failures gave: `-ENOMEM, then 0` is an error after which the action works. A star\n"
	"stands where something was lost or a rule is broken; what the release does without\n"
	"any patch too is `known`. What the file expects of the action is not asked.\n"
	"What CPUs do at once runs as it is: `explore alloc=any` fails allocations there.\n\n"
	"With --patch the patch's knobs have its values, whatever the files set, and runs that\n"
	"bring in other defects (`bug`, `set warn=continue`) are skipped.\n\n"
	"Exit status: 0 no breach, 1 a breach, 2 not understood, 3 the simulator is at fault.";

enum exit_status cmd_sweep(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = cli_with_machine_entries(sweep_only);
	static const char *const formats[] = { "text", "jsonl", NULL };
	struct sweep_options s = { .out = stdout };
	struct run_options opt;
	enum exit_status status;

	if (!cli_parse(c, sweep_more, entries, &argc, &argv) || !machine_options_check(&opt))
		return EXIT_USAGE;
	if (argc < 2)
		return usage_error(NULL, "sweep: which file or directory?");
	if (o.format && !g_strv_contains(formats, o.format))
		return usage_error(nearest_name(formats, o.format), "no format is called \"%s\"",
				   o.format);
	s.run = &opt;
	s.jsonl = o.format && !strcmp(o.format, "jsonl");
	if (o.output && !cli_open(o.output, stdout, &s.out))
		return EXIT_USAGE;
	status = script_sweep((const char *const *)argv + 1, &s);
	return cli_close(s.out, o.output ? o.output : "standard output", status);
}
