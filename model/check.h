/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several checkers need: who holds a lock, which pool a page is in and how
 * often it is referred to, and descriptors that were taken away while a TLB may
 * still know them.
 */
#ifndef PKVM_SIM_MODEL_CHECK_H
#define PKVM_SIM_MODEL_CHECK_H

#include "oracle_private.h"

static inline u64 check_page_size(struct oracle *o)
{
	return BIT(oracle_board(o)->f->page_shift);
}

/* One CPU, no lock in use: steps of boot, and what comes before them. */
bool check_booting(struct oracle *o);
/* Did EL2 stop half way, so that its state is that of no rule? */
bool check_died(struct oracle *o, enum oracle_end_kind end);

static inline bool check_holds(const struct spinlock *l, unsigned int cpu)
{
	return l && l->holder == (s16)cpu;
}

/* The board's lock of this name, or NULL. */
const struct spinlock *check_lock(struct oracle *o, const char *name);

/* ---- Pools, with the way to struct hyp_page worked out once ---- */

#define CHECK_MAX_POOLS 8

struct check_pool {
	u64 base, size;	 /* PA, bytes; size 0: not there */
	u64 pages;	 /* what the view said */
	pa_t hyp_page;	 /* of the first page */
	bool contiguous; /* the entries of all pages follow it */
	const struct spinlock *lock;
	const char *name;
};

struct check_pools {
	struct check_pool pool[CHECK_MAX_POOLS];
	unsigned int n;
};

void check_pools_read(struct oracle *o, struct check_pools *p);

/* Take over what the view says; costs nothing when it says the same again. */
static inline void check_pools_sync(struct oracle *o, struct check_pools *p)
{
	const struct el2_view *v = oracle_view(o);
	bool same = p->n == v->n_pools;

	for (unsigned int i = 0; same && i < p->n; i++)
		same = p->pool[i].base == v->pools[i].base && p->pool[i].pages == v->pools[i].pages;
	if (unlikely(!same))
		check_pools_read(o, p);
}

/* The pool whose range holds @pa, or NULL. */
static inline const struct check_pool *check_pool_of(const struct check_pools *p, u64 pa)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (pa - p->pool[i].base < p->pool[i].size)
			return &p->pool[i];
	return NULL;
}

/* References on a page of the pool, as struct hyp_page has them: 0 is a free page. */
u32 check_pool_count(struct oracle *o, const struct check_pool *p, u64 pa);

/* The same of any page. */
u32 check_count_of(struct oracle *o, u64 pa);
/* What host and EL2 record of the page: as model_states(). */
void check_states(struct oracle *o, u64 pa, enum page_state *host, enum page_state *hyp);

/* ---- Descriptors ---- */

/* Would the MMU go on from it? Reserved encodings are as good as invalid. */
bool check_desc_live(struct oracle *o, const struct check_desc *d, u64 desc);
/* The page to name in a report: of the host's table the input, of others' the output. */
u64 check_desc_page(struct oracle *o, const struct check_desc *d, u64 desc);
const char *check_desc_whose(const struct check_desc *d); /* "EL2's" */
/* Is the lock that was released (EV_UNLOCK's name) the one that protects the table? */
bool check_desc_lock(struct oracle *o, const struct check_desc *d, const char *name);

/*
 * Descriptors that were live, and what has still to happen until no TLB can hold
 * a translation made of them (Arm ARM D8.16, D8.17): a DSB that makes the store
 * visible, a TLBI for every CPU concerned that covers it, a DSB that completes
 * the TLBI; for a stage 2 then the same for what stage 1 combined with it.
 *
 * A TLBI by address takes away the entry of any block or page that the address
 * lies in, whatever part of it. A level hint must be the leaf's, or the TLB may
 * ignore it. Operations on the last level leave walk caches alone.
 */
enum gone_phase { GONE_STORED, GONE_VISIBLE, GONE_ISSUED, GONE_S2_DONE, GONE_S1_ISSUED };

struct gone {
	struct check_desc d;
	u64 old; /* the descriptor */
	u64 desc_pa;
	u64 lo, hi;    /* input addresses still to cover; all of it: nothing was yet */
	u64 grain;     /* what one address takes away */
	u8 phase;      /* enum gone_phase */
	u8 by;	       /* the CPU that took it away */
	u8 issuer;     /* of the TLBI */
	bool combined; /* the TLBI took away combined entries too */
	bool walks;    /* walk caches may hold it: it was a table */
	struct event ev;
};

#define GONE_MAX 32

struct gone_list {
	struct check_pools pools;
	bool merge; /* neighbours that went the same way may be one */
	unsigned int n;
	struct gone g[GONE_MAX];
};

/* @ev stored over the live @old. A list that is full forgets the oldest. */
void gone_add(struct oracle *o, struct gone_list *l, const struct check_desc *d, u64 old,
	      const struct event *ev);
/* TLBI and DSB events: what is done with leaves the list. */
void gone_tlbi(struct oracle *o, struct gone_list *l, const struct event *ev);
void gone_dsb(struct gone_list *l, const struct event *ev);
void gone_drop(struct gone_list *l, unsigned int i);

#endif
