/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the formats of sim/report share. A format is a struct report_format;
 * its state is one struct of its own behind report->data.
 */
#ifndef PKVM_SIM_REPORT_PRIVATE_H
#define PKVM_SIM_REPORT_PRIVATE_H

#include <inttypes.h>

#include "report.h"

/* Of what is told in words by formats that have no width of their own. */
#define REPORT_WIDTH 78u

struct report_format {
	struct report_ops ops; /* without name and doc: report.c has the table of both */
	size_t data_size;
	void (*release)(struct report *r); /* what data points to; or NULL */
};

struct report {
	const struct report_format *format;
	FILE *out;
	struct report_style style;
	void *data;
	GHashTable *names;		/* given out by report_unique() */
	const struct report_ops *front; /* what the runner calls */
	char *file;			/* the one begun last */
	bool run_ended, file_ended;	/* held back until the next call */
	enum verdict verdict;		/* of that run */
};

extern const struct report_format report_text, report_ktap, report_tap, report_junit, report_jsonl;

/* A file that could not be understood is told on standard error too, in every format. */
void report_complain(struct report *r, const char *message);

/*
 * A copy of what matters of a line that failed, for formats that tell failures
 * at the end of a run.
 */
struct report_failure {
	char *where; /* "FILE:LINE" */
	char *text, *expected, *got;
	char **violations; /* each in words */
	char **diag; /* or NULL */
	u64 times;
	bool others; /* not all of these times in this way */
};
/*
 * Failures of a run: equal ones of a loop count as one, and where they differ each
 * time, those after the first three of a line count with the third.
 */
GPtrArray *report_failures_new(void);
void report_failures_add(GPtrArray *failures, const struct report_line *line);
char *report_failure_times(const struct report_failure *f); /* new string */
bool report_same_failure(const struct report_failure *a, const struct report_failure *b);

/*
 * @name with every byte outside [A-Za-z0-9_./-] replaced: '@', ',' and ':' by '/', '='
 * by '.', others by '_'. New string.
 */
char *report_plain_name(const char *name);
/*
 * @name, or with a number behind it if @space has it already: parsers of KTAP and JUnit
 * throw away the second of two equal names. New string.
 */
char *report_unique(struct report *r, const char *space, const char *name);

/* A list of key=value axes: "kernel=v7.0 warn=panic", or "". New string. */
char *report_axes_words(const struct report_axis *axis, unsigned int n, const char *separator);

/* ---- show: what its files share ---- */

#define SHOW_WIDTH 78u

struct show {
	struct machine *m;
	const struct el2_view *v;
	const char *const *args;
	unsigned int n_args;
	const struct event *events;
	size_t n_events;
	GString *out;
};

/* False with @error set: the user's mistake. */
typedef bool (*show_fn)(struct show *s, GError **error);

bool show_host(struct show *s, GError **error);
bool show_hyp(struct show *s, GError **error);
bool show_walk(struct show *s, GError **error);
bool show_guest(struct show *s, GError **error);
bool show_vms(struct show *s, GError **error);
bool show_page(struct show *s, GError **error);
bool show_owners(struct show *s, GError **error);
bool show_pools(struct show *s, GError **error);
bool show_map(struct show *s, GError **error);
bool show_locks(struct show *s, GError **error);
bool show_tlb(struct show *s, GError **error);
bool show_events(struct show *s, GError **error);
bool show_knobs(struct show *s, GError **error);
bool show_panic(struct show *s, GError **error);
bool show_cpus(struct show *s, GError **error);
bool show_protected(struct show *s, GError **error);

/* The @i-th argument as an address; names of windows are addresses too. */
struct abs_page;
const char *show_owner(struct show *s, const struct abs_page *page); /* a VM by its name */
/* EL2's side of a VM; NULL with an error. */
const struct el2_guest_view *show_guest_named(struct show *s, const char *name, GError **error);
bool show_address(struct show *s, unsigned int i, u64 *addr, GError **error);
/* "4K", "1020K", "2G": the largest unit that divides it; "880.0M" where that is long. New. */
char *size_words(u64 bytes);
/* Lines joined by '\n', each with @indent before it. */
void append_indented(GString *out, const char *text, const char *indent);

#endif
