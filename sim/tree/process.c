// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that has the tree's code: started with the board's storage and a block to
 * talk through, asked by turns, and named after by its symbols.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tree_private.h"

G_DEFINE_QUARK(pkvm - sim - tree - error - quark, tree_error)

/* ---- Names --------------------------------------------------------------------------------- */

struct tree_symbol {
	u32 at;
	const char *name;
};

static int by_address(const void *a, const void *b)
{
	const struct tree_symbol *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* nm's output beside the program, made when it was linked. */
static void read_symbols(struct tree_process *p)
{
	g_autofree char *file = g_strconcat(p->program, ".symbols", NULL);
	g_autofree char *text = NULL;
	GArray *found = g_array_new(FALSE, FALSE, sizeof(struct tree_symbol));
	char **line;

	if (!g_file_get_contents(file, &text, NULL, NULL))
		text = g_strdup("");
	line = g_strsplit(text, "\n", -1);
	for (unsigned int i = 0; line[i]; i++) {
		char *end;
		guint64 at = g_ascii_strtoull(line[i], &end, 16);
		char *name = end + 3; /* " t name" */

		if (at > G_MAXUINT32 || strlen(end) < 4 || (end[1] != 't' && end[1] != 'T'))
			continue;
		/* what the compiler made of a function is that function */
		name[strcspn(name, ".")] = '\0';
		g_array_append_val(found, ((struct tree_symbol){ (u32)at, g_intern_string(name) }));
	}
	g_strfreev(line);
	p->n_symbols = found->len;
	p->symbol = (struct tree_symbol *)g_array_free(found, FALSE);
	qsort(p->symbol, p->n_symbols, sizeof(*p->symbol), by_address);
}

const char *process_function(const struct tree_process *p, u32 pc)
{
	unsigned int lo = 0, hi = p->n_symbols;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (p->symbol[mid].at <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? p->symbol[lo - 1].name : "?";
}

char *process_line(const struct tree_process *p, u32 pc)
{
	g_autofree char *at = g_strdup_printf("0x%x", pc ? pc - 1 : 0);
	const char *argv[] = { "addr2line", "-s", "-e", p->program, at, NULL };
	char *out = NULL;

	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL,
			  NULL, NULL) ||
	    !out || out[0] == '?') {
		g_free(out);
		return NULL;
	}
	out[strcspn(out, " \n")] = '\0';
	return out;
}

/* ---- Start and stop ------------------------------------------------------------------------ */

static bool spawn(struct tree_process *p, int memory, int fd, GError **error)
{
	char *const argv[] = { p->program, NULL };
	char *const envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	int high[2], err;

	/* out of the way of the numbers that they get */
	high[0] = fcntl(memory, F_DUPFD_CLOEXEC, 10);
	high[1] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, high[0], TREE_FD_MEMORY);
	posix_spawn_file_actions_adddup2(&actions, high[1], TREE_FD_SHARED);
	err = posix_spawn(&p->pid, p->program, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	close(high[0]);
	close(high[1]);
	if (err)
		g_set_error(error, TREE_ERROR, 0, "cannot run %s: %s", p->program, g_strerror(err));
	return !err;
}

struct tree_process *process_new(const char *program, GError **error)
{
	struct tree_process *p = g_new0(struct tree_process, 1);

	p->program = g_strdup(program);
	p->shared = reserve_shared(sizeof(*p->shared), &p->fd);
	p->fresh = g_malloc((gsize)TREE_MAX_LINES * TREE_LINE);
	if (p->shared)
		return p;
	g_set_error(error, TREE_ERROR, 0, "no memory to share with the tree's process");
	process_stop(p);
	return NULL;
}

bool process_start(struct tree_process *p, const struct board *b, GError **error)
{
	u64 bytes;

	read_symbols(p);
	return spawn(p, board_storage(b, &bytes), p->fd, error);
}

void process_stop(struct tree_process *p)
{
	if (!p)
		return;
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (p->shared) {
		munmap(p->shared, sizeof(*p->shared));
		close(p->fd);
	}
	g_free(p->fresh);
	g_free(p->symbol);
	g_free(p->program);
	g_free(p);
}

/* ---- Turns --------------------------------------------------------------------------------- */

static long futex(u32 *word, int op, u32 val, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, val, timeout, NULL, 0);
}

/* Is it gone? Then why. */
static bool has_died(struct tree_process *p)
{
	int status;

	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	p->pid = 0;
	if (WIFSIGNALED(status))
		g_snprintf(p->lost, sizeof(p->lost), "the tree's process was ended by signal %d",
			   WTERMSIG(status));
	else
		g_snprintf(p->lost, sizeof(p->lost), "the tree's process ended with status %d",
			   WEXITSTATUS(status));
	return true;
}

bool process_turn(struct tree_process *p)
{
	const struct timespec while_alive = { .tv_nsec = 50000000 };
	u32 *turn = &p->shared->turn;

	if (!p->pid)
		return false;
	__atomic_store_n(turn, 1, __ATOMIC_RELEASE);
	futex(turn, FUTEX_WAKE, 1, NULL);
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE))
		if (futex(turn, FUTEX_WAIT, 1, &while_alive) < 0 && errno == ETIMEDOUT &&
		    has_died(p))
			return false;
	if (p->shared->status == TREE_LOST) {
		g_strlcpy(p->lost, p->shared->panic.what, sizeof(p->lost));
		return false;
	}
	return true;
}
