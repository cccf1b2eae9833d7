// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions: from characters to trees. One rule decides where an argument
 * ends: outside parentheses an operator continues it if it has blanks on both
 * sides or on neither.
 */
#include "script_private.h"
#include "sim/el2/smc.h"

/* ---- Words ---------------------------------------------------------------------- */

/* Outcomes as words; the rest of `enum outcome_kind` never reaches the language. */
static const char *const outcome_words[] = { "ok",    "refused", "abort", "fault", "bus",
					     "panic", "hang",	 "any",	  NULL };
static const char *const keywords[] = { "and", "or", "not", "violation", NULL };

const char *word_find(const char *name)
{
	for (unsigned int i = 0; i < N_PAGE_STATES; i++)
		if (!strcmp(page_state_name[i], name))
			return page_state_name[i];
	for (unsigned int i = 0; i < N_OWNERS; i++)
		if (i != OWNER_GUEST && !strcmp(owner_name[i], name))
			return owner_name[i];
	for (unsigned int i = 0; outcome_words[i]; i++)
		if (!strcmp(outcome_words[i], name))
			return outcome_words[i];
	for (unsigned int i = 1; i <= FFA_N_ERRORS; i++)
		if (!strcmp(ffa_error_name(i), name))
			return ffa_error_name(i);
	return NULL;
}

bool name_reserved(const char *name, const char **what)
{
	if (word_find(name))
		*what = "a word for a state, an owner or an outcome";
	else if (errno_from_name(name) > 0)
		*what = "an error";
	else if (function_find(name))
		*what = "a function";
	else if (g_strv_contains(keywords, name))
		*what = "an operator";
	else
		return false;
	return true;
}

/* ---- Operators ---------------------------------------------------------------------- */

enum level {
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_NOT,
	LEVEL_CMP,
	LEVEL_BITOR,
	LEVEL_XOR,
	LEVEL_BITAND,
	LEVEL_SHIFT,
	LEVEL_SUM,
	LEVEL_PRODUCT,
	LEVEL_UNARY
};

/* Longer ones before those they begin with. */
static const struct {
	const char *text;
	enum level level;
	enum op op;
} operators[] = {
	{ "==", LEVEL_CMP, OP_EQ },	  { "!=", LEVEL_CMP, OP_NE },
	{ "<=", LEVEL_CMP, OP_LE },	  { ">=", LEVEL_CMP, OP_GE },
	{ "<<", LEVEL_SHIFT, OP_SHL },	  { ">>", LEVEL_SHIFT, OP_SHR },
	{ "<", LEVEL_CMP, OP_LT },	  { ">", LEVEL_CMP, OP_GT },
	{ "|", LEVEL_BITOR, OP_BITOR },	  { "^", LEVEL_XOR, OP_XOR },
	{ "&", LEVEL_BITAND, OP_BITAND }, { "+", LEVEL_SUM, OP_ADD },
	{ "-", LEVEL_SUM, OP_SUB },	  { "*", LEVEL_PRODUCT, OP_MUL },
	{ "/", LEVEL_PRODUCT, OP_DIV },	  { "or", LEVEL_OR, OP_OR },
	{ "and", LEVEL_AND, OP_AND },
};

static bool word_here(const struct scan *s, u32 at, const char *w)
{
	size_t n = strlen(w);

	return s->end - at >= n && !memcmp(s->line->text + at, w, n) &&
	       (!is_name_char(w[0]) || at + n >= s->end || !is_name_char(s->line->text[at + n]));
}

/* The operator that carries the expression on, or -1. *@at: where it stands. */
static int next_operator(struct scan *s, u32 *at)
{
	u32 from = s->at, i = s->at, len;
	unsigned int k;
	bool before, after;

	while (i < s->end && is_blank(s->line->text[i]))
		i++;
	*at = i;
	for (k = 0; k < G_N_ELEMENTS(operators); k++)
		if (word_here(s, i, operators[k].text))
			break;
	if (k == G_N_ELEMENTS(operators))
		return -1;
	if (operators[k].op == OP_OR && s->outcome && !s->paren)
		return -1;
	if (is_name_char(operators[k].text[0]))
		return (int)k;
	len = (u32)strlen(operators[k].text);
	before = i > from;
	after = i + len >= s->end || is_blank(s->line->text[i + len]);
	return s->paren || before == after ? (int)k : -1;
}

