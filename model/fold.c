// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fold: which part each frame of RAM plays, kept up by store events, and from
 * them the pages whose ownership may have changed. Most events end at one look at
 * a book: the frame plays no part, or the entry lets the host in before and after.
 *
 * An entry of the host's tables is even if it says what an empty one says: the host
 * may have the page. Only odd entries matter to ownership, and are counted.
 */
#include <string.h>

#include "fold_private.h"
#include "private.h"

/* ---- Parts ------------------------------------------------------------------------- */

struct part fold_part(struct oracle *o, pa_t pa)
{
	const struct part_entry *p = part_at_pa(o, pa.pa);

	return p ? part_of(p) : (struct part){ 0 };
}

static struct part_entry *part_set(struct oracle *o, u64 frame, enum page_part part, int level,
				   u64 ia)
{
	struct part_entry *p = book_put(o->b, &o->fold.parts, frame);

	*p = (struct part_entry){ .ia = ia, .part = part & 0xf, .level = (s8)level };
	return p;
}

/* ---- Leaves ------------------------------------------------------------------------------ */

/* An entry of the host's tables that says no more than an empty one does. */
static bool even(const struct oracle *o, u64 pte, u64 ia)
{
	if (!pte)
		return true;
	return (pte & (PTE_VALID | PTE_S2_R | PTE_S2_W)) == (PTE_VALID | PTE_S2_R | PTE_S2_W) &&
	       !(pte & o->v->layout->sw_state_mask) && pa_from_pte(o->b->f, pte).pa == ia;
}

/* hyp_vmemmap is backed by these frames from now on, or no longer. */
static void vmemmap_leaf(struct oracle *o, u64 ia, u64 pa, u64 size, bool gone)
{
	const u64 entry = o->v->layout->hyp_page_size;
	u64 page = BIT(o->shift);

	for (u64 off = 0; off < size; off += page) {
		u64 first = (ia + off - o->v->vmemmap_va) / entry << o->shift;

		if ((pa + off) >> o->shift >= o->n_frames)
			return;
		part_set(o, (pa + off) >> o->shift, gone ? PART_NONE : PART_VMEMMAP, -1,
			 gone ? 0 : first);
	}
}

/*
 * Does EL2's leaf at @va back hyp_vmemmap? Where that has room for frames which are no
 * memory a device's linear address may lie instead.
 */
static bool backs_vmemmap(const struct oracle *o, u64 va, u64 pa)
{
	return o->v->vmemmap_va &&
	       va - o->v->vmemmap_va < o->n_frames * o->v->layout->hyp_page_size &&
	       pa + o->v->layout->va_offset != va;
}

static void count_elsewhere(struct oracle *o, u64 pfn, s32 change)
{
	struct found f = page_get(o, pfn);

	f.elsewhere = (u16)(f.elsewhere + change);
	page_put(o, pfn, &f);
}

/*
 * A leaf of EL2's stage 1 came or went. At other than linear addresses EL2 maps its
 * own and, in the fixmap, what it is allowed to: only devices are counted there.
 */
static void hyp_leaf(struct oracle *o, int level, u64 ia, u64 pte, s32 change,
		     const struct event *ev)
{
	u64 pa = pa_from_pte(o->b->f, pte).pa, span = span_of(o, level);
	bool linear = pa + o->v->layout->va_offset == ia;

	if (backs_vmemmap(o, ia, pa)) {
		o->vmemmap.size = 0;
		vmemmap_leaf(o, ia, pa, span, change < 0);
		return;
	}
	if (!o->fold.counting && span >> o->shift > MAX_TOUCHES) {
		fold_reread(o, ev);
		return;
	}
	for (u64 pfn = pa >> o->shift; pfn < (pa + span) >> o->shift; pfn++) {
		s32 elsewhere = linear || page_class(o, pfn) != M_HOLE ? 0 : change;

		if (o->fold.counting && elsewhere)
			count_elsewhere(o, pfn, elsewhere);
		else if (!o->fold.counting && (linear || elsewhere))
			fold_touch_elsewhere(o, pfn, elsewhere, ev);
	}
}

