#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong versions of sim/hyp, each by one line, and which scenario notices.

usage: tests/mutants/mutants.py [OPTIONS] [ID...]

  --build=DIR    a finished build with compile_commands.json (build/release)
  --share=N      of a thousand possible mutants, take so many (120)
  --jobs=N       how many at once (2)
  --list         print the mutants and end
  --table=FILE   write the result there too
  ID...          these only

A mutant is named by a hash of its file, function, line and change, and chosen by it:
the same source gives the same list, and a change elsewhere leaves the others alone.
It is killed when a run that passes with the right code fails, ends with a fault of
the simulator, or does not end. What the scenarios let live is shown to the recordings
of the real code in $PKVM_GOLDEN (else ../shared/golden beside the checkout), and
counts as a survivor all the same; but what EL2 never calls is for the recordings alone,
and is counted apart. Survivors must stand in survivors.md, with the reason; those said
to be equivalent do not count. Exit status: 0 all others are known and the scenarios
kill 95 of 100, 1 not so, 2 nothing could be built.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = 20  # of CPU time; a run of all scenarios takes a few

# What host and EL2 need. Virtual machines and FF-A's messages have their own tests;
# pool.c is the scenario's pressure, no part of EL2.
FILES = [
    "early_alloc.c", "host_stage2.c", "hyp-main.c", "mem_protect.c", "mm.c", "mmio.c",
    "page_alloc.c", "page_state_pte.c", "page_state_vmemmap.c", "panic.c", "pgtable_hyp.c",
    "pgtable_prot.c", "pgtable_s2.c", "pgtable_s2_attr.c", "pgtable_s2_free.c",
    "pgtable_walk.c", "reserve.c", "setup.c", "tlb.c",
]  # fmt: skip

# The page-table library is the kernel's whole one. These functions are its EL1 half: EL2 calls
# none of them, so no scenario can, and recordings of the library alone have to notice.
LIBRARY = {
    "block_page_tables", "hyp_free_walker", "kvm_pgtable_hyp_destroy",
    "kvm_pgtable_stage2_create_unlinked", "kvm_pgtable_stage2_flush",
    "kvm_pgtable_stage2_pte_prot", "kvm_pgtable_stage2_split", "stage2_fill_unlinked",
    "stage2_flush_walker", "stage2_split_walker",
}  # fmt: skip

# Pattern and replacement; the first match of a line that is not in a string.
CHANGES = [
    (r" == ", " != "),
    (r" != ", " == "),
    (r" < ", " <= "),
    (r" <= ", " < "),
    (r" > ", " >= "),
    (r" >= ", " > "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r"\bif \((?!!)", "if (!"),
    (r"\bif \(!", "if ("),
    (r" \+ 1\b", ""),
    (r" - 1\b", ""),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r" & ~", " & "),
    (r" \| ", " & "),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"return -E[A-Z0-9]+;", "return 0;"),
    (r"-EPERM\b", "-EINVAL"),
    (r"-EINVAL\b", "-EPERM"),
    (r"-ENOMEM\b", "-EPERM"),
    (r"\bPKVM_PAGE_OWNED\b", "PKVM_PAGE_SHARED_OWNED"),
    (r"\bPKVM_PAGE_SHARED_OWNED\b", "PKVM_PAGE_OWNED"),
    (r"\bPKVM_PAGE_SHARED_BORROWED\b", "PKVM_PAGE_OWNED"),
    (r"\bPKVM_NOPAGE\b", "PKVM_PAGE_OWNED"),
    (r"\bhyp_get_page\(", "hyp_put_page("),
    (r"\bPROT_W\b", "0"),
]

FUNCTION = re.compile(r"^(?:[a-z_].*[ *])?([a-z_]\w*)\((?!.*;$)")
STATEMENT = re.compile(r"^\t+[a-z_][\w>.\[\]-]*(?:\(.*\)|(?:\+\+|--)| [-+|&]?= .*);$")
CALL = re.compile(r"^\t+[a-z_]\w*\(.*\);$")
# Told, not done: what traces and panics print, and what the compiler checks.
DULL = re.compile(r"event_|HYP_FRAME|FRAME\(|sim_assert|STATIC_ASSERT|g_str|^\t+return;|\bfn\b")


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int  # from 1
    function: str
    old: str
    new: str  # "" drops the line; with a newline inside: two lines change places

    @property
    def key(self):
        text = "|".join((self.file, self.function, self.old.strip(), self.new.strip()))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self):
        return self.key[:8]

    def __str__(self):
        old, new = self.old.strip(), self.new.strip()
        if not new:
            change = f"{old}  ->  dropped"
        elif "\n" in new:
            change = f"{old}  ->  after the next line"
        else:
            change = f"{old}  ->  {new}"
        return f"{self.id}  {self.file}:{self.line} {self.function}: {change}"


