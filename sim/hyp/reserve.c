// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host does for EL2 before EL2 runs: where EL2's image lies, the copy of
 * the memory regions, how much memory EL2 needs and where the host takes it from.
 * After kvm_hyp_reserve() (arch/arm64/kvm/pkvm.c) and asm/kvm_pkvm.h.
 */
#include <inttypes.h>

#include "hyp_private.h"

#define KVM_MAX_PVMS 255
#define SZ_1G (UINT64_C(1) << 30)

/* Sections of the image in pages from its start, as in the recorded machine. */
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
#define MORE_CPU_PAGES (HYP_PERCPU_PAGES + 1)

/* ---- Page counts (asm/kvm_pkvm.h) --------------------------------------------------------- */

static u64 div_round_up(u64 n, u64 d)
{
	return n / d + (n % d != 0);
}

/* Table pages that map @nr_pages one by one: one term a level, -1 to 3. */
static u64 hyp_pgtable_max_pages(const struct hyp *hyp, u64 nr_pages)
{
	u64 total = 0;

	for (int level = ARCH_MIN_LEVEL; level <= ARCH_LAST_LEVEL; level++) {
		nr_pages = div_round_up(nr_pages, table_entries(hyp->f->page_shift));
		total += nr_pages;
	}
	return total;
}

static u64 hyp_pgtable_total_pages(const struct hyp *hyp)
{
	u64 total = 0;

	for (unsigned int i = 0; i < hyp->hyp_memblock_nr; i++)
		total += hyp_pgtable_max_pages(hyp, hyp->hyp_memory[i].size >> hyp->f->page_shift);
	return total;
}

/* EL2's own tables: all memory, and 1 GiB of private mappings. */
u64 hyp_s1_pgtable_pages(const struct hyp *hyp)
{
	if (hyp->cfg->pool_pages[POOL_HYP_S1])
		return hyp->cfg->pool_pages[POOL_HYP_S1];
	return hyp_pgtable_total_pages(hyp) +
	       hyp_pgtable_max_pages(hyp, SZ_1G >> hyp->f->page_shift);
}

/* The host's stage 2: all memory, 16 start tables, and 1 GiB of MMIO. */
u64 host_s2_pgtable_pages(const struct hyp *hyp)
{
	if (hyp->cfg->pool_pages[POOL_HOST_S2])
		return hyp->cfg->pool_pages[POOL_HOST_S2];
	return hyp_pgtable_total_pages(hyp) + 16 +
	       hyp_pgtable_max_pages(hyp, SZ_1G >> hyp->f->page_shift);
}

u64 hyp_vm_table_pages(const struct hyp *hyp)
{
	return div_round_up(KVM_MAX_PVMS * sizeof(u64), hyp_page_size(hyp));
}

/* A page that two regions share counts twice, though it is mapped once. */
u64 hyp_vmemmap_pages(const struct hyp *hyp)
{
	u64 bytes = 0, entry = hyp->layout.hyp_page_size;

	for (unsigned int i = 0; i < hyp->hyp_memblock_nr; i++) {
		const struct el2_region *r = &hyp->hyp_memory[i];
		u64 start = (r->base >> hyp->f->page_shift) * entry;
		u64 end = start + (r->size >> hyp->f->page_shift) * entry;

		bytes += ALIGN_UP(end, hyp_page_size(hyp)) - ALIGN_DOWN(start, hyp_page_size(hyp));
	}
	return bytes >> hyp->f->page_shift;
}

u64 pkvm_selftest_pages(const struct hyp *hyp)
{
	return hyp->profile->selftest && hyp->knob[KNOB_EL2_DEBUG] == EL2_DEBUG_ON ? 32 : 0;
}

/* Two mailboxes, and the largest memory region descriptor of FF-A. */
u64 hyp_ffa_proxy_pages(const struct hyp *hyp)
{
	return 2 + div_round_up(48 + 32 + 16 + 2048 * 16, hyp_page_size(hyp));
}

/* ---- The image ---------------------------------------------------------------------------- */

static u64 image_pages(const struct hyp *hyp)
{
	return MORE_CPUS_PAGE + (u64)MORE_CPU_PAGES * (hyp->nr_cpus - 1);
}

static bool region_holds(const struct ram_region *r, u64 base, u64 size)
{
	return !r->nomap && base >= r->base && size <= r->size && base - r->base <= r->size - size;
}

static bool in_ram(const struct hyp *hyp, u64 base, u64 size)
{
	const GArray *ram = hyp->board->config->ram;

	for (unsigned int i = 0; i < ram->len; i++)
		if (region_holds(&g_array_index(ram, struct ram_region, i), base, size))
			return true;
	return false;
}

static struct hyp_section section(const struct hyp *hyp, u64 image, u64 page, u64 pages)
{
	return (struct hyp_section){ image + (page << hyp->f->page_shift),
				     pages << hyp->f->page_shift };
}

