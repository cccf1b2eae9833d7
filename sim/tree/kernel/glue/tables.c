// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's page-table library on tables of its own, one call at a time. Compiled twice: with
 * the host kernel's flags for the second stage, whose walks may be shared, with EL2's for its
 * own first. Pages come from the run-time (../tables.c).
 */
#include <asm/kvm_pgtable.h>
#include <asm/kvm_hyp.h>
#include <asm/kvm_mmu.h>

#include "protocol.h"
#include "table_probes.h"

#ifdef __KVM_NVHE_HYPERVISOR__
#define FN(name) el2_##name
#else
#define FN(name) el1_##name
#endif

void *tables_page(void *mc);
void *tables_pages(size_t bytes);
void tables_free(void *va, size_t bytes);
void tables_get(void *va);
void tables_put(void *va);
int tables_count(void *va);
void tables_unlinked(void *va, s8 level, bool done);
void tables_clean(void *va, size_t bytes);
void tables_invalidate(void *va, size_t bytes);

/* Not in EL2's image. */
static struct kvm_pgtable pgt __section(".bss.sim");
static struct kvm_s2_mmu mmu __section(".bss.sim");
static struct kvm_arch arch __section(".bss.sim");
static struct kvm_pgtable_mm_ops ops __section(".bss.sim");

static void *to_virt(phys_addr_t phys)
{
	return (void *)(phys + TREE_VA_OFFSET);
}

static phys_addr_t to_phys(void *virt)
{
	return (phys_addr_t)virt - TREE_VA_OFFSET;
}

static void free_unlinked(void *table, s8 level)
{
	tables_unlinked(table, level, false);
	kvm_pgtable_stage2_free_unlinked(&ops, table, level);
	tables_unlinked(table, level, true);
}

static bool unless_rwx(u64 addr, u64 end, enum kvm_pgtable_prot prot)
{
	return prot != KVM_PGTABLE_PROT_RWX;
}

/* What recordings call rights and flags, by the tree's own names. */
static enum kvm_pgtable_prot prot_of(u64 p)
{
	static const u64 bit[] = {
		KVM_PGTABLE_PROT_X, KVM_PGTABLE_PROT_W, KVM_PGTABLE_PROT_R,
		KVM_PGTABLE_PROT_DEVICE, KVM_PGTABLE_PROT_NORMAL_NC,
#ifdef HAVE_PX
		KVM_PGTABLE_PROT_PX, KVM_PGTABLE_PROT_UX,
#endif
	};
	u64 prot = p & GENMASK(58, 55);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bit); i++)
		if (p & BIT(i))
			prot |= bit[i];
	return prot;
}

static enum kvm_pgtable_stage2_flags flags_of(u64 f)
{
	enum kvm_pgtable_stage2_flags flags = 0;

#ifdef HAVE_NOFWB
	if (f & 1)
		flags |= KVM_PGTABLE_S2_NOFWB;
#endif
	if (f & 2)
		flags |= KVM_PGTABLE_S2_IDMAP;
#ifdef HAVE_AS_S1
	if (f & 4)
		flags |= KVM_PGTABLE_S2_AS_S1;
#endif
	return flags;
}

static long new(const struct tree_tables *t)
{
	ops = (struct kvm_pgtable_mm_ops){
		.zalloc_page = tables_page,
		.zalloc_pages_exact = tables_pages,
		.free_pages_exact = tables_free,
		.free_unlinked_table = free_unlinked,
		.get_page = tables_get,
		.put_page = tables_put,
		.page_count = tables_count,
		.phys_to_virt = to_virt,
		.virt_to_phys = to_phys,
	};
	if (t->cmo) {
		ops.dcache_clean_inval_poc = tables_clean;
		ops.icache_inval_pou = tables_invalidate;
	}
	if (t->stage == 1)
		return kvm_pgtable_hyp_init(&pgt, t->ia_bits, &ops);
	mmu.arch = &arch;
	mmu.pgt = &pgt;
	mmu.vtcr = kvm_get_vtcr(t->mmfr0, t->mmfr1, t->ia_bits);
	return __kvm_pgtable_stage2_init(&pgt, &mmu, &ops, flags_of(t->flags),
					 t->force_pte_unless_rwx ? unless_rwx : NULL);
}

