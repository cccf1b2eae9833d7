// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lock-order: from what CPUs really did. A lock that is taken with others held
 * comes after them; a cycle among locks is a breach though nobody met in it.
 *
 * lock-held: what one CPU changes is protected by the lock of what it belongs to
 * (the table in docs/rules.md): the host's stage 2 and its page states by
 * host_mmu, EL2's stage 1 by pkvm_pgd_lock, EL2's page states by both, lists and
 * counts of a pool by the pool's lock, counts of other pages by both or by
 * vm_table_lock; a guest's stage 2 and its pages by its VM's lock, the table of VMs by
 * vm_table_lock. Not at boot, where one CPU runs.
 */
#include <string.h>

#include "check.h"

#define MAX_LOCKS 64

struct lock_state {
	u64 after[MAX_LOCKS];  /* by rank: which were taken with this one held */
	u64 before[MAX_LOCKS]; /* the same turned round: which were held when it was taken */
	const struct spinlock *host, *hyp, *vm_table;
	u64 vm_slots; /* PA of the table that @vm_table protects; or no address */
};

/* ---- Order -------------------------------------------------------------------------- */

/* Is there a way from lock @from to lock @to? */
static bool leads_to(const struct lock_state *s, unsigned int from, unsigned int to)
{
	u64 seen = BIT(from), todo = BIT(from);

	while (todo) {
		unsigned int i = (unsigned int)__builtin_ctzll(todo);

		todo &= todo - 1;
		if (s->after[i] & BIT(to))
			return true;
		todo |= s->after[i] & ~seen;
		seen |= s->after[i];
	}
	return false;
}

static void taken_under(struct oracle *o, struct lock_state *s, const struct spinlock *held,
			const struct spinlock *l, const struct event *ev)
{
	if (held == l)
		oracle_breach(o, RULE_LOCK_ORDER, NO_PAGE, ev,
			      "CPU %u took %s, which it already held", ev->cpu, l->name);
	else if (leads_to(s, l->rank, held->rank))
		oracle_breach(o, RULE_LOCK_ORDER, NO_PAGE, ev,
			      "CPU %u took %s with %s held; elsewhere %s was taken with %s held",
			      ev->cpu, l->name, held->name, held->name, l->name);
	s->after[held->rank] |= BIT(l->rank);
	s->before[l->rank] |= BIT(held->rank);
}

/* It was not yet taken with all these held; or never comes. */
static __attribute__((noinline)) void new_order(struct oracle *o, struct lock_state *s,
						const struct event *ev)
{
	const struct spinlock *locks = oracle_board(o)->locks, *taken = NULL;
	u64 held = 0;

	for (const struct spinlock *l = locks; l; l = l->next) {
		if (l->name == ev->what)
			taken = l;
		if (check_holds(l, ev->cpu) && l->rank < MAX_LOCKS &&
		    (l->name != ev->what || ev->sub == EV_LOCK_NEVER))
			held |= BIT(l->rank);
	}
	if (!taken || taken->rank >= MAX_LOCKS || !(held & ~s->before[taken->rank]))
		return;
	for (const struct spinlock *l = locks; l; l = l->next)
		if (l->rank < MAX_LOCKS && held & ~s->before[taken->rank] & BIT(l->rank))
			taken_under(o, s, l, taken, ev);
}

/* Mostly it was taken with all these held before. */
static inline bool is_new_order(const struct lock_state *s, const struct cpu *cpu, u32 rank)
{
	return rank >= MAX_LOCKS || cpu->holds & ~s->before[rank] & ~BIT(rank);
}

static void check_order(struct oracle *o, struct lock_state *s, const struct event *ev)
{
	const struct cpu *cpu = &oracle_board(o)->cpus[ev->cpu];

	if (unlikely(ev->sub == EV_LOCK_NEVER || is_new_order(s, cpu, ev->arg)))
		new_order(o, s, ev);
}

/* ---- What is held --------------------------------------------------------------------- */

of_breach not_held(struct oracle *o, const struct spinlock *l, u64 page, const struct event *ev,
		   const char *what)
{
	oracle_breach(o, RULE_LOCK_HELD, page, ev, "CPU %u changed %s without %s", ev->cpu, what,
		      l->name);
}

heard_often must_hold(struct oracle *o, const struct spinlock *l, u64 page, const struct event *ev,
		      const char *what)
{
	if (unlikely(l && !check_holds(l, ev->cpu)))
		not_held(o, l, page, ev, what);
}

static u64 entry_index(struct oracle *o, u64 pa)
{
	return (pa & (check_page_size(o) - 1)) / 8;
}

