# SPDX-License-Identifier: GPL-2.0-or-later
"""The language, sections 4, 5 and 9: checks, functions of the state, messages; bad input."""

import pytest

from language_support import PANICKED, passes, fails, mistaken, recorded, runs  # noqa: F401


# ---- 4. Checks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check, got",
    [
        ("owner(uart) == hyp", "owner(uart) = host"),
        ("x == 5", "x = 4"),
        ("5 == x and 1", "x = 4"),
        ("x == y", "x = 4, y = 0x1234567"),
        ("not x", "x = 4"),
        ("x + 1 < 2", "x + 1 = 5"),
        ("10 * x == 0x5", "10 * x = 0x28"),
        ("0 - x == -EPERM", "0 - x = -EINTR"),
        ("0 - x == -1", "0 - x = -4"),
    ],
)
def test_expect_tells_both_sides(fails, check, got):
    done = fails(f"let x = 4\nlet y = 0x1234567\nexpect {check}\n", 3)
    assert got in done.out


def test_expect_takes_one_number(mistaken):
    mistaken("expect 1 1\n", 1, "nothing more")
    mistaken("expect host\n", 1, "a number is wanted")
    mistaken("expect page() == 0\n", 1, "page()")


# ---- 5. Functions of the state ---------------------------------------------------------------------


def test_owners_and_states(passes):
    passes("boot\nlet p = page()\nexpect owner(p) == host and state(host, p) == OWNED\n"
           "expect state(hyp, p) == NOPAGE\nhvc host_share_hyp pfn(p)\n"
           "expect owner(p) == host and state(host, p) == SHARED_OWNED\n"
           "expect state(hyp, p) == SHARED_BORROWED\nhvc host_unshare_hyp pfn(p)\n"
           "el2 host_donate_hyp pfn(p) 1\nexpect owner(p) == hyp\n"
           "expect state(host, p) == NOPAGE and state(hyp, p) == OWNED\n"
           "expect owner(1 << 40) == none\nexpect owner(uart) == host\n")  # fmt: skip


def test_entries(passes, mistaken):
    passes("boot\nhost read uart\nexpect mapped(host, uart) and translates(host, uart) == uart\n"
           "expect level(host, uart) < 3 and (pte(host, uart) & 3) == 1\n"
           "expect translates(host, uart+5) == uart+5\nexpect mapped(hyp, hyp_va(uart)) == 0\n"
           "expect translates(hyp, hyp_va(uart)) == fault\nexpect pte(hyp, 0) == 0\n"
           "el2 host_donate_hyp pfn(0x40000000) 1\nexpect mapped(host, 0x40000000) == 0\n"
           "expect translates(hyp, hyp_va(0x40000000)) == 0x40000000\n")  # fmt: skip
    mistaken("boot\nexpect pte(host, 1 << 60)\n", 2, "beyond the input range", column=18)
    mistaken("expect pte(host, 0)\n", 1, "no tables yet")
    passes("expect mapped(host, 0) == 0 and tables(host) == 0\n")


def test_pools_tables_and_counts(passes, mistaken):
    passes("boot\nlet f = free(host_s2)\nlet t = tables(host)\nhost read uart\n"
           "expect tables(host) - t == f - free(host_s2)\nexpect tables(hyp) > 3\n"
           "expect events(alloc) == tables(host) - t\n")  # fmt: skip
    passes("boot\nlet p = page()\nhvc host_share_hyp pfn(p)\nexpect pins(p) == 0\n"
           "el2 pin_shared_mem hyp_va(p) hyp_va(p+4K)\nexpect pins(p) == 1 and refcount(p) == 1\n"
           "expect sharers(p) == 0\n")  # fmt: skip
    mistaken("boot\nexpect free(host) == 0\n", 2, "knows no `host`")


def test_addresses(repl, mistaken):
    assert repl.value("let a = hyp_va(0x40000000)") == 0x100040000000
    assert repl.value("let b = kern_va(0x40000000)") == 0xFFFF000040000000
    mistaken("let x = kern_va(1 << 48)\n", 1, "does not reach")
    mistaken("let x = hyp_va(-1)\n", 1, "cannot be negative")
    text = """set mmio_donation=range hyp_mmio_va=private
    init
    finalise
    el2 host_donate_hyp_mmio pfn(uart) 1"""
    repl = repl.new()
    repl.all(text)
    assert repl.value("let p = hyp_va(uart)") != 0x100009000000
    assert repl.value("let m = mapped(hyp, hyp_va(uart))") == 1
    assert repl.value("let o = translates(hyp, hyp_va(uart))") == 0x09000000


