// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine interface: a statement a line in, a JSON object a line out, one for
 * every line, blank ones too, so that a program may send many before it reads.
 *
 *	line       number of the input line, from 1
 *	statement  the line as it came
 *	outcome    of an action, in the words of the language: "ok", "-EPERM", "abort",
 *	           "panic", ...; "ok" for other statements; "fail" where a check does not
 *	           hold; "error" for what was not understood; "more" inside an open block
 *	value      what it gave: a number, a word, or null
 *	verdict    "pass", "fail", "skip", "not run"; null where nothing was judged
 *	violations rules that were broken
 *	text       what a person would see: result in words, output of show, the error
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *const verdict_words[] = {
	[VERDICT_PASS] = "pass",
	[VERDICT_FAIL] = "fail",
	[VERDICT_SKIP] = "skip",
	[VERDICT_NOT_RUN] = "not run",
};

static char *action_word(const struct outcome *o)
{
	if (o->kind != OUTCOME_VALUE)
		return g_strdup(outcome_word(o));
	if (!o->is_signed || (s64)o->value >= 0)
		return g_strdup("ok");
	return report_outcome_words(o, NULL);
}

static char *answer_outcome(const struct session_result *res, bool more)
{
	if (!res->understood)
		return g_strdup("error");
	if (more)
		return g_strdup("more");
	if (res->is_action)
		return action_word(&res->outcome);
	return g_strdup(res->verdict == VERDICT_FAIL ? "fail" : "ok");
}

/* Digits with at most a sign are a number of JSON; everything else is a string. */
static bool is_integer(const char *s)
{
	const char *digits = s + (*s == '-');

	return *digits && strspn(digits, "0123456789") == strlen(digits) &&
	       (digits[0] != '0' || !digits[1]);
}

static void append_value(GString *s, const struct session_result *res)
{
	if (!res->understood || (!res->value && !res->is_action)) {
		g_string_append(s, "null");
	} else if (res->is_action && res->outcome.kind == OUTCOME_VALUE) {
		g_string_append_printf(
			s, res->outcome.is_signed ? "%" G_GINT64_FORMAT : "%" G_GUINT64_FORMAT,
			res->outcome.value);
	} else if (res->value && is_integer(res->value)) {
		g_string_append(s, res->value);
	} else {
		json_append_string(s, res->value);
	}
}

static void answer(FILE *out, unsigned int line, const char *statement,
		   const struct session_result *res, bool more)
{
	GString *s = g_string_new(NULL);
	g_autofree char *outcome = answer_outcome(res, more);
	bool judged = res->understood && !more;

	g_string_append_printf(s, "{\"line\":%u,\"statement\":", line);
	json_append_string(s, statement);
	g_string_append(s, ",\"outcome\":");
	json_append_string(s, outcome);
	g_string_append(s, ",\"value\":");
	append_value(s, res);
	g_string_append(s, ",\"verdict\":");
	json_append_string(s, judged ? verdict_words[res->verdict] : NULL);
	g_string_append(s, ",\"violations\":[");
	for (char **v = res->violations; v && *v; v++) {
		if (v != res->violations)
			g_string_append_c(s, ',');
		json_append_string(s, *v);
	}
	g_string_append(s, "],\"text\":");
	json_append_string(s, !res->understood ? res->error : res->text ? res->text : "");
	g_string_append(s, "}\n");
	fwrite(s->str, 1, s->len, out);
	fflush(out);
	g_string_free(s, TRUE);
}

enum exit_status repl_jsonl(struct session *s, FILE *in, FILE *out)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	for (unsigned int i = 1; !ferror(out) && (n = getline(&line, &size, in)) >= 0; i++) {
		struct session_result res = { 0 };
		bool more = false;

		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (strlen(line) != (size_t)n) {
			res.error =
				g_strdup_printf("-:%u:%zu: error: a NUL byte", i, strlen(line) + 1);
		} else {
			session_line(s, line, &res, &more);
		}
		answer(out, i, line, &res, more);
		session_result_clear(&res);
	}
	free(line);
	return EXIT_PASSED;
}
