// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's pools: the shape of the free lists, order of hand-outs, merging, what is a
 * BUG, what broken lists do, pressure by a scenario; and what a panic records.
 */
#include <string.h>

#include "model/model.h"
#include "tests/unit/hyp_machine.h"

static void booted(struct hyp_machine *m, const char *release)
{
	hm_config(m, "tiny", el2_profile_find(release));
	hm_start(m);
	g_assert_cmpint(hm_boot(m), ==, 0);
}

struct op {
	struct hyp_pool *pool;
	pa_t page;
	u64 n;
};

static s64 do_alloc(struct hyp_cpu *c, void *arg)
{
	struct op *op = arg;

	op->page = hyp_alloc_pages(c, op->pool, (unsigned int)op->n);
	return 0;
}

static s64 do_put(struct hyp_cpu *c, void *arg)
{
	struct op *op = arg;

	hyp_put_page(c, op->pool, op->page);
	return 0;
}

static s64 do_split(struct hyp_cpu *c, void *arg)
{
	struct op *op = arg;

	hyp_split_page(c, op->pool, op->page);
	return 0;
}

static bool run(struct hyp_machine *m, s64 (*fn)(struct hyp_cpu *, void *), struct op *op)
{
	s64 ret;

	return hm_run(m, fn, op, &ret);
}

static u64 take(struct hyp_machine *m, struct hyp_pool *pool, unsigned int order)
{
	struct op op = { .pool = pool, .n = order };

	g_assert_true(run(m, do_alloc, &op));
	return op.page.pa;
}

static bool put(struct hyp_machine *m, struct hyp_pool *pool, u64 page)
{
	return run(m, do_put, &(struct op){ pool, PA(page), 0 });
}

static u64 free_pages(struct hyp_machine *m, const struct hyp_pool *pool)
{
	return hyp_pool_free_pages(&m->hyp->cpus[0], pool);
}

/* All lists of @pool as text: "0: 41032 41033\n1: ...". */
static char *lists(struct hyp_machine *m, const struct hyp_pool *pool)
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i <= pool->max_order; i++) {
		u64 head = hyp_va_of(m->hyp, pool->heads).va + 16 * i, va = head, prev;

		g_string_append_printf(s, "%u:", i);
		for (;;) {
			prev = va;
			va = hm_peek(m, hyp_pa_of(m->hyp, VA(va)).pa);
			g_assert_cmphex(hm_peek(m, hyp_pa_of(m->hyp, VA(va)).pa + 8), ==, prev);
			if (va == head)
				break;
			g_string_append_printf(s, " %" G_GINT64_MODIFIER "x",
					       hyp_pa_of(m->hyp, VA(va)).pa >> 12);
		}
		g_string_append_c(s, '\n');
	}
	return g_string_free(s, FALSE);
}

/* ---- Shape -------------------------------------------------------------------------------- */

static s64 init_reserved(struct hyp_cpu *c, void *arg)
{
	struct op *op = arg;
	u64 pages = (op->pool->range_end - op->pool->range_start) >> 12;

	for (u64 i = 0; i < pages; i++) {
		pa_t at = hyp_phys_to_page(c, PA(op->pool->range_start + (i << 12)));

		mem_zero(c->cpu, at, c->hyp->layout.hyp_page_size);
	}
	return hyp_pool_init(c, op->pool, op->pool->range_start >> 12, pages, op->n);
}

/* A pool that is made at once looks as one whose pages were put one after the other. */
static void check_init(struct hyp_machine *m, struct hyp_pool *pool, u64 reserved)
{
	u64 pages = (pool->range_end - pool->range_start) >> 12;
	char *at_once, *one_by_one;
	struct op op = { .pool = pool, .n = reserved };

	g_assert_true(run(m, init_reserved, &op));
	at_once = lists(m, pool);
	g_assert_cmpuint(free_pages(m, pool), ==, pages - reserved);
	op.n = pages;
	g_assert_true(run(m, init_reserved, &op));
	for (u64 i = reserved; i < pages; i++)
		g_assert_true(put(m, pool, pool->range_start + (i << 12)));
	one_by_one = lists(m, pool);
	g_assert_cmpstr(at_once, ==, one_by_one);
	g_free(at_once);
	g_free(one_by_one);
}

