/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sim/board share. Everything here is plain process memory
 * that snapshots leave alone; what they cover is in the arena (arena.c) or in
 * the storage behind extents (ram.c).
 */
#ifndef PKVM_SIM_BOARD_PRIVATE_H
#define PKVM_SIM_BOARD_PRIVATE_H

#include "board.h"

#define FRAME_SHIFT 12
#define FRAME_SIZE (1u << FRAME_SHIFT)
#define FRAME_LINES 0xff00u
#define LINE_SIZE 512u

/* ---- Memory of the process ------------------------------------------------------ */

/* Reserve zeroed memory that costs what is touched; NULL if it cannot be had. */
void *reserve(size_t bytes);
void release(void *p, size_t bytes);



/* ---- arena.c ---------------------------------------------------------------------- */

#define ARENA_BYTES (UINT64_C(4) << 30) /* address space; what is used is far less */

struct arena {
	u8 *base;
	size_t used;
};

bool arena_init(struct arena *a);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t bytes);

/* ---- snapshot.c ------------------------------------------------------------------- */

/*
 * Old bytes of lines, in the order of their first writing since the snapshot on
 * top was taken. A key is the line's address with flags below bit 9.
 */
#define UNDO_BYTES 1u /* its old bytes are the next of @bytes; else they were 0 */

struct undo {
	u64 *key;
	size_t n, room;
	u8 *bytes; /* LINE_SIZE each */
	size_t n_bytes, room_bytes;
};

struct snapshot {
	size_t undo, undo_bytes; /* where its part of the undo log starts */
	size_t compacted;	 /* entries in that part when it was last compacted */
	size_t arena_used;
	u8 *arena;
};

void undo_log(struct board *b, const struct extent *e, u64 off);
void snapshots_free(struct board *b);

/* ---- ram.c ---------------------------------------------------------------------------- */

struct ram {
	u8 *bytes;
	u16 *frame;
	u64 size;      /* bytes of all extents together */
	int fd;        /* file that holds bytes, then flags; 0: none */
	u64 touched;   /* frames */
	GArray *dirty; /* u64: address of each frame with a line flag set */
};

bool ram_init(struct board *b, GError **error);
void ram_free(struct board *b);
/* Forget which lines were written: what follows is logged anew. */
void ram_clean(struct board *b);
/* RAM, window or store at @addr. */
struct extent *extent_any(struct board *b, u64 addr);
/* Before bytes [off, off + n) of @e are written. */
void ram_mark(struct board *b, struct extent *e, u64 off, u64 n);
/* Zero the frame at @off, of which only lines that may hold something are written. */
void ram_zero_frame(struct board *b, struct extent *e, u64 off);
/* Both within populated extents; false: address @bad is not. */
bool ram_zero(struct board *b, u64 pa, u64 bytes, u64 *bad);
bool ram_move(struct board *b, u64 dst, u64 src, u64 bytes, u64 *bad);
/* Does every byte of the range lie in a RAM region or a window? */
bool ram_answers(const struct board *b, u64 pa, u64 bytes);
/* Storage of an access that lies in one region or window, else NULL. */
u8 *ram_bytes(struct board *b, u64 pa, unsigned int width, struct extent **e);

/* The widths of loads and stores are a move each; a piece of an access has any. */
static inline u64 bytes_get(const u8 *p, unsigned int width)
{
	u64 v = 0;

	if (width == 8)
		__builtin_memcpy(&v, p, 8);
	else if (width == 2)
		__builtin_memcpy(&v, p, 2);
	else if (width == 4)
		__builtin_memcpy(&v, p, 4);
	else if (width == 1)
		v = *p;
	else
		__builtin_memcpy(&v, p, width);
	return v;
}

static inline void bytes_put(u8 *p, u64 val, unsigned int width)
{
	if (width == 8)
		__builtin_memcpy(p, &val, 8);
	else if (width == 2)
		__builtin_memcpy(p, &val, 2);
	else if (width == 4)
		__builtin_memcpy(p, &val, 4);
	else if (width == 1)
		*p = (u8)val;
	else
		__builtin_memcpy(p, &val, width);
}

