// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine itself: memory map, CPUs, locks, TLBs, knobs, the last events.
 */
#include <string.h>

#include "model/model.h"
#include "report_private.h"

/* ---- Memory map ---- */

struct piece {
	u64 base, size;
	unsigned int depth; /* 0: of the board, 1: inside, EL2's */
	char words[64];
};

static gint compare_pieces(gconstpointer a, gconstpointer b)
{
	const struct piece *x = a, *y = b;

	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return (int)x->depth - (int)y->depth;
}

static void G_GNUC_PRINTF(5, 6)
	add_piece(GArray *list, u64 base, u64 size, unsigned int depth, const char *format, ...)
{
	struct piece p = { .base = base, .size = size, .depth = depth };
	va_list ap;

	if (!size)
		return;
	va_start(ap, format);
	g_vsnprintf(p.words, sizeof(p.words), format, ap);
	va_end(ap);
	g_array_append_val(list, p);
}

static void add_board(struct show *s, GArray *list)
{
	const struct board_config *c = s->m->board->config;

	for (unsigned int i = 0; i < c->ram->len; i++) {
		const struct ram_region *r = &g_array_index(c->ram, struct ram_region, i);

		add_piece(list, r->base, r->size, 0, "RAM%s", r->nomap ? ", nomap" : "");
	}
	for (unsigned int i = 0; i < c->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(c->mmio, struct mmio_window, i);

		add_piece(list, w->base, w->size, 0, "%s (%s)", w->name,
			  window_model_name[w->model]);
	}
}

static void add_el2(struct show *s, GArray *list)
{
	const struct el2_view *v = s->v;
	u64 page = UINT64_C(1) << s->m->board->f->page_shift;

	add_piece(list, v->text.base, v->text.size, 1, "EL2 .text");
	add_piece(list, v->rodata.base, v->rodata.size, 1, "EL2 .rodata");
	add_piece(list, v->data.base, v->data.size, 1, "EL2 .data");
	add_piece(list, v->bss.base, v->bss.size, 1, "EL2 .bss");
	add_piece(list, v->idmap.base, v->idmap.size, 1, "EL2 idmap");
	add_piece(list, v->hyp_mem.base, v->hyp_mem.size, 1, "EL2 memory");
	for (unsigned int i = 0; i < v->n_pools; i++)
		add_piece(list, v->pools[i].base, v->pools[i].pages * page, 2, "pool %s",
			  v->pools[i].name);
	for (unsigned int i = 0; i < v->n_protected_regs; i++)
		add_piece(list, v->protected_regs[i].base, v->protected_regs[i].size, 1,
			  "protected register %u", i);
}

bool show_map(struct show *s, GError **error)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(struct piece));

	add_board(s, list);
	add_el2(s, list);
	g_array_sort(list, compare_pieces);
	for (unsigned int i = 0; i < list->len; i++) {
		const struct piece *p = &g_array_index(list, struct piece, i);
		g_autofree char *bytes = size_words(p->size);

		g_string_append_printf(s->out, "0x%012" PRIx64 "-0x%012" PRIx64 " %7s  %*s%s%s\n",
				       p->base, p->base + (p->size - 1), bytes,
				       (int)(p->depth ? 3 * (p->depth - 1) : 0), "",
				       p->depth ? "+- " : "", p->words);
	}
	g_array_unref(list);
	g_string_append_printf(s->out,
			       "PA limit 0x%" PRIx64
			       ", pages of %uK, EL2's linear map at PA + 0x%" PRIx64 "\n",
			       board_pa_limit(s->m->board), 1u << (s->m->board->f->page_shift - 10),
			       s->v->layout->va_offset);
	return true;
}

/* ---- CPUs, locks ---- */

static const char *const cpu_state_words[] = {
	[CPU_IDLE] = "idle",	     [CPU_READY] = "ready", [CPU_RUNNING] = "running",
	[CPU_SPINNING] = "spinning", [CPU_DEAD] = "dead",
};

static unsigned int tlb_used(const struct tlb *tlb)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		n += tlb->e[i].valid;
	return n;
}

bool show_cpus(struct show *s, GError **error)
{
	struct board *b = s->m->board;

	for (unsigned int i = 0; i < b->n_cpus; i++) {
		const struct cpu *cpu = &b->cpus[i];

		g_string_append_printf(s->out, "cpu%-2u  %-8s  host stage 2 %-3s  TLB %2u of %u", i,
				       cpu_state_words[cpu->state], cpu->host_s2_on ? "on" : "off",
				       tlb_used(&cpu->tlb), TLB_ENTRIES);
		if (cpu->waits)
			g_string_append_printf(s->out, "  waits for %s (CPU %d)", cpu->waits->name,
					       cpu->waits->holder);
		g_string_append_c(s->out, '\n');
	}
	return true;
}

