/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The abstraction: from fake RAM alone (tables, annotations, page states) to
 * owners and sharers. Reads through the MMU's definition and the layout that
 * EL2 publishes; shares no logic with any EL2 and changes nothing.
 */
#ifndef PKVM_SIM_MODEL_H
#define PKVM_SIM_MODEL_H

#include "sim/el2/el2.h"

enum owner {
	OWNER_HOST,
	OWNER_HYP,
	OWNER_FFA,
	OWNER_FIRMWARE, /* nomap, and nobody else */
	OWNER_GUEST,
	OWNER_SEVERAL,
	OWNER_NONE, /* beyond the PA limit */
	N_OWNERS
};
extern const char *const owner_name[N_OWNERS]; /* "host", ... */

/* Who holds a page, from every table at once. */
struct abs_page {
	enum owner owner;
	enum page_state host, hyp;
	u64 host_pte, hyp_pte; /* entries at which the walks end */
	s8 host_level, hyp_level;
	bool host_mapped, hyp_mapped; /* a valid leaf translates it */
	bool is_ram, nomap, device;
	u32 refcount, sharers;
	u32 guest; /* handle of the VM, of OWNER_GUEST */
};

/* @pa is rounded down to its page. @v: the machine's view. */
void model_page(struct board *b, const struct el2_view *v, pa_t pa, struct abs_page *out);
enum owner model_owner(struct board *b, const struct el2_view *v, pa_t pa);

/* What host and EL2 record of a page of memory, and nothing else: cheap. */
void model_states(struct board *b, const struct el2_view *v, pa_t pa, enum page_state *host,
		  enum page_state *hyp);

/* Walk of a table by the MMU's definition; @space: false host, true hyp. */
bool model_walk(struct board *b, const struct el2_view *v, bool hyp, u64 ia,
		struct mmu_result *res); /* false: beyond the input range, or no table */

bool model_walk_table(struct board *b, const struct mmu_table *t, u64 ia, struct mmu_result *res);

/* Guests (guests.c). NULL: no live VM has this handle. */
const struct el2_guest_view *model_guest(const struct el2_view *v, u32 handle);
enum page_state model_guest_state(struct board *b, const struct el2_view *v,
				  const struct el2_guest_view *g, u64 ipa);
/* Pages in the memcache of a vCPU; 0 also if there is no such vCPU. */
u64 model_vcpu_memcache(struct board *b, const struct el2_view *v, const struct el2_guest_view *g,
			unsigned int idx);

/* Address of the struct hyp_page of the frame at @pa; false: not backed. */
bool model_hyp_page(struct board *b, const struct el2_view *v, pa_t pa, pa_t *entry);
u32 model_refcount(struct board *b, const struct el2_view *v, pa_t pa);
u32 model_order(struct board *b, const struct el2_view *v, pa_t pa);
u32 model_sharers(struct board *b, const struct el2_view *v, pa_t pa);

u64 model_pool_free(struct board *b, const struct el2_view *v, const struct el2_pool_view *p);
/* Every block of its free lists. */
typedef void (*model_free_fn)(void *data, pa_t block, u64 pages);
void model_for_each_free(struct board *b, const struct el2_view *v, const struct el2_pool_view *p,
			 model_free_fn fn, void *data);
/* Table pages in use, start tables included. */
u64 model_tables(struct board *b, const struct mmu_table *t);

/* Every entry of a table, parents before children, ascending. */
typedef void (*model_entry_fn)(void *data, int level, u64 ia, u64 desc, pa_t desc_pa);
void model_for_each_entry(struct board *b, const struct mmu_table *t, bool zero_too,
			  model_entry_fn fn, void *data);
typedef void (*model_table_fn)(void *data, int level, u64 ia, pa_t table);
void model_for_each_table(struct board *b, const struct mmu_table *t, model_table_fn fn,
			  void *data);

/* Maximal runs of pages with the same owner and states, for `show owners`.
 * Cost follows what the tables hold, not the size of the board. */
typedef void (*model_run_fn)(void *data, u64 base, u64 size, const struct abs_page *page);
void model_for_each_run(struct board *b, const struct el2_view *v, model_run_fn fn, void *data);

#endif
