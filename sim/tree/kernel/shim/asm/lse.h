/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replaced: the compiler's own atomics, which tell of themselves through its hook. A form
 * that is not below is a function that does not exist: it does not compile.
 */
#ifndef __ASM_LSE_H
#define __ASM_LSE_H

#include <linux/compiler_types.h>
#include <linux/export.h>
#include <linux/stringify.h>
#include <asm/alternative.h>
#include <asm/alternative-macros.h>
#include <asm/cpucaps.h>

#define ARM64_LSE_ATOMIC_INSN(llsc, lse) "pkvm_sim_has_no_such_atomic\n"

/* Counters are the first member of their type. */
#define __lse_ll_sc_body(op, ...) sim_##op(__VA_ARGS__)

#define SIM_ATOMIC(prefix, type, op, builtin, val)				\
static __always_inline void sim_##prefix##_##op(type i, void *v)		\
{										\
	__atomic_fetch_##builtin((type *)v, val, __ATOMIC_RELAXED);		\
}										\
SIM_ATOMIC_FETCH(prefix, type, op, builtin, val, _relaxed, __ATOMIC_RELAXED)	\
SIM_ATOMIC_FETCH(prefix, type, op, builtin, val, _acquire, __ATOMIC_ACQUIRE)	\
SIM_ATOMIC_FETCH(prefix, type, op, builtin, val, _release, __ATOMIC_RELEASE)	\
SIM_ATOMIC_FETCH(prefix, type, op, builtin, val, , __ATOMIC_SEQ_CST)

#define SIM_ATOMIC_FETCH(prefix, type, op, builtin, val, suffix, order)		\
static __always_inline type sim_##prefix##_fetch_##op##suffix(type i, void *v)	\
{										\
	return __atomic_fetch_##builtin((type *)v, val, order);			\
}

#define SIM_ATOMIC_RETURN(prefix, type, op, sign, suffix, order)		\
static __always_inline type sim_##prefix##_##op##_return##suffix(type i, void *v) \
{										\
	return __atomic_fetch_add((type *)v, sign i, order) + (sign i);		\
}

#define SIM_ATOMIC_RETURNS(prefix, type, op, sign)				\
SIM_ATOMIC_RETURN(prefix, type, op, sign, _relaxed, __ATOMIC_RELAXED)		\
SIM_ATOMIC_RETURN(prefix, type, op, sign, _acquire, __ATOMIC_ACQUIRE)		\
SIM_ATOMIC_RETURN(prefix, type, op, sign, _release, __ATOMIC_RELEASE)		\
SIM_ATOMIC_RETURN(prefix, type, op, sign, , __ATOMIC_SEQ_CST)

#define SIM_ATOMICS(prefix, type)						\
SIM_ATOMIC(prefix, type, andnot, and, ~i)					\
SIM_ATOMIC(prefix, type, and, and, i)						\
SIM_ATOMIC(prefix, type, or, or, i)						\
SIM_ATOMIC(prefix, type, xor, xor, i)						\
SIM_ATOMIC(prefix, type, add, add, i)						\
SIM_ATOMIC(prefix, type, sub, sub, i)						\
SIM_ATOMIC_RETURNS(prefix, type, add, +)					\
SIM_ATOMIC_RETURNS(prefix, type, sub, -)

SIM_ATOMICS(atomic, int)
SIM_ATOMICS(atomic64, long)

static __always_inline long sim_atomic64_dec_if_positive(void *v)
{
	long old = __atomic_load_n((long *)v, __ATOMIC_RELAXED);

	while (old > 0 && !__atomic_compare_exchange_n((long *)v, &old, old - 1, 0,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	return old - 1;
}

#endif
