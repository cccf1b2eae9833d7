// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device's registers change hands: host to EL2 and back. After the patches
 * "KVM: arm64: Donate MMIO to the hypervisor" (July 2025: v3; November 2025 and
 * March 2026: v5; 2026: ranges) and "KVM: arm64: Track host-unmapped MMIO regions
 * in a static array" (March 2026). Which of them is here says mmio_donation=.
 *
 * MMIO has no page state: an annotation in the host's stage 2 is the only record.
 */
#include "mem_protect.h"

/* Host entry of a page that may be donated / handed back: 0 or -errno. */
typedef int (*leaf_check_fn)(struct hyp_cpu *c, u64 pte);

static int leaf_donatable(struct hyp_cpu *c, u64 pte)
{
	return pte && !pte_valid(pte) ? -EPERM : 0;
}

/* The owner is read without asking first whether the entry is valid. */
static int leaf_owned_by_hyp(struct hyp_cpu *c, u64 pte)
{
	return FIELD_GET(c->hyp->layout.owner_mask, pte) == OWNER_ID_HYP ? 0 : -EPERM;
}

static int leaf_annotated_by_hyp(struct hyp_cpu *c, u64 pte)
{
	if (!pte || pte_valid(pte))
		return -EINVAL;
	return leaf_owned_by_hyp(c, pte);
}

static int check_host_leaf(struct hyp_cpu *c, u64 phys, leaf_check_fn check)
{
	u64 pte = 0;
	s8 level;
	int ret = kvm_pgtable_get_leaf(c, &c->hyp->host_mmu.pgt, phys, &pte, &level);

	return ret ? ret : check(c, pte);
}

/*
 * For each page of the range: -EINVAL if it begins in memory, -ERANGE, then what
 * @check says. Pages of one leaf and one hole answer alike and are asked once.
 */
static int check_host_range(struct hyp_cpu *c, u64 phys, u64 size, leaf_check_fn check)
{
	struct kvm_pgtable *pgt = &c->hyp->host_mmu.pgt;
	const u64 page = hyp_page_size(c->hyp);
	u64 addr = phys;

	while (addr - phys < size) {
		struct mem_range range;
		u64 pte = 0, next;
		s8 level = 0;
		int ret;

		if (find_mem_range(c->hyp, addr, &range))
			return -EINVAL;
		ret = kvm_pgtable_get_leaf(c, pgt, addr, &pte, &level);
		if (!ret)
			ret = check(c, pte);
		if (ret)
			return ret;
		next = ALIGN_DOWN(addr, kvm_granule_size(pgt, level)) +
		       kvm_granule_size(pgt, level);
		addr = range.end < next ? ALIGN_UP(range.end, page) : next;
	}
	return 0;
}

/* EL2's linear map of the range: nothing may stand there (-EBUSY), or all must. */
static int check_hyp_range(struct hyp_cpu *c, u64 phys, u64 size, bool mapped)
{
	struct kvm_pgtable *pgt = &c->hyp->pkvm_pgtable;
	const u64 start = hyp_va_of(c->hyp, PA(phys)).va;
	u64 va = start;

	while (va - start < size) {
		u64 pte = 0;
		s8 level = 0;
		int ret = kvm_pgtable_get_leaf(c, pgt, va, &pte, &level);

		if (ret)
			return ret;
		if (mapped && !pte_valid(pte))
			return -ENOENT;
		if (!mapped && pte)
			return -EBUSY;
		va = ALIGN_DOWN(va, kvm_granule_size(pgt, level)) + kvm_granule_size(pgt, level);
	}
	return 0;
}

/* With B-33 what the caller wants is ignored. */
static u64 mmio_prot(const struct hyp_cpu *c)
{
	return hyp_has_bug(c->hyp, BUG_B33) ? PAGE_HYP : PAGE_HYP_DEVICE;
}

static int map_linear(struct hyp_cpu *c, u64 phys, u64 size)
{
	return pkvm_create_mappings_locked(c, PA(phys), PA(phys + size), mmio_prot(c));
}

