/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process that runs a tree's EL2, between the tree (glue.c, compiled as the kernel is)
 * and the board (protocol.h). Plain C library code: nothing here sees a kernel header.
 */
#ifndef PKVM_SIM_TREE_RUNTIME_H
#define PKVM_SIM_TREE_RUNTIME_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../protocol.h"

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef int64_t s64;

/* ---- glue.c: the tree's side, plain integers only ------------------------------------------ */

void glue_layout(struct tree_layout *l);
void glue_setup(const struct tree_shared *s); /* EL1's part, before EL2 starts */
void glue_fail(unsigned int pool, u64 pass, u64 fail);
u64 glue_mem_pages(void);
void glue_init_regs(struct tree_shared *s); /* the host's call of __pkvm_init() */
u64 glue_free_pages(void *pool);
void glue_view(struct tree_shared *s);
void glue_protected(void); /* the host's static key */
long glue_call(unsigned int number, const u64 *args);
void *glue_pool(unsigned int i);
void *glue_pool_lock(void *pool);
void glue_recover(void);
bool glue_is_host_s2(const void *pgt);
void glue_set_cpu(unsigned int cpu);
void glue_switch(u64 pgd_pa, u64 stack, void *finalise);
void glue_go_on(void); /* what the switch was to go on with */
u64 glue_vmemmap(void);
bool glue_on_own_tables(void);
bool glue_work(struct tree_work *w);
struct glue_pressure *glue_pressure(unsigned int pool);
void *__wrap_hyp_alloc_pages(void *pool, unsigned short order);
void __wrap_hyp_put_page(void *pool, void *addr);
extern const u32 glue_hyp_page_size, glue_refcount_off, glue_order_off, glue_order_width;
extern const u64 glue_table_size;

struct glue_pressure {
	u64 held, n_held; /* stack of pages taken, by PA, linked through the pages */
	u64 pass, fail;
};

/* ---- memory.c ------------------------------------------------------------------------------ */

extern struct tree_shared *shared;
extern bool silent; /* what happens now is no event of EL2's */

void memory_begin(void); /* handlers of signals; no memory yet */
void memory_init(void);
void memory_request(void);    /* a new request begins */
void memory_own_tables(void); /* EL2's own tables hold from now on */
void memory_forget(void);     /* all cached translations */
void memory_forget_page(u64 va, bool any_level);
bool memory_pa(u64 va, bool write, u64 *pa); /* of an address of EL2's; false: not memory */
u8 *memory_at(u64 pa);
/* Write without an event: EL1's preparations. */
void memory_poke(u64 pa, const void *from, size_t bytes);
u64 memory_peek_va(u64 va); /* linear, whatever the tables say */

/* ---- events.c ------------------------------------------------------------------------------ */

void event(unsigned int kind, unsigned int word, u64 addr, u64 val, u64 old, u64 pc);
void events_settle(void); /* values of stores under way */
void events_drop(void);	  /* the store under way did not happen */
unsigned int word_of(const char *s);
void line_keep(u64 pa, u64 bytes);
void chain_reset(void);
/* A store of EL2's at @va is about to happen; order: 0 plain, 1 once, 3 release. */
void wrote(u64 va, unsigned int width, unsigned int order, u64 pc);

/* Which pool's code runs, so that plain stores of counts can be told for what they are. */
struct pool_at_work {
	unsigned int word; /* its name; 0: none */
	void *lock;
	bool allocating, making;
	u64 page, order; /* what is being allocated, or was last */
};
extern struct pool_at_work pool;

/* Repeat what shared->work says: plain.c has it, and takes the place of events.c and told.c
 * in the program that is as fast as the tree's code. */
void work(void);

/* ---- main.c -------------------------------------------------------------------------------- */

void leave(enum tree_status status) __attribute__((noreturn));
void panic(const char *reason, const char *what, const char *file, int line, u64 pc, u64 far)
	__attribute__((noreturn));
void lost(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Call the tree from where it is not EL2. False: it panicked. */
bool attempt(long (*fn)(const u64 *a), const u64 *a, long *ret);
void pause_request(void);
void hand_over(void); /* the board's turn, until it is ours again */

/* ---- tried.c ------------------------------------------------------------------------------- */

void try_all(struct tree_layout *l);
void cpu_alone(void); /* a CPU with nothing but its per-CPU area */

/* ---- tables.c: in a program of its own ----------------------------------------------------- */

void tables(void) __attribute__((weak));
void tables_view(void) __attribute__((weak));

#define SIM_FN_PC() ((u64)(uintptr_t)__builtin_return_address(0))
#define VA_LOW TREE_VA_OFFSET
#define VA_HIGH UINT64_C(0x700000000000)
#define VA_LINEAR_END UINT64_C(0x300000000000)
/* Where the process sees all of the board's storage; no address of EL2's. */
#define PHYS_BASE UINT64_C(0x300000000000)

/* Is it one of EL2's? The process's own stack and data are not. */
static inline bool va_is_el2(u64 va)
{
	return va - VA_LOW < VA_HIGH - VA_LOW;
}

#endif
