/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a board and the process that runs a kernel tree's EL2 say to each other, all of
 * it in one shared block beside the board's memory. The board asks, the other answers,
 * never both at once: @turn tells whose turn it is.
 *
 * The process works on the board's memory itself. What it does is told in events, in
 * order; before it first writes to a line of memory within a request it keeps the
 * line's old bytes. So the board can put everything back and let each event happen as if
 * its own code had done it, with undo logs, marks and subscribers none the wiser.
 */
#ifndef PKVM_SIM_TREE_PROTOCOL_H
#define PKVM_SIM_TREE_PROTOCOL_H

#include <stdint.h>

#define TREE_PROTOCOL 6

#define TREE_FD_MEMORY 3 /* board's storage, then its frame flags */
#define TREE_FD_SHARED 4 /* struct tree_shared */

#define TREE_MAX_EXTENTS 256
#define TREE_MAX_CPUS 64
#define TREE_MAX_REGIONS 128
#define TREE_MAX_PROTECTED 8
#define TREE_MAX_VMS 255
#define TREE_REGS 18
#define TREE_ARGS 8
#define TREE_CHAIN 16
#define TREE_LINE 512
#define TREE_MAX_EVENTS 65536u
#define TREE_MAX_LINES 8192u
/* of each one that an action may still need after it was seen to be nearly full */
#define TREE_RESERVE 640u

/* EL2's linear address of a physical one. */
#define TREE_VA_OFFSET UINT64_C(0x100000000000)

enum tree_op {
	TREE_OP_SETUP,	   /* what EL1 does before EL2 starts; fills in mem_pages */
	TREE_OP_INIT,	   /* args: base, size of what EL2 gets: __pkvm_init() */
	TREE_OP_TRAP,	   /* esr, far, hpfar, regs: an exception of the host */
	TREE_OP_GUEST,	   /* the same of the vCPU loaded here; guest_end */
	TREE_OP_FINALISE,  /* what an __pkvm_init() that got to the switch goes on with */
	TREE_OP_FINALIZED, /* the host sets its static key; regs as TREE_OP_TRAP */
	TREE_OP_CALL,	   /* number, args: a function of the tree; ret */
	TREE_OP_TAKE,	   /* args: pool, pages; silent */
	TREE_OP_GIVE,
	TREE_OP_FAIL,	 /* args: pool, to let pass, to fail */
	TREE_OP_RECOVER, /* all locks free */
	TREE_OP_LOOK,	 /* only the view */
	TREE_OP_WORK,	 /* work; the fast program only */
	TREE_OP_TABLES,	 /* @tables: a call of the page-table library; ret */
};

enum tree_guest_end { TREE_GUEST_NONE, TREE_GUEST_RESUMED, TREE_GUEST_EXITED };

enum tree_status {
	TREE_RETURNED,
	TREE_SWITCHING, /* __pkvm_init() wants its own tables */
	TREE_PANICKED,
	TREE_HUNG, /* @lock: which; 0: ten seconds of computing */
	TREE_SMC,  /* smc: EL3 is asked; let it go on with the answer in its place */
	TREE_FULL, /* more events than there is room: read them, and let it go on */
	TREE_LOST, /* the process itself is wrong; @panic.what says why */
};

/* Kinds are those of enum event_kind, by name. */
enum tree_kind {
	TREE_EV_LOCK,
	TREE_EV_UNLOCK,
	TREE_EV_LOAD,
	TREE_EV_STORE,
	TREE_EV_TLBI, /* what: operation; addr: operand; val: VMID */
	TREE_EV_DSB,
	TREE_EV_ISB,
	TREE_EV_ALLOC,
	TREE_EV_FREE,
	TREE_EV_GET,
	TREE_EV_PUT,
	TREE_EV_ZERO,
	TREE_EV_CMO,
	TREE_EV_ABORT,
	TREE_EV_CALL,
	TREE_EV_RET,
	TREE_EV_WARN, /* that went on */
};

