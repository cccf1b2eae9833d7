// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each step touches, from the events that it caused, and the order that follows:
 * a step comes after those of its CPU, and after those that touched the same thing in a
 * way that matters. Clocks say so: for each CPU how many of its steps come before.
 */
#include <string.h>

#include "footprint.h"

/* Words end in 000, the rest in something else. */
#define KEY_LOCK 1u
#define KEY_TLB_S2 2u
#define KEY_TLB_EL2 4u
#define KEY_OWNERS 6u /* read by every store, any of which may say whose a page is */

#define NOBODY UINT32_MAX

/* The last to touch a thing, by CPU: in a way that conflicts with all, and in the other. */
struct seen {
	u64 key;
	u32 stamp;	     /* of the pass that it belongs to */
	u32 last[2][X_CPUS]; /* step + 1; 0: none. Locks: the last to take and to release it */
};

/* A step that another one directly comes after. */
struct before {
	u32 step;
	bool race;   /* the other order may be possible */
	u32 instead; /* ... and this step, its lock's release, is no reason against it */
};

/* ---- Recording --------------------------------------------------------------------------- */

void steps_init(struct steps *s, struct board *b)
{
	*s = (struct steps){ .b = b, .seen_bits = 8 };
	s->step = g_array_new(FALSE, FALSE, sizeof(struct step));
	s->touched = g_array_new(FALSE, FALSE, sizeof(struct touched));
	s->before = g_array_new(FALSE, FALSE, sizeof(struct before));
	s->seen = g_new0(struct seen, 1u << s->seen_bits);
}

void steps_clear(struct steps *s)
{
	g_array_unref(s->step);
	g_array_unref(s->touched);
	g_array_unref(s->before);
	g_free(s->seen);
}

void steps_truncate(struct steps *s, u32 n)
{
	if (n < s->step->len)
		g_array_set_size(s->touched, step_at(s, n)->first);
	g_array_set_size(s->step, n);
	s->record_from = n;
}

void steps_add(struct steps *s, unsigned int cpu, u32 node)
{
	struct step st = { .cpu = (u8)cpu, .node = node, .seq = s->b->seq };

	st.first = s->touched->len;
	g_array_append_val(s->step, st);
}

static void add(struct steps *s, u64 key, enum touch_way way)
{
	struct step *st = step_at(s, s->step->len - 1);
	struct touched t = { key, (u8)way };

	for (u32 i = st->first; i < s->touched->len && i < st->first + 8; i++) {
		struct touched *had = &g_array_index(s->touched, struct touched, i);

		if (had->key != key)
			continue;
		had->way = had->way == WAY_READ ? t.way : had->way;
		return;
	}
	g_array_append_val(s->touched, t);
	st->n++;
}

static void add_words(struct steps *s, u64 pa, u64 bytes, enum touch_way way)
{
	for (u64 word = ALIGN_DOWN(pa, 8); word < pa + bytes; word += 8)
		add(s, word, way);
}

static void add_tlbs(struct steps *s, enum touch_way way)
{
	add(s, KEY_TLB_S2, way);
	add(s, KEY_TLB_EL2, way);
}

static void add_store(struct steps *s, const struct event *ev)
{
	add_words(s, ev->addr, ev->arg, WAY_WRITE);
	if (s->devices)
		add(s, KEY_OWNERS, WAY_READ);
	/* it may have taken the place of a descriptor, which TLBs go on to hold */
	if (ev->arg == 8 && pte_valid(ev->old))
		add_tlbs(s, WAY_TLB_USE);
}

static void add_access(struct steps *s, const struct event *ev)
{
	bool write = g_str_has_suffix(ev->what, "write");
	u64 bytes = ev->arg ? ev->arg : ev->val; /* a device's whole transfer */

	add_words(s, ev->old, bytes, write ? WAY_WRITE : WAY_READ);
	if (s->devices && g_str_has_prefix(ev->what, "dma"))
		add(s, KEY_OWNERS, WAY_WRITE);
}

static void add_tlbi(struct steps *s, const struct event *ev)
{
	bool hyp = ev->sub == TLBI_VAE2IS || ev->sub == TLBI_VALE2IS || ev->sub == TLBI_ALLE2;

	add(s, hyp ? KEY_TLB_EL2 : KEY_TLB_S2, WAY_TLB_INV);
}

static u64 key_of_lock(const struct board *b, const char *name)
{
	const struct spinlock *l = b->locks;

	while (l && l->name != name)
		l = l->next;
	return (u64)(l ? l->rank : 0) << 3 | KEY_LOCK;
}

