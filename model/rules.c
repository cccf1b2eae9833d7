// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of pKVM ownership for host and EL2, a function a call. Each reads as
 * the specification does: the checks in order, then the effect. Where releases
 * order their checks differently, both orders stand here side by side.
 */
#include "rules.h"

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

enum m_class m_class_of(const struct m_state *s, u64 addr)
{
	const struct m_region *m;
	struct range r;

	if (addr >> s->ia_bits)
		return M_BEYOND;
	m = around(s, addr, &r);
	return !m ? M_HOLE : m->nomap ? M_FIRMWARE : M_MEMORY;
}

struct m_page m_page_default(enum m_class c)
{
	if (c == M_FIRMWARE || c == M_BEYOND)
		return (struct m_page){ .host = PKVM_NOPAGE, .hyp = PKVM_NOPAGE };
	return (struct m_page){ .host = PKVM_PAGE_OWNED, .hyp = PKVM_NOPAGE };
}

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

static void answer(struct m_verdict *v, struct m_answer a)
{
	if (v->n < M_MAX_ANSWERS)
		v->answer[v->n++] = a;
}

static void deny(struct m_verdict *v, int err, const char *why)
{
	answer(v, (struct m_answer){ .end = M_RET, .ret = -err, .why = why });
}

static void ends(struct m_verdict *v, enum m_end end, const char *why)
{
	answer(v, (struct m_answer){ .end = end, .why = why });
}

/* Success with the effect; or, if a table could not be had, no change at all. */
static void allow(struct m_verdict *v, u64 pfn, u64 nr, u8 host, u8 hyp, s32 pins)
{
	answer(v, (struct m_answer){ .end = M_RET, .commits = true, .why = "all checks pass" });
	answer(v, (struct m_answer){ .end = M_RET,
				     .ret = -ENOMEM,
				     .if_enomem = true,
				     .why = "a table page could not be had" });
	v->pfn = pfn;
	v->nr = nr;
	v->host = host;
	v->hyp = hyp;
	v->pins = pins;
}

struct m_page m_apply(const struct m_verdict *v, struct m_page p)
{
	if (v->host != M_KEEP)
		p.host = v->host;
	if (v->hyp != M_KEEP)
		p.hyp = v->hyp;
	if (v->host == PKVM_PAGE_OWNED)
		p.text = 0;
	p.pins += (u32)v->pins;
	return p;
}

/* ---- Checks: 0, or the errno of the first that fails --------------------------- */

struct judge {
	const struct m_state *s;
	const struct m_design *d;
	u64 pfn, nr; /* pfn: what is left of it after the shift to an address */
	u64 raw_pfn; /* as the caller gave it */
	bool wraps;  /* pfn + nr does not fit the address space */
};

static bool frames_valid(const struct judge *j, u64 raw_pfn)
{
	u64 limit = UINT64_C(1) << (j->s->ia_bits - j->s->page_shift);

	return raw_pfn < limit && limit - raw_pfn >= j->nr;
}

static bool past_linear_map(const struct judge *j)
{
	u64 end = j->s->linear_end >> j->s->page_shift;

	return j->s->linear_end && (j->pfn > end || end - j->pfn < j->nr);
}

/* The range lies in one region that the host may deal with: crossing is told first. */
static int allowed(const struct judge *j)
{
	u64 start = j->pfn << j->s->page_shift;
	u64 last = start + (j->nr << j->s->page_shift) - 1;
	struct range r;
	const struct m_region *m = around(j->s, start, &r);

	if (last < r.start || last >= r.end)
		return EINVAL;
	return !m || m->nomap ? EPERM : 0;
}

/* v6.12 knows a page by its table only: what is not the host's memory is nobody's. */
static u8 host_state(const struct judge *j, u64 pfn)
{
	struct m_page p = j->s->get(j->s, pfn);

	if (!j->d->profile->state_in_vmemmap &&
	    m_class_of(j->s, pfn << j->s->page_shift) != M_MEMORY)
		return PKVM_NOPAGE;
	return p.host;
}

