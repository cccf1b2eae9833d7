// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operations of the page-table library that change mappings in place, those
 * that only the host kernel uses, EL2's own stage 1, lost races, and how each of
 * them ends when it cannot go on.
 */
#include <string.h>

#include "tests/unit/pgtable_rig.h"

#define RAM 0x40000000
#define M(n) ((u64)(n) << 20)
#define TO_LEVEL_3                                                                                 \
	"alloc T3; T1[1]=LOCKED; get T1->2; T1[1]=T3 rel; alloc T4; T3[0]=LOCKED; "                \
	"get T3->2; T3[0]=T4 rel; "

static const enum profile_id all[] = { PROFILE_V6_12, PROFILE_V7_0, PROFILE_V7_2 };

static s64 op(struct rig *g, const char *name, u64 ia, u64 size)
{
	return rig_op(g, &(struct el2_pgtable_op){ .op = name, .ia = ia, .size = size });
}

static s64 relax(struct rig *g, u64 ia, u64 prot, u32 flags)
{
	return rig_op(g,
		      &(struct el2_pgtable_op){
			      .op = "relax_perms", .ia = ia, .prot = prot, .walk_flags = flags });
}

/* ---- Cache maintenance ---- */

static void test_cmo_of_map(void)
{
	struct arch_features f = rig_fwb;
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &f, 2, 40, RIG_EL1, 64);
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_RWX, 0), ==, 0);
	g_assert_cmpstr(g.trace->str, ==,
			TO_LEVEL_3
			"T4[0]=LOCKED; dc_civac 0x40000000+0x1000; ic_ivau 0x40000000+0x1000; "
			"get T4->2; T4[0]=0x400007db rel; dsb ishst");
	/* not executable: no I; device: neither; SKIP_CMO: neither */
	rig_map(&g, RAM + 0x1000, 4096, RAM, P_RW, 0);
	g_assert_nonnull(strstr(g.trace->str, "dc_civac"));
	g_assert_null(strstr(g.trace->str, "ic_ivau"));
	rig_map(&g, RAM + 0x2000, 4096, 0x9000000, P_RW | P_DEVICE, 0);
	g_assert_null(strstr(g.trace->str, "dc_civac"));
	rig_map(&g, RAM + 0x3000, 4096, RAM, P_RWX, WALK_SKIP_CMO);
	g_assert_null(strstr(g.trace->str, "c_"));

	/* with FWB nothing is flushed, nor cleaned on unmap */
	op(&g, "flush", RAM, 0x4000);
	g_assert_cmpstr(g.trace->str, ==, "");
	rig_unmap(&g, RAM, 4096);
	g_assert_cmpstr(g.trace->str, ==, "T4[0]=0x0; IPA 0x40000000 3; put T4->4");
	rig_free(&g);

	f.fwb = false;
	rig_new(&g, PROFILE_V7_2, &f, 2, 40, RIG_EL1, 64);
	rig_map(&g, RAM, M(2), RAM, P_RW, 0);
	rig_map(&g, 0x9000000, 4096, 0x9000000, P_RW | P_DEVICE, 0);
	op(&g, "flush", 0, BIT(40));
	g_assert_cmpstr(g.trace->str, ==, "dc_civac 0x40000000+0x200000");
	rig_unmap(&g, RAM, M(2));
	g_assert_cmpstr(g.trace->str, ==,
			"T3[0]=0x0; IPA 0x40000000 2; put T3->1; dc_civac 0x40000000+0x200000; "
			"T1[1]=0x0; IPA 0x40000000 any; put T1->2; put T3->0; free T3");
	rig_unmap(&g, 0x9000000, 4096);
	g_assert_null(strstr(g.trace->str, "dc_civac"));
	rig_free(&g);
}

