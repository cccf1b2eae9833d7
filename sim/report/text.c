// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report that people read, and paste into a plain-text mail. A file with a
 * matrix is one table: a row an expectation, a column a combination, the cell
 * what happened. A file without one is a verdict, with its lines beside what they
 * gave if it is the only file. What failed follows, once for all combinations in
 * which it failed the same way.
 */
#include <string.h>

#include "grid.h"
#include "report_private.h"

/* What a line gave in one run; a loop's line has one for all its rounds. */
struct cell {
	char *words; /* distinct results, "/" between */
	unsigned int count, distinct;
	bool failed;
};

struct text_row {
	char *where, *label;
	unsigned int line;
	struct cell *cells; /* one a run */
	GString *output;    /* of echo and show, in a file without matrix */
};

struct text_run {
	char *axes;   /* "kernel=v7.0 warn=panic" */
	char **value; /* one an axis */
	char *profile, *patch, *knobs, *bugs, *board, *check, *skip;
	u64 seed;
	bool pressure;
	enum verdict verdict;
	GString *output; /* of echo and show */
	GPtrArray *failures;
};

struct text {
	unsigned int n_files, files;
	char *file, *title, *origin, *errors;
	char *last_configuration;
	unsigned int n_axes, n_runs;
	char **axis;
	GPtrArray *runs;     /* of struct text_run */
	GPtrArray *rows;     /* of struct text_row */
	GHashTable *index;   /* where -> row + 1 */
	unsigned int cursor; /* row of the last line of this run */
	GString *page;
};

static void run_free(void *data)
{
	struct text_run *run = data;

	g_free(run->axes);
	g_strfreev(run->value);
	g_free(run->profile);
	g_free(run->patch);
	g_free(run->knobs);
	g_free(run->bugs);
	g_free(run->board);
	g_free(run->check);
	g_free(run->skip);
	g_string_free(run->output, TRUE);
	g_ptr_array_unref(run->failures);
	g_free(run);
}

static void rows_clear(struct text *t)
{
	for (unsigned int i = 0; i < t->rows->len; i++) {
		struct text_row *row = t->rows->pdata[i];

		for (unsigned int c = 0; c < t->n_runs; c++)
			g_free(row->cells[c].words);
		g_free(row->cells);
		g_free(row->where);
		g_free(row->label);
		g_string_free(row->output, TRUE);
		g_free(row);
	}
	g_ptr_array_set_size(t->rows, 0);
	g_hash_table_remove_all(t->index);
}

static void file_clear(struct text *t)
{
	rows_clear(t);
	g_ptr_array_set_size(t->runs, 0);
	g_clear_pointer(&t->file, g_free);
	g_clear_pointer(&t->title, g_free);
	g_clear_pointer(&t->origin, g_free);
	g_clear_pointer(&t->errors, g_free);
	g_clear_pointer(&t->axis, g_strfreev);
}

static void text_release(struct report *r)
{
	struct text *t = r->data;

	if (!t->page)
		return;
	file_clear(t);
	g_ptr_array_unref(t->rows);
	g_ptr_array_unref(t->runs);
	g_hash_table_unref(t->index);
	g_free(t->last_configuration);
	g_string_free(t->page, TRUE);
}

/* ---- Words ---- */

/*
 * Colours stand in the page as bytes of their own until it is flushed, where every
 * other control character is taken out: a scenario's text must not drive a terminal.
 */
#define GREEN "\001"
#define RED "\002"
#define BOLD "\003"
#define PLAIN "\004"

static const char *const escapes[] = { "", "\033[32m", "\033[31m", "\033[1m", "\033[0m" };

static const char *paint(struct report *r, const char *code)
{
	return r->style.colour ? code : "";
}

/* Out with the page; what a terminal cannot show becomes '?'. */
static void flush_page(struct report *r)
{
	struct text *t = r->data;
	g_autofree char *valid = g_utf8_make_valid(t->page->str, (gssize)t->page->len);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c < G_N_ELEMENTS(escapes))
			fputs(r->style.colour ? escapes[c] : "?", r->out);
		else if (c < 0x80)
			fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : (int)c,
			      r->out);
		else if (r->style.utf8)
			fwrite(p, 1, (size_t)(g_utf8_next_char(p) - p), r->out);
		else
			fputc('?', r->out);
	}
	g_string_truncate(t->page, 0);
	fflush(r->out);
}

