// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim kernels, patches, knobs, ...: the tables that the program runs on. One
 * table is one struct listing; what differs is how row N is told.
 */
#include <string.h>

#include "cli.h"
#include "model/oracle.h"

/* One row: @name and @args head it, @doc is its line, @more all the rest. */
struct row {
	const char *name, *args, *doc;
	char *more; /* new string */
	char *own;  /* new string: the other three may be in it; NULL: they are static */
};

static void row_clear(struct row *r)
{
	g_free(r->more);
	g_free(r->own);
}

struct listing {
	const char *name;			    /* the subcommand */
	bool (*row)(unsigned int i, struct row *r); /* false: there is no row i */
};

static const char *yes_no(bool v)
{
	return v ? "yes" : "no";
}

/* ---- Knobs ---- */

static bool knob_row(unsigned int i, struct row *r)
{
	GString *s = g_string_new(NULL);
	const struct knob *k = &el2_knobs[i];

	if (i >= N_KNOBS) {
		g_string_free(s, TRUE);
		return false;
	}
	if (k->origin)
		g_string_append_printf(s, "from: %s\n", k->origin);
	for (unsigned int v = 0; v < G_N_ELEMENTS(k->value) && k->value[v].name; v++)
		g_string_append_printf(s, "%-10s %-7s %s\n", k->value[v].name,
				       k->value[v].kind == KNOB_DEFECT ? "defect" : "design",
				       k->value[v].doc);
	g_string_append(s, "in");
	for (unsigned int p = 0; p < N_PROFILES; p++)
		g_string_append_printf(s, " %s: %s%s", el2_profiles[p].name,
				       el2_knob_value_name(i, el2_profiles[p].knob[i]),
				       p + 1 < N_PROFILES ? "," : "\n");
	*r = (struct row){ k->name, "", k->doc, g_string_free(s, FALSE) };
	return true;
}

/* ---- Kernels and patches ---- */

static bool kernel_row(unsigned int i, struct row *r)
{
	static const struct {
		const char *words;
		size_t offset;
	} facts[] = {
#define FACT(field, words) { words, offsetof(struct profile, field) }
		FACT(built, "in this build"),
		FACT(typed_annotations, "annotations of unmapped entries have a type"),
		FACT(state_in_vmemmap, "page states stand in struct hyp_page, not in entries"),
		FACT(map_at_pin, "EL2 maps a shared page when it is first pinned"),
		FACT(handback_maps, "giving a page back maps it for the host"),
		FACT(check_pfn_range, "range calls check that frame numbers do not wrap"),
		FACT(donate_host_refcount, "a page with references is not given back"),
		FACT(text_readable, "the host may read EL2's text"),
		FACT(abort_eexist, "a host fault on a mapped page gives -EEXIST, not -EAGAIN"),
		FACT(selftest, "EL2 tests its transitions at boot (el2_debug=on)"),
#undef FACT
	};
	const struct profile *p = &el2_profiles[i];
	GString *s;

	if (i >= N_PROFILES)
		return false;
	s = g_string_new(NULL);
	for (unsigned int k = 0; k < G_N_ELEMENTS(facts); k++)
		g_string_append_printf(s, "%-3s  %s\n",
				       yes_no(*((const bool *)p + facts[k].offset)),
				       facts[k].words);
	for (unsigned int k = 0; k < N_KNOBS; k++)
		g_string_append_printf(s, "%s=%s\n", el2_knobs[k].name,
				       el2_knob_value_name(k, p->knob[k]));
	*r = (struct row){ p->name, p->built ? "" : "(not in this build)", p->doc,
			   g_string_free(s, FALSE) };
	return true;
}

static bool patch_row(unsigned int i, struct row *r)
{
	const struct patch *p = &el2_patches[i];
	GString *s;

	if (i >= el2_n_patches)
		return false;
	s = g_string_new(NULL);
	g_string_append_printf(s, "on kernel %s\n", el2_profiles[p->base].name);
	for (unsigned int k = 0; k < p->n_set; k++)
		g_string_append_printf(s, "%s=%s\n", el2_knobs[p->set[k].knob].name,
				       el2_knob_value_name(p->set[k].knob, p->set[k].value));
	*r = (struct row){ p->name, p->built ? "" : "(not in this build)", p->doc,
			   g_string_free(s, FALSE) };
	return true;
}

static bool bug_row(unsigned int i, struct row *r)
{
	const struct bug *b = &el2_bugs[i];
	GString *s;

	if (i >= el2_n_bugs)
		return false;
	s = g_string_new(NULL);
	g_string_append_printf(s, "%s\n%s\n", b->doc, b->more);
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const char *why = b->not_on[p];

		if (el2_profiles[p].built)
			g_string_append_printf(s, "on %s: %s\n", el2_profiles[p].name,
					       why ? why + strlen(b->id) + strlen(": ") : "yes");
	}
	if (b->needs.why)
		g_string_append_printf(s, "%s\n", b->needs.why);
	*r = (struct row){ .name = b->id,
			   .args = b->rule,
			   .more = g_string_free(s, FALSE),
			   .own = g_strdup_printf("%s: %s", b->release, b->subject) };
	r->doc = r->own;
	return true;
}

/* ---- Boards ---- */

static void append_region(GString *s, u64 base, u64 size, const char *what)
{
	g_autofree char *range = NULL;
	static const char unit[] = "KMGT";
	unsigned int u = 0;

	for (size /= 1024; size % 1024 == 0 && unit[u + 1]; size /= 1024)
		u++;
	range = g_strdup_printf("0x%010" G_GINT64_MODIFIER "x+%" G_GUINT64_FORMAT "%c", base, size,
				unit[u]);
	g_string_append_printf(s, "%-19s %s\n", range, what);
}

