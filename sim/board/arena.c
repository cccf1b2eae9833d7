/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arena: one reserved piece of memory that holds every byte outside fake RAM
 * that changes while the machine runs, so that a snapshot is one copy of it.
 */
#define _GNU_SOURCE /* memfd_create() */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board_private.h"

#define ARENA_ALIGN 16u

void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/*
	 * A huge page would make one byte cost 2 MiB, and a core file would hold
	 * the whole machine. Either call may be unknown to the host: no harm.
	 */
	(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	(void)madvise(p, bytes, MADV_DONTDUMP);
	return p;
}

void *reserve_shared(size_t bytes, int *fd)
{
	void *p = MAP_FAILED;

	*fd = memfd_create("pkvm-sim", MFD_CLOEXEC);
	if (*fd >= 0 && !ftruncate(*fd, (off_t)bytes))
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
	if (p == MAP_FAILED) {
		if (*fd >= 0)
			close(*fd);
		return NULL;
	}
	(void)madvise(p, bytes, MADV_DONTDUMP);
	return p;
}

void release(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

bool arena_init(struct arena *a)
{
	a->base = reserve(ARENA_BYTES);
	a->used = 0;
	return a->base;
}

void arena_free(struct arena *a)
{
	release(a->base, ARENA_BYTES);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	u8 *p = a->base + a->used;

	sim_assert(bytes <= ARENA_BYTES - a->used - ARENA_ALIGN);
	a->used += ALIGN_UP(bytes, ARENA_ALIGN);
	return p;
}

void *board_alloc(struct board *b, size_t bytes)
{
	sim_assert(b->priv->snapshots->len == 0);
	return arena_alloc(&b->priv->arena, bytes);
}

char *board_strdup(struct board *b, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(board_alloc(b, n), s, n);
}
