// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's buddy pools and struct hyp_page, after nvhe/page_alloc.c and
 * nvhe/memory.h.
 *
 * All of a pool's state is where EL2 keeps it: reference counts and orders in
 * hyp_vmemmap, list heads in EL2's bss, links (next, prev, as EL2 linear
 * addresses) in the free pages themselves. Nothing here trusts any of it: who
 * can write EL2's memory can break a list, and EL2 then takes an abort.
 */
#include "hyp_private.h"

#define NODE_NEXT 0
#define NODE_PREV 8
#define NODE_SIZE 16

/* ---- struct hyp_page ---------------------------------------------------------------- */

pa_t vmemmap_lookup(struct hyp_cpu *c, pa_t phys)
{
	struct hyp *hyp = c->hyp;
	const u64 va = hyp_page_va(hyp, phys.pa).va;

	for (unsigned int i = 0; i < hyp->n_vmemmap; i++) {
		const struct vmemmap_range *r = &hyp->vmemmap[i];

		if (va >= r->va && va < r->end) {
			hyp->vmemmap_last.off = r->va - hyp->hyp_vmemmap;
			hyp->vmemmap_last.bytes = r->end - r->va;
			hyp->vmemmap_last.pa = r->pa;
			return PA(r->pa + (va - r->va));
		}
	}
	hyp_abort(c, "hyp_phys_to_page", VA(va));
}

static u32 page_no_order(const struct hyp_cpu *c)
{
	return c->hyp->layout.order_width == 2 ? 0xffff : 0xff;
}

static inline u32 page_order(struct hyp_cpu *c, pa_t phys)
{
	pa_t at = pa_add(hyp_phys_to_page(c, phys), c->hyp->layout.order_off);

	if (c->hyp->layout.order_width == 2)
		return mem_load16(c->cpu, at, MO_PLAIN);
	return mem_load8(c->cpu, at, MO_PLAIN);
}

static inline void set_page_order(struct hyp_cpu *c, pa_t phys, u32 order)
{
	pa_t at = pa_add(hyp_phys_to_page(c, phys), c->hyp->layout.order_off);

	if (c->hyp->layout.order_width == 2)
		mem_store16(c->cpu, at, (u16)order, MO_PLAIN);
	else
		mem_store8(c->cpu, at, (u8)order, MO_PLAIN);
}

static void set_page_refs(struct hyp_cpu *c, pa_t phys, pa_t page, u16 count, enum event_kind kind)
{
	mem_store16(c->cpu, page, count, MO_PLAIN);
	event_emit(c->cpu, .kind = (u8)kind, .addr = phys.pa, .val = count);
}

/* One reference more. BUG at the largest count. The lock is the caller's: the pool's, or the
 * owner's for pages that no pool has. */
inline void hyp_page_ref_inc(struct hyp_cpu *c, pa_t phys)
{
	pa_t page = hyp_phys_to_page(c, phys);
	u16 count = mem_load16(c->cpu, page, MO_PLAIN);

	BUG_ON(c, count == UINT16_MAX);
	set_page_refs(c, phys, page, (u16)(count + 1), EV_GET);
}

/* One reference less; returns what is left. BUG at 0; with B-02 the count wraps. Locks as
 * hyp_page_ref_inc(). */
inline u32 hyp_page_ref_dec(struct hyp_cpu *c, pa_t phys)
{
	pa_t page = hyp_phys_to_page(c, phys);
	u16 count = mem_load16(c->cpu, page, MO_PLAIN);

	if (unlikely(!count) && !hyp_has_bug(c->hyp, BUG_B02))
		BUG_ON(c, !count);
	set_page_refs(c, phys, page, --count, EV_PUT);
	return count;
}

/* The first reference of a page that had none. BUG if it had. */
void hyp_set_page_refcounted(struct hyp_cpu *c, pa_t phys)
{
	pa_t page = hyp_phys_to_page(c, phys);

	BUG_ON(c, mem_load16(c->cpu, page, MO_PLAIN));
	mem_store16(c->cpu, page, 1, MO_PLAIN);
}

/*
 * As many references as @count says, whatever they were. To v7.0 the order of a page that
 * comes or goes this way is 0 from now on; later it is so already. The caller's lock.
 */
void hyp_page_ref_reset(struct hyp_cpu *c, pa_t phys, u16 count)
{
	mem_store16(c->cpu, hyp_phys_to_page(c, phys), count, MO_PLAIN);
	if (!c->hyp->profile->pool_init_sets_order)
		set_page_order(c, phys, 0);
}

/* How often guests that are not protected map the page. The host's lock, and a VM's. */
u32 get_host_share_count(struct hyp_cpu *c, pa_t phys)
{
	pa_t at = pa_add(hyp_phys_to_page(c, phys), c->hyp->layout.share_count_off);

	return mem_load32(c->cpu, at, MO_PLAIN);
}