static bool machine_row(unsigned int i, struct row *r)
{
	const char *const *names = board_machine_names();
	struct board_config *c;
	GString *s;

	if (i >= g_strv_length((char **)names))
		return false;
	c = board_config_machine(names[i]);
	s = g_string_new(NULL);
	g_string_append_printf(s, "%u CPUs, %uK pages, %u PA bits\n", c->n_cpus,
			       1u << (c->f.page_shift - 10), c->f.pa_bits);
	for (unsigned int k = 0; k < c->ram->len; k++) {
		const struct ram_region *m = &g_array_index(c->ram, struct ram_region, k);

		append_region(s, m->base, m->size, m->nomap ? "RAM, nomap" : "RAM");
	}
	for (unsigned int k = 0; k < c->mmio->len; k++) {
		const struct mmio_window *w = &g_array_index(c->mmio, struct mmio_window, k);
		g_autofree char *what =
			g_strdup_printf("%s (%s)", w->name, window_model_name[w->model]);

		append_region(s, w->base, w->size, what);
	}
	board_config_free(c);
	*r = (struct row){ names[i], "", board_machine_doc(names[i]), g_string_free(s, FALSE) };
	return true;
}

/* ---- The language ---- */

static bool command_row(unsigned int i, struct row *r)
{
	const struct command *c = script_commands();
	unsigned int n = 0;

	while (c[n].name && n < i)
		n++;
	if (!c[n].name) {
		c = script_functions() - n;
		for (unsigned int k = n; k < i && c[k].name; k++)
			n++;
	}
	c += n;
	if (!c->name)
		return false;
	*r = (struct row){ c->name, c->args ? c->args : "", c->doc,
			   c->more ? g_strdup_printf("%s\n", c->more) : g_strdup("") };
	return true;
}

static bool rule_row(unsigned int i, struct row *r)
{
	if (i >= N_RULES)
		return false;
	*r = (struct row){ model_rules[i].name, "", model_rules[i].broken,
			   g_strdup_printf("%s\n", model_rules[i].more) };
	return true;
}

static const struct listing listings[] = {
	{ "kernels", kernel_row }, { "patches", patch_row },	{ "knobs", knob_row },
	{ "bugs", bug_row },	   { "machines", machine_row }, { "commands", command_row },
	{ "rules", rule_row },
};

/* ---- Printing ---- */

static struct {
	gboolean names;
} o;

static const GOptionEntry entries[] = {
	{ "names", 0, 0, G_OPTION_ARG_NONE, &o.names, "print the names alone", NULL },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static void print_wrapped(const char *text, unsigned int indent)
{
	char **words = g_strsplit(text, " ", -1);
	unsigned int used = indent;

	for (char **w = words; *w; w++) {
		unsigned int n = (unsigned int)strlen(*w);

		if (used > indent && used + 1 + n > 78) {
			printf("\n%*s", (int)indent, "");
			used = indent;
		}
		printf("%s%s", used > indent ? " " : "", *w);
		used += n + (used > indent);
	}
	putchar('\n');
	g_strfreev(words);
}

static void print_row(const struct row *r, bool whole)
{
	g_autofree char *head = g_strdup_printf("%s%s%s", r->name, r->args[0] ? " " : "", r->args);
	char **lines;

	if (o.names) {
		printf("%s\n", r->name);
	} else if (strlen(head) > 20) {
		printf("%s\n%22s", head, "");
		print_wrapped(r->doc, 22);
	} else {
		printf("%-20s  ", head);
		print_wrapped(r->doc, 22);
	}
	if (!whole || o.names)
		return;
	lines = g_strsplit(r->more, "\n", -1);
	for (char **l = lines; *l; l++) {
		size_t blanks = strspn(*l, " ");

		if (!**l)
			continue;
		printf("  %*s", (int)blanks, "");
		print_wrapped(*l + blanks, 4 + (unsigned int)blanks);
	}
	g_strfreev(lines);
}

static const char *nearest_row(const struct listing *l, const char *name)
{
	GPtrArray *names = g_ptr_array_new();
	const char *found;
	struct row r;

	for (unsigned int i = 0; l->row(i, &r); i++) {
		g_ptr_array_add(names, (char *)r.name);
		row_clear(&r);
	}
	g_ptr_array_add(names, NULL);
	found = nearest_name((const char *const *)names->pdata, name);
	g_ptr_array_unref(names);
	return found;
}

enum exit_status cmd_table(const struct subcommand *c, int argc, char **argv)
{
	const struct listing *l = listings;
	const char *name;
	unsigned int found = 0;
	struct row r;

	while (strcmp(l->name, c->name))
		l++;
	if (!cli_parse(c, "With NAME: the one row in full.", entries, &argc, &argv))
		return EXIT_USAGE;
	if (argc > 2)
		return usage_error(NULL, "%s: one NAME at most", c->name);
	name = argc == 2 ? argv[1] : NULL;
	for (unsigned int i = 0; l->row(i, &r); i++) {
		if (!name || !strcmp(r.name, name)) {
			print_row(&r, name != NULL);
			found++;
		}
		row_clear(&r);
	}
	if (name && !found)
		return usage_error(nearest_row(l, name), "%s: there is no \"%s\"", c->name, name);
	if (!found && !o.names)
		printf("There is none in this build.\n");
	return cli_close(stdout, "standard output", EXIT_PASSED);
}
