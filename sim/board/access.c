/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of the CPUs (mem_*: EL2's own data, RAM), and the bus (bus_*:
 * any physical address, checked against regions and windows to the byte).
 */
#include <string.h>

#include "board_private.h"

void board_on_bus_error(struct board *b, bus_error_fn fn)
{
	b->priv->on_bus_error = fn;
}

void mem_bus_error(struct cpu *cpu, u64 pa)
{
	bus_error_fn fn = cpu->board->priv->on_bus_error;

	if (fn)
		fn(cpu, PA(pa));
	sim_bug(__FILE__, __LINE__, "an access where nothing answers, and nobody to tell");
}

static struct extent *extent_or_abort(struct cpu *cpu, u64 pa)
{
	struct extent *e = extent_at(cpu->board, pa);

	if (!e)
		mem_bus_error(cpu, pa);
	return e;
}

static inline bool tells_load(const struct board *b, u64 pa)
{
	return pa - b->loads_base < b->loads_size;
}

/* As event_emit(), of which a load may be told by where it reads. */
static inline void load_told(struct cpu *cpu, u64 pa, u64 val, unsigned int width,
			     enum mem_order mo)
{
	const struct event ev = {
		.kind = EV_LOAD, .order = (u8)mo, .arg = width, .addr = pa, .val = val
	};
	struct board *b = cpu->board;

	if (likely(!b->watched))
		return;
	b->seq++;
	if (tells_load(b, pa) && (b->kinds & BIT(EV_LOAD) || event_heeded(cpu, ev)))
		event_post(cpu, event_head(ev), NULL, pa, val, 0);
}

/* A load that is more than its bytes and its number, in a function of its own. */
static __attribute__((noinline)) u64 load_step(struct cpu *cpu, u64 pa, unsigned int width,
					       enum mem_order mo)
{
	struct extent *e;
	u64 val;

	event_step(cpu, EV_LOAD);
	e = extent_or_abort(cpu, pa);
	sim_assert(IS_ALIGNED(pa, width));
	val = bytes_get(e->bytes + (pa - e->base), width);
	load_told(cpu, pa, val, width, mo);
	return val;
}

/* Is a load from @pa more than its number? */
static inline bool hears_load(const struct board *b, u64 pa)
{
	return tells_load(b, pa) || board_steps(b);
}

/* A store that is more than its bytes and its event, in a function of its own. */
static __attribute__((noinline)) void store_step(struct cpu *cpu, u64 pa, u64 val,
						 unsigned int width, enum mem_order mo)
{
	struct extent *e;
	u64 old;
	u8 *p;

	event_step(cpu, EV_STORE);
	e = extent_or_abort(cpu, pa);
	sim_assert(IS_ALIGNED(pa, width));
	store_mark(cpu->board, e, pa - e->base);
	p = e->bytes + (pa - e->base);
	old = bytes_get(p, width);
	if (cpu->board->may && width == 8)
		past_stored(cpu, pa, old);
	bytes_put(p, val, width);
	event_emit(cpu, .kind = EV_STORE, .order = (u8)mo, .arg = width, .addr = pa, .val = val,
		   .old = old);
}

