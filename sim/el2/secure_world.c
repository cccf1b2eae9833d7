// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The secure world behind EL3, as far as EL2's FF-A proxy meets it: versions,
 * mailboxes, who is there, and memory that it is lent under handles, in fragments both
 * ways. After DEN0077A 1.0 to 1.2; it remembers what it was lent and nothing else.
 *
 * An honest one checks what it is told and tells what it was told. The knob
 * secure_world= names what else it may do to EL2, each a lie of its own; where it invents
 * (C1, C2) it hands back whatever page it is asked for: a handle that it never gave stands
 * for the frame of that number.
 */
#include <string.h>

#include "secure_world.h"

#define LEASES FFA_HANDLES
/* Ranges of one lease: more than a descriptor holds that EL2 lets through. */
#define LEASE_RANGES 4096u

/* Of the one partition that answers. */
#define PARTITION_ID 0x8001u

struct lease {
	u64 handle;		/* 0: not in use */
	u32 got, total;		/* bytes of the descriptor: less than all, fragments are missing */
	u32 n_ranges, count;	/* stored; as the descriptor says */
	u32 pages, total_pages; /* of 4 KiB; as the descriptor says */
	u16 receiver;
	u8 perms;
};

struct secure_world {
	struct board *board;
	struct secure_firmware firmware;
	u32 version, spoken; /* its own; what the caller speaks, at most */
	bool mapped, rx_full;
	u64 tx, rx, size; /* the caller's mailboxes: PA, bytes of each */
	u64 last_handle;
	struct lease lease[LEASES];
	struct extent *ranges; /* LEASE_RANGES of a lease: u64 address, u64 pages */
};

static bool has_ffa(const struct secure_world *sw)
{
	const u8 ffa = sw->firmware.ffa;

	return ffa == FFA_V1_0 || ffa == FFA_V1_1 || ffa == FFA_V1_2;
}

struct secure_world *secure_world_new(struct board *b, const struct secure_firmware *f)
{
	static const u32 version[] = {
		[FFA_INCOMPATIBLE] = 0x20000, [FFA_V1_0] = FFA_VERSION_1_0,
		[FFA_V1_1] = FFA_VERSION_1_1, [FFA_V1_2] = FFA_VERSION_1_2,
		[FFA_UNSUPPORTED] = 0,
	};
	struct secure_world *sw = board_alloc(b, sizeof(*sw));

	sw->board = b;
	sw->firmware = *f;
	sw->version = f->ffa == FFA_NONE ? 0 : version[f->ffa];
	if (!has_ffa(sw))
		return sw;
	sw->ranges = board_store_new(b, (u64)LEASES * LEASE_RANGES * 16);
	return sw->ranges ? sw : NULL;
}

static bool lies(const struct secure_world *sw, u8 how)
{
	return sw->firmware.how == how;
}

/* ---- Bytes: the mailboxes are the caller's RAM --------------------------------------------- */

static u64 load(struct cpu *cpu, u64 pa, unsigned int bytes)
{
	u64 val = 0;

	for (unsigned int i = 0; i < bytes; i++)
		val |= (u64)mem_load8(cpu, PA(pa + i), MO_PLAIN) << (8 * i);
	return val;
}

static void store(struct cpu *cpu, u64 pa, u64 val, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		mem_store8(cpu, PA(pa + i), (u8)(val >> (8 * i)), MO_PLAIN);
}

/* ---- Leases -------------------------------------------------------------------------------- */

static u64 *range_of(const struct secure_world *sw, const struct lease *l, u32 i)
{
	u64 n = (u64)(l - sw->lease) * LEASE_RANGES + i;

	return (u64 *)(sw->ranges->bytes + n * 16);
}

static bool lease_add(struct secure_world *sw, struct lease *l, u64 address, u64 pages)
{
	u64 *r;

	if (l->n_ranges == LEASE_RANGES)
		return false;
	r = range_of(sw, l, l->n_ranges++);
	store_mark(sw->board, sw->ranges, (u64)((u8 *)r - sw->ranges->bytes));
	r[0] = address;
	r[1] = pages;
	return true;
}

