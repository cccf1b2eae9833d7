// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests' memory as the host manages it, after arch/arm64/kvm/mmu.c and pkvm.c (7.2.13; v7.0
 * by dated changes): faults, and what the MMU notifiers take back. A guest's address space
 * is one slot of anonymous memory: every page that is asked for is there to be had.
 *
 * What Linux warns of and steps over is what these actions give: the first of it.
 */
#include "vm.h"

/* enum kvm_pgtable_prot from v6.19 on; v7.0 and v7.2 are the releases that have guests. */
#define PROT_X (BIT(0) | BIT(1))
#define PROT_W BIT(2)
#define PROT_R BIT(3)
#define PROT_RWX (PROT_R | PROT_W | PROT_X)

static u64 memcache(const struct flow *f)
{
	return f->vcpu->vcpu + flow_layout(f)->vcpu_memcache;
}

static u64 block_pages(const struct flow *f)
{
	return table_entries(flow_machine(f)->board->f->page_shift);
}

static unsigned int page_shift(const struct flow *f)
{
	return flow_machine(f)->board->f->page_shift;
}

/* kvm_mmu_cache_min_pages(): levels below the start tables. */
static u64 cache_min_pages(struct flow *f)
{
	const struct machine *m = flow_machine(f);

	return (u64)(ARCH_LAST_LEVEL - m->hyp->view(m->el2)->host_s2.start_level);
}

/* With the object that will stand for the mapping. */
static int topup(struct flow *f)
{
	host_vcpu_mark(flow_machine(f), f->vcpu)->mapping = true;
	return topup_hyp_memcache(f, memcache(f), cache_min_pages(f));
}

/* ---- Taking away -------------------------------------------------------------------------- */

static void forget(struct flow *f, struct host_mapping *map)
{
	if (map->owned)
		host_free_pages(f, map->pfn << page_shift(f), map->nr_pages);
	host_mapping_remove(f, map);
}

/* Does @map begin before the end of @n pages from @gfn? */
static bool begins_in(const struct host_mapping *map, u64 gfn, u64 n)
{
	return map && (map->gfn < gfn || map->gfn - gfn < n);
}

/* __pkvm_pgtable_stage2_unmap(), _unshare(): every mapping that the range touches, whole. */
static int stage2_unshare(struct flow *f, u64 gfn, u64 n)
{
	struct host_mapping *map = host_mapping_first(f, gfn), *next;

	for (; begins_in(map, gfn, n); map = next) {
		int ret = (int)hcall(f, HC_UNSHARE_GUEST, f->vm->handle, map->gfn, map->nr_pages);

		if (ret)
			return ret;
		next = host_mapping_next(f, map);
		forget(f, map);
	}
	return 0;
}

/* A page that EL2 does not give back stays the guest's, and pinned. */
static int stage2_reclaim(struct flow *f)
{
	struct host_mapping *map = host_mapping_first(f, 0), *next;
	int ret = 0, err;

	for (; map; map = next) {
		err = (int)hcall(f, HC_RECLAIM_DYING, f->vm->handle, map->gfn);
		next = host_mapping_next(f, map);
		if (err)
			ret = ret ? ret : err;
		else
			forget(f, map);
		if (f->oops)
			break;
	}
	return ret;
}

/*
 * pkvm_pgtable_stage2_destroy_range() - the VM's memory comes back before the VM goes:
 * v7.2 begins EL2's teardown with it.
 */
int pkvm_destroy_range(struct flow *f)
{
	int ret = 0, err;

	if (f->vm->created && flow_host(f)->call[HC_START_TEARDOWN]) {
		ret = (int)hcall(f, HC_START_TEARDOWN, f->vm->handle);
		host_vm_mark(flow_machine(f), f->vm)->is_dying = true;
	}
	if (f->vm->is_protected && flow_host(f)->call[HC_RECLAIM_DYING])
		err = stage2_reclaim(f);
	else
		err = stage2_unshare(f, 0, ~UINT64_C(0));
	return ret ? ret : err;
}

/* ---- Giving ----------------------------------------------------------------------------------- */

/* pkvm_pgtable_stage2_map() of a protected guest's page. */
static int map_protected(struct flow *f, u64 gfn, u64 pfn)
{
	struct host_mapping *map = host_mapping_first(f, gfn);

	/* another vCPU was faster, or the page was taken from the guest */
	if (begins_in(map, gfn, 1))
		return hcall(f, HC_IN_POISON_FAULT) ? -EFAULT : -EAGAIN;
	if (!flow_host(f)->call[HC_DONATE_GUEST]) /* as if it were not protected */
		return (int)hcall(f, HC_SHARE_GUEST, pfn, gfn, 1, PROT_RWX);
	return (int)hcall(f, HC_DONATE_GUEST, pfn, gfn);
}

static int map_shared(struct flow *f, u64 gfn, u64 pfn, u64 n, u64 prot)
{
	struct host_mapping *map = host_mapping_first(f, gfn);
	int ret;

	if (begins_in(map, gfn, n)) {
		if (map->nr_pages == n)
			return -EAGAIN;
		ret = stage2_unshare(f, gfn, n);
		if (ret)
			return ret;
	}
	return (int)hcall(f, HC_SHARE_GUEST, pfn, gfn, n, prot);
}

