// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Set-up: statements are collected, then the board is made of what they say.
 * Releases, patches and knobs are layers of their own (matrix.c).
 */
#include <stddef.h>

#include "script_private.h"

static const struct {
	const char *name;
	size_t off;
} features[] = {
	{ "fwb", offsetof(struct arch_features, fwb) },
	{ "lpa2", offsetof(struct arch_features, lpa2) },
	{ "tlbirange", offsetof(struct arch_features, tlbirange) },
	{ "xnx", offsetof(struct arch_features, xnx) },
	{ "hvhe", offsetof(struct arch_features, hvhe) },
	{ "bti", offsetof(struct arch_features, bti) },
	{ "dic", offsetof(struct arch_features, dic) },
	{ "idc", offsetof(struct arch_features, idc) },
	{ "vmid16", offsetof(struct arch_features, vmid16) },
	{ "hafdbs", offsetof(struct arch_features, hafdbs) },
};

bool feature_name(unsigned int i, const char **name)
{
	if (i >= G_N_ELEMENTS(features))
		return false;
	*name = features[i].name;
	return true;
}

struct setup *setup_new(void)
{
	struct setup *s = g_new0(struct setup, 1);

	s->machine = "virt";
	s->ram = g_array_new(FALSE, TRUE, sizeof(struct setup_region));
	s->mmio = g_array_new(FALSE, TRUE, sizeof(struct setup_region));
	s->protect = g_array_new(FALSE, TRUE, sizeof(struct setup_region));
	s->axis = g_array_new(FALSE, TRUE, sizeof(struct axis));
	s->requires = g_ptr_array_new();
	memset(s->knob, -1, sizeof(s->knob));
	return s;
}

void setup_free(struct setup *s)
{
	if (!s)
		return;
	g_array_unref(s->ram);
	g_array_unref(s->mmio);
	g_array_unref(s->protect);
	g_array_unref(s->axis);
	g_ptr_array_unref(s->requires);
	board_config_free(s->view);
	g_free(s);
}

struct setup *setup_copy(const struct setup *s)
{
	struct setup *n = g_memdup2(s, sizeof(*s));

	n->ram = g_array_copy(s->ram);
	n->mmio = g_array_copy(s->mmio);
	n->protect = g_array_copy(s->protect);
	n->axis = g_array_copy(s->axis);
	n->requires = g_ptr_array_copy(s->requires, NULL, NULL);
	n->view = s->view ? board_config_copy(s->view) : NULL;
	return n;
}

/* ---- The board ------------------------------------------------------------------------- */

/* Board by name with what the statements change, not yet checked. */
static struct board_config *compose(const struct setup *s)
{
	struct board_config *b = board_config_machine(s->machine);

	sim_assert(b);
	if (s->cpus)
		b->n_cpus = s->cpus;
	if (s->page_shift)
		b->f.page_shift = s->page_shift;
	if (s->pa_bits)
		b->f.pa_bits = s->pa_bits;
	for (unsigned int i = 0; i < G_N_ELEMENTS(features); i++)
		if (s->feature_given & (1u << i))
			*(bool *)((char *)&b->f + features[i].off) = s->feature_on >> i & 1;
	if (s->no_ram)
		g_array_set_size(b->ram, 0);
	if (s->no_mmio)
		g_array_set_size(b->mmio, 0);
	for (guint i = 0; i < s->ram->len; i++)
		g_array_append_val(b->ram, g_array_index(s->ram, struct setup_region, i).ram);
	for (guint i = 0; i < s->mmio->len; i++)
		g_array_append_val(b->mmio, g_array_index(s->mmio, struct setup_region, i).mmio);
	return b;
}

/* The statement that gave region @which of @b; a board's own region: whatever changed it. */
static const struct stmt *region_stmt(const struct setup *s, const struct board_config *b,
				      unsigned int which)
{
	guint own_ram = b->ram->len - s->ram->len, own_mmio = b->mmio->len - s->mmio->len;

	if (which >= own_ram && which < b->ram->len)
		return g_array_index(s->ram, struct setup_region, which - own_ram).stmt;
	if (which >= b->ram->len + own_mmio && which < b->ram->len + b->mmio->len)
		return g_array_index(s->mmio, struct setup_region, which - b->ram->len - own_mmio)
			.stmt;
	return s->machine_stmt ? s->machine_stmt : s->first_stmt;
}

