// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule an action falls under, and with which arguments: the table of calls about the
 * host's own memory, accesses, and what guests call. Those about VMs are in oracle_vm.c.
 */
#include <errno.h>
#include <string.h>

#include "oracle_impl.h"

/* ---- Which rule is it? -------------------------------------------------------------- */

enum shape { SHAPE_NONE, SHAPE_PFN, SHAPE_PFN_NR, SHAPE_MMIO, SHAPE_VAS, SHAPE_ADDR };

/* Beyond its rule: it contains pkvm_init; EL2 maps what the host names; prot_finalize. */
enum special { NO_MORE, BOOTS, ADOPTS, FINALIZES };

struct rule_of_call {
	const char *name;
	enum m_op op;
	enum shape shape;
	bool early; /* for a host that is still trusted */
	enum special special;
};

static const struct rule_of_call calls[] = {
	{ "host_share_hyp", M_HOST_SHARE_HYP, SHAPE_PFN, false },
	{ "host_unshare_hyp", M_HOST_UNSHARE_HYP, SHAPE_PFN, false },
	{ "host_donate_hyp", M_HOST_DONATE_HYP, SHAPE_PFN_NR, false },
	{ "hyp_donate_host", M_HYP_DONATE_HOST, SHAPE_PFN_NR, false },
	{ "host_share_ffa", M_HOST_SHARE_FFA, SHAPE_PFN_NR, false },
	{ "host_unshare_ffa", M_HOST_UNSHARE_FFA, SHAPE_PFN_NR, false },
	{ "ffa_mem_share", M_FFA_MEM_SHARE, SHAPE_PFN_NR, false },
	{ "ffa_mem_reclaim", M_FFA_MEM_RECLAIM, SHAPE_PFN_NR, false },
	{ "pin_shared_mem", M_PIN, SHAPE_VAS, false },
	{ "unpin_shared_mem", M_UNPIN, SHAPE_VAS, false },
	{ "host_donate_hyp_mmio", M_DONATE_HYP_MMIO, SHAPE_MMIO, false },
	{ "hyp_donate_host_mmio", M_DONATE_HOST_MMIO, SHAPE_MMIO, false },
	{ "host_stage2_idmap", M_IDMAP, SHAPE_ADDR, false },
	{ "prot_finalize", M_OTHER, SHAPE_NONE, false, FINALIZES },
	{ "pkvm_init", M_OTHER, SHAPE_NONE, true, BOOTS },
	{ "create_private_mapping", M_OTHER, SHAPE_NONE, true, ADOPTS },
	{ "cpu_set_vector", M_OTHER, SHAPE_NONE, true },
	{ "enable_ssbs", M_OTHER, SHAPE_NONE, true },
	{ "flush_vm_context", M_OTHER, SHAPE_NONE, false },
	{ NULL, M_OTHER, SHAPE_NONE, false },
};

/* A release's call is found by name once, and then by its place among those seen last. */
static __attribute__((noinline)) const struct rule_of_call *find_rule(struct oracle *o,
								      const struct el2_call *call)
{
	const struct rule_of_call *r = calls;

	while (r->name && strcmp(r->name, call->name))
		r++;
	o->seen_call[o->next_seen].call = call;
	o->seen_call[o->next_seen].row = (u8)(r - calls);
	o->next_seen = (o->next_seen + 1) % CALLS_SEEN;
	return r;
}

static const struct rule_of_call *rule_of(struct oracle *o, const struct el2_call *call)
{
	if (!call)
		return &calls[G_N_ELEMENTS(calls) - 1];
	for (unsigned int i = 0; i < CALLS_SEEN; i++)
		if (o->seen_call[i].call == call)
			return &calls[o->seen_call[i].row];
	return find_rule(o, call);
}

