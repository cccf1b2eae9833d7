// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * break-before-make and stale-tlb, instruction by instruction: the sequences that
 * the architecture asks for, each with every one of its steps left out.
 */
#include <string.h>

#include "tests/unit/checker_rig.h"

#define BROKEN BIT(10)

/* ---- Sequences --------------------------------------------------------------------------- */

/* One letter a step of CPU 0, on the entry that @at names. */
struct target {
	struct checker_rig *t;
	u64 at, ia, new_desc;
	int level;
};

static void tlbi(struct target *x, unsigned int cpu, enum tlbi_op op, u64 addr, int level,
		 u64 pages)
{
	cpu_tlbi(x->t->cpu[cpu],
		 &(struct tlbi){ .op = op, .level = (s8)level, .addr = addr, .pages = pages });
}

static void step(struct target *x, char letter)
{
	struct cpu *cpu = x->t->cpu[0];

	switch (letter) {
	case 'b': /* break; not with 0, which would want a reference dropped */
		mem_store64(cpu, PA(x->at), BROKEN, MO_ONCE);
		break;
	case 'm': /* make */
		mem_store64(cpu, PA(x->at), x->new_desc, MO_RELEASE);
		break;
	case 's':
		cpu_dsb(cpu, "ishst");
		break;
	case 'd':
		cpu_dsb(cpu, "ish");
		break;
	case 'i':
		tlbi(x, 0, TLBI_IPAS2E1IS, x->ia, x->level, 1);
		break;
	case '1':
		tlbi(x, 0, TLBI_VMALLE1IS, 0, -1, 0);
		break;
	case 'v':
		tlbi(x, 0, TLBI_VALE2IS, x->ia, x->level, 1);
		break;
	case 'a':
		tlbi(x, 0, TLBI_VAE2IS, x->ia, -1, 1);
		break;
	case 'r':
		tlbi(x, 0, TLBI_RIPAS2E1IS, x->ia, -1, BIT(level_shift(12, x->level) - 12));
		break;
	case 'h': /* half of it */
		tlbi(x, 0, TLBI_RIPAS2E1IS, x->ia, -1, BIT(level_shift(12, x->level) - 13));
		break;
	case 'w': /* the wrong level */
		tlbi(x, 0, TLBI_IPAS2E1IS, x->ia, x->level == 3 ? 2 : 3, 1);
		break;
	case 'l': /* the right level, another page of the block */
		tlbi(x, 0, TLBI_IPAS2E1IS, x->ia + 0x5000, x->level, 1);
		break;
	case 'n': /* the neighbour */
		tlbi(x, 0, TLBI_IPAS2E1IS, x->ia + BIT(level_shift(12, x->level)), x->level, 1);
		break;
	case 'p': /* this CPU's only */
		tlbi(x, 0, TLBI_IPAS2E1, x->ia, x->level, 1);
		break;
	case 'V':
		tlbi(x, 0, TLBI_VMALLS12E1IS, 0, -1, 0);
		break;
	case 'N': /* all of another VMID */
		cpu_tlbi(cpu, &(struct tlbi){ .op = TLBI_VMALLS12E1IS, .vmid = 7, .level = -1 });
		break;
	default:
		g_assert_not_reached();
	}
}

/* Run @steps, with the lock of the table held, as an action of its own. */
static void run(struct target *x, const char *lock, const char *steps)
{
	u64 old = cr_peek(x->t, x->at);

	cr_begin(x->t);
	spin_lock(x->t->cpu[0], cr_lock(x->t, lock));
	for (; *steps; steps++)
		step(x, *steps);
	spin_unlock(x->t->cpu[0], cr_lock(x->t, lock));
	cr_over(x->t, ORACLE_END_VALUE, 0);

	/* as it was; between actions nobody looks */
	mem_store64(x->t->cpu[0], PA(x->at), old, MO_ONCE);
}

/* Each of @steps between breaking and making is needed: without it, @rules. */
static void each_is_needed(struct target *x, const char *lock, const char *steps, u32 rules)
{
	size_t n = strlen(steps);

	run(x, lock, steps);
	cr_expect(x->t, NONE);
	for (size_t i = 1; i < n; i++) {
		char *less = g_strdup(steps);

		if (less[i] == 'm') {
			g_free(less);
			break;
		}
		memmove(less + i, less + i + 1, n - i);
		run(x, lock, less);
		cr_expect(x->t, rules);
		/* what is still known of it */
		run(x, lock, lock[0] == 'h' ? "bsid1d" : "bsad");
		cr_expect(x->t, NONE);
		g_free(less);
	}
}

