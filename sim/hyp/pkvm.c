// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of virtual machines and their life, after arch/arm64/kvm/hyp/nvhe/pkvm.c
 * (6.12.117, 7.2.13; v7.0 by dated changes).
 *
 * A slot of the table is free, reserved (v7.0 on), or a VM's. A VM's first donated page
 * counts who uses the VM: vCPUs that are loaded, calls under way. It is torn down when
 * nobody does, and every page that the host gave goes back through memcaches in memory
 * that the host shares.
 */
#include "guest.h"

/* struct pkvm_hyp_vm of each slot: a line of their own for snapshots. */
#define HYP_VM_STRIDE 512

G_STATIC_ASSERT(sizeof(struct pkvm_hyp_vm) <= HYP_VM_STRIDE);
G_STATIC_ASSERT(EL2_MAX_VMS <= 64 * HYP_LIVE_VMS_WORDS);

/* ---- The table ------------------------------------------------------------------------- */

static struct pkvm_hyp_vm *vm_of_slot(struct hyp *hyp, u32 idx)
{
	const u64 off = (u64)idx * HYP_VM_STRIDE;

	store_mark(hyp->board, hyp->vm_store, off);
	return (void *)(hyp->vm_store->bytes + off);
}

struct pkvm_hyp_vm *pkvm_vm_mark(struct hyp *hyp, struct pkvm_hyp_vm *vm)
{
	store_mark(hyp->board, hyp->vm_store, (u64)((u8 *)vm - hyp->vm_store->bytes));
	return vm;
}

/* @name stays with the struct: reports and the board's lists of locks refer to it. */
static void vm_init(struct hyp *hyp, struct pkvm_hyp_vm *vm, u32 handle, const char *name)
{
	g_strlcpy(vm->name, name, sizeof(vm->name));
	g_snprintf(vm->lock_name, sizeof(vm->lock_name), "%s_lock", name);
	g_snprintf(vm->pool_lock_name, sizeof(vm->pool_lock_name), "%s_pool", name);
	vm->handle = handle;
	vm->pool.name = vm->name;
	spin_init(hyp->board, &vm->lock, vm->lock_name);
	spin_init(hyp->board, &vm->pool.lock, vm->pool_lock_name);
}

/*
 * Slots get their locks in order when first reserved: most machines use few. A lock is
 * linked to the one before, which a snapshot must know to be changed.
 */
static void init_slots_up_to(struct hyp *hyp, u32 idx)
{
	char name[12];

	for (; hyp->n_vm_slots <= idx; hyp->n_vm_slots++) {
		const u32 handle = EL2_HANDLE_OFFSET + hyp->n_vm_slots;

		if (hyp->n_vm_slots)
			vm_of_slot(hyp, hyp->n_vm_slots - 1);
		g_snprintf(name, sizeof(name), "vm0x%x", handle);
		vm_init(hyp, vm_of_slot(hyp, hyp->n_vm_slots), handle, name);
	}
}

/*
 * pkvm_vms_new - room for all VMs that the table can hold, and for those that CPUs are
 * making. When the machine is made, after all other locks. False: no address space.
 */
bool pkvm_vms_new(struct hyp *hyp)
{
	hyp->vm_store = board_store_new(hyp->board, (u64)EL2_MAX_VMS * HYP_VM_STRIDE);
	if (!hyp->vm_store)
		return false;
	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		struct pkvm_hyp_vm *vm = board_alloc(hyp->board, sizeof(*vm));

		vm_init(hyp, vm, 0, "new_vm");
		hyp->cpus[i].own_vm = vm;
	}
	return true;
}

static pa_t table_entry(const struct hyp *hyp, u32 idx)
{
	return PA(hyp->vm_table_base + (u64)idx * sizeof(u64));
}

static u32 handle_to_idx(u32 handle)
{
	return handle - EL2_HANDLE_OFFSET;
}

