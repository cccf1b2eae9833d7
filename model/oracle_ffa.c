// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of FF-A: which pages an SMC of the host may share, lend or give back. From
 * DEN0077A and spec/boot-alloc-vm.md 6, not from EL2's code: the descriptor is read in
 * the host's mailbox before EL2 sees it, and what is lent under a handle is kept here.
 *
 * The secure world may refuse whatever it likes. What it gives back must be what it was
 * lent, whoever says otherwise. An offset or an address that EL2 would have to round,
 * or to look for outside of what it was sent, is wrong on every release.
 */
#include <string.h>

#include "oracle_impl.h"
#include "sim/el2/smc.h"

#define LEASES 64u
#define LEASE_RANGES 4096u
#define THIS_ACTION LEASES /* where the pages of the action stand, behind the leases */

struct range {
	u64 pfn, nr;
};

struct lease {
	u64 handle;	/* 0: none */
	u32 got, total; /* bytes of its descriptor: less than all, fragments are missing */
	u32 n;		/* ranges */
};

enum ffa_act {
	ACT_NONE,
	ACT_VERSION,
	ACT_MAP,
	ACT_UNMAP,
	ACT_TAKE, /* the first fragment, or all of it */
	ACT_MORE, /* a later fragment */
	ACT_GIVE
};

struct m_ffa {
	struct extent *ranges; /* LEASE_RANGES of each lease, and of the action */
	u32 version;	       /* agreed on; 0: none */
	bool mapped;
	u64 tx, rx; /* the host's mailboxes: PA; once they are mapped, or to be */
	struct lease lease[LEASES];
	/* the action */
	enum ffa_act act;
	bool may;	     /* it may succeed */
	s64 must;	     /* else with this error; 0: with any */
	u32 n;		     /* ranges of THIS_ACTION */
	u64 pages;	     /* in them */
	u32 got, total;	     /* ACT_TAKE, ACT_MORE: bytes of the fragment, of all */
	struct lease *about; /* ACT_MORE, ACT_GIVE: what it is about; or NULL */
};

bool ffa_init(struct oracle *o)
{
	o->ffa = board_alloc(o->b, sizeof(*o->ffa));
	o->ffa->ranges =
		board_store_new(o->b, (u64)(LEASES + 1) * LEASE_RANGES * sizeof(struct range));
	return o->ffa->ranges;
}

/* ---- Ranges ------------------------------------------------------------------------------ */

static struct range *range_of(const struct m_ffa *f, u32 lease, u32 i)
{
	return (struct range *)f->ranges->bytes + (u64)lease * LEASE_RANGES + i;
}

static void range_put(struct oracle *o, u32 lease, u32 i, struct range r)
{
	struct range *to = range_of(o->ffa, lease, i);

	store_mark(o->b, o->ffa->ranges, (u64)((u8 *)to - o->ffa->ranges->bytes));
	*to = r;
}

static bool overlaps(const struct m_ffa *f, struct range r)
{
	for (u32 i = 0; i < f->n; i++) {
		const struct range *a = range_of(f, THIS_ACTION, i);

		if (r.pfn < a->pfn + a->nr && a->pfn < r.pfn + r.nr)
			return true;
	}
	return false;
}

static void effect_add(struct oracle *o, struct range r)
{
	struct m_ffa *f = o->ffa;

	sim_assert(f->n < LEASE_RANGES);
	range_put(o, THIS_ACTION, f->n++, r);
	f->pages += r.nr;
}

bool ffa_names(const struct oracle *o, u64 pfn)
{
	const struct m_ffa *f = o->ffa;

	for (u32 i = 0; i < f->n; i++) {
		const struct range *r = range_of(f, THIS_ACTION, i);

		if (pfn - r->pfn < r->nr)
			return true;
	}
	return false;
}

void ffa_for_each_range(struct oracle *o, void (*fn)(struct oracle *o, u64 pfn, u64 nr))
{
	for (u32 i = 0; i < o->ffa->n; i++) {
		const struct range *r = range_of(o->ffa, THIS_ACTION, i);

		fn(o, r->pfn, r->nr);
	}
}

/* ---- What may happen ----------------------------------------------------------------------- */

