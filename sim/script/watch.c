// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The oracle beside a run: told of each action, asked for breaches, its findings
 * against what the scenario expects.
 */
#include "script_private.h"
#include "sim/explore/explore.h"

static bool check_mode_of(const char *name, enum check_mode *mode)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(check_mode_name); i++) {
		if (strcmp(check_mode_name[i], name))
			continue;
		*mode = (enum check_mode)i;
		return true;
	}
	return false;
}

bool watch_start(struct run *r, const struct line *l, u32 off, GError **error)
{
	const struct el2_view *v = r->m->hyp->view(r->m->el2);
	enum check_mode mode = CHECK_ON;

	if (r->opt->check)
		sim_assert(check_mode_of(r->opt->check, &mode));
	r->oracle = oracle_new(r->m->board, v, r->config, mode);
	if (r->oracle || mode == CHECK_OFF)
		return true;
	return script_fail(error, l, off, NULL,
			   "this system does not give address space for the oracle's books "
			   "(--check=off does without)");
}

/* The view is what EL2's variables say: fresh before the oracle looks. */
static void freshen(struct run *r)
{
	r->m->hyp->view(r->m->el2);
}

static void tell_begin(struct run *r, const struct oracle_action *a)
{
	freshen(r);
	oracle_begin(r->oracle, a);
	r->watching = true;
}

void watch_begin(struct run *r, const struct oracle_action *a)
{
	r->flow = false;
	if (r->oracle)
		tell_begin(r, a);
}

static void tell_end(struct run *r, const struct outcome *o)
{
	if (!r->watching)
		return;
	freshen(r);
	oracle_end(r->oracle, x_told_end(o), (s64)o->value);
	r->watching = false;
}

/* ---- Flows: the oracle judges each step, the action has what all of them broke -------------- */

static void add_broken(struct run *r, const struct violation *v, unsigned int n)
{
	n = MIN(n, ORACLE_MAX_VIOLATIONS - r->broken->len);
	if (n)
		g_array_append_vals(r->broken, v, n);
}

/* What was found since the last look: also between steps. */
static void gather(struct run *r)
{
	const struct violation *v;
	unsigned int n;

	v = oracle_violations(r->oracle, &n);
	if (n > r->gathered)
		add_broken(r, v + r->gathered, n - r->gathered);
	r->gathered = n;
}

static void step_begin(void *data, const struct machine_step *s)
{
	const struct oracle_action a = x_told_step(s);
	struct run *r = data;

	gather(r);
	tell_begin(r, &a);
	r->gathered = 0;
}

static void step_end(void *data, const struct outcome *o)
{
	tell_end(data, o);
}

void watch_flow(struct run *r)
{
	static const struct machine_watch steps = { .begin = step_begin, .end = step_end };

	if (!r->oracle)
		return;
	r->flow = true;
	r->steps = steps;
	r->steps.data = r;
	r->m->watch = &r->steps;
	g_array_set_size(r->broken, 0);
	oracle_violations(r->oracle, &r->gathered); /* the last action's */
}

void watch_end(struct run *r, const struct outcome *o)
{
	if (!r->flow) {
		tell_end(r, o);
		return;
	}
	tell_end(r, o);
	gather(r);
	r->m->watch = NULL;
}

/* What can be told at the end only belongs to the last action, which may expect it. */
const struct stmt *watch_last(GPtrArray *stmts)
{
	for (guint i = stmts->len; i--;) {
		const struct stmt *st = stmts->pdata[i];

		if (is_action(st->id))
			return st;
		if ((st->id == CMD_REPEAT && !st->sets_up) || is_block(st->id))
			return NULL;
	}
	return NULL;
}

void watch_finish(struct run *r, bool alone)
{
	if (!r->oracle || !r->m || r->m->dead)
		return;
	if (alone) {
		watch_begin(r, &(struct oracle_action){ .kind = ORACLE_PRESSURE });
		watch_end(r, &(struct outcome){ .kind = OUTCOME_VALUE });
	}
	freshen(r);
	oracle_finish(r->oracle);
	if (r->flow)
		gather(r);
}

static const struct violation *found(const struct run *r, unsigned int *n)
{
	*n = r->flow ? r->broken->len : 0;
	if (r->flow)
		return (const struct violation *)r->broken->data;
	return r->oracle && !r->watching ? oracle_violations(r->oracle, n) : NULL;
}

static bool wanted(const struct expectation *x, const char *rule)
{
	for (guint i = 0; x && i < x->violation->len; i++)
		if (!strcmp(g_array_index(x->violation, struct rule_expected, i).rule, rule))
			return true;
	return false;
}

bool watch_judge(struct run *r, const struct expectation *x, GString *words)
{
	unsigned int n;
	const struct violation *v = found(r, &n);
	bool holds = true;

	if (!r->oracle)
		return true;
	for (unsigned int i = 0; i < n; i++)
		holds &= wanted(x, model_rules[v[i].rule].name);
	for (guint i = 0; x && i < x->violation->len; i++) {
		const struct rule_expected *e =
			&g_array_index(x->violation, struct rule_expected, i);
		bool there = e->optional;

		for (unsigned int k = 0; k < n; k++)
			there |= !strcmp(model_rules[v[k].rule].name, e->rule);
		holds &= there;
		g_string_append_printf(words, ", violation %s%s", e->rule, e->optional ? "?" : "");
	}
	return holds;
}

struct report_violation *watch_violations(struct run *r, const struct expectation *x,
					  unsigned int *n)
{
	const struct violation *v = found(r, n);
	struct report_violation *out = g_new0(struct report_violation, *n + 1);
	GString *event = g_string_new(NULL);

	for (unsigned int i = 0; i < *n; i++) {
		const char *rule = model_rules[v[i].rule].name;

		g_string_truncate(event, 0);
		if (v[i].event.seq)
			trace_line(event, &v[i].event);
		out[i] = (struct report_violation){
			.rule = rule,
			.text = v[i].text,
			.before = v[i].before,
			.after = v[i].after,
			.allowed = v[i].allowed,
			.event = g_strdup(event->str),
			.has_page = v[i].has_page,
			.page = v[i].page,
			.expected = wanted(x, rule),
		};
	}
	g_string_free(event, TRUE);
	return out;
}

void watch_violations_free(struct report_violation *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		g_free((char *)v[i].event);
	g_free(v);
}

char *watch_rules(struct run *r)
{
	struct report_violation *v;
	unsigned int n;
	char *words;

	v = watch_violations(r, NULL, &n);
	words = report_rules_words(v, n);
	watch_violations_free(v, n);
	return words;
}
