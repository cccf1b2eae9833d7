# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents show is what the program does: every command and every output.

In README.md and docs/*.md a fenced block marked

- `console` holds commands after `$ ` with their output. They run in the root of the tree,
  in a shell, in the order of the page. `pkvm-sim` is the program under test.
- `pkvm NAME` is the file NAME, there for the commands that follow on the page.
- `session` is a conversation at the prompt: what follows `pkvm> ` is typed, the rest is answered.
"""

import os
import re
import subprocess

import pytest

from conftest import ROOT, TIMEOUT

PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def blocks(page):
    return [m.groups() for m in BLOCK.finditer((ROOT / page).read_text())]


def commands(text):
    """(command, output) of a console block; a command goes on after a trailing backslash."""
    found = []
    for line in text.splitlines():
        if found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line.removeprefix("> ")
        elif line.startswith("$ "):
            found.append([line[2:], []])
        else:
            assert found, f"output before a command: {line}"
            found[-1][1].append(line)
    return [(command, "\n".join(out)) for command, out in found]


@pytest.fixture
def shell(binary, environment, tmp_path):
    """A directory that looks like the tree's root, with pkvm-sim on the path."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pkvm-sim").symlink_to(binary)
    root = tmp_path / "root"
    root.mkdir()
    for name in os.listdir(ROOT):
        (root / name).symlink_to(ROOT / name)
    env = {**environment, "PATH": f"{tmp_path}/bin:{environment['PATH']}"}

    def call(command):
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            cwd=root,
            env=env,
            timeout=TIMEOUT,
            check=False,
        )
        return done.stdout if done.returncode in (0, 1) else done.stdout + done.stderr

    call.root = root
    return call


def trimmed(text):
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_page(page, shell, run):
    for kind, name, text in blocks(page):
        if kind == "pkvm" and name:
            (shell.root / name).write_text(text)
        elif kind == "console":
            for command, output in commands(text):
                if command.startswith("./bootstrap"):
                    continue  # see test_bootstrap_run_shows_the_headline
                assert trimmed(shell(command)) == trimmed(output), command
        elif kind == "session":
            typed = re.findall(r"^pkvm> (.*)$", text, re.M)
            answer = run("repl", stdin="\n".join(typed) + "\n").out
            shown = re.sub(r"^pkvm> .*\n", "", text, flags=re.M)
            assert trimmed(answer) == trimmed(shown)


def test_bootstrap_run_shows_the_headline(run):
    """README shows how `./bootstrap run` ends: with the table of the headline scenario."""
    shown = [
        output
        for kind, _, text in blocks("README.md")
        if kind == "console"
        for command, output in commands(text)
        if command == "./bootstrap run"
    ]
    headline = re.search(r"^headline=(\S+)$", (ROOT / "bootstrap").read_text(), re.M)[1]
    assert len(shown) == 1
    seeds = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "scenarios/seeds").glob("*.pkvm"))]
    seeds.remove(headline)
    done = run("run", *seeds, headline)
    assert done.status == 0
    ours = trimmed(shown[0]).removeprefix("...\n")
    assert trimmed(done.out).endswith(ours) and len(ours) > 500


def test_the_pages_show_something():
    kinds = [kind for page in ("README.md", "docs/tutorial.md") for kind, _, _ in blocks(page)]
    assert kinds.count("console") >= 4 and "session" in kinds and "pkvm" in kinds


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


def test_reference_is_current(run):
    """docs/reference.md is made by tests/make_reference.py from what the program prints."""
    from make_reference import make

    made = make(lambda *words: run(*words).out)
    assert (ROOT / "docs/reference.md").read_text() == made
