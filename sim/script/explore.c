// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explore: a block under every schedule, what came of all of them, and the shortest
 * schedule for what broke.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block.h"

/* Runs that looking for a shorter schedule may take. */
#define MAX_SHORTER UINT64_C(2000000)

static const struct explore_options *options_of(const struct search *s)
{
	static const struct explore_options none;

	return s->k->r->opt->explore ? s->k->r->opt->explore : &none;
}

/* ---- Runs -------------------------------------------------------------------------------- */

#define ASK_EVERY 64u

static void tell_progress(const struct search *s)
{
	const struct explore_options *opt = options_of(s);

	if (opt->progress && !s->quiet)
		opt->progress(opt->data, s->x.runs, s->x.steps, s->x.deepest, s->x.left);
}

static bool stop(void *data)
{
	struct search *s = data;
	const struct explore_options *opt = options_of(s);
	const struct run_options *run = s->k->r->opt;

	if ((run->stop && *run->stop) || s->into->error)
		return true;
	if (s->asked++ % ASK_EVERY)
		return false;
	tell_progress(s);
	s->over |= opt->enough && opt->enough(opt->data);
	return s->over;
}

/* Steps up to and with the one in which that event was. */
static u32 steps_up_to(const struct x_run *run, u64 seq)
{
	return MIN(x_run_step_of(run, seq) + 1, x_run_steps(run));
}

/* A panic is where its CPU did its last step; who waits for a lock does so to the end. */
static u32 steps_to_panic(const struct block *k, const struct x_run *run)
{
	for (unsigned int i = 0; i < k->n; i++)
		if (k->line[i].out.kind == OUTCOME_PANIC)
			return x_run_last_of(run, k->line[i].deed.cpu);
	return x_run_steps(run);
}

static u32 steps_to_line(const struct block_line *l, const struct x_run *run)
{
	if (l->ended)
		return steps_up_to(run, l->seq);
	return l->out.kind == OUTCOME_PANIC ? x_run_last_of(run, l->deed.cpu) : x_run_steps(run);
}

/* Steps up to where the run shows it; what only its end can show takes all. */
static u32 steps_to(const struct block *k, const struct x_run *run, unsigned int bit)
{
	if (bit < BLOCK_MAX_LINES)
		return steps_to_line(&k->line[bit], run);
	if (bit >= BLOCK_MAX_LINES + N_RULES)
		return x_run_steps(run);
	for (unsigned int i = 0; i < k->n_violations; i++)
		if (k->violation[i].rule == bit - BLOCK_MAX_LINES && k->violation[i].event.seq)
			return steps_up_to(run, k->violation[i].event.seq);
	return k->panicked ? steps_to_panic(k, run) : x_run_steps(run);
}

/* A clause about a rule is shown where the rule is broken. */
static unsigned int shown_by(const struct tally *t, unsigned int bit)
{
	enum rule_id id = RULE_SPEC;
	const struct stmt *c;

	if (bit < BLOCK_MAX_LINES + N_RULES)
		return bit;
	c = t->clause[bit - BLOCK_MAX_LINES - N_RULES];
	return c->word && model_rule_find(c->word, &id) ? BLOCK_MAX_LINES + id : bit;
}

void shown_set(struct shown *s, GArray *moves, u32 forced, u32 steps)
{
	if (s->moves)
		g_array_unref(s->moves);
	*s = (struct shown){ moves, forced, steps };
}

/* Which of two ways as long comes first: the one whose first step that differs is of a lower
 * CPU, whatever order they were found in. */
static bool comes_first(const GArray *a, const GArray *b)
{
	for (guint i = 0; i < a->len && i < b->len; i++) {
		const struct x_move *x = &g_array_index(a, struct x_move, i);
		const struct x_move *y = &g_array_index(b, struct x_move, i);

		if (!x->what != !y->what)
			return !x->what;
		if (x->value != y->value)
			return x->value < y->value;
	}
	return a->len < b->len;
}

