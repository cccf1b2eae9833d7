#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random actions on every board and release: nothing is found, unless a bug is brought back.

usage: tests/hunt/hunt.py [OPTIONS] [BUG...]

  --program=FILE  pkvm-sim (build/release/pkvm-sim)
  --actions=N     without a bug, for each set-up (1000000)
  --bug-actions=N with one, for each set-up that is tried (300000)
  --seed=N        (0)
  --table=FILE    write the tables there too
  BUG...          these only, and nothing without a bug

First each set-up runs as it is: a breach that its release is not known to have fails.
Then each bug, on each release that can have it, on one set-up after the other until it
is caught: the boards, boards with FF-A, with donated MMIO, with VMs, and last what the bug's own
scenario sets up (none of its actions). A bug that chance cannot reach must stand in
out-of-reach.md with the reason; that its own scenario shows it is seen here.
Exit status: 0 all is as told, 1 not so, 2 not understood.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BOARDS = ["tiny", "virt", "phone", "server48"]
MMIO = ["--set=mmio_donation=v5", "--set=s2_unmap_annotated=skip", "--set=mmio_commit=return"]
SECURE = ["honest", "keeps", "overcounts"]  # what it answers decides where a bug shows


@dataclass(frozen=True)
class SetUp:
    name: str
    options: tuple
    file: str = ""

    def words(self, *more):
        return [*self.options, *more, *([self.file] if self.file else [])]


PLAIN = [SetUp(b, (f"--machine={b}", "--dma")) for b in BOARDS]
VMS = [SetUp(f"{b} vms", (f"--machine={b}", "--dma", "--vms")) for b in BOARDS]
FFA = [SetUp(f"{b} ffa", (f"--machine={b}", "--dma", "--set=ffa=v1.1")) for b in BOARDS]
DONATING = [SetUp(f"{b} mmio", (f"--machine={b}", "--dma", *MMIO)) for b in BOARDS]
FFA_VMS = [SetUp("tiny ffa vms", ("--machine=tiny", "--set=ffa=v1.1", "--vms"))]
LYING = [
    SetUp(f"tiny ffa {s}", ("--machine=tiny", "--set=ffa=v1.1", f"--set=secure_world={s}"))
    for s in SECURE[1:]
]


class Program:
    def __init__(self, path):
        self.path = path

    def __call__(self, *words):
        return subprocess.run([self.path, *words], cwd=ROOT, capture_output=True, text=True, check=False)

    def random(self, setup, kernel, actions, seed, *more):
        """(status, report or error): 0 nothing found, 1 a breach, 2 no such run."""
        done = self("random", "--format=jsonl", f"--kernel={kernel}", f"--actions={actions}",
                    f"--seed={seed}", *setup.words(*more))  # fmt: skip
        if done.returncode in (0, 1):
            return done.returncode, json.loads(done.stdout)
        if done.returncode == 2:
            return 2, done.stderr.strip()
        raise SystemExit(f"hunt: {done.stderr}")

    def names(self, table):
        return self(table, "--names").stdout.split()

    def releases(self, bug):
        """Those that the bug can be brought back on."""
        text = self("bugs", bug).stdout
        return [k for k, on in re.findall(r"^  on (\S+): (.+)$", text, re.M) if on == "yes"]


def own_scenarios():
    """{bug: its scenario}."""
    found = {}
    for path in sorted((ROOT / "scenarios").rglob("*.pkvm")):
        title = re.search(r"^title ([BCD]-?\w?\d+):", path.read_text(), re.M)
        if title:
            found[title[1]] = str(path.relative_to(ROOT))
    return found


