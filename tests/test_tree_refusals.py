# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel tree whose EL2 cannot be built: which file needs what, on one screen, and nothing runs."""

import pytest

from kernel_tree import copy_tree, environment, replace, tree  # noqa: F401 (fixtures)

HYP = "arch/arm64/kvm/hyp"


def remove(file):
    file.unlink()


IN_A_FUNCTION = "int __pkvm_prot_finalize(void)\n{"

REFUSALS = {
    "syntax error": (
        f"{HYP}/nvhe/mem_protect.c",
        replace(IN_A_FUNCTION, IN_A_FUNCTION + " oops"),
        [f"{HYP}/nvhe/mem_protect.c does not compile:", "mem_protect.c:", "'oops' undeclared"],
    ),
    "renamed function": (
        f"{HYP}/include/nvhe/gfp.h",
        replace("void *hyp_alloc_pages(", "void *hyp_alloc_some_pages("),
        ["mem_protect.c:", "implicit declaration of function 'hyp_alloc_pages'"],
    ),
    "missing source": (
        f"{HYP}/nvhe/early_alloc.c",
        remove,
        [f"has no {HYP}/nvhe/early_alloc.c: without it there is no EL2"],
    ),
    "missing library": (f"{HYP}/pgtable.c", remove, [f"has no {HYP}/pgtable.c: without it"]),
    "unknown instruction": (
        f"{HYP}/nvhe/mem_protect.c",
        replace(
            IN_A_FUNCTION,
            IN_A_FUNCTION + '\n\tasm volatile("hlt_and_catch_fire");'
            '\n\tasm volatile(ALTERNATIVE("nop", "nop", ARM64_HAS_CACHE_DIC));',
        ),
        [
            f"{HYP}/nvhe/mem_protect.c:",
            "no such instruction: `hlt_and_catch_fire'",
            "no_alternative_of_arm64_has_cache_dic",
            "No shim stands in for that instruction",
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(run, tree, tmp_path, case):  # noqa: F811
    name, edit, words = REFUSALS[case]
    copy_tree(tree, tmp_path / "linux", name)
    edit(tmp_path / "linux" / name)
    r = run("run", f"--kernel-tree={tmp_path / 'linux'}", "scenarios/aborts")
    assert r.status == 2
    assert not r.out
    assert len(r.err.splitlines()) <= 24
    for w in words:
        assert w in r.err
