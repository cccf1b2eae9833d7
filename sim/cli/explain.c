// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words about things that people type at a prompt: names, numbers, errors.
 */
#include <string.h>

#include "cli.h"
#include "sim/el2/smc.h"

/* ---- Errors ---- */

static const struct {
	const char *name, *words;
} errnos[] = {
	{ "EPERM",
	  "the page is not in the state that the transition demands, or not the caller's" },
	{ "ENOENT", "nothing is mapped there" },
	{ "E2BIG", "more than the call can take" },
	{ "EAGAIN",
	  "the entry that was to be written is there already, or somebody else changed it" },
	{ "ENOMEM", "no page was left in the pool, or the memcache was short" },
	{ "EFAULT", "the address cannot be reached" },
	{ "EBUSY", "the page has references, or is in use" },
	{ "EEXIST", "a valid mapping is there already" },
	{ "ENODEV", "what the call needs is not there" },
	{ "EINVAL", "an argument is out of range or not aligned" },
	{ "ERANGE", "a number is outside what can be represented" },
	{ "EOPNOTSUPP", "the call exists, and not for this machine" },
};

char *explain_errno(int err)
{
	const char *name = errno_name(err);

	if (!name)
		return NULL;
	for (unsigned int i = 0; i < G_N_ELEMENTS(errnos); i++)
		if (!strcmp(errnos[i].name, name))
			return g_strdup_printf("-%s is %d: %s; at EL2: %s", name, -err,
					       g_strerror(err), errnos[i].words);
	return g_strdup_printf("-%s is %d: %s", name, -err, g_strerror(err));
}

/* ---- Numbers ---- */

char *explain_number(const char *text, const struct profile *p, const struct arch_features *f)
{
	u64 v = g_ascii_strtoull(text, NULL, 16);
	g_autofree char *leaf = desc_decode(f, v, 2, ARCH_LAST_LEVEL);
	g_autofree char *hyp = desc_brief(f, v, 1, ARCH_LAST_LEVEL);
	g_autofree char *words = el2_annotation_words(el2_layout_of(p->id), v);

	return g_strdup_printf(
		"%" G_GUINT64_FORMAT ", frame 0x%" G_GINT64_MODIFIER "x\n"
		"as an entry of the last level of stage 2:\n%s%s%s%s%s"
		"as one of EL2's stage 1: %s",
		v, v >> f->page_shift, leaf, g_str_has_suffix(leaf, "\n") ? "" : "\n",
		words[0] ? "to the hypervisor: " : "", words, words[0] ? "\n" : "", hyp);
}

/* ---- Names ---- */

static void append_entry(GString *s, const char *head, const char *doc)
{
	if (strlen(head) > 24)
		g_string_append_printf(s, "  %s\n  %24s  %s\n", head, "", doc);
	else
		g_string_append_printf(s, "  %-24s  %s\n", head, doc);
}

static void append_commands(GString *s, const char *title, enum command_class class)
{
	g_string_append_printf(s, "%s\n", title);
	for (const struct command *c = script_commands(); c->name; c++) {
		g_autofree char *head = g_strdup_printf("%s %s", c->name, c->args ? c->args : "");

		if (c->class == class)
			append_entry(s, g_strchomp(head), c->doc);
	}
}

char *explain_all(void)
{
	GString *s = g_string_new(NULL);

	append_commands(s, "Setting up, before the first action:", COMMAND_SETUP);
	append_commands(s, "Actions:", COMMAND_ACTION);
	append_commands(s, "Checks:", COMMAND_CHECK);
	append_commands(s, "And:", COMMAND_CONTROL);
	g_string_append(s, "Functions of the state, in expressions:\n ");
	for (const struct command *c = script_functions(); c->name; c++)
		g_string_append_printf(s, " %s%s", c->name, c->args ? "()" : "");
	g_string_append(s, "\nTo show:\n ");
	for (const struct show_topic *t = show_topics(); t->name; t++)
		g_string_append_printf(s, " %s", t->name);
	g_string_append(s, "\n`help NAME` tells about a statement, function, knob, call or error."
			   " A bare hex\nnumber is decoded. `quit`, or end of file, leaves.");
	return g_string_free(s, FALSE);
}

static void append_paragraph(GString *s, const char *text)
{
	unsigned int used = 0;
	char **words = g_strsplit(text, " ", -1);

	for (char **w = words; *w; w++) {
		const char *newline = strrchr(*w, '\n');
		unsigned int n = (unsigned int)strlen(*w);

		if (used && used + 1 + n > 76) {
			g_string_append_c(s, '\n');
			used = 0;
		}
		g_string_append_printf(s, "%s%s", used ? " " : "  ", *w);
		used = newline ? (unsigned int)strlen(newline + 1) : used + n + (used > 0);
	}
	g_string_append_c(s, '\n');
	g_strfreev(words);
}

