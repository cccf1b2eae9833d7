/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs as coroutines. Each has a stack of its own that is made once and reused;
 * what runs on it holds nothing that needs freeing, so that a panic or an
 * abandoned run drops it where it stands. Snapshots are taken when no CPU is
 * inside an action and know nothing of stacks.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "board_private.h"

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif

#ifdef SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(fake, bottom, size)                                        \
	((void)(fake), (void)(bottom), (void)(size))
#define __asan_unpoison_memory_region(p, n) ((void)0)
#endif

#define STACK_BYTES (512u << 10)

static size_t guard_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool coroutine_init(struct cpu *cpu)
{
	struct coroutine *co = g_new0(struct coroutine, 1);
	u8 *p = reserve(guard_bytes() + STACK_BYTES);

	cpu->co = co;
	if (!p)
		return false;
	co->stack = p + guard_bytes();
	co->fresh = true;
	return mprotect(p, guard_bytes(), PROT_NONE) == 0;
}

void coroutine_free(struct cpu *cpu)
{
	struct coroutine *co = cpu->co;

	if (co && co->stack)
		release(co->stack - guard_bytes(), guard_bytes() + STACK_BYTES);
	g_free(co);
}

/* ---- Switching ---------------------------------------------------------------------- */

/* From the caller's stack to @cpu's, until that leaves. */
static inline void cpu_enter(struct cpu *cpu)
{
	struct scheduler *s = &cpu->board->priv->sched;
	struct coroutine *co = cpu->co;
	void *fake = NULL;

	if (co->fresh) {
		__asan_unpoison_memory_region(co->stack, STACK_BYTES);
		co->sp = stack_prepare(co->stack, STACK_BYTES, cpu);
		co->fake = NULL;
		co->fresh = false;
	}
	s->current = cpu;
	__sanitizer_start_switch_fiber(&fake, co->stack, STACK_BYTES);
	stack_switch(&s->sp, co->sp);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
	s->current = NULL;
}

/* From @cpu's stack back to who entered it. @drop: never to return. */
static inline void cpu_leave(struct cpu *cpu, bool drop)
{
	struct scheduler *s = &cpu->board->priv->sched;
	struct coroutine *co = cpu->co;

	co->fresh = drop;
	__sanitizer_start_switch_fiber(drop ? NULL : &co->fake, s->bottom, s->size);
	stack_switch(&co->sp, s->sp);
	__sanitizer_finish_switch_fiber(co->fake, &s->bottom, &s->size);
}

void coroutine_main(void *arg)
{
	struct cpu *cpu = arg;
	struct scheduler *s = &cpu->board->priv->sched;
	struct coroutine *co = cpu->co;

	__sanitizer_finish_switch_fiber(NULL, &s->bottom, &s->size);
	for (;;) {
		co->ret = co->fn(cpu, co->arg);
		sim_assert(!cpu->frame);
		co->end = CPU_END_RETURNED;
		co->running = false;
		cpu->state = CPU_IDLE;
		cpu_leave(cpu, false);
	}
}

static void end_with(struct cpu *cpu, enum cpu_end end)
{
	struct coroutine *co = cpu->co;

	co->end = end;
	co->running = false;
	cpu->frame = NULL;
	cpu->state = end == CPU_END_DIED ? CPU_DEAD : CPU_IDLE;
}

static void __attribute__((noreturn)) drop_stack(struct cpu *cpu, enum cpu_end end)
{
	sim_assert(cpu->board->priv->sched.current == cpu);
	end_with(cpu, end);
	cpu_leave(cpu, true);
	sim_bug(__FILE__, __LINE__, "a dropped stack ran on");
}

void cpu_die(struct cpu *cpu)
{
	drop_stack(cpu, CPU_END_DIED);
}

void cpu_hang(struct cpu *cpu)
{
	drop_stack(cpu, CPU_END_HUNG);
}

void cpu_give_up(struct cpu *cpu)
{
	cpu->board->gave_up = true;
	drop_stack(cpu, CPU_END_GAVE_UP);
}

/* ---- One at a time --------------------------------------------------------------------- */

void cpu_start(struct cpu *cpu, cpu_fn fn, void *arg)
{
	struct coroutine *co = cpu->co;

	sim_assert(!cpu->board->priv->sched.current && !co->running);
	co->fn = fn;
	co->arg = arg;
	co->running = true;
	cpu->waits = NULL;
	cpu->state = CPU_READY;
}

