// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim random: chance against the oracle.
 */
#include <string.h>

#include "cli.h"

static struct {
	char *machine, *actions, *episode, *format, *output, *record;
	char **allow;
	gboolean dma, vms;
} o;

static const GOptionEntry random_only[] = {
	{ "machine", 0, 0, G_OPTION_ARG_STRING, &o.machine, "a built-in board (virt)", "NAME" },
	{ "actions", 0, 0, G_OPTION_ARG_STRING, &o.actions, "how many (1000000)", "N" },
	{ "episode", 0, 0, G_OPTION_ARG_STRING, &o.episode,
	  "actions after which the machine is again as after boot (2000)", "N" },
	{ "dma", 0, 0, G_OPTION_ARG_NONE, &o.dma, "devices that are bus masters act too", NULL },
	{ "vms", 0, 0, G_OPTION_ARG_NONE, &o.vms,
	  "virtual machines are made, run, attacked and destroyed", NULL },
	{ "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.allow,
	  "a breach that is known; may be repeated", "RULE[@ACTION][:REASON]" },
	{ "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "text or jsonl (text)", "FORMAT" },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
	  "write the report there instead of standard output", "FILE" },
	{ "record", 0, 0, G_OPTION_ARG_FILENAME, &o.record,
	  "write the scenario that shows what broke", "FILE" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char random_more[] =
	"Boots the machine, then draws actions from the seed: every call of this EL2 with frames\n"
	"at which something changes, the host's accesses from every CPU, EL2's, memory pressure.\n"
	"EL2's own functions are called as EL2 would, with arguments that come from the host.\n"
	"With --vms the host's driver makes virtual machines, and the host behind its back calls\n"
	"whatever it likes about them, by their pages, handles and frames, dead ones too.\n"
	"The oracle judges each action. A panic that the rules allow starts again from boot.\n"
	"The first breach ends the run; the actions that it needs are printed as a scenario.\n"
	"With a FILE its set-up is taken: board, knobs, protected registers; no action of it.\n\n"
	"Exit status: 0 no breach, 1 a breach, 2 not understood, 3 the simulator is at fault.";

static bool numbers(struct random_options *r)
{
	u64 episode = 2000;

	r->actions = 1000000;
	if ((o.actions && !cli_number("--actions", o.actions, ~UINT64_C(0), &r->actions)) ||
	    (o.episode && !cli_number("--episode", o.episode, 1000000, &episode)))
		return false;
	r->episode = (unsigned int)MAX(episode, 1);
	return true;
}

static bool words(struct random_options *r)
{
	static const char *const formats[] = { "text", "jsonl", NULL };
	const char *const *machines = board_machine_names();

	if (o.format && !g_strv_contains(formats, o.format)) {
		usage_error(nearest_name(formats, o.format), "no format is called \"%s\"",
			    o.format);
		return false;
	}
	if (o.machine && !g_strv_contains(machines, o.machine)) {
		usage_error(nearest_name(machines, o.machine), "no board is called \"%s\"",
			    o.machine);
		return false;
	}
	if (o.machine && r->file) {
		usage_error(NULL, "--machine and a FILE: the FILE says which board");
		return false;
	}
	r->machine = o.machine;
	r->allow = (const char *const *)o.allow;
	r->jsonl = o.format && !strcmp(o.format, "jsonl");
	r->dma = o.dma;
	r->vms = o.vms;
	return true;
}

enum exit_status cmd_random(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = cli_with_machine_entries(random_only);
	struct random_options r = { .out = stdout };
	struct run_options opt;
	enum exit_status status;

	if (!cli_parse(c, random_more, entries, &argc, &argv) || !machine_options_check(&opt))
		return EXIT_USAGE;
	if (argc > 2)
		return usage_error(NULL, "random: one FILE at most");
	r.run = &opt;
	r.file = argc > 1 ? argv[1] : NULL;
	if (!numbers(&r) || !words(&r))
		return EXIT_USAGE;
	if (o.output && !cli_open(o.output, stdout, &r.out))
		return EXIT_USAGE;
	if (o.record && !cli_open(o.record, stdout, &opt.record))
		return EXIT_USAGE;
	status = script_random(&r);
	if (opt.record && opt.record != r.out)
		status = cli_close(opt.record, o.record, status);
	return cli_close(r.out, o.output ? o.output : "standard output", status);
}
