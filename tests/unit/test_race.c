// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * data-race and lock-order while two CPUs run: told whatever the order in which they ran,
 * and only where nothing puts one access, or one order of locks, before the other.
 */
#include "model/oracle.h"
#include "sim/explore/interleave.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

#define FIELD UINT64_C(0x50000000) /* memory of the host's: no rule says whose it is */
#define FLAG (FIELD + 8)

enum step { LOAD, STORE, ACQUIRE, RELEASE, LOCK_A, UNLOCK_A, LOCK_B, UNLOCK_B, END };

struct world {
	struct machine *m;
	struct oracle *o;
	struct snapshot *start;
	struct spinlock *lock[2];
	enum step step[2][8];
	u64 runs[N_RULES], all, races_when_flag_is_up, flag_is_up;
	u64 seen; /* what ACQUIRE read, in this run */
};

static void do_step(struct cpu *cpu, struct world *w, enum step s)
{
	switch (s) {
	case LOAD:
		mem_load64(cpu, PA(FIELD), MO_ONCE);
		break;
	case STORE:
		mem_store64(cpu, PA(FIELD), cpu->id, MO_ONCE);
		break;
	case ACQUIRE:
		w->seen = mem_load64(cpu, PA(FLAG), MO_ACQUIRE);
		break;
	case RELEASE:
		mem_store64(cpu, PA(FLAG), 1, MO_RELEASE);
		break;
	case LOCK_A:
	case LOCK_B:
		spin_lock(cpu, w->lock[s == LOCK_B]);
		break;
	case UNLOCK_A:
	case UNLOCK_B:
		spin_unlock(cpu, w->lock[s == UNLOCK_B]);
		break;
	case END:
		break;
	}
}

static s64 run_cpu(struct cpu *cpu, void *arg)
{
	struct world *w = arg;

	for (const enum step *s = w->step[cpu->id]; *s != END; s++)
		do_step(cpu, w, *s);
	return 0;
}

static void start(void *data)
{
	struct world *w = data;

	board_restore(w->m->board, w->start);
	w->seen = 0;
	for (unsigned int i = 0; i < 2; i++)
		cpu_start(&w->m->board->cpus[i], run_cpu, w);
}

static void end(void *data, const struct x_run *run)
{
	const struct violation *v;
	struct world *w = data;
	bool race = false;
	unsigned int n;

	g_assert_cmpuint(x_run_steps(run), >, 0);
	w->m->hyp->view(w->m->el2);
	oracle_block_end(w->o, NULL, 0);
	v = oracle_violations(w->o, &n);
	for (unsigned int i = 0; i < n; i++) {
		w->runs[v[i].rule]++;
		race |= v[i].rule == RULE_DATA_RACE;
	}
	w->all++;
	w->flag_is_up += w->seen;
	w->races_when_flag_is_up += w->seen && race;
}

static void look(struct world *w, const enum step *first, const enum step *second, bool all)
{
	struct board_config *bc = board_config_machine("virt");
	struct el2_config *ec = el2_config_new(el2_profile_find("v7.0"));
	struct x_interleave x = { .all = all, .forced = X_UNBOUNDED };

	*w = (struct world){ .m = machine_new(bc, ec, &pkvm_hypervisor, NULL) };
	board_config_free(bc);
	el2_config_free(ec);
	for (unsigned int i = 0; i < 8; i++) {
		w->step[0][i] = first[i];
		w->step[1][i] = second[i];
	}
	for (unsigned int i = 0; i < 2; i++) {
		w->lock[i] = board_alloc(w->m->board, sizeof(*w->lock[i]));
		spin_init(w->m->board, w->lock[i], i ? "B" : "A");
	}
	w->o = oracle_new(w->m->board, w->m->hyp->view(w->m->el2), w->m->config, CHECK_ON);
	g_assert_cmpint(machine_boot(w->m).kind, ==, OUTCOME_VALUE);
	w->m->hyp->view(w->m->el2);
	oracle_block_begin(w->o, NULL, 0);
	w->start = board_snapshot(w->m->board);
	x_interleave(&x,
		     &(struct x_block){ .b = w->m->board, .data = w, .start = start, .end = end });
	g_assert_true(x.complete);
	oracle_block_over(w->o);
	board_snapshot_drop(w->m->board, w->start);
	oracle_free(w->o);
	machine_free(w->m);
}

#define STEPS(...) ((const enum step[8]){ __VA_ARGS__, END, END, END, END })

/* Two accesses, one a write, and no order: in every run, not only where they meet. */
static void test_no_order(void)
{
	struct world w;

	for (unsigned int all = 0; all < 2; all++) {
		look(&w, STEPS(STORE), STEPS(LOAD), all);
		g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, w.all);
		look(&w, STEPS(STORE), STEPS(STORE), all);
		g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, w.all);
		look(&w, STEPS(LOAD), STEPS(LOAD), all);
		g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, 0);
		look(&w, STEPS(STORE), STEPS(ACQUIRE), all);
		g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, 0);
	}
}

/* The same lock orders, another one does not. */
static void test_locks(void)
{
	struct world w;

	look(&w, STEPS(LOCK_A, STORE, UNLOCK_A), STEPS(LOCK_A, LOAD, UNLOCK_A), true);
	g_assert_cmpuint(w.all, >, 1);
	g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, 0);
	look(&w, STEPS(LOCK_A, STORE, UNLOCK_A), STEPS(LOCK_B, STORE, UNLOCK_B), true);
	g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, w.all);
	look(&w, STEPS(LOCK_A, STORE, UNLOCK_A), STEPS(LOCK_A, UNLOCK_A, LOAD), false);
	/* after the other's section it is in order, before it is not */
	g_assert_cmpuint(w.runs[RULE_DATA_RACE], >, 0);
	g_assert_cmpuint(w.runs[RULE_DATA_RACE], <, w.all);
}

/* A release that an acquire reads orders what was before with what comes after. */
static void test_release_and_acquire(void)
{
	struct world w;

	look(&w, STEPS(STORE, RELEASE), STEPS(ACQUIRE, LOAD), true);
	g_assert_cmpuint(w.flag_is_up, >, 0);
	g_assert_cmpuint(w.races_when_flag_is_up, ==, 0);
	g_assert_cmpuint(w.runs[RULE_DATA_RACE], ==, w.all - w.flag_is_up);
	look(&w, STEPS(RELEASE, STORE), STEPS(ACQUIRE, LOAD), true);
	g_assert_cmpuint(w.races_when_flag_is_up, ==, w.flag_is_up);
}

/* Two locks in both orders are told in every run, also where nobody had to wait. */
static void test_lock_order(void)
{
	struct world w;

	look(&w, STEPS(LOCK_A, LOCK_B, UNLOCK_B, UNLOCK_A),
	     STEPS(LOCK_B, LOCK_A, UNLOCK_A, UNLOCK_B), false);
	g_assert_cmpuint(w.all, ==, 3);
	/* in the deadlock neither has both */
	g_assert_cmpuint(w.runs[RULE_LOCK_ORDER], ==, 2);
	look(&w, STEPS(LOCK_A, LOCK_B, UNLOCK_B, UNLOCK_A),
	     STEPS(LOCK_A, LOCK_B, UNLOCK_B, UNLOCK_A), false);
	g_assert_cmpuint(w.runs[RULE_LOCK_ORDER], ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/race/no-order", test_no_order);
	g_test_add_func("/race/locks", test_locks);
	g_test_add_func("/race/release-and-acquire", test_release_and_acquire);
	g_test_add_func("/race/lock-order", test_lock_order);
	return g_test_run();
}
