// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FF-A by chance under the oracle: a host that shares, lends, reclaims, in fragments and
 * whole, right and wrong, beside the hypercalls that want the same pages. Of an honest
 * secure world nothing is found but what every release does wrong (B-46, a handle of
 * nobody's); and each bug brought back is.
 */
#include <string.h>

#include "model/oracle.h"
#include "sim/el2/smc.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

#define RAM UINT64_C(0x48000000)
#define STEPS 3000

struct rig {
	struct machine *m;
	struct oracle *o;
	GRand *rand;
	u64 page;
	bool wild; /* fields that this release does not check are left alone unless */
	u64 found[N_RULES];
	u64 done, denied;
};

static u32 upto(struct rig *r, u32 n)
{
	return (u32)g_rand_int_range(r->rand, 0, (gint32)n);
}

/* ---- Actions under the oracle --------------------------------------------------------- */

static enum oracle_end_kind end_of(const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_VALUE:
	case OUTCOME_FFA:
		return ORACLE_END_VALUE;
	case OUTCOME_ABORT:
		return ORACLE_END_ABORT;
	case OUTCOME_REFUSED:
		return ORACLE_END_REFUSED;
	case OUTCOME_PANIC:
		return ORACLE_END_PANIC;
	case OUTCOME_HANG:
		return ORACLE_END_HANG;
	default:
		return ORACLE_END_OTHER;
	}
}

static void begin(struct rig *r, const struct oracle_action *a)
{
	r->m->hyp->view(r->m->el2);
	oracle_begin(r->o, a);
}

static void end(struct rig *r, struct outcome o)
{
	const struct violation *v;
	unsigned int n;

	r->m->hyp->view(r->m->el2);
	oracle_end(r->o, end_of(&o), (s64)o.value);
	v = oracle_violations(r->o, &n);
	for (unsigned int i = 0; i < n; i++) {
		r->found[v[i].rule]++;
		if (v[i].rule != RULE_LEAK)
			g_test_message("%s: %s; allowed: %s", model_rules[v[i].rule].name,
				       v[i].text, v[i].allowed);
	}
}

static struct outcome smc(struct rig *r, const u64 *regs, unsigned int n)
{
	u64 x[18] = { 0 };
	struct outcome o;

	memcpy(x, regs, n * sizeof(*regs));
	begin(r, &(struct oracle_action){
			 .kind = ORACLE_SMC, .regs = x, .after = machine_registers(r->m) });
	o = machine_smc(r->m, 0, 0, regs, n);
	end(r, o);
	r->done += o.kind == OUTCOME_VALUE;
	r->denied += o.kind == OUTCOME_FFA && (s64)o.value == FFA_RET_DENIED;
	return o;
}

#define SMC(r, ...)                                                                                \
	({                                                                                         \
		const u64 regs_[] = { __VA_ARGS__ };                                               \
		smc((r), regs_, G_N_ELEMENTS(regs_));                                              \
	})

static void call(struct rig *r, const char *name, u64 pfn, u64 nr, bool has_nr)
{
	struct oracle_action a = { .kind = ORACLE_CALL, .args = { pfn, nr }, .n_args = 1 + has_nr };
	bool ambiguous;

	a.call = el2_call_find(r->m->hyp->calls(r->m->el2), name, &ambiguous);
	begin(r, &a);
	if (a.call->hypercall)
		end(r, machine_hvc_call(r->m, 0, a.call, a.args, a.n_args));
	else
		end(r, machine_el2_call(r->m, 0, a.call, a.args, a.n_args));
}

static struct outcome write(struct rig *r, u64 pa, unsigned int size, u64 val)
{
	struct oracle_action a = {
		.kind = ORACLE_HOST_ACCESS, .access = MMU_WRITE, .addr = pa, .size = size
	};
	struct outcome o;

	begin(r, &a);
	o = machine_host_access(r->m, 0, MMU_WRITE, pa, size, val, true);
	end(r, o);
	return o;
}

/* ---- What the host does ------------------------------------------------------------------ */

/* A page of the few that all fight for; now and then what is nobody's to share. */
static u64 some_page(struct rig *r)
{
	static const u64 odd[] = { 0x09000000, 0x7fe00000, 0x80000000, RAM, 0 };

	return upto(r, 20) ? RAM + (4 + upto(r, 24)) * r->page : odd[upto(r, 5)];
}

static u64 describe(struct rig *r, bool head, u32 more)
{
	struct machine_ffa_ranges d = { .head = head, .more = more, .n = 1 + upto(r, 3) };
	struct oracle_action a = { .kind = ORACLE_HOST_ACCESS, .access = MMU_WRITE, .addr = RAM };
	struct outcome o;

	for (unsigned int i = 0; i < d.n; i++) {
		d.range[i].address = some_page(r);
		d.range[i].pages = (1 + upto(r, 2)) * (r->page / 4096);
		if (r->wild && !upto(r, 30))
			d.range[i].address += 4096 * upto(r, 16) + 8 * upto(r, 2);
	}
	d.more_pages = (u32)(more * r->page / 4096);
	a.size = machine_ffa_size(r->m, &d);
	begin(r, &a);
	o = machine_ffa_describe(r->m, 0, RAM, &d);
	end(r, o);
	return o.kind == OUTCOME_VALUE ? o.value : 0;
}

/* Anything in the first words of the mailbox. */
static void spoil(struct rig *r)
{
	static const struct {
		u64 off;
		unsigned int size;
	} field[] = { { 0, 2 }, { 28, 4 }, { 52, 4 }, { 64, 4 }, { 68, 4 }, { 32, 4 }, { 24, 4 } };
	const u32 i = upto(r, r->wild ? 7 : 5);

	write(r, RAM + field[i].off, field[i].size, upto(r, 2) ? upto(r, 200) : ~0u - upto(r, 64));
}

