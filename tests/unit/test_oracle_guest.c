// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The oracle beside machines with guests: lives of VMs are silent, and what no call of EL2
 * does to guests' tables, written into them by hand, is told by its rule. Every step runs
 * under CHECK_PARANOID, which compares the fold with a full reading.
 */
#include <errno.h>
#include <string.h>

#include "model/oracle.h"
#include "sim/explore/explore.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

#define PAGE UINT64_C(4096)
#define GFN UINT64_C(0x80000)
#define FREE UINT64_C(0x60000000) /* memory of the host, far from EL2's */

#define RULE(r) (1u << RULE_##r)

struct fixture {
	struct machine *m;
	struct oracle *o;
	const struct el2_view *v;
	struct machine_watch watch;
	u32 broken; /* rules, a bit each, of all steps since last asked */
	bool open;  /* a step has begun */
};

static void freshen(struct fixture *x)
{
	x->v = x->m->hyp->view(x->m->el2);
}

/* ---- Steps of the driver's flows -------------------------------------------------------- */

static void gather(struct fixture *x)
{
	unsigned int n;
	const struct violation *v = oracle_violations(x->o, &n);

	for (unsigned int i = 0; i < n; i++)
		x->broken |= 1u << v[i].rule;
}

static void step_begin(void *data, const struct machine_step *s)
{
	const struct oracle_action a = x_told_step(s);
	struct fixture *x = data;

	freshen(x);
	oracle_begin(x->o, &a);
	x->open = true;
}

static void step_end(void *data, const struct outcome *o)
{
	struct fixture *x = data;

	if (!x->open)
		return;
	freshen(x);
	oracle_end(x->o, o->kind == OUTCOME_FAULT ? ORACLE_END_FAULT : ORACLE_END_VALUE,
		   (s64)o->value);
	gather(x);
	x->open = false;
}

static s64 ends_well(struct outcome o)
{
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return (s64)o.value;
}

/* Of all rules these were broken since this was last asked. */
static void assert_broken(struct fixture *x, u32 rules)
{
	g_assert_cmphex(x->broken, ==, rules);
	x->broken = 0;
}

static void make(struct fixture *x, enum profile_id release)
{
	struct board_config *bc = board_config_machine("virt");
	struct el2_config *ec = el2_config_new(&el2_profiles[release]);

	memset(x, 0, sizeof(*x));
	x->m = machine_new(bc, ec, &pkvm_hypervisor, NULL);
	g_assert_nonnull(x->m);
	board_config_free(bc);
	el2_config_free(ec);
	freshen(x);
	x->o = oracle_new(x->m->board, x->v, x->m->config, CHECK_PARANOID);
	x->watch = (struct machine_watch){ step_begin, step_end, x };
	oracle_begin(x->o, &(struct oracle_action){ .kind = ORACLE_BOOT });
	g_assert_cmpint(ends_well(machine_boot(x->m)), ==, 0);
	freshen(x);
	oracle_end(x->o, ORACLE_END_VALUE, 0);
	x->m->watch = &x->watch;
}

static void drop(struct fixture *x)
{
	oracle_free(x->o);
	machine_free(x->m);
}

static void add_vm(struct fixture *x, const char *name, bool is_protected)
{
	g_assert_cmpint(ends_well(machine_vm_create(x->m, 0, name, is_protected, 1, 0)), ==, 0);
	g_assert_cmpint(ends_well(machine_vm_run(x->m, 0, name, 0)), ==, 0);
}

static void map(struct fixture *x, const char *name, u64 gfn, u64 pa)
{
	const struct machine_map m = { .gfn = gfn, .pages = 1, .pa = pa, .r = 1, .w = 1, .x = 1 };

	g_assert_cmpint(ends_well(machine_guest_map(x->m, 0, name, 0, &m)), ==, 0);
}

/* The entry for @gfn of the @n-th VM. */
static struct mmu_result entry(struct fixture *x, unsigned int n, u64 gfn)
{
	struct mmu_result res;

	freshen(x);
	g_assert_cmpuint(n, <, x->v->n_guests);
	g_assert_true(model_walk_table(x->m->board, &x->v->guests[n]->s2, gfn * PAGE, &res));
	return res;
}

/* ---- Right lives ------------------------------------------------------------------------------ */

/* What the driver does, for VMs of both kinds, breaks no rule on any release. */
static void test_lives(void)
{
	for (unsigned int p = PROFILE_V7_0; p < N_PROFILES; p++) {
		struct fixture x;

		make(&x, (enum profile_id)p);
		add_vm(&x, "np", false);
		map(&x, "np", GFN, FREE);
		map(&x, "np", GFN + 1, FREE);
		if (el2_profiles[p].protected_guests) {
			add_vm(&x, "safe", true);
			map(&x, "safe", GFN, 0);
			g_assert_cmpint(ends_well(machine_vm_destroy(x.m, 0, "safe")), ==, 0);
		}
		g_assert_cmpint(ends_well(machine_vm_destroy(x.m, 0, "np")), ==, 0);
		assert_broken(&x, 0);
		drop(&x);
	}
}