/* A slot of the fixmap is its CPU's own, and keeps its entry when it is not in use. */
static __attribute__((noinline)) bool is_fixmap(struct oracle *o, const struct part *p,
						const struct event *ev)
{
	const struct el2_view *v = oracle_view(o);
	unsigned int shift = oracle_board(o)->f->page_shift;
	u64 va = p->ia + (entry_index(o, ev->addr) << level_shift(shift, p->level));

	if (ev->kind != EV_STORE || va < v->private_base || va >= v->private_next)
		return false;
	return ev->old && ev->val && pte_valid(ev->old) != pte_valid(ev->val);
}

static __attribute__((noinline)) void check_guest_table(struct oracle *o, u32 handle,
							const struct event *ev)
{
	const struct el2_guest_view *g = model_guest(oracle_view(o), handle);
	const struct oracle_action *a = oracle_action(o);

	/* the CPU itself sets an access flag */
	if (a && a->kind == ORACLE_GUEST_ACCESS && (ev->old ^ ev->val) == PTE_AF)
		return;
	if (g)
		must_hold(o, g->lock, NO_PAGE, ev, "a guest's stage 2");
}

static inline void check_table(struct oracle *o, struct lock_state *s, const struct part *p,
			       const struct event *ev)
{
	const unsigned int bits = level_shift(oracle_board(o)->f->page_shift, p->level);

	if (p->part == PART_GUEST_TABLE)
		check_guest_table(o, p->handle, ev);
	else if (p->part == PART_HOST_TABLE)
		must_hold(o, s->host, p->ia + (entry_index(o, ev->addr) << bits), ev,
			  "the host's stage 2");
	else if (!check_holds(s->hyp, ev->cpu) && !is_fixmap(o, p, ev))
		must_hold(o, s->hyp, NO_PAGE, ev, "EL2's stage 1");
}

/* The bytes of @ev's word that @off, @width of the entry take, as they change; 0: none do. */
static inline u64 field_change(const struct event *ev, u64 at, u8 off, u8 width)
{
	u64 changed = ev->old ^ ev->val;
	u64 mask = width >= 8 ? ~UINT64_C(0) : BIT(8 * width) - 1;

	if (off >= at + ev->arg || off + width <= at)
		return 0;
	return off >= at ? changed >> (8 * (off - at)) & mask : changed;
}

/*
 * The count of a page that is EL2's own and of no base pool: a guest's table, which goes
 * with the VM's lock; or of a VM that nobody finds, as it comes or goes.
 */
static bool is_vms(struct oracle *o, u64 frame, const struct event *ev)
{
	const struct part p = fold_part(o, PA(frame));
	const struct el2_guest_view *g;
	enum page_state host, hyp;

	if (p.part == PART_GUEST_TABLE) {
		g = model_guest(oracle_view(o), p.handle);
		return g && (check_holds(g->lock, ev->cpu) || check_holds(g->pool.lock, ev->cpu));
	}
	check_states(o, frame, &host, &hyp);
	return hyp == PKVM_PAGE_OWNED;
}

/* A table's user's, or a pin. */
static __attribute__((noinline)) void other_count(struct oracle *o, struct lock_state *s, u64 frame,
						  const struct event *ev)
{
	if (check_holds(s->vm_table, ev->cpu) || is_vms(o, frame, ev))
		return;
	must_hold(o, s->host, frame, ev, "a page's count");
	must_hold(o, s->hyp, frame, ev, "a page's count");
}

/* A block that is split has one user, who gives each piece its first count. */
static inline bool pool_count_locked(const struct check_pool *p, unsigned int cpu, u64 old, u64 val)
{
	return check_holds(p->lock, cpu) || (!old && val == 1);
}

/* The count of a page changed. */
heard_often count_locked(struct oracle *o, struct lock_state *s, u64 frame, const struct event *ev)
{
	const struct check_pool *pool = check_pool_of(o, frame);

	if (!pool)
		other_count(o, s, frame, ev);
	else if (!pool_count_locked(pool, ev->cpu, ev->old, ev->val))
		must_hold(o, pool->lock, frame, ev, "the count of a pool's page");
}

/* The byte with the states of a page changed in the bits @changed. */
heard_often states_locked(struct oracle *o, struct lock_state *s, u64 changed, u64 frame,
			  const struct event *ev)
{
	if (changed)
		must_hold(o, s->host, frame, ev, "the state of a page");
	if (changed & 0xf0)
		must_hold(o, s->hyp, frame, ev, "EL2's state of a page");
}

/* Something else in struct hyp_page, or more than one thing. */
static __attribute__((noinline)) void fields_locked(struct oracle *o, struct lock_state *s,
						    const struct place *at, const struct event *ev)
{
	const struct el2_layout *l = oracle_view(o)->layout;

	if (field_change(ev, at->field, l->refcount_off, l->refcount_width))
		count_locked(o, s, at->frame, ev);
	if (!l->has_state)
		return;
	states_locked(o, s, field_change(ev, at->field, l->state_off, 1), at->frame, ev);
	if (field_change(ev, at->field, l->share_count_off, 4))
		must_hold(o, s->host, at->frame, ev, "the guests' count of a page");
}

