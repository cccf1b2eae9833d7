// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One page: its owners as last found, in two books, and reading them anew from the
 * records of EL2. A page that is as all begin is no entry at all.
 */
#include <string.h>

#include "oracle_impl.h"

#include "private.h"

/* ---- The books -------------------------------------------------------------------- */

/* What few pages have: the end of struct m_page. */
#define FACTS offsetof(struct m_page, sharers)
#define FACTS_BYTES (sizeof(struct m_page) - FACTS)
#define FACTS_SHIFT 5

G_STATIC_ASSERT(FACTS_BYTES == 1u << FACTS_SHIFT);
G_STATIC_ASSERT(FACTS == sizeof(u64));
G_STATIC_ASSERT(sizeof(struct found) - sizeof(struct m_page) == sizeof(u64));
G_STATIC_ASSERT(sizeof(struct page_entry) == 1u << PAGE_ENTRY_SHIFT);

bool pages_init(struct oracle *o)
{
	return book_init(o->b, &o->pages, o->n_frames, PAGE_ENTRY_SHIFT) &&
	       book_init(o->b, &o->guests, o->n_frames, FACTS_SHIFT);
}

void page_settle(struct found *f)
{
	if (!f->p.owners)
		f->p.guest = 0;
	f->guests = f->p.sharers | f->p.borrowers | f->p.owners | f->p.note_vm;
}

static inline u64 owners_of(const struct m_page *p)
{
	u64 owners;

	memcpy(&owners, p, sizeof(owners));
	return owners;
}

static inline bool has_guests(const struct page_entry *e)
{
	return ((const u8 *)&e->rest)[offsetof(struct found, guests) - sizeof(struct m_page)];
}

static inline void get_owners(const struct oracle *o, u64 pfn, enum m_class c, struct m_page *p)
{
	const struct page_entry *e = page_entry(o, pfn);
	const u64 owners = e->owners ^ owners_of(&m_page_default[c]);

	memcpy(p, &owners, sizeof(owners));
	if (unlikely(has_guests(e)))
		memcpy((u8 *)p + FACTS, book_get(&o->guests, pfn), FACTS_BYTES);
	else
		memset((u8 *)p + FACTS, 0, FACTS_BYTES);
}

void page_get_as(const struct oracle *o, u64 pfn, enum m_class c, struct found *f)
{
	get_owners(o, pfn, c, &f->p);
	memcpy(&f->p + 1, &page_entry(o, pfn)->rest, sizeof(u64));
}

struct found page_get(struct oracle *o, u64 pfn)
{
	struct found f;

	if (pfn >= o->n_frames)
		return (struct found){ .p = m_page_default[M_BEYOND] };
	page_get_as(o, pfn, page_class(o, pfn), &f);
	return f;
}

static inline u64 rest_of(const struct found *f)
{
	u64 rest;

	memcpy(&rest, &f->p + 1, sizeof(rest));
	return rest;
}

/* @f as the book has it. That somebody was there makes no page another one. */
static inline struct page_entry entry_of(const struct found *f, enum m_class c)
{
	const struct found visited = { .visited = true };
	struct page_entry e = { owners_of(&f->p) ^ owners_of(&m_page_default[c]), rest_of(f) };

	if (!e.owners && e.rest == rest_of(&visited))
		e.rest = 0;
	return e;
}

bool page_unchanged(const struct oracle *o, u64 pfn, enum m_class c, const struct found *f)
{
	const struct page_entry *was = page_entry(o, pfn), now = entry_of(f, c);

	return was->owners == now.owners && was->rest == now.rest &&
	       (likely(!f->guests) ||
		!memcmp((const u8 *)f + FACTS, book_get(&o->guests, pfn), FACTS_BYTES));
}

void page_put_as(struct oracle *o, u64 pfn, enum m_class c, const struct found *f)
{
	const struct page_entry was = *page_entry(o, pfn), now = entry_of(f, c);

	if (unlikely(f->guests))
		memcpy(book_put(o->b, &o->guests, pfn), (const u8 *)f + FACTS, FACTS_BYTES);
	if (was.owners == now.owners && was.rest == now.rest)
		return;
	o->n_known += (now.owners | now.rest) != 0;
	o->n_known -= (was.owners | was.rest) != 0;
	*(struct page_entry *)book_put(o->b, &o->pages, pfn) = now;
}

