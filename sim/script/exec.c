// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One run: statements in order on one machine, every line told to whoever
 * reports. Loops are lazy; what does not end runs out of steps.
 */
#include "script_private.h"

/* ---- Events of the last action ---------------------------------------------------------------- */

/*
 * Events and their counts are the last action's until the next one causes some, so
 * that its arguments, which are evaluated first, still see them.
 */
void recorder_begin(struct recorder *rec)
{
	rec->begun = true;
	rec->next.n = rec->ring.n;
	memcpy(rec->next.count, rec->ring.count, sizeof(rec->next.count));
}

void recorder_end(struct recorder *rec)
{
	if (rec->begun)
		rec->first = rec->next;
	rec->begun = false;
}

/* The last action is the one that has begun, if it has caused any event. */
static void settle(struct recorder *rec)
{
	if (rec->ring.n != rec->next.n)
		recorder_end(rec);
}

u64 recorder_count(struct recorder *rec, enum event_kind kind)
{
	settle(rec);
	return rec->ring.count[kind] - rec->first.count[kind];
}

/* Where somebody reads along or may interrupt. */
static void recorder_event(void *data, const struct event *ev)
{
	struct recorder *rec = data;

	if (rec->trace) {
		g_string_truncate(rec->text, 0);
		trace_line(rec->text, ev);
		g_string_append_c(rec->text, '\n');
		fputs(rec->text->str, rec->trace);
	}
	/* Ctrl-C: the next step is one too many */
	if (rec->stop && *rec->stop)
		board_limit_steps(rec->board, 1);
}

static GArray *last_events(const struct recorder *rec, u64 from, unsigned int max, bool calls)
{
	GArray *last = g_array_new(FALSE, FALSE, sizeof(struct event));
	const u64 n = rec->ring.n;
	u64 at = n;

	from = MAX(from, n > RING_EVENTS ? n - RING_EVENTS : 0);
	for (unsigned int left = max; at > from && left; at--)
		left -= calls || rec->ev[(at - 1) % RING_EVENTS].kind <= EV_PANIC;
	for (; at < n; at++) {
		const struct event *ev = &rec->ev[at % RING_EVENTS];

		if (calls || ev->kind <= EV_PANIC)
			g_array_append_val(last, *ev);
	}
	return last;
}

GArray *recorder_of_run(const struct recorder *rec, unsigned int max)
{
	return last_events(rec, 0, max, false);
}

GArray *recorder_of_action(struct recorder *rec, unsigned int max)
{
	settle(rec);
	return last_events(rec, rec->first.n, max, true);
}

struct recorder *recorder_new(FILE *trace, volatile bool *stop)
{
	struct recorder *rec = g_new0(struct recorder, 1);

	rec->ring.ev = rec->ev;
	rec->ring.mask = RING_EVENTS - 1;
	rec->trace = trace;
	rec->stop = stop;
	rec->text = g_string_new(NULL);
	return rec;
}

void recorder_free(struct recorder *rec)
{
	g_string_free(rec->text, TRUE);
	g_free(rec);
}

void recorder_attach(struct recorder *rec, struct board *b)
{
	rec->board = b;
	board_keep_events(b, &rec->ring);
	if (rec->trace || rec->stop)
		board_subscribe(b, recorder_event, rec);
}

void recorder_detach(struct recorder *rec)
{
	board_keep_events(rec->board, NULL);
	board_unsubscribe(rec->board, recorder_event, rec);
}

/* ---- A run --------------------------------------------------------------------------------------- */

struct run *run_new(const struct run_options *opt, const struct setup *setup,
		    const struct board_config *board, struct el2_config *config, GHashTable *names)
{
	struct run *r = g_new0(struct run, 1);

	r->opt = opt;
	r->setup = setup;
	r->board = board;
	r->config = config;
	r->ctx = (struct context){ .names = names, .board = board, .run = r };
	r->rec = recorder_new(opt->trace, opt->stop);
	r->passed = g_array_new(FALSE, FALSE, sizeof(u64));
	r->broken = g_array_new(FALSE, FALSE, sizeof(struct violation));
	return r;
}

