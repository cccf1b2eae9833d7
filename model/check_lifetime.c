// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * use-after-free: a free page of a pool belongs to the allocator, which holds the
 * pool's lock when it clears the page or links it into a list. Anybody else's
 * store into one, a table entry that leads into one, a walk through a page that
 * this action freed, freeing a page that is free or still linked, or one more
 * reference on a free page, is a breach.
 *
 * So is a page that the host frees while EL2 runs on it.
 *
 * A page of a pool is free when it has no references; no state of our own is
 * needed to know. Not at boot: the first references are given without an event.
 *
 * What a VM's pool has free may lie anywhere: tables that the host gave for it. Without
 * references are also the pages of a memcache and structures nobody uses, so what was
 * freed into which VM's pool is noted.
 */
#include <inttypes.h>
#include <string.h>

#include "book.h"
#include "check.h"

#define LINKS_BYTES 16 /* list node at the start of a free block */
#define MAX_FREED 32

struct lifetime_state {
	struct {
		u64 base, size;
	} freed[MAX_FREED]; /* in this action */
	unsigned int n_freed;
	u64 lo, hi; /* they are within: loads are heard from there alone, since they are many */
	struct book vm_free; /* u16: slot + 1 of the VM whose pool has the page free */
	u64 n_vm_free;
};

static bool is_free(struct oracle *o, const struct check_pool *p, u64 pa)
{
	return !check_pool_count(o, p, pa);
}

/* ---- What VMs' pools have free ---- */

static u16 *vm_free_slot(struct oracle *o, struct lifetime_state *s, u64 pa)
{
	const struct board *b = oracle_board(o);

	return pa < board_pa_limit(b)
		       ? book_put(oracle_board(o), &s->vm_free, pa >> b->f->page_shift)
		       : NULL;
}

/* Slot + 1 of the VM whose pool is called @name; 0: none has it. */
static u16 slot_of_pool(struct oracle *o, const char *name)
{
	const struct el2_view *v = oracle_view(o);

	for (unsigned int i = 0; i < v->n_guests; i++)
		if (!strcmp(v->guests[i]->pool.name, name))
			return (u16)(v->guests[i]->handle - EL2_HANDLE_OFFSET + 1);
	return 0;
}

/*
 * A page came to a VM's pool, or left one. It comes alone, as every page from outside of
 * the pool's first ones does; those are the start tables, which stay.
 */
static void vm_page_is(struct oracle *o, struct lifetime_state *s, u64 pa, u16 slot)
{
	u16 *at = vm_free_slot(o, s, pa);

	if (!at || *at == slot)
		return;
	s->n_vm_free += (u64) !*at - !slot;
	*at = slot;
}

/* The VM into whose pool the page of @pa was freed and never given out again, or NULL. */
static const struct el2_guest_view *vm_freed_into(struct oracle *o, const struct lifetime_state *s,
						  u64 pa)
{
	const struct el2_view *v = oracle_view(o);
	struct board *b = oracle_board(o);
	enum page_state host, hyp;
	u64 entry = 0;
	u16 slot;

	if (likely(!s->n_vm_free) || pa >= board_pa_limit(b))
		return NULL;
	memcpy(&slot, book_get(&s->vm_free, pa >> b->f->page_shift), sizeof(slot));
	if (!slot)
		return NULL;
	/* who takes a VM apart has taken it out of the table, and needs no lock of it */
	board_peek64(b, pa_add(v->vm_table, 8 * (slot - 1u)), &entry);
	/* what EL2 lost with its VM is nobody's pool's */
	check_states(o, pa, &host, &hyp);
	return entry && hyp == PKVM_PAGE_OWNED ? model_guest(v, EL2_HANDLE_OFFSET + slot - 1u)
					       : NULL;
}

/* ---- Stores ---- */

