// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process: waits for the board's request, enters the tree's code, and says how that
 * ended. Every way out of EL2 is a jump back to here: a return to the host, a panic, a
 * wild access, an endless loop.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime.h"

#define LONGEST_SECONDS 10 /* of computing, for one request */

struct tree_shared *shared;
static sigjmp_buf way_out;
static volatile bool inside;

/* ---- Turns --------------------------------------------------------------------------------- */

static long futex(int op, u32 val)
{
	return syscall(SYS_futex, &shared->turn, op, val, NULL, NULL, 0);
}

static void wait_turn(void)
{
	while (!__atomic_load_n(&shared->turn, __ATOMIC_ACQUIRE))
		if (futex(FUTEX_WAIT, 0) < 0 && errno != EAGAIN && errno != EINTR)
			_exit(1);
}

void hand_over(void)
{
	__atomic_store_n(&shared->turn, 0, __ATOMIC_RELEASE);
	futex(FUTEX_WAKE, 1);
	wait_turn();
}

/* Within a request: the board reads what there is, and lets it go on, or not. */
void pause_request(void)
{
	hand_over();
	if (shared->abandon)
		leave(TREE_RETURNED);
	memory_request();
}

void lost(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(shared->panic.what, sizeof(shared->panic.what), format, ap);
	va_end(ap);
	shared->status = TREE_LOST;
	hand_over();
	_exit(1);
}

/* ---- Ways out ------------------------------------------------------------------------------ */

void leave(enum tree_status status)
{
	if (!inside)
		lost("left outside of a request");
	shared->status = status;
	siglongjmp(way_out, 1);
}

void sim_chain_copy(void);

void panic(const char *reason, const char *what, const char *file, int line, u64 pc, u64 far)
{
	struct tree_panic *p = &shared->panic;

	if (!inside)
		lost("%s at 0x%lx, address 0x%lx", reason, (unsigned long)pc, (unsigned long)far);
	events_settle();
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
	snprintf(p->what, sizeof(p->what), "%s", what);
	snprintf(p->file, sizeof(p->file), "%s", file ? file : "");
	p->line = (u32)line;
	p->pc = (u32)pc;
	p->far = far;
	sim_chain_copy();
	leave(TREE_PANICKED);
}

void sim_trap(const char *kind, const char *file, int line, const char *what);
void sim_trap(const char *kind, const char *file, int line, const char *what)
{
	panic(kind, what, file, line, SIM_FN_PC(), 0);
}

/* BRK: at EL2 it does not come back, unless the scenario says so. */
void sim_warn(const char *file, int line, const char *what);
void sim_warn(const char *file, int line, const char *what)
{
	if (!shared->warn_continues)
		panic("WARN", what, file, line, SIM_FN_PC(), 0);
	event(TREE_EV_WARN, 0, 0, 0, 0, SIM_FN_PC());
}

void glue_host_enter(struct tree_shared *s, void *host_ctxt);
void __host_enter(void *host_ctxt);
void __host_enter(void *host_ctxt)
{
	silent = true;
	glue_host_enter(shared, host_ctxt);
	leave(TREE_RETURNED);
}

void sim_switch_pgd(u64 pgd_pa, u64 stack, void *finalise);
void glue_view_s1(struct tree_shared *s);
void sim_switch_pgd(u64 pgd_pa, u64 stack, void *finalise)
{
	silent = true;
	glue_switch(pgd_pa, stack, finalise);
	glue_view_s1(shared);
	leave(TREE_SWITCHING);
}

/*
 * A guest's instructions are actions of their own: here an interrupt is pending, and it is
 * left as soon as it is entered.
 */
int __kvm_vcpu_run(void *vcpu);
int __kvm_vcpu_run(void *vcpu)
{
	return 0; /* ARM_EXCEPTION_IRQ */
}

/* ---- What the board has not, or answers at once -------------------------------------------- */

u64 sim_ctr_el0 = 0x84448004;

u32 sim_at_fails(void);
u32 sim_at_fails(void)
{
	return shared->at_fails;
}

/* EL3 is the board's: what was done up to here is read, and it answers. */
static void firmware(u64 regs[TREE_REGS])
{
	events_settle();
	memcpy(shared->smc, regs, sizeof(shared->smc));
	shared->status = TREE_SMC;
	pause_request();
	memcpy(regs, shared->smc, sizeof(shared->smc));
}

void sim_smc(unsigned long a[8], int n);
void sim_smc(unsigned long a[8], int n)
{
	u64 regs[TREE_REGS] = { 0 };

	memcpy(regs, a, (size_t)n * sizeof(*regs));
	firmware(regs);
	memcpy(a, regs, 4 * sizeof(*regs));
}

