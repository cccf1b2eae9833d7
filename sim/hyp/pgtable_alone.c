// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page-table library on tables of its own: no boot, no ownership, a toy
 * allocator in place of EL2's pools. For recordings of pgtable.c alone and for
 * tests. With el1_build set it is the library as the host kernel builds it.
 *
 * The allocator hands out pages from first_page upwards; what was freed last is
 * taken first. A request for several pages is aligned to its size, from pages
 * that were never used. Counts of references lie in the arena.
 */
#include <string.h>

#include "pgtable_priv.h"

static pa_t page_pa(const struct el2_pgtable *t, u32 page)
{
	return PA(t->first_page + ((u64)page << t->pgt.f->page_shift));
}

static u32 *page_ref(struct el2_pgtable *t, pa_t pa)
{
	u64 page = (pa.pa - t->first_page) >> t->pgt.f->page_shift;

	sim_assert(page < t->limit);
	return &t->refcount[page];
}

/* The first of @n pages, or ~0. */
static u32 take_pages(struct el2_pgtable *t, u32 n)
{
	u64 bytes = (u64)n << t->pgt.f->page_shift;
	u32 skip;

	if (n > t->limit - t->used)
		return ~0u;
	t->used += n;
	if (n == 1 && t->n_free)
		return t->free[--t->n_free];

	skip = (u32)((ALIGN_UP(page_pa(t, t->next).pa, bytes) - page_pa(t, t->next).pa) >>
		     t->pgt.f->page_shift);
	if (skip + n > t->limit - t->next) {
		t->used -= n;
		return ~0u;
	}
	while (skip--)
		t->free[t->n_free++] = t->next++;
	t->next += n;
	return t->next - n;
}

static void give_pages(struct hyp_cpu *c, struct el2_pgtable *t, pa_t pa, u32 n)
{
	u32 first = (u32)((pa.pa - t->first_page) >> t->pgt.f->page_shift);

	event_emit(c->cpu, .kind = EV_FREE, .fn = __func__, .what = "tables", .addr = pa.pa,
		   .val = n);
	t->used -= n;
	while (n--) {
		t->refcount[first + n] = 0;
		t->free[t->n_free++] = first + n;
	}
}

static pa_t alone_zalloc_pages_exact(struct hyp_cpu *c, void *priv, u64 bytes)
{
	struct el2_pgtable *t = priv;
	u32 n = (u32)(bytes >> t->pgt.f->page_shift);
	u32 page = take_pages(t, n);
	pa_t pa = page == ~0u ? PA(0) : page_pa(t, page);

	event_emit(c->cpu, .kind = EV_ALLOC, .fn = __func__, .what = "tables", .addr = pa.pa,
		   .val = n);
	if (!pa.pa)
		return pa;
	for (u32 i = 0; i < n; i++)
		t->refcount[page + i] = 1;
	mem_zero(c->cpu, pa, bytes);
	return pa;
}

static pa_t alone_zalloc_page(struct hyp_cpu *c, void *priv, void *mc)
{
	struct el2_pgtable *t = priv;

	return alone_zalloc_pages_exact(c, priv, pgt_page_size(&t->pgt));
}

static void alone_free_pages_exact(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	struct el2_pgtable *t = priv;

	give_pages(c, t, pa, (u32)(bytes >> t->pgt.f->page_shift));
}

static void alone_get_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	u32 *ref = page_ref(priv, page);

	++*ref;
	event_emit(c->cpu, .kind = EV_GET, .fn = __func__, .addr = page.pa, .val = *ref);
}

static void alone_put_page(struct hyp_cpu *c, void *priv, pa_t page)
{
	u32 *ref = page_ref(priv, page);

	BUG_ON(c, !*ref);
	--*ref;
	event_emit(c->cpu, .kind = EV_PUT, .fn = __func__, .addr = page.pa, .val = *ref);
	if (!*ref)
		give_pages(c, priv, page, 1);
}

static int alone_page_count(struct hyp_cpu *c, void *priv, pa_t page)
{
	return (int)*page_ref(priv, page);
}

static void alone_free_unlinked_table(struct hyp_cpu *c, void *priv, pa_t table, s8 level)
{
	struct el2_pgtable *t = priv;

	event_emit(c->cpu, .kind = EV_CALL, .fn = __func__, .what = "free_unlinked",
		   .addr = table.pa, .val = (u64)level);
	kvm_pgtable_stage2_free_unlinked(c, &t->pgt, table, level);
	event_emit(c->cpu, .kind = EV_RET, .fn = __func__, .what = "free_unlinked",
		   .addr = table.pa);
}