static void call_arguments(struct oracle *o, enum shape shape)
{
	const u64 *a = o->action.args;
	const u64 page = BIT(o->shift);
	struct m_call *call = &o->call;

	call->nr = 1;
	switch (shape) {
	case SHAPE_NONE:
		break;
	case SHAPE_PFN:
		call->pfn = a[0];
		break;
	case SHAPE_PFN_NR:
		call->pfn = a[0];
		call->nr = o->action.n_args > 1 ? a[1] : 1;
		break;
	case SHAPE_MMIO:
		call->pfn = a[0];
		call->nr = o->action.n_args > 1 && o->design.mmio_range ? a[1] : 1;
		break;
	case SHAPE_VAS: /* linear addresses of EL2, rounded outward */
		call->pfn = (ALIGN_DOWN(a[0], page) - o->v->layout->va_offset) >> o->shift;
		call->nr = (ALIGN_UP(a[1], page) - ALIGN_DOWN(a[0], page)) >> o->shift;
		break;
	case SHAPE_ADDR:
		call->addr = a[0];
		break;
	}
}

static void single_answer(struct oracle *o, s64 ret, const char *why)
{
	o->verdict.n = 1;
	o->verdict.anything = false;
	o->verdict.answer[0] = (struct m_answer){ .end = M_RET, .ret = ret, .why = why };
}

static void judge_prot_finalize(struct oracle *o)
{
	if (o->state.s2_on >> o->action.cpu & 1)
		single_answer(o, -EPERM, "the stage 2 of this CPU is on");
	else
		single_answer(o, 0, "the CPU's stage 2 goes on");
}

const struct tlb_entry *guests_tlb_entry(const struct oracle *o, u32 handle, u64 ipa)
{
	const struct el2_guest_view *g = model_guest(o->v, handle);
	const struct tlb *tlb = &o->b->cpus[o->action.cpu].tlb;

	for (u32 i = 0; g && i < tlb->used; i++) {
		const struct tlb_entry *e = &tlb->e[i];

		if (e->valid && e->regime == TLB_S2 && e->vmid == g->s2.vmid &&
		    ipa - e->ia < e->size)
			return e;
	}
	return NULL;
}

static bool entry_allows(const struct tlb_entry *e, enum mmu_access access)
{
	return access == MMU_READ ? e->r : access == MMU_WRITE ? e->w : e->x;
}

/*
 * A CPU's TLB may have more than a guest's tables, or less. More: that a right was taken
 * away is the host's to tell, when it likes. Less: a right that was added is told to the
 * CPU that asked for it and to no other, where the guest faults once more and the host asks
 * again. That this CPU was told is checked when it asks (guests_end()), so whatever
 * is found here was added by another one.
 */
static void judge_piece(struct oracle *o)
{
	const struct tlb_entry *e =
		o->action.kind == ORACLE_GUEST_ACCESS
			? guests_tlb_entry(o, o->state.loaded[o->action.cpu].handle, o->call.addr)
			: NULL;

	o->call.known_to_tlb = e && entry_allows(e, o->action.access);
	m_judge(&o->state, &o->design, &o->call, &o->verdict);
	if (e && !o->call.known_to_tlb && o->verdict.answer[0].end == M_OK_ACCESS &&
	    o->verdict.n < M_MAX_ANSWERS)
		o->verdict.answer[o->verdict.n++] =
			(struct m_answer){ .end = M_EXIT,
					   .why = "the TLB has less than the tables" };
}

/* An access that crosses a page is two, and the first that does not succeed ends it. */
static void judge_access(struct oracle *o)
{
	const u64 page = BIT(o->shift);
	const u64 next = ALIGN_DOWN(o->action.addr, page) + page;
	/* a device may not answer, nor may what lies beside memory in its page */
	const bool may_end = m_class_of(&o->state, o->action.addr) == M_HOLE ||
			     m_class_of(&o->state, next - 1) == M_HOLE;

	judge_piece(o);
	if (o->verdict.answer[0].end != M_OK_ACCESS || o->action.size <= next - o->action.addr)
		return;
	o->call.addr = next;
	judge_piece(o);
	/* and then the second page is never reached */
	if (o->action.kind == ORACLE_HOST_ACCESS && may_end && o->verdict.n < M_MAX_ANSWERS)
		o->verdict.answer[o->verdict.n++] =
			(struct m_answer){ .end = M_BUS, .why = "the first page may not answer" };
}

