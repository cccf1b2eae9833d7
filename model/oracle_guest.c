// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the oracle knows of guests: the table of VMs and which vCPU is on which CPU by its
 * own account, their mappings from their tables. After an action: is all of it what the
 * answer makes of it?
 */
#include <string.h>

#include "oracle_guest.h"

/* ---- Reading ----------------------------------------------------------------------------- */

u64 guests_peek(struct oracle *o, u64 pa, unsigned int bytes)
{
	u64 val = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		u64 byte = 0;

		if (IS_ALIGNED(pa, 8) && bytes == 8) {
			board_peek64(o->b, PA(pa), &val);
			return val;
		}
		board_peek(o->b, PA(pa + i), 1, &byte);
		val |= byte << (8 * i);
	}
	return val;
}

u64 guests_vcpu_at(struct oracle *o, const struct el2_guest_view *g, u32 idx)
{
	const u64 off = o->v->layout->va_offset;
	u64 va;

	if (idx >= g->created_vcpus)
		return 0;
	va = guests_peek(o, g->area.va - off + o->v->vm_layout->hyp_vm_size + UINT64_C(8) * idx, 8);
	return va ? va - off : 0;
}

/* CPU + 1; 0: none. */
static unsigned int vcpu_loaded_on(struct oracle *o, u64 vcpu)
{
	return el2_vcpu_loaded_on(o->v, o->b->n_cpus,
				  guests_peek(o, vcpu + o->v->vm_layout->hyp_vcpu_loaded, 8));
}

static u64 slot_word(struct oracle *o, u32 slot)
{
	return guests_peek(o, o->v->vm_table.pa + UINT64_C(8) * slot, 8);
}

/* Which of EL1's and EL0's rights to execute an entry gives EL1. */
static bool executable(const struct arch_features *f, u64 desc)
{
	const u64 xn = FIELD_GET(PTE_S2_XN, desc) & (f->xnx ? 3 : 2);

	return xn == 0 || xn == 3;
}

/* What the walk for an address of a guest's ended at. */
struct guest_entry {
	u64 desc, ia, size;
};

/*
 * As model_walk_table(), for what of it is wanted here. The table of the last level that
 * the walk before ended in serves its neighbours, as those of the host and of EL2 do.
 */
static bool guest_entry(struct oracle *o, const struct el2_guest_view *g, u64 ia,
			struct guest_entry *e)
{
	struct last_guest *last = &o->last_guest;
	struct mmu_result res;

	if (last->root == g->s2.root.pa && ia - last->ia < last->size &&
	    board_peek64(o->b, PA(last->pa + ((ia - last->ia) >> o->shift) * 8), &e->desc)) {
		e->ia = ALIGN_DOWN(ia, BIT(o->shift));
		e->size = BIT(o->shift);
		return true;
	}
	if (!model_walk_table(o->b, &g->s2, ia, &res))
		return false;
	*e = (struct guest_entry){ res.desc, res.ia_base, res.size };
	if (o->fold.live && res.level == ARCH_LAST_LEVEL && g->s2.start_level < ARCH_LAST_LEVEL &&
	    res.fault != MMU_FAULT_EXTERNAL_WALK) {
		last->size = BIT(level_shift(o->shift, ARCH_LAST_LEVEL - 1));
		last->ia = ALIGN_DOWN(ia, last->size);
		last->pa = ALIGN_DOWN(res.desc_pa.pa, BIT(o->shift));
		last->root = g->s2.root.pa;
	}
	return true;
}

static struct m_leaf leaf_for_rules(const struct m_state *s, u32 handle, u64 gfn)
{
	struct oracle *o = s->pages;
	const struct el2_guest_view *g = model_guest(o->v, handle);
	struct m_leaf l = { .state = PKVM_NOPAGE, .gfn = gfn, .nr = 1 };
	struct guest_entry e;

	if (!g || !guest_entry(o, g, gfn << o->shift, &e))
		return l;
	l.state = (u8)model_entry_state(o->v->layout, e.desc);
	l.gfn = e.ia >> o->shift;
	l.nr = e.size >> o->shift;
	if (!pte_valid(e.desc))
		return l;
	l.pfn = pa_from_pte(o->b->f, e.desc).pa >> o->shift;
	l.r = e.desc & PTE_S2_R;
	l.w = e.desc & PTE_S2_W;
	l.x = executable(o->b->f, e.desc);
	l.young = e.desc & PTE_AF;
	return l;
}

