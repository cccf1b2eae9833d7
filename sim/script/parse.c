// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines to statements: set-up, checks and control. Actions and what they must
 * give are in parse_action.c. Nothing is evaluated here.
 */
#include "script_private.h"

/* ---- The program: all that a parse makes --------------------------------------------- */

struct program *program_new(void)
{
	struct program *p = g_new0(struct program, 1);

	p->memory = g_ptr_array_new_with_free_func(g_free);
	p->arrays = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	p->lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	p->stmt = program_ptrs(p);
	p->vms = program_ptrs(p);
	return p;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	g_ptr_array_unref(p->memory);
	g_ptr_array_unref(p->arrays);
	g_ptr_array_unref(p->lists);
	g_free(p);
}

void *program_alloc(struct program *p, size_t bytes)
{
	void *mem = g_malloc0(bytes);

	g_ptr_array_add(p->memory, mem);
	return mem;
}

const char *program_strndup(struct program *p, const char *s, size_t n)
{
	char *copy = program_alloc(p, n + 1);

	memcpy(copy, s, n);
	return copy;
}

GPtrArray *program_ptrs(struct program *p)
{
	GPtrArray *list = g_ptr_array_new();

	g_ptr_array_add(p->lists, list);
	return list;
}

GArray *program_array(struct program *p, size_t element)
{
	GArray *array = g_array_new(FALSE, TRUE, (guint)element);

	g_ptr_array_add(p->arrays, array);
	return array;
}

/* ---- NAME=V1,V2 and conditions ----------------------------------------------------------- */

static bool value_char(const struct scan *s)
{
	char c = scan_peek(s, 0);

	return c && !is_blank(c) && !strchr(",]=\"", c);
}

bool parse_pair(struct scan *s, struct pair *pair)
{
	GPtrArray *values = program_ptrs(s->prog);
	GArray *offs = program_array(s->prog, sizeof(u32));
	u32 from;

	*pair = (struct pair){ .name = scan_name(s, &pair->off) };
	if (!pair->name)
		return scan_fail(s, s->at, NULL, "NAME=VALUE is wanted here");
	pair->off = s->at - (u32)strlen(pair->name);
	if (scan_peek(s, 0) != '=')
		return scan_fail(s, s->at, NULL, "`=` and a value must follow `%s`", pair->name);
	do {
		from = ++s->at;
		while (value_char(s))
			s->at++;
		if (s->at == from)
			return scan_fail(s, from, NULL, "a value is missing here");
		g_ptr_array_add(values, (void *)program_strndup(s->prog, s->line->text + from,
								s->at - from));
		g_array_append_val(offs, from);
	} while (scan_peek(s, 0) == ',');
	pair->n = values->len;
	g_ptr_array_add(values, NULL);
	pair->value = (const char **)values->pdata;
	pair->value_off = &g_array_index(offs, u32, 0);
	return true;
}

static bool value_unknown(const struct line *l, const struct pair *pair, unsigned int i,
			  const struct cond *c, GError **error)
{
	struct nearest near;

	nearest_init(&near, pair->value[i]);
	if (c->kernel) {
		for (unsigned int k = 0; k < N_PROFILES; k++)
			nearest_try(&near, el2_profiles[k].name);
		return script_fail(error, l, pair->value_off[i], near.best,
				   "there is no release `%s`", pair->value[i]);
	}
	for (unsigned int k = 0; el2_knobs[c->knob].value[k].name; k++)
		nearest_try(&near, el2_knobs[c->knob].value[k].name);
	return script_fail(error, l, pair->value_off[i], near.best, "knob `%s` has no value `%s`",
			   pair->name, pair->value[i]);
}

bool pair_cond(const struct line *l, const struct pair *pair, struct cond *c, GError **error)
{
	const struct profile *p;
	struct nearest near;
	u8 v;

	*c = (struct cond){ .kernel = !strcmp(pair->name, "kernel") };
	if (!c->kernel && !el2_knob_find(pair->name, &c->knob)) {
		nearest_init(&near, pair->name);
		for (unsigned int k = 0; k < N_KNOBS; k++)
			nearest_try(&near, el2_knobs[k].name);
		nearest_try(&near, "kernel");
		return script_fail(error, l, pair->off, near.best, "there is no knob `%s`",
				   pair->name);
	}
	for (unsigned int i = 0; i < pair->n; i++) {
		if (c->kernel) {
			p = el2_profile_find(pair->value[i]);
			if (!p)
				return value_unknown(l, pair, i, c, error);
			v = (u8)p->id;
		} else if (!el2_knob_value_find(c->knob, pair->value[i], &v)) {
			return value_unknown(l, pair, i, c, error);
		}
		c->values |= 1u << v;
	}
	return true;
}