/* Words of events; an index into it is what passes. */
/* clang-format off */
#define TREE_WORDS(W)                                                                      \
	W("")                                                                              \
	W("sy") W("ish") W("ishst") W("ishld") W("nsh") W("nshst") W("st") W("ld")         \
	W("osh") W("oshst") W("oshld")                                                     \
	W("dc_civac") W("ic_ivau") W("ic_ialluis") W("ic_iallu")                           \
	W("early") W("hyp_s1") W("host_s2") W("pool") W("tables") W("free_unlinked")       \
	W("vae2is") W("vale2is") W("alle2") W("alle2is") W("ipas2e1is") W("ipas2e1")       \
	W("ripas2e1is") W("vmalle1is") W("vmalle1") W("vmalls12e1is") W("vmalls12e1")      \
	W("alle1is")                                                                       \
	W("__kvm_tlb_flush_vmid_ipa") W("__kvm_tlb_flush_vmid_ipa_nsh")                    \
	W("__kvm_tlb_flush_vmid_range") W("__kvm_tlb_flush_vmid")                          \
	W("host_stage2_unmap") W("host_donate_hyp_mmio") W("hyp_donate_host_mmio")         \
	W("memcache")
/* clang-format on */

struct tree_event {
	uint8_t kind;		 /* enum tree_kind */
	uint8_t order;		 /* 0 plain, 1 once, 2 acquire, 3 release */
	uint8_t word;		 /* of TREE_WORDS */
	uint8_t width;		 /* bytes of a load or store */
	uint32_t pc;		 /* in the process's text */
	uint64_t addr, val, old; /* of a pool that has no name here: old is its lock */
};

struct tree_line {
	uint64_t pa;
	uint8_t old[TREE_LINE];
};

struct tree_extent {
	uint64_t base, size, offset; /* PA, bytes, offset in the memory file */
};

/* ---- What the tree's structures look like: `el2 --layout` ---------------------------------- */

#define TREE_MAX_HCALLS 96

/* Functions of EL2's own that can be called; those that the tree has are in @calls. */
/* clang-format off */
#define TREE_CALLS(C)                                                                      \
	C(host_donate_hyp) C(hyp_donate_host) C(host_share_ffa) C(host_unshare_ffa)        \
	C(pin_shared_mem) C(unpin_shared_mem) C(host_stage2_idmap) C(host_stage2_unmap)    \
	C(host_donate_hyp_mmio) C(hyp_donate_host_mmio) C(map_mmio)                        \
	C(vm_donate) C(vm_share) C(vm_unshare) C(vm_relax_perms) C(vm_wrprotect)           \
	C(vm_test_clear_young) C(vm_mkyoung) C(guest_share_host) C(guest_unshare_host)     \
	C(host_reclaim_page_guest) C(refill_memcache)

enum tree_call {
#define C(name) TREE_CALL_##name,
	TREE_CALLS(C)
#undef C
	TREE_N_CALLS
};
/* clang-format on */

/* What a tree does that a knob stands for: tried on tables of nobody's (tried.c). */
enum tree_mmio { TREE_MMIO_NONE, TREE_MMIO_ANY_PAGE, TREE_MMIO_NO_MEMORY };
enum tree_unmap { TREE_UNMAP_CLEARS, TREE_UNMAP_STOPS, TREE_UNMAP_SKIPS };

struct tree_tried {
	uint32_t mmio_donation;	 /* enum tree_mmio */
	uint32_t unmap;		 /* enum tree_unmap: an entry that names an owner */
	uint32_t commit_returns; /* a donation without tables is an error, no panic */
	uint32_t unwinds_all;	 /* a boot that fails: every region, not only the last */
	uint32_t injects;	 /* an abort, where the host may not access */
};

