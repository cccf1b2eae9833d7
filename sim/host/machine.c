/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine: a board with an EL2 on it, and EL1's side of every trap. What the
 * host's instructions meet is in access.c; here is how actions start and end.
 */
#include <string.h>

#include "host_private.h"
#include "sim/el2/smc.h"

const char *const outcome_name[N_OUTCOMES] = {
	[OUTCOME_VALUE] = "value", [OUTCOME_ABORT] = "abort",	  [OUTCOME_FAULT] = "fault",
	[OUTCOME_BUS] = "bus",	   [OUTCOME_REFUSED] = "refused", [OUTCOME_PANIC] = "panic",
	[OUTCOME_HANG] = "hang",   [OUTCOME_GAVE_UP] = "gave up", [OUTCOME_NOT_RUN] = "not run",
	[OUTCOME_FFA] = "FF-A error",
};

const char *outcome_word(const struct outcome *o)
{
	const char *ffa = NULL;

	if (o->kind == OUTCOME_FFA)
		ffa = ffa_error_name(0u - (unsigned int)o->value);
	return ffa ? ffa : outcome_name[o->kind];
}

struct machine *machine_new(const struct board_config *config, const struct el2_config *el2,
			    const struct hypervisor *hyp, GError **error)
{
	struct machine *m = g_new0(struct machine, 1);
	struct board_config *board = board_config_copy(config);
	g_autofree char *why = NULL;

	m->hyp = hyp;
	m->config = el2_config_copy(el2);
	board->shared = hyp->shares_memory;
	if (!hyp->offers || hyp->offers(el2, EL2_OFFER_MACHINE, NULL, board, &why))
		m->board = board_new(board, error);
	else
		g_set_error_literal(error, BOARD_ERROR, 0, why);
	board_config_free(board);
	if (m->board)
		m->el2 = hyp->new (m->board, m->config, error);
	if (m->el2) {
		m->config->vm_layout = hyp->view(m->el2)->vm_layout;
		host_regs_new(m);
	}
	if (m->el2 && host_new(m))
		return m;
	if (m->el2)
		g_set_error(error, BOARD_ERROR, 0, "no address space for the host's books");
	machine_free(m);
	return NULL;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	if (m->el2)
		m->hyp->free(m->el2);
	board_free(m->board);
	el2_config_free(m->config);
	g_free(m);
}

/*
 * Carry out @fn on a CPU; it leaves its outcome in @a unless its stack is dropped. On
 * that CPU's own stack it is one of several that are carried out there.
 */
struct outcome machine_act(struct action *a, unsigned int cpu, cpu_fn fn)
{
	struct machine *m = a->m;
	enum cpu_end end;

	if (m->dead)
		return (struct outcome){ .kind = OUTCOME_NOT_RUN };
	sim_assert(cpu < m->board->n_cpus);
	m->acted = true;
	if (board_current(m->board)) {
		sim_assert(board_current(m->board)->id == cpu);
		fn(board_current(m->board), a);
		return a->outcome;
	}
	end = cpu_call(&m->board->cpus[cpu], fn, a, NULL);
	switch (end) {
	case CPU_END_RETURNED:
		return a->outcome;
	case CPU_END_DIED:
		m->dead = true;
		return (struct outcome){ .kind = OUTCOME_PANIC };
	case CPU_END_HUNG:
		return (struct outcome){ .kind = OUTCOME_HANG };
	case CPU_END_GAVE_UP:
		break;
	}
	return (struct outcome){ .kind = OUTCOME_GAVE_UP };
}

static void returns(struct action *a, s64 value)
{
	a->outcome = (struct outcome){ OUTCOME_VALUE, true, (u64)value };
}

/* ---- Boot ------------------------------------------------------------------------------- */

typedef s64 (*boot_fn)(struct el2 *e, struct cpu *cpu);

struct boot_step {
	struct action a;
	boot_fn step;
};

static s64 do_boot_step(struct cpu *cpu, void *arg)
{
	struct boot_step *s = arg;

	returns(&s->a, s->step(s->a.m->el2, cpu));
	return 0;
}

static struct outcome boot_step(struct machine *m, unsigned int cpu, boot_fn step)
{
	struct boot_step s = { .a.m = m, .step = step };
	struct outcome o = machine_act(&s.a, cpu, do_boot_step);

	if (o.kind != OUTCOME_VALUE || o.value)
		m->boot_failed = true;
	return o;
}

