// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's dispatcher, the host's side of EL2's boot, CPU registers, and the view:
 * everything that the run-time asks the tree, compiled against the tree's own headers.
 */
#include <nvhe/hyp-main.c>

#include <nvhe/early_alloc.h>
#include <asm/kvm_pkvm.h>

#include "glue.h"
#include "work.h"

/* ---- Registers: per CPU, in EL2's own memory ------------------------------------------------- */

#define NAMED(R)								\
	R(hcr_el2) R(vttbr_el2) R(vtcr_el2) R(hpfar_el2) R(par_el1)		\
	R(cptr_el2) R(cpacr_el1) R(fpexc32_el2) R(SPSR_EL2)

#define ENCODED(R)								\
	R(ESR_EL2) R(FAR_EL2) R(ELR_EL2) R(SPSR_EL2) R(SCTLR_EL1) R(TCR_EL1)	\
	R(SCTLR_EL2) R(ESR_EL1) R(ELR_EL1) R(SPSR_EL1) R(FAR_EL1) R(VBAR_EL1)

struct sim_regs {
#define R(name) unsigned long name;
	NAMED(R)
#undef R
#define R(name) unsigned long e_##name;
	ENCODED(R)
#undef R
};

static DEFINE_PER_CPU(struct sim_regs, sim_regs);

#define R(name)									\
unsigned long *sim_reg_##name(void)						\
{										\
	return &this_cpu_ptr(&sim_regs)->name;					\
}
NAMED(R)
#undef R

/* The same registers by another spelling. */
unsigned long *sim_reg_HCR_EL2(void)
{
	return sim_reg_hcr_el2();
}

unsigned long *sim_reg_elr_el2(void)
{
	return &this_cpu_ptr(&sim_regs)->e_ELR_EL2;
}

/* Not in EL2's memory: it says where that is. */
static unsigned long tpidr __section(".data.sim");

unsigned long *sim_reg_tpidr_el2(void)
{
	return &tpidr;
}

static unsigned long *encoded(unsigned int encoding)
{
	struct sim_regs *r = this_cpu_ptr(&sim_regs);

	switch (encoding) {
#define R(name)									\
	case SYS_##name:							\
		return &r->e_##name;
	ENCODED(R)
#undef R
	}
	sim_trap("unknown register", __FILE__, __LINE__, "a system register that the board has not");
}

unsigned long sim_sysreg_read(unsigned int encoding)
{
	return *encoded(encoding);
}

void sim_sysreg_write(unsigned int encoding, unsigned long val)
{
	*encoded(encoding) = val;
}

/* The host's stage 1 is flat: its address is the intermediate one, if it translates. */
int sim_at(const char *op, unsigned long addr)
{
	extern u32 sim_at_fails(void);

	this_cpu_ptr(&sim_regs)->par_el1 = sim_at_fails() ? SYS_PAR_EL1_F :
					   (addr & GENMASK_ULL(47, 12));
	return 0;
}

/* ---- What the kernel has outside of EL2's sources ---------------------------------------------- */

#ifndef HAVE_RESERVED_VMS /* switch.c is not there */
DEFINE_PER_CPU(struct kvm_host_data, kvm_host_data);
DEFINE_PER_CPU(unsigned long, kvm_hyp_vector);
#endif
struct static_key_false kvm_protected_mode_initialized = STATIC_KEY_FALSE_INIT;

unsigned char sim_caps[ARM64_NCAPS] __section(".data.sim");

static void set_caps(const struct tree_shared *s)
{
	memset(sim_caps, 0, sizeof(sim_caps));
	sim_caps[ARM64_ALWAYS_BOOT] = sim_caps[ARM64_ALWAYS_SYSTEM] = 1;
	sim_caps[ARM64_KVM_PROTECTED_MODE] = 1;
	sim_caps[ARM64_HAS_STAGE2_FWB] = s->fwb;
	sim_caps[ARM64_HAS_CACHE_DIC] = s->dic;
	sim_caps[ARM64_HAS_CACHE_IDC] = s->idc;
	sim_caps[ARM64_HAS_TLB_RANGE] = s->tlbirange;
	sim_caps[ARM64_BTI] = s->bti;
	sim_caps[ARM64_HAS_ARMv8_4_TTL] = 1;
	sim_caps[ARM64_KVM_HVHE] = s->hvhe;
#ifdef ARM64_HAS_XNX
	sim_caps[ARM64_HAS_XNX] = s->xnx;
#endif
}