/* An odd leaf of the host's, in a table that came or went as a whole. */
static void host_leaf(struct oracle *o, int level, u64 ia, const struct event *ev)
{
	if (o->fold.counting)
		return;
	if (level == ARCH_LAST_LEVEL)
		fold_touch_page(o, ia >> o->shift, SIDE_HOST, ev);
	else
		fold_reread(o, ev);
}

/* ---- Tables --------------------------------------------------------------------------------- */

/* Whose tables they are. */
struct whose {
	u8 part;
	u16 slot; /* of PART_GUEST_TABLE */
};

static struct whose whose(const struct part_entry *p)
{
	return (struct whose){ p->part, p->slot };
}

static inline bool odd_entry(const struct oracle *o, struct whose w, u64 pte, int level, u64 ia)
{
	if (w.part != PART_HOST_TABLE)
		return pte_valid(pte);
	return pte_table(pte, level) || !even(o, pte, ia);
}

/* A leaf that came or went, odd by itself; of the host's in a table that did so as a whole. */
static void leaf_changed(struct oracle *o, struct whose w, int level, u64 ia, u64 pte, s32 change,
			 const struct event *ev)
{
	if (w.part == PART_HOST_TABLE)
		host_leaf(o, level, ia, ev);
	else if (w.part == PART_HYP_TABLE)
		hyp_leaf(o, level, ia, pte, change, ev);
	else
		fold_guest_leaf(o, w.slot, level, ia, pte, change, ev);
}

/* The entries of the table page at @pa; NULL: nothing answers there. */
static const u64 *table_at(struct oracle *o, u64 pa)
{
	struct extent *e = extent_at(o->b, pa);

	if (!e || e->size - (pa - e->base) < BIT(o->shift))
		return NULL;
	return (const u64 *)(e->bytes + (pa - e->base));
}

/* Most tables are empty when they come, of pages that were cleared not long ago. */
static bool is_empty(const struct oracle *o, u64 frame, const u64 *entries)
{
	const u64 words = part_at(o, frame)->clear ? FREE_LINKS : table_entries(o->shift);

	/* the first is zero, and each is as the one before */
	return !entries[0] && !memcmp(entries, entries + 1, (words - 1) * sizeof(*entries));
}

static bool page_is_untouched(struct oracle *o, u64 pa)
{
	for (u64 off = 0; off < BIT(o->shift); off += 4096)
		if (!model_frame_untouched(o->b, PA(pa + off)))
			return false;
	return true;
}

/*
 * A walk may no longer begin where the one before ended. What is known: for [ia, ia + size)
 * there is no table of the last level, as the entry above is empty.
 */
static void set_last(struct oracle *o, struct whose w, u64 ia, u64 size)
{
	o->last_guest.size = 0;
	if (w.part != PART_GUEST_TABLE)
		o->last_table[w.part == PART_HYP_TABLE] =
			(struct last_table){ .ia = ia, .size = size };
}

static void link_table(struct oracle *o, struct whose w, int level, u64 ia, pa_t table,
		       const struct event *ev)
{
	u64 frame = table.pa >> o->shift, span = span_of(o, level);
	const u64 *pte = table_at(o, table.pa);
	u16 entries = 0, odd = 0;
	struct part_entry *p;
	bool empty;

	if (frame >= o->n_frames || !pte)
		return;
	if (level == ARCH_LAST_LEVEL && w.part != PART_GUEST_TABLE)
		page_walk_ends(o, w.part == PART_HYP_TABLE, ia, table.pa);
	if (part_at(o, frame)->part != PART_NONE) { /* twice in the tables, or a loop */
		if (!o->fold.counting)
			fold_reread(o, ev);
		return;
	}
	empty = is_empty(o, frame, pte);
	part_set(o, frame, w.part, level, ia)->slot = w.slot;
	o->fold.tables++;
	if (empty)
		return;
	for (u32 i = 0; i < table_entries(o->shift); i++, ia += span) {
		if (!pte[i])
			continue;
		entries++;
		if (!odd_entry(o, w, pte[i], level, ia))
			continue;
		odd++;
		if (pte_table(pte[i], level))
			link_table(o, w, level + 1, ia, pa_from_pte(o->b->f, pte[i]), ev);
		else
			leaf_changed(o, w, level, ia, pte[i], 1, ev);
	}
	p = book_put(o->b, &o->fold.parts, frame);
	p->entries = entries;
	p->odd = odd;
}

