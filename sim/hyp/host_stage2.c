// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's stage 2: identity mapped on demand, annotated where the host is not
 * the owner, recycled where it maps MMIO. After the first half of
 * arch/arm64/kvm/hyp/nvhe/mem_protect.c (6.12.117, 7.2.13; v7.0 lies between).
 */
#include "mem_protect.h"

/* ---- Memory regions ---------------------------------------------------------------- */

const struct el2_region *find_mem_range(struct hyp *hyp, u64 addr, struct mem_range *range)
{
	unsigned int left = 0, right = hyp->hyp_memblock_nr;

	range->start = 0;
	range->end = ~UINT64_C(0);

	while (left < right) {
		unsigned int cur = (left + right) >> 1;
		const struct el2_region *reg = &hyp->hyp_memory[cur];
		u64 end = reg->base + reg->size;

		if (addr < reg->base) {
			right = cur;
			range->end = reg->base;
		} else if (addr >= end) {
			left = cur + 1;
			range->start = end;
		} else {
			range->start = reg->base;
			range->end = end;
			return reg;
		}
	}
	return NULL;
}

bool addr_is_memory(struct hyp *hyp, u64 addr)
{
	struct mem_range range;

	return find_mem_range(hyp, addr, &range);
}

/* May the host give or lend what is in @reg? NULL: a hole. */
static bool region_is_allowed(const struct hyp *hyp, const struct el2_region *reg)
{
	return reg && (!reg->nomap || hyp_has_bug(hyp, BUG_B07));
}

bool addr_is_allowed_memory(struct hyp *hyp, u64 addr)
{
	struct mem_range range;

	return region_is_allowed(hyp, find_mem_range(hyp, addr, &range));
}

bool range_is_memory(struct hyp *hyp, u64 start, u64 end)
{
	struct mem_range range;

	return find_mem_range(hyp, start, &range) && mem_range_has(&range, end - 1);
}

int check_range_allowed_memory(struct hyp *hyp, u64 start, u64 end)
{
	struct mem_range range;
	const struct el2_region *reg = find_mem_range(hyp, start, &range);

	if (!mem_range_has(&range, end - 1))
		return -EINVAL;
	return region_is_allowed(hyp, reg) ? 0 : -EPERM;
}

/* ---- Table pages ------------------------------------------------------------------- */

static pa_t host_s2_zalloc_page(struct hyp_cpu *c, void *priv, void *mc)
{
	return hyp_alloc_pages(c, mc, 0);
}

static pa_t host_s2_zalloc_pages_exact(struct hyp_cpu *c, void *priv, u64 bytes)
{
	struct hyp_pool *pool = &c->hyp->host_s2_pool;
	unsigned int order = 0;
	pa_t pa;

	while (hyp_page_size(c->hyp) << order < bytes)
		order++;
	pa = hyp_alloc_pages(c, pool, order);
	/* The kernel does not test for NULL: it aborts on NULL's struct hyp_page. */
	if (!hyp_has_bug(c->hyp, BUG_B01))
		hyp_split_page(c, pool, pa.pa ? pa : hyp_pa_of(c->hyp, VA(0)));
	WARN_ON(c, bytes != hyp_page_size(c->hyp) << order);
	return pa;
}

static void host_s2_get_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	hyp_get_page(c, &c->hyp->host_s2_pool, page);
}

static void host_s2_put_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	hyp_put_page(c, &c->hyp->host_s2_pool, page);
}

static int host_s2_page_count(struct hyp_cpu *c, void *priv, pa_t page)
{
	return (int)hyp_page_count(c, page);
}

static void host_s2_free_unlinked_table(struct hyp_cpu *c, void *priv, pa_t table, s8 level)
{
	kvm_pgtable_stage2_free_unlinked(c, &c->hyp->host_mmu.pgt, table, level);
}

