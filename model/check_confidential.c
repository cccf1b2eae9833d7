// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * confidential: what EL2 wrote into a page of its own stays EL2's until somebody
 * clears it or the reader writes over it; what a protected guest wrote into a page of
 * its own stays the guest's until then, or until it shares the page. Another party's
 * read of such a word is a breach, and so is giving it the page.
 *
 * EL2's own memory and image are EL2's without being told: only what others wrote
 * there is noted. Elsewhere what EL2 wrote is noted, unless the page was shared
 * with the host then. What a page held before the host gave it away stays the
 * host's. Registers of devices are no memory. Before the host runs behind its
 * stage 2 there are no secrets from it. The first word of a page that goes back to the
 * host is the link of a list that it is told to follow.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define STORE_FRAME 4096u /* of the board's storage */
#define LINE 512u	  /* bytes: 64 words, one bit each */
#define MAX_LINES 256

struct line {
	u64 pa;	    /* of its first byte */
	u32 vm;	    /* the guest that wrote; 0: EL2 */
	u64 secret; /* words that it wrote */
	u64 open;   /* words that others wrote, in EL2's memory */
};

struct confidential_state {
	struct line line[MAX_LINES]; /* those before @n are in use */
	unsigned int n, next;	     /* of those in use, which is replaced next */
	bool opened;		     /* others wrote into EL2's memory */
};

enum who { HOST, HYP, DMA, GUEST };

static bool within(u64 pa, u64 base, u64 size)
{
	return pa - base < size;
}

/* EL2's memory as it was set aside at boot. */
static __attribute__((noinline)) bool is_in_image(const struct el2_view *v, u64 pa)
{
	return within(pa, v->data.base, v->data.size) ||
	       within(pa, v->rodata.base, v->rodata.size) || within(pa, v->text.base, v->text.size);
}

static inline bool is_home(const struct el2_view *v, u64 pa)
{
	return within(pa, v->hyp_mem.base, v->hyp_mem.size) ||
	       within(pa, v->bss.base, v->bss.size) || is_in_image(v, pa);
}

static struct line *line_find(struct confidential_state *s, u64 pa, u32 vm)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->line[i].pa == ALIGN_DOWN(pa, LINE) && s->line[i].vm == vm)
			return &s->line[i];
	return NULL;
}

/* More lines than there is room for: the oldest is forgotten. */
static struct line *line_get(struct confidential_state *s, u64 pa, u32 vm)
{
	struct line *l = line_find(s, pa, vm);

	if (l)
		return l;
	if (s->n < MAX_LINES) {
		l = &s->line[s->n++];
	} else {
		l = &s->line[s->next];
		s->next = (s->next + 1) % MAX_LINES;
	}
	*l = (struct line){ .pa = ALIGN_DOWN(pa, LINE), .vm = vm };
	return l;
}

/* Bits of the words of @l's line that [pa, pa + bytes) touches. */
static u64 words(const struct line *l, u64 pa, u64 bytes)
{
	u64 from = MAX(pa, l->pa), to = MIN(pa + bytes, l->pa + LINE);

	if (from >= to)
		return 0;
	return GENMASK((to - 1 - l->pa) / 8, (from - l->pa) / 8);
}

/* Nothing of [pa, pa + bytes) is noted any more. */
static void secret_forget(struct confidential_state *s, u64 pa, u64 bytes)
{
	for (unsigned int i = 0; i < s->n; i++) {
		u64 gone = words(&s->line[i], pa, bytes);

		s->line[i].secret &= ~gone;
		s->line[i].open &= ~gone;
		if (gone && !s->line[i].secret && !s->line[i].open) {
			s->line[i--] = s->line[--s->n];
			s->next = 0;
		}
	}
}

/* ---- Writes -------------------------------------------------------------------------- */

static bool hyps_own_memory(struct oracle *o, u64 pa)
{
	enum page_state host, hyp;

	if (!board_ram_at(oracle_board(o), PA(pa)))
		return false;
	check_states(o, pa, &host, &hyp);
	return host == PKVM_NOPAGE && hyp == PKVM_PAGE_OWNED;
}

static void note(struct confidential_state *s, u64 pa, u64 bytes, u32 vm)
{
	for (u64 at = ALIGN_DOWN(pa, LINE); at < pa + bytes; at += LINE) {
		struct line *l = line_get(s, at, vm);

		l->secret |= words(l, pa, bytes);
	}
}

static void hyp_wrote(struct oracle *o, struct confidential_state *s, u64 pa, u64 bytes)
{
	secret_forget(s, pa, bytes);
	if (is_home(oracle_view(o), pa) || !hyps_own_memory(o, pa))
		return;
	note(s, pa, bytes, 0);
}