struct pkvm_hyp_vm *get_vm_by_handle(struct hyp_cpu *c, u32 handle)
{
	const u32 idx = handle_to_idx(handle);
	struct pkvm_hyp_vm *vm;
	u64 entry;

	hyp_assert_lock_held(c, &c->hyp->vm_table_lock);
	if (idx >= EL2_MAX_VMS)
		return NULL;
	/* Boot failed and calls are answered all the same: a table at NULL. */
	if (!c->hyp->vm_table_published)
		hyp_abort(c, __func__, VA((u64)idx * sizeof(u64)));
	entry = mem_load64(c->cpu, table_entry(c->hyp, idx), MO_PLAIN);
	if (!entry || entry == EL2_SLOT_RESERVED)
		return NULL;
	vm = vm_of_slot(c->hyp, idx);
	if (entry != vm->va.va)
		hyp_abort(c, __func__, VA(entry));
	return vm;
}

pa_t hyp_vm_page(const struct hyp_cpu *c, const struct pkvm_hyp_vm *vm)
{
	return hyp_pa_of(c->hyp, vm->va);
}

struct pkvm_hyp_vm *get_pkvm_hyp_vm(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm;

	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	vm = get_vm_by_handle(c, handle);
	if (vm)
		hyp_page_ref_inc(c, hyp_vm_page(c, vm));
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return vm;
}

void put_pkvm_hyp_vm(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	hyp_page_ref_dec(c, hyp_vm_page(c, vm));
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
}

struct pkvm_hyp_vm *get_np_pkvm_hyp_vm(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm = get_pkvm_hyp_vm(c, handle);

	if (vm && pkvm_hyp_vm_is_protected(vm)) {
		put_pkvm_hyp_vm(c, vm);
		return NULL;
	}
	return vm;
}

/* The lowest free slot's index; -ENOMEM; -EINVAL: there is no table. vm_table_lock. */
static int find_free_entry(struct hyp_cpu *c)
{
	if (!c->hyp->vm_table_published)
		return -EINVAL;
	for (u32 i = 0; i < EL2_MAX_VMS; i++)
		if (!mem_load64(c->cpu, table_entry(c->hyp, i), MO_PLAIN))
			return (int)i;
	return -ENOMEM;
}

static void set_entry(struct hyp_cpu *c, u32 idx, u64 val)
{
	hyp_assert_lock_held(c, &c->hyp->vm_table_lock);
	mem_store64(c->cpu, table_entry(c->hyp, idx), val, MO_PLAIN);
	if (!val)
		c->hyp->live_vms[idx / 64] &= ~BIT(idx % 64);
}

/*
 * __pkvm_reserve_vm - a handle for a VM to come. Takes vm_table_lock. -EINVAL: there is
 * no table; -ENOMEM: it is full.
 */
int __pkvm_reserve_vm(struct hyp_cpu *c)
{
	int idx;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	idx = find_free_entry(c);
	if (idx >= 0) {
		init_slots_up_to(c->hyp, (u32)idx);
		set_entry(c, (u32)idx, EL2_SLOT_RESERVED);
	}
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return idx < 0 ? idx : EL2_HANDLE_OFFSET + idx;
}

/* __pkvm_unreserve_vm - give it up; nothing happens to a handle that is not just reserved. */
void __pkvm_unreserve_vm(struct hyp_cpu *c, u32 handle)
{
	const u32 idx = handle_to_idx(handle);

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	if (c->hyp->vm_table_published && idx < EL2_MAX_VMS &&
	    mem_load64(c->cpu, table_entry(c->hyp, idx), MO_PLAIN) == EL2_SLOT_RESERVED)
		set_entry(c, idx, 0);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
}

/*
 * What the program keeps of a VM moves between the slot and the CPU that makes the VM or
 * takes it apart: another VM may get the slot meanwhile. Names and locks stay.
 */
