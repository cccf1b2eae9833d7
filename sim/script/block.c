// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parallel: the lines of several CPUs at once, under a schedule or by chance. What one
 * run of a block is, for explore too.
 */
#include "block.h"

/* ---- Making it ready --------------------------------------------------------------------- */

static bool add_line(struct block *k, const struct stmt *st, GError **error)
{
	struct block_line *l = &k->line[k->n];
	GString *words;
	bool ok;

	if (st->id == CMD_SCHEDULE)
		return true;
	if (k->n == BLOCK_MAX_LINES)
		return script_fail(error, st->line, st->off, NULL, "more than %u lines in a block",
				   BLOCK_MAX_LINES);
	words = g_string_new(NULL);
	l->st = st;
	ok = action_ready(k->r, st, &l->deed, words, error);
	l->words = g_string_free(words, FALSE);
	k->cpus |= (u32)BIT(l->deed.cpu);
	k->n++;
	return ok;
}

static s64 run_lines(struct cpu *cpu, void *arg)
{
	struct block *k = arg;

	for (unsigned int i = 0; i < k->n; i++) {
		struct block_line *l = &k->line[i];

		if (l->deed.cpu != cpu->id)
			continue;
		l->begun = true;
		l->out = l->deed.act(k->r->m, &l->deed);
		l->ended = true;
		l->seq = cpu->board->seq;
	}
	return 0;
}

static void start(void *data)
{
	struct block *k = data;
	struct board *b = k->r->m->board;

	x_back(k->r->m, &k->start);
	b->may = k->may;
	for (unsigned int i = 0; i < k->n; i++)
		k->line[i].begun = k->line[i].ended = false;
	for (u32 left = k->cpus; left; left &= left - 1)
		cpu_start(&b->cpus[__builtin_ctz(left)], run_lines, k);
}

static struct oracle_action told_of(const struct block_line *l)
{
	struct oracle_action a = l->deed.watch;

	if (l->deed.flow)
		a.kind = ORACLE_GUEST_ACCESS;
	return a;
}

/* The oracle is told before the state is kept: then each run finds it told. */
static void begin(struct block *k)
{
	struct oracle_part part[BLOCK_MAX_LINES] = { 0 };
	struct run *r = k->r;

	r->flow = false;
	if (r->oracle) {
		for (unsigned int i = 0; i < k->n; i++)
			part[i].action = told_of(&k->line[i]);
		r->m->hyp->view(r->m->el2);
		oracle_block_begin(r->oracle, part, k->n);
		r->watching = true;
	}
	x_save(r->m, &k->start);
}

/* A device reaches memory in this line, or may begin to. */
static bool drives_device(const struct block *k, const struct block_line *l)
{
	const struct mmio_window *w;

	if (l->deed.device || l->deed.access != MMU_WRITE)
		return l->deed.device;
	if (l->st->id != CMD_HOST)
		return l->st->id == CMD_HYP || l->st->id == CMD_GUEST;
	w = board_window_at(k->r->m->board, PA(l->deed.a.addr));
	return w && w->model == WINDOW_DMA;
}

bool block_init(struct block *k, struct run *r, const struct stmt *st, GError **error)
{
	*k = (struct block){ .r = r, .st = st };
	k->ran = g_array_new(FALSE, FALSE, sizeof(struct x_move));
	for (guint i = 0; i < st->body->len; i++)
		if (!add_line(k, st->body->pdata[i], error))
			return false;
	begin(k);
	k->x = (struct x_block){ .b = r->m->board, .data = k, .start = start };
	for (unsigned int i = 0; i < k->n; i++)
		k->x.devices |= drives_device(k, &k->line[i]);
	return true;
}

void block_clear(struct block *k)
{
	for (unsigned int i = 0; i < k->n; i++)
		g_free(k->line[i].words);
	g_array_unref(k->ran);
	if (k->start.snapshot)
		x_drop(k->r->m, &k->start);
	if (k->r->m)
		k->r->m->board->may = 0;
	if (k->r->watching && k->r->oracle)
		oracle_block_over(k->r->oracle);
	k->r->watching = false;
}

/* ---- What a run came to ------------------------------------------------------------------ */

