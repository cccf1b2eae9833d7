// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an action does: its arguments evaluated once, then one function of
 * sim/host or of the pressure that a scenario makes.
 */
#include "doing.h"

/* The host's function ids are 0xc6000000 + n; no release has this n. */
#define NO_SUCH_HYPERCALL UINT64_C(0xc600ffff)
/* The caller has no live SVE state: no part of the number. */
#define SMCCC_HINT_SVE BIT(16)

static bool fail_at(struct doing *d, u32 off, const char *text)
{
	return script_fail(d->error, d->st->line, off, NULL, "%s", text);
}

static void say(struct doing *d, u64 n)
{
	g_string_append_printf(d->words, " 0x%" G_GINT64_MODIFIER "x", n);
}

bool doing_named(struct doing *d, const char *name, u64 missing, u64 *n)
{
	*n = missing;
	for (unsigned int i = 0; i < d->st->n_named; i++) {
		if (strcmp(d->st->named[i].name, name))
			continue;
		if (!expr_u64(d->st->named[i].value, &d->r->ctx, name, n, d->error))
			return false;
		g_string_append_printf(d->words, " %s=%" G_GUINT64_FORMAT, name, *n);
	}
	return true;
}

void doing_watched(struct doing *d, struct oracle_action a)
{
	a.cpu = d->cpu;
	watch_begin(d->r, &a);
}

bool doing_deed(struct doing *d, struct deed *deed)
{
	deed->cpu = d->cpu;
	deed->watch.cpu = d->cpu;
	if (d->later) {
		*d->later = *deed;
		return true;
	}
	if (deed->flow)
		watch_flow(d->r);
	else
		watch_begin(d->r, &deed->watch);
	*d->out = deed->act(d->m, deed);
	return true;
}

/* What the oracle is told of a call; @args: those of @deed's registers. */
static void watched_call(struct deed *deed, const struct el2_call *call, const u64 *args,
			 unsigned int n)
{
	struct oracle_action *a = &deed->watch;

	a->kind = ORACLE_CALL;
	a->call = call;
	a->n_args = MIN(n, (unsigned int)EL2_MAX_ARGS);
	if (n)
		memcpy(a->args, args, a->n_args * sizeof(*args));
}

/* ---- Boot ---------------------------------------------------------------------------------- */

static bool do_boot(struct doing *d)
{
	switch (d->st->id) {
	case CMD_BOOT:
		doing_watched(d, (struct oracle_action){ .kind = ORACLE_BOOT });
		*d->out = machine_boot(d->m);
		break;
	case CMD_INIT:
		doing_watched(d, (struct oracle_action){ .kind = ORACLE_INIT });
		*d->out = machine_init(d->m, d->cpu);
		break;
	case CMD_FINALISE:
		doing_watched(d, (struct oracle_action){ .kind = ORACLE_FINALISE });
		*d->out = machine_finalise(d->m, d->cpu);
		break;
	default:
		doing_watched(d, (struct oracle_action){ .kind = ORACLE_PROT_FINALIZE });
		*d->out = machine_prot_finalize(d->m, d->cpu);
		return true;
	}
	d->r->boot_tried |= d->st->id != CMD_INIT;
	return true;
}

/* ---- Calls --------------------------------------------------------------------------------- */

const struct el2_call *run_find_call(struct run *r, const char *name, bool *ambiguous)
{
	return el2_call_find(r->m->hyp->calls(r->m->el2), name, ambiguous);
}

static bool no_such_call(struct doing *d, bool hypercall)
{
	const struct el2_call *const *calls = d->m->hyp->calls(d->m->el2);
	struct nearest near;

	if (!hypercall && known_el2_call(d->st->word))
		return fail_at(d, d->st->word_off,
			       "this EL2 does not have this call; `requires` skips such runs");
	nearest_init(&near, call_bare(d->st->word));
	for (; *calls; calls++)
		if ((*calls)->hypercall == hypercall)
			nearest_try(&near, (*calls)->name);
	known_calls_try(&near, hypercall);
	return script_fail(d->error, d->st->line, d->st->word_off, near.best,
			   hypercall ? "no release has a hypercall `%s`" : "this EL2 has no `%s`",
			   d->st->word);
}

bool doing_args(struct doing *d, u64 *regs)
{
	for (unsigned int i = 0; i < d->st->n_args; i++) {
		if (!expr_register(d->st->arg[i], &d->r->ctx, &regs[i], d->error))
			return false;
		say(d, regs[i]);
	}
	return true;
}

