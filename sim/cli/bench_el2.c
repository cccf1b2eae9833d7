// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What EL2 does, many times over, through the seam alone: any implementation
 * behind it can be measured by the same loops.
 */
#include <string.h>

#include "bench.h"

/* 57,344 leaves are 112 full tables of 512; we leave every eighth entry of 128 empty. */
#define SLOTS 65536u
#define EVERY 8u
#define LEAVES (SLOTS / EVERY * (EVERY - 1))
#define TABLE_BASE UINT64_C(0x100000000)
#define PAGE UINT64_C(4096)
#define BLOCK (UINT64_C(2) << 20)
#define PROT_RWX 7

G_STATIC_ASSERT(LEAVES == 57344);

/* ---- The page-table library on a table of its own ---- */

static s64 table_op(struct bench_env *e, struct cpu *cpu, const char *op, u64 ia, u64 size)
{
	struct el2_pgtable_op o = { .op = op, .ia = ia, .size = size, .pa = ia, .prot = PROT_RWX };
	struct el2_pgtable_result res = { 0 };

	e->m->hyp->pgtable_op(e->table, cpu, &o, &res);
	return res.ret;
}

static s64 fill_table(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	/* After the first 64 MiB of RAM: enough for 128 + 1 + 1 table pages and a root. */
	const struct ram_region *ram =
		&g_array_index(cpu->board->config->ram, struct ram_region, 0);
	struct el2_pgtable_config c = { .profile = PROFILE_V7_0,
					.stage = 2,
					.ia_bits = 40,
					.flags = 2,
					.first_page = ram->base + (64u << 20),
					.page_limit = 1024 };
	s64 ret = 0;

	e->table = e->m->hyp->pgtable_new(cpu->board, &c, cpu, &ret, NULL);
	for (u64 i = 0; !ret && i < SLOTS; i++)
		if (i % EVERY)
			ret = table_op(e, cpu, "map", TABLE_BASE + i * PAGE, PAGE);
	return ret;
}

static bool setup_table(struct bench_env *e)
{
	s64 ret = -1;

	return cpu_call(&e->m->board->cpus[0], fill_table, e, &ret) == CPU_END_RETURNED && !ret;
}

static s64 loop_map(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;

	for (u64 i = 0; i < e->iterations; i++) {
		u64 ia = TABLE_BASE + bench_random(e) % (SLOTS / EVERY) * EVERY * PAGE;

		e->failures += table_op(e, cpu, "map", ia, PAGE) != 0;
		e->failures += table_op(e, cpu, "unmap", ia, PAGE) != 0;
	}
	return 0;
}

static s64 loop_map_block(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	u64 first = TABLE_BASE + SLOTS * PAGE;

	for (u64 i = 0; i < e->iterations; i++) {
		u64 ia = first + bench_random(e) % 128 * BLOCK;

		e->failures += table_op(e, cpu, "map", ia, BLOCK) != 0;
		e->failures += table_op(e, cpu, "unmap", ia, BLOCK) != 0;
	}
	return 0;
}

static s64 loop_get_leaf(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;

	for (u64 i = 0; i < e->iterations; i++)
		e->failures += table_op(e, cpu, "get_leaf",
					TABLE_BASE + bench_random(e) % SLOTS * PAGE, PAGE) != 0;
	return 0;
}

/* ---- Transitions ---- */

bool bench_find_calls(struct bench_env *e, const char *first, const char *second)
{
	const struct el2_call *const *calls = e->m->hyp->calls(e->m->el2);
	bool ambiguous;

	e->first = el2_call_find(calls, first, &ambiguous);
	e->second = second ? el2_call_find(calls, second, &ambiguous) : NULL;
	return e->first && (!second || e->second);
}

static u64 middle_page(struct bench_env *e)
{
	const struct ram_region *ram =
		&g_array_index(e->m->board->config->ram, struct ram_region, 0);

	return ALIGN_DOWN(ram->base + ram->size / 2, PAGE);
}

u64 bench_page(struct bench_env *e)
{
	return middle_page(e) / PAGE;
}

bool setup_donate(struct bench_env *e)
{
	e->arg[0] = e->undo[0] = bench_page(e);
	e->arg[1] = e->undo[1] = 1;
	return bench_find_calls(e, "host_donate_hyp", "hyp_donate_host");
}

static s64 loop_donate(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	const struct hypervisor *hyp = e->m->hyp;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += hyp->call(e->m->el2, cpu, e->first, e->arg, 2) != 0;
		e->failures += hyp->call(e->m->el2, cpu, e->second, e->arg, 2) != 0;
	}
	return 0;
}

bool setup_share(struct bench_env *e)
{
	if (!bench_find_calls(e, "host_share_hyp", "host_unshare_hyp"))
		return false;
	e->arg[0] = e->undo[0] = bench_page(e);
	return true;
}

static u64 hypercall(struct bench_env *e, struct cpu *cpu, u64 id)
{
	u64 regs[18] = { id, e->arg[0] };

	e->m->hyp->hvc(e->m->el2, cpu, regs);
	return regs[0] | regs[1];
}

