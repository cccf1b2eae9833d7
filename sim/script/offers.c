// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a statement asks of the EL2 behind the seam. Ours has everything; one that has not
 * lets a file's run be skipped with the reason, and a prompt's line be refused with it.
 */
#include "script_private.h"

static bool wants(const struct stmt *st, enum el2_offer *what)
{
	switch (st->id) {
	case CMD_VM:
	case CMD_GUEST:
		*what = EL2_OFFER_GUESTS;
		return true;
	case CMD_SMC:
	case CMD_FFA:
		*what = EL2_OFFER_FIRMWARE;
		return true;
	case CMD_DRAIN:
	case CMD_REFILL:
	case CMD_FAIL:
		*what = EL2_OFFER_PRESSURE;
		return true;
	case CMD_PARALLEL:
	case CMD_EXPLORE:
		*what = EL2_OFFER_PARALLEL;
		return true;
	case CMD_HVC:
		*what = EL2_OFFER_HVC;
		return !st->raw;
	case CMD_EL2:
		*what = EL2_OFFER_CALL;
		return true;
	default:
		return false;
	}
}

bool offered(const struct run *r, const struct stmt *st, char **why)
{
	const struct hypervisor *hyp = r->opt->hyp;
	enum el2_offer what;

	return !hyp->offers || !wants(st, &what) ||
	       hyp->offers(r->config, what, st->word, NULL, why);
}

static bool all_offered(const struct run *r, GPtrArray *stmts, char **why)
{
	for (guint i = 0; stmts && i < stmts->len; i++) {
		const struct stmt *st = stmts->pdata[i];

		if (!offered(r, st, why) || !all_offered(r, st->body, why))
			return false;
	}
	return true;
}

bool run_offered(const struct run *r, const struct program *prog, char **why)
{
	const struct hypervisor *hyp = r->opt->hyp;

	return !hyp->offers || (hyp->offers(r->config, EL2_OFFER_MACHINE, NULL, r->board, why) &&
				all_offered(r, prog->stmt, why));
}
