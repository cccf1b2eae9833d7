// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of pKVM ownership for host and EL2, a function a call. Each reads as
 * the specification does: the checks in order, then the effect. Where releases
 * order their checks differently, both orders stand here side by side.
 */
#include "rules_private.h"

#include <errno.h>
#include <string.h>

struct range {
	u64 start, end; /* bytes, end exclusive and saturated */
};

/* ---- Where is an address? ---------------------------------------------------- */

/* The region or hole around @addr; the region, NULL for a hole. */
static const struct m_region *around(const struct m_state *s, u64 addr, struct range *r)
{
	*r = (struct range){ 0, UINT64_MAX };
	for (unsigned int i = 0; i < s->n_regions; i++) {
		const struct m_region *m = &s->region[i];

		if (addr < m->base) {
			r->end = m->base;
			return NULL;
		}
		if (addr - m->base < m->size) {
			*r = (struct range){ m->base, m->base + m->size };
			return m;
		}
		r->start = m->base + m->size;
	}
	return NULL;
}

enum m_class m_class_elsewhere(const struct m_state *s, u64 addr)
{
	const struct m_region *m;
	struct range r;

	if (addr >> s->ia_bits)
		return M_BEYOND;
	m = around(s, addr, &r);
	return !m ? M_HOLE : m->nomap ? M_FIRMWARE : M_MEMORY;
}

void m_regions_known(struct m_state *s)
{
	const u64 end = BIT(s->ia_bits);

	s->memory.size = 0;
	for (unsigned int i = 0; i < s->n_regions; i++) {
		const struct m_region *m = &s->region[i];

		if (m->nomap || m->size <= s->memory.size || m->base >= end ||
		    m->size > end - m->base)
			continue;
		s->memory.base = m->base;
		s->memory.size = m->size;
	}
}

const struct m_page m_page_default[M_CLASSES] = {
	[M_MEMORY] = { .host = PKVM_PAGE_OWNED, .hyp = PKVM_NOPAGE },
	[M_FIRMWARE] = { .host = PKVM_NOPAGE, .hyp = PKVM_NOPAGE },
	[M_HOLE] = { .host = PKVM_PAGE_OWNED, .hyp = PKVM_NOPAGE },
	[M_BEYOND] = { .host = PKVM_NOPAGE, .hyp = PKVM_NOPAGE },
};

struct m_design m_design_of(const struct el2_config *c)
{
	u8 mmio = knob(c, KNOB_MMIO_DONATION);

	return (struct m_design){
		.profile = c->profile,
		.inject = knob(c, KNOB_HOST_EPERM) == HOST_EPERM_INJECT,
		.el2_debug = knob(c, KNOB_EL2_DEBUG) == EL2_DEBUG_ON,
		.mmio = mmio != MMIO_DONATION_NONE,
		.mmio_range = mmio == MMIO_DONATION_RANGE,
		.mmio_private = knob(c, KNOB_HYP_MMIO_VA) == HYP_MMIO_PRIVATE,
	};
}

/* ---- Verdicts ------------------------------------------------------------------ */

void rule_answer(struct m_verdict *v, struct m_answer a)
{
	if (v->n < M_MAX_ANSWERS)
		v->answer[v->n++] = a;
}

void rule_deny(struct m_verdict *v, int err, const char *why)
{
	rule_answer(v, (struct m_answer){ .end = M_RET, .ret = -err, .why = why });
}

void rule_ends(struct m_verdict *v, enum m_end end, const char *why)
{
	rule_answer(v, (struct m_answer){ .end = end, .why = why });
}

/* Success with the effect; or, if a table could not be had, no change at all. */
void rule_allow(struct m_verdict *v, u64 pfn, u64 nr, u8 host, u8 hyp, s32 pins)
{
	rule_answer(v,
		    (struct m_answer){ .end = M_RET, .commits = true, .why = "all checks pass" });
	rule_answer(v, (struct m_answer){ .end = M_RET,
					  .ret = -ENOMEM,
					  .if_enomem = true,
					  .why = "a table page could not be had" });
	v->pfn = pfn;
	v->nr = nr;
	v->host = host;
	v->hyp = hyp;
	v->pins = pins;
}

