// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CHECK_PARANOID: what the fold knows against everything read anew, by the other
 * reader of the same records (abstraction.c). A difference is a bug of the oracle.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "oracle_impl.h"
#include "private.h"

static void fail(const char *what, u64 pa) __attribute__((noreturn));

static void fail(const char *what, u64 pa)
{
	fprintf(stderr, "pkvm-sim: the oracle lost track: %s, at 0x%" PRIx64 "\n", what, pa);
	sim_bug(__FILE__, __LINE__, "the fold and a full reading agree");
}

/* Host and hyp of a run as the rules have them. */
static struct m_page of_run(struct oracle *o, u64 pfn, const struct abs_page *a)
{
	enum m_class c = page_class(o, pfn);
	struct m_page p = { .host = (u8)a->host, .hyp = (u8)a->hyp };

	if (c == M_HOLE) {
		p.host = a->host_pte && !pte_valid(a->host_pte) ? PKVM_NOPAGE : PKVM_PAGE_OWNED;
		p.hyp = a->hyp_mapped ? PKVM_PAGE_OWNED : PKVM_NOPAGE;
	} else if (c == M_FIRMWARE && p.hyp == PKVM_NOPAGE && p.host == PKVM_PAGE_OWNED) {
		p.host = PKVM_NOPAGE;
	}
	return p;
}

static void check_run(void *data, u64 base, u64 size, const struct abs_page *a)
{
	struct oracle *o = data;
	u64 pfn = base >> o->shift, end = (base + size) >> o->shift;
	struct m_page want = of_run(o, pfn, a), usual = m_page_default[page_class(o, pfn)];

	/* runs of pages as all begin are long: what is known of them is looked at below */
	if (want.host == usual.host && want.hyp == usual.hyp)
		return;
	for (; pfn < end; pfn++) {
		struct found f = page_get(o, pfn);

		if (f.p.host != want.host || f.p.hyp != want.hyp)
			fail("a page has other owners than it knows", pfn << o->shift);
	}
}

struct recheck {
	struct oracle *o;
	u64 known;
};

static void check_known(void *data, u64 pfn)
{
	struct recheck *r = data;
	struct found f, now;

	if (!page_known(r->o, pfn))
		return;
	r->known++;
	f = page_get(r->o, pfn);
	now = f;
	page_read(r->o, pfn, SIDE_ALL, &now);
	if (!page_same(&f.p, &now.p) || f.host_leaf != now.host_leaf || f.linear != now.linear)
		fail("a page changed and it did not notice", pfn << r->o->shift);
}

/* ---- Tables ------------------------------------------------------------------------------- */

struct recount {
	struct oracle *o;
	u8 part;
	u32 handle;
	u64 tables;
	const char *wrong;
};

static void recount_table(void *data, int level, u64 ia, pa_t table)
{
	struct recount *r = data;
	struct part p = fold_part(r->o, table);
	u32 entries = 0;

	r->tables++;
	for (u32 i = 0; i < table_entries(r->o->shift); i++) {
		u64 pte = 0;

		board_peek64(r->o->b, pa_add(table, UINT64_C(8) * i), &pte);
		entries += pte != 0;
	}
	if (p.part != r->part || p.handle != r->handle)
		r->wrong = "a table page that the fold does not know";
	else if (p.level != level || p.ia != ia)
		r->wrong = "a table page that the fold takes for another one";
	else if (p.entries != entries)
		r->wrong = "a table page whose entries the fold miscounted";
}

static const char *check_tables(struct oracle *o)
{
	struct recount r = { .o = o, .part = PART_HOST_TABLE };

	model_for_each_table(o->b, &o->v->host_s2, recount_table, &r);
	r.part = PART_HYP_TABLE;
	model_for_each_table(o->b, &o->v->hyp_s1, recount_table, &r);
	r.part = PART_GUEST_TABLE;
	for (unsigned int i = 0; i < o->v->n_guests; i++) {
		r.handle = o->v->guests[i]->handle;
		model_for_each_table(o->b, &o->v->guests[i]->s2, recount_table, &r);
	}
	if (!r.wrong && r.tables != o->fold.tables)
		r.wrong = "the fold knows table pages that are none";
	return r.wrong;
}

/* Frames that are to be clear, but for what a free list may have left. */
static void check_clear(void *data, u64 frame)
{
	struct oracle *o = data;
	const struct part_entry *p = part_at(o, frame);
	const u64 first = (frame << o->shift) + 8 * FREE_LINKS;
	const struct extent *e = p->clear ? extent_find(o->b, first) : NULL;
	const u8 *bytes;

	if (!e)
		return;
	bytes = e->bytes + (first - e->base);
	if (bytes[0] || memcmp(bytes, bytes + 1, BIT(o->shift) - 8 * FREE_LINKS - 1))
		fail("a page is not as clear as it was", frame << o->shift);
}

/* ---- What guests have ----------------------------------------------------------------------- */

struct guest_pass {
	struct oracle *o;
	u32 handle;
	u64 owned, borrowed; /* pages */
};

static void pass_leaf(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	struct guest_pass *p = data;
	struct oracle *o = p->o;
	u64 nr = BIT(level_shift(o->shift, level) - o->shift);
	u64 pfn = pa_from_pte(o->b->f, desc).pa >> o->shift;

	if (!pte_valid(desc) || pte_table(desc, level))
		return;
	for (u64 i = 0; i < nr && pfn + i < o->n_frames; i++) {
		struct found f = page_get(o, pfn + i);

		if (model_entry_state(o->v->layout, desc) == PKVM_PAGE_SHARED_BORROWED)
			p->borrowed++;
		else
			p->owned++;
		if (f.p.owners == 1 && !f.p.borrowers &&
		    (f.p.vm != p->handle || f.p.gfn != (ia >> o->shift) + i))
			fail("a guest owns a page that it has elsewhere", (pfn + i) << o->shift);
	}
}

static void count_known(void *data, u64 pfn)
{
	struct guest_pass *p = data;
	struct found f = page_get(p->o, pfn);

	p->owned -= f.p.owners;
	p->borrowed -= f.p.borrowers;
}

static void check_guests(struct oracle *o)
{
	struct guest_pass p = { .o = o };

	for (unsigned int i = 0; i < o->v->n_guests; i++) {
		p.handle = o->v->guests[i]->handle;
		model_for_each_entry(o->b, &o->v->guests[i]->s2, false, pass_leaf, &p);
	}
	book_for_each(&o->pages, count_known, &p);
	if (p.owned || p.borrowed)
		fail("guests have other pages than it knows", 0);
}

void paranoid_check(struct oracle *o)
{
	struct recheck r = { .o = o };
	const char *wrong = check_tables(o);

	if (wrong)
		fail(wrong, 0);
	model_for_each_run(o->b, o->v, check_run, o);
	o->vmemmap.size = 0;
	book_for_each(&o->pages, check_known, &r);
	if (r.known != o->n_known)
		fail("it miscounted the pages that it knows", 0);
	check_guests(o);
	book_for_each(&o->fold.parts, check_clear, o);
}
