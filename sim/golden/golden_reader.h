/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and closing of a recording's lines, for golden.c.
 */
#ifndef PKVM_SIM_GOLDEN_READER_H
#define PKVM_SIM_GOLDEN_READER_H

#include "golden_private.h"

/* gzip'ed if the name ends in ".gz". NULL with *@error. */
struct line_reader *line_reader_open(const char *file, GError **error);
void line_reader_close(struct line_reader *in);

#endif
