// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checkers beside a real EL2 that the host asks for anything: that they are silent is
 * what makes it worth something when they are not.
 */
#include "tests/unit/checker_rig.h"

static u64 any_page(GRand *r)
{
	static const u64 bases[] = { CR_RAM, CR_RAM + 0x1fe000, CR_UART, CR_RAM + 0x800000 };

	return bases[g_rand_int_range(r, 0, G_N_ELEMENTS(bases))] +
	       4096 * (u64)g_rand_int_range(r, 0, 6);
}

static void any_action(struct checker_rig *t, GRand *r)
{
	unsigned int cpu = (unsigned int)g_rand_int_range(r, 0, 2);
	u64 pa = any_page(r), nr = (u64)g_rand_int_range(r, 1, 4);

	switch (g_rand_int_range(r, 0, 10)) {
	case 0:
		cr_call(t, cpu, "host_share_hyp", 1, pa >> 12);
		break;
	case 1:
		cr_call(t, cpu, "host_unshare_hyp", 1, pa >> 12);
		break;
	case 2:
		cr_call(t, cpu, "host_donate_hyp", 2, pa >> 12, nr);
		break;
	case 3:
		if (pa >= CR_RAM)
			cr_call(t, cpu, "hyp_donate_host", 2, pa >> 12, nr);
		break;
	case 4:
		cr_call(t, cpu, "pin_shared_mem", 2, cr_va(t, pa), cr_va(t, pa) + 4096);
		break;
	case 5:
		if (board_ram_at(t->b, PA(pa)) && model_refcount(t->b, oracle_view(t->o), PA(pa)))
			cr_call(t, cpu, "unpin_shared_mem", 2, cr_va(t, pa), cr_va(t, pa) + 4096);
		break;
	case 6:
		cr_begin_as(t, ORACLE_PRESSURE);
		t->m->hyp->pool_drain(t->m->el2, "hyp_s1", 40, NULL);
		t->m->hyp->pool_refill(t->m->el2, "hyp_s1", 1000, NULL);
		cr_over(t, ORACLE_END_VALUE, 0);
		break;
	default:
		/* to v7.0 touching what is EL2's is fatal */
		if (model_owner(t->b, oracle_view(t->o), PA(pa)) == OWNER_HOST)
			cr_access(t, cpu, (enum mmu_access)g_rand_int_range(r, 0, 2), pa);
		break;
	}
}

/* Whatever the host does, the code of the releases breaks none of these rules. */
static void test_random(gconstpointer data)
{
	const struct cr_setup *s = data;
	GRand *r = g_rand_new_with_seed(11);
	struct checker_rig t;

	cr_boot_as(&t, s);
	for (unsigned int i = 0; i < 1500 && !t.m->dead; i++) {
		any_action(&t, r);
		cr_expect(&t, NONE);
	}
	g_assert_false(t.m->dead);
	cr_end(&t);
	g_rand_free(r);
}

int main(int argc, char **argv)
{
	static const struct cr_setup v6_12 = { .profile = PROFILE_V6_12 };
	static const struct cr_setup v7_0 = { .profile = PROFILE_V7_0 };
	static const struct cr_setup v7_0_range = { .profile = PROFILE_V7_0, .tlbirange = true };

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/real/v6.12", &v6_12, test_random);
	g_test_add_data_func("/real/v7.0", &v7_0, test_random);
	g_test_add_data_func("/real/v7.0-tlbirange", &v7_0_range, test_random);
	return g_test_run();
}
