// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tree's process did to the board's memory is taken back, and then done again by
 * the board, event by event: so undo logs see the old bytes, subscribers each step in its
 * order, TLBs their maintenance. In the end memory is what the process left.
 */
#include <string.h>

#include "tree_private.h"

static const char *const words[] = {
#define W(s) s,
	TREE_WORDS(W)
#undef W
};

/* ---- Lines --------------------------------------------------------------------------------- */

static u8 *line_at(struct board *b, u64 pa, struct extent **e)
{
	*e = extent_at(b, pa);
	sim_assert(*e);
	return (*e)->bytes + (pa - (*e)->base);
}

static void lines_back(struct tree *t)
{
	struct tree_shared *s = t->process->shared;

	for (u32 i = 0; i < s->n_lines; i++) {
		struct extent *e;
		u8 *at = line_at(t->board, s->line[i].pa, &e);

		memcpy(t->process->fresh + (size_t)i * TREE_LINE, at, TREE_LINE);
		memcpy(at, s->line[i].old, TREE_LINE);
	}
}

/* What no event told: lock words, what the host put into EL2's image. */
static void lines_forward(struct tree *t)
{
	struct tree_shared *s = t->process->shared;

	for (u32 i = 0; i < s->n_lines; i++) {
		const u8 *fresh = t->process->fresh + (size_t)i * TREE_LINE;
		struct extent *e;
		u8 *at = line_at(t->board, s->line[i].pa, &e);

		if (!memcmp(at, fresh, TREE_LINE))
			continue;
		store_mark(t->board, e, s->line[i].pa - e->base);
		memcpy(at, fresh, TREE_LINE);
	}
}

/* ---- Events -------------------------------------------------------------------------------- */

static struct spinlock *other_lock(struct tree *t, u64 va)
{
	unsigned int i = 0;

	while (i < N_LOCKS - LOCK_OTHER - 1 && t->other_lock[i] && t->other_lock[i] != va)
		i++;
	t->other_lock[i] = va;
	return &t->lock[LOCK_OTHER + i];
}

struct spinlock *tree_lock(struct tree *t, u64 va)
{
	const struct tree_view *v = &t->process->shared->view;
	const u64 at[LOCK_OTHER] = {
		[LOCK_HOST] = v->lock[TREE_LOCK_HOST],
		[LOCK_HYP] = v->lock[TREE_LOCK_HYP],
		[LOCK_VMS] = v->lock[TREE_LOCK_VMS],
		[LOCK_FIXBLOCK] = v->lock[TREE_LOCK_FIXBLOCK],
		[LOCK_FFA_VERSION] = v->lock[TREE_LOCK_FFA_VERSION],
		[LOCK_FFA_BUFFERS] = v->lock[TREE_LOCK_FFA_BUFFERS],
		[LOCK_POOL_HOST_S2] = v->pool[0].lock,
		[LOCK_POOL_HYP_S1] = v->pool[1].lock,
	};

	struct spinlock *guests;

	for (unsigned int i = 0; i < LOCK_OTHER; i++)
		if (at[i] == va)
			return &t->lock[i];
	guests = tree_guest_lock(t, va);
	return guests ? guests : other_lock(t, va);
}

static void lock_event(struct tree *t, struct cpu *cpu, const struct tree_event *ev)
{
	struct spinlock *l = tree_lock(t, ev->addr);

	if (ev->kind == TREE_EV_LOCK)
		spin_lock(cpu, l);
	else if (l->holder == (s16)cpu->id)
		spin_unlock(cpu, l);
}

#define OPERAND_ADDR GENMASK(43, 0)
#define OPERAND_TTL GENMASK(47, 44)
#define RANGE_ADDR GENMASK(36, 0)
#define RANGE_NUM GENMASK(43, 39)
#define RANGE_SCALE GENMASK(45, 44)

