# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run all tests with the ansible-core of this Python, which may not be released yet.

If one kind of tests fails, the others still run. The last lines say how each one ended. `make devel`
makes the environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import time

import staging

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# By kind of tests, the arguments for Python that run it.
RUNS = {
    "test": ["-m", "pytest", "-n", str((os.cpu_count() or 1) + 1), "--dist", "loadgroup"],
    "sanity": ["tools/run_ansible_test.py", "sanity"],
    "units": ["tools/run_ansible_test.py", "units", "--python", PYTHON],
    "integration": ["tools/run_ansible_test.py", "integration", "--python", PYTHON],
}


def main() -> int:
    core = f"ansible-core {importlib.metadata.version('ansible-core')}, Python {PYTHON}"
    print(core, flush=True)
    ends = {name: _end(run) for name, run in RUNS.items()}
    print(f"== {core}", *(f"{name:<11} {end}" for name, end in ends.items()), sep="\n", flush=True)
    return int(any(end.startswith("FAILED") for end in ends.values()))


def _end(run: list[str]) -> str:
    start = time.monotonic()
    status = subprocess.run([sys.executable, *run], cwd=staging.CHECKOUT, check=False).returncode
    return f"{'FAILED' if status else 'passed'}, {time.monotonic() - start:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
