// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A CPU's MMU: what its TLB has, else a walk, which the TLB may keep. The walk itself is
 * sim/arch's; what hardware writes back into a descriptor is written here.
 */
#include "board_private.h"

static bool permits(const struct tlb_entry *e, enum mmu_access acc)
{
	return acc == MMU_READ ? e->r : acc == MMU_WRITE ? e->w : e->x;
}

/* A cached translation that forbids the access faults as the walk that filled it would. */
static void result_of_entry(const struct tlb_entry *e, enum mmu_access acc, u64 ia,
			    struct mmu_result *res)
{
	*res = (struct mmu_result){
		.fault = permits(e, acc) ? MMU_OK : MMU_FAULT_PERMISSION,
		.level = e->level,
		.desc = e->desc,
		.desc_pa = e->desc_pa,
		.oa = PA(e->oa.pa + (ia - e->ia)),
		.ia_base = e->ia,
		.size = e->size,
		.r = e->r,
		.w = e->w,
		.x = e->x,
		.memattr = e->memattr,
	};
}

/* Hardware management of the access flag: false if the descriptor changed meanwhile. */
static bool hw_set_access_flag(struct cpu *cpu, struct mmu_result *res)
{
	FRAME(cpu);
	if (!mem_cmpxchg64(cpu, res->desc_pa, res->desc, res->desc | PTE_AF, MO_PLAIN))
		return false;
	res->desc |= PTE_AF;
	return true;
}

/* As board_read_desc(), for a walk that who decides about steps is to know of. */
static bool read_watched(void *ctx, pa_t pa, u64 *desc)
{
	struct board *b = ctx;
	const struct board_scheduler *by = b->priv->sched.by;

	if (by && by->walked && b->scheduled)
		by->walked(by->data, pa);
	return board_read_desc(ctx, pa, desc);
}

/* A walk, and what it writes back. */
static void walk(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
		 struct mmu_result *res)
{
	do
		mmu_walk(t, ia, acc, read_watched, cpu->board, res);
	while (res->fault == MMU_OK && res->sets_af && !hw_set_access_flag(cpu, res));
}

static void cache(struct cpu *cpu, const struct mmu_table *t, const struct mmu_result *res)
{
	cpu->board->cached = true;
	tlb_fill(&cpu->tlb, t, res, cpu->board->seq);
}

/* ---- While several CPUs run ------------------------------------------------------------ */

#define MAX_MEANINGS 8u

/*
 * The TLB's answer or the walk's is the first of what the access may use; what else the
 * CPU may have cached follows. Another than the first is not kept: it is there as long as
 * nobody takes it away.
 */
static void translate_any(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
			  const struct tlb_entry *e, struct mmu_result *res)
{
	struct mmu_result set[MAX_MEANINGS];
	unsigned int n = 0, pick;

	if (e)
		result_of_entry(e, acc, ia, &set[n++]);
	walk(cpu, t, acc, ia, &set[n]);
	n += !e || set[n].fault != set[0].fault || set[n].oa.pa != set[0].oa.pa;
	n = past_results(cpu, t, acc, ia, set, n, MAX_MEANINGS);
	pick = n > 1 ? board_choose(cpu->board, n, "tlb") : 0;
	*res = set[pick];
	if (!e && !pick && res->fault == MMU_OK)
		cache(cpu, t, res);
}

void cpu_translate(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
		   struct mmu_result *res)
{
	enum tlb_regime regime = t->stage == 2 ? TLB_S2 : TLB_EL2;
	const struct tlb_entry *e = tlb_lookup(&cpu->tlb, regime, t->vmid, ia);

	if (unlikely(cpu->board->scheduled && cpu->board->may & BIT(MAY_TLB))) {
		translate_any(cpu, t, acc, ia, e, res);
		return;
	}
	if (e) {
		result_of_entry(e, acc, ia, res);
		return;
	}
	walk(cpu, t, acc, ia, res);
	if (res->fault == MMU_OK)
		cache(cpu, t, res);
}