static bool vcpu_for_rules(const struct m_state *s, u32 handle, u32 idx, struct m_vcpu *out)
{
	struct oracle *o = s->pages;
	const struct el2_guest_view *g = model_guest(o->v, handle);
	const u64 vcpu = g ? guests_vcpu_at(o, g, idx) : 0;
	const struct el2_vm_layout *l = o->v->vm_layout;

	*out = (struct m_vcpu){ 0 };
	if (!vcpu)
		return false;
	out->loaded = guests_peek(o, vcpu + l->hyp_vcpu_loaded, 8);
	out->fill = guests_peek(o, vcpu + l->hyp_vcpu_memcache + l->mc_nr_pages, 8);
	return true;
}

bool guests_init(struct oracle *o)
{
	struct oracle_guests *g = board_alloc(o->b, sizeof(*g));

	o->g = g;
	g->links = board_store_new(o->b, GUEST_LINKS * sizeof(u64));
	g->ranges = board_store_new(o->b, GUEST_RANGES * sizeof(struct m_range));
	o->state.vm = g->vm;
	o->state.loaded = g->loaded;
	o->state.leaf = leaf_for_rules;
	o->state.vcpu = vcpu_for_rules;
	o->state.xnx = o->b->f->xnx;
	o->state.young_by_hardware = o->b->f->hafdbs;
	return g->links && g->ranges;
}

/* ---- Taking what is found --------------------------------------------------------------------- */

static void take_loaded(struct oracle *o, const struct el2_guest_view *g, u32 idx)
{
	const u64 vcpu = guests_vcpu_at(o, g, idx);
	const unsigned int on = vcpu ? vcpu_loaded_on(o, vcpu) : 0;

	if (on)
		o->g->loaded[on - 1] = (struct m_loaded){ g->handle, idx };
}

static void take_vm(struct oracle *o, const struct el2_guest_view *g)
{
	struct m_vm *vm = &o->g->vm[g->handle - EL2_HANDLE_OFFSET];

	*vm = (struct m_vm){
		.slot = M_SLOT_LIVE,
		.is_protected = g->is_protected,
		.dying = g->is_dying,
		.users = (u16)model_refcount(o->b, o->v, PA(g->area.va - o->v->layout->va_offset)),
		.vcpus = g->created_vcpus,
	};
	for (u32 i = 0; i < g->created_vcpus; i++) {
		vm->made += guests_vcpu_at(o, g, i) != 0;
		take_loaded(o, g, i);
	}
}

static void take_slot(struct oracle *o, u32 slot)
{
	const struct el2_guest_view *g = model_guest(o->v, EL2_HANDLE_OFFSET + slot);
	const u64 word = slot_word(o, slot);
	struct m_vm *vm = &o->g->vm[slot];

	if (g)
		take_vm(o, g);
	else if (vm->slot != M_SLOT_FREE || word)
		*vm = (struct m_vm){ .slot = word == EL2_SLOT_RESERVED ? M_SLOT_RESERVED
								       : M_SLOT_FREE };
}

void guests_take(struct oracle *o)
{
	memset(o->g->loaded, 0, sizeof(o->g->loaded));
	o->g->n_live = o->v->n_guests;
	o->last_guest.size = 0;
	o->state.vm_table = o->v->booted && o->v->vm_table.pa;
	o->state.guest_levels = (u8)(ARCH_LAST_LEVEL - o->v->host_s2.start_level);
	for (u32 i = 0; o->state.vm_table && i < M_VMS; i++)
		take_slot(o, i);
}

/* ---- An action begins ----------------------------------------------------------------------------- */

static bool may_go(const struct oracle *o)
{
	return o->call.op == M_FINALIZE_TEARDOWN || o->call.op == M_TEARDOWN;
}

/* Its tables are taken apart without a store to their entries: forget them first. */
void guests_begin(struct oracle *o)
{
	const struct el2_guest_view *g;

	o->g->n_changes = 0;
	o->g->unlinked = o->g->cut = false;
	if (!o->fold.live || !may_go(o) || !o->verdict.frees)
		return;
	g = model_guest(o->v, o->call.handle);
	o->g->unlinked = g;
	if (g)
		fold_unlink_guest(o, g, &(struct event){ 0 });
}

