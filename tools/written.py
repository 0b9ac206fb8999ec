# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the tools that write files from one source.

Without an option, such a tool writes the files that differ from the source. With --check, it shows the differences and
writes nothing.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Tool(NamedTuple):
    """`path`: of the tool. `source`: the path of the file that the others follow. `purpose`: for the help."""

    path: str
    source: str
    purpose: str


class Outdated(NamedTuple):
    """What a file holds, and what it should hold."""

    text: str
    wanted: str


# The outdated files of a checkout, by path.
Find = Callable[[Path], "dict[str, Outdated]"]


def run(tool: Tool, find: Find, arguments: list[str] | None, root: Path) -> int:
    """Writes what is outdated. With --check, writes nothing, and returns 1 if something is outdated."""
    parser = argparse.ArgumentParser(description=tool.purpose)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if something would be written")
    is_check = parser.parse_args(arguments).check
    outdated = find(root)
    for name, file in outdated.items():
        if is_check:
            print(_difference(name, file, tool.source), end="")
        else:
            (root / name).write_text(file.wanted, encoding="utf-8")
            print(f"{name}: written")
    if is_check and outdated:
        print(f"These files differ from {tool.source}. Edit that file, not them, and run: python {tool.path}")
    return 1 if is_check and outdated else 0


def _difference(name: str, file: Outdated, source: str) -> str:
    lines = [part.splitlines(keepends=True) for part in file]
    return "".join(difflib.unified_diff(*lines, fromfile=name, tofile=f"{name} as {source} has it"))