static bool unmap_linear(struct hyp_cpu *c, u64 phys, u64 size)
{
	va_t va = hyp_va_of(c->hyp, PA(phys));

	return kvm_pgtable_hyp_unmap(c, &c->hyp->pkvm_pgtable, va, size) == size;
}

static int set_mmio_owner(struct hyp_cpu *c, u64 phys, u64 size, u8 owner)
{
	if (owner == OWNER_ID_HOST && c->hyp->profile->handback_maps)
		return host_stage2_idmap_locked(c, phys, size, PKVM_HOST_MMIO_PROT);
	return host_stage2_annotate_locked(c, phys, size, owner);
}

/* mmio_commit=return: annotations up to where they failed, and EL2's mapping, go. */
static int undo_linear(struct hyp_cpu *c, u64 phys, u64 size, int error)
{
	const u64 page = hyp_page_size(c->hyp);

	HYP_FRAME(c);
	for (u64 off = 0; off < size; off += page) {
		if (check_host_leaf(c, phys + off, leaf_annotated_by_hyp))
			break;
		WARN_ON(c, set_mmio_owner(c, phys + off, page, OWNER_ID_HOST));
	}
	unmap_linear(c, phys, size);
	return error;
}

/* EL2 maps first, then the host loses: the fallible step comes last. Both locks. */
static int donate_linear_locked(struct hyp_cpu *c, u64 phys, u64 size)
{
	bool undo = hyp_knob(c, KNOB_MMIO_COMMIT) == MMIO_COMMIT_RETURN;
	int ret;

	HYP_FRAME(c);
	ret = map_linear(c, phys, size);
	if (ret)
		return undo ? undo_linear(c, phys, size, ret) : ret;
	if (undo) {
		ret = set_mmio_owner(c, phys, size, OWNER_ID_HYP);
		return ret ? undo_linear(c, phys, size, ret) : 0;
	}
	WARN_ON(c, set_mmio_owner(c, phys, size, OWNER_ID_HYP));
	return 0;
}

static int hand_back_linear_locked(struct hyp_cpu *c, u64 phys, u64 size)
{
	HYP_FRAME(c);
	WARN_ON(c, !unmap_linear(c, phys, size));
	WARN_ON(c, set_mmio_owner(c, phys, size, OWNER_ID_HOST));
	return 0;
}

static void lock_both(struct hyp_cpu *c)
{
	host_lock_component(c);
	hyp_lock_component(c);
}

static void unlock_both(struct hyp_cpu *c)
{
	hyp_unlock_component(c);
	host_unlock_component(c);
}

/* v3: nobody asks what kind of page it is. */
static int donate_v3(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	lock_both(c);
	ret = check_host_leaf(c, phys, leaf_donatable);
	if (!ret)
		ret = check_hyp_range(c, phys, size, false);
	if (!ret)
		ret = donate_linear_locked(c, phys, size);
	unlock_both(c);
	return ret;
}

static int hand_back_v3(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	lock_both(c);
	ret = hand_back_linear_locked(c, phys, size);
	unlock_both(c);
	return ret;
}

static int donate_v5(struct hyp_cpu *c, u64 phys, u64 size)
{
	return addr_is_memory(c->hyp, phys) ? -EINVAL : donate_v3(c, phys, size);
}

static int hand_back_v5(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	if (addr_is_memory(c->hyp, phys))
		return -EINVAL;
	lock_both(c);
	ret = check_hyp_range(c, phys, size, true);
	if (!ret)
		ret = check_host_leaf(c, phys, leaf_owned_by_hyp);
	if (!ret)
		ret = hand_back_linear_locked(c, phys, size);
	unlock_both(c);
	return ret;
}

static int donate_range_linear(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	lock_both(c);
	ret = check_host_range(c, phys, size, leaf_donatable);
	if (!ret)
		ret = check_hyp_range(c, phys, size, false);
	if (!ret)
		ret = donate_linear_locked(c, phys, size);
	unlock_both(c);
	return ret;
}

