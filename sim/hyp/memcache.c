// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stacks of pages by which host and EL2 pass memory to each other: struct
 * kvm_hyp_memcache of asm/kvm_host.h, and what nvhe/mm.c does with it (6.12.117,
 * 7.2.13). A header names the first page, each page the next in its first word.
 *
 * The host fills its own header and the links in its pages as it likes. EL2 follows a
 * link only once the page is EL2's, so it need not believe that it stays as it was read.
 */
#include "guest.h"

static u64 page_mask(const struct hyp_cpu *c)
{
	return ~(hyp_page_size(c->hyp) - 1);
}

/* Where a page begins; with B-17 where its giver says, in words. */
static pa_t page_at(const struct hyp_cpu *c, u64 head)
{
	return PA(head & (hyp_has_bug(c->hyp, BUG_B17) ? ~UINT64_C(7) : page_mask(c)));
}

/* ---- The host's memory ------------------------------------------------------------------- */

static pa_t hyp_look_up(struct hyp_cpu *c, const char *fn, va_t va, enum mmu_access access)
{
	const struct mmu_table *t = &c->hyp->pkvm_pgtable.mmu;
	struct mmu_result res = { .fault = MMU_FAULT_TRANSLATION };

	if (t->root.pa)
		mmu_walk(t, va.va, access, board_read_desc, c->cpu->board, &res);
	if (unlikely(res.fault != MMU_OK))
		hyp_abort(c, fn, va);
	return res.oa;
}

/* hyp_load_host - a word at @va, of any alignment. EL2 aborts where it maps nothing. */
u64 hyp_load_host(struct hyp_cpu *c, va_t va)
{
	u64 val = 0;

	if (likely(IS_ALIGNED(va.va, 8)))
		return mem_load64(c->cpu, hyp_look_up(c, __func__, va, MMU_READ), MO_ONCE);
	for (unsigned int i = 0; i < 8; i++)
		val |= (u64)mem_load8(c->cpu, hyp_look_up(c, __func__, VA(va.va + i), MMU_READ),
				      MO_ONCE)
		       << (8 * i);
	return val;
}

void hyp_store_host(struct hyp_cpu *c, va_t va, u64 val)
{
	if (likely(IS_ALIGNED(va.va, 8))) {
		mem_store64(c->cpu, hyp_look_up(c, __func__, va, MMU_WRITE), val, MO_ONCE);
		return;
	}
	for (unsigned int i = 0; i < 8; i++)
		mem_store8(c->cpu, hyp_look_up(c, __func__, VA(va.va + i), MMU_WRITE),
			   (u8)(val >> (8 * i)), MO_ONCE);
}

/* ---- Headers ------------------------------------------------------------------------------ */

struct hyp_memcache host_memcache(struct hyp_cpu *c, va_t va)
{
	const u64 offset = va.va & ~page_mask(c);
	struct hyp_memcache mc = { .va = va };

	if (IS_ALIGNED(va.va, 8) && offset + c->hyp->vm_layout->mc_size <= hyp_page_size(c->hyp))
		mc.pa = hyp_look_up(c, __func__, va, MMU_WRITE);
	return mc;
}

static u64 header_load(struct hyp_cpu *c, const struct hyp_memcache *mc, u32 off)
{
	if (likely(mc->pa.pa))
		return mem_load64(c->cpu, pa_add(mc->pa, off), MO_PLAIN);
	return hyp_load_host(c, VA(mc->va.va + off));
}

static void header_store(struct hyp_cpu *c, const struct hyp_memcache *mc, u32 off, u64 val)
{
	if (likely(mc->pa.pa))
		mem_store64(c->cpu, pa_add(mc->pa, off), val, MO_PLAIN);
	else
		hyp_store_host(c, VA(mc->va.va + off), val);
}

u64 hyp_memcache_pages(struct hyp_cpu *c, const struct hyp_memcache *mc)
{
	return header_load(c, mc, c->hyp->vm_layout->mc_nr_pages);
}

/* push_hyp_memcache - @page, which EL2 owns, on the stack. Nothing is checked. */
void push_hyp_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc, pa_t page)
{
	u64 nr = hyp_memcache_pages(c, mc);

	mem_store64(c->cpu, page, header_load(c, mc, c->hyp->vm_layout->mc_head), MO_PLAIN);
	header_store(c, mc, c->hyp->vm_layout->mc_head, page.pa);
	header_store(c, mc, c->hyp->vm_layout->mc_nr_pages, nr + 1);
}

/* pop_hyp_memcache - the page on top, its link word still in it; 0 if there is none. */
pa_t pop_hyp_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc)
{
	u64 nr = hyp_memcache_pages(c, mc);
	pa_t page;

	if (!nr)
		return PA(0);
	page = page_at(c, header_load(c, mc, c->hyp->vm_layout->mc_head));
	header_store(c, mc, c->hyp->vm_layout->mc_head, mem_load64(c->cpu, page, MO_PLAIN));
	header_store(c, mc, c->hyp->vm_layout->mc_nr_pages, nr - 1);
	return page;
}

/* ---- Refilling ---------------------------------------------------------------------------- */

struct local_memcache { /* EL2's copy of the host's header, on its stack */
	u64 head, nr_pages;
};

/* The host's first page becomes EL2's; only then its link is read. False: refused, or none. */
static bool admit_host_page(struct hyp_cpu *c, struct local_memcache *host, pa_t *page)
{
	if (!host->nr_pages)
		return false;
	if (__pkvm_host_donate_hyp(c, host->head >> c->hyp->f->page_shift, 1))
		return false;
	*page = page_at(c, host->head);
	host->head = mem_load64(c->cpu, *page, MO_PLAIN);
	host->nr_pages--;
	return true;
}

/*
 * refill_memcache - pages of the host's stack onto EL2's until that has @min_pages.
 * Takes the locks of a donation for each. -ENOMEM: the host has too few, or one is not
 * its to give; those before it stay EL2's. The host's header is written back either way.
 */
int refill_memcache(struct hyp_cpu *c, const struct hyp_memcache *mc, u64 min_pages,
		    const struct hyp_memcache *host_mc)
{
	struct local_memcache host = {
		.head = header_load(c, host_mc, c->hyp->vm_layout->mc_head),
		.nr_pages = header_load(c, host_mc, c->hyp->vm_layout->mc_nr_pages),
	};
	int ret = 0;
	pa_t page;

	HYP_FRAME(c);
	while (!ret && hyp_memcache_pages(c, mc) < min_pages) {
		if (admit_host_page(c, &host, &page))
			push_hyp_memcache(c, mc, page);
		else
			ret = -ENOMEM;
	}
	header_store(c, host_mc, c->hyp->vm_layout->mc_head, host.head);
	header_store(c, host_mc, c->hyp->vm_layout->mc_nr_pages, host.nr_pages);
	return ret;
}

/*
 * pkvm_refill_memcache - EL2's stack of @vcpu as full as the host says that its own is.
 * That number is read apart from the header, and believed.
 */
int pkvm_refill_memcache(struct hyp_cpu *c, const struct pkvm_hyp_vcpu *vcpu)
{
	const u64 host_vcpu = hyp_vcpu_load(c, vcpu, c->hyp->vm_layout->hyp_vcpu_host);
	const struct hyp_memcache mc = hyp_vcpu_memcache(c, vcpu);
	const struct hyp_memcache host =
		host_memcache(c, VA(host_vcpu + c->hyp->vm_layout->vcpu_memcache));

	HYP_FRAME(c);
	return refill_memcache(c, &mc, hyp_memcache_pages(c, &host), &host);
}
