// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The FF-A proxy between the host and the secure world, after nvhe/ffa.c (6.12.117,
 * 7.2.13; v7.0 by dated changes): which SMC of the host is handled, refused or passed
 * on, the agreement on a version, mailboxes, who is there. Memory is in ffa_mem.c.
 *
 * EL2 stands in the middle with mailboxes of its own: host and secure world never share
 * one. It trusts EL3 and what is behind it; how far, the releases differ.
 */
#include "ffa.h"

#define SMCCC_FAST BIT(31)
#define SMCCC_OWNER GENMASK(29, 24)
#define SMCCC_OWNER_STANDARD 4u
#define SMCCC_FUNC_NUM GENMASK(15, 0)

#define FFA_MAJOR GENMASK(30, 16)
#define FFA_MINOR GENMASK(15, 0)

/* One page a mailbox. */
#define MBOX_PAGES 1u
/* struct ffa_partition_info of version 1.0, which does not tell its size */
#define PARTITION_INFO_SIZE_1_0 8u

static const struct ffa_release releases[N_PROFILES] = {
	[PROFILE_V6_12] = { .version = FFA_VERSION_1_1, .n_regs = 4 },
	[PROFILE_V7_0] = {
		.version = FFA_VERSION_1_2,
		.n_regs = 18,
		.smc_32bit = true,
		.no_downgrade = true,
		.new_refused = true,
	},
	[PROFILE_V7_2] = {
		.version = FFA_VERSION_1_2,
		.n_regs = 18,
		.smc_32bit = true,
		.no_downgrade = true,
		.new_refused = true,
		.bounds = true,
		.smc_checks = true,
	},
};

bool hyp_has_ffa(const struct hyp *hyp)
{
	const u8 ffa = hyp->knob[KNOB_FFA];

	return ffa == FFA_V1_0 || ffa == FFA_V1_1 || ffa == FFA_V1_2;
}

/* Do guests have all of it? A liar may know; EL2 does not notice that it looks. */
static bool guests_have(struct hyp *hyp, u64 pfn, u64 nr_pages)
{
	const u64 off = hyp->layout.share_count_off;

	for (u64 i = 0; i < nr_pages; i++) {
		const pa_t page = PA((pfn + i) << hyp->f->page_shift);
		u64 count;

		if (!board_ram_at(hyp->board, page) ||
		    !board_peek(hyp->board, pa_add(hyp_phys_to_page(&hyp->cpus[0], page), off), 4,
				&count) ||
		    !count)
			return false;
	}
	return nr_pages;
}

/* C1: it names whatever it is asked for. C2: only what was lent to a guest. */
static bool secure_world_invents(void *data, u64 pfn, u64 nr_pages)
{
	struct hyp *hyp = data;

	return hyp_has_bug(hyp, BUG_C1) ||
	       (hyp_has_bug(hyp, BUG_C2) && guests_have(hyp, pfn, nr_pages));
}

bool hyp_ffa_new(struct hyp *hyp)
{
	struct ffa *f = board_alloc(hyp->board, sizeof(*f));

	hyp->ffa = f;
	f->rel = &releases[hyp->profile->id];
	spin_init(hyp->board, &f->lock, "host_buffers");
	spin_init(hyp->board, &f->version_lock, "ffa_version");
	hyp->secure_world = secure_world_new(
		hyp->board, &(struct secure_firmware){ .ffa = hyp->knob[KNOB_FFA],
						       .how = hyp->knob[KNOB_SECURE_WORLD],
						       .invents = secure_world_invents,
						       .data = hyp });
	return hyp->secure_world;
}

/* ---- Memory that EL2 touches ------------------------------------------------------------- */