def out_of_reach():
    """{(bug, release): reason} of the table in out-of-reach.md."""
    known = {}
    for line in (HERE / "out-of-reach.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"[BCD]-?\w?\d+", cells[0]):
            for release in cells[1].split(", "):
                known[cells[0], release] = cells[2]
    return known


class Report:
    def __init__(self, path):
        self.files = [sys.stdout] + ([open(path, "w", encoding="utf-8")] if path else [])
        self.failed = []

    def row(self, text):
        for file in self.files:
            print(text, file=file, flush=True)

    def fail(self, text):
        self.failed.append(text)


def without_bugs(program, kernels, args, report):
    report.row(f"{'set-up':<16} {'release':<8} {'actions':>8} {'boots':>6} {'panics':>7} {'known':>7}")
    for setup in PLAIN + FFA + DONATING + VMS + FFA_VMS:
        for kernel in kernels:
            status, got = program.random(setup, kernel, args.actions, args.seed)
            if status == 2:
                report.fail(f"{setup.name} on {kernel}: {got}")
                continue
            report.row(f"{setup.name:<16} {kernel:<8} {got['actions']:>8} {got['restarts'] + 1:>6} "
                       f"{got['panics']:>7} {got['known']:>7}")  # fmt: skip
            if status:
                report.row(got["scenario"])
                report.fail(f"{setup.name} on {kernel}: {got['rule']}: {got['text']}")


def clean(program, setup, kernel, args):
    """Does this set-up find nothing by itself? One that does not boot has nothing to find."""
    status, got = program.random(setup, kernel, args.bug_actions, args.seed)
    return status == 0 or (status == 2 and "does not boot" in got)


def hunt(program, bug, kernel, own, args):
    """(set-up, report) that caught it, or None."""
    grounds = PLAIN + FFA + DONATING + LYING + VMS + FFA_VMS
    if own:
        grounds = grounds + [SetUp("its own", (), own)]
    needs = False  # what it needs was not there on the ground before
    for setup in grounds:
        status, got = program.random(setup, kernel, args.bug_actions, args.seed, f"--bug={bug}")
        needs = status == 2
        if status == 1 and clean(program, setup, kernel, args):
            return setup, got
        if needs and "needs" not in got and setup.name != "its own":
            raise SystemExit(f"hunt: {bug} on {kernel}: {got}")
    return None


def shown(program, bug, kernel, own):
    """Does the bug's own scenario pass without it, and fail with it?"""
    if not own or program("run", f"--kernel={kernel}", own).returncode:
        return False
    return program("run", f"--kernel={kernel}", f"--bug={bug}", own).returncode == 1


def with_bugs(program, bugs, args, report):
    own, reasons = own_scenarios(), out_of_reach()
    report.row(f"\n{'bug':<6} {'release':<8} {'set-up':<16} {'actions':>8}  rule")
    for bug in bugs:
        for kernel in program.releases(bug):
            reason = reasons.pop((bug, kernel), None)
            if reason:
                report.row(f"{bug:<6} {kernel:<8} out of reach: {reason}: {own.get(bug)}")
                if not shown(program, bug, kernel, own.get(bug)):
                    report.fail(f"{bug} on {kernel}: no scenario shows it")
                continue
            caught = hunt(program, bug, kernel, own.get(bug), args)
            if not caught:
                report.row(f"{bug:<6} {kernel:<8} NOT CAUGHT")
                report.fail(f"{bug} on {kernel}: not caught, and not in out-of-reach.md")
                continue
            setup, got = caught
            report.row(f"{bug:<6} {kernel:<8} {setup.name:<16} {got['actions']:>8}  {got['rule']}")
    for bug, kernel in reasons:
        if not args.bugs:
            report.fail(f"out-of-reach.md: {bug} is not on {kernel}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--program", default="build/release/pkvm-sim", type=pathlib.Path)
    parser.add_argument("--actions", default=1000000, type=int)
    parser.add_argument("--bug-actions", default=300000, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("bugs", nargs="*")
    args = parser.parse_args()
    program, report = Program(args.program.resolve()), Report(args.table)
    unknown = set(args.bugs) - set(program.names("bugs"))
    if unknown:
        parser.error(f"no bug is called {', '.join(sorted(unknown))}")
    if not args.bugs:
        without_bugs(program, program.names("kernels"), args, report)
    with_bugs(program, args.bugs or program.names("bugs"), args, report)
    for text in report.failed:
        report.row(f"FAILED: {text}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
