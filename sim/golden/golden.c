// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaying recordings: which format a file has, and the loop over files.
 */
#include <string.h>

#include "golden_reader.h"

/* The first whose fields are there takes the file. */
static const struct golden_format *const formats[] = {
	&golden_pgtable,
	&golden_ownership,
	&golden_cases,
	&golden_boot,
};

static void replay(struct recording *r)
{
	JsonObject *header = recording_next(r);

	if (!header) {
		recording_bad(r, "no recording: nothing in it");
		return;
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (formats[i]->matches(header)) {
			if (formats[i] == &golden_pgtable && !r->hyp->pgtable_new) {
				recording_bad(r, "this EL2 has no page-table library by itself");
				return;
			}
			/* The parser lets go of the header when it reads on. */
			json_object_ref(header);
			formats[i]->replay(r, header);
			json_object_unref(header);
			return;
		}
	}
	recording_bad(r, "no recording of a kind known here");
}

static enum exit_status replay_file(const char *file, const struct hypervisor *hyp,
				    const struct el2_tree *tree, FILE *out)
{
	struct recording r = { .file = file, .hyp = hyp, .tree = tree, .out = out };
	GError *error = NULL;

	r.in = line_reader_open(file, &error);
	if (!r.in) {
		recording_bad(&r, "%s", error->message);
		g_error_free(error);
		return EXIT_USAGE;
	}
	r.parser = json_parser_new();
	replay(&r);
	g_object_unref(r.parser);
	line_reader_close(r.in);

	if (r.bad)
		return EXIT_USAGE;
	if (r.differs)
		return EXIT_FAILED;
	fprintf(out, "%s: %" G_GUINT64_FORMAT " operations, no difference\n", file, r.ops);
	return EXIT_PASSED;
}

enum exit_status golden_run(const char *const *files, const struct hypervisor *hyp,
			    const struct el2_tree *tree, FILE *out)
{
	enum exit_status worst = EXIT_PASSED;

	for (; *files; files++) {
		enum exit_status s = replay_file(*files, hyp, tree, out);

		worst = MAX(worst, s);
	}
	return worst;
}
