// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ours against the recording: numbers, events in order, descriptors, tables.
 * Events are put into the recordings' words as they happen; kinds for which the
 * recordings have no word are dropped.
 */
#include <string.h>

#include "golden_private.h"

#define HEX "0x%" G_GINT64_MODIFIER "x"

void recording_differs(struct recording *r, const char *what, const char *ours,
		       const char *recorded)
{
	if (recording_over(r))
		return;
	r->differs = true;
	fprintf(r->out, "%s:%u: %s: %s differs\n  ours      %s\n  recorded  %s\n", r->file, r->line,
		r->op ? r->op : "header", what, ours, recorded);
}

bool same_u64(struct recording *r, const char *what, u64 ours, u64 recorded)
{
	char a[24], b[24];

	if (ours == recorded || recording_over(r))
		return !recording_over(r);
	g_snprintf(a, sizeof(a), HEX, ours);
	g_snprintf(b, sizeof(b), HEX, recorded);
	recording_differs(r, what, a, b);
	return false;
}

bool same_int(struct recording *r, const char *what, s64 ours, s64 recorded)
{
	char a[24], b[24];

	if (ours == recorded || recording_over(r))
		return !recording_over(r);
	g_snprintf(a, sizeof(a), "%" G_GINT64_FORMAT, ours);
	g_snprintf(b, sizeof(b), "%" G_GINT64_FORMAT, recorded);
	recording_differs(r, what, a, b);
	return false;
}

static const char *ret_words(char *buf, size_t n, bool panic, s64 ret)
{
	if (panic)
		return "PANIC";
	g_snprintf(buf, (gulong)n, "%" G_GINT64_FORMAT, ret);
	return buf;
}

bool same_ret(struct recording *r, JsonObject *op, enum cpu_end end, s64 ours)
{
	JsonNode *n = json_object_get_member(op, "ret");
	bool is_text =
		n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING;
	bool panic = is_text && !strcmp(json_node_get_string(n), "PANIC");
	s64 recorded = 0;
	char a[24], b[24];

	if (is_text && !panic)
		recording_bad(r, "field \"ret\": must be an integer or \"PANIC\"");
	else if (!is_text)
		recorded = field_int(r, op, "ret", G_MININT64, G_MAXINT64);
	if (recording_over(r))
		return false;
	if (panic == (end == CPU_END_DIED) &&
	    (panic || (end == CPU_END_RETURNED && ours == recorded)))
		return true;
	recording_differs(r, "ret",
			  end == CPU_END_HUNG ? "hang"
					      : ret_words(a, sizeof(a), end == CPU_END_DIED, ours),
			  ret_words(b, sizeof(b), panic, recorded));
	return false;
}

/* ---- Events ---- */

static bool say(struct gevent *out, const char *name, u64 arg, s64 arg2)
{
	g_strlcpy(out->name, name, sizeof(out->name));
	out->arg = arg;
	out->arg2 = arg2;
	return true;
}

/* Stage-2 invalidations are recorded as calls, those of EL2's stage 1 as operands. */
static const struct {
	const char *call, *word;
} tlb_calls[] = {
	{ "__kvm_tlb_flush_vmid_ipa", "tlbi_ipas2e1is" },
	{ "__kvm_tlb_flush_vmid_ipa_nsh", "tlbi_ipas2e1" },
	{ "__kvm_tlb_flush_vmid_range", "tlbi_range" },
	{ "__kvm_tlb_flush_vmid", "tlbi_vmalls12e1is" },
};

static const char *tlb_call_word(const char *call)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(tlb_calls); i++) {
		if (!strcmp(call, tlb_calls[i].call))
			return tlb_calls[i].word;
	}
	return NULL;
}

static bool project_call(const struct event *ev, struct gevent *out)
{
	const char *word = tlb_call_word(ev->what);

	if (word)
		return say(out, word, ev->addr, (s64)ev->val);
	if (!strcmp(ev->what, "free_unlinked"))
		return say(out, ev->what, ev->addr, (s64)ev->val);
	return false;
}

static bool project_tlbi(const struct event *ev, struct gevent *out)
{
	switch (ev->sub) {
	case TLBI_VAE2IS:
	case TLBI_VALE2IS:
		return say(out, tlbi_op_name[ev->sub], ev->addr >> 12, 0);
	case TLBI_VMALLS12E1:
		return say(out, "vmalls12e1", 0, 0);
	default:
		return say(out, tlbi_op_name[ev->sub], ev->addr, (s64)ev->val);
	}
}