/* Which pages the I-cache is told of: 7.0 looks for XN == 0, 7.2 for any execution. */
static void test_icache_by_release(void)
{
	static const struct {
		enum profile_id p;
		u64 prot;
		bool told;
	} row[] = {
		{ PROFILE_V6_12, P_RX, true },	    { PROFILE_V6_12, P_RW, false },
		{ PROFILE_V7_0, P_RX, true },	    { PROFILE_V7_0, P_R | P_PX, false },
		{ PROFILE_V7_2, P_RX, true },	    { PROFILE_V7_2, P_R | P_PX, true },
		{ PROFILE_V7_2, P_R | P_UX, true }, { PROFILE_V7_2, P_RW, false },
	};
	struct arch_features f = rig_fwb;

	f.xnx = true;
	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct rig g;

		rig_new(&g, row[i].p, &f, 2, 40, RIG_EL1, 64);
		g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, row[i].prot, 0), ==, 0);
		g_assert_true(!!strstr(g.trace->str, "ic_ivau") == row[i].told);
		rig_free(&g);
	}
}

/* ---- Attributes ---- */

static void test_wrprotect_and_age(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		struct el2_pgtable_op age = { .op = "test_clear_young", .ia = RAM, .size = M(2) };
		struct rig g;

		rig_new(&g, all[i], &rig_fwb, 2, 40, 0, 64);
		rig_map(&g, RAM, 4096, RAM, P_RWX, 0);
		rig_map(&g, RAM + 0x2000, 4096, RAM, P_RWX, 0);
		rig_own(&g, RAM + 0x1000, 4096);

		/* holes and annotations are passed over in every release */
		g_assert_cmpint(op(&g, "wrprotect", RAM, M(4)), ==, 0);
		g_assert_cmpstr(g.trace->str, ==, "T4[0]=0x4000075b; T4[2]=0x4000075b");

		g_assert_cmpint(rig_op(&g, &age), ==, 1);
		g_assert_cmpstr(g.trace->str, ==, "");
		age.mkold = true;
		g_assert_cmpint(rig_op(&g, &age), ==, 1);
		g_assert_cmpstr(g.trace->str, ==, "T4[0]=0x4000035b; T4[2]=0x4000035b");
		g_assert_cmpint(rig_op(&g, &age), ==, 0);

		/* aged and mapped again: a full break, for AF differs */
		g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_R | P_X, 0), ==, 0);
		g_assert_cmpstr(g.trace->str, ==,
				"T4[0]=LOCKED; IPA 0x40000000 3; put T4->3; get T4->4; "
				"T4[0]=0x4000075b rel; dsb ishst");
		/* beyond the table the walk fails, which WARNs: fatal at EL2 */
		age.ia = BIT(40);
		rig_op(&g, &age);
		g_assert_true(g.died);
		g_assert_cmpstr(g.trace->str, ==, "WARN");
		rig_free(&g);
	}
}

static void test_mkyoung(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		bool v6_12 = all[i] == PROFILE_V6_12;
		struct el2_pgtable_op young = { .op = "mkyoung", .ia = RAM };
		struct rig g;

		young.walk_flags = WALK_SHARED;
		rig_new(&g, all[i], &rig_fwb, 2, 40, RIG_EL1, 64);
		rig_map(&g, RAM, 4096, RAM, P_RW, 0);
		rig_op(&g,
		       &(struct el2_pgtable_op){
			       .op = "test_clear_young", .ia = RAM, .size = 4096, .mkold = true });
		rig_op(&g, &young);
		g_assert_cmpstr(g.trace->str, ==, "T4[0]=0x400000400007db; dsb ishst");
		g_assert_cmphex(g.res.pte, ==, v6_12 ? 0x400000400003db : 0);
		/* nothing there: no barrier */
		young.ia = RAM + 0x1000;
		rig_op(&g, &young);
		g_assert_cmpstr(g.trace->str, ==, "");
		g_assert_cmphex(g.res.pte, ==, 0);
		rig_free(&g);

		/* at EL2: 6.12 insists on a shared walk, which is refused */
		rig_new(&g, all[i], &rig_fwb, 2, 40, 0, 64);
		rig_map(&g, RAM, 4096, RAM, P_RW, 0);
		young.ia = RAM;
		young.walk_flags = 0;
		rig_op(&g, &young);
		g_assert_cmpstr(g.trace->str, ==, v6_12 ? "" : "dsb ishst");
		rig_free(&g);
	}
}

