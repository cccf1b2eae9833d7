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

static unsigned int listeners_count(const struct event_listeners *l)
{
	unsigned int n = 0;

	while (l->l[n].fn)
		n++;
	return n;
}

/* Add @s, the last subscriber, to the lists of its kinds, or take it out of them. */
static void listen(struct board_private *p, const struct subscriber *s, bool on)
{
	for (u32 left = s->kinds & (BIT(N_EVENT_KINDS) - 1); left; left &= left - 1) {
		struct event_listeners *l = &p->listeners[__builtin_ctz(left)];
		unsigned int n = listeners_count(l);

		if (on)
			l->l[n] = (struct event_listener){ s->fn, s->data };
		l->l[on ? n + 1 : n - 1].fn = NULL;
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
	b->ring = p->ring;
	b->kinds = p->ring == &p->last ? told : ~0u;
	b->scheduled = p->sched.on;
	b->steps_from = p->sched.on ? 0 : b->step_limit ? b->step_limit : ~UINT64_C(0);
	update_loads(b);
	b->watched = b->kinds || p->subscribers->len || p->sched.on || b->step_limit;
}

void board_keep_events(struct board *b, struct event_ring *ring)
{
	b->priv->ring = ring ? ring : &b->priv->last;
	board_update_watched(b);
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
	board_update_watched(b);
}

void board_subscribe_kinds(struct board *b, u32 kinds, event_fn fn, void *data)
{
	subscribe(b, &(struct subscriber){ .kinds = kinds, .fn = fn, .data = data });
}

void board_subscribe_loads(struct board *b, event_fn fn, void *data)
{
	subscribe(b, &(struct subscriber){
			     .kinds = BIT(EV_LOAD), .some = true, .fn = fn, .data = data });
}

void board_subscribe_some(struct board *b, enum event_kind kind, event_look_fn heeds, event_fn fn,
			  void *data)
{
	struct event_listeners *l = &b->priv->listeners[kind];

	sim_assert(LOOKED_AT & BIT(kind) && !l->heeds);
	l->heeds = heeds;
	l->data = data;
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
		b->priv->listeners[__builtin_ctz(sub[at].kinds)].heeds = NULL;
	g_array_remove_index(subs, at);
	for (guint i = at; i < subs->len; i++)
		listen(b->priv, &sub[i], true);
	board_update_watched(b);
}

void event_tell(const struct event_listener *l, const struct event *ev)
{
	for (; l->fn; l++)
		l->fn(l->data, ev);
}

void event_step_slow(struct cpu *cpu, enum event_kind kind)
{
	struct board *b = cpu->board;

	/* Looks at a machine that stands still (probes, pressure) are no steps. */
	if (b->priv->sched.current != cpu)
		return;
	if (b->step_limit && b->seq >= b->step_limit)
		cpu_give_up(cpu);
	if (b->priv->sched.on && (VISIBLE & BIT(kind)))
		cpu_visible_step(cpu);
}
