// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Actions about virtual machines: the driver's flows, and what guests do. A VM's name is a
 * word; where a number is wanted it stands for the VM's handle.
 */
#include "doing.h"

/* ---- Names ------------------------------------------------------------------------------ */

bool bind_vm(const struct line *l, u32 off, const char *name, struct context *c, GError **error)
{
	const struct value *bound = g_hash_table_lookup(c->names, name);

	if (bound && bound->vm)
		return true;
	if (bound)
		return script_fail(error, l, off, NULL, "`%s` is a `let` name", name);
	if (!name_bindable(l, off, name, c->board, error))
		return false;
	names_set(c->names, name, (struct value){ .word = name, .vm = true });
	return true;
}

static gboolean is_vm(gpointer name, gpointer value, gpointer data)
{
	return ((const struct value *)value)->vm;
}

void names_drop_vms(GHashTable *names)
{
	g_hash_table_foreach_remove(names, is_vm, NULL);
}

/* Of a VM its own pool, of a vCPU its memcache, all others as they are called. */
char *pool_of_el2(struct machine *m, const char *name)
{
	g_autofree char *vm_name = g_strndup(name, strcspn(name, "."));
	const struct el2_view *v = m->hyp->view(m->el2);
	struct machine_vm vm;

	if (!machine_vm(m, vm_name, &vm))
		return strchr(name, '.') ? NULL : g_strdup(name);
	for (unsigned int i = 0; vm.live && i < v->n_guests; i++)
		if (v->guests[i]->handle == vm.handle)
			return g_strconcat(v->guests[i]->pool.name, name + strlen(vm_name), NULL);
	return NULL;
}

/* ---- What is said of an action ------------------------------------------------------------- */

static void say_vm(struct doing *d)
{
	g_string_append_printf(d->words, " %s", d->st->word);
	if (d->st->vcpu)
		g_string_append_printf(d->words, ".%u", d->st->vcpu);
}

static bool flag(struct doing *d, const char *name, bool missing, bool *on)
{
	u64 n;

	if (!doing_named(d, name, missing, &n))
		return false;
	*on = n;
	for (unsigned int i = 0; n > 1 && i < d->st->n_named; i++)
		if (!strcmp(d->st->named[i].name, name))
			return script_fail(d->error, d->st->line, d->st->named[i].off, NULL,
					   "%s is 0 or 1", name);
	return true;
}

/* ---- vm ---------------------------------------------------------------------------------------- */

static bool do_create(struct doing *d)
{
	u64 vcpus, ipa_bits;

	if (d->st->flag)
		g_string_append(d->words, " protected");
	if (!doing_named(d, "vcpus", 1, &vcpus) || !doing_named(d, "ipa_bits", 0, &ipa_bits))
		return false;
	watch_flow(d->r);
	*d->out = machine_vm_create(d->m, d->cpu, d->st->word, d->st->flag, vcpus, ipa_bits);
	return true;
}

bool do_vm(struct doing *d)
{
	const struct stmt *st = d->st;

	g_string_append_printf(d->words, " %s", verb_name(st->verb));
	say_vm(d);
	if (st->verb == VERB_CREATE)
		return do_create(d);
	watch_flow(d->r);
	switch (st->verb) {
	case VERB_RUN:
		*d->out = machine_vm_run(d->m, d->cpu, st->word, st->vcpu);
		return true;
	case VERB_PUT:
		*d->out = machine_vm_put(d->m, st->word, st->vcpu);
		return true;
	default:
		*d->out = machine_vm_destroy(d->m, d->cpu, st->word);
		return true;
	}
}

/* ---- guest ---------------------------------------------------------------------------------------- */

static struct outcome act_guest_hvc(struct machine *m, const struct deed *deed)
{
	return machine_guest_hvc(m, deed->cpu, deed->vm, deed->vcpu, deed->regs, deed->n);
}

static struct outcome act_guest(struct machine *m, const struct deed *deed)
{
	const struct access *a = &deed->a;

	return machine_guest_access(m, deed->cpu, deed->vm, deed->vcpu, deed->access, a->addr,
				    a->size, a->val);
}

static bool do_guest_hvc(struct doing *d, struct deed *deed)
{
	const struct stmt *st = d->st;

	g_string_append_printf(d->words, " hvc %s", st->call);
	deed->act = act_guest_hvc;
	deed->regs[0] = st->call_id;
	deed->n = st->n_args + !st->raw;
	return doing_args(d, deed->regs + !st->raw) && doing_deed(d, deed);
}

bool do_guest(struct doing *d)
{
	const struct stmt *st = d->st;
	struct deed deed = { .act = act_guest,
			     .flow = true,
			     .vm = st->word,
			     .vcpu = st->vcpu,
			     .access = st->access };

	say_vm(d);
	if (st->verb == VERB_HVC)
		return do_guest_hvc(d, &deed);
	return doing_access(d, &deed.a) && doing_deed(d, &deed);
}

/* ---- host map and its like ------------------------------------------------------------------------ */

static bool do_sharing(struct doing *d)
{
	u64 pages, regs[MAX_ARGS] = { 0 };

	if (!doing_args(d, regs) || !doing_named(d, "pages", 1, &pages))
		return false;
	watch_flow(d->r);
	*d->out = (d->st->verb == VERB_SHARE ? machine_host_share
					     : machine_host_unshare)(d->m, d->cpu, regs[0], pages);
	return true;
}

static bool do_map(struct doing *d, u64 gfn, u64 pages)
{
	struct machine_map map = { .gfn = gfn, .pages = pages };

	if (!doing_named(d, "page", 0, &map.pa) || !flag(d, "huge", false, &map.huge) ||
	    !flag(d, "r", true, &map.r) || !flag(d, "w", true, &map.w) ||
	    !flag(d, "x", true, &map.x))
		return false;
	watch_flow(d->r);
	*d->out = machine_guest_map(d->m, d->cpu, d->st->word, d->st->vcpu, &map);
	return true;
}

bool do_host_memory(struct doing *d)
{
	const struct stmt *st = d->st;
	u64 gfn, pages;
	bool mkold = true;

	g_string_append_printf(d->words, " %s", verb_name(st->verb));
	if (st->verb == VERB_SHARE || st->verb == VERB_UNSHARE)
		return do_sharing(d);
	say_vm(d);
	if (!doing_named(d, "gfn", 0, &gfn) || !doing_named(d, "pages", 1, &pages))
		return false;
	if (st->verb == VERB_MAP)
		return do_map(d, gfn, pages);
	if (st->verb == VERB_AGE && !flag(d, "mkold", true, &mkold))
		return false;
	watch_flow(d->r);
	switch (st->verb) {
	case VERB_UNMAP:
		*d->out = machine_guest_unmap(d->m, d->cpu, st->word, gfn, pages);
		return true;
	case VERB_WRPROTECT:
		*d->out = machine_guest_wrprotect(d->m, d->cpu, st->word, gfn, pages);
		return true;
	default:
		*d->out = machine_guest_age(d->m, d->cpu, st->word, gfn, pages, mkold);
		return true;
	}
}