static struct pkvm_hyp_vm *move_vm(struct pkvm_hyp_vm *to, const struct pkvm_hyp_vm *from)
{
	const struct spinlock lock = to->pool.lock;
	const char *name = to->pool.name;

	to->pool = from->pool;
	to->pool.lock = lock;
	to->pool.name = name;
	to->pgt = from->pgt;
	to->pgt.priv = to;
	to->va = from->va;
	to->host_kvm = from->host_kvm;
	to->pgd = from->pgd;
	to->handle = from->handle;
	to->created_vcpus = from->created_vcpus;
	to->nr_vcpus = from->nr_vcpus;
	to->is_protected = from->is_protected;
	to->is_dying = from->is_dying;
	return to;
}

/* The VM that this CPU made and entered, where all can find it. vm_table_lock. */
static struct pkvm_hyp_vm *publish_vm(struct hyp_cpu *c, u32 idx)
{
	init_slots_up_to(c->hyp, idx);
	c->hyp->live_vms[idx / 64] |= BIT(idx % 64);
	return move_vm(vm_of_slot(c->hyp, idx), c->own_vm);
}

/* Into the slot that was reserved for it: -EINVAL if none was. Takes vm_table_lock. */
static int insert_vm_table_entry(struct hyp_cpu *c, u32 handle)
{
	const u32 idx = handle_to_idx(handle);
	int ret = -EINVAL;

	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	if (c->hyp->vm_table_published && idx < EL2_MAX_VMS &&
	    mem_load64(c->cpu, table_entry(c->hyp, idx), MO_PLAIN) == EL2_SLOT_RESERVED) {
		set_entry(c, idx, c->own_vm->va.va);
		publish_vm(c, idx);
		ret = 0;
	}
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return ret;
}

/* ---- Donated memory ----------------------------------------------------------------------- */

static u64 pages_of(const struct hyp_cpu *c, u64 size)
{
	return ALIGN_UP(size, hyp_page_size(c->hyp)) >> c->hyp->f->page_shift;
}

static u64 va_to_pfn(const struct hyp_cpu *c, va_t va)
{
	return hyp_pa_of(c->hyp, va).pa >> c->hyp->f->page_shift;
}

/*
 * map_donated_memory_noclear - @size bytes at the host's address @host_va become EL2's, as
 * they are. 0: not at a page boundary, or not the host's to give. Takes host and hyp locks.
 */
va_t map_donated_memory_noclear(struct hyp_cpu *c, u64 host_va, u64 size)
{
	const va_t va = kern_hyp_va(host_va);

	if (!IS_ALIGNED(va.va, hyp_page_size(c->hyp)) ||
	    __pkvm_host_donate_hyp(c, va_to_pfn(c, va), pages_of(c, size)))
		return VA(0);
	return va;
}

/* And cleared: @size bytes, what follows in the last page stays. */
va_t map_donated_memory(struct hyp_cpu *c, u64 host_va, u64 size)
{
	const va_t va = map_donated_memory_noclear(c, host_va, size);

	if (va.va)
		mem_zero(c->cpu, hyp_pa_of(c->hyp, va), size);
	return va;
}

/* Back to the host, cleaned to memory. WARN: the pages are not EL2's, or in use. */
void unmap_donated_memory_noclear(struct hyp_cpu *c, va_t va, u64 size)
{
	cpu_cmo(c->cpu, "dc_civac", hyp_pa_of(c->hyp, va), va, size);
	WARN_ON(c, __pkvm_hyp_donate_host(c, va_to_pfn(c, va), pages_of(c, size)));
}

void unmap_donated_memory(struct hyp_cpu *c, va_t va, u64 size)
{
	mem_zero(c->cpu, hyp_pa_of(c->hyp, va), size);
	unmap_donated_memory_noclear(c, va, size);
}

