// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A descriptor in words, for people: what the MMU makes of each field. Arm ARM,
 * DDI 0487, D8.3 to D8.6. What is not the MMU's business is shown raw.
 */
#include <glib.h>

#include "sim/arch/arch_private.h"

struct decoder {
	const struct arch_features *f;
	GString *out;
	u64 desc;
	unsigned int stage;
	int level;
};

static void add_bits(GString *s, u64 value, unsigned int width)
{
	g_string_append(s, "0b");
	while (width--)
		g_string_append_c(s, value & BIT(width) ? '1' : '0');
}

/* "[54:53]  XN       = 0b10            no execute"; up to four bits in binary. */
static void line(struct decoder *d, unsigned int hi, unsigned int lo, const char *name,
		 const char *words)
{
	g_autoptr(GString) value = g_string_new(NULL);
	g_autofree char *bits =
		hi == lo ? g_strdup_printf("[%u]", hi) : g_strdup_printf("[%u:%u]", hi, lo);
	u64 v = FIELD_GET(GENMASK(hi, lo), d->desc);

	if (hi - lo < 4)
		add_bits(value, v, hi - lo + 1);
	else
		g_string_append_printf(value, "0x%" G_GINT64_MODIFIER "x", v);
	g_string_append_printf(d->out, "%-8s %-9s = %-15s %s\n", bits, name, value->str, words);
}

/* The same, where it is only worth a line if it is set. */
static void line_if_set(struct decoder *d, unsigned int hi, unsigned int lo, const char *name,
			const char *words)
{
	if (d->desc & GENMASK(hi, lo))
		line(d, hi, lo, name, words);
}

/* Bits that no field divides: not shifted, so that a known value is recognised. */
static void rest_in_place(struct decoder *d, unsigned int hi, unsigned int lo, const char *name)
{
	u64 v = d->desc & GENMASK(hi, lo);

	if (v)
		g_string_append_printf(d->out,
				       "[%u:%u]   %-9s = 0x%" G_GINT64_MODIFIER
				       "x (in place)  the MMU looks no further\n",
				       hi, lo, name, v);
}

static void append_size(GString *s, u64 bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int u = 0;

	for (; bytes >= 1024 && u + 1 < G_N_ELEMENTS(unit); u++)
		bytes /= 1024;
	g_string_append_printf(s, "%u %s", (unsigned int)bytes, unit[u]);
}

static void address(struct decoder *d, const char *name, const char *what, u64 bytes)
{
	const struct arch_features *f = d->f;
	u64 pa = ALIGN_DOWN(pa_from_pte(f, d->desc).pa, bytes);
	g_autofree char *bits = g_strdup_printf("[%d:%u]", uses_lpa2(f) ? 49 : 47, f->page_shift);

	g_string_append_printf(d->out, "%-8s %-9s = 0x%-13" G_GINT64_MODIFIER "x %s\n", bits, name,
			       pa, what);
	if (f->page_shift == 16)
		line(d, 15, 12, "OA[51:48]", "part of the address above");
	else if (f->lpa2)
		line(d, 9, 8, "OA[51:50]", "of the address above; no SH with LPA2");
	/* Writers that mean the address to be there: hardware drops it. */
	if (bytes > BIT(f->page_shift) && pa_from_pte(f, d->desc).pa != pa)
		g_string_append(d->out, "                           "
					"low bits of the address are set: RES0, not used\n");
}

static const char *attridx_words(u64 idx)
{
	static const char *const words[8] = {
		"MAIR 0: Normal, write-back",
		"MAIR 1: Normal, write-back, tagged",
		"MAIR 2: Normal, non-cacheable",
		"MAIR 3: Device-nGnRnE",
		"MAIR 4: Device-nGnRE",
		"MAIR 5: not set up by Linux' EL2",
		"MAIR 6: not set up by Linux' EL2",
		"MAIR 7: not set up by Linux' EL2",
	};

	return words[idx];
}

