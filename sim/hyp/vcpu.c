// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual CPUs at EL2: made, loaded, run; and what a guest asks of EL2. After
 * arch/arm64/kvm/hyp/nvhe/pkvm.c and hyp-main.c (6.12.117, 7.2.13; v7.0 by dated
 * changes).
 *
 * A vCPU is its donated area. The VM's area has a pointer to it, by vcpu_idx.
 */
#include "guest.h"

/* Guest calls of the vendor's hypervisor service. */
#define GUEST_FEATURES 0x86000000u
#define GUEST_HYP_MEMINFO 0xc6000002u
#define GUEST_MEM_SHARE 0xc6000003u
#define GUEST_MEM_UNSHARE 0xc6000004u
#define GUEST_FEATURE_BITS 0x1d /* these four */
#define SMCCC_SUCCESS 0
#define SMCCC_INVALID_PARAMETER (~UINT64_C(2)) /* -3 */

/* What the exit of a MEM_SHARE of nothing looks like: a write, no translation, level 3. */
#define ESR_SHARE_ABSENT UINT64_C(0x92000047)

/* ---- Where things stand ------------------------------------------------------------------- */

u64 hyp_vcpu_load(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u32 off)
{
	return mem_load64(c->cpu, pa_add(hyp_pa_of(c->hyp, vcpu->va), off), MO_PLAIN);
}

void hyp_vcpu_store(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u32 off, u64 val)
{
	mem_store64(c->cpu, pa_add(hyp_pa_of(c->hyp, vcpu->va), off), val, MO_PLAIN);
}

pa_t hyp_vcpu_slot(const struct hyp *hyp, const struct pkvm_hyp_vm *vm, u32 idx)
{
	return pa_add(hyp_pa_of(hyp, vm->va), hyp->vm_layout->hyp_vm_size + (u64)idx * sizeof(u64));
}

/* The vCPU with number @idx of @vm; false: there is none. @idx < hyp_vm_vcpus(). */
bool hyp_vm_vcpu(struct hyp_cpu *c, struct pkvm_hyp_vm *vm, u32 idx, struct pkvm_hyp_vcpu *vcpu)
{
	vcpu->vm = vm;
	vcpu->va = VA(mem_load64(c->cpu, hyp_vcpu_slot(c->hyp, vm, idx), MO_PLAIN));
	return vcpu->va.va;
}

/* v6.12 makes them in order and looks at those made; later any may be missing. */
u32 hyp_vm_vcpus(const struct hyp *hyp, const struct pkvm_hyp_vm *vm)
{
	return hyp->profile->reserves_vms ? vm->created_vcpus : vm->nr_vcpus;
}

/* ---- Making one ---------------------------------------------------------------------------- */

static void unpin_vcpu_at(struct hyp_cpu *c, va_t host_vcpu)
{
	hyp_unpin_shared_mem(c, host_vcpu, VA(host_vcpu.va + c->hyp->vm_layout->vcpu_size));
}

/* The host's struct kvm_vcpu of @vcpu may go. Takes host and hyp locks. */
void unpin_host_vcpu(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu)
{
	const u64 host_vcpu = hyp_vcpu_load(c, vcpu, c->hyp->vm_layout->hyp_vcpu_host);

	if (host_vcpu)
		unpin_vcpu_at(c, VA(host_vcpu));
}

/*
 * Guests that are not protected get the host's id registers, once the host has set them.
 * Which features a protected guest may have is no part of the model, nor is SVE.
 */
static int init_id_regs(struct hyp_cpu *c, const struct pkvm_hyp_vm *vm)
{
	const struct el2_vm_layout *l = c->hyp->vm_layout;

	if (!c->hyp->profile->reserves_vms || pkvm_hyp_vm_is_protected(vm))
		return 0;
	return hyp_load_host(c, VA(vm->host_kvm.va + l->kvm_flags)) & l->kvm_has_id_regs ? 0
											 : -EINVAL;
}

