// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The abstraction on tables written by hand: no EL2 runs here. Each row is one
 * page as some release could leave it, with the owner that follows from it.
 */
#include <glib.h>

#include "model/model.h"

#define MMIO 0x09000000
#define RAM 0x40200000
#define TABLES 0x40400000 /* where this test keeps its tables */
#define VMEMMAP_VA UINT64_C(0x600000000000)
#define PRIVATE_VA UINT64_C(0x400000000000)

struct fixture {
	struct board *b;
	struct cpu *cpu;
	struct el2_view v;
	struct el2_pool_view pool;
	u64 next; /* free page for a table */
};

static u64 take_page(struct fixture *x)
{
	u64 page = x->next;

	x->next += 4096;
	return page;
}

/* The entry for @ia at @level becomes @desc; tables on the way are made. */
static void set_entry(struct fixture *x, const struct mmu_table *t, u64 ia, int level, u64 desc)
{
	u64 table = t->root.pa, mask = ~UINT64_C(0); /* start tables may be concatenated */
	pa_t at;
	u64 old;

	for (int l = t->start_level;; l++, mask = 511) {
		at = PA(table + 8 * (ia >> level_shift(12, l) & mask));
		if (l == level)
			break;
		g_assert_true(board_peek64(x->b, at, &old));
		if (!old) {
			old = take_page(x) | 3;
			mem_store64(x->cpu, at, old, MO_PLAIN);
		}
		table = old & GENMASK(47, 12);
	}
	mem_store64(x->cpu, at, desc, MO_PLAIN);
}

static void make(struct fixture *x, const char *machine, enum profile_id release)
{
	struct board_config *c = board_config_machine(machine);

	*x = (struct fixture){ .b = board_new(c, NULL), .next = TABLES };
	board_config_free(c);
	g_assert_nonnull(x->b);
	x->cpu = &x->b->cpus[0];
	x->v = (struct el2_view){
		.layout = el2_layout_of(release),
		.host_s2 = { .stage = 2, .ia_bits = 40, .start_level = 1, .f = x->b->f },
		.hyp_s1 = { .stage = 1, .ia_bits = 48, .start_level = 0, .f = x->b->f },
		.vmemmap_va = VMEMMAP_VA,
		.private_base = PRIVATE_VA,
		.private_next = PRIVATE_VA,
	};
}

static void give_tables(struct fixture *x)
{
	x->v.host_s2.root = PA(take_page(x));
	take_page(x); /* 40 bits: two start tables */
	x->v.hyp_s1.root = PA(take_page(x));
}

/* Back the entry of @pa with a page, as if a region began there; then write it. */
static void set_hyp_page(struct fixture *x, u64 pa, u64 val)
{
	u64 va = VMEMMAP_VA + (pa >> 12) * 8;
	pa_t entry;

	if (!model_hyp_page(x->b, &x->v, PA(pa), &entry))
		set_entry(x, &x->v.hyp_s1, va, 3, take_page(x) | 0x743);
	g_assert_true(model_hyp_page(x->b, &x->v, PA(pa), &entry));
	mem_store64(x->cpu, entry, val, MO_PLAIN);
}

#define HOST_PAGE 0x7ff
#define HYP_PAGE UINT64_C(0x0040000000000743)
#define SO BIT(55)
#define SB BIT(56)
#define BY_HYP 0x4
#define BY_HYP_7_2 UINT64_C(0x2000000000000002)
#define BY_GUEST_7_2 UINT64_C(0x2000000000010004)
#define STATE(host, hyp) ((u64)((host) | ((hyp) ^ 3) << 4) << 24)

/* Leaves of the page: 0 is an empty one, else the attributes of a valid one (the
 * address is added) or an invalid one as it is. */
struct row {
	const char *what;
	enum profile_id release;
	u64 pa, host, hyp, hyp_page;
	enum owner owner;
	enum page_state host_state, hyp_state;
};

#define V612 PROFILE_V6_12
#define V70 PROFILE_V7_0
#define V72 PROFILE_V7_2
#define O PKVM_PAGE_OWNED
#define N PKVM_NOPAGE
#define SHARED PKVM_PAGE_SHARED_OWNED
#define BORROWED PKVM_PAGE_SHARED_BORROWED