/* EL2's regions have page granularity; its knobs cannot move that. */
static bool check_protect(const struct setup *s, const struct board_config *b, GError **error)
{
	u64 mask = BIT(b->f.page_shift) - 1;

	for (guint i = 0; i < s->protect->len; i++) {
		const struct setup_region *r = &g_array_index(s->protect, struct setup_region, i);

		if ((r->protect.base | r->protect.size) & mask)
			return script_fail(error, r->stmt->line, r->stmt->arg[0]->off, NULL,
					   "a protected region is made of whole pages");
	}
	return true;
}

static bool board_fail(const struct stmt *st, const char *file, const char *what, GError **error)
{
	if (!st)
		return script_fail_file(error, file, "%s", what);
	return script_fail(error, st->line, st->n_args ? st->arg[0]->off : st->off, NULL, "%s",
			   what);
}

struct board_config *setup_board(const struct setup *s, const char *file, GError **error)
{
	struct board_config *b = compose(s);
	GError *e = NULL;
	unsigned int which = ~0u;
	guint n_ram = b->ram->len, n_mmio = b->mmio->len;

	if (!check_protect(s, b, error))
		goto bad;
	if (board_config_check(b, &which, &e))
		return b;
	sim_assert(n_ram == b->ram->len && n_mmio == b->mmio->len);
	board_fail(region_stmt(s, b, which), file, e->message, error);
	g_error_free(e);
bad:
	board_config_free(b);
	return NULL;
}

/* ---- Statements ----------------------------------------------------------------------------- */

static bool unknown(const struct stmt *st, const char *what, const struct nearest *near,
		    GError **error)
{
	return script_fail(error, st->line, st->word_off, near->best, "there is no %s `%s`", what,
			   st->word);
}

static bool set_machine(struct setup *s, const struct stmt *st, GError **error)
{
	const char *const *names = board_machine_names();
	struct nearest near;

	nearest_init(&near, st->word);
	for (unsigned int i = 0; names[i]; i++)
		nearest_try(&near, names[i]);
	if (!g_strv_contains(names, st->word))
		return unknown(st, "machine", &near, error);
	s->machine = st->word;
	s->machine_stmt = st;
	return true;
}

static bool set_kernel(struct setup *s, const struct stmt *st, GError **error)
{
	const struct profile *p = el2_profile_find(st->word);
	struct nearest near;

	if (!p) {
		nearest_init(&near, st->word);
		for (unsigned int i = 0; i < N_PROFILES; i++)
			nearest_try(&near, el2_profiles[i].name);
		return unknown(st, "release", &near, error);
	}
	if (!p->built)
		return script_fail(error, st->line, st->word_off, NULL,
				   "release `%s` is not in this build", p->name);
	s->kernel = p;
	return true;
}

static bool set_patch(struct setup *s, const struct stmt *st, GError **error)
{
	const struct patch *p = el2_patch_find(st->word);
	struct nearest near;

	if (!p) {
		nearest_init(&near, st->word);
		for (unsigned int i = 0; i < el2_n_patches; i++)
			nearest_try(&near, el2_patches[i].name);
		return unknown(st, "patch", &near, error);
	}
	if (!p->built)
		return script_fail(error, st->line, st->word_off, NULL,
				   "patch `%s` is not in this build", p->name);
	s->patch = p;
	return true;
}

static bool set_bugs(struct setup *s, const struct stmt *st, GError **error)
{
	struct nearest near;
	unsigned int k;

	for (guint i = 0; i < st->words->len; i++) {
		const char *name = st->words->pdata[i];

		nearest_init(&near, name);
		for (k = 0; k < el2_n_bugs && strcmp(el2_bugs[k].id, name); k++)
			nearest_try(&near, el2_bugs[k].id);
		if (k == el2_n_bugs)
			return script_fail(error, st->line, st->words_off[i], near.best,
					   "bug `%s` is not in this build", name);
		s->bug[k] = true;
	}
	return true;
}