void set_host_share_count(struct hyp_cpu *c, pa_t phys, u32 count)
{
	pa_t at = pa_add(hyp_phys_to_page(c, phys), c->hyp->layout.share_count_off);

	mem_store32(c->cpu, at, count, MO_PLAIN);
}

void change_page_state(struct hyp_cpu *c, pa_t phys, u8 keep, u8 bits)
{
	const pa_t at = hyp_page_state_at(c, phys);
	u8 *quiet = mem_quiet(c->cpu, at);

	if (likely(quiet))
		*quiet = (u8)((*quiet & keep) | bits);
	else
		mem_store8(c->cpu, at, (u8)((mem_load8(c->cpu, at, MO_PLAIN) & keep) | bits),
			   MO_PLAIN);
}

/* ---- Lists through the free pages ------------------------------------------------------ */

static inline pa_t node_at(struct hyp_cpu *c, const char *fn, u64 node_va, unsigned int field)
{
	if (unlikely(node_va & 7))
		hyp_abort(c, fn, VA(node_va));
	return pa_add(hyp_pa_of(c->hyp, VA(node_va)), field);
}

static inline u64 node_load(struct hyp_cpu *c, u64 node_va, unsigned int field)
{
	return mem_load64(c->cpu, node_at(c, __func__, node_va, field), MO_PLAIN);
}

static inline void node_store(struct hyp_cpu *c, u64 node_va, unsigned int field, u64 to_va)
{
	mem_store64(c->cpu, node_at(c, __func__, node_va, field), to_va, MO_PLAIN);
}

static u64 list_head(struct hyp_cpu *c, const struct hyp_pool *pool, u32 order)
{
	return hyp_va_of(c->hyp, pa_add(pool->heads, NODE_SIZE * (u64)order)).va;
}

static void page_add_to_list(struct hyp_cpu *c, struct hyp_pool *pool, pa_t phys, u32 order)
{
	u64 head = list_head(c, pool, order);
	u64 node = hyp_va_of(c->hyp, phys).va;
	u64 last = node_load(c, head, NODE_PREV);
	u64 *quiet;

	node_store(c, head, NODE_PREV, node);
	quiet = mem_quiet(c->cpu, phys);
	if (likely(quiet)) {
		quiet[0] = head;
		quiet[1] = last;
	} else {
		node_store(c, node, NODE_NEXT, head);
		node_store(c, node, NODE_PREV, last);
	}
	node_store(c, last, NODE_NEXT, node);
}

static void page_remove_from_list(struct hyp_cpu *c, pa_t phys)
{
	u64 node = hyp_va_of(c->hyp, phys).va;
	u64 next = node_load(c, node, NODE_NEXT);
	u64 prev = node_load(c, node, NODE_PREV);

	node_store(c, next, NODE_PREV, prev);
	node_store(c, prev, NODE_NEXT, next);
	mem_zero(c->cpu, phys, NODE_SIZE);
}

/* ---- Buddies ------------------------------------------------------------------------------ */

static bool pool_has(const struct hyp_pool *pool, u64 phys)
{
	return phys >= pool->range_start && phys < pool->range_end;
}

static u64 order_size(const struct hyp_cpu *c, u32 order)
{
	return hyp_page_size(c->hyp) << order;
}

/* A free block of @order that the block at @phys may merge with. */
static bool find_buddy_avail(struct hyp_cpu *c, struct hyp_pool *pool, u64 phys, u32 order,
			     pa_t *buddy)
{
	*buddy = PA(phys ^ order_size(c, order));
	return pool_has(pool, buddy->pa) && page_order(c, *buddy) == order &&
	       !hyp_page_count(c, *buddy);
}

/*
 * A page without users goes back to the pool: zeroed, merged with its free
 * buddies, to the tail of its list. A page from outside the pool's range (a
 * memcache page in the pool of a VM) is never merged.
 */
static void hyp_attach_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t phys)
{
	u32 order = page_order(c, phys);
	bool external = !pool_has(pool, phys.pa);
	pa_t buddy;

	if (external && c->hyp->profile->pool_init_sets_order)
		order = 0;
	if (order > HYP_MAX_PAGE_ORDER)
		hyp_abort(c, __func__, hyp_va_of(c->hyp, phys));
	mem_zero(c->cpu, phys, order_size(c, order));

	if (!external) {
		set_page_order(c, phys, page_no_order(c));
		for (; order + 1 <= pool->max_order; order++) {
			if (!find_buddy_avail(c, pool, phys.pa, order, &buddy))
				break;
			page_remove_from_list(c, buddy);
			set_page_order(c, buddy, page_no_order(c));
			phys.pa = MIN(phys.pa, buddy.pa);
		}
	}
	set_page_order(c, phys, order);
	page_add_to_list(c, pool, phys, order);
}

