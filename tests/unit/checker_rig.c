// SPDX-License-Identifier: GPL-2.0-or-later
/* The oracle around its checkers, played by a few lines: see checker_rig.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/check.h"
#include "sim/hyp/hyp.h"
#include "tests/unit/checker_rig.h"

static const struct checker *const checkers[] = {
	&lock_checker,	   &gone_checker,     &bbm_checker,	     &tlb_checker,
	&refcount_checker, &lifetime_checker, &confidential_checker, &range_checker,
};
#define GONE 1
#define N_CHECKERS G_N_ELEMENTS(checkers)
#define MAX_SAID 64

struct oracle {
	struct machine *m;
	void *state[N_CHECKERS];
	struct oracle_action action;
	const struct oracle_action *current;
	struct {
		enum rule_id rule;
		u64 page;
		char text[200];
	} said[MAX_SAID];
	unsigned int n_said;
	struct check_pools pools;
};

/* ---- What checkers call ------------------------------------------------------------- */

struct board *oracle_board(struct oracle *o)
{
	return o->m->board;
}

const struct el2_view *oracle_view(struct oracle *o)
{
	return o->m->hyp->view(o->m->el2);
}

const struct el2_config *oracle_config(struct oracle *o)
{
	return o->m->config;
}

const struct oracle_action *oracle_action(struct oracle *o)
{
	return o->current;
}

u64 oracle_s2_on(struct oracle *o)
{
	const struct board *b = o->m->board;
	u64 cpus = 0;

	for (unsigned int i = 0; i < b->n_cpus; i++)
		cpus |= (u64)b->cpus[i].host_s2_on << i;
	return cpus;
}

bool oracle_booting(struct oracle *o)
{
	const enum oracle_action_kind kind = o->action.kind;

	return !oracle_view(o)->booted || kind == ORACLE_INIT || kind == ORACLE_FINALISE ||
	       kind == ORACLE_PROT_FINALIZE || kind == ORACLE_BOOT;
}

const struct check_pools *oracle_pools(struct oracle *o)
{
	return &o->pools;
}

void oracle_pools_sync(struct oracle *o)
{
	check_pools_read(o, &o->pools);
}

struct gone_list *check_gone(struct oracle *o)
{
	return o->state[GONE];
}

/* No guests here. */
u32 oracle_guest_on(struct oracle *o, unsigned int cpu)
{
	return 0;
}

bool oracle_hyp_page(struct oracle *o, pa_t pa, pa_t *entry)
{
	return model_hyp_page(o->m->board, oracle_view(o), pa, entry);
}

/* Without a fold nobody knows: it may have been. */
bool oracle_touched(struct oracle *o, u64 pa)
{
	return true;
}

void oracle_breach(struct oracle *o, enum rule_id rule, u64 page, const struct event *ev,
		   const char *fmt, ...)
{
	va_list ap;

	for (unsigned int i = 0; i < o->n_said; i++)
		if (o->said[i].rule == rule && o->said[i].page == page)
			return;
	g_assert_cmpuint(o->n_said, <, MAX_SAID);
	o->said[o->n_said].rule = rule;
	o->said[o->n_said].page = page;
	va_start(ap, fmt);
	vsnprintf(o->said[o->n_said++].text, sizeof(o->said[0].text), fmt, ap);
	va_end(ap);
}

struct search {
	struct board *b;
	u64 page;
	struct part *found;
	enum page_part part;
};

static void is_it(void *data, int level, u64 ia, pa_t table)
{
	struct search *s = data;
	u64 entry;

	if (table.pa != s->page)
		return;
	*s->found = (struct part){ .part = (u8)s->part, .level = (s8)level, .ia = ia };
	for (u64 off = 0; off < BIT(s->b->f->page_shift); off += 8)
		s->found->entries += board_peek64(s->b, pa_add(table, off), &entry) && entry;
}

/* A page of hyp_vmemmap: the frame that its first entry describes. */
static bool find_vmemmap(struct board *b, const struct el2_view *v, u64 page, u64 *frame)
{
	u64 step = BIT(b->f->page_shift) / v->layout->hyp_page_size << b->f->page_shift;

	for (unsigned int i = 0; i < v->n_regions; i++) {
		u64 end = v->regions[i].base + v->regions[i].size;

		for (u64 pa = ALIGN_DOWN(v->regions[i].base, step); pa < end; pa += step) {
			pa_t entry;

			if (model_hyp_page(b, v, PA(pa), &entry) && entry.pa == page) {
				*frame = pa;
				return true;
			}
		}
	}
	return false;
}

