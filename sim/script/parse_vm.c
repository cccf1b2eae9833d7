// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual machines in the language: names that `vm create` makes, `vm`, `guest`, and what
 * the host does with guests' memory.
 */
#include "script_private.h"
#include "sim/guest/guest.h"

/* ---- Names -------------------------------------------------------------------------------- */

bool program_has_vm(const struct program *p, const char *name)
{
	for (guint i = 0; p && i < p->vms->len; i++)
		if (!strcmp(p->vms->pdata[i], name))
			return true;
	return false;
}

void program_vms_try(const struct program *p, struct nearest *near)
{
	for (guint i = 0; p && i < p->vms->len; i++)
		nearest_try(near, p->vms->pdata[i]);
}

/* .N behind a name. *@given: it was there. */
static bool parse_vcpu(struct scan *s, unsigned int *vcpu, bool *given)
{
	u32 from = s->at + 1;
	u64 n = 0;

	*given = scan_peek(s, 0) == '.';
	if (!*given)
		return true;
	for (s->at++; g_ascii_isdigit(scan_peek(s, 0)) && n <= UINT16_MAX; s->at++)
		n = n * 10 + (u64)g_ascii_digit_value(scan_peek(s, 0));
	if (s->at == from || n > UINT16_MAX)
		return scan_fail(s, from, NULL, "behind the dot stands a vCPU's number");
	*vcpu = (unsigned int)n;
	return true;
}

bool parse_vm_name(struct scan *s, struct stmt *st, bool vcpu)
{
	struct nearest near;
	bool given;

	if (!parse_word(s, st, "a VM's name"))
		return false;
	nearest_init(&near, st->word);
	program_vms_try(s->prog, &near);
	if (!program_has_vm(s->prog, st->word))
		return scan_fail(s, st->word_off, near.best, "no `vm create %s` stands above",
				 st->word);
	if (!parse_vcpu(s, &st->vcpu, &given))
		return false;
	return vcpu || !given ||
	       scan_fail(s, st->word_off, NULL, "this is done to a VM, not to a vCPU");
}

const char *scan_pool(struct scan *s, u32 *off)
{
	const char *name = scan_name(s, off);

	if (!name || scan_peek(s, 0) != '.')
		return name;
	s->at++;
	while (g_ascii_isdigit(scan_peek(s, 0)))
		s->at++;
	return program_strndup(s->prog, s->line->text + *off, s->at - *off);
}

/* ---- Verbs ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum command_id command;
} verbs[N_VERBS] = {
	[VERB_CREATE] = { "create", CMD_VM },
	[VERB_RUN] = { "run", CMD_VM },
	[VERB_PUT] = { "put", CMD_VM },
	[VERB_DESTROY] = { "destroy", CMD_VM },
	[VERB_MAP] = { "map", CMD_HOST },
	[VERB_UNMAP] = { "unmap", CMD_HOST },
	[VERB_WRPROTECT] = { "wrprotect", CMD_HOST },
	[VERB_AGE] = { "age", CMD_HOST },
	[VERB_SHARE] = { "share", CMD_HOST },
	[VERB_UNSHARE] = { "unshare", CMD_HOST },
	[VERB_HVC] = { "hvc", CMD_GUEST },
};

bool verb_find(enum command_id id, const char *name, enum verb *verb)
{
	for (unsigned int i = 1; i < N_VERBS; i++) {
		if (verbs[i].command != id || strcmp(verbs[i].name, name))
			continue;
		*verb = (enum verb)i;
		return true;
	}
	return false;
}

const char *verb_name(enum verb verb)
{
	return verbs[verb].name;
}

const char *verbs_of(enum command_id id)
{
	switch (id) {
	case CMD_HOST:
		return "read, write, exec, map, unmap, wrprotect, age, share or unshare";
	case CMD_GUEST:
		return "read, write, exec or hvc";
	case CMD_VM:
		return "create, run, put or destroy";
	default:
		return "read or write";
	}
}

/* ---- vm --------------------------------------------------------------------------------------- */