static int host_is(const struct judge *j, u8 state)
{
	if (j->d->profile->state_in_vmemmap) {
		int err = allowed(j);

		if (err)
			return err;
	} else if (!frames_valid(j, j->pfn)) {
		return ERANGE;
	}
	for (u64 i = 0; i < j->nr; i++)
		if (host_state(j, j->pfn + i) != state)
			return EPERM;
	return 0;
}

static int hyp_is(const struct judge *j, u8 state)
{
	for (u64 i = 0; i < j->nr; i++)
		if (j->s->get(j->s, j->pfn + i).hyp != state)
			return EPERM;
	return 0;
}

static bool pinned(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++)
		if (j->s->get(j->s, j->pfn + i).pins)
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
	int err = host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return deny(v, err, "the host may only share a page of its own memory");
	if (cross_checks(j) && hyp_is(j, PKVM_NOPAGE))
		return deny(v, EPERM, "EL2 holds the page already");
	allow(v, j->pfn, 1, PKVM_PAGE_SHARED_OWNED, PKVM_PAGE_SHARED_BORROWED, 0);
}

static void host_unshare_hyp(const struct judge *j, struct m_verdict *v)
{
	int err = host_is(j, PKVM_PAGE_SHARED_OWNED);
	bool vmemmap = j->d->profile->state_in_vmemmap;

	if (err)
		return deny(v, err, "the host does not share the page");
	if (!vmemmap && pinned(j))
		return deny(v, EBUSY, "EL2 has the page pinned");
	if (hyp_is(j, PKVM_PAGE_SHARED_BORROWED))
		return deny(v, EPERM, "it is shared, but not with EL2");
	if (vmemmap && pinned(j))
		return deny(v, EBUSY, "EL2 has the page pinned");
	allow(v, j->pfn, 1, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

static void host_donate_hyp(const struct judge *j, struct m_verdict *v)
{
	int err = host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return deny(v, err, "the host may only give memory that it owns alone");
	if (cross_checks(j) && hyp_is(j, PKVM_NOPAGE))
		return deny(v, EPERM, "EL2 holds a page of the range already");
	allow(v, j->pfn, j->nr, PKVM_NOPAGE, PKVM_PAGE_OWNED, 0);
}

static bool all_memory(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++)
		if (m_class_of(j->s, (j->pfn + i) << j->s->page_shift) != M_MEMORY)
			return false;
	return true;
}

static void hyp_donate_host(const struct judge *j, struct m_verdict *v)
{
	if (!all_memory(j)) {
		deny(v, EPERM, "this call deals with memory only");
		if (j->d->profile->state_in_vmemmap)
			ends(v, M_PANIC,
			     "only EL2 calls it, and never with what has no page state");
		else if (!frames_valid(j, j->pfn) || past_linear_map(j))
			deny(v, ERANGE, "past EL2's linear map");
		return;
	}
	if (hyp_is(j, PKVM_PAGE_OWNED))
		return deny(v, EPERM, "EL2 does not own the page");
	for (u64 i = 0; cross_checks(j) && i < j->nr; i++)
		if (host_state(j, j->pfn + i) != PKVM_NOPAGE)
			return deny(v, EPERM, "the host holds the page too");
	if (j->d->profile->donate_host_refcount && pinned(j))
		return deny(v, EBUSY, "the page is in use");
	allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

static void host_share_ffa(const struct judge *j, struct m_verdict *v)
{
	int err = host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return deny(v, err, "the host may only lend memory that it owns alone");
	allow(v, j->pfn, j->nr, PKVM_PAGE_SHARED_OWNED, M_KEEP, 0);
}

/*
 * The secure world is trusted to name only what it was lent: nothing else tells
 * such a page from one that is shared with EL2 or a guest. What a lie leaves
 * behind is judged by m_page_legal().
 */
static void host_unshare_ffa(const struct judge *j, struct m_verdict *v)
{
	int err = host_is(j, PKVM_PAGE_SHARED_OWNED);

	if (err)
		return deny(v, err, "the host does not share the page");
	allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, M_KEEP, 0);
}

/* The proxy has one answer for whatever the host may not lend. */
static void ffa_mem_share(const struct judge *j, struct m_verdict *v)
{
	if (!j->nr)
		return deny(v, EINVAL, "no page is named");
	if ((j->d->profile->check_pfn_range && !frames_valid(j, j->raw_pfn)) ||
	    host_is(j, PKVM_PAGE_OWNED))
		return deny(v, EPERM, "the host may only lend memory that it owns alone");
	allow(v, j->pfn, j->nr, PKVM_PAGE_SHARED_OWNED, M_KEEP, 0);
	deny(v, ENOMEM, "the secure world takes no more");
}

/* An honest secure world names what it was lent: the host's, and shared with nobody else. */
static bool lent(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++) {
		struct m_page p = j->s->get(j->s, j->pfn + i);

		if (p.host != PKVM_PAGE_SHARED_OWNED || p.hyp != PKVM_NOPAGE || p.sharers)
			return false;
	}
	return true;
}