/* What el2.h says of struct el2_vm_layout, by the tree's own headers. */
struct tree_vm_layout {
	uint32_t kvm_size, kvm_created_vcpus, kvm_handle, kvm_is_protected, kvm_flags;
	uint32_t kvm_created_vcpus_width, kvm_handle_width, kvm_is_protected_width;
	uint32_t kvm_teardown_mc, kvm_stage2_teardown_mc;
	uint32_t vcpu_size, vcpu_idx, vcpu_idx_width, vcpu_kvm, vcpu_memcache;
	uint32_t mc_head, mc_nr_pages, mc_size;
	uint32_t hyp_vm_size, hyp_vcpu_size;
	uint32_t hyp_vcpu_memcache, hyp_vcpu_loaded, hyp_vcpu_host;
	uint32_t loaded_is_address, percpu_loaded;
	uint64_t kvm_has_id_regs;
	/* in the donated area of a VM */
	uint32_t hyp_vm_handle, hyp_vm_lock, hyp_vm_pool_lock;
};

struct tree_layout {
	uint32_t protocol;
	uint32_t hyp_page_size, refcount_off, refcount_width, order_off, order_width;
	uint32_t bss_bytes, data_bytes;
	uint32_t has_annotate, memblock_regions;
	uint32_t calls;		    /* 1 << enum tree_call */
	uint32_t protected_regions; /* that it has room for */
	uint32_t has_selftest;	    /* at boot, with CONFIG_NVHE_EL2_DEBUG */
	struct tree_tried tried;
	struct tree_vm_layout vm;
	uint32_t n_hcalls;
	struct {
		char name[44];
		uint32_t id; /* SMCCC; 0: the dispatcher has no function for it */
	} hcall[TREE_MAX_HCALLS];
};

/* ---- Work: what struct el2_work is, for the other side ------------------------------------- */

/* clang-format off */
#define TREE_WORKS(W)                                                                      \
	W(MAP) W(MAP_TABLES) W(MAP_BLOCK) W(GET_LEAF) W(SHARE) W(SHARE_RANDOM) W(DONATE)   \
	W(SHARE_REFUSED) W(IDMAP) W(FAULT) W(RECYCLE) W(LEND) W(GUEST_SHARE)

enum tree_work_id {
#define W(name) TREE_WORK_##name,
	TREE_WORKS(W)
#undef W
	TREE_N_WORKS
};
/* clang-format on */

struct tree_work {
	uint32_t id, halves;
	uint64_t arg[2];
	struct {
		uint64_t esr, far, hpfar;
	} fault[2];
	uint64_t slots, every;
	uint64_t iterations, random, drawn, failures;
	uint64_t ns;	 /* of the process's time */
	uint32_t absent; /* the tree has nothing of the kind */
};

struct tree_table {
	uint64_t root;
	uint32_t ia_bits;
	int32_t start_level;
};

struct tree_pool {
	uint64_t start, end, heads, lock; /* PA, PA, VA, VA */
	uint32_t max_order;
};

#define TREE_POOLS 2 /* host_s2, hyp_s1 */

enum tree_lock {
	TREE_LOCK_HOST,
	TREE_LOCK_HYP,
	TREE_LOCK_VMS,
	TREE_LOCK_FIXBLOCK,
	TREE_LOCK_FFA_VERSION,
	TREE_LOCK_FFA_BUFFERS,
	TREE_N_LOCKS
};

struct tree_view {
	uint32_t on_own_tables;
	struct tree_table s1, s2;
	struct tree_pool pool[TREE_POOLS];
	uint64_t page_map, private_next, vm_table;
	uint64_t lock[TREE_N_LOCKS]; /* VA */
	struct {
		uint64_t hcr, vttbr, vtcr;
		uint32_t loaded; /* handle of the VM whose vCPU is; 0: none */
	} cpu[TREE_MAX_CPUS];
	uint32_t n_guests;
};

struct tree_guest {
	uint32_t handle, created_vcpus;
	uint32_t is_protected, is_dying, vmid;
	struct tree_table s2;
	struct tree_pool pool;
	uint64_t area, host_kvm; /* VA */
};

