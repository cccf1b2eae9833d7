// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables of words, laid out for a mail.
 */
#include <string.h>

#include "grid.h"

#define INDENT 2
#define GAP 2
#define HANGING 8     /* of a label's further lines */
#define MIN_LABEL 26u /* narrower labels tell nothing */

struct grid *grid_new(unsigned int n_columns, unsigned int n_heads)
{
	struct grid *g = g_new0(struct grid, 1);

	g->n_columns = n_columns;
	g->n_heads = n_heads;
	g->head_label = g_new0(char *, n_heads + 1);
	g->head = g_new0(char **, n_heads + 1);
	for (unsigned int i = 0; i < n_heads; i++)
		g->head[i] = g_new0(char *, n_columns + 1);
	g->rows = g_ptr_array_new();
	return g;
}

void grid_free(struct grid *g)
{
	for (unsigned int i = 0; i < g->n_heads; i++) {
		for (unsigned int c = 0; c < g->n_columns; c++)
			g_free(g->head[i][c]);
		g_free(g->head[i]);
		g_free(g->head_label[i]);
	}
	for (unsigned int i = 0; i < g->rows->len; i++) {
		struct grid_row *row = g->rows->pdata[i];

		for (unsigned int c = 0; c < g->n_columns; c++)
			g_free(row->cell[c]);
		g_free(row->cell);
		g_free(row->label);
		g_free(row->after);
		g_free(row);
	}
	g_ptr_array_unref(g->rows);
	g_free(g->head);
	g_free(g->head_label);
	g_free(g);
}

void grid_head(struct grid *g, unsigned int head, const char *label)
{
	g->head_label[head] = g_utf8_make_valid(label, -1);
}

void grid_head_value(struct grid *g, unsigned int head, unsigned int column, const char *value)
{
	g->head[head][column] = g_utf8_make_valid(value, -1);
}

struct grid_row *grid_row(struct grid *g, const char *label)
{
	struct grid_row *row = g_new0(struct grid_row, 1);

	row->label = g_utf8_make_valid(label, -1);
	row->cell = g_new0(char *, g->n_columns + 1);
	g_ptr_array_add(g->rows, row);
	return row;
}

static unsigned int columns_of(const char *s)
{
	return s ? (unsigned int)g_utf8_strlen(s, -1) : 0;
}

static unsigned int label_width(const struct grid *g)
{
	unsigned int w = 0;

	for (unsigned int i = 0; i < g->n_heads; i++)
		w = MAX(w, columns_of(g->head_label[i]));
	for (unsigned int i = 0; i < g->rows->len; i++)
		w = MAX(w, columns_of(((struct grid_row *)g->rows->pdata[i])->label));
	return w;
}

static unsigned int column_width(const struct grid *g, unsigned int c)
{
	unsigned int w = 1;

	for (unsigned int i = 0; i < g->n_heads; i++)
		w = MAX(w, columns_of(g->head[i][c]));
	for (unsigned int i = 0; i < g->rows->len; i++)
		w = MAX(w, columns_of(((struct grid_row *)g->rows->pdata[i])->cell[c]));
	return w;
}

static void append_padded(GString *out, const char *s, unsigned int width)
{
	unsigned int n = columns_of(s);

	if (n > width && width > 2) {
		g_autofree char *cut = g_utf8_substring(s, 0, width - 2);

		g_string_append_printf(out, "%s..", cut);
		return;
	}
	g_string_append(out, s ? s : "");
	for (; n < width; n++)
		g_string_append_c(out, ' ');
}