static void step_share(struct rig *r)
{
	const u32 more = upto(r, 4) ? 0 : 1 + upto(r, 3);
	const u64 len = describe(r, true, more);
	struct outcome o;

	if (!upto(r, 8))
		spoil(r);
	o = SMC(r, upto(r, 2) ? FFA_FN64_MEM_SHARE : FFA_MEM_LEND, len + 16 * more, len);
	while (o.kind == OUTCOME_VALUE && machine_registers(r->m)[0] == FFA_MEM_FRAG_RX &&
	       upto(r, 10)) {
		const u64 handle = o.value, bytes = describe(r, false, 0);

		o = SMC(r, FFA_MEM_FRAG_TX, handle, 0, bytes, 0);
	}
}

static void step_reclaim(struct rig *r)
{
	SMC(r, FFA_MEM_RECLAIM, 1 + upto(r, 40), 0, 0);
}

static void step_mailbox(struct rig *r)
{
	if (!upto(r, 4))
		SMC(r, FFA_RXTX_UNMAP, upto(r, 4) ? 0 : 1);
	if (!upto(r, 3))
		SMC(r, FFA_FN64_RXTX_MAP, RAM + 4 * r->page, some_page(r), r->page / 4096);
	SMC(r, FFA_FN64_RXTX_MAP, RAM, RAM + r->page, r->page / 4096);
}

static void step_other(struct rig *r)
{
	const u64 pfn = some_page(r) / r->page;

	switch (upto(r, 4)) {
	case 0:
		call(r, "host_share_hyp", pfn, 0, false);
		break;
	case 1: /* v6.12 panics where the page is lent */
		if (r->m->config->profile->state_in_vmemmap)
			call(r, "host_unshare_hyp", pfn, 0, false);
		break;
	case 2:
		call(r, "host_donate_hyp", pfn, 1, true);
		break;
	default:
		write(r, some_page(r), 8, 7);
		break;
	}
}

static void step_talk(struct rig *r)
{
	SMC(r, FFA_PARTITION_INFO_GET, 0, 0, 0, 0, upto(r, 2));
	SMC(r, FFA_RX_RELEASE);
	SMC(r, FFA_FEATURES, FFA_FN64_RXTX_MAP);
	SMC(r, FFA_VERSION, 0x10001);
}

static void (*const steps[])(struct rig *r) = {
	step_share,   step_share, step_share, step_reclaim,
	step_reclaim, step_other, step_talk,  step_mailbox
};

/* ---- Runs ------------------------------------------------------------------------------------ */

static void start(struct rig *r, enum profile_id p, u8 page_shift, int bug)
{
	struct board_config *b = board_config_machine("virt");
	struct el2_config *c = el2_config_new(&el2_profiles[p]);
	const u64 seed = 8 * p + page_shift;

	c->knob[KNOB_FFA] = FFA_V1_1;
	if (bug >= 0)
		c->bug[bug] = true;
	b->f.page_shift = page_shift;
	*r = (struct rig){ .rand = g_rand_new_with_seed((guint32)seed),
			   .page = BIT(page_shift),
			   .wild = p == PROFILE_V7_2 };
	r->m = machine_new(b, c, &pkvm_hypervisor, NULL);
	r->o = oracle_new(r->m->board, r->m->hyp->view(r->m->el2), r->m->config, CHECK_ON);
	g_assert_nonnull(r->o);
	begin(r, &(struct oracle_action){ .kind = ORACLE_BOOT });
	end(r, machine_boot(r->m));
	SMC(r, FFA_VERSION, 0x10001);
	SMC(r, FFA_FN64_RXTX_MAP, RAM, RAM + r->page, r->page / 4096);
	board_config_free(b);
	el2_config_free(c);
}

static void stop(struct rig *r)
{
	oracle_free(r->o);
	machine_free(r->m);
	g_rand_free(r->rand);
}

static u64 run(struct rig *r, unsigned int n)
{
	u64 found = 0;

	for (unsigned int i = 0; i < n && !r->m->dead; i++)
		steps[upto(r, G_N_ELEMENTS(steps))](r);
	for (unsigned int i = 0; i < N_RULES; i++)
		found += i == RULE_LEAK ? 0 : r->found[i];
	return found;
}

static void test_honest(void)
{
	static const u8 page_shift[] = { 12, 14, 16 };

	for (unsigned int p = 0; p < N_PROFILES; p++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(page_shift); i++) {
			u64 done = 0, denied = 0;
			struct rig r;

			for (unsigned int n = 0; n < STEPS;) {
				start(&r, p, page_shift[i], -1);
				g_rand_set_seed(r.rand, 1000 * p + 100 * i + n);
				g_assert_cmpuint(run(&r, 300), ==, 0);
				done += r.done;
				denied += r.denied;
				n += 300;
				stop(&r);
			}
			/* it did something */
			g_assert_cmpuint(done, >, STEPS / 4);
			g_assert_cmpuint(denied, >, STEPS / 40);
		}
	}
}

static void test_bugs(void)
{
	static const int bugs[] = { BUG_B39, BUG_B41, BUG_B42, BUG_B47, BUG_C1 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(bugs); i++) {
		u64 found = 0;

		for (unsigned int n = 0; !found && n < 40; n++) {
			struct rig r;

			start(&r, PROFILE_V7_2, 16, bugs[i]);
			g_rand_set_seed(r.rand, n);
			found = run(&r, 300);
			stop(&r);
		}
		g_test_message("%s", el2_bugs[bugs[i]].id);
		g_assert_cmpuint(found, >, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ffa/random/honest", test_honest);
	g_test_add_func("/ffa/random/bugs", test_bugs);
	return g_test_run();
}