static void alone_dcache_clean_inval_poc(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	cpu_cmo(c->cpu, "dc_civac", pa, VA(0), bytes);
}

static void alone_icache_inval_pou(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	cpu_cmo(c->cpu, "ic_ivau", pa, VA(0), bytes);
}

static unsigned int alone_mc_pages(struct hyp_cpu *c, void *priv, void *mc)
{
	const struct el2_pgtable *t = priv;

	return t->limit - t->used;
}

#define ALONE_MM_OPS                                                                               \
	.name = "tables", .zalloc_page = alone_zalloc_page,                                        \
	.zalloc_pages_exact = alone_zalloc_pages_exact,                                            \
	.free_pages_exact = alone_free_pages_exact,                                                \
	.free_unlinked_table = alone_free_unlinked_table, .get_page = alone_get_page,              \
	.put_page = alone_put_page, .page_count = alone_page_count, .mc_pages = alone_mc_pages

static const struct pgtable_mm_ops alone_mm_ops = { ALONE_MM_OPS };
static const struct pgtable_mm_ops alone_mm_ops_cmo = {
	ALONE_MM_OPS,
	.dcache_clean_inval_poc = alone_dcache_clean_inval_poc,
	.icache_inval_pou = alone_icache_inval_pou,
};

static bool force_pte_unless_rwx(struct hyp_cpu *c, void *priv, u64 addr, u64 end, u64 prot)
{
	return prot != PROT_RWX;
}

static struct hyp_cpu *hyp_cpu_of(struct el2_pgtable *t, struct cpu *cpu)
{
	return &t->cpus[cpu->id];
}

/* *@ret: what init gave, 0 or -errno. Features and granule are the board's. Never NULL. */
struct el2_pgtable *hyp_pgtable_new(struct board *b, const struct el2_pgtable_config *c,
				    struct cpu *cpu, s64 *ret, GError **error)
{
	struct el2_pgtable *t = board_alloc(b, sizeof(*t));

	t->first_page = c->first_page;
	t->limit = c->page_limit;
	t->free = board_alloc(b, c->page_limit * sizeof(*t->free));
	t->refcount = board_alloc(b, c->page_limit * sizeof(*t->refcount));
	t->cpus = board_alloc(b, b->n_cpus * sizeof(*t->cpus));
	for (unsigned int i = 0; i < b->n_cpus; i++)
		t->cpus[i] = (struct hyp_cpu){ .cpu = &b->cpus[i], .el1_build = c->el1_build };

	t->v = pgtable_variant_of(c->profile, S2_UNMAP_CLEAR);
	t->pgt.f = b->f;
	t->pgt.v = &t->v;
	t->pgt.mm_ops = c->cmo_callbacks ? &alone_mm_ops_cmo : &alone_mm_ops;
	t->pgt.priv = t;
	t->pgt.flags = c->flags;
	if (c->force_pte_unless_rwx)
		t->pgt.force_pte = force_pte_unless_rwx;

	*ret = c->stage == 1 ? kvm_pgtable_hyp_init(hyp_cpu_of(t, cpu), &t->pgt, c->ia_bits)
			     : kvm_pgtable_stage2_init(hyp_cpu_of(t, cpu), &t->pgt, c->ia_bits);
	return t;
}

/* Recordings: 1 X, 2 W, 4 R, 8 DEVICE, 16 NORMAL_NC, 32 PX, 64 UX; SW bits as they are. */
static u64 prot_of_op(u64 p)
{
	static const u64 bit[] = { PROT_X,	   PROT_W,  PROT_R, PROT_DEVICE,
				   PROT_NORMAL_NC, PROT_PX, PROT_UX };
	u64 prot = p & PROT_SW;

	for (unsigned int i = 0; i < G_N_ELEMENTS(bit); i++)
		prot |= p & BIT(i) ? bit[i] : 0;
	return prot;
}

typedef s64 (*pgtable_op_fn)(struct hyp_cpu *c, struct el2_pgtable *t,
			     const struct el2_pgtable_op *op, struct el2_pgtable_result *res);

