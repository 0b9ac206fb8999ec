# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench` as the README has it: it starts and measures. All of it takes many minutes, so it is ended early, and
each part runs once more with as little as it can measure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.making import checkout_for_make, environment_for_make

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ["make", "bench"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return checkout_for_make(tmp_path / "checkout")


@pytest.fixture
def process(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        COMMAND,
        cwd=checkout,
        env=environment_for_make(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as started:
        yield started
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)


def test_the_benchmark_starts_as_the_readme_says(process: subprocess.Popen[str]) -> None:
    assert f"`{' '.join(COMMAND)}` measures it" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        # The second one: the first has been measured by then.
        if line == "round 1 of 3: loop, direct\n":
            break
    assert seen == ["round 1 of 3: loop, debug\n", "round 1 of 3: loop, direct\n"]
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() != 0
    assert "Traceback" not in rest


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
