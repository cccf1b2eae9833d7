// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules about guests alone, without a board: what each call may answer for each state of
 * a page and of a guest's place for it, and what becomes of them. The rows are the matrix of
 * the specification (6.1), each cell of which was seen on the real code; then the edges, and
 * the life of VMs in the order of its checks.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "model/rules.h"

#ifndef EHWPOISON
#define EHWPOISON 133
#endif

#define MEM 0x40000000u
#define PFN (MEM >> 12)
#define PAGES 2048
#define GFN UINT64_C(0x80000)
#define GFNS 1024
#define HANDLE 0x1001u /* the VM of most tests, in slot 1 */

#define O PKVM_PAGE_OWNED
#define SO PKVM_PAGE_SHARED_OWNED
#define SB PKVM_PAGE_SHARED_BORROWED
#define N PKVM_NOPAGE
#define P PKVM_POISON

struct world {
	struct m_state s;
	struct m_design d;
	struct m_page page[PAGES]; /* of MEM */
	struct m_leaf leaf[GFNS];  /* of GFN */
	struct m_vm vm[M_VMS];
	struct m_vcpu vcpu[2];
	struct m_loaded loaded[2];
};

static const struct m_region regions[] = {
	{ MEM, PAGES * 4096 - 0x10000, false },
	{ MEM + PAGES * 4096 - 0x10000, 0x10000, true },
};

static void get_page(const struct m_state *s, u64 pfn, struct m_page *p)
{
	const struct world *w = s->pages;

	if (pfn - PFN < PAGES)
		*p = w->page[pfn - PFN];
	else
		*p = m_page_default[m_class_of(s, pfn << 12)];
}

static struct m_leaf get_leaf(const struct m_state *s, u32 handle, u64 gfn)
{
	const struct world *w = s->pages;

	g_assert_cmphex(handle, ==, HANDLE);
	if (gfn - GFN < GFNS)
		return w->leaf[gfn - GFN];
	return (struct m_leaf){ .state = N, .gfn = gfn, .nr = 1 };
}

static bool get_vcpu(const struct m_state *s, u32 handle, u32 idx, struct m_vcpu *out)
{
	const struct world *w = s->pages;

	*out = (struct m_vcpu){ 0 };
	if (handle != HANDLE || idx >= w->vm[1].made)
		return false;
	*out = w->vcpu[idx];
	return true;
}

static void world_make(struct world *w, enum profile_id release, bool is_protected)
{
	struct el2_config *c = el2_config_new(&el2_profiles[release]);

	memset(w, 0, sizeof(*w));
	w->d = m_design_of(c);
	el2_config_free(c);
	w->s = (struct m_state){ .region = regions,
				 .n_regions = G_N_ELEMENTS(regions),
				 .page_shift = 12,
				 .ia_bits = 40,
				 .booted = true,
				 .deprivileged = true,
				 .get = get_page,
				 .pages = w,
				 .vm = w->vm,
				 .loaded = w->loaded,
				 .vm_table = true,
				 .guest_levels = 2,
				 .leaf = get_leaf,
				 .vcpu = get_vcpu };
	for (u64 i = 0; i < PAGES; i++)
		w->page[i] = m_page_default[m_class_of(&w->s, MEM + i * 4096)];
	for (u64 i = 0; i < GFNS; i++)
		w->leaf[i] = (struct m_leaf){ .state = N, .gfn = GFN + i, .nr = 1 };
	w->vm[1] = (struct m_vm){
		.slot = M_SLOT_LIVE, .is_protected = is_protected, .users = 1, .vcpus = 2, .made = 1
	};
	w->vcpu[0] = (struct m_vcpu){ .loaded = true, .fill = 2 };
	w->loaded[0] = (struct m_loaded){ HANDLE, 0 };
}

/* The one answer that does not ask for an allocation to have failed. */
static struct m_answer judge(struct world *w, const struct m_call *call, struct m_verdict *v)
{
	struct m_answer a = { .end = M_PANIC };
	unsigned int n = 0;

	m_judge(&w->s, &w->d, call, v);
	g_assert_false(v->anything);
	for (unsigned int i = 0; i < v->n; i++) {
		if (v->answer[i].if_enomem)
			continue;
		a = v->answer[i];
		n++;
	}
	g_assert_cmpuint(n, ==, 1);
	return a;
}

