// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What many runs of a block came to: the results of each line, final states, which rules
 * were broken, and what always, never and sometimes say of them.
 */
#include "block.h"

/* ---- Making one -------------------------------------------------------------------------- */

static void state_free(gpointer data)
{
	struct tally_state *s = data;

	g_free(s->text);
	g_free(s);
}

static u64 rule_bit(const char *name)
{
	enum rule_id id = RULE_SPEC;

	sim_assert(model_rule_find(name, &id));
	return SHOWS_RULE(id);
}

void tally_init(struct tally *t, struct block *k)
{
	GPtrArray *clauses = k->st->clauses;

	*t = (struct tally){ .k = k };
	t->states = g_hash_table_new(g_int64_hash, g_int64_equal);
	t->state = g_ptr_array_new_with_free_func(state_free);
	for (unsigned int i = 0; i < k->n; i++) {
		t->line[i].out = g_array_new(FALSE, FALSE, sizeof(struct outcome));
		t->line[i].passes = g_array_new(FALSE, FALSE, sizeof(bool));
	}
	for (guint i = 0; i < clauses->len; i++) {
		const struct stmt *c = clauses->pdata[i];

		if (!conds_hold(c->cond, k->r->config))
			continue;
		if (t->n_clauses == BLOCK_MAX_CLAUSES) {
			script_fail(&t->error, c->line, c->off, NULL,
				    "more than %u of these after a block", BLOCK_MAX_CLAUSES);
			break;
		}
		t->clause[t->n_clauses++] = c;
		if (c->word && c->id == CMD_SOMETIMES)
			t->excused |= rule_bit(c->word);
	}
}

static void tally_breach_clear(struct tally_breach *b)
{
	g_free(b->text);
	g_free(b->before);
	g_free(b->after);
	g_free(b->allowed);
	g_free(b->event);
}

void tally_clear(struct tally *t)
{
	for (unsigned int i = 0; i < t->k->n; i++) {
		g_array_unref(t->line[i].out);
		g_array_unref(t->line[i].passes);
		g_free(t->line[i].expected);
	}
	for (unsigned int i = 0; i < N_RULES; i++)
		tally_breach_clear(&t->breach[i]);
	g_hash_table_unref(t->states);
	g_ptr_array_unref(t->state);
	g_clear_error(&t->error);
}

/* ---- A run ------------------------------------------------------------------------------- */

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->value == b->value && a->is_signed == b->is_signed;
}

void tally_line_add(struct tally_line *l, const struct outcome *out, bool passes)
{
	for (guint n = 0; n < l->out->len; n++)
		if (same_outcome(&g_array_index(l->out, struct outcome, n), out))
			return;
	g_array_append_vals(l->out, out, 1);
	g_array_append_val(l->passes, passes);
}

/* Is what the line gave what it must give? The same is not asked twice. */
static bool line_passes(struct tally *t, unsigned int i)
{
	const struct outcome *out = &t->k->line[i].out;
	struct tally_line *l = &t->line[i];
	struct judgement j = { .verdict = VERDICT_PASS };
	bool passes;

	for (guint n = 0; n < l->out->len; n++)
		if (same_outcome(&g_array_index(l->out, struct outcome, n), out))
			return g_array_index(l->passes, bool, n);
	if (!judge(t->k->r, t->k->line[i].st->expect, out, &j, t->error ? NULL : &t->error))
		j.verdict = VERDICT_FAIL;
	passes = j.verdict != VERDICT_FAIL;
	tally_line_add(l, out, passes);
	if (!l->expected)
		l->expected = g_steal_pointer(&j.expected);
	g_free(j.expected);
	return passes;
}

static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ (h >> 29);
}

/* The values in an expression, which tell states apart, and its own. */
static u64 hash_values(struct tally *t, const struct expr *e, u64 h)
{
	struct value v;

	if (e->op >= OP_NOT && e->op <= OP_GT) {
		for (unsigned int i = 0; i < e->n; i++)
			h = hash_values(t, e->kid[i], h);
		return h;
	}
	if (e->op == OP_NUMBER || e->op == OP_WORD)
		return h;
	if (!expr_eval(e, &t->k->r->ctx, &v, NULL))
		return mix(h, 1);
	return mix(h, v.word ? g_str_hash(v.word) : (u64)v.n);
}

static u64 clauses_shown(struct tally *t, u64 shows)
{
	u64 shown = 0;

	for (unsigned int i = 0; i < t->n_clauses; i++) {
		const struct stmt *c = t->clause[i];
		__int128 holds = 0;

		if (c->word) {
			holds = shows & rule_bit(c->word) ? 1 : 0;
		} else if (!expr_number(c->arg[0], &t->k->r->ctx, &holds,
					t->error ? NULL : &t->error)) {
			continue;
		}
		/* of what must always be, a run shows that it is not */
		if (!!holds != (c->id == CMD_ALWAYS))
			shown |= SHOWS_CLAUSE(i);
	}
	return shown;
}

