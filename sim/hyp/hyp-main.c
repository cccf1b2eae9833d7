// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host calls: which hypercall has which number in which release, when it is
 * refused, and what it does. After arch/arm64/kvm/hyp/nvhe/hyp-main.c. Beside it
 * the functions that only EL2 itself calls, by name.
 *
 * Those about virtual machines are in vm_calls.c. Hypercalls that need a GIC, a timer or
 * EL2's tracing are in no table: refused.
 */
#include <string.h>

#include "ffa.h"
#include "hcall.h"

#define SMCCC_HINT_SVE BIT(16)
#define SMCCC_VENDOR_HYP UINT64_C(0xc6000000) /* fast, 64 bit, owner 6 */
#define SMCCC_RET_NOT_SUPPORTED (~UINT64_C(0))

/* enum arm64_hyp_spectre_vector has this many */
#define BP_HARDEN_EL2_SLOTS 4

/* ---- Hypercalls ------------------------------------------------------------------------- */

/*
 * The host is trusted with this call. EL2 that runs on tables of its own clears
 * the memory they stand in, and aborts.
 */
static void handle___pkvm_init(struct hyp_cpu *c, u64 regs[18])
{
	struct hyp *hyp = c->hyp;
	s64 ret;

	HYP_FRAME(c);
	if (!IS_ALIGNED(regs[1] | regs[2], hyp_page_size(hyp))) {
		cpu_ret(regs, -EINVAL);
		return;
	}
	if (hyp->initialised)
		hyp_abort(c, "hyp_early_alloc_contig", hyp_va_of(hyp, PA(regs[1])));
	hyp->hyp_mem = (struct el2_section){ regs[1], regs[2] };
	hyp->hyp_va_bits = (u32)regs[hyp->profile->init_args];
	ret = __pkvm_init(c);
	if (!ret)
		ret = __pkvm_init_finalise(c);
	cpu_ret(regs, ret);
}

/* enum kvm_pgtable_prot of the release to PROT_*; bits that mean nothing are lost. */
u64 prot_of_host(const struct profile *p, u64 prot)
{
	const u64 x_and_above = prot >> (p->xn_two_bits ? 1 : 0);
	u64 out = prot & PROT_SW;

	if (p->xn_two_bits)
		out |= (prot & BIT(0) ? PROT_PX : 0) | (prot & BIT(1) ? PROT_UX : 0);
	else
		out |= prot & BIT(0) ? PROT_X : 0;
	out |= x_and_above & BIT(1) ? PROT_W : 0;
	out |= x_and_above & BIT(2) ? PROT_R : 0;
	out |= x_and_above & BIT(3) ? PROT_DEVICE : 0;
	out |= x_and_above & BIT(4) ? PROT_NORMAL_NC : 0;
	return out;
}

static void handle___pkvm_create_private_mapping(struct hyp_cpu *c, u64 regs[18])
{
	u64 prot = prot_of_host(c->hyp->profile, regs[3]);
	va_t va = { 0 };
	int ret;

	HYP_FRAME(c);
	ret = __pkvm_create_private_mapping(c, PA(regs[1]), regs[2], prot, &va);
	cpu_ret(regs, ret ? ret : (s64)va.va);
}

static void handle___pkvm_cpu_set_vector(struct hyp_cpu *c, u64 regs[18])
{
	cpu_ret(regs, (u32)regs[1] < BP_HARDEN_EL2_SLOTS ? 0 : -EINVAL);
}

/* SCTLR_EL2 is no part of the board. */
static void handle___kvm_enable_ssbs(struct hyp_cpu *c, u64 regs[18])
{
}

static void handle___pkvm_prot_finalize(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_prot_finalize(c));
}

static void handle___kvm_flush_vm_context(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_dsb(c->cpu, "ish");
	cpu_tlbi(c->cpu, &(struct tlbi){ .op = TLBI_ALLE1IS, .level = -1 });
	cpu_dsb(c->cpu, "ish");
}

static void handle___pkvm_host_share_hyp(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_host_share_hyp(c, regs[1]));
}

static void handle___pkvm_host_unshare_hyp(struct hyp_cpu *c, u64 regs[18])
{
	HYP_FRAME(c);
	cpu_ret(regs, __pkvm_host_unshare_hyp(c, regs[1]));
}

