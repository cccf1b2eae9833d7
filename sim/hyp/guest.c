// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that a protected guest owns: given to it by the host, lent to the host by it,
 * taken back from it. After arch/arm64/kvm/hyp/nvhe/mem_protect.c (7.2.13); releases
 * before v7.1 have none of it.
 *
 * One page at a time. Locks: the host's, then the VM's. Checks in the order written, the
 * first that fails is the result; what follows is asserted and not taken back. At no
 * instant can the host reach what the guest wrote: pages are zeroed while they are out of
 * its reach, and cleaned to memory whatever the CPU's caches promise.
 */
#include "guest.h"

static void lock_host_and_guest(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	host_lock_component(c);
	guest_lock_component(c, vm);
}

static void unlock_host_and_guest(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	guest_unlock_component(c, vm);
	host_unlock_component(c);
}

static int host_check(struct hyp_cpu *c, u64 phys, enum page_state s)
{
	return page_state_ops(c->hyp)->host_check(c, phys, hyp_page_size(c->hyp), s);
}

/* The host loses the page to the guest, and its entry says to which and where. */
static int set_owner_guest(struct hyp_cpu *c, u64 phys, const struct pkvm_hyp_vm *vm, u64 gfn)
{
	return host_stage2_set_guest_owner_locked(c, phys, hyp_page_size(c->hyp), vm->handle, gfn);
}

/* hyp_poison_page() - zero a page that only EL2 can reach, down to memory. */
static void hyp_poison_page(struct hyp_cpu *c, u64 phys)
{
	const u64 size = hyp_page_size(c->hyp);
	va_t va;

	HYP_FRAME(c);
	va = hyp_fixmap_map(c, PA(phys));
	mem_zero(c->cpu, PA(phys), size);
	cpu_cmo(c->cpu, "dc_civac", PA(phys), va, size);
	hyp_fixmap_unmap(c);
}

/*
 * The page that the guest has at @ipa. -ERANGE; -EHWPOISON; -ENOENT: nothing there;
 * -E2BIG: a block.
 */
static int get_valid_guest_pte(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa, u64 *pte,
			       u64 *phys)
{
	s8 level = 0;
	int ret = kvm_pgtable_get_leaf(c, &vm->pgt, ipa, pte, &level);

	if (ret)
		return ret;
	if (guest_get_page_state(c, *pte) == PKVM_POISON)
		return -EHWPOISON;
	if (!pte_valid(*pte))
		return -ENOENT;
	if (level != ARCH_LAST_LEVEL)
		return -E2BIG;
	*phys = pa_from_pte(c->hyp->f, *pte).pa;
	if (WARN_ON(c, !addr_is_allowed_memory(c->hyp, *phys)))
		return -EINVAL;
	return 0;
}

/* ---- The host gives ---------------------------------------------------------------- */

static int donate_guest_locked(struct hyp_cpu *c, u64 phys, u64 gfn,
			       const struct pkvm_hyp_vcpu *vcpu)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn), size = hyp_page_size(c->hyp);
	int ret = host_check(c, phys, PKVM_PAGE_OWNED);

	if (!ret)
		ret = guest_check_page_state_range(c, vcpu->vm, ipa, size, PKVM_NOPAGE);
	if (!ret)
		ret = guest_check_pgtable_memcache(c, vcpu);
	if (ret)
		return ret;
	WARN_ON(c, set_owner_guest(c, phys, vcpu->vm, gfn));
	WARN_ON(c, guest_stage2_map(c, vcpu, ipa, size, phys, PROT_RWX, PKVM_PAGE_OWNED));
	return 0;
}

/*
 * __pkvm_host_donate_guest - page @pfn becomes the guest's at @gfn, as it is.
 * -EINVAL, -EPERM: the host's side; -ERANGE, -EPERM: the guest's; -ENOMEM.
 */
int __pkvm_host_donate_guest(struct hyp_cpu *c, u64 pfn, u64 gfn, const struct pkvm_hyp_vcpu *vcpu)
{
	int ret;

	HYP_FRAME(c);
	lock_host_and_guest(c, vcpu->vm);
	ret = donate_guest_locked(c, hyp_pfn_to_phys(c, pfn), gfn, vcpu);
	unlock_host_and_guest(c, vcpu->vm);
	return ret;
}

/* ---- The guest lends ----------------------------------------------------------------- */

/* Both sides in these states? The guest's first; any trouble of the host's is -EPERM. */
static int check_guest_and_host(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa,
				enum page_state guest, enum page_state host, u64 *phys)
{
	u64 pte = 0;
	int ret = get_valid_guest_pte(c, vm, ipa, &pte, phys);

	if (ret)
		return ret;
	if (guest_get_page_state(c, pte) != guest)
		return -EPERM;
	return host_check(c, *phys, host) ? -EPERM : 0;
}

