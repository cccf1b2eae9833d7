// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine with memory of all kinds, and the transitions by name. */
#include <string.h>

#include "tests/unit/ownership_rig.h"

static const struct ram_region memory[] = {
	{ 0x40000000, 64 * MiB, false },
	{ 0x44000000, 2 * MiB, true },
	{ 0x44200000, 62 * MiB, false },
	{ 0x48000000, 0x3000, false }, /* a region of its own: adjacent, not the same */
	{ 0x50000000, 0x3000, false },
};

/* ---- Machines ------------------------------------------ */

void rig_start(struct hyp_machine *m, enum profile_id p)
{
	hm_config(m, "virt", &el2_profiles[p]);
	hm_ram(m, memory, G_N_ELEMENTS(memory));
	g_array_set_size(m->bc->mmio, 0);
	m->ec->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_V5;
	/* not at the end of memory, where ranges are tried */
	m->ec->has_hyp_memory = true;
	m->ec->hyp_memory = 0x41000000;
}

void rig_boot(struct hyp_machine *m)
{
	hm_start(m);
	g_assert_cmpint(hm_boot(m), ==, 0);
}

void rig_booted(struct hyp_machine *m, enum profile_id p)
{
	rig_start(m, p);
	rig_boot(m);
}

/* What an operation did: 0, -errno, or PANIC. */
struct op_call {
	struct hyp_machine *m;
	enum rig_op op;
	u64 phys, n;
};

static u64 pfn(const struct op_call *o)
{
	return o->phys >> o->m->b->f->page_shift;
}

static s64 share(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_share_hyp(c, pfn(o));
}

static s64 unshare(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_unshare_hyp(c, pfn(o));
}

static s64 donate(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_donate_hyp(c, pfn(o), o->n);
}

static s64 give(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_hyp_donate_host(c, pfn(o), o->n);
}

static s64 lend(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_share_ffa(c, pfn(o), o->n);
}

static s64 unlend(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_unshare_ffa(c, pfn(o), o->n);
}

static s64 pin(struct hyp_cpu *c, const struct op_call *o)
{
	va_t va = hyp_va_of(c->hyp, PA(o->phys));

	return hyp_pin_shared_mem(c, va, VA(va.va + o->n * hyp_page_size(c->hyp)));
}

static s64 unpin(struct hyp_cpu *c, const struct op_call *o)
{
	va_t va = hyp_va_of(c->hyp, PA(o->phys));

	hyp_unpin_shared_mem(c, va, VA(va.va + o->n * hyp_page_size(c->hyp)));
	return 0;
}

static s64 fault(struct hyp_cpu *c, const struct op_call *o)
{
	struct el2_fault f = { .ipa = o->phys, .walk.fault = MMU_FAULT_TRANSLATION };

	mmu_syndrome_s2(&f.walk, f.ipa, MMU_READ, 8, true, &f.syndrome);
	return handle_host_mem_abort(c, &f) == EL2_ABORT_INJECTED ? -EPERM : 0;
}

static s64 donate_mmio(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_host_donate_hyp_mmio(c, pfn(o), o->n);
}

static s64 give_mmio(struct hyp_cpu *c, const struct op_call *o)
{
	return __pkvm_hyp_donate_host_mmio(c, pfn(o), o->n);
}

static s64 map_device(struct hyp_cpu *c, const struct op_call *o)
{
	return pkvm_create_mappings(c, PA(o->phys), PA(o->phys + 4096), PAGE_HYP_DEVICE);
}

const char *const rig_op_name[N_OPS] = {
	[SH] = "share_hyp",
	[UH] = "unshare_hyp",
	[DH] = "donate_hyp",
	[HD] = "donate_host",
	[SF] = "share_ffa",
	[UF] = "unshare_ffa",
	[PIN] = "pin",
	[UNPIN] = "unpin",
	[ABORT] = "host abort",
	[DONATE_MMIO] = "donate_hyp_mmio",
	[GIVE_MMIO] = "donate_host_mmio",
	[MAP_DEVICE] = "map a device",
};

static s64 (*const op_fn[N_OPS])(struct hyp_cpu *c, const struct op_call *o) = {
	[SH] = share,
	[UH] = unshare,
	[DH] = donate,
	[HD] = give,
	[SF] = lend,
	[UF] = unlend,
	[PIN] = pin,
	[UNPIN] = unpin,
	[ABORT] = fault,
	[DONATE_MMIO] = donate_mmio,
	[GIVE_MMIO] = give_mmio,
	[MAP_DEVICE] = map_device,
};

static s64 run_op(struct hyp_cpu *c, void *arg)
{
	struct op_call *o = arg;

	return op_fn[o->op](c, o);
}

/* Runs it, and whatever it gave, no lock is held afterwards unless EL2 died. */
s64 rig_do_n(struct hyp_machine *m, enum rig_op op, u64 phys, u64 n)
{
	struct op_call o = { m, op, phys, n };
	s64 ret;

	if (!hm_run(m, run_op, &o, &ret))
		return PANIC;
	for (const struct spinlock *l = m->b->locks; l; l = l->next)
		if (spin_is_locked(l))
			g_error("%s left %s locked", rig_op_name[op], l->name);
	return ret;
}

s64 rig_do(struct hyp_machine *m, enum rig_op op, u64 phys)
{
	return rig_do_n(m, op, phys, 1);
}

void rig_must(struct hyp_machine *m, enum rig_op op, u64 phys)
{
	s64 ret = rig_do(m, op, phys);

	if (ret)
		g_error("%s of 0x%" G_GINT64_MODIFIER "x: %d", rig_op_name[op], phys, (int)ret);
}

struct abs_page rig_look(struct hyp_machine *m, u64 phys)
{
	struct abs_page p;

	memset(&p, 0, sizeof(p));
	model_page(m->b, pkvm_hypervisor.view(m->e), PA(phys), &p);
	return p;
}