/* -ENOMEM: the memcache; -EAGAIN: it is there already; -EFAULT: poison; of EL2. */
static int stage2_map(struct flow *f, u64 gfn, u64 pfn, u64 n, u64 prot, bool owned)
{
	struct host_mapping *map;
	int ret = topup(f);

	if (ret)
		return ret;
	ret = f->vm->is_protected ? map_protected(f, gfn, pfn) : map_shared(f, gfn, pfn, n, prot);
	if (ret)
		return ret;
	map = host_mapping_insert(f, gfn, pfn, (u32)n);
	if (!map)
		return -ENOMEM;
	map->owned = owned;
	host_vcpu_mark(flow_machine(f), f->vcpu)->mapping = false;
	return 0;
}

/* Memory for it of the host's own, cleared as users get it. */
static int map_new_pages(struct flow *f, u64 gfn, u64 n, u64 prot)
{
	const u64 pa = host_alloc_pages(f, n, n);
	int ret;

	if (!pa)
		return -ENOMEM;
	for (u64 i = 0; i < n; i++)
		flow_clear_page(f, pa + i * flow_page_size(f));
	ret = stage2_map(f, gfn, pa >> page_shift(f), n, prot, true);
	if (ret)
		host_free_pages(f, pa, n);
	return ret;
}

/* ---- Faults ---------------------------------------------------------------------------------- */

enum fault_kind { FAULT_TRANSLATION, FAULT_ACCESS_FLAG, FAULT_PERMISSION, FAULT_OTHER };

static enum fault_kind fault_kind(u64 esr)
{
	const u64 fsc = FIELD_GET(ESR_FSC, esr);

	if (fsc == 0x2b) /* level -1 */
		return FAULT_TRANSLATION;
	switch (fsc >> 2) {
	case 1:
		return FAULT_TRANSLATION;
	case 2:
		return FAULT_ACCESS_FLAG;
	case 3:
		return FAULT_PERMISSION;
	default:
		return FAULT_OTHER;
	}
}

/* Anonymous memory may be written; it may be executed once somebody tried to. */
static u64 fault_prot(const struct flow *f, u64 esr)
{
	const bool exec = FIELD_GET(ESR_EC, esr) == EC_IABT_LOW;

	return PROT_R | PROT_W | (exec || flow_machine(f)->board->f->dic ? PROT_X : 0);
}

/* user_mem_abort(), pkvm_mem_abort() */
static int mem_abort(struct flow *f, u64 gfn, enum fault_kind kind, u64 esr)
{
	int ret;

	if (kind == FAULT_ACCESS_FLAG)
		return (int)hcall(f, HC_MKYOUNG, gfn);
	if (kind == FAULT_PERMISSION && !f->vm->is_protected)
		ret = (int)hcall(f, HC_RELAX_PERMS, gfn, fault_prot(f, esr));
	else
		ret = map_new_pages(f, gfn, 1, f->vm->is_protected ? PROT_RWX : fault_prot(f, esr));
	return ret == -EAGAIN ? 0 : ret;
}

/*
 * kvm_handle_guest_abort - what the guest exited for. 0: it may go on. -EFAULT: an
 * address that it cannot have, or poison; -ENOMEM; of EL2.
 */
int kvm_handle_guest_abort(struct flow *f)
{
	const struct el2_guest_exit *exit = &f->vcpu->exit;
	const u64 ipa = FIELD_GET(GENMASK(47, 4), exit->hpfar) << 12;
	const enum fault_kind kind = fault_kind(exit->esr);

	if (kind == FAULT_OTHER || !flow_host(f)->call[HC_SHARE_GUEST])
		return -EFAULT;
	if (ipa >> flow_machine(f)->hyp->view(flow_machine(f)->el2)->host_s2.ia_bits)
		return -EFAULT;
	return mem_abort(f, ipa >> page_shift(f), kind, exit->esr);
}

/* ---- Actions --------------------------------------------------------------------------------- */

/* The largest size that fits: a block if that is wanted and everything is aligned. */
static u64 map_size(const struct flow *f, u64 done)
{
	const u64 block = block_pages(f), gfn = f->gfn + done;
	const bool fits = f->huge && !f->vm->is_protected && f->pages - done >= block &&
			  IS_ALIGNED(gfn, block) &&
			  (!f->pa || IS_ALIGNED((f->pa >> page_shift(f)) + done, block));

	return fits ? block : 1;
}

static s64 do_map(struct flow *f)
{
	s64 ret = flow_vcpu_load(f);
	u64 n;

	for (u64 done = 0; done < f->pages && !ret; done += n) {
		n = map_size(f, done);
		if (f->pa)
			ret = stage2_map(f, f->gfn + done, (f->pa >> page_shift(f)) + done, n,
					 f->prot, false);
		else
			ret = map_new_pages(f, f->gfn + done, n, f->prot);
		ret = ret == -EAGAIN ? 0 : ret;
	}
	return ret;
}