/* A board that goes back takes the oracle's account of VMs along. */
static void test_snapshots(void)
{
	struct snapshot *empty, *one;
	struct fixture x;

	make(&x, PROFILE_V7_2);
	empty = board_snapshot(x.m->board);
	add_vm(&x, "safe", true);
	one = board_snapshot(x.m->board);
	map(&x, "safe", GFN, 0);
	g_assert_cmpint(ends_well(machine_vm_destroy(x.m, 0, "safe")), ==, 0);
	board_restore(x.m->board, one);
	map(&x, "safe", GFN + 3, 0);
	g_assert_cmpint(ends_well(machine_vm_destroy(x.m, 0, "safe")), ==, 0);
	board_restore(x.m->board, empty);
	add_vm(&x, "other", false);
	map(&x, "other", GFN, FREE);
	g_assert_cmpint(ends_well(machine_vm_destroy(x.m, 0, "other")), ==, 0);
	assert_broken(&x, 0);
	drop(&x);
}

/* ---- What a TLB has less than the tables ---------------------------------------------------------- */

static const struct el2_call *call_named(const struct fixture *x, const char *name)
{
	const struct el2_call *const *c = x->m->hyp->calls(x->m->el2);

	while (strcmp((*c)->name, name))
		c++;
	return *c;
}

/* The loaded guest may do everything with its page; the CPU's TLB is then as in @tlb, or NULL. */
static void relax(struct fixture *x, unsigned int cpu, const struct tlb *tlb)
{
	struct oracle_action a = { .kind = ORACLE_CALL,
				   .cpu = cpu,
				   .call = call_named(x, "host_relax_perms_guest"),
				   .args = { GFN, 0xf },
				   .n_args = 2 };

	freshen(x);
	oracle_begin(x->o, &a);
	g_assert_cmpint(ends_well(machine_hvc_call(x->m, cpu, a.call, a.args, 2)), ==, 0);
	if (tlb)
		x->m->board->cpus[cpu].tlb = *tlb;
	freshen(x);
	oracle_end(x->o, ORACLE_END_VALUE, 0);
	gather(x);
}

static void reads_only(struct fixture *x)
{
	const struct machine_map m = { .gfn = GFN, .pages = 1, .pa = FREE, .r = 1 };

	make(x, PROFILE_V7_2);
	add_vm(x, "np", false);
	g_assert_cmpint(ends_well(machine_guest_map(x->m, 0, "np", 0, &m)), ==, 0);
}

static enum outcome_kind touch(struct fixture *x, unsigned int cpu, enum mmu_access access)
{
	return machine_guest_access(x->m, cpu, "np", 0, access, GFN * PAGE, 8, 0).kind;
}

/*
 * A right is added. The CPU that asked knows; if it did not, that would be told there and
 * then. Another one may fault once more, which is no breach, and then it asks itself.
 */
static void test_rights_added(void)
{
	struct fixture x;
	struct tlb tlb;

	reads_only(&x);
	g_assert_cmpint(touch(&x, 0, MMU_READ), ==, OUTCOME_VALUE);
	tlb = x.m->board->cpus[0].tlb;
	relax(&x, 0, NULL);
	assert_broken(&x, 0);
	g_assert_cmpint(touch(&x, 0, MMU_WRITE), ==, OUTCOME_VALUE);
	relax(&x, 0, &tlb);
	assert_broken(&x, RULE(STALE_TLB));
	drop(&x);

	reads_only(&x);
	g_assert_cmpint(touch(&x, 1, MMU_READ), ==, OUTCOME_VALUE);
	g_assert_cmpint(touch(&x, 0, MMU_READ), ==, OUTCOME_VALUE);
	relax(&x, 0, NULL);
	g_assert_cmpint(touch(&x, 1, MMU_WRITE), ==, OUTCOME_FAULT);
	relax(&x, 1, NULL);
	g_assert_cmpint(touch(&x, 1, MMU_WRITE), ==, OUTCOME_VALUE);
	assert_broken(&x, 0);
	drop(&x);
}

/* ---- Tables written by hand ----------------------------------------------------------------------- */

struct store {
	u64 pa, val;
};

static s64 do_store(struct cpu *cpu, void *arg)
{
	const struct store *s = arg;

	mem_store64(cpu, PA(s->pa), s->val, MO_PLAIN);
	return 0;
}

/* An action of EL2 that no rule knows, without any lock, and ends with @value. */
static void write_one(struct fixture *x, u64 pa, u64 val, s64 value)
{
	static const struct el2_call nothing = { .name = "nothing_that_is_known" };
	struct store s = { pa, val };

	freshen(x);
	oracle_begin(x->o, &(struct oracle_action){ .kind = ORACLE_CALL, .call = &nothing });
	cpu_call(&x->m->board->cpus[0], do_store, &s, NULL);
	freshen(x);
	oracle_end(x->o, ORACLE_END_VALUE, value);
	gather(x);
}

