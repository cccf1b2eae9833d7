// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel tree's EL2, built once for what its sources say: kernel/build.sh does the work in
 * the user's cache directory, and notes what the compiler read. A tree is known again by
 * size and time of those files, else by their bytes, else it is built anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "tree_private.h"

static char *files_dir(void)
{
	const char *dir = g_getenv("PKVM_SIM_TREE_FILES");

	return g_strdup(dir ? dir : PKVM_SIM_TREE_FILES);
}

static char *hash_of(const char *text)
{
	char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

	sum[24] = '\0';
	return sum;
}

/* ---- What a build read --------------------------------------------------------------------- */

static char *stamp_of(const char *file)
{
	struct stat st;

	if (stat(file, &st))
		return g_strdup_printf("- %s\n", file);
	return g_strdup_printf("%ld.%09ld %ld %s\n", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			       (long)st.st_size, file);
}

static const char *file_of(const char *stamp)
{
	const char *space = strchr(stamp, ' ');

	if (stamp[0] != '-' && space)
		space = strchr(space + 1, ' ');
	return space ? space + 1 : "";
}

/* The names in a list of stamps are as before, and what they name looks as it did. */
static bool stamps_hold(char *const *stamps)
{
	for (; *stamps && **stamps; stamps++) {
		g_autofree char *now = stamp_of(file_of(*stamps));

		if (strlen(now) != strlen(*stamps) + 1 || strncmp(now, *stamps, strlen(*stamps)))
			return false;
	}
	return true;
}

static char *contents_hash(char *const *stamps, const char *compiler)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	char *hex;

	g_checksum_update(sum, (const guchar *)compiler, -1);
	for (; *stamps && **stamps; stamps++) {
		const char *name = file_of(*stamps);
		g_autofree char *text = NULL;
		gsize n = 0;

		g_file_get_contents(name, &text, &n, NULL);
		g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name) + 1);
		if (text)
			g_checksum_update(sum, (const guchar *)text, (gssize)n);
	}
	hex = g_strndup(g_checksum_get_string(sum), 24);
	g_checksum_free(sum);
	return hex;
}

/* Inputs that no dependency file of the compiler's names. */
static const char *const tree_inputs[] = {
	"arch/arm64/Kconfig",
	"arch/arm64/tools/cpucaps",
	"arch/arm64/tools/sysreg",
	"arch/arm64/tools/gen-cpucaps.awk",
	"arch/arm64/tools/gen-sysreg.awk",
	"arch/arm64/include/asm/Kbuild",
	"arch/arm64/include/uapi/asm/Kbuild",
	"include/asm-generic/Kbuild",
	"include/uapi/asm-generic/Kbuild",
	"scripts/syscall.tbl",
};
static const char *const our_inputs[] = {
	"build.sh", "headers.sh", "link.sh",	   "link.lds.in", "autoconf.h",
	"fast.sh",  "plain.c",	  "glue/work.c",   "tables.sh",	  "say.sh",
	"debug.sh", "tables.c",	  "glue/tables.c",
};

static void add_stamp(GHashTable *seen, GString *out, const char *file)
{
	g_autofree char *stamp = NULL;

	if (!g_hash_table_add(seen, g_strdup(file)))
		return;
	stamp = stamp_of(file);
	g_string_append(out, stamp);
}

static void add_dependencies(GHashTable *seen, GString *out, const char *depfile, const char *built)
{
	g_autofree char *text = NULL;
	char **word;

	if (!g_file_get_contents(depfile, &text, NULL, NULL))
		return;
	word = g_strsplit_set(text, " \n\\", -1);
	for (unsigned int i = 0; word[i]; i++) {
		/* some compilers' wrappers make names relative to where they run */
		g_autofree char *file = g_canonicalize_filename(word[i], built);

		if (word[i][0] && !g_str_has_suffix(word[i], ":") && !g_str_has_prefix(file, built))
			add_stamp(seen, out, file);
	}
	g_strfreev(word);
}

static char *stamps_of_build(const char *tree, const char *ours, const char *out)
{
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GString *stamps = g_string_new(NULL);
	GDir *d = g_dir_open(out, 0, NULL);
	const char *name;

	for (unsigned int i = 0; i < G_N_ELEMENTS(tree_inputs); i++) {
		g_autofree char *file = g_build_filename(tree, tree_inputs[i], NULL);

		add_stamp(seen, stamps, file);
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(our_inputs); i++) {
		g_autofree char *file = g_build_filename(ours, our_inputs[i], NULL);

		add_stamp(seen, stamps, file);
	}
	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *file = g_build_filename(out, name, NULL);

		if (g_str_has_suffix(name, ".d"))
			add_dependencies(seen, stamps, file, out);
	}
	if (d)
		g_dir_close(d);
	g_hash_table_destroy(seen);
	return g_string_free(stamps, FALSE);
}