static const struct row rows[] = {
	/* software bits are the record */
	{ "untouched", V612, RAM, 0, 0, 0, OWNER_HOST, O, N },
	{ "mapped", V612, RAM, HOST_PAGE, 0, 0, OWNER_HOST, O, N },
	{ "el2's", V612, RAM, BY_HYP, HYP_PAGE, 0, OWNER_HYP, N, O },
	{ "el2's, mapped elsewhere", V612, RAM, BY_HYP, 0, 0, OWNER_HYP, N, N },
	{ "shared", V612, RAM, HOST_PAGE | SO, HYP_PAGE | SB, 0, OWNER_HOST, SHARED, BORROWED },
	{ "lent", V612, RAM, HOST_PAGE | SO, 0, 0, OWNER_HOST, SHARED, N },
	{ "borrowed", V612, RAM, HOST_PAGE | SB, HYP_PAGE | SO, 0, OWNER_HYP, BORROWED, SHARED },
	{ "forgotten", V612, RAM, 0, HYP_PAGE, 0, OWNER_SEVERAL, O, O },
	{ "both mapped", V612, RAM, HOST_PAGE, HYP_PAGE, 0, OWNER_SEVERAL, O, O },
	{ "locked", V612, RAM, BIT(10), 0, 0, OWNER_HOST, N, N },
	{ "device", V612, MMIO, 0, 0, 0, OWNER_HOST, N, N },
	{ "device donated", V612, MMIO, BY_HYP, HYP_PAGE, 0, OWNER_HYP, N, O },
	{ "device forgotten", V612, MMIO, 0, HYP_PAGE, 0, OWNER_SEVERAL, N, O },
	{ "device mapped back", V612, MMIO, HOST_PAGE, HYP_PAGE, 0, OWNER_SEVERAL, N, O },
	/* struct hyp_page is the record, for memory */
	{ "untouched", V70, RAM, 0, 0, STATE(O, N), OWNER_HOST, O, N },
	{ "el2's", V70, RAM, BY_HYP, HYP_PAGE, STATE(N, O), OWNER_HYP, N, O },
	{ "shared", V70, RAM, HOST_PAGE, 0, STATE(SHARED, BORROWED), OWNER_HOST, SHARED, BORROWED },
	{ "lent", V70, RAM, 0, 0, STATE(SHARED, N), OWNER_HOST, SHARED, N },
	{ "forgotten", V70, RAM, 0, HYP_PAGE, STATE(N, O), OWNER_SEVERAL, N, O },
	{ "taken unrecorded", V70, RAM, BY_HYP, HYP_PAGE, STATE(O, N), OWNER_SEVERAL, O, N },
	{ "text", V70, RAM, 0x75f, HYP_PAGE, STATE(N, O), OWNER_HYP, N, O },
	{ "device donated", V70, MMIO, BY_HYP, HYP_PAGE, 0, OWNER_HYP, N, O },
	{ "device forgotten", V70, MMIO, 0, HYP_PAGE, 0, OWNER_SEVERAL, N, O },
	/* annotations have types */
	{ "el2's", V72, RAM, BY_HYP_7_2, HYP_PAGE, STATE(N, O), OWNER_HYP, N, O },
	{ "a guest's", V72, RAM, BY_GUEST_7_2, 0, STATE(N, N), OWNER_GUEST, N, N },
	{ "guest's, el2's", V72, RAM, BY_GUEST_7_2, 0, STATE(N, O), OWNER_SEVERAL, N, O },
};

static void test_rows(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		struct abs_page p;
		struct fixture x;

		make(&x, "tiny", r->release);
		give_tables(&x);
		set_entry(&x, &x.v.host_s2, r->pa, 3, r->host | (r->host & 1 ? r->pa : 0));
		set_entry(&x, &x.v.hyp_s1, r->pa + x.v.layout->va_offset, 3,
			  r->hyp ? r->hyp | r->pa : 0);
		if (r->pa == RAM && x.v.layout->has_state)
			set_hyp_page(&x, r->pa, r->hyp_page);
		g_test_message("row %u: %s", i, r->what);
		model_page(x.b, &x.v, PA(r->pa + 0x123), &p);
		g_assert_cmpstr(owner_name[p.owner], ==, owner_name[r->owner]);
		g_assert_cmpstr(page_state_name[p.host], ==, page_state_name[r->host_state]);
		g_assert_cmpstr(page_state_name[p.hyp], ==, page_state_name[r->hyp_state]);
		g_assert_cmpint(p.is_ram, ==, r->pa == RAM);
		g_assert_cmpint(p.device, ==, r->pa == MMIO);
		g_assert_cmpint(p.hyp_mapped, ==, r->hyp != 0);
		g_assert_cmpint(model_owner(x.b, &x.v, PA(r->pa)), ==, r->owner);
		board_free(x.b);
	}
}