/* ---- Nodes ----------------------------------------------------------------------------- */

static struct expr *node(struct scan *s, enum op op, u32 off)
{
	struct expr *e = program_alloc(s->prog, sizeof(*e));

	e->op = op;
	e->off = e->op_off = off;
	e->end = s->at;
	e->line = s->line;
	e->cpu = -1;
	return e;
}

static struct expr *node_over(struct scan *s, enum op op, u32 op_off, struct expr *a,
			      struct expr *b)
{
	struct expr *e = node(s, op, b ? a->off : op_off);

	e->op_off = op_off;
	e->kid[0] = a;
	e->kid[1] = b;
	e->n = b ? 2 : 1;
	e->depth = MAX(a->depth, b ? b->depth : 0) + 1;
	if (e->depth > MAX_EXPR_DEPTH) {
		scan_fail(s, op_off, NULL,
			  "this expression is too long (more than %d operators deep)",
			  MAX_EXPR_DEPTH);
		return NULL;
	}
	return e;
}

static struct expr *parse_level(struct scan *s, enum level level);

static bool deeper(struct scan *s)
{
	if (++s->depth <= MAX_EXPR_DEPTH)
		return true;
	return scan_fail(s, s->at, NULL, "this expression nests too deep (more than %d)",
			 MAX_EXPR_DEPTH);
}

/* ---- Numbers and names ------------------------------------------------------------------ */

/* Value of the digits at s->at; -1 if it leaves 64 bits. */
static __int128 take_digits(struct scan *s, unsigned int base)
{
	__int128 n = 0;
	int d;

	for (; s->at < s->end; s->at++) {
		char c = s->line->text[s->at];

		d = base == 16 ? g_ascii_xdigit_value(c) : g_ascii_digit_value(c);
		if (d < 0)
			break;
		if (n >= 0)
			n = n * base + (unsigned int)d;
		if (n > UINT64_MAX)
			n = -1;
	}
	return n;
}

static struct expr *parse_number(struct scan *s)
{
	static const char suffix[] = "KMGT";
	u32 from = s->at;
	bool hex = scan_peek(s, 0) == '0' && scan_peek(s, 1) == 'x';
	struct expr *e;
	const char *p;
	__int128 n;

	s->at += hex ? 2 : 0;
	if (hex && !g_ascii_isxdigit(scan_peek(s, 0))) {
		scan_fail(s, from, NULL, "0x wants hexadecimal digits");
		return NULL;
	}
	n = take_digits(s, hex ? 16 : 10);
	p = scan_peek(s, 0) ? strchr(suffix, scan_peek(s, 0)) : NULL;
	if (p && n >= 0) {
		n <<= 10 * (p - suffix + 1);
		n = n > UINT64_MAX ? -1 : n;
	}
	s->at += p ? 1 : 0;
	if (is_name_char(scan_peek(s, 0))) {
		scan_fail(s, s->at, NULL, "this does not belong to a number");
		return NULL;
	}
	if (n < 0) {
		scan_fail(s, from, NULL, "this number does not fit in 64 bits");
		return NULL;
	}
	e = node(s, OP_NUMBER, from);
	e->value = number(n);
	return e;
}

/* `result` behind "cpuN."; the dot is next. */
static struct expr *parse_cpu_result(struct scan *s, const char *name, u32 off)
{
	guint64 cpu;
	struct expr *e;