/* The pool that has the page of @pa free; *@lock: its. NULL: none. */
static const char *free_in(struct oracle *o, const struct lifetime_state *s, u64 pa,
			   const struct spinlock **lock)
{
	const struct check_pool *p = check_pool_of(o, pa);
	const struct el2_guest_view *g;

	if (p) {
		*lock = p->lock;
		return is_free(o, p, pa) ? p->name : NULL;
	}
	g = vm_freed_into(o, s, pa);
	*lock = g ? g->pool.lock : NULL;
	/* a scenario takes pages from a pool without an event */
	return g && !check_count_of(o, pa) ? g->pool.name : NULL;
}

of_breach written(struct oracle *o, const char *pool, u64 pa, const struct event *ev)
{
	oracle_breach(o, RULE_USE_AFTER_FREE, ALIGN_DOWN(pa, check_page_size(o)), ev,
		      "0x%" PRIx64 " was written, in a page that is free in pool %s", pa, pool);
}

/* Who holds the lock of a pool clears its pages, and links them. */
static inline bool allocators(struct oracle *o, const struct spinlock *lock, u64 pa, bool clears,
			      unsigned int cpu)
{
	return check_holds(lock, cpu) && (clears || (pa & (check_page_size(o) - 1)) < LINKS_BYTES);
}

static __attribute__((noinline)) void check_written(struct oracle *o, struct lifetime_state *s,
						    u64 pa, const struct event *ev)
{
	const struct spinlock *lock;
	const char *pool = free_in(o, s, pa, &lock);

	if (pool && !allocators(o, lock, pa, ev->kind == EV_ZERO, ev->cpu))
		written(o, pool, pa, ev);
}

/* Mostly one look at the lock tells that it may, or that no VM's pool has a page free. */
static inline bool may_be_free(struct oracle *o, const struct lifetime_state *s, u64 pa,
			       bool clears, unsigned int cpu)
{
	const struct check_pool *p = check_pool_of(o, pa);

	return p ? !allocators(o, p->lock, pa, clears, cpu) && is_free(o, p, pa) : s->n_vm_free;
}

heard_often check_store(struct oracle *o, struct lifetime_state *s, u64 pa, const struct event *ev)
{
	if (unlikely(may_be_free(o, s, pa, ev->kind == EV_ZERO, ev->cpu)))
		check_written(o, s, pa, ev);
}

/* Of what is cleared the first page and the last: one that does not begin a page ends in another. */
static void check_zero(struct oracle *o, struct lifetime_state *s, const struct event *ev)
{
	const u64 last = ev->addr + ev->val - 1;

	check_store(o, s, ev->addr, ev);
	if (unlikely(ev->val && (ev->addr ^ last) >= check_page_size(o)))
		check_store(o, s, ALIGN_DOWN(last, check_page_size(o)), ev);
}

/* A table descriptor was stored that leads to a page of pool @p which is free, or of none. */
static __attribute__((noinline)) void check_astray(struct oracle *o, const struct check_pool *p,
						   u64 child, const struct event *ev,
						   const struct part *part)
{
	if (part->part == PART_GUEST_TABLE && pte_table(ev->val, part->level) &&
	    !check_count_of(o, child))
		oracle_breach(o, RULE_USE_AFTER_FREE, child, ev,
			      "an entry of a guest's table leads to 0x%" PRIx64 ", which is free",
			      child);
	if (!p)
		return;
	if (check_is_table(part) && pte_table(ev->val, part->level))
		oracle_breach(o, RULE_USE_AFTER_FREE, child, ev,
			      "a table entry leads to 0x%" PRIx64 ", which is free in pool %s",
			      child, p->name);
}

/* A table descriptor was stored: may it lead where it does? */
static void check_link(struct oracle *o, struct lifetime_state *s, const struct event *ev,
		       const struct part *part)
{
	u64 child = pa_from_pte(oracle_board(o)->f, ev->val).pa;
	const struct check_pool *p = check_pool_of(o, child);

	if (unlikely(!p || is_free(o, p, child)))
		check_astray(o, p, child, ev, part);
}