/*
 * The statement without what it must give and in which runs: the cells tell what
 * it gave, and where it was not judged they are blank.
 */
static char *label_of(const struct text *t, const struct report_line *line)
{
	g_autofree char *text = g_strstrip(g_strdup(line->text));
	bool quoted = false;

	for (char *p = text; *p; p++) {
		if (*p == '"' && (p == text || p[-1] != '\\'))
			quoted = !quoted;
		if (!quoted && p > text && ((p[0] == '=' && p[1] == '>') || p[0] == '[')) {
			*p = '\0';
			g_strchomp(text);
			break;
		}
		if (g_ascii_iscntrl(*p))
			*p = ' ';
	}
	if (!g_strcmp0(line->file, t->file))
		return g_strdup_printf("%4u  %s", line->line, text);
	return g_strdup_printf("%s:%u  %s", line->file, line->line, text);
}

/* ---- Collecting ---- */

static void text_begin(struct report *r, unsigned int n_files)
{
	struct text *t = r->data;

	t->n_files = n_files;
	t->runs = g_ptr_array_new_with_free_func(run_free);
	t->rows = g_ptr_array_new();
	t->index = g_hash_table_new(g_str_hash, g_str_equal);
	t->page = g_string_new(NULL);
	g_string_append_printf(t->page, "pkvm-sim %s\n", PKVM_SIM_VERSION);
}

static void text_file_begin(struct report *r, const struct report_file *f)
{
	struct text *t = r->data;

	file_clear(t);
	t->file = g_strdup(f->file);
	t->title = g_strdup(f->title);
	t->origin = g_strdup(f->origin);
	t->n_runs = MAX(f->n_runs, 1u);
	t->n_axes = f->n_axes;
	t->axis = g_new0(char *, f->n_axes + 1);
	for (unsigned int i = 0; i < f->n_axes; i++)
		t->axis[i] = g_strdup(f->axis[i].name);
}

static void text_run_begin(struct report *r, const struct report_run *src)
{
	struct text *t = r->data;
	struct text_run *run = g_new0(struct text_run, 1);

	run->axes = report_axes_words(src->axis, src->n_axes, " ");
	run->value = g_new0(char *, t->n_axes + 1);
	for (unsigned int i = 0; i < t->n_axes; i++)
		run->value[i] = g_strdup(i < src->n_axes ? src->axis[i].value : "?");
	run->profile = g_strdup(src->profile);
	run->patch = g_strdup(src->patch ? src->patch : "");
	run->knobs = g_strdup(src->knobs ? src->knobs : "");
	run->bugs = g_strdup(src->bugs ? src->bugs : "");
	run->board = g_strdup(src->board);
	run->check = g_strdup(src->check);
	run->seed = src->seed;
	run->pressure = src->pressure;
	run->skip = g_strdup(src->skip);
	run->output = g_string_new(NULL);
	run->failures = report_failures_new();
	sim_assert(t->runs->len < t->n_runs);
	g_ptr_array_add(t->runs, run);
	t->cursor = 0;
}

/* In the same file and further up. */
static bool stands_before(const struct text_row *row, const struct report_line *line)
{
	size_t len = strlen(line->file);

	return !strncmp(row->where, line->file, len) && row->where[len] == ':' &&
	       row->line < line->line;
}

/*
 * The row of a line; a new one goes after the line that this run had before, and
 * after those between that other runs had.
 */
static struct text_row *row_of(struct text *t, const struct report_line *line)
{
	g_autofree char *where = g_strdup_printf("%s:%u", line->file, line->line);
	struct text_row *row = g_hash_table_lookup(t->index, where);

	if (row) {
		while (t->cursor < t->rows->len && t->rows->pdata[t->cursor] != row)
			t->cursor++;
		/* A loop went back: new rows belong at the end of what is known. */
		t->cursor = MIN(t->cursor + 1, t->rows->len);
		return row;
	}
	while (t->cursor < t->rows->len && stands_before(t->rows->pdata[t->cursor], line))
		t->cursor++;
	row = g_new0(struct text_row, 1);
	row->where = g_steal_pointer(&where);
	row->line = line->line;
	row->label = label_of(t, line);
	row->cells = g_new0(struct cell, t->n_runs);
	row->output = g_string_new(NULL);
	g_ptr_array_insert(t->rows, (int)t->cursor, row);
	g_hash_table_insert(t->index, row->where, row);
	t->cursor++;
	return row;
}

