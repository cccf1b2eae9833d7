# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/scenario-language.md is a test: its examples and rules, section by section.

Expressions are asked of a session; what is a rule of files is asked of files. What an
action's arguments were is read from a recording, where they stand evaluated.
"""

import re

import pytest

V7_0 = "kernel v7.0\n"
PATCHED = "patch its-v1\n"


@pytest.fixture
def passes(scenario):
    """The text runs and passes."""

    def call(text, *options):
        done = scenario(text, *options)
        assert done.status == 0, done.out + done.err
        return done

    return call


@pytest.fixture
def fails(scenario):
    """The text is understood, and line LINE of it fails."""

    def call(text, line, *options):
        done = scenario(text, *options)
        assert done.status == 1, done.out + done.err
        assert f"t.pkvm:{line}: FAIL: " in done.out
        return done

    return call


@pytest.fixture
def mistaken(scenario):
    """The text is an error of the file at LINE (and COLUMN), whose message has these words."""

    def call(text, line, words="", column=None, options=()):
        done = scenario(text, *options)
        assert done.status == 2, done.out + done.err
        first = done.err.splitlines()[0]
        place = re.match(r"t\.pkvm:(\d+):(\d+): error: ", first)
        assert place, first
        assert int(place[1]) == line, first
        assert column in (None, int(place[2])), first
        assert words in done.err, done.err
        return done.err

    return call


@pytest.fixture
def recorded(run, tmp_path):
    """The lines of the recording of a passing text."""

    def call(text, *options):
        (tmp_path / "t.pkvm").write_text(text)
        done = run("run", "--record=rec.pkvm", *options, "t.pkvm", cwd=tmp_path)
        assert done.status == 0, done.out + done.err
        return (tmp_path / "rec.pkvm").read_text().splitlines()

    return call


@pytest.fixture
def runs(scenario):
    """The runs of a text as objects of the jsonl report."""

    def call(text, *options):
        done = scenario(text, "--format=jsonl", *options)
        return [o for o in done.objects if o["type"] == "run"]

    return call


# ---- 1. Lexis and expressions --------------------------------------------------------------

VALUES = {
    # numbers and suffixes
    "10": 10,
    "010": 10,
    "0x10": 16,
    "0xfF": 255,
    "1K": 1024,
    "1M": 1 << 20,
    "2G": 2 << 30,
    "3T": 3 << 40,
    "0x10K": 16384,
    "0xffffffffffffffff": 2**64 - 1,
    "18446744073709551615": 2**64 - 1,
    "-9223372036854775808": -(2**63),
    # unary before everything
    "-2 * 3": -6,
    "--5": 5,
    "~0": 2**64 - 1,
    "~0xff": 2**64 - 256,
    "~-1": 0,
    "-~0 + 1": None,
    "~0 / 2": 2**63 - 1,
    # precedence, level by level
    "1 + 2 * 3": 7,
    "10 - 4 / 2": 8,
    "7 / 2": 3,
    "-7 / 2": -3,
    "10 - 3 - 2": 5,
    "100 / 10 / 2": 5,
    "1 << 2 + 3": 32,
    "256 >> 2 >> 1": 32,
    "6 & 3 << 1": 6,
    "1 | 6 & 4": 5,
    "5 ^ 1 | 8": 12,
    "5 ^ 3 & 1": 4,
    "1 | 2 ^ 2": 1,
    "4 | 1 == 5": 1,
    "1 + 1 == 2": 1,
    "not 1 == 2": 1,
    "not 0 and 0": 0,
    "not (0 and 0)": 1,
    "not not 7": 1,
    "1 or 0 and 0": 1,
    "(1 or 0) and 0": 0,
    "5 and 3": 1,
    "1 < 2": 1,
    "2 <= 1": 0,
    "-1 < 0xffffffffffffffff": 1,
    "-1 == 0xffffffffffffffff": 0,
    "3 >= 3": 1,
    "3 > 3": 0,
    "3 != 3": 0,
    "(1 + 2) * 3": 9,
    "((((5))))": 5,
    # exact on the way, as long as each step fits
    "0xffffffffffffffff - 1 + 1": 2**64 - 1,
    "1 << 63": 1 << 63,
    "0xffffffffffffffff >> 63": 1,
    "-1 & 0xff": 255,
    "-1 | 0": -1,
    # errors are numbers
    "EPERM": 1,
    "-EPERM": -1,
    "-EPERM == -1": 1,
    "ENOMEM": 12,
    # words
    "host": "host",
    "SHARED_OWNED": "SHARED_OWNED",
    "panic": "panic",
    "host == host": 1,
    "host == hyp": 0,
    "host != hyp": 1,
    "host == 1": 0,
    "host != 1": 1,
    "1 == host": 0,
    "OWNED == ok": 0,
    # operators short of their second side
    "0 and 1 / 0": 0,
    "1 or 1 / 0": 1,
}


@pytest.mark.parametrize("text, value", [v for v in VALUES.items() if v[1] is not None])
def test_value(repl, text, value):
    assert repl.value(f"let x = {text}") == value


RANGE = {
    "18446744073709551616": 9,
    "0x10000000000000000": 9,
    "99999999999999999999999999999999999999999999": 9,
    "16777216T": 9,
    "-9223372036854775809": 9,
    "0xffffffffffffffff + 1": 28,
    "0xffffffffffffffff * 0xffffffffffffffff": 28,
    "0 - 0xffffffffffffffff": 11,
    "1 / 0": 11,
    "1 / (2 - 2)": 11,
    "1 << 64": 11,
    "1 << -1": 11,
    "1 >> 64": 11,
    "-1 << 1": 12,
    "-1 >> 1": 12,
    "0xffffffffffffffff << 1": 28,
    "-~0": 9,
}


@pytest.mark.parametrize("text, column", RANGE.items())
def test_leaving_the_range_is_an_error_where_it_stands(mistaken, text, column):
    mistaken(f"let x = {text}\n", 1, column=column)


@pytest.mark.parametrize(
    "text, words",
    [
        ("1 < 2 < 3", "do not chain"),
        ("1 == 2 == 3", "do not chain"),
        ("host < hyp", "words compare with"),
        ("host + 1", "wants numbers"),
        ("not host", "a number is wanted"),
        ("host and 1", "a number is wanted"),
        ("-host", "wants numbers"),
        ("1 +", "missing"),
        ("", "missing"),
        ("(1", "`)` is missing"),
        ("1)", "nothing more"),
        ("* 2", "cannot begin"),
        ("1 == not 2", "cannot begin"),
        ("0x", "hexadecimal"),
        ("12ab", "does not belong to a number"),
        ("0xfg", "does not belong to a number"),
        ("1k", "does not belong to a number"),
        ("4KK", "does not belong to a number"),
        ("1 + + 2", "cannot begin"),
        ('"text"', "cannot begin"),
        ("nobody", "there is no `nobody`"),
        ("owner", "`(` must follow"),
        ("nofunc(1)", "no function"),
        ("cpus(1)", "wants 0 arguments"),
        ("ram()", "cannot begin"),
        ("state(host)", "wants 2 arguments"),
        ("state(guest1, 0)", "knows no"),
        ("events(lokc)", "did you mean `lock`?"),
        ("cpu0.answer", "cpuN.result"),
    ],
)
def test_no_expression(mistaken, text, words):
    mistaken(f"let x = {text}\n", 1, words)


def test_a_chain_is_cut_by_parentheses(repl):
    assert repl.value("let x = (1 < 2) < 3") == 1


@pytest.mark.parametrize(
    "name",
    [
        *("host", "hyp", "ffa", "firmware", "several", "none"),
        *("OWNED", "SHARED_OWNED", "SHARED_BORROWED", "NOPAGE", "POISON"),
        *("ok", "refused", "abort", "fault", "bus", "panic", "hang", "any"),
        *("EPERM", "ENOMEM", "EINVAL"),
        *("owner", "state", "pte", "level", "mapped", "translates", "free", "tables", "refcount"),
        *("pins", "sharers", "hyp_va", "kern_va", "pfn", "page", "ram", "cpus", "mem", "locked"),
        *("events", "result", "and", "or", "not"),
    ],
)
def test_no_name_may_be_a_word_of_the_language(mistaken, name):
    mistaken(f"let {name} = 1\n", 1, f"`{name}` is", column=5)
    mistaken(f"repeat 1 as {name}\nend\n", 1, f"`{name}` is", column=13)
    mistaken(f"mmio {name} 0x1000+4K\n", 1, f"`{name}` is", column=6)


def test_a_region_and_a_let_share_no_name(mistaken):
    mistaken("let uart = 1\n", 1, "already a region", column=5)
    mistaken("boot\nlet uart = 1\n", 2, "already a region", column=5)
    mistaken("repeat 1 as uart\necho x\nend\n", 1, "already a region")
    mistaken("let dev = 1\nmmio dev 0x1000+4K\n", 2, "already bound", column=6)
    mistaken("mmio uart 0x1000+4K\n", 1, "already a region", column=6)
    mistaken("mmio dev 0x1000+4K\nmmio dev 0x3000+4K\n", 2, "already a region", column=6)


def test_bound_again_a_name_is_replaced(passes):
    passes("let x = 1\nlet x = x + 1\nboot\nexpect x == 2\nlet x = host\nexpect x == host\n")


def test_a_region_stands_for_its_first_address(passes):
    passes("mmio dev 0x10000000+64K\nexpect dev == 0x10000000 and dev+4K == 0x10001000\n")


def test_blanks_and_indentation_are_free(passes):
    passes("\n\t  let   x=1\n\n  \t boot   =>   ok   \r\nexpect\tx\t==\t1\n")


def test_the_last_line_needs_no_newline(fails):
    fails("expect 1\nexpect 0", 2)


def test_comments(repl, passes):
    assert repl("echo a # b")["text"] == "a"
    assert repl('echo "a # b" # c')["text"] == "a # b"
    assert repl('echo say "a # b" now # c')["text"] == 'say "a # b" now'
    passes("# all\nboot # => panic\n   # blank\nexpect 1 # and 0\n")


@pytest.mark.parametrize(
    "written, text",
    [
        ("plain words   inside", "plain words   inside"),
        ('"  outer blanks  "', "  outer blanks  "),
        (r'"a \"quote\" and a \\"', 'a "quote" and a \\'),
        ('"one" and "two"', '"one" and "two"'),
        (r'"not \n special"', r"not \n special"),
        ('""', ""),
        ("=> no arrow here", "=> no arrow here"),
        ("x, violation leak", "x, violation leak"),
    ],
)
def test_text(repl, written, text):
    assert repl(f"echo {written}")["text"] == text


def test_a_quote_is_closed_on_its_line(mistaken):
    mistaken('echo "open\n', 1, "not closed", column=6)
    mistaken('boot\n  title x "y\n', 2, "not closed", column=11)


# Each call with one argument or two: how many were meant shows in what is recorded.
DONATE = "boot\nlet p = page()\nlet one = 1\n"


@pytest.mark.parametrize(
    "args, values",
    [
        ("pfn(p) 1", (0, 1)),
        ("pfn(p)+0 1", (0, 1)),
        ("pfn(p) + 0 1", (0, 1)),
        ("pfn(p) - 0 one", (0, 1)),
        ("(pfn(p)) (1)", (0, 1)),
        ("pfn(p) 2 - 1", (0, 1)),
        ("pfn(p) 2-1", (0, 1)),
        ("(pfn(p) +0) (2 -1)", (0, 1)),
        ("pfn( p ) 1", (0, 1)),
        ("pfn(p) -~0", None),
        ("pfn(p) ~-2", (0, 1)),
        ("pfn(p) --1", (0, 1)),
        ("pfn(p)  1 * 2 / 2", (0, 1)),
        ("pfn(p) 1<<0", (0, 1)),
        ("pfn(p) not 0", (0, 1)),
    ],
)
def test_where_an_argument_ends(recorded, mistaken, args, values):
    text = f"{DONATE}el2 host_donate_hyp {args}\n"
    if values is None:
        mistaken(text, 4)
        return
    frame = 0x40000 + values[0]
    assert f"el2 host_donate_hyp {frame:#x} {values[1]:#x} => 0" in recorded(text)


def test_a_minus_with_a_blank_before_only_starts_an_argument(recorded, mistaken):
    """-1 as the second argument is a count that no range has."""
    text = f"{DONATE}hvc raw 0xc600ffff 5 -1 ~0 => refused\n"
    line = "hvc raw 0xc600ffff 0x5 0xffffffffffffffff 0xffffffffffffffff => refused"
    assert line in recorded(text)
    text = f"{DONATE}hvc raw 0xc600ffff 5 - 1 => refused\n"
    assert "hvc raw 0xc600ffff 0x4 => refused" in recorded(text)
    mistaken(f"{DONATE}hvc host_share_hyp 5 -1\n", 4, "too many arguments")


@pytest.mark.parametrize(
    "args, words",
    [
        ("pfn (p) 1", "must follow it directly"),
        ("pfn(p) 1 2", "too many arguments"),
        ("pfn(p)", "too few arguments"),
        ("", "too few arguments"),
        ("pfn(p) +1", "blanks on both sides or on neither"),
        ("pfn(p)+ 1", "blanks on both sides or on neither"),
        ("pfn(p) *2 1", "blanks on both sides or on neither"),
        ("pfn(p)(1)", "a blank"),
        ("pfn(p)1", "a blank"),
        ("pfn(p) 1 extra=2", "takes no `extra=`"),
        ("pfn(p), 1", "violation"),
    ],
)
def test_no_arguments(mistaken, args, words):
    mistaken(f"{DONATE}el2 host_donate_hyp {args}\n", 4, words)


def test_base_and_size_hold_no_blanks(passes, mistaken):
    passes("let a = 1G\nmmio dev (a-64K)+4K\nmmio two dev+4K+8K\nexpect two == 0x3fff1000\n")
    passes("ram (3G+1M)+4K\nexpect ram(1) == 3G + 1M\n")
    passes("ram 3G+(4K+4K)\nexpect ram(1) == 3G\n")
    mistaken("ram 3G + 4K\n", 1, "BASE+SIZE", column=5)
    mistaken("ram 3G\n", 1, "BASE+SIZE")
    mistaken("ram 3G+\n", 1, "missing")
    mistaken("ram (3G+4K)\n", 1, "BASE+SIZE")
    mistaken("ram 3G+4K 5\n", 1, "nomap")


def test_frame_numbers_are_of_aligned_addresses(repl, mistaken):
    assert repl.value("let f = pfn(0x40001000)") == 0x40001
    mistaken("boot\nhvc host_share_hyp pfn(0x40000001)\n", 2, "not page aligned", column=24)
    mistaken("boot\nhvc host_share_hyp pfn(0x40001000 - 1)\n", 2, "not page aligned", column=24)


def test_a_counter_lives_to_its_end(passes, mistaken):
    passes("let s = 0\nboot\nrepeat 4 as i\nlet s = s + i\nend\nexpect s == 6\n")
    mistaken("boot\nrepeat 2 as i\nexpect i < 2\nend\nexpect i == 2\n", 5, "there is no `i`")
    passes("let i = 7\nboot\nrepeat 2 as i\nexpect i < 2\nend\nexpect i == 7\n")
    passes("boot\nrepeat 2\nlet in = 5\nend\nexpect in == 5\n")


def test_arguments_are_evaluated_once(recorded):
    """page() in an argument gives one page, also for what comes after."""
    lines = recorded("boot\nhvc host_share_hyp pfn(page())\nhvc host_share_hyp pfn(page())\n")
    assert lines[-2:] == ["hvc host_share_hyp 0x40000 => 0", "hvc host_share_hyp 0x40001 => 0"]


# ---- 2. Setting up the machine -----------------------------------------------------------------

BOARDS = {
    "virt": dict(
        cpus=2,
        ram=[0x40000000],
        last=0x7FFFF000,
        gicd=0x08000000,
        its=0x08080000,
        gicr=0x080A0000,
        uart=0x09000000,
        rtc=0x09010000,
        smmu=0x09050000,
        dma=0x0A000000,
    ),
    "phone": dict(
        cpus=4,
        ram=[0x80000000, 0xC0000000, 0xC1000000, 0x880000000],
        last=0x8FFFFF000,
        uart=0x10000000,
        gicd=0x12000000,
        its=0x12040000,
        smmu=0x15000000,
        dma=0x16000000,
        pcie=0x40000000,
    ),
    "server48": dict(
        cpus=4,
        ram=[0x80000000, 0x8080000000],
        last=0x8FFFFFF000,
        uart=0x10000000,
        gicd=0x20000000,
        its=0x20040000,
        smmu=0x1000000000,
        pcie=0x400000000000,
        dma=0x30000000,
    ),
    "tiny": dict(
        cpus=2,
        ram=[0x40000000, 0x40C03000],
        last=0x413FF000,
        uart=0x09000000,
        gap=0x40801000,
        dma=0x0A000000,
    ),
}


@pytest.mark.parametrize("name", BOARDS)
def test_boards(passes, name):
    board = dict(BOARDS[name])
    checks = [f"machine {name}", f"expect cpus() == {board.pop('cpus')}"]
    ram, last = board.pop("ram"), board.pop("last")
    checks += [f"expect ram({i}) == {base:#x}" for i, base in enumerate(ram)]
    checks += [f"expect {window} == {base:#x}" for window, base in board.items()]
    checks += [f"host write {last:#x} 0x77", f"expect mem({last:#x}) == 0x77"]
    checks += [f"host read {last + 4096:#x} => bus", f"dma dma write {ram[0]:#x} 1"]
    checks += ["expect hyp_va(0x1000) == 0x100000001000"]
    passes("\n".join(checks) + "\n")


def test_the_board_is_virt_and_the_release_v7_0(runs):
    [one] = runs("boot\n")
    assert (one["board"], one["kernel"], one["patch"], one["knobs"]) == ("virt", "v7.0", None, "")


def test_title_and_origin(scenario):
    text = "title What # a comment\norigin <a@b>\nboot\n"
    for form in ("text", "ktap", "tap", "junit", "jsonl"):
        done = scenario(text, f"--format={form}")
        assert "What" in done.out and "comment" not in done.out
        if form in ("text", "jsonl"):
            assert "a@b" in done.out


def test_cpus_page_size_and_pa_bits(passes, mistaken):
    passes("cpus 3\nboot\nexpect cpus() == 3\ncpu2: host read uart\n")
    mistaken("cpus 3\nboot\ncpu3: host read uart\n", 3, "3 CPUs")
    mistaken("cpus 0\n", 1, "1 to 64 CPUs", column=6)
    mistaken("cpus 65\n", 1, "1 to 64 CPUs", column=6)
    passes("page_size 16K\nexpect pfn(0x40004000) == 0x10001\n")
    passes("page_size 64K\nexpect pfn(0x40010000) == 0x4001\n")
    mistaken("page_size 8K\n", 1, "4K, 16K or 64K", column=11)
    passes("pa_bits 36\nexpect owner(1 << 36) == none\nexpect owner(1 << 35) == host\n")
    mistaken("pa_bits 39\n", 1, "32, 36, 40", column=9)


def test_features(passes, mistaken):
    passes("feature fwb=on lpa2=off tlbirange=on xnx=on\nboot\n")
    mistaken("feature fwbb=on\n", 1, "did you mean `fwb`?", column=9)
    mistaken("feature fwb=yes\n", 1, "`on` or `off`", column=13)
    mistaken("feature fwb\n", 1, "`=` and a value")


def test_memory_need_not_be_page_aligned(passes):
    passes("no ram\nram 0x40000000+64M\nram 0x50000800+0x1000\nboot\nexpect ram(1) == 0x50000800\n")


def test_a_carve_out_is_firmwares(passes):
    passes("ram 0x80000000+1M nomap\nboot\nexpect owner(0x80000000) == firmware\n")
    passes("ram 0x80000000+1M nomap\nmmio dev 0x80001000+4K\nboot\nexpect dev == 0x80001000\n")


OVERLAPS = {
    "ram 0x40001000+4K": "overlaps",
    "ram 0x3ffff000+8K": "overlaps",
    "ram 0x40001000+4K nomap": "overlaps",
    "mmio dev 0x09000800+4K": "overlaps",
    "mmio dev 0x40000000+4K": "overlaps",
    "ram 0xfffffffffffff000+8K": "wraps",
    "mmio dev 0xfffffffffffff000+8K": "wraps",
    "ram 0xfffffff000+8K": "past the PA limit",
    "mmio dev 0x10000000000+4K": "past the PA limit",
    "ram 0x80000000+0": "empty",
}


@pytest.mark.parametrize("line, words", OVERLAPS.items())
def test_regions_that_cannot_be(mistaken, line, words):
    mistaken(f"title t\n{line}\nboot\n", 2, words)


def test_windows(passes, mistaken):
    passes("mmio master 0x10000000+4K model=dma\ndma master write 0x40000000 5\n")
    mistaken("dma uart read 0x40000000\n", 1, "no bus master", column=5)
    mistaken("dma nobody read 0x40000000\n", 1, "no device", column=5)
    mistaken("dma dna read 0x40000000\n", 1, "did you mean `dma`?", column=5)
    mistaken("mmio dev 0x10000000+4K model=its\n", 1, "not in this build")
    mistaken(f"mmio {'x' * 32} 0x10000000+4K\n", 1, "31 characters")


def test_no_drops_the_boards_own_whatever_the_order(passes, mistaken):
    passes("ram 0x80000000+64M\nno ram\nboot\nexpect ram(0) == 0x80000000\n")
    mistaken("expect ram(1) == 0\n", 1, "1 memory regions")
    passes("mmio uart 0x10000000+4K\nno mmio\nboot\nexpect uart == 0x10000000\n")
    mistaken("no mmio\nboot\nhost read uart\n", 3, "there is no `uart`")
    mistaken("no cpus\n", 1, "`no ram` or `no mmio`")


def test_hyp_image_and_hyp_memory(passes):
    passes("boot\nexpect owner(0x40011000) == hyp\nexpect owner(0x40001000) == host\n")
    passes("hyp_image 0x50000000\nboot\nexpect owner(0x50001000) == hyp\n"
           "expect owner(0x40011000) == host\n")  # fmt: skip
    passes("hyp_memory 0x60000000\nboot\nexpect owner(0x60000000) == hyp\n"
           "expect owner(0x5ffff000) == host\n")  # fmt: skip


def test_pools(passes, mistaken):
    passes("pool host_s2 64\nboot\nexpect free(host_s2) < 64 and free(host_s2) > 0\n")
    mistaken("pool host_s3 64\n", 1, "did you mean `host_s2`?", column=6)
    mistaken("pool host_s2 0\n", 1, "at least one page")


def test_kernel_patch_and_bug(passes, mistaken, runs):
    assert runs("kernel v6.12\nboot\n")[0]["kernel"] == "v6.12"
    mistaken("kernel v7.1\n", 1, "there is no release", column=8)
    mistaken("kernel v7.2\n", 1, "not in this build", column=8)
    mistaken("patch its-v2\n", 1, "did you mean `its-v1`?", column=7)
    mistaken("patch smmu-v6\n", 1, "not in this build", column=7)
    mistaken("bug B-99\n", 1, "not in this build", column=5)


def test_protect_takes_any_page_range(passes, mistaken):
    eight = "".join(f"protect gicr+{i * 64}K+64K\n" for i in range(8))
    passes(PATCHED + eight + "boot\nexpect owner(gicr+448K) == hyp\n")
    passes(PATCHED + eight + "protect uart+4K\nboot => any\n")
    passes(PATCHED + "protect uart+4K\nprotect uart+4K\nboot => any\n")
    passes(PATCHED + "protect 0x40000000+4K\nboot => -EINVAL\n")
    passes(PATCHED + "protect 0xfffffffffffff000+8K\nboot => any\n")
    mistaken("protect uart+0x800\n", 1, "whole pages")
    mistaken("protect (uart+1)+4K\n", 1, "whole pages")


def test_blocks_of_regions(passes, mistaken):
    passes("repeat 3 as i\nprotect (gicr+i*64K)+4K\nend\npatch its-v1\nboot\n"
           "expect owner(gicr+128K) == hyp and owner(gicr+192K) == host\n")  # fmt: skip
    mistaken("repeat 2\nboot\nram 3G+4K\nend\n", 3, "before the first action")
    mistaken("repeat 2\nram 3G+4K\nboot\nend\n", 3, "not both")
    mistaken("repeat 2\nmatrix kernel=v7.0\nend\n", 2, "ram, mmio and protect")


def test_more_regions_than_el2_has_room_for(passes):
    """The board takes them; boot returns what the release returns."""
    passes("no ram\nram 0x40000000+1G\nrepeat 128 as i\nram (0x80000000+i*4M)+2M\nend\n"
           "boot => -ENOMEM or -E2BIG or -EINVAL\n")  # fmt: skip


def test_too_little_ram_is_boots_to_refuse(passes):
    passes("no ram\nram 0x40000000+1M\nboot => -ENOMEM\n")


def test_set_up_belongs_before_the_first_action(mistaken):
    mistaken("boot\nmachine tiny\n", 2, "before the first action (line 1)", column=1)
    mistaken("expect 1\nset warn=panic\n", 2, "before the first action")
    mistaken("show knobs\nset warn=panic\n", 2, "before the first action")


def test_let_and_echo_stand_anywhere(scenario):
    done = scenario("let a = 3G\necho first\nram a+4K\nlet b = ram(1)\nboot\nexpect b == a\n")
    assert done.status == 0, done.out + done.err
    assert done.out.count("first") == 1


def axes(runs):
    return [run["axes"] for run in runs]


def test_matrix_runs_every_combination_last_axis_fastest(runs):
    text = "matrix kernel=v7.0,v6.12 warn=continue,panic\nmatrix el2_debug=on,off\nboot\n"
    expected = [
        {"kernel": k, "warn": w, "el2_debug": d}
        for k in ("v7.0", "v6.12")
        for w in ("continue", "panic")
        for d in ("on", "off")
    ]
    assert axes(runs(text)) == expected


def test_a_fixed_axis_shrinks(runs):
    text = "matrix kernel=v6.12,v7.0 warn=panic,continue\nboot\n"
    assert [a["warn"] for a in axes(runs(text, "--set=warn=continue"))] == ["continue"] * 2
    assert [a["kernel"] for a in axes(runs(text, "--kernel=v7.0"))] == ["v7.0"] * 2
    assert len(runs(text, "--kernel=v7.0", "--set=warn=panic")) == 1


def test_matrix_mistakes(mistaken):
    mistaken("matrix kernel=v6.12,v7.1\n", 1, "there is no release")
    mistaken("matrix kernel=v6.12,v7.2\n", 1, "not in this build")
    mistaken("matrix wran=panic\n", 1, "did you mean `warn`?", column=8)
    mistaken("matrix warn=panik\n", 1, "did you mean `panic`?", column=13)
    mistaken("matrix warn=panic,panic\n", 1, "stands twice", column=19)
    mistaken("matrix warn=panic\nmatrix warn=continue\n", 2, "stands twice")
    mistaken("set warn=panic\nmatrix warn=panic,continue\n", 2, "`set` and in `matrix`")
    mistaken("matrix warn=panic,continue\nset warn=panic\n", 2, "`set` and in `matrix`")
    mistaken("set warn=panic,continue\n", 1, "are a `matrix`")
    mistaken("set kernel=v7.0\n", 1, "kernel v7.0")


# what decides, from the lowest layer to the highest, read from brackets that must hold
def layer(knob, value):
    return f"expect 0 [{knob}={value}]\nexpect 1\n"


@pytest.mark.parametrize("turned", [False, True], ids=["as-written", "turned-round"])
@pytest.mark.parametrize(
    "setup, options, kernel, walker",
    [
        ([], [], "v7.0", "clear"),
        (["kernel v6.12"], [], "v6.12", "clear"),
        (["patch its-v1"], [], "v7.0", "eperm"),
        (["patch its-v1", "kernel v6.12"], [], "v6.12", "eperm"),
        (["patch its-v1", "set s2_unmap_annotated=skip"], [], "v7.0", "skip"),
        (["patch its-v1", "matrix s2_unmap_annotated=skip"], [], "v7.0", "skip"),
        (["kernel v7.0", "matrix kernel=v6.12"], [], "v6.12", "clear"),
        (["patch its-v1", "set s2_unmap_annotated=clear"],
         ["--set=s2_unmap_annotated=skip"], "v7.0", "skip"),
        (["patch its-v1", "matrix s2_unmap_annotated=clear"],
         ["--set=s2_unmap_annotated=skip"], "v7.0", "skip"),
        (["kernel v6.12", "matrix kernel=v6.12"], ["--kernel=v7.0"], "v7.0", "clear"),
        (["patch its-v1"], ["--patch=its-v1-fixed"], "v7.0", "skip"),
        (["set s2_unmap_annotated=eperm"], ["--patch=its-v1-fixed"], "v7.0", "eperm"),
        (["kernel v6.12"], ["--patch=its-v1"], "v6.12", "eperm"),
    ],
)  # fmt: skip
def test_layers_whatever_the_order_of_lines(scenario, setup, options, kernel, walker, turned):
    lines = setup[::-1] if turned else setup
    right = f"expect 0 [kernel={kernel} s2_unmap_annotated={walker}]\n"
    done = scenario("\n".join([*lines, right]), *options)
    assert done.status == 1, "this combination is not the one that ran"


def test_impossible_combinations_are_skipped_with_the_reason(runs, scenario):
    text = "matrix kernel=v6.12,v7.0\nset mmio_donation=range\nboot\n"
    assert [run["verdict"] for run in runs(text)] == ["skip", "pass"]
    done = scenario(text)
    assert done.status == 0
    assert "needs v7.0 or later" in done.out


def test_requires(runs, scenario, mistaken):
    text = "matrix mmio_donation=none,v5\nrequires host_donate_hyp_mmio\nboot\n"
    assert [run["verdict"] for run in runs(text)] == ["skip", "pass"]
    text = "matrix kernel=v6.12,v7.0\nrequires kernel=v7.0\nboot\n"
    assert [run["verdict"] for run in runs(text)] == ["skip", "pass"]
    done = scenario("requires warn=continue\nexpect 0\n")
    assert done.status == 0, "a skipped run counts as passed"
    mistaken("requires host_shar_hyp\nboot\n", 1, "did you mean `host_share_hyp`?", column=10)
    mistaken("requires wran=panic\nboot\n", 1, "did you mean `warn`?", column=10)


# ---- 3. Actions -----------------------------------------------------------------------------------


def test_boot_is_its_steps(passes):
    passes("init\nfinalise\nprot_finalize\ncpu1: prot_finalize\nhost read uart\n"
           "expect mapped(host, uart)\n")  # fmt: skip
    passes("init\nexpect owner(0x40011000) == host or owner(0x40011000) == hyp\nfinalise\n"
           "expect owner(0x40011000) == hyp\nhost read 0x40011000\n")  # fmt: skip
    passes("boot\nhost read 0x40011000 => panic or abort or ok\nhost write 0x40021000 1 => any\n")


def test_who_acts(passes, mistaken):
    passes("boot\ncpu1: hvc host_share_hyp pfn(page())\nhost read uart\nexpect cpu1.result == 0\n")
    passes("boot\nhost write uart 5\ncpu1: host read uart\nexpect cpu0.result == 0\n"
           "expect cpu1.result == 5 and result == 5\n")  # fmt: skip
    mistaken("cpu1: let x = 1\n", 1, "only an action")
    mistaken("cpux: boot\n", 1, "`cpuN:`")
    mistaken("cpu99: boot\n", 1, "`cpuN:`")
    mistaken("boot\nexpect cpu1.result == 0\nexpect cpu0.result == 0\n", 2, "no action")


@pytest.mark.parametrize(
    "name",
    ["host_share_hyp", "__pkvm_host_share_hyp", "pkvm_host_share_hyp", "___pkvm_host_share_hyp"],
)
def test_calls_take_the_kernels_name(passes, name):
    passes(f"boot\nlet p = page()\nhvc {name} pfn(p)\nexpect state(host, p) == SHARED_OWNED\n")


def test_a_call_that_this_el2_does_not_have(passes, mistaken):
    passes("boot\nhvc vcpu_in_poison_fault => refused\nhvc tracing_load 1 2 => refused\n")
    passes("boot\nhvc raw 0xc6000fff => refused\nhvc raw 0 1 2 3 => refused\n")
    mistaken("boot\nhvc host_share_hpy 1\n", 2, "did you mean `host_share_hyp`?", column=5)
    mistaken("boot\nel2 host_donate_hyp_mmio pfn(uart)\n", 2, "does not have", column=5)
    mistaken("boot\nel2 host_donate_hpy 1 1\n", 2, "did you mean `host_donate_hyp`?", column=5)
    mistaken("boot\nel2 host_share_hyp 1\n", 2, "use `hvc`", column=5)
    mistaken("boot\nhvc host_donate_hyp 1 1\n", 2, "use `el2`", column=5)


def test_calls_that_only_el2_makes(passes, mistaken):
    passes("boot\nlet p = page()\nel2 host_donate_hyp pfn(p) 1\nexpect owner(p) == hyp\n"
           "el2 hyp_donate_host pfn(p) 1\nexpect owner(p) == host\n"
           "el2 host_share_ffa pfn(p) 1\nexpect state(host, p) == SHARED_OWNED\n"
           "el2 host_unshare_ffa pfn(p) 1\nhvc host_share_hyp pfn(p)\n"
           "el2 pin_shared_mem hyp_va(p) hyp_va(p+4K)\nexpect pins(p) == 1\n"
           "hvc host_unshare_hyp pfn(p) => -EBUSY\n"
           "el2 unpin_shared_mem hyp_va(p) hyp_va(p+4K)\nexpect pins(p) == 0\n"
           "el2 host_stage2_idmap uart\nexpect mapped(host, uart)\n")  # fmt: skip
    passes(PATCHED + "boot\nel2 host_donate_hyp_mmio pfn(uart)\nexpect owner(uart) == hyp\n"
           "el2 hyp_donate_host_mmio pfn(uart)\nexpect owner(uart) == host\n")  # fmt: skip
    mistaken(PATCHED + "boot\nel2 host_donate_hyp_mmio pfn(uart) 1\n", 3, "too many arguments")
    passes("set mmio_donation=range\ninit\nfinalise\nel2 host_donate_hyp_mmio pfn(gicr) 2\n"
           "expect owner(gicr+4K) == hyp and owner(gicr+8K) == host\n")  # fmt: skip


def test_accesses_have_1_2_4_or_8_bytes(passes, mistaken):
    passes("host write uart 0x1122334455667788\nhost read uart => 0x1122334455667788\n"
           "host read uart 4 => 0x55667788\nhost read uart+4 4 => 0x11223344\n"
           "host read uart+1 1 => 0x77\nhost read uart+2 2 => 0x5566\n"
           "host write uart+1 0xee 1\nhost read uart 8 => 0x112233445566ee88\n"
           "host write uart -1 1\nhost read uart 1 => 0xff\n"
           "host exec 0x40000000\nhost read uart isv=0 => any\n")  # fmt: skip
    mistaken("host read uart 3\n", 1, "1, 2, 4 or 8", column=16)
    mistaken("host write uart 256 1\n", 1, "does not fit", column=17)
    mistaken("host write uart -129 1\n", 1, "does not fit", column=17)
    mistaken("host read -1\n", 1, "cannot be negative", column=11)
    mistaken("host read uart isv=2\n", 1, "isv is 0 or 1")
    mistaken("host read uart isv=0 isv=0\n", 1, "stands twice")
    mistaken("host read uart is=0\n", 1, "did you mean `isv`?")
    mistaken("host peek uart\n", 1, "read, write or exec", column=6)
    mistaken("hyp exec uart\n", 1, "read or write", column=5)


def test_a_regs_window_keeps_what_was_written(passes):
    passes("host read uart => 0\nhost write uart+8 7\nhost read uart+8 => 7\nhost read uart => 0\n")


def test_a_dma_device_moves_bytes(passes):
    passes("boot\nlet a = page()\nlet b = page()\nhost write a 0xfeed\nhost write dma a\n"
           "host write dma+8 b\nhost write dma+16 8\nhost write dma+24 1\n"
           "host read dma+24 => 1\nexpect mem(b) == 0xfeed\n")  # fmt: skip
    passes("boot\nlet a = page()\ndma dma write a 5\nhost read a => 5\ndma dma read a 4 => 5\n"
           "dma dma read 0x30000000 => bus\n")  # fmt: skip


def test_hyp_probes_el2s_stage_1(passes):
    passes("boot\nlet p = page()\nhyp read hyp_va(p) => fault\nel2 host_donate_hyp pfn(p) 1\n"
           "hyp write hyp_va(p) 9\nexpect mem(p) == 9\nhyp read hyp_va(p) => 9\n"
           "hyp read 0 => fault\n")  # fmt: skip


def test_drain_refill_and_fail(passes, mistaken):
    passes("boot\nlet n = free(host_s2)\ndrain host_s2\nexpect free(host_s2) == 0\n"
           "expect events(alloc) == 0\nrefill host_s2 pages=3\nexpect free(host_s2) == 3\n"
           "refill host_s2\nexpect free(host_s2) == n\ndrain hyp_s1 leave=5\n"
           "expect free(hyp_s1) == 5\n")  # fmt: skip
    text = PATCHED + "set warn=continue\nboot\nfail alloc host_s2 nth=1 count=99\n"
    passes(text + "el2 host_donate_hyp_mmio pfn(uart) => any\nexpect events(alloc) > 0\n")
    mistaken("boot\ndrain host_s3\n", 2, column=7)
    mistaken("boot\ndrain host_s2 leav=1\n", 2, "did you mean `leave`?", column=15)
    mistaken("boot\nfail alloc host_s2\n", 2, "`nth=` is missing")
    mistaken("boot\nfail alloc host_s2 nth=0\n", 2, "begin at 1")
    mistaken("boot\nfail host_s2 nth=1\n", 2, "fail alloc POOL")


def test_pressure_is_said(scenario):
    for line in ("drain host_s2", "fail alloc host_s2 nth=9"):
        assert "pressure made by the scenario" in scenario(f"boot\n{line}\n").out
    assert "pressure made by the scenario" in scenario("pool host_s2 99\nboot\n").out
    assert "pressure" not in scenario("boot\n").out


def test_repeat_nests(passes, mistaken):
    passes("let n = 0\nboot\nrepeat 3 as i\nrepeat i\nlet n = n + 1\nend\nend\nexpect n == 3\n")
    passes("boot\nrepeat 0\nexpect 0\nend\nlet k = 2\nrepeat k * 2 as i\nexpect i < 4\nend\n")
    mistaken("boot\nrepeat 2\n", 2, "no `end`", column=1)
    mistaken("boot\nend\n", 2, "no block is open", column=1)
    mistaken("repeat 2 as\nend\n", 1, "counter's name")
    mistaken("repeat 2 by i\nend\n", 1, "as NAME")
    mistaken("boot\nrepeat -1\nend\n", 2, "cannot be negative")
    mistaken("repeat 1\n" * 65, 65, "nest too deep")


def test_what_this_build_does_not_have(mistaken):
    mistaken("vm create a protected\n", 1, "not in this build")
    mistaken("guest a read 0\n", 1, "not in this build")
    mistaken("host map a gfn=0 pages=1\n", 1, "not in this build")
    mistaken("parallel\nend\n", 1, "not in this build")
    mistaken("explore\nend\n", 1, "not in this build")


def test_echo_and_show(scenario):
    done = scenario("boot\necho hello there\nshow knobs\nshow walk host uart\n")
    assert done.status == 0, done.out + done.err
    assert "hello there" in done.out and "s2_unmap_annotated" in done.out
    assert scenario("show nonsense\n").status == 2


def test_include(run, tmp_path, passes):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.pkvm").write_text("machine tiny\ninclude b.pkvm\n")
    (tmp_path / "sub/b.pkvm").write_text("let shared = gap\n")
    passes("include sub/a.pkvm\nboot\nexpect shared == gap and gap == 0x40801000\n")
    (tmp_path / "sub/b.pkvm").write_text("expect 1\nexpect 0\n")
    (tmp_path / "u.pkvm").write_text("include sub/a.pkvm\n")
    done = run("run", "u.pkvm", cwd=tmp_path)
    assert done.status == 1 and "sub/b.pkvm:2: FAIL: expect 0" in done.out
    (tmp_path / "sub/b.pkvm").write_text("boot\nend\n")
    done = run("run", "u.pkvm", cwd=tmp_path)
    assert done.status == 2 and done.err.startswith("sub/b.pkvm:2:1: error: no block is open")


def test_include_is_bounded(run, tmp_path, mistaken):
    for i in range(17):
        (tmp_path / f"{i}.pkvm").write_text(f"include {i + 1}.pkvm\n")
    (tmp_path / "17.pkvm").write_text("expect 1\n")
    assert run("run", "1.pkvm", cwd=tmp_path).status == 0, "sixteen deep"
    done = run("run", "0.pkvm", cwd=tmp_path)
    assert done.status == 2 and "more than 16 deep" in done.err
    assert done.err.startswith("16.pkvm:1:1: error: ")
    mistaken("include t.pkvm\n", 1, "includes itself", column=9)
    mistaken("include ./t.pkvm\n", 1, "includes itself")
    mistaken("include nothere.pkvm\n", 1, "No such file", column=9)
    mistaken("include .\n", 1, "directory", column=9)
    (tmp_path / "open.pkvm").write_text("repeat 2\n")
    done = run("run", "open.pkvm", cwd=tmp_path)
    assert done.status == 2 and "no `end`" in done.err


def test_an_included_file_closes_no_block_of_another(run, tmp_path):
    (tmp_path / "end.pkvm").write_text("end\n")
    (tmp_path / "t.pkvm").write_text("boot\nrepeat 2\ninclude end.pkvm\nend\n")
    done = run("run", "t.pkvm", cwd=tmp_path)
    assert done.status == 2 and done.err.startswith("end.pkvm:1:1: error: ")


# ---- What an action must give -------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, outcome",
    [
        ("host write uart 5", "ok"),
        ("host write uart 5", "0"),
        ("host read uart", "0x1234"),
        ("host read uart", "x + 4"),
        ("host read uart", "ok"),
        ("host read uart", "5 or 0x1234"),
        ("host read uart", "bus or ok"),
        ("host read uart", "any"),
        ("host read 0x30000000", "bus"),
        ("host read 0x30000000", "any"),
        ("hyp read hyp_va(uart)", "fault"),
        ("hvc host_unshare_hyp pfn(p)", "-EPERM"),
        ("hvc host_unshare_hyp pfn(p)", "-1"),
        ("hvc host_unshare_hyp pfn(p)", "0 or -EPERM"),
        ("hvc host_unshare_hyp pfn(p)", "any"),
        ("hvc host_share_hyp pfn(p)", "ok"),
        ("hvc raw 0xc6000fff", "refused"),
        ("el2 host_donate_hyp pfn(p) 1", "0"),
        ("host write 0x4002d000 1", "panic"),
        ("host write 0x4002d000 1", 'panic "BUG"'),
        ("host write 0x4002d000 1", "abort or panic"),
    ],
)
def test_outcomes_that_hold(passes, line, outcome):
    passes(f"boot\nlet x = 0x1230\nlet p = page()\nhost write uart 0x1234\n{line} => {outcome}\n")


@pytest.mark.parametrize(
    "line, outcome",
    [
        ("host read uart", "0x1235"),
        ("host read uart", "-EPERM"),
        ("host read uart", "abort"),
        ("host read uart", "refused or bus or fault or hang or panic"),
        ("host read 0x30000000", "ok"),
        ("host read 0x30000000", "0"),
        ("hvc host_unshare_hyp pfn(p)", "ok"),
        ("hvc host_unshare_hyp pfn(p)", "0xffffffffffffffff"),
        ("hvc host_share_hyp pfn(p)", "-EPERM"),
        ("hvc raw 0xc6000fff", "-1"),
        ("hvc raw 0xc6000fff", "ok"),
        ("host write 0x4002d000 1", "ok"),
        ("host write 0x4002d000 1", 'panic "WARN"'),
        ("host write 0x4002d000 1", "bus"),
    ],
)
def test_outcomes_that_do_not_hold(fails, line, outcome):
    text = f"boot\nlet p = page()\nhost write uart 0x1234\n{line} => {outcome}\n"
    done = fails(text, 4)
    assert "expected" in done.out and "got" in done.out


def test_without_an_outcome_it_must_succeed(fails, passes):
    fails("boot\nhvc host_unshare_hyp pfn(page())\n", 2)
    fails("boot\nhost read 0x30000000\n", 2)
    passes("boot\nhost write uart 0xffffffffffffffff\nhost read uart\n")


def test_violations(passes, mistaken):
    passes("boot => ok, violation leak?\n", "--check=off")
    passes("boot => violation leak?\n", "--check=off")
    passes("boot => ok, violation leak, violation use-after-free?, violation spec\n", "--check=off")
    mistaken("boot => violation leek\n", 1, "did you mean `leak`?", column=19)
    mistaken("boot => ok, leak\n", 1, "violation RULE", column=12)


@pytest.mark.parametrize(
    "text, words",
    [
        ("boot => host\n", "no outcome"),
        ("boot => OWNED\n", "no outcome"),
        ("boot =>\n", "missing"),
        ("boot => ok or\n", "missing"),
        ("boot => ok ok\n", "nothing more"),
        ("boot => ok [kernel=v7.0\n", "`]` is missing"),
        ("boot => ok []\n", "NAME=VALUE"),
        ("boot => ok [wran=panic]\n", "did you mean `warn`?"),
        ("boot => ok [warn=panik]\n", "did you mean `panic`?"),
        ("boot => ok [kernel=v9]\n", "no release"),
        ("boot => page()\n", "page()"),
        ("let x = 1 => ok\n", "nothing more"),
        ("=> ok\n", "no action stands above"),
        ("boot\nexpect 1\n=> ok\n", "no action stands above"),
        ("boot\nrepeat 1\nend\n=> ok\n", "no action stands above"),
    ],
)
def test_no_expectation(mistaken, text, words):
    mistaken(text, text.count("\n"), words)


# The example of section 3, on the machine that makes it true.
EXAMPLE = """machine tiny
matrix s2_unmap_annotated=clear,eperm,skip
set mmio_donation=v5
boot
el2 host_donate_hyp_mmio pfn(uart)
drain host_s2
host read gap
host read uart          => ok                                   [s2_unmap_annotated=skip]
                        => panic, violation owner-progress      [s2_unmap_annotated=eperm host_eperm=panic]
                        => abort, violation owner-progress      [s2_unmap_annotated=eperm host_eperm=inject]
                        => ok, violation single-owner           [s2_unmap_annotated=clear]
