# SPDX-License-Identifier: GPL-2.0-or-later
"""Several CPUs at once: parallel, explore, and what is said of them."""

import random
import re

import pexpect
import pytest

from conftest import ROOT
from language_support import fails, mistaken, passes, recorded, runs  # noqa: F401

SHARE = "boot\nlet p = page()\n"
RACE = (
    "cpu0: hvc host_share_hyp pfn(p)\n"
    "cpu1: hvc host_unshare_hyp pfn(p) => 0 or -EPERM\n"
    "end\n"
)
STATES = re.compile(r"^States (\d+)$", re.M)
EXPLORED = re.compile(r"^Explored (\d+) interleavings? of up to \d+ steps(.*): (.*)$", re.M)


SMP = ROOT / "scenarios" / "smp"
B31 = "what-if-nobody-knows-where-it-faulted.pkvm"


def explored(out):
    """How many interleavings, of how many states, and whether that was all."""
    found = EXPLORED.search(out)
    return int(found[1]), int(STATES.search(out)[1]), found[3]


def test_what_is_no_block_of_cpus(mistaken):
    """Each mistake of form is told where it stands."""
    mistaken("boot\nparallel\nend\n", 3, "no line")
    mistaken("boot\nexplore\nhvc prot_finalize\nend\n", 3, "cpuN:")
    mistaken("boot\nexplore\ncpu0: drain host_s2\nend\n", 3, "in a block of CPUs stand")
    mistaken("boot\nexplore\nlet a = 1\nend\n", 3, "in a block of CPUs stand")
    mistaken("boot\nexplore fast=1\ncpu0: hvc prot_finalize\nend\n", 2, "takes no `fast=`")
    mistaken("boot\nexplore preemptions=x\ncpu0: hvc prot_finalize\nend\n", 2, "a number")
    mistaken("boot\nexplore alloc=none\ncpu0: hvc prot_finalize\nend\n", 2, "alloc=any")
    mistaken("boot\nschedule 0\n", 2, "first line of `parallel`")
    mistaken("boot\nexplore\nschedule 0\n", 3, "first line of `parallel`")
    mistaken("boot\nparallel\ncpu0: host read 0\nschedule 0\n", 4, "first line of `parallel`")
    mistaken("boot\nparallel\nschedule 0 x\n", 3, "a CPU's number", column=12)
    mistaken("boot\nparallel\nschedule\n", 3, "are missing")
    mistaken("boot\nalways 1\n", 2, "right after the `end`")
    mistaken("boot\nrepeat 1\nend\nnever 1\n", 4, "right after the `end`")
    mistaken(SHARE + "explore\n" + RACE + "always violation spec\n", 7, "never or sometimes")
    mistaken(SHARE + "explore\n" + RACE + "never violation speck\n", 7, "no rule `speck`")
    mistaken(SHARE + "explore\n" + RACE + "expect 1\nnever 1\n", 8, "right after the `end`")
    mistaken(
        "boot\nexplore\ncpu0: host read uart => ok, violation spec\nend\n", 3, "after the block"
    )
    mistaken(
        "boot\nexplore\ncpu0: host read uart\n=> ok, violation spec\nend\n", 4, "after the block"
    )


def test_a_schedule_says_who_comes_first(passes):
    """The CPU that the schedule names takes the lock; the other finds what it left."""
    passes(
        SHARE + "parallel\nschedule 0*11 1\n" + RACE + "always cpu1.result == 0\n"
        "always owner(p) == host\nnever state(hyp, p) == SHARED_BORROWED\n"
    )
    passes(
        SHARE + "parallel\nschedule 1*5 0\n" + RACE + "always cpu1.result == -EPERM\n"
        "sometimes state(hyp, p) == SHARED_BORROWED\n"
    )


def test_a_schedule_that_is_impossible(mistaken):
    """Who waits for a lock, or has ended, cannot step; the message points at the step."""
    mistaken(SHARE + "parallel\nschedule 0*2 1*2\n" + RACE, 4, "cannot step here", column=14)
    mistaken(SHARE + "parallel\nschedule 1*50\n" + RACE, 4, "cannot step here")
    mistaken(SHARE + "parallel\nschedule 0 alloc 1\n" + RACE, 4, "nothing of that kind")


def test_the_same_schedule_gives_the_same_events(run, tmp_path):
    """Traces of two runs under one schedule, or one seed, are equal to the byte."""
    (tmp_path / "t.pkvm").write_text(SHARE + "parallel\nschedule 0*11 1*3\n" + RACE)
    (tmp_path / "s.pkvm").write_text(SHARE + "parallel\n" + RACE)
    for args in (["t.pkvm"], ["--seed=3", "s.pkvm"]):
        traces = []
        for name in ("a", "b"):
            assert run("run", f"--trace={name}", *args, cwd=tmp_path).status == 0
            traces.append((tmp_path / name).read_bytes())
        assert traces[0] == traces[1]


