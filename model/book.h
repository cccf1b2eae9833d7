/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A book: one fixed-size entry for every page frame that the machine could have,
 * zero until written, in storage that snapshots cover. What is not zero can be
 * visited at the cost of what was ever written.
 */
#ifndef PKVM_SIM_MODEL_BOOK_H
#define PKVM_SIM_MODEL_BOOK_H

#include "sim/board/board.h"

#define BOOK_PAGE_SHIFT 12

struct book {
	struct extent *e;     /* the entries */
	struct extent *pages; /* u64: which 4 KiB pages of @e were ever written */
	u64 n_pages, n;	      /* of @pages; entries that the book has */
	u8 shift;	      /* log2 of an entry's bytes, at most 9 */
};

/* False: this system does not give the address space. Before the first snapshot. */
bool book_init(struct board *b, struct book *k, u64 n, u8 shift);

static inline const void *book_get(const struct book *k, u64 i)
{
	return k->e->bytes + (i << k->shift);
}

/* The entry at @off is about to be written, and the board was not told of its line. */
void book_mark(struct board *b, struct book *k, u64 off);

/* The entry for writing: all of it may change now. */
static inline void *book_put(struct board *b, struct book *k, u64 i)
{
	const u64 off = i << k->shift;

	sim_assert(i < k->n);
	if (unlikely(store_unmarked(k->e, off)))
		book_mark(b, k, off);
	return k->e->bytes + off;
}

/* Every entry of the pages ever written, zero or not. @fn may write to the book. */
typedef void (*book_fn)(void *data, u64 i);
void book_for_each(const struct book *k, book_fn fn, void *data);

#endif
