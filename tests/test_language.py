# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/scenario-language.md is a test: its examples and rules, section by section.

Expressions are asked of a session; what is a rule of files is asked of files. What an
action's arguments were is read from a recording, where they stand evaluated.

Here section 1, lexis and expressions; the others in test_language_*.py.
"""

import pytest

from language_support import passes, fails, mistaken, recorded  # noqa: F401


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
