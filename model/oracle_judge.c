// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Judging an action: its answer against those that the rules allow, and every page
 * that it may have changed against what the answer's effect makes of it. Then the
 * model takes the pages as they were found.
 */
#include <errno.h>
#include <string.h>

#include "oracle_guest.h"

/* ---- It begins ------------------------------------------------------------------------ */

static void sync_cpus(struct oracle *o)
{
	o->state.booted = o->v->booted;
	o->state.s2_on = 0;
	for (unsigned int i = 0; i < o->b->n_cpus; i++)
		o->state.s2_on |= (u64)o->b->cpus[i].host_s2_on << i;
	o->state.deprivileged = o->state.s2_on;
}

/* What the action before was told of. */
static __attribute__((noinline)) void say_nothing(struct oracle *o)
{
	o->n_said = 0;
	o->odd = false;
	memset(o->n_broken, 0, sizeof(o->n_broken));
}

void judge_begin(struct oracle *o)
{
	const struct oracle_action *a = &o->action;

	sync_cpus(o);
	if (!o->fold.live && o->v->booted) {
		boot_sync(o);
		o->judging = JUDGE_TAKE;
		fold_read_all(o);
		guests_take(o);
	}
	fold_begin(o);
	if (unlikely(a->kind == ORACLE_PRESSURE))
		fold_none_clear(o);
	o->commits = o->error = o->silent = false;
	o->effect_seen = 0;
	if (unlikely(o->n_said || o->odd))
		say_nothing(o);
	judge_action(o);
	if (unlikely(o->boots))
		memset(o->donation, 0, sizeof(o->donation));
	o->judging = o->adopts || !o->v->booted ? JUDGE_TAKE : JUDGE_EFFECT;
	if (a->kind == ORACLE_SMC)
		ffa_begin(o);
	if (unlikely(guests_begun(o)))
		guests_begin(o);
}

/* ---- Telling ------------------------------------------------------------------------- */

static void describe(struct oracle *o, struct violation *to, u64 pfn, const struct event *ev,
		     const struct found *before, const struct found *now, const char *why)
{
	to->has_page = pfn != NO_PAGE;
	to->page = to->has_page ? pfn << o->shift : 0;
	to->event = ev ? *ev : (struct event){ 0 };
	g_strlcpy(to->text, why, sizeof(to->text));
	to->before[0] = to->after[0] = '\0';
	if (!now)
		return;
	words_page(before, page_class(o, pfn), to->before, sizeof(to->before));
	words_page(now, page_class(o, pfn), to->after, sizeof(to->after));
}

static struct violation *say(struct oracle *o, enum rule_id rule)
{
	struct violation *to;

	if (o->n_said == ORACLE_MAX_VIOLATIONS)
		return NULL;
	to = &o->said[o->n_said++];
	to->rule = rule;
	words_allowed(o, to->allowed, sizeof(to->allowed));
	return to;
}

void judge_broken(struct oracle *o, enum rule_id rule, u64 pfn, const struct event *ev,
		  const struct found *before, const struct found *now, const char *why)
{
	struct violation *to;

	if (o->n_broken[rule]++)
		return;
	to = say(o, rule);
	if (to)
		describe(o, to, pfn, ev, before, now, why);
}

void judge_odd(struct oracle *o, u64 pfn, const struct event *ev, const struct found *before,
	       const struct found *now, const char *why)
{
	o->n_broken[RULE_SPEC] += pfn != NO_PAGE;
	if (o->odd)
		return;
	o->odd = true;
	describe(o, &o->spec, pfn, ev, before, now, why);
	o->spec.rule = RULE_SPEC;
}

/* How many pages beside the one that a breach names. */
static __attribute__((noinline)) void tell_more(struct oracle *o)
{
	for (unsigned int i = 0; i < o->n_said; i++) {
		struct violation *v = &o->said[i];
		u64 n = o->n_broken[v->rule];
		char more[64];

		if (n < 2 || !v->has_page)
			continue;
		o->n_broken[v->rule] = 0;
		g_snprintf(more, sizeof(more), "; and %" G_GUINT64_FORMAT " more pages", n - 1);
		g_strlcat(v->text, more, sizeof(v->text));
	}
}

