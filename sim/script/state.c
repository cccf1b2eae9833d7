// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The functions of the state: read from fake RAM and the board as they are now.
 * None asks EL2, none changes anything (page() notes what it gave).
 */
#include "script_private.h"

/* EL2's linear map on every built-in board, for expressions before there is an EL2. */
#define LINEAR_MAP_OFFSET UINT64_C(0x100000000000)
/* The linear map of a host kernel with 48-bit addresses. */
#define KERNEL_PAGE_OFFSET UINT64_C(0xffff000000000000)

static bool no_machine(const struct expr *e, GError **error)
{
	return script_fail(error, e->line, e->off, NULL,
			   "%s() asks the machine, which is not there before the set-up ends",
			   e->fn->name);
}

static bool arg_u64(const struct expr *e, unsigned int i, struct context *c, u64 *n, GError **error)
{
	return expr_u64(e->kid[i], c, "an address", n, error);
}

/* A machine, its view and one address. */
struct asked {
	struct machine *m;
	const struct el2_view *v;
	u64 addr;
};

static bool ask(const struct expr *e, unsigned int i, struct context *c, struct asked *a,
		GError **error)
{
	if (!c->run)
		return no_machine(e, error);
	if (e->n > i && !arg_u64(e, i, c, &a->addr, error))
		return false;
	a->m = run_machine(c->run, e->line, e->off, error);
	if (!a->m)
		return false;
	a->v = a->m->hyp->view(a->m->el2);
	return true;
}

/* ---- Owners and states ------------------------------------------------------------------ */

static bool fn_owner(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct abs_page page;
	struct asked a;
	const char *name;

	if (!ask(e, 0, c, &a, error))
		return false;
	model_page(a.m->board, a.v, PA(a.addr), &page);
	name = page.owner == OWNER_GUEST ? machine_vm_name(a.m, page.guest) : NULL;
	*v = word(name ? name : owner_name[page.owner]);
	return true;
}

/* A live VM of this name, as EL2 has it; NULL: it has none, or none yet. */
static const struct el2_guest_view *guest_of(const struct asked *a, const char *name)
{
	struct machine_vm vm;

	if (!machine_vm(a->m, name, &vm) || !vm.live)
		return NULL;
	return model_guest(a->v, vm.handle);
}

static bool is_party(const struct expr *e, const char *name)
{
	return !strcmp(e->name, name);
}

static bool is_hyp(const struct expr *e)
{
	return is_party(e, "hyp");
}

static bool is_vm(const struct expr *e)
{
	return !is_hyp(e) && !is_party(e, "host");
}

static bool fn_state(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct abs_page page;
	struct asked a;

	if (!ask(e, 1, c, &a, error))
		return false;
	if (is_vm(e)) {
		const struct el2_guest_view *g = guest_of(&a, e->name);

		*v = word(page_state_name[g ? model_guest_state(a.m->board, a.v, g, a.addr)
					    : PKVM_NOPAGE]);
		return true;
	}
	if (a.addr >= board_pa_limit(a.m->board))
		return script_fail(error, e->line, e->kid[1]->off, NULL,
				   "this address is beyond the PA limit");
	model_page(a.m->board, a.v, PA(a.addr), &page);
	*v = word(page_state_name[is_hyp(e) ? page.hyp : page.host]);
	return true;
}

/* ---- Walks -------------------------------------------------------------------------------- */

/* NULL, or with root 0: there is none. */
static const struct mmu_table *table_of(const struct expr *e, const struct asked *a)
{
	const struct el2_guest_view *g;

	if (!is_vm(e))
		return is_hyp(e) ? &a->v->hyp_s1 : &a->v->host_s2;
	g = guest_of(a, e->name);
	return g ? &g->s2 : NULL;
}