"""


def test_the_pages_example_parses(scenario):
    """What it gives is the scenarios' to say: here it has three runs, and none is misread."""
    done = scenario(EXAMPLE, "--check=off")
    assert done.status in (0, 1), done.err
    assert "3 runs" in done.out


def test_brackets(passes, fails):
    two = "matrix kernel=v6.12,v7.0\nboot\nlet p = page()\n"
    passes(two + "hvc host_unshare_hyp pfn(p) => -EPERM [kernel=v6.12,v7.0]\n")
    passes(two + "hvc host_unshare_hyp pfn(p) => 5 [kernel=v6.12 warn=continue]\n=> -EPERM\n")
    passes(two + "hvc host_share_hyp pfn(p) => 5 [warn=continue]\n")
    fails(two + "hvc host_unshare_hyp pfn(p) => -EPERM [kernel=v6.12]\n", 4)
    fails(two + "hvc host_unshare_hyp pfn(p)\n\n# first that holds decides\n"
          "  => 0 [kernel=v7.0]\n=> -EPERM\n", 4)  # fmt: skip
    passes(two + "expect 0 [kernel=v7.0 warn=continue]\nexpect 1 [kernel=v7.0]\n")
    fails(two + "expect 0 [kernel=v7.0]\n", 4)
    passes("boot => 0 or 1 [warn=continue]\n=> 5 [ el2_debug=on ]\n# x\n\n=> ok [kernel=v7.0]\n=> 9\n")