static int init_pkvm_hyp_vcpu(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, va_t host_vcpu,
			      u32 *idx)
{
	const u32 next = vcpu->vm->nr_vcpus;
	int ret;

	if (hyp_pin_shared_mem(c, host_vcpu, VA(host_vcpu.va + c->hyp->vm_layout->vcpu_size)))
		return -EBUSY;
	*idx = (u32)hyp_load_host(c, VA(host_vcpu.va + c->hyp->vm_layout->vcpu_idx));
	if (!c->hyp->profile->reserves_vms && *idx != next) {
		unpin_vcpu_at(c, host_vcpu);
		return -EINVAL;
	}
	hyp_vcpu_store(c, vcpu, c->hyp->vm_layout->hyp_vcpu_host, host_vcpu.va);
	hyp_vcpu_store(c, vcpu, HYP_VCPU_IDX, *idx);
	ret = init_id_regs(c, vcpu->vm);
	if (ret)
		unpin_vcpu_at(c, host_vcpu);
	return ret;
}

/* v7.0 leaves the host's memory pinned for ever if this fails, as B-21 does. */
static bool undoes_late_errors(const struct hyp *hyp)
{
	return hyp->profile->late_errors_undone && !hyp_has_bug(hyp, BUG_B21);
}

static int register_hyp_vcpu(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u32 idx)
{
	struct pkvm_hyp_vcpu taken;

	if (idx >= vcpu->vm->created_vcpus || hyp_vm_vcpu(c, vcpu->vm, idx, &taken)) {
		if (undoes_late_errors(c->hyp))
			unpin_host_vcpu(c, vcpu);
		return -EINVAL;
	}
	mem_store64(c->cpu, hyp_vcpu_slot(c->hyp, vcpu->vm, idx), vcpu->va.va,
		    undoes_late_errors(c->hyp) ? MO_RELEASE : MO_PLAIN);
	vcpu->vm->nr_vcpus++;
	return 0;
}

static int add_vcpu_locked(struct hyp_cpu *c, u32 handle, va_t host_vcpu, va_t area)
{
	struct pkvm_hyp_vcpu vcpu = { .vm = get_vm_by_handle(c, handle), .va = area };
	u32 idx;
	int ret;

	if (!vcpu.vm)
		return -ENOENT;
	/* v6.12 gives the numbers itself, and has no more of them */
	if (!c->hyp->profile->reserves_vms && vcpu.vm->nr_vcpus >= vcpu.vm->created_vcpus)
		return -EINVAL;
	ret = init_pkvm_hyp_vcpu(c, &vcpu, host_vcpu, &idx);
	return ret ? ret : register_hyp_vcpu(c, &vcpu, idx);
}

/*
 * __pkvm_init_vcpu - EL2's side of a vCPU. @host_vcpu: the host's struct kvm_vcpu, shared
 * with EL2, which stays pinned. @vcpu_hva: host address of memory for struct pkvm_hyp_vcpu.
 * Takes the locks of a donation, then vm_table_lock and inside it those of a pin.
 * -ENOMEM: the donation; -ENOENT: no such VM (a dying one will do); -EBUSY: no pin;
 * -EINVAL: id registers not there, a number too large or taken.
 */
int __pkvm_init_vcpu(struct hyp_cpu *c, u32 handle, va_t host_vcpu, u64 vcpu_hva)
{
	va_t area;
	int ret;

	HYP_FRAME(c);
	area = map_donated_memory(c, vcpu_hva, c->hyp->vm_layout->hyp_vcpu_size);
	if (!area.va)
		return -ENOMEM;
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	ret = add_vcpu_locked(c, handle, host_vcpu, area);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	if (ret)
		unmap_donated_memory(c, area, c->hyp->vm_layout->hyp_vcpu_size);
	return ret;
}

/* ---- Loading --------------------------------------------------------------------------- */

/* The vCPU that may be used on this CPU from now on. vm_table_lock. */
static bool find_to_load(struct hyp_cpu *c, u32 handle, u32 idx, struct pkvm_hyp_vcpu *vcpu)
{
	struct pkvm_hyp_vm *vm = get_vm_by_handle(c, handle);

	if (!vm || vm->is_dying || idx >= hyp_vm_vcpus(c->hyp, vm))
		return false;
	return hyp_vm_vcpu(c, vm, idx, vcpu);
}

/*
 * __pkvm_vcpu_load - this CPU is about to run a vCPU. Nothing happens, and the host is not
 * told, if one is loaded here; no such VM, or it is dying; no such vCPU; loaded elsewhere.
 * Takes vm_table_lock. v7.0 on.
 */
