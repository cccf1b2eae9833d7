// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one table of statements and of functions of the state: what the parser
 * knows, what `help`, completion and the reference print.
 */
#include "script_private.h"

#define EXPECTATION                                                                                \
	"What it must give may follow: `=> OUTCOME [or OUTCOME] [, violation RULE]`, and on "      \
	"lines "                                                                                   \
	"of their own further `=>` with a bracket, [KNOB=VALUE], that says in which runs they "    \
	"hold. Without one it must succeed."

static const struct command commands[N_COMMANDS + 1] = {
	[CMD_TITLE] = { "title", "TEXT", "one line that every report prints", NULL, COMMAND_SETUP,
			NULL },
	[CMD_ORIGIN] = { "origin", "TEXT",
			 "where the concern comes from: a subject or a Message-ID", NULL,
			 COMMAND_SETUP, NULL },
	[CMD_MACHINE] = { "machine", "NAME", "start from a built-in board (default: virt)",
			  "`pkvm-sim machines` lists them.", COMMAND_SETUP, "machine" },
	[CMD_CPUS] = { "cpus", "N", "number of CPUs, 1 to 64", NULL, COMMAND_SETUP, NULL },
	[CMD_PAGE_SIZE] = { "page_size", "4K|16K|64K", "the granule", NULL, COMMAND_SETUP, NULL },
	[CMD_PA_BITS] = { "pa_bits", "N", "size of physical addresses", NULL, COMMAND_SETUP, NULL },
	[CMD_FEATURE] = { "feature", "NAME=on|off ...", "features of the CPUs",
			  "fwb, lpa2, tlbirange, xnx, hvhe, bti, dic, idc, vmid16, hafdbs.",
			  COMMAND_SETUP, "feature" },
	[CMD_RAM] = { "ram", "BASE+SIZE [nomap]", "add a memory region",
		      "nomap: a firmware carve-out. Need not be page aligned.", COMMAND_SETUP,
		      NULL },
	[CMD_MMIO] = { "mmio", "NAME BASE+SIZE [model=regs|dma]", "add a device window",
		       "Its name stands for its first address. May lie inside a nomap region.",
		       COMMAND_SETUP, NULL },
	[CMD_NO] = { "no", "ram|mmio", "drop the board's own regions", NULL, COMMAND_SETUP, NULL },
	[CMD_HYP_IMAGE] = { "hyp_image", "ADDR", "where EL2's image lies",
			    "Default: 64 KiB above the first region's base.", COMMAND_SETUP, NULL },
	[CMD_HYP_MEMORY] = { "hyp_memory", "ADDR", "where the memory starts that EL2 gets at boot",
			     "Default: 2 MiB aligned, as high in RAM as it fits.", COMMAND_SETUP,
			     NULL },
	[CMD_POOL] = { "pool", "NAME PAGES", "size of host_s2 or hyp_s1",
		       "Instead of the kernel's formula.", COMMAND_SETUP, "pool" },
	[CMD_KERNEL] = { "kernel", "PROFILE", "which release's EL2 (default: v7.0)",
			 "`pkvm-sim kernels` lists them.", COMMAND_SETUP, "kernel" },
	[CMD_PATCH] = { "patch", "NAME", "a posted series: its base and its knobs",
			"`pkvm-sim patches` lists them.", COMMAND_SETUP, "patch" },
	[CMD_SET] = { "set", "KNOB=VALUE ...", "single design decisions",
		      "`pkvm-sim knobs` lists them.", COMMAND_SETUP, "knob" },
	[CMD_BUG] = { "bug", "NAME ...", "historical bugs brought back",
		      "`pkvm-sim bugs` lists them.", COMMAND_SETUP, "bug" },
	[CMD_PROTECT] = { "protect", "BASE+SIZE", "one entry of the array of protected registers",
			  "Any page range: what EL2 does with it is the point. The boot step of "
			  "patch 02 runs when at least one stands.",
			  COMMAND_SETUP, NULL },
	[CMD_MATRIX] = { "matrix", "NAME=V1,V2,... ...", "run once for every combination",
			 "NAME is `kernel` or a knob; in the order written, last axis fastest.",
			 COMMAND_SETUP, "knob" },
	[CMD_REQUIRES] = { "requires", "CALL | KNOB=VALUE", "else the run is skipped", NULL,
			   COMMAND_SETUP, "call" },
	[CMD_BOOT] = { "boot", "", "init, finalise, then prot_finalize on every CPU", EXPECTATION,
		       COMMAND_ACTION, NULL },
	[CMD_INIT] = { "init", "", "__pkvm_init up to the switch of tables", EXPECTATION,
		       COMMAND_ACTION, NULL },
	[CMD_FINALISE] = { "finalise", "", "the rest of __pkvm_init", EXPECTATION, COMMAND_ACTION,
			   NULL },
	[CMD_PROT_FINALIZE] = { "prot_finalize", "", "the host's stage 2 on for the acting CPU",
				EXPECTATION, COMMAND_ACTION, NULL },
	[CMD_HVC] = { "hvc", "NAME ARGS... | raw ID X1...", "the host issues a hypercall",
		      "The kernel's name, with or without its prefix; arguments in the kernel's "
		      "order and units: pfn(), hyp_va(), kern_va().\n\n" EXPECTATION,
		      COMMAND_ACTION, "hypercall" },
	[CMD_EL2] = { "el2", "NAME ARGS...", "call a function that only EL2 itself calls",
		      EXPECTATION, COMMAND_ACTION, "el2call" },
	[CMD_SMC] = { "smc", "NAME X1... | raw X0 X1... [imm=N]",
		      "the host calls firmware, through EL2",
		      "An FF-A error is an outcome of its own: DENIED, INVALID_PARAMETERS, ... The "
		      "number of another answer is x2 of an FF-A success, x1 where the next "
		      "fragment is wanted, else x0; reg(N) has them all. `refused`: x0 is "
		      "-1.\n\n" EXPECTATION,
		      COMMAND_ACTION, "smc" },
	[CMD_FFA] = { "ffa", "describe TX ADDR PAGES ... | ranges TX ADDR PAGES ...",
		      "the host writes an FF-A memory region descriptor",
		      "At TX: header, one receiver, and the ranges, in pages of 4 KiB; or ranges "
		      "alone, for a later fragment. version=V (what FFA_VERSION agreed on), more=N "
		      "more_pages=N: ranges that follow in later fragments. Gives the bytes "
		      "written.\n\n" EXPECTATION,
		      COMMAND_ACTION, NULL },
	[CMD_HOST] = { "host",
		       "read ADDR [SIZE] | write ADDR VALUE [SIZE] | exec ADDR [isv=0] "
		       "[at=0] [reclaim=1] | map VM[.N] gfn=G [pages=N] [page=ADDR] [huge=1] [r=0] "
		       "[w=0] "
		       "[x=0] | unmap|wrprotect VM gfn=G [pages=N] | age VM gfn=G [pages=N] "
		       "[mkold=0] | share|unshare ADDR [pages=N]",
		       "the host touches a physical address, or manages guests' memory",
		       "SIZE is 1, 2, 4 or 8 (default 8) bytes; isv=0 makes the syndrome invalid; "
		       "at=0: EL2's address translation for its first permission fault fails, as "
		       "if "
		       "another CPU had changed the host's stage 1 in between; "
		       "reclaim=1: it is the kernel itself, which answers an injected abort by "
		       "taking the page from the guest.\n\n"
		       "map: memory for the guest as if it had faulted there, of the host's choice "
		       "or from ADDR on; huge, r, w, x are for guests that are not protected. "
		       "unmap, wrprotect, age: as MMU notifiers do; protected guests are left "
		       "alone; age gives whether a page was used. share, unshare: kvm_share_hyp() "
		       "and kvm_unshare_hyp().\n\n" EXPECTATION,
		       COMMAND_ACTION, "access" },
	[CMD_HYP] = { "hyp", "read VA [SIZE] | write VA VALUE [SIZE]", "probe EL2's stage 1",
		      "What an access of EL2 to this virtual address would meet.\n\n" EXPECTATION,
		      COMMAND_ACTION, "access" },
	[CMD_DMA] = { "dma", "DEVICE read ADDR [SIZE] | DEVICE write ADDR VALUE [SIZE]",
		      "a bus master touches a physical address", EXPECTATION, COMMAND_ACTION,
		      "region" },
	[CMD_GUEST] = { "guest",
			"VM[.N] read IPA [SIZE] | write IPA VALUE [SIZE] | exec IPA | hvc NAME "
			"ARGS... | hvc raw ID X1...",
			"a vCPU touches an IPA, or calls EL2",
			"Its vCPU N (0) is loaded on the acting CPU first. An access that its "
			"stage "
			"2 does not allow exits to the host: fault; `vm run` deals with it and "
			"lets "
			"the guest try again. Calls: mem_share IPA, mem_unshare IPA, hyp_meminfo; "
			"they give x0, -1 is refused.\n\n" EXPECTATION,
			COMMAND_ACTION, "vm" },
	[CMD_VM] = { "vm",
		     "create NAME [protected] [vcpus=N] [ipa_bits=N] | run NAME[.N] | put NAME[.N] "
		     "| destroy NAME",
		     "the host's driver makes, runs and destroys virtual machines",
		     "create: the host's structures; EL2 hears of them when a vCPU first runs. "
		     "run: "
		     "KVM_RUN, with what the guest exited for dealt with. put: the vCPU leaves its "
		     "CPU. destroy: all memory back to the host. They give what the kernel's "
		     "functions return, where it warns and goes on the first error. NAME stands "
		     "for the VM's handle where a number is wanted.\n\n" EXPECTATION,
		     COMMAND_ACTION, NULL },
	[CMD_DRAIN] = { "drain", "POOL [leave=N]", "memory pressure: empty a pool",
			"Takes order-0 pages until N (0) are free; no events. POOL: host_s2, "
			"hyp_s1, a VM, VM.N for a vCPU's memcache.\n\n" EXPECTATION,
			COMMAND_ACTION, "pool" },
	[CMD_REFILL] = { "refill", "POOL [pages=N]", "give drained pages back, last taken first",
			 EXPECTATION, COMMAND_ACTION, "pool" },
	[CMD_FAIL] = { "fail", "alloc POOL nth=K [count=N]", "make allocations fail",
		       "The K-th from now on (1: the next) and the N-1 after it return nothing; a "
		       "second `fail` replaces the first.\n\n" EXPECTATION,
		       COMMAND_ACTION, NULL },
	[CMD_EXPECT] = { "expect", "EXPR [bracket]", "EXPR must be true now",
			 "On failure the report gives the value of both sides.", COMMAND_CHECK,
			 "function" },
	[CMD_LET] = { "let", "NAME = EXPR", "bind a name; binding again replaces", NULL,
		      COMMAND_CONTROL, NULL },
	[CMD_REPEAT] = { "repeat", "N [as NAME]", "the lines up to `end`, N times",
			 "NAME counts from 0; blocks nest.", COMMAND_CONTROL, NULL },
	[CMD_END] = { "end", "", "closes a block", NULL, COMMAND_CONTROL, NULL },
	[CMD_PARALLEL] = { "parallel", "... end", "the lines up to `end` on several CPUs at once",
			   "Every line has its cpuN:, lines of one CPU run in order: calls, "
			   "accesses of the host, of EL2 and of guests. Which CPU does its next "
			   "visible step says `schedule`, the first line, else chance (--seed).",
			   COMMAND_CONTROL, NULL },
	[CMD_EXPLORE] = { "explore", "[preemptions=N] [alloc=any]",
			  "the lines up to `end` in every order of their visible steps",
			  "As `parallel`, under every schedule. A line without `=>` must succeed "
			  "under each; always, never and sometimes may follow the end. Also tried: "
			  "each translation that a CPU may still have cached, AT failing, and with "
			  "alloc=any each allocation failing. preemptions=N: at most N switches "
			  "away from a CPU that could go on. Afterwards the machine is as the "
			  "first schedule that broke something leaves it, else as the first of "
			  "all.",
			  COMMAND_CONTROL, NULL },
	[CMD_SCHEDULE] = { "schedule", "N[*TIMES] ...",
			   "first in `parallel`: the CPU of each visible step",
			   "After a step may follow what happened in it: alloc (the allocation "
			   "failed), at (AT failed), tlb=K (the access used the K-th older "
			   "translation). When it ends, the last CPU goes on, then the lowest.",
			   COMMAND_CONTROL, NULL },
	[CMD_ALWAYS] = { "always", "EXPR [bracket]",
			 "after a block: EXPR is true in all final states", NULL, COMMAND_CHECK,
			 "function" },
	[CMD_NEVER] = { "never", "EXPR | violation RULE [bracket]",
			"after a block: EXPR is false in all final states; nothing breaks RULE",
			"No rule may be broken unless `sometimes` says so.", COMMAND_CHECK,
			"function" },
	[CMD_SOMETIMES] = { "sometimes", "EXPR | violation RULE [bracket]",
			    "after a block: EXPR is true in a final state; RULE is broken", NULL,
			    COMMAND_CHECK, "function" },
	[CMD_ECHO] = { "echo", "TEXT", "print TEXT", NULL, COMMAND_CONTROL, NULL },
	[CMD_SHOW] = { "show", "WHAT", "print state", NULL, COMMAND_CONTROL, "show" },
	[CMD_INCLUDE] = { "include", "FILE", "read another file here",
			  "Relative to the file it stands in; at most 16 deep.", COMMAND_CONTROL,
			  "file" },
	[CMD_RESET] = { "reset", "", "throw the machine away, keep the set-up",
			"At the prompt; the set-up may then be added to.", COMMAND_CONTROL, NULL },
};

