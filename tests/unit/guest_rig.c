// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtual machines on the machine of the ownership tests. */
#include <string.h>

#include "tests/unit/guest_rig.h"

static const struct el2_vm_layout *const layout = &el2_vm_layout;

/* ---- Calls ------------------------------------------------------------------------------ */

struct hvc {
	const struct el2_call *call;
	const u64 *args;
	unsigned int n;
};

static s64 run_hvc(struct cpu *cpu, void *arg)
{
	struct hyp_cpu *c = cpu->el2;
	const struct hvc *h = arg;
	u64 regs[18] = { hyp_hvc_id(c->hyp, h->call) };

	memcpy(regs + 1, h->args, h->n * sizeof(*h->args));
	handle_host_hcall(c, regs);
	return regs[0] ? -ENOSYS : (s64)regs[1];
}

static void check_unlocked(struct hyp_machine *m, const char *what)
{
	for (const struct spinlock *l = m->b->locks; l; l = l->next)
		if (spin_is_locked(l))
			g_error("%s left %s locked", what, l->name);
}

s64 guest_hvc(struct hyp_machine *m, unsigned int cpu, const char *name, const u64 *args,
	      unsigned int n)
{
	struct hvc h = { .args = args, .n = n };
	bool ambiguous;
	s64 ret;

	h.call = el2_call_find(hyp_calls(m->hyp), name, &ambiguous);
	g_assert_nonnull(h.call);
	if (cpu_call(&m->b->cpus[cpu], run_hvc, &h, &ret) != CPU_END_RETURNED)
		return PANIC;
	check_unlocked(m, name);
	return ret;
}

u64 guest_hva(struct hyp_machine *m, u64 pa)
{
	return UINT64_C(0xffff) << 48 | hyp_va_of(m->hyp, PA(pa)).va;
}

void host_store(struct hyp_machine *m, u64 pa, u64 val)
{
	g_assert_cmpint(bus_write(&m->b->cpus[0], PA(pa), 8, val), ==, BUS_OK);
}

/* ---- Guests' memory ------------------------------------------------------------------------ */

const char *const guest_op_name[N_GUEST_OPS] = {
	[DG] = "donate_guest",
	[SG] = "share_guest",
	[UG] = "unshare_guest",
	[GS] = "guest_share_host",
	[GU] = "guest_unshare_host",
	[RC] = "reclaim_page_guest",
	[FR] = "force_reclaim",
	[RELAX] = "relax_perms_guest",
	[WRPROTECT] = "wrprotect_guest",
	[TEST_YOUNG] = "test_young_guest",
	[CLEAR_YOUNG] = "clear_young_guest",
	[MKYOUNG] = "mkyoung_guest",
};

struct op_call {
	const struct guest *g;
	enum guest_op op;
	struct guest_args a;
};

static s64 run_guest_op(struct hyp_cpu *c, void *arg)
{
	const struct op_call *o = arg;
	const u64 pfn = o->a.phys >> c->hyp->f->page_shift, gfn = o->a.gfn, n = o->a.n;
	struct pkvm_hyp_vcpu v;
	s64 ret = -ENXIO;

	if (o->op == FR)
		return __pkvm_host_force_reclaim_page_guest(c, o->a.phys);
	v.vm = get_pkvm_hyp_vm(c, o->g->handle);
	g_assert_nonnull(v.vm);
	g_assert_true(hyp_vm_vcpu(c, v.vm, 0, &v));
	switch (o->op) {
	case DG:
		ret = __pkvm_host_donate_guest(c, pfn, gfn, &v);
		break;
	case SG:
		ret = __pkvm_host_share_guest(c, pfn, gfn, n, &v, o->a.prot);
		break;
	case UG:
		ret = __pkvm_host_unshare_guest(c, gfn, n, v.vm);
		break;
	case GS:
		ret = __pkvm_guest_share_host(c, &v, gfn);
		break;
	case GU:
		ret = __pkvm_guest_unshare_host(c, &v, gfn);
		break;
	case RC:
		ret = __pkvm_host_reclaim_page_guest(c, gfn, v.vm);
		break;
	case RELAX:
		ret = __pkvm_host_relax_perms_guest(c, gfn, &v, o->a.prot);
		break;
	case WRPROTECT:
		ret = __pkvm_host_wrprotect_guest(c, gfn, n, v.vm);
		break;
	case TEST_YOUNG:
	case CLEAR_YOUNG:
		ret = __pkvm_host_test_clear_young_guest(c, gfn, n, o->op == CLEAR_YOUNG, v.vm);
		break;
	case MKYOUNG:
		ret = __pkvm_host_mkyoung_guest(c, gfn, &v);
		break;
	default:
		g_assert_not_reached();
	}
	put_pkvm_hyp_vm(c, v.vm);
	return ret;
}