static void cell_add(struct cell *c, const char *words, bool failed)
{
	char *joined;

	c->failed |= failed;
	c->count++;
	if (!c->words) {
		c->words = g_strdup(words);
		c->distinct = 1;
		return;
	}
	/* The last of the distinct results is the one to compare a loop's next with. */
	if (g_str_has_suffix(c->words, words) &&
	    (strlen(words) == strlen(c->words) ||
	     c->words[strlen(c->words) - strlen(words) - 1] == '/'))
		return;
	if (++c->distinct > 3)
		return;
	joined = g_strdup_printf("%s/%s", c->words, c->distinct == 3 ? ".." : words);
	g_free(c->words);
	c->words = joined;
}

static void text_line(struct report *r, const struct report_line *line)
{
	struct text *t = r->data;
	struct text_run *run = t->runs->pdata[t->runs->len - 1];
	struct text_row *row = NULL;
	const char *words = line->cell ? line->cell : line->got;

	if (line->verdict == VERDICT_NOT_RUN)
		words = "not run";
	if (line->judged || line->verdict == VERDICT_NOT_RUN || line->output)
		row = row_of(t, line);
	if (line->judged || line->verdict == VERDICT_NOT_RUN)
		cell_add(&row->cells[t->runs->len - 1], words ? words : "?",
			 line->verdict == VERDICT_FAIL);
	if (line->output) {
		GString *to = t->n_axes ? run->output : row->output;

		g_string_append_printf(to, "%s%s", line->output,
				       g_str_has_suffix(line->output, "\n") ? "" : "\n");
	}
	if (line->verdict == VERDICT_FAIL)
		report_failures_add(run->failures, line);
}

static void text_run_end(struct report *r, enum verdict v)
{
	struct text *t = r->data;
	struct text_run *run = t->runs->pdata[t->runs->len - 1];

	run->verdict = v;
}

/* ---- Telling ---- */

/* Words of @a that stand in @b too. */
static char *common_words(const char *a, const char *b)
{
	char **x = g_strsplit(a, " ", -1), **y = g_strsplit(b, " ", -1);
	GString *s = g_string_new(NULL);

	for (char **p = x; *p; p++)
		if (**p && g_strv_contains((const char *const *)y, *p))
			g_string_append_printf(s, "%s%s", s->len ? " " : "", *p);
	g_strfreev(x);
	g_strfreev(y);
	return g_string_free(s, FALSE);
}

/* What all runs of the file have in common; the rest are the table's columns. */
static char *common_configuration(const struct text *t)
{
	const struct text_run *first = t->runs->pdata[0];
	g_autofree char *knobs = g_strdup(first->knobs);
	struct report_run run = { .profile = first->profile,
				  .patch = first->patch,
				  .bugs = first->bugs,
				  .board = first->board,
				  .check = first->check,
				  .seed = first->seed };

	for (unsigned int i = 0; i < t->runs->len; i++) {
		const struct text_run *other = t->runs->pdata[i];
		char *fewer = common_words(knobs, other->knobs);

		g_free(knobs);
		knobs = fewer;
		run.pressure |= other->pressure;
		if (strcmp(other->profile, first->profile))
			run.profile = NULL;
	}
	run.knobs = knobs;
	if (run.profile)
		return report_configuration(&run);
	run.profile = "as in the table";
	return report_configuration(&run);
}

static void tell_heading(struct report *r, bool always)
{
	struct text *t = r->data;
	g_autofree char *configuration = NULL, *line = NULL;

	g_string_append_c(t->page, '\n');
	line = t->title ? g_strdup_printf("%s: %s", t->file, t->title) : g_strdup(t->file);
	g_string_append(t->page, paint(r, BOLD));
	append_wrapped(t->page, line, "  ", r->style.width);
	g_string_append(t->page, paint(r, PLAIN));
	if (t->origin) {
		g_string_append(t->page, "  from: ");
		append_wrapped(t->page, t->origin, "        ", r->style.width);
	}
	if (!t->runs->len)
		return;
	configuration = common_configuration(t);
	if (!always && !g_strcmp0(configuration, t->last_configuration))
		return;
	g_string_append(t->page, "  ");
	append_wrapped(t->page, configuration, "  ", r->style.width);
	g_free(t->last_configuration);
	t->last_configuration = g_steal_pointer(&configuration);
}