/* Its own, if neither the host nor EL2 has a part in it. */
static void guest_wrote(struct oracle *o, struct confidential_state *s, u64 pa, u64 bytes,
			unsigned int cpu)
{
	const struct el2_guest_view *g = model_guest(oracle_view(o), oracle_guest_on(o, cpu));
	enum page_state host, hyp;

	secret_forget(s, pa, bytes);
	if (!g || !g->is_protected || !board_ram_at(oracle_board(o), PA(pa)))
		return;
	check_states(o, pa, &host, &hyp);
	if (host == PKVM_NOPAGE && hyp != PKVM_PAGE_OWNED)
		note(s, pa, bytes, g->handle);
}

/* A transfer may be long: of EL2's memory only so much as can be noted. */
static void other_wrote(struct oracle *o, struct confidential_state *s, u64 pa, u64 bytes)
{
	u64 lines = 0;

	secret_forget(s, pa, bytes);
	for (u64 at = ALIGN_DOWN(pa, LINE); at < pa + bytes && lines < MAX_LINES; at += LINE) {
		struct line *l;

		if (!is_home(oracle_view(o), at))
			continue;
		l = line_get(s, at, 0);
		l->open |= words(l, pa, bytes);
		s->opened = true;
		lines++;
	}
}

/* ---- Reads ----------------------------------------------------------------------------- */

static bool home_word_secret(struct oracle *o, struct confidential_state *s, u64 pa)
{
	const struct el2_view *v = oracle_view(o);
	const struct line *l = line_find(s, pa, 0);
	u64 val;

	if (l && l->open & words(l, pa, 8))
		return false;
	if (oracle_config(o)->profile->text_readable && within(pa, v->text.base, v->text.size))
		return false;
	return board_peek64(oracle_board(o), PA(pa), &val) && val;
}

static bool untouched(struct oracle *o, u64 pa)
{
	const struct extent *e = extent_find(oracle_board(o), pa);

	return !e || !(e->frame[(pa - e->base) / STORE_FRAME] & FRAME_TOUCHED);
}

/* The first word of EL2's memory in the range that is secret. */
static bool home_secret(struct oracle *o, struct confidential_state *s, u64 pa, u64 bytes, u64 *at)
{
	u64 end = pa + bytes;

	for (pa = ALIGN_DOWN(pa, 8); pa < end; pa += 8) {
		bool skip = !is_home(oracle_view(o), pa) || untouched(o, pa);

		if (!skip && !home_word_secret(o, s, pa))
			continue;
		*at = pa;
		/* that somebody else got at it makes it no less EL2's */
		if (!skip && hyps_own_memory(o, pa))
			return true;
		pa = ALIGN_DOWN(pa, STORE_FRAME) + STORE_FRAME - 8;
	}
	return false;
}

/* Not what @vm wrote itself. */
static const struct line *noted_secret(struct confidential_state *s, u32 vm, u64 pa, u64 bytes,
				       u64 *at)
{
	for (unsigned int i = 0; i < s->n; i++) {
		u64 seen = s->line[i].secret & words(&s->line[i], pa, bytes);

		if (!seen || (vm && s->line[i].vm == vm))
			continue;
		*at = s->line[i].pa + 8 * (u64)__builtin_ctzll(seen);
		return &s->line[i];
	}
	return NULL;
}

/* Is anybody behind a stage 2 who must not see? A device works for any of them. */
static bool confined(struct oracle *o, enum who who, unsigned int cpu)
{
	if (who == GUEST)
		return true;
	return who == HOST ? oracle_s2_on(o) >> cpu & 1 : oracle_s2_on(o);
}

static void check_read(struct oracle *o, struct confidential_state *s, enum who who, u64 pa,
		       u64 bytes, const struct event *ev)
{
	static const char *const reader[] = {
		[HOST] = "the host", [DMA] = "a bus master", [GUEST] = "a guest"
	};
	const u32 vm = who == GUEST ? oracle_guest_on(o, ev->cpu) : 0;
	const struct line *l;
	u64 at;

	if (!confined(o, who, ev->cpu))
		return;
	l = noted_secret(s, vm, pa, bytes, &at);
	if (l || home_secret(o, s, pa, bytes, &at))
		oracle_breach(o, RULE_CONFIDENTIAL, ALIGN_DOWN(at, check_page_size(o)), ev,
			      "%s read 0x%" PRIx64 ", which %s wrote and nobody cleared",
			      reader[who], at, l && l->vm ? "a protected guest" : "EL2");
}

