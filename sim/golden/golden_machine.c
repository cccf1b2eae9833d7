// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the header of an ownership recording to a machine of ours, and from a
 * machine to the lists that recordings hold. Memory is read through the model's
 * abstraction only.
 */
#include <string.h>

#include "golden_machine.h"

#define MAX_REGIONS 128
/* 64 GiB with 4K pages: more than anybody records page by page */
#define MAX_PAGES (UINT64_C(1) << 24)

/* ---- The machine ---------------------------------------------------------------------- */

static bool cap(struct recording *r, JsonObject *caps, const char *name)
{
	return has_field(caps, name) && field_int(r, caps, name, 0, 1);
}

static void read_features(struct recording *r, JsonObject *header, struct arch_features *f)
{
	JsonObject *caps = field_object(r, header, "caps");
	s64 shift = field_int(r, header, "page_shift", 12, 16);
	u64 vtcr = field_u64_max(r, header, "vtcr", UINT32_MAX);

	if (recording_over(r))
		return;
	if (shift & 1)
		recording_bad(r, "field \"page_shift\": must be 12, 14 or 16");
	f->page_shift = (u8)shift;
	f->pa_bits = (u8)(64 - (vtcr & 0x3f));
	f->hafdbs = vtcr & BIT(21);
	f->fwb = cap(r, caps, "fwb");
	f->lpa2 = cap(r, caps, "lpa2");
	f->hvhe = cap(r, caps, "hvhe");
	f->bti = cap(r, caps, "bti");
}

static void read_memory(struct recording *r, JsonObject *header, struct board_config *c)
{
	JsonArray *blocks = field_array(r, header, "memblocks");
	u64 bytes = 0;

	if (blocks && json_array_get_length(blocks) > MAX_REGIONS)
		recording_bad(r, "field \"memblocks\": more than %d", MAX_REGIONS);
	for (unsigned int i = 0; !recording_over(r) && i < json_array_get_length(blocks); i++) {
		JsonArray *b = elem_array(r, blocks, i, "memblocks");
		struct ram_region ram;

		if (!b)
			return;
		ram = (struct ram_region){
			.base = elem_u64(r, b, 0, "memblocks"),
			.size = elem_u64(r, b, 1, "memblocks"),
			.nomap = elem_int(r, b, 2, "memblocks", 0, 1),
		};
		bytes += ram.size;
		if (ram.size > MAX_PAGES << 12 || bytes > MAX_PAGES << 12)
			recording_bad(r, "field \"memblocks\": more memory than recordings have");
		g_array_append_val(c->ram, ram);
	}
}

static struct board_config *read_board(struct recording *r, JsonObject *header)
{
	struct board_config *c = board_config_machine("virt");
	GError *error = NULL;
	unsigned int which;

	g_strlcpy(c->name, "recorded", sizeof(c->name));
	g_array_set_size(c->ram, 0);
	g_array_set_size(c->mmio, 0);
	c->n_cpus = 1;
	read_features(r, header, &c->f);
	read_memory(r, header, c);
	if (!recording_over(r) && !board_config_check(c, &which, &error)) {
		recording_bad(r, "%s", error->message);
		g_error_free(error);
	}
	return c;
}

/* "6.12.117+mmio": 6.12 with the two patches, and one of three unmap walkers. */
static void read_walker(struct recording *r, JsonObject *header, struct el2_config *c)
{
	static const struct {
		const char *name;
		u8 value;
	} walkers[] = {
		{ "eperm", S2_UNMAP_EPERM },
		{ "mainline", S2_UNMAP_CLEAR },
		{ "skip", S2_UNMAP_SKIP },
	};
	const char *walker = field_str(r, header, "walker");

	c->knob[KNOB_MMIO_DONATION] = MMIO_DONATION_V5;
	c->knob[KNOB_MMIO_COMMIT] = MMIO_COMMIT_ASSERT;
	c->knob[KNOB_PROTECTED_UNWIND] = UNWIND_REGION;
	for (unsigned int i = 0; walker && i < G_N_ELEMENTS(walkers); i++) {
		if (!strcmp(walker, walkers[i].name)) {
			c->knob[KNOB_S2_UNMAP_ANNOTATED] = walkers[i].value;
			return;
		}
	}
	recording_bad(r, "field \"walker\": no such walker");
}

static struct el2_config *read_el2(struct recording *r, JsonObject *header, const GArray *protect)
{
	struct el2_config *c = el2_config_new(&el2_profiles[recording_profile(r, header)]);
	JsonObject *caps = field_object(r, header, "caps");
	JsonArray *mem = field_array(r, header, "hyp_mem");

