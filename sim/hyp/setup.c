// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's boot, after nvhe/setup.c: __pkvm_init() divides the memory that the host
 * gave and builds EL2's own tables in it; __pkvm_init_finalise() runs on them, makes
 * the pools and the host's stage 2, and takes EL2's pages away from the host.
 *
 * One CPU runs, no lock is contended. Nothing is rolled back: a step that fails
 * leaves all steps before it done.
 */
#include "ffa.h"

/* ---- __pkvm_init ---------------------------------------------------------------------------- */

static bool take_early(struct hyp_cpu *c, u64 nr_pages, u64 *base)
{
	*base = hyp_early_alloc_contig(c, nr_pages).pa;
	return *base;
}

/* The blocks of EL2's memory, one after the other. The tail of it stays unused. */
static int divide_memory_pool(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;

	hyp_early_alloc_init(c, hyp->hyp_mem.base, hyp->hyp_mem.size);
	hyp->vmemmap_pages = hyp_vmemmap_pages(hyp);
	hyp->hyp_pgt_pages = hyp_s1_pgtable_pages(hyp);
	hyp->host_s2_pages = host_s2_pgtable_pages(hyp);

	if (pkvm_selftest_pages(hyp) &&
	    !take_early(c, pkvm_selftest_pages(hyp), &hyp->selftest_base))
		return -ENOMEM;
	if (!take_early(c, hyp->vmemmap_pages, &hyp->vmemmap_base) ||
	    !take_early(c, hyp_vm_table_pages(hyp), &hyp->vm_table_base) ||
	    !take_early(c, hyp->hyp_pgt_pages, &hyp->hyp_pgt_base) ||
	    !take_early(c, hyp->host_s2_pages, &hyp->host_s2_base) ||
	    !take_early(c, hyp_ffa_proxy_pages(hyp), &hyp->ffa_base))
		return -ENOMEM;
	return 0;
}

static int map_section(struct hyp_cpu *c, struct el2_section s, u64 prot)
{
	return pkvm_create_mappings(c, PA(s.base), PA(s.base + s.size), prot);
}

static int map_image_and_memory(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;
	int ret = map_section(c, hyp->text, PAGE_HYP_EXEC);

	if (!ret && hyp->profile->map_hyp_data)
		ret = map_section(c, hyp->data, PAGE_HYP);
	if (!ret)
		ret = map_section(c, hyp->rodata, PAGE_HYP_RO);
	if (!ret)
		ret = map_section(c, hyp->bss, PAGE_HYP);
	if (!ret)
		ret = map_section(c, hyp->hyp_mem, PAGE_HYP);
	return ret;
}

static int map_cpus(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;

	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		struct hyp_cpu *of = &hyp->cpus[i];
		pa_t end = pa_add(of->percpu_pa, HYP_PERCPU_PAGES << hyp->f->page_shift);
		int ret = pkvm_create_mappings(c, of->percpu_pa, end, PAGE_HYP);

		if (!ret)
			ret = pkvm_create_stack(c, of);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * EL2's tables anew, in pages of the early allocator. The order of the mappings fixes
 * the address of every table page. The boards have neither SVE nor a CPU that
 * needs its vectors apart, so those mappings are not made.
 */
static int recreate_hyp_mappings(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	int ret;

	hyp_early_alloc_init(c, hyp->hyp_pgt_base, hyp->hyp_pgt_pages << hyp->f->page_shift);
	hyp->pkvm_pgtable = (struct kvm_pgtable){
		.f = hyp->f,
		.v = &hyp->variant,
		.mm_ops = &hyp_early_alloc_mm_ops,
	};
	ret = kvm_pgtable_hyp_init(c, &hyp->pkvm_pgtable, hyp->hyp_va_bits);
	if (!ret)
		ret = hyp_create_idmap(c, hyp->hyp_va_bits);
	if (!ret)
		ret = hyp_back_vmemmap(c, PA(hyp->vmemmap_base));
	if (!ret)
		ret = map_image_and_memory(c);
	if (!ret)
		ret = map_cpus(c);
	/* the host's page, EL2 only reads it: shared by EL2 until finalise swaps the roles */
	if (!ret && hyp->profile->map_vgic_state)
		ret = map_section(c, hyp->vgic,
				  PAGE_HYP_RO | FIELD_PREP(hyp->layout.sw_state_mask,
							   PKVM_PAGE_SHARED_OWNED));
	return ret;
}

/* Where each CPU that comes up later finds its tables; read with the MMU off, so cleaned. */
static void update_nvhe_init_params(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;

	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		pa_t params = hyp->cpus[i].percpu_pa;

		mem_store64(c->cpu, params, hyp->pkvm_pgtable.mmu.root.pa, MO_PLAIN);
		cpu_cmo(c->cpu, "dc_civac", params, hyp_va_of(hyp, params), sizeof(u64));
	}
}

