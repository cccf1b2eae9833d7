// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A session: the same statements, one line at a time, on one machine that stays.
 * The machine is made at the first line that needs it; set-up after that needs
 * `reset` first.
 */
#include "script_private.h"

/* A loop may have millions of lines: equal results are said once, others up to here. */
#define MAX_RESULTS_SAID 100
#define MAX_TEXTS_SAID 1000

/* What a line of a block gave, and how often. */
struct said {
	unsigned int line;
	char *words;
	u64 times;
};

struct session {
	const struct run_options *opt;
	struct overrides over;
	GError *broken; /* the command line's layer was not understood */
	struct program *prog;
	struct parser parser;
	const struct source *src;
	unsigned int line_no;
	struct setup *setup;
	GHashTable *names;
	struct board_config *board; /* of the run */
	struct run *run;
	/* the line being carried out */
	struct session_result *res;
	GString *text;
	void (*told)(void *data, const char *text); /* of a block or file, as it comes; or NULL */
	void *told_data;
	GArray *said;	   /* struct said; since something else was said */
	u64 unsaid;	   /* results beyond those */
	u64 texts;	   /* said in @text */
	bool many;	   /* a block or a file: say which line gave what */
	guint block_start; /* statement that opened the block being typed */
};

struct session *session_new(const struct run_options *opt, const char *file_name)
{
	struct session *s = g_new0(struct session, 1);

	s->opt = opt;
	overrides_init(&s->over, opt, &s->broken);
	s->prog = program_new();
	s->src = source_new(s->prog, file_name, NULL, NULL);
	s->parser = (struct parser){ .prog = s->prog, .interactive = true };
	s->parser.loose = program_ptrs(s->prog);
	s->setup = setup_new();
	s->names = names_new();
	s->text = g_string_new(NULL);
	s->said = g_array_new(FALSE, FALSE, sizeof(struct said));
	return s;
}

void session_tell(struct session *s, void (*told)(void *data, const char *text), void *data)
{
	s->told = told;
	s->told_data = data;
}

static void drop_run(struct session *s)
{
	run_free(s->run);
	s->run = NULL;
	names_drop_vms(s->names);
	g_clear_pointer(&s->board, board_config_free);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	drop_run(s);
	setup_free(s->setup);
	g_hash_table_unref(s->names);
	program_free(s->prog);
	g_string_free(s->text, TRUE);
	g_array_unref(s->said);
	g_clear_error(&s->broken);
	g_free(s);
}

void session_result_clear(struct session_result *res)
{
	g_free(res->error);
	g_free(res->text);
	g_free(res->value);
	g_strfreev(res->violations);
	*res = (struct session_result){ 0 };
}

struct machine *session_machine(struct session *s)
{
	return s->run ? s->run->m : NULL;
}

