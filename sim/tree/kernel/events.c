// SPDX-License-Identifier: GPL-2.0-only
/*
 * What EL2 does, told in order: by the shims' hooks, and by the compiler's hook before
 * every load and store of the tree's code. A store's value is known when the next thing
 * happens; lines of memory are kept before they are first written to.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "runtime.h"

static const char *const words[] = {
#define W(s) s,
	TREE_WORDS(W)
#undef W
};
#define N_WORDS (sizeof(words) / sizeof(words[0]))

bool silent;
static unsigned int unsettled; /* events from this on are stores without their value */

/* ---- Lines --------------------------------------------------------------------------------- */

static const u16 *frame_flags; /* the board's: any of bits 7..0 says that a frame may hold something */
static u32 *kept;	       /* request << 8 | lines kept, by frame of storage */
static u32 request = 1;

static u64 frame_of(u64 pa)
{
	return (u64)(memory_at(pa) - (u8 *)PHYS_BASE) >> 12;
}

static void lines_init(void)
{
	kept = mmap(NULL, (shared->memory_bytes >> 12) * sizeof(u32), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	frame_flags = mmap(NULL, (shared->memory_bytes >> 12) * sizeof(u16), PROT_READ, MAP_SHARED,
			   TREE_FD_MEMORY, (off_t)shared->memory_bytes);
	if (kept == MAP_FAILED || frame_flags == MAP_FAILED)
		lost("no address space for marks");
}

void memory_request(void)
{
	if (!kept)
		lines_init();
	shared->n_events = shared->n_lines = 0;
	unsettled = 0;
	request = (request + 1) & 0xffffff;
	if (!request) {
		memset(kept, 0, (shared->memory_bytes >> 12) * sizeof(u32));
		request = 1;
	}
}

static void line_keep_one(u64 pa)
{
	u64 f = frame_of(pa);
	u32 bit = 1u << ((pa >> 9) & 7);
	struct tree_line *l;

	if (kept[f] >> 8 != request)
		kept[f] = request << 8;
	if (kept[f] & bit)
		return;
	if (shared->n_lines == TREE_MAX_LINES)
		lost("more memory written at once than there is room to tell");
	kept[f] |= bit;
	l = &shared->line[shared->n_lines++];
	l->pa = pa & ~(u64)(TREE_LINE - 1);
	memcpy(l->old, memory_at(l->pa), TREE_LINE);
}

/* Before bytes of one page are written. */
void line_keep(u64 pa, u64 bytes)
{
	for (u64 a = pa & ~(u64)(TREE_LINE - 1); a < pa + bytes; a += TREE_LINE)
		line_keep_one(a);
}

/* Does the frame at @pa hold zeroes because nobody ever wrote to it? */
static bool frame_untouched(u64 pa)
{
	u64 f = frame_of(pa);

	return !(frame_flags[f] & 0xff) && kept[f] >> 8 != request;
}

/* ---- Events -------------------------------------------------------------------------------- */

static struct tree_event *push(unsigned int kind, unsigned int word, u64 addr, u64 val, u64 old,
			       u64 pc)
{
	struct tree_event *ev = &shared->event[shared->n_events++];

	*ev = (struct tree_event){ .kind = (u8)kind,
				   .word = (u8)word,
				   .pc = (u32)pc,
				   .addr = addr,
				   .val = val,
				   .old = old };
	return ev;
}

/* A place where the board may read what there is, so that there is room again. */
static void make_room(void)
{
	if (shared->n_events < TREE_MAX_EVENTS - TREE_RESERVE &&
	    shared->n_lines < TREE_MAX_LINES - TREE_RESERVE)
		return;
	events_settle();
	shared->status = TREE_FULL;
	pause_request();
}

static u64 bytes_at(u64 pa, unsigned int width)
{
	u64 v = 0;

	memcpy(&v, memory_at(pa), width);
	return v;
}

/* ---- Pools and reference counts: what plain stores mean ------------------------------------ */

struct pool_at_work pool;

static void counted(u64 va_of_count, u64 old, u64 val, u64 pc)
{
	u64 at = va_of_count - glue_refcount_off - glue_vmemmap();
	u64 pa = at / glue_hyp_page_size << 12;
	u64 order;

	if (pool.allocating && !old && val == 1) {
		pool.page = pa;
		return;
	}
	/* the page that was given last, as a whole to its new user and no reference to it */
	if (pa == pool.page && !pool.word && old + val == 1)
		return;
	if (val == old + 1 && !pool.making)
		push(TREE_EV_GET, 0, pa, val, 0, pc);
	if (val + 1 != old)
		return;
	push(TREE_EV_PUT, 0, pa, val, 0, pc);
	if (val || !pool.word || pool.allocating || pool.making)
		return;
	if (memory_pa(va_of_count - glue_refcount_off + glue_order_off, false, &order))
		push(TREE_EV_FREE, pool.word, pa, bytes_at(order, glue_order_width),
		     (u64)pool.lock, pc);
}

static bool is_count(u64 va, unsigned int width)
{
	u64 off = va - glue_vmemmap();

	return glue_vmemmap() && width == 2 && off < (UINT64_C(1) << 45) &&
	       off % glue_hyp_page_size == glue_refcount_off;
}

/* The store whose address is kept for counted(). */
static u64 count_va;

void events_settle(void)
{
	unsigned int end = shared->n_events;
	struct tree_event *ev;

	for (unsigned int i = unsettled; i < end; i++) {
		ev = &shared->event[i];
		if (ev->kind == TREE_EV_STORE)
			ev->val = bytes_at(ev->addr, ev->width);
	}
	unsettled = end;
	if (count_va && end) {
		u64 va = count_va;

		ev = &shared->event[end - 1];
		count_va = 0;
		counted(va, ev->old, ev->val, ev->pc);
		unsettled = shared->n_events;
	}
}

void events_drop(void)
{
	if (unsettled < shared->n_events)
		shared->n_events = unsettled;
	count_va = 0;
}

void event(unsigned int kind, unsigned int word, u64 addr, u64 val, u64 old, u64 pc)
{
	make_room();
	events_settle();
	if (!silent) {
		push(kind, word, addr, val, old, pc);
		unsettled = shared->n_events;
	}
}

unsigned int word_of(const char *s)
{
	for (unsigned int i = 0; i < N_WORDS; i++)
		if (!strcmp(words[i], s))
			return i;
	lost("\"%s\" is not known here", s);
}

/* ---- Call chain ---------------------------------------------------------------------------- */

static u32 chain[256];
static unsigned int depth;
extern void *hyp_early_alloc_contig(unsigned int nr_pages);

void chain_reset(void)
{
	depth = 0;
	pool.word = 0;
	pool.allocating = pool.making = false;
	pool.page = 0;
	count_va = 0;
}

static void chain_copy(void)
{
	struct tree_panic *p = &shared->panic;

	p->n_chain = 0;
	for (unsigned int i = depth; i-- && p->n_chain < TREE_CHAIN;)
		if (i < 256)
			p->chain[p->n_chain++] = chain[i];
}

void sim_chain_copy(void);
void sim_chain_copy(void)
{
	chain_copy();
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	if (depth < 256)
		chain[depth] = (u32)SIM_FN_PC();
	depth++;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	depth--;
}

/* ---- Loads and stores ---------------------------------------------------------------------- */

void wrote(u64 va, unsigned int width, unsigned int order, u64 pc)
{
	struct tree_event *ev;
	u64 pa, old;

	if (!va_is_el2(va))
		return;
	make_room();
	events_settle();
	/* where it is no memory the access itself finds out */
	if (!memory_pa(va, true, &pa) || !memory_at(pa))
		return;
	line_keep(pa, width);
	if (silent)
		return;
	old = bytes_at(pa, width);
	unsettled = shared->n_events;
	ev = push(TREE_EV_STORE, 0, pa, 0, old, pc);
	ev->width = (u8)width;
	/* of a pool that is being made nobody sees the lists */
	ev->order = pool.making ? 0 : (u8)order;
	count_va = is_count(va, width) ? va : 0;
}

static void read(u64 va, unsigned int width, unsigned int order, u64 pc)
{
	struct tree_event *ev;
	u64 pa;

	if (!va_is_el2(va) || silent || !shared->wants_loads || !memory_pa(va, false, &pa))
		return;
	make_room();
	events_settle();
	ev = push(TREE_EV_LOAD, 0, pa, bytes_at(pa, width), 0, pc);
	ev->width = (u8)width;
	ev->order = (u8)order;
	unsettled = shared->n_events;
}

/* A structure: whole words, then what is left. */
static void pieces(u64 va, u64 bytes, void (*one)(u64, unsigned int, unsigned int, u64), u64 pc)
{
	while (bytes) {
		unsigned int n = va & 1 || bytes < 2   ? 1
				 : va & 2 || bytes < 4 ? 2
				 : va & 4 || bytes < 8 ? 4
						       : 8;

		one(va, n, 0, pc);
		va += n;
		bytes -= n;
	}
}

#define HOOKS(width)                                                                               \
	void __tsan_write##width(void *p);                                                         \
	void __tsan_write##width(void *p)                                                          \
	{                                                                                          \
		if (va_is_el2((u64)p))                                                             \
			wrote((u64)p, width, 0, SIM_FN_PC());                                      \
	}                                                                                          \
	void __tsan_volatile_write##width(void *p);                                                \
	void __tsan_volatile_write##width(void *p)                                                 \
	{                                                                                          \
		if (va_is_el2((u64)p))                                                             \
			wrote((u64)p, width, 1, SIM_FN_PC());                                      \
	}                                                                                          \
	void __tsan_read##width(void *p);                                                          \
	void __tsan_read##width(void *p)                                                           \
	{                                                                                          \
		read((u64)p, width, 0, SIM_FN_PC());                                               \
	}                                                                                          \
	void __tsan_volatile_read##width(void *p);                                                 \
	void __tsan_volatile_read##width(void *p)                                                  \
	{                                                                                          \
		read((u64)p, width, 1, SIM_FN_PC());                                               \
	}
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)

