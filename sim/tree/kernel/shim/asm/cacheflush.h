/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PKVM_SIM_CACHEFLUSH_H
#define PKVM_SIM_CACHEFLUSH_H

#include_next <asm/cacheflush.h>

#define icache_inval_all_pou() sim_ic("ic_ialluis")

#endif
