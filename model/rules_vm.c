// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules for the life of VMs (spec/ownership.md 2.14): places in the table, memory
 * that the host gives for EL2's structures and tables and how it comes back, vCPUs
 * that are loaded.
 */
#include "rules_private.h"

/* ---- Places in the table --------------------------------------------------------------- */

static void vm_becomes(struct m_verdict *v, enum m_vm_effect what, u32 slot)
{
	v->vm = what;
	v->slot = slot;
}

static bool free_slot(const struct judge *j, u32 *slot)
{
	for (*slot = 0; *slot < M_VMS; (*slot)++)
		if (j->s->vm[*slot].slot == M_SLOT_FREE)
			return true;
	return false;
}

static void commits(struct m_verdict *v, s64 ret, const char *why)
{
	rule_answer(v, (struct m_answer){ .end = M_RET, .ret = ret, .commits = true, .why = why });
}

static void reserve_vm(struct judge *j, struct m_verdict *v)
{
	u32 slot;

	if (!j->s->vm_table)
		return rule_deny(v, EINVAL, "there is no table of VMs");
	if (!free_slot(j, &slot))
		return rule_deny(v, ENOMEM, "every handle is taken");
	commits(v, EL2_HANDLE_OFFSET + slot, "the lowest free handle");
	vm_becomes(v, M_VM_RESERVED, slot);
}

static void tells_nothing(struct m_verdict *v, bool happens)
{
	rule_answer(v, (struct m_answer){
			       .end = M_DONE, .commits = happens, .why = "it tells nothing" });
}

static bool reserved(const struct judge *j, u32 handle)
{
	return j->s->vm_table && rule_slot(handle) < M_VMS &&
	       j->s->vm[rule_slot(handle)].slot == M_SLOT_RESERVED;
}

static void unreserve_vm(struct judge *j, struct m_verdict *v)
{
	const bool was = reserved(j, j->call->handle);

	tells_nothing(v, was);
	if (was)
		vm_becomes(v, M_VM_UNRESERVED, rule_slot(j->call->handle));
}

/* ---- What a VM is made of ------------------------------------------------------------------ */

static struct judge on_span(const struct judge *j, const struct m_span *s,
			    const struct m_verdict *v)
{
	struct judge k = *j;

	k.sofar = v;
	k.pfn = k.raw_pfn = s->pfn;
	k.nr = s->nr;
	return k;
}

static void effect(struct m_verdict *v, const struct m_span *s, u8 host, u8 hyp, s32 pins)
{
	v->effect[v->n_effects++] = (struct m_effect){
		.pfn = s->pfn, .nr = s->nr, .host = host, .hyp = hyp, .pins = pins
	};
}

/* The host's own struct, shared with EL2, stays. 0, or the errno of the pin. */
static int pin_span(const struct judge *j, const struct m_span *s, struct m_verdict *v,
		    const char **why)
{
	const struct judge k = on_span(j, s, v);
	int err = rule_may_pin(&k, why);

	if (!err)
		effect(v, s, M_KEEP, M_KEEP, 1);
	return err;
}

/* Memory that the host gives. Whatever is wrong with it, it is -ENOMEM. */
static bool donate_span(const struct judge *j, const struct m_span *s, struct m_verdict *v)
{
	const struct judge k = on_span(j, s, v);
	const char *why;

	if (s->misaligned || (j->d->profile->check_pfn_range && !rule_frames_valid(&k, s->pfn)) ||
	    rule_may_donate(&k, &why)) {
		rule_deny(v, ENOMEM, "memory that is not the host's to give, or not aligned");
		return false;
	}
	effect(v, s, PKVM_NOPAGE, PKVM_PAGE_OWNED, 0);
	return true;
}

/* An error: all that was pinned and given is as before, but for what it held. */
static void undo(struct m_verdict *v)
{
	for (unsigned int i = 0; i < v->n_effects; i++)
		v->effect[i].undone = true;
}

static void no_table_page(struct m_verdict *v)
{
	rule_answer(v, (struct m_answer){ .end = M_RET,
					  .ret = -ENOMEM,
					  .if_enomem = true,
					  .why = "a table page could not be had" });
}

/* The place for the VM: v7.0 on the one that was reserved, before that the first. */
static bool place_vm(const struct judge *j, u32 *slot, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	const struct m_span *pgd = &call->pgd;

	*slot = rule_slot(call->handle);
	if (!j->d->profile->reserves_vms && !free_slot(j, slot)) {
		rule_deny(v, ENOMEM, "every handle is taken");
		return false;
	}
	/* every release aborts in EL2 instead */
	if (pgd->pfn & (pgd->nr - 1)) {
		rule_deny(v, EINVAL, "start tables must be aligned to their size");
		return false;
	}
	if (!j->d->profile->reserves_vms || reserved(j, call->handle))
		return true;
	rule_deny(v, EINVAL, "the handle is not reserved");
	return false;
}

static bool make_vm(const struct judge *j, u32 *slot, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	const char *why;
	int err = pin_span(j, &call->host_struct, v, &why);

	if (err) {
		rule_deny(v, err, why);
		return false;
	}
	if (call->vcpus < 1) {
		rule_deny(v, EINVAL, "a VM has a vCPU");
		return false;
	}
	if (j->d->profile->reserves_vms && (s32)call->handle < EL2_HANDLE_OFFSET) {
		rule_deny(v, EINVAL, "no handle is so small");
		return false;
	}
	return donate_span(j, &call->area, v) && donate_span(j, &call->pgd, v) &&
	       place_vm(j, slot, v);
}

