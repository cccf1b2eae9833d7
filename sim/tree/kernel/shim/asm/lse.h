/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: neither form of atomic instruction exists here; see cmpxchg.h and atomic.h. */
#ifndef __ASM_LSE_H
#define __ASM_LSE_H
#include <linux/compiler_types.h>
#include <linux/export.h>
#include <linux/stringify.h>
#include <asm/alternative.h>
#include <asm/alternative-macros.h>
#include <asm/cpucaps.h>

#define ARM64_LSE_ATOMIC_INSN(llsc, lse) "pkvm_sim_has_no_such_atomic\n"
#define __lse_ll_sc_body(op, ...)						\
({										\
	asm volatile("pkvm_sim_has_no_" #op "\n");				\
	0;									\
})

#endif
