// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the host puts EL2 before EL2 runs: the sections of its image, as in the recorded
 * machine, and the memory that it gets, as memblock finds it. The same for every EL2.
 * After kvm_hyp_reserve() (arch/arm64/kvm/pkvm.c).
 */
#include <errno.h>
#include <inttypes.h>

#include "el2.h"

/* Sections of the image in pages from its start. */
#define IDMAP_PAGE 0x00
#define TEXT_PAGE 0x01
#define RODATA_PAGE 0x11
#define BSS_PAGE 0x19
#define PERCPU_PAGE 0x1d
#define STACK_PAGE 0x20
#define VGIC_PAGE 0x21
#define DATA_PAGE 0x22
/* CPUs from the second on: per-CPU pages and stack, one CPU after the other */
#define MORE_CPUS_PAGE 0x24
#define MORE_CPU_PAGES (EL2_PERCPU_PAGES + 1)

static u64 image_bytes(const struct board *b)
{
	return (MORE_CPUS_PAGE + (u64)MORE_CPU_PAGES * (b->n_cpus - 1)) << b->f->page_shift;
}

static bool region_holds(const struct ram_region *r, u64 base, u64 size)
{
	return !r->nomap && base >= r->base && size <= r->size && base - r->base <= r->size - size;
}

static bool in_ram(const struct board *b, u64 base, u64 size)
{
	const GArray *ram = b->config->ram;

	for (unsigned int i = 0; i < ram->len; i++)
		if (region_holds(&g_array_index(ram, struct ram_region, i), base, size))
			return true;
	return false;
}

static struct el2_section section(const struct board *b, u64 image, u64 page, u64 pages)
{
	return (struct el2_section){ image + (page << b->f->page_shift),
				     pages << b->f->page_shift };
}

static void place_sections(const struct board *b, u64 image, struct el2_places *p)
{
	p->idmap = section(b, image, IDMAP_PAGE, TEXT_PAGE - IDMAP_PAGE);
	p->text = section(b, image, TEXT_PAGE, RODATA_PAGE - TEXT_PAGE);
	p->rodata = section(b, image, RODATA_PAGE, BSS_PAGE - RODATA_PAGE);
	p->bss = section(b, image, BSS_PAGE, PERCPU_PAGE - BSS_PAGE);
	p->vgic = section(b, image, VGIC_PAGE, 1);
	p->data = section(b, image, DATA_PAGE, MORE_CPUS_PAGE - DATA_PAGE);
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		u64 more = MORE_CPUS_PAGE + (u64)MORE_CPU_PAGES * (i - 1);
		u64 percpu = i ? more : PERCPU_PAGE,
		    stack = i ? more + EL2_PERCPU_PAGES : STACK_PAGE;

		p->cpu[i].percpu.base = section(b, image, percpu, EL2_PERCPU_PAGES).base;
		p->cpu[i].percpu.size = EL2_PERCPU_PAGES << b->f->page_shift;
		p->cpu[i].stack.base = section(b, image, stack, 1).base;
		p->cpu[i].stack.size = BIT(b->f->page_shift);
	}
}

/* 64 KiB above the base of the lowest region that holds it; false: RAM is too small. */
static bool default_image(const struct board *b, u64 *image)
{
	const GArray *ram = b->config->ram;

	for (unsigned int i = 0; i < ram->len; i++) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);

		*image = ALIGN_UP(r->base + 0x10000, BIT(b->f->page_shift));
		if (region_holds(r, *image, image_bytes(b)))
			return true;
	}
	return false;
}

bool el2_place_image(const struct board *b, const struct el2_config *c, struct el2_places *p,
		     int *err, GError **error)
{
	u64 image = c->hyp_image;

	*err = 0;
	if (!c->has_hyp_image) {
		if (default_image(b, &image))
			place_sections(b, image, p);
		else
			*err = -ENOMEM;
		return true;
	}
	if (!IS_ALIGNED(image, BIT(b->f->page_shift)) || !in_ram(b, image, image_bytes(b))) {
		g_set_error(error, BOARD_ERROR, 0,
			    "EL2's image of 0x%" PRIx64 " bytes does not fit at 0x%" PRIx64
			    ": it needs whole pages of one memory region",
			    image_bytes(b), image);
		return false;
	}
	place_sections(b, image, p);
	return true;
}

/* ---- The memory that EL2 gets ------------------------------------------------------------- */

/* The highest place for @size bytes in [start, end), as memblock searches. */
static bool fit_below(u64 start, u64 end, u64 size, u64 align, u64 *base)
{
	if (end < start || size > end - start)
		return false;
	*base = ALIGN_DOWN(end - size, align);
	return *base >= start;
}

static bool memblock_alloc(const struct board *b, u64 image, u64 size, u64 align, u64 *base)
{
	const GArray *ram = b->config->ram;

	for (unsigned int i = ram->len; i--;) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);
		/* memblock never gives the first page away: 0 means "none" */
		u64 start = MAX(r->base, BIT(b->f->page_shift)), end = r->base + r->size;
		bool shared = image >= r->base && image < end;

		if (r->nomap)
			continue;
		if (fit_below(shared ? image + image_bytes(b) : start, end, size, align, base) ||
		    (shared && fit_below(start, image, size, align, base)))
			return true;
	}
	return false;
}

bool el2_place_memory(const struct board *b, const struct el2_config *c, const struct el2_places *p,
		      u64 pages, struct el2_section *mem, int *err, GError **error)
{
	u64 pmd = BIT(level_shift(b->f->page_shift, 2));
	u64 size = pages << b->f->page_shift, base = c->hyp_memory, image = p->idmap.base;

	*err = 0;
	if (c->has_hyp_memory) {
		if (!in_ram(b, base, size) ||
		    (base < image + image_bytes(b) && image < base + size)) {
			g_set_error(error, BOARD_ERROR, 0,
				    "EL2 needs 0x%" PRIx64 " bytes of one memory region beside "
				    "its image, and 0x%" PRIx64 " does not have them",
				    size, base);
			return false;
		}
	} else if (memblock_alloc(b, image, ALIGN_UP(size, pmd), pmd, &base)) {
		size = ALIGN_UP(size, pmd);
	} else if (!memblock_alloc(b, image, size, BIT(b->f->page_shift), &base)) {
		*err = -ENOMEM;
		return true;
	}
	*mem = (struct el2_section){ base, size };
	return true;
}