/* Fewest forced switches, then fewest steps. */
static int compare_lengths(const struct shown *s, u32 forced, u32 steps)
{
	if (!s->moves || forced != s->forced)
		return !s->moves || forced < s->forced ? -1 : 1;
	return steps < s->steps ? -1 : steps > s->steps;
}

void shown_keep(struct shown *s, GArray *moves, u32 forced, u32 steps)
{
	int order = compare_lengths(s, forced, steps);

	if (order < 0 || (!order && comes_first(moves, s->moves)))
		shown_set(s, moves, forced, steps);
	else
		g_array_unref(moves);
}

static void keep_if_shorter(struct search *s, const struct x_run *run, unsigned int bit)
{
	u32 steps = steps_to(s->k, run, shown_by(&s->t, bit)), forced = x_run_forced(run, steps);

	if (compare_lengths(&s->shown[bit], forced, steps) <= 0)
		shown_keep(&s->shown[bit], x_run_moves(run, steps), forced, steps);
}

/*
 * Where a way with so many switches is known for all that is wanted, a later switch makes none
 * that is shorter: what shows before it is shown without it, too.
 */
static u32 last_use_of_a_switch(const struct search *s, u32 forced)
{
	u32 last = 0;

	for (u64 left = s->wanted; left; left &= left - 1) {
		const struct shown *had = &s->shown[__builtin_ctzll(left)];

		if (had->forced > forced)
			return 0;
		if (had->forced == forced)
			last = MAX(last, had->steps);
	}
	return last;
}

static void on_end(void *data, const struct x_run *run)
{
	struct block *k = data;
	struct search *s = k->search;
	u64 shows;

	block_end(k);
	shows = tally_run(s->into) & s->wanted;
	for (u64 left = shows; left; left &= left - 1)
		keep_if_shorter(s, run, (unsigned int)__builtin_ctzll(left));
	if (s->level && shows)
		s->level->switch_before = last_use_of_a_switch(s, s->level->forced);
}

/* ---- The shortest ------------------------------------------------------------------------ */

/* With so many forced switches all that is wanted can be shown, but not yet with fewer? */
static bool all_within(const struct search *s, u32 forced)
{
	for (u64 left = s->wanted; left; left &= left - 1)
		if (s->shown[__builtin_ctzll(left)].forced > forced)
			return false;
	return true;
}

/* Every schedule with 0, 1, 2, ... forced switches, until there is one for all. */
static void find_shortest(struct search *s)
{
	struct tally again;
	u64 left = MAX_SHORTER;

	s->shortest = true;
	tally_init(&again, s->k);
	s->into = &again;
	for (u32 forced = 0; s->wanted && s->shortest; forced++) {
		struct x_interleave x = {
			.all = true, .forced = forced, .max_runs = left, .stop = stop, .data = s
		};

		s->level = &x;
		x_interleave(&x, &s->k->x);
		s->level = NULL;
		left -= MIN(left, x.runs);
		s->shortest = x.complete && left;
		if (all_within(s, forced))
			break;
	}
	s->into = &s->t;
	tally_clear(&again);
}

/* ---- Telling ----------------------------------------------------------------------------- */

/* Of the block and what it runs on: the same for two people who ran the same. */
static char *hash_of(const struct block *k)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	const struct el2_config *c = k->r->config;
	char *hash;

	for (unsigned int i = 0; i < k->n; i++)
		g_checksum_update(sum, (const guchar *)k->line[i].words,
				  (gssize)strlen(k->line[i].words) + 1);
	for (guint i = 0; i < k->st->clauses->len; i++) {
		char *text = stmt_text(k->st->clauses->pdata[i]);

		g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
		g_free(text);
	}
	g_checksum_update(sum, (const guchar *)c->profile->name, -1);
	g_checksum_update(sum, c->knob, sizeof(c->knob));
	g_checksum_update(sum, (const guchar *)c->bug, sizeof(c->bug));
	hash = g_strndup(g_checksum_get_string(sum), 32);
	g_checksum_free(sum);
	return hash;
}

static char *name_of(const struct block *k)
{
	char *name = g_path_get_basename(k->st->line->src->name);

	if (g_str_has_suffix(name, ".pkvm"))
		name[strlen(name) - 5] = '\0';
	return name;
}

