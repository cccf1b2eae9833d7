// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim conform: our EL2 with the release that a kernel tree is nearest to, and the
 * tree's own code, on boards that are alike. Scenarios run on both and must give the same
 * answers; then actions by chance, compared one by one.
 */
#include <string.h>

#include "random.h"

struct conform {
	const struct conform_options *opt;
	struct run_options run[2]; /* ours, the tree's */
	struct batch b[2];
	struct job *job;
	struct leaf leaf[2];
	struct machine *m[2];
	struct x_conform x;
};

static bool bad(GError *e)
{
	fprintf(stderr, "pkvm-sim: error: %s\n", e->message);
	g_error_free(e);
	return false;
}

static bool begin(struct conform *c, const struct conform_options *opt)
{
	*c = (struct conform){ .opt = opt, .run = { *opt->run, *opt->run } };
	c->run[0].hyp = opt->ours;
	c->run[0].tree = NULL;
	/* where a file says no release ours is the tree's */
	return batch_init(&c->b[0], &c->run[0]) && batch_init(&c->b[1], &c->run[1]);
}

/* ---- Scenarios -------------------------------------------------------------------------------- */

struct answers {
	GPtrArray *line; /* char *: "FILE:LINE: STATEMENT: ANSWER" */
};

static void keep_answer(void *data, const struct report_line *l)
{
	struct answers *a = data;
	const char *got = l->got ? l->got : "";
	bool panic = g_str_has_prefix(got, "panic");

	/* where and in what words a panic is reported is each one's own */
	g_ptr_array_add(a->line, g_strdup_printf("%s:%u: %s\t%s", l->file, l->line, l->text,
						 panic ? "panic" : got));
}

static bool run_side(struct leaf *l, const struct job *j, struct answers *a, GError **error)
{
	l->run->told = keep_answer;
	l->run->told_data = a;
	l->run->last_act = watch_last(j->prog->stmt);
	if (!run_statements(l->run, j->prog->stmt, j->prog->n_setup, error))
		return false;
	run_end(l->run, j->prog->stmt);
	return true;
}

/* The first answer that differs is told. */
static bool same_answers(struct conform *c, const struct leaf *l, const struct answers a[2])
{
	for (guint i = 0; i < MAX(a[0].line->len, a[1].line->len); i++) {
		const char *x = i < a[0].line->len ? a[0].line->pdata[i] : "\tnothing more";
		const char *y = i < a[1].line->len ? a[1].line->pdata[i] : "\tnothing more";
		const char *of = i < a[0].line->len ? x : y;

		if (!strcmp(x, y))
			continue;
		fprintf(c->opt->out, "%s: the answers differ\n  %.*s\n  ours    %s\n  tree's  %s\n",
			l->name, (int)strcspn(of, "\t"), of, strchr(x, '\t') + 1,
			strchr(y, '\t') + 1);
		return false;
	}
	return true;
}

/* One combination on both. */
static bool compare_leaf(struct conform *c, struct job *const job[2], u64 i, u64 *ran, u64 *differ)
{
	struct answers a[2] = { { g_ptr_array_new_with_free_func(g_free) },
				{ g_ptr_array_new_with_free_func(g_free) } };
	struct leaf l[2] = { 0 };
	GError *e = NULL;
	bool ok = leaf_init(&l[0], &c->b[0], job[0], i, &e) &&
		  leaf_init(&l[1], &c->b[1], job[1], i, &e);

	if (ok && !l[0].skip && !l[1].skip) {
		++*ran;
		ok = run_side(&l[0], job[0], &a[0], &e) && run_side(&l[1], job[1], &a[1], &e);
		*differ += ok && !same_answers(c, &l[1], a);
	}
	for (unsigned int k = 0; k < 2; k++) {
		leaf_clear(&l[k]);
		g_ptr_array_unref(a[k].line);
	}
	return ok || bad(e);
}

static bool compare_file(struct conform *c, const char *path, u64 *ran, u64 *differ)
{
	struct job *job[2] = { NULL, NULL };
	GError *e = NULL;
	bool ok = true;

	for (unsigned int k = 0; k < 2 && ok; k++) {
		job[k] = job_new(path, NULL, &c->b[k].over, &e);
		ok = job[k] || bad(e);
	}
	for (u64 i = 0; ok && i < matrix_size(job[0]->axes); i++)
		ok = compare_leaf(c, job, i, ran, differ);
	job_free(job[0]);
	job_free(job[1]);
	return ok;
}

