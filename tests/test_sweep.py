# SPDX-License-Identifier: GPL-2.0-or-later
"""pkvm-sim sweep: every allocation of every action fails once, and what that did is told."""

import re

import pytest


def failures(done):
    return [o for o in done.objects if o["type"] == "failure"]


def summary(done):
    return done.objects[-1]


@pytest.fixture
def sweep(run, tmp_path):
    def call(text, *options):
        (tmp_path / "t.pkvm").write_text(text)
        return run("sweep", "--format=jsonl", *options, "t.pkvm", cwd=tmp_path)

    return call


def test_counts_and_order(sweep):
    """A donation of MMIO takes tables for EL2, then for the host: each fails once, in order."""
    done = sweep("machine tiny\npatch its-v1-fixed\nboot\nel2 host_donate_hyp_mmio pfn(dma)\n")
    assert done.status == 0, done.out
    rows = [(o["pool"], o["nth"], o["outcome"], o["retry"], o["verdict"])
            for o in failures(done) if o["line"] == 4]  # fmt: skip
    hyp = [r for r in rows if r[0] == "hyp_s1"]
    assert hyp and [r[1] for r in hyp] == list(range(1, len(hyp) + 1))
    assert all(r[2:] == ("-ENOMEM", "0", "fine") for r in hyp)
    # the host's pool is recycled and asked again: nothing fails
    host = [r for r in rows if r[0] == "host_s2"]
    assert host and all(r[2:] == ("0", None, "fine") for r in host)
    assert rows == hyp + host


def test_nothing_is_left_behind(run, tmp_path):
    """The run itself goes on as if nobody had looked: it ends as `run` says."""
    text = (
        "machine virt\npatch its-v1-fixed\nboot\nlet p = page()\n"
        "el2 host_donate_hyp pfn(0x58000000) 1 => 0\nlet q = page()\nexpect p + 4K == q\n"
        "el2 host_donate_hyp_mmio pfn(uart) => 0\nhost read rtc\nhost read page()\n"
        "let r = page()\nexpect owner(uart) == hyp and r == q + 8K\n"
    )
    (tmp_path / "t.pkvm").write_text(text)
    ran = run("run", "t.pkvm", cwd=tmp_path)
    assert ran.status == 0, ran.out
    done = run("sweep", "--format=jsonl", "t.pkvm", cwd=tmp_path)
    assert done.status == 0
    assert {o["line"] for o in failures(done)} >= {3, 5, 8}
    assert summary(done)["actions"] == 5
    kept = tmp_path / "kept"
    assert run("sweep", f"--output={kept}", "t.pkvm", cwd=tmp_path).status == 0


def test_asserted_commit(sweep):
    """The series as posted panics where the host's table cannot be had: RC-06."""
    text = "machine tiny\n{}\nboot\nel2 host_donate_hyp_mmio pfn(dma)\nel2 host_donate_hyp_mmio pfn(uart)\n"
    posted = sweep(text.format("patch its-v1"))
    assert posted.status == 1
    bad = [o for o in failures(posted) if o["verdict"] == "bad"]
    assert bad and {(o["outcome"], o["rule"], o["pool"]) for o in bad} == {("panic", "spec", "host_s2")}
    assert sweep(text.format("patch its-v1-fixed")).status == 0


def test_recycling_forgets(sweep):
    """The walker that clears: an allocation that fails is enough to steal a device."""
    text = (
        "machine tiny\npatch its-v1-fixed\nset s2_unmap_annotated={}\nboot\n"
        "el2 host_donate_hyp_mmio pfn(dma)\nhost read uart\nhost read gap\n"
    )
    clear = sweep(text.format("clear"))
    assert clear.status == 1
    assert "single-owner" in {o["rule"] for o in failures(clear) if o["verdict"] == "bad"}
    assert sweep(text.format("skip")).status == 0


def test_what_a_release_does_by_itself(sweep):
    """Known of the release: told, and no failure of the sweep."""
    done = sweep("machine virt\nkernel v7.0\nboot\nel2 host_donate_hyp pfn(0x58000000) 1\n")
    assert done.status == 0
    (known,) = [o for o in failures(done) if o["line"] == 4 and o["pool"] == "hyp_s1"]
    assert (known["outcome"], known["rule"], known["verdict"]) == ("panic", "spec", "known")
    assert summary(done)["bad"] == 0 and summary(done)["known"] >= 1