/* What EL2's stage 1 makes of @va: EL2 aborts where it maps nothing. */
static pa_t translate(struct hyp_cpu *c, const char *fn, va_t va, enum mmu_access access)
{
	const struct mmu_table *t = &c->hyp->pkvm_pgtable.mmu;
	const struct ffa *f = c->hyp->ffa;
	struct mmu_result res = { .fault = MMU_FAULT_TRANSLATION };

	/* its own buffers, side by side */
	if (likely(f->tx.va && va.va - f->tx.va < f->desc.va - f->tx.va + f->desc_len))
		return hyp_pa_of(c->hyp, va);
	if (t->root.pa)
		mmu_walk(t, va.va, access, board_read_desc, c->cpu->board, &res);
	if (unlikely(res.fault != MMU_OK))
		hyp_abort(c, fn, va);
	return res.oa;
}

u64 ffa_load(struct hyp_cpu *c, va_t va, unsigned int bytes)
{
	u64 val = 0;

	if (likely(bytes == 4 && IS_ALIGNED(va.va, 4)))
		return mem_load32(c->cpu, translate(c, __func__, va, MMU_READ), MO_PLAIN);
	if (likely(bytes == 8 && IS_ALIGNED(va.va, 8)))
		return mem_load64(c->cpu, translate(c, __func__, va, MMU_READ), MO_PLAIN);
	for (unsigned int i = 0; i < bytes; i++) {
		pa_t pa = translate(c, __func__, VA(va.va + i), MMU_READ);

		val |= (u64)mem_load8(c->cpu, pa, MO_PLAIN) << (8 * i);
	}
	return val;
}

void ffa_store(struct hyp_cpu *c, va_t va, u64 val, unsigned int bytes)
{
	sim_assert(bytes == 8 && IS_ALIGNED(va.va, 8));
	mem_store64(c->cpu, translate(c, __func__, va, MMU_WRITE), val, MO_PLAIN);
}

/* Page by page, upwards, as far as both sides are mapped. */
void ffa_memcpy(struct hyp_cpu *c, va_t to, va_t from, u64 bytes)
{
	const u64 page = hyp_page_size(c->hyp);

	HYP_FRAME(c);
	for (u64 done = 0, n; done < bytes; done += n) {
		const u64 dst = to.va + done, src = from.va + done;

		n = MIN(bytes - done, MIN(page - (dst & (page - 1)), page - (src & (page - 1))));
		mem_copy(c->cpu, translate(c, __func__, VA(dst), MMU_WRITE),
			 translate(c, __func__, VA(src), MMU_READ), n);
	}
}

/* ---- Answers, and EL2's own calls ---------------------------------------------------------- */

void ffa_to_smccc_res(struct smc_regs *r, s64 ret)
{
	if (ret == FFA_RET_SUCCESS)
		*r = (struct smc_regs){ { FFA_SUCCESS } };
	else
		*r = (struct smc_regs){ { FFA_ERROR, 0, (u64)ret } };
}

void ffa_smc(struct hyp_cpu *c, struct smc_regs *r)
{
	const u64 id = r->a[0];

	event_step(c->cpu, EV_TRAP);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "eret_el3", .addr = id,
		   .val = r->a[1]);
	secure_world_smc(c->hyp->secure_world, c->cpu, r);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "el3", .addr = r->a[0],
		   .val = r->a[2]);
}

void ffa_rx_release(struct hyp_cpu *c, struct smc_regs *r)
{
	FFA_SMC(c, r, FFA_RX_RELEASE);
}

static s64 ret_of(const struct smc_regs *r)
{
	return r->a[0] == FFA_SUCCESS ? FFA_RET_SUCCESS : (s32)r->a[2];
}

/* ---- Versions ------------------------------------------------------------------------------ */

static bool not_supported(const struct ffa *f, const struct smc_regs *r)
{
	return f->rel->smc_32bit ? (s32)r->a[0] == FFA_RET_NOT_SUPPORTED
				 : r->a[0] == SMCCC_NOT_SUPPORTED;
}

static u64 major(u64 version)
{
	return FIELD_GET(FFA_MAJOR, version);
}

