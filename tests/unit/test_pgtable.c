// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page-table library against what the real code was seen to do: entries,
 * references, TLB calls and barriers of each step in order (spec/pgtable.md 7.1),
 * descriptors written (table 7), and each rule that differs by release.
 */
#include <string.h>

#include "tests/unit/pgtable_rig.h"

#define M(n) ((u64)(n) << 20)
#define RAM 0x40000000

enum verb { MAP, UNMAP, OWN };

struct step {
	enum verb verb;
	u64 ia, size;
	u64 prot;  /* MAP; always to the same address */
	u32 flags; /* MAP */
	s64 ret;
	const char *trace;
};

struct trace {
	const char *name;
	enum profile_id profile;
	u8 walker; /* S2_UNMAP_* */
	u32 pages;
	bool tlbirange;
	struct step step[10]; /* ends at .trace == NULL */
};

#define HOST(p) ((p) == PROFILE_V6_12 ? S2_NOFWB | S2_IDMAP : S2_AS_S1 | S2_IDMAP)
#define NEW_TABLES_40000000                                                                        \
	"alloc T3; T1[1]=LOCKED; get T1->2; T1[1]=T3 rel; alloc T4; T3[0]=LOCKED; "                \
	"get T3->2; T3[0]=T4 rel; "

/* clang-format off */
static const struct trace traces[] = {
	{ "A", PROFILE_V7_2, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, RAM, 4096, P_RWX, 0, 0, NEW_TABLES_40000000
		  "T4[0]=LOCKED; get T4->2; T4[0]=0x400007df rel; dsb ishst" },
		{ MAP, RAM, 4096, P_RWX, 0, -EAGAIN, "dsb ishst" },
		{ MAP, RAM, 4096, P_RWX, WALK_IGNORE_EAGAIN, 0, "dsb ishst" },
		{ MAP, RAM, M(2), P_RWX, 0, 0,
		  "T3[0]=LOCKED; RANGE 0x40000000+512; put T3->1; get T3->2; "
		  "T3[0]=0x400007dd rel; put T4->1; put T4->0; free T4; dsb ishst" },
		{ OWN, RAM + 0x3000, 4096, 0, 0, 0,
		  "alloc T4; T3[0]=LOCKED; IPA 0x40003000 2; put T3->1; get T3->2; T3[0]=T4 rel; "
		  "T4[3]=LOCKED; get T4->2; T4[3]=0x2000000000000002 rel" },
		{ MAP, RAM, 4096, P_RWX, 0, 0,
		  "T4[0]=LOCKED; get T4->3; T4[0]=0x400007df rel; dsb ishst" },
		{ UNMAP, RAM, 4096, 0, 0, 0, "T4[0]=0x0; put T4->2; RANGE 0x40000000+1" },
		{ UNMAP, RAM, M(2), 0, 0, 0,
		  "T4[3]=0x0; put T4->1; T3[0]=0x0; IPA 0x40000000 any; put T3->1; put T4->0; "
		  "free T4; T1[1]=0x0; IPA 0x40000000 any; put T1->1; put T3->0; free T3; "
		  "RANGE 0x40000000+512" },
	} },
	{ "A, 6.12", PROFILE_V6_12, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, RAM, 4096, P_RWX, 0, 0, NEW_TABLES_40000000
		  "T4[0]=LOCKED; get T4->2; T4[0]=0x400007ff rel; dsb ishst" },
		{ MAP, RAM, 4096, P_RWX, 0, 0, "dsb ishst" },
		{ MAP, RAM, 4096, P_RWX, WALK_HANDLE_FAULT, -EAGAIN, "dsb ishst" },
		{ MAP, RAM, M(2), P_RWX, 0, 0,
		  "T3[0]=LOCKED; RANGE 0x40000000+512; put T3->1; get T3->2; "
		  "T3[0]=0x400007fd rel; put T4->1; put T4->0; free T4; dsb ishst" },
		{ OWN, RAM + 0x3000, 4096, 0, 0, 0,
		  "alloc T4; T3[0]=LOCKED; IPA 0x40003000 2; put T3->1; get T3->2; T3[0]=T4 rel; "
		  "T4[3]=LOCKED; get T4->2; T4[3]=0x4 rel" },
		{ MAP, RAM, 4096, P_RWX, 0, 0,
		  "T4[0]=LOCKED; get T4->3; T4[0]=0x400007ff rel; dsb ishst" },
		{ UNMAP, RAM, 4096, 0, 0, 0, "T4[0]=0x0; IPA 0x40000000 3; put T4->2" },
		{ UNMAP, RAM, M(2), 0, 0, 0,
		  "T4[3]=0x0; put T4->1; T3[0]=0x0; IPA 0x40000000 any; put T3->1; put T4->0; "
		  "free T4; T1[1]=0x0; IPA 0x40000000 any; put T1->1; put T3->0; free T3" },
	} },
	{ "A7, patch 01", PROFILE_V7_2, S2_UNMAP_EPERM, 64, true, {
		{ OWN, RAM + 0x3000, 4096, 0, 0, 0, NEW_TABLES_40000000
		  "T4[3]=LOCKED; get T4->2; T4[3]=0x2000000000000002 rel" },
		{ MAP, RAM, 4096, P_RWX, 0, 0,
		  "T4[0]=LOCKED; get T4->3; T4[0]=0x400007df rel; dsb ishst" },
		{ MAP, RAM + 0x4000, 4096, P_RWX, 0, 0,
		  "T4[4]=LOCKED; get T4->4; T4[4]=0x400047df rel; dsb ishst" },
		{ UNMAP, RAM, M(2), 0, 0, -EPERM, "T4[0]=0x0; put T4->3; RANGE 0x40000000+512" },
		{ UNMAP, RAM, M(2), 0, 0, -EPERM, "RANGE 0x40000000+512" },
	} },
	{ "A7, skip", PROFILE_V7_2, S2_UNMAP_SKIP, 64, true, {
		{ OWN, RAM + 0x3000, 4096, 0, 0, 0, NEW_TABLES_40000000
		  "T4[3]=LOCKED; get T4->2; T4[3]=0x2000000000000002 rel" },
		{ MAP, RAM + 0x4000, 4096, P_RWX, 0, 0,
		  "T4[4]=LOCKED; get T4->3; T4[4]=0x400047df rel; dsb ishst" },
		{ UNMAP, RAM, M(2), 0, 0, 0, "T4[4]=0x0; put T4->2; RANGE 0x40000000+512" },
	} },
	{ "B", PROFILE_V7_2, S2_UNMAP_CLEAR, 3, true, {
		{ MAP, RAM, 4096, P_RWX, 0, -ENOMEM,
		  "alloc T3; T1[1]=LOCKED; get T1->2; T1[1]=T3 rel; alloc none; dsb ishst" },
		{ UNMAP, 0x80000000, 4096, 0, 0, 0, "RANGE 0x80000000+1" },
		{ UNMAP, RAM, 4096, 0, 0, 0,
		  "T1[1]=0x0; IPA 0x40000000 any; put T1->1; put T3->0; free T3; "
		  "RANGE 0x40000000+1" },
	} },
	{ "C", PROFILE_V7_2, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, 0x3fe00000, M(6), P_RWX, 0, 0,
		  "alloc T3; T1[0]=LOCKED; get T1->2; T1[0]=T3 rel; "
		  "T3[511]=LOCKED; get T3->2; T3[511]=0x3fe007dd rel; "
		  "alloc T4; T1[1]=LOCKED; get T1->3; T1[1]=T4 rel; "
		  "T4[0]=LOCKED; get T4->2; T4[0]=0x400007dd rel; "
		  "T4[1]=LOCKED; get T4->3; T4[1]=0x402007dd rel; dsb ishst" },
	} },
	{ "D", PROFILE_V7_2, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, 0, M(1024), P_RW, 0, 0,
		  "T1[0]=LOCKED; get T1->2; T1[0]=0x400000000007dd rel; dsb ishst" },
		{ MAP, 0x9000000, 4096, P_RW, 0, 0,
		  "alloc T3; T1[0]=LOCKED; IPA 0x9000000 1; put T1->1; get T1->2; T1[0]=T3 rel; "
		  "alloc T4; T3[72]=LOCKED; get T3->2; T3[72]=T4 rel; "
		  "T4[0]=LOCKED; get T4->2; T4[0]=0x400000090007df rel; dsb ishst" },
	} },
	{ "E", PROFILE_V7_0, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, RAM + 0x1000, 4096, P_RWX, 0, 0, NEW_TABLES_40000000
		  "T4[1]=LOCKED; get T4->2; T4[1]=0x400017df rel; dsb ishst" },
		{ MAP, RAM, 0x3000, P_RWX, 0, -EAGAIN,
		  "T4[0]=LOCKED; get T4->3; T4[0]=0x400007df rel; dsb ishst" },
		{ MAP, RAM + 0x1000, 0x2000, P_RWX, WALK_IGNORE_EAGAIN, 0,
		  "T4[2]=LOCKED; get T4->4; T4[2]=0x400027df rel; dsb ishst" },
	} },
	{ "G", PROFILE_V7_2, S2_UNMAP_CLEAR, 64, true, {
		{ MAP, RAM, M(4), P_RWX, 0, 0,
		  "alloc T3; T1[1]=LOCKED; get T1->2; T1[1]=T3 rel; "
		  "T3[0]=LOCKED; get T3->2; T3[0]=0x400007dd rel; "
		  "T3[1]=LOCKED; get T3->3; T3[1]=0x402007dd rel; dsb ishst" },
		{ UNMAP, 0x40201000, 4096, 0, 0, 0, "T3[1]=0x0; put T3->2; RANGE 0x40201000+1" },
		{ MAP, 0x40201000, 4096, P_RWX, 0, 0,
		  "alloc T4; T3[1]=LOCKED; get T3->3; T3[1]=T4 rel; "
		  "T4[1]=LOCKED; get T4->2; T4[1]=0x402017df rel; dsb ishst" },
		{ UNMAP, 0x40201000, 0x10, 0, 0, 0,
		  "T4[1]=0x0; put T4->1; T3[1]=0x0; IPA 0x40201000 any; put T3->2; put T4->0; "
		  "free T4" },
		{ UNMAP, 0xc0000000, 4096, 0, 0, 0, "RANGE 0xc0000000+1" },
		{ MAP, 0xc0000000, 0, P_RWX, 0, 0, "dsb ishst" },
		{ MAP, BIT(40), 4096, P_RWX, 0, -ERANGE, "dsb ishst" },
		{ MAP, 0xc0000000, 4096, P_RWX, WALK_SHARED, -EPERM, "dsb ishst" },
	} },
	{ "G, no range operations", PROFILE_V7_2, S2_UNMAP_CLEAR, 64, false, {
		{ MAP, RAM, M(2), P_RWX, 0, 0,
		  "alloc T3; T1[1]=LOCKED; get T1->2; T1[1]=T3 rel; "
		  "T3[0]=LOCKED; get T3->2; T3[0]=0x400007dd rel; dsb ishst" },
		{ UNMAP, 0x40001000, 4096, 0, 0, 0,
		  "T3[0]=0x0; IPA 0x40001000 2; put T3->1; T1[1]=0x0; IPA 0x40001000 any; "
		  "put T1->1; put T3->0; free T3" },
	} },
};
/* clang-format on */

