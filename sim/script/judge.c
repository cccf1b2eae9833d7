// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an action gave against what it must give. Violations are judged apart,
 * by the oracle; where none watches they are neither required nor forbidden.
 */
#include "script_private.h"
#include "sim/el2/smc.h"

bool outcome_succeeded(const struct outcome *o)
{
	return o->kind == OUTCOME_VALUE && (!o->is_signed || (s64)o->value >= 0);
}

struct value outcome_value(const struct outcome *o)
{
	if (o->kind != OUTCOME_VALUE)
		return word(outcome_word(o));
	return number(o->is_signed ? (__int128)(s64)o->value : (__int128)o->value);
}

static const struct el2_panic *panic_of(struct run *r, const struct outcome *o)
{
	return o->kind == OUTCOME_PANIC ? r->m->hyp->panic(r->m->el2) : NULL;
}

char *outcome_got(struct run *r, const struct outcome *o)
{
	if (o->kind == OUTCOME_GAVE_UP && r->interrupted)
		return g_strdup("interrupted");
	if (o->kind == OUTCOME_GAVE_UP)
		return g_strdup_printf("gave up after %" G_GUINT64_FORMAT " events", r->opt->steps);
	return report_outcome_words(o, panic_of(r, o));
}

char *outcome_cell(const struct outcome *o)
{
	if (o->kind == OUTCOME_VALUE && !o->value)
		return g_strdup("ok");
	return report_outcome_words(o, NULL);
}

/* Are @words somewhere in what the kernel would print? */
static bool panic_says(struct run *r, const struct outcome *o, const char *words)
{
	char *line = report_outcome_words(o, panic_of(r, o));
	char *text = report_panic(panic_of(r, o));
	bool found = strstr(text, words) || strstr(line, words);

	g_free(line);
	g_free(text);
	return found;
}

static bool word_holds(struct run *r, const struct expected *want, const char *w,
		       const struct outcome *o)
{
	if (!strcmp(w, "any"))
		return true;
	if (!strcmp(w, "ok"))
		return outcome_succeeded(o);
	if (o->kind == OUTCOME_VALUE || strcmp(outcome_word(o), w))
		return false;
	return !want->panic || panic_says(r, o, want->panic);
}

static bool is_outcome_word(const char *w)
{
	static const char *const words[] = { "ok",    "refused", "abort", "fault", "bus",
					     "panic", "hang",	 "any",	  NULL };

	for (unsigned int i = 1; i <= FFA_N_ERRORS; i++)
		if (!strcmp(ffa_error_name(i), w))
			return true;
	return g_strv_contains(words, w);
}

static void append_expected(GString *out, const struct expected *want, struct value v)
{
	const struct expr *e = want->value;
	bool literal = e->op == OP_WORD || e->op == OP_NUMBER ||
		       (e->op == OP_NEG && e->kid[0]->op == OP_NUMBER);
	char *words = value_words(v);

	g_string_append_printf(out, "%s%.*s", out->len ? " or " : "", (int)(e->end - e->off),
			       e->line->text + e->off);
	if (!literal)
		g_string_append_printf(out, " = %s", words);
	if (want->panic)
		g_string_append_printf(out, " \"%s\"", want->panic);
	g_free(words);
}

static bool outcome_holds(struct run *r, const struct expected *want, const struct outcome *o,
			  GString *words, bool *holds, GError **error)
{
	const struct expr *e = want->value;
	struct value v, got = outcome_value(o);

	if (!expr_eval(e, &r->ctx, &v, error))
		return false;
	if (v.word && !is_outcome_word(v.word))
		return script_fail(error, e->line, e->off, NULL, "`%s` is no outcome", v.word);
	append_expected(words, want, v);
	*holds |= v.word ? word_holds(r, want, v.word, o) : !got.word && got.n == v.n;
	return true;
}

/* The first whose bracket holds in this run. */
static const struct expectation *deciding(const struct run *r, GPtrArray *expect)
{
	for (guint i = 0; i < expect->len; i++) {
		const struct expectation *x = expect->pdata[i];

		if (conds_hold(x->cond, r->config))
			return x;
	}
	return NULL;
}

bool judge(struct run *r, GPtrArray *expect, const struct outcome *out, struct judgement *j,
	   GError **error)
{
	const struct expectation *x = deciding(r, expect);
	GString *words = g_string_new(NULL);
	bool holds = false, ok = true;

	if (!x || !x->outcome->len) {
		g_string_assign(words, "ok");
		holds = outcome_succeeded(out);
	}
	for (guint i = 0; ok && x && i < x->outcome->len; i++)
		ok = outcome_holds(r, x->outcome->pdata[i], out, words, &holds, error);
	if (x || r->oracle)
		holds &= watch_judge(r, x, words);
	j->by = x;
	/* giving up is no way to end: not even `any` allows it */
	holds &= out->kind != OUTCOME_GAVE_UP;
	j->verdict = holds ? VERDICT_PASS : VERDICT_FAIL;
	if (out->kind == OUTCOME_NOT_RUN)
		j->verdict = VERDICT_NOT_RUN;
	j->expected = g_string_free(words, FALSE);
	return ok;
}
