// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several actions at once. There is no rule for that, only this one: what they gave and
 * what is left must be what they give and leave one after the other, in some order that
 * keeps each CPU's own. What holds of any state (legal pairs, who gets at what) is asked
 * once all have ended; what events tell is judged as always.
 *
 * Whether an action that another CPU began later comes first does not matter: only the
 * order of dependent steps is the same in all runs that count as one.
 */
#include <string.h>

#include "oracle_impl.h"

#define MAX_OVERLAY 512u

/* Pages as the actions so far leave them. */
struct overlay {
	struct oracle *o;
	const struct oracle_part *part;
	unsigned int n;
	u64 done; /* parts, a bit each */
	struct {
		u64 pfn;
		struct m_page page;
	} page[MAX_OVERLAY];
	unsigned int n_pages;
	bool any_order; /* one gives the answers; what is left is another matter */
};

static void overlay_get(const struct m_state *s, u64 pfn, struct m_page *p)
{
	const struct overlay *v = s->pages;
	struct m_state plain = *s;

	for (unsigned int i = v->n_pages; i--;) {
		if (v->page[i].pfn != pfn)
			continue;
		*p = v->page[i].page;
		return;
	}
	plain.pages = v->o;
	/* of pages that these actions changed the tables tell what is, not what was */
	if (fold_touched(v->o, pfn))
		*p = page_get(v->o, pfn).p;
	else
		page_for_rules(&plain, pfn, p);
}

static bool overlay_apply(struct overlay *v)
{
	struct oracle *o = v->o;

	if (o->verdict.nr > MAX_OVERLAY - v->n_pages)
		return false;
	for (u64 i = 0; i < o->verdict.nr; i++) {
		u64 pfn = o->verdict.pfn + i;
		struct m_page page;

		overlay_get(&o->state, pfn, &page);
		m_apply_to(&o->verdict, &page);
		v->page[v->n_pages].pfn = pfn;
		v->page[v->n_pages++].page = page;
	}
	return true;
}

/* ---- What is left --------------------------------------------------------------------- */

static bool as_left(struct overlay *v, u64 pfn)
{
	struct oracle *o = v->o;
	struct found f = page_get(o, pfn);
	struct m_page want;

	overlay_get(&o->state, pfn, &want);
	page_read(o, pfn, SIDE_ALL, &f);
	if (want.hyp == PKVM_PAGE_OWNED)
		want.pins = 0;
	return page_same(&want, &f.p);
}

static bool all_as_left(struct overlay *v)
{
	struct oracle *o = v->o;

	for (unsigned int i = 0; i < v->n_pages; i++)
		if (!as_left(v, v->page[i].pfn))
			return false;
	for (u32 i = 0; !o->fold.reread && i < o->fold.n_touches; i++)
		if (!as_left(v, fold_touch(o, i)->pfn))
			return false;
	return true;
}

/* ---- Orders --------------------------------------------------------------------------- */

static bool may_be_next(const struct overlay *v, unsigned int i)
{
	if (v->done & BIT(i))
		return false;
	for (unsigned int k = 0; k < i; k++)
		if (v->part[k].action.cpu == v->part[i].action.cpu && !(v->done & BIT(k)))
			return false;
	return true;
}

static bool in_order(struct overlay *v);

/* The host's access faults for ever: that is told, and changes nothing. */
static bool never_gets_on(struct oracle *o, const struct oracle_part *part)
{
	u64 pfn = o->call.addr >> o->shift;
	struct found f;

	if (part->action.kind != ORACLE_HOST_ACCESS || part->end != ORACLE_END_HANG)
		return false;
	f = page_get(o, pfn);
	judge_broken(o, RULE_OWNER_PROGRESS, pfn, NULL, &f, &f, "the host's access never ended");
	return true;
}

static bool next_is(struct overlay *v, unsigned int i)
{
	const unsigned int pages = v->n_pages;
	struct oracle *o = v->o;
	bool commits = false, found;

	o->action = v->part[i].action;
	judge_action(o);
	if (!never_gets_on(o, &v->part[i]) &&
	    !judge_allowed(o, v->part[i].end, v->part[i].value, &commits))
		return false;
	if (commits && !overlay_apply(v))
		return false;
	v->done |= BIT(i);
	found = in_order(v);
	v->done &= ~BIT(i);
	v->n_pages = pages;
	return found;
}

static bool in_order(struct overlay *v)
{
	if (v->done == BIT(v->n) - 1) {
		v->any_order = true;
		return all_as_left(v);
	}
	for (unsigned int i = 0; i < v->n; i++)
		if (may_be_next(v, i) && next_is(v, i))
			return true;
	return false;
}

/*
 * Is there a rule for each of them, that names every page it changes? Guests are left
 * out: what is theirs is spread over tables that come and go.
 */