enum cpu_end cpu_result(struct cpu *cpu, s64 *ret)
{
	struct coroutine *co = cpu->co;

	sim_assert(!co->running);
	if (co->end == CPU_END_RETURNED && ret)
		*ret = co->ret;
	return co->end;
}

enum cpu_end cpu_call(struct cpu *cpu, cpu_fn fn, void *arg, s64 *ret)
{
	cpu_start(cpu, fn, arg);
	cpu->board->gave_up = false;
	cpu->state = CPU_RUNNING;
	cpu_enter(cpu);
	return cpu_result(cpu, ret);
}

/* ---- Several at once --------------------------------------------------------------------- */

static bool runnable(const struct cpu *cpu)
{
	const struct coroutine *co = cpu->co;

	return co->running && !(cpu->waits && cpu->waits->holder >= 0);
}

/* Who is asked says who steps next; NULL: the run ends here. */
static struct cpu *ask_for_cpu(struct board *b, struct cpu *const *can, u32 n)
{
	struct scheduler *s = &b->priv->sched;
	u64 mask = 0;
	int id;

	for (u32 i = 0; i < n; i++)
		mask |= BIT(can[i]->id);
	id = s->by->pick(s->by->data, mask);
	sim_assert(id < 0 || mask & BIT((unsigned int)id));
	b->gave_up |= id < 0;
	return id < 0 ? NULL : &b->cpus[id];
}

/* Who does its visible step next; NULL: nobody can. One alone is no choice. */
static struct cpu *choose_cpu(struct board *b)
{
	struct cpu *can[BOARD_MAX_CPUS];
	u32 n = 0;

	for (unsigned int i = 0; i < b->n_cpus; i++) {
		struct cpu *cpu = &b->cpus[i];
		const struct coroutine *co = cpu->co;

		if (runnable(cpu))
			can[n++] = cpu;
		if (co->running)
			cpu->state = runnable(cpu) ? CPU_READY : CPU_SPINNING;
	}
	if (!n)
		return NULL;
	if (b->priv->sched.by)
		return ask_for_cpu(b, can, n);
	return can[n > 1 ? board_choose(b, n, "cpu") : 0];
}

void board_schedule(struct board *b, const struct board_scheduler *s)
{
	b->priv->sched.by = s;
}

struct cpu *board_current(const struct board *b)
{
	return b->priv->sched.current;
}

void cpu_visible_step(struct cpu *cpu)
{
	struct scheduler *s = &cpu->board->priv->sched;

	if (!s->starting) {
		s->next = choose_cpu(cpu->board);
		if (s->next == cpu) {
			cpu->state = CPU_RUNNING;
			return;
		}
	}
	cpu_leave(cpu, false);
}

static void run_cpu(struct cpu *cpu)
{
	cpu->state = CPU_RUNNING;
	cpu_enter(cpu);
}

/* A CPU that is left alone on a lock, or past the step limit, stays where it is. */
static void end_the_rest(struct board *b, enum cpu_end end)
{
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		struct cpu *cpu = &b->cpus[i];
		struct coroutine *co = cpu->co;

		if (!co->running)
			continue;
		end_with(cpu, end);
		co->fresh = true;
	}
}

/*
 * board_run - run what was started until all ended or none can go on
 *
 * What comes before a CPU's first visible step cannot be seen by the others and
 * is run first, in the order of CPUs: each choice then is one visible step with
 * what follows it up to the next.
 */
void board_run(struct board *b)
{
	struct scheduler *s = &b->priv->sched;

	sim_assert(!s->current);
	s->on = true;
	s->starting = true;
	b->gave_up = false;
	past_begin(b);
	board_update_watched(b);
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		const struct coroutine *co = b->cpus[i].co;

		if (co->running)
			run_cpu(&b->cpus[i]);
	}
	s->starting = false;
	for (s->next = choose_cpu(b); s->next && !b->gave_up;) {
		struct cpu *cpu = s->next;
		const struct coroutine *co = cpu->co;

		run_cpu(cpu);
		if (!co->running)
			s->next = choose_cpu(b);
	}
	end_the_rest(b, b->gave_up ? CPU_END_GAVE_UP : CPU_END_HUNG);
	s->on = false;
	board_update_watched(b);
}