static u64 minor(u64 version)
{
	return FIELD_GET(FFA_MINOR, version);
}

/*
 * hyp_ffa_init - ask the firmware for FF-A, at boot. SMCCC before 1.2 has none to ask
 * for. The older of both versions is kept; the host is asked for its own later.
 */
int hyp_ffa_init(struct hyp_cpu *c)
{
	struct ffa *f = c->hyp->ffa;
	const u64 page = hyp_page_size(c->hyp);
	struct smc_regs r;

	HYP_FRAME(c);
	if (hyp_knob(c, KNOB_FFA) == FFA_NONE)
		return 0;
	FFA_SMC(c, &r, FFA_VERSION, f->rel->version);
	if (not_supported(f, &r))
		return 0;
	if (major(r.a[0]) != 1)
		return -EOPNOTSUPP;
	f->version = minor(r.a[0]) < minor(f->rel->version) ? (u32)r.a[0] : f->rel->version;
	f->tx = hyp_va_of(c->hyp, PA(c->hyp->ffa_base));
	f->rx = VA(f->tx.va + MBOX_PAGES * page);
	f->desc = VA(f->rx.va + MBOX_PAGES * page);
	f->desc_len = (hyp_ffa_proxy_pages(c->hyp) - 2 * MBOX_PAGES) * page;
	return 0;
}

/* The host's id must be EL2's, and a page of the kernel's be enough for a mailbox. */
static bool hyp_ffa_post_init(struct hyp_cpu *c)
{
	static const u64 size[] = {
		[FFA_MIN_SZ_4K] = 4096, [FFA_MIN_SZ_64K] = 65536, [FFA_MIN_SZ_16K] = 16384
	};
	struct smc_regs r;

	FFA_SMC(c, &r, FFA_ID_GET);
	if (r.a[0] != FFA_SUCCESS || r.a[2] != HOST_FFA_ID)
		return false;
	FFA_SMC(c, &r, FFA_FEATURES, FFA_FN64_RXTX_MAP);
	if (r.a[0] != FFA_SUCCESS)
		return false;
	if (c->hyp->ffa->rel->bounds)
		r.a[2] &= 3;
	return r.a[2] < G_N_ELEMENTS(size) && size[r.a[2]] <= hyp_page_size(c->hyp);
}

/* The first time: a lower minor version is the secure world's to grant. */
static u64 negotiate(struct hyp_cpu *c, u32 wanted)
{
	struct ffa *f = c->hyp->ffa;
	struct smc_regs r;

	if (minor(wanted) < minor(f->version)) {
		FFA_SMC(c, &r, FFA_VERSION, wanted);
		if (not_supported(f, &r))
			return r.a[0];
		f->version = wanted;
	}
	if (!hyp_ffa_post_init(c))
		return SMCCC_NOT_SUPPORTED;
	f->negotiated = true;
	return f->version;
}

static void do_ffa_version(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u32 wanted = (u32)regs[1];

	HYP_FRAME(c);
	*res = (struct smc_regs){ { SMCCC_NOT_SUPPORTED } };
	if (major(wanted) != 1)
		return;
	spin_lock(c->cpu, &f->version_lock);
	if (!f->negotiated)
		res->a[0] = negotiate(c, wanted);
	else if (!f->rel->no_downgrade || minor(wanted) >= minor(f->version))
		res->a[0] = f->version;
	spin_unlock(c->cpu, &f->version_lock);
}

/* ---- Mailboxes ----------------------------------------------------------------------------- */

static s64 ffa_map_hyp_buffers(struct hyp_cpu *c, u64 pages)
{
	const struct ffa *f = c->hyp->ffa;
	struct smc_regs r;

	FFA_SMC(c, &r, FFA_FN64_RXTX_MAP, hyp_pa_of(c->hyp, f->tx).pa, hyp_pa_of(c->hyp, f->rx).pa,
		pages);
	return ret_of(&r);
}