/* ---- Pages that the host got ------------------------------------------------------------- */

static bool host_has(struct oracle *o, u64 pa)
{
	enum page_state host, hyp;

	check_states(o, pa, &host, &hyp);
	return host != PKVM_NOPAGE;
}

/* What the guest wrote and then shared is no secret any more. */
static bool guest_shared(struct oracle *o)
{
	const struct oracle_action *a = oracle_action(o);

	return a->kind == ORACLE_GUEST_CALL ||
	       (a->kind == ORACLE_CALL && a->call && !strcmp(a->call->name, "guest_share_host"));
}

/* Words of @l that say something, but for the link of a page that goes back. */
static u64 telling(struct oracle *o, const struct line *l)
{
	u64 left = l->secret, out = 0, val;

	if (!l->vm && !(l->pa & (check_page_size(o) - 1)))
		left &= ~UINT64_C(1);
	for (; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (board_peek64(oracle_board(o), PA(l->pa + 8 * i), &val) && val)
			out |= BIT(i);
	}
	return out;
}

/* The host has the page of @l now: what stands there is no secret from here on. */
static void handed_over(struct oracle *o, const struct line *l)
{
	const u64 seen = guest_shared(o) ? 0 : telling(o, l);

	if (seen)
		oracle_breach(o, RULE_CONFIDENTIAL, ALIGN_DOWN(l->pa, check_page_size(o)), NULL,
			      "the host got the page with what %s wrote at 0x%" PRIx64
			      ", which nobody cleared",
			      l->vm ? "a protected guest" : "EL2",
			      l->pa + 8 * (u64)__builtin_ctzll(seen));
}

static __attribute__((noinline)) void check_handed_over(struct oracle *o,
							struct confidential_state *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct line l = s->line[i];

		if (!l.secret || !oracle_touched(o, l.pa) || !host_has(o, l.pa))
			continue;
		handed_over(o, &l);
		s->line[i].secret = 0;
	}
}

static void confidential_end(struct oracle *o, void *state, enum oracle_end_kind end, s64 value)
{
	struct confidential_state *s = state;

	if (s->n && !check_died(o, end) && confined(o, DMA, 0))
		check_handed_over(o, s);
}

/* ---- Events ------------------------------------------------------------------------------ */

static enum who who_of(const char *what)
{
	switch (what[0]) {
	case 'd':
		return DMA;
	case 'g':
		return GUEST;
	default:
		return what[1] == 'o' ? HOST : HYP;
	}
}

static void accessed(struct oracle *o, struct confidential_state *s, const struct event *ev)
{
	enum who who = who_of(ev->what);
	const char *verb = strchr(ev->what, ' ');
	u64 bytes = ev->arg ? ev->arg : ev->val;

	if (!verb || !bytes)
		return;
	switch (verb[1]) {
	case 'w':
		if (who == HYP)
			hyp_wrote(o, s, ev->old, bytes);
		else if (who == GUEST)
			guest_wrote(o, s, ev->old, bytes, ev->cpu);
		else
			other_wrote(o, s, ev->old, bytes);
		break;
	case 'r':
		if (who != HYP)
			check_read(o, s, who, ev->old, bytes, ev);
		break;
	}
}

asked_often confidential_heeds_store(struct oracle *o, const void *state, const struct event *ev,
				     const struct place *at)
{
	const struct confidential_state *s = state;
	const struct el2_view *v = oracle_view(o);

	return s->opened || !(within(ev->addr, v->hyp_mem.base, v->hyp_mem.size) ||
			      within(ev->addr, v->bss.base, v->bss.size));
}

heard_often confidential_store(struct oracle *o, void *state, const struct event *ev,
			       const struct place *at)
{
	struct confidential_state *s = state;

	if (unlikely(s->opened) || !is_home(oracle_view(o), ev->addr))
		hyp_wrote(o, s, ev->addr, ev->arg);
}

heard_often confidential_event(struct oracle *o, void *state, const struct event *ev)
{
	struct confidential_state *s = state;

	switch (ev->kind) {
	case EV_ACCESS:
		accessed(o, s, ev);
		break;
	case EV_ZERO:
		if (s->n)
			secret_forget(s, ev->addr, ev->val);
		break;
	}
}

const struct checker confidential_checker = {
	.name = "confidential",
	.state_size = sizeof(struct confidential_state),
	.kinds = BIT(EV_ACCESS) | BIT(EV_ZERO),
	.event = confidential_event,
	.heeds_store = confidential_heeds_store,
	.store = confidential_store,
	.end = confidential_end,
};