	c->tree = r->tree;
	if (caps && cap(r, caps, "nvhe_el2_debug"))
		c->knob[KNOB_EL2_DEBUG] = EL2_DEBUG_ON;
	if (has_field(header, "walker"))
		read_walker(r, header, c);
	if (mem) {
		c->has_hyp_memory = true;
		c->hyp_memory = elem_u64(r, mem, 0, "hyp_mem");
	}
	if (protect && protect->len)
		g_array_append_vals(c->protect, protect->data, protect->len);
	return c;
}

struct machine *golden_machine_new(struct recording *r, JsonObject *header, const GArray *protect)
{
	struct board_config *board = read_board(r, header);
	struct el2_config *el2 = read_el2(r, header, protect);
	struct machine *m = NULL;
	GError *error = NULL;

	if (!recording_over(r) && recording_offered(r, EL2_OFFER_MACHINE, el2, board)) {
		m = machine_new(board, el2, r->hyp, &error);
		if (!m) {
			recording_bad(r, "%s", error->message);
			g_error_free(error);
		}
	}
	el2_config_free(el2);
	board_config_free(board);
	return m;
}

/* ---- State ------------------------------------------------------------------------------ */

struct count_data {
	struct board *b;
	const struct el2_view *v;
};

static u32 count(void *data, pa_t page)
{
	const struct count_data *d = data;

	return model_refcount(d->b, d->v, page);
}

static u32 entry_field(u64 entry, u8 off, u8 width)
{
	return (u32)(entry >> (8 * off) & (BIT(8 * width) - 1));
}

static void read_states(struct gpage *p, u64 entry, const struct el2_layout *l)
{
	u32 state = entry_field(entry, l->state_off, 1);

	p->host = p->hyp = p->share = -1;
	if (!l->has_state)
		return;
	p->host = state & 0xf;
	p->hyp = (state >> 4) ^ l->hyp_state_xor;
	p->share = entry_field(entry, l->share_count_off, 4);
}

/* A page of hyp_vmemmap is looked up once; entries straddle no words, words no pages. */
static void read_pages(GArray *pages, struct board *b, const struct el2_view *v,
		       const struct el2_region *reg)
{
	const struct el2_layout *l = v->layout;
	const unsigned int shift = b->f->page_shift;
	bool backed = false;
	pa_t at = PA(0);

	for (u64 pfn = reg->base >> shift; pfn < (reg->base + reg->size) >> shift; pfn++) {
		struct gpage p = { .pfn = pfn };
		u64 entry = 0;

		if (!backed || IS_ALIGNED(at.pa, BIT(shift)))
			backed = model_hyp_page(b, v, PA(pfn << shift), &at);
		if (backed && board_peek64(b, PA(ALIGN_DOWN(at.pa, 8)), &entry))
			entry >>= 8 * (at.pa & 7);
		p.refcount = entry_field(entry, l->refcount_off, l->refcount_width);
		p.order = entry_field(entry, l->order_off, l->order_width);
		read_states(&p, entry, l);
		g_array_append_val(pages, p);
		at = pa_add(at, l->hyp_page_size);
	}
}

/* vCPU 0 by the pointer in the VM's area, its memcache by its header. */
static u64 memcache_pages(struct board *b, const struct el2_view *v, const struct el2_guest_view *g)
{
	const struct el2_vm_layout *l = v->vm_layout;
	const u64 off = v->layout->va_offset;
	u64 vcpu = 0, pages = 0;

	board_peek64(b, PA(g->area.va - off + l->hyp_vm_size), &vcpu);
	if (vcpu)
		board_peek64(b, PA(vcpu - off + l->hyp_vcpu_memcache + l->mc_nr_pages), &pages);
	return pages;
}

static void read_vm(struct gstate *s, unsigned int i, struct board *b, const struct el2_view *v,
		    struct count_data *d)
{
	const struct el2_guest_view *g = v->guests[i];

	s->g[i] = collect_ptes(b, &g->s2);
	s->g_tables[i] = collect_tables(b, &g->s2, count, d);
	s->mc[i] = memcache_pages(b, v, g);
	s->hash = fnv_ptes(s->hash, s->g[i]);
}

struct gstate *gstate_read(struct machine *m)
{
	const struct el2_view *v = m->hyp->view(m->el2);
	struct count_data d = { m->board, v };
	struct gstate *s = g_new0(struct gstate, 1);

