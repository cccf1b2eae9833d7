/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one source of choice. What was chosen is recorded, whatever chose it, so
 * that any run can be replayed as a script.
 */
#include <string.h>

#include "board_private.h"

void chooser_init(struct chooser *c)
{
	*c = (struct chooser){ .how = CHOOSE_FIRST,
			       .made = g_array_new(FALSE, FALSE, sizeof(struct choice)) };
}

void chooser_free(struct chooser *c)
{
	g_free(c->script);
	if (c->made)
		g_array_free(c->made, TRUE);
}

/* splitmix64 (Steele, Lea, Flood 2014): small, and the same on every host. */
static u64 next_random(u64 *state)
{
	u64 z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Without bias: products that fall into the short first part are drawn again. */
static u32 random_below(u64 *state, u32 n)
{
	u64 m;

	do {
		m = (next_random(state) >> 32) * n;
	} while ((u32)m < -n % n);
	return (u32)(m >> 32);
}

static u32 from_script(struct chooser *c, u32 n)
{
	u32 v = c->next < c->n_script ? c->script[c->next++] : 0;

	return v < n ? v : n - 1;
}

u32 board_choose(struct board *b, u32 n, const char *what)
{
	struct chooser *c = &b->priv->chooser;
	struct choice made = { .n = n, .what = what };

	sim_assert(n >= 1);
	if (c->how == CHOOSE_ASK)
		return c->answer(c->answer_data, n, what);
	if (c->how == CHOOSE_SEED)
		made.value = random_below(&c->seed, n);
	else if (c->how == CHOOSE_SCRIPT)
		made.value = from_script(c, n);
	g_array_append_val(c->made, made);
	return made.value;
}

void board_choose_first(struct board *b)
{
	b->priv->chooser.how = CHOOSE_FIRST;
}

void board_choose_seed(struct board *b, u64 seed)
{
	b->priv->chooser.how = CHOOSE_SEED;
	b->priv->chooser.seed = seed;
}

void board_choose_script(struct board *b, const u32 *values, size_t n)
{
	struct chooser *c = &b->priv->chooser;

	g_free(c->script);
	c->script = g_new(u32, n);
	if (n)
		memcpy(c->script, values, n * sizeof(*values));
	c->n_script = n;
	c->next = 0;
	c->how = CHOOSE_SCRIPT;
}

void board_choose_ask(struct board *b, board_answer_fn answer, void *data)
{
	struct chooser *c = &b->priv->chooser;

	c->how = CHOOSE_ASK;
	c->answer = answer;
	c->answer_data = data;
}

bool board_may(struct board *b, enum board_may may)
{
	static const char *const what[] = { [MAY_ALLOC] = "alloc", [MAY_AT] = "at" };

	return unlikely(b->may & BIT(may)) && board_choose(b, 2, what[may]);
}

const struct choice *board_choices(struct board *b, size_t *n)
{
	GArray *made = b->priv->chooser.made;

	*n = made->len;
	return (const struct choice *)(void *)made->data;
}

void board_choices_clear(struct board *b)
{
	g_array_set_size(b->priv->chooser.made, 0);
}
