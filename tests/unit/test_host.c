// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine around an EL2: how boots, calls, accesses and aborts start and end.
 * EL2 is played by a few lines here, which do with a fault what a test asks for.
 */
#include <string.h>

#include "sim/host/host.h"
#include "tests/unit/board_fixture.h"

#define ROOT UINT64_C(0x40100000)     /* host stage 2: two concatenated level-1 tables */
#define HYP_ROOT UINT64_C(0x40110000) /* EL2 stage 1, level 0 */
#define TABLES UINT64_C(0x40120000)   /* further tables, one after the other */
#define UART UINT64_C(0x09000000)

enum answer { MAP, MAP_READ_ONLY, NOTHING, OTHER_EACH_TIME, INJECT, DIE, HANG };

struct el2 {
	struct board *board;
	struct el2_view view;
	enum answer answer;
	unsigned int aborts; /* faults it was asked to handle */
	struct el2_fault last;
	u64 next_table;
	GString *log;
	s64 boot_ret[3];
	struct spinlock lock;
};

/* ---- A small EL2 ---------------------------------------------------------------------------- */

/* Where the level-3 descriptor of @ia stands; tables on the way are made. */
static pa_t leaf_of(struct el2 *e, struct cpu *cpu, const struct mmu_table *t, u64 ia)
{
	u64 at = t->root.pa + 8 * (ia >> level_shift(12, t->start_level));

	for (int level = t->start_level; level < 3; level++) {
		u64 desc = mem_load64(cpu, PA(at), MO_ONCE);

		if (!pte_valid(desc)) {
			desc = pte_from_pa(e->board->f, PA(e->next_table)) | 3;
			e->next_table += 4096;
			mem_store64(cpu, PA(at), desc, MO_RELEASE);
		}
		at = pa_from_pte(e->board->f, desc).pa +
		     8 * ((ia >> level_shift(12, level + 1)) & 511);
	}
	return PA(at);
}

static void map_page(struct el2 *e, struct cpu *cpu, const struct mmu_table *t, u64 ia, u64 attr)
{
	u64 desc = ALIGN_DOWN(ia, 4096) | PTE_AF | attr | 3;

	mem_store64(cpu, leaf_of(e, cpu, t, ia), desc, MO_RELEASE);
}

static struct el2 *fake_new(struct board *b, const struct el2_config *c, GError **error)
{
	struct el2 *e = board_alloc(b, sizeof(*e));

	e->board = b;
	e->next_table = TABLES;
	e->log = g_string_new(NULL);
	e->view.host_s2 = (struct mmu_table){ 2, 40, 1, 0, PA(ROOT), b->f };
	spin_init(b, &e->lock, "lock");
	return e;
}

static void fake_free(struct el2 *e)
{
	g_string_free(e->log, TRUE);
}

static s64 fake_init(struct el2 *e, struct cpu *cpu)
{
	g_string_append_printf(e->log, "init%u ", cpu->id);
	return e->boot_ret[0];
}

static s64 fake_finalise(struct el2 *e, struct cpu *cpu)
{
	g_string_append_printf(e->log, "fin%u ", cpu->id);
	return e->boot_ret[1];
}

static s64 fake_prot_finalize(struct el2 *e, struct cpu *cpu)
{
	g_string_append_printf(e->log, "prot%u ", cpu->id);
	cpu->host_s2 = e->view.host_s2;
	cpu->host_s2_on = true;
	return cpu->id == 1 ? e->boot_ret[2] : 0;
}

/* x0 = 7 exists and gives what its arguments add up to, less 100. */
static void fake_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18])
{
	if (regs[0] != 7) {
		regs[0] = (u64)-1;
		return;
	}
	regs[0] = 0;
	regs[1] = regs[1] + regs[2] - 100;
}

static enum el2_abort_result fake_host_abort(struct el2 *e, struct cpu *cpu,
					     const struct el2_fault *f)
{
	e->aborts++;
	e->last = *f;
	switch (e->answer) {
	case MAP:
		map_page(e, cpu, &cpu->host_s2, f->ipa, PTE_S2_R | PTE_S2_W);
		break;
	case MAP_READ_ONLY:
		map_page(e, cpu, &cpu->host_s2, f->ipa, PTE_S2_R);
		break;
	case NOTHING:
		break;
	case OTHER_EACH_TIME:
		mem_store64(cpu, leaf_of(e, cpu, &cpu->host_s2, f->ipa), e->aborts << 2, MO_ONCE);
		break;
	case INJECT:
		return EL2_ABORT_INJECTED;
	case DIE:
		cpu_die(cpu);
	case HANG:
		spin_lock(cpu, &e->lock);
		spin_lock(cpu, &e->lock);
	}
	return EL2_ABORT_RETRY;
}

