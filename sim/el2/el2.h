/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam between a board and whatever runs at EL2. Declarations and tables
 * only: what a hypervisor must offer, what it exposes by address, how its data
 * is laid out, and the tables of calls, knobs, profiles, patches and bugs.
 * Two implementations exist behind it: sim/hyp (ours) and a kernel tree's.
 */
#ifndef PKVM_SIM_EL2_H
#define PKVM_SIM_EL2_H

#include "sim/board/board.h"

/* ---- Knobs: what may differ, one row each (knobs.c) ---------------------------- */

enum knob_id {
	KNOB_MMIO_DONATION,
	KNOB_MMIO_COMMIT,
	KNOB_S2_UNMAP_ANNOTATED,
	KNOB_RECYCLE_WALK,
	KNOB_PROTECTED_UNWIND,
	KNOB_HYP_MMIO_VA,
	KNOB_HOST_EPERM,
	KNOB_FINALISE_ORDER,
	KNOB_EL2_DEBUG,
	KNOB_WARN,
	KNOB_FFA,
	KNOB_SECURE_WORLD,
	N_KNOBS
};

/* Values, in the order of the knob's value table. */
enum { MMIO_DONATION_NONE, MMIO_DONATION_V3, MMIO_DONATION_V5, MMIO_DONATION_RANGE };
enum { MMIO_COMMIT_ASSERT, MMIO_COMMIT_RETURN };
enum { S2_UNMAP_CLEAR, S2_UNMAP_EPERM, S2_UNMAP_SKIP };
enum { RECYCLE_GAPS, RECYCLE_STEPPING };
enum { UNWIND_REGION, UNWIND_ALL };
enum { HYP_MMIO_LINEAR, HYP_MMIO_PRIVATE };
enum { HOST_EPERM_PANIC, HOST_EPERM_INJECT };
enum { FINALISE_V7_0, FINALISE_FIXED };
enum { EL2_DEBUG_OFF, EL2_DEBUG_ON };
enum { WARN_PANIC, WARN_CONTINUE };
enum { FFA_NONE, FFA_INCOMPATIBLE, FFA_V1_0, FFA_V1_1, FFA_V1_2, FFA_UNSUPPORTED };
enum {
	SECURE_HONEST,
	SECURE_FULL,
	SECURE_MISPLACED,
	SECURE_KEEPS,
	SECURE_HUGE,
	SECURE_WIDE,
	SECURE_FAR,
	SECURE_OVERCOUNTS,
	SECURE_STALLS,
	SECURE_OVERRUNS
};

enum knob_kind { KNOB_DESIGN, KNOB_DEFECT };

#define KNOB_MAX_VALUES 12

struct knob_value {
	const char *name;
	enum knob_kind kind; /* design: the model follows it; defect: it ignores it */
	const char *doc;
};

struct knob {
	const char *name;
	const char *doc;    /* one line */
	const char *origin; /* subject, commit or series it comes from */
	struct knob_value value[KNOB_MAX_VALUES + 1]; /* ends at .name == NULL */
};

/* ---- Releases --------------------------------------------------------------------- */

enum profile_id { PROFILE_V6_12, PROFILE_V7_0, PROFILE_V7_2, N_PROFILES };

/*
 * What a release fixes for good: structure, not choice. Where releases differ
 * in structure sim/hyp picks a table of functions by these fields.
 */
