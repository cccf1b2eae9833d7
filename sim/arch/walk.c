// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MMU: from tables in memory to an output address or a fault. After the Arm
 * ARM, DDI 0487, D8.2 (walk), D8.15 (faults and their order) and the pseudocode
 * of AArch64.S1Walk and AArch64.S2Walk. Knows nothing of who wrote the tables.
 */
#include "sim/arch/arch_private.h"

#include <string.h>

/*
 * Can hardware walk this at all? The start tables must resolve at least one bit
 * and at most one table's worth, or 16 concatenated tables at stage 2.
 */
static bool geometry_ok(const struct mmu_table *t)
{
	unsigned int g = t->f->page_shift, shift, bits;

	if ((g != 12 && g != 14 && g != 16) || t->ia_bits > 52 ||
	    t->start_level > ARCH_LAST_LEVEL ||
	    t->start_level < (g == 12	? ARCH_MIN_LEVEL
			      : g == 14 ? 0
					: 1))
		return false;
	shift = level_shift(g, t->start_level);
	if (t->ia_bits <= shift)
		return false;
	bits = t->ia_bits - shift;
	return bits <= g - 3 + (t->stage == 2 ? 4 : 0);
}

static unsigned int output_bits(const struct arch_features *f)
{
	unsigned int max = format_pa_bits(f);

	return f->pa_bits < max ? f->pa_bits : max;
}

static bool output_too_large(const struct arch_features *f, pa_t pa)
{
	return pa.pa >> output_bits(f);
}

static void fault_at(struct mmu_result *res, enum mmu_fault fault, int level)
{
	res->fault = fault;
	res->level = (s8)level;
}

static void leaf(const struct mmu_table *t, u64 ia, enum mmu_access acc, u64 tables,
		 struct mmu_result *res)
{
	const struct arch_features *f = t->f;
	u64 desc = res->desc, base = ALIGN_DOWN(pa_from_pte(f, desc).pa, res->size);
	struct desc_perms p = desc_perms(f, t->stage, desc, tables);

	if (output_too_large(f, PA(base))) {
		res->fault = MMU_FAULT_ADDRESS_SIZE;
		return;
	}
	res->memattr = (u8)(t->stage == 2 ? FIELD_GET(PTE_S2_MEMATTR, desc)
					  : FIELD_GET(PTE_S1_ATTRIDX, desc));
	res->r = p.r;
	res->w = p.w;
	res->x = p.px;
	res->oa = PA(base | (ia & (res->size - 1)));
	if (!(desc & PTE_AF)) {
		/* VTCR_EL2.HA; EL2's own TCR_EL2.HA is not set by anybody. */
		if (t->stage != 2 || !f->hafdbs) {
			res->fault = MMU_FAULT_ACCESS_FLAG;
			return;
		}
		res->sets_af = true;
	}
	if (!(acc == MMU_READ ? p.r : acc == MMU_WRITE ? p.w : p.px))
		res->fault = MMU_FAULT_PERMISSION;
}

void mmu_walk_page(const struct mmu_table *t, u64 ia, u64 desc, enum mmu_access acc,
		   struct mmu_result *res)
{
	res->fault = MMU_OK;
	res->level = ARCH_LAST_LEVEL;
	res->desc = desc;
	res->size = BIT(t->f->page_shift);
	res->ia_base = ALIGN_DOWN(ia, res->size);
	res->sets_af = false;
	if (desc_kind(t->f, desc, ARCH_LAST_LEVEL) == DESC_PAGE)
		leaf(t, ia, acc, 0, res);
	else
		res->fault = MMU_FAULT_TRANSLATION;
}

void mmu_walk(const struct mmu_table *t, u64 ia, enum mmu_access acc, mmu_read_fn read, void *ctx,
	      struct mmu_result *res)
{
	const struct arch_features *f = t->f;
	u64 table = t->root.pa, tables = 0, index, mask;
	int level, n;

	memset(res, 0, sizeof(*res));
	res->ia_base = ia;
	if (!geometry_ok(t) || ia >> t->ia_bits) {
		fault_at(res, MMU_FAULT_TRANSLATION, 0);
		return;
	}
	if (output_too_large(f, t->root)) {
		fault_at(res, MMU_FAULT_ADDRESS_SIZE, 0);
		return;
	}
	/* Concatenated start tables are one large table: their index just grows. */
	mask = ~UINT64_C(0);
	for (level = t->start_level, n = 0; level <= ARCH_LAST_LEVEL; level++, n++) {
		unsigned int shift = level_shift(f->page_shift, level);

		index = (ia >> shift) & mask;
		mask = table_entries(f->page_shift) - 1;
		res->level = (s8)level;
		res->size = BIT(shift);
		res->ia_base = ALIGN_DOWN(ia, res->size);
		res->desc = 0;
		res->desc_pa = PA(table + index * 8);
		res->table_pa[n] = res->desc_pa;
		if (!read(ctx, res->desc_pa, &res->desc)) {
			res->fault = MMU_FAULT_EXTERNAL_WALK;
			return;
		}
		res->descs[n] = res->desc;
		switch (desc_kind(f, res->desc, level)) {
		case DESC_TABLE:
			table = pa_from_pte(f, res->desc).pa;
			if (output_too_large(f, PA(table))) {
				res->fault = MMU_FAULT_ADDRESS_SIZE;
				return;
			}
			tables |= res->desc & TABLE_ATTRS;
			break;
		case DESC_BLOCK:
		case DESC_PAGE:
			leaf(t, ia, acc, tables, res);
			return;
		case DESC_INVALID:
		case DESC_RESERVED:
			res->fault = MMU_FAULT_TRANSLATION;
			return;
		}
	}
	/* A descriptor at the last level is never a table. */
	sim_assert(level <= ARCH_LAST_LEVEL);
}

const char *mmu_fault_name(enum mmu_fault f)
{
	static const char *const names[] = {
		[MMU_OK] = "none",
		[MMU_FAULT_ADDRESS_SIZE] = "address size",
		[MMU_FAULT_TRANSLATION] = "translation",
		[MMU_FAULT_ACCESS_FLAG] = "access flag",
		[MMU_FAULT_PERMISSION] = "permission",
		[MMU_FAULT_EXTERNAL_WALK] = "external abort on walk",
	};

	return names[f];
}
