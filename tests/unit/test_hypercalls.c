// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dispatcher: which numbers exist, when they are refused, what comes back; and
 * the table of calls.
 */
#include "tests/unit/ownership_rig.h"

/* ---- Hypercalls ------------------------------------------ */

struct hvc {
	u64 x0, x1, x2, x3;
};

static s64 run_hvc(struct hyp_cpu *c, void *arg)
{
	struct hvc *h = arg;
	u64 regs[18] = { h->x0, h->x1, h->x2, h->x3 };

	handle_host_hcall(c, regs);
	*h = (struct hvc){ regs[0], regs[1], regs[2], regs[3] };
	return 0;
}

static struct hvc hvc(struct hyp_machine *m, u64 id, u64 x1, u64 x2, u64 x3)
{
	struct hvc h = { id, x1, x2, x3 };
	s64 ret;

	g_assert_true(hm_run(m, run_hvc, &h, &ret));
	return h;
}

static void test_hypercalls(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		const u64 base = 0xc6000000u, share_nr = p == PROFILE_V6_12 ? 9 : 8;
		const u64 private_nr = p == PROFILE_V6_12 ? 3 : 2, x1 = PAGE_IN_RAM >> 12;
		const u64 rw = p == PROFILE_V6_12 ? 6 : 12;
		struct hyp_machine m;
		struct hvc h;

		rig_start(&m, p);
		hm_start(&m);
		/* before boot a page cannot be shared, and nothing breaks in us */
		g_assert_cmpint(rig_do(&m, SH, PAGE_IN_RAM), ==,
				p == PROFILE_V6_12 ? -ERANGE : PANIC);
		pkvm_hypervisor.recover(m.e);
		g_assert_cmpint((s64)hvc(&m, base + private_nr, 0x9000000, 4096, rw).x1, ==,
				-EINVAL);
		h = hvc(&m, base + private_nr - 1, m.hyp->hyp_mem.base + 1, m.hyp->hyp_mem.size, 1);
		g_assert_cmpint((s64)h.x1, ==, -EINVAL);

		/* booted, not yet deprivileged */
		g_assert_cmpint(pkvm_hypervisor.init(m.e, &m.b->cpus[0]), ==, 0);
		g_assert_cmpint(pkvm_hypervisor.finalise(m.e, &m.b->cpus[0]), ==, 0);
		h = hvc(&m, base + private_nr, 0x9000008, 4096, rw);
		g_assert_cmphex(h.x0, ==, 0);
		g_assert_cmphex(h.x1 & 0xfff, ==, 8);
		g_assert_cmpint((s64)hvc(&m, base + private_nr, 0x9000000, 4096, 0).x1, ==,
				-EINVAL);
		g_assert_cmpint((s64)hvc(&m, base + private_nr + 1, 3, 0, 0).x1, ==, 0);
		g_assert_cmpint((s64)hvc(&m, base + private_nr + 1, 4, 0, 0).x1, ==, -EINVAL);

		for (unsigned int i = 0; i < m.b->n_cpus; i++)
			g_assert_cmpint(pkvm_hypervisor.prot_finalize(m.e, &m.b->cpus[i]), ==, 0);
		h = hvc(&m, base + private_nr, 5, 6, 7);
		g_assert_cmphex(h.x0, ==, ~UINT64_C(0));
		g_assert_cmphex(h.x1, ==, 5);
		g_assert_cmpint((s64)hvc(&m, base + share_nr - 1, 0, 0, 0).x1, ==, -EPERM);
		/* the SVE hint is not part of the number */
		h = hvc(&m, base + share_nr + 0x10000, x1, 0, 0);
		g_assert_cmphex(h.x0, ==, 0);
		g_assert_cmphex(h.x1, ==, 0);
		g_assert_cmpint((s64)hvc(&m, base + share_nr + 1, x1, 0, 0).x1, ==, 0);
		g_assert_cmphex(hvc(&m, base, 0, 0, 0).x0, ==, ~UINT64_C(0));
		g_assert_cmphex(hvc(&m, base + 200, 0, 0, 0).x0, ==, ~UINT64_C(0));
		g_assert_cmphex(hvc(&m, 0, 0, 0, 0).x0, ==, ~UINT64_C(0));
		hm_free(&m);
	}
}

/* EL2 called to begin again clears the tables that it runs on. */
static void test_second_init(void)
{
	struct hyp_machine m;
	struct hvc h = { .x0 = 0xc6000001 };
	s64 ret;

	rig_start(&m, PROFILE_V7_0);
	hm_start(&m);
	g_assert_cmpint(pkvm_hypervisor.init(m.e, &m.b->cpus[0]), ==, 0);
	h.x1 = m.hyp->hyp_mem.base;
	h.x2 = m.hyp->hyp_mem.size;
	g_assert_false(hm_run(&m, run_hvc, &h, &ret));
	g_assert_true(pkvm_hypervisor.panic(m.e)->happened);
	hm_free(&m);
}

/* The table names what this EL2 has and nothing else. */
static void test_call_table(void)
{
	for (u8 mmio = MMIO_DONATION_NONE; mmio <= MMIO_DONATION_RANGE; mmio++) {
		const struct el2_call *const *calls, *call;
		struct hyp_machine m;
		bool ambiguous;

		rig_start(&m, PROFILE_V7_0);
		m.ec->knob[KNOB_MMIO_DONATION] = mmio;
		hm_start(&m);
		calls = pkvm_hypervisor.calls(m.e);
		call = el2_call_find(calls, "host_donate_hyp_mmio", &ambiguous);
		g_assert_cmpint(call != NULL, ==, mmio != MMIO_DONATION_NONE);
		g_assert_cmpuint(call ? call->n_args : 0, ==,
				 mmio == MMIO_DONATION_RANGE  ? 2
				 : mmio == MMIO_DONATION_NONE ? 0
							      : 1);
		g_assert_null(el2_call_find(calls, "map_mmio", &ambiguous));
		g_assert_null(el2_call_find(calls, "host_stage2_unmap", &ambiguous));
		call = el2_call_find(calls, "__pkvm_host_share_hyp", &ambiguous);
		g_assert_cmphex(pkvm_hypervisor.hvc_id(m.e, call), ==, 0xc6000008);
		for (; *calls; calls++)
			g_assert_cmpint((*calls)->hypercall, ==,
					pkvm_hypervisor.hvc_id(m.e, *calls) != 0);
		hm_free(&m);
	}
}

/* Frame numbers lose their bits from 52 on. */
static void test_frame_alias(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		const u64 id = 0xc6000000u + (p == PROFILE_V6_12 ? 9 : 8);
		struct hyp_machine m;

		rig_booted(&m, p);
		g_assert_cmpint((s64)hvc(&m, id, (PAGE_IN_RAM >> 12) | BIT(60), 0, 0).x1, ==, 0);
		g_assert_cmpint(rig_do(&m, SH, PAGE_IN_RAM), ==, -EPERM);
		hm_free(&m);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hypercalls/frame-alias", test_frame_alias);
	g_test_add_func("/hypercalls/hypercalls", test_hypercalls);
	g_test_add_func("/hypercalls/second-init", test_second_init);
	g_test_add_func("/hypercalls/call-table", test_call_table);
	return g_test_run();
}
