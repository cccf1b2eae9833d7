// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life and death of a VM as the host's driver has it, after arch/arm64/kvm/pkvm.c and
 * arm.c (6.12.117; v7.0 by dated changes; 7.2.13). EL2's side is made when a vCPU first
 * runs: to v6.12 with all vCPUs at once, later each when it runs.
 *
 * What Linux warns of and steps over is what these actions give: the first of it.
 */
#include <string.h>

#include "vm.h"

/* ---- The books ---------------------------------------------------------------------------- */

G_STATIC_ASSERT(sizeof(struct host_vm) <= HOST_VM_STRIDE);
G_STATIC_ASSERT(sizeof(struct host_vcpu) <= HOST_VCPU_STRIDE);
G_STATIC_ASSERT(sizeof(struct host_mapping) == HOST_MAPPING_STRIDE);
G_STATIC_ASSERT(sizeof(struct host_page) == sizeof(u64));

static const char *const call_names[N_HOST_CALLS] = {
	[HC_SHARE_HYP] = "host_share_hyp",
	[HC_UNSHARE_HYP] = "host_unshare_hyp",
	[HC_RESERVE_VM] = "reserve_vm",
	[HC_UNRESERVE_VM] = "unreserve_vm",
	[HC_INIT_VM] = "init_vm",
	[HC_INIT_VCPU] = "init_vcpu",
	[HC_VCPU_LOAD] = "vcpu_load",
	[HC_VCPU_PUT] = "vcpu_put",
	[HC_VCPU_RUN] = "kvm_vcpu_run",
	[HC_START_TEARDOWN] = "start_teardown_vm",
	[HC_RECLAIM_DYING] = "reclaim_dying_guest_page",
	[HC_FINALIZE_TEARDOWN] = "finalize_teardown_vm",
	[HC_TEARDOWN] = "teardown_vm",
	[HC_DONATE_GUEST] = "host_donate_guest",
	[HC_SHARE_GUEST] = "host_share_guest",
	[HC_UNSHARE_GUEST] = "host_unshare_guest",
	[HC_RELAX_PERMS] = "host_relax_perms_guest",
	[HC_WRPROTECT] = "host_wrprotect_guest",
	[HC_TEST_CLEAR_YOUNG] = "host_test_clear_young_guest",
	[HC_MKYOUNG] = "host_mkyoung_guest",
	[HC_IN_POISON_FAULT] = "vcpu_in_poison_fault",
	[HC_FORCE_RECLAIM] = "force_reclaim_guest_page",
	[HC_TLB_FLUSH_VMID] = "tlb_flush_vmid",
};

static void number_pages(struct machine *m, struct host *h)
{
	const struct board_config *c = m->board->config;
	const unsigned int shift = m->board->f->page_shift;

	h->first_page = board_alloc(m->board, c->ram->len * sizeof(*h->first_page));
	for (unsigned int i = 0; i < c->ram->len; i++) {
		const struct ram_region *r = &g_array_index(c->ram, struct ram_region, i);
		const u64 from = ALIGN_UP(r->base, BIT(shift)) >> shift;
		const u64 to = (r->base + r->size) >> shift;

		h->first_page[i] = h->n_pages;
		if (!r->nomap && to > from)
			h->n_pages += to - from;
	}
}

static void find_calls(struct machine *m, struct host *h)
{
	const struct el2_call *const *calls = m->hyp->calls(m->el2);

	for (; *calls; calls++)
		for (unsigned int i = 0; i < N_HOST_CALLS; i++)
			if ((*calls)->hypercall && !strcmp((*calls)->name, call_names[i]))
				h->call[i] = *calls;
}

