// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of nobody's, for trying what the tree's code does before it runs as EL2. They lie
 * in the process's own data, a page's address is its physical one, and no page is freed.
 */
#include <nvhe/mem_protect.h>
#include <nvhe/memory.h>
#include <nvhe/mm.h>

#include <asm/kvm_pkvm.h>

#include "glue.h"

#define PAGES 32

static u8 pages[PAGES][PAGE_SIZE] __aligned(PAGE_SIZE) __section(".bss.sim");
static unsigned int n_pages __section(".data.sim");
static bool host_empty __section(".data.sim");

static void *pages_exact(size_t bytes)
{
	unsigned int n = bytes >> PAGE_SHIFT;
	void *first = pages[n_pages];

	if (n_pages + n > PAGES)
		return NULL;
	n_pages += n;
	memset(first, 0, bytes);
	return first;
}

static void *host_page(void *pool)
{
	return host_empty ? NULL : pages_exact(PAGE_SIZE);
}

static void *hyp_page(void *pool)
{
	return pages_exact(PAGE_SIZE);
}

static void count(void *page)
{
}

static int counted(void *page)
{
	return 2;
}

static void *to_virt(phys_addr_t phys)
{
	return (void *)phys;
}

static phys_addr_t to_phys(void *virt)
{
	return (phys_addr_t)virt;
}

static struct kvm_pgtable_mm_ops host_ops __section(".data.sim") = {
	.zalloc_page = host_page,
	.zalloc_pages_exact = pages_exact,
	.get_page = count,
	.put_page = count,
	.page_count = counted,
	.phys_to_virt = to_virt,
	.virt_to_phys = to_phys,
};
static struct kvm_pgtable_mm_ops hyp_ops __section(".data.sim") = {
	.zalloc_page = hyp_page,
	.get_page = count,
	.put_page = count,
	.page_count = counted,
	.phys_to_virt = to_virt,
	.virt_to_phys = to_phys,
};

/* Both tables anew, empty; @full: and no page for the host's. */
long glue_scratch(bool full)
{
	struct kvm_s2_mmu *mmu = &host_mmu.arch.mmu;

	n_pages = 0;
	host_empty = false;
	mmu->arch = &host_mmu.arch;
	mmu->vtcr = kvm_get_vtcr(id_aa64mmfr0_el1_sys_val, id_aa64mmfr1_el1_sys_val, 40);
	if (kvm_pgtable_stage2_init(&host_mmu.pgt, mmu, &host_ops) ||
	    kvm_pgtable_hyp_init(&pkvm_pgtable, 48, &hyp_ops))
		return -ENOMEM;
	host_empty = full;
	return 0;
}

/* The host's entry for a page, with the tables above it. */
u64 *glue_scratch_entry(u64 ipa)
{
	struct kvm_pgtable *pgt = &host_mmu.pgt;
	u64 *table = (u64 *)pgt->pgd;
	s8 level;

	for (level = pgt->start_level;; level++) {
		unsigned int shift = PAGE_SHIFT + (PAGE_SHIFT - 3) * (3 - level);
		u64 *entry = &table[ipa >> shift & (level == pgt->start_level ? ~0UL : 511)];

		if (level == 3)
			return entry;
		if (!*entry)
			*entry = (u64)host_page(NULL) | KVM_PTE_VALID | BIT(1);
		table = (u64 *)(*entry & GENMASK(47, PAGE_SHIFT));
	}
}

/* "EL2's own", where the host's entry says so. */
u64 glue_owned_by_hyp(void)
{
#ifdef HAVE_kvm_pgtable_stage2_annotate
	return FIELD_PREP(KVM_INVALID_PTE_TYPE_MASK, KVM_HOST_INVALID_PTE_TYPE_DONATION) |
	       PKVM_ID_HYP << 1;
#else
	return FIELD_PREP(KVM_INVALID_PTE_OWNER_MASK, PKVM_ID_HYP);
#endif
}

long glue_scratch_unmap(u64 ipa)
{
	return kvm_pgtable_stage2_unmap(&host_mmu.pgt, ipa, PAGE_SIZE);
}
