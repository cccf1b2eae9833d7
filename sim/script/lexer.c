// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Characters to names, words and TEXT; where a statement ends and its comment
 * begins. Expressions take their own tokens from the same scanner (expr.c).
 */
#include "script_private.h"

bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool is_name_start(char c)
{
	return g_ascii_isalpha(c) || c == '_';
}

bool is_name_char(char c)
{
	return g_ascii_isalnum(c) || c == '_';
}

/* Bytes a backslash and what follows it take inside quotes. */
static u32 escape_len(const char *text, u32 at, u32 end)
{
	return text[at] == '\\' && at + 1 < end && (text[at + 1] == '"' || text[at + 1] == '\\')
		       ? 2
		       : 1;
}

bool line_trim(struct line *l, GError **error)
{
	u32 quote = 0, i;
	bool quoted = false;

	for (i = 0; i < l->len; i++) {
		char c = l->text[i];

		if (quoted && c == '\\') {
			i += escape_len(l->text, i, l->len) - 1;
		} else if (c == '"') {
			quoted = !quoted;
			quote = i;
		} else if (c == '#' && !quoted) {
			break;
		}
	}
	l->end = MIN(i, l->len);
	if (quoted)
		return script_fail(error, l, quote, NULL, "this quote is not closed on its line");
	while (l->end && is_blank(l->text[l->end - 1]))
		l->end--;
	return true;
}

void scan_blanks(struct scan *s)
{
	while (s->at < s->end && is_blank(s->line->text[s->at]))
		s->at++;
}

bool scan_end(struct scan *s)
{
	scan_blanks(s);
	return s->at >= s->end;
}

char scan_peek(const struct scan *s, u32 ahead)
{
	return s->at + ahead < s->end ? s->line->text[s->at + ahead] : '\0';
}

bool scan_char(struct scan *s, char c)
{
	scan_blanks(s);
	if (s->at >= s->end || s->line->text[s->at] != c)
		return false;
	s->at++;
	return true;
}

const char *scan_name(struct scan *s, u32 *off)
{
	const char *text = s->line->text;
	u32 from;

	scan_blanks(s);
	from = *off = s->at;
	if (from >= s->end || !is_name_start(text[from]))
		return NULL;
	while (s->at < s->end && is_name_char(text[s->at]))
		s->at++;
	return program_strndup(s->prog, text + from, s->at - from);
}

/* Contents of the quotes that begin at s->at, appended; s->at goes behind them. */
static void take_quoted(struct scan *s, GString *out)
{
	const char *text = s->line->text;

	for (s->at++; s->at < s->end && text[s->at] != '"'; s->at++) {
		s->at += escape_len(text, s->at, s->end) - 1;
		g_string_append_c(out, text[s->at]);
	}
	if (s->at < s->end)
		s->at++;
}

const char *scan_word(struct scan *s, u32 *off)
{
	const char *text = s->line->text, *ret;
	GString *out;

	scan_blanks(s);
	*off = s->at;
	if (s->at >= s->end)
		return NULL;
	out = g_string_new(NULL);
	while (s->at < s->end && !is_blank(text[s->at])) {
		if (text[s->at] == '"')
			take_quoted(s, out);
		else
			g_string_append_c(out, text[s->at++]);
	}
	ret = program_strndup(s->prog, out->str, out->len);
	g_string_free(out, TRUE);
	return ret;
}

const char *scan_quoted(struct scan *s)
{
	GString *out = g_string_new(NULL);
	const char *ret;

	take_quoted(s, out);
	ret = program_strndup(s->prog, out->str, out->len);
	g_string_free(out, TRUE);
	return ret;
}

const char *scan_text(struct scan *s)
{
	const char *text = s->line->text, *ret;
	GString *out;
	u32 from;

	scan_blanks(s);
	from = s->at;
	if (from < s->end && text[from] == '"') {
		out = g_string_new(NULL);
		take_quoted(s, out);
		ret = s->at == s->end ? program_strndup(s->prog, out->str, out->len) : NULL;
		g_string_free(out, TRUE);
		if (ret)
			return ret;
	}
	s->at = s->end;
	return program_strndup(s->prog, text + from, s->end - from);
}
