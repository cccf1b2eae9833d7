// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One line an event, in the form of the kernel's hypervisor tracing
 * (kernel/trace/trace_remote.c): "[CPU]\tSECONDS.MICROSECONDS: NAME ARGS". The
 * event's number stands for microseconds, so that event N is found at N us.
 * hyp_enter and hyp_exit are the kernel's own events (include/asm/kvm_hypevents.h);
 * the others are named as one of them would be.
 */
#include <string.h>

#include "report_private.h"

typedef void (*event_words_fn)(GString *out, const struct event *ev);

static const char *word(const char *s)
{
	return s ? s : "?";
}

static void lock_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "lock=%s%s", word(ev->what),
			       ev->kind == EV_LOCK && ev->sub == EV_LOCK_NEVER ? " never" : "");
}

static const char *order_words(u8 order)
{
	static const char *const words[] = {
		[MO_PLAIN] = "",
		[MO_ONCE] = " once",
		[MO_ACQUIRE] = " acquire",
		[MO_RELEASE] = " release",
	};

	return order < G_N_ELEMENTS(words) ? words[order] : "";
}

static void load_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "pa=0x%" PRIx64 " val=0x%" PRIx64 " width=%u%s", ev->addr,
			       ev->val, ev->arg, order_words(ev->order));
}

static void store_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out,
			       "pa=0x%" PRIx64 " old=0x%" PRIx64 " new=0x%" PRIx64 " width=%u%s",
			       ev->addr, ev->old, ev->val, ev->arg, order_words(ev->order));
}

static void tlbi_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "op=%s", ev->sub < N_TLBI_OPS ? tlbi_op_name[ev->sub] : "?");
	switch (ev->sub) {
	case TLBI_VAE2IS:
	case TLBI_VALE2IS:
		g_string_append_printf(out, " va=0x%" PRIx64 " level=%" PRId64, ev->addr,
				       (s64)ev->val);
		break;
	case TLBI_IPAS2E1IS:
	case TLBI_IPAS2E1:
		g_string_append_printf(out, " ipa=0x%" PRIx64 " level=%" PRId64 " vmid=%" PRIu64,
				       ev->addr, (s64)ev->val, ev->old);
		break;
	case TLBI_RIPAS2E1IS:
		g_string_append_printf(out, " ipa=0x%" PRIx64 " pages=%" PRIu64 " vmid=%" PRIu64,
				       ev->addr, ev->val, ev->old);
		break;
	case TLBI_ALLE2:
	case TLBI_ALLE1IS:
		break;
	default:
		g_string_append_printf(out, " vmid=%" PRIu64, ev->old);
		break;
	}
}

static void dsb_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "domain=%s", word(ev->what));
}

static void isb_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "fn=%s", word(ev->fn));
}

static void alloc_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "pool=%s", word(ev->what));
	if (ev->kind == EV_ALLOC && !ev->addr)
		g_string_append_printf(out, " pa=none order=%" PRIu64, ev->val);
	else
		g_string_append_printf(out, " pa=0x%" PRIx64 " order=%" PRIu64, ev->addr, ev->val);
}

static void count_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "pa=0x%" PRIx64 " refcount=%" PRIu64, ev->addr, ev->val);
}

static void zero_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "pa=0x%" PRIx64 " bytes=0x%" PRIx64, ev->addr, ev->val);
}

static void cmo_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "op=%s", word(ev->what));
	if (ev->val)
		g_string_append_printf(out, " pa=0x%" PRIx64 " va=0x%" PRIx64 " bytes=0x%" PRIx64,
				       ev->addr, ev->old, ev->val);
}

/* The reasons of enum hyp_enter_exit_reason; ours are the same in lower case. */
static void trap_words(GString *out, const struct event *ev)
{
	/* EL2's own calls of firmware are told as the host's */
	const char *what = g_str_has_suffix(word(ev->what), "el3") ? "smc" : word(ev->what);
	g_autofree char *reason = g_ascii_strup(what, -1);

	g_string_append_printf(out, "reason=%s vcpu=0", reason);
	if (ev->addr)
		g_string_append_printf(out, " id=0x%" PRIx64, ev->addr);
}

static void abort_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "esr=0x%" PRIx64 " addr=0x%" PRIx64 " how=%s", ev->val,
			       ev->addr, word(ev->what));
}

static void access_words(GString *out, const struct event *ev)
{
	g_autofree char *what = g_strdup(word(ev->what));

	g_string_append_printf(out, "by=%s ia=0x%" PRIx64 " pa=0x%" PRIx64 " val=0x%" PRIx64,
			       g_strdelimit(what, " ", '_'), ev->addr, ev->old, ev->val);
}

static void panic_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "fn=%s reason=%s", word(ev->fn), word(ev->what));
}

static void call_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "fn=%s a0=0x%" PRIx64 " a1=0x%" PRIx64, word(ev->what),
			       ev->addr, ev->val);
}

static void ret_words(GString *out, const struct event *ev)
{
	g_string_append_printf(out, "fn=%s a0=0x%" PRIx64 " ret=%" PRId64, word(ev->what), ev->addr,
			       (s64)ev->val);
}

static const struct {
	const char *name;
	event_words_fn words;
	bool fn; /* the function that did it is worth its place on the line */
} event_words[N_EVENT_KINDS] = {
	[EV_LOCK] = { "hyp_lock", lock_words, true },
	[EV_UNLOCK] = { "hyp_unlock", lock_words, true },
	[EV_LOAD] = { "mem_load", load_words, true },
	[EV_STORE] = { "mem_store", store_words, true },
	[EV_TLBI] = { "tlbi", tlbi_words, true },
	[EV_DSB] = { "dsb", dsb_words, true },
	[EV_ISB] = { "isb", isb_words, false },
	[EV_ALLOC] = { "page_alloc", alloc_words, true },
	[EV_FREE] = { "page_free", alloc_words, true },
	[EV_GET] = { "page_get", count_words, true },
	[EV_PUT] = { "page_put", count_words, true },
	[EV_ZERO] = { "page_zero", zero_words, true },
	[EV_CMO] = { "cmo", cmo_words, true },
	[EV_TRAP] = { "hyp_enter", trap_words, false },
	[EV_ABORT] = { "host_mem_abort", abort_words, false },
	[EV_ACCESS] = { "access", access_words, false },
	[EV_PANIC] = { "hyp_panic", panic_words, false },
	[EV_CALL] = { "func_enter", call_words, false },
	[EV_RET] = { "func_exit", ret_words, false },
};

void trace_line(GString *out, const struct event *ev)
{
	const char *name;

	g_string_append_printf(out, "[%03d]\t%5llu.%06lu: ", ev->cpu,
			       (unsigned long long)(ev->seq / 1000000),
			       (unsigned long)(ev->seq % 1000000));
	if (ev->kind >= N_EVENT_KINDS) {
		g_string_append_printf(out, "UNKNOWN id=%u", ev->kind);
		return;
	}
	name = event_words[ev->kind].name;
	if (ev->kind == EV_TRAP && ev->what && g_str_has_prefix(ev->what, "eret"))
		name = "hyp_exit";
	g_string_append_printf(out, "%s ", name);
	event_words[ev->kind].words(out, ev);
	if (event_words[ev->kind].fn && ev->fn)
		g_string_append_printf(out, " fn=%s", ev->fn);
}