/* The walk for (party, address). *@there is false where no table stands. */
static bool walk(const struct expr *e, struct context *c, struct asked *a, struct mmu_result *res,
		 bool *there, GError **error)
{
	const struct mmu_table *t;

	if (!ask(e, 1, c, a, error))
		return false;
	t = table_of(e, a);
	*there = t && t->root.pa;
	if (*there && !model_walk_table(a->m->board, t, a->addr, res))
		return script_fail(error, e->line, e->kid[1]->off, NULL,
				   "this address is beyond the input range of the tables of %s",
				   e->name);
	return true;
}

/* The same where an entry is wanted. */
static bool walk_entry(const struct expr *e, struct context *c, struct mmu_result *res,
		       GError **error)
{
	struct asked a;
	bool there;

	if (!walk(e, c, &a, res, &there, error))
		return false;
	return there || script_fail(error, e->line, e->off, NULL, "%s has no tables yet", e->name);
}

static bool fn_pte(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct mmu_result res;

	if (!walk_entry(e, c, &res, error))
		return false;
	*v = number(res.desc);
	return true;
}

static bool fn_level(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct mmu_result res;

	if (!walk_entry(e, c, &res, error))
		return false;
	*v = number(res.level);
	return true;
}

static bool leaf_valid(const struct mmu_result *res)
{
	return res->fault == MMU_OK || res->fault == MMU_FAULT_PERMISSION ||
	       res->fault == MMU_FAULT_ACCESS_FLAG;
}

static bool fn_mapped(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct mmu_result res;
	struct asked a;
	bool there;

	if (!walk(e, c, &a, &res, &there, error))
		return false;
	*v = number(there && leaf_valid(&res));
	return true;
}

static bool fn_translates(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct mmu_result res;
	struct asked a;
	bool there;

	if (!walk(e, c, &a, &res, &there, error))
		return false;
	if (is_party(e, "host") && !a.m->board->cpus[0].host_s2_on)
		*v = number(a.addr); /* stage 2 is off: flat */
	else if (there && res.fault == MMU_OK)
		*v = number(res.oa.pa);
	else
		*v = word(word_find("fault"));
	return true;
}

/* ---- Pools, counts -------------------------------------------------------------------------- */

/* Of a vCPU: its memcache, whose header stands in EL2's copy of it. */
static u64 free_in_memcache(const struct asked *a, const char *name)
{
	g_autofree char *vm = g_strndup(name, strcspn(name, "."));
	const struct el2_guest_view *g = guest_of(a, vm);
	guint64 idx;

	if (!g || !g_ascii_string_to_unsigned(strchr(name, '.') + 1, 10, 0, UINT16_MAX, &idx, NULL))
		return 0;
	return model_vcpu_memcache(a->m->board, a->v, g, (unsigned int)idx);
}

static bool fn_free(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	const struct el2_guest_view *g;
	struct asked a;

	if (!ask(e, 1, c, &a, error))
		return false;
	*v = number(0);
	for (unsigned int i = 0; i < a.v->n_pools; i++)
		if (!strcmp(a.v->pools[i].name, e->name))
			*v = number(model_pool_free(a.m->board, a.v, &a.v->pools[i]));
	g = guest_of(&a, e->name);
	if (g)
		*v = number(model_pool_free(a.m->board, a.v, &g->pool));
	else if (strchr(e->name, '.'))
		*v = number(free_in_memcache(&a, e->name));
	return true;
}

static bool fn_tables(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	const struct mmu_table *t;
	struct asked a;

	if (!ask(e, 1, c, &a, error))
		return false;
	t = table_of(e, &a);
	*v = number(t && t->root.pa ? model_tables(a.m->board, t) : 0);
	return true;
}

static bool fn_refcount(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;

	if (!ask(e, 0, c, &a, error))
		return false;
	*v = number(model_refcount(a.m->board, a.v, PA(a.addr)));
	return true;
}

/* A page that EL2 borrows is pinned by references in its struct hyp_page. */
static bool fn_pins(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct abs_page page;
	struct asked a;

	if (!ask(e, 0, c, &a, error))
		return false;
	*v = number(0);
	if (a.addr >= board_pa_limit(a.m->board))
		return true;
	model_page(a.m->board, a.v, PA(a.addr), &page);
	if (page.hyp == PKVM_PAGE_SHARED_BORROWED)
		*v = number(page.refcount);
	return true;
}