/*
 * __pkvm_guest_share_host - the guest lets the host at its page @gfn.
 * -ERANGE, -EHWPOISON, -ENOENT, -E2BIG; -EPERM: not the guest's alone.
 */
int __pkvm_guest_share_host(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 gfn)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn), size = hyp_page_size(c->hyp);
	u64 phys;
	int ret;

	HYP_FRAME(c);
	lock_host_and_guest(c, vcpu->vm);
	ret = check_guest_and_host(c, vcpu->vm, ipa, PKVM_PAGE_OWNED, PKVM_NOPAGE, &phys);
	if (!ret) {
		WARN_ON(c, guest_stage2_map(c, vcpu, ipa, size, phys, PROT_RWX,
					    PKVM_PAGE_SHARED_OWNED));
		WARN_ON(c, host_set_page_state_range(c, phys, size, PKVM_PAGE_SHARED_BORROWED));
	}
	unlock_host_and_guest(c, vcpu->vm);
	return ret;
}

/* __pkvm_guest_unshare_host - and takes it back, with what the host wrote. Errors alike. */
int __pkvm_guest_unshare_host(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 gfn)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn), size = hyp_page_size(c->hyp);
	u64 phys;
	int ret;

	HYP_FRAME(c);
	lock_host_and_guest(c, vcpu->vm);
	ret = check_guest_and_host(c, vcpu->vm, ipa, PKVM_PAGE_SHARED_OWNED,
				   PKVM_PAGE_SHARED_BORROWED, &phys);
	if (!ret) {
		WARN_ON(c, set_owner_guest(c, phys, vcpu->vm, gfn));
		WARN_ON(c, guest_stage2_map(c, vcpu, ipa, size, phys, PROT_RWX, PKVM_PAGE_OWNED));
	}
	unlock_host_and_guest(c, vcpu->vm);
	return ret;
}

/* ---- The host takes back ---------------------------------------------------------------- */

static int reclaim_page_locked(struct hyp_cpu *c, u64 ipa, struct pkvm_hyp_vm *vm)
{
	const u64 size = hyp_page_size(c->hyp);
	u64 pte = 0, phys;
	int ret = get_valid_guest_pte(c, vm, ipa, &pte, &phys);

	if (ret)
		return ret;
	switch (guest_get_page_state(c, pte)) {
	case PKVM_PAGE_OWNED:
		WARN_ON(c, host_check(c, phys, PKVM_NOPAGE));
		hyp_poison_page(c, phys);
		break;
	case PKVM_PAGE_SHARED_OWNED:
		WARN_ON(c, host_check(c, phys, PKVM_PAGE_SHARED_BORROWED));
		break;
	default:
		return -EPERM;
	}
	WARN_ON(c, kvm_pgtable_stage2_unmap(c, &vm->pgt, ipa, size));
	WARN_ON(c, host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HOST));
	return 0;
}

/*
 * __pkvm_host_reclaim_page_guest - the guest's page at @gfn becomes the host's: zeroed
 * unless the guest had lent it. A poisoned one is gone already: 0.
 * -ERANGE, -ENOENT, -E2BIG; -EPERM: the page is not the guest's.
 */
int __pkvm_host_reclaim_page_guest(struct hyp_cpu *c, u64 gfn, struct pkvm_hyp_vm *vm)
{
	int ret;

	HYP_FRAME(c);
	lock_host_and_guest(c, vm);
	ret = reclaim_page_locked(c, hyp_pfn_to_phys(c, gfn), vm);
	unlock_host_and_guest(c, vm);
	return ret == -EHWPOISON ? 0 : ret;
}

/* Whose page it is, as the host's entry tells. -EINVAL, -EPERM; -EAGAIN: no such VM. */
static int decode_gfn_meta(struct hyp_cpu *c, u64 pte, struct pkvm_hyp_vm **vm, u64 *gfn)
{
	const struct el2_layout *l = &c->hyp->layout;

	/* EL2's text, which the host may read, gets here. */
	if (WARN_ON(c, pte_valid(pte)))
		return -EINVAL;
	if (FIELD_GET(l->type_mask, pte) != l->type_donation)
		return -EINVAL;
	if (FIELD_GET(l->owner_mask, pte) != OWNER_ID_GUEST)
		return -EPERM;
	*vm = get_vm_by_handle(c, (u32)FIELD_GET(l->handle_mask, pte));
	*gfn = FIELD_GET(l->gfn_mask, pte);
	return *vm ? 0 : -EAGAIN;
}