static void test_init(void)
{
	static const u64 reserved[] = { 0, 1, 16, 17, 100 };
	static const char *const release[] = { "v6.12", "v7.0" };

	for (unsigned int k = 0; k < G_N_ELEMENTS(release); k++)
		for (unsigned int i = 0; i < G_N_ELEMENTS(reserved); i++) {
			struct hyp_machine m;

			booted(&m, release[k]);
			check_init(&m, &m.hyp->hpool, reserved[i]);
			check_init(&m, &m.hyp->host_s2_pool, reserved[i]);
			hm_free(&m);
		}
}

/* First in, first out; upper halves go to the tail; all comes back together. */
static void test_split_and_merge(void)
{
	struct hyp_machine m;
	struct hyp_pool *pool;
	char *before, *after;
	u64 page[64], block;

	booted(&m, "v7.0");
	pool = &m.hyp->hpool;
	before = lists(&m, pool);

	block = take(&m, pool, 5);
	g_assert_cmphex(block & 0x1ffff, ==, 0);
	g_assert_true(run(&m, do_split, &(struct op){ pool, PA(block), 0 }));
	for (unsigned int i = 0; i < 32; i++) {
		g_assert_cmpuint(
			model_refcount(m.b, pkvm_hypervisor.view(m.e), PA(block + (i << 12))), ==,
			1);
		g_assert_true(put(&m, pool, block + (i << 12)));
	}
	after = lists(&m, pool);
	g_assert_cmpuint(strlen(after), ==, strlen(before));
	g_free(after);

	/* what was handed out is zero, though a list went through it */
	for (unsigned int i = 0; i < 64; i++) {
		page[i] = take(&m, pool, 0);
		g_assert_cmphex(page[i], !=, 0);
		for (unsigned int off = 0; off < 4096; off += 8)
			g_assert_cmphex(hm_peek(&m, page[i] + off), ==, 0);
	}
	for (unsigned int i = 64; i--;)
		g_assert_true(put(&m, pool, page[i]));
	after = lists(&m, pool);
	g_assert_cmpuint(strlen(after), ==, strlen(before));
	g_free(before);
	g_free(after);
	hm_free(&m);
}

static void test_empty(void)
{
	struct hyp_machine m;
	struct hyp_pool *pool;
	u64 n = 0, last = 0, page;

	booted(&m, "v6.12");
	pool = &m.hyp->host_s2_pool;
	for (u64 expected = free_pages(&m, pool); n < expected; n++)
		last = take(&m, pool, 0);
	page = take(&m, pool, 0);
	g_assert_cmphex(page, ==, 0);
	g_assert_cmpuint(free_pages(&m, pool), ==, 0);
	g_assert_true(put(&m, pool, last));
	/* one page is no block of two */
	page = take(&m, pool, 1);
	g_assert_cmphex(page, ==, 0);
	page = take(&m, pool, 0);
	g_assert_cmphex(page, ==, last);
	hm_free(&m);
}

/* ---- Ends -------------------------------------------------------------------------------------- */

static void check_panic(struct hyp_machine *m, const char *reason, const char *fn,
			const char *caller, const char *lock)
{
	const struct el2_panic *p = pkvm_hypervisor.panic(m->e);

	g_assert_true(p->happened);
	g_assert_cmpstr(p->reason, ==, reason);
	g_assert_cmpstr(p->fn, ==, fn);
	g_assert_cmpuint(p->n_chain, ==, 2);
	g_assert_cmpstr(p->chain[0], ==, fn);
	g_assert_cmpstr(p->chain[1], ==, caller);
	g_assert_cmpuint(p->n_locks, ==, 1);
	g_assert_cmpstr(p->locks[0], ==, lock);
	g_assert_cmpuint(p->lock_cpu[0], ==, 0);
	/* as the recorder of the recordings did, to go on */
	pkvm_hypervisor.recover(m->e);
	g_assert_false(pkvm_hypervisor.panic(m->e)->happened);
	for (const struct spinlock *l = m->b->locks; l; l = l->next)
		g_assert_false(spin_is_locked(l));
}

