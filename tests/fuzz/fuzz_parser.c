// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Anything at all as a scenario: read, set up, checked, its combinations made.
 * Whatever it holds is understood or is an error with a place; an input that is
 * understood has a board and configurations that are possible or say why not.
 */
#include "sim/script/script_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No input opens a file. */
static void forbid_includes(struct program *p)
{
	p->n_includes = MAX_INCLUDES;
}

static void combinations(const struct setup *s)
{
	const struct run_options opt = { .check = "off" };
	struct overrides over;
	GArray *axes;
	u64 n;

	overrides_init(&over, &opt, NULL);
	axes = matrix_axes(s, &over);
	n = matrix_size(axes);
	for (u64 i = 0; i < MIN(n, 32); i++) {
		unsigned int pick[N_KNOBS + 1];
		const struct patch *patch;
		const char *why = NULL;
		u8 base[N_KNOBS];
		struct el2_config *c;

		matrix_pick(axes, i, pick);
		c = matrix_config(s, &over, axes, pick, &patch, base);
		sim_assert(el2_config_possible(c, &why) || why);
		conds_hold(NULL, c);
		el2_config_free(c);
	}
	g_array_unref(axes);
}

static void set_up(struct program *p, GError **error)
{
	GHashTable *names = names_new();
	struct setup *s = setup_new();
	struct board_config *b = NULL;

	if (setup_collect(s, p->stmt, p->n_setup, names, error))
		b = setup_board(s, "input", error);
	if (b && check_statements(p->stmt, p->n_setup, names, b, error))
		combinations(s);
	board_config_free(b);
	setup_free(s);
	g_hash_table_unref(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program *p = program_new();
	struct parser ps = { .prog = p };
	GError *e = NULL;

	forbid_includes(p);
	if (parse_memory(&ps, source_new(p, "input", NULL, NULL), (const char *)data, size, &e))
		set_up(p, &e);
	/* every error has a place or names the file */
	sim_assert(!e || (g_str_has_prefix(e->message, "input:") && strstr(e->message, "error: ")));
	g_clear_error(&e);
	program_free(p);
	return 0;
}
