/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding what nobody wrote down: machines driven by chance, and every allocation
 * made to fail once. Everything here deals with machines, states to go back to, and
 * actions as data; it knows nothing of files or their language.
 */
#ifndef PKVM_SIM_EXPLORE_H
#define PKVM_SIM_EXPLORE_H

#include "model/oracle.h"
#include "sim/host/host.h"

/* ---- An action as data (act.c) ---------------------------------------------------------- */

enum x_kind {
	X_CALL,
	X_HOST,
	X_HYP,
	X_DMA,
	X_SMC,
	X_FFA,	/* the host writes a descriptor */
	X_FLOW, /* of the host's driver, or a guest's instruction */
	X_DRAIN,
	X_REFILL,
	X_FAIL,
	N_X_KINDS
};

enum x_flow_kind {
	X_SHARE, /* kvm_share_hyp() */
	X_UNSHARE,
	X_CREATE,
	X_RUN,
	X_PUT,
	X_DESTROY,
	X_MAP,
	X_UNMAP,
	X_WRPROTECT,
	X_AGE,
	X_GUEST,     /* an access */
	X_GUEST_HVC, /* x0 and on in arg[] */
	N_X_FLOWS
};

struct x_flow {
	enum x_flow_kind kind;
	const char *vm; /* its name: static */
	u32 vcpu;	/* X_CREATE: how many */
	u64 gfn, pages;
	bool is_protected, huge;
};

struct x_action {
	enum x_kind kind;
	unsigned int cpu;
	const struct el2_call *call; /* X_CALL */
	u64 arg[EL2_MAX_ARGS];	     /* X_CALL; X_SMC: x0 and on */
	unsigned int n_args;
	enum mmu_access access; /* X_HOST, X_HYP, X_DMA */
	u64 addr, val;	    /* addr: X_HYP: EL2's virtual address; X_GUEST: IPA; X_MAP: 0: any */
	unsigned int size;  /* bytes */
	bool isv, at_fails; /* X_HOST */
	const struct mmio_window *device; /* X_DMA */
	struct machine_ffa_ranges ranges; /* X_FFA, at @addr */
	struct x_flow flow;		  /* X_FLOW */
	const char *pool;		  /* X_DRAIN, X_REFILL, X_FAIL */
	u64 pages, count;		  /* leave, pages or nth; X_FAIL: how many */
};

struct outcome x_act(struct machine *m, const struct x_action *a);
/* "host_share_hyp", "host read", "smc ffa_mem_share", "drain": what statistics count. Static. */
const char *x_action_name(const struct x_action *a);

/* Allocations of an action that gave nothing. */
struct x_shortage {
	u64 host, other; /* of the host's tables; of all else */
};

void x_shortage_note(struct x_shortage *s, const struct event *ev); /* EV_ALLOC */
/* Were there no tables? The host's are asked for once more after a recycle. */
bool x_shortage_is_real(const struct x_shortage *s);

/* ---- What the oracle is told (told.c) ---- */

enum oracle_end_kind x_told_end(const struct outcome *o);
struct oracle_action x_told_step(const struct machine_step *s); /* of a flow */

/* A machine with those who judge it. */
struct x_judged {
	struct machine *m;
	struct oracle *oracle;	    /* NULL: only results */
	struct x_shortage shortage; /* of the last action */
	/* of the last action, all its steps together (judge.c) */
	struct violation broken[ORACLE_MAX_VIOLATIONS];
	unsigned int n_broken, gathered; /* gathered: of the step's */
	bool under_way;
};

void x_watch(struct x_judged *j); /* begin to count */

/* Carry out and judge; *@n violations in *@v, until the next action. */
struct outcome x_act_judged(struct x_judged *j, const struct x_action *a,
			    const struct violation **v, unsigned int *n);

/* Had the run ended here: the breaches of the last action, with what is lost for ever. */
void x_finish(struct x_judged *j, const struct violation **v, unsigned int *n);

/* A state of a machine to go back to, no CPU being inside an action. */
struct x_state {
	struct snapshot *snapshot;
	bool dead, boot_failed, acted;
};

void x_save(struct machine *m, struct x_state *s);
void x_back(struct machine *m, const struct x_state *s);
void x_drop(struct machine *m, struct x_state *s);

/* ---- What is known (known.c) --------------------------------------------------------------- */

