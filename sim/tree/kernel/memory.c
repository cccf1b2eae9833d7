// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2's address space in a process. All storage of the board is mapped once where EL2
 * cannot name it; the addresses that EL2 names are filled page by page when first used, by
 * a walk of EL2's own live tables with their permissions, and emptied by its own TLB
 * maintenance. So an access that the real EL2 could not make ends as the abort that it
 * would take. Before EL2 is on its tables its linear map is the host's: all of memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "runtime.h"

#define PAGE 4096u
#define SLOTS 16384u
#define MAX_MAPPED 16384u

static u8 *phys;
static const struct tree_extent *last_extent;

struct slot {
	u64 va, pa; /* page of EL2's, its memory; va 0: empty */
	bool write;
	bool crowded; /* another page had it, and is still mapped */
};
static struct slot slots[SLOTS];
static u64 mapped[MAX_MAPPED];
static unsigned int n_mapped;
static u64 block_first = ~UINT64_C(0), block_last; /* among these are pages that blocks translate */
static bool linear;				   /* EL2's linear map is all of memory */

static const struct tree_extent *extent_of(u64 pa)
{
	const struct tree_extent *e = last_extent;

	if (pa - e->base < e->size)
		return e;
	for (u32 i = 0; i < shared->n_extents; i++) {
		e = &shared->extent[i];
		if (pa - e->base < e->size) {
			last_extent = e;
			return e;
		}
	}
	return NULL;
}

u8 *memory_at(u64 pa)
{
	const struct tree_extent *e = extent_of(pa);

	return e ? phys + e->offset + (pa - e->base) : NULL;
}

static void map_fixed(u64 va, u64 bytes, u64 offset, int prot)
{
	if (mmap((void *)va, bytes, prot, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, TREE_FD_MEMORY,
		 (off_t)offset) == MAP_FAILED)
		lost("no address space at 0x%lx for EL2: %s", (unsigned long)va, strerror(errno));
}

static void map_linear(bool on)
{
	for (u32 i = 0; i < shared->n_extents; i++) {
		const struct tree_extent *e = &shared->extent[i];
		u64 va = e->base + TREE_VA_OFFSET;

		if (on && e->base + e->size <= VA_LINEAR_END - TREE_VA_OFFSET)
			map_fixed(va, e->size, e->offset, PROT_READ | PROT_WRITE);
		else if (!on)
			munmap((void *)va, e->size);
	}
	linear = on;
}

static struct slot *slot_of(u64 va)
{
	u64 page = va & ~(u64)(PAGE - 1);

	return &slots[(page >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - 14)];
}

void memory_forget(void)
{
	for (unsigned int i = 0; i < n_mapped; i++)
		munmap((void *)mapped[i], PAGE);
	n_mapped = 0;
	block_first = ~UINT64_C(0);
	block_last = 0;
	memset(slots, 0, sizeof(slots));
	if (linear != !glue_on_own_tables())
		map_linear(!linear);
}

/* The pages of a block go with it. Those of a table do not: each was told of by itself. */
void memory_forget_page(u64 va, bool any_level)
{
	u64 page = va & ~(u64)(PAGE - 1);
	struct slot *s = slot_of(va);

	if (linear)
		return;
	if (any_level && page >= block_first && page <= block_last) {
		memory_forget();
		return;
	}
	if (s->va == page || s->crowded)
		munmap((void *)page, PAGE);
	if (s->va == page)
		s->va = 0;
}

void memory_own_tables(void)
{
	memory_forget();
}

/* ---- EL2's own stage 1 --------------------------------------------------------------------- */

#define PTE_VALID UINT64_C(1)
#define PTE_TYPE UINT64_C(2)
#define PTE_READ_ONLY (UINT64_C(1) << 7)
#define PTE_ADDR UINT64_C(0x0000fffffffff000)

/* 4 KiB granule, 48 bits: what autoconf.h says. False: a translation or permission fault. */
static bool walk(u64 va, bool write, u64 *pa, bool *writable, u64 *leaf)
{
	u64 table = shared->view.s1.root;
	int level = shared->view.s1.start_level;

	if (!table || va >> shared->view.s1.ia_bits)
		return false;
	for (;; level++) {
		unsigned int shift = 12 + 9 * (3 - (unsigned int)level);
		const u8 *at = memory_at(table + ((va >> shift) & 511) * 8);
		u64 pte;

		if (!at)
			return false;
		memcpy(&pte, at, 8);
		if (!(pte & PTE_VALID))
			return false;
		if (level == 3 ? !(pte & PTE_TYPE) : (pte & PTE_TYPE) && 0)
			return false;
		if (level < 3 && (pte & PTE_TYPE)) {
			table = pte & PTE_ADDR;
			continue;
		}
		*pa = (pte & PTE_ADDR & ~((UINT64_C(1) << shift) - 1)) |
		      (va & ((UINT64_C(1) << shift) - 1));
		*writable = !(pte & PTE_READ_ONLY);
		*leaf = UINT64_C(1) << shift;
		return *writable || !write;
	}
}

