// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files and directories, one run a combination, totals and the exit status. A
 * file that cannot be understood ends, the others go on.
 */
#include <errno.h>

#include "batch.h"

/* ---- Paths ------------------------------------------------------------------------------- */

static gint by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Scenarios below @dir; symbolic links to directories are not followed. */
static void find_below(const char *dir, GPtrArray *found)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		char *path = g_build_filename(dir, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
				find_below(path, found);
			g_free(path);
		} else if (g_str_has_suffix(name, ".pkvm")) {
			g_ptr_array_add(found, path);
		} else {
			g_free(path);
		}
	}
	if (d)
		g_dir_close(d);
}

GPtrArray *batch_files(const char *const *paths)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);

	for (unsigned int i = 0; paths[i]; i++) {
		GPtrArray *below;

		if (!g_file_test(paths[i], G_FILE_TEST_IS_DIR)) {
			g_ptr_array_add(files, g_strdup(paths[i]));
			continue;
		}
		below = g_ptr_array_new();
		find_below(paths[i], below);
		g_ptr_array_sort(below, by_bytes);
		if (!below->len)
			g_ptr_array_add(files, g_strdup(paths[i]));
		for (guint k = 0; k < below->len; k++)
			g_ptr_array_add(files, below->pdata[k]);
		g_ptr_array_unref(below);
	}
	return files;
}

/* ---- One file ------------------------------------------------------------------------------ */

void job_free(struct job *j)
{
	if (!j)
		return;
	if (j->axes)
		g_array_unref(j->axes);
	board_config_free(j->board);
	g_hash_table_unref(j->names);
	setup_free(j->setup);
	program_free(j->prog);
	g_free(j);
}

static struct program *program_of(const char *path, const char *text, GError **error)
{
	if (text)
		return program_parse(path, text, error);
	if (!strcmp(path, "-") || !g_file_test(path, G_FILE_TEST_IS_DIR))
		return program_read(path, error);
	script_fail_file(error, path, "no .pkvm file is below this directory");
	return NULL;
}

struct job *job_new(const char *path, const char *text, const struct overrides *over,
		    GError **error)
{
	struct job *j = g_new0(struct job, 1);

	j->path = path;
	j->names = names_new();
	j->setup = setup_new();
	j->prog = program_of(path, text, error);
	if (!j->prog || !setup_collect(j->setup, j->prog->stmt, j->prog->n_setup, j->names, error))
		goto bad;
	j->board = setup_board(j->setup, path, error);
	if (!j->board ||
	    !check_statements(j->prog->stmt, j->prog->n_setup, j->names, j->board, error))
		goto bad;
	j->axes = matrix_axes(j->setup, over);
	return j;
bad:
	job_free(j);
	return NULL;
}

/* ---- One run: what it is ----------------------------------------------------------------------- */

static char *knob_words(const struct el2_config *c, const u8 base[N_KNOBS])
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i < N_KNOBS; i++)
		if (c->knob[i] != base[i])
			g_string_append_printf(s, "%s%s=%s", s->len ? " " : "", el2_knobs[i].name,
					       el2_knob_value_name(i, c->knob[i]));
	return g_string_free(s, FALSE);
}

static char *bug_words(const struct el2_config *c)
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i < el2_n_bugs; i++)
		if (c->bug[i])
			g_string_append_printf(s, "%s%s", s->len ? " " : "", el2_bugs[i].id);
	return g_string_free(s, FALSE);
}

static char *board_words(const struct setup *s)
{
	bool changed = s->cpus || s->page_shift || s->pa_bits || s->feature_given || s->no_ram ||
		       s->no_mmio || s->ram->len || s->mmio->len;

	if (s->no_ram && s->no_mmio)
		return g_strdup("own");
	return g_strdup_printf("%s%s", s->machine, changed ? ", changed" : "");
}

static char *leaf_name(const struct job *j, const struct report_axis *axis)
{
	GString *s = g_string_new(j->path);

	for (guint i = 0; i < j->axes->len; i++)
		g_string_append_printf(s, "%c%s=%s", i ? ',' : '@', axis[i].name, axis[i].value);
	return g_string_free(s, FALSE);
}

void leaf_clear(struct leaf *l)
{
	run_free(l->run);
	g_free(l->pick);
	g_free(l->axis);
	g_free(l->name);
	g_free(l->knobs);
	g_free(l->bugs);
	g_free(l->board);
	g_free(l->skip);
}