/* No blanks at the end of a line: mail programs take them for flowed text. */
static void end_line(GString *out)
{
	while (out->len && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

struct layout {
	unsigned int label;
	unsigned int *width; /* of columns */
};

static void render_head(const struct grid *g, GString *out, const struct layout *l,
			unsigned int from, unsigned int to)
{
	for (unsigned int i = 0; i < g->n_heads; i++) {
		g_string_append_printf(out, "%*s", INDENT, "");
		append_padded(out, g->head_label[i], l->label);
		for (unsigned int c = from; c < to; c++) {
			const char *v = g->head[i][c];
			/* Equal neighbours of an outer axis read as one heading. */
			bool same =
				c > from && i + 1 < g->n_heads && !g_strcmp0(v, g->head[i][c - 1]);

			for (unsigned int k = 0; same && k < i; k++)
				same = !g_strcmp0(g->head[k][c], g->head[k][c - 1]);
			g_string_append_printf(out, "%*s", GAP, "");
			append_padded(out, same ? "" : v, l->width[c]);
		}
		end_line(out);
	}
	if (!g->n_heads)
		return;
	g_string_append_printf(out, "%*s", INDENT, "");
	for (unsigned int k = 0; k < l->label; k++)
		g_string_append_c(out, '-');
	for (unsigned int c = from; c < to; c++) {
		g_string_append_printf(out, "%*s", GAP, "");
		for (unsigned int k = 0; k < l->width[c]; k++)
			g_string_append_c(out, '-');
	}
	end_line(out);
}

/*
 * What fits of @label in @width columns, cut at a blank if there is one; the rest
 * goes to further lines under the text, behind the line number.
 */
static const char *take_label(const char *label, unsigned int width, GString *piece)
{
	const char *end = label, *blank = NULL;

	g_string_truncate(piece, 0);
	for (unsigned int n = 0; *end && n < width; n++, end = g_utf8_next_char(end))
		if (*end == ' ' && n > width / 2)
			blank = end;
	if (*end && *end != ' ' && blank)
		end = blank;
	g_string_append_len(piece, label, end - label);
	while (*end == ' ')
		end++;
	return end;
}

static void render_rows(const struct grid *g, GString *out, const struct layout *l,
			unsigned int from, unsigned int to)
{
	GString *piece = g_string_new(NULL);

	for (unsigned int i = 0; i < g->rows->len; i++) {
		const struct grid_row *row = g->rows->pdata[i];
		const char *rest = row->label;

		if (row->label[0]) {
			rest = take_label(rest, l->label, piece);
			g_string_append_printf(out, "%*s", INDENT, "");
			append_padded(out, piece->str, l->label);
			for (unsigned int c = from; c < to; c++) {
				g_string_append_printf(out, "%*s", GAP, "");
				append_padded(out, row->cell[c], l->width[c]);
			}
			end_line(out);
		}
		while (*rest) {
			rest = take_label(rest, l->label - HANGING, piece);
			g_string_append_printf(out, "%*s%s\n", INDENT + HANGING, "", piece->str);
		}
		if (row->after && from == 0)
			g_string_append(out, row->after);
	}
	g_string_free(piece, TRUE);
}

/* Does a value of the outermost axis begin at @c? */
static bool axis_begins(const struct grid *g, unsigned int c)
{
	return g->n_heads > 1 && c < g->n_columns && g_strcmp0(g->head[0][c], g->head[0][c - 1]);
}

/* Room for labels beside all columns, else beside those of one value of the outermost axis. */
static unsigned int label_room(const struct grid *g, const unsigned int *w, unsigned int width)
{
	unsigned int all = INDENT, group = INDENT, widest = INDENT;

	for (unsigned int c = 0; c < g->n_columns; c++) {
		if (c && axis_begins(g, c))
			group = INDENT;
		all += GAP + w[c];
		group += GAP + w[c];
		widest = MAX(widest, group);
	}
	if (all + MIN_LABEL <= width)
		return width - all;
	return widest + MIN_LABEL <= width ? width - widest : MIN_LABEL + 8;
}

/* A group that does not hold all that is left ends where the outermost axis changes. */
static unsigned int group_end(const struct grid *g, unsigned int from, unsigned int to)
{
	for (unsigned int c = to; to < g->n_columns && c > from; c--)
		if (axis_begins(g, c))
			return c;
	return to;
}

void grid_render(const struct grid *g, GString *out, unsigned int width)
{
	g_autofree unsigned int *w = g_new0(unsigned int, g->n_columns + 1);
	struct layout l = { .label = label_width(g), .width = w };
	unsigned int from = 0;

	for (unsigned int c = 0; c < g->n_columns; c++)
		w[c] = column_width(g, c);
	l.label = MIN(l.label, label_room(g, w, width));
	do {
		unsigned int to = from, used = INDENT + l.label;

		while (to < g->n_columns && (to == from || used + GAP + w[to] <= width)) {
			/* A lone wide column gets what is left. */
			if (to == from && used + GAP + w[to] > width && used + GAP + 8 < width)
				w[to] = width - used - GAP;
			used += GAP + w[to++];
		}
		to = group_end(g, from, to);
		if (from)
			g_string_append_c(out, '\n');
		render_head(g, out, &l, from, to);
		render_rows(g, out, &l, from, to);
		from = to;
	} while (from < g->n_columns);
}

void append_wrapped(GString *out, const char *text, const char *indent, unsigned int width)
{
	char **words = g_strsplit(text, " ", -1);
	unsigned int used = columns_of(indent);
	bool first = true;

	for (char **w = words; *w; w++) {
		unsigned int n = columns_of(*w);

		if (!first && used + 1 + n > width) {
			g_string_append_printf(out, "\n%s", indent);
			used = columns_of(indent);
			first = true;
		}
		g_string_append_printf(out, "%s%s", first ? "" : " ", *w);
		used += n + !first;
		first = false;
	}
	g_string_append_c(out, '\n');
	g_strfreev(words);
}
