/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the fold: pages that were touched (fold_touch.c). */
#ifndef PKVM_SIM_MODEL_FOLD_PRIVATE_H
#define PKVM_SIM_MODEL_FOLD_PRIVATE_H

#include "oracle_impl.h"

bool fold_touch_init(struct oracle *o);
void fold_touch_none(struct oracle *o);
/* What is kept of the page, for more to be noted; NULL: it is of no account. */
struct touch *fold_touch_page(struct oracle *o, u64 pfn, u32 sides, const struct event *ev);
/* EL2 maps it so much more often at other than its linear address. */
void fold_touch_elsewhere(struct oracle *o, u64 pfn, s32 change, const struct event *ev);
/* Too much changed to say which pages: read all. */
void fold_reread(struct oracle *o, const struct event *ev);

#endif
