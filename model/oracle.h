/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle: watches a machine and says, after each action, whether result and
 * state are what the rules of ownership allow (docs/rules.md). It reads events
 * and RAM only, and never asks EL2.
 *
 * One per machine, made before the first action. Its own state lies in the
 * board's arena and storage, so that a snapshot of the board covers it.
 */
#ifndef PKVM_SIM_MODEL_ORACLE_H
#define PKVM_SIM_MODEL_ORACLE_H

#include "model.h"
#include "rules.h"

enum check_mode { CHECK_OFF, CHECK_ON, CHECK_PARANOID };
extern const char *const check_mode_name[3];

/* ---- The table of rules (rule_table.c): `pkvm-sim rules` ---- */

enum rule_id {
	RULE_SPEC,
	RULE_SINGLE_OWNER,
	RULE_NO_CHANGE_ON_ERROR,
	RULE_PINNED,
	RULE_OWNER_PROGRESS,
	RULE_BREAK_BEFORE_MAKE,
	RULE_STALE_TLB,
	RULE_LOCK_ORDER,
	RULE_LOCK_HELD,
	RULE_DATA_RACE,
	RULE_REFCOUNT,
	RULE_LEAK,
	RULE_USE_AFTER_FREE,
	RULE_CONFIDENTIAL,
	RULE_RANGE,
	N_RULES
};

struct rule {
	const char *name;   /* "single-owner" */
	const char *broken; /* when it is broken, one line */
	const char *more;   /* a paragraph */
};
extern const struct rule model_rules[N_RULES];
bool model_rule_find(const char *name, enum rule_id *id);

/* ---- A breach ---- */

struct violation {
	enum rule_id rule;
	bool has_page;
	u64 page;		      /* address; has_page */
	struct event event;	      /* the first that broke it; seq 0: none */
	char text[160];		      /* one sentence: what is wrong */
	char before[120], after[120]; /* the page on every side, in words; or "" */
	char allowed[160];	      /* what the model allowed; or "" */
};

#define ORACLE_MAX_VIOLATIONS 16 /* an action; further ones are counted only */

struct oracle;

/*
 * @v must be fresh (hypervisor.view()) at oracle_begin() and at oracle_end(). Before
 * the first snapshot. NULL: CHECK_OFF, or this system does not give the address space
 * for its books. The memory is the board's: free the oracle first.
 */
struct oracle *oracle_new(struct board *b, const struct el2_view *v, const struct el2_config *c,
			  enum check_mode mode);
void oracle_free(struct oracle *o);

enum oracle_action_kind {
	ORACLE_CALL, /* a hypercall or EL2-internal call: call, args */
	ORACLE_INIT,
	ORACLE_FINALISE,
	ORACLE_PROT_FINALIZE,
	ORACLE_BOOT, /* init, finalise, prot_finalize everywhere */
	ORACLE_HOST_ACCESS,
	ORACLE_HYP_ACCESS,
	ORACLE_DMA,
	ORACLE_GUEST_ACCESS, /* a vCPU of @vm at IPA @addr */
	ORACLE_GUEST_CALL,   /* a vCPU of @vm to EL2: args, the function id first */
	ORACLE_PRESSURE,     /* drain, refill, fail: changes nothing */
	ORACLE_SMC,	     /* the host's: regs, and where its registers will be */
	ORACLE_BLOCK,	     /* several at once: oracle_block_begin() */
};

/* How an action ended, as host.h's outcomes, without depending on it. */
enum oracle_end_kind {
	ORACLE_END_VALUE,
	ORACLE_END_ABORT,
	ORACLE_END_FAULT,
	ORACLE_END_BUS,
	ORACLE_END_REFUSED,
	ORACLE_END_PANIC,
	ORACLE_END_HANG,
	ORACLE_END_OTHER,
};

struct oracle_action {
	enum oracle_action_kind kind;
	unsigned int cpu;
	const struct el2_call *call;
	u64 args[EL2_MAX_ARGS];
	unsigned int n_args;
	enum mmu_access access;
	u64 addr, size;
	u32 vm;		  /* handle */
	const u64 *regs;  /* ORACLE_SMC: x0 .. x4 at least, until oracle_begin() returns */
	const u64 *after; /* ORACLE_SMC: x0 .. x17, once it has ended */
};

void oracle_begin(struct oracle *o, const struct oracle_action *a);
/* Judges; the breaches of this action are then in oracle_violations(). */
void oracle_end(struct oracle *o, enum oracle_end_kind end, s64 value);
/* The run is over: what can never be given back is a leak. Adds to oracle_violations(). */
void oracle_finish(struct oracle *o);
const struct violation *oracle_violations(struct oracle *o, unsigned int *n);

/* ---- Several actions at once, on CPUs that were idle before and are afterwards ---- */

struct oracle_part {
	struct oracle_action action;
	enum oracle_end_kind end;
	s64 value;
};

/* @part: those that are to begin, of which nothing is known yet but the action. */
void oracle_block_begin(struct oracle *o, const struct oracle_part *part, unsigned int n);
/*
 * All have ended, or cannot; @part: those that began, of each CPU in its order. What they
 * broke is then in oracle_violations(). A number that tells states of the pages apart.
 */
u64 oracle_block_end(struct oracle *o, const struct oracle_part *part, unsigned int n);
/* No further run of it. */
void oracle_block_over(struct oracle *o);

/* State of a page as the model has it, for reports: "host OWNED, hyp NOPAGE". */
char *oracle_page_words(struct oracle *o, pa_t pa);

#endif
