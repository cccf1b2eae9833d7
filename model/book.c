// SPDX-License-Identifier: GPL-2.0-or-later
/* Books on page frames: see book.h. */
#include "book.h"

bool book_init(struct board *b, struct book *k, u64 n, u8 shift)
{
	u64 bytes = n << shift;

	*k = (struct book){
		.e = board_store_new(b, bytes),
		.pages = board_store_new(b, (bytes >> BOOK_PAGE_SHIFT) * sizeof(u64)),
		.n = n,
		.shift = shift,
	};
	return k->e && k->pages;
}

void book_mark(struct board *b, struct book *k, u64 off)
{
	if (!(k->e->frame[off >> BOOK_PAGE_SHIFT] & FRAME_TOUCHED)) {
		store_mark(b, k->pages, k->n_pages * sizeof(u64));
		((u64 *)k->pages->bytes)[k->n_pages++] = off >> BOOK_PAGE_SHIFT;
	}
	store_mark(b, k->e, off);
}

void book_for_each(const struct book *k, book_fn fn, void *data)
{
	u64 per_page = BIT(BOOK_PAGE_SHIFT - k->shift);

	for (u64 p = 0; p < k->n_pages; p++) {
		u64 first = ((const u64 *)k->pages->bytes)[p] * per_page;

		for (u64 i = first; i < first + per_page && i < k->n; i++)
			fn(data, i);
	}
}
