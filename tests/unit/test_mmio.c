// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Donated registers: errors in their order, what each variant of the patches does
 * under pressure and when it fails half-way, recycling, the boot step.
 */
#include <string.h>

#include "tests/unit/ownership_rig.h"

#define DEVICE PAGE_OF_HOLE
#define OTHER UINT64_C(0x0a000000) /* another 2 MiB */
#define NONE G_MAXUINT64

#define FOR_EACH_RELEASE(p) for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++)

static u64 free_pages(struct hyp_machine *m, enum pool_id pool)
{
	const struct hyp_pool *pools[] = { &m->hyp->host_s2_pool, &m->hyp->hpool };

	return hyp_pool_free_pages(&m->hyp->cpus[0], pools[pool]);
}

static void drain(struct hyp_machine *m, const char *pool, u64 leave)
{
	GError *error = NULL;

	pkvm_hypervisor.pool_drain(m->e, pool, leave, &error);
	g_assert_no_error(error);
}

static void refill(struct hyp_machine *m, const char *pool)
{
	GError *error = NULL;

	pkvm_hypervisor.pool_refill(m->e, pool, NONE, &error);
	g_assert_no_error(error);
}

/* @knob, value pairs, ended by N_KNOBS. */
static void with_knobs(struct hyp_machine *m, enum profile_id p, const int *knobs)
{
	rig_start(m, p);
	for (; knobs && *knobs != N_KNOBS; knobs += 2)
		m->ec->knob[knobs[0]] = (u8)knobs[1];
}

#define KNOBS(...) ((const int[]){ __VA_ARGS__, N_KNOBS })

static void donated(struct hyp_machine *m, u64 phys)
{
	struct abs_page p = rig_look(m, phys);

	g_assert_true(p.hyp_mapped);
	g_assert_false(p.host_mapped);
	g_assert_cmphex(p.host_pte, ==, 4);
	g_assert_cmpint(p.owner, ==, OWNER_HYP);
}

static void hosts(struct hyp_machine *m, u64 phys)
{
	struct abs_page p = rig_look(m, phys);

	g_assert_false(p.hyp_mapped);
	g_assert_cmpint(p.owner, ==, OWNER_HOST);
	g_assert_true(!p.host_pte || p.host_mapped);
}

/* ---- Errors in order ------------------------------------------ */

static void test_error_order(void)
{
	FOR_EACH_RELEASE(p)
	{
		struct hyp_machine m;

		rig_booted(&m, p);
		/* memory of any kind, whoever has it */
		rig_must(&m, DH, PAGE_IN_RAM);
		for (unsigned int op = DONATE_MMIO; op <= GIVE_MMIO; op++) {
			g_assert_cmpint(rig_do(&m, op, PAGE_IN_RAM), ==, -EINVAL);
			g_assert_cmpint(rig_do(&m, op, PAGE_IN_RAM + 4096), ==, -EINVAL);
			g_assert_cmpint(rig_do(&m, op, PAGE_OF_NOMAP), ==, -EINVAL);
		}
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, BIT(40)), ==, -ERANGE);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, BIT(40)), ==, -ENOENT);
		/* past the host's addresses comes before past EL2's */
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, BIT(48) - 4096), ==, -ERANGE);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, BIT(48) - 4096), ==, -ERANGE);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, DEVICE), ==, -ENOENT);

		rig_must(&m, DONATE_MMIO, DEVICE);
		donated(&m, DEVICE);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -EPERM);
		rig_must(&m, GIVE_MMIO, DEVICE);
		hosts(&m, DEVICE);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, DEVICE), ==, -ENOENT);

		/* EL2's address is taken; the host's entry empty, then valid */
		rig_must(&m, MAP_DEVICE, OTHER);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, OTHER), ==, -EBUSY);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, OTHER), ==, -EPERM);
		rig_must(&m, ABORT, OTHER);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, OTHER), ==, -EPERM);
		hm_free(&m);
	}
}

/* The transitions of memory do not take a device, but v6.12 gives one back. */
static void test_memory_calls(void)
{
	FOR_EACH_RELEASE(p)
	{
		struct hyp_machine m;

		rig_booted(&m, p);
		rig_must(&m, DONATE_MMIO, DEVICE);
		g_assert_cmpint(rig_do(&m, SH, DEVICE), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, DH, DEVICE), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, SF, DEVICE), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, HD, DEVICE), ==, p == PROFILE_V6_12 ? 0 : PANIC);
		if (p == PROFILE_V6_12)
			hosts(&m, DEVICE);
		hm_free(&m);
	}
}

