// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings of transitions on the whole hypervisor: a stream of operations with
 * what each changed (ownership.jsonl, mmio_*.jsonl), and named cases with their
 * end (directed.jsonl). After a panic locks are let go and the stream goes on, as
 * it did when it was recorded.
 */
#include <string.h>

#include "golden_machine.h"

struct replay {
	struct recording *r;
	struct machine *m;
	struct recorder rec;
	struct gstate *state; /* after the operation before */
	bool stored;	      /* memory may be otherwise since */
	bool bug; /* host_mem_fault is followed by what the abort handler does with it */
	struct golden_host host;
	JsonObject *op;
	/* its result */
	enum cpu_end end;
	s64 ret;
};

/* ---- State and what changed of it ------------------------------------------ */

static const struct el2_view *view(const struct replay *p)
{
	return p->m->hyp->view(p->m->el2);
}

static gint pte_order(gconstpointer a, gconstpointer b)
{
	const struct gpte *x = a, *y = b;

	if (x->ia != y->ia)
		return x->ia < y->ia ? -1 : 1;
	return x->level - y->level;
}

static gint table_order(gconstpointer a, gconstpointer b)
{
	const struct gtable *x = a, *y = b;

	if (x->pa != y->pa)
		return x->pa < y->pa ? -1 : 1;
	return x->level - y->level;
}

