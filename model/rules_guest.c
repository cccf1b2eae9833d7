// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules for guests' memory: lent to guests that are not protected, given to those
 * that are, shared back, taken back (spec/ownership.md 2.7 to 2.13). Where a release
 * asserts what a host's or a guest's input can make untrue, the rule has the error that
 * it should give: a panic there is a defect.
 */
#include "rules_private.h"

#define GUEST_INVALID_PARAMETER (-3)

/* A call that is about one VM's memory. */
struct about {
	u32 handle;
	u64 gfn, nr; /* gfn: what is left of it after the shift to an address */
	u64 fill;    /* pages in the memcache, after the host's were taken over */
};

/* ---- Whose memory? ------------------------------------------------------------------- */

const struct m_vm *rule_vm_of(const struct judge *j, u32 handle)
{
	const u32 slot = rule_slot(handle);

	if (!j->s->vm || slot >= M_VMS || j->s->vm[slot].slot != M_SLOT_LIVE)
		return NULL;
	return &j->s->vm[slot];
}

static const struct m_vm *vm_at(const struct judge *j, const struct about *a)
{
	return &j->s->vm[rule_slot(a->handle)];
}

/*
 * The host's list of pages for tables becomes EL2's, page by page, until the vCPU has as
 * many as the list had. What was taken over stays so, whatever comes.
 */
static bool refill(struct judge *j, struct about *a, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	struct judge page = *j;
	const char *why;

	page.sofar = v;
	page.nr = 1;
	while (a->fill < call->want) {
		if (v->moved == call->list_fill || v->moved == call->n_links) {
			v->anything = v->moved < call->list_fill && call->links_cut;
			rule_deny(v, ENOMEM, "the host's list of pages is too short");
			return false;
		}
		page.pfn = page.raw_pfn = call->link[v->moved];
		if ((j->d->profile->check_pfn_range && !rule_frames_valid(&page, page.pfn)) ||
		    rule_may_donate(&page, &why)) {
			rule_deny(v, ENOMEM, "a page of the host's list is not the host's to give");
			return false;
		}
		v->moved++;
		a->fill++;
	}
	return true;
}

/* The loaded vCPU, if its VM is of the kind that the call is for; with tables to come. */
static bool loaded(struct judge *j, bool is_protected, bool refills, struct about *a,
		   struct m_verdict *v)
{
	const struct m_loaded *l = &j->s->loaded[j->call->cpu];
	struct m_vcpu vcpu = { 0 };
	const struct m_vm *vm = rule_vm_of(j, l->handle);

	if (!l->handle || !vm || vm->is_protected != is_protected) {
		rule_deny(v, EINVAL, "no vCPU of such a VM is loaded on this CPU");
		return false;
	}
	a->handle = l->handle;
	j->s->vcpu(j->s, l->handle, l->idx, &vcpu);
	a->fill = vcpu.fill;
	return !refills || refill(j, a, v);
}

/* A VM by its handle, and its first vCPU: as EL2's own callers have it. */
static bool by_handle(const struct judge *j, struct about *a, struct m_verdict *v)
{
	struct m_vcpu vcpu;

	a->handle = j->call->handle;
	if (rule_vm_of(j, a->handle) && j->s->vcpu(j->s, a->handle, 0, &vcpu)) {
		a->fill = vcpu.fill;
		return true;
	}
	rule_deny(v, EINVAL, "no such VM, or it has no vCPU");
	return false;
}

/* As the host names it: a VM that is not protected. */
static bool not_protected(const struct judge *j, struct about *a, struct m_verdict *v)
{
	const struct m_vm *vm = rule_vm_of(j, j->call->handle);

	a->handle = j->call->handle;
	if (vm && !vm->is_protected)
		return true;
	rule_deny(v, EINVAL, "no such VM that is not protected");
	return false;
}

/* ---- What a guest has ------------------------------------------------------------------ */

static bool beyond(const struct judge *j, u64 gfn, u64 nr)
{
	const u64 limit = UINT64_C(1) << (j->s->ia_bits - j->s->page_shift);

	return gfn >= limit || limit - gfn < nr;
}