static void test_block_around(void)
{
	FOR_EACH_RELEASE(p)
	{
		struct hyp_machine m;

		rig_booted(&m, p);
		rig_must(&m, ABORT, DEVICE);
		g_assert_cmpint(rig_look(&m, DEVICE).host_level, ==, 1);
		rig_must(&m, DONATE_MMIO, DEVICE);
		donated(&m, DEVICE);
		g_assert_false(rig_look(&m, DEVICE + 4096).host_mapped);
		rig_must(&m, ABORT, DEVICE + 4096);
		g_assert_cmpint(rig_look(&m, DEVICE + 4096).host_level, ==, 3);
		g_assert_cmpint(rig_do(&m, ABORT, DEVICE), ==, PANIC);
		hm_free(&m);
	}
}

/* ---- Pressure ------------------------------------------ */

struct pressure_case {
	u8 walker;
	s64 fault, donate;
	u64 owner; /* the donated page's entry afterwards */
};

/* A page donated, one table that recycling can get back, and none free. */
static void under_pressure(struct hyp_machine *m, enum profile_id p, u8 walker)
{
	with_knobs(m, p, KNOBS(KNOB_S2_UNMAP_ANNOTATED, walker));
	rig_boot(m);
	rig_must(m, DONATE_MMIO, DEVICE);
	rig_must(m, ABORT, UINT64_C(0x48003000));
	drain(m, "host_s2", 0);
}

/* The three walkers, and what an innocent access or a second donation meets. */
static void test_walkers(void)
{
	static const struct pressure_case cases[] = {
		{ S2_UNMAP_CLEAR, 0, 0, 0 },
		{ S2_UNMAP_EPERM, PANIC, PANIC, 4 },
		/* the one table is enough for a fault, not for a donation */
		{ S2_UNMAP_SKIP, 0, PANIC, 4 },
	};

	FOR_EACH_RELEASE(p)
	{
		for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
			const struct pressure_case *k = &cases[i];
			struct hyp_machine m;

			under_pressure(&m, p, k->walker);
			g_assert_cmpint(rig_do(&m, ABORT, UINT64_C(0x50000000)), ==, k->fault);
			g_assert_cmphex(rig_look(&m, DEVICE).host_pte, ==, k->owner);
			g_assert_true(rig_look(&m, DEVICE).hyp_mapped);
			hm_free(&m);

			under_pressure(&m, p, k->walker);
			g_assert_cmpint(rig_do(&m, DONATE_MMIO, UINT64_C(0x80000000)), ==,
					k->donate);
			g_assert_cmphex(rig_look(&m, DEVICE).host_pte, ==, k->owner);
			hm_free(&m);
		}
	}
}

/* -ENOMEM from EL2's pool changes nothing that counts. */
static void test_hyp_pool_empty(void)
{
	FOR_EACH_RELEASE(p)
	{
		struct hyp_machine m;

		rig_booted(&m, p);
		drain(&m, "hyp_s1", 0);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -ENOMEM);
		hosts(&m, DEVICE);
		refill(&m, "hyp_s1");
		rig_must(&m, DONATE_MMIO, DEVICE);
		hm_free(&m);
	}
}

/* The owner cannot be recorded: assert, assert and live, or return and undo. */
static void test_commit(void)
{
	FOR_EACH_RELEASE(p)
	{
		struct hyp_machine m;
		u64 tables;

		with_knobs(&m, p, KNOBS(KNOB_MMIO_COMMIT, MMIO_COMMIT_ASSERT));
		rig_boot(&m);
		drain(&m, "host_s2", 0);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, PANIC);
		g_assert_cmpstr(pkvm_hypervisor.panic(m.e)->reason, ==, "WARN");
		g_assert_cmpuint(pkvm_hypervisor.panic(m.e)->n_locks, ==, 2);
		g_assert_cmpint(rig_look(&m, DEVICE).owner, ==, OWNER_SEVERAL);
		hm_free(&m);

		with_knobs(&m, p,
			   KNOBS(KNOB_MMIO_COMMIT, MMIO_COMMIT_ASSERT, KNOB_WARN, WARN_CONTINUE));
		rig_boot(&m);
		drain(&m, "host_s2", 0);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, 0);
		g_assert_cmpint(rig_look(&m, DEVICE).owner, ==, OWNER_SEVERAL);
		hm_free(&m);

		with_knobs(&m, p, KNOBS(KNOB_MMIO_COMMIT, MMIO_COMMIT_RETURN));
		rig_boot(&m);
		tables = free_pages(&m, POOL_HYP_S1);
		drain(&m, "host_s2", 0);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -ENOMEM);
		hosts(&m, DEVICE);
		g_assert_cmpuint(free_pages(&m, POOL_HYP_S1), ==, tables);
		hm_free(&m);
	}
}

