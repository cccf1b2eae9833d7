// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tree does where releases and patches differ, found by doing it once when it was
 * built: on tables of nobody's, with a CPU that has only its per-CPU area.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime.h"

/* A page with an owner, one beside it, one that has no table yet, and memory. */
#define OWNED UINT64_C(0x10000000)
#define FREE UINT64_C(0x10001000)
#define FAR UINT64_C(0x20000000)
#define MEMORY UINT64_C(0x80000000)
#define MEMORY_BYTES UINT64_C(0x200000)
#define PERCPU UINT64_C(0x2000000000)

long glue_scratch(bool full);
long glue_scratch_unmap(u64 ipa);
u64 *glue_scratch_entry(u64 ipa);
u64 glue_owned_by_hyp(void);
void glue_trap(struct tree_shared *s, bool *quiet);
void glue_protect(const struct tree_shared *s);
long glue_boot_step(void);
extern u8 __per_cpu_start[], __per_cpu_end[];

void cpu_alone(void)
{
	size_t bytes = (size_t)(__per_cpu_end - __per_cpu_start);

	if (mmap((void *)(PERCPU + TREE_VA_OFFSET), bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		lost("no memory to try the tree's code in");
	memcpy((void *)(PERCPU + TREE_VA_OFFSET), __per_cpu_start, bytes);
	shared->percpu_pa[0] = PERCPU;
	shared->n_cpus = 1;
}

static void machine(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		lost("no memory to try the tree's code in");
	cpu_alone();
	shared->n_regions = 1;
	shared->page_shift = 12;
	shared->pa_bits = 40;
	shared->region[0].base = MEMORY;
	shared->region[0].size = MEMORY_BYTES;
	memory_begin();
	glue_setup(shared);
	glue_set_cpu(0);
}

static long fresh(const u64 *a)
{
	return glue_scratch(a[0]);
}

/* False: the tree panicked. Its locks are free again. */
static bool try(long (*fn)(const u64 *a), u64 a, long *ret)
{
	bool came = attempt(fn, &a, ret);

	glue_recover();
	return came;
}

/* Tables in which @owned is EL2's. */
static void begin(u64 owned, bool full)
{
	long ret;

	if (!try(fresh, full, &ret) || ret)
		lost("the tree makes no tables");
	if (owned)
		*glue_scratch_entry(owned) = glue_owned_by_hyp();
}

#define DABT_LOW UINT64_C(0x24)

/* The host reads a page of EL2's. */
static long read_owned(const u64 *a)
{
	bool quiet;

	shared->esr = DABT_LOW << 26 | 1 << 25 | 7; /* translation, level 3 */
	shared->far = a[0];
	shared->hpfar = a[0] >> 8 | UINT64_C(1) << 63;
	glue_trap(shared, &quiet);
	return shared->injected != 0;
}

static long unmap(const u64 *a)
{
	return glue_scratch_unmap(a[0]);
}

static long donate(const u64 *a)
{
	const u64 pfn[TREE_ARGS] = { a[0] >> 12 };

	return glue_call(TREE_CALL_host_donate_hyp_mmio, pfn);
}

static long boot_step(const u64 *a)
{
	return glue_boot_step();
}

static u32 try_unmap(void)
{
	long ret;

	begin(OWNED, false);
	if (!try(unmap, OWNED, &ret) || ret)
		return TREE_UNMAP_STOPS;
	return *glue_scratch_entry(OWNED) ? TREE_UNMAP_SKIPS : TREE_UNMAP_CLEARS;
}

/* Who asks first whether it is memory does not hear of its owner. */
static u32 try_donation(void)
{
	long ret;

	begin(MEMORY, false);
	return try(donate, MEMORY, &ret) && ret == -EINVAL ? TREE_MMIO_NO_MEMORY
							   : TREE_MMIO_ANY_PAGE;
}

static bool try_commit(void)
{
	long ret;

	begin(0, true);
	return try(donate, FAR, &ret) && ret;
}

/* The second region cannot be had. */
static bool try_unwind(void)
{
	long ret;

	begin(OWNED, false);
	shared->n_protected = 2;
	shared->protect[0].pfn = FREE >> 12;
	shared->protect[1].pfn = OWNED >> 12;
	shared->protect[0].pages = shared->protect[1].pages = 1;
	glue_protect(shared);
	return try(boot_step, 0, &ret) && !*glue_scratch_entry(FREE);
}

void try_all(struct tree_layout *l)
{
	struct tree_tried *t = &l->tried;
	long ret = 0;

	machine();
	begin(OWNED, false);
	t->injects = try(read_owned, OWNED, &ret) && ret;
	t->unmap = try_unmap();
	if (l->calls >> TREE_CALL_host_donate_hyp_mmio & 1) {
		t->mmio_donation = try_donation();
		t->commit_returns = try_commit();
	}
	if (l->protected_regions)
		t->unwinds_all = try_unwind();
}