static void test_relax_perms(void)
{
	/* from R + UX, or from what 6.12 can say, by one request */
	static const struct {
		enum profile_id p;
		bool xnx;
		u64 from, prot;
		s64 ret;
		u64 pte;
	} row[] = {
		{ PROFILE_V6_12, false, P_R, P_RW, 0, 0x00400000400007db },
		{ PROFILE_V6_12, false, P_R, P_X, 0, 0x000000004000075b },
		{ PROFILE_V6_12, false, P_RX, P_W, 0, 0x00000000400007db },
		{ PROFILE_V6_12, false, P_RX, P_RW | P_SW0, -EINVAL, 0x000000004000075b },
		/* asking for no execution: 7.2 leaves it, 7.0 takes it away */
		{ PROFILE_V7_2, true, P_RX, P_RW, 0, 0x00000000400007db },
		{ PROFILE_V7_0, true, P_RX, P_RW, 0, 0x00400000400007db },
		/* asking for the one takes the other */
		{ PROFILE_V7_2, true, P_R | P_UX, P_PX, 0, 0x006000004000075b },
		{ PROFILE_V7_2, true, P_RX, P_PX, 0, 0x006000004000075b },
		{ PROFILE_V7_2, true, P_R, P_X, 0, 0x000000004000075b },
		{ PROFILE_V7_2, false, P_R, P_PX, -EINVAL, 0x004000004000075b },
	};
	struct arch_features f = rig_fwb;

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct rig g;

		f.xnx = row[i].xnx;
		rig_new(&g, row[i].p, &f, 2, 40, RIG_EL1, 64);
		rig_map(&g, RAM, 4096, RAM, row[i].from, 0);
		g_assert_cmpint(relax(&g, RAM, row[i].prot, WALK_SHARED), ==, row[i].ret);
		if (row[i].ret)
			g_assert_cmpstr(g.trace->str, ==, "");
		else
			g_assert_true(g_str_has_suffix(g.trace->str, "IPA_NSH 0x40000000 3"));
		g_assert_cmphex(rig_leaf(&g, RAM, NULL), ==, row[i].pte);

		/* an absent page is invalidated too, at any level; beyond the table not */
		g_assert_cmpint(relax(&g, RAM + M(2), P_R, WALK_SHARED), ==, -EAGAIN);
		g_assert_cmpstr(g.trace->str, ==, "IPA_NSH 0x40200000 any");
		g_assert_cmpint(relax(&g, BIT(40), P_R, WALK_SHARED), ==, -ERANGE);
		g_assert_cmpstr(g.trace->str, ==, "");
		rig_free(&g);
	}
}

/* A page that becomes executable: the I-cache first, then the entry. */
static void test_relax_icache(void)
{
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1, 64);
	rig_map(&g, RAM, M(2), RAM, P_RW, 0);
	g_assert_cmpint(relax(&g, RAM + 0x5000, P_X, 0), ==, 0);
	g_assert_cmpstr(g.trace->str, ==,
			"ic_ivau 0x40000000+0x200000; T3[0]=0x400007d9; IPA_NSH 0x40005000 2");
	rig_free(&g);
}

/* ---- Split and unlinked tables ---- */

static void test_split(void)
{
	struct rig g;
	s8 level;

	/* enough tables: all at once, and a device block becomes NORMAL pages */
	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1, 600);
	rig_map(&g, RAM, M(2), RAM, P_RW | P_DEVICE, 0);
	g_assert_cmpint(op(&g, "split", RAM, M(2)), ==, 0);
	g_assert_nonnull(strstr(g.trace->str, "T4[511]=0x400000401ff7db rel; T3[0]=LOCKED; "
					      "IPA 0x40000000 2; put T3->1; get T3->2; "
					      "T3[0]=T4 rel; dsb ishst"));
	g_assert_null(strstr(g.trace->str, "ic_ivau"));
	g_assert_cmphex(rig_leaf(&g, RAM + 0x7000, &level), ==, 0x400000400077db);
	g_assert_cmpint(level, ==, 3);
	g_assert_cmpuint(rig_count(&g, 4), ==, 513);

	rig_map(&g, 0x80000000, M(1024), 0x80000000, P_RWX, 0);
	g_assert_cmpint(op(&g, "split", 0x80000000, M(1024)), ==, 0);
	g_assert_cmpuint(g.t->used, ==, 4 + 1 + 512);
	rig_free(&g);

	/* one table short of all: a level at a time, and then none is left */
	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1, 2 + 512);
	rig_map(&g, RAM, M(1024), RAM, P_RWX, 0);
	g_assert_cmpint(op(&g, "split", RAM, M(1024)), ==, -ENOMEM);
	g_assert_cmphex(rig_leaf(&g, RAM, &level), ==, 0x400007db);
	g_assert_cmpint(level, ==, 3);
	rig_leaf(&g, RAM + M(1022), &level);
	g_assert_cmpint(level, ==, 2);
	g_assert_cmpuint(g.t->used, ==, 2 + 512);
	rig_free(&g);
}

