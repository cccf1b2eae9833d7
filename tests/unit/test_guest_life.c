// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual machines from their reservation to the last page that comes back: what each
 * release refuses and in which order, and what is left when it does.
 */
#include "tests/unit/guest_rig.h"

#define OWNED PKVM_PAGE_OWNED
#define SHARED PKVM_PAGE_SHARED_OWNED
#define NOPAGE PKVM_NOPAGE

static const struct el2_vm_layout *const l = &el2_vm_layout;

#define EQ(call, want) g_assert_cmpint((call), ==, (want))

static u64 pool_free(struct hyp_machine *m, enum pool_id pool)
{
	const struct el2_view *v = pkvm_hypervisor.view(m->e);

	return model_pool_free(m->b, v, &v->pools[pool]);
}

/* ---- The table --------------------------------------------------------------------------- */

static void test_handles(void)
{
	struct hyp_machine m;

	rig_booted(&m, PROFILE_V7_2);
	for (u32 i = 0; i < EL2_MAX_VMS; i++)
		EQ(HVC(&m, "reserve_vm"), EL2_HANDLE_OFFSET + i);
	EQ(HVC(&m, "reserve_vm"), -ENOMEM);
	HVC(&m, "unreserve_vm", EL2_HANDLE_OFFSET + 200);
	HVC(&m, "unreserve_vm", EL2_HANDLE_OFFSET + 7);
	/* handles that are none, and one that is a u16 when EL2 sees it */
	HVC(&m, "unreserve_vm", 0);
	HVC(&m, "unreserve_vm", EL2_HANDLE_OFFSET + EL2_MAX_VMS);
	HVC(&m, "unreserve_vm", UINT64_C(0x10000) + EL2_HANDLE_OFFSET + 3);
	EQ(HVC(&m, "reserve_vm"), EL2_HANDLE_OFFSET + 3);
	EQ(HVC(&m, "reserve_vm"), EL2_HANDLE_OFFSET + 7);
	EQ(HVC(&m, "reserve_vm"), EL2_HANDLE_OFFSET + 200);
	EQ(HVC(&m, "reserve_vm"), -ENOMEM);
	g_assert_cmpuint(pkvm_hypervisor.view(m.e)->n_guests, ==, 0);
	hm_free(&m);
}

/* Numbers of the calls, before the host is deprivileged and after. */
static void test_bands(void)
{
	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_2; p++) {
		struct hyp_machine m;
		const struct el2_call *call;
		bool ambiguous;

		rig_start(&m, p);
		hm_start(&m);
		EQ(pkvm_hypervisor.init(m.e, &m.b->cpus[0]), 0);
		EQ(pkvm_hypervisor.finalise(m.e, &m.b->cpus[0]), 0);
		call = el2_call_find(hyp_calls(m.hyp), "init_vm", &ambiguous);
		g_assert_cmphex(hyp_hvc_id(m.hyp, call), ==,
				0xc6000000u + (p == PROFILE_V6_12  ? 23
					       : p == PROFILE_V7_0 ? 29
								   : 40));
		EQ(HVC(&m, "init_vcpu", 0, 0, 1), p == PROFILE_V7_2 ? -ENOSYS : -ENOMEM);
		call = el2_call_find(hyp_calls(m.hyp), "host_donate_guest", &ambiguous);
		g_assert_cmpint(call != NULL, ==, p == PROFILE_V7_2);
		call = el2_call_find(hyp_calls(m.hyp), "teardown_vm", &ambiguous);
		g_assert_cmpint(call && g_str_equal(call->name, "teardown_vm"), ==,
				p != PROFILE_V7_2);
		for (unsigned int i = 0; i < m.b->n_cpus; i++)
			EQ(pkvm_hypervisor.prot_finalize(m.e, &m.b->cpus[i]), 0);
		EQ(HVC(&m, "init_vcpu", 0, 0, 1), -ENOMEM);
		hm_free(&m);
	}
}

