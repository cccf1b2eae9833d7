// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page state in software bits of both tables, as v6.12 keeps it: the host's in its
 * stage 2, EL2's in its stage 1. After do_share(), do_unshare() and do_donate() of
 * arch/arm64/kvm/hyp/nvhe/mem_protect.c (6.12.117).
 *
 * State is read by walking leaves, so an empty 2 MiB or 1 GiB entry is judged once,
 * at the address where the walk enters it. The receiving side is checked with
 * CONFIG_NVHE_EL2_DEBUG only. An asserted commit that fails and lives (warn=continue)
 * gives 1, as WARN_ON() does.
 */
#include "mem_protect.h"

/* Both state bits set: no state of the kernel's. */
#define PAGE_STATE_RESERVED N_PAGE_STATES

static enum page_state pte_state(u64 pte)
{
	u64 s = FIELD_GET(PTE_SW_STATE, pte);

	return s == PKVM_NOPAGE ? PAGE_STATE_RESERVED : (enum page_state)s;
}

static enum page_state host_get_page_state(struct hyp_cpu *c, u64 pte, u64 addr)
{
	if (!addr_is_allowed_memory(c->hyp, addr) && (pte || !hyp_has_bug(c->hyp, BUG_B08)))
		return PKVM_NOPAGE;
	if (!pte_valid(pte) && pte)
		return PKVM_NOPAGE;
	return pte_state(pte);
}

static enum page_state hyp_get_page_state(struct hyp_cpu *c, u64 pte, u64 addr)
{
	return pte_valid(pte) ? pte_state(pte) : PKVM_NOPAGE;
}

struct check_walk_data {
	enum page_state desired;
	enum page_state (*get_page_state)(struct hyp_cpu *c, u64 pte, u64 addr);
};

static int check_page_state_visitor(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	const struct check_walk_data *d = ctx->arg;

	return d->get_page_state(c, ctx->old, ctx->addr) == d->desired ? 0 : -EPERM;
}

static int check_page_state_range(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 size,
				  struct check_walk_data *d)
{
	struct pgtable_walker walker = {
		WALKER_CB(check_page_state_visitor),
		.arg = d,
		.flags = WALK_LEAF,
	};

	return kvm_pgtable_walk(c, pgt, addr, size, &walker);
}

/* -ERANGE: beyond the IPA size; -EPERM: a leaf in another state. */
static int pte_host_check(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	struct check_walk_data d = { .desired = s, .get_page_state = host_get_page_state };

	hyp_assert_lock_held(c, &c->hyp->host_mmu.lock);
	return check_page_state_range(c, &c->hyp->host_mmu.pgt, phys, size, &d);
}

/* -ERANGE: its linear address is beyond EL2's; -EPERM. */
static int pte_hyp_check(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	struct check_walk_data d = { .desired = s, .get_page_state = hyp_get_page_state };

	hyp_assert_lock_held(c, &c->hyp->pkvm_pgd_lock);
	return check_page_state_range(c, &c->hyp->pkvm_pgtable, hyp_va_of(c->hyp, PA(phys)).va,
				      size, &d);
}

static bool skip_ack(const struct hyp_cpu *c)
{
	return hyp_knob(c, KNOB_EL2_DEBUG) == EL2_DEBUG_OFF;
}

static int pte_hyp_ack(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	return skip_ack(c) ? 0 : pte_hyp_check(c, phys, size, s);
}

static int pte_hyp_ack_unshare(struct hyp_cpu *c, u64 phys, u64 size)
{
	if (hyp_page_count(c, PA(phys)))
		return -EBUSY;
	return pte_hyp_ack(c, phys, size, PKVM_PAGE_SHARED_BORROWED);
}

static int pte_host_ack_donation(struct hyp_cpu *c, u64 phys, u64 size)
{
	return skip_ack(c) ? 0 : pte_host_check(c, phys, size, PKVM_NOPAGE);
}

static int host_set_state(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	return host_stage2_idmap_locked(c, phys, size, pkvm_mkstate(PKVM_HOST_MEM_PROT, s));
}

static int hyp_map_state(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	return pkvm_create_mappings_locked(c, PA(phys), PA(phys + size), pkvm_mkstate(PAGE_HYP, s));
}