static const struct pgtable_mm_ops host_s2_mm_ops = {
	.name = "host_s2",
	.zalloc_page = host_s2_zalloc_page,
	.zalloc_pages_exact = host_s2_zalloc_pages_exact,
	.free_unlinked_table = host_s2_free_unlinked_table,
	.get_page = host_s2_get_page,
	.put_page = host_s2_put_page,
	.page_count = host_s2_page_count,
};

/*
 * Blocks only for what a later fault rebuilds by itself: breaking a block drops
 * its other pages.
 */
static bool host_stage2_force_pte_cb(struct hyp_cpu *c, void *priv, u64 addr, u64 end, u64 prot)
{
	return prot !=
	       (range_is_memory(c->hyp, addr, end) ? PKVM_HOST_MEM_PROT : PKVM_HOST_MMIO_PROT);
}

/* The host's input addresses are physical: as many bits as the CPU has. */
static unsigned int host_ia_bits(const struct arch_features *f)
{
	unsigned int max = f->lpa2 || f->page_shift == 16 ? 52 : 48;

	return f->pa_bits < max ? f->pa_bits : max;
}

/*
 * kvm_host_prepare_stage2 - pool and empty stage 2 of the host.
 * @pool_base, @nr_pages: pages that become host_s2_pool. No lock: one CPU, at boot.
 * Errors of kvm_pgtable_stage2_init().
 */
int kvm_host_prepare_stage2(struct hyp_cpu *c, pa_t pool_base, u64 nr_pages)
{
	struct hyp *hyp = c->hyp;
	struct kvm_pgtable *pgt = &hyp->host_mmu.pgt;
	int ret;

	HYP_FRAME(c);
	ret = hyp_pool_init(c, &hyp->host_s2_pool, pool_base.pa >> hyp->f->page_shift, nr_pages, 0);
	if (ret)
		return ret;

	pgt->f = hyp->f;
	pgt->v = &hyp->variant;
	pgt->mm_ops = &host_s2_mm_ops;
	pgt->flags = S2_IDMAP | (hyp->profile->s2_as_s1 ? S2_AS_S1 : S2_NOFWB);
	pgt->force_pte = host_stage2_force_pte_cb;
	pgt->mmu.vmid = 0;
	return kvm_pgtable_stage2_init(c, pgt, host_ia_bits(hyp->f));
}

/*
 * __pkvm_prot_finalize - switch the host's stage 2 on for this CPU.
 * -EPERM: it is on.
 */
s64 __pkvm_prot_finalize(struct hyp_cpu *c)
{
	struct cpu *cpu = c->cpu;
	const u64 params_bytes = 64;

	HYP_FRAME(c);
	if (cpu->host_s2_on)
		return -EPERM;

	/* The parameters go to the PoC; its DSB also ends walks begun before the trap. */
	cpu_cmo(cpu, "dc_civac", c->percpu_pa, hyp_va_of(c->hyp, c->percpu_pa), params_bytes);
	cpu_dsb(cpu, "sy");
	cpu->host_s2 = c->hyp->host_mmu.pgt.mmu;
	cpu->host_s2_on = true;
	cpu_isb(cpu);
	cpu_tlbi(cpu, &(struct tlbi){ .op = TLBI_VMALLS12E1, .level = -1 });
	cpu_dsb(cpu, "nsh");
	cpu_isb(cpu);
	return 0;
}

/* ---- Recycling --------------------------------------------------------------------- */

/* kvm_pgtable_stage2_unmap(), with its bounds and its result as events. */
static int recycle_unmap(struct hyp_cpu *c, u64 start, u64 size)
{
	int ret;

	event_emit(c->cpu, .kind = EV_CALL, .fn = __func__, .what = "host_stage2_unmap",
		   .addr = start, .val = size);
	ret = kvm_pgtable_stage2_unmap(c, &c->hyp->host_mmu.pgt, start, size);
	event_emit(c->cpu, .kind = EV_RET, .fn = __func__, .what = "host_stage2_unmap",
		   .addr = start, .val = (u64)(s64)ret);
	return ret;
}

/*
 * host_stage2_unmap_mmio_region() of the 2026 range version: unmaps runs between
 * annotated leaves. It steps by the granule of the leaf found without aligning to
 * it, and ends a run at the step, not at the end of the gap.
 */