bool parse_bracket(struct scan *s, GArray *cond)
{
	struct pair pair;
	struct cond c;

	if (!scan_char(s, '['))
		return true;
	do {
		if (!parse_pair(s, &pair) || !pair_cond(s->line, &pair, &c, s->error))
			return false;
		g_array_append_val(cond, c);
	} while (!scan_char(s, ']') && !scan_end(s));
	if (s->line->text[s->at - 1] != ']')
		return scan_fail(s, s->at, NULL, "`]` is missing here");
	return true;
}

/* ---- Parts of statements --------------------------------------------------------------------- */

static bool parse_expr_arg(struct scan *s, struct stmt *st)
{
	struct expr *e = expr_parse(s);

	if (!e)
		return false;
	st->arg[st->n_args++] = e;
	return true;
}

/* BASE+SIZE: no blanks, split at the last `+` outside parentheses. */
static bool parse_range(struct scan *s, struct stmt *st)
{
	u32 from, plus = 0, depth = 0, i;

	scan_blanks(s);
	from = s->at;
	for (i = from; i < s->end && !is_blank(s->line->text[i]); i++) {
		char c = s->line->text[i];

		depth += c == '(';
		depth -= c == ')' && depth;
		if (c == '+' && !depth && i > from)
			plus = i;
	}
	if (i == from || !plus)
		return scan_fail(s, from, NULL, "BASE+SIZE without blanks is wanted here");
	st->arg[0] = expr_parse_part(s, from, plus);
	st->arg[1] = st->arg[0] ? expr_parse_part(s, plus + 1, i) : NULL;
	st->n_args = 2;
	s->at = i;
	return st->arg[1];
}

static bool parse_name_arg(struct scan *s, struct stmt *st, const char *what)
{
	st->word = scan_name(s, &st->word_off);
	return st->word || scan_fail(s, s->at, NULL, "%s is missing here", what);
}

static bool parse_text(struct scan *s, struct stmt *st)
{
	scan_blanks(s);
	st->word_off = s->at;
	st->word = scan_text(s);
	return true;
}

static bool parse_one_word(struct scan *s, struct stmt *st)
{
	st->word = scan_word(s, &st->word_off);
	return st->word || scan_fail(s, s->at, NULL, "a name is missing here");
}

static bool parse_words(struct scan *s, struct stmt *st)
{
	GArray *offs = program_array(s->prog, sizeof(u32));
	const char *w;
	u32 off;

	st->words = program_ptrs(s->prog);
	while ((w = scan_word(s, &off))) {
		g_ptr_array_add(st->words, (void *)w);
		g_array_append_val(offs, off);
	}
	if (!st->words->len)
		return scan_fail(s, s->at, NULL, "a word is missing here");
	st->words_off = &g_array_index(offs, u32, 0);
	return true;
}

static bool topic_known(struct scan *s, const struct stmt *st)
{
	const char *topic = st->words->pdata[0];
	struct nearest near;

	nearest_init(&near, topic);
	for (const struct show_topic *t = show_topics(); t->name; t++) {
		if (!strcmp(t->name, topic))
			return true;
		nearest_try(&near, t->name);
	}
	return scan_fail(s, st->words_off[0], near.best, "there is nothing called `%s` to show",
			 topic);
}

/* show TOPIC ARGS: what reads as an expression may be one, what does not is a word. */
static bool parse_show(struct scan *s, struct stmt *st)
{
	struct scan quiet = *s;

	if (!parse_words(s, st) || !topic_known(s, st))
		return false;
	quiet.error = NULL;
	st->show = program_alloc(s->prog, st->words->len * sizeof(struct expr *));
	for (guint i = 1; i < st->words->len; i++) {
		u32 end = st->words_off[i];

		while (end < s->end && !is_blank(s->line->text[end]))
			end++;
		st->show[i] = expr_parse_part(&quiet, st->words_off[i], end);
	}
	return true;
}

static bool parse_pairs(struct scan *s, struct stmt *st)
{
	struct pair pair;

	st->pair = program_array(s->prog, sizeof(struct pair));
	do {
		if (!parse_pair(s, &pair))
			return false;
		g_array_append_val(st->pair, pair);
	} while (!scan_end(s));
	return true;
}

