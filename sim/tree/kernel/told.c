// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks, and the functions of the tree that events tell of by name: pools and stage-2 TLB
 * maintenance. ld -r leads the tree's calls of these functions here.
 */
#include "runtime.h"

/* ---- Locks: tickets in EL2's own memory, one CPU at a time --------------------------------- */

void sim_spin_lock(void *lock, unsigned short *owner, unsigned short *next);
void sim_spin_lock(void *lock, unsigned short *owner, unsigned short *next)
{
	bool was = silent;

	if (*owner != *next) {
		events_settle();
		shared->lock = (u64)lock;
		shared->panic.pc = (u32)SIM_FN_PC();
		leave(TREE_HUNG);
	}
	event(TREE_EV_LOCK, 0, (u64)lock, 0, 0, SIM_FN_PC());
	silent = true;
	wrote((u64)next, 2, 0, 0);
	silent = was;
	++*next;
}

void sim_spin_unlock(void *lock, unsigned short *owner, unsigned short *next);
void sim_spin_unlock(void *lock, unsigned short *owner, unsigned short *next)
{
	bool was = silent;

	events_settle();
	if (pool.allocating && lock == pool.lock)
		event(TREE_EV_ALLOC, pool.word, pool.page, pool.order, (u64)lock, SIM_FN_PC());
	silent = true;
	wrote((u64)owner, 2, 0, 0);
	silent = was;
	++*owner;
	event(TREE_EV_UNLOCK, 0, (u64)lock, 0, 0, SIM_FN_PC());
}

/* ---- Functions of the tree that events tell of: ld -r leads calls of them here -------------  */

static unsigned int pool_index(void *p)
{
	unsigned int i;

	for (i = 0; i < TREE_POOLS; i++)
		if (p == glue_pool(i))
			break;
	return i;
}

static unsigned int pool_word(void *p)
{
	static const char *const name[TREE_POOLS + 1] = { "host_s2", "hyp_s1", "pool" };

	return word_of(name[pool_index(p)]);
}

void *hyp_alloc_pages(void *p, unsigned short order);

static bool fails(void *p)
{
	unsigned int i = pool_index(p);
	struct glue_pressure *g = i < TREE_POOLS ? glue_pressure(i) : NULL;
	bool was = silent, fail = false;

	if (!g || silent || !g->fail)
		return false;
	events_settle();
	silent = true;
	wrote((u64)g, 8, 0, 0);
	wrote((u64)g + 24, 8, 0, 0);
	wrote((u64)g + 16, 8, 0, 0);
	silent = was;
	if (g->pass) {
		g->pass--;
	} else {
		g->fail--;
		fail = true;
	}
	return fail;
}

void *__wrap_hyp_alloc_pages(void *p, unsigned short order)
{
	u64 pc = SIM_FN_PC();
	void *page;

	if (fails(p)) {
		event(TREE_EV_LOCK, 0, (u64)glue_pool_lock(p), 0, 0, pc);
		event(TREE_EV_ALLOC, pool_word(p), 0, order, (u64)glue_pool_lock(p), pc);
		event(TREE_EV_UNLOCK, 0, (u64)glue_pool_lock(p), 0, 0, pc);
		return NULL;
	}
	events_settle();
	pool.word = pool_word(p);
	pool.lock = glue_pool_lock(p);
	pool.allocating = true;
	pool.page = 0;
	pool.order = order;
	page = hyp_alloc_pages(p, order);
	events_settle();
	pool.allocating = false;
	pool.word = 0;
	return page;
}

/* What a guest's own pool did not have. */
void sim_memcache_page(void *page);
void sim_memcache_page(void *page)
{
	events_settle();
	pool.page = page ? (u64)page - TREE_VA_OFFSET : 0;
	event(TREE_EV_ALLOC, word_of("memcache"), pool.page, 0, 0, SIM_FN_PC());
}