static __attribute__((noinline)) void tell_odd(struct oracle *o)
{
	struct violation *to;

	if (o->n_said)
		return;
	to = say(o, RULE_SPEC);
	g_strlcpy(o->spec.allowed, to->allowed, sizeof(o->spec.allowed));
	*to = o->spec;
}

/* All of this action. */
static inline void tell(struct oracle *o)
{
	if (unlikely(o->odd))
		tell_odd(o);
	if (unlikely(o->n_said))
		tell_more(o);
}

/* ---- Pages ------------------------------------------------------------------------------ */

static bool holds(u8 state)
{
	return state == PKVM_PAGE_OWNED || state == PKVM_PAGE_SHARED_OWNED;
}

/* Did an owner of the page lose it? */
static bool owner_changed(const struct m_page *a, const struct m_page *b)
{
	return (holds(a->host) && !holds(b->host)) || (holds(a->hyp) && !holds(b->hyp));
}

bool devices_init(struct oracle *o)
{
	const GArray *mmio = o->b->config->mmio;

	o->dma = board_alloc(o->b, MAX(mmio->len, 1) * sizeof(*o->dma));
	for (guint i = 0; i < mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, i);
		const struct extent *e = extent_at(o->b, w->base);

		/* one that is too short for a count of bytes uses none */
		if (w->model == WINDOW_DMA && w->size >= 3 * sizeof(u64))
			o->dma[o->n_dma++] = (struct dma_device){
				.reg = e->bytes + (w->base - e->base),
				.starts = w->size >= 4 * sizeof(u64),
			};
	}
	return true;
}

enum dma_register { DMA_SOURCE, DMA_DESTINATION, DMA_BYTES, DMA_START };

static u64 dma_register(const struct dma_device *d, enum dma_register i)
{
	u64 val;

	memcpy(&val, d->reg + i * sizeof(val), sizeof(val));
	return val;
}

static bool dma_names(const struct oracle *o, const struct dma_device *d, enum dma_register i,
		      u64 page)
{
	const u64 at = dma_register(d, i);

	return page - at < dma_register(d, DMA_BYTES) || at - page < BIT(o->shift);
}

/* A `dma` device that was told of the page and not yet to start: it will use it. */
static bool dma_programmed(const struct oracle *o, u64 pfn)
{
	const u64 page = pfn << o->shift;

	for (const struct dma_device *d = o->dma; d < o->dma + o->n_dma; d++)
		if (unlikely(dma_register(d, DMA_BYTES)) &&
		    !(d->starts && dma_register(d, DMA_START)) &&
		    (dma_names(o, d, DMA_SOURCE, page) || dma_names(o, d, DMA_DESTINATION, page)))
			return true;
	return false;
}

/* Than that on the pages that the verdict is about first of all. */
static inline bool more_effects(const struct oracle *o)
{
	return unlikely(o->verdict.n_effects || o->verdict.moved || o->verdict.frees ||
			o->action.kind == ORACLE_SMC);
}

static bool in_effect(const struct oracle *o, u64 pfn)
{
	if (unlikely(o->action.kind == ORACLE_SMC))
		return o->commits && ffa_names(o, pfn);
	if (o->commits && pfn - o->verdict.pfn < o->verdict.nr)
		return true;
	return (o->verdict.n_effects || o->verdict.moved || o->verdict.frees) &&
	       m_names(&o->verdict, &o->call, pfn);
}

/* The owner went with the VM, and the host still borrows. */
static bool lost_guest(const struct oracle *o, const struct m_page *before,
		       const struct m_page *now)
{
	return o->verdict.vm == M_VM_GONE && now->host == PKVM_PAGE_SHARED_BORROWED &&
	       before->owners && !now->owners;
}

