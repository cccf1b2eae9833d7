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
	M_CLASSES
};

/*
 * One page. What host and EL2 record of it, and what guests' tables make of it. The
 * legal ones are
 *
 *	host	hyp	guests	meaning
 *	O	N	-	host's own (a hole: the host may drive the device)
 *	N	O	-	EL2's own (a hole: donated MMIO)
 *	SO	SB	-	host's, shared with EL2; @pins counts who holds it
 *	SO	N	-	host's, lent over FF-A
 *	SO	N	SB ...	host's, lent to guests: as many @borrowers as @sharers
 *	SB	SO	-	EL2's, shared with the host (v6.12: one page at boot)
 *	N	N	O	a guest's own, which the host's entry says (@note_vm, @note_gfn)
 *	SB	N	SO	a guest's, shared with the host
 *	N	N	-	firmware's
 */
struct m_page {
	u8 host, hyp; /* enum page_state, to PKVM_NOPAGE */
	u8 text;      /* EL2's text, which this release leaves readable for the host */
	u8 guest;     /* state in the table of the guest that owns it; @owners > 0 */
	u16 pins;
	u16 owners; /* guests' leaves that own it; the last of them: @guest, @vm, @gfn */
	u32 sharers;
	u32 borrowers;	 /* guests' leaves that borrow it */
	u32 vm, note_vm; /* handle; @note_vm 0: the host's entry names no guest */
	u64 gfn, note_gfn;
};

struct m_region {
	u64 base, size; /* bytes; sorted, as the host told EL2 */
	bool nomap;
};

#define M_VMS EL2_MAX_VMS

enum m_slot { M_SLOT_FREE, M_SLOT_RESERVED, M_SLOT_LIVE };

/* A place in the table of VMs; its number plus EL2_HANDLE_OFFSET is the handle. */
struct m_vm {
	u8 slot; /* enum m_slot; all else only of a VM that is there */
	bool is_protected, dying;
	u16 users; /* vCPUs that are loaded */
	u32 vcpus; /* that it may have */
	u32 made;  /* that it has */
};

/* What stands for one frame in a guest's tables: a page, a block, or nothing. */
struct m_leaf {
	u8 state;    /* enum page_state */
	u64 gfn, nr; /* frames that it stands for; of nothing: all that the entry covers */
	u64 pfn;     /* of @gfn */
	bool r, w, x, young;
};

struct m_vcpu {
	bool loaded; /* somewhere */
	u64 fill;    /* pages in its memcache */
};

/* The vCPU on a CPU. */
struct m_loaded {
	u32 handle; /* 0: none */
	u32 idx;
};

/* What the rules read. @get gives any page below 2^52, recorded or not. */
struct m_state {
	const struct m_region *region;
	unsigned int n_regions;
	struct {
		u64 base, size;
	} memory; /* the largest region that is memory, within the input range; size 0: none */
	unsigned int page_shift, ia_bits;
	u64 linear_end;	   /* bytes: where EL2's linear map ends; 0: nowhere */
	bool booted;	   /* finalise ended in success */
	bool deprivileged; /* the static key is set: some CPU's stage 2 is on */
	u64 s2_on;	   /* BIT(CPU): the host runs behind its stage 2 there */
	void (*get)(const struct m_state *s, u64 pfn, struct m_page *p);
	void *pages; /* get's, leaf's and vcpu's */
	/* Guests; without them NULL. */
	const struct m_vm *vm;	       /* M_VMS */
	const struct m_loaded *loaded; /* per CPU */
	bool vm_table;		       /* there is one: boot came that far */
	u8 guest_levels;	       /* of a guest's tables, below the start tables */
	bool xnx;		       /* execution at EL1 and at EL0 are told apart */
	bool young_by_hardware;
	struct m_leaf (*leaf)(const struct m_state *s, u32 handle, u64 gfn);
	/* False: no such vCPU was made. */
	bool (*vcpu)(const struct m_state *s, u32 handle, u32 idx, struct m_vcpu *out);
};

enum m_class m_class_elsewhere(const struct m_state *s, u64 addr);
static inline enum m_class m_class_of(const struct m_state *s, u64 addr)
{
	return addr - s->memory.base < s->memory.size ? M_MEMORY : m_class_elsewhere(s, addr);
}

/* @s->region is known: find what m_class_of() looks at first. */
void m_regions_known(struct m_state *s);
/* What a page is before anybody recorded anything. */
extern const struct m_page m_page_default[M_CLASSES];

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
	/* guests' memory */
	M_HOST_SHARE_GUEST,
	M_HOST_UNSHARE_GUEST,
	M_RELAX_PERMS,
	M_WRPROTECT,
	M_TEST_CLEAR_YOUNG,
	M_MKYOUNG,
	M_HOST_DONATE_GUEST,
	M_GUEST_SHARE_HOST,
	M_GUEST_UNSHARE_HOST,
	M_RECLAIM_GUEST,
	M_RECLAIM_DYING,
	M_FORCE_RECLAIM,
	M_REFILL_MEMCACHE,
	M_POISON_FAULT,
	/* what a guest does */
	M_GUEST_READ,
	M_GUEST_WRITE,
	M_GUEST_EXEC,
	M_GUEST_CALL,
	/* VMs */
	M_RESERVE_VM,
	M_UNRESERVE_VM,
	M_INIT_VM,
	M_INIT_VCPU,
	M_VCPU_LOAD,
	M_VCPU_PUT,
	M_VCPU_RUN,
	M_START_TEARDOWN,
	M_FINALIZE_TEARDOWN,
	M_TEARDOWN,
	M_TLB_FLUSH,
	N_M_OPS
};

