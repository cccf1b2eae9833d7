// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checkers of the oracle: for each what breaks its rule, and what comes near
 * and must not. A real EL2 boots; then the test plays an EL2 that errs, with the
 * board's own instructions. In every case no other rule may be reported.
 */
#include <string.h>

#include "sim/hyp/hyp_private.h"
#include "tests/unit/checker_rig.h"

static struct hyp_cpu *el2_of(struct cpu *cpu)
{
	return cpu->el2;
}

/* Store the word that is there already, changed by @flip. */
static void flip(struct cpu *cpu, u64 at, u64 flip_bits)
{
	u64 val;

	g_assert_true(board_peek64(cpu->board, PA(at), &val));
	mem_store64(cpu, PA(at), val ^ flip_bits, MO_PLAIN);
}

static void take(struct checker_rig *t, unsigned int cpu, const char *name)
{
	spin_lock(t->cpu[cpu], cr_lock(t, name));
}

static void drop(struct checker_rig *t, unsigned int cpu, const char *name)
{
	spin_unlock(t->cpu[cpu], cr_lock(t, name));
}

static void over(struct checker_rig *t)
{
	cr_over(t, ORACLE_END_VALUE, 0);
}

/* ---- lock-order ------------------------------------------------------------------------ */

/* Two locks taken in both orders are a cycle, though the two CPUs never met. */
static void test_order_cycle(void)
{
	struct checker_rig t;

	cr_boot(&t, PROFILE_V7_0);
	cr_begin(&t);
	take(&t, 0, "host_mmu");
	take(&t, 0, "pkvm_pgd_lock");
	drop(&t, 0, "host_mmu"); /* the order of releasing is free */
	drop(&t, 0, "pkvm_pgd_lock");
	over(&t);
	cr_begin(&t);
	take(&t, 1, "pkvm_pgd_lock");
	drop(&t, 1, "pkvm_pgd_lock");
	take(&t, 1, "host_mmu"); /* one after the other is no order */
	drop(&t, 1, "host_mmu");
	over(&t);
	cr_expect(&t, NONE);
	cr_begin(&t);
	take(&t, 1, "pkvm_pgd_lock");
	take(&t, 1, "host_mmu");
	drop(&t, 1, "host_mmu");
	drop(&t, 1, "pkvm_pgd_lock");
	over(&t);
	cr_expect(&t, BIT(RULE_LOCK_ORDER));
	cr_end(&t);
}

/* A cycle may lead through a third lock. */
static void test_order_long_cycle(void)
{
	static const char *const pairs[][2] = { { "vm_table_lock", "fixblock_lock" },
						{ "fixblock_lock", "hyp_s1_pool" },
						{ "hyp_s1_pool", "vm_table_lock" } };
	struct checker_rig t;

	cr_boot(&t, PROFILE_V7_0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(pairs); i++) {
		cr_expect(&t, NONE);
		cr_begin(&t);
		take(&t, i % 2, pairs[i][0]);
		take(&t, i % 2, pairs[i][1]);
		drop(&t, i % 2, pairs[i][1]);
		drop(&t, i % 2, pairs[i][0]);
		over(&t);
	}
	cr_expect(&t, BIT(RULE_LOCK_ORDER));
	cr_end(&t);
}

static s64 lock_twice(struct cpu *cpu, void *lock)
{
	spin_lock(cpu, lock);
	spin_lock(cpu, lock);
	return 0;
}

/* A lock that its holder takes again is a cycle of one. */
static void test_order_self(void)
{
	struct checker_rig t;

	cr_boot(&t, PROFILE_V7_0);
	cr_begin(&t);
	g_assert_cmpint(cpu_call(t.cpu[0], lock_twice, cr_lock(&t, "host_mmu"), NULL), ==,
			CPU_END_HUNG);
	cr_over(&t, ORACLE_END_HANG, 0);
	cr_expect(&t, BIT(RULE_LOCK_ORDER));
	cr_end(&t);
}

/* ---- lock-held --------------------------------------------------------------------------- */