/* Of several the first in the order of their words, whatever order they were found in. */
void tally_keep_breach(struct tally_breach *b, struct tally_breach *more)
{
	int order = b->text ? strcmp(more->text, b->text) : -1;

	if (!order)
		order = strcmp(more->event, b->event);
	if (order < 0) {
		tally_breach_clear(b);
		*b = *more;
	} else {
		tally_breach_clear(more);
	}
}

static void keep_breach(struct tally_breach *b, const struct violation *v)
{
	GString *event = g_string_new(NULL);
	struct tally_breach more;

	if (v->event.seq)
		trace_line(event, &v->event);
	more = (struct tally_breach){ .text = g_strdup(v->text),
				      .before = g_strdup(v->before),
				      .after = g_strdup(v->after),
				      .allowed = g_strdup(v->allowed),
				      .event = g_string_free(event, FALSE),
				      .has_page = v->has_page,
				      .page = v->page };
	tally_keep_breach(b, &more);
}

static u64 rules_shown(struct tally *t)
{
	const struct block *k = t->k;
	u64 shown = 0;

	for (unsigned int i = 0; i < k->n_violations; i++) {
		const struct violation *v = &k->violation[i];

		keep_breach(&t->breach[v->rule], v);
		shown |= SHOWS_RULE(v->rule);
	}
	return shown;
}

/* "0:host_share_hyp=0; 1:host read=abort; owner(p)=host; stale-tlb;" */
static char *state_text(const struct tally *t, u64 shows)
{
	GString *out = g_string_new(NULL);

	for (unsigned int i = 0; i < t->k->n; i++) {
		char *words = report_outcome_words(&t->k->line[i].out, NULL);

		block_line_name(&t->k->line[i], out);
		g_string_append_printf(out, "=%s; ", words);
		g_free(words);
	}
	for (unsigned int i = 0; i < t->n_clauses; i++) {
		const struct expr *e = t->clause[i]->arg[0];
		GString *sides = g_string_new(NULL);

		if (e && run_sides(t->k->r, e, e, sides, NULL) && sides->len &&
		    !strstr(out->str, sides->str))
			g_string_append_printf(out, "%s; ", sides->str);
		g_string_free(sides, TRUE);
	}
	for (unsigned int i = 0; i < N_RULES; i++)
		if (shows & SHOWS_RULE(i))
			g_string_append_printf(out, "%s; ", model_rules[i].name);
	if (out->len)
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}

struct tally_state *tally_state(struct tally *t, u64 key)
{
	struct tally_state *s = g_hash_table_lookup(t->states, &key);

	if (s)
		return s;
	s = g_new0(struct tally_state, 1);
	s->key = key;
	g_hash_table_insert(t->states, &s->key, s);
	g_ptr_array_add(t->state, s);
	return s;
}

static void count_state(struct tally *t, u64 shows)
{
	u64 key = mix(t->k->digest, shows);
	struct tally_state *s;

	for (unsigned int i = 0; i < t->k->n; i++)
		key = mix(mix(key, t->k->line[i].out.kind), t->k->line[i].out.value);
	for (unsigned int i = 0; i < t->n_clauses; i++)
		if (t->clause[i]->arg[0])
			key = hash_values(t, t->clause[i]->arg[0], key);
	s = tally_state(t, key);
	if (!s->text) {
		s->digest = t->k->digest;
		s->shows = shows;
		s->text = state_text(t, shows);
	}
	s->runs++;
}

u64 tally_run(struct tally *t)
{
	u64 shows = rules_shown(t);

	block_remember(t->k);
	for (unsigned int i = 0; i < t->k->n; i++)
		if (!line_passes(t, i))
			shows |= SHOWS_LINE(i);
	shows |= clauses_shown(t, shows);
	count_state(t, shows);
	for (u64 left = shows; left; left &= left - 1)
		t->count[__builtin_ctzll(left)]++;
	t->runs++;
	return shows;
}

/* ---- What it means ----------------------------------------------------------------------- */

static bool clause_fails(const struct tally *t, unsigned int i)
{
	const u64 shown = t->count[BLOCK_MAX_LINES + N_RULES + i];

	/* without the oracle rules are neither required nor forbidden */
	if (t->clause[i]->word && !t->k->r->oracle)
		return false;
	return t->clause[i]->id == CMD_SOMETIMES ? !shown : shown;
}

/* Runs in which what the clause is about is so. */
static u64 holds_in(const struct tally *t, unsigned int i)
{
	const u64 shown = t->count[BLOCK_MAX_LINES + N_RULES + i];

	return t->clause[i]->id == CMD_ALWAYS ? t->runs - shown : shown;
}

