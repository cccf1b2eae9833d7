// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parts of a search: what one process or machine found, as text, and several of them put
 * together. A part is a list of lines, each a word and its fields with tabs between.
 */
#include <stdlib.h>

#include "block.h"

#define FORMAT "pkvm-sim explore part 1"

/* A field of words: no tab and no newline is left in it. */
static void write_words(FILE *out, const char *words)
{
	char *escaped = g_strescape(words ? words : "", NULL);

	fprintf(out, "\t%s", escaped);
	g_free(escaped);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void write_line_outcomes(const struct tally *t, unsigned int i, FILE *out)
{
	const struct tally_line *l = &t->line[i];

	for (guint n = 0; n < l->out->len; n++) {
		const struct outcome *o = &g_array_index(l->out, struct outcome, n);

		fprintf(out, "line\t%u\t%u\t%d\t%" G_GUINT64_FORMAT "\t%d", i,
			(unsigned int)o->kind, o->is_signed, o->value,
			g_array_index(l->passes, bool, n));
		write_words(out, l->expected);
		fputc('\n', out);
	}
}

static void write_shown(const struct shown *s, unsigned int bit, FILE *out)
{
	char *moves;

	if (!s->moves)
		return;
	moves = moves_words((const struct x_move *)(void *)s->moves->data, s->moves->len);
	fprintf(out, "shown\t%u\t%u\t%u\t%s\n", bit, s->forced, s->steps, moves);
	g_free(moves);
}

static void write_breach(const struct tally_breach *b, unsigned int rule, FILE *out)
{
	if (!b->text)
		return;
	fprintf(out, "breach\t%u\t%d\t%" G_GUINT64_FORMAT, rule, b->has_page, b->page);
	write_words(out, b->text);
	write_words(out, b->before);
	write_words(out, b->after);
	write_words(out, b->allowed);
	write_words(out, b->event);
	fputc('\n', out);
}

void part_write(const struct search *s, const char *hash, FILE *out)
{
	const struct tally *t = &s->t;
	const struct x_interleave *x = &s->x;

	fprintf(out, FORMAT "\t%s\t%u\t%u\n", hash, x->shard, x->n_shards);
	fprintf(out,
		"runs\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT
		"\t%u\t%d\t%" G_GUINT64_FORMAT "\n",
		x->runs, x->blocked, x->steps, x->deepest, x->complete, x->left);
	for (unsigned int i = 0; i < t->k->n; i++)
		write_line_outcomes(t, i, out);
	for (guint i = 0; i < t->state->len; i++) {
		const struct tally_state *st = t->state->pdata[i];

		fprintf(out,
			"state\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT
			"\t%" G_GUINT64_FORMAT,
			st->key, st->digest, st->runs, st->shows);
		write_words(out, st->text);
		fputc('\n', out);
	}
	for (unsigned int i = 0; i < N_SHOWS; i++) {
		if (t->count[i])
			fprintf(out, "count\t%u\t%" G_GUINT64_FORMAT "\n", i, t->count[i]);
		write_shown(&s->shown[i], i, out);
	}
	for (unsigned int i = 0; i < N_RULES; i++)
		write_breach(&t->breach[i], i, out);
	fputs("end\n", out);
}

/* ---- Reading ----------------------------------------------------------------------------- */

struct part {
	struct search *s;
	char **field;
	unsigned int n;
};

static u64 number_at(const struct part *p, unsigned int i)
{
	return i < p->n ? g_ascii_strtoull(p->field[i], NULL, 10) : 0;
}

static bool read_runs(struct part *p)
{
	struct x_interleave *x = &p->s->x;

	x->runs += number_at(p, 1);
	p->s->t.runs += number_at(p, 1);
	x->blocked += number_at(p, 2);
	x->steps += number_at(p, 3);
	x->deepest = MAX(x->deepest, (u32)number_at(p, 4));
	x->complete &= number_at(p, 5) != 0;
	x->left += number_at(p, 6);
	return p->n == 7;
}

static bool read_outcome(struct part *p)
{
	const u64 i = number_at(p, 1);
	struct outcome o = { .kind = (enum outcome_kind)MIN(number_at(p, 2), N_OUTCOMES - 1u),
			     .is_signed = number_at(p, 3),
			     .value = number_at(p, 4) };

	if (p->n != 7 || i >= p->s->k->n)
		return false;
	tally_line_add(&p->s->t.line[i], &o, number_at(p, 5));
	if (!p->s->t.line[i].expected)
		p->s->t.line[i].expected = g_strcompress(p->field[6]);
	return true;
}

static bool read_state(struct part *p)
{
	struct tally_state *st = tally_state(&p->s->t, number_at(p, 1));

	if (p->n != 6)
		return false;
	st->digest = number_at(p, 2);
	st->runs += number_at(p, 3);
	st->shows = number_at(p, 4);
	if (!st->text)
		st->text = g_strcompress(p->field[5]);
	return true;
}

static bool read_count(struct part *p)
{
	if (p->n != 3 || number_at(p, 1) >= N_SHOWS)
		return false;
	p->s->t.count[number_at(p, 1)] += number_at(p, 2);
	return true;
}

static bool read_shown(struct part *p)
{
	const u32 forced = (u32)number_at(p, 2), steps = (u32)number_at(p, 3);
	GArray *moves;

	if (p->n != 5 || number_at(p, 1) >= N_SHOWS)
		return false;
	moves = moves_read(p->field[4]);
	if (moves)
		shown_keep(&p->s->shown[number_at(p, 1)], moves, forced, steps);
	return moves;
}

static bool read_breach(struct part *p)
{
	struct tally_breach b;

	if (p->n != 9 || number_at(p, 1) >= N_RULES)
		return false;
	b = (struct tally_breach){ .text = g_strcompress(p->field[4]),
				   .before = g_strcompress(p->field[5]),
				   .after = g_strcompress(p->field[6]),
				   .allowed = g_strcompress(p->field[7]),
				   .event = g_strcompress(p->field[8]),
				   .has_page = number_at(p, 2),
				   .page = number_at(p, 3) };
	tally_keep_breach(&p->s->t.breach[number_at(p, 1)], &b);
	return true;
}

static bool read_line(struct part *p)
{
	static const struct {
		const char *word;
		bool (*read)(struct part *p);
	} lines[] = {
		{ "runs", read_runs },	 { "line", read_outcome }, { "state", read_state },
		{ "count", read_count }, { "shown", read_shown },  { "breach", read_breach }
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!strcmp(p->field[0], lines[i].word))
			return lines[i].read(p);
	return false;
}

/* The next line without its newline, in fields; NULL: there is none. */
static char **next_line(FILE *in)
{
	size_t room = 0;
	char *line = NULL;
	ssize_t len = getline(&line, &room, in);
	char **field = NULL;

	if (len > 0 && line[len - 1] == '\n') {
		line[len - 1] = '\0';
		field = g_strsplit(line, "\t", 0);
	}
	free(line);
	return field;
}

bool part_read(struct search *s, const char *hash, FILE *in, GError **error)
{
	char **field = next_line(in);
	bool head = field && g_strv_length(field) == 4 && !strcmp(field[0], FORMAT);
	bool ok = head && !strcmp(field[1], hash), end = false;

	while (ok && !end) {
		struct part p = { .s = s };

		g_strfreev(field);
		field = next_line(in);
		ok = field;
		if (!ok)
			break;
		p.field = field;
		p.n = g_strv_length(field);
		end = !strcmp(field[0], "end");
		ok = end || read_line(&p);
	}
	g_strfreev(field);
	return ok || script_fail(error, s->k->st->line, s->k->st->off, NULL, "%s",
				 head ? "a part is of another block, or of another version of it"
				      : "a part ends before this block, or is no part");
}
