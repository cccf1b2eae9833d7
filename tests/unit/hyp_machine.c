// SPDX-License-Identifier: GPL-2.0-or-later
/* A board with our EL2 on it, for tests that look inside. */
#include "tests/unit/hyp_machine.h"

void hm_config(struct hyp_machine *m, const char *board, const struct profile *p)
{
	*m = (struct hyp_machine){
		.bc = board_config_machine(board),
		.ec = el2_config_new(p),
	};
	g_assert_nonnull(m->bc);
}

void hm_ram(struct hyp_machine *m, const struct ram_region *ram, unsigned int n)
{
	g_array_set_size(m->bc->ram, 0);
	g_array_append_vals(m->bc->ram, ram, n);
}

static void make_board(struct hyp_machine *m)
{
	unsigned int which;
	GError *error = NULL;

	board_config_check(m->bc, &which, &error);
	g_assert_no_error(error);
	m->b = board_new(m->bc, &error);
	g_assert_no_error(error);
}

void hm_start(struct hyp_machine *m)
{
	GError *error = NULL;

	make_board(m);
	m->e = pkvm_hypervisor.new(m->b, m->ec, &error);
	g_assert_no_error(error);
	m->hyp = (struct hyp *)m->e;
}

char *hm_refused(struct hyp_machine *m)
{
	GError *error = NULL;
	char *words;

	make_board(m);
	g_assert_null(pkvm_hypervisor.new(m->b, m->ec, &error));
	g_assert_nonnull(error);
	words = g_strdup(error->message);
	g_error_free(error);
	return words;
}

struct call {
	s64 (*fn)(struct hyp_cpu *c, void *arg);
	void *arg;
};

static s64 call_fn(struct cpu *cpu, void *arg)
{
	struct call *call = arg;

	return call->fn(cpu->el2, call->arg);
}

bool hm_run(struct hyp_machine *m, s64 (*fn)(struct hyp_cpu *c, void *arg), void *arg, s64 *ret)
{
	return cpu_call(&m->b->cpus[0], call_fn, &(struct call){ fn, arg }, ret) ==
	       CPU_END_RETURNED;
}

static s64 step(struct cpu *cpu, void *arg)
{
	s64 (*fn)(struct el2 *, struct cpu *) = *(s64(**)(struct el2 *, struct cpu *))arg;
	struct hyp_cpu *c = cpu->el2;

	return fn((struct el2 *)c->hyp, cpu);
}

s64 hm_boot(struct hyp_machine *m)
{
	s64 (*steps[])(struct el2 *, struct cpu *) = {
		pkvm_hypervisor.init,
		pkvm_hypervisor.finalise,
		pkvm_hypervisor.prot_finalize,
	};
	s64 ret = 0;

	for (unsigned int s = 0; !ret && s < G_N_ELEMENTS(steps); s++) {
		unsigned int n = s == 2 ? m->b->n_cpus : 1;

		for (unsigned int i = 0; !ret && i < n; i++)
			g_assert_cmpint(cpu_call(&m->b->cpus[i], step, &steps[s], &ret), ==,
					CPU_END_RETURNED);
	}
	return ret;
}

void hm_free(struct hyp_machine *m)
{
	pkvm_hypervisor.free(m->e);
	board_free(m->b);
	board_config_free(m->bc);
	el2_config_free(m->ec);
}

u64 hm_peek(struct hyp_machine *m, u64 pa)
{
	u64 val;

	g_assert_true(board_peek64(m->b, PA(pa), &val));
	return val;
}