/* ---- The host's stage 2 ------------------------------------------------------------------- */

/* A 2 MiB block of the host's. */
static struct target host_block(struct checker_rig *t)
{
	struct target x = { .t = t, .level = 2, .ia = CR_RAM };

	cr_access(t, 0, MMU_READ, CR_RAM);
	x.new_desc = cr_leaf(t, false, CR_RAM, &x.at);
	g_assert_cmphex(x.new_desc & 3, ==, 1);
	return x;
}

/* Another address in a live entry needs every step of break-before-make. */
static void test_bbm_sequence(void)
{
	struct checker_rig t;
	struct target x;

	cr_boot(&t, PROFILE_V7_0);
	x = host_block(&t);
	x.new_desc += 0x200000;
	each_is_needed(&x, "host_mmu", "bsid1dm",
		       BIT(RULE_BREAK_BEFORE_MAKE) | BIT(RULE_STALE_TLB));
	/* one operation for both stages */
	run(&x, "host_mmu", "bsVdm");
	cr_expect(&t, NONE);
	/* never invalid at all */
	run(&x, "host_mmu", "m");
	cr_expect(&t, BIT(RULE_BREAK_BEFORE_MAKE) | BIT(RULE_STALE_TLB));
	cr_end(&t);
}

/* Permissions, the access flag and software's bits may change in place. */
static void test_bbm_in_place(void)
{
	struct checker_rig t;
	struct target x;
	u64 old;

	cr_boot(&t, PROFILE_V7_0);
	x = host_block(&t);
	old = x.new_desc;
	x.new_desc = old & ~PTE_S2_W;
	run(&x, "host_mmu", "m");
	x.new_desc = old & ~PTE_AF;
	run(&x, "host_mmu", "m");
	x.new_desc = old | BIT(55);
	run(&x, "host_mmu", "m");
	x.new_desc = old; /* gone, and back again */
	run(&x, "host_mmu", "bm");
	cr_expect(&t, NONE);
	/* less than before is no matter of break-before-make */
	x.new_desc = old & ~PTE_S2_R;
	run(&x, "host_mmu", "m");
	cr_expect(&t, BIT(RULE_STALE_TLB));
	x.new_desc = old | PTE_S2_XN;
	run(&x, "host_mmu", "m");
	cr_expect(&t, BIT(RULE_STALE_TLB));
	/* memory attributes are */
	x.new_desc = old & ~PTE_S2_MEMATTR;
	run(&x, "host_mmu", "m");
	cr_expect(&t, BIT(RULE_BREAK_BEFORE_MAKE) | BIT(RULE_STALE_TLB));
	cr_end(&t);
}

/* A removed translation must be gone from all TLBs when its lock is released. */
static void test_tlb_sequence(void)
{
	struct checker_rig t;
	struct target x;

	cr_boot(&t, PROFILE_V7_0);
	x = host_block(&t);
	each_is_needed(&x, "host_mmu", "bsid1d", BIT(RULE_STALE_TLB));
	run(&x, "host_mmu", "brsdd1d"); /* the DSB comes after the TLBI only */
	g_assert_cmphex(cr_page_of(&t, RULE_STALE_TLB), ==, CR_RAM);
	cr_end(&t);
}

/* A TLBI by address takes away the whole block it lies in, if its level is right. */
static void test_tlb_coverage(void)
{
	struct checker_rig t;
	struct target x;
	static const struct {
		const char *steps;
		u32 rules;
	} rows[] = {
		{ "bsld1d", NONE },
		{ "bshd1d", NONE }, /* part of the block */
		{ "bsrd1d", NONE },
		{ "bsVd", NONE },
		{ "bswd1d", BIT(RULE_STALE_TLB) },
		{ "bsnd1d", BIT(RULE_STALE_TLB) },
		{ "bspd1d", BIT(RULE_STALE_TLB) },
		{ "bsNd", BIT(RULE_STALE_TLB) },
		{ "bs1d", BIT(RULE_STALE_TLB) },
	};

	cr_boot(&t, PROFILE_V7_0);
	x = host_block(&t);
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		run(&x, "host_mmu", rows[i].steps);
		cr_expect(&t, rows[i].rules);
	}
	cr_end(&t);
}

