# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the linters, each on a copy of the checkout, where playbooks and roles find the collection's own modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import staging

# Left out by .ansible-lint, which Galaxy heeds as well. Files are looked at all the same if they are named one by one.
AWX_PROJECT = sorted(
    str(path.relative_to(staging.CHECKOUT)) for path in staging.CHECKOUT.glob("extensions/awx/project/*.yml")
)

LINTERS = (
    ["ansible-lint", "--profile", "production"],
    ["ansible-lint", "--profile", "production", *AWX_PROJECT],
    ["antsibull-changelog", "lint"],
    ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--no-skip-rstcheck", "--check-extra-docs-refs"]
    + ["--validate-collection-refs", "all", "--disallow-unknown-collection-refs", "."],
    ["ruff", "check"],
    ["ruff", "format", "--check"],
    ["mypy", "--config-file", "pyproject.toml"],
    ["python", "tools/execution_environment.py"],
)


def main() -> int:
    with staging.staged_copy() as copy:
        failed = [" ".join(linter) for linter in LINTERS if not _passes(linter, copy)]
    print(f"Linters that failed: {', '.join(failed) or 'none'}", flush=True)
    return 1 if failed else 0


def _passes(linter: list[str], copy: Path) -> bool:
    print(" ".join(linter), flush=True)
    return subprocess.run(linter, cwd=copy, env=_environment(copy), check=False).returncode == 0


def _environment(copy: Path) -> dict[str, str]:
    environment = staging.environment_for(copy)
    return {
        **environment,
        "MYPYPATH": environment["ANSIBLE_COLLECTIONS_PATH"],
        # ansible-lint knows no action of a role otherwise, and says so for each task.
        "ANSIBLE_ACTION_PLUGINS": str(copy / "tests/integration/targets/setup_sandbox/action_plugins"),
    }


if __name__ == "__main__":
    sys.exit(main())
