// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of the things that a scenario may ask for a kernel tree's EL2 has, and why not.
 */
#include <string.h>

#include "tree_private.h"

static bool no(char **why, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool no(char **why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	*why = g_strdup_vprintf(format, ap);
	va_end(ap);
	return false;
}

static bool no_knob(char **why, const struct el2_tree *t, enum knob_id id)
{
	return no(why, "the tree has %s=%s", el2_knobs[id].name,
		  el2_knob_value_name(id, t->profile.knob[id]));
}

static bool offers_release(const struct el2_config *c, char **why)
{
	const struct el2_tree *t = c->tree;

	if (c->profile->id != t->profile.id)
		return no(why, "the tree is nearest to %s, not %s", t->profile.name,
			  c->profile->name);
	if (c->knob[KNOB_S2_UNMAP_ANNOTATED] != t->profile.knob[KNOB_S2_UNMAP_ANNOTATED])
		return no_knob(why, t, KNOB_S2_UNMAP_ANNOTATED);
	return true;
}

/* Of these a scenario has the choice: what follows a WARN, and who is behind EL3. */
static bool is_free(unsigned int knob)
{
	return knob == KNOB_WARN || knob == KNOB_EL2_DEBUG || knob == KNOB_FFA ||
	       knob == KNOB_SECURE_WORLD;
}

/* What a tree is is not for a scenario to choose. */
static bool offers_config(const struct el2_config *c, char **why)
{
	const struct el2_tree *t = c->tree;

	if (!offers_release(c, why))
		return false;
	for (unsigned int i = 0; i < N_KNOBS; i++)
		if (!is_free(i) && c->knob[i] != t->profile.knob[i])
			return no_knob(why, t, i);
	for (unsigned int i = 0; i < N_BUGS; i++)
		if (c->bug[i])
			return no(why, "%s cannot be brought back in a kernel tree",
				  el2_bugs[i].id);
	if (c->protect->len > t->layout.protected_regions)
		return no(why, "the tree protects %u regions", t->layout.protected_regions);
	if (c->pool_pages[POOL_HOST_S2] || c->pool_pages[POOL_HYP_S1])
		return no(why, "the tree reckons the sizes of its pools itself");
	return true;
}

static bool offers_pages(const struct board_config *b, char **why)
{
	if (b->f.page_shift != 12 || b->f.lpa2)
		return no(why,
			  "the tree's EL2 is built for pages of 4 KiB and addresses of 48 bits");
	return true;
}

static bool offers_board(const struct board_config *b, char **why)
{
	if (!offers_pages(b, why))
		return false;
	if (b->f.hvhe)
		return no(why, "the tree's EL2 runs without hvhe");
	if (!b->f.hafdbs || b->f.vmid16)
		return no(why, "the tree's EL2 is built for a CPU with hafdbs and 8-bit VMIDs");
	return true;
}

static bool has_call(const struct tree_layout *l, const char *name)
{
	const struct el2_call *calls[TREE_MAX_HCALLS + TREE_N_CALLS + 1];
	u32 ids[TREE_MAX_HCALLS + TREE_N_CALLS];
	bool ambiguous;

	tree_calls(l, calls, ids);
	return el2_call_find(calls, name, &ambiguous) || ambiguous;
}

/* Does the tree's dispatcher know it by whichever prefix? */
static bool dispatches(const struct tree_layout *l, const char *name)
{
	static const char *const prefix[] = { "", "__", "__pkvm_", "__kvm_", "__vgic_" };

	for (unsigned int i = 0; i < G_N_ELEMENTS(prefix); i++) {
		g_autofree char *full = g_strconcat(prefix[i], name, NULL);

		if (tree_hvc_number(l, full))
			return true;
	}
	return false;
}

bool tree_offers(const struct el2_config *c, enum el2_offer what, const char *name,
		 const struct board_config *b, char **why)
{
	switch (what) {
	case EL2_OFFER_GUESTS:
		return true;
	case EL2_OFFER_FIRMWARE:
		return true;
	case EL2_OFFER_PRESSURE:
		return !strcmp(name, "host_s2") || !strcmp(name, "hyp_s1") ||
		       no(why, "the pools of a kernel tree's VMs are not emptied from outside");
	case EL2_OFFER_PARALLEL:
		return no(why, "CPUs are not switched inside of a kernel tree's code");
	case EL2_OFFER_CALL:
		return has_call(&c->tree->layout, name) ||
		       no(why, "the tree has no %s that can be called", name);
	case EL2_OFFER_HVC:
		return has_call(&c->tree->layout, name) || !dispatches(&c->tree->layout, name) ||
		       no(why, "hypercall %s has no part in what runs of a kernel tree", name);
	case EL2_OFFER_SELFTEST:
		return c->tree->layout.has_selftest || no(why, "the tree has none");
	case EL2_OFFER_TABLES:
		return offers_release(c, why) && offers_pages(b, why);
	case EL2_OFFER_MACHINE:
		break;
	}
	return offers_config(c, why) && offers_board(b, why);
}