def test_at_the_prompt_an_arrow_judges_the_last_action(repl):
    assert "no action" in repl("=> ok")["text"]
    repl("boot")
    assert repl("=> ok")["outcome"] == "ok"
    assert repl("hvc host_unshare_hyp pfn(page())")["value"] == -1
    assert repl("=> ok")["outcome"] == "fail"
    assert repl("=> -EPERM")["outcome"] == "ok"
    assert repl("=> 7 [warn=continue]")["outcome"] == "fail"


PANICKED = "boot\nhost write uart 5\nhost write HYP 1 => panic\n".replace("HYP", "0x4002d000")


def test_after_a_panic_actions_are_not_run(passes, fails, scenario):
    done = scenario(PANICKED + "host read uart => 6\nhvc nothing => 0\n", "--format=jsonl")
    assert done.status in (0, 2)
    done = passes(PANICKED + "host read uart => 6\nel2 host_donate_hyp 1 1\n", "--format=jsonl")
    verdicts = [o["verdict"] for o in done.objects if o["type"] == "line"]
    assert verdicts == ["pass", "pass", "pass", "not run", "not run"]
    passes(PANICKED + "expect mem(uart) == 5\nexpect result == panic\nhost read uart\n"
           "expect result == panic\necho on\nshow locks\n")  # fmt: skip
    fails(PANICKED + "expect mem(uart) == 6\n", 4)
    passes(PANICKED + "expect mem(uart) == 6 [warn=continue]\n")


