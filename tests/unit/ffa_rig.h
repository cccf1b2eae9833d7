/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with a secure world behind EL2: what tests of FF-A share. */
#ifndef PKVM_SIM_TEST_FFA_RIG_H
#define PKVM_SIM_TEST_FFA_RIG_H

#include "model/model.h"
#include "sim/el2/smc.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

/* How a call ended: a number, an FF-A error's code, or 0x2000 and the outcome's kind. */
#define OK 0x1000
#define PANIC (0x2000 + OUTCOME_PANIC)
#define HANG (0x2000 + OUTCOME_HANG)
#define REFUSED (0x2000 + OUTCOME_REFUSED)
#define RAM UINT64_C(0x48000000)

struct rig {
	struct board_config *bc;
	struct el2_config *ec;
	struct machine *m;
	u64 page, tx, rx, p; /* page size; mailboxes, memory to share */
	struct outcome last;
};

void rig_config(struct rig *r, enum profile_id p, u8 ffa);
s64 rig_boot(struct rig *r);
void rig_free(struct rig *r);
int rig_end(struct rig *r, struct outcome o);
int rig_map(struct rig *r);
/* Booted, a version agreed on, mailboxes mapped. */
void rig_start(struct rig *r, u64 version);
void rig_put(struct rig *r, u64 pa, unsigned int size, u64 val);
u64 rig_get(struct rig *r, u64 pa, unsigned int size);
/* @n ranges of one page each, @stride pages apart, from @pa on: the bytes written. */
u64 rig_describe(struct rig *r, u64 pa, unsigned int n, u64 stride, bool head, u32 more);
int rig_share(struct rig *r, u64 len);
struct abs_page rig_page(struct rig *r, u64 pa);
void rig_assert_unlocked(struct rig *r);

#define SMC(r, ...)                                                                                \
	({                                                                                         \
		const u64 regs_[] = { __VA_ARGS__ };                                               \
		rig_end((r), machine_smc((r)->m, 0, 0, regs_, G_N_ELEMENTS(regs_)));               \
	})
#define REG(r, n) (machine_registers((r)->m)[n])

#define assert_host(r, pa, s) g_assert_cmpint(rig_page((r), (pa)).host, ==, (s))

#endif