static s64 ret_of(struct world *w, const struct m_call *call)
{
	struct m_verdict v;
	struct m_answer a = judge(w, call, &v);

	g_assert_cmpint(a.end, ==, M_RET);
	g_assert_true(!a.commits || a.ret >= 0);
	return a.ret;
}

/* ---- The matrix --------------------------------------------------------------------------- */

/* Joint states of a page: host, EL2, and the guest's leaf for it. */
static const struct {
	const char *name;
	struct m_page page;
	u8 leaf;
} column[] = {
	{ "J1", { .host = O, .hyp = N }, N },
	{ "J2", { .host = N, .hyp = O }, N },
	{ "J3", { .host = SO, .hyp = SB }, N },
	{ "pinned", { .host = SO, .hyp = SB, .pins = 1 }, N },
	{ "J4", { .host = SO, .hyp = N }, N },
	{ "J5", { .host = SO, .hyp = N, .sharers = 1, .borrowers = 1 }, SB },
	{ "J6",
	  { .host = N,
	    .hyp = N,
	    .owners = 1,
	    .guest = O,
	    .vm = HANDLE,
	    .gfn = GFN,
	    .note_vm = HANDLE,
	    .note_gfn = GFN },
	  O },
	{ "J7", { .host = SB, .hyp = N, .owners = 1, .guest = SO, .vm = HANDLE, .gfn = GFN }, SO },
};

#define COLUMNS G_N_ELEMENTS(column)

struct cell {
	int err;
	u8 host, leaf; /* after success */
};

#define E(err)                                                                                     \
	{                                                                                          \
		err, 0, 0                                                                          \
	}
#define TO(h, l)                                                                                   \
	{                                                                                          \
		0, h, l                                                                            \
	}

/* @elsewhere: at a place where the guest has nothing, else where it has the page. */
static const struct {
	enum m_op op;
	const char *name;
	bool elsewhere;
	struct cell cell[COLUMNS];
} matrix[] = {
	{ M_HOST_SHARE_HYP,
	  "SH",
	  true,
	  { TO(SO, N), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_UNSHARE_HYP,
	  "UH",
	  true,
	  { E(EPERM), E(EPERM), TO(O, N), E(EBUSY), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_DONATE_HYP,
	  "DH",
	  true,
	  { TO(N, N), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_SHARE_GUEST,
	  "SG",
	  true,
	  { TO(SO, SB), E(EPERM), E(EPERM), E(EPERM), E(EPERM), TO(SO, SB), E(EPERM), E(EPERM) } },
	{ M_HOST_DONATE_GUEST,
	  "DG",
	  true,
	  { TO(N, O), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM), E(EPERM) } },
	{ M_HOST_UNSHARE_GUEST,
	  "UG",
	  false,
	  { E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), TO(O, N), E(EPERM), E(EPERM) } },
	{ M_GUEST_SHARE_HOST,
	  "GS",
	  false,
	  { E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(EPERM), TO(SB, SO),
	    E(EPERM) } },
	{ M_GUEST_UNSHARE_HOST,
	  "GU",
	  false,
	  { E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(EPERM), E(EPERM), TO(N, O) } },
	{ M_RECLAIM_GUEST,
	  "RC",
	  false,
	  { E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(ENOENT), E(EPERM), TO(O, N), TO(O, N) } },
	{ M_FORCE_RECLAIM,
	  "FR",
	  false,
	  { E(EAGAIN), E(EPERM), E(EAGAIN), E(EAGAIN), E(EAGAIN), E(EAGAIN), TO(O, P),
	    E(EAGAIN) } },
};

static void check_cell(enum profile_id release, unsigned int row, unsigned int col)
{
	const struct cell *want = &matrix[row].cell[col];
	struct m_call call = { .op = matrix[row].op,
			       .pfn = PFN + 5,
			       .nr = 1,
			       .addr = (u64)(PFN + 5) << 12,
			       .by_el2 = true,
			       .handle = HANDLE,
			       .gfn = GFN + matrix[row].elsewhere,
			       .prot = 0xf };
	struct m_page after;
	struct m_verdict v;
	struct m_answer a;
	struct world w;

	g_test_message("%s of %s", matrix[row].name, column[col].name);
	world_make(&w, release, false);
	w.page[5] = column[col].page;
	w.leaf[0] = (struct m_leaf){ .state = column[col].leaf,
				     .gfn = GFN,
				     .nr = 1,
				     .pfn = column[col].leaf == N ? 0 : PFN + 5,
				     .r = true,
				     .young = true };
	a = judge(&w, &call, &v);
	g_assert_cmpint(a.end, ==, M_RET);
	g_assert_cmpint(a.ret, ==, -want->err);
	g_assert_true(a.commits == !want->err);
	after = m_after(&v, &call, PFN + 5, w.page[5], a.commits);
	if (want->err) {
		g_assert_cmpmem(&after, sizeof(after), &w.page[5], sizeof(after));
		return;
	}
	g_assert_cmpint(after.host, ==, want->host);
	if (v.leaf.nr)
		g_assert_cmpint(v.leaf.state, ==, want->leaf);
	g_assert_cmpuint(after.owners, ==, want->leaf == O || want->leaf == SO);
	g_assert_cmpuint(after.sharers, ==, after.borrowers);
	g_assert_true(m_names(&v, &call, PFN + 5));
	g_assert_false(m_names(&v, &call, PFN + 6));
}

/* Every cell: what the call answers, and whose the page is then. */
static void test_matrix(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(matrix); i++)
		for (unsigned int k = 0; k < COLUMNS; k++)
			check_cell(PROFILE_V7_2, i, k);
	/* v7.0 answers the same where it has guests at all: pages that are lent */
	for (unsigned int i = 0; i < G_N_ELEMENTS(matrix); i++)
		for (unsigned int k = 0; k < 6; k++)
			if (matrix[i].op <= M_HOST_UNSHARE_GUEST)
				check_cell(PROFILE_V7_0, i, k);
}