/* Nothing at all in these frames, poison neither. */
static int guest_has_none(const struct judge *j, const struct about *a)
{
	u64 gfn = a->gfn, end = a->gfn + a->nr;

	if (beyond(j, a->gfn, a->nr))
		return ERANGE;
	while (gfn < end) {
		const struct m_leaf l = j->s->leaf(j->s, a->handle, gfn);

		if (l.state != PKVM_NOPAGE)
			return EPERM;
		gfn = l.gfn + l.nr;
	}
	return 0;
}

/* The one page that a guest has there. */
static int guest_page(const struct judge *j, const struct about *a, struct m_leaf *l)
{
	if (beyond(j, a->gfn, 1))
		return ERANGE;
	*l = j->s->leaf(j->s, a->handle, a->gfn);
	if (l->state == PKVM_POISON)
		return EHWPOISON;
	if (l->state == PKVM_NOPAGE)
		return ENOENT;
	return l->nr != 1 ? E2BIG : 0;
}

static const char *guest_page_why(int err)
{
	switch (err) {
	case ERANGE:
		return "past the last address of a guest";
	case EHWPOISON:
		return "the guest's page was taken from it";
	case ENOENT:
		return "the guest has nothing there";
	default:
		return "the guest has a block there";
	}
}

/* One page or one whole block, aligned at both ends. */
static bool size_possible(const struct judge *j, u64 pfn, u64 gfn, u64 nr)
{
	const u64 block = UINT64_C(1) << (j->s->page_shift - 3);

	return nr == 1 || (nr == block && !((pfn | gfn) & (block - 1)));
}

/* ---- Permissions, as the host's numbers have them ----------------------------------------- */

struct rights {
	bool r, w, x, px, ux; /* x: at EL1 */
	bool more;	      /* bits that are none of these */
};

static struct rights rights_of(const struct judge *j, u64 prot)
{
	const bool two = j->d->profile->xn_two_bits;
	const u64 above = prot >> (two ? 2 : 1);

	return (struct rights){
		.px = prot & 1,
		.ux = two ? prot & 2 : prot & 1,
		.x = prot & 1,
		.w = above & 1,
		.r = above & 2,
		.more = above >> 2,
	};
}

static bool rights_possible(const struct judge *j, const struct rights *r, struct m_verdict *v)
{
	if (r->more)
		rule_deny(v, EINVAL, "these are no permissions");
	else if (r->px != r->ux && !j->s->xnx)
		rule_deny(v, EINVAL, "the CPU cannot tell execution at EL1 from that at EL0");
	else
		return true;
	return false;
}

/* ---- Lending ------------------------------------------------------------------------------- */

/* The host's alone, or lent to guests and nobody else. */
static int host_may_lend(const struct judge *j)
{
	for (u64 i = 0; i < j->nr; i++) {
		const struct m_page p = rule_page(j, j->pfn + i);

		if (p.host == PKVM_PAGE_OWNED)
			continue;
		if (p.host != PKVM_PAGE_SHARED_OWNED || !p.sharers)
			return EPERM;
		if (p.sharers == UINT32_MAX)
			return EBUSY;
	}
	return 0;
}

/* v7.2: enough for a table of every level, needed or not. */
static bool tables_short(const struct judge *j, const struct about *a)
{
	return j->d->profile->checks_memcache && a->fill < j->s->guest_levels;
}

static void maps(struct m_verdict *v, const struct about *a, u64 pfn, u8 state,
		 const struct rights *r)
{
	v->handle = a->handle;
	v->leaf = (struct m_leaf){ .state = state,
				   .gfn = a->gfn,
				   .nr = a->nr,
				   .pfn = pfn,
				   .r = r->r,
				   .w = r->w,
				   .x = r->x,
				   .young = true };
}

static const struct rights all_rights = { .r = true, .w = true, .x = true };

static void host_share_guest(struct judge *j, struct about *a, struct m_verdict *v)
{
	const struct rights r = rights_of(j, j->call->prot);
	int err;

	if (r.more)
		return (void)rights_possible(j, &r, v);
	if (!rule_frames_valid(j, j->raw_pfn))
		return rule_deny(v, EINVAL, "the frames are past the stage 2's input range");
	if (!size_possible(j, j->pfn, a->gfn, j->nr))
		return rule_deny(v, EINVAL, "one page, or one aligned block");
	err = rule_allowed(j);
	if (err)
		return rule_deny(v, err, "no memory of the host's");
	err = guest_has_none(j, a);
	if (err)
		return rule_deny(v, err,
				 err == ERANGE ? "past the last address of a guest"
					       : "the guest has something there");
	err = host_may_lend(j);
	if (err)
		return rule_deny(v, err,
				 "the host may only lend what it owns alone or lent before");
	if (tables_short(j, a))
		return rule_deny(v, ENOMEM, "too few pages for tables");
	/* what maps it is the first to look: C21 */
	if (!rights_possible(j, &r, v))
		return;
	rule_allow(v, j->pfn, j->nr, PKVM_PAGE_SHARED_OWNED, M_KEEP, 0);
	v->lent = 1;
	maps(v, a, j->pfn, PKVM_PAGE_SHARED_BORROWED, &r);
}

