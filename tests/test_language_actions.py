# SPDX-License-Identifier: GPL-2.0-or-later
"""The language, section 3: actions, and what they must give."""

import pytest

from language_support import PANICKED, PATCHED, passes, fails, mistaken  # noqa: F401


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
    mistaken("boot\nhvc __pkvm_host_shar_hyp 1\n", 2, "did you mean `host_share_hyp`?", column=5)
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
           "host exec 0x40000000\nhost read uart isv=0 => any\nhost read uart at=0\n")  # fmt: skip
    mistaken("host read uart 3\n", 1, "1, 2, 4 or 8", column=16)
    mistaken("host write uart 256 1\n", 1, "does not fit", column=17)
    mistaken("host write uart -129 1\n", 1, "does not fit", column=17)
    mistaken("host read -1\n", 1, "cannot be negative", column=11)
    mistaken("host read uart isv=2\n", 1, "isv is 0 or 1")
    mistaken("host read uart at=2\n", 1, "at is 0 or 1")
    mistaken("host read uart isv=0 isv=0\n", 1, "stands twice")
    mistaken("host read uart is=0\n", 1, "did you mean `isv`?")
    mistaken("host peek uart\n", 1, "read, write, exec", column=6)
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
    passes(text + "el2 host_donate_hyp_mmio pfn(uart) => any\nexpect events(alloc) > 0\n",
           "--check=off")  # fmt: skip
    mistaken("boot\ndrain host_s3\n", 2, "did you mean `host_s2`?", column=7)
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


def test_echo_and_show(scenario, mistaken):
    done = scenario("boot\necho hello there\nshow knobs\nshow walk host uart\n")
    assert done.status == 0, done.out + done.err
    assert "hello there" in done.out and "s2_unmap_annotated" in done.out
    mistaken("boot\nhost write 0x4002d000 1 => panic\nshow owner\n", 3, "did you mean `owners`?",
             column=6)  # fmt: skip
    mistaken("show nonsense\n", 1, "nothing called `nonsense`", column=6)


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
           "let p = page()\nel2 host_donate_hyp pfn(p) 1 => any\nhost read uart\n",
           "--check=off")  # fmt: skip
    passes(failed + "hvc host_share_hyp pfn(page()) => any\nexpect cpu0.result == result\n",
           "--check=off")  # fmt: skip


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
    repl.all("repeat 100K\nexpect 1")
    assert len(repl("end")["text"]) < 100000