/* Both are structures of all registers. */
void arm_smccc_1_2_smc(const unsigned long *args, unsigned long *res);
void arm_smccc_1_2_smc(const unsigned long *args, unsigned long *res)
{
	u64 regs[TREE_REGS];

	memcpy(regs, args, sizeof(regs));
	firmware(regs);
	memcpy(res, regs, sizeof(regs));
}

/* The host's registers stand at the start of its context, in EL2's memory. */
void __kvm_hyp_host_forward_smc(unsigned long *ctxt);
void __kvm_hyp_host_forward_smc(unsigned long *ctxt)
{
	u64 regs[TREE_REGS];
	bool was = silent;

	memcpy(regs, ctxt, sizeof(regs));
	firmware(regs);
	silent = true;
	for (unsigned int i = 0; i < TREE_REGS; i++)
		wrote((u64)&ctxt[i], 8, 0, 0);
	silent = was;
	memcpy(ctxt, regs, sizeof(regs));
}

#define ABSENT(name)                                                                               \
	void name(void);                                                                           \
	void name(void)                                                                            \
	{                                                                                          \
		panic("unmodelled", #name " is not on this board", __FILE__, __LINE__,             \
		      SIM_FN_PC(), 0);                                                             \
	}
ABSENT(__fpsimd_restore_state)
ABSENT(__fpsimd_save_state)
ABSENT(__sve_restore_state)
ABSENT(__sve_save_state)
ABSENT(__kvm_adjust_pc)
ABSENT(__kvm_get_mdcr_el2)
ABSENT(__kvm_timer_set_cntvoff)
ABSENT(__vgic_v2_perform_cpuif_access)
ABSENT(__vgic_v3_get_gic_config)
ABSENT(__vgic_v3_init_lrs)
ABSENT(__vgic_v3_perform_cpuif_access)
ABSENT(__vgic_v3_restore_vmcr_aprs)
ABSENT(__vgic_v3_save_vmcr_aprs)
ABSENT(__vgic_v3_save_aprs)
ABSENT(__vgic_v5_restore_vmcr_apr)
ABSENT(__vgic_v5_save_apr)
ABSENT(kvm_hyp_cpu_entry)
ABSENT(kvm_hyp_cpu_resume)
ABSENT(kvm_skip_instr32)
char __bp_harden_hyp_vecs[1];

/* ---- Requests ------------------------------------------------------------------------------ */

/*
 * EL2 leaves its start-up tables by a jump to a physical address: there stands a jump to
 * sim_switch_pgd().
 */
