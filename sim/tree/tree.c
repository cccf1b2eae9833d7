// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One EL2 of a kernel tree on one board: its places, the requests to its process, and what
 * the rest of the program sees of it. Its memory is the board's and its data lies there, so
 * that a snapshot of the board is a snapshot of it.
 */
#include <inttypes.h>
#include <string.h>

#include "tree_private.h"

static void own_view(struct tree *t);

/* ---- Making one ---------------------------------------------------------------------------- */

void tree_describe(const struct tree *t, struct tree_shared *s)
{
	const struct board *b = t->board;
	const struct arch_features *f = b->f;

	s->n_cpus = b->n_cpus;
	s->page_shift = f->page_shift;
	s->pa_bits = f->pa_bits;
	s->fwb = f->fwb;
	s->dic = f->dic;
	s->idc = f->idc;
	s->tlbirange = f->tlbirange;
	s->bti = f->bti;
	s->xnx = f->xnx;
	s->hvhe = f->hvhe;
	board_storage(b, &s->memory_bytes);
	s->n_extents = b->n_extents;
	for (unsigned int i = 0; i < b->n_extents; i++)
		s->extent[i] = (struct tree_extent){ b->extent[i].base, b->extent[i].size,
						     board_storage_offset(b, &b->extent[i]) };
	s->n_regions = t->n_regions;
	for (unsigned int i = 0; i < t->n_regions; i++) {
		s->region[i].base = t->region[i].base;
		s->region[i].size = t->region[i].size;
		s->region[i].nomap = t->region[i].nomap;
	}
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		s->percpu_pa[i] = t->places.cpu[i].percpu.base;
		s->stack_pa[i] = t->places.cpu[i].stack.base;
	}
	s->idmap_pa = t->places.idmap.base;
	s->smccc_version = tree_smccc_version(t);
	s->n_protected = t->cfg->protect->len;
	for (unsigned int i = 0; i < s->n_protected; i++) {
		const struct protect_entry *p =
			&g_array_index(t->cfg->protect, struct protect_entry, i);

		s->protect[i].pfn = p->base >> f->page_shift;
		s->protect[i].pages = p->size >> f->page_shift;
	}
}

static bool start(struct tree *t, GError **error)
{
	g_autofree char *program = tree_program(t->built, &t->places, error);

	t->process = program ? process_new(program, error) : NULL;
	if (!t->process)
		return false;
	tree_describe(t, t->process->shared);
	if (!process_start(t->process, t->board, error))
		return false;
	if (tree_request(t, NULL, TREE_OP_SETUP) == TREE_RETURNED)
		return el2_place_memory(t->board, t->cfg, &t->places, t->process->shared->mem_pages,
					&t->hyp_mem, &t->reserve_error, error);
	g_set_error(error, TREE_ERROR, 0, "the tree's EL2 cannot be set up: %s",
		    t->process->lost[0] ? t->process->lost : t->process->shared->panic.reason);
	return false;
}

static void init_locks(struct tree *t)
{
	static const char *const names[N_LOCKS] = {
		[LOCK_HOST] = "host_mmu",
		[LOCK_HYP] = "pkvm_pgd_lock",
		[LOCK_VMS] = "vm_table_lock",
		[LOCK_FIXBLOCK] = "fixblock_lock",
		[LOCK_FFA_VERSION] = "ffa_version",
		[LOCK_FFA_BUFFERS] = "host_buffers",
		[LOCK_POOL_HOST_S2] = "host_s2_pool",
		[LOCK_POOL_HYP_S1] = "hyp_s1_pool",
		[LOCK_OTHER... N_LOCKS - 1] = "another_lock",
	};

	for (unsigned int i = 0; i < N_LOCKS; i++)
		spin_init(t->board, &t->lock[i], names[i]);
}

static void register_regions(struct tree *t)
{
	const GArray *ram = t->board->config->ram;

	t->n_regions = ram->len;
	for (unsigned int i = 0; i < ram->len; i++) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);

		t->region[i] = (struct el2_region){ r->base, r->size, r->nomap };
	}
}

static void tree_free(struct el2 *e)
{
	struct tree *t = to_tree(e);

	if (!t)
		return;
	process_stop(t->process);
	tree_close(t->debug);
	el2_config_free(t->cfg);
}

/* The release's words for descriptors, the tree's own structures. */
static void layout_of(struct tree *t)
{
	const struct tree_layout *l = &t->built->layout;

	t->layout = *el2_layout_of(t->built->profile.id);
	t->layout.hyp_page_size = (u8)l->hyp_page_size;
	t->layout.refcount_off = (u8)l->refcount_off;
	t->layout.refcount_width = (u8)l->refcount_width;
	t->layout.order_off = (u8)l->order_off;
	t->layout.order_width = (u8)l->order_width;
}

