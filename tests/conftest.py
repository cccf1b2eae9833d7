# SPDX-License-Identifier: GPL-2.0-or-later
"""How tests drive the program: as a user's shell does, or over the machine interface.

The program under test is $PKVM_SIM, else build/release/pkvm-sim.
"""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT = 120  # seconds; a program that hangs is a failure, not a long test


@dataclass
class Result:
    status: int
    out: str
    err: str
    raw: bytes  # standard output as it came

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def objects(self):
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.lines]


KERNEL = "linux-source-6.12"  # a package of Debian's
KERNEL_PARTS = ["include", "arch/arm64", "scripts", "virt", "tools/testing/kunit"]


@pytest.fixture(scope="session")
def kernel_source():
    """What tests read of a kernel's sources, unpacked once; without the package they are
    skipped, except where CI says that everything is there."""
    to = ROOT / "build" / KERNEL
    archive = pathlib.Path(f"/usr/src/{KERNEL}.tar.xz")
    if not to.exists() and not archive.exists():
        why = f"{archive} is not there (apt install {KERNEL})"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    to.parent.mkdir(exist_ok=True)
    with open(f"{to}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a test process beside this one waits for the first
        if not to.exists():
            part = to.with_name(f"{KERNEL}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            names = [f"{KERNEL}/{name}" for name in KERNEL_PARTS]
            subprocess.run(["tar", "-xJf", archive, "-C", part, *names], check=True)
            (part / KERNEL).rename(to)
            part.rmdir()
    return to


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("PKVM_SIM", ROOT / "build/release/pkvm-sim")).resolve()
    if not os.access(path, os.X_OK):
        pytest.exit(f"no program at {path}: ./bootstrap run builds it", returncode=2)
    return path


@pytest.fixture
def environment(tmp_path):
    """Nothing of the user's own surroundings: home, colours, language."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "LC_ALL": "C",
        **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
    }


@pytest.fixture
def run(binary, environment):
    """run("decode", "0x4", ..., stdin="boot\\n", cwd=tmp_path) -> Result."""

    def call(*args, stdin=None, cwd=ROOT, env=None):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(
            [binary, *map(str, args)],
            input=stdin if stdin is not None else b"",
            capture_output=True,
            cwd=cwd,
            env={**environment, **(env or {})},
            timeout=TIMEOUT,
            check=False,
        )
        err = done.stderr.decode(errors="replace")
        assert done.returncode in (0, 1, 2), f"{args}: ended with {done.returncode}\n{err}"
        return Result(done.returncode, done.stdout.decode(errors="replace"), err, done.stdout)

    return call


@pytest.fixture
def scenario(run, tmp_path):
    """scenario(TEXT, "--set=...") -> Result: writes TEXT to t.pkvm and runs it, as `t.pkvm`."""

    def call(text, *options, name="t.pkvm"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return run("run", *options, name, cwd=tmp_path)

    return call


class Repl:
    """A session of `pkvm-sim repl --format=jsonl`: one statement in, one object out."""

    def __init__(self, argv, cwd, env):
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=env,
        )

    def __call__(self, statement):
        """Send one statement; the object that answers it."""
        assert "\n" not in statement, "one statement a line"
        self.process.stdin.write(statement.encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"no answer to {statement!r}: {self.close()[1]}"
        return json.loads(line)

    def all(self, text):
        """Send the statements of TEXT, a line each; the answers in order."""
        return [self(line.strip()) for line in text.splitlines() if line.strip()]

    def value(self, statement):
        """Send a statement that must succeed; what it gave."""
        answer = self(statement)
        assert answer["outcome"] == "ok", answer
        return answer["value"]

    def close(self):
        """End of file: the exit status and what stood on standard error."""
        _, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, err.decode(errors="replace")


@pytest.fixture
def repl(binary, environment, tmp_path):
    """A fresh session; further ones by repl.new("--set=...")."""
    sessions = []

    def new(*options):
        argv = [binary, "repl", "--format=jsonl", *options]
        sessions.append(Repl(argv, tmp_path, environment))
        sessions[-1].new = new
        return sessions[-1]

    yield new()
    for session in sessions:
        if session.process.returncode is None:
            status, err = session.close()
            assert status == 0, err