/* Without tables nobody recorded anything. */
static void test_before_boot(void)
{
	struct fixture x;

	make(&x, "phone", PROFILE_V7_0);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(0x80000000)), ==, OWNER_HOST);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(0x10000000)), ==, OWNER_HOST);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(0xc0000000)), ==, OWNER_FIRMWARE);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(0xffffffffff)), ==, OWNER_HOST);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(BIT(40))), ==, OWNER_NONE);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(~UINT64_C(0))), ==, OWNER_NONE);
	board_free(x.b);
}

/* A device that EL2 maps in its private range is found from behind. */
static void test_private_mapping(void)
{
	struct abs_page p;
	struct fixture x;

	make(&x, "tiny", PROFILE_V7_0);
	give_tables(&x);
	x.v.private_next = PRIVATE_VA + 0x3000;
	set_entry(&x, &x.v.hyp_s1, PRIVATE_VA + 0x2000, 3, HYP_PAGE | MMIO);
	set_entry(&x, &x.v.host_s2, MMIO, 3, BY_HYP);
	model_page(x.b, &x.v, PA(MMIO), &p);
	g_assert_cmpint(p.owner, ==, OWNER_HYP);
	g_assert_cmpint(p.hyp, ==, PKVM_PAGE_OWNED);
	g_assert_true(p.hyp_mapped);
	set_entry(&x, &x.v.host_s2, MMIO, 3, 0);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(MMIO)), ==, OWNER_SEVERAL);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(MMIO + 0x1000)), ==, OWNER_HOST);
	/* Past the cursor nothing counts. */
	x.v.private_next = PRIVATE_VA + 0x2000;
	g_assert_cmpint(model_owner(x.b, &x.v, PA(MMIO)), ==, OWNER_HOST);
	board_free(x.b);
}

/* What stands at a device's linear address but translates elsewhere is not its mapping. */
static void test_linear_alias(void)
{
	struct fixture x;

	make(&x, "tiny", PROFILE_V7_0);
	give_tables(&x);
	set_entry(&x, &x.v.hyp_s1, MMIO + x.v.layout->va_offset, 3, HYP_PAGE | RAM);
	g_assert_cmpint(model_owner(x.b, &x.v, PA(MMIO)), ==, OWNER_HOST);
	board_free(x.b);
}

struct runs {
	struct fixture *x;
	u64 end;
	unsigned int n;
};

static void check_run(void *data, u64 base, u64 size, const struct abs_page *page)
{
	struct runs *r = data;
	struct abs_page p;

	g_assert_cmphex(base, ==, r->end);
	g_assert_cmphex(size, >, 0);
	for (int i = 0; i < 3; i++) {
		u64 at = i == 0 ? base : i == 1 ? base + size / 2 : base + size - 1;

		model_page(r->x->b, &r->x->v, PA(at), &p);
		g_assert_cmpint(p.owner, ==, page->owner);
		g_assert_cmpint(p.host, ==, page->host);
		g_assert_cmpint(p.hyp, ==, page->hyp);
	}
	r->end = base + size;
	r->n++;
}

/* Runs cover the address space once, and agree with what each page says. */
static void test_runs(void)
{
	struct fixture x;
	struct runs r = { .x = &x };

	make(&x, "phone", PROFILE_V7_0);
	give_tables(&x);
	model_for_each_run(x.b, &x.v, check_run, &r);
	g_assert_cmphex(r.end, ==, BIT(40));
	/* gap, RAM, nomap, RAM, gap, RAM, gap */
	g_assert_cmpuint(r.n, ==, 7);

	set_entry(&x, &x.v.host_s2, 0x10000000, 3, BY_HYP);
	set_entry(&x, &x.v.hyp_s1, 0x10000000 + x.v.layout->va_offset, 3, HYP_PAGE | 0x10000000);
	set_entry(&x, &x.v.host_s2, 0x80201000, 3, BY_HYP);
	set_hyp_page(&x, 0x80201000, STATE(PKVM_NOPAGE, PKVM_PAGE_OWNED));
	r.n = 0;
	r.end = 0;
	model_for_each_run(x.b, &x.v, check_run, &r);
	g_assert_cmphex(r.end, ==, BIT(40));
	g_assert_cmpuint(r.n, ==, 11);
	board_free(x.b);
}

static void count_entry(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	++*(u64 *)data;
}

