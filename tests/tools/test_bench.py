# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark starts and measures, with each command that the documentation names. All of it takes many minutes, so
the test ends it early. Each part also runs with as little as it can measure.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.functional.making import checkout_for_make, environment_for_make, named_commands

ROOT = Path(__file__).resolve().parents[2]
# By command: what it measures first. When it begins with the second one, the first has been measured.
COMMANDS = {
    "make bench": ["loop, debug", "loop, direct"],
    "make bench BENCH_ARGS=v3": ["1,000 without profiles, nothing", "1,000 without profiles, read"],
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return checkout_for_make(tmp_path / "checkout")


def test_each_command_of_the_documentation_is_started() -> None:
    assert named_commands("bench") == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_benchmark_starts_as_the_documentation_says(command: str, checkout: Path) -> None:
    with started(shlex.split(command), checkout) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _measured in COMMANDS[command]]
        assert seen == [f"round 1 of 3: {measured}\n" for measured in COMMANDS[command]]
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() != 0
        assert "Traceback" not in rest


@contextmanager
def started(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program in a group of its own, all of which is gone at the end."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment_for_make(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


# By part: words of its table.
PARTS = {
    "loops": ("Loop of 2", "item, direct"),
    "converged": ("Converged fleets;", "3, xml: the task, all in"),
    "files": ("Converged fleets in a file", "3: Ansible's start", "csv: the role, all in"),
    "core": ("without Ansible", "3, xml: all"),
    "created": ("3 new customers", "a loop, uri"),
    "v3": (
        "API v3, 20 ms of latency",
        "3 with profiles: the task, all in",
        "3 new ones: the task, all in",
        "uri to direct",
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_measures(part: str) -> None:
    done = bench(part, "--items", "2", "--sizes", "3", "--new", "3", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    assert [word for word in PARTS[part] if word not in done.stdout] == []


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["loop"], 2, "loop is none of loops, converged, files, core, created, v3"),
        (["loops", "other"], 2, "other"),
        (["-h"], 0, "PART"),
    ],
)
def test_a_part_that_is_none_is_told(arguments: list[str], status: int, word: str) -> None:
    done = bench(*arguments)
    assert done.returncode == status
    assert word in done.stdout + done.stderr
