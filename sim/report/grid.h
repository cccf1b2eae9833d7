/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of words for plain text: labels on the left, columns beside them,
 * split into groups of columns where the width does not hold all.
 */
#ifndef PKVM_SIM_REPORT_GRID_H
#define PKVM_SIM_REPORT_GRID_H

#include <glib.h>
#include <stdbool.h>

struct grid_row {
	char *label;
	char **cell; /* one a column; NULL: blank */
	char *after; /* text between this row and the next, as it is; or NULL */
};

struct grid {
	unsigned int n_columns;
	unsigned int n_heads;
	char **head_label;   /* one a head line: the axis */
	char ***head;        /* [head][column] */
	GPtrArray *rows;     /* of struct grid_row, owned */
};

struct grid *grid_new(unsigned int n_columns, unsigned int n_heads);
void grid_free(struct grid *g);
void grid_head(struct grid *g, unsigned int head, const char *label);
void grid_head_value(struct grid *g, unsigned int head, unsigned int column, const char *value);
/* Cells are filled in by the caller, as new strings. */
struct grid_row *grid_row(struct grid *g, const char *label);
/* No line is longer than @width as long as one column and a short label fit. */
void grid_render(const struct grid *g, GString *out, unsigned int width);

/* @text wrapped at blanks, every line after the first with @indent before it. */
void append_wrapped(GString *out, const char *text, const char *indent, unsigned int width);

#endif
