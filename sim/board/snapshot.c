/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots as a stack over one undo log: the old bytes of a line are logged
 * when it is first written after a snapshot, and put back in reverse. Dropping a
 * snapshot leaves its part of the log to the one below, where a line may then
 * stand more than once; the oldest wins as it is undone last.
 */
#include <string.h>

#include "board_private.h"

#define KEY_FLAGS (LINE_SIZE - 1u)
#define COMPACT_MIN 4096u

static void undo_room(struct undo *u)
{
	if (u->n == u->room) {
		u->room = u->room ? 2 * u->room : 1024;
		u->key = g_realloc_n(u->key, u->room, sizeof(*u->key));
	}
	if (u->n_bytes == u->room_bytes) {
		u->room_bytes = u->room_bytes ? 2 * u->room_bytes : 256;
		u->bytes = g_realloc_n(u->bytes, u->room_bytes, LINE_SIZE);
	}
}

void undo_log(struct board *b, const struct extent *e, u64 off)
{
	struct undo *u = &b->priv->undo;
	u64 line = ALIGN_DOWN(off, LINE_SIZE);
	u64 key = e->base + line;

	undo_room(u);
	if (e->frame[off >> FRAME_SHIFT] & FRAME_HOLDS(off)) {
		key |= UNDO_BYTES;
		memcpy(u->bytes + u->n_bytes++ * LINE_SIZE, e->bytes + line, LINE_SIZE);
	}
	u->key[u->n++] = key;
}

static void undo_one(struct board *b, struct undo *u)
{
	u64 key = u->key[--u->n];
	u64 pa = key & ~(u64)KEY_FLAGS;
	struct extent *e = extent_any(b, pa);
	u16 *f = &e->frame[(pa - e->base) >> FRAME_SHIFT];
	u8 *to = e->bytes + (pa - e->base);
	const u16 holds = (u16)FRAME_HOLDS(pa - e->base);

	b->priv->ram.touched -= !!(*f & FRAME_TOUCHED);
	if (key & UNDO_BYTES) {
		memcpy(to, u->bytes + --u->n_bytes * LINE_SIZE, LINE_SIZE);
		*f |= holds;
	} else {
		memset(to, 0, LINE_SIZE);
		*f &= (u16)~holds;
	}
	b->priv->ram.touched += !!(*f & FRAME_TOUCHED);
}

struct snapshot *board_snapshot(struct board *b)
{
	struct board_private *p = b->priv;
	struct snapshot *s = g_new0(struct snapshot, 1);

	sim_assert(!p->sched.current);
	ram_clean(b);
	s->undo = p->undo.n;
	s->undo_bytes = p->undo.n_bytes;
	s->arena_used = p->arena.used;
	s->arena = g_malloc(s->arena_used);
	memcpy(s->arena, p->arena.base, s->arena_used);
	g_ptr_array_add(p->snapshots, s);
	return s;
}

static guint snapshot_index(const struct board_private *p, const struct snapshot *s)
{
	guint i = 0;

	while (i < p->snapshots->len && g_ptr_array_index(p->snapshots, i) != s)
		i++;
	sim_assert(i < p->snapshots->len);
	return i;
}

static void snapshot_free(struct snapshot *s)
{
	g_free(s->arena);
	g_free(s);
}

void board_restore(struct board *b, struct snapshot *s)
{
	struct board_private *p = b->priv;
	guint i = snapshot_index(p, s);
	u64 step_limit = b->step_limit;
	u8 may = b->may;

	sim_assert(!p->sched.current);
	while (p->snapshots->len > i + 1) {
		snapshot_free(g_ptr_array_index(p->snapshots, p->snapshots->len - 1));
		g_ptr_array_set_size(p->snapshots, (gint)p->snapshots->len - 1);
	}
	while (p->undo.n > s->undo)
		undo_one(b, &p->undo);
	sim_assert(p->undo.n_bytes == s->undo_bytes);
	ram_clean(b);
	s->compacted = 0;
	memcpy(p->arena.base, s->arena, s->arena_used);
	/* Who watches and how long is the caller's business, not the machine's. */
	b->step_limit = step_limit;
	b->may = may;
	board_update_watched(b);
}

/* Keep only the oldest entry of each line in the log from @s up to @end. */
static void undo_compact(struct board_private *p, struct snapshot *s, size_t end)
{
	struct undo *u = &p->undo;
	GHashTable *seen = g_hash_table_new(g_int64_hash, g_int64_equal);
	u64 *lines = g_new(u64, end - s->undo);
	size_t n = s->undo, n_bytes = s->undo_bytes, from = s->undo_bytes;

	for (size_t i = s->undo; i < end; i++) {
		u64 key = u->key[i], *line = &lines[i - s->undo];

		*line = key & ~(u64)KEY_FLAGS;
		if (g_hash_table_add(seen, line)) {
			u->key[n++] = key;
			if (key & UNDO_BYTES)
				memmove(u->bytes + n_bytes++ * LINE_SIZE,
					u->bytes + from * LINE_SIZE, LINE_SIZE);
		}
		from += key & UNDO_BYTES ? 1 : 0;
	}
	g_hash_table_destroy(seen);
	g_free(lines);
	u->n = n;
	u->n_bytes = n_bytes;
	s->compacted = n - s->undo;
}

/* The oldest snapshot goes: nobody can ask for what stands before the next one. */
static void undo_forget_head(struct board_private *p)
{
	struct undo *u = &p->undo;
	const struct snapshot *first =
		p->snapshots->len ? g_ptr_array_index(p->snapshots, 0) : NULL;
	size_t n = first ? first->undo : u->n;
	size_t n_bytes = first ? first->undo_bytes : u->n_bytes;

	u->n -= n;
	u->n_bytes -= n_bytes;
	memmove(u->key, u->key + n, u->n * sizeof(*u->key));
	memmove(u->bytes, u->bytes + n_bytes * LINE_SIZE, u->n_bytes * LINE_SIZE);
	for (guint i = 0; i < p->snapshots->len; i++) {
		struct snapshot *s = g_ptr_array_index(p->snapshots, i);

		s->undo -= n;
		s->undo_bytes -= n_bytes;
	}
}

void board_snapshot_drop(struct board *b, struct snapshot *s)
{
	struct board_private *p = b->priv;
	guint i = snapshot_index(p, s);

	g_ptr_array_remove_index(p->snapshots, i);
	snapshot_free(s);
	if (i == 0) {
		if (p->undo.n)
			undo_forget_head(p);
	} else if (i == p->snapshots->len) {
		struct snapshot *below = g_ptr_array_index(p->snapshots, i - 1);

		if (p->undo.n - below->undo > 2 * below->compacted + COMPACT_MIN)
			undo_compact(p, below, p->undo.n);
	}
}

void snapshots_free(struct board *b)
{
	struct board_private *p = b->priv;

	for (guint i = 0; i < p->snapshots->len; i++)
		snapshot_free(g_ptr_array_index(p->snapshots, i));
	g_ptr_array_free(p->snapshots, TRUE);
	g_free(p->undo.key);
	g_free(p->undo.bytes);
}
