// SPDX-License-Identifier: GPL-2.0-only
/* The tree's pkvm.c; where its table of VMs is. */
#include <nvhe/pkvm.c>

#include "glue.h"

unsigned long glue_vm_table(void)
{
	return (unsigned long)vm_table;
}

hyp_spinlock_t *glue_vm_table_lock(void)
{
	return &vm_table_lock;
}