static void host_unshare_guest(struct judge *j, struct about *a, struct m_verdict *v)
{
	struct m_leaf l;

	if (!size_possible(j, 0, a->gfn, a->nr))
		return rule_deny(v, EINVAL, "one page, or one aligned block");
	if (beyond(j, a->gfn, 1))
		return rule_deny(v, ERANGE, guest_page_why(ERANGE));
	l = j->s->leaf(j->s, a->handle, a->gfn);
	if (l.state == PKVM_NOPAGE || l.state == PKVM_POISON)
		return rule_deny(v, ENOENT, guest_page_why(ENOENT));
	if (l.nr != a->nr)
		return rule_deny(v, E2BIG, "the guest's mapping has another size");
	if (l.state != PKVM_PAGE_SHARED_BORROWED)
		return rule_deny(v, EPERM, "the page is the guest's own");
	for (u64 i = 0; i < l.nr; i++)
		if (rule_page(j, l.pfn + i).host != PKVM_PAGE_SHARED_OWNED)
			return rule_deny(v, EPERM, "the host does not lend the page");
	rule_allow(v, l.pfn, l.nr, M_KEEP, M_KEEP, 0);
	v->lent = -1;
	a->gfn = l.gfn;
	maps(v, a, 0, PKVM_NOPAGE, &(struct rights){ 0 });
}

/* ---- Attributes -------------------------------------------------------------------------------- */

/* For the host to set: only of guests that are not protected. */
static bool may_change(struct judge *j, const struct about *a, struct m_verdict *v)
{
	if (!vm_at(j, a)->is_protected)
		return true;
	rule_deny(v, EPERM, "the VM is protected");
	return false;
}

/* The leaf at the address, if one is there, becomes @l. */
static void changes(struct m_verdict *v, const struct about *a, const struct m_leaf *l)
{
	v->handle = a->handle;
	v->leaf = *l;
}

static bool is_there(const struct m_leaf *l)
{
	return l->state != PKVM_NOPAGE && l->state != PKVM_POISON;
}

static void relax_perms(struct judge *j, struct about *a, struct m_verdict *v)
{
	const struct rights r = rights_of(j, j->call->prot);
	struct m_leaf l;

	if (!may_change(j, a, v) || !rights_possible(j, &r, v))
		return;
	if (beyond(j, a->gfn, 1))
		return rule_deny(v, ERANGE, guest_page_why(ERANGE));
	l = j->s->leaf(j->s, a->handle, a->gfn);
	if (!is_there(&l))
		return rule_deny(v, EAGAIN, guest_page_why(ENOENT));
	rule_allow(v, 0, 0, M_KEEP, M_KEEP, 0);
	l.r |= r.r;
	l.w |= r.w;
	/* v7.0 lets the new right to execute replace the old one, even with none */
	if (r.px || r.ux)
		l.x = r.px;
	else if (j->d->profile->id == PROFILE_V7_0)
		l.x = false;
	changes(v, a, &l);
}

static bool range_possible(struct judge *j, const struct about *a, struct m_verdict *v)
{
	if (!may_change(j, a, v))
		return false;
	if (!size_possible(j, 0, a->gfn, a->nr))
		rule_deny(v, EINVAL, "one page, or one aligned block");
	else if (beyond(j, a->gfn, a->nr))
		rule_deny(v, ERANGE, guest_page_why(ERANGE));
	else
		return true;
	return false;
}

/* Holes are passed over, blocks changed as a whole. */
static void wrprotect(struct judge *j, struct about *a, struct m_verdict *v)
{
	struct m_leaf l;

	if (!range_possible(j, a, v))
		return;
	rule_answer(v,
		    (struct m_answer){ .end = M_RET, .commits = true, .why = "it may not write" });
	l = j->s->leaf(j->s, a->handle, a->gfn);
	l.w = false;
	if (is_there(&l) && l.nr >= a->nr)
		changes(v, a, &l);
}