static void change_states(struct m_page *p, u8 host, u8 hyp)
{
	if (host != M_KEEP)
		p->host = host;
	if (hyp != M_KEEP)
		p->hyp = hyp;
	if (host == PKVM_PAGE_OWNED)
		p->text = 0;
}

static void apply_guest(const struct m_verdict *v, struct m_page *p)
{
	if (v->guest != PKVM_NOPAGE && !p->owners)
		p->owners = 1;
	else if (v->guest == PKVM_NOPAGE && p->owners)
		p->owners--;
	if (p->owners) {
		p->guest = v->guest;
		p->vm = v->handle;
		p->gfn = v->leaf.gfn;
	}
}

void m_apply_to(const struct m_verdict *v, struct m_page *p)
{
	change_states(p, v->host, v->hyp);
	p->pins = (u16)(p->pins + v->pins);
	p->sharers += (u32)v->lent;
	p->borrowers += (u32)v->lent;
	if (v->lent < 0 && !p->sharers)
		p->host = PKVM_PAGE_OWNED;
	if (v->guest != M_KEEP)
		apply_guest(v, p);
}

struct m_page m_apply(const struct m_verdict *v, struct m_page p)
{
	m_apply_to(v, &p);
	return p;
}

static bool in_range(u64 pfn, u64 first, u64 nr)
{
	return pfn - first < nr;
}

static void apply_given(const struct m_call *call, u64 pfn, struct m_page *p)
{
	for (u32 i = 0; i < call->n_given; i++) {
		const struct m_range *r = &call->given[i];

		if (!in_range(pfn, r->pfn, r->nr))
			continue;
		if (r->unpin)
			p->pins--;
		else
			change_states(p, PKVM_PAGE_OWNED, PKVM_NOPAGE);
	}
}

static void apply_effects(const struct m_verdict *v, u64 pfn, struct m_page *p)
{
	for (unsigned int i = 0; i < v->n_effects; i++) {
		const struct m_effect *e = &v->effect[i];

		if (e->undone || !in_range(pfn, e->pfn, e->nr))
			continue;
		change_states(p, e->host, e->hyp);
		p->pins = (u16)(p->pins + e->pins);
	}
}

static void apply_moved(const struct m_verdict *v, const struct m_call *call, u64 pfn,
			struct m_page *p)
{
	for (u32 i = 0; i < v->moved; i++)
		if (call->link[i] == pfn)
			change_states(p, PKVM_NOPAGE, PKVM_PAGE_OWNED);
}

void m_become(const struct m_verdict *v, const struct m_call *call, u64 pfn, bool commits,
	      struct m_page *p)
{
	if (unlikely(v->moved))
		apply_moved(v, call, pfn, p);
	if (!commits)
		return;
	if (in_range(pfn, v->pfn, v->nr))
		m_apply_to(v, p);
	if (unlikely(v->n_effects))
		apply_effects(v, pfn, p);
	if (unlikely(v->frees))
		apply_given(call, pfn, p);
}

struct m_page m_after(const struct m_verdict *v, const struct m_call *call, u64 pfn,
		      struct m_page p, bool commits)
{
	m_become(v, call, pfn, commits, &p);
	return p;
}

bool m_names(const struct m_verdict *v, const struct m_call *call, u64 pfn)
{
	if (in_range(pfn, v->pfn, v->nr))
		return true;
	for (u32 i = 0; i < v->moved; i++)
		if (call->link[i] == pfn)
			return true;
	for (unsigned int i = 0; i < v->n_effects; i++)
		if (in_range(pfn, v->effect[i].pfn, v->effect[i].nr))
			return true;
	for (u32 i = 0; v->frees && i < call->n_given; i++)
		if (in_range(pfn, call->given[i].pfn, call->given[i].nr))
			return true;
	return false;
}

/* ---- Checks: 0, or the errno of the first that fails --------------------------- */

bool rule_frames_valid(const struct judge *j, u64 raw_pfn)
{
	u64 limit = UINT64_C(1) << (j->s->ia_bits - j->s->page_shift);

	return raw_pfn < limit && limit - raw_pfn >= j->nr;
}

