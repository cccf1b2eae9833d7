// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where to look: the pages around which ownership changes when EL2 has booted. Bugs
 * sit at edges, so a place is taken by its ends as often as by its middle.
 */
#include "explore_private.h"

static void add_run(void *data, u64 base, u64 size, const struct abs_page *page)
{
	struct places *p = data;
	struct place at = { base, size, page->owner, page->is_ram };

	g_array_append_val(p->at, at);
}

void places_init(struct places *p, struct machine *m)
{
	const GArray *mmio = m->board->config->mmio;

	p->at = g_array_new(FALSE, FALSE, sizeof(struct place));
	p->window = g_array_new(FALSE, FALSE, sizeof(struct place));
	p->page = BIT(m->board->f->page_shift);
	p->limit = board_pa_limit(m->board);
	model_for_each_run(m->board, m->hyp->view(m->el2), add_run, p);
	for (guint i = 0; i < mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, i);
		struct place at = { ALIGN_DOWN(w->base, p->page), w->size, OWNER_HOST, false };

		/* what a device does by itself is an action of its own */
		if (w->model == WINDOW_REGS)
			g_array_append_val(p->window, at);
	}
}

void places_clear(struct places *p)
{
	g_array_unref(p->at);
	g_array_unref(p->window);
}

bool places_hyp_own(const struct places *p, u64 base, u64 size)
{
	for (guint i = 0; i < p->at->len; i++) {
		const struct place *at = &g_array_index(p->at, struct place, i);

		if ((at->owner == OWNER_HYP || at->owner == OWNER_SEVERAL) && at->is_ram &&
		    base < at->base + at->size && at->base < base + size)
			return true;
	}
	return false;
}
