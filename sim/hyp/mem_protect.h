/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files that decide who owns a page share: host_stage2.c,
 * page_state_pte.c, page_state_vmemmap.c, mem_protect.c and mmio.c.
 *
 * Sizes and addresses in bytes; arithmetic on them wraps at 2^64 as at EL2.
 */
#ifndef PKVM_SIM_HYP_MEM_PROTECT_H
#define PKVM_SIM_HYP_MEM_PROTECT_H

#include "hyp_private.h"

/*
 * Where a release keeps page state, and what follows from that: how a range is
 * checked and what a transition changes, in which order. The transitions
 * themselves (locks, checks, then commit) are in mem_protect.c, once.
 *
 * All of them need host_mmu.lock, and those that name hyp pkvm_pgd_lock as well.
 * A check gives 0 or -errno and changes nothing. A commit asserts what the
 * kernel asserts; what it returns is the transition's result.
 */
struct page_state_ops {
	/* Every page of the range in state @s for the host. */
	int (*host_check)(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s);
	/* The same for EL2, asked where EL2 gives the pages away. */
	int (*hyp_check)(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s);
	/* The receiving side's consent. */
	int (*hyp_ack)(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s);
	int (*hyp_ack_unshare)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*host_ack_donation)(struct hyp_cpu *c, u64 phys, u64 size);

	int (*share_hyp)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*unshare_hyp)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*donate_hyp)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*donate_host)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*set_host_ffa)(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s);
	void (*pin_page)(struct hyp_cpu *c, u64 phys);
	void (*unpin_page)(struct hyp_cpu *c, u64 phys);

	/* fix_host_ownership_page() of one EL2 leaf in state @s */
	int (*adopt_hyp_page)(struct hyp_cpu *c, u64 phys, u64 hyp_pte, enum page_state s);
	/* Host stage 2 names a new owner for a range; nothing to do where that is all. */
	void (*host_owner_changed)(struct hyp_cpu *c, u64 phys, u64 size, u8 owner);
	/* Host fault on an annotated page: is the page's state at odds with that? */
	bool (*annotation_at_odds)(struct hyp_cpu *c, u64 addr);
	/* How much a host fault at @addr maps; @range: its region or hole, then the choice.
	 * 0, or -EINVAL (B-13). */
	int (*fault_range)(struct hyp_cpu *c, u64 addr, s8 level, struct mem_range *range);
};

extern const struct page_state_ops page_state_pte_ops;	   /* v6.12 */
extern const struct page_state_ops page_state_vmemmap_ops; /* v7.0 on */

static inline const struct page_state_ops *page_state_ops(const struct hyp *hyp)
{
	return hyp->profile->state_in_vmemmap ? &page_state_vmemmap_ops : &page_state_pte_ops;
}

/* Page state where it stands in a descriptor, for valid entries and 0. */
#define PTE_SW_STATE GENMASK(56, 55)

static inline u64 pkvm_mkstate(u64 prot, enum page_state s)
{
	return (prot & ~PTE_SW_STATE) | FIELD_PREP(PTE_SW_STATE, s);
}

/* Frame number to address: bits shifted out are lost, as at EL2. */
static inline u64 hyp_pfn_to_phys(const struct hyp_cpu *c, u64 pfn)
{
	return pfn << c->hyp->page_shift;
}

static inline bool mem_range_has(const struct mem_range *r, u64 addr)
{
	return r->start <= addr && addr < r->end;
}

static inline bool mem_range_includes(const struct mem_range *outer, const struct mem_range *r)
{
	return outer->start <= r->start && r->end <= outer->end;
}

/*
 * BUG if nobody holds @lock: CONFIG_NVHE_EL2_DEBUG, and only once the static key
 * is on. Does not ask who holds it.
 */
static inline void hyp_assert_lock_held(struct hyp_cpu *c, const struct spinlock *lock)
{
	if (unlikely(hyp_knob(c, KNOB_EL2_DEBUG) == EL2_DEBUG_ON) &&
	    c->hyp->protected_mode_initialized)
		BUG_ON(c, !spin_is_locked(lock));
}

static inline void host_lock_component(struct hyp_cpu *c)
{
	spin_lock(c->cpu, &c->hyp->host_mmu.lock);
}

static inline void host_unlock_component(struct hyp_cpu *c)
{
	spin_unlock(c->cpu, &c->hyp->host_mmu.lock);
}

static inline void hyp_lock_component(struct hyp_cpu *c)
{
	spin_lock(c->cpu, &c->hyp->pkvm_pgd_lock);
}

static inline void hyp_unlock_component(struct hyp_cpu *c)
{
	spin_unlock(c->cpu, &c->hyp->pkvm_pgd_lock);
}

/*
 * Write @owner into the host's stage 2 for [addr, addr + size), recycling if the
 * pool is empty. No check of what the range is, no page state. host_mmu.lock.
 * -ENOMEM, -ERANGE, or what recycling failed with.
 */
int host_stage2_annotate_locked(struct hyp_cpu *c, u64 addr, u64 size, u8 owner);
/* The same with a guest as the owner, v7.2: who and where is noted in the entry. */
int host_stage2_set_guest_owner_locked(struct hyp_cpu *c, u64 addr, u64 size, u32 handle, u64 gfn);
/* Unmap all that is not memory. host_mmu.lock. Stops at the first error of the unmapping. */
int host_stage2_unmap_dev_all(struct hyp_cpu *c);
/* __host_set_page_state_range(), v7.0 on: a range that the host did not have is mapped, else
 * its entries stay as they are. host_mmu.lock. Errors of mapping. */
int host_set_page_state_range(struct hyp_cpu *c, u64 phys, u64 size, enum page_state s);
/* [pfn, pfn + nr_pages) within the physical address size? Older releases do not ask. */
bool pfn_range_is_valid(const struct hyp *hyp, u64 pfn, u64 nr_pages);
/* May the host give away or lend [start, end)? -EINVAL: leaves its region or
 * hole; -EPERM: a hole, or NOMAP. v7.0 on. */
int check_range_allowed_memory(struct hyp *hyp, u64 start, u64 end);

#endif
