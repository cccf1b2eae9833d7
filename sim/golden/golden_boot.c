// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings that are boots and nothing else: protected_regions.jsonl. Each line is
 * a machine with its own array of protected regions, the events from the first
 * donation of the boot step on, what __pkvm_init() gave the host, and the tables.
 */
#include <string.h>

#include "golden_machine.h"

static bool is_boots(JsonObject *header)
{
	return has_field(header, "protected_regs") && has_field(header, "case");
}

/* Frame numbers from here on are shifted out of 64 bits of address. */
#define MAX_FRAME (BIT(52) - 1)

/* The array as EL2 reads it; ours keeps bytes, so that the high bits of a frame
 * number are gone from the start rather than when EL2 uses it. */
static GArray *read_protected_regs(struct recording *r, JsonObject *o)
{
	GArray *protect = g_array_new(FALSE, TRUE, sizeof(struct protect_entry));
	JsonArray *regs = field_array(r, o, "protected_regs");

	for (unsigned int i = 0; regs && i < json_array_get_length(regs); i++) {
		JsonArray *reg = elem_array(r, regs, i, "protected_regs");
		struct protect_entry e;

		if (!reg)
			break;
		e.base = elem_u64(r, reg, 0, "protected_regs") << 12;
		e.size = (u64)elem_int(r, reg, 1, "protected_regs", 0, G_MAXINT32) << 12;
		g_array_append_val(protect, e);
	}
	if (field_int(r, o, "num_protected_reg", 0, G_MAXINT32) != protect->len)
		recording_bad(r, "field \"num_protected_reg\": not the length of the list");
	return protect;
}

/* ---- Events -------------------------------------------------------------------------------- */

static const struct {
	const char *call, *entered, *left;
} boot_calls[] = {
	{ "host_donate_hyp_mmio", "call_donate", "ret_donate" },
	{ "hyp_donate_host_mmio", "call_hand_back", "ret_hand_back" },
};

static bool project_boot(void *data, const struct event *ev, struct gevent *out)
{
	bool *started = data;

	for (unsigned int i = 0; i < G_N_ELEMENTS(boot_calls); i++) {
		bool entered = ev->kind == EV_CALL;

		if ((!entered && ev->kind != EV_RET) || strcmp(ev->what, boot_calls[i].call))
			continue;
		*started = true;
		*out = (struct gevent){ .arg = ev->addr, .arg2 = entered ? 0 : (s64)ev->val };
		g_strlcpy(out->name, entered ? boot_calls[i].entered : boot_calls[i].left,
			  sizeof(out->name));
		return true;
	}
	return *started && golden_project(NULL, ev, out);
}

static bool is_boot_call(const char *name)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(boot_calls); i++)
		if (!strcmp(name, boot_calls[i].entered) || !strcmp(name, boot_calls[i].left))
			return true;
	return false;
}

/* The recorded events with frame numbers as our array has them. */
static JsonArray *recorded_events(struct recording *r, JsonObject *o)
{
	JsonArray *events = field_array(r, o, "events"), *copy = json_array_new();

	for (unsigned int i = 0; events && i < json_array_get_length(events); i++) {
		JsonArray *e = elem_array(r, events, i, "events"), *n;
		const char *name = e ? elem_str(r, e, 0, "events") : NULL;
		char arg[24];
		u64 val;

		if (!name)
			break;
		val = elem_u64(r, e, 1, "events");
		g_snprintf(arg, sizeof(arg), "0x%" G_GINT64_MODIFIER "x",
			   is_boot_call(name) ? val & MAX_FRAME : val);
		n = json_array_new();
		json_array_add_string_element(n, name);
		json_array_add_string_element(n, arg);
		json_array_add_int_element(n, elem_int(r, e, 2, "events", G_MININT64, G_MAXINT64));
		json_array_add_array_element(copy, n);
	}
	return copy;
}

/* ---- One boot -------------------------------------------------------------------------------- */

/* What the host is told: the first error of the two halves of __pkvm_init(). */
static enum cpu_end boot(struct machine *m, s64 *ret)
{
	struct outcome o = machine_init(m, 0);

	if (o.kind == OUTCOME_VALUE && !o.value)
		o = machine_finalise(m, 0);
	*ret = (s64)o.value;
	return o.kind == OUTCOME_VALUE	? CPU_END_RETURNED
	       : o.kind == OUTCOME_HANG ? CPU_END_HUNG
					: CPU_END_DIED;
}

static void compare_entries(struct recording *r, JsonObject *o, struct machine *m,
			    const struct gstate *s)
{
	u64 offset = m->hyp->view(m->el2)->layout->va_offset;

	same_ptes(r, "s1_mmio", gptes_mmio(m, s->s1, offset),
		  recorded_ptes(r, field_array(r, o, "s1_mmio"), "s1_mmio"));
	same_ptes(r, "s2_mmio", gptes_mmio(m, s->s2, 0),
		  recorded_ptes(r, field_array(r, o, "s2_mmio"), "s2_mmio"));
}

static void run_boot(struct recording *r, JsonObject *o, struct machine *m)
{
	JsonArray *events = recorded_events(r, o);
	bool started = false;
	struct recorder rec;
	struct gstate *s;
	enum cpu_end end;
	s64 ret;

	recorder_start(&rec, m->board, project_boot, &started);
	end = boot(m, &ret);
	same_ret(r, o, end, ret);
	same_events(r, &rec, events);
	recorder_stop(&rec);
	json_array_unref(events);

	s = gstate_read(m);
	same_layout(r, o, m);
	same_gstate(r, o, s);
	compare_entries(r, o, m, s);
	gstate_free(s);
	r->ops++;
}

static void replay_boot(struct recording *r, JsonObject *o)
{
	GArray *protect = read_protected_regs(r, o);
	struct machine *m;

	r->op = field_str(r, o, "case");
	m = recording_over(r) ? NULL : golden_machine_new(r, o, protect);
	if (m) {
		run_boot(r, o, m);
		machine_free(m);
	}
	g_array_free(protect, TRUE);
	r->op = NULL;
}

static void replay_boots(struct recording *r, JsonObject *header)
{
	JsonObject *o = header;

	do
		replay_boot(r, o);
	while ((o = recording_next(r)));
}

const struct golden_format golden_boot = {
	.matches = is_boots,
	.replay = replay_boots,
};