/* A boot that failed leaves no table: reserving is refused, looking one up is an abort. */
static void test_no_table(void)
{
	struct hyp_machine m;

	rig_start(&m, PROFILE_V7_0);
	m.ec->knob[KNOB_FFA] = FFA_INCOMPATIBLE;
	hm_start(&m);
	EQ(pkvm_hypervisor.init(m.e, &m.b->cpus[0]), 0);
	EQ(pkvm_hypervisor.finalise(m.e, &m.b->cpus[0]), -EOPNOTSUPP);
	EQ(HVC(&m, "reserve_vm"), -EINVAL);
	HVC(&m, "unreserve_vm", EL2_HANDLE_OFFSET);
	EQ(HVC(&m, "teardown_vm", 0), -ENOENT);
	EQ(HVC(&m, "teardown_vm", EL2_HANDLE_OFFSET + 1), PANIC);
	g_assert_cmphex(pkvm_hypervisor.panic(m.e)->far, ==, 0);
	hm_free(&m);
}

/* ---- init_vm ----------------------------------------------------------------------------- */

static void test_init_vm_errors(void)
{
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V7_2);
	guest_prepare(&m, &g, GUEST_MEMORY, true);
	EQ(HVC(&m, "init_vm", guest_hva(&m, PAGE_IN_RAM), 0, 0), -EPERM);
	EQ(HVC(&m, "init_vm", guest_hva(&m, 0x43fff000), 0, 0), -EINVAL);
	EQ(HVC(&m, "init_vm", 0, 0, 0), -EPERM);
	host_store(&m, g.kvm + l->kvm_created_vcpus, BIT(32));
	EQ(guest_init_vm(&m, &g), -EINVAL);
	host_store(&m, g.kvm + l->kvm_created_vcpus, UINT32_MAX);
	EQ(guest_init_vm(&m, &g), -ENOMEM);
	host_store(&m, g.kvm + l->kvm_created_vcpus, 1);
	host_store(&m, g.kvm + l->kvm_handle, 0xfff);
	EQ(guest_init_vm(&m, &g), -EINVAL);
	host_store(&m, g.kvm + l->kvm_handle, g.handle);
	EQ(HVC(&m, "init_vm", guest_hva(&m, g.kvm), guest_hva(&m, g.area) + 8,
	       guest_hva(&m, g.pgd)),
	   -ENOMEM);
	EQ(HVC(&m, "init_vm", guest_hva(&m, g.kvm), guest_hva(&m, m.hyp->hyp_mem.base),
	       guest_hva(&m, g.pgd)),
	   -ENOMEM);
	EQ(HVC(&m, "init_vm", guest_hva(&m, g.kvm), guest_hva(&m, g.area),
	       guest_hva(&m, PAGE_OF_HOLE)),
	   -ENOMEM);
	/* nothing is left of all this, not even a pin */
	guest_all_back(&m, g.area, g.next);
	g_assert_cmpuint(rig_look(&m, g.kvm).refcount, ==, 0);

	EQ(guest_init_vm(&m, &g), 0);
	EQ(guest_init_vm(&m, &g), -ENOMEM);
	g_assert_cmpuint(rig_look(&m, g.kvm).refcount, ==, 1);
	hm_free(&m);

	/* start tables that are not aligned to their size */
	rig_booted(&m, PROFILE_V7_2);
	guest_prepare(&m, &g, GUEST_MEMORY, true);
	g.pgd += 4096;
	EQ(guest_init_vm(&m, &g), PANIC);
	hm_free(&m);
}

