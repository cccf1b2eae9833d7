# SPDX-License-Identifier: GPL-2.0-or-later
"""Bugs of the past: each row of the table has a scenario that passes without it; with the
bug on, the rule that the table names is reported, and no other."""

import re

import pytest

from conftest import ROOT

FILES = {
    re.search(r"^title (\S+):", path.read_text(), re.M)[1]: path.relative_to(ROOT)
    for path in sorted((ROOT / "scenarios/bugs").glob("*.pkvm"))
}


@pytest.fixture
def table(run):
    """Of each bug its rules, and for each release of this build "yes" or why not."""
    rows = {}
    for line in run("bugs").lines:
        row = re.match(r"((?:RC|[BCD])-?L?\d+) ([a-z-]+(?:, [a-z-]+)*)(?:  |$)", line)
        if row:
            whole = run("bugs", row[1]).out
            releases = dict(re.findall(r"^  on (\S+): (.+)$", whole, re.M))
            rows[row[1]] = (set(row[2].split(", ")), releases)
    return rows


def broken(result):
    """By name of the run: the rules broken beyond those that the scenario states."""
    rules = {o["name"]: set() for o in result.objects if o["type"] == "run" and not skip(o)}
    for o in result.objects:
        if o["type"] == "violation" and not o["expected"]:
            rules[o["run"]].add(o["rule"])
    return rules


def skip(run):
    return run.get("skip")


def test_every_bug_has_a_scenario(run, table):
    """Those that no release of this build can bring back have none."""
    assert list(table) == run("bugs", "--names").lines
    assert set(FILES) == {bug for bug, (_, on) in table.items() if "yes" in on.values()}


@pytest.mark.parametrize("bug", FILES)
def test_the_rule_catches_it(run, table, bug):
    result = run("run", "--check=on", "--format=jsonl", f"--bug={bug}", FILES[bug])
    assert result.status == 1, result.out
    runs = broken(result)
    assert runs, "nothing but skipped runs"
    assert all(len(rules) == 1 for rules in runs.values()), runs
    assert set.union(*runs.values()) == table[bug][0]


@pytest.mark.parametrize("bug", FILES)
def test_without_it_nothing_is_found(run, bug):
    for check in ["off", "on", "paranoid"]:
        result = run("run", f"--check={check}", "--format=jsonl", FILES[bug])
        assert result.status == 0, result.out
        assert not any(broken(result).values())


@pytest.mark.parametrize("bug", FILES)
def test_a_bug_line_does_the_same(run, tmp_path, table, bug):
    """`bug NAME` in the file: the same as the option, and told as pressure."""
    text = (ROOT / FILES[bug]).read_text()
    (tmp_path / "t.pkvm").write_text(re.sub(r"^title", f"bug {bug}\ntitle", text, 1, re.M))
    by_line = run("run", "t.pkvm", cwd=tmp_path)
    assert by_line.status == 1
    assert "pressure made by the scenario" in re.sub(r"\s+", " ", by_line.out)


def test_where_it_cannot_be_the_reason_is_told(run, table):
    """Skipped, not failed, on every release where the table says no."""
    for bug, path in FILES.items():
        for kernel in (k for k, why in table[bug][1].items() if why != "yes"):
            result = run("run", f"--bug={bug}", f"--kernel={kernel}", "--format=tap", path)
            assert result.status == 0, result.out
            assert re.search(rf"# SKIP ({bug}: |mmio_donation=range needs )", result.out)
    assert "# SKIP C2: " in run("run", "--bug=C2", "--format=tap", FILES["C1"]).out


def test_what_a_bug_needs(scenario):
    for bug in ["B-33", "B-38"]:
        result = scenario("boot\n", f"--bug={bug}", "--format=tap")
        assert f"# SKIP {bug} needs an mmio_donation" in result.out
    assert "# SKIP C1 needs a secure world" in scenario("bug C1\nboot\n", "--format=tap").out


def test_unknown(run, scenario):
    result = run("run", "--bug=B-98", FILES["B-13"])
    assert result.status == 2
    assert "B-98" in result.err
    result = scenario("bug B-99\nboot\n")
    assert result.status == 2
    assert "t.pkvm:1:5: error: " in result.err


def test_two_bugs(run):
    """One does not hide the other."""
    path = FILES["B-13"]
    result = run("run", "--bug=B-12", "--bug=B-13", "--check=off", path)
    assert result.status == 1
    assert "vmemmap_fault_range" in result.out


def test_rows_in_full(run, table):
    for bug in table:
        text = run("bugs", bug).out
        assert all(len(line) <= 80 for line in text.splitlines())
        assert len(text.split()) > 50, "a paragraph"
