// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the host shares or lends over FF-A, after __do_ffa_mem_xfer(),
 * do_ffa_mem_frag_tx() and do_ffa_mem_reclaim() of nvhe/ffa.c (6.12.117, 7.2.13).
 *
 * The host names pages by a descriptor in its mailbox, which EL2 copies before it
 * believes a byte of it: every length, offset and count in it may be a lie. EL2 keeps
 * no record of its own of what was lent: when memory comes back the secure world tells
 * which. Both ways EL2 marks pages first and is undone if the other side refuses.
 */
#include "ffa.h"
#include "mem_protect.h"

/* How this EL2 reads descriptors: the release, and the bugs brought back. */
static bool checks_endpoint(const struct hyp_cpu *c)
{
	return c->hyp->ffa->rel->bounds && !hyp_has_bug(c->hyp, BUG_B41);
}

static bool checks_reclaim(const struct hyp_cpu *c)
{
	return c->hyp->ffa->rel->bounds && !hyp_has_bug(c->hyp, BUG_B40);
}

static bool checks_alignment(const struct hyp_cpu *c)
{
	return c->hyp->ffa->rel->bounds && !hyp_has_bug(c->hyp, BUG_B42);
}

/* Header and endpoint entry as the check of the length counts them. */
static u32 smallest_head(const struct ffa *f)
{
	if (!f->rel->bounds)
		return FFA_REGION_SIZE + FFA_EP_SIZE;
	return ffa_region_size(f->version) + ffa_ep_size(f->version);
}

/* ffa_mem_desc_offset(): where the first endpoint's entry begins, as the descriptor says. */
static u32 endpoint_offset(struct hyp_cpu *c, va_t desc)
{
	if (c->hyp->ffa->version <= FFA_VERSION_1_0)
		return FFA_REGION_EP_OFFSET;
	return (u32)ffa_load(c, VA(desc.va + FFA_REGION_EP_OFFSET), 4);
}

/* ---- Ranges ------------------------------------------------------------------------------ */

typedef int (*range_fn)(struct hyp_cpu *c, u64 pfn, u64 nr_pages);

/* Ranges in order, up to the first that is not in whole pages or is refused: how many. */
static u32 for_ranges(struct hyp_cpu *c, va_t ranges, u32 n, range_fn fn)
{
	const u64 page = hyp_page_size(c->hyp);
	u32 i;

	for (i = 0; i < n; i++) {
		const va_t r = VA(ranges.va + (u64)i * FFA_RANGE_SIZE);
		u64 size = ffa_load(c, VA(r.va + FFA_RANGE_PAGES), 4) * FFA_PAGE_SIZE;
		u64 address = ffa_load(c, VA(r.va + FFA_RANGE_ADDRESS), 8);

		if (!IS_ALIGNED(size, page))
			break;
		if (checks_alignment(c) && !IS_ALIGNED(address, page))
			break;
		if (fn(c, address >> c->hyp->f->page_shift, size / page))
			break;
	}
	return i;
}

static s64 ffa_host_share_ranges(struct hyp_cpu *c, va_t ranges, u32 n)
{
	u32 done;

	HYP_FRAME(c);
	done = for_ranges(c, ranges, n, __pkvm_host_share_ffa);
	if (done == n)
		return FFA_RET_SUCCESS;
	if (!hyp_has_bug(c->hyp, BUG_B47))
		WARN_ON(c, for_ranges(c, ranges, done, __pkvm_host_unshare_ffa) != done);
	return FFA_RET_DENIED;
}

static s64 ffa_host_unshare_ranges(struct hyp_cpu *c, va_t ranges, u32 n)
{
	u32 done;

	HYP_FRAME(c);
	done = for_ranges(c, ranges, n, __pkvm_host_unshare_ffa);
	if (done == n)
		return FFA_RET_SUCCESS;
	WARN_ON(c, for_ranges(c, ranges, done, __pkvm_host_share_ffa) != done);
	return FFA_RET_DENIED;
}

/* ---- Share, lend --------------------------------------------------------------------------- */

