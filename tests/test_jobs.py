# SPDX-License-Identifier: GPL-2.0-or-later
"""--jobs: combinations in several processes, and nothing else differs."""

import os
import signal
import subprocess
import time

import pytest

FORMATS = ["text", "ktap", "tap", "junit", "jsonl"]

FILES = {
    "a.pkvm": 'title "a"\nmatrix kernel=v6.12,v7.0 warn=panic,continue\nboot\nhost read uart => 0\n',
    "b.pkvm": "boot\nexpect cpus() == 3\n",
    "c.pkvm": "boot\nfrobnicate\n",
    # understood at first, and not in its second combination
    "d.pkvm": "matrix kernel=v6.12,v7.0\nboot\nlet x = 1 / (1 - events(isb) * 0) [kernel=v6.12]\n",
    "e.pkvm": 'matrix kernel=v7.0,v6.12\nboot\necho "one"\nshow cpus\nlet x = 1 / (cpus() - 2)\n',
    "f.pkvm": "requires host_donate_hyp_mmio\nboot\n",
    "g.pkvm": "boot\n" + "host read ram(0)+4M => 0\nexpect 1\n" * 50,
    "h.pkvm": "boot\nexpect 0\necho \"after\"\n",
}


@pytest.fixture
def files(tmp_path):
    """Passing, failing, skipped, and misunderstood at every stage."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("jobs", [2, 5, 64])
def test_same_bytes(run, files, form, jobs):
    """Report, complaints and exit status are those of one process."""
    one = run("run", f"--format={form}", "--jobs=1", ".", cwd=files)
    many = run("run", f"--format={form}", f"--jobs={jobs}", ".", cwd=files)
    assert one.status == many.status == 2
    assert one.raw == many.raw
    assert one.err == many.err


@pytest.mark.parametrize("options", [[], ["--keep-going"], ["--seed=7", "--set=warn=continue"]])
def test_options_reach_the_processes(run, files, options):
    one = run("run", "--format=jsonl", "--jobs=1", *options, "a.pkvm", "b.pkvm", "h.pkvm", cwd=files)
    many = run("run", "--format=jsonl", "--jobs=3", *options, "a.pkvm", "b.pkvm", "h.pkvm", cwd=files)
    assert (one.status, one.raw, one.err) == (many.status, many.raw, many.err)
    assert one.status == 1


def most_memory(binary, environment, path, jobs):
    """KiB that the process which reports had at most."""
    process = subprocess.Popen(
        [binary, "run", "--check=off", f"--jobs={jobs}", path], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss


def test_a_long_loop_is_not_kept(binary, environment, tmp_path):
    """What waits for its turn is little, however many lines a run has."""
    path = tmp_path / "long.pkvm"
    share = "hvc host_share_hyp pfn(ram(0)+16M)\nhvc host_unshare_hyp pfn(ram(0)+16M)\n"
    path.write_text("matrix kernel=v6.12,v7.0,v7.2\nboot\nrepeat 60000\n" + share + "end\n")
    one = most_memory(binary, environment, path, 1)
    assert most_memory(binary, environment, path, 3) < one + (32 << 10)


@pytest.mark.parametrize("option", ["--trace=events", "--record=again.pkvm"])
def test_one_stream_has_one_writer(run, files, option):
    """A trace and a record come out the same too."""
    name = files / option.partition("=")[2]
    run("run", option, "a.pkvm", cwd=files)
    one = name.read_bytes()
    run("run", "--jobs=4", option, "a.pkvm", cwd=files)
    assert one and name.read_bytes() == one


def test_standard_input(run):
    text = "matrix kernel=v6.12,v7.0\nboot\nexpect 0\n"
    one, many = run("run", "--jobs=1", "-", stdin=text), run("run", "--jobs=2", "-", stdin=text)
    assert (one.status, one.raw) == (many.status, many.raw)
    assert one.status == 1


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


@pytest.fixture
def endless(binary, environment, tmp_path):
    """A run of three processes that would take for ever, and their ids."""
    loop = "boot\nrepeat 1000000000\nhost read ram(0)+4M\nend\n"
    for name in "xyz":
        (tmp_path / f"{name}.pkvm").write_text(loop)
    process = subprocess.Popen(
        [binary, "run", "--jobs=3", "."],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while len(children(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = children(process.pid)
    assert len(workers) == 3
    yield process, workers
    if process.poll() is None:
        process.kill()
    process.communicate()


def gone(pids):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_a_process_that_dies(endless):
    """It was not the user's fault: status 3, and words that name the file. Nobody is left."""
    process, workers = endless
    os.kill(workers[1], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"internal error" in err and b".pkvm was ended by signal 9" in err
    assert gone(workers)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_first_process_is_stopped(endless, sig):
    """The others end with it, though only it was told."""
    process, workers = endless
    os.kill(process.pid, sig)
    process.communicate(timeout=60)
    assert process.returncode == -sig
    assert gone(workers)
