// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host against EL2's hypercalls: VMs made and unmade of any memory, guests given and
 * lent anything, lists of pages that lead anywhere; the driver's own VMs in between, so
 * that guests are there to be lied to. Whatever comes of it is a number, a refusal or a
 * panic; unless EL2 died no lock is held after a call.
 */
#include <string.h>

#include "model/model.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x48000000)
#define GFN UINT64_C(0x80000)
#define MAX_STEPS 96 /* of one input */
#define N_CALLS_MAX 64

struct input {
	const uint8_t *at, *end;
};

/* What is not there is zero. */
static u64 take(struct input *in, unsigned int bytes)
{
	u64 val = 0;

	for (unsigned int i = 0; i < bytes && in->at < in->end; i++)
		val |= (u64)*in->at++ << (8 * i);
	return val;
}

/* ---- The machine ----------------------------------------------------------------------- */

/* Three granules, each release, as it is and with what bugs of guests it can have. */
#define N_SOUND (3 * N_PROFILES)
#define N_MACHINES (2 * N_SOUND)

static void bring_bugs_back(struct el2_config *c)
{
	static const enum bug_id bugs[] = { BUG_B02, BUG_B07, BUG_B11, BUG_B14, BUG_B15, BUG_B16,
					    BUG_B17, BUG_B20, BUG_B21, BUG_B25, BUG_B31 };
	const char *why;

	for (unsigned int i = 0; i < G_N_ELEMENTS(bugs); i++) {
		c->bug[bugs[i]] = true;
		c->bug[bugs[i]] = el2_config_possible(c, &why);
	}
}

static struct machine *boot(unsigned int kind)
{
	struct board_config *b = board_config_machine("virt");
	struct el2_config *c = el2_config_new(&el2_profiles[kind % N_PROFILES]);
	struct machine *m;

	b->f.page_shift = (u8)(12 + 2 * (kind % N_SOUND / N_PROFILES));
	if (kind >= N_SOUND)
		bring_bugs_back(c);
	m = machine_new(b, c, &pkvm_hypervisor, NULL);
	board_config_free(b);
	el2_config_free(c);
	sim_assert(m);
	sim_assert(!machine_boot(m).value);
	return m;
}

/* A boot takes longer than the input: each kind of machine is kept, and gone back to. */
static struct machine *booted(unsigned int kind)
{
	static struct {
		struct machine *m;
		struct snapshot *fresh;
	} kept[N_MACHINES];

	if (!kept[kind].m) {
		kept[kind].m = boot(kind);
		kept[kind].fresh = board_snapshot(kept[kind].m->board);
	}
	board_restore(kept[kind].m->board, kept[kind].fresh);
	kept[kind].m->dead = false;
	return kept[kind].m;
}

/* ---- Words ---------------------------------------------------------------------------------- */

static u64 kernel_va(struct machine *m, u64 pa)
{
	return UINT64_C(0xffff) << 48 | m->hyp->hyp_va(m->el2, PA(pa));
}

/*
 * One byte says what it is about and which: frames and addresses of a few pages, frames
 * of guests, handles, small numbers; or all eight bytes follow.
 */
