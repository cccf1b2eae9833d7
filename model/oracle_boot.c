// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a boot leaves: the host has all its memory and devices, but for what it gave
 * EL2 and, where that boot step is there, the protected regions. A boot that fails
 * must not keep the regions; what else it changed dies with EL2.
 */
#include <string.h>

#include "oracle_impl.h"

void boot_sync(struct oracle *o)
{
	const struct el2_view *v = o->v;

	sim_assert(v->n_regions <= ORACLE_REGIONS);
	for (unsigned int i = 0; i < v->n_regions; i++)
		o->region[i] = (struct m_region){ .base = v->regions[i].base,
						  .size = v->regions[i].size,
						  .nomap = v->regions[i].nomap };
	o->state.n_regions = v->n_regions;
	o->state.ia_bits = v->host_s2.root.pa ? v->host_s2.ia_bits : o->b->f->pa_bits;
	m_regions_known(&o->state);
	o->state.linear_end = v->hyp_s1.root.pa ? BIT(v->hyp_s1.ia_bits) - v->layout->va_offset : 0;
	o->vmemmap.size = 0;
}

static bool protects(const struct oracle *o, unsigned int i, u64 pfn)
{
	const struct protect_entry *e = &o->v->protected_regs[i];

	return pfn - (e->base >> o->shift) < e->size >> o->shift;
}

/* Remember the first donation of each region, as what brought its pages to EL2. */
void boot_event(struct oracle *o, const struct event *ev)
{
	if (!o->boots || g_strcmp0(ev->what, "host_donate_hyp_mmio"))
		return;
	for (unsigned int i = 0; i < MIN(o->v->n_protected_regs, BOOT_EVENTS); i++)
		if (!o->donation[i].seq && protects(o, i, ev->addr))
			o->donation[i] = *ev;
}

static const struct event *donation_of(const struct oracle *o, u64 pfn)
{
	for (unsigned int i = 0; i < MIN(o->v->n_protected_regs, BOOT_EVENTS); i++)
		if (o->donation[i].seq && protects(o, i, pfn))
			return &o->donation[i];
	return NULL;
}

static bool is_protected(const struct oracle *o, u64 pfn)
{
	for (unsigned int i = 0; i < o->v->n_protected_regs; i++)
		if (protects(o, i, pfn))
			return true;
	return false;
}

/* A piece of memory that the host gave EL2 before it booted. */
struct given {
	u64 base, size; /* size 0: the release leaves it to the host */
	bool shared;	/* EL2 only lends it back */
};

#define GIVEN_BASE 6u

static unsigned int n_given(const struct oracle *o)
{
	return GIVEN_BASE + 2 * o->b->n_cpus;
}

static struct given given_of_image(const struct oracle *o, unsigned int i)
{
	const struct profile *p = o->design.profile;
	const struct el2_view *v = o->v;

	switch (i) {
	case 0:
		return (struct given){ v->hyp_mem.base, v->hyp_mem.size, false };
	case 1:
		return (struct given){ v->text.base, v->text.size, false };
	case 2:
		return (struct given){ v->rodata.base, v->rodata.size, false };
	case 3:
		return (struct given){ v->bss.base, v->bss.size, false };
	case 4:
		return (struct given){ v->data.base, p->map_hyp_data ? v->data.size : 0, false };
	default:
		return (struct given){ v->vgic.base, p->map_vgic_state ? v->vgic.size : 0, true };
	}
}

static struct given given(const struct oracle *o, unsigned int i)
{
	const struct el2_cpu_pages *cpu;

	if (i < GIVEN_BASE)
		return given_of_image(o, i);
	cpu = &o->v->cpu_pages[(i - GIVEN_BASE) / 2];
	if (i % 2)
		return (struct given){ cpu->percpu.base, cpu->percpu.size, false };
	/* In releases that forget them the stacks stay the host's by design. */
	return (struct given){ cpu->stack.base,
			       o->design.profile->stacks_fixed_up ? cpu->stack.size : 0, false };
}

static bool given_has(const struct oracle *o, const struct given *g, u64 pfn)
{
	u64 base = g->base >> o->shift,
	    end = ALIGN_UP(g->base + g->size, BIT(o->shift)) >> o->shift;

	return g->size && pfn - base < end - base;
}