def test_without_the_oracle(sweep):
    """Results alone tell a panic from an error."""
    text = "machine tiny\npatch its-v1\nboot\nel2 host_donate_hyp_mmio pfn(dma)\nel2 host_donate_hyp_mmio pfn(uart)\n"
    done = sweep(text, "--check=off")
    assert done.status == 1
    assert all(o["rule"] is None for o in failures(done))


def test_combinations_and_options(sweep):
    text = "matrix kernel=v6.12,v7.0\nboot\nhost read uart\n"
    done = sweep(text)
    assert {o["run"] for o in failures(done)} == {"t.pkvm@kernel=v6.12", "t.pkvm@kernel=v7.0"}
    one = sweep(text, "--kernel=v7.0")
    assert {o["run"] for o in failures(one)} == {"t.pkvm@kernel=v7.0"}
    assert summary(one)["runs"] == 1


def test_loops(sweep):
    """Rounds 1 to 4, 8 and 16 of 20."""
    done = sweep("boot\nlet p = page()\nrepeat 20\nhost read uart\nend\n")
    assert summary(done)["actions"] == 1 + 6


def test_text(run, tmp_path):
    """A table of lines, pools and what their failures did; then each breach in full."""
    (tmp_path / "t.pkvm").write_text(
        "machine tiny\npatch its-v1\nboot\nel2 host_donate_hyp_mmio pfn(dma) => 0 # a comment\n"
        "el2 host_donate_hyp_mmio pfn(uart)\n"
    )
    done = run("sweep", "t.pkvm", cwd=tmp_path)
    assert done.status == 1
    assert re.search(r"^ +4  el2 host_donate_hyp_mmio pfn\(dma\) +hyp_s1 \d+\n +-ENOMEM, then 0", done.out, re.M)
    assert re.search(r"^t\.pkvm:\d: FAIL: el2 host_donate_hyp_mmio pfn\((dma|uart)\)$", done.out, re.M)
    assert "without allocation" in done.out and "violation spec" in done.out
    assert "(known)" in done.out, "boot, of the release itself"
    assert run("sweep", "t.pkvm", cwd=tmp_path).raw == done.raw


POSTED = ("--patch=its-v1", "--kernel=v7.0")
PAYS = "scenarios/mmio/who-pays-for-the-tables-of-donated-devices.pkvm"
REACHES = "scenarios/mmio/does-one-missing-table-reach-memory.pkvm"


def findings(done):
    return {(o["text"].split("=>")[0].split(" pfn")[0].strip(), o["pool"], o["outcome"], o["rule"])
            for o in failures(done) if o["verdict"] == "bad"}  # fmt: skip


def test_scenarios_under_the_posted_series(run):
    """By itself: a commit that is asserted, and regions that a failed boot keeps for EL2."""
    done = run("sweep", *POSTED, "--format=jsonl", "scenarios/seeds", PAYS)
    assert done.status == 1
    seen = findings(done)
    assert ("el2 host_donate_hyp_mmio", "host_s2", "panic", "spec") in seen, "RC-06"
    assert ("finalise", "hyp_s1", "-ENOMEM", "no-change-on-error") in seen, "RC-25"
    assert ("host read timer", "host_s2", "panic", "owner-progress") in seen, "RC-02"
    assert {rule for *_, rule in seen} == {"spec", "no-change-on-error", "owner-progress"}


@pytest.mark.parametrize("kernel", ["v7.0", "v7.2"])
def test_what_the_posted_series_does_to_memory(run, kernel):
    """RC-07: memory for EL2 or a guest, in code that the series does not touch."""
    done = run("sweep", "--patch=its-v1", f"--kernel={kernel}", "--format=jsonl", REACHES)
    to_hyp = ("el2 host_donate_hyp", "host_s2", "panic", "spec")
    to_guest = ("cpu1: host map safe gfn=0x80002 page=0x50400000", "host_s2", "panic", "spec")
    assert findings(done) == ({to_hyp, to_guest} if kernel == "v7.2" else {to_hyp})
    assert run("sweep", "--patch=its-v1-fixed", f"--kernel={kernel}", REACHES).status == 0


def test_what_a_panic_hides(run):
    """With warnings that are not fatal: a page that two parties own, RC-09."""
    done = run("sweep", *POSTED, "--set=warn=continue", "--format=jsonl", PAYS)
    assert done.status == 1
    calls = "el2 host_donate_hyp_mmio", "el2 host_donate_hyp"
    assert findings(done) == {(call, "host_s2", "0", "single-owner") for call in calls}