static enum exit_status compare_files(struct conform *c, const char *const *paths)
{
	GPtrArray *files = batch_files(paths);
	u64 ran = 0, differ = 0;
	bool ok = true;

	for (guint i = 0; i < files->len && ok; i++)
		ok = compare_file(c, files->pdata[i], &ran, &differ);
	fprintf(c->opt->out,
		"scenarios: %u files, %" G_GUINT64_FORMAT " runs on both, %" G_GUINT64_FORMAT
		" differ\n",
		files->len, ran, differ);
	g_ptr_array_unref(files);
	return !ok ? EXIT_USAGE : differ ? EXIT_FAILED : EXIT_PASSED;
}

/* ---- By chance ---------------------------------------------------------------------------------- */

static void progress(void *data, const struct x_conform *x)
{
	const struct conform *c = data;

	if (c->opt->progress && !(x->episodes & 15)) {
		fprintf(stderr,
			"\r\033[Kpkvm-sim: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
			" actions, episode %" G_GUINT64_FORMAT,
			x->done, x->actions, x->episodes);
		fflush(stderr);
	}
}

static bool booted(struct conform *c, unsigned int k, struct outcome *o, GError **error)
{
	struct leaf *l = &c->leaf[k];

	if (!leaf_init(l, &c->b[k], c->job, 0, error))
		return false;
	if (l->skip) {
		g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_USAGE, "%s is skipped: %s", l->name,
			    l->skip);
		return false;
	}
	/* the host's structures of VMs are the tree's on both boards */
	if (!k)
		l->run->config->vm_layout = c->m[1]->config->vm_layout;
	c->m[k] = machine_new(c->job->board, l->run->config, c->run[k].hyp, error);
	if (!c->m[k])
		return false;
	*o = machine_boot(c->m[k]);
	return true;
}

static bool boot(struct conform *c, unsigned int k, GError **error)
{
	struct outcome o;

	if (!booted(c, k, &o, error))
		return false;
	if (o.kind == OUTCOME_VALUE && !o.value)
		return true;
	g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, "%s: this machine does not boot%s",
		    c->job->path, k ? " with the tree's EL2" : "");
	return false;
}

/* What both were asked, with what the tree's code answered. */
static void write_scenario(struct conform *c, FILE *out)
{
	struct recording *rec = recording_new(out);

	record_setup(rec, c->job->setup, c->leaf[0].run->config, c->leaf[0].patch, c->leaf[0].base);
	fprintf(out, "boot\n");
	for (guint i = 0; i < c->x.path->len; i++) {
		const struct x_step *s = &g_array_index(c->x.path, struct x_step, i);
		g_autofree char *words = action_words(&s->a);

		fprintf(out, "%s\n", words);
	}
	recording_free(rec);
}

static void tell_difference(struct conform *c)
{
	FILE *out = c->opt->out;

	if (c->x.at_boot) {
		fprintf(out, "after boot %s differs\n", c->x.what);
	} else {
		const struct x_step *s =
			&g_array_index(c->x.path, struct x_step, c->x.path->len - 1);
		g_autofree char *words = action_words(&s->a);

		fprintf(out, "%s: %s differs\n", words, c->x.what);
	}
	fprintf(out, "  ours    %s\n  tree's  %s\n", c->x.ours, c->x.theirs);
	fprintf(out,
		"\n# %u actions of %" G_GUINT64_FORMAT " since boot, episode %" G_GUINT64_FORMAT
		", show it:\n",
		c->x.path->len, c->x.path_was, c->x.episodes ? c->x.episodes - 1 : 0);
	write_scenario(c, out);
}

static enum exit_status compare_by_chance(struct conform *c)
{
	g_autofree char *text = g_strdup_printf("machine %s\nset ffa=v1.1\n", c->opt->machine);
	GError *e = NULL;