struct profile {
	const char *name;     /* "v7.0" */
	enum profile_id id;
	bool built;           /* false: listed as not in this build, use is exit 2 */
	const char *doc;
	u8 knob[N_KNOBS];     /* its values */
	/* page-table library */
	bool typed_annotations;   /* invalid entries have a type in bits 63:60 */
	bool ignore_eagain_flag;  /* walk bit 4 = IGNORE_EAGAIN rather than HANDLE_FAULT */
	bool idmap_ignores_eagain;
	bool s2_as_s1;            /* host stage 2: AS_S1 (and FWB) rather than NOFWB */
	bool xn_two_bits;         /* PX and UX apart */
	/* ownership */
	bool state_in_vmemmap;    /* host and hyp page state in struct hyp_page */
	bool map_at_pin;          /* EL2 maps a shared page when first pinned */
	bool handback_maps;       /* giving back to the host installs a mapping */
	bool check_pfn_range;     /* pfn_range_is_valid() in the range calls */
	bool donate_host_refcount;/* hyp_donate_host refuses pages with references */
	bool text_readable;       /* host keeps EL2's text read-only */
	bool abort_eexist;        /* host fault on a valid leaf: -EEXIST, not -EAGAIN */
	bool set_owner_checks_memory;
	bool stacks_fixed_up;     /* fix_host_ownership also takes the EL2 stacks */
	bool pool_init_sets_order;
	u8 hyp_page_size;         /* 4 or 8 bytes */
	/* boot */
	bool fixblock;
	bool map_hyp_data;
	bool map_vgic_state;
	bool selftest;
	u8 init_args;             /* of __pkvm_init */
	/* virtual machines */
	bool reserves_vms;        /* reserve_vm, vcpu_load; a VM is in the table once complete */
	bool np_guests;           /* host_share_guest and its like */
	bool protected_guests;    /* guests own memory: donation, poison, dying VMs */
	bool checks_memcache;     /* -ENOMEM before any change where tables may run out */
	bool late_errors_undone;  /* init_vm and init_vcpu leave nothing behind */
};

extern const struct profile el2_profiles[N_PROFILES];
const struct profile *el2_profile_find(const char *name);

/* ---- Bugs and patches ----------------------------------------------------------------- */

/*
 * Historical bugs as switches; the table is bugs.c. The letter and number are those
 * that scenarios and `pkvm-sim bugs` use. Each is consulted at one place.
 */
enum bug_id {
	BUG_B01,
	BUG_B02,
	BUG_B03,
	BUG_B04,
	BUG_B05,
	BUG_B06,
	BUG_B07,
	BUG_B08,
	BUG_B09,
	BUG_B10,
	BUG_B11,
	BUG_B12,
	BUG_B13,
	BUG_B14,
	BUG_B15,
	BUG_B16,
	BUG_B17,
	BUG_B18,
	BUG_B19,
	BUG_B20,
	BUG_B21,
	BUG_B22,
	BUG_B23,
	BUG_B25,
	BUG_B27,
	BUG_B28,
	BUG_B29,
	BUG_B30,
	BUG_B31,
	BUG_B33,
	BUG_B34,
	BUG_B36,
	BUG_B37,
	BUG_B38,
	BUG_B39,
	BUG_B40,
	BUG_B41,
	BUG_B42,
	BUG_B44,
	BUG_B46,
	BUG_B47,
	BUG_B55,
	BUG_B56,
	BUG_C1,
	BUG_C2,
	BUG_DL1,
	BUG_DL2,
	BUG_RC15,
	N_BUGS
};

struct bug {
	const char *id;      /* "B-13" */
	const char *subject; /* of the fix */
	const char *release; /* with the fix, or "open" */
	const char *rule;    /* that catches it; where it depends on the release, several */
	const char *doc;     /* what is wrong with it on, one line */
	const char *more;    /* a paragraph: what was believed, what happens */
	const char *not_on[N_PROFILES]; /* "ID: why it cannot be switched on there"; NULL: it can */
	/* a knob that must have one of these values, bit by bit; .why NULL: none */
	struct {
		enum knob_id knob;
		u32 values;
		const char *why;
	} needs;
};

extern const struct bug el2_bugs[]; /* by enum bug_id */
extern const unsigned int el2_n_bugs;

struct knob_setting {
	enum knob_id knob;
	u8 value;
};

struct patch {
	const char *name;
	const char *doc;
	enum profile_id base;
	bool built;
	struct knob_setting set[8];
	unsigned int n_set;
};