void hyp_put_page(void *p, void *addr);
void __wrap_hyp_put_page(void *p, void *addr)
{
	events_settle();
	pool.word = pool_word(p);
	pool.lock = glue_pool_lock(p);
	hyp_put_page(p, addr);
	events_settle();
	pool.word = 0;
}

int hyp_pool_init(void *p, u64 pfn, unsigned int pages, unsigned int reserved);
int __wrap_hyp_pool_init(void *p, u64 pfn, unsigned int pages, unsigned int reserved);
int __wrap_hyp_pool_init(void *p, u64 pfn, unsigned int pages, unsigned int reserved)
{
	int ret;

	events_settle();
	pool.word = pool_word(p);
	pool.lock = glue_pool_lock(p);
	pool.making = true;
	ret = hyp_pool_init(p, pfn, pages, reserved);
	events_settle();
	pool.making = false;
	pool.word = 0;
	return ret;
}

void hyp_split_page(void *page);
void __wrap_hyp_split_page(void *page);
void __wrap_hyp_split_page(void *page)
{
	events_settle();
	pool.making = true;
	hyp_split_page(page);
	events_settle();
	pool.making = false;
}

#define TOLD(fn, a, v, params, ...)                                                                \
	void fn params;                                                                            \
	void __wrap_##fn params;                                                                   \
	void __wrap_##fn params                                                                    \
	{                                                                                          \
		event(TREE_EV_CALL, word_of(#fn), a, v, 0, SIM_FN_PC());                           \
		fn(__VA_ARGS__);                                                                   \
		event(TREE_EV_RET, word_of(#fn), a, 0, 0, SIM_FN_PC());                            \
	}
TOLD(__kvm_tlb_flush_vmid_ipa, ipa, (u64)(u32)level, (void *mmu, u64 ipa, int level), mmu, ipa,
     level)
TOLD(__kvm_tlb_flush_vmid_ipa_nsh, ipa, (u64)(u32)level, (void *mmu, u64 ipa, int level), mmu, ipa,
     level)
TOLD(__kvm_tlb_flush_vmid_range, start, pages, (void *mmu, u64 start, unsigned long pages), mmu,
     start, pages)
TOLD(__kvm_tlb_flush_vmid, 0, 0, (void *mmu), mmu)

/* Guests' tables are unmapped without a word. */
int kvm_pgtable_stage2_unmap(void *pgt, u64 addr, u64 size);
int __wrap_kvm_pgtable_stage2_unmap(void *pgt, u64 addr, u64 size);
int __wrap_kvm_pgtable_stage2_unmap(void *pgt, u64 addr, u64 size)
{
	const unsigned int word = word_of("host_stage2_unmap");
	const bool tell = glue_is_host_s2(pgt);
	int ret;

	if (tell)
		event(TREE_EV_CALL, word, addr, size, 0, SIM_FN_PC());
	ret = kvm_pgtable_stage2_unmap(pgt, addr, size);
	if (tell)
		event(TREE_EV_RET, word, addr, (u64)(s64)ret, 0, SIM_FN_PC());
	return ret;
}

/* The boot step of a tree that has one: calls from where the function is not. */
#define DONATES(fn, what)                                                                          \
	int fn(u64 pfn) __attribute__((weak));                                                     \
	int __wrap_##fn(u64 pfn);                                                                  \
	int __wrap_##fn(u64 pfn)                                                                   \
	{                                                                                          \
		int ret;                                                                           \
                                                                                                   \
		event(TREE_EV_CALL, word_of(what), pfn, 0, 0, SIM_FN_PC());                        \
		ret = fn(pfn);                                                                     \
		event(TREE_EV_RET, word_of(what), pfn, (u64)(s64)ret, 0, SIM_FN_PC());             \
		return ret;                                                                        \
	}
DONATES(__pkvm_host_donate_hyp_mmio, "host_donate_hyp_mmio")
DONATES(__pkvm_hyp_donate_host_mmio, "hyp_donate_host_mmio")
