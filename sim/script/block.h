/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block of CPUs that runs: what the files about it share. Every run of it starts where
 * the machine stood and ends when no CPU can go on; what it gave is then in the lines.
 */
#ifndef PKVM_SIM_SCRIPT_BLOCK_H
#define PKVM_SIM_SCRIPT_BLOCK_H

#include "doing.h"
#include "sim/explore/explore.h"
#include "sim/explore/interleave.h"

#define BLOCK_MAX_LINES 32u
#define BLOCK_MAX_CLAUSES 16u

struct block_line {
	const struct stmt *st;
	struct deed deed;
	char *words; /* as evaluated, for --record */
	/* of the last run */
	bool begun, ended;
	struct outcome out;
	u64 seq; /* the board's last event when it ended */
};

struct search;

struct block {
	struct run *r;
	const struct stmt *st;
	struct block_line line[BLOCK_MAX_LINES];
	unsigned int n;
	u32 cpus; /* that have a line, a bit each */
	u8 may;	  /* BIT(MAY_*) */
	struct x_state start;
	struct x_block x;
	struct search *search; /* of explore */
	/* of the last run */
	u64 digest; /* of owners and states of pages */
	const struct violation *violation;
	unsigned int n_violations;
	bool panicked;
	GArray *ran; /* struct x_move: of block_replay() or block_chance() */
};

/* Arguments evaluated, a state to come back to. False: an error of the file. */
bool block_init(struct block *k, struct run *r, const struct stmt *st, GError **error);
void block_clear(struct block *k);
/* After a run: how each line ended, what the oracle says. */
void block_end(struct block *k);
/* Carry out @moves and then what is left, watched and recorded. False: @bad is impossible. */
bool block_replay(struct block *k, const struct x_move *moves, guint n, guint *bad);
/* By chance (--seed). */
void block_chance(struct block *k);
/* For `result` and the like. */
void block_remember(struct block *k);
/* For --record: the last of these runs. */
void block_record(struct block *k);

/* ---- Words (block_words.c) ---------------------------------------------------------------- */

#define MAX_MOVES 1000000u

/* "0*14 1*3 alloc 0". New string. */
char *moves_words(const struct x_move *moves, guint n);
bool moves_add(GArray *moves, const char *word); /* false: that is none, or too many */
GArray *moves_read(const char *words);		 /* NULL: those are none */
/* What happens under @moves with a column a CPU; lines joined by '\n'. New string. */
char *block_listing(struct block *k, const struct x_move *moves, guint n);
/* "0:host_share_hyp", appended. */
void block_line_name(const struct block_line *l, GString *out);

/* ---- What many runs came to (tally.c) ------------------------------------------------------ */

/* What a run may show, a bit each: a line that failed, a rule broken, a clause's prop. */
#define SHOWS_LINE(i) BIT(i)
#define SHOWS_RULE(rule) BIT(BLOCK_MAX_LINES + (rule))
#define SHOWS_CLAUSE(i) BIT(BLOCK_MAX_LINES + N_RULES + (i))
#define N_SHOWS (BLOCK_MAX_LINES + N_RULES + BLOCK_MAX_CLAUSES)

struct tally_state {
	char *text;
	u64 key, digest;
	u64 runs;
	u64 shows; /* of the first run that ended in it */
};

struct tally_line {
	GArray *out;	/* struct outcome: distinct */
	GArray *passes; /* bool, of each */
	char *expected;
};

/* A rule that was broken, as one of the runs that did it tells. */
struct tally_breach {
	char *text, *before, *after, *allowed, *event;
	bool has_page;
	u64 page;
};

struct tally {
	struct block *k;
	GHashTable *states; /* by key */
	GPtrArray *state;   /* struct tally_state *, in the order found */
	struct tally_line line[BLOCK_MAX_LINES];
	const struct stmt *clause[BLOCK_MAX_CLAUSES]; /* whose bracket holds in this run */
	unsigned int n_clauses;
	u64 excused; /* rules that may be broken */
	u64 runs, count[N_SHOWS];
	struct tally_breach breach[N_RULES];
	GError *error; /* of the file: an expression has no value */
};

void tally_init(struct tally *t, struct block *k);
void tally_clear(struct tally *t);
/* The run that has just ended: what it shows. */
u64 tally_run(struct tally *t);
/* @more goes to @b or is freed. */
void tally_keep_breach(struct tally_breach *b, struct tally_breach *more);
void tally_line_add(struct tally_line *l, const struct outcome *out, bool passes);
struct tally_state *tally_state(struct tally *t, u64 key); /* made if there is none */
/* Of what is shown, what is a failure. */
u64 tally_bad(const struct tally *t);
/* What `sometimes` asks for and was shown, and is not plain as every run shows it. */
u64 tally_witnesses(const struct tally *t);
/* Tell of the lines and the clauses. False: an error of the file. */
bool tally_tell(struct tally *t, GError **error);
/* "violation stale-tlb", "owner(p) == host", "line 12". New string. */
char *tally_shown_words(const struct tally *t, unsigned int bit);
/* As herd tells of a test, appended: Test and States; Ok .. Observation of each condition. */
void tally_states(const struct tally *t, const char *name, GString *out);
void tally_conditions(const struct tally *t, const char *name, GString *out);

/* ---- A search and its parts (explore.c, parts.c) ------------------------------------------- */

/* A schedule that shows something. */
struct shown {
	GArray *moves; /* struct x_move; NULL: none is known */
	u32 forced, steps;
};

struct search {
	struct block *k;
	struct tally t;
	struct tally *into; /* what runs are counted in */
	u64 wanted;	    /* what schedules are kept for */
	struct shown shown[N_SHOWS];
	bool shortest; /* there are no shorter ones than those */
	struct x_interleave *level; /* looking for shorter ones with so many switches, or NULL */
	bool over;     /* --time */
	bool quiet;    /* another process tells how far the search is */
	unsigned int asked;
	struct x_interleave x;
};

bool block_explore(struct block *k, GError **error);
/* @moves, or NULL, goes to @s. */
void shown_set(struct shown *s, GArray *moves, u32 forced, u32 steps);
/* @moves go to @s if they are shorter, or as long and first in order; else they are freed. */
void shown_keep(struct shown *s, GArray *moves, u32 forced, u32 steps);

/* What a search found, as text; and added to what another one found. */
void part_write(const struct search *s, const char *hash, FILE *out);
/* False: what is read is no part of this search. */
bool part_read(struct search *s, const char *hash, FILE *in, GError **error);

#endif
