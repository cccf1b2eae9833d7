// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings of pgtable.c alone: s2_*.jsonl (as the host kernel builds it) and
 * hyp_s1*.jsonl (as EL2 does). Each line is one operation, its result, its
 * events, and all of the tables after it.
 */
#include <string.h>

#include "golden_private.h"

#define FIRST_PAGE UINT64_C(0x40000000)
#define DEFAULT_PAGES 4096 /* stage-1 headers name no limit */
#define MAX_PAGES 65536

/* 2^52 bytes: more addresses than any table translates. */
#define MAX_SIZE BIT(52)

/* Walk flags of the recordings are the kernel's numbers, equal in all releases. */
#define WALK_KINDS_OF_VISIT 7u /* what the operation itself decides */
#define WALK_SHARED 8u

struct replay {
	struct recording *r;
	struct el2_pgtable_config cfg;
	struct board *board;
	struct el2_pgtable *t;
	struct recorder rec;
	s64 init_ret;
	bool destroyed;
	/* the operation at hand */
	struct el2_pgtable_op op;
	struct el2_pgtable_result res;
	GError *error;
};

enum {
	F_IA = 1 << 0,
	F_SIZE = 1 << 1,
	F_PA = 1 << 2,
	F_PROT = 1 << 3,
	F_WALK_FLAGS = 1 << 4,
	F_OWNER = 1 << 5,
	F_ANNOTATION = 1 << 6, /* and type */
	F_MKOLD = 1 << 7,
	F_PTE = 1 << 8,	    /* an output */
	F_LEVEL = 1 << 9,   /* an output */
	F_SHARED = 1 << 10, /* walks as EL1's fault handler does */
	F_FINAL = 1 << 11,  /* nothing is left to look at */
};

static const struct op_kind {
	const char *name;
	u8 stage; /* 0: both */
	unsigned int fields;
	bool typed_only, untyped_only; /* releases that have it */
} op_kinds[] = {
	{ "map", 2, F_IA | F_SIZE | F_PA | F_PROT | F_WALK_FLAGS, 0, 0 },
	{ "unmap", 2, F_IA | F_SIZE, 0, 0 },
	{ "set_owner", 2, F_IA | F_SIZE | F_OWNER, 0, 1 },
	{ "annotate", 2, F_IA | F_SIZE | F_ANNOTATION, 1, 0 },
	{ "wrprotect", 2, F_IA | F_SIZE, 0, 0 },
	{ "relax_perms", 2, F_IA | F_PROT | F_SHARED, 0, 0 },
	{ "mkyoung", 2, F_IA | F_PTE | F_SHARED, 0, 0 },
	{ "test_clear_young", 2, F_IA | F_SIZE | F_MKOLD, 0, 0 },
	{ "get_leaf", 0, F_IA | F_PTE | F_LEVEL, 0, 0 },
	{ "flush", 2, F_IA | F_SIZE, 0, 0 },
	{ "hyp_map", 1, F_IA | F_SIZE | F_PA | F_PROT, 0, 0 },
	{ "hyp_unmap", 1, F_IA | F_SIZE, 0, 0 },
	{ "destroy", 0, F_FINAL, 0, 0 },
};

static bool is_pgtable(JsonObject *header)
{
	return has_field(header, "stage") && has_field(header, "ia_bits");
}

/* ---- The machine that the header describes ---- */

static bool cap(struct recording *r, JsonObject *caps, const char *name)
{
	return has_field(caps, name) && field_int(r, caps, name, 0, 1);
}

static void read_features(struct recording *r, JsonObject *header, struct arch_features *f)
{
	JsonObject *caps = field_object(r, header, "caps");
	s64 shift = field_int(r, header, "page_shift", 12, 16);

	if (!caps)
		return;
	if (shift & 1)
		recording_bad(r, "field \"page_shift\": must be 12, 14 or 16");
	f->page_shift = (u8)shift;
	f->pa_bits = 40;
	f->hafdbs = true;
	f->fwb = cap(r, caps, "fwb");
	f->dic = cap(r, caps, "dic");
	f->idc = cap(r, caps, "idc");
	f->tlbirange = cap(r, caps, "tlb_range");
	f->lpa2 = cap(r, caps, "lpa2");
	f->hvhe = cap(r, caps, "hvhe");
	f->bti = cap(r, caps, "bti");
	f->xnx = cap(r, caps, "xnx");
	if (f->lpa2 && shift == 16)
		recording_bad(r, "field \"caps\": no LPA2 with 64K pages");
}

