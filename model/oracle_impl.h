/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the oracle. Between two actions its state is: what part each frame
 * plays (fold.c), and for each page that is not as every page begins, its owners as
 * they were last found (oracle_state.c). That is the abstract state: before an action
 * it and the tables agree, so a rule applied to it gives what the tables must say
 * afterwards, and only pages that an event or the rule names need a look.
 */
#ifndef PKVM_SIM_MODEL_ORACLE_IMPL_H
#define PKVM_SIM_MODEL_ORACLE_IMPL_H

#include "book.h"
#include "check.h"

/* ---- A page (oracle_state.c) ------------------------------------------------------ */

/* What the host's entry for a page does. */
enum host_leaf {
	LEAF_OPEN, /* empty, and the next fault maps it; or maps it for writing */
	LEAF_READ_ONLY,
	LEAF_CLOSED, /* an annotation, or no access */
	LEAF_ASTRAY, /* leads to another page */
};

/* What can be wrong with a page as it is; reported once. */
#define BREACH_PAIR 1u	 /* host's and EL2's record do not go together */
#define BREACH_HOST 2u	 /* the host gets at what is not its own */
#define BREACH_HYP 4u	 /* EL2 maps what is not its own */
#define BREACH_BARRED 8u /* the host is kept out of its own */

struct found {
	struct m_page p;
	u8 host_leaf;
	u8 breach;
	u16 elsewhere; /* not memory: how often EL2 maps it at other addresses */
	bool linear;   /* EL2 maps it at its linear address */
	bool visited;  /* used by fold_read_all() */
	bool guests;   /* of the book: guests have to do with it, the other book has what */
	u8 nothing;    /* 0 */
};

/*
 * A page in the book: the first bytes of its struct m_page as they differ from what all
 * pages of the class begin as, and the rest of its struct found. Both 0: it is as all begin.
 * What only guests have to do with, the rest of struct m_page, is in another book.
 */
struct page_entry {
	u64 owners, rest;
};

#define PAGE_ENTRY_SHIFT 4

/* Which records of a page an event may have changed. */
#define SIDE_HOST 1u
#define SIDE_HYP 2u
#define SIDE_RECORD 4u
#define SIDE_GUEST 8u /* guests' tables, whose leaves are counted as they come and go */
#define SIDE_ALL 15u

bool pages_init(struct oracle *o);
struct found page_get(struct oracle *o, u64 pfn);
void page_put(struct oracle *o, u64 pfn, struct found *f);
/* The same for pages of class @c, within the physical address space. */
void page_get_as(const struct oracle *o, u64 pfn, enum m_class c, struct found *f);
/* @f: settled, see below. */
void page_put_as(struct oracle *o, u64 pfn, enum m_class c, const struct found *f);
/* All that is to be read or added up of guests was: before it is compared or put. */
void page_settle(struct found *f);
/* Is @f, which is settled, what the book has? */
bool page_unchanged(const struct oracle *o, u64 pfn, enum m_class c, const struct found *f);
/* Read @sides of the page anew into @f, whose other sides hold already. */
void page_read(struct oracle *o, u64 pfn, u32 sides, struct found *f);
/* A walk of the host's or of EL2's for @ia ends in the table of the last level at @table. */
void page_walk_ends(struct oracle *o, bool hyp, u64 ia, u64 table);
u8 page_breaches(struct oracle *o, u64 pfn, enum m_class c, const struct found *f);
/* The same owners; whether EL2's text is readable follows from them. */
bool page_same(const struct m_page *a, const struct m_page *b);
bool page_is_unrecorded_stack(const struct oracle *o, u64 pfn);
/* For rules.c. */
void page_for_rules(const struct m_state *s, u64 pfn, struct m_page *p);

/* ---- The fold (fold.c) ------------------------------------------------------------- */

/* A page that may have changed in this action. */
struct touch {
	u64 pfn;
	struct event ev; /* the first that touched it */
	s32 elsewhere;	 /* change of found.elsewhere */
	u32 sides;
	s32 borrowed, owned; /* change of guests' leaves */
	bool named;	     /* by the last leaf that came to own it: */
	u8 guest;	     /* its state */
	u32 vm;
	u64 gfn;
};

#define MAX_TOUCHES 4096u

/* An entry of the host's tables above the last level that changed in this action. */
struct upper {
	u64 at, ia, old;
	s8 level;
	struct event ev;
};

#define MAX_UPPERS 16u