bool golden_project(void *data, const struct event *ev, struct gevent *out)
{
	switch (ev->kind) {
	case EV_CALL:
		return project_call(ev, out);
	case EV_TLBI:
		return project_tlbi(ev, out);
	case EV_DSB:
		say(out, "dsb ", 0, 0);
		g_strlcat(out->name, ev->what, sizeof(out->name));
		return true;
	case EV_ISB:
		return say(out, "isb", 0, 0);
	case EV_STORE:
		return ev->order == MO_RELEASE && ev->arg == 8 && say(out, "stlr", 0, 0);
	case EV_CMO:
		return say(out, strcmp(ev->what, "ic_ialluis") ? ev->what : "ic ialluis", ev->addr,
			   (s64)ev->val);
	case EV_PANIC:
		return say(out, ev->what, ev->addr, 0);
	default:
		return false;
	}
}

static void recorder_event(void *data, const struct event *ev)
{
	struct recorder *rec = data;
	struct gevent g;

	/* Between a call of tlb.c and its return stands what it expands to. */
	if (rec->inside) {
		if (ev->kind == EV_RET && !strcmp(ev->what, rec->inside))
			rec->inside = NULL;
		return;
	}
	if (rec->project(rec->data, ev, &g))
		g_array_append_val(rec->ev, g);
	if (ev->kind == EV_CALL && tlb_call_word(ev->what))
		rec->inside = ev->what;
}

void recorder_start(struct recorder *rec, struct board *b, project_fn project, void *data)
{
	*rec = (struct recorder){
		.board = b,
		.project = project ? project : golden_project,
		.data = data,
		.ev = g_array_new(FALSE, TRUE, sizeof(struct gevent)),
	};
	board_subscribe(b, recorder_event, rec);
}

void recorder_clear(struct recorder *rec)
{
	g_array_set_size(rec->ev, 0);
	rec->inside = NULL;
}

void recorder_stop(struct recorder *rec)
{
	board_unsubscribe(rec->board, recorder_event, rec);
	g_array_free(rec->ev, TRUE);
	rec->ev = NULL;
}

static void gevent_words(char *buf, size_t n, const struct gevent *e)
{
	g_snprintf(buf, (gulong)n, "%s " HEX " %" G_GINT64_FORMAT, e->name, e->arg, e->arg2);
}

static struct gevent recorded_event(struct recording *r, JsonArray *events, unsigned int i)
{
	JsonArray *e = elem_array(r, events, i, "events");
	const char *name = e ? elem_str(r, e, 0, "events") : NULL;
	struct gevent g = { 0 };

	if (name)
		say(&g, name, elem_u64(r, e, 1, "events"),
		    elem_int(r, e, 2, "events", G_MININT64, G_MAXINT64));
	return g;
}

bool same_events(struct recording *r, struct recorder *rec, JsonArray *events)
{
	unsigned int n = events ? json_array_get_length(events) : 0;

	for (unsigned int i = 0; i < MAX(n, rec->ev->len) && !recording_over(r); i++) {
		char ours[80] = "no more events", recorded[80] = "no more events", what[32];
		struct gevent a = { 0 }, b = { 0 };

		if (i < rec->ev->len)
			a = g_array_index(rec->ev, struct gevent, i);
		if (i < n)
			b = recorded_event(r, events, i);
		if (!strcmp(a.name, b.name) && a.arg == b.arg && a.arg2 == b.arg2)
			continue;
		if (i < rec->ev->len)
			gevent_words(ours, sizeof(ours), &a);
		if (i < n)
			gevent_words(recorded, sizeof(recorded), &b);
		g_snprintf(what, sizeof(what), "event %u", i);
		recording_differs(r, what, ours, recorded);
	}
	return !recording_over(r);
}

/* ---- Descriptors and tables ---- */

static gint by_ia_level(u64 ia_a, int level_a, u64 ia_b, int level_b)
{
	if (ia_a != ia_b)
		return ia_a < ia_b ? -1 : 1;
	return level_a - level_b;
}

static gint pte_order(gconstpointer a, gconstpointer b)
{
	const struct gpte *x = a, *y = b;

	return by_ia_level(x->ia, x->level, y->ia, y->level);
}

static gint table_order(gconstpointer a, gconstpointer b)
{
	const struct gtable *x = a, *y = b;

	return by_ia_level(x->ia, x->level, y->ia, y->level);
}

static void add_pte(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	struct gpte p = { level, ia, desc };

	g_array_append_val((GArray *)data, p);
}

GArray *collect_ptes(struct board *b, const struct mmu_table *t)
{
	GArray *ptes = g_array_new(FALSE, FALSE, sizeof(struct gpte));

	if (t->root.pa)
		model_for_each_entry(b, t, false, add_pte, ptes);
	g_array_sort(ptes, pte_order);
	return ptes;
}

struct table_pass {
	GArray *tables;
	refcount_fn count;
	void *data;
};

static void add_table(void *data, int level, u64 ia, pa_t table)
{
	struct table_pass *p = data;
	struct gtable t = { table.pa, level, ia, p->count(p->data, table) };

	g_array_append_val(p->tables, t);
}

