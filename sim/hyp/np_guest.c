// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that are not protected: their memory is the host's, which lends it page by page
 * or block by block and may change how they reach it. After
 * arch/arm64/kvm/hyp/nvhe/mem_protect.c (7.2.13; v7.0 the same but for the memcache).
 *
 * A page counts how often guests map it, and is the host's alone again at 0. Sizes:
 * 1 page, or all pages of a block. Locks: the host's, then the VM's.
 */
#include "guest.h"

/* Permissions that a guest may be given, and nothing else. */
static bool prot_is_rwx(u64 prot)
{
	return !(prot & ~PROT_RWX);
}

/* ---- Lending ------------------------------------------------------------------------- */

/* The host's alone, or lent to guests and nobody else. -EBUSY: the count is full; -EPERM. */
static int check_host_may_share(struct hyp_cpu *c, u64 phys, u64 size)
{
	for (u64 end = phys + size; phys < end; phys += hyp_page_size(c->hyp)) {
		const enum page_state s = get_host_state(c, PA(phys));
		u32 count;

		if (s == PKVM_PAGE_OWNED)
			continue;
		count = get_host_share_count(c, PA(phys));
		if (s != PKVM_PAGE_SHARED_OWNED || !count) {
			if (hyp_has_bug(c->hyp, BUG_B14))
				WARN_ON(c, s == PKVM_PAGE_SHARED_OWNED);
			return -EPERM;
		}
		if (count == UINT32_MAX)
			return -EBUSY;
	}
	return 0;
}

static int share_guest_locked(struct hyp_cpu *c, u64 phys, u64 ipa, u64 size,
			      const struct pkvm_hyp_vcpu *vcpu, u64 prot)
{
	const u64 page = hyp_page_size(c->hyp);
	int ret = guest_check_page_state_range(c, vcpu->vm, ipa, size, PKVM_NOPAGE);

	if (!ret)
		ret = check_host_may_share(c, phys, size);
	if (!ret)
		ret = guest_check_pgtable_memcache(c, vcpu);
	if (ret)
		return ret;
	for (u64 off = 0; off < size; off += page) {
		const pa_t pa = PA(phys + off);

		set_host_state(c, pa, PKVM_PAGE_SHARED_OWNED);
		set_host_share_count(c, pa, get_host_share_count(c, pa) + 1);
	}
	WARN_ON(c, guest_stage2_map(c, vcpu, ipa, size, phys, prot, PKVM_PAGE_SHARED_BORROWED));
	return 0;
}

/*
 * __pkvm_host_share_guest - lend pages from @pfn on to the guest, at @gfn. @prot: PROT_*.
 * Before any lock -EINVAL: more than R, W and X; beyond the physical address size; a
 * number of pages that is no block; -EINVAL, -EPERM: not the host's memory. Then -ERANGE,
 * -EPERM: the guest has something there; -EBUSY, -EPERM: the host's pages; v7.2 -ENOMEM.
 * WARN: attributes that the CPU cannot have (PX without UX), v7.0: no page for a table.
 */
int __pkvm_host_share_guest(struct hyp_cpu *c, u64 pfn, u64 gfn, u64 nr_pages,
			    const struct pkvm_hyp_vcpu *vcpu, u64 prot)
{
	const u64 phys = hyp_pfn_to_phys(c, pfn), ipa = hyp_pfn_to_phys(c, gfn);
	u64 size;
	int ret;

	HYP_FRAME(c);
	if (!prot_is_rwx(prot) || !pfn_range_is_valid(c->hyp, pfn, nr_pages))
		return -EINVAL;
	ret = guest_check_transition_size(c, phys, ipa, nr_pages, &size);
	if (!ret)
		ret = check_range_allowed_memory(c->hyp, phys, phys + size);
	if (ret)
		return ret;

	host_lock_component(c);
	guest_lock_component(c, vcpu->vm);
	ret = share_guest_locked(c, phys, ipa, size, vcpu, prot);
	guest_unlock_component(c, vcpu->vm);
	host_unlock_component(c);
	return ret;
}

/*
 * What the guest has at @ipa is lent by the host, as one leaf of @size bytes (0: any).
 * -ERANGE; -ENOENT, poison too; -E2BIG: a leaf of another size; -EPERM.
 */
static int check_host_shared_guest(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa, u64 size,
				   u64 *phys)
{
	u64 pte = 0, granule;
	s8 level = 0;
	int ret = kvm_pgtable_get_leaf(c, &vm->pgt, ipa, &pte, &level);

	if (ret)
		return ret;
	if (!pte_valid(pte))
		return -ENOENT;
	granule = kvm_granule_size(&vm->pgt, level);
	if (size && size != granule)
		return -E2BIG;
	if (guest_get_page_state(c, pte) != PKVM_PAGE_SHARED_BORROWED)
		return -EPERM;
	*phys = pa_from_pte(c->hyp->f, pte).pa;
	ret = check_range_allowed_memory(c->hyp, *phys, *phys + granule);
	if (WARN_ON(c, ret))
		return ret;
	for (u64 off = 0; off < granule; off += hyp_page_size(c->hyp)) {
		if (get_host_state(c, PA(*phys + off)) != PKVM_PAGE_SHARED_OWNED)
			return -EPERM;
		if (WARN_ON(c, !get_host_share_count(c, PA(*phys + off))))
			return -EINVAL;
	}
	return 0;
}