extern const struct knob el2_knobs[N_KNOBS];
extern const struct patch el2_patches[];
extern const unsigned int el2_n_patches;
const struct patch *el2_patch_find(const char *name);
bool el2_knob_find(const char *name, enum knob_id *id);
bool el2_knob_value_find(enum knob_id id, const char *name, u8 *value);
const char *el2_knob_value_name(enum knob_id id, u8 value);

/* ---- One EL2's configuration ------------------------------------------------------------- */

struct protect_entry {
	u64 base, size; /* bytes, multiples of the granule */
};

struct el2_tree; /* a kernel tree that was built: sim/tree */

enum pool_id { POOL_HOST_S2, POOL_HYP_S1, N_BASE_POOLS };

struct el2_config {
	const struct profile *profile;
	u8 knob[N_KNOBS];
	bool bug[N_BUGS];
	GArray *protect;        /* struct protect_entry, in the order given */
	u64 pool_pages[N_BASE_POOLS]; /* 0: the kernel's formula */
	const struct el2_tree *tree; /* for the hypervisor that runs one; not ours to free */
	const struct el2_vm_layout *vm_layout; /* of the host's structures; not ours to free */
	bool has_hyp_image, has_hyp_memory;
	u64 hyp_image, hyp_memory; /* bytes */
};

struct el2_config *el2_config_new(const struct profile *p); /* knobs = the profile's */
struct el2_config *el2_config_copy(const struct el2_config *c);
void el2_config_free(struct el2_config *c);
/*
 * Is this combination of release, knobs and bugs possible at all? False with the
 * reason (static) if not: mmio_donation=range before v7.0, hyp_mmio_va=private
 * without range, a bug on a release that has it anyway, ...
 */
bool el2_config_possible(const struct el2_config *c, const char **why);
static inline u8 knob(const struct el2_config *c, enum knob_id id)
{
	return c->knob[id];
}

/* ---- What EL2 exposes: by address, for those who only look ----------------------------- */

enum page_state {
	PKVM_PAGE_OWNED,
	PKVM_PAGE_SHARED_OWNED,
	PKVM_PAGE_SHARED_BORROWED,
	PKVM_NOPAGE,
	PKVM_POISON,
	N_PAGE_STATES
};
extern const char *const page_state_name[N_PAGE_STATES]; /* "OWNED", ... */

/* Offsets and masks of what EL2 keeps in RAM: data, filled by the implementation. */
struct el2_layout {
	/* struct hyp_page */
	u8 hyp_page_size;
	bool has_state;          /* host and hyp state in it, else in PTE software bits */
	u8 refcount_off, refcount_width;
	u8 order_off, order_width;
	u8 state_off;            /* one byte: host state low nibble, hyp state high nibble */
	u8 hyp_state_xor;        /* hyp state is stored XOR this */
	u8 share_count_off;      /* u32; only with has_state */
	/* descriptors */
	u64 sw_state_mask;       /* page state in valid leaves */
	u64 owner_mask;          /* owner id in invalid leaves */
	u64 type_mask;           /* type of invalid leaves; 0: no types */
	u64 type_locked, type_donation, type_poison; /* field values */
	u64 locked_value;        /* break-before-make in progress */
	u64 handle_mask, gfn_mask; /* donation to a guest: in the entry */
	u8 owner_host, owner_hyp, owner_guest, owner_ffa; /* ids; 0xff: has none */
	/* free list links at the start of free pool pages: next, prev as EL2 VAs */
	u64 va_offset;           /* EL2 linear VA - PA */
};

/* One buddy pool. Heads of the free lists are in RAM, links in the pages. */
struct el2_pool_view {
	const char *name;        /* "host_s2", "hyp_s1" */
	u64 base, pages;         /* PA, pages */
	unsigned int max_order;
	pa_t heads;              /* list heads, 16 bytes an order: next, prev */
	struct spinlock *lock;
};

struct el2_region { /* hyp_memory[] */
	u64 base, size;
	bool nomap;
};