static bool parse_ram(struct scan *s, struct stmt *st)
{
	u32 off;

	if (!parse_range(s, st))
		return false;
	st->flag = !scan_end(s);
	if (!st->flag)
		return true;
	if (g_strcmp0(scan_name(s, &off), "nomap"))
		return scan_fail(s, off, NULL, "only `nomap` may follow");
	return true;
}

static bool parse_mmio(struct scan *s, struct stmt *st)
{
	struct nearest near;
	struct pair pair;

	if (!parse_name_arg(s, st, "the window's name") || !parse_range(s, st))
		return false;
	if (scan_end(s))
		return true;
	if (!parse_pair(s, &pair))
		return false;
	if (strcmp(pair.name, "model") || pair.n != 1)
		return scan_fail(s, pair.off, "model=regs", "only one `model=MODEL` may follow");
	nearest_init(&near, pair.value[0]);
	for (unsigned int i = 0; i < N_WINDOW_MODELS; i++) {
		nearest_try(&near, window_model_name[i]);
		if (!strcmp(window_model_name[i], pair.value[0])) {
			st->model = i;
			return true;
		}
	}
	return scan_fail(s, pair.value_off[0], near.best, "model `%s` is not in this build",
			 pair.value[0]);
}

static bool parse_no(struct scan *s, struct stmt *st)
{
	st->word = scan_name(s, &st->word_off);
	st->flag = !g_strcmp0(st->word, "mmio");
	return st->flag || !g_strcmp0(st->word, "ram") ||
	       scan_fail(s, st->word_off, NULL, "`no ram` or `no mmio`");
}

static bool parse_requires(struct scan *s, struct stmt *st)
{
	struct scan ahead = *s;
	struct pair pair;
	struct cond c;
	u32 off;

	if (scan_name(&ahead, &off) && scan_peek(&ahead, 0) == '=') {
		st->cond = program_array(s->prog, sizeof(struct cond));
		if (!parse_pair(s, &pair) || !pair_cond(s->line, &pair, &c, s->error))
			return false;
		g_array_append_val(st->cond, c);
		return true;
	}
	return parse_name_arg(s, st, "a call or KNOB=VALUE");
}

static bool parse_named_expr(struct scan *s, struct stmt *st)
{
	return parse_name_arg(s, st, "the pool's name") && parse_expr_arg(s, st);
}

/* A name that a number may be bound to. */
static bool parse_binding(struct scan *s, const struct stmt *st)
{
	const char *what;

	if (name_reserved(st->word, &what))
		return scan_fail(s, st->word_off, NULL, "`%s` is %s", st->word, what);
	return !program_has_vm(s->prog, st->word) ||
	       scan_fail(s, st->word_off, NULL, "`%s` is a VM", st->word);
}

static bool parse_let(struct scan *s, struct stmt *st)
{
	if (!parse_name_arg(s, st, "a name"))
		return false;
	if (!parse_binding(s, st))
		return false;
	if (!scan_char(s, '=') || scan_peek(s, 0) == '=')
		return scan_fail(s, s->at, NULL, "`=` is missing here");
	return parse_expr_arg(s, st);
}

static bool parse_expect(struct scan *s, struct stmt *st)
{
	st->cond = program_array(s->prog, sizeof(struct cond));
	return parse_expr_arg(s, st) && parse_bracket(s, st->cond);
}

static bool parse_repeat(struct scan *s, struct stmt *st)
{
	const char *as;
	u32 off;

	st->body = program_ptrs(s->prog);
	if (!parse_expr_arg(s, st))
		return false;
	if (scan_end(s))
		return true;
	as = scan_name(s, &off);
	if (g_strcmp0(as, "as"))
		return scan_fail(s, off, NULL, "only `as NAME` may follow");
	if (!parse_name_arg(s, st, "the counter's name"))
		return false;
	return parse_binding(s, st);
}

static bool parse_nothing(struct scan *s, struct stmt *st)
{
	return true;
}

