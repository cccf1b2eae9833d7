// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How flows of the driver run, and how vCPUs do: loaded when they are to run, put when
 * another one wants their CPU, they another CPU, or the VM ends. After kvm_arch_vcpu_load(),
 * _put() and kvm_arch_vcpu_ioctl_run() of arch/arm64/kvm/arm.c.
 *
 * An instruction of a guest that exits ends the action. What the host does about it is
 * done by `vm run`, which then lets the guest do the instruction again.
 */
#include "vm.h"

/* The host deals with an exit, and the guest exits for the same again: so often. */
#define REFAULTS 16u

/* ---- Flows -------------------------------------------------------------------------------- */

/* x1; *@refused: the dispatcher did not take it. */
static s64 hvc(struct flow *f, const struct el2_call *call, const u64 *args, unsigned int n,
	       bool *refused)
{
	struct machine_step s = { .kind = STEP_HVC, .cpu = f->cpu->id, .call = call, .n_args = n };
	struct machine *m = flow_machine(f);
	u64 regs[18] = { m->hyp->hvc_id(m->el2, call) };
	struct outcome o;

	for (unsigned int i = 0; i < n; i++)
		regs[1 + i] = s.args[i] = args[i];
	step_begin(m, &s);
	m->hyp->hvc(m->el2, f->cpu, regs);
	*refused = (s64)regs[0] == -1;
	o = flow_gives((s64)regs[1]);
	if (*refused)
		o = (struct outcome){ .kind = OUTCOME_REFUSED };
	step_end(m, &o);
	return (s64)regs[1];
}

s64 flow_hcall(struct flow *f, enum host_call id, const u64 *args, unsigned int n)
{
	const struct el2_call *call = flow_host(f)->call[id];
	bool refused;
	s64 ret;

	if (f->oops)
		return -EFAULT;
	if (!call)
		return -EOPNOTSUPP;
	ret = hvc(f, call, args, n, &refused);
	return refused && flow_release(f) >= PROFILE_V7_2 ? -EOPNOTSUPP : ret;
}

static bool flow_touch(struct flow *f, enum mmu_access acc, u64 pa, unsigned int size, u64 *val)
{
	if (!f->oops)
		f->oops = !host_touch(&f->a, f->cpu, acc, pa, size, val);
	return !f->oops;
}

u64 flow_load(struct flow *f, u64 pa)
{
	u64 val = 0;

	return flow_touch(f, MMU_READ, pa, 8, &val) ? val : 0;
}

void flow_store_field(struct flow *f, u64 pa, u64 val, unsigned int width)
{
	flow_touch(f, MMU_WRITE, pa, width, &val);
}

void flow_store(struct flow *f, u64 pa, u64 val)
{
	flow_store_field(f, pa, val, sizeof(val));
}

/* clear_page(): one write that the host's stage 2 must allow, and then the whole page. */
void flow_clear_page(struct flow *f, u64 pa)
{
	u64 val = 0;

	if (flow_touch(f, MMU_WRITE, pa, sizeof(val), &val))
		mem_zero(f->cpu, PA(pa), flow_page_size(f));
}

static s64 do_flow(struct cpu *cpu, void *arg)
{
	struct flow *f = arg;
	s64 ret;

	f->cpu = cpu;
	ret = f->fn(f);
	if (!f->oops && !f->ended)
		f->a.outcome = flow_gives(ret);
	return 0;
}

struct outcome flow_run(struct flow *f, unsigned int cpu)
{
	return machine_act(&f->a, cpu, do_flow);
}

bool flow_may_begin(struct machine *m, struct outcome *o)
{
	if (m->dead)
		*o = (struct outcome){ .kind = OUTCOME_NOT_RUN };
	else
		*o = flow_gives(-ENODEV);
	return !m->dead && m->hyp->view(m->el2)->booted;
}

/* ---- Which vCPU is where ---------------------------------------------------------------------- */

static u32 vcpu_number(const struct flow *f)
{
	const struct host *h = flow_host(f);
	const u64 vm = (u64)((const u8 *)f->vm - h->vms->bytes) / HOST_VM_STRIDE;

	return (u32)vm * HOST_VM_VCPUS + f->idx + 1;
}

static void find_loaded(struct flow *f, u32 number)
{
	struct machine *m = flow_machine(f);

	f->vm = host_vm_at(m, (number - 1) / HOST_VM_VCPUS);
	f->idx = (number - 1) % HOST_VM_VCPUS;
	f->vcpu = host_vcpu(m, f->vm, f->idx);
}