static void must_fail(struct m_ffa *f, s64 code)
{
	f->may = false;
	f->must = code;
}

/* The host's alone, memory, and EL2 has nothing to do with it. */
static bool hosts_own(struct oracle *o, struct range r)
{
	for (u64 i = 0; i < r.nr; i++) {
		struct found p;

		if (r.pfn + i >= o->n_frames || page_class(o, r.pfn + i) != M_MEMORY)
			return false;
		p = page_get(o, r.pfn + i);
		if (p.p.host != PKVM_PAGE_OWNED)
			return false;
	}
	return true;
}

static void judge_map(struct oracle *o)
{
	const u64 *x = o->action.regs;
	const u64 page = BIT(o->shift);
	struct m_ffa *f = o->ffa;

	f->act = ACT_MAP;
	if ((u32)x[3] != page / 4096 || !IS_ALIGNED(x[1] | x[2], page))
		return must_fail(f, FFA_RET_INVALID_PARAMETERS);
	if (f->mapped)
		return must_fail(f, FFA_RET_DENIED);
	if (x[1] == x[2] || !hosts_own(o, (struct range){ x[1] >> o->shift, 1 }) ||
	    !hosts_own(o, (struct range){ x[2] >> o->shift, 1 }))
		return must_fail(f, 0);
	f->tx = x[1];
	f->rx = x[2];
	effect_add(o, (struct range){ f->tx >> o->shift, 1 });
	effect_add(o, (struct range){ f->rx >> o->shift, 1 });
	o->verdict.host = PKVM_PAGE_SHARED_OWNED;
	o->verdict.hyp = PKVM_PAGE_SHARED_BORROWED;
	o->verdict.pins = 1;
}

static void judge_unmap(struct oracle *o)
{
	struct m_ffa *f = o->ffa;

	f->act = ACT_UNMAP;
	if ((u32)o->action.regs[1] || !f->mapped)
		return must_fail(f, FFA_RET_INVALID_PARAMETERS);
	effect_add(o, (struct range){ f->tx >> o->shift, 1 });
	effect_add(o, (struct range){ f->rx >> o->shift, 1 });
	o->verdict.host = PKVM_PAGE_OWNED;
	o->verdict.hyp = PKVM_NOPAGE;
	o->verdict.pins = -1;
}

/* ---- Descriptors --------------------------------------------------------------------------- */

static u64 mailbox(const struct oracle *o, u64 off, unsigned int bytes)
{
	u64 val = 0, byte;

	for (unsigned int i = 0; i < bytes; i++) {
		if (!board_peek(o->b, PA(o->ffa->tx + off + i), 1, &byte))
			byte = 0;
		val |= byte << (8 * i);
	}
	return val;
}

/* Ranges from @off of the mailbox to @end: whole pages of the host's, each once. */
static void read_ranges(struct oracle *o, u64 off, u64 end)
{
	const u64 page = BIT(o->shift);
	struct m_ffa *f = o->ffa;

	for (; off < end; off += 16) {
		const u64 address = mailbox(o, off, 8), bytes = mailbox(o, off + 8, 4) * 4096;
		const struct range r = { address >> o->shift, bytes >> o->shift };

		if (!IS_ALIGNED(address | bytes, page) || overlaps(f, r) || !hosts_own(o, r))
			return must_fail(f, FFA_RET_DENIED);
		/* nothing is no page: whether that is worth a handle is not EL2's affair */
		if (r.nr)
			effect_add(o, r);
	}
}

/* Bytes of header and of an endpoint's entry. */
static void head_sizes(const struct m_ffa *f, u64 *header, u64 *entry)
{
	*header = f->version > 0x10000 ? 48 : 32;
	*entry = f->version > 0x10001 ? 32 : 16;
}

/* Where the ranges begin; 0: nowhere that EL2 may look. */
static u64 find_ranges(struct oracle *o, u64 fraglen)
{
	u64 header, entry, at, composite;

	head_sizes(o->ffa, &header, &entry);
	at = header == 48 ? mailbox(o, 32, 4) : header;
	if (fraglen < header + entry || at + entry > fraglen)
		return 0;
	composite = mailbox(o, at + 4, 4);
	if (!composite || mailbox(o, 28, 4) != 1 || mailbox(o, 0, 2))
		return 0;
	if (composite + 16 > fraglen || (fraglen - composite) % 16)
		return 0;
	return composite + 16;
}