static void ffa_mem_reclaim(const struct judge *j, struct m_verdict *v)
{
	if (!j->nr)
		return deny(v, EINVAL, "no page is named");
	deny(v, EPERM, "the secure world was not lent these pages, in one piece");
	if (lent(j))
		allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, M_KEEP, 0);
}

static void pin(const struct judge *j, struct m_verdict *v)
{
	int err = host_is(j, PKVM_PAGE_SHARED_OWNED);

	if (err)
		return deny(v, err, "the host does not share the page");
	if (hyp_is(j, PKVM_PAGE_SHARED_BORROWED))
		return deny(v, EPERM, "it is shared, but not with EL2");
	allow(v, j->pfn, j->nr, M_KEEP, M_KEEP, 1);
}

static void unpin(const struct judge *j, struct m_verdict *v)
{
	for (u64 i = 0; i < j->nr; i++)
		if (!j->s->get(j->s, j->pfn + i).pins)
			return ends(v, M_PANIC, "unpinning what is not pinned is EL2's own bug");
	allow(v, j->pfn, j->nr, M_KEEP, M_KEEP, -1);
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
		return deny(v, EPERM, "only while the host is trusted");
	if (touches_memory(j))
		return deny(v, EINVAL, "memory is no device");
	if (!frames_valid(j, j->pfn))
		return deny(v, ERANGE, "past the stage 2's input range");
	for (u64 i = 0; i < j->nr; i++)
		if (j->s->get(j->s, j->pfn + i).host != PKVM_PAGE_OWNED)
			return deny(v, EPERM, "the host does not own the device");
	if (!j->d->mmio_private && past_linear_map(j))
		return deny(v, ERANGE, "past EL2's linear map");
	if (!j->d->mmio_private && hyp_is(j, PKVM_NOPAGE))
		return deny(v, EBUSY, "EL2 maps the device, or something at its address");
	allow(v, j->pfn, j->nr, PKVM_NOPAGE, PKVM_PAGE_OWNED, 0);
}

static void donate_host_mmio(const struct judge *j, struct m_verdict *v)
{
	if (j->d->mmio_range && j->s->deprivileged)
		return deny(v, EPERM, "only while the host is trusted");
	if (touches_memory(j))
		return deny(v, EINVAL, "memory is no device");
	if (j->d->mmio_private && !frames_valid(j, j->pfn))
		return deny(v, ERANGE, "past the stage 2's input range");
	if (!j->d->mmio_private && past_linear_map(j))
		return deny(v, ERANGE, "past EL2's linear map");
	for (u64 i = 0; i < j->nr; i++) {
		struct m_page p = j->s->get(j->s, j->pfn + i);

		/* where EL2 maps it is the caller's affair: only the annotation counts */
		if (j->d->mmio_private && p.host != PKVM_NOPAGE)
			return deny(v, EINVAL, "the device was not donated");
		if (p.hyp != PKVM_PAGE_OWNED)
			return deny(v, ENOENT, "EL2 does not map the device");
		if (p.host != PKVM_NOPAGE)
			return deny(v, EPERM, "the host owns the device");
	}
	allow(v, j->pfn, j->nr, PKVM_PAGE_OWNED, PKVM_NOPAGE, 0);
}

/* ---- The host's accesses --------------------------------------------------------------- */