static void tell_breaches(struct oracle *o, u64 pfn, const struct event *ev,
			  const struct found *before, const struct found *now)
{
	u8 fresh = now->breach & (u8)~before->breach;
	enum rule_id id = RULE_SINGLE_OWNER;
	const char *rule, *why;

	if (fresh & BREACH_PAIR && !m_page_legal(&now->p, page_class(o, pfn), &rule, &why)) {
		model_rule_find(rule, &id);
		if (lost_guest(o, &before->p, &now->p)) {
			id = RULE_LEAK;
			why = "its guest shared it and is gone: no call gives it back";
		}
		if (id == RULE_SPEC)
			judge_odd(o, pfn, ev, before, now, why);
		else
			judge_broken(o, id, pfn, ev, before, now, why);
	}
	if (fresh & BREACH_HOST)
		judge_broken(o, RULE_SINGLE_OWNER, pfn, ev, before, now,
			     "the host gets at a page that is not its own");
	if (fresh & BREACH_HYP)
		judge_broken(o, RULE_SINGLE_OWNER, pfn, ev, before, now,
			     "EL2 maps a page that is neither its own nor shared with it");
	if (fresh & BREACH_BARRED)
		judge_odd(o, pfn, ev, before, now, "the host is kept out of its own page");
}

/* What the action makes of the page @want. */
static void become(const struct oracle *o, u64 pfn, struct m_page *want)
{
	if (likely(o->action.kind != ORACLE_SMC))
		m_become(&o->verdict, &o->call, pfn, o->commits, want);
	else if (in_effect(o, pfn))
		m_apply_to(&o->verdict, want);
}

/*
 * What guests' leaves make of a page is not judged: after everything was read anew, and
 * where a VM went with what it had. Whether it goes together is.
 */
static void take_guests(struct m_page *want, const struct m_page *now)
{
	want->borrowers = now->borrowers;
	want->owners = now->owners;
	want->guest = now->guest;
	want->vm = now->vm;
	want->gfn = now->gfn;
}

static bool kept(const struct oracle *o, const struct m_page *want, const struct m_page *now)
{
	if (o->verdict.vm != M_VM_GONE)
		return false;
	return (want->hyp == PKVM_NOPAGE && now->hyp == PKVM_PAGE_OWNED) || now->pins > want->pins;
}

static void compare(struct oracle *o, u64 pfn, const struct event *ev, const struct found *before,
		    const struct found *now)
{
	struct m_page want = before->p;

	become(o, pfn, &want);
	if (o->commits && pfn - o->verdict.pfn < o->verdict.nr)
		o->effect_seen++;
	if (want.hyp == PKVM_PAGE_OWNED)
		want.pins = 0;
	if (unlikely(o->fold.reread || o->verdict.vm == M_VM_GONE))
		take_guests(&want, &now->p);
	if (owner_changed(&before->p, &now->p)) {
		if (unlikely(before->p.pins))
			judge_broken(o, RULE_PINNED, pfn, ev, before, now,
				     "a pinned page changed its owner");
		else if (unlikely(dma_programmed(o, pfn)))
			judge_broken(o, RULE_PINNED, pfn, ev, before, now,
				     "a page that a device was told to use changed its owner");
	}
	if (likely(page_same(&want, &now->p)))
		return;
	if (o->commits && kept(o, &want, &now->p))
		judge_broken(o, RULE_LEAK, pfn, ev, before, now,
			     "the VM is gone, and EL2 keeps what the host gave for it");
	else if (o->error)
		judge_broken(o, RULE_NO_CHANGE_ON_ERROR, pfn, ev, before, now,
			     "the call failed and changed the page");
	else
		judge_odd(o, pfn, ev, before, now,
			  in_effect(o, pfn) ? "the page is not what the call makes of it"
					    : "the page changed, and nothing allows that");
}

static void count_guests(struct m_page *p, const struct touch *t)
{
	p->borrowers += (u32)t->borrowed;
	p->owners = (u16)(p->owners + t->owned);
	if (!t->named)
		return;
	p->guest = t->guest;
	p->vm = t->vm;
	p->gfn = t->gfn;
}

