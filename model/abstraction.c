// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who owns a page, from what EL2 left in RAM. Three places speak: the host's
 * stage 2 (an empty or valid leaf lets the host in, an annotation keeps it out
 * and names the owner), EL2's stage 1, and from v7.0 the state in struct
 * hyp_page. They should agree. Where two of them name different parties the page
 * has several owners, and saying so is what this file is for.
 */
#include "model.h"

#include "private.h"

const char *const owner_name[N_OWNERS] = {
	[OWNER_HOST] = "host",	       [OWNER_HYP] = "hyp",	[OWNER_FFA] = "ffa",
	[OWNER_FIRMWARE] = "firmware", [OWNER_GUEST] = "guest", [OWNER_SEVERAL] = "several",
	[OWNER_NONE] = "none",
};

/* One look at a page; @end: up to there every page would give the same answer. */
struct look {
	struct board *b;
	const struct el2_view *v;
	u64 pa, end;
	struct abs_page *page;
	GArray *private; /* struct private_leaf, for many looks; or NULL */
	GArray *guests;	 /* struct guest_leaf, likewise */
};

static u64 page_size(const struct look *l)
{
	return UINT64_C(1) << l->b->f->page_shift;
}

static void look_until(struct look *l, u64 end)
{
	if (end > l->pa && end < l->end)
		l->end = end;
}

/* EL2 asks about the first byte of a page only: an unaligned edge counts from the next. */
static void look_region(struct look *l, u64 base, u64 size, bool nomap)
{
	u64 from = ALIGN_UP(base, page_size(l)), to = ALIGN_UP(base + size, page_size(l));

	look_until(l, from);
	look_until(l, to);
	if (l->pa >= from && l->pa < to) {
		l->page->is_ram = true;
		l->page->nomap = nomap;
	}
}

/* Memory is what the host told EL2, or before that what the board has. */
static void look_memory(struct look *l)
{
	const GArray *ram = l->b->config->ram;

	for (unsigned int i = 0; i < l->v->n_regions; i++) {
		const struct el2_region *r = &l->v->regions[i];

		look_region(l, r->base, r->size, r->nomap);
	}
	for (unsigned int i = 0; !l->v->n_regions && i < ram->len; i++) {
		const struct ram_region *r = &g_array_index(ram, struct ram_region, i);

		look_region(l, r->base, r->size, r->nomap);
	}
	l->page->device = board_window_at(l->b, PA(l->pa)) != NULL;
}

static bool leaf_translates(const struct mmu_result *res)
{
	return res->fault == MMU_OK || res->fault == MMU_FAULT_PERMISSION;
}

/* Bytes from where the walk ended: an empty entry stands for those after it too. */
static u64 same_bytes(const struct look *l, const struct mmu_result *res)
{
	const u64 page = page_size(l);
	u64 at = res->desc_pa.pa, n = 1, desc;

	while (!res->desc && ((at + 8 * n) & (page - 1)) &&
	       board_peek64(l->b, PA(at + 8 * n), &desc) && !desc)
		n++;
	return n * res->size;
}

/* The host's leaf. True if it lets the host in: empty (the next fault maps it) or writable. */
static bool look_host_table(struct look *l)
{
	struct mmu_result res;

	if (!model_walk(l->b, l->v, false, l->pa, &res))
		return true;
	l->page->host_pte = res.desc;
	l->page->host_level = res.level;
	l->page->host_mapped = leaf_translates(&res);
	look_until(l, res.ia_base + same_bytes(l, &res));
	return !res.desc || (l->page->host_mapped && res.w);
}

/* EL2's linear map. */
static void look_linear(struct look *l)
{
	u64 va = l->pa + l->v->layout->va_offset;
	struct mmu_result res;

	if (!model_walk(l->b, l->v, true, va, &res))
		return;
	look_until(l, res.ia_base + same_bytes(l, &res) - l->v->layout->va_offset);
	l->page->hyp_pte = res.desc;
	l->page->hyp_level = res.level;
	/* At a device's linear address something else may be mapped: not this page. */
	l->page->hyp_mapped = leaf_translates(&res) && res.oa.pa == l->pa;
}

/* A leaf of EL2's private range, by what it translates to. */
struct private_leaf {
	u64 from, to, pte;
	s8 level;
};

static GArray *private_leaves(struct board *b, const struct el2_view *v)
{
	GArray *leaves = g_array_new(FALSE, FALSE, sizeof(struct private_leaf));
	u64 va = v->private_base;
	struct mmu_result res;

	while (va < v->private_next && model_walk(b, v, true, va, &res) && res.size) {
		if (leaf_translates(&res)) {
			u64 from = res.oa.pa - (va - res.ia_base);
			struct private_leaf leaf = { from, from + res.size, res.desc, res.level };

			g_array_append_val(leaves, leaf);
		}
		va = res.ia_base + res.size;
	}
	return leaves;
}

