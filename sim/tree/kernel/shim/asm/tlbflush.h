/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB maintenance by the operation's name and the operand that the instruction gets. From
 * v7.0 on each operation is a function of its name; ours come after the header's.
 */
#ifndef PKVM_SIM_TLBFLUSH_H
#define PKVM_SIM_TLBFLUSH_H

#define vae2is sim_unused_vae2is
#define vale2is sim_unused_vale2is
#define ipas2e1 sim_unused_ipas2e1
#define ipas2e1is sim_unused_ipas2e1is
#define ripas2e1is sim_unused_ripas2e1is
#include_next <asm/tlbflush.h>
#undef vae2is
#undef vale2is
#undef ipas2e1
#undef ipas2e1is
#undef ripas2e1is

#undef __TLBI_0
#define __TLBI_0(op, arg) sim_tlbi(#op, 0)
#undef __TLBI_1
#define __TLBI_1(op, arg) sim_tlbi(#op, (unsigned long)(arg))

#define SIM_TLBI(op)								\
static __always_inline void op(u64 arg)						\
{										\
	sim_tlbi(#op, arg);							\
}
SIM_TLBI(vae2is)
SIM_TLBI(vale2is)
SIM_TLBI(ipas2e1)
SIM_TLBI(ipas2e1is)
SIM_TLBI(ripas2e1is)

#endif
