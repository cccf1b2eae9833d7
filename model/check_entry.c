// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spec, as far as single entries go: what a table says must be something that the
 * architecture knows at that level, and EL2 maps registers as a device's.
 *
 * A mapping that the host asks for while it is trusted is as the host wants it.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

/* Of EL2's MAIR, the device types: nGnRnE and nGnRE. */
#define ATTRIDX_DEVICE (BIT(3) | BIT(4))

of_breach reserved(struct oracle *o, const struct check_desc *d, const struct event *ev)
{
	oracle_breach(o, RULE_SPEC, NO_PAGE, ev,
		      "level %d has no such entry as 0x%" PRIx64 ", which %s table at 0x%" PRIx64
		      " got: the MMU faults on it",
		      d->level, ev->val, check_desc_whose(d), ev->addr);
}

static bool trusted(struct oracle *o)
{
	const struct oracle_action *a = oracle_action(o);

	return !a || a->kind != ORACLE_CALL || !a->call ||
	       !strcmp(a->call->name, "create_private_mapping");
}

static void check_attributes(struct oracle *o, const struct check_desc *d, const struct event *ev)
{
	const struct board *b = oracle_board(o);
	pa_t pa = pa_from_pte(b->f, ev->val);

	if (!d->hyp || !check_desc_live(o, d, ev->val) || pte_table(ev->val, d->level) ||
	    board_ram_at(b, pa) || trusted(o))
		return;
	if (!(ATTRIDX_DEVICE >> FIELD_GET(PTE_S1_ATTRIDX, ev->val) & 1))
		oracle_breach(o, RULE_SPEC, pa.pa, ev,
			      "EL2 maps registers at 0x%" PRIx64 " as cacheable memory", pa.pa);
}

heard_often entry_store(struct oracle *o, void *state, const struct event *ev,
			const struct place *at)
{
	if (!pte_valid(ev->val) || !at->d.cpus)
		return;
	if (unlikely(!check_desc_live(o, &at->d, ev->val)))
		reserved(o, &at->d, ev);
	check_attributes(o, &at->d, ev);
}

const struct checker entry_checker = {
	.name = "entry",
	.stores = VALID_ENTRIES,
	.store = entry_store,
};
