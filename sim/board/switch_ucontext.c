/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switching for machines without an assembly file here, by ucontext(3).
 * Slower, as it keeps the signal mask too. A saved stack is named by the context
 * that lies on it.
 */
#include <ucontext.h>

#include "board_private.h"

void stack_switch(void **save, void *to)
{
	ucontext_t here;

	*save = &here;
	sim_assert(swapcontext(&here, to) == 0);
}

/* makecontext() passes int only. */
static void stack_entry(unsigned int high, unsigned int low)
{
	coroutine_main((void *)(uintptr_t)((u64)high << 32 | low));
}

void *stack_prepare(void *base, size_t size, void *arg)
{
	ucontext_t *uc = base;
	size_t skip = ALIGN_UP(sizeof(*uc), 64);
	u64 a = (uintptr_t)arg;

	sim_assert(getcontext(uc) == 0);
	uc->uc_stack.ss_sp = (u8 *)base + skip;
	uc->uc_stack.ss_size = size - skip;
	uc->uc_link = NULL;
	makecontext(uc, (void (*)(void))stack_entry, 2, (unsigned int)(a >> 32), (unsigned int)a);
	return uc;
}