static void place_sections(struct hyp *hyp, u64 image)
{
	hyp->idmap = section(hyp, image, IDMAP_PAGE, TEXT_PAGE - IDMAP_PAGE);
	hyp->text = section(hyp, image, TEXT_PAGE, RODATA_PAGE - TEXT_PAGE);
	hyp->rodata = section(hyp, image, RODATA_PAGE, BSS_PAGE - RODATA_PAGE);
	hyp->bss = section(hyp, image, BSS_PAGE, PERCPU_PAGE - BSS_PAGE);
	hyp->vgic = section(hyp, image, VGIC_PAGE, 1);
	hyp->data = section(hyp, image, DATA_PAGE, MORE_CPUS_PAGE - DATA_PAGE);
	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		u64 more = MORE_CPUS_PAGE + (u64)MORE_CPU_PAGES * (i - 1);
		u64 percpu = i ? more : PERCPU_PAGE,
		    stack = i ? more + HYP_PERCPU_PAGES : STACK_PAGE;

		hyp->cpus[i].percpu_pa = PA(section(hyp, image, percpu, HYP_PERCPU_PAGES).base);
		hyp->cpus[i].stack_pa = PA(section(hyp, image, stack, 1).base);
	}
	hyp->hpool.heads = PA(hyp->bss.base);
	hyp->host_s2_pool.heads = PA(hyp->bss.base + HYP_POOL_HEADS_SIZE);
}

/* 64 KiB above the base of the lowest region that holds it; false: RAM is too small. */
static bool default_image(const struct hyp *hyp, u64 *image)
{
	const GArray *ram = hyp->board->config->ram;
	u64 size = image_pages(hyp) << hyp->f->page_shift;

	for (unsigned int i = 0; i < ram->len; i++) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);

		*image = ALIGN_UP(r->base + 0x10000, hyp_page_size(hyp));
		if (region_holds(r, *image, size))
			return true;
	}
	return false;
}

static bool place_image(struct hyp *hyp, GError **error)
{
	u64 image = hyp->cfg->hyp_image, size = image_pages(hyp) << hyp->f->page_shift;

	if (!hyp->cfg->has_hyp_image) {
		if (default_image(hyp, &image))
			place_sections(hyp, image);
		else
			hyp->reserve_error = -ENOMEM;
		return true;
	}
	if (!IS_ALIGNED(image, hyp_page_size(hyp)) || !in_ram(hyp, image, size)) {
		g_set_error(error, HYP_ERROR, 0,
			    "EL2's image of 0x%" PRIx64 " bytes does not fit at 0x%" PRIx64
			    ": it needs whole pages of one memory region",
			    size, image);
		return false;
	}
	place_sections(hyp, image);
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

static bool memblock_alloc(const struct hyp *hyp, u64 size, u64 align, u64 *base)
{
	const GArray *ram = hyp->board->config->ram;
	u64 image = hyp->idmap.base;
	u64 image_end = image + (image_pages(hyp) << hyp->f->page_shift);

	for (unsigned int i = ram->len; i--;) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);
		/* memblock never gives the first page away: 0 means "none" */
		u64 start = MAX(r->base, hyp_page_size(hyp)), end = r->base + r->size;
		bool shared = image >= r->base && image < end;

		if (r->nomap)
			continue;
		if (fit_below(shared ? image_end : start, end, size, align, base) ||
		    (shared && fit_below(start, image, size, align, base)))
			return true;
	}
	return false;
}

static bool reserve_memory(struct hyp *hyp, GError **error)
{
	u64 pmd = BIT(level_shift(hyp->f->page_shift, 2));
	u64 size =
		(hyp_s1_pgtable_pages(hyp) + host_s2_pgtable_pages(hyp) + hyp_vm_table_pages(hyp) +
		 hyp_vmemmap_pages(hyp) + pkvm_selftest_pages(hyp) + hyp_ffa_proxy_pages(hyp))
		<< hyp->f->page_shift;
	u64 base = hyp->cfg->hyp_memory, image = hyp->idmap.base;

	if (hyp->cfg->has_hyp_memory) {
		if (!in_ram(hyp, base, size) ||
		    (base < image + (image_pages(hyp) << hyp->f->page_shift) &&
		     image < base + size)) {
			g_set_error(error, HYP_ERROR, 0,
				    "EL2 needs 0x%" PRIx64 " bytes of one memory region beside "
				    "its image, and 0x%" PRIx64 " does not have them",
				    size, base);
			return false;
		}
	} else if (memblock_alloc(hyp, ALIGN_UP(size, pmd), pmd, &base)) {
		size = ALIGN_UP(size, pmd);
	} else if (!memblock_alloc(hyp, size, hyp_page_size(hyp), &base)) {
		hyp->reserve_error = -ENOMEM;
		return true;
	}
	hyp->hyp_mem = (struct hyp_section){ base, size };
	return true;
}

/* EL2's copy of the memory regions, nomap ones too. */
static int register_memblock_regions(struct hyp *hyp)
{
	const GArray *ram = hyp->board->config->ram;

	if (ram->len > HYP_MEMBLOCK_REGIONS)
		return -ENOMEM;
	for (unsigned int i = 0; i < ram->len; i++) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);

		hyp->hyp_memory[i] = (struct el2_region){ r->base, r->size, r->nomap };
	}
	hyp->hyp_memblock_nr = ram->len;
	return 0;
}

/*
 * kvm_hyp_reserve - choose all places. What the kernel cannot do (too many
 * regions, no room) is found in @hyp->reserve_error, and fails at boot. False:
 * the places that the user chose cannot be.
 */
bool kvm_hyp_reserve(struct hyp *hyp, GError **error)
{
	if (!place_image(hyp, error))
		return false;
	if (!hyp->reserve_error)
		hyp->reserve_error = register_memblock_regions(hyp);
	if (hyp->reserve_error)
		return true;
	return reserve_memory(hyp, error);
}