static bool past_linear_map(const struct judge *j)
{
	u64 end = j->s->linear_end >> j->s->page_shift;

	return j->s->linear_end && (j->pfn > end || end - j->pfn < j->nr);
}

/* Mostly one look at the largest region tells. */
static bool in_memory(const struct judge *j)
{
	const struct m_state *s = j->s;
	const u64 off = (j->pfn << s->page_shift) - s->memory.base;

	return off < s->memory.size && j->nr <= (s->memory.size - off) >> s->page_shift;
}

/* The range lies in one region that the host may deal with: crossing is told first. */
static __attribute__((noinline)) int region_allowed(const struct judge *j)
{
	u64 start = j->pfn << j->s->page_shift;
	u64 last = start + (j->nr << j->s->page_shift) - 1;
	struct range r;
	const struct m_region *m = around(j->s, start, &r);

	if (last < r.start || last >= r.end)
		return EINVAL;
	return !m || m->nomap ? EPERM : 0;
}

int rule_allowed(const struct judge *j)
{
	return likely(j->nr && in_memory(j)) ? 0 : region_allowed(j);
}

/* As it was when the call began. */
static struct m_page get(const struct judge *j, u64 pfn)
{
	struct m_page p;

	j->s->get(j->s, pfn, &p);
	return p;
}

struct m_page rule_page(const struct judge *j, u64 pfn)
{
	struct m_page p;

	j->s->get(j->s, pfn, &p);
	if (unlikely(j->sofar))
		m_become(j->sofar, j->call, pfn, true, &p);
	return p;
}

/* v6.12 knows a page by its table only: what is not the host's memory is nobody's. */
static u8 host_state(const struct judge *j, u64 pfn)
{
	struct m_page p = rule_page(j, pfn);

	if (!j->d->profile->state_in_vmemmap &&
	    m_class_of(j->s, pfn << j->s->page_shift) != M_MEMORY)
		return PKVM_NOPAGE;
	return p.host;
}

int rule_host_is(const struct judge *j, u8 state)
{
	if (j->d->profile->state_in_vmemmap) {
		int err = rule_allowed(j);

		if (err)
			return err;
	} else if (!rule_frames_valid(j, j->pfn)) {
		return ERANGE;
	}
	for (u64 i = 0; i < j->nr; i++)
		if (host_state(j, j->pfn + i) != state)
			return EPERM;
	return 0;
}

int rule_hyp_is(const struct judge *j, u8 state)
{
	for (u64 i = 0; i < j->nr; i++)
		if (rule_page(j, j->pfn + i).hyp != state)
			return EPERM;
	return 0;
}

static bool pinned(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++)
		if (get(j, j->pfn + i).pins)
			return true;
	return false;
}

/* v6.12 looks at the other side of a host's request in debug builds only. */
static bool cross_checks(const struct judge *j)
{
	return j->d->profile->state_in_vmemmap || j->d->el2_debug;
}

/* ---- Host and EL2 ----------------------------------------------------------------- */

static void host_share_hyp(const struct judge *j, struct m_verdict *v)
{
	int err = rule_host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return rule_deny(v, err, "the host may only share a page of its own memory");
	if (cross_checks(j) && rule_hyp_is(j, PKVM_NOPAGE))
		return rule_deny(v, EPERM, "EL2 holds the page already");
	rule_allow(v, j->pfn, 1, PKVM_PAGE_SHARED_OWNED, PKVM_PAGE_SHARED_BORROWED, 0);
}