/* Store @flips to the word at @at with @locks (of CPU @holder) held; what it breaks. */
static void store_with(struct checker_rig *t, u64 at, u64 flips, const char *const *locks,
		       unsigned int holder, u32 rules)
{
	cr_begin(t);
	for (unsigned int i = 0; locks[i]; i++)
		take(t, holder, locks[i]);
	flip(t->cpu[0], at, flips);
	for (unsigned int i = 0; locks[i]; i++)
		drop(t, holder, locks[i]);
	over(t);
	cr_expect(t, rules);
	flip(t->cpu[0], at, flips); /* unseen */
}

static const char *const no_lock[] = { NULL };
static const char *const host_lock[] = { "host_mmu", NULL };
static const char *const hyp_lock[] = { "pkvm_pgd_lock", NULL };
static const char *const both_locks[] = { "host_mmu", "pkvm_pgd_lock", NULL };

/* Tables are changed under the lock of whose tables they are, held by who changes them. */
static void test_held_tables(void)
{
	struct checker_rig t;
	u64 at;

	cr_boot(&t, PROFILE_V7_0);
	cr_access(&t, 0, MMU_READ, CR_RAM);
	cr_leaf(&t, false, CR_RAM, &at);
	store_with(&t, at, BIT(55), no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, BIT(55), hyp_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, BIT(55), host_lock, 1, BIT(RULE_LOCK_HELD)); /* another CPU's */
	store_with(&t, at, BIT(55), host_lock, 0, NONE);
	cr_leaf(&t, true, cr_va(&t, oracle_view(t.o)->hyp_mem.base), &at);
	store_with(&t, at, BIT(55), no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, BIT(55), host_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, BIT(55), hyp_lock, 0, NONE);
	cr_end(&t);
}

/* A CPU's fixmap slot is its own: no lock, but only to switch it on and off. */
static void test_held_fixmap(void)
{
	struct checker_rig t;
	struct hyp_cpu *c;
	u64 slot;

	cr_boot(&t, PROFILE_V7_0);
	c = el2_of(t.cpu[0]);
	slot = c->fixmap_ptep.pa;
	store_with(&t, slot, PTE_VALID, no_lock, 0, NONE);
	store_with(&t, slot, BIT(55), no_lock, 0, BIT(RULE_LOCK_HELD));
	cr_end(&t);
}

static u64 hyp_page_of(struct checker_rig *t, u64 pa)
{
	pa_t entry;

	g_assert_true(model_hyp_page(t->b, oracle_view(t->o), PA(pa), &entry));
	return entry.pa;
}

/* Page states: the host's under host_mmu; EL2's shares its byte, so under both. */
static void test_held_states(void)
{
	struct checker_rig t;
	u64 at;

	cr_boot(&t, PROFILE_V7_0);
	at = hyp_page_of(&t, CR_RAM);
	store_with(&t, at, UINT64_C(1) << 24, no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, UINT64_C(1) << 24, host_lock, 0, NONE);
	store_with(&t, at, UINT64_C(1) << 28, hyp_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, UINT64_C(1) << 28, host_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, at, UINT64_C(1) << 28, both_locks, 0, NONE);
	store_with(&t, at, UINT64_C(1) << 32, no_lock, 0, BIT(RULE_LOCK_HELD)); /* sharers */
	store_with(&t, at, UINT64_C(1) << 16, no_lock, 0, NONE); /* order: nobody's */
	cr_end(&t);
}

/* Counts: a pool's page under the pool's lock, pins under both, VMs under their table's. */
static void test_held_counts(void)
{
	static const char *const pool_lock[] = { "host_s2_pool", NULL };
	static const char *const wrong_pool[] = { "hyp_s1_pool", NULL };
	static const char *const vm_lock[] = { "vm_table_lock", NULL };
	struct checker_rig t;
	const struct el2_pool_view *pool;
	u64 pins, table;

	cr_boot(&t, PROFILE_V7_0);
	pool = &oracle_view(t.o)->pools[POOL_HOST_S2];
	pins = hyp_page_of(&t, CR_RAM);
	table = hyp_page_of(&t, oracle_view(t.o)->host_s2.root.pa);
	store_with(&t, pins, 1, no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, pins, 1, host_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, pins, 1, both_locks, 0, NONE);
	store_with(&t, pins, 1, vm_lock, 0, NONE);
	store_with(&t, table, 1, no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, table, 1, wrong_pool, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, table, 1, both_locks, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, table, 1, pool_lock, 0, NONE);
	/* the free lists of the pool */
	store_with(&t, pool->heads.pa, 8, no_lock, 0, BIT(RULE_LOCK_HELD));
	store_with(&t, pool->heads.pa, 8, pool_lock, 0, NONE);
	store_with(&t, pool->heads.pa + UINT64_C(16) * (pool->max_order + 1), 8, no_lock, 0, NONE);
	cr_end(&t);
}

