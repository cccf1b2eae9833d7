/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that only a file of the tree can name, for work.c. */
#ifndef PKVM_SIM_GLUE_WORK_H
#define PKVM_SIM_GLUE_WORK_H

int glue_idmap(u64 addr);
int glue_unmap_dev_all(void);
void glue_fault(u64 esr, u64 far, u64 hpfar);

#endif