/* ---- Building ------------------------------------------------------------------------------ */

/* One line that is written over, where somebody looks. */
static void progress(const char *line)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[Kpkvm-sim: building the tree's EL2: %s", line);
	fflush(stderr);
}

static bool run_build(const char *script, const char *tree, const char *out, GError **error)
{
	/* its output is progress; what it says of errors is kept */
	const char *argv[] = { "sh",   "-c", "exec sh \"$0\" \"$1\" \"$2\" 2>\"$2/errors\"",
			       script, tree, out,
			       NULL };
	g_autofree char *errors = g_build_filename(out, "errors", NULL);
	g_autofree char *why = NULL;
	char line[256];
	int fd, status = 0;
	GPid pid;
	FILE *f;

	if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL,
				      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
				      &pid, NULL, &fd, NULL, error))
		return false;
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		progress(line);
	}
	if (f)
		fclose(f);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	g_spawn_close_pid(pid);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (!status)
		return true;
	if (!g_file_get_contents(errors, &why, NULL, NULL) || !why[0])
		why = g_strdup("the build ended without saying why");
	g_set_error(error, TREE_ERROR, 0, "the EL2 of %s cannot be built\n%s", tree,
		    g_strchomp(why));
	return false;
}

static char *compiler_version(void)
{
	const char *cc = g_getenv("CC");
	const char *argv[] = { cc ? cc : "gcc", "--version", NULL };
	char *out = NULL;

	if (!g_spawn_sync(NULL, (char **)argv, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
			  NULL, NULL))
		return g_strdup("");
	return out;
}

static void remove_tree(const char *dir)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *file = g_build_filename(dir, name, NULL);

		if (g_file_test(file, G_FILE_TEST_IS_DIR) &&
		    !g_file_test(file, G_FILE_TEST_IS_SYMLINK))
			remove_tree(file);
		else
			g_unlink(file);
	}
	if (d)
		g_dir_close(d);
	g_rmdir(dir);
}

/* Build beside, then move to where its contents say: two that do so at once agree. */
static char *build(struct el2_tree *t, const char *root, const char *note, GError **error)
{
	g_autofree char *ours = files_dir();
	g_autofree char *script = g_build_filename(ours, "build.sh", NULL);
	g_autofree char *beside = g_build_filename(root, "build-XXXXXX", NULL);
	g_autofree char *stamps = NULL, *hash = NULL, *compiler = NULL;
	char **list, *dir;

	if (!g_mkdtemp_full(beside, 0777)) {
		g_set_error(error, TREE_ERROR, 0, "cannot write in %s: %s", root,
			    g_strerror(errno));
		return NULL;
	}
	if (!run_build(script, t->dir, beside, error)) {
		remove_tree(beside);
		return NULL;
	}
	stamps = stamps_of_build(t->dir, ours, beside);
	compiler = compiler_version();
	list = g_strsplit(stamps, "\n", -1);
	hash = contents_hash(list, compiler);
	g_strfreev(list);
	dir = g_build_filename(root, hash, NULL);
	if (g_rename(beside, dir))
		remove_tree(beside);
	g_autofree char *text = g_strconcat(hash, "\n", stamps, NULL);

	if (g_file_set_contents(note, text, -1, error))
		return dir;
	g_free(dir);
	return NULL;
}