/* What one privilege level alone may run stays so when a block is split. */
static void test_split_keeps_xn(void)
{
	static const u64 prot[] = { P_R, P_R | P_PX, P_R | P_UX, P_RX };
	struct arch_features f = rig_fwb;

	f.xnx = true;
	for (unsigned int i = 0; i < G_N_ELEMENTS(prot); i++) {
		struct rig g;
		s8 level;
		u64 xn;

		rig_new(&g, PROFILE_V7_2, &f, 2, 40, RIG_EL1, 64);
		rig_map(&g, RAM, M(2), RAM, prot[i], 0);
		xn = rig_leaf(&g, RAM, &level) & PTE_S2_XN;
		g_assert_cmpint(level, ==, 2);
		g_assert_cmpint(op(&g, "split", RAM, M(2)), ==, 0);
		g_assert_cmphex(rig_leaf(&g, RAM, &level) & PTE_S2_XN, ==, xn);
		g_assert_cmpint(level, ==, 3);
		rig_free(&g);
	}
}

struct unlinked {
	u64 phys, prot;
	s8 level;
	bool force_pte, null_mc;
	pa_t table;
};

static s64 do_unlinked(struct rig *g, void *arg)
{
	struct unlinked *u = arg;

	return kvm_pgtable_stage2_create_unlinked(g->c, g->pgt, u->phys, u->level, u->prot, g->t,
						  u->force_pte, &u->table);
}

static s64 do_free_unlinked(struct rig *g, void *arg)
{
	struct unlinked *u = arg;

	kvm_pgtable_stage2_free_unlinked(g->c, g->pgt, u->table, u->level);
	return 0;
}

static void test_create_unlinked(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		struct unlinked u = { .phys = RAM, .prot = PROT_RWX, .level = 1 };
		u64 pte;
		struct rig g;

		rig_new(&g, all[i], &rig_fwb, 2, 40, RIG_EL1, 40);
		g_assert_cmpint(rig_run(&g, do_unlinked, &u), ==, 0);
		g_assert_cmphex(u.table.pa, ==, RIG_TABLES + 0x2000);
		g_assert_true(board_peek64(g.b, pa_add(u.table, 511 * 8), &pte));
		g_assert_cmphex(pte, ==, RAM + M(1022) + 0x7d9);
		g_assert_null(strstr(g.trace->str, "c_"));

		rig_clear(&g);
		rig_run(&g, do_free_unlinked, &u);
		g_assert_cmpuint(g.t->used, ==, 2);
		g_assert_null(strstr(g.trace->str, "IPA"));

		/* pages: more tables than there are; nothing may be left of them */
		u.force_pte = true;
		g_assert_cmpint(rig_run(&g, do_unlinked, &u), ==, -ENOMEM);
		g_assert_cmpuint(g.t->used, ==, 2);
		u.phys = RAM + M(2);
		g_assert_cmpint(rig_run(&g, do_unlinked, &u), ==, -EINVAL);
		u.phys = RAM;
		u.prot = PROT_RWX | PROT_DEVICE;
		g_assert_cmpint(rig_run(&g, do_unlinked, &u), ==, -EINVAL);
		g_assert_cmpuint(g.t->used, ==, 2);
		rig_free(&g);
	}
}

/* ---- Where somebody else was faster ---- */

