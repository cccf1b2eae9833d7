/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storage behind RAM regions and MMIO windows: sparse, with one flag word a
 * 4 KiB frame. Two mappings hold all extents of a board one after the other, so
 * that a 64 GiB board and a 1 TiB window cost what is touched. Stores (books kept
 * beside the machine) are the same thing on no bus.
 */
#include <string.h>
#include <unistd.h>

#include "board_private.h"

#define EXTENT_ALIGN UINT64_C(0x10000)

struct span {
	u64 base, end;
	bool exact; /* not rounded: every byte of it answers */
};

static gint span_order(gconstpointer a, gconstpointer b)
{
	const struct span *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static GArray *spans_of(const struct board_config *c)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));
	struct span s;

	for (guint i = 0; i < c->ram->len; i++) {
		const struct ram_region *r = &g_array_index(c->ram, struct ram_region, i);

		s = (struct span){ r->base, r->base + r->size, true };
		g_array_append_val(spans, s);
	}
	for (guint i = 0; i < c->mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(c->mmio, struct mmio_window, i);

		s = (struct span){ w->base, w->base + w->size, true };
		g_array_append_val(spans, s);
	}
	g_array_sort(spans, span_order);
	return spans;
}

/*
 * Round to the extents' alignment and join what touches. @exact survives where
 * neither rounding nor a seam left a byte that does not answer.
 */
static void spans_join(GArray *spans)
{
	guint n = 0;

	for (guint i = 0; i < spans->len; i++) {
		struct span s = g_array_index(spans, struct span, i);
		struct span *last = n ? &g_array_index(spans, struct span, n - 1) : NULL;
		u64 base = ALIGN_DOWN(s.base, EXTENT_ALIGN);

		if (last && base <= ALIGN_UP(last->end, EXTENT_ALIGN)) {
			last->exact = last->exact && s.base <= last->end;
			last->end = MAX(last->end, s.end);
			continue;
		}
		s.exact = s.base == base;
		s.base = base;
		g_array_index(spans, struct span, n++) = s;
	}
	g_array_set_size(spans, n);
	for (guint i = 0; i < n; i++) {
		struct span *s = &g_array_index(spans, struct span, i);

		s->exact = s->exact && IS_ALIGNED(s->end, EXTENT_ALIGN);
		s->end = ALIGN_UP(s->end, EXTENT_ALIGN);
	}
}

static bool ram_reserve(struct ram *ram, u64 size, bool shared)
{
	ram->size = size;
	if (shared) {
		ram->bytes = reserve_shared(size + (size >> FRAME_SHIFT) * sizeof(u16), &ram->fd);
		ram->frame = ram->bytes ? (u16 *)(ram->bytes + size) : NULL;
		return ram->bytes;
	}
	ram->bytes = reserve(size);
	ram->frame = reserve((size >> FRAME_SHIFT) * sizeof(u16));
	return ram->bytes && ram->frame;
}

/* Regions too far apart to share an extent, more of them than the arena is for. */
#define EXTENTS_MAX (1u << 24)

bool ram_init(struct board *b, GError **error)
{
	struct ram *ram = &b->priv->ram;
	GArray *spans = spans_of(b->config);
	u64 size = 0;

	spans_join(spans);
	if (spans->len > EXTENTS_MAX) {
		g_set_error(error, BOARD_ERROR, 0, "%u separate regions are too many", spans->len);
		g_array_free(spans, TRUE);
		return false;
	}
	/* One more, empty, so that the cache of the last one always points at one. */
	b->n_extents = spans->len;
	b->extent = arena_alloc(&b->priv->arena, (spans->len + 1) * sizeof(*b->extent));
	b->last = &b->extent[b->n_extents];
	ram->dirty = g_array_new(FALSE, FALSE, sizeof(u64));
	for (guint i = 0; i < spans->len; i++)
		size += g_array_index(spans, struct span, i).end -
			g_array_index(spans, struct span, i).base;
	if (size && !ram_reserve(ram, size, b->config->shared)) {
		g_set_error(error, BOARD_ERROR, 0,
			    "this system does not give address space for %" G_GUINT64_FORMAT
			    " MiB of RAM and windows",
			    size >> 20);
		g_array_free(spans, TRUE);
		return false;
	}
	size = 0;
	for (guint i = 0; i < spans->len; i++) {
		const struct span *s = &g_array_index(spans, struct span, i);

		b->extent[i] = (struct extent){
			.base = s->base,
			.size = s->end - s->base,
			.solid = s->exact,
			.bytes = ram->bytes + size,
			.frame = ram->frame + (size >> FRAME_SHIFT),
		};
		size += s->end - s->base;
	}
	g_array_free(spans, TRUE);
	return true;
}