static const struct hcall host_hcall[] = {
	[EL2_CALL_pkvm_init] = { NUMBERS(2, 1, 0), handle___pkvm_init },
	[EL2_CALL_pkvm_init_v7_2] = { NUMBERS(0, 0, 1), handle___pkvm_init },
	[EL2_CALL_create_private_mapping] = { NUMBERS(3, 2, 2),
					      handle___pkvm_create_private_mapping },
	[EL2_CALL_cpu_set_vector] = { NUMBERS(4, 3, 3), handle___pkvm_cpu_set_vector },
	[EL2_CALL_enable_ssbs] = { NUMBERS(5, 4, 4), handle___kvm_enable_ssbs },
	[EL2_CALL_prot_finalize] = { NUMBERS(8, 7, 7), handle___pkvm_prot_finalize },
	[EL2_CALL_host_share_hyp] = { NUMBERS(9, 8, 29), handle___pkvm_host_share_hyp },
	[EL2_CALL_host_unshare_hyp] = { NUMBERS(10, 9, 30), handle___pkvm_host_unshare_hyp },
	[EL2_CALL_flush_vm_context] = { NUMBERS(13, 18, 10), handle___kvm_flush_vm_context },
};

/* Once the host is deprivileged numbers below @min are refused; before that, from
 * v7.1 on, numbers from @max on. */
static const struct {
	u8 min, max;
} hcall_band[N_PROFILES] = {
	[PROFILE_V6_12] = { 8, UINT8_MAX },
	[PROFILE_V7_0] = { 7, UINT8_MAX },
	[PROFILE_V7_2] = { 7, 29 },
};

static const struct hcall *hcall_of(const struct hyp *hyp, u64 nr)
{
	const enum profile_id p = hyp->profile->id;

	if (!nr)
		return NULL;
	if (hyp->protected_mode_initialized && !hyp_has_bug(hyp, BUG_B04) && nr < hcall_band[p].min)
		return NULL;
	if (!hyp->protected_mode_initialized && nr >= hcall_band[p].max)
		return NULL;
	for (unsigned int i = 0; i < G_N_ELEMENTS(host_hcall); i++)
		if (host_hcall[i].nr[p] == nr)
			return &host_hcall[i];
	for (unsigned int i = 0; i < N_VM_HCALLS; i++)
		if (vm_hcalls[i].nr[p] == nr)
			return &vm_hcalls[i];
	return NULL;
}

/*
 * handle_host_hcall - an HVC of the host: x0 the function id, arguments from x1.
 * x0 becomes 0 and x1 the result; refused calls give x0 = -1 and leave the rest.
 */
void handle_host_hcall(struct hyp_cpu *c, u64 regs[18])
{
	const u64 id = regs[0];
	const struct hcall *h;

	HYP_FRAME(c);
	event_step(c->cpu, EV_TRAP);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "hvc", .addr = id,
		   .val = regs[1]);
	h = hcall_of(c->hyp, (id & ~SMCCC_HINT_SVE) - SMCCC_VENDOR_HYP);
	regs[0] = h ? 0 : SMCCC_RET_NOT_SUPPORTED;
	if (h)
		h->handle(c, regs);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "eret_host", .addr = id,
		   .val = regs[1]);
}

u64 hyp_hvc_id(struct hyp *hyp, const struct el2_call *call)
{
	const u64 id = (u64)(call - el2_calls);
	const struct hcall *h;

	if (id >= EL2_CALL_FIRST_OWN)
		return 0;
	h = id < EL2_CALL_FIRST_VM ? &host_hcall[id] : &vm_hcalls[id - EL2_CALL_FIRST_VM];
	return SMCCC_VENDOR_HYP + h->nr[hyp->profile->id];
}

/* ---- What only EL2 calls ------------------------------------------------------------------ */

static s64 call_donate_mmio(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_host_donate_hyp_mmio(c, a[0], a[1]);
}

static s64 call_hand_back_mmio(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_hyp_donate_host_mmio(c, a[0], a[1]);
}

static s64 call_host_donate_hyp(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_host_donate_hyp(c, a[0], a[1]);
}

static s64 call_hyp_donate_host(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_hyp_donate_host(c, a[0], a[1]);
}

static s64 call_host_share_ffa(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_host_share_ffa(c, a[0], a[1]);
}

static s64 call_host_unshare_ffa(struct hyp_cpu *c, const u64 *a)
{
	return __pkvm_host_unshare_ffa(c, a[0], a[1]);
}

static s64 call_ffa_mem_share(struct hyp_cpu *c, const u64 *a)
{
	return ffa_mem_share(c, a[0], a[1]);
}

static s64 call_ffa_mem_reclaim(struct hyp_cpu *c, const u64 *a)
{
	return ffa_mem_reclaim(c, a[0], a[1]);
}

static s64 call_pin(struct hyp_cpu *c, const u64 *a)
{
	return hyp_pin_shared_mem(c, VA(a[0]), VA(a[1]));
}

static s64 call_unpin(struct hyp_cpu *c, const u64 *a)
{
	hyp_unpin_shared_mem(c, VA(a[0]), VA(a[1]));
	return 0;
}

static s64 call_host_stage2_idmap(struct hyp_cpu *c, const u64 *a)
{
	return host_stage2_idmap(c, a[0]);
}

