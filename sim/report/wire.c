// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A run told in one process and reported in another of the same program, its
 * parent or its child: the structures as they are in memory, then the strings that
 * they point to. What else they point to is constant, so it is the same in both.
 */
#include <string.h>

#include "report_private.h"

struct wire {
	GByteArray *to;
	void (*told)(void *data);
	void *data;
};

enum wire_call { WIRE_RUN, WIRE_LINE, WIRE_VIOLATION, WIRE_END };

/* Every string of the two structures: one that is not here would dangle. */
static const size_t run_strings[] = {
	offsetof(struct report_run, file),    offsetof(struct report_run, title),
	offsetof(struct report_run, origin),  offsetof(struct report_run, name),
	offsetof(struct report_run, profile), offsetof(struct report_run, patch),
	offsetof(struct report_run, knobs),   offsetof(struct report_run, bugs),
	offsetof(struct report_run, board),   offsetof(struct report_run, check),
	offsetof(struct report_run, skip),
};

static const size_t line_strings[] = {
	offsetof(struct report_line, file),	offsetof(struct report_line, text),
	offsetof(struct report_line, expected), offsetof(struct report_line, got),
	offsetof(struct report_line, cell),	offsetof(struct report_line, output),
};

static const size_t violation_strings[] = {
	offsetof(struct report_violation, rule),    offsetof(struct report_violation, text),
	offsetof(struct report_violation, before),  offsetof(struct report_violation, after),
	offsetof(struct report_violation, allowed), offsetof(struct report_violation, event),
};

/* ---- Telling ------------------------------------------------------------------------- */

static void put(struct report *r, const void *data, size_t n)
{
	g_byte_array_append(((struct wire *)r->data)->to, data, (guint)n);
}

static void put_string(struct report *r, const char *s)
{
	const bool there = s;

	put(r, &there, sizeof(there));
	if (there)
		put(r, s, strlen(s) + 1);
}

static void put_struct(struct report *r, enum wire_call call, const void *s, size_t size,
		       const size_t *strings, size_t n)
{
	put(r, &call, sizeof(call));
	put(r, s, size);
	for (size_t i = 0; i < n; i++)
		put_string(r, *(const char *const *)(const void *)((const char *)s + strings[i]));
}

static void tell_on(struct report *r)
{
	const struct wire *w = r->data;

	w->told(w->data);
}

static void wire_run_begin(struct report *r, const struct report_run *run)
{
	put_struct(r, WIRE_RUN, run, sizeof(*run), run_strings, G_N_ELEMENTS(run_strings));
	for (unsigned int i = 0; i < run->n_axes; i++) {
		put_string(r, run->axis[i].name);
		put_string(r, run->axis[i].value);
	}
	tell_on(r);
}

static void wire_line(struct report *r, const struct report_line *line)
{
	put_struct(r, WIRE_LINE, line, sizeof(*line), line_strings, G_N_ELEMENTS(line_strings));
	for (unsigned int i = 0; line->diag && line->diag[i]; i++)
		put_string(r, line->diag[i]);
	put_string(r, NULL);
	for (unsigned int i = 0; i < line->n_violations; i++)
		put_struct(r, WIRE_VIOLATION, &line->violation[i], sizeof(line->violation[i]),
			   violation_strings, G_N_ELEMENTS(violation_strings));
	tell_on(r);
}

static void wire_run_end(struct report *r, enum verdict v)
{
	const enum wire_call call = WIRE_END;

	put(r, &call, sizeof(call));
	put(r, &v, sizeof(v));
	tell_on(r);
}

static const struct report_format report_wire = {
	.ops = { .run_begin = wire_run_begin, .line = wire_line, .run_end = wire_run_end },
};

struct report *report_wire_new(GByteArray *to, void (*told)(void *data), void *data)
{
	struct report *r = g_new0(struct report, 1);

	r->format = &report_wire;
	r->front = &report_wire.ops;
	r->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	r->data = g_new(struct wire, 1);
	*(struct wire *)r->data = (struct wire){ to, told, data };
	return r;
}

/* ---- Reporting what was told ------------------------------------------------------------ */

struct reader {
	const guint8 *at, *end;
};

static void get(struct reader *in, void *data, size_t n)
{
	sim_assert((size_t)(in->end - in->at) >= n);
	memcpy(data, in->at, n);
	in->at += n;
}

/* Stays where it was read, NULL if there was none. */
static const char *get_string(struct reader *in)
{
	const char *s;
	bool there;

	get(in, &there, sizeof(there));
	if (!there)
		return NULL;
	s = (const char *)in->at;
	sim_assert(memchr(s, '\0', (size_t)(in->end - in->at)));
	in->at += strlen(s) + 1;
	return s;
}

static void get_struct(struct reader *in, void *s, size_t size, const size_t *strings, size_t n)
{
	get(in, s, size);
	for (size_t i = 0; i < n; i++)
		*(const char **)(void *)((char *)s + strings[i]) = get_string(in);
}

static void replay_run(struct report *r, struct reader *in)
{
	struct report_axis *axis;
	struct report_run run;

	get_struct(in, &run, sizeof(run), run_strings, G_N_ELEMENTS(run_strings));
	run.axis = axis = g_new0(struct report_axis, run.n_axes + 1);
	for (unsigned int i = 0; i < run.n_axes; i++) {
		axis[i].name = get_string(in);
		axis[i].value = get_string(in);
	}
	r->front->run_begin(r, &run);
	g_free(axis);
}

static void replay_line(struct report *r, struct reader *in)
{
	GPtrArray *diag = g_ptr_array_new();
	struct report_violation *violation;
	struct report_line line;
	enum wire_call call;

	get_struct(in, &line, sizeof(line), line_strings, G_N_ELEMENTS(line_strings));
	do {
		g_ptr_array_add(diag, (void *)get_string(in));
	} while (diag->pdata[diag->len - 1]);
	if (line.diag)
		line.diag = (const char *const *)diag->pdata;
	line.violation = violation = g_new0(struct report_violation, line.n_violations + 1);
	for (unsigned int i = 0; i < line.n_violations; i++) {
		get(in, &call, sizeof(call));
		get_struct(in, &violation[i], sizeof(violation[i]), violation_strings,
			   G_N_ELEMENTS(violation_strings));
	}
	r->front->line(r, &line);
	g_free(violation);
	g_ptr_array_unref(diag);
}

void report_wire_replay(struct report *r, const GByteArray *from)
{
	struct reader in = { from->data, from->data + from->len };
	enum wire_call call;
	enum verdict v;

	while (in.at < in.end) {
		get(&in, &call, sizeof(call));
		if (call == WIRE_RUN) {
			replay_run(r, &in);
		} else if (call == WIRE_LINE) {
			replay_line(r, &in);
		} else {
			get(&in, &v, sizeof(v));
			r->front->run_end(r, v);
		}
	}
}