static void read_config(struct replay *p, JsonObject *header, const struct arch_features *f)
{
	struct recording *r = p->r;
	struct el2_pgtable_config *c = &p->cfg;
	const char *force;

	c->profile = recording_profile(r, header);
	c->stage = (u8)field_int(r, header, "stage", 1, 2);
	c->ia_bits =
		(u8)field_int(r, header, "ia_bits", 32, f->lpa2 || f->page_shift == 16 ? 52 : 48);
	c->first_page = FIRST_PAGE;
	c->page_limit = DEFAULT_PAGES;
	/* WARN goes on in the host kernel and is fatal at EL2. */
	c->el1_build = c->stage == 2;
	if (c->stage == 1)
		return;

	c->page_limit = (u32)field_int(r, header, "table_page_limit", 1, MAX_PAGES);
	c->flags = (u32)field_int(r, header, "pgt_flags", 0, 7);
	c->cmo_callbacks = field_int(r, header, "cmo_callbacks", 0, 1);
	force = field_str(r, header, "force_pte");
	if (!force)
		return;
	c->force_pte_unless_rwx = !strcmp(force, "prot!=RWX");
	if (!c->force_pte_unless_rwx && strcmp(force, "none"))
		recording_bad(r, "field \"force_pte\": unknown rule \"%s\"", force);
}

static bool offered(struct recording *r, enum profile_id profile, const struct board_config *b)
{
	struct el2_config *c = el2_config_new(&el2_profiles[profile]);
	bool ok;

	c->tree = r->tree;
	ok = recording_offered(r, EL2_OFFER_TABLES, c, b);
	el2_config_free(c);
	return ok;
}

/* NULL: no such memory, or this EL2 has no such library; told or counted. */
static struct board *make_board(struct recording *r, const struct arch_features *f,
				const struct el2_pgtable_config *cfg)
{
	struct ram_region ram = { .base = FIRST_PAGE,
				  .size = (u64)cfg->page_limit << f->page_shift };
	struct board_config c = {
		.name = "recording", .f = *f, .n_cpus = 1, .shared = r->hyp->shares_memory
	};
	GError *error = NULL;
	struct board *b;

	c.ram = g_array_new(FALSE, TRUE, sizeof(struct ram_region));
	c.mmio = g_array_new(FALSE, TRUE, sizeof(struct mmio_window));
	g_array_append_val(c.ram, ram);
	b = offered(r, cfg->profile, &c) ? board_new(&c, &error) : NULL;
	g_array_free(c.ram, TRUE);
	g_array_free(c.mmio, TRUE);
	if (error) {
		recording_bad(r, "%s", error->message);
		g_error_free(error);
	}
	return b;
}

/* ---- Events: the toy allocator's too, which only these files have ---- */

static bool project_tables(void *data, const struct event *ev, struct gevent *out)
{
	if (ev->kind != EV_ALLOC && ev->kind != EV_FREE)
		return golden_project(data, ev, out);
	if (!ev->addr)
		return false;
	*out = (struct gevent){ .arg = ev->addr, .arg2 = (s64)ev->val };
	g_strlcpy(out->name, event_kind_name[ev->kind], sizeof(out->name));
	return true;
}

/* ---- Running ---- */

static s64 run_new(struct cpu *cpu, void *arg)
{
	struct replay *p = arg;

	p->t = p->r->hyp->pgtable_new(p->board, &p->cfg, cpu, &p->init_ret, &p->error);
	return 0;
}

static s64 run_op(struct cpu *cpu, void *arg)
{
	struct replay *p = arg;

	p->r->hyp->pgtable_op(p->t, cpu, &p->op, &p->res);
	return p->res.ret;
}

static u32 count_of(void *data, pa_t page)
{
	struct replay *p = data;

	return p->r->hyp->pgtable_refcount(p->t, page);
}

static void compare_state(struct replay *p, JsonObject *o, bool with_tables)
{
	struct recording *r = p->r;
	struct mmu_table t = r->hyp->pgtable_view(p->t);

	same_events(r, &p->rec, field_array(r, o, "events"));
	if (with_tables) {
		same_ptes(r, "ptes", collect_ptes(p->board, &t),
			  recorded_ptes(r, field_array(r, o, "ptes"), "ptes"));
		same_tables(r, "tables", collect_tables(p->board, &t, count_of, p),
			    recorded_tables(r, field_array(r, o, "tables"), "tables"));
	}
	same_int(r, "used", r->hyp->pgtable_used(p->t), field_int(r, o, "used", 0, MAX_PAGES));
}

static void compare_header(struct replay *p, JsonObject *header)
{
	struct recording *r = p->r;
	unsigned int shift = p->board->f->page_shift;
	unsigned int ia_bits = p->cfg.ia_bits;
	bool s1 = p->cfg.stage == 1;
	int start = s1 ? s1_start_level(shift, ia_bits) : s2_start_level(shift, ia_bits);

	same_int(r, "start_level", start, field_int(r, header, "start_level", -1, 3));
	same_int(r, "pgd_pages", s1 ? 1 : s2_pgd_pages(shift, ia_bits),
		 field_int(r, header, "pgd_pages", 1, 16));
	if (!s1)
		same_u64(r, "vtcr", s2_vtcr(p->board->f, ia_bits), field_u64(r, header, "vtcr"));
	same_int(r, "init_ret", p->init_ret, field_int(r, header, "init_ret", -4095, 0));
	compare_state(p, header, true);
}