def test_chance_finds_both_orders(scenario):
    """Seeds give different orders of one block."""
    got = {
        re.search(r"host_unshare_hyp pfn\(p\)\s+(\S+)", scenario(SHARE + "parallel\n" + RACE,
                                                                 f"--seed={s}").out)[1]
        for s in range(12)
    }
    assert got == {"ok", "-EPERM"}


def test_share_against_unshare(passes):
    """Two orders of the locks are all there is, and each ends in a state of its own."""
    done = passes(SHARE + "explore\n" + RACE + "sometimes cpu1.result == 0\nalways owner(p) == host\n")
    assert explored(done.out) == (2, 2, "complete")
    assert "Observation t Sometimes 1 1" in done.out
    assert "Condition forall (owner(p) == host)" in done.out


@pytest.mark.parametrize(
    "cpus, calls, orders", [(2, 2, 6), (2, 4, 70), (3, 2, 90), (3, 3, 1680), (4, 2, 2520)]
)
def test_calls_that_take_one_lock(passes, cpus, calls, orders):
    """Calls that fail under the host's lock come in as many orders as the multinomial says."""
    lines = "".join(
        f"cpu{c}: el2 host_unshare_ffa pfn(p) 1 => -EPERM\n"
        for c in range(cpus)
        for _ in range(calls)
    )
    done = passes(f"cpus {cpus}\n" + SHARE + "explore\n" + lines + "end\n")
    assert explored(done.out)[0] == orders
    assert explored(done.out)[2] == "complete"


def test_a_bound_on_forced_switches(passes):
    """With none each CPU goes on as long as it can; the report says that it was bounded."""
    done = passes(SHARE + "explore preemptions=0\n" + RACE)
    assert explored(done.out) == (2, 2, "complete")
    assert "with at most 0 forced switches" in done.out
    reads = "cpu0: hvc host_share_hyp pfn(p)\ncpu1: host read p\nend\n"
    none = explored(passes(SHARE + "explore preemptions=0\n" + reads).out)[0]
    one = explored(passes(SHARE + "explore preemptions=1\n" + reads).out)[0]
    assert none == 2
    assert one > 10


def test_a_line_must_hold_in_every_interleaving(fails):
    """What fails in one order fails, with the order in which it does."""
    text = SHARE + "explore\n" + RACE.replace(" => 0 or -EPERM", "")
    done = fails(text, 5)
    assert "schedule 1*" in done.out
    fails(SHARE + "explore\n" + RACE + "never cpu1.result == 0\n", 7)
    fails(SHARE + "explore\n" + RACE + "always cpu1.result == 0\n", 7)
    fails(SHARE + "explore\n" + RACE + "sometimes cpu1.result == 5\n", 7)


def test_a_schedule_that_is_shown_does_what_is_said(scenario, passes):
    """Pasted under parallel, the shortest schedule gives what it was found for."""
    done = scenario(SHARE + "explore\n" + RACE + "never cpu1.result == 0\n")
    schedule = re.search(r"Shortest for cpu1.result == 0: .*\n +(schedule .*)", done.out)[1]
    passes(SHARE + f"parallel\n{schedule}\n" + RACE + "always cpu1.result == 0\n")


def test_where_the_machine_is_left(passes):
    """After the block the machine is as one of the interleavings leaves it."""
    passes(SHARE + "explore\n" + RACE + "expect cpu1.result == 0\nexpect state(host, p) == OWNED\n")


def test_a_lock_that_nobody_frees(passes):
    """Who waits for what a CPU holds that panicked is not run: that is no deadlock."""
    text = (
        "patch its-v1\nboot\nexplore\n"
        "cpu0: el2 host_donate_hyp_mmio pfn(uart)\n"
        "cpu1: host read uart => ok or panic\n"
        "end\nsometimes owner(uart) == hyp\n"
    )
    assert explored(passes(text).out)[2] == "complete"


