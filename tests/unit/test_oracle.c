// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The oracle beside a machine: right calls are silent, wrong ones are told, each
 * once and by its rule. What no call of EL2 does is written into its tables by hand.
 * Every action runs under CHECK_PARANOID, which compares the fold with a full
 * reading and does not return if they differ.
 */
#include <errno.h>

#include "model/oracle.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

#define PAGE UINT64_C(4096)
#define FREE UINT64_C(0x60000000) /* memory of the host, far from EL2's */

struct fixture {
	struct machine *m;
	struct oracle *o;
	const struct el2_view *v;
};

static void freshen(struct fixture *x)
{
	x->v = x->m->hyp->view(x->m->el2);
}

/*
 * Breaches of the last action of the rules that compare states. What is written by
 * hand breaks others too: it holds no lock and counts nothing.
 */
static unsigned int said(struct fixture *x)
{
	unsigned int n, states = 0;
	const struct violation *v = oracle_violations(x->o, &n);

	for (unsigned int i = 0; i < n; i++)
		states += v[i].rule <= RULE_OWNER_PROGRESS;
	return states;
}

static const struct violation *first_of(struct fixture *x, enum rule_id rule)
{
	unsigned int n;
	const struct violation *v = oracle_violations(x->o, &n);

	for (unsigned int i = 0; i < n; i++)
		if (v[i].rule == rule)
			return &v[i];
	return NULL;
}

/* Of those rules exactly this one was broken, at @page unless it is 0. */
static void assert_rule(struct fixture *x, enum rule_id rule, u64 page)
{
	const struct violation *v = first_of(x, rule);

	g_assert_nonnull(v);
	g_assert_cmpuint(said(x), ==, 1);
	if (page)
		g_assert_cmphex(v->page, ==, page);
}

static void begin(struct fixture *x, const struct oracle_action *a)
{
	freshen(x);
	oracle_begin(x->o, a);
}

static void end(struct fixture *x, enum oracle_end_kind kind, s64 value)
{
	freshen(x);
	oracle_end(x->o, kind, value);
}

static void make(struct fixture *x, const char *board, const struct profile *p, u8 mmio)
{
	struct board_config *bc = board_config_machine(board);
	struct el2_config *ec = el2_config_new(p);
	struct outcome o;

	ec->knob[KNOB_MMIO_DONATION] = mmio;
	x->m = machine_new(bc, ec, &pkvm_hypervisor, NULL);
	g_assert_nonnull(x->m);
	board_config_free(bc);
	el2_config_free(ec);
	freshen(x);
	x->o = oracle_new(x->m->board, x->v, x->m->config, CHECK_PARANOID);
	g_assert_nonnull(x->o);
	begin(x, &(struct oracle_action){ .kind = ORACLE_BOOT });
	o = machine_boot(x->m);
	end(x, ORACLE_END_VALUE, (s64)o.value);
	g_assert_cmpint((s64)o.value, ==, 0);
	g_assert_cmpuint(said(x), ==, 0);
}

static void drop(struct fixture *x)
{
	oracle_free(x->o);
	machine_free(x->m);
}

static s64 call(struct fixture *x, const char *name, u64 a, u64 b)
{
	bool ambiguous;
	const struct el2_call *c = el2_call_find(x->m->hyp->calls(x->m->el2), name, &ambiguous);
	struct oracle_action act = {
		.kind = ORACLE_CALL, .call = c, .args = { a, b }, .n_args = c->n_args
	};
	struct outcome o;

	begin(x, &act);
	o = (c->hypercall ? machine_hvc_call : machine_el2_call)(x->m, 0, c, act.args, act.n_args);
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	end(x, ORACLE_END_VALUE, (s64)o.value);
	return (s64)o.value;
}

