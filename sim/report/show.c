// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of topics of `show`, and how their arguments are read.
 */
#include <errno.h>
#include <string.h>

#include "report_private.h"

static const struct {
	struct show_topic topic;
	show_fn render;
	unsigned int min, max; /* arguments */
	bool before_boot;      /* makes sense without EL2's tables */
} topics[] = {
	{ { "cpus", "", "what each CPU does: state, stage 2, locks it waits for" },
	  show_cpus,
	  0,
	  0,
	  true },
	{ { "events", "[N]", "what the last action did, the last N events (200)" },
	  show_events,
	  0,
	  1,
	  true },
	{ { "guest", "VM [FROM [TO]]", "a guest's stage 2, in the columns of the kernel's ptdump" },
	  show_guest,
	  1,
	  3,
	  false },
	{ { "host", "[FROM [TO]]", "the host's stage 2, in the columns of the kernel's ptdump" },
	  show_host,
	  0,
	  2,
	  false },
	{ { "hyp", "[FROM [TO]]", "EL2's own stage 1, in the columns of the kernel's ptdump" },
	  show_hyp,
	  0,
	  2,
	  false },
	{ { "knobs", "[NAME]", "the design decisions of this machine" }, show_knobs, 0, 1, true },
	{ { "locks", "", "who holds which lock" }, show_locks, 0, 0, true },
	{ { "map", "", "the board's memory map, and what EL2 has of it" }, show_map, 0, 0, true },
	{ { "owners", "[FROM [TO]]", "who owns what, by range" }, show_owners, 0, 2, true },
	{ { "page", "ADDR", "one page: owner, both sides, descriptors, counts" },
	  show_page,
	  1,
	  1,
	  true },
	{ { "panic", "", "EL2's last words" }, show_panic, 0, 0, true },
	{ { "pools", "", "EL2's page pools and their free lists" }, show_pools, 0, 0, false },
	{ { "protected", "", "the array of protected registers" }, show_protected, 0, 0, true },
	{ { "regions", "", "the same as map" }, show_map, 0, 0, true },
	{ { "tlb", "", "the translations that each CPU has cached" }, show_tlb, 0, 0, true },
	{ { "vms", "", "the virtual machines, and where what EL2 has of them lies" },
	  show_vms,
	  0,
	  0,
	  true },
	{ { "walk", "[host|hyp|VM] ADDR", "a walk, level by level, each descriptor decoded" },
	  show_walk,
	  1,
	  2,
	  false },
};

const struct show_topic *show_topics(void)
{
	static struct show_topic list[G_N_ELEMENTS(topics) + 1];
	static gsize once;

	if (g_once_init_enter(&once)) {
		for (size_t i = 0; i < G_N_ELEMENTS(topics); i++)
			list[i] = topics[i].topic;
		g_once_init_leave(&once, 1);
	}
	return list;
}

static bool parse_number(const char *text, const char **end, u64 *value)
{
	static const char unit[] = "KMGT";
	const char *u;
	char *stop;
	u64 v;

	if (!g_ascii_isdigit(text[0]))
		return false;
	errno = 0;
	v = g_ascii_strtoull(text, &stop, g_str_has_prefix(text, "0x") ? 16 : 10);
	if (errno)
		return false;
	u = *stop ? strchr(unit, *stop) : NULL;
	if (u) {
		unsigned int shift = 10 * (unsigned int)(u - unit + 1);

		if (v > ~UINT64_C(0) >> shift)
			return false;
		v <<= shift;
		stop++;
	}
	*end = stop;
	*value = v;
	return true;
}

static bool parse_term(struct show *s, const char *text, const char **end, u64 *value)
{
	const GArray *mmio = s->m->board->config->mmio;
	size_t n = strcspn(text, "+");

	if (parse_number(text, end, value))
		return true;
	for (unsigned int i = 0; i < mmio->len; i++) {
		const struct mmio_window *w = &g_array_index(mmio, struct mmio_window, i);

		if (strlen(w->name) == n && !strncmp(w->name, text, n)) {
			*value = w->base;
			*end = text + n;
			return true;
		}
	}
	return false;
}

bool show_address(struct show *s, unsigned int i, u64 *addr, GError **error)
{
	const char *p = s->args[i];
	u64 term;

	*addr = 0;
	do {
		if (!parse_term(s, p, &p, &term) || __builtin_add_overflow(*addr, term, addr) ||
		    (*p && *p != '+')) {
			g_set_error(error, REPORT_ERROR, 0,
				    "\"%s\" is neither a number nor the name of a window",
				    s->args[i]);
			return false;
		}
	} while (*p++ == '+');
	return true;
}

char *show_render(struct machine *m, const char *topic, const char *const *args,
		  unsigned int n_args, const struct event *events, size_t n_events, GError **error)
{
	struct show s = {
		.m = m, .args = args, .n_args = n_args, .events = events, .n_events = n_events
	};
	size_t i = 0;

	while (i < G_N_ELEMENTS(topics) && strcmp(topics[i].topic.name, topic))
		i++;
	if (i == G_N_ELEMENTS(topics)) {
		g_set_error(error, REPORT_ERROR, 0, "there is nothing called \"%s\" to show",
			    topic);
		return NULL;
	}
	if (n_args < topics[i].min || n_args > topics[i].max) {
		g_set_error(error, REPORT_ERROR, 0, "usage: show %s %s", topic,
			    topics[i].topic.args);
		return NULL;
	}
	s.v = m->hyp->view(m->el2);
	if (!topics[i].before_boot && !s.v->initialised) {
		g_set_error(error, REPORT_ERROR, 0,
			    "EL2 has no tables of its own before `boot` (or `init`)");
		return NULL;
	}
	s.out = g_string_new(NULL);
	if (!topics[i].render(&s, error)) {
		g_string_free(s.out, TRUE);
		return NULL;
	}
	if (s.out->len && s.out->str[s.out->len - 1] == '\n')
		g_string_truncate(s.out, s.out->len - 1);
	return g_string_free(s.out, FALSE);
}