static struct m_page expected(const struct oracle *o, u64 pfn)
{
	struct m_page page = m_page_default[page_class(o, pfn)];

	for (unsigned int i = 0; i < n_given(o); i++) {
		struct given g = given(o, i);

		if (!given_has(o, &g, pfn))
			continue;
		page.host = g.shared ? PKVM_PAGE_SHARED_BORROWED : PKVM_NOPAGE;
		page.hyp = g.shared ? PKVM_PAGE_SHARED_OWNED : PKVM_PAGE_OWNED;
		if (page_is_unrecorded_stack(o, pfn))
			page.hyp = PKVM_NOPAGE;
		return page;
	}
	if (o->design.mmio && page_class(o, pfn) == M_HOLE && is_protected(o, pfn))
		page = (struct m_page){ .host = PKVM_NOPAGE, .hyp = PKVM_PAGE_OWNED };
	return page;
}

static struct found untouched(const struct oracle *o, u64 pfn)
{
	return (struct found){ .p = m_page_default[page_class(o, pfn)] };
}

/* A page that should be EL2's now. */
static void check_taken(struct oracle *o, u64 pfn, const char *why)
{
	struct found f = page_get(o, pfn), was = untouched(o, pfn);
	struct m_page want = expected(o, pfn);

	if (f.p.host == want.host && f.p.hyp == want.hyp)
		return;
	if (f.p.host != PKVM_NOPAGE && want.host == PKVM_NOPAGE)
		judge_broken(o, RULE_SINGLE_OWNER, pfn, NULL, &was, &f, why);
	else
		judge_odd(o, pfn, NULL, &was, &f, why);
}

static void check_range(struct oracle *o, u64 base, u64 size, const char *why)
{
	u64 end = ALIGN_UP(base + size, BIT(o->shift)) >> o->shift;

	for (u64 pfn = base >> o->shift; size && pfn < end; pfn++)
		check_taken(o, pfn, why);
}

/* A page that is not as all begin, and perhaps should be. */
static void check_other(void *data, u64 pfn)
{
	struct oracle *o = data;
	struct found f, was;
	struct m_page want;

	if (!page_known(o, pfn))
		return;
	f = page_get(o, pfn);
	want = expected(o, pfn);
	was = untouched(o, pfn);
	if (!page_same(&was.p, &want) || (f.p.host == want.host && f.p.hyp == want.hyp))
		return;
	judge_odd(o, pfn, NULL, &was, &f, "boot changed a page that was not given to EL2");
}

static void check_success(struct oracle *o)
{
	for (unsigned int i = 0; i < n_given(o); i++) {
		struct given g = given(o, i);

		check_range(o, g.base, g.size, "EL2 was given the page, and the host still has it");
	}
	for (unsigned int i = 0; o->design.mmio && i < o->v->n_protected_regs; i++)
		check_range(o, o->v->protected_regs[i].base, o->v->protected_regs[i].size,
			    "a page of a protected region stayed with the host");
	book_for_each(&o->pages, check_other, o);
}

static void check_unwound(void *data, u64 pfn)
{
	struct oracle *o = data;
	struct found f, was;
	struct m_page want;

	if (!page_known(o, pfn) || !is_protected(o, pfn))
		return;
	f = page_get(o, pfn);
	was = untouched(o, pfn);
	want = expected(o, pfn);
	if (page_class(o, pfn) != M_HOLE && !page_same(&want, &was.p))
		return; /* EL2's for other reasons */
	if (!page_same(&f.p, &was.p))
		judge_broken(o, RULE_NO_CHANGE_ON_ERROR, pfn, donation_of(o, pfn), &was, &f,
			     "boot failed, and EL2 kept a page of a protected region");
}

/* @ended: it did not stop half way. */
void boot_end(struct oracle *o, bool ended, bool success)
{
	bool again = o->state.booted;

	boot_sync(o);
	if (!ended || !o->v->host_s2.root.pa) {
		o->fold.live = false;
		return;
	}
	success &= o->v->booted && !again;
	o->judging = success ? JUDGE_LEGAL : JUDGE_TAKE;
	fold_read_all(o);
	guests_take(o);
	if (success)
		check_success(o);
	else if (!o->v->booted)
		book_for_each(&o->pages, check_unwound, o);
}
