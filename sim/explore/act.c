// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Actions as data, carried out, and states of a machine to go back to.
 */
#include "explore.h"
#include "sim/el2/smc.h"

static struct outcome act_call(struct machine *m, const struct x_action *a)
{
	if (a->call->hypercall)
		return machine_hvc_call(m, a->cpu, a->call, a->arg, a->n_args);
	return machine_el2_call(m, a->cpu, a->call, a->arg, a->n_args);
}

/* What pressure cannot be made says so: a pool that is not there is of no interest here. */
static struct outcome act_pressure(struct machine *m, const struct x_action *a)
{
	const struct hypervisor *hyp = m->hyp;
	GError *e = NULL;

	if (m->dead)
		return (struct outcome){ .kind = OUTCOME_NOT_RUN };
	if (a->kind == X_DRAIN)
		hyp->pool_drain(m->el2, a->pool, a->pages, &e);
	else if (a->kind == X_REFILL)
		hyp->pool_refill(m->el2, a->pool, a->pages, &e);
	else
		hyp->fail_alloc(m->el2, a->pool, a->pages, a->count, &e);
	if (!e)
		return (struct outcome){ .kind = OUTCOME_VALUE, .is_signed = true };
	g_error_free(e);
	return (struct outcome){ .kind = OUTCOME_NOT_RUN };
}

/* ---- Flows of the host's driver -------------------------------------------------------------- */

static struct outcome act_flow(struct machine *m, const struct x_action *a)
{
	const struct x_flow *f = &a->flow;

	switch (f->kind) {
	case X_SHARE:
		return machine_host_share(m, a->cpu, a->addr, f->pages);
	case X_UNSHARE:
		return machine_host_unshare(m, a->cpu, a->addr, f->pages);
	case X_CREATE:
		return machine_vm_create(m, a->cpu, f->vm, f->is_protected, f->vcpu, 0);
	case X_RUN:
		return machine_vm_run(m, a->cpu, f->vm, f->vcpu);
	case X_PUT:
		return machine_vm_put(m, f->vm, f->vcpu);
	case X_DESTROY:
		return machine_vm_destroy(m, a->cpu, f->vm);
	case X_MAP:
		return machine_guest_map(m, a->cpu, f->vm, f->vcpu,
					 &(struct machine_map){ .gfn = f->gfn,
								.pages = f->pages,
								.pa = a->addr,
								.huge = f->huge,
								.r = true,
								.w = true,
								.x = true });
	case X_UNMAP:
		return machine_guest_unmap(m, a->cpu, f->vm, f->gfn, f->pages);
	case X_WRPROTECT:
		return machine_guest_wrprotect(m, a->cpu, f->vm, f->gfn, f->pages);
	case X_AGE:
		return machine_guest_age(m, a->cpu, f->vm, f->gfn, f->pages, true);
	case X_GUEST:
		return machine_guest_access(m, a->cpu, f->vm, f->vcpu, a->access, a->addr, a->size,
					    a->val);
	default:
		return machine_guest_hvc(m, a->cpu, f->vm, f->vcpu, a->arg, a->n_args);
	}
}

static const char *flow_name(const struct x_action *a)
{
	static const char *const name[N_X_FLOWS] = {
		[X_SHARE] = "host share",
		[X_UNSHARE] = "host unshare",
		[X_CREATE] = "vm create",
		[X_RUN] = "vm run",
		[X_PUT] = "vm put",
		[X_DESTROY] = "vm destroy",
		[X_MAP] = "host map",
		[X_UNMAP] = "host unmap",
		[X_WRPROTECT] = "host wrprotect",
		[X_AGE] = "host age",
		[X_GUEST_HVC] = "guest hvc",
	};
	static const char *const access[] = {
		[MMU_READ] = "guest read", [MMU_WRITE] = "guest write", [MMU_EXEC] = "guest exec"
	};

	return a->flow.kind == X_GUEST ? access[a->access] : name[a->flow.kind];
}

/* ---- All ------------------------------------------------------------------------------------- */

struct outcome x_act(struct machine *m, const struct x_action *a)
{
	switch (a->kind) {
	case X_CALL:
		return act_call(m, a);
	case X_HOST:
		return machine_host_access(m, a->cpu, a->access, a->addr, a->size, a->val,
					   (a->isv ? HOST_ISV : 0u) |
						   (a->at_fails ? HOST_AT_FAILS : 0u));
	case X_HYP:
		return machine_hyp_access(m, a->cpu, a->access, a->addr, a->size, a->val);
	case X_SMC:
		return machine_smc(m, a->cpu, 0, a->arg, a->n_args);
	case X_FLOW:
		return act_flow(m, a);
	case X_FFA:
		return machine_ffa_describe(m, a->cpu, a->addr, &a->ranges);
	case X_DMA:
		return machine_dma(m, a->cpu, a->device, a->access == MMU_WRITE, a->addr, a->size,
				   a->val);
	default:
		return act_pressure(m, a);
	}
}

static const char *smc_name(u64 id)
{
	const struct smc_call *c = el2_smcs;
	char words[64];

	while (c->name && c->id != id)
		c++;
	g_snprintf(words, sizeof(words), "smc %s", c->name ? c->name : "raw");
	return g_intern_string(words);
}

const char *x_action_name(const struct x_action *a)
{
	static const char *const name[N_X_KINDS][3] = {
		[X_HOST] = { "host read", "host write", "host exec" },
		[X_HYP] = { "hyp read", "hyp write", "hyp exec" },
		[X_DMA] = { "dma read", "dma write", "dma exec" },
		[X_FFA] = { "ffa describe" },
		[X_DRAIN] = { "drain" },
		[X_REFILL] = { "refill" },
		[X_FAIL] = { "fail alloc" },
	};

	if (a->kind == X_CALL)
		return a->call->name;
	if (a->kind == X_SMC)
		return smc_name(a->arg[0]);
	if (a->kind == X_FLOW)
		return flow_name(a);
	return name[a->kind][a->kind < X_SMC ? a->access : 0];
}

/* ---- States ---------------------------------------------------------------------------- */

void x_save(struct machine *m, struct x_state *s)
{
	*s = (struct x_state){ board_snapshot(m->board), m->dead, m->boot_failed, m->acted };
}

void x_back(struct machine *m, const struct x_state *s)
{
	board_restore(m->board, s->snapshot);
	m->dead = s->dead;
	m->boot_failed = s->boot_failed;
	m->acted = s->acted;
}

void x_drop(struct machine *m, struct x_state *s)
{
	board_snapshot_drop(m->board, s->snapshot);
	s->snapshot = NULL;
}