def test_scenarios_under_the_fixed_series(run):
    """Nothing that v7.0 alone does not do: the seeds here, the rest in ./bootstrap soak."""
    done = run("sweep", "--patch=its-v1-fixed", "--kernel=v7.0", "--format=jsonl",
               "scenarios/seeds")  # fmt: skip
    assert done.status == 0, [o for o in failures(done) if o["verdict"] == "bad"]
    assert summary(done)["failures"] > 50


def test_a_table_that_can_be_had_after_a_recycle(sweep):
    """Without a table for the host EL2 asks again: one failure is nobody's panic, two are."""
    # a device that came back leaves tables to recycle
    text = ("machine tiny\npatch its-v1-fixed\nboot\nel2 host_donate_hyp_mmio pfn(dma)\n"
            "el2 hyp_donate_host_mmio pfn(dma)\n{}el2 host_donate_hyp pfn(0x40600000) 1\n")  # fmt: skip

    def of_the_host(done):
        return {(o["outcome"], o["verdict"]) for o in failures(done)
                if "host_donate_hyp pfn" in o["text"] and o["pool"] == "host_s2"}  # fmt: skip

    assert of_the_host(sweep(text.format(""))) == {("0", "fine")}
    drained = sweep(text.format("drain host_s2\n"))
    assert ("panic", "known") in of_the_host(drained)
    assert drained.status == 0


def test_a_patch_that_is_named(sweep):
    """Its knobs stand against the file's; a run with other defects is none of its runs."""
    text = ("machine tiny\n{}\nmatrix s2_unmap_annotated=clear,eperm\nboot\n"
            "el2 host_donate_hyp_mmio pfn(dma)\nhost read uart\nhost read gap\n")  # fmt: skip
    own = sweep(text.format("patch its-v1"))
    assert own.status == 1 and summary(own)["runs"] == 2 and summary(own)["skipped"] == 0
    named = sweep(text.format("patch its-v1"), "--patch=its-v1-fixed")
    assert named.status == 0 and summary(named)["runs"] == 1
    assert {o["run"] for o in failures(named)} == {"t.pkvm@s2_unmap_annotated=skip"}
    over = sweep(text.format("patch its-v1"), "--patch=its-v1-fixed", "--set=s2_unmap_annotated=clear")
    assert over.status == 1, "the command line's own setting stands"
    for line, option, why in (("bug B-01", "--bug=B-01", "bug B-01 is not its-v1-fixed's"),
                              ("set warn=continue", "--set=warn=continue",
                               "warn=continue is not its-v1-fixed's")):  # fmt: skip
        done = sweep(text.format(line), "--patch=its-v1-fixed")
        assert [o["reason"] for o in done.objects if o["type"] == "skip"] == [why]
        assert (done.status, summary(done)["runs"], summary(done)["skipped"]) == (0, 0, 1)
        assert summary(sweep(text.format(line), "--patch=its-v1-fixed", option))["skipped"] == 0
        assert summary(sweep(text.format(line)))["skipped"] == 0, "nobody named a patch"


def test_the_edge_of_memory(sweep):
    """What v6.12 does to a page that is memory in part is passed over; to another page it is not."""
    edge = ("machine tiny\nno ram\nno mmio\nram 0x40000000+0x801800\nram 0x40c03000+0x7fd000\n"
            "kernel v6.12\nboot\nhvc host_share_hyp pfn(0x40801000)\nhost read 0x40c03000\n")  # fmt: skip
    done = sweep(edge)
    seen = {(o["rule"], o["verdict"]) for o in failures(done) if "host read" in o["text"]}
    assert done.status == 0 and ("single-owner", "known") in seen
    device = ("machine tiny\nkernel v6.12\npatch its-v1-fixed\nset s2_unmap_annotated=clear\nboot\n"
              "el2 host_donate_hyp_mmio pfn(dma)\nhost read uart\nhost read gap\n")  # fmt: skip
    done = sweep(device)
    assert ("single-owner", "bad") in {(o["rule"], o["verdict"]) for o in failures(done)}


@pytest.mark.parametrize("args", [[], ["absent.pkvm"], ["--format=tap", "x.pkvm"]])
def test_mistakes(run, tmp_path, args):
    done = run("sweep", *args, cwd=tmp_path)
    assert done.status == 2 and done.err


def test_a_file_that_is_not_understood(sweep):
    done = sweep("boot\nfrobnicate\n")
    assert done.status == 2 and "t.pkvm:2:1: error:" in done.err
