/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine that the header of an ownership recording describes, and its state
 * as recordings list it.
 */
#ifndef PKVM_SIM_GOLDEN_MACHINE_H
#define PKVM_SIM_GOLDEN_MACHINE_H

#include "golden_private.h"

/* Not booted. @protect: struct protect_entry; NULL: none. NULL: the recording is bad. */
struct machine *golden_machine_new(struct recording *r, JsonObject *header, const GArray *protect);

/* struct hyp_page of one frame. */
struct gpage {
	u64 pfn;
	u32 refcount, order;
};

/* What recordings list: entries and tables of both stages, struct hyp_page of all RAM. */
struct gstate {
	GArray *s1, *s2;	       /* struct gpte */
	GArray *s1_tables, *s2_tables; /* struct gtable */
	GArray *pages;		       /* struct gpage, ascending */
	u64 s2_pool_free, hyp_pool_free;
	u64 hash;
};

struct gstate *gstate_read(struct machine *m);
void gstate_free(struct gstate *s);

/* Fields s1, s2, their tables, pages_rle, hash, free pages: as far as @header has them. */
bool same_gstate(struct recording *r, JsonObject *header, const struct gstate *s);
/* Fields that say where things are: va_off, vmemmap, vtcr, hyp_mem, levels. */
bool same_layout(struct recording *r, JsonObject *header, struct machine *m);
/* Those of @ptes whose range is not wholly memory; @offset: input address - PA. */
GArray *gptes_mmio(struct machine *m, const GArray *ptes, u64 offset);

#endif
