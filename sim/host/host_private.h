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

struct outcome machine_act(struct action *a, unsigned int cpu, cpu_fn fn);

#endif