/* All that a page can legally be in, and the nearest that it cannot. */
static void test_legal(void)
{
	static const struct {
		struct m_page page;
		const char *rule;
	} bad[] = {
		{ { .host = SO, .hyp = N, .sharers = 1, .borrowers = 2 }, "single-owner" },
		{ { .host = SO, .hyp = SB, .sharers = 1, .borrowers = 1 }, "single-owner" },
		{ { .host = O, .hyp = N, .owners = 1, .guest = O }, "single-owner" },
		{ { .host = N, .hyp = O, .owners = 1, .guest = O }, "single-owner" },
		{ { .host = N, .hyp = N, .owners = 2, .guest = O }, "single-owner" },
		{ { .host = SB, .hyp = N, .owners = 1, .guest = O }, "single-owner" },
		{ { .host = N, .hyp = N, .owners = 1, .vm = 1, .note_vm = 2 }, "single-owner" },
		{ { .host = SO, .hyp = N, .sharers = 1 }, "leak" },
		{ { .host = N, .hyp = N, .note_vm = HANDLE }, "leak" },
	};
	const char *rule, *why;

	for (unsigned int i = 0; i < COLUMNS; i++)
		g_assert_true(m_page_legal(&column[i].page, M_MEMORY, &rule, &why));
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(m_page_legal(&bad[i].page, M_MEMORY, &rule, &why));
		g_assert_cmpstr(rule, ==, bad[i].rule);
	}
}

/* ---- Edges --------------------------------------------------------------------------------- */

static s64 share(struct world *w, u64 pfn, u64 gfn, u64 nr, u64 prot)
{
	struct m_call call = {
		.op = M_HOST_SHARE_GUEST, .pfn = pfn, .gfn = gfn, .nr = nr, .prot = prot
	};

	return ret_of(w, &call);
}

/* Lending: whose vCPU, permissions, frames, size, region, guest, host, tables, and last which
 * permissions the CPU has, in that order. */