/* Zeroed, linked into @mc page by page while still EL2's, then back to the host. */
static void teardown_donated_memory(struct hyp_cpu *c, const struct hyp_memcache *mc, va_t va,
				    u64 size)
{
	const u64 page = hyp_page_size(c->hyp), bytes = ALIGN_UP(size, page);
	const pa_t pa = hyp_pa_of(c->hyp, va);

	mem_zero(c->cpu, pa, bytes);
	for (u64 off = 0; off < bytes; off += page)
		push_hyp_memcache(c, mc, pa_add(pa, off));
	unmap_donated_memory_noclear(c, va, bytes);
}

/* ---- Making a VM ------------------------------------------------------------------------- */

/* struct pkvm_hyp_vm, and a pointer a vCPU. */
static u64 hyp_vm_size(const struct hyp *hyp, u32 nr_vcpus)
{
	return hyp->vm_layout->hyp_vm_size + (u64)nr_vcpus * sizeof(u64);
}

/* v7.1 on 16 bits, so that it fits into an annotation. */
static u32 handle_of_host(const struct hyp *hyp, u64 val)
{
	return hyp->profile->protected_guests ? (u16)val : (u32)val;
}

static void init_new_vm(struct hyp_cpu *c, u32 handle, va_t va, pa_t pgd, va_t host_kvm,
			u32 nr_vcpus)
{
	struct pkvm_hyp_vm *vm = c->own_vm;

	vm->handle = handle;
	vm->va = va;
	vm->pgd = pgd;
	vm->host_kvm = host_kvm;
	vm->created_vcpus = nr_vcpus;
	vm->nr_vcpus = 0;
	vm->is_dying = false;
	vm->is_protected =
		(u8)hyp_load_host(c, VA(host_kvm.va + c->hyp->vm_layout->kvm_is_protected)) != 0;
	vm->pool.heads = pa_add(hyp_pa_of(c->hyp, va), HYP_VM_POOL_HEADS);
}

/* v7.0 on: the VM is whole before anybody can find it. */
static int finish_reserved_vm(struct hyp_cpu *c)
{
	struct pkvm_hyp_vm *vm = c->own_vm;
	int ret = kvm_guest_prepare_stage2(c, vm, vm->pgd);

	if (ret)
		return ret;
	ret = insert_vm_table_entry(c, vm->handle);
	/* v7.0: the start tables go back with a reference each */
	if (ret && c->hyp->profile->late_errors_undone)
		kvm_guest_destroy_stage2(c, vm);
	return ret;
}

/*
 * v6.12: into the first free slot, then it gets its stage 2, all under vm_table_lock. The
 * handle, or -errno.
 */
static int finish_unreserved_vm(struct hyp_cpu *c)
{
	struct pkvm_hyp_vm *vm = c->own_vm;
	int idx, ret;

	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	ret = idx = find_free_entry(c);
	if (idx >= 0) {
		vm->handle = EL2_HANDLE_OFFSET + (u32)idx;
		set_entry(c, (u32)idx, vm->va.va);
		ret = kvm_guest_prepare_stage2(c, vm, vm->pgd);
		if (ret)
			set_entry(c, (u32)idx, 0);
		else
			ret = (int)publish_vm(c, (u32)idx)->handle;
	}
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return ret;
}

