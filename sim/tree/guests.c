// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual machines of a kernel tree's EL2: which there are, as its process tells after each
 * request; their locks and pools, under the names that ours has for them; and what a vCPU
 * traps for.
 */
#include <string.h>

#include "tree_private.h"

/* Of each slot of EL2's table: a line of its own for snapshots. */
#define TREE_VM_STRIDE 512

struct tree_vm {
	char name[12], lock_name[20], pool_lock_name[20];
	struct spinlock lock, pool_lock;
	struct el2_guest_view view;
};
G_STATIC_ASSERT(sizeof(struct tree_vm) <= TREE_VM_STRIDE);
G_STATIC_ASSERT(TREE_MAX_VMS == EL2_MAX_VMS);

/* ---- Names --------------------------------------------------------------------------------- */

static void vm_init(struct tree *t, struct tree_vm *vm, const char *name)
{
	g_strlcpy(vm->name, name, sizeof(vm->name));
	g_snprintf(vm->lock_name, sizeof(vm->lock_name), "%s_lock", name);
	g_snprintf(vm->pool_lock_name, sizeof(vm->pool_lock_name), "%s_pool", name);
	spin_init(t->board, &vm->lock, vm->lock_name);
	spin_init(t->board, &vm->pool_lock, vm->pool_lock_name);
}

static struct tree_vm *vm_of_slot(struct tree *t, u32 slot)
{
	const u64 off = (u64)slot * TREE_VM_STRIDE;

	store_mark(t->board, t->vm_store, off);
	return (void *)(t->vm_store->bytes + off);
}

/* Slots get their locks in order; a lock is linked to the one before, which changes. */
static struct tree_vm *slot_ready(struct tree *t, u32 slot)
{
	for (; t->n_vm_slots <= slot; t->n_vm_slots++) {
		g_autofree char *name =
			g_strdup_printf("vm0x%x", EL2_HANDLE_OFFSET + t->n_vm_slots);

		if (t->n_vm_slots)
			vm_of_slot(t, t->n_vm_slots - 1);
		vm_init(t, vm_of_slot(t, t->n_vm_slots), name);
	}
	return vm_of_slot(t, slot);
}

bool tree_guests_new(struct tree *t)
{
	t->vm_store = board_store_new(t->board, (u64)EL2_MAX_VMS * TREE_VM_STRIDE);
	t->new_vm = board_alloc(t->board, sizeof(*t->new_vm));
	vm_init(t, t->new_vm, "new_vm");
	return t->vm_store;
}

/* ---- Which VM a lock is in ----------------------------------------------------------------- */

static u64 word_at(const struct tree *t, u64 va)
{
	u64 val = 0;

	board_peek64(t->board, PA(va - TREE_VA_OFFSET), &val);
	return val;
}

/* The slot of the VM that nobody is making or taking apart whose donated memory is at @area. */
static struct tree_vm *vm_of_area(struct tree *t, u64 area)
{
	const struct tree_view *v = &t->process->shared->view;

	for (u32 i = 0; i < t->n_guests; i++) {
		const u32 slot = t->guests[i]->handle - EL2_HANDLE_OFFSET;

		if (t->guests[i]->area.va == area &&
		    word_at(t, v->vm_table + sizeof(u64) * slot) == area)
			return vm_of_slot(t, slot);
	}
	return t->new_vm;
}

static bool in_vm(const struct tree *t, u64 va, u32 off)
{
	const u64 page = BIT(t->board->f->page_shift);

	return off && va >= TREE_VA_OFFSET + off && IS_ALIGNED(va - off, page);
}

struct spinlock *tree_guest_lock(struct tree *t, u64 va)
{
	const struct tree_vm_layout *l = &t->built->layout.vm;

	if (in_vm(t, va, l->hyp_vm_pool_lock))
		return &vm_of_area(t, va - l->hyp_vm_pool_lock)->pool_lock;
	if (in_vm(t, va, l->hyp_vm_lock))
		return &vm_of_area(t, va - l->hyp_vm_lock)->lock;
	return NULL;
}