static void test_share_order(void)
{
	const u64 far = UINT64_C(1) << 28, nomap = PFN + PAGES - 16, uart = 0x9000;
	struct world w;

	world_make(&w, PROFILE_V7_2, true);
	g_assert_cmpint(share(&w, far, far, 7, 0x10), ==, -EINVAL); /* a protected guest's */
	world_make(&w, PROFILE_V7_2, false);
	g_assert_cmpint(share(&w, uart, GFN, 1, 0x10), ==, -EINVAL);
	g_assert_cmpint(share(&w, far, GFN, 1, 0xf), ==, -EINVAL);
	g_assert_cmpint(share(&w, UINT64_C(1) << 52 | PFN, GFN, 1, 0xf), ==, -EINVAL);
	g_assert_cmpint(share(&w, uart, GFN, 2, 0xf), ==, -EINVAL);
	g_assert_cmpint(share(&w, PFN + 1, GFN, 512, 0xf), ==, -EINVAL);
	g_assert_cmpint(share(&w, PFN, GFN + 1, 512, 0xf), ==, -EINVAL);
	g_assert_cmpint(share(&w, uart, far, 1, 0xf), ==, -EPERM);
	g_assert_cmpint(share(&w, nomap, far, 1, 0xf), ==, -EPERM);
	g_assert_cmpint(share(&w, PFN + PAGES - 512, GFN, 512, 0xf), ==, -EINVAL); /* crosses */
	w.page[7].host = SB;
	g_assert_cmpint(share(&w, PFN + 7, far, 1, 0xf), ==, -ERANGE);
	w.leaf[3].state = P;
	g_assert_cmpint(share(&w, PFN + 7, GFN + 3, 1, 0xf), ==, -EPERM);
	w.vcpu[0].fill = 1;
	g_assert_cmpint(share(&w, PFN + 7, GFN, 1, 0xf), ==, -EPERM);
	g_assert_cmpint(share(&w, PFN + 8, GFN, 1, 0xf), ==, -ENOMEM);
	/* what the CPU cannot have is found out by who maps it, after all these */
	g_assert_cmpint(share(&w, PFN + 7, far, 1, 0xd), ==, -ERANGE);
	g_assert_cmpint(share(&w, PFN + 7, GFN, 1, 0xd), ==, -EPERM);
	g_assert_cmpint(share(&w, PFN + 8, GFN, 1, 0xd), ==, -ENOMEM);
	w.d.profile = &el2_profiles[PROFILE_V7_0]; /* which finds out when it is too late */
	g_assert_cmpint(share(&w, PFN + 8, GFN, 1, 0xf), ==, 0);
	w.page[8] = (struct m_page){ .host = SO, .hyp = N, .sharers = UINT32_MAX };
	g_assert_cmpint(share(&w, PFN + 8, GFN, 1, 0xf), ==, -EBUSY);
	/* bits of a guest's frame number above the address are lost */
	g_assert_cmpint(share(&w, PFN + 9, UINT64_C(1) << 52 | GFN, 1, 0xf), ==, 0);
}

/* One page of a block of 512 that is not the host's, and nothing of it is lent. */
static void test_block(void)
{
	struct m_call call = {
		.op = M_HOST_SHARE_GUEST, .pfn = PFN, .gfn = GFN, .nr = 512, .prot = 0xf
	};
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	w.page[511].host = N;
	w.page[511].hyp = O;
	g_assert_cmpint(ret_of(&w, &call), ==, -EPERM);
	w.page[511] = w.page[0];
	w.leaf[300].state = SB;
	g_assert_cmpint(ret_of(&w, &call), ==, -EPERM);
	w.leaf[300].state = N;
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpuint(v.nr, ==, 512);
	g_assert_cmpuint(v.leaf.nr, ==, 512);
	/* and back only as it is */
	for (u64 i = 0; i < 512; i++) {
		w.leaf[i] = v.leaf;
		w.page[i] = m_apply(&v, w.page[i]);
	}
	call = (struct m_call){ .op = M_HOST_UNSHARE_GUEST, .handle = HANDLE, .gfn = GFN, .nr = 1 };
	g_assert_cmpint(ret_of(&w, &call), ==, -E2BIG);
	call.nr = 2;
	g_assert_cmpint(ret_of(&w, &call), ==, -EINVAL);
	call.nr = 512;
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpint(m_apply(&v, w.page[9]).host, ==, O);
}

