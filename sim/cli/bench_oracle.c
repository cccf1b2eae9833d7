// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the oracle costs: the same calls, each an action of its own, without it and
 * with it, in one run; and with it on a small and on a large machine.
 */
#include <string.h>

#include "bench.h"

static bool went_well(struct outcome o)
{
	return o.kind == OUTCOME_VALUE && !o.value;
}

/* One call as a run makes it. */
static struct outcome act(struct bench_env *e, const struct el2_call *call, const u64 *args)
{
	const unsigned int n = call->n_required;
	struct oracle_action a = { .kind = ORACLE_CALL, .call = call, .n_args = n };
	struct machine *m = e->m;
	struct outcome o;
	unsigned int said;

	memcpy(a.args, args, n * sizeof(*args));
	if (e->oracle) {
		m->hyp->view(m->el2);
		oracle_begin(e->oracle, &a);
	}
	o = (call->hypercall ? machine_hvc_call : machine_el2_call)(m, 0, call, args, n);
	if (e->oracle) {
		m->hyp->view(m->el2);
		oracle_end(e->oracle, ORACLE_END_VALUE, (s64)o.value);
		oracle_violations(e->oracle, &said);
		e->failures += said;
	}
	return o;
}

static s64 loop_pair(struct cpu *cpu, void *env)
{
	struct bench_env *e = env;

	for (u64 i = 0; i < e->iterations; i++) {
		e->failures += !went_well(act(e, e->first, e->arg));
		e->failures += !went_well(act(e, e->second, e->undo));
	}
	return 0;
}

static const struct bench share = { "share",   "host_share_hyp + host_unshare_hyp",
				    2,	       "virt",
				    true,      setup_share,
				    loop_pair, false,
				    0 };
static const struct bench donate = { "donate",	"host_donate_hyp + hyp_donate_host, 1 page",
				     2,		"virt",
				     true,	setup_donate,
				     loop_pair, false,
				     0 };

/*
 * With no page of EL2's nearby a donation makes a table page and its return frees it;
 * next to one only entries change.
 */
static bool setup_next(struct bench_env *e)
{
	bool ok = setup_donate(e);
	u64 next[2] = { e->arg[0] + 1, 1 };

	return ok && went_well(act(e, e->first, next));
}

static const struct bench donate_next = { "donate-next",
					  "the same, next to a page of EL2's",
					  2,
					  "virt",
					  true,
					  setup_next,
					  loop_pair,
					  false,
					  0 };

/*
 * As far from EL2's memory on any board: in the middle of a large one EL2's own tables
 * lack a level more, which is EL2's work and not the oracle's.
 */
static bool setup_near(struct bench_env *e)
{
	bool ok = setup_donate(e);

	e->arg[0] = (e->m->hyp->view(e->m->el2)->hyp_mem.base - (16u << 20)) /
		    BIT(e->m->board->f->page_shift);
	e->undo[0] = e->arg[0];
	return ok;
}

static const struct bench donate_near = {
	"donate", "16 MiB below EL2's memory", 2, "virt", true, setup_near, loop_pair, false, 0
};

static const struct bench guests[] = {
	{ "lend", "host_share_guest + host_unshare_guest", 2, "virt", true, setup_lend, loop_pair,
	  .release = "v7.2" },
	{ "give", "host_donate_guest + host_reclaim_page_guest", 2, "virt", true, setup_give,
	  loop_pair, .release = "v7.2" },
	{ "guest-share", "guest_share_host + guest_unshare_host", 2, "virt", true,
	  setup_guest_share, loop_pair, .release = "v7.2" },
};

static bool figure(const struct bench *b, bool check, u64 ram, struct figure *f)
{
	struct bench one = *b;

	one.check = check;
	one.ram = ram;
	return bench_figure(&one, f);
}

static bool with_and_without(const struct bench *b)
{
	struct figure off, on;

	if (!figure(b, false, 0, &off) || !figure(b, true, 0, &on))
		return false;
	printf("oracle        %s: off %.0f ns, on %.0f ns a pair: %.2f times\n"
	       "              %+.0f ns a call, %.2f M calls/s\n",
	       b->name, off.median, on.median, on.median / off.median,
	       (on.median - off.median) / b->ops, 1000.0 * b->ops / on.median);
	return true;
}

static bool small_and_large(const struct bench *b)
{
	struct figure small, large;

	if (!figure(b, true, 64, &small) || !figure(b, true, 64 << 10, &large))
		return false;
	printf("oracle        %s: 64 MiB %.0f ns, 64 GiB %.0f ns a pair: %.2f times\n", b->name,
	       small.median, large.median, large.median / small.median);
	return true;
}

bool bench_oracle(void)
{
	bool ok = with_and_without(&share) && with_and_without(&donate) &&
		  with_and_without(&donate_next) && small_and_large(&share) &&
		  small_and_large(&donate_near);

	for (unsigned int i = 0; i < G_N_ELEMENTS(guests); i++)
		ok = ok && with_and_without(&guests[i]);

	printf("              %s\n", BENCH_ORACLE_DOC);
	return ok;
}
