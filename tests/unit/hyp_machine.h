/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A board with our EL2 on it, for tests that look inside. */
#ifndef PKVM_SIM_TEST_HYP_MACHINE_H
#define PKVM_SIM_TEST_HYP_MACHINE_H

#include "sim/hyp/hyp_private.h"

struct hyp_machine {
	struct board_config *bc;
	struct el2_config *ec;
	struct board *b;
	struct el2 *e;
	struct hyp *hyp; /* the same */
};

/* The configuration: change ->bc and ->ec as wanted before hm_start(). */
void hm_config(struct hyp_machine *m, const char *board, const struct profile *p);
/* RAM instead of the board's own; @n regions. */
void hm_ram(struct hyp_machine *m, const struct ram_region *ram, unsigned int n);
/* Make board and EL2; they must come to be. */
void hm_start(struct hyp_machine *m);
/* EL2 refuses the configuration; returns its words, to g_free(). */
char *hm_refused(struct hyp_machine *m);
/* init, finalise, prot_finalize on every CPU: the first error. */
s64 hm_boot(struct hyp_machine *m);
/* Run @fn on CPU 0; true if it returned. */
bool hm_run(struct hyp_machine *m, s64 (*fn)(struct hyp_cpu *c, void *arg), void *arg, s64 *ret);
void hm_free(struct hyp_machine *m);

/* The 64-bit word at @pa, which must answer. */
u64 hm_peek(struct hyp_machine *m, u64 pa);

#endif