void page_put(struct oracle *o, u64 pfn, struct found *f)
{
	sim_assert(pfn < o->n_frames);
	page_settle(f);
	page_put_as(o, pfn, page_class(o, pfn), f);
}

bool page_same(const struct m_page *a, const struct m_page *b)
{
	if (a->host != b->host || a->hyp != b->hyp || a->pins != b->pins ||
	    a->sharers != b->sharers || a->borrowers != b->borrowers || a->owners != b->owners)
		return false;
	return !a->owners || (a->guest == b->guest && a->vm == b->vm && a->gfn == b->gfn);
}

/* ---- Reading ------------------------------------------------------------------------ */

static bool translates(const struct mmu_result *res)
{
	return res->fault == MMU_OK || res->fault == MMU_FAULT_PERMISSION;
}

/* The bytes of the board's from @pa on; NULL: not all of these answer, or not at once. */
static const void *bytes_at(struct oracle *o, u64 pa, u64 size)
{
	const struct extent *e = extent_at(o->b, pa);

	return e && e->solid && e->size - (pa - e->base) >= size ? e->bytes + (pa - e->base) : NULL;
}

void page_walk_ends(struct oracle *o, bool hyp, u64 ia, u64 table)
{
	const u64 size = BIT(level_shift(o->shift, ARCH_LAST_LEVEL - 1));
	const u64 *entry = bytes_at(o, table, BIT(o->shift));

	o->last_table[hyp] = (struct last_table){
		.ia = ALIGN_DOWN(ia, size),
		.size = entry ? size : 0,
		.entry = entry,
	};
}

/* As model_walk(), and remembers the table of the last level in which it ended. */
static __attribute__((noinline)) bool walk_tables(struct oracle *o, bool hyp, u64 ia,
						  struct mmu_result *res)
{
	const struct mmu_table *t = hyp ? &o->v->hyp_s1 : &o->v->host_s2;

	if (!model_walk_table(o->b, t, ia, res))
		return false;
	if (res->level == ARCH_LAST_LEVEL && t->start_level < ARCH_LAST_LEVEL)
		page_walk_ends(o, hyp, ia, ALIGN_DOWN(res->desc_pa.pa, BIT(o->shift)));
	return true;
}

/*
 * The same, where the table of the last level that the walk before ended in serves its
 * neighbours until the fold sees a table come or go. No field of @res that is used here
 * depends on the levels above; of an invalid entry only @desc and @fault are.
 */
static bool walk(struct oracle *o, bool hyp, u64 ia, struct mmu_result *res)
{
	const struct last_table *last = &o->last_table[hyp];

	if (unlikely(ia - last->ia >= last->size))
		return walk_tables(o, hyp, ia, res);
	res->desc = last->entry ? last->entry[(ia - last->ia) >> o->shift] : 0;
	res->fault = MMU_FAULT_TRANSLATION;
	if (pte_valid(res->desc))
		mmu_walk_page(hyp ? &o->v->hyp_s1 : &o->v->host_s2, ia, res->desc, MMU_READ, res);
	return true;
}

static u8 sw_state(const struct oracle *o, u64 pte)
{
	return (u8)FIELD_GET(o->v->layout->sw_state_mask, pte);
}

/* An annotation that names a guest. */
static void read_note(const struct oracle *o, u64 pte, struct found *f)
{
	const struct el2_layout *l = o->v->layout;

	if (pte_valid(pte) || !l->handle_mask || FIELD_GET(l->owner_mask, pte) != l->owner_guest ||
	    FIELD_GET(l->type_mask, pte) != l->type_donation)
		return;
	f->p.note_vm = (u32)FIELD_GET(l->handle_mask, pte);
	f->p.note_gfn = FIELD_GET(l->gfn_mask, pte);
}

/* The host's entry; where it is the record, also what it says. */
static void read_host(struct oracle *o, u64 pfn, enum m_class c, struct found *f)
{
	struct mmu_result res;
	u8 state = PKVM_PAGE_OWNED;

	f->host_leaf = LEAF_OPEN;
	f->p.note_vm = 0;
	f->p.note_gfn = 0;
	if (walk(o, false, pfn << o->shift, &res) && res.desc) {
		if (!translates(&res) || !res.r)
			f->host_leaf = LEAF_CLOSED;
		else if (res.oa.pa != pfn << o->shift)
			f->host_leaf = LEAF_ASTRAY;
		else if (!res.w)
			f->host_leaf = LEAF_READ_ONLY;
		if (translates(&res))
			state = sw_state(o, res.desc);
		else if (c == M_MEMORY)
			read_note(o, res.desc, f);
	}
	if (unlikely(c == M_HOLE))
		f->p.host = f->host_leaf == LEAF_CLOSED ? PKVM_NOPAGE : PKVM_PAGE_OWNED;
	else if (c == M_MEMORY && !o->v->layout->has_state)
		f->p.host = f->host_leaf == LEAF_CLOSED ? PKVM_NOPAGE : state;
}

