/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers are events; an ordered load or store is one by itself. */
#ifndef PKVM_SIM_BARRIER_H
#define PKVM_SIM_BARRIER_H

#include_next <asm/barrier.h>

#undef isb
#define isb() sim_isb()
#undef dsb
#define dsb(opt) sim_dsb(#opt)
#undef dmb
#define dmb(opt) sim_dmb(#opt)

/* A speculation barrier: nothing that the board has. */
#undef spec_bar
#define spec_bar() do { } while (0)
#define array_index_mask_nospec(i, size) ((i) < (size) ? ~0UL : 0UL)

#undef __smp_store_release
#define __smp_store_release(p, v)						\
do {										\
	union { __unqual_scalar_typeof(*(p)) __val; char __c[1]; } __u =	\
		{ .__val = (__force __unqual_scalar_typeof(*(p)))(v) };		\
	compiletime_assert_atomic_type(*(p));					\
	sim_store_release((p), __u.__c, sizeof(*(p)));				\
} while (0)

#undef __smp_load_acquire
#define __smp_load_acquire(p)							\
({										\
	union { __unqual_scalar_typeof(*(p)) __val; char __c[1]; } __u;		\
	compiletime_assert_atomic_type(*(p));					\
	sim_load_acquire((p), __u.__c, sizeof(*(p)));				\
	(typeof(*(p)))__u.__val;						\
})

#endif