/* A line that never ended: its CPU's stack was dropped in it, or never came to it. */
static enum outcome_kind cut_short(const struct block *k, const struct block_line *l)
{
	static const enum outcome_kind of_end[] = {
		[CPU_END_RETURNED] = OUTCOME_NOT_RUN,
		[CPU_END_DIED] = OUTCOME_PANIC,
		[CPU_END_HUNG] = OUTCOME_HANG,
		[CPU_END_GAVE_UP] = OUTCOME_GAVE_UP,
	};
	enum cpu_end end = cpu_result(&k->x.b->cpus[l->deed.cpu], NULL);

	if (!l->begun)
		return OUTCOME_NOT_RUN;
	/* who waits for what a dead CPU held hangs for another's fault */
	if (end == CPU_END_HUNG && k->panicked)
		return OUTCOME_NOT_RUN;
	return of_end[end];
}

static void ask_oracle(struct block *k)
{
	struct oracle_part part[BLOCK_MAX_LINES];
	struct run *r = k->r;
	unsigned int n = 0;

	k->digest = 0;
	k->n_violations = 0;
	if (!r->oracle)
		return;
	for (unsigned int i = 0; i < k->n; i++) {
		const struct block_line *l = &k->line[i];

		if (!l->begun)
			continue;
		part[n++] =
			(struct oracle_part){ told_of(l), x_told_end(&l->out), (s64)l->out.value };
	}
	r->m->hyp->view(r->m->el2);
	k->digest = oracle_block_end(r->oracle, part, n);
	k->violation = oracle_violations(r->oracle, &k->n_violations);
}

void block_end(struct block *k)
{
	k->panicked = false;
	for (u32 left = k->cpus; left; left &= left - 1)
		k->panicked |= cpu_result(&k->x.b->cpus[__builtin_ctz(left)], NULL) == CPU_END_DIED;
	for (unsigned int i = 0; i < k->n; i++)
		if (!k->line[i].ended)
			k->line[i].out = (struct outcome){ .kind = cut_short(k, &k->line[i]) };
	k->r->m->dead |= k->panicked;
	ask_oracle(k);
}

bool block_replay(struct block *k, const struct x_move *moves, guint n, guint *bad)
{
	u64 seq;
	struct recorder *rec = k->r->rec;
	bool ok;

	recorder_begin(rec);
	g_array_set_size(k->ran, 0);
	ok = x_replay(&k->x, moves, n, bad, &seq, k->ran);
	recorder_end(rec);
	block_end(k);
	return ok;
}

/* ---- By chance --------------------------------------------------------------------------- */

struct chance {
	struct board *b;
	GArray *ran;
};

static int pick_any(void *data, u64 can)
{
	struct chance *c = data;
	unsigned int n = (unsigned int)__builtin_popcountll(can), i = 0;
	struct x_move m = { NULL, 0 };

	if (n > 1)
		i = board_choose(c->b, n, "cpu");
	while (i--)
		can &= can - 1;
	m.value = (u32)__builtin_ctzll(can);
	g_array_append_val(c->ran, m);
	return (int)m.value;
}

void block_chance(struct block *k)
{
	struct chance c = { .b = k->x.b, .ran = k->ran };
	const struct board_scheduler by = { .pick = pick_any, .data = &c };

	g_array_set_size(k->ran, 0);
	recorder_begin(k->r->rec);
	start(k);
	board_schedule(c.b, &by);
	board_run(c.b);
	board_schedule(c.b, NULL);
	recorder_end(k->r->rec);
	block_end(k);
}

/* ---- Telling ----------------------------------------------------------------------------- */

void block_line_name(const struct block_line *l, GString *out)
{
	const struct stmt *st = l->st;
	static const char *const access[] = { "read", "write", "exec" };

	g_string_append_printf(out, "%u:", l->deed.cpu);
	if (st->id == CMD_HVC || st->id == CMD_EL2)
		g_string_append(out, st->word);
	else if (st->id == CMD_GUEST && st->verb == VERB_HVC)
		g_string_append_printf(out, "%s %s", st->word, st->call);
	else
		g_string_append_printf(out, "%s %s",
				       st->id == CMD_GUEST ? st->word
							   : script_commands()[st->id].name,
				       access[st->access]);
}