bool show_locks(struct show *s, GError **error)
{
	for (const struct spinlock *l = s->m->board->locks; l; l = l->next) {
		if (spin_is_locked(l))
			g_string_append_printf(
				s->out, "%-16s held by CPU %d, taken in %s at event %" PRIu64 "\n",
				l->name, l->holder, l->fn ? l->fn : "?", l->seq);
		else
			g_string_append_printf(s->out, "%-16s free\n", l->name);
	}
	if (!s->m->board->locks)
		g_string_append(s->out, "there is no lock yet\n");
	return true;
}

/* ---- TLBs ---- */

static void tlb_row(struct show *s, unsigned int cpu, const struct tlb_entry *e)
{
	g_autofree char *bytes = size_words(e->size);

	g_string_append_printf(s->out,
			       "cpu%-2u %-7s  0x%-12" PRIx64 " %5s  0x%-12" PRIx64
			       "  %c%c%c  %5d %5u  %" PRIu64 "\n",
			       cpu, e->regime == TLB_EL2 ? "EL2" : "stage 2", e->ia, bytes,
			       e->oa.pa, e->r ? 'r' : '-', e->w ? 'w' : '-', e->x ? 'x' : '-',
			       e->level, e->vmid, e->seq);
}

bool show_tlb(struct show *s, GError **error)
{
	struct board *b = s->m->board;
	bool any = false;

	for (unsigned int i = 0; i < b->n_cpus; i++) {
		for (unsigned int k = 0; k < TLB_ENTRIES; k++) {
			const struct tlb_entry *e = &b->cpus[i].tlb.e[k];

			if (!e->valid)
				continue;
			if (!any)
				g_string_append(s->out,
						"      regime   from            size  "
						"to              may  level  vmid  event\n");
			any = true;
			tlb_row(s, i, e);
		}
	}
	if (!any)
		g_string_append(s->out, "every TLB is empty\n");
	return true;
}

/* ---- Events, panic ---- */

bool show_events(struct show *s, GError **error)
{
	u64 limit = 200;
	size_t first = 0;

	if (s->n_args && !show_address(s, 0, &limit, error))
		return false;
	if (s->n_events > limit)
		first = s->n_events - (size_t)limit;
	if (first)
		g_string_append_printf(s->out, "(%zu earlier events)\n", first);
	for (size_t i = first; i < s->n_events; i++) {
		trace_line(s->out, &s->events[i]);
		g_string_append_c(s->out, '\n');
	}
	if (!s->n_events)
		g_string_append(s->out, "the last action caused no event\n");
	return true;
}

bool show_panic(struct show *s, GError **error)
{
	const struct el2_panic *p = s->m->hyp->panic(s->m->el2);
	g_autofree char *words = NULL;

	if (!p || !p->happened) {
		g_string_append(s->out, "EL2 has not panicked\n");
		return true;
	}
	words = report_panic(p);
	g_string_append_printf(s->out, "%s\n", words);
	return true;
}

/* ---- Knobs ---- */

static void append_values(GString *out, const struct knob *k, u8 now)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(k->value) && k->value[i].name; i++)
		g_string_append_printf(
			out, "  %c %-10s %-7s %s\n", i == now ? '>' : ' ', k->value[i].name,
			k->value[i].kind == KNOB_DEFECT ? "defect" : "design", k->value[i].doc);
}

bool show_knobs(struct show *s, GError **error)
{
	const struct el2_config *c = s->m->config;
	enum knob_id only = N_KNOBS;

	if (s->n_args && !el2_knob_find(s->args[0], &only)) {
		g_set_error(error, REPORT_ERROR, 0, "there is no knob called \"%s\"", s->args[0]);
		return false;
	}
	if (s->n_args) {
		g_string_append_printf(s->out, "%s: %s\n", el2_knobs[only].name,
				       el2_knobs[only].doc);
		append_values(s->out, &el2_knobs[only], c->knob[only]);
		return true;
	}
	g_string_append_printf(s->out, "kernel %s\n", c->profile->name);
	for (unsigned int i = 0; i < N_KNOBS; i++) {
		const char *usual = el2_knob_value_name(i, c->profile->knob[i]);

		g_string_append_printf(s->out, "%-20s %-9s", el2_knobs[i].name,
				       el2_knob_value_name(i, c->knob[i]));
		if (c->knob[i] != c->profile->knob[i])
			g_string_append_printf(s->out, " (%s has %s)", c->profile->name, usual);
		g_string_append_c(s->out, '\n');
	}
	return true;
}