/* It has none of the calls that the host's driver knows by name. */
static const struct el2_call *const *fake_calls(struct el2 *e)
{
	static const struct el2_call *const none[] = { NULL };

	return none;
}

static u64 fake_hvc_id(struct el2 *e, const struct el2_call *call)
{
	return 7;
}

static s64 fake_call(struct el2 *e, struct cpu *cpu, const struct el2_call *call, const u64 *args,
		     unsigned int n)
{
	return n ? -(s64)args[n - 1] : -1;
}

static const struct el2_view *fake_view(struct el2 *e)
{
	return &e->view;
}

static const struct hypervisor fake = {
	.name = "fake",
	.new = fake_new,
	.free = fake_free,
	.init = fake_init,
	.finalise = fake_finalise,
	.prot_finalize = fake_prot_finalize,
	.hvc = fake_hvc,
	.host_abort = fake_host_abort,
	.calls = fake_calls,
	.hvc_id = fake_hvc_id,
	.call = fake_call,
	.view = fake_view,
};

/* ---- Shorthands -------------------------------------------------------------------------------- */

static struct machine *machine_with(enum answer answer, bool hafdbs)
{
	struct board_config *bc = board_config_machine("virt");
	struct el2_config *ec = el2_config_new(&el2_profiles[PROFILE_V7_0]);
	GError *error = NULL;
	struct machine *m;

	bc->f.hafdbs = hafdbs;
	m = machine_new(bc, ec, &fake, &error);
	g_assert_no_error(error);
	board_config_free(bc);
	el2_config_free(ec);
	m->el2->answer = answer;
	return m;
}

static struct machine *machine(enum answer answer)
{
	return machine_with(answer, true);
}

static struct machine *booted(enum answer answer)
{
	struct machine *m = machine(answer);

	g_assert_cmpint(machine_boot(m).kind, ==, OUTCOME_VALUE);
	return m;
}

static struct outcome host_read(struct machine *m, u64 pa, unsigned int size)
{
	return machine_host_access(m, 0, MMU_READ, pa, size, 0, true);
}

static struct outcome host_write(struct machine *m, u64 pa, unsigned int size, u64 val)
{
	return machine_host_access(m, 0, MMU_WRITE, pa, size, val, true);
}

static void assert_value(struct outcome o, u64 value)
{
	g_assert_cmpstr(outcome_name[o.kind], ==, "value");
	g_assert_cmphex(o.value, ==, value);
}

static void assert_kind(struct outcome o, enum outcome_kind kind)
{
	g_assert_cmpstr(outcome_name[o.kind], ==, outcome_name[kind]);
	g_assert_cmphex(o.value, ==, 0);
}

/* ---- Boot and calls -------------------------------------------------------------------------------- */

/* Boot is its steps in order on the CPUs in order, up to the first that fails. */
static void test_boot(void)
{
	static const char *const want[] = { "init0 fin0 prot0 prot1 ", "init0 ", "init0 fin0 ",
					    "init0 fin0 prot0 prot1 " };

	for (unsigned int fails = 0; fails < 4; fails++) {
		struct machine *m = machine(MAP);
		struct outcome o;

		if (fails)
			m->el2->boot_ret[fails - 1] = -12;
		g_assert_false(m->acted);
		o = machine_boot(m);
		assert_value(o, fails ? (u64)-12 : 0);
		g_assert_true(o.is_signed && m->acted);
		g_assert_true(m->boot_failed == (fails > 0));
		g_assert_cmpstr(m->el2->log->str, ==, want[fails]);
		machine_free(m);
	}
}

/* A hypercall gives x1 as a signed number, or was refused when x0 says so. */
static void test_calls(void)
{
	struct machine *m = machine(MAP);
	const struct el2_call call = { .name = "call" };
	const u64 regs[] = { 7, 30, 40 }, bad[] = { 8 };

	assert_value(machine_hvc(m, 1, regs, 3), (u64)-30);
	assert_kind(machine_hvc(m, 0, bad, 1), OUTCOME_REFUSED);
	assert_kind(machine_hvc(m, 0, NULL, 0), OUTCOME_REFUSED);
	assert_value(machine_hvc_call(m, 0, &call, regs + 1, 2), (u64)-30);
	assert_value(machine_el2_call(m, 0, &call, regs, 3), (u64)-40);
	g_assert_true(machine_el2_call(m, 0, &call, NULL, 0).is_signed);
	machine_free(m);
}