/*
 * __pkvm_init - up to the switch of tables. First the host's own failure to
 * reserve memory (-ENOMEM); then -EINVAL for unaligned memory, -ENOMEM, the first
 * error of a mapping.
 */
s64 __pkvm_init(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	int ret;

	if (hyp->reserve_error)
		return hyp->reserve_error;
	if (!IS_ALIGNED(hyp->hyp_mem.base | hyp->hyp_mem.size, hyp_page_size(hyp)))
		return -EINVAL;
	hyp->initialised = false;
	hyp->finalised = false;
	ret = divide_memory_pool(c);
	if (!ret)
		ret = recreate_hyp_mappings(c);
	if (ret)
		return ret;
	update_nvhe_init_params(c);
	hyp->initialised = true;
	return 0;
}

/* ---- __pkvm_init_finalise ----------------------------------------------------------------- */

static pa_t hyp_zalloc_hyp_page(struct hyp_cpu *c, void *priv, void *mc)
{
	return hyp_alloc_pages(c, &c->hyp->hpool, 0);
}

static void hpool_get_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	hyp_get_page(c, &c->hyp->hpool, page);
}

static void hpool_put_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	hyp_put_page(c, &c->hyp->hpool, page);
}

static int hpool_page_count(struct hyp_cpu *c, void *priv, pa_t page)
{
	return (int)hyp_page_count(c, page);
}

static const struct pgtable_mm_ops hpool_mm_ops = {
	.name = "hyp_s1",
	.zalloc_page = hyp_zalloc_hyp_page,
	.get_page = hpool_get_page,
	.put_page = hpool_put_page,
	.page_count = hpool_page_count,
};

static int fix_hyp_pgtable_refcnt_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx,
					 u32 visit)
{
	if (pte_valid(ctx->old))
		hpool_get_page(c, NULL, ctx->ptep);
	return 0;
}

/*
 * fix_hyp_pgtable_refcnt - the early allocator counted nothing, and the pool began
 * with one reference a page: add one for every valid entry.
 */
int fix_hyp_pgtable_refcnt(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct kvm_pgtable *pgt = &c->hyp->pkvm_pgtable;
	struct pgtable_walker walker = {
		WALKER_CB(fix_hyp_pgtable_refcnt_walker),
		.flags = WALK_LEAF | WALK_TABLE_POST,
	};

	return kvm_pgtable_walk(c, pgt, 0, BIT(pgt->mmu.ia_bits), &walker);
}

static int fix_host_ownership_walker(struct hyp_cpu *c, struct pgtable_visit_ctx *ctx, u32 visit)
{
	pa_t phys;

	if (!pte_valid(ctx->old))
		return 0;
	if (ctx->level != ARCH_LAST_LEVEL)
		return -EINVAL;
	phys = pa_from_pte(c->hyp->f, ctx->old);
	if (!addr_is_memory(c->hyp, phys.pa))
		return -EINVAL;
	return fix_host_ownership_page(c, phys, ctx->old);
}

