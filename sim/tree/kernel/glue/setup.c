// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's setup.c, and the one thing of it that others may not name. The switch of
 * tables stands in EL2's image (link.lds.in), further than code reaches by itself.
 */
#include <asm/kvm_hyp.h>

extern char sim_switch_va[];
static void *const volatile sim_switch = sim_switch_va;
#define __pkvm_init_switch_pgd (*(typeof(&__pkvm_init_switch_pgd))sim_switch)

#include <nvhe/setup.c>

#include "glue.h"

long glue_boot_step(void)
{
#ifdef HAVE_pkvm_protected_regs
	return unmap_protected_regions();
#else
	return 0;
#endif
}

struct hyp_pool *glue_hpool(void)
{
	return &hpool;
}