/* C17: a handle that was not reserved is found last. v7.0 leaves the start tables counted. */
static void test_late_error(void)
{
	for (unsigned int p = PROFILE_V7_0; p <= PROFILE_V7_2; p++) {
		struct hyp_machine m;
		struct guest g;

		rig_booted(&m, p);
		guest_prepare(&m, &g, GUEST_MEMORY, true);
		HVC(&m, "unreserve_vm", g.handle);
		EQ(guest_init_vm(&m, &g), -EINVAL);
		g_assert_cmpuint(rig_look(&m, g.kvm).refcount, ==, 0);
		g_assert_cmpuint(rig_look(&m, g.pgd).refcount, ==, p == PROFILE_V7_0);
		rig_must(&m, SH, g.pgd);
		EQ(rig_do(&m, PIN, g.pgd), 0);
		g_assert_cmpint(rig_look(&m, g.pgd).hyp_mapped, ==, p == PROFILE_V7_2);
		rig_must(&m, UNPIN, g.pgd);
		EQ(rig_do(&m, UH, g.pgd), p == PROFILE_V7_0 ? -EBUSY : 0);
		EQ(HVC(&m, "reserve_vm"), g.handle);
		EQ(guest_init_vm(&m, &g), p == PROFILE_V7_0 ? -ENOMEM : 0);
		hm_free(&m);
	}
}

/* A live VM's handle once more: EL2 finds out when the second VM is all but done. */
static void test_second_vm_of_a_handle(void)
{
	struct hyp_machine m;
	struct guest a, b;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &a, GUEST_MEMORY, true, 4);
	guest_must(&m, &a, DG, PAGE_IN_RAM, GFN);
	guest_prepare(&m, &b, a.next, false);
	HVC(&m, "unreserve_vm", b.handle);
	host_store(&m, b.kvm + l->kvm_handle, a.handle);
	EQ(guest_init_vm(&m, &b), -EINVAL);
	guest_all_back(&m, b.area, b.next);
	/* and the first one is none the worse */
	g_assert_cmpint(guest_state(&m, &a, GFN), ==, OWNED);
	EQ(guest_page(&m, &a, RC, 0, GFN), 0);
	hm_free(&m);
}

/* ---- init_vcpu --------------------------------------------------------------------------- */

static void test_init_vcpu_errors(void)
{
	for (unsigned int p = PROFILE_V7_0; p <= PROFILE_V7_2; p++) {
		struct hyp_machine m;
		struct guest g;

		rig_booted(&m, p);
		guest_prepare(&m, &g, GUEST_MEMORY, false);
		EQ(guest_init_vm(&m, &g), 0);
		EQ(HVC(&m, "init_vcpu", g.handle, guest_hva(&m, g.vcpu),
		       guest_hva(&m, g.vcpu_area) + 8),
		   -ENOMEM);
		EQ(HVC(&m, "init_vcpu", g.handle + 1, guest_hva(&m, g.vcpu),
		       guest_hva(&m, g.vcpu_area)),
		   -ENOENT);
		EQ(HVC(&m, "init_vcpu", g.handle, guest_hva(&m, PAGE_IN_RAM),
		       guest_hva(&m, g.vcpu_area)),
		   -EBUSY);
		host_store(&m, g.kvm + l->kvm_flags, 0);
		EQ(guest_init_vcpu(&m, &g), -EINVAL);
		host_store(&m, g.kvm + l->kvm_flags, 1);
		g_assert_cmpuint(rig_look(&m, g.vcpu).refcount, ==, 0);
		/* a number that the VM has not: v7.0 keeps the host's memory pinned */
		host_store(&m, g.vcpu + l->vcpu_idx, 1);
		EQ(guest_init_vcpu(&m, &g), -EINVAL);
		g_assert_cmpuint(rig_look(&m, g.vcpu).refcount, ==, p == PROFILE_V7_0);
		host_store(&m, g.vcpu + l->vcpu_idx, BIT(32));
		guest_all_back(&m, g.vcpu_area, g.next);
		EQ(guest_init_vcpu(&m, &g), 0);
		/* and once more, of other memory: taken */
		EQ(HVC(&m, "init_vcpu", g.handle, guest_hva(&m, g.vcpu), guest_hva(&m, g.next)),
		   -EINVAL);
		hm_free(&m);
	}
}

