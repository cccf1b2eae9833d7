/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every order of the visible steps of several CPUs, from one state: a block is run
 * again and again, each time by another sequence of choices, until all were made. It
 * needs a board and closures; it knows nothing of an EL2, an oracle or a language.
 *
 * Two ways. All orders; or one of each set of orders that differ only in independent
 * steps (dynamic partial-order reduction with source sets and sleep sets: Abdulla,
 * Aronis, Jonsson, Sagonas, POPL 2014): as the final states and breaches of such a set
 * are the same, nothing is lost.
 */
#ifndef PKVM_SIM_EXPLORE_INTERLEAVE_H
#define PKVM_SIM_EXPLORE_INTERLEAVE_H

#include "sim/board/board.h"

#define X_CPUS 8u /* that may step in a block: 0 .. 7 */

struct x_run;

/* One choice of a run. */
struct x_move {
	const char *what; /* NULL: which CPU steps; else as given to board_choose() */
	u32 value;	  /* the CPU, or the number chosen */
};

struct x_block {
	struct board *b;
	void *data;
	bool devices; /* may reach memory: whether they may depends on who has it then */
	/* Back to where the block starts, and cpu_start() on every CPU that takes part. */
	void (*start)(void *data);
	/* Every CPU ended, or none that is left can step. */
	void (*end)(void *data, const struct x_run *run);
};

#define X_UNBOUNDED UINT32_MAX

/* How, and how far. All zero: one order of each set, without a bound. */
struct x_interleave {
	bool all;		  /* all orders, none left out */
	u32 forced;		  /* of @all: at most so many forced switches; X_UNBOUNDED */
	u32 switch_before;    /* ... and those before this step; 0: anywhere. May change meanwhile */
	u32 longest;		  /* of @all: runs with more steps are cut off; 0: none is */
	u32 shard, n_shards;	  /* one part of several that are disjoint; 0 of 0: all of it */
	u64 max_runs, max_steps; /* 0: no bound */
	bool (*stop)(void *data); /* asked now and then; or NULL */
	void *data;

	/* what came of it */
	u64 runs;    /* ended */
	u64 blocked; /* cut off as all that was left had been done elsewhere */
	u64 steps;   /* of all runs, those done again included */
	u32 deepest; /* steps of the longest run */
	bool complete;
	u64 left; /* not complete: choices known to be left, each of one run at least */
};

void x_interleave(struct x_interleave *x, const struct x_block *block);

/* ---- The run that has just ended, or is under way ---- */

u32 x_run_steps(const struct x_run *run); /* so far */
/* Switches away from a CPU that could step, up to the end of step @steps - 1. */
u32 x_run_forced(const struct x_run *run, u32 steps);
/* How many steps it took up to and with the last one of a CPU. */
u32 x_run_last_of(const struct x_run *run, unsigned int cpu);
/* The step in which the event of this number was; 0-based. */
u32 x_run_step_of(const struct x_run *run, u64 seq);
/* Its choices up to the end of step @steps - 1; of choices that are no CPU the first
 * possibility, 0, is left out. New array of struct x_move. */
GArray *x_run_moves(const struct x_run *run, u32 steps);

/* ---- One run by given choices ---- */

/*
 * Carry out @moves, then let the CPU that stepped last go on while it can, else the
 * lowest that can. False: a move is not possible; *@bad is its index. *@seq: the board's
 * last event of @moves. All that were made are added to @ran, unless it is NULL.
 */
bool x_replay(const struct x_block *block, const struct x_move *moves, guint n, guint *bad,
	      u64 *seq, GArray *ran);

#endif
