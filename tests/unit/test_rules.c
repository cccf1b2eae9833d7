// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules alone, without a board: for every pair of page states what each call
 * may answer, and what the page becomes. The rows are the matrices of the
 * specification: every cell was seen on the real code of its release.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "model/rules.h"

#define MEM 0x40000000u
#define PAGES 64

struct world {
	struct m_state s;
	struct m_design d;
	struct m_page page[PAGES]; /* of MEM */
	struct m_page device;	   /* at 0x09000000 */
};

static const struct m_region regions[] = {
	{ MEM, 0x20000, false },
	{ MEM + 0x20000, 0x10000, true },
	{ MEM + 0x30000, 0x10800, false }, /* ends inside a page */
};

static void world_get(const struct m_state *s, u64 pfn, struct m_page *p)
{
	struct world *w = s->pages;

	if (pfn - (MEM >> 12) < PAGES)
		*p = w->page[pfn - (MEM >> 12)];
	else if (pfn == 0x9000)
		*p = w->device;
	else
		*p = m_page_default[m_class_of(s, pfn << 12)];
}

static void world_make(struct world *w, enum profile_id release)
{
	struct el2_config *c = el2_config_new(&el2_profiles[release]);

	memset(w, 0, sizeof(*w));
	c->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_V5;
	w->d = m_design_of(c);
	w->s = (struct m_state){ .region = regions,
				 .n_regions = G_N_ELEMENTS(regions),
				 .page_shift = 12,
				 .ia_bits = 40,
				 .booted = true,
				 .deprivileged = true,
				 .s2_on = BIT(0),
				 .get = world_get,
				 .pages = w };
	for (u64 i = 0; i < PAGES; i++)
		w->page[i] = m_page_default[m_class_of(&w->s, MEM + i * 4096)];
	w->device = m_page_default[M_HOLE];
	el2_config_free(c);
}

#define O PKVM_PAGE_OWNED
#define SO PKVM_PAGE_SHARED_OWNED
#define SB PKVM_PAGE_SHARED_BORROWED
#define N PKVM_NOPAGE

/* The columns: joint states of one page of memory. */
static const struct {
	const char *name;
	struct m_page page;
} column[] = {
	{ "private", { .host = O, .hyp = N } },	 { "hyp's", { .host = N, .hyp = O } },
	{ "shared", { .host = SO, .hyp = SB } }, { "pinned", { .host = SO, .hyp = SB, .pins = 1 } },
	{ "lent", { .host = SO, .hyp = N } },	 { "hyp shares", { .host = SB, .hyp = SO } },
};

#define COLUMNS G_N_ELEMENTS(column)

struct cell {
	int ret;
	u8 host, hyp; /* after success */
};

struct row {
	enum m_op op;
	const char *name;
	struct cell cell[COLUMNS];
};

#define E(err)                                                                                     \
	{                                                                                          \
		.ret = -(err)                                                                      \
	}
#define TO(h, y)                                                                                   \
	{                                                                                          \
		0, h, y                                                                            \
	}

