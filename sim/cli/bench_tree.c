// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pkvm-sim bench --kernel-tree: a tree's own code and our EL2 of the release that it is
 * nearest to, at the same work on boards that are alike, in turns. Each loops by itself, so
 * that no message is part of a figure. A third column has the oracle beside ours, each call
 * an action.
 */
#include <errno.h>
#include <string.h>

#include "bench.h"

#define MIB (UINT64_C(1) << 20)

/* What ours may cost: without the oracle, and with it. */
#define TIMES 2
#define NS_A_CALL 30
#define ORACLE_TIMES 10
#define ORACLE_NS_A_CALL 1000

/* One EL2 on its machine. */
struct side {
	struct bench_env e;
	struct el2_work w;
	struct el2_fault fault[2];
	bool oracle;
};

struct row {
	const char *name, *doc;
	enum el2_work_id work;
	unsigned int calls; /* in one round */
	unsigned int halves;
	const char *call[2]; /* what the oracle takes the halves for; NULL: none of its rules */
	bool (*setup)(struct side *s);
};

/* ---- What rows work on --------------------------------------------------------------------- */

static const struct ram_region *ram_of(const struct side *s)
{
	return &g_array_index(s->e.m->board->config->ram, struct ram_region, 0);
}

static bool on_page(struct side *s)
{
	s->w.arg[0] = s->e.arg[0] = s->e.undo[0] = bench_page(&s->e);
	s->e.arg[1] = s->e.undo[1] = 1;
	return true;
}

/* In RAM below its middle, 2 MiB aligned. */
static bool on_table(struct side *s)
{
	s->w.arg[0] = ram_of(s)->base + 128 * MIB;
	return true;
}

/* Where is neither memory nor a table: half of the host's address space. */
static bool on_nothing(struct side *s)
{
	s->w.arg[0] = UINT64_C(1) << (s->e.m->board->f->pa_bits - 1);
	return true;
}

static bool fault_at(struct side *s, struct el2_fault *f, u64 addr)
{
	struct machine *m = s->e.m;

	*f = (struct el2_fault){ .ipa = addr };
	mmu_walk(&m->hyp->view(m->el2)->host_s2, addr, f->access, board_read_desc, m->board,
		 &f->walk);
	mmu_syndrome_s2(&f->walk, addr, f->access, 8, true, &f->syndrome);
	return f->walk.fault == MMU_FAULT_TRANSLATION;
}

static bool on_block(struct side *s)
{
	s->w.arg[0] = s->e.arg[0] = ALIGN_DOWN(bench_page(&s->e) << 12, 2 * MIB);
	s->w.arg[1] = 2 * MIB;
	return fault_at(s, &s->fault[0], s->w.arg[0]) && fault_at(s, &s->fault[1], s->w.arg[0]);
}

/* Before RAM and behind it. */
static bool on_devices(struct side *s)
{
	return fault_at(s, &s->fault[0], ram_of(s)->base / 8) &&
	       fault_at(s, &s->fault[1], ram_of(s)->base + ram_of(s)->size);
}

static bool on_lent_page(struct side *s)
{
	bool ok = bench_make_vm(&s->e, false);

	s->w.arg[0] = s->e.arg[1];
	s->w.arg[1] = s->e.arg[2];
	return ok;
}

static bool on_guests_page(struct side *s)
{
	bool ok = bench_make_vm(&s->e, true);

	s->w.arg[0] = s->e.arg[1] = s->e.undo[1] = BENCH_GFN;
	return ok;
}