u64 tally_bad(const struct tally *t)
{
	u64 bad = 0;

	for (unsigned int i = 0; i < N_SHOWS; i++)
		if (t->count[i] && i < BLOCK_MAX_LINES + N_RULES && !(t->excused & BIT(i)))
			bad |= BIT(i);
	for (unsigned int i = 0; i < t->n_clauses; i++)
		if (t->clause[i]->id != CMD_SOMETIMES && clause_fails(t, i))
			bad |= SHOWS_CLAUSE(i);
	return bad;
}

u64 tally_witnesses(const struct tally *t)
{
	u64 seen = 0;

	for (unsigned int i = 0; i < t->n_clauses; i++) {
		const u64 shown = t->count[BLOCK_MAX_LINES + N_RULES + i];

		if (t->clause[i]->id == CMD_SOMETIMES && shown &&
		    (t->clause[i]->word || shown < t->runs))
			seen |= SHOWS_CLAUSE(i);
	}
	return seen;
}

char *tally_shown_words(const struct tally *t, unsigned int bit)
{
	const struct stmt *c;

	if (bit < BLOCK_MAX_LINES)
		return g_strdup_printf("line %u", t->k->line[bit].st->line->no);
	if (bit < BLOCK_MAX_LINES + N_RULES)
		return g_strdup_printf("violation %s", model_rules[bit - BLOCK_MAX_LINES].name);
	c = t->clause[bit - BLOCK_MAX_LINES - N_RULES];
	if (c->word)
		return g_strdup_printf("violation %s", c->word);
	return g_strdup_printf(c->id == CMD_ALWAYS ? "not (%.*s)" : "%.*s",
			       (int)(c->arg[0]->end - c->arg[0]->off),
			       c->line->text + c->arg[0]->off);
}

/* What it is about. */
static char *clause_words(const struct stmt *c)
{
	if (c->word)
		return g_strdup_printf("violation %s", c->word);
	return g_strndup(c->line->text + c->arg[0]->off, c->arg[0]->end - c->arg[0]->off);
}

/* ---- Telling: lines ---------------------------------------------------------------------- */

static gint by_outcome(gconstpointer a, gconstpointer b)
{
	const struct outcome *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->value > y->value ? 1 : -(x->value < y->value);
}

/* "0 or -EPERM": in the same order, whatever order they were found in. */
static char *outcomes_words(const struct tally *t, unsigned int i, bool cell)
{
	GArray *all = g_array_copy(t->line[i].out);
	GString *out = g_string_new(NULL);

	g_array_sort(all, by_outcome);
	for (guint n = 0; n < all->len; n++) {
		const struct outcome *o = &g_array_index(all, struct outcome, n);
		char *words = cell ? outcome_cell(o) : outcome_got(t->k->r, o);

		g_string_append_printf(out, "%s%s", n ? " or " : "", words);
		g_free(words);
	}
	g_array_unref(all);
	return g_string_free(out, FALSE);
}

static void tell_line(struct tally *t, unsigned int i)
{
	char *got = outcomes_words(t, i, false), *cell = outcomes_words(t, i, true);
	struct report_line l = { .kind = LINE_ACTION,
				 .judged = true,
				 .outcome = t->k->line[i].out,
				 .expected = t->line[i].expected,
				 .got = got,
				 .cell = cell };

	l.verdict = t->count[i] ? VERDICT_FAIL : VERDICT_PASS;
	if (t->runs == 1 && l.outcome.kind == OUTCOME_NOT_RUN)
		l.verdict = VERDICT_NOT_RUN;
	run_tell(t->k->r, t->k->line[i].st, &l);
	g_free(got);
	g_free(cell);
}

static char *observation(const struct tally *t, u64 shown)
{
	const char *often = !shown ? "never" : shown == t->runs ? "always" : "sometimes";

	return t->runs == 1 ? g_strdup(shown ? "true" : "false")
			    : g_strdup_printf("%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
					      often, shown, t->runs);
}

static void tell_clause(struct tally *t, unsigned int i)
{
	const struct stmt *c = t->clause[i];
	char *got = observation(t, holds_in(t, i));
	struct report_line l = { .kind = LINE_EXPECT, .judged = true, .got = got, .cell = got };
	char *words = clause_words(c);
	char *expected = g_strconcat(script_commands()[c->id].name, " ", words, NULL);

	l.expected = expected;
	l.verdict = clause_fails(t, i) ? VERDICT_FAIL : VERDICT_PASS;
	run_tell(t->k->r, c, &l);
	g_free(words);
	g_free(expected);
	g_free(got);
}

static bool unexcused(const struct tally *t, unsigned int rule)
{
	return t->count[BLOCK_MAX_LINES + rule] && !(t->excused & SHOWS_RULE(rule));
}