struct part fold_part(struct oracle *o, pa_t pa)
{
	const struct el2_view *v = oracle_view(o);
	struct part p = { .part = PART_NONE };
	struct search s = { .b = o->m->board,
			    .page = ALIGN_DOWN(pa.pa, BIT(o->m->board->f->page_shift)),
			    .found = &p };

	/* as the real one: before tables are in use there is nothing to fold */
	if (!v->booted || pa.pa - v->hyp_mem.base >= v->hyp_mem.size)
		return p;
	s.part = PART_HOST_TABLE;
	model_for_each_table(s.b, &v->host_s2, is_it, &s);
	s.part = PART_HYP_TABLE;
	model_for_each_table(s.b, &v->hyp_s1, is_it, &s);
	if (p.part == PART_NONE && find_vmemmap(s.b, v, s.page, &p.ia))
		p.part = PART_VMEMMAP;
	return p;
}

/* ---- Machines ---------------------------------------------------------------------------- */

static void tell(struct oracle *o, const struct event *ev, const struct place *at, u32 stores)
{
	for (unsigned int i = 0; i < N_CHECKERS; i++) {
		const struct checker *c = checkers[i];

		if (ev->kind != EV_STORE && c->event && c->kinds & BIT(ev->kind))
			c->event(o, o->state[i], ev);
		else if (ev->kind == EV_STORE && c->store &&
			 (c->stores & stores || (!c->stores && stores != VALID_ENTRIES)))
			c->store(o, o->state[i], ev, at);
	}
}

static void watch(void *data, const struct event *ev)
{
	struct oracle *o = data;
	struct place at = { 0 };

	if (!o->current)
		return;
	if (ev->kind == EV_STORE)
		at.part = fold_part(o, PA(ev->addr));
	if (at.part.part == PART_VMEMMAP) {
		const struct record_map m = check_record_map(oracle_view(o)->layout,
							     (u8)oracle_board(o)->f->page_shift);

		check_record_place(&m, ev->addr, ev->arg, &at);
	}
	tell(o, ev, &at, (u32)BIT(at.part.part));
	if (!check_is_table(&at.part) || ev->arg != 8 || !pte_valid(ev->old | ev->val))
		return;
	at.d = check_desc_at(o, ev->addr, &at.part);
	tell(o, ev, &at, VALID_ENTRIES);
}

static void init_checkers(struct oracle *o)
{
	for (unsigned int i = 0; i < N_CHECKERS; i++) {
		o->state[i] = board_alloc(o->m->board, MAX(checkers[i]->state_size, 1));
		if (checkers[i]->init)
			checkers[i]->init(o, o->state[i]);
	}
	board_subscribe(o->m->board, watch, o);
}

void cr_begin_as(struct checker_rig *t, enum oracle_action_kind kind)
{
	struct oracle *o = t->o;

	o->action = (struct oracle_action){ .kind = kind };
	o->current = &o->action;
	oracle_pools_sync(o);
	for (unsigned int i = 0; i < N_CHECKERS; i++)
		if (checkers[i]->begin)
			checkers[i]->begin(o, o->state[i], o->current);
}

void cr_begin(struct checker_rig *t)
{
	cr_begin_as(t, ORACLE_CALL);
}

void cr_over(struct checker_rig *t, enum oracle_end_kind end, s64 value)
{
	struct oracle *o = t->o;

	for (unsigned int i = 0; i < N_CHECKERS; i++)
		if (checkers[i]->end)
			checkers[i]->end(o, o->state[i], end, value);
	o->current = NULL;
}

static enum oracle_end_kind end_of(struct outcome out)
{
	static const enum oracle_end_kind kinds[N_OUTCOMES] = {
		[OUTCOME_VALUE] = ORACLE_END_VALUE,	[OUTCOME_ABORT] = ORACLE_END_ABORT,
		[OUTCOME_FAULT] = ORACLE_END_FAULT,	[OUTCOME_BUS] = ORACLE_END_BUS,
		[OUTCOME_REFUSED] = ORACLE_END_REFUSED, [OUTCOME_PANIC] = ORACLE_END_PANIC,
		[OUTCOME_HANG] = ORACLE_END_HANG,	[OUTCOME_GAVE_UP] = ORACLE_END_OTHER,
		[OUTCOME_NOT_RUN] = ORACLE_END_OTHER,
	};

	return kinds[out.kind];
}

static struct outcome over(struct checker_rig *t, struct outcome out)
{
	cr_over(t, end_of(out), (s64)out.value);
	return out;
}