/* Of 4 KiB, that the kernel's page has. */
static u64 units(const struct secure_world *sw)
{
	return BIT(sw->board->f->page_shift) / FFA_PAGE_SIZE;
}

/* The lease with this handle; 0: one that is free. */
static struct lease *lease_find(struct secure_world *sw, u64 handle)
{
	for (unsigned int i = 0; i < LEASES; i++)
		if (sw->lease[i].handle == handle)
			return &sw->lease[i];
	return NULL;
}

static struct lease *lease_new(struct secure_world *sw)
{
	struct lease *l = lies(sw, SECURE_FULL) ? NULL : lease_find(sw, 0);

	if (l)
		*l = (struct lease){ .handle = ++sw->last_handle };
	return l;
}

static void lease_end(struct lease *l)
{
	l->handle = 0;
}

static bool invents(const struct secure_world *sw, u64 pfn, u64 nr_pages)
{
	return sw->firmware.invents && sw->firmware.invents(sw->firmware.data, pfn, nr_pages);
}

/* As if it had been lent the frame of that number, one page. */
static struct lease *lease_invent(struct secure_world *sw, u64 handle)
{
	struct lease *l = lease_find(sw, 0);

	if (!l || !invents(sw, handle, 1))
		return NULL;
	*l = (struct lease){ .handle = handle };
	lease_add(sw, l, handle << sw->board->f->page_shift, units(sw));
	l->count = 1;
	return l;
}

int secure_world_take(struct secure_world *sw, u64 pfn, u64 nr_pages)
{
	struct lease *l = lease_new(sw);

	if (!l)
		return -ENOMEM;
	lease_add(sw, l, pfn << sw->board->f->page_shift, nr_pages * units(sw));
	l->count = 1;
	return 0;
}

/* An honest one hands back what it was lent, piece by piece; with C1, C2 more than that. */
int secure_world_hand_back(struct secure_world *sw, u64 pfn, u64 nr_pages)
{
	const u64 address = pfn << sw->board->f->page_shift;
	const u64 pages = nr_pages * units(sw);

	for (unsigned int i = 0; i < LEASES; i++) {
		struct lease *l = &sw->lease[i];
		const u64 *r = range_of(sw, l, 0);

		if (!l->handle || l->n_ranges != 1 || r[0] != address || r[1] != pages)
			continue;
		lease_end(l);
		return 0;
	}
	return invents(sw, pfn, nr_pages) ? 0 : -EPERM;
}

/* ---- Answers ------------------------------------------------------------------------------- */

#define ANSWER(r, ...) (*(r) = (struct smc_regs){ { __VA_ARGS__ } })

/* Codes are 32 bits wide, and so is a refusal: the calls are. */
static void error(struct smc_regs *r, s32 code)
{
	ANSWER(r, FFA_ERROR, 0, (u32)code);
}

static void answer_handle(struct smc_regs *r, u64 id, u64 handle)
{
	ANSWER(r, id, 0, (u32)handle, handle >> 32);
}

static u64 handle_in(const struct smc_regs *r)
{
	return (u32)r->a[1] | (u64)(u32)r->a[2] << 32;
}

static void version(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u32 wanted = (u32)r->a[1];

	if (!sw->version || wanted & BIT(31)) {
		ANSWER(r, (u32)FFA_RET_NOT_SUPPORTED);
		return;
	}
	sw->spoken = MIN(wanted, sw->version);
	ANSWER(r, sw->version);
}

