// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual machines: which there are, as the host's driver and EL2 have them.
 */
#include "model/model.h"
#include "report_private.h"

const char *show_owner(struct show *s, const struct abs_page *page)
{
	const char *name = page->owner == OWNER_GUEST ? machine_vm_name(s->m, page->guest) : NULL;

	return name ? name : owner_name[page->owner];
}

const struct el2_guest_view *show_guest_named(struct show *s, const char *name, GError **error)
{
	const struct el2_guest_view *g = NULL;
	struct machine_vm vm = { 0 };

	if (!machine_vm(s->m, name, &vm) || !vm.live)
		g_set_error(error, REPORT_ERROR, 0, "there is no VM \"%s\"", name);
	else if (!(g = model_guest(s->v, vm.handle)))
		g_set_error(error, REPORT_ERROR, 0, "EL2 has nothing of \"%s\" yet: `vm run %s`",
			    name, name);
	return g;
}

static void append_vcpus(struct show *s, const char *name, const struct machine_vm *vm,
			 const struct el2_guest_view *g)
{
	for (u32 i = 0; i < vm->vcpus; i++) {
		const pa_t vcpu = machine_vcpu(s->m, name, i);

		g_string_append_printf(s->out, "  vcpu %-3u struct kvm_vcpu 0x%" PRIx64, i,
				       vcpu.pa);
		if (g)
			g_string_append_printf(s->out, "  memcache %" PRIu64,
					       model_vcpu_memcache(s->m->board, s->v, g, i));
		g_string_append_c(s->out, '\n');
	}
}

static void append_vm(void *data, const char *name)
{
	struct show *s = data;
	const struct el2_guest_view *g;
	struct machine_vm vm;

	machine_vm(s->m, name, &vm);
	g = model_guest(s->v, vm.handle);
	g_string_append_printf(s->out, "%s  handle 0x%x  %s%s%s\n", name, vm.handle,
			       vm.is_protected ? "protected" : "not protected",
			       g && g->is_dying ? ", dying" : "", g ? "" : ", not at EL2 yet");
	g_string_append_printf(s->out, "  struct kvm 0x%" PRIx64 "\n", vm.kvm.pa);
	if (g)
		g_string_append_printf(s->out,
				       "  EL2's struct 0x%" PRIx64 "  root 0x%" PRIx64
				       "  tables %" PRIu64 ", pool free %" PRIu64 "\n",
				       g->area.va - s->v->layout->va_offset, g->s2.root.pa,
				       model_tables(s->m->board, &g->s2),
				       model_pool_free(s->m->board, s->v, &g->pool));
	append_vcpus(s, name, &vm, g);
}

bool show_vms(struct show *s, GError **error)
{
	machine_for_each_vm(s->m, append_vm, s);
	if (!s->out->len)
		g_string_append(s->out, "no virtual machines\n");
	return true;
}