/*
 * Where the ranges of the first fragment begin, which is in EL2's TX buffer, and how
 * many there are by its length. Errors in the order of the checks; an offset that is
 * not checked may lead EL2 anywhere.
 */
static s64 find_ranges(struct hyp_cpu *c, u32 fraglen, va_t *ranges, u32 *n)
{
	const struct ffa *f = c->hyp->ffa;
	const u32 ep = endpoint_offset(c, f->tx);
	u32 composite, left;

	if (checks_endpoint(c) && (u64)ep + ffa_ep_size(f->version) > fraglen)
		return FFA_RET_INVALID_PARAMETERS;
	composite = (u32)ffa_load(c, VA(f->tx.va + ep + FFA_EP_COMPOSITE), 4);
	if (!composite || ffa_load(c, VA(f->tx.va + FFA_REGION_EP_COUNT), 4) != 1 ||
	    ffa_load(c, VA(f->tx.va + FFA_REGION_SENDER), 2) != HOST_FFA_ID)
		return FFA_RET_INVALID_PARAMETERS;
	if (!hyp_has_bug(c->hyp, BUG_B39) && (u64)composite + FFA_COMPOSITE_SIZE > fraglen)
		return FFA_RET_INVALID_PARAMETERS;
	left = fraglen - composite - FFA_COMPOSITE_SIZE;
	if (left % FFA_RANGE_SIZE)
		return FFA_RET_INVALID_PARAMETERS;
	*ranges = VA(f->tx.va + composite + FFA_COMPOSITE_SIZE);
	*n = left / FFA_RANGE_SIZE;
	return FFA_RET_SUCCESS;
}

/* Did the secure world take it, or ask for what follows? */
static bool xfer_taken(const struct smc_regs *res, u32 len, u32 fraglen)
{
	if (fraglen == len)
		return res->a[0] == FFA_SUCCESS;
	return res->a[0] == FFA_MEM_FRAG_RX && res->a[3] == fraglen;
}

static s64 mem_xfer(struct hyp_cpu *c, u64 func_id, u32 len, u32 fraglen, struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;
	va_t ranges = { 0 };
	u32 n = 0;
	s64 ret;

	if (!f->host_mapped)
		return FFA_RET_INVALID_PARAMETERS;
	if (len > f->desc_len)
		return FFA_RET_NO_MEMORY;
	ffa_memcpy(c, f->tx, f->host_tx, fraglen);
	ret = find_ranges(c, fraglen, &ranges, &n);
	if (!ret)
		ret = ffa_host_share_ranges(c, ranges, n);
	if (ret)
		return ret;
	FFA_SMC(c, res, func_id, len, fraglen);
	if (!xfer_taken(res, len, fraglen))
		WARN_ON(c, ffa_host_unshare_ranges(c, ranges, n));
	return FFA_RET_SUCCESS;
}

/*
 * FFA_MEM_SHARE, FFA_MEM_LEND: whole, or the first fragment. The ranges are those of
 * the fragment's length, whatever the count in it says. INVALID_PARAMETERS: registers,
 * lengths, no mailbox, the descriptor; NO_MEMORY: too long for the way back; DENIED:
 * a page that is not the host's alone. Else the secure world's answer.
 */
static void do_ffa_mem_xfer(struct hyp_cpu *c, u64 func_id, const u64 regs[18],
			    struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u32 len = (u32)regs[1], fraglen = (u32)regs[2];
	s64 ret = FFA_RET_INVALID_PARAMETERS;

	HYP_FRAME(c);
	if (!regs[3] && !(u32)regs[4] && fraglen <= len && fraglen <= hyp_page_size(c->hyp) &&
	    fraglen >= smallest_head(f)) {
		spin_lock(c->cpu, &f->lock);
		ret = mem_xfer(c, func_id, len, fraglen, res);
		spin_unlock(c->cpu, &f->lock);
	}
	if (ret)
		ffa_to_smccc_res(res, ret);
}

void do_ffa_mem_share(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	do_ffa_mem_xfer(c, FFA_FN64_MEM_SHARE, regs, res);
}

void do_ffa_mem_lend(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	do_ffa_mem_xfer(c, FFA_FN64_MEM_LEND, regs, res);
}

