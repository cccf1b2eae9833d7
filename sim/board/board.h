/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake machine: RAM, MMIO windows and devices, CPUs, locks, events,
 * choices, arena and snapshots. It is what hardware is; it knows nothing of
 * Linux. Several boards live in one process; nothing here is global.
 *
 * Rules for everything above the board:
 *  - simulated memory is touched through mem_*() and bus_*() only;
 *  - every other byte that changes while the machine runs is allocated with
 *    board_alloc(), when the machine is made;
 *  - a CPU may be switched away at any event, and holds nothing that needs
 *    freeing across one.
 */
#ifndef PKVM_SIM_BOARD_H
#define PKVM_SIM_BOARD_H

#include <glib.h>

#include "sim/arch/arch.h"

struct board;
struct cpu;

/* ---- Configuration ----------------------------------------------------------- */

#define BOARD_MAX_CPUS 64

enum window_model { WINDOW_REGS, WINDOW_DMA, N_WINDOW_MODELS };
extern const char *const window_model_name[N_WINDOW_MODELS];

struct ram_region {
	u64 base, size; /* bytes, need not be page aligned */
	bool nomap;     /* firmware carve-out */
};

struct mmio_window {
	char name[32];
	u64 base, size; /* bytes */
	enum window_model model;
};

struct board_config {
	char name[32];
	struct arch_features f;
	unsigned int n_cpus;
	GArray *ram;  /* struct ram_region, sorted by base */
	GArray *mmio; /* struct mmio_window, sorted by base */
	bool shared;  /* another process may work on its storage: board_storage() */
};

/* A built-in board: "virt", "phone", "server48", "tiny"; NULL if there is none. */
struct board_config *board_config_machine(const char *name);
const char *const *board_machine_names(void); /* NULL terminated */
const char *board_machine_doc(const char *name);
struct board_config *board_config_copy(const struct board_config *c);
void board_config_free(struct board_config *c);
/*
 * Overlaps (RAM over RAM, window over window, window over RAM that is not
 * nomap), wrap, empty regions, past the PA limit. Sorts both arrays.
 * On error *@which is the index in the order given (RAM first, then windows),
 * so that the caller can point at its line; of two that overlap the later one.
 * One past the last: page size, PA size, LPA2 or CPU count, which come first.
 */
bool board_config_check(struct board_config *c, unsigned int *which, GError **error);

#define BOARD_ERROR board_error_quark()
GQuark board_error_quark(void);

/* ---- Events -------------------------------------------------------------------- */

enum event_kind {
	EV_LOCK,   /* what: lock, arg: its rank; sub: EV_LOCK_NEVER if this CPU hangs on it */
	EV_UNLOCK, /* what: lock */
	EV_LOAD,   /* addr: PA, val: value, arg: width */
	EV_STORE,  /* addr: PA, val: new, old: old, arg: width; order */
	EV_TLBI,   /* sub: enum tlbi_op, addr: bytes, val: level hint or pages, old: vmid */
	EV_DSB,    /* what: "ish", "ishst", "nsh", ... */
	EV_ISB,
	EV_ALLOC,  /* what: pool, addr: PA (0: the pool is empty), val: order or pages */
	EV_FREE,   /* what: pool, addr: PA, val: order or pages */
	EV_GET,    /* addr: PA of the page, val: new count */
	EV_PUT,    /* addr: PA of the page, val: new count */
	EV_ZERO,   /* addr: PA, val: bytes */
	EV_CMO,    /* what: "dc_civac", "ic_ivau", "ic_ialluis"; addr: PA, old: VA, val: bytes */
	EV_TRAP,   /* what: "hvc", "smc", "host_abort", "eret_host"; addr: id */
	EV_ABORT,  /* a fault taken or injected; what: how, addr: IPA, val: ESR */
	EV_ACCESS, /* what: "host read", ...; addr: IA, val: value, old: output PA, arg: width.
		      "dma read", "dma write" with arg 0 are a whole transfer: val is its bytes.
		      sub: whose registers, the window's number from 1 (0: above 255).
		      Where what ends in "write" the bytes from the output PA changed. */
	EV_PANIC,  /* what: reason */
	EV_CALL,   /* what: function entered; addr, val: its arguments */
	EV_RET,    /* what: function left; addr: its first argument, val: result */
	N_EVENT_KINDS
};

