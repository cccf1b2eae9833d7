// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prompt: a line is a statement of the scenario language, or one of the few
 * words that only people need. Without a terminal there is no prompt, and the
 * lines are carried out as they come.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "prompt.h"

#define HISTORY_LINES 1000

static struct {
	char *format;
} o;

/* Set by Ctrl-C, seen by whatever runs; a signal handler needs a place of its own. */
static volatile bool interrupted;

static void on_interrupt(int sig)
{
	interrupted = true;
}

/* ---- Words that only people need ---- */

const struct el2_call *const *prompt_calls(const struct prompt *p)
{
	const struct machine *m = session_machine(p->session);

	if (!m)
		m = p->spare;
	return m ? m->hyp->calls(m->el2) : NULL;
}

static void say(const char *text)
{
	fputs(text, stdout);
	if (text[0] && text[strlen(text) - 1] != '\n')
		putchar('\n');
}

static void say_at_once(void *data, const char *text)
{
	say(text);
	fflush(stdout);
}

static void explain(struct prompt *p, const char *name)
{
	const char *nearest;
	g_autofree char *text = explain_name(name, prompt_calls(p), &nearest);

	if (text)
		say(text);
	else
		printf("nothing is called \"%s\"%s%s%s\n", name, nearest ? "; did you mean " : "",
		       nearest ? nearest : "", nearest ? "?" : "");
}

static void statement(struct prompt *p, const char *line);

static void do_help(struct prompt *p, const char *rest)
{
	g_autofree char *all = NULL;

	if (rest[0]) {
		explain(p, rest);
		return;
	}
	all = explain_all();
	say(all);
}

static void do_quit(struct prompt *p, const char *rest)
{
	p->quit = true;
}

/* gdb's, crash's and the shell's words for what `show` does. */
static void do_show(struct prompt *p, const char *topic, const char *rest)
{
	g_autofree char *line = g_strchomp(g_strdup_printf("show %s %s", topic, rest));

	statement(p, line);
}

static void do_vtop(struct prompt *p, const char *rest)
{
	do_show(p, "walk", rest);
}

static void do_bt(struct prompt *p, const char *rest)
{
	do_show(p, "panic", rest);
}

static void do_log(struct prompt *p, const char *rest)
{
	do_show(p, "events", rest);
}

static void do_info(struct prompt *p, const char *rest)
{
	if (rest[0])
		do_show(p, rest, "");
	else
		explain(p, "show");
}

static void do_print(struct prompt *p, const char *rest)
{
	say("`expect EXPR` gives the value of both sides; `show page ADDR` tells about a page.");
}

static void do_step(struct prompt *p, const char *rest)
{
	say("An action runs as a whole here: `show events` lists its steps, `reset` starts over.");
}

static const struct {
	const char *words; /* blanks around each */
	void (*run)(struct prompt *p, const char *rest);
} people[] = {
	{ " help ? h man ", do_help },
	{ " quit exit q ", do_quit },
	{ " vtop ", do_vtop },
	{ " bt ", do_bt },
	{ " log dmesg ", do_log },
	{ " info ls i ", do_info },
	{ " p print x rd ", do_print },
	{ " s n c step next continue back undo rs rc b break watch run ", do_step },
};

static bool run_people_word(struct prompt *p, const char *line)
{
	size_t n = strcspn(line, " \t");
	g_autofree char *word = g_strdup_printf(" %.*s ", (int)n, line);
	g_autofree char *rest = g_strstrip(g_strdup(line + n));

	for (unsigned int i = 0; i < G_N_ELEMENTS(people); i++) {
		if (!strstr(people[i].words, word))
			continue;
		people[i].run(p, rest);
		return true;
	}
	return false;
}

static bool is_hex(const char *word)
{
	return g_str_has_prefix(word, "0x") && word[2] && strlen(word) <= 18 &&
	       strspn(word + 2, "0123456789abcdefABCDEF") == strlen(word + 2);
}

