/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FF-A between host, EL2 and the secure world: numbers and layouts of DEN0077A as the
 * releases know them, the proxy's state (ffa.c, ffa_mem.c), and the secure world that
 * answers it (secure_world.c). After include/linux/arm_ffa.h and nvhe/ffa.c.
 *
 * EL2 and the secure world share these definitions and no logic: each reads the bytes
 * in the mailboxes for itself.
 */
#ifndef PKVM_SIM_HYP_FFA_H
#define PKVM_SIM_HYP_FFA_H

#include "hyp_private.h"
#include "sim/el2/smc.h"

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

/* ---- The proxy --------------------------------------------------------------------------- */

struct smc_regs {
	u64 a[18];
};

/* What differs between releases of the proxy. */
struct ffa_release {
	u32 version;	   /* the newest that EL2 speaks */
	u8 n_regs;	   /* registers that the host gets back */
	bool smc_32bit;	   /* a 32-bit -1 of the firmware's is NOT_SUPPORTED */
	bool no_downgrade; /* a later VERSION may not ask for less */
	bool new_refused;  /* calls of 1.1 and 1.2 that are refused by name */
	bool rx_release;   /* EL2 gives its RX buffer back after PARTITION_INFO_GET */
	bool bounds;	   /* descriptors: every offset checked, addresses aligned */
	bool smc_checks;   /* immediate and upper half of the function id must be 0 */
};

struct ffa {
	const struct ffa_release *rel;
	struct spinlock version_lock; /* ffa_version */
	struct spinlock lock;	      /* host_buffers.lock: buffers and descriptor buffer */
	u32 version;		      /* hyp_ffa_version; 0: no FF-A */
	bool negotiated;	      /* the host asked for a version */
	bool host_mapped;	      /* host_buffers.tx and .rx */
	va_t host_tx, host_rx;
	va_t tx, rx, desc; /* EL2's own mailboxes and descriptor buffer */
	u64 desc_len;	   /* bytes of the latter */
};

/* Before boot. False: no address space for the secure world's records. */
bool hyp_ffa_new(struct hyp *hyp);
bool hyp_has_ffa(const struct hyp *hyp);
/* hyp_ffa_init(): 0, also without FF-A; -EOPNOTSUPP for another major version. */
int hyp_ffa_init(struct hyp_cpu *c);
/* An SMC of the host: handled here, refused, or passed on to the secure world. */
void handle_host_smc(struct hyp_cpu *c, u16 imm, u64 regs[18]);

/* ---- What ffa.c and ffa_mem.c offer each other --------------------------------------------- */

/* EL2's own SMC: @a in, registers out. */
void ffa_smc(struct hyp_cpu *c, struct smc_regs *r);
#define FFA_SMC(c_, r_, ...)                                                                       \
	do {                                                                                       \
		*(r_) = (struct smc_regs){ { __VA_ARGS__ } };                                      \
		ffa_smc((c_), (r_));                                                               \
	} while (0)
/* ERROR with a code, SUCCESS for FFA_RET_SUCCESS. */
void ffa_to_smccc_res(struct smc_regs *r, s64 ret);
void ffa_rx_release(struct hyp_cpu *c, struct smc_regs *r);

/* EL2 touches its memory, through its stage 1 where it may be outside its buffers. */
u64 ffa_load(struct hyp_cpu *c, va_t va, unsigned int bytes);
void ffa_store(struct hyp_cpu *c, va_t va, u64 val, unsigned int bytes);
void ffa_memcpy(struct hyp_cpu *c, va_t to, va_t from, u64 bytes);

void do_ffa_mem_share(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res);
void do_ffa_mem_lend(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res);
void do_ffa_mem_frag_tx(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res);
void do_ffa_mem_reclaim(struct hyp_cpu *c, const u64 regs[18], struct smc_regs *res);

/* ---- The secure world (secure_world.c) ------------------------------------------------------ */

bool secure_world_new(struct hyp *hyp);
/* EL3 answers an SMC on this CPU: @r in and out. */
void secure_world_smc(struct hyp_cpu *c, struct smc_regs *r);
/* The same agreement without messages, one range each: 0, -ENOMEM; 0, -EPERM. */
int secure_world_take(struct hyp_cpu *c, u64 pfn, u64 nr_pages);
int secure_world_hand_back(struct hyp_cpu *c, u64 pfn, u64 nr_pages);

#endif