static bool (*const parse_fn[N_COMMANDS])(struct scan *s, struct stmt *st) = {
	[CMD_TITLE] = parse_text,	  [CMD_ORIGIN] = parse_text,
	[CMD_MACHINE] = parse_one_word,	  [CMD_CPUS] = parse_expr_arg,
	[CMD_PAGE_SIZE] = parse_expr_arg, [CMD_PA_BITS] = parse_expr_arg,
	[CMD_FEATURE] = parse_pairs,	  [CMD_RAM] = parse_ram,
	[CMD_MMIO] = parse_mmio,	  [CMD_NO] = parse_no,
	[CMD_HYP_IMAGE] = parse_expr_arg, [CMD_HYP_MEMORY] = parse_expr_arg,
	[CMD_POOL] = parse_named_expr,	  [CMD_KERNEL] = parse_one_word,
	[CMD_PATCH] = parse_one_word,	  [CMD_SET] = parse_pairs,
	[CMD_BUG] = parse_words,	  [CMD_PROTECT] = parse_range,
	[CMD_MATRIX] = parse_pairs,	  [CMD_REQUIRES] = parse_requires,
	[CMD_EXPECT] = parse_expect,	  [CMD_LET] = parse_let,
	[CMD_REPEAT] = parse_repeat,	  [CMD_END] = parse_nothing,
	[CMD_PARALLEL] = parse_parallel,  [CMD_EXPLORE] = parse_explore,
	[CMD_SCHEDULE] = parse_schedule,  [CMD_ALWAYS] = parse_clause,
	[CMD_NEVER] = parse_clause,	  [CMD_SOMETIMES] = parse_clause,
	[CMD_ECHO] = parse_text,	  [CMD_SHOW] = parse_show,
	[CMD_INCLUDE] = parse_one_word,	  [CMD_RESET] = parse_nothing,
};

bool parse_statement(struct parser *ps, struct scan *s, struct stmt *st)
{
	if (is_action(st->id) ? !parse_action(s, st) : !parse_fn[st->id](s, st))
		return false;
	if (!scan_end(s))
		return scan_fail(s, s->at, NULL, "too many arguments: nothing more belongs here");
	return true;
}

/* ---- Lines ------------------------------------------------------------------------------------ */

/* cpuN: before an action; leaves the scanner behind it. */
static bool parse_cpu_prefix(struct scan *s, struct stmt *st)
{
	struct scan ahead = *s;
	const char *name;
	guint64 cpu;
	u32 off;

	st->cpu = -1;
	name = scan_name(&ahead, &off);
	if (!name || scan_peek(&ahead, 0) != ':')
		return true;
	if (strncmp(name, "cpu", 3) ||
	    !g_ascii_string_to_unsigned(name + 3, 10, 0, BOARD_MAX_CPUS - 1, &cpu, NULL))
		return scan_fail(s, off, NULL, "`cpuN:` is wanted before a colon, N below %d",
				 BOARD_MAX_CPUS);
	st->cpu = (int)cpu;
	ahead.at++;
	*s = ahead;
	return true;
}

static bool parse_keyword(struct scan *s, struct stmt *st)
{
	struct nearest near;
	const char *name = scan_name(s, &st->off);

	if (!name)
		return scan_fail(s, s->at, NULL, "a statement begins with a word");
	if (!command_find(name, &st->id)) {
		nearest_init(&near, name);
		for (unsigned int i = 0; i < N_COMMANDS; i++)
			nearest_try(&near, script_commands()[i].name);
		return scan_fail(s, st->off, near.best, "there is no statement `%s`", name);
	}
	if (s->at < s->end && !is_blank(scan_peek(s, 0)) && scan_peek(s, 0) != '=' &&
	    scan_peek(s, 0) != ',')
		return scan_fail(s, s->at, NULL, "a blank is missing after `%s`", name);
	if (st->cpu >= 0 && !is_action(st->id))
		return scan_fail(s, st->off, NULL, "only an action is done by a CPU");
	return true;
}

/* A line that begins with `=>` carries on the action above. */
static bool parse_carry_on(struct parser *ps, struct scan *s)
{
	struct expectation *x;

	if (!ps->last && !ps->interactive)
		return scan_fail(s, s->at, NULL, "no action stands above that this could judge");
	if (!parse_expectation(s, &x))
		return false;
	if (!scan_end(s))
		return scan_fail(s, s->at, NULL, "nothing more belongs here");
	if (!block_allows_expectation(ps, s, x))
		return false;
	g_ptr_array_add(ps->last ? ps->last->expect : ps->loose, x);
	return true;
}

