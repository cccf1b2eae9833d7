// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two EL2s on two boards that are alike, given the same actions: results, events in their
 * order and memory must be the same after each. What one has that nobody else can see,
 * where it keeps its own variables, is left out of the comparison.
 */
#include <string.h>

#include "explore_private.h"

#define WORDS "0x%" G_GINT64_MODIFIER "x"

/* ---- What each of them did ------------------------------------------------------------------ */

#define MAX_MADE 16 /* by one action */

struct side {
	struct x_judged j;
	const struct el2_call *const *calls;
	struct x_state start;
	GArray *events;			   /* struct event: of the kinds that are compared */
	GArray *touched;		   /* u64: addresses whose 8 bytes may have changed */
	bool in_pool;			   /* a pool's lock is held */
	struct el2_section made[MAX_MADE]; /* what became a VM's or vCPU's, if only for a while */
	unsigned int n_made;
};

#define COMPARED                                                                                   \
	(BIT(EV_LOCK) | BIT(EV_UNLOCK) | BIT(EV_STORE) | BIT(EV_TLBI) | BIT(EV_DSB) |              \
	 BIT(EV_ISB) | BIT(EV_ALLOC) | BIT(EV_FREE) | BIT(EV_GET) | BIT(EV_PUT) | BIT(EV_CMO) |    \
	 BIT(EV_ABORT))
#define NOTED (COMPARED | BIT(EV_ZERO))

static bool within(struct el2_section s, u64 pa)
{
	return pa - s.base < s.size;
}

static u64 peek(const struct side *s, u64 pa)
{
	u64 val = 0;

	board_peek64(s->j.m->board, PA(pa), &val);
	return val;
}

/*
 * Memory of VMs: what the host gave for EL2's own structures, but not the list of pages that
 * the host reads and EL2 counts by; and of the host's struct kvm_vcpu what is not such a list,
 * where EL2 tells what the guest's registers hold.
 */
enum vm_memory { VM_NONE, VM_OWN, VM_TOLD };

static enum vm_memory of_vcpu(const struct side *s, const struct el2_view *v, u64 area, u64 pa)
{
	const struct el2_vm_layout *l = v->vm_layout;
	const u64 host = peek(s, area + l->hyp_vcpu_host) - v->layout->va_offset;

	if (pa - area < l->hyp_vcpu_size)
		return pa - area - l->hyp_vcpu_memcache < l->mc_size ? VM_NONE : VM_OWN;
	if (pa - host < l->vcpu_size && pa - host - l->vcpu_memcache >= l->mc_size)
		return VM_TOLD;
	return VM_NONE;
}

static enum vm_memory of_vms(const struct side *s, const struct el2_view *v, u64 pa)
{
	const struct el2_vm_layout *l = v->vm_layout;

	for (unsigned int i = 0; i < v->n_guests; i++) {
		const struct el2_guest_view *g = v->guests[i];
		const u64 area = g->area.va - v->layout->va_offset;

		if (pa - area < l->hyp_vm_size + UINT64_C(8) * g->created_vcpus)
			return VM_OWN;
		for (u32 k = 0; k < g->created_vcpus; k++) {
			const u64 vcpu = peek(s, area + l->hyp_vm_size + UINT64_C(8) * k);
			enum vm_memory m =
				vcpu ? of_vcpu(s, v, vcpu - v->layout->va_offset, pa) : VM_NONE;

			if (m != VM_NONE)
				return m;
		}
	}
	return VM_NONE;
}

/*
 * EL2's image, but not its text, and what it has of VMs: variables of its own, which each lays
 * out as it likes.
 */
