// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The search: a path of choices, of which the last that has another possibility is
 * changed and all behind it forgotten, until none is left.
 */
#include <string.h>

#include "footprint.h"

/* A choice on the way. */
struct node {
	const char *what; /* NULL: which CPU steps */
	u32 value;
	u32 n;	  /* possibilities of another choice */
	u32 step; /* the step that is chosen, or in which it is */
	/* which CPU: a bit each */
	u32 can, todo, done, asleep;
	u32 forced;		   /* switches up to here, this one included */
	bool open;		   /* all of it is tried: races need nothing added */
	struct foot *foot[X_CPUS]; /* of the next step of those done */
	struct foot *more;	   /* of the one being tried, by other choices inside it */
};

struct x_run {
	struct x_interleave *x;
	const struct x_block *block;
	struct steps steps;
	GArray *path; /* struct node */
	u32 at;	      /* next choice of the run */
	int now;      /* CPU that stepped last, or -1 */
	u32 node;     /* of its step */
	u32 forced;
	u32 shard_depth, depth; /* choices of a CPU that are all tried; up to @at */
	u64 units;
	enum { RUN_WHOLE, RUN_ASLEEP, RUN_NOT_OURS } how;
};

static struct node *node_at(const struct x_run *r, u32 i)
{
	return &g_array_index(r->path, struct node, i);
}

static u32 lowest(u32 mask)
{
	return (u32)__builtin_ctz(mask);
}

/* ---- One run ----------------------------------------------------------------------------- */

/* Those whose next step was tried elsewhere, and is still the same: the last step was apart. */
static void fall_asleep(struct x_run *r, struct node *n)
{
	const struct node *up;
	u32 before;

	if (r->now < 0 || r->x->all)
		return;
	up = node_at(r, r->node);
	before = (up->asleep | up->done) & ~(u32)BIT(r->now);
	for (u32 left = before & n->can; left; left &= left - 1) {
		u32 c = lowest(left);

		/* owned by @up or by who @up has it from; both outlive @n */
		if (up->foot[c] && foot_independent(up->foot[c], &r->steps, up->step)) {
			n->asleep |= (u32)BIT(c);
			n->foot[c] = up->foot[c];
		}
	}
}

/* A CPU that could step is not left more often than allowed, nor later. */
static bool must_stay(const struct x_run *r)
{
	const struct x_interleave *x = r->x;

	return x->all && (r->forced >= x->forced ||
			  (x->switch_before && r->steps.step->len >= x->switch_before));
}

/* May the search go that way? */
static u32 allowed(const struct x_run *r, u32 can)
{
	return r->now >= 0 && can & BIT(r->now) && must_stay(r) ? (u32)BIT(r->now) : can;
}

/* The part of a search that is one shard's: by the first choices. */
static bool not_ours(struct x_run *r)
{
	if (!r->x->n_shards || r->depth != r->shard_depth)
		return false;
	return r->units++ % r->x->n_shards != r->x->shard;
}

static bool node_new(struct x_run *r, u32 can)
{
	struct node n = { .can = can, .step = r->steps.step->len };
	u32 ways;

	fall_asleep(r, &n);
	ways = allowed(r, can) & ~n.asleep;
	n.open = r->x->all || r->depth < r->shard_depth;
	if (!ways) {
		r->how = RUN_ASLEEP;
		return false;
	}
	if (not_ours(r)) {
		r->how = RUN_NOT_OURS;
		return false;
	}
	n.value = r->now >= 0 && ways & BIT(r->now) ? (u32)r->now : lowest(ways);
	n.todo = n.open ? ways : (u32)BIT(n.value);
	g_array_append_val(r->path, n);
	return true;
}

static int pick(void *data, u64 can)
{
	struct x_run *r = data;
	struct node *n;

	if (r->at == r->path->len && !node_new(r, (u32)can))
		return -1;
	n = node_at(r, r->at);
	sim_assert(!n->what && n->can == (u32)can);
	r->forced += r->now >= 0 && (u32)r->now != n->value && can & BIT(r->now);
	n->forced = r->forced;
	r->now = (int)n->value;
	r->node = r->at++;
	r->depth++;
	if (r->steps.step->len == n->step)
		steps_add(&r->steps, n->value, r->node);
	return r->now;
}

static u32 answer(void *data, u32 choices, const char *what)
{
	struct x_run *r = data;
	struct node n = { .what = what, .n = choices };
	struct node *had;

	n.step = node_at(r, r->node)->step;
	step_at(&r->steps, n.step)->asked = true;
	if (r->at == r->path->len)
		g_array_append_val(r->path, n);
	had = node_at(r, r->at++);
	sim_assert(had->what == what && had->n == choices);
	return had->value;
}

static void walked(void *data, pa_t desc)
{
	struct x_run *r = data;

	steps_walked(&r->steps, desc);
}

static void run_steps_event(void *data, const struct event *ev)
{
	struct x_run *r = data;

	steps_event(&r->steps, ev);
}

