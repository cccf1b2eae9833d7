// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What subcommands share: options, messages about mistakes, terminals.
 */
#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum exit_status usage_error(const char *nearest, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("pkvm-sim: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	if (nearest)
		fprintf(stderr, "; did you mean %s?", nearest);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* Letters to add, drop, change or swap with a neighbour. */
static unsigned int distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	g_autofree unsigned int *d = g_new0(unsigned int, (n + 1) * (m + 1));

#define D(i, j) d[(i) * (m + 1) + (j)]
	for (size_t i = 0; i <= n; i++)
		D(i, 0) = (unsigned int)i;
	for (size_t j = 0; j <= m; j++)
		D(0, j) = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned int change = D(i - 1, j - 1) + (a[i - 1] != b[j - 1]);

			D(i, j) = MIN(change, 1 + MIN(D(i - 1, j), D(i, j - 1)));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				D(i, j) = MIN(D(i, j), D(i - 2, j - 2) + 1);
		}
	}
	return D(n, m);
#undef D
}

const char *nearest_name(const char *const *names, const char *word)
{
	size_t length = strlen(word);
	unsigned int best = (unsigned int)(length / 3) + 1;
	const char *found = NULL;

	if (length > 64)
		return NULL;
	for (; *names; names++) {
		unsigned int d = strlen(*names) > 64 ? best + 1 : distance(word, *names);

		/* A word cut short is a likely mistake too. */
		if (d > best && length >= 3 && g_str_has_prefix(*names, word))
			d = best;
		if (d < best || (d == best && !found)) {
			best = d;
			found = *names;
		}
	}
	return found;
}

static const char *nearest_option(const GOptionEntry *entries, const char *message)
{
	const char *dashes = strstr(message, "--");
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *word = NULL;
	const char *found = NULL;

	for (; entries->long_name; entries++)
		if (entries->long_name[0])
			g_ptr_array_add(names, g_strconcat("--", entries->long_name, NULL));
	g_ptr_array_add(names, g_strdup("--help"));
	g_ptr_array_add(names, NULL);
	if (dashes) {
		word = g_strndup(dashes, strcspn(dashes, "= "));
		found = nearest_name((const char *const *)names->pdata, word);
	}
	found = found ? g_intern_string(found) : NULL;
	g_ptr_array_unref(names);
	return found;
}

bool cli_parse(const struct subcommand *c, const char *more, const GOptionEntry *entries, int *argc,
	       char ***argv)
{
	GOptionContext *context = g_option_context_new(c->args);
	g_autofree char *name = g_strdup_printf("pkvm-sim %s", c->name);
	g_autofree char *summary = g_strdup_printf("%c%s.", g_ascii_toupper(c->doc[0]), c->doc + 1);
	GError *error = NULL;

	(*argv)[0] = name;
	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, more);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		usage_error(nearest_option(entries, error->message), "%s: %s", c->name,
			    error->message);
		g_error_free(error);
		g_option_context_free(context);
		return false;
	}
	g_option_context_free(context);
	(*argv)[0] = (char *)c->name;
	if (*argc > 1 && !strcmp((*argv)[1], "--")) {
		memmove(*argv + 1, *argv + 2, (size_t)(*argc - 1) * sizeof(char *));
		--*argc;
	}
	return true;
}

bool cli_number(const char *what, const char *text, u64 max, u64 *value)
{
	bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
	char *end;

	errno = 0;
	*value = g_ascii_strtoull(hex ? text + 2 : text, &end, hex ? 16 : 10);
	if (!errno && *end == '\0' && g_ascii_isxdigit(text[hex ? 2 : 0]) && *value <= max)
		return true;
	usage_error(NULL, "%s \"%s\" is not a number from 0 to %" G_GUINT64_FORMAT, what, text,
		    max);
	return false;
}

/* ---- The machine that options choose ---- */

struct machine_options machine_options;

