// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KTAP version 1 (Documentation/dev-tools/ktap.rst) for kunit.py and those who
 * read what it reads, and flat TAP 13 as kselftest prints it.
 *
 * What kunit.py of 6.12 demands beyond the format: "# Subtest:" directly after the
 * nested version line, diagnostics directly before the result they belong to, no
 * XFAIL, TODO or TIMEOUT, names without blanks, and at least one test that was not
 * skipped. The plan comes first, so that an end in the middle is seen; only while
 * everything was skipped is the text held back, since the plan then has one more.
 */
#include <string.h>

#include "report_private.h"

#define MAX_DIAG 12

struct ktap {
	GString *held; /* until the plan is out */
	bool planned;
	unsigned int n_files, files, failed_files;
	unsigned int n_runs, runs;
	bool nested, file_failed, file_ran, in_run;
	char *file_name, *run_name, *skip, *configuration;
	GString *diag; /* of the run, or of the file outside one */
	unsigned int n_diag, lost;
	unsigned int passed, failed, skipped; /* tap's totals */
};

static void ktap_release(struct report *r)
{
	struct ktap *k = r->data;

	if (k->held)
		g_string_free(k->held, TRUE);
	if (k->diag)
		g_string_free(k->diag, TRUE);
	g_free(k->file_name);
	g_free(k->run_name);
	g_free(k->skip);
	g_free(k->configuration);
}

/*
 * The name of a leaf is unique on its own. A file's is without its ".pkvm": kunit.py
 * takes a subtest of the same name for the result of the whole.
 */
static char *ktap_name(struct report *r, bool leaf, const char *name)
{
	g_autofree char *plain = report_plain_name(name);

	if (leaf)
		return report_unique(r, "leaf", plain);
	if (!g_str_has_suffix(plain, ".pkvm")) {
		g_autofree char *other = g_strconcat(plain, "/runs", NULL);

		return report_unique(r, "file", other);
	}
	plain[strlen(plain) - 5] = '\0';
	return report_unique(r, "file", plain);
}

static void G_GNUC_PRINTF(2, 3) emit(struct report *r, const char *format, ...)
{
	struct ktap *k = r->data;
	va_list ap;

	va_start(ap, format);
	if (k->planned)
		vfprintf(r->out, format, ap);
	else
		g_string_append_vprintf(k->held, format, ap);
	va_end(ap);
}

static void emit_plan(struct report *r, unsigned int n)
{
	struct ktap *k = r->data;

	if (k->planned)
		return;
	fprintf(r->out, "KTAP version 1\n# pkvm-sim %s\n1..%u\n%s", PKVM_SIM_VERSION, n,
		k->held->str);
	k->planned = true;
	fflush(r->out);
}

/* One diagnostic line; its text may have several. */
static void diagnose(struct ktap *k, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (k->n_diag < MAX_DIAG)
			g_string_append_printf(k->diag, "# %.*s\n", (int)n, text);
		else
			k->lost++;
		k->n_diag++;
		text += n + (text[n] == '\n');
	}
}

/* @text without what a parser would take for a directive or a new line. */
static char *reason(const char *text)
{
	return g_strdelimit(g_strdup(text && text[0] ? text : "no reason given"), "#\n\r", ' ');
}

static void flush_diag(struct report *r, const char *indent)
{
	struct ktap *k = r->data;
	GString *s = g_string_new(NULL);

	/* The last line gives way to the note, so that there are never more than MAX_DIAG. */
	if (k->lost) {
		char *last;

		g_string_truncate(k->diag, k->diag->len - 1);
		last = strrchr(k->diag->str, '\n');
		g_string_truncate(k->diag, last ? (gsize)(last + 1 - k->diag->str) : 0);
		g_string_append_printf(k->diag, "# ... and %u lines more\n", k->lost + 1);
	}
	append_indented(s, k->diag->str, indent);
	emit(r, "%s", s->str);
	g_string_free(s, TRUE);
	g_string_truncate(k->diag, 0);
	k->n_diag = k->lost = 0;
}