static void test_clear_young(struct judge *j, struct about *a, struct m_verdict *v)
{
	bool young = false;

	if (!range_possible(j, a, v))
		return;
	for (u64 gfn = a->gfn; gfn < a->gfn + a->nr;) {
		struct m_leaf l = j->s->leaf(j->s, a->handle, gfn);

		young |= is_there(&l) && l.young;
		gfn = l.gfn + l.nr;
		l.young &= !j->call->mkold;
		if (is_there(&l) && l.nr >= a->nr)
			changes(v, a, &l);
	}
	rule_answer(v, (struct m_answer){ .end = M_RET,
					  .ret = young,
					  .commits = true,
					  .why = young ? "it was used" : "it was not used" });
}

static void mkyoung(struct judge *j, struct about *a, struct m_verdict *v)
{
	struct m_leaf l;

	if (!may_change(j, a, v))
		return;
	rule_answer(v, (struct m_answer){ .end = M_RET, .commits = true, .why = "always" });
	if (beyond(j, a->gfn, 1))
		return;
	l = j->s->leaf(j->s, a->handle, a->gfn);
	l.young = true;
	if (is_there(&l))
		changes(v, a, &l);
}

/* ---- Giving --------------------------------------------------------------------------------------- */

static void host_donate_guest(struct judge *j, struct about *a, struct m_verdict *v)
{
	int err = rule_host_is(j, PKVM_PAGE_OWNED);

	if (err)
		return rule_deny(v, err, "the host may only give memory that it owns alone");
	err = guest_has_none(j, a);
	if (err)
		return rule_deny(v, err,
				 err == ERANGE ? "past the last address of a guest"
					       : "the guest has something there");
	if (tables_short(j, a))
		return rule_deny(v, ENOMEM, "too few pages for tables");
	rule_allow(v, j->pfn, 1, PKVM_NOPAGE, M_KEEP, 0);
	v->guest = PKVM_PAGE_OWNED;
	maps(v, a, j->pfn, PKVM_PAGE_OWNED, &all_rights);
}

/* 0 with the page's leaf: the guest's record first, then the host's, whose errors are one. */
static int shares(const struct judge *j, const struct about *a, u8 guest, u8 host, struct m_leaf *l,
		  const char **why)
{
	int err = guest_page(j, a, l);

	*why = guest_page_why(err);
	if (err)
		return err;
	*why = "it is not the guest's in this way";
	if (l->state != guest)
		return EPERM;
	*why = "it is not the host's in this way";
	return rule_page(j, l->pfn).host != host ? EPERM : 0;
}

static void guest_share(struct judge *j, struct about *a, bool share, struct m_verdict *v)
{
	const u8 guest[] = { PKVM_PAGE_OWNED, PKVM_PAGE_SHARED_OWNED };
	const u8 host[] = { PKVM_NOPAGE, PKVM_PAGE_SHARED_BORROWED };
	struct m_leaf l;
	const char *why;
	int err = shares(j, a, guest[!share], host[!share], &l, &why);

	if (err)
		return rule_deny(v, err, why);
	rule_allow(v, l.pfn, 1, host[share], M_KEEP, 0);
	v->guest = guest[share];
	maps(v, a, l.pfn, guest[share], &all_rights);
}

static void guest_share_host(struct judge *j, struct about *a, struct m_verdict *v)
{
	guest_share(j, a, true, v);
}

static void guest_unshare_host(struct judge *j, struct about *a, struct m_verdict *v)
{
	guest_share(j, a, false, v);
}

/* ---- Taking back ------------------------------------------------------------------------------------- */

/* The page is the host's, zeroed or, if the guest had lent it, as it is. */
static void taken(struct judge *j, struct about *a, const struct m_leaf *l, u8 leaves,
		  struct m_verdict *v)
{
	rule_allow(v, l->pfn, 1, PKVM_PAGE_OWNED, M_KEEP, 0);
	v->guest = PKVM_NOPAGE;
	maps(v, a, 0, leaves, &(struct rights){ 0 });
}