static bool is_private(const struct side *s, u64 pa)
{
	const struct el2_view *v = s->j.m->hyp->view(s->j.m->el2);

	if (within(v->bss, pa) || within(v->data, pa) || within(v->rodata, pa))
		return true;
	for (unsigned int i = 0; i < s->j.m->board->n_cpus; i++)
		if (within(v->cpu_pages[i].percpu, pa) || within(v->cpu_pages[i].stack, pa))
			return true;
	for (unsigned int i = 0; i < s->n_made; i++)
		if (within(s->made[i], pa))
			return true;
	return of_vms(s, v, pa) == VM_OWN;
}

/* What the host gives for a VM or a vCPU is cleared first: nothing else is of that size. */
static void note_made(struct side *s, const struct event *ev)
{
	const struct el2_vm_layout *l = s->j.m->config->vm_layout;
	const u64 page = BIT(s->j.m->board->f->page_shift), size = ev->val;
	const bool vm = size >= l->hyp_vm_size && IS_ALIGNED(size - l->hyp_vm_size, 8);

	if ((vm || size == l->hyp_vcpu_size) && !IS_ALIGNED(size, page) && s->n_made < MAX_MADE)
		s->made[s->n_made++] = (struct el2_section){ ev->addr, size };
}

static void touch(struct side *s, u64 pa)
{
	pa &= ~UINT64_C(7);
	g_array_append_val(s->touched, pa);
}

static void on_event(void *data, const struct event *ev)
{
	struct side *s = data;

	if (ev->kind == EV_ZERO) {
		note_made(s, ev);
		for (u64 done = 0; done < ev->val && done < 65536; done += 8)
			touch(s, ev->addr + done);
		return;
	}
	if (ev->kind == EV_LOCK || ev->kind == EV_UNLOCK)
		if (g_str_has_suffix(ev->what, "_pool"))
			s->in_pool = ev->kind == EV_LOCK;
	if (ev->kind == EV_STORE) {
		if (is_private(s, ev->addr))
			return;
		touch(s, ev->addr);
		/* the order of plain stores and of a list's links is nobody's business */
		if (ev->order == MO_PLAIN || s->in_pool)
			return;
	}
	g_array_append_vals(s->events, ev, 1);
}

static void side_init(struct side *s, struct machine *m)
{
	*s = (struct side){ .j.m = m };
	s->calls = m->hyp->calls(m->el2);
	s->events = g_array_new(FALSE, FALSE, sizeof(struct event));
	s->touched = g_array_new(FALSE, FALSE, sizeof(u64));
	board_subscribe_kinds(m->board, NOTED, on_event, s);
	x_save(m, &s->start);
}

static void side_clear(struct side *s)
{
	x_drop(s->j.m, &s->start);
	board_unsubscribe(s->j.m->board, on_event, s);
	g_array_unref(s->events);
	g_array_unref(s->touched);
}

/* ---- Comparing -------------------------------------------------------------------------------- */

struct pair {
	struct side side[2];
	struct x_conform *c;
	bool at_end; /* only a look at all memory found it */
};

static bool G_GNUC_PRINTF(3, 4)
	differ(struct x_conform *c, const char *what, const char *format, ...)
{
	va_list ap;

	g_strlcpy(c->what, what, sizeof(c->what));
	va_start(ap, format);
	g_vsnprintf(c->ours, sizeof(c->ours), format, ap);
	va_end(ap);
	return false;
}

static void outcome_words(char *buf, size_t n, const struct side *s, const struct outcome *o)
{
	if (o->kind == OUTCOME_VALUE)
		g_snprintf(buf, (gulong)n, o->is_signed ? "%" G_GINT64_FORMAT : WORDS, o->value);
	else if (o->kind == OUTCOME_PANIC)
		g_snprintf(buf, (gulong)n, "panic: %s in %s: %s",
			   s->j.m->hyp->panic(s->j.m->el2)->reason,
			   s->j.m->hyp->panic(s->j.m->el2)->fn,
			   s->j.m->hyp->panic(s->j.m->el2)->what);
	else
		g_strlcpy(buf, outcome_name[o->kind], n);
}

