// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stale-tlb: a translation that EL2 took away must be gone from every TLB that
 * may hold it when the lock of its table is released.
 *
 * When a VM is gone no TLB may know anything of its VMID.
 *
 * First by what hardware may do: every translation that was in a live table may
 * be in the TLB of every CPU that walks it. Then, after the action, by what the
 * TLBs of this board do hold.
 *
 * No breach: removed write permission at stage 2 and a cleared access flag, which
 * are the caller's to invalidate; changes in what software keeps.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define MAX_CHANGED 16

/* Input addresses whose translation was reduced in this action. */
struct changed {
	bool hyp;
	u32 guest; /* handle; 0: the host's */
	u16 vmid;
	u64 lo, hi;
	struct event ev;
};

struct tlb_state {
	struct changed changed[MAX_CHANGED];
	unsigned int n_changed;
	u32 ending;  /* handle of the VM that the action may end; 0 */
	u16 vmid;    /* its */
	bool forgot; /* all CPUs were told to forget it */
};

/* ---- What a store takes away ----------------------------------------------------------- */

/* One bit for each thing that is allowed. */
static u64 permissions(const struct arch_features *f, const struct check_desc *d, u64 desc)
{
	/* XN[1:0] at stage 2: both, EL0 only, neither, EL1 only */
	static const u8 exec[] = { 3, 2, 0, 1 };

	if (!d->hyp)
		return (desc & (PTE_S2_R | PTE_S2_W)) |
		       exec[FIELD_GET(PTE_S2_XN, desc) & (f->xnx ? 3 : 2)];
	/* AP[2]: read only */
	return (~desc & BIT(7)) | (~desc & (f->hvhe ? PTE_S1_PXN | PTE_S1_UXN : PTE_S1_UXN));
}

/* Does @new_desc allow less than @old, or something else? Both are live leaves. */
static bool leaf_reduced(struct oracle *o, const struct check_desc *d, u64 old, u64 new_desc)
{
	const struct arch_features *f = oracle_board(o)->f;
	u64 attr = d->hyp ? PTE_S1_ATTRIDX : PTE_S2_MEMATTR, was;

	if (pa_from_pte(f, old).pa != pa_from_pte(f, new_desc).pa || (old ^ new_desc) & attr)
		return true;
	was = permissions(f, d, old);
	if (!d->hyp)
		was &= ~PTE_S2_W; /* kvm_pgtable_stage2_wrprotect()'s callers invalidate */
	return was & ~permissions(f, d, new_desc);
}

static bool taken_away(struct oracle *o, const struct check_desc *d, u64 old, u64 new_desc)
{
	bool table = pte_table(old, d->level);

	if (!check_desc_live(o, d, new_desc) || table != pte_table(new_desc, d->level))
		return true;
	/* of a guest's leaf the host changes the rights, and invalidates when it wants */
	if (table || d->guest)
		return pa_from_pte(oracle_board(o)->f, old).pa !=
		       pa_from_pte(oracle_board(o)->f, new_desc).pa;
	return leaf_reduced(o, d, old, new_desc);
}

static void note_changed(struct tlb_state *s, const struct check_desc *d, const struct event *ev)
{
	struct changed *last = s->n_changed ? &s->changed[s->n_changed - 1] : NULL;

	if (last && last->hyp == d->hyp && last->guest == d->guest &&
	    (s->n_changed == MAX_CHANGED || (d->ia >= last->lo && d->ia <= last->hi))) {
		last->lo = MIN(last->lo, d->ia);
		last->hi = MAX(last->hi, d->ia + d->size);
		return;
	}
	if (s->n_changed == MAX_CHANGED)
		return;
	s->changed[s->n_changed++] = (struct changed){ .hyp = d->hyp,
						       .guest = d->guest,
						       .vmid = d->vmid,
						       .lo = d->ia,
						       .hi = d->ia + d->size,
						       .ev = *ev };
}

static void over_live(struct oracle *o, struct tlb_state *s, const struct event *ev,
		      const struct check_desc *d)
{
	if (!d->cpus || !check_desc_live(o, d, ev->old) || !taken_away(o, d, ev->old, ev->val))
		return;
	gone_add(o, d, ev->old, ev, GONE_STALE);
	note_changed(s, d, ev);
}

