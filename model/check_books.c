// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * no-change-on-error, leak: the host's own record of what it shares with EL2
 * (hyp_shared_pfns of arch/arm64/kvm/mmu.c), which says whether a page's next user has
 * to ask for it and its last one to give it up. It must say what EL2 answered: after an
 * error what it said before. And a page that goes back to the allocator while EL2 still
 * has it shared has nobody left to give it up.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define MAX_CHANGES 64

struct books_state {
	struct {
		u64 page, before, now; /* users */
	} change[MAX_CHANGES];	       /* in the call that is under way */
	unsigned int n;
};

static void changed(struct books_state *s, const struct event *ev)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->change[i].page != ev->addr)
			continue;
		s->change[i].now = ev->val;
		return;
	}
	if (s->n == MAX_CHANGES)
		return;
	s->change[s->n].page = ev->addr;
	s->change[s->n].before = ev->old;
	s->change[s->n++].now = ev->val;
}

/* A call failed: what of @page, or of all pages, is not as it was? */
static void check_failed(struct oracle *o, const struct books_state *s, u64 page,
			 const struct event *ev)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const u64 before = s->change[i].before, now = s->change[i].now;

		if (now == before || (page != NO_PAGE && page != s->change[i].page))
			continue;
		oracle_breach(o, RULE_NO_CHANGE_ON_ERROR, s->change[i].page, ev,
			      "%s() failed, and the host counts %" PRIu64
			      " users of its share of the page, as if it had not; before: %" PRIu64,
			      ev->what, now, before);
	}
}

static void books_freed(struct oracle *o, const struct event *ev)
{
	enum page_state host, hyp;

	check_states(o, ev->addr, &host, &hyp);
	if (hyp == PKVM_PAGE_SHARED_BORROWED)
		oracle_breach(o, RULE_LEAK, ev->addr, ev,
			      "the host freed the page at 0x%" PRIx64
			      ", which it shares with EL2: nobody will unshare it",
			      ev->addr);
}

/* kvm_(un)share_hyp, hyp_shared_pfns, unshare_pfn_hyp; calls of other functions are many. */
static inline bool may_share(const char *fn)
{
	if (fn[0] == 'k')
		return fn[1] == 'v' && fn[2] == 'm' && fn[3] == '_' &&
		       (fn[4] == 's' || fn[4] == 'u');
	return fn[0] == 'h' || fn[0] == 'u';
}

static void share_called(struct books_state *s, const struct event *ev)
{
	if (!strcmp(ev->what, "kvm_share_hyp") || !strcmp(ev->what, "kvm_unshare_hyp"))
		s->n = 0;
	else if (!strcmp(ev->what, "hyp_shared_pfns"))
		changed(s, ev);
}

static void share_failed(struct oracle *o, const struct books_state *s, const struct event *ev)
{
	if (!strcmp(ev->what, "kvm_share_hyp"))
		check_failed(o, s, NO_PAGE, ev);
	else if (!strcmp(ev->what, "unshare_pfn_hyp"))
		check_failed(o, s, ev->addr, ev);
}

heard_often books_event(struct oracle *o, void *state, const struct event *ev)
{
	switch (ev->kind) {
	case EV_FREE:
		if (ev->what[0] == 'h' && !strcmp(ev->what, "host"))
			books_freed(o, ev);
		break;
	case EV_CALL:
		if (may_share(ev->what))
			share_called(state, ev);
		break;
	case EV_RET:
		if ((s64)ev->val < 0)
			share_failed(o, state, ev);
		break;
	}
}

const struct checker books_checker = {
	.name = "books",
	.state_size = sizeof(struct books_state),
	.kinds = BIT(EV_CALL) | BIT(EV_RET) | BIT(EV_FREE),
	.event = books_event,
};
