// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's memory as its driver sees it: pages taken and given back, which of them EL2
 * shares and for how many, what each guest maps, and the stacks of pages for EL2. After
 * the page allocator as far as anybody can tell, arch/arm64/kvm/mmu.c and
 * asm/kvm_host.h (kvm_hyp_memcache).
 *
 * The allocator gives the highest page, away from those that scenarios name and page()
 * gives, so that runs are alike. It knows what the host knows: not who EL2 thinks owns a
 * page, only where its own accesses would fault.
 */
#include "vm.h"

/* ---- Pages ------------------------------------------------------------------------------ */

static const struct ram_region *region(const struct machine *m, unsigned int i)
{
	return &g_array_index(m->board->config->ram, struct ram_region, i);
}

/* First and one past the last whole page of a region that is the host's. */
static void region_pages(const struct machine *m, unsigned int i, u64 *from, u64 *to)
{
	const struct ram_region *r = region(m, i);
	const unsigned int shift = m->board->f->page_shift;

	*from = ALIGN_UP(r->base, BIT(shift)) >> shift;
	*to = (r->base + r->size) >> shift;
	if (r->nomap || *to < *from)
		*to = *from;
}

/* Numbers of pages, from 0, in the order of their addresses. */
static bool page_number(struct machine *m, u64 pa, u64 *number)
{
	const u64 pfn = pa >> m->board->f->page_shift;
	u64 from, to;

	for (unsigned int i = 0; i < m->board->config->ram->len; i++) {
		region_pages(m, i, &from, &to);
		if (pfn >= from && pfn < to) {
			*number = m->host->first_page[i] + (pfn - from);
			return true;
		}
	}
	return false;
}

static u64 page_address(struct machine *m, u64 number)
{
	u64 from, to;

	for (unsigned int i = 0; i < m->board->config->ram->len; i++) {
		region_pages(m, i, &from, &to);
		if (number - m->host->first_page[i] < to - from)
			return (from + number - m->host->first_page[i]) << m->board->f->page_shift;
	}
	sim_bug(__FILE__, __LINE__, "a page number of no region");
}

static struct host_page *page_of(struct machine *m, u64 number)
{
	return (struct host_page *)m->host->pages->bytes + number;
}

struct host_page *host_page(struct machine *m, u64 pa)
{
	u64 number;

	return page_number(m, pa, &number) ? page_of(m, number) : NULL;
}

struct host_page *host_page_mark(struct machine *m, struct host_page *p)
{
	store_mark(m->board, m->host->pages, (u64)((u8 *)p - m->host->pages->bytes));
	return p;
}

static bool within(u64 pa, u64 base, u64 size)
{
	return pa - base < size;
}

/* The kernel's own image, what it keeps for EL2 included. */
static bool in_image(const struct el2_view *v, u64 pa)
{
	return within(pa, v->text.base, v->text.size) ||
	       within(pa, v->rodata.base, v->rodata.size) ||
	       within(pa, v->data.base, v->data.size) || within(pa, v->bss.base, v->bss.size) ||
	       within(pa, v->idmap.base, v->idmap.size) || within(pa, v->vgic.base, v->vgic.size) ||
	       within(pa, v->hyp_mem.base, v->hyp_mem.size);
}

/* Would a write of the host's succeed, perhaps after a fault that maps the page? */
static bool writable(struct machine *m, const struct el2_view *v, u64 pa)
{
	struct mmu_result res;

	if (in_image(v, pa))
		return false;
	if (!v->host_s2.root.pa)
		return true;
	mmu_walk(&v->host_s2, pa, MMU_WRITE, board_read_desc, m->board, &res);
	return !res.desc || res.fault == MMU_OK;
}

/* @n free pages from number @at on, one region's, that the host can write? */
static bool run_is_free(struct machine *m, const struct el2_view *v, u64 at, u64 n)
{
	const u64 pa = page_address(m, at), page = BIT(m->board->f->page_shift);

	for (u64 i = 0; i < n; i++)
		if (at + i >= m->host->n_pages || page_of(m, at + i)->taken ||
		    page_address(m, at + i) != pa + i * page || !writable(m, v, pa + i * page))
			return false;
	return true;
}

static void take(struct machine *m, u64 at, u64 n)
{
	for (u64 i = 0; i < n; i++)
		host_page_mark(m, page_of(m, at + i))->taken = 1;
}

u64 host_alloc_pages(struct flow *f, u64 n, u64 align)
{
	struct machine *m = flow_machine(f);
	const struct el2_view *v = m->hyp->view(m->el2);
	struct host *h = m->host;
	bool skipped = false;

	for (u64 last = h->cursor; last-- >= n;) {
		const u64 first = last - (n - 1), pa = page_address(m, first);

		if (IS_ALIGNED(pa >> m->board->f->page_shift, align) &&
		    run_is_free(m, v, first, n)) {
			take(m, first, n);
			return pa;
		}
		/* what a larger request steps over may do for a smaller one */
		skipped |= n > 1 || align > 1;
		if (!skipped)
			h->cursor = last;
	}
	return 0;
}

u64 host_alloc_exact(struct flow *f, u64 bytes)
{
	const u64 n = flow_pages(f, bytes);
	u64 align = 1;

	while (align < n)
		align <<= 1;
	return host_alloc_pages(f, n, align);
}

void host_free_pages(struct flow *f, u64 pa, u64 n)
{
	struct machine *m = flow_machine(f);
	u64 number;

	for (u64 i = 0; i < n; i++, pa += flow_page_size(f)) {
		if (!page_number(m, pa, &number))
			continue;
		host_page_mark(m, page_of(m, number))->taken = 0;
		m->host->cursor = MAX(m->host->cursor, number + 1);
		event_emit(f->cpu, .kind = EV_FREE, .fn = "free_pages", .what = "host", .addr = pa);
	}
}

