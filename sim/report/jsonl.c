// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON Lines: an object a line, "type" first: file, line, run (after its lines),
 * violation, summary. A file that could not be understood is a file object with
 * "error".
 */
#include "report_private.h"

struct jsonl {
	char *file;
	struct report_run run; /* strings owned below */
	GPtrArray *strings;
	GString *axes;
	unsigned int lines, failed;
};

static void jsonl_release(struct report *r)
{
	struct jsonl *j = r->data;

	g_free(j->file);
	g_clear_pointer(&j->strings, g_ptr_array_unref);
	if (j->axes)
		g_string_free(j->axes, TRUE);
}

static const char *verdict_words(enum verdict v)
{
	static const char *const words[] = {
		[VERDICT_PASS] = "pass",
		[VERDICT_FAIL] = "fail",
		[VERDICT_SKIP] = "skip",
		[VERDICT_NOT_RUN] = "not run",
	};

	return words[v];
}

static void key_string(GString *s, const char *key, const char *value)
{
	g_string_append_printf(s, ",\"%s\":", key);
	json_append_string(s, value);
}

static GString *object(const char *type)
{
	GString *s = g_string_new("{\"type\":");

	json_append_string(s, type);
	return s;
}

static void put(struct report *r, GString *s)
{
	g_string_append(s, "}\n");
	fputs(s->str, r->out);
	g_string_free(s, TRUE);
}

static void append_axes(GString *s, const struct report_axis *axis, unsigned int n)
{
	g_string_append(s, ",\"axes\":{");
	for (unsigned int i = 0; i < n; i++) {
		if (i)
			g_string_append_c(s, ',');
		json_append_string(s, axis[i].name);
		g_string_append_c(s, ':');
		json_append_string(s, axis[i].value);
	}
	g_string_append_c(s, '}');
}

static void jsonl_begin(struct report *r, unsigned int n_files)
{
	struct jsonl *j = r->data;

	j->strings = g_ptr_array_new_with_free_func(g_free);
	j->axes = g_string_new(NULL);
}

static void jsonl_file_begin(struct report *r, const struct report_file *f)
{
	GString *s = object("file");

	key_string(s, "file", f->file);
	key_string(s, "title", f->title);
	key_string(s, "origin", f->origin);
	g_string_append_printf(s, ",\"runs\":%u", f->n_runs);
	append_axes(s, f->axis, f->n_axes);
	put(r, s);
}

static const char *keep(struct jsonl *j, const char *s)
{
	char *copy = g_strdup(s);

	g_ptr_array_add(j->strings, copy);
	return copy;
}

static void jsonl_run_begin(struct report *r, const struct report_run *run)
{
	struct jsonl *j = r->data;

	g_ptr_array_set_size(j->strings, 0);
	g_string_truncate(j->axes, 0);
	append_axes(j->axes, run->axis, run->n_axes);
	j->lines = j->failed = 0;
	j->run = *run;
	j->run.file = keep(j, run->file);
	j->run.name = keep(j, run->name);
	j->run.profile = keep(j, run->profile);
	j->run.patch = keep(j, run->patch);
	j->run.knobs = keep(j, run->knobs);
	j->run.bugs = keep(j, run->bugs);
	j->run.board = keep(j, run->board);
	j->run.check = keep(j, run->check);
	j->run.skip = keep(j, run->skip);
}

static void append_rules(GString *s, const struct report_line *line)
{
	if (line->kind != LINE_ACTION)
		return;
	g_string_append(s, ",\"violations\":[");
	for (unsigned int i = 0; i < line->n_violations; i++) {
		if (i)
			g_string_append_c(s, ',');
		json_append_string(s, line->violation[i].rule);
	}
	g_string_append_c(s, ']');
}

/* Each breach is an object of its own, after the line at which it was found. */
static void put_violations(struct report *r, const struct report_line *line)
{
	struct jsonl *j = r->data;

	for (unsigned int i = 0; i < line->n_violations; i++) {
		const struct report_violation *v = &line->violation[i];
		GString *s = object("violation");

		key_string(s, "run", j->run.name);
		key_string(s, "file", line->file);
		g_string_append_printf(s, ",\"line\":%u", line->line);
		key_string(s, "rule", v->rule);
		g_string_append_printf(s, ",\"expected\":%s", v->expected ? "true" : "false");
		key_string(s, "text", v->text);
		if (v->has_page)
			g_string_append_printf(s, ",\"page\":%" PRIu64, v->page);
		key_string(s, "before", v->before);
		key_string(s, "after", v->after);
		key_string(s, "allowed", v->allowed);
		key_string(s, "event", v->event);
		put(r, s);
	}
}

