/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What everything that runs whole files shares: files as read, their combinations,
 * and the totals of one call.
 */
#ifndef PKVM_SIM_SCRIPT_BATCH_H
#define PKVM_SIM_SCRIPT_BATCH_H

#include "script_private.h"

/* A file as read, and what its runs share. */
struct job {
	const char *path;
	struct program *prog;
	struct setup *setup;
	GHashTable *names; /* as the set-up left them */
	struct board_config *board;
	GArray *axes;
};

struct batch;

/* Combination @i of @j, told to the batch's report. False: an error of the file. */
typedef bool (*run_one_fn)(struct batch *b, const struct job *j, u64 i, GError **error);

/* Everything of one call. */
struct batch {
	const struct run_options *opt;
	struct overrides over;
	struct report *report;
	const struct report_ops *ops;
	struct report_totals totals;
	enum exit_status status;
	bool interrupted;
	unsigned int recorded; /* runs that --record has seen: it writes the first */
	run_one_fn run_one;
	void *data; /* run_one's */
};

/* False, and said why: the options are wrong. */
bool batch_init(struct batch *b, const struct run_options *opt);
/* The files that @paths stand for; what is wrong with a path shows when it is read. */
GPtrArray *batch_files(const char *const *paths);

/* As program_read(), of @text, as if a file @name held it. */
struct program *program_parse(const char *name, const char *text, GError **error);
/* @text: what the file @path would hold, or NULL: read it. */
struct job *job_new(const char *path, const char *text, const struct overrides *over,
		    GError **error);
void job_free(struct job *j);

/* One combination. */
struct leaf {
	struct run *run;
	const struct patch *patch;
	u8 base[N_KNOBS];
	unsigned int *pick;
	struct report_axis *axis;
	char *name, *knobs, *bugs, *board, *skip;
};

/* Combination @i of the job; @l->skip: why it is not run, if so. */
bool leaf_init(struct leaf *l, const struct batch *b, const struct job *j, u64 i, GError **error);
void leaf_clear(struct leaf *l);
/* What a report says of it before it runs. */
struct report_run leaf_heading(const struct batch *b, const struct job *j, const struct leaf *l);

/* The usual run_one. */
bool run_leaf(struct batch *b, const struct job *j, u64 i, GError **error);
/* All combinations of a file, or why there is no job: takes both. */
void run_job(struct batch *b, const char *path, struct job *j, GError *e);

/* A breach that no line of a report tells, as a reviewer pastes it. New string. */
char *violation_words(const struct violation *v);

/* All files, their combinations in @opt->jobs processes (jobs.c). */
void run_in_parallel(struct batch *b, GPtrArray *files);

#endif
