// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FF-A from the host's SMC to the secure world and back: versions, mailboxes, every
 * check of a descriptor in its order, fragments, and each lie, release by release.
 */
#include <string.h>

#include "model/model.h"
#include "sim/el2/smc.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

/* How a call ended: a number, an FF-A error's code, or 0x2000 and the outcome's kind. */
#define OK 0x1000
#define PANIC (0x2000 + OUTCOME_PANIC)
#define HANG (0x2000 + OUTCOME_HANG)
#define REFUSED (0x2000 + OUTCOME_REFUSED)
#define RAM UINT64_C(0x48000000)

struct rig {
	struct board_config *bc;
	struct el2_config *ec;
	struct machine *m;
	u64 page, tx, rx, p; /* page size; mailboxes, memory to share */
	struct outcome last;
};

static void rig_config(struct rig *r, enum profile_id p, u8 ffa)
{
	*r = (struct rig){
		.bc = board_config_machine("virt"),
		.ec = el2_config_new(&el2_profiles[p]),
	};
	r->ec->knob[KNOB_FFA] = ffa;
}

static s64 rig_boot(struct rig *r)
{
	GError *error = NULL;
	struct outcome o;

	r->m = machine_new(r->bc, r->ec, &pkvm_hypervisor, &error);
	g_assert_no_error(error);
	r->page = BIT(r->bc->f.page_shift);
	r->tx = RAM;
	r->rx = RAM + r->page;
	r->p = RAM + 16 * r->page;
	o = machine_boot(r->m);
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return (s64)o.value;
}

static void rig_free(struct rig *r)
{
	machine_free(r->m);
	board_config_free(r->bc);
	el2_config_free(r->ec);
}

static int end_of(struct rig *r, struct outcome o)
{
	r->last = o;
	if (o.kind == OUTCOME_VALUE)
		return OK;
	return o.kind == OUTCOME_FFA ? (int)(s64)o.value : (int)(0x2000 + o.kind);
}

#define SMC(r, ...)                                                                                \
	({                                                                                         \
		const u64 regs_[] = { __VA_ARGS__ };                                               \
		end_of((r), machine_smc((r)->m, 0, 0, regs_, G_N_ELEMENTS(regs_)));                \
	})
#define REG(r, n) (machine_registers((r)->m)[n])

static int map(struct rig *r)
{
	return SMC(r, FFA_FN64_RXTX_MAP, r->tx, r->rx, r->page / 4096);
}

/* Booted, a version agreed on, mailboxes mapped. */
static void rig_start(struct rig *r, u64 version)
{
	g_assert_cmpint(rig_boot(r), ==, 0);
	g_assert_cmpint(SMC(r, FFA_VERSION, version), ==, OK);
	g_assert_cmphex(r->last.value, ==, version);
	g_assert_cmpint(map(r), ==, OK);
}

static void put(struct rig *r, u64 pa, unsigned int size, u64 val)
{
	g_assert_cmpint(machine_host_access(r->m, 0, MMU_WRITE, pa, size, val, true).kind, ==,
			OUTCOME_VALUE);
}

static u64 get(struct rig *r, u64 pa, unsigned int size)
{
	struct outcome o = machine_host_access(r->m, 0, MMU_READ, pa, size, 0, true);

	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return o.value;
}

/* @n ranges of one page each, @stride pages apart, from @pa on: the bytes written. */
static u64 describe(struct rig *r, u64 pa, unsigned int n, u64 stride, bool head, u32 more)
{
	struct machine_ffa_ranges d = { .head = head, .n = n, .more = more };
	struct outcome o;

	d.more_pages = (u32)(more * r->page / 4096);
	for (unsigned int i = 0; i < n; i++) {
		d.range[i].address = pa + i * stride * r->page;
		d.range[i].pages = r->page / 4096;
	}
	o = machine_ffa_describe(r->m, 0, r->tx, &d);
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return o.value;
}

static int share(struct rig *r, u64 len)
{
	return SMC(r, FFA_FN64_MEM_SHARE, len, len);
}

static struct abs_page page_of(struct rig *r, u64 pa)
{
	struct abs_page p;

	model_page(r->m->board, r->m->hyp->view(r->m->el2), PA(pa), &p);
	return p;
}

#define assert_host(r, pa, s) g_assert_cmpint(page_of((r), (pa)).host, ==, (s))

