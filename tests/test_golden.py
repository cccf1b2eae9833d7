# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of the real hypervisor: every one replays, each difference is found, and
whatever else is in a file ends in a message.

The recordings lie in $PKVM_GOLDEN, else in ../shared/golden beside the checkout. Where
they are not, what needs them is skipped, but not under CI=true.
"""

import gzip
import json
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = pathlib.Path(os.environ.get("PKVM_GOLDEN", ROOT.parent / "shared/golden"))
HERE = GOLDEN.is_dir()
RECORDINGS = sorted(GOLDEN.glob("v*/*.jsonl*")) if HERE else []


def name(path):
    return str(path.relative_to(GOLDEN))


@pytest.fixture(scope="session")
def golden():
    if not HERE:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no recordings at {GOLDEN}")
        pytest.skip(f"no recordings at {GOLDEN}: set PKVM_GOLDEN")
    return GOLDEN


def test_recordings_are_here(golden):
    """What this build must replay is there to be replayed."""
    have = {name(p) for p in RECORDINGS}
    for release, n in (("v6.12", 8), ("v6.12-mmio", 5), ("v7.2", 10)):
        assert sum(h.startswith(release + "/") for h in have) >= n, release


@pytest.mark.parametrize("path", RECORDINGS, ids=[name(p) for p in RECORDINGS])
def test_replays(run, path):
    done = run("golden", path)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"{path}: ") and done.out.endswith(" operations, no difference\n")
    # every line after a header is an operation; some files are headers (boots, cases) only
    lines = sum(1 for _ in open(path, encoding="utf-8"))
    operations = int(done.out[len(str(path)) + 2 :].split()[0])
    assert operations >= lines - 1


# ---- A recording small enough to stand here ------------------------------------------------------

HEADER = {
    "type": "header", "name": "s2", "kernel": "7.2.13", "build": "host", "stage": 2,
    "ia_bits": 40, "page_shift": 12, "start_level": 1, "pgd_pages": 2, "vtcr": "0x80223558",
    "pgt_flags": 0, "force_pte": "none", "cmo_callbacks": 1,
    "caps": {"fwb": 1, "dic": 1, "idc": 1, "tlb_range": 0, "lpa2": 0, "hvhe": 0, "bti": 0,
             "xnx": 0},
    "table_page_limit": 16, "seed": "0x1", "init_ret": 0,
    "events": [["alloc", "0x40000000", 2], ["dsb ishst", "0x0", 0]],
    "ptes": [], "tables": [["0x40000000", 1, "0x0", 1], ["0x40001000", 1, "0x8000000000", 1]],
    "used": 2,
}  # fmt: skip
MAP = {
    "i": 0, "op": "map", "ia": "0x40000000", "size": "0x40000000", "pa": "0x80000000",
    "prot": "0x7", "walk_flags": 0, "ret": 0,
    "events": [["dc_civac", "0x80000000", 1073741824], ["ic_ivau", "0x80000000", 1073741824],
               ["stlr", "0x0", 0], ["dsb ishst", "0x0", 0]],
    "ptes": [[1, "0x40000000", "0x800007d9"]],
    "tables": [["0x40000000", 1, "0x0", 2], ["0x40001000", 1, "0x8000000000", 1]], "used": 2,
}  # fmt: skip
LEAF = {**MAP, "i": 1, "op": "get_leaf", "pte": "0x800007d9", "level": 1, "events": []}
UNMAP = {
    **MAP, "i": 2, "op": "unmap", "events": [["tlbi_ipas2e1is", "0x40000000", 1]], "ptes": [],
    "tables": HEADER["tables"],
}  # fmt: skip
DESTROY = {"op": "destroy", "events": [["free", "0x40000000", 2]], "used": 0}
SMALL = [HEADER, MAP, LEAF, UNMAP, DESTROY]


def text(objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


def changed(line, **fields):
    """SMALL with fields of one line replaced; None removes."""
    o = {**SMALL[line], **fields}
    return text(SMALL[:line] + [{k: v for k, v in o.items() if v is not None}] + SMALL[line + 1 :])


@pytest.fixture
def replay(run, tmp_path):
    def call(data, file="r.jsonl"):
        (tmp_path / file).write_bytes(data.encode() if isinstance(data, str) else data)
        return run("golden", file, cwd=tmp_path)

    return call


def test_small(replay):
    done = replay(text(SMALL))
    assert (done.status, done.out) == (0, "r.jsonl: 4 operations, no difference\n"), done.err


def test_gzip(replay):
    done = replay(gzip.compress(text(SMALL).encode()), "r.jsonl.gz")
    assert (done.status, done.out) == (0, "r.jsonl.gz: 4 operations, no difference\n"), done.err


EVENTS = MAP["events"]
DIFFERENCES = [
    # line, fields as recorded, what differs, ours, recorded
    (0, {"vtcr": "0x80223559"}, "header: vtcr", "0x80223558", "0x80223559"),
    (0, {"pgd_pages": 1}, "header: pgd_pages", "2", "1"),
    (0, {"start_level": 0}, "header: start_level", "1", "0"),
    (0, {"init_ret": -12}, "header: init_ret", "0", "-12"),
    (1, {"ret": -11}, "operation 0 (map): ret", "0", "-11"),
    (1, {"ret": "PANIC"}, "operation 0 (map): ret", "0", "PANIC"),
    (1, {"events": EVENTS[1:]}, "operation 0 (map): event 0", "dc_civac 0x80000000 1073741824",
     "ic_ivau 0x80000000 1073741824"),
    (1, {"events": EVENTS[:-1]}, "operation 0 (map): event 3", "dsb ishst 0x0 0",
     "no more events"),
    (1, {"events": EVENTS + [["isb", "0x0", 0]]}, "operation 0 (map): event 4", "no more events",
     "isb 0x0 0"),
    (1, {"ptes": [[1, "0x40000000", "0x800007db"]]}, "operation 0 (map): ptes",
     "level 1 ia 0x40000000 raw 0x800007d9", "level 1 ia 0x40000000 raw 0x800007db"),
    (1, {"ptes": []}, "operation 0 (map): ptes", "level 1 ia 0x40000000 raw 0x800007d9",
     "no such entry"),
    (1, {"tables": HEADER["tables"]}, "operation 0 (map): tables",
     "level 1 ia 0x0 at 0x40000000 refcount 2", "level 1 ia 0x0 at 0x40000000 refcount 1"),
    (1, {"used": 3}, "operation 0 (map): used", "2", "3"),
    (2, {"pte": "0x0"}, "operation 1 (get_leaf): pte", "0x800007d9", "0x0"),
    (2, {"level": 2}, "operation 1 (get_leaf): level", "1", "2"),
    (3, {"events": [["tlbi_ipas2e1is", "0x40000000", 2]]}, "operation 2 (unmap): event 0",
     "tlbi_ipas2e1is 0x40000000 1", "tlbi_ipas2e1is 0x40000000 2"),
    (4, {"used": 1}, "destroy: used", "0", "1"),
]  # fmt: skip


@pytest.mark.parametrize("line, fields, what, ours, recorded", DIFFERENCES)
def test_difference(replay, line, fields, what, ours, recorded):
    done = replay(changed(line, **fields))
    assert done.status == 1
    assert done.out == (
        f"r.jsonl:{line + 1}: {what} differs\n  ours      {ours}\n  recorded  {recorded}\n"
    )


def test_first_difference_only_and_other_files_go_on(run, tmp_path):
    (tmp_path / "a.jsonl").write_text(changed(1, ret=-1, used=9), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text(text(SMALL), encoding="utf-8")
    done = run("golden", "a.jsonl", "b.jsonl", "c.jsonl", "none.jsonl", cwd=tmp_path)
    assert done.status == 2
    assert done.out.count(" differs") == 1
    assert done.out.endswith("c.jsonl: 4 operations, no difference\n")
    assert done.err.startswith("b.jsonl:1: error: ")
    assert "none.jsonl: error: " in done.err


# ---- Whatever else a file may hold -------------------------------------------------------------------

GZ = gzip.compress(text(SMALL * 50).encode())
HUGE = "9" * 40
BAD = {
    "empty": ("", 0),
    "only a newline": ("\n", 1),
    "not JSON": ("nothing\n", 1),
    "array": ("[]\n", 1),
    "number": ("1\n", 1),
    "other object": ("{}\n", 1),
    "cut in a line": (text(SMALL)[:-30], 5),
    "NUL": (text([HEADER]) + "\0\n", 2),
    "NUL in a string": (text([HEADER]).replace("7.2.13", "7.2\0"), 1),
    "latin-1": (text([HEADER]).encode() + b'{"op":"\xff"}\n', 2),
    "nested": ("[" * 1000000 + "\n", 1),
    "nested in a field": ('{"stage":' + "[" * 500000 + "]" * 500000 + "}\n", 1),
    "huge number": (text(SMALL).replace('"stage": 2', f'"stage": {HUGE}'), 1),
    "negative huge number": (text(SMALL).replace('"ret": 0', f'"ret": -{HUGE}'), 2),
    "real number": (changed(1, ret=0.5), 2),
    "hex too long": (changed(1, ia="0x" + "1" * 17), 2),
    "hex without digits": (changed(1, ia="0x"), 2),
    "hex with a tail": (changed(1, ia="0x10 "), 2),
    "decimal for hex": (changed(1, ia=1073741824), 2),
    "unknown release": (changed(0, kernel="9.9"), 1),
    "release 6.120": (changed(0, kernel="6.120"), 1),
    "release is a number": (changed(0, kernel=7), 1),
    "stage 3": (changed(0, stage=3), 1),
    "stage is a list": (changed(0, stage=[2]), 1),
    "65 bits": (changed(0, ia_bits=65), 1),
    "no bits": (changed(0, ia_bits=0), 1),
    "8K pages": (changed(0, page_shift=13), 1),
    "no caps": (changed(0, caps=None), 1),
    "caps is null": (text(SMALL).replace(json.dumps(HEADER["caps"]), "null"), 1),
    "caps is a list": (changed(0, caps=[]), 1),
    "cap 2": (changed(0, caps={"fwb": 2}), 1),
    "64K with LPA2": (changed(0, page_shift=16, caps={"lpa2": 1}), 1),
    "no room": (changed(0, table_page_limit=0), 1),
    "too much room": (changed(0, table_page_limit=1 << 30), 1),
    "unknown force_pte": (changed(0, force_pte="often"), 1),
    "no events": (changed(1, events=None), 2),
    "event is a string": (changed(1, events=["dsb"]), 2),
    "event too short": (changed(1, events=[["dc_civac", "0x80000000"]]), 2),
    "event without a name": (changed(1, events=[[]]), 2),
    "ptes is an object": (changed(1, ptes={}), 2),
    "pte of level 9": (changed(1, ptes=[[9, "0x0", "0x0"]]), 2),
    "pte too short": (changed(1, ptes=[[1]]), 2),
    "refcount -1": (changed(1, tables=[["0x40000000", 1, "0x0", -1]]), 2),
    "no ret": (changed(1, ret=None), 2),
    "ret is a word": (changed(1, ret="EPERM"), 2),
    "no op": (changed(1, op=None), 2),
    "unknown op": (changed(1, op="frobnicate"), 2),
    "op of another stage": (changed(1, op="hyp_map"), 2),
    "op of another release": (changed(1, op="set_owner", owner=1), 2),
    "op after the end": (text(SMALL + [UNMAP]), 6),
    "destroyed twice": (text(SMALL + [DESTROY]), 6),
    "header twice": (text([HEADER, HEADER]), 2),
    "size past all": (changed(1, size="0xffffffffffffffff"), 2),
    "owner past 255": (changed(1, op="annotate", type=-1, annotation="0x0"), 2),
}


@pytest.mark.parametrize("data, line", BAD.values(), ids=BAD.keys())
def test_bad_input(replay, data, line):
    done = replay(data)
    assert done.status == 2
    where = f"r.jsonl:{line}: error: " if line else "r.jsonl: error: "
    assert done.err.startswith(where)
    assert done.err.count("\n") == 1 and len(done.err) < 400
    assert "no difference" not in done.out


@pytest.mark.parametrize(
    "data",
    {
        "truncated": GZ[: len(GZ) // 2],
        "header only": GZ[:5],
        "not gzip": text(SMALL).encode(),
        "damaged": GZ[:40] + b"\xff\xff\xff\xff" + GZ[44:],
        "empty": b"",
    }.values(),
    ids=["truncated", "header only", "not gzip", "damaged", "empty"],
)
def test_bad_gzip(replay, data):
    done = replay(data, "r.jsonl.gz")
    assert done.status == 2
    assert done.err.startswith("r.jsonl.gz:") and ": error: " in done.err


def test_hostile_values_are_operations(replay):
    """Addresses that no table translates are for the library to refuse."""
    wild = "0xffffffffffffffff"
    for o in (
        {**MAP, "ia": wild}, {**MAP, "pa": wild}, {**MAP, "prot": wild},
        {**MAP, "walk_flags": 127}, {**MAP, "size": hex(1 << 52)},
        {**UNMAP, "ia": wild, "size": "0x1"}, {**UNMAP, "ia": "0xfffffffffffff000"},
        {**LEAF, "ia": wild}, {**LEAF, "op": "relax_perms", "prot": wild},
        {**LEAF, "op": "mkyoung", "ia": wild}, {**MAP, "op": "test_clear_young", "mkold": 1},
        {**MAP, "op": "annotate", "type": (1 << 32) - 1, "annotation": "0x2"},
    ):  # fmt: skip
        assert replay(text([HEADER, o])).status in (0, 1)


def test_line_without_end_is_bounded(run, tmp_path):
    with open(tmp_path / "r.jsonl", "wb") as f:
        for _ in range(100):
            f.write(b" " * (1 << 20))
    done = run("golden", "r.jsonl", cwd=tmp_path)
    assert done.status == 2
    assert done.err == "r.jsonl:1: error: a line of more than 67108864 bytes\n"


def test_directory_and_no_file(run, tmp_path):
    assert run("golden", tmp_path).status == 2
    assert run("golden").status == 2