void ram_free(struct board *b)
{
	struct ram *ram = &b->priv->ram;

	for (struct extent *e = b->store; e; e = e->next) {
		release(e->bytes, e->size);
		release(e->frame, (e->size >> FRAME_SHIFT) * sizeof(u16));
	}
	if (b->config->shared && ram->bytes) {
		release(ram->bytes, ram->size + (ram->size >> FRAME_SHIFT) * sizeof(u16));
		close(ram->fd);
	} else {
		release(ram->bytes, ram->size);
		release(ram->frame, (ram->size >> FRAME_SHIFT) * sizeof(u16));
	}
	if (ram->dirty)
		g_array_free(ram->dirty, TRUE);
}

u64 board_resident_bytes(const struct board *b)
{
	return b->priv->ram.touched << FRAME_SHIFT;
}

int board_storage(const struct board *b, u64 *bytes)
{
	*bytes = b->priv->ram.size;
	return b->config->shared ? b->priv->ram.fd : -1;
}

u64 board_storage_offset(const struct board *b, const struct extent *e)
{
	return (u64)(e->bytes - b->priv->ram.bytes);
}

struct extent *extent_find(struct board *b, u64 pa)
{
	unsigned int lo = 0, hi = b->n_extents;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		struct extent *e = &b->extent[mid];

		if (pa - e->base < e->size) {
			b->last = e;
			return e;
		}
		if (pa < e->base)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* ---- Storage beside the machine --------------------------------------------------------- */

/* Stores have addresses of their own, past those of any machine. */
#define STORE_BASE BIT(60)

struct extent *board_store_new(struct board *b, u64 bytes)
{
	struct extent *e = board_alloc(b, sizeof(*e));

	*e = (struct extent){
		.base = b->store ? b->store->base + b->store->size : STORE_BASE,
		.size = ALIGN_UP(bytes, EXTENT_ALIGN),
		.solid = true,
		.next = b->store,
	};
	e->bytes = reserve(e->size);
	e->frame = reserve((e->size >> FRAME_SHIFT) * sizeof(u16));
	if (!e->bytes || !e->frame) {
		release(e->bytes, e->size);
		release(e->frame, (e->size >> FRAME_SHIFT) * sizeof(u16));
		return NULL;
	}
	b->store = e;
	return e;
}

struct extent *extent_any(struct board *b, u64 addr)
{
	struct extent *e = b->store;