/* clang-format off */
static const struct row rows[] = {
	{ "map", "stage2_map 4K + unmap, a random hole of a 57,344-PTE table", WORK_MAP,
	  .calls = 2, .halves = 2, .setup = on_table },
	{ "map-tables", "the same, 2 table pages allocated and freed", WORK_MAP_TABLES,
	  .calls = 2, .halves = 2, .setup = on_nothing },
	{ "map-block", "stage2_map of a 2M block + unmap, 1 table page", WORK_MAP_BLOCK,
	  .calls = 2, .halves = 2, .setup = on_nothing },
	{ "get-leaf", "get_leaf, random, the table of map", WORK_GET_LEAF,
	  .calls = 1, .halves = 1, .setup = on_table },
	{ "share", "host_share_hyp + host_unshare_hyp, 1 page", WORK_SHARE,
	  .calls = 2, .halves = 2, .setup = on_page,
	  .call = { "host_share_hyp", "host_unshare_hyp" } },
	{ "share-random", "the same, random of 256 pages", WORK_SHARE_RANDOM,
	  .calls = 2, .halves = 2, .setup = on_page,
	  .call = { "host_share_hyp", "host_unshare_hyp" } },
	{ "donate", "host_donate_hyp + hyp_donate_host, 1 page", WORK_DONATE,
	  .calls = 2, .halves = 2, .setup = on_page,
	  .call = { "host_donate_hyp", "hyp_donate_host" } },
	{ "refused", "host_share_hyp of a page that is shared", WORK_SHARE_REFUSED,
	  .calls = 1, .halves = 1, .setup = on_page,
	  .call = { "host_share_hyp" } },
	{ "idmap", "host_stage2_idmap of a 2M block of RAM + unmap", WORK_IDMAP,
	  .calls = 2, .halves = 2, .setup = on_block,
	  .call = { "host_stage2_idmap" } },
	{ "fault", "the same, mapped by handle_host_mem_abort", WORK_FAULT,
	  .calls = 2, .halves = 2, .setup = on_block },
	{ "recycle", "2 MMIO faults + host_stage2_unmap_dev_all", WORK_RECYCLE,
	  .calls = 3, .halves = 1, .setup = on_devices },
	{ "lend", "host_share_guest + host_unshare_guest, 1 page", WORK_LEND,
	  .calls = 2, .halves = 2, .setup = on_lent_page,
	  .call = { "vm_share", "vm_unshare" } },
	{ "guest-share", "guest_share_host + guest_unshare_host, 1 page", WORK_GUEST_SHARE,
	  .calls = 2, .halves = 2, .setup = on_guests_page,
	  .call = { "guest_share_host", "guest_unshare_host" } },
	{ NULL },
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(rows) <= BENCH_TREE_ROWS);

void bench_tree_rows(const char **names)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++)
		names[i] = rows[i].name;
}

void bench_tree_help(GString *list)
{
	for (const struct row *r = rows; r->name; r++)
		g_string_append_printf(list, "  %-13s %s\n", r->name, r->doc);
}

/* ---- Rounds -------------------------------------------------------------------------------- */

static s64 do_work(struct cpu *cpu, void *arg)
{
	struct side *s = arg;

	return s->e.m->hyp->work(s->e.m->el2, cpu, &s->w) ? 0 : -ENOSYS;
}

static bool work(struct side *s, u32 halves, u64 iterations)
{
	s64 ret = 0;

	s->w.halves = halves;
	s->w.iterations = iterations;
	s->w.fault = s->fault;
	return cpu_call(&s->e.m->board->cpus[0], do_work, s, &ret) == CPU_END_RETURNED && !ret &&
	       !s->w.failures;
}

/* One call with the oracle at its side. */
static bool act(struct side *s, const struct row *r, unsigned int half)
{
	const struct el2_call *const call[] = { s->e.first, s->e.second };
	struct machine *m = s->e.m;
	struct oracle_action a = { .kind = ORACLE_CALL,
				   .call = call[half],
				   .n_args = call[half] ? call[half]->n_required : 0 };
	unsigned int said;
	bool ok;

	memcpy(a.args, half ? s->e.undo : s->e.arg, a.n_args * sizeof(a.args[0]));
	if (r->work == WORK_SHARE_RANDOM) {
		struct el2_work w = s->w; /* the page that it is about to draw, or drew */

		a.args[0] += (half ? w.drawn : el2_work_draw(&w)) % 256;
	}
	m->hyp->view(m->el2);
	oracle_begin(s->e.oracle, &a);
	ok = work(s, half ? WORK_SECOND : WORK_FIRST, 1);
	m->hyp->view(m->el2);
	oracle_end(s->e.oracle, ORACLE_END_VALUE, r->work == WORK_SHARE_REFUSED ? -EPERM : 0);
	oracle_violations(s->e.oracle, &said);
	return ok && !said;
}