#define RANGE_HOOKS(name, fn)                                                                      \
	void name(void *p, unsigned long bytes);                                                   \
	void name(void *p, unsigned long bytes)                                                    \
	{                                                                                          \
		if (va_is_el2((u64)p))                                                             \
			pieces((u64)p, bytes, fn, SIM_FN_PC());                                    \
	}
RANGE_HOOKS(__tsan_write_range, wrote)
RANGE_HOOKS(__tsan_read_range, read)

#define WIDE_HOOKS(name, fn)                                                                       \
	void name(void *p);                                                                        \
	void name(void *p)                                                                         \
	{                                                                                          \
		if (va_is_el2((u64)p))                                                             \
			pieces((u64)p, 16, fn, SIM_FN_PC());                                       \
	}
WIDE_HOOKS(__tsan_write16, wrote)
WIDE_HOOKS(__tsan_read16, read)
WIDE_HOOKS(__tsan_volatile_write16, wrote)
WIDE_HOOKS(__tsan_volatile_read16, read)
#define UNALIGNED(width)                                                                           \
	RANGE_OF(__tsan_unaligned_write##width, wrote, width)                                      \
	RANGE_OF(__tsan_unaligned_read##width, read, width)
#define RANGE_OF(name, fn, width)                                                                  \
	void name(void *p);                                                                        \
	void name(void *p)                                                                         \
	{                                                                                          \
		if (va_is_el2((u64)p))                                                             \
			pieces((u64)p, width, fn, SIM_FN_PC());                                    \
	}
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)

#define CMPXCHG(bits)                                                                              \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile void *p, void *expected,        \
							  uint##bits##_t val, int ok, int failed); \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile void *p, void *expected,        \
							  uint##bits##_t val, int ok, int failed)  \
	{                                                                                          \
		uint##bits##_t *want = expected, there = *(volatile uint##bits##_t *)p;            \
                                                                                                   \
		read((u64)p, bits / 8, 2, SIM_FN_PC());                                            \
		if (there != *want) {                                                              \
			*want = there;                                                             \
			return 0;                                                                  \
		}                                                                                  \
		wrote((u64)p, bits / 8, 1, SIM_FN_PC());                                           \
		*(volatile uint##bits##_t *)p = val;                                               \
		events_settle();                                                                   \
		return 1;                                                                          \
	}
CMPXCHG(32)
CMPXCHG(64)

#define FETCH(bits, name, expression)                                                              \
	uint##bits##_t __tsan_atomic##bits##_fetch_##name(volatile void *p, uint##bits##_t i,      \
							  int order);                              \
	uint##bits##_t __tsan_atomic##bits##_fetch_##name(volatile void *p, uint##bits##_t i,      \
							  int order)                               \
	{                                                                                          \
		uint##bits##_t old = *(volatile uint##bits##_t *)p;                                \
                                                                                                   \
		read((u64)p, bits / 8, 1, SIM_FN_PC());                                            \
		wrote((u64)p, bits / 8, 1, SIM_FN_PC());                                           \
		*(volatile uint##bits##_t *)p = expression;                                        \
		events_settle();                                                                   \
		return old;                                                                        \
	}
#define FETCHES(bits)                                                                              \
	FETCH(bits, add, old + i)                                                                  \
	FETCH(bits, sub, old - i)                                                                  \
	FETCH(bits, and, old &i)                                                                   \
	FETCH(bits, or, old | i)                                                                   \
	FETCH(bits, xor, old ^ i)
FETCHES(32)
FETCHES(64)

void sim_store_release(volatile void *p, const void *val, int size);
void sim_store_release(volatile void *p, const void *val, int size)
{
	wrote((u64)p, (unsigned int)size, 3, SIM_FN_PC());
	switch (size) {
	case 1:
		*(volatile u8 *)p = *(const u8 *)val;
		break;
	case 2:
		*(volatile u16 *)p = *(const u16 *)val;
		break;
	case 4:
		*(volatile u32 *)p = *(const u32 *)val;
		break;
	default:
		*(volatile u64 *)p = *(const u64 *)val;
		break;
	}
	events_settle();
}

void sim_load_acquire(const volatile void *p, void *val, int size);
void sim_load_acquire(const volatile void *p, void *val, int size)
{
	read((u64)p, (unsigned int)size, 2, SIM_FN_PC());
	memcpy(val, (const void *)p, (size_t)size);
}

/* ---- Whole stretches of memory ------------------------------------------------------------- */

/* Zeroes of EL2's; what nobody ever wrote to costs nothing. */
static void zero(u64 va, u64 bytes, u64 pc)
{
	u64 first = 0;

	make_room();
	events_settle();
	for (u64 done = 0, n; done < bytes; done += n) {
		u64 pa;

		n = 4096 - ((va + done) & 4095);
		n = n < bytes - done ? n : bytes - done;
		if (!memory_pa(va + done, true, &pa))
			*(volatile u8 *)(va + done) = 0; /* takes the abort */
		if (!done)
			first = pa;
		if (frame_untouched(pa))
			continue;
		if (shared->n_lines >= TREE_MAX_LINES - TREE_RESERVE) {
			/* told up to here, so that lines and events stay of one piece */
			if (!silent && done)
				push(TREE_EV_ZERO, 0, first, done, 0, pc);
			unsettled = shared->n_events;
			make_room();
			va += done;
			bytes -= done;
			done = 0;
			first = pa;
		}
		line_keep(pa, n);
		memset(memory_at(pa), 0, n);
	}
	if (!silent)
		push(TREE_EV_ZERO, 0, first, bytes, 0, pc);
	unsettled = shared->n_events;
}

/* The early allocator's last act is to clear what it gives. */
static bool is_early_alloc(u64 pc)
{
	return pc - (u64)hyp_early_alloc_contig < 256;
}

/* The tree's own, as its assembly would have it. */
void *sim_memset(void *p, int c, size_t n);
void *sim_memset(void *p, int c, size_t n)
{
	if (!va_is_el2((u64)p)) {
		return memset(p, c, n);
	} else if (!c && n >= 64) {
		zero((u64)p, n, SIM_FN_PC());
		if (is_early_alloc(SIM_FN_PC()))
			event(TREE_EV_ALLOC, word_of("early"), (u64)p - TREE_VA_OFFSET, n >> 12, 0,
			      SIM_FN_PC());
	} else {
		for (size_t i = 0; i < n;) {
			u64 va = (u64)p + i;
			unsigned int w = va & 7 || n - i < 8 ? 1 : 8;

			wrote(va, w, 0, SIM_FN_PC());
			memset((void *)va, c, w);
			i += w;
		}
		events_settle();
	}
	return p;
}

void *sim_memcpy(void *to, const void *from, size_t n);
void *sim_memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n;) {
		u64 a = (u64)to + i;
		size_t w = a & 7 || n - i < 8 ? 1 : 8;

		read((u64)from + i, (unsigned int)w, 0, SIM_FN_PC());
		wrote(a, (unsigned int)w, 0, SIM_FN_PC());
		memcpy((void *)a, (const char *)from + i, w);
		i += w;
	}
	events_settle();
	return to;
}

