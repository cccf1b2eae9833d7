// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main(): the table of subcommands, and what happens when the simulator itself
 * is at fault.
 */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "sim/hyp/hyp.h"
#include "sim/tree/tree.h"

const struct hypervisor *const cli_hypervisor = &pkvm_hypervisor;

static struct el2_tree *opened, *fast; /* until the program ends */

const struct el2_tree *cli_tree(const char *dir, const struct hypervisor **hyp,
				const struct profile **nearest)
{
	GError *error = NULL;
	struct el2_tree *t = opened = tree_open(dir, &error);

	if (!t) {
		usage_error(NULL, "--kernel-tree: %s", error->message);
		g_error_free(error);
		return NULL;
	}
	*hyp = &tree_hypervisor;
	*nearest = tree_profile(t);
	return t;
}

const struct el2_tree *cli_tree_fast(const struct el2_tree *t)
{
	GError *error = NULL;

	fast = tree_fast(t, &error);
	if (!fast) {
		usage_error(NULL, "--kernel-tree: %s", error->message);
		g_error_free(error);
	}
	return fast;
}

const struct subcommand subcommands[] = {
	{ "run", "FILE|DIR...", "run scenarios", cmd_run },
	{ "explore", "FILE|DIR...", "run scenarios, and search every interleaving of their blocks",
	  cmd_explore },
	{ "repl", "[FILE]", "the interactive prompt; FILE runs first", cmd_repl },
	{ "sweep", "FILE|DIR...", "run scenarios with every allocation failing once", cmd_sweep },
	{ "random", "[FILE]", "random actions, judged by the oracle", cmd_random },
	{ "golden", "FILE...", "replay recordings of the real hypervisor and compare", cmd_golden },
	{ "conform", "[FILE|DIR...]", "our EL2 against a kernel tree's own code", cmd_conform },
	{ "decode", "VALUE", "explain one descriptor, field by field", cmd_decode },
	{ "kernels", "[NAME]", "the releases whose EL2 can be simulated", cmd_table },
	{ "patches", "[NAME]", "the posted series", cmd_table },
	{ "knobs", "[NAME]", "the design decisions, and their values", cmd_table },
	{ "bugs", "[NAME]", "the historical bugs that can be brought back", cmd_table },
	{ "machines", "[NAME]", "the built-in boards", cmd_table },
	{ "commands", "[NAME]", "the statements and functions of the scenario language",
	  cmd_table },
	{ "rules", "[NAME]", "the rules that an action can break", cmd_table },
	{ "bench", "[NAME]", "the benchmarks, as ratios of two things measured in one run",
	  cmd_bench },
	{ NULL, NULL, NULL, NULL },
};

/* ---- Our own faults ---- */

static void on_fault(int sig)
{
	static const char text[] =
		"pkvm-sim: internal error: the simulator itself is at fault (signal ";
	char number[4] = { (char)('0' + sig / 10), (char)('0' + sig % 10), ')', '\n' };

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)!write(STDERR_FILENO, number, sizeof(number));
	_exit(EXIT_INTERNAL);
}

#if defined(__has_feature)
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

/*
 * A coroutine that runs out of stack needs another one to say so. AddressSanitizer
 * says more about a wild access than we can, and has it.
 */
static void catch_faults(void)
{
	static char stack[65536];
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };

	if (!HAS_ASAN)
		sigaltstack(&alternate, NULL);
	for (unsigned int i = 0; i < (HAS_ASAN ? 1 : G_N_ELEMENTS(signals)); i++)
		sigaction(signals[i], &sa, NULL);
}

/* ---- Dispatch ---- */

static void print_help(void)
{
	printf("Usage: pkvm-sim COMMAND [OPTIONS] [ARGS]\n\n"
	       "Runs pKVM's memory ownership on real aarch64 descriptors in fake RAM.\n\n");
	for (const struct subcommand *c = subcommands; c->name; c++) {
		g_autofree char *usage = g_strdup_printf("%s %s", c->name, c->args);

		printf("  %-20s %s\n", usage, c->doc);
	}
	printf("\n  %-20s %s\n  %-20s %s\n\n", "--version", "print version and build", "--help",
	       "print this; `pkvm-sim COMMAND --help` tells about COMMAND");
	printf("Without a command: the prompt.\n"
	       "Exit status: 0 passed, 1 failed, 2 not understood, 3 the simulator is at fault.\n");
}

static void print_version(void)
{
	printf("pkvm-sim %s (%s)\n", PKVM_SIM_VERSION, PKVM_SIM_BUILD);
	printf("EL2 of");
	for (unsigned int i = 0; i < N_PROFILES; i++)
		if (el2_profiles[i].built)
			printf(" %s", el2_profiles[i].name);
	printf("\n");
}

static const struct subcommand *find_subcommand(const char *name)
{
	for (const struct subcommand *c = subcommands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static enum exit_status unknown(const char *word)
{
	const char *names[G_N_ELEMENTS(subcommands) + 4] = { "--help", "--version", "help" };
	unsigned int n = 3;

	for (const struct subcommand *c = subcommands; c->name; c++)
		names[n++] = c->name;
	return usage_error(nearest_name(names, word), "no %s is called \"%s\"",
			   word[0] == '-' ? "option" : "command", word);
}

/* Options of repl may stand without the word, and a file may too. */
static bool means_repl(const char *word)
{
	return g_str_has_prefix(word, "--format") || g_str_has_suffix(word, ".pkvm");
}

static enum exit_status dispatch(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "repl";
	const struct subcommand *c;

	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		print_version();
		return cli_close(stdout, "standard output", EXIT_PASSED);
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || (!strcmp(word, "help") && argc < 3)) {
		print_help();
		return cli_close(stdout, "standard output", EXIT_PASSED);
	}
	if (!strcmp(word, "help")) {
		char *args[] = { argv[2], (char *)"--help", NULL };

		c = find_subcommand(argv[2]);
		return c ? c->run(c, 2, args) : unknown(argv[2]);
	}
	c = find_subcommand(word);
	if (c)
		return c->run(c, MAX(argc - 1, 1), argc > 1 ? argv + 1 : argv);
	if (means_repl(word))
		return cmd_repl(find_subcommand("repl"), argc, argv);
	return unknown(word);
}

int main(int argc, char **argv)
{
	enum exit_status status;

	/* Characters only: numbers and messages are the same everywhere. */
	setlocale(LC_CTYPE, "");
	catch_faults();
	status = dispatch(argc, argv);
	tree_close(opened);
	tree_close(fast);
	return (int)status;
}