static const struct op_kind *op_kind_of(struct replay *p, JsonObject *o)
{
	const char *name = field_str(p->r, o, "op");
	bool typed = el2_profiles[p->cfg.profile].typed_annotations;

	for (unsigned int i = 0; name && i < G_N_ELEMENTS(op_kinds); i++) {
		const struct op_kind *k = &op_kinds[i];

		if (strcmp(name, k->name) || (k->stage && k->stage != p->cfg.stage) ||
		    (typed ? k->untyped_only : k->typed_only))
			continue;
		return k;
	}
	if (name)
		recording_bad(p->r, "field \"op\": no operation \"%s\" at stage %u of this release",
			      name, p->cfg.stage);
	return NULL;
}

static void read_op(struct replay *p, const struct op_kind *k, JsonObject *o)
{
	struct recording *r = p->r;
	struct el2_pgtable_op *op = &p->op;

	*op = (struct el2_pgtable_op){ .op = k->name };
	if (k->fields & F_IA)
		op->ia = field_u64(r, o, "ia");
	if (k->fields & F_SIZE)
		op->size = field_u64_max(r, o, "size", MAX_SIZE);
	if (k->fields & F_PA)
		op->pa = field_u64(r, o, "pa");
	if (k->fields & F_PROT)
		op->prot = field_u64(r, o, "prot");
	if (k->fields & F_WALK_FLAGS)
		op->walk_flags = (u32)field_int(r, o, "walk_flags", 0, 127) & ~WALK_KINDS_OF_VISIT;
	if (k->fields & F_SHARED)
		op->walk_flags = WALK_SHARED;
	if (k->fields & F_OWNER)
		op->owner = (u32)field_int(r, o, "owner", 0, 255);
	if (k->fields & F_MKOLD)
		op->mkold = field_int(r, o, "mkold", 0, 1);
	if (k->fields & F_ANNOTATION) {
		op->type = (u32)field_int(r, o, "type", 0, G_MAXUINT32);
		op->annotation = field_u64(r, o, "annotation");
	}
}

static void replay_op(struct replay *p, JsonObject *o)
{
	struct recording *r = p->r;
	const struct op_kind *k = op_kind_of(p, o);
	enum cpu_end end;
	char words[48];
	s64 ret = 0;

	if (!k)
		return;
	if (p->destroyed)
		recording_bad(r, "an operation after \"destroy\"");
	if (has_field(o, "i"))
		g_snprintf(words, sizeof(words), "operation %" G_GINT64_FORMAT " (%s)",
			   field_int(r, o, "i", 0, G_MAXINT32), k->name);
	else
		g_snprintf(words, sizeof(words), "%s", k->name);
	r->op = words;
	read_op(p, k, o);
	if (!recording_over(r)) {
		recorder_clear(&p->rec);
		p->destroyed = k->fields & F_FINAL;
		end = cpu_call(&p->board->cpus[0], run_op, p, &ret);
		if (has_field(o, "ret") || !(k->fields & F_FINAL))
			same_ret(r, o, end, ret);
		if (k->fields & F_PTE)
			same_u64(r, "pte", p->res.pte, field_u64(r, o, "pte"));
		if (k->fields & F_LEVEL)
			same_int(r, "level", p->res.level, field_int(r, o, "level", -1, 3));
		compare_state(p, o, !(k->fields & F_FINAL));
		r->ops++;
	}
	r->op = NULL;
}

static void replay_pgtable(struct recording *r, JsonObject *header)
{
	struct replay p = { .r = r };
	struct arch_features f = { 0 };
	JsonObject *o;
	s64 ret;

	read_features(r, header, &f);
	read_config(&p, header, &f);
	if (recording_over(r))
		return;
	p.cfg.tree = r->tree;
	p.board = make_board(r, &f, &p.cfg);
	if (!p.board)
		return;

	recorder_start(&p.rec, p.board, project_tables, NULL);
	cpu_call(&p.board->cpus[0], run_new, &p, &ret);
	if (p.t) {
		compare_header(&p, header);
		while ((o = recording_next(r)) && !p.init_ret)
			replay_op(&p, o);
		r->hyp->pgtable_free(p.t);
	} else {
		recording_bad(r, "%s", p.error ? p.error->message : "EL2 has no tables: a panic");
		g_clear_error(&p.error);
	}
	recorder_stop(&p.rec);
	board_free(p.board);
}

const struct golden_format golden_pgtable = {
	.matches = is_pgtable,
	.replay = replay_pgtable,
};
