/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the replayers of the formats share: reading of lines and fields with
 * messages for what is wrong, the recorder of events in the recordings' words,
 * and the printer of differences.
 */
#ifndef PKVM_SIM_GOLDEN_PRIVATE_H
#define PKVM_SIM_GOLDEN_PRIVATE_H

#include <json-glib/json-glib.h>

#include "golden.h"
#include "model/model.h"

/* One file being replayed. */
struct recording {
	const char *file;
	const struct hypervisor *hyp;
	const struct el2_tree *tree; /* that it runs, or NULL */
	FILE *out;
	struct line_reader *in;
	JsonParser *parser;
	unsigned int line; /* number of the line that was read last */
	u64 ops;	   /* operations compared */
	u64 skipped;	   /* machines that this EL2 is not */
	char *skip;	   /* why the first of them; or NULL */
	const char *op;	   /* name of the one at hand, for messages; or NULL */
	/* The first of each ends the replay of the file; both have told the user. */
	bool bad;     /* not a recording: EXIT_USAGE */
	bool differs; /* EXIT_FAILED */
};

static inline bool recording_over(const struct recording *r)
{
	return r->bad || r->differs;
}

/* The next line's object, owned by @r until the next call. NULL: end, or bad. */
JsonObject *recording_next(struct recording *r);

/* "FILE:LINE: error: TEXT" on stderr; sets bad. Only the first is printed. */
void recording_bad(struct recording *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/*
 * "FILE:LINE: OP: WHAT differs" with both sides; sets differs. Only the first is
 * printed.
 */
void recording_differs(struct recording *r, const char *what, const char *ours,
		       const char *recorded);

/* ---- Fields of an object. Missing, of the wrong type or out of range: bad, and 0 ---- */

bool has_field(JsonObject *o, const char *name);
u64 field_u64(struct recording *r, JsonObject *o, const char *name); /* "0x..." */
s64 field_int(struct recording *r, JsonObject *o, const char *name, s64 min, s64 max);
const char *field_str(struct recording *r, JsonObject *o, const char *name);	/* or NULL */
JsonArray *field_array(struct recording *r, JsonObject *o, const char *name);	/* or NULL */
JsonObject *field_object(struct recording *r, JsonObject *o, const char *name); /* or NULL */
/* A number that must be < @n bytes worth of: "0x..." at most @max. */
u64 field_u64_max(struct recording *r, JsonObject *o, const char *name, u64 max);

/* Elements of an array; @what names the array in messages. */
u64 elem_u64(struct recording *r, JsonArray *a, unsigned int i, const char *what);
s64 elem_int(struct recording *r, JsonArray *a, unsigned int i, const char *what, s64 min, s64 max);
const char *elem_str(struct recording *r, JsonArray *a, unsigned int i, const char *what);
JsonArray *elem_array(struct recording *r, JsonArray *a, unsigned int i, const char *what);

/* "6.12.117+mmio" -> PROFILE_V6_12; an unknown release is bad. */
enum profile_id recording_profile(struct recording *r, JsonObject *header);

/* Has the EL2 at hand @what, so configured, on this board? If not it is counted as skipped. */
bool recording_offered(struct recording *r, enum el2_offer what, const struct el2_config *el2,
		       const struct board_config *board);

/* ---- Comparing ---- */

/* Each returns true if equal, else recording_differs() was called. */
bool same_u64(struct recording *r, const char *what, u64 ours, u64 recorded);
bool same_int(struct recording *r, const char *what, s64 ours, s64 recorded);
/* Field "ret": a number, or "PANIC" against @end == CPU_END_DIED. */
bool same_ret(struct recording *r, JsonObject *op, enum cpu_end end, s64 ours);

/* ---- Events as recorded: [name, "arg", arg2] ---- */

struct gevent {
	char name[24];
	u64 arg;
	s64 arg2;
};

/*
 * What @ev is in the recordings' words: false if they have no word for it.
 * golden_project() knows all kinds that need no context.
 */
typedef bool (*project_fn)(void *data, const struct event *ev, struct gevent *out);
bool golden_project(void *data, const struct event *ev, struct gevent *out);

struct recorder {
	struct board *board;
	project_fn project;
	void *data;
	GArray *ev;	    /* struct gevent, since recorder_clear() */
	const char *inside; /* stage-2 TLB call whose expansion passes by; or NULL */
};

/* @project NULL: golden_project. */
void recorder_start(struct recorder *rec, struct board *b, project_fn project, void *data);
void recorder_clear(struct recorder *rec);
void recorder_stop(struct recorder *rec);
/* Compare what was recorded since recorder_clear() with the array @events. */
bool same_events(struct recording *r, struct recorder *rec, JsonArray *events);

/* ---- Tables as recorded ---- */

struct gpte {
	int level;
	u64 ia, raw;
};

struct gtable {
	u64 pa;
	int level;
	u64 ia;
	u32 refcount;
};

/* All non-zero descriptors, by (ia, level). @t->root 0: none. GArray of struct gpte. */
GArray *collect_ptes(struct board *b, const struct mmu_table *t);
/* All table pages, by (ia, level); refcount by @count. GArray of struct gtable. */
typedef u32 (*refcount_fn)(void *data, pa_t page);
GArray *collect_tables(struct board *b, const struct mmu_table *t, refcount_fn count, void *data);
/* The recorded lists, in the same order. */
GArray *recorded_ptes(struct recording *r, JsonArray *a, const char *what);
GArray *recorded_tables(struct recording *r, JsonArray *a, const char *what);
/* Compare, and free both. */
bool same_ptes(struct recording *r, const char *what, GArray *ours, GArray *recorded);
bool same_tables(struct recording *r, const char *what, GArray *ours, GArray *recorded);

/* FNV-1a 64 over (level, ia, raw) of @ptes, continued from @hash. */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
u64 fnv_ptes(u64 hash, const GArray *ptes);

/* ---- The formats (table in golden.c) ---- */

struct golden_format {
	bool (*matches)(JsonObject *header);
	/* Replays the whole file whose first line is @header. */
	void (*replay)(struct recording *r, JsonObject *header);
};

extern const struct golden_format golden_pgtable;
extern const struct golden_format golden_ownership; /* ownership.jsonl, mmio_*.jsonl */
extern const struct golden_format golden_cases;	    /* directed.jsonl */
extern const struct golden_format golden_boot;	    /* protected_regions.jsonl */

#endif
