// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Actions and what they must give: ACTION => OUTCOME or OUTCOME, violation RULE.
 */
#include "script_private.h"

/* The rules of section 8. */
static const char *const rules[] = { "spec",
				     "single-owner",
				     "no-change-on-error",
				     "pinned",
				     "owner-progress",
				     "break-before-make",
				     "stale-tlb",
				     "lock-order",
				     "lock-held",
				     "data-race",
				     "refcount",
				     "leak",
				     "use-after-free",
				     "confidential",
				     "range",
				     NULL };

/* ---- Arguments ------------------------------------------------------------------------- */

static bool at_arrow(const struct scan *s)
{
	return scan_peek(s, 0) == '=' && scan_peek(s, 1) == '>';
}

static bool at_args_end(struct scan *s)
{
	return scan_end(s) || at_arrow(s) || scan_peek(s, 0) == ',';
}

bool parse_arg_end(struct scan *s)
{
	char c = scan_peek(s, 0);

	if (!c || is_blank(c) || at_arrow(s) || c == ',' || c == '[')
		return true;
	return scan_fail(s, s->at, NULL, "a blank or an operator is missing here");
}

/* NAME= before an expression, neither `==` nor `=>`; NULL: none. */
static const char *arg_name(struct scan *s, u32 *off)
{
	struct scan ahead = *s;
	const char *name = scan_name(&ahead, off);

	if (!name || scan_peek(&ahead, 0) != '=' || scan_peek(&ahead, 1) == '=' ||
	    scan_peek(&ahead, 1) == '>')
		return NULL;
	ahead.at++;
	*s = ahead;
	return name;
}

static bool parse_named(struct scan *s, struct stmt *st, const struct shape *shape,
			const char *name, u32 off)
{
	struct named_arg *a = &st->named[st->n_named];
	struct nearest near;
	bool known = false;

	nearest_init(&near, name);
	for (unsigned int i = 0; i < G_N_ELEMENTS(shape->named) && shape->named[i]; i++) {
		nearest_try(&near, shape->named[i]);
		known |= !strcmp(shape->named[i], name);
	}
	if (!known)
		return scan_fail(s, off, near.best, "this action takes no `%s=`", name);
	for (unsigned int i = 0; i < st->n_named; i++)
		if (!strcmp(st->named[i].name, name))
			return scan_fail(s, off, NULL, "`%s=` stands twice", name);
	a->name = name;
	a->off = off;
	a->value = expr_parse(s);
	st->n_named++;
	return a->value && parse_arg_end(s);
}

bool parse_args(struct scan *s, struct stmt *st, const struct shape *shape)
{
	const char *name;
	struct expr *e;
	u32 off;

	while (!at_args_end(s)) {
		off = s->at;
		name = arg_name(s, &off);
		if (name) {
			if (!parse_named(s, st, shape, name, off))
				return false;
			continue;
		}
		if (st->n_args == shape->max)
			return scan_fail(s, s->at, NULL, "too many arguments: at most %u here",
					 shape->max);
		e = expr_parse(s);
		if (!e || !parse_arg_end(s))
			return false;
		st->arg[st->n_args++] = e;
	}
	if (st->n_args < shape->min)
		return scan_fail(s, s->at, NULL, "too few arguments: %u wanted, %u given",
				 shape->min, st->n_args);
	return true;
}

/* The second word of `host` and what follows the VM of `guest`: an access or a verb. */
static bool parse_verb(struct scan *s, struct stmt *st)
{
	u32 off;
	const char *verb = scan_name(s, &off);
	bool exec = st->id == CMD_HOST || st->id == CMD_GUEST;

	if (!g_strcmp0(verb, "read"))
		st->access = MMU_READ;
	else if (!g_strcmp0(verb, "write"))
		st->access = MMU_WRITE;
	else if (exec && !g_strcmp0(verb, "exec"))
		st->access = MMU_EXEC;
	else if (verb && exec && verb_find(st->id, verb, &st->verb))
		return true;
	else
		return scan_fail(s, off, NULL, "%s is wanted here", verbs_of(st->id));
	return true;
}

/* ADDR [SIZE], ADDR VALUE [SIZE], ADDR. */
bool parse_access(struct scan *s, struct stmt *st)
{
	static const struct shape shape[] = {
		[MMU_READ] = { 1, 2, { NULL } },
		[MMU_WRITE] = { 2, 3, { NULL } },
		[MMU_EXEC] = { 1, 1, { NULL } },
	};
	struct shape own;

	if (!parse_verb(s, st))
		return false;
	if (st->verb)
		return parse_vm_verb(s, st);
	own = shape[st->access];
	if (st->id == CMD_HOST) {
		own.named[0] = "isv";
		own.named[1] = "at";
		own.named[2] = "reclaim";
	}
	return parse_args(s, st, &own);
}

bool parse_word(struct scan *s, struct stmt *st, const char *what)
{
	st->word = scan_name(s, &st->word_off);
	return st->word || scan_fail(s, s->at, NULL, "%s is missing here", what);
}

static bool parse_call_action(struct scan *s, struct stmt *st)
{
	static const struct shape call = { 0, EL2_MAX_ARGS, { NULL } };
	static const struct shape raw = { 1, MAX_ARGS, { NULL } };

	if (!parse_word(s, st, "the call's name"))
		return false;
	st->raw = st->id == CMD_HVC && !strcmp(st->word, "raw");
	return parse_args(s, st, st->raw ? &raw : &call);
}

static bool parse_pool(struct scan *s, struct stmt *st)
{
	st->word = scan_pool(s, &st->word_off);
	return st->word || scan_fail(s, s->at, NULL, "the pool's name is missing here");
}