#define STEP_KINDS                                                                                 \
	(BIT(EV_LOCK) | BIT(EV_UNLOCK) | BIT(EV_LOAD) | BIT(EV_STORE) | BIT(EV_ZERO) |             \
	 BIT(EV_ACCESS) | BIT(EV_TLBI) | BIT(EV_DSB))

static void run_once(struct x_run *r)
{
	const struct board_scheduler by = { .pick = pick, .walked = walked, .data = r };
	struct board *b = r->block->b;

	r->at = 0;
	r->now = -1;
	r->forced = r->depth = 0;
	r->how = RUN_WHOLE;
	memset(r->steps.tlbi, 0, sizeof(r->steps.tlbi));
	r->block->start(r->block->data);
	board_schedule(b, &by);
	board_choose_ask(b, answer, r);
	board_subscribe_kinds(b, r->x->all ? 0 : STEP_KINDS, run_steps_event, r);
	board_run(b);
	board_unsubscribe(b, run_steps_event, r);
	board_schedule(b, NULL);
	board_choose_first(b);
}

/* ---- What else is to be tried ------------------------------------------------------------ */

/* The order of two steps could be the other: unless that is tried already, it is to be. */
static void race(void *data, u32 j, const struct racer *racer)
{
	struct x_run *r = data;
	struct node *n = node_at(r, step_at(&r->steps, j)->node);
	u32 first;

	if (n->open)
		return;
	first = steps_initials(&r->steps, j, racer) & n->can;
	sim_assert(first);
	if (first & n->todo)
		return;
	n->todo |= first & BIT(racer->cpu) ? (u32)BIT(racer->cpu) : first & -first;
}

static void node_clear(struct node *n)
{
	for (u32 left = n->done; left; left &= left - 1)
		g_free(n->foot[lowest(left)]);
	g_free(n->more);
}

/* What the step that was tried touched is kept, for those that sleep on it. */
static void node_done(struct x_run *r, struct node *n)
{
	if (!r->x->all)
		n->foot[n->value] = n->more ? foot_merge(n->more, &r->steps, n->step)
					    : foot_of(&r->steps, n->step);
	n->more = NULL;
	n->done |= (u32)BIT(n->value);
}

/* Another possibility of @n; false: there is none. */
static bool node_next(struct x_run *r, struct node *n)
{
	u32 left;

	if (n->what) {
		struct node *up = node_at(r, step_at(&r->steps, n->step)->node);

		if (n->value + 1 >= n->n)
			return false;
		if (!r->x->all)
			up->more = foot_merge(up->more, &r->steps, n->step);
		n->value++;
		return true;
	}
	node_done(r, n);
	left = n->todo & ~n->done & ~n->asleep;
	if (!left)
		return false;
	n->value = lowest(left);
	return true;
}

/* False: all was tried. */
static bool change_last(struct x_run *r)
{
	while (r->path->len) {
		struct node *n = node_at(r, r->path->len - 1);

		if (node_next(r, n)) {
			steps_truncate(&r->steps, n->step);
			return true;
		}
		node_clear(n);
		g_array_set_size(r->path, r->path->len - 1);
	}
	return false;
}

/* ---- All --------------------------------------------------------------------------------- */

static void count_run(struct x_run *r, u64 *ended)
{
	struct x_interleave *x = r->x;

	x->steps += r->steps.step->len;
	x->deepest = MAX(x->deepest, r->steps.step->len);
	/* ended before parts are told apart: a part by itself */
	if (r->how == RUN_WHOLE && x->n_shards && r->depth <= r->shard_depth &&
	    r->units++ % x->n_shards != x->shard)
		r->how = RUN_NOT_OURS;
	x->blocked += r->how == RUN_ASLEEP;
	*ended += r->how == RUN_WHOLE;
}

static u64 known_left(const struct x_run *r)
{
	u64 left = 0;

	for (u32 i = 0; i < r->path->len; i++) {
		const struct node *n = node_at(r, i);

		left += n->what ? n->n - 1 - n->value
				: (u64)__builtin_popcount(n->todo & ~n->done & ~n->asleep);
	}
	return left;
}

#define COUNT_LEFT_EVERY 1024u

static bool enough(const struct x_run *r)
{
	struct x_interleave *x = r->x;

	if (x->runs % COUNT_LEFT_EVERY == 0)
		x->left = known_left(r);
	return (x->max_runs && x->runs >= x->max_runs) ||
	       (x->max_steps && x->steps >= x->max_steps) || (x->stop && x->stop(x->data));
}

static void run_init(struct x_run *r, struct x_interleave *x, const struct x_block *block)
{
	*r = (struct x_run){ .x = x, .block = block };
	steps_init(&r->steps, block->b);
	r->steps.devices = block->devices;
	r->path = g_array_new(FALSE, FALSE, sizeof(struct node));
}

static void run_clear(struct x_run *r)
{
	for (u32 i = r->path->len; i--;)
		node_clear(node_at(r, i));
	g_array_unref(r->path);
	steps_clear(&r->steps);
}