static void host_unshare_hyp(const struct judge *j, struct m_verdict *v)
{
	int err = rule_host_is(j, PKVM_PAGE_SHARED_OWNED);
	bool vmemmap = j->d->profile->state_in_vmemmap;

	if (err)
		return rule_deny(v, err, "the host does not share the page");
	if (!vmemmap && pinned(j))
		return rule_deny(v, EBUSY, "EL2 has the page pinned");
	if (rule_hyp_is(j, PKVM_PAGE_SHARED_BORROWED))
		return rule_deny(v, EPERM, "it is shared, but not with EL2");
	if (vmemmap && pinned(j))
		return rule_deny(v, EBUSY, "EL2 has the page pinned");
	rule_allow(v, j->pfn, 1, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

int rule_may_donate(const struct judge *j, const char **why)
{
	int err = rule_host_is(j, PKVM_PAGE_OWNED);

	*why = "the host may only give memory that it owns alone";
	if (err)
		return err;
	*why = "EL2 holds a page of the range already";
	return cross_checks(j) && rule_hyp_is(j, PKVM_NOPAGE) ? EPERM : 0;
}

static void host_donate_hyp(const struct judge *j, struct m_verdict *v)
{
	const char *why;
	int err = rule_may_donate(j, &why);

	if (err)
		return rule_deny(v, err, why);
	rule_allow(v, j->pfn, j->nr, PKVM_NOPAGE, PKVM_PAGE_OWNED, 0);
}

static bool all_memory(const struct judge *j)
{
	if (likely(in_memory(j)))
		return true;
	for (u64 i = 0; i < j->nr; i++)
		if (m_class_of(j->s, (j->pfn + i) << j->s->page_shift) != M_MEMORY)
			return false;
	return true;
}

static void hyp_donate_host(const struct judge *j, struct m_verdict *v)
{
	if (!all_memory(j)) {
		rule_deny(v, EPERM, "this call deals with memory only");
		if (j->d->profile->state_in_vmemmap)
			rule_ends(v, M_PANIC,
				  "only EL2 calls it, and never with what has no page state");
		else if (!rule_frames_valid(j, j->pfn) || past_linear_map(j))
			rule_deny(v, ERANGE, "past EL2's linear map");
		return;
	}
	if (rule_hyp_is(j, PKVM_PAGE_OWNED))
		return rule_deny(v, EPERM, "EL2 does not own the page");
	for (u64 i = 0; cross_checks(j) && i < j->nr; i++)
		if (host_state(j, j->pfn + i) != PKVM_NOPAGE)
			return rule_deny(v, EPERM, "the host holds the page too");
	if (j->d->profile->donate_host_refcount && pinned(j))
		return rule_deny(v, EBUSY, "the page is in use");
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

static void host_share_ffa(const struct judge *j, struct m_verdict *v)
{
	int err = rule_host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return rule_deny(v, err, "the host may only lend memory that it owns alone");
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_SHARED_OWNED, M_KEEP, 0);
}

/*
 * The secure world is trusted to name only what it was lent: nothing else tells
 * such a page from one that is shared with EL2 or a guest. What a lie leaves
 * behind is judged by m_page_legal().
 */
static void host_unshare_ffa(const struct judge *j, struct m_verdict *v)
{
	int err = rule_host_is(j, PKVM_PAGE_SHARED_OWNED);

	if (err)
		return rule_deny(v, err, "the host does not share the page");
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, M_KEEP, 0);
}

/* The proxy has one answer for whatever the host may not lend. */
static void ffa_mem_share(const struct judge *j, struct m_verdict *v)
{
	if (!j->nr)
		return rule_deny(v, EINVAL, "no page is named");
	if ((j->d->profile->check_pfn_range && !rule_frames_valid(j, j->raw_pfn)) ||
	    rule_host_is(j, PKVM_PAGE_OWNED))
		return rule_deny(v, EPERM, "the host may only lend memory that it owns alone");
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_SHARED_OWNED, M_KEEP, 0);
	rule_deny(v, ENOMEM, "the secure world takes no more");
}

/* An honest secure world names what it was lent: the host's, and shared with nobody else. */
static bool lent(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++) {
		struct m_page p = get(j, j->pfn + i);

		if (p.host != PKVM_PAGE_SHARED_OWNED || p.hyp != PKVM_NOPAGE || p.sharers)
			return false;
	}
	return true;
}

static void ffa_mem_reclaim(const struct judge *j, struct m_verdict *v)
{
	if (!j->nr)
		return rule_deny(v, EINVAL, "no page is named");
	rule_deny(v, EPERM, "the secure world was not lent these pages, in one piece");
	if (lent(j))
		rule_allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, M_KEEP, 0);
}

int rule_may_pin(const struct judge *j, const char **why)
{
	int err = rule_host_is(j, PKVM_PAGE_SHARED_OWNED);

	*why = "the host does not share the page";
	if (err)
		return err;
	*why = "it is shared, but not with EL2";
	return rule_hyp_is(j, PKVM_PAGE_SHARED_BORROWED);
}