/* ---- Loading ------------------------------------------------------------------------------ */

static u32 users(struct hyp_machine *m, const struct guest *g)
{
	return rig_look(m, g->area).refcount;
}

static s64 on_cpu(struct hyp_machine *m, unsigned int cpu, const char *name, u64 a, u64 b)
{
	return guest_hvc(m, cpu, name, (u64[]){ a, b, 0 }, 3);
}

static void test_load(void)
{
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &g, GUEST_MEMORY, true, 4);
	EQ(HVC(&m, "kvm_vcpu_run", 0), -EINVAL);
	EQ(HVC(&m, "host_donate_guest", PFN(PAGE_IN_RAM), GFN), -EINVAL);
	HVC(&m, "vcpu_load", g.handle, 1, 0);
	HVC(&m, "vcpu_load", g.handle + 1, 0, 0);
	g_assert_cmpuint(users(&m, &g), ==, 0);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	g_assert_cmpuint(users(&m, &g), ==, 1);
	EQ(HVC(&m, "kvm_vcpu_run", 0), 0);
	/* once on a CPU, and on one CPU */
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	on_cpu(&m, 1, "vcpu_load", g.handle, 0);
	EQ(on_cpu(&m, 1, "kvm_vcpu_run", 0, 0), -EINVAL);
	g_assert_cmpuint(users(&m, &g), ==, 1);
	/* the wrong kind of guest */
	EQ(HVC(&m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0xf), -EINVAL);
	EQ(HVC(&m, "host_relax_perms_guest", GFN, 0xf), -EINVAL);
	EQ(HVC(&m, "host_mkyoung_guest", GFN), -EINVAL);
	EQ(HVC(&m, "host_unshare_guest", g.handle, GFN, 1), -EINVAL);
	EQ(HVC(&m, "host_wrprotect_guest", g.handle, GFN, 1), -EINVAL);
	EQ(HVC(&m, "host_test_clear_young_guest", g.handle, GFN, 1, 0), -EINVAL);
	g_assert_cmpuint(users(&m, &g), ==, 1);
	EQ(HVC(&m, "host_donate_guest", PFN(PAGE_IN_RAM), GFN), 0);
	on_cpu(&m, 1, "vcpu_put", 0, 0);
	g_assert_cmpuint(users(&m, &g), ==, 1);
	HVC(&m, "vcpu_put");
	HVC(&m, "vcpu_put");
	g_assert_cmpuint(users(&m, &g), ==, 0);
	on_cpu(&m, 1, "vcpu_load", g.handle, 0);
	EQ(on_cpu(&m, 1, "kvm_vcpu_run", 0, 0), 0);
	hm_free(&m);
}

/* ---- What a guest asks ----------------------------------------------------------------------- */

struct guest_call {
	u64 regs[18];
	enum el2_guest_result result;
	struct el2_guest_exit exit;
};

static s64 run_guest_hvc(struct hyp_cpu *c, void *arg)
{
	struct guest_call *call = arg;

	call->result =
		pkvm_hypervisor.guest_hvc((struct el2 *)c->hyp, c->cpu, call->regs, &call->exit);
	return 0;
}

static struct guest_call ask(struct hyp_machine *m, u64 x0, u64 x1, u64 x2)
{
	struct guest_call call = { .regs = { x0, x1, x2, 0 } };
	s64 ret;

	g_assert_true(hm_run(m, run_guest_hvc, &call, &ret));
	return call;
}

static s64 run_abort(struct hyp_cpu *c, void *arg)
{
	const u64 *ipa = arg;
	struct el2_fault f = { .ipa = *ipa, .walk.fault = MMU_FAULT_TRANSLATION, .walk.level = 3 };
	struct el2_guest_exit exit;

	mmu_syndrome_s2(&f.walk, f.ipa, MMU_READ, 8, true, &f.syndrome);
	return pkvm_hypervisor.guest_abort((struct el2 *)c->hyp, c->cpu, &f, &exit);
}

