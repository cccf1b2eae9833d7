// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's SMCs, and the memory region descriptors that its FF-A driver writes, after
 * drivers/firmware/arm_ffa/driver.c (ffa_setup_and_transmit(), 6.12.117). The bytes go
 * through the host's stage 2 like any other of its stores.
 */
#include <string.h>

#include "host_private.h"
#include "sim/el2/smc.h"

/* What the host remembers of its calls. */
struct host_regs {
	u64 x[18];   /* as the last HVC or SMC left them */
	u32 version; /* of FF-A, that the last FFA_VERSION gave */
};

void host_regs_new(struct machine *m)
{
	m->regs = board_alloc(m->board, sizeof(*m->regs));
	m->regs->version = 0x10001;
}

void host_regs_keep(struct machine *m, const u64 regs[18])
{
	memcpy(m->regs->x, regs, sizeof(m->regs->x));
}

const u64 *machine_registers(const struct machine *m)
{
	return m->regs->x;
}

/* ---- SMC ------------------------------------------------------------------------------ */

struct smc {
	struct action a;
	u16 imm;
	u64 regs[18];
};

static struct outcome smc_outcome(const u64 regs[18])
{
	struct outcome o = { .kind = OUTCOME_VALUE };

	switch (el2_smc_end(regs, &o.value)) {
	case SMC_VALUE:
		break;
	case SMC_FFA_ERROR:
		o.kind = OUTCOME_FFA;
		o.is_signed = true;
		break;
	case SMC_REFUSED:
		o.kind = OUTCOME_REFUSED;
		o.value = 0;
		break;
	}
	return o;
}

static s64 do_smc(struct cpu *cpu, void *arg)
{
	struct smc *s = arg;
	const u64 id = s->regs[0];

	s->a.m->hyp->smc(s->a.m->el2, cpu, s->imm, s->regs);
	host_regs_keep(s->a.m, s->regs);
	if (id == FFA_VERSION && (s32)s->regs[0] > 0)
		s->a.m->regs->version = (u32)s->regs[0];
	s->a.outcome = smc_outcome(s->regs);
	return 0;
}

struct outcome machine_smc(struct machine *m, unsigned int cpu, u16 imm, const u64 *regs,
			   unsigned int n)
{
	struct smc s = { .a.m = m, .imm = imm };

	sim_assert(n <= G_N_ELEMENTS(s.regs));
	if (n)
		memcpy(s.regs, regs, n * sizeof(*regs));
	return machine_act(&s.a, cpu, do_smc);
}

/* ---- Descriptors -------------------------------------------------------------------------- */

/* Normal memory, write back, inner shareable; to the one partition, which may write. */
#define MEM_ATTRIBUTES 0x2fu
#define RECEIVER 0x8001u
#define RECEIVER_RW 2u

/* Header, endpoint, composite of the longest version; the ranges. */
#define MAX_WORDS ((48 + 32 + 16) / 8 + 2 * FFA_MAX_RANGES)

struct describe {
	struct action a;
	u64 to;
	unsigned int n_words;
	u64 word[MAX_WORDS];
};

static s64 do_describe(struct cpu *cpu, void *arg)
{
	struct describe *d = arg;

	for (unsigned int i = 0; i < d->n_words; i++) {
		u64 val = d->word[i];

		if (!host_touch(&d->a, cpu, MMU_WRITE, d->to + 8 * i, 8, &val))
			return 0;
	}
	d->a.outcome = (struct outcome){ OUTCOME_VALUE, true, 8 * d->n_words };
	return 0;
}

/* Words of header and endpoint. */
static void head_words(u32 version, unsigned int *ep, unsigned int *ep_words)
{
	*ep = version > 0x10000 ? 6 : 4;
	*ep_words = version > 0x10001 ? 4 : 2;
}

static u32 version_of(const struct machine *m, const struct machine_ffa_ranges *r)
{
	return r->version ? r->version : m->regs->version;
}

u64 machine_ffa_size(const struct machine *m, const struct machine_ffa_ranges *r)
{
	unsigned int ep, ep_words;

	head_words(version_of(m, r), &ep, &ep_words);
	return 8 * (r->head ? ep + ep_words + 2 : 0) + 16 * r->n;
}

static void add_head(struct describe *d, u32 version, u32 ranges, u32 pages)
{
	unsigned int ep, ep_words;
	u64 composite;

	head_words(version, &ep, &ep_words);
	composite = 8 * (ep + ep_words);

	d->word[0] = (u64)MEM_ATTRIBUTES << 16;
	d->word[3] = UINT64_C(1) << 32;
	if (version > 0x10000) {
		d->word[3] |= 8 * ep_words;
		d->word[4] = 8 * ep;
	}
	d->word[ep] = RECEIVER | RECEIVER_RW << 16 | composite << 32;
	d->word[ep + ep_words] = pages | (u64)ranges << 32;
	d->n_words = ep + ep_words + 2;
}

struct outcome machine_ffa_describe(struct machine *m, unsigned int cpu, u64 to,
				    const struct machine_ffa_ranges *r)
{
	struct describe d = { .a.m = m, .to = to };
	u32 pages = 0;

	sim_assert(r->n <= FFA_MAX_RANGES && IS_ALIGNED(to, 8));
	for (unsigned int i = 0; i < r->n; i++)
		pages += (u32)r->range[i].pages;
	if (r->head)
		add_head(&d, version_of(m, r), r->n + r->more, pages + r->more_pages);
	for (unsigned int i = 0; i < r->n; i++) {
		d.word[d.n_words++] = r->range[i].address;
		d.word[d.n_words++] = (u32)r->range[i].pages;
	}
	return machine_act(&d.a, cpu, do_describe);
}
