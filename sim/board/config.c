/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board's configuration: copies, and the checks of what a user wrote. Nothing
 * is added before it was shown not to wrap.
 */
#include "board_private.h"

struct board_config *board_config_copy(const struct board_config *c)
{
	struct board_config *n = g_new(struct board_config, 1);

	*n = *c;
	n->ram = g_array_sized_new(FALSE, TRUE, sizeof(struct ram_region), c->ram->len);
	n->mmio = g_array_sized_new(FALSE, TRUE, sizeof(struct mmio_window), c->mmio->len);
	if (c->ram->len)
		g_array_append_vals(n->ram, c->ram->data, c->ram->len);
	if (c->mmio->len)
		g_array_append_vals(n->mmio, c->mmio->data, c->mmio->len);
	return n;
}

void board_config_free(struct board_config *c)
{
	if (!c)
		return;
	g_array_free(c->ram, TRUE);
	g_array_free(c->mmio, TRUE);
	g_free(c);
}

/* ---- Checks ------------------------------------------------------------------------------ */

/* A region or window on its way through the checks. */
struct piece {
	u64 base, size;
	const char *name; /* of the window; NULL: RAM */
	bool nomap;
	guint given; /* its place in the order given, windows after RAM */
};

static gchar *piece_words(const struct piece *p)
{
	return g_strdup_printf("%s%s 0x%" G_GINT64_MODIFIER "x+0x%" G_GINT64_MODIFIER "x",
			       p->name	  ? "window "
			       : p->nomap ? "nomap RAM"
					  : "RAM",
			       p->name ? p->name : "", p->base, p->size);
}

static void piece_error(GError **error, const struct piece *p, const char *what)
{
	gchar *words = piece_words(p);

	g_set_error(error, BOARD_ERROR, 0, "%s %s", words, what);
	g_free(words);
}

static void overlap_error(GError **error, const struct piece *p, const struct piece *other)
{
	gchar *a = piece_words(p), *b = piece_words(other);

	g_set_error(error, BOARD_ERROR, 0, "%s overlaps %s", a, b);
	g_free(a);
	g_free(b);
}

static GArray *pieces_of(const struct board_config *c)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct piece));

	for (guint i = 0; i < c->ram->len; i++) {
		const struct ram_region *r = &g_array_index(c->ram, struct ram_region, i);
		struct piece p = { r->base, r->size, NULL, r->nomap, i };

		g_array_append_val(all, p);
	}
	for (guint i = 0; i < c->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(c->mmio, struct mmio_window, i);
		struct piece p = { w->base, w->size, w->name, false, c->ram->len + i };

		g_array_append_val(all, p);
	}
	return all;
}

static const char *piece_fault(const struct piece *p, u64 limit)
{
	if (!p->size)
		return "is empty";
	if (p->base + (p->size - 1) < p->base)
		return "wraps";
	if (p->base >= limit || p->size > limit - p->base)
		return "is past the PA limit";
	return NULL;
}

static gint piece_order(gconstpointer a, gconstpointer b)
{
	const struct piece *x = a, *y = b;

	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return x->given < y->given ? -1 : x->given > y->given;
}

/*
 * The first overlap of a kind, in the order given: of a pair, what was given
 * later is to blame. @in: sorted; only pieces that @pick takes are compared.
 */
static bool no_overlap(const GArray *in, bool (*pick)(const struct piece *), unsigned int *which,
		       GError **error)
{
	const struct piece *far = NULL, *bad = NULL, *other = NULL;

	for (guint i = 0; i < in->len; i++) {
		const struct piece *p = &g_array_index(in, struct piece, i);

		if (!pick(p))
			continue;
		/* Two pieces of RAM, or of windows, or a window on RAM: far ends last. */
		if (far && p->base - far->base < far->size) {
			const struct piece *late = p->given > far->given ? p : far;

			if (!bad || late->given < bad->given) {
				bad = late;
				other = late == p ? far : p;
			}
		}
		if (!far || p->base + (p->size - 1) > far->base + (far->size - 1))
			far = p;
	}
	if (!bad)
		return true;
	*which = bad->given;
	overlap_error(error, bad, other);
	return false;
}

static bool is_ram(const struct piece *p)
{
	return !p->name;
}

static bool is_window(const struct piece *p)
{
	return p->name;
}

static bool is_mapped_or_window(const struct piece *p)
{
	return p->name || !p->nomap;
}

static bool check_pieces(const struct board_config *c, unsigned int *which, GError **error)
{
	GArray *all = pieces_of(c);
	u64 limit = BIT(c->f.pa_bits);
	bool ok = true;

	for (guint i = 0; ok && i < all->len; i++) {
		const struct piece *p = &g_array_index(all, struct piece, i);
		const char *fault = piece_fault(p, limit);

		if (!fault)
			continue;
		*which = i;
		piece_error(error, p, fault);
		ok = false;
	}
	if (ok) {
		g_array_sort(all, piece_order);
		ok = no_overlap(all, is_ram, which, error) &&
		     no_overlap(all, is_window, which, error) &&
		     no_overlap(all, is_mapped_or_window, which, error);
	}
	g_array_free(all, TRUE);
	return ok;
}

/* What the architecture has: sizes, and which granule takes which. */
static const char *features_fault(const struct board_config *c)
{
	const struct arch_features *f = &c->f;

	if (f->page_shift != 12 && f->page_shift != 14 && f->page_shift != 16)
		return "page size is none of 4K, 16K, 64K";
	switch (f->pa_bits) {
	case 32:
	case 36:
	case 40:
	case 42:
	case 44:
	case 48:
		break;
	case 52:
		if (f->page_shift != 16 && !f->lpa2)
			return "52 bits of physical address need lpa2 or 64K pages";
		break;
	default:
		return "PA size is none of 32, 36, 40, 42, 44, 48, 52";
	}
	if (f->lpa2 && f->page_shift == 16)
		return "lpa2 is not for 64K pages";
	if (c->n_cpus < 1 || c->n_cpus > BOARD_MAX_CPUS)
		return "a board has 1 to 64 CPUs";
	return NULL;
}

static gint ram_order(gconstpointer a, gconstpointer b)
{
	const struct ram_region *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static gint mmio_order(gconstpointer a, gconstpointer b)
{
	const struct mmio_window *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

bool board_config_check(struct board_config *c, unsigned int *which, GError **error)
{
	const char *fault = features_fault(c);

	*which = c->ram->len + c->mmio->len;
	if (fault) {
		g_set_error_literal(error, BOARD_ERROR, 0, fault);
		return false;
	}
	if (!check_pieces(c, which, error))
		return false;
	g_array_sort(c->ram, ram_order);
	g_array_sort(c->mmio, mmio_order);
	return true;
}