static void touch(struct hyp_machine *m, u64 ipa)
{
	s64 ret;

	g_assert_true(hm_run(m, run_abort, &ipa, &ret));
	g_assert_cmpint(ret, ==, EL2_GUEST_EXITED);
}

#define INVALID ((u64)-3)

static void test_guest_calls(void)
{
	const u64 ipa = GFN << 12;
	struct guest_call call;
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &g, GUEST_MEMORY, true, 4);
	g_assert_cmpint(ask(&m, 0x86000000, 0, 0).result, ==, EL2_GUEST_NONE);
	EQ(HVC(&m, "vcpu_in_poison_fault"), -EINVAL);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	EQ(HVC(&m, "vcpu_in_poison_fault"), -EINVAL);

	call = ask(&m, 0x86000000, 7, 0);
	g_assert_cmphex(call.regs[0], ==, 0x1d);
	g_assert_cmphex(call.regs[1], ==, 0);
	g_assert_cmphex(ask(&m, 0xc6000002, 0, 0).regs[0], ==, 4096);
	g_assert_cmphex(ask(&m, 0xc6000002, 1, 0).regs[0], ==, INVALID);
	g_assert_cmphex(ask(&m, 0xc6000003, ipa + 8, 0).regs[0], ==, INVALID);
	g_assert_cmphex(ask(&m, 0xc6000003, ipa, 1).regs[0], ==, INVALID);
	g_assert_cmphex(ask(&m, 0xc6000004, ipa, 0).regs[0], ==, INVALID);
	g_assert_cmpint(ask(&m, 0xc6000007, ipa, 0).result, ==, EL2_GUEST_EXITED);

	/* nothing there yet: the host is asked for it, and the guest asks again */
	call = ask(&m, 0xc6000003, ipa, 0);
	g_assert_cmpint(call.result, ==, EL2_GUEST_EXITED);
	g_assert_cmphex(call.exit.esr, ==, 0x92000047);
	g_assert_cmphex(call.exit.hpfar, ==, BIT(63) | ipa >> 8);
	g_assert_cmphex(call.exit.far, ==, 0);
	g_assert_true(call.exit.rewind);
	EQ(HVC(&m, "vcpu_in_poison_fault"), -EINVAL); /* no table down to pages */
	EQ(HVC(&m, "host_donate_guest", PFN(PAGE_IN_RAM), GFN), 0);
	EQ(HVC(&m, "vcpu_in_poison_fault"), 0);
	g_assert_cmphex(ask(&m, 0xc6000003, ipa, 0).regs[0], ==, 0);
	g_assert_cmphex(ask(&m, 0xc6000003, ipa, 0).regs[0], ==, INVALID);
	g_assert_cmphex(ask(&m, 0xc6000004, ipa, 0).regs[0], ==, 0);

	/* poison */
	EQ(HVC(&m, "force_reclaim_guest_page", PAGE_IN_RAM), 0);
	g_assert_cmphex(ask(&m, 0xc6000003, ipa, 0).regs[0], ==, INVALID);
	touch(&m, ipa + 0x123);
	EQ(HVC(&m, "vcpu_in_poison_fault"), 1);
	touch(&m, ipa + 4096);
	EQ(HVC(&m, "vcpu_in_poison_fault"), 0);
	hm_free(&m);
}

/* A guest that is not protected asks the host. */
static void test_np_guest_calls(void)
{
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &g, GUEST_MEMORY, false, 4);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	g_assert_cmpint(ask(&m, 0x86000000, 0, 0).result, ==, EL2_GUEST_EXITED);
	EQ(HVC(&m, "host_donate_guest", PFN(PAGE_IN_RAM), GFN), -EINVAL);
	EQ(HVC(&m, "host_share_guest", PFN(PAGE_IN_RAM), GFN, 1, 0xf), 0);
	hm_free(&m);
}

/* ---- The end ------------------------------------------------------------------------------- */

