// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's switch.c for what a guest traps for: its handlers of exits run as after an
 * exception that the board's CPU took from the loaded vCPU. What loads and saves the rest of
 * a guest's registers is not part of it, nor is the tree's own end of EL2.
 */
#include <asm/alternative-macros.h>

struct kvm_vcpu;
#define __kvm_vcpu_run sim_unused_run
static int __kvm_vcpu_run(struct kvm_vcpu *vcpu);
#define hyp_panic sim_unused_panic
static void hyp_panic(void) __attribute__((noreturn));
#define hyp_panic_bad_stack sim_unused_panic_bad_stack
static void hyp_panic_bad_stack(void) __attribute__((noreturn));
#define kvm_unexpected_el2_exception sim_unused_exception
static void kvm_unexpected_el2_exception(void);

/* Where EL2's own context is saved while a guest runs: nobody does, and a CPU's area is small. */
#include <linux/percpu-defs.h>
#undef DECLARE_PER_CPU
#undef DEFINE_PER_CPU
#define SIM_AREA_kvm_hyp_ctxt ~, ".data.sim_unused"
#define SIM_AREA(name) __section(SIM_PICK(SIM_AREA_##name, PER_CPU_BASE_SECTION, ~))
#define DECLARE_PER_CPU(type, name) extern __percpu SIM_AREA(name) __typeof__(type) name
#define DEFINE_PER_CPU(type, name) __percpu SIM_AREA(name) __typeof__(type) name

#include <nvhe/switch.c>

#include <nvhe/pkvm.h>

#include "glue.h"

/* No interrupt controller has to be asked before a guest's fault is looked at. */
struct static_key_false vgic_v2_cpuif_trap = STATIC_KEY_FALSE_INIT;
struct static_key_false vgic_v3_cpuif_trap = STATIC_KEY_FALSE_INIT;

#define GUEST_PC 0x1000

static void move_regs(u64 *to, const u64 *from)
{
	unsigned int i;

	for (i = 0; i < TREE_REGS; i++)
		to[i] = from[i];
}

/*
 * The vCPU that is loaded here took the exception that the registers tell of: as after
 * __guest_exit(), with its stage 2 loaded. Nothing is said of all that, the guest's own
 * registers stand in EL2's copy of it.
 */
void glue_guest_trap(struct tree_shared *s, bool *sim_silent)
{
	struct kvm_cpu_context *host = host_data_ptr(host_ctxt);
	struct pkvm_hyp_vcpu *hyp_vcpu = pkvm_get_loaded_hyp_vcpu();
	unsigned long *vttbr = sim_reg_vttbr_el2(), before = *vttbr;
	struct kvm_vcpu *vcpu = &hyp_vcpu->vcpu;
	u64 code = ARM_EXCEPTION_TRAP;

	*sim_silent = true;
	s->guest_end = TREE_GUEST_NONE;
	if (!hyp_vcpu)
		return;
	move_regs(vcpu->arch.ctxt.regs.regs, s->regs);
	glue_exception(s);
	write_sysreg_el2(GUEST_PC, SYS_ELR);
	host->__hyp_running_vcpu = vcpu;
	*vttbr = kvm_get_vttbr(kern_hyp_va(vcpu->arch.hw_mmu));

	*sim_silent = false;
	s->guest_end = fixup_guest_exit(vcpu, &code) ? TREE_GUEST_RESUMED : TREE_GUEST_EXITED;
	*sim_silent = true;

	*vttbr = before;
	host->__hyp_running_vcpu = NULL;
	move_regs(s->regs, vcpu->arch.ctxt.regs.regs);
	s->esr = vcpu->arch.fault.esr_el2;
	s->far = vcpu->arch.fault.far_el2;
	s->hpfar = vcpu->arch.fault.hpfar_el2;
	s->rewind = read_sysreg_el2(SYS_ELR) != GUEST_PC;
	*sim_silent = false;
}