static int make_vm(struct hyp_cpu *c, va_t host_kvm, u64 vm_hva, u64 pgd_hva)
{
	const struct el2_vm_layout *l = c->hyp->vm_layout;
	const u64 pgd_size = guest_pgd_size(c->hyp);
	const bool reserved = c->hyp->profile->reserves_vms;
	u32 nr_vcpus = (u32)hyp_load_host(c, VA(host_kvm.va + l->kvm_created_vcpus));
	int ret = -ENOMEM;
	u32 handle = 0;
	va_t vm, pgd = VA(0);

	if (nr_vcpus < 1)
		return -EINVAL;
	if (reserved) {
		handle = handle_of_host(c->hyp, hyp_load_host(c, VA(host_kvm.va + l->kvm_handle)));
		if ((s32)handle < EL2_HANDLE_OFFSET)
			return -EINVAL;
	}
	vm = map_donated_memory(c, vm_hva, hyp_vm_size(c->hyp, nr_vcpus));
	if (vm.va)
		pgd = map_donated_memory_noclear(c, pgd_hva, pgd_size);
	if (pgd.va) {
		init_new_vm(c, handle, vm, hyp_pa_of(c->hyp, pgd), host_kvm, nr_vcpus);
		ret = reserved ? finish_reserved_vm(c) : finish_unreserved_vm(c);
	}
	if (ret < 0 && vm.va)
		unmap_donated_memory(c, vm, hyp_vm_size(c->hyp, nr_vcpus));
	if (ret < 0 && pgd.va)
		unmap_donated_memory(c, pgd, pgd_size);
	return ret;
}

/*
 * __pkvm_init_vm - EL2's side of a VM. @host_kvm: the host's struct kvm, shared with EL2,
 * which stays pinned. @vm_hva, @pgd_hva: host addresses of memory for struct
 * pkvm_hyp_vm and the start tables.
 * Errors: of pinning; -EINVAL: no vCPU, a handle too small; -ENOMEM: either donation;
 * then -EINVAL: the handle is not reserved (v6.12: -EINVAL, -ENOMEM: no slot). 0, v6.12
 * the handle.
 */
int __pkvm_init_vm(struct hyp_cpu *c, va_t host_kvm, u64 vm_hva, u64 pgd_hva)
{
	const va_t end = VA(host_kvm.va + c->hyp->vm_layout->kvm_size);
	int ret;

	HYP_FRAME(c);
	ret = hyp_pin_shared_mem(c, host_kvm, end);
	if (ret)
		return ret;
	ret = make_vm(c, host_kvm, vm_hva, pgd_hva);
	if (ret < 0)
		hyp_unpin_shared_mem(c, host_kvm, end);
	return ret;
}

/* ---- Its end ------------------------------------------------------------------------------ */

static bool vm_in_use(struct hyp_cpu *c, const struct pkvm_hyp_vm *vm)
{
	return hyp_page_count(c, hyp_vm_page(c, vm));
}

static struct hyp_memcache teardown_mc(struct hyp_cpu *c, va_t host_kvm)
{
	return host_memcache(c, VA(host_kvm.va + c->hyp->vm_layout->kvm_teardown_mc));
}

/* Where table pages go; v6.12 has one list for all. */
static struct hyp_memcache stage2_teardown_mc(struct hyp_cpu *c, va_t host_kvm)
{
	if (!c->hyp->profile->reserves_vms)
		return teardown_mc(c, host_kvm);
	return host_memcache(c, VA(host_kvm.va + c->hyp->vm_layout->kvm_stage2_teardown_mc));
}

static void unpin_host_vcpus(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	struct pkvm_hyp_vcpu vcpu;

	for (u32 i = 0; i < hyp_vm_vcpus(c->hyp, vm); i++)
		if (hyp_vm_vcpu(c, vm, i, &vcpu))
			unpin_host_vcpu(c, &vcpu);
}

/* v6.12 puts nothing into a vCPU's memcache. */
static void teardown_vcpu_memcache(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu,
				   const struct hyp_memcache *mc)
{
	const struct hyp_memcache own = hyp_vcpu_memcache(c, vcpu);

	if (!c->hyp->profile->reserves_vms)
		return;
	while (hyp_memcache_pages(c, &own)) {
		const pa_t page = pop_hyp_memcache(c, &own);

		push_hyp_memcache(c, mc, page);
		unmap_donated_memory_noclear(c, hyp_va_of(c->hyp, page), hyp_page_size(c->hyp));
	}
}