static enum outcome_kind host_reads(struct fixture *x, u64 pa)
{
	static const enum oracle_end_kind kind[N_OUTCOMES] = {
		[OUTCOME_VALUE] = ORACLE_END_VALUE, [OUTCOME_ABORT] = ORACLE_END_ABORT,
		[OUTCOME_BUS] = ORACLE_END_BUS,	    [OUTCOME_PANIC] = ORACLE_END_PANIC,
		[OUTCOME_HANG] = ORACLE_END_HANG,
	};
	struct oracle_action act = { .kind = ORACLE_HOST_ACCESS, .addr = pa, .size = 8 };
	struct outcome o;

	begin(x, &act);
	o = machine_host_access(x->m, 0, MMU_READ, pa, 8, 0, true);
	end(x, kind[o.kind], (s64)o.value);
	return o.kind;
}

/* ---- EL2's tables, written by hand ---------------------------------------------------- */

struct stores {
	struct {
		u64 pa, val;
	} s[16];
	unsigned int n;
};

static s64 do_stores(struct cpu *cpu, void *arg)
{
	const struct stores *s = arg;

	for (unsigned int i = 0; i < s->n; i++)
		mem_store64(cpu, PA(s->s[i].pa), s->s[i].val, MO_PLAIN);
	return 0;
}

/* An action of EL2 that no rule knows; it ends with @value. */
static void writes(struct fixture *x, const struct stores *s, s64 value)
{
	static const struct el2_call nothing = { .name = "nothing_that_is_known" };

	begin(x, &(struct oracle_action){ .kind = ORACLE_CALL, .call = &nothing });
	cpu_call(&x->m->board->cpus[0], do_stores, (void *)s, NULL);
	end(x, ORACLE_END_VALUE, value);
}

static void write_one(struct fixture *x, u64 pa, u64 val, s64 value)
{
	writes(x, &(struct stores){ .s = { { pa, val } }, .n = 1 }, value);
}

static struct mmu_result walk(struct fixture *x, bool hyp, u64 ia)
{
	struct mmu_result res;

	freshen(x);
	g_assert_true(model_walk(x->m->board, x->v, hyp, ia, &res));
	return res;
}

static u64 linear(struct fixture *x, u64 pa)
{
	return pa + x->v->layout->va_offset;
}

/* ---- Right calls -------------------------------------------------------------------------- */

static const char *const round_trip[][2] = {
	{ "host_share_hyp", "host_unshare_hyp" },
	{ "host_donate_hyp", "hyp_donate_host" },
	{ "host_share_ffa", "host_unshare_ffa" },
};

static void right_calls(struct fixture *x)
{
	const u64 pfn = FREE / PAGE;

	for (unsigned int i = 0; i < G_N_ELEMENTS(round_trip); i++) {
		for (unsigned int k = 0; k < 2; k++) {
			g_assert_cmpint(call(x, round_trip[i][k], pfn, 1), ==, 0);
			g_assert_cmpuint(said(x), ==, 0);
			g_assert_cmpint(call(x, round_trip[i][k], pfn, 1), <, 0);
			g_assert_cmpuint(said(x), ==, 0);
		}
	}
	/* as many pages as the fold names one by one, and more */
	for (u64 nr = 4000; nr <= 5000; nr += 1000) {
		g_assert_cmpint(call(x, "host_donate_hyp", pfn, nr), ==, 0);
		g_assert_cmpuint(said(x), ==, 0);
		g_assert_cmpint(call(x, "hyp_donate_host", pfn, nr), ==, 0);
		g_assert_cmpuint(said(x), ==, 0);
	}
	call(x, "host_share_hyp", pfn, 0);
	call(x, "pin_shared_mem", linear(x, FREE), linear(x, FREE) + PAGE);
	g_assert_cmpuint(said(x), ==, 0);
	g_assert_cmpint(call(x, "host_unshare_hyp", pfn, 0), ==, -EBUSY);
	call(x, "unpin_shared_mem", linear(x, FREE), linear(x, FREE) + PAGE);
	call(x, "host_unshare_hyp", pfn, 0);
	g_assert_cmpint(host_reads(x, FREE), ==, OUTCOME_VALUE);
	g_assert_cmpuint(said(x), ==, 0);
}