static void init_vm(struct judge *j, struct m_verdict *v)
{
	u32 slot;

	if (!make_vm(j, &slot, v))
		return undo(v);
	commits(v, j->d->profile->reserves_vms ? 0 : EL2_HANDLE_OFFSET + (s64)slot,
		"all checks pass");
	no_table_page(v);
	vm_becomes(v, M_VM_MADE, slot);
}

/* ---- vCPUs ------------------------------------------------------------------------------------- */

/* Up to v6.12 EL2 numbers vCPUs as they come; then the host does, in any order. */
static const char *no_place(const struct judge *j, const struct m_vm *vm)
{
	const struct m_call *call = j->call;
	struct m_vcpu taken;

	if (!j->d->profile->reserves_vms)
		return call->idx != vm->made ? "vCPUs come in order" : NULL;
	if (!vm->is_protected && !call->has_id_regs)
		return "the host has not set its id registers";
	if (call->idx >= vm->vcpus)
		return "the VM has no such vCPU";
	return j->s->vcpu(j->s, call->handle, call->idx, &taken) ? "the vCPU is there" : NULL;
}

static bool make_vcpu(const struct judge *j, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	const struct m_vm *vm = rule_vm_of(j, call->handle);
	const char *why = NULL;
	int err;

	if (!donate_span(j, &call->area, v))
		return false;
	err = vm ? 0 : ENOENT;
	if (err)
		why = "no such VM";
	if (!err && !j->d->profile->reserves_vms && vm->made >= vm->vcpus) {
		err = EINVAL;
		why = "the VM has all its vCPUs";
	}
	if (!err && pin_span(j, &call->host_struct, v, &why))
		err = EBUSY;
	if (!err) {
		why = no_place(j, vm);
		err = why ? EINVAL : 0;
	}
	if (err)
		rule_deny(v, err, why);
	return !err;
}

static void init_vcpu(struct judge *j, struct m_verdict *v)
{
	if (!make_vcpu(j, v))
		return undo(v);
	commits(v, 0, "all checks pass");
	no_table_page(v);
	vm_becomes(v, M_VM_HAS_VCPU, rule_slot(j->call->handle));
}

static void vcpu_load(struct judge *j, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	const struct m_vm *vm = rule_vm_of(j, call->handle);
	struct m_vcpu vcpu;
	bool loads = !j->s->loaded[call->cpu].handle && vm && !vm->dying && call->idx < vm->vcpus &&
		     j->s->vcpu(j->s, call->handle, call->idx, &vcpu) && !vcpu.loaded;

	tells_nothing(v, loads);
	if (loads)
		vm_becomes(v, M_VCPU_LOADED, rule_slot(call->handle));
}

static void vcpu_put(struct judge *j, struct m_verdict *v)
{
	const u32 handle = j->s->loaded[j->call->cpu].handle;

	tells_nothing(v, handle);
	if (handle)
		vm_becomes(v, M_VCPU_GONE, rule_slot(handle));
}

/* Up to v6.12 the host's structures say which vCPU it is. */
static void vcpu_run(struct judge *j, struct m_verdict *v)
{
	const struct m_call *call = j->call;
	const struct m_vm *vm = rule_vm_of(j, call->handle);
	struct m_vcpu vcpu;

	if (j->d->profile->reserves_vms ? j->s->loaded[call->cpu].handle != 0
					: vm && call->idx < vm->made &&
						  j->s->vcpu(j->s, call->handle, call->idx, &vcpu))
		return rule_answer(
			v, (struct m_answer){ .end = M_RET, .why = "an interrupt is pending" });
	rule_deny(v, EINVAL, "there is no such vCPU");
}

/* ---- The end ----------------------------------------------------------------------------------- */

static void start_teardown(struct judge *j, struct m_verdict *v)
{
	const struct m_vm *vm = rule_vm_of(j, j->call->handle);

	if (!vm || vm->users || vm->dying)
		return rule_deny(v, EINVAL, "no such VM, or in use, or begun before");
	commits(v, 0, "nobody uses it");
	vm_becomes(v, M_VM_DYING, rule_slot(j->call->handle));
}

static void goes(struct judge *j, struct m_verdict *v)
{
	commits(v, 0, "nobody uses it");
	no_table_page(v);
	v->frees = true;
	vm_becomes(v, M_VM_GONE, rule_slot(j->call->handle));
}

static void finalize_teardown(struct judge *j, struct m_verdict *v)
{
	const struct m_vm *vm = rule_vm_of(j, j->call->handle);

	if (!vm || vm->users || !vm->dying)
		return rule_deny(v, EINVAL, "no such VM, or in use, or not begun");
	goes(j, v);
}

static void teardown(struct judge *j, struct m_verdict *v)
{
	const struct m_vm *vm = rule_vm_of(j, j->call->handle);

	if (!vm)
		return rule_deny(v, ENOENT, "no such VM");
	if (vm->users)
		return rule_deny(v, EBUSY, "a vCPU of it is loaded");
	goes(j, v);
}

static void tlb_flush(struct judge *j, struct m_verdict *v)
{
	tells_nothing(v, false);
}

void rule_vm(struct judge *j, struct m_verdict *v)
{
	static void (*const rule[N_M_OPS])(struct judge * j, struct m_verdict * v) = {
		[M_RESERVE_VM] = reserve_vm,
		[M_UNRESERVE_VM] = unreserve_vm,
		[M_INIT_VM] = init_vm,
		[M_INIT_VCPU] = init_vcpu,
		[M_VCPU_LOAD] = vcpu_load,
		[M_VCPU_PUT] = vcpu_put,
		[M_VCPU_RUN] = vcpu_run,
		[M_START_TEARDOWN] = start_teardown,
		[M_FINALIZE_TEARDOWN] = finalize_teardown,
		[M_TEARDOWN] = teardown,
		[M_TLB_FLUSH] = tlb_flush,
	};

	rule[j->call->op](j, v);
}
