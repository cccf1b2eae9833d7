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
#include "sim/el2/secure_world.h"

/* ---- The proxy --------------------------------------------------------------------------- */

/* What differs between releases of the proxy. */
struct ffa_release {
	u32 version;	   /* the newest that EL2 speaks */
	u8 n_regs;	   /* registers that the host gets back */
	bool smc_32bit;	   /* a 32-bit -1 of the firmware's is NOT_SUPPORTED */
	bool no_downgrade; /* a later VERSION may not ask for less */
	bool new_refused;  /* calls of 1.1 and 1.2 that are refused by name */
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

#endif