/*
 * EL2's private range, read backwards: which of its leaves translate to this
 * page. Only for pages that are not memory; the range holds little but stacks.
 */
static void look_private(struct look *l)
{
	GArray *leaves = l->private ? l->private : private_leaves(l->b, l->v);

	for (guint i = 0; i < leaves->len; i++) {
		const struct private_leaf *leaf = &g_array_index(leaves, struct private_leaf, i);

		look_until(l, leaf->from);
		look_until(l, leaf->to);
		if (l->pa < leaf->from || l->pa >= leaf->to || l->page->hyp_mapped)
			continue;
		l->page->hyp_mapped = true;
		l->page->hyp_pte = leaf->pte;
		l->page->hyp_level = leaf->level;
	}
	if (!l->private)
		g_array_unref(leaves);
}

static enum page_state sw_state(const struct look *l, u64 pte)
{
	return (enum page_state)FIELD_GET(l->v->layout->sw_state_mask, pte);
}

/* v7.0 on: both states in struct hyp_page. False: no entry stands behind this page. */
static bool look_hyp_page(struct look *l)
{
	const struct el2_layout *layout = l->v->layout;
	u64 per_frame = 4096 / layout->hyp_page_size;
	u64 byte;
	pa_t entry;

	if (!model_hyp_page(l->b, l->v, PA(l->pa), &entry))
		return false;
	if (model_frame_untouched(l->b, entry)) {
		byte = 0;
		look_until(l, ALIGN_UP(l->pa + 1, per_frame << l->b->f->page_shift));
	} else {
		board_peek(l->b, pa_add(entry, layout->state_off), 1, &byte);
		look_until(l, l->pa + page_size(l));
	}
	l->page->host = (enum page_state)(byte & 0xf);
	l->page->hyp = (enum page_state)((byte >> 4) ^ layout->hyp_state_xor);
	return true;
}

/* States as software bits have them; what is not memory has no other record. */
static void look_sw_states(struct look *l)
{
	struct abs_page *p = l->page;

	if (!p->is_ram || p->nomap || (p->host_pte && !pte_valid(p->host_pte)))
		p->host = PKVM_NOPAGE;
	else
		p->host = p->host_mapped ? sw_state(l, p->host_pte) : PKVM_PAGE_OWNED;
	p->hyp = p->hyp_mapped ? sw_state(l, p->hyp_pte) : PKVM_NOPAGE;
}

static bool owns(enum page_state s)
{
	return s == PKVM_PAGE_OWNED || s == PKVM_PAGE_SHARED_OWNED;
}

/* Whom an annotation of the host's table names; OWNER_NONE: there is none. */
static enum owner annotated(const struct look *l)
{
	const struct el2_layout *layout = l->v->layout;
	u64 pte = l->page->host_pte, id;

	if (!pte || pte_valid(pte) || pte == layout->locked_value)
		return OWNER_NONE;
	if (layout->type_mask && FIELD_GET(layout->type_mask, pte) != layout->type_donation)
		return OWNER_NONE;
	id = FIELD_GET(layout->owner_mask, pte);
	if (id == layout->owner_hyp)
		return OWNER_HYP;
	if (id == layout->owner_guest)
		return OWNER_GUEST;
	return id == layout->owner_ffa ? OWNER_FFA : OWNER_NONE;
}