/* Of an order no lock is asked for: it goes with the lists of its pool. */
heard_often check_hyp_page(struct oracle *o, struct lock_state *s, const struct place *at,
			   const struct event *ev)
{
	if (ev->old == ev->val || at->record == RECORD_ORDER)
		return;
	if (at->record == RECORD_COUNT)
		count_locked(o, s, at->frame, ev);
	else if (at->record == RECORD_STATE)
		states_locked(o, s, ev->old ^ ev->val, at->frame, ev);
	else
		fields_locked(o, s, at, ev);
}

/* The pool whose free lists begin at @pa though the CPU does not hold its lock; NULL. */
static inline const struct check_pool *unlocked_lists(struct oracle *o, u64 pa, unsigned int cpu)
{
	for (unsigned int i = 0; i < N_BASE_POOLS; i++) {
		const struct check_pool *p = &oracle_pools(o)->pool[i];

		if (pa - p->heads < p->heads_size)
			return check_holds(p->lock, cpu) ? NULL : p;
	}
	return NULL;
}

static bool is_vm_slot(const struct lock_state *s, u64 pa)
{
	return pa - s->vm_slots < UINT64_C(8) * EL2_MAX_VMS;
}

heard_often check_data(struct oracle *o, struct lock_state *s, const struct event *ev)
{
	const struct check_pool *p;

	if (is_vm_slot(s, ev->addr))
		must_hold(o, s->vm_table, NO_PAGE, ev, "the table of VMs");
	p = ev->kind == EV_STORE ? unlocked_lists(o, ev->addr, ev->cpu) : NULL;
	if (unlikely(p))
		must_hold(o, p->lock, NO_PAGE, ev, "the free lists of a pool");
}

/* Of hyp_vmemmap the counts of a pool's pages come often, and with its lock held. */
asked_often lock_heeds_store(struct oracle *o, const void *state, const struct event *ev,
			     const struct place *at)
{
	const struct lock_state *s = state;
	const struct check_pool *pool;

	if (unlikely(oracle_booting(o)))
		return false;
	if (at->part.part == PART_NONE)
		return is_vm_slot(s, ev->addr) || unlocked_lists(o, ev->addr, ev->cpu);
	if (at->record != RECORD_COUNT)
		return at->record != RECORD_ORDER;
	pool = check_pool_of(o, at->frame);
	return !pool || !pool_count_locked(pool, ev->cpu, ev->old, ev->val);
}

asked_often lock_heeds(struct oracle *o, void *state, unsigned int kind, const struct raw_event *r)
{
	return kind != EV_LOCK || is_new_order(state, r->cpu, r->arg);
}

heard_often lock_store(struct oracle *o, void *state, const struct event *ev,
		       const struct place *at)
{
	struct lock_state *s = state;

	if (unlikely(oracle_booting(o)))
		return;
	switch (at->part.part) {
	case PART_NONE:
		check_data(o, s, ev);
		break;
	case PART_VMEMMAP:
		check_hyp_page(o, s, at, ev);
		break;
	default:
		check_table(o, s, &at->part, ev);
	}
}

static __attribute__((noinline)) void table_zeroed(struct oracle *o, struct lock_state *s,
						   const struct event *ev)
{
	const struct part p = fold_part(o, PA(ev->addr));

	if (check_is_table(&p))
		check_table(o, s, &p, ev);
}

heard_often check_zeroed(struct oracle *o, struct lock_state *s, const struct event *ev)
{
	if (likely(fold_part(o, PA(ev->addr)).part == PART_NONE))
		check_data(o, s, ev);
	else
		table_zeroed(o, s, ev);
}

heard_often lock_event(struct oracle *o, void *state, const struct event *ev)
{
	struct lock_state *s = state;

	if (ev->kind == EV_LOCK)
		check_order(o, s, ev);
	else if (!oracle_booting(o))
		check_zeroed(o, s, ev);
}

static void lock_begin(struct oracle *o, void *state, const struct oracle_action *a)
{
	struct lock_state *s = state;

	s->vm_slots = oracle_view(o)->vm_table.pa ? oracle_view(o)->vm_table.pa : UINT64_MAX / 2;
}

static void lock_init(struct oracle *o, void *state)
{
	struct lock_state *s = state;

	s->host = check_lock(o, "host_mmu");
	s->hyp = check_lock(o, "pkvm_pgd_lock");
	s->vm_table = check_lock(o, "vm_table_lock");
}

const struct checker lock_checker = {
	.name = "locks",
	.state_size = sizeof(struct lock_state),
	.kinds = BIT(EV_LOCK) | BIT(EV_ZERO),
	.init = lock_init,
	.heeds = lock_heeds,
	.heeds_store = lock_heeds_store,
	.event = lock_event,
	.store = lock_store,
	.begin = lock_begin,
};