static struct el2 *tree_new(struct board *b, const struct el2_config *cfg, GError **error)
{
	struct tree *t = board_alloc(b, sizeof(*t));

	t->board = b;
	t->cfg = el2_config_copy(cfg);
	if (cfg->knob[KNOB_EL2_DEBUG] == EL2_DEBUG_ON) {
		t->debug = tree_debug(cfg->tree, error);
		if (!t->debug) {
			tree_free((struct el2 *)t);
			return NULL;
		}
	}
	t->built = t->debug ? t->debug : cfg->tree;
	layout_of(t);
	t->cfg->vm_layout = &t->built->vm_layout;
	init_locks(t);
	if (!tree_guests_new(t) || !tree_firmware_new(t))
		t->reserve_error = -ENOMEM;
	tree_calls(&t->built->layout, t->calls, t->hvc_id);
	if (b->config->ram->len > TREE_MAX_REGIONS || b->n_extents > TREE_MAX_EXTENTS)
		t->reserve_error = -ENOMEM;
	else
		register_regions(t);
	if (!t->reserve_error && (!el2_place_image(b, cfg, &t->places, &t->reserve_error, error) ||
				  (!t->reserve_error && !start(t, error)))) {
		tree_free((struct el2 *)t);
		return NULL;
	}
	own_view(t);
	return (struct el2 *)t;
}

/* ---- Entry points -------------------------------------------------------------------------- */

static s64 tree_init(struct el2 *e, struct cpu *cpu)
{
	struct tree *t = to_tree(e);
	struct tree_shared *s;
	enum tree_status status;

	if (t->reserve_error)
		return t->reserve_error;
	s = t->process->shared;
	s->args[0] = t->hyp_mem.base;
	s->args[1] = t->hyp_mem.size;
	status = tree_request(t, cpu, TREE_OP_INIT);
	t->initialised = status == TREE_SWITCHING;
	return t->initialised ? 0 : (s64)s->regs[1];
}

static s64 tree_finalise(struct el2 *e, struct cpu *cpu)
{
	struct tree *t = to_tree(e);

	if (!t->initialised)
		return -EINVAL;
	tree_request(t, cpu, TREE_OP_FINALISE);
	t->finalised = !t->process->shared->regs[1];
	return (s64)t->process->shared->regs[1];
}

void tree_exception(struct tree *t, struct cpu *cpu, enum tree_op op, u64 syndrome, u64 regs[18])
{
	struct tree_shared *s = t->process->shared;

	s->esr = syndrome | ESR_IL;
	s->far = s->hpfar = 0;
	memcpy(s->regs, regs, sizeof(s->regs));
	tree_request(t, cpu, op);
	memcpy(regs, s->regs, sizeof(s->regs));
}

static s64 tree_prot_finalize(struct el2 *e, struct cpu *cpu)
{
	struct tree *t = to_tree(e);
	u64 regs[TREE_REGS] = { 0 };

	if (!t->finalised)
		return 0;
	regs[0] = tree_hvc_number(&t->built->layout, "__pkvm_prot_finalize");
	tree_exception(t, cpu, TREE_OP_FINALIZED, FIELD_PREP(ESR_EC, EC_HVC64), regs);
	return (s64)regs[1];
}

static void tree_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18])
{
	struct tree *t = to_tree(e);
	const u64 id = regs[0];

	event_step(cpu, EV_TRAP);
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_hcall", .what = "hvc", .addr = id,
		   .val = regs[1]);
	/* before there is an EL2 its stub answers nothing of KVM's */
	if (t->process)
		tree_exception(t, cpu, TREE_OP_TRAP, FIELD_PREP(ESR_EC, EC_HVC64), regs);
	else
		regs[0] = ~UINT64_C(0);
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_hcall", .what = "eret_host", .addr = id,
		   .val = regs[1]);
}

static enum el2_abort_result tree_host_abort(struct el2 *e, struct cpu *cpu,
					     const struct el2_fault *f)
{
	struct tree *t = to_tree(e);
	struct tree_shared *s = t->process->shared;

	event_step(cpu, EV_TRAP);
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_mem_abort", .what = "host_abort",
		   .addr = f->ipa, .val = f->syndrome.esr);
	s->esr = f->syndrome.esr;
	s->far = f->syndrome.far;
	s->hpfar = f->syndrome.hpfar;
	s->at_fails = f->at_fails;
	memset(s->regs, 0, sizeof(s->regs));
	tree_request(t, cpu, TREE_OP_TRAP);
	if (s->injected) {
		event_step(cpu, EV_ABORT);
		event_emit(cpu, .kind = EV_ABORT, .fn = "inject_host_exception", .what = "inject",
			   .addr = f->ipa, .val = s->injected);
	}
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_mem_abort", .what = "eret_host",
		   .addr = f->ipa);
	return s->injected ? EL2_ABORT_INJECTED : EL2_ABORT_RETRY;
}