static bool new_name(struct scan *s, struct stmt *st)
{
	const char *what;

	if (!parse_word(s, st, "a name"))
		return false;
	if (name_reserved(st->word, &what))
		return scan_fail(s, st->word_off, NULL, "`%s` is %s", st->word, what);
	if (!strcmp(st->word, "host_s2") || !strcmp(st->word, "hyp_s1"))
		return scan_fail(s, st->word_off, NULL, "`%s` is a pool", st->word);
	if (strlen(st->word) >= HOST_VM_NAME)
		return scan_fail(s, st->word_off, NULL, "a VM's name has at most %d characters",
				 HOST_VM_NAME - 1);
	if (!program_has_vm(s->prog, st->word))
		g_ptr_array_add(s->prog->vms, (void *)st->word);
	return true;
}

static bool parse_create(struct scan *s, struct stmt *st)
{
	static const struct shape shape = { 0, 0, { "vcpus", "ipa_bits", NULL } };
	struct scan ahead;
	const char *word;
	u32 off;

	if (!new_name(s, st))
		return false;
	ahead = *s;
	word = scan_name(&ahead, &off);
	if (!g_strcmp0(word, "protected")) {
		st->flag = true;
		*s = ahead;
	}
	return parse_args(s, st, &shape);
}

bool parse_vm(struct scan *s, struct stmt *st)
{
	static const struct shape none = { 0, 0, { NULL } };
	const char *verb;
	u32 off;

	verb = scan_name(s, &off);
	if (!verb || !verb_find(CMD_VM, verb, &st->verb))
		return scan_fail(s, off, NULL, "%s is wanted here", verbs_of(CMD_VM));
	if (st->verb == VERB_CREATE)
		return parse_create(s, st);
	return parse_vm_name(s, st, st->verb != VERB_DESTROY) && parse_args(s, st, &none);
}

/* ---- guest hvc, host map and its like ------------------------------------------------------------ */

static const struct {
	const char *name;
	u64 id;
	u8 args;
} guest_calls[] = {
	{ "hyp_meminfo", GUEST_HVC_HYP_MEMINFO, 0 },
	{ "mem_share", GUEST_HVC_MEM_SHARE, 1 },
	{ "mem_unshare", GUEST_HVC_MEM_UNSHARE, 1 },
};

/* All take three registers and look at them: those that are not given are 0. */
static bool parse_guest_hvc(struct scan *s, struct stmt *st)
{
	struct shape shape = { 1, MAX_ARGS, { NULL } };
	struct nearest near;
	u32 off;

	st->call = scan_name(s, &off);
	if (!st->call)
		return scan_fail(s, s->at, NULL, "the call's name is missing here");
	st->raw = !strcmp(st->call, "raw");
	nearest_init(&near, st->call);
	for (unsigned int i = 0; i < G_N_ELEMENTS(guest_calls); i++) {
		nearest_try(&near, guest_calls[i].name);
		if (strcmp(guest_calls[i].name, st->call))
			continue;
		st->call_id = guest_calls[i].id;
		shape = (struct shape){ guest_calls[i].args, 3, { NULL } };
	}
	if (!st->raw && !st->call_id)
		return scan_fail(s, off, near.best,
				 "no guest calls `%s`; `raw ID ...` calls anything", st->call);
	return parse_args(s, st, &shape);
}

static bool has_named(const struct stmt *st, const char *name)
{
	for (unsigned int i = 0; i < st->n_named; i++)
		if (!strcmp(st->named[i].name, name))
			return true;
	return false;
}

bool parse_vm_verb(struct scan *s, struct stmt *st)
{
	static const struct shape shape[N_VERBS] = {
		[VERB_MAP] = { 0, 0, { "gfn", "pages", "page", "huge", "r", "w", "x", NULL } },
		[VERB_UNMAP] = { 0, 0, { "gfn", "pages", NULL } },
		[VERB_WRPROTECT] = { 0, 0, { "gfn", "pages", NULL } },
		[VERB_AGE] = { 0, 0, { "gfn", "pages", "mkold", NULL } },
		[VERB_SHARE] = { 1, 1, { "pages", NULL } },
		[VERB_UNSHARE] = { 1, 1, { "pages", NULL } },
	};

	if (st->verb == VERB_HVC)
		return parse_guest_hvc(s, st);
	if (st->verb == VERB_SHARE || st->verb == VERB_UNSHARE)
		return parse_args(s, st, &shape[st->verb]);
	if (!parse_vm_name(s, st, st->verb == VERB_MAP) || !parse_args(s, st, &shape[st->verb]))
		return false;
	return has_named(st, "gfn") || scan_fail(s, s->at, NULL, "`gfn=` is missing here");
}