static void unlink_table(struct oracle *o, struct whose w, int level, pa_t table,
			 const struct event *ev)
{
	u64 frame = table.pa >> o->shift, span = span_of(o, level), ia;
	const u64 *pte = table_at(o, table.pa);
	struct part_entry p;

	if (frame >= o->n_frames || !pte)
		return;
	p = *part_at(o, frame);
	if (p.part != w.part || p.level != level || p.slot != w.slot)
		return;
	part_set(o, frame, PART_NONE, -1, 0);
	o->fold.tables--;
	ia = p.ia;
	for (u32 i = 0; p.odd && i < table_entries(o->shift); i++, ia += span) {
		if (!odd_entry(o, w, pte[i], level, ia))
			continue;
		if (pte_table(pte[i], level))
			unlink_table(o, w, level + 1, pa_from_pte(o->b->f, pte[i]), ev);
		else
			leaf_changed(o, w, level, ia, pte[i], -1, ev);
	}
}

/* What stands at @u now; 0 where no table is any more. */
static u64 upper_now(const struct oracle *o, const struct upper *u)
{
	const struct part_entry *p = part_at(o, u->at >> o->shift);
	u64 now = 0;

	if (p->part == PART_HOST_TABLE && p->level == u->level)
		board_peek64(o->b, PA(u->at), &now);
	return now;
}

/* A block of the host's own, or none, that came or went: forget it, it says nothing new. */
static void drop_even_uppers(struct oracle *o)
{
	struct fold *fold = &o->fold;
	u32 n = 0;

	for (u32 i = 0; i < fold->n_uppers; i++) {
		const struct upper *u = &fold->upper[i];

		if (!even(o, u->old, u->ia) || !even(o, upper_now(o, u), u->ia))
			fold->upper[n++] = *u;
	}
	fold->n_uppers = n;
}

/*
 * An entry of the host's above the last level goes through the locked value on its
 * way from a block to a table: what it was and what it is counts, not what it was
 * in between.
 */
static __attribute__((noinline)) void upper_changed(struct oracle *o, int level, u64 ia,
						    const struct event *ev)
{
	struct fold *fold = &o->fold;

	for (u32 i = 0; i < fold->n_uppers; i++)
		if (fold->upper[i].at == ev->addr)
			return;
	if (fold->n_uppers == MAX_UPPERS)
		drop_even_uppers(o);
	if (fold->n_uppers == MAX_UPPERS)
		fold_reread(o, ev);
	else
		fold->upper[fold->n_uppers++] = (struct upper){
			.at = ev->addr, .ia = ia, .old = ev->old, .level = (s8)level, .ev = *ev
		};
}

static void resolve_upper(struct oracle *o, const struct upper *u)
{
	u64 span = span_of(o, u->level), now = upper_now(o, u);
	bool was_odd = !pte_table(u->old, u->level) && !even(o, u->old, u->ia);

	if (pte_table(now, u->level) || even(o, now, u->ia)) {
		if (!was_odd)
			return;
	}
	if (span >> o->shift > MAX_TOUCHES)
		fold_reread(o, &u->ev);
	for (u64 off = 0; !o->fold.reread && off < span; off += BIT(o->shift))
		fold_touch_page(o, (u->ia + off) >> o->shift, SIDE_HOST, &u->ev);
}

void fold_resolve(struct oracle *o)
{
	for (u32 i = 0; i < o->fold.n_uppers; i++)
		resolve_upper(o, &o->fold.upper[i]);
}

/* ---- Events ------------------------------------------------------------------------------------ */