	s->s1 = collect_ptes(m->board, &v->hyp_s1);
	s->s2 = collect_ptes(m->board, &v->host_s2);
	s->s1_tables = collect_tables(m->board, &v->hyp_s1, count, &d);
	s->s2_tables = collect_tables(m->board, &v->host_s2, count, &d);
	s->pages = g_array_new(FALSE, FALSE, sizeof(struct gpage));
	for (unsigned int i = 0; i < v->n_regions; i++)
		read_pages(s->pages, m->board, v, &v->regions[i]);
	s->s2_pool_free = model_pool_free(m->board, v, &v->pools[POOL_HOST_S2]);
	s->hyp_pool_free = model_pool_free(m->board, v, &v->pools[POOL_HYP_S1]);
	s->hash = fnv_ptes(fnv_ptes(FNV_OFFSET, s->s1), s->s2);
	s->n_vms = MIN(v->n_guests, GOLDEN_VMS);
	for (unsigned int i = 0; i < s->n_vms; i++)
		read_vm(s, i, m->board, v, &d);
	return s;
}

void gstate_free(struct gstate *s)
{
	if (!s)
		return;
	g_array_free(s->s1, TRUE);
	g_array_free(s->s2, TRUE);
	g_array_free(s->s1_tables, TRUE);
	g_array_free(s->s2_tables, TRUE);
	g_array_free(s->pages, TRUE);
	for (unsigned int i = 0; i < s->n_vms; i++) {
		g_array_free(s->g[i], TRUE);
		g_array_free(s->g_tables[i], TRUE);
	}
	g_free(s);
}

/* Recordings of releases without page states may leave them out. */
static s64 state_elem(struct recording *r, JsonArray *a, unsigned int i, const char *what, s64 max)
{
	return i < json_array_get_length(a) ? elem_int(r, a, i, what, -1, max) : -1;
}

struct gpage recorded_page(struct recording *r, JsonArray *a, u64 pfn, unsigned int i,
			   const char *what)
{
	return (struct gpage){
		.pfn = pfn,
		.refcount = (u32)elem_int(r, a, i, what, 0, G_MAXUINT16),
		.order = (u32)elem_int(r, a, i + 1, what, 0, G_MAXUINT16),
		.host = state_elem(r, a, i + 2, what, N_PAGE_STATES - 1),
		.hyp = state_elem(r, a, i + 3, what, N_PAGE_STATES - 1),
		.share = state_elem(r, a, i + 4, what, G_MAXUINT32),
	};
}

bool gpage_equal(const struct gpage *a, const struct gpage *b)
{
	return a->refcount == b->refcount && a->order == b->order && a->host == b->host &&
	       a->hyp == b->hyp && a->share == b->share;
}

char *gpage_words(const struct gpage *p)
{
	return g_strdup_printf("pfn 0x%" G_GINT64_MODIFIER "x refcount %u order %u host %d hyp %d"
			       " shared %d times",
			       p->pfn, p->refcount, p->order, (int)p->host, (int)p->hyp,
			       (int)p->share);
}

static bool same_page_run(struct recording *r, JsonArray *run, const GArray *pages,
			  unsigned int *next)
{
	const char *what = "pages_rle";
	u64 pfn = elem_u64(r, run, 0, what), n = (u64)elem_int(r, run, 1, what, 1, MAX_PAGES);
	struct gpage recorded = recorded_page(r, run, pfn, 2, what);

	for (u64 i = 0; i < n && !recording_over(r); i++, (*next)++, recorded.pfn++) {
		const struct gpage *p = &g_array_index(pages, struct gpage, *next);

		if (*next >= pages->len || p->pfn != recorded.pfn) {
			recording_bad(r, "field \"pages_rle\": pages that the machine has not");
		} else if (!gpage_equal(p, &recorded)) {
			char *a = gpage_words(p), *b = gpage_words(&recorded);

			recording_differs(r, what, a, b);
			g_free(a);
			g_free(b);
		}
	}
	return !recording_over(r);
}

static bool same_page_runs(struct recording *r, JsonArray *runs, const GArray *pages)
{
	unsigned int next = 0;

	for (unsigned int i = 0; runs && i < json_array_get_length(runs); i++) {
		JsonArray *run = elem_array(r, runs, i, "pages_rle");

		if (!run || !same_page_run(r, run, pages, &next))
			return false;
	}
	return same_u64(r, "number of pages", pages->len, next);
}

static void same_memcaches(struct recording *r, JsonArray *mc, const struct gstate *s)
{
	for (unsigned int i = 0; mc && i < s->n_vms; i++)
		same_int(r, "mc", (s64)s->mc[i], elem_int(r, mc, i, "mc", 0, (s64)MAX_PAGES));
}