/* EL2's linear map. */
static void read_hyp(struct oracle *o, u64 pfn, enum m_class c, struct found *f)
{
	u64 pa = pfn << o->shift;
	struct mmu_result res;

	f->linear = walk(o, true, pa + o->v->layout->va_offset, &res) && translates(&res) &&
		    res.oa.pa == pa;
	if (c != M_HOLE && !o->v->layout->has_state)
		f->p.hyp = f->linear ? sw_state(o, res.desc) : PKVM_NOPAGE;
}

/* The piece of hyp_vmemmap around @va. */
static __attribute__((noinline)) bool vmemmap_walk(struct oracle *o, u64 va)
{
	struct mmu_result res;

	if (!o->v->vmemmap_va || !model_walk(o->b, o->v, true, va, &res) || res.fault != MMU_OK)
		return false;
	o->vmemmap.va = res.ia_base;
	o->vmemmap.size = res.size;
	o->vmemmap.pa = res.oa.pa - (va - res.ia_base);
	o->vmemmap.bytes = bytes_at(o, o->vmemmap.pa, res.size);
	return true;
}

/* How far into that piece the struct hyp_page of the frame stands: false, nowhere. */
static inline bool record_off(struct oracle *o, u64 pfn, u64 *off)
{
	const u64 va = o->v->vmemmap_va + pfn * o->v->layout->hyp_page_size;

	if (unlikely(va - o->vmemmap.va >= o->vmemmap.size) && !vmemmap_walk(o, va))
		return false;
	*off = va - o->vmemmap.va;
	return true;
}

static u64 record_at(struct oracle *o, u64 off, u8 size)
{
	u64 entry = 0;
	u32 half;

	if (likely(o->vmemmap.bytes && size == sizeof(entry))) {
		memcpy(&entry, o->vmemmap.bytes + off, sizeof(entry));
	} else if (likely(o->vmemmap.bytes && size == sizeof(half))) {
		memcpy(&half, o->vmemmap.bytes + off, sizeof(half));
		entry = half;
	} else {
		board_peek(o->b, PA(o->vmemmap.pa + off), size, &entry);
	}
	return entry;
}

bool oracle_hyp_page(struct oracle *o, pa_t pa, pa_t *entry)
{
	u64 pfn = pa.pa >> o->shift, off;

	/* who does not follow EL2's tables does not hear when the way changes */
	if (!o->fold.live)
		return model_hyp_page(o->b, o->v, pa, entry);
	if (pfn >= o->n_frames || !record_off(o, pfn, &off))
		return false;
	entry->pa = o->vmemmap.pa + off;
	return true;
}

static u32 field_of(u64 entry, u8 off, u8 width)
{
	return (u32)(entry >> 8 * off & (BIT(8 * width) - 1));
}

static void read_record(struct oracle *o, u64 pfn, enum m_class c, struct found *f)
{
	const struct el2_layout *l = o->v->layout;
	u64 off, entry;
	u32 state;

	if (unlikely(c == M_HOLE || c == M_BEYOND || !record_off(o, pfn, &off)))
		return;
	entry = record_at(o, off, l->hyp_page_size);
	f->p.pins = (u16)field_of(entry, l->refcount_off, l->refcount_width);
	if (!l->has_state)
		return;
	f->p.sharers = field_of(entry, l->share_count_off, 4);
	state = field_of(entry, l->state_off, 1);
	f->p.host = (u8)(state & 0xf);
	f->p.hyp = (u8)(state >> 4 ^ l->hyp_state_xor);
	/* All zero is the host's, and for firmware's memory nobody ever wrote another. */
	if (unlikely(c == M_FIRMWARE) && f->p.host == PKVM_PAGE_OWNED && f->p.hyp == PKVM_NOPAGE)
		f->p.host = PKVM_NOPAGE;
}

