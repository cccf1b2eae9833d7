// SPDX-License-Identifier: GPL-2.0-only
/*
 * What benchmarks repeat, in the tree's EL2: the counterpart of sim/hyp/work.c, in the same
 * order with the same locks.
 */
#include <nvhe/mem_protect.h>
#include <nvhe/pkvm.h>

#include "glue.h"
#include "work.h"

#define TABLE_PROT (KVM_PGTABLE_PROT_R | KVM_PGTABLE_PROT_W)

/* ---- The page-table library, on the host's stage 2 ----------------------------------------- */

static int map(u64 addr, u64 size)
{
	int ret;

	hyp_spin_lock(&host_mmu.lock);
	ret = kvm_pgtable_stage2_map(&host_mmu.pgt, addr, size, addr, TABLE_PROT,
				     glue_host_s2_pool(), 0);
	hyp_spin_unlock(&host_mmu.lock);
	return ret;
}

static int unmap(u64 addr, u64 size)
{
	int ret;

	hyp_spin_lock(&host_mmu.lock);
	ret = kvm_pgtable_stage2_unmap(&host_mmu.pgt, addr, size);
	hyp_spin_unlock(&host_mmu.lock);
	return ret;
}

static u64 hole(const struct tree_work *w)
{
	return w->arg[0] + w->drawn % (w->slots / w->every) * w->every * PAGE_SIZE;
}

static int map_hole(const struct tree_work *w)
{
	return map(hole(w), PAGE_SIZE);
}

static int unmap_hole(const struct tree_work *w)
{
	return unmap(hole(w), PAGE_SIZE);
}

static int map_page(const struct tree_work *w)
{
	return map(w->arg[0], PAGE_SIZE);
}

static int unmap_page(const struct tree_work *w)
{
	return unmap(w->arg[0], PAGE_SIZE);
}

static int map_block(const struct tree_work *w)
{
	return map(w->arg[0] + w->drawn % 128 * PMD_SIZE, PMD_SIZE);
}

static int unmap_block(const struct tree_work *w)
{
	return unmap(w->arg[0] + w->drawn % 128 * PMD_SIZE, PMD_SIZE);
}

static int get_leaf(const struct tree_work *w)
{
	kvm_pte_t pte;
	s8 level;

	return kvm_pgtable_get_leaf(&host_mmu.pgt, w->arg[0] + w->drawn % w->slots * PAGE_SIZE,
				    &pte, &level);
}

static int fill_table(const struct tree_work *w)
{
	int ret = unmap(w->arg[0], w->slots * PAGE_SIZE);
	u64 i;

	for (i = 0; !ret && i < w->slots; i++)
		if (i % w->every)
			ret = map(w->arg[0] + i * PAGE_SIZE, PAGE_SIZE);
	return ret;
}

/* ---- Transitions --------------------------------------------------------------------------- */

static int share(const struct tree_work *w)
{
	return __pkvm_host_share_hyp(w->arg[0]);
}

static int unshare(const struct tree_work *w)
{
	return __pkvm_host_unshare_hyp(w->arg[0]);
}

static int share_random(const struct tree_work *w)
{
	return __pkvm_host_share_hyp(w->arg[0] + w->drawn % 256);
}

static int unshare_random(const struct tree_work *w)
{
	return __pkvm_host_unshare_hyp(w->arg[0] + w->drawn % 256);
}

static int donate(const struct tree_work *w)
{
	return __pkvm_host_donate_hyp(w->arg[0], 1);
}

static int give_back(const struct tree_work *w)
{
	return __pkvm_hyp_donate_host(w->arg[0], 1);
}

/* ---- Host faults --------------------------------------------------------------------------- */

static int idmap(const struct tree_work *w)
{
	return glue_idmap(w->arg[0]);
}

static int fault(const struct tree_work *w)
{
	glue_fault(w->fault[0].esr, w->fault[0].far, w->fault[0].hpfar);
	return 0;
}

static int unmap_range(const struct tree_work *w)
{
	return unmap(w->arg[0], w->arg[1]);
}

