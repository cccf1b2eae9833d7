#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""EL2 with one lock, one TLBI or one DSB left out: does any scenario notice?

    tests/smp_mutants.py [--jobs N] [--only WORD] [SCENARIOS...]

Each place of sim/hyp that takes a lock, invalidates or waits is left out in turn, in a copy of
the tree. What lacks a lock lacks it for all that the function does under it. The scenarios (by
default those with several CPUs, then all) run on what was built from it; one that fails has
caught it. What nobody catches must stand in EXPLAINED. Exit status: 0 if so.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

PAIRS = [
    ("spin_lock", "spin_unlock"),
    ("host_lock_component", "host_unlock_component"),
    ("hyp_lock_component", "hyp_unlock_component"),
    ("guest_lock_component", "guest_unlock_component"),
    ("lock_host_and_hyp", "unlock_host_and_hyp"),
    ("lock_host_and_guest", "unlock_host_and_guest"),
    ("lock_both", "unlock_both"),
]
STATEMENTS = ["cpu_tlbi", "cpu_dsb"]
# where nothing of EL2 on its own machine is
SKIP = {"selftest.c", "pgtable_alone.c"}

# What no scenario can see, by "FILE FUNCTION WHAT", and why.
FFA = "the FF-A proxy's state is the simulator's, and blocks of CPUs have no FF-A"
UNSEEN = "the VM is in no table yet, or no longer: nobody else can work on it"
S2_OFF = "no CPU walks these tables before its stage 2 is on, so nothing old is cached"
VMIDS = "for the roll-over of VMIDs, which are never given to somebody else here"
BOOT = "of boot, where one CPU runs"
MADE = "an entry that was invalid is cached by nobody, and walks see stores at once"
EITHER = "who changes what it looks at holds both locks: one is enough to look"
DEAD = "of a panic, after which nothing runs"
EXPLAINED = {
    "panic.c disable_host_stage2 cpu_tlbi 1": DEAD,
    "panic.c disable_host_stage2 cpu_dsb 2": DEAD,
    "mm.c pkvm_alloc_private_va_range spin_lock pkvm_pgd_lock": BOOT,
    "mm.c pkvm_create_mappings spin_lock pkvm_pgd_lock": BOOT,
    "mm.c pkvm_create_stack spin_lock pkvm_pgd_lock": BOOT,
    "mm.c create_fixblock spin_lock pkvm_pgd_lock": BOOT,
    "mm.c fixmap_map_slot cpu_dsb 1": MADE,
    "pgtable_hyp.c kvm_pgtable_hyp_map cpu_dsb 1": MADE,
    "pgtable_s2.c kvm_pgtable_stage2_init cpu_dsb 1": MADE,
    "pgtable_s2.c kvm_pgtable_stage2_map cpu_dsb 1": MADE,
    "pgtable_s2_attr.c kvm_pgtable_stage2_mkyoung cpu_dsb 1": MADE,
    "pgtable_s2_attr.c kvm_pgtable_stage2_split cpu_dsb 1": "nothing of EL2 calls it",
    "tlb.c kvm_tlb_flush_vmid_ipa_nsh cpu_dsb 1": "more permissions: who has the old ones faults",
    "np_guest.c assert_host_shared_guest host_lock_component c": EITHER,
    "np_guest.c assert_host_shared_guest guest_lock_component c, vm": EITHER,
    "pkvm.c pkvm_remove_selftest_vm spin_lock vm_table_lock": BOOT,
    "ffa.c do_ffa_version spin_lock version_lock": FFA,
    "ffa.c do_ffa_rxtx_map spin_lock lock": FFA,
    "ffa.c do_ffa_rxtx_unmap spin_lock lock": FFA,
    "ffa.c do_ffa_part_get spin_lock lock": FFA,
    "ffa_mem.c do_ffa_mem_xfer spin_lock lock": FFA,
    "ffa_mem.c do_ffa_mem_frag_tx spin_lock lock": FFA,
    "ffa_mem.c ffa_mem_share spin_lock lock": FFA,
    "ffa_mem.c ffa_mem_reclaim spin_lock lock": FFA,
    "guest_stage2.c kvm_guest_prepare_stage2 guest_lock_component c, vm": UNSEEN,
    "guest_stage2.c kvm_guest_destroy_stage2 guest_lock_component c, vm": UNSEEN,
    "guest_stage2.c invalidate_icache cpu_dsb 1": "memory is coherent: caches have no effect",
    "host_stage2.c __pkvm_prot_finalize cpu_dsb 1": S2_OFF,
    "host_stage2.c __pkvm_prot_finalize cpu_tlbi 2": S2_OFF,
    "host_stage2.c __pkvm_prot_finalize cpu_dsb 3": S2_OFF,
    "hyp-main.c handle___kvm_flush_vm_context cpu_dsb 1": VMIDS,
    "hyp-main.c handle___kvm_flush_vm_context cpu_tlbi 2": VMIDS,
    "hyp-main.c handle___kvm_flush_vm_context cpu_dsb 3": VMIDS,
    "hyp-main.c call_host_stage2_unmap host_lock_component c": "only recordings call it",
}


