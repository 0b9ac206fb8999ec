# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that ansible-builder accepts the example of an execution environment, and finds what the collection needs.

It builds no image, so it needs no container engine. It runs in a copy of the checkout in a collection tree, since
ansible-builder finds collections by their path. tools/lint.py makes the copy.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

COLLECTION = Path(__file__).resolve().parent.parent
RECIPE = "Containerfile"
EXAMPLE = COLLECTION / "extensions" / "execution-environment"


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        missing = _missing_in_context(Path(scratch, "context")) + _missing_requirements(Path(scratch, "found"))
    for line in missing:
        print(f"ansible-builder does not find: {line}")
    return 1 if missing else 0


def _missing_in_context(context: Path) -> list[str]:
    """What the definition asks for and the folder for building an image lacks."""
    definition = ["--file", str(EXAMPLE / "execution-environment.yml"), "--context", str(context)]
    # Without this option, the name depends on the container engine of the machine.
    _builder("create", *definition, "--output-filename", RECIPE)
    recipe = (context / RECIPE).read_text(encoding="utf-8")
    copied = context / "_build" / "requirements.yml"
    wanted = EXAMPLE / "requirements.yml"
    missing = [part for part in ("/usr/bin/python3.12", "ansible-core>=2.17", "ansible-runner") if part not in recipe]
    if not copied.is_file() or copied.read_text(encoding="utf-8") != wanted.read_text(encoding="utf-8"):
        missing.append("requirements.yml")
    return missing


def _missing_requirements(found: Path) -> list[str]:
    """Lines of requirements.txt that an image with the collection would lack."""
    # .../ansible_collections/mailfleet/sendgrid: the folder that holds the tree.
    _builder("introspect", "--write-pip", str(found), str(COLLECTION.parents[2]))
    told = found.read_text(encoding="utf-8") if found.exists() else ""
    lines = (COLLECTION / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#") and line not in told]


def _builder(*arguments: str) -> None:
    subprocess.run(["ansible-builder", *arguments], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
