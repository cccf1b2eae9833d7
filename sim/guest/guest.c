// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vCPU's instruction: through the stage 2 of the VM that is loaded, to the bus, or
 * to EL2.
 */
#include "guest.h"

#include <string.h>

/* EL2 resumes the guest after a fault: so often with the same fault it never ends. */
#define REFAULTS 16u

static const char *const words[] = { "guest read", "guest write", "guest exec" };

struct guest {
	const struct hypervisor *hyp;
	struct el2 *e;
	struct cpu *cpu;
	const struct guest_insn *insn;
	struct guest_result *r;
};

static enum guest_end after_trap(enum el2_guest_result res)
{
	return res == EL2_GUEST_EXITED ? GUEST_EXITED : GUEST_ABSENT;
}

/* A stage-2 fault of the guest. True: EL2 dealt with it. */
static bool fault(struct guest *g, u64 ipa, unsigned int size, const struct mmu_result *walk)
{
	struct el2_fault f = { .access = g->insn->acc, .ipa = ipa, .walk = *walk };
	enum el2_guest_result res;

	mmu_syndrome_s2(walk, ipa, g->insn->acc, size, true, &f.syndrome);
	event_emit(g->cpu, .kind = EV_ABORT, .what = "guest", .addr = ipa, .val = f.syndrome.esr);
	res = g->hyp->guest_abort(g->e, g->cpu, &f, &g->r->exit);
	if (res == EL2_GUEST_RESUMED)
		return true;
	g->r->end = after_trap(res);
	g->r->walk = *walk;
	return false;
}

static bool translate(struct guest *g, u64 ipa, unsigned int size, pa_t *oa)
{
	struct mmu_table t;
	struct mmu_result walk;

	for (unsigned int n = 0; n < REFAULTS; n++) {
		event_step(g->cpu, EV_ACCESS);
		t = g->hyp->guest_s2(g->e, g->cpu);
		g->r->end = GUEST_ABSENT;
		if (!t.root.pa)
			return false;
		cpu_translate(g->cpu, &t, g->insn->acc, ipa, &walk);
		*oa = walk.oa;
		if (walk.fault == MMU_OK)
			return true;
		if (!fault(g, ipa, size, &walk))
			return false;
	}
	g->r->end = GUEST_HANG;
	return false;
}

/* Bytes of an access up to the end of its page. */
static bool piece(struct guest *g, unsigned int done, unsigned int size)
{
	u64 ipa = g->insn->ipa + done, val = g->insn->val >> (8 * done);
	enum mmu_access acc = g->insn->acc;
	enum bus_result bus;
	pa_t oa;

	if (size < 8)
		val &= BIT(8 * size) - 1;
	if (!translate(g, ipa, size, &oa))
		return false;
	bus = acc == MMU_WRITE ? bus_write(g->cpu, oa, size, val)
			       : bus_read(g->cpu, oa, size, &val);
	if (bus != BUS_OK) {
		event_emit(g->cpu, .kind = EV_ABORT, .what = "bus", .addr = ipa);
		g->r->end = GUEST_BUS;
		return false;
	}
	if (acc == MMU_EXEC)
		val = 0;
	event_emit(g->cpu, .kind = EV_ACCESS, .what = words[acc], .arg = size, .addr = ipa,
		   .val = val, .old = oa.pa);
	if (acc == MMU_READ)
		g->r->val |= val << (8 * done);
	return true;
}

static void access_memory(struct guest *g)
{
	const struct guest_insn *insn = g->insn;
	u64 page = BIT(g->cpu->board->f->page_shift);
	u64 left = page - (insn->ipa & (page - 1));
	unsigned int first = left < insn->size ? (unsigned int)left : insn->size;

	if (piece(g, 0, first) && (first == insn->size || piece(g, first, insn->size - first)))
		g->r->end = GUEST_DONE;
}

static void call(struct guest *g, u64 regs[18])
{
	enum el2_guest_result res = g->hyp->guest_hvc(g->e, g->cpu, regs, &g->r->exit);

	g->r->end = res == EL2_GUEST_RESUMED ? GUEST_DONE : after_trap(res);
	g->r->val = regs[0];
}

struct guest_result guest_run(const struct hypervisor *hyp, struct el2 *e, struct cpu *cpu,
			      struct guest_insn *insn)
{
	struct guest_result r = { .end = GUEST_DONE };
	struct guest g = { .hyp = hyp, .e = e, .cpu = cpu, .insn = insn, .r = &r };

	if (insn->hvc)
		call(&g, insn->regs);
	else
		access_memory(&g);
	return r;
}
