/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One action being carried out: what action.c and vm.c share. */
#ifndef PKVM_SIM_SCRIPT_DOING_H
#define PKVM_SIM_SCRIPT_DOING_H

#include "script_private.h"

struct access {
	u64 addr, val;
	unsigned int size;
	bool reclaim;
	unsigned int how; /* HOST_* */
};

/* A call or an access with its arguments, to be carried out at once or in a block. */
struct deed {
	struct outcome (*act)(struct machine *m, const struct deed *deed);
	unsigned int cpu;
	struct oracle_action watch; /* what the oracle is told, unless it is a @flow */
	bool flow;
	const struct el2_call *call;
	u64 regs[MAX_ARGS];
	unsigned int n;
	enum mmu_access access;
	const struct mmio_window *device; /* of dma */
	struct access a;
	const char *vm;
	u32 vcpu;
};

struct doing {
	struct run *r;
	struct machine *m;
	const struct stmt *st;
	unsigned int cpu;
	struct outcome *out;
	GString *words; /* as evaluated, for --record */
	struct deed *later; /* only to be made ready: where; else NULL */
	GError **error;
};

/* NAME=EXPR of the statement, or @missing; said as evaluated. */
bool doing_named(struct doing *d, const char *name, u64 missing, u64 *n);
/* The arguments of a read, a write or a fetch. */
bool doing_access(struct doing *d, struct access *a);
/* All arguments into registers. */
bool doing_args(struct doing *d, u64 *regs);

/* The oracle is told right before the machine acts. */
void doing_watched(struct doing *d, struct oracle_action a);

/* All that was said is evaluated: do it, or leave it for later. True. */
bool doing_deed(struct doing *d, struct deed *deed);

/* smc.c */
bool do_smc(struct doing *d);
bool do_ffa(struct doing *d);

/* vm.c */
bool do_vm(struct doing *d);
bool do_guest(struct doing *d);
bool do_host_memory(struct doing *d); /* map, unmap, wrprotect, age, share, unshare */
/* A pool as EL2 calls it: of a VM, of a vCPU. NULL: there is none; free it. */
char *pool_of_el2(struct machine *m, const char *name);

#endif
