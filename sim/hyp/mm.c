// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's own address space, after nvhe/mm.c: the linear map (VA = PA + va_offset),
 * the identity map of the switching code, the private range, hyp_vmemmap's
 * backing, stacks, fixmap and fixblock.
 *
 * Mappings are never rolled back: what was made before an error stays.
 */
#include "hyp_private.h"

/* One range, with blocks where alignment and length allow. Takes pkvm_pgd_lock. */
static int __pkvm_create_mappings(struct hyp_cpu *c, va_t start, u64 size, pa_t phys, u64 prot)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	int ret;

	spin_lock(c->cpu, &hyp->pkvm_pgd_lock);
	ret = kvm_pgtable_hyp_map(c, &hyp->pkvm_pgtable, start, size, phys, prot);
	spin_unlock(c->cpu, &hyp->pkvm_pgd_lock);
	return ret;
}

/* ---- Private range ------------------------------------------------------------------------ */

/*
 * Claim [@start, @start + @size), size rounded up to pages. -EINVAL below the
 * cursor, -ENOMEM past hyp_vmemmap. What is skipped before @start is lost.
 */
static int alloc_private_va_range_locked(struct hyp_cpu *c, u64 start, u64 size)
{
	struct hyp *hyp = c->hyp;
	u64 end = start + ALIGN_UP(size, hyp_page_size(hyp));

	if (!start || start < hyp->io_map_next)
		return -EINVAL;
	if (end > hyp->hyp_vmemmap)
		return -ENOMEM;
	hyp->io_map_next = end;
	return 0;
}

/*
 * pkvm_alloc_private_va_range - the next @size bytes of private range. *@va is
 * written also on failure. Takes pkvm_pgd_lock. -EINVAL, -ENOMEM. Never freed.
 */
int pkvm_alloc_private_va_range(struct hyp_cpu *c, u64 size, va_t *va)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	int ret;

	spin_lock(c->cpu, &hyp->pkvm_pgd_lock);
	*va = VA(hyp->io_map_next);
	ret = alloc_private_va_range_locked(c, va->va, size);
	spin_unlock(c->cpu, &hyp->pkvm_pgd_lock);
	return ret;
}

/*
 * __pkvm_create_private_mapping - map @size bytes at @phys in the private range;
 * *@va keeps the offset in the page, and is written on success only. Address
 * space stays spent if mapping fails. Takes pkvm_pgd_lock twice.
 */
int __pkvm_create_private_mapping(struct hyp_cpu *c, pa_t phys, u64 size, u64 prot, va_t *va)
{
	HYP_FRAME(c);
	u64 offset = phys.pa & (hyp_page_size(c->hyp) - 1);
	va_t addr;
	int ret;

	size = ALIGN_UP(size + offset, hyp_page_size(c->hyp));
	ret = pkvm_alloc_private_va_range(c, size, &addr);
	if (ret)
		return ret;
	ret = __pkvm_create_mappings(c, addr, size, phys, prot);
	if (ret)
		return ret;
	*va = VA(addr.va + offset);
	return 0;
}

/* ---- Linear map ---------------------------------------------------------------------------- */

/*
 * pkvm_create_mappings_locked - map [@from, @to), rounded outward, page by page at
 * its linear address. Needs pkvm_pgd_lock. Stops at the first error.
 */
int pkvm_create_mappings_locked(struct hyp_cpu *c, pa_t from, pa_t to, u64 prot)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 page_size = hyp_page_size(hyp), end = ALIGN_UP(to.pa, page_size);

	for (u64 phys = ALIGN_DOWN(from.pa, page_size); phys < end; phys += page_size) {
		int ret = kvm_pgtable_hyp_map(c, &hyp->pkvm_pgtable, hyp_va_of(hyp, PA(phys)),
					      page_size, PA(phys), prot);

		if (ret)
			return ret;
	}
	return 0;
}

int pkvm_create_mappings(struct hyp_cpu *c, pa_t from, pa_t to, u64 prot)
{
	HYP_FRAME(c);
	int ret;

	spin_lock(c->cpu, &c->hyp->pkvm_pgd_lock);
	ret = pkvm_create_mappings_locked(c, from, to, prot);
	spin_unlock(c->cpu, &c->hyp->pkvm_pgd_lock);
	return ret;
}

/*
 * hyp_create_idmap - the page that switches tables is mapped at its own address.
 * Of the half of the address space where it lies, the quarter without it holds
 * the private range below and hyp_vmemmap above.
 */
int hyp_create_idmap(struct hyp_cpu *c, u32 hyp_va_bits)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 start = ALIGN_DOWN(hyp->idmap.base, hyp_page_size(hyp));
	u64 end = ALIGN_UP(hyp->idmap.base + hyp->idmap.size, hyp_page_size(hyp));

	hyp->io_map_base = (start & BIT(hyp_va_bits - 2)) ^ BIT(hyp_va_bits - 2);
	hyp->io_map_next = hyp->io_map_base;
	hyp->hyp_vmemmap = hyp->io_map_base | BIT(hyp_va_bits - 3);
	return __pkvm_create_mappings(c, VA(start), end - start, PA(start), PAGE_HYP_EXEC);
}