static bool set_features(struct setup *s, const struct stmt *st, GError **error)
{
	for (guint i = 0; i < st->pair->len; i++) {
		const struct pair *p = &g_array_index(st->pair, struct pair, i);
		struct nearest near;
		unsigned int k;
		bool on = !strcmp(p->value[0], "on");

		nearest_init(&near, p->name);
		for (k = 0; k < G_N_ELEMENTS(features) && strcmp(features[k].name, p->name); k++)
			nearest_try(&near, features[k].name);
		if (k == G_N_ELEMENTS(features))
			return script_fail(error, st->line, p->off, near.best,
					   "there is no feature `%s`", p->name);
		if (p->n > 1 || (!on && strcmp(p->value[0], "off")))
			return script_fail(error, st->line, p->value_off[0], NULL,
					   "a feature is `on` or `off`");
		s->feature_given |= 1u << k;
		s->feature_on = on ? s->feature_on | 1u << k : s->feature_on & ~(1u << k);
	}
	return true;
}

static bool knob_twice(const struct stmt *st, const struct pair *p, GError **error)
{
	return script_fail(error, st->line, p->off, NULL,
			   "knob `%s` stands in `set` and in `matrix`", p->name);
}

static bool set_knobs(struct setup *s, const struct stmt *st, GError **error)
{
	struct cond c;

	for (guint i = 0; i < st->pair->len; i++) {
		const struct pair *p = &g_array_index(st->pair, struct pair, i);

		if (!pair_cond(st->line, p, &c, error))
			return false;
		if (c.kernel)
			return script_fail(error, st->line, p->off, NULL,
					   "the release is chosen by `kernel %s`", p->value[0]);
		if (p->n > 1)
			return script_fail(error, st->line, p->value_off[1], NULL,
					   "`set` takes one value; several are a `matrix`");
		for (guint k = 0; k < s->axis->len; k++)
			if (!strcmp(g_array_index(s->axis, struct axis, k).name, p->name))
				return knob_twice(st, p, error);
		s->knob[c.knob] = (s8)__builtin_ctz(c.values);
	}
	return true;
}

/* Values of one axis in the order written; each once. */
static bool fill_axis(struct axis *a, const struct stmt *st, const struct pair *p, GError **error)
{
	const struct profile *prof;
	u8 id = 0;

	for (unsigned int i = 0; i < p->n; i++) {
		prof = a->kernel ? el2_profile_find(p->value[i]) : NULL;
		if (prof && !prof->built)
			return script_fail(error, st->line, p->value_off[i], NULL,
					   "release `%s` is not in this build", prof->name);
		if (prof)
			id = (u8)prof->id;
		else
			el2_knob_value_find(a->knob, p->value[i], &id);
		for (unsigned int k = 0; k < a->n; k++)
			if (a->id[k] == id)
				return script_fail(error, st->line, p->value_off[i], NULL,
						   "value `%s` stands twice", p->value[i]);
		a->value[a->n] = p->value[i];
		a->id[a->n++] = id;
	}
	return true;
}

static bool set_matrix(struct setup *s, const struct stmt *st, GError **error)
{
	struct cond c;

	for (guint i = 0; i < st->pair->len; i++) {
		const struct pair *p = &g_array_index(st->pair, struct pair, i);
		struct axis a = { .name = p->name, .stmt = st };

		if (!pair_cond(st->line, p, &c, error))
			return false;
		a.kernel = c.kernel;
		a.knob = c.knob;
		if (!c.kernel && s->knob[c.knob] >= 0)
			return knob_twice(st, p, error);
		for (guint k = 0; k < s->axis->len; k++)
			if (!strcmp(g_array_index(s->axis, struct axis, k).name, p->name))
				return script_fail(error, st->line, p->off, NULL,
						   "axis `%s` stands twice", p->name);
		if (!fill_axis(&a, st, p, error))
			return false;
		g_array_append_val(s->axis, a);
	}
	return true;
}

/* ---- Numbers ------------------------------------------------------------------------------------ */