void guests_changed(struct oracle *o, u16 slot, int level, u64 ia, const struct event *ev)
{
	struct oracle_guests *g = o->g;

	for (u32 i = 0; i < g->n_changes; i++)
		if (g->change[i].at == ev->addr)
			return;
	if (g->n_changes < MAX_GUEST_CHANGES)
		g->change[g->n_changes++] = (struct guest_change){
			.at = ev->addr,
			.ia = ia,
			.old = ev->old,
			.handle = EL2_HANDLE_OFFSET + slot,
			.level = (s8)level,
			.ev = *ev,
		};
}

/* ---- It ended: the tables of guests ----------------------------------------------------------------- */

/* Bits of a leaf that the call may change where it names no new leaf. */
static u64 free_bits(const struct oracle *o)
{
	switch (o->call.op) {
	case M_WRPROTECT:
		return PTE_S2_W;
	case M_TEST_CLEAR_YOUNG:
	case M_GUEST_READ:
	case M_GUEST_WRITE:
	case M_GUEST_EXEC:
		return PTE_AF;
	default:
		return 0;
	}
}

static bool named_change(const struct oracle *o, const struct guest_change *c, u64 now)
{
	const struct m_verdict *v = &o->verdict;
	const u64 gfn = c->ia >> o->shift;

	if (!((c->old ^ now) & ~free_bits(o)) && pte_valid(now))
		return true;
	return o->commits && v->leaf.nr && c->handle == v->handle && gfn - v->leaf.gfn < v->leaf.nr;
}

static void check_change(struct oracle *o, const struct guest_change *c)
{
	const u64 span = BIT(level_shift(o->shift, c->level));
	u64 now = 0, pfn = NO_PAGE;

	board_peek64(o->b, PA(c->at), &now);
	if (now == c->old || pte_table(now, c->level) || named_change(o, c, now) ||
	    leaf_for_rules(&o->state, c->handle, c->ia >> o->shift).nr != span >> o->shift)
		return;
	if (pte_valid(c->old) || pte_valid(now))
		pfn = pa_from_pte(o->b->f, pte_valid(c->old) ? c->old : now).pa >> o->shift;
	if (o->error)
		judge_broken(o, RULE_NO_CHANGE_ON_ERROR, pfn, &c->ev, NULL, NULL,
			     "the call failed and changed a guest's table");
	else
		judge_odd(o, pfn, &c->ev, NULL, NULL,
			  "a guest's table changed where nothing allows that");
}

static bool leaf_same(const struct m_leaf *a, const struct m_leaf *b)
{
	if (a->state != b->state)
		return false;
	if (a->state == PKVM_NOPAGE || a->state == PKVM_POISON)
		return true;
	return a->gfn == b->gfn && a->nr == b->nr && a->pfn == b->pfn && a->r == b->r &&
	       a->w == b->w && a->x == b->x && a->young == b->young;
}

static void check_leaf(struct oracle *o)
{
	const struct m_verdict *v = &o->verdict;
	struct m_leaf now;

	if (!o->commits || !v->leaf.nr)
		return;
	now = leaf_for_rules(&o->state, v->handle, v->leaf.gfn);
	if (!leaf_same(&now, &v->leaf))
		judge_odd(o, v->leaf.pfn ? v->leaf.pfn : NO_PAGE, NULL, NULL, NULL,
			  "the guest's mapping is not what the call makes of it");
}

/*
 * A right that was added: the CPU that asked must not go on with less, for its guest would
 * fault there for ever. The others are told when they ask (judge_piece()).
 */
static void check_told(struct oracle *o)
{
	const struct m_leaf *l = &o->verdict.leaf;
	const struct tlb_entry *e;

	if (!o->commits || o->call.op != M_RELAX_PERMS)
		return;
	e = guests_tlb_entry(o, o->verdict.handle, o->call.gfn << o->shift);
	if (e && ((l->r && !e->r) || (l->w && !e->w) || (l->x && !e->x)))
		judge_broken(o, RULE_STALE_TLB, l->pfn, NULL, NULL, NULL,
			     "the guest may do more, and the TLB of the CPU that asked for it "
			     "does not know");
}

/* ---- And the VMs ------------------------------------------------------------------------------------- */