def test_a_panic_that_nobody_expects_fails(fails):
    done = fails("boot\nhost write 0x4002d000 1\nexpect 0\n", 2)
    assert ":3: FAIL" not in done.out
    assert "BUG" in done.out


def test_misspelt_names_behind_a_panic_are_found(mistaken):
    mistaken(PANICKED + "host read uatr\n", 4, "did you mean `uart`?")


def test_a_boot_that_failed(passes):
    """The host's stage 2 is off: its accesses go straight to memory; el2 calls still work."""
    failed = PATCHED + "protect uart+4K\nprotect 0x40000000+4K\nboot => -EINVAL\n"
    passes(failed + "host write 0x40011000 5\nexpect mem(0x40011000) == 5\n"
           "let p = page()\nel2 host_donate_hyp pfn(p) 1 => any\nhost read uart\n")  # fmt: skip
    passes(failed + "hvc host_share_hyp pfn(page()) => any\nexpect cpu0.result == result\n")


def test_boot_returns_the_first_error_of_its_steps(passes):
    steps = PATCHED + "protect 0x40000000+4K\n"
    passes(steps + "boot => -EINVAL\n")
    passes(steps + "init => ok\nfinalise => -EINVAL\n")


def test_reset_keeps_the_set_up(repl, mistaken):
    repl.all("machine tiny\nlet k = 5\nboot")
    assert "reset" in repl("cpus 1")["text"]
    assert repl("expect state(host, 0x40011000) == NOPAGE")["outcome"] == "ok"
    assert repl("reset")["outcome"] == "ok"
    assert repl("cpus 1")["outcome"] == "ok"
    assert repl.value("let c = cpus()") == 1
    assert repl.value("let g = gap") == 0x40801000
    assert "no action" in repl("expect result == 0")["text"]
    mistaken("boot\nreset\n", 2, "at the prompt")