static void name_guest_call(struct oracle *o)
{
	const u64 *a = o->action.args;
	const struct m_loaded *on = &o->state.loaded[o->action.cpu];
	const u32 id = (u32)a[0];
	const bool known = id == M_GUEST_FEATURES || id == M_GUEST_MEMINFO ||
			   id == M_GUEST_MEM_SHARE || id == M_GUEST_MEM_UNSHARE;

	o->call.op = M_GUEST_CALL;
	memcpy(o->call.arg, a, sizeof(o->call.arg));
	/* what EL2 does not answer the host does: with no */
	o->refusal = REFUSE_NOT;
	if (on->handle && (!known || !o->design.profile->protected_guests ||
			   !o->state.vm[on->handle - EL2_HANDLE_OFFSET].is_protected))
		o->refusal = REFUSE_MUST;
}

/* What is no call that has a rule here. */
static __attribute__((noinline)) void name_other(struct oracle *o)
{
	static const enum m_op op_of_access[] = { M_HOST_READ, M_HOST_WRITE, M_HOST_EXEC };
	static const enum m_op op_of_guest[] = { M_GUEST_READ, M_GUEST_WRITE, M_GUEST_EXEC };
	const struct oracle_action *a = &o->action;

	if (a->kind == ORACLE_HOST_ACCESS)
		o->call.op = op_of_access[a->access];
	else if (a->kind == ORACLE_CALL)
		guests_name(o);
	else if (a->kind == ORACLE_GUEST_ACCESS)
		o->call.op = op_of_guest[a->access];
	else if (a->kind == ORACLE_GUEST_CALL)
		name_guest_call(o);
	o->boots = a->kind == ORACLE_INIT || a->kind == ORACLE_FINALISE || a->kind == ORACLE_BOOT;
}

static const struct rule_of_call *name_action(struct oracle *o)
{
	const struct oracle_action *a = &o->action;
	const struct rule_of_call *r = rule_of(o, a->kind == ORACLE_CALL ? a->call : NULL);

	/* what is there of guests is much, and read of calls about them alone */
	if (!r->name)
		memset(&o->call, 0, sizeof(o->call));
	o->call.op = r->op;
	o->call.cpu = a->cpu;
	o->call.pfn = 0;
	o->call.addr = a->addr;
	o->call.size = a->size;
	call_arguments(o, r->shape);
	o->boots = r->special == BOOTS;
	o->adopts = r->special == ADOPTS;
	o->refusal = REFUSE_MAY;
	if (unlikely(!r->name))
		name_other(o);
	else if (o->state.deprivileged)
		o->refusal = r->early ? REFUSE_MUST : REFUSE_NOT;
	return r;
}

static __attribute__((noinline)) void judge_other(struct oracle *o, const struct rule_of_call *r)
{
	const struct oracle_action *a = &o->action;

	o->verdict = (struct m_verdict){ .anything = true };
	if (a->kind == ORACLE_PROT_FINALIZE && !o->v->booted)
		single_answer(o, 0, "EL2 did not come up");
	else if (a->kind == ORACLE_PROT_FINALIZE || r->special == FINALIZES)
		judge_prot_finalize(o);
	else if (a->kind == ORACLE_HOST_ACCESS || (a->kind == ORACLE_GUEST_ACCESS && o->v->booted))
		judge_access(o);
	else if (a->kind != ORACLE_SMC && o->v->booted)
		m_judge(&o->state, &o->design, &o->call, &o->verdict);
}

void judge_action(struct oracle *o)
{
	const struct rule_of_call *r = name_action(o);

	if (likely(o->action.kind == ORACLE_CALL && o->v->booted && r->special != FINALIZES))
		m_judge(&o->state, &o->design, &o->call, &o->verdict);
	else
		judge_other(o, r);
}