void __pkvm_vcpu_load(struct hyp_cpu *c, u32 handle, u32 idx)
{
	const u32 loaded = c->hyp->vm_layout->hyp_vcpu_loaded;
	struct pkvm_hyp_vcpu vcpu;

	HYP_FRAME(c);
	if (c->loaded_vcpu.va)
		return;
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	if (find_to_load(c, handle, idx, &vcpu) && !hyp_vcpu_load(c, &vcpu, loaded)) {
		hyp_vcpu_store(c, &vcpu, loaded, c->cpu->id + 1);
		hyp_page_ref_inc(c, hyp_vm_page(c, vcpu.vm));
		c->loaded_vcpu = vcpu.va;
		c->loaded_vm = vcpu.vm;
	}
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
}

/* __pkvm_vcpu_put - and no longer. Takes vm_table_lock if there is one. */
void __pkvm_vcpu_put(struct hyp_cpu *c)
{
	struct pkvm_hyp_vcpu vcpu;

	HYP_FRAME(c);
	if (!pkvm_get_loaded_hyp_vcpu(c, &vcpu))
		return;
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	hyp_vcpu_store(c, &vcpu, c->hyp->vm_layout->hyp_vcpu_loaded, 0);
	c->loaded_vcpu = VA(0);
	c->loaded_vm = NULL;
	hyp_page_ref_dec(c, hyp_vm_page(c, vcpu.vm));
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
}

/* The vCPU loaded on this CPU; false: none. */
bool pkvm_get_loaded_hyp_vcpu(struct hyp_cpu *c, struct pkvm_hyp_vcpu *vcpu)
{
	if (!c->loaded_vcpu.va)
		return false;
	*vcpu = (struct pkvm_hyp_vcpu){ .vm = pkvm_vm_mark(c->hyp, c->loaded_vm),
					.va = c->loaded_vcpu };
	return true;
}

struct mmu_table pkvm_guest_s2(struct hyp_cpu *c)
{
	return c->loaded_vm ? c->loaded_vm->pgt.mmu : (struct mmu_table){ 0 };
}

/* v6.12 finds the vCPU through the host's structures, for as long as it runs. */
static s64 run_by_handle(struct hyp_cpu *c, va_t host_vcpu)
{
	const struct el2_vm_layout *l = c->hyp->vm_layout;
	const va_t kvm = kern_hyp_va(hyp_load_host(c, VA(host_vcpu.va + l->vcpu_kvm)));
	const u32 handle = (u32)hyp_load_host(c, VA(kvm.va + l->kvm_handle));
	const u32 idx = (u32)hyp_load_host(c, VA(host_vcpu.va + l->vcpu_idx));
	struct pkvm_hyp_vcpu vcpu;
	bool found;

	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	found = find_to_load(c, handle, idx, &vcpu);
	if (found)
		hyp_page_ref_inc(c, hyp_vm_page(c, vcpu.vm));
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	if (!found)
		return -EINVAL;
	put_pkvm_hyp_vm(c, vcpu.vm);
	return 0;
}

/*
 * __kvm_vcpu_run - enter the guest. What it does there are actions of their own; here an
 * interrupt is pending: 0, ARM_EXCEPTION_IRQ. -EINVAL: no vCPU is loaded; v6.12: the host's
 * structures name none. From v7.0 on @host_vcpu is not looked at.
 */
s64 __kvm_vcpu_run(struct hyp_cpu *c, u64 host_vcpu)
{
	HYP_FRAME(c);
	if (!c->hyp->profile->reserves_vms)
		return run_by_handle(c, kern_hyp_va(host_vcpu));
	return c->loaded_vcpu.va ? 0 : -EINVAL;
}

/* ---- What a guest traps for --------------------------------------------------------------- */

static void set_fault(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu,
		      const struct el2_guest_exit *exit)
{
	hyp_vcpu_store(c, vcpu, HYP_VCPU_FAULT_ESR, exit->esr);
	hyp_vcpu_store(c, vcpu, HYP_VCPU_FAULT_FAR, exit->far);
	hyp_vcpu_store(c, vcpu, HYP_VCPU_FAULT_HPFAR, exit->hpfar);
}