/* A link to a list's head: EL2's address of one of its own variables. */
static bool is_head(const struct side *s, u64 val)
{
	const struct el2_view *v = s->j.m->hyp->view(s->j.m->el2);

	return is_private(s, val - v->layout->va_offset);
}

/* What the self-test has for itself lies with a tree's process, whose program begins there. */
static bool of_process(u64 val)
{
	return val - 0x400000 < 0x1000000;
}

/* Is it EL2's own variable at @pa, or a link to one? */
static bool is_own(const struct side *s, u64 pa)
{
	return is_private(s, pa) || is_head(s, peek(s, pa & ~UINT64_C(7)));
}

/* Does it look at what each of the two has as it likes? */
static bool reads_own(const struct side *s, const struct x_action *a)
{
	const struct el2_view *v = s->j.m->hyp->view(s->j.m->el2);
	const u64 pa = a->kind == X_HYP ? a->addr - v->layout->va_offset : a->addr;

	return a->kind != X_CALL && (is_own(s, pa) || is_own(s, pa + a->size - 1));
}

/*
 * Calls that read a structure wherever the host says that it is, and of which nobody checks
 * first that it is the host's: what stands in EL2's own memory is not the same for both.
 */
static bool follows_own(const struct side *s, const struct x_action *a)
{
	static const struct {
		const char *call;
		unsigned int arg;
	} calls[] = { { "kvm_vcpu_run", 0 }, { "refill_memcache", 2 } };

	for (unsigned int i = 0; a->kind == X_CALL && i < G_N_ELEMENTS(calls); i++) {
		const u64 pa = a->arg[calls[i].arg] & GENMASK(43, 0);

		if (!strcmp(a->call->name, calls[i].call) &&
		    (is_own(s, pa) || is_own(s, pa + s->j.m->config->vm_layout->vcpu_size - 1)))
			return true;
	}
	return false;
}

static bool same_outcome(struct pair *p, const struct x_action *a, const struct outcome o[2])
{
	struct x_conform *c = p->c;
	const bool own = reads_own(&p->side[0], a) && reads_own(&p->side[1], a);

	if (o[0].kind == o[1].kind &&
	    (o[0].kind != OUTCOME_VALUE || o[0].value == o[1].value || own) &&
	    (o[0].kind != OUTCOME_PANIC ||
	     !strcmp(p->side[0].j.m->hyp->panic(p->side[0].j.m->el2)->reason,
		     p->side[1].j.m->hyp->panic(p->side[1].j.m->el2)->reason)))
		return true;
	g_strlcpy(c->what, "the result", sizeof(c->what));
	outcome_words(c->ours, sizeof(c->ours), &p->side[0], &o[0]);
	outcome_words(c->theirs, sizeof(c->theirs), &p->side[1], &o[1]);
	return false;
}

static bool same_event(const struct event *a, const struct event *b)
{
	const bool lock = a->kind == EV_LOCK; /* its rank is each board's own */

	return a->kind == b->kind && a->sub == b->sub && a->cpu == b->cpu &&
	       (a->arg == b->arg || lock) && a->addr == b->addr && a->val == b->val &&
	       !g_strcmp0(a->what, b->what) &&
	       (a->kind != EV_STORE || (a->old == b->old && a->order == b->order));
}

static void event_words(char *buf, size_t n, const struct event *e)
{
	if (!e)
		g_strlcpy(buf, "no more events", n);
	else
		g_snprintf(buf, (gulong)n, "%s %s " WORDS " " WORDS " (%u %u %u) in %s",
			   event_kind_name[e->kind],
			   e->kind == EV_TLBI ? tlbi_op_name[e->sub]
			   : e->what	      ? e->what
					      : "",
			   e->addr, e->val, e->sub, e->arg, e->cpu, e->fn ? e->fn : "?");
}

static const struct event *event_at(const struct side *s, guint i)
{
	return i < s->events->len ? &g_array_index(s->events, struct event, i) : NULL;
}

