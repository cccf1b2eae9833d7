// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the host lends over FF-A, after __do_ffa_mem_xfer() and
 * do_ffa_mem_reclaim() of nvhe/ffa.c (6.12.117, 7.2.13), as far as ownership goes: one
 * range a descriptor, no mailboxes, no fragments. Errors of FF-A as the errno that
 * stands for them: DENIED -EPERM, NO_MEMORY -ENOMEM.
 *
 * The secure world is modelled by what it remembers of the memory it was lent. EL2
 * keeps no such record: it believes what it is told when memory comes back.
 */
#include "mem_protect.h"

/* The secure world's record of exactly these pages; NULL. 0 pages: a free record. */
static struct ffa_piece *find_piece(const struct hyp *hyp, u64 pfn, u64 nr_pages)
{
	for (unsigned int i = 0; i < FFA_HANDLES; i++) {
		struct ffa_piece *p = &hyp->ffa.lent[i];

		if (p->nr_pages == nr_pages && (!nr_pages || p->pfn == pfn))
			return p;
	}
	return NULL;
}

static int secure_world_take(const struct hyp *hyp, u64 pfn, u64 nr_pages)
{
	struct ffa_piece *p = find_piece(hyp, 0, 0);

	if (!p)
		return -ENOMEM;
	*p = (struct ffa_piece){ pfn, nr_pages };
	return 0;
}

/* An honest one hands back what it was lent, piece by piece; with C1 whatever it is asked. */
static int secure_world_hand_back(const struct hyp *hyp, u64 pfn, u64 nr_pages)
{
	struct ffa_piece *p = find_piece(hyp, pfn, nr_pages);

	if (p)
		*p = (struct ffa_piece){ 0 };
	return p || hyp_has_bug(hyp, BUG_C1) ? 0 : -EPERM;
}

/*
 * ffa_mem_share - lend pages of the host to the secure world. Takes host_buffers.lock,
 * then as host_share_ffa(). -EINVAL: no pages; -EPERM: the host may not lend them;
 * -ENOMEM: the secure world takes no more, and the host has them back.
 */
int ffa_mem_share(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	int ret = nr_pages ? -EPERM : -EINVAL;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->ffa.lock);
	if (nr_pages && !__pkvm_host_share_ffa(c, pfn, nr_pages)) {
		ret = secure_world_take(c->hyp, pfn, nr_pages);
		if (ret)
			WARN_ON(c, __pkvm_host_unshare_ffa(c, pfn, nr_pages));
	}
	spin_unlock(c->cpu, &c->hyp->ffa.lock);
	return ret;
}

/*
 * ffa_mem_reclaim - the host asks for pages back, and the secure world names them.
 * Locks as ffa_mem_share(). -EINVAL: no pages; -EPERM: it was not lent them, in one
 * piece. What it hands back is unshared under WARN_ON: EL2 trusts it to be right.
 */
int ffa_mem_reclaim(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	int ret = nr_pages ? -EPERM : -EINVAL;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->ffa.lock);
	if (nr_pages)
		ret = secure_world_hand_back(c->hyp, pfn, nr_pages);
	if (!ret)
		WARN_ON(c, __pkvm_host_unshare_ffa(c, pfn, nr_pages));
	spin_unlock(c->cpu, &c->hyp->ffa.lock);
	return ret;
}
