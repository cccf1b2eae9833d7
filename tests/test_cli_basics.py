# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: subcommands, options, exit status, lists, decode."""

import re

import pytest

SUBCOMMANDS = [
    "run", "repl", "golden", "decode", "knobs", "kernels", "patches", "bugs", "machines",
    "commands", "rules", "bench",
]  # fmt: skip
LISTS = ["knobs", "kernels", "patches", "bugs", "machines", "commands", "rules"]


def usage_error(result, *words):
    """The user is wrong: status 2, nothing on standard output, one message that names the mistake."""
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("pkvm-sim:") or ": error: " in result.err
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_help_of_each_subcommand(run, command):
    """--help goes to standard output, names the subcommand, and is status 0."""
    result = run(command, "--help")
    assert result.status == 0
    assert result.err == ""
    assert f"pkvm-sim {command}" in result.out
    assert "--help" in result.out


def test_help_names_every_subcommand(run):
    """The program's own --help lists what it can do."""
    result = run("--help")
    assert result.status == 0
    for command in SUBCOMMANDS:
        assert re.search(rf"\b{command}\b", result.out), command


def test_help_of_run_names_every_option(run):
    """--help of run is complete."""
    text = run("run", "--help").out
    for option in ("format", "output", "kernel", "patch", "set", "bug", "seed", "jobs", "trace",
                   "record", "keep-going", "check", "steps", "list"):  # fmt: skip
        assert f"--{option}" in text, option


def test_help_of_decode_names_every_option(run):
    """--help of decode is complete."""
    text = run("decode", "--help").out
    for option in ("--stage", "--level", "--kernel"):
        assert option in text


def test_version(run):
    """--version tells program, version and build."""
    result = run("--version")
    assert result.status == 0
    assert re.match(r"pkvm-sim \d+\.\d+\.\d+ \((GNU|Clang) \d+\.\d+", result.out)


def test_unknown_subcommand(run):
    """A wrong subcommand is named, with the nearest that exists."""
    usage_error(run("decod", "0x4"), "decod", "decode")


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_unknown_option(run, command):
    """A wrong option is named, whatever the subcommand."""
    usage_error(run(command, "--no-such-option"), "--no-such-option")


def test_run_without_files(run):
    """run needs something to run."""
    usage_error(run("run"))


def test_run_missing_file(run, tmp_path):
    """A file that is not there is named."""
    result = run("run", "absent.pkvm", cwd=tmp_path)
    assert result.status == 2
    assert "absent.pkvm" in result.out + result.err


def test_run_empty_directory(run, tmp_path):
    """A directory without scenarios is a mistake, not a success."""
    (tmp_path / "empty").mkdir()
    assert run("run", "empty", cwd=tmp_path).status == 2


@pytest.mark.parametrize(
    "option",
    ["--format=xml", "--kernel=v9.9", "--patch=none-such", "--set=mmio_donation",
     "--set=none_such=1", "--set=warn=maybe", "--bug=none-such", "--seed=x", "--seed=-1",
     "--steps=0", "--steps=99999999999999999999", "--check=perhaps", "--jobs=0"],
)  # fmt: skip
def test_bad_option_values(run, tmp_path, option):
    """A value that an option cannot take is refused before anything runs."""
    (tmp_path / "t.pkvm").write_text("boot\n")
    usage_error(run("run", option, "t.pkvm", cwd=tmp_path), option[2:].split("=")[0])


@pytest.mark.parametrize(
    "text, status",
    [("boot\n", 0), ("boot\nexpect 1 == 2\n", 1), ("boot\nfrobnicate\n", 2), ("boot => -EPERM\n", 1)],
)
def test_exit_status(scenario, text, status):
    """0 all passed, 1 something failed, 2 a file could not be understood."""
    assert scenario(text).status == status


def test_exit_status_takes_the_highest(run, tmp_path):
    """One file that cannot be understood decides, though others pass or fail."""
    for name, text in (("a", "boot\n"), ("b", "expect 1 == 2\n"), ("c", "boot 1 2 3 4\n")):
        (tmp_path / f"{name}.pkvm").write_text(text)
    assert run("run", "a.pkvm", cwd=tmp_path).status == 0
    assert run("run", "a.pkvm", "b.pkvm", cwd=tmp_path).status == 1
    assert run("run", "c.pkvm", "b.pkvm", "a.pkvm", cwd=tmp_path).status == 2


def test_file_error_form(scenario):
    """FILE:LINE:COLUMN: error: TEXT, the line, a caret under the place."""
    result = scenario("boot\nexpect owner(nowhere) == host\n")
    assert result.status == 2
    text = (result.out + result.err).splitlines()
    at = next(i for i, line in enumerate(text) if "error:" in line)
    assert re.match(r"t\.pkvm:2:14: error: .*nowhere", text[at])
    assert text[at + 1].strip() == "expect owner(nowhere) == host"
    assert text[at + 2].index("^") - text[at + 1].index("expect") == 13