static int recycle_stepping(struct hyp_cpu *c, u64 start, u64 size)
{
	struct kvm_pgtable *pgt = &c->hyp->host_mmu.pgt;
	u64 addr = start, run = start;
	u64 pte;
	s8 level;
	int ret;

	while (addr < start + size) {
		ret = kvm_pgtable_get_leaf(c, pgt, addr, &pte, &level);
		if (ret)
			return ret;
		if (pte && !pte_valid(pte)) {
			ret = addr > run ? recycle_unmap(c, run, addr - run) : 0;
			if (ret)
				return ret;
			run = addr + kvm_granule_size(pgt, level);
		}
		/* The level is kept in a u8 there: -1 becomes 255, which a 64-bit
		 * shift by register reduces to the same granule. */
		addr += kvm_granule_size(pgt, level);
	}
	return addr > run ? recycle_unmap(c, run, addr - run) : 0;
}

/*
 * Unmap all that is not memory, gap by gap in ascending order, to get table pages
 * back. Stops at the first error; what was unmapped stays so. host_mmu.lock.
 */
int host_stage2_unmap_dev_all(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;
	int (*unmap_gap)(struct hyp_cpu *, u64, u64) = recycle_unmap;
	u64 addr = 0;

	HYP_FRAME(c);
	if (hyp_knob(c, KNOB_RECYCLE_WALK) == RECYCLE_STEPPING)
		unmap_gap = recycle_stepping;

	for (unsigned int i = 0; i < hyp->hyp_memblock_nr; i++) {
		const struct el2_region *reg = &hyp->hyp_memory[i];
		int ret = unmap_gap(c, addr, reg->base - addr);

		if (ret)
			return ret;
		addr = reg->base + reg->size;
	}
	return unmap_gap(c, addr, BIT(hyp->host_mmu.pgt.mmu.ia_bits) - addr);
}

/*
 * host_stage2_try - @fn, and where it finds no table page, recycle and @fn again.
 * host_mmu.lock. An error of the recycling is the result, without a second try.
 */
int host_stage2_try(struct hyp_cpu *c, int (*fn)(struct hyp_cpu *c, void *arg), void *arg)
{
	int ret;

	hyp_assert_lock_held(c, &c->hyp->host_mmu.lock);
	ret = fn(c, arg);
	if (unlikely(ret == -ENOMEM)) {
		ret = host_stage2_unmap_dev_all(c);
		if (!ret)
			ret = fn(c, arg);
	}
	return ret;
}

/* ---- Mapping and annotating --------------------------------------------------------- */

struct s2_request {
	u64 addr, size, prot;
	u8 owner;
	u64 metadata; /* v7.2: what is said of the owner, where it stands in the entry */
};

static int try_idmap(struct hyp_cpu *c, void *arg)
{
	const struct s2_request *r = arg;
	u32 flags = c->hyp->profile->idmap_ignores_eagain ? WALK_IGNORE_EAGAIN : 0;

	return kvm_pgtable_stage2_map(c, &c->hyp->host_mmu.pgt, r->addr, r->size, r->addr, r->prot,
				      &c->hyp->host_s2_pool, flags);
}

static int try_annotate(struct hyp_cpu *c, void *arg)
{
	const struct s2_request *r = arg;
	struct hyp *hyp = c->hyp;

	if (hyp->profile->typed_annotations)
		return kvm_pgtable_stage2_annotate(c, &hyp->host_mmu.pgt, r->addr, r->size,
						   &hyp->host_s2_pool, ANNOTATION_DONATION,
						   FIELD_PREP(hyp->layout.owner_mask, r->owner) |
							   r->metadata);
	return kvm_pgtable_stage2_set_owner(c, &hyp->host_mmu.pgt, r->addr, r->size,
					    &hyp->host_s2_pool, r->owner);
}

/*
 * host_stage2_idmap_locked - map [addr, addr + size) for the host with @prot.
 * host_mmu.lock. Errors of kvm_pgtable_stage2_map(), then of recycling.
 */
