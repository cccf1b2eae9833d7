// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading what EL2 keeps in fake RAM: page tables as the MMU defines them,
 * struct hyp_page and free lists by the published layout. Nothing here follows
 * kernel code: an EL2 that writes nonsense gets nonsense read back, never a crash.
 */
#include "model.h"

#include "private.h"

bool model_walk(struct board *b, const struct el2_view *v, bool hyp, u64 ia, struct mmu_result *res)
{
	return model_walk_table(b, hyp ? &v->hyp_s1 : &v->host_s2, ia, res);
}

bool model_walk_table(struct board *b, const struct mmu_table *t, u64 ia, struct mmu_result *res)
{
	if (!t->root.pa || ia >> t->ia_bits)
		return false;
	mmu_walk(t, ia, MMU_READ, board_read_desc, b, res);
	return true;
}

bool model_frame_untouched(struct board *b, pa_t pa)
{
	struct extent *e = extent_find(b, pa.pa);

	return e && !(e->frame[(pa.pa - e->base) >> 12] & FRAME_TOUCHED);
}

static bool page_untouched(struct board *b, pa_t page)
{
	for (u64 off = 0; off < (UINT64_C(1) << b->f->page_shift); off += 4096) {
		if (!model_frame_untouched(b, pa_add(page, off)))
			return false;
	}
	return true;
}

/* One pass over a table; either callback may be missing. */
struct pass {
	struct board *b;
	const struct mmu_table *t;
	bool zero_too;
	model_entry_fn entry;
	model_table_fn table;
	void *data;
};

static void pass_table(const struct pass *p, int level, u64 ia, pa_t table)
{
	u64 span = UINT64_C(1) << level_shift(p->t->f->page_shift, level);

	if (p->table)
		p->table(p->data, level, ia, table);
	/* A last-level table holds no tables; an untouched one holds nothing. */
	if ((!p->entry && level == ARCH_LAST_LEVEL) ||
	    (!p->zero_too && page_untouched(p->b, table)))
		return;

	for (u32 i = 0; i < table_entries(p->t->f->page_shift); i++, ia += span) {
		pa_t at = pa_add(table, UINT64_C(8) * i);
		u64 desc;

		if (ia >> p->t->ia_bits || !board_peek64(p->b, at, &desc))
			return;
		if (p->entry && (desc || p->zero_too))
			p->entry(p->data, level, ia, desc, at);
		if (pte_table(desc, level))
			pass_table(p, level + 1, ia, pa_from_pte(p->t->f, desc));
	}
}

static void pass_run(const struct pass *p)
{
	unsigned int shift = p->t->f->page_shift;
	unsigned int pages = p->t->stage == 2 ? s2_pgd_pages(shift, p->t->ia_bits) : 1;

	if (!p->t->root.pa)
		return;
	for (unsigned int i = 0; i < pages; i++) {
		u64 ia = (u64)i * table_entries(shift) << level_shift(shift, p->t->start_level);

		pass_table(p, p->t->start_level, ia, pa_add(p->t->root, (u64)i << shift));
	}
}

void model_for_each_entry(struct board *b, const struct mmu_table *t, bool zero_too,
			  model_entry_fn fn, void *data)
{
	pass_run(&(struct pass){ .b = b, .t = t, .zero_too = zero_too, .entry = fn, .data = data });
}

void model_for_each_table(struct board *b, const struct mmu_table *t, model_table_fn fn, void *data)
{
	pass_run(&(struct pass){ .b = b, .t = t, .table = fn, .data = data });
}

static void count_table(void *data, int level, u64 ia, pa_t table)
{
	++*(u64 *)data;
}

u64 model_tables(struct board *b, const struct mmu_table *t)
{
	u64 n = 0;

	model_for_each_table(b, t, count_table, &n);
	return n;
}

bool model_hyp_page(struct board *b, const struct el2_view *v, pa_t pa, pa_t *entry)
{
	struct mmu_result res;
	u64 va;

	if (!v->vmemmap_va || pa.pa >= board_pa_limit(b))
		return false;
	va = v->vmemmap_va + (pa.pa >> b->f->page_shift) * v->layout->hyp_page_size;
	if (!model_walk(b, v, true, va, &res) || res.fault != MMU_OK)
		return false;
	*entry = res.oa;
	return true;
}

static u32 hyp_page_field(struct board *b, const struct el2_view *v, pa_t pa, u8 off, u8 width)
{
	pa_t entry;
	u64 val = 0;

	if (model_hyp_page(b, v, pa, &entry))
		board_peek(b, pa_add(entry, off), width, &val);
	return (u32)val;
}

u32 model_refcount(struct board *b, const struct el2_view *v, pa_t pa)
{
	return hyp_page_field(b, v, pa, v->layout->refcount_off, v->layout->refcount_width);
}

u32 model_order(struct board *b, const struct el2_view *v, pa_t pa)
{
	return hyp_page_field(b, v, pa, v->layout->order_off, v->layout->order_width);
}

u32 model_sharers(struct board *b, const struct el2_view *v, pa_t pa)
{
	return v->layout->has_state ? hyp_page_field(b, v, pa, v->layout->share_count_off, 4) : 0;
}

static u64 ram_pages(const struct board *b)
{
	u64 bytes = 0;

	for (guint i = 0; i < b->config->ram->len; i++)
		bytes += g_array_index(b->config->ram, struct ram_region, i).size;
	return bytes >> b->f->page_shift;
}

/*
 * Blocks on one free list. A list that does not come back to its head is cut off; a VM's
 * pool may hold more pages than it began with, so it is not its size that ends it.
 */
static void free_blocks(struct board *b, const struct el2_view *v, pa_t head, u64 pages,
			model_free_fn fn, void *data)
{
	u64 most = ram_pages(b), next, n = 0;

	if (!board_peek64(b, head, &next) || !next)
		return;
	while (next - v->layout->va_offset != head.pa && n++ < most) {
		const pa_t block = PA(next - v->layout->va_offset);

		fn(data, block, pages);
		if (!board_peek64(b, block, &next))
			break;
	}
}

void model_for_each_free(struct board *b, const struct el2_view *v, const struct el2_pool_view *p,
			 model_free_fn fn, void *data)
{
	for (unsigned int order = 0; order <= p->max_order; order++)
		free_blocks(b, v, pa_add(p->heads, UINT64_C(16) * order), UINT64_C(1) << order, fn,
			    data);
}

static void count_free(void *data, pa_t block, u64 pages)
{
	*(u64 *)data += pages;
}

u64 model_pool_free(struct board *b, const struct el2_view *v, const struct el2_pool_view *p)
{
	u64 pages = 0;

	model_for_each_free(b, v, p, count_free, &pages);
	return pages;
}
