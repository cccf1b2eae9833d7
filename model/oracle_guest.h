/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the oracle knows of guests, between oracle_guest.c (reading EL2's records, what an
 * action leaves of them) and oracle_vm.c (what a call names).
 */
#ifndef PKVM_SIM_MODEL_ORACLE_GUEST_H
#define PKVM_SIM_MODEL_ORACLE_GUEST_H

#include "oracle_impl.h"
#include "private.h"

#define GUEST_LINKS 1024u
#define GUEST_RANGES 4096u

#define GUEST_CALLS_SEEN 8u

struct oracle_guests {
	/* rows of the calls (oracle_vm.c) that were looked for by name before */
	struct {
		const struct el2_call *call;
		u8 row;
	} seen[GUEST_CALLS_SEEN];
	unsigned int next_seen;
	struct m_vm vm[M_VMS]; /* as the model has them */
	struct m_loaded loaded[BOARD_MAX_CPUS];
	unsigned int n_live;
	struct extent *links;  /* u64: frames of the host's list, of this action */
	struct extent *ranges; /* struct m_range: what was given for the VM that may go */
	/* this action */
	bool unlinked; /* the VM's tables are not followed: it is about to go */
	bool cut;      /* more was given for it than there is room to list */
	struct guest_change change[MAX_GUEST_CHANGES];
	u32 n_changes;
};

/* Is there something to begin with for the action, or to leave behind of the one before? */
static inline bool guests_begun(const struct oracle *o)
{
	const struct oracle_guests *g = o->g;

	return g->n_changes || g->unlinked || g->cut || o->verdict.frees;
}

/* Has the action, as it ended, to do with guests? */
static inline bool guests_concerned(const struct oracle *o)
{
	const struct oracle_guests *g = o->g;

	return g->unlinked || g->n_changes || g->n_live != o->v->n_guests || o->verdict.leaf.nr ||
	       o->verdict.vm != M_VM_KEEP;
}

/* Bytes at @pa of any alignment; 0 where nothing is. */
u64 guests_peek(struct oracle *o, u64 pa, unsigned int bytes);
/* PA of struct pkvm_hyp_vcpu @idx; 0: not made. */
u64 guests_vcpu_at(struct oracle *o, const struct el2_guest_view *g, u32 idx);
/* The host's address as EL2 takes it; the PA. */
static inline u64 guests_host_pa(const struct oracle *o, u64 host_va)
{
	return host_va & (o->v->layout->va_offset - 1);
}

#endif
