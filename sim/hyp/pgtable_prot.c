// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Permissions and memory types: from PROT_* to the attribute bits of a leaf and
 * back. After the *_prot_attr() and *_pte_prot() functions of
 * arch/arm64/kvm/hyp/pgtable.c, v6.12 to v7.2.
 */
#include "pgtable_priv.h"

/* MAIR indexes of EL2. */
#define MT_NORMAL 0
#define MT_DEVICE_NGNRE 4

/* AP[2:1]: with one exception level (nVHE) bit 6 is RES1. */
static u64 hyp_ap(const struct kvm_pgtable *pgt, bool writable)
{
	if (pgt->f->hvhe)
		return writable ? 0 : 2;
	return writable ? 1 : 3;
}

static u64 shareable_and_young(const struct kvm_pgtable *pgt)
{
	return PTE_AF | (pgt->f->lpa2 ? 0 : FIELD_PREP(PTE_SH, 3));
}

/* Execute-never bits of a stage-1 leaf; @prot as it is after UX was dropped. */
static u64 hyp_xn(const struct kvm_pgtable *pgt, u64 prot)
{
	u64 attr = 0;

	if (!pgt->v->hvhe_pxn)
		return prot & PROT_X ? 0 : PTE_S1_UXN;
	if (!pgt->f->hvhe)
		return prot & PROT_PX ? 0 : PTE_S1_UXN;
	if (!(prot & PROT_PX))
		attr |= PTE_S1_PXN;
	if (!(prot & PROT_UX))
		attr |= PTE_S1_UXN;
	return attr;
}

/*
 * hyp_set_prot_attr - attributes of a stage-1 leaf of EL2
 *
 * -EINVAL: not readable; executable and writable; executable device. A request
 * for NORMAL_NC gives NORMAL, as in the kernel.
 */
int hyp_set_prot_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr)
{
	bool device = prot & PROT_DEVICE;
	u64 a;

	if (!(prot & PROT_R))
		return -EINVAL;
	if (pgt->v->hyp_drops_ux && !pgt->f->hvhe)
		prot &= ~PROT_UX;

	a = FIELD_PREP(PTE_S1_ATTRIDX, device ? MT_DEVICE_NGNRE : MT_NORMAL);
	if (prot & PROT_X) {
		if (prot & PROT_W)
			return -EINVAL;
		if (device)
			return -EINVAL;
		if (pgt->f->bti)
			a |= PTE_S1_GP;
	}
	a |= hyp_xn(pgt, prot);
	a |= FIELD_PREP(PTE_S1_AP, hyp_ap(pgt, prot & PROT_W));
	a |= shareable_and_young(pgt);
	a |= prot & PROT_SW;
	*attr = a;
	return 0;
}

/* Memory types are not decoded; an invalid entry gives its software bits only. */
u64 kvm_pgtable_hyp_pte_prot(const struct kvm_pgtable *pgt, u64 pte)
{
	u64 prot = pte & PROT_SW;
	u64 ap = FIELD_GET(PTE_S1_AP, pte);

	if (!pte_valid(pte))
		return prot;

	if (ap == hyp_ap(pgt, false))
		prot |= PROT_R;
	else if (ap == hyp_ap(pgt, true))
		prot |= PROT_RW;

	if (!pgt->v->hvhe_pxn)
		return prot | (pte & PTE_S1_UXN ? 0 : PROT_X);
	if (!pgt->f->hvhe)
		return prot | (pte & PTE_S1_UXN ? 0 : PROT_PX);
	if (!(pte & PTE_S1_PXN))
		prot |= PROT_PX;
	if (!(pte & PTE_S1_UXN))
		prot |= PROT_UX;
	return prot;
}

/* v6.12: per table (NOFWB); later the CPU alone decides. */
bool stage2_has_fwb(const struct kvm_pgtable *pgt)
{
	if (!pgt->f->fwb)
		return false;
	return !(pgt->v->nofwb_flag && (pgt->flags & S2_NOFWB));
}

static bool stage2_as_s1(const struct kvm_pgtable *pgt)
{
	return !pgt->v->nofwb_flag && (pgt->flags & S2_AS_S1);
}