/* While EL1 cleans a cache or allocates, another walker changes the first entry of T4. */
static void other_walker(struct hyp_cpu *c, void *priv, pa_t pa, u64 bytes)
{
	mem_store64(c->cpu, PA(RIG_TABLES + 0x3000), 0x40000080000343, MO_ONCE);
}

static pa_t other_walker_zalloc(struct hyp_cpu *c, void *priv, void *mc)
{
	struct el2_pgtable *t = priv;

	t->used++;
	t->refcount[10] = 1;
	mem_store64(c->cpu, PA(RIG_TABLES + 8), 0x400, MO_ONCE);
	return PA(RIG_TABLES + 10 * 0x1000);
}

static void test_lost_races(void)
{
	struct pgtable_mm_ops ops;
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1, 64);
	ops = *g.pgt->mm_ops;
	rig_map(&g, RAM, 4096, RAM, P_RW, 0);
	ops.icache_inval_pou = other_walker;
	g.pgt->mm_ops = &ops;
	g_assert_cmpint(relax(&g, RAM, P_X, WALK_SHARED), ==, -EAGAIN);
	g_assert_cmphex(rig_leaf(&g, RAM, NULL), ==, 0x40000080000343);
	/* the store of a walk that excludes others is not looked at */
	rig_map(&g, RAM, 4096, RAM, P_RW, 0);
	g_assert_cmpint(relax(&g, RAM, P_X, 0), ==, 0);
	g_assert_cmphex(rig_leaf(&g, RAM, NULL), ==, 0x400007db);
	rig_free(&g);

	/* a table for an entry that is no longer as it was: given back */
	rig_new(&g, PROFILE_V6_12, &rig_fwb, 2, 40, RIG_EL1, 64);
	ops = *g.pgt->mm_ops;
	ops.zalloc_page = other_walker_zalloc;
	g.pgt->mm_ops = &ops;
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_RW, WALK_SHARED | WALK_HANDLE_FAULT), ==,
			-EAGAIN);
	g_assert_cmpstr(g.trace->str, ==, "T1[1]=LOCKED; put T11->0; free T11; dsb ishst");
	/* locked by another: fine in a shared walk, a WARN in one that is alone */
	g_assert_cmpint(rig_map(&g, RAM, M(1024), RAM, P_RW, WALK_SHARED | WALK_HANDLE_FAULT), ==,
			-EAGAIN);
	g_assert_cmpstr(g.trace->str, ==, "dsb ishst");
	g_assert_cmpint(rig_map(&g, RAM, M(1024), RAM, P_RW, WALK_HANDLE_FAULT), ==, -EAGAIN);
	g_assert_cmpstr(g.trace->str, ==, "WARN; dsb ishst");
	rig_free(&g);
}

/* ---- How stage 2 says no ---- */

static s64 do_map_no_mc(struct rig *g, void *arg)
{
	return kvm_pgtable_stage2_map(g->c, g->pgt, RAM, 4096, RAM, PROT_RWX, NULL, 0);
}

static void test_stage2_refusals(void)
{
	struct pgtable_mm_ops ops;
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, S2_AS_S1 | S2_IDMAP, 64);
	g_assert_cmpint(rig_run(&g, do_map_no_mc, NULL), ==, -ENOMEM);
	g_assert_cmpstr(g.trace->str, ==, "dsb ishst");
	/* identity compares addresses as given */
	rig_map(&g, RAM, 4096, RAM + 1, P_RWX, 0);
	g_assert_true(g.died);
	g_assert_cmpstr(g.trace->str, ==, "WARN");
	g_assert_cmpint(op(&g, "get_leaf", BIT(40), 0), ==, -ERANGE);
	/* start == limit is in range when nothing is asked */
	g_assert_cmpint(rig_unmap(&g, BIT(40), 0), ==, 0);
	g_assert_cmpint(rig_unmap(&g, BIT(40) + 4096, 0), ==, -ERANGE);
	rig_free(&g);

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1 | S2_IDMAP, 64);
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM + 1, P_RWX, 0), ==, -EINVAL);
	g_assert_cmpstr(g.trace->str, ==, "WARN");
	rig_free(&g);

	/* a guest's table at EL2 cannot put a block over a table */
	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, 0, 64);
	ops = *g.pgt->mm_ops;
	ops.free_unlinked_table = NULL;
	g.pgt->mm_ops = &ops;
	rig_map(&g, RAM, 4096, RAM, P_RWX, 0);
	rig_map(&g, RAM, M(2), RAM, P_RWX, 0);
	g_assert_true(g.died);
	g_assert_true(g_str_has_suffix(g.trace->str, "EL2_ABORT"));
	rig_free(&g);
}

