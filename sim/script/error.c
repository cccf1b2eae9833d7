// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors of the file: FILE:LINE:COLUMN, the line, a caret under the place, and
 * the nearest name where one was misspelt.
 */
#include <stdarg.h>

#include "script_private.h"

G_DEFINE_QUARK(pkvm - sim - script - error - quark, script_error)

/* Bytes of a line that an error shows around its place. */
#define SHOW_BYTES 160

/* Column in characters, from 1: what an editor shows. */
static unsigned int column_of(const struct line *l, u32 off)
{
	unsigned int col = 1;

	for (u32 i = 0; i < off && i < l->len; i++)
		col += ((u8)l->text[i] & 0xc0) != 0x80;
	return col;
}

/* The line and the caret; a long line is cut around @off. */
static void append_line(GString *msg, const struct line *l, u32 off)
{
	u32 from = 0, to = l->len;
	GString *caret = g_string_new(NULL);

	if (to > SHOW_BYTES) {
		from = off > SHOW_BYTES / 2 ? off - SHOW_BYTES / 2 : 0;
		to = MIN(l->len, from + SHOW_BYTES);
		while (from > 0 && ((u8)l->text[from] & 0xc0) == 0x80)
			from--;
	}
	g_string_append_c(msg, '\n');
	for (u32 i = from; i < to; i++) {
		u8 c = (u8)l->text[i];

		/* control characters of a hostile file stay out of the terminal */
		g_string_append_c(msg, c < 0x20 && c != '\t' ? '?' : (char)c);
		if (i < off && (c & 0xc0) != 0x80)
			g_string_append_c(caret, c == '\t' ? '\t' : ' ');
	}
	g_string_append_printf(msg, "\n%s^", caret->str);
	g_string_free(caret, TRUE);
}

bool script_fail(GError **error, const struct line *l, u32 off, const char *hint, const char *fmt,
		 ...)
{
	GString *msg = g_string_new(NULL);
	va_list ap;
	char *valid;

	off = MIN(off, l->len);
	g_string_printf(msg, "%s:%u:%u: error: ", l->src->name, l->no, column_of(l, off));
	va_start(ap, fmt);
	g_string_append_vprintf(msg, fmt, ap);
	va_end(ap);
	append_line(msg, l, off);
	if (hint)
		g_string_append_printf(msg, "\ndid you mean `%s`?", hint);
	valid = g_utf8_make_valid(msg->str, (gssize)msg->len);
	g_set_error_literal(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, valid);
	g_free(valid);
	g_string_free(msg, TRUE);
	return false;
}

bool script_fail_file(GError **error, const char *file, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, "%s: error: %s", file, text);
	g_free(text);
	return false;
}

/* ---- The nearest name --------------------------------------------------------------- */

#define NEAREST_MAX 40 /* longer words are not compared */

/* Edit distance where swapping two neighbours counts once. */
static unsigned int distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned int d[NEAREST_MAX + 1][NEAREST_MAX + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned int cost = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost = MIN(cost, d[i - 1][j] + 1);
			cost = MIN(cost, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost = MIN(cost, d[i - 2][j - 2] + 1);
			d[i][j] = cost;
		}
	}
	return d[n][m];
}

void nearest_init(struct nearest *n, const char *word)
{
	*n = (struct nearest){ .word = word };
	/* a name that has next to nothing in common is no suggestion */
	n->distance = (unsigned int)MIN(strlen(word) / 3 + 2, 6);
}

void nearest_try(struct nearest *n, const char *name)
{
	size_t a = strlen(n->word), b = strlen(name);
	unsigned int d;

	if (!a || a > NEAREST_MAX || b > NEAREST_MAX)
		return;
	d = distance(n->word, a, name, b);
	if (d < n->distance && d < MAX(a, b)) {
		n->distance = d;
		n->best = name;
	}
}
