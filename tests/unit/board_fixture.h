/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small boards for tests, and memory without the words for it. */
#ifndef PKVM_SIM_TEST_BOARD_FIXTURE_H
#define PKVM_SIM_TEST_BOARD_FIXTURE_H

#include "sim/board/board.h"

static inline struct board *board_named(const char *name)
{
	struct board_config *c = board_config_machine(name);
	GError *error = NULL;
	struct board *b = board_new(c, &error);

	g_assert_no_error(error);
	board_config_free(c);
	return b;
}

static inline struct board_config *config_bare(void)
{
	struct board_config *c = board_config_machine("tiny");

	g_array_set_size(c->ram, 0);
	g_array_set_size(c->mmio, 0);
	return c;
}

static inline void add_ram(struct board_config *c, u64 base, u64 size, bool nomap)
{
	struct ram_region r = { base, size, nomap };

	g_array_append_val(c->ram, r);
}

static inline void add_mmio(struct board_config *c, const char *name, u64 base, u64 size,
			    enum window_model model)
{
	struct mmio_window w = { .base = base, .size = size, .model = model };

	g_strlcpy(w.name, name, sizeof(w.name));
	g_array_append_val(c->mmio, w);
}

static inline struct board *board_of(struct board_config *c)
{
	GError *error = NULL;
	struct board *b = board_new(c, &error);

	g_assert_no_error(error);
	board_config_free(c);
	return b;
}

static inline u64 peek(struct board *b, u64 pa)
{
	u64 v = 0;

	g_assert_true(board_peek64(b, PA(pa), &v));
	return v;
}

static inline void put(struct board *b, u64 pa, u64 v)
{
	mem_store64(&b->cpus[0], PA(pa), v, MO_PLAIN);
}

/* Events in words, one a line, for comparing runs. */
static inline void events_to_string(void *data, const struct event *ev)
{
	g_string_append_printf(data,
			       "%" G_GINT64_MODIFIER "u %u %s %s %s %" G_GINT64_MODIFIER
			       "x %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER "x\n",
			       ev->seq, ev->cpu, event_kind_name[ev->kind], ev->fn ? ev->fn : "-",
			       ev->what ? ev->what : "-", ev->addr, ev->val, ev->old);
}

#endif