static void features(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	static const u64 known[] = {
		FFA_VERSION,	   FFA_FEATURES,       FFA_RX_RELEASE,
		FFA_FN64_RXTX_MAP, FFA_RXTX_UNMAP,     FFA_PARTITION_INFO_GET,
		FFA_ID_GET,	   FFA_FN64_MEM_SHARE, FFA_MEM_RECLAIM,
		FFA_FN64_MEM_LEND, FFA_MEM_FRAG_TX,    FFA_MEM_FRAG_RX,
		FFA_MEM_SHARE,	   FFA_MEM_LEND,       FFA_FN64_MEM_RETRIEVE_REQ,
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(known); i++) {
		if (known[i] != (u32)r->a[1])
			continue;
		ANSWER(r, FFA_SUCCESS, 0, FFA_MIN_SZ_4K);
		return;
	}
	error(r, FFA_RET_NOT_SUPPORTED);
}

/* A mailbox is whole pages of RAM. */
static bool mailbox_fits(struct secure_world *sw, u64 pa, u64 size)
{
	const struct ram_region *ram = board_ram_at(sw->board, PA(pa));

	return size && IS_ALIGNED(pa, FFA_PAGE_SIZE) && ram && ram->base + ram->size - pa >= size;
}

static void rxtx_map(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u64 size = (r->a[3] & 0x3f) * FFA_PAGE_SIZE;

	if (!mailbox_fits(sw, r->a[1], size) || !mailbox_fits(sw, r->a[2], size) ||
	    r->a[1] == r->a[2]) {
		error(r, FFA_RET_INVALID_PARAMETERS);
	} else if (sw->mapped) {
		error(r, FFA_RET_DENIED);
	} else {
		sw->mapped = true;
		sw->tx = r->a[1];
		sw->rx = r->a[2];
		sw->size = size;
		ANSWER(r, FFA_SUCCESS);
	}
}

