# SPDX-License-Identifier: GPL-2.0-or-later
"""pkvm-sim random: chance finds what is broken, tells it shortly, and nothing where nothing is."""

import json
import re

import pytest

from conftest import ROOT

BOARDS = ["virt", "phone", "server48", "tiny"]
KERNELS = ["v6.12", "v7.0", "v7.2"]


def test_same_seed_same_bytes(run):
    """Another seed is another run; the default is seed 0."""
    args = ("random", "--actions=3000", "--format=jsonl")
    first = run(*args)
    assert first.status == 0 and first.err == ""
    assert run(*args).raw == first.raw == run(*args, "--seed=0").raw
    other = run(*args, "--seed=1")
    assert other.status == 0
    assert other.objects[0]["counts"] != first.objects[0]["counts"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("board", BOARDS)
def test_no_breach_without_reason(run, kernel, board):
    """Every kind of action is carried out, and succeeds at times; no rule is broken."""
    done = run("random", f"--kernel={kernel}", f"--machine={board}", "--actions=10000",
               "--format=jsonl")  # fmt: skip
    assert done.status == 0, done.out
    (report,) = done.objects
    assert report["actions"] == 10000
    counts = report["counts"]
    assert sum(sum(results.values()) for results in counts.values()) == 10000
    for name in ("host_share_hyp", "host_unshare_hyp", "host_donate_hyp", "hyp_donate_host",
                 "host_share_ffa", "host_unshare_ffa", "pin_shared_mem", "unpin_shared_mem",
                 "host_stage2_idmap", "host read", "host write", "host exec", "hyp read"):  # fmt: skip
        assert counts[name].get("ok", 0) > 5, (name, counts.get(name))
    for name in ("host_share_hyp", "host_donate_hyp", "host_unshare_hyp"):
        assert counts[name].get("-EPERM", 0) > 5


def test_patched(run):
    """Donated MMIO takes part where the knobs have it."""
    done = run("random", "--patch=its-v1-fixed", "--actions=20000", "--format=jsonl")
    assert done.status == 0, done.out
    counts = done.objects[0]["counts"]
    assert counts["host_donate_hyp_mmio"]["ok"] > 5
    assert counts["hyp_donate_host_mmio"]["ok"] > 5


def test_secure_world(run):
    """With FF-A the host maps mailboxes, lends memory, whole and in fragments, and reclaims it."""
    done = run("random", "--kernel=v7.2", "--set=ffa=v1.1", "--actions=20000", "--format=jsonl")
    assert done.status == 0, done.out
    counts = done.objects[0]["counts"]
    for name in ("ffa_rxtx_map", "ffa_rxtx_unmap", "ffa_mem_share", "ffa_mem_lend", "ffa_mem_reclaim"):
        assert counts[f"smc {name}"].get("ok", 0) > 3, name
    assert "ffa_mem_share" not in counts, "the SMCs take the place of the call"


@pytest.mark.parametrize("kernel", ["v7.0", "v7.2"])
def test_virtual_machines(run, kernel):
    """They are made, get memory, run, touch and share it, and end."""
    args = ("random", f"--kernel={kernel}", "--actions=30000", "--format=jsonl")
    done = run(*args, "--vms")
    assert done.status == 0, done.out
    counts = done.objects[0]["counts"]
    names = ["vm create", "vm run", "vm put", "vm destroy", "host map", "host unmap",
             "host wrprotect", "host age", "guest read", "guest write", "guest exec"]  # fmt: skip
    if kernel == "v7.2":  # v7.0 has no protected guests to map memory for
        names += ["guest hvc"]
    for name in names:
        assert counts[name].get("ok", 0) > 5, (name, counts[name])
    assert counts["guest read"]["fault"] > 20
    assert not any(name.startswith(("vm ", "guest ")) for name in run(*args).objects[0]["counts"])


@pytest.mark.parametrize("kernel", KERNELS)
def test_attacks_by_hypercall(run, kernel):
    """VMs are made, used and ended behind the driver's back too, with whatever words."""
    done = run("random", f"--kernel={kernel}", "--actions=30000", "--vms", "--format=jsonl")
    assert done.status == 0, done.out
    counts = done.objects[0]["counts"]
    names = ["init_vm", "init_vcpu"]
    refusals = [("init_vm", "-EPERM"), ("init_vm", "-ENOMEM"), ("init_vcpu", "-ENOENT")]
    if kernel != "v6.12":  # which has no other calls about VMs
        names += ["reserve_vm", "unreserve_vm", "vcpu_load", "vcpu_put", "host_share_guest",
                  "host_unshare_guest", "host_wrprotect_guest", "host_relax_perms_guest"]  # fmt: skip
        refusals += [("host_share_guest", "-EPERM"), ("host_share_guest", "-ERANGE"),
                     ("host_unshare_guest", "-ENOENT")]  # fmt: skip
    if kernel == "v7.2":
        names += ["host_donate_guest", "start_teardown_vm", "finalize_teardown_vm"]
        refusals += [("host_donate_guest", "-EPERM"), ("reclaim_dying_guest_page", "-EINVAL")]
    else:
        names += ["teardown_vm"]
    for name in names:
        assert counts[name].get("ok", 0) > 0, (name, counts[name])
    for name, error in refusals:
        assert counts[name].get(error, 0) > 0, (name, counts[name])


def test_what_is_known_is_told():
    """Each breach that is passed over stands in the list of differences, in the same words."""
    source = (ROOT / "sim/explore/known.c").read_text()
    fidelity = (ROOT / "docs/fidelity.md").read_text()
    reasons = re.findall(r'\.reason = ((?:\s*"[^"]*")+)', source)
    assert len(reasons) > 15
    for reason in reasons:
        words = "".join(re.findall(r'"([^"]*)"', reason))
        assert f"| {words} |" in fidelity


FOUND = [
    # bug, release, rule
    ("B-04", "v7.0", None),
    ("B-08", "v6.12", "spec"),
    ("B-11", "v7.0", None),
    ("B-16", "v7.0", None),
    ("B-28", "v7.2", "no-change-on-error"),
    ("B-31", "v7.2", None),
]


@pytest.mark.parametrize("bug, kernel, rule", FOUND)
def test_finds_a_bug_and_writes_it_down(run, tmp_path, bug, kernel, rule):
    """The scenario passes as it is, and shows no breach where the bug is off."""
    kept = tmp_path / "found.pkvm"
    done = run("random", f"--kernel={kernel}", f"--bug={bug}", f"--record={kept}")
    assert done.status == 1, done.out
    found = re.search(r"^action (\d+): FAIL: (.*) => (\S+)$", done.out, re.M)
    assert int(found[1]) < 100000
    text = kept.read_text()
    assert text in done.out, "what is recorded is printed too"
    lines = text.splitlines()
    assert lines[-1].startswith(found[2]) and ", violation " in lines[-1]
    assert rule is None or f"violation {rule}" in lines[-1]
    assert len([line for line in lines if " => " in line]) <= 12, "it was made short"
    assert run("run", kept).status == 0
    without = "\n".join(line for line in lines if line != f"bug {bug}")
    assert without != text.rstrip()
    kept.write_text(without + "\n")
    assert run("run", kept).status == 1


def test_jsonl_of_a_breach(run):
    done = run("random", "--kernel=v6.12", "--bug=B-08", "--format=jsonl")
    assert done.status == 1
    (report,) = done.objects
    assert report["type"] == "random" and report["rule"] == "spec"
    assert "bug B-08\n" in report["scenario"]
    assert json.dumps(report["configuration"]).count("B-08") == 1


def test_a_breach_at_boot(run):
    done = run("random", "--bug=B-03")
    assert done.status == 1
    assert re.search(r"^action 0: FAIL: boot => ", done.out, re.M)
    assert re.search(r"^boot => \S+, violation \S+$", done.out, re.M)


def test_allowed_breaches(run):
    """What is allowed is counted, with its reason, and does not end the run."""
    args = ("random", "--kernel=v6.12", "--bug=B-08", "--actions=20000")
    rules = ("spec", "single-owner", "confidential", "no-change-on-error", "range",
             "owner-progress", "refcount", "stale-tlb", "pinned")  # fmt: skip
    done = run(*args, *(f"--allow={rule}:as one knows" for rule in rules))
    assert done.status == 0, done.out
    assert re.search(r"known: spec, \d+ times: as one knows", done.out)
    elsewhere = run(*args, *(f"--allow={rule}@no_such_call" for rule in rules))
    assert elsewhere.status == 1


def test_set_up_of_a_file(run, tmp_path):
    """Board and knobs are the file's; its actions are not carried out."""
    (tmp_path / "t.pkvm").write_text(
        "machine tiny\nkernel v7.0\nset mmio_donation=v5 s2_unmap_annotated=skip\n"
        "protect 0x09000000+4K\nboot\nexpect 0\n"
    )
    done = run("random", "--actions=2000", "t.pkvm", cwd=tmp_path)
    assert done.status == 0, done.out
    assert "board tiny" in done.out and "mmio_donation=v5" in done.out


def test_without_the_oracle(run):
    done = run("random", "--actions=2000", "--check=off", "--kernel=v6.12", "--bug=B-08")
    assert done.status == 0
    assert "check off" in done.out


@pytest.mark.parametrize(
    "args, word",
    [
        (["--machine=virtt"], "virt"),
        (["--actions=many"], "--actions"),
        (["--format=xml"], "xml"),
        (["--allow=no-such-rule"], "no-such-rule"),
        (["--bug=B-99"], "B-99"),
        (["--output=no/such/dir"], "no/such/dir"),
        (["absent.pkvm"], "absent.pkvm"),
        (["--machine=tiny", "absent.pkvm"], "--machine"),
        (["one.pkvm", "two.pkvm"], "one FILE"),
    ],
)
def test_mistakes(run, tmp_path, args, word):
    done = run("random", *args, cwd=tmp_path)
    assert done.status == 2
    assert done.out == "" and word in done.err


def test_a_run_that_would_be_skipped(run, tmp_path):
    """The knob table knows what cannot be."""
    done = run("random", "--kernel=v6.12", "--bug=B-15")
    assert done.status == 2 and "v6.12 has this bug" in done.err


def test_a_tlb_may_have_less_than_the_tables(run):
    """Relaxed permissions are told to one CPU: the guest faults again on another, and no rule says no."""
    text = (
        "machine tiny\nkernel v7.0\nboot\nvm create a vcpus=2\nguest a read 0x4408 1 => fault\n"
        "vm run a\nguest a exec 0x4e30 => fault\ncpu1: vm run a\nguest a exec 0x4938 => fault\n"
        "vm run a\nguest a exec 0x4938 => 0\n"
    )
    done = run("run", "-", stdin=text)
    assert done.status == 0, done.out
