// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks of CPUs: parallel, explore, schedule, and what may be said after their end.
 */
#include "block.h"

bool is_block(enum command_id id)
{
	return id == CMD_PARALLEL || id == CMD_EXPLORE;
}

bool is_clause(enum command_id id)
{
	return id == CMD_ALWAYS || id == CMD_NEVER || id == CMD_SOMETIMES;
}

bool parse_parallel(struct scan *s, struct stmt *st)
{
	st->body = program_ptrs(s->prog);
	st->clauses = program_ptrs(s->prog);
	st->forced = X_UNBOUNDED;
	return true;
}

static bool parse_preemptions(struct scan *s, struct stmt *st, const struct pair *pair)
{
	guint64 n;

	if (!g_ascii_string_to_unsigned(pair->value[0], 10, 0, X_UNBOUNDED - 1, &n, NULL))
		return scan_fail(s, pair->value_off[0], NULL, "a number is wanted here");
	st->forced = (u32)n;
	return true;
}

static bool parse_alloc(struct scan *s, struct stmt *st, const struct pair *pair)
{
	st->alloc_any = true;
	return !strcmp(pair->value[0], "any") ||
	       scan_fail(s, pair->value_off[0], "any", "only `alloc=any` is known");
}

bool parse_explore(struct scan *s, struct stmt *st)
{
	struct pair pair;
	struct nearest near;

	parse_parallel(s, st);
	while (!scan_end(s)) {
		if (!parse_pair(s, &pair))
			return false;
		nearest_init(&near, pair.name);
		nearest_try(&near, "preemptions");
		nearest_try(&near, "alloc");
		if (pair.n != 1)
			return scan_fail(s, pair.value_off[1], NULL, "one value is enough");
		if (strcmp(pair.name, "preemptions") && strcmp(pair.name, "alloc"))
			return scan_fail(s, pair.off, near.best, "`explore` takes no `%s=`",
					 pair.name);
		if (!(pair.name[0] == 'p' ? parse_preemptions : parse_alloc)(s, st, &pair))
			return false;
	}
	return true;
}

/* ---- schedule ------------------------------------------------------------------------------ */

/* N or N*TIMES, alloc, at, tlb=K. */
static bool parse_move(struct scan *s, struct stmt *st, const char *w, u32 off)
{
	if (!moves_add(st->moves, w))
		return scan_fail(s, off, NULL,
				 "a CPU's number is wanted here, or N*TIMES, and at most %u steps",
				 MAX_MOVES);
	while (st->moves_off->len < st->moves->len)
		g_array_append_val(st->moves_off, off);
	return true;
}

bool parse_schedule(struct scan *s, struct stmt *st)
{
	const char *w;
	u32 off;

	st->moves = program_array(s->prog, sizeof(struct x_move));
	st->moves_off = program_array(s->prog, sizeof(u32));
	while ((w = scan_word(s, &off)))
		if (!parse_move(s, st, w, off))
			return false;
	return st->moves->len || scan_fail(s, s->at, NULL, "the CPUs of the steps are missing");
}

/* ---- always, never, sometimes ------------------------------------------------------------------ */

static bool rule_next(struct scan *s)
{
	struct scan ahead = *s;
	const char *name;
	u32 off;

	name = scan_name(&ahead, &off);
	if (g_strcmp0(name, "violation"))
		return false;
	*s = ahead;
	return true;
}

bool parse_clause(struct scan *s, struct stmt *st)
{
	st->cond = program_array(s->prog, sizeof(struct cond));
	if (rule_next(s)) {
		if (st->id == CMD_ALWAYS)
			return scan_fail(s, st->off, "sometimes",
					 "a violation comes never or sometimes");
		st->word_off = s->at;
		st->word = parse_rule(s);
		if (!st->word)
			return false;
	} else {
		st->arg[0] = expr_parse(s);
		if (!st->arg[0])
			return false;
		st->n_args = 1;
	}
	return parse_bracket(s, st->cond);
}

/* ---- What may stand where -------------------------------------------------------------------------- */

/* What a CPU may do while others do something: EL2's calls, and accesses, devices' too. */
static bool may_be_parallel(const struct stmt *st)
{
	switch (st->id) {
	case CMD_HVC:
	case CMD_EL2:
	case CMD_HYP:
	case CMD_GUEST:
	case CMD_DMA:
		return true;
	case CMD_HOST:
		return st->verb == VERB_NONE;
	default:
		return false;
	}
}

static bool allows_line(const struct scan *s, const struct stmt *block, const struct stmt *st)
{
	if (st->id == CMD_SCHEDULE) {
		if (block->id != CMD_PARALLEL || block->body->len)
			return scan_fail(s, st->off, NULL,
					 "`schedule` is the first line of `parallel`");
		return true;
	}
	if (!may_be_parallel(st))
		return scan_fail(s, st->off, NULL,
				 "in a block of CPUs stand hvc, el2, hyp, guest, dma, and the "
				 "host's accesses");
	if (st->cpu < 0)
		return scan_fail(s, st->off, NULL, "in a block of CPUs every line has its `cpuN:`");
	if (st->cpu >= (int)X_CPUS)
		return scan_fail(s, 0, NULL, "in a block of CPUs only CPUs 0 to %u may act",
				 X_CPUS - 1);
	return true;
}

bool block_allows_expectation(const struct parser *ps, const struct scan *s,
			      const struct expectation *x)
{
	if (!x->violation->len || !ps->n_blocks || !is_block(ps->block[ps->n_blocks - 1]->id))
		return true;
	return scan_fail(s, x->off, NULL,
			 "a violation is said after the block's end: `sometimes violation RULE`");
}

bool block_allows(const struct parser *ps, const struct scan *s, const struct stmt *st)
{
	const struct stmt *block = ps->n_blocks ? ps->block[ps->n_blocks - 1] : NULL;

	if (is_clause(st->id)) {
		if (ps->interactive)
			return scan_fail(s, st->off, NULL,
					 "at the prompt the block has run already: this belongs in "
					 "a file");
		return ps->closed || scan_fail(s, st->off, NULL,
					       "this stands right after the `end` of `parallel` or "
					       "`explore`");
	}
	if (st->id == CMD_END && block && is_block(block->id) && !block->body->len)
		return scan_fail(s, st->off, NULL, "this block has no line");
	if (st->id == CMD_END)
		return true;
	if (block && is_block(block->id))
		return allows_line(s, block, st) &&
		       (!is_action(st->id) || !st->expect->len ||
			block_allows_expectation(ps, s, st->expect->pdata[0]));
	return st->id != CMD_SCHEDULE ||
	       scan_fail(s, st->off, NULL, "`schedule` is the first line of `parallel`");
}
