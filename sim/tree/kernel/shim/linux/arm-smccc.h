/* SPDX-License-Identifier: GPL-2.0-only */
/* SMCs of EL2's own: arguments in a table instead of registers by name. */
#ifndef PKVM_SIM_ARM_SMCCC_H
#define PKVM_SIM_ARM_SMCCC_H

#include_next <linux/arm-smccc.h>

#ifndef __ASSEMBLY__
#undef __arm_smccc_1_1
/* The last argument is where the results go, or NULL. */
#define __arm_smccc_1_1(inst, ...)						\
do {										\
	unsigned long __a[] = { SIM_SMC_ARGS(__VA_ARGS__) };			\
	struct arm_smccc_res *__res = (void *)__a[COUNT_ARGS(__VA_ARGS__) - 1];	\
	unsigned long __r[8] = { 0 };						\
	int __n = COUNT_ARGS(__VA_ARGS__) - 1;					\
										\
	for (int __i = 0; __i < __n; __i++)					\
		__r[__i] = __i ? __a[__i] : (u32)__a[0];			\
	sim_smc(__r, __n);							\
	if (__res)								\
		*__res = (struct arm_smccc_res){ __r[0], __r[1], __r[2], __r[3] }; \
} while (0)
#define SIM_SMC_ARGS(...) CONCATENATE(SIM_SMC_ARGS_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define SIM_SMC_ARGS_1(a) (unsigned long)(a)
#define SIM_SMC_ARGS_2(a, ...) (unsigned long)(a), SIM_SMC_ARGS_1(__VA_ARGS__)
#define SIM_SMC_ARGS_3(a, ...) (unsigned long)(a), SIM_SMC_ARGS_2(__VA_ARGS__)
#define SIM_SMC_ARGS_4(a, ...) (unsigned long)(a), SIM_SMC_ARGS_3(__VA_ARGS__)
#define SIM_SMC_ARGS_5(a, ...) (unsigned long)(a), SIM_SMC_ARGS_4(__VA_ARGS__)
#define SIM_SMC_ARGS_6(a, ...) (unsigned long)(a), SIM_SMC_ARGS_5(__VA_ARGS__)
#define SIM_SMC_ARGS_7(a, ...) (unsigned long)(a), SIM_SMC_ARGS_6(__VA_ARGS__)
#define SIM_SMC_ARGS_8(a, ...) (unsigned long)(a), SIM_SMC_ARGS_7(__VA_ARGS__)
#define SIM_SMC_ARGS_9(a, ...) (unsigned long)(a), SIM_SMC_ARGS_8(__VA_ARGS__)
#endif
#endif
