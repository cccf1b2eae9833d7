// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls about guests: what each names, and what stands in the host's memory for it to
 * find (struct kvm, the list of pages for tables), read before EL2 sees it. And what EL2
 * has for a VM that is to go, all of which must come back.
 */
#include <string.h>

#include "oracle_guest.h"

/* ---- The table of calls ---------------------------------------------------------------- */

enum has { ALL, FROM_V7_0, FROM_V7_2, TO_V7_0 };

/* Arguments: handle, idx, pfn, gfn, nr, prot, address; Old, List, Kvm, Vcpu, Run. */
static const struct {
	const char *name;
	enum m_op op;
	const char *args;
	enum has has;
	bool by_el2; /* the handle comes first, and vCPU 0 gives tables */
} calls[] = {
	{ "host_share_guest", M_HOST_SHARE_GUEST, "pgnr", FROM_V7_0, false },
	{ "host_unshare_guest", M_HOST_UNSHARE_GUEST, "hgn", FROM_V7_0, false },
	{ "host_relax_perms_guest", M_RELAX_PERMS, "gr", FROM_V7_0, false },
	{ "host_wrprotect_guest", M_WRPROTECT, "hgn", FROM_V7_0, false },
	{ "host_test_clear_young_guest", M_TEST_CLEAR_YOUNG, "hgnO", FROM_V7_0, false },
	{ "host_mkyoung_guest", M_MKYOUNG, "g", FROM_V7_0, false },
	{ "host_donate_guest", M_HOST_DONATE_GUEST, "pg", FROM_V7_2, false },
	{ "vcpu_in_poison_fault", M_POISON_FAULT, "", FROM_V7_2, false },
	{ "force_reclaim_guest_page", M_FORCE_RECLAIM, "a", FROM_V7_2, false },
	{ "reclaim_dying_guest_page", M_RECLAIM_DYING, "hg", FROM_V7_2, false },
	{ "reserve_vm", M_RESERVE_VM, "", FROM_V7_0, false },
	{ "unreserve_vm", M_UNRESERVE_VM, "h", FROM_V7_0, false },
	{ "init_vm", M_INIT_VM, "K", ALL, false },
	{ "init_vcpu", M_INIT_VCPU, "hV", ALL, false },
	{ "vcpu_load", M_VCPU_LOAD, "hi", FROM_V7_0, false },
	{ "vcpu_put", M_VCPU_PUT, "", FROM_V7_0, false },
	{ "kvm_vcpu_run", M_VCPU_RUN, "R", ALL, false },
	{ "start_teardown_vm", M_START_TEARDOWN, "h", FROM_V7_2, false },
	{ "finalize_teardown_vm", M_FINALIZE_TEARDOWN, "h", FROM_V7_2, false },
	{ "teardown_vm", M_TEARDOWN, "h", TO_V7_0, false },
	{ "tlb_flush_vmid", M_TLB_FLUSH, "h", FROM_V7_0, false },
	{ "vm_donate", M_HOST_DONATE_GUEST, "hpg", FROM_V7_2, true },
	{ "vm_share", M_HOST_SHARE_GUEST, "hpgnr", FROM_V7_0, true },
	{ "vm_unshare", M_HOST_UNSHARE_GUEST, "hgn", FROM_V7_0, true },
	{ "vm_relax_perms", M_RELAX_PERMS, "hgr", FROM_V7_0, true },
	{ "vm_wrprotect", M_WRPROTECT, "hgn", FROM_V7_0, true },
	{ "vm_test_clear_young", M_TEST_CLEAR_YOUNG, "hgnO", FROM_V7_0, true },
	{ "vm_mkyoung", M_MKYOUNG, "hg", FROM_V7_0, true },
	{ "guest_share_host", M_GUEST_SHARE_HOST, "hg", FROM_V7_2, true },
	{ "guest_unshare_host", M_GUEST_UNSHARE_HOST, "hg", FROM_V7_2, true },
	{ "host_reclaim_page_guest", M_RECLAIM_GUEST, "hg", FROM_V7_2, true },
	{ "refill_memcache", M_REFILL_MEMCACHE, "hL", FROM_V7_0, true },
};

static bool release_has(const struct profile *p, enum has has)
{
	switch (has) {
	case FROM_V7_0:
		return p->reserves_vms;
	case FROM_V7_2:
		return p->protected_guests;
	case TO_V7_0:
		return !p->protected_guests;
	case ALL:
		break;
	}
	return true;
}

/* ---- What it finds in memory ---------------------------------------------------------------- */

static struct m_span span(const struct oracle *o, u64 pa, u64 bytes)
{
	const u64 page = BIT(o->shift), from = ALIGN_DOWN(pa, page);

	return (struct m_span){ .pfn = from >> o->shift,
				.nr = (ALIGN_UP(pa + bytes, page) - from) >> o->shift,
				.misaligned = pa != from };
}