/* The longest descriptor that comes back: EL2 has nine pages of 4 KiB, or their like. */
static u64 longest(const struct oracle *o)
{
	const u64 page = BIT(o->shift);

	return ALIGN_UP(UINT64_C(48 + 32 + 16 + 2048 * 16), page);
}

static void judge_take(struct oracle *o)
{
	const u64 *x = o->action.regs;
	struct m_ffa *f = o->ffa;
	u64 header, entry, at;

	f->act = ACT_TAKE;
	f->total = (u32)x[1];
	f->got = (u32)x[2];
	head_sizes(f, &header, &entry);
	if (x[3] || (u32)x[4] || f->got > f->total || f->got > BIT(o->shift) ||
	    f->got < header + entry || !f->mapped)
		return must_fail(f, FFA_RET_INVALID_PARAMETERS);
	if (f->total > longest(o))
		return must_fail(f, f->got < 48 + 32 ? 0 : FFA_RET_NO_MEMORY);
	at = find_ranges(o, f->got);
	if (!at)
		return must_fail(f, FFA_RET_INVALID_PARAMETERS);
	read_ranges(o, at, f->got);
	o->verdict.host = PKVM_PAGE_SHARED_OWNED;
}

static struct lease *lease_find(struct m_ffa *f, u64 handle)
{
	for (unsigned int i = 0; i < LEASES; i++)
		if (f->lease[i].handle == handle)
			return &f->lease[i];
	return NULL;
}

static struct lease *lease_named(struct m_ffa *f, const u64 *x)
{
	const u64 handle = (u32)x[1] | (u64)(u32)x[2] << 32;

	return handle ? lease_find(f, handle) : NULL;
}

static void judge_more(struct oracle *o)
{
	const u64 *x = o->action.regs;
	struct m_ffa *f = o->ffa;

	f->act = ACT_MORE;
	f->got = (u32)x[3];
	if (f->got > BIT(o->shift) || f->got % 16 || !f->mapped)
		return must_fail(f, FFA_RET_INVALID_PARAMETERS);
	f->about = lease_named(f, x);
	read_ranges(o, 0, f->got);
	/* of nobody's, or too long: the secure world's to refuse */
	if (f->may && (!f->about || f->got > f->about->total - f->about->got))
		must_fail(f, 0);
	o->verdict.host = PKVM_PAGE_SHARED_OWNED;
}

static void judge_give(struct oracle *o)
{
	struct m_ffa *f = o->ffa;

	f->act = ACT_GIVE;
	f->about = lease_named(f, o->action.regs);
	if (!f->about || f->about->got != f->about->total) {
		f->about = NULL;
		return must_fail(f, 0);
	}
	for (u32 i = 0; i < f->about->n; i++)
		effect_add(o, *range_of(f, (u32)(f->about - f->lease), i));
	o->verdict.host = PKVM_PAGE_OWNED;
}

/* ---- The action ---------------------------------------------------------------------------- */

void ffa_begin(struct oracle *o)
{
	const u64 id = o->action.regs[0] & UINT32_MAX & ~SMCCC_HINT_SVE;
	struct m_ffa *f = o->ffa;

	f->act = ACT_NONE;
	f->may = true;
	f->must = 0;
	f->n = 0;
	f->pages = 0;
	f->about = NULL;
	o->verdict = (struct m_verdict){ .host = M_KEEP, .hyp = M_KEEP, .guest = M_KEEP };
	if (id == FFA_VERSION)
		f->act = ACT_VERSION;
	else if (!f->version || !o->v->booted)
		return;
	else if (id == FFA_FN64_RXTX_MAP)
		judge_map(o);
	else if (id == FFA_RXTX_UNMAP)
		judge_unmap(o);
	else if (id == FFA_FN64_MEM_SHARE || id == FFA_MEM_SHARE || id == FFA_FN64_MEM_LEND ||
		 id == FFA_MEM_LEND)
		judge_take(o);
	else if (id == FFA_MEM_FRAG_TX)
		judge_more(o);
	else if (id == FFA_MEM_RECLAIM)
		judge_give(o);
}