static s64 step_do(struct rig *g, const struct step *s)
{
	switch (s->verb) {
	case MAP:
		return rig_map(g, s->ia, s->size, s->ia, s->prot, s->flags);
	case UNMAP:
		return rig_unmap(g, s->ia, s->size);
	case OWN:
		return rig_own(g, s->ia, s->size);
	}
	g_assert_not_reached();
}

static void test_trace(const void *data)
{
	const struct trace *t = data;
	struct arch_features f = rig_fwb;
	struct rig g;

	f.tlbirange = t->tlbirange;
	rig_new(&g, t->profile, &f, 2, 40, HOST(t->profile), t->pages);
	g.t->v.unmap_annotated = t->walker;
	for (const struct step *s = t->step; s->trace; s++) {
		s64 ret = step_do(&g, s);

		g_assert_cmpstr(g.trace->str, ==, s->trace);
		g_assert_cmpint(ret, ==, s->ret);
	}
	rig_free(&g);
}

/* F: giving a page back to the host before v7.2 makes tables to hold the zero. */
static void test_set_owner_host(void)
{
	static const enum profile_id profiles[] = { PROFILE_V6_12, PROFILE_V7_0 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(profiles); i++) {
		struct el2_pgtable_op op = { .op = "set_owner", .ia = RAM, .size = 4096 };
		struct rig g;

		rig_new(&g, profiles[i], &rig_fwb, 2, 40, HOST(profiles[i]), 64);
		g_assert_cmpint(rig_op(&g, &op), ==, 0);
		g_assert_cmpstr(g.trace->str, ==, NEW_TABLES_40000000 "T4[0]=0x0");
		g_assert_cmpint(rig_count(&g, 4), ==, 1);
		op.owner = OWNER_ID_FFA;
		g_assert_cmpint(rig_op(&g, &op), ==, -EINVAL);
		rig_free(&g);
	}
}

