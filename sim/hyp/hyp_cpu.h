/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU at EL2, and how EL2 ends: WARN, BUG, abort.
 */
#ifndef PKVM_SIM_HYP_CPU_H
#define PKVM_SIM_HYP_CPU_H

#include <errno.h>

#include "hyp.h"

#ifndef EHWPOISON
#define EHWPOISON 133
#endif

struct hyp;
struct pkvm_hyp_vm;

struct hyp_cpu {
	struct cpu *cpu;
	struct hyp *hyp;     /* NULL where the page-table library runs by itself */
	bool el1_build;      /* the library as the host kernel builds it: WARN returns */
	bool warn_continue;
	/* mm.c: the fixmap slot */
	va_t fixmap_va;
	pa_t fixmap_ptep;
	va_t stack_va;       /* published stack pointer: end of the range */
	pa_t stack_pa;
	pa_t percpu_pa;
	/* vcpu.c: loaded_hyp_vcpu, its donated area and its VM; 0: none */
	va_t loaded_vcpu;
	struct pkvm_hyp_vm *loaded_vm;
	u16 vmid;            /* whose stage 2 EL2 was entered from: 0, the host's; a guest's */
	struct pkvm_hyp_vm *own_vm; /* pkvm.c: the VM that this CPU makes or takes apart */
};

/* ---- panic.c ------------------------------------------------------------------------- */

/*
 * BUG and, unless warn=continue, WARN at EL2 are a BRK: record the panic, emit
 * EV_PANIC, drop this CPU's stack. In the EL1 build a WARN is only an event.
 * EV_PANIC carries .what = "WARN", "BUG" or "EL2_ABORT" and .fn = where.
 */
void hyp_bug(struct hyp_cpu *c, const char *fn, const char *cond) __attribute__((noreturn, cold));
void hyp_warn(struct hyp_cpu *c, const char *fn, const char *cond) __attribute__((cold));
/* A data abort of EL2 itself at @va (page aligned in the report). */
void hyp_abort(struct hyp_cpu *c, const char *fn, va_t va) __attribute__((noreturn, cold));

#define BUG_ON(c, cond)                                    \
	do {                                               \
		if (unlikely(cond))                        \
			hyp_bug((c), __func__, #cond);     \
	} while (0)

/* True if @cond holds and the WARN let us go on. */
#define WARN_ON(c, cond)                                   \
	__extension__({                                    \
		bool warn_cond_ = (cond);                  \
		if (unlikely(warn_cond_))                  \
			hyp_warn((c), __func__, #cond);    \
		warn_cond_;                                \
	})

#define HYP_FRAME(c) FRAME((c)->cpu)

#endif