static int hyp_unmap(struct hyp_cpu *c, u64 phys, u64 size)
{
	va_t va = hyp_va_of(c->hyp, PA(phys));

	return kvm_pgtable_hyp_unmap(c, &c->hyp->pkvm_pgtable, va, size) == size ? 0 : -EFAULT;
}

static int pte_share_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	HYP_FRAME(c);
	ret = host_set_state(c, phys, size, PKVM_PAGE_SHARED_OWNED);
	if (!ret)
		ret = hyp_map_state(c, phys, size, PKVM_PAGE_SHARED_BORROWED);
	return WARN_ON(c, ret);
}

static int pte_unshare_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	HYP_FRAME(c);
	ret = host_set_state(c, phys, size, PKVM_PAGE_OWNED);
	if (!ret)
		ret = hyp_unmap(c, phys, size);
	return WARN_ON(c, ret);
}

static int pte_donate_hyp(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	HYP_FRAME(c);
	ret = host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HYP);
	if (!ret)
		ret = hyp_map_state(c, phys, size, PKVM_PAGE_OWNED);
	return WARN_ON(c, ret);
}

static int pte_donate_host(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	HYP_FRAME(c);
	ret = hyp_unmap(c, phys, size);
	if (!ret)
		ret = host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HOST);
	return WARN_ON(c, ret);
}

static int pte_set_host_ffa(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s)
{
	HYP_FRAME(c);
	return WARN_ON(c, host_set_state(c, phys, size, s));
}

/* EL2 maps a shared page from share to unshare: a pin is a count. */
static void pte_pin_page(struct hyp_cpu *c, u64 phys)
{
	hyp_page_ref_inc(c, PA(phys));
}

static void pte_unpin_page(struct hyp_cpu *c, u64 phys)
{
	hyp_page_ref_dec(c, PA(phys));
}

static int pte_adopt_hyp_page(struct hyp_cpu *c, u64 phys, u64 hyp_pte, enum page_state s)
{
	const u64 size = hyp_page_size(c->hyp);

	switch (s) {
	case PKVM_PAGE_OWNED:
		return host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HYP);
	case PKVM_PAGE_SHARED_OWNED:
		return host_set_state(c, phys, size, PKVM_PAGE_SHARED_BORROWED);
	case PKVM_PAGE_SHARED_BORROWED:
		return host_set_state(c, phys, size, PKVM_PAGE_SHARED_OWNED);
	default:
		return -EINVAL;
	}
}

static void pte_host_owner_changed(struct hyp_cpu *c, u64 phys, u64 size, u8 owner)
{
}

static bool pte_annotation_at_odds(struct hyp_cpu *c, u64 addr)
{
	return false;
}

/*
 * From the level of the hole down. The loop asks whether the *next* level may have
 * blocks, so the first candidate can be a level-0 entry, which the map walker then
 * splits; at level 3 the last candidate is taken in any case.
 */
static int pte_fault_range(struct hyp_cpu *c, u64 addr, s8 level, struct mem_range *range)
{
	const struct kvm_pgtable *pgt = &c->hyp->host_mmu.pgt;
	struct mem_range cur;

	do {
		u64 granule = kvm_granule_size(pgt, level);

		cur.start = ALIGN_DOWN(addr, granule);
		cur.end = cur.start + granule;
		level++;
	} while (level <= ARCH_LAST_LEVEL && !(level >= min_block_level(pgt->f->page_shift) &&
					       mem_range_includes(range, &cur)));
	*range = cur;
	return 0;
}

const struct page_state_ops page_state_pte_ops = {
	.host_check = pte_host_check,
	.hyp_check = pte_hyp_check,
	.hyp_ack = pte_hyp_ack,
	.hyp_ack_unshare = pte_hyp_ack_unshare,
	.host_ack_donation = pte_host_ack_donation,
	.share_hyp = pte_share_hyp,
	.unshare_hyp = pte_unshare_hyp,
	.donate_hyp = pte_donate_hyp,
	.donate_host = pte_donate_host,
	.set_host_ffa = pte_set_host_ffa,
	.pin_page = pte_pin_page,
	.unpin_page = pte_unpin_page,
	.adopt_hyp_page = pte_adopt_hyp_page,
	.host_owner_changed = pte_host_owner_changed,
	.annotation_at_odds = pte_annotation_at_odds,
	.fault_range = pte_fault_range,
};