/* Take the free block at @phys out and halve it down to @order, upper halves back. */
static void hyp_extract_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t phys, u32 order)
{
	u32 o = page_order(c, phys);

	page_remove_from_list(c, phys);
	while (o > order) {
		pa_t buddy;

		set_page_order(c, phys, --o);
		buddy = PA(phys.pa ^ (o > HYP_MAX_PAGE_ORDER ? 0 : order_size(c, o)));
		if (o > pool->max_order || !pool_has(pool, buddy.pa))
			hyp_abort(c, __func__, hyp_page_va(c->hyp, buddy.pa));
		set_page_order(c, buddy, o);
		page_add_to_list(c, pool, buddy, o);
	}
}

/* A scenario may let the n-th allocation fail: see struct hyp_pool. Or any. */
static bool allocation_fails(struct hyp_cpu *c, struct hyp_pool *pool)
{
	if (likely(!pool->fail_count))
		return board_may(c->cpu->board, MAY_ALLOC);
	if (pool->fail_after) {
		pool->fail_after--;
		return false;
	}
	pool->fail_count--;
	return true;
}

static pa_t take_block(struct hyp_cpu *c, struct hyp_pool *pool, unsigned int order)
{
	pa_t phys;

	if (allocation_fails(c, pool))
		return PA(0);
	for (unsigned int i = order; i <= pool->max_order; i++) {
		u64 head = list_head(c, pool, i);
		u64 first = node_load(c, head, NODE_NEXT);

		if (first == head)
			continue;
		phys = PA(ALIGN_DOWN(hyp_pa_of(c->hyp, VA(first)).pa, hyp_page_size(c->hyp)));
		hyp_extract_page(c, pool, phys, order);
		hyp_set_page_refcounted(c, phys);
		return phys;
	}
	return PA(0);
}

/*
 * hyp_alloc_pages - 2^@order pages, aligned to their size, zeroed, with one
 * reference; 0 if the pool has no block so large. Takes pool->lock. Reserved
 * pages that were never freed are not part of the pool.
 */
pa_t hyp_alloc_pages(struct hyp_cpu *c, struct hyp_pool *pool, unsigned int order)
{
	HYP_FRAME(c);
	pa_t phys;

	spin_lock(c->cpu, &pool->lock);
	event_step(c->cpu, EV_ALLOC);
	phys = take_block(c, pool, order);
	event_emit(c->cpu, .kind = EV_ALLOC, .what = pool->name, .addr = phys.pa, .val = order);
	spin_unlock(c->cpu, &pool->lock);
	return phys;
}

/*
 * hyp_split_page - the allocated block at @page becomes single pages with a
 * reference each. BUG if a tail has one already. No lock: the caller owns the block.
 */
void hyp_split_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page)
{
	HYP_FRAME(c);
	u32 order = page_order(c, page);

	(void)pool;
	if (order > HYP_MAX_PAGE_ORDER)
		hyp_abort(c, __func__, hyp_page_va(c->hyp, page.pa));
	set_page_order(c, page, 0);
	for (u64 i = 1; i < BIT(order); i++) {
		pa_t tail = pa_add(page, i * hyp_page_size(c->hyp));

		set_page_order(c, tail, 0);
		hyp_set_page_refcounted(c, tail);
	}
}

/*
 * The count of the page at @phys where nobody hears that @pool's lock is taken and given
 * back for it; NULL: somebody does, or there is more to it.
 */
static inline u16 *count_quietly(struct hyp_cpu *c, const struct hyp_pool *pool, pa_t phys)
{
	const struct hyp *hyp = c->hyp;
	u64 off;

	if (unlikely(c->cpu->board->watched || spin_is_locked(&pool->lock)))
		return NULL;
	off = (phys.pa >> hyp->page_shift) * hyp->layout.hyp_page_size - hyp->vmemmap_last.off;
	return likely(off < hyp->vmemmap_last.bytes)
		       ? mem_quiet(c->cpu, PA(hyp->vmemmap_last.pa + off))
		       : NULL;
}

/* hyp_get_page - one reference on a page. Takes pool->lock. */
void hyp_get_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page)
{
	u16 *count = count_quietly(c, pool, page);

	if (likely(count && *count != UINT16_MAX)) {
		++*count;
		return;
	}
	HYP_FRAME(c);
	spin_lock(c->cpu, &pool->lock);
	hyp_page_ref_inc(c, page);
	spin_unlock(c->cpu, &pool->lock);
}