static void idmap(const struct judge *j, const struct m_call *call, struct m_verdict *v)
{
	enum m_class c = m_class_of(j->s, call->addr);
	struct m_page p = j->s->get(j->s, call->addr >> j->s->page_shift);

	if (c == M_BEYOND)
		return deny(v, ERANGE, "past the stage 2's input range");
	if (p.host == PKVM_NOPAGE && c != M_FIRMWARE && !p.text)
		return deny(v, EPERM, "the host does not own the page");
	allow(v, 0, 0, M_KEEP, M_KEEP, 0);
	deny(v, j->d->profile->abort_eexist ? EEXIST : EAGAIN, "it is mapped already");
}

/*
 * The owner's access succeeds; the mapping may be there or come lazily. The host
 * may touch firmware's carve-outs: mapping them on demand is the release's design.
 */
static void host_access(const struct judge *j, const struct m_call *call, struct m_verdict *v)
{
	enum m_class c = m_class_of(j->s, call->addr);
	struct m_page p = j->s->get(j->s, call->addr >> j->s->page_shift);

	if (!j->s->s2_on[call->cpu])
		return ends(v, M_OK_ACCESS, "the host runs without stage 2");
	if (c == M_BEYOND)
		return ends(v, M_PANIC, "past the stage 2's input range every release panics");
	if (c != M_FIRMWARE && p.host == PKVM_NOPAGE) {
		if (!p.text)
			return ends(v, j->d->inject ? M_ABORT : M_PANIC,
				    "the host does not own the page");
		if (call->op == M_HOST_READ)
			return ends(v, M_OK_ACCESS, "EL2's text is left readable");
		return ends(v, M_HANG, "EL2's text is read-only, and the fault changes nothing");
	}
	if (call->op == M_HOST_EXEC && c == M_HOLE)
		return ends(v, M_HANG, "devices are not executable, and the fault changes nothing");
	ends(v, M_OK_ACCESS, "the host owns the page");
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

	if (checks_frames(j->d, call->op) && !frames_valid(j, call->pfn))
		return deny(v, EINVAL, "the frames are past the stage 2's input range");
	rule[call->op](j, v);
}

void m_judge(const struct m_state *s, const struct m_design *d, const struct m_call *call,
	     struct m_verdict *v)
{
	/* The kernel turns a frame number into an address by a shift that drops bits. */
	struct judge j = {
		.s = s,
		.d = d,
		.pfn = call->pfn << s->page_shift >> s->page_shift,
		.raw_pfn = call->pfn,
		.nr = call->nr,
	};

	memset(v, 0, sizeof(*v));
	v->host = v->hyp = M_KEEP;
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
		judge_call(&j, call, v);
	}
}

/* ---- Legal pairs ----------------------------------------------------------------------------- */

static bool holds(u8 state)
{
	return state == PKVM_PAGE_OWNED || state == PKVM_PAGE_SHARED_OWNED;
}

bool m_page_legal(const struct m_page *p, enum m_class c, const char **rule, const char **why)
{
	*rule = "single-owner";
	if (holds(p->host) && holds(p->hyp)) {
		*why = "host and hyp both own it";
		return false;
	}
	if (p->hyp == PKVM_PAGE_SHARED_BORROWED && p->host != PKVM_PAGE_SHARED_OWNED) {
		*why = "hyp still borrows what is no longer shared with it";
		return false;
	}
	if (p->host == PKVM_PAGE_SHARED_BORROWED && p->hyp != PKVM_PAGE_SHARED_OWNED) {
		*why = "the host borrows what nobody shares with it";
		return false;
	}
	if (p->sharers && p->host != PKVM_PAGE_SHARED_OWNED) {
		*why = "guests map what the host no longer shares";
		return false;
	}
	*rule = "pinned";
	if (p->pins && p->hyp == PKVM_NOPAGE) {
		*why = "it is pinned, and not shared with hyp";
		return false;
	}
	*rule = "spec";
	if (p->host == PKVM_NOPAGE && p->hyp == PKVM_NOPAGE && c != M_FIRMWARE && c != M_BEYOND) {
		*why = "nobody owns it";
		return false;
	}
	return true;
}