static s64 mem_frag_tx(struct hyp_cpu *c, const u64 regs[18], u32 fraglen, struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;
	const u32 n = fraglen / FFA_RANGE_SIZE;
	s64 ret;

	if (!f->host_mapped)
		return FFA_RET_INVALID_PARAMETERS;
	ffa_memcpy(c, f->tx, f->host_tx, fraglen);
	ret = ffa_host_share_ranges(c, f->tx, n);
	if (ret) {
		FFA_SMC(c, res, FFA_MEM_RECLAIM, (u32)regs[1], (u32)regs[2]);
		WARN_ON(c, res->a[0] != FFA_SUCCESS);
		return ret;
	}
	FFA_SMC(c, res, FFA_MEM_FRAG_TX, (u32)regs[1], (u32)regs[2], fraglen, (u32)regs[4]);
	if (res->a[0] != FFA_SUCCESS && res->a[0] != FFA_MEM_FRAG_RX)
		WARN_ON(c, ffa_host_unshare_ranges(c, f->tx, n));
	return FFA_RET_SUCCESS;
}

/*
 * FFA_MEM_FRAG_TX: the next fragment, all of it ranges. INVALID_PARAMETERS: its length,
 * no mailbox; DENIED as above, and the secure world forgets the whole: the ranges of
 * fragments before are known to nobody then, and stay shared for good (B-46).
 */
void do_ffa_mem_frag_tx(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u32 fraglen = (u32)regs[3];
	s64 ret = FFA_RET_INVALID_PARAMETERS;

	HYP_FRAME(c);
	if (fraglen <= hyp_page_size(c->hyp) && fraglen % FFA_RANGE_SIZE == 0) {
		spin_lock(c->cpu, &f->lock);
		ret = mem_frag_tx(c, regs, fraglen, res);
		spin_unlock(c->cpu, &f->lock);
	}
	if (ret)
		ffa_to_smccc_res(res, ret);
}

/* ---- Reclaim ------------------------------------------------------------------------------- */

/* A descriptor on its way back: lengths and offsets as the secure world tells them. */
struct retrieved {
	u32 len, fraglen, composite;
};

/* The first fragment is in EL2's RX buffer: does it fit, and where are its ranges? */
static s64 check_retrieved(struct hyp_cpu *c, struct retrieved *d)
{
	const struct ffa *f = c->hyp->ffa;
	const bool checks = checks_reclaim(c);
	const u32 ep = endpoint_offset(c, f->rx);
	bool bogus;

	if (checks_endpoint(c) && (u64)ep + ffa_ep_size(f->version) > d->fraglen)
		return FFA_RET_INVALID_PARAMETERS;
	d->composite = (u32)ffa_load(c, VA(f->rx.va + ep + FFA_EP_COMPOSITE), 4);
	bogus = (u64)d->composite + (checks ? FFA_COMPOSITE_SIZE : 0) > d->len ||
		d->fraglen > hyp_page_size(c->hyp);
	/* that far EL3 was trusted, before */
	if (checks ? bogus : WARN_ON(c, bogus))
		return FFA_RET_ABORTED;
	if (d->len > f->desc_len)
		return FFA_RET_NO_MEMORY;
	return FFA_RET_SUCCESS;
}

/*
 * All fragments, one after the other, into the descriptor buffer. Nothing bounds those
 * after the first but where EL2's memory ends. One without bytes asks for itself again.
 */
static s64 collect(struct hyp_cpu *c, const struct retrieved *d, u64 handle, struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;
	u32 fraglen = d->fraglen;

	ffa_memcpy(c, f->desc, f->rx, fraglen);
	ffa_rx_release(c, res);
	for (u32 off = fraglen; off < d->len; off += fraglen) {
		FFA_SMC(c, res, FFA_MEM_FRAG_RX, (u32)handle, handle >> 32, off, HOST_FFA_ID);
		if (res->a[0] != FFA_MEM_FRAG_TX)
			return FFA_RET_INVALID_PARAMETERS;
		fraglen = (u32)res->a[3];
		if (!fraglen)
			cpu_hang(c->cpu);
		ffa_memcpy(c, VA(f->desc.va + off), f->rx, fraglen);
		ffa_rx_release(c, res);
	}
	return FFA_RET_SUCCESS;
}