/* Rules that were broken though nothing says that they may be. */
static void tell_rules(struct tally *t)
{
	struct report_violation v[N_RULES];
	unsigned int n = 0;
	struct report_line l = { .kind = LINE_ACTION, .judged = true, .verdict = VERDICT_FAIL };
	char *rules, *got;

	for (unsigned int i = 0; i < N_RULES; i++) {
		const struct tally_breach *b = &t->breach[i];

		if (unexcused(t, i))
			v[n++] = (struct report_violation){ .rule = model_rules[i].name,
							    .text = b->text,
							    .before = b->before,
							    .after = b->after,
							    .allowed = b->allowed,
							    .event = b->event,
							    .has_page = b->has_page,
							    .page = b->page };
	}
	if (!n)
		return;
	rules = report_rules_words(v, n);
	got = g_strconcat("violation ", rules, NULL);
	l.expected = "never a violation";
	l.got = got;
	l.cell = rules;
	l.outcome.kind = OUTCOME_VALUE;
	l.violation = v;
	l.n_violations = n;
	run_tell(t->k->r, t->k->st, &l);
	g_free(rules);
	g_free(got);
}

bool tally_tell(struct tally *t, GError **error)
{
	if (t->error) {
		g_propagate_error(error, g_steal_pointer(&t->error));
		return false;
	}
	for (unsigned int i = 0; i < t->k->n && !t->k->r->finished; i++)
		tell_line(t, i);
	if (!t->k->r->finished)
		tell_rules(t);
	for (unsigned int i = 0; i < t->n_clauses && !t->k->r->finished; i++)
		tell_clause(t, i);
	return true;
}

/* ---- Telling: as herd does --------------------------------------------------------------- */

/* Is the state one that the first condition is about? */
static bool is_witness(const struct tally *t, const struct tally_state *s)
{
	u64 rules = 0;

	if (t->n_clauses)
		return !(s->shows & SHOWS_CLAUSE(0)) == (t->clause[0]->id == CMD_ALWAYS);
	for (unsigned int i = 0; i < N_RULES; i++)
		rules |= SHOWS_RULE(i) & ~t->excused;
	return s->shows & rules;
}

static gint by_text(gconstpointer a, gconstpointer b)
{
	const struct tally_state *x = *(struct tally_state *const *)a;
	const struct tally_state *y = *(struct tally_state *const *)b;
	int d = strcmp(x->text, y->text);

	return d ? d : x->digest < y->digest ? -1 : x->digest > y->digest;
}

void tally_states(const struct tally *t, const char *name, GString *out)
{
	static const char *const kind[] = { "Forbidden", "Required", "Allowed" };
	unsigned int k = !t->n_clauses			     ? 0
			 : t->clause[0]->id == CMD_ALWAYS    ? 1
			 : t->clause[0]->id == CMD_SOMETIMES ? 2
							     : 0;

	g_string_append_printf(out, "Test %s %s\nStates %u\n", name, kind[k], t->state->len);
	g_ptr_array_sort(t->state, by_text);
	for (guint i = 0; i < t->state->len; i++) {
		const struct tally_state *s = t->state->pdata[i];

		g_string_append_printf(out, "%s%s\n", s->text, is_witness(t, s) ? " *" : "");
	}
}

static void condition(const struct tally *t, const char *name, GString *out, bool ok,
		      const char *quantifier, const char *words, u64 shown)
{
	u64 not_shown = t->runs - shown;

	g_string_append_printf(out,
			       "%s\nWitnesses\nPositive: %" G_GUINT64_FORMAT
			       " Negative: %" G_GUINT64_FORMAT "\nCondition %s (%s)\n"
			       "Observation %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
			       ok ? "Ok" : "No", shown, not_shown, quantifier, words, name,
			       !shown	    ? "Never"
			       : !not_shown ? "Always"
					    : "Sometimes",
			       shown, not_shown);
}

void tally_conditions(const struct tally *t, const char *name, GString *out)
{
	u64 broken = 0;

	/* runs may break several rules: of a state once is enough */
	for (guint i = 0; i < t->state->len; i++) {
		const struct tally_state *s = t->state->pdata[i];

		for (unsigned int rule = 0; rule < N_RULES; rule++) {
			if (!(s->shows & SHOWS_RULE(rule) & ~t->excused))
				continue;
			broken += s->runs;
			break;
		}
	}
	if (!t->n_clauses || broken)
		condition(t, name, out, !broken, "~exists",
			  t->excused ? "another violation" : "violation", broken);
	for (unsigned int i = 0; i < t->n_clauses; i++) {
		static const char *const quantifier[] = { "forall", "~exists", "exists" };
		char *words = clause_words(t->clause[i]);

		condition(t, name, out, !clause_fails(t, i),
			  quantifier[t->clause[i]->id - CMD_ALWAYS], words, holds_in(t, i));
		g_free(words);
	}
}
