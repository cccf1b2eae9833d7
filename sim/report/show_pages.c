// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages: who owns them, what is counted about them, and which are free.
 */
#include <string.h>

#include "model/model.h"
#include "grid.h"
#include "report_private.h"

/* "ram", "ram nomap", "device uart", "nothing" */
static char *place_words(struct show *s, u64 pa)
{
	const struct mmio_window *w = board_window_at(s->m->board, PA(pa));
	const struct ram_region *ram = board_ram_at(s->m->board, PA(pa));

	if (w)
		return g_strdup_printf("%s%s", w->name, ram ? " (in a carve-out)" : "");
	if (ram)
		return g_strdup(ram->nomap ? "ram, nomap" : "ram");
	return g_strdup("nothing there");
}

static void page_side(struct show *s, const char *side, enum page_state state, u64 pte, s8 level,
		      bool mapped, unsigned int stage)
{
	g_autofree char *brief = desc_brief(s->m->board->f, pte, stage, level);
	g_autofree char *words = el2_annotation_words(s->v->layout, pte);

	g_string_append_printf(s->out, "  %-9s %-15s %s  level %d  0x%016" PRIx64 "\n", side,
			       page_state_name[state], mapped ? "mapped    " : "not mapped", level,
			       pte);
	if (pte)
		g_string_append_printf(s->out, "  %-9s %s%s%s\n", "", brief, words[0] ? " " : "",
				       words);
}

bool show_page(struct show *s, GError **error)
{
	struct board *b = s->m->board;
	struct abs_page page;
	g_autofree char *place = NULL;
	u64 addr;

	if (!show_address(s, 0, &addr, error))
		return false;
	addr = ALIGN_DOWN(addr, UINT64_C(1) << b->f->page_shift);
	model_page(b, s->v, PA(addr), &page);
	place = place_words(s, addr);
	g_string_append_printf(s->out, "page 0x%" PRIx64 "  frame 0x%" PRIx64 "  %s\n", addr,
			       addr >> b->f->page_shift, place);
	g_string_append_printf(s->out, "  owner     %s\n", show_owner(s, &page));
	if (!s->v->initialised)
		return true;
	page_side(s, "host", page.host, page.host_pte, page.host_level, page.host_mapped, 2);
	page_side(s, "hyp", page.hyp, page.hyp_pte, page.hyp_level, page.hyp_mapped, 1);
	if (page.is_ram)
		g_string_append_printf(
			s->out, "  counts    refcount %u, sharers %u, EL2 VA 0x%" PRIx64 "\n",
			page.refcount, page.sharers, s->m->hyp->hyp_va(s->m->el2, PA(addr)));
	return true;
}

/* ---- Owners by range ---- */

enum owners_column { COL_FROM, COL_SIZE, COL_OWNER, COL_HOST, COL_HYP, COL_WHAT, N_COLS };

struct owners {
	struct show *s;
	u64 from, to;	 /* [from, to] */
	GPtrArray *rows; /* char *[N_COLS] */
	unsigned int width[N_COLS];
};

static void owners_row(struct owners *o, char *cells[N_COLS])
{
	for (unsigned int c = 0; c < N_COLS; c++)
		o->width[c] = MAX(o->width[c], (unsigned int)strlen(cells[c]));
	g_ptr_array_add(o->rows, g_memdup2(cells, N_COLS * sizeof(*cells)));
}

static void owners_row_free(void *data)
{
	char **cells = data;

	for (unsigned int c = 0; c < N_COLS; c++)
		g_free(cells[c]);
	g_free(cells);
}

/* What lies in a range that the tables do not tell apart: memory, or some of the windows. */
static char *range_words(struct show *s, u64 first, u64 last)
{
	const GArray *mmio = s->m->board->config->mmio;
	GString *words;

	if (board_ram_at(s->m->board, PA(first)))
		return place_words(s, first);
	words = g_string_new(NULL);
	for (unsigned int i = 0; i < mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, i);

		if (w->base > last || w->base + (w->size - 1) < first)
			continue;
		if (words->len > 100) {
			g_string_append(words, ", ...");
			break;
		}
		g_string_append_printf(words, "%s%s", words->len ? ", " : "", w->name);
	}
	if (!words->len)
		g_string_append(words, "nothing there");
	return g_string_free(words, FALSE);
}

static void owner_run(void *data, u64 base, u64 size, const struct abs_page *page)
{
	struct owners *o = data;
	const int digits = o->s->m->board->f->pa_bits / 4;
	u64 first = MAX(base, o->from), last = MIN(base + (size - 1), o->to);
	char *cells[N_COLS];

	if (first > last)
		return;
	cells[COL_FROM] = g_strdup_printf("0x%0*" PRIx64, digits, first);
	cells[COL_SIZE] = size_words(last - first + 1);
	cells[COL_OWNER] = g_strdup(show_owner(o->s, page));
	cells[COL_HOST] = g_strdup(page_state_name[page->host]);
	cells[COL_HYP] = g_strdup(page_state_name[page->hyp]);
	cells[COL_WHAT] = range_words(o->s, first, last);
	owners_row(o, cells);
}

