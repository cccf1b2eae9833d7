/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL1 and what drives a machine: a board with an EL2 on it. Every action of a
 * scenario is one function here; it runs on a CPU and ends in one outcome.
 */
#ifndef PKVM_SIM_HOST_H
#define PKVM_SIM_HOST_H

#include "sim/el2/el2.h"

enum outcome_kind {
	OUTCOME_VALUE,   /* ended with a number */
	OUTCOME_ABORT,   /* EL2 injected an abort into the host */
	OUTCOME_FAULT,   /* guest access exits, DMA refused, probe finds no permission */
	OUTCOME_BUS,     /* external abort: nothing answers */
	OUTCOME_REFUSED, /* the dispatcher turned the hypercall away */
	OUTCOME_PANIC,
	OUTCOME_HANG,
	OUTCOME_GAVE_UP, /* --steps */
	OUTCOME_NOT_RUN, /* EL2 is dead */
	N_OUTCOMES
};
extern const char *const outcome_name[N_OUTCOMES]; /* "value", "abort", ... */

struct outcome {
	enum outcome_kind kind;
	bool is_signed; /* value is an s64 (returns of calls); else a u64 (bytes read) */
	u64 value;
};

struct machine {
	struct board *board;
	struct el2 *el2;
	const struct hypervisor *hyp;
	struct el2_config *config;
	bool dead;       /* EL2 panicked */
	bool boot_failed;
	bool acted;      /* an action was carried out: set-up is over */
};

/* @config and @el2 are copied. Errors: domain BOARD_ERROR or the hypervisor's. */
struct machine *machine_new(const struct board_config *config, const struct el2_config *el2,
			    const struct hypervisor *hyp, GError **error);
void machine_free(struct machine *m);

struct outcome machine_boot(struct machine *m); /* init, finalise, prot_finalize on every CPU */
struct outcome machine_init(struct machine *m, unsigned int cpu);
struct outcome machine_finalise(struct machine *m, unsigned int cpu);
struct outcome machine_prot_finalize(struct machine *m, unsigned int cpu);
/* value: x1 as s64. */
struct outcome machine_hvc(struct machine *m, unsigned int cpu, const u64 *regs, unsigned int n);
struct outcome machine_hvc_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n);
struct outcome machine_el2_call(struct machine *m, unsigned int cpu, const struct el2_call *call,
				const u64 *args, unsigned int n);
/*
 * The host touches physical address @pa (its stage 1 is flat). Faults go to EL2
 * and the access is retried; 16 faults with no descriptor changed are a hang.
 * @size 1, 2, 4, 8 and any alignment; an access that crosses a page is two.
 * Value: bytes read, zero extended; 0 for write and exec.
 */
struct outcome machine_host_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				   u64 pa, unsigned int size, u64 val, bool isv);
/* What an access of EL2 at @va would meet: moves the bytes if it is allowed. */
struct outcome machine_hyp_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				  u64 va, unsigned int size, u64 val);
/* Bus master @device (a dma window) touches @pa. */
struct outcome machine_dma(struct machine *m, const struct mmio_window *device, bool write,
			   u64 pa, unsigned int size, u64 val);

#endif
