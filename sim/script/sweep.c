// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim sweep: the runs of some files, and before each of their actions the same
 * action once for every allocation that it makes, with that one failing.
 */
#include "batch.h"
#include "sim/explore/explore.h"

/* What became of the failures of one pool at one line, in all its rounds. */
struct sweep_row {
	const struct stmt *st;
	const char *pool;
	u64 n;
	GPtrArray *words; /* char *: distinct */
	GArray *times;	  /* u64: of each */
};

struct sweep {
	const struct sweep_options *opt;
	struct run_options run; /* as asked, but that a failed line ends nothing */
	struct batch b;
	const struct job *job;
	const struct leaf *leaf;
	GHashTable *rounds; /* struct stmt * -> how often this run came to it */
	GPtrArray *rows;    /* struct sweep_row *, of this run */
	GString *findings;  /* of this run, text */
	GArray *known;	    /* struct x_known, of this run's release */
	u64 actions, failures, bad, knowns, files, runs, skipped;
	bool not_understood;
};

/* An action, and what of the run it changes besides the machine. */
struct again {
	struct run *r;
	const struct stmt *st;
	struct run was;
	guint passed;
	bool broken; /* its arguments cannot be evaluated: the run itself will say so */
};

/* ---- One action, again and again -------------------------------------------------------------- */

static void remember(struct again *a)
{
	a->was = *a->r;
	a->passed = a->r->passed->len;
}

static void forget(struct again *a)
{
	g_array_set_size(a->r->passed, MIN(a->r->passed->len, a->passed));
	*a->r = a->was;
}

static struct outcome act(void *data, const struct violation **v, unsigned int *n)
{
	struct again *a = data;
	struct outcome o = { .kind = OUTCOME_NOT_RUN };
	GString *words = g_string_new(NULL);
	GError *e = NULL;

	*v = NULL;
	*n = 0;
	forget(a);
	if (!action_run(a->r, a->st, &o, words, &e)) {
		a->broken = true;
		g_clear_error(&e);
	} else if (a->r->oracle && o.kind != OUTCOME_NOT_RUN) {
		*v = oracle_violations(a->r->oracle, n);
	}
	g_string_free(words, TRUE);
	return o;
}

static void finish(void *data, const struct violation **v, unsigned int *n)
{
	struct again *a = data;

	*v = NULL;
	*n = 0;
	if (!a->r->oracle || a->r->m->dead)
		return;
	a->r->m->hyp->view(a->r->m->el2);
	oracle_finish(a->r->oracle);
	*v = oracle_violations(a->r->oracle, n);
}

/* ---- What it is called in the table of what is known --------------------------------------------- */

static const char *action_name(struct run *r, const struct stmt *st)
{
	static const char *const access[] = {
		[MMU_READ] = "read", [MMU_WRITE] = "write", [MMU_EXEC] = "exec"
	};
	const bool verbs = st->id == CMD_HOST || st->id == CMD_VM || st->id == CMD_GUEST;
	const struct el2_call *call;
	bool ambiguous;
	char words[64];

	if ((st->id == CMD_HVC || st->id == CMD_EL2) && !st->raw) {
		call = run_find_call(r, st->word, &ambiguous);
		return call ? call->name : st->word;
	}
	if (st->id == CMD_SMC)
		g_snprintf(words, sizeof(words), "smc %s", st->word);
	else
		g_snprintf(words, sizeof(words), "%s%s%s", script_commands()[st->id].name,
			   verbs ? " " : "",
			   !verbs     ? ""
			   : st->verb ? verb_name(st->verb)
				      : access[st->access]);
	return g_intern_string(words);
}

/* ---- Rows and findings ------------------------------------------------------------------------------- */

static void row_free(void *data)
{
	struct sweep_row *row = data;

	g_ptr_array_unref(row->words);
	g_array_unref(row->times);
	g_free(row);
}