static bool same_events(struct pair *p)
{
	const struct side *a = &p->side[0], *b = &p->side[1];

	for (guint i = 0; i < MAX(a->events->len, b->events->len); i++) {
		const struct event *x = event_at(a, i), *y = event_at(b, i);

		if (x && y && same_event(x, y))
			continue;
		g_snprintf(p->c->what, sizeof(p->c->what), "event %u", i);
		event_words(p->c->ours, sizeof(p->c->ours), x);
		event_words(p->c->theirs, sizeof(p->c->theirs), y);
		return false;
	}
	return true;
}

/* What the tree tells of a guest's registers, of which ours has none, stands with ours too. */
static bool told_to_both(struct pair *p, u64 pa, u64 theirs)
{
	const struct side *s = &p->side[1];

	if (of_vms(s, s->j.m->hyp->view(s->j.m->el2), pa) != VM_TOLD)
		return false;
	return bus_write(&p->side[0].j.m->board->cpus[0], PA(pa), 8, theirs) == BUS_OK;
}

static bool same_word(struct pair *p, u64 pa)
{
	const u64 a = peek(&p->side[0], pa), b = peek(&p->side[1], pa);

	if (a == b || told_to_both(p, pa, b) ||
	    (is_head(&p->side[0], a) && (is_head(&p->side[1], b) || of_process(b))) ||
	    is_private(&p->side[1], pa))
		return true;
	g_snprintf(p->c->theirs, sizeof(p->c->theirs), WORDS, b);
	g_snprintf(p->c->what, sizeof(p->c->what), "memory at " WORDS, pa);
	return differ(p->c, p->c->what, WORDS, a);
}

static bool same_touched(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++)
		for (guint k = 0; k < p->side[i].touched->len; k++)
			if (!same_word(p, g_array_index(p->side[i].touched, u64, k)))
				return false;
	return true;
}

/* All that EL2 has: tables, books, pools. */
static bool same_memory(struct pair *p)
{
	const struct el2_view *v = p->side[0].j.m->hyp->view(p->side[0].j.m->el2);

	for (u64 pa = v->hyp_mem.base; pa - v->hyp_mem.base < v->hyp_mem.size; pa += 8)
		if (!same_word(p, pa))
			return false;
	return true;
}

/* ---- One action on both --------------------------------------------------------------------------- */

static void forget(struct side *s)
{
	g_array_set_size(s->events, 0);
	g_array_set_size(s->touched, 0);
	s->in_pool = false;
	s->n_made = 0;
}

static bool translate(const struct side *s, const struct x_action *a, struct x_action *out)
{
	bool ambiguous;

	*out = *a;
	if (a->kind != X_CALL)
		return true;
	out->call = el2_call_find(s->calls, a->call->name, &ambiguous);
	return out->call && a->n_args <= out->call->n_args;
}

/* Carry out; true: no difference, or an action that one of them does not know. */
static bool act(struct pair *p, const struct x_action *a, struct outcome o[2])
{
	struct x_action theirs;

	o[0] = o[1] = (struct outcome){ .kind = OUTCOME_NOT_RUN };
	if (!translate(&p->side[1], a, &theirs) || follows_own(&p->side[0], a) ||
	    follows_own(&p->side[1], a))
		return true;
	forget(&p->side[0]);
	forget(&p->side[1]);
	o[0] = x_act(p->side[0].j.m, a);
	o[1] = x_act(p->side[1].j.m, &theirs);
	return same_outcome(p, a, o) && (o[0].kind == OUTCOME_PANIC || same_events(p)) &&
	       same_touched(p);
}

static void back(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++)
		x_back(p->side[i].j.m, &p->side[i].start);
}

/* ---- Shorter ------------------------------------------------------------------------------------------ */