static u64 parange(const struct tree_shared *s)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	u64 i;

	for (i = 0; i < ARRAY_SIZE(bits) - 1; i++)
		if (bits[i] == s->pa_bits)
			break;
	return i;
}

/* ---- Layout ---------------------------------------------------------------------------------------- */

const u32 glue_hyp_page_size __section(".rodata.sim") = sizeof(struct hyp_page);
const u32 glue_refcount_off __section(".rodata.sim") = offsetof(struct hyp_page, refcount);
const u32 glue_order_off __section(".rodata.sim") = offsetof(struct hyp_page, order);
const u32 glue_order_width __section(".rodata.sim") = sizeof_field(struct hyp_page, order);

/* Of its own at boot, with CONFIG_NVHE_EL2_DEBUG. */
#ifdef HAVE_pkvm_selftest
#define SELFTEST 1
#else
#define SELFTEST 0
#define pkvm_selftest_pages() 0
#endif

u64 glue_mem_pages(void)
{
	return hyp_s1_pgtable_pages() + host_s2_pgtable_pages() + hyp_vm_table_pages() +
	       hyp_vmemmap_pages(sizeof(struct hyp_page)) + hyp_ffa_proxy_pages() +
	       pkvm_selftest_pages();
}

static void add_hcall(struct tree_layout *l, const char *name, unsigned int nr)
{
	unsigned int i;

	if (l->n_hcalls == TREE_MAX_HCALLS)
		return;
	for (i = 0; i < sizeof(l->hcall[0].name) - 1 && name[i]; i++)
		l->hcall[l->n_hcalls].name[i] = name[i];
	l->hcall[l->n_hcalls].name[i] = 0;
	if (nr < ARRAY_SIZE(host_hcall) && host_hcall[nr])
		l->hcall[l->n_hcalls].id = KVM_HOST_SMCCC_ID(0) + nr;
	l->n_hcalls++;
}

static_assert(sizeof(phys_addr_t) == 8 && IS_ENABLED(CONFIG_BUG) && PAGE_SIZE == 4096);

void glue_layout(struct tree_layout *l)
{
	extern u32 glue_calls(void), glue_protected_regions(void);

	l->protocol = TREE_PROTOCOL;
	l->hyp_page_size = sizeof(struct hyp_page);
	l->refcount_off = offsetof(struct hyp_page, refcount);
	l->refcount_width = sizeof_field(struct hyp_page, refcount);
	l->order_off = offsetof(struct hyp_page, order);
	l->order_width = sizeof_field(struct hyp_page, order);
#ifdef HAVE_kvm_pgtable_stage2_annotate
	l->has_annotate = 1;
#endif
	l->memblock_regions = HYP_MEMBLOCK_REGIONS;
	l->calls = glue_calls() | glue_vm_calls();
	l->protected_regions = glue_protected_regions();
	l->has_selftest = SELFTEST;
	glue_vm_layout(&l->vm);
	l->n_hcalls = 0;
#define H(name) add_hcall(l, #name, __KVM_HOST_SMCCC_FUNC_##name);
#include "hcalls.h"
#undef H
}

/* ---- EL1's preparations: kvm_hyp_init_symbols(), prepare_cpu_hyp_mode(), kvm_hyp_reserve() --------- */

void glue_set_cpu(unsigned int cpu)
{
	tpidr = __hyp_per_cpu_offset(cpu);
}

void glue_setup(const struct tree_shared *s)
{
	extern void glue_protect(const struct tree_shared *s);
	unsigned int i;

	set_caps(s);
	glue_protect(s);
	hyp_physvirt_offset = -(s64)TREE_VA_OFFSET;
	for (i = 0; i < s->n_regions && i < HYP_MEMBLOCK_REGIONS; i++) {
		hyp_memory[i].base = s->region[i].base;
		hyp_memory[i].size = s->region[i].size;
		hyp_memory[i].flags = s->region[i].nomap ? MEMBLOCK_NOMAP : MEMBLOCK_NONE;
	}
	hyp_memblock_nr = s->n_regions;
	kvm_arm_vmid_bits = 8;
	kvm_host_psci_config.smccc_version = s->smccc_version;
	hyp_nr_cpus = s->n_cpus; /* to v7.0 an argument of __pkvm_init() says it again */
	id_aa64mmfr0_el1_sys_val = FIELD_PREP(ID_AA64MMFR0_EL1_PARANGE_MASK, parange(s)) |
				   FIELD_PREP(ID_AA64MMFR0_EL1_TGRAN4_2_MASK, 2);
	id_aa64mmfr1_el1_sys_val = FIELD_PREP(ID_AA64MMFR1_EL1_HAFDBS_MASK, 1);
	for (i = 0; i < s->n_cpus; i++)
		kvm_arm_hyp_percpu_base[i] = s->percpu_pa[i];
	for (i = 0; i < s->n_cpus; i++) {
		struct kvm_nvhe_init_params *p = per_cpu_ptr(&kvm_init_params, i);

		p->stack_pa = s->stack_pa[i];
		p->hcr_el2 = HCR_HOST_NVHE_PROTECTED_FLAGS;
	}
}

