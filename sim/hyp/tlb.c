// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage-2 TLB invalidation, after arch/arm64/kvm/hyp/nvhe/tlb.c and the range
 * loop of asm/tlbflush.h: equal in v6.12 and v7.2.
 *
 * Each function is announced by EV_CALL with its arguments and closed by EV_RET;
 * recordings and reports speak of the call, the TLBs hear what lies between.
 * Not modelled: the REPEAT_TLBI erratum.
 */
#include "pgtable_priv.h"

/* What one range operation can take at most: 32 << 16 pages. */
#define MAX_TLBI_RANGE_PAGES BIT(21)

/* VMID 0 is the host's, and loaded whenever EL2 answers the host; a guest's while it answers it. */
static bool other_vmid(const struct hyp_cpu *c, const struct kvm_pgtable *pgt)
{
	return pgt->mmu.vmid != c->vmid;
}

static void enter_vmid_context(struct hyp_cpu *c, const struct kvm_pgtable *pgt, const char *dsb)
{
	cpu_dsb(c->cpu, dsb);
	if (other_vmid(c, pgt))
		cpu_isb(c->cpu);
}

static void exit_vmid_context(struct hyp_cpu *c, const struct kvm_pgtable *pgt, const char *dsb)
{
	cpu_dsb(c->cpu, dsb);
	cpu_isb(c->cpu);
	if (other_vmid(c, pgt))
		cpu_isb(c->cpu);
}

static void tlbi(struct hyp_cpu *c, const struct kvm_pgtable *pgt, enum tlbi_op op, u64 addr,
		 int level, u64 pages)
{
	struct tlbi i = {
		.op = op,
		.vmid = pgt->mmu.vmid,
		.level = level >= 0 && level <= ARCH_LAST_LEVEL ? (s8)level : -1,
		.addr = ALIGN_DOWN(addr, pgt_page_size(pgt)),
		.pages = pages,
	};

	cpu_tlbi(c->cpu, &i);
}

#define TLB_CALL(c, name, a, v)                                                                    \
	event_emit((c)->cpu, .kind = EV_CALL, .fn = __func__, .what = (name), .addr = (a),         \
		   .val = (v))
#define TLB_RET(c, name, a)                                                                        \
	event_emit((c)->cpu, .kind = EV_RET, .fn = __func__, .what = (name), .addr = (a))

/* One IPA, every CPU. @level: where the leaf stood, TLBI_TTL_UNKNOWN for any. */
void kvm_tlb_flush_vmid_ipa(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 ipa, int level)
{
	HYP_FRAME(c);

	TLB_CALL(c, "__kvm_tlb_flush_vmid_ipa", ipa, (u64)level);
	enter_vmid_context(c, pgt, "ish");
	tlbi(c, pgt, TLBI_IPAS2E1IS, ipa, level, 1);
	/* What stage 1 combined with the old stage 2 goes too. */
	cpu_dsb(c->cpu, "ish");
	tlbi(c, pgt, TLBI_VMALLE1IS, 0, -1, 0);
	exit_vmid_context(c, pgt, "ish");
	TLB_RET(c, "__kvm_tlb_flush_vmid_ipa", ipa);
}

/* The same on this CPU only. */
void kvm_tlb_flush_vmid_ipa_nsh(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 ipa, int level)
{
	HYP_FRAME(c);

	TLB_CALL(c, "__kvm_tlb_flush_vmid_ipa_nsh", ipa, (u64)level);
	enter_vmid_context(c, pgt, "nsh");
	tlbi(c, pgt, TLBI_IPAS2E1, ipa, level, 1);
	cpu_dsb(c->cpu, "nsh");
	tlbi(c, pgt, TLBI_VMALLE1, 0, -1, 0);
	exit_vmid_context(c, pgt, "nsh");
	TLB_RET(c, "__kvm_tlb_flush_vmid_ipa_nsh", ipa);
}

/* All of the VMID, both stages. */
void kvm_tlb_flush_vmid(struct hyp_cpu *c, struct kvm_pgtable *pgt)
{
	HYP_FRAME(c);

	TLB_CALL(c, "__kvm_tlb_flush_vmid", 0, 0);
	enter_vmid_context(c, pgt, "ish");
	tlbi(c, pgt, TLBI_VMALLS12E1IS, 0, -1, 0);
	exit_vmid_context(c, pgt, "ish");
	TLB_RET(c, "__kvm_tlb_flush_vmid", 0);
}

/*
 * A range operation covers 1 to 32 units of 2^(5 * scale + 1) pages. From the
 * largest unit down each scale is used once; an odd last page is a single
 * operation, and so is what precedes a 64 KiB boundary with LPA2.
 */
static void tlbi_range(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 start, u64 pages)
{
	unsigned int shift = pgt->f->page_shift;
	int scale = 3;

	while (pages) {
		unsigned int unit = 5 * (unsigned int)scale + 1;
		u64 n = 1;

		if (pages == 1 || (pgt->f->lpa2 && !IS_ALIGNED(start, BIT(16)))) {
			tlbi(c, pgt, TLBI_IPAS2E1IS, start, -1, 1);
		} else {
			n = MIN(pages >> unit, 32) << unit;
			if (n)
				tlbi(c, pgt, TLBI_RIPAS2E1IS, start, -1, n);
			scale--;
		}
		start += n << shift;
		pages -= n;
	}
}

static void __kvm_tlb_flush_vmid_range(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr,
				       u64 pages)
{
	TLB_CALL(c, "__kvm_tlb_flush_vmid_range", addr, pages);
	enter_vmid_context(c, pgt, "ish");
	tlbi_range(c, pgt, ALIGN_DOWN(addr, pgt_page_size(pgt)), pages);
	cpu_dsb(c->cpu, "ish");
	tlbi(c, pgt, TLBI_VMALLE1IS, 0, -1, 0);
	exit_vmid_context(c, pgt, "ish");
	TLB_RET(c, "__kvm_tlb_flush_vmid_range", addr);
}

/* @pages of 0 tells nobody anything. Without FEAT_TLBIRANGE all of the VMID goes. */
void kvm_tlb_flush_vmid_range(struct hyp_cpu *c, struct kvm_pgtable *pgt, u64 addr, u64 pages)
{
	HYP_FRAME(c);

	if (!pgt->f->tlbirange) {
		kvm_tlb_flush_vmid(c, pgt);
		return;
	}
	while (pages) {
		u64 n = MIN(pages, MAX_TLBI_RANGE_PAGES);

		__kvm_tlb_flush_vmid_range(c, pgt, addr, n);
		addr += n << pgt->f->page_shift;
		pages -= n;
	}
}
