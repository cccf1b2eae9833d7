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
	{
		.call = {
			.name = "pkvm_init",
			.full = "__pkvm_init",
			.hypercall = true,
			.arg = { ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER),
				 ARG("nr_cpus", ARG_NUMBER), ARG("per_cpu_base", ARG_ADDR),
				 ARG("hyp_va_bits", ARG_NUMBER) },
			.n_args = 5,
			.n_required = 5,
			.doc = "take over EL2 with this memory: 0 or -errno; early",
		},
		.nr = NUMBERS(2, 1, 0),
		.handle = handle___pkvm_init,
	},
	{
		.call = {
			.name = "pkvm_init",
			.full = "__pkvm_init",
			.hypercall = true,
			.arg = { ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER),
				 ARG("per_cpu_base", ARG_ADDR), ARG("hyp_va_bits", ARG_NUMBER) },
			.n_args = 4,
			.n_required = 4,
			.doc = "take over EL2 with this memory: 0 or -errno; early",
		},
		.nr = NUMBERS(0, 0, 1),
		.handle = handle___pkvm_init,
	},
	{
		.call = {
			.name = "create_private_mapping",
			.full = "__pkvm_create_private_mapping",
			.hypercall = true,
			.arg = { ARG("phys", ARG_ADDR), ARG("size", ARG_NUMBER),
				 ARG("prot", ARG_PROT) },
			.n_args = 3,
			.n_required = 3,
			.doc = "map memory in EL2's private range: its EL2 address or -errno; early",
		},
		.nr = NUMBERS(3, 2, 2),
		.handle = handle___pkvm_create_private_mapping,
	},
	{
		.call = {
			.name = "cpu_set_vector",
			.full = "__pkvm_cpu_set_vector",
			.hypercall = true,
			.arg = { ARG("slot", ARG_NUMBER) },
			.n_args = 1,
			.n_required = 1,
			.doc = "choose this CPU's exception vectors: 0 or -EINVAL; early",
		},
		.nr = NUMBERS(4, 3, 3),
		.handle = handle___pkvm_cpu_set_vector,
	},
	{
		.call = {
			.name = "enable_ssbs",
			.full = "__kvm_enable_ssbs",
			.hypercall = true,
			.doc = "set SCTLR_EL2.DSSBS; early",
		},
		.nr = NUMBERS(5, 4, 4),
		.handle = handle___kvm_enable_ssbs,
	},
	{
		.call = {
			.name = "prot_finalize",
			.full = "__pkvm_prot_finalize",
			.hypercall = true,
			.doc = "the host's stage 2 on for this CPU: 0, -EPERM if it is on",
		},
		.nr = NUMBERS(8, 7, 7),
		.handle = handle___pkvm_prot_finalize,
	},
	{
		.call = {
			.name = "host_share_hyp",
			.full = "__pkvm_host_share_hyp",
			.hypercall = true,
			.arg = { ARG("pfn", ARG_PFN) },
			.n_args = 1,
			.n_required = 1,
			.doc = "lend a page to EL2: 0 or -errno",
		},
		.nr = NUMBERS(9, 8, 29),
		.handle = handle___pkvm_host_share_hyp,
	},
	{
		.call = {
			.name = "host_unshare_hyp",
			.full = "__pkvm_host_unshare_hyp",
			.hypercall = true,
			.arg = { ARG("pfn", ARG_PFN) },
			.n_args = 1,
			.n_required = 1,
			.doc = "take a lent page back: 0 or -errno",
		},
		.nr = NUMBERS(10, 9, 30),
		.handle = handle___pkvm_host_unshare_hyp,
	},
	{
		.call = {
			.name = "flush_vm_context",
			.full = "__kvm_flush_vm_context",
			.hypercall = true,
			.doc = "invalidate all of EL1's translations",
		},
		.nr = NUMBERS(13, 18, 10),
		.handle = handle___kvm_flush_vm_context,
	},
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
	for (unsigned int i = 0; i < n_vm_hcalls; i++)
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
	for (unsigned int i = 0; i < G_N_ELEMENTS(host_hcall); i++)
		if (&host_hcall[i].call == call)
			return SMCCC_VENDOR_HYP + host_hcall[i].nr[hyp->profile->id];
	for (unsigned int i = 0; i < n_vm_hcalls; i++)
		if (&vm_hcalls[i].call == call)
			return SMCCC_VENDOR_HYP + vm_hcalls[i].nr[hyp->profile->id];
	return 0;
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