void steps_event(void *data, const struct event *ev)
{
	struct steps *s = data;
	bool completes = ev->kind == EV_DSB && s->tlbi[ev->cpu];

	if (ev->kind == EV_TLBI || ev->kind == EV_DSB)
		s->tlbi[ev->cpu] = ev->kind == EV_TLBI;
	if (s->step->len <= s->record_from)
		return;
	switch (ev->kind) {
	case EV_LOCK:
	case EV_UNLOCK:
		add(s, key_of_lock(s->b, ev->what), ev->kind == EV_LOCK ? WAY_LOCK : WAY_UNLOCK);
		break;
	case EV_LOAD:
		add_words(s, ev->addr, ev->arg, WAY_READ);
		break;
	case EV_STORE:
		add_store(s, ev);
		break;
	case EV_ZERO:
		add_words(s, ev->addr, ev->val, WAY_WRITE);
		break;
	case EV_ACCESS:
		add_access(s, ev);
		break;
	case EV_TLBI:
		add_tlbi(s, ev);
		break;
	case EV_DSB:
		/* the translations go at the latest now */
		if (completes)
			add_tlbs(s, WAY_TLB_INV);
		break;
	}
}

/* A walk reads a descriptor, and its TLB may have others. */
void steps_walked(struct steps *s, pa_t desc)
{
	if (s->step->len <= s->record_from)
		return;
	add(s, desc.pa, WAY_READ);
	add_tlbs(s, WAY_TLB_USE);
}

/* ---- Footprints -------------------------------------------------------------------------- */

struct foot *foot_of(const struct steps *s, u32 i)
{
	const struct step *st = step_at(s, i);
	struct foot *f = g_malloc(sizeof(*f) + st->n * sizeof(f->t[0]));

	f->n = st->n;
	if (st->n)
		memcpy(f->t, touched_at(s, st->first), st->n * sizeof(f->t[0]));
	return f;
}

struct foot *foot_merge(struct foot *f, const struct steps *s, u32 i)
{
	const struct step *st = step_at(s, i);
	u32 had = f ? f->n : 0;

	f = g_realloc(f, sizeof(*f) + (had + st->n) * sizeof(f->t[0]));
	f->n = had + st->n;
	if (st->n)
		memcpy(f->t + had, touched_at(s, st->first), st->n * sizeof(f->t[0]));
	return f;
}

bool foot_independent(const struct foot *f, const struct steps *s, u32 i)
{
	const struct step *st = step_at(s, i);

	for (u32 a = 0; a < f->n; a++)
		for (u32 k = st->first; k < st->first + st->n; k++)
			if (f->t[a].key == touched_at(s, k)->key &&
			    ways_conflict(f->t[a].way, touched_at(s, k)->way))
				return false;
	return true;
}

/* ---- Order ------------------------------------------------------------------------------- */

static void seen_grow(struct steps *s)
{
	struct seen *had = s->seen;
	u32 n = 1u << s->seen_bits;

	s->seen = g_new0(struct seen, (gsize)n * 4);
	s->seen_bits += 2;
	for (u32 i = 0; i < n; i++) {
		u32 at = (u32)(had[i].key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - s->seen_bits));

		if (had[i].stamp != s->stamp)
			continue;
		while (s->seen[at].stamp)
			at = (at + 1) & ((1u << s->seen_bits) - 1);
		s->seen[at] = had[i];
	}
	g_free(had);
}

static struct seen *seen_at(struct steps *s, u64 key)
{
	u32 at;

	if (s->n_seen * 2 >= 1u << s->seen_bits)
		seen_grow(s);
	at = (u32)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - s->seen_bits));
	while (s->seen[at].stamp == s->stamp && s->seen[at].key != key)
		at = (at + 1) & ((1u << s->seen_bits) - 1);
	if (s->seen[at].stamp != s->stamp) {
		s->seen[at] = (struct seen){ .key = key, .stamp = s->stamp };
		s->n_seen++;
	}
	return &s->seen[at];
}

struct befores {
	GArray *e; /* struct before */
	u32 n;
};

static struct before *before_at(const struct befores *all, u32 i)
{
	return &g_array_index(all->e, struct before, i);
}

static bool is_before(const struct steps *s, u32 j, u32 i)
{
	const struct step *a = step_at(s, j);

	return step_at(s, i)->clock[a->cpu] >= a->index;
}

static void note_before(struct befores *all, u32 step, bool race, u32 instead)
{
	const struct before b = { step, race, instead };

	for (u32 i = 0; i < all->n; i++) {
		struct before *had = before_at(all, i);

		if (had->step == step && had->instead == instead) {
			had->race &= race;
			return;
		}
	}
	g_array_set_size(all->e, all->n++);
	g_array_append_val(all->e, b);
}

static u32 newest(const u32 *last, unsigned int but)
{
	u32 max = 0;

	for (unsigned int c = 0; c < X_CPUS; c++)
		if (c != but && last[c] > max)
			max = last[c];
	return max;
}

/* Who takes a lock comes after who released it, and races with who took it. */
static void befores_of_lock(const struct seen *e, unsigned int cpu, struct befores *all)
{
	u32 taken = newest(e->last[0], cpu), released = newest(e->last[1], X_CPUS);
	u32 instead = released ? released - 1 : NOBODY;

	if (released)
		note_before(all, released - 1, false, NOBODY);
	if (taken)
		note_before(all, taken - 1, true, instead);
}

static void befores_of_touch(struct steps *s, const struct touched *t, unsigned int cpu,
			     struct befores *all)
{
	const struct seen *e = seen_at(s, t->key);

