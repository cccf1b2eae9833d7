// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --record: a run written as a scenario. Everything is evaluated, loops are
 * unrolled, and each action says what it gave; so the file passes, and recorded
 * again gives the same bytes.
 */
#include "script_private.h"

struct recording {
	FILE *out;
};

struct recording *recording_new(FILE *out)
{
	struct recording *rec = g_new0(struct recording, 1);

	rec->out = out;
	return rec;
}

void recording_free(struct recording *rec)
{
	g_free(rec);
}

void record_text(struct recording *rec, const char *keyword, const char *text)
{
	fprintf(rec->out, "%s %s\n", keyword, text);
}

/* In quotes, so that nothing in it can be taken for a comment. */
void record_quoted(struct recording *rec, const char *keyword, const char *text)
{
	fprintf(rec->out, "%s \"", keyword);
	for (; *text; text++)
		fprintf(rec->out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	fputs("\"\n", rec->out);
}

void record_let(struct recording *rec, const char *name, struct value v)
{
	char *words = value_words(v);

	fprintf(rec->out, "let %s = %s\n", name, words);
	g_free(words);
}

void record_show(struct recording *rec, const char *topic, GPtrArray *words)
{
	fprintf(rec->out, "show %s", topic);
	for (guint i = 0; i < words->len; i++)
		fprintf(rec->out, " %s", (const char *)words->pdata[i]);
	fputc('\n', rec->out);
}

void record_action(struct recording *rec, const char *words, const struct outcome *o,
		   const struct report_violation *v, unsigned int n)
{
	char *got, *rules, **rule;

	/* what was not carried out, or did not end, cannot be asked for again */
	if (o->kind == OUTCOME_NOT_RUN || o->kind == OUTCOME_GAVE_UP)
		return;
	got = value_words(outcome_value(o));
	fprintf(rec->out, "%s => %s", words, got);
	rules = report_rules_words(v, n);
	rule = g_strsplit(rules, ", ", -1);
	for (unsigned int i = 0; rule[i]; i++)
		fprintf(rec->out, ", violation %s", rule[i]);
	fputc('\n', rec->out);
	g_strfreev(rule);
	g_free(rules);
	g_free(got);
}

void record_block(struct recording *rec, const char *schedule)
{
	if (!schedule)
		fputs("end\n", rec->out);
	else
		fprintf(rec->out, "parallel\n%s%s%s", *schedule ? "\tschedule " : "", schedule,
			*schedule ? "\n" : "");
}

void record_block_line(struct recording *rec, const char *words, const struct outcome *o)
{
	char *got = value_words(outcome_value(o));

	fprintf(rec->out, "\t%s%s", g_str_has_prefix(words, "cpu") ? "" : "cpu0: ", words);
	/* who did not come to it does not come to it again */
	if (o->kind == OUTCOME_NOT_RUN || o->kind == OUTCOME_GAVE_UP)
		fputc('\n', rec->out);
	else
		fprintf(rec->out, " => %s\n", got);
	g_free(got);
}

/* ---- Set-up ------------------------------------------------------------------------------ */

static void record_range(struct recording *rec, const char *keyword, u64 base, u64 size)
{
	fprintf(rec->out, "%s 0x%" G_GINT64_MODIFIER "x+0x%" G_GINT64_MODIFIER "x", keyword, base,
		size);
}

static void record_board(struct recording *rec, const struct setup *s)
{
	const char *name;

	fprintf(rec->out, "machine %s\n", s->machine);
	if (s->cpus)
		fprintf(rec->out, "cpus %u\n", s->cpus);
	if (s->page_shift)
		fprintf(rec->out, "page_size %uK\n", 1u << (s->page_shift - 10));
	if (s->pa_bits)
		fprintf(rec->out, "pa_bits %u\n", s->pa_bits);
	for (unsigned int i = 0; feature_name(i, &name); i++)
		if (s->feature_given & (1u << i))
			fprintf(rec->out, "feature %s=%s\n", name,
				s->feature_on >> i & 1 ? "on" : "off");
	if (s->no_ram)
		fputs("no ram\n", rec->out);
	if (s->no_mmio)
		fputs("no mmio\n", rec->out);
	for (guint i = 0; i < s->ram->len; i++) {
		const struct ram_region *r = &g_array_index(s->ram, struct setup_region, i).ram;

		record_range(rec, "ram", r->base, r->size);
		fputs(r->nomap ? " nomap\n" : "\n", rec->out);
	}
	for (guint i = 0; i < s->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(s->mmio, struct setup_region, i).mmio;

		fprintf(rec->out, "mmio %s ", w->name);
		fprintf(rec->out, "0x%" G_GINT64_MODIFIER "x+0x%" G_GINT64_MODIFIER "x model=%s\n",
			w->base, w->size, window_model_name[w->model]);
	}
}

static void record_el2(struct recording *rec, const struct el2_config *c)
{
	static const char *const pool[N_BASE_POOLS] = { "host_s2", "hyp_s1" };

	if (c->has_hyp_image)
		fprintf(rec->out, "hyp_image 0x%" G_GINT64_MODIFIER "x\n", c->hyp_image);
	if (c->has_hyp_memory)
		fprintf(rec->out, "hyp_memory 0x%" G_GINT64_MODIFIER "x\n", c->hyp_memory);
	for (unsigned int i = 0; i < N_BASE_POOLS; i++)
		if (c->pool_pages[i])
			fprintf(rec->out, "pool %s %" G_GUINT64_FORMAT "\n", pool[i],
				c->pool_pages[i]);
	for (unsigned int i = 0; i < el2_n_bugs; i++)
		if (c->bug[i])
			fprintf(rec->out, "bug %s\n", el2_bugs[i].id);
	for (guint i = 0; i < c->protect->len; i++) {
		const struct protect_entry *p = &g_array_index(c->protect, struct protect_entry, i);

		record_range(rec, "protect", p->base, p->size);
		fputc('\n', rec->out);
	}
}

void record_setup(struct recording *rec, const struct setup *s, const struct el2_config *c,
		  const struct patch *patch, const u8 base[N_KNOBS])
{
	if (s->title)
		record_quoted(rec, "title", s->title);
	if (s->origin)
		record_quoted(rec, "origin", s->origin);
	record_board(rec, s);
	fprintf(rec->out, "kernel %s\n", c->profile->name);
	if (patch)
		fprintf(rec->out, "patch %s\n", patch->name);
	for (unsigned int i = 0; i < N_KNOBS; i++)
		if (c->knob[i] != base[i])
			fprintf(rec->out, "set %s=%s\n", el2_knobs[i].name,
				el2_knob_value_name(i, c->knob[i]));
	record_el2(rec, c);
}

void record_names(struct recording *rec, GHashTable *names)
{
	GList *sorted = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);

	for (GList *i = sorted; i; i = i->next)
		record_let(rec, i->data, *(struct value *)g_hash_table_lookup(names, i->data));
	g_list_free(sorted);
}
