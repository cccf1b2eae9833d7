// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of the host's SMCs, and how an answer is read.
 */
#include <string.h>

#include "smc.h"

const struct smc_call el2_smcs[] = {
	{ "ffa_version", FFA_VERSION, "VERSION", "ask for a version, 0x10001: the version in x0" },
	{ "ffa_features", FFA_FEATURES, "ID", "is this call there? Its properties" },
	{ "ffa_rx_release", FFA_RX_RELEASE, "", "the RX buffer was read" },
	{ "ffa_rxtx_map", FFA_FN64_RXTX_MAP, "TX RX PAGES", "lend EL2 a mailbox for each way" },
	{ "ffa_rxtx_map_32", FFA_RXTX_MAP, "TX RX PAGES", "the same in 32 bits: refused" },
	{ "ffa_rxtx_unmap", FFA_RXTX_UNMAP, "ID", "take the mailboxes back" },
	{ "ffa_partition_info_get", FFA_PARTITION_INFO_GET, "UUID0 UUID1 UUID2 UUID3 FLAGS",
	  "who is there, into the RX buffer: how many" },
	{ "ffa_id_get", FFA_ID_GET, "", "the caller's id" },
	{ "ffa_msg_poll", FFA_MSG_POLL, "", "refused" },
	{ "ffa_msg_wait", FFA_MSG_WAIT, "", "refused" },
	{ "ffa_msg_send", FFA_MSG_SEND, "", "refused" },
	{ "ffa_msg_send_direct_req", FFA_MSG_SEND_DIRECT_REQ, "IDS 0 DATA...",
	  "a message to a partition, and its answer" },
	{ "ffa_mem_donate", FFA_FN64_MEM_DONATE, "LEN FRAGLEN", "refused" },
	{ "ffa_mem_lend", FFA_FN64_MEM_LEND, "LEN FRAGLEN",
	  "lend what the descriptor in the TX buffer names: the handle" },
	{ "ffa_mem_lend_32", FFA_MEM_LEND, "LEN FRAGLEN", "the same in 32 bits" },
	{ "ffa_mem_share", FFA_FN64_MEM_SHARE, "LEN FRAGLEN",
	  "share what the descriptor in the TX buffer names: the handle" },
	{ "ffa_mem_share_32", FFA_MEM_SHARE, "LEN FRAGLEN", "the same in 32 bits" },
	{ "ffa_mem_retrieve_req", FFA_FN64_MEM_RETRIEVE_REQ, "LEN FRAGLEN", "refused" },
	{ "ffa_mem_relinquish", FFA_MEM_RELINQUISH, "", "refused" },
	{ "ffa_mem_reclaim", FFA_MEM_RECLAIM, "HANDLE_LO HANDLE_HI FLAGS",
	  "take back what was shared or lent under the handle" },
	{ "ffa_mem_op_pause", FFA_MEM_OP_PAUSE, "", "refused" },
	{ "ffa_mem_op_resume", FFA_MEM_OP_RESUME, "", "refused" },
	{ "ffa_mem_frag_rx", FFA_MEM_FRAG_RX, "HANDLE_LO HANDLE_HI OFFSET", "refused" },
	{ "ffa_mem_frag_tx", FFA_MEM_FRAG_TX, "HANDLE_LO HANDLE_HI FRAGLEN ID",
	  "the next ranges of a long descriptor: the handle" },
	{ "ffa_console_log", FFA_CONSOLE_LOG, "", "refused from v7.0 on" },
	{ "smccc_version", SMCCC_VERSION_ID, "", "the version of the calling convention" },
	{ NULL, 0, NULL, NULL },
};

const struct smc_call *el2_smc_find(const char *name)
{
	const struct smc_call *s = el2_smcs;

	while (s->name && strcmp(s->name, name))
		s++;
	return s->name ? s : NULL;
}

static const char *const error_names[FFA_N_ERRORS + 1] = {
	[1] = "NOT_SUPPORTED", [2] = "INVALID_PARAMETERS",
	[3] = "NO_MEMORY",     [4] = "BUSY",
	[5] = "INTERRUPTED",   [6] = "DENIED",
	[7] = "RETRY",	       [8] = "ABORTED",
	[9] = "NO_DATA",
};

const char *ffa_error_name(unsigned int code)
{
	return code && code <= FFA_N_ERRORS ? error_names[code] : NULL;
}

/*
 * el2_smc_end - @value is the code of an FF-A error (-1 .. -9), what a success gives in
 * x2 (a count, a property, a handle's lower half), the handle that a next fragment is
 * wanted for (x1), else x0.
 */
enum smc_end el2_smc_end(const u64 regs[18], u64 *value)
{
	s32 code = (s32)regs[2];

	*value = regs[0];
	switch (regs[0] & UINT32_MAX) {
	case UINT32_MAX:
		return SMC_REFUSED;
	case FFA_ERROR:
		if (code > 0 || !ffa_error_name(0u - (unsigned int)code))
			break;
		*value = (u64)(s64)code;
		return SMC_FFA_ERROR;
	case FFA_SUCCESS:
		*value = regs[2] & UINT32_MAX;
		break;
	case FFA_MEM_FRAG_RX:
		*value = regs[1] & UINT32_MAX;
		break;
	default:
		break;
	}
	return SMC_VALUE;
}
