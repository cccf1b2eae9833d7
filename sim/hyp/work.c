// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What benchmarks repeat: functions inside of EL2, called as EL2's own code calls them.
 * A kernel tree's EL2 is made to do the same by sim/tree/kernel/glue/work.c, in the same
 * order with the same locks: a figure is worth something beside the other's.
 */
#include "guest.h"

#define TABLE_PROT PKVM_HOST_MMIO_PROT

struct half_args {
	struct hyp_cpu *c;
	const struct el2_work *w;
};

static u64 page_size(const struct half_args *a)
{
	return hyp_page_size(a->c->hyp);
}

/* ---- The page-table library, on the host's stage 2 ----------------------------------------- */

static int map(const struct half_args *a, u64 addr, u64 size)
{
	struct hyp *hyp = a->c->hyp;
	int ret;

	host_lock_component(a->c);
	ret = kvm_pgtable_stage2_map(a->c, &hyp->host_mmu.pgt, addr, size, addr, TABLE_PROT,
				     &hyp->host_s2_pool, 0);
	host_unlock_component(a->c);
	return ret;
}

static int unmap(const struct half_args *a, u64 addr, u64 size)
{
	int ret;

	host_lock_component(a->c);
	ret = kvm_pgtable_stage2_unmap(a->c, &a->c->hyp->host_mmu.pgt, addr, size);
	host_unlock_component(a->c);
	return ret;
}

static u64 hole(const struct half_args *a)
{
	return a->w->arg[0] + a->w->drawn % (WORK_SLOTS / WORK_EVERY) * WORK_EVERY * page_size(a);
}

static int map_hole(const struct half_args *a)
{
	return map(a, hole(a), page_size(a));
}

static int unmap_hole(const struct half_args *a)
{
	return unmap(a, hole(a), page_size(a));
}

static int map_page(const struct half_args *a)
{
	return map(a, a->w->arg[0], page_size(a));
}

static int unmap_page(const struct half_args *a)
{
	return unmap(a, a->w->arg[0], page_size(a));
}

static u64 block(const struct half_args *a)
{
	return kvm_granule_size(&a->c->hyp->host_mmu.pgt, ARCH_LAST_LEVEL - 1);
}

static int map_block(const struct half_args *a)
{
	return map(a, a->w->arg[0] + a->w->drawn % 128 * block(a), block(a));
}

static int unmap_block(const struct half_args *a)
{
	return unmap(a, a->w->arg[0] + a->w->drawn % 128 * block(a), block(a));
}

static int get_leaf(const struct half_args *a)
{
	u64 pte;
	s8 level;

	return kvm_pgtable_get_leaf(a->c, &a->c->hyp->host_mmu.pgt,
				    a->w->arg[0] + a->w->drawn % WORK_SLOTS * page_size(a), &pte,
				    &level);
}

/* All of the table but its holes. */
static int fill_table(const struct half_args *a)
{
	int ret = unmap(a, a->w->arg[0], WORK_SLOTS * page_size(a));

	for (u64 i = 0; !ret && i < WORK_SLOTS; i++)
		if (i % WORK_EVERY)
			ret = map(a, a->w->arg[0] + i * page_size(a), page_size(a));
	return ret;
}

/* ---- Transitions --------------------------------------------------------------------------- */

static int share(const struct half_args *a)
{
	return __pkvm_host_share_hyp(a->c, a->w->arg[0]);
}

static int unshare(const struct half_args *a)
{
	return __pkvm_host_unshare_hyp(a->c, a->w->arg[0]);
}

static int share_random(const struct half_args *a)
{
	return __pkvm_host_share_hyp(a->c, a->w->arg[0] + a->w->drawn % 256);
}

static int unshare_random(const struct half_args *a)
{
	return __pkvm_host_unshare_hyp(a->c, a->w->arg[0] + a->w->drawn % 256);
}

static int donate(const struct half_args *a)
{
	return __pkvm_host_donate_hyp(a->c, a->w->arg[0], 1);
}

static int give_back(const struct half_args *a)
{
	return __pkvm_hyp_donate_host(a->c, a->w->arg[0], 1);
}

/* ---- Host faults --------------------------------------------------------------------------- */

