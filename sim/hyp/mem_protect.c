// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who owns a page: the transitions between host, EL2 and secure world. After
 * arch/arm64/kvm/hyp/nvhe/mem_protect.c (6.12.117, 7.2.13; v7.0 lies between).
 *
 * Each takes the locks of the components it concerns (host before EL2), checks,
 * commits, and lets go. Checks run in the order written, the first that fails is
 * the result and nothing has changed; a commit is asserted and never taken back.
 * What is checked and changed where differs by release: struct page_state_ops.
 */
#include "mem_protect.h"

static void lock_host_and_hyp(struct hyp_cpu *c)
{
	host_lock_component(c);
	hyp_lock_component(c);
}

static void unlock_host_and_hyp(struct hyp_cpu *c)
{
	hyp_unlock_component(c);
	host_unlock_component(c);
}

/*
 * pfn_range_is_valid(): [pfn, pfn + nr_pages) within the physical address size.
 * Releases that do not ask take whatever the shift leaves.
 */
bool pfn_range_is_valid(const struct hyp *hyp, u64 pfn, u64 nr_pages)
{
	u64 limit = BIT(hyp->host_mmu.pgt.mmu.ia_bits) >> hyp->f->page_shift;

	if (!hyp->profile->check_pfn_range || hyp_has_bug(hyp, BUG_B16))
		return true;
	return pfn < limit && limit - pfn >= nr_pages;
}

/*
 * __pkvm_host_share_hyp - the host lends page @pfn to EL2.
 * v6.12: -ERANGE, -EPERM. v7.0 on: -EINVAL for a page that is not in one region,
 * -EPERM.
 */
int __pkvm_host_share_hyp(struct hyp_cpu *c, u64 pfn)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 phys = hyp_pfn_to_phys(c, pfn), size = hyp_page_size(c->hyp);
	int ret;

	HYP_FRAME(c);
	lock_host_and_hyp(c);
	ret = ops->host_check(c, phys, size, PKVM_PAGE_OWNED);
	if (!ret)
		ret = ops->hyp_ack(c, phys, size, PKVM_NOPAGE);
	if (!ret)
		ret = ops->share_hyp(c, phys, size);
	unlock_host_and_hyp(c);
	return ret;
}

/*
 * __pkvm_host_unshare_hyp - and takes it back.
 * Errors of the share; v6.12 then -EBUSY for a pinned page, before EL2's state;
 * v7.0 on -EPERM for EL2's state, then -EBUSY.
 */
int __pkvm_host_unshare_hyp(struct hyp_cpu *c, u64 pfn)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 phys = hyp_pfn_to_phys(c, pfn), size = hyp_page_size(c->hyp);
	int ret;

	HYP_FRAME(c);
	lock_host_and_hyp(c);
	ret = ops->host_check(c, phys, size, PKVM_PAGE_SHARED_OWNED);
	if (!ret)
		ret = ops->hyp_ack_unshare(c, phys, size);
	if (!ret)
		ret = ops->unshare_hyp(c, phys, size);
	unlock_host_and_hyp(c);
	return ret;
}

/*
 * __pkvm_host_donate_hyp - the host gives pages to EL2, as they are.
 * v7.0 on: -EINVAL beyond the physical address size, before any lock. Then as for
 * the share.
 */
int __pkvm_host_donate_hyp(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 phys = hyp_pfn_to_phys(c, pfn), size = nr_pages * hyp_page_size(c->hyp);
	int ret;

	HYP_FRAME(c);
	if (!pfn_range_is_valid(c->hyp, pfn, nr_pages))
		return -EINVAL;

	lock_host_and_hyp(c);
	ret = ops->host_check(c, phys, size, PKVM_PAGE_OWNED);
	if (!ret)
		ret = ops->hyp_ack(c, phys, size, PKVM_NOPAGE);
	if (!ret)
		ret = ops->donate_hyp(c, phys, size);
	unlock_host_and_hyp(c);
	return ret;
}

/*
 * __pkvm_hyp_donate_host - EL2 gives pages to the host, as they are.
 * v7.0 on: -EINVAL beyond the physical address size. -EPERM for EL2's state (not
 * memory: v7.0 on EL2 aborts), then the host's (v6.12 with EL2_DEBUG only); v7.2:
 * -EBUSY for pages with references.
 */
