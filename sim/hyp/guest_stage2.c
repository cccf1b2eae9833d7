// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's stage 2: its tables' pages, cache maintenance of what it maps, how its
 * state is read, how it is made and taken apart. After the part "guest" of
 * arch/arm64/kvm/hyp/nvhe/mem_protect.c (6.12.117, 7.2.13).
 *
 * Tables come from the VM's own pool, which begins with the donated start tables, then
 * from the memcache of the vCPU that faults. Those that are freed go to the pool.
 */
#include "guest.h"

/* ---- Table pages --------------------------------------------------------------------- */

/*
 * memset() of a page's bytes from @at on. With B-17 that may be inside a page, and the last
 * of them are in the next: EL2 aborts unless that is its own, too.
 */
static void zero_from(struct hyp_cpu *c, pa_t at)
{
	const u64 size = hyp_page_size(c->hyp);

	if (unlikely(!IS_ALIGNED(at.pa, size)))
		hyp_store_host(c, hyp_va_of(c->hyp, PA(ALIGN_UP(at.pa, size))), 0);
	mem_zero(c->cpu, at, size);
}

static pa_t guest_s2_zalloc_page(struct hyp_cpu *c, void *priv, void *mc)
{
	struct pkvm_hyp_vm *vm = priv;
	pa_t page = hyp_alloc_pages(c, &vm->pool, 0);

	if (page.pa)
		return page;

	event_step(c->cpu, EV_ALLOC);
	page = pop_hyp_memcache(c, mc);
	event_emit(c->cpu, .kind = EV_ALLOC, .what = "memcache", .addr = page.pa);
	if (!page.pa)
		return page;
	zero_from(c, page);
	page = PA(ALIGN_DOWN(page.pa, hyp_page_size(c->hyp)));
	hyp_page_ref_reset(c, page, 1);
	return page;
}

static unsigned int get_order(const struct hyp_cpu *c, u64 bytes)
{
	unsigned int order = 0;

	while (hyp_page_size(c->hyp) << order < bytes)
		order++;
	return order;
}

static pa_t guest_s2_zalloc_pages_exact(struct hyp_cpu *c, void *priv, u64 bytes)
{
	struct pkvm_hyp_vm *vm = priv;
	pa_t page = hyp_alloc_pages(c, &vm->pool, get_order(c, bytes));

	WARN_ON(c, bytes != hyp_page_size(c->hyp) << get_order(c, bytes));
	/* As for the host: start tables that are not aligned end in an abort here. */
	hyp_split_page(c, &vm->pool, page.pa ? page : hyp_pa_of(c->hyp, VA(0)));
	return page;
}

static void guest_s2_free_pages_exact(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	struct pkvm_hyp_vm *vm = priv;
	const u64 page = hyp_page_size(c->hyp);

	for (u64 off = 0; off < page << get_order(c, bytes); off += page)
		hyp_put_page(c, &vm->pool, pa_add(pa, off));
}

static void guest_s2_get_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	struct pkvm_hyp_vm *vm = priv;

	hyp_get_page(c, &vm->pool, page);
}

static void guest_s2_put_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	struct pkvm_hyp_vm *vm = priv;

	hyp_put_page(c, &vm->pool, page);
}

static int guest_s2_page_count(struct hyp_cpu *c, void *priv, pa_t page)
{
	return (int)hyp_page_count(c, page);
}

/* ---- Cache maintenance ------------------------------------------------------------------ */

/* Through EL2's own mapping of each piece: a block where it can be, else page by page. */
static void apply_guest_page(struct hyp_cpu *c, pa_t pa, u64 bytes,
			     void (*fn)(struct hyp_cpu *c, pa_t pa, va_t va, u64 bytes))
{
	while (bytes) {
		const bool block = hyp_fixblock_fits(c, pa, bytes);
		const u64 size = block ? hyp_fixblock_size(c->hyp) : hyp_page_size(c->hyp);
		va_t va = block ? hyp_fixblock_map(c, pa) : hyp_fixmap_map(c, pa);

		fn(c, pa, va, size);
		if (block)
			hyp_fixblock_unmap(c);
		else
			hyp_fixmap_unmap(c);
		pa = pa_add(pa, size);
		bytes -= size;
	}
}

