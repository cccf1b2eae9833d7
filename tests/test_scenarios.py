# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenarios of the tree: they pass, in every format, always with the same bytes."""

import os
import re
import resource

import pytest

from conftest import ROOT

FILES = sorted(p.relative_to(ROOT) for p in (ROOT / "scenarios").rglob("*.pkvm"))
FORMATS = ["text", "ktap", "tap", "junit", "jsonl"]

# The review concerns that need neither a guest nor two CPUs at once, by their numbers
CONCERNS = [
    *(n for n in range(1, 24) if n not in (21, 22)),
    *(24, 83, 86, 87, 88),
    *(25, 26, 27, 28, 29, 30, 31, 32, 34, 35),
]


@pytest.mark.parametrize("form", FORMATS)
def test_all_pass_and_twice_the_same_bytes(run, form):
    """One process or several: that is no difference either."""
    first = run("run", "--jobs=2", f"--format={form}", "scenarios")
    assert first.status == 0, first.out[-4000:] + first.err
    assert first.err == ""
    assert run("run", "--jobs=1", f"--format={form}", "scenarios").raw == first.raw


def test_two_seconds(run):
    """On two CPUs; their time is counted, so that a busy machine is not a failure of ours.
    Two threads of one core take up to twice as long beside each other."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run("run", "--jobs=2", "scenarios").status == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    busy = os.getloadavg()[0] > 1
    assert took < 2 * 2.0 * (2 if busy else 1)


def test_order_of_files_does_not_matter(run):
    """A directory runs as its files would, named one by one in order of their names."""
    a = run("run", "--format=tap", "scenarios/errors")
    b = run("run", "--format=tap", *(path for path in FILES if path.parts[1] == "errors"))
    assert a.raw == b.raw


def combinations(run, path):
    """Of each run of the file, the options that leave only it."""
    for name in run("run", "--list", path).lines:
        axes = name.partition("@")[2].split(",") if "@" in name else []
        yield ["--" + axis if axis.startswith("kernel=") else f"--set={axis}" for axis in axes]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_record_and_replay(run, tmp_path, path):
    """What was recorded runs again, and a record of that run is the same file."""
    first, second = tmp_path / "first.pkvm", tmp_path / "second.pkvm"
    for options in combinations(run, path):
        assert run("run", f"--record={first}", *options, path).status == 0
        again = run("run", f"--record={second}", first)
        assert again.status == 0, again.out + again.err
        assert first.read_bytes() == second.read_bytes()
        assert first.read_text().count(" => ") >= 1


@pytest.mark.parametrize("path", FILES, ids=str)
def test_teaches(path):
    """Licence, a paragraph, a title that asks or says something; nothing runs into the margin."""
    text = (ROOT / path).read_text()
    lines = text.splitlines()
    assert lines[0] == "# SPDX-License-Identifier: GPL-2.0-or-later"
    head = text.split("\n\n")[0].splitlines()[1:]
    assert len(" ".join(head).split()) >= 40, "opens with a paragraph"
    assert all(line.startswith("#") for line in head)
    assert re.search(r"^title .{10,}", text, re.M)
    assert max(map(len, lines)) <= 120
    assert re.fullmatch(r"[a-z0-9-]+\.pkvm", path.name)


def test_every_concern_has_a_scenario():
    titles = "\n".join(
        re.search(r"^title (.*)", (ROOT / path).read_text(), re.M)[1] for path in FILES
    )
    missing = [n for n in CONCERNS if not re.search(rf"RC-{n:02}\b", titles)]
    assert not missing


COMPARISON = re.compile(r"^(\s*expect .* == )(\w+)(?=\s*(?:\[|$))")


def wrong(line):
    """`expect A == NUMBER-OR-WORD` with another in its place."""
    return COMPARISON.sub(lambda m: m[1] + ("hyp" if m[2] == "host" else "host"), line)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_expectations_can_fail(scenario, path):
    """Every comparison, turned into a wrong one, fails wherever it is judged: none is vacuous."""
    lines = (ROOT / path).read_text().splitlines()
    turned = {n for n, line in enumerate(lines, 1) if COMPARISON.match(line)}
    done = scenario(
        "\n".join(map(wrong, lines)) + "\n", "--format=jsonl", "--keep-going", name=path.name
    )
    judged = [o for o in done.objects if o["type"] == "line" and o["line"] in turned]
    assert {o["line"] for o in judged if o["verdict"] == "fail"} == turned
    assert not [o["text"] for o in judged if o["verdict"] == "pass"]
