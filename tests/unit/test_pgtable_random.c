// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random operations on stage-2 tables of every release, walker and geometry, and
 * after each of them what must hold whatever was asked (spec/pgtable.md 9).
 */
#include <stdlib.h>

#include "model/model.h"
#include "tests/unit/pgtable_rig.h"

#define MAX_TLB 4096

struct geometry {
	const char *name;
	struct arch_features f;
	unsigned int ia_bits;
	bool force_pte;
};

static const struct geometry geometries[] = {
	{ "4K", { .page_shift = 12, .pa_bits = 40 }, 40, false },
	{ "4K, FWB, ranges",
	  { .page_shift = 12, .pa_bits = 40, .fwb = true, .tlbirange = true },
	  40,
	  false },
	{ "4K, pages only", { .page_shift = 12, .pa_bits = 40, .fwb = true }, 39, true },
	{ "4K, 4 levels", { .page_shift = 12, .pa_bits = 48, .xnx = true }, 48, false },
	{ "4K, LPA2",
	  { .page_shift = 12, .pa_bits = 52, .lpa2 = true, .tlbirange = true, .fwb = true },
	  52,
	  false },
	{ "16K", { .page_shift = 14, .pa_bits = 40, .fwb = true }, 40, false },
	{ "16K, LPA2", { .page_shift = 14, .pa_bits = 52, .lpa2 = true }, 52, false },
	{ "64K", { .page_shift = 16, .pa_bits = 44, .tlbirange = true }, 44, false },
	{ "64K, 52 bits", { .page_shift = 16, .pa_bits = 52 }, 52, false },
};

struct entry {
	int level;
	u64 ia, desc;
};

struct span {
	u64 start, size;
};

struct run {
	struct rig g;
	const struct geometry *geo;
	u64 seed;
	GArray *before, *after; /* struct entry, by (ia, level) */
	struct span tlb[MAX_TLB];
	unsigned int n_tlb;
	bool all; /* everything was invalidated */
};

static u64 rnd(struct run *r, u64 n)
{
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return r->seed % n;
}

/* What the TLBs heard: the operations, not the calls above them. */
static void hear_tlbi(void *data, const struct event *ev)
{
	struct run *r = data;
	struct span s = { ev->addr, BIT(r->geo->f.page_shift) };

	if (ev->kind != EV_TLBI)
		return;
	if (ev->sub == TLBI_VMALLS12E1IS)
		r->all = true;
	if (ev->sub == TLBI_RIPAS2E1IS)
		s.size *= ev->val;
	else if (ev->sub != TLBI_IPAS2E1IS)
		return;
	g_assert_cmpuint(r->n_tlb, <, MAX_TLB);
	r->tlb[r->n_tlb++] = s;
}

static bool was_invalidated(const struct run *r, u64 ia, u64 size)
{
	for (unsigned int i = 0; i < r->n_tlb; i++) {
		if (r->tlb[i].start < ia + size && ia < r->tlb[i].start + r->tlb[i].size)
			return true;
	}
	return r->all;
}

static void add_entry(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	struct entry e = { level, ia, desc };

	g_array_append_val((GArray *)data, e);
}

static int by_ia(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->ia != y->ia)
		return x->ia < y->ia ? -1 : 1;
	return x->level - y->level;
}

static void collect(struct run *r, GArray *into)
{
	g_array_set_size(into, 0);
	model_for_each_entry(r->g.b, &r->g.pgt->mmu, false, add_entry, into);
	g_array_sort(into, by_ia);
}

/* ---- Invariants ---- */

struct table_check {
	struct run *r;
	unsigned int tables;
};

static void check_table(void *data, int level, u64 ia, pa_t table)
{
	struct table_check *tc = data;
	struct rig *g = &tc->r->g;
	u32 used = 0;

	for (u32 i = 0; i < table_entries(g->f.page_shift); i++) {
		u64 desc = 0;

		g_assert_true(board_peek64(g->b, pa_add(table, i * 8), &desc));
		used += desc != 0;
	}
	g_assert_cmpuint(hyp_pgtable_refcount(g->t, table), ==, 1 + used);
	tc->tables++;
}