void run_free(struct run *r)
{
	if (!r)
		return;
	oracle_free(r->oracle);
	machine_free(r->m);
	el2_config_free(r->config);
	g_hash_table_unref(r->ctx.names);
	recorder_free(r->rec);
	g_array_unref(r->passed);
	g_array_unref(r->broken);
	g_free(r);
}

/* What the machine refuses is the set-up's fault: point there if it can be told. */
static bool machine_error(const struct run *r, const struct line *l, u32 off, const GError *e,
			  GError **error)
{
	const struct setup *s = r->setup;
	const struct stmt *st = s->hyp_image_stmt ? s->hyp_image_stmt : s->hyp_memory_stmt;

	if (st)
		return script_fail(error, st->line, st->arg[0]->off, NULL, "%s", e->message);
	return script_fail(error, l, off, NULL, "the machine cannot be made: %s", e->message);
}

struct machine *run_machine(struct run *r, const struct line *l, u32 off, GError **error)
{
	GError *e = NULL;

	if (r->m)
		return r->m;
	r->m = machine_new(r->board, r->config, r->opt->hyp, &e);
	if (!r->m) {
		machine_error(r, l, off, e, error);
		g_error_free(e);
		return NULL;
	}
	if (!watch_start(r, l, off, error)) {
		machine_free(r->m);
		r->m = NULL;
		return NULL;
	}
	board_choose_seed(r->m->board, r->opt->seed);
	board_limit_steps(r->m->board, r->opt->steps);
	recorder_attach(r->rec, r->m->board);
	return r->m;
}

/* ---- Telling -------------------------------------------------------------------------------------- */

char *stmt_text(const struct stmt *st)
{
	const struct line *l = st->line;
	u32 from = 0;

	while (from < l->end && is_blank(l->text[from]))
		from++;
	return g_strndup(l->text + from, l->end - from);
}

/* CPUs that are locked up: which waits for what, and who has it from where. */
static void who_waits(const struct run *r, GPtrArray *lines)
{
	const struct board *b = r->m->board;

	for (unsigned int i = 0; i < b->n_cpus; i++) {
		const struct spinlock *l = b->cpus[i].waits;

		if (l && l->holder >= 0)
			g_ptr_array_add(
				lines, g_strdup_printf("CPU %u waits for %s, which CPU %d took in "
						       "%s()",
						       i, l->name, l->holder, l->fn ? l->fn : "?"));
	}
}

/* The last ten events of the run and what a panic printed, line by line. */
static char **diagnosis(struct run *r, const struct outcome *o)
{
	GPtrArray *lines = g_ptr_array_new();
	GArray *last = recorder_of_run(r->rec, 10);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < last->len; i++) {
		g_string_truncate(text, 0);
		trace_line(text, &g_array_index(last, struct event, i));
		g_ptr_array_add(lines, g_strdup(text->str));
	}
	if (o && o->kind == OUTCOME_HANG)
		who_waits(r, lines);
	if (o && o->kind == OUTCOME_PANIC) {
		char *panic = report_panic(r->m->hyp->panic(r->m->el2));
		char **split = g_strsplit(panic, "\n", -1);

		for (unsigned int i = 0; split[i]; i++)
			if (*split[i])
				g_ptr_array_add(lines, g_strdup(split[i]));
		g_strfreev(split);
		g_free(panic);
	}
	g_string_free(text, TRUE);
	g_array_unref(last);
	g_ptr_array_add(lines, NULL);
	return (char **)g_ptr_array_free(lines, FALSE);
}

void run_tell(struct run *r, const struct stmt *st, struct report_line *l)
{
	char *text = stmt_text(st);
	char **diag = NULL;

	l->file = st->line->src->name;
	l->line = st->line->no;
	l->text = text;
	if (l->verdict == VERDICT_FAIL) {
		r->failed = true;
		r->finished |= !r->opt->keep_going || l->outcome.kind == OUTCOME_GAVE_UP;
		diag = diagnosis(r, l->kind == LINE_ACTION ? &l->outcome : NULL);
		l->diag = (const char *const *)diag;
	}
	if (r->told)
		r->told(r->told_data, l);
	g_strfreev(diag);
	g_free(text);
}