static void pin(const struct judge *j, struct m_verdict *v)
{
	const char *why;
	int err = rule_may_pin(j, &why);

	if (err)
		return rule_deny(v, err, why);
	rule_allow(v, j->pfn, j->nr, M_KEEP, M_KEEP, 1);
}

static void unpin(const struct judge *j, struct m_verdict *v)
{
	for (u64 i = 0; i < j->nr; i++)
		if (!get(j, j->pfn + i).pins)
			return rule_ends(v, M_PANIC,
					 "unpinning what is not pinned is EL2's own bug");
	rule_allow(v, j->pfn, j->nr, M_KEEP, M_KEEP, -1);
}

/* ---- MMIO --------------------------------------------------------------------------- */

/* A page of which any byte is memory is no device's. */
static bool touches_memory(const struct judge *j)
{
	u64 start = j->pfn << j->s->page_shift;
	struct range r;

	/* the last hole has no end */
	return around(j->s, start, &r) ||
	       (r.end != UINT64_MAX && (r.end - start) >> j->s->page_shift < j->nr);
}

static void donate_hyp_mmio(const struct judge *j, struct m_verdict *v)
{
	if (j->d->mmio_range && j->s->deprivileged)
		return rule_deny(v, EPERM, "only while the host is trusted");
	if (touches_memory(j))
		return rule_deny(v, EINVAL, "memory is no device");
	if (!rule_frames_valid(j, j->pfn))
		return rule_deny(v, ERANGE, "past the stage 2's input range");
	for (u64 i = 0; i < j->nr; i++)
		if (get(j, j->pfn + i).host != PKVM_PAGE_OWNED)
			return rule_deny(v, EPERM, "the host does not own the device");
	if (!j->d->mmio_private && past_linear_map(j))
		return rule_deny(v, ERANGE, "past EL2's linear map");
	if (!j->d->mmio_private && rule_hyp_is(j, PKVM_NOPAGE))
		return rule_deny(v, EBUSY, "EL2 maps the device, or something at its address");
	rule_allow(v, j->pfn, j->nr, PKVM_NOPAGE, PKVM_PAGE_OWNED, 0);
}