/* Do the steps that are kept still end in a difference? *@len: up to where. */
static bool still_differs(struct pair *p, GArray *path, const bool *keep, guint *len)
{
	struct outcome o[2];

	back(p);
	for (guint i = 0; i < path->len; i++) {
		struct x_step *s = &g_array_index(path, struct x_step, i);

		if (!keep[i])
			continue;
		if (!act(p, &s->a, o)) {
			*len = i + 1;
			return true;
		}
		if (o[0].kind == OUTCOME_PANIC)
			return false;
	}
	*len = path->len;
	return p->at_end && !same_memory(p);
}

/* Pieces are left out, halves first, as long as the two still differ (ddmin). */
static void shorten(struct pair *p, GArray *path)
{
	for (guint piece = MAX(path->len / 2, 1u); path->len > 1;) {
		bool fewer = false;

		for (guint at = 0; at < path->len; at += piece) {
			g_autofree bool *keep = g_new(bool, path->len);
			guint len;

			for (guint i = 0; i < path->len; i++)
				keep[i] = i < at || i >= at + piece;
			if (!still_differs(p, path, keep, &len))
				continue;
			g_array_set_size(path, len);
			for (guint i = MIN(at + piece, len); i-- > at;)
				g_array_remove_index(path, i);
			fewer = true;
			break;
		}
		if (!fewer && piece == 1)
			break;
		if (!fewer)
			piece = MAX(piece / 2, 1u);
		piece = MIN(piece, MAX(path->len / 2, 1u));
	}
	/* what is told is what the shortest way shows */
	for (guint i = 0, n = path->len; i < 1 && n; i++) {
		g_autofree bool *keep = g_new(bool, n);
		guint len;

		memset(keep, 1, n * sizeof(bool));
		still_differs(p, path, keep, &len);
	}
}

/* ---- All --------------------------------------------------------------------------------------------------- */

/* Until the episode ends. False: they differ. */
static bool episode(struct pair *p, struct generator *g)
{
	struct x_conform *c = p->c;

	g_array_set_size(c->path, 0);
	while (c->path->len < c->episode && c->done < c->actions) {
		struct x_step s = { 0 };
		struct outcome o[2];
		bool same;

		generate(g, &s.a);
		same = act(p, &s.a, o);
		s.o = o[1];
		if (o[0].kind == OUTCOME_NOT_RUN && same)
			continue;
		c->done++;
		generator_learn(g, &s.a, &o[0]);
		g_array_append_val(c->path, s);
		if (!same)
			return false;
		if (o[0].kind == OUTCOME_PANIC)
			return true;
	}
	p->at_end = !same_memory(p);
	return !p->at_end;
}

void x_conform_run(struct x_conform *c, struct machine *ours, struct machine *theirs)
{
	struct x_random r = { .actions = c->actions, .episode = c->episode };
	struct pair p = { .c = c };
	struct generator g;

	c->path = g_array_new(FALSE, FALSE, sizeof(struct x_step));
	side_init(&p.side[0], ours);
	side_init(&p.side[1], theirs);
	if (!same_memory(&p))
		c->differs = c->at_boot = true;
	generator_init(&g, &p.side[0].j, &r);
	for (c->episodes = c->first; !c->differs && c->done < c->actions; c->episodes++) {
		back(&p);
		board_choose_seed(ours->board, c->seed + c->episodes);
		board_choose_first(theirs->board);
		/* every other episode has VMs, and leaves their driver its memory */
		r.vms = c->episodes & 1;
		generator_restart(&g);
		c->differs = !episode(&p, &g);
		board_choices_clear(ours->board);
		if (c->progress)
			c->progress(c->data, c);
	}
	c->path_was = c->path->len;
	if (c->differs && !c->at_boot)
		shorten(&p, c->path);
	generator_clear(&g);
	side_clear(&p.side[1]);
	side_clear(&p.side[0]);
}

void x_conform_clear(struct x_conform *c)
{
	g_array_unref(c->path);
}
