/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of pKVM ownership, one a call: given the state of the pages and a
 * call, what it may answer and what the pages are afterwards. Written from the
 * rules (legal joint states, order of checks), not from any EL2's code: no
 * descriptor, no lock, no allocator. Pure: nothing is changed here, the caller
 * applies the effect.
 *
 * Only designs are rules. A knob's value that is a defect never changes what is
 * allowed: see m_design_of().
 */
#ifndef PKVM_SIM_MODEL_RULES_H
#define PKVM_SIM_MODEL_RULES_H

#include "sim/el2/el2.h"

/* ---- State ------------------------------------------------------------------- */

enum m_class {
	M_MEMORY,   /* a memory region of the host */
	M_FIRMWARE, /* a nomap region */
	M_HOLE,	    /* neither: devices, or nothing */
	M_BEYOND,   /* past the stage 2's input range */
};

/*
 * One page. What the two sides record of it is all there is: the legal pairs are
 *
 *	host	hyp	meaning
 *	O	N	host's own (a hole: the host may drive the device)
 *	N	O	EL2's own (a hole: donated MMIO)
 *	SO	SB	host's, shared with EL2; @pins counts who holds it
 *	SO	N	host's, lent over FF-A (no @sharers) or to guests (@sharers > 0)
 *	SB	SO	EL2's, shared with the host (v6.12: one page at boot)
 *	N	N	firmware's
 */
struct m_page {
	u8 host, hyp; /* enum page_state, to PKVM_NOPAGE */
	u8 text;      /* EL2's text, which this release leaves readable for the host */
	u32 pins, sharers;
};

struct m_region {
	u64 base, size; /* bytes; sorted, as the host told EL2 */
	bool nomap;
};

/* What the rules read. @get gives any page below 2^52, recorded or not. */
struct m_state {
	const struct m_region *region;
	unsigned int n_regions;
	unsigned int page_shift, ia_bits;
	u64 linear_end;	   /* bytes: where EL2's linear map ends; 0: nowhere */
	bool booted;	   /* finalise ended in success */
	bool deprivileged; /* the static key is set: some CPU's stage 2 is on */
	const bool *s2_on; /* per CPU: the host runs behind its stage 2 */
	struct m_page (*get)(const struct m_state *s, u64 pfn);
	void *pages; /* get's */
};

enum m_class m_class_of(const struct m_state *s, u64 addr);
/* What a page is before anybody recorded anything. */
struct m_page m_page_default(enum m_class c);

/* ---- Design ------------------------------------------------------------------- */

struct m_design {
	const struct profile *profile;
	bool inject; /* host_eperm */
	bool el2_debug;
	bool mmio;	   /* MMIO can be donated */
	bool mmio_range;   /* ... in ranges */
	bool mmio_private; /* ... and EL2 maps it wherever it has room */
};

/* From a configuration, with every defect replaced by what it should have been. */
struct m_design m_design_of(const struct el2_config *c);

/* ---- Calls ------------------------------------------------------------------------ */

enum m_op {
	M_OTHER, /* touches no ownership: any answer, no change */
	M_HOST_SHARE_HYP,
	M_HOST_UNSHARE_HYP,
	M_HOST_DONATE_HYP,
	M_HYP_DONATE_HOST,
	M_HOST_SHARE_FFA,
	M_HOST_UNSHARE_FFA,
	M_FFA_MEM_SHARE, /* the same two through the secure world, which remembers */
	M_FFA_MEM_RECLAIM,
	M_PIN,
	M_UNPIN,
	M_DONATE_HYP_MMIO,
	M_DONATE_HOST_MMIO,
	M_IDMAP, /* host_stage2_idmap() called by itself */
	M_HOST_READ,
	M_HOST_WRITE,
	M_HOST_EXEC,
	N_M_OPS
};

struct m_call {
	enum m_op op;
	unsigned int cpu;
	u64 pfn, nr;	/* calls; nr 1 where the call has none */
	u64 addr, size; /* accesses, M_IDMAP: bytes */
};

/* ---- Answers ------------------------------------------------------------------------ */

enum m_end { M_RET, M_OK_ACCESS, M_ABORT, M_PANIC, M_HANG, M_BUS };

struct m_answer {
	enum m_end end;
	s64 ret;	 /* M_RET */
	bool if_enomem;	 /* allowed only if an allocation of the action failed */
	bool commits;	 /* the effect below happens; else nothing changes */
	const char *why; /* the rule, in words: "the host does not own it" */
};

#define M_MAX_ANSWERS 4

struct m_verdict {
	bool anything; /* M_OTHER: not judged */
	struct m_answer answer[M_MAX_ANSWERS];
	unsigned int n;
	/* the effect: what pages pfn..pfn+nr-1 become */
	u64 pfn, nr;
	u8 host, hyp; /* PKVM_NOPAGE + 1: as they are */
	s32 pins;     /* added to each */
};

#define M_KEEP (PKVM_NOPAGE + 1)

void m_judge(const struct m_state *s, const struct m_design *d, const struct m_call *call,
	     struct m_verdict *v);
/* What @p becomes by @v's effect. */
struct m_page m_apply(const struct m_verdict *v, struct m_page p);

/* Is the pair legal? If not, the rule it breaks and words for it. */
bool m_page_legal(const struct m_page *p, enum m_class c, const char **rule, const char **why);

#endif