/* ---- Recycling ------------------------------------------ */

/*
 * Gap by gap or stepping: over a hole whose start is in the middle of an empty 1 GiB
 * entry the latter runs into the memory behind it, and forgets who owns that.
 */
static void test_stepping(void)
{
	static const struct ram_region two[] = {
		{ 0x40000000, 128 * MiB, false },
		{ 0x80000000, 256 * MiB, false },
	};

	for (u8 walk = RECYCLE_GAPS; walk <= RECYCLE_STEPPING; walk++) {
		struct hyp_machine m;
		const u64 page = 0x80001000;

		with_knobs(&m, PROFILE_V7_0, KNOBS(KNOB_RECYCLE_WALK, walk));
		hm_ram(&m, two, 2);
		m.ec->has_hyp_image = true;
		m.ec->hyp_image = 0x88000000;
		m.ec->hyp_memory = 0x8a000000;
		rig_boot(&m);
		rig_must(&m, DH, page);
		rig_must(&m, ABORT, UINT64_C(0x9000000)); /* a block below memory */
		drain(&m, "host_s2", 0);
		/* no table can come back from it: a panic, after the walk */
		g_assert_cmpint(rig_do(&m, DH, UINT64_C(0x40001000)), ==, PANIC);
		g_assert_cmphex(rig_look(&m, page).host_pte, ==, walk == RECYCLE_GAPS ? 4 : 0);
		hm_free(&m);
	}
}

/* ---- Other variants ------------------------------------------ */

/* July 2025: nobody asks what kind of page it is, or whose. */
static void test_v3(void)
{
	struct hyp_machine m;
	struct abs_page p;

	with_knobs(&m, PROFILE_V7_0, KNOBS(KNOB_MMIO_DONATION, MMIO_DONATION_V3));
	rig_boot(&m);
	rig_must(&m, DONATE_MMIO, PAGE_IN_RAM);
	p = rig_look(&m, PAGE_IN_RAM);
	g_assert_cmphex(p.host_pte, ==, 4);
	g_assert_cmpint(p.host, ==, PKVM_PAGE_OWNED); /* what hyp_vmemmap says */
	rig_must(&m, GIVE_MMIO, PAGE_IN_RAM);
	rig_must(&m, DONATE_MMIO, DEVICE);
	g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -EPERM);
	rig_must(&m, GIVE_MMIO, DEVICE);
	g_assert_cmpint(rig_do(&m, GIVE_MMIO, DEVICE), ==, PANIC);
	hm_free(&m);
}

/* Before EL2 has tables there is nothing to unmap, which v3 asserts. */
static void test_before_boot(void)
{
	struct hyp_machine m;

	with_knobs(&m, PROFILE_V7_0, KNOBS(KNOB_MMIO_DONATION, MMIO_DONATION_V3));
	hm_start(&m);
	g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -ERANGE);
	g_assert_cmpint(rig_do(&m, GIVE_MMIO, DEVICE), ==, PANIC);
	hm_free(&m);
}

static const int linear_range[] = { KNOB_MMIO_DONATION, MMIO_DONATION_RANGE, KNOB_MMIO_COMMIT,
				    MMIO_COMMIT_RETURN, N_KNOBS };
static const int private_range[] = {
	KNOB_MMIO_DONATION, MMIO_DONATION_RANGE, KNOB_MMIO_COMMIT, MMIO_COMMIT_RETURN,
	KNOB_HYP_MMIO_VA,   HYP_MMIO_PRIVATE,	 N_KNOBS
};

