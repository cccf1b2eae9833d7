/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUs may still have cached while several run: every translation that a walk could
 * have read since the last invalidation that covers it (Arm ARM D8.16, D8.17). Not kept
 * as entries but as what was overwritten, invalidated and waited for; the set is worked
 * out where an access asks for it, of which it then uses one.
 *
 * An overwritten descriptor is forgotten once a DSB of the CPU that overwrote it has made
 * that visible to walks, then a TLBI that names the translation was issued, and a DSB of
 * who issued that has completed it. Walks that end in a fault are not cached.
 */
#include <string.h>

#include "board_private.h"

#define NOT_YET UINT32_MAX

struct past_store {
	u64 pa, old;
	u32 visible; /* when */
	u8 cpu;
};

struct past_tlbi {
	struct tlbi op;
	u32 issued, done; /* when */
	u8 cpu;
};

void past_init(struct past *p)
{
	p->store = g_array_new(FALSE, FALSE, sizeof(struct past_store));
	p->tlbi = g_array_new(FALSE, FALSE, sizeof(struct past_tlbi));
}

void past_free(struct past *p)
{
	if (p->store)
		g_array_unref(p->store);
	if (p->tlbi)
		g_array_unref(p->tlbi);
}

void past_begin(struct board *b)
{
	struct past *p = &b->priv->past;

	g_array_set_size(p->store, 0);
	g_array_set_size(p->tlbi, 0);
	p->now = 0;
}

static bool kept(const struct board *b)
{
	return b->scheduled && b->may & BIT(MAY_TLB);
}

void past_stored(const struct cpu *cpu, u64 pa, u64 old)
{
	struct past_store s = { pa, old, NOT_YET, (u8)cpu->id };

	if (kept(cpu->board) && pte_valid(old))
		g_array_append_val(cpu->board->priv->past.store, s);
}

void past_invalidated(const struct cpu *cpu, const struct tlbi *i)
{
	struct past *p = &cpu->board->priv->past;
	struct past_tlbi t = { *i, p->now++, NOT_YET, (u8)cpu->id };

	if (kept(cpu->board) && p->store->len)
		g_array_append_val(p->tlbi, t);
}

/* One for stores alone does not wait for TLB maintenance. */
void past_waited(const struct cpu *cpu, const char *what)
{
	struct past *p = &cpu->board->priv->past;
	bool stores_only;

	if (!kept(cpu->board))
		return;
	stores_only = g_str_has_suffix(what, "st");
	for (guint i = 0; i < p->store->len; i++) {
		struct past_store *s = &g_array_index(p->store, struct past_store, i);

		if (s->cpu == cpu->id && s->visible == NOT_YET)
			s->visible = p->now;
	}
	for (guint i = 0; i < p->tlbi->len && !stores_only; i++) {
		struct past_tlbi *t = &g_array_index(p->tlbi, struct past_tlbi, i);

		if (t->cpu == cpu->id && t->done == NOT_YET)
			t->done = p->now;
	}
	p->now++;
}

/* ---- The set ----------------------------------------------------------------------------- */

/* A walk that takes for each descriptor one of the values it has had. */
struct old_walk {
	struct cpu *cpu;
	const struct mmu_table *t;
	unsigned int n, pick[5], of[5];	  /* which value, of how many */
	const struct past_store *used[5]; /* NULL: it is there now */
};

static bool read_old(void *ctx, pa_t pa, u64 *desc)
{
	struct old_walk *w = ctx;
	const GArray *store = w->cpu->board->priv->past.store;
	unsigned int k = w->n++, seen = 0;

	w->used[k] = NULL;
	for (guint i = 0; i < store->len; i++) {
		const struct past_store *s = &g_array_index(store, struct past_store, i);

		if (s->pa == pa.pa && ++seen == w->pick[k])
			w->used[k] = s;
	}
	w->of[k] = seen + 1;
	if (w->used[k])
		*desc = w->used[k]->old;
	return w->used[k] || board_read_desc(w->cpu->board, pa, desc);
}

/* Would @op take away what the walk found? */
static bool names(const struct old_walk *w, const struct tlbi *op, const struct mmu_result *res)
{
	struct tlb one;

	one.next = one.used = 0;
	one.e[0].valid = false;
	tlb_fill(&one, w->t, res, 0);
	return tlb_invalidate(&one, op, w->cpu->board->f->page_shift);
}

static bool forgotten(const struct old_walk *w, const struct past_store *s,
		      const struct mmu_result *res)
{
	const GArray *tlbi = w->cpu->board->priv->past.tlbi;

	for (guint i = 0; i < tlbi->len; i++) {
		const struct past_tlbi *t = &g_array_index(tlbi, struct past_tlbi, i);

		if (t->done == NOT_YET || s->visible == NOT_YET || t->issued < s->visible)
			continue;
		if (!tlbi_op_broadcast(t->op.op) && t->cpu != w->cpu->id)
			continue;
		if (names(w, &t->op, res))
			return true;
	}
	return false;
}

/* The next combination of values; false: that was the last. */
static bool next_walk(struct old_walk *w)
{
	while (w->n--) {
		if (++w->pick[w->n] < w->of[w->n])
			return true;
		w->pick[w->n] = 0;
	}
	return false;
}

static bool told_apart(const struct mmu_result *set, unsigned int n, const struct mmu_result *res)
{
	for (unsigned int i = 0; i < n; i++)
		if (set[i].fault == MMU_OK && set[i].oa.pa == res->oa.pa)
			return false;
	return true;
}

unsigned int past_results(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
			  struct mmu_result *set, unsigned int n, unsigned int max)
{
	struct old_walk w = { .cpu = cpu, .t = t };
	struct mmu_result res;
	bool old;

	if (!kept(cpu->board) || !cpu->board->priv->past.store->len)
		return n;
	do {
		w.n = 0;
		old = false;
		mmu_walk(t, ia, acc, read_old, &w, &res);
		for (unsigned int k = 0; k < w.n; k++) {
			old |= w.used[k] != NULL;
			if (w.used[k] && forgotten(&w, w.used[k], &res))
				res.fault = MMU_FAULT_TRANSLATION;
		}
		if (old && res.fault == MMU_OK && n < max && told_apart(set, n, &res))
			set[n++] = res;
	} while (next_walk(&w));
	return n;
}
