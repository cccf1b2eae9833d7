/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the oracle share: the fold (which page of RAM plays which
 * part, kept up by store events), and the checkers that watch events.
 */
#ifndef PKVM_SIM_MODEL_ORACLE_PRIVATE_H
#define PKVM_SIM_MODEL_ORACLE_PRIVATE_H

#include "oracle.h"

/* ---- fold.c: parts that pages play ---- */

enum page_part {
	PART_NONE,
	PART_HOST_TABLE,  /* a table page of the host's stage 2 */
	PART_HYP_TABLE,	  /* a table page of EL2's stage 1 */
	PART_VMEMMAP,	  /* backs hyp_vmemmap */
	PART_GUEST_TABLE, /* a table page of a guest's stage 2 */
	N_PARTS
};

struct part {
	u8 part;     /* enum page_part */
	s8 level;    /* of a table's entries */
	u64 ia;	     /* first input address that the table covers, bytes; PART_VMEMMAP: the
		       address of the first frame that it describes */
	u32 entries; /* of a table: how many are not zero */
	u32 handle;  /* PART_GUEST_TABLE: the VM's */
};

static inline bool check_is_table(const struct part *p)
{
	return p->part == PART_HOST_TABLE || p->part == PART_HYP_TABLE ||
	       p->part == PART_GUEST_TABLE;
}

#define PART_TABLES (BIT(PART_HOST_TABLE) | BIT(PART_HYP_TABLE) | BIT(PART_GUEST_TABLE))

/* What the frame at @pa is now; PART_NONE where it is nothing. */
struct part fold_part(struct oracle *o, pa_t pa);

/* ---- Places: where a store went, looked up once for all who want to know ---- */

/* A descriptor of one of the tables, by where it stands. */
struct check_desc {
	bool hyp;  /* EL2's stage 1, else a stage 2 */
	u32 guest; /* of the VM with this handle; 0: the host's */
	u16 vmid;
	s8 level;
	u64 ia;	  /* first input address that it covers */
	u64 size; /* bytes */
	u64 cpus; /* whose walks may read it, one bit each; may be none */
};

/* What a store into hyp_vmemmap writes; RECORD_OTHER: something else, or not that alone. */
enum record_field { RECORD_OTHER, RECORD_COUNT, RECORD_ORDER, RECORD_STATE };

/* Where the records of hyp_vmemmap are in its pages, and the fields in them. */
struct record_map {
	u64 page_mask;
	u8 page_shift, entry_shift, entry_mask;
	u8 field[8]; /* by its first byte: enum record_field, and its bytes << 4 */
};

struct place {
	struct part part; /* of its frame */
	/* PART_VMEMMAP: the first byte's entry is that of the frame at @frame, and it is @field's */
	u64 frame, field;
	u8 record;	     /* enum record_field */
	struct check_desc d; /* for those who want VALID_ENTRIES */
};

/* ---- Checkers: one file, one idea, a few rules ---- */

#define VALID_ENTRIES BIT(31)

/* An event before it is written down: fields as in struct event. */
struct raw_event {
	const struct cpu *cpu;
	u64 addr, val, old;
	u32 arg;
};

struct checker {
	const char *name;
	size_t state_size; /* of board_alloc()ed, zeroed state */
	u32 kinds;	   /* BIT(EV_*) of the events that it wants, but for EV_STORE */
	u32 stores;	   /* BIT(PART_*) of the frames whose EV_STORE it wants, of tables all or
			      none; 0: all; VALID_ENTRIES: of tables alone, and there of entries
			      that were valid or are now, which it hears after the others */
	void (*init)(struct oracle *o, void *state);
	/*
	 * Asked first, of the kinds LOOKED_AT: does it say something? NULL: always. An event
	 * that no checker heeds may not be told.
	 */
	bool (*heeds)(struct oracle *o, void *state, unsigned int kind, const struct raw_event *r);
	/*
	 * Asked before @store is told of what is no table: may it say something? In few
	 * words, without a call: where in doubt it may. NULL: it may. Changes nothing.
	 */
	bool (*heeds_store)(struct oracle *o, const void *state, const struct event *ev,
			    const struct place *at);
	/* Called for each such event, after the fold took it in. NULL: not interested. */
	void (*event)(struct oracle *o, void *state, const struct event *ev);
	void (*store)(struct oracle *o, void *state, const struct event *ev,
		      const struct place *at);
	void (*begin)(struct oracle *o, void *state, const struct oracle_action *a);
	/* After the action, before the oracle compares states. */
	void (*end)(struct oracle *o, void *state, enum oracle_end_kind end, s64 value);
	void (*finish)(struct oracle *o, void *state);
};

/* What hears of many events is a part of the functions that tell of each kind. */
#define heard_often static inline __attribute__((always_inline)) void
#define asked_often static inline __attribute__((always_inline)) bool

extern const struct checker lock_checker;	  /* lock-order, lock-held */
extern const struct checker gone_checker;	  /* no rule: what the next two wait for */
extern const struct checker bbm_checker;	  /* break-before-make */
extern const struct checker tlb_checker;	  /* stale-tlb */
extern const struct checker refcount_checker;	  /* refcount, leak */
extern const struct checker lifetime_checker;	  /* use-after-free */
extern const struct checker confidential_checker; /* confidential */
extern const struct checker range_checker;	  /* range */
extern const struct checker entry_checker;	  /* spec, of single entries */
extern const struct checker books_checker;	  /* no-change-on-error, leak, of the host's */

#define NO_PAGE UINT64_MAX

/* Report a breach at this action: once for the same rule and page. @ev may be NULL. */
void oracle_breach(struct oracle *o, enum rule_id rule, u64 page, const struct event *ev,
		   const char *fmt, ...) __attribute__((cold, format(printf, 5, 6)));

struct board *oracle_board(struct oracle *o);
const struct el2_view *oracle_view(struct oracle *o);
const struct el2_config *oracle_config(struct oracle *o);
/* As model_hyp_page(); remembers the way. */
bool oracle_hyp_page(struct oracle *o, pa_t pa, pa_t *entry);
/* Did this action change what anybody records of the page? */
bool oracle_touched(struct oracle *o, u64 pa);
/* Handle of the VM whose vCPU is loaded on the CPU, whichever the host thinks it is; 0: none. */
u32 oracle_guest_on(struct oracle *o, unsigned int cpu);
/* The action being judged; NULL between actions. */
const struct oracle_action *oracle_action(struct oracle *o);

#endif
