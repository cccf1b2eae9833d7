/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replaced: code that is patched at boot. Which capability a CPU has is a table here, and
 * what an alternative stands for is told by the capability's or the call-back's name. Of
 * one that is not below an instruction is left that no assembler knows: code that is never
 * emitted may have it, code that is does not assemble.
 */
#ifndef __ASM_ALTERNATIVE_MACROS_H
#define __ASM_ALTERNATIVE_MACROS_H

#include <linux/const.h>
#include <vdso/bits.h>

#include <asm/cpucaps.h>
#include <asm/insn-def.h>

#ifndef __ASSEMBLY__

#include <linux/stringify.h>
#include <linux/types.h>

/* Of the arguments the second: what a vetted name put there, or what stands behind it. */
#define SIM_SECOND(a, b, ...) b
#define SIM_PICK(...) SIM_SECOND(__VA_ARGS__)

#define ALTERNATIVE(old, new, cap, ...)						\
	SIM_PICK(SIM_OLD_##cap old, "pkvm_sim_knows_no_alternative_of_" #cap "\n", ~)
#define ALTERNATIVE_CB(old, cap, callback)					\
	SIM_PICK(SIM_CALLBACK_##callback "pkvm_sim_knows_no_callback_" #callback "\n", \
		 "pkvm_sim_knows_no_callback_" #callback "\n", ~)

/* No CPU of the board has the erratum: the old instruction stays. */
#define SIM_OLD_ARM64_WORKAROUND_SPECULATIVE_AT ~,
#define SIM_OLD_ARM64_WORKAROUND_1508412 ~,

/* kern_hyp_va(): EL2's tag above the low 44 bits of the host's address. */
#define SIM_CALLBACK_kvm_update_va_mask ~, "shl $20, %0\n\tshr $20, %0\n\tbts $44, %0\n",
/* CTR_EL0 of the board's CPUs */
#define SIM_CALLBACK_kvm_compute_final_ctr_el0 ~, "mov sim_ctr_el0, %0\n",

static __always_inline bool
alternative_has_cap_likely(const unsigned long cpucap)
{
	return cpucap_is_possible(cpucap) && sim_caps[cpucap];
}

static __always_inline bool
alternative_has_cap_unlikely(const unsigned long cpucap)
{
	return cpucap_is_possible(cpucap) && sim_caps[cpucap];
}

#endif
#endif