/* ---- refcount, leak ------------------------------------------------------------------------ */

/* A host table page that is in use, by a page of the host's in it. */
static u64 table_of(struct checker_rig *t, u64 ia)
{
	struct mmu_result res;

	g_assert_true(model_walk(t->b, oracle_view(t->o), false, ia, &res));
	return ALIGN_DOWN(res.desc_pa.pa, 4096);
}

/* A table's count follows its entries: neither a count alone may change nor an entry. */
static void test_refcount_table(void)
{
	struct checker_rig t;
	struct hyp_cpu *c;
	u64 table, hole;

	cr_boot(&t, PROFILE_V7_0);
	c = el2_of(t.cpu[0]);
	cr_access(&t, 0, MMU_READ, CR_RAM);
	table = table_of(&t, CR_RAM);
	for (hole = table; cr_peek(&t, hole); hole += 8)
		;

	cr_begin(&t);
	hyp_get_page(c, &c->hyp->host_s2_pool, PA(table));
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_REFCOUNT), ==, table);
	/* it is told once; another action at the same table is not to blame */
	cr_access(&t, 0, MMU_READ, CR_RAM + 0x400000);
	cr_expect(&t, NONE);
	cr_begin(&t);
	hyp_put_page(c, &c->hyp->host_s2_pool, PA(table));
	over(&t);
	cr_expect(&t, NONE);

	/* dropped and taken again in one action: only its end counts */
	cr_begin(&t);
	hyp_get_page(c, &c->hyp->host_s2_pool, PA(table));
	hyp_put_page(c, &c->hyp->host_s2_pool, PA(table));
	over(&t);
	cr_expect(&t, NONE);

	/* an annotation without its reference, and with it */
	cr_begin(&t);
	take(&t, 0, "host_mmu");
	mem_store64(t.cpu[0], PA(hole), 4, MO_PLAIN);
	drop(&t, 0, "host_mmu");
	over(&t);
	cr_expect(&t, BIT(RULE_REFCOUNT));
	cr_begin(&t);
	take(&t, 0, "host_mmu");
	mem_store64(t.cpu[0], PA(hole), 0, MO_PLAIN);
	drop(&t, 0, "host_mmu");
	over(&t);
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* No count goes below 0. */
static void test_refcount_wrap(void)
{
	struct checker_rig t;

	cr_boot(&t, PROFILE_V7_0);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_PUT, .addr = CR_RAM, .val = 0);
	over(&t);
	cr_expect(&t, NONE);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_PUT, .addr = CR_RAM, .val = 0xffff);
	over(&t);
	cr_expect(&t, BIT(RULE_REFCOUNT));
	cr_end(&t);
}

/* What a WARN let through is taken as found. */
static void test_refcount_after_warn(void)
{
	struct checker_rig t;
	struct hyp_cpu *c;

	cr_boot(&t, PROFILE_V7_0);
	c = el2_of(t.cpu[0]);
	cr_begin(&t);
	hyp_get_page(c, &c->hyp->host_s2_pool, oracle_view(t.o)->host_s2.root);
	event_emit(t.cpu[0], .kind = EV_PANIC, .what = "WARN", .fn = "test");
	over(&t);
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* A page taken out of a pool and linked nowhere is lost at the end of the run. */
static void test_leak(void)
{
	struct checker_rig t;
	struct hyp_cpu *c;
	pa_t page;

	cr_boot(&t, PROFILE_V7_0);
	c = el2_of(t.cpu[0]);
	cr_begin(&t);
	page = hyp_alloc_pages(c, &c->hyp->hpool, 0);
	over(&t);
	cr_expect(&t, NONE); /* not before the end */
	/* what a scenario takes is not lost, and hides nothing that is */
	cr_begin_as(&t, ORACLE_PRESSURE);
	g_assert_true(t.m->hyp->pool_drain(t.m->el2, "hyp_s1", 7, NULL));
	over(&t);
	cr_begin_as(&t, ORACLE_PRESSURE);
	g_assert_true(t.m->hyp->pool_refill(t.m->el2, "hyp_s1", 3, NULL));
	over(&t);
	cr_finish(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_LEAK), ==, page.pa);
	cr_begin(&t);
	hyp_put_page(c, &c->hyp->hpool, page);
	over(&t);
	cr_end(&t);
}