def outside_strings(line, pattern):
    """The first match that no string or comment holds."""
    for match in re.finditer(pattern, line):
        before = line[: match.start()]
        if before.count('"') % 2 == 0 and "/*" not in before and not before.lstrip().startswith("*"):
            return match
    return None


def of_line(lines, n, file, function):
    """Every mutant of one line."""
    line = lines[n]
    for pattern, new in CHANGES:
        match = outside_strings(line, pattern)
        if match:
            yield Mutant(file, n + 1, function, line, line[: match.start()] + new + line[match.end() :])
    if not STATEMENT.match(line):
        return
    # Without braces a dropped line would take the next statement along.
    yield Mutant(file, n + 1, function, line, "")
    # two assignments in another order are mostly the same program
    if CALL.match(line) and CALL.match(lines[n + 1]) and not DULL.search(lines[n + 1]):
        if re.match(r"^\t*", line)[0] == re.match(r"^\t*", lines[n + 1])[0]:
            yield Mutant(file, n + 1, function, line, lines[n + 1] + "\n" + line)


def all_mutants():
    seen = set()
    for name in FILES:
        lines = (ROOT / "sim/hyp" / name).read_text().split("\n")
        function, inside = "", False
        for n, line in enumerate(lines):
            match = FUNCTION.match(line)
            if match and not inside:
                function = match[1]
            inside = line == "{" or (inside and line != "}")
            if not inside or DULL.search(line) or line.lstrip().startswith(("/*", "*")):
                continue
            for mutant in of_line(lines, n, name, function):
                # the same change to the same words of a function: the first of them
                if mutant.key not in seen:
                    seen.add(mutant.key)
                    yield mutant


def chosen(share):
    return [m for m in all_mutants() if int(m.key[:8], 16) / 2**32 < share / 1000]


def text_of(mutant):
    """The file with the mutant in it."""
    lines = (ROOT / "sim/hyp" / mutant.file).read_text().split("\n")
    n = mutant.line - 1
    if "\n" in mutant.new:
        lines[n : n + 2] = mutant.new.split("\n")
    else:
        # `;` where an if or a loop may want a statement
        lines[n] = mutant.new or re.match(r"^\t*", lines[n])[0] + ";"
    return "\n".join(lines)


class Builder:
    """Compiles one file and puts it before the library that has the right one."""

    def __init__(self, build):
        self.build = build
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compile = {}
        for entry in commands:
            source = pathlib.Path(entry["file"])
            if source.parent == ROOT / "sim/hyp":
                self.compile[source.name] = shlex.split(entry["command"])
        links = subprocess.run(
            ["ninja", "-C", build, "-t", "commands", "pkvm-sim"],
            check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        command = re.search(r"&& (\S+ .*-o pkvm-sim .*?) && :$", links[-1])
        self.link = shlex.split(command[1])

    def __call__(self, mutant, directory):
        """The program, or None: this is no C."""
        source, target = directory / mutant.file, directory / "mutant.o"
        source.write_text(text_of(mutant))
        command = list(self.compile[mutant.file])
        command[command.index("-o") + 1] = str(target)
        command[command.index("-c") + 1] = str(source)
        command = [w for w in command if w != "-Werror" and not re.match(r"-[OM]\S*$|-g\d?$", w)]
        # -M... takes a word: what follows is a path of the build
        command = [w for w in command if not w.endswith((".o", ".o.d")) or w == str(target)]
        if self.run([*command, "-O1", "-w", "-I", str(ROOT / "sim/hyp")]):
            return None
        program = directory / "pkvm-sim"
        link = list(self.link)
        link[link.index("-o") + 1] = str(program)
        library = next(i for i, w in enumerate(link) if w.endswith("libhyp.a"))
        link.insert(library, str(target))
        if self.run(link):
            raise SystemExit(f"mutants: cannot link {mutant}")
        return program

    def run(self, command):
        return subprocess.run(command, cwd=self.build, capture_output=True, check=False).returncode


def runs(program):
    """Runs of all scenarios as they end: name, verdict, and the line that failed."""
    process = subprocess.Popen(
        [program, "run", "--jobs=1", "--steps=20000000", "--format=jsonl", "scenarios"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)),
    )  # fmt: skip
    failed = None
    try:
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # it was ended in the middle of its words
            o = json.loads(line)
            if o["type"] == "line" and o["verdict"] == "fail" and not failed:
                failed = o
            elif o["type"] == "run":
                yield o["name"], o["verdict"], failed
                failed = None
            elif o["type"] == "file" and "error" in o:
                yield o["file"], "error", None
        status = process.wait()
        if status < 0 or status > 2:
            yield "", "fault", None
    finally:
        process.kill()
        process.communicate()


