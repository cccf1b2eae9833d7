// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim random: a machine as a file sets it up, booted and then driven by chance;
 * what broke is written down as a scenario.
 */
#include "random.h"

struct random {
	const struct random_options *opt;
	struct batch b;
	struct job *job;
	struct leaf leaf;
	struct x_judged j;
	struct x_random r;
	struct outcome boot;
	const struct violation *at_boot; /* or NULL */
	enum check_mode check;
};

/* ---- The scenario that shows a breach -------------------------------------------------------- */

static char *result_words(const struct outcome *o)
{
	return value_words(outcome_value(o));
}

static void write_scenario(const struct random *t, FILE *out)
{
	struct recording *rec = recording_new(out);
	char *got = result_words(&t->boot);

	record_setup(rec, t->job->setup, t->leaf.run->config, t->leaf.patch, t->leaf.base);
	fprintf(out, "boot => %s", got);
	if (t->at_boot)
		fprintf(out, ", violation %s", model_rules[t->at_boot->rule].name);
	fputc('\n', out);
	g_free(got);
	for (guint i = 0; !t->at_boot && i < t->r.path->len; i++) {
		const struct x_step *s = &g_array_index(t->r.path, struct x_step, i);
		char *words = action_words(&s->a);

		got = result_words(&s->o);
		fprintf(out, "%s => %s", words, got);
		for (unsigned int rule = 0; rule < N_RULES; rule++)
			if (s->broken & BIT(rule))
				fprintf(out, ", violation %s", model_rules[rule].name);
		fputc('\n', out);
		g_free(words);
		g_free(got);
	}
	recording_free(rec);
}

/* ---- Reports --------------------------------------------------------------------------------------- */

static char *configuration(const struct random *t)
{
	struct report_run run = leaf_heading(&t->b, t->job, &t->leaf);

	run.check = check_mode_name[t->check];
	return report_configuration(&run);
}

/* "ok", "-EPERM", "panic": of an index of struct x_count. New string. */
static char *class_words(unsigned int result)
{
	const char *name;

	if (result == OUTCOME_VALUE)
		return g_strdup("ok");
	if (result < N_OUTCOMES)
		return g_strdup(outcome_name[result]);
	name = errno_name((int)(result - N_OUTCOMES));
	return name ? g_strdup_printf("-%s", name) : g_strdup_printf("-%u", result - N_OUTCOMES);
}

static char *counts_words(const struct x_count *c, u64 *all)
{
	GString *s = g_string_new(NULL);

	*all = 0;
	for (unsigned int i = 0; i < X_RESULTS; i++) {
		char *words;

		*all += c->result[i];
		if (!c->result[i])
			continue;
		words = class_words(i);
		g_string_append_printf(s, "%s%s %" G_GUINT64_FORMAT, s->len ? ", " : "", words,
				       c->result[i]);
		g_free(words);
	}
	return g_string_free(s, FALSE);
}

/* What broke: at boot, or at the last action. */
static const struct violation *breach(const struct random *t)
{
	return t->at_boot ? t->at_boot : t->r.broke ? &t->r.violation : NULL;
}

static void tell_breach(const struct random *t)
{
	const struct violation *v = breach(t);
	const struct x_step *last;
	char *words, *got;

	if (t->at_boot) {
		words = g_strdup("boot");
		got = result_words(&t->boot);
	} else {
		last = &g_array_index(t->r.path, struct x_step, t->r.path->len - 1);
		words = action_words(&last->a);
		got = result_words(&last->o);
	}
	fprintf(t->opt->out, "\naction %" G_GUINT64_FORMAT ": FAIL: %s => %s\n", t->r.done, words,
		got);
	g_free(words);
	words = violation_words(v);
	fprintf(t->opt->out, "%s\n", words);
	if (t->r.also)
		fprintf(t->opt->out, "  and %u further breaches\n", t->r.also);
	g_free(words);
	g_free(got);
}