static bool fn_sharers(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;

	if (!ask(e, 0, c, &a, error))
		return false;
	*v = number(model_sharers(a.m->board, a.v, PA(a.addr)));
	return true;
}

/* ---- Addresses -------------------------------------------------------------------------------- */

static bool fn_hyp_va(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;
	u64 addr;

	if (!arg_u64(e, 0, c, &addr, error))
		return false;
	if (addr > UINT64_MAX - LINEAR_MAP_OFFSET)
		return script_fail(error, e->line, e->kid[0]->off, NULL,
				   "EL2's linear map does not reach this address");
	if (!c->run) {
		*v = number(addr + LINEAR_MAP_OFFSET);
		return true;
	}
	if (!ask(e, 0, c, &a, error))
		return false;
	*v = number(a.m->hyp->hyp_va(a.m->el2, PA(addr)));
	return true;
}

static bool fn_kern_va(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	u64 addr;

	if (!arg_u64(e, 0, c, &addr, error))
		return false;
	if (addr > UINT64_MAX - KERNEL_PAGE_OFFSET)
		return script_fail(error, e->line, e->kid[0]->off, NULL,
				   "the kernel's linear map does not reach this address");
	*v = number(addr + KERNEL_PAGE_OFFSET);
	return true;
}

static bool fn_pfn(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	unsigned int shift = c->board->f.page_shift;
	u64 addr;

	if (!arg_u64(e, 0, c, &addr, error))
		return false;
	if (addr & (BIT(shift) - 1))
		return script_fail(error, e->line, e->kid[0]->off, NULL,
				   "0x%" G_GINT64_MODIFIER "x is not page aligned", addr);
	*v = number(addr >> shift);
	return true;
}

static bool fn_ram(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	u64 n;

	if (!expr_u64(e->kid[0], c, "a region's number", &n, error))
		return false;
	if (n >= c->board->ram->len)
		return script_fail(error, e->line, e->kid[0]->off, NULL,
				   "the board has %u memory regions, counted from 0",
				   c->board->ram->len);
	*v = number(g_array_index(c->board->ram, struct ram_region, n).base);
	return true;
}

static bool fn_reg(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;
	u64 n;

	if (!ask(e, 1, c, &a, error) || !expr_u64(e->kid[0], c, "a register's number", &n, error))
		return false;
	if (n > 17)
		return script_fail(error, e->line, e->kid[0]->off, NULL, "x0 to x17 are known");
	*v = number(machine_registers(a.m)[n]);
	return true;
}

static bool fn_cpus(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	*v = number(c->board->n_cpus);
	return true;
}

static bool fn_mem(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;
	u64 val;

	if (!ask(e, 0, c, &a, error))
		return false;
	if (!board_peek(a.m->board, PA(a.addr), 8, &val))
		return script_fail(error, e->line, e->kid[0]->off, NULL,
				   "neither RAM nor a device is at 0x%" G_GINT64_MODIFIER "x",
				   a.addr);
	*v = number(val);
	return true;
}

/* ---- page() ------------------------------------------------------------------------------------- */

static bool page_free_to_give(struct run *r, const struct asked *a, u64 pa)
{
	return model_owner(a->m->board, a->v, PA(pa)) == OWNER_HOST && machine_take_page(a->m, pa);
}

/* The first whole page of RAM in no nomap region at @from or above; false: none. */
static bool next_ram_page(const struct board_config *b, u64 *from)
{
	u64 size = BIT(b->f.page_shift);

	for (guint i = 0; i < b->ram->len; i++) {
		const struct ram_region *r = &g_array_index(b->ram, struct ram_region, i);
		u64 first = ALIGN_UP(MAX(r->base, *from), size);

		if (!r->nomap && first >= r->base && first - r->base < r->size &&
		    r->size - (first - r->base) >= size) {
			*from = first;
			return true;
		}
	}
	return false;
}