/*
 * hyp_back_vmemmap - map and zero the entries of every memory region, from @back
 * on. The page in which a region's first entry stands may be the last one of the
 * region before: mapped once, though hyp_vmemmap_pages() counted it twice.
 */
int hyp_back_vmemmap(struct hyp_cpu *c, pa_t back)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 start, end = 0;

	hyp->n_vmemmap = 0;
	hyp->vmemmap_last.bytes = 0;
	for (unsigned int i = 0; i < hyp->hyp_memblock_nr; i++) {
		const struct el2_region *r = &hyp->hyp_memory[i];
		int ret;

		start = ALIGN_DOWN(hyp_page_va(hyp, r->base).va, hyp_page_size(hyp));
		start = MAX(start, end);
		end = ALIGN_UP(hyp_page_va(hyp, r->base + r->size).va, hyp_page_size(hyp));
		if (start >= end)
			continue;
		ret = __pkvm_create_mappings(c, VA(start), end - start, back, PAGE_HYP);
		if (ret)
			return ret;
		hyp->vmemmap[hyp->n_vmemmap++] = (struct vmemmap_range){ start, end, back.pa };
		mem_zero(c->cpu, back, end - start);
		back = pa_add(back, end - start);
	}
	return 0;
}

/*
 * pkvm_create_stack - map the stack of @of at the upper half of a two-page range
 * aligned to its size; the lower half stays a hole, so that one address bit tells
 * an overflow. The stack pointer to publish is the range's end.
 */
int pkvm_create_stack(struct hyp_cpu *c, struct hyp_cpu *of)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 page_size = hyp_page_size(hyp), size = page_size * 2, cursor, addr;
	int ret;

	spin_lock(c->cpu, &hyp->pkvm_pgd_lock);
	cursor = hyp->io_map_next;
	addr = ALIGN_UP(cursor, size);
	ret = alloc_private_va_range_locked(c, addr, size);
	if (!ret) {
		ret = kvm_pgtable_hyp_map(c, &hyp->pkvm_pgtable, VA(addr + page_size), page_size,
					  of->stack_pa, PAGE_HYP);
		if (ret)
			hyp->io_map_next = cursor;
	}
	spin_unlock(c->cpu, &hyp->pkvm_pgd_lock);
	of->stack_va = VA(addr + size);
	return ret;
}

/* ---- Fixmap ------------------------------------------------------------------------------- */

struct fixmap_slot {
	va_t va;
	pa_t ptep;
};

static void fixmap_clear_slot(struct hyp_cpu *c, const struct fixmap_slot *slot, s8 level)
{
	struct tlbi tlbi = { .op = TLBI_VALE2IS, .level = level, .addr = slot->va.va };
	u64 pte = mem_load64(c->cpu, slot->ptep, MO_PLAIN);

	mem_store64(c->cpu, slot->ptep, pte & ~PTE_VALID, MO_ONCE);
	cpu_dsb(c->cpu, "ishst");
	cpu_tlbi(c->cpu, &tlbi);
	cpu_dsb(c->cpu, "ish");
	cpu_isb(c->cpu);
}

/* The entry keeps its attributes: address and valid bit are all that is new. */
static va_t fixmap_map_slot(struct hyp_cpu *c, const struct fixmap_slot *slot, pa_t phys)
{
	const struct arch_features *f = c->hyp->f;
	u64 pte = mem_load64(c->cpu, slot->ptep, MO_PLAIN);

	pte &= ~pte_from_pa(f, PA(~UINT64_C(0)));
	mem_store64(c->cpu, slot->ptep, pte | pte_from_pa(f, phys) | PTE_VALID, MO_ONCE);
	cpu_dsb(c->cpu, "ishst");
	return slot->va;
}

static struct fixmap_slot fixmap_slot(const struct hyp_cpu *c)
{
	return (struct fixmap_slot){ c->fixmap_va, c->fixmap_ptep };
}

static struct fixmap_slot fixblock_slot(const struct hyp_cpu *c)
{
	return (struct fixmap_slot){ c->hyp->fixblock_va, c->hyp->fixblock_ptep };
}

/* hyp_fixmap_map - this CPU's slot shows the page of @phys. Its address there. No lock. */
va_t hyp_fixmap_map(struct hyp_cpu *c, pa_t phys)
{
	const struct fixmap_slot slot = fixmap_slot(c);

	return fixmap_map_slot(c, &slot, phys);
}

/* hyp_fixmap_unmap - and nothing. */
void hyp_fixmap_unmap(struct hyp_cpu *c)
{
	const struct fixmap_slot slot = fixmap_slot(c);

	fixmap_clear_slot(c, &slot, ARCH_LAST_LEVEL);
}