/* A lone word that is no statement: a number, an error, the name of a call. */
static bool run_lone_word(struct prompt *p, const char *word)
{
	const struct machine *m = session_machine(p->session);
	const struct arch_features plain = { .page_shift = 12, .pa_bits = 48 };
	g_autofree char *text = NULL;
	const char *nearest;

	if (strpbrk(word, " \t"))
		return false;
	if (is_hex(word)) {
		text = explain_number(word, m ? m->config->profile : el2_profile_find("v7.0"),
				      m ? m->board->f : &plain);
		say(text);
		return true;
	}
	if (word[0] == '-' && strspn(word + 1, "0123456789") == strlen(word + 1) &&
	    strlen(word) < 6)
		text = explain_errno(atoi(word + 1));
	for (const struct command *c = script_commands(); !text && c->name; c++)
		if (!strcmp(c->name, word))
			return false;
	if (!text)
		text = explain_name(word, prompt_calls(p), &nearest);
	if (text)
		say(text);
	return text != NULL;
}

/* ---- Statements ---- */

static void raise_status(struct prompt *p, enum exit_status status)
{
	p->status = MAX(p->status, status);
}

static void tell(struct prompt *p, const struct session_result *res)
{
	if (!res->understood) {
		fflush(stdout);
		fprintf(p->interactive ? stdout : stderr, "%s\n", res->error);
		raise_status(p, EXIT_USAGE);
		return;
	}
	if (res->text && res->text[0])
		say(res->text);
	for (char **v = res->violations; v && *v; v++)
		printf("violation: %s\n", *v);
	if (res->verdict == VERDICT_FAIL)
		raise_status(p, EXIT_FAILED);
}

static void statement(struct prompt *p, const char *line)
{
	struct session_result res = { 0 };

	p->more = false;
	session_line(p->session, line, &res, &p->more);
	if (!p->more || !res.understood)
		tell(p, &res);
	session_result_clear(&res);
}

static void one_line(struct prompt *p, char *text)
{
	char *line = g_strstrip(text);

	interrupted = false;
	if (!p->more) {
		if (!line[0] || line[0] == '#')
			return;
		if (run_people_word(p, line) || run_lone_word(p, line))
			return;
	}
	statement(p, line);
	if (interrupted)
		say("stopped");
	interrupted = false;
}

/* ---- With a terminal ---- */

static struct prompt *at_prompt; /* readline's callback has no argument either */

static const char *prompt_text(const struct prompt *p)
{
	return p->more ? "    > " : "pkvm> ";
}

static void on_line(char *line)
{
	struct prompt *p = at_prompt;

	if (!line) {
		putchar('\n');
		p->quit = true;
		return;
	}
	rl_callback_handler_remove();
	if (line[strspn(line, " \t")])
		add_history(line);
	one_line(p, line);
	free(line);
	fflush(stdout);
	if (!p->quit)
		rl_callback_handler_install(prompt_text(p), on_line);
}

/* Ctrl-C at the prompt: a fresh line. */
static void fresh_line(struct prompt *p)
{
	interrupted = false;
	rl_callback_sigcleanup();
	fputs("^C\n", stdout);
	rl_callback_handler_remove();
	rl_replace_line("", 0);
	rl_callback_handler_install(prompt_text(p), on_line);
}

static char *history_path(void)
{
	const char *state = g_getenv("XDG_STATE_HOME");
	g_autofree char *dir = NULL;

	if (state && g_path_is_absolute(state))
		dir = g_build_filename(state, "pkvm-sim", NULL);
	else
		dir = g_build_filename(g_get_home_dir(), ".local", "state", "pkvm-sim", NULL);
	if (g_mkdir_with_parents(dir, 0700))
		return NULL; /* no place for a history: then there is none */
	return g_build_filename(dir, "history", NULL);
}

static void with_terminal(struct prompt *p)
{
	g_autofree char *history = history_path();
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	using_history();
	stifle_history(HISTORY_LINES);
	if (history)
		read_history(history);
	prompt_completion(p);
	rl_catch_signals = 0;
	at_prompt = p;
	rl_callback_handler_install(prompt_text(p), on_line);
	while (!p->quit) {
		int n = poll(&in, 1, -1);

		if (interrupted)
			fresh_line(p);
		else if (n > 0)
			rl_callback_read_char();
		else if (n < 0 && errno != EINTR)
			break;
	}
	rl_callback_handler_remove();
	if (history)
		write_history(history);
}

