// SPDX-License-Identifier: GPL-2.0-or-later
/* The oracle's findings in words that can be pasted into a mail. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oracle_impl.h"
#include "sim/el2/smc.h"

/* Append to @out, a string in @n bytes; what does not fit is lost. */
static void add(char *out, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t n, const char *fmt, ...)
{
	size_t used = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + used, n - used, fmt, ap);
	va_end(ap);
}

static const char *state_name(u8 s)
{
	return s < N_PAGE_STATES ? page_state_name[s] : "no state";
}

/* "host OWNED, let in; hyp NOPAGE": what is recorded, and what the tables do. */
void words_page(const struct found *f, enum m_class c, char *out, size_t n)
{
	static const char *const leaf[] = {
		[LEAF_OPEN] = "let in",
		[LEAF_READ_ONLY] = "may read",
		[LEAF_CLOSED] = "kept out",
		[LEAF_ASTRAY] = "led elsewhere",
	};

	out[0] = '\0';
	if (c == M_FIRMWARE)
		add(out, n, "firmware's; ");
	add(out, n, "host %s, %s; hyp %s", state_name(f->p.host), leaf[f->host_leaf],
	    state_name(f->p.hyp));
	if (f->linear || f->elsewhere)
		add(out, n, ", mapped");
	if (f->p.pins)
		add(out, n, "; pins %u", f->p.pins);
	if (f->p.sharers)
		add(out, n, "; guests %u", f->p.sharers);
	if (f->p.owners)
		add(out, n, "; VM 0x%x %s", f->p.vm, state_name(f->p.guest));
	else if (f->p.note_vm)
		add(out, n, "; kept for VM 0x%x", f->p.note_vm);
}

static void add_number(char *out, size_t n, s64 value)
{
	static const struct {
		int value;
		const char *name;
	} error[] = {
		{ EPERM, "EPERM" },   { ENOENT, "ENOENT" },	    { E2BIG, "E2BIG" },
		{ EAGAIN, "EAGAIN" }, { ENOMEM, "ENOMEM" },	    { EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" },   { EEXIST, "EEXIST" },	    { EINVAL, "EINVAL" },
		{ ERANGE, "ERANGE" }, { EOPNOTSUPP, "EOPNOTSUPP" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(error); i++) {
		if (value == -error[i].value) {
			add(out, n, "-%s", error[i].name);
			return;
		}
	}
	add(out, n, "%" PRId64, value);
}

static void add_answer(char *out, size_t n, const struct m_answer *a)
{
	static const char *const ends[] = {
		[M_OK_ACCESS] = "success", [M_ABORT] = "abort", [M_PANIC] = "panic",
		[M_HANG] = "hang",	   [M_BUS] = "bus",	[M_DONE] = "any value",
		[M_EXIT] = "fault",
	};

	if (a->end == M_RET)
		add_number(out, n, a->ret);
	else
		add(out, n, "%s", ends[a->end]);
	add(out, n, " (%s)", a->why);
}

void words_allowed(const struct oracle *o, char *out, size_t n)
{
	const struct m_verdict *v = &o->verdict;

	out[0] = '\0';
	if (o->action.kind == ORACLE_SMC) {
		ffa_words(o, out, n);
		return;
	}
	if (o->refusal == REFUSE_MUST) {
		add(out, n,
		    o->action.kind == ORACLE_GUEST_CALL
			    ? "refused (EL2 leaves it to the host)"
			    : "refused (the release has it not, or not any more)");
		return;
	}
	for (unsigned int i = 0; i < v->n; i++) {
		const struct m_answer *a = &v->answer[i];

		if (a->if_enomem && !o->fold.alloc_failed)
			continue;
		if (*out)
			add(out, n, " or ");
		add_answer(out, n, a);
	}
	if (v->anything)
		add(out, n, "any result");
}

static void add_access(char *out, size_t n, const char *who, const struct oracle_action *a)
{
	static const char *const what[] = { "read", "write", "exec" };

	add(out, n, "%s %s of 0x%" PRIx64, who, what[a->access], a->addr);
}

static void add_action(char *out, size_t n, const struct oracle_action *a)
{
	switch (a->kind) {
	case ORACLE_CALL:
		add(out, n, "%s", a->call ? a->call->name : "the hypercall");
		break;
	case ORACLE_INIT:
		add(out, n, "init");
		break;
	case ORACLE_FINALISE:
		add(out, n, "finalise");
		break;
	case ORACLE_PROT_FINALIZE:
		add(out, n, "prot_finalize");
		break;
	case ORACLE_BOOT:
		add(out, n, "boot");
		break;
	case ORACLE_HOST_ACCESS:
		add_access(out, n, "the host's", a);
		break;
	case ORACLE_HYP_ACCESS:
		add_access(out, n, "EL2's", a);
		break;
	case ORACLE_DMA:
		add_access(out, n, "the device's", a);
		break;
	case ORACLE_GUEST_ACCESS:
		add_access(out, n, "the guest's", a);
		break;
	case ORACLE_GUEST_CALL:
		add(out, n, "the guest's call");
		break;
	case ORACLE_PRESSURE:
		add(out, n, "pressure");
		break;
	case ORACLE_SMC:
		add(out, n, "the SMC");
		break;
	case ORACLE_BLOCK:
		add(out, n, "an action of several at once");
		break;
	}
}

void words_result(const struct oracle *o, enum oracle_end_kind end, s64 value, char *out, size_t n)
{
	static const char *const ends[] = {
		[ORACLE_END_ABORT] = "met an abort",	 [ORACLE_END_FAULT] = "faulted",
		[ORACLE_END_BUS] = "met a bus error",	 [ORACLE_END_REFUSED] = "was refused",
		[ORACLE_END_PANIC] = "ended in a panic", [ORACLE_END_HANG] = "never ended",
		[ORACLE_END_OTHER] = "gave up",
	};

	out[0] = '\0';
	add_action(out, n, &o->action);
	if (end != ORACLE_END_VALUE) {
		add(out, n, " %s", ends[end]);
	} else if (o->action.kind == ORACLE_HOST_ACCESS) {
		add(out, n, " went through");
	} else if (o->action.kind == ORACLE_SMC && value < 0) {
		add(out, n, " gave %s", ffa_error_name(0u - (unsigned int)value));
	} else {
		add(out, n, " gave ");
		add_number(out, n, value);
	}
}
