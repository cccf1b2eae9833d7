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

/* ---- Places ---------------------------------------------------------------------------- */

static bool place_image(struct hyp *hyp, GError **error)
{
	struct el2_places p = { 0 };

	if (!el2_place_image(hyp->board, hyp->cfg, &p, &hyp->reserve_error, error))
		return false;
	hyp->idmap = p.idmap;
	hyp->text = p.text;
	hyp->rodata = p.rodata;
	hyp->bss = p.bss;
	hyp->vgic = p.vgic;
	hyp->data = p.data;
	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		hyp->cpus[i].percpu_pa = PA(p.cpu[i].percpu.base);
		hyp->cpus[i].stack_pa = PA(p.cpu[i].stack.base);
	}
	hyp->hpool.heads = PA(hyp->bss.base);
	hyp->host_s2_pool.heads = PA(hyp->bss.base + HYP_POOL_HEADS_SIZE);
	return true;
}

static bool reserve_memory(struct hyp *hyp, GError **error)
{
	const struct el2_places p = { .idmap = hyp->idmap };
	u64 pages = hyp_s1_pgtable_pages(hyp) + host_s2_pgtable_pages(hyp) +
		    hyp_vm_table_pages(hyp) + hyp_vmemmap_pages(hyp) + pkvm_selftest_pages(hyp) +
		    hyp_ffa_proxy_pages(hyp);

	return el2_place_memory(hyp->board, hyp->cfg, &p, pages, &hyp->hyp_mem, &hyp->reserve_error,
				error);
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
