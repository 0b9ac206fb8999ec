# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make locks` and `make devel` start with each command that the documentation names.

The programs that would use the network, uv and the Python of an environment, are stand-ins that note their calls.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import locks
import pytest

from tests.functional.making import checkout_for_make, environment_for_make, named_commands

# By command, the arguments that each call of uv has beyond those of every lock, and the locks.
LOCKS = {
    "make locks": ([], [*locks.LOCKS]),
    "make locks LOCKS_ARGS=--upgrade": (["--upgrade"], [*locks.LOCKS]),
    "make locks LOCKS_ARGS='--upgrade core-2.21'": (["--upgrade"], ["core-2.21"]),
}
# By command, the Python that makes the environment, and what it installs to be tested.
DEVEL = {
    "make devel": ("python3", "ansible-core @ git+https://"),
    "make devel PYTHON=python3.13 DEVEL='ansible-core==2.22.0rc1'": ("python3.13", "ansible-core==2.22.0rc1"),
}
UV = """#!/bin/sh
echo "uv $*" >>"$CALLS"
"""
# It makes an environment, which has another one of it.
PYTHON = """#!/bin/sh
echo "$0 $*" >>"$CALLS"
if [ "${1:-} ${2:-}" = "-m venv" ]; then
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment for lint has a stand-in for uv, and in whose PATH Python is a stand-in."""
    folder = checkout_for_make(tmp_path / "checkout")
    scripts = folder / ".venv-lint" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python").symlink_to(sys.executable)
    write_program(scripts / "uv", UV)
    (folder / ".venv-lint" / ".made-for").write_text(f"python3 {folder}\n", encoding="utf-8")
    (folder / ".venv-lint" / ".has-lint").touch()
    (folder / "bin").mkdir()
    for name in ("python3", "python3.13"):
        write_program(folder / "bin" / name, PYTHON)
    return folder


def write_program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def calls_of(command: str, checkout: Path) -> tuple[list[str], str]:
    """The calls of the stand-ins, and what the command printed."""
    calls = checkout / "calls"
    environment = environment_for_make(os.environ)
    done = subprocess.run(
        shlex.split(command),
        cwd=checkout,
        env={**environment, "PATH": f"{checkout / 'bin'}{os.pathsep}{environment['PATH']}", "CALLS": str(calls)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return calls.read_text(encoding="utf-8").splitlines(), done.stdout


def test_each_command_of_the_documentation_is_started() -> None:
    assert named_commands("locks") == set(LOCKS)
    assert named_commands("devel") == set(DEVEL)


@pytest.mark.parametrize("command", LOCKS)
def test_locks_are_written_as_the_documentation_says(command: str, checkout: Path) -> None:
    further, names = LOCKS[command]
    calls, output = calls_of(command, checkout)
    assert calls == [f"uv --quiet {shlex.join(locks.command(name, upgrade=bool(further)))}" for name in names]
    assert all(("--upgrade" in call.split()) is bool(further) for call in calls)
    # The stand-in writes nothing.
    assert output == "No version changed.\n"


@pytest.mark.parametrize("command", DEVEL)
def test_devel_starts_as_the_documentation_says(command: str, checkout: Path) -> None:
    python, core = DEVEL[command]
    calls, _output = calls_of(command, checkout)
    assert f"{checkout}/bin/{python} -m venv --clear .venv-devel" in calls
    inside = [call.partition(" ")[2] for call in calls if call.startswith(".venv-devel/bin/python ")]
    *installed, core_installed, started = inside
    assert any("--require-hashes" in call and call.endswith("-r tests/requirements/test.txt") for call in installed)
    assert core_installed.startswith(f"-m pip install -qq {core}")
    assert started == "tools/devel.py"