static const struct internal_call internal_calls[] = {
	{
		.call = {
			.name = "host_donate_hyp_mmio",
			.full = "__pkvm_host_donate_hyp_mmio",
			.arg = { ARG("pfn", ARG_PFN) },
			.n_args = 1,
			.n_required = 1,
			.doc = "take a page of a device's registers from the host",
		},
		.available = has_mmio_pages,
		.fn = call_donate_mmio,
	},
	{
		.call = {
			.name = "host_donate_hyp_mmio",
			.full = "__pkvm_host_donate_hyp_mmio",
			.arg = { ARG("pfn", ARG_PFN), OPTIONAL("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 1,
			.doc = "take pages of a device's registers from the host",
		},
		.available = has_mmio_range,
		.fn = call_donate_mmio,
	},
	{
		.call = {
			.name = "hyp_donate_host_mmio",
			.full = "__pkvm_hyp_donate_host_mmio",
			.arg = { ARG("pfn", ARG_PFN) },
			.n_args = 1,
			.n_required = 1,
			.doc = "give a page of a device's registers back to the host",
		},
		.available = has_mmio_pages,
		.fn = call_hand_back_mmio,
	},
	{
		.call = {
			.name = "hyp_donate_host_mmio",
			.full = "__pkvm_hyp_donate_host_mmio",
			.arg = { ARG("pfn", ARG_PFN), OPTIONAL("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 1,
			.doc = "give pages of a device's registers back to the host",
		},
		.available = has_mmio_range,
		.fn = call_hand_back_mmio,
	},
	{
		.call = {
			.name = "host_donate_hyp",
			.full = "__pkvm_host_donate_hyp",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "take pages of memory from the host",
		},
		.available = always,
		.fn = call_host_donate_hyp,
	},
	{
		.call = {
			.name = "hyp_donate_host",
			.full = "__pkvm_hyp_donate_host",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "give pages of memory to the host",
		},
		.available = always,
		.fn = call_hyp_donate_host,
	},
	{
		.call = {
			.name = "host_share_ffa",
			.full = "__pkvm_host_share_ffa",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "lend pages of the host to the secure world",
		},
		.available = always,
		.fn = call_host_share_ffa,
	},
	{
		.call = {
			.name = "host_unshare_ffa",
			.full = "__pkvm_host_unshare_ffa",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "take pages back from the secure world",
		},
		.available = always,
		.fn = call_host_unshare_ffa,
	},
	{
		.call = {
			.name = "ffa_mem_share",
			.full = "do_ffa_mem_share",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "lend pages of the host, and the secure world takes them (ffa=v1.N)",
		},
		.available = hyp_has_ffa,
		.fn = call_ffa_mem_share,
	},
	{
		.call = {
			.name = "ffa_mem_reclaim",
			.full = "do_ffa_mem_reclaim",
			.arg = { ARG("pfn", ARG_PFN), ARG("nr_pages", ARG_NR) },
			.n_args = 2,
			.n_required = 2,
			.doc = "the secure world hands back pages that it was lent (ffa=v1.N)",
		},
		.available = hyp_has_ffa,
		.fn = call_ffa_mem_reclaim,
	},
	{
		.call = {
			.name = "pin_shared_mem",
			.full = "hyp_pin_shared_mem",
			.arg = { ARG("from", ARG_VA), ARG("to", ARG_VA) },
			.n_args = 2,
			.n_required = 2,
			.doc = "keep shared pages from being unshared",
		},
		.available = always,
		.fn = call_pin,
	},
	{
		.call = {
			.name = "unpin_shared_mem",
			.full = "hyp_unpin_shared_mem",
			.arg = { ARG("from", ARG_VA), ARG("to", ARG_VA) },
			.n_args = 2,
			.n_required = 2,
			.doc = "undo one pin",
		},
		.available = always,
		.fn = call_unpin,
	},
	{
		.call = {
			.name = "host_stage2_idmap",
			.full = "host_stage2_idmap",
			.arg = { ARG("addr", ARG_ADDR) },
			.n_args = 1,
			.n_required = 1,
			.doc = "map what the host would fault on at this address",
		},
		.available = always,
		.fn = call_host_stage2_idmap,
	},
	{
		.call = {
			.name = "map_mmio",
			.full = "pkvm_create_mappings",
			.arg = { ARG("pfn", ARG_PFN) },
			.n_args = 1,
			.n_required = 1,
			.doc = "map a page of registers at EL2's linear address",
		},
		.available = hidden,
		.fn = call_map_mmio,
	},
	{
		.call = {
			.name = "host_stage2_unmap",
			.full = "host_stage2_unmap",
			.arg = { ARG("addr", ARG_ADDR), ARG("size", ARG_NUMBER) },
			.n_args = 2,
			.n_required = 2,
			.doc = "unmap a range of the host's stage 2",
		},
		.available = hidden,
		.fn = call_host_stage2_unmap,
	},
};

/* Every call this EL2 has: hypercalls of the release, then its own by the knobs. */
const struct el2_call *const *hyp_calls(struct hyp *hyp)
{
	unsigned int n = 0;

	sim_assert(G_N_ELEMENTS(host_hcall) + n_vm_hcalls + G_N_ELEMENTS(internal_calls) +
			   n_vm_internal_calls <
		   HYP_MAX_CALLS);
	if (hyp->calls[0])
		return hyp->calls;
	for (unsigned int i = 0; i < G_N_ELEMENTS(host_hcall); i++)
		if (host_hcall[i].nr[hyp->profile->id])
			hyp->calls[n++] = &host_hcall[i].call;
	for (unsigned int i = 0; i < n_vm_hcalls; i++)
		if (vm_hcalls[i].nr[hyp->profile->id])
			hyp->calls[n++] = &vm_hcalls[i].call;
	for (unsigned int i = 0; i < G_N_ELEMENTS(internal_calls); i++)
		if (internal_calls[i].available(hyp))
			hyp->calls[n++] = &internal_calls[i].call;
	for (unsigned int i = 0; i < n_vm_internal_calls; i++)
		if (vm_internal_calls[i].available(hyp))
			hyp->calls[n++] = &vm_internal_calls[i].call;
	return hyp->calls;
}

/* A row of a table: what hyp_calls() gives is one, and needs no name. */
static const struct internal_call *row_of(const struct internal_call *table, unsigned int n,
					  const struct el2_call *call)
{
	const uintptr_t at = (uintptr_t)call, first = (uintptr_t)table;

	return at - first < n * sizeof(*table) ? (const void *)call : NULL;
}

static const struct internal_call *find_row(const struct hyp *hyp, const char *name)
{
	const struct internal_call *found = NULL;

	for (unsigned int i = 0; i < G_N_ELEMENTS(internal_calls); i++)
		if ((internal_calls[i].available(hyp) || internal_calls[i].available == hidden) &&
		    !strcmp(internal_calls[i].call.name, name))
			found = &internal_calls[i];
	for (unsigned int i = 0; !found && i < n_vm_internal_calls; i++)
		if (vm_internal_calls[i].available(hyp) &&
		    !strcmp(vm_internal_calls[i].call.name, name))
			found = &vm_internal_calls[i];
	sim_assert(found);
	return found;
}

/*
 * hyp_call - run one of EL2's own functions. Arguments not given are 1, which is
 * what the optional ones mean. @call: of hyp_calls(), or anything of that name.
 */
s64 hyp_call(struct hyp_cpu *c, const struct el2_call *call, const u64 *args, unsigned int n)
{
	const struct internal_call *ic = row_of(internal_calls, G_N_ELEMENTS(internal_calls), call);
	u64 a[EL2_MAX_ARGS];

	for (unsigned int i = 0; i < EL2_MAX_ARGS; i++)
		a[i] = i < n ? args[i] : 1;
	if (!ic)
		ic = row_of(vm_internal_calls, n_vm_internal_calls, call);
	if (!ic && c->hyp->named != call) {
		c->hyp->named_row = find_row(c->hyp, call->name);
		c->hyp->named = call;
	}
	if (!ic)
		ic = c->hyp->named_row;
	return ic->fn(c, a);
}