/* MemAttr of a leaf: with AS_S1 one value for every type. */
static u64 stage2_memattr(const struct kvm_pgtable *pgt, u64 type)
{
	bool fwb = stage2_has_fwb(pgt);

	if (stage2_as_s1(pgt))
		return fwb ? S2_MEMATTR_FWB_AS_S1 : S2_MEMATTR_NORMAL;
	if (type & PROT_DEVICE)
		return S2_MEMATTR_DEVICE;
	if (type & PROT_NORMAL_NC)
		return S2_MEMATTR_NC;
	return fwb ? S2_MEMATTR_FWB_NORMAL : S2_MEMATTR_NORMAL;
}

bool stage2_pte_cacheable(const struct kvm_pgtable *pgt, u64 pte)
{
	return pte_valid(pte) && FIELD_GET(PTE_S2_MEMATTR, pte) == stage2_memattr(pgt, 0);
}

/* The XN field as the release knows it. */
u64 stage2_xn_mask(const struct kvm_pgtable *pgt)
{
	return pgt->v->xn_two_bits ? PTE_S2_XN : BIT(54);
}

/* As the I-cache maintenance asks. */
bool stage2_pte_executable(const struct kvm_pgtable *pgt, u64 pte)
{
	if (!pte_valid(pte))
		return false;
	if (!pgt->v->xn_two_bits)
		return !(pte & BIT(54));
	if (pgt->v->icache_xn_zero_only)
		return FIELD_GET(PTE_S2_XN, pte) == S2_XN_PX_UX;
	return FIELD_GET(PTE_S2_XN, pte) != S2_XN_NONE;
}

/* Adds the XN field to *@attr. -EINVAL: PX and UX differ without FEAT_XNX. */
int stage2_set_xn_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr)
{
	bool px = prot & PROT_PX, ux = prot & PROT_UX;

	if (!pgt->v->xn_two_bits) {
		*attr |= px || ux ? 0 : BIT(54);
		return 0;
	}
	if (px != ux && !pgt->f->xnx)
		return -EINVAL;
	if (px)
		*attr |= FIELD_PREP(PTE_S2_XN, ux ? S2_XN_PX_UX : S2_XN_PX);
	else
		*attr |= FIELD_PREP(PTE_S2_XN, ux ? S2_XN_UX : S2_XN_NONE);
	return 0;
}

/*
 * stage2_set_prot_attr - attributes of a stage-2 leaf
 *
 * -EINVAL: DEVICE together with NORMAL_NC; either of them executable; PX without
 * UX or the reverse where the CPU cannot tell them apart. Neither R nor W need
 * be asked for.
 */
int stage2_set_prot_attr(const struct kvm_pgtable *pgt, u64 prot, u64 *attr)
{
	u64 type = prot & (PROT_DEVICE | PROT_NORMAL_NC);
	u64 a;
	int ret;

	if (type == (PROT_DEVICE | PROT_NORMAL_NC))
		return -EINVAL;
	if (type && (prot & PROT_X))
		return -EINVAL;

	a = FIELD_PREP(PTE_S2_MEMATTR, stage2_memattr(pgt, type));
	ret = stage2_set_xn_attr(pgt, prot, &a);
	if (ret)
		return ret;
	if (prot & PROT_R)
		a |= PTE_S2_R;
	if (prot & PROT_W)
		a |= PTE_S2_W;
	a |= shareable_and_young(pgt);
	a |= prot & PROT_SW;
	*attr = a;
	return 0;
}

/* The memory type is not decoded: what is mapped again by this is NORMAL. */
u64 kvm_pgtable_stage2_pte_prot(const struct kvm_pgtable *pgt, u64 pte)
{
	static const u64 x[4] = {
		[S2_XN_PX_UX] = PROT_X, [S2_XN_UX] = PROT_UX, [S2_XN_PX] = PROT_PX
	};
	u64 prot = pte & PROT_SW;

	if (!pte_valid(pte))
		return prot;
	if (pte & PTE_S2_R)
		prot |= PROT_R;
	if (pte & PTE_S2_W)
		prot |= PROT_W;
	if (!pgt->v->xn_two_bits)
		return prot | (pte & BIT(54) ? 0 : PROT_X);
	return prot | x[FIELD_GET(PTE_S2_XN, pte)];
}
