# SPDX-License-Identifier: GPL-2.0-or-later
"""The prompt, at a terminal and without one; the machine interface."""

import json
import os
import re
import signal
import stat

import pexpect
import pytest

PROMPT = "pkvm> "


@pytest.fixture
def prompt(binary, environment, tmp_path):
    """A terminal with the program in it, waiting at its first prompt."""
    children = []

    def start(*args, env=None, columns=100):
        child = pexpect.spawn(
            str(binary),
            ["repl", *args],
            env={**environment, "TERM": "dumb", "INPUTRC": "/dev/null", **(env or {})},
            cwd=tmp_path,
            timeout=20,
            encoding="utf-8",
            dimensions=(50, columns),
        )
        children.append(child)
        child.expect_exact(PROMPT)
        return child

    yield start
    for child in children:
        if child.isalive():
            leave(child)
        child.close(force=True)


def leave(child):
    """Ctrl-C and Ctrl-D: a program that was measured writes what it counted at its end."""
    try:
        child.sendintr()
        child.expect_exact("pkvm> ", timeout=5)
        child.sendeof()
        child.expect(pexpect.EOF, timeout=5)
    except (pexpect.EOF, pexpect.TIMEOUT, OSError):
        pass


def ask(child, line):
    """Type a line; what is printed before the next prompt."""
    child.sendline(line)
    child.expect_exact(line)
    child.expect_exact(PROMPT)
    return child.before.replace("\r", "").strip()


def end(child):
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


# ---- At a terminal ----


def test_banner_says_what_to_type(prompt):
    child = prompt()
    banner = [line for line in child.before.splitlines() if line.strip()]
    assert len(banner) == 2
    assert "boot" in banner[0] and "help" in banner[1]


def test_a_first_session(prompt):
    child = prompt()
    ask(child, "boot")
    ask(child, "host write uart 0x11")
    assert "0x11" in ask(child, "host read uart")
    assert "owner" in ask(child, "show page uart")


def test_end_of_file_leaves(prompt):
    child = prompt()
    child.sendeof()
    assert end(child) == 0


@pytest.mark.parametrize("word", ["quit", "exit", "q"])
def test_words_that_leave(prompt, word):
    child = prompt()
    child.sendline(word)
    assert end(child) == 0


def test_interrupt_at_the_prompt(prompt):
    """Ctrl-C gives a fresh line; what was typed is gone."""
    child = prompt()
    child.send("frobnicate")
    child.expect_exact("frobnicate")
    child.sendintr()
    child.expect_exact(PROMPT)
    assert "value" in ask(child, "0x4") or "entry" in ask(child, "0x4")


def test_interrupt_stops_what_runs(prompt):
    """Ctrl-C ends a loop that would take an hour, and the session goes on."""
    child = prompt()
    ask(child, "boot")
    child.sendline("repeat 1000000000")
    child.expect_exact("> ")
    child.sendline("host read uart")
    child.expect_exact("> ")
    child.sendline("end")
    child.expect_exact("end")
    child.expect(pexpect.TIMEOUT, timeout=0.5)
    child.sendintr()
    child.expect(r"host read uart: 0 \((\d+) times\)")
    assert int(child.match[1]) > 100
    child.expect_exact("FAIL: repeat 1000000000")
    child.expect_exact("interrupted")
    child.expect_exact(PROMPT)
    assert child.before.count("\n") < 20
    ask(child, "host write uart 0x77")
    assert "0x77" in ask(child, "host read uart")


def test_history(prompt, tmp_path):
    """Kept under $XDG_STATE_HOME, for the next session."""
    child = prompt()
    ask(child, "let remembered = 5")
    child.sendeof()
    assert end(child) == 0
    path = tmp_path / "state/pkvm-sim/history"
    assert "let remembered = 5" in path.read_text().splitlines()
    assert stat.S_IMODE(os.stat(path.parent).st_mode) & 0o077 == 0
    child = prompt(env={"TERM": "vt100"})
    child.send("\x10")  # Ctrl-P: the line before
    child.expect_exact("let remembered = 5")