/* The same translation is back: whoever still knows it knows nothing wrong. */
static void over_invalid(struct oracle *o, struct gone_list *l, const struct event *ev)
{
	for (unsigned int i = l->n; i--;) {
		const struct gone *g = &l->g[i];

		if (!(g->wanted & GONE_STALE) || g->desc_pa != ev->addr ||
		    g->hi - g->lo != g->d.size)
			continue;
		if (check_desc_live(o, &g->d, ev->val) && !taken_away(o, &g->d, g->old, ev->val))
			gone_release(l, i, GONE_STALE);
		return;
	}
}

heard_often tlb_store(struct oracle *o, void *state, const struct event *ev, const struct place *at)
{
	if (pte_valid(ev->old))
		over_live(o, state, ev, &at->d);
	else if (check_gone(o)->n)
		over_invalid(o, check_gone(o), ev);
}

/* ---- When it is too late ----------------------------------------------------------------- */

/* Of what went together the first that nothing covered, if that is what is missing. */
static void outlived(struct oracle *o, const struct gone *g)
{
	struct check_desc d = g->d;

	if (!g->walks && g->lo < g->hi)
		d.ia = g->lo;
	oracle_breach(o, RULE_STALE_TLB, check_desc_page(o, &d, g->old), &g->ev,
		      "%s%s for 0x%" PRIx64 " at level %d was removed, and a TLB may still hold it",
		      check_desc_whose(&d), g->walks ? " table" : " translation", d.ia, d.level);
}

/*
 * Who waits for what @cpu took from tables that the lock of this name protects waits in
 * vain; NULL: for anything at all. Neighbours that went together are told of once.
 */
static __attribute__((noinline)) void give_up(struct oracle *o, struct gone_list *l,
					      unsigned int cpu, const char *lock, bool tell)
{
	u64 told = 0; /* end of what was told last */

	for (unsigned int i = 0; i < l->n;) {
		const struct gone *g = &l->g[i];
		const unsigned int n = l->n;

		if (!(g->wanted & GONE_STALE) ||
		    (lock && (g->by != cpu || !check_desc_lock(o, &g->d, lock)))) {
			i++;
			continue;
		}
		if (tell && !(g->joined && g->d.ia == told))
			outlived(o, g);
		told = MAX(g->hi, g->d.ia + g->d.size);
		gone_release(l, i, GONE_STALE);
		i += l->n == n;
	}
}

asked_often tlb_heeds(struct oracle *o, void *state, unsigned int kind, const struct raw_event *r)
{
	return check_gone(o)->n;
}

heard_often tlb_event(struct oracle *o, void *state, const struct event *ev)
{
	struct tlb_state *s = state;

	if (ev->kind == EV_UNLOCK && ev->what && check_gone(o)->n)
		give_up(o, check_gone(o), ev->cpu, ev->what, true);
	else if (ev->kind == EV_TLBI && unlikely(s->ending))
		s->forgot |= ev->sub == TLBI_ALLE1IS ||
			     (ev->sub == TLBI_VMALLS12E1IS && ev->old == s->vmid);
}

/* ---- What the board's TLBs hold ------------------------------------------------------------ */

static const struct mmu_table *table_of(struct oracle *o, const struct changed *c)
{
	const struct el2_view *v = oracle_view(o);
	const struct el2_guest_view *g = c->guest ? model_guest(v, c->guest) : NULL;

	if (c->guest)
		return g ? &g->s2 : NULL;
	return c->hyp ? &v->hyp_s1 : &v->host_s2;
}

/* Does @e say more about @ia than the tables do? */
static bool contradicts(struct oracle *o, const struct tlb_entry *e, const struct changed *c,
			u64 ia)
{
	const struct mmu_table *t = table_of(o, c);
	struct mmu_result res;

	if (!t || !model_walk_table(oracle_board(o), t, ia, &res))
		return true;
	/* a guest's rights, and whether it was there, are the host's to invalidate */
	if (c->guest && pte_valid(res.desc))
		return pa_from_pte(oracle_board(o)->f, res.desc).pa + (ia - res.ia_base) !=
		       e->oa.pa + (ia - e->ia);
	if (res.fault != MMU_OK && res.fault != MMU_FAULT_PERMISSION)
		return true;
	if (res.oa.pa != e->oa.pa + (ia - e->ia) || res.size != e->size)
		return true;
	return (e->r && !res.r) || (e->w && !res.w && e->regime == TLB_EL2) || (e->x && !res.x);
}