static bool append_command(GString *s, const struct command *c, const char *name, bool function)
{
	for (; c->name; c++) {
		if (strcmp(c->name, name))
			continue;
		g_string_append_printf(s, function ? "%s(%s)\n" : "%s %s\n", c->name,
				       c->args ? c->args : "");
		append_paragraph(s, c->doc);
		if (c->more)
			append_paragraph(s, c->more);
		return true;
	}
	return false;
}

static bool append_topics(GString *s, const char *name)
{
	for (const struct show_topic *t = show_topics(); t->name; t++) {
		g_autofree char *head = g_strdup_printf("%s %s", t->name, t->args);

		if (!strcmp(name, "show") || !strcmp(name, t->name))
			g_string_append_printf(s, "  show %-22s %s\n", head, t->doc);
	}
	return s->len > 0;
}

static bool append_knob(GString *s, const char *name)
{
	enum knob_id id;
	const struct knob *k;

	if (!el2_knob_find(name, &id))
		return false;
	k = &el2_knobs[id];
	g_string_append_printf(s, "set %s=VALUE\n  %s\n", k->name, k->doc);
	for (unsigned int i = 0; i < G_N_ELEMENTS(k->value) && k->value[i].name; i++)
		g_string_append_printf(s, "  %-10s %-7s %s\n", k->value[i].name,
				       k->value[i].kind == KNOB_DEFECT ? "defect" : "design",
				       k->value[i].doc);
	return true;
}

static bool append_call(GString *s, const struct el2_call *const *calls, const char *name)
{
	const struct el2_call *c;
	bool ambiguous;

	c = calls ? el2_call_find(calls, name, &ambiguous) : NULL;
	if (!c)
		return false;
	g_string_append_printf(s, "%s %s", c->hypercall ? "hvc" : "el2", c->name);
	for (unsigned int i = 0; i < c->n_args; i++)
		g_string_append_printf(s, c->arg[i].optional ? " [%s]" : " %s", c->arg[i].name);
	g_string_append_printf(s, "\n  %s(): %s\n", c->full, c->doc);
	return true;
}

/* One of the host's SMCs; all of them where `smc` itself is asked for. */
static void append_smcs(GString *s, const char *name)
{
	for (const struct smc_call *c = el2_smcs; c->name; c++) {
		g_autofree char *head = g_strdup_printf("smc %s %s", c->name, c->args);

		if (!strcmp(name, "smc") || !strcmp(name, c->name))
			append_entry(s, g_strchomp(head), c->doc);
	}
}

static const char *nearest_of_all(const char *name, const struct el2_call *const *calls)
{
	GPtrArray *names = g_ptr_array_new();
	const char *found;

	for (const struct command *c = script_commands(); c->name; c++)
		g_ptr_array_add(names, (char *)c->name);
	for (const struct command *c = script_functions(); c->name; c++)
		g_ptr_array_add(names, (char *)c->name);
	for (const struct show_topic *t = show_topics(); t->name; t++)
		g_ptr_array_add(names, (char *)t->name);
	for (unsigned int i = 0; i < N_KNOBS; i++)
		g_ptr_array_add(names, (char *)el2_knobs[i].name);
	for (; calls && *calls; calls++)
		g_ptr_array_add(names, (char *)(*calls)->name);
	g_ptr_array_add(names, NULL);
	found = nearest_name((const char *const *)names->pdata, name);
	g_ptr_array_unref(names);
	return found;
}

char *explain_name(const char *name, const struct el2_call *const *calls, const char **nearest)
{
	GString *s = g_string_new(NULL);
	int err = errno_from_name(name[0] == '-' ? name + 1 : name);

	*nearest = NULL;
	if (err) {
		g_string_free(s, TRUE);
		return explain_errno(err);
	}
	/* A word may be several things: `hyp` is a statement and a topic. */
	append_command(s, script_commands(), name, false);
	append_command(s, script_functions(), name, true);
	append_topics(s, name);
	append_knob(s, name);
	append_call(s, calls, name);
	append_smcs(s, name);
	if (s->len) {
		g_string_truncate(s, s->len - 1);
		return g_string_free(s, FALSE);
	}
	g_string_free(s, TRUE);
	*nearest = nearest_of_all(name, calls);
	return NULL;
}
