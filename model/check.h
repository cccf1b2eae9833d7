/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several checkers need: who holds a lock, which pool a page is in and how
 * often it is referred to, and descriptors that were taken away while a TLB may
 * still know them.
 */
#ifndef PKVM_SIM_MODEL_CHECK_H
#define PKVM_SIM_MODEL_CHECK_H

#include <string.h>

#include "oracle_private.h"

static inline u64 check_page_size(struct oracle *o)
{
	return BIT(oracle_board(o)->f->page_shift);
}

/*
 * What tells of a breach is a function of its own, so that what looks for one, mostly in
 * vain and for every event, does without the room that the words take.
 */
#define of_breach static __attribute__((noinline, cold)) void

/* One CPU, no lock in use: the action is a step of boot, or comes before them. */
bool oracle_booting(struct oracle *o);
/* BIT(CPU): the host runs behind its stage 2 there. */
u64 oracle_s2_on(struct oracle *o);
/* Did EL2 stop half way, so that its state is that of no rule? */
bool check_stuck(struct oracle *o);
static inline bool check_died(struct oracle *o, enum oracle_end_kind end)
{
	return unlikely(end == ORACLE_END_PANIC ||
			((end == ORACLE_END_HANG || end == ORACLE_END_OTHER) && check_stuck(o)));
}

static inline bool check_holds(const struct spinlock *l, unsigned int cpu)
{
	return l && l->holder == (s16)cpu;
}

/* The board's lock of this name, or NULL. */
const struct spinlock *check_lock(struct oracle *o, const char *name);

/* ---- Pools, with the way to struct hyp_page worked out once ---- */

struct check_pool {
	u64 base, size;	       /* PA, bytes; size 0: not there */
	u64 pages;	       /* what the view said */
	const u8 *count;       /* of the first page, in its struct hyp_page; NULL: see below */
	u64 heads, heads_size; /* of its free lists: PA, bytes */
	const struct spinlock *lock;
	const char *name;
};

struct check_pools {
	struct check_pool pool[N_BASE_POOLS]; /* those that are not there: no size */
	unsigned int n;
};

void check_pools_read(struct oracle *o, struct check_pools *p);

/* As the view had them when the action began, or when it was taken over once more. */
const struct check_pools *oracle_pools(struct oracle *o);
void oracle_pools_sync(struct oracle *o);

/* A count that was put below 0 shows as the largest. */
static inline bool check_below_zero(struct oracle *o, u64 count)
{
	const u8 width = oracle_view(o)->layout->refcount_width;
	const u64 max = width >= 8 ? ~UINT64_C(0) : BIT(8 * width) - 1;

	return (count & max) == max;
}

/* The pool whose range holds @pa, or NULL. */
static inline const struct check_pool *check_pool_of(struct oracle *o, u64 pa)
{
	const struct check_pools *p = oracle_pools(o);

	for (unsigned int i = 0; i < N_BASE_POOLS; i++)
		if (pa - p->pool[i].base < p->pool[i].size)
			return &p->pool[i];
	return NULL;
}

/* References on a page, as struct hyp_page has them. */
u32 check_count_of(struct oracle *o, u64 pa);

/* The same on a page of the pool: 0 is a free page. */
static inline u32 check_pool_count(struct oracle *o, const struct check_pool *p, u64 pa)
{
	const unsigned int entry = oracle_view(o)->layout->hyp_page_size;
	u16 count;

	if (unlikely(!p->count))
		return check_count_of(o, pa);
	memcpy(&count, p->count + ((pa - p->base) >> oracle_board(o)->f->page_shift) * entry,
	       sizeof(count));
	return count;
}

/* What host and EL2 record of the page: as model_states(). */
void check_states(struct oracle *o, u64 pa, enum page_state *host, enum page_state *hyp);

/* ---- Descriptors ---- */

struct record_map check_record_map(const struct el2_layout *l, u8 page_shift);

/* @p is a table's, and @pa in it. */
struct check_desc check_desc_at(struct oracle *o, u64 pa, const struct part *p);

/* @at->part is hyp_vmemmap's, and a store of @width bytes at @pa in it: the rest. */
static inline void check_record_place(const struct record_map *m, u64 pa, u32 width,
				      struct place *at)
{
	const u64 off = pa & m->page_mask;
	const u8 field = m->field[off & m->entry_mask];

	at->frame = at->part.ia + (off >> m->entry_shift << m->page_shift);
	at->field = off & m->entry_mask;
	at->record = field >> 4 == width ? field & 0xf : RECORD_OTHER;
}

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
 *
 * One list for all who wait for that; check_gone.c keeps it up.
 */
enum gone_phase { GONE_STORED, GONE_VISIBLE, GONE_ISSUED, GONE_S2_DONE, GONE_S1_ISSUED };

#define GONE_STALE 1u  /* stale-tlb waits: until the table's lock is released */
#define GONE_BROKEN 2u /* break-before-make waits: until the entry is made anew */

struct gone {
	struct check_desc d;
	u64 old; /* the descriptor */
	u64 desc_pa;
	u64 lo, hi;    /* input addresses still to cover; all of it: nothing was yet */
	u64 grain;     /* what one address takes away */
	u8 wanted;     /* GONE_*: who waits */
	u8 phase;      /* enum gone_phase */
	u8 by;	       /* the CPU that took it away */
	u8 issuer;     /* of the TLBI */
	bool combined; /* the TLBI took away combined entries too */
	bool walks;    /* walk caches may hold it: it was a table */
	bool joined;   /* a neighbour of the host's or a guest's that went as the one before it */
	struct event ev;
};

#define GONE_MAX 64

struct gone_list {
	unsigned int n;
	struct gone g[GONE_MAX];
};

struct gone_list *check_gone(struct oracle *o);
/*
 * @ev stored over the live @old, and @who waits. Of more than the list has room for,
 * neighbours of the older half become one, which stale-tlb alone waits for; where
 * there are none, the oldest is forgotten.
 */
void gone_add(struct oracle *o, const struct check_desc *d, u64 old, const struct event *ev,
	      u8 who);
/* @who waits for @i no more. */
void gone_release(struct gone_list *l, unsigned int i, u8 who);

#endif