/* ---- Calls --------------------------------------------------------------------------------- */

static const struct el2_call *const *tree_call_table(struct el2 *e)
{
	return to_tree(e)->calls;
}

static u64 tree_hvc_id(struct el2 *e, const struct el2_call *call)
{
	const struct tree *t = to_tree(e);

	for (unsigned int i = 0; t->calls[i]; i++)
		if (t->calls[i] == call)
			return t->hvc_id[i];
	return 0;
}

static s64 tree_call(struct el2 *e, struct cpu *cpu, const struct el2_call *call, const u64 *args,
		     unsigned int n)
{
	struct tree *t = to_tree(e);
	struct tree_shared *s = t->process->shared;

	s->number = tree_own_call(call);
	for (unsigned int i = 0; i < TREE_ARGS; i++)
		s->args[i] = i < n ? args[i] : 1;
	tree_request(t, cpu, TREE_OP_CALL);
	return s->ret;
}

/* ---- Work ---------------------------------------------------------------------------------- */

#define W(name) G_STATIC_ASSERT((int)TREE_WORK_##name == (int)WORK_##name);
TREE_WORKS(W)
#undef W
G_STATIC_ASSERT((int)TREE_N_WORKS == (int)N_WORKS);

static bool tree_work(struct el2 *e, struct cpu *cpu, struct el2_work *w)
{
	struct tree *t = to_tree(e);
	struct tree_work *of = &t->process->shared->work;

	*of = (struct tree_work){ .id = w->id,
				  .halves = w->halves,
				  .arg = { w->arg[0], w->arg[1] },
				  .slots = WORK_SLOTS,
				  .every = WORK_EVERY,
				  .iterations = w->iterations,
				  .random = w->random,
				  .drawn = w->drawn };
	for (unsigned int i = 0; w->fault && i < G_N_ELEMENTS(of->fault); i++) {
		of->fault[i].esr = w->fault[i].syndrome.esr;
		of->fault[i].far = w->fault[i].syndrome.far;
		of->fault[i].hpfar = w->fault[i].syndrome.hpfar;
	}
	tree_request(t, cpu, TREE_OP_WORK);
	w->random = of->random;
	w->drawn = of->drawn;
	w->failures += of->failures;
	w->ns = of->ns;
	return !of->absent;
}

/* ---- Pressure ------------------------------------------------------------------------------ */

struct pressure {
	struct tree *t;
	enum tree_op op;
};

static s64 do_pressure(struct cpu *cpu, void *arg)
{
	struct pressure *p = arg;

	cpu->board->watched = false;
	tree_request(p->t, cpu, p->op);
	return 0;
}

static bool press(struct el2 *e, enum tree_op op, const char *pool, u64 a, u64 b, GError **error)
{
	struct tree *t = to_tree(e);
	struct pressure p = { t, op };
	bool watched = t->board->watched;
	enum pool_id id = strcmp(pool, "hyp_s1") ? POOL_HOST_S2 : POOL_HYP_S1;
	enum cpu_end end;

	/* what is to fail may be said before there is a pool */
	if ((id == POOL_HOST_S2 && strcmp(pool, "host_s2")) || !t->process ||
	    (op != TREE_OP_FAIL && !t->seen.pool[id].end)) {
		g_set_error(error, TREE_ERROR, 0, "pool \"%s\" is not there", pool);
		return false;
	}
	t->process->shared->args[0] = id;
	t->process->shared->args[1] = a;
	t->process->shared->args[2] = b;
	end = cpu_call(&t->board->cpus[0], do_pressure, &p, NULL);
	t->board->watched = watched;
	if (end != CPU_END_RETURNED)
		g_set_error(error, TREE_ERROR, 0, "EL2 panicked over the lists of pool \"%s\"",
			    pool);
	return end == CPU_END_RETURNED;
}

static bool tree_drain(struct el2 *e, const char *pool, u64 leave, GError **error)
{
	return press(e, TREE_OP_TAKE, pool, leave, 0, error);
}

static bool tree_refill(struct el2 *e, const char *pool, u64 pages, GError **error)
{
	return press(e, TREE_OP_GIVE, pool, pages, 0, error);
}

static bool tree_fail_alloc(struct el2 *e, const char *pool, u64 nth, u64 count, GError **error)
{
	return press(e, TREE_OP_FAIL, pool, nth ? nth - 1 : 0, count, error);
}