/* A leaf of a guest's tables, or a place for one, that changed in this action. */
struct guest_change {
	u64 at, ia, old;
	u32 handle;
	s8 level;
	struct event ev;
};

#define MAX_GUEST_CHANGES 64u

struct fold {
	bool live;     /* the parts are known and kept up */
	bool counting; /* inside fold_read_all() */
	u64 tables;    /* frames with PART_*_TABLE */
	struct book parts;
	/* of this action */
	bool reread; /* too much changed to say which pages: read all */
	bool alloc_failed, stuck;
	struct event why;     /* of @reread */
	struct event made[4]; /* mappings for the host that were made and stand; seq 0: none */
	u32 n_made;	      /* of all, also those that found no place */
	struct event alien;   /* first write of EL2 to memory that is the host's alone */
	struct extent *touches, *slots;
	u32 n_touches, n_uppers;
	struct upper upper[MAX_UPPERS];
};

bool fold_init(struct oracle *o);
void fold_begin(struct oracle *o);
/* EV_STORE into hyp_vmemmap's entry of @frame at @field that is of concern; into the table @at. */
void fold_record_store(struct oracle *o, const struct event *ev, u64 frame, u64 field);
void fold_table_store(struct oracle *o, const struct event *ev, const struct part *at);
/* EL2 wrote to memory that is the host's alone. */
void fold_alien_write(struct oracle *o, u64 frame, const struct event *ev)
	__attribute__((noinline));
/* fold_soils() says so. */
void fold_soiled(struct oracle *o, u64 frame);
/* Pages were written that no event tells of: none is known to be clear. */
void fold_none_clear(struct oracle *o);
/* EV_ZERO and EV_ACCESS. */
void fold_zero(struct oracle *o, const struct event *ev);
void fold_access(struct oracle *o, const struct event *ev);
/* After the action: which pages blocks and tables that changed stand for. */
void fold_resolve(struct oracle *o);
const struct touch *fold_touch(const struct oracle *o, u32 i);
bool fold_touched(const struct oracle *o, u64 pfn);
/* A VM that came, or is about to go: its tables are followed from now on, or not. */
void fold_link_guest(struct oracle *o, const struct el2_guest_view *g, const struct event *ev);
void fold_unlink_guest(struct oracle *o, const struct el2_guest_view *g, const struct event *ev);
/*
 * Forget all parts and read everything. Every page that is not as all begin, or
 * that the oracle thought so of, is given to page_check().
 */
void fold_read_all(struct oracle *o);

/* ---- Judging (oracle_judge.c, oracle_boot.c) --------------------------------------- */

/* May, must or must not the dispatcher turn the hypercall away? */
enum refusal { REFUSE_MAY, REFUSE_MUST, REFUSE_NOT };

/* What a page should be at the end of this action. */
enum judging {
	JUDGE_EFFECT, /* as before, or as the verdict's effect makes it */
	JUDGE_LEGAL,  /* anything that breaks no rule by itself */
	JUDGE_TAKE,   /* anything */
};

bool devices_init(struct oracle *o);
void judge_begin(struct oracle *o);
/* Names the action's call, its op and arguments, and what may come of it now. */
void judge_action(struct oracle *o);
/* Is this end allowed? *@commits: the effect should have happened. */
bool judge_allowed(struct oracle *o, enum oracle_end_kind end, s64 value, bool *commits);
void judge_end(struct oracle *o, enum oracle_end_kind end, s64 value);
/* The same of several actions at once, whose answers are judged. @plain: no guests' memory. */
void judge_block_end(struct oracle *o, enum oracle_end_kind end, bool plain);
/* Compare a page with what it should be, report, and take it as it is found. */
void page_check(struct oracle *o, u64 pfn, u32 sides, const struct touch *t,
		const struct event *ev);
/* A bus master's access or transfer: may who set it up do that? */
void judge_dma(struct oracle *o, const struct event *ev);

/* A page broke @rule; told in full for the first one of this action. */
void judge_broken(struct oracle *o, enum rule_id rule, u64 pfn, const struct event *ev,
		  const struct found *before, const struct found *now, const char *why)
	__attribute__((cold));
/* A difference that counts only if no rule is broken. @pfn: or NO_PAGE. */
void judge_odd(struct oracle *o, u64 pfn, const struct event *ev, const struct found *before,
	       const struct found *now, const char *why) __attribute__((cold));

/* What EL2 knows of the machine, for the rules. */
void boot_sync(struct oracle *o);
void boot_event(struct oracle *o, const struct event *ev);
void boot_end(struct oracle *o, bool ended, bool success);

