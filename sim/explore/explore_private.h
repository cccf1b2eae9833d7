/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the random tester's files share: where to look, what may be asked of EL2,
 * and how a way to a breach is made shorter.
 */
#ifndef PKVM_SIM_EXPLORE_PRIVATE_H
#define PKVM_SIM_EXPLORE_PRIVATE_H

#include "explore.h"

/* ---- Addresses at which something changes (places.c) ---- */

struct place {
	u64 base, size; /* bytes, page aligned */
	enum owner owner;
	bool is_ram;
};

struct places {
	GArray *at;	/* struct place, ascending */
	GArray *window; /* struct place */
	u64 page, limit;
};

void places_init(struct places *p, struct machine *m);
void places_clear(struct places *p);
/* Did EL2 hold memory in [base, base + size) when it had booted? */
bool places_hyp_own(const struct places *p, u64 base, u64 size);

/* ---- What EL2 is asked for (generate.c) ---- */

/* Pages that an action gave to somebody, who alone can give them back. */
struct claim {
	const char *call; /* that ends it */
	u64 arg[2];
};

#define MAX_ASKED 32
#define N_HOT 15
#define N_HOT_MEMORY 10 /* the first of them: mostly memory */

#define N_HANDLES 8u
#define N_VMS 3

/* Where the host and the secure world are in their talk (generate_ffa.c). */
struct ffa_talk {
	bool there;    /* there is one to talk to */
	u64 tx, rx;    /* mailboxes, mapped or not: PA */
	u64 len, more; /* bytes of the descriptor in @tx, and of what it says will follow */
	bool mapped, sent, wants_more;
	u64 open; /* the handle of which more is wanted */
	u64 handle[N_HANDLES];
	unsigned int n_handles; /* ever */
};

/* A VM that the host makes by itself (generate_own.c). */
struct own_vm {
	u64 base;   /* PA of the memory for it; 0: none was found */
	u64 handle; /* its own, or of the last; 0: none */
	unsigned int step;
	bool is_protected;
	bool is_step; /* the action is one of those that make, use and end it */
};

struct generator {
	struct x_judged *j;
	struct places places;
	const struct x_random *r;
	const struct el2_call *call[2][MAX_ASKED]; /* of this EL2; those of boot apart */
	unsigned int n_calls[2];
	GArray *claims;	      /* struct claim: of this episode */
	bool risk;	      /* this action may end the episode */
	struct place drivers; /* size 0: no virtual machines */
	u64 hot[N_HOT];	      /* page addresses that this episode comes back to */
	struct ffa_talk ffa;
	bool vm[N_VMS]; /* made and not ended */
	struct own_vm own;
};

static inline unsigned int pick(struct generator *g, unsigned int n)
{
	return board_choose(g->j->m->board, n, "random action");
}

/* Memory, all of it, that the host had after boot? */
bool generator_is_host_memory(const struct generator *g, u64 addr, u64 pages);
bool generator_is_drivers(const struct generator *g, u64 addr, u64 pages);
u64 generator_page(struct generator *g);   /* mostly one that it comes back to */
u64 generator_memory(struct generator *g); /* the host's: what most calls are about */
/* Memory or registers that were taken from the host: an access panics many releases. */
bool generator_kept_out(const struct generator *g, u64 addr);

/* Does the host reach the page? Is it the host's alone? */
bool generator_host_has(const struct generator *g, u64 addr);
bool generator_host_owns(const struct generator *g, u64 addr);
/* Does what the host may not touch end EL2, rather than the access? */
bool generator_access_panics(const struct generator *g);

void generator_init(struct generator *g, struct x_judged *j, const struct x_random *r);
void generator_clear(struct generator *g);
/* The machine is as after boot. */
void generator_restart(struct generator *g);
void generate(struct generator *g, struct x_action *a);
/*
 * Would anybody ask for it? EL2 does not call its own functions with what nobody
 * gave it, and the secure world gives back what it was lent, as it was lent.
 */
bool keeps_contract(const struct generator *g, const struct x_action *a);
/* False: not this one. */
bool generate_ffa(struct generator *g, struct x_action *a);
void generator_learn_ffa(struct generator *g, const struct x_action *a, const struct outcome *o);
void generator_restart_ffa(struct generator *g);
void generate_sharing(struct generator *g, struct x_action *a);
void generate_vm(struct generator *g, struct x_action *a);
void generator_learn_vm(struct generator *g, const struct x_action *a, const struct outcome *o);
u64 generator_gfn(struct generator *g);	       /* one that guests come back to */
const char *generator_vm_name(unsigned int n); /* below N_VMS; static */
/* Only with virtual machines. False: not this one. */
bool generate_attack(struct generator *g, struct x_action *a);
/* Its next step, if there is memory for it. */
bool generate_own_vm(struct generator *g, struct x_action *a);
void generator_learn_own(struct generator *g, const struct x_action *a, const struct outcome *o);
void generator_restart_own(struct generator *g);
u64 generator_own_page(struct generator *g); /* PA; until it is made none that it is made of */
/* The hypercall of this name, its words not yet set. False: the release has none. */
bool generator_call(const struct generator *g, struct x_action *a, const char *name);
/* The host writes 8 bytes. */
void generator_write(struct x_action *a, u64 pa, u64 val);
/* A word for a call of VMs, by what the call names it. */
u64 generator_attack_arg(struct generator *g, const struct el2_arg *arg);
/* To a page of its own VM or the host's, not to its beginning at times, or nowhere. */
u64 generator_link(struct generator *g);
/* Would it take from the driver a page that is in the driver's hands, and the host's? */
bool generator_robs_driver(const struct generator *g, const struct x_action *a);
u64 generator_victim(struct generator *g); /* PA of a page, a VM's if there is one */
/* Take note of what @a gave to somebody. */
void generator_learn(struct generator *g, const struct x_action *a, const struct outcome *o);

/* ---- What a release does by itself (random.c) ---- */

/*
 * Are all @n breaches of @a known? With @count they are counted as seen.
 * *@harmless, if so: the machine is still in a state of the rules.
 */
bool is_known(GArray *known, const struct x_judged *j, const struct x_step *s,
	      const struct violation *v, unsigned int n, bool count, bool *harmless);

/* ---- Shorter (shrink.c) ---- */

/* Leave out of @path (struct x_step) what the last step's breach does not need. */
void shrink(struct generator *g, const struct x_state *start, GArray *path);

#endif
