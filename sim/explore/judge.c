// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Actions beside an oracle. It judges each hypercall, SMC and access by itself; a flow
 * of the host's driver is as many of these as it likes, and has what all of them broke.
 */
#include <string.h>

#include "explore.h"

static void count_allocs(void *data, const struct event *ev)
{
	struct x_judged *j = data;

	x_shortage_note(&j->shortage, ev);
}

void x_watch(struct x_judged *j)
{
	board_subscribe_kinds(j->m->board, BIT(EV_ALLOC), count_allocs, j);
}

/* ---- What the oracle is told -------------------------------------------------------------- */

static void begin(struct x_judged *j, const struct oracle_action *a)
{
	j->m->hyp->view(j->m->el2);
	oracle_begin(j->oracle, a);
	j->under_way = true;
}

static void tell_oracle(struct x_judged *j, const struct x_action *a)
{
	static const enum oracle_action_kind kind[N_X_KINDS] = {
		[X_CALL] = ORACLE_CALL,	      [X_HOST] = ORACLE_HOST_ACCESS,
		[X_HYP] = ORACLE_HYP_ACCESS,  [X_DMA] = ORACLE_DMA,
		[X_SMC] = ORACLE_SMC,	      [X_DRAIN] = ORACLE_PRESSURE,
		[X_REFILL] = ORACLE_PRESSURE, [X_FAIL] = ORACLE_PRESSURE,
	};
	struct oracle_action o = {
		.kind = kind[a->kind],
		.cpu = a->cpu,
		.call = a->call,
		.n_args = a->n_args,
		.access = a->access,
		.addr = a->addr,
		.size = a->size,
	};

	if (a->kind == X_SMC) {
		o.regs = a->arg;
		o.after = machine_registers(j->m);
	} else {
		memcpy(o.args, a->arg, sizeof(o.args));
	}
	begin(j, &o);
}

static void end(struct x_judged *j, const struct outcome *o)
{
	if (!j->under_way)
		return;
	j->m->hyp->view(j->m->el2);
	oracle_end(j->oracle, x_told_end(o), (s64)o->value);
	j->under_way = false;
}

/* ---- Flows ------------------------------------------------------------------------------------- */

/* What was found since the last look, also between steps. */
static void gather(struct x_judged *j)
{
	unsigned int n;
	const struct violation *v = oracle_violations(j->oracle, &n);

	for (unsigned int i = j->gathered; i < n && j->n_broken < ORACLE_MAX_VIOLATIONS; i++)
		j->broken[j->n_broken++] = v[i];
	j->gathered = n;
}

static void step_begin(void *data, const struct machine_step *s)
{
	const struct oracle_action a = x_told_step(s);
	struct x_judged *j = data;

	gather(j);
	begin(j, &a);
	j->gathered = 0;
}

static void step_end(void *data, const struct outcome *o)
{
	end(data, o);
}

static struct outcome act_flow(struct x_judged *j, const struct x_action *a)
{
	const struct machine_watch watch = { .begin = step_begin, .end = step_end, .data = j };
	struct outcome o;

	oracle_violations(j->oracle, &j->gathered); /* the last action's */
	j->m->watch = &watch;
	o = x_act(j->m, a);
	j->m->watch = NULL;
	end(j, &o);
	gather(j);
	return o;
}

/* ---- An action -------------------------------------------------------------------------------- */

struct outcome x_act_judged(struct x_judged *j, const struct x_action *a,
			    const struct violation **v, unsigned int *n)
{
	struct outcome o;

	*v = j->broken;
	*n = j->n_broken = j->gathered = 0;
	j->shortage = (struct x_shortage){ 0 };
	if (!j->oracle)
		return x_act(j->m, a);
	if (a->kind == X_FLOW || a->kind == X_FFA) {
		o = act_flow(j, a);
	} else {
		tell_oracle(j, a);
		o = x_act(j->m, a);
		end(j, &o);
		gather(j);
	}
	*n = j->n_broken;
	return o;
}

void x_finish(struct x_judged *j, const struct violation **v, unsigned int *n)
{
	*v = j->broken;
	*n = 0;
	if (!j->oracle)
		return;
	if (!j->m->dead) {
		j->m->hyp->view(j->m->el2);
		oracle_finish(j->oracle);
		gather(j);
	}
	*n = j->n_broken;
}
