/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree's lock with its ticket taken and given back by the run-time. */
#ifndef PKVM_SIM_NVHE_SPINLOCK_H
#define PKVM_SIM_NVHE_SPINLOCK_H

#define hyp_spin_lock sim_unused_hyp_spin_lock
#define hyp_spin_unlock sim_unused_hyp_spin_unlock
#include_next <nvhe/spinlock.h>
#undef hyp_spin_lock
#undef hyp_spin_unlock

#define hyp_spin_lock(l)							\
do {										\
	hyp_spinlock_t *__l = (l);						\
	sim_spin_lock(__l, &__l->owner, &__l->next);				\
} while (0)
#define hyp_spin_unlock(l)							\
do {										\
	hyp_spinlock_t *__l = (l);						\
	sim_spin_unlock(__l, &__l->owner, &__l->next);				\
} while (0)

#endif