static void jsonl_line(struct report *r, const struct report_line *line)
{
	static const char *const kinds[] = {
		[LINE_ACTION] = "action",
		[LINE_EXPECT] = "expect",
		[LINE_ECHO] = "echo",
		[LINE_SHOW] = "show",
	};
	struct jsonl *j = r->data;
	GString *s = object("line");

	key_string(s, "run", j->run.name);
	key_string(s, "file", line->file);
	g_string_append_printf(s, ",\"line\":%u", line->line);
	key_string(s, "kind", kinds[line->kind]);
	key_string(s, "text", line->text);
	key_string(s, "verdict", line->judged ? verdict_words(line->verdict) : NULL);
	key_string(s, "expected", line->expected);
	key_string(s, "got", line->got);
	if (line->kind == LINE_ACTION) {
		key_string(s, "outcome", outcome_word(&line->outcome));
		if (line->outcome.kind == OUTCOME_VALUE)
			g_string_append_printf(s,
					       line->outcome.is_signed ? ",\"value\":%" PRId64
								       : ",\"value\":%" PRIu64,
					       line->outcome.value);
	}
	if (line->output)
		key_string(s, "output", line->output);
	if (line->verdict == VERDICT_FAIL && line->diag) {
		g_string_append(s, ",\"diag\":[");
		for (unsigned int i = 0; line->diag[i]; i++) {
			if (i)
				g_string_append_c(s, ',');
			json_append_string(s, line->diag[i]);
		}
		g_string_append_c(s, ']');
	}
	append_rules(s, line);
	put(r, s);
	put_violations(r, line);
	j->lines += line->judged;
	j->failed += line->verdict == VERDICT_FAIL;
}

static void jsonl_run_end(struct report *r, enum verdict v)
{
	struct jsonl *j = r->data;
	GString *s = object("run");

	key_string(s, "name", j->run.name);
	key_string(s, "file", j->run.file);
	key_string(s, "verdict", verdict_words(v));
	if (j->run.skip)
		key_string(s, "skip", j->run.skip);
	key_string(s, "version", PKVM_SIM_VERSION);
	key_string(s, "kernel", j->run.profile);
	key_string(s, "patch", j->run.patch);
	key_string(s, "knobs", j->run.knobs);
	key_string(s, "bugs", j->run.bugs);
	key_string(s, "board", j->run.board);
	key_string(s, "check", j->run.check);
	g_string_append_printf(s, ",\"seed\":%" PRIu64 ",\"pressure\":%s", j->run.seed,
			       j->run.pressure ? "true" : "false");
	g_string_append_printf(s, "%s,\"judged\":%u,\"failed\":%u", j->axes->str, j->lines,
			       j->failed);
	put(r, s);
}

static void jsonl_file_end(struct report *r)
{
	fflush(r->out);
}

static void jsonl_file_error(struct report *r, const char *file, const char *message)
{
	GString *s = object("file");

	report_complain(r, message);
	key_string(s, "file", file);
	key_string(s, "error", message);
	put(r, s);
}

static void jsonl_end(struct report *r, const struct report_totals *t)
{
	GString *s = object("summary");

	key_string(s, "version", PKVM_SIM_VERSION);
	g_string_append_printf(s,
			       ",\"files\":%u,\"runs\":%u,\"passed\":%u,\"failed\":%u,"
			       "\"skipped\":%u",
			       t->files, t->runs, t->passed, t->failed, t->skipped);
	put(r, s);
	fflush(r->out);
}

const struct report_format report_jsonl = {
	.ops = {
		.begin = jsonl_begin,
		.file_begin = jsonl_file_begin,
		.run_begin = jsonl_run_begin,
		.line = jsonl_line,
		.run_end = jsonl_run_end,
		.file_end = jsonl_file_end,
		.file_error = jsonl_file_error,
		.end = jsonl_end,
	},
	.data_size = sizeof(struct jsonl),
	.release = jsonl_release,
};