static void reclaim_guest(struct judge *j, struct about *a, struct m_verdict *v)
{
	struct m_leaf l;
	int err = guest_page(j, a, &l);

	if (err == EHWPOISON)
		return rule_answer(v,
				   (struct m_answer){ .end = M_RET, .why = "it was taken before" });
	if (err)
		return rule_deny(v, err, guest_page_why(err));
	if (l.state != PKVM_PAGE_OWNED && l.state != PKVM_PAGE_SHARED_OWNED)
		return rule_deny(v, EPERM, "the guest only borrows it");
	taken(j, a, &l, PKVM_NOPAGE, v);
}

static void reclaim_dying(struct judge *j, struct about *a, struct m_verdict *v)
{
	const struct m_vm *vm = rule_vm_of(j, a->handle);

	if (!vm || !vm->dying)
		return rule_deny(v, EINVAL, "no such VM that is dying");
	reclaim_guest(j, a, v);
}

/* Of which VM the page is, only the host's entry tells. */
static void force_reclaim(struct judge *j, struct about *a, struct m_verdict *v)
{
	const enum m_class c = m_class_of(j->s, j->call->addr);
	const struct m_page p = rule_page(j, j->call->addr >> j->s->page_shift);
	struct m_leaf l;
	int err;

	if (c == M_HOLE || c == M_BEYOND)
		return rule_deny(v, EFAULT, "no memory");
	if (c == M_FIRMWARE || p.host != PKVM_NOPAGE)
		return rule_deny(v, EAGAIN, "the host can reach it");
	if (!p.note_vm)
		return rule_deny(v, EPERM, "it is no guest's");
	*a = (struct about){ .handle = p.note_vm, .gfn = p.note_gfn, .nr = 1 };
	if (!rule_vm_of(j, a->handle))
		return rule_deny(v, EAGAIN, "its VM is gone");
	err = guest_page(j, a, &l);
	if (err)
		return rule_deny(v, err, guest_page_why(err));
	if (l.pfn != j->call->addr >> j->s->page_shift)
		return rule_deny(v, EPERM, "the VM with that handle has another page there");
	if (l.state != PKVM_PAGE_OWNED)
		return rule_deny(v, EPERM, "the guest does not own it alone");
	taken(j, a, &l, PKVM_POISON, v);
}

static void refill_memcache(struct judge *j, struct about *a, struct m_verdict *v)
{
	if (refill(j, a, v))
		rule_answer(v, (struct m_answer){ .end = M_RET, .why = "enough pages are there" });
}

/* ---- What guests do ------------------------------------------------------------------------------------ */

static void guest_access(const struct judge *j, struct m_verdict *v)
{
	const struct m_loaded *on = &j->s->loaded[j->call->cpu];
	const u64 gfn = j->call->addr >> j->s->page_shift;
	struct m_leaf l = { .state = PKVM_NOPAGE };
	bool may;

	if (!on->handle)
		return rule_deny(v, EINVAL, "no vCPU is loaded on this CPU");
	if (!beyond(j, gfn, 1))
		l = j->s->leaf(j->s, on->handle, gfn);
	may = j->call->op == M_GUEST_READ ? l.r : j->call->op == M_GUEST_WRITE ? l.w : l.x;
	if (is_there(&l) && may && (l.young || j->s->young_by_hardware))
		return rule_ends(v, M_OK_ACCESS, "the guest has the page");
	rule_ends(v, M_EXIT, is_there(&l) ? "the guest may not do that" : guest_page_why(ENOENT));
	if (j->call->known_to_tlb)
		rule_ends(v, M_OK_ACCESS, "nobody asked the TLB to forget that it could");
}

/* MEM_SHARE of nothing is for the host to help; all other errors are one. */
static void guest_mem_call(struct judge *j, struct about *a, struct m_verdict *v)
{
	const u64 *arg = j->call->arg;
	const bool share = (u32)arg[0] == M_GUEST_MEM_SHARE;

	a->gfn = arg[1] >> j->s->page_shift;
	if (arg[2] || arg[3] || arg[1] & ((UINT64_C(1) << j->s->page_shift) - 1)) {
		rule_deny(v, EINVAL, "the arguments name no page");
	} else {
		guest_share(j, a, share, v);
		if (share && v->answer[0].ret == -ENOENT) {
			v->n = 0;
			return rule_ends(v, M_EXIT, "the host is to give the page first");
		}
	}
	for (unsigned int i = 0; i < v->n; i++)
		if (v->answer[i].ret)
			v->answer[i].ret = GUEST_INVALID_PARAMETER;
}

