# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets of the Makefile, started by tests just as the documentation has them."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a make around a test hands on, and what a caller may have set.
SETTINGS = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "PYTHON",
    "BENCH_ARGS",
    "DEMO_ARGS",
    "DEVEL",
    "LOCKS_ARGS",
)
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "tests/requirements/README.md", "docs/docsite/rst/*.rst")


def named_commands(target: str) -> set[str]:
    """The commands with this target that README, guides and CONTRIBUTING name, in marks for code or on a line."""
    texts = [path.read_text(encoding="utf-8") for pattern in DOCUMENTS for path in ROOT.glob(pattern)]
    code = rf"`(make {target}\b[^`]*)`"
    line = rf"^ {{4}}(make {target}\b[^#\n]*)"
    found = re.findall(rf"{code}|{line}", "\n".join(texts), re.MULTILINE)
    return {" ".join("".join(parts).split()) for parts in found}


def checkout_for_make(folder: Path) -> Path:
    """A folder with the Makefile, this checkout's files, and an environment that is this one and counts as made.

    In the checkout itself, make could find its environment outdated, and make it anew under the running tests.
    """
    scripts = folder / ".venv" / "bin"
    scripts.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("tests", "tools"):
        (folder / name).symlink_to(ROOT / name)
    (scripts / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    (scripts / "python").chmod(0o755)
    (folder / ".venv" / ".made-for").write_text(f"python3 {folder}\n", encoding="utf-8")
    for stamp in (".has-demo", ".has-test"):
        (folder / ".venv" / stamp).touch()
    return folder


def environment_for_make(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in SETTINGS}