/* The pages of a list of the host's, first to last. */
static void check_list(struct hyp_machine *m, u64 header, const u64 *pfn, unsigned int n)
{
	u64 page = hm_peek(m, header + l->mc_head);

	g_assert_cmpuint(hm_peek(m, header + l->mc_nr_pages), ==, n);
	for (unsigned int i = 0; i < n; i++) {
		g_assert_cmphex(page >> 12, ==, pfn[i]);
		page = hm_peek(m, page);
	}
	g_assert_cmphex(page, ==, 0);
}

/* The order that was seen on the real v7.2. */
static void test_teardown(void)
{
	static const u64 stage2[] = { 0x4681c, 0x4681b, 0x46809, 0x46808, 0x46819, 0x4681a };
	static const u64 own[] = { 0x46806, 0x46805, 0x4680c, 0x4680b, 0x4680a };
	struct hyp_machine m;
	struct guest g;
	u64 hyp_s1;

	rig_booted(&m, PROFILE_V7_2);
	hyp_s1 = pool_free(&m, POOL_HYP_S1);
	guest_new(&m, &g, GUEST_MEMORY, true, 0);
	g.next = 0x46819000;
	EQ(guest_refill(&m, &g, 4), 0);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	host_store(&m, g.vcpu + l->vcpu_memcache + l->mc_nr_pages, 0);
	for (u64 i = 0; i < 3; i++)
		EQ(HVC(&m, "host_donate_guest", PFN(PAGE_IN_RAM) + i, GFN + i), 0);
	g_assert_cmpuint(guest_memcache(&m, &g), ==, 2);
	guest_must(&m, &g, GS, 0, GFN + 1);
	EQ(HVC(&m, "force_reclaim_guest_page", PAGE_IN_RAM + 0x2000), 0);

	EQ(HVC(&m, "start_teardown_vm", g.handle), -EINVAL);
	EQ(HVC(&m, "start_teardown_vm", g.handle + 1), -EINVAL);
	EQ(HVC(&m, "reclaim_dying_guest_page", g.handle, GFN), -EINVAL);
	EQ(HVC(&m, "finalize_teardown_vm", g.handle), -EINVAL);
	HVC(&m, "vcpu_put");
	EQ(HVC(&m, "finalize_teardown_vm", g.handle), -EINVAL);
	EQ(HVC(&m, "start_teardown_vm", g.handle), 0);
	EQ(HVC(&m, "start_teardown_vm", g.handle), -EINVAL);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	EQ(HVC(&m, "kvm_vcpu_run", 0), -EINVAL);
	for (u64 i = 0; i < 3; i++)
		EQ(HVC(&m, "reclaim_dying_guest_page", g.handle, GFN + i), 0);
	EQ(HVC(&m, "reclaim_dying_guest_page", g.handle, GFN + 3), -ENOENT);
	EQ(HVC(&m, "reclaim_dying_guest_page", g.handle + 1, GFN), -EINVAL);
	EQ(HVC(&m, "finalize_teardown_vm", g.handle), 0);
	EQ(HVC(&m, "finalize_teardown_vm", g.handle), -EINVAL);

	check_list(&m, g.kvm + l->kvm_stage2_teardown_mc, stage2, G_N_ELEMENTS(stage2));
	check_list(&m, g.kvm + l->kvm_teardown_mc, own, G_N_ELEMENTS(own));
	guest_all_back(&m, g.area, 0x4681d000);
	guest_all_back(&m, PAGE_IN_RAM, PAGE_IN_RAM + 0x3000);
	for (u64 pa = g.kvm; pa < g.area; pa += 4096) {
		g_assert_cmpint(rig_look(&m, pa).host, ==, SHARED);
		g_assert_cmpuint(rig_look(&m, pa).refcount, ==, 0);
		rig_must(&m, UH, pa);
	}
	g_assert_cmpuint(pool_free(&m, POOL_HYP_S1), ==, hyp_s1);
	EQ(HVC(&m, "reserve_vm"), g.handle);
	hm_free(&m);
}