const char *tree_guest_pool(struct tree *t, u64 lock)
{
	const struct tree_vm_layout *l = &t->built->layout.vm;

	if (!in_vm(t, lock, l->hyp_vm_pool_lock))
		return NULL;
	return vm_of_area(t, lock - l->hyp_vm_pool_lock)->name;
}

/* ---- Which there are ----------------------------------------------------------------------- */

static void take_guest(struct tree *t, const struct tree_guest *g)
{
	struct tree_vm *vm = slot_ready(t, g->handle - EL2_HANDLE_OFFSET);
	const struct arch_features *f = t->board->f;
	struct el2_guest_view *v = &vm->view;

	*v = (struct el2_guest_view){
		.handle = g->handle,
		.is_protected = g->is_protected,
		.is_dying = g->is_dying,
		.created_vcpus = g->created_vcpus,
		.s2 = tree_table(t, &g->s2, 2),
		.pool = tree_pool_view(t, &g->pool, vm->name, &vm->pool_lock),
		.lock = &vm->lock,
		.area = VA(g->area),
		.host_kvm = VA(g->host_kvm),
		.pgd = PA(g->s2.root),
		.pgd_pages = (u64)s2_pgd_pages(f->page_shift, (u8)g->s2.ia_bits),
	};
	v->s2.vmid = (u16)g->vmid;
	t->guests[t->n_guests++] = v;
}

/* After a request: what its process sees in the tree's table. */
void tree_guests_take(struct tree *t)
{
	const struct tree_shared *s = t->process->shared;

	t->n_guests = 0;
	for (u32 i = 0; i < s->view.n_guests && i < EL2_MAX_VMS; i++)
		if (s->guest[i].handle - EL2_HANDLE_OFFSET < EL2_MAX_VMS)
			take_guest(t, &s->guest[i]);
}

/* ---- What a vCPU does ---------------------------------------------------------------------- */

struct mmu_table tree_guest_s2(struct el2 *e, struct cpu *cpu)
{
	const struct tree *t = to_tree(e);
	const u32 handle = t->seen.cpu[cpu->id].loaded;

	for (u32 i = 0; handle && i < t->n_guests; i++)
		if (t->guests[i]->handle == handle)
			return t->guests[i]->s2;
	return (struct mmu_table){ .stage = 2, .f = t->board->f };
}

static enum el2_guest_result trap(struct tree *t, struct cpu *cpu, u64 esr, u64 far, u64 hpfar,
				  u64 regs[18], struct el2_guest_exit *exit)
{
	struct tree_shared *s = t->process ? t->process->shared : NULL;

	if (!s)
		return EL2_GUEST_NONE;
	s->esr = esr;
	s->far = far;
	s->hpfar = hpfar;
	memcpy(s->regs, regs, sizeof(s->regs));
	tree_request(t, cpu, TREE_OP_GUEST);
	memcpy(regs, s->regs, sizeof(s->regs));
	*exit = (struct el2_guest_exit){ s->esr, s->far, s->hpfar, s->rewind };
	switch ((enum tree_guest_end)s->guest_end) {
	case TREE_GUEST_RESUMED:
		return EL2_GUEST_RESUMED;
	case TREE_GUEST_EXITED:
		return EL2_GUEST_EXITED;
	case TREE_GUEST_NONE:
		break;
	}
	return EL2_GUEST_NONE;
}

enum el2_guest_result tree_guest_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18],
				     struct el2_guest_exit *exit)
{
	return trap(to_tree(e), cpu, FIELD_PREP(ESR_EC, EC_HVC64) | ESR_IL, 0, 0, regs, exit);
}

enum el2_guest_result tree_guest_abort(struct el2 *e, struct cpu *cpu, const struct el2_fault *f,
				       struct el2_guest_exit *exit)
{
	struct tree *t = to_tree(e);
	u64 regs[TREE_REGS] = { 0 };

	cpu_abort_taken(cpu, &f->syndrome);
	if (t->process)
		t->process->shared->at_fails = f->at_fails;
	return trap(t, cpu, f->syndrome.esr, f->syndrome.far, f->syndrome.hpfar, regs, exit);
}