/*
 * What EL2 reads of the host's struct kvm and struct kvm_vcpu, and what it keeps in the
 * memory donated for its own: byte offsets. Where no width is given fields are u64, and EL2
 * cuts what it reads to the kernel's type. Of an EL2 of ours the offsets are ours, the sizes
 * give the page counts of the recorded machine; a kernel tree has its own.
 * The host names memory of its own by kernel address, kern_va() of the language: EL2 keeps
 * the low 44 bits and puts its tag above them, so that its own linear addresses will do too.
 */
struct el2_vm_layout {
	u32 nothing;           /* 0 */
	u32 kvm_size;          /* struct kvm of the host, shared with EL2 */
	u32 kvm_created_vcpus, kvm_handle, kvm_is_protected;
	u8 kvm_created_vcpus_width, kvm_handle_width, kvm_is_protected_width; /* bytes */
	u32 kvm_flags;
	u64 kvm_has_id_regs;   /* in the flags: id registers are initialised */
	u32 kvm_teardown_mc, kvm_stage2_teardown_mc; /* memcache headers */
	u32 vcpu_size;         /* struct kvm_vcpu of the host, shared with EL2 */
	u32 vcpu_idx, vcpu_kvm;/* number; kernel address of its struct kvm (v6.12) */
	u8 vcpu_idx_width;
	u32 vcpu_memcache;     /* memcache header */
	u32 mc_head, mc_nr_pages, mc_size; /* in a header: PA of the first page; pages */
	u32 hyp_vm_size;       /* donated: struct pkvm_hyp_vm, then 8 bytes a vCPU: EL2 VA or 0 */
	u32 hyp_vcpu_size;     /* donated: struct pkvm_hyp_vcpu */
	u32 hyp_vcpu_memcache; /* memcache header */
	u32 hyp_vcpu_loaded;   /* where it is loaded, 0: nowhere; see el2_vcpu_loaded_on() */
	bool loaded_is_address;/* EL2 VA of this in the CPU's per-CPU area; else CPU + 1 */
	u32 percpu_loaded;
	u32 hyp_vcpu_host;     /* EL2 VA of the host's struct kvm_vcpu */
};

#define EL2_MAX_VMS 255
#define EL2_HANDLE_OFFSET 0x1000 /* handle of the first slot */
#define EL2_SLOT_RESERVED UINT64_C(0xa110ca7ed)

/* A VM in EL2's table; its name in scenarios is the host's business. */
struct el2_guest_view {
	u32 handle;
	bool is_protected, is_dying;
	u32 created_vcpus;
	struct mmu_table s2;
	struct el2_pool_view pool; /* its stage 2's table pages */
	const struct spinlock *lock;
	va_t area;                 /* donated struct; its first page's count: users */
	va_t host_kvm;
	pa_t pgd;                  /* donated start tables */
	u64 pgd_pages;
};

struct el2_section {
	u64 base, size; /* PA, bytes */
};

/* What EL2 runs on for one CPU, besides its image and memory. */
struct el2_cpu_pages {
	struct el2_section stack, percpu;
};

#define EL2_PERCPU_PAGES 2 /* of each CPU's per-CPU area */

/* Where the host puts EL2 before it runs (place.c). */
struct el2_places {
	struct el2_section idmap, text, rodata, bss, vgic, data;
	struct el2_cpu_pages cpu[BOARD_MAX_CPUS];
};
/*
 * False: the place that the user chose cannot be. What the kernel itself cannot do is
 * *@err, -ENOMEM: no region has room.
 */
bool el2_place_image(const struct board *b, const struct el2_config *c, struct el2_places *p,
		     int *err, GError **error);
/* @pages for EL2's tables and books, beside the image. Else as el2_place_image(). */
bool el2_place_memory(const struct board *b, const struct el2_config *c,
		      const struct el2_places *p, u64 pages, struct el2_section *mem, int *err,
		      GError **error);