/* The first leaf of the sorted array that ends after this page begins. */
static guint first_leaf(const GArray *leaves, u64 pa)
{
	guint from = 0, to = leaves->len;

	while (from < to) {
		const guint mid = from + (to - from) / 2;

		if (g_array_index(leaves, struct guest_leaf, mid).to <= pa)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* How many guests' tables name this page as their guest's own; the last is its guest. */
static unsigned int look_guests(struct look *l)
{
	GArray *leaves = l->guests ? l->guests : model_guest_leaves(l->b, l->v);
	unsigned int n = 0;

	for (guint i = first_leaf(leaves, l->pa); i < leaves->len; i++) {
		const struct guest_leaf *leaf = &g_array_index(leaves, struct guest_leaf, i);

		look_until(l, leaf->from);
		look_until(l, leaf->to);
		if (leaf->from > l->pa)
			break;
		if (!n || l->page->guest != leaf->handle)
			n++;
		l->page->guest = leaf->handle;
	}
	if (!l->guests)
		g_array_unref(leaves);
	return n;
}

/*
 * Before the host has a stage 2 nobody recorded anything. After that the host
 * holds what its record says, and what an empty or writable leaf lets it take;
 * EL2 what its record says, and what an annotation gives it. A leaf that only
 * borrows makes no owner.
 */
static enum owner judge(struct look *l, bool recorded, bool host_let_in)
{
	const struct abs_page *p = l->page;
	enum owner a = annotated(l);
	unsigned int guests = l->v->n_guests && p->is_ram ? look_guests(l) : 0;
	bool host, hyp;

	/* a page that its guest lent to the host: only the guest's table says so */
	if (guests && a == OWNER_NONE)
		a = OWNER_GUEST;
	else if (a == OWNER_GUEST && !guests)
		l->page->guest = (u32)FIELD_GET(l->v->layout->handle_mask, p->host_pte);
	if (guests > 1)
		return OWNER_SEVERAL;
	if (!l->v->host_s2.root.pa)
		return p->nomap ? OWNER_FIRMWARE : OWNER_HOST;
	hyp = a == OWNER_HYP || owns(p->hyp);
	if (recorded)
		host = owns(p->host) || (p->host == PKVM_NOPAGE && host_let_in);
	else
		host = host_let_in &&
		       !(p->host_mapped && sw_state(l, p->host_pte) == PKVM_PAGE_SHARED_BORROWED);
	if (p->nomap) /* the host's default mapping of firmware's memory makes no owner */
		host = false;
	if (host + hyp + (guests || a == OWNER_GUEST || a == OWNER_FFA) > 1)
		return OWNER_SEVERAL;
	if (hyp)
		return OWNER_HYP;
	if (a != OWNER_NONE)
		return a;
	return p->nomap ? OWNER_FIRMWARE : OWNER_HOST;
}

static void look(struct look *l)
{
	struct abs_page *p = l->page;
	bool host_let_in, recorded;

	*p = (struct abs_page){ .host = PKVM_NOPAGE, .hyp = PKVM_NOPAGE, .owner = OWNER_NONE };
	l->end = UINT64_MAX;
	if (l->pa >= board_pa_limit(l->b))
		return;
	l->end = board_pa_limit(l->b);
	look_memory(l);
	host_let_in = look_host_table(l);
	look_linear(l);
	if (!p->is_ram)
		look_private(l);
	recorded = p->is_ram && l->v->layout->has_state && look_hyp_page(l);
	if (!recorded)
		look_sw_states(l);
	p->owner = judge(l, recorded && !p->nomap, host_let_in);
}

void model_page(struct board *b, const struct el2_view *v, pa_t pa, struct abs_page *out)
{
	struct look l = { .b = b,
			  .v = v,
			  .pa = ALIGN_DOWN(pa.pa, UINT64_C(1) << b->f->page_shift),
			  .page = out };

	look(&l);
	if (out->is_ram) {
		out->refcount = model_refcount(b, v, PA(l.pa));
		out->sharers = model_sharers(b, v, PA(l.pa));
	}
}

void model_states(struct board *b, const struct el2_view *v, pa_t pa, enum page_state *host,
		  enum page_state *hyp)
{
	struct abs_page page = { .host = PKVM_NOPAGE, .hyp = PKVM_NOPAGE, .is_ram = true };
	struct look l = { .b = b,
			  .v = v,
			  .pa = ALIGN_DOWN(pa.pa, UINT64_C(1) << b->f->page_shift),
			  .page = &page };

	if (!v->layout->has_state || !look_hyp_page(&l)) {
		look_host_table(&l);
		look_linear(&l);
		look_sw_states(&l);
	}
	*host = page.host;
	*hyp = page.hyp;
}

enum owner model_owner(struct board *b, const struct el2_view *v, pa_t pa)
{
	struct abs_page page;

	model_page(b, v, pa, &page);
	return page.owner;
}

static bool same_run(const struct abs_page *a, const struct abs_page *b)
{
	return a->owner == b->owner && a->guest == b->guest && a->host == b->host &&
	       a->hyp == b->hyp && a->is_ram == b->is_ram && a->nomap == b->nomap;
}

void model_for_each_run(struct board *b, const struct el2_view *v, model_run_fn fn, void *data)
{
	struct abs_page page, first = { 0 };
	struct look l = { .b = b, .v = v, .page = &page, .private = private_leaves(b, v) };
	u64 start = 0;

	l.guests = v->n_guests ? model_guest_leaves(b, v) : NULL;
	for (l.pa = 0; l.pa < board_pa_limit(b); l.pa = l.end) {
		look(&l);
		if (l.pa && !same_run(&first, &page)) {
			fn(data, start, l.pa - start, &first);
			start = l.pa;
		}
		if (start == l.pa)
			first = page;
	}
	fn(data, start, l.pa - start, &first);
	g_array_unref(l.private);
	if (l.guests)
		g_array_unref(l.guests);
}