/* The driver's books of a machine that was just made. False: no address space for them. */
bool host_new(struct machine *m)
{
	struct host *h = m->host = board_alloc(m->board, sizeof(*h));

	number_pages(m, h);
	h->cursor = h->n_pages;
	find_calls(m, h);
	h->pages = board_store_new(m->board, (h->n_pages + 1) * sizeof(struct host_page));
	h->mappings = board_store_new(m->board, (h->n_pages + 1) * HOST_MAPPING_STRIDE);
	h->vms = board_store_new(m->board, HOST_VMS * HOST_VM_STRIDE);
	h->vcpus = board_store_new(m->board, (u64)HOST_VMS * HOST_VM_VCPUS * HOST_VCPU_STRIDE);
	return h->pages && h->mappings && h->vms && h->vcpus;
}

struct host_vm *host_vm_at(struct machine *m, u32 vm)
{
	return (void *)(m->host->vms->bytes + (u64)vm * HOST_VM_STRIDE);
}

struct host_vm *host_vm_mark(struct machine *m, struct host_vm *vm)
{
	store_mark(m->board, m->host->vms, (u64)((u8 *)vm - m->host->vms->bytes));
	return vm;
}

static u32 vm_number(struct machine *m, const struct host_vm *vm)
{
	return (u32)((u64)((const u8 *)vm - m->host->vms->bytes) / HOST_VM_STRIDE);
}

struct host_vcpu *host_vcpu(struct machine *m, const struct host_vm *vm, u32 idx)
{
	const u64 n = (u64)vm_number(m, vm) * HOST_VM_VCPUS + idx;

	return (void *)(m->host->vcpus->bytes + n * HOST_VCPU_STRIDE);
}

struct host_vcpu *host_vcpu_mark(struct machine *m, struct host_vcpu *v)
{
	store_mark(m->board, m->host->vcpus, (u64)((u8 *)v - m->host->vcpus->bytes));
	return v;
}

static struct host_vm *find_in_state(struct machine *m, const char *name, u8 state)
{
	for (u32 i = 0; i < HOST_VMS; i++) {
		struct host_vm *vm = host_vm_at(m, i);

		if (vm->state == state && !strcmp(vm->name, name))
			return vm;
	}
	return NULL;
}

struct host_vm *host_vm_find(struct machine *m, const char *name)
{
	return find_in_state(m, name, HOST_VM_LIVE);
}

/* ---- For those who look ----------------------------------------------------------------------- */

bool machine_vm(struct machine *m, const char *name, struct machine_vm *out)
{
	const struct host_vm *vm = host_vm_find(m, name);

	*out = (struct machine_vm){ 0 };
	if (!vm)
		vm = find_in_state(m, name, HOST_VM_GONE);
	if (!vm)
		return false;
	out->live = vm->state == HOST_VM_LIVE;
	out->handle = vm->handle ? vm->handle : vm->last_handle;
	out->is_protected = vm->is_protected;
	out->created = vm->created;
	out->vcpus = vm->vcpus;
	out->kvm = PA(vm->kvm);
	return true;
}

pa_t machine_vcpu(struct machine *m, const char *name, u32 idx)
{
	const struct host_vm *vm = host_vm_find(m, name);

	return PA(vm && idx < vm->vcpus ? host_vcpu(m, vm, idx)->vcpu : 0);
}

static bool better_name(const struct host_vm *vm, const struct host_vm *than)
{
	if (!than || vm->state != than->state)
		return !than || vm->state == HOST_VM_LIVE;
	return vm->gen > than->gen;
}

/* A live VM with this handle; else one that had it: of several the last that was made. */
const char *machine_vm_name(struct machine *m, u32 handle)
{
	const struct host_vm *best = NULL;

	for (u32 i = 0; i < HOST_VMS && handle; i++) {
		const struct host_vm *vm = host_vm_at(m, i);
		const u32 its = vm->state == HOST_VM_LIVE ? vm->handle : vm->last_handle;

		if (vm->state != HOST_VM_NONE && its == handle && better_name(vm, best))
			best = vm;
	}
	return best ? best->name : NULL;
}

void machine_for_each_vm(struct machine *m, void (*fn)(void *data, const char *name), void *data)
{
	for (u32 i = 0; i < HOST_VMS; i++)
		if (host_vm_at(m, i)->state == HOST_VM_LIVE)
			fn(data, host_vm_at(m, i)->name);
}