static bool count_args(struct doing *d, const struct el2_call *call)
{
	const struct stmt *st = d->st;

	if (st->n_args > call->n_args)
		return script_fail(d->error, st->line, st->arg[call->n_args]->off, NULL,
				   "too many arguments: `%s` takes %u", call->name, call->n_args);
	if (st->n_args < call->n_required)
		return script_fail(d->error, st->line, st->word_off, NULL,
				   "too few arguments: `%s` wants %u, %u given", call->name,
				   call->n_required, st->n_args);
	return true;
}

/* A number in x0 is the call that it names, if it names one. */
static void watched_raw(struct doing *d, struct deed *deed)
{
	const struct el2_call *const *call = d->m->hyp->calls(d->m->el2);
	const u64 id = deed->regs[0] & ~SMCCC_HINT_SVE;

	while (*call && (!(*call)->hypercall || d->m->hyp->hvc_id(d->m->el2, *call) != id))
		call++;
	watched_call(deed, *call, deed->regs + 1, deed->n ? deed->n - 1 : 0);
}

static struct outcome act_hvc(struct machine *m, const struct deed *deed)
{
	return machine_hvc(m, deed->cpu, deed->regs, deed->n);
}

static struct outcome act_hvc_call(struct machine *m, const struct deed *deed)
{
	return machine_hvc_call(m, deed->cpu, deed->call, deed->regs, deed->n);
}

static bool do_hvc(struct doing *d)
{
	struct deed deed = { .act = act_hvc, .n = d->st->n_args };
	const struct el2_call *call;
	bool ambiguous = false;

	g_string_append_printf(d->words, " %s", d->st->word);
	if (d->st->raw) {
		if (!doing_args(d, deed.regs))
			return false;
		watched_raw(d, &deed);
		return doing_deed(d, &deed);
	}
	call = run_find_call(d->r, d->st->word, &ambiguous);
	if (ambiguous)
		return fail_at(d, d->st->word_off,
			       "several calls have this name: write it in full");
	if (call && !call->hypercall)
		return fail_at(d, d->st->word_off,
			       "no hypercall: only EL2 itself calls this; use `el2`");
	if (!call && !known_hypercall(d->st->word))
		return no_such_call(d, true);
	if ((call && !count_args(d, call)) || !doing_args(d, deed.regs + !call))
		return false;
	if (call) {
		deed.act = act_hvc_call;
		deed.call = call;
		watched_call(&deed, call, deed.regs, deed.n);
		return doing_deed(d, &deed);
	}
	/* another release's: this dispatcher knows no such number */
	deed.regs[0] = NO_SUCH_HYPERCALL;
	deed.n++;
	watched_call(&deed, NULL, NULL, 0);
	return doing_deed(d, &deed);
}

static struct outcome act_el2(struct machine *m, const struct deed *deed)
{
	return machine_el2_call(m, deed->cpu, deed->call, deed->regs, deed->n);
}

static bool do_el2(struct doing *d)
{
	struct deed deed = { .act = act_el2, .n = d->st->n_args };
	const struct el2_call *call;
	bool ambiguous = false;

	g_string_append_printf(d->words, " %s", d->st->word);
	call = run_find_call(d->r, d->st->word, &ambiguous);
	if (ambiguous)
		return fail_at(d, d->st->word_off,
			       "several calls have this name: write it in full");
	if (call && call->hypercall)
		return fail_at(d, d->st->word_off, "this is a hypercall: use `hvc`");
	if (!call)
		return no_such_call(d, false);
	if (!count_args(d, call) || !doing_args(d, deed.regs))
		return false;
	deed.call = call;
	watched_call(&deed, call, deed.regs, deed.n);
	return doing_deed(d, &deed);
}

/* ---- Accesses -------------------------------------------------------------------------------- */

static bool access_size(struct doing *d, unsigned int i, struct access *a)
{
	u64 size = 8;

	if (d->st->n_args > i) {
		if (!expr_u64(d->st->arg[i], &d->r->ctx, "a size", &size, d->error))
			return false;
		if (size != 1 && size != 2 && size != 4 && size != 8)
			return fail_at(d, d->st->arg[i]->off, "an access has 1, 2, 4 or 8 bytes");
	}
	a->size = (unsigned int)size;
	return true;
}

/* The value fits in the bytes written, as a number or its two's complement. */
static bool access_value(struct doing *d, struct access *a)
{
	const struct expr *e = d->st->arg[1];
	__int128 v, limit = (__int128)1 << (8 * a->size);

	if (!expr_number(e, &d->r->ctx, &v, d->error))
		return false;
	if (v >= limit || v < -(limit / 2))
		return script_fail(d->error, d->st->line, e->off, NULL,
				   "this value does not fit in %u bytes", a->size);
	a->val = (u64)v & (~UINT64_C(0) >> (64 - 8 * a->size));
	return true;
}

