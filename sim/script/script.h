/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scenario language: files, the prompt and the machine interface go through
 * one interpreter. docs/scenario-language.md is its page.
 */
#ifndef PKVM_SIM_SCRIPT_H
#define PKVM_SIM_SCRIPT_H

#include "sim/report/report.h"

#define MAX_JOBS 1024 /* more would be a mistake */

/* How blocks of `explore` are looked through. */
struct explore_options {
	unsigned int jobs;         /* processes; 0, 1: this one */
	u32 shard, n_shards;       /* a part of the search; 0 of 0: all of it */
	FILE *part;                /* where what the shard found goes */
	FILE *const *merge;        /* parts to be put together, instead of a search; or NULL */
	unsigned int n_merge;
	u64 states;                /* visible steps that may be taken; 0: no bound */
	void (*begin)(void *data); /* a search begins; or NULL */
	bool (*enough)(void *data);/* asked now and then: is its time over? or NULL */
	/* told now and then; or NULL */
	void (*progress)(void *data, u64 runs, u64 steps, u32 deepest, u64 left);
	void *data;
	bool listing;              /* of the shortest schedules, though nothing failed */
};

struct run_options {
	const struct explore_options *explore; /* NULL: all of it, here */
	const struct hypervisor *hyp;
	const struct el2_tree *tree; /* that @hyp runs, or NULL */
	const struct profile *tree_profile; /* nearest to it */
	const char *kernel;      /* --kernel, or NULL */
	const char *patch;       /* --patch */
	const char *const *sets; /* --set KNOB=VALUE, NULL terminated, or NULL */
	const char *const *bugs; /* --bug ID */
	const char *check;       /* "off", "on", "paranoid" */
	u64 seed;
	u64 steps;               /* events a run may take */
	unsigned int jobs;       /* processes that run combinations; 0, 1: this one */
	bool keep_going;
	FILE *trace;             /* one line an event, or NULL */
	FILE *record;            /* the run as a .pkvm file, or NULL */
	volatile bool *stop;     /* set by Ctrl-C: end the action, keep the session */
};

#define SCRIPT_ERROR script_error_quark()
GQuark script_error_quark(void);

/*
 * Run files and directories ("-": standard input) and report. Returns the exit
 * status of scenario-language.md section 9.
 */
enum exit_status script_run(const char *const *paths, const struct run_options *opt,
			    struct report *report);
/* Names of what would run, one a line: the leaf names of every combination. */
enum exit_status script_list(const char *const *paths, const struct run_options *opt, FILE *out);

/* ---- Every allocation fails once (sweep.c) ---- */

struct sweep_options {
	const struct run_options *run;
	bool jsonl;
	FILE *out;
};

/* The runs of @paths; EXIT_FAILED: a failure breaks what the release itself does not. */
enum exit_status script_sweep(const char *const *paths, const struct sweep_options *opt);

/* ---- By chance (random.c) ---- */

struct random_options {
	const struct run_options *run;
	const char *machine;      /* a built-in board; NULL: virt, or @file's */
	const char *file;         /* whose set-up is taken, or NULL */
	u64 actions;
	unsigned int episode;     /* actions after which the machine starts again */
	bool vms; /* virtual machines come and go */
	bool dma;                 /* devices act too */
	const char *const *allow; /* RULE[@ACTION][:REASON], NULL terminated, or NULL */
	bool jsonl;
	FILE *out;
};

/* Boot the machine, drive it by chance, report; a breach is also written to run->record. */
enum exit_status script_random(const struct random_options *opt);

/* ---- Beside a kernel tree (conform.c) ---- */

struct conform_options {
	const struct run_options *run; /* with the tree's EL2 */
	const struct hypervisor *ours;
	const char *machine;           /* a built-in board */
	u64 actions, first;            /* by chance, and the episode to begin with */
	bool progress;                 /* to standard error */
	FILE *out;
};

/* @paths, or none, and then chance. EXIT_FAILED: a difference. */
enum exit_status script_conform(const char *const *paths, const struct conform_options *opt);

/* ---- A session: one machine, statement by statement (prompt, machine interface) ---- */

struct session;

struct session_result {
	bool understood;     /* false: @error says why, FILE:LINE:COLUMN form */
	char *error;
	bool is_action;
	struct outcome outcome; /* actions */
	enum verdict verdict;
	char *text;          /* what to show: result in words, output of show and echo */
	char *value;         /* jsonl "value": the number or word, or NULL */
	char **violations;   /* NULL terminated, or NULL */
};

struct session *session_new(const struct run_options *opt, const char *file_name);
void session_free(struct session *s);
/*
 * What a block or a file says goes to @told as it comes, and not into the result's
 * text. There equal results of one line are said once, with how often they came.
 */
void session_tell(struct session *s, void (*told)(void *data, const char *text), void *data);
/* One line; inside an open block it is only collected (then *@more is true). */
void session_line(struct session *s, const char *line, struct session_result *res, bool *more);
void session_result_clear(struct session_result *res);
/* Run a file in this session and leave the machine as it stands. */
bool session_file(struct session *s, const char *path, struct session_result *res);
/* The machine, or NULL before the first action. For completion and prompts. */
struct machine *session_machine(struct session *s);
char **session_names(struct session *s); /* regions and `let` names, NULL terminated, new */

/* ---- The one command table: help, completion, reference ---- */

enum command_class { COMMAND_SETUP, COMMAND_ACTION, COMMAND_CHECK, COMMAND_CONTROL };

struct command {
	const char *name;
	const char *args;   /* "ADDR [SIZE]" */
	const char *doc;    /* one line */
	const char *more;   /* paragraphs for `help NAME`, or NULL */
	enum command_class class;
	/* what the first argument completes to: "call", "knob", "region", "show", ... or NULL */
	const char *completes;
};
const struct command *script_commands(void);  /* ends at name == NULL */
const struct command *script_functions(void); /* functions of the state, the same form */

#endif