const GOptionEntry machine_entries[] = {
	{ "kernel", 0, 0, G_OPTION_ARG_STRING, &machine_options.kernel,
	  "EL2 of this release, whatever the file says", "RELEASE" },
	{ "kernel-tree", 0, 0, G_OPTION_ARG_FILENAME, &machine_options.tree,
	  "EL2 is this kernel tree's own code, compiled for this machine", "DIR" },
	{ "patch", 0, 0, G_OPTION_ARG_STRING, &machine_options.patch,
	  "a posted series: its base and its knobs", "NAME" },
	{ "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &machine_options.sets,
	  "one design decision; may be repeated", "KNOB=VALUE" },
	{ "bug", 0, 0, G_OPTION_ARG_STRING_ARRAY, &machine_options.bugs,
	  "bring a historical bug back; may be repeated", "ID" },
	{ "seed", 0, 0, G_OPTION_ARG_STRING, &machine_options.seed,
	  "where choices come from that nothing determines (0)", "N" },
	{ "check", 0, 0, G_OPTION_ARG_STRING, &machine_options.check,
	  "off: no oracle judges; on; paranoid: it works everything out twice (on)", "MODE" },
	{ "steps", 0, 0, G_OPTION_ARG_STRING, &machine_options.steps,
	  "events after which a run is given up (1000000000)", "N" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

GOptionEntry *cli_with_machine_entries(const GOptionEntry *own)
{
	GArray *all = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

	for (const GOptionEntry *e = own; e->long_name; e++)
		g_array_append_vals(all, e, 1);
	for (const GOptionEntry *e = machine_entries; e->long_name; e++)
		g_array_append_vals(all, e, 1);
	return (GOptionEntry *)g_array_free(all, FALSE);
}

static bool check_kernel(const char *name)
{
	const struct profile *p = el2_profile_find(name);
	const char *names[N_PROFILES + 1] = { NULL };

	for (unsigned int i = 0; i < N_PROFILES; i++)
		names[i] = el2_profiles[i].name;
	if (!p)
		usage_error(nearest_name(names, name), "--kernel: no kernel is called \"%s\"",
			    name);
	else if (!p->built)
		usage_error(NULL, "kernel %s is not in this build", name);
	return p && p->built;
}

static bool check_patch(const char *name)
{
	const struct patch *p = el2_patch_find(name);
	g_autofree const char **names = g_new0(const char *, el2_n_patches + 1);

	for (unsigned int i = 0; i < el2_n_patches; i++)
		names[i] = el2_patches[i].name;
	if (!p)
		usage_error(nearest_name(names, name), "--patch: no patch is called \"%s\"", name);
	else if (!p->built)
		usage_error(NULL, "patch %s is not in this build", name);
	return p && p->built;
}

static bool check_set(const char *text)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = g_strndup(text, equals ? (gsize)(equals - text) : strlen(text));
	const char *names[MAX((int)N_KNOBS, 8) + 1] = { NULL };
	enum knob_id id;
	u8 value;

	if (!equals) {
		usage_error(NULL, "--set wants KNOB=VALUE, not \"%s\"", text);
		return false;
	}
	for (unsigned int i = 0; i < N_KNOBS; i++)
		names[i] = el2_knobs[i].name;
	if (!el2_knob_find(name, &id)) {
		usage_error(nearest_name(names, name), "--set: no knob is called \"%s\"", name);
		return false;
	}
	if (el2_knob_value_find(id, equals + 1, &value))
		return true;
	memset(names, 0, sizeof(names));
	for (unsigned int i = 0; i < G_N_ELEMENTS(el2_knobs[id].value); i++)
		names[i] = el2_knobs[id].value[i].name;
	usage_error(nearest_name(names, equals + 1), "--set: %s has no value \"%s\"", name,
		    equals + 1);
	return false;
}

static bool check_bug(const char *id)
{
	g_autofree const char **names = g_new0(const char *, el2_n_bugs + 1);

	for (unsigned int i = 0; i < el2_n_bugs; i++) {
		names[i] = el2_bugs[i].id;
		if (!strcmp(id, names[i]))
			return true;
	}
	usage_error(nearest_name(names, id), "--bug: no bug is called \"%s\"", id);
	return false;
}

/* A tree is what it is: its nearest release, and no bugs. */
static bool use_tree(const struct machine_options *m, struct run_options *opt)
{
	if (m->kernel || m->patch || m->bugs) {
		usage_error(NULL, "--kernel-tree says what EL2 is: no --kernel, --patch or --bug "
				  "beside it");
		return false;
	}
	opt->tree = cli_tree(m->tree, &opt->hyp, &opt->tree_profile);
	return opt->tree;
}

bool machine_options_check(struct run_options *opt)
{
	const struct machine_options *m = &machine_options;

	*opt = (struct run_options){
		.hyp = cli_hypervisor,
		.kernel = m->kernel,
		.patch = m->patch,
		.sets = (const char *const *)m->sets,
		.bugs = (const char *const *)m->bugs,
		.check = m->check ? m->check : "on",
		.steps = UINT64_C(1000000000),
	};
	if (strcmp(opt->check, "off") && strcmp(opt->check, "on") &&
	    strcmp(opt->check, "paranoid")) {
		usage_error(NULL, "--check is off, on or paranoid, not \"%s\"", m->check);
		return false;
	}
	if (m->kernel && !check_kernel(m->kernel))
		return false;
	if (m->patch && !check_patch(m->patch))
		return false;
	for (char **s = m->sets; s && *s; s++)
		if (!check_set(*s))
			return false;
	for (char **b = m->bugs; b && *b; b++)
		if (!check_bug(*b))
			return false;
	if (m->tree && !use_tree(m, opt))
		return false;
	if (m->steps && !strcmp(m->steps, "0")) {
		usage_error(NULL, "--steps=0: a run that may not take a step");
		return false;
	}
	return (!m->seed || cli_number("--seed", m->seed, ~UINT64_C(0), &opt->seed)) &&
	       (!m->steps || cli_number("--steps", m->steps, ~UINT64_C(0), &opt->steps));
}

/* ---- Terminals ---- */

struct report_style cli_style(FILE *out)
{
	const char *no_color = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
	bool tty = isatty(fileno(out));

	return (struct report_style){
		.colour = tty && !(no_color && no_color[0]) && g_strcmp0(term, "dumb"),
		.utf8 = tty && !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.width = 78,
	};
}

bool cli_open(const char *name, FILE *dash, FILE **out)
{
	*out = strcmp(name, "-") ? fopen(name, "we") : dash;
	if (*out)
		return true;
	usage_error(NULL, "cannot write %s: %s", name, g_strerror(errno));
	return false;
}

enum exit_status cli_close(FILE *out, const char *name, enum exit_status status)
{
	bool failed = ferror(out) != 0;

	errno = 0;
	if (out == stdout || out == stderr)
		failed |= fflush(out) != 0;
	else
		failed |= fclose(out) != 0;
	if (!failed)
		return status;
	usage_error(NULL, "cannot write %s: %s", name, g_strerror(errno ? errno : EIO));
	return MAX(status, EXIT_USAGE);
}