bool doing_access(struct doing *d, struct access *a)
{
	const struct stmt *st = d->st;
	bool write = st->access == MMU_WRITE;
	u64 isv, at, reclaim;

	if (!expr_u64(st->arg[0], &d->r->ctx, "an address", &a->addr, d->error) ||
	    !access_size(d, write ? 2 : 1, a) || (write && !access_value(d, a)))
		return false;
	g_string_append_printf(d->words, " %s",
			       write			? "write"
			       : st->access == MMU_READ ? "read"
							: "exec");
	say(d, a->addr);
	if (write)
		say(d, a->val);
	if (st->n_args > (write ? 2 : 1))
		say(d, a->size);
	if (!doing_named(d, "isv", 1, &isv) || !doing_named(d, "at", 1, &at) ||
	    !doing_named(d, "reclaim", 0, &reclaim))
		return false;
	if (isv > 1 || at > 1 || reclaim > 1)
		return fail_at(d, st->named[0].off,
			       isv > 1	? "isv is 0 or 1"
			       : at > 1 ? "at is 0 or 1"
					: "reclaim is 0 or 1");
	a->how = (isv ? HOST_ISV : 0) | (at ? 0 : HOST_AT_FAILS);
	a->reclaim = reclaim;
	return true;
}

static struct outcome act_host(struct machine *m, const struct deed *deed)
{
	const struct access *a = &deed->a;

	return (a->reclaim ? machine_kernel_access : machine_host_access)(
		m, deed->cpu, deed->access, a->addr, a->size, a->val, a->how);
}

static struct outcome act_hyp(struct machine *m, const struct deed *deed)
{
	const struct access *a = &deed->a;

	return machine_hyp_access(m, deed->cpu, deed->access, a->addr, a->size, a->val);
}

static bool do_access(struct doing *d, struct deed *deed, enum oracle_action_kind kind)
{
	if (!doing_access(d, &deed->a))
		return false;
	deed->flow = deed->a.reclaim;
	deed->access = d->st->access;
	deed->watch = (struct oracle_action){
		.kind = kind, .access = deed->access, .addr = deed->a.addr, .size = deed->a.size
	};
	return doing_deed(d, deed);
}

static bool do_host(struct doing *d)
{
	struct deed deed = { .act = act_host };

	return d->st->verb ? do_host_memory(d) : do_access(d, &deed, ORACLE_HOST_ACCESS);
}

static bool do_hyp(struct doing *d)
{
	struct deed deed = { .act = act_hyp };

	return do_access(d, &deed, ORACLE_HYP_ACCESS);
}

static struct outcome act_dma(struct machine *m, const struct deed *deed)
{
	const struct access *a = &deed->a;

	return machine_dma(m, deed->cpu, deed->device, deed->access == MMU_WRITE, a->addr, a->size,
			   a->val);
}

static bool do_dma(struct doing *d)
{
	const GArray *mmio = d->m->board->config->mmio;
	struct deed deed = { .act = act_dma };
	const struct mmio_window *w;
	struct nearest near;

	g_string_append_printf(d->words, " %s", d->st->word);
	nearest_init(&near, d->st->word);
	for (guint i = 0; i < mmio->len; i++) {
		w = &g_array_index(mmio, struct mmio_window, i);
		nearest_try(&near, w->name);
		if (strcmp(w->name, d->st->word))
			continue;
		if (w->model != WINDOW_DMA)
			return fail_at(d, d->st->word_off,
				       "this device is no bus master: model=dma");
		deed.device = w;
		return do_access(d, &deed, ORACLE_DMA);
	}
	return script_fail(d->error, d->st->line, d->st->word_off, near.best,
			   "the board has no device `%s`", d->st->word);
}

/* ---- Pressure ----------------------------------------------------------------------------------- */