static void check_entry(struct run *r, const struct entry *e)
{
	const struct kvm_pgtable *pgt = r->g.pgt;
	u64 granule = kvm_granule_size(pgt, e->level);

	if (pte_table(e->desc, e->level))
		return;
	if (!pte_valid(e->desc)) {
		g_assert_cmpint(e->level, ==, 3);
		g_assert_cmphex(e->desc, !=, r->g.t->v.typed_annotations ? BIT(60) : BIT(10));
		return;
	}
	g_assert_cmpint(e->level, >=, min_block_level(r->geo->f.page_shift));
	g_assert_true(!!(e->desc & PTE_TYPE) == (e->level == 3));
	g_assert_true(IS_ALIGNED(kvm_pte_to_phys(pgt, e->desc), granule));
	g_assert_cmphex(pa_from_pte(&r->geo->f, e->desc).pa, ==, kvm_pte_to_phys(pgt, e->desc));
	if (pgt->flags & S2_IDMAP)
		g_assert_cmphex(kvm_pte_to_phys(pgt, e->desc), ==, e->ia);
	if (r->geo->force_pte)
		g_assert_cmpint(e->level, ==, 3);
}

/* An entry that was valid and is not what it was: the TLBs must have heard of it. */
static void check_tlb(struct run *r)
{
	for (unsigned int i = 0; i < r->before->len; i++) {
		const struct entry *e = &g_array_index(r->before, struct entry, i);
		const struct entry *now =
			r->after->len ? bsearch(e, r->after->data, r->after->len, sizeof(*e), by_ia)
				      : NULL;

		if (!pte_valid(e->desc) || (now && !((now->desc ^ e->desc) & ~PTE_SW)))
			continue;
		g_assert_true(was_invalidated(r, e->ia, kvm_granule_size(r->g.pgt, e->level)));
	}
}

static void check(struct run *r, bool in_place)
{
	struct table_check tc = { .r = r };

	collect(r, r->after);
	for (unsigned int i = 0; i < r->after->len; i++)
		check_entry(r, &g_array_index(r->after, struct entry, i));
	/* tables that the walk finds are all that are in use: none leaks, none is shared */
	model_for_each_table(r->g.b, &r->g.pgt->mmu, check_table, &tc);
	g_assert_cmpuint(tc.tables, ==, hyp_pgtable_used(r->g.t));
	if (!in_place)
		check_tlb(r);
}

/* The library's walk and the MMU's end at the same entry. */
static void check_walk(struct run *r, u64 ia)
{
	struct mmu_result res;
	s8 level;
	u64 pte = rig_leaf(&r->g, ia, &level);

	mmu_walk(&r->g.pgt->mmu, ia, MMU_READ, board_read_desc, r->g.b, &res);
	g_assert_cmphex(res.desc, ==, pte);
	g_assert_cmpint(res.level, ==, level);
}

/* ---- Operations ---- */

/* Addresses that meet: a few neighbourhoods around edges of tables. */
static u64 some_ia(struct run *r, u64 *size)
{
	unsigned int shift = r->geo->f.page_shift;
	u64 block = BIT(level_shift(shift, 2)), big = BIT(level_shift(shift, 1));
	u64 base[] = { 0, big, 2 * big, BIT(r->geo->ia_bits) - 2 * block };
	u64 ia = base[rnd(r, 4)] + (rnd(r, 2) ? block : 0);

	switch (rnd(r, 8)) {
	case 0: /* a block and its edges */
		*size = block;
		return ia;
	case 1:
		*size = 2 * block;
		return ia;
	case 2: /* across the end of a table */
		*size = rnd(r, 6) << shift;
		return ia + block - (rnd(r, 4) << shift);
	case 3:
		if (shift != 12 || r->geo->force_pte) {
			*size = block;
			return ia;
		}
		*size = big;
		return base[rnd(r, 3)];
	default:
		*size = (1 + rnd(r, 4)) << shift;
		return ia + (rnd(r, 8) << shift);
	}
}

static u64 some_prot(struct run *r)
{
	static const u64 prots[] = {
		P_RWX, P_RWX, P_RW, P_R, P_RX, P_RW | P_DEVICE, P_RWX | P_SW0
	};

	return prots[rnd(r, G_N_ELEMENTS(prots))];
}

/* All of [ia, ia + size) translates to the same addresses. */
static void check_mapped(struct run *r, u64 ia, u64 size)
{
	u64 page = BIT(r->geo->f.page_shift);

	for (u64 off = 0; off<size; off += size / page> 16 ? size / 16 : page) {
		struct mmu_result res;

		mmu_walk(&r->g.pgt->mmu, ia + off, MMU_READ, board_read_desc, r->g.b, &res);
		g_assert_true(pte_valid(res.desc) && !pte_table(res.desc, res.level));
		g_assert_cmphex(pa_from_pte(&r->geo->f, res.desc).pa +
					((ia + off) & (kvm_granule_size(r->g.pgt, res.level) - 1)),
				==, ia + off);
	}
}

