// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page state in struct hyp_page, from v7.0 on: transitions write two bytes a page,
 * tables change only where access does. EL2 maps a shared page when it is first
 * pinned. After arch/arm64/kvm/hyp/nvhe/mem_protect.c (7.2.13; v7.0 by dated
 * changes).
 *
 * A page without backing in hyp_vmemmap makes EL2 abort.
 */
#include "mem_protect.h"

static void host_update_state(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	const u64 page = hyp_page_size(c->hyp);

	for (u64 off = 0; off < size; off += page)
		set_host_state(c, PA(phys + off), s);
}

static void hyp_update_state(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	const u64 page = hyp_page_size(c->hyp);

	for (u64 off = 0; off < size; off += page)
		set_hyp_state(c, PA(phys + off), s);
}

/* -EINVAL: not in one region; -EPERM: not memory of the host's, or another state. */
static int vmemmap_host_check(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	const u64 page = hyp_page_size(c->hyp), end = phys + size;
	int ret = check_range_allowed_memory(c->hyp, phys, end);

	if (ret)
		return ret;
	hyp_assert_lock_held(c, &c->hyp->host_mmu.lock);
	for (; phys < end; phys += page)
		if (get_host_state(c, PA(phys)) != s)
			return -EPERM;
	return 0;
}

/* -EPERM; no check that the range is memory. */
static int vmemmap_hyp_check(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	const u64 page = hyp_page_size(c->hyp), end = phys + size;

	for (; phys < end; phys += page)
		if (get_hyp_state(c, PA(phys)) != s)
			return -EPERM;
	return 0;
}

static int vmemmap_hyp_ack(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	return hyp_has_bug(c->hyp, BUG_B15) ? 0 : vmemmap_hyp_check(c, phys, size, s);
}

static int vmemmap_hyp_ack_unshare(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret = vmemmap_hyp_check(c, phys, size, PKVM_PAGE_SHARED_BORROWED);

	if (ret && !hyp_has_bug(c->hyp, BUG_B11))
		return ret;
	return hyp_page_count(c, PA(phys)) ? -EBUSY : 0;
}

/* -EINVAL, -EPERM; then, from v7.2, -EBUSY for a page that something refers to. */
static int vmemmap_host_ack_donation(struct hyp_cpu *c, u64 phys, u64 size)
{
	const u64 page = hyp_page_size(c->hyp), end = phys + size;
	int ret = vmemmap_host_check(c, phys, size, PKVM_NOPAGE);

	if (ret || !c->hyp->profile->donate_host_refcount)
		return ret;
	for (; phys < end; phys += page)
		if (hyp_page_count(c, PA(phys)))
			return -EBUSY;
	return 0;
}

/* A range that the host did not have is mapped; else its entries stay as they are. */
int host_set_page_state_range(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	if (get_host_state(c, PA(phys)) == PKVM_NOPAGE) {
		int ret = host_stage2_idmap_locked(c, phys, size, PKVM_HOST_MEM_PROT);

		if (ret)
			return ret;
	}
	host_update_state(c, phys, size, s);
	return 0;
}

static int hyp_map(struct hyp_cpu *c, u64 phys, u64 size)
{
	return pkvm_create_mappings_locked(c, PA(phys), PA(phys + size), PAGE_HYP);
}

static bool hyp_unmap(struct hyp_cpu *c, u64 phys, u64 size)
{
	va_t va = hyp_va_of(c->hyp, PA(phys));

	return kvm_pgtable_hyp_unmap(c, &c->hyp->pkvm_pgtable, va, size) == size;
}

static int vmemmap_share_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	HYP_FRAME(c);
	hyp_update_state(c, phys, size, PKVM_PAGE_SHARED_BORROWED);
	WARN_ON(c, host_set_page_state_range(c, phys, size, PKVM_PAGE_SHARED_OWNED));
	return 0;
}

static int vmemmap_unshare_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	HYP_FRAME(c);
	hyp_update_state(c, phys, size, PKVM_NOPAGE);
	WARN_ON(c, host_set_page_state_range(c, phys, size, PKVM_PAGE_OWNED));
	return 0;
}

static int vmemmap_donate_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	HYP_FRAME(c);
	hyp_update_state(c, phys, size, PKVM_PAGE_OWNED);
	WARN_ON(c, hyp_map(c, phys, size));
	WARN_ON(c, host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HYP));
	return 0;
}

static int vmemmap_donate_host(struct hyp_cpu *c, u64 phys, u64 size)
{
	HYP_FRAME(c);
	hyp_update_state(c, phys, size, PKVM_NOPAGE);
	WARN_ON(c, !hyp_unmap(c, phys, size));
	WARN_ON(c, host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HOST));
	return 0;
}

