// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of formats, and what they share.
 */
#include <string.h>

#include "report_private.h"

G_DEFINE_QUARK(pkvm - sim - report - error, report_error)

static const struct report_format *const formats[] = {
	&report_text, &report_ktap, &report_tap, &report_junit, &report_jsonl,
};

/* ---- What the runner calls: the format, with the ends held back for one call ---- */

/*
 * A runner learns that a file cannot be understood when a line of it is reached,
 * and says so after it has ended run and file. The error belongs inside: a run that
 * it ended is told with it, and a file has one result.
 */
static void finish_run(struct report *r)
{
	if (r->run_ended)
		r->format->ops.run_end(r, r->verdict);
	r->run_ended = false;
}

static void finish_file(struct report *r)
{
	finish_run(r);
	if (!r->file_ended)
		return;
	r->format->ops.file_end(r);
	r->file_ended = false;
	g_clear_pointer(&r->file, g_free);
}

static void front_begin(struct report *r, unsigned int n_files)
{
	r->format->ops.begin(r, n_files);
}

static void front_file_begin(struct report *r, const struct report_file *f)
{
	finish_file(r);
	r->file = g_strdup(f->file);
	r->format->ops.file_begin(r, f);
}

static void front_run_begin(struct report *r, const struct report_run *run)
{
	finish_run(r);
	r->format->ops.run_begin(r, run);
}

static void front_line(struct report *r, const struct report_line *line)
{
	r->format->ops.line(r, line);
}

static void front_run_end(struct report *r, enum verdict v)
{
	r->run_ended = true;
	r->verdict = v;
}

static void front_file_end(struct report *r)
{
	r->file_ended = true;
}

static void front_file_error(struct report *r, const char *file, const char *message)
{
	bool same = r->file && !strcmp(r->file, file);

	if (!same)
		finish_file(r);
	else if (r->verdict == VERDICT_PASS || r->verdict == VERDICT_SKIP)
		finish_run(r);
	r->format->ops.file_error(r, file, message);
}

static void front_end(struct report *r, const struct report_totals *t)
{
	finish_file(r);
	r->format->ops.end(r, t);
}

#define FRONT(name_, doc_)                                                                         \
	{                                                                                          \
		.name = name_, .doc = doc_, .begin = front_begin, .file_begin = front_file_begin,  \
		.run_begin = front_run_begin, .line = front_line, .run_end = front_run_end,        \
		.file_end = front_file_end, .file_error = front_file_error, .end = front_end,      \
	}

static const struct report_ops fronts[G_N_ELEMENTS(formats)] = {
	FRONT("text", "for people: a verdict a file, a table a matrix"),
	FRONT("ktap", "KTAP version 1, nested: a test a file, a subtest a run"),
	FRONT("tap", "TAP version 13, flat: a test a run, totals as kselftest prints them"),
	FRONT("junit", "JUnit XML for GitLab, Jenkins and others: a suite a file, a case a run"),
	FRONT("jsonl",
	      "JSON Lines: an object a line, by type: file, line, violation, run, summary"),
};

const struct report_ops *const *report_formats(void)
{
	static const struct report_ops *const ops[] = {
		&fronts[0], &fronts[1], &fronts[2], &fronts[3], &fronts[4], NULL,
	};

	return ops;
}

struct report *report_new(const char *format, FILE *out, const struct report_style *style)
{
	struct report *r;

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (strcmp(fronts[i].name, format))
			continue;
		r = g_new0(struct report, 1);
		r->format = formats[i];
		r->front = &fronts[i];
		r->out = out;
		r->style = *style;
		r->data = g_malloc0(formats[i]->data_size);
		r->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		return r;
	}
	return NULL;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	if (r->format->release)
		r->format->release(r);
	g_hash_table_unref(r->names);
	g_free(r->file);
	g_free(r->data);
	g_free(r);
}

const struct report_ops *report_ops_of(struct report *r)
{
	return r->front;
}

void report_complain(struct report *r, const char *message)
{
	fflush(r->out);
	fprintf(stderr, "%s\n", message);
	fflush(stderr);
}

