/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: one table of subcommands, each a function of its own file.
 * main.c is the only place that names an EL2.
 */
#ifndef PKVM_SIM_CLI_H
#define PKVM_SIM_CLI_H

#include "sim/script/script.h"

struct subcommand {
	const char *name;
	const char *args; /* of the usage line */
	const char *doc;  /* one line */
	/* argv[0] is the subcommand's name */
	enum exit_status (*run)(const struct subcommand *c, int argc, char **argv);
};

extern const struct subcommand subcommands[]; /* ends at name == NULL */
extern const struct hypervisor *const cli_hypervisor;
/* The EL2 of the kernel tree at @dir, built. NULL with a message. For the whole run. */
const struct el2_tree *cli_tree(const char *dir, const struct hypervisor **hyp,
				const struct profile **nearest);
/* The same for hypervisor.work(): as fast as its code is. */
const struct el2_tree *cli_tree_fast(const struct el2_tree *t);

enum exit_status cmd_run(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_explore(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_sweep(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_random(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_repl(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_conform(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_golden(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_decode(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_table(const struct subcommand *c, int argc, char **argv);
enum exit_status cmd_bench(const struct subcommand *c, int argc, char **argv);

/* ---- Options (options.c) ---- */

/* "pkvm-sim: MESSAGE" on standard error, with a suggestion if @nearest. EXIT_USAGE. */
enum exit_status usage_error(const char *nearest, const char *format, ...) G_GNUC_PRINTF(2, 3);
/*
 * Parse @entries out of argv. --help prints and ends the program. False: said why
 * on standard error, with the nearest option that exists.
 */
bool cli_parse(const struct subcommand *c, const char *more, const GOptionEntry *entries, int *argc,
	       char ***argv);
/* Decimal or 0x; false with a message that names @what. */
bool cli_number(const char *what, const char *text, u64 max, u64 *value);

/* Options that choose a machine: --kernel, --patch, --set, --bug, --seed, --check, --steps. */
struct machine_options {
	char *kernel, *patch, *check, *seed, *steps, *tree;
	char **sets, **bugs;
};
extern struct machine_options machine_options;
extern const GOptionEntry machine_entries[]; /* NULL terminated */
/* @own and those. New array. */
GOptionEntry *cli_with_machine_entries(const GOptionEntry *own);
/* Names exist and are in this build; fills @opt. */
bool machine_options_check(struct run_options *opt);

/* The member of a NULL terminated list nearest to @word, or NULL if none is near. */
const char *nearest_name(const char *const *names, const char *word);

/* ---- Colour, terminals ---- */

struct report_style cli_style(FILE *out);
/* @name for writing, "-" is @dash. False with a message. */
bool cli_open(const char *name, FILE *dash, FILE **out);
/* Everything written? A message and EXIT_USAGE if not. */
enum exit_status cli_close(FILE *out, const char *name, enum exit_status status);

/* ---- Words about things by name (explain.c): for `help NAME` and the prompt ---- */

/* A hex number as address, frame and descriptor; new string. */
char *explain_number(const char *text, const struct profile *p, const struct arch_features *f);
char *explain_errno(int err);
/* Command, function, topic, knob, call: new string, or NULL with *@nearest maybe set. */
char *explain_name(const char *name, const struct el2_call *const *calls, const char **nearest);
char *explain_all(void);

/* ---- The machine interface (jsonl.c) ---- */

enum exit_status repl_jsonl(struct session *s, FILE *in, FILE *out);

#endif
