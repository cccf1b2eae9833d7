// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's boot: every board under every release that is built, what belongs to whom
 * afterwards, the counts of every table page, what it costs, and how it fails.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "model/model.h"
#include "tests/unit/hyp_machine.h"

/* ---- Counts --------------------------------------------------------------------------- */

struct count {
	struct hyp_machine *m;
	const struct mmu_table *t;
	const struct el2_view *v;
	u64 tables, entries;
};

/* One reference for being a table, one for each entry that is not zero. */
static void check_table(void *data, int level, u64 ia, pa_t table)
{
	struct count *k = data;
	u32 used = 0;

	for (u64 off = 0; off < BIT(k->t->f->page_shift); off += 8)
		used += hm_peek(k->m, table.pa + off) != 0;
	g_assert_cmpuint(model_refcount(k->m->b, k->v, table), ==, used + 1);
	g_assert_cmpuint(model_order(k->m->b, k->v, table), ==, 0);
	k->tables++;
	k->entries += used;
}

static void check_tables(struct hyp_machine *m, const struct mmu_table *t,
			 const struct hyp_pool *pool, u64 pool_pages)
{
	struct count k = { .m = m, .t = t, .v = pkvm_hypervisor.view(m->e) };

	model_for_each_table(m->b, t, check_table, &k);
	/* what is no table is free */
	g_assert_cmpuint(hyp_pool_free_pages(&m->hyp->cpus[0], pool) + k.tables, ==, pool_pages);
	g_assert_cmpuint(k.entries, >, 1);
}

/* ---- Owners --------------------------------------------------------------------------- */

static void check_owner(struct hyp_machine *m, struct el2_section s, enum owner owner)
{
	const struct el2_view *v = pkvm_hypervisor.view(m->e);

	for (u64 off = 0; off < s.size; off += hyp_page_size(m->hyp))
		if (model_owner(m->b, v, PA(s.base + off)) != owner)
			g_error("0x%" G_GINT64_MODIFIER "x is not %s", s.base + off,
				owner_name[owner]);
}

static struct el2_section page_at(struct hyp_machine *m, pa_t pa, u64 pages)
{
	return (struct el2_section){ pa.pa, pages * hyp_page_size(m->hyp) };
}

static void check_owners(struct hyp_machine *m)
{
	const struct profile *p = m->hyp->profile;
	struct hyp *hyp = m->hyp;

	check_owner(m, hyp->text, OWNER_HYP);
	check_owner(m, hyp->rodata, OWNER_HYP);
	check_owner(m, hyp->bss, OWNER_HYP);
	check_owner(m, hyp->hyp_mem, OWNER_HYP);
	check_owner(m, hyp->data, p->map_hyp_data ? OWNER_HYP : OWNER_HOST);
	check_owner(m, hyp->idmap, OWNER_HOST);
	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		check_owner(m, page_at(m, hyp->cpus[i].percpu_pa, HYP_PERCPU_PAGES), OWNER_HYP);
		check_owner(m, page_at(m, hyp->cpus[i].stack_pa, 1),
			    p->stacks_fixed_up ? OWNER_HYP : OWNER_HOST);
	}
	/* beside the image and the reserved memory nothing went */
	check_owner(m, page_at(m, PA(hyp->idmap.base - hyp_page_size(hyp)), 1), OWNER_HOST);
	check_owner(m, page_at(m, PA(hyp->hyp_mem.base - hyp_page_size(hyp)), 1), OWNER_HOST);
}

static void check_booted(struct hyp_machine *m)
{
	const struct el2_view *v = pkvm_hypervisor.view(m->e);

	g_assert_true(v->booted);
	g_assert_false(pkvm_hypervisor.panic(m->e)->happened);
	for (unsigned int i = 0; i < m->b->n_cpus; i++)
		g_assert_true(m->b->cpus[i].host_s2_on);
	for (const struct spinlock *l = m->b->locks; l; l = l->next)
		g_assert_false(spin_is_locked(l));
	check_tables(m, &v->hyp_s1, &m->hyp->hpool, hyp_s1_pgtable_pages(m->hyp));
	check_tables(m, &v->host_s2, &m->hyp->host_s2_pool, host_s2_pgtable_pages(m->hyp));
	check_owners(m);
}

static void test_boards(void)
{
	for (const char *const *name = board_machine_names(); *name; name++)
		for (unsigned int p = 0; p < N_PROFILES; p++)
			for (u8 i = 0; el2_profiles[p].built && i < 4; i++) {
				struct hyp_machine m;

				hm_config(&m, *name, &el2_profiles[p]);
				m.ec->knob[KNOB_FINALISE_ORDER] = i & 1;
				m.ec->knob[KNOB_EL2_DEBUG] = i >> 1;
				hm_start(&m);
				g_assert_cmpint(hm_boot(&m), ==, 0);
				check_booted(&m);
				hm_free(&m);
			}
}