/* FF-A (oracle_ffa.c): the same steps for an SMC of the host, whose pages are many ranges. */
struct m_ffa;
bool ffa_init(struct oracle *o);
void ffa_begin(struct oracle *o);
bool ffa_names(const struct oracle *o, u64 pfn); /* is the page one of this action's? */
void ffa_for_each_range(struct oracle *o, void (*fn)(struct oracle *o, u64 pfn, u64 nr));
/* Is this end allowed? *@commits: the pages should have changed. */
bool ffa_allowed(struct oracle *o, enum oracle_end_kind end, s64 value, bool *commits);
void ffa_end(struct oracle *o, enum oracle_end_kind end, s64 value);
void ffa_words(const struct oracle *o, char *out, size_t n);

/* Guests and their VMs (oracle_guest.c): what an action names of them, and what became of it. */
bool guests_init(struct oracle *o);
void guests_take(struct oracle *o); /* everything anew */
/* False: the call is not about guests. Else the call is named. */
bool guests_name(struct oracle *o);
void guests_begin(struct oracle *o); /* it is judged, and guests_begun() */
/* It ended, and guests_concerned() (oracle_guest.h): before pages are looked at, and after. */
void guests_follow(struct oracle *o);
void guests_end(struct oracle *o);
void guests_changed(struct oracle *o, u16 slot, int level, u64 ia, const struct event *ev);
/* What the TLB of the action's CPU has for an address of a VM's, whatever its tables say now. */
const struct tlb_entry *guests_tlb_entry(const struct oracle *o, u32 handle, u64 ipa);

/* data-race (check_race.c): listens between these two only, as it wants every load. */
bool race_init(struct oracle *o);
void race_begin(struct oracle *o);
void race_over(struct oracle *o);

/* CHECK_PARANOID (paranoid.c): does not return if the fold lost track. */
void paranoid_check(struct oracle *o);

/* ---- Words (oracle_words.c) ---------------------------------------------------------- */

/* Each fills @out with at most @n bytes, the closing 0 included. */
void words_page(const struct found *f, enum m_class c, char *out, size_t n);
void words_allowed(const struct oracle *o, char *out, size_t n);
void words_result(const struct oracle *o, enum oracle_end_kind end, s64 value, char *out, size_t n);

/* Each checker hears that the action has ended (oracle.c). */
void checkers_end(struct oracle *o, enum oracle_end_kind end, s64 value);

/* ---- All of it ------------------------------------------------------------------------------- */

#define ORACLE_REGIONS 128u
#define MAX_CHECKERS 11u
#define BOOT_EVENTS 8u
#define CALLS_SEEN 8u

struct oracle {
	struct board *b;
	const struct el2_view *v;
	const struct el2_config *c;
	enum check_mode mode;
	u8 shift; /* log2 of a page's bytes */
	u64 page_mask;
	struct record_map record;
	u64 n_frames; /* of the physical address space */
	struct check_pools *pools;

	struct m_design design;
	struct m_region region[ORACLE_REGIONS];
	struct m_state state;
	struct book pages;
	u64 n_known; /* pages that are not as all begin */
	struct {
		u64 va, size, pa;
		const u8 *bytes; /* NULL: not all of it answers */
	} vmemmap;		 /* the last piece of it that was looked at */
	struct last_table {
		u64 ia, size;
		const u64 *entry; /* NULL: there is no table, as the entry above is empty */
	} last_table[2];	  /* of the host and of EL2: where the last walk ended */
	struct last_guest {
		u64 root, ia, size, pa;
	} last_guest;	    /* the same of the guest whose tables were walked last */
	struct book guests; /* what guests have to do with a page */
	struct dma_device {
		const u8 *reg; /* its first registers */
		bool starts;   /* and it has the one that starts it */
	} * dma;
	unsigned int n_dma;
	struct fold fold;
	struct m_ffa *ffa;
	struct oracle_guests *g;

	struct race_state *race;
	struct extent *race_fields;

	/* the action */
	const struct oracle_action *current; /* or NULL */
	bool booting;			     /* it is of boot, or comes before */
	struct oracle_action action;
	struct {
		const struct el2_call *call;
		u8 row;
	} seen_call[CALLS_SEEN]; /* those that were named last */
	unsigned int next_seen;
	struct m_call call;
	struct m_verdict verdict;
	u8 refusal;  /* enum refusal */
	bool boots;  /* it contains __pkvm_init or its second half */
	bool adopts; /* the host, still trusted, has EL2 map what it names */
	u8 judging;  /* enum judging */
	bool commits, error;
	bool silent; /* the call tells nothing by its value */
	u64 effect_seen;
	struct event donation[BOOT_EVENTS]; /* boot: of each protected region, the first */