static s64 mem_reclaim(struct hyp_cpu *c, u64 handle, u32 flags, struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;
	struct retrieved d;
	va_t composite;
	u32 count;
	s64 ret;

	for (u32 off = 0; off < FFA_REGION_SIZE; off += 8)
		ffa_store(c, VA(f->tx.va + off), off == FFA_REGION_HANDLE ? handle : 0, 8);
	FFA_SMC(c, res, FFA_FN64_MEM_RETRIEVE_REQ, FFA_REGION_SIZE, FFA_REGION_SIZE);
	if (res->a[0] != FFA_MEM_RETRIEVE_RESP)
		return FFA_RET_SUCCESS;
	d.len = (u32)res->a[1];
	d.fraglen = (u32)res->a[2];
	ret = check_retrieved(c, &d);
	if (ret) {
		ffa_rx_release(c, res);
		return ret;
	}
	ret = collect(c, &d, handle, res);
	if (ret)
		return ret;
	composite = VA(f->desc.va + d.composite);
	count = (u32)ffa_load(c, VA(composite.va + FFA_COMPOSITE_COUNT), 4);
	if (checks_reclaim(c) &&
	    (u64)d.composite + FFA_COMPOSITE_SIZE + (u64)count * FFA_RANGE_SIZE > d.len)
		return FFA_RET_ABORTED;
	FFA_SMC(c, res, FFA_MEM_RECLAIM, (u32)handle, handle >> 32, flags);
	if (res->a[0] == FFA_SUCCESS)
		WARN_ON(c,
			ffa_host_unshare_ranges(c, VA(composite.va + FFA_COMPOSITE_SIZE), count));
	return FFA_RET_SUCCESS;
}

/*
 * FFA_MEM_RECLAIM: the secure world describes what is under the handle, gives it up,
 * and those pages are the host's alone again, under WARN_ON. INVALID_PARAMETERS,
 * ABORTED, NO_MEMORY: its description. Else its answer. Asks for no host mailbox.
 */
void do_ffa_mem_reclaim(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u64 handle = (u32)regs[1] | (u64)(u32)regs[2] << 32;
	s64 ret;

	HYP_FRAME(c);
	spin_lock(c->cpu, &f->lock);
	ret = mem_reclaim(c, handle, (u32)regs[3], res);
	spin_unlock(c->cpu, &f->lock);
	if (ret)
		ffa_to_smccc_res(res, ret);
}

/* ---- One range, no messages ---------------------------------------------------------------- */

/*
 * ffa_mem_share - what is left of FFA_MEM_SHARE without mailboxes: lend pages of the host.
 * Takes host_buffers.lock, then as host_share_ffa(). -EINVAL: no pages; -EPERM: the
 * host may not lend them; -ENOMEM: the secure world takes no more, the host has them back.
 */
int ffa_mem_share(struct hyp_cpu *c, u64 pfn, u64 nr_pages)
{
	int ret = nr_pages ? -EPERM : -EINVAL;

	HYP_FRAME(c);
	spin_lock(c->cpu, &c->hyp->ffa->lock);
	if (nr_pages && !__pkvm_host_share_ffa(c, pfn, nr_pages)) {
		ret = secure_world_take(c->hyp->secure_world, pfn, nr_pages);
		if (ret)
			WARN_ON(c, __pkvm_host_unshare_ffa(c, pfn, nr_pages));
	}
	spin_unlock(c->cpu, &c->hyp->ffa->lock);
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
	spin_lock(c->cpu, &c->hyp->ffa->lock);
	if (nr_pages)
		ret = secure_world_hand_back(c->hyp->secure_world, pfn, nr_pages);
	if (!ret)
		WARN_ON(c, __pkvm_host_unshare_ffa(c, pfn, nr_pages));
	spin_unlock(c->cpu, &c->hyp->ffa->lock);
	return ret;
}
