/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a load, a store or a fetch meets: the TLB, the MMU's walk, EL2's abort
 * handler, the bus. The host's stage 1 is flat, so its virtual addresses are
 * intermediate physical ones; EL2's accesses go through its own stage 1.
 */
#include "vm.h"

/* The same fault so often with no descriptor changed is a hang. */
#define REFAULTS 16u
/* A fault that EL2 answers with ever other descriptors never ends either. */
#define REFAULTS_EVER 1024u

struct access {
	struct action a;
	enum mmu_access acc;
	u64 ia;
	unsigned int size;
	u64 val;
	bool isv;
	bool at_fails; /* once: another CPU changed the host's stage 1 in between */
	bool kernel;   /* aborts are handled as the kernel does */
	/* one piece of it: within one page */
	bool (*translate)(struct access *x, struct cpu *cpu, u64 ia, unsigned int size, pa_t *oa);
	const char *const *what; /* words of the event, by enum mmu_access */
};

static const char *const host_words[] = { "host read", "host write", "host exec" };
static const char *const hyp_words[] = { "hyp read", "hyp write", "hyp exec" };

/* ---- Translation --------------------------------------------------------------------------- */

static bool same_fault(const struct mmu_result *a, const struct mmu_result *b)
{
	return a->fault == b->fault && a->level == b->level && a->desc == b->desc &&
	       a->desc_pa.pa == b->desc_pa.pa;
}

static void kernel_step_begin(const struct access *x, const struct cpu *cpu)
{
	step_begin(x->a.m, &(struct machine_step){ .kind = STEP_HOST_ACCESS,
						   .cpu = cpu->id,
						   .access = x->acc,
						   .addr = x->ia,
						   .size = x->size });
}

/*
 * do_mem_abort() of an abort that EL2 injected: from v7.1 on, for data that is still
 * mapped, take the page from the guest. True: the access is to be tried again.
 */
static bool force_reclaim(struct access *x, struct cpu *cpu, u64 ia, const struct mmu_result *res)
{
	struct machine *m = x->a.m;
	struct flow f = { .a.m = m, .cpu = cpu };
	s64 ret;

	if (!x->kernel || x->acc == MMU_EXEC || res->fault != MMU_FAULT_TRANSLATION ||
	    !m->host->call[HC_FORCE_RECLAIM])
		return false;
	step_end(m, &(struct outcome){ .kind = OUTCOME_ABORT });
	/* PAR_EL1 counts in 4 KiB */
	ret = hcall(&f, HC_FORCE_RECLAIM, ALIGN_DOWN(ia, 4096));
	kernel_step_begin(x, cpu);
	return !ret || ret == -EAGAIN;
}

/*
 * EL2 handles the host's stage-2 fault. True: the access is to be tried again. Where AT may
 * fail, as another CPU changes the host's stage 1, it does so for the @first fault only.
 */
static bool host_fault(struct access *x, struct cpu *cpu, u64 ia, unsigned int size, bool first,
		       const struct mmu_result *res)
{
	struct machine *m = x->a.m;
	struct el2_fault f = { .access = x->acc, .ipa = ia, .walk = *res };

	mmu_syndrome_s2(res, ia, x->acc, size, x->isv, &f.syndrome);
	event_emit(cpu, .kind = EV_ABORT, .what = "taken", .addr = ia, .val = f.syndrome.esr);
	f.at_fails = res->fault == MMU_FAULT_PERMISSION &&
		     (x->at_fails || (first && board_may(m->board, MAY_AT)));
	x->at_fails &= !f.at_fails;
	if (m->hyp->host_abort(m->el2, cpu, &f) == EL2_ABORT_RETRY ||
	    force_reclaim(x, cpu, ia, res))
		return true;
	x->a.outcome.kind = OUTCOME_ABORT;
	return false;
}

/* Until it translates, EL2 injects an abort, or it never will. */
static bool host_translate(struct access *x, struct cpu *cpu, u64 ia, unsigned int size, pa_t *oa)
{
	struct mmu_result res, last = { .fault = MMU_OK };
	unsigned int same = 0;

	for (unsigned int ever = 0; ever < REFAULTS_EVER && same < REFAULTS; ever++) {
		event_step(cpu, EV_ACCESS);
		if (!cpu->host_s2_on) {
			*oa = PA(ia);
			return true;
		}
		cpu_translate(cpu, &cpu->host_s2, x->acc, ia, &res);
		if (res.fault == MMU_OK) {
			*oa = res.oa;
			return true;
		}
		same = same_fault(&res, &last) ? same + 1 : 1;
		last = res;
		if (!host_fault(x, cpu, ia, size, !ever, &res))
			return false;
	}
	x->a.outcome.kind = OUTCOME_HANG;
	return false;
}

static bool hyp_translate(struct access *x, struct cpu *cpu, u64 ia, unsigned int size, pa_t *oa)
{
	const struct el2_view *v = x->a.m->hyp->view(x->a.m->el2);
	struct mmu_result res;

	event_step(cpu, EV_ACCESS);
	x->a.outcome.kind = OUTCOME_FAULT;
	if (!v->hyp_s1.root.pa)
		return false;
	cpu_translate(cpu, &v->hyp_s1, x->acc, ia, &res);
	*oa = res.oa;
	return res.fault == MMU_OK;
}