/* Set-up ends with the first action or check; a block is one or the other. */
static bool check_order(struct parser *ps, const struct scan *s, const struct stmt *st)
{
	bool acts = is_action(st->id) || st->id == CMD_EXPECT || st->id == CMD_SHOW ||
		    is_block(st->id);

	if (is_setup(st->id)) {
		if (ps->acted && !ps->interactive)
			return scan_fail(s, st->off, NULL,
					 "set-up belongs before the first action (line %u)",
					 ps->acted->no);
		if (ps->n_blocks && st->id != CMD_RAM && st->id != CMD_MMIO &&
		    st->id != CMD_PROTECT)
			return scan_fail(
				s, st->off, NULL,
				"of the set-up only ram, mmio and protect may be repeated");
		for (unsigned int i = 0; i < ps->n_blocks; i++)
			ps->block[i]->sets_up = true;
	}
	if (!acts)
		return true;
	if (ps->n_blocks && ps->block[0]->sets_up)
		return scan_fail(s, st->off, NULL, "a block holds set-up or actions, not both");
	if (!ps->acted)
		ps->acted = st->line;
	return true;
}

static bool open_block(struct parser *ps, const struct scan *s, struct stmt *st)
{
	if (ps->n_blocks == MAX_BLOCK_DEPTH)
		return scan_fail(s, st->off, NULL, "blocks nest too deep (more than %d)",
				 MAX_BLOCK_DEPTH);
	ps->block[ps->n_blocks++] = st;
	return true;
}

static void add_statement(struct parser *ps, struct stmt *st, bool setup)
{
	GPtrArray *list = ps->n_blocks ? ps->block[ps->n_blocks - 1]->body : ps->prog->stmt;

	g_ptr_array_add(list, st);
	if (setup)
		ps->prog->n_setup = ps->prog->stmt->len;
	ps->prog->pressure |= st->id == CMD_DRAIN || st->id == CMD_FAIL || st->id == CMD_POOL ||
			      st->id == CMD_BUG;
}

static bool parse_include(struct parser *ps, const struct scan *s, const struct stmt *st)
{
	const struct source *src = st->line->src;
	char *dir, *path;
	bool ok;

	if (src->depth >= MAX_INCLUDE_DEPTH)
		return scan_fail(s, st->off, NULL, "files include each other more than %d deep",
				 MAX_INCLUDE_DEPTH);
	if (++ps->prog->n_includes > MAX_INCLUDES)
		return scan_fail(s, st->off, NULL, "more than %d files are included", MAX_INCLUDES);
	if (g_path_is_absolute(st->word) || !src->path) {
		path = g_strdup(st->word);
	} else {
		dir = g_path_get_dirname(src->name);
		path = strcmp(dir, ".") ? g_build_filename(dir, st->word, NULL)
					: g_strdup(st->word);
		g_free(dir);
	}
	ps->including = st;
	ok = parse_file(ps, path, src, s->error);
	ps->including = NULL;
	g_free(path);
	return ok;
}

bool parse_line(struct parser *ps, const struct line *l, GError **error)
{
	struct scan s = { .prog = ps->prog, .line = l, .end = l->end, .error = error };
	struct stmt *st;

	if (scan_end(&s))
		return true;
	if (scan_peek(&s, 0) == '=' && scan_peek(&s, 1) == '>')
		return parse_carry_on(ps, &s);
	st = program_alloc(ps->prog, sizeof(*st));
	st->line = l;
	if (!parse_cpu_prefix(&s, st) || !parse_keyword(&s, st) || !parse_statement(ps, &s, st))
		return false;
	if (!check_order(ps, &s, st) || !block_allows(ps, &s, st))
		return false;
	ps->last = is_action(st->id) ? st : NULL;
	if (is_clause(st->id)) {
		g_ptr_array_add(ps->closed->clauses, st);
		return true;
	}
	ps->closed = NULL;
	switch (st->id) {
	case CMD_RESET:
		if (!ps->interactive || ps->n_blocks)
			return scan_fail(&s, st->off, NULL, "`reset` belongs at the prompt");
		break;
	case CMD_INCLUDE:
		return parse_include(ps, &s, st);
	case CMD_END:
		if (ps->n_blocks == ps->floor)
			return scan_fail(&s, st->off, NULL, "no block is open here");
		st = ps->block[--ps->n_blocks];
		if (st->sets_up && !ps->n_blocks)
			ps->prog->n_setup = ps->prog->stmt->len;
		ps->closed = is_block(st->id) ? st : NULL;
		return true;
	default:
		break;
	}
	add_statement(ps, st, is_setup(st->id) && !ps->n_blocks);
	return !st->body || open_block(ps, &s, st);
}

bool parse_finish(struct parser *ps, const struct source *src, GError **error)
{
	const struct stmt *open;

	if (ps->n_blocks == ps->floor)
		return true;
	open = ps->block[ps->n_blocks - 1];
	return script_fail(error, open->line, open->off, NULL, "this block has no `end`");
}