struct el2_view {
	const struct el2_layout *layout;
	const struct el2_vm_layout *vm_layout;
	const struct el2_guest_view *const *guests; /* ascending handles; not: reserved slots */
	unsigned int n_guests;
	pa_t vm_table;             /* EL2_MAX_VMS words: 0, EL2_SLOT_RESERVED, EL2 VA of a VM */
	bool booted;               /* finalise ended in success */
	bool initialised;          /* on its own tables */
	struct mmu_table host_s2;  /* root 0: not there yet */
	struct mmu_table hyp_s1;
	const struct el2_region *regions;
	unsigned int n_regions;
	u64 vmemmap_va;            /* of the entry for frame 0 */
	const struct el2_pool_view *pools;
	unsigned int n_pools;
	struct el2_section text, rodata, data, bss, idmap, vgic, hyp_mem;
	const struct protect_entry *protected_regs;
	unsigned int n_protected_regs;
	u64 private_base, private_next; /* EL2 private VA range: start, cursor */
	const struct el2_cpu_pages *cpu_pages; /* by CPU */
};

/* ---- Panic --------------------------------------------------------------------------------- */

#define PANIC_CHAIN 16

struct el2_panic {
	bool happened;
	char reason[64];      /* "WARN", "BUG", "EL2 data abort", ... */
	char what[96];        /* the condition or address, in words */
	const char *fn;       /* where */
	unsigned int cpu;
	u64 esr, far, hpfar;
	const char *chain[PANIC_CHAIN]; /* innermost first */
	unsigned int n_chain;
	const char *locks[8]; /* held at that moment, by any CPU: name */
	unsigned int lock_cpu[8];
	unsigned int n_locks;
	u64 seq;
};

/* ---- Calls ------------------------------------------------------------------------------------ */

enum el2_arg_kind { ARG_NONE, ARG_PFN, ARG_NR, ARG_ADDR, ARG_VA, ARG_NUMBER, ARG_PROT };

struct el2_arg {
	const char *name;
	enum el2_arg_kind kind;
	bool optional;
};

#define EL2_MAX_ARGS 6

struct el2_call {
	const char *name;  /* as the kernel's function, without prefix: "host_share_hyp" */
	const char *full;  /* "__pkvm_host_share_hyp" */
	bool hypercall;    /* the host reaches it by HVC; else only EL2 calls it */
	struct el2_arg arg[EL2_MAX_ARGS];
	unsigned int n_args, n_required;
	const char *doc;
};

