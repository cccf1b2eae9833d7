/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What steps touch, and which of them happen before which: see interleave.h.
 */
#ifndef PKVM_SIM_EXPLORE_FOOTPRINT_H
#define PKVM_SIM_EXPLORE_FOOTPRINT_H

#include "interleave.h"

/*
 * A thing that is touched, and how. Memory: a word of 8 bytes, read or written. A lock:
 * taken or released. TLBs: used (by a walk, or by a store that a walk could see) or
 * invalidated.
 */
enum touch_way { WAY_READ, WAY_WRITE, WAY_LOCK, WAY_UNLOCK, WAY_TLB_USE, WAY_TLB_INV };

struct touched {
	u64 key;
	u8 way;
};

/* Does the order of two touches of one thing matter? */
static inline bool ways_conflict(u8 a, u8 b)
{
	if (a == WAY_TLB_USE || a == WAY_TLB_INV)
		return a != b;
	return a != WAY_READ || b != WAY_READ;
}

struct step {
	u8 cpu;
	bool asked;	   /* it had choices of its own */
	u32 node;	   /* where it was chosen */
	u32 index;	   /* among the steps of its CPU, from 1 */
	u32 first, n;	   /* in steps.touched */
	u64 seq;	   /* the board's last event before it */
	u32 clock[X_CPUS]; /* steps of each CPU that it, itself included, comes after */
};

struct steps {
	struct board *b;
	GArray *step;	   /* struct step */
	GArray *touched;   /* struct touched, of all steps */
	u32 record_from;   /* what earlier steps touch is known */
	bool devices;	   /* see struct x_block */
	bool tlbi[X_CPUS]; /* issued and not yet completed by a DSB */
	/* by key: who touched it last, as far as the steps were gone through */
	struct seen *seen;
	u32 seen_bits, n_seen, stamp;
	GArray *before; /* of the step being gone through, what it directly comes after */
};

void steps_init(struct steps *s, struct board *b);
void steps_clear(struct steps *s);
/* Keep the first @n. */
void steps_truncate(struct steps *s, u32 n);
void steps_add(struct steps *s, unsigned int cpu, u32 node);
void steps_event(void *data, const struct event *ev);
void steps_walked(struct steps *s, pa_t desc);

static inline struct step *step_at(const struct steps *s, u32 i)
{
	return &g_array_index(s->step, struct step, i);
}

static inline const struct touched *touched_at(const struct steps *s, u32 i)
{
	return &g_array_index(s->touched, struct touched, i);
}

/* A footprint that outlives its step. */
struct foot {
	u32 n;
	struct touched t[];
};

struct foot *foot_of(const struct steps *s, u32 i);
/* @f (or NULL, freed) and what step @i touches. */
struct foot *foot_merge(struct foot *f, const struct steps *s, u32 i);
/* Does their order not matter? */
bool foot_independent(const struct foot *f, const struct steps *s, u32 i);

/* A step, or what a CPU would do that waits for a lock at the end (step: how many there are). */
struct racer {
	u32 step;
	unsigned int cpu;
	const u32 *clock;
};

/* Step @j comes before @racer, of another CPU, for no other reason than their conflict. */
typedef void (*race_fn)(void *data, u32 j, const struct racer *racer);
/* Work out the clocks of all steps. Races of those from @from on are told. */
void steps_order(struct steps *s, u32 from, race_fn race, void *data);
/*
 * Who could step in place of @j, a bit each, so that @racer and what it needs of the steps
 * between them come before @j.
 */
u32 steps_initials(const struct steps *s, u32 j, const struct racer *racer);

#endif
