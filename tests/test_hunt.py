# SPDX-License-Identifier: GPL-2.0-or-later
"""The hunt for bugs by chance: tables that are written, and what is kept between runs."""

import json
import re
import subprocess
import sys

from conftest import ROOT

HUNT = ROOT / "tests/hunt/hunt.py"


def hunt(program, *words):
    return subprocess.run([sys.executable, HUNT, f"--program={program}", "--bug-actions=20000", *words],
                          capture_output=True, text=True, check=False)  # fmt: skip


def test_a_table_and_its_rules(binary, tmp_path):
    """The rule that told stands beside the bug's own; another one fails unless it is explained."""
    state, table = tmp_path / "state", tmp_path / "table.md"
    done = hunt(binary, f"--state={state}", f"--table={table}", "B-08")
    assert done.returncode == 0, done.stdout + done.stderr
    row = r"^\| B-08 \| v6\.12 \| [a-z0-9 ,]+ \| \d+ \| [a-z, -]*\bspec\b[a-z, -]* \| spec \|$"
    assert re.search(row, table.read_text(), re.M)
    # what was kept is not run again
    rows = [json.loads(line) for line in state.read_text().splitlines()]
    found = next(row for row in rows if row["status"] == 1)
    found["got"]["scenario"] = "boot => 0, violation leak\n"
    found["got"]["actions"] = 4711
    state.write_text("".join(json.dumps(row) + "\n" for row in rows))
    again = hunt(binary, f"--state={state}", "B-08")
    assert again.returncode == 1
    assert "| 4711 | leak | spec |" in again.stdout
    assert "FAILED: B-08 on v6.12: leak told it, and not spec" in again.stdout


def test_what_is_not_caught_fails(binary):
    """A bug that chance does not find, and that nothing explains."""
    done = hunt(binary, "--only=no set-up has this name", "--bug-actions=90", "B-28")
    assert done.returncode == 1 and "B-28 on v7.2: not caught" in done.stdout


def test_no_such_bug(binary):
    done = hunt(binary, "B-99")
    assert done.returncode == 2 and "B-99" in done.stderr
