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