static void ktap_begin(struct report *r, unsigned int n_files)
{
	struct ktap *k = r->data;

	k->held = g_string_new(NULL);
	k->diag = g_string_new(NULL);
	k->n_files = n_files;
}

static void ktap_file_begin(struct report *r, const struct report_file *f)
{
	struct ktap *k = r->data;

	g_free(k->file_name);
	k->file_name = ktap_name(r, false, f->file);
	k->n_runs = f->n_runs;
	k->runs = 0;
	k->file_failed = k->file_ran = false;
	k->nested = f->n_runs > 0;
	if (!k->nested)
		return;
	emit(r, "  KTAP version 1\n  # Subtest: %s\n", k->file_name);
	if (f->title)
		emit(r, "  # %s\n", f->title);
	emit(r, "  1..%u\n", f->n_runs);
}

/* Once a run, after what failed first: people look at the first line. */
static void note_configuration(struct ktap *k)
{
	if (k->configuration)
		diagnose(k, k->configuration);
	g_clear_pointer(&k->configuration, g_free);
}

static void note_line(struct report *r, const struct report_line *line)
{
	struct ktap *k = r->data;
	g_autofree char *first = NULL;

	if (line->verdict != VERDICT_FAIL)
		return;
	first = g_strdup_printf("%s:%u: expected %s, got %s (%s)", line->file, line->line,
				line->expected ? line->expected : "success",
				line->got ? line->got : "?", line->text);
	diagnose(k, first);
	note_configuration(k);
	for (unsigned int i = 0; i < line->n_violations; i++) {
		g_autofree char *words = report_violation_words(&line->violation[i], REPORT_WIDTH);

		diagnose(k, words);
	}
	for (unsigned int i = 0; line->diag && line->diag[i]; i++)
		diagnose(k, line->diag[i]);
}

static void note_run(struct report *r, const struct report_run *run)
{
	struct ktap *k = r->data;

	g_free(k->run_name);
	g_free(k->skip);
	g_free(k->configuration);
	k->configuration = report_configuration(run);
	k->in_run = true;
	k->run_name = ktap_name(r, true, run->name);
	k->skip = g_strdup(run->skip);
}

static void ktap_run_begin(struct report *r, const struct report_run *run)
{
	struct ktap *k = r->data;

	if (!run->skip)
		emit_plan(r, k->n_files);
	note_run(r, run);
}

static void ktap_run_end(struct report *r, enum verdict v)
{
	struct ktap *k = r->data;
	g_autofree char *why = NULL;

	k->runs++;
	k->in_run = false;
	if (v == VERDICT_SKIP) {
		why = reason(k->skip);
		emit(r, "  ok %u %s # SKIP %s\n", k->runs, k->run_name, why);
		return;
	}
	emit_plan(r, k->n_files);
	k->file_ran = true;
	note_configuration(k);
	flush_diag(r, "  ");
	emit(r, "  %s %u %s\n", v == VERDICT_PASS ? "ok" : "not ok", k->runs, k->run_name);
	if (v != VERDICT_PASS)
		k->file_failed = true;
	fflush(r->out);
}

static void ktap_file_end(struct report *r)
{
	struct ktap *k = r->data;

	/* What the plan announced and an error of the file prevented. */
	while (k->nested && k->runs < k->n_runs && k->file_failed) {
		flush_diag(r, "  ");
		k->runs++;
		emit(r, "  not ok %u %s/not-run-%u\n", k->runs, k->file_name, k->runs);
	}
	k->files++;
	flush_diag(r, "");
	emit(r, "%s %u %s%s\n", k->file_failed ? "not ok" : "ok", k->files, k->file_name,
	     k->file_failed || k->file_ran ? "" : " # SKIP every run was skipped");
	g_clear_pointer(&k->file_name, g_free);
	if (k->planned)
		fflush(r->out);
}

