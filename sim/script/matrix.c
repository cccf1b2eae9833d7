// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Combinations and layers: profile < patch < set and bug < matrix < the command
 * line's --set and --bug, whatever the order of lines.
 */
#include "script_private.h"

/* ---- The command line's layer -------------------------------------------------------------- */

static bool usage(GError **error, const char *option, const char *value, const char *best,
		  const char *why)
{
	g_set_error(error, SCRIPT_ERROR, SCRIPT_ERROR_USAGE, "%s=%s: %s%s%s%s", option, value, why,
		    best ? "; did you mean `" : "", best ? best : "", best ? "`?" : "");
	return false;
}

static bool override_kernel(struct overrides *o, const char *name, GError **error)
{
	struct nearest near;

	o->kernel = el2_profile_find(name);
	if (o->kernel)
		return o->kernel->built ||
		       usage(error, "--kernel", name, NULL, "this release is not in this build");
	nearest_init(&near, name);
	for (unsigned int i = 0; i < N_PROFILES; i++)
		nearest_try(&near, el2_profiles[i].name);
	return usage(error, "--kernel", name, near.best, "there is no such release");
}

static bool override_patch(struct overrides *o, const char *name, GError **error)
{
	struct nearest near;

	o->patch = el2_patch_find(name);
	if (o->patch)
		return o->patch->built ||
		       usage(error, "--patch", name, NULL, "this patch is not in this build");
	nearest_init(&near, name);
	for (unsigned int i = 0; i < el2_n_patches; i++)
		nearest_try(&near, el2_patches[i].name);
	return usage(error, "--patch", name, near.best, "there is no such patch");
}

static bool override_knob(struct overrides *o, const char *setting, GError **error)
{
	const char *eq = strchr(setting, '=');
	struct nearest near;
	enum knob_id id;
	char *name;
	bool known;
	u8 v;

	if (!eq)
		return usage(error, "--set", setting, NULL, "KNOB=VALUE is the form");
	name = g_strndup(setting, (gsize)(eq - setting));
	nearest_init(&near, name);
	for (unsigned int i = 0; i < N_KNOBS; i++)
		nearest_try(&near, el2_knobs[i].name);
	known = el2_knob_find(name, &id);
	if (!known)
		usage(error, "--set", setting, near.best, "there is no such knob");
	g_free(name);
	if (!known)
		return false;
	if (el2_knob_value_find(id, eq + 1, &v)) {
		o->knob[id] = (s8)v;
		return true;
	}
	nearest_init(&near, eq + 1);
	for (unsigned int i = 0; el2_knobs[id].value[i].name; i++)
		nearest_try(&near, el2_knobs[id].value[i].name);
	return usage(error, "--set", setting, near.best, "this knob has no such value");
}

static bool override_bug(struct overrides *o, const char *id, GError **error)
{
	for (unsigned int i = 0; i < el2_n_bugs; i++) {
		if (!strcmp(el2_bugs[i].id, id)) {
			o->bug[i] = o->any_bug = true;
			return true;
		}
	}
	return usage(error, "--bug", id, NULL, "this bug is not in this build");
}

bool overrides_init(struct overrides *o, const struct run_options *opt, GError **error)
{
	*o = (struct overrides){ 0 };
	memset(o->knob, -1, sizeof(o->knob));
	o->tree = opt->tree;
	o->tree_profile = opt->tree_profile;
	if (opt->kernel && !override_kernel(o, opt->kernel, error))
		return false;
	if (opt->patch && !override_patch(o, opt->patch, error))
		return false;
	for (unsigned int i = 0; opt->sets && opt->sets[i]; i++)
		if (!override_knob(o, opt->sets[i], error))
			return false;
	for (unsigned int i = 0; opt->bugs && opt->bugs[i]; i++)
		if (!override_bug(o, opt->bugs[i], error))
			return false;
	return true;
}

/* ---- Axes ------------------------------------------------------------------------------------- */

static void fix_axis(struct axis *a, const char *value, u8 id)
{
	a->value[0] = value;
	a->id[0] = id;
	a->n = 1;
}