s64 guest_do(struct hyp_machine *m, const struct guest *g, enum guest_op op, struct guest_args a)
{
	struct op_call o = { g, op, a };
	s64 ret;

	if (!hm_run(m, run_guest_op, &o, &ret))
		return PANIC;
	check_unlocked(m, guest_op_name[op]);
	return ret;
}

s64 guest_page(struct hyp_machine *m, const struct guest *g, enum guest_op op, u64 phys, u64 gfn)
{
	return guest_do(m, g, op, (struct guest_args){ phys, gfn, 1, PROT_RWX });
}

void guest_must(struct hyp_machine *m, const struct guest *g, enum guest_op op, u64 phys, u64 gfn)
{
	s64 ret = guest_page(m, g, op, phys, gfn);

	if (ret)
		g_error("%s of gfn 0x%" G_GINT64_MODIFIER "x: %d", guest_op_name[op], gfn,
			(int)ret);
}

u64 guest_pte(struct hyp_machine *m, const struct guest *g, u64 gfn, s8 *level)
{
	const struct el2_view *v = pkvm_hypervisor.view(m->e);

	for (unsigned int i = 0; i < v->n_guests; i++) {
		struct mmu_result res = { 0 };

		if (v->guests[i]->handle != g->handle)
			continue;
		mmu_walk(&v->guests[i]->s2, gfn << m->b->f->page_shift, MMU_READ, board_read_desc,
			 m->b, &res);
		if (level)
			*level = res.level;
		return res.desc;
	}
	g_assert_not_reached();
}

enum page_state guest_state(struct hyp_machine *m, const struct guest *g, u64 gfn)
{
	const struct el2_layout *l = &m->hyp->layout;
	const u64 pte = guest_pte(m, g, gfn, NULL);

	if (pte_valid(pte))
		return (enum page_state)FIELD_GET(l->sw_state_mask, pte);
	if (l->type_mask && FIELD_GET(l->type_mask, pte) == l->type_poison)
		return PKVM_POISON;
	return PKVM_NOPAGE;
}

/* ---- Making VMs ------------------------------------------------------------------------------ */

static u64 take(struct hyp_machine *m, struct guest *g, u64 bytes, u64 align)
{
	const u64 page = hyp_page_size(m->hyp);
	u64 pa = ALIGN_UP(g->next, MAX(align, page));

	g->next = pa + ALIGN_UP(bytes, page);
	return pa;
}

static u64 take_shared(struct hyp_machine *m, struct guest *g, u64 bytes)
{
	u64 pa = take(m, g, bytes, 0);

	for (u64 at = pa; at < pa + bytes; at += hyp_page_size(m->hyp))
		rig_must(m, SH, at);
	return pa;
}

