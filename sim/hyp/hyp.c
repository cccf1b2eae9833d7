// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One EL2 on one board: made before it runs, seen through struct el2_view, and the
 * table of functions by which the rest of the program reaches it.
 */
#include <string.h>

#include "ffa.h"

static struct hyp *to_hyp(struct el2 *e)
{
	return (struct hyp *)e;
}

/* @cpu at this EL2. */
static struct hyp_cpu *at_el2(struct el2 *e, struct cpu *cpu)
{
	return &to_hyp(e)->cpus[cpu->id];
}

/* EL2 followed an address at which nothing answers: its linear address is what it used. */
static void hyp_bus_error(struct cpu *cpu, pa_t pa)
{
	struct hyp_cpu *c = cpu->el2;

	sim_assert(c);
	hyp_abort(c, cpu->frame ? cpu->frame->fn : "hyp_panic",
		  c->hyp ? hyp_va_of(c->hyp, pa) : VA(pa.pa));
}

/* ---- Making one ------------------------------------------------------------------------- */

static void init_cpus(struct hyp *hyp)
{
	struct board *b = hyp->board;

	hyp->nr_cpus = b->n_cpus;
	hyp->cpus = board_alloc(b, b->n_cpus * sizeof(*hyp->cpus));
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		hyp->cpus[i].cpu = &b->cpus[i];
		hyp->cpus[i].hyp = hyp;
		hyp->cpus[i].warn_continue = hyp->knob[KNOB_WARN] == WARN_CONTINUE;
		b->cpus[i].el2 = &hyp->cpus[i];
	}
	board_on_bus_error(b, hyp_bus_error);
}

/* Locks by the names under which scenarios and reports know them. */
static void init_locks(struct hyp *hyp)
{
	spin_init(hyp->board, &hyp->vm_table_lock, "vm_table_lock");
	spin_init(hyp->board, &hyp->host_mmu.lock, "host_mmu");
	spin_init(hyp->board, &hyp->pkvm_pgd_lock, "pkvm_pgd_lock");
	if (hyp->profile->fixblock)
		spin_init(hyp->board, &hyp->fixblock_lock, "fixblock_lock");
	hyp->hpool.name = "hyp_s1";
	hyp->host_s2_pool.name = "host_s2";
	spin_init(hyp->board, &hyp->hpool.lock, "hyp_s1_pool");
	spin_init(hyp->board, &hyp->host_s2_pool.lock, "host_s2_pool");
}

static void init_protected_regs(struct hyp *hyp)
{
	const GArray *protect = hyp->cfg->protect;

	hyp->num_protected_reg = protect->len;
	hyp->protected_regs = board_alloc(hyp->board, MAX(protect->len, PROTECTED_REGS_MAX) *
							      sizeof(struct protect_entry));
	if (protect->len)
		memcpy(hyp->protected_regs, protect->data,
		       protect->len * sizeof(struct protect_entry));
}

static bool config_check(const struct el2_config *cfg, GError **error)
{
	const char *why;

	if (!cfg->profile->built) {
		g_set_error(error, HYP_ERROR, 0, "%s is not in this build", cfg->profile->name);
		return false;
	}
	if (!el2_config_possible(cfg, &why)) {
		g_set_error_literal(error, HYP_ERROR, 0, why);
		return false;
	}
	return true;
}

/* The release's page-table library, as the knobs and the bugs brought back say. */
static struct pgtable_variant library_variant(const struct hyp *hyp)
{
	u8 unmap = hyp->knob[KNOB_S2_UNMAP_ANNOTATED];
	struct pgtable_variant v;

	if (hyp_has_bug(hyp, BUG_B38))
		unmap = S2_UNMAP_CLEAR;
	v = pgtable_variant_of(hyp->profile->id, unmap);
	v.no_reload_after_pre = hyp_has_bug(hyp, BUG_B09);
	v.keeps_unlinked_root = hyp_has_bug(hyp, BUG_B10);
	v.s1_block_anywhere = hyp_has_bug(hyp, BUG_B30);
	return v;
}

static void view_cpus(struct hyp *hyp)
{
	const u64 page = hyp_page_size(hyp);

	hyp->cpu_pages = board_alloc(hyp->board, hyp->nr_cpus * sizeof(*hyp->cpu_pages));
	for (unsigned int i = 0; i < hyp->nr_cpus; i++) {
		struct el2_cpu_pages *p = &hyp->cpu_pages[i];

		p->stack.base = hyp->cpus[i].stack_pa.pa;
		p->stack.size = page;
		p->percpu.base = hyp->cpus[i].percpu_pa.pa;
		p->percpu.size = HYP_PERCPU_PAGES * page;
	}
	hyp->view.cpu_pages = hyp->cpu_pages;
}

static struct el2 *hyp_new(struct board *b, const struct el2_config *cfg, GError **error)
{
	struct hyp *hyp;

