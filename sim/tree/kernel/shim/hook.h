/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shims call instead of an instruction of arm64: the run-time (runtime.c)
 * has it. Read before every file of the tree; kernel types are not there yet.
 */
#ifndef PKVM_SIM_HOOK_H
#define PKVM_SIM_HOOK_H

#ifndef __ASSEMBLY__

void sim_isb(void);
void sim_dsb(const char *option);
void sim_dmb(const char *option);
void sim_ic(const char *op);
void sim_tlbi(const char *op, unsigned long operand);
unsigned long sim_sysreg_read(unsigned int encoding);
void sim_sysreg_write(unsigned int encoding, unsigned long val);
int sim_at(const char *op, unsigned long addr);
void sim_smc(unsigned long a[8], int n);
void sim_store_release(volatile void *p, const void *val, int size);
void sim_load_acquire(const volatile void *p, void *val, int size);
void sim_spin_lock(void *lock, unsigned short *owner, unsigned short *next);
void sim_spin_unlock(void *lock, unsigned short *owner, unsigned short *next);
void sim_trap(const char *kind, const char *file, int line, const char *what)
	__attribute__((noreturn));
void sim_warn(const char *file, int line, const char *what);

extern unsigned char sim_caps[];

/* Instructions that sources write as they are. All registers survive. */
asm(".macro isb\n"
    "	call sim_isb_keeping\n"
    ".endm\n"
    ".macro ic op\n"
    ".ifc \\op,iallu\n"
    "	call sim_ic_iallu_keeping\n"
    ".else\n"
    "	pkvm_sim_knows_no_ic_\\op\n"
    ".endif\n"
    ".endm\n");

#endif
#endif