/* As often as one likes, on the same memory, and nothing gets less. */
static void test_again_and_again(void)
{
	struct hyp_machine m;
	u64 hyp_s1 = 0, host_s2 = 0;

	rig_booted(&m, PROFILE_V7_2);
	for (unsigned int i = 0; i < 20; i++) {
		const bool is_protected = i & 1;
		struct guest g;

		guest_new(&m, &g, GUEST_MEMORY, is_protected, 4);
		guest_must(&m, &g, is_protected ? DG : SG, PAGE_IN_RAM, GFN);
		EQ(HVC(&m, "start_teardown_vm", g.handle), 0);
		if (is_protected)
			EQ(HVC(&m, "reclaim_dying_guest_page", g.handle, GFN), 0);
		else
			EQ(HVC(&m, "host_unshare_guest", g.handle, GFN, 1), 0);
		EQ(HVC(&m, "finalize_teardown_vm", g.handle), 0);
		for (u64 pa = g.kvm; pa < g.area; pa += 4096)
			rig_must(&m, UH, pa);
		guest_all_back(&m, g.kvm, g.next);
		if (i > 1) {
			g_assert_cmpuint(pool_free(&m, POOL_HYP_S1), ==, hyp_s1);
			g_assert_cmpuint(pool_free(&m, POOL_HOST_S2), ==, host_s2);
		}
		hyp_s1 = pool_free(&m, POOL_HYP_S1);
		host_s2 = pool_free(&m, POOL_HOST_S2);
	}
	hm_free(&m);
}

/* C16: pages that were not reclaimed, and the next VM with the same handle. */
static void test_leftovers(void)
{
	struct hyp_machine m;
	struct guest g, next;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &g, GUEST_MEMORY, true, 4);
	guest_must(&m, &g, DG, PAGE_IN_RAM, GFN);
	EQ(HVC(&m, "start_teardown_vm", g.handle), 0);
	EQ(HVC(&m, "finalize_teardown_vm", g.handle), 0);
	EQ(HVC(&m, "force_reclaim_guest_page", PAGE_IN_RAM), -EAGAIN);
	EQ(rig_do(&m, ABORT, PAGE_IN_RAM), -EPERM);
	guest_new(&m, &next, GUEST_MEMORY + MiB, true, 4);
	g_assert_cmpuint(next.handle, ==, g.handle);
	EQ(HVC(&m, "force_reclaim_guest_page", PAGE_IN_RAM), -ENOENT);
	guest_must(&m, &next, DG, PAGE_IN_RAM + 4096, GFN);
	EQ(HVC(&m, "force_reclaim_guest_page", PAGE_IN_RAM), PANIC);
	hm_free(&m);
}

/* v7.0: one call, which insists that nobody uses the VM. */
static void test_teardown_v7_0(void)
{
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V7_0);
	guest_new(&m, &g, GUEST_MEMORY, false, 4);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	guest_must(&m, &g, SG, PAGE_IN_RAM, GFN);
	EQ(HVC(&m, "teardown_vm", g.handle + 1), -ENOENT);
	HVC(&m, "vcpu_put");
	EQ(HVC(&m, "host_unshare_guest", g.handle, GFN, 1), 0);
	EQ(HVC(&m, "teardown_vm", g.handle), 0);
	EQ(HVC(&m, "teardown_vm", g.handle), -ENOENT);
	g_assert_cmpuint(hm_peek(&m, g.kvm + l->kvm_stage2_teardown_mc + l->mc_nr_pages), ==, 6);
	g_assert_cmpuint(hm_peek(&m, g.kvm + l->kvm_teardown_mc + l->mc_nr_pages), ==, 5);
	guest_all_back(&m, g.area, g.next);

	guest_new(&m, &g, GUEST_MEMORY + MiB, false, 4);
	HVC(&m, "vcpu_load", g.handle, 0, 0);
	EQ(HVC(&m, "teardown_vm", g.handle), PANIC);
	hm_free(&m);
}

