// SPDX-License-Identifier: GPL-2.0-only
/* The tree's mm.c; where EL2's private range goes on. */
#include <nvhe/mm.c>

#include "glue.h"

unsigned long glue_fixblock_lock(void)
{
#ifdef HAVE_FIXBLOCK_LOCK
	return (unsigned long)&hyp_fixblock_lock;
#else
	return 0;
#endif
}

unsigned long glue_private_next(void)
{
	return __io_map_base;
}