void page_check(struct oracle *o, u64 pfn, u32 sides, const struct touch *t, const struct event *ev)
{
	const enum m_class c = page_class(o, pfn);
	struct found before, now;

	page_get_as(o, pfn, c, &now);
	if (unlikely(o->fold.counting && now.visited))
		return;
	if (t) {
		now.elsewhere = (u16)(now.elsewhere + t->elsewhere);
		count_guests(&now.p, t);
	}
	page_read(o, pfn, sides, &now);
	page_settle(&now);
	if (!o->fold.counting && page_unchanged(o, pfn, c, &now) && !in_effect(o, pfn))
		return;
	/* once more, as a copy of what was just written piece by piece is slow */
	page_get_as(o, pfn, c, &before);
	now.visited = o->fold.counting;
	now.breach = page_breaches(o, pfn, c, &now);
	if (!ev && o->fold.why.seq)
		ev = &o->fold.why;
	if (o->judging == JUDGE_EFFECT)
		compare(o, pfn, ev, &before, &now);
	if (o->judging != JUDGE_TAKE)
		tell_breaches(o, pfn, ev, &before, &now);
	page_put_as(o, pfn, c, &now);
}

/* Pages of the effect that nothing led to are as they were. */
static void check_unseen(struct oracle *o, u64 from, u64 nr)
{
	for (u64 i = 0; i < nr; i++) {
		u64 pfn = from + i;
		struct found f;
		struct m_page want;

		if (!o->fold.reread && fold_touched(o, pfn))
			continue;
		f = page_get(o, pfn);
		want = f.p;
		become(o, pfn, &want);
		if (o->fold.reread) {
			want.pins = f.p.pins;
			take_guests(&want, &f.p);
		}
		if (want.hyp == PKVM_PAGE_OWNED)
			want.pins = 0;
		if (page_same(&want, &f.p))
			continue;
		judge_odd(o, pfn, NULL, &f, &f, "the call succeeded and left the page as it was");
		return;
	}
}

/* It happened: all of it? */
static __attribute__((noinline)) void check_effect(struct oracle *o)
{
	if (o->action.kind == ORACLE_SMC)
		ffa_for_each_range(o, check_unseen);
	else if (o->effect_seen < o->verdict.nr)
		check_unseen(o, o->verdict.pfn, o->verdict.nr);
	for (unsigned int i = 0; i < o->verdict.n_effects; i++)
		check_unseen(o, o->verdict.effect[i].pfn, o->verdict.effect[i].nr);
	for (u32 i = 0; o->verdict.frees && i < o->call.n_given; i++)
		check_unseen(o, o->call.given[i].pfn, o->call.given[i].nr);
}

/* The host's accesses: two pages at most, and for each the largest block that fits. */
static __attribute__((noinline)) void check_mappings(struct oracle *o)
{
	u32 most = o->action.kind == ORACLE_HOST_ACCESS ? 2 : 1;

	if (o->action.kind != ORACLE_HOST_ACCESS && o->call.op != M_IDMAP)
		return;
	if (o->fold.n_made > most)
		judge_odd(o, o->call.addr >> o->shift, &o->fold.made[0], NULL, NULL,
			  "one fault mapped several blocks or pages");
}

static void check_pages(struct oracle *o)
{
	const bool guests = guests_concerned(o);

	if (unlikely(guests))
		guests_follow(o);
	fold_resolve(o);
	if (o->fold.reread)
		fold_read_all(o);
	for (u32 i = 0; !o->fold.reread && i < o->fold.n_touches; i++) {
		const struct touch *t = fold_touch(o, i);

		page_check(o, t->pfn, t->sides, t, &t->ev);
	}
	if (unlikely(guests))
		guests_end(o);
	if (o->judging != JUDGE_EFFECT)
		return;
	if (o->commits && (o->effect_seen < o->verdict.nr || more_effects(o)))
		check_effect(o);
	if (unlikely(o->fold.n_made > 1))
		check_mappings(o);
	if (unlikely(o->error) && o->fold.alien.seq)
		judge_broken(o, RULE_NO_CHANGE_ON_ERROR, o->fold.alien.addr >> o->shift,
			     &o->fold.alien, NULL, NULL,
			     "the call failed, and EL2 wrote to memory that is the host's");
}

