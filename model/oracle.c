// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The oracle as others see it: made, told of actions and events, asked for
 * breaches. It subscribes once and hands events to the fold and to the checkers.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "oracle_impl.h"

const char *const check_mode_name[] = {
	[CHECK_OFF] = "off",
	[CHECK_ON] = "on",
	[CHECK_PARANOID] = "paranoid",
};

/* In the order in which they are told of things. */
enum { LOCK, GONE, BBM, TLB, REFCOUNT, LIFETIME, CONFIDENTIAL, RANGE, ENTRY, BOOKS };

static const struct checker *const checkers[] = {
	[LOCK] = &lock_checker,
	[GONE] = &gone_checker,
	[BBM] = &bbm_checker,
	[TLB] = &tlb_checker,
	[REFCOUNT] = &refcount_checker,
	[LIFETIME] = &lifetime_checker,
	[CONFIDENTIAL] = &confidential_checker,
	[RANGE] = &range_checker,
	[ENTRY] = &entry_checker,
	[BOOKS] = &books_checker,
	NULL,
};

/* ---- Events ------------------------------------------------------------------------- */

#define FOLD_KINDS (BIT(EV_ZERO) | BIT(EV_ACCESS) | BIT(EV_ALLOC))

/*
 * Who hears of what is settled where this is compiled: @which, @kind and @part are
 * constants but for kinds that are rare.
 */
#define settled static inline __attribute__((always_inline)) void

settled tell_store(unsigned int which, struct oracle *o, unsigned int part, bool valid,
		   const struct event *ev, const struct place *at)
{
	const struct checker *c = checkers[which];
	const u32 wants = (u32)(valid ? VALID_ENTRIES : BIT(part));

	if (c->store && (c->stores & wants || (!valid && !c->stores)))
		c->store(o, o->checker_state[which], ev, at);
}

/* Each in turn, without a loop: see above. */
#define FOR_EACH_CHECKER(fn, ...)                                                                  \
	do {                                                                                       \
		fn(LOCK, __VA_ARGS__);                                                             \
		fn(GONE, __VA_ARGS__);                                                             \
		fn(BBM, __VA_ARGS__);                                                              \
		fn(TLB, __VA_ARGS__);                                                              \
		fn(REFCOUNT, __VA_ARGS__);                                                         \
		fn(LIFETIME, __VA_ARGS__);                                                         \
		fn(CONFIDENTIAL, __VA_ARGS__);                                                     \
		fn(RANGE, __VA_ARGS__);                                                            \
		fn(ENTRY, __VA_ARGS__);                                                            \
		fn(BOOKS, __VA_ARGS__);                                                            \
	} while (0)

settled tell_event(unsigned int which, struct oracle *o, unsigned int kind, const struct event *ev)
{
	const struct checker *c = checkers[which];

	if (ev->kind != kind)
		__builtin_unreachable();
	if (c->event && c->kinds & BIT(kind))
		c->event(o, o->checker_state[which], ev);
}

settled tell_events(struct oracle *o, unsigned int kind, const struct event *ev)
{
	FOR_EACH_CHECKER(tell_event, o, kind, ev);
}

/* Most stores that are none into a table say nothing to anybody. */
#define in_short static inline __attribute__((always_inline)) bool

in_short may_say(unsigned int which, const struct oracle *o, unsigned int part,
		 const struct event *ev, const struct place *at)
{
	const struct checker *c = checkers[which];

	if (!c->store || (c->stores && !(c->stores & BIT(part))))
		return false;
	return !c->heeds_store ||
	       c->heeds_store((struct oracle *)o, o->checker_state[which], ev, at);
}