void flow_vcpu_put(struct flow *f)
{
	u32 *loaded = &flow_host(f)->loaded[f->cpu->id];
	struct flow old = *f;

	if (!*loaded)
		return;
	find_loaded(&old, *loaded);
	hcall(f, HC_VCPU_PUT);
	host_vcpu_mark(flow_machine(f), old.vcpu)->cpu = 0;
	*loaded = 0;
}

/*
 * This vCPU, and no other, on this CPU. EL2 does not tell whether it loaded it. v6.12 has no
 * such call: any vCPU may run anywhere. Errors of the first run.
 */
int flow_vcpu_load(struct flow *f)
{
	u32 *loaded = &flow_host(f)->loaded[f->cpu->id];
	int ret = pkvm_first_run(f);

	if (ret || *loaded == vcpu_number(f) || !flow_host(f)->call[HC_VCPU_LOAD])
		return ret;
	flow_vcpu_put(f);
	hcall(f, HC_VCPU_LOAD, f->vm->handle, f->idx, 0);
	*loaded = vcpu_number(f);
	host_vcpu_mark(flow_machine(f), f->vcpu)->cpu = (u16)(f->cpu->id + 1);
	return f->oops ? -EFAULT : 0;
}

static s64 do_put(struct flow *f)
{
	flow_vcpu_put(f);
	return 0;
}

static bool put_on(struct machine *m, unsigned int cpu, struct outcome *o)
{
	struct flow put = { .a.m = m, .fn = do_put };

	*o = flow_run(&put, cpu);
	return o->kind == OUTCOME_VALUE;
}

bool flow_begin(struct flow *f, struct machine *m, const char *name, u32 idx, struct outcome *o)
{
	if (!flow_may_begin(m, o))
		return false;
	f->a.m = m;
	f->vm = host_vm_find(m, name);
	*o = flow_gives(-ENOENT);
	if (!f->vm || (idx != FLOW_ALL_VCPUS && idx >= f->vm->vcpus))
		return false;
	for (unsigned int i = 0; i < m->board->n_cpus; i++) {
		struct flow on = { .a.m = m };

		if (!m->host->loaded[i])
			continue;
		find_loaded(&on, m->host->loaded[i]);
		if (on.vm == f->vm && idx == FLOW_ALL_VCPUS && !put_on(m, i, o))
			return false;
	}
	if (idx == FLOW_ALL_VCPUS)
		return true;
	f->idx = idx;
	f->vcpu = host_vcpu(m, f->vm, idx);
	return true;
}

/* A vCPU that is to run on @cpu leaves the one where it is loaded. */
static bool migrate(struct flow *f, unsigned int cpu, struct outcome *o)
{
	const unsigned int on = f->vcpu->cpu;

	return !on || on == cpu + 1 || put_on(f->a.m, on - 1, o);
}

bool flow_begin_on(struct flow *f, struct machine *m, unsigned int cpu, const char *name, u32 idx,
		   struct outcome *o)
{
	return flow_begin(f, m, name, idx, o) && migrate(f, cpu, o);
}

/* ---- What a guest does ----------------------------------------------------------------------------- */

/* kvm_vcpu_run: -EINVAL if EL2 has no vCPU loaded here. */
static s64 enter_guest(struct flow *f)
{
	return (int)hcall(f, HC_VCPU_RUN, host_kern_va(f->vcpu->vcpu));
}

static void keep_exit(struct flow *f, const struct guest_insn *insn, const struct guest_result *r)
{
	struct host_vcpu *v = host_vcpu_mark(flow_machine(f), f->vcpu);

	v->pending = true;
	v->insn = *insn;
	v->exit = r->exit;
}

static void end(struct flow *f, enum outcome_kind kind)
{
	f->ended = true;
	f->a.outcome = (struct outcome){ .kind = kind };
}

/* A call that nobody answers: the host says so, SMCCC_RET_NOT_SUPPORTED. */
static bool not_supported(const struct guest_insn *insn, const struct guest_result *r)
{
	return r->end == GUEST_EXITED && insn->hvc && !r->exit.rewind;
}

/* What an instruction ended in, as the outcome of an action. */
static struct outcome outcome_of(const struct guest_insn *insn, const struct guest_result *r)
{
	static const enum outcome_kind kind[] = {
		[GUEST_DONE] = OUTCOME_VALUE,	[GUEST_EXITED] = OUTCOME_FAULT,
		[GUEST_BUS] = OUTCOME_BUS,	[GUEST_HANG] = OUTCOME_HANG,
		[GUEST_ABSENT] = OUTCOME_VALUE,
	};

