/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A booted machine that all checkers of the oracle watch, without the rest of the
 * oracle: what they call is played here, and the fold reads the tables anew each time.
 */
#ifndef PKVM_SIM_TEST_CHECKER_RIG_H
#define PKVM_SIM_TEST_CHECKER_RIG_H

#include "model/oracle_private.h"
#include "sim/host/host.h"

#define CR_RAM UINT64_C(0x50000000) /* the host's, and nothing special */
#define CR_UART UINT64_C(0x09000000)

struct checker_rig {
	struct machine *m;
	struct board *b;
	struct cpu *cpu[2];
	struct oracle *o;
};

/* "virt" under a release, booted. */
struct cr_setup {
	enum profile_id profile;
	struct knob_setting knob[3];
	unsigned int n_knobs;
	bool one_cpu, tlbirange;
};
void cr_boot_as(struct checker_rig *t, const struct cr_setup *s);
void cr_boot(struct checker_rig *t, enum profile_id p);
/* The checkers' last word of a run; then over, with no breach that nobody expected. */
void cr_finish(struct checker_rig *t);
void cr_end(struct checker_rig *t);

/* One action: what the board is made to do between these two is judged. */
void cr_begin(struct checker_rig *t);
void cr_begin_as(struct checker_rig *t, enum oracle_action_kind kind);
void cr_over(struct checker_rig *t, enum oracle_end_kind end, s64 value);
/* Real actions. */
struct outcome cr_call(struct checker_rig *t, unsigned int cpu, const char *name, unsigned int n,
		       ...); /* u64 arguments */
struct outcome cr_access(struct checker_rig *t, unsigned int cpu, enum mmu_access acc, u64 pa);
struct outcome cr_hyp_write(struct checker_rig *t, u64 va, u64 val);

/* Rules broken since the last call: BIT(RULE_*) of them, and no others. */
#define NONE 0u
void cr_expect(struct checker_rig *t, u32 rules);
/* Also the page that the only breach named. */
u64 cr_page_of(struct checker_rig *t, enum rule_id rule);

struct spinlock *cr_lock(struct checker_rig *t, const char *name);
/* The host's, or EL2's, leaf for @ia; *@at: where it stands. */
u64 cr_leaf(struct checker_rig *t, bool hyp, u64 ia, u64 *at);
u64 cr_peek(struct checker_rig *t, u64 pa);
u64 cr_va(struct checker_rig *t, u64 pa);

#endif