static void append_shortest(const struct search *s, GString *out)
{
	for (u64 left = s->wanted; left; left &= left - 1) {
		unsigned int bit = (unsigned int)__builtin_ctzll(left);
		const struct shown *w = &s->shown[bit];
		char *what = tally_shown_words(&s->t, bit);
		char *moves =
			moves_words((const struct x_move *)(void *)w->moves->data, w->moves->len);

		g_string_append_printf(
			out, "%s for %s: %u step%s, %u forced switch%s\n    schedule %s\n",
			s->shortest ? "Shortest" : "Short", what, w->steps,
			w->steps == 1 ? "" : "s", w->forced, w->forced == 1 ? "" : "es", moves);
		g_free(what);
		g_free(moves);
	}
}

static void append_explored(const struct search *s, GString *out)
{
	const struct x_interleave *x = &s->x;

	g_string_append_printf(out,
			       "Explored %" G_GUINT64_FORMAT " interleaving%s of up to %u steps",
			       x->runs, x->runs == 1 ? "" : "s", x->deepest);
	if (!x->all)
		g_string_append(out, ", one of each set of equivalent ones");
	else if (x->forced != X_UNBOUNDED)
		g_string_append_printf(out, ", with at most %u forced switches", x->forced);
	if (options_of(s)->n_shards)
		g_string_append_printf(out, ", part %u of %u", options_of(s)->shard,
				       options_of(s)->n_shards);
	if (x->complete)
		g_string_append(out, ": complete\n");
	else
		g_string_append_printf(out,
				       ": NOT complete, at least %" G_GUINT64_FORMAT " are left\n",
				       MAX(x->left, 1u));
}

/* What happened under the shortest schedules: of what failed, or where it is asked for. */
static void append_listings(struct search *s, GString *out)
{
	u64 left = options_of(s)->listing ? s->wanted : s->wanted & tally_bad(&s->t);

	for (; left; left &= left - 1) {
		const struct shown *w = &s->shown[__builtin_ctzll(left)];
		char *what = tally_shown_words(&s->t, (unsigned int)__builtin_ctzll(left));
		char *list = block_listing(s->k, (const struct x_move *)(void *)w->moves->data,
					   w->moves->len);

		g_string_append_printf(out, "\n\nHow it comes to %s\n%s", what, list);
		g_free(what);
		g_free(list);
	}
}

/* The block as herd would tell of it, and listings. New string. */
static char *block_words(struct search *s, const char *hash)
{
	GString *out = g_string_new(NULL);
	char *name = name_of(s->k);

	tally_states(&s->t, name, out);
	tally_conditions(&s->t, name, out);
	append_shortest(s, out);
	append_explored(s, out);
	g_string_append_printf(out, "Hash=%s", hash);
	append_listings(s, out);
	g_free(name);
	return g_string_free(out, FALSE);
}

static bool tell_all(struct search *s, const char *words, GError **error)
{
	struct report_line l = { .kind = LINE_SHOW, .output = words };

	if (!tally_tell(&s->t, error))
		return false;
	run_tell(s->k->r, s->k->st, &l);
	return true;
}

/* The machine is left as the first schedule that broke something leaves it, or as the first. */
static void leave_behind(struct search *s)
{
	const u64 bad = tally_bad(&s->t);
	const GArray *moves = bad ? s->shown[__builtin_ctzll(bad)].moves : NULL;
	guint bad_move;

	s->k->may = BIT(MAY_ALLOC) | BIT(MAY_AT) | BIT(MAY_TLB);
	sim_assert(block_replay(s->k, moves ? (const struct x_move *)(void *)moves->data : NULL,
				moves ? moves->len : 0, &bad_move));
	block_remember(s->k);
	block_record(s->k);
}

/* ---- All of it, or parts ----------------------------------------------------------------- */

static bool merge(struct search *s, FILE *const *in, unsigned int n, const char *hash,
		  GError **error)
{
	s->x.complete = true;
	for (unsigned int i = 0; i < n; i++)
		if (!part_read(s, hash, in[i], error))
			return false;
	return true;
}

