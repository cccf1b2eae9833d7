# SPDX-License-Identifier: GPL-2.0-or-later
"""The five formats of a report, as those who read them do: people, kunit.py, GitLab, programs."""

import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

FORMATS = ["text", "ktap", "tap", "junit", "jsonl"]

PASSES = """title Sharing needs the page
boot
let p = page()
hvc host_share_hyp pfn(p) => 0
hvc host_share_hyp pfn(p) => -EPERM
expect state(host, p) == SHARED_OWNED
"""

FAILS = PASSES + "expect owner(p) == hyp\n"

MATRIX = """title A share is refused the second time, whatever the release
origin [PATCH 01/14] KVM: arm64: Donate MMIO to the hypervisor
matrix kernel=v6.12,v7.0 warn=panic,continue
boot
let p = page()
hvc host_share_hyp pfn(p) => 0
hvc host_share_hyp pfn(p) => -EPERM
"""

SKIPS = "title Nobody can run this\nrequires mmio_donation=range\nboot\n"


@pytest.fixture
def files(tmp_path):
    """Files in a folder, and how to run some of them in a format."""
    (tmp_path / "d").mkdir()
    for name, text in (
        ("passes", PASSES),
        ("fails", FAILS),
        ("matrix", MATRIX),
        ("skips", SKIPS),
        ("broken", "boot\nexpect 1 +\n"),
        ("runtime", "matrix kernel=v6.12,v7.0\nboot\nlet x = 3\nhost read pfn(x)\n"),
        ("strange", "title <b>&amp;</b> ]]> \u00e9 # ok 1\nboot\necho \u00e9 ]]> <x>\n"),
        ("escape", "boot\necho \x1b[31m red\n"),
    ):
        (tmp_path / f"d/{name}.pkvm").write_text(text)
    return tmp_path


@pytest.fixture
def report(run, files):
    def call(form, *names, options=(), env=None):
        paths = [f"d/{name}.pkvm" for name in names]
        return run("run", f"--format={form}", *options, *paths, cwd=files, env=env)

    return call


# ---- All formats ----


@pytest.mark.parametrize("form", FORMATS)
def test_verdict_is_the_status(report, form):
    """What a report says, the exit status says too."""
    assert report(form, "passes", "matrix", "skips").status in (0, 1)
    assert report(form, "passes").status == 0
    assert report(form, "skips").status == 0
    assert report(form, "passes", "fails").status == 1
    assert report(form, "passes", "broken", "fails").status == 2


@pytest.mark.parametrize("form", FORMATS)
def test_no_place_and_no_time(report, files, form):
    """A report can be compared with one from elsewhere: no time, host or absolute path."""
    out = report(form, "passes", "matrix", "fails").out
    assert str(files) not in out
    assert os.uname().nodename not in out.split()
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", out)


