// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A random tester's action in the language of scenarios.
 */
#include "random.h"

static const char *access_word(const struct x_action *a)
{
	static const char *const word[] = {
		[MMU_READ] = "read", [MMU_WRITE] = "write", [MMU_EXEC] = "exec"
	};

	return word[a->access];
}

static void append_hex(GString *s, u64 n)
{
	g_string_append_printf(s, " 0x%" G_GINT64_MODIFIER "x", n);
}

static void append_access(GString *s, const struct x_action *a)
{
	g_string_append_printf(s, "%s", access_word(a));
	append_hex(s, a->addr);
	if (a->access == MMU_WRITE)
		append_hex(s, a->val);
	if (a->access != MMU_EXEC)
		g_string_append_printf(s, " %u", a->size);
	if (a->kind == X_HOST && !a->isv)
		g_string_append(s, " isv=0");
	if (a->at_fails)
		g_string_append(s, " at=0");
}

static void append_ffa(GString *s, const struct x_action *a)
{
	const struct machine_ffa_ranges *r = &a->ranges;

	g_string_append(s, r->head ? "ffa describe" : "ffa ranges");
	append_hex(s, a->addr);
	for (unsigned int i = 0; i < r->n; i++) {
		append_hex(s, r->range[i].address);
		g_string_append_printf(s, " %" G_GUINT64_FORMAT, r->range[i].pages);
	}
	if (r->more)
		g_string_append_printf(s, " more=%u more_pages=%u", r->more, r->more_pages);
}

static void append_vm(GString *s, const struct x_flow *f)
{
	g_string_append_printf(s, " %s", f->vm);
	if (f->vcpu)
		g_string_append_printf(s, ".%u", f->vcpu);
}

static void append_guest(GString *s, const struct x_action *a)
{
	g_string_append(s, "guest");
	append_vm(s, &a->flow);
	if (a->flow.kind == X_GUEST) {
		g_string_append_c(s, ' ');
		append_access(s, a);
		return;
	}
	g_string_append(s, " hvc raw");
	for (unsigned int i = 0; i < a->n_args; i++)
		append_hex(s, a->arg[i]);
}

static void append_flow(GString *s, const struct x_action *a)
{
	const struct x_flow *f = &a->flow;

	if (f->kind == X_GUEST || f->kind == X_GUEST_HVC) {
		append_guest(s, a);
		return;
	}
	g_string_append(s, x_action_name(a));
	if (f->kind == X_SHARE || f->kind == X_UNSHARE)
		append_hex(s, a->addr);
	else if (f->kind == X_RUN || f->kind == X_PUT || f->kind == X_MAP)
		append_vm(s, f);
	else
		g_string_append_printf(s, " %s", f->vm);
	if (f->kind == X_CREATE)
		g_string_append_printf(s, "%s vcpus=%u", f->is_protected ? " protected" : "",
				       f->vcpu);
	if (f->kind >= X_MAP)
		g_string_append_printf(s, " gfn=0x%" G_GINT64_MODIFIER "x", f->gfn);
	if (f->pages)
		g_string_append_printf(s, " pages=%" G_GUINT64_FORMAT, f->pages);
	if (f->kind == X_MAP && a->addr)
		g_string_append_printf(s, " page=0x%" G_GINT64_MODIFIER "x", a->addr);
	if (f->huge && f->kind == X_MAP)
		g_string_append(s, " huge=1");
}

char *action_words(const struct x_action *a)
{
	GString *s = g_string_new(NULL);

	if (a->cpu && a->kind < X_DRAIN && a->kind != X_DMA)
		g_string_append_printf(s, "cpu%u: ", a->cpu);
	switch (a->kind) {
	case X_CALL:
		g_string_append_printf(s, "%s %s", a->call->hypercall ? "hvc" : "el2",
				       a->call->name);
		for (unsigned int i = 0; i < a->n_args; i++)
			append_hex(s, a->arg[i]);
		break;
	case X_HOST:
		g_string_append(s, "host ");
		append_access(s, a);
		break;
	case X_HYP:
		g_string_append(s, "hyp ");
		append_access(s, a);
		break;
	case X_DMA:
		g_string_append_printf(s, "dma %s ", a->device->name);
		append_access(s, a);
		break;
	case X_SMC:
		g_string_append(s, "smc raw");
		for (unsigned int i = 0; i < a->n_args; i++)
			append_hex(s, a->arg[i]);
		break;
	case X_FLOW:
		append_flow(s, a);
		break;
	case X_FFA:
		append_ffa(s, a);
		break;
	case X_DRAIN:
		g_string_append_printf(s, "drain %s leave=%" G_GUINT64_FORMAT, a->pool, a->pages);
		break;
	case X_REFILL:
		g_string_append_printf(s, "refill %s", a->pool);
		if (a->pages != ~UINT64_C(0))
			g_string_append_printf(s, " pages=%" G_GUINT64_FORMAT, a->pages);
		break;
	default:
		g_string_append_printf(
			s, "fail alloc %s nth=%" G_GUINT64_FORMAT " count=%" G_GUINT64_FORMAT,
			a->pool, a->pages, a->count);
	}
	return g_string_free(s, FALSE);
}
