// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines and fields of a recording. Whatever a file holds ends in a message with
 * file and line, never in a crash: lines are bounded, text is checked to be
 * UTF-8, nesting and the length of numbers are checked before the JSON parser
 * (which recurses, and wraps numbers) sees them.
 */
#include <string.h>

#include <gio/gio.h>

#include "golden_reader.h"

#define LINE_MAX_BYTES (64u << 20)
#define MAX_NESTING 16
#define MAX_DIGITS 18

struct line_reader {
	GInputStream *stream;
	GString *line;
	char buf[65536];
	gsize len, pos;
	bool eof;
};

struct line_reader *line_reader_open(const char *file, GError **error)
{
	struct line_reader *in;
	GFile *f = g_file_new_for_path(file);
	GInputStream *stream = G_INPUT_STREAM(g_file_read(f, NULL, error));

	g_object_unref(f);
	if (!stream)
		return NULL;
	if (g_str_has_suffix(file, ".gz")) {
		GConverter *gz =
			G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
		GInputStream *raw = stream;

		stream = g_converter_input_stream_new(raw, gz);
		g_object_unref(raw);
		g_object_unref(gz);
	}
	in = g_new0(struct line_reader, 1);
	in->stream = stream;
	in->line = g_string_new(NULL);
	return in;
}

void line_reader_close(struct line_reader *in)
{
	if (!in)
		return;
	g_object_unref(in->stream);
	g_string_free(in->line, TRUE);
	g_free(in);
}

static bool refill(struct line_reader *in, GError **error)
{
	gssize n = g_input_stream_read(in->stream, in->buf, sizeof(in->buf), NULL, error);

	in->pos = 0;
	in->len = n > 0 ? (gsize)n : 0;
	in->eof = n == 0;
	return n >= 0;
}

/* The next line without its end. NULL: end of file, or *@error. */
static const GString *read_line(struct line_reader *in, GError **error)
{
	g_string_truncate(in->line, 0);
	for (;;) {
		const char *start, *nl;
		gsize n;

		if (in->pos == in->len && !in->eof && !refill(in, error))
			return NULL;
		if (in->eof)
			return in->line->len ? in->line : NULL;
		start = in->buf + in->pos;
		nl = memchr(start, '\n', in->len - in->pos);
		n = nl ? (gsize)(nl - start) : in->len - in->pos;
		if (in->line->len + n > LINE_MAX_BYTES) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
				    "a line of more than %u bytes", LINE_MAX_BYTES);
			return NULL;
		}
		g_string_append_len(in->line, start, (gssize)n);
		in->pos += n + (nl != NULL);
		if (nl)
			return in->line;
	}
}

void recording_bad(struct recording *r, const char *fmt, ...)
{
	va_list ap;

	if (recording_over(r))
		return;
	r->bad = true;
	if (r->line)
		fprintf(stderr, "%s:%u: error: ", r->file, r->line);
	else
		fprintf(stderr, "%s: error: ", r->file);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* What must not reach the parser; NULL if nothing. */
static const char *line_is_bad(const GString *line)
{
	unsigned int depth = 0, digits = 0;
	bool in_string = false;

	if (memchr(line->str, 0, line->len))
		return "a NUL byte";
	if (!g_utf8_validate(line->str, (gssize)line->len, NULL))
		return "not UTF-8 text";

	for (const char *p = line->str; *p; p++) {
		if (in_string) {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == '"')
				in_string = false;
			continue;
		}
		digits = g_ascii_isdigit(*p) ? digits + 1 : 0;
		if (digits > MAX_DIGITS)
			return "a number too large";
		if (*p == '"')
			in_string = true;
		else if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && depth)
			depth--;
		if (depth > MAX_NESTING)
			return "nested too deep";
	}
	return NULL;
}

JsonObject *recording_next(struct recording *r)
{
	GError *error = NULL;
	const GString *line;
	const char *why;
	JsonNode *root;

	if (recording_over(r))
		return NULL;
	line = read_line(r->in, &error);
	if (line || error)
		r->line++;
	if (error) {
		recording_bad(r, "%s", error->message);
		g_error_free(error);
		return NULL;
	}
	if (!line)
		return NULL;

	why = line_is_bad(line);
	if (why) {
		recording_bad(r, "%s", why);
		return NULL;
	}
	if (!json_parser_load_from_data(r->parser, line->str, (gssize)line->len, &error)) {
		recording_bad(r, "not JSON: %s", error->message);
		g_error_free(error);
		return NULL;
	}
	root = json_parser_get_root(r->parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		recording_bad(r, "not a JSON object");
		return NULL;
	}
	return json_node_get_object(root);
}

/* ---- Nodes: @what and @i (-1: a field) say where they stand ---- */

static void node_bad(struct recording *r, const char *what, int i, const char *want)
{
	if (i < 0)
		recording_bad(r, "field \"%s\": %s", what, want);
	else
		recording_bad(r, "field \"%s\", element %d: %s", what, i, want);
}