static int idmap(const struct half_args *a)
{
	return host_stage2_idmap(a->c, a->w->arg[0]);
}

static int fault(const struct half_args *a)
{
	return handle_host_mem_abort(a->c, &a->w->fault[0]) != EL2_ABORT_RETRY;
}

static int unmap_range(const struct half_args *a)
{
	return unmap(a, a->w->arg[0], a->w->arg[1]);
}

static int recycle(const struct half_args *a)
{
	int ret = handle_host_mem_abort(a->c, &a->w->fault[0]) != EL2_ABORT_RETRY ||
		  handle_host_mem_abort(a->c, &a->w->fault[1]) != EL2_ABORT_RETRY;

	host_lock_component(a->c);
	ret |= host_stage2_unmap_dev_all(a->c);
	host_unlock_component(a->c);
	return ret;
}

/* ---- Guests -------------------------------------------------------------------------------- */

static int lend(const struct half_args *a)
{
	struct pkvm_hyp_vcpu vcpu;

	return pkvm_get_loaded_hyp_vcpu(a->c, &vcpu)
		       ? __pkvm_host_share_guest(a->c, a->w->arg[0], a->w->arg[1], 1, &vcpu,
						 PROT_RWX)
		       : -EINVAL;
}

static int take_back(const struct half_args *a)
{
	struct pkvm_hyp_vcpu vcpu;

	return pkvm_get_loaded_hyp_vcpu(a->c, &vcpu)
		       ? __pkvm_host_unshare_guest(a->c, a->w->arg[1], 1, vcpu.vm)
		       : -EINVAL;
}

static int guest_share(const struct half_args *a)
{
	struct pkvm_hyp_vcpu vcpu;

	return pkvm_get_loaded_hyp_vcpu(a->c, &vcpu)
		       ? __pkvm_guest_share_host(a->c, &vcpu, a->w->arg[0])
		       : -EINVAL;
}

static int guest_unshare(const struct half_args *a)
{
	struct pkvm_hyp_vcpu vcpu;

	return pkvm_get_loaded_hyp_vcpu(a->c, &vcpu)
		       ? __pkvm_guest_unshare_host(a->c, &vcpu, a->w->arg[0])
		       : -EINVAL;
}

/* ---- All of them --------------------------------------------------------------------------- */

typedef int (*half_fn)(const struct half_args *a);

static const struct {
	half_fn setup, first, second;
	int want; /* what the first gives */
} works[N_WORKS] = {
	[WORK_MAP] = { fill_table, map_hole, unmap_hole },
	[WORK_MAP_TABLES] = { NULL, map_page, unmap_page },
	[WORK_MAP_BLOCK] = { NULL, map_block, unmap_block },
	[WORK_GET_LEAF] = { fill_table, get_leaf },
	[WORK_SHARE] = { NULL, share, unshare },
	[WORK_SHARE_RANDOM] = { NULL, share_random, unshare_random },
	[WORK_DONATE] = { NULL, donate, give_back },
	[WORK_SHARE_REFUSED] = { share, share, NULL, -EPERM },
	[WORK_IDMAP] = { NULL, idmap, unmap_range },
	[WORK_FAULT] = { NULL, fault, unmap_range },
	[WORK_RECYCLE] = { NULL, recycle },
	[WORK_LEND] = { NULL, lend, take_back },
	[WORK_GUEST_SHARE] = { NULL, guest_share, guest_unshare },
};

/* hyp_work - @w->iterations rounds of @w, or what it needs once before. Every lock is free. */
bool hyp_work(struct hyp_cpu *c, struct el2_work *w)
{
	const struct half_args a = { c, w };
	const half_fn first = w->halves & WORK_FIRST ? works[w->id].first : NULL;
	const half_fn second = w->halves & WORK_SECOND ? works[w->id].second : NULL;
	const int want = works[w->id].want;

	HYP_FRAME(c);
	if (!w->halves) {
		w->failures += works[w->id].setup && works[w->id].setup(&a);
		return true;
	}
	for (u64 i = 0; i < w->iterations; i++) {
		if (first) {
			el2_work_draw(w);
			w->failures += first(&a) != want;
		}
		if (second)
			w->failures += second(&a) != 0;
	}
	return true;
}
