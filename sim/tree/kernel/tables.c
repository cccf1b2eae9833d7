// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages for the tree's page-table library by itself: those of the board from the first on,
 * what was freed last is taken first, several are aligned to their size. TLB maintenance of
 * the second stage ends here; the host kernel would ask EL2 for it.
 */
#include <errno.h>
#include <stddef.h>

#include "runtime.h"

long el1_tables_op(struct tree_tables *t);
long el2_tables_op(struct tree_tables *t);
void el1_tables_view(struct tree_table *v);
void el2_tables_view(struct tree_table *v);
void *sim_memset(void *p, int c, size_t n);

void el2_tables_cpu(struct tree_tables *t);

/* ---- Pages --------------------------------------------------------------------------------- */

static u32 unused[TREE_MAX_TABLE_PAGES], n_unused, next;

static u32 number_of(const void *va)
{
	u64 n = ((u64)va - TREE_VA_OFFSET - shared->tables.first_page) >> shared->page_shift;

	if (n >= shared->tables.page_limit)
		panic("BUG", "a page that is no table's", __FILE__, __LINE__, SIM_FN_PC(), (u64)va);
	return (u32)n;
}

static u64 pa_of(u32 page)
{
	return shared->tables.first_page + ((u64)page << shared->page_shift);
}

/* The first of @n, or the limit. */
static u32 take(u32 n)
{
	struct tree_tables *t = &shared->tables;
	u32 skip, first = (u32)(t->first_page >> shared->page_shift) + next;

	if (n > t->page_limit - t->used)
		return t->page_limit;
	if (n == 1 && n_unused) {
		t->used++;
		return unused[--n_unused];
	}
	skip = (n - first % n) % n;
	if (skip + n > t->page_limit - next)
		return t->page_limit;
	t->used += n;
	while (skip--)
		unused[n_unused++] = next++;
	next += n;
	return next - n;
}

void *tables_pages(size_t bytes);
void *tables_pages(size_t bytes)
{
	u32 n = (u32)(bytes >> shared->page_shift), page = take(n);
	u64 pa = page == shared->tables.page_limit ? 0 : pa_of(page);

	event(TREE_EV_ALLOC, word_of("tables"), pa, n, 0, SIM_FN_PC());
	if (!pa)
		return NULL;
	for (u32 i = 0; i < n; i++)
		shared->tables.count[page + i] = 1;
	return sim_memset((void *)(pa + TREE_VA_OFFSET), 0, bytes);
}

void *tables_page(void *mc);
void *tables_page(void *mc)
{
	return tables_pages((size_t)1 << shared->page_shift);
}

void tables_free(void *va, size_t bytes);
void tables_free(void *va, size_t bytes)
{
	u32 n = (u32)(bytes >> shared->page_shift), first = number_of(va);

	event(TREE_EV_FREE, word_of("tables"), pa_of(first), n, 0, SIM_FN_PC());
	shared->tables.used -= n;
	while (n--) {
		shared->tables.count[first + n] = 0;
		unused[n_unused++] = first + n;
	}
}

void tables_get(void *va);
void tables_get(void *va)
{
	u32 page = number_of(va);

	event(TREE_EV_GET, 0, pa_of(page), ++shared->tables.count[page], 0, SIM_FN_PC());
}

void tables_put(void *va);
void tables_put(void *va)
{
	u32 page = number_of(va);

	if (!shared->tables.count[page])
		panic("BUG", "a reference too few", __FILE__, __LINE__, SIM_FN_PC(), 0);
	event(TREE_EV_PUT, 0, pa_of(page), --shared->tables.count[page], 0, SIM_FN_PC());
	if (!shared->tables.count[page])
		tables_free((void *)(pa_of(page) + TREE_VA_OFFSET),
			    (size_t)1 << shared->page_shift);
}

int tables_count(void *va);
int tables_count(void *va)
{
	return (int)shared->tables.count[number_of(va)];
}

/* ---- Told of by name ----------------------------------------------------------------------- */

void tables_unlinked(void *va, signed char level, bool done);
void tables_unlinked(void *va, signed char level, bool done)
{
	event(done ? TREE_EV_RET : TREE_EV_CALL, word_of("free_unlinked"), (u64)va - TREE_VA_OFFSET,
	      done ? 0 : (u64)level, 0, SIM_FN_PC());
}

static void cmo(const char *op, void *va, size_t bytes)
{
	event(TREE_EV_CMO, word_of(op), (u64)va - TREE_VA_OFFSET, bytes, 0, SIM_FN_PC());
}

void tables_clean(void *va, size_t bytes);
void tables_clean(void *va, size_t bytes)
{
	cmo("dc_civac", va, bytes);
}

void tables_invalidate(void *va, size_t bytes);
void tables_invalidate(void *va, size_t bytes)
{
	cmo("ic_ivau", va, bytes);
}

#define ASKED(name, word, a, v, ...)                                                               \
	void tables_##name(__VA_ARGS__);                                                           \
	void tables_##name(__VA_ARGS__)                                                            \
	{                                                                                          \
		event(TREE_EV_CALL, word_of(word), a, v, 0, SIM_FN_PC());                          \
		event(TREE_EV_RET, word_of(word), a, 0, 0, SIM_FN_PC());                           \
	}
ASKED(flush_ipa, "__kvm_tlb_flush_vmid_ipa", ipa, (u64)(u32)level, void *mmu, u64 ipa, int level)
ASKED(flush_ipa_nsh, "__kvm_tlb_flush_vmid_ipa_nsh", ipa, (u64)(u32)level, void *mmu, u64 ipa,
      int level)
ASKED(flush_range, "__kvm_tlb_flush_vmid_range", start, pages, void *mmu, u64 start,
      unsigned long pages)
ASKED(flush_all, "__kvm_tlb_flush_vmid", 0, 0, void *mmu)

/* ---- One call ------------------------------------------------------------------------------ */

void tables(void)
{
	struct tree_tables *t = &shared->tables;

	if (t->op == TREE_TABLES_new) {
		cpu_alone();
		glue_setup(shared);
		el2_tables_cpu(t);
	}
	if (t->stage == 2)
		shared->ret = el1_tables_op(t);
	else
		shared->ret = el2_tables_op(t);
}

void tables_view(void)
{
	if (shared->tables.stage == 2)
		el1_tables_view(&shared->view.s2);
	else
		el2_tables_view(&shared->view.s1);
}