int host_stage2_idmap_locked(struct hyp_cpu *c, u64 addr, u64 size, u64 prot)
{
	struct s2_request r = { .addr = addr, .size = size, .prot = prot };

	return host_stage2_try(c, try_idmap, &r);
}

int host_stage2_annotate_locked(struct hyp_cpu *c, u64 addr, u64 size, u8 owner)
{
	struct s2_request r = { .addr = addr, .size = size, .owner = owner };

	return host_stage2_try(c, try_annotate, &r);
}

/*
 * host_stage2_set_owner_locked - the host's stage 2, and page state if it is kept
 * apart, say that @owner owns [addr, addr + size). host_mmu.lock.
 * v7.0 on: -EPERM unless all of it is in one memory region. Then -ENOMEM and
 * errors of recycling. Giving back to the host clears the entries (to v7.0) or
 * maps them.
 */
int host_stage2_set_owner_locked(struct hyp_cpu *c, u64 addr, u64 size, u8 owner)
{
	const struct profile *p = c->hyp->profile;
	int ret;

	HYP_FRAME(c);
	if (p->set_owner_checks_memory && !range_is_memory(c->hyp, addr, addr + size))
		return -EPERM;

	if (owner == OWNER_ID_HOST && p->handback_maps)
		ret = host_stage2_idmap_locked(c, addr, size, PKVM_HOST_MEM_PROT);
	else
		ret = host_stage2_annotate_locked(c, addr, size, owner);
	if (!ret)
		page_state_ops(c->hyp)->host_owner_changed(c, addr, size, owner);
	return ret;
}

/*
 * host_stage2_set_guest_owner_locked - the host loses [addr, addr + size) to the guest
 * @handle, which has it at @gfn. host_mmu.lock. v7.2.
 * WARN: a frame number that an annotation has no room for. -EPERM unless all of it is in
 * one memory region; -ENOMEM and errors of recycling.
 */
int host_stage2_set_guest_owner_locked(struct hyp_cpu *c, u64 addr, u64 size, u32 handle, u64 gfn)
{
	const struct el2_layout *l = &c->hyp->layout;
	struct s2_request r = {
		.addr = addr,
		.size = size,
		.owner = OWNER_ID_GUEST,
		.metadata = FIELD_PREP(l->handle_mask, handle) | FIELD_PREP(l->gfn_mask, gfn),
	};
	int ret;

	HYP_FRAME(c);
	/* FIELD_FIT() on 64 bits, from bit 16 of the metadata on: it does not see bits past 47 */
	WARN_ON(c, FIELD_GET(l->gfn_mask, r.metadata) != (gfn & GENMASK(47, 0)));
	if (!range_is_memory(c->hyp, addr, addr + size))
		return -EPERM;
	ret = host_stage2_try(c, try_annotate, &r);
	if (!ret)
		page_state_ops(c->hyp)->host_owner_changed(c, addr, size, OWNER_ID_GUEST);
	return ret;
}

/* ---- Host faults ------------------------------------------------------------------- */

static int host_stage2_adjust_range(struct hyp_cpu *c, u64 addr, struct mem_range *range)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	s8 level = 0;
	u64 pte = 0;
	int ret;

	HYP_FRAME(c);
	hyp_assert_lock_held(c, &c->hyp->host_mmu.lock);
	ret = kvm_pgtable_get_leaf(c, &c->hyp->host_mmu.pgt, addr, &pte, &level);
	if (ret)
		return ret;
	if (pte_valid(pte))
		return c->hyp->profile->abort_eexist ? -EEXIST : -EAGAIN;
	if (pte) {
		WARN_ON(c, ops->annotation_at_odds(c, addr));
		return -EPERM;
	}
	return ops->fault_range(c, addr, level, range);
}

/*
 * host_stage2_idmap - map what the host touched at @addr: the largest block that
 * lies in its region or hole. Takes host_mmu.lock.
 * -ERANGE: beyond the IPA size; -EAGAIN (v7.1 on -EEXIST): mapped already;
 * -EPERM: somebody else's; -EINVAL with B-13; then errors of the mapping.
 */
