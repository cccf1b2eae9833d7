// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What EL2 does at the end of its boot with CONFIG_NVHE_EL2_DEBUG: one page goes through
 * all states that a page can be in, and in each the calls that must fail are tried. After
 * pkvm_ownership_selftest() of arch/arm64/kvm/hyp/nvhe/mem_protect.c (7.2.13; v7.0 the
 * rows that need no guest with memory of its own).
 *
 * Every deviation is a WARN, and with that the end of the boot.
 */
#include "guest.h"

enum call {
	DONATE_HYP,
	SHARE_HYP,
	UNSHARE_HYP,
	DONATE_HOST,
	SHARE_FFA,
	UNSHARE_FFA,
	PIN,
	UNPIN,
	SHARE_GUEST,
	UNSHARE_GUEST,
	DONATE_GUEST,
	GUEST_SHARE,
	GUEST_UNSHARE,
	FORCE_RECLAIM,
	RECLAIM,
	REFCOUNT, /* must be .gfn */
	SHARERS,
	N_CALLS
};

struct row {
	u8 call, gfn; /* gfn: which of the two */
	s16 ret;
};

/* The page's states after every row, and the rows; those from v7.1 on need guests' memory. */
struct stage {
	u8 host, hyp, guest[2];
	bool protected_guests;
	u8 n;
	struct row rows[13];
};

#define O PKVM_PAGE_OWNED
#define SO PKVM_PAGE_SHARED_OWNED
#define SB PKVM_PAGE_SHARED_BORROWED
#define N PKVM_NOPAGE
#define P PKVM_POISON
#define EP (-EPERM)