/* Make the page at @va usable; false: EL2's tables do not have it so. */
static bool fill(u64 va, bool write)
{
	u64 page = va & ~(u64)(PAGE - 1), pa, leaf;
	const struct tree_extent *e;
	struct slot *s = slot_of(va);
	bool writable;

	if (linear || !walk(page, write, &pa, &writable, &leaf))
		return false;
	e = extent_of(pa);
	if (!e)
		return false;
	map_fixed(page, PAGE, e->offset + (pa - e->base), PROT_READ | (writable ? PROT_WRITE : 0));
	if (n_mapped == MAX_MAPPED) {
		memory_forget();
		map_fixed(page, PAGE, e->offset + (pa - e->base),
			  PROT_READ | (writable ? PROT_WRITE : 0));
	}
	mapped[n_mapped++] = page;
	if (leaf > PAGE && (va & ~(leaf - 1)) < block_first)
		block_first = va & ~(leaf - 1);
	if (leaf > PAGE && (va | (leaf - 1)) > block_last)
		block_last = va | (leaf - 1);
	*s = (struct slot){ page, pa, writable, s->crowded || (s->va && s->va != page) };
	return true;
}

bool memory_pa(u64 va, bool write, u64 *pa)
{
	u64 page = va & ~(u64)(PAGE - 1);
	const struct slot *s = slot_of(va);

	if (linear) {
		*pa = va - TREE_VA_OFFSET;
		return extent_of(*pa);
	}
	if ((s->va != page || (write && !s->write)) && !fill(va, write))
		return false;
	*pa = s->pa + (va - page);
	return true;
}

u64 memory_peek_va(u64 va)
{
	u64 v = 0;
	const u8 *at = memory_at(va - TREE_VA_OFFSET);

	if (at)
		memcpy(&v, at, 8);
	return v;
}

void memory_poke(u64 pa, const void *from, size_t bytes)
{
	const u8 *p = from;

	while (bytes) {
		size_t n = PAGE - (pa & (PAGE - 1));
		u8 *at = memory_at(pa);

		n = n < bytes ? n : bytes;
		if (!at)
			lost("EL2's image does not lie in memory");
		line_keep(pa, n);
		memcpy(at, p, n);
		pa += n;
		p += n;
		bytes -= n;
	}
}

/* ---- Faults -------------------------------------------------------------------------------- */

#define ERROR_WRITE 2 /* of the processor's page-fault error code */

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	u64 va = (u64)(uintptr_t)info->si_addr;
	u64 pc = (u64)uc->uc_mcontext.gregs[REG_RIP];
	bool write = uc->uc_mcontext.gregs[REG_ERR] & ERROR_WRITE;

	/* a non-canonical address comes without one */
	if (info->si_code == SI_KERNEL)
		va = ~UINT64_C(0);
	if (sig == SIGSEGV && va_is_el2(va) && fill(va, write))
		return;
	events_drop();
	panic("EL2 data abort", "", NULL, 0, pc, va & ~(u64)(PAGE - 1));
}

static void on_illegal(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	panic("unknown instruction", "", NULL, 0, (u64)uc->uc_mcontext.gregs[REG_RIP], 0);
}

static void on_time(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	shared->panic.pc = (u32)uc->uc_mcontext.gregs[REG_RIP];
	shared->lock = 0;
	leave(TREE_HUNG);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaction(sig, &sa, NULL);
}

void memory_begin(void)
{
	static u8 stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	last_extent = &shared->extent[0];
	sigaltstack(&ss, NULL);
	handle(SIGSEGV, on_fault);
	handle(SIGBUS, on_fault);
	handle(SIGFPE, on_illegal);
	handle(SIGILL, on_illegal);
	handle(SIGVTALRM, on_time);
}

void memory_init(void)
{
	phys = mmap((void *)PHYS_BASE, shared->memory_bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, TREE_FD_MEMORY, 0);
	if (phys == MAP_FAILED)
		lost("no address space for the board's memory: %s", strerror(errno));
	memory_begin();
}