/* ---- Statements ------------------------------------------------------------------------------------- */

/* @words, which it frees, and what the oracle says. */
static char *with_rules(char *words, const char *separator, const struct report_line *l)
{
	g_autofree char *rules = report_rules_words(l->violation, l->n_violations);
	char *both = g_strconcat(words, rules[0] ? separator : "", rules, NULL);

	g_free(words);
	return both;
}

static bool exec_action(struct run *r, const struct stmt *st, GError **error)
{
	struct report_line l = { .kind = LINE_ACTION };
	struct judgement j = { .verdict = VERDICT_PASS };
	GString *words = g_string_new(NULL);
	struct report_violation *v = NULL;
	char *got = NULL, *cell = NULL;
	unsigned int n = 0;
	bool ok;

	ok = (!r->before || r->before(r->before_data, r, st, error)) &&
	     action_run(r, st, &l.outcome, words, error);
	if (ok && st == r->last_act)
		watch_finish(r, false);
	l.judged = !r->interactive || st->expect->len || l.outcome.kind == OUTCOME_GAVE_UP;
	if (ok && l.judged)
		ok = judge(r, st->expect, &l.outcome, &j, error);
	else if (ok && l.outcome.kind == OUTCOME_NOT_RUN)
		j.verdict = VERDICT_NOT_RUN;
	if (ok) {
		l.verdict = j.verdict;
		l.expected = j.expected;
		l.violation = v = watch_violations(r, j.by, &n);
		l.n_violations = l.outcome.kind == OUTCOME_NOT_RUN ? 0 : n;
		l.got = got = with_rules(outcome_got(r, &l.outcome), ", violation ", &l);
		l.cell = cell = with_rules(outcome_cell(&l.outcome), ", ", &l);
		if (r->recording)
			record_action(r->recording, words->str, &l.outcome, v, l.n_violations);
		run_tell(r, st, &l);
	}
	watch_violations_free(v, n);
	g_free(got);
	g_free(cell);
	g_free(j.expected);
	g_string_free(words, TRUE);
	return ok;
}

bool run_sides(struct run *r, const struct expr *e, const struct expr *all, GString *out,
	       GError **error)
{
	struct value v;
	char *words;

	if (e->op == OP_NUMBER || e->op == OP_WORD ||
	    (e->op == OP_NEG && e->kid[0]->op == OP_NUMBER))
		return true;
	if (e->op >= OP_NOT && e->op <= OP_GT) {
		for (unsigned int i = 0; i < e->n; i++)
			if (!run_sides(r, e->kid[i], all, out, error))
				return false;
		return true;
	}
	if (!expr_eval(e, &r->ctx, &v, error))
		return false;
	words = value_words_beside(v, all);
	g_string_append_printf(out, "%s%.*s = %s", out->len ? ", " : "", (int)(e->end - e->off),
			       e->line->text + e->off, words);
	g_free(words);
	return true;
}

/* What a table shows: the left side of a comparison, else true or false. */
static char *expect_cell(struct run *r, const struct expr *e, bool holds)
{
	struct value v;

	if (e->op < OP_EQ || e->op > OP_GT || !expr_eval(e->kid[0], &r->ctx, &v, NULL))
		return g_strdup(holds ? "true" : "false");
	return value_words_beside(v, e);
}

