// SPDX-License-Identifier: GPL-2.0-or-later
/* Schedules in words, and what happened under one with a column a CPU. */
#include "block.h"

static void append_move(GString *out, const struct x_move *m, guint times)
{
	g_string_append(out, out->len ? " " : "");
	if (!m->what)
		g_string_append_printf(out, "%u", m->value);
	else if (!strcmp(m->what, "tlb"))
		g_string_append_printf(out, "tlb=%u", m->value);
	else
		g_string_append(out, m->what);
	if (times > 1)
		g_string_append_printf(out, "*%u", times);
}

char *moves_words(const struct x_move *moves, guint n)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0, times; i < n; i += times) {
		times = 1;
		while (!moves[i].what && i + times < n && !moves[i + times].what &&
		       moves[i + times].value == moves[i].value)
			times++;
		append_move(out, &moves[i], times);
	}
	return g_string_free(out, FALSE);
}

bool moves_add(GArray *moves, const char *word)
{
	g_auto(GStrv) part = g_strsplit(word, "*", 2);
	struct x_move m = { NULL, 0 };
	u64 n, times = 1;

	if (!strcmp(word, "alloc") || !strcmp(word, "at")) {
		m = (struct x_move){ word[1] == 't' ? "at" : "alloc", 1 };
	} else if (g_str_has_prefix(word, "tlb=")) {
		if (!g_ascii_string_to_unsigned(word + 4, 10, 1, 1000, &n, NULL))
			return false;
		m = (struct x_move){ "tlb", (u32)n };
	} else {
		if (!g_ascii_string_to_unsigned(part[0], 10, 0, BOARD_MAX_CPUS - 1, &n, NULL) ||
		    (part[1] &&
		     !g_ascii_string_to_unsigned(part[1], 10, 1, MAX_MOVES, &times, NULL)))
			return false;
		m.value = (u32)n;
	}
	if (moves->len + times > MAX_MOVES)
		return false;
	for (u64 i = 0; i < times; i++)
		g_array_append_val(moves, m);
	return true;
}

GArray *moves_read(const char *words)
{
	g_auto(GStrv) word = g_strsplit(words, " ", 0);
	GArray *moves = g_array_new(FALSE, FALSE, sizeof(struct x_move));

	for (unsigned int i = 0; word[i]; i++) {
		if (!*word[i] || moves_add(moves, word[i]))
			continue;
		g_array_unref(moves);
		return NULL;
	}
	return moves;
}

/* ---- With a column a CPU --------------------------------------------------------------------- */

struct listing {
	struct board *b;
	const struct block *k;
	GString *out;
	u64 last;	    /* event number up to which is told */
	unsigned int loads; /* of @cpu, not told yet */
	unsigned int cpu;
	u64 load; /* address of the first of them */
};

/* Names of CPUs stand side by side; a CPU's events below its own. */
#define COLUMN 38

static void row(struct listing *l, unsigned int cpu, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

static void row(struct listing *l, unsigned int cpu, const char *fmt, ...)
{
	unsigned int column = (unsigned int)__builtin_popcount(l->k->cpus & ((1u << cpu) - 1));
	va_list ap;

	g_string_append_printf(l->out, "%s%*s", l->out->len ? "\n" : "", (int)(2 + COLUMN * column),
			       "");
	va_start(ap, fmt);
	g_string_append_vprintf(l->out, fmt, ap);
	va_end(ap);
}

static void flush_loads(struct listing *l)
{
	if (l->loads == 1)
		row(l, l->cpu, "load 0x%" G_GINT64_MODIFIER "x", l->load);
	else if (l->loads)
		row(l, l->cpu, "%u loads", l->loads);
	l->loads = 0;
}

static void list_event(void *data, const struct event *ev)
{
	struct listing *l = data;
	const char *fn = ev->fn ? ev->fn : "";

	if (ev->seq > l->last)
		return;
	if (ev->kind == EV_LOAD) {
		if (l->loads && l->cpu != ev->cpu)
			flush_loads(l);
		if (!l->loads++)
			l->load = ev->addr;
		l->cpu = ev->cpu;
		return;
	}
	flush_loads(l);
	switch (ev->kind) {
	case EV_LOCK:
	case EV_UNLOCK:
		row(l, ev->cpu, "%s %s", event_kind_name[ev->kind], ev->what);
		break;
	case EV_STORE:
		row(l, ev->cpu, "store 0x%" G_GINT64_MODIFIER "x = 0x%" G_GINT64_MODIFIER "x",
		    ev->addr, ev->val);
		break;
	case EV_TLBI:
		row(l, ev->cpu, "tlbi %s 0x%" G_GINT64_MODIFIER "x",
		    tlbi_op_name[MIN(ev->sub, N_TLBI_OPS - 1)], ev->addr);
		break;
	case EV_ACCESS:
		row(l, ev->cpu, "%s 0x%" G_GINT64_MODIFIER "x at 0x%" G_GINT64_MODIFIER "x",
		    ev->what, ev->addr, ev->old);
		break;
	case EV_ALLOC:
		row(l, ev->cpu, "alloc %s: 0x%" G_GINT64_MODIFIER "x", ev->what, ev->addr);
		break;
	case EV_DSB:
	case EV_TRAP:
	case EV_PANIC:
		row(l, ev->cpu, "%s %s%s%s", event_kind_name[ev->kind], ev->what,
		    ev->kind == EV_PANIC ? " in " : "", ev->kind == EV_PANIC ? fn : "");
		break;
	case EV_ABORT:
		row(l, ev->cpu, "abort %s 0x%" G_GINT64_MODIFIER "x", ev->what, ev->addr);
		break;
	}
}

static void who_waits(struct listing *l)
{
	for (u32 left = l->k->cpus; left; left &= left - 1) {
		const struct cpu *cpu = &l->b->cpus[__builtin_ctz(left)];
		const struct spinlock *w = cpu->waits;

		if (w && w->holder >= 0)
			row(l, cpu->id, "waits for %s, which CPU %d took in %s()", w->name,
			    w->holder, w->fn ? w->fn : "?");
	}
}

char *block_listing(struct block *k, const struct x_move *moves, guint n)
{
	struct listing l = { .b = k->x.b, .k = k, .out = g_string_new(NULL) };
	guint bad;
	u64 seq;

	for (u32 left = k->cpus; left; left &= left - 1)
		g_string_append_printf(l.out, "%*sCPU %-*u", left == k->cpus ? 2 : 0, "",
				       COLUMN - 4, (unsigned int)__builtin_ctz(left));
	while (l.out->str[l.out->len - 1] == ' ')
		g_string_truncate(l.out, l.out->len - 1);
	sim_assert(x_replay(&k->x, moves, n, &bad, &l.last, NULL));
	board_subscribe(k->x.b, list_event, &l);
	sim_assert(x_replay(&k->x, moves, n, &bad, &seq, NULL));
	board_unsubscribe(k->x.b, list_event, &l);
	flush_loads(&l);
	who_waits(&l);
	return g_string_free(l.out, FALSE);
}