u64 hyp_fixblock_size(const struct hyp *hyp)
{
	return BIT(level_shift(hyp->f->page_shift, ARCH_LAST_LEVEL - 1));
}

/* Is a whole block of the @bytes at @phys, and is there a slot for it? Not with 64K pages. */
bool hyp_fixblock_fits(const struct hyp_cpu *c, pa_t phys, u64 bytes)
{
	const u64 size = hyp_fixblock_size(c->hyp);

	return c->hyp->fixblock_va.va && bytes >= size && IS_ALIGNED(phys.pa, size);
}

/* hyp_fixblock_map - the block at @phys in the slot. Takes fixblock_lock, and keeps it. */
va_t hyp_fixblock_map(struct hyp_cpu *c, pa_t phys)
{
	const struct fixmap_slot slot = fixblock_slot(c);

	spin_lock(c->cpu, &c->hyp->fixblock_lock);
	return fixmap_map_slot(c, &slot, phys);
}

void hyp_fixblock_unmap(struct hyp_cpu *c)
{
	const struct fixmap_slot slot = fixblock_slot(c);

	fixmap_clear_slot(c, &slot, ARCH_LAST_LEVEL - 1);
	spin_unlock(c->cpu, &c->hyp->fixblock_lock);
}

/*
 * The entry of a slot loses its valid bit only: its reference on the table page
 * stays, so that the page is never freed and the entry can be written by hand.
 */
static int create_fixmap_slot_cb(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	struct fixmap_slot *slot = ctx->arg;

	if (!pte_valid(ctx->old) || ctx->end - ctx->start != kvm_granule_size(ctx->pgt, ctx->level))
		return -EINVAL;
	*slot = (struct fixmap_slot){ VA(ctx->addr), ctx->ptep };
	fixmap_clear_slot(c, slot, ctx->level);
	return 0;
}

static int create_fixmap_slot(struct hyp_cpu *c, u64 addr, u64 size, struct fixmap_slot *slot)
{
	struct pgtable_walker walker = {
		WALKER_CB(create_fixmap_slot_cb),
		.arg = slot,
		.flags = WALK_LEAF,
	};

	return kvm_pgtable_walk(c, &c->hyp->pkvm_pgtable, addr, size, &walker);
}

/*
 * One block-sized slot for the whole system, for cache maintenance of guests' blocks. It
 * is made over the first aligned block inside a memory region; a region that ends
 * with that block does not do. -EINVAL if there is none, else as the map.
 */
static int create_fixblock(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 pmd = BIT(level_shift(hyp->f->page_shift, 2)), phys = 0, addr;
	struct fixmap_slot slot;
	unsigned int i;
	int ret;

	if (hyp->f->page_shift >= 16)
		return 0;
	for (i = 0; i < hyp->hyp_memblock_nr; i++) {
		phys = ALIGN_UP(hyp->hyp_memory[i].base, pmd);
		if (phys + pmd < hyp->hyp_memory[i].base + hyp->hyp_memory[i].size)
			break;
	}
	if (i >= hyp->hyp_memblock_nr)
		return -EINVAL;

	spin_lock(c->cpu, &hyp->pkvm_pgd_lock);
	addr = ALIGN_UP(hyp->io_map_next, pmd);
	ret = alloc_private_va_range_locked(c, addr, pmd);
	if (!ret)
		ret = kvm_pgtable_hyp_map(c, &hyp->pkvm_pgtable, VA(addr), pmd, PA(phys), PAGE_HYP);
	if (!ret)
		ret = create_fixmap_slot(c, addr, pmd, &slot);
	spin_unlock(c->cpu, &hyp->pkvm_pgd_lock);
	if (ret)
		return ret;
	hyp->fixblock_va = slot.va;
	hyp->fixblock_ptep = slot.ptep;
	return 0;
}

/*
 * hyp_create_fixmap - one private page a CPU, in order, then the fixblock where the
 * release has one. The slots are made over the first page of EL2's bss.
 * hyp_create_pcpu_fixmap() (v6.12), hyp_create_fixmap() (v7.0 on).
 */
int hyp_create_fixmap(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	u64 page_size = hyp_page_size(hyp);

	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		struct fixmap_slot slot;
		va_t addr;
		int ret = pkvm_alloc_private_va_range(c, page_size, &addr);

		if (!ret)
			ret = kvm_pgtable_hyp_map(c, &hyp->pkvm_pgtable, addr, page_size,
						  PA(hyp->bss.base), PAGE_HYP);
		if (!ret)
			ret = create_fixmap_slot(c, addr.va, page_size, &slot);
		if (ret)
			return ret;
		hyp->cpus[i].fixmap_va = slot.va;
		hyp->cpus[i].fixmap_ptep = slot.ptep;
	}
	return hyp->profile->fixblock ? create_fixblock(c) : 0;
}
