// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions: from trees to values. Integers are exact between -2^63 and
 * 2^64-1; whatever leaves that range is an error where it stands.
 */
#include <inttypes.h>

#include "script_private.h"

static bool in_range(__int128 n)
{
	return n >= INT64_MIN && n <= UINT64_MAX;
}

static const char *const op_text[] = {
	[OP_NEG] = "-",	  [OP_COMPLEMENT] = "~", [OP_NOT] = "not", [OP_OR] = "or",
	[OP_AND] = "and", [OP_EQ] = "==",	 [OP_NE] = "!=",   [OP_LE] = "<=",
	[OP_GE] = ">=",	  [OP_LT] = "<",	 [OP_GT] = ">",	   [OP_BITOR] = "|",
	[OP_XOR] = "^",	  [OP_BITAND] = "&",	 [OP_SHL] = "<<",  [OP_SHR] = ">>",
	[OP_ADD] = "+",	  [OP_SUB] = "-",	 [OP_MUL] = "*",   [OP_DIV] = "/",
};

static bool eval_fail(const struct expr *e, GError **error, const char *text)
{
	return script_fail(error, e->line, e->op_off, NULL, "%s", text);
}

static bool shift(const struct expr *e, __int128 a, __int128 b, __int128 *n, GError **error)
{
	if (a < 0)
		return eval_fail(e, error, "a negative number cannot be shifted");
	if (b < 0 || b >= 64)
		return eval_fail(e, error, "a shift is by 0 to 63 bits");
	*n = e->op == OP_SHL ? a << (int)b : a >> (int)b;
	return true;
}

static bool arithmetic(const struct expr *e, __int128 a, __int128 b, __int128 *n, GError **error)
{
	switch (e->op) {
	case OP_BITOR:
		*n = a | b;
		return true;
	case OP_XOR:
		*n = a ^ b;
		return true;
	case OP_BITAND:
		*n = a & b;
		return true;
	case OP_ADD:
		*n = a + b;
		return true;
	case OP_SUB:
		*n = a - b;
		return true;
	case OP_MUL:
		/* two factors of 64 bits may leave even 128 */
		if (__builtin_mul_overflow(a, b, n))
			*n = (__int128)1 << 100;
		return true;
	case OP_DIV:
		if (!b)
			return eval_fail(e, error, "division by zero");
		*n = a / b;
		return true;
	default:
		return shift(e, a, b, n, error);
	}
}

static bool compare(const struct expr *e, struct value a, struct value b, struct value *v,
		    GError **error)
{
	bool same = a.word && b.word ? !strcmp(a.word, b.word) : !a.word && !b.word && a.n == b.n;

	if (e->op == OP_EQ || e->op == OP_NE) {
		*v = number(same == (e->op == OP_EQ));
		return true;
	}
	if (a.word || b.word)
		return script_fail(error, e->line, e->op_off, NULL,
				   "`%s` is a word: words compare with `==` and `!=` only",
				   a.word ? a.word : b.word);
	switch (e->op) {
	case OP_LE:
		*v = number(a.n <= b.n);
		break;
	case OP_GE:
		*v = number(a.n >= b.n);
		break;
	case OP_LT:
		*v = number(a.n < b.n);
		break;
	default:
		*v = number(a.n > b.n);
		break;
	}
	return true;
}

bool expr_number(const struct expr *e, struct context *c, __int128 *n, GError **error)
{
	struct value v;

	if (!expr_eval(e, c, &v, error))
		return false;
	if (!is_number(v))
		return script_fail(error, e->line, e->off, NULL,
				   "a number is wanted, `%s` is a word", v.word);
	*n = v.n;
	return true;
}

static bool eval_logic(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	__int128 n;

	if (!expr_number(e->kid[0], c, &n, error))
		return false;
	if (e->op == OP_NOT) {
		*v = number(!n);
		return true;
	}
	if (!n == (e->op == OP_AND)) {
		*v = number(!!n);
		return true;
	}
	if (!expr_number(e->kid[1], c, &n, error))
		return false;
	*v = number(!!n);
	return true;
}

/* A VM's name as a number: its handle, after its end the one that it had. */
static u32 handle_of(const struct context *c, const char *name)
{
	struct machine_vm vm = { 0 };

	if (c->run && c->run->m)
		machine_vm(c->run->m, name, &vm);
	return vm.handle;
}

static bool eval_name(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	const struct value *bound = g_hash_table_lookup(c->names, e->name);
	struct nearest near;
	GHashTableIter it;
	gpointer name;
	u64 base;

	if (bound) {
		*v = *bound;
		if (v->vm)
			v->n = handle_of(c, e->name);
		return true;
	}
	if (c->board && region_find(c->board, e->name, &base)) {
		*v = number(base);
		return true;
	}
	nearest_init(&near, e->name);
	for (guint i = 0; c->board && i < c->board->mmio->len; i++)
		nearest_try(&near, g_array_index(c->board->mmio, struct mmio_window, i).name);
	g_hash_table_iter_init(&it, c->names);
	/* hash order decides only among names equally near: take the least */
	while (g_hash_table_iter_next(&it, &name, NULL)) {
		struct nearest one = near;

		one.distance++;
		nearest_try(&one, name);
		if (one.best != near.best && (one.distance < near.distance ||
					      (near.best && strcmp(one.best, near.best) < 0)))
			near = one;
	}
	return script_fail(error, e->line, e->off, near.best, "there is no `%s`", e->name);
}