static long annotate(struct tree_tables *t)
{
#ifdef HAVE_annotate
	return kvm_pgtable_stage2_annotate(&pgt, t->ia, t->size, &ops, t->type, t->annotation);
#else
	return kvm_pgtable_stage2_set_owner(&pgt, t->ia, t->size, &ops, t->type);
#endif
}

static long relax_perms(const struct tree_tables *t)
{
#ifdef HAVE_relax_flags
	return kvm_pgtable_stage2_relax_perms(&pgt, t->ia, prot_of(t->prot), t->walk_flags);
#else
	return kvm_pgtable_stage2_relax_perms(&pgt, t->ia, prot_of(t->prot));
#endif
}

static long mkyoung(struct tree_tables *t)
{
#ifdef HAVE_mkyoung_pte
	t->pte = kvm_pgtable_stage2_mkyoung(&pgt, t->ia);
#else
	kvm_pgtable_stage2_mkyoung(&pgt, t->ia, t->walk_flags);
#endif
	return 0;
}

static long get_leaf(struct tree_tables *t)
{
	s8 level = 0;
	long ret = kvm_pgtable_get_leaf(&pgt, t->ia, (kvm_pte_t *)&t->pte, &level);

	t->level = level;
	return ret;
}

static long destroy(const struct tree_tables *t)
{
	if (t->stage == 1)
		kvm_pgtable_hyp_destroy(&pgt);
	else
		kvm_pgtable_stage2_destroy(&pgt);
	return 0;
}

long FN(tables_op)(struct tree_tables *t)
{
	switch ((enum tree_tables_op)t->op) {
	case TREE_TABLES_new:
		return new(t);
	case TREE_TABLES_map:
		return kvm_pgtable_stage2_map(&pgt, t->ia, t->size, t->pa, prot_of(t->prot), &ops,
					      t->walk_flags);
	case TREE_TABLES_unmap:
		return kvm_pgtable_stage2_unmap(&pgt, t->ia, t->size);
	case TREE_TABLES_set_owner:
	case TREE_TABLES_annotate:
		return annotate(t);
	case TREE_TABLES_wrprotect:
		return kvm_pgtable_stage2_wrprotect(&pgt, t->ia, t->size);
	case TREE_TABLES_relax_perms:
		return relax_perms(t);
	case TREE_TABLES_mkyoung:
		return mkyoung(t);
	case TREE_TABLES_test_clear_young:
		return kvm_pgtable_stage2_test_clear_young(&pgt, t->ia, t->size, t->mkold);
	case TREE_TABLES_get_leaf:
		return get_leaf(t);
	case TREE_TABLES_flush:
		return kvm_pgtable_stage2_flush(&pgt, t->ia, t->size);
	case TREE_TABLES_hyp_map:
		return kvm_pgtable_hyp_map(&pgt, t->ia, t->size, t->pa, prot_of(t->prot));
	case TREE_TABLES_hyp_unmap:
		return kvm_pgtable_hyp_unmap(&pgt, t->ia, t->size);
	case TREE_TABLES_destroy:
		return destroy(t);
	case TREE_N_TABLES_OPS:
		break;
	}
	return -EINVAL;
}

void FN(tables_view)(struct tree_table *v)
{
	v->root = pgt.pgd ? to_phys(pgt.pgd) : 0;
	v->ia_bits = pgt.ia_bits;
	v->start_level = pgt.start_level;
}

#ifdef __KVM_NVHE_HYPERVISOR__
/* The CPU's registers as EL2 was told of them. */
void el2_tables_cpu(struct tree_tables *t)
{
	t->mmfr0 = id_aa64mmfr0_el1_sys_val;
	t->mmfr1 = id_aa64mmfr1_el1_sys_val;
}
#endif