static int hand_back_range_linear(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	lock_both(c);
	ret = check_hyp_range(c, phys, size, true);
	if (!ret)
		ret = check_host_range(c, phys, size, leaf_annotated_by_hyp);
	if (!ret)
		ret = hand_back_linear_locked(c, phys, size);
	unlock_both(c);
	return ret;
}

/* As in the 2026 range version: EL2's private mapping comes first and every later
 * error leaves it there. */
static int donate_range_private(struct hyp_cpu *c, u64 phys, u64 size)
{
	va_t va;
	int ret = __pkvm_create_private_mapping(c, PA(phys), size, mmio_prot(c), &va);

	if (ret)
		return ret;
	host_lock_component(c);
	ret = check_host_range(c, phys, size, leaf_donatable);
	if (!ret && hyp_knob(c, KNOB_MMIO_COMMIT) == MMIO_COMMIT_ASSERT)
		WARN_ON(c, set_mmio_owner(c, phys, size, OWNER_ID_HYP));
	else if (!ret)
		ret = set_mmio_owner(c, phys, size, OWNER_ID_HYP);
	host_unlock_component(c);
	return ret;
}

/* The same version: the host gets a mapping, EL2's stays. */
static int hand_back_range_private(struct hyp_cpu *c, u64 phys, u64 size)
{
	int ret;

	host_lock_component(c);
	ret = check_host_range(c, phys, size, leaf_annotated_by_hyp);
	if (!ret)
		WARN_ON(c, host_stage2_idmap_locked(c, phys, size, PKVM_HOST_MMIO_PROT));
	host_unlock_component(c);
	return ret;
}

struct mmio_ops {
	bool range; /* takes several pages, and only before the host is deprivileged */
	int (*donate)(struct hyp_cpu *c, u64 phys, u64 size);
	int (*hand_back)(struct hyp_cpu *c, u64 phys, u64 size);
};

static const struct mmio_ops *mmio_ops(const struct hyp_cpu *c)
{
	static const struct mmio_ops private_range = { true, donate_range_private,
						       hand_back_range_private };
	static const struct mmio_ops ops[] = {
		[MMIO_DONATION_NONE] = { false, NULL, NULL },
		[MMIO_DONATION_V3] = { false, donate_v3, hand_back_v3 },
		[MMIO_DONATION_V5] = { false, donate_v5, hand_back_v5 },
		[MMIO_DONATION_RANGE] = { true, donate_range_linear, hand_back_range_linear },
	};

	if (hyp_knob(c, KNOB_HYP_MMIO_VA) == HYP_MMIO_PRIVATE)
		return &private_range;
	return &ops[hyp_knob(c, KNOB_MMIO_DONATION)];
}

/*
 * __pkvm_host_donate_hyp_mmio - EL2 takes pages of registers from the host. Takes
 * host_mmu.lock, then pkvm_pgd_lock. @nr_pages counts with mmio_donation=range only.
 * v5: -EINVAL for memory, NOMAP included; v3 does not ask. Then -ERANGE; -EPERM for
 * a page with an owner; -EBUSY where EL2 has something at its address; -ENOMEM.
 * range: -EPERM once the host is deprivileged; then, page by page, the same.
 * Failure to annotate: mmio_commit=.
 */
int __pkvm_host_donate_hyp_mmio(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	const struct mmio_ops *ops = mmio_ops(c);
	const u64 phys = hyp_pfn_to_phys(c, pfn), page = hyp_page_size(c->hyp);

	HYP_FRAME(c);
	if (ops->range && c->hyp->protected_mode_initialized)
		return -EPERM;
	return ops->donate(c, phys, ops->range ? nr_pages * page : page);
}

/*
 * __pkvm_hyp_donate_host_mmio - and gives them back; no table page is needed.
 * v5: -EINVAL for memory; -ENOENT where EL2 maps nothing; -ERANGE; -EPERM unless
 * the host's entry names EL2. v3: 0, or an assertion fails.
 * range, private: -EPERM once deprivileged; -EINVAL for memory; -ERANGE; -EINVAL
 * for a page that was not donated; -EPERM for another owner's.
 */