/* The linear map of each region; with B-03 all of EL2's address space. */
static int fix_linear_map(struct hyp_cpu *c, struct pgtable_walker *walker)
{
	struct hyp *hyp = c->hyp;
	struct kvm_pgtable *pgt = &hyp->pkvm_pgtable;
	int ret = 0;

	if (hyp_has_bug(hyp, BUG_B03))
		return kvm_pgtable_walk(c, pgt, 0, BIT(pgt->mmu.ia_bits), walker);
	for (unsigned int i = 0; !ret && i < hyp->hyp_memblock_nr; i++) {
		const struct el2_region *r = &hyp->hyp_memory[i];

		ret = kvm_pgtable_walk(c, pgt, hyp_va_of(hyp, PA(r->base)).va, r->size, walker);
	}
	return ret;
}

static int fix_stacks(struct hyp_cpu *c, struct pgtable_walker *walker)
{
	struct hyp *hyp = c->hyp;
	const u64 size = hyp_page_size(hyp);
	int ret = 0;

	if (!hyp->profile->stacks_fixed_up || hyp_has_bug(hyp, BUG_B55))
		return 0;
	for (unsigned int i = 0; !ret && i < hyp->nr_cpus; i++)
		ret = kvm_pgtable_walk(c, &hyp->pkvm_pgtable, hyp->cpus[i].stack_va.va - size, size,
				       walker);
	return ret;
}

/*
 * fix_host_ownership - what EL2 has mapped in its linear map, and where the release
 * says so its stacks, is from now on not the host's. -EINVAL for a block or for what
 * is not memory; else the first error of the host's stage 2.
 */
int fix_host_ownership(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct pgtable_walker walker = {
		WALKER_CB(fix_host_ownership_walker),
		.flags = WALK_LEAF,
	};
	int ret = fix_linear_map(c, &walker);

	return ret ? ret : fix_stacks(c, &walker);
}

/* v7.0 as released took the pages first; a fix of April 2026 has the counts right before. */
static int fix_tables_and_ownership(struct hyp_cpu *c)
{
	bool ownership_first =
		hyp_knob(c, KNOB_FINALISE_ORDER) == FINALISE_V7_0 || hyp_has_bug(c->hyp, BUG_B22);
	int ret = ownership_first ? fix_host_ownership(c) : 0;

	if (!ret)
		ret = fix_hyp_pgtable_refcnt(c);
	if (!ret)
		ret = hyp_create_fixmap(c);
	if (!ret && !ownership_first)
		ret = fix_host_ownership(c);
	return ret;
}

static void pkvm_hyp_vm_table_init(struct hyp_cpu *c)
{
	WARN_ON(c, c->hyp->vm_table_published);
	c->hyp->vm_table_published = true;
}

/*
 * __pkvm_init_finalise - the rest, on EL2's own tables: pools, the host's stage 2,
 * counts and ownership, the protected regions where there are any (patch 02 puts
 * them right before FF-A), FF-A. Nothing that was done is undone. -EINVAL where
 * __pkvm_init() did not get through, which no kernel can do.
 */
s64 __pkvm_init_finalise(struct hyp_cpu *c)
{
	HYP_FRAME(c);
	struct hyp *hyp = c->hyp;
	int ret;

	if (!hyp->initialised)
		return -EINVAL;
	ret = hyp_pool_init(c, &hyp->hpool, hyp->hyp_pgt_base >> hyp->f->page_shift,
			    hyp->hyp_pgt_pages, hyp_early_alloc_nr_used_pages(c));
	if (ret)
		return ret;
	ret = kvm_host_prepare_stage2(c, PA(hyp->host_s2_base), hyp->host_s2_pages);
	if (ret)
		return ret;
	hyp->pkvm_pgtable.mm_ops = &hpool_mm_ops;
	ret = fix_tables_and_ownership(c);
	if (!ret && hyp->num_protected_reg)
		ret = unmap_protected_regions(c);
	if (!ret)
		ret = hyp_ffa_init(c);
	if (ret)
		return ret;
	pkvm_hyp_vm_table_init(c);
	pkvm_ownership_selftest(c);
	hyp->finalised = true;
	return 0;
}
