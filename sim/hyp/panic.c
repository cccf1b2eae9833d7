// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How EL2 ends, after nvhe/host.S (__hyp_do_panic) and hyp_panic(): WARN_ON and
 * BUG_ON are the same BRK at nVHE EL2, and neither comes back. Memory stays as it
 * is at that moment, locks that are held stay held.
 */
#include <string.h>

#include "hyp_private.h"

/* ESR_EL2 of BRK #0x800, the immediate of BUG and WARN. */
#define ESR_BRK_BUG UINT64_C(0xf2000800)

static void record_chain(struct el2_panic *p, const struct cpu *cpu, const char *fn)
{
	p->n_chain = 0;
	/* leaf functions keep no frame of their own */
	if (!cpu->frame || strcmp(cpu->frame->fn, fn))
		p->chain[p->n_chain++] = fn;
	for (const struct frame *f = cpu->frame; f && p->n_chain < PANIC_CHAIN; f = f->up)
		p->chain[p->n_chain++] = f->fn;
}

/* Locks held by anybody, in the order in which they were taken. */
static void record_locks(struct el2_panic *p, const struct board *b)
{
	const struct spinlock *held[G_N_ELEMENTS(p->locks)];
	unsigned int n = 0;

	for (const struct spinlock *l = b->locks; l; l = l->next) {
		unsigned int i;

		if (!spin_is_locked(l) || n == G_N_ELEMENTS(held))
			continue;
		for (i = n++; i && held[i - 1]->seq > l->seq; i--)
			held[i] = held[i - 1];
		held[i] = l;
	}
	for (unsigned int i = 0; i < n; i++) {
		p->locks[i] = held[i]->name;
		p->lock_cpu[i] = (unsigned int)held[i]->holder;
	}
	p->n_locks = n;
}

/* The syndrome of a data abort that EL2's own walk of @va meets. */
static u64 abort_syndrome(struct hyp_cpu *c, va_t va)
{
	static const u8 fsc[] = {
		[MMU_FAULT_ADDRESS_SIZE] = 0x00,
		[MMU_FAULT_TRANSLATION] = 0x04,
		[MMU_FAULT_ACCESS_FLAG] = 0x08,
		[MMU_FAULT_PERMISSION] = 0x0c,
	};
	u64 esr = FIELD_PREP(ESR_EC, EC_DABT_CUR) | ESR_IL;
	struct mmu_result res = { 0 };

	if (!c->hyp || !c->hyp->pkvm_pgtable.mmu.root.pa)
		return esr | fsc[MMU_FAULT_TRANSLATION];
	mmu_walk(&c->hyp->pkvm_pgtable.mmu, va.va, MMU_READ, board_read_desc, c->cpu->board, &res);
	/* mapped, or not to be walked: then nothing answered at the end of it */
	if (res.fault == MMU_OK || res.fault == MMU_FAULT_EXTERNAL_WALK)
		return esr | 0x10;
	return esr | fsc[res.fault] | ((u64)res.level & 3);
}

/*
 * A BRK writes neither FAR_EL2 nor HPFAR_EL2, EL2's own data abort no HPFAR_EL2: the
 * host prints what the abort before left there.
 */
static void record_registers(struct el2_panic *p, const struct cpu *cpu, u64 esr)
{
	p->esr = esr;
	p->far = cpu->far_el2;
	p->hpfar = cpu->hpfar_el2;
}

/*
 * With CONFIG_NVHE_EL2_DEBUG (to v7.0) the host's stage 2 goes off before the
 * host prints, so that it may look at EL2's memory.
 */
static void disable_host_stage2(struct hyp_cpu *c)
{
	struct tlbi all = { .op = TLBI_VMALLS12E1, .vmid = c->cpu->host_s2.vmid, .level = -1 };

	c->cpu->host_s2_on = false;
	cpu_tlbi(c->cpu, &all);
	cpu_dsb(c->cpu, "nsh");
}

static void __attribute__((noreturn))
hyp_panic(struct hyp_cpu *c, const char *event, const char *reason, const char *fn,
	  const char *what, u64 esr, u64 va)
{
	event_emit(c->cpu, .kind = EV_PANIC, .what = event, .fn = fn, .addr = va, .val = esr);
	if (c->hyp) {
		struct el2_panic *p = &c->hyp->panic;

		memset(p, 0, sizeof(*p));
		p->happened = true;
		g_strlcpy(p->reason, reason, sizeof(p->reason));
		g_strlcpy(p->what, what, sizeof(p->what));
		p->fn = fn;
		p->cpu = c->cpu->id;
		record_registers(p, c->cpu, esr);
		p->seq = c->cpu->board->seq;
		record_chain(p, c->cpu, fn);
		record_locks(p, c->cpu->board);
		if (c->hyp->profile->id <= PROFILE_V7_0 &&
		    hyp_knob(c, KNOB_EL2_DEBUG) == EL2_DEBUG_ON && c->cpu->host_s2_on)
			disable_host_stage2(c);
	}
	cpu_die(c->cpu);
}

void hyp_bug(struct hyp_cpu *c, const char *fn, const char *cond)
{
	hyp_panic(c, "BUG", "BUG", fn, cond, ESR_BRK_BUG, 0);
}

void hyp_warn(struct hyp_cpu *c, const char *fn, const char *cond)
{
	if (c->el1_build || c->warn_continue) {
		event_emit(c->cpu, .kind = EV_PANIC, .what = "WARN", .fn = fn, .val = ESR_BRK_BUG);
		return;
	}
	hyp_panic(c, "WARN", "WARN", fn, cond, ESR_BRK_BUG, 0);
}

void hyp_abort(struct hyp_cpu *c, const char *fn, va_t va)
{
	char what[64];

	va.va = ALIGN_DOWN(va.va, c->hyp ? hyp_page_size(c->hyp) : 4096);
	g_snprintf(what, sizeof(what), "at 0x%" G_GINT64_MODIFIER "x", va.va);
	c->cpu->far_el2 = va.va;
	hyp_panic(c, "EL2_ABORT", "EL2 data abort", fn, what, abort_syndrome(c, va), va.va);
}
