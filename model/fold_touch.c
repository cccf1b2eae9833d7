// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pages that an action may have changed, each once, in the order in which they were
 * first touched; and a way to find them by number. Too many, and everything is read anew.
 */
#include "fold_private.h"

#define SLOT_BITS 13 /* twice MAX_TOUCHES */
#define TOUCH_SHIFT 7
#define FEW 8u /* as many are looked through */

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

/* Its way to touch number @i, while there are many. */
static void slot_set(struct oracle *o, u64 pfn, u32 i)
{
	u32 *slot = slot_of(o, pfn);

	store_mark(o->b, o->fold.slots, (u64)((u8 *)slot - o->fold.slots->bytes));
	*slot = i;
}

static struct touch *touch_find(const struct oracle *o, u64 pfn)
{
	const struct fold *fold = &o->fold;
	u32 slot;

	if (unlikely(fold->n_touches > FEW)) {
		slot = *slot_of(o, pfn);
		return slot ? touch_at(o, slot - 1) : NULL;
	}
	for (u32 i = fold->n_touches; i--;)
		if (touch_at(o, i)->pfn == pfn)
			return touch_at(o, i);
	return NULL;
}

/* From here on they are too many to look through. */
static __attribute__((noinline, cold)) void touches_are_many(struct oracle *o)
{
	for (u32 i = 0; i < FEW; i++)
		slot_set(o, touch_at(o, i)->pfn, i + 1);
}

static struct touch *touch_new(struct oracle *o, u64 pfn, const struct event *ev)
{
	struct fold *fold = &o->fold;
	struct touch *t;

	if (fold->n_touches == MAX_TOUCHES) {
		fold_reread(o, ev);
		return NULL;
	}
	if (unlikely(fold->n_touches >= FEW)) {
		if (fold->n_touches == FEW)
			touches_are_many(o);
		slot_set(o, pfn, fold->n_touches + 1);
	}
	store_mark(o->b, fold->touches, (u64)fold->n_touches << TOUCH_SHIFT);
	t = touch_at(o, fold->n_touches++);
	t->pfn = pfn;
	t->ev = *ev;
	t->sides = 0;
	t->elsewhere = t->borrowed = t->owned = 0;
	t->named = false;
	return t;
}

__attribute__((noinline)) struct touch *fold_touch_page(struct oracle *o, u64 pfn, u32 sides,
							const struct event *ev)
{
	struct fold *fold = &o->fold;
	struct touch *t;

	if (unlikely(pfn >= o->n_frames || fold->reread))
		return NULL;
	t = touch_find(o, pfn);
	if (!t)
		t = touch_new(o, pfn, ev);
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
	return touch_find(o, pfn);
}

void fold_touch_none(struct oracle *o)
{
	struct fold *fold = &o->fold;

	/* a small set is taken out slot by slot, from the last: probing stays right */
	for (u32 i = fold->n_touches > FEW ? fold->n_touches : 0; i--;)
		slot_set(o, touch_at(o, i)->pfn, 0);
	fold->n_touches = 0;
}

bool fold_touch_init(struct oracle *o)
{
	o->fold.touches = board_store_new(o->b, (u64)MAX_TOUCHES << TOUCH_SHIFT);
	o->fold.slots = board_store_new(o->b, sizeof(u32) << SLOT_BITS);
	return o->fold.touches && o->fold.slots;
}