/* H: a recycle tells the TLBs of everything, in pieces of 8 GiB. */
static void test_recycle_ranges(void)
{
	struct arch_features f = rig_fwb;
	unsigned int n = 0;
	struct rig g;

	f.tlbirange = true;
	rig_new(&g, PROFILE_V7_2, &f, 2, 40, HOST(PROFILE_V7_2), 64);
	rig_unmap(&g, 0, 0x40000000);
	g_assert_cmpstr(g.trace->str, ==, "RANGE 0x0+262144");
	rig_unmap(&g, 0x48000000, BIT(40) - 0x48000000);
	for (const char *p = g.trace->str; (p = strstr(p, "RANGE")); p++)
		n++;
	g_assert_cmpint(n, ==, 128);
	g_assert_true(g_str_has_prefix(g.trace->str, "RANGE 0x48000000+2097152; "
						     "RANGE 0x248000000+2097152; "));
	g_assert_true(g_str_has_suffix(g.trace->str, "; RANGE 0xfe48000000+1802240"));
	rig_free(&g);
}

static void test_annotate_checks(void)
{
	static const struct {
		u32 type;
		u64 annotation;
		s64 ret;
		u64 pte;
	} row[] = {
		{ 2, 1, -EINVAL, 0 },
		{ 2, BIT(60), -EINVAL, 0 },
		{ 0, 2, -EINVAL, 0 },
		{ 1, 2, -EINVAL, 0 },
		{ 2, 0x4000010004, 0, 0x2000004000010004 },
		{ 3, 0, 0, 0x3000000000000000 },
		{ 15, 2, 0, 0xf000000000000002 },
		{ 18, 2, 0, 0x2000000000000002 },
		/* types that lose their bits: nothing, and the lock */
		{ 16, 2, 0, 2 },
		{ 17, 0, 0, 0x1000000000000000 },
	};
	struct rig g;

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct el2_pgtable_op op = {
			.op = "annotate",
			.ia = RAM,
			.size = 4096,
			.type = row[i].type,
			.annotation = row[i].annotation,
		};

		rig_new(&g, PROFILE_V7_2, &rig_fwb, 2, 40, HOST(PROFILE_V7_2), 64);
		g_assert_cmpint(rig_op(&g, &op), ==, row[i].ret);
		g_assert_cmphex(rig_leaf(&g, RAM, NULL), ==, row[i].pte);
		rig_free(&g);
	}
}

