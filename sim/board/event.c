/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event bus: every visible step of the machine passes here when somebody
 * watches, and here alone a CPU may be switched.
 */
#include "board_private.h"

const char *const event_kind_name[N_EVENT_KINDS] = {
	[EV_LOCK] = "lock",   [EV_UNLOCK] = "unlock", [EV_LOAD] = "load",   [EV_STORE] = "store",
	[EV_TLBI] = "tlbi",   [EV_DSB] = "dsb",	      [EV_ISB] = "isb",	    [EV_ALLOC] = "alloc",
	[EV_FREE] = "free",   [EV_GET] = "get",	      [EV_PUT] = "put",	    [EV_ZERO] = "zero",
	[EV_CMO] = "cmo",     [EV_TRAP] = "trap",     [EV_ABORT] = "abort", [EV_ACCESS] = "access",
	[EV_PANIC] = "panic", [EV_CALL] = "call",     [EV_RET] = "ret",
};

/* The steps that another CPU can see; at the others nothing is switched. */
#define VISIBLE                                                                                    \
	(BIT(EV_LOCK) | BIT(EV_UNLOCK) | BIT(EV_LOAD) | BIT(EV_STORE) | BIT(EV_TLBI) |             \
	 BIT(EV_DSB) | BIT(EV_ISB) | BIT(EV_ALLOC) | BIT(EV_FREE) | BIT(EV_ACCESS))

static void tell_all(void *data, const struct event *ev)
{
	const struct audience *a = data;

	for (const struct listener *l = a->l; l->fn; l++)
		l->fn(l->data, ev);
}

/* It stays where it was written: the next is written beside it. */
static void keep_and_tell(void *data, const struct event *ev)
{
	const struct audience *a = data;
	struct event_ring *ring = a->p->ring;

	ring->count[ev->kind]++;
	a->p->ears.slot = &ring->ev[++ring->n & ring->mask];
	tell_all(data, ev);
}

/* Add @s, the last subscriber, to the lists of its kinds, or take it out of them. */
static void listen(struct board_private *p, const struct subscriber *s, bool on)
{
	for (u32 left = s->kinds & (BIT(N_EVENT_KINDS) - 1); left; left &= left - 1) {
		const unsigned int k = (unsigned int)__builtin_ctz(left);
		struct listener *l = p->audience[k].l;
		unsigned int n = 0;

		while (l[n].fn)
			n++;
		if (on)
			l[n] = (struct listener){ s->fn, s->data };
		l[on ? n + 1 : n - 1].fn = NULL;
	}
}

/* All of them is a range too: nothing is at the last address. */
static void update_loads(struct board *b)
{
	const bool all = b->kinds & BIT(EV_LOAD);

	b->loads_base = all ? 0 : b->some_loads_base;
	b->loads_size = all ? ~UINT64_C(0) : b->some_loads_size;
}

void board_update_watched(struct board *b)
{
	const struct board_private *p = b->priv;
	u32 told = 0;

	for (guint i = 0; i < p->subscribers->len; i++)
		if (!g_array_index(p->subscribers, struct subscriber, i).some)
			told |= g_array_index(p->subscribers, struct subscriber, i).kinds;
	b->kinds = p->ring ? ~0u : told;
	b->scheduled = p->sched.on;
	b->steps_from = p->sched.on ? 0 : b->step_limit ? b->step_limit : ~UINT64_C(0);
	update_loads(b);
	b->watched = b->kinds || p->subscribers->len || p->sched.on || b->step_limit;
}

/* Somebody else hears of events, or keeps them. */
void board_update_audience(struct board *b)
{
	struct board_private *p = b->priv;
	struct event_ring *ring = p->ring;

	p->ears.slot = ring ? &ring->ev[ring->n & ring->mask] : &p->ears.last;
	for (unsigned int k = 0; k < N_EVENT_KINDS; k++) {
		const struct listener *l = p->audience[k].l;
		const bool alone = !ring && l[0].fn && !l[1].fn;

		p->ears.of[k].fn = alone ? l->fn : ring ? keep_and_tell : tell_all;
		p->ears.of[k].data = alone ? l->data : &p->audience[k];
	}
	board_update_watched(b);
}

