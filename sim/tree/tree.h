/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other EL2: the unmodified hypervisor sources of a kernel tree, compiled for this
 * machine and run in a process of their own (kernel/, GPL-2.0-only) on the board's memory.
 */
#ifndef PKVM_SIM_TREE_H
#define PKVM_SIM_TREE_H

#include "sim/el2/el2.h"

/*
 * Build what is needed of the tree at @dir, or find it built: the cache is keyed by what
 * the sources say. Progress goes to standard error if that is a terminal. NULL with one
 * screen of reason: no tree, no compiler, which file of the tree needs what.
 */
struct el2_tree *tree_open(const char *dir, GError **error);
void tree_close(struct el2_tree *t);
/*
 * The same tree without anything that tells of what it does, as fast as its code is: only
 * for hypervisor.work(). Nothing of @t needs to stay. NULL with a reason.
 */
struct el2_tree *tree_fast(const struct el2_tree *t, GError **error);
/* The release that it is nearest to, by what it has; its knobs are as the tree was found. */
const struct profile *tree_profile(const struct el2_tree *t);

/* Wants el2_config.tree. */
extern const struct hypervisor tree_hypervisor;

#endif
