// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completion at the prompt. What a word may be follows from the statement that it
 * stands in; the names come from the tables that the program runs on, and from the
 * session.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "prompt.h"
#include "sim/el2/smc.h"

/* Readline has no argument for the user's data: the one session at the prompt. */
static const struct prompt *completing;

static void add(GPtrArray *list, const char *name)
{
	g_ptr_array_add(list, g_strdup(name));
}

static void add_commands(GPtrArray *list)
{
	static const char *const prompt_words[] = { "help", "quit" };

	for (const struct command *c = script_commands(); c->name; c++)
		add(list, c->name);
	for (unsigned int i = 0; i < G_N_ELEMENTS(prompt_words); i++)
		add(list, prompt_words[i]);
}

static void add_topics(GPtrArray *list)
{
	for (const struct show_topic *t = show_topics(); t->name; t++)
		add(list, t->name);
}

static void add_calls(GPtrArray *list, bool hypercalls, bool internal)
{
	const struct el2_call *const *c = prompt_calls(completing);

	for (; c && *c; c++)
		if ((*c)->hypercall ? hypercalls : internal)
			add(list, (*c)->name);
}

static void add_knobs(GPtrArray *list)
{
	for (unsigned int i = 0; i < N_KNOBS; i++)
		add(list, el2_knobs[i].name);
}

/* What an expression may begin with. */
static void add_expression(GPtrArray *list)
{
	char **names = session_names(completing->session);

	for (char **n = names; n && *n; n++)
		add(list, *n);
	g_strfreev(names);
	for (const struct command *c = script_functions(); c->name; c++)
		add(list, c->name);
	for (unsigned int i = 0; i < N_PAGE_STATES; i++)
		add(list, page_state_name[i]);
}

static void add_words(GPtrArray *list, const char *const *words)
{
	for (; *words; words++)
		add(list, *words);
}

static void add_kind(GPtrArray *list, const char *kind)
{
	static const char *const accesses[] = { "read", "write", "exec", NULL };
	static const char *const pools[] = { "host_s2", "hyp_s1", NULL };

	if (!strcmp(kind, "call") || !strcmp(kind, "hypercall") || !strcmp(kind, "el2call"))
		add_calls(list, strcmp(kind, "el2call"), strcmp(kind, "hypercall"));
	else if (!strcmp(kind, "knob"))
		add_knobs(list);
	else if (!strcmp(kind, "show"))
		add_topics(list);
	else if (!strcmp(kind, "access"))
		add_words(list, accesses);
	else if (!strcmp(kind, "smc"))
		for (const struct smc_call *c = el2_smcs; c->name; c++)
			add(list, c->name);
	else if (!strcmp(kind, "pool"))
		add_words(list, pools);
	else if (!strcmp(kind, "machine"))
		add_words(list, board_machine_names());
	else if (!strcmp(kind, "kernel"))
		for (unsigned int i = 0; i < N_PROFILES; i++)
			add(list, el2_profiles[i].name);
	else if (!strcmp(kind, "patch"))
		for (unsigned int i = 0; i < el2_n_patches; i++)
			add(list, el2_patches[i].name);
	else if (!strcmp(kind, "bug"))
		for (unsigned int i = 0; i < el2_n_bugs; i++)
			add(list, el2_bugs[i].id);
	else
		add_expression(list);
}

static void add_help(GPtrArray *list)
{
	add_commands(list);
	add_topics(list);
	add_knobs(list);
	add_calls(list, true, true);
	for (const struct command *c = script_functions(); c->name; c++)
		add(list, c->name);
}

static const struct command *find_command(const char *name)
{
	for (const struct command *c = script_commands(); c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

/* KNOB=VALUE[,VALUE]: the values of the knob before the word. */
static bool add_values(GPtrArray *list, const char *line, size_t start)
{
	size_t end = start, begin;
	g_autofree char *name = NULL;
	enum knob_id id;

	while (end && strchr(",=", line[end - 1]) == NULL && line[end - 1] != ' ')
		end--;
	while (end && line[end - 1] != '=' && line[end - 1] != ' ')
		end--;
	if (!end || line[end - 1] != '=')
		return false;
	begin = --end;
	while (begin && (g_ascii_isalnum(line[begin - 1]) || line[begin - 1] == '_'))
		begin--;
	name = g_strndup(line + begin, end - begin);
	if (!el2_knob_find(name, &id))
		return false;
	for (unsigned int i = 0; i < G_N_ELEMENTS(el2_knobs[id].value); i++)
		if (el2_knobs[id].value[i].name)
			add(list, el2_knobs[id].value[i].name);
	return true;
}

/* All that may stand at byte @start of @line. */
static GPtrArray *candidates(const char *line, size_t start)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *before = g_strstrip(g_strndup(line, start));
	const char *at = before;
	const struct command *c;
	char **words;

	if (g_str_has_prefix(at, "cpu") && strchr(at, ':'))
		at = strchr(at, ':') + 1;
	words = g_strsplit_set(g_strstrip((char *)at), " \t", -1);
	c = words[0] ? find_command(words[0]) : NULL;
	if (!words[0] || !words[0][0]) {
		add_commands(list);
	} else if (!strcmp(words[0], "help") || !strcmp(words[0], "?")) {
		add_help(list);
	} else if (add_values(list, line, start)) {
		; /* nothing else can stand there */
	} else if (c && c->completes && (!words[1] || !strcmp(c->completes, "knob"))) {
		add_kind(list, c->completes);
	} else {
		add_expression(list);
	}
	g_strfreev(words);
	return list;
}

static char *generate(const char *text, int state)
{
	static GPtrArray *list;
	static unsigned int next;

	if (!state) {
		g_clear_pointer(&list, g_ptr_array_unref);
		list = candidates(rl_line_buffer, (size_t)(rl_point - (int)strlen(text)));
		next = 0;
	}
	while (next < list->len) {
		const char *name = list->pdata[next++];

		if (g_str_has_prefix(name, text))
			return strdup(name); /* readline frees it */
	}
	g_clear_pointer(&list, g_ptr_array_unref);
	return NULL;
}

static char **complete(const char *text, int start, int end)
{
	g_autofree char *before = g_strstrip(g_strndup(rl_line_buffer, (gsize)start));
	const struct command *c = find_command(before);

	if (c && c->completes && !strcmp(c->completes, "file"))
		return NULL; /* readline's own: file names */
	rl_attempted_completion_over = 1;
	/* After KNOB= and inside a call more may follow directly. */
	if (start && strchr("=,(", rl_line_buffer[start - 1]))
		rl_completion_suppress_append = 1;
	return rl_completion_matches(text, generate);
}

void prompt_completion(const struct prompt *p)
{
	completing = p;
	rl_readline_name = "pkvm-sim";
	rl_basic_word_break_characters = (char *)" \t\n=,+*&|^()<>";
	rl_attempted_completion_function = complete;
}