/* ---- What is written (table 7) ---- */

enum { NOFWB = 1, XNX = 2, LPA2 = 4, HVHE = 8, BTI = 16 };

/* clang-format off */
static const struct written {
	const char *row;
	enum profile_id p;
	u8 stage, level;
	unsigned int features;
	u32 flags;
	u64 prot, pa, pte;
} written[] = {
	{ "1", PROFILE_V7_2, 2, 3, 0, S2_AS_S1, P_RWX, RAM, 0x00000000400007df },
	{ "1, 7.0", PROFILE_V7_0, 2, 3, 0, S2_AS_S1, P_RWX, RAM, 0x00000000400007df },
	{ "2", PROFILE_V7_2, 2, 3, NOFWB, S2_AS_S1, P_RWX, RAM, 0x00000000400007ff },
	{ "2, 6.12", PROFILE_V6_12, 2, 3, 0, S2_NOFWB, P_RWX, RAM, 0x00000000400007ff },
	{ "3", PROFILE_V7_2, 2, 3, 0, 0, P_RWX, RAM, 0x00000000400007db },
	{ "4", PROFILE_V7_2, 2, 2, 0, S2_AS_S1, P_RWX, RAM, 0x00000000400007dd },
	{ "5", PROFILE_V6_12, 2, 2, 0, S2_NOFWB, P_RWX, RAM, 0x00000000400007fd },
	{ "6", PROFILE_V7_2, 2, 1, 0, S2_AS_S1, P_RW, 0, 0x00400000000007dd },
	{ "7", PROFILE_V7_2, 2, 3, 0, S2_AS_S1, P_RW, 0x9000000, 0x00400000090007df },
	{ "8", PROFILE_V6_12, 2, 3, 0, S2_NOFWB, P_RW, 0x9000000, 0x00400000090007ff },
	{ "9", PROFILE_V7_2, 2, 3, 0, S2_AS_S1, P_R, 0x41000000, 0x004000004100075f },
	{ "10", PROFILE_V7_2, 2, 3, 0, 0, P_RW | P_DEVICE, 0x9000000, 0x00400000090007c7 },
	{ "10, no FWB", PROFILE_V6_12, 2, 3, NOFWB, 0, P_RW | P_DEVICE, 0x9000000,
	  0x00400000090007c7 },
	{ "11", PROFILE_V7_2, 2, 3, 0, 0, P_RW | P_NC, RAM, 0x00400000400007d7 },
	{ "12", PROFILE_V7_2, 2, 3, 0, 0, P_RWX | P_SW0, RAM, 0x00800000400007db },
	{ "13", PROFILE_V7_2, 2, 3, 0, 0, P_RWX | P_SW1, RAM, 0x01000000400007db },
	{ "14", PROFILE_V7_2, 2, 2, 0, 0, P_RWX | P_SW1, RAM, 0x01000000400007d9 },
	{ "15", PROFILE_V7_2, 2, 3, XNX, 0, P_RW | P_PX, RAM, 0x00600000400007db },
	{ "16", PROFILE_V7_2, 2, 3, XNX, 0, P_RW | P_UX, RAM, 0x00200000400007db },
	{ "15, no XNX", PROFILE_V7_2, 2, 3, 0, 0, P_RW | P_PX, RAM, 0 },
	{ "device, executable", PROFILE_V7_2, 2, 3, 0, S2_AS_S1, P_RWX | P_DEVICE, RAM, 0 },
	{ "NC, executable", PROFILE_V6_12, 2, 3, 0, 0, P_RX | P_NC, RAM, 0 },
	{ "device and NC", PROFILE_V7_2, 2, 3, 0, 0, P_RW | P_NC | P_DEVICE, RAM, 0 },
	{ "19", PROFILE_V7_2, 2, 3, LPA2, S2_AS_S1, P_RWX, RAM, 0x00000000400004df },
	{ "20", PROFILE_V7_2, 2, 3, LPA2, S2_AS_S1, P_RWX, 0xC000040000000,
	  0x00000000400007df },
	{ "22", PROFILE_V7_2, 1, 3, 0, 0, P_RW, RAM, 0x0040000040000743 },
	{ "23", PROFILE_V7_2, 1, 3, 0, 0, P_RX, RAM, 0x00000000400007c3 },
	{ "23, BTI", PROFILE_V6_12, 1, 3, BTI, 0, P_RX, RAM, 0x00040000400007c3 },
	{ "24", PROFILE_V7_0, 1, 3, 0, 0, P_R, RAM, 0x00400000400007c3 },
	{ "25", PROFILE_V6_12, 1, 3, 0, 0, P_RW | P_DEVICE, 0x9000000, 0x0040000009000753 },
	{ "26", PROFILE_V7_2, 1, 2, 0, 0, P_RW, RAM, 0x0040000040000741 },
	{ "27", PROFILE_V7_2, 1, 3, HVHE, 0, P_RW, RAM, 0x0060000040000703 },
	{ "27, X", PROFILE_V7_0, 1, 3, HVHE, 0, P_RX, RAM, 0x0000000040000783 },
	{ "27, RO", PROFILE_V7_2, 1, 3, HVHE, 0, P_R, RAM, 0x0060000040000783 },
	{ "28", PROFILE_V6_12, 1, 3, HVHE, 0, P_RW, RAM, 0x0040000040000703 },
	{ "29", PROFILE_V7_2, 1, 3, HVHE, 0, P_RW | P_DEVICE, 0x9000000, 0x0060000009000713 },
	{ "30", PROFILE_V6_12, 1, 3, 0, 0, P_RW | P_SW0, RAM, 0x00c0000040000743 },
	{ "hVHE, R|PX", PROFILE_V7_2, 1, 3, HVHE, 0, P_R | P_PX, RAM, 0x0040000040000783 },
	{ "hVHE, R|UX", PROFILE_V7_2, 1, 3, HVHE, 0, P_R | P_UX, RAM, 0x0020000040000783 },
	{ "hVHE, RW|UX", PROFILE_V7_2, 1, 3, HVHE, 0, P_RW | P_UX, RAM, 0 },
	{ "nVHE, R|UX", PROFILE_V7_2, 1, 3, 0, 0, P_R | P_UX, RAM, 0x00400000400007c3 },
	{ "nVHE, RW|UX", PROFILE_V7_2, 1, 3, 0, 0, P_RW | P_UX, RAM, 0x0040000040000743 },
	{ "EL2, NC is NORMAL", PROFILE_V7_2, 1, 3, 0, 0, P_RW | P_NC, RAM, 0x0040000040000743 },
	{ "EL2, not readable", PROFILE_V7_2, 1, 3, 0, 0, P_W, RAM, 0 },
	{ "EL2, W and X", PROFILE_V6_12, 1, 3, 0, 0, P_RWX, RAM, 0 },
	{ "EL2, device and X", PROFILE_V6_12, 1, 3, 0, 0, P_RX | P_DEVICE, RAM, 0 },
};
/* clang-format on */

