// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of FF-A by chance: mailboxes mapped and taken back, memory shared,
 * lent and reclaimed, whole and in fragments, right and wrong. A descriptor is written
 * by one action, sent by another, and whatever happens in between happens.
 *
 * What a release is known not to check (B-39, B-41, B-42) it is not asked.
 */
#include <string.h>

#include "explore_private.h"
#include "sim/el2/smc.h"

#define FFA_PAGE 4096u

static bool checks(const struct generator *g, enum bug_id bug)
{
	return !el2_bugs[bug].not_on[g->j->m->config->profile->id];
}

static void smc(struct x_action *a, u64 fn, u64 x1, u64 x2, u64 x3)
{
	const u64 x[] = { fn, x1, x2, x3 };

	a->kind = X_SMC;
	a->n_args = G_N_ELEMENTS(x);
	memcpy(a->arg, x, sizeof(x));
}

/* ---- Descriptors ------------------------------------------------------------------------------ */

/* A page that a VM has and the host does not, as far as one tries. */
static u64 whose_vm_has(struct generator *g)
{
	const u64 pa = generator_victim(g);

	return generator_is_drivers(g, pa, 2) && generator_host_owns(g, pa) ? g->hot[0] : pa;
}

static void describe(struct generator *g, struct x_action *a)
{
	struct machine_ffa_ranges *r = &a->ranges;
	const u32 per_page = (u32)(g->places.page / FFA_PAGE);

	a->kind = X_FFA;
	a->addr = g->ffa.tx;
	r->head = !g->ffa.wants_more || !pick(g, 8);
	r->n = 1 + pick(g, 1 + pick(g, 3));
	r->more = r->head && !pick(g, 4) ? 1 + pick(g, 3) : 0;
	r->more_pages = r->more * per_page;
	for (unsigned int i = 0; i < r->n; i++) {
		r->range[i].address =
			pick(g, 16) ? g->hot[pick(g, N_HOT_MEMORY)] : generator_page(g);
		if (g->r->vms && !pick(g, 4))
			r->range[i].address = whose_vm_has(g);
		r->range[i].pages = (1 + !pick(g, 4)) * per_page;
		if (checks(g, BUG_B42) && !pick(g, 24))
			r->range[i].address += (u64)FFA_PAGE * pick(g, 16) + 8 * pick(g, 2);
	}
}

/* Anything in a field of the header: counts and lengths, and where the rest begins. */
static void spoil(struct generator *g, struct x_action *a)
{
	static const u8 field[] = { 0, 28, 64, 68, 24, 32, 52 };
	const unsigned int n = checks(g, BUG_B41) ? 7 : 4;

	a->kind = X_HOST;
	a->access = MMU_WRITE;
	a->isv = true;
	a->size = 4;
	a->addr = g->ffa.tx + field[pick(g, n)];
	a->val = pick(g, 2) ? pick(g, 200) : ~0u - pick(g, 64);
}

/* ---- Calls -------------------------------------------------------------------------------------- */

static void send(struct generator *g, struct x_action *a)
{
	static const u64 fn[] = { FFA_FN64_MEM_SHARE, FFA_MEM_SHARE, FFA_FN64_MEM_LEND,
				  FFA_MEM_LEND };
	const u64 len = pick(g, 16) ? g->ffa.len : pick(g, 512);

	if (g->ffa.wants_more && pick(g, 8))
		smc(a, FFA_MEM_FRAG_TX, pick(g, 16) ? g->ffa.open : pick(g, 32), 0, len);
	else
		smc(a, fn[pick(g, G_N_ELEMENTS(fn))], len + g->ffa.more, len, 0);
}

static void reclaim(struct generator *g, struct x_action *a)
{
	const u64 handle = g->ffa.n_handles && pick(g, 16)
				   ? g->ffa.handle[pick(g, MIN(g->ffa.n_handles, N_HANDLES))]
			   : pick(g, 2) ? pick(g, 32)
					/* a liar takes it for a frame's number */
					: generator_page(g) / g->places.page;

	smc(a, FFA_MEM_RECLAIM, handle, 0, 0);
}

static void mailboxes(struct generator *g, struct x_action *a)
{
	if (g->ffa.mapped && !pick(g, 3))
		smc(a, FFA_RXTX_UNMAP, pick(g, 8) ? 0 : 1, 0, 0);
	else
		smc(a, FFA_FN64_RXTX_MAP, pick(g, 8) ? g->ffa.tx : generator_page(g),
		    pick(g, 8) ? g->ffa.rx : generator_page(g), g->places.page / FFA_PAGE);
}

static void other(struct generator *g, struct x_action *a)
{
	static const u64 fn[] = { FFA_VERSION,
				  FFA_VERSION,
				  FFA_RX_RELEASE,
				  FFA_FEATURES,
				  FFA_PARTITION_INFO_GET,
				  FFA_ID_GET,
				  FFA_MEM_DONATE,
				  FFA_MEM_RETRIEVE_REQ,
				  SMCCC_VERSION_ID };
	const u64 f = fn[pick(g, G_N_ELEMENTS(fn))];

	smc(a, f,
	    f == FFA_VERSION	? 0x10000 + pick(g, 3)
	    : f == FFA_FEATURES ? FFA_RXTX_MAP
				: 0,
	    0, 0);
}

bool generate_ffa(struct generator *g, struct x_action *a)
{
	const unsigned int what = pick(g, 16);

	/* first things first, mostly */
	if (!g->ffa.mapped && pick(g, 2))
		mailboxes(g, a);
	else if (what < 7 && !g->ffa.sent)
		send(g, a);
	else if (what < 10)
		describe(g, a);
	else if (what < 11)
		spoil(g, a);
	else if (what < 13)
		reclaim(g, a);
	else if (what < 15)
		mailboxes(g, a);
	else
		other(g, a);
	/* the mailbox may have been given away */
	return a->kind == X_SMC || g->risk || !generator_kept_out(g, a->addr);
}

/* ---- What it led to ------------------------------------------------------------------------------- */

void generator_learn_ffa(struct generator *g, const struct x_action *a, const struct outcome *o)
{
	const u64 *x = machine_registers(g->j->m);
	struct ffa_talk *t = &g->ffa;
	bool done;

	if (a->kind == X_FFA && o->kind == OUTCOME_VALUE) {
		t->len = o->value;
		t->more = 16 * (u64)a->ranges.more;
		t->sent = false;
		return;
	}
	if (a->kind != X_SMC)
		return;
	done = o->kind == OUTCOME_VALUE && x[0] == FFA_SUCCESS;
	switch (a->arg[0]) {
	case FFA_FN64_RXTX_MAP:
		t->mapped |= done;
		break;
	case FFA_RXTX_UNMAP:
		t->mapped &= !done;
		break;
	case FFA_MEM_FRAG_TX:
	case FFA_FN64_MEM_SHARE:
	case FFA_MEM_SHARE:
	case FFA_FN64_MEM_LEND:
	case FFA_MEM_LEND:
		t->sent = true;
		t->wants_more = o->kind == OUTCOME_VALUE && x[0] == FFA_MEM_FRAG_RX;
		t->open = o->value;
		if (done)
			t->handle[t->n_handles++ % N_HANDLES] = o->value;
		break;
	}
}

void generator_restart_ffa(struct generator *g)
{
	const u8 ffa = g->j->m->config->knob[KNOB_FFA];

	g->ffa = (struct ffa_talk){
		.there = ffa == FFA_V1_0 || ffa == FFA_V1_1 || ffa == FFA_V1_2,
		.tx = generator_memory(g),
		.rx = generator_memory(g),
		.sent = true,
	};
}
