/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few table pages and nothing else, for tests of the MMU. */
#ifndef PKVM_SIM_TESTS_FAKE_MEM_H
#define PKVM_SIM_TESTS_FAKE_MEM_H

#include "sim/arch/arch.h"

#define FAKE_PAGES 32
#define FAKE_DESCS 32

struct fake_mem {
	u64 page_size;
	u64 base[FAKE_PAGES]; /* table pages that answer */
	unsigned int pages;
	u64 addr[FAKE_DESCS], value[FAKE_DESCS]; /* what is not 0 in them */
	unsigned int descs;
	unsigned int reads;
};

/* Tables of @ia_bits at @root, none of them filled; @f must outlive @t. */
void fake_tables(struct fake_mem *m, struct mmu_table *t, const struct arch_features *f,
		 unsigned int stage, unsigned int ia_bits, u64 root);
/* Entry for @ia at @level becomes @desc; tables on the way are made. */
void fake_set(struct fake_mem *m, const struct mmu_table *t, u64 ia, int level, u64 desc);
/* Address of the entry for @ia at @level; 0: its table is not there. */
u64 fake_entry(struct fake_mem *m, const struct mmu_table *t, u64 ia, int level);
void fake_store(struct fake_mem *m, u64 addr, u64 value);
/* An mmu_read_fn. */
bool fake_read(void *ctx, pa_t pa, u64 *desc);
enum mmu_fault fake_walk(struct fake_mem *m, const struct mmu_table *t, u64 ia, enum mmu_access acc,
			 struct mmu_result *res);

/* 4K, 40 bits, no optional feature. */
extern const struct arch_features fake_4k;

#endif