/* ---- Answers ------------------------------------------------------------------------------- */

static bool ends_as(enum m_end allowed, enum oracle_end_kind end)
{
	switch (allowed) {
	case M_RET: /* with what? */
		return end == ORACLE_END_VALUE;
	case M_OK_ACCESS: /* the device itself may not answer */
		return end == ORACLE_END_VALUE || end == ORACLE_END_BUS;
	case M_ABORT:
		return end == ORACLE_END_ABORT;
	case M_PANIC:
		return end == ORACLE_END_PANIC;
	case M_HANG:
		return end == ORACLE_END_HANG;
	case M_BUS:
		return end == ORACLE_END_BUS;
	case M_DONE:
		return end == ORACLE_END_VALUE;
	case M_EXIT:
		return end == ORACLE_END_FAULT;
	}
	return false;
}

static bool answers(const struct oracle *o, const struct m_answer *a, enum oracle_end_kind end,
		    s64 value)
{
	if (unlikely(a->end != M_RET))
		return ends_as(a->end, end);
	return end == ORACLE_END_VALUE && value == a->ret &&
	       (!a->if_enomem || o->fold.alloc_failed);
}

bool judge_allowed(struct oracle *o, enum oracle_end_kind end, s64 value, bool *commits)
{
	const struct m_verdict *v = &o->verdict;

	if (unlikely(o->action.kind == ORACLE_SMC))
		return ffa_allowed(o, end, value, commits);
	if (unlikely(end == ORACLE_END_REFUSED))
		return o->refusal != REFUSE_NOT;
	if (unlikely(end == ORACLE_END_OTHER))
		return true;
	if (unlikely(o->refusal == REFUSE_MUST))
		return false;
	if (unlikely(v->anything))
		return !o->v->booted || (end != ORACLE_END_PANIC && end != ORACLE_END_HANG);
	for (unsigned int i = 0; i < v->n; i++) {
		if (answers(o, &v->answer[i], end, value)) {
			*commits = v->answer[i].commits;
			o->silent = v->answer[i].end == M_DONE;
			return true;
		}
	}
	return false;
}

/* The host got at what it should not: a breach that was told when it began. */
static bool told_before(struct oracle *o)
{
	struct found f = page_get(o, o->call.addr >> o->shift);

	return f.breach || f.host_leaf == LEAF_CLOSED;
}

static __attribute__((noinline)) void wrong_answer(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	u64 pfn = o->call.addr >> o->shift;
	struct violation *to;
	char why[sizeof(to->text)];
	struct found f;

	words_result(o, end, value, why, sizeof(why));
	if (o->action.kind == ORACLE_GUEST_ACCESS && o->verdict.n == 1 &&
	    o->verdict.answer[0].end == M_OK_ACCESS) {
		judge_broken(o, RULE_OWNER_PROGRESS, NO_PAGE, NULL, NULL, NULL, why);
		return;
	}
	if (o->action.kind != ORACLE_HOST_ACCESS) {
		judge_odd(o, NO_PAGE, NULL, NULL, NULL, why);
		return;
	}
	if (o->verdict.answer[0].end == M_OK_ACCESS) {
		f = page_get(o, pfn);
		judge_broken(o, RULE_OWNER_PROGRESS, pfn, NULL, &f, &f, why);
	} else if (end != ORACLE_END_VALUE || !told_before(o)) {
		judge_odd(o, NO_PAGE, NULL, NULL, NULL, why);
	}
}