static const char *const device_type[4] = { "Device-nGnRnE", "Device-nGnRE", "Device-nGRE",
					    "Device-GRE" };

static const char *memattr_words_fwb(u64 attr)
{
	static const char *const words[4] = {
		"reserved",
		"at most Normal, non-cacheable",
		"Normal, write-back by force",
		"as stage 1 says",
	};

	if (attr >= 8)
		return attr == 0xf ? "write-back; reserved where FWB is on"
				   : "reserved where FWB is on";
	return attr >= 4 ? words[attr & 3] : device_type[attr];
}

static char *memattr_words(const struct arch_features *f, u64 attr)
{
	static const char *const cache[4] = { "reserved", "non-cacheable", "write-through",
					      "write-back" };
	const char *outer = cache[attr >> 2], *inner = cache[attr & 3];

	if (f->fwb)
		return g_strdup(memattr_words_fwb(attr));
	if (attr < 4)
		return g_strdup(device_type[attr]);
	if (outer == inner)
		return g_strdup_printf("Normal, %s", outer);
	return g_strdup_printf("outer %s, inner %s", outer, inner);
}

static const char *const sh_words[4] = { "non-shareable", "reserved", "outer shareable",
					 "inner shareable" };

static void sharing(struct decoder *d)
{
	if (!uses_lpa2(d->f))
		line(d, 9, 8, "SH", sh_words[FIELD_GET(PTE_SH, d->desc)]);
}

static void access_flag(struct decoder *d)
{
	line(d, 10, 10, "AF", d->desc & PTE_AF ? "accessed" : "an access faults, or sets it (HA)");
}

static void upper_common(struct decoder *d)
{
	line_if_set(d, 58, 55, "SW", "software's: not looked at by the MMU");
	line_if_set(d, 62, 59, "PBHA", "hints for the memory system, or ignored");
	line_if_set(d, 63, 63, "-", "ignored");
}

static void reserved_address_bits(struct decoder *d)
{
	if (!uses_lpa2(d->f))
		line_if_set(d, 49, 48, "-", "RES0");
}

static void leaf_s1(struct decoder *d)
{
	static const char *const ap_el2[4] = {
		"read, write (bit 6 is RES1 here)",
		"read, write",
		"read only (bit 6 is RES1 here)",
		"read only",
	};
	static const char *const ap_el20[4] = { "EL2 read, write", "EL2 and EL0 read, write",
						"EL2 read only", "EL2 and EL0 read only" };
	u64 ap = FIELD_GET(PTE_S1_AP, d->desc);

	line(d, 4, 2, "AttrIdx", attridx_words(FIELD_GET(PTE_S1_ATTRIDX, d->desc)));
	line_if_set(d, 5, 5, "NS", "RES0 in Non-secure state");
	line(d, 7, 6, "AP[2:1]", d->f->hvhe ? ap_el20[ap] : ap_el2[ap]);
	sharing(d);
	access_flag(d);
	line_if_set(d, 11, 11, "nG", d->f->hvhe ? "tagged with the ASID" : "RES0 in this regime");
	address(d, "OA", "output address", BIT(level_shift(d->f->page_shift, d->level)));
	reserved_address_bits(d);
	line_if_set(d, 50, 50, "GP", "guarded: branches must land on BTI");
	line_if_set(d, 51, 51, "DBM", "dirty state by hardware");
	line_if_set(d, 52, 52, "Contig", "one of a run that shares a TLB entry");
	if (d->f->hvhe) {
		line(d, 53, 53, "PXN",
		     d->desc & PTE_S1_PXN ? "EL2 may not execute" : "EL2 may execute");
		line(d, 54, 54, "UXN",
		     d->desc & PTE_S1_UXN ? "EL0 may not execute" : "EL0 may execute");
	} else {
		line_if_set(d, 53, 53, "PXN", "RES0 in this regime");
		line(d, 54, 54, "XN", d->desc & PTE_S1_UXN ? "no execute" : "execute");
	}
	upper_common(d);
}

