/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: the compiler's own atomics, which are events through its hook on accesses. */
#ifndef __ASM_CMPXCHG_H
#define __ASM_CMPXCHG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <asm/barrier.h>
#include <asm/lse.h>

#define sim_xchg(p, v, order)							\
({										\
	__atomic_exchange_n((p), (typeof(*(p)))(v), order);			\
})
#define arch_xchg_relaxed(p, v) sim_xchg(p, v, __ATOMIC_RELAXED)
#define arch_xchg_acquire(p, v) sim_xchg(p, v, __ATOMIC_ACQUIRE)
#define arch_xchg_release(p, v) sim_xchg(p, v, __ATOMIC_RELEASE)
#define arch_xchg(p, v) sim_xchg(p, v, __ATOMIC_SEQ_CST)

#define sim_cmpxchg(p, o, n, order)						\
({										\
	typeof(*(p)) __old = (typeof(*(p)))(o);					\
	__atomic_compare_exchange_n((p), &__old, (typeof(*(p)))(n), false,	\
				    order, __ATOMIC_RELAXED);			\
	__old;									\
})
#define arch_cmpxchg_relaxed(p, o, n) sim_cmpxchg(p, o, n, __ATOMIC_RELAXED)
#define arch_cmpxchg_acquire(p, o, n) sim_cmpxchg(p, o, n, __ATOMIC_ACQUIRE)
#define arch_cmpxchg_release(p, o, n) sim_cmpxchg(p, o, n, __ATOMIC_RELEASE)
#define arch_cmpxchg(p, o, n) sim_cmpxchg(p, o, n, __ATOMIC_SEQ_CST)
#define arch_cmpxchg_local arch_cmpxchg_relaxed
#define arch_cmpxchg64_relaxed arch_cmpxchg_relaxed
#define arch_cmpxchg64_acquire arch_cmpxchg_acquire
#define arch_cmpxchg64_release arch_cmpxchg_release
#define arch_cmpxchg64 arch_cmpxchg
#define arch_cmpxchg64_local arch_cmpxchg_relaxed

#define __cmpwait_relaxed(p, v) do { (void)(p); (void)(v); } while (0)

#endif