static bool range_ok(const struct machine *m, u64 gfn, u64 pages)
{
	const u64 limit = BIT(64 - m->board->f->page_shift);

	return pages && gfn < limit && pages <= limit - gfn;
}

struct outcome machine_guest_map(struct machine *m, unsigned int cpu, const char *name, u32 idx,
				 const struct machine_map *map)
{
	const u64 page = BIT(m->board->f->page_shift);
	struct flow f = {
		.gfn = map->gfn, .pages = map->pages, .pa = map->pa, .huge = map->huge, .fn = do_map
	};
	struct outcome o;

	f.prot = (map->r ? PROT_R : 0) | (map->w ? PROT_W : 0) | (map->x ? PROT_X : 0);
	if (!range_ok(m, map->gfn, map->pages) || !IS_ALIGNED(map->pa, page))
		return flow_may_begin(m, &o) ? flow_gives(-EINVAL) : o;
	return flow_begin_on(&f, m, cpu, name, idx, &o) ? flow_run(&f, cpu) : o;
}

/* kvm_unmap_gfn_range(): a protected guest's pages are pinned, nobody asks for them. */
static s64 do_unmap(struct flow *f)
{
	return f->vm->is_protected ? 0 : stage2_unshare(f, f->gfn, f->pages);
}

static void flush_remote_tlbs(struct flow *f)
{
	hcall(f, HC_TLB_FLUSH_VMID, f->vm->handle);
}

/* kvm_mmu_wp_memory_region() */
static s64 do_wrprotect(struct flow *f)
{
	struct host_mapping *map = host_mapping_first(f, f->gfn);
	int ret = 0;

	for (; !f->vm->is_protected && begins_in(map, f->gfn, f->pages) && !ret;
	     map = host_mapping_next(f, map))
		ret = (int)hcall(f, HC_WRPROTECT, f->vm->handle, map->gfn, map->nr_pages);
	flush_remote_tlbs(f);
	return ret;
}

/* kvm_age_gfn(), kvm_test_age_gfn(): was any page used? Then no TLB may hold it as used. */
static s64 do_age(struct flow *f)
{
	struct host_mapping *map = host_mapping_first(f, f->gfn);
	s64 young = 0, ret;

	for (; !f->vm->is_protected && begins_in(map, f->gfn, f->pages);
	     map = host_mapping_next(f, map)) {
		ret = (int)hcall(f, HC_TEST_CLEAR_YOUNG, f->vm->handle, map->gfn, map->nr_pages,
				 f->mkold);
		if (ret < 0)
			return ret;
		young |= ret;
	}
	if (young && f->mkold)
		flush_remote_tlbs(f);
	return young;
}

static struct outcome notifier(struct machine *m, unsigned int cpu, const char *name, u64 gfn,
			       u64 pages, bool mkold, s64 (*fn)(struct flow *f))
{
	struct flow f = { .gfn = gfn, .pages = pages, .mkold = mkold, .fn = fn };
	struct outcome o;

	if (!range_ok(m, gfn, pages))
		return flow_may_begin(m, &o) ? flow_gives(-EINVAL) : o;
	return flow_begin(&f, m, name, 0, &o) ? flow_run(&f, cpu) : o;
}

struct outcome machine_guest_unmap(struct machine *m, unsigned int cpu, const char *name, u64 gfn,
				   u64 pages)
{
	return notifier(m, cpu, name, gfn, pages, false, do_unmap);
}

struct outcome machine_guest_wrprotect(struct machine *m, unsigned int cpu, const char *name,
				       u64 gfn, u64 pages)
{
	return notifier(m, cpu, name, gfn, pages, false, do_wrprotect);
}

struct outcome machine_guest_age(struct machine *m, unsigned int cpu, const char *name, u64 gfn,
				 u64 pages, bool mkold)
{
	return notifier(m, cpu, name, gfn, pages, mkold, do_age);
}

/* ---- Memory shared with EL2 --------------------------------------------------------------------- */

static s64 do_share(struct flow *f)
{
	return kvm_share_hyp(f, f->pa, f->pages * flow_page_size(f));
}

static s64 do_unshare(struct flow *f)
{
	return kvm_unshare_hyp(f, f->pa, f->pages * flow_page_size(f));
}

static struct outcome sharing(struct machine *m, unsigned int cpu, u64 pa, u64 pages,
			      s64 (*fn)(struct flow *f))
{
	struct flow f = { .a.m = m, .pa = pa, .pages = pages, .fn = fn };
	const u64 limit = board_pa_limit(m->board);
	struct outcome o;

	if (!flow_may_begin(m, &o))
		return o;
	if (pa >= limit || pages > (limit - pa) >> m->board->f->page_shift)
		return flow_gives(-EINVAL);
	return flow_run(&f, cpu);
}

struct outcome machine_host_share(struct machine *m, unsigned int cpu, u64 pa, u64 pages)
{
	return sharing(m, cpu, pa, pages, do_share);
}

struct outcome machine_host_unshare(struct machine *m, unsigned int cpu, u64 pa, u64 pages)
{
	return sharing(m, cpu, pa, pages, do_unshare);
}
