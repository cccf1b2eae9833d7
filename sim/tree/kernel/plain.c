// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run-time of the fast program: nobody is told of anything. What shims leave to
 * functions is here as short as it can be; EL2's addresses are still filled by walks of its
 * own tables and emptied by its own TLB maintenance.
 */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "runtime.h"

bool silent;
struct pool_at_work pool;

/* ---- What others of the run-time ask for --------------------------------------------------- */

void memory_request(void)
{
	shared->n_events = shared->n_lines = 0;
}

void line_keep(u64 pa, u64 bytes)
{
}

void event(unsigned int kind, unsigned int word, u64 addr, u64 val, u64 old, u64 pc)
{
}

void wrote(u64 va, unsigned int width, unsigned int order, u64 pc)
{
}

void events_settle(void)
{
}

void events_drop(void)
{
}

void chain_reset(void)
{
}

void sim_chain_copy(void);
void sim_chain_copy(void)
{
	shared->panic.n_chain = 0;
}

void *hyp_alloc_pages(void *p, unsigned short order);
void *__wrap_hyp_alloc_pages(void *p, unsigned short order)
{
	return hyp_alloc_pages(p, order);
}

void hyp_put_page(void *p, void *addr);
void __wrap_hyp_put_page(void *p, void *addr)
{
	hyp_put_page(p, addr);
}

/* ---- What shims leave to functions --------------------------------------------------------- */

void sim_lock_taken(void *lock);
void sim_lock_taken(void *lock)
{
	shared->lock = (u64)lock;
	shared->panic.pc = (u32)SIM_FN_PC();
	leave(TREE_HUNG);
}

/* Of EL2's own translations; those of others are the board's, which is not told. */
void sim_tlbi_el2(unsigned long operand, int by_address);
void sim_tlbi_el2(unsigned long operand, int by_address)
{
	u64 ttl = operand >> 44 & 15;

	if (by_address)
		memory_forget_page((operand & ((UINT64_C(1) << 44) - 1)) << 12, (ttl & 3) != 3);
	else
		memory_forget();
}

void dcache_clean_inval_poc(unsigned long start, unsigned long end);
void dcache_clean_inval_poc(unsigned long start, unsigned long end)
{
}

void icache_inval_pou(unsigned long start, unsigned long end);
void icache_inval_pou(unsigned long start, unsigned long end)
{
}

/* ---- Work ---------------------------------------------------------------------------------- */

/* Of the thread, which is all: the process's own goes by ticks while the watchdog is set. */
static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

void work(void)
{
	u64 begin = now_ns();

	shared->work.absent = !glue_work(&shared->work);
	shared->work.ns = now_ns() - begin;
}