/* How long @iterations rounds take. */
static bool rounds(struct side *s, const struct row *r, u64 iterations, u64 *ns)
{
	u64 begin = bench_now_ns();
	bool ok = true;

	if (s->oracle)
		for (u64 i = 0; ok && i < iterations; i++)
			ok = act(s, r, 0) && (r->halves == 1 || act(s, r, 1));
	else
		ok = work(s, WORK_FIRST | WORK_SECOND, iterations);
	*ns = s->w.ns ? s->w.ns : bench_now_ns() - begin;
	return ok;
}

/* ---- One EL2's part of a row --------------------------------------------------------------- */

struct pair {
	const struct el2_tree *fast;
	const struct hypervisor *hyp;
	const struct profile *profile;
	u64 target; /* ns a sample */
};

static bool boot(struct side *s, const struct pair *p, bool tree)
{
	struct board_config *bc = board_config_machine("virt");
	struct el2_config *ec = el2_config_new(p->profile);
	GError *error = NULL;
	struct outcome out;

	if (tree)
		ec->tree = p->fast;
	s->e.m = machine_new(bc, ec, tree ? p->hyp : cli_hypervisor, &error);
	board_config_free(bc);
	el2_config_free(ec);
	if (!s->e.m) {
		fprintf(stderr, "pkvm-sim: %s\n", error->message);
		g_error_free(error);
		return false;
	}
	out = machine_boot(s->e.m);
	return out.kind == OUTCOME_VALUE && !out.value;
}

static void find_calls(struct side *s, const struct row *r)
{
	const struct el2_call *const *calls = s->e.m->hyp->calls(s->e.m->el2);
	const struct el2_call **found[] = { &s->e.first, &s->e.second };
	bool ambiguous;

	for (unsigned int i = 0; i < G_N_ELEMENTS(found); i++)
		*found[i] = r->call[i] ? el2_call_find(calls, r->call[i], &ambiguous) : NULL;
}

static bool make(struct side *s, const struct pair *p, const struct row *r, bool tree, bool oracle)
{
	*s = (struct side){ .w = { .id = r->work, .random = UINT64_C(0x9e3779b97f4a7c15) },
			    .oracle = oracle };
	if (!boot(s, p, tree) || !r->setup(s) || !work(s, 0, 0))
		return false;
	find_calls(s, r);
	return !oracle || bench_start_oracle(&s->e);
}

static void unmake(struct side *s)
{
	oracle_free(s->e.oracle);
	machine_free(s->e.m);
}

enum { KERNELS, OURS, CHECKED, N_SIDES };

/* Why the tree's EL2 does not do it; ours does. New. */
static char *refusal(const struct side *s)
{
	const struct el2_panic *panic = s->e.m ? s->e.m->hyp->panic(s->e.m->el2) : NULL;

	if (panic && panic->happened)
		return g_strdup_printf("the tree's EL2 panics: %s, %s", panic->reason, panic->what);
	if (s->w.failures)
		return g_strdup("a call of the tree's EL2 gives another result than it should");
	return g_strdup("the tree's EL2 does not come so far");
}

/*
 * Samples in turns: what else goes on on the machine is none's alone. False: one did not do
 * it; *@why is set, new, if it was the tree's.
 */
static bool measure(const struct pair *p, const struct row *r, double ns[N_SIDES], char **why)
{
	double sample[N_SIDES][BENCH_SAMPLES];
	struct side side[N_SIDES] = { 0 };
	u64 iterations[N_SIDES], took;
	unsigned int failed = 0;
	bool ok = true;

	for (unsigned int i = 0; ok && i < N_SIDES; i++) {
		failed = i;
		ok = make(&side[i], p, r, i == KERNELS, i == CHECKED);
		took = 0;
		for (iterations[i] = 16; ok && took < p->target; iterations[i] *= 2)
			ok = rounds(&side[i], r, iterations[i], &took);
	}
	for (unsigned int k = 0; ok && k < BENCH_SAMPLES; k++) {
		for (unsigned int i = 0; ok && i < N_SIDES; i++) {
			failed = i;
			ok = rounds(&side[i], r, iterations[i], &took);
			sample[i][k] = (double)took / (double)iterations[i];
		}
	}
	for (unsigned int i = 0; i < N_SIDES; i++) {
		if (!ok && i == failed && i == KERNELS)
			*why = refusal(&side[i]);
		ns[i] = ok ? bench_median(sample[i]) : 0;
		unmake(&side[i]);
	}
	return ok;
}