def test_parts_of_a_search(run, tmp_path):
    """Processes and shards find together what one finds, and tell it in the same bytes."""
    text = (
        "patch its-v1\nset host_eperm=inject\nboot\nexplore\n"
        "cpu0: el2 host_donate_hyp_mmio pfn(uart)\n"
        "cpu1: host write uart 1 => ok or abort\n"
        "end\nnever cpu1.result == abort\n"
    )
    (tmp_path / "t.pkvm").write_text(text)
    whole = run("explore", "--jobs=1", "t.pkvm", cwd=tmp_path)
    assert whole.status == 1
    assert run("explore", "--jobs=3", "t.pkvm", cwd=tmp_path).raw == whole.raw
    runs_of = []
    for i in range(4):
        part = run("explore", f"--shard={i}/4", f"--part=p{i}", "t.pkvm", cwd=tmp_path)
        assert f"part {i} of 4" in part.out
        runs_of.append(explored(part.out)[0])
    assert sum(runs_of) == explored(whole.out)[0]
    assert min(runs_of) < explored(whole.out)[0]
    merged = run("explore", *(f"--merge=p{i}" for i in range(4)), "t.pkvm", cwd=tmp_path)
    assert merged.raw == whole.raw


def test_parts_tell_what_broke(run):
    """Breaches with their events go from part to whole as they are."""
    path = SMP / "is-a-donation-recycled.pkvm"
    one = run("explore", "--jobs=1", "--set=s2_unmap_annotated=clear", path)
    assert "  single-owner" in one.out or "single-owner;" in one.out
    assert run("explore", "--jobs=2", "--set=s2_unmap_annotated=clear", path).raw == one.raw
    unexpected = run("explore", "--jobs=1", "--bug=B-31", "--kernel=v7.0", SMP / B31)
    assert "violation spec" in unexpected.out
    assert run("explore", "--jobs=2", "--bug=B-31", "--kernel=v7.0", SMP / B31).raw == unexpected.raw


