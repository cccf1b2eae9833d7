// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What guests hold, from their stage 2 tables in fake RAM: page states in software bits,
 * poison in invalid entries, and which guest's table names a page as its own.
 */
#include "model.h"

#include "private.h"

const struct el2_guest_view *model_guest(const struct el2_view *v, u32 handle)
{
	unsigned int from = 0, to = v->n_guests;

	while (from < to) {
		const unsigned int mid = from + (to - from) / 2;

		if (v->guests[mid]->handle == handle)
			return v->guests[mid];
		if (v->guests[mid]->handle < handle)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

enum page_state model_entry_state(const struct el2_layout *l, u64 desc)
{
	if (pte_valid(desc))
		return (enum page_state)FIELD_GET(l->sw_state_mask, desc);
	if (l->type_mask && FIELD_GET(l->type_mask, desc) == l->type_poison)
		return PKVM_POISON;
	return PKVM_NOPAGE;
}

enum page_state model_guest_state(struct board *b, const struct el2_view *v,
				  const struct el2_guest_view *g, u64 ipa)
{
	struct mmu_result res;

	if (!model_walk_table(b, &g->s2, ipa, &res))
		return PKVM_NOPAGE;
	return model_entry_state(v->layout, res.desc);
}

/* ---- Memcaches ------------------------------------------------------------------------------ */

u64 model_vcpu_memcache(struct board *b, const struct el2_view *v, const struct el2_guest_view *g,
			unsigned int idx)
{
	const struct el2_vm_layout *l = v->vm_layout;
	const u64 off = v->layout->va_offset;
	u64 vcpu, nr;

	if (idx >= g->created_vcpus ||
	    !board_peek64(b, PA(g->area.va + l->hyp_vm_size + UINT64_C(8) * idx - off), &vcpu) ||
	    !vcpu || !board_peek64(b, PA(vcpu + l->hyp_vcpu_memcache + l->mc_nr_pages - off), &nr))
		return 0;
	return nr;
}

/* ---- Whose page? ---------------------------------------------------------------------------- */

struct collect {
	struct board *b;
	const struct el2_view *v;
	const struct el2_guest_view *g;
	GArray *leaves;
};

static void collect_entry(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	const struct collect *c = data;
	const unsigned int shift = c->b->f->page_shift;
	struct guest_leaf leaf = { .handle = c->g->handle };
	enum page_state s = model_entry_state(c->v->layout, desc);

	if (!pte_valid(desc) || pte_table(desc, level))
		return;
	if (s != PKVM_PAGE_OWNED && s != PKVM_PAGE_SHARED_OWNED)
		return;
	leaf.from = pa_from_pte(c->b->f, desc).pa;
	leaf.to = leaf.from + BIT(level_shift(shift, level));
	g_array_append_val(c->leaves, leaf);
}

static gint by_address(gconstpointer a, gconstpointer b)
{
	const struct guest_leaf *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->handle < y->handle ? -1 : x->handle > y->handle;
}

GArray *model_guest_leaves(struct board *b, const struct el2_view *v)
{
	struct collect c = { .b = b, .v = v };

	c.leaves = g_array_new(FALSE, FALSE, sizeof(struct guest_leaf));
	for (unsigned int i = 0; i < v->n_guests; i++) {
		c.g = v->guests[i];
		model_for_each_entry(b, &c.g->s2, false, collect_entry, &c);
	}
	g_array_sort(c.leaves, by_address);
	return c.leaves;
}