/* Where one CPU walks the table, its own TLB is all there is. */
static void test_tlb_one_cpu(void)
{
	struct checker_rig t;
	struct target x;

	cr_boot_as(&t, &(struct cr_setup){ .profile = PROFILE_V7_0, .one_cpu = true });
	x = host_block(&t);
	run(&x, "host_mmu", "bspd1d");
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* A table with entries in it goes only with all that it covers; an empty one with any address. */
static void test_tlb_table(void)
{
	struct checker_rig t;
	struct target x = { .t = &t, .ia = CR_RAM, .level = 2 };
	struct mmu_result res;

	cr_boot(&t, PROFILE_V7_0);
	g_assert_cmpint(cr_call(&t, 0, "host_donate_hyp", 2, CR_RAM >> 12, UINT64_C(1)).kind, ==,
			OUTCOME_VALUE);
	g_assert_true(model_walk(t.b, oracle_view(t.o), false, CR_RAM, &res));
	g_assert_cmpint(res.level, ==, 3);
	x.at = res.table_pa[1].pa;
	g_assert_cmphex(cr_peek(&t, x.at) & 3, ==, 3);
	/* the annotation in it is nothing to a TLB */
	run(&x, "host_mmu", "bsld1d");
	cr_expect(&t, BIT(RULE_STALE_TLB)); /* a level means a leaf */
	run(&x, "host_mmu", "bsrd1d");
	cr_expect(&t, NONE);
	cr_access(&t, 0, MMU_READ, CR_RAM + 0x1000);
	cr_expect(&t, NONE);
	run(&x, "host_mmu", "bshd1d");
	cr_expect(&t, BIT(RULE_STALE_TLB));
	run(&x, "host_mmu", "bsrd1d");
	cr_expect(&t, NONE);
	cr_end(&t);
}

/* Leaves of the host's next to each other; more than anybody keeps apart. */
#define MANY 200u
#define MANY_AT(i) (CR_RAM + UINT64_C(4096) * ((i) + 1))

struct many {
	struct checker_rig t;
	unsigned int n;
	u64 at[MANY], old[MANY];
};

/* @n of them, broken one after the other with the lock held. */
static void break_many(struct many *m, unsigned int n)
{
	struct checker_rig *t = &m->t;

	cr_boot(t, PROFILE_V7_0);
	cr_call(t, 0, "host_donate_hyp", 2, CR_RAM >> 12, UINT64_C(1));
	m->n = n;
	for (unsigned int i = 0; i < n; i++) {
		cr_access(t, 0, MMU_READ, MANY_AT(i));
		m->old[i] = cr_leaf(t, false, MANY_AT(i), &m->at[i]);
	}
	cr_expect(t, NONE);
	cr_begin(t);
	spin_lock(t->cpu[0], cr_lock(t, "host_mmu"));
	for (unsigned int i = 0; i < n; i++)
		mem_store64(t->cpu[0], PA(m->at[i]), BROKEN, MO_ONCE);
}

static void forget_many(struct many *m, u64 pages)
{
	struct cpu *cpu = m->t.cpu[0];

	cpu_dsb(cpu, "ish");
	cpu_tlbi(cpu,
		 &(struct tlbi){
			 .op = TLBI_RIPAS2E1IS, .level = -1, .addr = MANY_AT(0), .pages = pages });
	cpu_dsb(cpu, "ish");
	cpu_tlbi(cpu, &(struct tlbi){ .op = TLBI_VMALLE1IS, .level = -1 });
	cpu_dsb(cpu, "ish");
}

static void release_many(struct many *m)
{
	struct cpu *cpu = m->t.cpu[0];

	spin_unlock(cpu, cr_lock(&m->t, "host_mmu"));
	cpu->tlb.used = 0; /* what hardware may hold is enough */
	cr_over(&m->t, ORACLE_END_VALUE, 0);
}

static void end_many(struct many *m)
{
	for (unsigned int i = 0; i < m->n; i++)
		mem_store64(m->t.cpu[0], PA(m->at[i]), m->old[i], MO_ONCE);
	cr_end(&m->t);
}

/* Pages that went together: the first that the range stopped short of is told, and it alone. */
static void test_tlb_run_of_pages(void)
{
	static const struct {
		unsigned int n, pages;
	} row[] = { { 3, 1 },	 { 3, 2 },	     { 3, 3 },		 { MANY, 1 },
		    { MANY, 2 }, { MANY, MANY / 2 }, { MANY, MANY - 1 }, { MANY, MANY } };

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct many m;

		break_many(&m, row[i].n);
		forget_many(&m, row[i].pages);
		release_many(&m);
		if (row[i].pages < row[i].n)
			g_assert_cmphex(cr_page_of(&m.t, RULE_STALE_TLB), ==,
					MANY_AT(row[i].pages));
		end_many(&m);
	}
}

