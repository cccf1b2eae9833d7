// SPDX-License-Identifier: GPL-2.0-or-later
/* A few table pages and nothing else, for tests of the MMU. */
#include <glib.h>

#include "tests/unit/fake_mem.h"

const struct arch_features fake_4k = { .page_shift = 12, .pa_bits = 40 };

static void add_page(struct fake_mem *m, u64 base)
{
	g_assert_cmpuint(m->pages, <, FAKE_PAGES);
	m->base[m->pages++] = base;
}

void fake_tables(struct fake_mem *m, struct mmu_table *t, const struct arch_features *f,
		 unsigned int stage, unsigned int ia_bits, u64 root)
{
	unsigned int n = stage == 2 ? s2_pgd_pages(f->page_shift, ia_bits) : 1;

	*m = (struct fake_mem){ .page_size = BIT(f->page_shift) };
	*t = (struct mmu_table){
		.stage = (u8)stage,
		.ia_bits = (u8)ia_bits,
		.start_level = (s8)(stage == 2 ? s2_start_level(f->page_shift, ia_bits)
					       : s1_start_level(f->page_shift, ia_bits)),
		.root = PA(root),
		.f = f,
	};
	for (unsigned int i = 0; i < n; i++)
		add_page(m, root + i * m->page_size);
}

bool fake_read(void *ctx, pa_t pa, u64 *desc)
{
	struct fake_mem *m = ctx;

	m->reads++;
	*desc = 0;
	for (unsigned int i = 0; i < m->descs; i++)
		if (m->addr[i] == pa.pa)
			*desc = m->value[i];
	for (unsigned int i = 0; i < m->pages; i++)
		if (pa.pa - m->base[i] < m->page_size)
			return true;
	return false;
}

void fake_store(struct fake_mem *m, u64 addr, u64 value)
{
	unsigned int i;

	for (i = 0; i < m->descs && m->addr[i] != addr; i++)
		;
	g_assert_cmpuint(i, <, FAKE_DESCS);
	m->addr[i] = addr;
	m->value[i] = value;
	m->descs = MAX(m->descs, i + 1);
}

/* Every table but the start tables stands right after the ones there are. */
u64 fake_entry(struct fake_mem *m, const struct mmu_table *t, u64 ia, int level)
{
	const struct arch_features *f = t->f;
	u64 table = t->root.pa, mask = ~UINT64_C(0), entry, desc;

	for (int l = t->start_level;; l++) {
		entry = table + ((ia >> level_shift(f->page_shift, l)) & mask) * 8;
		mask = table_entries(f->page_shift) - 1;
		if (l == level)
			return entry;
		if (!fake_read(m, PA(entry), &desc) || (desc & 3) != 3)
			return 0;
		table = pa_from_pte(f, desc).pa;
	}
}

void fake_set(struct fake_mem *m, const struct mmu_table *t, u64 ia, int level, u64 desc)
{
	for (int l = t->start_level; l < level; l++) {
		u64 entry = fake_entry(m, t, ia, l), old, child;

		g_assert_true(fake_read(m, PA(entry), &old));
		if ((old & 3) == 3)
			continue;
		child = m->base[m->pages - 1] + m->page_size;
		add_page(m, child);
		fake_store(m, entry, pte_from_pa(t->f, PA(child)) | 3);
	}
	fake_store(m, fake_entry(m, t, ia, level), desc);
	m->reads = 0;
}

enum mmu_fault fake_walk(struct fake_mem *m, const struct mmu_table *t, u64 ia, enum mmu_access acc,
			 struct mmu_result *res)
{
	mmu_walk(t, ia, acc, fake_read, m, res);
	return res->fault;
}