/* Built already: the note says where, and its files are as they were. NULL: not so. */
static char *find_built(const char *root, const char *note)
{
	g_autofree char *text = NULL, *hash = NULL, *compiler = NULL;
	char **line, *dir = NULL;

	if (!g_file_get_contents(note, &text, NULL, NULL))
		return NULL;
	line = g_strsplit(text, "\n", -1);
	if (line[0] && stamps_hold(line + 1)) {
		dir = g_build_filename(root, line[0], NULL);
	} else if (line[0]) {
		compiler = compiler_version();
		hash = contents_hash(line + 1, compiler);
		dir = g_build_filename(root, hash, NULL);
	}
	g_strfreev(line);
	g_autofree char *layout = dir ? g_build_filename(dir, "layout", NULL) : NULL;

	if (layout && g_file_test(layout, G_FILE_TEST_EXISTS))
		return dir;
	g_free(dir);
	return NULL;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static bool read_layout(struct el2_tree *t, GError **error)
{
	g_autofree char *file = g_build_filename(t->cache, "layout", NULL);
	g_autofree char *bytes = NULL;
	gsize n;

	if (!g_file_get_contents(file, &bytes, &n, error))
		return false;
	if (n != sizeof(t->layout)) {
		g_set_error(error, TREE_ERROR, 0, "%s is not whole: remove %s", file, t->cache);
		return false;
	}
	memcpy(&t->layout, bytes, n);
	if (t->layout.tried.mmio_donation <= TREE_MMIO_NO_MEMORY &&
	    t->layout.tried.unmap <= TREE_UNMAP_SKIPS)
		return true;
	g_set_error(error, TREE_ERROR, 0, "%s is not ours: remove %s", file, t->cache);
	return false;
}

/* What the tree's headers say, in the seam's words. */
static void take_vm_layout(struct el2_tree *t)
{
	const struct tree_vm_layout *l = &t->layout.vm;

	t->vm_layout = (struct el2_vm_layout){
		.kvm_size = l->kvm_size,
		.kvm_created_vcpus = l->kvm_created_vcpus,
		.kvm_handle = l->kvm_handle,
		.kvm_is_protected = l->kvm_is_protected,
		.kvm_created_vcpus_width = (u8)l->kvm_created_vcpus_width,
		.kvm_handle_width = (u8)l->kvm_handle_width,
		.kvm_is_protected_width = (u8)l->kvm_is_protected_width,
		.kvm_flags = l->kvm_flags,
		.kvm_has_id_regs = l->kvm_has_id_regs,
		.kvm_teardown_mc = l->kvm_teardown_mc,
		.kvm_stage2_teardown_mc = l->kvm_stage2_teardown_mc,
		.vcpu_size = l->vcpu_size,
		.vcpu_idx = l->vcpu_idx,
		.vcpu_idx_width = (u8)l->vcpu_idx_width,
		.vcpu_kvm = l->vcpu_kvm,
		.vcpu_memcache = l->vcpu_memcache,
		.mc_head = l->mc_head,
		.mc_nr_pages = l->mc_nr_pages,
		.mc_size = l->mc_size,
		.hyp_vm_size = l->hyp_vm_size,
		.hyp_vcpu_size = l->hyp_vcpu_size,
		.hyp_vcpu_memcache = l->hyp_vcpu_memcache,
		.hyp_vcpu_loaded = l->hyp_vcpu_loaded,
		.hyp_vcpu_host = l->hyp_vcpu_host,
		.loaded_is_address = l->loaded_is_address,
		.percpu_loaded = l->percpu_loaded,
	};
}

/* By what it has, never by what it calls itself. */
static enum profile_id nearest_profile(const struct tree_layout *l)
{
	if (l->has_annotate)
		return PROFILE_V7_2;
	return l->hyp_page_size == 8 ? PROFILE_V7_0 : PROFILE_V6_12;
}

/* That release, with the knobs as the tree was found to be. */
static void tried_profile(struct profile *p, const struct tree_layout *l)
{
	static const u8 donation[] = {
		[TREE_MMIO_NONE] = MMIO_DONATION_NONE,
		[TREE_MMIO_ANY_PAGE] = MMIO_DONATION_V3,
		[TREE_MMIO_NO_MEMORY] = MMIO_DONATION_V5,
	};
	static const u8 unmap[] = {
		[TREE_UNMAP_CLEARS] = S2_UNMAP_CLEAR,
		[TREE_UNMAP_STOPS] = S2_UNMAP_EPERM,
		[TREE_UNMAP_SKIPS] = S2_UNMAP_SKIP,
	};
	const struct tree_tried *t = &l->tried;

	*p = el2_profiles[nearest_profile(l)];
	p->knob[KNOB_MMIO_DONATION] = donation[t->mmio_donation];
	p->knob[KNOB_S2_UNMAP_ANNOTATED] = unmap[t->unmap];
	p->knob[KNOB_MMIO_COMMIT] = t->commit_returns ? MMIO_COMMIT_RETURN : MMIO_COMMIT_ASSERT;
	p->knob[KNOB_PROTECTED_UNWIND] = t->unwinds_all ? UNWIND_ALL : UNWIND_REGION;
	p->knob[KNOB_HOST_EPERM] = t->injects ? HOST_EPERM_INJECT : HOST_EPERM_PANIC;
}

static bool open_built(struct el2_tree *t, GError **error)
{
	g_autofree char *root = g_build_filename(g_get_user_cache_dir(), "pkvm-sim", "trees", NULL);
	/* of ours as well: another build of this program has other glue */
	g_autofree char *ours = files_dir();
	g_autofree char *both = g_strconcat(t->dir, " ", ours, NULL);
	g_autofree char *name = hash_of(both);
	g_autofree char *note = g_strdup_printf("%s/%s.inputs", root, name);

	if (g_mkdir_with_parents(root, 0777)) {
		g_set_error(error, TREE_ERROR, 0, "cannot make %s: %s", root, g_strerror(errno));
		return false;
	}
	t->cache = find_built(root, note);
	if (!t->cache)
		t->cache = build(t, root, note, error);
	if (!t->cache || !read_layout(t, error))
		return false;
	tried_profile(&t->profile, &t->layout);
	take_vm_layout(t);
	return true;
}

struct el2_tree *tree_open(const char *dir, GError **error)
{
	struct el2_tree *t = g_new0(struct el2_tree, 1);

#ifndef __x86_64__
	g_set_error(error, TREE_ERROR, 0, "a kernel tree's EL2 is run on x86-64 only");
	tree_close(t);
	return NULL;
#endif
	t->dir = realpath(dir, NULL);
	if (!t->dir)
		g_set_error(error, TREE_ERROR, 0, "%s: %s", dir, g_strerror(errno));
	else if (strpbrk(t->dir, " \t\n\"'\\$&;|"))
		g_set_error(error, TREE_ERROR, 0,
			    "%s: a path with blanks or quotes cannot be built", t->dir);
	else if (open_built(t, error))
		return t;
	tree_close(t);
	return NULL;
}

void tree_close(struct el2_tree *t)
{
	if (!t)
		return;
	free(t->dir);
	g_free(t->cache);
	g_free(t);
}

const struct profile *tree_profile(const struct el2_tree *t)
{
	return &t->profile;
}

/* NAME.sh's in a folder of that name; from elsewhere first, as build(). */
static bool build_variant(const struct el2_tree *t, const char *name, const char *dir,
			  GError **error)
{
	g_autofree char *ours = files_dir();
	g_autofree char *file = g_strconcat(name, ".sh", NULL);
	g_autofree char *script = g_build_filename(ours, file, NULL);
	g_autofree char *beside = g_strconcat(dir, "-XXXXXX", NULL);

	if (g_file_test(dir, G_FILE_TEST_IS_DIR))
		return true;
	if (!g_mkdtemp_full(beside, 0777)) {
		g_set_error(error, TREE_ERROR, 0, "cannot write in %s: %s", t->cache,
			    g_strerror(errno));
		return false;
	}
	if (!run_build(script, t->cache, beside, error)) {
		remove_tree(beside);
		return false;
	}
	if (g_rename(beside, dir))
		remove_tree(beside);
	return true;
}

static struct el2_tree *variant(const struct el2_tree *t, const char *name, GError **error)
{
	struct el2_tree *of = g_new0(struct el2_tree, 1);

	*of = *t;
	of->dir = strdup(t->dir);
	of->cache = g_build_filename(t->cache, name, NULL);
	if (build_variant(t, name, of->cache, error))
		return of;
	tree_close(of);
	return NULL;
}

struct el2_tree *tree_fast(const struct el2_tree *t, GError **error)
{
	return variant(t, "fast", error);
}

struct el2_tree *tree_debug(const struct el2_tree *t, GError **error)
{
	return variant(t, "debug", error);
}

struct el2_tree *tree_tables(const struct el2_tree *t, GError **error)
{
	return variant(t, "tables", error);
}

/* ---- Linking ------------------------------------------------------------------------------- */

char *tree_program(const struct el2_tree *t, const struct el2_places *p, GError **error)
{
	g_autofree char *ours = files_dir();
	g_autofree char *script = g_build_filename(ours, "link.sh", NULL);
	g_autofree char *image = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", p->idmap.base);
	g_autofree char *said = NULL;
	char *program = g_strdup_printf("%s/el2-%s", t->cache, image);
	const char *argv[] = { "sh", script, t->cache, program, image, NULL };
	int status;

	if (g_file_test(program, G_FILE_TEST_IS_EXECUTABLE))
		return program;
	if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said,
			 &status, error) &&
	    !status)
		return program;
	if (error && !*error)
		g_set_error(error, TREE_ERROR, 0, "the tree's EL2 cannot be placed at %s\n%s",
			    image, said ? g_strchomp(said) : "");
	g_free(program);
	return NULL;
}
