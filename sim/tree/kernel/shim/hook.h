/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shims call instead of an instruction of arm64: the run-time (runtime.c)
 * has it. Read before every file of the tree; kernel types are not there yet.
 */
#ifndef PKVM_SIM_HOOK_H
#define PKVM_SIM_HOOK_H

#ifndef __ASSEMBLY__

unsigned long sim_sysreg_read(unsigned int encoding);
void sim_sysreg_write(unsigned int encoding, unsigned long val);
int sim_at(const char *op, unsigned long addr);
void sim_smc(unsigned long a[8], int n);
void sim_trap(const char *kind, const char *file, int line, const char *what)
	__attribute__((noreturn));
void sim_warn(const char *file, int line, const char *what);

extern unsigned char sim_caps[];

#ifndef PKVM_SIM_FAST

void sim_isb(void);
void sim_dsb(const char *option);
void sim_dmb(const char *option);
void sim_ic(const char *op);
void sim_tlbi(const char *op, unsigned long operand);
void sim_store_release(volatile void *p, const void *val, int size);
void sim_load_acquire(const volatile void *p, void *val, int size);
void sim_spin_lock(void *lock, unsigned short *owner, unsigned short *next);
void sim_spin_unlock(void *lock, unsigned short *owner, unsigned short *next);
#define SIM_ISB "call sim_isb_keeping"
#define SIM_IC_IALLU "call sim_ic_iallu_keeping"

#else /* nobody is told: no more than what the compiler may not move (plain.c) */

void sim_lock_taken(void *lock) __attribute__((noreturn));
void sim_tlbi_el2(unsigned long operand, int by_address);
#define SIM_FAST static inline __attribute__((always_inline, unused)) void

SIM_FAST sim_isb(void)
{
	asm volatile("" : : : "memory");
}

SIM_FAST sim_dsb(const char *option)
{
	asm volatile("" : : : "memory");
}

SIM_FAST sim_dmb(const char *option)
{
	asm volatile("" : : : "memory");
}

SIM_FAST sim_ic(const char *op)
{
}

/* The operations on EL2's own translations end in "e2" or "e2is", by address if with "va". */
SIM_FAST sim_tlbi(const char *op, unsigned long operand)
{
	if (__builtin_strcmp(op, "vae2is") == 0 || __builtin_strcmp(op, "vale2is") == 0)
		sim_tlbi_el2(operand, 1);
	else if (__builtin_strcmp(op, "alle2") == 0 || __builtin_strcmp(op, "alle2is") == 0)
		sim_tlbi_el2(0, 0);
}

SIM_FAST sim_store_release(volatile void *p, const void *val, int size)
{
	asm volatile("" : : : "memory");
	if (size == 8)
		*(volatile unsigned long *)p = *(const unsigned long *)val;
	else if (size == 4)
		*(volatile unsigned int *)p = *(const unsigned int *)val;
	else if (size == 2)
		*(volatile unsigned short *)p = *(const unsigned short *)val;
	else
		*(volatile unsigned char *)p = *(const unsigned char *)val;
}

SIM_FAST sim_load_acquire(const volatile void *p, void *val, int size)
{
	if (size == 8)
		*(unsigned long *)val = *(const volatile unsigned long *)p;
	else if (size == 4)
		*(unsigned int *)val = *(const volatile unsigned int *)p;
	else if (size == 2)
		*(unsigned short *)val = *(const volatile unsigned short *)p;
	else
		*(unsigned char *)val = *(const volatile unsigned char *)p;
	asm volatile("" : : : "memory");
}

SIM_FAST sim_spin_lock(void *lock, unsigned short *owner, unsigned short *next)
{
	if (__builtin_expect(*owner != *next, 0))
		sim_lock_taken(lock);
	++*next;
	asm volatile("" : : : "memory");
}

SIM_FAST sim_spin_unlock(void *lock, unsigned short *owner, unsigned short *next)
{
	asm volatile("" : : : "memory");
	++*owner;
}
#define SIM_ISB ""
#define SIM_IC_IALLU ""

#endif

/* Instructions that sources write as they are. All registers survive. */
asm(".macro isb\n"
    "	" SIM_ISB "\n"
    ".endm\n"
    ".macro ic op\n"
    ".ifc \\op,iallu\n"
    "	" SIM_IC_IALLU "\n"
    ".else\n"
    "	pkvm_sim_knows_no_ic_\\op\n"
    ".endif\n"
    ".endm\n");

#endif
#endif
