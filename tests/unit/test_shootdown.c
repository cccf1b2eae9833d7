// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a CPU may still use of tables that another one changes: every sequence that lacks a
 * barrier or an invalidation lets an old translation through in some order, the whole
 * sequence in none. On tables of its own, with no EL2.
 */
#include "sim/explore/interleave.h"
#include "tests/unit/board_fixture.h"

#define RAM_BASE UINT64_C(0x40000000)
#define ROOT (RAM_BASE + 0x10000) /* a table of level 2: 40 bits are two, of which one is used */
#define LEAVES (RAM_BASE + 0x20000)
#define FLAG (RAM_BASE + 0x30000)
#define OLD (RAM_BASE + 0x40000)
#define NEW (RAM_BASE + 0x41000)
#define IA UINT64_C(0x1000)
#define LEAF (LEAVES + 8)

#define VALID_PAGE(pa) ((pa) | PTE_AF | PTE_S2_R | PTE_S2_W | 3)

enum step {
	MAKE_INVALID, /* the old entry is gone */
	DSB_ST,
	TLBI,
	TLBI_LOCAL,
	TLBI_OTHER, /* another address */
	DSB,
	SAY_SO, /* the flag: whoever reads it believes that nobody uses the old page */
	MAKE_NEW,
	END
};

struct world {
	struct board *b;
	struct snapshot *start;
	struct mmu_table t;
	const enum step *steps;
	struct seen *seen; /* in the arena */
	/* of all runs */
	u64 after[3]; /* with the flag up: fault, old, new */
	u64 before[3];
};

struct seen {
	bool flag;
	unsigned int what; /* 0 fault, 1 old, 2 new */
};

static void do_step(struct cpu *cpu, struct world *w, enum step s)
{
	struct tlbi i = { .op = TLBI_IPAS2E1IS, .vmid = w->t.vmid, .level = -1, .addr = IA };

	switch (s) {
	case MAKE_INVALID:
		mem_store64(cpu, PA(LEAF), 0, MO_ONCE);
		break;
	case MAKE_NEW:
		mem_store64(cpu, PA(LEAF), VALID_PAGE(NEW), MO_ONCE);
		break;
	case DSB_ST:
		cpu_dsb(cpu, "ishst");
		break;
	case DSB:
		cpu_dsb(cpu, "ish");
		break;
	case TLBI_OTHER:
		i.addr += 0x1000;
		cpu_tlbi(cpu, &i);
		break;
	case TLBI_LOCAL:
		i.op = TLBI_IPAS2E1;
		cpu_tlbi(cpu, &i);
		break;
	case TLBI:
		cpu_tlbi(cpu, &i);
		break;
	case SAY_SO:
		mem_store64(cpu, PA(FLAG), 1, MO_RELEASE);
		break;
	case END:
		break;
	}
}

static s64 change(struct cpu *cpu, void *arg)
{
	struct world *w = arg;

	for (const enum step *s = w->steps; *s != END; s++)
		do_step(cpu, w, *s);
	return 0;
}

/* Looks at the flag, then through the tables. */
static s64 use(struct cpu *cpu, void *arg)
{
	struct world *w = arg;
	struct mmu_result res;

	w->seen->flag = mem_load64(cpu, PA(FLAG), MO_ACQUIRE);
	event_step(cpu, EV_ACCESS);
	cpu_translate(cpu, &w->t, MMU_WRITE, IA, &res);
	w->seen->what = res.fault != MMU_OK ? 0 : res.oa.pa == OLD ? 1 : 2;
	event_emit(cpu, .kind = EV_ACCESS, .what = "host write", .arg = 8, .addr = IA,
		   .old = res.oa.pa);
	return 0;
}

static void start(void *data)
{
	struct world *w = data;

	board_restore(w->b, w->start);
	w->b->may = BIT(MAY_TLB);
	cpu_start(&w->b->cpus[0], change, w);
	cpu_start(&w->b->cpus[1], use, w);
}

static void end(void *data, const struct x_run *run)
{
	struct world *w = data;

	g_assert_cmpuint(x_run_steps(run), >, 1);
	(w->seen->flag ? w->after : w->before)[w->seen->what]++;
}