/* What a host that has used a block would have to fault on again. */
static s64 call_host_stage2_unmap(struct hyp_cpu *c, const u64 *a)
{
	int ret;

	host_lock_component(c);
	ret = kvm_pgtable_stage2_unmap(c, &c->hyp->host_mmu.pgt, a[0], a[1]);
	host_unlock_component(c);
	return ret;
}

/* A device mapping at the linear address of a page, as a driver of EL2's would make it. */
static s64 call_map_mmio(struct hyp_cpu *c, const u64 *a)
{
	u64 phys = hyp_pfn_to_phys(c, a[0]);

	return pkvm_create_mappings(c, PA(phys), PA(phys + hyp_page_size(c->hyp)), PAGE_HYP_DEVICE);
}

static bool always(const struct hyp *hyp)
{
	return true;
}

static bool has_mmio_pages(const struct hyp *hyp)
{
	return hyp->knob[KNOB_MMIO_DONATION] == MMIO_DONATION_V3 ||
	       hyp->knob[KNOB_MMIO_DONATION] == MMIO_DONATION_V5;
}

static bool has_mmio_range(const struct hyp *hyp)
{
	return hyp->knob[KNOB_MMIO_DONATION] == MMIO_DONATION_RANGE;
}

/* Run by name, shown to nobody: recordings and benchmarks have them. */
static bool hidden(const struct hyp *hyp)
{
	return false;
}

#define ROW(call) (EL2_CALL_##call - EL2_CALL_FIRST_OWN)

static const struct internal_call internal_calls[] = {
	[ROW(host_donate_hyp_mmio)] = { has_mmio_pages, call_donate_mmio },
	[ROW(host_donate_hyp_mmio_range)] = { has_mmio_range, call_donate_mmio },
	[ROW(hyp_donate_host_mmio)] = { has_mmio_pages, call_hand_back_mmio },
	[ROW(hyp_donate_host_mmio_range)] = { has_mmio_range, call_hand_back_mmio },
	[ROW(host_donate_hyp)] = { always, call_host_donate_hyp },
	[ROW(hyp_donate_host)] = { always, call_hyp_donate_host },
	[ROW(host_share_ffa)] = { always, call_host_share_ffa },
	[ROW(host_unshare_ffa)] = { always, call_host_unshare_ffa },
	[ROW(ffa_mem_share)] = { hyp_has_ffa, call_ffa_mem_share },
	[ROW(ffa_mem_reclaim)] = { hyp_has_ffa, call_ffa_mem_reclaim },
	[ROW(pin_shared_mem)] = { always, call_pin },
	[ROW(unpin_shared_mem)] = { always, call_unpin },
	[ROW(host_stage2_idmap)] = { always, call_host_stage2_idmap },
	[ROW(map_mmio)] = { hidden, call_map_mmio },
	[ROW(host_stage2_unmap)] = { hidden, call_host_stage2_unmap },
};

G_STATIC_ASSERT(G_N_ELEMENTS(internal_calls) == EL2_CALL_FIRST_VM_OWN - EL2_CALL_FIRST_OWN);

/* One of EL2's own functions. */
static const struct internal_call *row_of(unsigned int id)
{
	return id < EL2_CALL_FIRST_VM_OWN ? &internal_calls[id - EL2_CALL_FIRST_OWN]
					  : &vm_internal_calls[id - EL2_CALL_FIRST_VM_OWN];
}

/* Every call this EL2 has: hypercalls of the release, then its own by the knobs. */
const struct el2_call *const *hyp_calls(struct hyp *hyp)
{
	unsigned int n = 0;

	G_STATIC_ASSERT(N_EL2_CALLS < HYP_MAX_CALLS);
	if (hyp->calls[0])
		return hyp->calls;
	for (unsigned int id = 0; id < N_EL2_CALLS; id++) {
		const struct el2_call *call = &el2_calls[id];

		if (call->hypercall ? hyp_hvc_id(hyp, call) != SMCCC_VENDOR_HYP
				    : row_of(id)->available(hyp))
			hyp->calls[n++] = call;
	}
	return hyp->calls;
}

/*
 * hyp_call - run one of EL2's own functions, which EL2 has or which is hidden. Arguments
 * not given are 1, which is what the optional ones mean.
 */
s64 hyp_call(struct hyp_cpu *c, const struct el2_call *call, const u64 *args, unsigned int n)
{
	u64 a[EL2_MAX_ARGS] = { 1, 1, 1, 1, 1, 1 };

	sim_assert(call >= &el2_calls[EL2_CALL_FIRST_OWN] && call < &el2_calls[N_EL2_CALLS]);
	if (n)
		memcpy(a, args, n * sizeof(*a));
	return row_of((unsigned int)(call - el2_calls))->fn(c, a);
}