static void assert_unlocked(struct rig *r)
{
	for (const struct spinlock *l = r->m->board->locks; l; l = l->next)
		g_assert_false(spin_is_locked(l));
}

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
		g_assert_cmpint(map(&r), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x20000), ==, REFUSED);
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x10005), ==, OK);
		g_assert_cmphex(r.last.value, ==, newest);
		/* less than agreed on: told what it is, or refused */
		g_assert_cmpint(SMC(&r, FFA_VERSION, 0x10000), ==,
				p == PROFILE_V6_12 ? OK : REFUSED);
		g_assert_cmpint(SMC(&r, FFA_ID_GET), ==, OK);
		g_assert_cmphex(REG(&r, 2), ==, 0);
		assert_unlocked(&r);
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
		g_assert_cmpint(end_of(&r, machine_smc(r.m, 0, 0, odd, 1)), ==,
				checks ? REFUSED : OK);
		g_assert_cmpint(end_of(&r, machine_smc(r.m, 1, 3, plain, 1)), ==,
				checks ? REFUSED : OK);
		g_assert_cmpint(end_of(&r, machine_smc(r.m, 0, 0, hint, 1)), ==, OK);
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

		g_assert_cmpint(map(&r), ==, OK);
		assert_host(&r, r.tx, PKVM_PAGE_SHARED_OWNED);
		g_assert_cmpint(page_of(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
		g_assert_cmpuint(page_of(&r, r.rx).refcount, ==, 1);
		g_assert_cmpint(map(&r), ==, FFA_RET_DENIED);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 1), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_RXTX_UNMAP, 0), ==, OK);
		assert_host(&r, r.tx, PKVM_PAGE_OWNED);
		g_assert_cmpuint(page_of(&r, r.rx).refcount, ==, 0);
		g_assert_cmpint(map(&r), ==, OK);
		assert_unlocked(&r);
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
			g_assert_cmpint(map(&r), ==, OK);
			g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET), ==, OK);
			g_assert_cmpuint(r.last.value, ==, 1);
			g_assert_cmphex(get(&r, r.rx, 8), ==, 0x18001);
			g_assert_cmphex(!!get(&r, r.rx + 8, 8), ==, version > 0x10000);
			/* whose is it to give EL2's buffer back? */
			g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET), ==,
					p == PROFILE_V6_12 ? FFA_RET_BUSY : OK);
			g_assert_cmpint(SMC(&r, FFA_RX_RELEASE), ==,
					p == PROFILE_V6_12 ? OK : FFA_RET_DENIED);
			if (version > 0x10000)
				g_assert_cmpint(SMC(&r, FFA_PARTITION_INFO_GET, 0, 0, 0, 0, 1), ==,
						OK);
			rig_free(&r);
		}
	}
}

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
			len = describe(&r, r.p, 2, 3, true, 0);
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
			assert_unlocked(&r);
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
		g_assert_cmpint(share(&r, 96), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(map(&r), ==, OK);
		len = describe(&r, r.p, 1, 1, true, 0);
		g_assert_cmpuint(len, ==, 96);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len, 0, 1), ==,
				FFA_RET_INVALID_PARAMETERS);
		/* 32 bits of it are looked at */
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len, len + 16), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(share(&r, r.page + 16), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(share(&r, least - 16), ==, FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 9 * 4096 + 16, len), ==,
				FFA_RET_NO_MEMORY);
		g_assert_cmpint(SMC(&r, FFA_MEM_FRAG_TX, 1, 0, r.page + 16), ==,
				FFA_RET_INVALID_PARAMETERS);
		g_assert_cmpint(SMC(&r, FFA_MEM_FRAG_TX, 1, 0, 8), ==, FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, len | BIT(40), len, 0, BIT(32)), ==,
				OK);
		assert_unlocked(&r);
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
			len = describe(&r, r.p, 1, 1, true, 0);
			put(&r, r.tx + fields[i].off, fields[i].size, fields[i].val);
			got = share(&r, len);
			if (got != want[p])
				g_error("%s: %u bytes 0x%" G_GINT64_MODIFIER "x at %u: %d, not %d",
					el2_profiles[p].name, fields[i].size, fields[i].val,
					(unsigned int)fields[i].off, got, want[p]);
			if (got != PANIC) {
				assert_host(&r, r.p, PKVM_PAGE_OWNED);
				assert_unlocked(&r);
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
		len = describe(&r, r.p, 3, 1, true, 0);
		put(&r, r.tx + 80 + 32, 8, r.rx);
		g_assert_cmpint(share(&r, len), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		assert_host(&r, r.p + r.page, PKVM_PAGE_OWNED);
		g_assert_cmpint(page_of(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
		/* the same page twice */
		put(&r, r.tx + 80 + 32, 8, r.p);
		g_assert_cmpint(share(&r, len), ==, FFA_RET_DENIED);
		assert_host(&r, r.p, PKVM_PAGE_OWNED);
		assert_unlocked(&r);
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
		g_assert_cmpuint(describe(&r, r.p, 1, 1, true, 2), ==, 96);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 128, 96), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_MEM_FRAG_RX);
		g_assert_cmphex(REG(&r, 3), ==, 96);
		handle = r.last.value;
		/* not while it is not whole */
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==,
				FFA_RET_INVALID_PARAMETERS);
		describe(&r, r.p + r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_MEM_FRAG_RX);
		describe(&r, r.p + 2 * r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
		g_assert_cmphex(REG(&r, 0), ==, FFA_SUCCESS);
		for (unsigned int i = 0; i < 3; i++)
			assert_host(&r, r.p + i * r.page, PKVM_PAGE_SHARED_OWNED);
		/* one too many: EL2's own share of it is undone, the rest stays */
		describe(&r, r.p + 3 * r.page, 1, 1, false, 0);
		g_assert_cmpint(frag_tx(&r, handle, 16), ==, FFA_RET_INVALID_PARAMETERS);
		assert_host(&r, r.p + 3 * r.page, PKVM_PAGE_OWNED);
		g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0), ==, OK);
		for (unsigned int i = 0; i < 3; i++)
			assert_host(&r, r.p + i * r.page, PKVM_PAGE_OWNED);

		/* a bad page in a later one: what came before stays shared for good (B-46) */
		describe(&r, r.p, 1, 1, true, 1);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 112, 96), ==, OK);
		handle = r.last.value;
		describe(&r, 0x09000000, 1, 1, false, 0);
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
		describe(&r, r.p, 1, 1, true, total - 1);
		g_assert_cmpint(SMC(&r, FFA_FN64_MEM_SHARE, 80 + 16 * total, 96), ==, OK);
		handle = r.last.value;
		for (unsigned int i = 1; i < total; i++) {
			describe(&r, r.p + 2 * i * r.page, 1, 1, false, 0);
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
			describe(&r, r.p, 1, 1, true, total - 1);
			got = SMC(&r, FFA_FN64_MEM_SHARE, 80 + 16 * total, 96);
			handle = r.last.value;
			for (unsigned int k = 1; row[i].reclaim && k < total; k++) {
				describe(&r, r.p + 2 * k * r.page, 1, 1, false, 0);
				g_assert_cmpint(frag_tx(&r, handle, 16), ==, OK);
			}
			if (row[i].reclaim)
				got = SMC(&r, FFA_MEM_RECLAIM, handle, 0, 0);
			g_assert_cmpint(got, ==, want[p]);
			if (got != PANIC)
				assert_host(&r, r.p, row[i].after);
			if (got != PANIC && got != HANG)
				assert_unlocked(&r);
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
	len = describe(r, r->p, n, 0, true, 0);
	put(r, r->tx + off, size, val);
	return share(r, len);
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
			len = describe(&r, r.p, 1, 1, true, 0);
			put(&r, r.tx + 80, 8, r.p + 0x1000);
			g_assert_cmpint(share(&r, len), ==, rounds ? OK : FFA_RET_DENIED);
			assert_host(&r, r.p, rounds ? PKVM_PAGE_SHARED_OWNED : PKVM_PAGE_OWNED);
			assert_host(&r, r.p + r.page, PKVM_PAGE_OWNED);
			/* part of a page is too little for any release */
			put(&r, r.tx + 80, 8, r.p + 2 * r.page);
			put(&r, r.tx + 88, 4, 1);
			g_assert_cmpint(share(&r, len), ==, FFA_RET_DENIED);
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
		g_assert_cmpint(page_of(&r, r.rx).hyp, ==, PKVM_PAGE_SHARED_BORROWED);
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
	len = describe(&r, r.p, 2, 3, true, 0);
	g_assert_cmpint(share(&r, len), ==, OK);
	board_restore(r.m->board, s);
	g_assert_cmpint(SMC(&r, FFA_MEM_RECLAIM, 1, 0, 0), ==, FFA_RET_INVALID_PARAMETERS);
	describe(&r, r.p, 2, 3, true, 0);
	g_assert_cmpint(share(&r, len), ==, OK);
	g_assert_cmphex(r.last.value, ==, 1);
	board_snapshot_drop(r.m->board, s);
	rig_free(&r);
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
	g_test_add_func("/ffa/names", test_names);
	return g_test_run();
}