def test_page(passes, mistaken):
    passes("boot\nlet a = page()\nlet b = page()\nexpect a == ram(0) and b == a + 4K\n"
           "el2 host_donate_hyp pfn(b + 4K) 1\nlet c = page()\nexpect c == b + 8K\n"
           "el2 hyp_donate_host pfn(b + 4K) 1\nlet d = page()\nexpect d == b + 4K\n"
           "let e = page()\nexpect e == b + 12K\n")  # fmt: skip
    passes("machine phone\nboot\nexpect ram(0) == 0x80000000\nlet p = page()\nexpect p == ram(0)\n")
    passes("no ram\nram 0x40000800+64M\nboot\nlet p = page()\nexpect p == 0x40001000\n")
    passes("no ram\nram 0x40000000+64K nomap\nram 0x40010000+64M\nboot\nlet p = page()\n"
           "expect owner(p) == host and p > 0x40010000 - 1\n")  # fmt: skip
    mistaken("let p = page()\nboot\n", 1, "after `boot`", column=9)
    mistaken("boot\nrepeat page()\nend\n", 2, "only in `let`")


def test_mem_looks_past_every_mmu(passes, mistaken):
    passes("boot\nlet p = page()\nhost write p 0xabcd\nel2 host_donate_hyp pfn(p) 1\n"
           "hyp write hyp_va(p) 0x1234\nexpect mem(p) == 0x1234\n"
           "host write uart+8 9\nexpect mem(uart+8) == 9 and mem(uart) == 0\n")  # fmt: skip
    mistaken("expect mem(0x30000000)\n", 1, "neither RAM nor a device", column=12)


def test_locks_events_results(passes, mistaken):
    passes("boot\nexpect locked(host_mmu) == -1\nhost write 0x4002d000 1 => panic\n"
           "expect locked(host_mmu) == 0 or locked(host_mmu) == -1\n")  # fmt: skip
    mistaken("boot\nexpect locked(host_mu) == -1\n", 2, "did you mean `host_mmu`?", column=8)
    passes("boot\nhost read uart\nexpect events(lock) == events(unlock) and events(lock) > 0\n"
           "expect events(trap) > 0 and events(access) == 1 and events(panic) == 0\n"
           "host read uart\nexpect events(trap) == 0 and events(store) == 0\n"
           "expect events(access) == 1\n")  # fmt: skip
    passes("boot\nhost read uart\nlet n = events(lock)\nhost write uart events(lock)\n"
           "expect n > 0 and events(lock) == 0\nhost read uart => n\n")  # fmt: skip
    mistaken("expect result == 0\n", 1, "no action has given")
    passes("boot\nhvc host_unshare_hyp pfn(page()) => any\nexpect result == -EPERM\n"
           "host read 0x30000000 => any\nexpect result == bus and result != 0\n"
           "hvc raw 0xc6000fff => any\nexpect result == refused\n")  # fmt: skip


KINDS = "lock unlock load store tlbi dsb isb alloc free get put zero cmo trap abort access panic"


@pytest.mark.parametrize("kind", KINDS.split())
def test_kinds_of_events(passes, kind):
    passes(f"boot\nexpect events({kind}) < 1 << 30\n")


def test_the_same_with_every_check(scenario):
    text = "boot\nlet p = page()\nhvc host_share_hyp pfn(p)\nexpect state(host, p) == SHARED_OWNED\n"
    done = {check: scenario(text, f"--check={check}") for check in ("off", "on", "paranoid")}
    assert done["off"].status == 0
    for check in ("on", "paranoid"):
        assert done[check].status == 0 or "no oracle" in done[check].err


# ---- 9. Verdicts and messages -----------------------------------------------------------------------------