static bool give_page(struct run *r, const struct asked *a, u64 *pa)
{
	for (guint i = 0; i < r->passed->len; i++) {
		*pa = g_array_index(r->passed, u64, i);
		if (page_free_to_give(r, a, *pa)) {
			g_array_remove_index(r->passed, i);
			return true;
		}
	}
	while (next_ram_page(r->board, &r->page_next)) {
		*pa = r->page_next;
		r->page_next += BIT(r->board->f.page_shift);
		if (page_free_to_give(r, a, *pa))
			return true;
		g_array_append_val(r->passed, *pa);
	}
	return false;
}

static bool fn_page(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;
	u64 pa;

	if (!c->may_page)
		return script_fail(error, e->line, e->off, NULL,
				   "page() stands only in `let` and in arguments of actions");
	if (!c->run || !c->run->boot_tried)
		return script_fail(error, e->line, e->off, NULL, "page() gives pages after `boot`");
	if (!ask(e, 0, c, &a, error))
		return false;
	if (!give_page(c->run, &a, &pa))
		return script_fail(error, e->line, e->off, NULL, "no page is left for page()");
	*v = number(pa);
	return true;
}

/* ---- Locks, events, results -------------------------------------------------------------------- */

static bool fn_locked(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct nearest near;
	struct asked a;

	if (!ask(e, 1, c, &a, error))
		return false;
	nearest_init(&near, e->name);
	for (const struct spinlock *l = a.m->board->locks; l; l = l->next) {
		nearest_try(&near, l->name);
		if (!strcmp(l->name, e->name)) {
			*v = number(l->holder);
			return true;
		}
	}
	return script_fail(error, e->line, e->off, near.best, "there is no lock `%s`", e->name);
}

static bool fn_events(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	*v = number(0);
	if (!c->run)
		return no_machine(e, error);
	for (unsigned int i = 0; i < N_EVENT_KINDS; i++)
		if (!strcmp(event_kind_name[i], e->name))
			*v = number(recorder_count(c->run->rec, i));
	return true;
}

/* What a scenario writes of the host's structures for VMs, by the kernel's names. */
static const struct {
	const char *name;
	size_t at[2]; /* in struct el2_vm_layout; their sum is the offset */
} fields[] = {
#define FIELD(name, a, b)                                                                          \
	{                                                                                          \
		name,                                                                              \
		{                                                                                  \
			offsetof(struct el2_vm_layout, a), offsetof(struct el2_vm_layout, b)       \
		}                                                                                  \
	}
	FIELD("created_vcpus", kvm_created_vcpus, nothing),
	FIELD("handle", kvm_handle, nothing),
	FIELD("is_protected", kvm_is_protected, nothing),
	FIELD("teardown_mc_head", kvm_teardown_mc, mc_head),
	FIELD("teardown_mc_nr_pages", kvm_teardown_mc, mc_nr_pages),
	FIELD("vcpu_idx", vcpu_idx, nothing),
	FIELD("kvm", vcpu_kvm, nothing),
	FIELD("memcache_head", vcpu_memcache, mc_head),
	FIELD("memcache_nr_pages", vcpu_memcache, mc_nr_pages),
#undef FIELD
};

static bool fn_offset(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct asked a;
	const u8 *l;

	if (!ask(e, 1, c, &a, error))
		return false;
	l = (const u8 *)a.v->vm_layout;
	for (unsigned int i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!strcmp(fields[i].name, e->name))
			*v = number(*(const u32 *)(l + fields[i].at[0]) +
				    *(const u32 *)(l + fields[i].at[1]));
	return true;
}

static bool fn_result(const struct expr *e, struct context *c, struct value *v, GError **error)
{
	struct run *r = c->run;

	if (!r || (e->cpu < 0 ? !r->has_last : !r->cpu_acted[e->cpu]))
		return script_fail(error, e->line, e->off, NULL,
				   "no action has given a result yet");
	*v = outcome_value(e->cpu < 0 ? &r->last : &r->cpu_last[e->cpu]);
	return true;
}

