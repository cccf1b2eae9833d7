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

bool recording_offered(struct recording *r, enum el2_offer what, const struct el2_config *el2,
		       const struct board_config *board)
{
	char *why = NULL;

	if (!r->hyp->offers || r->hyp->offers(el2, what, NULL, board, &why))
		return true;
	r->skipped++;
	if (r->skip)
		g_free(why);
	else
		r->skip = why;
	return false;
}

static void tell_end(const struct recording *r)
{
	if (r->ops || !r->skipped)
		fprintf(r->out, "%s: %" G_GUINT64_FORMAT " operations, no difference", r->file,
			r->ops);
	else
		fprintf(r->out, "%s: skipped: %s", r->file, r->skip);
	if (r->ops && r->skipped)
		fprintf(r->out, "; %" G_GUINT64_FORMAT " machines skipped: %s", r->skipped,
			r->skip);
	fputc('\n', r->out);
}

static void replay(struct recording *r)
{
	JsonObject *header = recording_next(r);

	if (!header) {
		recording_bad(r, "no recording: nothing in it");
		return;
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (formats[i]->matches(header)) {
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
	if (!r.bad && !r.differs)
		tell_end(&r);
	g_free(r.skip);
	return r.bad ? EXIT_USAGE : r.differs ? EXIT_FAILED : EXIT_PASSED;
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