/* A breach that the real code has too, where it is due, and why. */
struct x_known {
	const char *rule;
	const char *actions; /* x_action_name()s with '|' between, or NULL: any */
	bool enomem;	     /* only where tables of the action could not be had */
	bool once;	     /* and one failure does: nothing is recycled yet */
	const char *words;   /* one of them, with '|' between, in the violation's text or in what
				was allowed, or NULL */
	const char *below;   /* a function that EL2 panicked in or below, or NULL */
	bool failed;	     /* only where the action ended in an error */
	bool at_edge;	     /* only of a page that is memory in part */
	bool harmless;	     /* the state is still one of the rules' */
	const char *reason;
	u64 times; /* seen */
};

/* Breaches that a release has by itself: struct x_known, new. docs/fidelity.md tells more. */
GArray *x_known_of(const struct profile *p);
/* In what a breach was seen. */
struct x_case {
	const struct board *b;
	const char *action; /* x_action_name() */
	const struct x_shortage *shortage;
	const struct el2_panic *panic; /* that it ended in, or NULL */
	bool failed;		       /* it gave an error */
};

/* The entry of @known that excuses @v, or NULL. */
struct x_known *x_known_find(GArray *known, const struct x_case *c, const struct violation *v);

/* ---- Every allocation fails once (sweep.c) ---------------------------------------------------- */

/* One action that can be carried out again and again from the same state. */
struct x_again {
	struct machine *m;
	void *data;
	bool once; /* no use in trying again: a step of boot */
	/* Carry it out as if for the first time; what was broken in *@v, until the next time. */
	struct outcome (*act)(void *data, const struct violation **v, unsigned int *n);
	/* Had the run ended here, what would be lost for ever? NULL: nobody knows. */
	void (*finish)(void *data, const struct violation **v, unsigned int *n);
};

struct x_failure {
	const char *pool;
	unsigned int nth; /* allocation of the action from this pool, from 1 */
	bool refused;	  /* the pool's allocations cannot be made to fail */
	struct outcome o;
	struct el2_panic panic; /* if that is how it ended */
	struct x_shortage shortage;
	bool retried;
	struct outcome retry; /* once more, plainly, from where the failure left it */
	/* what the action does not break when nothing fails */
	unsigned int n_violations;
	struct violation violation; /* the first */
	bool at_retry;		    /* it was found there */
};

struct x_sweep {
	struct outcome plain; /* nothing fails */
	GArray *failures;     /* struct x_failure, in the order of the allocations */
};

/* The machine is afterwards as it was before. */
void x_sweep_action(struct x_sweep *s, const struct x_again *again);
void x_sweep_clear(struct x_sweep *s);
/* Did anything get lost, or break? */
bool x_failure_is_bad(const struct x_sweep *s, const struct x_failure *f);

/* ---- By chance (random.c) ------------------------------------------------------------------- */

struct x_step {
	struct x_action a;
	struct outcome o;
	u32 broken; /* BIT(rule): what it broke */
};

enum { X_RESULTS = N_OUTCOMES + 134 }; /* outcomes, and -1 .. -133 apart */

struct x_count {
	const char *name;      /* of x_action_name() */
	u64 result[X_RESULTS]; /* by x_result() */
};

struct x_random {
	/* in */
	u64 actions;
	unsigned int episode; /* actions after which the machine starts again */
	bool dma;	      /* devices act too */
	bool vms;	      /* virtual machines come and go */
	GArray *known;	      /* struct x_known, or NULL */
	/* out */
	u64 done, restarts, panics, knowns;
	GArray *counts; /* struct x_count, in order of first use */
	bool broke;
	struct violation violation; /* the first, and what else was wrong is in @also */
	unsigned int also;
	GArray *path; /* struct x_step: from boot to the violation, the shortest found */
	u64 path_was; /* steps before it was shortened */
};

/*
 * Random actions on a machine that has just booted, until @r->actions were done or
 * one breaks a rule. Chance is the board's board_choose().
 */
void x_random_run(struct x_random *r, struct x_judged *j);
void x_random_clear(struct x_random *r);
unsigned int x_result(const struct outcome *o); /* index in x_count.result */

/* ---- Two EL2s side by side (conform.c) -------------------------------------------------------- */

struct x_conform {
	/* in */
	u64 actions, seed;
	u64 first;	      /* episode to begin with: each has a seed of its own */
	unsigned int episode; /* actions after which both start again from boot */
	void (*progress)(void *data, const struct x_conform *c); /* or NULL */
	void *data;
	/* out */
	u64 done, episodes;
	bool differs, at_boot;
	char what[64], ours[160], theirs[160]; /* the first difference */
	GArray *path;			       /* struct x_step: from boot to it, made short */
	u64 path_was;
};

/* Both have booted on boards that are alike; chance is drawn from that of @ours. */
void x_conform_run(struct x_conform *c, struct machine *ours, struct machine *theirs);
void x_conform_clear(struct x_conform *c);

#endif