static void report_text(const struct random *t)
{
	FILE *out = t->opt->out;
	char *words = configuration(t);
	u64 all;

	fprintf(out, "pkvm-sim %s: random actions\n  %s\n", PKVM_SIM_VERSION, words);
	g_free(words);
	fprintf(out,
		"  %" G_GUINT64_FORMAT " actions, %" G_GUINT64_FORMAT
		" times from boot, %" G_GUINT64_FORMAT " panics that the rules allow\n\n",
		t->r.done, t->r.restarts + 1, t->r.panics);
	for (guint i = 0; i < t->r.counts->len; i++) {
		const struct x_count *c = &g_array_index(t->r.counts, struct x_count, i);

		words = counts_words(c, &all);
		fprintf(out, "  %-24s %9" G_GUINT64_FORMAT "  %s\n", c->name, all, words);
		g_free(words);
	}
	for (guint i = 0; i < t->r.known->len; i++) {
		const struct x_known *k = &g_array_index(t->r.known, struct x_known, i);

		if (k->times)
			fprintf(out, "  known: %s, %" G_GUINT64_FORMAT " times: %s\n", k->rule,
				k->times, k->reason);
	}
	if (!breach(t))
		return;
	tell_breach(t);
	fprintf(out, "\n# %u actions of %" G_GUINT64_FORMAT " since boot show it:\n",
		t->at_boot ? 0 : t->r.path->len, t->r.path_was);
	write_scenario(t, out);
}

static void append_counts(GString *s, const struct x_count *c)
{
	bool first = true;

	json_append_string(s, c->name);
	g_string_append_c(s, ':');
	for (unsigned int i = 0; i < X_RESULTS; i++) {
		char *words;

		if (!c->result[i])
			continue;
		words = class_words(i);
		g_string_append_c(s, first ? '{' : ',');
		json_append_string(s, words);
		g_string_append_printf(s, ":%" G_GUINT64_FORMAT, c->result[i]);
		g_free(words);
		first = false;
	}
	g_string_append_c(s, '}');
}

static void report_jsonl(const struct random *t)
{
	GString *s = g_string_new("{\"type\":\"random\",\"version\":");
	char *words = configuration(t), *scenario = NULL;
	size_t n = 0;
	FILE *text;

	json_append_string(s, PKVM_SIM_VERSION);
	g_string_append(s, ",\"configuration\":");
	json_append_string(s, words);
	g_string_append_printf(s,
			       ",\"actions\":%" G_GUINT64_FORMAT ",\"restarts\":%" G_GUINT64_FORMAT
			       ",\"panics\":%" G_GUINT64_FORMAT ",\"known\":%" G_GUINT64_FORMAT
			       ",\"counts\":{",
			       t->r.done, t->r.restarts, t->r.panics, t->r.knowns);
	for (guint i = 0; i < t->r.counts->len; i++) {
		if (i)
			g_string_append_c(s, ',');
		append_counts(s, &g_array_index(t->r.counts, struct x_count, i));
	}
	g_string_append(s, "}");
	if (breach(t)) {
		text = open_memstream(&scenario, &n);
		write_scenario(t, text);
		fclose(text);
		g_string_append(s, ",\"rule\":");
		json_append_string(s, model_rules[breach(t)->rule].name);
		g_string_append(s, ",\"text\":");
		json_append_string(s, breach(t)->text);
		g_string_append(s, ",\"scenario\":");
		json_append_string(s, scenario);
	}
	fprintf(t->opt->out, "%s}\n", s->str);
	g_string_free(s, TRUE);
	g_free(words);
	free(scenario);
}

/* ---- What is allowed --------------------------------------------------------------------------------- */

static bool allow(struct random *t, const char *text, GError **error)
{
	g_auto(GStrv) part = g_strsplit(text, ":", 2);
	g_auto(GStrv) where = g_strsplit(part[0] ? part[0] : "", "@", 2);
	struct x_known k = { .reason = part[0] && part[1] ? part[1] : "--allow" };
	enum rule_id rule;

	if (!where[0] || !model_rule_find(where[0], &rule)) {
		g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_USAGE,
			    "--allow=%s: RULE[@ACTION][:REASON] is the form, and `pkvm-sim rules` "
			    "has the rules",
			    text);
		return false;
	}
	k.rule = model_rules[rule].name;
	k.actions = g_intern_string(where[1]);
	k.reason = g_intern_string(k.reason);
	g_array_append_val(t->r.known, k);
	return true;
}