/* The pool that the page of @pa went into in this action, and in which @cpu has no business. */
static const char *freed_into(struct oracle *o, const struct lifetime_state *s, u64 pa,
			      unsigned int cpu)
{
	const struct spinlock *lock;
	const char *pool;

	for (unsigned int i = 0; i < s->n_freed; i++) {
		if (pa - s->freed[i].base >= s->freed[i].size)
			continue;
		pool = free_in(o, s, pa, &lock);
		return pool && !check_holds(lock, cpu) ? pool : NULL;
	}
	return NULL;
}

static void check_load(struct oracle *o, struct lifetime_state *s, const struct event *ev)
{
	const char *pool = freed_into(o, s, ev->addr, ev->cpu);

	if (pool)
		oracle_breach(o, RULE_USE_AFTER_FREE, ALIGN_DOWN(ev->addr, check_page_size(o)), ev,
			      "0x%" PRIx64 " was read, in a page that was freed into pool %s",
			      ev->addr, pool);
}

static bool is_table(struct oracle *o, u64 page)
{
	const struct part part = fold_part(o, PA(page));

	return check_is_table(&part);
}

static void check_freed(struct oracle *o, struct lifetime_state *s, const struct event *ev)
{
	/* by order; what no pool can have is one page */
	u64 size = check_page_size(o) << (ev->val < 32 ? ev->val : 0);

	if (is_table(o, ev->addr))
		oracle_breach(o, RULE_USE_AFTER_FREE, ev->addr, ev,
			      "the page at 0x%" PRIx64 " was freed, and is still linked as a table",
			      ev->addr);
	if (!check_pool_of(o, ev->addr)) {
		if (s->vm_free.e)
			vm_page_is(o, s, ev->addr, slot_of_pool(o, ev->what));
		if (!vm_freed_into(o, s, ev->addr))
			return;
	}
	if (s->n_freed == MAX_FREED)
		return;
	s->freed[s->n_freed].base = ev->addr;
	s->freed[s->n_freed++].size = size;
	s->lo = MIN(s->lo, ev->addr);
	s->hi = MAX(s->hi, ev->addr + size);
	board_loads_from(oracle_board(o), s->lo, s->hi - s->lo);
}

static void check_given(struct oracle *o, struct lifetime_state *s, const struct event *ev)
{
	if (ev->addr && is_table(o, ev->addr))
		oracle_breach(o, RULE_USE_AFTER_FREE, ev->addr, ev,
			      "the page at 0x%" PRIx64
			      " was given out, and is still linked as a table",
			      ev->addr);
	if (s->n_vm_free)
		vm_page_is(o, s, ev->addr, 0);
}

/* Where a reference came to a free page, or went from one. */
static inline bool is_odd_count(struct oracle *o, unsigned int kind, u64 count)
{
	return kind == EV_GET ? count == 1 : check_below_zero(o, count);
}

static void check_reference(struct oracle *o, struct lifetime_state *s, const struct event *ev)
{
	const bool pools = check_pool_of(o, ev->addr);

	if (ev->kind == EV_GET && ev->val == 1 && (pools || vm_freed_into(o, s, ev->addr)))
		oracle_breach(o, RULE_USE_AFTER_FREE, ev->addr, ev,
			      "a free page, at 0x%" PRIx64 ", got a reference", ev->addr);
	if (ev->kind == EV_PUT && pools)
		oracle_breach(o, RULE_USE_AFTER_FREE, ev->addr, ev,
			      "the page at 0x%" PRIx64 " was freed twice", ev->addr);
}