/* A CPU that cannot tell EL1's right to execute from EL0's gets no such mapping. */
static void test_rights(void)
{
	struct m_call call = { .op = M_RELAX_PERMS, .gfn = GFN, .prot = 0xd, .nr = 1 };
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	g_assert_cmpint(share(&w, PFN, GFN, 1, 0xd), ==, -EINVAL);
	g_assert_cmpint(ret_of(&w, &call), ==, -EINVAL);
	w.s.xnx = true;
	g_assert_cmpint(share(&w, PFN, GFN, 1, 0xd), ==, 0);
	g_assert_cmpint(ret_of(&w, &call), ==, -EAGAIN);
	w.leaf[0] = (struct m_leaf){ .state = SB, .gfn = GFN, .nr = 1, .pfn = PFN };
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_true(v.leaf.r && v.leaf.w && v.leaf.x);
	call.gfn = UINT64_C(1) << 28;
	g_assert_cmpint(ret_of(&w, &call), ==, -ERANGE);
	call = (struct m_call){
		.op = M_TEST_CLEAR_YOUNG, .handle = HANDLE, .gfn = call.gfn, .nr = 1
	};
	g_assert_cmpint(ret_of(&w, &call), ==, -ERANGE);
	call.op = M_MKYOUNG;
	g_assert_cmpint(ret_of(&w, &call), ==, 0);
}

/* Poison: gone for the guest, nothing to reclaim, no place for another page. */
static void test_poison(void)
{
	struct m_call call = { .by_el2 = true, .handle = HANDLE, .gfn = GFN, .nr = 1, .pfn = PFN };
	static const struct {
		enum m_op op;
		s64 ret;
	} want[] = {
		{ M_HOST_UNSHARE_GUEST, -ENOENT },    { M_GUEST_SHARE_HOST, -EHWPOISON },
		{ M_GUEST_UNSHARE_HOST, -EHWPOISON }, { M_RECLAIM_GUEST, 0 },
		{ M_HOST_DONATE_GUEST, -EPERM },
	};
	struct world w;

	world_make(&w, PROFILE_V7_2, true);
	w.leaf[0].state = P;
	for (unsigned int i = 0; i < G_N_ELEMENTS(want); i++) {
		call.op = want[i].op;
		g_assert_cmpint(ret_of(&w, &call), ==, want[i].ret);
	}
}

/* Pages for tables are taken over one by one, and stay when a later one is refused. */
static void test_refill(void)
{
	u64 link[] = { PFN + 20, PFN + 21, PFN + 20 };
	struct m_call call = { .op = M_HOST_DONATE_GUEST,
			       .pfn = PFN + 30,
			       .gfn = GFN,
			       .nr = 1,
			       .list_fill = 3,
			       .want = 2,
			       .link = link,
			       .n_links = 3 };
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, true);
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpuint(v.moved, ==, 0); /* as many as there should be */
	w.vcpu[0].fill = 0;
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpuint(v.moved, ==, 2);
	call.want = 3; /* the first once more: it is EL2's by now */
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, -ENOMEM);
	g_assert_cmpuint(v.moved, ==, 2);
	g_assert_cmpint(m_after(&v, &call, PFN + 21, w.page[21], false).hyp, ==, O);
	g_assert_cmpint(m_after(&v, &call, PFN + 30, w.page[30], false).host, ==, O);
	/* and the page itself may not be one of them */
	link[1] = call.pfn;
	call.want = 2;
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, -EPERM);
}

/* ---- VMs -------------------------------------------------------------------------------------- */

static struct m_call init_vm_call(void)
{
	return (struct m_call){ .op = M_INIT_VM,
				.handle = 0x1000,
				.vcpus = 1,
				.host_struct = { .pfn = PFN, .nr = 2 },
				.area = { .pfn = PFN + 10, .nr = 2 },
				.pgd = { .pfn = PFN + 12, .nr = 2 } };
}