	if (t->way == WAY_LOCK)
		befores_of_lock(e, cpu, all);
	if (t->way == WAY_LOCK || t->way == WAY_UNLOCK)
		return;
	for (unsigned int c = 0; c < X_CPUS; c++) {
		if (c == cpu)
			continue;
		if (t->way == WAY_TLB_USE || t->way == WAY_TLB_INV) {
			u32 last = e->last[t->way == WAY_TLB_USE][c];

			if (last)
				note_before(all, last - 1, true, NOBODY);
			continue;
		}
		if (e->last[1][c])
			note_before(all, e->last[1][c] - 1, true, NOBODY);
		if (t->way == WAY_WRITE && e->last[0][c])
			note_before(all, e->last[0][c] - 1, true, NOBODY);
	}
}

/* @prior: the clock of the CPU's step before @i. */
static void tell_races(const struct steps *s, const struct befores *all, const u32 *prior,
		       const struct racer *racer, race_fn race, void *data)
{
	for (u32 k = 0; k < all->n; k++) {
		const struct before *e = before_at(all, k);
		const struct step *st = step_at(s, e->step);
		bool direct = e->race && prior[st->cpu] < st->index;

		for (u32 m = 0; direct && m < all->n; m++)
			direct = m == k || before_at(all, m)->step == e->step ||
				 before_at(all, m)->step == e->instead ||
				 !is_before(s, e->step, before_at(all, m)->step);
		if (direct)
			race(data, e->step, racer);
	}
}

static void join(u32 *clock, const struct step *st)
{
	for (unsigned int c = 0; c < X_CPUS; c++)
		clock[c] = MAX(clock[c], st->clock[c]);
}

static void remember_touch(struct steps *s, const struct touched *t, unsigned int cpu, u32 i)
{
	static const u8 class[] = { [WAY_READ] = 0,   [WAY_WRITE] = 1,	 [WAY_LOCK] = 0,
				    [WAY_UNLOCK] = 1, [WAY_TLB_USE] = 0, [WAY_TLB_INV] = 1 };

	seen_at(s, t->key)->last[class[t->way]][cpu] = i + 1;
}

/* A CPU that waits for ever would have raced with who has the lock. */
static void order_waiting(struct steps *s, const u32 clock[X_CPUS][X_CPUS], race_fn race,
			  void *data)
{
	struct befores all = { .e = s->before };

	for (unsigned int c = 0; c < s->b->n_cpus && c < X_CPUS; c++) {
		const struct spinlock *l = s->b->cpus[c].waits;
		struct racer racer = { s->step->len, c, clock[c] };

		if (!l || l->holder < 0 || l->holder == (s16)c)
			continue;
		all.n = 0;
		befores_of_lock(seen_at(s, (u64)l->rank << 3 | KEY_LOCK), c, &all);
		tell_races(s, &all, clock[c], &racer, race, data);
	}
}

void steps_order(struct steps *s, u32 from, race_fn race, void *data)
{
	u32 clock[X_CPUS][X_CPUS] = { { 0 } }, prior[X_CPUS];
	struct befores all = { .e = s->before };

	s->stamp++;
	s->n_seen = 0;
	for (u32 i = 0; i < s->step->len; i++) {
		struct step *st = step_at(s, i);
		u32 *mine = clock[st->cpu];
		struct racer racer = { i, st->cpu, st->clock };

		all.n = 0;
		memcpy(prior, mine, sizeof(prior));
		for (u32 k = st->first; k < st->first + st->n; k++)
			befores_of_touch(s, touched_at(s, k), st->cpu, &all);
		for (u32 k = 0; k < all.n; k++)
			if (!before_at(&all, k)->race || before_at(&all, k)->instead == NOBODY)
				join(mine, step_at(s, before_at(&all, k)->step));
		st->index = ++mine[st->cpu];
		memcpy(st->clock, mine, sizeof(st->clock));
		if (i >= from)
			tell_races(s, &all, prior, &racer, race, data);
		for (u32 k = st->first; k < st->first + st->n; k++)
			remember_touch(s, touched_at(s, k), st->cpu, i);
	}
	order_waiting(s, clock, race, data);
}

/* Does none of what stands in @first come before what has @clock? */
static bool comes_first(const struct steps *s, const u32 *first, const u32 *clock)
{
	for (unsigned int c = 0; c < X_CPUS; c++)
		if (first[c] && clock[c] >= step_at(s, first[c] - 1)->index)
			return false;
	return true;
}

u32 steps_initials(const struct steps *s, u32 j, const struct racer *racer)
{
	u32 first[X_CPUS] = { 0 }, can = 0;

	for (u32 k = j + 1; k < racer->step; k++) {
		const struct step *st = step_at(s, k);

		if (first[st->cpu] || is_before(s, j, k))
			continue;
		if (comes_first(s, first, st->clock))
			can |= (u32)BIT(st->cpu);
		first[st->cpu] = k + 1;
	}
	if (!first[racer->cpu] && comes_first(s, first, racer->clock))
		can |= (u32)BIT(racer->cpu);
	return can;
}