/* All that the host gave for the VM that this CPU removed, back to it. */
static void free_vm(struct hyp_cpu *c)
{
	struct pkvm_hyp_vm *vm = c->own_vm;
	const va_t host_kvm = vm->host_kvm;
	const struct hyp_memcache mc = teardown_mc(c, host_kvm);
	const struct hyp_memcache stage2_mc = stage2_teardown_mc(c, host_kvm);
	struct pkvm_hyp_vcpu vcpu;

	HYP_FRAME(c);
	reclaim_pgtable_pages(c, vm, &stage2_mc);
	unpin_host_vcpus(c, vm);
	for (u32 i = 0; i < hyp_vm_vcpus(c->hyp, vm); i++) {
		if (!hyp_vm_vcpu(c, vm, i, &vcpu))
			continue;
		teardown_vcpu_memcache(c, &vcpu, &stage2_mc);
		teardown_donated_memory(c, &mc, vcpu.va, c->hyp->vm_layout->hyp_vcpu_size);
	}
	teardown_donated_memory(c, &mc, vm->va, hyp_vm_size(c->hyp, vm->created_vcpus));
	hyp_unpin_shared_mem(c, host_kvm, VA(host_kvm.va + c->hyp->vm_layout->kvm_size));
}

/*
 * Out of the table, for this CPU alone. No translation of the VM is left for the next one
 * with its VMID. vm_table_lock.
 */
static void remove_vm(struct hyp_cpu *c, struct pkvm_hyp_vm *vm)
{
	kvm_tlb_flush_vmid(c, &vm->pgt);
	set_entry(c, handle_to_idx(vm->handle), 0);
	move_vm(c->own_vm, vm);
}

/*
 * __pkvm_start_teardown_vm - no vCPU of it is loaded again, its pages may be reclaimed.
 * Takes vm_table_lock. -EINVAL: no such VM, in use, or begun before. v7.2.
 */
int __pkvm_start_teardown_vm(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm;
	int ret = -EINVAL;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	vm = get_vm_by_handle(c, handle);
	if (vm && !vm_in_use(c, vm) && !vm->is_dying) {
		vm->is_dying = true;
		ret = 0;
	}
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	return ret;
}

/*
 * __pkvm_finalize_teardown_vm - the VM's own memory goes back. Guests' pages that were
 * not reclaimed stay nobody's. Takes vm_table_lock, then what freeing takes.
 * -EINVAL: no such VM, in use, or its teardown has not begun. v7.2.
 */
int __pkvm_finalize_teardown_vm(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	vm = get_vm_by_handle(c, handle);
	if (vm && (vm_in_use(c, vm) || !vm->is_dying))
		vm = NULL;
	if (vm)
		remove_vm(c, vm);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	if (!vm)
		return -EINVAL;
	free_vm(c);
	return 0;
}

/*
 * __pkvm_teardown_vm - both in one, to v7.0. -ENOENT: no such VM; WARN, -EBUSY: in use.
 */
int __pkvm_teardown_vm(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm;
	int ret = 0;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	vm = get_vm_by_handle(c, handle);
	if (!vm)
		ret = -ENOENT;
	else if (WARN_ON(c, vm_in_use(c, vm)))
		ret = -EBUSY;
	else
		remove_vm(c, vm);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
	if (!ret)
		free_vm(c);
	return ret;
}

/* __pkvm_reclaim_dying_guest_page - -EINVAL: no such VM, or not dying; then of reclaiming. */
int __pkvm_reclaim_dying_guest_page(struct hyp_cpu *c, u32 handle, u64 gfn)
{
	struct pkvm_hyp_vm *vm;
	int ret = -EINVAL;

	HYP_FRAME(c);
	vm = get_pkvm_hyp_vm(c, handle);
	if (!vm)
		return -EINVAL;
	if (vm->is_dying)
		ret = __pkvm_host_reclaim_page_guest(c, gfn, vm);
	put_pkvm_hyp_vm(c, vm);
	return ret;
}