/* EL2 stopped on its way: what it left is the state of no rule. */
static bool half_done(const struct oracle *o, enum oracle_end_kind end)
{
	return end == ORACLE_END_PANIC || end == ORACLE_END_OTHER || o->fold.stuck;
}

static __attribute__((noinline)) void end_boot(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	char why[sizeof(o->spec.text)];

	boot_end(o, !half_done(o, end), end == ORACLE_END_VALUE && !value);
	if (o->action.kind == ORACLE_CALL || (end != ORACLE_END_PANIC && end != ORACLE_END_HANG))
		return;
	words_result(o, end, value, why, sizeof(why));
	judge_odd(o, NO_PAGE, NULL, NULL, NULL, why);
}

static void end_action(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	const bool right = judge_allowed(o, end, value, &o->commits);

	o->error = end == ORACLE_END_VALUE && value < 0 && !o->silent &&
		   (o->action.kind == ORACLE_CALL || o->action.kind == ORACLE_SMC ||
		    o->action.kind == ORACLE_GUEST_CALL);
	if (unlikely(!right))
		wrong_answer(o, end, value);
	if (unlikely(half_done(o, end)))
		o->fold.live = false;
	else if (likely(o->fold.live))
		check_pages(o);
	if (unlikely(o->action.kind == ORACLE_SMC))
		ffa_end(o, end, value);
}

void judge_end(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	if (unlikely(o->boots))
		end_boot(o, end, value);
	else
		end_action(o, end, value);
	tell(o);
}

void judge_block_end(struct oracle *o, enum oracle_end_kind end, bool plain)
{
	char why[sizeof(o->spec.text)];

	/* a panic is told where no order of the actions has one */
	if (end == ORACLE_END_HANG && o->fold.live) {
		words_result(o, end, 0, why, sizeof(why));
		judge_odd(o, NO_PAGE, NULL, NULL, NULL, why);
	}
	if (half_done(o, end)) {
		o->fold.live = false;
	} else if (o->fold.live && plain) {
		check_pages(o);
	} else if (o->fold.live) {
		fold_read_all(o);
		guests_take(o);
	}
	tell(o);
}

/* ---- Bus masters --------------------------------------------------------------------------- */

static bool may_reach(const struct found *f, bool hyp, enum m_class c)
{
	u8 state = hyp ? f->p.hyp : f->p.host;

	return state != PKVM_NOPAGE || (!hyp && c == M_FIRMWARE);
}

/* As it was before the action; in a block of CPUs as the tables have it meanwhile. */
static struct found page_meanwhile(struct oracle *o, u64 pfn)
{
	struct found f = page_get(o, pfn);

	if (o->action.kind == ORACLE_BLOCK)
		page_read(o, pfn, SIDE_ALL, &f);
	return f;
}

/* The page of the registers of the device that @ev is of. */
static struct found device_page(struct oracle *o, const struct event *ev)
{
	const GArray *mmio = o->b->config->mmio;

	if (!ev->sub)
		return (struct found){ 0 };
	return page_meanwhile(o, g_array_index(mmio, struct mmio_window, ev->sub - 1u).base >>
					 o->shift);
}

void judge_dma(struct oracle *o, const struct event *ev)
{
	u64 bytes = ev->arg ? ev->arg : ev->val;
	u64 pfn = ev->addr >> o->shift, last = (ev->addr + bytes - 1) >> o->shift;
	struct found device;
	bool hyp;

	if (!bytes || !o->fold.live || !o->state.deprivileged)
		return;
	device = device_page(o, ev);
	hyp = device.p.hyp == PKVM_PAGE_OWNED;
	/* that the host drives what is not its own was told when it began */
	if (device.breach)
		return;
	for (; pfn <= last; pfn++) {
		struct found f = page_meanwhile(o, pfn);

		if (may_reach(&f, hyp, page_class(o, pfn)))
			continue;
		judge_broken(o, RULE_SINGLE_OWNER, pfn, ev, &f, &f,
			     hyp ? "EL2's device reaches a page that EL2 does not have"
				 : "the host's device reaches a page that the host does not have");
	}
}