static void guest_call(struct judge *j, struct m_verdict *v)
{
	const struct m_loaded *on = &j->s->loaded[j->call->cpu];
	const u64 *arg = j->call->arg;
	struct about a = { .handle = on->handle, .nr = 1 };

	if (!on->handle)
		return rule_deny(v, EINVAL, "no vCPU is loaded on this CPU");
	switch ((u32)arg[0]) {
	case M_GUEST_MEM_SHARE:
	case M_GUEST_MEM_UNSHARE:
		return guest_mem_call(j, &a, v);
	case M_GUEST_MEMINFO:
		if (arg[1] || arg[2] || arg[3])
			return rule_deny(v, -GUEST_INVALID_PARAMETER, "it takes no arguments");
		return rule_answer(v, (struct m_answer){ .end = M_RET,
							 .ret = 1 << j->s->page_shift,
							 .why = "the granule" });
	default:
		return rule_ends(v, M_DONE, "it tells what EL2 answers");
	}
}

/* ---- All of them ----------------------------------------------------------------------------------------- */

typedef void (*guest_rule)(struct judge *j, struct about *a, struct m_verdict *v);

/* What the host's calls name their guest by. */
enum by { BY_LOADED_NP, BY_LOADED_PROTECTED, BY_NP_HANDLE, BY_HANDLE, BY_ITSELF };

static const struct {
	guest_rule rule;
	enum by by;
	bool refills;
} rules[N_M_OPS] = {
	[M_HOST_SHARE_GUEST] = { host_share_guest, BY_LOADED_NP, true },
	[M_HOST_UNSHARE_GUEST] = { host_unshare_guest, BY_NP_HANDLE, false },
	[M_RELAX_PERMS] = { relax_perms, BY_LOADED_NP, false },
	[M_WRPROTECT] = { wrprotect, BY_NP_HANDLE, false },
	[M_TEST_CLEAR_YOUNG] = { test_clear_young, BY_NP_HANDLE, false },
	[M_MKYOUNG] = { mkyoung, BY_LOADED_NP, false },
	[M_HOST_DONATE_GUEST] = { host_donate_guest, BY_LOADED_PROTECTED, true },
	[M_GUEST_SHARE_HOST] = { guest_share_host, BY_HANDLE, false },
	[M_GUEST_UNSHARE_HOST] = { guest_unshare_host, BY_HANDLE, false },
	[M_RECLAIM_GUEST] = { reclaim_guest, BY_HANDLE, false },
	[M_RECLAIM_DYING] = { reclaim_dying, BY_ITSELF, false },
	[M_FORCE_RECLAIM] = { force_reclaim, BY_ITSELF, false },
	[M_REFILL_MEMCACHE] = { refill_memcache, BY_HANDLE, false },
};

static bool find(struct judge *j, enum by by, bool refills, struct about *a, struct m_verdict *v)
{
	if (j->call->by_el2)
		by = BY_HANDLE;
	switch (by) {
	case BY_LOADED_NP:
	case BY_LOADED_PROTECTED:
		return loaded(j, by == BY_LOADED_PROTECTED, refills, a, v);
	case BY_NP_HANDLE:
		return not_protected(j, a, v);
	case BY_HANDLE:
		return by_handle(j, a, v);
	case BY_ITSELF:
		break;
	}
	return true;
}

void rule_guest(struct judge *j, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	struct about a = {
		.handle = call->handle,
		.gfn = call->gfn << j->s->page_shift >> j->s->page_shift,
		.nr = call->nr,
	};

	switch (call->op) {
	case M_GUEST_READ:
	case M_GUEST_WRITE:
	case M_GUEST_EXEC:
		return guest_access(j, v);
	case M_GUEST_CALL:
		return guest_call(j, v);
	case M_POISON_FAULT:
		if (!j->s->loaded[call->cpu].handle)
			return rule_deny(v, EINVAL, "no vCPU is loaded on this CPU");
		return rule_ends(v, M_DONE, "what the vCPU exited for");
	default:
		break;
	}
	if (!find(j, rules[call->op].by, rules[call->op].refills, &a, v))
		return;
	/* from here on with the pages that were taken over */
	j->sofar = v->moved ? v : NULL;
	rules[call->op].rule(j, &a, v);
}
