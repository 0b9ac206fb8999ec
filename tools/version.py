# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the version of galaxy.yml into the other files that name it.

With --check, nothing is written, and a file with another version is an error.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import written
import yaml

ROOT = Path(__file__).resolve().parent.parent
TOOL = written.Tool("tools/version.py", "galaxy.yml", "Write the version of galaxy.yml into the other files.")
# By file: the text before the version, and after it, on one line.
PLACES = {
    "plugins/module_utils/_http/transport.py": ('VERSION = "', '"'),
    "extensions/execution-environment/requirements.yml": ("    version: ", ""),
}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    return written.run(TOOL, _outdated, arguments, root)


def version_of(root: Path) -> str:
    """The version in galaxy.yml."""
    return str(yaml.safe_load((root / TOOL.source).read_text(encoding="utf-8"))["version"])


def _outdated(root: Path) -> dict[str, written.Outdated]:
    texts = {name: (root / name).read_text(encoding="utf-8") for name in PLACES}
    files = {name: written.Outdated(text, _with_version(name, text, version_of(root))) for name, text in texts.items()}
    return {name: file for name, file in files.items() if file.text != file.wanted}


def _with_version(name: str, text: str, version: str) -> str:
    """The text of a file with this version. Raises ValueError unless exactly one line of the file has a version."""
    before, after = PLACES[name]
    line = re.compile(rf"^{re.escape(before)}\d+\.\d+\.\d+\S*?{re.escape(after)}$", re.MULTILINE)
    wanted, number = line.subn(lambda _found: f"{before}{version}{after}", text)
    if number != 1:
        raise ValueError(f"{name}: {number} lines have a version, and one should")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
