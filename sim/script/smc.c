// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's calls to firmware, and the descriptors that it writes for them: smc and ffa.
 */
#include "doing.h"
#include "sim/el2/smc.h"

/* ---- Parsing ------------------------------------------------------------------------- */

static bool known_smc(struct scan *s, struct stmt *st)
{
	struct nearest near;

	nearest_init(&near, st->word);
	nearest_try(&near, "raw");
	for (const struct smc_call *c = el2_smcs; c->name; c++)
		nearest_try(&near, c->name);
	return el2_smc_find(st->word) ||
	       scan_fail(s, st->word_off, near.best, "there is no SMC `%s`", st->word);
}

/* NAME X1 ..., or raw X0 X1 ...; imm=N. */
bool parse_smc(struct scan *s, struct stmt *st)
{
	static const struct shape named = { 0, MAX_ARGS - 1, { "imm", NULL } };
	static const struct shape raw = { 1, MAX_ARGS, { "imm", NULL } };

	if (!parse_word(s, st, "the call's name"))
		return false;
	st->raw = !strcmp(st->word, "raw");
	if (!st->raw && !known_smc(s, st))
		return false;
	return parse_args(s, st, st->raw ? &raw : &named);
}

/* describe TX ADDR PAGES ..., ranges TX ADDR PAGES ... */
bool parse_ffa(struct scan *s, struct stmt *st)
{
	static const struct shape describe = { 3,
					       1 + 2 * FFA_MAX_RANGES,
					       { "version", "more", "more_pages" } };
	static const struct shape ranges = { 3, 1 + 2 * FFA_MAX_RANGES, { NULL } };
	bool head;

	if (!parse_word(s, st, "describe or ranges"))
		return false;
	head = !strcmp(st->word, "describe");
	if (!head && strcmp(st->word, "ranges"))
		return scan_fail(s, st->word_off, NULL, "describe or ranges is wanted here");
	if (!parse_args(s, st, head ? &describe : &ranges))
		return false;
	return st->n_args % 2 || scan_fail(s, s->at, NULL,
					   "a range is an address and how many "
					   "pages of 4 KiB");
}

/* ---- Doing --------------------------------------------------------------------------------- */

bool do_smc(struct doing *d)
{
	u64 x[18] = { 0 }, imm;

	g_string_append_printf(d->words, " %s", d->st->word);
	if (!d->st->raw)
		x[0] = el2_smc_find(d->st->word)->id;
	if (!doing_args(d, x + !d->st->raw) || !doing_named(d, "imm", 0, &imm))
		return false;
	if (imm > UINT16_MAX)
		return script_fail(d->error, d->st->line, d->st->named[0].off, NULL,
				   "an immediate has 16 bits");
	doing_watched(d, (struct oracle_action){
				 .kind = ORACLE_SMC, .regs = x, .after = machine_registers(d->m) });
	*d->out = machine_smc(d->m, d->cpu, (u16)imm, x, d->st->n_args + !d->st->raw);
	return true;
}

/* A NAME=EXPR of 32 bits. */
static bool named_32(struct doing *d, const char *name, u32 *n)
{
	u64 val;

	if (!doing_named(d, name, 0, &val))
		return false;
	*n = (u32)val;
	return val <= UINT32_MAX ||
	       script_fail(d->error, d->st->line, d->st->off, NULL, "`%s` has 32 bits", name);
}

bool do_ffa(struct doing *d)
{
	struct machine_ffa_ranges r = { .head = !strcmp(d->st->word, "describe") };
	u64 args[MAX_ARGS] = { 0 };

	g_string_append_printf(d->words, " %s", d->st->word);
	if (!doing_args(d, args) || !named_32(d, "version", &r.version) ||
	    !named_32(d, "more", &r.more) || !named_32(d, "more_pages", &r.more_pages))
		return false;
	if (args[0] % 8)
		return script_fail(d->error, d->st->line, d->st->arg[0]->off, NULL,
				   "a descriptor stands at a multiple of 8");
	r.n = d->st->n_args / 2;
	for (unsigned int i = 0; i < r.n; i++) {
		r.range[i].address = args[1 + 2 * i];
		r.range[i].pages = args[2 + 2 * i];
		if (r.range[i].pages > UINT32_MAX)
			return script_fail(d->error, d->st->line, d->st->arg[2 + 2 * i]->off, NULL,
					   "a count of pages has 32 bits");
	}
	/* the kernel writes word by word, and takes a page of a guest's if it has to */
	watch_flow(d->r);
	*d->out = machine_ffa_describe(d->m, d->cpu, args[0], &r);
	return true;
}
