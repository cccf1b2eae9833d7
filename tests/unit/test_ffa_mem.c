// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory over FF-A: every check of a descriptor in its order, fragments, roll-back, each
 * lie of a secure world, and the bugs of the past; release by release.
 */
#include "tests/unit/ffa_rig.h"

/* ---- Share, lend, reclaim ------------------------------------------------------------------- */

static void test_share(void)
{
	static const u64 ids[] = { FFA_FN64_MEM_SHARE, FFA_MEM_SHARE, FFA_FN64_MEM_LEND,
				   FFA_MEM_LEND };
	static const u64 page_shift[] = { 12, 14, 16 };

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(ids) * G_N_ELEMENTS(page_shift); i++) {
			const u64 id = ids[i % 4];
			u64 handle, len;
			struct rig r;

			rig_config(&r, p, (u8)(FFA_V1_0 + i % 3));
			r.bc->f.page_shift = (u8)page_shift[i / 4];
			/* the newest that all three speak */
			rig_start(&r, p == PROFILE_V6_12 && i % 3 == 2 ? 0x10001 : 0x10000 + i % 3);
			len = rig_describe(&r, r.p, 2, 3, true, 0);
			g_assert_cmpint(SMC(&r, id, len, len), ==, OK);
			g_assert_cmphex(REG(&r, 0), ==, FFA_SUCCESS);
			handle = r.last.value;
			assert_host(&r, r.p, PKVM_PAGE_SHARED_OWNED);
			assert_host(&r, r.p + r.page, PKVM_PAGE_OWNED);
			assert_host(&r, r.p + 3 * r.page, PKVM_PAGE_SHARED_OWNED);
			/* not twice */
			g_assert_cmpint(SMC(&r, id, len, len), ==, FFA_RET_DENIED);
			g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle + 1, 0, 0), ==,
					FFA_RET_INVALID_PARAMETERS);
			g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==, OK);
			assert_host(&r, r.p, PKVM_PAGE_OWNED);
			assert_host(&r, r.p + 3 * r.page, PKVM_PAGE_OWNED);
			g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==,
					FFA_RET_INVALID_PARAMETERS);
			g_assert_cmpint(SMC(&r, id, len, len), ==, OK);
			rig_assert_unlocked(&r);
			rig_free(&r);
		}
	}
}

/* Registers first, then the mailbox, then the length, then what is in it. */
static void test_registers(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		/* header and entry of version 1.1, or of the kernel's structures */
		const u64 least = p == PROFILE_V7_2 ? 64 : 80;
		struct rig r;
		u64 len;

		rig_config(&r, p, FFA_V1_1);
		g_assert_cmpint(rig_boot(&r), ==, 0);
		SMC(&r, FFA_VERSION, 0x10001);
		g_assert_cmpint(rig_share(&r, 96), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(rig_map(&r), ==, OK);
		len = rig_describe(&r, r.p, 1, 1, true, 0);
		g_assert_cmpuint(len, ==, 96);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len, 0, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		/* 32 bits of it are looked at */
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len + 16), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(rig_share(&r, r.page + 16), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(rig_share(&r, least - 16), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 9 * 4096 + 16, len), ==,
				FFA_RET_NO_MEMORY);
		g_assert_cmpint(SMC(&r, FFA_MEM_FRAG_TX, 1, 0, r.page + 16), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_MEM_FRAG_TX, 1, 0, 8), ==, FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len | BIT(40), len, 0, BIT(32)), ==,
				OK);
		rig_assert_unlocked(&r);
		rig_free(&r);
	}
}