static void ktap_file_error(struct report *r, const char *file, const char *message)
{
	struct ktap *k = r->data;

	report_complain(r, message);
	emit_plan(r, k->n_files);
	diagnose(k, message);
	if (k->file_name) { /* inside the file: its end gives the result */
		k->file_failed = true;
		return;
	}
	k->file_name = ktap_name(r, true, file);
	k->nested = false;
	k->file_failed = true;
	ktap_file_end(r);
}

static void ktap_end(struct report *r, const struct report_totals *t)
{
	struct ktap *k = r->data;

	if (!k->planned && t->runs) {
		emit_plan(r, k->n_files + 1);
		emit(r, "# every run was skipped; kunit.py wants one test that was not\n");
		emit(r, "ok %u requirements-looked-at\n", k->files + 1);
	}
	emit_plan(r, k->n_files);
	emit(r, "# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n", t->passed, t->failed,
	     t->skipped);
	fflush(r->out);
}

const struct report_format report_ktap = {
	.ops = {
		.begin = ktap_begin,
		.file_begin = ktap_file_begin,
		.run_begin = ktap_run_begin,
		.line = note_line,
		.run_end = ktap_run_end,
		.file_end = ktap_file_end,
		.file_error = ktap_file_error,
		.end = ktap_end,
	},
	.data_size = sizeof(struct ktap),
	.release = ktap_release,
};

/* ---- TAP 13: one level, so the number of tests is known at the end ---- */

static void tap_begin(struct report *r, unsigned int n_files)
{
	ktap_begin(r, n_files);
	fprintf(r->out, "TAP version 13\n# pkvm-sim %s\n", PKVM_SIM_VERSION);
	((struct ktap *)r->data)->planned = true;
}

static void tap_file_begin(struct report *r, const struct report_file *f)
{
	struct ktap *k = r->data;

	g_free(k->file_name);
	k->file_name = g_strdup(f->file);
	k->file_failed = false;
	if (f->title)
		emit(r, "# %s: %s\n", f->file, f->title);
}

static void tap_result(struct report *r, bool ok, const char *name)
{
	struct ktap *k = r->data;

	k->runs++;
	flush_diag(r, "");
	emit(r, "%s %u %s\n", ok ? "ok" : "not ok", k->runs, name);
	if (ok)
		k->passed++;
	else
		k->failed++;
	fflush(r->out);
}

static void tap_run_end(struct report *r, enum verdict v)
{
	struct ktap *k = r->data;
	g_autofree char *why = NULL;

	k->in_run = false;
	if (v != VERDICT_SKIP) {
		note_configuration(k);
		tap_result(r, v == VERDICT_PASS, k->run_name);
		return;
	}
	why = reason(k->skip);
	emit(r, "ok %u %s # SKIP %s\n", ++k->runs, k->run_name, why);
	k->skipped++;
}

static void tap_file_end(struct report *r)
{
	struct ktap *k = r->data;
	g_autofree char *name = NULL;

	if (k->file_failed) {
		name = ktap_name(r, true, k->file_name);
		tap_result(r, false, name);
	}
	g_clear_pointer(&k->file_name, g_free);
}

static void tap_file_error(struct report *r, const char *file, const char *message)
{
	struct ktap *k = r->data;

	report_complain(r, message);
	diagnose(k, message);
	if (k->in_run) /* its result tells */
		return;
	k->file_failed = true;
	if (k->file_name)
		return;
	k->file_name = g_strdup(file);
	tap_file_end(r);
}

static void tap_end(struct report *r, const struct report_totals *t)
{
	struct ktap *k = r->data;

	emit(r, "1..%u\n# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n", k->runs,
	     k->passed, k->failed, k->skipped);
	fflush(r->out);
}

const struct report_format report_tap = {
	.ops = {
		.begin = tap_begin,
		.file_begin = tap_file_begin,
		.run_begin = note_run,
		.line = note_line,
		.run_end = tap_run_end,
		.file_end = tap_file_end,
		.file_error = tap_file_error,
		.end = tap_end,
	},
	.data_size = sizeof(struct ktap),
	.release = ktap_release,
};
