// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be said of a file before it runs: every name is bound where it is
 * used, page() stands where it may, CPUs and devices exist. So a misspelt name
 * behind a panic, where nothing is evaluated any more, is found too.
 */
#include "script_private.h"

struct check {
	struct context ctx; /* names: those bound so far; their values are of no account */
	GError **error;
};

static bool check_expr(struct check *c, const struct expr *e)
{
	struct value v;

	if (!e)
		return true;
	if (e->op == OP_NAME)
		return expr_eval(e, &c->ctx, &v, c->error);
	if (e->op == OP_CALL && e->fn == function_get(FN_PAGE) && !c->ctx.may_page)
		return expr_eval(e, &c->ctx, &v, c->error);
	return check_expr(c, e->kid[0]) && check_expr(c, e->kid[1]);
}

static bool check_outcomes(struct check *c, const struct stmt *st)
{
	for (guint i = 0; st->expect && i < st->expect->len; i++) {
		const struct expectation *x = st->expect->pdata[i];

		for (guint k = 0; k < x->outcome->len; k++) {
			const struct expected *want = x->outcome->pdata[k];

			if (!check_expr(c, want->value))
				return false;
		}
	}
	return true;
}

static bool check_device(struct check *c, const struct stmt *st)
{
	const GArray *mmio = c->ctx.board->mmio;
	struct nearest near;

	nearest_init(&near, st->word);
	for (guint i = 0; i < mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, i);

		nearest_try(&near, w->name);
		if (strcmp(w->name, st->word))
			continue;
		return w->model == WINDOW_DMA ||
		       script_fail(c->error, st->line, st->word_off, NULL,
				   "`%s` is no bus master: model=dma", st->word);
	}
	return script_fail(c->error, st->line, st->word_off, near.best,
			   "the board has no device `%s`", st->word);
}

static bool bind(struct check *c, const struct stmt *st)
{
	if (!name_bindable(st->line, st->word_off, st->word, c->ctx.board, c->error))
		return false;
	names_set(c->ctx.names, st->word, number(0));
	return true;
}

static bool check_list(struct check *c, GPtrArray *stmts, unsigned int first);

static bool check_repeat(struct check *c, const struct stmt *st)
{
	bool had = st->word && g_hash_table_lookup(c->ctx.names, st->word), ok;

	if (st->word && !bind(c, st))
		return false;
	ok = check_list(c, st->body, 0);
	if (st->word && !had)
		g_hash_table_remove(c->ctx.names, st->word);
	return ok;
}

static bool check_stmt(struct check *c, const struct stmt *st)
{
	if (st->cpu >= 0 && (unsigned int)st->cpu >= c->ctx.board->n_cpus)
		return script_fail(c->error, st->line, 0, NULL, "the board has %u CPUs",
				   c->ctx.board->n_cpus);
	c->ctx.may_page = is_action(st->id) || st->id == CMD_LET;
	for (unsigned int i = 0; i < st->n_args; i++)
		if (!check_expr(c, st->arg[i]))
			return false;
	for (unsigned int i = 0; i < st->n_named; i++)
		if (!check_expr(c, st->named[i].value))
			return false;
	c->ctx.may_page = false;
	if (!check_outcomes(c, st))
		return false;
	if (st->id == CMD_DMA)
		return check_device(c, st);
	if (st->id == CMD_VM && st->verb == VERB_CREATE)
		return bind_vm(st->line, st->word_off, st->word, &c->ctx, c->error);
	if (st->id == CMD_LET)
		return bind(c, st);
	if (is_block(st->id))
		return check_list(c, st->body, 0) && check_list(c, st->clauses, 0);
	return st->id != CMD_REPEAT || check_repeat(c, st);
}

static bool check_list(struct check *c, GPtrArray *stmts, unsigned int first)
{
	for (guint i = first; i < stmts->len; i++)
		if (!check_stmt(c, stmts->pdata[i]))
			return false;
	return true;
}

bool check_statements(GPtrArray *stmts, unsigned int first, GHashTable *names,
		      const struct board_config *board, GError **error)
{
	struct check c = { .ctx = { .names = names_copy(names), .board = board }, .error = error };
	bool ok = check_list(&c, stmts, first);

	g_hash_table_unref(c.ctx.names);
	return ok;
}
