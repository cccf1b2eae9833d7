// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables in the columns of the kernel's ptdump (arch/arm64/mm/ptdump.c and
 * arch/arm64/kvm/ptdump.c), with what the kernel does not print behind them: who
 * owns an entry that is not mapped, and where EL2's own mappings lead.
 */
#include <string.h>

#include "model/model.h"
#include "report_private.h"

struct column {
	u64 mask, val;
	const char *set, *clear;
	bool valid_only; /* blank unless the entry is valid */
};

/* Stage 2 up to v6.12. */
static const struct column s2_columns_one_xn[] = {
	{ PTE_VALID, PTE_VALID, " ", "F", false },
	{ PTE_S2_R, PTE_S2_R, "R", " ", true },
	{ PTE_S2_W, PTE_S2_W, "W", " ", true },
	{ PTE_S2_XN, 0, " ", "X", false },
	{ PTE_AF, PTE_AF, "AF", "  ", true },
	{ PTE_VALID | PTE_TYPE, PTE_VALID, "BLK", "   ", false },
	{ 0, 0, NULL, NULL, false },
};

/* Stage 2 from v7.0: execute-never of EL1 and EL0 apart. */
static const struct column s2_columns_two_xn[] = {
	{ PTE_VALID, PTE_VALID, " ", "F", false },
	{ PTE_S2_R, PTE_S2_R, "R", " ", false },
	{ PTE_S2_W, PTE_S2_W, "W", " ", false },
	{ PTE_S2_XN, 0, "px ux ", NULL, false },
	{ PTE_S2_XN, BIT(53), "PXNux ", NULL, false },
	{ PTE_S2_XN, BIT(54), "PXNUXN", NULL, false },
	{ PTE_S2_XN, BIT(54) | BIT(53), "px UXN", NULL, false },
	{ PTE_AF, PTE_AF, "AF", "  ", false },
	{ PTE_VALID | PTE_TYPE, PTE_VALID, "BLK", "   ", false },
	{ 0, 0, NULL, NULL, false },
};

/* EL2's stage 1: one execute-never bit at 54, no user, no global bit. */
static const struct column s1_columns[] = {
	{ PTE_VALID, PTE_VALID, " ", "F", false },
	{ BIT(7), BIT(7), "ro", "RW", false },
	{ PTE_S1_UXN, PTE_S1_UXN, "NX", "x ", false },
	{ PTE_SH, PTE_SH, "SHD", "   ", false },
	{ PTE_AF, PTE_AF, "AF", "  ", false },
	{ PTE_VALID | PTE_TYPE, PTE_VALID, "BLK", "   ", false },
	{ PTE_S1_GP, PTE_S1_GP, "GP", "  ", false },
	{ PTE_S1_ATTRIDX, 0, "MEM/NORMAL", NULL, false },
	{ PTE_S1_ATTRIDX, 1 << 2, "MEM/NORMAL-TAGGED", NULL, false },
	{ PTE_S1_ATTRIDX, 2 << 2, "MEM/NORMAL-NC", NULL, false },
	{ PTE_S1_ATTRIDX, 3 << 2, "DEVICE/nGnRnE", NULL, false },
	{ PTE_S1_ATTRIDX, 4 << 2, "DEVICE/nGnRE", NULL, false },
	{ 0, 0, NULL, NULL, false },
};

struct dump {
	struct show *s;
	const struct mmu_table *t;
	const struct column *columns;
	u64 from, to; /* only what lies in here, [from, to] */
	bool el2;     /* shorter addresses, output addresses, what all leaves share */
	u64 all, any; /* bits that all valid leaves have, that some have */
	/* the run being collected */
	bool open;
	int level;
	u64 start, end, attributes, pa;
	char *words;
};

static u64 entry_size(const struct dump *d, int level)
{
	return UINT64_C(1) << level_shift(d->t->f->page_shift, level);
}

static const char *column_word(const struct column *c, u64 pte)
{
	bool hit = (pte & c->mask) == c->val && (!c->valid_only || pte_valid(pte));

	return hit ? c->set : c->clear;
}

/* The same in every valid leaf of a table that is told of in short. */
static bool column_is_constant(const struct dump *d, const struct column *c)
{
	return d->el2 && (d->all & c->mask) == (d->any & c->mask);
}

static void append_attributes(const struct dump *d, GString *out, u64 pte)
{
	for (const struct column *c = d->columns; c->mask; c++) {
		const char *word = column_word(c, pte);

		if (word && !column_is_constant(d, c))
			g_string_append_printf(out, " %s", word);
	}
}