static struct sweep_row *row_of(struct sweep *s, const struct stmt *st, const char *pool)
{
	struct sweep_row *row;

	for (guint i = 0; i < s->rows->len; i++) {
		row = s->rows->pdata[i];
		if (row->st == st && !strcmp(row->pool, pool))
			return row;
	}
	row = g_new0(struct sweep_row, 1);
	row->st = st;
	row->pool = pool;
	row->words = g_ptr_array_new_with_free_func(g_free);
	row->times = g_array_new(FALSE, FALSE, sizeof(u64));
	g_ptr_array_add(s->rows, row);
	return row;
}

/* Takes @words. */
static void row_add(struct sweep_row *row, char *words)
{
	const u64 once = 1;

	row->n++;
	for (guint i = 0; i < row->words->len; i++) {
		if (strcmp(row->words->pdata[i], words))
			continue;
		g_array_index(row->times, u64, i)++;
		g_free(words);
		return;
	}
	g_ptr_array_add(row->words, words);
	g_array_append_val(row->times, once);
}

enum sweep_verdict { SWEEP_FINE, SWEEP_KNOWN, SWEEP_BAD };

static enum sweep_verdict judge_failure(struct sweep *s, struct run *r, const struct stmt *st,
					const struct x_sweep *x, const struct x_failure *f)
{
	/* where the action breaks the rule anyway, the panic is not told anew */
	struct violation v = { .rule = RULE_SPEC, .text = "ended in a panic" };
	const struct x_case c = {
		.b = r->m->board,
		.action = action_name(r, st),
		.shortage = &f->shortage,
		.panic = &f->panic,
		.failed = f->o.kind == OUTCOME_VALUE && f->o.is_signed && (s64)f->o.value < 0,
	};
	/* what a WARN let go on is as bad as the panic would have been */
	const bool warned = r->m->config->knob[KNOB_WARN] == WARN_CONTINUE && f->retried;
	struct x_known *k = NULL;

	if (!x_failure_is_bad(x, f))
		return SWEEP_FINE;
	if (f->n_violations)
		v = f->violation;
	if (f->n_violations || f->o.kind == OUTCOME_PANIC || warned)
		k = x_known_find(s->known, &c, &v);
	if (!k)
		return SWEEP_BAD;
	k->times++;
	return SWEEP_KNOWN;
}

/* "-ENOMEM, then 0", "panic, spec": what a failure did. New string. */
static char *failure_words(const struct x_failure *f)
{
	GString *s = g_string_new(NULL);
	char *words;

	words = value_words(outcome_value(&f->o));
	g_string_append(s, words);
	g_free(words);
	if (f->retried) {
		words = value_words(outcome_value(&f->retry));
		g_string_append_printf(s, ", then %s", words);
		g_free(words);
	}
	if (f->n_violations)
		g_string_append_printf(s, ", %s", model_rules[f->violation.rule].name);
	return g_string_free(s, FALSE);
}

/* The statement without what it must give, which is not asked here. New string. */
static char *action_text(const struct stmt *st)
{
	char *text = stmt_text(st), *end = strstr(text, "=>");

	if (end)
		*end = '\0';
	return g_strchomp(text);
}

static void tell_finding(struct sweep *s, const struct stmt *st, const struct x_sweep *x,
			 const struct x_failure *f)
{
	char *text = action_text(st), *words = failure_words(f);
	char *plain = value_words(outcome_value(&x->plain));

	g_string_append_printf(s->findings,
			       "\n%s:%u: FAIL: %s\n  without allocation %u of %s: %s%s%s\n"
			       "  with all of them: %s\n",
			       st->line->src->name, st->line->no, text, f->nth, f->pool, words,
			       f->panic.happened ? ", in " : "",
			       f->panic.happened ? f->panic.fn : "", plain);
	g_free(text);
	g_free(words);
	g_free(plain);
	if (!f->n_violations)
		return;
	words = violation_words(&f->violation);
	g_string_append_printf(s->findings, "%s\n", words);
	g_free(words);
}