/* ---- The host's accesses ------------------------------------------------------------------------------ */

/* Before its stage 2 is on the host reaches memory and devices, and nothing else. */
static void test_stage2_off(void)
{
	struct machine *m = machine(DIE);

	assert_value(host_write(m, 0x40000001, 4, UINT64_C(0xaa11223344)), 0);
	assert_value(host_read(m, 0x40000000, 8), UINT64_C(0x1122334400));
	assert_value(host_write(m, UART, 8, 5), 0);
	assert_value(host_read(m, UART, 1), 5);
	assert_kind(host_read(m, 0x1000, 8), OUTCOME_BUS);
	assert_value(machine_host_access(m, 0, MMU_EXEC, 0x40000000, 4, 0, true), 0);
	assert_kind(machine_host_access(m, 0, MMU_EXEC, 0, 4, 0, true), OUTCOME_BUS);
	g_assert_cmpuint(m->el2->aborts, ==, 0);
	machine_free(m);
}

/* A fault goes to EL2 with the syndrome of hardware, and the access is done after it. */
static void test_fault_and_retry(void)
{
	struct machine *m = booted(MAP);
	struct el2 *e = m->el2;

	put(m->board, 0x48000000, 0x1234);
	assert_value(host_read(m, 0x48000004, 4), 0);
	g_assert_cmpuint(e->aborts, ==, 1);
	g_assert_cmphex(e->last.ipa, ==, 0x48000004);
	g_assert_cmpint(e->last.walk.fault, ==, MMU_FAULT_TRANSLATION);
	g_assert_cmpint(e->last.walk.level, ==, 1);
	g_assert_cmphex(FIELD_GET(ESR_EC, e->last.syndrome.esr), ==, EC_DABT_LOW);
	g_assert_cmphex(e->last.syndrome.esr & (ESR_ISV | ESR_WNR), ==, ESR_ISV);
	g_assert_cmphex(e->last.syndrome.hpfar, ==, 0x48000000 >> 8);
	assert_value(host_read(m, 0x48000000, 2), 0x1234);
	g_assert_cmpuint(e->aborts, ==, 1);
	assert_value(machine_host_access(m, 1, MMU_WRITE, 0x48001000, 8, 1, false), 0);
	g_assert_cmphex(e->last.syndrome.esr & (ESR_ISV | ESR_WNR), ==, ESR_WNR);
	g_assert_cmphex(peek(m->board, 0x48001000), ==, 1);
	machine_free(m);
}

/* What a CPU has cached it uses until it is told not to. */
static void test_stale_translation(void)
{
	struct machine *m = booted(MAP);
	struct el2 *e = m->el2;
	struct cpu *cpu = &m->board->cpus[0];
	struct tlbi gone = { .op = TLBI_IPAS2E1IS, .level = 3, .addr = 0x48000000 };

	put(m->board, 0x48000000, 77);
	assert_value(host_read(m, 0x48000000, 8), 77);
	mem_store64(cpu, leaf_of(e, cpu, &cpu->host_s2, 0x48000000), 0, MO_ONCE);
	e->answer = INJECT;
	assert_value(host_read(m, 0x48000000, 8), 77);
	assert_kind(machine_host_access(m, 1, MMU_READ, 0x48000000, 8, 0, true), OUTCOME_ABORT);
	cpu_tlbi(cpu, &gone);
	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_ABORT);
	machine_free(m);
}