int __pkvm_hyp_donate_host(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 phys = hyp_pfn_to_phys(c, pfn), size = nr_pages * hyp_page_size(c->hyp);
	int ret;

	HYP_FRAME(c);
	if (!pfn_range_is_valid(c->hyp, pfn, nr_pages))
		return -EINVAL;

	lock_host_and_hyp(c);
	ret = ops->hyp_check(c, phys, size, PKVM_PAGE_OWNED);
	if (!ret)
		ret = ops->host_ack_donation(c, phys, size);
	if (!ret)
		ret = ops->donate_host(c, phys, size);
	unlock_host_and_hyp(c);
	return ret;
}

static int host_ffa_transition(struct hyp_cpu *c, u64 pfn, u64 nr_pages, enum page_state from,
			       enum page_state to)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 phys = hyp_pfn_to_phys(c, pfn), size = nr_pages * hyp_page_size(c->hyp);
	int ret;

	if (!pfn_range_is_valid(c->hyp, pfn, nr_pages))
		return -EINVAL;

	host_lock_component(c);
	ret = ops->host_check(c, phys, size, from);
	if (!ret)
		ret = ops->set_host_ffa(c, phys, size, to);
	host_unlock_component(c);
	return ret;
}

/*
 * __pkvm_host_share_ffa - the host lends pages to the secure world. Only the
 * host's side is looked at. Errors as for donation; v7.0 on also those of mapping.
 */
int __pkvm_host_share_ffa(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	HYP_FRAME(c);
	return host_ffa_transition(c, pfn, nr_pages, PKVM_PAGE_OWNED, PKVM_PAGE_SHARED_OWNED);
}

/* The reverse: takes back what is shared with anybody, as the kernel does. */
int __pkvm_host_unshare_ffa(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	HYP_FRAME(c);
	return host_ffa_transition(c, pfn, nr_pages, PKVM_PAGE_SHARED_OWNED, PKVM_PAGE_OWNED);
}

/*
 * hyp_pin_shared_mem - keep pages shared with EL2 from being unshared. @from, @to:
 * linear EL2 addresses, rounded outward.
 * Errors of the host's check, then -EPERM for EL2's. BUG at 65535 pins.
 */
int hyp_pin_shared_mem(struct hyp_cpu *c, va_t from, va_t to)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 page = hyp_page_size(c->hyp);
	const u64 start = ALIGN_DOWN(from.va, page), end = ALIGN_UP(to.va, page);
	const u64 phys = hyp_pa_of(c->hyp, VA(start)).pa;
	int ret;

	HYP_FRAME(c);
	lock_host_and_hyp(c);
	ret = ops->host_check(c, phys, end - start, PKVM_PAGE_SHARED_OWNED);
	if (!ret)
		ret = ops->hyp_check(c, phys, end - start, PKVM_PAGE_SHARED_BORROWED);
	for (u64 cur = start; !ret && cur < end; cur += page)
		ops->pin_page(c, hyp_pa_of(c->hyp, VA(cur)).pa);
	unlock_host_and_hyp(c);
	return ret;
}

/* hyp_unpin_shared_mem - undo one pin. No check: BUG where there is none. */
void hyp_unpin_shared_mem(struct hyp_cpu *c, va_t from, va_t to)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 page = hyp_page_size(c->hyp);
	const u64 start = ALIGN_DOWN(from.va, page), end = ALIGN_UP(to.va, page);

	HYP_FRAME(c);
	lock_host_and_hyp(c);
	for (u64 cur = start; cur < end; cur += page)
		ops->unpin_page(c, hyp_pa_of(c->hyp, VA(cur)).pa);
	unlock_host_and_hyp(c);
}

/*
 * fix_host_ownership_page - what the host's side records of one page that EL2 maps
 * in its linear map when it takes over. No lock: one CPU, at boot.
 * -EINVAL: a state that no page can be in; else errors of mapping and annotating.
 */
int fix_host_ownership_page(struct hyp_cpu *c, pa_t phys, u64 hyp_pte)
{
	enum page_state s = (enum page_state)FIELD_GET(PTE_SW_STATE, hyp_pte);

	return page_state_ops(c->hyp)->adopt_hyp_page(c, phys.pa, hyp_pte, s);
}