/* The mapping is made and undone also where the CPU needs no cleaning. */
static void clean_dcache(struct hyp_cpu *c, pa_t pa, va_t va, u64 bytes)
{
	if (!c->hyp->f->fwb)
		cpu_cmo(c->cpu, "dc_civac", pa, va, bytes);
}

/* Linux: MAX_DVM_OPS, as many as a table has entries, of lines of 64 bytes. */
static bool icache_range_too_large(const struct hyp_cpu *c, u64 bytes)
{
	return bytes > (u64)table_entries(c->hyp->f->page_shift) << 6;
}

static void invalidate_icache(struct hyp_cpu *c, pa_t pa, va_t va, u64 bytes)
{
	if (c->hyp->f->dic)
		return;
	if (icache_range_too_large(c, bytes)) {
		cpu_cmo(c->cpu, "ic_ialluis", PA(0), VA(0), 0);
		cpu_dsb(c->cpu, "ish");
	} else {
		cpu_cmo(c->cpu, "ic_ivau", pa, va, bytes);
	}
}

static void clean_dcache_guest_page(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	apply_guest_page(c, pa, bytes, clean_dcache);
}

static void invalidate_icache_guest_page(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	apply_guest_page(c, pa, bytes, invalidate_icache);
}

/* No free_unlinked_table: a block over a table, even an empty one, calls NULL. */
static const struct pgtable_mm_ops guest_s2_mm_ops = {
	.name = "guest_s2",
	.zalloc_page = guest_s2_zalloc_page,
	.zalloc_pages_exact = guest_s2_zalloc_pages_exact,
	.free_pages_exact = guest_s2_free_pages_exact,
	.get_page = guest_s2_get_page,
	.put_page = guest_s2_put_page,
	.page_count = guest_s2_page_count,
	.dcache_clean_inval_poc = clean_dcache_guest_page,
	.icache_inval_pou = invalidate_icache_guest_page,
};

/* ---- Making and unmaking ------------------------------------------------------------------ */

/* Bytes of start tables; a guest has as many bits of IPA as the host. */
u64 guest_pgd_size(const struct hyp *hyp)
{
	return (u64)s2_pgd_pages(hyp->f->page_shift, hyp->host_mmu.pgt.mmu.ia_bits)
	       << hyp->f->page_shift;
}

/* v6.12: pages only. */
static bool guest_stage2_force_pte_cb(struct hyp_cpu *c, void *priv, u64 addr, u64 end, u64 prot)
{
	return true;
}

/*
 * kvm_guest_prepare_stage2 - pool and empty stage 2 of @vm, of the donated pages at
 * @pgd. BUG if one of them has references. Takes the VM's lock. Errors of
 * kvm_pgtable_stage2_init(); EL2 aborts unless @pgd is aligned to its size.
 */
int kvm_guest_prepare_stage2(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, pa_t pgd)
{
	struct hyp *hyp = c->hyp;
	struct kvm_pgtable *pgt = &vm->pgt;
	int ret;

	HYP_FRAME(c);
	ret = hyp_pool_init(c, &vm->pool, pgd.pa >> hyp->f->page_shift,
			    guest_pgd_size(hyp) >> hyp->f->page_shift, 0);
	if (ret)
		return ret;

	pgt->f = hyp->f;
	pgt->v = &hyp->variant;
	pgt->mm_ops = &guest_s2_mm_ops;
	pgt->priv = vm;
	pgt->flags = 0;
	pgt->force_pte = hyp->profile->np_guests ? NULL : guest_stage2_force_pte_cb;
	pgt->mmu.vmid = (u16)(vm->handle - EL2_HANDLE_OFFSET + 1);
	guest_lock_component(c, vm);
	ret = kvm_pgtable_stage2_init(c, pgt, hyp->host_mmu.pgt.mmu.ia_bits);
	guest_unlock_component(c, vm);
	return ret;
}

/* Its tables, start tables included, go to the VM's pool. Takes the VM's lock. */
void kvm_guest_destroy_stage2(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	HYP_FRAME(c);
	guest_lock_component(c, vm);
	kvm_pgtable_stage2_destroy(c, &vm->pgt);
	guest_unlock_component(c, vm);
}