/* An empty table that is linked is not lost: the next mapping uses it. */
static void test_leak_empty_table(void)
{
	struct checker_rig t;

	cr_boot_as(&t, &(struct cr_setup){
			       .profile = PROFILE_V7_0,
			       .knob = { { KNOB_MMIO_DONATION, MMIO_DONATION_V5 } },
			       .n_knobs = 1,
		       });
	cr_call(&t, 0, "host_donate_hyp_mmio", 1, CR_UART >> 12);
	cr_call(&t, 0, "hyp_donate_host_mmio", 1, CR_UART >> 12);
	g_assert_cmpuint(cr_peek(&t, hyp_page_of(&t, table_of(&t, CR_UART))) & 0xffff, ==, 1);
	cr_end(&t);
}

/* ---- use-after-free --------------------------------------------------------------------------- */

/* The first free page of a pool: refcount 0. */
static u64 free_page(struct checker_rig *t, enum pool_id id)
{
	const struct el2_pool_view *p = &oracle_view(t->o)->pools[id];

	for (u64 pa = p->base;; pa += 4096)
		if (!model_refcount(t->b, oracle_view(t->o), PA(pa)))
			return pa;
}

/* A free page is the allocator's: it links and clears it under its lock, and nobody else. */
static void test_free_store(void)
{
	static const char *const pool_lock[] = { "hyp_s1_pool", NULL };
	static const char *const other_pool[] = { "host_s2_pool", NULL };
	struct checker_rig t;
	u64 page;

	cr_boot(&t, PROFILE_V7_0);
	page = free_page(&t, POOL_HYP_S1);
	store_with(&t, page, 8, pool_lock, 0, NONE);
	store_with(&t, page + 8, 8, pool_lock, 0, NONE);
	store_with(&t, page + 16, 8, pool_lock, 0, BIT(RULE_USE_AFTER_FREE));
	store_with(&t, page, 8, no_lock, 0, BIT(RULE_USE_AFTER_FREE));
	store_with(&t, page, 8, other_pool, 0, BIT(RULE_USE_AFTER_FREE));
	cr_begin(&t);
	mem_zero(t.cpu[0], PA(page + 64), 64);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, page);
	cr_end(&t);
}

/* No table entry leads into a free page. */
static void test_free_link(void)
{
	struct checker_rig t;
	u64 at, desc;

	cr_boot(&t, PROFILE_V7_0);
	cr_access(&t, 0, MMU_READ, CR_RAM);
	desc = cr_leaf(&t, false, CR_RAM, &at);
	cr_begin(&t);
	take(&t, 0, "host_mmu");
	/* nothing stood there, and reserved bits are no table */
	mem_store64(t.cpu[0], PA(at), free_page(&t, POOL_HOST_S2) | 3, MO_RELEASE);
	mem_store64(t.cpu[0], PA(at), desc, MO_RELEASE);
	cpu_dsb(t.cpu[0], "ish");
	cpu_tlbi(t.cpu[0], &(struct tlbi){ .op = TLBI_VMALLS12E1IS, .level = -1 });
	cpu_dsb(t.cpu[0], "ish");
	drop(&t, 0, "host_mmu");
	over(&t);
	cr_expect(&t, BIT(RULE_USE_AFTER_FREE) | BIT(RULE_BREAK_BEFORE_MAKE));
	cr_end(&t);
}

