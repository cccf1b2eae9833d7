// SPDX-License-Identifier: GPL-2.0-or-later
/* The page-table library on tables of its own, and its events in words. */
#include "tests/unit/pgtable_rig.h"

#include <string.h>

const struct arch_features rig_fwb = { .page_shift = 12, .pa_bits = 40, .fwb = true };

static void say(struct rig *g, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void say(struct rig *g, const char *fmt, ...)
{
	va_list ap;

	if (g->trace->len)
		g_string_append(g->trace, "; ");
	va_start(ap, fmt);
	g_string_append_vprintf(g->trace, fmt, ap);
	va_end(ap);
}

static bool is_table(const struct rig *g, u64 pa)
{
	return pa >= RIG_TABLES && pa - RIG_TABLES < (u64)g->t->limit << g->f.page_shift;
}

static unsigned int table_nr(const struct rig *g, u64 pa)
{
	return 1 + (unsigned int)((pa - RIG_TABLES) >> g->f.page_shift);
}

static void say_store(struct rig *g, const struct event *ev)
{
	unsigned int idx = (unsigned int)(ev->addr & (BIT(g->f.page_shift) - 1)) / 8;
	u64 locked = g->t->v.typed_annotations ? BIT(60) : BIT(10);
	u64 next = ALIGN_DOWN(ev->val, BIT(g->f.page_shift));

	if (ev->val == locked)
		say(g, "T%u[%u]=LOCKED", table_nr(g, ev->addr), idx);
	else if ((ev->val & 3) == 3 && is_table(g, next))
		say(g, "T%u[%u]=T%u", table_nr(g, ev->addr), idx, table_nr(g, next));
	else
		say(g, "T%u[%u]=0x%" G_GINT64_MODIFIER "x", table_nr(g, ev->addr), idx, ev->val);
	if (ev->order == MO_RELEASE)
		g_string_append(g->trace, " rel");
}

static void say_call(struct rig *g, const struct event *ev)
{
	static const char *const calls[] = { "__kvm_tlb_flush_vmid_ipa",
					     "__kvm_tlb_flush_vmid_ipa_nsh",
					     "__kvm_tlb_flush_vmid_range", "__kvm_tlb_flush_vmid" };
	static const char *const words[] = { "IPA", "IPA_NSH", "RANGE", "VMID" };

	for (unsigned int i = 0; i < G_N_ELEMENTS(calls); i++) {
		if (strcmp(ev->what, calls[i]))
			continue;
		g->skip = !g->expand;
		if (i == 3)
			say(g, "VMID");
		else if (i == 2)
			say(g, "RANGE 0x%" G_GINT64_MODIFIER "x+%" G_GUINT64_FORMAT, ev->addr,
			    ev->val);
		else if (ev->val == TLBI_TTL_UNKNOWN)
			say(g, "%s 0x%" G_GINT64_MODIFIER "x any", words[i], ev->addr);
		else
			say(g, "%s 0x%" G_GINT64_MODIFIER "x %d", words[i], ev->addr, (int)ev->val);
	}
}

static void rig_event(void *data, const struct event *ev)
{
	struct rig *g = data;

	if (g->skip) {
		g->skip = ev->kind != EV_RET;
		return;
	}
	switch (ev->kind) {
	case EV_ALLOC:
		if (ev->addr)
			say(g, "alloc T%u", table_nr(g, ev->addr));
		else
			say(g, "alloc none");
		break;
	case EV_FREE:
		say(g, "free T%u", table_nr(g, ev->addr));
		break;
	case EV_GET:
	case EV_PUT:
		say(g, "%s T%u->%u", event_kind_name[ev->kind], table_nr(g, ev->addr),
		    (unsigned int)ev->val);
		break;
	case EV_STORE:
		say_store(g, ev);
		break;
	case EV_DSB:
		say(g, "dsb %s", ev->what);
		break;
	case EV_ISB:
		say(g, "isb");
		break;
	case EV_TLBI:
		if (ev->sub == TLBI_RIPAS2E1IS)
			say(g, "%s 0x%" G_GINT64_MODIFIER "x+%" G_GUINT64_FORMAT,
			    tlbi_op_name[ev->sub], ev->addr, ev->val);
		else
			say(g, "%s 0x%" G_GINT64_MODIFIER "x %d", tlbi_op_name[ev->sub], ev->addr,
			    (int)(s8)ev->val);
		break;
	case EV_CMO:
		say(g, "%s 0x%" G_GINT64_MODIFIER "x+0x%" G_GINT64_MODIFIER "x", ev->what, ev->addr,
		    ev->val);
		break;
	case EV_PANIC:
		say(g, "%s", ev->what);
		break;
	case EV_CALL:
		say_call(g, ev);
		break;
	}
}

struct job {
	struct rig *g;
	s64 (*fn)(struct rig *g, void *arg);
	void *arg;
};

static s64 run_job(struct cpu *cpu, void *arg)
{
	struct job *j = arg;

	return j->fn(j->g, j->arg);
}

s64 rig_run(struct rig *g, s64 (*fn)(struct rig *g, void *arg), void *arg)
{
	struct job j = { g, fn, arg };
	s64 ret = 0;

	g->died = cpu_call(g->cpu, run_job, &j, &ret) != CPU_END_RETURNED;
	return ret;
}

static s64 do_new(struct rig *g, void *arg)
{
	const struct el2_pgtable_config *c = arg;
	s64 ret;

	g->t = hyp_pgtable_new(g->b, c, g->cpu, &ret, NULL);
	return ret;
}

void rig_new(struct rig *g, enum profile_id p, const struct arch_features *f, unsigned int stage,
	     unsigned int ia_bits, u32 flags, u32 pages)
{
	struct ram_region ram = { .base = RIG_TABLES, .size = (u64)pages << f->page_shift };
	struct board_config bc = { .name = "rig", .f = *f, .n_cpus = 1 };
	struct el2_pgtable_config c = {
		.profile = p,
		.stage = (u8)stage,
		.ia_bits = (u8)ia_bits,
		.flags = flags & ~RIG_EL1,
		.el1_build = flags & RIG_EL1,
		.cmo_callbacks = flags & RIG_EL1,
		.first_page = RIG_TABLES,
		.page_limit = pages,
	};
	GError *error = NULL;

	*g = (struct rig){ .f = *f, .trace = g_string_new(NULL) };
	bc.ram = g_array_new(FALSE, TRUE, sizeof(ram));
	bc.mmio = g_array_new(FALSE, TRUE, sizeof(struct mmio_window));
	g_array_append_val(bc.ram, ram);
	g->b = board_new(&bc, &error);
	g_assert_no_error(error);
	g_array_free(bc.ram, TRUE);
	g_array_free(bc.mmio, TRUE);

	g->cpu = &g->b->cpus[0];
	g_assert_cmpint(rig_run(g, do_new, &c), ==, 0);
	g->pgt = &g->t->pgt;
	g->c = &g->t->cpus[0];
	board_subscribe(g->b, rig_event, g);
}

void rig_free(struct rig *g)
{
	board_unsubscribe(g->b, rig_event, g);
	hyp_pgtable_free(g->t);
	board_free(g->b);
	g_string_free(g->trace, TRUE);
}

void rig_clear(struct rig *g)
{
	g_string_truncate(g->trace, 0);
	g->skip = 0;
}

static s64 do_op(struct rig *g, void *arg)
{
	hyp_pgtable_op(g->t, g->cpu, arg, &g->res);
	return g->res.ret;
}

s64 rig_op(struct rig *g, const struct el2_pgtable_op *op)
{
	struct el2_pgtable_op o = *op;

	rig_clear(g);
	return rig_run(g, do_op, &o);
}

s64 rig_map(struct rig *g, u64 ia, u64 size, u64 pa, u64 prot, u32 walk_flags)
{
	return rig_op(g, &(struct el2_pgtable_op){
				 .op = g->pgt->mmu.stage == 1 ? "hyp_map" : "map",
				 .ia = ia,
				 .size = size,
				 .pa = pa,
				 .prot = prot,
				 .walk_flags = walk_flags,
			 });
}

s64 rig_unmap(struct rig *g, u64 ia, u64 size)
{
	const char *op = g->pgt->mmu.stage == 1 ? "hyp_unmap" : "unmap";

	return rig_op(g, &(struct el2_pgtable_op){ .op = op, .ia = ia, .size = size });
}

s64 rig_own(struct rig *g, u64 ia, u64 size)
{
	return rig_op(g, &(struct el2_pgtable_op){
				 .op = g->t->v.typed_annotations ? "annotate" : "set_owner",
				 .ia = ia,
				 .size = size,
				 .owner = OWNER_ID_HYP,
				 .type = ANNOTATION_DONATION,
				 .annotation = OWNER_ID_HYP << 1,
			 });
}

u64 rig_leaf(struct rig *g, u64 ia, s8 *level)
{
	g_assert_cmpint(rig_op(g, &(struct el2_pgtable_op){ .op = "get_leaf", .ia = ia }), ==, 0);
	if (level)
		*level = g->res.level;
	return g->res.pte;
}

u32 rig_count(struct rig *g, unsigned int table)
{
	return g->t->refcount[table - 1];
}
