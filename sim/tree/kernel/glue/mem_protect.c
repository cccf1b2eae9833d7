// SPDX-License-Identifier: GPL-2.0-only
/* The tree's mem_protect.c, and EL2's own calls by number. */
#include <nvhe/mem_protect.c>

#include "glue.h"

struct hyp_pool *glue_host_s2_pool(void)
{
	return &host_s2_pool;
}

/* Not locked by itself: its callers hold the lock. */
static long call_host_stage2_unmap(u64 addr, u64 size)
{
	int ret;

	host_lock_component();
	ret = kvm_pgtable_stage2_unmap(&host_mmu.pgt, addr, size);
	host_unlock_component();
	return ret;
}

long glue_call(unsigned int number, const u64 *a)
{
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
	}
	sim_trap("BUG", __FILE__, __LINE__, "a call that the tree does not have");
}

u32 glue_calls(void)
{
	u32 calls = BIT(TREE_CALL_host_donate_hyp) | BIT(TREE_CALL_hyp_donate_host) |
		    BIT(TREE_CALL_pin_shared_mem) | BIT(TREE_CALL_unpin_shared_mem) |
		    BIT(TREE_CALL_host_stage2_idmap) | BIT(TREE_CALL_host_stage2_unmap);

#ifdef HAVE___pkvm_host_share_ffa
	calls |= BIT(TREE_CALL_host_share_ffa) | BIT(TREE_CALL_host_unshare_ffa);
#endif
	return calls;
}