static void append_constant_attributes(const struct dump *d, GString *out)
{
	const char *before = ", every leaf";

	for (const struct column *c = d->columns; c->mask; c++) {
		const char *word = column_word(c, d->all);

		if (!word || word[0] == ' ' || !column_is_constant(d, c))
			continue;
		g_string_append_printf(out, "%s %s", before, word);
		before = "";
	}
}

/* Start, end (not included), size in the largest unit that divides it, level. */
static void append_range(GString *out, u64 start, u64 end, int level)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;
	u64 delta = (end - start) >> 10;

	while (!(delta & 1023) && unit[1] && delta) {
		delta >>= 10;
		unit++;
	}
	g_string_append_printf(out, "0x%016" PRIx64 "-0x%016" PRIx64 " %9" PRIu64 "%c %d", start,
			       end, delta, *unit, level);
}

static void append_short_range(GString *out, u64 start, u64 end, int level)
{
	g_autofree char *size = size_words(end - start);

	g_string_append_printf(out, "0x%012" PRIx64 "-0x%012" PRIx64 " %6s %d ", start, end, size,
			       level);
}

static void close_run(struct dump *d)
{
	GString *out = d->s->out;
	size_t line = out->len;

	if (!d->open)
		return;
	if (d->el2)
		append_short_range(out, d->start, d->end, d->level);
	else
		append_range(out, d->start, d->end, d->level);
	if (d->attributes)
		append_attributes(d, out, d->attributes);
	if (d->words[0])
		g_string_append_printf(out, " %s", d->words);
	if (d->el2 && pte_valid(d->attributes))
		g_string_append_printf(out, " 0x%" PRIx64, d->pa);
	while (out->len > line && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
	g_clear_pointer(&d->words, g_free);
	d->open = false;
}

static u64 attributes_of(const struct dump *d, u64 pte)
{
	u64 mask = 0;

	if (!pte_valid(pte))
		return 0;
	for (const struct column *c = d->columns; c->mask; c++)
		mask |= c->mask;
	return pte & mask;
}

/*
 * What software says in an entry. Only the host's stage 2 has annotations; EL2's
 * fixmap leaves the rest of an entry when it takes the valid bit away.
 */
static char *entry_words(const struct dump *d, u64 pte)
{
	if (!pte)
		return g_strdup("");
	if (d->t->stage == 1 && !pte_valid(pte))
		return g_strdup("not valid, not empty");
	return el2_annotation_words(d->s->v->layout, pte);
}

static void dump_entry(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	struct dump *d = data;
	u64 size = entry_size(d, level), attributes = attributes_of(d, desc);
	u64 pa = pte_valid(desc) ? pa_from_pte(d->t->f, desc).pa : 0;
	g_autofree char *words = NULL;

	if (pte_table(desc, level) || ia > d->to || ia + (size - 1) < d->from)
		return;
	words = entry_words(d, desc);
	if (d->open && d->level == level && d->end == ia && d->attributes == attributes &&
	    !strcmp(d->words, words) &&
	    (!d->el2 || !attributes || d->pa + (d->end - d->start) == pa)) {
		d->end += size;
		return;
	}
	close_run(d);
	d->open = true;
	d->level = level;
	d->start = ia;
	d->end = ia + size;
	d->attributes = attributes;
	d->pa = pa;
	d->words = g_steal_pointer(&words);
}

static void gather_entry(void *data, int level, u64 ia, u64 desc, pa_t desc_pa)
{
	struct dump *d = data;

	if (!pte_valid(desc) || pte_table(desc, level))
		return;
	d->all &= desc;
	d->any |= desc;
}

/* @first: the argument that FROM is. */
static bool dump_table(struct dump *d, const char *marker, unsigned int first, GError **error)
{
	struct show *s = d->s;

	d->to = ~UINT64_C(0);
	if (s->n_args > first && !show_address(s, first, &d->from, error))
		return false;
	if (s->n_args > first + 1 && !show_address(s, first + 1, &d->to, error))
		return false;
	d->all = ~UINT64_C(0);
	if (d->el2 && d->t->root.pa)
		model_for_each_entry(s->m->board, d->t, true, gather_entry, d);
	g_string_append_printf(s->out, "---[ %s", marker);
	if (d->any)
		append_constant_attributes(d, s->out);
	g_string_append(s->out, " ]---\n");
	if (!d->t->root.pa) {
		g_string_append(s->out, "no table yet\n");
		return true;
	}
	model_for_each_entry(s->m->board, d->t, true, dump_entry, d);
	close_run(d);
	return true;
}

bool show_host(struct show *s, GError **error)
{
	struct dump d = {
		.s = s,
		.t = &s->v->host_s2,
		.columns =
			s->m->config->profile->xn_two_bits ? s2_columns_two_xn : s2_columns_one_xn,
	};

	return dump_table(&d, "Host IPA", 0, error);
}

bool show_hyp(struct show *s, GError **error)
{
	struct dump d = { .s = s, .t = &s->v->hyp_s1, .columns = s1_columns, .el2 = true };

	return dump_table(&d, "EL2 VA, attributes, PA", 0, error);
}

bool show_guest(struct show *s, GError **error)
{
	const struct el2_guest_view *g = show_guest_named(s, s->args[0], error);
	struct dump d = {
		.s = s,
		.t = g ? &g->s2 : NULL,
		.columns =
			s->m->config->profile->xn_two_bits ? s2_columns_two_xn : s2_columns_one_xn,
	};

	return g && dump_table(&d, "Guest IPA", 1, error);
}

/* ---- One walk ---- */

/* "  L2  [0x007fa12240] 0x00...7fa13003  (table ...)", what does not fit in a second line. */
static void append_step(struct show *s, const struct mmu_table *t, int level, pa_t at, u64 desc)
{
	g_autofree char *brief = desc_brief(t->f, desc, t->stage, level);
	g_autofree char *words = NULL, *both = NULL;
	size_t line = s->out->len;

	if (desc && !pte_table(desc, level) && (t->stage == 2 || pte_valid(desc)))
		words = el2_annotation_words(s->v->layout, desc);
	both = words && words[0] ? g_strdup_printf("%s %s", brief, words) : g_strdup(brief);
	g_string_append_printf(s->out, "  L%-2d [0x%010" PRIx64 "] 0x%016" PRIx64, level, at.pa,
			       desc);
	if (s->out->len - line + 2 + strlen(both) > SHOW_WIDTH)
		g_string_append(s->out, "\n     ");
	g_string_append_printf(s->out, "  %s\n", both);
}

static void append_end(struct show *s, const struct mmu_table *t, const struct mmu_result *res)
{
	g_autofree char *fields = NULL;

	if (res->fault == MMU_OK)
		g_string_append_printf(s->out, "  -> 0x%" PRIx64 "  %s%s%s\n", res->oa.pa,
				       res->r ? "r" : "-", res->w ? "w" : "-", res->x ? "x" : "-");
	else
		g_string_append_printf(s->out, "  -> %s fault, level %d\n",
				       mmu_fault_name(res->fault), res->level);
	if (!res->desc)
		return;
	fields = desc_decode(t->f, res->desc, t->stage, res->level);
	append_indented(s->out, fields, "     ");
}

/* Whose table a walk is of, NULL with an error; *@what: what its input addresses are called. */
static const struct mmu_table *walk_of(struct show *s, const char *party, const char **what,
				       GError **error)
{
	const struct el2_guest_view *g;

	*what = !strcmp(party, "hyp") ? "EL2 VA" : "host IPA";
	if (!strcmp(party, "hyp"))
		return &s->v->hyp_s1;
	if (!strcmp(party, "host"))
		return &s->v->host_s2;
	*what = "guest IPA";
	g = show_guest_named(s, party, error);
	return g ? &g->s2 : NULL;
}

bool show_walk(struct show *s, GError **error)
{
	bool named = s->n_args > 1;
	const struct mmu_table *t;
	struct mmu_result res;
	const char *what;
	u64 ia;

	t = walk_of(s, named ? s->args[0] : "host", &what, error);
	if (!t || !show_address(s, named ? 1 : 0, &ia, error))
		return false;
	g_string_append_printf(s->out, "%s 0x%" PRIx64 ", root 0x%" PRIx64 ", %u bits\n", what, ia,
			       t->root.pa, t->ia_bits);
	if (!model_walk_table(s->m->board, t, ia, &res)) {
		g_string_append(s->out, "  beyond the input range of this table\n");
		return true;
	}
	for (int level = t->start_level; level <= res.level; level++) {
		unsigned int i = (unsigned int)(level - t->start_level);

		append_step(s, t, level, res.table_pa[i], res.descs[i]);
	}
	append_end(s, t, &res);
	return true;
}