void board_keep_events(struct board *b, struct event_ring *ring)
{
	b->priv->ring = ring;
	board_update_audience(b);
}

void board_subscribe(struct board *b, event_fn fn, void *data)
{
	board_subscribe_kinds(b, ~0u, fn, data);
}

static void subscribe(struct board *b, const struct subscriber *s)
{
	struct board_private *p = b->priv;

	sim_assert(p->subscribers->len < BOARD_MAX_SUBSCRIBERS);
	g_array_append_vals(p->subscribers, s, 1);
	listen(p, s, true);
	board_update_audience(b);
}

void board_subscribe_kinds(struct board *b, u32 kinds, event_fn fn, void *data)
{
	subscribe(b, &(struct subscriber){ .kinds = kinds, .fn = fn, .data = data });
}

void board_subscribe_some(struct board *b, enum event_kind kind, event_look_fn heeds, event_fn fn,
			  void *data)
{
	struct event_ear *ear = &b->priv->ears.of[kind];

	sim_assert(LOOKED_AT & BIT(kind) && !ear->heeds);
	ear->heeds = heeds;
	ear->heeds_data = data;
	subscribe(b, &(struct subscriber){
			     .kinds = (u32)BIT(kind), .some = true, .fn = fn, .data = data });
}

void board_loads_from(struct board *b, u64 base, u64 size)
{
	b->some_loads_base = base;
	b->some_loads_size = size;
	update_loads(b);
}

void board_limit_steps(struct board *b, u64 limit)
{
	b->step_limit = limit;
	board_update_watched(b);
}

/* The last one leaves the ends of lists; before it the lists are made anew. */
void board_unsubscribe(struct board *b, event_fn fn, void *data)
{
	GArray *subs = b->priv->subscribers;
	struct subscriber *sub = (struct subscriber *)subs->data;
	guint at = 0;

	while (at < subs->len && (sub[at].fn != fn || sub[at].data != data))
		at++;
	if (at == subs->len)
		return;
	for (guint i = subs->len; i-- > at;)
		listen(b->priv, &sub[i], false);
	if (sub[at].some)
		b->priv->ears.of[__builtin_ctz(sub[at].kinds)].heeds = NULL;
	g_array_remove_index(subs, at);
	for (guint i = at; i < subs->len; i++)
		listen(b->priv, &sub[i], true);
	board_update_audience(b);
}

/* @fn: NULL for the innermost frame's. The arguments first: they are registers that are free then. */
static inline void post(struct cpu *cpu, u64 head, const char *what, u64 addr, u64 val, u64 old,
			const char *fn)
{
	const struct board *b = cpu->board;
	const u8 kind = (u8)head;
	const struct event_ears *ears = b->ears;
	const struct event_ear *ear = &ears->of[kind];
	struct event *slot = ears->slot;

	/* event_head() is four fields in a row, the first of them its lowest byte */
	G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);
	G_STATIC_ASSERT(offsetof(struct event, arg) == offsetof(struct event, kind) + 4);
	slot->what = what;
	slot->addr = addr;
	slot->val = val;
	slot->old = old;
	head |= (u64)cpu->id << 8;
	__builtin_memcpy(&slot->kind, &head, sizeof(head));
	slot->seq = b->seq;
	slot->fn = fn || !cpu->frame ? fn : cpu->frame->fn;
	ear->fn(ear->data, slot);
}

void event_post(struct cpu *cpu, u64 head, const char *what, u64 addr, u64 val, u64 old)
{
	post(cpu, head, what, addr, val, old, NULL);
}

void event_post_of(struct cpu *cpu, u64 head, const char *what, u64 addr, u64 val, u64 old,
		   const char *fn)
{
	post(cpu, head, what, addr, val, old, fn);
}

void event_step_slow(struct cpu *cpu, enum event_kind kind)
{
	struct board *b = cpu->board;

	/* Looks at a machine that stands still (probes, pressure) are no steps. */
	if (!b->watched || b->priv->sched.current != cpu)
		return;
	if (b->step_limit && b->seq >= b->step_limit)
		cpu_give_up(cpu);
	if (b->priv->sched.on && (VISIBLE & BIT(kind)))
		cpu_visible_step(cpu);
}