/* ---- EL2's side ---------------------------------------------------------------------------- */

static u64 hyp_vm_bytes(const struct flow *f)
{
	return flow_layout(f)->hyp_vm_size + (u64)f->vm->vcpus * sizeof(u64);
}

static u64 pgd_bytes(struct flow *f)
{
	const struct machine *m = flow_machine(f);
	const u8 shift = m->board->f->page_shift;

	return (u64)s2_pgd_pages(shift, m->hyp->view(m->el2)->host_s2.ia_bits) << shift;
}

static struct host_vm *vm_mark(struct flow *f)
{
	return host_vm_mark(flow_machine(f), f->vm);
}

static struct host_vcpu *vcpu_mark(struct flow *f)
{
	return host_vcpu_mark(flow_machine(f), f->vcpu);
}

/* -ENOMEM; what EL2 answers, then the memory is the host's again. */
static int __pkvm_create_hyp_vcpu(struct flow *f)
{
	const u64 bytes = flow_layout(f)->hyp_vcpu_size;
	u64 area = host_alloc_exact(f, bytes);
	int ret;

	if (!area)
		return -ENOMEM;
	ret = (int)hcall(f, HC_INIT_VCPU, f->vm->handle, host_kern_va(f->vcpu->vcpu),
			 host_kern_va(area));
	if (ret)
		host_free_pages(f, area, flow_pages(f, bytes));
	else
		vcpu_mark(f)->finalized = true;
	return ret;
}

static int init_hyp_vm(struct flow *f, u64 pgd)
{
	u64 area = host_alloc_exact(f, hyp_vm_bytes(f));
	int ret;

	if (!area)
		return -ENOMEM;
	ret = (int)hcall(f, HC_INIT_VM, host_kern_va(f->vm->kvm), host_kern_va(area),
			 host_kern_va(pgd));
	if (ret < 0)
		host_free_pages(f, area, flow_pages(f, hyp_vm_bytes(f)));
	return ret;
}

static void set_handle(struct flow *f, u32 handle)
{
	const struct el2_vm_layout *l = flow_layout(f);

	vm_mark(f)->handle = handle;
	flow_store_field(f, f->vm->kvm + l->kvm_handle, handle, l->kvm_handle_width);
}

/* -EINVAL: no vCPU; -ENOMEM; what EL2 answers. */
static int __pkvm_create_hyp_vm(struct flow *f)
{
	u64 pgd;
	int ret;

	if (f->vm->vcpus < 1)
		return -EINVAL;
	pgd = host_alloc_exact(f, pgd_bytes(f));
	if (!pgd)
		return -ENOMEM;
	ret = init_hyp_vm(f, pgd);
	if (ret < 0) {
		host_free_pages(f, pgd, flow_pages(f, pgd_bytes(f)));
		return ret;
	}
	if (!flow_host(f)->call[HC_RESERVE_VM])
		set_handle(f, (u32)ret);
	vm_mark(f)->created = true;
	return 0;
}

/* EL2's own part of the end, and what it gives back; the first error that Linux warns of. */
static int __pkvm_destroy_hyp_vm(struct flow *f)
{
	struct host *h = flow_host(f);
	const u64 kvm = f->vm->kvm;
	int ret = 0;

	if (f->vm->created)
		ret = (int)hcall(f, h->call[HC_TEARDOWN] ? HC_TEARDOWN : HC_FINALIZE_TEARDOWN,
				 f->vm->handle);
	else if (f->vm->handle && h->call[HC_UNRESERVE_VM])
		hcall(f, HC_UNRESERVE_VM, f->vm->handle);
	vm_mark(f)->last_handle = f->vm->handle;
	f->vm->created = false;
	set_handle(f, 0);
	free_hyp_memcache(f, kvm + flow_layout(f)->kvm_teardown_mc);
	if (flow_release(f) != PROFILE_V6_12)
		free_hyp_memcache(f, kvm + flow_layout(f)->kvm_stage2_teardown_mc);
	return ret;
}