bool leaf_init(struct leaf *l, const struct batch *b, const struct job *j, u64 i, GError **error)
{
	struct el2_config *config;
	const char *why;

	*l = (struct leaf){ .pick = g_new0(unsigned int, j->axes->len + 1),
			    .axis = g_new0(struct report_axis, j->axes->len + 1) };
	matrix_pick(j->axes, i, l->pick);
	for (guint k = 0; k < j->axes->len; k++) {
		const struct axis *a = &g_array_index(j->axes, struct axis, k);

		l->axis[k] = (struct report_axis){ a->name, a->value[l->pick[k]] };
	}
	config = matrix_config(j->setup, &b->over, j->axes, l->pick, &l->patch, l->base);
	l->run = run_new(b->opt, j->setup, j->board, config, names_copy(j->names));
	l->name = leaf_name(j, l->axis);
	l->knobs = knob_words(config, l->base);
	l->bugs = bug_words(config);
	l->board = board_words(j->setup);
	if (!el2_config_possible(config, &why)) {
		l->skip = g_strdup(why);
		return true;
	}
	if (!run_offered(l->run, j->prog, &l->skip))
		return true;
	return run_requirements(l->run, &l->skip, error);
}

/* ---- One run: carried out ------------------------------------------------------------------------ */

static void pass_line(void *data, const struct report_line *l)
{
	struct batch *b = data;

	b->ops->line(b->report, l);
}

struct report_run leaf_heading(const struct batch *b, const struct job *j, const struct leaf *l)
{
	return (struct report_run){
		.file = j->path,
		.title = j->setup->title,
		.origin = j->setup->origin,
		.name = l->name,
		.profile = l->run->config->profile->name,
		.patch = l->patch ? l->patch->name : NULL,
		.knobs = l->knobs,
		.bugs = l->bugs,
		.board = l->board,
		.check = b->opt->check ? b->opt->check : "on",
		.seed = b->opt->seed,
		.pressure = j->prog->pressure || b->over.any_bug,
		.axis = l->axis,
		.n_axes = j->axes->len,
		.skip = l->skip,
	};
}

static enum verdict carry_out(struct batch *b, const struct job *j, struct leaf *l, GError **error)
{
	struct run *r = l->run;

	if (l->skip)
		return VERDICT_SKIP;
	r->told = pass_line;
	r->told_data = b;
	if (b->opt->record && !b->recorded++) {
		r->recording = recording_new(b->opt->record);
		record_setup(r->recording, j->setup, r->config, l->patch, l->base);
		record_names(r->recording, r->ctx.names);
	}
	r->last_act = watch_last(j->prog->stmt);
	if (!run_statements(r, j->prog->stmt, j->prog->n_setup, error))
		r->failed = true;
	else
		run_end(r, j->prog->stmt);
	b->interrupted |= r->interrupted;
	recording_free(r->recording);
	return r->failed ? VERDICT_FAIL : VERDICT_PASS;
}

static void count(struct batch *b, enum verdict v)
{
	b->totals.runs++;
	b->totals.failed += v == VERDICT_FAIL;
	b->totals.skipped += v == VERDICT_SKIP;
	b->totals.passed += v == VERDICT_PASS;
	if (v == VERDICT_FAIL)
		b->status = MAX(b->status, EXIT_FAILED);
}

bool run_leaf(struct batch *b, const struct job *j, u64 i, GError **error)
{
	struct report_run heading;
	GError *e = NULL;
	struct leaf l;
	enum verdict v;

	if (!leaf_init(&l, b, j, i, error)) {
		leaf_clear(&l);
		return false;
	}
	heading = leaf_heading(b, j, &l);
	b->ops->run_begin(b->report, &heading);
	v = carry_out(b, j, &l, &e);
	b->ops->run_end(b->report, v);
	count(b, v);
	leaf_clear(&l);
	if (e)
		g_propagate_error(error, e);
	return !e;
}

static void announce_file(const struct batch *b, const struct job *j)
{
	struct report_axis *axis = g_new0(struct report_axis, j->axes->len + 1);
	struct report_file f = {
		j->path, j->setup->title, j->setup->origin, 0, axis, j->axes->len
	};

	f.n_runs = (unsigned int)matrix_size(j->axes);
	for (guint i = 0; i < j->axes->len; i++) {
		struct axis *a = &g_array_index(j->axes, struct axis, i);
		char *values[G_N_ELEMENTS(a->value) + 1] = { 0 };

		for (unsigned int k = 0; k < a->n; k++)
			values[k] = (char *)a->value[k];
		axis[i].name = a->name;
		axis[i].value = g_strjoinv(",", values);
	}
	b->ops->file_begin(b->report, &f);
	for (guint i = 0; i < j->axes->len; i++)
		g_free((char *)axis[i].value);
	g_free(axis);
}