static void ffa_unmap_hyp_buffers(struct hyp_cpu *c)
{
	struct smc_regs r;

	FFA_SMC(c, &r, FFA_RXTX_UNMAP, HOST_FFA_ID);
}

/* From the address itself to the byte after: one page. */
static int pin_page(struct hyp_cpu *c, va_t va)
{
	return hyp_pin_shared_mem(c, va, VA(va.va + 1));
}

static void unpin_page(struct hyp_cpu *c, va_t va)
{
	hyp_unpin_shared_mem(c, va, VA(va.va + 1));
}

/*
 * EL2's own first, then the host's, shared with EL2 and pinned: what fails later
 * undoes what came before. host_buffers.lock.
 */
static s64 map_buffers(struct hyp_cpu *c, u64 tx, u64 rx, u64 pages)
{
	struct ffa *f = c->hyp->ffa;
	const u64 shift = c->hyp->f->page_shift;
	const va_t tx_va = hyp_va_of(c->hyp, PA(tx)), rx_va = hyp_va_of(c->hyp, PA(rx));
	s64 ret = f->host_mapped ? FFA_RET_DENIED : ffa_map_hyp_buffers(c, pages);

	if (ret)
		return ret;
	if (__pkvm_host_share_hyp(c, tx >> shift))
		goto err_unmap;
	if (__pkvm_host_share_hyp(c, rx >> shift))
		goto err_unshare_tx;
	if (pin_page(c, tx_va))
		goto err_unshare_rx;
	if (pin_page(c, rx_va))
		goto err_unpin_tx;
	f->host_mapped = true;
	f->host_tx = tx_va;
	f->host_rx = rx_va;
	return FFA_RET_SUCCESS;

err_unpin_tx:
	unpin_page(c, tx_va);
err_unshare_rx:
	__pkvm_host_unshare_hyp(c, rx >> shift);
err_unshare_tx:
	__pkvm_host_unshare_hyp(c, tx >> shift);
err_unmap:
	ffa_unmap_hyp_buffers(c);
	return FFA_RET_INVALID_PARAMETERS;
}

/* INVALID_PARAMETERS: size, alignment; DENIED: mapped already; then as map_buffers(). */
static void do_ffa_rxtx_map(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u64 tx = regs[1], rx = regs[2], page = hyp_page_size(c->hyp);
	const u32 pages = (u32)regs[3];
	s64 ret = FFA_RET_INVALID_PARAMETERS;

	HYP_FRAME(c);
	if (pages == MBOX_PAGES * page / FFA_PAGE_SIZE && IS_ALIGNED(tx | rx, page)) {
		spin_lock(c->cpu, &f->lock);
		ret = map_buffers(c, tx, rx, pages);
		spin_unlock(c->cpu, &f->lock);
	}
	ffa_to_smccc_res(res, ret);
}

static void unmap_buffer(struct hyp_cpu *c, va_t va)
{
	unpin_page(c, va);
	WARN_ON(c, __pkvm_host_unshare_hyp(c, hyp_pa_of(c->hyp, va).pa >> c->hyp->f->page_shift));
}

/* INVALID_PARAMETERS: another's id, or nothing is mapped. */
static void do_ffa_rxtx_unmap(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	s64 ret = FFA_RET_INVALID_PARAMETERS;

	HYP_FRAME(c);
	if ((u32)regs[1] == HOST_FFA_ID) {
		spin_lock(c->cpu, &f->lock);
		if (f->host_mapped) {
			unmap_buffer(c, f->host_tx);
			unmap_buffer(c, f->host_rx);
			f->host_mapped = false;
			ffa_unmap_hyp_buffers(c);
			ret = FFA_RET_SUCCESS;
		}
		spin_unlock(c->cpu, &f->lock);
	}
	ffa_to_smccc_res(res, ret);
}

/* ---- Who is there -------------------------------------------------------------------------- */