	s->at++;
	if (strncmp(name, "cpu", 3) ||
	    !g_ascii_string_to_unsigned(name + 3, 10, 0, BOARD_MAX_CPUS - 1, &cpu, NULL) ||
	    !word_here(s, s->at, "result")) {
		scan_fail(s, off, NULL, "only `cpuN.result` has a dot");
		return NULL;
	}
	s->at += (u32)strlen("result");
	e = node(s, OP_CALL, off);
	e->fn = function_get(FN_RESULT);
	e->cpu = (int)cpu;
	return e;
}

static bool parse_parameter(struct scan *s, struct expr *call, unsigned int i)
{
	enum param p = call->fn->param[i];
	struct nearest near;
	const char *name;
	u32 off;

	if (p == PARAM_EXPR) {
		call->kid[i] = parse_level(s, LEVEL_OR);
		return call->kid[i];
	}
	name = p == PARAM_POOL ? scan_pool(s, &off) : scan_name(s, &off);
	if (!name)
		return scan_fail(s, off, NULL, "%s() wants a name here", call->fn->name);
	nearest_init(&near, name);
	if (!param_known(s->prog, p, name, &near))
		return scan_fail(s, off, near.best, "%s() knows no `%s`", call->fn->name, name);
	call->name = name;
	return true;
}

/* The arguments; s->at is at the opening parenthesis. */
static struct expr *parse_call(struct scan *s, const struct function *fn, u32 off)
{
	struct expr *e = node(s, OP_CALL, off);
	unsigned int want = 0;

	e->fn = fn;
	while (want < G_N_ELEMENTS(fn->param) && fn->param[want] != PARAM_NONE)
		want++;
	s->at++;
	s->paren++;
	for (unsigned int i = 0; i < want; i++) {
		if (i && !scan_char(s, ',')) {
			scan_fail(s, s->at, NULL, "%s() wants %u arguments", fn->name, want);
			return NULL;
		}
		if (!parse_parameter(s, e, i))
			return NULL;
		if (e->kid[i])
			e->depth = MAX(e->depth, e->kid[i]->depth + 1);
	}
	if (!scan_char(s, ')')) {
		scan_fail(s, s->at, NULL, "%s() wants %u argument%s and then `)`", fn->name, want,
			  want == 1 ? "" : "s");
		return NULL;
	}
	s->paren--;
	e->n = want;
	e->end = s->at;
	return e;
}

static struct expr *parse_name(struct scan *s)
{
	const struct function *fn;
	const char *name, *w;
	struct expr *e;
	u32 off;

	name = scan_name(s, &off);
	if (scan_peek(s, 0) == '.')
		return parse_cpu_result(s, name, off);
	fn = function_find(name);
	if (fn && fn != function_get(FN_RESULT) && scan_peek(s, 0) == '(')
		return parse_call(s, fn, off);
	if (scan_peek(s, 0) == '(') {
		struct nearest near;

		nearest_init(&near, name);
		for (unsigned int i = 0; i < N_FUNCTIONS; i++)
			nearest_try(&near, function_get(i)->name);
		scan_fail(s, off, near.best, "there is no function `%s`", name);
		return NULL;
	}
	if (fn && fn != function_get(FN_RESULT)) {
		scan_fail(s, off, NULL, "`%s` is a function: `(` must follow it directly", name);
		return NULL;
	}
	w = word_find(name);
	e = node(s, fn ? OP_CALL : w ? OP_WORD : OP_NAME, off);
	e->fn = fn;
	e->name = name;
	e->value = word(w);
	if (!fn && !w && errno_from_name(name) > 0) {
		e->op = OP_NUMBER;
		e->value = number(errno_from_name(name));
	}
	return e;
}

static struct expr *parse_primary(struct scan *s)
{
	struct expr *e;
	u32 from;
	char c;

