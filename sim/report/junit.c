// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JUnit XML: what GitLab, Jenkins and pytest's xunit2 have in common. A suite a
 * file, a case a run. No time (every time is "0") and no host name, so that two
 * runs give the same bytes. The class name is a dotted path, which Jenkins folds;
 * the pair of class name and name is unique, since GitLab drops duplicates.
 */
#include <string.h>

#include "report_private.h"

struct junit {
	GString *suites, *cases, *errors;		 /* errors: of files, cases of their own */
	unsigned int tests, failures, n_errors, skipped; /* whole */
	unsigned int s_tests, s_failures, s_errors, s_skipped; /* suite */
	char *suite, *classname, *file;
	char *case_name, *skip, *configuration, *case_error;
	GPtrArray *failed; /* of struct report_failure */
	GString *output;
};

static void junit_release(struct report *r)
{
	struct junit *j = r->data;

	if (j->suites)
		g_string_free(j->suites, TRUE);
	if (j->cases)
		g_string_free(j->cases, TRUE);
	if (j->output)
		g_string_free(j->output, TRUE);
	g_clear_pointer(&j->failed, g_ptr_array_unref);
	g_free(j->suite);
	g_free(j->classname);
	g_free(j->file);
	g_free(j->case_name);
	g_free(j->skip);
	g_free(j->configuration);
	g_free(j->case_error);
}

/* XML 1.0 has no way at all to write most control characters. */
static char *escape(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
	GString *s = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == '&')
			g_string_append(s, "&amp;");
		else if (c == '<')
			g_string_append(s, "&lt;");
		else if (c == '>')
			g_string_append(s, "&gt;");
		else if (c == '"')
			g_string_append(s, "&quot;");
		else if (c == '\n')
			g_string_append(s, "&#10;");
		else if ((c < 0x20 && c != '\t') || c == 0x7f || c == 0xfffe || c == 0xffff)
			g_string_append_c(s, '?');
		else
			g_string_append_unichar(s, c);
	}
	return g_string_free(s, FALSE);
}

static void append_body(GString *s, const char *text)
{
	g_autofree char *escaped = escape(text);
	char **lines = g_strsplit(escaped, "&#10;", -1);
	g_autofree char *joined = g_strjoinv("\n", lines);

	g_string_append(s, joined);
	g_strfreev(lines);
}

static void append_attribute(GString *s, const char *name, const char *value)
{
	g_autofree char *escaped = escape(value);

	g_string_append_printf(s, " %s=\"%s\"", name, escaped);
}

/* "scenarios/mmio/recycle.pkvm" -> "pkvm.scenarios.mmio.recycle" */
static char *class_name(const char *file)
{
	GString *s = g_string_new("pkvm");
	g_autofree char *stem = g_strdup(file);
	char **parts;

	if (g_str_has_suffix(stem, ".pkvm"))
		stem[strlen(stem) - 5] = '\0';
	parts = g_strsplit(stem, "/", -1);
	for (char **p = parts; *p; p++) {
		if (!**p || !strcmp(*p, ".") || !strcmp(*p, ".."))
			continue;
		g_string_append_printf(s, ".%s", g_strdelimit(*p, ". ", '_'));
	}
	g_strfreev(parts);
	return g_string_free(s, FALSE);
}

static void junit_begin(struct report *r, unsigned int n_files)
{
	struct junit *j = r->data;

	j->suites = g_string_new(NULL);
	j->cases = g_string_new(NULL);
	j->output = g_string_new(NULL);
	j->failed = report_failures_new();
}

static void suite_begin(struct report *r, const char *file, const char *title)
{
	struct junit *j = r->data;

	g_free(j->suite);
	g_free(j->classname);
	g_free(j->file);
	j->suite = title ? g_strdup_printf("%s: %s", file, title) : g_strdup(file);
	j->classname = class_name(file);
	j->file = g_strdup(file);
	g_string_truncate(j->cases, 0);
	j->s_tests = j->s_failures = j->s_errors = j->s_skipped = 0;
}

static void junit_file_begin(struct report *r, const struct report_file *f)
{
	suite_begin(r, f->file, f->title);
}

/* "mmio/recycle.pkvm@kernel=v7.0" -> "recycle[kernel=v7.0]"; unique with the class. */
static char *case_name(struct report *r, const char *classname, const char *name)
{
	const char *slash = strrchr(name, '/'), *at = strchr(name, '@');
	g_autofree char *base = NULL, *full = NULL;
	const char *stem;

	/* A path ends before '@'; what comes after may hold '/' as well. */
	while (slash && at && slash > at)
		slash = g_strrstr_len(name, slash - name, "/");
	stem = slash ? slash + 1 : name;
	base = g_strndup(stem, at ? (gsize)(at - stem) : strlen(stem));
	if (g_str_has_suffix(base, ".pkvm"))
		base[strlen(base) - 5] = '\0';
	full = g_strdup_printf("%s%s%s%s", base, at ? "[" : "", at ? at + 1 : "", at ? "]" : "");
	return report_unique(r, classname, full);
}

static void junit_run_begin(struct report *r, const struct report_run *run)
{
	struct junit *j = r->data;

	g_free(j->case_name);
	g_free(j->skip);
	g_free(j->configuration);
	j->case_name = case_name(r, j->classname, run->name);
	j->skip = g_strdup(run->skip);
	j->configuration = report_configuration(run);
	g_ptr_array_set_size(j->failed, 0);
	g_string_truncate(j->output, 0);
}

