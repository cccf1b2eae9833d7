// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's words in the oracle's: model/ knows no sim/host, so whoever runs the one
 * beside the other asks here.
 */
#include <string.h>

#include "explore.h"

enum oracle_end_kind x_told_end(const struct outcome *o)
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

struct oracle_action x_told_step(const struct machine_step *s)
{
	static const enum oracle_action_kind kind[] = {
		[STEP_HVC] = ORACLE_CALL,
		[STEP_HOST_ACCESS] = ORACLE_HOST_ACCESS,
		[STEP_GUEST_ACCESS] = ORACLE_GUEST_ACCESS,
		[STEP_GUEST_HVC] = ORACLE_GUEST_CALL,
	};
	struct oracle_action a = {
		.kind = kind[s->kind],
		.cpu = s->cpu,
		.call = s->call,
		.n_args = MIN(s->n_args, (unsigned int)EL2_MAX_ARGS),
		.access = s->access,
		.addr = s->addr,
		.size = s->size,
		.vm = s->vm,
	};

	memcpy(a.args, s->args, a.n_args * sizeof(*a.args));
	return a;
}
