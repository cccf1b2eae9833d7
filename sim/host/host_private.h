/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sim/host share: an action on its way through a CPU.
 */
#ifndef PKVM_SIM_HOST_PRIVATE_H
#define PKVM_SIM_HOST_PRIVATE_H

#include "host.h"

/* First member of what an action hands to its function. */
struct action {
	struct machine *m;
	struct outcome outcome; /* what it ends in if it ends */
};

/* The driver's books, of a machine that was just made. False: no address space for them. */
bool host_new(struct machine *m);

/* ffa.c: the host's registers after its calls */
void host_regs_new(struct machine *m);
void host_regs_keep(struct machine *m, const u64 regs[18]);

/*
 * One access of the kernel's at @pa, of at most 8 bytes within a page, inside an action of
 * @cpu. False: @a->outcome says in what it ended.
 */
bool host_touch(struct action *a, struct cpu *cpu, enum mmu_access acc, u64 pa, unsigned int size,
		u64 *val);

static inline void step_begin(const struct machine *m, const struct machine_step *s)
{
	if (m->watch)
		m->watch->begin(m->watch->data, s);
}

static inline void step_end(const struct machine *m, const struct outcome *o)
{
	if (m->watch)
		m->watch->end(m->watch->data, o);
}

struct outcome machine_act(struct action *a, unsigned int cpu, cpu_fn fn);

#endif