in_short any_may_say(const struct oracle *o, unsigned int part, const struct event *ev,
		     const struct place *at)
{
	return may_say(LOCK, o, part, ev, at) || may_say(GONE, o, part, ev, at) ||
	       may_say(BBM, o, part, ev, at) || may_say(TLB, o, part, ev, at) ||
	       may_say(REFCOUNT, o, part, ev, at) || may_say(LIFETIME, o, part, ev, at) ||
	       may_say(CONFIDENTIAL, o, part, ev, at) || may_say(RANGE, o, part, ev, at) ||
	       may_say(ENTRY, o, part, ev, at) || may_say(BOOKS, o, part, ev, at);
}

/* What plays no part: EL2's data, the free lists of its pools. */
static __attribute__((noinline)) void take_plain(struct oracle *o, const struct event *ev)
{
	const u64 frame = ev->addr >> o->shift;
	struct place at;

	at.part.part = PART_NONE;
	if (frame < o->n_frames && fold_soils(o, part_at(o, frame), ev))
		fold_soiled(o, frame);
	if (likely(o->fold.live) && frame < o->n_frames && unlikely(fold_hosts_alone(o, frame)))
		fold_alien_write(o, frame, ev);
	FOR_EACH_CHECKER(tell_store, o, PART_NONE, false, ev, &at);
}

settled on_plain(struct oracle *o, const struct event *ev, const struct part_entry *p)
{
	struct place at;

	at.part.part = PART_NONE;
	if (unlikely(fold_soils(o, p, ev) || fold_hosts_alone(o, ev->addr >> o->shift)) ||
	    any_may_say(o, PART_NONE, ev, &at))
		take_plain(o, ev);
}

settled place_of_record(const struct oracle *o, const struct part_entry *p, const struct event *ev,
			struct place *at)
{
	at->part.part = PART_VMEMMAP;
	at->part.ia = p->ia;
	check_record_place(&o->record, ev->addr, ev->arg, at);
}

static __attribute__((noinline)) void take_record(struct oracle *o, const struct event *ev,
						  const struct part_entry *p)
{
	struct place at;

	place_of_record(o, p, ev, &at);
	if (likely(o->fold.live) && !fold_ignores_record(o, ev, &at))
		fold_record_store(o, ev, at.frame, at.field);
	FOR_EACH_CHECKER(tell_store, o, PART_VMEMMAP, false, ev, &at);
}

settled on_record(struct oracle *o, const struct event *ev, const struct part_entry *p)
{
	struct place at;

	place_of_record(o, p, ev, &at);
	if (!fold_ignores_record(o, ev, &at) || any_may_say(o, PART_VMEMMAP, ev, &at))
		take_record(o, ev, p);
}

/* An entry was there, or is now. */
static __attribute__((noinline)) void on_valid_entry(struct oracle *o, const struct event *ev,
						     struct place *at)
{
	at->d = check_desc_at(o, ev->addr, &at->part);
	FOR_EACH_CHECKER(tell_store, o, PART_HOST_TABLE, true, ev, at);
}

static __attribute__((noinline)) void on_entry(struct oracle *o, const struct event *ev,
					       const struct part_entry *p)
{
	struct place at;

	at.part = part_of(p);
	if (!check_is_table(&at.part))
		__builtin_unreachable();
	if (likely(o->fold.live))
		fold_table_store(o, ev, &at.part);
	FOR_EACH_CHECKER(tell_store, o, PART_HOST_TABLE, false, ev, &at);
	if (ev->arg == 8 && pte_valid(ev->old | ev->val))
		on_valid_entry(o, ev, &at);
}

static void on_store(void *data, const struct event *ev)
{
	struct oracle *o = data;
	const u64 frame = ev->addr >> o->shift;
	const struct part_entry *p;

	if (ev->kind != EV_STORE)
		__builtin_unreachable();
	if (unlikely(frame >= o->n_frames)) {
		take_plain(o, ev);
		return;
	}
	G_STATIC_ASSERT(N_PARTS == 5); /* the last case is of tables */
	p = part_at(o, frame);
	if (p->part == PART_VMEMMAP)
		on_record(o, ev, p);
	else if (p->part == PART_NONE)
		on_plain(o, ev, p);
	else
		on_entry(o, ev, p);
}

