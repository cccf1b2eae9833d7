// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules that the oracle knows, as scenarios and reports name them. */
#include <string.h>

#include "oracle.h"

const struct rule model_rules[N_RULES] = {
	[RULE_SPEC] = {
		"spec",
		"a result or the state after it is not the model's, and no other rule tells why",
		"The model gives for each action the results that the release's rules allow, with "
		"the order of the checks, and what the pages are afterwards. A panic that it does "
		"not allow is a wrong result. If another rule is reported at the same action, this "
		"one is not.",
	},
	[RULE_SINGLE_OWNER] = {
		"single-owner",
		"a page has two owners, or a party reaches what is neither its own nor shared with it",
		"All records of a page together (the host's stage 2, EL2's stage 1, guests' stage 2, "
		"struct hyp_page) must name one owner, and what the tables, the TLBs and the bus masters let a party "
		"do must not go beyond it.",
	},
	[RULE_NO_CHANGE_ON_ERROR] = {
		"no-change-on-error",
		"a call failed, and owners, states, pins, sharers or bytes are not what they were",
		"Host mappings of its own pages that came or went, and table pages that the next "
		"success uses or a recycle frees, are no change. For a boot that failed it looks at "
		"the pages of `protect`.",
	},
	[RULE_PINNED] = {
		"pinned",
		"a page that is pinned, or that a device was told to use, changed its owner",
		"EL2 holds on to a pinned page and goes on using it. A `dma` device that has its "
		"registers written and is not yet started holds on to the pages that they name.",
	},
	[RULE_OWNER_PROGRESS] = {
		"owner-progress",
		"an access of the owner to its own page does not end in success",
		"Mapping on demand may take several faults, but each must change a descriptor. The "
		"device's own external abort counts as success.",
	},
	[RULE_BREAK_BEFORE_MAKE] = {
		"break-before-make",
		"a live descriptor was replaced without the sequence that the architecture demands",
		"A valid entry that changes its output address, its attributes or its level, or goes "
		"from a block to a table or back, must first be invalid, be invalidated in all TLBs "
		"and have that completed.",
	},
	[RULE_STALE_TLB] = {
		"stale-tlb",
		"a translation that is no longer in the tables outlived the unlock or the hand-over",
		"After the lock is given up, or another party has the page, no CPU may still hold a "
		"translation by which the former owner reaches it.",
	},
	[RULE_LOCK_ORDER] = {
		"lock-order",
		"locks were taken in an order that makes a cycle with the orders seen so far",
		"Two CPUs that take the same locks in different orders can block each other for "
		"ever, whether or not they did in this run.",
	},
	[RULE_LOCK_HELD] = {
		"lock-held",
		"state that a lock protects was touched without it",
		"The host's tables and page states go with the host's lock, EL2's tables and states "
		"with EL2's, a guest's tables with its VM's, the table of VMs with its own, a pool's "
		"lists and counts with the pool's. Boot has one CPU and no need of them.",
	},
	[RULE_DATA_RACE] = {
		"data-race",
		"two accesses to the same bytes, one a write, with nothing to order them",
		"Order comes from locks, from release and acquire, and from program order.",
	},
	[RULE_REFCOUNT] = {
		"refcount",
		"the reference count of a table page is not what its entries make it",
		"One reference for the table itself and one for each entry that is counted: one that "
		"is not zero in the host's tables, one that is valid in EL2's.",
	},
	[RULE_LEAK] = {
		"leak",
		"a page was lost: no calls of the release can ever give it back",
		"Judged at the end of a run, and for a VM's memory when the VM is gone: what the host "
		"gave for it must be the host's again, and no page may still count as lent to it or "
		"be kept for it. What a scenario drains is its own.",
	},
	[RULE_USE_AFTER_FREE] = {
		"use-after-free",
		"a page that was freed is still written, walked or used",
		"A free page belongs to its pool, which keeps its lists in it: whoever else writes "
		"there breaks them, and a walk through it translates what nobody meant.",
	},
	[RULE_CONFIDENTIAL] = {
		"confidential",
		"bytes that EL2 or a protected guest wrote can be read by another party",
		"It is enough that it can be: a page that the host gets with such bytes in it is told "
		"when it gets it. Not: return registers, mailboxes lent for it, what the guest wrote "
		"before it shared the page, the link word of a page that goes back to the host "
		"through a memcache.",
	},
	[RULE_RANGE] = {
		"range",
		"arithmetic on a frame number or a count wrapped: not what was checked was changed",
		"A frame number loses its upper bits when it is shifted into an address, and a sum "
		"of a number and a count may pass the end of the address space.",
	},
};

bool model_rule_find(const char *name, enum rule_id *id)
{
	for (unsigned int i = 0; i < N_RULES; i++) {
		if (strcmp(model_rules[i].name, name))
			continue;
		*id = (enum rule_id)i;
		return true;
	}
	return false;
}