/* An entry without access flag: hardware sets it in memory, or EL2 hears of a fault. */
static void test_access_flag(void)
{
	for (unsigned int hafdbs = 0; hafdbs < 2; hafdbs++) {
		struct machine *m = machine_with(MAP, hafdbs);
		struct el2 *e = m->el2;
		struct cpu *cpu = &m->board->cpus[0];
		u64 desc = 0x48000000 | PTE_S2_R | 3;
		pa_t leaf;

		assert_value(machine_boot(m), 0);
		leaf = leaf_of(e, cpu, &cpu->host_s2, 0x48000000);
		mem_store64(cpu, leaf, desc, MO_ONCE);
		e->answer = INJECT;
		if (hafdbs) {
			assert_value(host_read(m, 0x48000000, 8), 0);
			g_assert_cmpuint(e->aborts, ==, 0);
			g_assert_cmphex(peek(m->board, leaf.pa), ==, desc | PTE_AF);
			/* a write is refused still, and says where */
			assert_kind(host_write(m, 0x48000000, 8, 1), OUTCOME_ABORT);
			g_assert_cmpint(e->last.walk.fault, ==, MMU_FAULT_PERMISSION);
		} else {
			assert_kind(host_read(m, 0x48000000, 8), OUTCOME_ABORT);
			g_assert_cmpint(e->last.walk.fault, ==, MMU_FAULT_ACCESS_FLAG);
			g_assert_cmphex(peek(m->board, leaf.pa), ==, desc);
		}
		machine_free(m);
	}
}

/* An access over the end of a page is two, each with its own fault and bytes. */
static void test_across_pages(void)
{
	struct machine *m = booted(MAP);
	GString *events = g_string_new(NULL);
	static const char *const words[] = { "host write 48000ffd 665544 48000ffd",
					     "host write 48001000 1100 48001000" };

	put(m->board, 0x48001000, ~UINT64_C(0));
	board_subscribe(m->board, events_to_string, events);
	/* 8 bytes from 0x48000ffd: three in the first page, five in the next */
	assert_value(host_write(m, 0x48000ffd, 8, UINT64_C(0x1100665544)), 0);
	board_unsubscribe(m->board, events_to_string, events);
	g_assert_cmpuint(m->el2->aborts, ==, 2);
	g_assert_nonnull(strstr(events->str, words[0]));
	g_assert_nonnull(strstr(events->str, words[1]));
	g_assert_cmphex(peek(m->board, 0x48001000), ==, UINT64_C(0xffffff0000001100));
	assert_value(host_read(m, 0x48000ffe, 4), 0x11006655);
	m->el2->answer = INJECT;
	assert_kind(host_read(m, 0x48001ffc, 8), OUTCOME_ABORT);
	assert_kind(host_read(m, ~UINT64_C(0) - 3, 8), OUTCOME_ABORT);
	g_string_free(events, TRUE);
	machine_free(m);
}

/* Permissions: a write to a read-only page and a fetch from one without X fault. */
static void test_permissions(void)
{
	struct machine *m = booted(MAP_READ_ONLY);
	struct el2 *e = m->el2;

	assert_value(host_read(m, 0x48000000, 8), 0);
	e->answer = INJECT;
	assert_kind(host_write(m, 0x48000000, 8, 1), OUTCOME_ABORT);
	g_assert_cmpint(e->last.walk.fault, ==, MMU_FAULT_PERMISSION);
	g_assert_false(e->last.syndrome.hpfar_valid);
	g_assert_cmphex(peek(m->board, 0x48000000), ==, 0);
	machine_free(m);
}

/*
 * An access that faults for ever is a hang: after 16 faults where EL2 changes
 * nothing, and in the end also where it changes something else each time.
 */
static void test_refaults(void)
{
	struct machine *m = booted(NOTHING);

	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_HANG);
	g_assert_cmpuint(m->el2->aborts, ==, 16);
	m->el2->aborts = 0;
	m->el2->answer = OTHER_EACH_TIME;
	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_HANG);
	g_assert_cmpuint(m->el2->aborts, >, 16);
	g_assert_false(m->dead);
	/* not mapped writable, but writable is what it takes */
	m->el2->aborts = 0;
	m->el2->answer = MAP_READ_ONLY;
	assert_kind(host_write(m, 0x48000000, 8, 1), OUTCOME_HANG);
	g_assert_cmpuint(m->el2->aborts, ==, 17);
	machine_free(m);
}

/* Where nothing answers the access is a bus error, and the entry it made stays. */
static void test_bus(void)
{
	struct machine *m = booted(MAP);
	struct mmu_result res;

	assert_kind(host_write(m, 0x1000, 8, 1), OUTCOME_BUS);
	mmu_walk(&m->el2->view.host_s2, 0x1000, MMU_READ, board_read_desc, m->board, &res);
	g_assert_cmpint(res.fault, ==, MMU_OK);
	assert_kind(host_read(m, 0x1000, 8), OUTCOME_BUS);
	g_assert_cmpuint(m->el2->aborts, ==, 1);
	machine_free(m);
}