static void becomes(struct oracle *o)
{
	const struct m_verdict *v = &o->verdict;
	struct m_loaded *on = &o->g->loaded[o->action.cpu];
	struct m_vm *vm = &o->g->vm[v->slot];

	switch (v->vm) {
	case M_VM_KEEP:
		break;
	case M_VM_RESERVED:
		vm->slot = M_SLOT_RESERVED;
		break;
	case M_VM_UNRESERVED:
	case M_VM_GONE:
		*vm = (struct m_vm){ .slot = M_SLOT_FREE };
		break;
	case M_VM_MADE:
		*vm = (struct m_vm){ .slot = M_SLOT_LIVE,
				     .is_protected = o->call.is_protected,
				     .vcpus = o->call.vcpus };
		break;
	case M_VM_HAS_VCPU:
		vm->made++;
		break;
	case M_VM_DYING:
		vm->dying = true;
		break;
	case M_VCPU_LOADED:
		*on = (struct m_loaded){ o->call.handle, o->call.idx };
		vm->users++;
		break;
	case M_VCPU_GONE:
		*on = (struct m_loaded){ 0 };
		vm->users--;
		break;
	}
}

static const char *vm_differs(struct oracle *o, u32 slot)
{
	const struct el2_guest_view *g = model_guest(o->v, EL2_HANDLE_OFFSET + slot);
	const struct m_vm *vm = &o->g->vm[slot];
	const u64 word = slot_word(o, slot);

	if ((vm->slot == M_SLOT_LIVE) != (g != NULL))
		return g ? "a VM is there that should not" : "the VM is not there";
	if ((vm->slot == M_SLOT_RESERVED) != (word == EL2_SLOT_RESERVED))
		return "the handle is not reserved as it should be";
	if (!g)
		return NULL;
	if (vm->is_protected != g->is_protected)
		return "the VM is protected or not, other than the host asked";
	if (vm->dying != g->is_dying)
		return "the VM's teardown has begun or not, other than it should";
	if (vm->users != model_refcount(o->b, o->v, PA(g->area.va - o->v->layout->va_offset)))
		return "the VM's users are not counted right";
	return NULL;
}

static const char *vcpu_differs(struct oracle *o, u32 handle, u32 idx)
{
	const struct el2_guest_view *g = model_guest(o->v, handle);
	const u64 vcpu = g ? guests_vcpu_at(o, g, idx) : 0;
	const struct m_loaded *on = &o->g->loaded[o->action.cpu];
	const bool here = on->handle == handle && on->idx == idx;

	if (!vcpu)
		return "the VM does not have the vCPU";
	if ((vcpu_loaded_on(o, vcpu) == o->action.cpu + 1) != here)
		return here ? "the vCPU is not loaded" : "the vCPU is still loaded";
	return NULL;
}

static void check_vm(struct oracle *o)
{
	const struct m_loaded was = o->g->loaded[o->action.cpu];
	const struct m_verdict *v = &o->verdict;
	const char *wrong;

	if (o->commits)
		becomes(o);
	if (v->vm == M_VM_KEEP && o->g->n_live == o->v->n_guests)
		return;
	wrong = v->vm == M_VM_KEEP ? "a VM came or went unasked" : vm_differs(o, v->slot);
	if (!wrong && o->commits && v->vm == M_VM_HAS_VCPU)
		wrong = vcpu_differs(o, o->call.handle, o->call.idx);
	if (!wrong && o->commits && v->vm == M_VCPU_LOADED)
		wrong = vcpu_differs(o, o->call.handle, o->call.idx);
	if (!wrong && o->commits && v->vm == M_VCPU_GONE)
		wrong = vcpu_differs(o, was.handle, was.idx);
	if (!wrong)
		return;
	judge_odd(o, NO_PAGE, NULL, NULL, NULL, wrong);
	guests_take(o);
}

/* Tables of a VM that came are followed from here on, or of one that did not go. */
void guests_follow(struct oracle *o)
{
	const struct el2_guest_view *g;

	if (o->g->unlinked) {
		g = model_guest(o->v, o->call.handle);
		if (g)
			fold_link_guest(o, g, &(struct event){ 0 });
	}
	if (o->verdict.vm == M_VM_MADE && o->v->n_guests > o->g->n_live) {
		g = model_guest(o->v, EL2_HANDLE_OFFSET + o->verdict.slot);
		if (g)
			fold_link_guest(o, g, &(struct event){ 0 });
	} else if (o->v->n_guests > o->g->n_live) {
		o->fold.reread = true;
	}
}

void guests_end(struct oracle *o)
{
	if (o->judging == JUDGE_EFFECT) {
		for (u32 i = 0; i < o->g->n_changes; i++)
			check_change(o, &o->g->change[i]);
		check_leaf(o);
		check_told(o);
	}
	check_vm(o);
	o->g->n_live = o->v->n_guests;
}
