/* SPDX-License-Identifier: GPL-2.0-only */
/* TLB maintenance by the operation's name and the operand that the instruction gets. */
#ifndef PKVM_SIM_TLBFLUSH_H
#define PKVM_SIM_TLBFLUSH_H

#include_next <asm/tlbflush.h>

#undef __TLBI_0
#define __TLBI_0(op, arg) sim_tlbi(#op, 0)
#undef __TLBI_1
#define __TLBI_1(op, arg) sim_tlbi(#op, (unsigned long)(arg))

#endif
