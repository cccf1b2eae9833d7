#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random actions on every board and release: nothing is found, unless a bug is brought back.

usage: tests/hunt/hunt.py [OPTIONS] [BUG...]

  --program=FILE  pkvm-sim (build/release/pkvm-sim)
  --actions=N     without a bug, for each set-up (1000000)
  --bug-actions=N with one, for each set-up that is tried (300000)
  --seed=N        (0)
  --jobs=N        so many at once (1)
  --state=FILE    keep what was found there, and begin with what is there already
  --table=FILE    write the tables as Markdown; tests/hunt/table.md is the one that is kept
  --only=WORD     only set-ups whose name has this word
  BUG...          these only, and nothing without a bug

First each set-up runs as it is: a breach that its release is not known to have fails.
Then each bug, on each release that can have it, on one set-up after the other until it
is caught, with a tenth of the actions first: the boards, boards with FF-A, with donated
MMIO, with VMs, and last what the bug's own scenario sets up (none of its actions). A bug
that chance cannot reach must stand in out-of-reach.md with the reason; that its own
scenario shows it is seen here. So must one that another rule than its own tells first.

The tables depend on the program, the seed and the numbers of actions, and on nothing else.
Exit status: 0 all is as told, 1 not so, 2 not understood.
"""

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SMALL = ["tiny", "virt", "phone"]
BOARDS = [*SMALL, "server48"]  # which is slow
MMIO = ["--set=mmio_donation=v5", "--set=s2_unmap_annotated=skip", "--set=mmio_commit=return"]
SECURE = ["honest", "keeps", "overcounts"]  # what it answers decides where a bug shows


@dataclass(frozen=True)
class SetUp:
    name: str
    options: tuple
    file: str = ""

    def words(self, *more):
        return [*self.options, *more, *([self.file] if self.file else [])]


def on(boards, suffix, *options):
    return [SetUp(f"{b}{suffix}", (f"--machine={b}", "--dma", *options)) for b in boards]


def all_on(boards):
    return [
        *on(boards, ""),
        *on(boards, " ffa", "--set=ffa=v1.1"),
        *on(boards, " mmio", *MMIO),
        *on(boards, " vms", "--vms"),
    ]


FFA_VMS = [SetUp("tiny ffa vms", ("--machine=tiny", "--set=ffa=v1.1", "--vms"))]
LYING = [
    SetUp(f"tiny ffa {s}", ("--machine=tiny", "--set=ffa=v1.1", f"--set=secure_world={s}"))
    for s in SECURE[1:]
]
SOUND = all_on(BOARDS) + FFA_VMS
GROUNDS = all_on(SMALL) + LYING + FFA_VMS + all_on(BOARDS[len(SMALL):])  # fmt: skip


class Program:
    """What it found is kept: a run is a function of its words."""

    def __init__(self, path, state):
        self.path, self.state, self.seen = path, state, {}
        self.lock = threading.Lock()
        if state and state.exists():
            for line in state.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.seen[row["words"]] = row

    def __call__(self, *words):
        return subprocess.run([self.path, *words], cwd=ROOT, capture_output=True, text=True, check=False)

    def keep(self, row):
        with self.lock:
            self.seen[row["words"]] = row
            if self.state:
                with open(self.state, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")

    def random(self, setup, kernel, actions, seed, *more):
        """(status, report or error): 0 nothing found, 1 a breach, 2 no such run."""
        words = ["random", "--format=jsonl", f"--kernel={kernel}", f"--actions={actions}",
                 f"--seed={seed}", *setup.words(*more)]  # fmt: skip
        key = " ".join(words)
        if key not in self.seen:
            begun = time.monotonic()
            done = self(*words)
            if done.returncode not in (0, 1, 2):
                raise SystemExit(f"hunt: {key}: {done.stderr}")
            got = json.loads(done.stdout) if done.returncode < 2 else done.stderr.strip()
            self.keep({"words": key, "status": done.returncode, "got": got,
                       "seconds": round(time.monotonic() - begun, 1)})  # fmt: skip
        return self.seen[key]["status"], self.seen[key]["got"]

    def names(self, table):
        return self(table, "--names").stdout.split()

    def releases(self, bug):
        """Those that the bug can be brought back on."""
        text = self("bugs", bug).stdout
        return [k for k, can in re.findall(r"^  on (\S+): (.+)$", text, re.M) if can == "yes"]

    def own_rules(self, bug):
        """Those that `pkvm-sim bugs` has for it."""
        words = self("bugs", bug).stdout.splitlines()[0].replace(",", "").split()[1:]
        rules = set(self.names("rules"))
        return [w for i, w in enumerate(words) if set(words[: i + 1]) <= rules]


def fired(report):
    """Rules that the last action of what was found broke."""
    return re.findall(r"violation (\S+?)(?:,|$)", report["scenario"].splitlines()[-1])


def own_scenarios():
    """{bug: its scenario}."""
    found = {}
    for path in sorted((ROOT / "scenarios").rglob("*.pkvm")):
        title = re.search(r"^title ([BCD]-?\w?\d+):", path.read_text(), re.M)
        if title:
            found[title[1]] = str(path.relative_to(ROOT))
    return found


def explained(heading):
    """{(bug, release): reason} of the table under @heading in out-of-reach.md."""
    known = {}
    text = (HERE / "out-of-reach.md").read_text()
    for line in text.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"[BCD]-?\w?\d+", cells[0]):
            for release in cells[1].split(", "):
                known[cells[0], release] = cells[2]
    return known


@dataclass
class Report:
    plain: list = field(default_factory=list)
    bugs: list = field(default_factory=list)
    failed: list = field(default_factory=list)

    def markdown(self, args):
        yield "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->"
        yield "# What chance finds\n"
        yield "Written by `tests/hunt/hunt.py --table=tests/hunt/table.md`, which says what the set-ups"
        yield f"are; seed {args.seed}.\n"
        if self.plain:
            yield "## Without a bug\n"
            yield "Boots: how often the machine began again. Panics: those that the rules allow. Passed over:"
            yield "actions that broke what docs/fidelity.md says that the release breaks by itself.\n"
            yield "| Set-up | Release | Actions | Boots | Panics | Passed over |"
            yield "|---|---|--:|--:|--:|--:|"
            yield from self.plain
            yield ""
        yield "## With each bug\n"
        yield f"Actions: until it was caught, on the first set-up that did within {args.bug_actions // 10}, or else"
        yield f"within {args.bug_actions}. Its own: the rule that `pkvm-sim bugs` has for it.\n"
        yield "| Bug | Release | Set-up | Actions | Told by | Its own |"
        yield "|---|---|---|--:|---|---|"
        yield from self.bugs


def without_bugs(program, kernels, args, report):
    runs = [(s, k) for s in SOUND for k in kernels if args.only in s.name]

    def run(which):
        setup, kernel = which
        status, got = program.random(setup, kernel, args.actions, args.seed)
        if status == 2:
            return None, f"{setup.name} on {kernel}: {got}"
        row = (f"| {setup.name} | {kernel} | {got['actions']} | {got['restarts'] + 1} | "
               f"{got['panics']} | {got['known']} |")  # fmt: skip
        print(row, flush=True)
        if status:
            return row, f"{setup.name} on {kernel}: {got['rule']}: {got['text']}\n{got['scenario']}"
        return row, None

    with ThreadPoolExecutor(args.jobs) as pool:
        for row, failure in pool.map(run, runs):
            report.plain += [row] if row else []
            report.failed += [failure] if failure else []


def clean(program, setup, kernel, actions, args):
    """Does this set-up find nothing by itself? One that does not boot has nothing to find."""
    status, got = program.random(setup, kernel, actions, args.seed)
    return status == 0 or (status == 2 and "does not boot" in got)


def hunt(program, bug, kernel, own, args):
    """(set-up, report) that caught it, or None."""
    grounds = [s for s in GROUNDS if args.only in s.name]
    if own:
        grounds = [*grounds, SetUp("its own", (), own), SetUp("its own, vms", ("--vms",), own)]
    for actions, setup in itertools.product((args.bug_actions // 10, args.bug_actions), grounds):
        status, got = program.random(setup, kernel, actions, args.seed, f"--bug={bug}")
        if status == 1 and clean(program, setup, kernel, actions, args):
            return setup, got
        # what it needs may be there on another ground
        if status == 2 and "needs" not in got and not setup.file:
            raise SystemExit(f"hunt: {bug} on {kernel}: {got}")
    return None


def shown(program, bug, kernel, own):
    """Does the bug's own scenario pass without it, and fail with it?"""
    if not own or program("run", f"--kernel={kernel}", own).returncode:
        return False
    return program("run", f"--kernel={kernel}", f"--bug={bug}", own).returncode == 1


