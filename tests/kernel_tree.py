# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests that run a kernel tree's own code share: the tree, and changed copies of it.

The tree is $PKVM_SIM_KERNEL_TREE, else Debian's linux-source-6.12, unpacked once below build/.
Without either these tests are skipped, except where CI says that everything is there.
"""

import os
import pathlib
import shutil

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEEDED = ["include", "arch/arm64", "scripts", "virt"]


@pytest.fixture(scope="session")
def tree(request):
    given = os.environ.get("PKVM_SIM_KERNEL_TREE")
    return pathlib.Path(given) if given else request.getfixturevalue("kernel_source")


@pytest.fixture
def environment(environment):
    """Trees that were built stay built."""
    return {**environment, "XDG_CACHE_HOME": str(ROOT / "build/cache")}


@pytest.fixture(scope="session")
def recordings():
    """Of the real code; as in test_golden.py, which minds where CI has none."""
    path = pathlib.Path(os.environ.get("PKVM_GOLDEN", ROOT.parent / "shared/golden"))
    if not path.is_dir():
        pytest.skip(f"no recordings at {path}: set PKVM_GOLDEN")
    return path


def copy_tree(tree, to, *names):
    """A tree of links to what @tree has, in which the files @names are its own."""

    def level(at):
        (to / at).mkdir(parents=True)
        for entry in (tree / at).iterdir():
            name = f"{at}/{entry.name}"
            if name in names:
                shutil.copy(entry, to / name)
            elif any(n.startswith(name + "/") for n in names):
                level(name)
            else:
                (to / name).symlink_to(entry)

    for part in NEEDED:
        if any(n.startswith(part + "/") for n in names):
            level(part)
        else:
            (to / part).parent.mkdir(parents=True, exist_ok=True)
            (to / part).symlink_to(tree / part)


def replace(old, new):
    """What puts @new in the first place of @old in a file."""

    def edit(file):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    return edit