	if (!config_check(cfg, error))
		return NULL;
	hyp = board_alloc(b, sizeof(*hyp));
	hyp->board = b;
	hyp->cfg = el2_config_copy(cfg);
	hyp->profile = cfg->profile;
	hyp->vm_layout = cfg->vm_layout;
	hyp->f = b->f;
	hyp->page_shift = b->f->page_shift;
	hyp->page_size = BIT(b->f->page_shift);
	memcpy(hyp->knob, cfg->knob, sizeof(hyp->knob));
	memcpy(hyp->bug, cfg->bug, sizeof(hyp->bug));
	hyp->layout = *el2_layout_of(cfg->profile->id);
	hyp->va_offset = hyp->layout.va_offset;
	hyp->hyp_va_bits = 48;
	hyp->variant = library_variant(hyp);
	/* empty tables that calls before boot may walk */
	hyp->host_mmu.pgt.f = hyp->pkvm_pgtable.f = hyp->f;
	hyp->host_mmu.pgt.v = hyp->pkvm_pgtable.v = &hyp->variant;
	hyp->host_mmu.pgt.mmu = (struct mmu_table){ .stage = 2, .f = hyp->f };
	hyp->pkvm_pgtable.mm_ops = &hyp_early_alloc_mm_ops;
	init_cpus(hyp);
	init_locks(hyp);
	init_protected_regs(hyp);
	if (!pkvm_vms_new(hyp) || !hyp_ffa_new(hyp)) {
		g_set_error(error, HYP_ERROR, 0, "no address space for virtual machines and FF-A");
		el2_config_free(hyp->cfg);
		return NULL;
	}
	if (!kvm_hyp_reserve(hyp, error)) {
		el2_config_free(hyp->cfg);
		return NULL;
	}
	view_cpus(hyp);
	return (struct el2 *)hyp;
}

/* The rest is the board's. */
static void hyp_free(struct el2 *e)
{
	if (e)
		el2_config_free(to_hyp(e)->cfg);
}

/* ---- Seen from outside -------------------------------------------------------------------- */

void hyp_pool_view(struct el2_pool_view *v, struct hyp_pool *pool, const struct hyp *hyp)
{
	v->name = pool->name;
	v->base = pool->range_start;
	v->pages = (pool->range_end - pool->range_start) >> hyp->page_shift;
	v->max_order = pool->max_order;
	v->heads = pool->heads;
	v->lock = &pool->lock;
}

#define VIEW_SECTION(v, s) ((v).base = (s).base, (v).size = (s).size)

/* What boot decides, and nothing after it. */
static void view_boot(struct hyp *hyp)
{
	struct el2_view *v = &hyp->view;

	v->layout = &hyp->layout;
	v->vm_layout = hyp->vm_layout;
	v->vm_table = PA(hyp->vm_table_base);
	v->guests = hyp->guests;
	v->booted = hyp->finalised;
	v->initialised = hyp->initialised;
	v->host_s2 = hyp->host_mmu.pgt.mmu;
	v->hyp_s1 = hyp->pkvm_pgtable.mmu;
	v->regions = hyp->hyp_memory;
	v->n_regions = hyp->hyp_memblock_nr;
	v->vmemmap_va = hyp->hyp_vmemmap;
	hyp_pool_view(&hyp->pool_view[POOL_HOST_S2], &hyp->host_s2_pool, hyp);
	hyp_pool_view(&hyp->pool_view[POOL_HYP_S1], &hyp->hpool, hyp);
	v->pools = hyp->pool_view;
	v->n_pools = N_BASE_POOLS;
	VIEW_SECTION(v->text, hyp->text);
	VIEW_SECTION(v->rodata, hyp->rodata);
	VIEW_SECTION(v->data, hyp->data);
	VIEW_SECTION(v->bss, hyp->bss);
	VIEW_SECTION(v->idmap, hyp->idmap);
	VIEW_SECTION(v->vgic, hyp->vgic);
	VIEW_SECTION(v->hyp_mem, hyp->hyp_mem);
	v->protected_regs = hyp->protected_regs;
	v->n_protected_regs = hyp->num_protected_reg;
	v->private_base = hyp->io_map_base;
}

static const struct el2_view *hyp_view(struct el2 *e)
{
	struct hyp *hyp = to_hyp(e);

	if (unlikely(!hyp->view.booted || !hyp->finalised))
		view_boot(hyp);
	hyp->view.private_next = hyp->io_map_next;
	pkvm_view(hyp);
	return &hyp->view;
}

static const struct el2_panic *hyp_panic_record(struct el2 *e)
{
	return &to_hyp(e)->panic;
}

static void hyp_recover(struct el2 *e)
{
	struct hyp *hyp = to_hyp(e);

	memset(&hyp->panic, 0, sizeof(hyp->panic));
	for (struct spinlock *l = hyp->board->locks; l; l = l->next)
		l->holder = -1;
	for (unsigned int i = 0; i < hyp->board->n_cpus; i++)
		hyp->board->cpus[i].holds = 0;
	for (unsigned int i = 0; i < hyp->nr_cpus; i++)
		hyp->cpus[i].vmid = 0;
}