/* v6.12: the handle is EL2's to choose, vCPUs come in order, one list for all pages. */
static void test_life_v6_12(void)
{
	struct hyp_machine m;
	struct guest g;

	rig_booted(&m, PROFILE_V6_12);
	guest_prepare(&m, &g, GUEST_MEMORY, true);
	EQ(guest_init_vm(&m, &g), 0);
	g_assert_cmphex(g.handle, ==, EL2_HANDLE_OFFSET);
	host_store(&m, g.vcpu + l->vcpu_idx, 1);
	EQ(guest_init_vcpu(&m, &g), -EINVAL);
	EQ(HVC(&m, "kvm_vcpu_run", guest_hva(&m, g.vcpu)), -EINVAL);
	host_store(&m, g.vcpu + l->vcpu_idx, 0);
	EQ(guest_init_vcpu(&m, &g), 0);
	EQ(guest_init_vcpu(&m, &g), -ENOMEM);
	EQ(HVC(&m, "kvm_vcpu_run", guest_hva(&m, g.vcpu)), 0);
	EQ(HVC(&m, "teardown_vm", g.handle), 0);
	g_assert_cmpuint(hm_peek(&m, g.kvm + l->kvm_teardown_mc + l->mc_nr_pages), ==, 7);
	guest_all_back(&m, g.area, g.area + 4096 * 2);
	EQ(HVC(&m, "teardown_vm", g.handle), -ENOENT);
	/* the host's word for where its structures are is all that EL2 has */
	EQ(HVC(&m, "kvm_vcpu_run", guest_hva(&m, PAGE_IN_RAM)), PANIC);
	hm_free(&m);
}

/* Snapshots know of VMs that come and go. */
static void test_snapshot(void)
{
	struct hyp_machine m;
	struct snapshot *s;
	struct guest a, b;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &a, GUEST_MEMORY, true, 4);
	s = board_snapshot(m.b);
	for (unsigned int i = 0; i < 2; i++) {
		guest_new(&m, &b, GUEST_MEMORY + MiB, true, 4);
		g_assert_cmphex(b.handle, ==, a.handle + 1);
		guest_must(&m, &a, DG, PAGE_IN_RAM, GFN);
		guest_must(&m, &b, DG, PAGE_IN_RAM + 4096, GFN);
		EQ(HVC(&m, "start_teardown_vm", a.handle), 0);
		board_restore(m.b, s);
		g_assert_cmpuint(pkvm_hypervisor.view(m.e)->n_guests, ==, 1);
		g_assert_cmpint(guest_state(&m, &a, GFN), ==, NOPAGE);
		g_assert_false(pkvm_hypervisor.view(m.e)->guests[0]->is_dying);
	}
	board_snapshot_drop(m.b, s);
	hm_free(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/life/handles", test_handles);
	g_test_add_func("/life/bands", test_bands);
	g_test_add_func("/life/no-table", test_no_table);
	g_test_add_func("/life/init-vm-errors", test_init_vm_errors);
	g_test_add_func("/life/late-error", test_late_error);
	g_test_add_func("/life/second-vm-of-a-handle", test_second_vm_of_a_handle);
	g_test_add_func("/life/init-vcpu-errors", test_init_vcpu_errors);
	g_test_add_func("/life/load", test_load);
	g_test_add_func("/life/guest-calls", test_guest_calls);
	g_test_add_func("/life/np-guest-calls", test_np_guest_calls);
	g_test_add_func("/life/teardown", test_teardown);
	g_test_add_func("/life/again-and-again", test_again_and_again);
	g_test_add_func("/life/leftovers", test_leftovers);
	g_test_add_func("/life/teardown-v7.0", test_teardown_v7_0);
	g_test_add_func("/life/v6.12", test_life_v6_12);
	g_test_add_func("/life/snapshot", test_snapshot);
	return g_test_run();
}