/* A walk through what this action freed is one through somebody else's page. */
static void test_free_walk(void)
{
	struct checker_rig t;
	struct hyp_cpu *c;
	pa_t page;

	cr_boot(&t, PROFILE_V7_0);
	c = el2_of(t.cpu[0]);
	cr_begin(&t);
	page = hyp_alloc_pages(c, &c->hyp->hpool, 0);
	mem_load64(t.cpu[0], page, MO_PLAIN);
	hyp_put_page(c, &c->hyp->hpool, page);
	g_assert_cmphex(hyp_alloc_pages(c, &c->hyp->hpool, 0).pa, !=, 0);
	over(&t);
	cr_expect(&t, NONE);
	cr_begin(&t);
	page = hyp_alloc_pages(c, &c->hyp->hpool, 0);
	hyp_put_page(c, &c->hyp->hpool, page);
	mem_load64(t.cpu[0], pa_add(page, 0x100), MO_ONCE);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, page.pa);
	t.m->dead = true;
	cr_begin(&t);
	cr_over(&t, ORACLE_END_PANIC, 0); /* the page above is not put back */
	cr_end(&t);
}

/* A page is freed when nothing leads to it, and once; a free page has no users. */
static void test_free_twice(void)
{
	struct checker_rig t;
	u64 free_pa, table;

	cr_boot(&t, PROFILE_V7_0);
	cr_access(&t, 0, MMU_READ, CR_RAM);
	table = table_of(&t, CR_RAM);
	free_pa = free_page(&t, POOL_HYP_S1);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_FREE, .what = "host_s2", .addr = table);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, table);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_ALLOC, .what = "host_s2", .addr = table);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, table);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_PUT, .addr = free_pa, .val = 0xffff);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, free_pa);
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_GET, .addr = free_pa, .val = 1);
	over(&t);
	g_assert_cmphex(cr_page_of(&t, RULE_USE_AFTER_FREE), ==, free_pa);
	/* a pin on a page of the host's begins at 1 */
	cr_begin(&t);
	event_emit(t.cpu[0], .kind = EV_GET, .addr = CR_RAM, .val = 1);
	event_emit(t.cpu[0], .kind = EV_ALLOC, .what = "hyp_s1", .addr = 0);
	over(&t);
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* ---- confidential ---------------------------------------------------------------------------- */

static void donate(struct checker_rig *t, u64 pa)
{
	struct outcome out = cr_call(t, 0, "host_donate_hyp", 2, pa >> 12, UINT64_C(1));

	g_assert_cmpint((s64)out.value, ==, 0);
}

static void give_back(struct checker_rig *t, u64 pa)
{
	struct outcome out = cr_call(t, 0, "hyp_donate_host", 2, pa >> 12, UINT64_C(1));

	g_assert_cmpint((s64)out.value, ==, 0);
}

/* What EL2 wrote in its page goes back to the host only cleared: that it can read it is enough. */
static void test_secret_page(void)
{
	static const enum profile_id profiles[] = { PROFILE_V6_12, PROFILE_V7_0 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(profiles); i++) {
		struct checker_rig t;

		cr_boot(&t, profiles[i]);
		cr_access(&t, 0, MMU_WRITE, CR_RAM + 0x100);
		donate(&t, CR_RAM);
		cr_hyp_write(&t, cr_va(&t, CR_RAM + 0x200), 0x5ec7e7);
		cr_hyp_write(&t, cr_va(&t, CR_RAM + 0x208), 0x5ec7e7);
		cr_hyp_write(&t, cr_va(&t, CR_RAM + 0x210), 0x5ec7e7);
		cr_begin(&t);
		mem_zero(t.cpu[0], PA(CR_RAM + 0x210), 8);
		over(&t);
		cr_expect(&t, NONE);
		give_back(&t, CR_RAM);
		g_assert_cmphex(cr_page_of(&t, RULE_CONFIDENTIAL), ==, CR_RAM);
		/* told once, and not again when it is read */
		cr_access(&t, 1, MMU_READ, CR_RAM + 0x200);
		cr_expect(&t, NONE);
		/* all cleared, but for what the host wrote before it gave the page */
		donate(&t, CR_RAM + 0x1000);
		cr_hyp_write(&t, cr_va(&t, CR_RAM + 0x1210), 0x5ec7e7);
		cr_begin(&t);
		mem_zero(t.cpu[0], PA(CR_RAM + 0x1210), 8);
		over(&t);
		give_back(&t, CR_RAM + 0x1000);
		cr_end(&t);
	}
}

