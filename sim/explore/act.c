// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Actions as data, carried out and judged, and states of a machine to go back to.
 */
#include <string.h>

#include "explore.h"
#include "sim/el2/smc.h"

static struct outcome act_call(struct machine *m, const struct x_action *a)
{
	if (a->call->hypercall)
		return machine_hvc_call(m, a->cpu, a->call, a->arg, a->n_args);
	return machine_el2_call(m, a->cpu, a->call, a->arg, a->n_args);
}

/* What pressure cannot be made says so: a pool that is not there is of no interest here. */
static struct outcome act_pressure(struct machine *m, const struct x_action *a)
{
	const struct hypervisor *hyp = m->hyp;
	GError *e = NULL;

	if (m->dead)
		return (struct outcome){ .kind = OUTCOME_NOT_RUN };
	if (a->kind == X_DRAIN)
		hyp->pool_drain(m->el2, a->pool, a->pages, &e);
	else if (a->kind == X_REFILL)
		hyp->pool_refill(m->el2, a->pool, a->pages, &e);
	else
		hyp->fail_alloc(m->el2, a->pool, a->pages, a->count, &e);
	if (!e)
		return (struct outcome){ .kind = OUTCOME_VALUE, .is_signed = true };
	g_error_free(e);
	return (struct outcome){ .kind = OUTCOME_NOT_RUN };
}

struct outcome x_act(struct machine *m, const struct x_action *a)
{
	switch (a->kind) {
	case X_CALL:
		return act_call(m, a);
	case X_HOST:
		return machine_host_access(m, a->cpu, a->access, a->addr, a->size, a->val,
					   a->isv ? HOST_ISV : 0);
	case X_HYP:
		return machine_hyp_access(m, a->cpu, a->access, a->addr, a->size, a->val);
	case X_SMC:
		return machine_smc(m, a->cpu, 0, a->arg, a->n_args);
	case X_FFA:
		return machine_ffa_describe(m, a->cpu, a->addr, &a->ranges);
	case X_DMA:
		return machine_dma(m, a->device, a->access == MMU_WRITE, a->addr, a->size, a->val);
	default:
		return act_pressure(m, a);
	}
}

static const char *smc_name(u64 id)
{
	const struct smc_call *c = el2_smcs;
	char words[64];

	while (c->name && c->id != id)
		c++;
	g_snprintf(words, sizeof(words), "smc %s", c->name ? c->name : "raw");
	return g_intern_string(words);
}

const char *x_action_name(const struct x_action *a)
{
	static const char *const name[N_X_KINDS][3] = {
		[X_HOST] = { "host read", "host write", "host exec" },
		[X_HYP] = { "hyp read", "hyp write", "hyp exec" },
		[X_DMA] = { "dma read", "dma write", "dma exec" },
		[X_FFA] = { "ffa describe" },
		[X_DRAIN] = { "drain" },
		[X_REFILL] = { "refill" },
		[X_FAIL] = { "fail alloc" },
	};

	if (a->kind == X_CALL)
		return a->call->name;
	if (a->kind == X_SMC)
		return smc_name(a->arg[0]);
	return name[a->kind][a->kind < X_SMC ? a->access : 0];
}

/* ---- Judged -------------------------------------------------------------------------- */

static void count_allocs(void *data, const struct event *ev)
{
	struct x_judged *j = data;

	j->failed_allocs += !ev->addr;
}

void x_watch(struct x_judged *j)
{
	board_subscribe_kinds(j->m->board, BIT(EV_ALLOC), count_allocs, j);
}

static void tell_oracle(struct x_judged *j, const struct x_action *a)
{
	static const enum oracle_action_kind kind[N_X_KINDS] = {
		[X_CALL] = ORACLE_CALL,	     [X_HOST] = ORACLE_HOST_ACCESS,
		[X_HYP] = ORACLE_HYP_ACCESS, [X_DMA] = ORACLE_DMA,
		[X_SMC] = ORACLE_SMC,	     [X_FFA] = ORACLE_HOST_ACCESS,
		[X_DRAIN] = ORACLE_PRESSURE, [X_REFILL] = ORACLE_PRESSURE,
		[X_FAIL] = ORACLE_PRESSURE,
	};
	struct oracle_action o = {
		.kind = kind[a->kind],
		.cpu = a->cpu,
		.call = a->call,
		.n_args = a->n_args,
		.access = a->access,
		.addr = a->addr,
		.size = a->size,
		.device = a->device ? a->device->base : 0,
	};

	if (a->kind == X_SMC) {
		memcpy(o.regs, a->arg, sizeof(a->arg));
		o.after = machine_registers(j->m);
	} else {
		memcpy(o.args, a->arg, sizeof(o.args));
	}
	if (a->kind == X_FFA) {
		o.access = MMU_WRITE;
		o.size = machine_ffa_size(j->m, &a->ranges);
	}
	j->m->hyp->view(j->m->el2);
	oracle_begin(j->oracle, &o);
}

static enum oracle_end_kind end_of(const struct outcome *o)
{
	static const enum oracle_end_kind end[N_OUTCOMES] = {
		[OUTCOME_VALUE] = ORACLE_END_VALUE,	[OUTCOME_ABORT] = ORACLE_END_ABORT,
		[OUTCOME_FAULT] = ORACLE_END_FAULT,	[OUTCOME_BUS] = ORACLE_END_BUS,
		[OUTCOME_REFUSED] = ORACLE_END_REFUSED, [OUTCOME_PANIC] = ORACLE_END_PANIC,
		[OUTCOME_HANG] = ORACLE_END_HANG,	[OUTCOME_GAVE_UP] = ORACLE_END_OTHER,
		[OUTCOME_NOT_RUN] = ORACLE_END_OTHER,	[OUTCOME_FFA] = ORACLE_END_VALUE,
	};

	return end[o->kind];
}

struct outcome x_act_judged(struct x_judged *j, const struct x_action *a,
			    const struct violation **v, unsigned int *n)
{
	struct outcome o;

	*v = NULL;
	*n = 0;
	j->failed_allocs = 0;
	if (!j->oracle)
		return x_act(j->m, a);
	tell_oracle(j, a);
	o = x_act(j->m, a);
	j->m->hyp->view(j->m->el2);
	oracle_end(j->oracle, end_of(&o), (s64)o.value);
	*v = oracle_violations(j->oracle, n);
	return o;
}

void x_finish(struct x_judged *j, const struct violation **v, unsigned int *n)
{
	*v = NULL;
	*n = 0;
	if (!j->oracle)
		return;
	if (!j->m->dead) {
		j->m->hyp->view(j->m->el2);
		oracle_finish(j->oracle);
	}
	*v = oracle_violations(j->oracle, n);
}

/* ---- States ---------------------------------------------------------------------------- */

void x_save(struct machine *m, struct x_state *s)
{
	*s = (struct x_state){ board_snapshot(m->board), m->dead, m->boot_failed, m->acted };
}

void x_back(struct machine *m, const struct x_state *s)
{
	board_restore(m->board, s->snapshot);
	m->dead = s->dead;
	m->boot_failed = s->boot_failed;
	m->acted = s->acted;
}

void x_drop(struct machine *m, struct x_state *s)
{
	board_snapshot_drop(m->board, s->snapshot);
	s->snapshot = NULL;
}