/* Pages of 16 and 64 KiB: other levels, other orders, the same rules. */
static void test_granules(void)
{
	const u8 shift[] = { 14, 16 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(shift); i++) {
		struct hyp_machine m;

		hm_config(&m, "virt", el2_profile_find("v7.0"));
		m.bc->f.page_shift = shift[i];
		hm_start(&m);
		g_assert_cmpint(hm_boot(&m), ==, 0);
		check_booted(&m);
		hm_free(&m);
	}
}

static void test_many_cpus(void)
{
	struct hyp_machine m;

	hm_config(&m, "virt", el2_profile_find("v6.12"));
	m.bc->n_cpus = BOARD_MAX_CPUS;
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), ==, 0);
	check_booted(&m);
	hm_free(&m);
}

/* ---- Where everything lies --------------------------------------------------------------- */

static const struct ram_region recorded_ram[] = {
	{ 0x40000000, 0x4000000, false },
	{ 0x44000000, 0x200000, true },
	{ 0x44200000, 0x3e00000, false },
};

static void recorded_machine(struct hyp_machine *m, const struct profile *p)
{
	hm_config(m, "virt", p);
	hm_ram(m, recorded_ram, G_N_ELEMENTS(recorded_ram));
	g_array_set_size(m->bc->mmio, 0);
	m->bc->n_cpus = 1;
	m->ec->has_hyp_memory = true;
	m->ec->hyp_memory = 0x41000000;
}

struct list {
	unsigned int order, n;
	u64 pfn[2];
};

static void check_list(struct hyp_machine *m, const struct hyp_pool *pool, const struct list *l)
{
	u64 head = hyp_va_of(m->hyp, pool->heads).va + 16 * l->order, va = head;

	for (unsigned int i = 0; i < l->n; i++) {
		va = hm_peek(m, hyp_pa_of(m->hyp, VA(va)).pa);
		g_assert_cmphex(hyp_pa_of(m->hyp, VA(va)).pa >> 12, ==, l->pfn[i]);
	}
	g_assert_cmphex(hm_peek(m, hyp_pa_of(m->hyp, VA(va)).pa), ==, head);
}

static u32 refcount(struct hyp_machine *m, u64 pfn)
{
	return model_refcount(m->b, pkvm_hypervisor.view(m->e), PA(pfn << 12));
}

/* The addresses of v7.2, worked out by hand from its rules and seen in its recording. */
static void test_places_v7_2(void)
{
	static const struct list hpool[] = {
		{ 0, 2, { 0x41051, 0x41290 } },
		{ 1, 1, { 0x41052 } },
		{ 2, 1, { 0x41054 } },
		{ 3, 1, { 0x41058 } },
		{ 4, 1, { 0x41280 } },
		{ 5, 1, { 0x41060 } },
		{ 6, 0, { 0 } },
		{ 7, 2, { 0x41080, 0x41200 } },
		{ 8, 1, { 0x41100 } },
	};
	static const u32 hyp_refs[] = { 5, 2, 2, 2, 2, 2, 65, 2, 5, 33, 513, 513, 253, 2, 3, 3 };
	static const u64 host[] = { 0x41292, 0x41293, 0x41291, 0x414f0, 0x41294, 0x41295, 0x41296 };
	static const u32 host_refs[] = { 2, 1, 5, 34, 513, 513, 253 };
	struct hyp_machine m;

	recorded_machine(&m, el2_profile_find("v7.2"));
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), ==, 0);
	g_assert_cmphex(m.hyp->hyp_mem.size >> 12, ==, 1276);
	g_assert_cmphex(m.hyp->hyp_pgt_base, ==, 0x41041000);
	g_assert_cmphex(m.hyp->host_s2_base, ==, 0x41291000);
	g_assert_cmphex(m.hyp->ffa_base, ==, 0x414f1000);
	for (unsigned int i = 0; i < G_N_ELEMENTS(hpool); i++)
		check_list(&m, &m.hyp->hpool, &hpool[i]);
	for (unsigned int i = 0; i < G_N_ELEMENTS(hyp_refs); i++)
		g_assert_cmpuint(refcount(&m, 0x41041 + i), ==, hyp_refs[i]);
	for (unsigned int i = 0; i < G_N_ELEMENTS(host_refs); i++)
		g_assert_cmpuint(refcount(&m, host[i]), ==, host_refs[i]);
	g_assert_cmphex(m.hyp->fixblock_va.va, ==, 0x400000200000);
	g_assert_cmphex(hm_peek(&m, m.hyp->fixblock_ptep.pa), ==, 0x0040000040000740);
	g_assert_cmphex(hm_peek(&m, m.hyp->cpus[0].fixmap_ptep.pa), ==, 0x0040000040029742);
	g_assert_cmphex(m.hyp->io_map_next, ==, 0x400000400000);
	hm_free(&m);
}