extern const char *const event_kind_name[N_EVENT_KINDS]; /* "lock", "unlock", ... */

#define EV_LOCK_NEVER 1 /* self-deadlock, or nobody is left to free it */

enum mem_order { MO_PLAIN, MO_ONCE, MO_ACQUIRE, MO_RELEASE };

struct event {
	u64 seq;         /* counts from 1 since the board was made; 0: none */
	u8 kind;         /* enum event_kind */
	u8 cpu;
	u8 sub;          /* see the kind */
	u8 order;        /* enum mem_order */
	u32 arg;
	const char *fn;  /* the simulator's function that did it; static */
	const char *what;/* static, or lives as long as the board */
	u64 addr, val, old;
};

/* Called after the effect, in order of subscription. Must not touch the machine. */
typedef void (*event_fn)(void *data, const struct event *ev);
#define BOARD_MAX_SUBSCRIBERS 15 /* at a time */
void board_subscribe(struct board *b, event_fn fn, void *data);
/* Only events of @kinds, BIT(EV_*): others cost next to nothing. All are numbered. */
void board_subscribe_kinds(struct board *b, u32 kinds, event_fn fn, void *data);
void board_unsubscribe(struct board *b, event_fn fn, void *data);
/*
 * Events of one of the kinds LOOKED_AT, of which most say nothing: where nobody wants them
 * all, @heeds is asked about each, in few words and before it is written down. One a kind.
 */
struct cpu;
typedef bool (*event_look_fn)(void *data, const struct cpu *cpu, u64 addr, u64 val, u64 old,
			      u32 arg);
#define LOOKED_AT                                                                       \
	(BIT(EV_LOCK) | BIT(EV_UNLOCK) | BIT(EV_LOAD) | BIT(EV_DSB) | BIT(EV_GET) |     \
	 BIT(EV_PUT))
void board_subscribe_some(struct board *b, enum event_kind kind, event_look_fn heeds, event_fn fn,
			  void *data);
/*
 * Of loads, of which there are more than of all else, it is asked about those from what was
 * said here last, which is one range; size 0, as at first: none.
 */
void board_loads_from(struct board *b, u64 base, u64 size);
/*
 * The number of the last event that is allowed, 0: no limit. May be called from a
 * subscriber, to end what runs. Snapshots leave it alone.
 */
void board_limit_steps(struct board *b, u64 limit);

/*
 * The last events of all kinds, kept as they come: event number i of those is
 * ev[i & mask]. Cheaper than to subscribe, as each is written where it stays.
 */
struct event_ring {
	struct event *ev;
	u64 mask;                 /* how many it holds, a power of two, less one */
	u64 n;                    /* that came so far */
	u64 count[N_EVENT_KINDS]; /* of them */
};
/* One a board; NULL: no more. Snapshots leave it alone. */
void board_keep_events(struct board *b, struct event_ring *ring);

/*
 * One event with its effect:
 *	event_step(cpu) at the visible step, before the effect (may switch CPUs),
 *	then the effect, then event_emit() with the result.
 * Both cost one predictable branch when nobody watches.
 */
void event_step_slow(struct cpu *cpu, enum event_kind kind);
/* Who hears of one kind, and keeps it. Mostly it is one, which is told without a loop. */
struct event_ear {
	event_fn fn; /* never NULL */
	void *data;
	event_look_fn heeds; /* of board_subscribe_some(), or NULL */
	void *heeds_data;
};
struct event_ears {
	struct event *slot; /* where the next event is written down */
	struct event_ear of[N_EVENT_KINDS];
	struct event last; /* where it is if nobody keeps them */
};

/* ---- The machine ------------------------------------------------------------ */

/*
 * Storage behind RAM regions and windows: page frames that cost nothing until
 * written. One flag word a 4 KiB frame, of which a bit stands for a 512-byte line:
 * bits 0..7 it may hold non-zero bytes, bits 8..15 it was written since the last snapshot.
 */
#define FRAME_TOUCHED 0xffu
#define FRAME_HOLDS(off) (1u << (((off) >> 9) & 7))
#define FRAME_LINE(off) (0x100u << (((off) >> 9) & 7))

struct extent {
	u64 base, size; /* bytes, 64 KiB aligned */
	bool solid;     /* every byte answers: none is there by alignment only */
	u8 *bytes;
	u16 *frame;
	struct extent *next;    /* stores only */
};