/* What the secure world wrote goes to the host, if it fits. The host gives the buffer back. */
static void copy_partitions(struct hyp_cpu *c, u32 count, struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;
	const u32 size = f->version > FFA_VERSION_1_0 ? (u32)res->a[3] : PARTITION_INFO_SIZE_1_0;
	const u32 bytes = size * count;

	if (bytes > MBOX_PAGES * hyp_page_size(c->hyp))
		ffa_to_smccc_res(res, FFA_RET_ABORTED);
	else
		ffa_memcpy(c, f->host_rx, f->rx, bytes);
}

/* BUSY: no host buffers. ABORTED: it does not fit. Else the secure world's answer. */
static void do_ffa_part_get(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	struct ffa *f = c->hyp->ffa;
	const u32 flags = (u32)regs[5];

	HYP_FRAME(c);
	spin_lock(c->cpu, &f->lock);
	if (!f->host_mapped) {
		ffa_to_smccc_res(res, FFA_RET_BUSY);
	} else {
		FFA_SMC(c, res, FFA_PARTITION_INFO_GET, (u32)regs[1], (u32)regs[2], (u32)regs[3],
			(u32)regs[4], flags);
		/* a count may be asked for by itself from version 1.1 on */
		if (res->a[0] == FFA_SUCCESS && (u32)res->a[2] &&
		    !(f->version > FFA_VERSION_1_0 && flags & 1))
			copy_partitions(c, (u32)res->a[2], res);
	}
	spin_unlock(c->cpu, &f->lock);
}

/* ---- Which call is whose ------------------------------------------------------------------- */

static bool is_ffa_call(u64 id)
{
	const u64 nr = FIELD_GET(SMCCC_FUNC_NUM, id);

	return (id & SMCCC_FAST) && FIELD_GET(SMCCC_OWNER, id) == SMCCC_OWNER_STANDARD &&
	       nr >= FFA_MIN_FUNC_NUM && nr <= FFA_MAX_FUNC_NUM;
}

static const u64 refused[] = {
	FFA_FN64_MEM_RETRIEVE_REQ,
	FFA_MEM_RETRIEVE_RESP,
	FFA_MEM_RELINQUISH,
	FFA_MEM_OP_PAUSE,
	FFA_MEM_OP_RESUME,
	FFA_MEM_FRAG_RX,
	FFA_FN64_MEM_DONATE,
	/* messages through the buffers */
	FFA_MSG_SEND,
	FFA_MSG_POLL,
	FFA_MSG_WAIT,
	/* what is there in 64 bits */
	FFA_MSG_SEND_DIRECT_RESP,
	FFA_RXTX_MAP,
	FFA_MEM_DONATE,
	FFA_MEM_RETRIEVE_REQ,
};

/* from v7.0 on */
static const u64 refused_later[] = {
	FFA_NOTIFICATION_BITMAP_CREATE,
	FFA_NOTIFICATION_BITMAP_DESTROY,
	FFA_NOTIFICATION_BIND,
	FFA_NOTIFICATION_UNBIND,
	FFA_NOTIFICATION_SET,
	FFA_NOTIFICATION_GET,
	FFA_NOTIFICATION_INFO_GET,
	/* of 1.2 */
	FFA_CONSOLE_LOG,
	FFA_PARTITION_INFO_GET_REGS,
	FFA_MSG_SEND_DIRECT_REQ2,
	FFA_MSG_SEND_DIRECT_RESP2,
};

static bool listed(const u64 *list, unsigned int n, u64 id)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

static bool ffa_call_supported(const struct ffa *f, u64 id)
{
	return !listed(refused, G_N_ELEMENTS(refused), id) &&
	       !(f->rel->new_refused && listed(refused_later, G_N_ELEMENTS(refused_later), id));
}