static const struct command functions[N_FUNCTIONS + 1] = {
	[FN_OWNER] = { "owner", "ADDR",
		       "host, hyp, ffa, firmware, a VM; several; none beyond the PA limit", NULL,
		       COMMAND_CHECK, NULL },
	[FN_STATE] = { "state", "host|hyp|VM, ADDR",
		       "OWNED, SHARED_OWNED, SHARED_BORROWED, NOPAGE, POISON as EL2 records it",
		       NULL, COMMAND_CHECK, NULL },
	[FN_PTE] = { "pte", "host|hyp|VM, ADDR", "the entry at which the walk ends, raw",
		     "For hyp the address is one of EL2's: hyp_va(ADDR); for a VM an IPA.",
		     COMMAND_CHECK, NULL },
	[FN_LEVEL] = { "level", "host|hyp|VM, ADDR", "the level of that entry", NULL, COMMAND_CHECK,
		       NULL },
	[FN_MAPPED] = { "mapped", "host|hyp|VM, ADDR", "1 if a valid leaf translates it, else 0",
			NULL, COMMAND_CHECK, NULL },
	[FN_TRANSLATES] = { "translates", "host|hyp|VM, ADDR",
			    "the output address that the MMU gives, or `fault`", NULL,
			    COMMAND_CHECK, NULL },
	[FN_FREE] = { "free", "POOL", "free pages of all orders", NULL, COMMAND_CHECK, "pool" },
	[FN_TABLES] = { "tables", "host|hyp|VM", "table pages in use, the root's included", NULL,
			COMMAND_CHECK, NULL },
	[FN_REFCOUNT] = { "refcount", "ADDR", "the page's reference count", NULL, COMMAND_CHECK,
			  NULL },
	[FN_PINS] = { "pins", "ADDR", "references that EL2 holds on a page shared with it", NULL,
		      COMMAND_CHECK, NULL },
	[FN_SHARERS] = { "sharers", "ADDR", "guests that a page is shared with", NULL,
			 COMMAND_CHECK, NULL },
	[FN_HYP_VA] = { "hyp_va", "ADDR", "EL2's address of it, mapped or not", NULL, COMMAND_CHECK,
			NULL },
	[FN_KERN_VA] = { "kern_va", "ADDR", "the host kernel's address of it",
			 "0xffff000000000000 + ADDR: the linear map of a 48-bit kernel whose RAM "
			 "is "
			 "mapped from physical 0.",
			 COMMAND_CHECK, NULL },
	[FN_PFN] = { "pfn", "ADDR", "frame number of a page-aligned address", NULL, COMMAND_CHECK,
		     NULL },
	[FN_PAGE] = { "page", "", "the lowest RAM page that is the host's and was not given before",
		      "Only in let and arguments, only after boot.", COMMAND_CHECK, NULL },
	[FN_RAM] = { "ram", "N", "base of the N-th memory region", NULL, COMMAND_CHECK, NULL },
	[FN_CPUS] = { "cpus", "", "number of CPUs", NULL, COMMAND_CHECK, NULL },
	[FN_MEM] = { "mem", "ADDR", "the 64-bit word there, seen past every MMU", NULL,
		     COMMAND_CHECK, NULL },
	[FN_LOCKED] = { "locked", "LOCK", "the CPU that holds it, or -1", NULL, COMMAND_CHECK,
			"lock" },
	[FN_EVENTS] = { "events", "KIND", "events of KIND that the last action caused", NULL,
			COMMAND_CHECK, "event" },
	[FN_OFFSET] = { "offset", "FIELD",
			"where the host's struct kvm or kvm_vcpu has it, in bytes",
			"FIELD: created_vcpus, handle, is_protected, teardown_mc_head and "
			"teardown_mc_nr_pages of struct kvm; vcpu_idx, kvm, memcache_head and "
			"memcache_nr_pages of struct kvm_vcpu. A kernel tree lays them out by its "
			"own headers.",
			COMMAND_CHECK, NULL },
	[FN_REG] = { "reg", "N", "register xN of the host as the last hvc or smc left it", NULL,
		     COMMAND_CHECK, NULL },
	[FN_RESULT] = { "result", NULL, "what the last action gave; cpuN.result: on CPU N", NULL,
			COMMAND_CHECK, NULL },
};

const struct command *script_commands(void)
{
	return commands;
}

const struct command *script_functions(void)
{
	return functions;
}

bool command_find(const char *name, enum command_id *id)
{
	for (unsigned int i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name)) {
			*id = i;
			return true;
		}
	}
	return false;
}

bool is_setup(enum command_id id)
{
	return commands[id].class == COMMAND_SETUP;
}

bool is_action(enum command_id id)
{
	return commands[id].class == COMMAND_ACTION;
}
