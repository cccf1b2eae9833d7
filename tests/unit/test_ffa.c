// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FF-A from the host's SMC to the secure world and back: versions, which call is whose,
 * mailboxes, who is there; release by release. Memory is in test_ffa_mem.c.
 */
#include "tests/unit/ffa_rig.h"

/* ---- Versions ------------------------------------------------------------------------- */

static void test_boot(void)
{
	static const struct {
		u8 ffa;
		s64 v6_12, later;
	} row[] = {
		{ FFA_NONE, 0, 0 },
		{ FFA_INCOMPATIBLE, -EOPNOTSUPP, -EOPNOTSUPP },
		{ FFA_V1_0, 0, 0 },
		{ FFA_V1_2, 0, 0 },
		{ FFA_UNSUPPORTED, -EOPNOTSUPP, 0 },
	};

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
			struct rig r;

			rig_config(&r, p, row[i].ffa);
			g_assert_cmpint(rig_boot(&r), ==,
					p == PROFILE_V6_12 ? row[i].v6_12 : row[i].later);
			rig_free(&r);
		}
	}
}

static void test_version(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const u64 newest = p == PROFILE_V6_12 ? 0x10001 : 0x10002;
		struct rig r;

		rig_config(&r, p, FFA_V1_2);
		g_assert_cmpint(rig_boot(&r), ==, 0);
		g_assert_cmpint(SMC(&r, FFA_ID_GET), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(rig_map(&r), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x20000), ==, REFUSED);
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x10005), ==, OK);
		g_assert_cmphex(r.last.value, ==, newest);
		/* less than agreed on: told what it is, or refused */
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x10000), ==,
				p == PROFILE_V6_12 ? OK : REFUSED);
		g_assert_cmpint(SMC(&r, FFA_ID_GET), ==, OK);
		g_assert_cmphex(REG(&r, 2), ==, 0);
		rig_assert_unlocked(&r);
		rig_free(&r);

		/* none there: nobody to agree with */
		rig_config(&r, p, FFA_NONE);
		g_assert_cmpint(rig_boot(&r), ==, 0);
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x10000), ==, REFUSED);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 0), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, SMCCC_VERSION_ID), ==, OK);
		g_assert_cmphex(r.last.value, ==, 0x10001);
		rig_free(&r);
	}
}

/* Refused by name, passed on, or nobody's. */
static void test_calls(void)
{
	static const u64 refused[] = {
		FFA_RXTX_MAP,
		FFA_MSG_SEND,
		FFA_MSG_POLL,
		FFA_MSG_WAIT,
		FFA_MEM_DONATE,
		FFA_FN64_MEM_DONATE,
		FFA_MEM_FRAG_RX,
		FFA_MEM_RETRIEVE_REQ,
		FFA_FN64_MEM_RETRIEVE_REQ,
		FFA_MEM_OP_PAUSE,
		FFA_MEM_RETRIEVE_RESP,
		FFA_MEM_RELINQUISH,
		FFA_MEM_OP_RESUME,
		FFA_MSG_SEND_DIRECT_RESP,
	};
	const u64 share[] = { FFA_MEM_SHARE, FFA_FN64_MEM_SHARE, FFA_MEM_LEND, FFA_FN64_MEM_LEND };

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		struct rig r;

		rig_config(&r, p, FFA_V1_1);
		rig_start(&r, 0x10001);
		for (unsigned int i = 0; i < G_N_ELEMENTS(refused); i++) {
			g_assert_cmpint(SMC(&r, refused[i]), ==, FFA_RET_NOT_SUPPORTED);
			g_assert_cmpint(SMC(&r, FFA_FEATURES, refused[i]), ==,
					FFA_RET_NOT_SUPPORTED);
		}
		for (unsigned int i = 0; i < G_N_ELEMENTS(share); i++) {
			g_assert_cmpint(SMC(&r, FFA_FEATURES, share[i]), ==, OK);
			g_assert_cmphex(r.last.value, ==, 0);
		}
		g_assert_cmpint(SMC(&r, FFA_FEATURES, FFA_FN64_RXTX_MAP), ==, OK);
		/* the partition answers; v6.12 gives all registers of a call that goes past it */
		g_assert_cmpint(SMC(&r, FFA_MSG_SEND_DIRECT_REQ, 0x8001, 0, 7, 8, 9), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_MSG_SEND_DIRECT_RESP);
		g_assert_cmphex(REG(&r, 1), ==, 0x80010000);
		g_assert_cmphex(REG(&r, 5), ==, 9);
		/* what EL2 answers: four registers, or all that SMCCC 1.2 has */
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 1, 2, 3, 4, 5), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmphex(REG(&r, 3), ==, 0);
		g_assert_cmphex(REG(&r, 5), ==, p == PROFILE_V6_12 ? 5 : 0);
		g_assert_cmpint(SMC(&r, 0x82000001), ==, REFUSED);
		rig_free(&r);
	}
}

