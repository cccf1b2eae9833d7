/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a run is told: text, KTAP, TAP, JUnit, JSON Lines; traces; pictures of
 * state. The runner calls a report in the order of struct report_ops; a report
 * never looks at files or the command line. The same calls give the same bytes.
 */
#ifndef PKVM_SIM_REPORT_H
#define PKVM_SIM_REPORT_H

#include <stdio.h>

#include "sim/host/host.h"

enum exit_status { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 3 };

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP, VERDICT_NOT_RUN };

struct report_axis {
	const char *name, *value;
};

/* What opens a report of one run (scenario-language.md section 9). */
struct report_run {
	const char *file;      /* as given */
	const char *title, *origin; /* or NULL */
	const char *name;      /* unique leaf: "mmio/recycle.pkvm@kernel=v7.0,..." */
	const char *profile, *patch; /* patch or NULL */
	const char *knobs;     /* "a=b c=d": what differs from profile and patch; or "" */
	const char *bugs;      /* "" or "B-11 B-13" */
	const char *board;     /* "virt" or "virt, changed" or "own" */
	const char *check;     /* "off", "on", "paranoid" */
	u64 seed;
	bool pressure;         /* drain, fail, pool or bug stands in the file */
	const struct report_axis *axis;
	unsigned int n_axes;
	const char *skip;      /* reason, or NULL */
};

enum line_kind { LINE_ACTION, LINE_EXPECT, LINE_ECHO, LINE_SHOW };

/* A rule that the oracle found broken at an action. */
struct report_violation {
	const char *rule;   /* "single-owner" */
	const char *text;   /* what is wrong, a sentence */
	const char *before, *after; /* the page on every side; or "" */
	const char *allowed;/* by the model; or "" */
	const char *event;  /* the first that broke it, as a line of a trace; or "" */
	bool has_page;
	u64 page;           /* PA */
	bool expected;      /* the scenario says so */
};

struct report_line {
	const char *file;
	unsigned int line;
	enum line_kind kind;
	const char *text;      /* the statement as written */
	bool judged;           /* has (or implies) an expectation */
	enum verdict verdict;
	const char *expected;  /* in words; NULL where nothing was expected */
	const char *got;       /* in words: "0", "-EPERM", "panic: WARN ...", "owner(uart) = host, ..." */
	const char *cell;      /* short form of got for a table: "ok", "-EPERM", "panic" */
	struct outcome outcome;/* actions only */
	const char *output;    /* of echo and show: text, may have many lines; else NULL */
	const char *const *diag; /* NULL terminated: last events, panic report; or NULL */
	const struct report_violation *violation; /* actions only */
	unsigned int n_violations;
};

struct report_file {
	const char *file, *title, *origin;
	unsigned int n_runs;
	const struct report_axis *axis; /* name, and "v1,v2" */
	unsigned int n_axes;
};

struct report_totals {
	unsigned int files, runs, passed, failed, skipped;
};

struct report;

struct report_ops {
	const char *name; /* "text", "ktap", ... */
	const char *doc;
	void (*begin)(struct report *r, unsigned int n_files);
	void (*file_begin)(struct report *r, const struct report_file *f);
	void (*run_begin)(struct report *r, const struct report_run *run);
	void (*line)(struct report *r, const struct report_line *line);
	void (*run_end)(struct report *r, enum verdict v);
	void (*file_end)(struct report *r);
	/* a file that could not be understood; @message has FILE:LINE:COLUMN */
	void (*file_error)(struct report *r, const char *file, const char *message);
	void (*end)(struct report *r, const struct report_totals *t);
};

struct report_style {
	bool colour, utf8, verbose;
	unsigned int width; /* columns, 78 */
};

struct report *report_new(const char *format, FILE *out, const struct report_style *style);
void report_free(struct report *r);
const struct report_ops *report_ops_of(struct report *r);
const struct report_ops *const *report_formats(void); /* NULL terminated */

/*
 * A run told in one process and reported in another (wire.c): run_begin, line and
 * run_end of this report are appended to @to; the same calls are then made on @r.
 * After each call @told may send on what is there, and empty it.
 */
struct report *report_wire_new(GByteArray *to, void (*told)(void *data), void *data);
void report_wire_replay(struct report *r, const GByteArray *from);

/* ---- Words ---- */

/* "0", "-EPERM", "0x1111", "abort", "panic: WARN in f (cond)". New string. */
char *report_outcome_words(const struct outcome *o, const struct el2_panic *p);
const char *errno_name(int err); /* positive; NULL if unknown */
int errno_from_name(const char *name); /* 0 if unknown */
/* @s as a JSON string with its quotes, always valid UTF-8; NULL gives null. */
void json_append_string(GString *out, const char *s);
/* A breach as a reviewer pastes it, lines joined by '\n', within @width columns. New string. */
char *report_violation_words(const struct report_violation *v, unsigned int width);
/* "single-owner, spec", each once; "" if there is none. New string. */
char *report_rules_words(const struct report_violation *v, unsigned int n);
/* Who ran what: "v7.0 +its-v1, board virt, knob=value". New string. */
char *report_configuration(const struct report_run *run);
/* What the kernel would print, then chain and locks: lines joined by '\n'. New string. */
char *report_panic(const struct el2_panic *p);

/* ---- Traces: one line an event, in the form of the kernel's hypervisor tracing ---- */

/* "[001]     0.000012: hyp_lock lock=host_mmu" without newline, appended. */
void trace_line(GString *out, const struct event *ev);

/* ---- State: what `show` prints ---- */

struct show_topic {
	const char *name, *args, *doc;
};
const struct show_topic *show_topics(void); /* ends at name == NULL */
/* @args: words after the topic. @events: of the last action. New text, or error. */
char *show_render(struct machine *m, const char *topic, const char *const *args,
		  unsigned int n_args, const struct event *events, size_t n_events,
		  GError **error);
/* Errors of `show` and of reports: the user's. */
#define REPORT_ERROR report_error_quark()
GQuark report_error_quark(void);

#endif
