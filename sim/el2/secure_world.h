/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is behind EL3, for whichever EL2 asks: the secure world (secure_world.c), and the
 * layouts of DEN0077A that it and an EL2 must agree on. They share these definitions and no
 * logic: each reads the bytes in the mailboxes for itself.
 */
#ifndef PKVM_SIM_EL2_SECURE_WORLD_H
#define PKVM_SIM_EL2_SECURE_WORLD_H

#include "el2.h"
#include "smc.h"

#define FFA_VERSION_1_0 0x10000u
#define FFA_VERSION_1_1 0x10001u
#define FFA_VERSION_1_2 0x10002u

/* Always 4 KiB, whatever the kernel's page is. */
#define FFA_PAGE_SIZE UINT64_C(4096)

/* The host and EL2 are one to the secure world. */
#define HOST_FFA_ID 0

/* FFA_FEATURES of RXTX_MAP: the smallest mailbox. */
enum { FFA_MIN_SZ_4K, FFA_MIN_SZ_64K, FFA_MIN_SZ_16K };

/* ---- Memory region descriptors, little endian: byte offsets ---------------------------- */

/* struct ffa_mem_region; version 1.0 ends before the offset of the endpoints */
#define FFA_REGION_SENDER 0	/* u16 */
#define FFA_REGION_HANDLE 8	/* u64 */
#define FFA_REGION_EP_SIZE 24	/* u32 */
#define FFA_REGION_EP_COUNT 28	/* u32 */
#define FFA_REGION_EP_OFFSET 32 /* u32 */
#define FFA_REGION_SIZE 48u

/* struct ffa_mem_region_attributes: an endpoint's access */
#define FFA_EP_RECEIVER 0  /* u16 */
#define FFA_EP_PERMS 2	   /* u8 */
#define FFA_EP_COMPOSITE 4 /* u32 */
#define FFA_EP_SIZE 32u	   /* of 1.2, and of the kernel's structure */
#define FFA_EP_SIZE_1_1 16u

/* struct ffa_composite_mem_region, then the ranges */
#define FFA_COMPOSITE_PAGES 0 /* u32 */
#define FFA_COMPOSITE_COUNT 4 /* u32 */
#define FFA_COMPOSITE_SIZE 16u

/* struct ffa_mem_region_addr_range */
#define FFA_RANGE_ADDRESS 0 /* u64 */
#define FFA_RANGE_PAGES 8   /* u32: of 4 KiB */
#define FFA_RANGE_SIZE 16u

/* Bytes of a version's header and of an endpoint's entry in it. */
static inline u32 ffa_region_size(u32 version)
{
	return version > FFA_VERSION_1_0 ? FFA_REGION_SIZE : FFA_REGION_EP_OFFSET;
}

static inline u32 ffa_ep_size(u32 version)
{
	return version >= FFA_VERSION_1_2 ? FFA_EP_SIZE : FFA_EP_SIZE_1_1;
}

/* ---- The secure world --------------------------------------------------------------------- */

#define FFA_HANDLES 64 /* pieces of memory that it keeps at a time */

struct smc_regs {
	u64 a[18];
};

struct secure_firmware {
	u8 ffa, how; /* values of KNOB_FFA, KNOB_SECURE_WORLD */
	/* Would it hand back these pages, which it was never lent? NULL: it is too honest. */
	bool (*invents)(void *data, u64 pfn, u64 nr_pages);
	void *data;
};

/* Before boot, in the arena. NULL: no address space for its records. */
struct secure_world *secure_world_new(struct board *b, const struct secure_firmware *f);
/* EL3 answers an SMC on this CPU: @r in and out. */
void secure_world_smc(struct secure_world *sw, struct cpu *cpu, struct smc_regs *r);
/* The same agreement without messages, one range each: 0, -ENOMEM; 0, -EPERM. */
int secure_world_take(struct secure_world *sw, u64 pfn, u64 nr_pages);
int secure_world_hand_back(struct secure_world *sw, u64 pfn, u64 nr_pages);

#endif