def test_set_up_that_does_not_fit_is_not_kept(repl):
    answer = repl("ram 0x40001000+4K")
    assert answer["outcome"] == "error" and "overlaps" in answer["text"]
    assert repl("mmio dev 0x10000000+4K")["outcome"] == "ok"
    assert repl("mmio dev 0x20000000+4K")["outcome"] == "error"
    assert repl("boot")["outcome"] == "ok"


def test_blocks_at_the_prompt(repl):
    repl("boot")
    assert repl("repeat 3 as i")["outcome"] == "more"
    assert repl("let s = i")["outcome"] == "more"
    assert repl("nonsense")["outcome"] == "error"
    assert repl("end")["outcome"] == "ok"
    assert repl.value("let t = s") == 2


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


# ---- 6. Profiles, patches, knobs ----------------------------------------------------------------------

KNOBS = {
    "mmio_donation": ["none", "v3", "v5", "range"],
    "mmio_commit": ["assert", "return"],
    "s2_unmap_annotated": ["clear", "eperm", "skip"],
    "recycle_walk": ["gaps", "stepping"],
    "protected_unwind": ["region", "all"],
    "hyp_mmio_va": ["linear", "private"],
    "host_eperm": ["panic", "inject"],
    "finalise_order": ["v7.0", "fixed"],
    "el2_debug": ["off", "on"],
    "warn": ["panic", "continue"],
}


