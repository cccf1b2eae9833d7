// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of recordings that have guests: two VMs on memory from a fixed frame
 * on, made before the state in the header was taken, and pages for their memcaches.
 */
#include <string.h>

#include "golden_machine.h"

/* Where the recorder's host took its memory from, page after page. */
#define FIRST_PFN 0x46800

static const struct el2_view *view(struct machine *m)
{
	return m->hyp->view(m->el2);
}

static u64 page_size(const struct machine *m)
{
	return BIT(m->board->f->page_shift);
}

static void host_store_field(struct machine *m, u64 pa, u64 val, unsigned int width)
{
	bus_write(&m->board->cpus[0], PA(pa), width, val);
}

static void host_store(struct machine *m, u64 pa, u64 val)
{
	host_store_field(m, pa, val, sizeof(val));
}

/* The host's kernel address of its memory. */
static u64 host_va(struct machine *m, u64 pa)
{
	return UINT64_C(0xffff) << 48 | m->hyp->hyp_va(m->el2, PA(pa));
}

/* ---- Calls ---------------------------------------------------------------------------- */

struct call_data {
	struct machine *m;
	const struct el2_call *call;
	const u64 *args;
	unsigned int n;
};

static s64 run_el2_call(struct cpu *cpu, void *arg)
{
	struct call_data *d = arg;

	return d->m->hyp->call(d->m->el2, cpu, d->call, d->args, d->n);
}

static s64 run_hvc(struct cpu *cpu, void *arg)
{
	struct call_data *d = arg;
	u64 regs[18] = { d->m->hyp->hvc_id(d->m->el2, d->call) };

	memcpy(regs + 1, d->args, d->n * sizeof(*d->args));
	d->m->hyp->hvc(d->m->el2, cpu, regs);
	return regs[0] ? -ENOSYS : (s64)regs[1];
}

/* The hidden one is in no EL2's list. */
enum cpu_end golden_call(struct recording *r, struct machine *m, const char *name, const u64 *args,
			 unsigned int n, s64 *ret)
{
	const struct el2_call *hidden = &el2_calls[EL2_CALL_map_mmio];
	struct call_data d = { .m = m, .args = args, .n = n };
	bool ambiguous;

	d.call = el2_call_find(m->hyp->calls(m->el2), name, &ambiguous);
	if (!d.call && !strcmp(name, hidden->name))
		d.call = hidden;
	if (!d.call) {
		recording_bad(r, "this EL2 has no %s", name);
		return CPU_END_RETURNED;
	}
	return cpu_call(&m->board->cpus[0], d.call->hypercall ? run_hvc : run_el2_call, &d, ret);
}

/* One that must give @expect. */
static void must(struct recording *r, struct machine *m, s64 expect, const char *name,
		 const u64 *args, unsigned int n)
{
	s64 ret = 0;

	if (recording_over(r))
		return;
	if (golden_call(r, m, name, args, n, &ret) != CPU_END_RETURNED)
		recording_differs(r, name, "no end", "a value");
	same_int(r, name, ret, expect);
}

/* ---- VMs -------------------------------------------------------------------------------- */

/* The next @bytes of the host's memory, aligned to @align. */
static u64 take(struct golden_host *h, struct machine *m, u64 bytes, u64 align)
{
	u64 pa = ALIGN_UP(h->next, align);

	h->next = pa + ALIGN_UP(bytes, page_size(m));
	return pa;
}

static u64 take_shared(struct golden_host *h, struct recording *r, struct machine *m, u64 bytes)
{
	u64 pa = take(h, m, bytes, page_size(m));

	for (u64 at = pa; at < pa + bytes; at += page_size(m))
		must(r, m, 0, "host_share_hyp", (u64[]){ at >> m->board->f->page_shift }, 1);
	return pa;
}