static void place_switch(void)
{
	u8 code[] = {
		0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0
	}; /* mov $fn, %rax; jmp *%rax */
	u64 fn = (u64)sim_switch_pgd;
	void *at = (void *)shared->idmap_pa;

	memcpy(code + 2, &fn, sizeof(fn));
	if (mmap(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		lost("EL2's idmap page at 0x%lx is not free here", (unsigned long)shared->idmap_pa);
	memcpy(at, code, sizeof(code));
}

extern u8 sim_data_start[], sim_data_end[], sim_bss_start[], sim_bss_end[];
extern u8 __per_cpu_start[], __per_cpu_end[];
/*
 * What the program's loader put into EL2's data. Nothing here may call malloc(): its heap
 * begins after the last of the program's sections, which is where EL2's memory will be.
 */
static u8 data_load[0x2000];

/* As the loader and kvm_arm's init_hyp_mode() leave EL2's image. */
static void setup(void)
{
	memory_forget();
	memory_poke((u64)sim_data_start - TREE_VA_OFFSET, data_load,
		    (size_t)(sim_data_end - sim_data_start));
	for (u32 i = 0; i < shared->n_cpus; i++)
		memory_poke(shared->percpu_pa[i], __per_cpu_start,
			    (size_t)(__per_cpu_end - __per_cpu_start));
	silent = true;
	glue_setup(shared);
	shared->mem_pages = glue_mem_pages();
}

void glue_trap(struct tree_shared *s, bool *quiet);
void glue_guest_trap(struct tree_shared *s, bool *quiet);

static void set_held(struct glue_pressure *g, u64 held, u64 n_held)
{
	const u64 both[2] = { held, n_held };

	memory_poke((u64)g - TREE_VA_OFFSET, both, sizeof(both));
}

/* Down to as many as the board wants left. */
static void take_pages(void)
{
	void *pool = glue_pool((unsigned int)shared->args[0]);
	struct glue_pressure *g = glue_pressure((unsigned int)shared->args[0]);

	for (u64 n = glue_free_pages(pool); n > shared->args[1]; n--) {
		u64 *page = __wrap_hyp_alloc_pages(pool, 0);
		u64 pa;

		if (!page)
			break;
		if (!memory_pa((u64)page, true, &pa))
			panic("EL2 data abort", "", NULL, 0, SIM_FN_PC(), (u64)page);
		memory_poke(pa, &g->held, sizeof(u64));
		set_held(g, pa, g->n_held + 1);
	}
}

static void give_pages(void)
{
	void *pool = glue_pool((unsigned int)shared->args[0]);
	struct glue_pressure *g = glue_pressure((unsigned int)shared->args[0]);

	for (u64 n = shared->args[1]; n-- && g->n_held;) {
		u64 *page = (u64 *)(g->held + TREE_VA_OFFSET);

		set_held(g, *page, g->n_held - 1);
		__wrap_hyp_put_page(pool, page);
	}
}

static void run(void)
{
	switch ((enum tree_op)shared->op) {
	case TREE_OP_SETUP:
		setup();
		break;
	case TREE_OP_INIT:
		silent = true;
		glue_init_regs(shared);
		glue_trap(shared, &silent);
		break;
	case TREE_OP_FINALIZED:
		silent = true;
		glue_protected();
		/* fall through */
	case TREE_OP_TRAP:
		glue_trap(shared, &silent);
		break;
	case TREE_OP_GUEST:
		glue_guest_trap(shared, &silent);
		break;
	case TREE_OP_FINALISE:
		memory_own_tables();
		glue_go_on();
		break;
	case TREE_OP_CALL:
		shared->ret = glue_call(shared->number, shared->args);
		break;
	case TREE_OP_TAKE:
		silent = true;
		take_pages();
		break;
	case TREE_OP_GIVE:
		silent = true;
		give_pages();
		break;
	case TREE_OP_FAIL:
		silent = true;
		glue_fail((unsigned int)shared->args[0], shared->args[1], shared->args[2]);
		break;
	case TREE_OP_RECOVER:
		silent = true;
		glue_recover();
		break;
	case TREE_OP_WORK:
		work();
		break;
	case TREE_OP_LOOK:
		break;
	case TREE_OP_TABLES:
		tables();
		break;
	}
	shared->status = TREE_RETURNED;
}

static void watchdog(int seconds)
{
	struct itimerval t = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_VIRTUAL, &t, NULL);
}

/* One request: what happens inside may end anywhere. */
static void request(void)
{
	/* else there is no EL2, or none yet */
	bool el2 = shared->op != TREE_OP_SETUP && shared->op != TREE_OP_TABLES;
	volatile u32 status;

	memory_request();
	chain_reset();
	silent = false;
	inside = true;
	watchdog(LONGEST_SECONDS);
	if (!sigsetjmp(way_out, 1)) {
		if (shared->forget) {
			if (el2)
				glue_view_s1(shared);
			memory_forget();
		}
		shared->forget = 0;
		if (el2)
			glue_set_cpu(shared->cpu);
		run();
	}
	watchdog(0);
	events_settle();
	silent = true;
	/* Tables that make no sense: the view stays as it was, and so does how it ended. */
	status = shared->status;
	if (el2 && !sigsetjmp(way_out, 1))
		glue_view(shared);
	else if (shared->op == TREE_OP_TABLES)
		tables_view();
	shared->status = status;
	inside = false;
}

bool attempt(long (*fn)(const u64 *a), const u64 *a, long *ret)
{
	bool came = false;

	chain_reset();
	inside = true;
	watchdog(LONGEST_SECONDS);
	if (!sigsetjmp(way_out, 1)) {
		*ret = fn(a);
		came = true;
	}
	watchdog(0);
	inside = false;
	return came;
}

/* What the tree's structures look like, and what it does: asked once, when it was built. */
static int print_layout(void)
{
	static struct tree_layout layout;

	silent = true;
	glue_layout(&layout);
	try_all(&layout);
	layout.bss_bytes = (u32)(sim_bss_end - sim_bss_start);
	layout.data_bytes = (u32)(sim_data_end - sim_data_start);
	return fwrite(&layout, sizeof(layout), 1, stdout) == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return print_layout();
	prctl(PR_SET_PDEATHSIG, 9);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, TREE_FD_SHARED, 0);
	if (shared == MAP_FAILED)
		return 1;
	memcpy(data_load, sim_data_start, (size_t)(sim_data_end - sim_data_start));
	wait_turn();
	memory_init();
	place_switch();
	for (;;) {
		request();
		hand_over();
	}
}
