// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a page may be at all, whatever made it so: between two actions its owners,
 * sharers and pins go together.
 */
#include "rules_private.h"

static bool holds(u8 state)
{
	return state == PKVM_PAGE_OWNED || state == PKVM_PAGE_SHARED_OWNED;
}

/* One owner among host, EL2 and guests, and nobody borrows what is not lent. */
static const char *ownership(const struct m_page *p)
{
	if (holds(p->host) && holds(p->hyp))
		return "host and hyp both own it";
	if (p->owners > 1)
		return "two places in guests' tables own it";
	if (p->owners && holds(p->hyp))
		return "hyp and a guest both own it";
	if (p->owners && holds(p->host))
		return "host and a guest both own it";
	if (p->hyp == PKVM_PAGE_SHARED_BORROWED && p->host != PKVM_PAGE_SHARED_OWNED)
		return "hyp still borrows what is no longer shared with it";
	if (p->host == PKVM_PAGE_SHARED_BORROWED && p->hyp != PKVM_PAGE_SHARED_OWNED &&
	    !(p->owners && p->guest == PKVM_PAGE_SHARED_OWNED))
		return "the host borrows what nobody shares with it";
	if (p->sharers && p->host != PKVM_PAGE_SHARED_OWNED)
		return "guests map what the host no longer shares";
	if (p->sharers && p->hyp == PKVM_PAGE_SHARED_BORROWED)
		return "hyp and guests borrow it, and each may be forgotten";
	if (p->borrowers > p->sharers)
		return "a guest maps what is not counted as lent to it";
	if (p->owners && p->host == PKVM_NOPAGE && p->note_vm &&
	    (p->note_vm != p->vm || p->note_gfn != p->gfn))
		return "a guest owns it, and the host's entry names another place";
	return NULL;
}

bool m_page_legal(const struct m_page *p, enum m_class c, const char **rule, const char **why)
{
	*rule = "single-owner";
	*why = ownership(p);
	if (*why)
		return false;
	*rule = "pinned";
	if (p->pins && p->hyp == PKVM_NOPAGE) {
		*why = "it is pinned, and not shared with hyp";
		return false;
	}
	*rule = "leak";
	if (p->sharers > p->borrowers) {
		*why = "it counts as lent to a guest that no longer has it: no call takes it back";
		return false;
	}
	if (p->host == PKVM_NOPAGE && p->hyp == PKVM_NOPAGE && !p->owners && p->note_vm) {
		*why = "it is kept for a guest that no longer has it: no call gives it back";
		return false;
	}
	*rule = "spec";
	if (p->host == PKVM_NOPAGE && p->hyp == PKVM_NOPAGE && !p->owners && c != M_FIRMWARE &&
	    c != M_BEYOND) {
		*why = "nobody owns it";
		return false;
	}
	return true;
}