static char *cell_words(const struct cell *c)
{
	GString *s = g_string_new(c->words ? c->words : "-");

	if (c->distinct == 1 && c->count > 1)
		g_string_append_printf(s, " x%u", c->count);
	if (c->failed)
		g_string_append(s, " *");
	return g_string_free(s, FALSE);
}

/* Runs that were skipped are told below the table and have no column. */
static void tell_table(struct report *r)
{
	struct text *t = r->data;
	g_autofree unsigned int *column = g_new0(unsigned int, t->n_runs);
	unsigned int n = 0;
	struct grid *g;

	for (unsigned int i = 0; i < t->runs->len; i++)
		if (((struct text_run *)t->runs->pdata[i])->verdict != VERDICT_SKIP)
			column[n++] = i;
	if (!n || !t->rows->len)
		return;
	g = grid_new(n, t->n_axes);
	for (unsigned int i = 0; i < t->n_axes; i++) {
		grid_head(g, i, t->axis[i]);
		for (unsigned int c = 0; c < n; c++)
			grid_head_value(g, i, c,
					((struct text_run *)t->runs->pdata[column[c]])->value[i]);
	}
	for (unsigned int i = 0; i < t->rows->len; i++) {
		const struct text_row *src = t->rows->pdata[i];
		struct grid_row *row;
		bool any = false;

		for (unsigned int c = 0; c < n; c++)
			any |= src->cells[column[c]].words != NULL;
		if (!any && !src->output->len)
			continue;
		row = grid_row(g, any ? src->label : "");
		row->after = src->output->len ? g_strdup(src->output->str) : NULL;
		for (unsigned int c = 0; any && c < n; c++)
			row->cell[c] = cell_words(&src->cells[column[c]]);
	}
	g_string_append_c(t->page, '\n');
	grid_render(g, t->page, r->style.width);
	grid_free(g);
	g_string_append_c(t->page, '\n');
}

/* What echo and show printed: once, if it is the same in every combination. */
static void tell_output(struct text *t, bool table)
{
	const struct text_run *first = NULL;
	bool same = true;

	for (unsigned int i = 0; !table && i < t->rows->len; i++)
		g_string_append(t->page, ((struct text_row *)t->rows->pdata[i])->output->str);
	for (unsigned int i = 0; i < t->runs->len; i++) {
		const struct text_run *run = t->runs->pdata[i];

		if (run->verdict == VERDICT_SKIP)
			continue;
		if (!first)
			first = run;
		same &= g_string_equal(first->output, run->output);
	}
	for (unsigned int i = 0; i < t->runs->len; i++) {
		const struct text_run *run = t->runs->pdata[i];

		if (!run->output->len || (same && run != first))
			continue;
		if (!same)
			g_string_append_printf(t->page, "  with %s:\n", run->axes);
		g_string_append(t->page, run->output->str);
	}
}

static void append_item(GString *page, const char *name, const char *text, unsigned int width)
{
	g_string_append_printf(page, "  %-10s", name);
	append_wrapped(page, text, "            ", width);
}

/* One failure, with every later run that failed the same way. */
static void tell_failure(struct report *r, const struct report_failure *f, unsigned int run,
			 GHashTable *told)
{
	struct text *t = r->data;

	g_string_append_printf(t->page, "\n%s: %sFAIL%s: %s\n", f->where, paint(r, RED),
			       paint(r, PLAIN), f->text);
	for (unsigned int i = run; i < t->runs->len; i++) {
		const struct text_run *other = t->runs->pdata[i];

		for (unsigned int k = 0; k < other->failures->len; k++) {
			void *again = other->failures->pdata[k];

			if (!report_same_failure(f, again) || !g_hash_table_add(told, again))
				continue;
			if (other->axes[0])
				append_item(t->page, "with", other->axes, r->style.width);
		}
	}
	append_item(t->page, "expected", f->expected, r->style.width);
	append_item(t->page, "got", f->got, r->style.width);
	if (f->times > 1) {
		g_autofree char *times = report_failure_times(f);

		append_item(t->page, "failed", times, r->style.width);
	}
	for (unsigned int i = 0; f->violations[i]; i++)
		append_indented(t->page, f->violations[i], "  ");
	for (unsigned int i = 0; f->diag && f->diag[i]; i++)
		append_indented(t->page, f->diag[i], "  ");
}