/* ---- The access itself ------------------------------------------------------------------------ */

/* Bytes of an access up to the end of its page. */
static bool do_piece(struct access *x, struct cpu *cpu, unsigned int done, unsigned int size)
{
	u64 ia = x->ia + done, val = x->val >> (8 * done);
	enum bus_result bus;
	pa_t oa;

	if (size < 8)
		val &= BIT(8 * size) - 1;
	if (!x->translate(x, cpu, ia, size, &oa))
		return false;
	if (x->acc == MMU_WRITE)
		bus = bus_write(cpu, oa, size, val);
	else
		bus = bus_read(cpu, oa, size, &val);
	if (bus != BUS_OK) {
		event_emit(cpu, .kind = EV_ABORT, .what = "bus", .addr = ia);
		x->a.outcome.kind = OUTCOME_BUS;
		return false;
	}
	if (x->acc == MMU_EXEC)
		val = 0;
	event_emit(cpu, .kind = EV_ACCESS, .what = x->what[x->acc], .arg = size, .addr = ia,
		   .val = val, .old = oa.pa);
	if (x->acc == MMU_READ)
		x->a.outcome.value |= val << (8 * done);
	return true;
}

static s64 do_access(struct cpu *cpu, void *arg)
{
	struct access *x = arg;
	u64 page = BIT(cpu->board->f->page_shift);
	u64 left = page - (x->ia & (page - 1));
	unsigned int first = left < x->size ? (unsigned int)left : x->size;

	if (x->kernel)
		kernel_step_begin(x, cpu);
	if (do_piece(x, cpu, 0, first) &&
	    (first == x->size || do_piece(x, cpu, first, x->size - first)))
		x->a.outcome.kind = OUTCOME_VALUE;
	else
		x->a.outcome.value = 0;
	if (x->kernel)
		step_end(x->a.m, &x->a.outcome);
	return 0;
}

static void check_size(unsigned int size)
{
	sim_assert(size == 1 || size == 2 || size == 4 || size == 8);
}

static struct outcome host_access(struct machine *m, unsigned int cpu, bool kernel,
				  enum mmu_access acc, u64 pa, unsigned int size, u64 val,
				  unsigned int how)
{
	struct access x = { .a.m = m,
			    .acc = acc,
			    .ia = pa,
			    .size = size,
			    .val = val,
			    .isv = how & HOST_ISV,
			    .at_fails = how & HOST_AT_FAILS,
			    .kernel = kernel,
			    .translate = host_translate,
			    .what = host_words };

	check_size(size);
	return machine_act(&x.a, cpu, do_access);
}

struct outcome machine_host_access(struct machine *m, unsigned int cpu, enum mmu_access acc, u64 pa,
				   unsigned int size, u64 val, unsigned int how)
{
	return host_access(m, cpu, false, acc, pa, size, val, how);
}

struct outcome machine_kernel_access(struct machine *m, unsigned int cpu, enum mmu_access acc,
				     u64 pa, unsigned int size, u64 val, unsigned int how)
{
	return host_access(m, cpu, true, acc, pa, size, val, how);
}

bool host_touch(struct action *a, struct cpu *cpu, enum mmu_access acc, u64 pa, unsigned int size,
		u64 *val)
{
	struct access x = { .a = *a,
			    .acc = acc,
			    .ia = pa,
			    .size = size,
			    .val = *val,
			    .isv = true,
			    .kernel = true,
			    .translate = host_translate,
			    .what = host_words };
	bool ok;

	x.a.outcome = (struct outcome){ 0 };
	kernel_step_begin(&x, cpu);
	ok = do_piece(&x, cpu, 0, size);
	a->outcome = x.a.outcome;
	step_end(a->m, &a->outcome);
	*val = x.a.outcome.value;
	return ok;
}

struct outcome machine_hyp_access(struct machine *m, unsigned int cpu, enum mmu_access acc, u64 va,
				  unsigned int size, u64 val)
{
	struct access x = { .a.m = m,
			    .acc = acc,
			    .ia = va,
			    .size = size,
			    .val = val,
			    .translate = hyp_translate,
			    .what = hyp_words };

	check_size(size);
	return machine_act(&x.a, cpu, do_access);
}

/* ---- Bus masters --------------------------------------------------------------------------------- */

struct dma {
	struct action a;
	const struct mmio_window *device;
	bool write;
	u64 pa;
	unsigned int size;
	u64 val;
};

static s64 do_dma(struct cpu *cpu, void *arg)
{
	struct dma *d = arg;

	if (bus_dma(cpu, d->device, PA(d->pa), d->write, d->size, &d->val) == BUS_OK)
		d->a.outcome.value = d->write ? 0 : d->val;
	else
		d->a.outcome.kind = OUTCOME_BUS;
	return 0;
}

struct outcome machine_dma(struct machine *m, unsigned int cpu, const struct mmio_window *device,
			   bool write, u64 pa, unsigned int size, u64 val)
{
	struct dma d = {
		.a.m = m, .device = device, .write = write, .pa = pa, .size = size, .val = val
	};

	check_size(size);
	return machine_act(&d.a, cpu, do_dma);
}
