// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine driven by chance. What EL2 may panic over ends an episode: the machine
 * is again as after boot. The first breach that nobody knows of ends the run.
 */
#include <string.h>

#include "explore_private.h"

unsigned int x_result(const struct outcome *o)
{
	s64 value = (s64)o->value;

	if (o->kind == OUTCOME_VALUE && o->is_signed && value < 0 && value > -134)
		return N_OUTCOMES + (unsigned int)-value;
	return o->kind;
}

static void count(struct x_random *r, const struct x_action *a, const struct outcome *o)
{
	const char *name = x_action_name(a);
	struct x_count new = { .name = name };

	for (guint i = 0; i < r->counts->len; i++) {
		struct x_count *c = &g_array_index(r->counts, struct x_count, i);

		if (c->name == name) {
			c->result[x_result(o)]++;
			return;
		}
	}
	new.result[x_result(o)] = 1;
	g_array_append_val(r->counts, new);
}

bool is_known(GArray *known, const struct x_judged *j, const struct x_step *s,
	      const struct violation *v, unsigned int n, bool count, bool *harmless)
{
	const struct x_case c = {
		.b = j->m->board,
		.action = x_action_name(&s->a),
		.shortage = &j->shortage,
		.panic = j->m->dead ? j->m->hyp->panic(j->m->el2) : NULL,
		.failed = s->o.kind == OUTCOME_VALUE && s->o.is_signed && (s64)s->o.value < 0,
	};
	struct x_known *k;

	*harmless = true;
	for (unsigned int i = 0; i < n; i++) {
		k = x_known_find(known, &c, &v[i]);
		if (!k)
			return false;
		*harmless &= k->harmless;
	}
	for (unsigned int i = 0; count && i < n; i++)
		x_known_find(known, &c, &v[i])->times++;
	return true;
}

static bool excuse(struct x_random *r, const struct x_judged *j, const struct x_step *s,
		   const struct violation *v, unsigned int n, bool *harmless)
{
	if (!is_known(r->known, j, s, v, n, true, harmless))
		return false;
	r->knowns++;
	return true;
}

static void broke(struct x_random *r, struct x_step *last, const struct violation *v,
		  unsigned int n)
{
	r->broke = true;
	r->violation = v[0];
	r->also = n - 1;
	for (unsigned int i = 0; i < n; i++)
		last->broken |= (u32)BIT(v[i].rule);
}

/* One action. True: the episode is over. */
static bool step(struct x_random *r, struct generator *g)
{
	const bool last = r->path->len + 1 >= r->episode;
	const struct violation *v;
	struct x_step s = { 0 };
	bool harmless = true;
	unsigned int n;

	generate(g, &s.a);
	board_choices_clear(g->j->m->board);
	s.o = x_act_judged(g->j, &s.a, &v, &n);
	r->done++;
	count(r, &s.a, &s.o);
	generator_learn(g, &s.a, &s.o);
	r->panics += s.o.kind == OUTCOME_PANIC && !n;
	if (last && !n)
		x_finish(g->j, &v, &n);
	if (n && !excuse(r, g->j, &s, v, n, &harmless)) {
		x_finish(g->j, &v, &n);
		broke(r, &s, v, n);
	}
	g_array_append_val(r->path, s);
	return last || r->broke || !harmless || s.o.kind == OUTCOME_PANIC ||
	       s.o.kind == OUTCOME_GAVE_UP;
}

void x_random_run(struct x_random *r, struct x_judged *j)
{
	struct x_state start;
	struct generator g;

	r->counts = g_array_new(FALSE, FALSE, sizeof(struct x_count));
	r->path = g_array_new(FALSE, FALSE, sizeof(struct x_step));
	x_watch(j);
	x_save(j->m, &start);
	generator_init(&g, j, r);
	while (r->done < r->actions) {
		if (!step(r, &g))
			continue;
		if (r->broke)
			break;
		x_back(j->m, &start);
		g_array_set_size(r->path, 0);
		generator_restart(&g);
		r->restarts++;
	}
	r->path_was = r->path->len;
	if (r->broke)
		shrink(&g, &start, r->path);
	generator_clear(&g);
	x_drop(j->m, &start);
}

void x_random_clear(struct x_random *r)
{
	g_array_unref(r->counts);
	g_array_unref(r->path);
}
