// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --jobs: combinations run in several processes, and are reported by this one in
 * the order in which it would have run them itself. All files are read before the
 * processes are made; each takes the next combination that nobody has, and sends
 * back what it would have told the report, piece by piece. Of what has to wait for
 * its turn only so much is read; then its process waits too. So memory is bounded,
 * however long a loop is.
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

#define PIECE_BYTES (64u << 10)	 /* sent once there are as many */
#define WAITING_BYTES (4u << 20) /* of one worker, before it is read no more */

/* A piece of what a worker sends of one combination; the two texts follow. */
struct sent {
	u64 unit;
	u64 told, error; /* bytes of each */
	bool last;	 /* only then the following count */
	struct report_totals totals;
	enum exit_status status;
};

struct worker {
	pid_t pid;
	int fd;		 /* -1: it has sent everything */
	GByteArray *got; /* not a whole message yet */
	u64 waiting;	 /* bytes of its messages that wait */
};

/* A message that waits for its turn. */
struct message {
	struct sent head;
	struct worker *from;
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
	GHashTable *waiting; /* unit -> GQueue of struct message */
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

/* A combination on its way to the parent. */
struct sending {
	int fd;
	struct sent head;
	GByteArray *told;
	bool ok;
};

static void send_piece(struct sending *s, const char *error)
{
	s->head.told = s->told->len;
	s->head.error = error ? strlen(error) + 1 : 0;
	s->ok = s->ok && write_all(s->fd, &s->head, sizeof(s->head)) &&
		write_all(s->fd, s->told->data, s->told->len) &&
		(!error || write_all(s->fd, error, s->head.error));
	g_byte_array_set_size(s->told, 0);
}

static void send_if_many(void *data)
{
	struct sending *s = data;

	if (s->told->len >= PIECE_BYTES)
		send_piece(s, NULL);
}

static bool run_unit(const struct pool *p, const struct batch *all, u64 unit, int fd)
{
	struct sending s = { .fd = fd, .head.unit = unit, .told = g_byte_array_new(), .ok = true };
	guint job = job_of(p, unit);
	struct batch b = *all;
	GError *e = NULL;

	b.report = report_wire_new(s.told, send_if_many, &s);
	b.ops = report_ops_of(b.report);
	b.totals = (struct report_totals){ 0 };
	b.status = EXIT_PASSED;
	run_leaf(&b, p->jobs->pdata[job], unit - p->first[job], &e);
	s.head.last = true;
	s.head.totals = b.totals;
	s.head.status = b.status;
	send_piece(&s, e ? e->message : NULL);
	report_free(b.report);
	g_byte_array_unref(s.told);
	g_clear_error(&e);
	return s.ok;
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

	m->from->waiting -= m->told->len;
	g_byte_array_unref(m->told);
	g_free(m->error);
	g_free(m);
}

static void queue_free(void *data)
{
	g_queue_free_full(data, message_free);
}

static void keep(struct pool *p, struct message *m)
{
	GQueue *queue = g_hash_table_lookup(p->waiting, &m->head.unit);
	u64 *unit;

	if (!queue) {
		unit = g_new(u64, 1);
		*unit = m->head.unit;
		queue = g_queue_new();
		g_hash_table_insert(p->waiting, unit, queue);
	}
	g_queue_push_tail(queue, m);
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
		m->from = w;
		w->waiting += head.told;
		m->told = g_byte_array_new();
		g_byte_array_append(m->told, text, (guint)head.told);
		m->error = head.error ? g_strdup((const char *)text + head.told) : NULL;
		if (head.unit >= p->at)
			keep(p, m);
		else /* of a file that did not get to its end */
			message_free(m);
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

/* Nobody asks any more for units before @at. */
static void go_on_at(struct pool *p, u64 at)
{
	for (; p->at < at; p->at++)
		g_hash_table_remove(p->waiting, &p->at);
}

/*
 * Until something of the next unit in order is there. False with @why: it will never
 * be. A worker sends in order, so one that has much waiting has none of this unit.
 */
static bool wait_for_next(struct pool *p, char **why)
{
	g_autofree struct pollfd *fds = g_new0(struct pollfd, p->n_workers);

	while (!g_hash_table_contains(p->waiting, &p->at)) {
		unsigned int open = 0;

		for (unsigned int i = 0; i < p->n_workers; i++) {
			/* poll() passes over negative ones */
			const struct worker *w = &p->worker[i];

			fds[i] = (struct pollfd){ .fd = w->waiting < WAITING_BYTES ? w->fd : -1,
						  .events = POLLIN };
			open += w->fd >= 0;
		}
		if (!open) {
			*why = g_strdup("was never started");
			return false;
		}
		if (poll(fds, p->n_workers, -1) < 0)
			continue;
		for (unsigned int i = 0; i < p->n_workers; i++) {
			if (fds[i].fd < 0 || !fds[i].revents || receive(p, &p->worker[i], why))
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

/* The next piece of the unit whose turn it is. New; NULL with @why: there will be none. */
static struct message *next_piece(struct pool *p, char **why)
{
	struct message *m;
	GQueue *queue;

	if (!wait_for_next(p, why))
		return NULL;
	queue = g_hash_table_lookup(p->waiting, &p->at);
	m = g_queue_pop_head(queue);
	if (g_queue_is_empty(queue))
		g_hash_table_remove(p->waiting, &p->at);
	return m;
}

/* The parent's run_one: what some worker told of the next unit. */
static bool report_next(struct batch *b, const struct job *j, u64 i, GError **error)
{
	struct pool *p = b->data;
	bool ok = true, last = false;

	while (!last) {
		char *why = NULL;
		struct message *m = next_piece(p, &why);

		if (!m) {
			worker_failed(b, p, why);
			g_free(why);
			return true;
		}
		report_wire_replay(b->report, m->told);
		last = m->head.last;
		if (last) {
			add_totals(&b->totals, &m->head.totals);
			b->status = MAX(b->status, m->head.status);
		}
		if (m->error) {
			g_set_error_literal(error, SCRIPT_ERROR, SCRIPT_ERROR_FILE, m->error);
			ok = false;
		}
		message_free(m);
	}
	go_on_at(p, p->at + 1);
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
	struct pool p = { .waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
							   queue_free) };
	guint i;

	p.parent = getpid();
	read_files(&p, b, files);
	p.n_workers = (unsigned int)MIN(b->opt->jobs, p.total);
	p.worker = g_new0(struct worker, p.n_workers);
	p.shared = mmap(NULL, sizeof(*p.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	sim_assert(p.shared != MAP_FAILED);
	fflush(NULL);
	if (p.n_workers < 2) /* what one process would run this one runs */
		p.n_workers = 0;
	for (i = 0; i < p.n_workers; i++)
		start(&p, b, i);
	if (p.n_workers) {
		b->run_one = report_next;
		b->data = &p;
	}
	for (i = 0; i < files->len && !b->interrupted; i++) {
		go_on_at(&p, p.first[i]); /* what a file did not get to is dropped */
		run_job(b, files->pdata[i], p.jobs->pdata[i], p.error[i]);
	}
	for (; i < files->len; i++) {
		job_free(p.jobs->pdata[i]);
		g_clear_error(&p.error[i]);
	}
	g_hash_table_unref(p.waiting);
	for (i = 0; i < p.n_workers; i++)
		stop(&p.worker[i]);
	munmap(p.shared, sizeof(*p.shared));
	g_ptr_array_unref(p.jobs);
	g_free(p.worker);
	g_free(p.first);
	g_free(p.error);
}
