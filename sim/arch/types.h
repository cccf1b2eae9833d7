/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers and addresses. An address of one space never converts silently to
 * another: each space is a one-member struct.
 */
#ifndef PKVM_SIM_ARCH_TYPES_H
#define PKVM_SIM_ARCH_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef struct {
	u64 pa;
} pa_t; /* physical address, bytes */

typedef struct {
	u64 ipa;
} ipa_t; /* intermediate physical address: input of a stage 2, bytes */

typedef struct {
	u64 va;
} va_t; /* virtual address of EL2's stage 1, bytes */

static inline pa_t PA(u64 a)
{
	return (pa_t){ a };
}

static inline ipa_t IPA(u64 a)
{
	return (ipa_t){ a };
}

static inline va_t VA(u64 a)
{
	return (va_t){ a };
}

static inline pa_t pa_add(pa_t a, u64 bytes)
{
	return (pa_t){ a.pa + bytes };
}

#define BIT(n) (UINT64_C(1) << (n))
/* Bits h down to l, both included; 0 <= l <= h <= 63. */
#define GENMASK(h, l) ((~UINT64_C(0) >> (63 - (h))) & (~UINT64_C(0) << (l)))
#define FIELD_GET(mask, v) (((u64)(v) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, v) (((u64)(v) << __builtin_ctzll(mask)) & (mask))
/* a: a power of two */
#define ALIGN_DOWN(x, a) ((x) & ~((u64)(a)-1))
#define ALIGN_UP(x, a) (((x) + (u64)(a)-1) & ~((u64)(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((u64)(a)-1)) == 0)

/*
 * Our own bug, never the user's and never the modelled EL2's: says where, ends
 * the program with status 3. Stays on in release builds.
 */
#define sim_assert(cond)                                                                           \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			sim_bug(__FILE__, __LINE__, #cond);                                        \
	} while (0)
void sim_bug(const char *file, int line, const char *cond) __attribute__((noreturn, cold));

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
