// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One CPU's TLB and what TLBI does to it: Arm ARM, DDI 0487, D8.16 (TLBs) and
 * D8.17 (maintenance). Entries are leaves: walk caches and entries that combine
 * both stages are not kept, so that an operation on stage 1 of EL1&0 finds
 * nothing and "last level" means every entry there is.
 */
#include "sim/arch/arch.h"

static bool same_context(const struct tlb_entry *e, enum tlb_regime regime, u16 vmid)
{
	return e->valid && e->regime == regime && (regime == TLB_EL2 || e->vmid == vmid);
}

struct tlb_entry *tlb_lookup(struct tlb *tlb, enum tlb_regime regime, u16 vmid, u64 ia)
{
	for (u32 i = 0; i < tlb->used; i++) {
		struct tlb_entry *e = &tlb->e[i];

		if (same_context(e, regime, vmid) && ia - e->ia < e->size)
			return e;
	}
	return NULL;
}

/* The slot of the same translation, that two never answer, or else the oldest. */
static struct tlb_entry *slot_for(struct tlb *tlb, enum tlb_regime regime, u16 vmid,
				  const struct mmu_result *res)
{
	struct tlb_entry *e;

	for (u32 i = 0; i < tlb->used; i++) {
		e = &tlb->e[i];
		if (same_context(e, regime, vmid) && e->ia == res->ia_base && e->size == res->size)
			return e;
	}
	e = &tlb->e[tlb->next];
	tlb->next = (tlb->next + 1) % TLB_ENTRIES;
	if (tlb->used < TLB_ENTRIES)
		tlb->used++;
	return e;
}

void tlb_fill(struct tlb *tlb, const struct mmu_table *t, const struct mmu_result *res, u64 seq)
{
	enum tlb_regime regime = t->stage == 2 ? TLB_S2 : TLB_EL2;
	u16 vmid = regime == TLB_S2 ? t->vmid : 0;

	if (res->fault != MMU_OK && res->fault != MMU_FAULT_PERMISSION)
		return;
	*slot_for(tlb, regime, vmid, res) = (struct tlb_entry){
		.valid = true,
		.regime = (u8)regime,
		.level = res->level,
		.vmid = vmid,
		.r = res->r,
		.w = res->w,
		.x = res->x,
		.memattr = res->memattr,
		.ia = res->ia_base,
		.size = res->size,
		.oa = PA(ALIGN_DOWN(res->oa.pa, res->size)),
		.desc = res->desc,
		.desc_pa = res->desc_pa,
		.seq = seq,
	};
}

enum tlbi_scope { SCOPE_ADDR, SCOPE_RANGE, SCOPE_VMID, SCOPE_ALL, SCOPE_NONE };

static const struct {
	u8 regime;
	u8 scope;
	bool broadcast;
} tlbi_ops[N_TLBI_OPS] = {
	[TLBI_VAE2IS] = { TLB_EL2, SCOPE_ADDR, true },
	[TLBI_VALE2IS] = { TLB_EL2, SCOPE_ADDR, true },
	[TLBI_ALLE2] = { TLB_EL2, SCOPE_ALL, false },
	[TLBI_IPAS2E1IS] = { TLB_S2, SCOPE_ADDR, true },
	[TLBI_IPAS2E1] = { TLB_S2, SCOPE_ADDR, false },
	[TLBI_RIPAS2E1IS] = { TLB_S2, SCOPE_RANGE, true },
	[TLBI_VMALLE1IS] = { TLB_S2, SCOPE_NONE, true },
	[TLBI_VMALLE1] = { TLB_S2, SCOPE_NONE, false },
	[TLBI_VMALLS12E1IS] = { TLB_S2, SCOPE_VMID, true },
	[TLBI_VMALLS12E1] = { TLB_S2, SCOPE_VMID, false },
	[TLBI_ALLE1IS] = { TLB_S2, SCOPE_ALL, true },
};

const char *const tlbi_op_name[N_TLBI_OPS] = {
	[TLBI_VAE2IS] = "vae2is",
	[TLBI_VALE2IS] = "vale2is",
	[TLBI_ALLE2] = "alle2",
	[TLBI_IPAS2E1IS] = "ipas2e1is",
	[TLBI_IPAS2E1] = "ipas2e1",
	[TLBI_RIPAS2E1IS] = "ripas2e1is",
	[TLBI_VMALLE1IS] = "vmalle1is",
	[TLBI_VMALLE1] = "vmalle1",
	[TLBI_VMALLS12E1IS] = "vmalls12e1is",
	[TLBI_VMALLS12E1] = "vmalls12e1",
	[TLBI_ALLE1IS] = "alle1is",
};

bool tlbi_op_broadcast(enum tlbi_op op)
{
	return tlbi_ops[op].broadcast;
}

/* Bytes [*start, *last] that @i names; false: none. */
static bool tlbi_bytes(const struct tlbi *i, unsigned int page_shift, u64 *start, u64 *last)
{
	u64 pages = tlbi_ops[i->op].scope == SCOPE_RANGE ? i->pages : 1;

	*start = ALIGN_DOWN(i->addr, BIT(page_shift));
	if (!pages)
		return false;
	if (pages - 1 > (~UINT64_C(0) - *start) >> page_shift)
		*last = ~UINT64_C(0);
	else
		*last = *start + ((pages - 1) << page_shift) + (BIT(page_shift) - 1);
	return true;
}

unsigned int tlb_invalidate(struct tlb *tlb, const struct tlbi *i, unsigned int page_shift)
{
	unsigned int scope = tlbi_ops[i->op].scope, gone = 0;
	bool by_addr = scope == SCOPE_ADDR || scope == SCOPE_RANGE;
	bool hint = i->level >= 0 && i->level <= ARCH_LAST_LEVEL;
	u64 start = 0, last = 0;

	if (scope == SCOPE_NONE || (by_addr && !tlbi_bytes(i, page_shift, &start, &last)))
		return 0;
	for (u32 n = 0; n < tlb->used; n++) {
		struct tlb_entry *e = &tlb->e[n];

		if (!e->valid || e->regime != tlbi_ops[i->op].regime)
			continue;
		if (e->regime == TLB_S2 && scope != SCOPE_ALL && e->vmid != i->vmid)
			continue;
		if (by_addr && (e->ia > last || e->ia + (e->size - 1) < start))
			continue;
		if (by_addr && hint && e->level != i->level)
			continue;
		e->valid = false;
		gone++;
	}
	return gone;
}