static void test_written(const void *data)
{
	const struct written *w = data;
	struct arch_features f = {
		.page_shift = 12,
		.pa_bits = w->features & LPA2 ? 52 : 40,
		.fwb = !(w->features & NOFWB),
		.xnx = w->features & XNX,
		.lpa2 = w->features & LPA2,
		.hvhe = w->features & HVHE,
		.bti = w->features & BTI,
	};
	struct rig g;
	s8 level;

	rig_new(&g, w->p, &f, w->stage,
		w->features & LPA2 ? 52
		: w->stage == 1	   ? 48
				   : 40,
		w->flags, 64);
	if (!w->pte) {
		g_assert_cmpint(rig_map(&g, w->pa, 4096, w->pa, w->prot, 0), ==, -EINVAL);
		g_assert_cmpstr(g.trace->str, ==, "");
	} else {
		u64 size = kvm_granule_size(g.pgt, w->level), prot = w->prot;

		g_assert_cmpint(rig_map(&g, w->pa, size, w->pa, prot, 0), ==, 0);
		g_assert_cmphex(rig_leaf(&g, w->pa, &level), ==, w->pte);
		g_assert_cmpint(level, ==, w->level);
	}
	rig_free(&g);
}

/* What pte_prot() reads back; PROT_* here. */
static void test_pte_prot(void)
{
	static const struct {
		enum profile_id p;
		bool stage2, hvhe;
		u64 pte, prot;
	} row[] = {
		{ PROFILE_V7_2, true, false, 0x01000000400007db, PROT_RWX | BIT(56) },
		{ PROFILE_V7_2, true, false, 0x00600000400007db, PROT_RW | PROT_PX },
		{ PROFILE_V7_2, true, false, 0x00200000400007db, PROT_RW | PROT_UX },
		{ PROFILE_V7_2, true, false, 0x00400000090007c7, PROT_RW },
		{ PROFILE_V6_12, true, false, 0x004000004000075f, PROT_R },
		{ PROFILE_V6_12, true, false, 0x00000000400007ff, PROT_RWX },
		{ PROFILE_V6_12, true, false, 0x0080000000000004, BIT(55) },
		{ PROFILE_V7_2, false, false, 0x00000000400007c3, PROT_R | PROT_PX },
		{ PROFILE_V6_12, false, false, 0x00000000400007c3, PROT_R | PROT_X },
		{ PROFILE_V7_2, false, false, 0x00c0000040000743, PROT_RW | BIT(55) },
		{ PROFILE_V7_2, false, true, 0x0000000040000783, PROT_R | PROT_X },
		{ PROFILE_V7_2, false, true, 0x0060000040000703, PROT_RW },
		{ PROFILE_V6_12, false, true, 0x0040000040000703, PROT_RW },
		{ PROFILE_V7_2, false, false, 0x0080000000000000, BIT(55) },
		/* AP that no release of nVHE writes */
		{ PROFILE_V7_2, false, false, 0x0040000040000703, 0 },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct arch_features f = { .page_shift = 12, .pa_bits = 40, .hvhe = row[i].hvhe };
		struct pgtable_variant v = pgtable_variant_of(row[i].p, S2_UNMAP_CLEAR);
		struct kvm_pgtable pgt = { .f = &f, .v = &v };

		if (row[i].stage2)
			g_assert_cmphex(kvm_pgtable_stage2_pte_prot(&pgt, row[i].pte), ==,
					row[i].prot);
		else
			g_assert_cmphex(kvm_pgtable_hyp_pte_prot(&pgt, row[i].pte), ==,
					row[i].prot);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(traces); i++) {
		char *path = g_strdup_printf("/pgtable/trace/%s", traces[i].name);

		g_test_add_data_func(path, &traces[i], test_trace);
		g_free(path);
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(written); i++) {
		char *path = g_strdup_printf("/pgtable/written/%s", written[i].row);

		g_test_add_data_func(path, &written[i], test_written);
		g_free(path);
	}
	g_test_add_func("/pgtable/trace/F", test_set_owner_host);
	g_test_add_func("/pgtable/trace/H", test_recycle_ranges);
	g_test_add_func("/pgtable/annotate", test_annotate_checks);
	g_test_add_func("/pgtable/pte_prot", test_pte_prot);
	return g_test_run();
}