static void tell_object(struct sweep *s, const struct stmt *st, const struct x_sweep *x,
			const struct x_failure *f, enum sweep_verdict verdict)
{
	static const char *const name[] = { "fine", "known", "bad" };
	GString *o = g_string_new("{\"type\":\"failure\",\"run\":");
	char *text = stmt_text(st),
	     *words[3] = { value_words(outcome_value(&x->plain)), value_words(outcome_value(&f->o)),
			   value_words(outcome_value(&f->retry)) };

	json_append_string(o, s->leaf->name);
	g_string_append(o, ",\"file\":");
	json_append_string(o, st->line->src->name);
	g_string_append_printf(o, ",\"line\":%u,\"text\":", st->line->no);
	json_append_string(o, text);
	g_string_append(o, ",\"pool\":");
	json_append_string(o, f->pool);
	g_string_append_printf(o, ",\"nth\":%u,\"plain\":", f->nth);
	json_append_string(o, words[0]);
	g_string_append(o, ",\"outcome\":");
	json_append_string(o, words[1]);
	g_string_append(o, ",\"retry\":");
	json_append_string(o, f->retried ? words[2] : NULL);
	g_string_append(o, ",\"rule\":");
	json_append_string(o, f->n_violations ? model_rules[f->violation.rule].name : NULL);
	g_string_append(o, ",\"verdict\":");
	json_append_string(o, name[verdict]);
	fprintf(s->opt->out, "%s}\n", o->str);
	g_string_free(o, TRUE);
	g_free(text);
	for (unsigned int i = 0; i < 3; i++)
		g_free(words[i]);
}

/* What boot takes before its pools are there was counted out by the host: it cannot fail. */
static void take_failure(struct sweep *s, struct run *r, const struct stmt *st,
			 const struct x_sweep *x, const struct x_failure *f)
{
	enum sweep_verdict verdict = judge_failure(s, r, st, x, f);
	char *words;

	if (f->refused)
		return;
	words = failure_words(f);

	s->failures++;
	s->bad += verdict == SWEEP_BAD;
	s->knowns += verdict == SWEEP_KNOWN;
	if (s->opt->jsonl) {
		tell_object(s, st, x, f, verdict);
		g_free(words);
		return;
	}
	if (verdict != SWEEP_FINE) {
		char *marked = g_strconcat(words, verdict == SWEEP_BAD ? " *" : " (known)", NULL);

		g_free(words);
		words = marked;
	}
	row_add(row_of(s, st, f->pool), words);
	if (verdict == SWEEP_BAD)
		tell_finding(s, st, x, f);
}

/* ---- Before each action ---------------------------------------------------------------------------------- */

static bool is_pressure(enum command_id id)
{
	return id == CMD_DRAIN || id == CMD_REFILL || id == CMD_FAIL;
}

static bool is_boot(enum command_id id)
{
	return id == CMD_BOOT || id == CMD_INIT || id == CMD_FINALISE || id == CMD_PROT_FINALIZE;
}

/* Of a line in a loop the first rounds, and then ever fewer: pressure takes many. */
static bool this_round(struct sweep *s, const struct stmt *st)
{
	u64 n = GPOINTER_TO_SIZE(g_hash_table_lookup(s->rounds, st)) + 1;

	g_hash_table_insert(s->rounds, (void *)st, GSIZE_TO_POINTER(n));
	return n <= 4 || !(n & (n - 1));
}

static bool before(void *data, struct run *r, const struct stmt *st, GError **error)
{
	struct again a = { .r = r, .st = st };
	struct x_again again = { .data = &a, .once = is_boot(st->id), .act = act };
	struct sweep *s = data;
	struct x_sweep x;

	again.m = run_machine(r, st->line, st->off, error);
	if (!again.m)
		return false;
	if (is_pressure(st->id) || again.m->dead || !this_round(s, st))
		return true;
	again.finish = finish;
	remember(&a);
	x_sweep_action(&x, &again);
	forget(&a);
	s->actions++;
	for (guint i = 0; !a.broken && i < x.failures->len; i++)
		take_failure(s, r, st, &x, &g_array_index(x.failures, struct x_failure, i));
	x_sweep_clear(&x);
	return true;
}

