/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's calls to firmware: function numbers of FF-A (DEN0077A), their names for
 * scenarios, and what an answer means.
 */
#ifndef PKVM_SIM_EL2_SMC_H
#define PKVM_SIM_EL2_SMC_H

#include "sim/arch/types.h"

#define SMCCC_HINT_SVE BIT(16) /* no part of the function id */
#define SMCCC_NOT_SUPPORTED (~UINT64_C(0))
#define SMCCC_VERSION_ID UINT64_C(0x80000000)

#define FFA_FN32(nr) (UINT64_C(0x84000000) + (nr))
#define FFA_FN64(nr) (UINT64_C(0xc4000000) + (nr))
#define FFA_MIN_FUNC_NUM 0x60u
#define FFA_MAX_FUNC_NUM 0xffu

#define FFA_ERROR FFA_FN32(0x60)
#define FFA_SUCCESS FFA_FN32(0x61)
#define FFA_VERSION FFA_FN32(0x63)
#define FFA_FEATURES FFA_FN32(0x64)
#define FFA_RX_RELEASE FFA_FN32(0x65)
#define FFA_RXTX_MAP FFA_FN32(0x66)
#define FFA_FN64_RXTX_MAP FFA_FN64(0x66)
#define FFA_RXTX_UNMAP FFA_FN32(0x67)
#define FFA_PARTITION_INFO_GET FFA_FN32(0x68)
#define FFA_ID_GET FFA_FN32(0x69)
#define FFA_MSG_POLL FFA_FN32(0x6a)
#define FFA_MSG_WAIT FFA_FN32(0x6b)
#define FFA_MSG_SEND FFA_FN32(0x6e)
#define FFA_MSG_SEND_DIRECT_REQ FFA_FN32(0x6f)
#define FFA_MSG_SEND_DIRECT_RESP FFA_FN32(0x70)
#define FFA_MEM_DONATE FFA_FN32(0x71)
#define FFA_FN64_MEM_DONATE FFA_FN64(0x71)
#define FFA_MEM_LEND FFA_FN32(0x72)
#define FFA_FN64_MEM_LEND FFA_FN64(0x72)
#define FFA_MEM_SHARE FFA_FN32(0x73)
#define FFA_FN64_MEM_SHARE FFA_FN64(0x73)
#define FFA_MEM_RETRIEVE_REQ FFA_FN32(0x74)
#define FFA_FN64_MEM_RETRIEVE_REQ FFA_FN64(0x74)
#define FFA_MEM_RETRIEVE_RESP FFA_FN32(0x75)
#define FFA_MEM_RELINQUISH FFA_FN32(0x76)
#define FFA_MEM_RECLAIM FFA_FN32(0x77)
#define FFA_MEM_OP_PAUSE FFA_FN32(0x78)
#define FFA_MEM_OP_RESUME FFA_FN32(0x79)
#define FFA_MEM_FRAG_RX FFA_FN32(0x7a)
#define FFA_MEM_FRAG_TX FFA_FN32(0x7b)
#define FFA_NOTIFICATION_BITMAP_CREATE FFA_FN32(0x7d)
#define FFA_NOTIFICATION_BITMAP_DESTROY FFA_FN32(0x7e)
#define FFA_NOTIFICATION_BIND FFA_FN32(0x7f)
#define FFA_NOTIFICATION_UNBIND FFA_FN32(0x80)
#define FFA_NOTIFICATION_SET FFA_FN32(0x81)
#define FFA_NOTIFICATION_GET FFA_FN32(0x82)
#define FFA_NOTIFICATION_INFO_GET FFA_FN32(0x83)
#define FFA_CONSOLE_LOG FFA_FN32(0x8a)
#define FFA_PARTITION_INFO_GET_REGS FFA_FN64(0x8b)
#define FFA_MSG_SEND_DIRECT_REQ2 FFA_FN64(0x8d)
#define FFA_MSG_SEND_DIRECT_RESP2 FFA_FN64(0x8e)

#define FFA_RET_SUCCESS 0
#define FFA_RET_NOT_SUPPORTED (-1)
#define FFA_RET_INVALID_PARAMETERS (-2)
#define FFA_RET_NO_MEMORY (-3)
#define FFA_RET_BUSY (-4)
#define FFA_RET_DENIED (-6)
#define FFA_RET_RETRY (-7)
#define FFA_RET_ABORTED (-8)

struct smc_call {
	const char *name; /* "ffa_mem_share" */
	u64 id;
	const char *args; /* "LEN FRAGLEN", for people */
	const char *doc;
};

extern const struct smc_call el2_smcs[]; /* ends with .name == NULL */
const struct smc_call *el2_smc_find(const char *name);

/* What came back in x0..x3: an FF-A error (code -1 .. -9), a refusal, or a number. */
enum smc_end { SMC_VALUE, SMC_FFA_ERROR, SMC_REFUSED };
enum smc_end el2_smc_end(const u64 regs[18], u64 *value);

#define FFA_N_ERRORS 9
/* "DENIED" of 6; NULL for what no version defines. */
const char *ffa_error_name(unsigned int code);

#endif
