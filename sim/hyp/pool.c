// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory pressure that a scenario makes: pages taken out of a pool and given
 * back through the pool's own allocator, and allocations that fail by order. None
 * of it is an event. Pages held stand in a stack linked through the pages themselves.
 */
#include <string.h>

#include "guest.h"

GQuark hyp_error_quark(void)
{
	return g_quark_from_static_string("pkvm-sim-hyp");
}

/* "VM.N": a vCPU, whose memcache is its pool. */
static bool vcpu_find(struct hyp *hyp, const char *name, struct pkvm_hyp_vcpu *vcpu)
{
	const char *dot = strchr(name, '.');
	g_autofree char *vm_name = dot ? g_strndup(name, (gsize)(dot - name)) : NULL;
	struct hyp_pool *pool = dot ? hyp_vm_pool_find(hyp, vm_name) : NULL;
	guint64 idx;
	u64 va = 0;

	if (!pool || !g_ascii_string_to_unsigned(dot + 1, 10, 0, UINT16_MAX, &idx, NULL))
		return false;
	vcpu->vm = (struct pkvm_hyp_vm *)((char *)pool - offsetof(struct pkvm_hyp_vm, pool));
	if (idx < hyp_vm_vcpus(hyp, vcpu->vm))
		board_peek64(hyp->board, hyp_vcpu_slot(hyp, vcpu->vm, (u32)idx), &va);
	vcpu->va = VA(va);
	return va;
}

static struct hyp_pool *pool_find(struct hyp *hyp, const char *name, GError **error)
{
	struct hyp_pool *vm_pool;

	if (!strcmp(name, hyp->hpool.name))
		return &hyp->hpool;
	if (!strcmp(name, hyp->host_s2_pool.name))
		return &hyp->host_s2_pool;
	vm_pool = hyp_vm_pool_find(hyp, name);
	if (vm_pool)
		return vm_pool;
	g_set_error(error, HYP_ERROR, 0, "there is no pool \"%s\"", name);
	return NULL;
}

struct pressure {
	struct hyp_cpu *c;
	struct hyp_pool *pool;
	u64 pages;
	struct hyp_memcache from, to; /* of a vCPU, instead of a pool */
};

static s64 take_pages(struct cpu *cpu, void *arg)
{
	struct pressure *p = arg;
	u64 fail_count = p->pool->fail_count;

	cpu->board->watched = false;
	p->pool->fail_count = 0;
	while (p->pages--) {
		pa_t page = hyp_alloc_pages(p->c, p->pool, 0);

		if (!page.pa)
			break;
		mem_store64(cpu, page, p->pool->held.pa, MO_PLAIN);
		p->pool->held = page;
		p->pool->n_held++;
	}
	p->pool->fail_count = fail_count;
	return 0;
}

static s64 give_pages(struct cpu *cpu, void *arg)
{
	struct pressure *p = arg;

	cpu->board->watched = false;
	while (p->pages-- && p->pool->n_held) {
		pa_t page = p->pool->held;

		p->pool->held = PA(mem_load64(cpu, page, MO_PLAIN));
		p->pool->n_held--;
		hyp_put_page(p->c, p->pool, page);
	}
	return 0;
}

/* Up to ->pages from one stack of a vCPU to the other. */
static s64 move_pages(struct cpu *cpu, void *arg)
{
	struct pressure *p = arg;

	cpu->board->watched = false;
	while (p->pages-- && hyp_memcache_pages(p->c, &p->from))
		push_hyp_memcache(p->c, &p->to, pop_hyp_memcache(p->c, &p->from));
	return 0;
}

/* On CPU 0; @fn lets nobody watch, which ends here. */
static enum cpu_end call_unwatched(struct hyp *hyp, struct pressure *p, cpu_fn fn)
{
	struct board *b = hyp->board;
	bool watched = b->watched;
	enum cpu_end end;
	s64 ret;

	p->c = &hyp->cpus[0];
	end = cpu_call(p->c->cpu, fn, p, &ret);
	b->watched = watched;
	return end;
}

static bool run_unwatched(struct hyp *hyp, struct pressure *p, cpu_fn fn, GError **error)
{
	if (!p->pool->range_end || spin_is_locked(&p->pool->lock)) {
		g_set_error(error, HYP_ERROR, 0, "pool \"%s\" %s", p->pool->name,
			    p->pool->range_end ? "is locked" : "is not there yet");
		return false;
	}
	if (call_unwatched(hyp, p, fn) == CPU_END_RETURNED)
		return true;
	g_set_error(error, HYP_ERROR, 0, "EL2 panicked over the lists of pool \"%s\"",
		    p->pool->name);
	return false;
}

/* What stands in the memcache of @vcpu, down to @leave, is kept beside it; or back, @pages. */
static bool move_memcache(struct hyp *hyp, const struct pkvm_hyp_vcpu *vcpu, bool drain, u64 n,
			  GError **error)
{
	const struct hyp_memcache own = hyp_vcpu_memcache(&hyp->cpus[0], vcpu);
	const va_t held_va = VA(vcpu->va.va + HYP_VCPU_HELD);
	const struct hyp_memcache held = { .va = held_va, .pa = hyp_pa_of(hyp, held_va) };
	struct pressure p = { .pages = n, .from = drain ? own : held, .to = drain ? held : own };
	u64 there = 0;

	board_peek64(hyp->board, hyp_pa_of(hyp, VA(own.va.va + hyp->vm_layout->mc_nr_pages)),
		     &there);
	if (drain)
		p.pages = there > n ? there - n : 0;
	if (call_unwatched(hyp, &p, move_pages) == CPU_END_RETURNED)
		return true;
	g_set_error(error, HYP_ERROR, 0, "EL2 panicked over a memcache");
	return false;
}

/* Take order-0 pages until @leave are free, or none can be taken. */
bool hyp_pool_drain(struct hyp *hyp, const char *pool, u64 leave, GError **error)
{
	struct pkvm_hyp_vcpu vcpu;
	struct pressure p = { 0 };
	u64 free_pages;

	if (vcpu_find(hyp, pool, &vcpu))
		return move_memcache(hyp, &vcpu, true, leave, error);
	p.pool = pool_find(hyp, pool, error);
	if (!p.pool)
		return false;
	free_pages = hyp_pool_free_pages(&hyp->cpus[0], p.pool);
	p.pages = free_pages > leave ? free_pages - leave : 0;
	return run_unwatched(hyp, &p, take_pages, error);
}

/* Give back up to @pages of what was taken, last taken first. */
bool hyp_pool_refill(struct hyp *hyp, const char *pool, u64 pages, GError **error)
{
	struct pressure p = { .pages = pages };
	struct pkvm_hyp_vcpu vcpu;

	if (vcpu_find(hyp, pool, &vcpu))
		return move_memcache(hyp, &vcpu, false, pages, error);
	p.pool = pool_find(hyp, pool, error);
	return p.pool && run_unwatched(hyp, &p, give_pages, error);
}

/* The @nth allocation from now on (1: the next) and the @count - 1 after it give nothing. */
bool hyp_pool_fail_alloc(struct hyp *hyp, const char *pool, u64 nth, u64 count, GError **error)
{
	struct hyp_pool *p = pool_find(hyp, pool, error);

	if (!p)
		return false;
	p->fail_after = nth ? nth - 1 : 0;
	p->fail_count = count;
	return true;
}
