// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pages that an action may have changed, each once, in the order in which they were
 * first touched; and a way to find them by number. Too many, and everything is read anew.
 */
#include "fold_private.h"

#define SLOT_BITS 13 /* twice MAX_TOUCHES */
#define TOUCH_SHIFT 7

G_STATIC_ASSERT(sizeof(struct touch) <= 1u << TOUCH_SHIFT);

static struct touch *touch_at(const struct oracle *o, u32 i)
{
	return (struct touch *)(o->fold.touches->bytes + ((u64)i << TOUCH_SHIFT));
}

void fold_reread(struct oracle *o, const struct event *ev)
{
	if (!o->fold.reread && ev)
		o->fold.why = *ev;
	o->fold.reread = true;
}

static u32 *slot_of(const struct oracle *o, u64 pfn)
{
	u32 *slots = (u32 *)o->fold.slots->bytes;
	u32 i = (u32)(pfn * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));

	while (slots[i] && touch_at(o, slots[i] - 1)->pfn != pfn)
		i = (i + 1) & ((1u << SLOT_BITS) - 1);
	return &slots[i];
}

static struct touch *touch_new(struct oracle *o, u32 *slot, u64 pfn, const struct event *ev)
{
	struct fold *fold = &o->fold;
	struct touch *t;

	if (fold->n_touches == MAX_TOUCHES) {
		fold_reread(o, ev);
		return NULL;
	}
	store_mark(o->b, fold->slots, (u64)((u8 *)slot - fold->slots->bytes));
	store_mark(o->b, fold->touches, (u64)fold->n_touches << TOUCH_SHIFT);
	t = touch_at(o, fold->n_touches++);
	*slot = fold->n_touches;
	t->pfn = pfn;
	t->ev = *ev;
	t->sides = 0;
	t->elsewhere = t->borrowed = t->owned = 0;
	t->named = false;
	return t;
}

static __attribute__((noinline)) struct touch *touch_another(struct oracle *o, u64 pfn,
							     const struct event *ev)
{
	u32 *slot = slot_of(o, pfn);

	return *slot ? touch_at(o, *slot - 1) : touch_new(o, slot, pfn, ev);
}

__attribute__((noinline)) struct touch *fold_touch_page(struct oracle *o, u64 pfn, u32 sides,
							const struct event *ev)
{
	struct fold *fold = &o->fold;
	struct touch *t;

	if (pfn >= o->n_frames || fold->reread)
		return NULL;
	/* mostly it is the one of before */
	t = fold->n_touches ? touch_at(o, fold->n_touches - 1) : NULL;
	if (!t || t->pfn != pfn)
		t = touch_another(o, pfn, ev);
	if (t)
		t->sides |= sides;
	return t;
}

void fold_touch_elsewhere(struct oracle *o, u64 pfn, s32 change, const struct event *ev)
{
	struct touch *t = fold_touch_page(o, pfn, SIDE_HYP, ev);

	if (t)
		t->elsewhere += change;
}

const struct touch *fold_touch(const struct oracle *o, u32 i)
{
	return touch_at(o, i);
}

bool fold_touched(const struct oracle *o, u64 pfn)
{
	return *slot_of(o, pfn);
}

void fold_touch_none(struct oracle *o)
{
	struct fold *fold = &o->fold;

	/* a small set is taken out slot by slot, from the last: probing stays right */
	for (u32 i = fold->n_touches; i--;) {
		u32 *slot = slot_of(o, touch_at(o, i)->pfn);

		store_mark(o->b, fold->slots, (u64)((u8 *)slot - fold->slots->bytes));
		*slot = 0;
	}
	fold->n_touches = 0;
}

bool fold_touch_init(struct oracle *o)
{
	o->fold.touches = board_store_new(o->b, (u64)MAX_TOUCHES << TOUCH_SHIFT);
	o->fold.slots = board_store_new(o->b, sizeof(u32) << SLOT_BITS);
	return o->fold.touches && o->fold.slots;
}