static s64 loop_share(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	u64 share = e->m->hyp->hvc_id(e->m->el2, e->first);
	u64 unshare = e->m->hyp->hvc_id(e->m->el2, e->second);

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += hypercall(e, cpu, share) != 0;
		e->failures += hypercall(e, cpu, unshare) != 0;
	}
	return 0;
}

static s64 loop_share_whole(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	u64 share[2] = { e->m->hyp->hvc_id(e->m->el2, e->first), e->arg[0] };
	u64 unshare[2] = { e->m->hyp->hvc_id(e->m->el2, e->second), e->arg[0] };

	for (u64 i = 0; i < e->iterations; i++) {
		struct outcome a = machine_hvc(e->m, 0, share, 2);
		struct outcome b = machine_hvc(e->m, 0, unshare, 2);

		e->failures +=
			a.kind != OUTCOME_VALUE || a.value || b.kind != OUTCOME_VALUE || b.value;
	}
	return 0;
}

/* ---- Host faults ---- */

/* A block of RAM that the host loses again: no call of a release's does only that. */
static bool setup_fault(struct bench_env *e)
{
	const struct el2_view *v = e->m->hyp->view(e->m->el2);
	struct el2_fault *f = &e->fault;
	struct cpu *cpu = &e->m->board->cpus[0];

	e->arg[0] = ALIGN_DOWN(middle_page(e), BLOCK);
	e->arg[1] = BLOCK;
	f->ipa = e->arg[0];
	mmu_walk(&v->host_s2, f->ipa, f->access, board_read_desc, cpu->board, &f->walk);
	mmu_syndrome_s2(&f->walk, f->ipa, f->access, 8, true, &f->syndrome);
	if (!bench_find_calls(e, "host_stage2_idmap", NULL))
		return false;
	e->second = &el2_calls[EL2_CALL_host_stage2_unmap];
	return f->walk.fault == MMU_FAULT_TRANSLATION;
}

static s64 loop_idmap(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	const struct hypervisor *hyp = e->m->hyp;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += hyp->call(e->m->el2, cpu, e->first, e->arg, 1) != 0;
		e->failures += hyp->call(e->m->el2, cpu, e->second, e->arg, 2) != 0;
	}
	return 0;
}

static s64 loop_fault(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	const struct hypervisor *hyp = e->m->hyp;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += hyp->host_abort(e->m->el2, cpu, &e->fault) != EL2_ABORT_RETRY;
		e->failures += hyp->call(e->m->el2, cpu, e->second, e->arg, 2) != 0;
	}
	return 0;
}

/*
 * Two pages next to the odd ends of tiny's RAM, each of which needs a table page of
 * its own, and one page left in the pool: each fault finds none, recycles what the
 * other one had, and maps.
 */
static bool setup_recycle(struct bench_env *e)
{
	e->arg[0] = 0x40801000;
	e->arg[1] = 0x40c00000;
	return bench_find_calls(e, "host_stage2_idmap", NULL) &&
	       e->m->hyp->pool_drain(e->m->el2, "host_s2", 1, NULL);
}

static s64 loop_recycle(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;
	const struct hypervisor *hyp = e->m->hyp;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += hyp->call(e->m->el2, cpu, e->first, &e->arg[0], 1) != 0;
		e->failures += hyp->call(e->m->el2, cpu, e->first, &e->arg[1], 1) != 0;
	}
	return 0;
}

const struct bench benches[] = {
	{ "map", "stage-2 map + unmap of 4K, a random hole among 57,344 leaves", 2, "virt", false,
	  setup_table, loop_map },
	{ "map-block", "stage-2 map + unmap of a 2M block, the same table", 2, "virt", false,
	  setup_table, loop_map_block },
	{ "get-leaf", "get_leaf, random, the same table", 1, "virt", false, setup_table,
	  loop_get_leaf },
	{ "donate", "host_donate_hyp + hyp_donate_host, 1 page", 2, "virt", false, setup_donate,
	  loop_donate },
	{ "share", "host_share_hyp + host_unshare_hyp, hypercalls inside one action", 2, "virt",
	  false, setup_share, loop_share },
	{ "share-action", "the same, each an action: CPU switched in and out", 2, "virt", true,
	  setup_share, loop_share_whole },
	{ "idmap", "host_stage2_idmap of a 2M block of RAM + unmap of it", 2, "virt", false,
	  setup_fault, loop_idmap },
	{ "fault", "the same, mapped by the handler of host aborts", 2, "virt", false, setup_fault,
	  loop_fault },
	{ "recycle", "2 host faults on MMIO, each with a recycle in between", 2, "tiny", false,
	  setup_recycle, loop_recycle },
	{ "lend", "host_share_guest + host_unshare_guest, 1 page, v7.2", 2, "virt", false,
	  setup_lend, loop_guest, .release = "v7.2" },
	{ "give", "host_donate_guest + host_reclaim_page_guest, 1 page, v7.2", 2, "virt", false,
	  setup_give, loop_guest, .release = "v7.2" },
	{ "guest-share", "guest_share_host + guest_unshare_host, 1 page, v7.2", 2, "virt", false,
	  setup_guest_share, loop_guest, .release = "v7.2" },
	{ NULL, NULL, 0, NULL, false, NULL, NULL },
};
