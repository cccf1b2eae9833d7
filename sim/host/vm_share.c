// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the host shares with EL2, after kvm_share_hyp() and kvm_unshare_hyp() of
 * arch/arm64/kvm/mmu.c (6.12.117; v7.0 as it; 7.2.13). A page may have several users:
 * the first one's request and the last one's withdrawal are hypercalls, the others only
 * count. From v7.2 on the count follows what EL2 answered.
 */
#include "vm.h"

static bool follows_answer(const struct flow *f, enum bug_id bug)
{
	return flow_release(f) >= PROFILE_V7_2 && !flow_machine(f)->config->bug[bug];
}

static u64 pfn_of(const struct flow *f, u64 pa)
{
	return pa >> flow_machine(f)->board->f->page_shift;
}

static void count_users(struct flow *f, struct host_page *p, u64 pa, u32 shares)
{
	const u32 old = p->shares;

	host_page_mark(flow_machine(f), p)->shares = shares;
	event_emit(f->cpu, .kind = EV_CALL, .fn = __func__, .what = "hyp_shared_pfns", .addr = pa,
		   .val = shares, .old = old);
}

/* -EINVAL: not in the kernel's linear map. */
static int share_pfn_hyp(struct flow *f, u64 pa)
{
	struct host_page *p = host_page(flow_machine(f), pa);
	int ret = 0;

	if (!p)
		return -EINVAL;
	if (!p->shares)
		ret = (int)hcall(f, HC_SHARE_HYP, pfn_of(f, pa));
	/* B-27: a page that EL2 refused counts as shared from now on */
	if (!ret || !follows_answer(f, BUG_B27))
		count_users(f, p, pa, p->shares + 1);
	return ret;
}

/* WARN, -ENOENT: nobody shared it. */
static int unshare_pfn_hyp(struct flow *f, u64 pa)
{
	struct host_page *p = host_page(flow_machine(f), pa);
	int ret = 0;

	if (!p || !p->shares)
		return -ENOENT;
	if (p->shares == 1)
		ret = (int)hcall(f, HC_UNSHARE_HYP, pfn_of(f, pa));
	/* B-28: a page that EL2 keeps counts as unshared */
	if (!ret || !follows_answer(f, BUG_B28))
		count_users(f, p, pa, p->shares - 1);
	event_emit(f->cpu, .kind = EV_RET, .fn = __func__, .what = "unshare_pfn_hyp", .addr = pa,
		   .val = (u64)ret);
	return ret;
}

static void shared_range(const struct flow *f, u64 *pa, u64 *end, u64 bytes)
{
	*end = ALIGN_UP(*pa + bytes, flow_page_size(f));
	*pa = ALIGN_DOWN(*pa, flow_page_size(f));
}

/*
 * kvm_share_hyp - the pages of [@pa, @pa + @bytes) are shared with EL2 for one user more.
 * -EINVAL: not in the linear map; else what EL2 answered. After an error v7.2 unshares
 * what this call shared; before, it stays (B-29).
 */
int kvm_share_hyp(struct flow *f, u64 pa, u64 bytes)
{
	u64 end, cur;
	int ret = 0;

	shared_range(f, &pa, &end, bytes);
	event_emit(f->cpu, .kind = EV_CALL, .fn = __func__, .what = __func__, .addr = pa);
	for (cur = pa; cur < end && !ret; cur += flow_page_size(f))
		ret = share_pfn_hyp(f, cur);
	for (cur -= flow_page_size(f); ret && follows_answer(f, BUG_B29) && cur > pa;) {
		cur -= flow_page_size(f);
		unshare_pfn_hyp(f, cur);
	}
	event_emit(f->cpu, .kind = EV_RET, .fn = __func__, .what = __func__, .addr = pa,
		   .val = (u64)ret);
	return ret;
}

/* kvm_unshare_hyp - one user less. Linux warns of errors and goes on: the first of them. */
int kvm_unshare_hyp(struct flow *f, u64 pa, u64 bytes)
{
	int ret = 0, err;
	u64 end;

	shared_range(f, &pa, &end, bytes);
	event_emit(f->cpu, .kind = EV_CALL, .fn = __func__, .what = __func__, .addr = pa);
	for (; pa < end; pa += flow_page_size(f)) {
		err = unshare_pfn_hyp(f, pa);
		ret = ret ? ret : err;
	}
	return ret;
}