/* One field of a good descriptor changed: 1.1, endpoint at 48, composite at 64, range at 80. */
static const struct {
	u64 off;
	unsigned int size;
	u64 val;
	int v6_12, v7_0, v7_2;
} fields[] = {
	{ 0, 2, 1, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 28, 4, 0, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 28, 4, 2, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	/* the endpoint's place: all of the entry in the fragment */
	{ 32, 4, 84, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 32, 4, 0x40000000, PANIC, PANIC, FFA_RET_INVALID_PARAMETERS },
	{ 32, 4, 0xfffffffc, PANIC, PANIC, FFA_RET_INVALID_PARAMETERS },
	/* the composite's place */
	{ 52, 4, 0, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 52, 4, 96, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 52, 4, 0xfffffff0, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 52, 4, 65, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	/* no range at all: EL2 has nothing against it, the secure world has */
	{ 52, 4, 80, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	/* counts are the secure world's to check */
	{ 64, 4, 7, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 68, 4, 0xffffffff, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	/* a device, EL2's memory, past the end of RAM, of everything */
	{ 80, 8, 0x09000000, FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED },
	{ 80, 8, 0x7fe00000, FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED },
	{ 80, 8, 0x80000000, FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED },
	{ 80, 8, ~UINT64_C(0xfff), FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED },
	/* inside a page: rounded down, where the secure world is as careless */
	{ 80, 8, RAM + 0x10800, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_DENIED },
	{ 88, 4, 0, FFA_RET_INVALID_PARAMETERS, FFA_RET_INVALID_PARAMETERS,
	  FFA_RET_INVALID_PARAMETERS },
	{ 88, 4, 0xffffffff, FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED },
};

static void test_fields(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(fields); i++) {
			const int want[] = { fields[i].v6_12, fields[i].v7_0, fields[i].v7_2 };
			struct rig r;
			u64 len;
			int got;

			rig_config(&r, p, FFA_V1_1);
			rig_start(&r, 0x10001);
			len = rig_describe(&r, r.p, 1, 1, true, 0);
			rig_put(&r, r.tx + fields[i].off, fields[i].size, fields[i].val);
			got = rig_share(&r, len);
			if (got != want[p])
				g_error("%s: %u bytes 0x%" G_GINT64_MODIFIER "x at %u: %d, not %d",
					el2_profiles[p].name, fields[i].size, fields[i].val,
					(unsigned int)fields[i].off, got, want[p]);
			if (got != PANIC) {
				assert_host(&r, r.p, PKVM_PAGE_OWNED);
				rig_assert_unlocked(&r);
			}
			rig_free(&r);
		}
	}
}

/* What was shared before the range that is refused comes back. */
static void test_rollback(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		struct rig r;
		u64 len;

		rig_config(&r, p, FFA_V1_1);
		rig_start(&r, 0x10001);
		/* the third is EL2's mailbox; the first two come back */
		len = rig_describe(&r, r.p, 3, 1, true, 0);
		rig_put(&r, r.tx + 80 + 32, 8, r.rx);
		g_assert_cmpint(rig_share(&r, len), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		assert_host(&r, r.p + r.page, PKVM_PAGE_OWNED);
		g_assert_cmpint(rig_page(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
		/* the same page twice */
		rig_put(&r, r.tx + 80 + 32, 8, r.p);
		g_assert_cmpint(rig_share(&r, len), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		rig_assert_unlocked(&r);
		rig_free(&r);
	}
}

static int frag_tx(struct rig *r, u64 handle, u64 bytes)
{
	return SMC(r, FFA_MEM_FRAG_TX, handle, 0, bytes, 0);
}

static void test_fragments(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		struct rig r;
		u64 handle;

		rig_config(&r, p, FFA_V1_1);
		rig_start(&r, 0x10001);
		g_assert_cmpuint(rig_describe(&r, r.p, 1, 1, true, 2), ==, 96);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 128, 96), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_MEM_FRAG_RX);
		g_assert_cmphex(REG(&r, 3), ==, 96);
		handle = r.last.value;
		/* not while it is not whole */
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==,
				FFA_RET_INVALID_PARAMETERS);
		rig_describe(&r, r.p + r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_MEM_FRAG_RX);
		rig_describe(&r, r.p + 2 * r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_SUCCESS);
		for (unsigned int i = 0; i < 3; i++)
			assert_host(&r, r.p + i * r.page, PKVM_PAGE_SHARED_OWNED);
		/* one too many: EL2's own share of it is undone, the rest stays */
		rig_describe(&r, r.p + 3 * r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.p + 3 * r.page, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==, OK);
		for (unsigned int i = 0; i < 3; i++)
			assert_host(&r, r.p + i * r.page, PKVM_PAGE_OWNED);

		/* a bad page in a later one: what came before stays shared for good (B-46) */
		rig_describe(&r, r.p, 1, 1, true, 1);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 112, 96), ==, OK);
		handle = r.last.value;
		rig_describe(&r, 0x09000000, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_SHARED_OWNED);
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==,
				FFA_RET_INVALID_PARAMETERS);
		/* a handle of nobody's: the reclaim that EL2 counts on fails, under WARN_ON */
		g_assert_cmpint(frag_tx(&r, 77, 16), ==, PANIC);
		rig_free(&r);
	}
}