#define MAX_FAILURES 3 /* of one line that are told one by one */

static struct report_failure *failure_new(const struct report_line *line)
{
	struct report_failure *f = g_new0(struct report_failure, 1);

	f->where = g_strdup_printf("%s:%u", line->file, line->line);
	f->text = g_strdup(line->text);
	f->expected = g_strdup(line->expected ? line->expected : "success");
	f->got = g_strdup(line->got ? line->got : "?");
	f->violations = g_new0(char *, line->n_violations + 1);
	for (unsigned int i = 0; i < line->n_violations; i++)
		f->violations[i] = report_violation_words(&line->violation[i], REPORT_WIDTH);
	f->times = 1;
	return f;
}

static void failure_free(void *data)
{
	struct report_failure *f = data;

	g_free(f->where);
	g_free(f->text);
	g_free(f->expected);
	g_free(f->got);
	g_strfreev(f->violations);
	g_strfreev(f->diag);
	g_free(f);
}

GPtrArray *report_failures_new(void)
{
	return g_ptr_array_new_with_free_func(failure_free);
}

bool report_same_failure(const struct report_failure *a, const struct report_failure *b)
{
	return !strcmp(a->where, b->where) && !strcmp(a->expected, b->expected) &&
	       !strcmp(a->got, b->got);
}

void report_failures_add(GPtrArray *failures, const struct report_line *line)
{
	struct report_failure *f = failure_new(line), *known = NULL;
	unsigned int of_line = 0;

	for (guint i = 0; i < failures->len && !known; i++) {
		struct report_failure *other = failures->pdata[i];

		of_line += !strcmp(other->where, f->where);
		if (report_same_failure(other, f))
			known = other;
		else if (of_line == MAX_FAILURES)
			known = other;
	}
	if (known) {
		known->times++;
		known->others |= !report_same_failure(known, f);
		failure_free(f);
		return;
	}
	f->diag = g_strdupv((char **)line->diag);
	g_ptr_array_add(failures, f);
}

char *report_failure_times(const struct report_failure *f)
{
	return g_strdup_printf("%" PRIu64 " times%s", f->times,
			       f->others ? ", in this way and others" : "");
}

static char name_byte(char c)
{
	if (g_ascii_isalnum(c) || strchr("_./-", c))
		return c;
	if (c == '@' || c == ',' || c == ':')
		return '/';
	return c == '=' ? '.' : '_';
}

char *report_plain_name(const char *name)
{
	char *plain = g_strdup(name && name[0] ? name : "unnamed");

	for (char *p = plain; *p; p++)
		*p = name_byte(*p);
	return plain;
}

char *report_unique(struct report *r, const char *space, const char *name)
{
	char *key = g_strdup_printf("%s %s", space, name), *unique;

	for (unsigned int i = 2; g_hash_table_contains(r->names, key); i++) {
		g_free(key);
		key = g_strdup_printf("%s %s-%u", space, name, i);
	}
	unique = g_strdup(key + strlen(space) + 1);
	g_hash_table_add(r->names, key);
	return unique;
}

char *report_axes_words(const struct report_axis *axis, unsigned int n, const char *separator)
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i < n; i++)
		g_string_append_printf(s, "%s%s=%s", i ? separator : "", axis[i].name,
				       axis[i].value);
	return g_string_free(s, FALSE);
}

char *report_configuration(const struct report_run *run)
{
	GString *s = g_string_new(NULL);

	g_string_append_printf(s, "kernel %s", run->profile);
	if (run->patch && run->patch[0])
		g_string_append_printf(s, ", patch %s", run->patch);
	if (run->knobs && run->knobs[0])
		g_string_append_printf(s, ", %s", run->knobs);
	if (run->bugs && run->bugs[0])
		g_string_append_printf(s, ", bugs %s", run->bugs);
	g_string_append_printf(s, ", board %s, seed %" PRIu64 ", check %s", run->board, run->seed,
			       run->check);
	if (run->pressure)
		g_string_append(s, ", pressure made by the scenario");
	return g_string_free(s, FALSE);
}