static bool hex_parse(const char *s, u64 *v)
{
	char *end;

	if (s[0] != '0' || s[1] != 'x' || !g_ascii_isxdigit(s[2]) || strlen(s) > 18)
		return false;
	*v = g_ascii_strtoull(s + 2, &end, 16);
	return !*end;
}

static const char *node_str(struct recording *r, JsonNode *n, const char *what, int i)
{
	if (n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING)
		return json_node_get_string(n);
	node_bad(r, what, i, "must be a string");
	return NULL;
}

static u64 node_u64(struct recording *r, JsonNode *n, const char *what, int i)
{
	u64 v = 0;

	if (!n || !JSON_NODE_HOLDS_VALUE(n) || json_node_get_value_type(n) != G_TYPE_STRING ||
	    !hex_parse(json_node_get_string(n), &v))
		node_bad(r, what, i, "must be a 64-bit number, as \"0x...\"");
	return v;
}

static s64 node_int(struct recording *r, JsonNode *n, const char *what, int i, s64 min, s64 max)
{
	s64 v;

	if (!n || !JSON_NODE_HOLDS_VALUE(n) || json_node_get_value_type(n) != G_TYPE_INT64) {
		node_bad(r, what, i, "must be an integer");
		return 0;
	}
	v = json_node_get_int(n);
	if (v >= min && v <= max)
		return v;
	recording_bad(
		r, "\"%s\": %" G_GINT64_FORMAT " is not in %" G_GINT64_FORMAT "..%" G_GINT64_FORMAT,
		what, v, min, max);
	return 0;
}

static JsonArray *node_array(struct recording *r, JsonNode *n, const char *what, int i)
{
	if (n && JSON_NODE_HOLDS_ARRAY(n))
		return json_node_get_array(n);
	node_bad(r, what, i, "must be an array");
	return NULL;
}

bool has_field(JsonObject *o, const char *name)
{
	return json_object_has_member(o, name);
}

static JsonNode *field(struct recording *r, JsonObject *o, const char *name)
{
	JsonNode *n = json_object_get_member(o, name);

	if (!n)
		recording_bad(r, "field \"%s\" is missing", name);
	return n;
}

u64 field_u64(struct recording *r, JsonObject *o, const char *name)
{
	return node_u64(r, field(r, o, name), name, -1);
}

u64 field_u64_max(struct recording *r, JsonObject *o, const char *name, u64 max)
{
	u64 v = field_u64(r, o, name);

	if (v <= max)
		return v;
	recording_bad(r,
		      "field \"%s\": 0x%" G_GINT64_MODIFIER "x is above 0x%" G_GINT64_MODIFIER "x",
		      name, v, max);
	return 0;
}

s64 field_int(struct recording *r, JsonObject *o, const char *name, s64 min, s64 max)
{
	return node_int(r, field(r, o, name), name, -1, min, max);
}

const char *field_str(struct recording *r, JsonObject *o, const char *name)
{
	return node_str(r, field(r, o, name), name, -1);
}

JsonArray *field_array(struct recording *r, JsonObject *o, const char *name)
{
	return node_array(r, field(r, o, name), name, -1);
}

JsonObject *field_object(struct recording *r, JsonObject *o, const char *name)
{
	JsonNode *n = field(r, o, name);

	if (n && JSON_NODE_HOLDS_OBJECT(n))
		return json_node_get_object(n);
	node_bad(r, name, -1, "must be an object");
	return NULL;
}

static JsonNode *elem(JsonArray *a, unsigned int i)
{
	return i < json_array_get_length(a) ? json_array_get_element(a, i) : NULL;
}

u64 elem_u64(struct recording *r, JsonArray *a, unsigned int i, const char *what)
{
	return node_u64(r, elem(a, i), what, (int)i);
}

s64 elem_int(struct recording *r, JsonArray *a, unsigned int i, const char *what, s64 min, s64 max)
{
	return node_int(r, elem(a, i), what, (int)i, min, max);
}

const char *elem_str(struct recording *r, JsonArray *a, unsigned int i, const char *what)
{
	return node_str(r, elem(a, i), what, (int)i);
}

JsonArray *elem_array(struct recording *r, JsonArray *a, unsigned int i, const char *what)
{
	return node_array(r, elem(a, i), what, (int)i);
}

enum profile_id recording_profile(struct recording *r, JsonObject *header)
{
	const char *kernel = field_str(r, header, "kernel");

	for (unsigned int i = 0; kernel && i < N_PROFILES; i++) {
		const char *name = el2_profiles[i].name + 1; /* "v6.12" */
		size_t n = strlen(name);

		if (!strncmp(kernel, name, n) && !g_ascii_isdigit(kernel[n]))
			return (enum profile_id)i;
	}
	if (kernel)
		recording_bad(r, "field \"kernel\": no release \"%s\" here", kernel);
	return PROFILE_V6_12;
}