/* Did the call do what it is for? */
static bool succeeded(const struct m_ffa *f, const u64 *x)
{
	switch (f->act) {
	case ACT_NONE:
	case ACT_VERSION:
		return false;
	case ACT_TAKE:
		if (f->got < f->total)
			return x[0] == FFA_MEM_FRAG_RX && x[3] == f->got;
		return x[0] == FFA_SUCCESS;
	case ACT_MORE:
		return x[0] == FFA_SUCCESS || x[0] == FFA_MEM_FRAG_RX;
	case ACT_MAP:
	case ACT_UNMAP:
	case ACT_GIVE:
		return x[0] == FFA_SUCCESS;
	}
	return false;
}

bool ffa_allowed(struct oracle *o, enum oracle_end_kind end, s64 value, bool *commits)
{
	const struct m_ffa *f = o->ffa;

	if (end == ORACLE_END_REFUSED || end == ORACLE_END_OTHER)
		return true;
	if (end != ORACLE_END_VALUE)
		return false;
	if (f->act == ACT_NONE || f->act == ACT_VERSION)
		return true;
	if (value < 0)
		return f->may || !f->must || value == f->must;
	if (!succeeded(f, o->action.after))
		return true;
	*commits = f->may;
	return f->may;
}

void ffa_words(const struct oracle *o, char *out, size_t n)
{
	const struct m_ffa *f = o->ffa;
	const char *code = f->must ? ffa_error_name((unsigned int)-f->must) : "an error";

	g_strlcpy(out, f->may ? "success or an error" : code, n);
}

/* ---- What is kept of it -------------------------------------------------------------------- */

/* The ranges of this action to those of @l. */
static void lease_grow(struct oracle *o, struct lease *l)
{
	struct m_ffa *f = o->ffa;

	for (u32 i = 0; i < f->n && l->n < LEASE_RANGES; i++)
		range_put(o, (u32)(l - f->lease), l->n++, *range_of(f, THIS_ACTION, i));
	l->got += f->got;
}

static void keep_taken(struct oracle *o, const u64 *x)
{
	struct m_ffa *f = o->ffa;
	const u64 *handle = x[0] == FFA_SUCCESS ? &x[2] : &x[1];
	struct lease *l = lease_find(f, 0);

	if (!l)
		return;
	*l = (struct lease){ .handle = (u32)handle[0] | handle[1] << 32, .total = f->total };
	lease_grow(o, l);
}

/*
 * The transaction is at an end: the secure world forgets the ranges of the fragments
 * before, and they are shared with nobody (B-46).
 */
static void drop(struct oracle *o, struct lease *l)
{
	const u64 pfn = range_of(o->ffa, (u32)(l - o->ffa->lease), 0)->pfn;
	struct found p = page_get(o, pfn);

	if (l->n && p.p.host == PKVM_PAGE_SHARED_OWNED)
		judge_broken(o, RULE_LEAK, pfn, NULL, &p, &p,
			     "pages of earlier fragments are lent to nobody, and no call gives "
			     "them back");
	l->handle = 0;
}

void ffa_end(struct oracle *o, enum oracle_end_kind end, s64 value)
{
	const u64 *x = o->action.after;
	struct m_ffa *f = o->ffa;

	if (end != ORACLE_END_VALUE)
		return;
	if (f->act == ACT_VERSION && !f->version && (s32)x[0] > 0)
		f->version = (u32)x[0];
	if (f->act == ACT_MORE && value < 0 && f->about &&
	    (f->must == FFA_RET_DENIED ||
	     (f->must != FFA_RET_INVALID_PARAMETERS && f->about->got < f->about->total)))
		drop(o, f->about);
	if (!succeeded(f, x))
		return;
	switch (f->act) {
	case ACT_MAP:
		f->mapped = true;
		break;
	case ACT_UNMAP:
		f->mapped = false;
		break;
	case ACT_TAKE:
		keep_taken(o, x);
		break;
	case ACT_MORE:
		if (f->about)
			lease_grow(o, f->about);
		break;
	case ACT_GIVE:
		if (f->about)
			f->about->handle = 0;
		break;
	default:
		break;
	}
}