/* What is donated begins at a page; what is pinned is rounded outward. */
static struct m_span donated(const struct oracle *o, u64 host_va, u64 bytes)
{
	return span(o, guests_host_pa(o, host_va), bytes);
}

/* v7.1 on 16 bits, so that it fits into an annotation. */
static u32 handle_of(const struct oracle *o, u64 val)
{
	return o->design.profile->protected_guests ? (u16)val : (u32)val;
}

static void name_vm(struct oracle *o, const u64 *a)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	const u64 kvm = guests_host_pa(o, a[0]), page = BIT(o->shift);
	struct m_call *c = &o->call;

	c->host_struct = span(o, kvm, l->kvm_size);
	c->vcpus = (u32)guests_peek(o, kvm + l->kvm_created_vcpus, 8);
	c->handle = handle_of(o, guests_peek(o, kvm + l->kvm_handle, 8));
	c->is_protected = (u8)guests_peek(o, kvm + l->kvm_is_protected, 8);
	c->area = donated(o, a[1], l->hyp_vm_size + UINT64_C(8) * c->vcpus);
	c->pgd = donated(o, a[2], page * s2_pgd_pages(o->shift, o->v->host_s2.ia_bits));
}

static void name_vcpu(struct oracle *o, const u64 *a)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	const struct el2_guest_view *g = model_guest(o->v, o->call.handle);
	const u64 vcpu = guests_host_pa(o, a[0]), off = o->v->layout->va_offset;
	struct m_call *c = &o->call;

	c->host_struct = span(o, vcpu, l->vcpu_size);
	c->idx = (u32)guests_peek(o, vcpu + l->vcpu_idx, 8);
	c->area = donated(o, a[1], l->hyp_vcpu_size);
	c->has_id_regs = g && guests_peek(o, g->host_kvm.va - off + l->kvm_flags, 8) & l->kvm_has_id_regs;
}

/* Up to v6.12 the host's structures lead to the vCPU. */
static void name_run(struct oracle *o, const u64 *a)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	const u64 vcpu = guests_host_pa(o, a[0]);
	const u64 kvm = guests_host_pa(o, guests_peek(o, vcpu + l->vcpu_kvm, 8));

	o->call.handle = handle_of(o, guests_peek(o, kvm + l->kvm_handle, 8));
	o->call.idx = (u32)guests_peek(o, vcpu + l->vcpu_idx, 8);
}

/* The frames of a list, as far as they can be wanted. */
static void follow_list(struct oracle *o, u64 header, u64 most)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	struct oracle_guests *g = o->g;
	struct m_call *c = &o->call;
	u64 head = guests_peek(o, header + l->mc_head, 8);

	c->list_fill = guests_peek(o, header + l->mc_nr_pages, 8);
	c->link = (const u64 *)g->links->bytes;
	while (c->n_links < most && c->n_links < c->list_fill && c->n_links < GUEST_LINKS) {
		const u64 page = ALIGN_DOWN(head, BIT(o->shift));

		store_mark(o->b, g->links, (u64)c->n_links * sizeof(u64));
		((u64 *)g->links->bytes)[c->n_links++] = head >> o->shift;
		if (!board_ram_at(o->b, PA(page)))
			return;
		head = guests_peek(o, page, 8);
	}
	c->links_cut = c->n_links == GUEST_LINKS;
}

static void name_list(struct oracle *o, const u64 *a)
{
	o->call.want = a[0];
	follow_list(o, a[1] - o->v->layout->va_offset, a[0]);
}

/* What the loaded vCPU gets before its call is looked at. */
static void name_refill(struct oracle *o)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	const struct m_loaded *on = &o->g->loaded[o->action.cpu];
	const struct el2_guest_view *g = on->handle ? model_guest(o->v, on->handle) : NULL;
	u64 vcpu = g ? guests_vcpu_at(o, g, on->idx) : 0, header;

	if (!vcpu)
		return;
	header = guests_peek(o, vcpu + l->hyp_vcpu_host, 8) - o->v->layout->va_offset +
		 l->vcpu_memcache;
	o->call.want = guests_peek(o, header + l->mc_nr_pages, 8);
	follow_list(o, header, o->call.want);
}

/* ---- All that a VM has ------------------------------------------------------------------------ */

static void give(struct oracle *o, u64 pa, u64 pages, bool unpin)
{
	struct m_range *list = (struct m_range *)o->g->ranges->bytes, *last;
	struct m_call *c = &o->call;

	last = c->n_given ? &list[c->n_given - 1] : NULL;
	if (last && last->unpin == unpin && last->pfn + last->nr == pa >> o->shift) {
		last->nr += pages;
		return;
	}
	if (c->n_given == GUEST_RANGES) {
		o->g->cut = true;
		return;
	}
	store_mark(o->b, o->g->ranges, (u64)c->n_given * sizeof(*list));
	list[c->n_given++] = (struct m_range){ pa >> o->shift, pages, unpin };
}

static void give_table(void *data, int level, u64 ia, pa_t table)
{
	give(data, table.pa, 1, false);
}