static void rxtx_unmap(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{

	if (!sw->mapped) {
		error(r, FFA_RET_INVALID_PARAMETERS);
		return;
	}
	sw->mapped = sw->rx_full = false;
	ANSWER(r, FFA_SUCCESS);
}

static void rx_release(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{

	if (!sw->rx_full) {
		error(r, FFA_RET_DENIED);
		return;
	}
	sw->rx_full = false;
	ANSWER(r, FFA_SUCCESS);
}

/* May something be written into the caller's RX buffer? Else the error is the answer. */
static bool rx_take(struct secure_world *sw, struct smc_regs *r)
{

	if (!sw->mapped || sw->rx_full) {
		error(r, sw->mapped ? FFA_RET_BUSY : FFA_RET_INVALID_PARAMETERS);
		return false;
	}
	sw->rx_full = true;
	return true;
}

/* One partition: id, execution contexts, properties; its UUID from version 1.1 on. */
static void partition_info_get(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const bool sized = sw->spoken > FFA_VERSION_1_0;

	if (sized && r->a[5] & 1) {
		ANSWER(r, FFA_SUCCESS, 0, 1);
		return;
	}
	if (!rx_take(sw, r))
		return;
	store(cpu, sw->rx, PARTITION_ID | 1 << 16, 8);
	for (unsigned int i = 8; sized && i < 24; i += 8)
		store(cpu, sw->rx + i, 0x0123456789abcdefu, 8);
	ANSWER(r, FFA_SUCCESS, 0, 1, sized ? 24 : 0);
}

/* ---- Memory coming in ---------------------------------------------------------------------- */

/* Ranges at @off .. @end of the TX buffer; whole pages, none of them empty. */
static s32 take_ranges(struct secure_world *sw, struct cpu *cpu, struct lease *l, u64 off, u64 end)
{
	const u64 tx = sw->tx;

	for (; off < end; off += FFA_RANGE_SIZE) {
		u64 address = load(cpu, tx + off + FFA_RANGE_ADDRESS, 8);
		u32 pages = (u32)load(cpu, tx + off + FFA_RANGE_PAGES, 4);

		if (!pages || address & (FFA_PAGE_SIZE - 1))
			return FFA_RET_INVALID_PARAMETERS;
		if (!lease_add(sw, l, address, pages))
			return FFA_RET_NO_MEMORY;
		l->pages += pages;
	}
	return FFA_RET_SUCCESS;
}

/* The descriptor's head: where its ranges begin, or 0 if it cannot be right. */
static u64 read_head(const struct secure_world *sw, struct cpu *cpu, struct lease *l, u64 len,
		     u64 fraglen)
{
	const bool sized = sw->spoken > FFA_VERSION_1_0;
	u64 ep = FFA_REGION_EP_OFFSET, ep_size = FFA_EP_SIZE_1_1, composite, end;

	if (fraglen < ffa_region_size(sw->spoken))
		return 0;
	if (sized) {
		ep = load(cpu, sw->tx + FFA_REGION_EP_OFFSET, 4);
		ep_size = load(cpu, sw->tx + FFA_REGION_EP_SIZE, 4);
	}
	if (load(cpu, sw->tx + FFA_REGION_EP_COUNT, 4) != 1 ||
	    load(cpu, sw->tx + FFA_REGION_SENDER, 2) != HOST_FFA_ID || ep_size < FFA_EP_SIZE_1_1 ||
	    ep + ep_size > fraglen)
		return 0;
	l->receiver = (u16)load(cpu, sw->tx + ep + FFA_EP_RECEIVER, 2);
	l->perms = (u8)load(cpu, sw->tx + ep + FFA_EP_PERMS, 1);
	composite = load(cpu, sw->tx + ep + FFA_EP_COMPOSITE, 4);
	end = composite + FFA_COMPOSITE_SIZE;
	if (!IS_ALIGNED(composite, 8) || end > fraglen)
		return 0;
	l->total_pages = (u32)load(cpu, sw->tx + composite + FFA_COMPOSITE_PAGES, 4);
	l->count = (u32)load(cpu, sw->tx + composite + FFA_COMPOSITE_COUNT, 4);
	if (!l->count || end + (u64)l->count * FFA_RANGE_SIZE != len)
		return 0;
	return end;
}

/* All is here, or the next fragment is wanted. The lease ends if all is not right. */
static void taken(const struct secure_world *sw, struct lease *l, s32 ret, struct smc_regs *r)
{
	u32 next = l->got;

	if (!ret && l->got == l->total && l->pages != l->total_pages)
		ret = FFA_RET_INVALID_PARAMETERS;
	if (ret) {
		lease_end(l);
		error(r, ret);
	} else if (l->got == l->total) {
		answer_handle(r, FFA_SUCCESS, l->handle);
	} else {
		next += lies(sw, SECURE_MISPLACED) ? FFA_RANGE_SIZE : 0;
		ANSWER(r, FFA_MEM_FRAG_RX, (u32)l->handle, l->handle >> 32, next);
	}
}

static void mem_xfer(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u32 len = (u32)r->a[1], fraglen = (u32)r->a[2];
	struct lease *l;
	u64 ranges;

	if (!sw->mapped || fraglen > len || fraglen > sw->size) {
		error(r, FFA_RET_INVALID_PARAMETERS);
		return;
	}
	l = lease_new(sw);
	if (!l) {
		error(r, FFA_RET_NO_MEMORY);
		return;
	}
	l->total = len;
	l->got = fraglen;
	ranges = read_head(sw, cpu, l, len, fraglen);
	taken(sw, l,
	      ranges && IS_ALIGNED(fraglen - ranges, FFA_RANGE_SIZE)
		      ? take_ranges(sw, cpu, l, ranges, fraglen)
		      : FFA_RET_INVALID_PARAMETERS,
	      r);
}

static void mem_frag_tx(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u64 handle = handle_in(r);
	struct lease *l = handle ? lease_find(sw, handle) : NULL;
	const u32 fraglen = (u32)r->a[3];

	if (!l || l->got == l->total || !sw->mapped) {
		error(r, FFA_RET_INVALID_PARAMETERS);
		return;
	}
	if (!fraglen || fraglen > l->total - l->got || fraglen > sw->size ||
	    !IS_ALIGNED(fraglen, FFA_RANGE_SIZE)) {
		taken(sw, l, FFA_RET_INVALID_PARAMETERS, r);
		return;
	}
	l->got += fraglen;
	taken(sw, l, take_ranges(sw, cpu, l, 0, fraglen), r);
}

/* ---- Memory going back --------------------------------------------------------------------- */

static struct lease *lease_asked(struct secure_world *sw, u64 handle)
{
	struct lease *l = handle ? lease_find(sw, handle) : NULL;

	return l ? l : handle ? lease_invent(sw, handle) : NULL;
}

static u32 head_size(const struct secure_world *sw)
{
	return ffa_region_size(sw->spoken) + ffa_ep_size(sw->spoken) + FFA_COMPOSITE_SIZE;
}

/* Ranges from the @i-th on, as many as fit: bytes written. */
static u32 give_ranges(const struct secure_world *sw, struct cpu *cpu, const struct lease *l, u32 i,
		       u64 room, u64 to)
{
	u32 done = 0;

	for (; i < l->n_ranges && done + FFA_RANGE_SIZE <= room; i++, done += FFA_RANGE_SIZE) {
		const u64 *range = range_of(sw, l, i);

		store(cpu, to + done + FFA_RANGE_ADDRESS, range[0], 8);
		store(cpu, to + done + FFA_RANGE_PAGES, range[1], 8);
	}
	return done;
}

static void give_head(const struct secure_world *sw, struct cpu *cpu, const struct lease *l,
		      u32 len)
{
	const u32 ep = ffa_region_size(sw->spoken), ep_size = ffa_ep_size(sw->spoken);
	const u32 composite = ep + ep_size;
	const u64 at = sw->rx + composite;

	for (u32 i = 0; i < composite + FFA_COMPOSITE_SIZE; i += 8)
		store(cpu, sw->rx + i, 0, 8);
	store(cpu, sw->rx + FFA_REGION_HANDLE, l->handle, 8);
	store(cpu, sw->rx + FFA_REGION_EP_COUNT, 1, 4);
	if (sw->spoken > FFA_VERSION_1_0) {
		store(cpu, sw->rx + FFA_REGION_EP_SIZE, ep_size, 4);
		store(cpu, sw->rx + FFA_REGION_EP_OFFSET, ep, 4);
	}
	store(cpu, sw->rx + ep + FFA_EP_RECEIVER, l->receiver, 2);
	store(cpu, sw->rx + ep + FFA_EP_PERMS, l->perms, 1);
	store(cpu, sw->rx + ep + FFA_EP_COMPOSITE,
	      lies(sw, SECURE_FAR) ? len + FFA_RANGE_SIZE : composite, 4);
	store(cpu, at + FFA_COMPOSITE_PAGES, l->total_pages, 4);
	store(cpu, at + FFA_COMPOSITE_COUNT, l->count + (lies(sw, SECURE_OVERCOUNTS) ? 0x10000 : 0),
	      4);
}

static void retrieve(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u32 head = head_size(sw);
	struct lease *l;
	u32 len, fraglen;

	if (!rx_take(sw, r))
		return;
	l = lease_asked(sw, load(cpu, sw->tx + FFA_REGION_HANDLE, 8));
	if (!l || l->got != l->total) {
		sw->rx_full = false;
		error(r, FFA_RET_INVALID_PARAMETERS);
		return;
	}
	len = head + l->n_ranges * FFA_RANGE_SIZE;
	give_head(sw, cpu, l, len);
	fraglen = head + give_ranges(sw, cpu, l, 0, sw->size - head, sw->rx + head);
	if (lies(sw, SECURE_HUGE))
		len = BIT(28);
	if (lies(sw, SECURE_WIDE))
		fraglen = (u32)(2 * sw->size);
	ANSWER(r, FFA_MEM_RETRIEVE_RESP, len, fraglen);
}

static void mem_frag_rx(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u64 handle = handle_in(r);
	const struct lease *l = handle ? lease_find(sw, handle) : NULL;
	const u32 off = (u32)r->a[3], head = head_size(sw);
	u32 fraglen;

	if (!rx_take(sw, r))
		return;
	if (!l || off < head || (off - head) / FFA_RANGE_SIZE >= l->n_ranges) {
		sw->rx_full = false;
		error(r, FFA_RET_INVALID_PARAMETERS);
		return;
	}
	fraglen = give_ranges(sw, cpu, l, (off - head) / FFA_RANGE_SIZE, sw->size, sw->rx);
	if (lies(sw, SECURE_STALLS))
		fraglen = 0;
	if (lies(sw, SECURE_OVERRUNS))
		fraglen = ~(u32)FFA_PAGE_SIZE + 1;
	ANSWER(r, FFA_MEM_FRAG_TX, (u32)handle, handle >> 32, fraglen);
}

static void mem_reclaim(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	struct lease *l = lease_asked(sw, handle_in(r));

	if (!l) {
		error(r, FFA_RET_INVALID_PARAMETERS);
	} else if (lies(sw, SECURE_KEEPS)) {
		error(r, FFA_RET_DENIED);
	} else {
		lease_end(l);
		ANSWER(r, FFA_SUCCESS);
	}
}

/* ---- The door ------------------------------------------------------------------------------ */

static void id_get(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	ANSWER(r, FFA_SUCCESS, 0, HOST_FFA_ID);
}

/* The partition sends back what it was sent. */
static void direct_req(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u32 ids = (u32)r->a[1];

	r->a[0] = FFA_MSG_SEND_DIRECT_RESP;
	r->a[1] = ids << 16 | ids >> 16;
}

static const struct {
	u64 id;
	void (*answer)(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r);
} calls[] = {
	{ FFA_FEATURES, features },
	{ FFA_RX_RELEASE, rx_release },
	{ FFA_FN64_RXTX_MAP, rxtx_map },
	{ FFA_RXTX_UNMAP, rxtx_unmap },
	{ FFA_PARTITION_INFO_GET, partition_info_get },
	{ FFA_ID_GET, id_get },
	{ FFA_MSG_SEND_DIRECT_REQ, direct_req },
	{ FFA_MEM_LEND, mem_xfer },
	{ FFA_FN64_MEM_LEND, mem_xfer },
	{ FFA_MEM_SHARE, mem_xfer },
	{ FFA_FN64_MEM_SHARE, mem_xfer },
	{ FFA_FN64_MEM_RETRIEVE_REQ, retrieve },
	{ FFA_MEM_RECLAIM, mem_reclaim },
	{ FFA_MEM_FRAG_RX, mem_frag_rx },
	{ FFA_MEM_FRAG_TX, mem_frag_tx },
};

static bool is_ffa(u64 id)
{
	const u64 nr = id & 0xffff;

	return (id == FFA_FN32(nr) || id == FFA_FN64(nr)) && nr >= FFA_MIN_FUNC_NUM &&
	       nr <= FFA_MAX_FUNC_NUM;
}

/* EL3: SMCCC 1.2 where there is something to ask for FF-A, 1.1 otherwise. */
void secure_world_smc(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r)
{
	const u64 id = (u32)r->a[0] & ~SMCCC_HINT_SVE;

	FRAME(cpu);
	if (id == SMCCC_VERSION_ID) {
		ANSWER(r, sw->firmware.ffa == FFA_NONE ? 0x10001 : 0x10002);
		return;
	}
	if (id == FFA_VERSION) {
		version(sw, cpu, r);
		return;
	}
	for (unsigned int i = 0; has_ffa(sw) && i < G_N_ELEMENTS(calls); i++) {
		if (calls[i].id != id)
			continue;
		calls[i].answer(sw, cpu, r);
		return;
	}
	if (has_ffa(sw) && is_ffa(id))
		error(r, FFA_RET_NOT_SUPPORTED);
	else
		r->a[0] = SMCCC_NOT_SUPPORTED;
}