static void test_bug(void)
{
	struct hyp_machine m;
	struct hyp_pool *pool;
	const struct el2_panic *p;
	u64 page;

	booted(&m, "v7.0");
	pool = &m.hyp->hpool;
	p = pkvm_hypervisor.panic(m.e);
	page = take(&m, pool, 0);
	g_assert_true(put(&m, pool, page));
	g_assert_false(put(&m, pool, page));
	g_assert_cmphex(p->esr, ==, 0xf2000800);
	g_assert_cmpstr(p->what, ==, "!count");
	check_panic(&m, "BUG", "hyp_page_ref_dec", "hyp_put_page", "hyp_s1_pool");

	/* no struct hyp_page for what is not memory */
	g_assert_false(put(&m, pool, 0x9000000));
	g_assert_cmphex(p->far, ==, 0x600000048000);
	g_assert_cmphex(p->esr & ~UINT64_C(3), ==, 0x96000004);
	check_panic(&m, "EL2 data abort", "hyp_phys_to_page", "hyp_put_page", "hyp_s1_pool");
	hm_free(&m);
}

/* With the debug configuration the host may look at EL2's memory after a panic. */
static void test_debug_panic(void)
{
	for (u8 debug = EL2_DEBUG_OFF; debug <= EL2_DEBUG_ON; debug++) {
		struct hyp_machine m;

		hm_config(&m, "tiny", el2_profile_find("v7.0"));
		m.ec->knob[KNOB_EL2_DEBUG] = debug;
		hm_start(&m);
		g_assert_cmpint(hm_boot(&m), ==, 0);
		g_assert_false(put(&m, &m.hyp->hpool, 0));
		g_assert_cmpint(m.b->cpus[0].host_s2_on, ==, debug == EL2_DEBUG_OFF);
		g_assert_true(m.b->cpus[1].host_s2_on);
		hm_free(&m);
	}
}

static s64 count_up(struct hyp_cpu *c, void *arg)
{
	struct op *op = arg;

	while (op->n--)
		hyp_get_page(c, op->pool, op->page);
	return 0;
}

static void test_saturation(void)
{
	struct hyp_machine m;
	struct op op;

	booted(&m, "v6.12");
	op.pool = &m.hyp->hpool;
	op.page = PA(take(&m, op.pool, 0));
	op.n = 65534;
	g_assert_true(run(&m, count_up, &op));
	op.n = 1;
	g_assert_false(run(&m, count_up, &op));
	check_panic(&m, "BUG", "hyp_page_ref_inc", "hyp_get_page", "hyp_s1_pool");
	hm_free(&m);
}

struct poke {
	u64 pa, val;
};

static s64 do_poke(struct hyp_cpu *c, void *arg)
{
	const struct poke *p = arg;

	mem_store64(c->cpu, PA(p->pa), p->val, MO_PLAIN);
	return 0;
}

/* Who can write EL2's memory (a bus master, once protection is gone) breaks its lists. */
static void test_broken_lists(void)
{
	static const u64 link[] = { 0, 1, 0x100000000000, 0x100009000000, ~UINT64_C(7) };
	static const u64 entry[] = { 0x000a0000, 0x00fe0000, 0xffffffffffffffff };

	for (unsigned int i = 0; i < G_N_ELEMENTS(link) + G_N_ELEMENTS(entry); i++) {
		struct hyp_machine m;
		struct op op = { 0 };
		struct poke p;
		pa_t at;
		s64 ret;

		booted(&m, "v7.0");
		op.pool = &m.hyp->hpool;
		if (i < G_N_ELEMENTS(link)) {
			p = (struct poke){ op.pool->heads.pa, link[i] };
		} else {
			/* an allocated page whose entry says nonsense comes back */
			op.page = PA(take(&m, op.pool, 0));
			g_assert_true(model_hyp_page(m.b, pkvm_hypervisor.view(m.e), op.page, &at));
			p = (struct poke){ at.pa, entry[i - G_N_ELEMENTS(link)] | 1 };
		}
		g_assert_true(hm_run(&m, do_poke, &p, &ret));
		g_assert_cmpuint(free_pages(&m, op.pool), <, 1 << 20);
		if (op.page.pa)
			run(&m, do_put, &op);
		else
			run(&m, do_alloc, &op);
		hm_free(&m);
	}
}

/* ---- Pressure ------------------------------------------------------------------------------------ */

