// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A way to a breach made shorter: pieces are left out, halves first and single steps
 * last, as long as the last step still breaks the same rules (Zeller's ddmin).
 */
#include <string.h>

#include "explore_private.h"

static u32 rules_of(const struct violation *v, unsigned int n)
{
	u32 rules = 0;

	while (n--)
		rules |= (u32)BIT(v[n].rule);
	return rules;
}

/* A step on the way: it broke nothing, or what this release breaks without harm. */
static bool passes_by(struct generator *g, const struct x_step *s, const struct violation *v,
		      unsigned int n)
{
	bool harmless;

	if (s->o.kind == OUTCOME_PANIC)
		return false;
	return !n || (is_known(g->r->known, g->j, s, v, n, false, &harmless) && harmless);
}

/*
 * Carry out the steps that @keep names, the last of all included. What gives back
 * something that is no longer given is left out too.
 */
static bool still_breaks(struct generator *g, const struct x_state *start, GArray *path, bool *keep)
{
	const u32 broken = g_array_index(path, struct x_step, path->len - 1).broken;

	x_back(g->j->m, start);
	g_array_set_size(g->claims, 0);
	g->own.is_step = false;
	for (guint i = 0; i < path->len; i++) {
		struct x_step *s = &g_array_index(path, struct x_step, i);
		const struct violation *v;
		unsigned int n;

		keep[i] = keep[i] && keeps_contract(g, &s->a);
		if (!keep[i])
			continue;
		s->o = x_act_judged(g->j, &s->a, &v, &n);
		generator_learn(g, &s->a, &s->o);
		if (i + 1 < path->len) {
			if (!passes_by(g, s, v, n))
				return false;
			continue;
		}
		x_finish(g->j, &v, &n);
		return rules_of(v, n) == broken;
	}
	return false;
}

/* Leave out [@from, @to) if that changes nothing. */
static bool leave_out(struct generator *g, const struct x_state *start, GArray *path, bool *keep,
		      guint from, guint to)
{
	g_autofree bool *fewer = g_memdup2(keep, path->len * sizeof(*keep));
	bool any = false;

	for (guint i = from; i < to; i++) {
		any |= fewer[i];
		fewer[i] = false;
	}
	if (!any || !still_breaks(g, start, path, fewer))
		return false;
	memcpy(keep, fewer, path->len * sizeof(*keep));
	return true;
}

static void leave_out_all(struct generator *g, const struct x_state *start, GArray *path)
{
	g_autofree bool *keep = g_new(bool, path->len);
	const guint last = path->len - 1;
	bool again;
	guint n = 0;

	memset(keep, true, path->len * sizeof(*keep));
	for (guint piece = MAX(last / 2, 1); piece; piece /= 2) {
		do {
			again = false;
			for (guint at = 0; at < last; at += piece)
				again |= leave_out(g, start, path, keep, at, MIN(at + piece, last));
		} while (again && piece == 1);
	}
	for (guint i = 0; i < path->len; i++)
		if (keep[i])
			g_array_index(path, struct x_step, n++) =
				g_array_index(path, struct x_step, i);
	g_array_set_size(path, n);
}

/* The same with a step as plain as can be; as it was if that is another story. */
static void plainer(struct generator *g, const struct x_state *start, GArray *path, guint i)
{
	struct x_step *s = &g_array_index(path, struct x_step, i);
	g_autofree bool *keep = g_new(bool, path->len);
	const struct x_action was = s->a;

	s->a.cpu = 0;
	if (s->a.kind == X_FAIL)
		s->a.pages = s->a.count = 1;
	if (s->a.kind == X_HOST) {
		s->a.isv = true;
		s->a.at_fails = false;
	}
	if (!memcmp(&s->a, &was, sizeof(was)))
		return;
	memset(keep, true, path->len * sizeof(*keep));
	if (!still_breaks(g, start, path, keep) || memchr(keep, false, path->len))
		s->a = was;
}

void shrink(struct generator *g, const struct x_state *start, GArray *path)
{
	g_autofree bool *keep = NULL;

	leave_out_all(g, start, path);
	for (guint i = 0; i < path->len; i++)
		plainer(g, start, path, i);
	leave_out_all(g, start, path);
	/* Once more as it is, so that every step has the outcome that it has now. */
	keep = g_new(bool, path->len);
	memset(keep, true, path->len * sizeof(*keep));
	sim_assert(still_breaks(g, start, path, keep));
}