/* What a table page's life is made of has a case of its own; the kind is a constant there. */
static void on_rare(void *data, const struct event *ev)
{
	struct oracle *o = data;

	switch (ev->kind) {
	case EV_ZERO:
		if (!fold_ignores_zero(o, ev))
			fold_zero(o, ev);
		tell_events(o, EV_ZERO, ev);
		break;
	case EV_ALLOC:
		o->fold.alloc_failed |= !ev->addr;
		tell_events(o, EV_ALLOC, ev);
		break;
	case EV_FREE:
		tell_events(o, EV_FREE, ev);
		break;
	case EV_CALL:
		boot_event(o, ev);
		tell_events(o, EV_CALL, ev);
		break;
	case EV_RET:
		tell_events(o, EV_RET, ev);
		break;
	case EV_ACCESS:
		fold_access(o, ev);
		if (o->current && g_str_has_prefix(ev->what, "dma"))
			judge_dma(o, ev);
		tell_events(o, EV_ACCESS, ev);
		break;
	default:
		tell_events(o, ev->kind, ev);
	}
}

static void on_lock(void *data, const struct event *ev)
{
	struct oracle *o = data;

	o->fold.stuck |= ev->sub == EV_LOCK_NEVER;
	tell_events(o, EV_LOCK, ev);
}

static void on_unlock(void *data, const struct event *ev)
{
	tell_events(data, EV_UNLOCK, ev);
}

static void on_get(void *data, const struct event *ev)
{
	tell_events(data, EV_GET, ev);
}

static void on_put(void *data, const struct event *ev)
{
	tell_events(data, EV_PUT, ev);
}

static void on_tlbi(void *data, const struct event *ev)
{
	tell_events(data, EV_TLBI, ev);
}

static void on_dsb(void *data, const struct event *ev)
{
	tell_events(data, EV_DSB, ev);
}

static void on_load(void *data, const struct event *ev)
{
	tell_events(data, EV_LOAD, ev);
}

/* ---- Before an event is written down: does it say anything? ------------------------------- */

/* 0 or 1: all are asked, so that each keeps its books. */
#define asked static inline __attribute__((always_inline)) unsigned int

asked heeds_event(unsigned int which, struct oracle *o, unsigned int kind,
		  const struct raw_event *r)
{
	const struct checker *c = checkers[which];

	if (!c->event || !(c->kinds & BIT(kind)))
		return false;
	return !c->heeds || c->heeds(o, o->checker_state[which], kind, r);
}

#define ANY_CHECKER(fn, ...)                                                                       \
	(fn(LOCK, __VA_ARGS__) | fn(GONE, __VA_ARGS__) | fn(BBM, __VA_ARGS__) |                    \
	 fn(TLB, __VA_ARGS__) | fn(REFCOUNT, __VA_ARGS__) | fn(LIFETIME, __VA_ARGS__) |            \
	 fn(CONFIDENTIAL, __VA_ARGS__) | fn(RANGE, __VA_ARGS__) | fn(ENTRY, __VA_ARGS__) |         \
	 fn(BOOKS, __VA_ARGS__))

#define DEFINE_HEEDS(name, kind)                                                                   \
	static bool name(void *data, const struct cpu *cpu, u64 addr, u64 val, u64 old, u32 arg)   \
	{                                                                                          \
		const struct raw_event r = { cpu, addr, val, old, arg };                           \
                                                                                                   \
		return ANY_CHECKER(heeds_event, data, kind, &r);                                   \
	}

DEFINE_HEEDS(heeds_lock, EV_LOCK)
DEFINE_HEEDS(heeds_unlock, EV_UNLOCK)
DEFINE_HEEDS(heeds_get, EV_GET)
DEFINE_HEEDS(heeds_put, EV_PUT)
DEFINE_HEEDS(heeds_dsb, EV_DSB)
DEFINE_HEEDS(heeds_load, EV_LOAD)