static void count_event(void *data, const struct event *ev)
{
	++*(unsigned int *)data;
}

static void test_drain(void)
{
	struct hyp_machine m;
	struct hyp_pool *pool;
	unsigned int events = 0;
	u64 all, page;

	booted(&m, "v7.0");
	pool = &m.hyp->host_s2_pool;
	all = free_pages(&m, pool);
	board_subscribe(m.b, count_event, &events);

	g_assert_true(pkvm_hypervisor.pool_drain(m.e, "host_s2", 5, NULL));
	g_assert_cmpuint(free_pages(&m, pool), ==, 5);
	/* leaving more than there is takes nothing */
	g_assert_true(pkvm_hypervisor.pool_drain(m.e, "host_s2", 9, NULL));
	g_assert_cmpuint(free_pages(&m, pool), ==, 5);
	/* last taken first */
	page = pool->held.pa;
	g_assert_true(pkvm_hypervisor.pool_refill(m.e, "host_s2", 1, NULL));
	g_assert_cmpuint(free_pages(&m, pool), ==, 6);
	g_assert_cmpuint(model_refcount(m.b, pkvm_hypervisor.view(m.e), PA(page)), ==, 0);
	g_assert_true(pkvm_hypervisor.pool_refill(m.e, "host_s2", ~UINT64_C(0), NULL));
	g_assert_cmpuint(free_pages(&m, pool), ==, all);
	g_assert_true(pkvm_hypervisor.pool_refill(m.e, "host_s2", 3, NULL));
	g_assert_cmpuint(free_pages(&m, pool), ==, all);

	g_assert_cmpuint(events, ==, 0);
	g_assert_true(m.b->watched);
	board_unsubscribe(m.b, count_event, &events);
	hm_free(&m);
}

static void test_fail_alloc(void)
{
	static const bool given[] = { true, true, false, false, true };
	struct hyp_machine m;
	u64 all;

	booted(&m, "v7.0");
	all = free_pages(&m, &m.hyp->hpool);
	g_assert_true(pkvm_hypervisor.fail_alloc(m.e, "hyp_s1", 9, 1, NULL));
	/* a second one replaces the first; pressure passes it by */
	g_assert_true(pkvm_hypervisor.fail_alloc(m.e, "hyp_s1", 3, 2, NULL));
	g_assert_true(pkvm_hypervisor.pool_drain(m.e, "hyp_s1", all - 8, NULL));
	g_assert_cmpuint(free_pages(&m, &m.hyp->hpool), ==, all - 8);
	for (unsigned int i = 0; i < G_N_ELEMENTS(given); i++)
		g_assert_cmpint(take(&m, &m.hyp->hpool, 0) != 0, ==, given[i]);
	/* the other pool is not meant */
	g_assert_cmphex(take(&m, &m.hyp->host_s2_pool, 0), !=, 0);
	hm_free(&m);
}

static void test_no_such_pool(void)
{
	struct hyp_machine m;
	GError *error = NULL;

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	hm_start(&m);
	g_assert_false(pkvm_hypervisor.pool_drain(m.e, "host_s3", 0, &error));
	g_assert_error(error, HYP_ERROR, 0);
	g_clear_error(&error);
	g_assert_false(pkvm_hypervisor.fail_alloc(m.e, "", 1, 1, &error));
	g_clear_error(&error);
	/* before boot there is nothing to take */
	g_assert_false(pkvm_hypervisor.pool_drain(m.e, "host_s2", 0, &error));
	g_assert_nonnull(strstr(error->message, "not there yet"));
	g_clear_error(&error);
	hm_free(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pool/init", test_init);
	g_test_add_func("/pool/split-and-merge", test_split_and_merge);
	g_test_add_func("/pool/empty", test_empty);
	g_test_add_func("/pool/bug", test_bug);
	g_test_add_func("/pool/debug-panic", test_debug_panic);
	g_test_add_func("/pool/saturation", test_saturation);
	g_test_add_func("/pool/broken-lists", test_broken_lists);
	g_test_add_func("/pool/drain", test_drain);
	g_test_add_func("/pool/fail-alloc", test_fail_alloc);
	g_test_add_func("/pool/no-such-pool", test_no_such_pool);
	return g_test_run();
}