def test_a_failed_line_ends_its_run_only(scenario, runs):
    text = "matrix kernel=v6.12,v7.0\nexpect 0 [kernel=v6.12]\nexpect 1\n"
    assert [run["verdict"] for run in runs(text)] == ["fail", "pass"]
    lines = [o for o in scenario("expect 0\nexpect 0\n", "--format=jsonl").objects
             if o["type"] == "line"]  # fmt: skip
    assert len(lines) == 1
    lines = [o for o in scenario("expect 0\nexpect 0\n", "--format=jsonl", "--keep-going").objects
             if o["type"] == "line"]  # fmt: skip
    assert len(lines) == 2


def test_exit_status_is_the_highest(run, tmp_path):
    for name, text in (("pass", "expect 1\n"), ("fail", "expect 0\n"), ("bad", "expcet 0\n")):
        (tmp_path / f"{name}.pkvm").write_text(text)
    status = lambda *names: run("run", *(f"{n}.pkvm" for n in names), cwd=tmp_path).status
    assert [status("pass"), status("pass", "fail"), status("bad", "fail", "pass")] == [0, 1, 2]
    done = run("run", "bad.pkvm", "fail.pkvm", "pass.pkvm", cwd=tmp_path)
    assert "fail.pkvm:1: FAIL: expect 0" in done.out, "the others go on"
    assert run("run", "none.pkvm", cwd=tmp_path).status == 2


def test_a_file_error_reads_like_a_compilers(mistaken):
    err = mistaken("boot\n\texpect  onwer(uart) == hyp # x\n", 2, column=10)
    assert err.splitlines()[:4] == [
        "t.pkvm:2:10: error: there is no function `onwer`",
        "\texpect  onwer(uart) == hyp # x",
        "\t        ^",
        "did you mean `owner`?",
    ]


def test_columns_count_characters(mistaken):
    err = mistaken('echo "äöü" ; \nlet äb = 1\n', 2, column=5)
    assert err.splitlines()[2] == "    ^"
    mistaken("expect 1 + ü\n", 1, column=12)


def test_directories_are_read_in_order_of_bytes(run, tmp_path):
    for name in ("b", "a", "a-", "A", "sub/z", "sub/a"):
        path = tmp_path / "d" / f"{name}.pkvm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("expect 1\n")
    (tmp_path / "d/notes.txt").write_text("not one\n")
    done = run("run", "--list", "d", cwd=tmp_path)
    assert done.lines == sorted(done.lines, key=str.encode)
    assert len(done.lines) == 6 and done.lines[0] == "d/A.pkvm"
    (tmp_path / "empty").mkdir()
    assert run("run", "empty", cwd=tmp_path).status == 2


def test_list_names_combinations(run, tmp_path):
    (tmp_path / "t.pkvm").write_text("matrix kernel=v6.12,v7.0 warn=panic,continue\nboot\n")
    done = run("run", "--list", "t.pkvm", cwd=tmp_path)
    assert done.lines[0] == "t.pkvm@kernel=v6.12,warn=panic"
    assert len(set(done.lines)) == 4


def test_standard_input(run):
    assert run("run", "-", stdin="expect 1\n").status == 0
    assert run("run", "-", stdin="expect 0\n").status == 1
    done = run("run", "-", stdin="expcet 0\n")
    assert done.status == 2 and done.err.startswith("-:1:1: error: ")


def test_steps(scenario):
    done = scenario("boot\n", "--steps=100")
    assert done.status == 1 and "gave up after 100 events" in done.out
    done = scenario("boot => any\n", "--steps=100")
    assert done.status == 1
    done = scenario("repeat 0xffffffffffffffff\nend\n", "--steps=1000")
    assert done.status == 1 and "gave up after 1000 events" in done.out
    done = scenario("repeat 1M\nexpect 1\nend\n", "--steps=10000000", "--format=junit")
    assert done.status == 0


def test_trace(scenario, tmp_path):
    scenario("boot\n", "--trace=trace.txt")
    lines = (tmp_path / "trace.txt").read_text().splitlines()
    assert len(lines) > 100 and all(line.startswith("[0") for line in lines)


def test_record_of_a_matrix_is_its_first_run(run, tmp_path):
    (tmp_path / "t.pkvm").write_text("title q\nmatrix kernel=v6.12,v7.0\nboot\nexpect 1\n")
    done = run("run", "--record=r.pkvm", "t.pkvm", cwd=tmp_path)
    assert done.status == 0 and "first of 2 runs" in done.err
    assert "kernel v6.12" in (tmp_path / "r.pkvm").read_text()


