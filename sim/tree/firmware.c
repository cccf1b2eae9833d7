// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMCs: the host's go to the tree's EL2, and what that asks of EL3, for itself or for the
 * host, to the secure world that is behind ours too.
 */
#include <string.h>

#include "sim/el2/secure_world.h"
#include "tree_private.h"

G_STATIC_ASSERT(sizeof(struct smc_regs) == sizeof(((struct tree_shared *)0)->smc));

bool tree_firmware_new(struct tree *t)
{
	t->secure_world = secure_world_new(
		t->board, &(struct secure_firmware){ .ffa = t->cfg->knob[KNOB_FFA],
						     .how = t->cfg->knob[KNOB_SECURE_WORLD] });
	return t->secure_world;
}

static void ask(struct tree *t, struct cpu *cpu, struct smc_regs *r)
{
	event_step(cpu, EV_TRAP);
	event_emit(cpu, .kind = EV_TRAP, .fn = "ffa_smc", .what = "eret_el3", .addr = r->a[0],
		   .val = r->a[1]);
	secure_world_smc(t->secure_world, cpu, r);
	event_emit(cpu, .kind = EV_TRAP, .fn = "ffa_smc", .what = "el3", .addr = r->a[0],
		   .val = r->a[2]);
}

/* A fragment without bytes brings nobody further: EL2 asks for it again, this often. */
#define STALLS 16u

static bool stalls(struct tree *t, const struct smc_regs *r)
{
	return r->a[0] == FFA_MEM_FRAG_TX && !(u32)r->a[3] && ++t->stalls == STALLS;
}

/* The process stopped at an SMC: it goes on with what comes back. */
void tree_firmware(struct tree *t, struct cpu *cpu)
{
	struct smc_regs r;

	memcpy(&r, t->process->shared->smc, sizeof(r));
	ask(t, cpu, &r);
	if (stalls(t, &r))
		cpu_hang(cpu);
	memcpy(t->process->shared->smc, &r, sizeof(r));
}

/* What the host was told when it looked for firmware. */
u32 tree_smccc_version(const struct tree *t)
{
	return t->cfg->knob[KNOB_FFA] == FFA_NONE ? 0x10001 : 0x10002;
}

/* Before EL2 is there the SMC is EL3's alone. */
void tree_smc(struct el2 *e, struct cpu *cpu, u16 imm, u64 regs[18])
{
	struct tree *t = to_tree(e);
	const u64 id = regs[0] & ~SMCCC_HINT_SVE;
	struct smc_regs r;

	event_step(cpu, EV_TRAP);
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_smc", .what = "smc", .addr = id,
		   .val = regs[1]);
	if (t->initialised) {
		tree_exception(t, cpu, TREE_OP_TRAP, FIELD_PREP(ESR_EC, EC_SMC64) | imm, regs);
	} else {
		memcpy(&r, regs, sizeof(r));
		ask(t, cpu, &r);
		memcpy(regs, &r, sizeof(r));
	}
	event_emit(cpu, .kind = EV_TRAP, .fn = "handle_host_smc", .what = "eret_host", .addr = id,
		   .val = regs[0]);
}