/* init_vm: pin, vCPUs, handle, memory, place; whatever fails, nothing is changed. */
static void test_init_vm(void)
{
	struct m_call call = init_vm_call();
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	g_assert_cmpint(ret_of(&w, &call), ==, -EPERM); /* not shared */
	for (unsigned int i = 0; i < 2; i++)
		w.page[i] = (struct m_page){ .host = SO, .hyp = SB };
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, -EINVAL); /* not reserved, found out last */
	g_assert_cmpuint(v.n_effects, ==, 3);
	g_assert_cmpint(m_after(&v, &call, PFN + 10, w.page[10], true).host, ==, O);
	w.vm[0].slot = M_SLOT_RESERVED;
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpint(v.vm, ==, M_VM_MADE);
	g_assert_cmpuint(m_after(&v, &call, PFN + 1, w.page[1], true).pins, ==, 1);
	g_assert_cmpint(m_after(&v, &call, PFN + 13, w.page[13], true).hyp, ==, O);
	call.pgd.pfn = PFN + 11; /* overlaps, and is not aligned */
	g_assert_cmpint(ret_of(&w, &call), ==, -ENOMEM);
	call.pgd.pfn = PFN + 13;
	g_assert_cmpint(ret_of(&w, &call), ==, -EINVAL);
	call.area.misaligned = true;
	g_assert_cmpint(ret_of(&w, &call), ==, -ENOMEM);
	call.handle = 0xfff;
	g_assert_cmpint(ret_of(&w, &call), ==, -EINVAL);
	call.vcpus = 0;
	g_assert_cmpint(ret_of(&w, &call), ==, -EINVAL);
	/* v6.12 finds a place by itself */
	call = init_vm_call();
	w.d.profile = &el2_profiles[PROFILE_V6_12];
	g_assert_cmpint(ret_of(&w, &call), ==, 0x1002);
}

/* Handles: the lowest that is free, until there is none. */
static void test_handles(void)
{
	struct m_call reserve = { .op = M_RESERVE_VM }, give_up = { .op = M_UNRESERVE_VM };
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	g_assert_cmpint(ret_of(&w, &reserve), ==, 0x1000);
	w.vm[0].slot = M_SLOT_RESERVED;
	g_assert_cmpint(ret_of(&w, &reserve), ==, 0x1002); /* 0x1001 is a VM's */
	give_up.handle = 0x1001;
	g_assert_false(judge(&w, &give_up, &v).commits);
	give_up.handle = 0x1000;
	g_assert_true(judge(&w, &give_up, &v).commits);
	for (unsigned int i = 0; i < M_VMS; i++)
		w.vm[i].slot = M_SLOT_RESERVED;
	g_assert_cmpint(ret_of(&w, &reserve), ==, -ENOMEM);
	w.s.vm_table = false;
	g_assert_cmpint(ret_of(&w, &reserve), ==, -EINVAL);
}

static s64 vm_call(struct world *w, enum m_op op)
{
	struct m_call call = { .op = op, .handle = HANDLE, .gfn = GFN };

	return ret_of(w, &call);
}

/* Two steps to the end, each once and only of a VM that nobody uses; reclaim between them. */
static void test_teardown(void)
{
	const struct m_range given = { .pfn = PFN + 40, .nr = 3 };
	struct m_call call = {
		.op = M_FINALIZE_TEARDOWN, .handle = HANDLE, .given = &given, .n_given = 1
	};
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, true);
	g_assert_cmpint(vm_call(&w, M_START_TEARDOWN), ==, -EINVAL); /* a vCPU is loaded */
	w.vm[1].users = 0;
	g_assert_cmpint(vm_call(&w, M_FINALIZE_TEARDOWN), ==, -EINVAL);
	g_assert_cmpint(vm_call(&w, M_RECLAIM_DYING), ==, -EINVAL);
	g_assert_cmpint(vm_call(&w, M_START_TEARDOWN), ==, 0);
	w.vm[1].dying = true;
	g_assert_cmpint(vm_call(&w, M_START_TEARDOWN), ==, -EINVAL);
	g_assert_cmpint(vm_call(&w, M_RECLAIM_DYING), ==, -ENOENT);
	w.page[41] = (struct m_page){ .host = N, .hyp = O };
	g_assert_cmpint(judge(&w, &call, &v).ret, ==, 0);
	g_assert_cmpint(v.vm, ==, M_VM_GONE);
	g_assert_cmpint(m_after(&v, &call, PFN + 41, w.page[41], true).host, ==, O);
	/* up to v7.0 in one */
	g_assert_cmpint(vm_call(&w, M_TEARDOWN), ==, 0);
	w.vm[1].users = 1;
	g_assert_cmpint(vm_call(&w, M_TEARDOWN), ==, -EBUSY);
	w.vm[1].slot = M_SLOT_FREE;
	g_assert_cmpint(vm_call(&w, M_TEARDOWN), ==, -ENOENT);
}