/* The releases answer alike as long as a page is in one region. */
static const struct row matrix[] = {
	{ M_HOST_SHARE_HYP,
	  "share",
	  { TO(SO, SB), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_UNSHARE_HYP,
	  "unshare",
	  { E(EPERM), E(EPERM), TO(O, N), E(EBUSY), E(EPERM), E(EPERM) } },
	{ M_HOST_DONATE_HYP,
	  "donate",
	  { TO(N, O), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HYP_DONATE_HOST,
	  "return",
	  { E(EPERM), TO(O, N), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_SHARE_FFA,
	  "lend",
	  { TO(SO, N), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_UNSHARE_FFA,
	  "take back",
	  { E(EPERM), E(EPERM), TO(O, SB), TO(O, SB), TO(O, N), E(EPERM) } },
	{ M_PIN, "pin", { E(EPERM), E(EPERM), TO(SO, SB), TO(SO, SB), E(EPERM), E(EPERM) } },
};

/* Exactly this number may come out, besides -ENOMEM where a table was refused. */
static const struct m_answer *only_answer(const struct m_verdict *v)
{
	const struct m_answer *a = NULL;

	for (unsigned int i = 0; i < v->n; i++) {
		if (v->answer[i].if_enomem)
			continue;
		g_assert_null(a);
		a = &v->answer[i];
	}
	g_assert_nonnull(a);
	return a;
}

static void check_row(enum profile_id release, const struct row *r)
{
	for (unsigned int i = 0; i < COLUMNS; i++) {
		struct m_call call = { .op = r->op, .pfn = (MEM >> 12) + 5, .nr = 1 };
		const struct m_answer *a;
		struct m_verdict v;
		struct m_page after;
		struct world w;

		world_make(&w, release);
		w.page[5] = column[i].page;
		m_judge(&w.s, &w.d, &call, &v);
		a = only_answer(&v);
		g_test_message("%s of a page that is %s", r->name, column[i].name);
		g_assert_cmpint(a->end, ==, M_RET);
		g_assert_cmpint(a->ret, ==, r->cell[i].ret);
		g_assert_true(a->commits == !a->ret);
		if (a->ret)
			continue;
		after = m_apply(&v, w.page[5]);
		g_assert_cmpint(after.host, ==, r->cell[i].host);
		g_assert_cmpint(after.hyp, ==, r->cell[i].hyp);
		g_assert_cmpint(after.pins, ==, column[i].page.pins + (r->op == M_PIN));
	}
}

/* Every cell of the matrix of calls and joint states is as the release answers. */
static void test_matrix(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(matrix); i++) {
		check_row(PROFILE_V6_12, &matrix[i]);
		check_row(PROFILE_V7_0, &matrix[i]);
	}
}

static s64 answer_of(struct world *w, enum m_op op, u64 pfn, u64 nr)
{
	struct m_call call = { .op = op, .pfn = pfn, .nr = nr };
	struct m_verdict v;

	m_judge(&w->s, &w->d, &call, &v);
	return only_answer(&v)->ret;
}

/* May @op succeed on a page, and may it also be refused? */
static bool may_commit(enum profile_id release, enum m_op op, const struct m_page *page,
		       bool *refusable)
{
	struct m_call call = { .op = op, .pfn = (MEM >> 12) + 5, .nr = 1 };
	struct m_verdict v;
	struct world w;
	bool commits = false;

	world_make(&w, release);
	w.page[5] = *page;
	m_judge(&w.s, &w.d, &call, &v);
	*refusable = false;
	for (unsigned int i = 0; i < v.n; i++) {
		commits |= v.answer[i].commits;
		*refusable |= v.answer[i].ret < 0 && !v.answer[i].if_enomem;
	}
	return commits;
}

/* A secure world that remembers may refuse, and hands back what it was lent alone. */
static void test_secure_world(void)
{
	static const enum profile_id release[] = { PROFILE_V6_12, PROFILE_V7_0 };
	const struct m_page guests = { .host = SO, .hyp = N, .sharers = 1 };
	bool refusable;

	for (unsigned int k = 0; k < G_N_ELEMENTS(release); k++) {
		for (unsigned int i = 0; i < COLUMNS; i++) {
			bool lent = column[i].page.host == SO && column[i].page.hyp == N;
			bool own = column[i].page.host == O;

			g_assert_true(may_commit(release[k], M_FFA_MEM_SHARE, &column[i].page,
						 &refusable) == own);
			g_assert_true(refusable);
			g_assert_true(may_commit(release[k], M_FFA_MEM_RECLAIM, &column[i].page,
						 &refusable) == lent);
			g_assert_true(refusable);
		}
		g_assert_false(may_commit(release[k], M_FFA_MEM_RECLAIM, &guests, &refusable));
	}
}

/* v7.0 tells a range that crosses a region's edge before it tells whose pages it has. */
static void test_edges_v7_0(void)
{
	const u64 pfn = MEM >> 12;
	struct world w;

	world_make(&w, PROFILE_V7_0);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, 0x9000, 1), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, pfn + 0x20, 1), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, pfn + 0x40, 1), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn + 0x1f, 2), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, UINT64_C(1) << 28, 1), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn, UINT64_MAX), ==, -EINVAL);
	/* no page at all: the byte before decides */
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn, 0), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn + 1, 0), ==, 0);
	/* sharing takes what the shift leaves of a frame number */
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, pfn + (UINT64_C(1) << 52), 1), ==, 0);
}

/* v6.12 knows no regions there: what is not the host's memory is nobody's. */
static void test_edges_v6_12(void)
{
	const u64 pfn = MEM >> 12;
	struct world w;

	world_make(&w, PROFILE_V6_12);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, 0x9000, 1), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, pfn + 0x20, 1), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_HOST_SHARE_HYP, UINT64_C(1) << 28, 1), ==, -ERANGE);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn + 0x1f, 2), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_HOST_DONATE_HYP, pfn, 0), ==, 0);
}

/* Devices change hands in the order of checks that the patch documents. */
static void test_mmio(void)
{
	struct world w;

	world_make(&w, PROFILE_V7_0);
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, 0x9000, 1), ==, 0);
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, MEM >> 12, 1), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, (MEM >> 12) + 0x20, 1), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, (MEM >> 12) + 0x40, 1), ==, -EINVAL);
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, UINT64_C(1) << 28, 1), ==, -ERANGE);
	g_assert_cmpint(answer_of(&w, M_DONATE_HOST_MMIO, 0x9000, 1), ==, -ENOENT);
	w.device = (struct m_page){ .host = N, .hyp = O };
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, 0x9000, 1), ==, -EPERM);
	g_assert_cmpint(answer_of(&w, M_DONATE_HOST_MMIO, 0x9000, 1), ==, 0);
	w.device = (struct m_page){ .host = O, .hyp = O };
	g_assert_cmpint(answer_of(&w, M_DONATE_HYP_MMIO, 0x9000, 1), ==, -EBUSY);
	g_assert_cmpint(answer_of(&w, M_DONATE_HOST_MMIO, 0x9000, 1), ==, -EPERM);
}