/* From v7.2 on only what SMCCC defines gets past EL2. */
static void test_malformed(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const bool checks = p == PROFILE_V7_2;
		const u64 odd[] = { FFA_ID_GET | BIT(32) }, hint[] = { FFA_ID_GET | BIT(16) };
		const u64 plain[] = { FFA_ID_GET };
		struct rig r;

		rig_config(&r, p, FFA_V1_1);
		rig_start(&r, 0x10001);
		g_assert_cmpint(rig_end(&r, machine_smc(r.m, 0, 0, odd, 1)), ==,
				checks ? REFUSED : OK);
		g_assert_cmpint(rig_end(&r, machine_smc(r.m, 1, 3, plain, 1)), ==,
				checks ? REFUSED : OK);
		g_assert_cmpint(rig_end(&r, machine_smc(r.m, 0, 0, hint, 1)), ==, OK);
		rig_free(&r);
	}
}

/* ---- Mailboxes ------------------------------------------------------------------------------ */

static void test_mailboxes(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		struct rig r;

		rig_config(&r, p, FFA_V1_1);
		g_assert_cmpint(rig_boot(&r), ==, 0);
		SMC(&r, FFA_VERSION, 0x10001);
		g_assert_cmpint(SMC(&r, FFA_FN64_RXTX_MAP, r.tx, r.rx, 2), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_FN64_RXTX_MAP, r.tx + 8, r.rx, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		/* one page for both, and a device: undone as far as it came */
		g_assert_cmpint(SMC(&r, FFA_FN64_RXTX_MAP, r.tx, r.tx, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.tx, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_FN64_RXTX_MAP, r.tx, 0x09000000, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.tx, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 0), ==, FFA_RET_INVALID_PARAMETERS);

		g_assert_cmpint(rig_map(&r), ==, OK);
		assert_host(&r, r.tx, PKVM_PAGE_SHARED_OWNED);
		g_assert_cmpint(rig_page(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
		g_assert_cmpuint(rig_page(&r, r.rx).refcount, ==, 1);
		g_assert_cmpint(rig_map(&r), ==, FFA_RET_DENIED);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 1), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 0), ==, OK);
		assert_host(&r, r.tx, PKVM_PAGE_OWNED);
		g_assert_cmpuint(rig_page(&r, r.rx).refcount, ==, 0);
		g_assert_cmpint(rig_map(&r), ==, OK);
		rig_assert_unlocked(&r);
		rig_free(&r);
	}
}

static void test_partitions(void)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (u64 version = 0x10000; version <= 0x10001; version++) {
			struct rig r;

			rig_config(&r, p, FFA_V1_1);
			g_assert_cmpint(rig_boot(&r), ==, 0);
			g_assert_cmpint(SMC(&r, FFA_VERSION, version), ==, OK);
			g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET), ==, FFA_RET_BUSY);
			g_assert_cmpint(rig_map(&r), ==, OK);
			g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET), ==, OK);
			g_assert_cmpuint(r.last.value, ==, 1);
			g_assert_cmphex(rig_get(&r, r.rx, 8), ==, 0x18001);
			g_assert_cmphex(!!rig_get(&r, r.rx + 8, 8), ==, version > 0x10000);
			/* it is the host that gives EL2's buffer back */
			g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET), ==, FFA_RET_BUSY);
			g_assert_cmpint(SMC(&r, FFA_RX_RELEASE), ==, OK);
			if (version > 0x10000)
				g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET, 0, 0, 0, 0, 1), ==,
						OK);
			rig_free(&r);
		}
	}
}

/* ---- Names ---------------------------------------------------------------------------------- */

static void test_names(void)
{
	const u64 unknown[18] = { FFA_ERROR, 0, 0xffffff00 };
	u64 value;

	g_assert_cmphex(el2_smc_find("ffa_mem_share")->id, ==, FFA_FN64_MEM_SHARE);
	g_assert_null(el2_smc_find("ffa_mem"));
	g_assert_cmpstr(ffa_error_name(6), ==, "DENIED");
	g_assert_null(ffa_error_name(0));
	g_assert_null(ffa_error_name(10));
	g_assert_cmpint(el2_smc_end(unknown, &value), ==, SMC_VALUE);
	g_assert_cmphex(value, ==, FFA_ERROR);
	g_assert_cmpstr(outcome_word(&(struct outcome){ OUTCOME_FFA, true, (u64)-2 }), ==,
			"INVALID_PARAMETERS");
	g_assert_cmpstr(outcome_word(&(struct outcome){ .kind = OUTCOME_BUS }), ==, "bus");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ffa/boot", test_boot);
	g_test_add_func("/ffa/version", test_version);
	g_test_add_func("/ffa/calls", test_calls);
	g_test_add_func("/ffa/malformed", test_malformed);
	g_test_add_func("/ffa/mailboxes", test_mailboxes);
	g_test_add_func("/ffa/partitions", test_partitions);
	g_test_add_func("/ffa/names", test_names);
	return g_test_run();
}