static bool in_text(const struct oracle *o, u64 pfn)
{
	return o->design.profile->text_readable &&
	       (pfn << o->shift) - ALIGN_DOWN(o->v->text.base, BIT(o->shift)) < o->v->text.size;
}

void page_read(struct oracle *o, u64 pfn, u32 sides, struct found *f)
{
	enum m_class c = page_class(o, pfn);

	if (sides & SIDE_HOST)
		read_host(o, pfn, c, f);
	if (sides & SIDE_HYP)
		read_hyp(o, pfn, c, f);
	/* where the tables are the record, what EL2 owns is not pinned: see below */
	if ((sides & SIDE_RECORD) || (sides & SIDE_HYP && !o->v->layout->has_state))
		read_record(o, pfn, c, f);
	if (unlikely(c == M_HOLE))
		f->p.hyp = f->linear || f->elsewhere ? PKVM_PAGE_OWNED : PKVM_NOPAGE;
	/* A count on EL2's own page is its pool's business. */
	if (f->p.hyp == PKVM_PAGE_OWNED)
		f->p.pins = 0;
	f->p.text = f->p.host == PKVM_NOPAGE && in_text(o, pfn);
}

/* ---- What is wrong with it ------------------------------------------------------------- */

/*
 * Where software bits of the linear map are the record, EL2's stacks have none: they
 * are mapped elsewhere, and the host's annotation alone says that they are taken.
 */
bool page_is_unrecorded_stack(const struct oracle *o, u64 pfn)
{
	for (unsigned int i = 0; !o->v->layout->has_state && i < o->b->n_cpus; i++) {
		const struct el2_cpu_pages *cpu = &o->v->cpu_pages[i];

		if ((pfn << o->shift) - cpu->stack.base < cpu->stack.size)
			return true;
	}
	return false;
}

static bool host_gets_in(const struct found *f)
{
	if (f->host_leaf == LEAF_READ_ONLY)
		return !f->p.text;
	return f->host_leaf == LEAF_OPEN;
}

u8 page_breaches(struct oracle *o, u64 pfn, enum m_class c, const struct found *f)
{
	const char *rule, *why;
	u8 breach = 0;

	if (!m_page_legal(&f->p, c, &rule, &why) &&
	    !(f->p.host == PKVM_NOPAGE && page_is_unrecorded_stack(o, pfn)))
		breach |= BREACH_PAIR;
	if (f->host_leaf == LEAF_ASTRAY ||
	    (f->p.host == PKVM_NOPAGE && c == M_MEMORY && host_gets_in(f)))
		breach |= BREACH_HOST;
	if (f->linear && f->p.hyp == PKVM_NOPAGE)
		breach |= BREACH_HYP;
	if (f->host_leaf == LEAF_CLOSED && f->p.host != PKVM_NOPAGE)
		breach |= BREACH_BARRED;
	return breach;
}

/* EL2's linear address of a device is arithmetic: something else may stand there. */
static bool linear_address_taken(struct oracle *o, u64 pfn)
{
	struct mmu_result res;

	return model_walk(o->b, o->v, true, (pfn << o->shift) + o->v->layout->va_offset, &res) &&
	       res.desc;
}

/*
 * What the rules of few calls want: who donates a device needs its linear address, and where
 * the release asks for the references of pages that EL2 owns they are read now, as pools
 * change them without a transition.
 */
static __attribute__((noinline)) void more_for_rules(struct oracle *o, u64 pfn, struct m_page *p)
{
	if (o->call.op == M_DONATE_HYP_MMIO && p->hyp == PKVM_NOPAGE &&
	    linear_address_taken(o, pfn))
		p->hyp = PKVM_PAGE_OWNED;
	if (p->hyp == PKVM_PAGE_OWNED && o->design.profile->donate_host_refcount)
		p->pins = (u16)check_count_of(o, pfn << o->shift);
}

void page_for_rules(const struct m_state *s, u64 pfn, struct m_page *p)
{
	struct oracle *o = s->pages;

	if (likely(pfn < o->n_frames))
		get_owners(o, pfn, page_class(o, pfn), p);
	else
		*p = m_page_default[M_BEYOND];
	if (unlikely(o->call.op == M_DONATE_HYP_MMIO || o->design.profile->donate_host_refcount))
		more_for_rules(o, pfn, p);
}