	c->job = job_new("conform", text, &c->b[0].over, &e);
	if (!c->job || !boot(c, 1, &e) || !boot(c, 0, &e)) {
		bad(e);
		return EXIT_USAGE;
	}
	c->x = (struct x_conform){ .actions = c->opt->actions,
				   .seed = c->opt->run->seed,
				   .first = c->opt->first,
				   .episode = 500,
				   .progress = progress,
				   .data = c };
	x_conform_run(&c->x, c->m[0], c->m[1]);
	if (c->opt->progress)
		fputs("\r\033[K", stderr);
	fprintf(c->opt->out,
		"by chance: %" G_GUINT64_FORMAT " actions in %" G_GUINT64_FORMAT " episodes, %s\n",
		c->x.done, c->x.episodes - c->x.first,
		c->x.differs ? "a difference" : "no difference");
	if (c->x.differs)
		tell_difference(c);
	return c->x.differs ? EXIT_FAILED : EXIT_PASSED;
}

/* For the next comparison. */
static void machines_free(struct conform *c)
{
	for (unsigned int k = 0; k < 2; k++) {
		machine_free(c->m[k]);
		c->m[k] = NULL;
		if (c->leaf[k].run)
			leaf_clear(&c->leaf[k]);
		c->leaf[k] = (struct leaf){ 0 };
	}
	if (c->x.path)
		x_conform_clear(&c->x);
	c->x = (struct x_conform){ 0 };
	job_free(c->job);
	c->job = NULL;
}

/* ---- The kernel's own test --------------------------------------------------------------------- */

static bool has_selftest(const struct conform *c, char **why)
{
	struct el2_config *cfg = el2_config_new(c->opt->run->tree_profile);
	bool has;

	cfg->tree = c->opt->run->tree;
	has = c->opt->run->hyp->offers(cfg, EL2_OFFER_SELFTEST, NULL, NULL, why);
	el2_config_free(cfg);
	return has;
}

/* Did the boot that had the test in it end well? If not it is told. */
static bool passed(struct conform *c, unsigned int k, const struct outcome *o)
{
	const struct el2_panic *p = c->m[k]->hyp->panic(c->m[k]->el2);
	const char *whose = k ? "the tree's" : "ours";

	if (o->kind == OUTCOME_VALUE && !o->value)
		return true;
	if (p && p->happened)
		fprintf(c->opt->out, "self-test: %s ends in a panic: %s %s, %s\n", whose, p->reason,
			p->fn ? p->fn : "", p->what);
	else
		fprintf(c->opt->out, "self-test: %s does not get to its end\n", whose);
	return false;
}

/* Both boot with it, and have the same memory after it. */
static enum exit_status compare_selftest(struct conform *c)
{
	g_autofree char *text = g_strdup_printf("machine %s\nset el2_debug=on\n", c->opt->machine);
	g_autofree char *why = NULL;
	struct outcome o[2];
	GError *e = NULL;

	if (!has_selftest(c, &why)) {
		fprintf(c->opt->out, "self-test: %s\n", why);
		return EXIT_PASSED;
	}
	c->job = job_new("conform", text, &c->b[0].over, &e);
	if (!c->job || !booted(c, 1, &o[1], &e) || !booted(c, 0, &o[0], &e)) {
		bad(e);
		return EXIT_USAGE;
	}
	if (!passed(c, 1, &o[1]) || !passed(c, 0, &o[0]))
		return EXIT_FAILED;
	x_conform_run(&c->x, c->m[0], c->m[1]);
	if (!c->x.differs)
		fprintf(c->opt->out, "self-test: the tree's own passes, memory after it is ours\n");
	else
		tell_difference(c);
	return c->x.differs ? EXIT_FAILED : EXIT_PASSED;
}

enum exit_status script_conform(const char *const *paths, const struct conform_options *opt)
{
	enum exit_status status = EXIT_PASSED;
	struct conform c;

	if (!begin(&c, opt))
		return EXIT_USAGE;
	if (paths && paths[0])
		status = compare_files(&c, paths);
	if (status == EXIT_PASSED) {
		status = compare_selftest(&c);
		machines_free(&c);
	}
	if (status == EXIT_PASSED && opt->actions)
		status = compare_by_chance(&c);
	machines_free(&c);
	return status;
}
