# SPDX-License-Identifier: GPL-2.0-or-later
"""The self-test of boot and the table of calls against states, as scenarios."""

import re

from conftest import ROOT
from make_selftest import FOLDER, STAGES, files


def test_the_files_are_what_is_written():
    """Nobody edits them by hand, and none is left over."""
    made = dict(files())
    assert {p.name for p in FOLDER.iterdir()} == set(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, name


def test_the_self_test_has_all_its_calls():
    """As many as the kernel's: 100 on v7.2, 54 of them on v7.0, with as many of each result."""
    rows = [row for stage in STAGES.splitlines() for row in stage.rpartition("|")[2].split()]
    wanted = [row.partition(":")[2] for row in rows if not row.startswith(("refs", "sharers"))]
    unpins = sum(row.startswith("UNPIN") for row in rows)
    assert len(wanted) - unpins == 100
    counts = {error: wanted.count(error) for error in wanted}
    counts["0"] -= unpins
    assert counts == {"0": 18, "EPERM": 74, "ENOENT": 5, "EBUSY": 1, "EHWPOISON": 2}


def test_every_cell_is_there(run):
    """A call of v7.2 for each state of a page that it can meet."""
    cells = 0
    for path in (ROOT / "scenarios/selftest").glob("what-of-*-v7-2.pkvm"):
        cells += len(re.findall(r"^(?:el2|hvc) .*=>", path.read_text(), re.M))
    assert cells == 11 * 14 - 1
    assert run("run", "scenarios/selftest").status == 0