static bool loads(struct world *w, unsigned int cpu, u32 idx)
{
	struct m_call call = { .op = M_VCPU_LOAD, .cpu = cpu, .handle = HANDLE, .idx = idx };
	struct m_verdict v;
	struct m_answer a = judge(w, &call, &v);

	g_assert_cmpint(a.end, ==, M_DONE);
	return a.commits;
}

/* One vCPU a CPU, one CPU a vCPU, and none of a VM that is ending. */
static void test_load(void)
{
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	w.vm[1].made = 2;
	g_assert_false(loads(&w, 0, 1)); /* one is here */
	g_assert_false(loads(&w, 1, 0)); /* it is there */
	g_assert_false(loads(&w, 1, 2)); /* there is none */
	g_assert_true(loads(&w, 1, 1));
	w.vm[1].dying = true;
	g_assert_false(loads(&w, 1, 1));
}

/* ---- What guests do ------------------------------------------------------------------------------ */

static struct m_answer guest_calls(struct world *w, u64 id, u64 ipa, u64 more)
{
	struct m_call call = { .op = M_GUEST_CALL, .arg = { id, ipa, more } };
	struct m_verdict v;

	return judge(w, &call, &v);
}

/* A share of nothing is for the host to help with; every other trouble is one error. */
static void test_guest_calls(void)
{
	struct world w;

	world_make(&w, PROFILE_V7_2, true);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_SHARE, GFN << 12, 0).end, ==, M_EXIT);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_UNSHARE, GFN << 12, 0).ret, ==, -3);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_SHARE, GFN << 12 | 8, 0).ret, ==, -3);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_SHARE, GFN << 12, 1).ret, ==, -3);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_SHARE, UINT64_C(1) << 50, 0).ret, ==, -3);
	w.leaf[0] = (struct m_leaf){ .state = O, .gfn = GFN, .nr = 1, .pfn = PFN };
	w.page[0] = column[6].page;
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEM_SHARE, GFN << 12, 0).ret, ==, 0);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEMINFO, 0, 0).ret, ==, 4096);
	g_assert_cmpint(guest_calls(&w, M_GUEST_MEMINFO, 1, 0).ret, ==, -3);
}

/* What the guest has it may use as it was given; all else leaves it for the host. */
static void test_guest_access(void)
{
	struct m_call call = { .op = M_GUEST_WRITE, .addr = GFN << 12 };
	struct m_verdict v;
	struct world w;

	world_make(&w, PROFILE_V7_2, false);
	g_assert_cmpint(judge(&w, &call, &v).end, ==, M_EXIT);
	w.leaf[0] = (struct m_leaf){ .state = SB, .gfn = GFN, .nr = 1, .pfn = PFN, .r = true };
	g_assert_cmpint(judge(&w, &call, &v).end, ==, M_EXIT);
	w.leaf[0].w = true; /* nobody has used it since it was last asked */
	g_assert_cmpint(judge(&w, &call, &v).end, ==, M_EXIT);
	w.s.young_by_hardware = true;
	g_assert_cmpint(judge(&w, &call, &v).end, ==, M_OK_ACCESS);
	w.leaf[0].w = false;
	call.known_to_tlb = true; /* then both may be */
	m_judge(&w.s, &w.d, &call, &v);
	g_assert_cmpuint(v.n, ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rules-guest/matrix", test_matrix);
	g_test_add_func("/rules-guest/legal", test_legal);
	g_test_add_func("/rules-guest/share-order", test_share_order);
	g_test_add_func("/rules-guest/block", test_block);
	g_test_add_func("/rules-guest/rights", test_rights);
	g_test_add_func("/rules-guest/poison", test_poison);
	g_test_add_func("/rules-guest/refill", test_refill);
	g_test_add_func("/rules-guest/init-vm", test_init_vm);
	g_test_add_func("/rules-guest/handles", test_handles);
	g_test_add_func("/rules-guest/teardown", test_teardown);
	g_test_add_func("/rules-guest/load", test_load);
	g_test_add_func("/rules-guest/guest-calls", test_guest_calls);
	g_test_add_func("/rules-guest/guest-access", test_guest_access);
	return g_test_run();
}