GArray *matrix_axes(const struct setup *s, const struct overrides *o)
{
	GArray *axes = g_array_copy(s->axis);

	for (guint i = 0; i < axes->len; i++) {
		struct axis *a = &g_array_index(axes, struct axis, i);

		if (a->kernel && o->kernel)
			fix_axis(a, o->kernel->name, (u8)o->kernel->id);
		else if (!a->kernel && o->knob[a->knob] >= 0)
			fix_axis(a, el2_knob_value_name(a->knob, (u8)o->knob[a->knob]),
				 (u8)o->knob[a->knob]);
	}
	return axes;
}

u64 matrix_size(GArray *axes)
{
	u64 n = 1;

	for (guint i = 0; i < axes->len; i++)
		n *= g_array_index(axes, struct axis, i).n;
	return n;
}

void matrix_pick(GArray *axes, u64 i, unsigned int *pick)
{
	for (guint k = axes->len; k--;) {
		const struct axis *a = &g_array_index(axes, struct axis, k);

		pick[k] = (unsigned int)(i % a->n);
		i /= a->n;
	}
}

/* ---- Layers --------------------------------------------------------------------------------------- */

static const struct profile *choose_profile(const struct setup *s, const struct overrides *o,
					    GArray *axes, const unsigned int *pick,
					    const struct patch *patch)
{
	if (o->kernel)
		return o->kernel;
	for (guint i = 0; i < axes->len; i++) {
		const struct axis *a = &g_array_index(axes, struct axis, i);

		if (a->kernel)
			return &el2_profiles[a->id[pick[i]]];
	}
	if (s->kernel)
		return s->kernel;
	if (o->tree_profile)
		return o->tree_profile;
	return &el2_profiles[patch ? patch->base : PROFILE_V7_0];
}

static void apply_layer(u8 knob_value[N_KNOBS], const s8 layer[N_KNOBS])
{
	for (unsigned int k = 0; k < N_KNOBS; k++)
		if (layer[k] >= 0)
			knob_value[k] = (u8)layer[k];
}

struct el2_config *matrix_config(const struct setup *s, const struct overrides *o, GArray *axes,
				 const unsigned int *pick, const struct patch **patch,
				 u8 base[N_KNOBS])
{
	const struct patch *p = *patch = o->patch ? o->patch : s->patch;
	const struct profile *profile = choose_profile(s, o, axes, pick, p);
	struct el2_config *c;

	memcpy(base, el2_profiles[profile->id].knob, sizeof(c->knob));
	/* beside a tree that release is as the tree was found */
	if (o->tree_profile && o->tree_profile->id == profile->id)
		profile = o->tree_profile;
	c = el2_config_new(profile);
	c->tree = o->tree;
	for (unsigned int i = 0; p && i < p->n_set; i++)
		c->knob[p->set[i].knob] = base[p->set[i].knob] = p->set[i].value;
	apply_layer(c->knob, s->knob);
	for (guint i = 0; i < axes->len; i++) {
		const struct axis *a = &g_array_index(axes, struct axis, i);

		if (!a->kernel)
			c->knob[a->knob] = a->id[pick[i]];
	}
	apply_layer(c->knob, o->knob);
	for (unsigned int i = 0; i < el2_n_bugs; i++)
		c->bug[i] = s->bug[i] || o->bug[i];
	for (guint i = 0; i < s->protect->len; i++)
		g_array_append_val(c->protect,
				   g_array_index(s->protect, struct setup_region, i).protect);
	memcpy(c->pool_pages, s->pool_pages, sizeof(c->pool_pages));
	c->has_hyp_image = s->hyp_image_stmt;
	c->hyp_image = s->hyp_image;
	c->has_hyp_memory = s->hyp_memory_stmt;
	c->hyp_memory = s->hyp_memory;
	return c;
}

bool conds_hold(GArray *cond, const struct el2_config *c)
{
	for (guint i = 0; cond && i < cond->len; i++) {
		const struct cond *one = &g_array_index(cond, struct cond, i);
		u8 v = one->kernel ? (u8)c->profile->id : c->knob[one->knob];

		if (!(one->values >> v & 1))
			return false;
	}
	return true;
}
