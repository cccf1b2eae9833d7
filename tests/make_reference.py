#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference.md from the tables that the program prints.

usage: tests/make_reference.py [PKVM-SIM] >docs/reference.md
"""

import subprocess
import sys

CHAPTERS = [
    ("commands", "Statements and functions of the scenario language"),
    ("knobs", "Knobs"),
    ("patches", "Patches"),
    ("kernels", "Releases"),
    ("machines", "Boards"),
    ("bugs", "Historical bugs"),
    ("rules", "Rules"),
]


def make(run):
    """The page; run(*words) gives what `pkvm-sim WORDS` prints."""
    page = [
        "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->",
        "<!-- Made by tests/make_reference.py; do not edit. -->",
        "# Reference",
        "",
        "The tables that the program runs on, as it prints them. `pkvm-sim knobs NAME` and its like",
        "show one row in full; `help NAME` at the prompt does the same for statements.",
    ]
    for word, title in CHAPTERS:
        page += ["", f"## {title}", "", f"`pkvm-sim {word}`:", "", "```text"]
        page += [line.rstrip() for line in run(word).splitlines()]
        page += ["```"]
    return "\n".join(page) + "\n"


if __name__ == "__main__":
    program = sys.argv[1] if len(sys.argv) > 1 else "build/release/pkvm-sim"
    sys.stdout.write(
        make(lambda *w: subprocess.run([program, *w], capture_output=True, text=True, check=True).stdout)
    )