static u64 hyp_address(struct el2 *e, pa_t pa)
{
	va_t va;

	if (hyp_mmio_private_va(to_hyp(e), pa, &va))
		return va.va;
	return hyp_va_of(to_hyp(e), pa).va;
}

/* ---- Entry points --------------------------------------------------------------------------- */

static s64 hyp_init(struct el2 *e, struct cpu *cpu)
{
	return __pkvm_init(at_el2(e, cpu));
}

static s64 hyp_finalise(struct el2 *e, struct cpu *cpu)
{
	return __pkvm_init_finalise(at_el2(e, cpu));
}

/*
 * finalize_pkvm() of the host: nothing where EL2 did not come up; else the static key
 * first, from which on early hypercalls are refused, then this CPU.
 */
static s64 hyp_prot_finalize(struct el2 *e, struct cpu *cpu)
{
	struct hyp *hyp = to_hyp(e);

	if (!hyp->finalised)
		return 0;
	hyp->protected_mode_initialized = true;
	return __pkvm_prot_finalize(at_el2(e, cpu));
}

static void hyp_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18])
{
	handle_host_hcall(at_el2(e, cpu), regs);
}

static void hyp_smc(struct el2 *e, struct cpu *cpu, u16 imm, u64 regs[18])
{
	handle_host_smc(at_el2(e, cpu), imm, regs);
}

static enum el2_abort_result hyp_host_abort(struct el2 *e, struct cpu *cpu,
					    const struct el2_fault *f)
{
	return handle_host_mem_abort(at_el2(e, cpu), f);
}

static struct mmu_table hyp_guest_s2(struct el2 *e, struct cpu *cpu)
{
	return pkvm_guest_s2(at_el2(e, cpu));
}

static enum el2_guest_result hyp_guest_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18],
					   struct el2_guest_exit *exit)
{
	struct hyp_cpu *c = at_el2(e, cpu);
	enum el2_guest_result res;

	c->vmid = pkvm_guest_s2(c).vmid;
	res = pkvm_guest_hvc(c, regs, exit);
	c->vmid = 0;
	return res;
}

static enum el2_guest_result hyp_guest_abort(struct el2 *e, struct cpu *cpu,
					     const struct el2_fault *f, struct el2_guest_exit *exit)
{
	return pkvm_guest_abort(at_el2(e, cpu), f, exit);
}

static const struct el2_call *const *hyp_call_table(struct el2 *e)
{
	return hyp_calls(to_hyp(e));
}

static u64 hyp_call_id(struct el2 *e, const struct el2_call *call)
{
	return hyp_hvc_id(to_hyp(e), call);
}

static s64 hyp_call_by_name(struct el2 *e, struct cpu *cpu, const struct el2_call *call,
			    const u64 *args, unsigned int n_args)
{
	return hyp_call(at_el2(e, cpu), call, args, n_args);
}

static bool hyp_drain(struct el2 *e, const char *pool, u64 leave, GError **error)
{
	return hyp_pool_drain(to_hyp(e), pool, leave, error);
}

static bool hyp_refill(struct el2 *e, const char *pool, u64 pages, GError **error)
{
	return hyp_pool_refill(to_hyp(e), pool, pages, error);
}

static bool hyp_fail_alloc(struct el2 *e, const char *pool, u64 nth, u64 count, GError **error)
{
	return hyp_pool_fail_alloc(to_hyp(e), pool, nth, count, error);
}

static bool hyp_do_work(struct el2 *e, struct cpu *cpu, struct el2_work *w)
{
	return hyp_work(at_el2(e, cpu), w);
}

const struct hypervisor pkvm_hypervisor = {
	.name = "pkvm-sim",
	.new = hyp_new,
	.free = hyp_free,
	.init = hyp_init,
	.finalise = hyp_finalise,
	.prot_finalize = hyp_prot_finalize,
	.hvc = hyp_hvc,
	.smc = hyp_smc,
	.host_abort = hyp_host_abort,
	.guest_s2 = hyp_guest_s2,
	.guest_hvc = hyp_guest_hvc,
	.guest_abort = hyp_guest_abort,
	.calls = hyp_call_table,
	.hvc_id = hyp_call_id,
	.call = hyp_call_by_name,
	.pool_drain = hyp_drain,
	.pool_refill = hyp_refill,
	.fail_alloc = hyp_fail_alloc,
	.view = hyp_view,
	.panic = hyp_panic_record,
	.recover = hyp_recover,
	.hyp_va = hyp_address,
	.pgtable_new = hyp_pgtable_new,
	.pgtable_op = hyp_pgtable_op,
	.pgtable_view = hyp_pgtable_view,
	.pgtable_refcount = hyp_pgtable_refcount,
	.pgtable_used = hyp_pgtable_used,
	.pgtable_free = hyp_pgtable_free,
	.work = hyp_do_work,
};
