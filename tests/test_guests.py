# SPDX-License-Identifier: GPL-2.0-or-later
"""What EL2 answers about guests and their VMs, and what is there afterwards: each file of
tests/guests is a scenario. They state results, states and
what the oracle says."""

import pytest

from conftest import ROOT

FILES = sorted(p.relative_to(ROOT) for p in (ROOT / "tests/guests").glob("*.pkvm"))


def test_they_are_there():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_passes(run, path):
    done = run("run", path)
    assert done.status == 0, done.out + done.err
    assert "0 skipped" in done.out


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_recorded_it_passes_again(run, tmp_path, path):
    """Each run of it, written down; but for runs of a matrix, which --record takes one of."""
    kernels = ["v7.0", "v7.2"] if "matrix kernel=" in (ROOT / path).read_text() else ["v7.2"]
    for kernel in kernels:
        out = tmp_path / f"{kernel}.pkvm"
        done = run("run", f"--kernel={kernel}", f"--record={out}", path)
        if "records one run" in done.err or "more than one" in done.err:
            return
        assert done.status == 0, done.out + done.err
        assert run("run", out).status == 0