static bool search(struct x_run *r)
{
	u32 from = 0;

	do {
		run_once(r);
		count_run(r, &r->x->runs);
		if (!r->x->all)
			steps_order(&r->steps, from, race, r);
		if (r->how == RUN_WHOLE && r->block->end)
			r->block->end(r->block->data, r);
		if (!change_last(r))
			return true;
		if (enough(r)) {
			r->x->left = known_left(r);
			return false;
		}
		from = node_at(r, r->path->len - 1)->step;
	} while (true);
}

/* How many first choices make parts enough, of which a shard does its own. */
#define PARTS_A_SHARD 16u
#define MAX_SHARD_DEPTH 24u

static u64 count_parts(const struct x_interleave *x, const struct x_block *block, u32 depth)
{
	const struct x_block counted = { .b = block->b,
					 .data = block->data,
					 .start = block->start };
	struct x_interleave none = *x;
	struct x_run r;
	u64 parts;

	none.n_shards = UINT32_MAX;
	none.shard = UINT32_MAX - 1;
	none.max_runs = none.max_steps = 0;
	none.stop = NULL;
	run_init(&r, &none, &counted);
	r.shard_depth = depth;
	search(&r);
	parts = r.units;
	run_clear(&r);
	return parts;
}

static u32 shard_depth(const struct x_interleave *x, const struct x_block *block)
{
	u32 depth = 1;

	while (depth < MAX_SHARD_DEPTH &&
	       count_parts(x, block, depth) < (u64)PARTS_A_SHARD * x->n_shards)
		depth++;
	return depth;
}

void x_interleave(struct x_interleave *x, const struct x_block *block)
{
	struct x_run r;

	sim_assert(block->b->n_cpus);
	run_init(&r, x, block);
	if (x->n_shards)
		r.shard_depth = shard_depth(x, block);
	x->complete = search(&r);
	if (x->complete)
		x->left = 0;
	run_clear(&r);
}

/* ---- What a run was ---------------------------------------------------------------------- */

u32 x_run_steps(const struct x_run *run)
{
	return run->steps.step->len;
}

u32 x_run_forced(const struct x_run *run, u32 steps)
{
	return steps ? node_at(run, step_at(&run->steps, steps - 1)->node)->forced : 0;
}

u32 x_run_last_of(const struct x_run *run, unsigned int cpu)
{
	u32 n = run->steps.step->len;

	while (n && step_at(&run->steps, n - 1)->cpu != cpu)
		n--;
	return n;
}

u32 x_run_step_of(const struct x_run *run, u64 seq)
{
	u32 lo = 0, hi = run->steps.step->len;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (step_at(&run->steps, mid)->seq < seq)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

GArray *x_run_moves(const struct x_run *run, u32 steps)
{
	GArray *moves = g_array_new(FALSE, FALSE, sizeof(struct x_move));

	for (u32 i = 0; i < run->at; i++) {
		const struct node *n = node_at(run, i);
		struct x_move m = { n->what, n->value };

		if (n->step >= steps)
			break;
		if (!n->what || n->value)
			g_array_append_val(moves, m);
	}
	return moves;
}

/* ---- One run by given choices ------------------------------------------------------------ */

struct replay {
	const struct x_move *move;
	guint n, at;
	int now;
	bool stuck, ended;
	const struct board *b;
	u64 seq;
	GArray *ran; /* or NULL */
};

static void has_run(struct replay *p, const char *what, u32 value)
{
	const struct x_move m = { what, value };

	if (p->ran)
		g_array_append_val(p->ran, m);
}

static int replay_pick(void *data, u64 can)
{
	struct replay *p = data;

	if (p->at == p->n && !p->ended) {
		p->ended = true;
		p->seq = p->b->seq;
	}
	if (p->at < p->n) {
		const struct x_move *m = &p->move[p->at];

		p->stuck = m->what || m->value >= 64 || !(can & BIT(m->value));
		if (p->stuck)
			return -1;
		p->at++;
		p->now = (int)m->value;
	} else if (p->now < 0 || !(can & BIT((unsigned int)p->now))) {
		p->now = __builtin_ctzll(can);
	}
	has_run(p, NULL, (u32)p->now);
	return p->now;
}

/* What is not said is 0. */
static u32 replay_answer(void *data, u32 n, const char *what)
{
	struct replay *p = data;
	const struct x_move *m = p->at < p->n ? &p->move[p->at] : NULL;

	if (!m || !m->what || strcmp(m->what, what) || m->value >= n)
		return 0;
	p->at++;
	has_run(p, what, m->value);
	return m->value;
}

bool x_replay(const struct x_block *block, const struct x_move *moves, guint n, guint *bad,
	      u64 *seq, GArray *ran)
{
	struct replay p = { .move = moves, .n = n, .now = -1, .b = block->b, .ran = ran };
	const struct board_scheduler by = { .pick = replay_pick, .data = &p };

	block->start(block->data);
	board_schedule(block->b, &by);
	board_choose_ask(block->b, replay_answer, &p);
	board_run(block->b);
	board_schedule(block->b, NULL);
	board_choose_first(block->b);
	*bad = p.at;
	*seq = p.ended ? p.seq : block->b->seq;
	return !p.stuck && p.at == n;
}