/* calls.c: whoever is EL2. Listed in this order. */
enum el2_call_id {
	/* hypercalls about the host's own memory */
	EL2_CALL_pkvm_init,
	EL2_CALL_pkvm_init_v7_2,
	EL2_CALL_create_private_mapping,
	EL2_CALL_cpu_set_vector,
	EL2_CALL_enable_ssbs,
	EL2_CALL_prot_finalize,
	EL2_CALL_host_share_hyp,
	EL2_CALL_host_unshare_hyp,
	EL2_CALL_flush_vm_context,
	/* hypercalls about virtual machines */
	EL2_CALL_host_donate_guest,
	EL2_CALL_host_share_guest,
	EL2_CALL_host_unshare_guest,
	EL2_CALL_host_relax_perms_guest,
	EL2_CALL_host_wrprotect_guest,
	EL2_CALL_host_test_clear_young_guest,
	EL2_CALL_host_mkyoung_guest,
	EL2_CALL_reserve_vm,
	EL2_CALL_unreserve_vm,
	EL2_CALL_init_vm,
	EL2_CALL_init_vcpu,
	EL2_CALL_vcpu_in_poison_fault,
	EL2_CALL_force_reclaim_guest_page,
	EL2_CALL_reclaim_dying_guest_page,
	EL2_CALL_start_teardown_vm,
	EL2_CALL_finalize_teardown_vm,
	EL2_CALL_teardown_vm,
	EL2_CALL_vcpu_load,
	EL2_CALL_vcpu_put,
	EL2_CALL_kvm_vcpu_run,
	EL2_CALL_tlb_flush_vmid,
	/* what only EL2 calls */
	EL2_CALL_host_donate_hyp_mmio,
	EL2_CALL_host_donate_hyp_mmio_range,
	EL2_CALL_hyp_donate_host_mmio,
	EL2_CALL_hyp_donate_host_mmio_range,
	EL2_CALL_host_donate_hyp,
	EL2_CALL_hyp_donate_host,
	EL2_CALL_host_share_ffa,
	EL2_CALL_host_unshare_ffa,
	EL2_CALL_ffa_mem_share,
	EL2_CALL_ffa_mem_reclaim,
	EL2_CALL_pin_shared_mem,
	EL2_CALL_unpin_shared_mem,
	EL2_CALL_host_stage2_idmap,
	EL2_CALL_map_mmio,
	EL2_CALL_host_stage2_unmap,
	/* the functions behind those about virtual machines, for any VM */
	EL2_CALL_vm_donate,
	EL2_CALL_vm_share,
	EL2_CALL_vm_unshare,
	EL2_CALL_vm_relax_perms,
	EL2_CALL_vm_wrprotect,
	EL2_CALL_vm_test_clear_young,
	EL2_CALL_vm_mkyoung,
	EL2_CALL_guest_share_host,
	EL2_CALL_guest_unshare_host,
	EL2_CALL_host_reclaim_page_guest,
	EL2_CALL_refill_memcache,
	N_EL2_CALLS
};

#define EL2_CALL_FIRST_VM EL2_CALL_host_donate_guest
#define EL2_CALL_FIRST_OWN EL2_CALL_host_donate_hyp_mmio
#define EL2_CALL_FIRST_VM_OWN EL2_CALL_vm_donate
extern const struct el2_call el2_calls[N_EL2_CALLS];

/* ---- The page-table library on tables of its own (for recordings and tests) ------------------- */

struct el2_pgtable_config {
	enum profile_id profile;
	u8 stage;
	u8 ia_bits;
	u32 flags;           /* recordings' encoding: 1 NOFWB, 2 IDMAP, 4 AS_S1 */
	bool force_pte_unless_rwx;
	bool cmo_callbacks;
	const struct el2_tree *tree; /* for the hypervisor that runs one */
	bool el1_build;      /* shared walks allowed, WARN is only an event */
	u64 first_page;      /* PA of the table allocator's first page */
	u32 page_limit;
};

struct el2_pgtable_op {
	const char *op;      /* "map", "unmap", "set_owner", "annotate", ..., as in the recordings */
	u64 ia, size, pa, prot, annotation;
	u32 owner, type, walk_flags;
	bool mkold;
};

struct el2_pgtable_result {
	s64 ret;
	u64 pte;   /* get_leaf, mkyoung */
	s8 level;  /* get_leaf */
};

struct el2_pgtable;

/* ---- Work: the same things again and again, for those who measure --------------------------------- */

/* What one round does, at EL2's internal functions; args are of EL2's own units. */
enum el2_work_id {
	WORK_MAP,	   /* stage2_map 4K + unmap: a random hole of a table; arg: its address */
	WORK_MAP_TABLES,   /* the same where no table is, 2 of them; arg: address */
	WORK_MAP_BLOCK,	   /* a block that level 2 has, and a table for it; arg: address */
	WORK_GET_LEAF,	   /* as WORK_MAP, one half */
	WORK_SHARE,	   /* host_share_hyp + unshare; arg: pfn */
	WORK_SHARE_RANDOM, /* of 256 from there on */
	WORK_DONATE,	   /* host_donate_hyp + hyp_donate_host; arg: pfn */
	WORK_SHARE_REFUSED,/* of a page that is shared; one half; arg: pfn */
	WORK_IDMAP,	   /* host_stage2_idmap + unmap of what it mapped; arg: address, size */
	WORK_FAULT,	   /* the same, mapped by handle_host_mem_abort; fault[0] */
	WORK_RECYCLE,	   /* fault[0], fault[1], host_stage2_unmap_dev_all; one half */
	WORK_LEND,	   /* host_share_guest + unshare; the loaded vCPU; arg: pfn, gfn */
	WORK_GUEST_SHARE,  /* guest_share_host + unshare; the loaded vCPU; arg: gfn */
	N_WORKS
};