struct spinlock {
	const char *name;
	s16 holder; /* CPU, -1: free */
	u16 rank;   /* index in the order made, for sorting reports */
	u64 bit;    /* BIT(rank), as in cpu->holds; 0 beyond the first 64 */
	const char *fn; /* who took it */
	u64 seq;    /* event number of the taking */
	struct spinlock *next; /* all locks of the board */
};

/* A frame of the call chain, kept for reports: see FRAME(). */
struct frame {
	const char *fn;
	struct frame *up;
};

enum cpu_state { CPU_IDLE, CPU_READY, CPU_RUNNING, CPU_SPINNING, CPU_DEAD };

struct cpu {
	struct board *board;
	unsigned int id;
	u8 state;
	struct frame *frame;     /* innermost; NULL when idle */
	struct spinlock *waits;  /* while spinning */
	u64 holds;               /* locks, BIT(rank), of the first 64 */
	void *el2;               /* EL2's own per-CPU structure */
	struct mmu_table host_s2;/* what VTTBR/VTCR say while the host runs */
	bool host_s2_on;         /* HCR_EL2.VM for the host */
	struct tlb tlb;
	u64 far_el2, hpfar_el2;  /* as the last abort taken to EL2 left them */
	void *co;                /* coroutine; never part of a snapshot */
};

struct board {
	struct board_config *config;
	const struct arch_features *f;
	struct extent *extent;   /* sorted by base */
	unsigned int n_extents;
	struct extent *store;    /* board_store_new()'s, newest first */
	struct extent *last;     /* cache of the last one used */
	struct cpu *cpus;
	unsigned int n_cpus;
	struct spinlock *locks;
	bool watched;            /* somebody subscribes, or a scheduler runs */
	bool scheduled;          /* a scheduler runs: CPUs may be switched at visible steps */
	bool cached;             /* some TLB may hold something: never false again */
	u32 kinds;               /* BIT(EV_*) that are written down: somebody subscribes to
				    them, or all are kept */
	u64 seq;                 /* last event's number */
	u64 steps_from;          /* from this number on a step is more than its event: 0 while a
				    scheduler runs, else step_limit, or the largest */
	u64 loads_base, loads_size; /* loads from there are told: all, or board_loads_from()'s */
	struct event_ears *ears; /* of no snapshot */
	u64 some_loads_base, some_loads_size; /* what board_loads_from() said */
	u64 step_limit;          /* number of the last event allowed; 0: no limit */
	bool gave_up;            /* step_limit was reached */
	u8 may;                  /* BIT(MAY_*): what is a choice. Snapshots leave it alone. */
	struct board_private *priv;
};

struct board *board_new(const struct board_config *c, GError **error);
void board_free(struct board *b);

/* Zeroed memory that snapshots cover; lives as long as the board. Before the
 * first snapshot only: the arena is laid out when the machine is made. */
void *board_alloc(struct board *b, size_t bytes);
char *board_strdup(struct board *b, const char *s);

const struct ram_region *board_ram_at(const struct board *b, pa_t pa); /* NULL: not RAM */
const struct mmio_window *board_window_at(const struct board *b, pa_t pa);
u64 board_pa_limit(const struct board *b); /* 2^pa_bits */
u64 board_resident_bytes(const struct board *b); /* storage that was touched */

/*
 * Where the storage of a shared board is: a file of @bytes, with the frame flags after them.
 * An extent's bytes start at board_storage_offset(). -1: not shared.
 */
/* Zeroed memory out of a file that another process may have; NULL: no address space. */
void *reserve_shared(size_t bytes, int *fd);
int board_storage(const struct board *b, u64 *bytes);
u64 board_storage_offset(const struct board *b, const struct extent *e);

/* ---- Snapshots ----------------------------------------------------------------- */

struct snapshot;
/* No CPU may be inside an action. Costs what was written since the one before. */
struct snapshot *board_snapshot(struct board *b);
/* Back to @s, which stays valid. Snapshots taken after @s are dropped. */
void board_restore(struct board *b, struct snapshot *s);
void board_snapshot_drop(struct board *b, struct snapshot *s);

/* ---- Memory as the CPUs' loads and stores see it --------------------------------- */

struct extent *extent_find(struct board *b, u64 pa) __attribute__((cold));