static bool parse_fail_alloc(struct scan *s, struct stmt *st)
{
	static const struct shape shape = { 0, 0, { "nth", "count", NULL } };
	u32 off;

	if (g_strcmp0(scan_name(s, &off), "alloc"))
		return scan_fail(s, off, NULL, "`fail alloc POOL nth=K` is the form");
	if (!parse_pool(s, st) || !parse_args(s, st, &shape))
		return false;
	for (unsigned int i = 0; i < st->n_named; i++)
		if (!strcmp(st->named[i].name, "nth"))
			return true;
	return scan_fail(s, s->at, NULL, "`nth=` is missing here");
}

static bool parse_action_words(struct scan *s, struct stmt *st)
{
	static const struct shape none = { 0, 0, { NULL } };
	static const struct shape drain = { 0, 0, { "leave", NULL } };
	static const struct shape refill = { 0, 0, { "pages", NULL } };

	switch (st->id) {
	case CMD_HVC:
	case CMD_EL2:
		return parse_call_action(s, st);
	case CMD_SMC:
		return parse_smc(s, st);
	case CMD_FFA:
		return parse_ffa(s, st);
	case CMD_HOST:
	case CMD_HYP:
		return parse_access(s, st);
	case CMD_DMA:
		return parse_word(s, st, "the device's name") && parse_access(s, st);
	case CMD_GUEST:
		return parse_vm_name(s, st, true) && parse_access(s, st);
	case CMD_VM:
		return parse_vm(s, st);
	case CMD_DRAIN:
		return parse_pool(s, st) && parse_args(s, st, &drain);
	case CMD_REFILL:
		return parse_pool(s, st) && parse_args(s, st, &refill);
	case CMD_FAIL:
		return parse_fail_alloc(s, st);
	default:
		return parse_args(s, st, &none);
	}
}

/* ---- What it must give ----------------------------------------------------------------------- */

static bool word_next(struct scan *s, const char *w)
{
	struct scan ahead = *s;
	const char *name;
	u32 off;

	name = scan_name(&ahead, &off);
	if (g_strcmp0(name, w))
		return false;
	*s = ahead;
	return true;
}

static bool parse_outcome(struct scan *s, struct expectation *x)
{
	struct expected *want = program_alloc(s->prog, sizeof(*want));

	s->outcome = true;
	want->value = expr_parse(s);
	s->outcome = false;
	if (!want->value)
		return false;
	scan_blanks(s);
	if (want->value->op == OP_WORD && !strcmp(want->value->value.word, "panic") &&
	    scan_peek(s, 0) == '"')
		want->panic = scan_quoted(s);
	x->end = s->at;
	g_ptr_array_add(x->outcome, want);
	return true;
}

/* Letters and hyphens. */
const char *parse_rule(struct scan *s)
{
	struct nearest near;
	const char *rule;
	u32 from;

	scan_blanks(s);
	from = s->at;
	while (g_ascii_islower(scan_peek(s, 0)) || scan_peek(s, 0) == '-')
		s->at++;
	rule = program_strndup(s->prog, s->line->text + from, s->at - from);
	nearest_init(&near, rule);
	for (unsigned int i = 0; rules[i]; i++)
		nearest_try(&near, rules[i]);
	if (g_strv_contains(rules, rule))
		return rule;
	scan_fail(s, from, near.best, "there is no rule `%s`", rule);
	return NULL;
}

/* RULE or RULE? */
static bool parse_violation(struct scan *s, struct expectation *x)
{
	struct rule_expected v = { .rule = parse_rule(s) };

	if (!v.rule)
		return false;
	v.optional = scan_peek(s, 0) == '?';
	s->at += v.optional;
	x->end = s->at;
	g_array_append_val(x->violation, v);
	return parse_arg_end(s);
}

static bool parse_violations(struct scan *s, struct expectation *x)
{
	while (scan_char(s, ',')) {
		if (!word_next(s, "violation"))
			return scan_fail(s, s->at, "violation", "`violation RULE` follows a comma");
		if (!parse_violation(s, x))
			return false;
	}
	return parse_bracket(s, x->cond);
}

static struct expectation *expectation_new(struct scan *s)
{
	struct expectation *x = program_alloc(s->prog, sizeof(*x));

	x->line = s->line;
	x->outcome = program_ptrs(s->prog);
	x->violation = program_array(s->prog, sizeof(struct rule_expected));
	x->cond = program_array(s->prog, sizeof(struct cond));
	return x;
}

bool parse_expectation(struct scan *s, struct expectation **out)
{
	struct expectation *x = *out = expectation_new(s);

	scan_blanks(s);
	s->at += (u32)strlen("=>");
	scan_blanks(s);
	x->off = x->end = s->at;
	if (word_next(s, "violation")) {
		if (!parse_violation(s, x))
			return false;
	} else {
		do {
			if (!parse_outcome(s, x))
				return false;
		} while (word_next(s, "or"));
	}
	return parse_violations(s, x);
}

bool parse_action(struct scan *s, struct stmt *st)
{
	struct expectation *x;

	st->expect = program_ptrs(s->prog);
	if (!parse_action_words(s, st))
		return false;
	if (scan_end(s))
		return true;
	if (at_arrow(s)) {
		if (!parse_expectation(s, &x))
			return false;
	} else {
		x = expectation_new(s);
		x->off = s->at;
		if (!parse_violations(s, x))
			return false;
	}
	g_ptr_array_add(st->expect, x);
	return true;
}