/* What comes often is heard by a function of its own, and asked about first. */
static const struct {
	enum event_kind kind;
	event_look_fn heeds;
	event_fn fn;
} often[] = {
	{ EV_STORE, NULL, on_store },	  { EV_TLBI, NULL, on_tlbi },
	{ EV_LOCK, heeds_lock, on_lock }, { EV_UNLOCK, heeds_unlock, on_unlock },
	{ EV_GET, heeds_get, on_get },	  { EV_PUT, heeds_put, on_put },
	{ EV_DSB, heeds_dsb, on_dsb },	  { EV_LOAD, heeds_load, on_load },
};

static u32 rare_kinds(void)
{
	u32 kinds = FOLD_KINDS | BIT(EV_CALL);

	for (unsigned int i = 0; checkers[i]; i++)
		if (checkers[i]->event)
			kinds |= checkers[i]->kinds;
	for (unsigned int i = 0; i < G_N_ELEMENTS(often); i++)
		kinds &= ~(u32)BIT(often[i].kind);
	return kinds;
}

/* ---- Making one ------------------------------------------------------------------------ */

static void checkers_init(struct oracle *o)
{
	G_STATIC_ASSERT(G_N_ELEMENTS(checkers) <= MAX_CHECKERS);
	for (unsigned int i = 0; checkers[i]; i++) {
		o->checker_state[i] = board_alloc(o->b, checkers[i]->state_size);
		if (checkers[i]->init)
			checkers[i]->init(o, o->checker_state[i]);
	}
}

struct oracle *oracle_new(struct board *b, const struct el2_view *v, const struct el2_config *c,
			  enum check_mode mode)
{
	struct oracle *o;

	if (mode == CHECK_OFF)
		return NULL;
	o = board_alloc(b, sizeof(*o));
	o->b = b;
	o->v = v;
	o->c = c;
	o->mode = mode;
	o->pools = board_alloc(b, sizeof(*o->pools));
	o->shift = b->f->page_shift;
	o->page_mask = BIT(o->shift) - 1;
	o->record = check_record_map(v->layout, o->shift);
	o->n_frames = board_pa_limit(b) >> o->shift;
	o->design = m_design_of(c);
	o->state = (struct m_state){
		.region = o->region,
		.page_shift = o->shift,
		.ia_bits = b->f->pa_bits,
		.get = page_for_rules,
		.pages = o,
	};
	/* address space only: what is used is two words for each page that is not the host's */
	if (!pages_init(o) || !fold_init(o) || !ffa_init(o) || !guests_init(o) || !race_init(o) ||
	    !devices_init(o))
		return NULL;
	checkers_init(o);
	for (unsigned int i = 0; i < G_N_ELEMENTS(often); i++)
		if (often[i].heeds)
			board_subscribe_some(b, often[i].kind, often[i].heeds, often[i].fn, o);
		else
			board_subscribe_kinds(b, (u32)BIT(often[i].kind), often[i].fn, o);
	board_subscribe_kinds(b, rare_kinds(), on_rare, o);
	return o;
}

void oracle_free(struct oracle *o)
{
	if (!o)
		return;
	board_unsubscribe(o->b, on_rare, o);
	for (unsigned int i = G_N_ELEMENTS(often); i--;)
		board_unsubscribe(o->b, often[i].fn, o);
}

/* ---- Actions ------------------------------------------------------------------------------ */

settled begin(unsigned int which, struct oracle *o)
{
	if (checkers[which]->begin)
		checkers[which]->begin(o, o->checker_state[which], &o->action);
}

void oracle_begin(struct oracle *o, const struct oracle_action *a)
{
	o->action = *a;
	o->current = &o->action;
	o->booting = !o->v->booted || a->kind == ORACLE_INIT || a->kind == ORACLE_FINALISE ||
		     a->kind == ORACLE_PROT_FINALIZE || a->kind == ORACLE_BOOT;
	oracle_pools_sync(o);
	judge_begin(o);
	FOR_EACH_CHECKER(begin, o);
}