struct outcome machine_init(struct machine *m, unsigned int cpu)
{
	return boot_step(m, cpu, m->hyp->init);
}

struct outcome machine_finalise(struct machine *m, unsigned int cpu)
{
	return boot_step(m, cpu, m->hyp->finalise);
}

struct outcome machine_prot_finalize(struct machine *m, unsigned int cpu)
{
	return boot_step(m, cpu, m->hyp->prot_finalize);
}

static bool went_well(struct outcome o)
{
	return o.kind == OUTCOME_VALUE && !o.value;
}

/* A page goes back to the host's allocator, and to somebody who writes to it. */
static s64 do_free_page(struct cpu *cpu, void *arg)
{
	const u64 *pa = arg;

	event_emit(cpu, .kind = EV_FREE, .fn = "teardown_hyp_mode", .what = "host", .addr = *pa);
	return 0;
}

static void host_reuses(struct machine *m, u64 base, u64 size)
{
	const u64 page = BIT(m->board->f->page_shift);

	for (u64 pa = base; pa - base < size && !m->dead; pa += page) {
		cpu_call(&m->board->cpus[0], do_free_page, &pa, NULL);
		machine_host_access(m, 0, MMU_WRITE, pa, 8, ~UINT64_C(0), HOST_ISV);
	}
}

/*
 * B-23: teardown_hyp_mode() to v6.15 frees what EL2 runs on, as if EL2 had gone back
 * to its stub. One that is on its own tables never does.
 */
static void teardown_hyp_mode(struct machine *m)
{
	const struct el2_view *v;

	if (likely(!m->config->bug[BUG_B23]))
		return;
	v = m->hyp->view(m->el2);
	if (!v->initialised)
		return;
	for (unsigned int i = 0; i < m->board->n_cpus; i++) {
		host_reuses(m, v->cpu_pages[i].stack.base, v->cpu_pages[i].stack.size);
		host_reuses(m, v->cpu_pages[i].percpu.base, v->cpu_pages[i].percpu.size);
	}
}

/* After an error the host leaves to EL2 what it gave it. */
struct outcome machine_boot(struct machine *m)
{
	struct outcome o = machine_init(m, 0);

	if (went_well(o))
		o = machine_finalise(m, 0);
	for (unsigned int i = 0; i < m->board->n_cpus && went_well(o); i++)
		o = machine_prot_finalize(m, i);
	if (o.kind == OUTCOME_VALUE && o.value)
		teardown_hyp_mode(m);
	return o;
}

/* ---- Calls -------------------------------------------------------------------------------- */

struct hvc {
	struct action a;
	u64 regs[18];
};

/* SMCCC: x0 tells whether the call exists, x1 what it gave. */
static s64 do_hvc(struct cpu *cpu, void *arg)
{
	struct hvc *h = arg;

	h->a.m->hyp->hvc(h->a.m->el2, cpu, h->regs);
	host_regs_keep(h->a.m, h->regs);
	if ((s64)h->regs[0] == -1)
		h->a.outcome.kind = OUTCOME_REFUSED;
	else
		returns(&h->a, (s64)h->regs[1]);
	return 0;
}

struct outcome machine_hvc(struct machine *m, unsigned int cpu, const u64 *regs, unsigned int n)
{
	struct hvc h = { .a.m = m };

	sim_assert(n <= G_N_ELEMENTS(h.regs));
	if (n)
		memcpy(h.regs, regs, n * sizeof(*regs));
	return machine_act(&h.a, cpu, do_hvc);
}

struct outcome machine_hvc_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n)
{
	u64 regs[1 + EL2_MAX_ARGS] = { m->hyp->hvc_id(m->el2, call) };

	sim_assert(n <= EL2_MAX_ARGS);
	if (n)
		memcpy(regs + 1, args, n * sizeof(*args));
	return machine_hvc(m, cpu, regs, 1 + n);
}

struct call {
	struct action a;
	const struct el2_call *call;
	const u64 *args;
	unsigned int n;
};

static s64 do_call(struct cpu *cpu, void *arg)
{
	struct call *c = arg;

	returns(&c->a, c->a.m->hyp->call(c->a.m->el2, cpu, c->call, c->args, c->n));
	return 0;
}

struct outcome machine_el2_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n)
{
	struct call c = { .a.m = m, .call = call, .args = args, .n = n };

	return machine_act(&c.a, cpu, do_call);
}