static void execute_never_s2(struct decoder *d)
{
	static const char *const xn[4] = { "EL1 and EL0 may execute", "only EL0 may execute",
					   "no execute", "only EL1 may execute" };

	if (d->f->xnx) {
		line(d, 54, 53, "XN", xn[FIELD_GET(PTE_S2_XN, d->desc)]);
		return;
	}
	line_if_set(d, 53, 53, "-", "RES0 without FEAT_XNX, not looked at");
	line(d, 54, 54, "XN", d->desc & BIT(54) ? "no execute" : "execute");
}

static void leaf_s2(struct decoder *d)
{
	static const char *const ap[4] = { "no data access", "read only", "write only",
					   "read, write" };
	g_autofree char *memattr = memattr_words(d->f, FIELD_GET(PTE_S2_MEMATTR, d->desc));

	line(d, 5, 2, "MemAttr", memattr);
	line(d, 7, 6, "S2AP", ap[FIELD_GET(GENMASK(7, 6), d->desc)]);
	sharing(d);
	access_flag(d);
	line_if_set(d, 11, 11, "FnXS", "TLBI nXS need not wait for XS accesses");
	address(d, "OA", "output address", BIT(level_shift(d->f->page_shift, d->level)));
	reserved_address_bits(d);
	line_if_set(d, 50, 50, "-", "RES0");
	line_if_set(d, 51, 51, "DBM", "dirty state by hardware");
	line_if_set(d, 52, 52, "Contig", "one of a run that shares a TLB entry");
	execute_never_s2(d);
	upper_common(d);
}

static void table(struct decoder *d)
{
	line_if_set(d, uses_lpa2(d->f) ? 7 : 11, 2, "-", "ignored");
	address(d, "table", "next table", BIT(d->f->page_shift));
	reserved_address_bits(d);
	line_if_set(d, 58, 50, "-", "ignored");
	if (d->stage == 2) {
		line_if_set(d, 63, 59, "-", "RES0 at stage 2");
		return;
	}
	line_if_set(d, 59, 59, "PXNTable", d->f->hvhe ? "no execute by EL2 below" : "RES0");
	line_if_set(d, 60, 60, d->f->hvhe ? "UXNTable" : "XNTable",
		    d->f->hvhe ? "no execute by EL0 below" : "no execute below");
	line_if_set(d, 62, 61, "APTable",
		    d->desc & TABLE_AP_RO ? "read only below" : "no EL0 access below");
	line_if_set(d, 63, 63, "NSTable", "ignored in Non-secure state");
}

static const char *const kind_name[] = {
	[DESC_INVALID] = "invalid", [DESC_RESERVED] = "reserved", [DESC_TABLE] = "table",
	[DESC_BLOCK] = "block",	    [DESC_PAGE] = "page",
};

static void type_line(struct decoder *d, enum desc_kind kind)
{
	g_autoptr(GString) words = g_string_new(kind_name[kind]);

	switch (kind) {
	case DESC_INVALID:
		g_string_append(words, ": an access is a translation fault");
		break;
	case DESC_RESERVED:
		g_string_append_printf(words, " at level %d: taken as invalid", d->level);
		break;
	case DESC_TABLE:
		g_string_append_printf(words, " entry: leads to level %d", d->level + 1);
		break;
	case DESC_BLOCK:
	case DESC_PAGE:
		g_string_append(words, " of ");
		append_size(words, BIT(level_shift(d->f->page_shift, d->level)));
		break;
	}
	if (kind == DESC_INVALID)
		line(d, 0, 0, "valid", words->str);
	else
		line(d, 1, 0, "type", words->str);
}