void glue_protected(void)
{
	atomic_set(&kvm_protected_mode_initialized.key.enabled, 1);
}

/* ---- The switch of tables, and the way back to the host --------------------------------------------- */

static bool own_tables;
static void (*go_on)(void);

void glue_switch(u64 pgd_pa, u64 stack, void *finalise)
{
	own_tables = true;
	go_on = finalise;
}

/* Read past the tables, which may be what is asked about. */
bool glue_on_own_tables(void)
{
	extern u64 memory_peek_va(u64 va);

	return memory_peek_va((u64)&own_tables) & 0xff;
}

void glue_go_on(void)
{
	go_on();
}

u64 glue_vmemmap(void)
{
	extern u64 memory_peek_va(u64 va);

	return memory_peek_va((u64)&__hyp_vmemmap);
}

static void keep_regs(struct tree_shared *s, struct kvm_cpu_context *ctxt)
{
	unsigned int i;

	for (i = 0; i < TREE_REGS; i++)
		s->regs[i] = ctxt->regs.regs[i];
}

void glue_host_enter(struct tree_shared *s, void *host_ctxt)
{
	keep_regs(s, host_ctxt);
}

/* An exception of a kernel, the host's or a guest's. */
void glue_exception(const struct tree_shared *s)
{
	struct sim_regs *r = this_cpu_ptr(&sim_regs);

	r->e_ESR_EL2 = s->esr;
	r->e_FAR_EL2 = s->far;
	r->hpfar_el2 = s->hpfar;
	r->SPSR_EL2 = r->e_SPSR_EL2 = PSR_MODE_EL1h;
}

#ifndef HAVE_RESERVED_VMS
void glue_guest_trap(struct tree_shared *s, bool *sim_silent)
{
	s->guest_end = TREE_GUEST_NONE; /* no vCPU is loaded but while it runs */
}
#endif

void glue_trap(struct tree_shared *s, bool *sim_silent)
{
	struct kvm_cpu_context *ctxt = host_data_ptr(host_ctxt);
	struct sim_regs *r = this_cpu_ptr(&sim_regs);
	unsigned int i;

	*sim_silent = true;
	for (i = 0; i < TREE_REGS; i++)
		ctxt->regs.regs[i] = s->regs[i];
	glue_exception(s);
	r->e_ESR_EL1 = 0;
	*sim_silent = false;
	handle_trap(ctxt);
	*sim_silent = true;
	s->injected = r->e_ESR_EL1;
	keep_regs(s, ctxt);
	*sim_silent = false;
}

/* A fault of the host, as handle_trap() finds it. */
void glue_fault(u64 esr, u64 far, u64 hpfar)
{
	struct sim_regs *r = this_cpu_ptr(&sim_regs);

	r->e_ESR_EL2 = esr;
	r->e_FAR_EL2 = far;
	r->hpfar_el2 = hpfar;
	handle_host_mem_abort(host_data_ptr(host_ctxt));
}

/* __pkvm_init() as kvm_arm's do_pkvm_init() calls it; to v7.0 the number of CPUs is an argument. */
void glue_init_regs(struct tree_shared *s)
{
	unsigned int i = 0;

	s->esr = (u64)ESR_ELx_EC_HVC64 << ESR_ELx_EC_SHIFT;
	s->regs[i++] = KVM_HOST_SMCCC_FUNC(__pkvm_init);
	s->regs[i++] = s->args[0];
	s->regs[i++] = s->args[1];
#ifdef HAVE_INIT_NR_CPUS
	s->regs[i++] = s->n_cpus;
#endif
	s->regs[i++] = (u64)kvm_arm_hyp_percpu_base;
	s->regs[i++] = 48;
}