/* ---- device.c -------------------------------------------------------------------------- */

/* After the bytes of a write to @w went into its storage. */
void device_written(struct cpu *cpu, const struct mmio_window *w, u64 off, unsigned int width);

/* ---- choose.c ---------------------------------------------------------------------------- */

enum choose_how { CHOOSE_FIRST, CHOOSE_SEED, CHOOSE_SCRIPT, CHOOSE_ASK };

struct chooser {
	enum choose_how how;
	u64 seed;
	u32 *script;
	size_t n_script, next;
	board_answer_fn answer;
	void *answer_data;
	GArray *made; /* struct choice */
};

void chooser_init(struct chooser *c);
void chooser_free(struct chooser *c);

/* ---- past.c ---------------------------------------------------------------------------------- */

/* Of the block that runs; snapshots are taken outside of it. */
struct past {
	GArray *store, *tlbi;
	u32 now; /* counts TLBIs and DSBs */
};

void past_init(struct past *p);
void past_free(struct past *p);
void past_begin(struct board *b);
/* Where MAY_TLB is a choice, else nothing happens: 8 bytes of @old are overwritten; TLBI; DSB. */
void past_stored(const struct cpu *cpu, u64 pa, u64 old);
void past_invalidated(const struct cpu *cpu, const struct tlbi *i);
void past_waited(const struct cpu *cpu, const char *what);
/* Adds to @n results in @set of an access what else its CPU may have cached. How many then. */
unsigned int past_results(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
			  struct mmu_result *set, unsigned int n, unsigned int max);

/* ---- cpu.c, switch_*.S -------------------------------------------------------------------- */

/* Save the callee's registers on this stack and its top in *@save; go on at @to. */
void stack_switch(void **save, void *to);
/* A stack whose first switch calls coroutine_main(@arg). */
void *stack_prepare(void *base, size_t size, void *arg);
void coroutine_main(void *arg) __attribute__((noreturn));

struct coroutine {
	void *sp;     /* while it does not run */
	u8 *stack;    /* lowest usable byte */
	bool fresh;   /* nothing ran on it, or what ran was dropped */
	bool running; /* started and not ended */
	enum cpu_end end;
	cpu_fn fn;
	void *arg;
	s64 ret;
	void *fake; /* the address sanitizer's shadow of this stack */
};

struct scheduler {
	struct cpu *current; /* whose stack is on the processor; NULL: the caller's */
	bool on;	     /* board_run(): CPUs are switched at visible steps */
	bool starting;	     /* on the way to its first visible step */
	struct cpu *next;
	const struct board_scheduler *by; /* who says who is next; NULL: board_choose() */
	void *sp;	    /* of the caller */
	const void *bottom; /* of the caller's stack, for the address sanitizer */
	size_t size;
};

bool coroutine_init(struct cpu *cpu);
void coroutine_free(struct cpu *cpu);
/* From inside: leave the processor at a visible step until chosen again. */
void cpu_visible_step(struct cpu *cpu);
void cpu_give_up(struct cpu *cpu) __attribute__((noreturn));

/* ---- event.c ------------------------------------------------------------------------------- */

struct subscriber {
	u32 kinds;
	bool some; /* it may hear of others, and does not ask for them */
	event_fn fn;
	void *data;
};

struct listener {
	event_fn fn;
	void *data;
};

/* Those of one kind, in order; ends at fn == NULL. */
struct audience {
	struct board_private *p;
	struct listener l[BOARD_MAX_SUBSCRIBERS + 1];
};

void board_update_watched(struct board *b);
void board_update_audience(struct board *b);

/* ---- the private part of struct board ------------------------------------------------------- */

struct board_private {
	struct arena arena;
	struct ram ram;
	struct undo undo;
	GPtrArray *snapshots; /* struct snapshot, oldest first */
	GArray *subscribers;
	struct audience audience[N_EVENT_KINDS];
	struct event_ears ears;	 /* the same, as it is told */
	struct event_ring *ring; /* board_keep_events()'s */
	struct chooser chooser;
	struct past past;
	struct scheduler sched;
	bus_error_fn on_bus_error;
};

#endif
