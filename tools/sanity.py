# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` on a copy of the checkout, with each Python of this machine that it supports.

Arguments are passed on: `python tools/sanity.py --test pep8`. Without any, a run counts as a success only if at least
MINIMUM different tests ran, because ansible-test also succeeds when it found nothing to do.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pip_bootstrap
import staging

MINIMUM = 20
RUNNING = re.compile(r'^Running sanity test "([^"]+)"')


def main(arguments: list[str]) -> int:
    pip_bootstrap.prepare()
    with staging.staged_copy() as copy:
        status, lines, names = _run(copy, arguments)
    print(f"Sanity tests that ran: {lines}, {len(names)} different ones", flush=True)
    minimum = 1 if arguments else MINIMUM
    if len(names) < minimum:
        print(f"That is fewer than {minimum}: this run proves nothing.", file=sys.stderr)
        return 1
    return status


def _run(copy: Path, arguments: list[str]) -> tuple[int, int, set[str]]:
    """Show ansible-test's output as it comes; return its status, the number of tests and their names."""
    tool = Path(sys.executable).parent / "ansible-test"
    # The name of the interpreter is given so that a folder with spaces in its name does not end up in a `#!` line.
    command = [sys.executable, str(tool), "sanity", "--color", "no", *arguments]
    lines = []
    with subprocess.Popen(
        command, cwd=copy, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            found = RUNNING.match(line)
            if found:
                lines.append(found[1])
    return process.returncode, len(lines), set(lines)


def _environment() -> dict[str, str]:
    environment = staging.clean_environment()
    own = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([own, *_interpreter_folders(), environment.get("PATH", os.defpath)])
    return environment


def _interpreter_folders() -> list[str]:
    """Folders of pyenv's interpreters, newest last digit first.

    pyenv puts launchers on PATH that fail for a version which is not selected. ansible-test takes the first
    `python3.X` of PATH, so the interpreters themselves must come before the launchers.
    """
    root = _pyenv_root()
    if root is None:
        return []
    return [str(path) for path in sorted(root.glob("versions/3.*/bin"), key=_version, reverse=True)]


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.parent.name)]


def _pyenv_root() -> Path | None:
    """The folder above the launchers: they may be on PATH without pyenv itself."""
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        if folder.name == "shims" and (folder.parent / "versions").is_dir():
            return folder.parent
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
