// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * data-race: two CPUs touch the same field of EL2's, one of them writes, and nothing puts
 * one before the other: no lock that the first released and the second took, no release
 * that the second's acquire read. Whether it did harm in this run does not matter.
 *
 * Only where several actions run at once. Fields are told apart by address: EL2 reads and
 * writes each with one width.
 */
#include <inttypes.h>
#include <string.h>

#include "oracle_impl.h"

#define RACE_CPUS 8u
#define RACE_LOCKS 64u
#define RACE_KINDS (BIT(EV_LOCK) | BIT(EV_UNLOCK) | BIT(EV_LOAD) | BIT(EV_STORE))

/* What is meant to be without a lock, and why that is right. */
static const struct {
	const char *fn, *reason;
} lockless[] = {
	{ "hw_set_access_flag", "the MMU's own update of a descriptor, atomic" },
};

/* How far each CPU is; what of the others it comes after. */
struct race_clock {
	u32 c[RACE_CPUS];
};

struct race_state {
	bool begun; /* this run has touched something: what stands in the fields is its own */
	struct race_clock cpu[RACE_CPUS], lock[RACE_LOCKS];
};

/* A field, and who touched it last. */
struct race_field {
	u64 addr;
	u32 run;		      /* that it was touched in */
	u32 written, read[RACE_CPUS]; /* how far who did it was then; 0: not */
	u8 writer;
	bool released; /* the last write was a release, with this clock */
	struct race_clock release;
	const char *fn; /* the writer's */
	const char *reader[RACE_CPUS];
};

/*
 * Behind the header all fields, by hash. It lies beside the machine, but is of no use after
 * the run that wrote it: it is never marked as written, so that no snapshot keeps it.
 */
struct race_fields {
	u32 run;
	u32 n;
};

#define FIELD_BITS 14
#define FIELD_SHIFT 8

G_STATIC_ASSERT(sizeof(struct race_field) <= 1u << FIELD_SHIFT);

bool race_init(struct oracle *o)
{
	o->race = board_alloc(o->b, sizeof(*o->race));
	o->race_fields = board_store_new(o->b, (UINT64_C(1) << (FIELD_BITS + FIELD_SHIFT)) + 4096);
	return o->race_fields;
}

static struct race_fields *fields_of(struct oracle *o)
{
	return (struct race_fields *)o->race_fields->bytes;
}

static struct race_field *field_at(struct oracle *o, u64 addr)
{
	struct race_fields *all = fields_of(o);
	u32 i = (u32)(addr * UINT64_C(0x9e3779b97f4a7c15) >> (64 - FIELD_BITS));
	struct race_field *f;

	for (;; i = (i + 1) & ((1u << FIELD_BITS) - 1)) {
		f = (struct race_field *)(o->race_fields->bytes + 4096 + ((u64)i << FIELD_SHIFT));
		if (f->run != all->run)
			break;
		if (f->addr == addr)
			return f;
	}
	if (all->n >= 3u << (FIELD_BITS - 2)) /* full: what was seen is forgotten */
		all->run++, all->n = 0;
	all->n++;
	memset(f, 0, sizeof(*f));
	f->addr = addr;
	f->run = all->run;
	return f;
}

static void begin_run(struct oracle *o)
{
	struct race_state *s = o->race;

	memset(s, 0, sizeof(*s));
	for (unsigned int c = 0; c < RACE_CPUS; c++)
		s->cpu[c].c[c] = 1;
	s->begun = true;
	fields_of(o)->run++;
	fields_of(o)->n = 0;
}

static void join(struct race_clock *to, const struct race_clock *from)
{
	for (unsigned int c = 0; c < RACE_CPUS; c++)
		to->c[c] = MAX(to->c[c], from->c[c]);
}

static bool is_lockless(const char *fn)
{
	for (unsigned int i = 0; fn && i < G_N_ELEMENTS(lockless); i++)
		if (!strcmp(fn, lockless[i].fn))
			return true;
	return false;
}

static const char *field_name(struct oracle *o, u64 addr)
{
	static const char *const name[] = { [PART_NONE] = "a field",
					    [PART_HOST_TABLE] = "an entry of the host's stage 2",
					    [PART_HYP_TABLE] = "an entry of EL2's stage 1",
					    [PART_VMEMMAP] = "a page's record" };
	unsigned int part = fold_part(o, PA(addr)).part;

	return part < G_N_ELEMENTS(name) ? name[part] : "a field";
}

static void told(struct oracle *o, const struct event *ev, unsigned int other, const char *fn,
		 const char *what)
{
	if (is_lockless(fn) || is_lockless(ev->fn))
		return;
	oracle_breach(o, RULE_DATA_RACE, ALIGN_DOWN(ev->addr, BIT(o->shift)), ev,
		      "%s() on CPU %u and %s() on CPU %u %s %s at 0x%" PRIx64 ", neither before "
		      "the other",
		      fn ? fn : "?", other, ev->fn ? ev->fn : "?", ev->cpu, what,
		      field_name(o, ev->addr), ev->addr);
}

static void touched(struct oracle *o, struct race_state *s, const struct event *ev)
{
	struct race_field *f = field_at(o, ev->addr);
	struct race_clock *mine = &s->cpu[ev->cpu];
	bool store = ev->kind == EV_STORE;

	if (f->released && !store && ev->order == MO_ACQUIRE)
		join(mine, &f->release);
	if (f->written && f->writer != ev->cpu && f->written > mine->c[f->writer])
		told(o, ev, f->writer, f->fn, store ? "both write" : "write and read");
	for (unsigned int c = 0; store && c < RACE_CPUS; c++)
		if (c != ev->cpu && f->read[c] > mine->c[c])
			told(o, ev, c, f->reader[c], "read and write");
	if (!store) {
		f->read[ev->cpu] = mine->c[ev->cpu];
		f->reader[ev->cpu] = ev->fn;
		return;
	}
	f->written = mine->c[ev->cpu];
	f->writer = ev->cpu;
	f->fn = ev->fn;
	f->released = ev->order == MO_RELEASE;
	if (f->released) {
		f->release = *mine;
		mine->c[ev->cpu]++;
	}
}

static void race_event(void *data, const struct event *ev)
{
	struct oracle *o = data;
	struct race_state *s = o->race;
	const struct spinlock *l = o->b->locks;

	if (ev->cpu >= RACE_CPUS || !o->current)
		return;
	if (unlikely(!s->begun))
		begin_run(o);
	if (ev->kind == EV_LOAD || ev->kind == EV_STORE) {
		touched(o, s, ev);
		return;
	}
	while (l && l->name != ev->what)
		l = l->next;
	if (!l || l->rank >= RACE_LOCKS)
		return;
	if (ev->kind == EV_LOCK) {
		join(&s->cpu[ev->cpu], &s->lock[l->rank]);
	} else {
		s->lock[l->rank] = s->cpu[ev->cpu];
		s->cpu[ev->cpu].c[ev->cpu]++;
	}
}

void race_begin(struct oracle *o)
{
	o->race->begun = false;
	board_subscribe_kinds(o->b, RACE_KINDS, race_event, o);
}

void race_over(struct oracle *o)
{
	board_unsubscribe(o->b, race_event, o);
}