/* __pkvm_tlb_flush_vmid - the host's MMU notifiers ask for it; not for protected VMs. */
void __pkvm_tlb_flush_vmid(struct hyp_cpu *c, u32 handle)
{
	struct pkvm_hyp_vm *vm;

	HYP_FRAME(c);
	vm = get_np_pkvm_hyp_vm(c, handle);
	if (!vm)
		return;
	kvm_tlb_flush_vmid(c, &vm->pgt);
	put_pkvm_hyp_vm(c, vm);
}

/* ---- The VM of EL2's own test at boot ------------------------------------------------------- */

/* What an init_vm() would have written, but for the host's part. */
void pkvm_init_selftest_vm(struct hyp_cpu *c, pa_t pgd, pa_t heads)
{
	struct pkvm_hyp_vm *vm = c->own_vm;

	vm->handle = EL2_HANDLE_OFFSET;
	vm->va = hyp_va_of(c->hyp, heads);
	vm->host_kvm = VA(0);
	vm->pgd = pgd;
	vm->created_vcpus = vm->nr_vcpus = 0;
	vm->is_protected = vm->is_dying = false;
	vm->pool.heads = heads;
}

/* From v7.1 on calls find it in the table. Takes vm_table_lock. */
struct pkvm_hyp_vm *pkvm_insert_selftest_vm(struct hyp_cpu *c)
{
	int handle;

	if (!c->hyp->profile->protected_guests)
		return c->own_vm;
	handle = __pkvm_reserve_vm(c);
	WARN_ON(c, handle < 0 || insert_vm_table_entry(c, (u32)handle));
	return vm_of_slot(c->hyp, handle_to_idx((u32)handle));
}

/* Its pages stay EL2's, for nobody. Takes vm_table_lock. */
void pkvm_remove_selftest_vm(struct hyp_cpu *c, const struct pkvm_hyp_vm *vm)
{
	if (!c->hyp->profile->protected_guests)
		return;
	spin_lock(c->cpu, &c->hyp->vm_table_lock);
	set_entry(c, handle_to_idx(vm->handle), 0);
	spin_unlock(c->cpu, &c->hyp->vm_table_lock);
}

/* ---- Seen from outside -------------------------------------------------------------------- */

static void view_vm(const struct hyp *hyp, struct pkvm_hyp_vm *vm)
{
	struct el2_guest_view *v = &vm->view;

	v->handle = vm->handle;
	v->is_protected = vm->is_protected;
	v->is_dying = vm->is_dying;
	v->created_vcpus = vm->created_vcpus;
	v->s2 = vm->pgt.mmu;
	v->lock = &vm->lock;
	v->area = vm->va;
	v->host_kvm = vm->host_kvm;
	v->pgd = vm->pgd;
	v->pgd_pages = guest_pgd_size(hyp) >> hyp->f->page_shift;
	hyp_pool_view(&v->pool, &vm->pool, hyp);
}

/* The VMs of the table, by handle. */
void pkvm_view(struct hyp *hyp)
{
	struct el2_view *v = &hyp->view;

	v->n_guests = 0;
	for (unsigned int w = 0; w < HYP_LIVE_VMS_WORDS; w++) {
		for (u64 live = hyp->live_vms[w]; live; live &= live - 1) {
			struct pkvm_hyp_vm *vm =
				vm_of_slot(hyp, 64 * w + (u32)__builtin_ctzll(live));

			view_vm(hyp, vm);
			hyp->guests[v->n_guests++] = &vm->view;
		}
	}
}

/* The pool of a live VM by its name; NULL. */
struct hyp_pool *hyp_vm_pool_find(struct hyp *hyp, const char *name)
{
	for (u32 i = 0; i < EL2_MAX_VMS; i++) {
		struct pkvm_hyp_vm *vm;

		if (!(hyp->live_vms[i / 64] & BIT(i % 64)))
			continue;
		vm = vm_of_slot(hyp, i);
		if (g_str_equal(vm->name, name))
			return &vm->pool;
	}
	return NULL;
}
