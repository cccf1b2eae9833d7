# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmarks run, do what they say, and print ratios."""

import re

NAMES = ["map", "map-block", "get-leaf", "donate", "share", "share-action"]
NAMES += ["idmap", "fault", "recycle", "lend", "give", "guest-share"]


def rows(text):
    """{name: (ns, [ratios])}"""
    found = {}
    for m in re.finditer(r"^(\S+) +([\d.]+) \[[\d.]+-[\d.]+\] ns(.*) [\d.]+ M/s$", text, re.M):
        found[m[1]] = (float(m[2]), [float(x) for x in re.findall(r"[\d.]+", m[3])])
    return found


def test_all(run):
    """Each figure stands beside both reference loops of the same run, as their ratio."""
    done = run("bench", "--quick")
    assert done.status == 0 and done.err == ""
    assert max(map(len, done.lines)) <= 80
    table = rows(done.out)
    assert list(table) == ["load", "copy", *NAMES]
    for name in NAMES:
        ns, ratios = table[name]
        for ratio, reference in zip(ratios, ("load", "copy"), strict=True):
            expected = ns / table[reference][0]
            assert abs(ratio - expected) <= 0.01 + 0.02 * expected
    assert "median" in done.out, "says how it was measured"
    # the walk over all devices is some seventy times a map: no noise turns that round
    assert table["recycle"][0] > table["map"][0]


def test_one(run):
    done = run("bench", "--quick", "get-leaf")
    assert done.status == 0
    assert list(rows(done.out)) == ["load", "copy", "get-leaf"]


def test_explore(run):
    """Blocks of two CPUs: how fast, and of how many orders how few are explored."""
    done = run("bench", "--quick", "explore")
    assert done.status == 0
    table = re.findall(r"(\d+) orders, (\d+) explored: 1 of (\d+)$", done.out, re.M)
    assert len(table) == 5
    for orders, explored, factor in table:
        assert int(factor) == round(int(orders) / int(explored))
    assert re.search(r"SPIN, a model of the first: [1-9]\d* states|SPIN is not here", done.out)
    assert max(int(t[2]) for t in table) > 100
    assert len(re.findall(r"\d+ interleavings and\n", done.out)) == 2


def test_wrong_name(run):
    done = run("bench", "get-laef")
    assert done.status == 2 and "get-leaf" in done.err