/* ---- Without ---- */

static void without_terminal(struct prompt *p)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while (!p->quit && !ferror(stdout) && (n = getline(&line, &size, stdin)) >= 0) {
		if (strlen(line) != (size_t)n) {
			fprintf(stderr, "a NUL byte in a line of standard input\n");
			raise_status(p, EXIT_USAGE);
			continue;
		}
		one_line(p, line);
	}
	free(line);
}

/* ---- The subcommand ---- */

static GOptionEntry *repl_entries(void)
{
	static const GOptionEntry format = {
		"format",  0,
		0,	   G_OPTION_ARG_STRING,
		&o.format, "text, or jsonl: an object a statement, for programs",
		"FORMAT"
	};
	GArray *all = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

	g_array_append_val(all, format);
	for (const GOptionEntry *e = machine_entries; e->long_name; e++)
		g_array_append_vals(all, e, 1);
	return (GOptionEntry *)g_array_free(all, FALSE);
}

static bool run_file(struct prompt *p, const char *path)
{
	struct session_result res = { 0 };
	bool ok = session_file(p->session, path, &res);

	if (!ok && res.error)
		fprintf(stderr, "%s\n", res.error);
	else if (res.text && res.text[0])
		say(res.text);
	if (ok && res.verdict == VERDICT_FAIL)
		raise_status(p, EXIT_FAILED);
	session_result_clear(&res);
	return ok;
}

static struct machine *spare_machine(const struct run_options *opt)
{
	struct board_config *board = board_config_machine("tiny");
	const char *kernel = opt->kernel ? opt->kernel : "v7.0";
	struct el2_config *el2 =
		el2_config_new(opt->tree ? opt->tree_profile : el2_profile_find(kernel));
	struct machine *m;

	el2->tree = opt->tree;
	m = machine_new(board, el2, opt->hyp, NULL);
	board_config_free(board);
	el2_config_free(el2);
	return m;
}

static void catch_interrupts(void)
{
	struct sigaction sa = { .sa_handler = on_interrupt };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
}

static enum exit_status people_repl(struct prompt *p)
{
	p->interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (!p->interactive) {
		without_terminal(p);
		return p->status;
	}
	catch_interrupts();
	printf("pkvm-sim %s. Type `boot`, then for example `host read uart` and `show page uart`;\n"
	       "`help` lists everything, Tab completes, Ctrl-D leaves.\n",
	       PKVM_SIM_VERSION);
	fflush(stdout);
	with_terminal(p);
	return EXIT_PASSED;
}

enum exit_status cmd_repl(const struct subcommand *c, int argc, char **argv)
{
	g_autofree GOptionEntry *entries = repl_entries();
	struct prompt p = { .status = EXIT_PASSED };
	enum exit_status status = EXIT_USAGE;
	struct run_options opt;
	bool jsonl;

	if (!cli_parse(c,
		       "FILE leaves its machine as it stands. History: $XDG_STATE_HOME/pkvm-sim.",
		       entries, &argc, &argv) ||
	    !machine_options_check(&opt))
		return EXIT_USAGE;
	jsonl = !g_strcmp0(o.format, "jsonl");
	if (o.format && !jsonl && strcmp(o.format, "text"))
		return usage_error(NULL, "repl: --format is text or jsonl, not \"%s\"", o.format);
	if (argc > 2)
		return usage_error(NULL, "repl: one FILE at most");
	opt.stop = &interrupted;
	p.session = session_new(&opt, "-");
	p.spare = spare_machine(&opt);
	if (!jsonl)
		session_tell(p.session, say_at_once, NULL);
	if (argc < 2 || run_file(&p, argv[1]))
		status = jsonl ? repl_jsonl(p.session, stdin, stdout) : people_repl(&p);
	machine_free(p.spare);
	session_free(p.session);
	return cli_close(stdout, "standard output", status);
}