/*
 * hyp_put_page - drop a reference; the last one gives the page, or the block
 * that it heads, to @pool. Takes pool->lock. Nothing ties a page to a pool.
 */
void hyp_put_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page)
{
	u16 *count = count_quietly(c, pool, page);

	if (likely(count && *count > 1)) {
		--*count;
		return;
	}
	HYP_FRAME(c);
	spin_lock(c->cpu, &pool->lock);
	if (!hyp_page_ref_dec(c, page)) {
		event_step(c->cpu, EV_FREE);
		event_emit(c->cpu, .kind = EV_FREE, .what = pool->name, .addr = page.pa,
			   .val = page_order(c, page));
		hyp_attach_page(c, pool, page);
	}
	spin_unlock(c->cpu, &pool->lock);
}

/* ---- Making a pool --------------------------------------------------------------------------- */

static u32 ceil_log2(u64 n)
{
	return n <= 1 ? 0 : 64 - (u32)__builtin_clzll(n - 1);
}

/* Order of the smallest block that holds @nr_pages; with B-05 of one that it fills. */
static u32 pool_order(const struct hyp *hyp, u64 nr_pages)
{
	u32 order = ceil_log2(nr_pages);

	return order && hyp_has_bug(hyp, BUG_B05) ? order - 1 : order;
}

/* MAX_PAGE_ORDER as ARCH_FORCE_MAX_ORDER has it by default. */
static u32 max_page_order(const struct hyp *hyp)
{
	return hyp->page_shift == 16 ? 13 : hyp->f->page_shift == 14 ? 11 : 10;
}

/*
 * The kernel puts page after page, ascending; each puts its list node into
 * memory and the next page's merge wipes it again. What is left is one block for
 * each largest aligned piece of the range, listed in ascending order: so make those,
 * and never write a page that no list goes through.
 */
static void attach_range(struct hyp_cpu *c, struct hyp_pool *pool, u64 start)
{
	while (start < pool->range_end) {
		u64 page_size = hyp_page_size(c->hyp);
		u32 order = 0;

		while (order < pool->max_order && IS_ALIGNED(start, page_size << (order + 1)) &&
		       pool->range_end - start >= page_size << (order + 1))
			order++;
		mem_zero(c->cpu, PA(start), page_size << order);
		for (u64 off = 0; off < page_size << order; off += page_size) {
			hyp_page_ref_dec(c, PA(start + off));
			set_page_order(c, PA(start + off), off ? page_no_order(c) : order);
		}
		page_add_to_list(c, pool, PA(start), order);
		start += page_size << order;
	}
}

/*
 * hyp_pool_init - a pool over @nr_pages frames from @pfn on, of which the first
 * @reserved_pages are in use, with one reference each. BUG if a page has one
 * already. Always 0. hyp_pool_init(), all releases.
 */
int hyp_pool_init(struct hyp_cpu *c, struct hyp_pool *pool, u64 pfn, u64 nr_pages,
		  u64 reserved_pages)
{
	HYP_FRAME(c);
	u64 page_size = hyp_page_size(c->hyp);
	u64 start = pfn << c->hyp->page_shift;

	pool->max_order = MIN(max_page_order(c->hyp), pool_order(c->hyp, nr_pages));
	pool->range_start = start;
	pool->range_end = start + nr_pages * page_size;
	pool->held = PA(0);
	pool->n_held = 0;
	for (u32 i = 0; i <= pool->max_order; i++) {
		u64 head = list_head(c, pool, i);

		node_store(c, head, NODE_NEXT, head);
		node_store(c, head, NODE_PREV, head);
	}
	for (u64 i = 0; i < nr_pages; i++) {
		hyp_set_page_refcounted(c, PA(start + i * page_size));
		if (c->hyp->profile->pool_init_sets_order)
			set_page_order(c, PA(start + i * page_size), 0);
	}
	attach_range(c, pool, start + reserved_pages * page_size);
	return 0;
}

/* Free pages of all orders, counted on the lists without an event; 0 before hyp_pool_init(). */
u64 hyp_pool_free_pages(struct hyp_cpu *c, const struct hyp_pool *pool)
{
	u64 limit = (pool->range_end - pool->range_start) >> c->hyp->page_shift;
	u64 free_pages = 0;

	for (u32 i = 0; pool->range_end && i <= pool->max_order; i++) {
		u64 head = list_head(c, pool, i), node = head;

		/* a list that was overwritten may lead anywhere, or round in circles */
		while (free_pages <= limit) {
			if (!board_peek64(c->cpu->board, hyp_pa_of(c->hyp, VA(node)), &node) ||
			    node == head || node & 7)
				break;
			free_pages += BIT(i);
		}
	}
	return free_pages;
}