/* 6.12: a mapping beyond 48 bits of PA is taken for an update of the owner, to 0. */
static void test_phys_beyond_parange(void)
{
	struct rig g;

	rig_new(&g, PROFILE_V6_12, &rig_fwb, 2, 40, 0, 64);
	rig_own(&g, RAM, 4096);
	g_assert_cmpint(rig_map(&g, RAM, 4096, BIT(48), P_RWX, 0), ==, 0);
	g_assert_cmpstr(g.trace->str, ==, "T4[0]=LOCKED; put T4->1; T4[0]=0x0 rel; dsb ishst");
	rig_free(&g);

	rig_new(&g, PROFILE_V7_0, &rig_fwb, 2, 40, 0, 64);
	g_assert_cmpint(rig_map(&g, RAM, 4096, BIT(48) + RAM, P_RWX, 0), ==, 0);
	g_assert_cmphex(rig_leaf(&g, RAM, NULL), ==, 0x400007db);
	rig_free(&g);
}

/* Software bits alone are stored in place, unless the walk is shared. */
static void test_sw_bits(void)
{
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, RIG_EL1, 64);
	rig_map(&g, RAM, 4096, RAM, P_RW, 0);
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_RW | P_SW0, 0), ==, 0);
	g_assert_cmpstr(g.trace->str, ==, "T4[0]=0xc00000400007db; dsb ishst");
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_RW | P_SW1, WALK_SHARED), ==, 0);
	g_assert_cmpstr(g.trace->str, ==,
			"T4[0]=LOCKED; IPA 0x40000000 3; put T4->1; dc_civac 0x40000000+0x1000; "
			"get T4->2; T4[0]=0x1400000400007db rel; dsb ishst");
	g_assert_cmpint(rig_map(&g, RAM, 4096, RAM, P_RWX | P_SW0, 0), ==, 0);
	g_assert_nonnull(strstr(g.trace->str, "LOCKED"));
	rig_free(&g);
}

/* ---- What the TLB calls come down to ---- */

struct flush {
	u64 addr, pages;
	bool nsh;
};

static s64 do_flush(struct rig *g, void *arg)
{
	const struct flush *f = arg;

	if (f->pages)
		kvm_tlb_flush_vmid_range(g->c, g->pgt, f->addr, f->pages);
	else if (f->nsh)
		kvm_tlb_flush_vmid_ipa_nsh(g->c, g->pgt, f->addr, 3);
	else
		kvm_tlb_flush_vmid_ipa(g->c, g->pgt, f->addr, TLBI_TTL_UNKNOWN);
	return 0;
}

#define END_ISH "; dsb ish; vmalle1is 0x0 -1; dsb ish; isb"