def test_history_in_the_default_place(prompt, tmp_path):
    child = prompt(env={"XDG_STATE_HOME": ""})
    ask(child, "boot")
    child.sendeof()
    end(child)
    assert (tmp_path / ".local/state/pkvm-sim/history").exists()


@pytest.mark.parametrize(
    "typed, completed",
    [
        ("fina", "finalise"),
        ("hvc host_unshare_h", "host_unshare_hyp"),
        ("el2 host_stage2_i", "host_stage2_idmap"),
        ("set mmio_don", "mmio_donation"),
        ("set mmio_donation=ra", "mmio_donation=range"),
        ("matrix kernel=v7.0 warn=panic,con", "continue"),
        ("machine serv", "server48"),
        ("kernel v6", "v6.12"),
        ("patch its-v1-f", "its-v1-fixed"),
        ("show poo", "pools"),
        ("host exe", "exec"),
        ("host read uar", "uart"),
        ("expect owner(remem", "remembered"),
        ("expect refc", "refcount"),
        ("help s2_un", "s2_unmap_annotated"),
        ("drain hos", "host_s2"),
        ("include some-fi", "some-file.pkvm"),
    ],
)
def test_completion(prompt, tmp_path, typed, completed):
    """Commands, hypercalls, knobs and their values, regions, let names, topics, files."""
    (tmp_path / "some-file.pkvm").write_text("boot\n")
    child = prompt(env={"TERM": "vt100"})
    child.sendline("let remembered = 5")
    child.expect_exact(PROMPT)
    child.send(typed + "\t")
    child.expect_exact(completed)


def test_fault_of_our_own(prompt):
    """What only a bug can do ends with status 3 and says whose fault it is."""
    child = prompt()
    child.kill(signal.SIGABRT)
    child.expect_exact("pkvm-sim: internal error")
    assert end(child) == 3


# ---- Without a terminal ----


def test_pipe(run):
    """No prompt, no banner, no colour: lines in, answers out."""
    done = run("repl", stdin="boot\nhost write uart 0x11\nhost read uart\n")
    assert done.status == 0 and done.err == ""
    assert "pkvm>" not in done.out and "\x1b" not in done.out and "Type" not in done.out
    assert done.lines[-1].split()[-1] == "0x11"


def test_without_a_subcommand(run):
    assert run(stdin="boot\n").out == run("repl", stdin="boot\n").out


def test_file_runs_first(run, tmp_path):
    """FILE leaves its machine as it stands."""
    (tmp_path / "t.pkvm").write_text("boot\nhost write uart 0x1234\n")
    done = run("repl", "t.pkvm", stdin="host read uart\n", cwd=tmp_path)
    assert done.status == 0
    assert "0x1234" in done.out
    assert run("repl", "absent.pkvm", cwd=tmp_path).status == 2


def test_mistakes_do_not_end_it(run):
    """A line that cannot be understood is told with its nearest, and the next one runs."""
    done = run("repl", stdin="boto\nboot\nhost write uart 5\nhost read uart\n")
    assert done.status == 2
    assert "boot" in done.err and "error:" in done.err
    assert done.lines[-1].split()[-1] == "5"


def test_nothing_for_nothing(run):
    done = run("repl", stdin="\n   \n# a comment\n\n")
    assert (done.status, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    "typed, words",
    [
        ("help", ["boot", "hvc", "expect", "owner", "show", "pools"]),
        ("?", ["boot"]),
        ("help boot", ["prot_finalize"]),
        ("help owner", ["firmware"]),
        ("help warn", ["panic", "continue"]),
        ("help host_share_hyp", ["__pkvm_host_share_hyp", "pfn"]),
        ("__pkvm_host_share_hyp", ["hvc host_share_hyp"]),
        ("help show", ["show owners", "show walk"]),
        ("help boto", ["did you mean boot"]),
        ("EPERM", ["-EPERM is -1"]),
        ("-EBUSY", ["-16"]),
        ("-12", ["ENOMEM"]),
        ("0x00400000090007ff", ["0x9000000", "page"]),
        ("info pools", ["boot"]),
        ("s", ["show events"]),
    ],
)
def test_words_of_people(run, typed, words):
    out = run("repl", stdin=typed + "\n")
    for word in words:
        assert word in out.out + out.err


