/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB maintenance, barriers and cache maintenance: the instructions as the
 * board's CPUs carry them out. Barriers and caches have no effect of their own
 * here, as loads and stores take effect at once; who checks them reads events. Only
 * while several CPUs run does a TLBI take until its DSB (past.c).
 */
#include "board_private.h"

static void invalidate(struct cpu *cpu, const struct tlbi *i)
{
	struct board *b = cpu->board;

	if (!tlbi_op_broadcast(i->op)) {
		tlb_invalidate(&cpu->tlb, i, b->f->page_shift);
		return;
	}
	for (unsigned int n = 0; n < b->n_cpus; n++)
		tlb_invalidate(&b->cpus[n].tlb, i, b->f->page_shift);
}

void cpu_tlbi_slow(struct cpu *cpu, const struct tlbi *i)
{
	struct board *b = cpu->board;
	bool ranged = i->op == TLBI_RIPAS2E1IS;

	event_step(cpu, EV_TLBI);
	if (b->cached)
		invalidate(cpu, i);
	if (b->scheduled)
		past_invalidated(cpu, i);
	event_emit(cpu, .kind = EV_TLBI, .sub = (u8)i->op, .addr = i->addr,
		   .val = ranged ? i->pages : (u64)(s64)i->level, .old = i->vmid);
}

void cpu_dsb_slow(struct cpu *cpu, const char *what)
{
	event_step(cpu, EV_DSB);
	if (cpu->board->scheduled)
		past_waited(cpu, what);
	event_emit(cpu, .kind = EV_DSB, .what = what);
}

void cpu_isb_slow(struct cpu *cpu)
{
	event_step(cpu, EV_ISB);
	event_emit(cpu, .kind = EV_ISB);
}

void cpu_cmo_slow(struct cpu *cpu, const char *what, pa_t pa, va_t va, u64 bytes)
{
	event_step(cpu, EV_CMO);
	event_emit(cpu, .kind = EV_CMO, .what = what, .addr = pa.pa, .val = bytes, .old = va.va);
}

void cpu_abort_taken(struct cpu *cpu, const struct mmu_syndrome *s)
{
	cpu->far_el2 = s->far;
	if (s->hpfar_valid)
		cpu->hpfar_el2 = s->hpfar;
}
