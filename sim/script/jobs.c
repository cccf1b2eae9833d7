// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --jobs: combinations run in several processes, and are reported by this one in
 * the order in which it would have run them itself. All files are read before the
 * processes are made; each takes the next combination that nobody has, and sends
 * back what it would have told the report.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"

/* Memory of all processes. */
struct board_of_jobs {
	_Atomic u64 next;      /* combination that nobody has */
	u64 running[MAX_JOBS]; /* what each worker has taken last */
};

/* What a worker sends of one combination; the two texts follow. */
struct sent {
	u64 unit;
	u64 told, error; /* bytes of each */
	struct report_totals totals;
	enum exit_status status;
};

struct worker {
	pid_t pid;
	int fd;		 /* -1: it has sent everything */
	GByteArray *got; /* not a whole message yet */
};

/* A message that waits for its turn. */
struct message {
	struct sent head;
	GByteArray *told;
	char *error; /* or NULL */
};

struct pool {
	GPtrArray *jobs; /* struct job *, NULL: not understood */
	u64 *first;	 /* unit of each job's first combination */
	GError **error;
	pid_t parent;
	u64 total, at; /* units; the one to be reported next */
	struct board_of_jobs *shared;
	struct worker *worker;
	unsigned int n_workers;
	GHashTable *waiting; /* unit -> struct message */
};

/* ---- In a worker ------------------------------------------------------------------------ */

static bool write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