/*
 * Storage of @bytes beside the machine: on no bus, zero at first, sparse as RAM, and
 * covered by snapshots at the cost of the lines written. For books that are kept on
 * a machine's pages. Before the first snapshot only; NULL: no address space for it.
 * extent_mark() or store_mark() goes before every write.
 */
struct extent *board_store_new(struct board *b, u64 bytes);
void extent_mark(struct board *b, struct extent *e, u64 off) __attribute__((cold));
/* An access where nothing answers: tells EL2 (cpu->board hook), does not return. */
void mem_bus_error(struct cpu *cpu, u64 pa) __attribute__((noreturn, cold));

static inline struct extent *extent_at(struct board *b, u64 pa)
{
	struct extent *e = b->last;

	if (likely(pa - e->base < e->size))
		return e;
	return extent_find(b, pa);
}

static inline bool store_unmarked(const struct extent *e, u64 off)
{
	return ~e->frame[off >> 12] & (FRAME_HOLDS(off) | FRAME_LINE(off));
}

/* Bytes @off .. of one 512-byte line of @e are about to be written. */
static inline void store_mark(struct board *b, struct extent *e, u64 off)
{
	if (unlikely(store_unmarked(e, off)))
		extent_mark(b, e, off);
}

/* Is the next visible step more than its event: perhaps another CPU's turn, or the end? */
static inline bool board_steps(const struct board *b)
{
	return b->seq >= b->steps_from;
}

/*
 * Naturally aligned, RAM only. MO_* is what the event says. A function a width: what moves
 * the bytes is one instruction.
 */
u8 mem_load8(struct cpu *cpu, pa_t pa, enum mem_order mo);
u16 mem_load16(struct cpu *cpu, pa_t pa, enum mem_order mo);
u32 mem_load32(struct cpu *cpu, pa_t pa, enum mem_order mo);
u64 mem_load64(struct cpu *cpu, pa_t pa, enum mem_order mo);
void mem_store8(struct cpu *cpu, pa_t pa, u8 val, enum mem_order mo);
void mem_store16(struct cpu *cpu, pa_t pa, u16 val, enum mem_order mo);
void mem_store32(struct cpu *cpu, pa_t pa, u32 val, enum mem_order mo);
void mem_store64(struct cpu *cpu, pa_t pa, u64 val, enum mem_order mo);

/*
 * Where nobody hears of loads and stores: the bytes of the line from @pa on, which are about
 * to be written. NULL: each access goes its own way.
 */
static inline void *mem_quiet(struct cpu *cpu, pa_t pa)
{
	struct board *b = cpu->board;
	struct extent *e = b->last;
	const u64 off = pa.pa - e->base;

	if (unlikely(b->watched || off >= e->size))
		return NULL;
	store_mark(b, e, off);
	return e->bytes + off;
}

/* The same of loads from [pa, pa + bytes), whose place does not change while the machine runs. */
static inline const void *mem_quiet_load(struct cpu *cpu, pa_t pa, u64 bytes)
{
	const struct board *b = cpu->board;
	const struct extent *e = b->last;
	const u64 off = pa.pa - e->base;

	return !b->watched && off < e->size && e->size - off >= bytes ? e->bytes + off : NULL;
}

/* Compare and swap of 64 bits: true if @old was there and @new is now. */
bool mem_cmpxchg64(struct cpu *cpu, pa_t pa, u64 old, u64 new_val, enum mem_order mo);
/* Zero [pa, pa + bytes): free of cost where nothing was ever written. */
void mem_zero(struct cpu *cpu, pa_t pa, u64 bytes);
void mem_copy(struct cpu *cpu, pa_t dst, pa_t src, u64 bytes);

/* For those who only look (oracle, reports): no event. False: nothing there. */
bool board_peek64(struct board *b, pa_t pa, u64 *val);
bool board_peek(struct board *b, pa_t pa, unsigned int width, u64 *val);
/* A reader for mmu_walk(): ctx is the struct board. */
bool board_read_desc(void *ctx, pa_t pa, u64 *desc);

/* ---- The bus: any physical address, devices included -------------------------------- */

enum bus_result { BUS_OK, BUS_ERROR };
/* @width 1, 2, 4, 8; any alignment within one region or window. @val zero extended.
 * May cause further events (a DMA device's start register). */
