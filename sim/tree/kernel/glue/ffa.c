// SPDX-License-Identifier: GPL-2.0-only
/* The tree's ffa.c, and its locks. */
#include <nvhe/ffa.c>

#include "glue.h"

hyp_spinlock_t *glue_ffa_version_lock(void)
{
	return &version_lock;
}

hyp_spinlock_t *glue_ffa_buffers_lock(void)
{
	return &host_buffers.lock;
}