static enum m_end access_ends(struct world *w, enum m_op op, u64 addr)
{
	struct m_call call = { .op = op, .addr = addr, .size = 8 };
	struct m_verdict v;

	m_judge(&w->s, &w->d, &call, &v);
	g_assert_cmpint(v.n, ==, 1);
	return v.answer[0].end;
}

/* The owner's access succeeds; a stranger's meets what the release does to strangers. */
static void test_accesses(void)
{
	struct world w;

	world_make(&w, PROFILE_V7_0);
	g_assert_cmpint(access_ends(&w, M_HOST_WRITE, MEM), ==, M_OK_ACCESS);
	g_assert_cmpint(access_ends(&w, M_HOST_WRITE, 0x09000000), ==, M_OK_ACCESS);
	g_assert_cmpint(access_ends(&w, M_HOST_EXEC, 0x09000000), ==, M_HANG);
	g_assert_cmpint(access_ends(&w, M_HOST_WRITE, MEM + 0x20000), ==, M_OK_ACCESS);
	g_assert_cmpint(access_ends(&w, M_HOST_READ, UINT64_C(1) << 40), ==, M_PANIC);
	w.page[1] = (struct m_page){ .host = N, .hyp = O };
	g_assert_cmpint(access_ends(&w, M_HOST_READ, MEM + 0x1000), ==, M_PANIC);
	w.d.inject = true;
	g_assert_cmpint(access_ends(&w, M_HOST_READ, MEM + 0x1000), ==, M_ABORT);
	w.page[1].text = 1;
	g_assert_cmpint(access_ends(&w, M_HOST_READ, MEM + 0x1000), ==, M_OK_ACCESS);
	g_assert_cmpint(access_ends(&w, M_HOST_WRITE, MEM + 0x1000), ==, M_HANG);
	w.s.s2_on = 0;
	g_assert_cmpint(access_ends(&w, M_HOST_WRITE, MEM + 0x1000), ==, M_OK_ACCESS);
}

/* A defect of a configuration is no rule: the same call is judged as without it. */
static void test_defects_are_no_rules(void)
{
	struct el2_config *c = el2_config_new(&el2_profiles[PROFILE_V7_0]);
	struct m_design good, bad;

	c->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_V5;
	good = m_design_of(c);
	c->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_V3;
	c->knob[KNOB_S2_UNMAP_ANNOTATED] = S2_UNMAP_CLEAR;
	c->knob[KNOB_WARN] = WARN_CONTINUE;
	bad = m_design_of(c);
	g_assert_cmpmem(&good, sizeof(good), &bad, sizeof(bad));
	el2_config_free(c);
}

/* Each pair that no call can leave behind is named with the rule that it breaks. */
static void test_illegal_pairs(void)
{
	static const struct {
		struct m_page page;
		const char *rule;
	} bad[] = {
		{ { .host = O, .hyp = O }, "single-owner" },
		{ { .host = SO, .hyp = O }, "single-owner" },
		{ { .host = O, .hyp = SB }, "single-owner" },
		{ { .host = N, .hyp = SB }, "single-owner" },
		{ { .host = SB, .hyp = N }, "single-owner" },
		{ { .host = O, .hyp = N, .sharers = 1 }, "single-owner" },
		{ { .host = SO, .hyp = N, .pins = 1 }, "pinned" },
		{ { .host = N, .hyp = N }, "spec" },
	};
	const char *rule, *why;

	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(m_page_legal(&bad[i].page, M_MEMORY, &rule, &why));
		g_assert_cmpstr(rule, ==, bad[i].rule);
	}
	for (unsigned int i = 0; i < COLUMNS; i++)
		g_assert_true(m_page_legal(&column[i].page, M_MEMORY, &rule, &why));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rules/matrix", test_matrix);
	g_test_add_func("/rules/secure-world", test_secure_world);
	g_test_add_func("/rules/edges-v7.0", test_edges_v7_0);
	g_test_add_func("/rules/edges-v6.12", test_edges_v6_12);
	g_test_add_func("/rules/mmio", test_mmio);
	g_test_add_func("/rules/accesses", test_accesses);
	g_test_add_func("/rules/defects-are-no-rules", test_defects_are_no_rules);
	g_test_add_func("/rules/illegal-pairs", test_illegal_pairs);
	return g_test_run();
}