static s64 op_map(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		  struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_map(c, &t->pgt, op->ia, op->size, op->pa, prot_of_op(op->prot), t,
				      op->walk_flags);
}

static s64 op_unmap(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		    struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_unmap(c, &t->pgt, op->ia, op->size);
}

static s64 op_set_owner(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
			struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_set_owner(c, &t->pgt, op->ia, op->size, t, (u8)op->owner);
}

static s64 op_annotate(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		       struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_annotate(c, &t->pgt, op->ia, op->size, t, op->type,
					   op->annotation);
}

static s64 op_wrprotect(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
			struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_wrprotect(c, &t->pgt, op->ia, op->size);
}

static s64 op_relax_perms(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
			  struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_relax_perms(c, &t->pgt, op->ia, prot_of_op(op->prot),
					      op->walk_flags);
}

static s64 op_mkyoung(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		      struct el2_pgtable_result *res)
{
	res->pte = kvm_pgtable_stage2_mkyoung(c, &t->pgt, op->ia, op->walk_flags);
	return 0;
}

static s64 op_test_clear_young(struct hyp_cpu *c, struct el2_pgtable *t,
			       const struct el2_pgtable_op *op, struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_test_clear_young(c, &t->pgt, op->ia, op->size, op->mkold);
}

static s64 op_get_leaf(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		       struct el2_pgtable_result *res)
{
	return kvm_pgtable_get_leaf(c, &t->pgt, op->ia, &res->pte, &res->level);
}

static s64 op_flush(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		    struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_flush(c, &t->pgt, op->ia, op->size);
}

static s64 op_split(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		    struct el2_pgtable_result *res)
{
	return kvm_pgtable_stage2_split(c, &t->pgt, op->ia, op->size, t);
}

static s64 op_hyp_map(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		      struct el2_pgtable_result *res)
{
	return kvm_pgtable_hyp_map(c, &t->pgt, VA(op->ia), op->size, PA(op->pa),
				   prot_of_op(op->prot));
}

static s64 op_hyp_unmap(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
			struct el2_pgtable_result *res)
{
	return (s64)kvm_pgtable_hyp_unmap(c, &t->pgt, VA(op->ia), op->size);
}

static s64 op_destroy(struct hyp_cpu *c, struct el2_pgtable *t, const struct el2_pgtable_op *op,
		      struct el2_pgtable_result *res)
{
	if (t->pgt.mmu.stage == 1)
		kvm_pgtable_hyp_destroy(c, &t->pgt);
	else
		kvm_pgtable_stage2_destroy(c, &t->pgt);
	return 0;
}

static const struct {
	const char *name;
	pgtable_op_fn fn;
} alone_ops[] = {
	{ "map", op_map },
	{ "unmap", op_unmap },
	{ "set_owner", op_set_owner },
	{ "annotate", op_annotate },
	{ "wrprotect", op_wrprotect },
	{ "relax_perms", op_relax_perms },
	{ "mkyoung", op_mkyoung },
	{ "test_clear_young", op_test_clear_young },
	{ "get_leaf", op_get_leaf },
	{ "flush", op_flush },
	{ "split", op_split },
	{ "hyp_map", op_hyp_map },
	{ "hyp_unmap", op_hyp_unmap },
	{ "destroy", op_destroy },
};

/* The caller knows which operations a stage and a release have. */
void hyp_pgtable_op(struct el2_pgtable *t, struct cpu *cpu, const struct el2_pgtable_op *op,
		    struct el2_pgtable_result *res)
{
	unsigned int i = 0;

	memset(res, 0, sizeof(*res));
	while (i < G_N_ELEMENTS(alone_ops) && strcmp(alone_ops[i].name, op->op))
		i++;
	sim_assert(i < G_N_ELEMENTS(alone_ops));
	res->ret = alone_ops[i].fn(hyp_cpu_of(t, cpu), t, op, res);
}

struct mmu_table hyp_pgtable_view(struct el2_pgtable *t)
{
	return t->pgt.mmu;
}

u32 hyp_pgtable_refcount(struct el2_pgtable *t, pa_t page)
{
	return *page_ref(t, page);
}

u32 hyp_pgtable_used(struct el2_pgtable *t)
{
	return t->used;
}

/* All of it lies in the board's arena. */
void hyp_pgtable_free(struct el2_pgtable *t)
{
}