def test_other_debuggers_words(run):
    """vtop, bt, log: what crash and gdb call a walk, a chain and the events."""
    done = run("repl", stdin="boot\nhost read uart\nvtop uart\nlog\nbt\n")
    assert done.status == 0
    assert re.search(r"^  L\d ", done.out, re.M) and "hyp_enter" in done.out
    assert "EL2 has not panicked" in done.out


@pytest.mark.parametrize(
    "topic, pattern",
    [
        ("host", r"^0x[0-9a-f]{16}-0x[0-9a-f]{16} +\d+[KMGT] [0-3].* R W "),
        ("hyp", r"^0x[0-9a-f]{12}-0x[0-9a-f]{12} +\d+[KMGT] [0-3]  ro x      0x40010000$"),
        ("hyp", r"^---\[ EL2 VA, attributes, PA, every leaf SHD AF MEM/NORMAL \]---$"),
        ("walk uart", r"^  L\d  \[0x[0-9a-f]+\] 0x[0-9a-f]{16}  \(block"),
        ("walk hyp 0x100040000000", r"EL2 VA 0x100040000000"),
        ("page uart", r"^  owner     host"),
        ("owners", r"^0x[0-9a-f]{10} +\w+  hyp  +NOPAGE +OWNED "),
        ("owners", r"^0x0000000000 +1G  host .*gicd, its, gicr, uart, rtc,\n +smmu, dma$"),
        ("pools", r"^host_s2 .*\[#*\.+\]"),
        ("locks", r"^host_mmu +free"),
        ("tlb", r"^cpu0 "),
        ("events", r"^\[000\]\t +\d+\.\d{6}: "),
        ("knobs", r"^s2_unmap_annotated +clear"),
        ("map", r"uart \(regs\)"),
        ("regions", r"EL2 \.text"),
        ("panic", r"has not panicked"),
        ("cpus", r"^cpu0 .*host stage 2 on"),
        ("protected", r"nothing is protected"),
    ],
)
def test_show(run, topic, pattern):
    done = run("repl", stdin=f"boot\nhost read uart\nshow {topic}\n")
    assert done.status == 0, done.err
    assert re.search(pattern, done.out, re.M), done.out
    if topic != "events":
        assert max(len(line) for line in done.lines) <= 78, "fits a mail"


def test_show_on_larger_boards_fits_a_mail(run):
    text = "boot\nlet p = page()\nhvc host_share_hyp pfn(p)\nhost read pcie\nhost read p\n"
    topics = ("cpus", "host", "hyp", "locks", "map", "owners", "page p", "pools", "tlb", "walk p")
    for board in ("server48", "phone"):
        for topic in topics:
            done = run("repl", stdin=f"machine {board}\n{text}show {topic}\n")
            assert done.status == 0 and max(len(line) for line in done.lines) <= 78, done.out


@pytest.mark.parametrize(
    "size, words",
    [("4K", "4K"), ("1020K", "1020K"), ("1M+4K", "1028K"), ("9999K", "9999K"), ("10001K", "9.8M"), ("2G", "2G"),
     ("1G-4K", "1024.0M"), ("10G-4K", "10.0G"), ("10T", "10T")],
)  # fmt: skip
def test_sizes_are_short(run, size, words):
    """The largest unit that is exact, or one decimal where that has too many digits."""
    text = f"machine server48\nlet b = 0x100000000000\nmmio dev b+({size})\nshow map\n"
    line = next(line for line in run("repl", stdin=text).lines if "dev (regs)" in line)
    assert line.split()[1] == words


@pytest.mark.parametrize(
    "topic", ["nothing", "page", "page nowhere", "walk guest 0", "knobs none", "host 1 2 3", ""]
)
def test_show_refuses(run, topic):
    assert run("repl", stdin=f"boot\nshow {topic}\n").status == 2