static bool has_rules(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		o->action = part[i].action;
		judge_action(o);
		/* a device changes no owner, and what it reached was judged */
		if (o->action.kind == ORACLE_DMA)
			continue;
		if (o->verdict.anything || o->call.op > M_HOST_EXEC)
			return false;
	}
	return n < 16;
}

/* Some order of the actions explains them, or the oracle says so. */
static void judge_order(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	const struct m_state plain = o->state;
	struct overlay v = { .o = o, .part = part, .n = n };
	bool found;

	o->state.get = overlay_get;
	o->state.pages = &v;
	found = in_order(&v);
	o->state = plain;
	if (!found)
		judge_odd(o, NO_PAGE, NULL, NULL, NULL,
			  v.any_order ? "the pages are not what any order of these actions leaves"
				      : "no order of these actions gives these answers");
}

/* No rule lets EL2 end over what guests or their VMs are. */
static void judge_panics(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	char why[sizeof(o->spec.text)];

	for (unsigned int i = 0; i < n; i++) {
		if (part[i].end != ORACLE_END_PANIC || part[i].action.kind == ORACLE_HOST_ACCESS)
			continue;
		o->action = part[i].action;
		words_result(o, part[i].end, part[i].value, why, sizeof(why));
		judge_odd(o, NO_PAGE, NULL, NULL, NULL, why);
	}
}

/* ---- A block ---------------------------------------------------------------------------- */

/* CPUs that wait for each other, not accesses that fault for ever. */
static bool locked_up(const struct oracle *o)
{
	const struct spinlock *l = o->b->locks;

	while (l && !spin_is_locked(l))
		l = l->next;
	return l;
}

static enum oracle_end_kind worst(const struct oracle *o, const struct oracle_part *part,
				  unsigned int n)
{
	enum oracle_end_kind end = ORACLE_END_VALUE;

	for (unsigned int i = 0; i < n; i++) {
		if (part[i].end == ORACLE_END_PANIC)
			return ORACLE_END_PANIC;
		if (part[i].end == ORACLE_END_OTHER ||
		    (part[i].end == ORACLE_END_HANG && locked_up(o)))
			end = part[i].end;
	}
	return end;
}

static u64 mix(u64 h)
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

static u64 page_digest(u64 pfn, const struct m_page *p)
{
	return mix(mix(mix(pfn + 1) + ((u64)p->host << 8 | p->hyp)) +
		   ((u64)p->pins << 32 | p->sharers));
}

/* Of what is another page than before, whatever the order in which they were touched. */
static u64 pages_digest(struct oracle *o)
{
	u64 sum = 0;

	for (u32 i = 0; i < o->fold.n_touches; i++) {
		const struct touch *t = fold_touch(o, i);
		struct found f = page_get(o, t->pfn);
		u64 before = page_digest(t->pfn, &f.p);

		page_read(o, t->pfn, SIDE_ALL, &f);
		sum += page_digest(t->pfn, &f.p) - before;
		if (t->borrowed || t->owned)
			sum += mix(mix(t->pfn) + ((u64)(u32)t->borrowed << 32 | (u32)t->owned));
	}
	return sum;
}

/* The tables of a VM that may go are taken apart without a store: they are not followed. */
static void forget_who_may_go(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	const struct oracle_action block = o->action;
	const struct el2_guest_view *g;

	for (unsigned int i = 0; i < n; i++) {
		o->action = part[i].action;
		judge_action(o);
		if (o->call.op != M_FINALIZE_TEARDOWN && o->call.op != M_TEARDOWN)
			continue;
		g = model_guest(o->v, o->call.handle);
		if (g)
			fold_unlink_guest(o, g, &(struct event){ 0 });
	}
	o->action = block;
	judge_action(o);
}

void oracle_block_begin(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	oracle_begin(o, &(struct oracle_action){ .kind = ORACLE_BLOCK });
	if (o->fold.live)
		forget_who_may_go(o, part, n);
	race_begin(o);
}

void oracle_block_over(struct oracle *o)
{
	race_over(o);
}

u64 oracle_block_end(struct oracle *o, const struct oracle_part *part, unsigned int n)
{
	const struct oracle_action block = o->action;
	const enum oracle_end_kind end = worst(o, part, n);
	const bool plain = has_rules(o, part, n);
	u64 digest = 0;

	o->action = block;
	checkers_end(o, end, 0);
	o->judging = JUDGE_LEGAL;
	if (o->fold.live) {
		fold_resolve(o);
		if (plain)
			judge_order(o, part, n);
		else
			judge_panics(o, part, n);
		o->action = block;
		digest = pages_digest(o);
	}
	o->verdict = (struct m_verdict){ .anything = true };
	judge_block_end(o, end, plain);
	if (o->mode == CHECK_PARANOID && o->fold.live)
		paranoid_check(o);
	o->current = NULL;
	return digest;
}