static bool exec_expect(struct run *r, const struct stmt *st, GError **error)
{
	struct report_line l = { .kind = LINE_EXPECT, .judged = true };
	const struct expr *e = st->arg[0];
	GString *got = g_string_new(NULL);
	char *expected = NULL, *cell = NULL;
	__int128 holds = 0;
	bool ok;

	if (!conds_hold(st->cond, r->config)) {
		g_string_free(got, TRUE);
		return true;
	}
	ok = expr_number(e, &r->ctx, &holds, error);
	if (ok && !holds) {
		/* sides that the expression itself did not reach may not be there to read */
		if (!run_sides(r, e, e, got, NULL) || !got->len)
			g_string_append(got, got->len ? ", ..." : "0");
	}
	if (ok) {
		l.verdict = holds ? VERDICT_PASS : VERDICT_FAIL;
		l.expected = expected = g_strndup(e->line->text + e->off, e->end - e->off);
		l.got = holds ? "true" : got->str;
		l.cell = cell = expect_cell(r, e, holds);
		if (holds && r->recording)
			record_text(r->recording, "expect", expected);
		run_tell(r, st, &l);
	}
	g_free(expected);
	g_free(cell);
	g_string_free(got, TRUE);
	return ok;
}

static bool exec_let(struct run *r, const struct stmt *st, GError **error)
{
	struct value v;
	bool ok;

	if (!name_bindable(st->line, st->word_off, st->word, r->board, error))
		return false;
	r->ctx.may_page = true;
	ok = expr_eval(st->arg[0], &r->ctx, &v, error);
	r->ctx.may_page = false;
	if (!ok)
		return false;
	names_set(r->ctx.names, st->word, v);
	if (r->recording)
		record_let(r->recording, st->word, v);
	return true;
}

static bool exec_echo(struct run *r, const struct stmt *st, GError **error)
{
	struct report_line l = { .kind = LINE_ECHO, .output = st->word };

	if (r->recording)
		record_quoted(r->recording, "echo", st->word);
	run_tell(r, st, &l);
	return true;
}

/* Words of `show`: names that stand for numbers are replaced by them. */
static bool show_words(struct run *r, const struct stmt *st, GPtrArray *words, GError **error)
{
	for (guint i = 1; i < st->words->len; i++) {
		const struct expr *e = st->show[i];
		struct value v = { .word = st->words->pdata[i] };

		if (e && e->op != OP_NUMBER && e->op != OP_WORD &&
		    !expr_eval(e, &r->ctx, &v, e->op == OP_NAME ? NULL : error) && e->op != OP_NAME)
			return false;
		g_ptr_array_add(words,
				v.word ? g_strdup(v.word)
				       : g_strdup_printf("0x%" G_GINT64_MODIFIER "x", (u64)v.n));
	}
	return true;
}

static bool exec_show(struct run *r, const struct stmt *st, GError **error)
{
	struct report_line l = { .kind = LINE_SHOW };
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	struct machine *m = run_machine(r, st->line, st->off, error);
	GError *e = NULL;
	char *text = NULL;
	GArray *last;

	if (m && show_words(r, st, words, error)) {
		last = recorder_of_action(r->rec, RING_EVENTS);
		text = show_render(m, st->words->pdata[0], (const char *const *)words->pdata,
				   words->len, (const struct event *)last->data, last->len, &e);
		g_array_unref(last);
		if (!text)
			script_fail(error, st->line, st->words_off[0], NULL, "%s", e->message);
	}
	if (text) {
		if (r->recording)
			record_show(r->recording, st->words->pdata[0], words);
		l.output = text;
		run_tell(r, st, &l);
	}
	g_clear_error(&e);
	g_ptr_array_unref(words);
	g_free(text);
	return text;
}

static bool exec_repeat(struct run *r, const struct stmt *st, GError **error)
{
	struct value *had = NULL;
	bool ok = true;
	u64 n;

	if (!expr_u64(st->arg[0], &r->ctx, "a count", &n, error))
		return false;
	if (st->word) {
		if (!name_bindable(st->line, st->word_off, st->word, r->board, error))
			return false;
		had = g_hash_table_lookup(r->ctx.names, st->word);
		had = had ? g_memdup2(had, sizeof(*had)) : NULL;
	}
	for (u64 i = 0; ok && i < n && !r->finished; i++) {
		if (st->word) {
			names_set(r->ctx.names, st->word, number(i));
			if (r->recording)
				record_let(r->recording, st->word, number(i));
		}
		ok = run_statements(r, st->body, 0, error) && run_steps(r, st);
	}
	if (had) {
		names_set(r->ctx.names, st->word, *had);
		if (r->recording)
			record_let(r->recording, st->word, *had);
	} else if (st->word) {
		g_hash_table_remove(r->ctx.names, st->word);
	}
	g_free(had);
	return ok;
}