def functions(text):
    """(name, first line, line after the last) of what is defined at the top level."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        if lines[at] == "{":
            end = lines.index("}", at)
            head = at
            while head and lines[head - 1].strip() and lines[head - 1][0] not in "#/* ":
                head -= 1
            name = re.search(r"(\w+)\(", " ".join(lines[head:at]))
            if name:
                yield name[1], at, end + 1
            at = end
        at += 1


def call(name, line):
    """The arguments of a statement that is one call of NAME, or None."""
    found = re.match(rf"\s+{name}\((.*)\);$", line)
    return found and found[1]


def without(lines, gone):
    """LINES with the statements on the lines GONE replaced by nothing."""
    return "\n".join(
        re.match(r"\s*", line)[0] + "(void)0;" if i in gone else line
        for i, line in enumerate(lines)
    )


def lock_mutants(path, lines, name, first, end):
    for lock, unlock in PAIRS:
        taken = {}
        for i in range(first, end):
            for word in (lock, unlock):
                args = call(word, lines[i])
                if args is not None:
                    taken.setdefault(args, {}).setdefault(word, set()).add(i)
        for args, at in taken.items():
            if set(at) == {lock, unlock}:
                what = args.split("->")[-1].split("&")[-1].rstrip(")")
                yield f"{path.name} {name} {lock} {what}", at[lock] | at[unlock]


def statement_mutants(path, lines, name, first, end):
    n = 0
    for i in range(first, end):
        for word in STATEMENTS:
            if call(word, lines[i]) is not None:
                n += 1
                yield f"{path.name} {name} {word} {n}", {i}


def helper_mutants(path, lines):
    """A lock that is taken in one function and released in another one: left out in both."""
    text = "\n".join(lines)
    for lock, unlock in PAIRS[1:4]:
        gone = {
            i
            for name, first, end in functions(text)
            if name in (lock, unlock)
            for i in range(first, end)
            if call("spin_lock", lines[i]) or call("spin_unlock", lines[i])
        }
        if gone:
            yield f"{path.name} {lock} everywhere", gone


def mutants(tree):
    for path in sorted((tree / "sim/hyp").glob("*.[ch]")):
        if path.name in SKIP:
            continue
        lines = path.read_text().split("\n")
        for name, gone in helper_mutants(path, lines):
            yield name, path, without(lines, gone)
        for name, first, end in functions("\n".join(lines)):
            for make in (lock_mutants, statement_mutants):
                for label, gone in make(path, lines, name, first, end):
                    yield label, path, without(lines, gone)


def build(tree, jobs):
    done = subprocess.run(
        ["ninja", "-C", "build/release", f"-j{jobs}", "pkvm-sim"],
        cwd=tree, capture_output=True, text=True,
    )
    if done.returncode:
        sys.exit(done.stdout[-3000:])


def caught_by(tree, scenarios):
    """The first run that fails, "end" if the program itself does, or None."""
    for paths in scenarios:
        # without its locks a block has orders without end: what a few seconds find is enough
        done = subprocess.run(
            ["build/release/pkvm-sim", "explore", "--jobs=1", "--time=10", "--format=tap",
             "--steps=20000000", *paths],
            cwd=tree, capture_output=True, text=True,
        )
        failed = re.search(r"^not ok \d+ (?:- )?(.*)$", done.stdout, re.M)
        if failed:
            return failed[1]
        if done.returncode:
            return f"end: {done.stderr.strip()[:100]}"
    return None


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--jobs", default="2")
    args.add_argument("--only", default="", help="places in whose name this pattern is")
    args.add_argument("scenarios", nargs="*")
    args = args.parse_args()
    scenarios = [args.scenarios] if args.scenarios else [["scenarios/smp"], ["scenarios"]]
    unexplained = 0
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git"))
        subprocess.run(["cmake", "--preset", "release"], cwd=tree, check=True,
                       stdout=subprocess.DEVNULL)
        build(tree, args.jobs)
        if caught_by(tree, scenarios):
            sys.exit("without any change the scenarios fail")
        for label, path, text in list(mutants(tree)):
            if not re.search(args.only, label):
                continue
            was = path.read_text()
            path.write_text(text)
            build(tree, args.jobs)
            by = caught_by(tree, scenarios)
            path.write_text(was)
            why = EXPLAINED.get(label)
            unexplained += not by and not why
            print(f"{label}: {'caught by ' + by if by else why or 'NOT CAUGHT'}", flush=True)
    sys.exit(unexplained > 0)


if __name__ == "__main__":
    main()