struct tree_panic {
	char reason[32], what[160], file[160];
	uint32_t line, pc, n_chain;
	uint32_t chain[TREE_CHAIN]; /* innermost first */
	uint64_t far;
};

/* ---- The page-table library on tables of its own (tables.c) -------------------------------- */

#define TREE_MAX_TABLE_PAGES 65536u

/* clang-format off */
#define TREE_TABLES_OPS(O)                                                                 \
	O(new) O(map) O(unmap) O(set_owner) O(annotate) O(wrprotect) O(relax_perms)        \
	O(mkyoung) O(test_clear_young) O(get_leaf) O(flush) O(hyp_map) O(hyp_unmap)        \
	O(destroy)

enum tree_tables_op {
#define O(name) TREE_TABLES_##name,
	TREE_TABLES_OPS(O)
#undef O
	TREE_N_TABLES_OPS
};
/* clang-format on */

struct tree_tables {
	uint32_t op;		 /* enum tree_tables_op */
	uint32_t stage;		 /* 1: as EL2 has the library, 2: as the host kernel */
	uint32_t ia_bits, flags; /* as in recordings */
	uint32_t force_pte_unless_rwx, cmo;
	uint64_t mmfr0, mmfr1;
	uint64_t first_page;
	uint32_t page_limit;
	/* the call at hand; rights as in recordings */
	uint64_t ia, size, pa, prot, annotation;
	uint32_t type; /* or owner */
	uint32_t walk_flags, mkold;
	/* what it gave */
	uint64_t pte;
	int32_t level;
	/* pages */
	uint32_t used;
	uint16_t count[TREE_MAX_TABLE_PAGES]; /* references */
};

/* ---- The block ----------------------------------------------------------------------------- */

struct tree_shared {
	uint32_t turn; /* 0: the board's; else the process's */
	uint32_t op, cpu, status;
	uint32_t wants_loads, warn_continues, at_fails;
	uint32_t abandon; /* what it was doing when it gave the turn: nobody wants it any more */
	uint32_t forget; /* cached translations: memory changed under the process */
	uint64_t esr, far, hpfar;
	uint64_t injected;  /* what EL2 left in the host's ESR_EL1; 0: no abort */
	uint32_t guest_end; /* esr, far and hpfar then are what the host reads of the vCPU */
	uint32_t rewind;    /* its program counter stands before the instruction again */
	uint64_t regs[TREE_REGS];
	uint64_t smc[TREE_REGS];
	uint64_t args[TREE_ARGS];
	uint32_t number;
	int64_t ret;
	uint64_t lock;

	/* the machine: set before the process starts */
	uint32_t n_cpus, n_extents, n_regions, page_shift, pa_bits;
	uint32_t smccc_version;
	uint32_t fwb, dic, idc, tlbirange, bti, xnx, hvhe;
	uint64_t memory_bytes; /* storage; frame flags follow */
	struct tree_extent extent[TREE_MAX_EXTENTS];
	struct {
		uint64_t base, size;
		uint32_t nomap;
	} region[TREE_MAX_REGIONS];
	uint32_t n_protected;
	struct {
		uint64_t pfn, pages;
	} protect[TREE_MAX_PROTECTED]; /* what the host lists before it starts EL2 */
	uint64_t percpu_pa[TREE_MAX_CPUS], stack_pa[TREE_MAX_CPUS];
	uint64_t idmap_pa;

	uint64_t mem_pages; /* that EL2 needs by the tree's own reckoning */
	struct tree_view view;
	struct tree_guest guest[TREE_MAX_VMS]; /* of the view, by handle */
	struct tree_panic panic;
	struct tree_work work;
	struct tree_tables tables;

	uint32_t n_events, n_lines;
	struct tree_event event[TREE_MAX_EVENTS];
	struct tree_line line[TREE_MAX_LINES];
};

#endif