static bool collect_known(struct random *t, GError **error)
{
	t->r.known = x_known_of(t->leaf.run->config->profile);
	for (unsigned int i = 0; t->opt->allow && t->opt->allow[i]; i++)
		if (!allow(t, t->opt->allow[i], error))
			return false;
	return true;
}

/* ---- All -------------------------------------------------------------------------------------------------- */

static bool find_check(struct random *t)
{
	const char *name = t->opt->run->check ? t->opt->run->check : "on";

	for (t->check = CHECK_OFF; t->check <= CHECK_PARANOID; t->check++)
		if (!strcmp(check_mode_name[t->check], name))
			return true;
	return false;
}

static bool boot(struct random *t, GError **error)
{
	const struct oracle_action a = { .kind = ORACLE_BOOT };
	struct machine *m;
	unsigned int n = 0;

	m = machine_new(t->job->board, t->leaf.run->config, t->opt->run->hyp, error);
	if (!m)
		return false;
	t->j.m = m;
	board_choose_seed(m->board, t->opt->run->seed);
	t->j.oracle = oracle_new(m->board, m->hyp->view(m->el2), m->config, t->check);
	if (t->j.oracle)
		oracle_begin(t->j.oracle, &a);
	t->boot = machine_boot(m);
	m->hyp->view(m->el2);
	if (t->j.oracle) {
		oracle_end(t->j.oracle,
			   t->boot.kind == OUTCOME_VALUE ? ORACLE_END_VALUE : ORACLE_END_PANIC,
			   (s64)t->boot.value);
		oracle_violations(t->j.oracle, &n);
	}
	if (n)
		t->at_boot = oracle_violations(t->j.oracle, &n);
	if (n || (t->boot.kind == OUTCOME_VALUE && !t->boot.value))
		return true;
	g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, "%s: this machine does not boot",
		    t->job->path);
	return false;
}

static bool prepare(struct random *t, GError **error)
{
	g_autofree char *why = NULL;
	const struct random_options *opt = t->opt;
	char *text =
		opt->file ? NULL
			  : g_strdup_printf("machine %s\n", opt->machine ? opt->machine : "virt");

	t->job = job_new(opt->file ? opt->file : "random", text, &t->b.over, error);
	g_free(text);
	if (!t->job || !leaf_init(&t->leaf, &t->b, t->job, 0, error))
		return false;
	if (t->leaf.skip) {
		g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_USAGE, "%s is skipped: %s",
			    t->leaf.name, t->leaf.skip);
		return false;
	}
	t->r.actions = opt->actions;
	t->r.episode = opt->episode;
	t->r.dma = opt->dma;
	t->r.vms = opt->vms;
	if (opt->vms && opt->run->hyp->offers &&
	    !opt->run->hyp->offers(t->leaf.run->config, EL2_OFFER_GUESTS, NULL, NULL, &why)) {
		g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_USAGE, "--vms: %s", why);
		return false;
	}
	return collect_known(t, error) && boot(t, error);
}

static void clear(struct random *t)
{
	oracle_free(t->j.oracle);
	machine_free(t->j.m);
	if (t->r.known)
		g_array_unref(t->r.known);
	if (t->leaf.run)
		leaf_clear(&t->leaf);
	job_free(t->job);
}

enum exit_status script_random(const struct random_options *opt)
{
	struct random t = { .opt = opt };
	GError *e = NULL;
	bool broke;

	if (!batch_init(&t.b, opt->run))
		return EXIT_USAGE;
	if (!find_check(&t) || !prepare(&t, &e)) {
		fprintf(stderr, "pkvm-sim: error: %s\n", e ? e->message : "--check");
		g_clear_error(&e);
		clear(&t);
		return EXIT_USAGE;
	}
	if (t.at_boot)
		t.r.actions = 0;
	x_random_run(&t.r, &t.j);
	if (opt->jsonl)
		report_jsonl(&t);
	else
		report_text(&t);
	broke = breach(&t);
	if (broke && opt->run->record)
		write_scenario(&t, opt->run->record);
	x_random_clear(&t.r);
	clear(&t);
	return broke ? EXIT_FAILED : EXIT_PASSED;
}