char **session_names(struct session *s)
{
	struct board_config *b = s->board ? NULL : setup_board(s->setup, s->src->name, NULL);
	const struct board_config *at = s->board ? s->board : b;
	GPtrArray *all = g_ptr_array_new();
	GList *names = g_list_sort(g_hash_table_get_keys(s->names), (GCompareFunc)strcmp);

	for (guint i = 0; at && i < at->mmio->len; i++)
		g_ptr_array_add(all, g_strdup(g_array_index(at->mmio, struct mmio_window, i).name));
	for (GList *i = names; i; i = i->next)
		g_ptr_array_add(all, g_strdup(i->data));
	g_list_free(names);
	board_config_free(b);
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

/* ---- What a line gave ---------------------------------------------------------------------- */

static void say(struct session *s, const char *text)
{
	if (s->many && s->told)
		s->told(s->told_data, text);
	else if (s->texts++ < MAX_TEXTS_SAID)
		g_string_append_printf(s->text, "%s%s", s->text->len ? "\n" : "", text);
}

static void say_results(struct session *s)
{
	char *words;

	for (guint i = 0; i < s->said->len; i++) {
		struct said *one = &g_array_index(s->said, struct said, i);

		if (one->times > 1) {
			words = g_strdup_printf("%s (%" G_GUINT64_FORMAT " times)", one->words,
						one->times);
			g_free(one->words);
			one->words = words;
		}
		say(s, one->words);
		g_free(one->words);
	}
	g_array_set_size(s->said, 0);
	if (s->unsaid) {
		words = g_strdup_printf("... and %" G_GUINT64_FORMAT " results more", s->unsaid);
		say(s, words);
		g_free(words);
	}
	s->unsaid = 0;
}

/* A result in a block: said when something else is, or at the end. */
static void keep_result(struct session *s, const struct report_line *l)
{
	struct said new = { .line = l->line, .times = 1 };

	new.words = g_strdup_printf("%s:%u: %s: %s", l->file, l->line, l->text, l->got);
	for (guint i = s->said->len; i; i--) {
		struct said *one = &g_array_index(s->said, struct said, i - 1);

		if (one->line == l->line && !strcmp(one->words, new.words)) {
			one->times++;
			g_free(new.words);
			return;
		}
	}
	if (s->said->len < MAX_RESULTS_SAID) {
		g_array_append_val(s->said, new);
		return;
	}
	s->unsaid++;
	g_free(new.words);
}

static void say_violations(struct session *s, const struct report_line *l)
{
	for (unsigned int i = 0; i < l->n_violations; i++) {
		char *words = report_violation_words(&l->violation[i], 78);

		say(s, words);
		g_free(words);
	}
}

/* Every rule once, for the machine interface. */
static void take_violations(struct session_result *res, const struct report_line *l)
{
	char *rules = report_rules_words(l->violation, l->n_violations);

	g_strfreev(res->violations);
	res->violations = g_strsplit(rules, ", ", -1);
	g_free(rules);
}

static void say_failure(struct session *s, const struct report_line *l)
{
	char *head = g_strdup_printf("%s:%u: FAIL: %s", l->file, l->line, l->text);

	say(s, head);
	g_free(head);
	head = g_strdup_printf("expected %s\ngot      %s", l->expected, l->got);
	say(s, head);
	g_free(head);
	say_violations(s, l);
	for (unsigned int i = 0; l->diag && l->diag[i]; i++)
		say(s, l->diag[i]);
}

static void take_line(void *data, const struct report_line *l)
{
	struct session *s = data;
	struct session_result *res = s->res;

	if (l->verdict == VERDICT_FAIL || res->verdict == VERDICT_PASS)
		res->verdict = l->verdict;
	if (l->kind == LINE_ACTION || l->kind == LINE_EXPECT) {
		res->is_action = l->kind == LINE_ACTION;
		res->outcome = l->outcome;
		take_violations(res, l);
		g_free(res->value);
		res->value = l->kind == LINE_ACTION
				     ? value_decimal(outcome_value(&l->outcome))
				     : g_strdup(l->verdict == VERDICT_PASS ? "1" : "0");
	}
	if (l->verdict == VERDICT_FAIL || l->output || l->n_violations)
		say_results(s);
	if (l->verdict == VERDICT_FAIL)
		say_failure(s, l);
	else if (l->output)
		say(s, l->output);
	else if (s->many)
		keep_result(s, l);
	else
		say(s, l->got);
	if (l->verdict == VERDICT_FAIL || !l->n_violations)
		return;
	say_results(s);
	say_violations(s, l);
}

/* ---- The run --------------------------------------------------------------------------------- */

static bool cannot_run(struct session *s, const struct stmt *st, const char *why, GError **error)
{
	return script_fail(error, st->line, st->off, NULL, "this set-up does not run: %s", why);
}

static bool need_run(struct session *s, const struct stmt *st, GError **error)
{
	const struct patch *patch;
	struct el2_config *config;
	unsigned int *pick;
	u8 base[N_KNOBS];
	char *skip = NULL;
	const char *why;
	GArray *axes;
	bool ok;

	if (s->run)
		return true;
	s->board = setup_board(s->setup, s->src->name, error);
	if (!s->board)
		return false;
	/* of a matrix the first combination */
	axes = matrix_axes(s->setup, &s->over);
	pick = g_new0(unsigned int, axes->len + 1);
	config = matrix_config(s->setup, &s->over, axes, pick, &patch, base);
	g_array_unref(axes);
	g_free(pick);
	s->run = run_new(s->opt, s->setup, s->board, config, g_hash_table_ref(s->names));
	s->run->told = take_line;
	s->run->told_data = s;
	s->run->interactive = true;
	if (!el2_config_possible(config, &why))
		ok = cannot_run(s, st, why, error);
	else
		ok = run_requirements(s->run, &skip, error) &&
		     (!skip || cannot_run(s, st, skip, error));
	g_free(skip);
	if (!ok)
		drop_run(s);
	return ok;
}

/* Set-up is added to what stands, and taken back if it does not fit. */
static bool add_setup(struct session *s, GPtrArray *stmts, unsigned int n, GError **error)
{
	const struct stmt *first = stmts->pdata[0];
	struct setup *tried;
	struct board_config *b;

	if (session_machine(s))
		return script_fail(error, first->line, first->off, NULL,
				   "set-up is over: `reset` throws the machine away");
	drop_run(s);
	tried = setup_copy(s->setup);
	if (!setup_collect(tried, stmts, n, s->names, error)) {
		setup_free(tried);
		return false;
	}
	/* without RAM it is not whole yet */
	if (!tried->no_ram || tried->ram->len) {
		b = setup_board(tried, s->src->name, error);
		if (!b) {
			setup_free(tried);
			return false;
		}
		board_config_free(b);
	}
	setup_free(s->setup);
	s->setup = tried;
	return true;
}

static bool is_setup_stmt(const struct stmt *st)
{
	return is_setup(st->id) || st->sets_up;
}

static bool do_statement(struct session *s, const struct stmt *st, GError **error)
{
	const struct value *v;
	GPtrArray *one;
	bool ok;

	if (st->id == CMD_RESET) {
		drop_run(s);
		return true;
	}
	if (is_setup_stmt(st)) {
		one = g_ptr_array_new();
		g_ptr_array_add(one, (void *)st);
		ok = add_setup(s, one, 1, error);
		g_ptr_array_unref(one);
		return ok;
	}
	if (!need_run(s, st, error) || !run_statement(s->run, st, error))
		return false;
	v = st->id == CMD_LET ? g_hash_table_lookup(s->names, st->word) : NULL;
	if (v) {
		g_free(s->res->value);
		s->res->value = value_decimal(*v);
	}
	return true;
}

static char *got_with_rules(struct run *r)
{
	char *got = outcome_got(r, &r->last), *rules = watch_rules(r);
	char *both = g_strconcat(got, rules[0] ? ", violation " : "", rules, NULL);

	g_free(got);
	g_free(rules);
	return both;
}

/* A `=>` line: judges the last action. */
static bool judge_last(struct session *s, GError **error)
{
	const struct expectation *x = s->parser.loose->pdata[0];
	struct judgement j = { .verdict = VERDICT_PASS };
	struct run *r = s->run;
	char *got;
	bool ok;

	if (!r || !r->has_last)
		return script_fail(error, x->line, 0, NULL, "no action has given a result yet");
	ok = judge(r, s->parser.loose, &r->last, &j, error);
	got = got_with_rules(r);
	s->res->verdict = j.verdict;
	s->res->value = g_strdup(j.verdict == VERDICT_PASS ? "1" : "0");
	if (ok && j.verdict == VERDICT_FAIL)
		g_string_append_printf(s->text, "FAIL\nexpected %s\ngot      %s", j.expected, got);
	else if (ok)
		say(s, "as expected");
	g_free(got);
	g_free(j.expected);
	return ok;
}

static void begin(struct session *s, struct session_result *res)
{
	*res = (struct session_result){ .understood = true, .verdict = VERDICT_PASS };
	s->res = res;
	s->texts = 0;
	s->many = false;
	g_string_truncate(s->text, 0);
	g_ptr_array_set_size(s->parser.loose, 0);
}

/* A failed line or Ctrl-C ends what ran, never the session. */
static bool finish(struct session *s, GError *e)
{
	s->res->understood = !e;
	s->res->error = e ? g_strdup(e->message) : NULL;
	g_clear_error(&e);
	say_results(s);
	if (s->texts > MAX_TEXTS_SAID)
		g_string_append_printf(s->text, "\n... and %" G_GUINT64_FORMAT " lines more",
				       s->texts - MAX_TEXTS_SAID);
	s->res->text = g_strdup(s->text->str);
	if (s->run) {
		s->run->failed = s->run->finished = s->run->interrupted = false;
		s->run->statements = 0;
		s->run->interactive = true;
		s->run->ctx.may_page = false;
	}
	/* Ctrl-C at the last event of an action stopped nothing: nor may it stop the next */
	if (session_machine(s))
		board_limit_steps(s->run->m->board, s->opt->steps);
	if (s->opt->stop)
		*s->opt->stop = false;
	return s->res->understood;
}

void session_line(struct session *s, const char *line, struct session_result *res, bool *more)
{
	guint had = s->prog->stmt->len;
	unsigned int blocks = s->parser.n_blocks;
	GError *e = s->broken ? g_error_copy(s->broken) : NULL;

	begin(s, res);
	*more = false;
	if (!e && !parse_source_line(&s->parser, s->src, ++s->line_no, line, strlen(line), &e)) {
		/* a file that was half read leaves nothing */
		g_ptr_array_set_size(s->prog->stmt, (gint)MIN(had, s->prog->stmt->len));
		s->parser.n_blocks = MIN(blocks, s->parser.n_blocks);
	}
	*more = s->parser.n_blocks > 0;
	if (!*more) {
		s->parser.last = NULL;
		s->many = blocks > 0 || s->prog->stmt->len > had + 1;
		had = MIN(had, blocks ? s->block_start : had);
		if (!e && s->parser.loose->len)
			judge_last(s, &e);
		for (guint i = had; !e && i < s->prog->stmt->len; i++) {
			do_statement(s, s->prog->stmt->pdata[i], &e);
			if (s->run && s->run->finished)
				break;
		}
	} else if (!blocks) {
		s->block_start = had;
	}
	finish(s, e);
}

bool session_file(struct session *s, const char *path, struct session_result *res)
{
	struct parser ps = { .prog = s->prog };
	GPtrArray *stmts = g_ptr_array_new();
	GError *e = s->broken ? g_error_copy(s->broken) : NULL;
	guint had = s->prog->stmt->len;
	unsigned int n_setup = 0;

	begin(s, res);
	s->many = true;
	s->prog->n_setup = had;
	if (!e)
		parse_file(&ps, path, NULL, &e);
	for (guint i = had; i < s->prog->stmt->len; i++)
		g_ptr_array_add(stmts, s->prog->stmt->pdata[i]);
	if (!e) {
		n_setup = s->prog->n_setup - had;
		if (n_setup)
			add_setup(s, stmts, n_setup, &e);
	} else {
		g_ptr_array_set_size(s->prog->stmt, (gint)had);
	}
	if (!e && stmts->len && need_run(s, stmts->pdata[0], &e)) {
		s->run->interactive = false;
		run_statements(s->run, stmts, n_setup, &e);
	}
	g_ptr_array_unref(stmts);
	return finish(s, e);
}