/* ---- Instructions -------------------------------------------------------------------------- */

void sim_isb(void);
void sim_isb(void)
{
	event(TREE_EV_ISB, 0, 0, 0, 0, SIM_FN_PC());
}

void sim_dsb(const char *option);
void sim_dsb(const char *option)
{
	event(TREE_EV_DSB, word_of(option), 0, 0, 0, SIM_FN_PC());
}

/* Orders memory of CPUs; the board's take effect at once. */
void sim_dmb(const char *option);
void sim_dmb(const char *option)
{
}

void sim_ic(const char *op);
void sim_ic(const char *op)
{
	event(TREE_EV_CMO, word_of(op), 0, 0, 0, SIM_FN_PC());
}

/* From assembly: every register of the caller's survives. */
#define KEEPING(name, fn)                                                                          \
	asm(".globl " name "\n" name ":\n"                                                         \
	    "	pushf\n	push %rax\n	push %rcx\n	push %rdx\n	push %rsi\n"                             \
	    "	push %rdi\n	push %r8\n	push %r9\n	push %r10\n	push %r11\n"                           \
	    "	push %rbp\n	mov %rsp, %rbp\n	and $-16, %rsp\n	call " fn "\n"     \
	    "	mov %rbp, %rsp\n	pop %rbp\n	pop %r11\n	pop %r10\n	pop %r9\n"                         \
	    "	pop %r8\n	pop %rdi\n	pop %rsi\n	pop %rdx\n	pop %rcx\n"                               \
	    "	pop %rax\n	popf\n	ret\n")