static void junit_line(struct report *r, const struct report_line *line)
{
	struct junit *j = r->data;

	if (line->output)
		g_string_append_printf(j->output, "%s\n", line->output);
	if (line->verdict == VERDICT_FAIL)
		report_failures_add(j->failed, line);
}

static void append_failure(GString *s, const struct report_failure *f)
{
	g_autofree char *message =
		g_strdup_printf("%s: expected %s, got %s", f->where, f->expected, f->got);

	g_string_append_printf(s, "%s\n%s: FAIL: %s\n", message, f->where, f->text);
	if (f->times > 1) {
		g_autofree char *times = report_failure_times(f);

		g_string_append_printf(s, "failed %s\n", times);
	}
	for (unsigned int i = 0; f->violations[i]; i++)
		g_string_append_printf(s, "%s\n", f->violations[i]);
	for (unsigned int i = 0; f->diag && f->diag[i]; i++)
		g_string_append_printf(s, "%s\n", f->diag[i]);
}

static void append_failures(struct junit *j)
{
	GString *body = g_string_new(NULL);
	const struct report_failure *first = j->failed->len ? j->failed->pdata[0] : NULL;
	g_autofree char *message = NULL;

	for (unsigned int i = 0; i < j->failed->len; i++)
		append_failure(body, j->failed->pdata[i]);
	message = first ? g_strdup_printf("%s: expected %s, got %s", first->where, first->expected,
					  first->got)
			: g_strdup("the run was not carried out to its end");
	if (!body->len)
		g_string_assign(body, message);
	g_string_append(j->cases, "      <failure type=\"expectation\"");
	append_attribute(j->cases, "message", message);
	g_string_append_c(j->cases, '>');
	append_body(j->cases, body->str);
	g_string_append(j->cases, "</failure>\n");
	g_string_free(body, TRUE);
}

static void case_begin(struct junit *j, const char *name, const char *where)
{
	const char *line = where ? strrchr(where, ':') : NULL;

	g_string_append(j->cases, "    <testcase");
	append_attribute(j->cases, "classname", j->classname);
	append_attribute(j->cases, "name", name);
	g_string_append(j->cases, " time=\"0\"");
	append_attribute(j->cases, "file", j->file);
	append_attribute(j->cases, "line", line ? line + 1 : "1");
	g_string_append(j->cases, ">\n");
	j->s_tests++;
}

static void append_error(struct junit *j, const char *message)
{
	j->s_errors++;
	g_string_append(j->cases, "      <error type=\"file\"");
	append_attribute(j->cases, "message", message);
	g_string_append_c(j->cases, '>');
	append_body(j->cases, message);
	g_string_append(j->cases, "</error>\n");
}

static void junit_run_end(struct report *r, enum verdict v)
{
	struct junit *j = r->data;
	const struct report_failure *first = j->failed->len ? j->failed->pdata[0] : NULL;

	case_begin(j, j->case_name, first ? first->where : NULL);
	if (v == VERDICT_SKIP) {
		j->s_skipped++;
		g_string_append(j->cases, "      <skipped");
		append_attribute(j->cases, "message", j->skip ? j->skip : "");
		g_string_append(j->cases, "/>\n");
	} else if (j->case_error) {
		append_error(j, j->case_error);
	} else if (v != VERDICT_PASS) {
		j->s_failures++;
		append_failures(j);
	}
	g_string_append(j->cases, "      <system-out>");
	append_body(j->cases, j->configuration);
	g_string_append_c(j->cases, '\n');
	append_body(j->cases, j->output->str);
	g_string_append(j->cases, "</system-out>\n    </testcase>\n");
	g_clear_pointer(&j->case_error, g_free);
	g_clear_pointer(&j->case_name, g_free);
}

static void junit_file_end(struct report *r)
{
	struct junit *j = r->data;

	g_string_append(j->suites, "  <testsuite");
	append_attribute(j->suites, "name", j->suite);
	g_string_append_printf(j->suites,
			       " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\""
			       " time=\"0\">\n%s  </testsuite>\n",
			       j->s_tests, j->s_failures, j->s_errors, j->s_skipped, j->cases->str);
	j->tests += j->s_tests;
	j->failures += j->s_failures;
	j->n_errors += j->s_errors;
	j->skipped += j->s_skipped;
	g_clear_pointer(&j->file, g_free);
}

static void junit_file_error(struct report *r, const char *file, const char *message)
{
	struct junit *j = r->data;
	bool own = !j->file;
	g_autofree char *name = NULL;

	report_complain(r, message);
	if (j->case_name) { /* inside a run, which it ends */
		j->case_error = g_strdup(message);
		return;
	}
	if (own)
		suite_begin(r, file, NULL);
	name = case_name(r, j->classname, file);
	case_begin(j, name, NULL);
	append_error(j, message);
	g_string_append(j->cases, "    </testcase>\n");
	if (own)
		junit_file_end(r);
}

static void junit_end(struct report *r, const struct report_totals *t)
{
	struct junit *j = r->data;

	fprintf(r->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"pkvm-sim\" tests=\"%u\" failures=\"%u\" errors=\"%u\""
		" skipped=\"%u\" time=\"0\">\n%s</testsuites>\n",
		j->tests, j->failures, j->n_errors, j->skipped, j->suites->str);
	fflush(r->out);
}

const struct report_format report_junit = {
	.ops = {
		.begin = junit_begin,
		.file_begin = junit_file_begin,
		.run_begin = junit_run_begin,
		.line = junit_line,
		.run_end = junit_run_end,
		.file_end = junit_file_end,
		.file_error = junit_file_error,
		.end = junit_end,
	},
	.data_size = sizeof(struct junit),
	.release = junit_release,
};