/* Booted, not deprivileged: the only time at which ranges are donated. */
static void range_machine(struct hyp_machine *m, const int *knobs)
{
	with_knobs(m, PROFILE_V7_0, knobs);
	hm_start(m);
	g_assert_cmpint(pkvm_hypervisor.init(m->e, &m->b->cpus[0]), ==, 0);
	g_assert_cmpint(pkvm_hypervisor.finalise(m->e, &m->b->cpus[0]), ==, 0);
}

static void test_range_errors(void)
{
	const int *const variants[] = { linear_range, private_range };

	for (unsigned int v = 0; v < 2; v++) {
		struct hyp_machine m;
		struct abs_page p;

		range_machine(&m, variants[v]);
		g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, 0x40000000 - 2 * 4096, 3), ==, -EINVAL);
		p = rig_look(&m, 0x40000000 - 2 * 4096);
		g_assert_cmphex(p.host_pte, ==, 0);
		g_assert_cmpint(p.hyp_mapped, ==, v);
		g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, BIT(40) - 4096, 2), ==, -ERANGE);
		rig_must(&m, DONATE_MMIO, DEVICE + 4096);
		g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE, 4), ==, -EPERM);
		g_assert_cmphex(rig_look(&m, DEVICE).host_pte, ==, 0);
		/* the first page that errs is told */
		g_assert_cmpint(rig_do_n(&m, GIVE_MMIO, DEVICE, 2), ==, v ? -EINVAL : -ENOENT);
		g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE + 8192, 1024), ==, 0);
		g_assert_cmpint(rig_do_n(&m, GIVE_MMIO, DEVICE + 4096, 1025), ==, 0);
		g_assert_cmpint(rig_do_n(&m, GIVE_MMIO, DEVICE + 4096, 1), ==,
				v ? -EINVAL : -ENOENT);
		g_assert_cmpint(pkvm_hypervisor.prot_finalize(m.e, &m.b->cpus[0]), ==, 0);
		g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -EPERM);
		g_assert_cmpint(rig_do(&m, GIVE_MMIO, DEVICE), ==, -EPERM);
		hm_free(&m);
	}
}

/* Linear, with the error returned: all of the range or nothing. */
static void test_range_undo(void)
{
	struct hyp_machine m;

	range_machine(&m, linear_range);
	drain(&m, "host_s2", 3); /* tables for the first 2 MiB, and one more */
	g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE, 3 * 512), ==, -ENOMEM);
	for (unsigned int i = 0; i < 3 * 512; i += 64)
		hosts(&m, DEVICE + i * 4096);
	refill(&m, "host_s2");
	g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE, 3 * 512), ==, 0);
	donated(&m, DEVICE + (3 * 512 - 1) * 4096);
	hm_free(&m);
}

/* Private, as posted: EL2's mapping outlives errors and the return of the device. */
static void test_range_private(void)
{
	struct hyp_machine m;
	va_t first, second;

	range_machine(&m, private_range);
	g_assert_false(hyp_mmio_private_va(m.hyp, PA(DEVICE), &first));
	g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE, 2), ==, 0);
	g_assert_false(rig_look(&m, DEVICE).hyp_level == 3 && rig_look(&m, DEVICE).hyp_mapped &&
		       pkvm_hypervisor.hyp_va(m.e, PA(DEVICE)) == DEVICE + m.hyp->va_offset);
	g_assert_true(hyp_mmio_private_va(m.hyp, PA(DEVICE + 4096), &second));
	g_assert_true(hyp_mmio_private_va(m.hyp, PA(DEVICE), &first));
	g_assert_cmphex(second.va, ==, first.va + 4096);
	g_assert_cmphex(pkvm_hypervisor.hyp_va(m.e, PA(DEVICE)), ==, first.va);

	g_assert_cmpint(rig_do(&m, DONATE_MMIO, DEVICE), ==, -EPERM);
	g_assert_true(hyp_mmio_private_va(m.hyp, PA(DEVICE), &second));
	g_assert_cmphex(second.va, >, first.va);

	g_assert_cmpint(rig_do_n(&m, GIVE_MMIO, DEVICE, 2), ==, 0);
	g_assert_true(rig_look(&m, DEVICE).host_mapped);
	g_assert_true(hyp_mmio_private_va(m.hyp, PA(DEVICE), &second));
	hm_free(&m);
}