/* More ranges than one mailbox holds come back in fragments too. */
static void test_long(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const unsigned int total = 2 * 250;
		struct rig r;
		u64 handle = 0;

		rig_config(&r, p, FFA_V1_1);
		rig_start(&r, 0x10001);
		rig_describe(&r, r.p, 1, 1, true, total - 1);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 80 + 16 * total, 96), ==, OK);
		handle = r.last.value;
		for (unsigned int i = 1; i < total; i++) {
			rig_describe(&r, r.p + 2 * i * r.page, 1, 1, false, 0);
			g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
		}
		g_assert_cmphex(REG(&r, 0), ==, FFA_SUCCESS);
		assert_host(&r, r.p + 998 * r.page, PKVM_PAGE_SHARED_OWNED);
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==, OK);
		for (unsigned int i = 0; i < total; i++)
			assert_host(&r, r.p + 2 * i * r.page, PKVM_PAGE_OWNED);
		rig_free(&r);
	}
}

/* ---- A secure world that lies ---------------------------------------------------------------- */

static void test_lies(void)
{
	static const struct {
		u8 lie;
		bool reclaim; /* at the reclaim; else at the share */
		int v6_12, v7_0, v7_2;
		enum page_state after; /* of a page of it, unless EL2 is dead */
	} row[] = {
		{ SECURE_FULL, false, FFA_RET_NO_MEMORY, FFA_RET_NO_MEMORY, FFA_RET_NO_MEMORY,
		  PKVM_PAGE_OWNED },
		{ SECURE_MISPLACED, false, OK, OK, OK, PKVM_PAGE_OWNED },
		{ SECURE_KEEPS, true, FFA_RET_DENIED, FFA_RET_DENIED, FFA_RET_DENIED,
		  PKVM_PAGE_SHARED_OWNED },
		{ SECURE_HUGE, true, FFA_RET_NO_MEMORY, FFA_RET_NO_MEMORY, FFA_RET_NO_MEMORY,
		  PKVM_PAGE_SHARED_OWNED },
		{ SECURE_WIDE, true, PANIC, PANIC, FFA_RET_ABORTED, PKVM_PAGE_SHARED_OWNED },
		{ SECURE_FAR, true, PANIC, PANIC, FFA_RET_ABORTED, PKVM_PAGE_SHARED_OWNED },
		{ SECURE_OVERCOUNTS, true, PANIC, PANIC, FFA_RET_ABORTED, PKVM_PAGE_SHARED_OWNED },
		{ SECURE_STALLS, true, HANG, HANG, HANG, PKVM_PAGE_SHARED_OWNED },
		{ SECURE_OVERRUNS, true, PANIC, PANIC, PANIC, PKVM_PAGE_SHARED_OWNED },
	};
	const unsigned int total = 300;

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
			const int want[] = { row[i].v6_12, row[i].v7_0, row[i].v7_2 };
			struct rig r;
			u64 handle;
			int got;

			rig_config(&r, p, FFA_V1_1);
			r.ec->knob[KNOB_SECURE_WORLD] = row[i].lie;
			rig_start(&r, 0x10001);
			rig_describe(&r, r.p, 1, 1, true, total - 1);
			got = SMC(&r, FFA_FN64_MEM_SHARE, 80 + 16 * total, 96);
			handle = r.last.value;
			for (unsigned int k = 1; row[i].reclaim && k < total; k++) {
				rig_describe(&r, r.p + 2 * k * r.page, 1, 1, false, 0);
				g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
			}
			if (row[i].reclaim)
				got = SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0);
			g_assert_cmpint(got, ==, want[p]);
			if (got != PANIC)
				assert_host(&r, r.p, row[i].after);
			if (got != PANIC && got != HANG)
				rig_assert_unlocked(&r);
			rig_free(&r);
		}
	}
}

/* ---- Bugs brought back --------------------------------------------------------------------- */

static int with_bug(enum profile_id p, enum bug_id bug, u64 off, unsigned int size, u64 val,
		    unsigned int n, struct rig *r)
{
	u64 len;

	rig_config(r, p, FFA_V1_1);
	r->ec->bug[bug] = true;
	rig_start(r, 0x10001);
	len = rig_describe(r, r->p, n, 0, true, 0);
	rig_put(r, r->tx + off, size, val);
	return rig_share(r, len);
}