static void test_tables(void)
{
	struct mmu_result res;
	struct fixture x;
	u64 n = 0;

	make(&x, "tiny", PROFILE_V7_0);
	g_assert_cmpuint(model_tables(x.b, &x.v.host_s2), ==, 0);
	g_assert_false(model_walk(x.b, &x.v, false, 0, &res));
	give_tables(&x);
	g_assert_cmpuint(model_tables(x.b, &x.v.host_s2), ==, 2);
	g_assert_cmpuint(model_tables(x.b, &x.v.hyp_s1), ==, 1);
	set_entry(&x, &x.v.host_s2, MMIO, 3, BY_HYP);
	set_entry(&x, &x.v.host_s2, MMIO + 0x1000, 3, HOST_PAGE | (MMIO + 0x1000));
	set_entry(&x, &x.v.host_s2, BIT(39), 1, BIT(39) | 0x7fd);
	g_assert_cmpuint(model_tables(x.b, &x.v.host_s2), ==, 4);
	model_for_each_entry(x.b, &x.v.host_s2, false, count_entry, &n);
	g_assert_cmpuint(n, ==, 5);
	n = 0;
	model_for_each_entry(x.b, &x.v.host_s2, true, count_entry, &n);
	g_assert_cmpuint(n, ==, 4 * 512);
	g_assert_true(model_walk(x.b, &x.v, false, BIT(39) + 0x1234, &res));
	g_assert_cmphex(res.oa.pa, ==, BIT(39) + 0x1234);
	g_assert_false(model_walk(x.b, &x.v, false, BIT(40), &res));
	/* A table where nothing answers ends the pass. */
	set_entry(&x, &x.v.host_s2, 0x80000000, 1, 0xdead0003);
	n = 0;
	model_for_each_entry(x.b, &x.v.host_s2, false, count_entry, &n);
	g_assert_cmpuint(n, ==, 6);
	board_free(x.b);
}

static u64 ram_pages(const struct board *b)
{
	u64 bytes = 0;

	for (guint i = 0; i < b->config->ram->len; i++)
		bytes += g_array_index(b->config->ram, struct ram_region, i).size;
	return bytes >> b->f->page_shift;
}

/* Two free lists as struct list_head has them, one empty, and one that is broken. */
static void test_pool(void)
{
	u64 heads = 0x40600000, block = 0x40700000, off;
	struct fixture x;

	make(&x, "tiny", PROFILE_V7_0);
	off = x.v.layout->va_offset;
	x.pool = (struct el2_pool_view){ .pages = 64, .max_order = 2, .heads = PA(heads) };
	for (u64 i = 0; i < 3; i++)
		mem_store64(x.cpu, PA(heads + 16 * i), heads + 16 * i + off, MO_PLAIN);
	g_assert_cmpuint(model_pool_free(x.b, &x.v, &x.pool), ==, 0);
	mem_store64(x.cpu, PA(heads), block + off, MO_PLAIN);
	mem_store64(x.cpu, PA(block), block + 4096 + off, MO_PLAIN);
	mem_store64(x.cpu, PA(block + 4096), heads + off, MO_PLAIN);
	mem_store64(x.cpu, PA(heads + 32), block + 8192 + off, MO_PLAIN);
	mem_store64(x.cpu, PA(block + 8192), heads + 32 + off, MO_PLAIN);
	g_assert_cmpuint(model_pool_free(x.b, &x.v, &x.pool), ==, 2 + 4);
	mem_store64(x.cpu, PA(block + 8192), block + 8192 + off, MO_PLAIN);
	/* cut off once it is longer than there are pages */
	g_assert_cmpuint(model_pool_free(x.b, &x.v, &x.pool), ==, 2 + 4 * ram_pages(x.b));
	board_free(x.b);
}

static void test_hyp_page(void)
{
	struct abs_page p;
	struct fixture x;

	make(&x, "tiny", PROFILE_V7_0);
	give_tables(&x);
	g_assert_cmpuint(model_refcount(x.b, &x.v, PA(RAM)), ==, 0);
	set_hyp_page(&x, RAM,
		     UINT64_C(0x0000000700020005) | STATE(PKVM_PAGE_SHARED_OWNED, PKVM_NOPAGE));
	g_assert_cmpuint(model_refcount(x.b, &x.v, PA(RAM)), ==, 5);
	g_assert_cmpuint(model_order(x.b, &x.v, PA(RAM)), ==, 2);
	g_assert_cmpuint(model_sharers(x.b, &x.v, PA(RAM)), ==, 7);
	model_page(x.b, &x.v, PA(RAM), &p);
	g_assert_cmpuint(p.refcount, ==, 5);
	g_assert_cmpuint(p.sharers, ==, 7);
	board_free(x.b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/model/rows", test_rows);
	g_test_add_func("/model/before-boot", test_before_boot);
	g_test_add_func("/model/private-mapping", test_private_mapping);
	g_test_add_func("/model/linear-alias", test_linear_alias);
	g_test_add_func("/model/runs", test_runs);
	g_test_add_func("/model/tables", test_tables);
	g_test_add_func("/model/pool", test_pool);
	g_test_add_func("/model/hyp-page", test_hyp_page);
	return g_test_run();
}