	struct violation said[ORACLE_MAX_VIOLATIONS];
	unsigned int n_said;
	u64 n_broken[N_RULES]; /* pages of this action, by the rule they broke */
	bool odd;
	struct violation spec; /* @odd: what is said if nothing else is */
	void *checker_state[MAX_CHECKERS];
};

static inline enum m_class page_class(const struct oracle *o, u64 pfn)
{
	return likely(pfn < o->n_frames) ? m_class_of(&o->state, pfn << o->shift) : M_BEYOND;
}

/* @pfn: within the physical address space. */
static inline const struct page_entry *page_entry(const struct oracle *o, u64 pfn)
{
	return (const struct page_entry *)o->pages.e->bytes + pfn;
}

/* It is not as all begin. */
static inline bool page_known(const struct oracle *o, u64 pfn)
{
	return page_entry(o, pfn)->owners | page_entry(o, pfn)->rest;
}

/* How a field of one byte of its struct m_page, at @offset, differs from what all begin as. */
static inline u8 page_differs(const struct oracle *o, u64 pfn, size_t offset)
{
	return ((const u8 *)page_entry(o, pfn))[offset];
}

/* ---- Parts (fold.c) ------------------------------------------------------------------ */

struct part_entry {
	u64 ia; /* as in struct part */
	u16 entries;
	u16 odd;      /* entries that are odd, or tables */
	u16 slot;     /* of a guest's table: the VM's */
	u8 part : 4;  /* enum page_part */
	u8 clear : 4; /* of no part: it was cleared, and since then EL2 wrote at most the
			 links of a free list, which are its first FREE_LINKS words */
	s8 level;     /* as in struct part */
};

#define PART_SHIFT 4
#define FREE_LINKS 2u

static inline const struct part_entry *part_at(const struct oracle *o, u64 frame)
{
	G_STATIC_ASSERT(sizeof(struct part_entry) == 1u << PART_SHIFT);
	return (const struct part_entry *)o->fold.parts.e->bytes + frame;
}

/* NULL: no frame could be there. */
static inline const struct part_entry *part_at_pa(const struct oracle *o, u64 pa)
{
	const u64 frame = pa >> o->shift;

	return likely(frame < o->n_frames) ? part_at(o, frame) : NULL;
}

static inline struct part part_of(const struct part_entry *p)
{
	return (struct part){
		.part = p->part,
		.level = p->level,
		.ia = p->ia,
		.entries = p->entries,
		.handle = p->part == PART_GUEST_TABLE ? EL2_HANDLE_OFFSET + p->slot : 0,
	};
}

/* @ev stores into the frame of @p, which is clear, and that ends here. */
static inline bool fold_soils(const struct oracle *o, const struct part_entry *p,
			      const struct event *ev)
{
	return p->clear && (ev->addr & o->page_mask) + ev->arg > 8 * FREE_LINKS;
}

/* The page is the host's, and no other's. */
static inline bool fold_hosts_alone(const struct oracle *o, u64 frame)
{
	G_STATIC_ASSERT(!PKVM_PAGE_OWNED); /* as the host's memory begins */
	return !page_differs(o, frame, offsetof(struct m_page, host));
}

/* Part of a page was cleared that plays no part and is not the host's: a list's node, say. */
static inline bool fold_ignores_zero(const struct oracle *o, const struct event *ev)
{
	const u64 frame = ev->addr >> o->shift;

	return (ev->addr & o->page_mask) + ev->val <= o->page_mask && frame < o->n_frames &&
	       part_at(o, frame)->part == PART_NONE && !fold_hosts_alone(o, frame);
}

/*
 * A store into struct hyp_page that is no concern of the fold's: of orders none is, nor
 * of counts on EL2's own pages.
 */
static inline bool fold_ignores_record(const struct oracle *o, const struct event *ev,
				       const struct place *at)
{
	const u64 pfn = at->frame >> o->shift;

	if (at->record == RECORD_ORDER || ev->old == ev->val)
		return true;
	if (at->record != RECORD_COUNT || pfn >= o->n_frames)
		return false;
	return page_differs(o, pfn, offsetof(struct m_page, hyp)) ==
	       (PKVM_PAGE_OWNED ^ PKVM_NOPAGE);
}

#endif