int __pkvm_hyp_donate_host_mmio(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	const struct mmio_ops *ops = mmio_ops(c);
	const u64 phys = hyp_pfn_to_phys(c, pfn), page = hyp_page_size(c->hyp);

	HYP_FRAME(c);
	if (ops->range && c->hyp->protected_mode_initialized)
		return -EPERM;
	return ops->hand_back(c, phys, ops->range ? nr_pages * page : page);
}

/*
 * Where EL2's private range maps the page of @pa: its newest mapping, read from
 * EL2's tables. Looks only; for those outside of EL2.
 */
bool hyp_mmio_private_va(struct hyp *hyp, pa_t pa, va_t *va)
{
	bool found = false;

	if (hyp->knob[KNOB_HYP_MMIO_VA] != HYP_MMIO_PRIVATE || !hyp->pkvm_pgtable.mmu.root.pa)
		return false;
	for (u64 at = hyp->io_map_base; at < hyp->io_map_next;) {
		struct mmu_result res = { 0 };

		mmu_walk(&hyp->pkvm_pgtable.mmu, at, MMU_READ, board_read_desc, hyp->board, &res);
		if (res.fault == MMU_OK && pa.pa - res.oa.pa < res.ia_base + res.size - at) {
			*va = VA(at + (pa.pa - res.oa.pa));
			found = true;
		}
		at = res.size ? res.ia_base + res.size : at + hyp_page_size(hyp);
	}
	return found;
}

/* ---- The boot step -------------------------------------------------------------------- */

static int boot_donate(struct hyp_cpu *c, u64 pfn)
{
	int ret;

	event_emit(c->cpu, .kind = EV_CALL, .fn = "unmap_protected_regions",
		   .what = "host_donate_hyp_mmio", .addr = pfn);
	ret = __pkvm_host_donate_hyp_mmio(c, pfn, 1);
	event_emit(c->cpu, .kind = EV_RET, .fn = "unmap_protected_regions",
		   .what = "host_donate_hyp_mmio", .addr = pfn, .val = (u64)(s64)ret);
	return ret;
}

static void boot_hand_back(struct hyp_cpu *c, u64 pfn)
{
	int ret;

	event_emit(c->cpu, .kind = EV_CALL, .fn = "unmap_protected_regions",
		   .what = "hyp_donate_host_mmio", .addr = pfn);
	ret = __pkvm_hyp_donate_host_mmio(c, pfn, 1);
	event_emit(c->cpu, .kind = EV_RET, .fn = "unmap_protected_regions",
		   .what = "hyp_donate_host_mmio", .addr = pfn, .val = (u64)(s64)ret);
}

/*
 * unmap_protected_regions - donate every page of pkvm_protected_regs[] to EL2, in
 * order. The first error ends it; then the pages of the failing region go back,
 * last first (protected_unwind=all: those of the regions before it too).
 *
 * The page counter is an int as posted, so a region of more than 2^31 pages ends
 * early and counts as done. num_protected_reg is not compared with the array's 8
 * entries: entries past them stand for the words that EL2 would find there, and
 * are those that the scenario lists.
 */
int unmap_protected_regions(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;
	const unsigned int shift = hyp->f->page_shift;
	int ret = 0;
	s32 j = 0;
	u64 i;

	HYP_FRAME(c);
	for (i = 0; i < hyp->num_protected_reg; i++) {
		const struct protect_entry *reg = &hyp->protected_regs[i];

		for (j = 0; (u64)(s64)j < reg->size >> shift; j = (s32)((u32)j + 1)) {
			ret = boot_donate(c, (reg->base >> shift) + (u64)(s64)j);
			if (ret)
				goto unwind;
		}
	}
	return 0;

unwind:
	for (;;) {
		const struct protect_entry *reg = &hyp->protected_regs[i];

		for (j--; j >= 0; j--)
			boot_hand_back(c, (reg->base >> shift) + (u64)(s64)j);
		if (!i-- || hyp->knob[KNOB_PROTECTED_UNWIND] == UNWIND_REGION)
			return ret;
		j = (s32)(hyp->protected_regs[i].size >> shift);
	}
}