static void each_vcpu(struct flow *f, u32 i)
{
	f->idx = i;
	f->vcpu = host_vcpu(flow_machine(f), f->vm, i);
}

/* v6.12: all vCPUs with the VM, in order; one that fails takes the VM down. */
static int create_hyp_vcpus(struct flow *f)
{
	int ret = 0;

	for (u32 i = 0; i < f->vm->vcpus && !ret; i++) {
		each_vcpu(f, i);
		ret = __pkvm_create_hyp_vcpu(f);
	}
	if (ret)
		__pkvm_destroy_hyp_vm(f);
	return ret;
}

/* kvm_arch_vcpu_run_pid_change(): EL2's side of the VM, then of the vCPU, unless it has them. */
int pkvm_first_run(struct flow *f)
{
	const u32 idx = f->idx;
	int ret;

	if (!f->vm->created) {
		ret = __pkvm_create_hyp_vm(f);
		if (!ret && !flow_host(f)->call[HC_RESERVE_VM])
			ret = create_hyp_vcpus(f);
		if (ret)
			return ret;
	}
	each_vcpu(f, idx);
	return f->vcpu->finalized ? 0 : __pkvm_create_hyp_vcpu(f);
}

/* ---- Making a VM -------------------------------------------------------------------------------- */

/* Memory for a structure of the host's, all zero. 0: none. */
static u64 alloc_struct(struct flow *f, u64 bytes)
{
	const u64 n = flow_pages(f, bytes), pa = host_alloc_pages(f, n, 1);

	for (u64 i = 0; pa && i < n; i++)
		flow_clear_page(f, pa + i * flow_page_size(f));
	return pa;
}

static void free_struct(struct flow *f, u64 pa, u64 bytes)
{
	host_free_pages(f, pa, flow_pages(f, bytes));
}

/* kvm_arch_init_vm(), pkvm_init_host_vm(). -ENOMEM; of sharing; of reserving. */
static int init_vm(struct flow *f)
{
	const struct el2_vm_layout *l = flow_layout(f);
	const u64 bytes = l->kvm_size;
	s64 ret;

	vm_mark(f)->kvm = alloc_struct(f, bytes);
	if (!f->vm->kvm)
		return -ENOMEM;
	flow_store_field(f, f->vm->kvm + l->kvm_is_protected, f->vm->is_protected,
			 l->kvm_is_protected_width);
	ret = kvm_share_hyp(f, f->vm->kvm, bytes);
	if (!ret && flow_host(f)->call[HC_RESERVE_VM]) {
		ret = (int)hcall(f, HC_RESERVE_VM);
		if (ret > 0)
			set_handle(f, (u32)ret);
		else
			kvm_unshare_hyp(f, f->vm->kvm, bytes);
	}
	if (ret < 0)
		free_struct(f, f->vm->kvm, bytes);
	return ret < 0 ? (int)ret : 0;
}

/* kvm_arch_vcpu_create() of the next vCPU. -EINVAL: too many; -ENOMEM; of sharing. */
static int create_vcpu(struct flow *f)
{
	const struct el2_vm_layout *l = flow_layout(f);
	u64 vcpu;
	int ret;

	if (f->vm->vcpus == HOST_VM_VCPUS)
		return -EINVAL;
	vcpu = alloc_struct(f, l->vcpu_size);
	if (!vcpu)
		return -ENOMEM;
	each_vcpu(f, f->vm->vcpus);
	*vcpu_mark(f) = (struct host_vcpu){ .vcpu = vcpu };
	flow_store_field(f, vcpu + l->vcpu_idx, f->idx, l->vcpu_idx_width);
	flow_store(f, vcpu + l->vcpu_kvm, host_kern_va(f->vm->kvm));
	ret = kvm_share_hyp(f, vcpu, l->vcpu_size);
	if (ret) {
		free_struct(f, vcpu, l->vcpu_size);
		return ret;
	}
	vm_mark(f)->vcpus++;
	flow_store_field(f, f->vm->kvm + l->kvm_created_vcpus, f->vm->vcpus,
			 l->kvm_created_vcpus_width);
	/* KVM_ARM_VCPU_INIT: the VM's id registers */
	flow_store(f, f->vm->kvm + l->kvm_flags, l->kvm_has_id_regs);
	return 0;
}