KEEPING("sim_isb_keeping", "sim_isb");
KEEPING("sim_ic_iallu_keeping", "sim_ic_iallu");

void sim_ic_iallu(void);
void sim_ic_iallu(void)
{
	event(TREE_EV_CMO, word_of("ic_iallu"), 0, 0, 0, SIM_FN_PC());
}

unsigned long *sim_reg_vttbr_el2(void);
void sim_tlbi(const char *op, unsigned long operand);
void sim_tlbi(const char *op, unsigned long operand)
{
	u64 ttl = operand >> 44 & 15;

	event(TREE_EV_TLBI, word_of(op), operand, *sim_reg_vttbr_el2() >> 48, 0,
	      SIM_FN_PC());
	if (!strcmp(op, "vae2is") || !strcmp(op, "vale2is"))
		memory_forget_page((operand & ((UINT64_C(1) << 44) - 1)) << 12, (ttl & 3) != 3);
	else if (strstr(op, "e2"))
		memory_forget();
}

static void cmo(const char *op, unsigned long start, unsigned long end, u64 pc)
{
	u64 pa = 0;

	memory_pa(start, false, &pa);
	event(TREE_EV_CMO, word_of(op), pa, end - start, start, pc);
}

void dcache_clean_inval_poc(unsigned long start, unsigned long end);
void dcache_clean_inval_poc(unsigned long start, unsigned long end)
{
	cmo("dc_civac", start, end, SIM_FN_PC());
}

void icache_inval_pou(unsigned long start, unsigned long end);
void icache_inval_pou(unsigned long start, unsigned long end)
{
	cmo("ic_ivau", start, end, SIM_FN_PC());
}

void work(void)
{
	lost("only the fast program repeats what it does");
}