/* ---- One run ------------------------------------------------------------------------------------------------ */

static void tell_row(const struct sweep *s, const struct sweep_row *row)
{
	char *text = action_text(row->st), *label;
	GString *what = g_string_new(NULL);

	label = strcmp(row->st->line->src->name, s->job->path)
			? g_strdup_printf("%s:%u  %s", row->st->line->src->name, row->st->line->no,
					  text)
			: g_strdup_printf("%4u  %s", row->st->line->no, text);
	for (guint i = 0; i < row->words->len; i++) {
		const u64 times = g_array_index(row->times, u64, i);

		g_string_append_printf(what, "%s%s", i ? "; " : "",
				       (const char *)row->words->pdata[i]);
		if (times > 1)
			g_string_append_printf(what, " x%" G_GUINT64_FORMAT, times);
	}
	fprintf(s->opt->out, "  %-40s  %s %" G_GUINT64_FORMAT "\n        %s\n", label, row->pool,
		row->n, what->str);
	g_string_free(what, TRUE);
	g_free(label);
	g_free(text);
}

static void tell_run(const struct sweep *s)
{
	const struct report_run run = leaf_heading(&s->b, s->job, s->leaf);
	char *words = report_configuration(&run);

	fprintf(s->opt->out, "\n%s\n  %s\n", s->leaf->name, words);
	g_free(words);
	for (guint i = 0; i < s->rows->len; i++)
		tell_row(s, s->rows->pdata[i]);
	if (!s->rows->len)
		fprintf(s->opt->out, "  no action allocates\n");
	for (guint i = 0; i < s->known->len; i++) {
		const struct x_known *k = &g_array_index(s->known, struct x_known, i);

		if (k->times)
			fprintf(s->opt->out, "  known of %s: %s\n", run.profile, k->reason);
	}
	fputs(s->findings->str, s->opt->out);
}

/* Where the command line names a patch, what else a file brings in is not the patch's. */
static char *defect_of_its_own(const struct sweep *s, const struct leaf *l)
{
	const struct el2_config *c = l->run->config;

	if (!s->b.over.patch)
		return NULL;
	for (unsigned int i = 0; i < el2_n_bugs; i++)
		if (c->bug[i] && !s->b.over.bug[i])
			return g_strdup_printf("bug %s is not %s's", el2_bugs[i].id,
					       l->patch->name);
	for (unsigned int i = 0; i < N_KNOBS; i++) {
		const struct knob_value *v = &el2_knobs[i].value[c->knob[i]];

		/* what the secure world does is no defect of EL2's */
		if (i != KNOB_SECURE_WORLD && v->kind == KNOB_DEFECT && c->knob[i] != l->base[i] &&
		    s->b.over.knob[i] < 0)
			return g_strdup_printf("%s=%s is not %s's", el2_knobs[i].name, v->name,
					       l->patch->name);
	}
	return NULL;
}

static void tell_skip(struct sweep *s, const struct leaf *l)
{
	GString *o;

	s->skipped++;
	if (!s->opt->jsonl) {
		fprintf(s->opt->out, "\n%s\n  skipped: %s\n", l->name, l->skip);
		return;
	}
	o = g_string_new("{\"type\":\"skip\",\"run\":");
	json_append_string(o, l->name);
	g_string_append(o, ",\"reason\":");
	json_append_string(o, l->skip);
	fprintf(s->opt->out, "%s}\n", o->str);
	g_string_free(o, TRUE);
}