static u64 take_word(struct machine *m, struct input *in)
{
	const u64 b = take(in, 1), n = b & 0x1f;
	const unsigned int shift = m->board->f->page_shift;

	switch (b >> 5) {
	case 0:
		return n;
	case 1:
		return kernel_va(m, RAM + (n << shift));
	case 2:
		return (RAM >> shift) + n;
	case 3:
		return GFN + (n & 15) + (n & 16 ? 512 : 0);
	case 4:
		return EL2_HANDLE_OFFSET + n;
	case 5:
		return RAM + (n << shift) + take(in, 1);
	case 6:
		return n == 31 ? ~UINT64_C(0) : BIT(2 * n) + take(in, 1);
	default:
		return take(in, 8);
	}
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static void check_unlocked(const struct machine *m)
{
	for (const struct spinlock *l = m->board->locks; !m->dead && l; l = l->next)
		sim_assert(!spin_is_locked(l));
}

static void step_hvc(struct machine *m, struct input *in)
{
	const struct el2_call *const *calls = m->hyp->calls(m->el2), *call;
	const unsigned int cpu = (unsigned int)take(in, 1);
	u64 args[EL2_MAX_ARGS] = { 0 };
	unsigned int n = 0;

	while (calls[n] && calls[n]->hypercall)
		n++;
	call = calls[(cpu >> 1) % n];
	for (unsigned int i = 0; i < call->n_args; i++)
		args[i] = take_word(m, in);
	machine_hvc_call(m, cpu & 1, call, args, call->n_args);
	check_unlocked(m);
}

/* The host stores a word where it can, in one of the pages that calls are about. */
static void step_store(struct machine *m, struct input *in)
{
	const u64 page = take(in, 1) & 0x1f, off = take(in, 1) & 0x3f;
	const u64 pa = RAM + (page << m->board->f->page_shift) + 8 * (off & 0x1f) + (off >> 5);

	machine_host_access(m, 0, MMU_WRITE, pa, 8, take_word(m, in), true);
}

static void step_load(struct machine *m, struct input *in)
{
	const u64 page = take(in, 1) & 0x1f;

	machine_host_access(m, 1, MMU_READ, RAM + (page << m->board->f->page_shift), 8, 0, true);
}

struct guest_call {
	struct machine *m;
	u64 regs[18];
	u64 ipa;
	bool hvc;
};

static s64 run_guest(struct cpu *cpu, void *arg)
{
	struct guest_call *g = arg;
	struct el2_guest_exit exit = { 0 };
	struct el2_fault f = { .ipa = g->ipa, .walk.fault = MMU_FAULT_TRANSLATION };

	f.walk.level = (s8)(g->ipa >> 12 & 3);
	mmu_syndrome_s2(&f.walk, f.ipa, MMU_READ, 8, true, &f.syndrome);
	if (g->hvc)
		return g->m->hyp->guest_hvc(g->m->el2, cpu, g->regs, &exit);
	return g->m->hyp->guest_abort(g->m->el2, cpu, &f, &exit);
}

/* The vCPU loaded on CPU 0, if there is one, calls or faults. */
static void step_guest(struct machine *m, struct input *in)
{
	const u64 b = take(in, 1);
	struct guest_call g = { .m = m, .hvc = b & 1 };
	s64 ret;

	if (m->dead)
		return;
	g.regs[0] = UINT64_C(0xc6000000) + (b >> 1 & 7);
	g.regs[1] = g.ipa = take_word(m, in) << m->board->f->page_shift;
	g.regs[2] = b >> 4;
	if (cpu_call(&m->board->cpus[0], run_guest, &g, &ret) != CPU_END_RETURNED)
		m->dead = true;
	check_unlocked(m);
}

static void step_pool(struct machine *m, struct input *in)
{
	static const char *const pools[] = { "host_s2", "hyp_s1", "vm0x1000", "vm0x1001" };
	const u64 b = take(in, 1);
	GError *error = NULL;

	if (b & 4)
		m->hyp->pool_refill(m->el2, pools[b & 3], b >> 3, &error);
	else
		m->hyp->pool_drain(m->el2, pools[b & 3], b >> 3, &error);
	g_clear_error(&error);
}

/* The driver as it should be, on machines where the rest of the host is not. */
static void step_driver(struct machine *m, struct input *in)
{
	const u64 b = take(in, 1), gfn = GFN + (b >> 6);
	const char *vm = b & 8 ? "guest1" : "guest2";
	const unsigned int cpu = b >> 4 & 1;
	struct machine_map map = {
		.gfn = gfn, .pages = 1, .huge = b & 32, .r = true, .w = true, .x = true
	};

	switch (b & 7) {
	case 0:
		machine_vm_create(m, cpu, vm, b & 32, 1 + (b >> 6), 0);
		break;
	case 1:
		machine_guest_map(m, cpu, vm, 0, &map);
		break;
	case 2:
		map.pa = take_word(m, in) << m->board->f->page_shift;
		map.pages = b >> 5 ? table_entries(m->board->f->page_shift) : 1;
		machine_guest_map(m, cpu, vm, 0, &map);
		break;
	case 3:
		machine_guest_access(m, cpu, vm, 0, b & 32 ? MMU_WRITE : MMU_READ,
				     gfn << m->board->f->page_shift, 8, b);
		break;
	case 4:
		machine_vm_run(m, cpu, vm, b >> 5 & 1);
		break;
	case 5:
		machine_guest_unmap(m, cpu, vm, gfn, 1);
		break;
	case 6:
		machine_host_share(m, cpu, take_word(m, in), 1 + (b >> 6));
		break;
	default:
		machine_vm_destroy(m, cpu, vm);
	}
	check_unlocked(m);
}

static void step(struct machine *m, struct input *in)
{
	const u64 b = take(in, 1);

	if ((b & 0x1c) == 0x1c) {
		step_driver(m, in);
		return;
	}
	switch (b & 15) {
	case 10:
	case 11:
		step_store(m, in);
		break;
	case 12:
		step_load(m, in);
		break;
	case 13:
	case 14:
		step_guest(m, in);
		break;
	case 15:
		if (!m->dead)
			step_pool(m, in);
		break;
	default:
		step_hvc(m, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	const unsigned int b = (unsigned int)take(&in, 1);
	struct machine *m = booted(b % N_SOUND + (b & 0x80 ? N_SOUND : 0));
	struct abs_page p;

	/* what a report would look at, whatever it looks like now */
	for (unsigned int n = 0; in.at < in.end && n < MAX_STEPS && !m->dead; n++)
		step(m, &in);
	for (u64 i = 0; i < 4; i++)
		model_page(m->board, m->hyp->view(m->el2), PA(RAM + (i << m->board->f->page_shift)),
			   &p);
	return 0;
}