static s64 touch(struct cpu *cpu, void *arg)
{
	struct world *w = arg;
	struct mmu_result res;

	cpu_translate(cpu, &w->t, MMU_READ, IA, &res);
	return res.fault;
}

/* @cached: CPU 1 has used the translation before. */
static void look(struct world *w, const enum step *steps, bool cached)
{
	struct board_config *c = config_bare();
	struct x_interleave x = { 0 };
	s64 fault = 0;

	c->n_cpus = 2;
	add_ram(c, RAM_BASE, 2u << 20, false);
	*w = (struct world){ .b = board_of(c), .steps = steps };
	w->seen = board_alloc(w->b, sizeof(*w->seen));
	w->t = (struct mmu_table){ .stage = 2,
				   .ia_bits = 30,
				   .start_level = 2,
				   .vmid = 1,
				   .root = PA(ROOT),
				   .f = w->b->f };
	put(w->b, ROOT, LEAVES | 3);
	put(w->b, LEAF, VALID_PAGE(OLD));
	if (cached)
		g_assert_cmpint(cpu_call(&w->b->cpus[1], touch, w, &fault), ==, CPU_END_RETURNED);
	g_assert_cmpint(fault, ==, MMU_OK);
	w->start = board_snapshot(w->b);
	x_interleave(&x, &(struct x_block){ .b = w->b, .data = w, .start = start, .end = end });
	g_assert_true(x.complete);
	w->b->may = 0;
	board_snapshot_drop(w->b, w->start);
	board_free(w->b);
}

/* The old page is out of reach where the sequence is whole, and only there. */
static void test_shootdown(void)
{
	static const struct {
		enum step steps[8];
		bool whole;
	} t[] = {
		{ { MAKE_INVALID, DSB_ST, TLBI, DSB, SAY_SO, END }, true },
		{ { MAKE_INVALID, DSB_ST, TLBI, SAY_SO, DSB, END }, false },
		{ { MAKE_INVALID, DSB_ST, TLBI, DSB_ST, SAY_SO, END }, false },
		{ { MAKE_INVALID, TLBI, DSB, SAY_SO, END }, false },
		{ { MAKE_INVALID, DSB_ST, DSB, SAY_SO, END }, false },
		{ { MAKE_INVALID, DSB_ST, TLBI_LOCAL, DSB, SAY_SO, END }, false },
		{ { MAKE_INVALID, DSB_ST, TLBI_OTHER, DSB, SAY_SO, END }, false },
		{ { TLBI, DSB, MAKE_INVALID, DSB_ST, SAY_SO, END }, false },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(t); i++) {
		for (unsigned int cached = 0; cached < 2; cached++) {
			struct world w;

			look(&w, t[i].steps, cached);
			g_test_message("%u: fault %" G_GUINT64_FORMAT ", old %" G_GUINT64_FORMAT, i,
				       w.after[0], w.after[1]);
			g_assert_cmpuint(w.before[1], >, 0);
			g_assert_cmpuint(w.after[0], >, 0);
			g_assert_cmpuint(w.after[2], ==, 0);
			if (t[i].whole)
				g_assert_cmpuint(w.after[1], ==, 0);
			else
				g_assert_cmpuint(w.after[1], >, 0);
		}
	}
}

/* Another page in place of the first: with break before make a walk meets one, nothing, or
 * the other; without, the old one is met after the new one is there. */
static void test_break_before_make(void)
{
	static const enum step with[] = { MAKE_INVALID, DSB_ST, TLBI, DSB, MAKE_NEW, SAY_SO, END };
	static const enum step without[] = { MAKE_NEW, DSB_ST, SAY_SO, END };
	struct world w;

	look(&w, with, false);
	g_assert_cmpuint(w.before[0], >, 0);
	g_assert_cmpuint(w.before[1], >, 0);
	g_assert_cmpuint(w.before[2], >, 0);
	g_assert_cmpuint(w.after[1], ==, 0);
	g_assert_cmpuint(w.after[2], >, 0);
	look(&w, without, false);
	g_assert_cmpuint(w.before[0], ==, 0);
	g_assert_cmpuint(w.after[1], >, 0);
	g_assert_cmpuint(w.after[2], >, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shootdown/sequences", test_shootdown);
	g_test_add_func("/shootdown/break-before-make", test_break_before_make);
	return g_test_run();
}