/*
 * kvm_destroy_vm() of a VM none of whose vCPUs is loaded. Its memory first, then what EL2
 * has of it, then the structures that it shared.
 */
static int destroy_vm(struct flow *f)
{
	const bool unshares = !flow_machine(f)->config->bug[BUG_B06];
	int ret = pkvm_destroy_range(f), err = __pkvm_destroy_hyp_vm(f);

	ret = ret ? ret : err;
	for (u32 i = 0; i < f->vm->vcpus; i++) {
		each_vcpu(f, i);
		free_hyp_memcache(f, f->vcpu->vcpu + flow_layout(f)->vcpu_memcache);
		err = unshares ? kvm_unshare_hyp(f, f->vcpu->vcpu, flow_layout(f)->vcpu_size) : 0;
		ret = ret ? ret : err;
		free_struct(f, f->vcpu->vcpu, flow_layout(f)->vcpu_size);
		*vcpu_mark(f) = (struct host_vcpu){ 0 };
	}
	err = unshares ? kvm_unshare_hyp(f, f->vm->kvm, flow_layout(f)->kvm_size) : 0;
	free_struct(f, f->vm->kvm, flow_layout(f)->kvm_size);
	vm_mark(f)->state = HOST_VM_GONE;
	return ret ? ret : err;
}

static s64 do_create(struct flow *f)
{
	int ret = init_vm(f);

	if (ret)
		vm_mark(f)->state = HOST_VM_GONE;
	for (u64 i = 0; i < f->pages && !ret; i++) {
		ret = create_vcpu(f);
		if (ret)
			destroy_vm(f);
	}
	return ret;
}

/* Its own slot again if the name had one; else one never used; else the oldest dead one's. */
static struct host_vm *vm_slot(struct machine *m, const char *name)
{
	struct host_vm *best = find_in_state(m, name, HOST_VM_GONE);

	for (u32 i = 0; i < HOST_VMS && !best; i++)
		if (host_vm_at(m, i)->state == HOST_VM_NONE)
			best = host_vm_at(m, i);
	if (best)
		return best;
	for (u32 i = 0; i < HOST_VMS; i++) {
		struct host_vm *vm = host_vm_at(m, i);

		if (vm->state == HOST_VM_GONE && (!best || vm->gen < best->gen))
			best = vm;
	}
	return best;
}

struct outcome machine_vm_create(struct machine *m, unsigned int cpu, const char *name,
				 bool is_protected, u64 vcpus, u64 ipa_bits)
{
	struct flow f = { .a.m = m, .pages = vcpus, .fn = do_create };
	struct outcome o;

	if (!flow_may_begin(m, &o))
		return o;
	sim_assert(strlen(name) < HOST_VM_NAME);
	if (host_vm_find(m, name))
		return flow_gives(-EEXIST);
	/* KVM_VM_TYPE_ARM_IPA_SIZE(); what the size is makes no difference to pKVM */
	f.vm = vm_slot(m, name);
	if (!f.vm || ipa_bits > 0xff)
		return flow_gives(f.vm ? -EINVAL : -ENOMEM);
	*host_vm_mark(m, f.vm) = (struct host_vm){ .state = HOST_VM_LIVE,
						   .is_protected = is_protected,
						   .gen = ++m->host->gen };
	g_strlcpy(f.vm->name, name, HOST_VM_NAME);
	return flow_run(&f, cpu);
}

static s64 do_destroy(struct flow *f)
{
	return destroy_vm(f);
}

struct outcome machine_vm_destroy(struct machine *m, unsigned int cpu, const char *name)
{
	struct flow f = { .fn = do_destroy };
	struct outcome o;

	return flow_begin(&f, m, name, FLOW_ALL_VCPUS, &o) ? flow_run(&f, cpu) : o;
}
