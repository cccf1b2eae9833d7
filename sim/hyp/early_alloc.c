// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator of EL2's first minutes, after nvhe/early_alloc.c: it hands out
 * zeroed pages one after the other and takes none back. References are not
 * counted, since hyp_vmemmap is not there yet: fix_hyp_pgtable_refcnt() makes up
 * for it. Used by one CPU, before any lock matters.
 */
#include "hyp_private.h"

/* From now on out of [base, base + size). */
void hyp_early_alloc_init(struct hyp_cpu *c, u64 base, u64 size)
{
	c->hyp->early = (struct hyp_early_alloc){ .base = base, .cur = base, .end = base + size };
}

/* @nr_pages in one piece, zeroed; 0 if there are not so many, or none are asked for. */
pa_t hyp_early_alloc_contig(struct hyp_cpu *c, u64 nr_pages)
{
	struct hyp_early_alloc *early = &c->hyp->early;
	unsigned int shift = c->hyp->f->page_shift;
	pa_t page = PA(0);

	event_step(c->cpu, EV_ALLOC);
	if (nr_pages && nr_pages <= (early->end - early->cur) >> shift) {
		page = PA(early->cur);
		early->cur += nr_pages << shift;
		mem_zero(c->cpu, page, nr_pages << shift);
	}
	event_emit(c->cpu, .kind = EV_ALLOC, .what = "early", .addr = page.pa, .val = nr_pages);
	return page;
}

u64 hyp_early_alloc_nr_used_pages(struct hyp_cpu *c)
{
	return (c->hyp->early.cur - c->hyp->early.base) >> c->hyp->f->page_shift;
}

static pa_t hyp_early_alloc_page(struct hyp_cpu *c, void *priv, void *mc)
{
	return hyp_early_alloc_contig(c, 1);
}

static void hyp_early_alloc_get_page(struct hyp_cpu *c, void *priv, pa_t page)
{
}

static void hyp_early_alloc_put_page(struct hyp_cpu *c, void *priv, pa_t page)
{
}

const struct pgtable_mm_ops hyp_early_alloc_mm_ops = {
	.name = "early",
	.zalloc_page = hyp_early_alloc_page,
	.get_page = hyp_early_alloc_get_page,
	.put_page = hyp_early_alloc_put_page,
};
