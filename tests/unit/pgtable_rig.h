/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page-table library on tables of its own, and its events in words. */
#ifndef PKVM_SIM_TEST_PGTABLE_RIG_H
#define PKVM_SIM_TEST_PGTABLE_RIG_H

#include "sim/hyp/pgtable_priv.h"

#define RIG_TABLES UINT64_C(0x80000000) /* T1 */
#define RIG_EL1 0x80000000u		/* in rig_new()'s flags: the host kernel's build */

/* Protections as recordings write them. */
#define P_X 1
#define P_W 2
#define P_R 4
#define P_RW 6
#define P_RX 5
#define P_RWX 7
#define P_DEVICE 8
#define P_NC 16
#define P_PX 32
#define P_UX 64
#define P_SW0 BIT(55)
#define P_SW1 BIT(56)

struct rig {
	struct board *b;
	struct cpu *cpu;
	struct hyp_cpu *c;
	struct el2_pgtable *t;
	struct kvm_pgtable *pgt;
	struct arch_features f;
	GString *trace;	   /* since rig_clear(): "alloc T3; T1[1]=LOCKED; ..." */
	bool expand;	   /* say what the TLB calls come down to, too */
	unsigned int skip; /* inside the expansion of a TLB call */
	bool died;	   /* the last call ended in a panic */
	struct el2_pgtable_result res;
};

/* Features of most tests: 4K, 40 bits, FWB. */
extern const struct arch_features rig_fwb;

/* @stage 1 or 2; @flags S2_* | RIG_EL1; at most @pages table pages. */
void rig_new(struct rig *g, enum profile_id p, const struct arch_features *f, unsigned int stage,
	     unsigned int ia_bits, u32 flags, u32 pages);
void rig_free(struct rig *g);
void rig_clear(struct rig *g);

/* One operation as recordings name it. Its result; 0 and ->died after a panic. */
s64 rig_op(struct rig *g, const struct el2_pgtable_op *op);
s64 rig_map(struct rig *g, u64 ia, u64 size, u64 pa, u64 prot, u32 walk_flags);
s64 rig_unmap(struct rig *g, u64 ia, u64 size);
/* set_owner(HYP) or annotate(DONATION, HYP), as the release has it. */
s64 rig_own(struct rig *g, u64 ia, u64 size);
/* Anything else, on the CPU. */
s64 rig_run(struct rig *g, s64 (*fn)(struct rig *g, void *arg), void *arg);

u64 rig_leaf(struct rig *g, u64 ia, s8 *level);
u32 rig_count(struct rig *g, unsigned int table); /* of T<table> */

#endif