def with_one(program, bug, kernel, args):
    """(row of the table, failure or None)"""
    own, rules = own_scenarios().get(bug), program.own_rules(bug)
    where = f"| {bug} | {kernel} |"
    if (bug, kernel) in explained("Out of reach"):
        row = f"{where} out of reach | | | {', '.join(rules)} |"
        return row, None if shown(program, bug, kernel, own) else f"{bug} on {kernel}: no scenario shows it"
    caught = hunt(program, bug, kernel, own, args)
    if not caught:
        return (f"{where} NOT CAUGHT | | | {', '.join(rules)} |",
                f"{bug} on {kernel}: not caught, and not in out-of-reach.md")  # fmt: skip
    setup, got = caught
    by = fired(got)
    row = f"{where} {setup.name} | {got['actions']} | {', '.join(by)} | {', '.join(rules)} |"
    if set(by) & set(rules) or (bug, kernel) in explained("Told by another rule"):
        return row, None
    return row, f"{bug} on {kernel}: {', '.join(by)} told it, and not {', '.join(rules)}"


def with_bugs(program, bugs, args, report):
    pairs = [(bug, kernel) for bug in bugs for kernel in program.releases(bug)]

    def run(pair):
        row, failure = with_one(program, *pair, args)
        print(row, flush=True)
        return row, failure

    with ThreadPoolExecutor(args.jobs) as pool:
        for row, failure in pool.map(run, pairs):
            report.bugs.append(row)
            report.failed += [failure] if failure else []
    for heading in ("Out of reach", "Told by another rule"):
        for bug, kernel in explained(heading):
            if (bug, kernel) not in pairs and not args.bugs:
                report.failed.append(f"out-of-reach.md: {bug} is not on {kernel}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--program", default="build/release/pkvm-sim", type=pathlib.Path)
    parser.add_argument("--actions", default=1000000, type=int)
    parser.add_argument("--bug-actions", default=300000, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--jobs", default=1, type=int)
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("bugs", nargs="*")
    args = parser.parse_args()
    program, report = Program(args.program.resolve(), args.state), Report()
    unknown = set(args.bugs) - set(program.names("bugs"))
    if unknown:
        parser.error(f"no bug is called {', '.join(sorted(unknown))}")
    if not args.bugs:
        without_bugs(program, program.names("kernels"), args, report)
    with_bugs(program, args.bugs or program.names("bugs"), args, report)
    if args.table:
        args.table.write_text("\n".join(report.markdown(args)) + "\n", encoding="utf-8")
    for text in report.failed:
        print(f"FAILED: {text}", flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
