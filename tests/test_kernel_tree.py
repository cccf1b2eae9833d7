# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel tree's own code as EL2: built, run, compared with ours, and refused with reason."""

import os
import pathlib
import re
import subprocess

import pytest

from kernel_tree import ROOT, copy_tree, environment, recordings, replace, tree  # noqa: F401 (fixtures)


# Every scenario that the tree's release and knobs allow has the answers that the file says.
def test_scenarios(run, tree):
    r = run("run", f"--kernel-tree={tree}", "--format=jsonl", "scenarios")
    assert r.status == 0, r.out[-2000:] + r.err
    end = r.objects[-1]
    assert end["failed"] == 0 and end["passed"] >= 70
    # FF-A and the life of VMs among them
    passed = {o["file"] for o in r.objects if o.get("verdict") == "pass"}
    assert "scenarios/lifecycle/how-did-v6-12-make-vms.pkvm" in passed
    assert sum(f.startswith("scenarios/ffa/") for f in passed) >= 10
    # what is not run is skipped for a reason that names the tree or what it lacks
    skips = {o["skip"] for o in r.objects if o.get("skip")}
    assert any("mmio_donation=none" in s for s in skips)
    assert any("nearest to v6.12" in s for s in skips)


# The oracle that works everything out twice agrees with itself on the tree's memory.
def test_paranoid(run, tree):
    r = run("run", f"--kernel-tree={tree}", "--check=paranoid", "scenarios/aborts")
    assert r.status == 0, r.out[-2000:] + r.err


# Our EL2 and the tree's do the same, action by action.
def test_conform(run, tree):
    r = run("conform", f"--kernel-tree={tree}", "--actions=200000", "scenarios")
    assert r.status == 0, r.out[-2000:] + r.err
    assert "0 differ" in r.out and "200000 actions" in r.out and "no difference" in r.out
    assert "self-test: the tree has none" in r.out


# What the real code answered when it was recorded it answers here: EL2, and the library alone.
def test_golden(run, tree, recordings):
    files = sorted(recordings.glob("v6.12/*.jsonl"))
    r = run("golden", f"--kernel-tree={tree}", *files)
    assert r.status == 0, r.out[-2000:] + r.err
    for file, line in zip(files, r.out.splitlines(), strict=True):
        assert line.startswith(f"{file}: ") and line.endswith(" operations, no difference")


# A recording of another release is no difference, and says why it is not replayed.
def test_golden_of_another_release(run, tree, recordings):
    r = run("golden", f"--kernel-tree={tree}", recordings / "v7.2/s2_enomem.jsonl")
    assert r.status == 0
    assert r.out.endswith("skipped: the tree is nearest to v6.12, not v7.2\n")


# The oracle judges the tree's code as it judges ours: random actions break nothing unknown.
def test_random(run, tree):
    r = run("random", f"--kernel-tree={tree}", "--vms", "--set=ffa=v1.1", "--actions=5000", "--seed=3")
    assert r.status == 0, r.out[-2000:] + r.err
    assert "vm create" in r.out and "smc ffa_mem_share" in r.out


# A seed gives the same bytes again, though another process did the work.
def test_deterministic(run, tree):
    args = ["run", f"--kernel-tree={tree}", "--trace=-", "scenarios/aborts/how-much-does-one-fault-map.pkvm"]
    assert run(*args).raw == run(*args).raw