enum bus_result bus_read(struct cpu *cpu, pa_t pa, unsigned int width, u64 *val);
enum bus_result bus_write(struct cpu *cpu, pa_t pa, unsigned int width, u64 val);

/* DMA by the device in window @w: what its registers would do, one word. */
enum bus_result bus_dma(struct cpu *cpu, const struct mmio_window *w, pa_t pa, bool write,
			unsigned int width, u64 *val);

/* ---- Translation ------------------------------------------------------------------------ */

/*
 * What an access of @cpu through @t meets at @ia, as hardware has it: the TLB's answer,
 * else a walk's, which the TLB keeps if it translates. Sets the access flag (hafdbs).
 */
void cpu_translate(struct cpu *cpu, const struct mmu_table *t, enum mmu_access acc, u64 ia,
		   struct mmu_result *res);

/* ---- TLB maintenance, barriers, cache maintenance: the events and their effect ------ */

void cpu_tlbi_slow(struct cpu *cpu, const struct tlbi *i);
void cpu_dsb_slow(struct cpu *cpu, const char *what);
void cpu_isb_slow(struct cpu *cpu);
void cpu_cmo_slow(struct cpu *cpu, const char *what, pa_t pa, va_t va, u64 bytes);
/* The fault registers of EL2 as an abort of a lower level writes them. */
void cpu_abort_taken(struct cpu *cpu, const struct mmu_syndrome *s);

/* What nobody hears of, and what has nothing to act on, is a branch. */
static inline void cpu_tlbi(struct cpu *cpu, const struct tlbi *i)
{
	if (unlikely(cpu->board->watched || cpu->board->cached))
		cpu_tlbi_slow(cpu, i);
}

static inline void cpu_dsb(struct cpu *cpu, const char *what)
{
	if (unlikely(cpu->board->watched))
		cpu_dsb_slow(cpu, what);
}

static inline void cpu_isb(struct cpu *cpu)
{
	if (unlikely(cpu->board->watched))
		cpu_isb_slow(cpu);
}

static inline void cpu_cmo(struct cpu *cpu, const char *what, pa_t pa, va_t va, u64 bytes)
{
	if (unlikely(cpu->board->watched))
		cpu_cmo_slow(cpu, what, pa, va, bytes);
}

static inline void event_step(struct cpu *cpu, enum event_kind kind)
{
	if (unlikely(board_steps(cpu->board)))
		event_step_slow(cpu, kind);
}

/* .kind, .sub, .order and .arg of an event in one word, as they stand in memory. */
static inline u64 event_head(const struct event ev)
{
	return ev.kind | (u64)ev.sub << 16 | (u64)ev.order << 24 | (u64)ev.arg << 32;
}

/* Write an event down, with number, CPU and function, and tell it: what fits into registers. */
void event_post(struct cpu *cpu, u64 head, const char *what, u64 addr, u64 val, u64 old);
/* The same of one whose function is @fn, which is not the innermost frame's. */
void event_post_of(struct cpu *cpu, u64 head, const char *what, u64 addr, u64 val, u64 old,
		   const char *fn);

/* Nobody wants all of the kind: does who wants some want this one? What has a .sub is told. */
static inline bool event_heeded(const struct cpu *cpu, struct event ev)
{
	const struct event_ear *ear = &cpu->board->ears->of[ev.kind];

	return LOOKED_AT & BIT(ev.kind) && ear->heeds &&
	       (ev.sub || ear->heeds(ear->heeds_data, cpu, ev.addr, ev.val, ev.old, ev.arg));
}

/* Every event has a number; who wants it gets it. */
#define event_emit(cpu_, ...)                                                   \
	do {                                                                    \
		struct board *b_ = (cpu_)->board;                               \
                                                                                \
		if (unlikely(b_->watched)) {                                    \
			const struct event ev_ = { __VA_ARGS__ };               \
                                                                                \
			b_->seq++;                                              \
			if (!(b_->kinds & BIT(ev_.kind)) && !event_heeded((cpu_), ev_)) \
				break;                                          \
			if (ev_.fn)                                             \
				event_post_of((cpu_), event_head(ev_), ev_.what, ev_.addr, \
					      ev_.val, ev_.old, ev_.fn);        \
			else                                                    \
				event_post((cpu_), event_head(ev_), ev_.what, ev_.addr, \
					   ev_.val, ev_.old);                   \
		}                                                               \
	} while (0)

