// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The yardsticks: a chain of dependent loads over 64 MiB (what a walk of tables
 * that no cache holds comes to) and copies of 4 KiB (what handling a page costs).
 */
#include <string.h>

#include "bench.h"

#define MEMORY (64u << 20)
#define LINE 64u
#define PAGE 4096u

/* One cycle through all lines in random order (Sattolo), so that no load is foreseen. */
static bool setup_loads(struct bench_env *e)
{
	u32 n = MEMORY / LINE;
	g_autofree u32 *order = g_new(u32, n);

	e->memory = g_malloc0(MEMORY);
	for (u32 i = 0; i < n; i++)
		order[i] = i;
	for (u32 i = n - 1; i > 0; i--) {
		u32 k = (u32)(bench_random(e) % i), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	for (u32 i = 0; i < n; i++)
		memcpy(e->memory + (size_t)order[i] * LINE, &order[(i + 1) % n], sizeof(u32));
	return true;
}

static s64 loop_loads(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	u32 at = (u32)e->arg[0];

	for (u64 i = 0; i < e->iterations; i++)
		memcpy(&at, e->memory + (size_t)at * LINE, sizeof(at));
	e->arg[0] = at; /* the result is used: the loop may not be dropped */
	return 0;
}

static bool setup_copies(struct bench_env *e)
{
	e->memory = g_malloc(2 * MEMORY / 64);
	memset(e->memory, 1, 2 * MEMORY / 64);
	return true;
}

static s64 loop_copies(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	u32 pages = MEMORY / 64 / PAGE;

	for (u64 i = 0; i < e->iterations; i++) {
		u8 *page = e->memory + (i % pages) * PAGE;

		memcpy(page + MEMORY / 64, page, PAGE);
		__asm__ volatile("" : : "r"(page) : "memory");
	}
	return 0;
}

const struct bench bench_references[2] = {
	{ "load", "dependent loads over 64 MiB, random order", 1, NULL, true, setup_loads,
	  loop_loads },
	{ "copy", "copies of 4 KiB within 2 MiB", 1, NULL, true, setup_copies, loop_copies },
};