@pytest.fixture(scope="session")
def broken(tree, tmp_path_factory):
    """A tree that forgets a page's new state, and panics or loops over certain pages."""
    copy = tmp_path_factory.mktemp("broken")
    source = "arch/arm64/kvm/hyp/nvhe/mem_protect.c"
    copy_tree(tree, copy, source)
    text = (copy / source).read_text()
    for old, new in (
        (
            "return __host_set_page_state_range(addr, size, PKVM_PAGE_SHARED_OWNED);",
            "return __host_set_page_state_range(addr, size, PKVM_PAGE_OWNED);",
        ),
        (
            "int __pkvm_host_share_hyp(u64 pfn)\n{",
            "int __pkvm_host_share_hyp(u64 pfn)\n{\n\tBUG_ON(pfn == 0x41000);\n"
            "\tif (pfn == 0x41001)\n\t\t*(volatile int *)8 = 1;\n"
            "\twhile (pfn == 0x41002)\n\t\tbarrier();\n",
        ),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (copy / source).write_text(text)
    return copy


# A changed step is a difference, shown with both sides and in few actions.
def test_conform_sees_a_change(run, broken):
    r = run("conform", f"--kernel-tree={broken}", "--actions=20000")
    assert r.status == 1, r.out[-2000:] + r.err
    assert "ours " in r.out and "tree's " in r.out
    shown = r.out[r.out.index("machine virt") :].splitlines()
    assert len(shown) <= 5, r.out  # set-up, boot and one or two actions


# And it is a breach for the oracle, which knows nothing of our EL2.
def test_oracle_sees_a_change(run, broken):
    r = run("random", f"--kernel-tree={broken}", "--actions=20000")
    assert r.status == 1 and "violation" in r.out, r.out[-2000:] + r.err


# A panic names the tree's file, line and what stands there; what never ends is a hang.
@pytest.mark.parametrize(
    "pfn, words",
    [
        ("0x41000", ["panic", "mem_protect.c:", "BUG_ON(pfn == 0x41000)"]),
        ("0x41001", ["panic", "EL2 data abort", "__pkvm_host_share_hyp", "mem_protect.c:"]),
        ("0x41002", ["hang"]),
    ],
)
def test_panic_and_hang(run, broken, tmp_path, pfn, words):
    s = tmp_path / "a.pkvm"
    s.write_text(f"title x\nboot\nhvc host_share_hyp {pfn}\n")
    r = run("run", f"--kernel-tree={broken}", "--check=off", str(s))
    assert r.status == 1
    for w in words:
        assert w in r.out


# A definition that nobody has shows when all is put together: who wants it, and where that stands.
def test_undefined(run, tree, tmp_path):
    assert run("run", f"--kernel-tree={tree}", "scenarios/aborts/how-much-does-one-fault-map.pkvm").status == 0
    trees = (ROOT / "build/cache/pkvm-sim/trees").glob("*/tree")
    mine = [f for f in trees if f.read_text().strip() == str(tree.resolve())]
    built = max(mine, key=lambda f: f.stat().st_mtime).parent
    objects = [line.split()[1] for line in (built / "jobs").read_text().splitlines()]
    objects.remove("early_alloc")
    for f in ["tree", "gen", *(f.name for f in built.glob("rt-*.o"))]:
        (tmp_path / f).symlink_to(built / f)
    subprocess.run(
        ["ld", "-r", "-o", tmp_path / "tree.o", *(built / f"{o}.o" for o in objects)], check=True
    )
    done = subprocess.run(
        ["sh", ROOT / "sim/tree/kernel/link.sh", tmp_path, tmp_path / "el2", "0x40010000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and not (tmp_path / "el2").exists()
    assert "\narch/arm64/kvm/hyp/nvhe/" in done.stderr
    assert "undefined reference to `hyp_early_alloc" in done.stderr
    assert "The definition has another name" in done.stderr
    assert len(done.stderr.splitlines()) <= 16


# At the prompt too: what a tree's EL2 has not is refused, and the session goes on.
def test_prompt(run, tree):
    lines = ["boot", "vm create a", "fail alloc a nth=1", "parallel", "cpu0: hvc host_share_hyp 0x41000", "end", "hvc host_share_hyp 0x41000"]
    r = run("repl", "--format=jsonl", f"--kernel-tree={tree}", stdin="\n".join(lines) + "\n")
    by_line = {o["line"]: o for o in r.objects}
    assert by_line[2]["outcome"] == "ok" and by_line[2]["value"] == 0
    assert by_line[3]["outcome"] == "error" and "VMs are not emptied" in by_line[3]["text"]
    assert by_line[6]["outcome"] == "error" and "CPUs are not switched" in by_line[6]["text"]
    assert by_line[7]["outcome"] == "ok" and by_line[7]["value"] == 0


# Every allocation of every action, boot's among them, fails once on the tree's code.
def test_sweep(run, tree):
    r = run("sweep", f"--kernel-tree={tree}", "scenarios/aborts/how-much-does-one-fault-map.pkvm")
    assert r.status == 0, r.out[-2000:] + r.err
    assert "0 failed allocations" not in r.out


# No tree, and options that a tree leaves nothing to.
def test_usage(run, tree, tmp_path):
    assert "is it a Linux source tree with pKVM?" in run("run", f"--kernel-tree={tmp_path}", "scenarios/aborts").err
    for option in ("--kernel=v7.0", "--patch=mmio-v3", "--bug=B-01"):
        r = run("run", f"--kernel-tree={tree}", option, "scenarios/aborts")
        assert r.status == 2 and "--kernel-tree" in r.err
    assert run("conform").status == 2


# A combination that says what the tree is not is skipped, not failed.
def test_set_is_a_statement(run, tree):
    r = run("run", f"--kernel-tree={tree}", "--set=host_eperm=inject", "--format=tap", "scenarios/aborts")
    assert r.status == 0 and "host_eperm=panic" in r.out


# A row has both EL2s' times of the same work, their ratio, and verdicts that its numbers bear out.
def test_bench(run, tree):
    r = run("bench", "--quick", f"--kernel-tree={tree}", "refused")
    assert r.status == 0 and r.err == "", r.err
    row = re.search(
        r"^refused +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) (ok|above) +(\d+) +([\d.]+) +(\d+) (ok|above)$",
        r.out,
        re.M,
    )
    kernel, ours, times, limit, ok, checked, checked_times, checked_limit, checked_ok = row.groups()
    assert float(times) == pytest.approx(float(ours) / float(kernel), rel=0.02)
    assert float(limit) == pytest.approx(2 * float(kernel) + 30, abs=0.3)
    assert (ok == "ok") == (float(ours) <= float(limit))
    assert float(checked_times) == pytest.approx(float(checked) / float(kernel), rel=0.02)
    assert float(checked_limit) == pytest.approx(max(10 * float(kernel), 1000), abs=1)
    assert (checked_ok == "ok") == (float(checked) <= float(checked_limit))
    assert float(ours) < float(checked)
    # what one of the two does not have is no figure
    assert "lend         absent: v6.12" in run("bench", f"--kernel-tree={tree}", "lend").out
    r = run("bench", f"--kernel-tree={tree}", "lent")
    assert r.status == 2 and '"lent"; did you mean lend?' in r.err


@pytest.fixture(scope="session")
def newer():
    """A tree with guests: v7.0 or later. No package that CI can rely on has one."""
    given = os.environ.get("PKVM_SIM_NEWER_TREE")
    if not given:
        pytest.skip("PKVM_SIM_NEWER_TREE names no tree that has guests")
    return pathlib.Path(given)


# VMs are made, run and taken apart by the tree's own calls, and its guests do what ours do.
def test_guests(run, newer):
    r = run("run", f"--kernel-tree={newer}", "--format=jsonl", "scenarios/guests", "scenarios/lifecycle", "scenarios/selftest")
    assert r.status == 0, r.out[-2000:] + r.err
    assert r.objects[-1]["failed"] == 0 and r.objects[-1]["passed"] >= 30


# The kernel's own test of ownership runs at a boot, leaves what ours leaves, and can fail.
def test_selftest(run, newer, tmp_path):
    r = run("conform", f"--kernel-tree={newer}", "--actions=0")
    assert r.status == 0, r.out + r.err
    assert r.out == "self-test: the tree's own passes, memory after it is ours\n"
    source = "arch/arm64/kvm/hyp/nvhe/mem_protect.c"
    copy_tree(newer, tmp_path, source)
    replace("pkvm_ownership_selftest(void *base)\n{", "pkvm_ownership_selftest(void *base)\n{\n\tWARN_ON(base);")(tmp_path / source)
    r = run("conform", f"--kernel-tree={tmp_path}", "--actions=1000")
    assert r.status == 1, r.out + r.err
    assert "self-test: the tree's ends in a panic: WARN pkvm_ownership_selftest" in r.out


# Recorded transitions of guests' memory are those of the tree's code.
def test_guests_recorded(run, newer, recordings):
    r = run("golden", f"--kernel-tree={newer}", recordings / "v7.2/ownership.jsonl")
    assert r.status == 0 and "no difference" in r.out, r.out[-2000:] + r.err


# And action by action; a guest that keeps what it had to give back is seen.
def test_guests_conform(run, newer, tmp_path):
    r = run("conform", f"--kernel-tree={newer}", "--actions=20000", "scenarios/guests")
    assert r.status == 0, r.out[-2000:] + r.err
    source = "arch/arm64/kvm/hyp/nvhe/mem_protect.c"
    copy_tree(newer, tmp_path, source)
    replace("hyp_poison_page(phys);\n\t\tbreak;", "break;")(tmp_path / source)
    r = run("conform", f"--kernel-tree={tmp_path}", "--actions=20000")
    assert r.status == 1 and "vm create" in r.out, r.out[-2000:] + r.err