/* How many leaves did the host get in this action? What a recycle takes again is none. */
static __attribute__((noinline)) void count_made(struct oracle *o, int level,
						 const struct event *ev)
{
	struct fold *fold = &o->fold;
	bool was = pte_valid(ev->old) && !pte_table(ev->old, level);
	bool is = pte_valid(ev->val) && !pte_table(ev->val, level);

	fold->n_made += is && !was;
	for (u32 i = 0; was != is && i < G_N_ELEMENTS(fold->made); i++) {
		struct event *made = &fold->made[i];

		if (is && !made->seq) {
			*made = *ev;
			break;
		}
		if (was && made->seq && made->addr == ev->addr) {
			made->seq = 0;
			fold->n_made--;
			break;
		}
	}
}

/* Of the old and the new entry one at least is valid. */
static __attribute__((noinline)) void entry_changed(struct oracle *o, struct whose w, int level,
						    u64 ia, const struct event *ev)
{
	const bool host = w.part == PART_HOST_TABLE;

	if (pte_table(ev->old, level))
		unlink_table(o, w, level + 1, pa_from_pte(o->b->f, ev->old), ev);
	else if (!host && pte_valid(ev->old))
		leaf_changed(o, w, level, ia, ev->old, -1, ev);
	if (level != ARCH_LAST_LEVEL && !ev->val)
		set_last(o, w, ia, span_of(o, level));
	if (pte_table(ev->val, level))
		link_table(o, w, level + 1, ia, pa_from_pte(o->b->f, ev->val), ev);
	else if (!host && pte_valid(ev->val))
		leaf_changed(o, w, level, ia, ev->val, 1, ev);
	if (host)
		count_made(o, level, ev);
}

void fold_table_store(struct oracle *o, const struct event *ev, const struct part *at)
{
	const struct whose w = { at->part, at->handle ? (u16)(at->handle - EL2_HANDLE_OFFSET) : 0 };
	const int level = at->level;
	const u64 i = (ev->addr & o->page_mask) / 8;
	const u64 ia = at->ia + (i << level_shift(o->shift, level));
	bool was_odd, is_odd;
	struct part_entry *p;

	if (ev->arg != 8) {
		fold_reread(o, ev);
		return;
	}
	if (ev->old == ev->val)
		return;
	was_odd = odd_entry(o, w, ev->old, level, ia);
	is_odd = odd_entry(o, w, ev->val, level, ia);
	p = book_put(o->b, &o->fold.parts, ev->addr >> o->shift);
	p->entries = (u16)(p->entries + (ev->val != 0) - (ev->old != 0));
	p->odd = (u16)(p->odd + is_odd - was_odd);
	if (level != ARCH_LAST_LEVEL)
		set_last(o, w, 0, 0);
	if (pte_valid(ev->old | ev->val))
		entry_changed(o, w, level, ia, ev);
	if (w.part == PART_GUEST_TABLE && !pte_table(ev->old, level) && !pte_table(ev->val, level))
		guests_changed(o, w.slot, level, ia, ev);
	if (w.part != PART_HOST_TABLE || (!was_odd && !is_odd))
		return;
	if (level == ARCH_LAST_LEVEL)
		fold_touch_page(o, ia >> o->shift, SIDE_HOST, ev);
	else
		upper_changed(o, level, ia, ev);
}

void fold_record_store(struct oracle *o, const struct event *ev, u64 frame, u64 field)
{
	const u64 pfn = frame >> o->shift;

	fold_touch_page(o, pfn, SIDE_RECORD, ev);
	/* one store may reach into the next entries */
	for (u64 i = 1; i <= (field + ev->arg - 1) >> o->record.entry_shift; i++)
		fold_touch_page(o, pfn + i, SIDE_RECORD, ev);
}

/* EL2 wrote to memory that is the host's alone. */
void fold_alien_write(struct oracle *o, u64 frame, const struct event *ev)
{
	/* what the host names as given is EL2's while it looks at it */
	if ((o->verdict.n_effects || o->verdict.moved) && m_names(&o->verdict, &o->call, frame))
		return;
	if (!o->fold.alien.seq && page_class(o, frame) == M_MEMORY)
		o->fold.alien = *ev;
}