/* After a panic nothing is carried out; after a hang or a given-up run other things are. */
static void test_ends(void)
{
	struct machine *m = booted(HANG);
	const u64 regs[] = { 7 };

	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_HANG);
	g_assert_true(m->board->cpus[0].waits == &m->el2->lock);
	m->el2->answer = OTHER_EACH_TIME;
	board_limit_steps(m->board, m->board->seq + 100);
	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_GAVE_UP);
	board_limit_steps(m->board, 0);
	assert_value(machine_hvc(m, 0, regs, 1), (u64)-100);
	m->el2->answer = DIE;
	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_PANIC);
	g_assert_true(m->dead);
	assert_kind(machine_hvc(m, 0, regs, 1), OUTCOME_NOT_RUN);
	assert_kind(machine_boot(m), OUTCOME_NOT_RUN);
	assert_kind(host_read(m, 0x48000000, 8), OUTCOME_NOT_RUN);
	machine_free(m);
}

/* ---- EL2's own accesses, bus masters ---------------------------------------------------------------- */

/* A probe moves the bytes that EL2's tables let it reach, and faults elsewhere. */
static void test_hyp_probe(void)
{
	struct machine *m = booted(DIE);
	struct el2 *e = m->el2;
	struct cpu *cpu = &m->board->cpus[0];
	const u64 ro = FIELD_PREP(PTE_S1_AP, 2);

	assert_kind(machine_hyp_access(m, 0, MMU_READ, 0x48000000, 8, 0), OUTCOME_FAULT);
	e->view.hyp_s1 = (struct mmu_table){ 1, 48, 0, 0, PA(HYP_ROOT), m->board->f };
	map_page(e, cpu, &e->view.hyp_s1, 0x48000000, 0);
	map_page(e, cpu, &e->view.hyp_s1, 0x48001000, ro);
	map_page(e, cpu, &e->view.hyp_s1, 0x1000, 0);
	assert_value(machine_hyp_access(m, 0, MMU_WRITE, 0x48000000, 8, 0x99), 0);
	g_assert_cmphex(peek(m->board, 0x48000000), ==, 0x99);
	assert_value(machine_hyp_access(m, 0, MMU_READ, 0x48000000, 1, 0), 0x99);
	assert_kind(machine_hyp_access(m, 0, MMU_WRITE, 0x48001000, 1, 1), OUTCOME_FAULT);
	assert_kind(machine_hyp_access(m, 0, MMU_READ, 0x48002000, 8, 0), OUTCOME_FAULT);
	assert_kind(machine_hyp_access(m, 0, MMU_READ, 0x1000, 8, 0), OUTCOME_BUS);
	assert_kind(machine_hyp_access(m, 0, MMU_READ, UINT64_C(1) << 50, 8, 0), OUTCOME_FAULT);
	g_assert_false(m->dead);
	machine_free(m);
}

/* A bus master passes every MMU by: it reaches what the host does not. */
static void test_dma(void)
{
	struct machine *m = booted(INJECT);
	const struct mmio_window *w = board_window_at(m->board, PA(0x0a000000));

	assert_kind(host_write(m, 0x48000000, 8, 1), OUTCOME_ABORT);
	assert_value(machine_dma(m, 0, w, true, 0x48000000, 8, 0x4242), 0);
	assert_value(machine_dma(m, 0, w, false, 0x48000001, 1, 0), 0x42);
	assert_kind(machine_dma(m, 0, w, false, 0x1000, 4, 0), OUTCOME_BUS);
	g_assert_cmphex(peek(m->board, 0x48000000), ==, 0x4242);
	machine_free(m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/host/boot", test_boot);
	g_test_add_func("/host/calls", test_calls);
	g_test_add_func("/host/stage2-off", test_stage2_off);
	g_test_add_func("/host/fault-and-retry", test_fault_and_retry);
	g_test_add_func("/host/stale-translation", test_stale_translation);
	g_test_add_func("/host/access-flag", test_access_flag);
	g_test_add_func("/host/across-pages", test_across_pages);
	g_test_add_func("/host/permissions", test_permissions);
	g_test_add_func("/host/refaults", test_refaults);
	g_test_add_func("/host/bus", test_bus);
	g_test_add_func("/host/ends", test_ends);
	g_test_add_func("/host/hyp-probe", test_hyp_probe);
	g_test_add_func("/host/dma", test_dma);
	return g_test_run();
}