/* As high as it fits, in blocks if it can, beside the image, never in nomap memory. */
static void test_reservation(void)
{
	static const struct {
		struct ram_region ram[3];
		unsigned int n;
		u64 image, base, size;
	} row[] = {
		/* 2604 pages for 1 GiB: 12 MiB below the top */
		{ { { 0x40000000, 0x40000000, 0 } }, 1, 0, 0x7f400000, 0xc00000 },
		/* the top is firmware's */
		{ { { 0x40000000, 0x3f000000, 0 }, { 0x7f000000, 0x1000000, 1 } },
		  2,
		  0,
		  0x7e400000,
		  0xc00000 },
		/* no block fits above the image, nor below: the 1080 pages do */
		{ { { 0x40001000, 0x700000, 0 } }, 1, 0, 0x402c9000, 0x438000 },
		/* the image stands at the top: below it */
		{ { { 0x40000000, 0x40000000, 0 } }, 1, 0x7ff00000, 0x7f200000, 0xc00000 },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(row); i++) {
		struct hyp_machine m;

		hm_config(&m, "virt", el2_profile_find("v7.0"));
		hm_ram(&m, row[i].ram, row[i].n);
		m.ec->has_hyp_image = row[i].image;
		m.ec->hyp_image = row[i].image;
		hm_start(&m);
		g_assert_cmphex(m.hyp->hyp_mem.base, ==, row[i].base);
		g_assert_cmphex(m.hyp->hyp_mem.size, ==, row[i].size);
		g_assert_cmpint(hm_boot(&m), ==, 0);
		hm_free(&m);
	}
}

/* ---- Cost ------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static u64 resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");

	g_assert_nonnull(f);
	g_assert_cmpint(fscanf(f, "%lu %lu", &size, &resident), ==, 2);
	fclose(f);
	return (u64)resident * (u64)sysconf(_SC_PAGESIZE);
}

static void test_cost(void)
{
	u64 before = resident_bytes();
	double t = cpu_seconds();
	struct hyp_machine m;

	hm_config(&m, "server48", el2_profile_find("v7.0"));
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), ==, 0);
	t = cpu_seconds() - t;
	g_test_message("%.3f s, %" G_GUINT64_FORMAT " KiB", t, (resident_bytes() - before) >> 10);
#if defined(__OPTIMIZE__) && !defined(PKVM_SIM_INSTRUMENTED)
	g_assert_cmpfloat(t, <, 0.2);
	g_assert_cmpuint(resident_bytes() - before, <, 64u << 20);
#endif
	g_assert_cmpuint(board_resident_bytes(m.b), <, 16u << 20);
	hm_free(&m);
}

/* ---- Boots that fail ---------------------------------------------------------------------- */

static void check_fails(struct hyp_machine *m, s64 ret)
{
	hm_start(m);
	g_assert_cmpint(hm_boot(m), ==, ret);
	g_assert_false(pkvm_hypervisor.view(m->e)->booted);
	g_assert_false(m->b->cpus[0].host_s2_on);
	hm_free(m);
}

static void test_too_many_regions(void)
{
	struct ram_region ram[HYP_MEMBLOCK_REGIONS + 1];
	struct hyp_machine m;

	ram[0] = (struct ram_region){ 0x40000000, 0x40000000, false };
	for (unsigned int i = 1; i < G_N_ELEMENTS(ram); i++)
		ram[i] = (struct ram_region){ 0x80000000 + i * UINT64_C(0x200000), 0x100000, 0 };
	hm_config(&m, "virt", el2_profile_find("v7.0"));
	g_array_set_size(m.bc->mmio, 0);
	hm_ram(&m, ram, HYP_MEMBLOCK_REGIONS);
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), ==, 0);
	check_booted(&m);
	hm_free(&m);

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	g_array_set_size(m.bc->mmio, 0);
	hm_ram(&m, ram, G_N_ELEMENTS(ram));
	check_fails(&m, -ENOMEM);
}

static void test_too_little_ram(void)
{
	const struct ram_region no_room = { 0x40000000, 0x400000, false };
	const struct ram_region no_image = { 0x40000000, 0x20000, false };
	struct hyp_machine m;

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	hm_ram(&m, &no_room, 1);
	check_fails(&m, -ENOMEM);

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	hm_ram(&m, &no_image, 1);
	check_fails(&m, -ENOMEM);
}

