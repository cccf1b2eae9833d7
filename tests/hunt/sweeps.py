#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation of every scenario fails once, under the 2026 series: fixed, posted, and undead.

usage: tests/hunt/sweeps.py [OPTIONS]

  --program=FILE  pkvm-sim (build/release/pkvm-sim)
  --jobs=N        so many at once (1)
  --table=FILE    write the tables as Markdown; tests/hunt/sweeps.md is the one that is kept

The series with its fixes must break nothing that its release does not break without it. As
it was posted it breaks what reviewers were concerned about, and with `warn=continue`, where a
WARN is survived, what the panic hides. Each finding is one of these concerns, or fails.
Exit status: 0 all is as told, 1 not so.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SWEEPS = [
    ("its-v1-fixed", ["--patch=its-v1-fixed"]),
    ("its-v1", ["--patch=its-v1"]),
    ("its-v1, warn=continue", ["--patch=its-v1", "--set=warn=continue"]),
]
# what is done, what it breaks: the concern, in words
CONCERNS = [
    (r"(boot|finalise)", "no-change-on-error", "RC-25", "a boot that fails keeps regions before the failing one"),
    (r"(boot|finalise)", "spec", "RC-06", "the owner is set under a WARN after EL2's mapping, at boot"),
    (r"(boot|finalise)", "single-owner", "RC-09", "EL2's mapping stays where the owner could not be set, at boot"),
    (r"el2 host_donate_hyp_mmio", "spec", "RC-06", "the owner is set under a WARN, and no table can be had"),
    (r"el2 host_donate_hyp_mmio", "single-owner", "RC-09", "EL2's mapping stays where the owner could not be set"),
    (r"host (read|write|exec)", "owner-progress", "RC-02", "a recycle stops at the first donated page: the host cannot go on"),
    (r"el2 host_donate_hyp |host map|vm run", "spec", "RC-07", "a donation of memory meets the recycle that stops"),
    (r"el2 host_donate_hyp |host map|vm run", "single-owner", "RC-07", "the same, where the WARN is survived"),
]  # fmt: skip


def cpu_and_result(text):
    """The action without its CPU and what it must give."""
    return re.sub(r"^cpu\d+: ", "", text.split("=>")[0].strip())


def concern(row):
    for action, rule, name, words in CONCERNS:
        if rule == row["rule"] and re.match(action, cpu_and_result(row["text"])):
            return f"{name}: {words}"
    return None


def sweep(program, options):
    done = subprocess.run([program, "sweep", "--format=jsonl", *options, "scenarios"], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode > 1:
        raise SystemExit(f"sweeps: {done.stderr}")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    return objects[-1], [o for o in objects if o["type"] == "failure" and o["verdict"] == "bad"]


def grouped(bad):
    """{(file, line, action, pool, gave, rule, concern): [how often, releases]}"""
    groups = {}
    for row in bad:
        gave = row["outcome"] + (f", then {row['retry']}" if row["retry"] else "")
        release = re.search(r"kernel=([^,]+)", row["run"])
        key = (row["file"], row["line"], cpu_and_result(row["text"]), row["pool"], gave, row["rule"], concern(row))
        times, releases = groups.setdefault(key, [0, []])
        groups[key][0] = times + 1
        if release and release[1] not in releases:
            releases.append(release[1])
    return groups


def markdown(name, summary, groups):
    yield f"## {name}\n"
    yield (f"{summary['actions']} actions, {summary['failures']} allocations failed, {summary['known']} of these "
           f"break what the release breaks by itself; by the series: {summary['bad']}.\n")  # fmt: skip
    if not groups:
        return
    yield "| Scenario | Action | Pool | Gave | Rule | Releases | Times | Concern |"
    yield "|---|---|---|---|---|---|--:|---|"
    for (file, line, action, pool, gave, rule, why), (times, releases) in groups.items():
        where = f"[{pathlib.Path(file).stem}:{line}](../../{file})"
        yield (f"| {where} | `{action}` | {pool} | {gave} | `{rule}` | {', '.join(releases)} | {times} | "
               f"{why or 'UNEXPLAINED'} |")  # fmt: skip
    yield ""


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--program", default="build/release/pkvm-sim", type=pathlib.Path)
    parser.add_argument("--jobs", default=1, type=int)
    parser.add_argument("--table", type=pathlib.Path)
    args = parser.parse_args()
    program, failed = args.program.resolve(), []
    lines = [
        "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->",
        "# What allocations that fail do\n",
        "Written by `tests/hunt/sweeps.py --table=tests/hunt/sweeps.md`: every allocation of every action of",
        "every scenario fails once, under the March 2026 series.\n",
    ]
    with ThreadPoolExecutor(args.jobs) as pool:
        for (name, _), (summary, bad) in zip(SWEEPS, pool.map(lambda s: sweep(program, s[1]), SWEEPS)):
            groups = grouped(bad)
            lines += markdown(name, summary, groups)
            failed += [f"{name}: {key}" for key in groups if name == "its-v1-fixed" or not key[-1]]
    print("\n".join(lines))
    if args.table:
        args.table.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    for text in failed:
        print(f"FAILED: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