static void vmemmap_pin_page(struct hyp_cpu *c, u64 phys)
{
	const u64 page = hyp_page_size(c->hyp);

	hyp_page_ref_inc(c, PA(phys));
	if (hyp_page_count(c, PA(phys)) == 1)
		WARN_ON(c, hyp_map(c, phys, page));
}

static void vmemmap_unpin_page(struct hyp_cpu *c, u64 phys)
{
	const u64 page = hyp_page_size(c->hyp);

	if (hyp_page_count(c, PA(phys)) == 1)
		WARN_ON(c, !hyp_unmap(c, phys, page));
	hyp_page_ref_dec(c, PA(phys));
}

/* EL2's text stays readable for the host, which prints it when EL2 panics. */
static bool is_hyp_text(struct hyp_cpu *c, u64 hyp_pte)
{
	u64 prot = kvm_pgtable_hyp_pte_prot(&c->hyp->pkvm_pgtable, hyp_pte);

	return c->hyp->profile->text_readable && (prot & PROT_X) && !(prot & PROT_W);
}

static int vmemmap_adopt_hyp_page(struct hyp_cpu *c, u64 phys, u64 hyp_pte, enum page_state s)
{
	const u64 page = hyp_page_size(c->hyp);

	switch (s) {
	case PKVM_PAGE_OWNED:
		set_hyp_state(c, PA(phys), PKVM_PAGE_OWNED);
		if (!is_hyp_text(c, hyp_pte))
			return host_stage2_set_owner_locked(c, phys, page, OWNER_ID_HYP);
		set_host_state(c, PA(phys), PKVM_NOPAGE);
		return host_stage2_idmap_locked(c, phys, page, PROT_R);
	case PKVM_PAGE_SHARED_OWNED:
		set_hyp_state(c, PA(phys), PKVM_PAGE_SHARED_OWNED);
		set_host_state(c, PA(phys), PKVM_PAGE_SHARED_BORROWED);
		return 0;
	case PKVM_PAGE_SHARED_BORROWED:
		set_hyp_state(c, PA(phys), PKVM_PAGE_SHARED_BORROWED);
		set_host_state(c, PA(phys), PKVM_PAGE_SHARED_OWNED);
		return 0;
	default:
		return -EINVAL;
	}
}

static void vmemmap_host_owner_changed(struct hyp_cpu *c, u64 phys, u64 size, u8 owner)
{
	host_update_state(c, phys, size, owner == OWNER_ID_HOST ? PKVM_PAGE_OWNED : PKVM_NOPAGE);
}

static bool vmemmap_annotation_at_odds(struct hyp_cpu *c, u64 addr)
{
	return addr_is_memory(c->hyp, addr) && get_host_state(c, PA(addr)) != PKVM_NOPAGE;
}

/* The largest block's level; with B-12 the one above, of which the map makes many. */
static s8 first_fault_level(const struct hyp *hyp)
{
	int level = min_block_level(hyp->f->page_shift);

	return (s8)(hyp_has_bug(hyp, BUG_B12) ? level - 1 : level);
}

/*
 * From the level of the hole down, the first block that fits; a page even where it
 * does not, since regions need not end at one (v6.16 to v6.19 knew no such page: B-13).
 */
static int vmemmap_fault_range(struct hyp_cpu *c, u64 addr, s8 level, struct mem_range *range)
{
	const struct kvm_pgtable *pgt = &c->hyp->host_mmu.pgt;
	struct mem_range cur;

	for (level = MAX(level, first_fault_level(c->hyp));; level++) {
		u64 granule = kvm_granule_size(pgt, level);

		cur.start = ALIGN_DOWN(addr, granule);
		cur.end = cur.start + granule;
		if (mem_range_includes(range, &cur))
			break;
		if (level < ARCH_LAST_LEVEL)
			continue;
		if (!hyp_has_bug(c->hyp, BUG_B13))
			break;
		WARN_ON(c, true);
		return -EINVAL;
	}
	*range = cur;
	return 0;
}

const struct page_state_ops page_state_vmemmap_ops = {
	.host_check = vmemmap_host_check,
	.hyp_check = vmemmap_hyp_check,
	.hyp_ack = vmemmap_hyp_ack,
	.hyp_ack_unshare = vmemmap_hyp_ack_unshare,
	.host_ack_donation = vmemmap_host_ack_donation,
	.share_hyp = vmemmap_share_hyp,
	.unshare_hyp = vmemmap_unshare_hyp,
	.donate_hyp = vmemmap_donate_hyp,
	.donate_host = vmemmap_donate_host,
	.set_host_ffa = host_set_page_state_range,
	.pin_page = vmemmap_pin_page,
	.unpin_page = vmemmap_unpin_page,
	.adopt_hyp_page = vmemmap_adopt_hyp_page,
	.host_owner_changed = vmemmap_host_owner_changed,
	.annotation_at_odds = vmemmap_annotation_at_odds,
	.fault_range = vmemmap_fault_range,
};
