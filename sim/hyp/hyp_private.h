/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sim/hyp share: the instance, the CPU at EL2, panics, and the
 * functions that one file offers the others, grouped by the file that has them.
 *
 * Names follow the kernel. Where the kernel uses a global or this_cpu_ptr(), the
 * functions here take struct hyp_cpu: this CPU, at this EL2.
 */
#ifndef PKVM_SIM_HYP_PRIVATE_H
#define PKVM_SIM_HYP_PRIVATE_H

#include "hyp_cpu.h"
#include "pgtable.h"

/* ---- page_alloc.c: buddy pools, after nvhe/page_alloc.c --------------------------------- */

/* MAX_PAGE_ORDER of the kernel's default configuration: 10, 11 with 16K pages, 13 with 64K. */
#define HYP_MAX_PAGE_ORDER 13
#define HYP_POOL_HEADS_SIZE (16 * (HYP_MAX_PAGE_ORDER + 1)) /* bytes of EL2's bss a pool */

struct hyp_pool {
	const char *name;
	struct spinlock lock;
	u64 range_start, range_end; /* PA, bytes; both 0: not made yet */
	unsigned int max_order;     /* inclusive */
	pa_t heads;                 /* list heads in EL2's bss: 16 bytes an order */
	/* scenario's pressure */
	pa_t held;                  /* stack of drained pages, linked through the pages */
	u64 n_held;
	u64 fail_after, fail_count; /* allocations to let pass, then to fail */
};

/* Always 0. @pool->name, ->lock and ->heads are set when the machine is made. */
int hyp_pool_init(struct hyp_cpu *c, struct hyp_pool *pool, u64 pfn, u64 nr_pages,
		  u64 reserved_pages);
pa_t hyp_alloc_pages(struct hyp_cpu *c, struct hyp_pool *pool, unsigned int order); /* 0: none */
void hyp_split_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page);
void hyp_get_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page);
void hyp_put_page(struct hyp_cpu *c, struct hyp_pool *pool, pa_t page);
u64 hyp_pool_free_pages(struct hyp_cpu *c, const struct hyp_pool *pool);

void hyp_page_ref_inc(struct hyp_cpu *c, pa_t phys); /* BUG at 65535 */
u32 hyp_page_ref_dec(struct hyp_cpu *c, pa_t phys);  /* BUG at 0; the count after */
void hyp_set_page_refcounted(struct hyp_cpu *c, pa_t phys);
void hyp_page_ref_reset(struct hyp_cpu *c, pa_t phys, u16 count); /* whatever it was */
/* v7.0 on: how often guests that are not protected map the page */
u32 get_host_share_count(struct hyp_cpu *c, pa_t phys);
void set_host_share_count(struct hyp_cpu *c, pa_t phys, u32 count);


/* ---- early_alloc.c ------------------------------------------------------------------------ */

struct hyp_early_alloc {
	u64 base, cur, end; /* PA, bytes */
};

void hyp_early_alloc_init(struct hyp_cpu *c, u64 base, u64 size);
pa_t hyp_early_alloc_contig(struct hyp_cpu *c, u64 nr_pages); /* zeroed; 0: none */
u64 hyp_early_alloc_nr_used_pages(struct hyp_cpu *c);
extern const struct pgtable_mm_ops hyp_early_alloc_mm_ops;

/* ---- mm.c: EL2's own address space, after nvhe/mm.c ------------------------------------------ */

int hyp_create_idmap(struct hyp_cpu *c, u32 hyp_va_bits);
int hyp_back_vmemmap(struct hyp_cpu *c, pa_t back);
int hyp_create_fixmap(struct hyp_cpu *c);
int pkvm_create_mappings(struct hyp_cpu *c, pa_t from, pa_t to, u64 prot); /* takes pkvm_pgd_lock */
int pkvm_create_mappings_locked(struct hyp_cpu *c, pa_t from, pa_t to, u64 prot);
int pkvm_alloc_private_va_range(struct hyp_cpu *c, u64 size, va_t *va);
int __pkvm_create_private_mapping(struct hyp_cpu *c, pa_t phys, u64 size, u64 prot, va_t *va);
int pkvm_create_stack(struct hyp_cpu *c, struct hyp_cpu *of);
/* A page through this CPU's slot; a block through the one slot that all share, locked. */
va_t hyp_fixmap_map(struct hyp_cpu *c, pa_t phys);
void hyp_fixmap_unmap(struct hyp_cpu *c);
u64 hyp_fixblock_size(const struct hyp *hyp);
bool hyp_fixblock_fits(const struct hyp_cpu *c, pa_t phys, u64 bytes);
va_t hyp_fixblock_map(struct hyp_cpu *c, pa_t phys);
void hyp_fixblock_unmap(struct hyp_cpu *c);