static unsigned int tell_failures(struct report *r)
{
	struct text *t = r->data;
	GHashTable *told = g_hash_table_new(NULL, NULL);
	unsigned int failed = 0;

	for (unsigned int i = 0; i < t->runs->len; i++) {
		const struct text_run *run = t->runs->pdata[i];

		failed += run->verdict == VERDICT_FAIL || run->verdict == VERDICT_NOT_RUN;
		for (unsigned int k = 0; k < run->failures->len; k++)
			if (!g_hash_table_contains(told, run->failures->pdata[k]))
				tell_failure(r, run->failures->pdata[k], i, told);
	}
	g_hash_table_unref(told);
	return failed;
}

static unsigned int tell_skips(struct text *t, unsigned int width)
{
	unsigned int skipped = 0;

	for (unsigned int i = 0; i < t->runs->len; i++) {
		const struct text_run *run = t->runs->pdata[i];
		g_autofree char *line = NULL;

		if (run->verdict != VERDICT_SKIP)
			continue;
		skipped++;
		line = g_strdup_printf("  skipped%s%s: %s", run->axes[0] ? " " : "", run->axes,
				       run->skip ? run->skip : "no reason given");
		append_wrapped(t->page, line, "    ", width);
	}
	return skipped;
}

static bool has_failed_cell(const struct text *t)
{
	for (unsigned int i = 0; i < t->rows->len; i++)
		for (unsigned int c = 0; c < t->runs->len; c++)
			if (((struct text_row *)t->rows->pdata[i])->cells[c].failed)
				return true;
	return false;
}

/* "PASS" alone, or "FAIL 2 of 12 runs": the last word about a file. */
static void tell_verdict(struct report *r, unsigned int failed, unsigned int skipped)
{
	struct text *t = r->data;
	unsigned int n = t->runs->len;

	if (failed || t->errors)
		g_string_append_printf(t->page, "%s%s%s", paint(r, RED),
				       t->errors ? "ERROR" : "FAIL", paint(r, PLAIN));
	else
		g_string_append_printf(t->page, "%s%s%s", paint(r, GREEN),
				       skipped == n ? "SKIP" : "PASS", paint(r, PLAIN));
	g_string_append_printf(t->page, "  %s", t->file);
	if (failed && n > 1)
		g_string_append_printf(t->page, ": %u of %u runs failed", failed, n);
	else if (n > 1)
		g_string_append_printf(t->page, ": %u runs", n);
	if (skipped && n > 1)
		g_string_append_printf(t->page, ", %u skipped", skipped);
	g_string_append_c(t->page, '\n');
}

static void text_file_end(struct report *r)
{
	struct text *t = r->data;
	bool table = t->n_axes || r->style.verbose || t->n_files == 1;
	unsigned int failed, skipped;

	tell_heading(r, table);
	if (table)
		tell_table(r);
	if (table && has_failed_cell(t))
		g_string_append(t->page, "  * not what the scenario expects\n");
	tell_output(t, table);
	skipped = tell_skips(t, r->style.width);
	failed = tell_failures(r);
	if (!g_str_has_suffix(t->page->str, "\n\n") && (failed || t->errors))
		g_string_append_c(t->page, '\n');
	tell_verdict(r, failed, skipped);
	flush_page(r);
	file_clear(t);
}

static void text_file_error(struct report *r, const char *file, const char *message)
{
	struct text *t = r->data;

	flush_page(r);
	report_complain(r, message);
	if (t->file) {
		g_free(t->errors);
		t->errors = g_strdup(message);
		return;
	}
	g_string_append_printf(t->page, "\n%sERROR%s  %s: could not be understood\n", paint(r, RED),
			       paint(r, PLAIN), file);
	flush_page(r);
}

static void text_end(struct report *r, const struct report_totals *totals)
{
	struct text *t = r->data;

	g_string_append_printf(t->page, "\n%u file%s, %u run%s: %u passed, %u failed, %u skipped\n",
			       totals->files, totals->files == 1 ? "" : "s", totals->runs,
			       totals->runs == 1 ? "" : "s", totals->passed, totals->failed,
			       totals->skipped);
	flush_page(r);
}

const struct report_format report_text = {
	.ops = {
		.begin = text_begin,
		.file_begin = text_file_begin,
		.run_begin = text_run_begin,
		.line = text_line,
		.run_end = text_run_end,
		.file_end = text_file_end,
		.file_error = text_file_error,
		.end = text_end,
	},
	.data_size = sizeof(struct text),
	.release = text_release,
};
