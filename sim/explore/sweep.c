// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "What if this -ENOMEMs?": an action is carried out once as it is, then once for
 * each allocation that it made, with just that one failing, then once more where the
 * failure left the machine. Each time the machine is as it was before.
 */
#include "explore.h"

struct sweep {
	struct x_sweep *s;
	const struct x_again *again;
	struct x_state start;
	u32 broken; /* BIT(rule): by the action itself */
};

/* ---- The action as it is -------------------------------------------------------------------- */

static unsigned int seen(const struct x_sweep *s, const char *pool)
{
	unsigned int n = 0;

	for (guint i = 0; i < s->failures->len; i++)
		n += g_array_index(s->failures, struct x_failure, i).pool == pool;
	return n;
}

static void on_alloc(void *data, const struct event *ev)
{
	struct x_sweep *s = data;
	struct x_failure f = { .pool = ev->what, .nth = seen(s, ev->what) + 1 };

	g_array_append_val(s->failures, f);
}

static void as_it_is(struct sweep *w)
{
	struct board *b = w->again->m->board;
	const struct violation *v;
	unsigned int n;

	board_subscribe_kinds(b, BIT(EV_ALLOC), on_alloc, w->s);
	w->s->plain = w->again->act(w->again->data, &v, &n);
	board_unsubscribe(b, on_alloc, w->s);
	for (unsigned int i = 0; i < n; i++)
		w->broken |= (u32)BIT(v[i].rule);
	if (!w->again->finish)
		return;
	w->again->finish(w->again->data, &v, &n);
	for (unsigned int i = 0; i < n; i++)
		w->broken |= (u32)BIT(v[i].rule);
}

/* ---- The action without an allocation ----------------------------------------------------------- */

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && (a->kind != OUTCOME_VALUE || a->value == b->value);
}

static void take_note(struct sweep *w, struct x_failure *f, const struct violation *v,
		      unsigned int n, bool at_retry)
{
	for (unsigned int i = 0; i < n; i++) {
		if (w->broken & BIT(v[i].rule))
			continue;
		if (!f->n_violations++) {
			f->violation = v[i];
			f->at_retry = at_retry;
		}
	}
}

static bool ends_it(const struct outcome *o)
{
	return o->kind == OUTCOME_PANIC || o->kind == OUTCOME_HANG || o->kind == OUTCOME_GAVE_UP ||
	       o->kind == OUTCOME_NOT_RUN;
}

static void on_shortage(void *data, const struct event *ev)
{
	x_shortage_note(data, ev);
}

static void without(struct sweep *w, struct x_failure *f)
{
	const struct x_again *again = w->again;
	struct machine *m = again->m;
	const struct violation *v;
	unsigned int n;

	x_back(m, &w->start);
	f->refused = !m->hyp->fail_alloc(m->el2, f->pool, f->nth, 1, NULL);
	if (f->refused)
		return;
	board_subscribe_kinds(m->board, BIT(EV_ALLOC), on_shortage, &f->shortage);
	f->o = again->act(again->data, &v, &n);
	board_unsubscribe(m->board, on_shortage, &f->shortage);
	if (f->o.kind == OUTCOME_PANIC)
		f->panic = *m->hyp->panic(m->el2);
	take_note(w, f, v, n, false);
	if (again->once || ends_it(&f->o))
		return;
	f->retried = !same(&f->o, &w->s->plain);
	if (f->retried) {
		f->retry = again->act(again->data, &v, &n);
		take_note(w, f, v, n, true);
	}
	if (again->finish) {
		again->finish(again->data, &v, &n);
		take_note(w, f, v, n, f->retried);
	}
}

/* ---- All ---------------------------------------------------------------------------------------------- */

void x_sweep_action(struct x_sweep *s, const struct x_again *again)
{
	struct sweep w = { .s = s, .again = again };

	*s = (struct x_sweep){ .failures = g_array_new(FALSE, FALSE, sizeof(struct x_failure)) };
	x_save(again->m, &w.start);
	as_it_is(&w);
	for (guint i = 0; i < s->failures->len; i++)
		without(&w, &g_array_index(s->failures, struct x_failure, i));
	x_back(again->m, &w.start);
	x_drop(again->m, &w.start);
}

void x_sweep_clear(struct x_sweep *s)
{
	g_array_unref(s->failures);
}

/* Success is success where a call gives an address of its own choice. */
static bool as_good(const struct outcome *a, const struct outcome *b)
{
	return same(a, b) || (a->kind == OUTCOME_VALUE && b->kind == OUTCOME_VALUE &&
			      a->is_signed && (s64)a->value > 0 && (s64)b->value > 0);
}

bool x_failure_is_bad(const struct x_sweep *s, const struct x_failure *f)
{
	if (f->refused)
		return false;
	if (f->n_violations || (ends_it(&f->o) && !same(&f->o, &s->plain)))
		return true;
	return f->retried && !as_good(&f->retry, &s->plain);
}