def test_record_writes_what_happened(recorded):
    lines = recorded(
        'title "a # b"\nmachine tiny\nno mmio\nmmio dev 0x10000000+12K model=dma\ncpus 3\n'
        "feature fwb=on\nset warn=continue mmio_donation=v5\npool host_s2 99\nprotect 0x10002000+4K\n"
        "let k = 2\nboot => any\nrepeat k as i\nhost write dev+i*8 i\nend\necho \"q\\\"\"\n"
        "host read dev+8 => 1\nexpect mem(dev+8) == k - 1\nexpect 0 [warn=panic]\n"
    )  # fmt: skip
    assert lines[0] == 'title "a # b"'
    for line in (
        *("machine tiny", "cpus 3", "feature fwb=on", "no mmio", "kernel v7.0"),
        *("mmio dev 0x10000000+0x3000 model=dma", "set warn=continue", "pool host_s2 99"),
        *("protect 0x10002000+0x1000", "let k = 2", "let i = 0", "host write 0x10000000 0x0 => 0"),
        *("let i = 1", "host write 0x10000008 0x1 => 0", 'echo "q\\""'),
        *("host read 0x10000008 => 1", "expect mem(dev+8) == k - 1"),
    ):
        assert line in lines, line
    assert not any("expect 0" in line for line in lines)


# ---- Bad input --------------------------------------------------------------------------------------------


def test_a_long_line(mistaken, run, tmp_path):
    mistaken("#" * 65537 + "\n", 1, "more than 65536 bytes")
    with open(tmp_path / "long.pkvm", "wb") as f:
        for _ in range(100):
            f.write(b"x" * (1 << 20))
    done = run("run", "long.pkvm", cwd=tmp_path)
    assert done.status == 2 and len(done.err) < 1000


@pytest.mark.parametrize(
    "data, line, column, words",
    [
        (b"boot\nbo\0ot\n", 2, 3, "NUL"),
        (b"boot\n\xff\xfe\n", 2, 1, "UTF-8"),
        (b"echo \xc3\n", 1, 6, "UTF-8"),
        (b"echo \x1b[31m\n", 1, 6, "control character"),
        (b"\x1f\x8b\x08\x00", 1, None, "NUL"),
        (b"let x = " + b"(" * 100000 + b"\n", 1, None, ""),
        (b"let x = " + b"(" * 300 + b"1" + b")" * 300 + b"\n", 1, None, "nests too deep"),
        (b"let x = " + b"-~" * 300 + b"1\n", 1, None, "nests too deep"),
        (b"expect " + b"not " * 300 + b"1\n", 1, None, "nests too deep"),
        (b"let x = 1" + b"+1" * 5000 + b"\n", 1, None, "too long"),
        (b"let x = cpus(" * 300 + b"\n", 1, None, ""),
        (b"let x = 1 = 2\n", 1, None, ""),
        (b"boot =>", 1, 8, "missing"),
        (b"boot => ok [warn", 1, 17, "value"),
        (b"@\n", 1, 1, "begins with a word"),
        (b"boot!\n", 1, 5, "a blank is missing"),
        (b"ram 99999999999999999999+1\n", 1, 5, "does not fit"),
    ],
)
def test_bad_input(mistaken, data, line, column, words):
    mistaken(data, line, words, column)


def test_bad_command_lines(scenario):
    for option, words in (
        ("--kernel=v9", "v9"),
        ("--patch=its", "its"),
        ("--set=warn", "warn"),
        ("--set=wran=panic", "warn"),
        ("--set=warn=panik", "panic"),
        ("--bug=B-1", "B-1"),
    ):
        done = scenario("boot\n", option)
        assert (done.status, done.out) == (2, ""), option
        assert words in done.err


def test_two_runs_give_the_same_bytes(scenario):
    text = PANICKED + "expect mem(uart) == 6\n"
    for form in ("text", "ktap", "tap", "junit", "jsonl"):
        assert scenario(text, f"--format={form}").raw == scenario(text, f"--format={form}").raw