void guest_prepare(struct hyp_machine *m, struct guest *g, u64 pa, bool is_protected)
{
	u64 pgd;

	*g = (struct guest){ .next = pa };
	pgd = guest_pgd_size(m->hyp);
	g->kvm = take_shared(m, g, layout->kvm_size);
	g->vcpu = take_shared(m, g, layout->vcpu_size);
	g->area = take(m, g, layout->hyp_vm_size + 8, 0);
	g->pgd = take(m, g, pgd, pgd);
	g->vcpu_area = take(m, g, layout->hyp_vcpu_size, 0);
	if (m->hyp->profile->reserves_vms)
		g->handle = (u32)HVC(m, "reserve_vm");
	host_store(m, g->kvm + layout->kvm_created_vcpus, 1);
	host_store(m, g->kvm + layout->kvm_handle, g->handle);
	host_store(m, g->kvm + layout->kvm_is_protected, is_protected);
	host_store(m, g->kvm + layout->kvm_flags, 1);
	host_store(m, g->vcpu + layout->vcpu_kvm, guest_hva(m, g->kvm));
}

s64 guest_init_vm(struct hyp_machine *m, struct guest *g)
{
	s64 ret = HVC(m, "init_vm", guest_hva(m, g->kvm), guest_hva(m, g->area),
		      guest_hva(m, g->pgd));

	if (ret > 0 && ret != PANIC && !m->hyp->profile->reserves_vms) {
		g->handle = (u32)ret;
		host_store(m, g->kvm + layout->kvm_handle, g->handle);
		ret = 0;
	}
	return ret;
}

s64 guest_init_vcpu(struct hyp_machine *m, struct guest *g)
{
	return HVC(m, "init_vcpu", g->handle, guest_hva(m, g->vcpu), guest_hva(m, g->vcpu_area));
}

u64 guest_memcache(struct hyp_machine *m, const struct guest *g)
{
	return hm_peek(m, g->vcpu_area + layout->hyp_vcpu_memcache + layout->mc_nr_pages);
}

struct refill {
	const struct guest *g;
	u64 min_pages;
};

static s64 run_refill(struct hyp_cpu *c, void *arg)
{
	const struct refill *r = arg;
	const u64 host = r->g->vcpu + layout->vcpu_memcache;
	const struct hyp_memcache host_mc = host_memcache(c, hyp_va_of(c->hyp, PA(host)));
	const struct pkvm_hyp_vcpu vcpu = { .va = hyp_va_of(c->hyp, PA(r->g->vcpu_area)) };
	const struct hyp_memcache mc = hyp_vcpu_memcache(c, &vcpu);

	return refill_memcache(c, &mc, r->min_pages, &host_mc);
}

s64 guest_refill(struct hyp_machine *m, struct guest *g, u64 n)
{
	struct refill r = { g, guest_memcache(m, g) + n };
	u64 head = 0;
	s64 ret;

	for (u64 i = 0; i < n; i++) {
		u64 page = take(m, g, 1, 0);

		host_store(m, page, head);
		head = page;
	}
	host_store(m, g->vcpu + layout->vcpu_memcache + layout->mc_head, head);
	host_store(m, g->vcpu + layout->vcpu_memcache + layout->mc_nr_pages, n);
	return hm_run(m, run_refill, &r, &ret) ? ret : PANIC;
}

void guest_new(struct hyp_machine *m, struct guest *g, u64 pa, bool is_protected, u64 pages)
{
	guest_prepare(m, g, pa, is_protected);
	g_assert_cmpint(guest_init_vm(m, g), ==, 0);
	g_assert_cmpint(guest_init_vcpu(m, g), ==, 0);
	if (pages)
		g_assert_cmpint(guest_refill(m, g, pages), ==, 0);
}

void guest_all_back(struct hyp_machine *m, u64 from, u64 to)
{
	for (u64 pa = from; pa < to; pa += hyp_page_size(m->hyp)) {
		const struct abs_page p = rig_look(m, pa);

		if (p.host != PKVM_PAGE_OWNED || p.hyp != PKVM_NOPAGE || p.refcount || p.sharers)
			g_error("page 0x%" G_GINT64_MODIFIER "x: host %s, hyp %s, %u references",
				pa, page_state_name[p.host], page_state_name[p.hyp], p.refcount);
	}
}