/* Counts a statement or a turn of a loop; says so when it is one too many. */
bool run_steps(struct run *r, const struct stmt *st)
{
	struct report_line l = { .kind = LINE_ACTION, .judged = true, .verdict = VERDICT_FAIL };
	bool stop = r->opt->stop && *r->opt->stop;
	char *got;

	r->statements++;
	if (r->finished || (!stop && (!r->opt->steps || r->statements <= r->opt->steps)))
		return true;
	l.outcome.kind = OUTCOME_GAVE_UP;
	r->interrupted |= stop;
	l.got = got = outcome_got(r, &l.outcome);
	l.expected = "an end";
	l.cell = outcome_name[OUTCOME_GAVE_UP];
	run_tell(r, st, &l);
	g_free(got);
	return true;
}

bool run_statement(struct run *r, const struct stmt *st, GError **error)
{
	if (is_action(st->id))
		return exec_action(r, st, error);
	switch (st->id) {
	case CMD_EXPECT:
		return exec_expect(r, st, error);
	case CMD_LET:
		return exec_let(r, st, error);
	case CMD_ECHO:
		return exec_echo(r, st, error);
	case CMD_SHOW:
		return exec_show(r, st, error);
	case CMD_REPEAT:
		return st->sets_up || exec_repeat(r, st, error);
	case CMD_PARALLEL:
	case CMD_EXPLORE:
		return exec_block(r, st, error);
	default:
		return true; /* set-up was applied when the run was made */
	}
}

bool run_statements(struct run *r, GPtrArray *stmts, unsigned int n_setup, GError **error)
{
	for (guint i = 0; i < stmts->len && !r->finished; i++) {
		const struct stmt *st = stmts->pdata[i];

		/* of the set-up's lines only what prints is left to do */
		if (i < n_setup && st->id != CMD_ECHO)
			continue;
		run_steps(r, st);
		if (!r->finished && !run_statement(r, st, error))
			return false;
	}
	return true;
}

void run_end(struct run *r, GPtrArray *stmts)
{
	struct report_line l = { .kind = LINE_ACTION, .judged = true, .verdict = VERDICT_FAIL };
	struct report_violation *v;
	unsigned int n;

	if (r->finished || r->last_act || !stmts->len || (r->m && r->m->dead))
		return;
	watch_finish(r, true);
	l.violation = v = watch_violations(r, NULL, &n);
	l.n_violations = n;
	l.expected = "an end without a violation";
	if (n) {
		char *got = with_rules(g_strdup("the end of the run"), ", violation ", &l);

		l.got = l.cell = got;
		run_tell(r, stmts->pdata[stmts->len - 1], &l);
		g_free(got);
	}
	watch_violations_free(v, n);
}

/*
 * What `requires` asks for: *@skip says why this run cannot have it. A name that
 * no release has is the file's error.
 */
bool run_requirements(struct run *r, char **skip, GError **error)
{
	GPtrArray *requires = r->setup->requires;
	bool ambiguous;

	for (guint i = 0; i < requires->len && !*skip; i++) {
		const struct stmt *st = requires->pdata[i];
		struct nearest near;

		if (st->cond) {
			if (!conds_hold(st->cond, r->config))
				*skip = stmt_text(st);
			continue;
		}
		if (!run_machine(r, st->line, st->off, error))
			return false;
		if (run_find_call(r, st->word, &ambiguous))
			continue;
		nearest_init(&near, call_bare(st->word));
		known_calls_try(&near, true);
		known_calls_try(&near, false);
		if (!known_hypercall(st->word) && !known_el2_call(st->word))
			return script_fail(error, st->line, st->word_off, near.best,
					   "no release has a call `%s`", st->word);
		*skip = g_strdup_printf("this EL2 has no %s", st->word);
	}
	return true;
}