char *desc_decode(const struct arch_features *f, u64 desc, unsigned int stage, int level)
{
	struct decoder d = {
		.f = f,
		.out = g_string_new(NULL),
		.desc = desc,
		.stage = stage,
		.level = level,
	};
	enum desc_kind kind = desc_kind(f, desc, level);

	type_line(&d, kind);
	switch (kind) {
	case DESC_INVALID:
		rest_in_place(&d, 63, 1, "software");
		break;
	case DESC_RESERVED:
		rest_in_place(&d, 63, 2, "-");
		break;
	case DESC_TABLE:
		table(&d);
		break;
	case DESC_BLOCK:
	case DESC_PAGE:
		if (stage == 2)
			leaf_s2(&d);
		else
			leaf_s1(&d);
		break;
	}
	return g_string_free(d.out, FALSE);
}

static const char *memtype_brief(const struct arch_features *f, u64 desc, unsigned int stage)
{
	static const char *const s1[8] = { "NORMAL", "TAGGED", "NC",	"DEVICE-nGnRnE",
					   "DEVICE", "ATTR5",  "ATTR6", "ATTR7" };
	u64 attr = FIELD_GET(PTE_S2_MEMATTR, desc);

	if (stage != 2)
		return s1[FIELD_GET(PTE_S1_ATTRIDX, desc)];
	if (attr == 1)
		return "DEVICE";
	if (attr < 4)
		return device_type[attr];
	if (attr == 5)
		return "NC";
	if (attr == 7 && f->fwb)
		return "AS-S1";
	/* 0xf also where FWB is there but off for this table: what v6.12 does. */
	return attr == 0xf || (attr == 6 && f->fwb) ? "NORMAL" : "MIXED";
}

static void brief_leaf(GString *s, const struct arch_features *f, u64 desc, unsigned int stage,
		       int level)
{
	u64 bytes = BIT(level_shift(f->page_shift, level));
	struct desc_perms p = desc_perms(f, stage, desc, 0);
	u64 sw = FIELD_GET(PTE_SW, desc);

	if (bytes > BIT(f->page_shift)) {
		g_string_append_c(s, ' ');
		append_size(s, bytes);
	}
	g_string_append_printf(s, " oa:0x%" G_GINT64_MODIFIER "x ",
			       ALIGN_DOWN(pa_from_pte(f, desc).pa, bytes));
	if (!p.r && !p.w && !p.px)
		g_string_append_c(s, '-');
	g_string_append_printf(s, "%s%s%s", p.r ? "R" : "", p.w ? "W" : "", p.px ? "X" : "");
	if (stage == 2 && p.px != p.ux)
		g_string_append(s, p.px ? " X-EL1-ONLY" : " X-EL0-ONLY");
	g_string_append_printf(s, " %s", memtype_brief(f, desc, stage));
	if (desc & PTE_AF)
		g_string_append(s, " AF");
	if (!uses_lpa2(f) && FIELD_GET(PTE_SH, desc))
		g_string_append(s, FIELD_GET(PTE_SH, desc) == 3 ? " SH" : " SH?");
	if (stage != 2 && (desc & PTE_S1_GP))
		g_string_append(s, " GP");
	for (unsigned int i = 0; i < 4; i++)
		if (sw & BIT(i))
			g_string_append_printf(s, " SW%u", i);
}

char *desc_brief(const struct arch_features *f, u64 desc, unsigned int stage, int level)
{
	enum desc_kind kind = desc_kind(f, desc, level);
	GString *s = g_string_new("(");

	g_string_append(s, kind_name[kind]);
	switch (kind) {
	case DESC_INVALID:
	case DESC_RESERVED:
		if (desc)
			g_string_append_printf(s, " raw:0x%" G_GINT64_MODIFIER "x", desc);
		break;
	case DESC_TABLE:
		g_string_append_printf(s, " next:0x%" G_GINT64_MODIFIER "x",
				       pa_from_pte(f, desc).pa);
		break;
	case DESC_BLOCK:
	case DESC_PAGE:
		brief_leaf(s, f, desc, stage, level);
		break;
	}
	g_string_append_c(s, ')');
	return g_string_free(s, FALSE);
}