#define WORK_SLOTS 65536u /* pages that WORK_MAP's table covers */
#define WORK_EVERY 8u	  /* one of so many is a hole */
enum { WORK_FIRST = 1, WORK_SECOND = 2 };

struct el2_fault;

struct el2_work {
	enum el2_work_id id;
	u32 halves;	  /* WORK_FIRST, WORK_SECOND; 0: what must be there before */
	u64 arg[2];
	const struct el2_fault *fault; /* two, for those who want them */
	u64 iterations;
	u64 random, drawn; /* state of the numbers by chance, never 0; the last one */
	u64 failures;	   /* results that were not as they should be; added to */
	u64 ns;		   /* where it ran on another processor's time: how long; else 0 */
};

static inline u64 el2_work_draw(struct el2_work *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->drawn = w->random;
}

/* ---- The hypervisor ------------------------------------------------------------------------------ */

struct el2; /* one booted instance on one board */

struct el2_fault {
	enum mmu_access access;
	u64 ipa;           /* faulting address as issued */
	struct mmu_result walk;
	struct mmu_syndrome syndrome;
	bool at_fails;     /* address translation instruction would fail */
};

enum el2_abort_result { EL2_ABORT_RETRY, EL2_ABORT_INJECTED };

/* Where a trap of a guest ended: back in it, at the host, or there is no guest. */
enum el2_guest_result { EL2_GUEST_RESUMED, EL2_GUEST_EXITED, EL2_GUEST_NONE };

struct el2_guest_exit { /* what the host reads of the vCPU after it exited */
	u64 esr, far, hpfar;
	bool rewind; /* the instruction is to be done again */
};

/* What a scenario may ask for that not every EL2 behind the seam has. */
enum el2_offer {
	EL2_OFFER_GUESTS,
	EL2_OFFER_FIRMWARE,  /* SMCs that somebody answers, FF-A */
	EL2_OFFER_PRESSURE,  /* a pool, @name, that is emptied or fails */
	EL2_OFFER_PARALLEL,  /* CPUs that are switched inside of EL2 */
	EL2_OFFER_CALL,      /* a function of EL2's own, @name */
	EL2_OFFER_HVC,       /* a hypercall, @name: answered, be it by a refusal */
	EL2_OFFER_MACHINE,   /* this configuration, on this board */
	EL2_OFFER_SELFTEST,  /* at boot, with el2_debug=on */
	EL2_OFFER_TABLES,    /* the page-table library by itself, as configured, on this board */
};

struct hypervisor {
	const char *name; /* "pkvm-sim" */
	bool shares_memory; /* with a process of its own */
	/* False with the reason, new. NULL: everything. @b for EL2_OFFER_MACHINE and _TABLES only. */
	bool (*offers)(const struct el2_config *c, enum el2_offer what, const char *name,
		       const struct board_config *b, char **why);

	struct el2 *(*new)(struct board *b, const struct el2_config *c, GError **error);
	void (*free)(struct el2 *e);

	/* Run on a CPU (inside cpu_call()). Boot steps give 0 or -errno. */
	s64 (*init)(struct el2 *e, struct cpu *cpu);
	s64 (*finalise)(struct el2 *e, struct cpu *cpu);
	s64 (*prot_finalize)(struct el2 *e, struct cpu *cpu);