static void give_free(void *data, pa_t page, u64 pages)
{
	give(data, page.pa, pages, false);
}

static void give_span(struct oracle *o, u64 pa, u64 bytes, bool unpin)
{
	const struct m_span s = span(o, pa, bytes);

	give(o, s.pfn << o->shift, s.nr, unpin);
}

/* v6.12 leaves what is in a vCPU's memcache; nothing puts anything there. */
static void give_vcpu(struct oracle *o, u64 vcpu)
{
	const struct el2_vm_layout *l = o->v->vm_layout;
	const u64 off = o->v->layout->va_offset, header = vcpu + l->hyp_vcpu_memcache;
	const u64 host = guests_peek(o, vcpu + l->hyp_vcpu_host, 8);
	u64 nr = guests_peek(o, header + l->mc_nr_pages, 8);
	u64 page = guests_peek(o, header + l->mc_head, 8);

	give_span(o, vcpu, l->hyp_vcpu_size, false);
	if (host)
		give_span(o, host - off, l->vcpu_size, true);
	for (; nr-- && !o->g->cut && board_ram_at(o->b, PA(page)); page = guests_peek(o, page, 8)) {
		page = ALIGN_DOWN(page, BIT(o->shift));
		give(o, page, 1, false);
	}
}

static void list_given(struct oracle *o)
{
	const struct el2_guest_view *g = model_guest(o->v, o->call.handle);
	const struct el2_vm_layout *l = o->v->vm_layout;
	const u64 off = o->v->layout->va_offset;

	if (!g)
		return;

	o->call.given = (const struct m_range *)o->g->ranges->bytes;
	give(o, g->pgd.pa, g->pgd_pages, false);
	give_span(o, g->area.va - off, l->hyp_vm_size + UINT64_C(8) * g->created_vcpus, false);
	give_span(o, g->host_kvm.va - off, l->kvm_size, true);
	model_for_each_table(o->b, &g->s2, give_table, o);
	model_for_each_free(o->b, o->v, &g->pool, give_free, o);
	for (u32 i = 0; i < g->created_vcpus && !o->g->cut; i++) {
		const u64 vcpu = guests_vcpu_at(o, g, i);

		if (vcpu)
			give_vcpu(o, vcpu);
	}
}

/* ---- Naming ------------------------------------------------------------------------------------ */

static void name_argument(struct oracle *o, char what, const u64 *a)
{
	struct m_call *c = &o->call;

	switch (what) {
	case 'h':
		c->handle = handle_of(o, *a);
		break;
	case 'i':
		c->idx = (u32)*a;
		break;
	case 'p':
		c->pfn = *a;
		break;
	case 'g':
		c->gfn = *a;
		break;
	case 'n':
		c->nr = *a;
		break;
	case 'r':
		c->prot = *a;
		break;
	case 'O':
		c->mkold = *a;
		break;
	case 'a':
		c->addr = *a;
		break;
	case 'K':
		name_vm(o, a);
		break;
	case 'V':
		name_vcpu(o, a);
		break;
	case 'R':
		name_run(o, a);
		break;
	case 'L':
		name_list(o, a);
		break;
	}
}

static bool refills(enum m_op op)
{
	return op == M_HOST_SHARE_GUEST || op == M_HOST_DONATE_GUEST;
}

static unsigned int row_of(struct oracle_guests *g, const struct el2_call *call)
{
	unsigned int i = 0;

	for (unsigned int k = 0; call && k < GUEST_CALLS_SEEN; k++)
		if (g->seen[k].call == call)
			return g->seen[k].row;
	while (i < G_N_ELEMENTS(calls) && (!call || strcmp(call->name, calls[i].name)))
		i++;
	g->seen[g->next_seen].call = call;
	g->seen[g->next_seen].row = (u8)i;
	g->next_seen = (g->next_seen + 1) % GUEST_CALLS_SEEN;
	return i;
}

bool guests_name(struct oracle *o)
{
	const struct oracle_action *a = &o->action;
	const unsigned int i = row_of(o->g, a->call);

	if (i == G_N_ELEMENTS(calls))
		return false;
	o->refusal = REFUSE_MAY;
	if (!release_has(o->design.profile, calls[i].has))
		o->refusal = REFUSE_MUST;
	else if (o->state.deprivileged)
		o->refusal = REFUSE_NOT;
	o->call.op = calls[i].op;
	o->call.nr = 1;
	o->call.by_el2 = calls[i].by_el2;
	if (o->refusal == REFUSE_MUST || !o->v->booted)
		return true;
	for (unsigned int k = 0; calls[i].args[k]; k++)
		name_argument(o, calls[i].args[k], &a->args[k]);
	if (refills(o->call.op) && !o->call.by_el2)
		name_refill(o);
	if (o->call.op == M_FINALIZE_TEARDOWN || o->call.op == M_TEARDOWN)
		list_given(o);
	return true;
}
