// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What another explorer makes of the same two lock sections: SPIN, where it is
 * installed, on a model of host_share_hyp() against host_unshare_hyp() of one page.
 */
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>

#include "bench.h"

/* Locks in the order in which EL2 takes them, states as hyp_vmemmap has them. */
static const char model[] =
	"byte host_mmu, pkvm_pgd_lock, host, hyp;\n"
	"inline lock(l) { atomic { l == 0 -> l = 1 } }\n"
	"inline both() { lock(host_mmu); lock(pkvm_pgd_lock) }\n"
	"inline neither() { pkvm_pgd_lock = 0; host_mmu = 0 }\n"
	"active proctype share() { byte a, b; both(); a = host; b = hyp;\n"
	"	if :: a == 0 && b == 0 -> hyp = 1; host = 1 :: else fi; neither() }\n"
	"active proctype unshare() { byte a, b; both(); a = host; b = hyp;\n"
	"	if :: a == 1 && b == 1 -> hyp = 0; host = 0 :: else fi; neither() }\n";

/* Run @argv in @dir; its standard output, or NULL. */
static char *said(const char *dir, const char *const *argv)
{
	char *out = NULL;
	int status;

	if (g_spawn_sync(dir, (char **)(void *)argv, NULL,
			 G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
			 &status, NULL) &&
	    g_spawn_check_wait_status(status, NULL))
		return out;
	g_free(out);
	return NULL;
}

/* The number that stands before @what. */
static u64 number_of(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	while (at && at > text && !g_ascii_isdigit(at[-1]))
		at--;
	while (at && at > text && g_ascii_isdigit(at[-1]))
		at--;
	return at ? g_ascii_strtoull(at, NULL, 10) : 0;
}

static void drop(const char *dir)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		char *path = g_build_filename(dir, name, NULL);

		g_unlink(path);
		g_free(path);
	}
	if (d)
		g_dir_close(d);
	g_rmdir(dir);
}

/* What SPIN found in @dir, or NULL. */
static char *spin(const char *dir)
{
	static const char *const make[] = { "spin", "-a", "m.pml", NULL };
	static const char *const compile[] = {
		"gcc", "-O2", "-DSAFETY", "pan.c", "-o", "pan", NULL
	};
	char *pml = g_build_filename(dir, "m.pml", NULL);
	char *pan = g_build_filename(dir, "pan", NULL);
	const char *const go[] = { pan, NULL };
	char *text = NULL, *one = NULL, *two = NULL;

	if (g_file_set_contents(pml, model, -1, NULL) && (one = said(dir, make)) &&
	    (two = said(dir, compile)))
		text = said(dir, go);
	g_free(one);
	g_free(two);
	g_free(pml);
	g_free(pan);
	return text;
}

void bench_spin(void)
{
	char *found = g_find_program_in_path("spin");
	char *dir = found ? g_dir_make_tmp("pkvm-sim-spin-XXXXXX", NULL) : NULL;
	char *text = dir ? spin(dir) : NULL;

	if (text)
		printf("              SPIN, a model of the first: %" G_GUINT64_FORMAT
		       " states, %" G_GUINT64_FORMAT " transitions\n",
		       number_of(text, " states, stored"), number_of(text, " transitions"));
	else
		printf("              SPIN is not here to compare with\n");
	if (dir)
		drop(dir);
	g_free(text);
	g_free(dir);
	g_free(found);
}