void fold_soiled(struct oracle *o, u64 frame)
{
	((struct part_entry *)book_put(o->b, &o->fold.parts, frame))->clear = false;
}

static void not_clear(void *data, u64 frame)
{
	struct oracle *o = data;

	if (part_at(o, frame)->clear)
		fold_soiled(o, frame);
}

void fold_none_clear(struct oracle *o)
{
	book_for_each(&o->fold.parts, not_clear, o);
}

/* Bytes of the frame changed in a way that does not tell what they were; @cleared: all, to 0. */
static inline void on_bytes(struct oracle *o, u64 frame, bool cleared, bool by_el2,
			    const struct event *ev)
{
	const struct part_entry *p = part_at(o, frame);

	if (unlikely(p->part != PART_NONE)) {
		if (o->fold.live)
			fold_reread(o, ev);
		return;
	}
	if (p->clear != cleared && (cleared || !by_el2))
		((struct part_entry *)book_put(o->b, &o->fold.parts, frame))->clear = cleared;
	if (by_el2 && unlikely(fold_hosts_alone(o, frame)) && o->fold.live)
		fold_alien_write(o, frame, ev);
}

void fold_zero(struct oracle *o, const struct event *ev)
{
	const u64 end = ev->addr + ev->val;

	for (u64 frame = ev->addr >> o->shift; frame < o->n_frames && frame << o->shift < end;
	     frame++)
		on_bytes(o, frame,
			 ev->val > o->page_mask && frame << o->shift >= ev->addr &&
				 end - (frame << o->shift) > o->page_mask,
			 true, ev);
}

void fold_access(struct oracle *o, const struct event *ev)
{
	const u64 bytes = ev->arg ? ev->arg : ev->val;

	if (!g_str_has_suffix(ev->what, "write"))
		return;
	for (u64 frame = ev->old >> o->shift;
	     frame < o->n_frames && frame << o->shift < ev->old + bytes; frame++)
		on_bytes(o, frame, false, false, ev);
}

void fold_begin(struct oracle *o)
{
	struct fold *fold = &o->fold;

	fold_touch_none(o);
	if (unlikely(fold->reread))
		fold->why.seq = 0;
	for (u32 i = 0; fold->n_made && i < G_N_ELEMENTS(fold->made); i++)
		fold->made[i].seq = 0;
	fold->n_uppers = fold->n_made = 0;
	fold->reread = fold->alloc_failed = fold->stuck = false;
	fold->alien.seq = 0;
}

bool fold_init(struct oracle *o)
{
	return fold_touch_init(o) && book_init(o->b, &o->fold.parts, o->n_frames, PART_SHIFT);
}

/* ---- Reading everything ------------------------------------------------------------------------ */

static void forget_part(void *data, u64 frame)
{
	struct oracle *o = data;

	if (part_at(o, frame)->part != PART_NONE || part_at(o, frame)->clear)
		part_set(o, frame, PART_NONE, -1, 0);
}

static void forget_elsewhere(void *data, u64 pfn)
{
	struct oracle *o = data;
	struct found f;

	if (!page_known(o, pfn))
		return;
	f = page_get(o, pfn);
	f.elsewhere = 0;
	f.p.borrowers = f.p.owners = 0;
	f.visited = false;
	page_put(o, pfn, &f);
}

static struct whose guests(const struct el2_guest_view *g)
{
	return (struct whose){ PART_GUEST_TABLE, (u16)(g->handle - EL2_HANDLE_OFFSET) };
}

static u64 roots(const struct oracle *o, const struct mmu_table *t)
{
	return t->stage == 1 ? 1 : s2_pgd_pages(o->shift, t->ia_bits);
}

static void link_roots(struct oracle *o, const struct mmu_table *t, struct whose w,
		       const struct event *ev)
{
	u64 pages = roots(o, t);
	u64 span = (u64)table_entries(o->shift) * span_of(o, t->start_level);

	if (!t->root.pa)
		return;
	for (u64 i = 0; i < pages; i++)
		link_table(o, w, t->start_level, i * span, pa_add(t->root, i << o->shift), ev);
}

