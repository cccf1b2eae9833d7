# SPDX-License-Identifier: GPL-2.0-or-later
"""The language: the host's SMCs, FF-A errors as outcomes, descriptors, registers."""

import json

from language_support import passes, fails, mistaken  # noqa: F401

READY = (
    "set ffa=v1.1\nboot\nsmc ffa_version 0x10001\nlet tx = page()\nlet rx = page()\n"
    "smc ffa_rxtx_map tx rx 1\nlet p = page()\n"
)
LINES = READY.count("\n")


def test_smc(passes, mistaken):
    passes(READY + "smc ffa_id_get => 0\nsmc raw 0x84000069 => 0\ncpu1: smc raw 0x84000069\n")
    passes(READY + "smc raw 0x82000000 => refused\nsmc raw 0x84000069 imm=0xffff => 0\n")
    passes("boot\nsmc smccc_version => 0x10001\n")
    mistaken("boot\nsmc\n", 2, "the call's name is missing")
    mistaken("boot\nsmc ffa_mem_shar 1 2\n", 2, "did you mean `ffa_mem_share`?", column=5)
    mistaken("boot\nsmc raw\n", 2, "too few arguments")
    mistaken("boot\nsmc raw 1" + " 2" * 18 + "\n", 2, "too many arguments")
    mistaken("boot\nsmc ffa_id_get imm=0x10000\n", 2, "16 bits", column=16)
    mistaken("boot\nsmc ffa_id_get im=1\n", 2, "did you mean `imm`?")


def test_errors_are_words(passes, fails, mistaken):
    passes(READY + "smc ffa_mem_share 96 96 1 => INVALID_PARAMETERS\n"
           "expect result == INVALID_PARAMETERS\nexpect reg(2) == 0xfffffffffffffffe\n"
           "smc ffa_msg_wait => NOT_SUPPORTED or DENIED\nsmc ffa_msg_wait => any\n")  # fmt: skip
    done = fails(READY + "smc ffa_msg_wait => DENIED\n", LINES + 1)
    assert "expected  DENIED" in done.out and "got       NOT_SUPPORTED" in done.out
    done = fails(READY + "smc ffa_msg_wait\n", LINES + 1)
    assert "expected  ok" in done.out
    fails(READY + "smc ffa_msg_wait => -1\n", LINES + 1)
    fails(READY + "smc ffa_msg_wait => refused\n", LINES + 1)
    mistaken("let DENIED = 1\nboot\n", 1, "an outcome", column=5)
    mistaken(READY + "smc ffa_msg_wait => SHARED_OWNED\n", LINES + 1, "is no outcome")


def test_descriptors(passes, fails, mistaken):
    passes(READY + "ffa describe tx p 1 => 96\nexpect mem(tx+80) == p\nexpect mem(tx+88) == 1\n"
           "expect mem(tx+64) == 0x100000001\nffa describe tx p 2 p+64K 3 more=5 more_pages=7\n"
           "expect mem(tx+64) == 12 + (7 << 32)\nffa ranges tx p 9 => 16\nexpect mem(tx) == p\n"
           "ffa describe tx p 1 version=0x10000 => 80\nffa describe tx p 1 version=0x10002 => 112\n"
           )  # fmt: skip
    # the host's own stores, through its stage 2
    passes("kernel v7.2\nboot\nffa describe 0x7fe00000 0 1 => abort\nffa describe 0x1000 0 1 => bus\n")
    # across pages, one of which is not the host's
    passes("kernel v7.2\nboot\nffa describe 0x7fdfffc0 0 1 => abort\n")
    mistaken(READY + "ffa write tx p 1\n", LINES + 1, "describe or ranges is wanted", column=5)
    mistaken(READY + "ffa describe tx p\n", LINES + 1, "too few arguments")
    mistaken(READY + "ffa describe tx p 1 p\n", LINES + 1, "a range is an address and")
    mistaken(READY + "ffa describe tx+4 p 1\n", LINES + 1, "multiple of 8", column=14)
    mistaken(READY + "ffa describe tx p 1<<32\n", LINES + 1, "32 bits")
    mistaken(READY + "ffa describe tx p 1 more=1<<32\n", LINES + 1, "32 bits")
    mistaken(READY + "ffa ranges tx p 1 more=1\n", LINES + 1, "takes no `more=`")


def test_registers(passes, mistaken):
    passes("boot\nexpect reg(0) == 0\nhvc host_share_hyp pfn(uart) => -EPERM\n"
           "expect reg(0) == 0\nexpect reg(1) == 0xffffffffffffffff\n"
           "hvc raw 0xc6000fff 1 2 => refused\nexpect reg(0) == 0xffffffffffffffff\n"
           "expect reg(2) == 2\n")  # fmt: skip
    passes(READY + "smc raw 0x8400006f 0x8001 0 3 4 5 6 7 8\nexpect reg(8) == 8\n")
    mistaken("boot\nexpect reg(18) == 0\n", 2, "x0 to x17")
    mistaken("hyp_memory reg(0)\nboot\n", 1, "")


def test_recorded(passes, run, tmp_path):
    """An SMC run as recorded gives the same, errors included."""
    text = READY + "ffa describe tx p 1\nsmc ffa_mem_share 96 96\nsmc ffa_mem_share 96 96 => DENIED\n"
    passes(text + "smc raw 0x84000077 1 imm=0\n", "--record=r.pkvm")
    recorded = (tmp_path / "r.pkvm").read_text()
    assert "=> DENIED\n" in recorded and "imm=0" in recorded
    assert run("run", "r.pkvm", cwd=tmp_path).status == 0


def test_machine_interface(repl):
    answers = repl.all(READY + "smc ffa_msg_wait\nexpect result == NOT_SUPPORTED")
    assert "NOT_SUPPORTED" in json.dumps(answers[-2]), answers[-2]
    assert answers[-1]["outcome"] == "ok", answers[-1]


def test_a_descriptor_in_a_guests_page(run):
    """The kernel writes it, so from v7.1 on it takes the page from the guest: no rule is broken."""
    text = (
        "machine tiny\nkernel v7.2\nset ffa=v1.1\nboot\nvm create c protected\n"
        "host map c gfn=0x5 pages=1 page=0x40c03000\nexpect owner(0x40c03000) == c\n"
        "ffa describe 0x40c03000 0x40802000 1 => 96\nexpect owner(0x40c03000) == host\n"
        "expect state(c, 0x5000) == POISON\n"
    )
    done = run("run", "-", stdin=text)
    assert done.status == 0, done.out