static bool do_pressure(struct doing *d)
{
	const struct hypervisor *hyp = d->m->hyp;
	const struct stmt *st = d->st;
	struct nearest near;
	g_autofree char *pool = pool_of_el2(d->m, st->word);
	GError *e = NULL;
	u64 n, count;
	bool ok;

	g_string_append_printf(d->words, "%s %s", st->id == CMD_FAIL ? " alloc" : "", st->word);
	if (!pool)
		return fail_at(d, st->word_off, "this VM or vCPU has no pool now");
	doing_watched(d, (struct oracle_action){ .kind = ORACLE_PRESSURE });
	if (st->id == CMD_DRAIN) {
		if (!doing_named(d, "leave", 0, &n))
			return false;
		ok = hyp->pool_drain(d->m->el2, pool, n, &e);
	} else if (st->id == CMD_REFILL) {
		if (!doing_named(d, "pages", ~UINT64_C(0), &n))
			return false;
		ok = hyp->pool_refill(d->m->el2, pool, n, &e);
	} else {
		if (!doing_named(d, "nth", 1, &n) || !doing_named(d, "count", 1, &count))
			return false;
		if (!n || !count)
			return fail_at(d, st->named[0].off, "nth and count begin at 1");
		ok = hyp->fail_alloc(d->m->el2, pool, n, count, &e);
	}
	*d->out = (struct outcome){ .kind = OUTCOME_VALUE, .is_signed = true };
	if (ok)
		return true;
	nearest_init(&near, st->word);
	script_fail(d->error, st->line, st->word_off,
		    param_known(NULL, PARAM_POOL, st->word, &near) ? NULL : near.best, "%s",
		    e->message);
	g_error_free(e);
	return false;
}

/* ---- All ---------------------------------------------------------------------------------------- */

static bool (*const do_fn[N_COMMANDS])(struct doing *d) = {
	[CMD_BOOT] = do_boot,	    [CMD_INIT] = do_boot,
	[CMD_FINALISE] = do_boot,   [CMD_PROT_FINALIZE] = do_boot,
	[CMD_HVC] = do_hvc,	    [CMD_EL2] = do_el2,
	[CMD_HOST] = do_host,	    [CMD_HYP] = do_hyp,
	[CMD_DMA] = do_dma,	    [CMD_VM] = do_vm,
	[CMD_GUEST] = do_guest,	    [CMD_DRAIN] = do_pressure,
	[CMD_REFILL] = do_pressure, [CMD_FAIL] = do_pressure,
	[CMD_SMC] = do_smc,	    [CMD_FFA] = do_ffa,
};

static void remember(struct run *r, unsigned int cpu, const struct outcome *out)
{
	r->has_last = true;
	r->last = *out;
	r->cpu_acted[cpu] = true;
	r->cpu_last[cpu] = *out;
	if (out->kind == OUTCOME_GAVE_UP)
		r->interrupted = r->opt->stop && *r->opt->stop;
	/* Ctrl-C at an action's last event found nothing left to stop. */
	board_limit_steps(r->m->board, r->opt->steps);
}

/* What stands before the action's own words. False: an error of the file. */
static bool doing_begin(struct doing *d)
{
	const struct stmt *st = d->st;
	struct run *r = d->r;
	g_autofree char *why = NULL;

	d->m = run_machine(r, st->line, st->off, d->error);
	if (!d->m)
		return false;
	if (!offered(r, st, &why))
		return script_fail(d->error, st->line, st->off, NULL, "%s", why);
	if (st->id == CMD_VM && st->verb == VERB_CREATE &&
	    !bind_vm(st->line, st->word_off, st->word, &r->ctx, d->error))
		return false;
	d->cpu = st->cpu < 0 ? 0 : (unsigned int)st->cpu;
	if (d->cpu >= d->m->board->n_cpus)
		return script_fail(d->error, st->line, 0, NULL, "the board has %u CPUs",
				   d->m->board->n_cpus);
	if (d->cpu)
		g_string_append_printf(d->words, "cpu%u: ", d->cpu);
	g_string_append(d->words, script_commands()[st->id].name);
	return true;
}

bool action_ready(struct run *r, const struct stmt *st, struct deed *deed, GString *words,
		  GError **error)
{
	struct doing d = { .r = r, .st = st, .words = words, .error = error, .later = deed };
	bool ok;

	if (!doing_begin(&d))
		return false;
	r->ctx.may_page = true;
	ok = do_fn[st->id](&d);
	r->ctx.may_page = false;
	return ok;
}

bool action_run(struct run *r, const struct stmt *st, struct outcome *out, GString *words,
		GError **error)
{
	struct doing d = { .r = r, .st = st, .out = out, .words = words, .error = error };

	if (!doing_begin(&d))
		return false;
	if (d.m->dead) {
		*out = (struct outcome){ .kind = OUTCOME_NOT_RUN };
		return true;
	}
	recorder_begin(r->rec);
	r->ctx.may_page = true;
	if (!do_fn[st->id](&d)) {
		watch_end(r, &(struct outcome){ .kind = OUTCOME_NOT_RUN });
		return false;
	}
	r->ctx.may_page = false;
	recorder_end(r->rec);
	watch_end(r, out);
	remember(r, d.cpu, out);
	return true;
}