static void sweep_leaf(struct sweep *s, struct leaf *l, GError **error)
{
	if (!l->skip)
		l->skip = defect_of_its_own(s, l);
	if (l->skip) {
		tell_skip(s, l);
		return;
	}
	s->leaf = l;
	s->known = x_known_of(l->run->config->profile);
	l->run->before = before;
	l->run->before_data = s;
	run_statements(l->run, s->job->prog->stmt, s->job->prog->n_setup, error);
	s->runs++;
	if (!s->opt->jsonl)
		tell_run(s);
	g_array_unref(s->known);
	g_ptr_array_set_size(s->rows, 0);
	g_hash_table_remove_all(s->rounds);
	g_string_truncate(s->findings, 0);
}

/* ---- All ----------------------------------------------------------------------------------------------------- */

static void sweep_file(struct sweep *s, const char *path)
{
	GError *e = NULL;
	struct job *j = job_new(path, NULL, &s->b.over, &e);
	u64 n = j ? matrix_size(j->axes) : 0;

	s->files++;
	s->job = j;
	for (u64 i = 0; i < n && !e; i++) {
		struct leaf l;

		if (leaf_init(&l, &s->b, j, i, &e))
			sweep_leaf(s, &l, &e);
		leaf_clear(&l);
	}
	if (e) {
		fflush(s->opt->out);
		fprintf(stderr, "%s\n", e->message);
		g_error_free(e);
		s->not_understood = true;
	}
	job_free(j);
}

static void tell_end(const struct sweep *s)
{
	const char *form =
		s->opt->jsonl ? "{\"type\":\"summary\",\"files\":%" G_GUINT64_FORMAT
				",\"runs\":%" G_GUINT64_FORMAT ",\"skipped\":%" G_GUINT64_FORMAT
				",\"actions\":%" G_GUINT64_FORMAT ",\"failures\":%" G_GUINT64_FORMAT
				",\"bad\":%" G_GUINT64_FORMAT ",\"known\":%" G_GUINT64_FORMAT "}\n"
			      : "\n%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT
				" runs, %" G_GUINT64_FORMAT " more skipped: %" G_GUINT64_FORMAT
				" actions, %" G_GUINT64_FORMAT
				" failed allocations, %" G_GUINT64_FORMAT
				" with a breach (*), and %" G_GUINT64_FORMAT
				" that the release has by itself\n";

	fprintf(s->opt->out, form, s->files, s->runs, s->skipped, s->actions, s->failures, s->bad,
		s->knowns);
}

/* Files set a patch's knobs to show what each does; who names a patch here wants its own. */
static void fix_patch(struct overrides *o)
{
	for (unsigned int i = 0; o->patch && i < o->patch->n_set; i++)
		if (o->knob[o->patch->set[i].knob] < 0)
			o->knob[o->patch->set[i].knob] = (s8)o->patch->set[i].value;
}

enum exit_status script_sweep(const char *const *paths, const struct sweep_options *opt)
{
	struct sweep s = { .opt = opt, .run = *opt->run };
	GPtrArray *files;

	s.run.keep_going = true;
	if (!batch_init(&s.b, &s.run))
		return EXIT_USAGE;
	fix_patch(&s.b.over);
	s.rows = g_ptr_array_new_with_free_func(row_free);
	s.rounds = g_hash_table_new(NULL, NULL);
	s.findings = g_string_new(NULL);
	files = batch_files(paths);
	if (!opt->jsonl)
		fprintf(opt->out, "pkvm-sim %s: every allocation fails once\n", PKVM_SIM_VERSION);
	for (guint i = 0; i < files->len; i++)
		sweep_file(&s, files->pdata[i]);
	tell_end(&s);
	g_ptr_array_unref(files);
	g_ptr_array_unref(s.rows);
	g_hash_table_unref(s.rounds);
	g_string_free(s.findings, TRUE);
	return s.not_understood ? EXIT_USAGE : s.bad ? EXIT_FAILED : EXIT_PASSED;
}
