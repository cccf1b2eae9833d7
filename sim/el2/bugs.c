// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bugs that pKVM had, each a switch that brings one back in EL2 as it is otherwise.
 * `pkvm-sim bugs` and the reference print this table; scenarios/bugs has a scenario for
 * each. sim/hyp asks for a switch at one place, sim/host for B-23. A bug that the
 * release has by itself cannot be switched on there: it is on.
 *
 * Facts: subjects, commits and releases as dated in docs/fidelity.md. The numbers are
 * those of the collection they come from.
 */
#include "el2.h"

#define NEEDS_MMIO(id)                                                                             \
	{                                                                                          \
		KNOB_MMIO_DONATION, (u32)~BIT(MMIO_DONATION_NONE), id " needs an mmio_donation"    \
	}

#define NEEDS_FFA(id)                                                                              \
	{                                                                                          \
		KNOB_FFA, BIT(FFA_V1_0) | BIT(FFA_V1_1) | BIT(FFA_V1_2),                           \
			id " needs a secure world to lend to: ffa=v1.N"                            \
	}

/* A release that nothing can be switched on for, and why. */
#define NOWHERE(id, why)                                                                           \
	{                                                                                          \
		[PROFILE_V6_12] = id ": " why, [PROFILE_V7_0] = id ": " why,                       \
		[PROFILE_V7_2] = id ": " why                                                       \
	}