static int recycle(const struct tree_work *w)
{
	int ret;

	glue_fault(w->fault[0].esr, w->fault[0].far, w->fault[0].hpfar);
	glue_fault(w->fault[1].esr, w->fault[1].far, w->fault[1].hpfar);
	hyp_spin_lock(&host_mmu.lock);
	ret = glue_unmap_dev_all();
	hyp_spin_unlock(&host_mmu.lock);
	return ret;
}

/* ---- Guests -------------------------------------------------------------------------------- */

#ifdef HAVE_NP_GUESTS
static int lend(const struct tree_work *w)
{
	struct pkvm_hyp_vcpu *vcpu = pkvm_get_loaded_hyp_vcpu();

	return vcpu ? __pkvm_host_share_guest(w->arg[0], w->arg[1], 1, vcpu,
					      KVM_PGTABLE_PROT_RWX) : -EINVAL;
}

static int take_back(const struct tree_work *w)
{
	struct pkvm_hyp_vcpu *vcpu = pkvm_get_loaded_hyp_vcpu();

	return vcpu ? __pkvm_host_unshare_guest(w->arg[1], 1, pkvm_hyp_vcpu_to_hyp_vm(vcpu)) :
		      -EINVAL;
}
#endif

#ifdef HAVE_PROTECTED_GUESTS
static int guest_share(const struct tree_work *w)
{
	struct pkvm_hyp_vcpu *vcpu = pkvm_get_loaded_hyp_vcpu();

	return vcpu ? __pkvm_guest_share_host(vcpu, w->arg[0]) : -EINVAL;
}

static int guest_unshare(const struct tree_work *w)
{
	struct pkvm_hyp_vcpu *vcpu = pkvm_get_loaded_hyp_vcpu();

	return vcpu ? __pkvm_guest_unshare_host(vcpu, w->arg[0]) : -EINVAL;
}
#endif

/* ---- All of them --------------------------------------------------------------------------- */

typedef int (*half_fn)(const struct tree_work *w);

static const struct {
	half_fn setup, first, second;
	int want;
} works[TREE_N_WORKS] = {
	[TREE_WORK_MAP] = { fill_table, map_hole, unmap_hole },
	[TREE_WORK_MAP_TABLES] = { NULL, map_page, unmap_page },
	[TREE_WORK_MAP_BLOCK] = { NULL, map_block, unmap_block },
	[TREE_WORK_GET_LEAF] = { fill_table, get_leaf },
	[TREE_WORK_SHARE] = { NULL, share, unshare },
	[TREE_WORK_SHARE_RANDOM] = { NULL, share_random, unshare_random },
	[TREE_WORK_DONATE] = { NULL, donate, give_back },
	[TREE_WORK_SHARE_REFUSED] = { share, share, NULL, -EPERM },
	[TREE_WORK_IDMAP] = { NULL, idmap, unmap_range },
	[TREE_WORK_FAULT] = { NULL, fault, unmap_range },
	[TREE_WORK_RECYCLE] = { NULL, recycle },
#ifdef HAVE_NP_GUESTS
	[TREE_WORK_LEND] = { NULL, lend, take_back },
#endif
#ifdef HAVE_PROTECTED_GUESTS
	[TREE_WORK_GUEST_SHARE] = { NULL, guest_share, guest_unshare },
#endif
};

static void draw(struct tree_work *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	w->drawn = w->random;
}

/* False: there is no such work in this tree. */
bool glue_work(struct tree_work *w)
{
	half_fn first = w->halves & 1 ? works[w->id].first : NULL;
	half_fn second = w->halves & 2 ? works[w->id].second : NULL;
	int want = works[w->id].want;
	u64 i;

	if (!works[w->id].first)
		return false;
	if (!w->halves) {
		w->failures += works[w->id].setup && works[w->id].setup(w);
		return true;
	}
	for (i = 0; i < w->iterations; i++) {
		if (first) {
			draw(w);
			w->failures += first(w) != want;
		}
		if (second)
			w->failures += second(w) != 0;
	}
	return true;
}
