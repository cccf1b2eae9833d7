// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files to lines. Whatever a file holds ends in an error of the file before it
 * costs much: a line has at most 64 KiB, no NUL byte and is UTF-8.
 */
#include <errno.h>
#include <stdlib.h>

#include "batch.h"

const struct source *source_new(struct program *p, const char *name, const char *path,
				const struct source *parent)
{
	struct source *src = program_alloc(p, sizeof(*src));

	src->name = program_strndup(p, name, strlen(name));
	src->path = path ? program_strndup(p, path, strlen(path)) : NULL;
	src->parent = parent;
	src->depth = parent ? parent->depth + 1 : 0;
	return src;
}

static struct line *line_new(struct program *p, const struct source *src, unsigned int no,
			     const char *text, size_t len)
{
	struct line *l = program_alloc(p, sizeof(*l));

	l->src = src;
	l->no = no;
	l->text = program_strndup(p, text, len);
	l->len = (u32)len;
	return l;
}

bool parse_source_line(struct parser *ps, const struct source *src, unsigned int no,
		       const char *text, size_t len, GError **error)
{
	bool too_long = len > MAX_LINE_BYTES;
	struct line *l = line_new(ps->prog, src, no, text, MIN(len, MAX_LINE_BYTES));
	const char *end;

	ps->prog->bytes += len + sizeof(*l);
	if (memchr(l->text, '\0', l->len))
		return script_fail(error, l, (u32)strlen(l->text), NULL,
				   "a NUL byte: is this text?");
	if (too_long)
		return script_fail(error, l, MAX_LINE_BYTES, NULL,
				   "this line has more than %d bytes", MAX_LINE_BYTES);
	if (!g_utf8_validate(l->text, (gssize)l->len, &end))
		return script_fail(error, l, (u32)(end - l->text), NULL, "this is not UTF-8");
	for (u32 i = 0; i < l->len; i++)
		if ((u8)l->text[i] < 0x20 && !is_blank(l->text[i]))
			return script_fail(error, l, i, NULL, "a control character (0x%02x)",
					   l->text[i]);
	if (ps->prog->bytes > MAX_PROGRAM_BYTES)
		return script_fail(error, l, 0, NULL,
				   "with its included files this is more than "
				   "%u MiB",
				   MAX_PROGRAM_BYTES >> 20);
	return line_trim(l, error) && parse_line(ps, l, error);
}

/* The file's statements join the open block, but close none that it did not open. */
static bool enter(struct parser *ps, unsigned int *floor)
{
	*floor = ps->floor;
	ps->floor = ps->n_blocks;
	ps->last = NULL;
	return true;
}

static bool leave(struct parser *ps, const struct source *src, unsigned int floor, bool ok,
		  GError **error)
{
	ok = ok && parse_finish(ps, src, error);
	ps->floor = floor;
	ps->last = NULL;
	return ok;
}

bool parse_memory(struct parser *ps, const struct source *src, const char *text, size_t len,
		  GError **error)
{
	unsigned int no = 0, floor;
	size_t at = 0;
	bool ok = enter(ps, &floor);

	while (ok && at < len) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - text) - at : len - at;

		ok = parse_source_line(ps, src, ++no, text + at, n, error);
		at += n + 1;
	}
	return leave(ps, src, floor, ok, error);
}

/* Reads up to a newline, at most one byte more than a line may have. False: end of file. */
static bool read_line(FILE *f, GString *buf)
{
	int c = EOF;

	g_string_truncate(buf, 0);
	while (buf->len <= MAX_LINE_BYTES && (c = getc(f)) != EOF && c != '\n')
		g_string_append_c(buf, (char)c);
	return buf->len || c == '\n';
}

static bool parse_stream(struct parser *ps, const struct source *src, FILE *f, GError **error)
{
	GString *buf = g_string_new(NULL);
	unsigned int no = 0, floor;
	bool ok = enter(ps, &floor);

	while (ok && read_line(f, buf))
		ok = parse_source_line(ps, src, ++no, buf->str, buf->len, error);
	g_string_free(buf, TRUE);
	if (ok && ferror(f))
		ok = script_fail_file(error, src->name, "%s", g_strerror(errno));
	return leave(ps, src, floor, ok, error);
}

static bool open_error(struct parser *ps, const char *path, const char *why, GError **error)
{
	const struct stmt *st = ps->including;

	if (st)
		return script_fail(error, st->line, st->word_off, NULL, "%s: %s", path, why);
	return script_fail_file(error, path, "%s", why);
}

bool parse_file(struct parser *ps, const char *path, const struct source *parent, GError **error)
{
	bool is_stdin = !parent && !strcmp(path, "-"), ok;
	char *real = is_stdin ? NULL : realpath(path, NULL);
	const struct source *src;
	FILE *f;

	for (const struct source *up = parent; up && real; up = up->parent) {
		if (!g_strcmp0(up->path, real)) {
			free(real);
			return open_error(ps, path, "this file includes itself", error);
		}
	}
	if (real && g_file_test(real, G_FILE_TEST_IS_DIR)) {
		free(real);
		return open_error(ps, path, g_strerror(EISDIR), error);
	}
	f = is_stdin ? stdin : real ? fopen(real, "r") : NULL;
	if (!f) {
		ok = open_error(ps, path, g_strerror(errno), error);
		free(real);
		return ok;
	}
	src = source_new(ps->prog, path, real, parent);
	free(real);
	ok = parse_stream(ps, src, f, error);
	if (!is_stdin)
		fclose(f);
	return ok;
}

struct program *program_read(const char *path, GError **error)
{
	struct program *p = program_new();
	struct parser ps = { .prog = p };

	if (parse_file(&ps, path, NULL, error))
		return p;
	program_free(p);
	return NULL;
}

struct program *program_parse(const char *name, const char *text, GError **error)
{
	struct program *p = program_new();
	struct parser ps = { .prog = p };
	const struct source *src = source_new(p, name, NULL, NULL);

	if (parse_memory(&ps, src, text, strlen(text), error))
		return p;
	program_free(p);
	return NULL;
}