	scan_blanks(s);
	c = scan_peek(s, 0);
	from = s->at;
	if (g_ascii_isdigit(c))
		return parse_number(s);
	if (is_name_start(c) && !word_here(s, s->at, "and") && !word_here(s, s->at, "or") &&
	    !word_here(s, s->at, "not"))
		return parse_name(s);
	if (c != '(') {
		scan_fail(s, s->at, NULL,
			  c ? "an expression cannot begin here" : "an expression is missing here");
		return NULL;
	}
	s->at++;
	s->paren++;
	e = parse_level(s, LEVEL_OR);
	if (!e)
		return NULL;
	if (!scan_char(s, ')')) {
		scan_fail(s, s->at, NULL, "`)` is missing here");
		return NULL;
	}
	s->paren--;
	e->off = from;
	e->end = s->at;
	return e;
}

static struct expr *parse_unary(struct scan *s)
{
	struct expr *e;
	u32 off;
	char c;

	scan_blanks(s);
	off = s->at;
	c = scan_peek(s, 0);
	if (c != '-' && c != '~')
		return parse_primary(s);
	s->at++;
	if (!deeper(s))
		return NULL;
	e = parse_unary(s);
	s->depth--;
	return e ? node_over(s, c == '-' ? OP_NEG : OP_COMPLEMENT, off, e, NULL) : NULL;
}

static struct expr *parse_not(struct scan *s)
{
	struct expr *e;
	u32 off;

	scan_blanks(s);
	off = s->at;
	if (!word_here(s, off, "not"))
		return parse_level(s, LEVEL_CMP);
	s->at += (u32)strlen("not");
	if (!deeper(s))
		return NULL;
	e = parse_not(s);
	s->depth--;
	return e ? node_over(s, OP_NOT, off, e, NULL) : NULL;
}

/* Operators of one level, left to right; comparisons do not chain. */
static struct expr *parse_operators(struct scan *s, enum level level)
{
	struct expr *left = parse_level(s, level + 1), *right;
	bool first = true;
	u32 at;
	int k;

	while (left && (k = next_operator(s, &at)) >= 0 && operators[k].level == level) {
		if (level == LEVEL_CMP && !first) {
			scan_fail(s, at, NULL, "comparisons do not chain: use `and`");
			return NULL;
		}
		first = false;
		s->at = at + (u32)strlen(operators[k].text);
		right = parse_level(s, level + 1);
		left = right ? node_over(s, operators[k].op, at, left, right) : NULL;
	}
	return left;
}

static struct expr *parse_level(struct scan *s, enum level level)
{
	struct expr *e;

	if (level == LEVEL_NOT)
		return parse_not(s);
	if (level == LEVEL_UNARY)
		return parse_unary(s);
	if (level != LEVEL_OR)
		return parse_operators(s, level);
	if (!deeper(s))
		return NULL;
	e = parse_operators(s, level);
	s->depth--;
	return e;
}

struct expr *expr_parse(struct scan *s)
{
	u32 at, len = 0;
	struct expr *e;

	e = parse_level(s, LEVEL_OR);
	if (!e || s->at >= s->end)
		return e;
	/* an operator that did not carry on, and is not the sign of a next argument */
	at = s->at;
	while (at < s->end && is_blank(s->line->text[at]))
		at++;
	for (unsigned int k = 0; k < G_N_ELEMENTS(operators) && !len; k++)
		if (word_here(s, at, operators[k].text) && operators[k].op != OP_OR)
			len = (u32)strlen(operators[k].text);
	if (!len || word_here(s, at, "=>"))
		return e;
	if (s->line->text[at] == '-' && at > s->at && at + 1 < s->end &&
	    !is_blank(s->line->text[at + 1]))
		return e;
	scan_fail(s, at, NULL, "an operator has blanks on both sides or on neither");
	return NULL;
}

struct expr *expr_parse_part(struct scan *s, u32 at, u32 end)
{
	struct scan part = *s;
	struct expr *e;

	part.at = at;
	part.end = end;
	e = expr_parse(&part);
	if (e && !scan_end(&part)) {
		scan_fail(&part, part.at, NULL, "this does not belong to the expression");
		return NULL;
	}
	return e;
}
