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


def copy_tree(tree, to, name):
    """The folder that has the file @name is copied, the others are the tree's."""
    for part in NEEDED:
        (to / part).parent.mkdir(parents=True, exist_ok=True)
        if name.startswith(part + "/"):
            shutil.copytree(tree / part, to / part)
        else:
            (to / part).symlink_to(tree / part)