const struct bug el2_bugs[] = {
	[BUG_B01] = {
		.id = "B-01",
		.subject = "KVM: arm64: Fix host stage-2 PGD refcount",
		.release = "v5.15",
		.rule = "refcount",
		.doc = "start tables after the first one have no reference of their own",
		.more = "A stage 2 may start with up to 16 tables side by side, taken from the pool"
			" as one block. Only the first page of a block counts references, and"
			" the table code counts entries in each page: the tail pages began at"
			" 0. The last entry unmapped in one of them gave a live start table"
			" back to the pool.",
	},
	[BUG_B02] = {
		.id = "B-02",
		.subject = "KVM: arm64: Report corrupted refcount at EL2",
		.release = "v5.15",
		.rule = "refcount",
		.doc = "a reference put on a page that has none wraps to 65535",
		.more = "A put too many is a bug of EL2's own, and the worst that can be done about"
			" it is to go on: the count wraps, and the page is pinned for ever, or"
			" never freed. The fix makes it a BUG where it happens.",
	},
	[BUG_B03] = {
		.id = "B-03",
		.subject = "KVM: arm64: Fix host stage-2 finalization",
		.release = "v5.16",
		.rule = "spec, single-owner",
		.doc = "boot takes all that EL2 maps from the host, not its linear map alone",
		.more = "At the end of its boot EL2 walks its own tables and takes the pages found"
			" from the host. The walk went over the whole address space and"
			" expected pages. But the half without the linear map may have"
			" blocks: a hyp_vmemmap that happens to be aligned ended the boot with"
			" -EINVAL. Where it did not, the identity map's page went too.",
	},
	[BUG_B04] = {
		.id = "B-04",
		.subject = "KVM: arm64: Disable privileged hypercalls after pKVM finalisation",
		.release = "v5.16",
		.rule = "spec",
		.doc = "hypercalls of the trusted boot are answered for ever",
		.more = "While it boots the host is trusted and tells EL2 what to map. Those"
			" hypercalls check nothing, since nobody could be attacked yet. They"
			" stayed open once the host was no longer trusted.",
	},
	[BUG_B05] = {
		.id = "B-05",
		.subject = "KVM: arm64: pkvm: Fix hyp_pool max order",
		.release = "v5.17",
		.rule = "spec",
		.doc = "a pool of 2^n pages cannot give out a block of 2^n",
		.more = "The largest order of a pool was taken from the rounded up logarithm of its"
			" size, as an exclusive bound: right unless the size is a power of"
			" two, then one too small. The pages are there and cannot be had in"
			" one piece.",
	},
	[BUG_B06] = {
		.id = "B-06",
		.subject = "KVM: arm64: pkvm: Unshare guest structs during teardown",
		.release = "v5.17",
		.rule = "leak",
		.doc = "the host frees a VM's structures while EL2 still shares them",
		.more = "The host shares struct kvm and its vCPUs with EL2 when it makes a VM, and"
			" did not take that back when the VM went. The memory was freed all the"
			" same. Whoever got it next found that it could not be given to a guest,"
			" nor to EL2: the record said that it was shared, and nobody knew with"
			" whom to talk about it.",
	},
	[BUG_B07] = {
		.id = "B-07",
		.subject = "KVM: arm64: Prevent the donation of no-map pages",
		.release = "v6.3",
		.rule = "spec",
		.doc = "the host may give or lend firmware's carve-outs",
		.more = "No-map regions are memory to memblock, and were memory to EL2. They are"
			" firmware's: the host may not even map them, so they are not its to"
			" give.",
	},
	[BUG_B08] = {
		.id = "B-08",
		.subject = "KVM: arm64: Prevent unconditional donation of unmapped regions from the"
			   " host",
		.release = "v6.4",
		.rule = "spec",
		.doc = "what the host never touched counts as its memory: devices, holes, no-map",
		.more = "The host's stage 2 is filled as the host touches things, so an empty entry"
			" says \"the host's\". Whether it is memory was asked only of entries"
			" that map something: a device that the host had not touched could be"
			" donated as memory.",
		.not_on = {
			[PROFILE_V7_0] = "B-08: from v6.15 on the host's state is not read from"
					 " lazily filled entries",
			[PROFILE_V7_2] = "B-08: from v6.15 on the host's state is not read from"
					 " lazily filled entries",
		},
	},
	[BUG_B09] = {
		.id = "B-09",
		.subject = "KVM: arm64: Reload PTE after invoking walker callback on preorder"
			   " traversal",
		.release = "v6.4",
		.rule = "use-after-free",
		.doc = "the walk goes on into a table that its visitor has just freed",
		.more = "The visitor of a table may put a block in its place and free the table."
			" The walker went on with the entry that it had read before, down into"
			" a page that is the pool's again, and wrote entries there.",
		.not_on = {
			[PROFILE_V6_12] = "B-09: nothing in v6.12 maps a block over a table of the"
					  " host's",
		},
	},
	[BUG_B10] = {
		.id = "B-10",
		.subject = "KVM: arm64: Drop last page ref in kvm_pgtable_stage2_free_removed()",
		.release = "v6.4",
		.rule = "leak",
		.doc = "a table that a block replaced is never freed",
		.more = "Freeing a subtree puts the reference that each table has from its parent's"
			" entry. The topmost one has none any more: its last reference is the"
			" one that it was allocated with, and nobody put that.",
		.not_on = {
			[PROFILE_V6_12] = "B-10: nothing in v6.12 maps a block over a table of the"
					  " host's",
		},
	},
	[BUG_B11] = {
		.id = "B-11",
		.subject = "KVM: arm64: Always check the state from hyp_ack_unshare()",
		.release = "v6.13",
		.rule = "spec",
		.doc = "the host unshares from EL2 what EL2 never borrowed",
		.more = "\"Shared\" in the host's record does not say with whom. EL2's record does,"
			" and was asked in debug builds only. So a page lent to the secure"
			" world could be taken back from EL2. On v6.12 the unmap that follows"
			" finds nothing, and EL2 panics; where a shared page need not be mapped"
			" the call succeeds, and the secure world keeps a page that the host"
			" gives to the next.",
		.not_on = {
			[PROFILE_V6_12] = "B-11: v6.12 has this bug",
		},
	},
	[BUG_B12] = {
		.id = "B-12",
		.subject = "KVM: arm64: Adjust range correctly during host stage-2 faults",
		.release = "v6.16",
		.rule = "spec",
		.doc = "a host fault maps more than one block",
		.more = "A fault maps the largest block that fits. The loop that looks for it asked"
			" whether the level after the one it was about to use has blocks, so a"
			" range of 512 GiB could be chosen and was mapped by 512 blocks. No"
			" page changes hands: the kernel's log calls it no security problem,"
			" and not the expected behaviour.",
		.not_on = {
			[PROFILE_V6_12] = "B-12: v6.12 has this bug",
		},
	},
	[BUG_B13] = {
		.id = "B-13",
		.subject = "KVM: arm64: pkvm: Fallback to level-3 mapping on host stage-2 fault",
		.release = "v7.0",
		.rule = "owner-progress",
		.doc = "EL2 panics when the host touches a page at an unaligned edge of memory",
		.more = "The fix of B-12 lost what the old loop did by accident: at the last level"
			" the page was taken even if it is not all in the region. Regions come"
			" from firmware and need not end at a page. No size fits there, and"
			" there was no other answer: a board with such a memory map did not"
			" boot.",
		.not_on = {
			[PROFILE_V6_12] = "B-13: the loop that has it came in v6.16",
		},
	},
	[BUG_B14] = {
		.id = "B-14",
		.subject = "KVM: arm64: Don't WARN from __pkvm_host_share_guest()",
		.release = "v6.16",
		.rule = "spec",
		.doc = "lending a guest what EL2 or the secure world shares ends EL2",
		.more = "A page that the host has lent to guests may be lent to further ones. One"
			" that is shared with somebody else may not, and this was believed to be"
			" something that a host does not ask for. It was asserted, and a WARN at"
			" EL2 is a panic.",
		.not_on = {
			[PROFILE_V6_12] = "B-14: v6.12 shares nothing with guests",
		},
	},
	[BUG_B15] = {
		.id = "B-15",
		.subject = "KVM: arm64: Unconditionally cross check hyp state",
		.release = "v6.16",
		.rule = "spec",
		.doc = "sharing and donating to EL2 ask the host's record alone",
		.more = "Host and EL2 each record what a page is to them, and the two should agree."
			" EL2's was asked in debug builds only. Where the host's is wrong, a"
			" page that EL2 holds already is taken for a page of the host's own.",
		.not_on = {
			[PROFILE_V6_12] = "B-15: v6.12 has this bug",
		},
	},
	[BUG_B16] = {
		.id = "B-16",
		.subject = "KVM: arm64: Check range args for pKVM mem transitions",
		.release = "v6.18",
		.rule = "range",
		.doc = "frame numbers and counts may wrap",
		.more = "Frame number and page count come from the host and are shifted to bytes."
			" Bits that fall out name another page than was asked for, or no page"
			" at all: what is checked, changed and answered for need no longer be"
			" the same. (CVE-2026-0028, 0030, 0031)",
		.not_on = {
			[PROFILE_V6_12] = "B-16: v6.12 has this bug",
		},
	},
	[BUG_B17] = {
		.id = "B-17",
		.subject = "KVM: arm64: force-align kvm_hyp_memcache allocations",
		.release = "v6.15",
		.rule = "spec",
		.doc = "EL2 clears a page for a table from where the host says, into the next",
		.more = "Pages for a guest's tables come on a stack whose head is an address that"
			" the host wrote. Its frame was donated, but the address was used as it"
			" was: clearing the page ran into the one behind it, which EL2 need not"
			" own, and left at the beginning what the host had written there, as the"
			" table's first entries.",
		.not_on = {
			[PROFILE_V6_12] = "B-17: v6.12 never fills a memcache",
		},
	},
	[BUG_B18] = {
		.id = "B-18",
		.subject = "Check PGD alignment when creating a pVM",
		.release = "Android",
		.rule = "spec",
		.doc = "start tables that are not aligned to their size end EL2",
		.more = "The host gives the pages for a guest's start tables. EL2 makes a pool of"
			" them and asks it for all in one block. Pages side by side make a block"
			" only if they begin at a multiple of their size; else the pool has none"
			" to give, and EL2 works on NULL. (CVE-2026-0029)",
		.not_on = {
			[PROFILE_V6_12] = "B-18: v6.12 has this bug",
			[PROFILE_V7_0] = "B-18: v7.0 has this bug",
			[PROFILE_V7_2] = "B-18: v7.2 has this bug",
		},
	},
	[BUG_B19] = {
		.id = "B-19",
		.subject = "KVM: arm64: Reserve pKVM handle during pkvm_init_host_vm()",
		.release = "v6.18",
		.rule = "spec",
		.doc = "the host asks EL2 to flush a VM that has no handle yet",
		.more = "A VM got its handle when a vCPU first ran. The host's memory management"
			" may take something from it before that, and then named handle 0. EL2"
			" knows no such VM and does nothing, and there is nothing to be done:"
			" without a handle no guest maps a page. So no rule of ownership sees it.",
		.not_on = {
			[PROFILE_V6_12] = "B-19: v6.12 has this bug, without an effect on memory",
			[PROFILE_V7_0] = "B-19: without an effect on memory: no VM has handle 0",
			[PROFILE_V7_2] = "B-19: without an effect on memory: no VM has handle 0",
		},
	},
	[BUG_B20] = {
		.id = "B-20",
		.subject = "KVM: arm64: Fix protected VMs fault on system with pages larger than 4K",
		.release = "v7.3",
		.rule = "spec",
		.doc = "an address inside a page of 16K or 64K names no page",
		.more = "The registers that tell where a fault was count in 4 KiB, whatever the page"
			" is. The lower bits were taken for part of a frame's address. Where the"
			" host takes a page back from a guest by force, EL2 finds that the guest"
			" has another address there and asserts that this cannot be. With pages"
			" of 4 KiB nobody sees it.",
		.not_on = {
			[PROFILE_V6_12] = "B-20: v6.12 takes nothing back by force",
			[PROFILE_V7_0] = "B-20: v7.0 takes nothing back by force",
		},
	},
	[BUG_B21] = {
		.id = "B-21",
		.subject = "KVM: arm64: Fix pin leak and publication ordering in __pkvm_init_vcpu()",
		.release = "v7.1",
		.rule = "no-change-on-error",
		.doc = "a vCPU that cannot be made leaves the host's memory pinned",
		.more = "The host's struct kvm_vcpu is pinned before EL2 finds out that the vCPU's"
			" number is taken or too large. The error path did not unpin it, so that"
			" the host can never unshare it again. A vCPU that can be made was put"
			" where other CPUs find it by a store that nothing orders after those"
			" that fill it.",
		.not_on = {
			[PROFILE_V6_12] = "B-21: v6.12 has this bug",
			[PROFILE_V7_0] = "B-21: v7.0 has this bug",
		},
	},
	[BUG_B22] = {
		.id = "B-22",
		.subject = "KVM: arm64: Fix initialisation order in __pkvm_init_finalise()",
		.release = "v7.1",
		.rule = "refcount",
		.doc = "boot takes the host's pages before EL2's tables are counted",
		.more = "EL2's first tables come from an allocator that counts nothing, and boot"
			" makes up for it. Taking pages from the host came before that, and"
			" before the per-CPU slots that cache maintenance needs. A boot that"
			" fails in between leaves tables that look empty, and the next unmap"
			" frees one of them with all that it maps.",
		.not_on = {
			[PROFILE_V7_0] = "B-22: v7.0 has this bug: finalise_order",
		},
	},
	[BUG_B23] = {
		.id = "B-23",
		.subject = "KVM: arm64: Don't free hyp pages with pKVM on GICv2",
		.release = "v6.16",
		.rule = "use-after-free",
		.doc = "after a failed boot the host frees and reuses what EL2 stands on",
		.more = "When KVM does not come up the host frees EL2's stacks and per-CPU pages,"
			" as it does without protection, where EL2 went back to its stub"
			" first. A protected EL2 does not go away: it keeps its vectors and"
			" runs on pages that somebody else writes to.",
	},
	[BUG_B25] = {
		.id = "B-25",
		.subject = "KVM: arm64: Pre-check vcpu memcache for host->guest donate",
		.release = "v7.1",
		.rule = "spec",
		.doc = "a guest's page is committed before there is memory to map it",
		.more = "The host fills a stack with pages for a guest's tables, or does not. EL2"
			" first recorded that the page is the guest's and then mapped it, and"
			" asserted that this works: a stack that is too short is a panic. Once"
			" it was recorded there is no way back, so the stack is looked at before.",
		.not_on = {
			[PROFILE_V6_12] = "B-25: v6.12 maps nothing for guests",
			[PROFILE_V7_0] = "B-25: v7.0 has this bug",
		},
	},
	[BUG_B27] = {
		.id = "B-27",
		.subject = "KVM: arm64: Free hyp-share tracking node when share hypercall fails",
		.release = "v7.2",
		.rule = "no-change-on-error",
		.doc = "the host counts a share that EL2 refused",
		.more = "The host counts who wants a page to be shared with EL2: the first asks EL2,"
			" the others only count. A page that EL2 refused stayed in the books with"
			" one user. The next one took that for a share, and its hypercalls failed"
			" for a page that EL2 knew nothing of.",
		.not_on = {
			[PROFILE_V6_12] = "B-27: v6.12 has this bug",
			[PROFILE_V7_0] = "B-27: v7.0 has this bug",
		},
	},
	[BUG_B28] = {
		.id = "B-28",
		.subject = "KVM: arm64: Avoid host/hyp share desync on unshare hypercall failure",
		.release = "v7.2",
		.rule = "no-change-on-error",
		.doc = "the host forgets a share that EL2 keeps",
		.more = "The last user of a shared page was struck from the books first, and then EL2"
			" was asked. EL2 refuses while the page is pinned. From then on the host"
			" believes that the page is its own, and every request to share it anew is"
			" refused: nobody remembers that it is.",
		.not_on = {
			[PROFILE_V6_12] = "B-28: v6.12 has this bug",
			[PROFILE_V7_0] = "B-28: v7.0 has this bug",
		},
	},
	[BUG_B29] = {
		.id = "B-29",
		.subject = "KVM: arm64: Roll back partial shares on kvm_share_hyp() failure",
		.release = "v7.2",
		.rule = "no-change-on-error",
		.doc = "pages before the one that EL2 refused stay shared",
		.more = "A structure of several pages is shared page by page. If EL2 refused one, the"
			" caller got the error and freed the memory. The pages before it stayed"
			" shared, in EL2's record and in the host's books.",
		.not_on = {
			[PROFILE_V6_12] = "B-29: v6.12 has this bug",
			[PROFILE_V7_0] = "B-29: v7.0 has this bug",
		},
	},
	[BUG_B30] = {
		.id = "B-30",
		.subject = "KVM: arm64: Fix block mapping validity check in stage-1 walker",
		.release = "v7.2",
		.rule = "spec",
		.doc = "EL2 maps a block at a level that has none",
		.more = "Which levels may hold a block depends on the granule: 1 and 2 with 4K"
			" pages, 2 with larger ones. An entry that looks like a block elsewhere"
			" is no translation. Software that takes it for one believes to have"
			" mapped what hardware faults on.",
	},
	[BUG_B31] = {
		.id = "B-31",
		.subject = "BUG_ON(!__get_fault_info()) in handle_host_mem_abort()",
		.release = "v6.12",
		.rule = "spec",
		.doc = "EL2 panics when it cannot tell where the host's access faulted",
		.more = "After a permission fault the CPU does not say which physical address it was"
			" about. EL2 asks by translating the virtual one again. Meanwhile another"
			" CPU may have changed the host's own tables, and the translation fails:"
			" not EL2's trouble, since the access, done again, meets what is there"
			" now. But failing was a BUG.",
	},
	[BUG_B33] = {
		.id = "B-33",
		.subject = "Fix pkvm_host_donate_hyp ignored 'prot' argument",
		.release = "Android",
		.rule = "spec",
		.doc = "EL2 maps a donated device as cacheable memory",
		.more = "The variant of donation that takes the permissions of EL2's mapping used"
			" the ordinary ones. For a device that means a cacheable mapping:"
			" reads may be answered, and writes kept, by a cache.",
		.needs = NEEDS_MMIO("B-33"),
	},
	[BUG_B34] = {
		.id = "B-34",
		.subject = "KVM: arm64: Correctly count the number of pages reclaimed",
		.release = "Android",
		.rule = "leak",
		.doc = "the host is told of fewer pages than it got back",
		.more = "Android's EL2 has an allocator of its own, which the host fills and asks to"
			" give back what is not in use. How much came back was counted wrongly, so"
			" that pages were out for ever in the host's books. Mainline's EL2 has no"
			" such allocator: pages come back one a call, or in a list that carries"
			" their number.",
		.not_on = NOWHERE("B-34", "mainline's EL2 has no allocator that the host fills"),
	},
	[BUG_B36] = {
		.id = "B-36",
		.subject = "Don't copy pvmfw pages more than once",
		.release = "Android",
		.rule = "confidential",
		.doc = "a guest's firmware is copied anew to where it was loaded before",
		.more = "Android's protected guests start in firmware that EL2 copies to pages as the"
			" host gives them. A guest may give a page back. When the host gave"
			" another one for its place the firmware was copied there once more, with"
			" the secrets that it starts with. (CVE-2025-48610) Mainline loads"
			" nothing into guests, and they give nothing back.",
		.not_on = NOWHERE("B-36", "mainline's EL2 loads no firmware into guests"),
	},
	[BUG_B37] = {
		.id = "B-37",
		.subject = "Prevent memory sharing outside of RAM",
		.release = "Android",
		.rule = "single-owner",
		.doc = "a guest lends the host what is not memory",
		.more = "Android's guests may have devices. Such a guest could call to share an"
			" address at which it has a device, and EL2 recorded a state for a page"
			" that has no place for one. (CVE-2026-0032) In mainline EL2 gives guests"
			" memory only, so what they share is memory.",
		.not_on = NOWHERE("B-37", "mainline's guests have no devices"),
	},
	[BUG_B38] = {
		.id = "B-38",
		.subject = "__pkvm_mark_hyp() takes no MMIO: a rule of 2021, not a fix",
		.release = "open",
		.rule = "single-owner",
		.doc = "MMIO may have an owner while recycling still forgets owners",
		.more = "When EL2 is short of tables it unmaps all MMIO of the host, which comes"
			" back on demand. A comment of 5.14 says why nothing but memory may"
			" be marked as EL2's: the walker takes every entry. Donating MMIO with"
			" the walker as it was forgets the owner at the first recycle. Same as"
			" s2_unmap_annotated=clear, whatever that is set to.",
		.needs = NEEDS_MMIO("B-38"),
	},
	[BUG_B39] = {
		.id = "B-39",
		.subject = "KVM: arm64: Check the untrusted offset in FF-A memory share",
		.release = "v6.18",
		.rule = "spec",
		.doc = "the host tells EL2 where in its memory to look for the ranges to share",
		.more = "A memory region descriptor says at which offset its ranges begin. EL2"
			" copied as many bytes as the host sent and believed the offset: the"
			" ranges were read from wherever it led, over all of EL2's memory, or"
			" from where nothing is mapped, and EL2 aborted. (CVE-2025-40266)",
		.needs = NEEDS_FFA("B-39"),
	},
	[BUG_B40] = {
		.id = "B-40",
		.subject = "KVM: arm64: Fix bounds checking in do_ffa_mem_reclaim()",
		.release = "v7.2",
		.rule = "spec",
		.doc = "lengths in the secure world's answer to a reclaim are believed",
		.more = "When the host takes memory back, the secure world describes what it was"
			" lent. Offset and length of that description were asserted, not"
			" checked, and its count of ranges not even that: EL2 panics, or reads"
			" on behind the description and unshares what it finds there.",
		.not_on = {
			[PROFILE_V6_12] = "B-40: v6.12 has this bug",
			[PROFILE_V7_0] = "B-40: v7.0 has this bug",
		},
		.needs = NEEDS_FFA("B-40"),
	},
	[BUG_B41] = {
		.id = "B-41",
		.subject = "KVM: arm64: Validate the offset to the FF-A mem access descriptor",
		.release = "v7.2",
		.rule = "spec",
		.doc = "the host tells EL2 where in its memory to look for the receiver",
		.more = "From version 1.1 on a descriptor also says where its endpoints begin. In"
			" the entry found there is the offset of the ranges that B-39 is about,"
			" so one more step could be led astray: 32 bits of any address up to"
			" 4 GiB behind EL2's mailbox taken for an offset.",
		.not_on = {
			[PROFILE_V6_12] = "B-41: v6.12 has this bug",
			[PROFILE_V7_0] = "B-41: v7.0 has this bug",
		},
		.needs = { KNOB_FFA, BIT(FFA_V1_1) | BIT(FFA_V1_2),
			   "B-41 needs descriptors of version 1.1: ffa=v1.1" },
	},
	[BUG_B42] = {
		.id = "B-42",
		.subject = "KVM: arm64: Ensure FFA ranges are page aligned",
		.release = "v7.2",
		.rule = "spec",
		.doc = "an address inside a page shares the whole page, and not the next",
		.more = "FF-A counts in 4 KiB, whatever the kernel's page is. Sizes were checked to"
			" be whole pages, addresses were not: their lower bits fell out. The"
			" secure world takes what was named, EL2 marks what it rounded to, and"
			" the rest of what was named stays free to be given away.",
		.not_on = {
			[PROFILE_V6_12] = "B-42: v6.12 has this bug",
			[PROFILE_V7_0] = "B-42: v7.0 has this bug",
		},
		.needs = NEEDS_FFA("B-42"),
	},
	[BUG_B44] = {
		.id = "B-44",
		.subject = "ANDROID: KVM: arm64: Split the host ffa handle store",
		.release = "Android",
		.rule = "single-owner",
		.doc = "the host takes back what a guest lent",
		.more = "Android's EL2 lets guests talk to the secure world and keeps a record of"
			" handles for each of them. Handles of host and guests stood in one"
			" record, so the host could reclaim a guest's and was given its page."
			" (CVE-2026-0037) In mainline guests have no FF-A, and EL2 keeps no"
			" record of handles at all.",
		.not_on = {
			[PROFILE_V6_12] = "B-44: mainline's guests have no FF-A",
			[PROFILE_V7_0] = "B-44: mainline's guests have no FF-A",
			[PROFILE_V7_2] = "B-44: mainline's guests have no FF-A",
		},
	},
	[BUG_B46] = {
		.id = "B-46",
		.subject = "do_ffa_mem_frag_tx(): a limit that its comment tells of, not a fix",
		.release = "open",
		.rule = "leak",
		.doc = "when a later fragment fails, pages of those before stay shared for good",
		.more = "A long descriptor comes in fragments, each in the same mailbox. EL2 shares"
			" the ranges of a fragment, passes it on and forgets it. If a later"
			" one is refused, it undoes that one and tells the secure world to drop"
			" the rest. The pages named before are lent to nobody, and no call"
			" makes them the host's alone again.",
		.not_on = {
			[PROFILE_V6_12] = "B-46: v6.12 has this bug",
			[PROFILE_V7_0] = "B-46: v7.0 has this bug",
			[PROFILE_V7_2] = "B-46: v7.2 has this bug",
		},
	},
	[BUG_B47] = {
		.id = "B-47",
		.subject = "the same page twice in one descriptor: a control, not a fix",
		.release = "open",
		.rule = "no-change-on-error",
		.doc = "what a refused share marked before it was refused stays marked",
		.more = "Ranges are shared one by one. The first that the host may not share, or"
			" has shared two lines above, ends it, and those before must be undone:"
			" nothing is passed on to the secure world, so nothing may be left."
			" Every release does that. With this switch EL2 forgets to, which the"
			" oracle must notice.",
		.needs = NEEDS_FFA("B-47"),
	},
	[BUG_B55] = {
		.id = "B-55",
		.subject = "Transfer the hyp stack pages out of the host stage-2",
		.release = "Android",
		.rule = "single-owner",
		.doc = "EL2's stacks stay the host's",
		.more = "At boot EL2 takes from the host what it finds in its linear map. Stacks"
			" are mapped elsewhere, with a hole below to catch an overflow, and"
			" were not found: the host could read them, and write return"
			" addresses.",
		.not_on = {
			[PROFILE_V7_0] = "B-55: v7.0 has this bug",
		},
	},
	[BUG_B56] = {
		.id = "B-56",
		.subject = "Fix flush size in pkvm_device_hyp_assign_mmio()",
		.release = "Android",
		.rule = "spec",
		.doc = "what a device's pages held is flushed for one of them only",
		.more = "Android hands a device to EL2 by a function of its own, which then cleans"
			" the caches for what was handed over, in the wrong size. The donations of"
			" MMIO that were posted for mainline, and are modelled here, clean no"
			" caches: a device's registers are not cached.",
		.not_on = NOWHERE("B-56", "no donation of MMIO in mainline flushes caches"),
	},
	[BUG_C1] = {
		.id = "C1",
		.subject = "host_unshare_ffa() asks the host's record alone",
		.release = "open",
		.rule = "single-owner",
		.doc = "a lying secure world hands back what is shared with EL2",
		.more = "Memory that is lent over FF-A and memory shared with EL2 look the same in"
			" the host's record, and taking the former back asks nothing else. All"
			" rests on the secure world naming only what it was lent. With this"
			" switch it names what it is asked for, and the host owns alone what"
			" EL2 still borrows, pins and all.",
		.needs = NEEDS_FFA("C1"),
	},
	[BUG_C2] = {
		.id = "C2",
		.subject = "host_unshare_ffa() asks the host's record alone",
		.release = "open",
		.rule = "single-owner",
		.doc = "the same for what is shared with a guest",
		.more = "As C1 for a page that a guest maps: the host then owns alone what the guest"
			" reads and writes, and may give it to EL2. Each guest that maps a page"
			" is counted, but taking back from the secure world does not look at the"
			" count. With this switch it names what guests have.",
		.not_on = {
			[PROFILE_V6_12] = "C2: v6.12 shares nothing with guests",
		},
		.needs = NEEDS_FFA("C2"),
	},
	[BUG_DL1] = {
		.id = "D-L1",
		.subject = "finalize_teardown_vm() does not ask whether all pages were reclaimed",
		.release = "open",
		.rule = "leak, spec",
		.doc = "a protected guest's pages outlive it, and the next VM is asked for them",
		.more = "A page that the host forgot to reclaim from a dying guest stays marked as"
			" that guest's. Marks name VMs by handle. While no VM has the handle the"
			" page cannot be had back; when one gets it, taking the page back by"
			" force looks into the wrong guest, and panics if there is another page.",
		.not_on = {
			[PROFILE_V6_12] = "D-L1: v6.12 gives nothing to guests",
			[PROFILE_V7_0] = "D-L1: v7.0 gives nothing to guests",
			[PROFILE_V7_2] = "D-L1: v7.2 has this bug",
		},
	},
	[BUG_DL2] = {
		.id = "D-L2",
		.subject = "a VM goes with pages of the host's still lent to it",
		.release = "open",
		.rule = "leak",
		.doc = "what was lent to an ordinary guest that is gone stays lent",
		.more = "The host takes back what it lent to a guest by handle and place. Nothing"
			" keeps it from ending the VM first. The pages then count a guest that is"
			" no more, and every call that would make them the host's alone asks for"
			" one that is.",
		.not_on = {
			[PROFILE_V6_12] = "D-L2: v6.12 shares nothing with guests",
			[PROFILE_V7_0] = "D-L2: v7.0 has this bug",
			[PROFILE_V7_2] = "D-L2: v7.2 has this bug",
		},
	},
	[BUG_RC15] = {
		.id = "RC-15",
		.subject = "a hand-over whose TLB invalidation is missing",
		.release = "open",
		.rule = "stale-tlb",
		.doc = "a page of a stage 2 is broken without telling the TLBs",
		.more = "No release forgot this; it is what a review asks for first. A page that is"
			" given away is unmapped, and CPUs that used it may go on with what they"
			" have cached: the tables are right, and the owner is not alone.",
	},
};
const unsigned int el2_n_bugs = G_N_ELEMENTS(el2_bugs);

G_STATIC_ASSERT(G_N_ELEMENTS(el2_bugs) == N_BUGS);
