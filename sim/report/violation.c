// SPDX-License-Identifier: GPL-2.0-or-later
/* A breach in words: a block of lines that stands in a report and in a mail. */
#include <string.h>

#include "report_private.h"

#define NAME_WIDTH 10

/* "  name      words, wrapped under each other". */
static void append_item(GString *out, const char *name, const char *text, unsigned int width)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	unsigned int column = 2 + NAME_WIDTH;

	if (!text[0])
		return;
	g_string_append_printf(out, "\n  %-*s", NAME_WIDTH, name);
	for (char **w = words; *w; w++) {
		unsigned int n = (unsigned int)strlen(*w);

		if (column > 2 + NAME_WIDTH && column + 1 + n > width) {
			g_string_append_printf(out, "\n  %*s", NAME_WIDTH, "");
			column = 2 + NAME_WIDTH;
		} else if (column > 2 + NAME_WIDTH) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append(out, *w);
		column += n;
	}
}

char *report_violation_words(const struct report_violation *v, unsigned int width)
{
	GString *s = g_string_new(NULL);
	g_autofree char *event = g_strdelimit(g_strdup(v->event), "\t", ' ');

	g_string_append_printf(s, "violation %s", v->rule);
	if (v->has_page)
		g_string_append_printf(s, ", page 0x%" PRIx64, v->page);
	append_item(s, "what", v->text, width);
	append_item(s, "before", v->before, width);
	append_item(s, "after", v->after, width);
	append_item(s, "allowed", v->allowed, width);
	append_item(s, "first by", g_strstrip(event), width);
	return g_string_free(s, FALSE);
}

char *report_rules_words(const struct report_violation *v, unsigned int n)
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i < n; i++) {
		unsigned int k = 0;

		while (strcmp(v[k].rule, v[i].rule))
			k++;
		if (k == i)
			g_string_append_printf(s, "%s%s", s->len ? ", " : "", v[i].rule);
	}
	return g_string_free(s, FALSE);
}