/* However many were broken, of the last ones it is known what they were. */
static void test_bbm_of_many(void)
{
	for (unsigned int back = 1; back <= 32; back += 31) {
		const unsigned int i = MANY - back;
		struct many m;

		break_many(&m, MANY);
		mem_store64(m.t.cpu[0], PA(m.at[i]), m.old[i] + 0x100000, MO_RELEASE);
		mem_store64(m.t.cpu[0], PA(m.at[i]), BROKEN, MO_ONCE);
		forget_many(&m, MANY);
		release_many(&m);
		g_assert_cmphex(cr_page_of(&m.t, RULE_BREAK_BEFORE_MAKE), ==, MANY_AT(i));
		end_many(&m);
	}
}

/* ---- EL2's stage 1 -------------------------------------------------------------------------- */

/* EL2's own: one TLBI, between its two barriers. */
static void test_hyp_sequence(void)
{
	struct checker_rig t;
	struct target x = { .t = &t, .level = 3 };

	cr_boot(&t, PROFILE_V6_12);
	cr_call(&t, 0, "host_share_hyp", 1, CR_RAM >> 12);
	cr_expect(&t, NONE);
	x.ia = cr_va(&t, CR_RAM);
	x.new_desc = cr_leaf(&t, true, x.ia, &x.at) + 0x1000;
	each_is_needed(&x, "pkvm_pgd_lock", "bsvdm",
		       BIT(RULE_BREAK_BEFORE_MAKE) | BIT(RULE_STALE_TLB));
	each_is_needed(&x, "pkvm_pgd_lock", "bsad", BIT(RULE_STALE_TLB));
	run(&x, "pkvm_pgd_lock", "bsvd");
	cr_expect(&t, NONE);
	run(&x, "pkvm_pgd_lock", "bsvs"); /* waits for stores only */
	cr_expect(&t, BIT(RULE_STALE_TLB));
	cr_end(&t);
}

/* ---- What TLBs hold --------------------------------------------------------------------------- */

/* A TLB that still answers is a breach, whatever was sent to it. */
static void test_tlb_entry_left(void)
{
	struct checker_rig t;
	struct tlb_entry kept;
	struct tlb_entry *e;

	cr_boot(&t, PROFILE_V7_0);
	cr_access(&t, 1, MMU_READ, CR_RAM);
	e = tlb_lookup(&t.cpu[1]->tlb, TLB_S2, 0, CR_RAM);
	g_assert_nonnull(e);
	kept = *e;
	cr_begin(&t);
	spin_lock(t.cpu[0], cr_lock(&t, "host_mmu"));
	mem_store64(t.cpu[0], kept.desc_pa, BROKEN, MO_ONCE);
	cpu_dsb(t.cpu[0], "ish");
	cpu_tlbi(t.cpu[0], &(struct tlbi){ .op = TLBI_VMALLS12E1IS, .level = -1 });
	cpu_dsb(t.cpu[0], "ish");
	spin_unlock(t.cpu[0], cr_lock(&t, "host_mmu"));
	*e = kept;
	cr_over(&t, ORACLE_END_VALUE, 0);
	g_assert_cmphex(cr_page_of(&t, RULE_STALE_TLB), ==, CR_RAM);
	e->valid = false;
	cr_end(&t);
}

/* Before the host runs behind its stage 2 no walk reads it. */
static void test_nobody_walks(void)
{
	struct checker_rig t;
	struct target x;

	cr_boot(&t, PROFILE_V7_0);
	x = host_block(&t);
	t.cpu[0]->host_s2_on = t.cpu[1]->host_s2_on = false;
	run(&x, "host_mmu", "b");
	cr_expect(&t, NONE);
	cr_end(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bbm/sequence", test_bbm_sequence);
	g_test_add_func("/bbm/in-place", test_bbm_in_place);
	g_test_add_func("/tlb/sequence", test_tlb_sequence);
	g_test_add_func("/tlb/coverage", test_tlb_coverage);
	g_test_add_func("/tlb/one-cpu", test_tlb_one_cpu);
	g_test_add_func("/tlb/table", test_tlb_table);
	g_test_add_func("/tlb/run-of-pages", test_tlb_run_of_pages);
	g_test_add_func("/bbm/many", test_bbm_of_many);
	g_test_add_func("/tlb/hyp", test_hyp_sequence);
	g_test_add_func("/tlb/entry-left", test_tlb_entry_left);
	g_test_add_func("/tlb/nobody-walks", test_nobody_walks);
	return g_test_run();
}
