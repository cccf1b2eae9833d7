// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two CPUs make and unmake virtual machines at once, in many orders of their steps.
 */
#include "tests/unit/guest_rig.h"

static const struct el2_vm_layout *const l = &el2_vm_layout;

#define EQ(call, want) g_assert_cmpint((call), ==, (want))

/* Calls that one CPU makes, one after the other. */
struct thread {
	struct hyp_machine *m;
	struct {
		const char *name;
		u64 args[3];
		s64 ret;
	} calls[4];
	unsigned int n;
};

static s64 run_thread(struct cpu *cpu, void *arg)
{
	struct thread *t = arg;
	struct hyp_cpu *c = cpu->el2;
	bool ambiguous;

	for (unsigned int i = 0; i < t->n; i++) {
		const struct el2_call *call =
			el2_call_find(hyp_calls(c->hyp), t->calls[i].name, &ambiguous);
		u64 regs[18] = { hyp_hvc_id(c->hyp, call), t->calls[i].args[0], t->calls[i].args[1],
				 t->calls[i].args[2] };

		handle_host_hcall(c, regs);
		t->calls[i].ret = (s64)regs[1];
	}
	return 0;
}

static void add_call(struct thread *t, const char *name, u64 a, u64 b, u64 c)
{
	t->calls[t->n].name = name;
	t->calls[t->n].args[0] = a;
	t->calls[t->n].args[1] = b;
	t->calls[t->n++].args[2] = c;
}

static void run_both(struct hyp_machine *m, struct thread t[2], u64 seed)
{
	s64 ret;

	board_choose_seed(m->b, seed);
	for (unsigned int i = 0; i < 2; i++)
		cpu_start(&m->b->cpus[i], run_thread, &t[i]);
	board_run(m->b);
	for (unsigned int i = 0; i < 2; i++)
		g_assert_cmpint(cpu_result(&m->b->cpus[i], &ret), ==, CPU_END_RETURNED);
	for (const struct spinlock *lock = m->b->locks; lock; lock = lock->next)
		g_assert_false(spin_is_locked(lock));
}

/* Two VMs for one handle: one of them is refused, and has all its memory back. */
static void test_race_for_a_handle(void)
{
	unsigned int first = 0;
	struct hyp_machine m;
	struct guest g[2];
	struct snapshot *s;

	rig_booted(&m, PROFILE_V7_2);
	for (unsigned int i = 0; i < 2; i++)
		guest_prepare(&m, &g[i], GUEST_MEMORY + i * MiB, i);
	HVC(&m, "unreserve_vm", g[1].handle);
	host_store(&m, g[1].kvm + l->kvm_handle, g[0].handle);
	s = board_snapshot(m.b);
	for (u64 seed = 0; seed < 200; seed++) {
		struct thread t[2] = { { .m = &m }, { .m = &m } };
		unsigned int winner;

		for (unsigned int i = 0; i < 2; i++)
			add_call(&t[i], "init_vm", guest_hva(&m, g[i].kvm),
				 guest_hva(&m, g[i].area), guest_hva(&m, g[i].pgd));
		run_both(&m, t, seed);
		winner = t[0].calls[0].ret != 0;
		EQ(t[winner].calls[0].ret, 0);
		EQ(t[!winner].calls[0].ret, -EINVAL);
		first += !winner;
		guest_all_back(&m, g[!winner].area, g[!winner].next);
		g_assert_cmphex(pkvm_hypervisor.view(m.e)->guests[0]->host_kvm.va, ==,
				hyp_va_of(m.hyp, PA(g[winner].kvm)).va);
		board_restore(m.b, s);
	}
	g_assert_cmpuint(first, >, 0);
	g_assert_cmpuint(first, <, 200);
	board_snapshot_drop(m.b, s);
	hm_free(&m);
}

/* One VM is taken apart while another gets its slot. */
static void test_race_for_a_slot(void)
{
	unsigned int same_slot = 0;
	struct hyp_machine m;
	struct guest a, b;
	struct snapshot *s;

	rig_booted(&m, PROFILE_V7_2);
	guest_new(&m, &a, GUEST_MEMORY, true, 4);
	guest_prepare(&m, &b, GUEST_MEMORY + MiB, true);
	HVC(&m, "unreserve_vm", b.handle);
	EQ(HVC(&m, "start_teardown_vm", a.handle), 0);
	s = board_snapshot(m.b);
	for (u64 seed = 0; seed < 200; seed++) {
		struct thread t[2] = { { .m = &m }, { .m = &m } };

		/* the host hopes for the handle, and may be wrong */
		host_store(&m, b.kvm + l->kvm_handle, a.handle);
		add_call(&t[0], "finalize_teardown_vm", a.handle, 0, 0);
		add_call(&t[1], "reserve_vm", 0, 0, 0);
		add_call(&t[1], "init_vm", guest_hva(&m, b.kvm), guest_hva(&m, b.area),
			 guest_hva(&m, b.pgd));
		run_both(&m, t, seed);
		EQ(t[0].calls[0].ret, 0);
		guest_all_back(&m, a.area, a.next);
		if (t[1].calls[0].ret == a.handle) {
			EQ(t[1].calls[1].ret, 0);
			b.handle = a.handle;
			EQ(guest_init_vcpu(&m, &b), 0);
			EQ(guest_refill(&m, &b, 4), 0);
			guest_must(&m, &b, DG, PAGE_IN_RAM, GFN);
			same_slot++;
		} else {
			EQ(t[1].calls[1].ret, -EINVAL);
			guest_all_back(&m, b.area, b.vcpu_area);
		}
		board_restore(m.b, s);
	}
	g_assert_cmpuint(same_slot, >, 0);
	g_assert_cmpuint(same_slot, <, 200);
	board_snapshot_drop(m.b, s);
	hm_free(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/race/for-a-handle", test_race_for_a_handle);
	g_test_add_func("/race/for-a-slot", test_race_for_a_slot);
	return g_test_run();
}