def test_failed_line_form(scenario):
    """FILE:LINE: FAIL: THE LINE, then what was expected and what came."""
    result = scenario("boot\nexpect cpus() == 3\n")
    assert result.status == 1
    assert re.search(r"t\.pkvm:2: FAIL: expect cpus\(\) == 3", result.out)
    assert "expected" in result.out and "got" in result.out


def test_failed_line_tells_the_last_ten_events(scenario):
    """Of the run, ending with those of the line that failed."""
    text = "boot\nhost read uart\nhost write uart 1\nhost read uart => 2\n"
    lines = scenario(text).out.splitlines()
    events = [line for line in lines if line.startswith("  [000]")]
    assert len(events) == 10 and events == sorted(events)
    assert ["host_read" in e or "host_write" in e for e in events[-3:]] == [True] * 3
    assert "hyp_exit" in events[6] and "val=0x1" in events[9]


def test_standard_input(run):
    """`-` is standard input."""
    assert run("run", "-", stdin="boot\n").status == 0
    assert run("run", "-", stdin="boot\nexpect 0\n").status == 1


def test_directory_runs_what_lies_below(run, tmp_path):
    """A directory stands for every .pkvm file below it, and for no other."""
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/one.pkvm").write_text("boot\n")
    (tmp_path / "d/e/two.pkvm").write_text("boot\n")
    (tmp_path / "d/e/three.txt").write_text("not a scenario\n")
    result = run("run", "--list", "d", cwd=tmp_path)
    assert result.status == 0
    assert "d/one.pkvm" in result.out and "d/e/two.pkvm" in result.out
    assert "three" not in result.out
    assert run("run", "d", cwd=tmp_path).status == 0


def test_output_goes_to_the_file(run, tmp_path):
    """--output takes the report, the same bytes as standard output would."""
    (tmp_path / "t.pkvm").write_text("boot\n")
    shown = run("run", "--format=jsonl", "t.pkvm", cwd=tmp_path)
    kept = run("run", "--format=jsonl", "--output=report", "t.pkvm", cwd=tmp_path)
    assert kept.status == 0 and kept.out == ""
    assert (tmp_path / "report").read_bytes() == shown.raw


def test_output_that_cannot_be_written(run, tmp_path):
    """An output in a directory that is not there is the user's mistake."""
    (tmp_path / "t.pkvm").write_text("boot\n")
    usage_error(run("run", "--output=no/such/dir", "t.pkvm", cwd=tmp_path), "no/such/dir")


@pytest.mark.parametrize("name", LISTS)
def test_lists(run, name):
    """A list prints a table; each of its names gives one row in full; a wrong name is refused."""
    table = run(name)
    assert table.status == 0 and table.err == ""
    # The first word of an unindented line, but for a heading.
    names = [m[1] for m in re.finditer(r"^([a-z][\w.-]*)(?= |$)", table.out, re.M)]
    assert names or name == "bugs"
    for row in names[:3]:
        one = run(name, row)
        assert one.status == 0, (row, one.err)
        assert row in one.out
    usage_error(run(name, "none-such"), "none-such")


@pytest.mark.parametrize(
    "name, rows",
    [
        ("knobs", ["mmio_donation", "mmio_commit", "s2_unmap_annotated", "recycle_walk",
                   "protected_unwind", "hyp_mmio_va", "host_eperm", "finalise_order",
                   "el2_debug", "warn"]),
        ("kernels", ["v6.12", "v7.0", "v7.2"]),
        ("patches", ["mmio-v3", "its-v1", "its-v1-fixed", "smmu-v6"]),
        ("machines", ["virt", "phone", "server48", "tiny"]),
        ("rules", ["single-owner", "owner-progress", "no-change-on-error", "spec"]),
        ("commands", ["boot", "hvc", "el2", "drain", "expect", "show"]),
    ],
)  # fmt: skip
def test_lists_hold_what_the_language_fixes(run, name, rows):
    """The names that the scenario language fixes are there."""
    out = run(name).out
    for row in rows:
        assert re.search(rf"(?<![\w.-]){re.escape(row)}(?![\w-])", out), row


def test_this_build_has_all(run, tmp_path):
    """No release and no patch is listed that cannot be used."""
    (tmp_path / "t.pkvm").write_text("boot\n")
    for table in ("kernels", "patches"):
        assert "not in this build" not in run(table).out
    for option in ("--kernel=v7.2", "--patch=smmu-v6"):
        assert run("run", option, "t.pkvm", cwd=tmp_path).status == 0


DECODED = [
    # value, stage, level, what must be said
    ("0x00400000090007ff", 2, 3, ["0x9000000", "page", "no execute", "read, write"]),
    ("0x00000000400007fd", 2, 2, ["0x40000000", "block", "2 MiB"]),
    ("0x80001003", 2, 1, ["0x80001000", "table"]),
    ("0x0040000009000753", 1, 3, ["Device-nGnRE", "0x9000000"]),
    ("0", 2, 3, ["invalid"]),
    ("0x4", 2, 3, ["invalid", "hyp"]),
    ("0x40000741", 1, 0, ["reserved"]),
]


