// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host against EL2's FF-A proxy: what stands in its mailbox and in its registers is
 * the input, and so is how the secure world lies. Whatever comes of it is an outcome, a
 * panic of EL2 and a hang included, and nothing is read or written outside of the machine.
 */
#include <string.h>

#include "sim/el2/smc.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM UINT64_C(0x48000000)
#define MAX_STEPS 64 /* of one input */

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

/* A frame near the mailboxes or anywhere: most of what is worth naming is near. */
static u64 take_address(struct input *in, u64 page)
{
	u64 n = take(in, 2);

	return n & 0x8000 ? take(in, 8) : RAM + (n & 0x3f) * page + (n >> 6 & 1 ? n >> 7 : 0);
}

/* ---- The machine ----------------------------------------------------------------------- */

/* Profile, version and lies, bugs: the first three bytes. */
static void configure(const u8 key[3], struct el2_config *c, struct board_config *b)
{
	static const enum bug_id bugs[] = { BUG_B39, BUG_B40, BUG_B41, BUG_B42, BUG_B47, BUG_C1 };
	const char *why;

	c->knob[KNOB_FFA] = (u8)(FFA_V1_0 + key[1] % 3);
	c->knob[KNOB_SECURE_WORLD] = (u8)(key[1] / 3 % (SECURE_OVERRUNS + 1));
	c->knob[KNOB_WARN] = key[2] & 0x80 ? WARN_CONTINUE : WARN_PANIC;
	b->f.page_shift = (u8)(12 + 2 * (key[1] / 30 % 3));
	for (unsigned int i = 0; i < G_N_ELEMENTS(bugs); i++) {
		c->bug[bugs[i]] = key[2] >> i & 1;
		if (!el2_config_possible(c, &why))
			c->bug[bugs[i]] = false;
	}
}

static struct machine *boot(const u8 key[3])
{
	struct board_config *b = board_config_machine("virt");
	struct el2_config *c = el2_config_new(&el2_profiles[key[0] % N_PROFILES]);
	struct machine *m;

	configure(key, c, b);
	m = machine_new(b, c, &pkvm_hypervisor, NULL);
	board_config_free(b);
	el2_config_free(c);
	sim_assert(m);
	sim_assert(!machine_boot(m).value);
	return m;
}

/* A boot takes longer than the input: those of late are kept, and gone back to. */
static struct machine *booted(struct input *in)
{
	static struct {
		u8 key[3];
		struct machine *m;
		struct snapshot *fresh;
	} kept[64], *k;
	u8 key[3];

	for (unsigned int i = 0; i < sizeof(key); i++)
		key[i] = (u8)take(in, 1);
	k = &kept[(key[0] + 3u * key[1] + 7u * key[2]) % G_N_ELEMENTS(kept)];
	if (k->m && memcmp(k->key, key, sizeof(key))) {
		machine_free(k->m);
		k->m = NULL;
	}
	if (!k->m) {
		memcpy(k->key, key, sizeof(key));
		k->m = boot(key);
		k->fresh = board_snapshot(k->m->board);
	}
	board_restore(k->m->board, k->fresh);
	k->m->dead = false;
	return k->m;
}

static void smc(struct machine *m, const u64 *regs, unsigned int n)
{
	machine_smc(m, 0, 0, regs, n);
}

/* ---- Steps -------------------------------------------------------------------------------- */

/* An SMC of FF-A's or any other, its registers small or anything. */
static void step_smc(struct machine *m, struct input *in, u64 page)
{
	const u64 nr = take(in, 1), wide = take(in, 1);
	u64 regs[8] = { nr & 1 ? FFA_FN64(nr >> 1 | 0x60) : FFA_FN32(nr >> 1 | 0x60) };

	if (nr == 0xff)
		regs[0] = take(in, 8);
	for (unsigned int i = 1; i < G_N_ELEMENTS(regs); i++) {
		if (wide >> i & 1)
			regs[i] = take_address(in, page);
		else if (i <= 4)
			regs[i] = take(in, 2);
	}
	machine_smc(m, (unsigned int)(take(in, 1) & 1), 0, regs, G_N_ELEMENTS(regs));
}

/* Bytes of the mailbox. */
static void step_write(struct machine *m, struct input *in, u64 page)
{
	const u64 off = take(in, 2) & (page - 1), n = take(in, 1) & 7;

	for (u64 i = 0; i <= n; i++)
		machine_host_access(m, 0, MMU_WRITE, RAM + off + i, 1, take(in, 1), true);
}

/* A descriptor that is right but for the addresses. */
static void step_describe(struct machine *m, struct input *in, u64 page)
{
	struct machine_ffa_ranges r = { .head = take(in, 1) & 1 };

	r.n = (unsigned int)(1 + take(in, 1) % FFA_MAX_RANGES);
	for (unsigned int i = 0; i < r.n; i++) {
		r.range[i].address = take_address(in, page);
		r.range[i].pages = take(in, 1) * (page / 4096);
	}
	r.more = (u32)take(in, 1);
	r.more_pages = (u32)(take(in, 1) * (page / 4096));
	machine_ffa_describe(m, 0, RAM, &r);
	if (r.head) {
		const u64 len = machine_ffa_size(m, &r);

		smc(m, (const u64[]){ FFA_FN64_MEM_SHARE, len + 16 * r.more, len }, 3);
	}
}

/* Other ways to the same pages. */
static void step_other(struct machine *m, struct input *in, u64 page)
{
	const struct el2_call *call;
	static const char *const name[] = { "host_share_hyp", "host_unshare_hyp", "host_share_ffa",
					    "host_unshare_ffa", "host_donate_hyp" };
	const u64 which = take(in, 1) % G_N_ELEMENTS(name);
	u64 args[2] = { take_address(in, page) / page };
	bool ambiguous;

	if (which >= 2)
		args[1] = take(in, 1);
	call = el2_call_find(m->hyp->calls(m->el2), name[which], &ambiguous);
	if (call->hypercall)
		machine_hvc_call(m, 0, call, args, 1);
	else
		machine_el2_call(m, 0, call, args, 2);
}

static void (*const steps[])(struct machine *m, struct input *in,
			     u64 page) = { step_smc, step_write, step_describe, step_other };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct machine *m = booted(&in);
	const u64 page = BIT(m->board->f->page_shift), version = take(&in, 1) & 3;

	smc(m, (const u64[]){ FFA_VERSION, 0x10000 + version }, 2);
	smc(m, (const u64[]){ FFA_FN64_RXTX_MAP, RAM, RAM + page, page / 4096 }, 4);
	for (unsigned int i = 0; i < MAX_STEPS && in.at < in.end && !m->dead; i++) {
		steps[take(&in, 1) % G_N_ELEMENTS(steps)](m, &in, page);
		/* a hang keeps its locks */
		if (!m->dead)
			m->hyp->recover(m->el2);
	}
	return 0;
}