/* ---- The table ------------------------------------------------------------------------------------ */

static const struct function functions[N_FUNCTIONS] = {
	[FN_OWNER] = { "owner", { PARAM_EXPR }, fn_owner },
	[FN_STATE] = { "state", { PARAM_PARTY, PARAM_EXPR }, fn_state },
	[FN_PTE] = { "pte", { PARAM_PARTY, PARAM_EXPR }, fn_pte },
	[FN_LEVEL] = { "level", { PARAM_PARTY, PARAM_EXPR }, fn_level },
	[FN_MAPPED] = { "mapped", { PARAM_PARTY, PARAM_EXPR }, fn_mapped },
	[FN_TRANSLATES] = { "translates", { PARAM_PARTY, PARAM_EXPR }, fn_translates },
	[FN_FREE] = { "free", { PARAM_POOL }, fn_free },
	[FN_TABLES] = { "tables", { PARAM_PARTY }, fn_tables },
	[FN_REFCOUNT] = { "refcount", { PARAM_EXPR }, fn_refcount },
	[FN_PINS] = { "pins", { PARAM_EXPR }, fn_pins },
	[FN_SHARERS] = { "sharers", { PARAM_EXPR }, fn_sharers },
	[FN_HYP_VA] = { "hyp_va", { PARAM_EXPR }, fn_hyp_va },
	[FN_KERN_VA] = { "kern_va", { PARAM_EXPR }, fn_kern_va },
	[FN_PFN] = { "pfn", { PARAM_EXPR }, fn_pfn },
	[FN_PAGE] = { "page", { PARAM_NONE }, fn_page },
	[FN_RAM] = { "ram", { PARAM_EXPR }, fn_ram },
	[FN_CPUS] = { "cpus", { PARAM_NONE }, fn_cpus },
	[FN_MEM] = { "mem", { PARAM_EXPR }, fn_mem },
	[FN_LOCKED] = { "locked", { PARAM_LOCK }, fn_locked },
	[FN_EVENTS] = { "events", { PARAM_KIND }, fn_events },
	[FN_OFFSET] = { "offset", { PARAM_FIELD }, fn_offset },
	[FN_REG] = { "reg", { PARAM_EXPR }, fn_reg },
	[FN_RESULT] = { "result", { PARAM_NONE }, fn_result },
};

const struct function *function_find(const char *name)
{
	for (unsigned int i = 0; i < N_FUNCTIONS; i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}

const struct function *function_get(enum function_id id)
{
	return &functions[id];
}

static const char *const parties[] = { "host", "hyp", NULL };
static const char *const pools[] = { "host_s2", "hyp_s1", NULL };

static bool one_of(const char *const *list, const char *name, struct nearest *near)
{
	for (unsigned int i = 0; list[i]; i++)
		nearest_try(near, list[i]);
	return g_strv_contains(list, name);
}

/* A VM, or with its number behind a dot a vCPU. */
static bool vm_pool(const struct program *prog, const char *name)
{
	g_autofree char *vm = g_strndup(name, strcspn(name, "."));

	return program_has_vm(prog, vm);
}

bool param_known(const struct program *prog, enum param p, const char *name, struct nearest *near)
{
	switch (p) {
	case PARAM_PARTY:
		program_vms_try(prog, near);
		return one_of(parties, name, near) || program_has_vm(prog, name);
	case PARAM_POOL:
		program_vms_try(prog, near);
		return one_of(pools, name, near) || vm_pool(prog, name);
	case PARAM_KIND:
		for (unsigned int i = 0; i <= EV_PANIC; i++) {
			nearest_try(near, event_kind_name[i]);
			if (!strcmp(event_kind_name[i], name))
				return true;
		}
		return false;
	case PARAM_FIELD:
		for (unsigned int i = 0; i < G_N_ELEMENTS(fields); i++) {
			nearest_try(near, fields[i].name);
			if (!strcmp(fields[i].name, name))
				return true;
		}
		return false;
	default:
		return true; /* locks are known once there is a machine */
	}
}