static bool set_number(struct setup *s, const struct stmt *st, u64 n, GError **error)
{
	static const u8 pa_sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
	u32 off = st->arg[0]->off;

	switch (st->id) {
	case CMD_CPUS:
		if (n < 1 || n > BOARD_MAX_CPUS)
			return script_fail(error, st->line, off, NULL, "a board has 1 to %d CPUs",
					   BOARD_MAX_CPUS);
		s->cpus = (unsigned int)n;
		return true;
	case CMD_PAGE_SIZE:
		if (n != 4096 && n != 16384 && n != 65536)
			return script_fail(error, st->line, off, NULL,
					   "a granule has 4K, 16K or 64K");
		s->page_shift = (u8)__builtin_ctzll(n);
		return true;
	case CMD_PA_BITS:
		for (unsigned int i = 0; i < G_N_ELEMENTS(pa_sizes); i++)
			if (n == pa_sizes[i]) {
				s->pa_bits = (u8)n;
				return true;
			}
		return script_fail(error, st->line, off, NULL,
				   "physical addresses have 32, 36, 40, 42, 44, 48 or 52 bits");
	case CMD_HYP_IMAGE:
		s->hyp_image = n;
		s->hyp_image_stmt = st;
		return true;
	default:
		s->hyp_memory = n;
		s->hyp_memory_stmt = st;
		return true;
	}
}

static bool set_pool(struct setup *s, const struct stmt *st, u64 pages, GError **error)
{
	struct nearest near;

	nearest_init(&near, st->word);
	if (!param_known(NULL, PARAM_POOL, st->word, &near))
		return unknown(st, "pool", &near, error);
	if (!pages || pages > BIT(40))
		return script_fail(error, st->line, st->arg[0]->off, NULL,
				   "a pool has at least one page, and no more than the board");
	s->pool_pages[strcmp(st->word, "host_s2") ? POOL_HYP_S1 : POOL_HOST_S2] = pages;
	return true;
}

static bool add_window(struct setup *s, const struct stmt *st, GHashTable *names,
		       struct setup_region *r, GError **error)
{
	if (strlen(st->word) >= sizeof(r->mmio.name))
		return script_fail(error, st->line, st->word_off, NULL,
				   "a window's name has at most "
				   "%zu characters",
				   sizeof(r->mmio.name) - 1);
	if (!name_bindable(st->line, st->word_off, st->word, s->view, error))
		return false;
	if (g_hash_table_lookup(names, st->word))
		return script_fail(error, st->line, st->word_off, NULL,
				   "`%s` is already bound by `let`", st->word);
	g_strlcpy(r->mmio.name, st->word, sizeof(r->mmio.name));
	r->mmio.model = st->model;
	g_array_append_val(s->mmio, *r);
	return true;
}

static bool add_region(struct setup *s, const struct stmt *st, GHashTable *names, u64 base,
		       u64 size, GError **error)
{
	struct setup_region r = { .stmt = st };

	switch (st->id) {
	case CMD_RAM:
		r.ram = (struct ram_region){ base, size, st->flag };
		g_array_append_val(s->ram, r);
		return true;
	case CMD_MMIO:
		r.mmio.base = base;
		r.mmio.size = size;
		return add_window(s, st, names, &r, error);
	default:
		r.protect = (struct protect_entry){ base, size };
		g_array_append_val(s->protect, r);
		return true;
	}
}

/* ---- One statement, a whole file ----------------------------------------------------------------- */

static bool set_words(struct setup *s, const struct stmt *st, GError **error)
{
	switch (st->id) {
	case CMD_TITLE:
		s->title = st->word;
		return true;
	case CMD_ORIGIN:
		s->origin = st->word;
		return true;
	case CMD_MACHINE:
		return set_machine(s, st, error);
	case CMD_FEATURE:
		return set_features(s, st, error);
	case CMD_NO:
		s->no_ram |= !st->flag;
		s->no_mmio |= st->flag;
		return true;
	case CMD_KERNEL:
		return set_kernel(s, st, error);
	case CMD_PATCH:
		return set_patch(s, st, error);
	case CMD_SET:
		return set_knobs(s, st, error);
	case CMD_BUG:
		return set_bugs(s, st, error);
	case CMD_MATRIX:
		return set_matrix(s, st, error);
	default:
		g_ptr_array_add(s->requires, (void *)st);
		return true;
	}
}