/* @phys is a page that the host cannot reach: of which VM, where? */
static int find_guest_of(struct hyp_cpu *c, u64 phys, struct pkvm_hyp_vm **vm, u64 *gfn)
{
	u64 pte = 0;
	s8 level = 0;
	int ret;

	if (!addr_is_memory(c->hyp, phys))
		return -EFAULT;
	switch (get_host_state(c, PA(phys))) {
	case PKVM_PAGE_OWNED:
	case PKVM_PAGE_SHARED_OWNED:
	case PKVM_PAGE_SHARED_BORROWED:
		return -EAGAIN;
	case PKVM_NOPAGE:
		break;
	default:
		return -EPERM;
	}
	ret = kvm_pgtable_get_leaf(c, &c->hyp->host_mmu.pgt, phys, &pte, &level);
	if (ret)
		return ret;
	if (WARN_ON(c, level != ARCH_LAST_LEVEL))
		return -EINVAL;
	return decode_gfn_meta(c, pte, vm, gfn);
}

static int force_reclaim_locked(struct hyp_cpu *c, u64 phys, struct pkvm_hyp_vm *vm, u64 gfn)
{
	const u64 ipa = hyp_pfn_to_phys(c, gfn), size = hyp_page_size(c->hyp);
	u64 pte = 0, pa = 0;
	int ret = get_valid_guest_pte(c, vm, ipa, &pte, &pa);

	if (ret)
		return ret;
	WARN_ON(c, pa != phys);
	if (guest_get_page_state(c, pte) != PKVM_PAGE_OWNED)
		return -EPERM;
	ret = kvm_pgtable_stage2_annotate(c, &vm->pgt, ipa, size, NULL, ANNOTATION_POISONED, 0);
	if (ret)
		return ret;
	hyp_poison_page(c, phys);
	WARN_ON(c, host_stage2_set_owner_locked(c, phys, size, OWNER_ID_HOST));
	return 0;
}

/*
 * __pkvm_host_force_reclaim_page_guest - the host needs the page of @phys, which it
 * touched, from whatever guest has it: zeroed, and the guest finds poison in its place.
 * Takes vm_table_lock, the host's, the VM's.
 * -EFAULT: not memory; -EAGAIN: the host's, or its VM is gone; -EINVAL, -EPERM: not a
 * guest's; -EHWPOISON, -ENOENT, -E2BIG, -EPERM: nor one that the guest owns alone.
 */
int __pkvm_host_force_reclaim_page_guest(struct hyp_cpu *c, u64 phys)
{
	struct pkvm_hyp_vm *vm = NULL;
	u64 gfn = 0;
	int ret;

	HYP_FRAME(c);
	/* what AT tells the host is a page of 4 KiB, whatever the kernel's is */
	phys = ALIGN_DOWN(phys, hyp_has_bug(c->hyp, BUG_B20) ? 4096 : hyp_page_size(c->hyp));
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	host_lock_component(c);
	ret = find_guest_of(c, phys, &vm, &gfn);
	if (!ret) {
		guest_lock_component(c, vm);
		ret = force_reclaim_locked(c, phys, vm, gfn);
		guest_unlock_component(c, vm);
	}
	host_unlock_component(c);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return ret;
}

static bool is_translation_fault(u64 esr)
{
	const u64 ec = FIELD_GET(ESR_EC, esr), fsc = FIELD_GET(ESR_FSC, esr);

	/* levels 0 to 3; level -1 has a code of its own */
	return (ec == EC_DABT_LOW || ec == EC_IABT_LOW) &&
	       ((fsc & ~UINT64_C(3)) == 4 || fsc == 0x2b);
}

/*
 * __pkvm_vcpu_in_poison_fault - did the vCPU exit for touching poison? Takes the VM's
 * lock. 1 or 0; -EINVAL: its last exit was no translation fault; -ERANGE: nobody knows
 * where; -EINVAL: no page can be there.
 */
int __pkvm_vcpu_in_poison_fault(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu)
{
	const u64 hpfar = hyp_vcpu_load(c, vcpu, HYP_VCPU_FAULT_HPFAR);
	u64 ipa = ~UINT64_C(0), pte = 0;
	s8 level = 0;
	int ret;

	HYP_FRAME(c);
	if (!is_translation_fault(hyp_vcpu_load(c, vcpu, HYP_VCPU_FAULT_ESR)))
		return -EINVAL;
	if (hpfar & HPFAR_NS)
		ipa = FIELD_GET(HPFAR_FIPA, hpfar) << 12 |
		      (hyp_vcpu_load(c, vcpu, HYP_VCPU_FAULT_FAR) & GENMASK(11, 0));
	guest_lock_component(c, vcpu->vm);
	ret = kvm_pgtable_get_leaf(c, &vcpu->vm->pgt, ipa, &pte, &level);
	if (!ret && level != ARCH_LAST_LEVEL)
		ret = -EINVAL;
	if (!ret)
		ret = guest_get_page_state(c, pte) == PKVM_POISON;
	guest_unlock_component(c, vcpu->vm);
	return ret;
}
