// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CHECK_PARANOID: what the fold knows against everything read anew, by the other
 * reader of the same records (abstraction.c). A difference is a bug of the oracle.
 */
#include <inttypes.h>
#include <stdio.h>

#include "oracle_impl.h"

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
	struct m_page want = of_run(o, pfn, a), usual = m_page_default(page_class(o, pfn));

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

	if (!*(const u64 *)book_get(&r->o->pages, pfn))
		return;
	r->known++;
	f = page_get(r->o, pfn);
	now = f;
	page_read(r->o, pfn, SIDE_ALL, &now);
	if (!page_same(&f.p, &now.p) || f.host_leaf != now.host_leaf || f.linear != now.linear)
		fail("a page changed and it did not notice", pfn << r->o->shift);
}

void paranoid_check(struct oracle *o)
{
	struct recheck r = { .o = o };
	const char *wrong = fold_check(o);

	if (wrong)
		fail(wrong, 0);
	model_for_each_run(o->b, o->v, check_run, o);
	o->vmemmap.size = 0;
	book_for_each(&o->pages, check_known, &r);
	if (r.known != o->n_known)
		fail("it miscounted the pages that it knows", 0);
}