int host_stage2_idmap(struct hyp_cpu *c, u64 addr)
{
	struct mem_range range;
	bool memory = find_mem_range(c->hyp, addr, &range);
	int ret;

	HYP_FRAME(c);
	host_lock_component(c);
	ret = host_stage2_adjust_range(c, addr, &range);
	if (!ret)
		ret = host_stage2_idmap_locked(c, range.start, range.end - range.start,
					       memory ? PKVM_HOST_MEM_PROT : PKVM_HOST_MMIO_PROT);
	host_unlock_component(c);
	return ret;
}

#define HPFAR_FIPA GENMASK(47, 4)

/*
 * __get_fault_info(): the page that faulted. False: not known, let the host retry.
 * HPFAR is not written for permission faults outside of stage-1 walks: there an
 * address translation instruction is asked, which may fail.
 */
static bool host_fault_address(const struct el2_fault *f, u64 *addr)
{
	if (f->syndrome.hpfar_valid) {
		*addr = FIELD_GET(HPFAR_FIPA, f->syndrome.hpfar) << 12;
		return true;
	}
	*addr = ALIGN_DOWN(f->ipa, 4096);
	return !f->at_fails;
}

/* inject_host_exception(): same fault one level down, marked by S1PTW. */
static void host_inject_mem_abort(struct hyp_cpu *c, const struct el2_fault *f)
{
	u64 ec = FIELD_GET(ESR_EC, f->syndrome.esr);
	u64 esr = f->syndrome.esr & ~ESR_EC;

	HYP_FRAME(c);
	if (ec == EC_DABT_LOW)
		ec = EC_DABT_CUR;
	else if (ec == EC_IABT_LOW)
		ec = EC_IABT_CUR;
	else
		WARN_ON(c, true);
	esr |= FIELD_PREP(ESR_EC, ec) | ESR_S1PTW;
	event_step(c->cpu, EV_ABORT);
	event_emit(c->cpu, .kind = EV_ABORT, .fn = __func__, .what = "inject", .addr = f->ipa,
		   .val = esr);
}

static enum el2_abort_result host_mem_abort(struct hyp_cpu *c, const struct el2_fault *f)
{
	struct hyp *hyp = c->hyp;
	const int mapped = hyp->profile->abort_eexist ? -EEXIST : -EAGAIN;
	bool known;
	u64 addr;
	int ret;

	HYP_FRAME(c);
	known = host_fault_address(f, &addr);
	if (hyp_has_bug(hyp, BUG_B31))
		BUG_ON(c, !known);
	if (!known)
		return EL2_ABORT_RETRY;
	/* Not safe to translate, so not marked valid. v6.12 reads the register anyhow. */
	BUG_ON(c, hyp->profile->state_in_vmemmap && f->walk.fault == MMU_FAULT_EXTERNAL_WALK);

	ret = host_stage2_idmap(c, addr);
	if (ret == -EPERM && hyp_knob(c, KNOB_HOST_EPERM) == HOST_EPERM_INJECT) {
		host_inject_mem_abort(c, f);
		return EL2_ABORT_INJECTED;
	}
	BUG_ON(c, ret && ret != mapped);
	return EL2_ABORT_RETRY;
}

/*
 * handle_host_mem_abort - a stage-2 fault of the host. Takes host_mmu.lock.
 * BUG: anything but success and "mapped already", -EPERM too unless
 * host_eperm=inject.
 */
enum el2_abort_result handle_host_mem_abort(struct hyp_cpu *c, const struct el2_fault *f)
{
	enum el2_abort_result result;

	HYP_FRAME(c);
	cpu_abort_taken(c->cpu, &f->syndrome);
	event_step(c->cpu, EV_TRAP);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "host_abort", .addr = f->ipa,
		   .val = f->syndrome.esr);
	result = host_mem_abort(c, f);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "eret_host", .addr = f->ipa);
	return result;
}