def killer(program, passing):
    """What notices the mutant, in words; None: it survives."""
    for name, verdict, failed in runs(program):
        if verdict == "fault":
            return "the simulator stops"
        if name in passing and verdict != passing[name]:
            where = name.removeprefix("scenarios/")
            if not failed:
                return f"{where}: {verdict}"
            rules = re.search(r"violation (.*)", failed["got"] or "")
            return f"{where}:{failed['line']}{' ' + rules[1] if rules else ''}"
    return None


def recordings():
    golden = pathlib.Path(os.environ.get("PKVM_GOLDEN", ROOT.parent / "shared/golden"))
    return sorted(golden.glob("*/*.jsonl*"))


def recorded(program, files):
    """The recording that tells the mutant from the real code, or None."""
    for file in files:
        try:
            status = subprocess.run(
                [program, "golden", file], capture_output=True, check=False, timeout=4 * SECONDS,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)),
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            status = 1
        if status:
            return f"{file.parent.name}/{file.name}"
    return None


def known_survivors():
    """{id: (equivalent, reason)} of the table in survivors.md."""
    known = {}
    for line in (HERE / "survivors.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 3 and re.fullmatch(r"`[0-9a-f]{8}`", cells[0]):
            known[cells[0].strip("`")] = (cells[1] == "equivalent", cells[-1])
    return known


def try_mutant(builder, passing, files, mutant):
    """What scenario and what recording notices; None: this is no C."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mutant."))
    try:
        program = builder(mutant, directory)
        if not program:
            return None
        by = None if mutant.function in LIBRARY else killer(program, passing)
        return by, None if by else recorded(program, files)
    finally:
        shutil.rmtree(directory)


def fate(mutant, by, recording, known):
    if by:
        return f"killed: {by}"
    words = "for recordings only" if mutant.function in LIBRARY else "SURVIVES"
    if recording:
        words += f", a recording tells: {recording}"
    return words + (" (explained)" if mutant.id in known else "")


def report(results, known, out):
    """The totals; True if all is well."""

    def equivalent(mutant):
        return known.get(mutant.id, (False,))[0]

    library = [(m, recording) for m, _, recording in results if m.function in LIBRARY]
    tried = [(m, by, recording) for m, by, recording in results if m.function not in LIBRARY]
    survivors = [(m, recording) for m, by, recording in tried if not by]
    killed = len(tried) - len(survivors)
    counted = killed + sum(1 for m, _ in survivors if not equivalent(m))
    print(
        f"\n{len(tried)} mutants of what EL2 runs: the scenarios kill {killed}, {len(survivors)} "
        f"survive, of these {len(tried) - counted} equivalent; "
        f"{100 * killed / max(counted, 1):.1f} % of the others killed\n"
        f"{sum(1 for m, r in survivors if r)} of the survivors differ from recordings\n"
        f"{len(library)} mutants of what EL2 never calls: recordings kill "
        f"{sum(1 for _, r in library if r)}",
        file=out,
    )
    unexplained = [m for m, recording in library if not recording and m.id not in known]
    unexplained += [m for m, _ in survivors if m.id not in known]
    for mutant in unexplained:
        print(f"not in survivors.md: {mutant}", file=out)
    return not unexplained and killed >= 0.95 * counted


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--share", default=120, type=int)
    parser.add_argument("--jobs", default=2, type=int)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("ids", nargs="*")
    args = parser.parse_args()
    mutants = chosen(1000 if args.ids else args.share)
    if args.ids:
        mutants = [m for m in mutants if m.id in args.ids]
    if args.list:
        print(*mutants, sep="\n")
        return 0
    build = args.build.resolve()
    if not (build / "compile_commands.json").exists():
        print(f"mutants: nothing is built in {args.build}", file=sys.stderr)
        return 2
    builder = Builder(build)
    passing = {name: verdict for name, verdict, _ in runs(build / "pkvm-sim") if verdict == "pass"}
    known, files, results = known_survivors(), recordings(), []
    with open(args.table or os.devnull, "w", encoding="utf-8") as table:
        outs = (sys.stdout, table)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            done = pool.map(lambda m: try_mutant(builder, passing, files, m), mutants)
            for mutant, told in zip(mutants, done, strict=True):
                if not told:
                    continue
                results.append((mutant, *told))
                for out in outs:
                    print(f"{mutant}\n          {fate(mutant, *told, known)}", file=out, flush=True)
        good = [report(results, known, out) for out in outs]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