static void visit_leaf(struct oracle *o, unsigned int part, int level, u64 ia, u64 pte)
{
	u64 first = ia, pages = span_of(o, level) >> o->shift;

	if (part != PART_HOST_TABLE)
		first = pa_from_pte(o->b->f, pte).pa;
	if (part == PART_HYP_TABLE && backs_vmemmap(o, ia, first))
		return;
	for (u64 pfn = first >> o->shift; pages-- && pfn < o->n_frames; pfn++)
		if (part != PART_HYP_TABLE || first + o->v->layout->va_offset == ia ||
		    page_class(o, pfn) == M_HOLE)
			page_check(o, pfn, SIDE_ALL, NULL, NULL);
}

static void visit_table(struct oracle *o, u64 frame, const struct part_entry *p)
{
	const u64 *pte = table_at(o, frame << o->shift);
	int level = p->level;
	u64 ia = p->ia;

	for (u32 i = 0; p->odd && i < table_entries(o->shift); i++, ia += span_of(o, level))
		if (!pte_table(pte[i], level) && odd_entry(o, whose(p), pte[i], level, ia))
			visit_leaf(o, p->part, level, ia, pte[i]);
}

/* Frames of which something is recorded: a state, or references on what EL2 does not own. */
static void visit_vmemmap(struct oracle *o, u64 frame, const struct part_entry *p)
{
	const u8 size = o->v->layout->hyp_page_size;
	u64 pfn = p->ia >> o->shift;

	if (page_is_untouched(o, frame << o->shift))
		return;
	for (u64 off = 0; off < BIT(o->shift); off += size, pfn++) {
		u64 val = 0;

		board_peek(o->b, PA((frame << o->shift) + off), size, &val);
		if (val && pfn < o->n_frames)
			page_check(o, pfn, SIDE_ALL, NULL, NULL);
	}
}

static void visit_part(void *data, u64 frame)
{
	struct oracle *o = data;
	const struct part_entry *p = part_at(o, frame);

	if (p->part == PART_VMEMMAP)
		visit_vmemmap(o, frame, p);
	else if (p->part != PART_NONE)
		visit_table(o, frame, p);
}

/* A page that nothing led to is as all begin, or the records of it are gone. */
static void visit_known(void *data, u64 pfn)
{
	struct oracle *o = data;
	struct found f;

	if (!page_known(o, pfn))
		return;
	f = page_get(o, pfn);
	if (!f.visited)
		page_check(o, pfn, SIDE_ALL, NULL, NULL);
	f = page_get(o, pfn);
	f.visited = false;
	page_put(o, pfn, &f);
}

void fold_link_guest(struct oracle *o, const struct el2_guest_view *g, const struct event *ev)
{
	o->last_guest.size = 0;
	link_roots(o, &g->s2, guests(g), ev);
}

void fold_unlink_guest(struct oracle *o, const struct el2_guest_view *g, const struct event *ev)
{
	o->last_guest.size = 0;
	for (u64 i = 0; i < roots(o, &g->s2); i++)
		unlink_table(o, guests(g), g->s2.start_level, pa_add(g->s2.root, i << o->shift),
			     ev);
}

void fold_read_all(struct oracle *o)
{
	o->fold.counting = true;
	o->vmemmap.size = o->last_guest.size = 0;
	o->last_table[false].size = o->last_table[true].size = 0;
	book_for_each(&o->pages, forget_elsewhere, o);
	book_for_each(&o->fold.parts, forget_part, o);
	o->fold.tables = 0;
	link_roots(o, &o->v->host_s2, (struct whose){ .part = PART_HOST_TABLE }, NULL);
	link_roots(o, &o->v->hyp_s1, (struct whose){ .part = PART_HYP_TABLE }, NULL);
	for (unsigned int i = 0; i < o->v->n_guests; i++)
		fold_link_guest(o, o->v->guests[i], NULL);
	book_for_each(&o->fold.parts, visit_part, o);
	book_for_each(&o->pages, visit_known, o);
	o->fold.counting = false;
	o->fold.live = true;
}