/* ---- Seen from outside --------------------------------------------------------------------- */

struct mmu_table tree_table(const struct tree *t, const struct tree_table *from, u8 stage)
{
	return (struct mmu_table){
		.stage = stage,
		.ia_bits = (u8)from->ia_bits,
		.start_level = (s8)from->start_level,
		.root = PA(from->root),
		.f = t->board->f,
	};
}

struct el2_pool_view tree_pool_view(const struct tree *t, const struct tree_pool *p,
				    const char *name, struct spinlock *lock)
{
	return (struct el2_pool_view){
		.name = name,
		.base = p->start,
		.pages = (p->end - p->start) >> t->board->f->page_shift,
		.max_order = p->max_order,
		.heads = PA(p->heads - TREE_VA_OFFSET),
		.lock = lock,
	};
}

/* What never changes. */
static void own_view(struct tree *t)
{
	struct el2_view *v = &t->view;

	v->layout = &t->layout;
	v->vm_layout = t->cfg->vm_layout;
	v->regions = t->region;
	v->n_regions = t->n_regions;
	v->pools = t->pool;
	v->n_pools = N_BASE_POOLS;
	v->text = t->places.text;
	v->rodata = t->places.rodata;
	v->data = t->places.data;
	v->bss = t->places.bss;
	v->idmap = t->places.idmap;
	v->vgic = t->places.vgic;
	v->hyp_mem = t->hyp_mem;
	v->protected_regs = (const struct protect_entry *)(void *)t->cfg->protect->data;
	v->n_protected_regs = t->cfg->protect->len;
	v->cpu_pages = t->places.cpu;
	v->private_base = UINT64_C(1) << 46;
}

static const struct el2_view *tree_el2_view(struct el2 *e)
{
	struct tree *t = to_tree(e);
	struct el2_view *v = &t->view;

	v->booted = t->finalised;
	v->initialised = t->initialised;
	v->host_s2 = tree_table(t, &t->seen.s2, 2);
	v->hyp_s1 = tree_table(t, &t->seen.s1, 1);
	v->vmemmap_va = t->seen.page_map;
	v->private_next = t->seen.private_next;
	v->vm_table = PA(t->seen.vm_table ? t->seen.vm_table - TREE_VA_OFFSET : 0);
	v->guests = t->guests;
	v->n_guests = t->n_guests;
	t->pool[POOL_HOST_S2] = tree_pool_view(t, &t->seen.pool[POOL_HOST_S2], "host_s2",
					       &t->lock[LOCK_POOL_HOST_S2]);
	t->pool[POOL_HYP_S1] =
		tree_pool_view(t, &t->seen.pool[POOL_HYP_S1], "hyp_s1", &t->lock[LOCK_POOL_HYP_S1]);
	return v;
}

static const struct el2_panic *tree_panic_record(struct el2 *e)
{
	return &to_tree(e)->panic;
}

static void tree_recover(struct el2 *e)
{
	struct tree *t = to_tree(e);

	memset(&t->panic, 0, sizeof(t->panic));
	for (struct spinlock *l = t->board->locks; l; l = l->next)
		l->holder = -1;
	if (t->process)
		tree_request(t, NULL, TREE_OP_RECOVER);
}

static u64 tree_hyp_va(struct el2 *e, pa_t pa)
{
	return pa.pa + TREE_VA_OFFSET;
}

const struct hypervisor tree_hypervisor = {
	.name = "kernel tree",
	.shares_memory = true,
	.offers = tree_offers,
	.new = tree_new,
	.free = tree_free,
	.init = tree_init,
	.finalise = tree_finalise,
	.prot_finalize = tree_prot_finalize,
	.hvc = tree_hvc,
	.smc = tree_smc,
	.host_abort = tree_host_abort,
	.guest_s2 = tree_guest_s2,
	.guest_hvc = tree_guest_hvc,
	.guest_abort = tree_guest_abort,
	.calls = tree_call_table,
	.hvc_id = tree_hvc_id,
	.call = tree_call,
	.pool_drain = tree_drain,
	.pool_refill = tree_refill,
	.fail_alloc = tree_fail_alloc,
	.view = tree_el2_view,
	.panic = tree_panic_record,
	.recover = tree_recover,
	.hyp_va = tree_hyp_va,
	.work = tree_work,
	.pgtable_new = tree_pgtable_new,
	.pgtable_op = tree_pgtable_op,
	.pgtable_view = tree_pgtable_view,
	.pgtable_refcount = tree_pgtable_refcount,
	.pgtable_used = tree_pgtable_used,
	.pgtable_free = tree_pgtable_free,
};