/*
 * reclaim_pgtable_pages - all of a dead VM's table pages back to the host, which finds
 * them on @mc: linked while they are still EL2's. WARN: a page cannot be given back.
 */
void reclaim_pgtable_pages(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, const struct hyp_memcache *mc)
{
	pa_t page;

	HYP_FRAME(c);
	kvm_guest_destroy_stage2(c, vm);
	while ((page = hyp_alloc_pages(c, &vm->pool, 0)).pa) {
		hyp_page_ref_reset(c, page, 0);
		push_hyp_memcache(c, mc, page);
		WARN_ON(c, __pkvm_hyp_donate_host(c, page.pa >> c->hyp->f->page_shift, 1));
	}
}

/* ---- What transitions ask and do ----------------------------------------------------------- */

static bool guest_pte_is_poisoned(const struct hyp_cpu *c, u64 pte)
{
	const struct el2_layout *l = &c->hyp->layout;

	return l->type_mask && !pte_valid(pte) && FIELD_GET(l->type_mask, pte) == l->type_poison;
}

enum page_state guest_get_page_state(struct hyp_cpu *c, u64 pte)
{
	if (guest_pte_is_poisoned(c, pte))
		return PKVM_POISON;
	return pte_valid(pte) ? (enum page_state)FIELD_GET(PTE_SW_STATE, pte) : PKVM_NOPAGE;
}

static int guest_check_visitor(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	const enum page_state *s = ctx->arg;

	return guest_get_page_state(c, ctx->old) == *s ? 0 : -EPERM;
}

/* Every leaf of the range in state @s; a hole counts once. The VM's lock. -ERANGE, -EPERM. */
int guest_check_page_state_range(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u64 ipa, u64 size,
				 enum page_state s)
{
	struct pgtable_walker walker = {
		WALKER_CB(guest_check_visitor),
		.arg = &s,
		.flags = WALK_LEAF,
	};

	hyp_assert_lock_held(c, &vm->lock);
	return kvm_pgtable_walk(c, &vm->pgt, ipa, size, &walker);
}

/*
 * One page, or one block of the level above: *@size in bytes. -EINVAL: any other number,
 * or a block that is not aligned at both ends.
 */
int guest_check_transition_size(const struct hyp_cpu *c, u64 phys, u64 ipa, u64 nr_pages, u64 *size)
{
	const unsigned int shift = c->hyp->f->page_shift;
	const u64 block = BIT(level_shift(shift, ARCH_LAST_LEVEL - 1));

	*size = BIT(shift);
	if (nr_pages == 1)
		return 0;
	if (nr_pages != block >> shift || !IS_ALIGNED(phys | ipa, block))
		return -EINVAL;
	*size = block;
	return 0;
}

struct hyp_memcache hyp_vcpu_memcache(const struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu)
{
	const va_t va = VA(vcpu->va.va + c->hyp->vm_layout->hyp_vcpu_memcache);

	return (struct hyp_memcache){ .va = va, .pa = hyp_pa_of(c->hyp, va) };
}

/*
 * v7.2: -ENOMEM unless the memcache could fill every level below the start tables, be it
 * that no table is needed or that the VM's pool has some.
 */
int guest_check_pgtable_memcache(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu)
{
	const struct hyp_memcache mc = hyp_vcpu_memcache(c, vcpu);
	const int levels = ARCH_LAST_LEVEL + 1 - vcpu->vm->pgt.mmu.start_level;

	if (!c->hyp->profile->checks_memcache || hyp_has_bug(c->hyp, BUG_B25))
		return 0;
	return hyp_memcache_pages(c, &mc) < (u64)(levels - 1) ? -ENOMEM : 0;
}

/* Map for the guest in state @s, with tables of its vCPU's memcache. The VM's lock. */
int guest_stage2_map(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 ipa, u64 size,
		     u64 phys, u64 prot, enum page_state s)
{
	struct hyp_memcache mc = hyp_vcpu_memcache(c, vcpu);

	return kvm_pgtable_stage2_map(c, &vcpu->vm->pgt, ipa, size, phys, pkvm_mkstate(prot, s),
				      &mc, 0);
}