static void test_right_calls(void)
{
	struct fixture x;

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		if (!el2_profiles[p].built)
			continue;
		make(&x, "virt", &el2_profiles[p], MMIO_DONATION_NONE);
		right_calls(&x);
		drop(&x);
	}
}

static void test_devices(void)
{
	const u64 uart = 0x09000000;
	struct fixture x;

	make(&x, "virt", &el2_profiles[PROFILE_V7_0], MMIO_DONATION_V5);
	g_assert_cmpint(call(&x, "hyp_donate_host_mmio", uart / PAGE, 1), ==, -ENOENT);
	g_assert_cmpint(call(&x, "host_donate_hyp_mmio", uart / PAGE, 1), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	g_assert_cmpint(call(&x, "host_donate_hyp_mmio", uart / PAGE, 1), ==, -EPERM);
	g_assert_cmpint(call(&x, "host_donate_hyp_mmio", FREE / PAGE, 1), ==, -EINVAL);
	g_assert_cmpint(call(&x, "hyp_donate_host_mmio", uart / PAGE, 1), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

/* ---- Wrong states --------------------------------------------------------------------------- */

static void make_donated(struct fixture *x)
{
	make(x, "virt", &el2_profiles[PROFILE_V7_0], MMIO_DONATION_V5);
	g_assert_cmpint(call(x, "host_donate_hyp", FREE / PAGE, 1), ==, 0);
}

/* The host's annotation goes: the host gets in. Told once, and again when it is new. */
static void test_annotation_lost(void)
{
	struct fixture x;
	struct mmu_result leaf;

	make_donated(&x);
	leaf = walk(&x, false, FREE);
	write_one(&x, leaf.desc_pa.pa, 0, 0);
	assert_rule(&x, RULE_SINGLE_OWNER, FREE);
	write_one(&x, leaf.desc_pa.pa, FREE | 0x7df, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	write_one(&x, leaf.desc_pa.pa, leaf.desc, 0);
	write_one(&x, leaf.desc_pa.pa, 0, 0);
	assert_rule(&x, RULE_SINGLE_OWNER, FREE);
	drop(&x);
}

/* The same by a table that goes as a whole, and by a block in its place. */
static void test_table_lost(void)
{
	struct fixture x;
	struct mmu_result leaf;
	u64 at, table;

	make_donated(&x);
	leaf = walk(&x, false, FREE);
	at = leaf.table_pa[1].pa;
	table = leaf.descs[1];
	g_assert_cmphex(table & 3, ==, 3);
	write_one(&x, at, 0, 0);
	assert_rule(&x, RULE_SINGLE_OWNER, FREE);
	write_one(&x, at, table, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	write_one(&x, at, FREE | 0x7dd, 0);
	assert_rule(&x, RULE_SINGLE_OWNER, FREE);
	drop(&x);
}

/* A transient value on the way, as break-before-make has it, is nothing. */
static void test_in_between(void)
{
	struct fixture x;
	struct mmu_result leaf;

	make_donated(&x);
	leaf = walk(&x, false, FREE);
	writes(&x,
	       &(struct stores){ .s = { { leaf.desc_pa.pa, x.v->layout->locked_value },
					{ leaf.desc_pa.pa, leaf.desc } },
				 .n = 2 },
	       0);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

/* EL2 maps the host's own page. */
static void test_el2_reaches_out(void)
{
	struct fixture x;
	struct mmu_result leaf;

	make_donated(&x);
	leaf = walk(&x, true, linear(&x, FREE));
	write_one(&x, leaf.desc_pa.pa + 8, leaf.desc + PAGE, 0);
	assert_rule(&x, RULE_SINGLE_OWNER, FREE + PAGE);
	/* a mapping of EL2's page goes: EL2 need not map what it owns */
	write_one(&x, leaf.desc_pa.pa, 0, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

/* The record alone: nobody owns the page; or a failed call changed it. */
static void test_record(void)
{
	struct fixture x;
	pa_t record;
	u64 word;

	make_donated(&x);
	g_assert_true(model_hyp_page(x.m->board, x.v, PA(FREE + PAGE), &record));
	g_assert_true(board_peek64(x.m->board, record, &word));
	/* host NOPAGE */
	write_one(&x, record.pa, word | 3u << 24, -EINVAL);
	g_assert_nonnull(first_of(&x, RULE_NO_CHANGE_ON_ERROR));
	g_assert_nonnull(first_of(&x, RULE_SINGLE_OWNER));
	g_assert_cmphex(first_of(&x, RULE_SINGLE_OWNER)->page, ==, FREE + PAGE);
	drop(&x);
}

/* A pinned page changes its owner behind everybody's back. */
static void test_pinned(void)
{
	struct fixture x;
	pa_t record;
	u64 word;

	make(&x, "virt", &el2_profiles[PROFILE_V7_0], MMIO_DONATION_NONE);
	call(&x, "host_share_hyp", FREE / PAGE, 0);
	call(&x, "pin_shared_mem", linear(&x, FREE), linear(&x, FREE) + PAGE);
	g_assert_true(model_hyp_page(x.m->board, x.v, PA(FREE), &record));
	g_assert_true(board_peek64(x.m->board, record, &word));
	/* host NOPAGE, hyp OWNED */
	write_one(&x, record.pa, (word & ~(UINT64_C(0xff) << 24)) | UINT64_C(0x33) << 24, 0);
	g_assert_nonnull(first_of(&x, RULE_PINNED));
	drop(&x);
}

/* Answers: one that no rule gives, and -ENOMEM where no allocation failed. */
static void test_answers(void)
{
	struct fixture x;
	bool ambiguous;
	struct oracle_action a = { .kind = ORACLE_CALL, .args = { FREE / PAGE, 1 }, .n_args = 2 };

	make(&x, "virt", &el2_profiles[PROFILE_V7_0], MMIO_DONATION_NONE);
	a.call = el2_call_find(x.m->hyp->calls(x.m->el2), "host_donate_hyp", &ambiguous);
	for (int i = 0; i < 2; i++) {
		begin(&x, &a);
		end(&x, ORACLE_END_VALUE, i ? -ENOMEM : -EPERM);
		assert_rule(&x, RULE_SPEC, 0);
	}
	/* success, and nothing was done */
	begin(&x, &a);
	end(&x, ORACLE_END_VALUE, 0);
	assert_rule(&x, RULE_SPEC, FREE);
	/* the owner is refused */
	begin(&x, &(struct oracle_action){ .kind = ORACLE_HOST_ACCESS, .addr = FREE, .size = 8 });
	end(&x, ORACLE_END_ABORT, 0);
	assert_rule(&x, RULE_OWNER_PROGRESS, FREE);
	drop(&x);
}

static void test_enomem(void)
{
	struct fixture x;

	make(&x, "tiny", &el2_profiles[PROFILE_V7_0], MMIO_DONATION_V5);
	x.m->hyp->pool_drain(x.m->el2, "hyp_s1", 0, NULL);
	g_assert_cmpint(call(&x, "host_donate_hyp_mmio", 0x6000000000 / PAGE, 1), ==, -ENOMEM);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

/* ---- Snapshots; an oracle that comes late ------------------------------------------------------ */

static void test_snapshots(void)
{
	struct fixture x;
	struct snapshot *s, *inner;

	make_donated(&x);
	s = board_snapshot(x.m->board);
	call(&x, "host_donate_hyp", FREE / PAGE + 1, 600);
	inner = board_snapshot(x.m->board);
	call(&x, "hyp_donate_host", FREE / PAGE, 300);
	board_restore(x.m->board, inner);
	g_assert_cmpint(call(&x, "hyp_donate_host", FREE / PAGE, 1), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	board_restore(x.m->board, s);
	g_assert_cmpint(call(&x, "host_donate_hyp", FREE / PAGE + 1, 1), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	g_assert_cmpint(call(&x, "hyp_donate_host", FREE / PAGE, 2), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

static void test_late(void)
{
	struct fixture x;

	make_donated(&x);
	oracle_free(x.o);
	x.o = oracle_new(x.m->board, x.v, x.m->config, CHECK_PARANOID);
	g_assert_cmpint(call(&x, "host_donate_hyp", FREE / PAGE, 1), ==, -EPERM);
	g_assert_cmpuint(said(&x), ==, 0);
	g_assert_cmpint(call(&x, "hyp_donate_host", FREE / PAGE, 1), ==, 0);
	g_assert_cmpuint(said(&x), ==, 0);
	drop(&x);
}

/* ---- The fold against a full reading: anything anywhere --------------------------------------------- */

struct playground {
	u64 l2;	   /* entries 256 .. 263: what the host has at FREE and after it */
	u64 l3[2]; /* tables below entries 256 and 258 */
};

static u64 random_leaf(GRand *r, u64 pa)
{
	switch (g_rand_int_range(r, 0, 6)) {
	case 0:
	case 1:
		return 0;
	case 2:
		return 4; /* owner hyp */
	case 3:
		return (pa + PAGE) | 0x7ff; /* somebody else's page */
	case 4:
		return pa | 0x77f; /* not for writing */
	default:
		return pa | 0x7ff;
	}
}

/* An entry of the second level: a table only where it alone leads to it. */
static void random_upper(GRand *r, const struct playground *g, u64 *pa, u64 *val)
{
	u64 slot = 256 + (u64)g_rand_int_range(r, 0, 8);
	u64 block = 0x40000000 + (slot << 21);

	*pa = g->l2 + 8 * slot;
	*val = g_rand_boolean(r) ? 0 : block | 0x7fd;
	if (g_rand_int_range(r, 0, 8) == 0)
		*val = 4;
	if ((slot == 256 || slot == 258) && g_rand_boolean(r))
		*val = g->l3[slot == 258] | 3;
}

static void random_entry(GRand *r, const struct playground *g, u64 *pa, u64 *val)
{
	u64 table = (u64)g_rand_boolean(r), slot = (u64)g_rand_int_range(r, 0, 512);

	if (g_rand_int_range(r, 0, 4) == 0) {
		random_upper(r, g, pa, val);
		return;
	}
	*pa = g->l3[table] + 8 * slot;
	*val = random_leaf(r, FREE + (table << 22) + PAGE * slot);
}

static void test_fold(void)
{
	GRand *r = g_rand_new_with_seed(7);
	struct playground g;
	struct fixture x;
	struct mmu_result leaf;

	make_donated(&x);
	call(&x, "host_donate_hyp", FREE / PAGE + 1024, 1);
	leaf = walk(&x, false, FREE);
	g.l2 = leaf.table_pa[1].pa & ~(PAGE - 1);
	g.l3[0] = leaf.desc_pa.pa & ~(PAGE - 1);
	g.l3[1] = walk(&x, false, FREE + 1024 * PAGE).desc_pa.pa & ~(PAGE - 1);
	for (unsigned int i = 0; i < 500; i++) {
		struct stores s = { .n = (unsigned int)g_rand_int_range(r, 1, 16) };

		for (unsigned int k = 0; k < s.n; k++)
			random_entry(r, &g, &s.s[k].pa, &s.s[k].val);
		writes(&x, &s, 0);
	}
	g_rand_free(r);
	drop(&x);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oracle/right-calls", test_right_calls);
	g_test_add_func("/oracle/devices", test_devices);
	g_test_add_func("/oracle/annotation-lost", test_annotation_lost);
	g_test_add_func("/oracle/table-lost", test_table_lost);
	g_test_add_func("/oracle/in-between", test_in_between);
	g_test_add_func("/oracle/el2-reaches-out", test_el2_reaches_out);
	g_test_add_func("/oracle/record", test_record);
	g_test_add_func("/oracle/pinned", test_pinned);
	g_test_add_func("/oracle/answers", test_answers);
	g_test_add_func("/oracle/enomem", test_enomem);
	g_test_add_func("/oracle/snapshots", test_snapshots);
	g_test_add_func("/oracle/late", test_late);
	g_test_add_func("/oracle/fold", test_fold);
	return g_test_run();
}
