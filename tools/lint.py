# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the linters, each on a copy of the checkout, where playbooks and roles find the collection's own modules.

A linter that finds no files passes, too. So if a linter says how many files it checked, it must have checked enough.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import staging

# .ansible-lint excludes them, for Galaxy as well. ansible-lint checks excluded files if they are named one by one.
AWX_PROJECT = sorted(
    str(path.relative_to(staging.CHECKOUT)) for path in staging.CHECKOUT.glob("extensions/awx/project/*.yml")
)

LINTERS = (
    ["ansible-lint", "--profile", "production"],
    ["ansible-lint", "--profile", "production", *AWX_PROJECT],
    ["antsibull-changelog", "lint"],
    ["python", "tools/generate_docs.py", "--check"],
    ["python", "tools/version.py", "--check"],
    ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--no-skip-rstcheck", "--check-extra-docs-refs"]
    + ["--validate-collection-refs", "all", "--disallow-unknown-collection-refs", "."],
    ["ruff", "check"],
    ["ruff", "format", "--check"],
    ["mypy", "--config-file", "pyproject.toml"],
    ["python", "tools/execution_environment.py"],
)
# How a linter says how many files it checked, and the smallest number that is enough. The other linters do not say it.
COUNTS = {
    "ansible-lint --profile production": (r"in (\d+) files processed", 150),
    " ".join(LINTERS[1]): (r"in (\d+) files processed", len(AWX_PROJECT)),
    "ruff format --check": (r"^(\d+) files already formatted", 100),
    "mypy --config-file pyproject.toml": (r"no issues found in (\d+) source files", 20),
}


# antsibull-docs writes the name of a temporary folder into its documents. If the random name ends with an underscore,
# it is a reference to nothing.
UNLUCKY = 'Unknown target name: "antsibull-docs-'


def main() -> int:
    with staging.staged_copy() as copy:
        failed = [" ".join(linter) for linter in LINTERS if not _passes(linter, copy)]
    print(f"{len(LINTERS)} linters; failed: {', '.join(failed) or 'none'}", flush=True)
    return 1 if failed else 0


def _passes(linter: list[str], copy: Path) -> bool:
    name = " ".join(linter)
    print(name, flush=True)
    done = _run(linter, copy)
    if UNLUCKY in done.stdout:
        done = _run(linter, copy)
    print(done.stdout, end="", flush=True)
    return done.returncode == 0 and looked_at_enough(name, done.stdout)


def _run(linter: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        linter,
        cwd=copy,
        env=_environment(copy),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def looked_at_enough(name: str, output: str) -> bool:
    """Whether the output of a linter says that it checked enough files."""
    if name not in COUNTS:
        return True
    pattern, minimum = COUNTS[name]
    found = re.search(pattern, output, re.MULTILINE)
    if found and int(found[1]) >= minimum:
        return True
    print(f"It should have looked at {minimum} files at least: this run proves nothing.", flush=True)
    return False


def _environment(copy: Path) -> dict[str, str]:
    environment = staging.environment_for(copy)
    return {
        **environment,
        "MYPYPATH": environment["ANSIBLE_COLLECTIONS_PATH"],
        # Without this, ansible-lint does not know an action of a role, and complains about each task.
        "ANSIBLE_ACTION_PLUGINS": str(copy / "tests/integration/targets/setup_sandbox/action_plugins"),
    }


if __name__ == "__main__":
    sys.exit(main())
