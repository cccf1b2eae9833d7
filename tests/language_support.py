# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the tests of the language: a text passes, fails at a line, or is a mistake."""

import re

import pytest

PATCHED = "patch its-v1\n"
PANICKED = "boot\nhost write uart 5\nhost write 0x4002d000 1 => panic\n"


@pytest.fixture
def passes(scenario):
    """The text runs and passes."""

    def call(text, *options):
        done = scenario(text, *options)
        assert done.status == 0, done.out + done.err
        return done

    return call


@pytest.fixture
def fails(scenario):
    """The text is understood, and line LINE of it fails."""

    def call(text, line, *options):
        done = scenario(text, *options)
        assert done.status == 1, done.out + done.err
        assert f"t.pkvm:{line}: FAIL: " in done.out
        return done

    return call


@pytest.fixture
def mistaken(scenario):
    """The text is an error of the file at LINE (and COLUMN), whose message has these words."""

    def call(text, line, words="", column=None, options=()):
        done = scenario(text, *options)
        assert done.status == 2, done.out + done.err
        first = done.err.splitlines()[0]
        place = re.match(r"t\.pkvm:(\d+):(\d+): error: ", first)
        assert place, first
        assert int(place[1]) == line, first
        assert column in (None, int(place[2])), first
        assert words in done.err, done.err
        return done.err

    return call


@pytest.fixture
def recorded(run, tmp_path):
    """The lines of the recording of a passing text."""

    def call(text, *options):
        (tmp_path / "t.pkvm").write_text(text)
        done = run("run", "--record=rec.pkvm", *options, "t.pkvm", cwd=tmp_path)
        assert done.status == 0, done.out + done.err
        return (tmp_path / "rec.pkvm").read_text().splitlines()

    return call


@pytest.fixture
def runs(scenario):
    """The runs of a text as objects of the jsonl report."""

    def call(text, *options):
        done = scenario(text, "--format=jsonl", *options)
        return [o for o in done.objects if o["type"] == "run"]

    return call