static void not_understood(struct batch *b, const char *path, GError *e)
{
	b->ops->file_error(b->report, path, e->message);
	b->status = MAX(b->status, EXIT_USAGE);
	g_error_free(e);
}

void run_job(struct batch *b, const char *path, struct job *j, GError *e)
{
	u64 n;

	b->totals.files++;
	if (!j) {
		not_understood(b, path, e);
		return;
	}
	n = matrix_size(j->axes);
	announce_file(b, j);
	for (u64 i = 0; i < n && !e && !b->interrupted; i++)
		b->run_one(b, j, i, &e);
	if (e)
		not_understood(b, path, e);
	b->ops->file_end(b->report);
	job_free(j);
}

char *violation_words(const struct violation *v)
{
	struct report_violation r = {
		.rule = model_rules[v->rule].name,
		.text = v->text,
		.before = v->before,
		.after = v->after,
		.allowed = v->allowed,
		.has_page = v->has_page,
		.page = v->page,
	};
	GString *event = g_string_new(NULL);
	char *words;

	if (v->event.seq)
		trace_line(event, &v->event);
	r.event = event->str;
	words = report_violation_words(&r, 78);
	g_string_free(event, TRUE);
	return words;
}

/* ---- All -------------------------------------------------------------------------------------------- */

typedef bool (*leaf_fn)(struct batch *b, const struct leaf *l, void *data);

/* Every run that would not be skipped. False: some file was not understood. */
static bool for_each_leaf(struct batch *b, GPtrArray *files, leaf_fn fn, void *data)
{
	bool ok = true;

	for (guint i = 0; i < files->len; i++) {
		GError *e = NULL;
		struct job *j = job_new(files->pdata[i], NULL, &b->over, &e);
		u64 n = j ? matrix_size(j->axes) : 0;

		for (u64 k = 0; k < n && !e; k++) {
			struct leaf l;

			if (leaf_init(&l, b, j, k, &e) && !l.skip)
				fn(b, &l, data);
			leaf_clear(&l);
		}
		if (e) {
			fprintf(stderr, "%s\n", e->message);
			g_error_free(e);
			ok = false;
		}
		job_free(j);
	}
	return ok;
}

static bool print_leaf(struct batch *b, const struct leaf *l, void *data)
{
	return fprintf(data, "%s\n", l->name) > 0;
}

bool batch_init(struct batch *b, const struct run_options *opt)
{
	GError *e = NULL;

	*b = (struct batch){ .opt = opt, .run_one = run_leaf };
	if (overrides_init(&b->over, opt, &e))
		return true;
	fprintf(stderr, "pkvm-sim: error: %s\n", e->message);
	g_error_free(e);
	return false;
}

static void run_in_turn(struct batch *b, GPtrArray *files)
{
	for (guint i = 0; i < files->len && !b->interrupted; i++) {
		GError *e = NULL;
		struct job *j = job_new(files->pdata[i], NULL, &b->over, &e);

		run_job(b, files->pdata[i], j, e);
	}
}

enum exit_status script_run(const char *const *paths, const struct run_options *opt,
			    struct report *report)
{
	GPtrArray *files;
	struct batch b;

	if (!batch_init(&b, opt))
		return EXIT_USAGE;
	files = batch_files(paths);
	b.report = report;
	b.ops = report_ops_of(report);
	b.ops->begin(report, files->len);
	/* a trace and a record are one stream */
	if (opt->jobs > 1 && !opt->trace && !opt->record)
		run_in_parallel(&b, files);
	else
		run_in_turn(&b, files);
	if (b.status != EXIT_INTERNAL)
		b.ops->end(report, &b.totals);
	if (b.recorded > 1)
		fprintf(stderr,
			"pkvm-sim: note: --record wrote the first of %u runs; --kernel and --set "
			"choose\n",
			b.recorded);
	g_ptr_array_unref(files);
	return b.status;
}

enum exit_status script_list(const char *const *paths, const struct run_options *opt, FILE *out)
{
	GPtrArray *files;
	struct batch b;
	bool ok;

	if (!batch_init(&b, opt))
		return EXIT_USAGE;
	files = batch_files(paths);
	ok = for_each_leaf(&b, files, print_leaf, out);
	g_ptr_array_unref(files);
	return ok ? EXIT_PASSED : EXIT_USAGE;
}