@pytest.mark.parametrize("value, stage, level, words", DECODED)
def test_decode(run, value, stage, level, words):
    """decode explains a descriptor field by field, within 78 columns."""
    result = run("decode", value, "--stage", stage, "--level", level, "--kernel", "v6.12")
    assert result.status == 0
    for word in words:
        assert word.lower() in result.out.lower()
    assert all(len(line) <= 78 for line in result.lines)


def test_decode_knows_the_release(run):
    """The same invalid entry means an owner to one release and nothing to another."""
    old = run("decode", "0x2000000000000002", "--stage=2", "--level=3", "--kernel=v6.12").out
    new = run("decode", "0x2000000000000002", "--stage=2", "--level=3", "--kernel=v7.2").out
    assert old != new
    assert "hyp" in new.lower()


@pytest.mark.parametrize(
    "options, words",
    [
        (["--granule=16K"], "16 KiB"),
        (["--granule=64k"], "64 KiB"),
        (["--granule=16K", "--lpa2", "--pa-bits=52"], "OA[51:50]"),
        (["--granule=64K", "--pa-bits=52"], "OA[51:48]"),
        (["--pa-bits=32"], "0x40000000"),
        (["--fwb"], "as stage 1 says"),
    ],
)
def test_decode_knows_the_machine(run, options, words):
    """Granule, address size and features of the CPU give the fields their places."""
    done = run("decode", "0x400000400007df", "--stage=2", "--level=3", *options)
    assert done.status == 0 and words in done.out


XN = ["--stage=2", "--level=3"]


@pytest.mark.parametrize(
    "value, options, words",
    [
        ("0x00600000400007db", XN, "only EL1 may execute"),
        ("0x00200000400007db", XN, "only EL0 may execute"),
        ("0x00400000400007db", XN, "[54:53]  XN        = 0b10            no execute"),
        ("0x00600000400007db", [*XN, "--kernel=v7.2"], "only EL1 may execute"),
        ("0x00600000400007db", [*XN, "--kernel=v6.12"], "RES0 without FEAT_XNX"),
        ("0x00600000400007db", [*XN, "--kernel=v6.12", "--xnx=on"], "only EL1 may execute"),
        ("0x00600000400007db", [*XN, "--xnx=off"], "RES0 without FEAT_XNX"),
        ("0x0060000009000753", ["--stage=1", "--level=3"], "PXN       = 0b1             RES0"),
        ("0x0060000009000753", ["--stage=1", "--level=3", "--hvhe"], "EL2 may not execute"),
    ],
)
def test_decode_knows_who_may_execute(run, value, options, words):
    """XN of stage 2 has two bits since FEAT_XNX, that of EL2&0 one for each level."""
    assert words in run("decode", value, *options).out


@pytest.mark.parametrize(
    "args",
    [
        ["decode"],
        ["decode", "0x4"],
        ["decode", "xyz", "--stage", "2", "--level", "3"],
        ["decode", "0x10000000000000000", "--stage", "2", "--level", "3"],
        ["decode", "-1", "--stage", "2", "--level", "3"],
        ["decode", "0x4", "--stage", "3", "--level", "3"],
        ["decode", "0x4", "--stage", "2", "--level", "4"],
        ["decode", "0x4", "--stage", "2", "--level", "-2"],
        ["decode", "0x4", "--stage", "2", "--level", "3", "--kernel", "v1.0"],
        ["decode", "0x4", "0x8", "--stage", "2", "--level", "3"],
        ["decode", "0x4", "--stage", "2", "--level", "3", "--xnx=maybe"],
        ["decode", "0x4", "--stage", "2", "--level", "3", "--granule=8K"],
        ["decode", "0x4", "--stage", "2", "--level", "3", "--granule=64K", "--lpa2"],
        ["decode", "0x4", "--stage", "2", "--level", "3", "--pa-bits=53"],
        ["decode", "0x4", "--stage", "0", "--level", "3"],
    ],
)
def test_decode_refuses(run, args):
    """What decode cannot take is refused with a message."""
    usage_error(run(*args))


def test_repl_answers_one_object_a_statement(repl):
    """Each statement gets one object, in order; end of file ends with status 0."""
    first = repl("boot")
    assert {"line", "outcome", "value", "violations", "text"} <= first.keys()
    assert first["outcome"] == "ok" and first["violations"] == []
    second = repl("host read uart")
    assert second["line"] == first["line"] + 1
    assert second["value"] == 0
    assert repl.close()[0] == 0


def test_repl_survives_mistakes(repl):
    """A statement that cannot be understood is answered, and the session goes on."""
    assert repl("frobnicate 1 2")["outcome"] == "error"
    assert repl("boot")["outcome"] == "ok"
    assert repl("host write uart 0x11")["outcome"] == "ok"
    assert repl("host read uart")["value"] == 0x11


def test_two_runs_give_the_same_bytes(run):
    """The same input gives the same output."""
    args = ("run", "--format=jsonl", "--trace", "scenarios/seeds")
    first, second = run(*args), run(*args)
    assert first.raw == second.raw and first.err == second.err