settled ended(unsigned int which, struct oracle *o, enum oracle_end_kind end, s64 value)
{
	if (checkers[which]->end)
		checkers[which]->end(o, o->checker_state[which], end, value);
}

void checkers_end(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	FOR_EACH_CHECKER(ended, o, end, value);
}

void oracle_end(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	checkers_end(o, end, value);
	judge_end(o, end, value);
	if (o->mode == CHECK_PARANOID && o->fold.live)
		paranoid_check(o);
	o->current = NULL;
}

void oracle_finish(struct oracle *o)
{
	for (unsigned int i = 0; checkers[i]; i++)
		if (checkers[i]->finish)
			checkers[i]->finish(o, o->checker_state[i]);
}

/* ---- Breaches --------------------------------------------------------------------------------- */

const struct violation *oracle_violations(struct oracle *o, unsigned int *n)
{
	*n = o->n_said;
	return o->said;
}

static bool said_already(const struct oracle *o, enum rule_id rule, u64 page)
{
	for (unsigned int i = 0; i < o->n_said; i++) {
		const struct violation *v = &o->said[i];

		if (v->rule == rule && (v->has_page ? v->page == page : page == NO_PAGE))
			return true;
	}
	return false;
}

void oracle_breach(struct oracle *o, enum rule_id rule, u64 page, const struct event *ev,
		   const char *fmt, ...)
{
	struct violation *v;
	va_list ap;

	if (o->n_said == ORACLE_MAX_VIOLATIONS || said_already(o, rule, page))
		return;
	v = &o->said[o->n_said++];
	memset(v, 0, sizeof(*v));
	v->rule = rule;
	v->has_page = page != NO_PAGE;
	v->page = v->has_page ? page : 0;
	if (ev)
		v->event = *ev;
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

char *oracle_page_words(struct oracle *o, pa_t pa)
{
	u64 pfn = pa.pa >> o->shift;
	struct found f = page_get(o, pfn);
	char words[sizeof(o->spec.before)];

	words_page(&f, page_class(o, pfn), words, sizeof(words));
	return g_strdup(words);
}

struct board *oracle_board(struct oracle *o)
{
	return o->b;
}

const struct el2_view *oracle_view(struct oracle *o)
{
	return o->v;
}

u64 oracle_s2_on(struct oracle *o)
{
	u64 cpus = 0;

	/* it does not change but at boot */
	if (likely(!o->booting))
		return o->state.s2_on;
	for (unsigned int i = 0; i < o->b->n_cpus; i++)
		cpus |= (u64)o->b->cpus[i].host_s2_on << i;
	return cpus;
}

bool oracle_booting(struct oracle *o)
{
	return o->booting;
}

const struct check_pools *oracle_pools(struct oracle *o)
{
	return o->pools;
}

/* Costs nothing when the view says the same again. */
void oracle_pools_sync(struct oracle *o)
{
	const struct check_pools *p = o->pools;
	bool same = p->n == o->v->n_pools;

	for (unsigned int i = 0; same && i < p->n; i++)
		same = p->pool[i].base == o->v->pools[i].base &&
		       p->pool[i].pages == o->v->pools[i].pages;
	if (unlikely(!same))
		check_pools_read(o, o->pools);
}

const struct el2_config *oracle_config(struct oracle *o)
{
	return o->c;
}

bool oracle_touched(struct oracle *o, u64 pa)
{
	return o->fold.reread || (o->fold.n_touches && fold_touched(o, pa >> o->shift));
}

struct gone_list *check_gone(struct oracle *o)
{
	return o->checker_state[GONE];
}

u32 oracle_guest_on(struct oracle *o, unsigned int cpu)
{
	return o->state.loaded[cpu].handle;
}

const struct oracle_action *oracle_action(struct oracle *o)
{
	return o->current;
}