/* ---- mem_protect.c --------------------------------------------------------------------------- */

struct mem_range {
	u64 start, end; /* bytes, end exclusive; last hole ends at ~0 */
};
/* The region or hole that holds @addr; the region, NULL for a hole. */
const struct el2_region *find_mem_range(struct hyp *hyp, u64 addr, struct mem_range *range);
bool addr_is_memory(struct hyp *hyp, u64 addr);         /* NOMAP included; one byte */
bool addr_is_allowed_memory(struct hyp *hyp, u64 addr); /* not NOMAP */
bool range_is_memory(struct hyp *hyp, u64 start, u64 end);

int kvm_host_prepare_stage2(struct hyp_cpu *c, pa_t pool_base, u64 nr_pages);
s64 __pkvm_prot_finalize(struct hyp_cpu *c);
int host_stage2_idmap_locked(struct hyp_cpu *c, u64 addr, u64 size, u64 prot);
int host_stage2_set_owner_locked(struct hyp_cpu *c, u64 addr, u64 size, u8 owner);
int host_stage2_idmap(struct hyp_cpu *c, u64 addr);
enum el2_abort_result handle_host_mem_abort(struct hyp_cpu *c, const struct el2_fault *f);
/* host_stage2_try(): run @fn under the host lock; on -ENOMEM recycle MMIO, once again. */
int host_stage2_try(struct hyp_cpu *c, int (*fn)(struct hyp_cpu *c, void *arg), void *arg);
/* what fix_host_ownership() does for one EL2 leaf: by its state in @hyp_pte */
int fix_host_ownership_page(struct hyp_cpu *c, pa_t phys, u64 hyp_pte);

