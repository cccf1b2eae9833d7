#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The outputs that the documents show, and docs/reference.md, from the program itself.

usage: tests/make_docs.py [PKVM-SIM]

In README.md and docs/tutorial.md a fenced block marked

- `console` holds commands after `$ ` with their output. They run in the root of the tree,
  in a shell, in the order of the page. `pkvm-sim` is the program.
- `session` is a conversation at the prompt: what follows `pkvm> ` is typed, the rest is answered.
- `pkvm NAME` is the file NAME, there for the commands that follow on the page.

Run this after a change that shows in them, and read the difference: tests/test_docs.py
compares the pages with what this makes.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["README.md", "docs/tutorial.md"]
BLOCK = re.compile(r"^```(console|session|pkvm)(?: (\S+))?\n(.*?)^```$", re.M | re.S)

CHAPTERS = [
    ("commands", "Statements and functions of the scenario language"),
    ("knobs", "Knobs"),
    ("patches", "Patches"),
    ("kernels", "Releases"),
    ("machines", "Boards"),
    ("bugs", "Historical bugs"),
    ("rules", "Rules"),
]


class Shell:
    """A directory that looks like the tree's root, with the program on the path."""

    def __init__(self, program, directory):
        top = pathlib.Path(directory)
        self.root = top / "root"
        self.root.mkdir()
        (top / "bin").mkdir()
        (top / "bin/pkvm-sim").symlink_to(pathlib.Path(program).resolve())
        for name in os.listdir(ROOT):
            (self.root / name).symlink_to(ROOT / name)
        self.env = {
            "PATH": f"{top}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(top),
            "XDG_STATE_HOME": str(top / "state"),
            "LC_ALL": "C",
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
        }

    def __call__(self, command, typed=""):
        done = subprocess.run(
            ["bash", "-c", command],
            input=typed,
            capture_output=True,
            text=True,
            cwd=self.root,
            env=self.env,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), f"{command}: {done.returncode}\n{done.stderr}"
        assert not done.stderr, done.stderr
        return done.stdout


def trimmed(text):
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def headline(shell):
    """How `./bootstrap run` ends, without building: from the last part of the last table on."""
    script = (ROOT / "bootstrap").read_text()
    last = re.search(r"^headline=(\S+)$", script, re.M)[1]
    seeds = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "scenarios/seeds").glob("*.pkvm"))
    seeds.remove(last)
    out = trimmed(shell(" ".join(["pkvm-sim run", *seeds, last])))
    return "...\n" + out[out.rindex("\n  kernel  ") + 1 :]


def console(shell, text):
    page = ""
    for command in re.findall(r"^\$ (.*)$", text, re.M):
        run = headline(shell) if command == "./bootstrap run" else trimmed(shell(command))
        page += f"$ {command}\n{run}"
    return page


def session(shell, text):
    """Each line with what it added to the answers."""
    typed = re.findall(r"^pkvm> (.*)$", text, re.M)
    page = before = ""
    for n, line in enumerate(typed):
        answers = shell("pkvm-sim repl", "".join(t + "\n" for t in typed[: n + 1]))
        assert answers.startswith(before), line
        page += f"pkvm> {line}\n{trimmed(answers[len(before):])}"
        before = answers
    return page


def fill(page, shell):
    """The page with the outputs that the program gives now."""

    def block(m):
        kind, name, text = m.groups()
        if kind == "pkvm":
            if name:
                (shell.root / name).write_text(text)
            return m[0]
        return f"```{kind}\n{(console if kind == 'console' else session)(shell, text)}```"

    return BLOCK.sub(block, page)


def reference(shell):
    page = [
        "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->",
        "<!-- Made by tests/make_docs.py; do not edit. -->",
        "# Reference",
        "",
        "The tables that the program runs on, as it prints them. `pkvm-sim knobs NAME` and its like",
        "show one row in full; `help NAME` at the prompt does the same for statements.",
    ]
    for word, title in CHAPTERS:
        page += ["", f"## {title}", "", f"`pkvm-sim {word}`:", "", "```text"]
        page += [trimmed(shell(f"pkvm-sim {word}")).rstrip("\n"), "```"]
    return "\n".join(page) + "\n"


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/pkvm-sim"
    for name in PAGES:
        with tempfile.TemporaryDirectory() as directory:
            path = ROOT / name
            path.write_text(fill(path.read_text(), Shell(program, directory)))
    with tempfile.TemporaryDirectory() as directory:
        (ROOT / "docs/reference.md").write_text(reference(Shell(program, directory)))


if __name__ == "__main__":
    main()