	if (likely(addr < STORE_BASE))
		return extent_at(b, addr);
	while (e && addr - e->base >= e->size)
		e = e->next;
	return e;
}

/* ---- Flags --------------------------------------------------------------------------- */

void extent_mark(struct board *b, struct extent *e, u64 off)
{
	struct ram *ram = &b->priv->ram;
	u16 *f = &e->frame[off >> FRAME_SHIFT];
	u16 line = (u16)FRAME_LINE(off);

	if (!(*f & line)) {
		if (!(*f & FRAME_LINES)) {
			u64 frame = ALIGN_DOWN(e->base + off, FRAME_SIZE);

			g_array_append_val(ram->dirty, frame);
		}
		if (b->priv->snapshots->len)
			undo_log(b, e, off);
		*f |= line;
	}
	ram->touched += !(*f & FRAME_TOUCHED);
	*f |= (u16)FRAME_HOLDS(off);
}

void ram_mark(struct board *b, struct extent *e, u64 off, u64 n)
{
	u64 last = ALIGN_DOWN(off + n - 1, LINE_SIZE);

	for (u64 o = ALIGN_DOWN(off, LINE_SIZE); o <= last; o += LINE_SIZE)
		store_mark(b, e, o);
}

void ram_clean(struct board *b)
{
	GArray *dirty = b->priv->ram.dirty;

	for (guint i = 0; i < dirty->len; i++) {
		u64 pa = g_array_index(dirty, u64, i);
		struct extent *e = extent_any(b, pa);

		e->frame[(pa - e->base) >> FRAME_SHIFT] &= FRAME_TOUCHED;
	}
	g_array_set_size(dirty, 0);
}

/* ---- Bulk work at the cost of what was touched ----------------------------------------- */

/* The first touched frame of [i, end), or @end: four flag words at a time. */
static u64 next_touched(const struct extent *e, u64 i, u64 end)
{
	const u64 touched = FRAME_TOUCHED * UINT64_C(0x0001000100010001);
	u64 four;

	for (; i < end; i++) {
		while (end - i >= 4) {
			memcpy(&four, &e->frame[i], sizeof(four));
			if (four & touched)
				break;
			i += 4;
		}
		if (i < end && (e->frame[i] & FRAME_TOUCHED))
			return i;
	}
	return end;
}

void ram_zero_frame(struct board *b, struct extent *e, u64 off)
{
	u16 *f = &e->frame[off >> FRAME_SHIFT];

	for (unsigned int left = *f & FRAME_TOUCHED; left; left &= left - 1) {
		const u64 line = off + (u64)__builtin_ctz(left) * LINE_SIZE;

		store_mark(b, e, line);
		memset(e->bytes + line, 0, LINE_SIZE);
	}
	b->priv->ram.touched -= !!(*f & FRAME_TOUCHED);
	*f &= (u16)~FRAME_TOUCHED;
}

static void zero_in_extent(struct board *b, struct extent *e, u64 off, u64 bytes)
{
	u64 end = off + bytes;

	while (off < end) {
		u64 i = next_touched(e, off >> FRAME_SHIFT, (end + FRAME_SIZE - 1) >> FRAME_SHIFT);
		u64 n;

		off = MAX(off, i << FRAME_SHIFT);
		if (off >= end)
			return;
		n = MIN(end, (i + 1) << FRAME_SHIFT) - off;
		if (n == FRAME_SIZE) {
			ram_zero_frame(b, e, off);
		} else {
			ram_mark(b, e, off, n);
			memset(e->bytes + off, 0, n);
		}
		off += n;
	}
}

bool ram_zero(struct board *b, u64 pa, u64 bytes, u64 *bad)
{
	while (bytes) {
		struct extent *e = extent_at(b, pa);
		u64 n;

		*bad = pa;
		if (!e)
			return false;
		n = MIN(bytes, e->size - (pa - e->base));
		zero_in_extent(b, e, pa - e->base, n);
		pa += n;
		bytes -= n;
	}
	return true;
}

/* One piece that crosses no frame of either side. */
static void move_piece(struct board *b, struct extent *d, u64 doff, struct extent *s, u64 soff,
		       u64 n)
{
	if (!(s->frame[soff >> FRAME_SHIFT] & FRAME_TOUCHED)) {
		zero_in_extent(b, d, doff, n);
		return;
	}
	ram_mark(b, d, doff, n);
	memmove(d->bytes + doff, s->bytes + soff, n);
}

/* Bytes from @pa up to the end of its frame, or from its start up to and with @pa. */
static u64 to_edge(u64 pa, bool down)
{
	return down ? (pa & (FRAME_SIZE - 1)) + 1 : FRAME_SIZE - (pa & (FRAME_SIZE - 1));
}

/*
 * Copy as if all were read before any is written: upwards, or downwards where
 * the destination starts inside the source.
 */
bool ram_move(struct board *b, u64 dst, u64 src, u64 bytes, u64 *bad)
{
	bool down = dst - src < bytes;

	while (bytes) {
		u64 s = down ? src + bytes - 1 : src;
		u64 d = down ? dst + bytes - 1 : dst;
		u64 n = MIN(bytes, MIN(to_edge(s, down), to_edge(d, down)));
		struct extent *se = extent_at(b, s), *de = extent_at(b, d);

		*bad = se ? d : s;
		if (!se || !de)
			return false;
		if (down) {
			move_piece(b, de, d - de->base - (n - 1), se, s - se->base - (n - 1), n);
		} else {
			move_piece(b, de, d - de->base, se, s - se->base, n);
			src += n;
			dst += n;
		}
		bytes -= n;
	}
	return true;
}

/* ---- What answers at an address ---------------------------------------------------------- */

const struct ram_region *board_ram_at(const struct board *b, pa_t pa)
{
	GArray *ram = b->config->ram;
	guint lo = 0, hi = ram->len;

	while (lo < hi) {
		guint mid = lo + (hi - lo) / 2;
		const struct ram_region *r = &g_array_index(ram, struct ram_region, mid);

		if (pa.pa - r->base < r->size)
			return r;
		if (pa.pa < r->base)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct mmio_window *board_window_at(const struct board *b, pa_t pa)
{
	GArray *mmio = b->config->mmio;
	guint lo = 0, hi = mmio->len;

	while (lo < hi) {
		guint mid = lo + (hi - lo) / 2;
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, mid);

		if (pa.pa - w->base < w->size)
			return w;
		if (pa.pa < w->base)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* Bytes from @pa to the end of the region or window that it lies in; 0: in none. */
static u64 answers_for(const struct board *b, u64 pa)
{
	const struct mmio_window *w = board_window_at(b, PA(pa));
	const struct ram_region *r;

	if (w)
		return w->size - (pa - w->base);
	r = board_ram_at(b, PA(pa));
	return r ? r->size - (pa - r->base) : 0;
}

bool ram_answers(const struct board *b, u64 pa, u64 bytes)
{
	while (bytes) {
		u64 n = MIN(bytes, answers_for(b, pa));

		if (!n)
			return false;
		pa += n;
		bytes -= n;
	}
	return true;
}

u8 *ram_bytes(struct board *b, u64 pa, unsigned int width, struct extent **e)
{
	*e = extent_at(b, pa);
	if (!*e || answers_for(b, pa) < width)
		return NULL;
	return (*e)->bytes + (pa - (*e)->base);
}