void block_remember(struct block *k)
{
	struct run *r = k->r;

	for (unsigned int i = 0; i < k->n; i++) {
		const struct block_line *l = &k->line[i];

		if (!l->begun)
			continue;
		r->has_last = true;
		r->last = l->out;
		r->cpu_acted[l->deed.cpu] = true;
		r->cpu_last[l->deed.cpu] = l->out;
	}
}

void block_record(struct block *k)
{
	struct recording *rec = k->r->recording;
	char *schedule, *text = NULL;

	if (!rec)
		return;
	schedule = moves_words((const struct x_move *)(void *)k->ran->data, k->ran->len);
	record_block(rec, schedule);
	for (unsigned int i = 0; i < k->n; i++)
		record_block_line(rec, k->line[i].words, &k->line[i].out);
	record_block(rec, NULL);
	for (unsigned int i = 0; i < k->n_violations; i++) {
		text = g_strdup_printf("violation %s", model_rules[k->violation[i].rule].name);
		record_text(rec, "sometimes", text);
		g_free(text);
	}
	g_free(schedule);
}

static bool tell_one(struct block *k, GError **error)
{
	struct tally t;
	bool ok;

	tally_init(&t, k);
	tally_run(&t);
	ok = tally_tell(&t, error);
	tally_clear(&t);
	return ok;
}

/* Why a CPU does not take the step that the schedule gives it, as the machine stands. */
static char *why_not(const struct block *k, u32 cpu)
{
	const struct board *b = k->x.b;
	const struct spinlock *l;

	if (cpu >= b->n_cpus || !(k->cpus & BIT(cpu)))
		return g_strdup_printf("CPU %u has no line in this block", cpu);
	l = b->cpus[cpu].waits;
	if (l && l->holder >= 0)
		return g_strdup_printf("CPU %u cannot step here: it waits for %s, which CPU %d "
				       "took in %s()",
				       cpu, l->name, l->holder, l->fn ? l->fn : "?");
	return g_strdup_printf("CPU %u cannot step here: it is done", cpu);
}

static bool impossible(const struct block *k, const struct stmt *schedule, guint bad,
		       GError **error)
{
	const GArray *moves = schedule->moves;
	const struct x_move *m = &g_array_index(moves, struct x_move, MIN(bad, moves->len - 1));
	const u32 at = g_array_index(schedule->moves_off, u32, MIN(bad, moves->len - 1));
	char *text = m->what ? g_strdup("nothing of that kind can happen in this step")
			     : why_not(k, m->value);

	script_fail(error, schedule->line, at, NULL, "%s", text);
	g_free(text);
	return false;
}

static bool run_parallel(struct block *k, GError **error)
{
	const struct stmt *first = k->st->body->pdata[0];
	guint bad;

	if (first->id != CMD_SCHEDULE) {
		block_chance(k);
		block_record(k);
		return tell_one(k, error);
	}
	/* what may happen is said by the schedule, and does not happen else */
	k->may = BIT(MAY_ALLOC) | BIT(MAY_AT) | BIT(MAY_TLB);
	if (!block_replay(k, (const struct x_move *)(void *)first->moves->data, first->moves->len,
			  &bad))
		return impossible(k, first, bad, error);
	block_record(k);
	return tell_one(k, error);
}

/* After a panic no line of a block is carried out, and nothing is said of it. */
static void tell_not_run(struct run *r, const struct stmt *st)
{
	struct report_line l = { .kind = LINE_ACTION,
				 .judged = true,
				 .verdict = VERDICT_NOT_RUN,
				 .outcome.kind = OUTCOME_NOT_RUN,
				 .got = outcome_name[OUTCOME_NOT_RUN],
				 .cell = outcome_name[OUTCOME_NOT_RUN] };

	for (guint i = 0; i < st->body->len; i++)
		if (is_action(((const struct stmt *)st->body->pdata[i])->id))
			run_tell(r, st->body->pdata[i], &l);
}

bool exec_block(struct run *r, const struct stmt *st, GError **error)
{
	g_autofree char *why = NULL;
	struct block k;
	bool ok;

	if (!offered(r, st, &why))
		return script_fail(error, st->line, st->off, NULL, "%s", why);
	if (r->m && r->m->dead) {
		tell_not_run(r, st);
		return true;
	}
	ok = block_init(&k, r, st, error);
	if (ok)
		ok = st->id == CMD_PARALLEL ? run_parallel(&k, error) : block_explore(&k, error);
	block_clear(&k);
	return ok;
}
