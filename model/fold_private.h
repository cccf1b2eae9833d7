/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the fold: touched pages (fold_touch.c), guests' leaves (fold_guest.c). */
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
void fold_reread(struct oracle *o, const struct event *ev) __attribute__((cold));

/* A leaf of the tables of the VM in @slot came (@change 1) or went (-1). */
void fold_guest_leaf(struct oracle *o, u16 slot, int level, u64 ia, u64 pte, s32 change,
		     const struct event *ev);

/* Bytes that an entry of @level covers. */
static inline u64 span_of(const struct oracle *o, int level)
{
	return BIT(level_shift(o->shift, level));
}

#endif