/* ---- The table ----------------------------------------------------------------------------- */

static const char *verdict(double ns, double limit)
{
	return ns <= limit ? "ok" : "above";
}

static void print_row(const struct row *r, const double ns[N_SIDES])
{
	const double limit = TIMES * ns[KERNELS] + NS_A_CALL * r->calls;
	const double checked = MAX(ORACLE_TIMES * ns[KERNELS], ORACLE_NS_A_CALL * r->calls);

	printf("%-12s %7.1f %8.1f %5.2f %8.1f %-5s %8.0f %6.2f %7.0f %s\n             %s\n",
	       r->name, ns[KERNELS], ns[OURS], ns[OURS] / ns[KERNELS], limit,
	       verdict(ns[OURS], limit), ns[CHECKED], ns[CHECKED] / ns[KERNELS], checked,
	       verdict(ns[CHECKED], checked), r->doc);
}

/* Why neither has it; NULL: both have. New. */
static char *absent(const struct pair *p, const struct row *r)
{
	const struct profile *of = p->profile;
	struct el2_config *ec = el2_config_new(of);
	char *why = NULL;

	ec->tree = p->fast;
	if (r->work == WORK_LEND && !of->np_guests)
		why = g_strdup_printf("%s does not lend pages to guests one by one", of->name);
	else if (r->work == WORK_GUEST_SHARE && !of->protected_guests)
		why = g_strdup_printf("%s has no guests that own memory", of->name);
	else if (r->setup == on_lent_page || r->setup == on_guests_page)
		p->hyp->offers(ec, EL2_OFFER_GUESTS, NULL, NULL, &why);
	el2_config_free(ec);
	return why;
}

static void print_head(const char *dir, const struct pair *p, bool quick)
{
	printf("The EL2 of %s and ours of %s on the board virt, the same work at the\n"
	       "same functions, in turns; one thread, median of %d samples of %s ms, ns a\n"
	       "round with both halves of a pair. kernel: its own code, without the compiler's\n"
	       "hooks. ours: nobody subscribes; limit: %d times and %d ns a call. oracle: ours,\n"
	       "each call an action with the oracle; limit: %d times or %d us a call.\n\n"
	       "%-12s %7s %8s %5s %8s %-5s %8s %6s %7s\n",
	       dir, p->profile->name, BENCH_SAMPLES, quick ? "0.3" : "30", TIMES, NS_A_CALL,
	       ORACLE_TIMES, ORACLE_NS_A_CALL / 1000, "", "kernel", "ours", "times", "limit", "",
	       "oracle", "times", "limit");
}

enum exit_status bench_tree(const char *dir, const char *only, bool quick)
{
	struct pair p = { .target = quick ? BENCH_SAMPLE_NS / 100 : BENCH_SAMPLE_NS };
	const struct el2_tree *t = cli_tree(dir, &p.hyp, &p.profile);
	double ns[N_SIDES];

	p.fast = t ? cli_tree_fast(t) : NULL;
	if (!p.fast)
		return EXIT_USAGE;
	print_head(dir, &p, quick);
	for (const struct row *r = rows; r->name; r++) {
		g_autofree char *why = NULL;

		if (only && strcmp(r->name, only))
			continue;
		why = absent(&p, r);
		if (!why && measure(&p, r, ns, &why)) {
			print_row(r, ns);
		} else if (why) {
			printf("%-12s absent: %s\n             %s\n", r->name, why, r->doc);
		} else {
			fprintf(stderr, "pkvm-sim: internal error: benchmark %s failed\n", r->name);
			return EXIT_INTERNAL;
		}
		fflush(stdout);
	}
	return EXIT_PASSED;
}