/* ---- Pools and locks ----------------------------------------------------------------------------------- */

struct glue_pressure {
	u64 held, n_held, pass, fail;
};
static struct glue_pressure pressure[TREE_POOLS];

struct glue_pressure *glue_pressure(unsigned int i)
{
	return &pressure[i];
}

void glue_fail(unsigned int i, u64 pass, u64 fail)
{
	pressure[i].pass = pass;
	pressure[i].fail = fail;
}

void *glue_pool(unsigned int i)
{
	return i ? glue_hpool() : glue_host_s2_pool();
}

void *glue_pool_lock(void *pool)
{
	return &((struct hyp_pool *)pool)->lock;
}

u64 glue_free_pages(void *p)
{
	struct hyp_pool *pool = p;
	struct list_head *at;
	u64 n = 0;
	int i;

	for (i = 0; i <= pool->max_order; i++)
		list_for_each(at, &pool->free_area[i])
			n += 1UL << i;
	return n;
}

void glue_recover(void)
{
	unsigned int i;

	for (i = 0; i < hyp_nr_cpus; i++) {
		struct kvm_cpu_context *host = &per_cpu_ptr(&kvm_host_data, i)->host_ctxt;

		if (host->__hyp_running_vcpu)
			per_cpu_ptr(&sim_regs, i)->vttbr_el2 = kvm_get_vttbr(&host_mmu.arch.mmu);
		host->__hyp_running_vcpu = NULL;
	}
	hyp_spin_lock_init(&pkvm_pgd_lock);
	hyp_spin_lock_init(&host_mmu.lock);
	hyp_spin_lock_init(glue_vm_table_lock());
	hyp_spin_lock_init(glue_ffa_version_lock());
	hyp_spin_lock_init(glue_ffa_buffers_lock());
	hyp_spin_lock_init(&glue_hpool()->lock);
	hyp_spin_lock_init(&glue_host_s2_pool()->lock);
}

/* ---- The view ------------------------------------------------------------------------------------------- */

void glue_view_table(struct tree_table *t, const struct kvm_pgtable *pgt)
{
	t->root = pgt->pgd ? __hyp_pa(pgt->pgd) : 0;
	t->ia_bits = pgt->ia_bits;
	t->start_level = pgt->start_level;
}

void glue_view_pool(struct tree_pool *v, struct hyp_pool *pool)
{
	v->start = pool->range_start;
	v->end = pool->range_end;
	v->heads = (u64)pool->free_area;
	v->lock = (u64)&pool->lock;
	v->max_order = pool->max_order;
}

void glue_view_s1(struct tree_shared *s)
{
	extern u8 *memory_at(u64 pa);
	const struct kvm_pgtable *pgt = (void *)memory_at((u64)&pkvm_pgtable - TREE_VA_OFFSET);

	glue_view_table(&s->view.s1, pgt);
}

void glue_view(struct tree_shared *s)
{
	struct tree_view *v = &s->view;
	unsigned int i;

	v->on_own_tables = own_tables;
	glue_view_table(&v->s1, &pkvm_pgtable);
	glue_view_table(&v->s2, &host_mmu.pgt);
	for (i = 0; i < TREE_POOLS; i++)
		glue_view_pool(&v->pool[i], glue_pool(i));
	v->page_map = __hyp_vmemmap;
	v->private_next = glue_private_next();
	v->vm_table = glue_vm_table();
	v->lock[TREE_LOCK_HOST] = (u64)&host_mmu.lock;
	v->lock[TREE_LOCK_HYP] = (u64)&pkvm_pgd_lock;
	v->lock[TREE_LOCK_FIXBLOCK] = glue_fixblock_lock();
	v->lock[TREE_LOCK_VMS] = (u64)glue_vm_table_lock();
	v->lock[TREE_LOCK_FFA_VERSION] = (u64)glue_ffa_version_lock();
	v->lock[TREE_LOCK_FFA_BUFFERS] = (u64)glue_ffa_buffers_lock();
	for (i = 0; i < s->n_cpus; i++) {
		const struct sim_regs *r = per_cpu_ptr(&sim_regs, i);

		v->cpu[i].hcr = r->hcr_el2;
		v->cpu[i].vttbr = r->vttbr_el2;
		v->cpu[i].vtcr = r->vtcr_el2;
	}
	glue_view_guests(s);
}