static void test_tlb_expansion(void)
{
	/* clang-format off */
	static const struct {
		struct flush f;
		bool range, lpa2;
		u16 vmid;
		const char *trace;
	} row[] = {
		{ { RAM + 0x123, 0, false }, true, false, 0,
		  "IPA 0x40000123 any; dsb ish; ipas2e1is 0x40000000 -1" END_ISH },
		/* a guest's VMID is loaded for it, and the host's again */
		{ { RAM, 0, false }, true, false, 5,
		  "IPA 0x40000000 any; dsb ish; isb; ipas2e1is 0x40000000 -1" END_ISH "; isb" },
		{ { RAM, 0, true }, true, false, 0,
		  "IPA_NSH 0x40000000 3; dsb nsh; ipas2e1 0x40000000 3; dsb nsh; "
		  "vmalle1 0x0 -1; dsb nsh; isb" },
		{ { RAM, 3, false }, false, false, 0,
		  "VMID; dsb ish; vmalls12e1is 0x0 -1; dsb ish; isb" },
		/* units of 2^16, 2^11, 2^6 and 2 pages, an odd one last */
		{ { RAM, (1 << 16) + 3 * (1 << 11) + (1 << 6) + 7, false }, true, false, 0,
		  "RANGE 0x40000000+71751; dsb ish; ripas2e1is 0x40000000+65536; "
		  "ripas2e1is 0x50000000+6144; ripas2e1is 0x51800000+64; "
		  "ripas2e1is 0x51840000+6; ipas2e1is 0x51846000 -1" END_ISH },
		{ { RAM, 1 << 21, false }, true, false, 0,
		  "RANGE 0x40000000+2097152; dsb ish; ripas2e1is 0x40000000+2097152" END_ISH },
		/* LPA2: single pages up to 64 KiB */
		{ { RAM + 0xe000, 4, false }, true, true, 0,
		  "RANGE 0x4000e000+4; dsb ish; ipas2e1is 0x4000e000 -1; "
		  "ipas2e1is 0x4000f000 -1; ripas2e1is 0x40010000+2" END_ISH },
	};
	/* clang-format on */

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct arch_features f = rig_fwb;
		struct flush fl = row[i].f;
		struct rig g;

		f.tlbirange = row[i].range;
		f.lpa2 = row[i].lpa2;
		rig_new(&g, PROFILE_V7_2, &f, 2, 40, 0, 64);
		g.pgt->mmu.vmid = row[i].vmid;
		g.expand = true;
		rig_run(&g, do_flush, &fl);
		g_assert_cmpstr(g.trace->str, ==, row[i].trace);
		rig_free(&g);
	}
}

/* ---- EL2's own stage 1 ---- */

static void test_hyp(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		struct rig g;

		rig_new(&g, all[i], &rig_fwb, 1, 39, 0, 8);
		g_assert_cmpint(rig_map(&g, 0, 0x2000, RAM + 0xfff, P_RW, 0), ==, 0);
		g_assert_cmpstr(g.trace->str, ==,
				"alloc T2; get T1->2; T1[0]=T2 rel; "
				"alloc T3; get T2->2; T2[0]=T3 rel; "
				"get T3->2; T3[0]=0x40000040000743 rel; "
				"get T3->3; T3[1]=0x40000040001743 rel; dsb ishst; isb");
		rig_map(&g, 0, 0x2000, RAM, P_RW, 0);
		g_assert_cmpstr(g.trace->str, ==, "dsb ishst; isb");
		rig_map(&g, 0, 4096, RAM, P_RW | P_SW0, 0);
		g_assert_cmpstr(g.trace->str, ==, "T3[0]=0xc0000040000743 rel; dsb ishst; isb");

		g_assert_cmpint(rig_unmap(&g, 0x1000, 0x2000), ==, 0x1000);
		g_assert_cmpstr(g.trace->str, ==,
				"T3[1]=0x0; dsb ishst; vale2is 0x1000 3; dsb ish; isb; put T3->2");
		g_assert_cmpint(rig_unmap(&g, 0, 4096), ==, 4096);
		g_assert_cmpstr(g.trace->str, ==,
				"T3[0]=0x0; dsb ishst; vale2is 0x0 3; dsb ish; isb; put T3->1; "
				"T2[0]=0x0; dsb ishst; vae2is 0x0 -1; dsb ish; isb; put T2->1; "
				"put T3->0; free T3; "
				"T1[0]=0x0; dsb ishst; vae2is 0x0 -1; dsb ish; isb; put T1->1; "
				"put T2->0; free T2");
		g_assert_cmpint(rig_unmap(&g, 0, 4096), ==, 0);

		/* part of a block cannot go; what begins inside it and is long enough can */
		rig_map(&g, 0, M(2), RAM, P_RW, 0);
		g_assert_cmpint(rig_unmap(&g, 0x1000, 4096), ==, 0);
		g_assert_cmpint(rig_unmap(&g, 0x1000, M(2)), ==, M(2));

		/* a live page with other permissions: WARN, and EL2 is gone */
		rig_map(&g, 0, 4096, RAM, P_RW, 0);
		rig_map(&g, 0, 4096, RAM, P_R, 0);
		g_assert_true(g.died);
		g_assert_cmpstr(g.trace->str, ==, "WARN");

		op(&g, "destroy", 0, 0);
		g_assert_cmpuint(g.t->used, ==, 0);
		rig_free(&g);
	}
}