	/* HVC from the host: regs[0] = function id .. ; results in regs[0], regs[1].. */
	void (*hvc)(struct el2 *e, struct cpu *cpu, u64 regs[18]);
	/* SMC from the host with its immediate: regs[0] = function id ..; what EL2 does not
	 * answer the firmware does. Results in regs[]. */
	void (*smc)(struct el2 *e, struct cpu *cpu, u16 imm, u64 regs[18]);
	/* A stage-2 fault of the host. */
	enum el2_abort_result (*host_abort)(struct el2 *e, struct cpu *cpu,
					    const struct el2_fault *f);

	/* The vCPU loaded on @cpu, its table (root 0: none), an HVC of its, a stage-2 fault. */
	struct mmu_table (*guest_s2)(struct el2 *e, struct cpu *cpu);
	enum el2_guest_result (*guest_hvc)(struct el2 *e, struct cpu *cpu, u64 regs[18],
					   struct el2_guest_exit *exit);
	enum el2_guest_result (*guest_abort)(struct el2 *e, struct cpu *cpu,
					     const struct el2_fault *f,
					     struct el2_guest_exit *exit);

	/* Calls by name: NULL terminated table of what this instance has. */
	const struct el2_call *const *(*calls)(struct el2 *e);
	/* SMCCC function id of a hypercall of the table. */
	u64 (*hvc_id)(struct el2 *e, const struct el2_call *call);
	/* An EL2-internal call. @args beyond those given hold the defaults. */
	s64 (*call)(struct el2 *e, struct cpu *cpu, const struct el2_call *call,
		    const u64 *args, unsigned int n_args);

	/* Pressure made by a scenario. No events. */
	bool (*pool_drain)(struct el2 *e, const char *pool, u64 leave, GError **error);
	bool (*pool_refill)(struct el2 *e, const char *pool, u64 pages, GError **error); /* ~0: all */
	bool (*fail_alloc)(struct el2 *e, const char *pool, u64 nth, u64 count, GError **error);

	const struct el2_view *(*view)(struct el2 *e);
	const struct el2_panic *(*panic)(struct el2 *e);
	/* Forget a panic and release locks, as the recorder of the recordings did. */
	void (*recover)(struct el2 *e);

	/* hyp_va() of the language: EL2's address of a physical page, mapped or not. */
	u64 (*hyp_va)(struct el2 *e, pa_t pa);

	/* *@ret is what the library's init gave. NULL: this EL2 has none. */
	struct el2_pgtable *(*pgtable_new)(struct board *b, const struct el2_pgtable_config *c,
					   struct cpu *cpu, s64 *ret, GError **error);
	void (*pgtable_op)(struct el2_pgtable *t, struct cpu *cpu,
			   const struct el2_pgtable_op *op, struct el2_pgtable_result *res);
	struct mmu_table (*pgtable_view)(struct el2_pgtable *t);
	u32 (*pgtable_refcount)(struct el2_pgtable *t, pa_t page);
	u32 (*pgtable_used)(struct el2_pgtable *t);
	void (*pgtable_free)(struct el2_pgtable *t);

	/* On a CPU, inside cpu_call(). False: has no such work. */
	bool (*work)(struct el2 *e, struct cpu *cpu, struct el2_work *w);
};

/*
 * Words for an entry that software owns: invalid entries and software bits.
 * "owner HYP", "locked", "donated to guest 0x1000 gfn 0x40", "SHARED_OWNED" or "".
 */
char *el2_annotation_words(const struct el2_layout *l, u64 pte);
/* Layout of a release, for `decode` without a machine. */
const struct el2_layout *el2_layout_of(enum profile_id id);
extern const struct el2_vm_layout el2_vm_layout; /* of every release */
/* What stands at hyp_vcpu_loaded: CPU + 1, 0: none. */
unsigned int el2_vcpu_loaded_on(const struct el2_view *v, unsigned int n_cpus, u64 word);

/* Exact name or with one of the kernel's prefixes dropped or added: NULL if none
 * or ambiguous (then *@ambiguous). */
const struct el2_call *el2_call_find(const struct el2_call *const *table, const char *name,
				     bool *ambiguous);

#endif