bool machine_take_page(struct machine *m, u64 pa)
{
	struct host_page *p = host_page(m, pa);

	if (!p || p->taken)
		return false;
	host_page_mark(m, p)->taken = 1;
	return true;
}

/* ---- What guests map ----------------------------------------------------------------------- */

static struct host_mapping *mapping_at(struct flow *f, u32 number)
{
	return number ? (struct host_mapping *)flow_host(f)->mappings->bytes + number : NULL;
}

static u32 mapping_number(struct flow *f, const struct host_mapping *map)
{
	return map ? (u32)(map - (struct host_mapping *)flow_host(f)->mappings->bytes) : 0;
}

static struct host_mapping *mapping_mark(struct flow *f, struct host_mapping *map)
{
	struct extent *e = flow_host(f)->mappings;

	store_mark(flow_machine(f)->board, e, (u64)((u8 *)map - e->bytes));
	return map;
}

static struct host_vm *vm_mark(struct flow *f)
{
	return host_vm_mark(flow_machine(f), f->vm);
}

/* Faults come in order, more or less: begin where the last one was. */
struct host_mapping *host_mapping_first(struct flow *f, u64 gfn)
{
	struct host_mapping *map = mapping_at(f, f->vm->near), *before;

	if (!map)
		map = mapping_at(f, f->vm->first);
	while (map && map->gfn + map->nr_pages <= gfn)
		map = mapping_at(f, map->next);
	if (!map)
		map = mapping_at(f, f->vm->last);
	while (map && (before = mapping_at(f, map->prev)) && before->gfn + before->nr_pages > gfn)
		map = before;
	if (map && map->gfn + map->nr_pages <= gfn)
		return NULL;
	return map;
}

struct host_mapping *host_mapping_next(struct flow *f, const struct host_mapping *map)
{
	return mapping_at(f, map->next);
}

static u32 new_mapping(struct flow *f)
{
	struct host *h = flow_host(f);
	u32 number = h->free_mapping;

	if (number)
		h->free_mapping = mapping_at(f, number)->next;
	else if (h->n_mappings < h->n_pages)
		number = ++h->n_mappings;
	return number;
}

struct host_mapping *host_mapping_insert(struct flow *f, u64 gfn, u64 pfn, u32 nr_pages)
{
	struct host_mapping *after = host_mapping_first(f, gfn), *before;
	struct host_vm *vm = vm_mark(f);
	u32 number = new_mapping(f);
	struct host_mapping *map;

	if (!number)
		return NULL;
	before = mapping_at(f, after ? after->prev : vm->last);
	map = mapping_mark(f, mapping_at(f, number));
	*map = (struct host_mapping){ .gfn = gfn,
				      .pfn = pfn,
				      .nr_pages = nr_pages,
				      .next = mapping_number(f, after) & 0x7fffffff,
				      .prev = mapping_number(f, before) };
	if (before)
		mapping_mark(f, before)->next = number & 0x7fffffff;
	else
		vm->first = number;
	if (after)
		mapping_mark(f, after)->prev = number;
	else
		vm->last = number;
	vm->near = number;
	return map;
}

void host_mapping_remove(struct flow *f, struct host_mapping *map)
{
	struct host_mapping *before = mapping_at(f, map->prev), *after = mapping_at(f, map->next);
	const u32 next = map->next, prev = map->prev;
	struct host_vm *vm = vm_mark(f);

	if (before)
		mapping_mark(f, before)->next = next & 0x7fffffff;
	else
		vm->first = next;
	if (after)
		mapping_mark(f, after)->prev = prev;
	else
		vm->last = prev;
	vm->near = next ? next : prev;
	mapping_mark(f, map)->next = flow_host(f)->free_mapping & 0x7fffffff;
	flow_host(f)->free_mapping = mapping_number(f, map);
}

/* ---- Memcaches ---------------------------------------------------------------------------- */

/*
 * topup_hyp_memcache - pages onto the stack until it has @min_pages. -ENOMEM, with what
 * there is on it.
 */
int topup_hyp_memcache(struct flow *f, u64 mc, u64 min_pages)
{
	const struct el2_vm_layout *l = flow_layout(f);
	u64 nr = flow_load(f, mc + l->mc_nr_pages), page;

	for (; nr < min_pages && !f->oops; nr++) {
		page = host_alloc_pages(f, 1, 1);
		if (!page)
			return -ENOMEM;
		flow_store(f, page, flow_load(f, mc + l->mc_head));
		flow_store(f, mc + l->mc_head, page);
		flow_store(f, mc + l->mc_nr_pages, nr + 1);
	}
	return f->oops ? -EFAULT : 0;
}

/*
 * free_hyp_memcache - all of the stack back to the allocator. A link that leads to a
 * page that is not the driver's ends it: Linux has a bad page to report, and we no stack.
 */
void free_hyp_memcache(struct flow *f, u64 mc)
{
	const struct el2_vm_layout *l = flow_layout(f);
	u64 nr = flow_load(f, mc + l->mc_nr_pages);

	for (; nr && !f->oops; nr--) {
		const u64 pa = ALIGN_DOWN(flow_load(f, mc + l->mc_head), flow_page_size(f));
		const struct host_page *p = host_page(flow_machine(f), pa);

		if (!p || !p->taken)
			return;
		flow_store(f, mc + l->mc_head, flow_load(f, pa));
		flow_store(f, mc + l->mc_nr_pages, nr - 1);
		host_free_pages(f, pa, 1);
	}
}
