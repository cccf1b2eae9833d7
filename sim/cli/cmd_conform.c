// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim conform: our EL2 against a kernel tree's own.
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"

static struct {
	char *tree, *machine, *actions, *seed, *first, *output;
} o;

static const GOptionEntry entries[] = {
	{ "kernel-tree", 0, 0, G_OPTION_ARG_FILENAME, &o.tree,
	  "the tree, compiled for this machine", "DIR" },
	{ "machine", 0, 0, G_OPTION_ARG_STRING, &o.machine,
	  "a built-in board, for actions by chance (virt)", "NAME" },
	{ "actions", 0, 0, G_OPTION_ARG_STRING, &o.actions, "how many by chance (1000000)", "N" },
	{ "seed", 0, 0, G_OPTION_ARG_STRING, &o.seed, "where they come from (0)", "N" },
	{ "first", 0, 0, G_OPTION_ARG_STRING, &o.first,
	  "begin with this episode, as an earlier run ended before it (0)", "N" },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
	  "write the report there instead of standard output", "FILE" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char more[] =
	"Runs every scenario that the tree can run, then random actions, on our EL2 of the\n"
	"release that the tree is nearest to and on the tree's own code, on boards that are\n"
	"alike. Of a scenario the answers are compared; of each random action the result, the\n"
	"events in order (locks, barriers, TLB and cache maintenance, allocations, reference\n"
	"counts, descriptors) and all memory that it touched; at the end of an episode all\n"
	"memory of EL2. The first difference ends it, and is shown by the fewest actions.\n"
	"In between the tree boots with CONFIG_NVHE_EL2_DEBUG, for the kernel's own self-test.\n\n"
	"Exit status: 0 no difference, 1 a difference, 2 not understood, 3 the simulator is at\n"
	"fault.";

enum exit_status cmd_conform(const struct subcommand *c, int argc, char **argv)
{
	const char *const *machines = board_machine_names();
	struct run_options run = { .hyp = cli_hypervisor,
				   .check = "off",
				   .steps = UINT64_C(1000000000) };
	struct conform_options opt = { .run = &run,
				       .ours = cli_hypervisor,
				       .actions = 1000000,
				       .machine = "virt",
				       .out = stdout,
				       .progress = isatty(STDERR_FILENO) };
	enum exit_status status;

	if (!cli_parse(c, more, entries, &argc, &argv))
		return EXIT_USAGE;
	if (!o.tree)
		return usage_error(NULL, "conform: with which tree? --kernel-tree=DIR says");
	if (o.machine && !g_strv_contains(machines, o.machine))
		return usage_error(nearest_name(machines, o.machine), "no board is called \"%s\"",
				   o.machine);
	if ((o.actions && !cli_number("--actions", o.actions, ~UINT64_C(0), &opt.actions)) ||
	    (o.seed && !cli_number("--seed", o.seed, ~UINT64_C(0), &run.seed)) ||
	    (o.first && !cli_number("--first", o.first, ~UINT64_C(0), &opt.first)) ||
	    (o.output && !cli_open(o.output, stdout, &opt.out)))
		return EXIT_USAGE;
	if (o.machine)
		opt.machine = o.machine;
	run.tree = cli_tree(o.tree, &run.hyp, &run.tree_profile);
	if (!run.tree)
		return EXIT_USAGE;
	status = script_conform((const char *const *)argv + 1, &opt);
	return cli_close(opt.out, o.output ? o.output : "standard output", status);
}