static bool el2_runs_on(struct oracle *o, u64 pa)
{
	const struct el2_view *v = oracle_view(o);

	if (!v->initialised)
		return false;
	for (unsigned int i = 0; i < oracle_board(o)->n_cpus; i++) {
		const struct el2_cpu_pages *p = &v->cpu_pages[i];

		if (pa - p->stack.base < p->stack.size || pa - p->percpu.base < p->percpu.size)
			return true;
	}
	return pa - v->hyp_mem.base < v->hyp_mem.size;
}

static void check_host_free(struct oracle *o, const struct event *ev)
{
	if (el2_runs_on(o, ev->addr))
		oracle_breach(o, RULE_USE_AFTER_FREE, ev->addr, ev,
			      "the host freed the page at 0x%" PRIx64 ", and EL2 runs on it",
			      ev->addr);
}

heard_often lifetime_store(struct oracle *o, void *state, const struct event *ev,
			   const struct place *at)
{
	struct lifetime_state *s = state;

	if (unlikely(oracle_booting(o)))
		return;
	if (check_is_table(&at->part) && ev->arg == 8 && (ev->val & 3) == 3)
		check_link(o, s, ev, &at->part);
	check_store(o, s, ev->addr, ev);
}

asked_often lifetime_heeds_store(struct oracle *o, const void *state, const struct event *ev,
				 const struct place *at)
{
	const struct lifetime_state *s = state;
	const struct check_pool *p = check_pool_of(o, ev->addr);

	return p ? !allocators(o, p->lock, ev->addr, false, ev->cpu) : s->n_vm_free;
}

asked_often lifetime_heeds(struct oracle *o, void *state, unsigned int kind,
			   const struct raw_event *r)
{
	return kind == EV_LOAD ? freed_into(o, state, r->addr, r->cpu->id) != NULL
			       : is_odd_count(o, kind, r->val);
}

heard_often lifetime_event(struct oracle *o, void *state, const struct event *ev)
{
	struct lifetime_state *s = state;

	if (ev->kind == EV_FREE && !strcmp(ev->what, "host")) {
		check_host_free(o, ev);
		return;
	}
	if (unlikely(oracle_booting(o)))
		return;
	switch (ev->kind) {
	case EV_ZERO:
		check_zero(o, s, ev);
		break;
	case EV_FREE:
		check_freed(o, s, ev);
		break;
	case EV_ALLOC:
		check_given(o, s, ev);
		break;
	case EV_GET:
	case EV_PUT:
		if (unlikely(is_odd_count(o, ev->kind, ev->val)))
			check_reference(o, s, ev);
		break;
	case EV_LOAD:
		check_load(o, s, ev);
		break;
	}
}

static void none_freed(struct oracle *o, struct lifetime_state *s)
{
	s->n_freed = 0;
	s->lo = UINT64_MAX;
	s->hi = 0;
	board_loads_from(oracle_board(o), 0, 0);
}

static void lifetime_begin(struct oracle *o, void *state, const struct oracle_action *a)
{
	struct lifetime_state *s = state;

	none_freed(o, s);
}

static void lifetime_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	struct lifetime_state *s = state;

	if (s->n_freed)
		none_freed(o, s);
}

static void lifetime_init(struct oracle *o, void *state)
{
	struct lifetime_state *s = state;
	struct board *b = oracle_board(o);

	book_init(b, &s->vm_free, board_pa_limit(b) >> b->f->page_shift, 1);
}

const struct checker lifetime_checker = {
	.name = "lifetime",
	.state_size = sizeof(struct lifetime_state),
	.kinds = BIT(EV_ZERO) | BIT(EV_FREE) | BIT(EV_ALLOC) | BIT(EV_GET) | BIT(EV_PUT) |
		 BIT(EV_LOAD),
	.init = lifetime_init,
	.heeds = lifetime_heeds,
	.heeds_store = lifetime_heeds_store,
	.event = lifetime_event,
	.stores = BIT(PART_NONE) | PART_TABLES,
	.store = lifetime_store,
	.begin = lifetime_begin,
	.end = lifetime_end,
};