/* ---- Call chain ------------------------------------------------------------------------ */

static inline void frame_pop(struct cpu **cpu)
{
	(*cpu)->frame = (*cpu)->frame->up;
}

/*
 * First statement of every function of EL2 that a report should be able to name.
 * The frame is declared first, as it must outlive the cleanup that unlinks it.
 */
#define FRAME(cpu_)                                                                      \
	struct frame frame_ = { .fn = __func__, .up = (cpu_)->frame };                   \
	struct cpu *frame_cpu_ __attribute__((cleanup(frame_pop))) = (cpu_);             \
	frame_cpu_->frame = &frame_

/* ---- Locks -------------------------------------------------------------------------------- */

void spin_init(struct board *b, struct spinlock *l, const char *name);
/* Taking a lock that this CPU holds is a self-deadlock: the action ends as a hang. */
void spin_lock(struct cpu *cpu, struct spinlock *l);
void spin_unlock(struct cpu *cpu, struct spinlock *l);

static inline bool spin_is_locked(const struct spinlock *l)
{
	return l->holder >= 0;
}

/* ---- CPUs as coroutines ------------------------------------------------------------------- */

enum cpu_end {
	CPU_END_RETURNED,
	CPU_END_DIED,    /* cpu_die(): EL2 panicked */
	CPU_END_HUNG,    /* all CPUs blocked; see cpu->waits */
	CPU_END_GAVE_UP, /* the step limit */
};

typedef s64 (*cpu_fn)(struct cpu *cpu, void *arg);

/* Run @fn on @cpu to its end, every other CPU idle. *@ret on CPU_END_RETURNED. */
enum cpu_end cpu_call(struct cpu *cpu, cpu_fn fn, void *arg, s64 *ret);

/* Several at once: start each, then run. Which one steps is choose(n, "cpu"). */
void cpu_start(struct cpu *cpu, cpu_fn fn, void *arg);
void board_run(struct board *b);
/*
 * Who decides instead of choose(). At every visible step it is asked for one of the CPUs
 * of @can, a bit each, never 0; -1: the run ends here. It hears of each descriptor that
 * the MMU's walks read. Snapshots leave it alone; NULL: choose() again.
 */
struct board_scheduler {
	int (*pick)(void *data, u64 can);
	void (*walked)(void *data, pa_t desc); /* or NULL */
	void *data;
};
void board_schedule(struct board *b, const struct board_scheduler *s);
struct cpu *board_current(const struct board *b); /* on whose stack we are, or NULL */
enum cpu_end cpu_result(struct cpu *cpu, s64 *ret); /* of the last run */

/* From inside: this CPU's stack is dropped here. */
void cpu_die(struct cpu *cpu) __attribute__((noreturn, cold));
void cpu_hang(struct cpu *cpu) __attribute__((noreturn, cold));

/* Called when EL2 touches an address where nothing answers. Must not return. */
typedef void (*bus_error_fn)(struct cpu *cpu, pa_t pa);
void board_on_bus_error(struct board *b, bus_error_fn fn);

/* ---- Choices -------------------------------------------------------------------------------- */

/*
 * The one source of what is not determined. Behind it stands one of: first (always
 * 0), a script of numbers, a seed, a replay of a record.
 */
u32 board_choose(struct board *b, u32 n, const char *what); /* 0..n-1; n >= 1 */
void board_choose_first(struct board *b);
void board_choose_seed(struct board *b, u64 seed);
void board_choose_script(struct board *b, const u32 *values, size_t n);
/* @answer gives 0..n-1; not recorded. */
typedef u32 (*board_answer_fn)(void *data, u32 n, const char *what);
void board_choose_ask(struct board *b, board_answer_fn answer, void *data);

/* What may go wrong by itself where board.may says so: then it is a choice of 2. */
enum board_may {
	MAY_ALLOC, /* "alloc": an allocation finds nothing */
	MAY_AT,    /* "at": an address translation instruction fails */
	MAY_TLB,   /* "tlb": an access uses what its TLB may still hold, one of several */
};
bool board_may(struct board *b, enum board_may may);

/* All choices made since, as recorded; *n of them. */
struct choice {
	u32 n, value;
	const char *what;
};
const struct choice *board_choices(struct board *b, size_t *n);
void board_choices_clear(struct board *b);

#endif