static void test_failing_steps(void)
{
	struct hyp_machine m;

	/* memory that does not begin on a page */
	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->has_hyp_memory = true;
	m.ec->hyp_memory = 0x50000800;
	check_fails(&m, -EINVAL);

	/* not a table page, then too few of them */
	hm_config(&m, "virt", el2_profile_find("v6.12"));
	m.ec->pool_pages[POOL_HYP_S1] = 1;
	check_fails(&m, -ENOMEM);
	hm_config(&m, "virt", el2_profile_find("v6.12"));
	m.ec->pool_pages[POOL_HYP_S1] = 12;
	check_fails(&m, -ENOMEM);

	/* start tables, and none for the first annotation; nothing to recycle */
	hm_config(&m, "virt", el2_profile_find("v6.12"));
	m.ec->pool_pages[POOL_HOST_S2] = 4;
	check_fails(&m, -ENOMEM);

	/* the last step: all before it stays done */
	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->knob[KNOB_FFA] = FFA_INCOMPATIBLE;
	hm_start(&m);
	g_assert_cmpint(hm_boot(&m), ==, -EOPNOTSUPP);
	check_owner(&m, m.hyp->hyp_mem, OWNER_HYP);
	g_assert_false(m.hyp->vm_table_published);
	hm_free(&m);
}

static s64 finalise(struct hyp_cpu *c, void *arg)
{
	return __pkvm_init_finalise(c);
}

/* finalise without init: no kernel gets there. */
static void test_out_of_order(void)
{
	struct hyp_machine m;
	s64 ret;

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	hm_start(&m);
	g_assert_true(hm_run(&m, finalise, NULL, &ret));
	g_assert_cmpint(ret, ==, -EINVAL);
	hm_free(&m);
}

/* A region that ends with its only whole block does not do for the fixblock. */
static void test_fixblock(void)
{
	const struct ram_region ram[] = { { 0x40000000, 0x200000, 0 },
					  { 0x40300000, 0x700000, 0 } };
	struct hyp_machine m;

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	hm_ram(&m, ram, 2);
	hm_start(&m);
	/* the second region has room for the memory, and from 0x40400000 on a block */
	g_assert_cmpint(hm_boot(&m), ==, 0);
	g_assert_cmphex(hm_peek(&m, m.hyp->fixblock_ptep.pa) & GENMASK(47, 12), ==, 0x40400000);
	hm_free(&m);

	for (unsigned int p = PROFILE_V6_12; p <= PROFILE_V7_0; p++) {
		hm_config(&m, "virt", &el2_profiles[p]);
		hm_ram(&m, ram, 1);
		m.ec->pool_pages[POOL_HYP_S1] = 64;
		m.ec->pool_pages[POOL_HOST_S2] = 64;
		hm_start(&m);
		g_assert_cmpint(hm_boot(&m), ==, el2_profiles[p].fixblock ? -EINVAL : 0);
		hm_free(&m);
	}
}

static void check_refused(struct hyp_machine *m, const char *words)
{
	char *got = hm_refused(m);

	if (!strstr(got, words))
		g_error("\"%s\" says nothing of \"%s\"", got, words);
	g_free(got);
	hm_free(m);
}

/* What the user asks for and no machine can have is told before anything runs. */
static void test_refused(void)
{
	struct profile unbuilt = *el2_profile_find("v7.2");
	struct hyp_machine m;

	unbuilt.built = false;
	hm_config(&m, "virt", &unbuilt);
	check_refused(&m, "not in this build");

	hm_config(&m, "virt", el2_profile_find("v6.12"));
	m.ec->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_RANGE;
	check_refused(&m, "range needs");

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->has_hyp_image = true;
	m.ec->hyp_image = 0x40010800;
	check_refused(&m, "image");

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->has_hyp_image = true;
	m.ec->hyp_image = 0x7ffff000;
	check_refused(&m, "image");

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->has_hyp_memory = true;
	m.ec->hyp_memory = 0x40010000;
	check_refused(&m, "beside");

	hm_config(&m, "virt", el2_profile_find("v7.0"));
	m.ec->has_hyp_memory = true;
	m.ec->hyp_memory = ~UINT64_C(0) - 0xfff;
	check_refused(&m, "memory region");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* first: what other tests leave behind in the allocator would be counted */
	g_test_add_func("/boot/cost", test_cost);
	g_test_add_func("/boot/boards", test_boards);
	g_test_add_func("/boot/granules", test_granules);
	g_test_add_func("/boot/many-cpus", test_many_cpus);
	g_test_add_func("/boot/places-v7.2", test_places_v7_2);
	g_test_add_func("/boot/reservation", test_reservation);
	g_test_add_func("/boot/too-many-regions", test_too_many_regions);
	g_test_add_func("/boot/too-little-ram", test_too_little_ram);
	g_test_add_func("/boot/failing-steps", test_failing_steps);
	g_test_add_func("/boot/out-of-order", test_out_of_order);
	g_test_add_func("/boot/fixblock", test_fixblock);
	g_test_add_func("/boot/refused", test_refused);
	return g_test_run();
}