void cr_boot_as(struct checker_rig *t, const struct cr_setup *s)
{
	struct board_config *bc = board_config_machine("virt");
	struct el2_config *ec = el2_config_new(&el2_profiles[s->profile]);
	GError *error = NULL;
	struct outcome out;

	if (s->one_cpu)
		bc->n_cpus = 1;
	bc->f.tlbirange = s->tlbirange;
	bc->f.fwb = true;
	for (unsigned int i = 0; i < s->n_knobs; i++)
		ec->knob[s->knob[i].knob] = s->knob[i].value;
	t->o = g_new0(struct oracle, 1);
	t->o->m = t->m = machine_new(bc, ec, &pkvm_hypervisor, &error);
	g_assert_no_error(error);
	t->b = t->m->board;
	t->cpu[0] = &t->b->cpus[0];
	t->cpu[1] = &t->b->cpus[t->b->n_cpus - 1];
	init_checkers(t->o);
	cr_begin_as(t, ORACLE_BOOT);
	out = over(t, machine_boot(t->m));
	g_assert_cmpint(out.kind, ==, OUTCOME_VALUE);
	g_assert_cmpint((s64)out.value, ==, 0);
	cr_expect(t, NONE);
	board_config_free(bc);
	el2_config_free(ec);
}

void cr_boot(struct checker_rig *t, enum profile_id p)
{
	cr_boot_as(t, &(struct cr_setup){ .profile = p });
}

void cr_finish(struct checker_rig *t)
{
	for (unsigned int i = 0; i < N_CHECKERS; i++)
		if (checkers[i]->finish)
			checkers[i]->finish(t->o, t->o->state[i]);
}

void cr_end(struct checker_rig *t)
{
	cr_finish(t);
	cr_expect(t, NONE);
	machine_free(t->m);
	g_free(t->o);
}

struct outcome cr_call(struct checker_rig *t, unsigned int cpu, const char *name, unsigned int n,
		       ...)
{
	bool ambiguous;
	const struct el2_call *c = el2_call_find(t->m->hyp->calls(t->m->el2), name, &ambiguous);
	u64 args[EL2_MAX_ARGS];
	va_list ap;

	g_assert_nonnull(c);
	va_start(ap, n);
	for (unsigned int i = 0; i < n; i++)
		args[i] = va_arg(ap, u64);
	va_end(ap);
	cr_begin(t);
	t->o->action.call = c;
	t->o->action.cpu = cpu;
	t->o->action.n_args = n;
	memcpy(t->o->action.args, args, n * sizeof(args[0]));
	return over(t, c->hypercall ? machine_hvc_call(t->m, cpu, c, args, n)
				    : machine_el2_call(t->m, cpu, c, args, n));
}

struct outcome cr_access(struct checker_rig *t, unsigned int cpu, enum mmu_access acc, u64 pa)
{
	cr_begin_as(t, ORACLE_HOST_ACCESS);
	return over(t, machine_host_access(t->m, cpu, acc, pa, 8, 0x11, true));
}

struct outcome cr_hyp_write(struct checker_rig *t, u64 va, u64 val)
{
	cr_begin_as(t, ORACLE_HYP_ACCESS);
	return over(t, machine_hyp_access(t->m, 0, MMU_WRITE, va, 8, val));
}

/* ---- What was said ------------------------------------------------------------------------- */

void cr_expect(struct checker_rig *t, u32 rules)
{
	u32 broken = 0;

	for (unsigned int i = 0; i < t->o->n_said; i++) {
		broken |= 1u << t->o->said[i].rule;
		if (!(rules & (1u << t->o->said[i].rule)))
			g_error("rule %d: %s", t->o->said[i].rule, t->o->said[i].text);
	}
	g_assert_cmphex(broken, ==, rules);
	t->o->n_said = 0;
}

u64 cr_page_of(struct checker_rig *t, enum rule_id rule)
{
	u64 page;

	g_assert_cmpuint(t->o->n_said, ==, 1);
	g_assert_cmpint(t->o->said[0].rule, ==, rule);
	page = t->o->said[0].page;
	t->o->n_said = 0;
	return page;
}

struct spinlock *cr_lock(struct checker_rig *t, const char *name)
{
	struct spinlock *l = t->b->locks;

	while (strcmp(l->name, name))
		l = l->next;
	return l;
}

u64 cr_leaf(struct checker_rig *t, bool hyp, u64 ia, u64 *at)
{
	struct mmu_result res;

	g_assert_true(model_walk(t->b, oracle_view(t->o), hyp, ia, &res));
	*at = res.desc_pa.pa;
	return res.desc;
}

u64 cr_peek(struct checker_rig *t, u64 pa)
{
	u64 val;

	g_assert_true(board_peek64(t->b, PA(pa), &val));
	return val;
}

u64 cr_va(struct checker_rig *t, u64 pa)
{
	return pa + oracle_view(t->o)->layout->va_offset;
}