#define DEFINE_MEM_ACCESS(bits)                                                                    \
	u##bits mem_load##bits(struct cpu *cpu, pa_t pa, enum mem_order mo)                        \
	{                                                                                          \
		struct board *b = cpu->board;                                                      \
		const struct extent *e = b->last;                                                  \
		const u64 off = pa.pa - e->base;                                                   \
                                                                                                   \
		if (unlikely(off >= e->size || hears_load(b, pa.pa)))                              \
			return (u##bits)load_step(cpu, pa.pa, bits / 8, mo);                       \
		b->seq += b->watched;                                                              \
		return *(u##bits *)(e->bytes + off);                                               \
	}                                                                                          \
                                                                                                   \
	void mem_store##bits(struct cpu *cpu, pa_t pa, u##bits val, enum mem_order mo)             \
	{                                                                                          \
		struct board *b = cpu->board;                                                      \
		const struct extent *e = b->last;                                                  \
		const u64 off = pa.pa - e->base;                                                   \
		u##bits *p, old;                                                                   \
                                                                                                   \
		if (unlikely(off >= e->size || board_steps(b) || !IS_ALIGNED(pa.pa, bits / 8) ||   \
			     store_unmarked(e, off))) {                                            \
			store_step(cpu, pa.pa, val, bits / 8, mo);                                 \
			return;                                                                    \
		}                                                                                  \
		p = (u##bits *)(e->bytes + off);                                                   \
		old = *p;                                                                          \
		*p = val;                                                                          \
		event_emit(cpu, .kind = EV_STORE, .order = (u8)mo, .arg = bits / 8, .addr = pa.pa, \
			   .val = val, .old = old);                                                \
	}

DEFINE_MEM_ACCESS(8)
DEFINE_MEM_ACCESS(16)
DEFINE_MEM_ACCESS(32)
DEFINE_MEM_ACCESS(64)

bool mem_cmpxchg64(struct cpu *cpu, pa_t pa, u64 old, u64 new_val, enum mem_order mo)
{
	struct extent *e;
	u64 was;
	u8 *p;

	event_step(cpu, EV_STORE);
	e = extent_or_abort(cpu, pa.pa);
	sim_assert(IS_ALIGNED(pa.pa, 8));
	p = e->bytes + (pa.pa - e->base);
	was = bytes_get(p, 8);
	if (was != old) {
		load_told(cpu, pa.pa, was, 8, mo);
		return false;
	}
	store_mark(cpu->board, e, pa.pa - e->base);
	bytes_put(p, new_val, 8);
	if (unlikely(cpu->board->may))
		past_stored(cpu, pa.pa, old);
	event_emit(cpu, .kind = EV_STORE, .order = (u8)mo, .arg = 8, .addr = pa.pa, .val = new_val,
		   .old = old);
	return true;
}

/* Within one line, or one frame as a whole; false: that is not what it is. */
static inline bool zero_at_once(struct board *b, u64 pa, u64 bytes)
{
	struct extent *e = b->last;
	const u64 off = pa - e->base;

	if (off >= e->size || e->size - off < bytes)
		return false;
	if (bytes == FRAME_SIZE && IS_ALIGNED(off, FRAME_SIZE)) {
		ram_zero_frame(b, e, off);
		return true;
	}
	if (bytes > LINE_SIZE - off % LINE_SIZE)
		return false;
	if (e->frame[off >> FRAME_SHIFT] & FRAME_HOLDS(off)) {
		store_mark(b, e, off);
		if (bytes == 16) /* a list's node: two stores rather than a call */
			memset(e->bytes + off, 0, 16);
		else
			memset(e->bytes + off, 0, bytes);
	}
	return true;
}

void mem_zero(struct cpu *cpu, pa_t pa, u64 bytes)
{
	u64 bad;

	event_step(cpu, EV_ZERO);
	if (!zero_at_once(cpu->board, pa.pa, bytes) && !ram_zero(cpu->board, pa.pa, bytes, &bad))
		mem_bus_error(cpu, bad);
	event_emit(cpu, .kind = EV_ZERO, .addr = pa.pa, .val = bytes);
}

/* As the events tell it: a load and a store a word, so upwards only. */
static void copy_watched(struct cpu *cpu, u64 dst, u64 src, u64 bytes)
{
	if (!IS_ALIGNED(dst | src | bytes, 8)) {
		for (u64 i = 0; i < bytes; i++)
			mem_store8(cpu, PA(dst + i), mem_load8(cpu, PA(src + i), MO_PLAIN),
				   MO_PLAIN);
		return;
	}
	for (u64 i = 0; i < bytes; i += 8)
		mem_store64(cpu, PA(dst + i), mem_load64(cpu, PA(src + i), MO_PLAIN), MO_PLAIN);
}

void mem_copy(struct cpu *cpu, pa_t dst, pa_t src, u64 bytes)
{
	u64 bad;

	sim_assert(dst.pa - src.pa >= bytes || dst.pa == src.pa);
	if (cpu->board->watched)
		copy_watched(cpu, dst.pa, src.pa, bytes);
	else if (!ram_move(cpu->board, dst.pa, src.pa, bytes, &bad))
		mem_bus_error(cpu, bad);
}

/* ---- Looking ---------------------------------------------------------------------------- */

bool board_peek(struct board *b, pa_t pa, unsigned int width, u64 *val)
{
	struct extent *e = extent_at(b, pa.pa);
	const u8 *p;

	if (likely(e && e->solid && e->size - (pa.pa - e->base) >= width))
		p = e->bytes + (pa.pa - e->base);
	else
		p = ram_bytes(b, pa.pa, width, &e);
	if (!p)
		return false;
	*val = bytes_get(p, width);
	return true;
}

bool board_peek64(struct board *b, pa_t pa, u64 *val)
{
	struct extent *e = extent_at(b, pa.pa);

	if (unlikely(!e || !e->solid || !IS_ALIGNED(pa.pa, 8)))
		return board_peek(b, pa, 8, val);
	*val = *(u64 *)(e->bytes + (pa.pa - e->base));
	return true;
}

bool board_read_desc(void *ctx, pa_t pa, u64 *desc)
{
	return board_peek64(ctx, pa, desc);
}

/* ---- The bus ------------------------------------------------------------------------------ */

enum bus_result bus_read(struct cpu *cpu, pa_t pa, unsigned int width, u64 *val)
{
	return board_peek(cpu->board, pa, width, val) ? BUS_OK : BUS_ERROR;
}

enum bus_result bus_write(struct cpu *cpu, pa_t pa, unsigned int width, u64 val)
{
	struct board *b = cpu->board;
	const struct mmio_window *w;
	struct extent *e;
	u8 *p = ram_bytes(b, pa.pa, width, &e);

	if (!p)
		return BUS_ERROR;
	ram_mark(b, e, pa.pa - e->base, width);
	bytes_put(p, val, width);
	w = board_window_at(b, pa);
	if (w)
		device_written(cpu, w, pa.pa - w->base, width);
	return BUS_OK;
}
