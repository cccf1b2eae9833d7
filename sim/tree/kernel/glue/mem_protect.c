// SPDX-License-Identifier: GPL-2.0-only
/* The tree's mem_protect.c, and EL2's own calls by number. */
#include <asm/kvm_host.h>

#ifndef PKVM_SIM_FAST
/* A page for a guest's tables that its vCPU's list gives. */
static inline void *sim_pop(struct kvm_hyp_memcache *mc, void *(*to_va)(phys_addr_t phys))
{
	extern void sim_memcache_page(void *page);
	void *page = pop_hyp_memcache(mc, to_va);

	sim_memcache_page(page);
	return page;
}
#define pop_hyp_memcache sim_pop
#endif

#include <nvhe/mem_protect.c>

#include "glue.h"
#include "work.h"

struct hyp_pool *glue_host_s2_pool(void)
{
	return &host_s2_pool;
}

/* By itself; what the tree calls is told of. */
int __real_kvm_pgtable_stage2_unmap(struct kvm_pgtable *pgt, u64 addr, u64 size);

/* Not locked by itself: its callers hold the lock. */
static long call_host_stage2_unmap(u64 addr, u64 size)
{
	int ret;

	host_lock_component();
	ret = __real_kvm_pgtable_stage2_unmap(&host_mmu.pgt, addr, size);
	host_unlock_component();
	return ret;
}

bool glue_is_host_s2(const void *pgt)
{
	return pgt == &host_mmu.pgt;
}

long glue_call(unsigned int number, const u64 *a)
{
	void *va;

	switch (number) {
	case TREE_CALL_host_donate_hyp:
		return __pkvm_host_donate_hyp(a[0], a[1]);
	case TREE_CALL_hyp_donate_host:
		return __pkvm_hyp_donate_host(a[0], a[1]);
#ifdef HAVE___pkvm_host_share_ffa
	case TREE_CALL_host_share_ffa:
		return __pkvm_host_share_ffa(a[0], a[1]);
	case TREE_CALL_host_unshare_ffa:
		return __pkvm_host_unshare_ffa(a[0], a[1]);
#endif
	case TREE_CALL_pin_shared_mem:
		return hyp_pin_shared_mem((void *)a[0], (void *)a[1]);
	case TREE_CALL_unpin_shared_mem:
		hyp_unpin_shared_mem((void *)a[0], (void *)a[1]);
		return 0;
	case TREE_CALL_host_stage2_idmap:
		return host_stage2_idmap(a[0]);
	case TREE_CALL_host_stage2_unmap:
		return call_host_stage2_unmap(a[0], a[1]);
#ifdef HAVE_mmio_donation
	case TREE_CALL_host_donate_hyp_mmio:
		return __pkvm_host_donate_hyp_mmio(a[0]);
	case TREE_CALL_hyp_donate_host_mmio:
		return __pkvm_hyp_donate_host_mmio(a[0]);
#endif
	case TREE_CALL_map_mmio:
		va = __hyp_va(hyp_pfn_to_phys(a[0]));
		return pkvm_create_mappings(va, va + PAGE_SIZE, PAGE_HYP_DEVICE);
	}
	return glue_vm_call(number, a);
}

u32 glue_calls(void)
{
	u32 calls = BIT(TREE_CALL_host_donate_hyp) | BIT(TREE_CALL_hyp_donate_host) |
		    BIT(TREE_CALL_pin_shared_mem) | BIT(TREE_CALL_unpin_shared_mem) |
		    BIT(TREE_CALL_host_stage2_idmap) | BIT(TREE_CALL_host_stage2_unmap) |
		    BIT(TREE_CALL_map_mmio);

#ifdef HAVE___pkvm_host_share_ffa
	calls |= BIT(TREE_CALL_host_share_ffa) | BIT(TREE_CALL_host_unshare_ffa);
#endif
#ifdef HAVE_mmio_donation
	calls |= BIT(TREE_CALL_host_donate_hyp_mmio) | BIT(TREE_CALL_hyp_donate_host_mmio);
#endif
	return calls;
}

/* ---- Regions that the host lists before EL2 starts: the array is this file's ---------------- */

u32 glue_protected_regions(void)
{
#ifdef HAVE_pkvm_protected_regs
	return min_t(u32, ARRAY_SIZE(pkvm_protected_regs), TREE_MAX_PROTECTED);
#else
	return 0;
#endif
}

void glue_protect(const struct tree_shared *s)
{
#ifdef HAVE_pkvm_protected_regs
	unsigned int i;

	for (i = 0; i < s->n_protected; i++) {
		pkvm_protected_regs[i].start_pfn = s->protect[i].pfn;
		pkvm_protected_regs[i].num_pages = s->protect[i].pages;
	}
	num_protected_reg = s->n_protected;
#endif
}

int glue_idmap(u64 addr)
{
	return host_stage2_idmap(addr);
}

int glue_unmap_dev_all(void)
{
	return host_stage2_unmap_dev_all();
}