# ---- The machine interface ----


def test_pipelined(run):
    """All statements at once: one object each, in order, whatever they are."""
    lines = ["boot", "", "# comment", "frobnicate", "host read uart", 'echo "a\\"b"', "let x = 1"]
    done = run("repl", "--format=jsonl", stdin="\n".join(lines))
    assert done.status == 0 and done.err == ""
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert [o["line"] for o in objects] == list(range(1, len(lines) + 1))
    assert [o["statement"] for o in objects] == lines
    outcomes = [o["outcome"] for o in objects]
    assert outcomes == ["ok", "ok", "ok", "error", "ok", "ok", "ok"]
    assert all({"line", "outcome", "value", "violations", "text"} <= o.keys() for o in objects)


def test_outcomes_and_values(repl):
    assert repl("boot")["value"] == 0
    repl("let p = page()")
    assert repl("hvc host_share_hyp pfn(p)")["outcome"] == "ok"
    again = repl("hvc host_share_hyp pfn(p)")
    assert (again["outcome"], again["value"]) == ("-EPERM", -1)
    assert repl("hvc raw 0xc6000fff")["outcome"] == "refused"
    assert repl("host write uart 0xffffffffffffffff")["outcome"] == "ok"
    assert repl("host read uart")["value"] == 2**64 - 1
    assert repl("expect owner(p) == host")["outcome"] == "ok"
    wrong = repl("expect owner(p) == hyp")
    assert wrong["outcome"] == "fail" and wrong["verdict"] == "fail"
    assert "pte" in repl("show page uart")["text"] or "page" in repl("show page uart")["text"]


def test_blocks(repl):
    repl("boot")
    assert repl("repeat 3 as i")["outcome"] == "more"
    assert repl("host write uart i")["outcome"] == "more"
    assert repl("end")["outcome"] == "ok"
    assert repl("host read uart")["value"] == 2


def block(repl, text):
    *lines, last = text.splitlines()
    assert all(repl(line)["outcome"] == "more" for line in lines)
    return repl(last)


def test_equal_results_of_a_block_are_said_once(repl):
    repl("boot")
    said = block(repl, "repeat 1000 as i\nhost write uart i / 500\nhost read uart\nend")["text"]
    assert said.splitlines() == [
        "-:3: host write uart i / 500: 0 (1000 times)",
        "-:4: host read uart: 0 (500 times)",
        "-:4: host read uart: 1 (500 times)",
    ]
    said = block(repl, "repeat 2\nhost read uart\nhost read uart\necho so\nend")["text"]
    assert said.splitlines() == ["-:7: host read uart: 1", "-:8: host read uart: 1", "so"] * 2
    said = block(repl, "repeat 999 as i\nhost write uart i\nhost read uart\nend")["text"]
    assert len(said.splitlines()) < 200 and said.endswith("results more")


def test_a_failed_check_in_a_block_is_the_blocks(repl):
    repl("boot")
    done = block(repl, "repeat 2\nhost read uart\nexpect 0\nend")
    assert (done["outcome"], done["value"], done["verdict"]) == ("fail", 0, "fail")


def test_a_block_speaks_while_it_runs(prompt):
    child = prompt()
    ask(child, "boot")
    child.sendline("repeat 1000000000 as i")
    child.expect_exact("> ")
    child.sendline("echo still there")
    child.expect_exact("> ")
    child.sendline("end")
    for _ in range(3):
        child.expect_exact("still there\r\n")
    child.sendintr()
    child.expect_exact("interrupted")
    child.expect_exact(PROMPT)


@pytest.mark.parametrize("data", [b"bo\0ot\n", b"\xff\xfe\n", b"echo " + b"x" * 1000000 + b"\n"])
def test_hostile_lines(run, data):
    """Whatever comes in, a line of JSON goes out and the session lives."""
    done = run("repl", "--format=jsonl", stdin=data + b"boot\n")
    assert done.status == 0
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert len(objects) == 2 and objects[1]["outcome"] == "ok"