static bool eval_operator(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct value a, b = { 0 };
	__int128 n = 0;

	if (!expr_eval(e->kid[0], c, &a, error) ||
	    (e->n > 1 && !expr_eval(e->kid[1], c, &b, error)))
		return false;
	if (e->op >= OP_EQ && e->op <= OP_GT)
		return compare(e, a, b, v, error);
	if (!is_number(a) || !is_number(b))
		return script_fail(error, e->line, e->op_off, NULL,
				   "`%s` is a word: `%s` wants numbers",
				   is_number(a) ? b.word : a.word, op_text[e->op]);
	if (e->op == OP_NEG)
		n = -a.n;
	else if (e->op == OP_COMPLEMENT)
		n = ~(u64)a.n;
	else if (!arithmetic(e, a.n, b.n, &n, error))
		return false;
	if (!in_range(n))
		return eval_fail(e, error, "the result leaves -2^63 .. 2^64-1");
	*v = number(n);
	return true;
}

bool expr_eval(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	switch (e->op) {
	case OP_NUMBER:
	case OP_WORD:
		*v = e->value;
		return true;
	case OP_NAME:
		return eval_name(e, c, v, error);
	case OP_CALL:
		return e->fn->eval(e, c, v, error);
	case OP_NOT:
	case OP_AND:
	case OP_OR:
		return eval_logic(e, c, v, error);
	default:
		return eval_operator(e, c, v, error);
	}
}

bool expr_u64(const struct expr *e, struct context *c, const char *what, u64 *n, GError **error)
{
	__int128 x = 0;

	if (!expr_number(e, c, &x, error))
		return false;
	if (x < 0)
		return script_fail(error, e->line, e->off, NULL, "%s cannot be negative", what);
	*n = (u64)x;
	return true;
}

bool expr_register(const struct expr *e, struct context *c, u64 *n, GError **error)
{
	__int128 x = 0;

	if (!expr_number(e, c, &x, error))
		return false;
	*n = (u64)x;
	return true;
}

/* ---- Names --------------------------------------------------------------------------- */

GHashTable *names_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void names_set(GHashTable *names, const char *name, struct value v)
{
	struct value *copy = g_new(struct value, 1);

	*copy = v;
	g_hash_table_replace(names, g_strdup(name), copy);
}

GHashTable *names_copy(GHashTable *names)
{
	GHashTable *copy = names_new();
	GHashTableIter it;
	gpointer name, value;

	g_hash_table_iter_init(&it, names);
	while (g_hash_table_iter_next(&it, &name, &value))
		names_set(copy, name, *(struct value *)value);
	return copy;
}

bool region_find(const struct board_config *b, const char *name, u64 *base)
{
	for (guint i = 0; i < b->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(b->mmio, struct mmio_window, i);

		if (!strcmp(w->name, name)) {
			*base = w->base;
			return true;
		}
	}
	return false;
}

bool name_bindable(const struct line *l, u32 off, const char *name, const struct board_config *b,
		   GError **error)
{
	const char *what;
	u64 base;

	if (name_reserved(name, &what))
		return script_fail(error, l, off, NULL, "`%s` is %s", name, what);
	if (b && region_find(b, name, &base))
		return script_fail(error, l, off, NULL, "`%s` is already a region of the board",
				   name);
	return true;
}

char *value_words(struct value v)
{
	const char *err;

	if (v.word)
		return g_strdup(v.word);
	err = v.n < 0 && v.n >= -4095 ? errno_name((int)-v.n) : NULL;
	if (err)
		return g_strdup_printf("-%s", err);
	if (v.n < 0)
		return g_strdup_printf("%" PRId64, (s64)v.n);
	return g_strdup_printf(v.n < 4096 ? "%" PRIu64 : "0x%" PRIx64, (u64)v.n);
}

/* Who compares with a hexadecimal number or an error wants to read one. */
char *value_words_beside(struct value v, const struct expr *e)
{
	const char *text = e->line->text + e->off;
	gssize len = (gssize)(e->end - e->off);

	if (!v.word && v.n > 9 && v.n < 4096 && g_strstr_len(text, len, "0x"))
		return g_strdup_printf("0x%" PRIx64, (u64)v.n);
	if (!v.word && v.n < 0 && !g_strstr_len(text, len, "-E") &&
	    !g_strstr_len(text, len, "result"))
		return value_decimal(v);
	return value_words(v);
}

char *value_decimal(struct value v)
{
	if (v.word)
		return g_strdup(v.word);
	return v.n < 0 ? g_strdup_printf("%" PRId64, (s64)v.n)
		       : g_strdup_printf("%" PRIu64, (u64)v.n);
}