static void donate_host_mmio(const struct judge *j, struct m_verdict *v)
{
	if (j->d->mmio_range && j->s->deprivileged)
		return rule_deny(v, EPERM, "only while the host is trusted");
	if (touches_memory(j))
		return rule_deny(v, EINVAL, "memory is no device");
	if (j->d->mmio_private && !rule_frames_valid(j, j->pfn))
		return rule_deny(v, ERANGE, "past the stage 2's input range");
	if (!j->d->mmio_private && past_linear_map(j))
		return rule_deny(v, ERANGE, "past EL2's linear map");
	for (u64 i = 0; i < j->nr; i++) {
		struct m_page p = get(j, j->pfn + i);

		/* where EL2 maps it is the caller's affair: only the annotation counts */
		if (j->d->mmio_private && p.host != PKVM_NOPAGE)
			return rule_deny(v, EINVAL, "the device was not donated");
		if (p.hyp != PKVM_PAGE_OWNED)
			return rule_deny(v, ENOENT, "EL2 does not map the device");
		if (p.host != PKVM_NOPAGE)
			return rule_deny(v, EPERM, "the host owns the device");
	}
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

/* ---- The host's accesses --------------------------------------------------------------- */

static __attribute__((noinline)) void idmap(const struct judge *j, const struct m_call *call,
					    struct m_verdict *v)
{
	enum m_class c = m_class_of(j->s, call->addr);
	struct m_page p = get(j, call->addr >> j->s->page_shift);

	if (c == M_BEYOND)
		return rule_deny(v, ERANGE, "past the stage 2's input range");
	if (p.host == PKVM_NOPAGE && c != M_FIRMWARE && !p.text)
		return rule_deny(v, EPERM, "the host does not own the page");
	rule_allow(v, 0, 0, M_KEEP, M_KEEP, 0);
	rule_deny(v, j->d->profile->abort_eexist ? EEXIST : EAGAIN, "it is mapped already");
}

/*
 * The owner's access succeeds; the mapping may be there or come lazily. The host
 * may touch firmware's carve-outs: mapping them on demand is the release's design.
 */
static __attribute__((noinline)) void host_access(const struct judge *j, const struct m_call *call,
						  struct m_verdict *v)
{
	/* a fault tells which 4 KiB: memory may end inside of them */
	enum m_class c = m_class_of(j->s, ALIGN_DOWN(call->addr, 4096));
	struct m_page p = get(j, call->addr >> j->s->page_shift);

	if (!(j->s->s2_on >> call->cpu & 1))
		return rule_ends(v, M_OK_ACCESS, "the host runs without stage 2");
	if (c == M_BEYOND)
		return rule_ends(v, M_PANIC, "past the stage 2's input range every release panics");
	if (c != M_FIRMWARE && p.host == PKVM_NOPAGE) {
		if (!p.text)
			return rule_ends(v, j->d->inject ? M_ABORT : M_PANIC,
					 "the host does not own the page");
		if (call->op == M_HOST_READ)
			return rule_ends(v, M_OK_ACCESS, "EL2's text is left readable");
		return rule_ends(v, M_HANG,
				 "EL2's text is read-only, and the fault changes nothing");
	}
	if (call->op == M_HOST_EXEC && c == M_HOLE)
		return rule_ends(v, M_HANG,
				 "devices are not executable, and the fault changes nothing");
	rule_ends(v, M_OK_ACCESS, "the host owns the page");
}

/* ---- All of them ------------------------------------------------------------------------- */

/* Does the release check pfn and nr_pages before anything else? */
static bool checks_frames(const struct m_design *d, enum m_op op)
{
	return d->profile->check_pfn_range && (op == M_HOST_DONATE_HYP || op == M_HYP_DONATE_HOST ||
					       op == M_HOST_SHARE_FFA || op == M_HOST_UNSHARE_FFA);
}

static void judge_call(const struct judge *j, const struct m_call *call, struct m_verdict *v)
{
	static void (*const rule[N_M_OPS])(const struct judge *j, struct m_verdict *v) = {
		[M_HOST_SHARE_HYP] = host_share_hyp,
		[M_HOST_UNSHARE_HYP] = host_unshare_hyp,
		[M_HOST_DONATE_HYP] = host_donate_hyp,
		[M_HYP_DONATE_HOST] = hyp_donate_host,
		[M_HOST_SHARE_FFA] = host_share_ffa,
		[M_HOST_UNSHARE_FFA] = host_unshare_ffa,
		[M_FFA_MEM_SHARE] = ffa_mem_share,
		[M_FFA_MEM_RECLAIM] = ffa_mem_reclaim,
		[M_PIN] = pin,
		[M_UNPIN] = unpin,
		[M_DONATE_HYP_MMIO] = donate_hyp_mmio,
		[M_DONATE_HOST_MMIO] = donate_host_mmio,
	};

	if (checks_frames(j->d, call->op) && !rule_frames_valid(j, call->pfn))
		return rule_deny(v, EINVAL, "the frames are past the stage 2's input range");
	rule[call->op](j, v);
}

void m_judge(const struct m_state *s, const struct m_design *d, const struct m_call *call,
	     struct m_verdict *v)
{
	/* The kernel turns a frame number into an address by a shift that drops bits. */
	struct judge j = {
		.s = s,
		.d = d,
		.call = call,
		.pfn = call->pfn << s->page_shift >> s->page_shift,
		.raw_pfn = call->pfn,
		.nr = call->nr,
	};

	memset(v, 0, offsetof(struct m_verdict, answer));
	v->host = v->hyp = v->guest = M_KEEP;
	switch (call->op) {
	case M_OTHER:
		v->anything = true;
		break;
	case M_IDMAP:
		idmap(&j, call, v);
		break;
	case M_HOST_READ:
	case M_HOST_WRITE:
	case M_HOST_EXEC:
		host_access(&j, call, v);
		break;
	default:
		if (call->op >= M_RESERVE_VM)
			rule_vm(&j, v);
		else if (call->op >= M_HOST_SHARE_GUEST)
			rule_guest(&j, v);
		else
			judge_call(&j, call, v);
	}
}
