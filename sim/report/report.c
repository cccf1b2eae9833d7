// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of formats, and what they share.
 */
#include <string.h>

#include "report_private.h"

G_DEFINE_QUARK(pkvm - sim - report - error, report_error)

static const struct report_format *const formats[] = {
	&report_text, &report_ktap, &report_tap, &report_junit, &report_jsonl,
};

const struct report_ops *const *report_formats(void)
{
	static const struct report_ops *const ops[] = {
		&report_text.ops,  &report_ktap.ops,  &report_tap.ops,
		&report_junit.ops, &report_jsonl.ops, NULL,
	};

	return ops;
}

struct report *report_new(const char *format, FILE *out, const struct report_style *style)
{
	struct report *r;

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (strcmp(formats[i]->ops.name, format))
			continue;
		r = g_new0(struct report, 1);
		r->format = formats[i];
		r->out = out;
		r->style = *style;
		r->data = g_malloc0(formats[i]->data_size);
		r->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		return r;
	}
	return NULL;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	if (r->format->release)
		r->format->release(r);
	g_hash_table_unref(r->names);
	g_free(r->data);
	g_free(r);
}

const struct report_ops *report_ops_of(struct report *r)
{
	return &r->format->ops;
}

void report_complain(struct report *r, const char *message)
{
	fflush(r->out);
	fprintf(stderr, "%s\n", message);
	fflush(stderr);
}

struct report_failure *report_failure_new(const struct report_line *line)
{
	struct report_failure *f = g_new0(struct report_failure, 1);

	f->where = g_strdup_printf("%s:%u", line->file, line->line);
	f->text = g_strdup(line->text);
	f->expected = g_strdup(line->expected ? line->expected : "success");
	f->got = g_strdup(line->got ? line->got : "?");
	f->diag = g_strdupv((char **)line->diag);
	return f;
}

void report_failure_free(struct report_failure *f)
{
	if (!f)
		return;
	g_free(f->where);
	g_free(f->text);
	g_free(f->expected);
	g_free(f->got);
	g_strfreev(f->diag);
	g_free(f);
}

static char name_byte(char c)
{
	if (g_ascii_isalnum(c) || strchr("_./-", c))
		return c;
	if (c == '@' || c == ',' || c == ':')
		return '/';
	return c == '=' ? '.' : '_';
}

char *report_unique_name(struct report *r, const char *name)
{
	g_autofree char *plain = g_strdup(name && name[0] ? name : "unnamed");

	for (char *p = plain; *p; p++)
		*p = name_byte(*p);
	return report_unique(r, plain);
}

char *report_unique(struct report *r, const char *plain)
{
	char *unique = g_strdup(plain);

	for (unsigned int i = 2; g_hash_table_contains(r->names, unique); i++) {
		g_free(unique);
		unique = g_strdup_printf("%s-%u", plain, i);
	}
	g_hash_table_add(r->names, g_strdup(unique));
	return unique;
}

char *report_axes_words(const struct report_axis *axis, unsigned int n, const char *separator)
{
	GString *s = g_string_new(NULL);

	for (unsigned int i = 0; i < n; i++)
		g_string_append_printf(s, "%s%s=%s", i ? separator : "", axis[i].name,
				       axis[i].value);
	return g_string_free(s, FALSE);
}

char *report_configuration(const struct report_run *run)
{
	GString *s = g_string_new(NULL);

	g_string_append_printf(s, "kernel %s", run->profile);
	if (run->patch && run->patch[0])
		g_string_append_printf(s, ", patch %s", run->patch);
	if (run->knobs && run->knobs[0])
		g_string_append_printf(s, ", %s", run->knobs);
	if (run->bugs && run->bugs[0])
		g_string_append_printf(s, ", bugs %s", run->bugs);
	g_string_append_printf(s, ", board %s, seed %" PRIu64 ", check %s", run->board, run->seed,
			       run->check);
	if (run->pressure)
		g_string_append(s, ", pressure made by the scenario");
	return g_string_free(s, FALSE);
}
