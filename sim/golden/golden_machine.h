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

/* struct hyp_page of one frame. States and count are -1 where the release keeps none. */
struct gpage {
	u64 pfn;
	u32 refcount, order;
	s64 host, hyp, share;
};

#define GOLDEN_VMS 2 /* "g0", "g1" */

/* What recordings list: entries and tables of both stages, struct hyp_page of all RAM. */
struct gstate {
	GArray *s1, *s2;	       /* struct gpte */
	GArray *s1_tables, *s2_tables; /* struct gtable */
	GArray *pages;		       /* struct gpage, ascending */
	unsigned int n_vms;
	GArray *g[GOLDEN_VMS], *g_tables[GOLDEN_VMS]; /* of each VM, by handle */
	u64 mc[GOLDEN_VMS];			      /* pages in vCPU 0's memcache */
	u64 s2_pool_free, hyp_pool_free;
	u64 hash;
};

struct gstate *gstate_read(struct machine *m);
void gstate_free(struct gstate *s);

/* Fields s1, s2, their tables, pages_rle, hash, free pages: as far as @header has them. */
bool same_gstate(struct recording *r, JsonObject *header, const struct gstate *s);
/* Fields that say where things are: va_off, vmemmap, vtcr, hyp_mem, levels. */
bool same_layout(struct recording *r, JsonObject *header, struct machine *m);
/* Of the page @pfn, an element of "pages" or "pages_rle" from its refcount at @i on. */
struct gpage recorded_page(struct recording *r, JsonArray *a, u64 pfn, unsigned int i,
			   const char *what);
bool gpage_equal(const struct gpage *a, const struct gpage *b);
char *gpage_words(const struct gpage *p); /* to be freed */
/* A call of EL2's by name, hypercall or not; one that it has not makes @r bad. */
enum cpu_end golden_call(struct recording *r, struct machine *m, const char *name, const u64 *args,
			 unsigned int n, s64 *ret);

/* ---- Guests (golden_guest.c) ---- */

/* The host's side of the VMs of a recording. */
struct golden_host {
	u64 next; /* PA of the first page that no VM was given */
	unsigned int n_vms;
	struct {
		u32 handle;
		u64 memcache; /* PA of the host's header for vCPU 0 */
	} vm[GOLDEN_VMS];
};

/* The VMs that the field "vms" of a header lists, made by the calls that the recorder made. */
void golden_host_new(struct golden_host *h, struct recording *r, JsonObject *header,
		     struct machine *m);
/*
 * The arguments of a call for an operation: @fields are those of @op, in order, "vm"
 * first, with single spaces between. How many.
 */
unsigned int golden_guest_args(const struct golden_host *h, struct recording *r, JsonObject *op,
			       const char *fields, u64 args[EL2_MAX_ARGS]);
/* Operation refill_memcache: new pages onto the host's list, and EL2 is to take them. */
enum cpu_end golden_refill(struct golden_host *h, struct recording *r, struct machine *m,
			   JsonObject *op, s64 *ret);
/* Those of @ptes whose range is not wholly memory; @offset: input address - PA. */
GArray *gptes_mmio(struct machine *m, const GArray *ptes, u64 offset);

#endif
