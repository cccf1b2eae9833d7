/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device models. Both keep their registers in the storage of their window:
 * `regs` is nothing but that, `dma` moves memory when told to.
 */
#include "board_private.h"

const char *const window_model_name[N_WINDOW_MODELS] = {
	[WINDOW_REGS] = "regs",
	[WINDOW_DMA] = "dma",
};

/* Registers of `dma`, 8 bytes each. */
#define DMA_SRC 0
#define DMA_DST 8
#define DMA_BYTES 16
#define DMA_START 24
#define DMA_DONE 1
#define DMA_REFUSED 2

static u64 reg_get(struct board *b, const struct mmio_window *w, u64 reg)
{
	u64 val = 0;

	(void)board_peek(b, PA(w->base + reg), 8, &val);
	return val;
}

static void reg_put(struct board *b, const struct mmio_window *w, u64 reg, u64 val)
{
	struct extent *e;
	u8 *p = ram_bytes(b, w->base + reg, 8, &e);

	if (!p)
		return;
	ram_mark(b, e, w->base + reg - e->base, 8);
	bytes_put(p, val, 8);
}

/* As events tell of a window. */
static u8 number_of(const struct board *b, const struct mmio_window *w)
{
	const struct mmio_window *first = (const struct mmio_window *)(void *)b->config->mmio->data;
	const ptrdiff_t i = w - first;

	sim_assert(i >= 0 && i < b->config->mmio->len);
	return i < UINT8_MAX ? (u8)(i + 1) : 0;
}

/*
 * The whole transfer, as if all were read before any is written; or none of it,
 * where a byte of either side does not answer or a range wraps. What it writes
 * into a window is stored there and starts nothing: devices do not chain.
 */
static bool dma_transfer(struct cpu *cpu, const struct mmio_window *w, u64 src, u64 dst, u64 bytes)
{
	struct board *b = cpu->board;
	u64 bad;

	if (!ram_answers(b, src, bytes) || !ram_answers(b, dst, bytes))
		return false;
	event_step(cpu, EV_ACCESS);
	event_emit(cpu, .kind = EV_ACCESS, .what = "dma read", .sub = number_of(b, w), .addr = src,
		   .val = bytes, .old = src);
	sim_assert(ram_move(b, dst, src, bytes, &bad));
	event_emit(cpu, .kind = EV_ACCESS, .what = "dma write", .sub = number_of(b, w), .addr = dst,
		   .val = bytes, .old = dst);
	return true;
}

void device_written(struct cpu *cpu, const struct mmio_window *w, u64 off, unsigned int width)
{
	struct board *b = cpu->board;
	bool done;

	if (w->model != WINDOW_DMA || off > DMA_START || off + width <= DMA_START)
		return;
	if (reg_get(b, w, DMA_START) != 1)
		return;
	done = dma_transfer(cpu, w, reg_get(b, w, DMA_SRC), reg_get(b, w, DMA_DST),
			    reg_get(b, w, DMA_BYTES));
	reg_put(b, w, DMA_START, done ? DMA_DONE : DMA_REFUSED);
}

/*
 * No MMU stands between a `dma` device and memory: what it can address, it
 * reaches. Emits the access; @cpu is on whose account it stands.
 */
enum bus_result bus_dma(struct cpu *cpu, const struct mmio_window *w, pa_t pa, bool write,
			unsigned int width, u64 *val)
{
	enum bus_result res;

	sim_assert(w->model == WINDOW_DMA);
	event_step(cpu, EV_ACCESS);
	res = write ? bus_write(cpu, pa, width, *val) : bus_read(cpu, pa, width, val);
	if (res == BUS_OK)
		event_emit(cpu, .kind = EV_ACCESS, .what = write ? "dma write" : "dma read",
			   .sub = number_of(cpu->board, w), .arg = width, .addr = pa.pa,
			   .val = *val, .old = pa.pa);
	return res;
}