/* False: the secure world is to be asked. */
static bool do_ffa_features(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res)
{
	const u32 id = (u32)regs[1];

	if (!ffa_call_supported(c->hyp->ffa, id)) {
		ffa_to_smccc_res(res, FFA_RET_NOT_SUPPORTED);
		return true;
	}
	ffa_to_smccc_res(res, FFA_RET_SUCCESS);
	return id == FFA_MEM_SHARE || id == FFA_FN64_MEM_SHARE || id == FFA_MEM_LEND ||
	       id == FFA_FN64_MEM_LEND;
}

static const struct {
	u64 id;
	void (*handle)(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res);
} handled[] = {
	{ FFA_VERSION, do_ffa_version },	 { FFA_FN64_RXTX_MAP, do_ffa_rxtx_map },
	{ FFA_RXTX_UNMAP, do_ffa_rxtx_unmap },	 { FFA_PARTITION_INFO_GET, do_ffa_part_get },
	{ FFA_MEM_SHARE, do_ffa_mem_share },	 { FFA_FN64_MEM_SHARE, do_ffa_mem_share },
	{ FFA_MEM_LEND, do_ffa_mem_lend },	 { FFA_FN64_MEM_LEND, do_ffa_mem_lend },
	{ FFA_MEM_FRAG_TX, do_ffa_mem_frag_tx }, { FFA_MEM_RECLAIM, do_ffa_mem_reclaim },
};

/* kvm_host_ffa_handler(): false, the call goes on to EL3 as it is. */
static bool ffa_handler(struct hyp_cpu *c, u64 id, const u64 regs[18], struct smc_regs *res)
{
	const struct ffa *f = c->hyp->ffa;

	if (!is_ffa_call(id))
		return false;
	if (!f->negotiated && id != FFA_VERSION) {
		ffa_to_smccc_res(res, FFA_RET_INVALID_PARAMETERS);
		return true;
	}
	if (id == FFA_FEATURES)
		return do_ffa_features(c, regs, res);
	for (unsigned int i = 0; i < G_N_ELEMENTS(handled); i++) {
		if (handled[i].id != id)
			continue;
		handled[i].handle(c, regs, res);
		return true;
	}
	if (ffa_call_supported(f, id))
		return false;
	ffa_to_smccc_res(res, FFA_RET_NOT_SUPPORTED);
	return true;
}

/* v7.2: nothing that SMCCC does not define goes past EL2 (B-24). */
static bool is_malformed(const struct hyp_cpu *c, u16 imm, u64 id)
{
	return c->hyp->ffa->rel->smc_checks && (imm || id >> 32);
}

static void forward_smc(struct hyp_cpu *c, u64 regs[18])
{
	struct smc_regs r;

	for (unsigned int i = 0; i < G_N_ELEMENTS(r.a); i++)
		r.a[i] = regs[i];
	ffa_smc(c, &r);
	for (unsigned int i = 0; i < G_N_ELEMENTS(r.a); i++)
		regs[i] = r.a[i];
}

/*
 * handle_host_smc - before EL2 is there the SMC is EL3's alone. PSCI is not modelled:
 * EL3 knows none.
 */
void handle_host_smc(struct hyp_cpu *c, u16 imm, u64 regs[18])
{
	const u64 id = regs[0] & ~SMCCC_HINT_SVE;
	struct smc_regs res;

	HYP_FRAME(c);
	event_step(c->cpu, EV_TRAP);
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "smc", .addr = id,
		   .val = regs[1]);
	if (!c->hyp->initialised) {
		forward_smc(c, regs);
	} else if (is_malformed(c, imm, id)) {
		regs[0] = SMCCC_NOT_SUPPORTED;
	} else if (!ffa_handler(c, id & UINT32_MAX, regs, &res)) {
		forward_smc(c, regs);
	} else {
		for (unsigned int i = 0; i < c->hyp->ffa->rel->n_regs; i++)
			regs[i] = res.a[i];
	}
	event_emit(c->cpu, .kind = EV_TRAP, .fn = __func__, .what = "eret_host", .addr = id,
		   .val = regs[0]);
}
