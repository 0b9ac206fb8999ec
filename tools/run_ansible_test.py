# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the ansible-test of this Python on a copy of the checkout.

    python tools/run_ansible_test.py sanity
    python tools/run_ansible_test.py units --python 3.9
    python tools/run_ansible_test.py coverage

Arguments are passed on. Where they leave nothing out, a run counts as a success only if enough was tested, because
ansible-test also succeeds when it found nothing to do. `coverage` runs unit and integration tests, both measured.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pip_bootstrap
import staging
from environment import clean_environment

# The module that the script ansible-test starts.
ANSIBLE_TEST = "ansible_test._util.target.cli.ansible_test_cli_stub"
# Percent of the plugins' lines, and of the branches in them.
COVERED = 98
# Options with a value that choose a Python, not tests.
WHERE = ("--python", "--target-python")


@dataclass(frozen=True)
class Kind:
    """A command of ansible-test. `count` finds the number of tests in the lines that it printed."""

    count: Callable[[str], int]
    unit: str
    minimum: int


def main(arguments: list[str]) -> int:
    kind, *rest = arguments
    pip_bootstrap.prepare()
    with staging.staged_copy() as copy:
        return _coverage(copy, rest) if kind == "coverage" else gate(copy, kind, rest)


def gate(copy: Path, name: str, arguments: list[str]) -> int:
    """Run one command, and print the number of tests."""
    kind = KINDS[name]
    status, output = _run(copy, name, arguments)
    done = kind.count(output)
    print(f"ansible-test {name}: {done} {kind.unit}", flush=True)
    minimum = 1 if _is_part(arguments) else kind.minimum
    if done < minimum:
        print(f"That is fewer than {minimum}: this run proves nothing.", file=sys.stderr)
        return 1
    return status


def _is_part(arguments: list[str]) -> bool:
    """Whether the arguments choose a part of the tests. Those that only say where to run do not."""
    left = iter(arguments)
    # An option with a value takes the next argument.
    return any(not (each in WHERE and next(left, "")) and each != "--coverage" for each in left)


def _coverage(copy: Path, arguments: list[str]) -> int:
    """Run unit and integration tests: both must pass, and together cover enough of the plugins."""
    for name in ("units", "integration"):
        status = gate(copy, name, ["--coverage", *arguments])
        if status:
            return status
    # All files count, also one that no test loads.
    _run(copy, "coverage", ["report", "--all", "--show-missing", "--omit", "*/tests/*"])
    _run(copy, "coverage", ["xml", "--all"])
    (report,) = copy.glob("tests/output/reports/coverage*.xml")
    figures = covered(report)
    print("covered: " + ", ".join(f"{figure:.2f} % of {name}" for name, figure in figures.items()), flush=True)
    return int(any(figure < COVERED for figure in figures.values()))


def covered(report: Path) -> dict[str, float]:
    """Percents of the plugins' lines and branches."""
    lines = [line for file in _plugin_files(report) for line in file.iter("line")]
    branches = [re.findall(r"\d+", line.get("condition-coverage", "").partition("(")[2]) for line in lines]
    reached, all_of_them = (sum(int(pair[at]) for pair in branches if pair) for at in (0, 1))
    hit = sum(line.get("hits") != "0" for line in lines)
    return {"lines": 100 * hit / len(lines), "branches": 100 * reached / all_of_them}


def _plugin_files(report: Path) -> list[ElementTree.Element]:
    files = ElementTree.parse(report).getroot().iter("class")
    return [file for file in files if file.get("filename", "").startswith("plugins/")]


def _run(copy: Path, name: str, arguments: list[str]) -> tuple[int, str]:
    """Show the output of ansible-test as it comes. Returns its status and its output."""
    # Not the script: in a folder with spaces in its name, an installed script may not start.
    command = [sys.executable, "-m", ANSIBLE_TEST, name, *arguments, "--color", "no"]
    lines = []
    with subprocess.Popen(
        command, cwd=copy, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def _environment() -> dict[str, str]:
    environment = clean_environment()
    own, *others = environment["PATH"].split(os.pathsep)
    return {**environment, "PATH": os.pathsep.join([own, *interpreter_folders(), *others])}


def interpreter_folders() -> list[str]:
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
    """The folder above the launchers, which may be on PATH without pyenv itself."""
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        if folder.name == "shims" and (folder.parent / "versions").is_dir():
            return folder.parent
    return None


def _sanity_tests(output: str) -> int:
    return len(set(re.findall(r'^Running sanity test "([^"]+)"', output, re.MULTILINE)))


def _passed_units(output: str) -> int:
    """ansible-test runs pytest once for modules and the code that they import, and once for controller code."""
    return sum(int(number) for number in re.findall(r"^=+ .*?(\d+) passed.* =+$", output, re.MULTILINE))


def _integration_targets(output: str) -> int:
    return len(set(re.findall(r"^Running (\S+) integration test role", output, re.MULTILINE)))


def _all_targets() -> int:
    """The targets that are tests. The names of the others, which only help tests, begin like this."""
    targets = staging.CHECKOUT.glob("tests/integration/targets/*/")
    return len([folder for folder in targets if not folder.name.startswith(("setup_", "prepare_"))])


KINDS = {
    "sanity": Kind(_sanity_tests, "different tests", 20),
    "units": Kind(_passed_units, "tests passed", 1500),
    "integration": Kind(_integration_targets, "targets", _all_targets()),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