static gint page_order(gconstpointer a, gconstpointer b)
{
	const struct gpage *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static bool pte_equal(gconstpointer a, gconstpointer b)
{
	return ((const struct gpte *)a)->raw == ((const struct gpte *)b)->raw;
}

static bool table_equal(gconstpointer a, gconstpointer b)
{
	const struct gtable *x = a, *y = b;

	return x->ia == y->ia && x->refcount == y->refcount;
}

static bool page_equal(gconstpointer a, gconstpointer b)
{
	return gpage_equal(a, b);
}

static char *pte_words(gconstpointer a)
{
	const struct gpte *x = a;

	return g_strdup_printf("level %d ia 0x%" G_GINT64_MODIFIER "x raw 0x%" G_GINT64_MODIFIER
			       "x",
			       x->level, x->ia, x->raw);
}

static char *table_words(gconstpointer a)
{
	const struct gtable *x = a;

	return g_strdup_printf("table 0x%" G_GINT64_MODIFIER "x level %d ia 0x%" G_GINT64_MODIFIER
			       "x refcount %u",
			       x->pa, x->level, x->ia, x->refcount);
}

static char *page_words(gconstpointer a)
{
	return gpage_words(a);
}

/* How to order, compare and name the elements of one kind of list. */
struct kind {
	unsigned int size;
	GCompareFunc order;
	bool (*equal)(gconstpointer a, gconstpointer b);
	char *(*words)(gconstpointer a);
};

static const struct kind pte_kind = { sizeof(struct gpte), pte_order, pte_equal, pte_words };
static const struct kind table_kind = { sizeof(struct gtable), table_order, table_equal,
					table_words };
static const struct kind page_kind = { sizeof(struct gpage), page_order, page_equal, page_words };

static gconstpointer at(const struct kind *k, const GArray *a, unsigned int i)
{
	return a->data + (size_t)i * k->size;
}

/* What @new has that @old has not or has otherwise; what @old has and @new not. */
static void diff(const struct kind *k, const GArray *old, const GArray *new_list, GArray *set,
		 GArray *clr)
{
	unsigned int i = 0, j = 0;

	while (i < old->len || j < new_list->len) {
		gint c = i == old->len	      ? 1
			 : j == new_list->len ? -1
					      : k->order(at(k, old, i), at(k, new_list, j));

		if (c < 0)
			g_array_append_vals(clr, at(k, old, i), 1);
		else if (c > 0 || !k->equal(at(k, old, i), at(k, new_list, j)))
			g_array_append_vals(set, at(k, new_list, j), 1);
		i += c <= 0;
		j += c >= 0;
	}
}

/* Both lists sorted alike. @keys: the recording tells which, not what was in them. */
static void same_list(struct recording *r, const char *what, const struct kind *k, GArray *ours,
		      GArray *recorded, bool keys)
{
	g_array_sort(recorded, k->order);
	for (unsigned int i = 0; i < MAX(ours->len, recorded->len) && !recording_over(r); i++) {
		gconstpointer a = i < ours->len ? at(k, ours, i) : NULL;
		gconstpointer b = i < recorded->len ? at(k, recorded, i) : NULL;
		char *x, *y;

		if (a && b && !k->order(a, b) && (keys || k->equal(a, b)))
			continue;
		x = a ? k->words(a) : g_strdup("nothing more");
		y = b ? k->words(b) : g_strdup("nothing more");
		recording_differs(r, what, x, y);
		g_free(x);
		g_free(y);
	}
}

/* ["pa", level] or [level, "ia"]: what went away. */
static GArray *recorded_cleared(struct recording *r, JsonArray *a, const char *what, bool tables)
{
	GArray *list =
		g_array_new(FALSE, TRUE, tables ? sizeof(struct gtable) : sizeof(struct gpte));

	for (unsigned int i = 0; a && i < json_array_get_length(a) && !recording_over(r); i++) {
		JsonArray *e = elem_array(r, a, i, what);

		if (!e)
			break;
		if (tables) {
			struct gtable t = { .pa = elem_u64(r, e, 0, what),
					    .level = (int)elem_int(r, e, 1, what, -1, 3) };

			g_array_append_val(list, t);
		} else {
			struct gpte p = { .level = (int)elem_int(r, e, 0, what, -1, 3),
					  .ia = elem_u64(r, e, 1, what) };

			g_array_append_val(list, p);
		}
	}
	return list;
}

static GArray *recorded_pages(struct recording *r, JsonArray *a)
{
	GArray *list = g_array_new(FALSE, TRUE, sizeof(struct gpage));

	for (unsigned int i = 0; a && i < json_array_get_length(a) && !recording_over(r); i++) {
		JsonArray *e = elem_array(r, a, i, "pages");
		struct gpage p;

		if (!e)
			break;
		p = recorded_page(r, e, elem_u64(r, e, 0, "pages"), 1, "pages");
		g_array_append_val(list, p);
	}
	return list;
}

/* One list of the state, in its order, against its _set and _clr (@clr NULL: has none). */
static void same_delta(struct replay *p, const struct kind *k, const GArray *old,
		       const GArray *new_list, const char *set, const char *clr)
{
	struct recording *r = p->r;
	bool tables = k == &table_kind;
	GArray *ours_set = g_array_new(FALSE, FALSE, k->size);
	GArray *ours_clr = g_array_new(FALSE, FALSE, k->size);
	JsonArray *a = field_array(r, p->op, set);
	GArray *rec_set = k == &page_kind ? recorded_pages(r, a)
			  : tables	  ? recorded_tables(r, a, set)
					  : recorded_ptes(r, a, set);
	GArray *rec_clr = clr ? recorded_cleared(r, field_array(r, p->op, clr), clr, tables) : NULL;

	if (old != new_list)
		diff(k, old, new_list, ours_set, ours_clr);
	same_list(r, set, k, ours_set, rec_set, false);
	if (rec_clr)
		same_list(r, clr, k, ours_clr, rec_clr, true);

	g_array_unref(ours_set);
	g_array_unref(ours_clr);
	g_array_unref(rec_set);
	g_clear_pointer(&rec_clr, g_array_unref);
}

/* Deltas know tables by address; all other lists are in their order. */
static struct gstate *by_address(struct gstate *s)
{
	g_array_sort(s->s1_tables, table_order);
	g_array_sort(s->s2_tables, table_order);
	for (unsigned int i = 0; i < s->n_vms; i++)
		g_array_sort(s->g_tables[i], table_order);
	return s;
}

static const char *const guest_fields[GOLDEN_VMS][4] = {
	{ "g0_set", "g0_clr", "g0_tables_set", "g0_tables_clr" },
	{ "g1_set", "g1_clr", "g1_tables_set", "g1_tables_clr" },
};

static void same_deltas(struct replay *p)
{
	struct gstate *old = p->state;
	struct gstate *now = p->stored ? by_address(gstate_read(p->m)) : old;

	same_delta(p, &pte_kind, old->s1, now->s1, "s1_set", "s1_clr");
	same_delta(p, &pte_kind, old->s2, now->s2, "s2_set", "s2_clr");
	same_delta(p, &table_kind, old->s1_tables, now->s1_tables, "s1_tables_set",
		   "s1_tables_clr");
	same_delta(p, &table_kind, old->s2_tables, now->s2_tables, "s2_tables_set",
		   "s2_tables_clr");
	for (unsigned int i = 0; i < MIN(old->n_vms, now->n_vms); i++) {
		same_delta(p, &pte_kind, old->g[i], now->g[i], guest_fields[i][0],
			   guest_fields[i][1]);
		same_delta(p, &table_kind, old->g_tables[i], now->g_tables[i], guest_fields[i][2],
			   guest_fields[i][3]);
	}
	same_delta(p, &page_kind, old->pages, now->pages, "pages", NULL);
	same_gstate(p->r, p->op, now);
	if (now != old)
		gstate_free(old);
	p->state = now;
	p->stored = false;
}

/* ---- Events ------------------------------------------ */

static bool project(void *data, const struct event *ev, struct gevent *out)
{
	struct replay *p = data;
	const bool recycle = (ev->kind == EV_CALL || ev->kind == EV_RET) &&
			     !strcmp(ev->what, "host_stage2_unmap");

	p->stored |= ev->kind == EV_STORE || ev->kind == EV_ZERO;
	*out = (struct gevent){ .arg = ev->addr, .arg2 = (s64)ev->val };
	if (recycle) {
		g_strlcpy(out->name, ev->kind == EV_CALL ? "recycle_unmap" : "recycle_ret",
			  sizeof(out->name));
		return true;
	}
	if (ev->kind == EV_ALLOC && !ev->addr && !strcmp(ev->what, "host_s2")) {
		g_strlcpy(out->name, "s2_pool_empty", sizeof(out->name));
		return true;
	}
	if (!golden_project(NULL, ev, out))
		return false;
	/* caches are maintained by EL2's addresses */
	if (ev->kind == EV_CMO)
		out->arg = ev->old;
	return true;
}

/* ---- Operations ------------------------------------------ */

static void call(struct replay *p, const char *name, const u64 *args, unsigned int n)
{
	p->end = golden_call(p->r, p->m, name, args, n, &p->ret);
}

static u64 pfn_of(struct replay *p)
{
	return field_u64(p->r, p->op, "pfn");
}

static u64 phys_of(struct replay *p)
{
	return pfn_of(p) << p->m->board->f->page_shift;
}

static void op_pfn(struct replay *p, const char *name)
{
	call(p, name, (u64[]){ pfn_of(p) }, 1);
}

static void op_pfn_nr(struct replay *p, const char *name)
{
	u64 nr = (u64)field_int(p->r, p->op, "nr_pages", 0, G_MAXINT32);

	call(p, name, (u64[]){ pfn_of(p), nr }, 2);
}

static void op_va_range(struct replay *p, const char *name)
{
	u64 nr = (u64)field_int(p->r, p->op, "nr_pages", 0, G_MAXINT32);
	u64 from = p->m->hyp->hyp_va(p->m->el2, PA(phys_of(p)));

	call(p, name, (u64[]){ from, from + (nr << p->m->board->f->page_shift) }, 2);
}

static void append_event(struct replay *p, const char *name)
{
	struct gevent e = { 0 };

	g_strlcpy(e.name, name, sizeof(e.name));
	g_array_append_val(p->rec.ev, e);
}

/* host_stage2_idmap(), then what handle_host_mem_abort() does with its result. */
static void op_fault(struct replay *p, const char *name)
{
	call(p, name, (u64[]){ phys_of(p) }, 1);
	if (has_field(p->op, "fault_ret"))
		same_int(p->r, "fault_ret", p->end == CPU_END_RETURNED ? p->ret : 0,
			 field_int(p->r, p->op, "fault_ret", G_MININT32, G_MAXINT32));
	if (p->bug && p->end == CPU_END_RETURNED && p->ret && p->ret != -EAGAIN) {
		append_event(p, "BUG");
		p->end = CPU_END_DIED;
	}
}

static s64 run_abort(struct cpu *cpu, void *arg)
{
	struct replay *p = arg;
	struct el2_fault f = { .access = MMU_READ, .ipa = phys_of(p) };

	if (!model_walk(p->m->board, view(p), false, f.ipa, &f.walk) || f.walk.fault == MMU_OK)
		f.walk.fault = MMU_FAULT_TRANSLATION;
	mmu_syndrome_s2(&f.walk, f.ipa, f.access, 8, true, &f.syndrome);
	p->m->hyp->host_abort(p->m->el2, cpu, &f);
	return 0;
}

static void op_abort(struct replay *p, const char *name)
{
	p->end = cpu_call(&p->m->board->cpus[0], run_abort, p, &p->ret);
}

static u64 pool_free(const struct replay *p, enum pool_id pool)
{
	return model_pool_free(p->m->board, view(p), &view(p)->pools[pool]);
}

static void op_pool(struct replay *p, const char *name)
{
	const char *pool = field_str(p->r, p->op, "pool");
	const bool drain = !strcmp(name, "pool_drain");
	u64 n = (u64)field_int(p->r, p->op, drain ? "left" : "n", 0, G_MAXINT32);
	GError *error = NULL;

	if (recording_over(p->r))
		return;
	if (!(drain ? p->m->hyp->pool_drain : p->m->hyp->pool_refill)(p->m->el2, pool, n, &error)) {
		recording_bad(p->r, "%s", error->message);
		g_error_free(error);
		return;
	}
	/* no event tells of it */
	p->stored = true;
	p->ret = (s64)pool_free(p, !strcmp(pool, "hyp_s1") ? POOL_HYP_S1 : POOL_HOST_S2);
}

#define MAX_REPEAT 100000

/* Until an error, or until fewer than two pages are left for the host's tables. */
static void op_repeat(struct replay *p, const char *name)
{
	u64 pfn = pfn_of(p), stride = field_u64(p->r, p->op, "stride");
	bool back = field_int(p->r, p->op, "hand_back", 0, 1);
	s64 count = 0, recorded = field_int(p->r, p->op, "count", 0, MAX_REPEAT);

	while (!recording_over(p->r) && count <= recorded) {
		call(p, "host_donate_hyp_mmio", &pfn, 1);
		if (back && p->end == CPU_END_RETURNED && !p->ret)
			call(p, "hyp_donate_host_mmio", &pfn, 1);
		if (p->end != CPU_END_RETURNED || p->ret)
			break;
		count++;
		if (pool_free(p, POOL_HOST_S2) < 2)
			break;
		pfn += stride;
	}
	same_int(p->r, "count", count, recorded);
	g_array_set_size(p->rec.ev, 0);
}

/* A call about a guest, with these fields of the operation. */
static void guest_call(struct replay *p, const char *name, const char *fields)
{
	u64 args[EL2_MAX_ARGS] = { 0 };
	unsigned int n = golden_guest_args(&p->host, p->r, p->op, fields, args);

	call(p, name, args, n);
}

static void op_donate_guest(struct replay *p, const char *name)
{
	guest_call(p, name, "vm pfn gfn");
}

static void op_share_guest(struct replay *p, const char *name)
{
	guest_call(p, name, "vm pfn gfn nr_pages prot");
}

static void op_vm_gfn(struct replay *p, const char *name)
{
	guest_call(p, name, "vm gfn");
}

static void op_vm_range(struct replay *p, const char *name)
{
	guest_call(p, name, "vm gfn nr_pages");
}

static void op_test_clear_young(struct replay *p, const char *name)
{
	guest_call(p, name, "vm gfn nr_pages mkold");
}

static void op_relax_perms(struct replay *p, const char *name)
{
	guest_call(p, name, "vm gfn prot");
}

static void op_phys(struct replay *p, const char *name)
{
	call(p, name, (u64[]){ phys_of(p) }, 1);
}

static void op_refill(struct replay *p, const char *name)
{
	p->end = golden_refill(&p->host, p->r, p->m, p->op, &p->ret);
}

static const struct op_kind {
	const char *name, *call;
	void (*run)(struct replay *p, const char *call);
	bool no_page; /* is about no page in particular */
} op_kinds[] = {
	{ "host_share_hyp", "host_share_hyp", op_pfn, false },
	{ "host_unshare_hyp", "host_unshare_hyp", op_pfn, false },
	{ "host_donate_hyp", "host_donate_hyp", op_pfn_nr, false },
	{ "hyp_donate_host", "hyp_donate_host", op_pfn_nr, false },
	{ "host_share_ffa", "host_share_ffa", op_pfn_nr, false },
	{ "host_unshare_ffa", "host_unshare_ffa", op_pfn_nr, false },
	{ "hyp_pin", "pin_shared_mem", op_va_range, false },
	{ "hyp_unpin", "unpin_shared_mem", op_va_range, false },
	{ "host_mem_fault", "host_stage2_idmap", op_fault, false },
	{ "host_mem_abort", NULL, op_abort, false },
	{ "host_donate_hyp_mmio", "host_donate_hyp_mmio", op_pfn, false },
	{ "hyp_donate_host_mmio", "hyp_donate_host_mmio", op_pfn, false },
	{ "hyp_map_mmio", "map_mmio", op_pfn, false },
	{ "host_donate_guest", "vm_donate", op_donate_guest, true },
	{ "guest_share_host", "guest_share_host", op_vm_gfn, true },
	{ "guest_unshare_host", "guest_unshare_host", op_vm_gfn, true },
	{ "host_reclaim_guest", "host_reclaim_page_guest", op_vm_gfn, true },
	{ "host_mkyoung_guest", "vm_mkyoung", op_vm_gfn, true },
	{ "host_force_reclaim", "force_reclaim_guest_page", op_phys, true },
	{ "host_share_guest", "vm_share", op_share_guest, true },
	{ "host_unshare_guest", "vm_unshare", op_vm_range, true },
	{ "host_wrprotect_guest", "vm_wrprotect", op_vm_range, true },
	{ "host_test_clear_young_guest", "vm_test_clear_young", op_test_clear_young, true },
	{ "host_relax_perms_guest", "vm_relax_perms", op_relax_perms, true },
	{ "refill_memcache", "refill_memcache", op_refill, true },
	{ "pool_drain", "pool_drain", op_pool, true },
	{ "pool_refill", "pool_refill", op_pool, true },
	{ "repeat_donate_back", NULL, op_repeat, true },
};

/* Runs p->op and compares its result and events. NULL: it is none. */
static const struct op_kind *run_op(struct replay *p)
{
	const char *name = field_str(p->r, p->op, "op");

	for (unsigned int i = 0; name && i < G_N_ELEMENTS(op_kinds); i++) {
		const struct op_kind *k = &op_kinds[i];

		if (strcmp(name, k->name))
			continue;
		p->r->op = k->name;
		p->end = CPU_END_RETURNED;
		p->ret = 0;
		recorder_clear(&p->rec);
		k->run(p, k->call);
		same_ret(p->r, p->op, p->end, p->ret);
		same_events(p->r, &p->rec, field_array(p->r, p->op, "events"));
		return k;
	}
	if (name)
		recording_bad(p->r, "no operation \"%s\" is known", name);
	return NULL;
}

/* Locks go, as the recorder let them go; what a panic left stays. */
static void after_op(struct replay *p)
{
	if (p->end != CPU_END_RETURNED)
		p->m->hyp->recover(p->m->el2);
	p->r->ops++;
	p->r->op = NULL;
}

/* ---- A file of operations ------------------------------------------ */

static bool is_stream(JsonObject *header)
{
	return has_field(header, "memblocks") && has_field(header, "pages_rle");
}

static void replay_op(struct replay *p)
{
	if (run_op(p)) {
		same_deltas(p);
		after_op(p);
	}
}

/* What __pkvm_init() tells the host. */
static void boot(struct replay *p)
{
	struct outcome o = machine_init(p->m, 0);

	if (o.kind == OUTCOME_VALUE && !o.value)
		o = machine_finalise(p->m, 0);
	if (o.kind != OUTCOME_VALUE)
		recording_differs(p->r, "boot", outcome_name[o.kind], "a value");
	p->ret = (s64)o.value;
}

static void replay_stream(struct recording *r, JsonObject *header)
{
	struct replay p = { .r = r, .bug = has_field(header, "walker") };

	p.m = golden_machine_new(r, header, NULL);
	if (!p.m)
		return;
	boot(&p);
	same_int(r, "init_ret", p.ret, field_int(r, header, "init_ret", G_MININT32, G_MAXINT32));
	if (has_field(header, "vms") && !recording_over(r)) {
		/* hypercalls of VMs are refused before */
		machine_prot_finalize(p.m, 0);
		golden_host_new(&p.host, r, header, p.m);
	}
	p.state = gstate_read(p.m);
	same_layout(r, header, p.m);
	same_gstate(r, header, p.state);
	by_address(p.state);

	recorder_start(&p.rec, p.m->board, project, &p);
	while ((p.op = recording_next(r)))
		replay_op(&p);
	recorder_stop(&p.rec);
	gstate_free(p.state);
	machine_free(p.m);
}

const struct golden_format golden_ownership = {
	.matches = is_stream,
	.replay = replay_stream,
};

/* ---- Named cases ------------------------------------------ */

static bool is_cases(JsonObject *header)
{
	return has_field(header, "steps") && has_field(header, "final");
}

/* [level, "raw"] of the leaf, or the error of looking it up. */
static void same_leaf(struct replay *p, const char *name, bool hyp, u64 ia)
{
	JsonNode *n = json_object_get_member(p->op, name);
	struct mmu_result res = { 0 };
	JsonArray *leaf;

	if (n && JSON_NODE_HOLDS_VALUE(n)) {
		same_int(p->r, name, model_walk(p->m->board, view(p), hyp, ia, &res) ? 0 : -ERANGE,
			 field_int(p->r, p->op, name, G_MININT32, -1));
		return;
	}
	leaf = field_array(p->r, p->op, name);
	if (!leaf)
		return;
	model_walk(p->m->board, view(p), hyp, ia, &res);
	same_int(p->r, name, res.level, elem_int(p->r, leaf, 0, name, -1, 3));
	same_u64(p->r, name, res.desc, elem_u64(p->r, leaf, 1, name));
}

static void replay_step(struct replay *p)
{
	const struct op_kind *k = run_op(p);

	if (!k)
		return;
	if (!k->no_page) {
		u64 phys = phys_of(p);

		same_leaf(p, "s2_leaf", false, phys);
		same_leaf(p, "s1_leaf", true, phys + view(p)->layout->va_offset);
	}
	after_op(p);
}

static void replay_steps(struct replay *p, JsonArray *steps)
{
	recorder_start(&p->rec, p->m->board, project, p);
	for (unsigned int i = 0; !recording_over(p->r) && i < json_array_get_length(steps); i++) {
		JsonNode *n = json_array_get_element(steps, i);

		if (!JSON_NODE_HOLDS_OBJECT(n)) {
			recording_bad(p->r, "field \"steps\": must hold objects");
			break;
		}
		p->op = json_node_get_object(n);
		replay_step(p);
	}
	recorder_stop(&p->rec);
}

static void same_final(struct replay *p, JsonObject *final)
{
	struct gstate *s = gstate_read(p->m);

	same_ptes(p->r, "s1_mmio", gptes_mmio(p->m, s->s1, view(p)->layout->va_offset),
		  recorded_ptes(p->r, field_array(p->r, final, "s1_mmio"), "s1_mmio"));
	same_ptes(p->r, "s2_mmio", gptes_mmio(p->m, s->s2, 0),
		  recorded_ptes(p->r, field_array(p->r, final, "s2_mmio"), "s2_mmio"));
	same_gstate(p->r, final, s);
	gstate_free(s);
}

static void replay_case(struct recording *r, JsonObject *o)
{
	struct replay p = { .r = r, .bug = true };
	JsonArray *steps = field_array(r, o, "steps");
	JsonObject *final = field_object(r, o, "final");

	r->op = field_str(r, o, "case");
	p.m = golden_machine_new(r, o, NULL);
	if (!p.m)
		return;
	boot(&p);
	same_int(r, "boot", p.ret, 0);
	same_layout(r, o, p.m);
	replay_steps(&p, steps);
	if (!recording_over(r)) {
		r->op = field_str(r, o, "case");
		same_final(&p, final);
	}
	machine_free(p.m);
	r->op = NULL;
}

static void replay_cases(struct recording *r, JsonObject *header)
{
	JsonObject *o = header;

	do
		replay_case(r, o);
	while ((o = recording_next(r)));
}

const struct golden_format golden_cases = {
	.matches = is_cases,
	.replay = replay_cases,
};