/* Guest stage-2 faults are the host's to handle; EL2 keeps what it was told of them. */
enum el2_guest_result pkvm_guest_abort(struct hyp_cpu *c, const struct el2_fault *f,
				       struct el2_guest_exit *exit)
{
	struct pkvm_hyp_vcpu vcpu;

	HYP_FRAME(c);
	cpu_abort_taken(c->cpu, &f->syndrome);
	if (!pkvm_get_loaded_hyp_vcpu(c, &vcpu))
		return EL2_GUEST_NONE;
	*exit = (struct el2_guest_exit){ .esr = f->syndrome.esr, .far = f->syndrome.far };
	/* After a permission fault AT is asked, as for the host. */
	if (f->syndrome.hpfar_valid)
		exit->hpfar = (f->syndrome.hpfar & HPFAR_FIPA) | HPFAR_NS;
	else if (!f->at_fails)
		exit->hpfar = FIELD_PREP(HPFAR_FIPA, f->ipa >> 12) | HPFAR_NS;
	set_fault(c, &vcpu, exit);
	return EL2_GUEST_EXITED;
}

/* The host is to give the page that the guest wants to share, then the guest asks again. */
static void share_absent(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 ipa,
			 struct el2_guest_exit *exit)
{
	*exit = (struct el2_guest_exit){
		.esr = ESR_SHARE_ABSENT,
		.hpfar = FIELD_PREP(HPFAR_FIPA, ipa >> 12) | HPFAR_NS,
		.rewind = true,
	};
	set_fault(c, vcpu, exit);
}

/* False: the call is not answered, and the guest leaves. */
static bool guest_mem_call(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu, u64 regs[18],
			   struct el2_guest_exit *exit)
{
	const bool share = (u32)regs[0] == GUEST_MEM_SHARE;
	const u64 ipa = regs[1];
	int ret = -EINVAL;

	if (!regs[2] && !regs[3] && IS_ALIGNED(ipa, hyp_page_size(c->hyp)))
		ret = (share ? __pkvm_guest_share_host
			     : __pkvm_guest_unshare_host)(c, vcpu, ipa >> c->hyp->f->page_shift);
	if (share && ret == -ENOENT) {
		share_absent(c, vcpu, ipa, exit);
		return false;
	}
	regs[0] = ret ? SMCCC_INVALID_PARAMETER : SMCCC_SUCCESS;
	return true;
}

/*
 * handle_pvm_exit_hvc64() - the calls of a protected guest that EL2 answers: x0 the result,
 * x1 to x3 zero. All others, and all of a guest that is not protected, are the host's.
 */
enum el2_guest_result pkvm_guest_hvc(struct hyp_cpu *c, u64 regs[18], struct el2_guest_exit *exit)
{
	struct pkvm_hyp_vcpu vcpu;

	HYP_FRAME(c);
	if (!pkvm_get_loaded_hyp_vcpu(c, &vcpu))
		return EL2_GUEST_NONE;
	*exit = (struct el2_guest_exit){ .esr = FIELD_PREP(ESR_EC, EC_HVC64) | ESR_IL };
	/* whoever answers, where the fault before it was is no longer of a fault */
	hyp_vcpu_store(c, &vcpu, HYP_VCPU_FAULT_ESR, exit->esr);
	if (!c->hyp->profile->protected_guests || !pkvm_hyp_vm_is_protected(vcpu.vm))
		return EL2_GUEST_EXITED;
	switch ((u32)regs[0]) {
	case GUEST_FEATURES:
		regs[0] = GUEST_FEATURE_BITS;
		break;
	case GUEST_HYP_MEMINFO:
		regs[0] = regs[1] || regs[2] || regs[3] ? SMCCC_INVALID_PARAMETER
							: hyp_page_size(c->hyp);
		break;
	case GUEST_MEM_SHARE:
	case GUEST_MEM_UNSHARE:
		if (!guest_mem_call(c, &vcpu, regs, exit))
			return EL2_GUEST_EXITED;
		break;
	default:
		return EL2_GUEST_EXITED;
	}
	regs[1] = regs[2] = regs[3] = 0;
	return EL2_GUEST_RESUMED;
}