/* What comes with every store by hand: no lock, and a count that nobody kept. */
#define BY_HAND (RULE(LOCK_HELD) | RULE(REFCOUNT))

static void assert_told(struct fixture *x, u32 rules, u32 besides)
{
	g_assert_cmphex(x->broken & rules, ==, rules);
	g_assert_cmphex(x->broken & ~(rules | besides), ==, 0);
	x->broken = 0;
}

/* Another place of a guest's table that owns the page; one that borrows what nobody lent. */
static void test_second_owner(void)
{
	struct fixture x;
	u64 leaf;

	make(&x, PROFILE_V7_2);
	add_vm(&x, "a", true);
	map(&x, "a", GFN, 0);
	leaf = entry(&x, 0, GFN).desc;
	write_one(&x, entry(&x, 0, GFN + 1).desc_pa.pa, leaf, 0);
	assert_told(&x, RULE(SINGLE_OWNER), BY_HAND);
	/* told once: as it is, it stays */
	write_one(&x, FREE, 0, 0);
	assert_broken(&x, 0);
	drop(&x);

	make(&x, PROFILE_V7_0);
	add_vm(&x, "np", false);
	map(&x, "np", GFN, 0);
	leaf = entry(&x, 0, GFN).desc;
	write_one(&x, entry(&x, 0, GFN + 1).desc_pa.pa, leaf, 0);
	assert_told(&x, RULE(SINGLE_OWNER), BY_HAND);
	drop(&x);
}

/* A guest's leaf that is gone leaves its page to nobody: lent, or kept for it. */
static void test_lost_leaf(void)
{
	for (unsigned int is_protected = 0; is_protected < 2; is_protected++) {
		struct mmu_result res;
		struct fixture x;

		make(&x, PROFILE_V7_2);
		add_vm(&x, "a", is_protected);
		map(&x, "a", GFN, 0);
		res = entry(&x, 0, GFN);
		write_one(&x, res.desc_pa.pa, 0, 0);
		assert_told(&x, RULE(LEAK), BY_HAND | RULE(STALE_TLB));
		drop(&x);
	}
}

/* The host's entry names another place than the guest has the page at. */
static void test_wrong_note(void)
{
	struct mmu_result guest, host;
	struct fixture x;

	make(&x, PROFILE_V7_2);
	add_vm(&x, "a", true);
	map(&x, "a", GFN, 0);
	guest = entry(&x, 0, GFN);
	g_assert_true(model_walk(x.m->board, x.v, false, guest.oa.pa, &host));
	write_one(&x, host.desc_pa.pa, host.desc + FIELD_PREP(x.v->layout->gfn_mask, 1), 0);
	assert_told(&x, RULE(SINGLE_OWNER), BY_HAND);
	drop(&x);
}

/* A call that fails and changes where a guest has a page; one that changes its rights only. */
static void test_changed_leaf(void)
{
	struct mmu_result res;
	struct fixture x;

	make(&x, PROFILE_V7_2);
	add_vm(&x, "a", false);
	map(&x, "a", GFN, 0);
	res = entry(&x, 0, GFN);
	write_one(&x, res.desc_pa.pa, res.desc & ~PTE_S2_W, -EPERM);
	assert_told(&x, RULE(NO_CHANGE_ON_ERROR), BY_HAND);
	write_one(&x, res.desc_pa.pa, res.desc, 0);
	assert_told(&x, RULE(LOCK_HELD), BY_HAND | RULE(SPEC));
	/* poison where a page was */
	write_one(&x, res.desc_pa.pa, FIELD_PREP(x.v->layout->type_mask, x.v->layout->type_poison),
		  0);
	assert_told(&x, RULE(LEAK), BY_HAND | RULE(STALE_TLB));
	drop(&x);
}

/* A place of the table of VMs changes without its lock, and a VM is gone unasked. */
static void test_vm_table(void)
{
	struct fixture x;

	make(&x, PROFILE_V7_2);
	write_one(&x, x.v->vm_table.pa + 8 * 7, EL2_SLOT_RESERVED, 0);
	assert_told(&x, RULE(LOCK_HELD), 0);
	drop(&x);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oracle-guest/lives", test_lives);
	g_test_add_func("/oracle-guest/snapshots", test_snapshots);
	g_test_add_func("/oracle-guest/rights-added", test_rights_added);
	g_test_add_func("/oracle-guest/second-owner", test_second_owner);
	g_test_add_func("/oracle-guest/lost-leaf", test_lost_leaf);
	g_test_add_func("/oracle-guest/wrong-note", test_wrong_note);
	g_test_add_func("/oracle-guest/changed-leaf", test_changed_leaf);
	g_test_add_func("/oracle-guest/vm-table", test_vm_table);
	return g_test_run();
}
