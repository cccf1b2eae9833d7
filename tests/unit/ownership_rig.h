/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with memory of all kinds, and the transitions by name, for the tests
 * of who owns what.
 */
#ifndef PKVM_SIM_TEST_OWNERSHIP_RIG_H
#define PKVM_SIM_TEST_OWNERSHIP_RIG_H

#include "model/model.h"
#include "tests/unit/hyp_machine.h"

/* Result of an operation in which EL2 panicked. */
#define PANIC 1000
#define MiB (UINT64_C(1) << 20)

/* 64 MiB at 0x40000000, 2 MiB of NOMAP, 62 MiB; three pages at 0x48000000, at 0x50000000 */
#define PAGE_IN_RAM UINT64_C(0x43100000)
#define PAGE_OF_NOMAP UINT64_C(0x44010000)
#define PAGE_OF_HOLE UINT64_C(0x09000000)

/* share, unshare, donate to EL2, to the host, lend over FF-A, take back, ... */
enum rig_op {
	SH,
	UH,
	DH,
	HD,
	SF,
	UF,
	PIN,
	UNPIN,
	ABORT, /* of the host; -EPERM: an abort was injected */
	DONATE_MMIO,
	GIVE_MMIO,
	MAP_DEVICE,
	N_OPS
};
extern const char *const rig_op_name[N_OPS];

/* EL2 with mmio_donation=v5, its memory at 0x41000000: change ->ec, ->bc, then rig_boot(). */
void rig_start(struct hyp_machine *m, enum profile_id p);
void rig_boot(struct hyp_machine *m);
void rig_booted(struct hyp_machine *m, enum profile_id p); /* both */

/* 0, -errno or PANIC. Unless EL2 died no lock may be held afterwards. */
s64 rig_do_n(struct hyp_machine *m, enum rig_op op, u64 phys, u64 n);
s64 rig_do(struct hyp_machine *m, enum rig_op op, u64 phys);
void rig_must(struct hyp_machine *m, enum rig_op op, u64 phys);
struct abs_page rig_look(struct hyp_machine *m, u64 phys);

#endif