static void check_unmapped(struct run *r, u64 ia, u64 size, bool annotations_too)
{
	for (unsigned int i = 0; i < r->after->len; i++) {
		const struct entry *e = &g_array_index(r->after, struct entry, i);

		if (pte_table(e->desc, e->level) || e->ia >= ia + size ||
		    e->ia + kvm_granule_size(r->g.pgt, e->level) <= ia)
			continue;
		g_assert_false(pte_valid(e->desc) || annotations_too);
	}
}

static void one_op(struct run *r)
{
	u64 size, ia = some_ia(r, &size);
	u64 end = BIT(r->geo->ia_bits);
	bool eagain_on = r->g.t->v.ignore_eagain_flag;
	s64 ret;

	ia = MIN(ia, end - BIT(r->geo->f.page_shift));
	size = MIN(size, end - ia);
	collect(r, r->before);
	r->n_tlb = 0;
	r->all = false;
	switch (rnd(r, 10)) {
	case 0:
	case 1:
		ret = rig_own(&r->g, ia, MIN(size, UINT64_C(8) << r->geo->f.page_shift));
		check(r, false);
		break;
	case 2:
	case 3:
	case 4:
		ret = rig_unmap(&r->g, ia, size);
		check(r, false);
		if (!ret && size)
			check_unmapped(r, ia, size, r->g.t->v.unmap_annotated == S2_UNMAP_CLEAR);
		else if (ret)
			g_assert_cmpint(r->g.t->v.unmap_annotated, ==, S2_UNMAP_EPERM);
		break;
	case 5:
		ret = rig_op(&r->g,
			     &(struct el2_pgtable_op){ .op = "wrprotect", .ia = ia, .size = size });
		g_assert_cmpint(ret, ==, 0);
		check(r, true);
		break;
	case 6:
		rig_op(&r->g,
		       &(struct el2_pgtable_op){
			       .op = "test_clear_young", .ia = ia, .size = size, .mkold = true });
		check(r, true);
		break;
	default:
		ret = rig_map(&r->g, ia, size, ia, some_prot(r),
			      eagain_on ? WALK_IGNORE_EAGAIN : 0);
		check(r, false);
		if (!ret && size)
			check_mapped(r, ia, size);
		break;
	}
	g_assert_false(r->g.died);
	check_walk(r, ia);
}

static bool always(struct hyp_cpu *c, void *priv, u64 addr, u64 end, u64 prot)
{
	return true;
}

static void run_one(const struct geometry *geo, enum profile_id p, u8 walker)
{
	struct run *r = g_new0(struct run, 1);
	unsigned int pages = 24; /* few, so that some operations fail half-way */

	r->geo = geo;
	r->seed =
		0x9e3779b97f4a7c15 ^ ((u64)p << 40) ^ ((u64)walker << 32) ^ (u64)(geo - geometries);
	r->before = g_array_new(FALSE, FALSE, sizeof(struct entry));
	r->after = g_array_new(FALSE, FALSE, sizeof(struct entry));
	rig_new(&r->g, p, &geo->f, 2, geo->ia_bits, S2_IDMAP | S2_AS_S1,
		pages + s2_pgd_pages(geo->f.page_shift, geo->ia_bits));
	r->g.t->v.unmap_annotated = walker;
	r->g.pgt->force_pte = geo->force_pte ? always : NULL;
	board_subscribe(r->g.b, hear_tlbi, r);

	for (unsigned int i = 0; i < (geo->f.page_shift == 12 ? 48 : 16); i++)
		one_op(r);
	rig_op(&r->g, &(struct el2_pgtable_op){ .op = "destroy" });
	g_assert_false(r->g.died);
	g_assert_cmpuint(hyp_pgtable_used(r->g.t), ==, 0);

	board_unsubscribe(r->g.b, hear_tlbi, r);
	rig_free(&r->g);
	g_array_free(r->before, TRUE);
	g_array_free(r->after, TRUE);
	g_free(r);
}

static void test_random(const void *data)
{
	static const enum profile_id profiles[] = { PROFILE_V6_12, PROFILE_V7_0, PROFILE_V7_2 };
	static const u8 walkers[] = { S2_UNMAP_CLEAR, S2_UNMAP_EPERM, S2_UNMAP_SKIP };

	for (unsigned int p = 0; p < G_N_ELEMENTS(profiles); p++) {
		for (unsigned int w = 0; w < G_N_ELEMENTS(walkers); w++)
			run_one(data, profiles[p], walkers[w]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(geometries); i++) {
		char *path = g_strdup_printf("/pgtable/random/%s", geometries[i].name);

		g_test_add_data_func(path, &geometries[i], test_random);
		g_free(path);
	}
	return g_test_run();
}
