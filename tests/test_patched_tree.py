# SPDX-License-Identifier: GPL-2.0-or-later
"""A tree with the two patches of March 2026: what it has is found, and it answers as ours does.

As posted, with the other walkers, and corrected: each is a tree to be built, which takes longer
than `./bootstrap test` has. `./bootstrap soak` sets PKVM_SIM_ALL_TREES.
"""

import hashlib
import os
import pathlib

import pytest

import mmio_tree
from kernel_tree import ROOT, copy_tree, environment, recordings, tree  # noqa: F401 (fixtures)

# by name: what the knobs say of it, and recordings of its own
POSTED = {
    "mmio_donation": "v5",
    "mmio_commit": "assert",
    "s2_unmap_annotated": "eperm",
    "protected_unwind": "region",
}
TREES = {
    "eperm": (POSTED, ["mmio_seed", "protected_regions"]),
    "clear": ({**POSTED, "s2_unmap_annotated": "clear"}, ["mmio_mainline_walker"]),
    "skip": ({**POSTED, "s2_unmap_annotated": "skip"}, ["mmio_skip_walker"]),
    "fixed": (
        {**POSTED, "mmio_commit": "return", "s2_unmap_annotated": "skip", "protected_unwind": "all"},
        [],
    ),
}

pytestmark = pytest.mark.skipif(
    not os.environ.get("PKVM_SIM_ALL_TREES"), reason="PKVM_SIM_ALL_TREES is not set"
)


@pytest.fixture(scope="module", params=TREES)
def patched(request, tree):  # noqa: F811
    """A copy of the tree with one version of the patches: its path, and its name here."""
    text = pathlib.Path(mmio_tree.__file__).read_bytes() + str(tree).encode()
    to = ROOT / f"build/linux-mmio-{request.param}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not to.exists():
        part = to.with_name(f"{to.name}.{os.getpid()}")
        copy_tree(tree, part, *mmio_tree.FILES)
        fixed = request.param == "fixed"
        mmio_tree.patch(part, "skip" if fixed else request.param, fixed)
        part.rename(to)
    return to, request.param


SCENARIOS = ["scenarios/seeds", "scenarios/mmio", "scenarios/protected-regions"]


# What the tree does is found by trying it: each knob holds there, and its other values do not.
def test_knobs_are_found(run, patched):
    path, name = patched
    file = "scenarios/aborts/how-much-does-one-fault-map.pkvm"
    for knob, value in TREES[name][0].items():
        same = run("run", f"--kernel-tree={path}", f"--set={knob}={value}", "--format=jsonl", file)
        assert same.status == 0 and same.objects[-1]["passed"] >= 1, (knob, same.out)
    for knob, value in (
        ("mmio_donation", "none"),
        ("mmio_donation", "v3"),
        ("s2_unmap_annotated", "clear" if name != "clear" else "skip"),
        ("mmio_commit", "assert" if name == "fixed" else "return"),
        ("protected_unwind", "region" if name == "fixed" else "all"),
    ):
        other = run("run", f"--kernel-tree={path}", f"--set={knob}={value}", "--format=tap", file)
        assert f"the tree has {knob}={TREES[name][0][knob]}" in other.out


# The questions about donated devices have the answers on the kernel's code that they have on ours.
def test_scenarios(run, patched):
    path, name = patched
    r = run("run", f"--kernel-tree={path}", "--format=jsonl", *SCENARIOS)
    assert r.status == 0, r.out[-2000:] + r.err
    end = r.objects[-1]
    assert end["failed"] == 0 and end["passed"] >= {"eperm": 34, "clear": 5, "skip": 8, "fixed": 2}[name]


# Random actions, donations among them, do the same on both, event by event.
def test_conform(run, patched):
    r = run("conform", f"--kernel-tree={patched[0]}", "--actions=5000")
    assert r.status == 0, r.out[-2000:] + r.err
    assert "5000 actions" in r.out and "no difference" in r.out


# What the real code answered when it was recorded it answers here.
def test_golden(run, patched, recordings):  # noqa: F811
    path, name = patched
    for file in TREES[name][1]:
        r = run("golden", f"--kernel-tree={path}", recordings / f"v6.12-mmio/{file}.jsonl")
        assert r.status == 0 and " operations, no difference\n" in r.out, r.out + r.err
    r = run("golden", f"--kernel-tree={path}", recordings / "v6.12-mmio/directed.jsonl")
    if name == "fixed":
        # neither walker that was recorded is this tree's, or it is and the commit is not
        assert "skipped: the tree has " in r.out and "operations" not in r.out
    else:
        assert "152 operations, no difference; 76 machines skipped" in r.out, r.out + r.err
    r = run("golden", f"--kernel-tree={path}", recordings / "v6.12/ownership.jsonl")
    assert r.status == 0 and "skipped: the tree has " in r.out