/* What EL2 writes to a page that the host lent it is meant for the host. */
static void test_secret_shared(void)
{
	struct checker_rig t;

	cr_boot(&t, PROFILE_V6_12);
	cr_call(&t, 0, "host_share_hyp", 1, CR_RAM >> 12);
	cr_hyp_write(&t, cr_va(&t, CR_RAM), 0x1234);
	cr_access(&t, 0, MMU_READ, CR_RAM);
	cr_end(&t);
}

static void dma(struct checker_rig *t, bool write, u64 pa)
{
	const struct mmio_window *w = board_window_at(t->b, PA(0x0a000000));

	cr_begin_as(t, ORACLE_DMA);
	machine_dma(t->m, 0, w, write, pa, 8, 0x77);
	over(t);
}

/* EL2's own memory is secret without anybody marking it; what a device wrote there is not. */
static void test_secret_home(void)
{
	struct checker_rig t;
	u64 word;

	cr_boot(&t, PROFILE_V7_0);
	word = oracle_view(t.o)->pools[POOL_HOST_S2].heads.pa;
	g_assert_cmphex(cr_peek(&t, word), !=, 0);
	dma(&t, false, CR_RAM);
	dma(&t, false, oracle_view(t.o)->text.base);
	cr_expect(&t, NONE);
	dma(&t, false, word);
	g_assert_cmphex(cr_page_of(&t, RULE_CONFIDENTIAL), ==, ALIGN_DOWN(word, 4096));
	dma(&t, true, word);
	dma(&t, false, word);
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* ---- range ------------------------------------------------------------------------------------ */

/* A range that has no addresses cannot have been donated; one page by number can. */
static void test_range(void)
{
	const u64 pfn = CR_RAM >> 12, wrap = UINT64_C(1) << 52;
	struct checker_rig t;

	cr_boot(&t, PROFILE_V6_12); /* which does not look */
	g_assert_cmpint((s64)cr_call(&t, 0, "host_donate_hyp", 2, pfn, wrap + 1).value, ==, 0);
	cr_expect(&t, BIT(RULE_RANGE));
	g_assert_cmpint((s64)cr_call(&t, 0, "hyp_donate_host", 2, wrap + pfn, UINT64_C(1)).value,
			==, 0);
	cr_expect(&t, BIT(RULE_RANGE));
	/* nothing is named, and nothing done */
	g_assert_cmpint((s64)cr_call(&t, 0, "host_donate_hyp", 2, wrap + pfn, UINT64_C(0)).value,
			==, 0);
	/* the shift drops what makes it another page: for the check as for the change */
	g_assert_cmpint((s64)cr_call(&t, 0, "host_share_hyp", 1, wrap + pfn).value, ==, 0);
	/* refused: nothing was done */
	g_assert_cmpint((s64)cr_call(&t, 0, "host_donate_hyp", 2, pfn, wrap + 1).value, <, 0);
	cr_expect(&t, NONE);
	cr_end(&t);

	cr_boot(&t, PROFILE_V7_0);
	g_assert_cmpint((s64)cr_call(&t, 0, "host_donate_hyp", 2, pfn, wrap + 1).value, <, 0);
	cr_end(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/locks/cycle", test_order_cycle);
	g_test_add_func("/locks/long-cycle", test_order_long_cycle);
	g_test_add_func("/locks/self", test_order_self);
	g_test_add_func("/locks/tables", test_held_tables);
	g_test_add_func("/locks/fixmap", test_held_fixmap);
	g_test_add_func("/locks/states", test_held_states);
	g_test_add_func("/locks/counts", test_held_counts);
	g_test_add_func("/refcount/table", test_refcount_table);
	g_test_add_func("/refcount/wrap", test_refcount_wrap);
	g_test_add_func("/refcount/after-warn", test_refcount_after_warn);
	g_test_add_func("/leak/page", test_leak);
	g_test_add_func("/leak/empty-table", test_leak_empty_table);
	g_test_add_func("/lifetime/store", test_free_store);
	g_test_add_func("/lifetime/link", test_free_link);
	g_test_add_func("/lifetime/walk", test_free_walk);
	g_test_add_func("/lifetime/twice", test_free_twice);
	g_test_add_func("/confidential/page", test_secret_page);
	g_test_add_func("/confidential/shared", test_secret_shared);
	g_test_add_func("/confidential/home", test_secret_home);
	g_test_add_func("/range/wrap", test_range);
	return g_test_run();
}