static int unshare_guest_locked(struct hyp_cpu *c, u64 ipa, u64 size, struct pkvm_hyp_vm *vm)
{
	u64 phys = 0;
	int ret = check_host_shared_guest(c, vm, ipa, size, &phys);

	if (!ret)
		ret = kvm_pgtable_stage2_unmap(c, &vm->pgt, ipa, size);
	if (ret)
		return ret;
	for (u64 off = 0; off < size; off += hyp_page_size(c->hyp)) {
		const pa_t pa = PA(phys + off);
		const u32 count = get_host_share_count(c, pa) - 1;

		set_host_share_count(c, pa, count);
		if (!count)
			set_host_state(c, pa, PKVM_PAGE_OWNED);
	}
	return 0;
}

/*
 * __pkvm_host_unshare_guest - and take them back. -EINVAL: the number of pages; then as
 * check_host_shared_guest(), then the errors of unmapping.
 */
int __pkvm_host_unshare_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, struct pkvm_hyp_vm *vm)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn);
	u64 size;
	int ret;

	HYP_FRAME(c);
	ret = guest_check_transition_size(c, 0, ipa, nr_pages, &size);
	if (ret)
		return ret;

	host_lock_component(c);
	guest_lock_component(c, vm);
	ret = unshare_guest_locked(c, ipa, size, vm);
	guest_unlock_component(c, vm);
	host_unlock_component(c);
	return ret;
}

/* ---- Attributes ------------------------------------------------------------------------ */

/*
 * CONFIG_NVHE_EL2_DEBUG: what is about to change is lent memory, or nothing. The locks
 * are dropped before the change itself.
 */
static void assert_host_shared_guest(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa, u64 size)
{
	u64 phys;
	int ret;

	if (likely(hyp_knob(c, KNOB_EL2_DEBUG) == EL2_DEBUG_OFF))
		return;
	host_lock_component(c);
	guest_lock_component(c, vm);
	ret = check_host_shared_guest(c, vm, ipa, size, &phys);
	guest_unlock_component(c, vm);
	host_unlock_component(c);
	WARN_ON(c, ret && ret != -ENOENT);
}

/*
 * __pkvm_host_relax_perms_guest - more permissions for the leaf at @gfn. -EPERM: a
 * protected VM; -EINVAL: more than R, W and X; then as the page-table library says.
 */
int __pkvm_host_relax_perms_guest(struct hyp_cpu *c, u64 gfn, const struct pkvm_hyp_vcpu *vcpu,
				  u64 prot)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn);
	struct pkvm_hyp_vm *vm = vcpu->vm;
	int ret;

	HYP_FRAME(c);
	if (pkvm_hyp_vm_is_protected(vm))
		return -EPERM;
	if (!prot_is_rwx(prot))
		return -EINVAL;
	assert_host_shared_guest(c, vm, ipa, 0);
	guest_lock_component(c, vm);
	ret = kvm_pgtable_stage2_relax_perms(c, &vm->pgt, ipa, prot, 0);
	guest_unlock_component(c, vm);
	return ret;
}

/* The checks that calls for a range of a VM have in common: *@size in bytes. */
static int check_attr_range(struct hyp_cpu *c, u64 ipa, u64 nr_pages, struct pkvm_hyp_vm *vm,
			    u64 *size)
{
	int ret = pkvm_hyp_vm_is_protected(vm) ? -EPERM : 0;

	if (!ret)
		ret = guest_check_transition_size(c, 0, ipa, nr_pages, size);
	if (!ret)
		assert_host_shared_guest(c, vm, ipa, *size);
	return ret;
}

/*
 * __pkvm_host_wrprotect_guest - the guest may no longer write; holes are passed over, a
 * block is changed as a whole. -EPERM: a protected VM; -EINVAL: the number of pages; -ERANGE.
 */
int __pkvm_host_wrprotect_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, struct pkvm_hyp_vm *vm)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn);
	u64 size;
	int ret;

	HYP_FRAME(c);
	ret = check_attr_range(c, ipa, nr_pages, vm, &size);
	if (ret)
		return ret;
	guest_lock_component(c, vm);
	ret = kvm_pgtable_stage2_wrprotect(c, &vm->pgt, ipa, size);
	guest_unlock_component(c, vm);
	return ret;
}

/*
 * __pkvm_host_test_clear_young_guest - was it used? 0 or 1. -EPERM, -EINVAL as above.
 * WARN: beyond the guest's IPA size.
 */
int __pkvm_host_test_clear_young_guest(struct hyp_cpu *c, u64 gfn, u64 nr_pages, bool mkold,
				       struct pkvm_hyp_vm *vm)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn);
	u64 size;
	int ret;

	HYP_FRAME(c);
	ret = check_attr_range(c, ipa, nr_pages, vm, &size);
	if (ret)
		return ret;
	guest_lock_component(c, vm);
	ret = kvm_pgtable_stage2_test_clear_young(c, &vm->pgt, ipa, size, mkold);
	guest_unlock_component(c, vm);
	return ret;
}

/* __pkvm_host_mkyoung_guest - it was used. -EPERM: a protected VM; else 0, whatever is there. */
int __pkvm_host_mkyoung_guest(struct hyp_cpu *c, u64 gfn, const struct pkvm_hyp_vcpu *vcpu)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn);
	struct pkvm_hyp_vm *vm = vcpu->vm;

	HYP_FRAME(c);
	if (pkvm_hyp_vm_is_protected(vm))
		return -EPERM;
	assert_host_shared_guest(c, vm, ipa, 0);
	guest_lock_component(c, vm);
	kvm_pgtable_stage2_mkyoung(c, &vm->pgt, ipa, 0);
	guest_unlock_component(c, vm);
	return 0;
}