@pytest.mark.parametrize("knob, values", KNOBS.items())
def test_knobs(scenario, knob, values):
    """Each value of the table can be set, and is then the one that a bracket finds."""
    for value in values:
        extra = " mmio_donation=range" if value == "private" else ""
        done = scenario(f"set {knob}={value}{extra}\nexpect 0 [{knob}={value}]\n")
        assert done.status == 1, done.out + done.err


PATCHES = {
    "mmio-v3": "kernel=v7.0 mmio_donation=v3 s2_unmap_annotated=eperm",
    "its-v1": "kernel=v7.0 mmio_donation=v5 mmio_commit=assert s2_unmap_annotated=eperm "
    "protected_unwind=region",
    "its-v1-fixed": "kernel=v7.0 mmio_donation=v5 mmio_commit=return s2_unmap_annotated=skip "
    "protected_unwind=all",
}


@pytest.mark.parametrize("patch, stands_for", PATCHES.items())
def test_patches(fails, runs, patch, stands_for):
    fails(f"patch {patch}\nexpect 0 [{stands_for}]\n", 2)
    [one] = runs(f"patch {patch}\nset warn=continue\nexpect 1\n")
    assert (one["patch"], one["knobs"]) == (patch, "warn=continue")


def test_a_release_decides_host_eperm(fails):
    for kernel in ("v6.12", "v7.0"):
        fails(f"kernel {kernel}\nexpect 0 [host_eperm=panic]\n", 2)


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
        ("--kernel=v7.2", "not in this build"),
        ("--patch=its", "its"),
        ("--patch=smmu-v6", "not in this build"),
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