bool same_gstate(struct recording *r, JsonObject *header, const struct gstate *s)
{
	const struct {
		const char *ptes, *tables;
		GArray *pte_list, *table_list;
	} spaces[] = {
		{ "s1", "s1_tables", s->s1, s->s1_tables },
		{ "s2", "s2_tables", s->s2, s->s2_tables },
		{ "g0", "g0_tables", s->g[0], s->g_tables[0] },
		{ "g1", "g1_tables", s->g[1], s->g_tables[1] },
	};
	const struct {
		const char *name;
		u64 pages;
	} pools[] = { { "s2_pool_free", s->s2_pool_free }, { "hyp_pool_free", s->hyp_pool_free } };

	for (unsigned int i = 0; i < 2 + s->n_vms; i++) {
		const char *name = spaces[i].ptes;

		if (has_field(header, name))
			same_ptes(r, name, g_array_copy(spaces[i].pte_list),
				  recorded_ptes(r, field_array(r, header, name), name));
		name = spaces[i].tables;
		if (has_field(header, name))
			same_tables(r, name, g_array_copy(spaces[i].table_list),
				    recorded_tables(r, field_array(r, header, name), name));
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(pools); i++)
		if (has_field(header, pools[i].name))
			same_int(r, pools[i].name, (s64)pools[i].pages,
				 field_int(r, header, pools[i].name, 0, (s64)MAX_PAGES));
	if (has_field(header, "pages_rle"))
		same_page_runs(r, field_array(r, header, "pages_rle"), s->pages);
	if (has_field(header, "mc"))
		same_memcaches(r, field_array(r, header, "mc"), s);
	return same_u64(r, "hash", s->hash, field_u64(r, header, "hash"));
}

bool same_layout(struct recording *r, JsonObject *header, struct machine *m)
{
	const struct el2_view *v = m->hyp->view(m->el2);
	const struct arch_features *f = m->board->f;
	JsonArray *mem = field_array(r, header, "hyp_mem");

	same_u64(r, "va_off", v->layout->va_offset, field_u64(r, header, "va_off"));
	same_u64(r, "vmemmap", v->vmemmap_va, field_u64(r, header, "vmemmap"));
	same_u64(r, "vtcr", s2_vtcr(f, v->host_s2.ia_bits), field_u64(r, header, "vtcr"));
	same_int(r, "hyp_va_bits", v->hyp_s1.ia_bits, field_int(r, header, "hyp_va_bits", 0, 64));
	same_int(r, "s1_start_level", v->hyp_s1.start_level,
		 field_int(r, header, "s1_start_level", -1, 3));
	same_int(r, "s2_start_level", v->host_s2.start_level,
		 field_int(r, header, "s2_start_level", -1, 3));
	same_int(r, "s2_pgd_pages", s2_pgd_pages(f->page_shift, v->host_s2.ia_bits),
		 field_int(r, header, "s2_pgd_pages", 0, 16));
	same_int(r, "sizeof_hyp_page", v->layout->hyp_page_size,
		 field_int(r, header, "sizeof_hyp_page", 0, 64));
	if (mem) {
		same_u64(r, "hyp_mem", v->hyp_mem.base, elem_u64(r, mem, 0, "hyp_mem"));
		same_int(r, "hyp_mem pages", (s64)(v->hyp_mem.size >> f->page_shift),
			 elem_int(r, mem, 1, "hyp_mem", 0, (s64)MAX_PAGES));
	}
	return !recording_over(r);
}

/* ---- What is not memory ------------------------------------------------------------------- */

static bool is_memory(const struct el2_view *v, u64 start, u64 end)
{
	for (unsigned int i = 0; i < v->n_regions && start < end; i++) {
		const struct el2_region *reg = &v->regions[i];

		if (start >= reg->base && start - reg->base < reg->size)
			start = reg->base + reg->size;
	}
	return start >= end;
}

GArray *gptes_mmio(struct machine *m, const GArray *ptes, u64 offset)
{
	const struct el2_view *v = m->hyp->view(m->el2);
	GArray *mmio = g_array_new(FALSE, FALSE, sizeof(struct gpte));

	for (unsigned int i = 0; i < ptes->len; i++) {
		const struct gpte *p = &g_array_index(ptes, struct gpte, i);
		u64 pa = p->ia - offset;
		u64 size = BIT(level_shift(m->board->f->page_shift, p->level));

		/* EL2's other ranges are not linear: they wrap or lie past all memory */
		if (pa < board_pa_limit(m->board) && !is_memory(v, pa, pa + size))
			g_array_append_val(mmio, *p);
	}
	return mmio;
}