/* Were the WARN not fatal, a table would take the block's place, counted twice. */
static void test_hyp_warn_goes_on(void)
{
	struct rig g;
	s8 level;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 1, 39, RIG_EL1, 8);
	rig_map(&g, 0, M(2), RAM, P_RW, 0);
	g_assert_cmpint(rig_map(&g, 0, M(2), RAM, P_R, 0), ==, 0);
	g_assert_true(g_str_has_prefix(g.trace->str, "WARN; alloc T3; get T2->3; T2[0]=T3 rel; "));
	g_assert_cmphex(rig_leaf(&g, 0, &level), ==, 0x400000400007c3);
	g_assert_cmpint(level, ==, 3);
	/* and at the last level there is no table to make */
	g_assert_cmpint(rig_map(&g, 0, 4096, RAM, P_RW, 0), ==, -EINVAL);
	g_assert_cmpstr(g.trace->str, ==, "WARN; WARN; dsb ishst; isb");
	rig_free(&g);
}

static s64 do_hyp_init(struct rig *g, void *arg)
{
	struct kvm_pgtable pgt = *g->pgt;

	return kvm_pgtable_hyp_init(g->c, &pgt, *(u32 *)arg);
}

static void test_hyp_init(void)
{
	u32 cannot = 64, can = 52;
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 1, 48, 0, 1);
	g_assert_cmpint(g.pgt->mmu.start_level, ==, 0);
	g_assert_cmpint(rig_run(&g, do_hyp_init, &cannot), ==, -EINVAL);
	g_assert_cmpint(rig_run(&g, do_hyp_init, &can), ==, -ENOMEM);
	g_assert_cmpint(rig_map(&g, 0, 4096, RAM, P_RW, 0), ==, -ENOMEM);
	g_assert_cmpstr(g.trace->str, ==, "alloc none; dsb ishst; isb");
	rig_free(&g);
}

/* Before there are counts nothing can be unmapped. */
static void test_hyp_unmap_early(void)
{
	struct pgtable_mm_ops ops;
	struct rig g;

	rig_new(&g, PROFILE_V7_2, &rig_fwb, 1, 39, 0, 8);
	rig_map(&g, 0, 4096, RAM, P_RW, 0);
	ops = *g.pgt->mm_ops;
	ops.page_count = NULL;
	g.pgt->mm_ops = &ops;
	g_assert_cmpint(rig_unmap(&g, 0, 4096), ==, 0);
	g_assert_cmpstr(g.trace->str, ==, "");
	rig_free(&g);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pgtable/map/cmo", test_cmo_of_map);
	g_test_add_func("/pgtable/map/icache", test_icache_by_release);
	g_test_add_func("/pgtable/map/sw-bits", test_sw_bits);
	g_test_add_func("/pgtable/map/refusals", test_stage2_refusals);
	g_test_add_func("/pgtable/map/phys-beyond-parange", test_phys_beyond_parange);
	g_test_add_func("/pgtable/attr/wrprotect-age", test_wrprotect_and_age);
	g_test_add_func("/pgtable/attr/mkyoung", test_mkyoung);
	g_test_add_func("/pgtable/attr/relax", test_relax_perms);
	g_test_add_func("/pgtable/attr/relax-icache", test_relax_icache);
	g_test_add_func("/pgtable/split", test_split);
	g_test_add_func("/pgtable/split-keeps-xn", test_split_keeps_xn);
	g_test_add_func("/pgtable/unlinked", test_create_unlinked);
	g_test_add_func("/pgtable/races", test_lost_races);
	g_test_add_func("/pgtable/tlb", test_tlb_expansion);
	g_test_add_func("/pgtable/hyp", test_hyp);
	g_test_add_func("/pgtable/hyp/warn", test_hyp_warn_goes_on);
	g_test_add_func("/pgtable/hyp/init", test_hyp_init);
	g_test_add_func("/pgtable/hyp/early", test_hyp_unmap_early);
	return g_test_run();
}