static void test_bugs(void)
{
	struct rig r;

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		g_assert_cmpint(with_bug(p, BUG_B39, 52, 4, 0xfffffff0, 1, &r), ==, PANIC);
		rig_free(&r);
		/* the first of two shares of a page is not undone */
		g_assert_cmpint(with_bug(p, BUG_B47, 0, 2, 0, 2, &r), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_SHARED_OWNED);
		rig_free(&r);
	}
	g_assert_cmpint(with_bug(PROFILE_V7_2, BUG_B41, 32, 4, 0x40000000, 1, &r), ==, PANIC);
	rig_free(&r);
	g_assert_cmpint(with_bug(PROFILE_V7_2, BUG_B42, 80, 8, RAM + 0x10800, 1, &r), ==,
			FFA_RET_INVALID_PARAMETERS);
	rig_free(&r);
}

/* 64 KiB pages: the secure world is lent one address, EL2 marks another page. */
static void test_rounding(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int bug = 0; bug < (p == PROFILE_V7_2 ? 2 : 1); bug++) {
			const bool rounds = p != PROFILE_V7_2 || bug;
			struct rig r;
			u64 len;

			rig_config(&r, p, FFA_V1_1);
			r.ec->bug[BUG_B42] = bug;
			r.bc->f.page_shift = 16;
			rig_start(&r, 0x10001);
			len = rig_describe(&r, r.p, 1, 1, true, 0);
			rig_put(&r, r.tx + 80, 8, r.p + 0x1000);
			g_assert_cmpint(rig_share(&r, len), ==, rounds ? OK : FFA_RET_DENIED);
			assert_host(&r, r.p, rounds ? PKVM_PAGE_SHARED_OWNED : PKVM_PAGE_OWNED);
			assert_host(&r, r.p + r.page, PKVM_PAGE_OWNED);
			/* part of a page is too little for any release */
			rig_put(&r, r.tx + 80, 8, r.p + 2 * r.page);
			rig_put(&r, r.tx + 88, 4, 1);
			g_assert_cmpint(rig_share(&r, len), ==, FFA_RET_DENIED);
			rig_free(&r);
		}
	}
}

/* C1: a handle that nobody gave names the frame of its number. */
static void test_c1(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		struct rig r;

		rig_config(&r, p, FFA_V1_1);
		r.ec->bug[BUG_C1] = true;
		rig_start(&r, 0x10001);
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, r.rx >> 12, 0, 0), ==, OK);
		assert_host(&r, r.rx, PKVM_PAGE_OWNED);
		g_assert_cmpint(rig_page(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
		/* a page that nobody shares: EL2 believes it was lent, and warns */
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, r.p >> 12, 0, 0), ==, PANIC);
		rig_free(&r);
	}
}

/* Before EL2 is there an SMC is EL3's; a snapshot has the secure world in it. */
static void test_machine(void)
{
	struct snapshot *s;
	struct rig r;
	GError *error = NULL;
	u64 len;

	rig_config(&r, PROFILE_V7_2, FFA_V1_1);
	r.m = machine_new(r.bc, r.ec, &pkvm_hypervisor, &error);
	g_assert_no_error(error);
	g_assert_cmpint(SMC(&r, FFA_ID_GET), ==, OK);
	g_assert_cmpint(SMC(&r, FFA_FN64_RXTX_MAP, 0x1000, 0x2000, 1), ==,
			FFA_RET_INVALID_PARAMETERS);
	machine_free(r.m);

	rig_start(&r, 0x10001);
	s = board_snapshot(r.m->board);
	len = rig_describe(&r, r.p, 2, 3, true, 0);
	g_assert_cmpint(rig_share(&r, len), ==, OK);
	board_restore(r.m->board, s);
	g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, 1, 0, 0), ==, FFA_RET_INVALID_PARAMETERS);
	rig_describe(&r, r.p, 2, 3, true, 0);
	g_assert_cmpint(rig_share(&r, len), ==, OK);
	g_assert_cmphex(r.last.value, ==, 1);
	board_snapshot_drop(r.m->board, s);
	rig_free(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ffa/share", test_share);
	g_test_add_func("/ffa/registers", test_registers);
	g_test_add_func("/ffa/fields", test_fields);
	g_test_add_func("/ffa/rollback", test_rollback);
	g_test_add_func("/ffa/fragments", test_fragments);
	g_test_add_func("/ffa/long", test_long);
	g_test_add_func("/ffa/lies", test_lies);
	g_test_add_func("/ffa/bugs", test_bugs);
	g_test_add_func("/ffa/rounding", test_rounding);
	g_test_add_func("/ffa/c1", test_c1);
	g_test_add_func("/ffa/machine", test_machine);
	return g_test_run();
}