static void new_vm(struct golden_host *h, struct recording *r, JsonObject *o, struct machine *m)
{
	const struct el2_vm_layout *l = view(m)->vm_layout;
	const s64 handle = field_int(r, o, "handle", EL2_HANDLE_OFFSET, UINT16_MAX);
	const u64 pgd_size = (u64)s2_pgd_pages(m->board->f->page_shift, view(m)->host_s2.ia_bits)
			     << m->board->f->page_shift;
	u64 kvm, vcpu, area, pgd;

	must(r, m, handle, "reserve_vm", NULL, 0);
	kvm = take_shared(h, r, m, l->kvm_size);
	vcpu = take_shared(h, r, m, l->vcpu_size);
	host_store_field(m, kvm + l->kvm_created_vcpus, 1, l->kvm_created_vcpus_width);
	host_store_field(m, kvm + l->kvm_handle, (u64)handle, l->kvm_handle_width);
	host_store_field(m, kvm + l->kvm_is_protected, (u64)field_int(r, o, "protected", 0, 1),
			 l->kvm_is_protected_width);
	host_store(m, kvm + l->kvm_flags, l->kvm_has_id_regs);
	area = take(h, m, l->hyp_vm_size + sizeof(u64), page_size(m));
	pgd = take(h, m, pgd_size, pgd_size);
	must(r, m, 0, "init_vm", (u64[]){ host_va(m, kvm), host_va(m, area), host_va(m, pgd) }, 3);
	area = take(h, m, l->hyp_vcpu_size, page_size(m));
	must(r, m, 0, "init_vcpu", (u64[]){ (u64)handle, host_va(m, vcpu), host_va(m, area) }, 3);
	same_int(r, "mc_min", 3 - view(m)->host_s2.start_level, field_int(r, o, "mc_min", 0, 4));
	h->vm[h->n_vms].handle = (u32)handle;
	h->vm[h->n_vms++].memcache = vcpu + l->vcpu_memcache;
}

void golden_host_new(struct golden_host *h, struct recording *r, JsonObject *header,
		     struct machine *m)
{
	JsonArray *vms = field_array(r, header, "vms");

	*h = (struct golden_host){ .next = (u64)FIRST_PFN << m->board->f->page_shift };
	for (unsigned int i = 0; vms && i < json_array_get_length(vms); i++) {
		JsonNode *n = json_array_get_element(vms, i);

		if (h->n_vms == GOLDEN_VMS || !JSON_NODE_HOLDS_OBJECT(n)) {
			recording_bad(r, "field \"vms\": must hold at most %d objects", GOLDEN_VMS);
			return;
		}
		new_vm(h, r, json_node_get_object(n), m);
	}
}

/* ---- Operations -------------------------------------------------------------------------- */

static unsigned int vm_of(const struct golden_host *h, struct recording *r, JsonObject *op)
{
	return (unsigned int)field_int(r, op, "vm", 0, (s64)h->n_vms - 1);
}

/* The recorder's own encoding to that of the release, which tells EL1 from EL0. */
static u64 recorded_prot(struct recording *r, JsonObject *op)
{
	static const u64 bits[] = { 0x3, 0x4, 0x8, 0x10, 0x20, 0x1, 0x2 };
	const u64 prot = (u64)field_int(r, op, "prot", 0, (1 << G_N_ELEMENTS(bits)) - 1);
	u64 out = 0;

	for (unsigned int i = 0; i < G_N_ELEMENTS(bits); i++)
		out |= prot & BIT(i) ? bits[i] : 0;
	return out;
}

unsigned int golden_guest_args(const struct golden_host *h, struct recording *r, JsonObject *op,
			       const char *fields, u64 args[EL2_MAX_ARGS])
{
	char **name = g_strsplit(fields, " ", -1);
	unsigned int n = 0;

	for (; name[n]; n++) {
		sim_assert(n < EL2_MAX_ARGS);
		if (!strcmp(name[n], "vm"))
			args[n] = h->vm[vm_of(h, r, op)].handle;
		else if (!strcmp(name[n], "prot"))
			args[n] = recorded_prot(r, op);
		else if (!strcmp(name[n], "pfn") || !strcmp(name[n], "gfn"))
			args[n] = field_u64(r, op, name[n]);
		else
			args[n] = (u64)field_int(r, op, name[n], 0, G_MAXINT32);
	}
	g_strfreev(name);
	return n;
}

enum cpu_end golden_refill(struct golden_host *h, struct recording *r, struct machine *m,
			   JsonObject *op, s64 *ret)
{
	const struct el2_vm_layout *l = view(m)->vm_layout;
	const unsigned int vm = vm_of(h, r, op);
	const s64 n = field_int(r, op, "nr_pages", 0, 4096);
	struct gstate *s = gstate_read(m);
	const u64 fill = s->mc[vm], mc = h->vm[vm].memcache;
	u64 head = 0;

	gstate_free(s);
	for (s64 i = 0; i < n; i++) {
		u64 page = take(h, m, page_size(m), page_size(m));

		host_store(m, page, head);
		head = page;
	}
	host_store(m, mc + l->mc_head, head);
	host_store(m, mc + l->mc_nr_pages, (u64)n);
	return golden_call(
		r, m, "refill_memcache",
		(u64[]){ h->vm[vm].handle, fill + (u64)n, m->hyp->hyp_va(m->el2, PA(mc)) }, 3, ret);
}