static bool apply(struct setup *s, const struct stmt *st, GHashTable *names, GError **error)
{
	struct context c = { .names = names, .board = s->view };
	u64 a, b = 0;

	if (!st->n_args)
		return set_words(s, st, error);
	if (!expr_u64(st->arg[0], &c, "this", &a, error) ||
	    (st->n_args > 1 && !expr_u64(st->arg[1], &c, "a size", &b, error)))
		return false;
	if (st->n_args > 1)
		return add_region(s, st, names, a, b, error);
	if (st->id == CMD_POOL)
		return set_pool(s, st, a, error);
	return set_number(s, st, a, error);
}

static bool apply_let(struct setup *s, const struct stmt *st, GHashTable *names, GError **error)
{
	struct context c = { .names = names, .board = s->view, .may_page = true };
	struct value v;

	if (!name_bindable(st->line, st->word_off, st->word, s->view, error) ||
	    !expr_eval(st->arg[0], &c, &v, error))
		return false;
	names_set(names, st->word, v);
	return true;
}

/* `repeat` over regions; bounded, since each adds something. */
#define MAX_SETUP_STATEMENTS 65536

static bool apply_repeat(struct setup *s, const struct stmt *st, GHashTable *names, GError **error)
{
	struct context c = { .names = names, .board = s->view };
	struct value *had;
	u64 n;

	if (!expr_u64(st->arg[0], &c, "a count", &n, error))
		return false;
	s->turns += MIN(n, MAX_SETUP_STATEMENTS + 1);
	if (s->turns > MAX_SETUP_STATEMENTS)
		return script_fail(error, st->line, st->arg[0]->off, NULL,
				   "the blocks of a set-up turn more than %d times",
				   MAX_SETUP_STATEMENTS);
	if (st->word && !name_bindable(st->line, st->word_off, st->word, s->view, error))
		return false;
	had = st->word ? g_hash_table_lookup(names, st->word) : NULL;
	had = had ? g_memdup2(had, sizeof(*had)) : NULL;
	for (u64 i = 0; i < n; i++) {
		if (st->word)
			names_set(names, st->word, number(i));
		for (guint k = 0; k < st->body->len; k++)
			if (!setup_apply(s, st->body->pdata[k], names, error)) {
				g_free(had);
				return false;
			}
	}
	if (had)
		names_set(names, st->word, *had);
	else if (st->word)
		g_hash_table_remove(names, st->word);
	g_free(had);
	return true;
}

bool setup_apply(struct setup *s, const struct stmt *st, GHashTable *names, GError **error)
{
	if (!s->view)
		s->view = compose(s);
	if (st->id == CMD_LET)
		return apply_let(s, st, names, error);
	if (st->id == CMD_REPEAT)
		return apply_repeat(s, st, names, error);
	if (!is_setup(st->id))
		return true;
	if (!s->first_stmt)
		s->first_stmt = st;
	if (s->ram->len + s->mmio->len + s->protect->len >= MAX_SETUP_STATEMENTS)
		return script_fail(error, st->line, st->off, NULL, "more than %d regions",
				   MAX_SETUP_STATEMENTS);
	if (!apply(s, st, names, error))
		return false;
	/* what the next statement's expressions see */
	if (st->id == CMD_RAM)
		g_array_append_val(s->view->ram,
				   g_array_index(s->ram, struct setup_region, s->ram->len - 1).ram);
	else if (st->id == CMD_MMIO)
		g_array_append_val(
			s->view->mmio,
			g_array_index(s->mmio, struct setup_region, s->mmio->len - 1).mmio);
	else if (st->id != CMD_PROTECT)
		g_clear_pointer(&s->view, board_config_free);
	return true;
}

bool setup_collect(struct setup *s, GPtrArray *stmts, unsigned int n, GHashTable *names,
		   GError **error)
{
	static const enum command_id first[] = { CMD_MACHINE, CMD_NO };

	/* the board, and what is dropped of it, whatever the order of lines */
	for (unsigned int pass = 0; pass <= G_N_ELEMENTS(first); pass++) {
		for (unsigned int i = 0; i < n; i++) {
			const struct stmt *st = stmts->pdata[i];
			bool early = st->id == CMD_MACHINE || st->id == CMD_NO;

			if (pass < G_N_ELEMENTS(first) ? st->id != first[pass] : early)
				continue;
			if (!setup_apply(s, st, names, error))
				return false;
		}
	}
	return true;
}
