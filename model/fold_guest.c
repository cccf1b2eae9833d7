// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What guests' leaves make of pages. Several guests may borrow a page and one may own it,
 * so leaves are counted as they come and go, and the last owner's is kept by name.
 */
#include "fold_private.h"

/* What a guest's leaf makes of a page: owned in that state, or borrowed. */
struct guest_leaf_of {
	u8 state;
	bool owns;
	u32 handle;
	u64 gfn;
};

static void guest_page(struct m_page *p, const struct guest_leaf_of *l, s32 change)
{
	p->borrowers += l->owns ? 0 : (u32)change;
	if (!l->owns)
		return;
	p->owners = (u16)(p->owners + change);
	p->guest = l->state;
	p->vm = l->handle;
	p->gfn = l->gfn;
}

static void touch_guest(struct oracle *o, u64 pfn, const struct guest_leaf_of *l, s32 change,
			const struct event *ev)
{
	struct touch *t = fold_touch_page(o, pfn, SIDE_GUEST, ev);

	if (!t)
		return;
	t->borrowed += l->owns ? 0 : change;
	t->owned += l->owns ? change : 0;
	if (!l->owns || change < 0)
		return;
	t->named = true;
	t->guest = l->state;
	t->vm = l->handle;
	t->gfn = l->gfn;
}

void fold_guest_leaf(struct oracle *o, u16 slot, int level, u64 ia, u64 pte, s32 change,
		     const struct event *ev)
{
	u64 pfn = pa_from_pte(o->b->f, pte).pa >> o->shift, nr = span_of(o, level) >> o->shift;
	struct guest_leaf_of l = { .handle = EL2_HANDLE_OFFSET + slot, .gfn = ia >> o->shift };

	l.state = (u8)FIELD_GET(o->v->layout->sw_state_mask, pte);
	l.owns = l.state == PKVM_PAGE_OWNED || l.state == PKVM_PAGE_SHARED_OWNED;
	if (!o->fold.counting && nr > MAX_TOUCHES) {
		fold_reread(o, ev);
		return;
	}
	for (; nr-- && pfn < o->n_frames; pfn++, l.gfn++) {
		if (o->fold.counting) {
			struct found f = page_get(o, pfn);

			guest_page(&f.p, &l, change);
			page_put(o, pfn, &f);
		} else {
			touch_guest(o, pfn, &l, change, ev);
		}
	}
}
