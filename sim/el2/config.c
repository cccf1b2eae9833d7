// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One EL2's configuration: a release, its knobs, the protected regions; which
 * combinations cannot exist; how a call is found by its name.
 */
#include <string.h>

#include "el2.h"

struct el2_config *el2_config_new(const struct profile *p)
{
	struct el2_config *c = g_new0(struct el2_config, 1);

	c->profile = p;
	c->vm_layout = &el2_vm_layout;
	memcpy(c->knob, p->knob, sizeof(c->knob));
	c->protect = g_array_new(FALSE, TRUE, sizeof(struct protect_entry));
	return c;
}

struct el2_config *el2_config_copy(const struct el2_config *c)
{
	struct el2_config *n = g_memdup2(c, sizeof(*c));

	n->protect = g_array_copy(c->protect);
	return n;
}

void el2_config_free(struct el2_config *c)
{
	if (!c)
		return;
	g_array_unref(c->protect);
	g_free(c);
}

static bool bug_possible(const struct bug *b, const struct el2_config *c, const char **why)
{
	*why = b->not_on[c->profile->id];
	if (!*why && b->needs.why && !(b->needs.values >> knob(c, b->needs.knob) & 1))
		*why = b->needs.why;
	return !*why;
}

bool el2_config_possible(const struct el2_config *c, const char **why)
{
	bool range = knob(c, KNOB_MMIO_DONATION) == MMIO_DONATION_RANGE;

	if (range && c->profile->id < PROFILE_V7_0) {
		*why = "mmio_donation=range needs v7.0 or later";
		return false;
	}
	if (knob(c, KNOB_HYP_MMIO_VA) == HYP_MMIO_PRIVATE && !range) {
		*why = "hyp_mmio_va=private needs mmio_donation=range";
		return false;
	}
	if (c->protect->len && knob(c, KNOB_MMIO_DONATION) == MMIO_DONATION_NONE) {
		*why = "protect needs an mmio_donation";
		return false;
	}
	for (unsigned int i = 0; i < N_BUGS; i++)
		if (c->bug[i] && !bug_possible(&el2_bugs[i], c, why))
			return false;
	return true;
}

/* @name with one of the kernel's prefixes dropped from it, or added to it. */
static bool call_is(const struct el2_call *call, const char *name)
{
	static const char *const prefix[] = { "__pkvm_", "___pkvm_", "hyp_", "pkvm_" };

	for (unsigned int i = 0; i < G_N_ELEMENTS(prefix); i++) {
		size_t n = strlen(prefix[i]);

		if (g_str_has_prefix(name, prefix[i]) && !strcmp(call->name, name + n))
			return true;
		if (g_str_has_prefix(call->name, prefix[i]) && !strcmp(call->name + n, name))
			return true;
	}
	return false;
}

const struct el2_call *el2_call_find(const struct el2_call *const *table, const char *name,
				     bool *ambiguous)
{
	const struct el2_call *const *c, *found = NULL;
	unsigned int n = 0;

	*ambiguous = false;
	for (c = table; *c; c++)
		if (!strcmp((*c)->name, name) || !strcmp((*c)->full, name))
			return *c;
	for (c = table; *c; c++) {
		if (call_is(*c, name)) {
			found = *c;
			n++;
		}
	}
	*ambiguous = n > 1;
	return n == 1 ? found : NULL;
}
