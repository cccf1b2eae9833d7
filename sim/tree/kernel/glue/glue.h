/* SPDX-License-Identifier: GPL-2.0-only */
/* What the glue's files share; each but main.c holds one file of the tree. */
#ifndef PKVM_SIM_GLUE_H
#define PKVM_SIM_GLUE_H

#include <nvhe/gfp.h>
#include <nvhe/spinlock.h>

#include "protocol.h"
#include "probes.h"

struct hyp_pool *glue_hpool(void);
struct hyp_pool *glue_host_s2_pool(void);
unsigned long glue_private_next(void);
unsigned long glue_fixblock_lock(void); /* 0: has none */
unsigned long glue_vm_table(void);
hyp_spinlock_t *glue_vm_table_lock(void);
hyp_spinlock_t *glue_ffa_version_lock(void);
hyp_spinlock_t *glue_ffa_buffers_lock(void);

unsigned long *sim_reg_vttbr_el2(void);
void glue_exception(const struct tree_shared *s); /* what the CPU says of one */
void glue_view_table(struct tree_table *t, const struct kvm_pgtable *pgt);
void glue_view_pool(struct tree_pool *v, struct hyp_pool *pool);
void glue_view_guests(struct tree_shared *s);
void glue_vm_layout(struct tree_vm_layout *l);
u32 glue_vm_calls(void);
long glue_vm_call(unsigned int number, const u64 *a);

#endif
