/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of rules share: rules.c (host and EL2, devices, accesses),
 * rules_guest.c (guests' memory), rules_vm.c (the life of VMs), rules_legal.c (what a page
 * may be at all). One function a call, each with its checks in order and then the effect.
 */
#ifndef PKVM_SIM_MODEL_RULES_PRIVATE_H
#define PKVM_SIM_MODEL_RULES_PRIVATE_H

#include <errno.h>

#include "rules.h"

#ifndef EHWPOISON
#define EHWPOISON 133
#endif

struct judge {
	const struct m_state *s;
	const struct m_design *d;
	const struct m_call *call;
	const struct m_verdict *sofar; /* what the call did before counts; NULL: nothing */
	u64 pfn, nr;		       /* pfn: what is left of it after the shift to an address */
	u64 raw_pfn;		       /* as the caller gave it */
};

/* Add to the answers: any; -@err; an end that is no number. */
void rule_answer(struct m_verdict *v, struct m_answer a);
void rule_deny(struct m_verdict *v, int err, const char *why) __attribute__((cold));
void rule_ends(struct m_verdict *v, enum m_end end, const char *why);
void rule_allow(struct m_verdict *v, u64 pfn, u64 nr, u8 host, u8 hyp, s32 pins);

/* A page with what the call did to it before. */
struct m_page rule_page(const struct judge *j, u64 pfn);

/* Checks of frames j->pfn, j->nr: 0, or the errno of the first that fails. */
bool rule_frames_valid(const struct judge *j, u64 raw_pfn);
int rule_allowed(const struct judge *j);
int rule_host_is(const struct judge *j, u8 state);
int rule_hyp_is(const struct judge *j, u8 state);
/* The checks of a donation to EL2 and of a pin. */
int rule_may_donate(const struct judge *j, const char **why);
int rule_may_pin(const struct judge *j, const char **why);

/* The live VM of a handle, NULL; its number in the table. */
const struct m_vm *rule_vm_of(const struct judge *j, u32 handle);
static inline u32 rule_slot(u32 handle)
{
	return handle - EL2_HANDLE_OFFSET;
}

void rule_guest(struct judge *j, struct m_verdict *v);
void rule_vm(struct judge *j, struct m_verdict *v);

#endif
