// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim decode: one descriptor, field by field.
 */
#include <string.h>

#include "cli.h"

static struct {
	char *stage, *level, *kernel, *granule, *pa_bits, *xnx;
	gboolean lpa2, fwb, hvhe;
} o;

static const GOptionEntry entries[] = {
	{ "stage", 0, 0, G_OPTION_ARG_STRING, &o.stage,
	  "1: EL2's own tables; 2: the host's or a guest's", "1|2" },
	{ "level", 0, 0, G_OPTION_ARG_STRING, &o.level, "-1 to 3, 3 the last", "L" },
	{ "kernel", 0, 0, G_OPTION_ARG_STRING, &o.kernel,
	  "whose software bits and annotations (v7.0)", "RELEASE" },
	{ "granule", 0, 0, G_OPTION_ARG_STRING, &o.granule, "4K, 16K or 64K (4K)", "SIZE" },
	{ "pa-bits", 0, 0, G_OPTION_ARG_STRING, &o.pa_bits, "physical address size (48)", "N" },
	{ "lpa2", 0, 0, G_OPTION_ARG_NONE, &o.lpa2, "descriptors have the form of LPA2", NULL },
	{ "fwb", 0, 0, G_OPTION_ARG_NONE, &o.fwb, "stage 2 with FWB: other memory types", NULL },
	{ "xnx", 0, 0, G_OPTION_ARG_STRING, &o.xnx,
	  "stage 2: XN of EL1 and of EL0 apart (on from v7.0)", "on|off" },
	{ "hvhe", 0, 0, G_OPTION_ARG_NONE, &o.hvhe, "stage 1 is of the EL2&0 regime", NULL },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static bool parse_granule(const char *text, u8 *shift)
{
	static const struct {
		const char *name;
		u8 shift;
	} granules[] = { { "4K", 12 }, { "16K", 14 }, { "64K", 16 } };

	for (unsigned int i = 0; i < G_N_ELEMENTS(granules); i++) {
		if (g_ascii_strcasecmp(granules[i].name, text))
			continue;
		*shift = granules[i].shift;
		return true;
	}
	usage_error(NULL, "--granule is 4K, 16K or 64K, not \"%s\"", text);
	return false;
}

static bool parse_level(const char *text, int *level)
{
	if (!strcmp(text, "-1")) {
		*level = -1;
		return true;
	}
	if (strlen(text) != 1 || text[0] < '0' || text[0] > '3') {
		usage_error(NULL, "--level is -1, 0, 1, 2 or 3, not \"%s\"", text);
		return false;
	}
	*level = text[0] - '0';
	return true;
}

static bool parse_features(struct arch_features *f, const struct profile *p)
{
	u64 bits = 48;

	*f = (struct arch_features){
		.page_shift = 12,
		.lpa2 = o.lpa2,
		.fwb = o.fwb,
		.hvhe = o.hvhe,
		.xnx = o.xnx ? !strcmp(o.xnx, "on") : p->xn_two_bits,
	};
	if (o.xnx && !f->xnx && strcmp(o.xnx, "off")) {
		usage_error(NULL, "--xnx is on or off, not \"%s\"", o.xnx);
		return false;
	}
	if (o.granule && !parse_granule(o.granule, &f->page_shift))
		return false;
	if (o.pa_bits && !cli_number("--pa-bits", o.pa_bits, 52, &bits))
		return false;
	if (bits < 32)
		bits = 32;
	f->pa_bits = (u8)bits;
	if (o.lpa2 && f->page_shift == 16) {
		usage_error(NULL, "--lpa2 is a matter of 4K and 16K granules");
		return false;
	}
	return true;
}

static void print_decoded(u64 value, unsigned int stage, int level, const struct arch_features *f,
			  const struct profile *p)
{
	g_autofree char *brief = desc_brief(f, value, stage, level);
	g_autofree char *fields = desc_decode(f, value, stage, level);
	g_autofree char *words = el2_annotation_words(el2_layout_of(p->id), value);

	printf("0x%016" G_GINT64_MODIFIER "x  stage %u, level %d\n%s\n%s%s", value, stage, level,
	       brief, fields, g_str_has_suffix(fields, "\n") ? "" : "\n");
	if (words[0])
		printf("to the hypervisor of %s: %s\n", p->name, words);
}

enum exit_status cmd_decode(const struct subcommand *c, int argc, char **argv)
{
	const char *kernel;
	const struct profile *p;
	struct arch_features f;
	u64 value, stage;
	int level;

	if (!cli_parse(c, NULL, entries, &argc, &argv))
		return EXIT_USAGE;
	if (argc != 2)
		return usage_error(NULL, "decode: one VALUE, please");
	if (!o.stage || !o.level)
		return usage_error(NULL, "decode: --stage and --level say what VALUE is");
	kernel = o.kernel ? o.kernel : "v7.0";
	p = el2_profile_find(kernel);
	if (!p)
		return usage_error(NULL, "no kernel is called \"%s\"", kernel);
	if (!cli_number("VALUE", argv[1], ~UINT64_C(0), &value) ||
	    !cli_number("--stage", o.stage, 2, &stage) || !parse_level(o.level, &level) ||
	    !parse_features(&f, p))
		return EXIT_USAGE;
	if (!stage)
		return usage_error(NULL, "--stage is 1 or 2");
	print_decoded(value, (unsigned int)stage, level, &f, p);
	return cli_close(stdout, "standard output", EXIT_PASSED);
}