static const struct stage stages[] = {
	{ N,
	  O,
	  { N, N },
	  false,
	  9,
	  { { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { SHARE_FFA, 0, EP },
	    { UNSHARE_FFA, 0, EP },
	    { PIN, 0, EP },
	    { SHARE_GUEST, 0, EP },
	    { UNSHARE_GUEST, 0, -ENOENT },
	    { DONATE_GUEST, 0, EP } } },
	{ O,
	  N,
	  { N, N },
	  false,
	  6,
	  { { DONATE_HOST, 0, 0 },
	    { DONATE_HOST, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { UNSHARE_FFA, 0, EP },
	    { UNSHARE_GUEST, 0, -ENOENT },
	    { PIN, 0, EP } } },
	{ SO,
	  SB,
	  { N, N },
	  false,
	  8,
	  { { SHARE_HYP, 0, 0 },
	    { SHARE_HYP, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HOST, 0, EP },
	    { SHARE_GUEST, 0, EP },
	    { UNSHARE_GUEST, 0, -ENOENT },
	    { DONATE_GUEST, 0, EP } } },
	{ SO,
	  SB,
	  { N, N },
	  false,
	  13,
	  { { PIN, 0, 0 },
	    { PIN, 0, 0 },
	    { UNPIN, 0, 0 },
	    { REFCOUNT, 1, 0 },
	    { UNSHARE_HYP, 0, -EBUSY },
	    { SHARE_HYP, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HOST, 0, EP },
	    { SHARE_GUEST, 0, EP },
	    { UNSHARE_GUEST, 0, -ENOENT },
	    { DONATE_GUEST, 0, EP },
	    { UNPIN, 0, 0 } } },
	{ SO, SB, { N, N }, false, 1, { { REFCOUNT, 0, 0 } } },
	{ O, N, { N, N }, false, 1, { { UNSHARE_HYP, 0, 0 } } },
	{ SO,
	  N,
	  { N, N },
	  false,
	  10,
	  { { SHARE_FFA, 0, 0 },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { DONATE_HOST, 0, EP },
	    { SHARE_GUEST, 0, EP },
	    { UNSHARE_GUEST, 0, -ENOENT },
	    { DONATE_GUEST, 0, EP },
	    { PIN, 0, EP } } },
	{ O, N, { N, N }, false, 2, { { UNSHARE_FFA, 0, 0 }, { UNSHARE_FFA, 0, EP } } },
	{ SO,
	  N,
	  { SB, N },
	  false,
	  9,
	  { { SHARE_GUEST, 0, 0 },
	    { SHARE_GUEST, 0, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { DONATE_HOST, 0, EP },
	    { DONATE_GUEST, 0, EP },
	    { PIN, 0, EP } } },
	{ SO, N, { SB, SB }, false, 2, { { SHARE_GUEST, 1, 0 }, { SHARERS, 2, 0 } } },
	{ SO, N, { N, SB }, false, 1, { { UNSHARE_GUEST, 0, 0 } } },
	{ O, N, { N, N }, false, 1, { { UNSHARE_GUEST, 1, 0 } } },
	{ N,
	  N,
	  { O, N },
	  true,
	  10,
	  { { DONATE_GUEST, 0, 0 },
	    { DONATE_GUEST, 0, EP },
	    { DONATE_GUEST, 1, EP },
	    { SHARE_GUEST, 0, EP },
	    { SHARE_GUEST, 1, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { DONATE_HOST, 0, EP } } },
	{ SB,
	  N,
	  { SO, N },
	  true,
	  11,
	  { { GUEST_SHARE, 0, 0 },
	    { GUEST_SHARE, 0, EP },
	    { DONATE_GUEST, 0, EP },
	    { DONATE_GUEST, 1, EP },
	    { SHARE_GUEST, 0, EP },
	    { SHARE_GUEST, 1, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { DONATE_HOST, 0, EP } } },
	{ N,
	  N,
	  { O, N },
	  true,
	  11,
	  { { GUEST_UNSHARE, 0, 0 },
	    { GUEST_UNSHARE, 0, EP },
	    { DONATE_GUEST, 0, EP },
	    { DONATE_GUEST, 1, EP },
	    { SHARE_GUEST, 0, EP },
	    { SHARE_GUEST, 1, EP },
	    { SHARE_FFA, 0, EP },
	    { DONATE_HYP, 0, EP },
	    { SHARE_HYP, 0, EP },
	    { UNSHARE_HYP, 0, EP },
	    { DONATE_HOST, 0, EP } } },
	{ O,
	  N,
	  { P, N },
	  true,
	  5,
	  { { FORCE_RECLAIM, 0, 0 },
	    { DONATE_GUEST, 0, EP },
	    { SHARE_GUEST, 0, EP },
	    { GUEST_SHARE, 0, -EHWPOISON },
	    { GUEST_UNSHARE, 0, -EHWPOISON } } },
	{ N, N, { P, O }, true, 1, { { DONATE_GUEST, 1, 0 } } },
	{ O,
	  N,
	  { P, N },
	  true,
	  3,
	  { { RECLAIM, 1, 0 }, { DONATE_GUEST, 0, EP }, { SHARE_GUEST, 0, EP } } },
	{ N, O, { P, N }, false, 1, { { DONATE_HYP, 0, 0 } } },
};

#undef O
#undef SO
#undef SB
#undef N
#undef P
#undef EP

struct selftest {
	struct pkvm_hyp_vcpu vcpu; /* of the debug VM */
	u64 phys;
	u64 gfn[2];
};

static s64 run_call(struct hyp_cpu *c, const struct selftest *t, const struct row *r)
{
	const u64 pfn = t->phys >> c->hyp->f->page_shift, gfn = t->gfn[r->gfn & 1];
	const va_t va = hyp_va_of(c->hyp, PA(t->phys)), end = VA(va.va + hyp_page_size(c->hyp));

	switch ((enum call)r->call) {
	case DONATE_HYP:
		return __pkvm_host_donate_hyp(c, pfn, 1);
	case SHARE_HYP:
		return __pkvm_host_share_hyp(c, pfn);
	case UNSHARE_HYP:
		return __pkvm_host_unshare_hyp(c, pfn);
	case DONATE_HOST:
		return __pkvm_hyp_donate_host(c, pfn, 1);
	case SHARE_FFA:
		return __pkvm_host_share_ffa(c, pfn, 1);
	case UNSHARE_FFA:
		return __pkvm_host_unshare_ffa(c, pfn, 1);
	case PIN:
		return hyp_pin_shared_mem(c, va, end);
	case UNPIN:
		hyp_unpin_shared_mem(c, va, end);
		return 0;
	case SHARE_GUEST:
		return __pkvm_host_share_guest(c, pfn, gfn, 1, &t->vcpu, PROT_RWX);
	case UNSHARE_GUEST:
		return __pkvm_host_unshare_guest(c, gfn, 1, t->vcpu.vm);
	case DONATE_GUEST:
		return __pkvm_host_donate_guest(c, pfn, gfn, &t->vcpu);
	case GUEST_SHARE:
		return __pkvm_guest_share_host(c, &t->vcpu, gfn);
	case GUEST_UNSHARE:
		return __pkvm_guest_unshare_host(c, &t->vcpu, gfn);
	case FORCE_RECLAIM:
		return __pkvm_host_force_reclaim_page_guest(c, t->phys);
	case RECLAIM:
		return __pkvm_host_reclaim_page_guest(c, gfn, t->vcpu.vm);
	case REFCOUNT:
		return hyp_page_count(c, PA(t->phys)) == r->gfn ? 0 : -EINVAL;
	case SHARERS:
		return get_host_share_count(c, PA(t->phys)) == r->gfn ? 0 : -EINVAL;
	case N_CALLS:
		break;
	}
	sim_assert(false);
}

static bool needs_protected_guests(const struct row *r)
{
	return r->call >= DONATE_GUEST && r->call <= RECLAIM;
}

/* v7.0 has no poison to leave behind. */
static enum page_state expected(const struct hyp_cpu *c, u8 s)
{
	if (s == PKVM_POISON && !c->hyp->profile->protected_guests)
		return PKVM_NOPAGE;
	return (enum page_state)s;
}

static void assert_page_state(struct hyp_cpu *c, const struct selftest *t, const struct stage *s)
{
	const struct page_state_ops *ops = page_state_ops(c->hyp);
	const u64 size = hyp_page_size(c->hyp);
	struct pkvm_hyp_vm *vm = t->vcpu.vm;

	hyp_lock_component(c);
	WARN_ON(c, ops->hyp_check(c, t->phys, size, (enum page_state)s->hyp));
	hyp_unlock_component(c);

	host_lock_component(c);
	WARN_ON(c, ops->host_check(c, t->phys, size, (enum page_state)s->host));
	host_unlock_component(c);

	guest_lock_component(c, vm);
	for (unsigned int i = 0; i < G_N_ELEMENTS(t->gfn); i++)
		WARN_ON(c, guest_check_page_state_range(c, vm, hyp_pfn_to_phys(c, t->gfn[i]), size,
							expected(c, s->guest[i])));
	guest_unlock_component(c, vm);
}

/*
 * A VM of EL2's own from the pages set aside: start tables, then as many pages in the
 * memcache as v7.2 asks for, the rest in the VM's pool.
 */
static void init_selftest_vm(struct hyp_cpu *c, struct selftest *t)
{
	struct hyp *hyp = c->hyp;
	struct pkvm_hyp_vm *vm = c->own_vm;
	u64 memcache = 0;

	pkvm_init_selftest_vm(c, PA(hyp->selftest_base),
			      PA(hyp->bss.base + 2 * HYP_POOL_HEADS_SIZE));
	t->vcpu.va = hyp_va_of(hyp, PA(hyp->bss.base + 3 * HYP_POOL_HEADS_SIZE));
	WARN_ON(c, kvm_guest_prepare_stage2(c, vm, vm->pgd));
	if (hyp->profile->checks_memcache)
		memcache = (u64)(ARCH_LAST_LEVEL - vm->pgt.mmu.start_level);
	for (u64 i = 0; i < pkvm_selftest_pages(hyp); i++) {
		const struct hyp_memcache mc = hyp_vcpu_memcache(c, &t->vcpu);
		const pa_t page = pa_add(vm->pgd, i * hyp_page_size(hyp));

		if (hyp_page_count(c, page))
			continue;
		hyp_page_ref_reset(c, page, 1);
		if (hyp_memcache_pages(c, &mc) < memcache)
			push_hyp_memcache(c, &mc, page);
		else
			hyp_put_page(c, &vm->pool, page);
	}
	t->vcpu.vm = pkvm_insert_selftest_vm(c);
}

/*
 * pkvm_ownership_selftest - at the end of __pkvm_init_finalise(), with el2_debug=on. The
 * page is one of the host's table pool, and goes back there.
 */
void pkvm_ownership_selftest(struct hyp_cpu *c)
{
	struct hyp *hyp = c->hyp;
	struct selftest t = { .phys = 0 };
	pa_t page;

	HYP_FRAME(c);
	if (!pkvm_selftest_pages(hyp))
		return;
	page = hyp_alloc_pages(c, &hyp->host_s2_pool, 0);
	/* The kernel's page of NULL. */
	BUG_ON(c, !page.pa);
	t.phys = page.pa;
	t.gfn[0] = BIT(hyp->host_mmu.pgt.mmu.ia_bits - 1) >> hyp->f->page_shift;
	t.gfn[1] = t.gfn[0] + 1;
	hyp_page_ref_reset(c, page, 0);
	init_selftest_vm(c, &t);
	assert_page_state(c, &t, &stages[0]);
	for (unsigned int i = 0; i < G_N_ELEMENTS(stages); i++) {
		const struct stage *s = &stages[i];

		for (unsigned int j = 0; j < s->n; j++) {
			if ((s->protected_guests || needs_protected_guests(&s->rows[j])) &&
			    !hyp->profile->protected_guests)
				continue;
			WARN_ON(c, run_call(c, &t, &s->rows[j]) != s->rows[j].ret);
			assert_page_state(c, &t, s);
		}
	}
	pkvm_remove_selftest_vm(c, t.vcpu.vm);
	hyp_page_ref_reset(c, page, 1);
	hyp_put_page(c, &hyp->host_s2_pool, page);
}