@pytest.mark.parametrize("form", FORMATS)
def test_same_bytes_twice(report, form):
    first = report(form, "matrix", "fails", "strange", "skips")
    assert first.raw == report(form, "matrix", "fails", "strange", "skips").raw


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_drives_the_terminal(report, form):
    """A scenario's text cannot send control sequences, and no colour goes into a file."""
    for name in ("strange", "escape"):
        done = report(form, name)
        assert b"\x1b" not in done.raw and "\x1b" not in done.err
        done.raw.decode("utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_configuration_is_told(report, form):
    """Version, release, board, seed and check mode stand in every report."""
    done = report(form, "passes", options=["--seed=77", "--set=warn=continue"])
    for word in ("v7.0", "virt", "77", "on", "warn=continue"):
        assert word in done.out, word
    if form != "junit":
        assert re.search(r"\d+\.\d+\.\d+", done.out)


@pytest.mark.parametrize("form", FORMATS)
def test_error_in_the_middle(report, form):
    """A mistake that only a run finds is told with that run, and gives the file one result."""
    done = report(form, "runtime", "passes")
    assert done.status == 2
    assert done.err.count("d/runtime.pkvm:4:15: error:") == 1
    if form == "text":
        assert len(re.findall(r"^ERROR  d/runtime\.pkvm", done.out, re.M)) == 1
    elif form == "ktap":
        first, second = parse_ktap(done.lines)
        assert [ok for ok, *_ in first[3]] == [False, False] and second[0]
        assert "error: 0x3 is not page aligned" in first[3][0][4][0]
    elif form == "tap":
        assert "1..2" in done.lines
    elif form == "junit":
        suites = ET.fromstring(done.raw)
        assert [s.get("errors") for s in suites] == ["1", "0"]
        assert "not page aligned" in suites[0][0].find("error").text
    else:
        assert [o["verdict"] for o in done.objects if o["type"] == "run"] == ["fail", "pass"]
        assert sum("error" in o for o in done.objects) == 1


# ---- Text ----


def test_text_of_a_lone_file(report):
    out = report("text", "passes").out
    assert re.search(r"^ +4  hvc host_share_hyp pfn\(p\) +(0|ok)$", out, re.M)
    assert re.search(r"^ +5  hvc host_share_hyp pfn\(p\) +-EPERM$", out, re.M)
    assert re.search(r"^PASS  d/passes\.pkvm$", out, re.M)


def test_text_of_a_failure(report):
    """FILE:LINE: FAIL: THE LINE; expected; got; the last ten events."""
    out = report("text", "fails").out
    at = out.index("d/fails.pkvm:7: FAIL: expect owner(p) == hyp\n")
    block = out[at:].splitlines()
    assert block[1].split()[0] == "expected"
    assert any(line.startswith("  got") and "host" in line for line in block[:6])
    events = [line for line in block if re.match(r" *\[\d{3}\]\t *\d+\.\d{6}: \w+", line)]
    assert 1 <= len(events) <= 10


def test_text_of_a_matrix(report):
    """One table: a row an expectation, a column a combination, the cell what happened."""
    out = report("text", "matrix").out
    rows = out.splitlines()
    kernels = next(line for line in rows if line.split()[:1] == ["kernel"] and "v6.12" in line)
    warns = rows[rows.index(kernels) + 1]
    assert kernels.split()[1:] == ["v6.12", "v7.0"]
    assert warns.split()[1:] == ["panic", "continue", "panic", "continue"]
    second = next(line for line in rows if re.match(r" +7  hvc", line))
    column = kernels.index("v7.0")
    assert second[column:].split()[:2] == ["-EPERM", "-EPERM"]
    assert out.count("hvc host_share_hyp") == 2, "one table, not one a run"


def test_text_fits_a_mail(report, files):
    """78 columns, ASCII, no blanks at the end of a line: 36 combinations of long names too."""
    (files / "d/wide.pkvm").write_text(
        "title Every way to donate and to recycle, with every answer to a host that reaches\n"
        "matrix s2_unmap_annotated=clear,eperm,skip mmio_commit=assert,return"
        " protected_unwind=region,all warn=panic,continue el2_debug=off,on\n"
        "boot\nexpect owner(uart) == host and mapped(host, uart) == 0 and cpus() == 2\n"
    )
    for name in ("wide", "matrix", "passes", "strange"):
        out = report("text", name).out
        assert out.isascii()
        for line in out.splitlines():
            assert len(line) <= 78, line
            assert line == line.rstrip()


def test_text_tells_a_failure_once(report, files):
    """What fails the same way in many combinations is told once, with all of them."""
    (files / "d/all.pkvm").write_text(MATRIX + "expect cpus() == 3\n")
    done = report("text", "all")
    assert done.status == 1
    assert done.out.count(": FAIL: ") == 1
    assert len(re.findall(r"^  with +kernel=", done.out, re.M)) == 4
    assert "*" in done.out and "* not what the scenario expects" in done.out


@pytest.mark.parametrize("form", ["text", "ktap", "tap", "junit"])
def test_a_line_that_fails_for_ever_is_told_a_few_times(report, files, form):
    text = "boot\nrepeat 20000 as i\nhost read uart => i + 1\nexpect 0\nend\n"
    (files / "d/loop.pkvm").write_text(text)
    done = report(form, "loop", options=["--keep-going"])
    assert done.status == 1 and len(done.lines) < 90
    if form in ("text", "junit"):
        assert "failed 20000 times\n" in re.sub(" +", " ", done.out)
        assert "failed 19998 times, in this way and others\n" in re.sub(" +", " ", done.out)


def test_text_of_what_cannot_be_read(report):
    done = report("text", "broken", "passes")
    assert "d/broken.pkvm:2:" in done.err and "error:" in done.err
    assert re.search(r"^ERROR  d/broken\.pkvm", done.out, re.M)
    assert re.search(r"^PASS  d/passes\.pkvm$", done.out, re.M)


def test_pressure_is_told(report, files):
    (files / "d/pressure.pkvm").write_text("boot\ndrain host_s2\n")
    assert "pressure made by" in " ".join(report("text", "pressure").out.split())
    assert "pressure made by" not in " ".join(report("text", "passes").out.split())


# ---- KTAP and TAP ----


def parse_ktap(lines, indent=0):
    """Strictly what Documentation/dev-tools/ktap.rst and kunit.py ask: [(ok, name, skip, subtests)]."""
    pad = "  " * indent
    assert lines.pop(0) == pad + "KTAP version 1"
    while lines[0].startswith(pad + "#"):
        lines.pop(0)
    plan = re.fullmatch(pad + r"1\.\.(\d+)", lines.pop(0))
    results, subtests, diagnostics = [], None, []
    while len(results) < int(plan[1]):
        assert lines, "fewer results than the plan says"
        if lines[0] == pad + "  KTAP version 1":
            assert lines[1].startswith(pad + "  # Subtest: "), "right after the version line"
            name = lines[1].removeprefix(pad + "  # Subtest: ")
            subtests = (name, parse_ktap(lines, indent + 1))
            continue
        line = lines.pop(0)
        if line.startswith(pad + "#"):
            diagnostics.append(line.removeprefix(pad))
            continue
        m = re.fullmatch(pad + r"(ok|not ok) (\d+) ([A-Za-z0-9_./-]+)(?: # SKIP (.*))?", line)
        assert m, line
        assert int(m[2]) == len(results) + 1
        if subtests:
            assert subtests[0] == m[3]
            assert (m[1] == "ok") == all(ok for ok, *_ in subtests[1])
        assert len(diagnostics) <= 12
        results.append((m[1] == "ok", m[3], m[4], subtests[1] if subtests else [], diagnostics))
        subtests, diagnostics = None, []
    return results


def leaves(results):
    for result in results:
        yield from leaves(result[3]) if result[3] else [result]


def test_ktap(report):
    lines = report("ktap", "passes", "matrix", "fails", "skips", "broken").lines
    results = parse_ktap(lines)
    assert [ok for ok, *_ in results] == [True, True, False, True, False]
    names = [name for _, name, *_ in leaves(results)]
    assert len(names) == len(set(names)) == 8
    assert all("d/" in name for name in names), "a leaf's name is unique on its own"
    failed = next(r for r in leaves(results) if not r[0])
    assert re.match(r"# d/fails\.pkvm:7: expected .*, got ", failed[4][0])
    assert all(line.startswith("#") for line in lines)


def test_ktap_of_skips_alone(report):
    """kunit.py calls a report without a single test that ran an error."""
    results = parse_ktap(report("ktap", "skips").lines)
    assert [bool(skip) for _, _, skip, *_ in results] == [True, False]


@pytest.fixture(scope="session")
def kunit(kernel_source, tmp_path_factory):
    """The kernel's own parser, where Debian's kernel source is installed."""
    log = tmp_path_factory.mktemp("kunit") / "log"

    def parse(text):
        log.write_text(text)
        done = subprocess.run(
            ["/usr/bin/python3", kernel_source / "tools/testing/kunit/kunit.py", "parse", "--json=stdout", log],
            capture_output=True,
            text=True,
            cwd=kernel_source,
            check=False,
        )
        return done.returncode, done.stdout

    return parse


@pytest.mark.parametrize(
    "names, status, counts",
    [
        (["passes", "matrix", "skips"], 0, {"passed": 5, "skipped": 1}),
        (["skips"], 0, {"passed": 1, "skipped": 1}),
        (["passes", "fails"], 1, {"passed": 1, "failed": 1}),
        (["passes", "broken"], 1, {"passed": 1, "failed": 1}),
        (["runtime", "passes"], 1, {"passed": 1, "failed": 2}),
    ],
)
def test_kunit_reads_it(report, kunit, names, status, counts):
    code, out = kunit(report("ktap", *names).out)
    assert code == status
    tested = re.search(r"Testing complete\. Ran \d+ tests: (.*)", out)[1]
    assert {k: int(n) for k, n in re.findall(r"(\w+): (\d+)", tested)} == counts
    assert "CRASHED" not in out and "[ERROR]" not in out


def test_tap(report):
    lines = report("tap", "passes", "matrix", "fails", "skips", "broken").lines
    assert lines[0] == "TAP version 13"
    results = [re.fullmatch(r"(ok|not ok) (\d+) (\S+)(?: # SKIP .*)?", line) for line in lines]
    results = [m for m in results if m]
    assert [int(m[2]) for m in results] == list(range(1, 9))
    assert f"1..{len(results)}" in lines
    assert "# Totals: pass:5 fail:2 xfail:0 xpass:0 skip:1 error:0" in lines
    assert all(re.match(r"TAP version|ok |not ok |#|1\.\.", line) for line in lines)


# ---- JUnit ----


def test_junit(report):
    root = ET.fromstring(report("junit", "passes", "matrix", "fails", "skips", "broken").raw)
    assert root.tag == "testsuites"
    cases = list(root.iter("testcase"))
    keys = [(c.get("classname"), c.get("name")) for c in cases]
    assert len(set(keys)) == len(keys) == 8
    assert ("pkvm.d.passes", "passes") in keys
    assert ("pkvm.d.matrix", "matrix[kernel=v7.0,warn=panic]") in keys
    assert all(c.get("time") == "0" and c.get("file") and c.get("line") for c in cases)
    assert root.get("tests") == "8" and root.get("failures") == "1"
    assert root.get("errors") == "1" and root.get("skipped") == "1"
    for suite in root:
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == len(list(suite.iter(tag)))
        assert int(suite.get("tests")) == len(suite)
    failed = next(c for c in cases if c.find("failure") is not None)
    assert failed.get("line") == "7"
    assert failed.find("failure").get("message") in failed.find("failure").text
    assert [child.tag for child in failed][-1] == "system-out"


def test_junit_of_strange_text(report):
    """Markup is escaped, what XML cannot hold is gone."""
    root = ET.fromstring(report("junit", "strange").raw)
    assert "<b>&amp;</b>" in root[0].get("name")
    assert "]]> <x>" in root[0][0].find("system-out").text


# ---- JSON Lines ----


def test_jsonl(report):
    objects = report("jsonl", "matrix", "fails", "skips", "broken").objects
    assert all(list(o)[0] == "type" for o in objects)
    assert {o["type"] for o in objects} == {"file", "run", "line", "summary"}
    assert objects[-1]["type"] == "summary"
    runs = [o for o in objects if o["type"] == "run"]
    assert [r["verdict"] for r in runs] == ["pass"] * 4 + ["fail", "skip"]
    assert runs[3]["axes"] == {"kernel": "v7.0", "warn": "continue"}
    assert len({r["name"] for r in runs}) == len(runs)
    assert objects[-1]["failed"] == 1 and objects[-1]["skipped"] == 1
    failed = next(o for o in objects if o.get("verdict") == "fail" and o["type"] == "line")
    assert failed["line"] == 7 and failed["file"] == "d/fails.pkvm"
    assert failed["diag"]
    errors = [o for o in objects if "error" in o]
    assert len(errors) == 1 and errors[0]["file"] == "d/broken.pkvm"
    shares = [o for o in objects if o["type"] == "line" and "host_share_hyp" in o["text"]]
    assert shares[1]["value"] == -1


# ---- Traces ----


def test_trace(report):
    """The kernel's form: [CPU]<tab>SECONDS.MICROSECONDS: NAME ARGS, in order of time."""
    out = report("text", "passes", options=["--trace"]).out
    lines = [m for m in (re.match(r"\[(\d{3})\]\t +(\d+)\.(\d{6}): (\w+) (.*)", x) for x in out.splitlines()) if m]
    assert len(lines) > 100
    times = [int(m[2]) * 1000000 + int(m[3]) for m in lines]
    assert times == sorted(set(times))
    names = {m[4] for m in lines}
    assert {"hyp_lock", "hyp_unlock", "mem_store", "tlbi", "dsb", "hyp_enter", "hyp_exit"} <= names
    assert any(m[4] == "hyp_lock" and "lock=host_mmu" in m[5] for m in lines)
    assert any(m[4] == "hyp_enter" and m[5].startswith("reason=HVC vcpu=") for m in lines)


def test_trace_into_a_file(report, files):
    """--trace=FILE leaves the report alone; for machines a bare --trace goes to standard error."""
    plain = report("jsonl", "passes")
    with_file = report("jsonl", "passes", options=["--trace=t"])
    assert with_file.raw == plain.raw and with_file.err == ""
    bare = report("jsonl", "passes", options=["--trace"])
    assert bare.raw == plain.raw
    assert bare.err == (files / "t").read_text()


# ---- Where reports go ----


def test_full_disk(binary, files):
    """A report that could not be written is not a success."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [binary, "run", "d/passes.pkvm"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=files,
            check=False,
        )
    assert done.returncode == 2
    assert b"cannot write" in done.stderr


@pytest.mark.parametrize("kind", ["error", "fails"])
def test_messages_are_plain(report, kind):
    """Nothing on standard error but errors of files."""
    done = report("text", "broken" if kind == "error" else "fails")
    assert bool(done.err) == (kind == "error")