/* Half of a range annotated, EL2's mapping there, and the error returned. */
static void test_range_private_enomem(void)
{
	struct hyp_machine m;
	va_t va;

	range_machine(&m, private_range);
	drain(&m, "host_s2", 2);
	g_assert_cmpint(rig_do_n(&m, DONATE_MMIO, DEVICE, 1024), ==, -ENOMEM);
	g_assert_cmphex(rig_look(&m, DEVICE).host_pte, ==, 4);
	g_assert_cmphex(rig_look(&m, DEVICE + 512 * 4096).host_pte, ==, 0);
	g_assert_true(hyp_mmio_private_va(m.hyp, PA(DEVICE), &va));
	hm_free(&m);
}

/* ---- The boot step ------------------------------------------ */

struct boot_case {
	struct protect_entry regs[3];
	u8 unwind;
	s64 ret;
	u64 stays, goes; /* pages after it; NONE */
};

static void test_boot_step(void)
{
	static const struct boot_case cases[] = {
		{ { { DEVICE, 0x2000 }, { OTHER, 0x1000 } }, UNWIND_REGION, 0, OTHER, NONE },
		{ { { DEVICE, 0x2000 }, { 0x3ffff000, 0x2000 } },
		  UNWIND_REGION,
		  -EINVAL,
		  DEVICE + 4096,
		  0x3ffff000 },
		{ { { DEVICE, 0x2000 }, { 0x3ffff000, 0x2000 } },
		  UNWIND_ALL,
		  -EINVAL,
		  NONE,
		  DEVICE + 4096 },
		{ { { DEVICE, 0x2000 }, { DEVICE + 0x1000, 0x1000 } },
		  UNWIND_REGION,
		  -EPERM,
		  DEVICE + 4096,
		  OTHER },
		{ { { DEVICE, 0x1000 }, { OTHER, 0 }, { BIT(40), 0x1000 } },
		  UNWIND_ALL,
		  -ERANGE,
		  NONE,
		  DEVICE },
		{ { { PAGE_OF_NOMAP, 0x1000 } }, UNWIND_ALL, -EINVAL, NONE, DEVICE },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		FOR_EACH_RELEASE(p)
		{
			const struct boot_case *k = &cases[i];
			struct hyp_machine m;

			with_knobs(&m, p, KNOBS(KNOB_PROTECTED_UNWIND, k->unwind));
			g_array_append_vals(m.ec->protect, k->regs, 3);
			hm_start(&m);
			g_assert_cmpint(hm_boot(&m), ==, k->ret);
			if (k->stays != NONE)
				donated(&m, k->stays);
			if (k->goes != NONE)
				hosts(&m, k->goes);
			hm_free(&m);
		}
	}
}

/* The counter is an int: a region of 2^31 pages and more is done before it begins... */
static void test_huge_region(void)
{
	struct protect_entry huge = { DEVICE, BIT(44) };
	struct hyp_machine m;

	/* ...but EL2 runs out of tables, or out of device, long before that */
	rig_start(&m, PROFILE_V7_0);
	g_array_append_val(m.ec->protect, huge);
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), <, 0);
	hosts(&m, DEVICE);
	hm_free(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mmio/error-order", test_error_order);
	g_test_add_func("/mmio/memory-calls", test_memory_calls);
	g_test_add_func("/mmio/block-around", test_block_around);
	g_test_add_func("/mmio/walkers", test_walkers);
	g_test_add_func("/mmio/hyp-pool-empty", test_hyp_pool_empty);
	g_test_add_func("/mmio/commit", test_commit);
	g_test_add_func("/mmio/stepping", test_stepping);
	g_test_add_func("/mmio/v3", test_v3);
	g_test_add_func("/mmio/before-boot", test_before_boot);
	g_test_add_func("/mmio/range-errors", test_range_errors);
	g_test_add_func("/mmio/range-undo", test_range_undo);
	g_test_add_func("/mmio/range-private", test_range_private);
	g_test_add_func("/mmio/range-private-enomem", test_range_private_enomem);
	g_test_add_func("/mmio/boot-step", test_boot_step);
	g_test_add_func("/mmio/huge-region", test_huge_region);
	return g_test_run();
}