int __pkvm_host_share_hyp(struct hyp_cpu *c, u64 pfn);
int __pkvm_host_unshare_hyp(struct hyp_cpu *c, u64 pfn);
int __pkvm_host_donate_hyp(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int __pkvm_hyp_donate_host(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int __pkvm_host_share_ffa(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int __pkvm_host_unshare_ffa(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int hyp_pin_shared_mem(struct hyp_cpu *c, va_t from, va_t to);
void hyp_unpin_shared_mem(struct hyp_cpu *c, va_t from, va_t to);

/* ---- mmio.c: the March 2026 patches and their variants --------------------------------------- */

int __pkvm_host_donate_hyp_mmio(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int __pkvm_hyp_donate_host_mmio(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int unmap_protected_regions(struct hyp_cpu *c);
/* private EL2 address of a page donated with hyp_mmio_va=private; false: none */
bool hyp_mmio_private_va(struct hyp *hyp, pa_t pa, va_t *va);

/* ---- ffa_mem.c: memory lent to the secure world; the rest of FF-A is ffa.h ------------------- */

int ffa_mem_share(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int ffa_mem_reclaim(struct hyp_cpu *c, u64 pfn, u64 nr_pages);

/* ---- setup.c --------------------------------------------------------------------------------- */

s64 __pkvm_init(struct hyp_cpu *c);
s64 __pkvm_init_finalise(struct hyp_cpu *c);
int fix_host_ownership(struct hyp_cpu *c);
int fix_hyp_pgtable_refcnt(struct hyp_cpu *c);

/* ---- pkvm.c, vcpu.c: VMs as the rest of EL2 sees them; the rest is guest.h ------------------- */

bool pkvm_vms_new(struct hyp *hyp);
void pkvm_view(struct hyp *hyp);
struct hyp_pool *hyp_vm_pool_find(struct hyp *hyp, const char *name);
enum el2_guest_result pkvm_guest_hvc(struct hyp_cpu *c, u64 regs[18], struct el2_guest_exit *exit);
enum el2_guest_result pkvm_guest_abort(struct hyp_cpu *c, const struct el2_fault *f,
				       struct el2_guest_exit *exit);
void pkvm_ownership_selftest(struct hyp_cpu *c); /* selftest.c */
struct mmu_table pkvm_guest_s2(struct hyp_cpu *c); /* of the loaded vCPU; root 0: none */

/* ---- reserve.c: what the host does before EL2 runs, after arch/arm64/kvm/pkvm.c -------------- */

/* Image placement, hyp_memory[], the memory given to EL2. False: the user's mistake. */
bool kvm_hyp_reserve(struct hyp *hyp, GError **error);
/* Page counts that EL2 and the host compute alike (asm/kvm_pkvm.h). */
u64 hyp_s1_pgtable_pages(const struct hyp *hyp);
u64 host_s2_pgtable_pages(const struct hyp *hyp);
u64 hyp_vm_table_pages(const struct hyp *hyp);
u64 hyp_vmemmap_pages(const struct hyp *hyp);
u64 pkvm_selftest_pages(const struct hyp *hyp);
u64 hyp_ffa_proxy_pages(const struct hyp *hyp);

/* ---- pool.c: pressure made by a scenario ----------------------------------------------------- */

#define HYP_ERROR hyp_error_quark()
GQuark hyp_error_quark(void);
bool hyp_pool_drain(struct hyp *hyp, const char *pool, u64 leave, GError **error);
bool hyp_pool_refill(struct hyp *hyp, const char *pool, u64 pages, GError **error);
bool hyp_pool_fail_alloc(struct hyp *hyp, const char *pool, u64 nth, u64 count, GError **error);

/* ---- pgtable_alone.c: the library on tables of its own, for struct hypervisor ---------------- */

struct el2_pgtable *hyp_pgtable_new(struct board *b, const struct el2_pgtable_config *c,
				    struct cpu *cpu, s64 *ret, GError **error);
void hyp_pgtable_op(struct el2_pgtable *t, struct cpu *cpu, const struct el2_pgtable_op *op,
		    struct el2_pgtable_result *res);
struct mmu_table hyp_pgtable_view(struct el2_pgtable *t);
u32 hyp_pgtable_refcount(struct el2_pgtable *t, pa_t page);
u32 hyp_pgtable_used(struct el2_pgtable *t);
void hyp_pgtable_free(struct el2_pgtable *t);

/* ---- work.c: what benchmarks repeat ------------------------------------------------------------- */

bool hyp_work(struct hyp_cpu *c, struct el2_work *w);

/* ---- hyp-main.c ------------------------------------------------------------------------------ */

void handle_host_hcall(struct hyp_cpu *c, u64 regs[18]);
const struct el2_call *const *hyp_calls(struct hyp *hyp);
u64 hyp_hvc_id(struct hyp *hyp, const struct el2_call *call);
s64 hyp_call(struct hyp_cpu *c, const struct el2_call *call, const u64 *args, unsigned int n);

/* ---- the instance (hyp.c): all of it in the board's arena ------------------------------------ */

void hyp_pool_view(struct el2_pool_view *v, struct hyp_pool *pool, const struct hyp *hyp);

#define HYP_MEMBLOCK_REGIONS 128
#define HYP_PERCPU_PAGES EL2_PERCPU_PAGES
#define HYP_MAX_CALLS 96
#define HYP_LIVE_VMS_WORDS 4 /* a bit a slot of the table of VMs */
#define PROTECTED_REGS_MAX 8 /* of patch 02; entries past it are what EL2 would read beyond */

struct vmemmap_range { /* one mapped piece of hyp_vmemmap */
	u64 va, end, pa;
};

struct hyp {
	struct board *board;
	struct el2_config *cfg;          /* own copy, never changed */
	const struct profile *profile;
	const struct el2_vm_layout *vm_layout;
	const struct arch_features *f;
	u64 page_size; /* bytes */
	u8 page_shift;
	u8 knob[N_KNOBS];
	bool bug[N_BUGS];
	struct hyp_cpu *cpus;
	unsigned int nr_cpus;
	struct el2_layout layout;
	struct el2_view view;
	struct el2_pool_view pool_view[N_BASE_POOLS];
	struct el2_cpu_pages *cpu_pages;
	struct el2_panic panic;
	struct pgtable_variant variant;
	const struct el2_call *calls[HYP_MAX_CALLS]; /* hyp_calls(), NULL terminated */

	/* host-filled before __pkvm_init */
	struct el2_region hyp_memory[HYP_MEMBLOCK_REGIONS];
	unsigned int hyp_memblock_nr;
	int reserve_error;               /* kvm_hyp_reserve failed with this */
	struct el2_section idmap, text, data, rodata, bss, vgic, hyp_mem;
	struct protect_entry *protected_regs;
	unsigned int num_protected_reg;

	/* EL2's globals */
	bool initialised;                /* on the tables that __pkvm_init made */
	bool finalised;                  /* __pkvm_init_finalise ended in success */
	u64 va_offset;                   /* linear VA - PA */
	u32 hyp_va_bits;
	struct hyp_early_alloc early;
	u64 selftest_base, vmemmap_base, vmemmap_pages, vm_table_base;
	u64 hyp_pgt_base, hyp_pgt_pages, host_s2_base, host_s2_pages, ffa_base;
	struct vmemmap_range vmemmap[HYP_MEMBLOCK_REGIONS];
	unsigned int n_vmemmap; /* of these in use */
	struct {
		u64 off, bytes, pa; /* off: from hyp_vmemmap on */
	} vmemmap_last; /* where the last lookup ended */
	u64 hyp_vmemmap;                 /* VA of the entry for frame 0 */
	u64 io_map_base, io_map_next;    /* private range: start, cursor */
	va_t fixblock_va;
	pa_t fixblock_ptep;
	struct spinlock pkvm_pgd_lock, fixblock_lock, vm_table_lock;
	struct hyp_pool hpool, host_s2_pool;
	struct kvm_pgtable pkvm_pgtable; /* EL2 stage 1 */
	struct {
		struct kvm_pgtable pgt;
		struct spinlock lock;
	} host_mmu;
	struct ffa *ffa;                 /* the proxy's state: ffa.h */
	struct secure_world *secure_world; /* no part of EL2 */
	bool protected_mode_initialized; /* the static key */
	bool vm_table_published;
	struct extent *vm_store; /* struct pkvm_hyp_vm of each slot of the table: guest.h */
	u32 n_vm_slots;          /* of these have their locks */
	u64 live_vms[HYP_LIVE_VMS_WORDS];
	const struct el2_guest_view *guests[EL2_MAX_VMS]; /* of the view */
};

static inline u8 hyp_knob(const struct hyp_cpu *c, enum knob_id id)
{
	return c->hyp->knob[id];
}

/* Is this bug of the past brought back? */
static inline bool hyp_has_bug(const struct hyp *hyp, enum bug_id id)
{
	return unlikely(hyp->bug[id]);
}

static inline u64 hyp_page_size(const struct hyp *hyp)
{
	return hyp->page_size;
}

/* EL2's linear map: total. */
static inline va_t hyp_va_of(const struct hyp *hyp, pa_t pa)
{
	return VA(pa.pa + hyp->va_offset);
}

static inline pa_t hyp_pa_of(const struct hyp *hyp, va_t va)
{
	return PA(va.va - hyp->va_offset);
}

/* Virtual address in hyp_vmemmap of the entry of @phys: arithmetic, backed or not. */
static inline va_t hyp_page_va(const struct hyp *hyp, u64 phys)
{
	return VA(hyp->hyp_vmemmap + (phys >> hyp->page_shift) * hyp->layout.hyp_page_size);
}

pa_t vmemmap_lookup(struct hyp_cpu *c, pa_t phys);

/*
 * struct hyp_page of the frame at @phys: EL2 aborts where vmemmap has no backing. The
 * kernel's is mere arithmetic and the abort comes with the access that always follows.
 */
static inline pa_t hyp_phys_to_page(struct hyp_cpu *c, pa_t phys)
{
	const struct hyp *hyp = c->hyp;
	const u64 off = (phys.pa >> hyp->page_shift) * hyp->layout.hyp_page_size -
			hyp->vmemmap_last.off;

	if (likely(off < hyp->vmemmap_last.bytes))
		return PA(hyp->vmemmap_last.pa + off);
	return vmemmap_lookup(c, phys);
}

/* References on the page at @phys. No lock is taken. */
static inline u32 hyp_page_count(struct hyp_cpu *c, pa_t phys)
{
	return mem_load16(c->cpu, hyp_phys_to_page(c, phys), MO_PLAIN);
}

/*
 * Page states in struct hyp_page, v7.0 on: two nibbles of one byte, so that all
 * zero means "owned by the host, nothing of EL2". Under the host's lock, for the
 * hyp state also under pkvm_pgd_lock.
 */
static inline pa_t hyp_page_state_at(struct hyp_cpu *c, pa_t phys)
{
	return pa_add(hyp_phys_to_page(c, phys), c->hyp->layout.state_off);
}

static inline enum page_state get_host_state(struct hyp_cpu *c, pa_t phys)
{
	return (enum page_state)(mem_load8(c->cpu, hyp_page_state_at(c, phys), MO_PLAIN) & 0xf);
}

static inline enum page_state get_hyp_state(struct hyp_cpu *c, pa_t phys)
{
	const u8 both = mem_load8(c->cpu, hyp_page_state_at(c, phys), MO_PLAIN);

	return (enum page_state)(both >> 4 ^ c->hyp->layout.hyp_state_xor);
}

/* A load and a store, of which the bits in @keep stay. */
void change_page_state(struct hyp_cpu *c, pa_t phys, u8 keep, u8 bits);

static inline void set_host_state(struct hyp_cpu *c, pa_t phys, enum page_state s)
{
	change_page_state(c, phys, 0xf0, (u8)s);
}

static inline void set_hyp_state(struct hyp_cpu *c, pa_t phys, enum page_state s)
{
	change_page_state(c, phys, 0xf, (u8)((s ^ c->hyp->layout.hyp_state_xor) << 4));
}

#endif