/* The calls of a guest that EL2 answers. */
#define M_GUEST_FEATURES 0x86000000u
#define M_GUEST_MEMINFO 0xc6000002u
#define M_GUEST_MEM_SHARE 0xc6000003u
#define M_GUEST_MEM_UNSHARE 0xc6000004u

/* Frames that a call names. */
struct m_range {
	u64 pfn, nr;
	bool unpin; /* of a VM that goes: pinned for it; else given for it */
};

/* Frames that a call names by address. */
struct m_span {
	u64 pfn, nr;
	bool misaligned; /* the address is no page's */
};

struct m_call {
	enum m_op op;
	unsigned int cpu;
	u64 pfn, nr;	/* calls; nr 1 where the call has none */
	u64 addr, size; /* accesses, M_IDMAP: bytes */
	/* guests */
	bool by_el2; /* one of EL2's own functions, for any VM by its handle */
	u32 handle, idx;
	u64 gfn, prot; /* prot: bits as the release has them */
	bool mkold;
	bool known_to_tlb; /* the access: a TLB may still allow it */
	u64 arg[4];	   /* M_GUEST_CALL: function, arguments */
	/* a host's list of pages for tables, as it stands */
	u64 list_fill;	 /* pages that its header tells of */
	u64 want;	 /* how many the vCPU's memcache is to have */
	const u64 *link; /* frames, in order */
	u32 n_links;
	bool links_cut; /* there are more than could be followed */
	/* M_INIT_VM, M_INIT_VCPU: what the host wrote and names */
	struct m_span host_struct, area, pgd;
	u32 vcpus;
	bool is_protected, has_id_regs;
	/* a teardown: all that was given for the VM and pinned for it */
	const struct m_range *given;
	u32 n_given;
};

/* ---- Answers ------------------------------------------------------------------------ */

enum m_end {
	M_RET,
	M_OK_ACCESS,
	M_ABORT,
	M_PANIC,
	M_HANG,
	M_BUS,
	M_DONE, /* the call tells nothing: any value */
	M_EXIT, /* the guest is left for the host */
};

struct m_answer {
	s64 ret;	 /* M_RET */
	const char *why; /* the rule, in words: "the host does not own it" */
	enum m_end end;
	bool if_enomem; /* allowed only if an allocation of the action failed */
	bool commits;	/* the effect below happens; else nothing changes */
};

#define M_MAX_ANSWERS 4
#define M_KEEP (PKVM_NOPAGE + 1)

/* More pages that a call is about. */
struct m_effect {
	u64 pfn, nr;
	u8 host, hyp;
	s32 pins;
	bool undone; /* a later step failed: as before */
};

#define M_MAX_EFFECTS 4

/* What becomes of a VM, or of a vCPU on its CPU. */
enum m_vm_effect {
	M_VM_KEEP,
	M_VM_RESERVED,
	M_VM_UNRESERVED,
	M_VM_MADE,
	M_VM_HAS_VCPU,
	M_VM_DYING,
	M_VM_GONE,
	M_VCPU_LOADED,
	M_VCPU_GONE,
};

struct m_verdict {
	bool anything;	/* M_OTHER: not judged */
	unsigned int n; /* of @answer */
	/* the effect: what pages pfn..pfn+nr-1 become */
	u64 pfn, nr;
	u8 host, hyp; /* PKVM_NOPAGE + 1: as they are */
	s32 pins;     /* added to each */
	/* and with guests */
	s32 lent; /* added to sharers and borrowers */
	u8 guest; /* state in the owner's table; M_KEEP; PKVM_NOPAGE: it loses the page */
	struct m_leaf
		leaf; /* what stands at @leaf.gfn, @leaf.nr frames, afterwards; nr 0: as before */
	u32 handle;   /* of the VM whose table it is */
	unsigned int n_effects;
	u32 moved;  /* of call->link: now EL2's, whatever the answer */
	bool frees; /* what call->given names is the host's again */
	enum m_vm_effect vm;
	u32 slot; /* of @vm */
	/* those before @n and @n_effects are in use */
	struct m_answer answer[M_MAX_ANSWERS];
	struct m_effect effect[M_MAX_EFFECTS];
};

void m_judge(const struct m_state *s, const struct m_design *d, const struct m_call *call,
	     struct m_verdict *v);
/* What @p becomes by @v's own effect, and by all of @v's effects on @pfn. */
struct m_page m_apply(const struct m_verdict *v, struct m_page p);
struct m_page m_after(const struct m_verdict *v, const struct m_call *call, u64 pfn,
		      struct m_page p, bool commits);
/* The same, of the page itself. */
void m_apply_to(const struct m_verdict *v, struct m_page *p);
void m_become(const struct m_verdict *v, const struct m_call *call, u64 pfn, bool commits,
	      struct m_page *p);
/* Is @pfn among the pages that the call deals with, be it in vain? */
bool m_names(const struct m_verdict *v, const struct m_call *call, u64 pfn);

/* Is the pair legal? If not, the rule it breaks and words for it. */
bool m_page_legal(const struct m_page *p, enum m_class c, const char **rule, const char **why);

#endif