/* An instruction's operand (Arm ARM C5.5), as the board's TLBs take it. */
static void tlbi_event(struct tree *t, struct cpu *cpu, const struct tree_event *ev)
{
	struct tlbi i = { .vmid = (u16)ev->val, .level = -1 };
	const char *name = words[ev->word];
	u64 ttl = FIELD_GET(OPERAND_TTL, ev->addr);

	for (i.op = 0; i.op < N_TLBI_OPS && strcmp(tlbi_op_name[i.op], name);)
		i.op++;
	if (i.op == N_TLBI_OPS)
		i.op = TLBI_ALLE2;
	if (i.op == TLBI_RIPAS2E1IS) {
		i.addr = FIELD_GET(RANGE_ADDR, ev->addr) << t->board->f->page_shift;
		i.pages = (FIELD_GET(RANGE_NUM, ev->addr) + 1)
			  << (5 * FIELD_GET(RANGE_SCALE, ev->addr) + 1);
	} else if (ev->addr) {
		i.addr = FIELD_GET(OPERAND_ADDR, ev->addr) << 12;
		if (ttl)
			i.level = (s8)(ttl & 3);
	}
	cpu_tlbi(cpu, &i);
}

static void store_event(struct cpu *cpu, const struct tree_event *ev)
{
	enum mem_order mo = ev->order;

	switch (ev->width) {
	case 1:
		mem_store8(cpu, PA(ev->addr), (u8)ev->val, mo);
		break;
	case 2:
		mem_store16(cpu, PA(ev->addr), (u16)ev->val, mo);
		break;
	case 4:
		mem_store32(cpu, PA(ev->addr), (u32)ev->val, mo);
		break;
	default:
		mem_store64(cpu, PA(ev->addr), ev->val, mo);
		break;
	}
}

static void load_event(struct cpu *cpu, const struct tree_event *ev)
{
	enum mem_order mo = ev->order;

	switch (ev->width) {
	case 1:
		mem_load8(cpu, PA(ev->addr), mo);
		break;
	case 2:
		mem_load16(cpu, PA(ev->addr), mo);
		break;
	case 4:
		mem_load32(cpu, PA(ev->addr), mo);
		break;
	default:
		mem_load64(cpu, PA(ev->addr), mo);
		break;
	}
}

static void other_event(struct tree *t, struct cpu *cpu, const struct tree_event *ev)
{
	static const u8 kind[] = {
		[TREE_EV_ALLOC] = EV_ALLOC, [TREE_EV_FREE] = EV_FREE, [TREE_EV_GET] = EV_GET,
		[TREE_EV_PUT] = EV_PUT,	    [TREE_EV_CALL] = EV_CALL, [TREE_EV_RET] = EV_RET,
		[TREE_EV_ABORT] = EV_ABORT,
	};
	const char *what = words[ev->word], *pool = NULL;

	if (ev->kind == TREE_EV_ALLOC || ev->kind == TREE_EV_FREE)
		pool = tree_guest_pool(t, ev->old);
	what = pool ? pool : what;
	event_emit(cpu, .kind = kind[ev->kind], .what = what[0] ? what : NULL, .addr = ev->addr,
		   .val = ev->val);
}

#define WARN_ESR (FIELD_PREP(ESR_EC, EC_BRK64) | ESR_IL | 0x800)

static void one_event(struct tree *t, struct cpu *cpu, const struct tree_event *ev)
{
	switch (ev->kind) {
	case TREE_EV_LOCK:
	case TREE_EV_UNLOCK:
		lock_event(t, cpu, ev);
		break;
	case TREE_EV_LOAD:
		load_event(cpu, ev);
		break;
	case TREE_EV_STORE:
		store_event(cpu, ev);
		break;
	case TREE_EV_TLBI:
		tlbi_event(t, cpu, ev);
		break;
	case TREE_EV_DSB:
		cpu_dsb(cpu, words[ev->word]);
		break;
	case TREE_EV_ISB:
		cpu_isb(cpu);
		break;
	case TREE_EV_ZERO:
		mem_zero(cpu, PA(ev->addr), ev->val);
		break;
	case TREE_EV_CMO:
		cpu_cmo(cpu, words[ev->word], PA(ev->addr), VA(ev->old), ev->val);
		break;
	case TREE_EV_WARN:
		event_emit(cpu, .kind = EV_PANIC, .what = "WARN", .val = WARN_ESR);
		break;
	default:
		other_event(t, cpu, ev);
		break;
	}
}

void replay(struct tree *t, struct cpu *cpu)
{
	const struct tree_shared *s = t->process->shared;
	struct frame f = { 0 };

	lines_back(t);
	if (cpu) {
		f.up = cpu->frame;
		cpu->frame = &f;
		for (u32 i = 0; i < s->n_events; i++) {
			f.fn = process_function(t->process, s->event[i].pc);
			one_event(t, cpu, &s->event[i]);
		}
		cpu->frame = f.up;
	}
	lines_forward(t);
}