def test_parts_of_something_else(run, tmp_path):
    """A part is of one block on one configuration, and whole."""
    (tmp_path / "t.pkvm").write_text(SHARE + "explore\n" + RACE)
    assert run("explore", "--shard=0/1", "--part=p", "t.pkvm", cwd=tmp_path).status == 0
    assert run("explore", "--merge=p", "t.pkvm", cwd=tmp_path).status == 0
    other = run("explore", "--merge=p", "--kernel=v6.12", "t.pkvm", cwd=tmp_path)
    assert other.status == 2
    assert "of another block" in other.err
    part = (tmp_path / "p").read_text()
    (tmp_path / "p").write_text(part[: len(part) // 2])
    assert run("explore", "--merge=p", "t.pkvm", cwd=tmp_path).status == 2
    for args in (["--shard=1/1"], ["--shard=0/2"], ["--part=p"], ["--merge=none"], ["--jobs=0"]):
        assert run("explore", *args, "t.pkvm", cwd=tmp_path).status == 2


def test_a_search_that_is_stopped(run, tmp_path):
    """What --states leaves over is said, and the answer is not called complete."""
    (tmp_path / "t.pkvm").write_text(
        "cpus 3\n" + SHARE + "explore\n"
        + "".join(f"cpu{c}: el2 host_unshare_ffa pfn(p) 1 => -EPERM\n" for c in (0, 1, 2) * 3)
        + "end\n"
    )
    done = run("explore", "--jobs=1", "--states=1000", "t.pkvm", cwd=tmp_path)
    assert re.search(r"NOT complete, at least [1-9]\d* are left", done.out)
    assert explored(run("explore", "t.pkvm", cwd=tmp_path).out)[0] == 1680


def test_how_it_comes_to_it(run, tmp_path):
    """The listing has a column a CPU, up to where it broke, and names who waits for whom."""
    (tmp_path / "t.pkvm").write_text(SHARE + "explore\n" + RACE + "never cpu1.result == 0\n")
    out = run("explore", "--jobs=1", "t.pkvm", cwd=tmp_path).out
    lines = out[out.index("How it comes to") :].splitlines()
    assert re.fullmatch(r"  CPU 0 {33}CPU 1", lines[1])
    assert "  lock host_mmu" in lines
    assert " " * 40 + "lock host_mmu" in lines


@pytest.mark.parametrize(
    "name, options, shown",
    [
        (
            "what-if-two-cpus-make-one-vcpu",
            ["--bug=B-21", "--kernel=v7.2"],
            "not (pins(mine) + pins(yours) == 1)",
        ),
        (
            "what-if-nobody-knows-where-it-faulted",
            ["--bug=B-31", "--kernel=v7.0"],
            "cpu1.result == panic",
        ),
    ],
)
def test_bugs_are_found_by_searching(run, tmp_path, name, options, shown):
    """Without the bug all orders pass; with it one fails, which can be pasted and fails again."""
    text = (SMP / f"{name}.pkvm").read_text()
    assert run("explore", options[1], SMP / f"{name}.pkvm").status == 0
    done = run("explore", "--jobs=1", *options, SMP / f"{name}.pkvm")
    assert done.status == 1
    schedule = re.search(rf"Shortest for {re.escape(shown)}: .*\n +(schedule .*)", done.out)[1]
    (tmp_path / "t.pkvm").write_text(text.replace("explore\n", f"parallel\n\t{schedule}\n"))
    again = run("run", "--keep-going", *options, tmp_path / "t.pkvm")
    assert again.status == 1
    assert re.search(r"FAIL: (always pins|never cpu1.result == panic)", again.out)


def test_each_is_searched_to_the_end(run):
    """Every block of scenarios/smp is answered for all interleavings, none bounded."""
    done = run("explore", "--jobs=1", SMP)
    assert done.status == 0
    found = EXPLORED.findall(done.out)
    assert len(found) >= 28
    assert {f[2] for f in found} == {"complete"}
    assert {f[1] for f in found} == {", one of each set of equivalent ones"}


def test_a_block_is_recorded_as_it_ran(run, tmp_path):
    """What --record writes of a block runs under the same schedule, and is recorded the same."""
    (tmp_path / "t.pkvm").write_text(
        SHARE + "parallel\n" + RACE + "explore\n" + RACE.replace("hyp pfn(p)", "hyp pfn(p+4096)")
    )
    for seed in range(3):
        done = run("run", f"--seed={seed}", "--record=a.pkvm", "t.pkvm", cwd=tmp_path)
        assert done.status == 0
        assert "schedule " in (tmp_path / "a.pkvm").read_text()
        assert run("run", "--record=b.pkvm", "a.pkvm", cwd=tmp_path).status == 0
        assert (tmp_path / "a.pkvm").read_bytes() == (tmp_path / "b.pkvm").read_bytes()



CALLS = [
    "hvc host_share_hyp pfn({p})",
    "hvc host_unshare_hyp pfn({p})",
    "el2 pin_shared_mem hyp_va({p}) hyp_va({p}+4096)",
    "el2 host_unshare_ffa pfn({p}) 1",
    "el2 host_share_ffa pfn({p}) 1",
    "host read {p}",
    "host write {p} 3",
    "host read {a}",
    "host write {a} 4",
]


@pytest.mark.parametrize("number", range(20))
def test_leaving_orders_out_loses_nothing(scenario, number):
    """Programs by chance: all orders, one by one, end in the same states and breaches."""
    rand = random.Random(number)

    def lines(cpu, n):
        words = (rand.choice(CALLS).format(p=rand.choice("pq"), a="ram(0)+0x300000")
                 for _ in range(n))
        return "".join(f"cpu{cpu}: {w} => any\n" for w in words)

    body = lines(0, rand.choice([1, 2])) + lines(1, rand.choice([1, 2]))
    body += "end\nsometimes pins(p) + pins(q) >= 0 and mem(p) + mem(q) >= 0\n"
    start = "boot\nlet p = page()\nlet q = page()\nhost write p 1\nhvc host_share_hyp pfn(q)\n"
    few = scenario(start + "explore\n" + body).out
    every = scenario(start + "explore preemptions=1000\n" + body).out

    def states(out):
        return re.search(r"^States (?:.|\n)*?\n(?=Ok\n|No\n)", out, re.M)[0]

    assert explored(few)[2] == explored(every)[2] == "complete"
    assert explored(few)[0] <= explored(every)[0]
    assert states(few) == states(every)


def test_how_far_it_is(binary, tmp_path):
    """On a terminal a search that takes longer than a second says how far it is."""
    lines = "".join(f"cpu{c}: el2 host_unshare_ffa pfn(p) 1 => -EPERM\n" for c in range(4)) * 4
    (tmp_path / "t.pkvm").write_text("cpus 4\n" + SHARE + "explore\n" + lines + "end\n")
    child = pexpect.spawn(
        str(binary), ["explore", "--jobs=1", "--time=4", "t.pkvm"], cwd=tmp_path, timeout=60
    )
    child.expect(r"explore: [1-9]\d* interleavings, \d+/s, of up to \d+ steps, at least \d+ left")
    child.expect("NOT complete")
    child.expect(pexpect.EOF)


def test_after_a_panic(scenario):
    """A block after a panic is not run, and what is said of it counts neither way."""
    panic = "patch its-v1\nboot\nhost write uart 5\nhost write 0x4002d000 1 => panic\n"
    block = "cpu0: host read uart => 5\nend\nnever 1\n"
    for kind in ("explore", "parallel\nschedule 0"):
        done = scenario(panic + kind + "\n" + block)
        assert done.status == 0
        assert "not run" in done.out
