# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents show is what the program does: every command and every output."""

import difflib
import re

import pytest

import make_docs
from conftest import ROOT

EVERY_PAGE = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]


@pytest.fixture
def shell(binary, tmp_path):
    return make_docs.Shell(binary, tmp_path)


def same(shown, made):
    difference = difflib.unified_diff(
        shown.splitlines(), made.splitlines(), "shown", "made", lineterm="", n=1
    )
    assert shown == made, "run tests/make_docs.py:\n" + "\n".join(list(difference)[:60])


@pytest.mark.parametrize("page", make_docs.PAGES)
def test_outputs_are_current(page, shell):
    text = (ROOT / page).read_text()
    same(text, make_docs.fill(text, shell))


def test_reference_is_current(shell):
    same((ROOT / "docs/reference.md").read_text(), make_docs.reference(shell))


def test_the_pages_show_something():
    """The promise of this file is worth what the pages have: the two commands, a file, a session."""
    text = {page: (ROOT / page).read_text() for page in make_docs.PAGES}
    kinds = {page: [m[1] for m in make_docs.BLOCK.finditer(t)] for page, t in text.items()}
    assert {"console", "pkvm"} <= set(kinds["README.md"])
    assert {"console", "pkvm", "session"} <= set(kinds["docs/tutorial.md"])
    for command in ("./bootstrap run", "./bootstrap test"):
        assert f"$ {command}\n" in text["README.md"]
    assert "panic: BUG" in text["docs/tutorial.md"]


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