	if (r->end == GUEST_ABSENT)
		return flow_gives(-EINVAL);
	if (not_supported(insn, r) || (insn->hvc && r->end == GUEST_DONE && (s64)r->val == -1))
		return (struct outcome){ .kind = OUTCOME_REFUSED };
	return (struct outcome){ kind[r->end], insn->hvc, r->end == GUEST_DONE ? r->val : 0 };
}

/* One instruction of the loaded vCPU. Its registers are as before if it is to be done again. */
static struct guest_result step_guest(struct flow *f, const struct guest_insn *insn,
				      struct outcome *o)
{
	struct machine *m = flow_machine(f);
	struct machine_step s = { .kind = insn->hvc ? STEP_GUEST_HVC : STEP_GUEST_ACCESS,
				  .cpu = f->cpu->id,
				  .access = insn->acc,
				  .addr = insn->ipa,
				  .size = insn->size,
				  .vm = f->vm->handle };
	struct guest_insn done = *insn;
	struct guest_result r;

	for (unsigned int i = 0; insn->hvc && i < G_N_ELEMENTS(s.args); i++)
		s.args[s.n_args++] = insn->regs[i];
	step_begin(m, &s);
	r = guest_run(m->hyp, m->el2, f->cpu, &done);
	*o = outcome_of(insn, &r);
	step_end(m, o);
	host_vcpu_mark(m, f->vcpu)->pending = false;
	if (o->kind == OUTCOME_FAULT)
		keep_exit(f, insn, &r);
	return r;
}

static s64 do_guest(struct flow *f)
{
	s64 ret = flow_vcpu_load(f);

	if (!ret)
		ret = enter_guest(f);
	if (ret)
		return ret;
	step_guest(f, &f->insn, &f->a.outcome);
	f->ended = true;
	return 0;
}

static struct outcome guest_action(struct machine *m, unsigned int cpu, const char *name, u32 idx,
				   const struct guest_insn *insn)
{
	struct flow f = { .insn = *insn, .fn = do_guest };
	struct outcome o;

	return flow_begin_on(&f, m, cpu, name, idx, &o) ? flow_run(&f, cpu) : o;
}

struct outcome machine_guest_access(struct machine *m, unsigned int cpu, const char *name, u32 idx,
				    enum mmu_access acc, u64 ipa, unsigned int size, u64 val)
{
	const struct guest_insn insn = { .acc = acc, .ipa = ipa, .size = size, .val = val };

	sim_assert(size == 1 || size == 2 || size == 4 || size == 8);
	return guest_action(m, cpu, name, idx, &insn);
}

struct outcome machine_guest_hvc(struct machine *m, unsigned int cpu, const char *name, u32 idx,
				 const u64 *regs, unsigned int n)
{
	struct guest_insn insn = { .hvc = true };

	sim_assert(n <= G_N_ELEMENTS(insn.regs));
	for (unsigned int i = 0; i < n; i++)
		insn.regs[i] = regs[i];
	return guest_action(m, cpu, name, idx, &insn);
}

/* ---- KVM_RUN ------------------------------------------------------------------------------------------ */

/* The instruction that exited, again. True: it exited again. */
static bool again(struct flow *f, s64 *ret)
{
	const struct guest_insn insn = f->vcpu->insn;
	struct outcome o;
	struct guest_result r = step_guest(f, &insn, &o);

	*ret = r.end == GUEST_ABSENT ? -EINVAL : 0;
	if (o.kind == OUTCOME_BUS || o.kind == OUTCOME_HANG)
		end(f, o.kind);
	return o.kind == OUTCOME_FAULT;
}

/* Until the guest has done what it exited for, or the host has no answer. */
static s64 do_run(struct flow *f)
{
	s64 ret = flow_vcpu_load(f);

	if (ret || !f->vcpu->pending)
		return ret ? ret : enter_guest(f);
	for (unsigned int i = 0; i < REFAULTS; i++) {
		ret = kvm_handle_guest_abort(f);
		if (!ret)
			ret = enter_guest(f);
		if (ret || !again(f, &ret))
			return ret;
	}
	end(f, OUTCOME_HANG);
	return 0;
}

struct outcome machine_vm_run(struct machine *m, unsigned int cpu, const char *name, u32 idx)
{
	struct flow f = { .fn = do_run };
	struct outcome o;

	return flow_begin_on(&f, m, cpu, name, idx, &o) ? flow_run(&f, cpu) : o;
}

struct outcome machine_vm_put(struct machine *m, const char *name, u32 idx)
{
	struct flow f = { .fn = do_put };
	struct outcome o;

	if (!flow_begin(&f, m, name, idx, &o))
		return o;
	return f.vcpu->cpu ? flow_run(&f, f.vcpu->cpu - 1u) : flow_gives(0);
}