static void print_owners(struct owners *o)
{
	GString *out = o->s->out;

	for (guint i = 0; i < o->rows->len; i++) {
		char **cells = o->rows->pdata[i];
		g_autofree char *indent = NULL;
		size_t line = out->len;

		for (unsigned int c = 0; c < COL_WHAT; c++)
			g_string_append_printf(out, c == COL_SIZE ? "%*s  " : "%-*s  ",
					       (int)o->width[c], cells[c]);
		indent = g_strnfill(out->len - line, ' ');
		append_wrapped(out, cells[COL_WHAT], indent, SHOW_WIDTH);
	}
}

bool show_owners(struct show *s, GError **error)
{
	char *head[N_COLS] = { "from", "size", "owner", "host", "hyp", "what" };
	struct owners o = { .s = s, .to = ~UINT64_C(0) };

	if (s->n_args > 0 && !show_address(s, 0, &o.from, error))
		return false;
	if (s->n_args > 1 && !show_address(s, 1, &o.to, error))
		return false;
	for (unsigned int c = 0; c < N_COLS; c++)
		head[c] = g_strdup(head[c]);
	o.rows = g_ptr_array_new_with_free_func(owners_row_free);
	owners_row(&o, head);
	model_for_each_run(s->m->board, s->v, owner_run, &o);
	print_owners(&o);
	g_ptr_array_unref(o.rows);
	return true;
}

/* ---- Pools ---- */

/* Blocks on one free list; a list that does not close is cut at the pool's size. */
static u64 list_length(struct show *s, const struct el2_pool_view *p, unsigned int order,
		       u64 *first, bool *broken)
{
	u64 head = p->heads.pa + 16 * order, node = 0, n = 0;

	*first = 0;
	*broken = false;
	if (!board_peek64(s->m->board, PA(head), &node)) {
		*broken = true;
		return 0;
	}
	while (node != head + s->v->layout->va_offset) {
		u64 pa = node - s->v->layout->va_offset;

		if (n++ >= p->pages || !board_peek64(s->m->board, PA(pa), &node)) {
			*broken = true;
			return n;
		}
		if (n == 1)
			*first = pa;
	}
	return n;
}

static void append_bar(GString *out, u64 part, u64 whole)
{
	unsigned int full = whole ? (unsigned int)(part * 40 / whole) : 0;

	/* Something is never shown as nothing, nor less than all as all. */
	if (part && !full)
		full = 1;
	g_string_append_c(out, '[');
	for (unsigned int i = 0; i < 40; i++)
		g_string_append_c(out, i < full ? '#' : '.');
	g_string_append_c(out, ']');
}

static void append_pool(struct show *s, const struct el2_pool_view *p)
{
	u64 page = UINT64_C(1) << s->m->board->f->page_shift;
	u64 nr_free = model_pool_free(s->m->board, s->v, p);

	g_string_append_printf(s->out, "%-8s 0x%" PRIx64 "-0x%" PRIx64 "  ", p->name, p->base,
			       p->base + p->pages * page);
	append_bar(s->out, p->pages - MIN(nr_free, p->pages), p->pages);
	g_string_append_printf(s->out,
			       "\n         %" PRIu64 " pages, %" PRIu64 " used, %" PRIu64 " free\n",
			       p->pages, p->pages - MIN(nr_free, p->pages), nr_free);
	for (unsigned int order = 0; order <= p->max_order; order++) {
		bool broken;
		u64 first, n = list_length(s, p, order, &first, &broken);

		if (!n && !broken)
			continue;
		g_string_append_printf(
			s->out, "         order %2u  %6" PRIu64 " block%s  next 0x%" PRIx64 "%s\n",
			order, n, n == 1 ? " " : "s", first,
			broken ? "  (the list is broken)" : "");
	}
}

bool show_pools(struct show *s, GError **error)
{
	for (unsigned int i = 0; i < s->v->n_pools; i++)
		append_pool(s, &s->v->pools[i]);
	for (unsigned int i = 0; i < s->v->n_guests; i++)
		append_pool(s, &s->v->guests[i]->pool);
	g_string_append_printf(s->out, "tables in use: host %" PRIu64 ", hyp %" PRIu64 "\n",
			       model_tables(s->m->board, &s->v->host_s2),
			       model_tables(s->m->board, &s->v->hyp_s1));
	return true;
}

/* ---- The array of protected registers ---- */

bool show_protected(struct show *s, GError **error)
{
	u64 page = UINT64_C(1) << s->m->board->f->page_shift;

	if (!s->v->n_protected_regs)
		g_string_append(s->out, "nothing is protected\n");
	for (unsigned int i = 0; i < s->v->n_protected_regs; i++) {
		const struct protect_entry *e = &s->v->protected_regs[i];
		enum owner first = model_owner(s->m->board, s->v, PA(e->base)), owner = first;
		g_autofree char *bytes = size_words(e->size), *place = place_words(s, e->base);

		for (u64 off = page; off < e->size && owner == first; off += page)
			owner = model_owner(s->m->board, s->v, PA(e->base + off));
		g_string_append_printf(s->out, "%2u  0x%012" PRIx64 " %7s  owner %-8s %s\n", i,
				       e->base, bytes,
				       owner == first ? owner_name[first] : "differs", place);
	}
	return true;
}
