/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spinlocks that know their holder. A CPU that waits does not spin: it is not
 * chosen until the lock is free, and where nobody is left to free it, it hangs.
 */
#include "board_private.h"

void spin_init(struct board *b, struct spinlock *l, const char *name)
{
	struct spinlock **end = &b->locks, *next = NULL;
	u16 rank = 0;

	for (; *end && *end != l; end = &(*end)->next)
		rank++;
	if (*end == l)
		next = l->next; /* initialised again: keeps its place */
	*l = (struct spinlock){ .name = name,
				.holder = -1,
				.rank = rank,
				.bit = rank < 64 ? BIT(rank) : 0,
				.next = next };
	*end = l;
}

static void lock_never(struct cpu *cpu, struct spinlock *l)
{
	cpu->waits = l;
	event_emit(cpu, .kind = EV_LOCK, .sub = EV_LOCK_NEVER, .what = l->name, .arg = l->rank);
	cpu_hang(cpu);
}

static inline void taken(struct cpu *cpu, struct spinlock *l)
{
	cpu->waits = NULL;
	cpu->holds |= l->bit;
	l->holder = (s16)cpu->id;
	l->fn = cpu->frame ? cpu->frame->fn : NULL;
	l->seq = cpu->board->seq + cpu->board->watched;
	event_emit(cpu, .kind = EV_LOCK, .what = l->name, .arg = l->rank);
}

/* The scheduler chooses a CPU that waits only when the lock is free. */
static __attribute__((noinline)) void lock_step(struct cpu *cpu, struct spinlock *l)
{
	if (l->holder == (s16)cpu->id)
		lock_never(cpu, l);
	cpu->waits = l;
	event_step(cpu, EV_LOCK);
	if (l->holder >= 0)
		lock_never(cpu, l);
	taken(cpu, l);
}

void spin_lock(struct cpu *cpu, struct spinlock *l)
{
	if (likely(l->holder < 0 && !board_steps(cpu->board)))
		taken(cpu, l);
	else
		lock_step(cpu, l);
}

void spin_unlock(struct cpu *cpu, struct spinlock *l)
{
	sim_assert(l->holder == (s16)cpu->id);
	event_step(cpu, EV_UNLOCK);
	cpu->holds &= ~l->bit;
	l->holder = -1;
	l->fn = NULL;
	event_emit(cpu, .kind = EV_UNLOCK, .what = l->name);
}
