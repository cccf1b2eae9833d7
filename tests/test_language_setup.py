# SPDX-License-Identifier: GPL-2.0-or-later
"""The language, sections 2 and 6: boards, layers, combinations, knobs and patches."""

import pytest

from language_support import PATCHED, passes, fails, mistaken, runs  # noqa: F401


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
    for release in ("v6.12", "v7.0", "v7.2"):
        assert runs(f"kernel {release}\nboot\n")[0]["kernel"] == release
    assert runs("patch smmu-v6\nboot\n")[0]["kernel"] == "v7.2"
    mistaken("kernel v7.1\n", 1, "there is no release", column=8)
    mistaken("patch its-v2\n", 1, "did you mean `its-v1`?", column=7)
    mistaken("bug B-99\n", 1, "not in this build", column=5)


def test_protect_takes_any_page_range(passes, mistaken):
    eight = "".join(f"protect gicr+{i * 64}K+64K\n" for i in range(8))
    passes(PATCHED + eight + "boot\nexpect owner(gicr+448K) == hyp\n")
    passes(PATCHED + eight + "protect uart+4K\nboot => any\n", "--check=off")
    passes(PATCHED + "protect uart+4K\nprotect uart+4K\nboot => any\n", "--check=off")
    passes(PATCHED + "protect 0x40000000+4K\nboot => -EINVAL\n")
    passes(PATCHED + "protect 0xfffffffffffff000+8K\nboot => any\n", "--check=off")
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
