/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and unmaking a board. struct board and the CPUs lie in the arena, so
 * that snapshots cover them without further thought.
 */
#include "board_private.h"

G_DEFINE_QUARK(pkvm - sim - board - error - quark, board_error)

static struct board_private *private_new(void)
{
	struct board_private *p = g_new0(struct board_private, 1);

	p->snapshots = g_ptr_array_new();
	p->subscribers = g_array_new(FALSE, FALSE, sizeof(struct subscriber));
	for (unsigned int k = 0; k < N_EVENT_KINDS; k++)
		p->audience[k].p = p;
	chooser_init(&p->chooser);
	past_init(&p->past);
	return p;
}

static void private_free(struct board_private *p)
{
	g_array_free(p->subscribers, TRUE);
	chooser_free(&p->chooser);
	past_free(&p->past);
	arena_free(&p->arena);
	g_free(p);
}

static bool cpus_init(struct board *b, GError **error)
{
	b->n_cpus = b->config->n_cpus;
	b->cpus = arena_alloc(&b->priv->arena, b->n_cpus * sizeof(*b->cpus));
	for (unsigned int i = 0; i < b->n_cpus; i++) {
		struct cpu *cpu = &b->cpus[i];

		cpu->board = b;
		cpu->id = i;
		if (!coroutine_init(cpu)) {
			g_set_error(error, BOARD_ERROR, 0, "no address space for a stack of CPU %u",
				    i);
			return false;
		}
	}
	return true;
}

/*
 * board_new - make a board, all of its memory zero and untouched
 *
 * @c is copied. Errors: what board_config_check() finds; no address space.
 */
struct board *board_new(const struct board_config *c, GError **error)
{
	struct board_config *config = board_config_copy(c);
	struct board_private *p;
	struct board *b;
	unsigned int which;

	if (!board_config_check(config, &which, error)) {
		board_config_free(config);
		return NULL;
	}
	p = private_new();
	if (!arena_init(&p->arena)) {
		g_set_error(error, BOARD_ERROR, 0, "no address space for a board");
		board_config_free(config);
		private_free(p);
		return NULL;
	}
	b = arena_alloc(&p->arena, sizeof(*b));
	b->priv = p;
	b->config = config;
	b->f = &config->f;
	b->ears = &p->ears;
	board_update_audience(b);
	if (!ram_init(b, error) || !cpus_init(b, error)) {
		board_free(b);
		return NULL;
	}
	return b;
}

void board_free(struct board *b)
{
	if (!b)
		return;
	sim_assert(!b->priv->sched.current);
	for (unsigned int i = 0; i < b->n_cpus; i++)
		coroutine_free(&b->cpus[i]);
	ram_free(b);
	snapshots_free(b);
	board_config_free(b->config);
	private_free(b->priv);
}

u64 board_pa_limit(const struct board *b)
{
	return BIT(b->f->pa_bits);
}