static void check_entry(struct oracle *o, const struct cpu *cpu, const struct tlb_entry *e,
			const struct changed *c)
{
	u64 ia = MAX(e->ia, c->lo);

	if (!e->valid || (e->regime == TLB_EL2) != c->hyp || e->ia >= c->hi ||
	    e->ia + e->size <= c->lo)
		return;
	if (!c->hyp && ((!c->guest && !cpu->host_s2_on) || e->vmid != c->vmid))
		return;
	if (!contradicts(o, e, c, ia))
		return;
	oracle_breach(o, RULE_STALE_TLB, c->hyp || c->guest ? e->oa.pa + (ia - e->ia) : ia, &c->ev,
		      "the TLB of CPU %u still has %s translation of 0x%" PRIx64 " to 0x%" PRIx64,
		      cpu->id,
		      check_desc_whose(&(struct check_desc){ .hyp = c->hyp, .guest = c->guest }),
		      ia, e->oa.pa + (ia - e->ia));
}

static void check_tlbs(struct oracle *o, const struct tlb_state *s)
{
	struct board *b = oracle_board(o);

	for (unsigned int n = 0; n < b->n_cpus; n++) {
		const struct cpu *cpu = &b->cpus[n];

		for (u32 i = 0; i < cpu->tlb.used; i++)
			for (unsigned int k = 0; k < s->n_changed; k++)
				check_entry(o, cpu, &cpu->tlb.e[i], &s->changed[k]);
	}
}

/* The VM of a call that takes one apart: its VMID is the next one's with the handle. */
static const struct el2_guest_view *ending(struct oracle *o, const struct oracle_action *a)
{
	if (a->kind != ORACLE_CALL || !a->call || !a->n_args ||
	    (a->call->name[0] != 'f' && a->call->name[0] != 't') ||
	    (strcmp(a->call->name, "finalize_teardown_vm") && strcmp(a->call->name, "teardown_vm")))
		return NULL;
	return model_guest(oracle_view(o), (u32)a->args[0]);
}

/* It is gone: whatever the next VM's vCPUs touch, no TLB may answer for this one. */
static void check_ended(struct oracle *o, const struct tlb_state *s)
{
	struct board *b = oracle_board(o);

	if (!s->ending || model_guest(oracle_view(o), s->ending))
		return;
	if (!s->forgot)
		oracle_breach(o, RULE_STALE_TLB, NO_PAGE, NULL,
			      "VM 0x%x is gone, and nobody told the TLBs to forget its VMID %u",
			      s->ending, s->vmid);
	for (unsigned int n = 0; n < b->n_cpus; n++) {
		const struct tlb *tlb = &b->cpus[n].tlb;

		for (u32 i = 0; i < tlb->used; i++)
			if (tlb->e[i].valid && tlb->e[i].regime == TLB_S2 &&
			    tlb->e[i].vmid == s->vmid)
				oracle_breach(o, RULE_STALE_TLB, tlb->e[i].oa.pa, NULL,
					      "the VM is gone, and the TLB of CPU %u still has its "
					      "translation of 0x%" PRIx64 " to 0x%" PRIx64,
					      n, tlb->e[i].ia, tlb->e[i].oa.pa);
	}
}

static void tlb_begin(struct oracle *o, void *state, const struct oracle_action *a)
{
	const struct el2_guest_view *g = oracle_view(o)->n_guests ? ending(o, a) : NULL;
	struct tlb_state *s = state;

	s->ending = g ? g->handle : 0;
	s->vmid = g ? g->s2.vmid : 0;
	s->forgot = false;
}

static __attribute__((noinline)) void check_all(struct oracle *o, struct tlb_state *s, bool died)
{
	if (check_gone(o)->n)
		give_up(o, check_gone(o), 0, NULL, !died);
	if (!died) {
		if (s->n_changed)
			check_tlbs(o, s);
		check_ended(o, s);
	}
	s->n_changed = 0;
}

static void tlb_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	struct tlb_state *s = state;

	if (check_gone(o)->n || s->n_changed || s->ending)
		check_all(o, s, check_died(o, end));
}

const struct checker tlb_checker = {
	.name = "tlb",
	.state_size = sizeof(struct tlb_state),
	.kinds = BIT(EV_TLBI) | BIT(EV_UNLOCK),
	.heeds = tlb_heeds,
	.event = tlb_event,
	.stores = VALID_ENTRIES,
	.store = tlb_store,
	.begin = tlb_begin,
	.end = tlb_end,
};