/* The file that combination @unit of all belongs to. */
static guint job_of(const struct pool *p, u64 unit)
{
	guint low = 0, high = p->jobs->len;

	while (high - low > 1) {
		guint middle = low + (high - low) / 2;

		if (p->first[middle] <= unit)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool run_unit(const struct pool *p, const struct batch *all, u64 unit, int fd)
{
	guint job = job_of(p, unit);
	struct batch b = *all;
	GByteArray *told = g_byte_array_new();
	struct sent head = { .unit = unit };
	GError *e = NULL;
	bool ok;

	b.report = report_wire_new(told);
	b.ops = report_ops_of(b.report);
	b.totals = (struct report_totals){ 0 };
	b.status = EXIT_PASSED;
	run_leaf(&b, p->jobs->pdata[job], unit - p->first[job], &e);
	head.told = told->len;
	head.error = e ? strlen(e->message) + 1 : 0;
	head.totals = b.totals;
	head.status = b.status;
	ok = write_all(fd, &head, sizeof(head)) && write_all(fd, told->data, told->len) &&
	     (!e || write_all(fd, e->message, head.error));
	report_free(b.report);
	g_byte_array_unref(told);
	g_clear_error(&e);
	return ok;
}

static void work(const struct pool *p, const struct batch *b, unsigned int me, int fd)
{
	bool ok = true;
	u64 unit;

	/* Nobody would read what is left: end with the parent, if it has not ended already. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != p->parent)
		_exit(EXIT_INTERNAL);
	while (ok && (unit = atomic_fetch_add(&p->shared->next, 1)) < p->total) {
		p->shared->running[me] = unit;
		ok = run_unit(p, b, unit, fd);
	}
	_exit(ok ? EXIT_PASSED : EXIT_INTERNAL);
}

/* ---- Starting and ending --------------------------------------------------------------------- */

static void start(struct pool *p, const struct batch *b, unsigned int i)
{
	struct worker *w = &p->worker[i];
	int fd[2];

	w->pid = -1;
	w->fd = -1;
	if (pipe(fd))
		return;
	w->pid = fork();
	if (!w->pid) {
		close(fd[0]);
		work(p, b, i, fd[1]);
	}
	close(fd[1]);
	w->fd = fd[0];
	w->got = g_byte_array_new();
}

/* How a process ended, if it did not end well. New string or NULL. */
static char *reap(struct worker *w)
{
	int status = 0;

	if (w->pid < 0)
		return g_strdup("could not be started");
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->pid = -1;
	if (WIFSIGNALED(status))
		return g_strdup_printf("was ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return g_strdup_printf("ended with status %d", WEXITSTATUS(status));
	return NULL;
}

static void stop(struct worker *w)
{
	if (w->fd >= 0)
		close(w->fd);
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		g_free(reap(w));
	}
	if (w->got)
		g_byte_array_unref(w->got);
}

/* ---- In the parent: what comes back ------------------------------------------------------------ */

static void message_free(void *data)
{
	struct message *m = data;

	g_byte_array_unref(m->told);
	g_free(m->error);
	g_free(m);
}

/* Whole messages out of what was read. */
static void sort_out(struct pool *p, struct worker *w)
{
	struct sent head;

	while (w->got->len >= sizeof(head)) {
		struct message *m;
		const guint8 *text = w->got->data + sizeof(head);

		memcpy(&head, w->got->data, sizeof(head));
		if (w->got->len - sizeof(head) < head.told + head.error)
			return;
		m = g_new0(struct message, 1);
		m->head = head;
		m->told = g_byte_array_new();
		g_byte_array_append(m->told, text, (guint)head.told);
		m->error = head.error ? g_strdup((const char *)text + head.told) : NULL;
		g_hash_table_insert(p->waiting, &m->head.unit, m);
		g_byte_array_remove_range(w->got, 0,
					  (guint)(sizeof(head) + head.told + head.error));
	}
}

/* One worker has something, or has ended. False with @why: it failed. */
static bool receive(struct pool *p, struct worker *w, char **why)
{
	guint8 buffer[65536];
	ssize_t n = read(w->fd, buffer, sizeof(buffer));

	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0) {
		g_byte_array_append(w->got, buffer, (guint)n);
		sort_out(p, w);
		return true;
	}
	close(w->fd);
	w->fd = -1;
	*why = reap(w);
	return !*why;
}

/* Until the next unit in order is there. False with @why: it will never be. */
static bool wait_for_next(struct pool *p, char **why)
{
	g_autofree struct pollfd *fds = g_new0(struct pollfd, p->n_workers);

	while (!g_hash_table_contains(p->waiting, &p->at)) {
		unsigned int open = 0;

		for (unsigned int i = 0; i < p->n_workers; i++) {
			/* poll() passes over negative ones */
			fds[i] = (struct pollfd){ .fd = p->worker[i].fd, .events = POLLIN };
			open += p->worker[i].fd >= 0;
		}
		if (!open) {
			*why = g_strdup("was never started");
			return false;
		}
		if (poll(fds, p->n_workers, -1) < 0)
			continue;
		for (unsigned int i = 0; i < p->n_workers; i++) {
			if (!fds[i].revents || receive(p, &p->worker[i], why))
				continue;
			p->at = p->shared->running[i];
			return false;
		}
	}
	return true;
}

static void worker_failed(struct batch *b, const struct pool *p, const char *why)
{
	guint job = job_of(p, p->at);
	const struct job *j = p->jobs->pdata[job];

	fprintf(stderr,
		"pkvm-sim: internal error: the process that ran combination %" G_GUINT64_FORMAT
		" of %s %s\n",
		p->at - p->first[job] + 1, j->path, why);
	b->status = EXIT_INTERNAL;
	b->interrupted = true;
}

static void add_totals(struct report_totals *to, const struct report_totals *t)
{
	to->runs += t->runs;
	to->passed += t->passed;
	to->failed += t->failed;
	to->skipped += t->skipped;
}

/* The parent's run_one: what some worker told of the next unit. */
static bool report_next(struct batch *b, const struct job *j, u64 i, GError **error)
{
	struct pool *p = b->data;
	struct message *m;
	char *why = NULL;
	bool ok = true;

	if (!wait_for_next(p, &why)) {
		worker_failed(b, p, why);
		g_free(why);
		return true;
	}
	m = g_hash_table_lookup(p->waiting, &p->at);
	report_wire_replay(b->report, m->told);
	add_totals(&b->totals, &m->head.totals);
	b->status = MAX(b->status, m->head.status);
	if (m->error) {
		g_set_error_literal(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, m->error);
		ok = false;
	}
	g_hash_table_remove(p->waiting, &p->at);
	p->at++;
	return ok;
}

/* ---- All ------------------------------------------------------------------------------------------- */

static void read_files(struct pool *p, const struct batch *b, GPtrArray *files)
{
	p->jobs = g_ptr_array_new();
	p->first = g_new0(u64, files->len);
	p->error = g_new0(GError *, files->len);
	for (guint i = 0; i < files->len; i++) {
		struct job *j = job_new(files->pdata[i], NULL, &b->over, &p->error[i]);

		g_ptr_array_add(p->jobs, j);
		p->first[i] = p->total;
		p->total += j ? matrix_size(j->axes) : 0;
	}
}

void run_in_parallel(struct batch *b, GPtrArray *files)
{
	struct pool p = { .waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
							   message_free) };
	guint i;

	p.parent = getpid();
	read_files(&p, b, files);
	p.n_workers = (unsigned int)MIN(b->opt->jobs, p.total);
	p.worker = g_new0(struct worker, p.n_workers);
	p.shared = mmap(NULL, sizeof(*p.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	sim_assert(p.shared != MAP_FAILED);
	fflush(NULL);
	for (i = 0; i < p.n_workers; i++)
		start(&p, b, i);
	b->run_one = report_next;
	b->data = &p;
	for (i = 0; i < files->len && !b->interrupted; i++) {
		p.at = p.first[i]; /* what a file did not get to is dropped */
		run_job(b, files->pdata[i], p.jobs->pdata[i], p.error[i]);
	}
	for (; i < files->len; i++) {
		job_free(p.jobs->pdata[i]);
		g_clear_error(&p.error[i]);
	}
	for (i = 0; i < p.n_workers; i++)
		stop(&p.worker[i]);
	munmap(p.shared, sizeof(*p.shared));
	g_hash_table_unref(p.waiting);
	g_ptr_array_unref(p.jobs);
	g_free(p.worker);
	g_free(p.first);
	g_free(p.error);
}