GArray *collect_tables(struct board *b, const struct mmu_table *t, refcount_fn count, void *data)
{
	struct table_pass p = {
		.tables = g_array_new(FALSE, FALSE, sizeof(struct gtable)),
		.count = count,
		.data = data,
	};

	if (t->root.pa)
		model_for_each_table(b, t, add_table, &p);
	g_array_sort(p.tables, table_order);
	return p.tables;
}

GArray *recorded_ptes(struct recording *r, JsonArray *a, const char *what)
{
	GArray *ptes = g_array_new(FALSE, FALSE, sizeof(struct gpte));

	for (unsigned int i = 0; a && i < json_array_get_length(a) && !recording_over(r); i++) {
		JsonArray *e = elem_array(r, a, i, what);
		struct gpte p;

		if (!e)
			break;
		p = (struct gpte){ (int)elem_int(r, e, 0, what, -1, 3), elem_u64(r, e, 1, what),
				   elem_u64(r, e, 2, what) };
		g_array_append_val(ptes, p);
	}
	g_array_sort(ptes, pte_order);
	return ptes;
}

GArray *recorded_tables(struct recording *r, JsonArray *a, const char *what)
{
	GArray *tables = g_array_new(FALSE, FALSE, sizeof(struct gtable));

	for (unsigned int i = 0; a && i < json_array_get_length(a) && !recording_over(r); i++) {
		JsonArray *e = elem_array(r, a, i, what);
		struct gtable t;

		if (!e)
			break;
		t = (struct gtable){ elem_u64(r, e, 0, what), (int)elem_int(r, e, 1, what, -1, 3),
				     elem_u64(r, e, 2, what),
				     (u32)elem_int(r, e, 3, what, 0, G_MAXUINT32) };
		g_array_append_val(tables, t);
	}
	g_array_sort(tables, table_order);
	return tables;
}

static char *pte_words(const GArray *ptes, unsigned int i)
{
	const struct gpte *p;

	if (i >= ptes->len)
		return g_strdup("no such entry");
	p = &g_array_index(ptes, struct gpte, i);
	return g_strdup_printf("level %d ia " HEX " raw " HEX, p->level, p->ia, p->raw);
}

static char *table_words(const GArray *tables, unsigned int i)
{
	const struct gtable *t;

	if (i >= tables->len)
		return g_strdup("no such table");
	t = &g_array_index(tables, struct gtable, i);
	return g_strdup_printf("level %d ia " HEX " at " HEX " refcount %u", t->level, t->ia, t->pa,
			       t->refcount);
}

static bool ptes_equal(const GArray *a, const GArray *b, unsigned int i)
{
	const struct gpte *x = &g_array_index(a, struct gpte, i);
	const struct gpte *y = &g_array_index(b, struct gpte, i);

	return x->level == y->level && x->ia == y->ia && x->raw == y->raw;
}

static bool tables_equal(const GArray *a, const GArray *b, unsigned int i)
{
	const struct gtable *x = &g_array_index(a, struct gtable, i);
	const struct gtable *y = &g_array_index(b, struct gtable, i);

	return x->level == y->level && x->ia == y->ia && x->pa == y->pa &&
	       x->refcount == y->refcount;
}

static bool same_list(struct recording *r, const char *what, GArray *ours, GArray *recorded,
		      bool (*equal)(const GArray *a, const GArray *b, unsigned int i),
		      char *(*words)(const GArray *a, unsigned int i))
{
	for (unsigned int i = 0; i < MAX(ours->len, recorded->len) && !recording_over(r); i++) {
		char *a, *b;

		if (i < ours->len && i < recorded->len && equal(ours, recorded, i))
			continue;
		a = words(ours, i);
		b = words(recorded, i);
		recording_differs(r, what, a, b);
		g_free(a);
		g_free(b);
	}
	g_array_free(ours, TRUE);
	g_array_free(recorded, TRUE);
	return !recording_over(r);
}

bool same_ptes(struct recording *r, const char *what, GArray *ours, GArray *recorded)
{
	return same_list(r, what, ours, recorded, ptes_equal, pte_words);
}

bool same_tables(struct recording *r, const char *what, GArray *ours, GArray *recorded)
{
	return same_list(r, what, ours, recorded, tables_equal, table_words);
}

static u64 fnv_u64(u64 hash, u64 v)
{
	for (unsigned int i = 0; i < 8; i++)
		hash = (hash ^ (v >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
	return hash;
}

u64 fnv_ptes(u64 hash, const GArray *ptes)
{
	for (unsigned int i = 0; i < ptes->len; i++) {
		const struct gpte *p = &g_array_index(ptes, struct gpte, i);

		hash = fnv_u64(hash, (u64)p->level);
		hash = fnv_u64(hash, p->ia);
		hash = fnv_u64(hash, p->raw);
	}
	return hash;
}