/* One of several processes: its share of what this one is to do goes to @fd. */
static void work(struct search *s, unsigned int job, int fd, const char *hash)
{
	const struct explore_options *opt = options_of(s);
	const u32 shards = MAX(opt->n_shards, 1u);
	FILE *out = fdopen(fd, "w");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	s->quiet = job > 0;
	s->x.shard = opt->shard + shards * job;
	s->x.n_shards = shards * opt->jobs;
	s->x.max_steps = opt->states ? MAX(opt->states / opt->jobs, 1u) : 0;
	x_interleave(&s->x, &s->k->x);
	if (s->t.error || !out)
		_exit(EXIT_INTERNAL);
	part_write(s, hash, out);
	_exit(fclose(out) ? EXIT_INTERNAL : EXIT_PASSED);
}

static bool search_in_jobs(struct search *s, const char *hash, GError **error)
{
	const unsigned int jobs = options_of(s)->jobs;
	FILE *in[MAX_JOBS] = { NULL };
	pid_t pid[MAX_JOBS];
	bool ok = true;
	int fd[2], status;

	fflush(NULL);
	for (unsigned int i = 0; i < jobs; i++) {
		if (pipe(fd))
			sim_bug(__FILE__, __LINE__, "no pipe to be had");
		pid[i] = fork();
		if (!pid[i]) {
			close(fd[0]);
			work(s, i, fd[1], hash);
		}
		close(fd[1]);
		in[i] = fdopen(fd[0], "r");
	}
	ok = merge(s, in, jobs, hash, error);
	for (unsigned int i = 0; i < jobs; i++) {
		fclose(in[i]);
		if (pid[i] > 0)
			waitpid(pid[i], &status, 0);
	}
	return ok;
}

/* While schedules are tried nobody but the oracle listens. */
static bool explore_all(struct search *s, const char *hash, GError **error)
{
	const struct explore_options *opt = options_of(s);
	struct board *b = s->k->r->m->board;
	bool ok = true;

	if (opt->begin)
		opt->begin(opt->data);
	recorder_detach(s->k->r->rec);
	s->into = &s->t;
	s->wanted = ~UINT64_C(0);
	if (opt->merge)
		ok = merge(s, opt->merge, opt->n_merge, hash, error);
	else if (opt->jobs > 1)
		ok = search_in_jobs(s, hash, error);
	else
		x_interleave(&s->x, &s->k->x);
	if (ok && opt->part)
		part_write(s, hash, opt->part);
	s->wanted = tally_bad(&s->t) | tally_witnesses(&s->t);
	if (ok && !s->t.error && !opt->n_shards)
		find_shortest(s);
	recorder_attach(s->k->r->rec, b);
	return ok;
}

bool block_explore(struct block *k, GError **error)
{
	struct search s = { .k = k };
	const struct explore_options *opt = options_of(&s);
	char *hash = hash_of(k), *words = NULL;
	bool ok;

	s.x = (struct x_interleave){ .all = k->st->forced != X_UNBOUNDED,
				     .forced = k->st->forced,
				     .shard = opt->shard,
				     .n_shards = opt->n_shards,
				     .max_steps = opt->states,
				     .stop = stop,
				     .data = &s };
	k->may = BIT(MAY_AT) | BIT(MAY_TLB) | (k->st->alloc_any ? BIT(MAY_ALLOC) : 0);
	k->search = &s;
	k->x.end = on_end;
	tally_init(&s.t, k);
	ok = explore_all(&s, hash, error);
	if (ok && !s.t.error)
		words = block_words(&s, hash);
	if (ok)
		leave_behind(&s);
	k->r->interrupted |= k->r->opt->stop && *k->r->opt->stop;
	ok = ok && tell_all(&s, words, error);
	for (unsigned int i = 0; i < N_SHOWS; i++)
		shown_set(&s.shown[i], NULL, 0, 0);
	tally_clear(&s.t);
	g_free(words);
	g_free(hash);
	return ok;
}
