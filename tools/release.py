# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the checkout is ready to be released under a tag.

    python tools/release.py TAG

The tag is the version in galaxy.yml, the changelog has a section for this version, and no fragment is left for a later
one. Prints everything that is wrong.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import fragments
import version
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = "changelogs/changelog.yaml"
NOTES = "CHANGELOG.md"


def main(arguments: list[str], root: Path = ROOT) -> int:
    if len(arguments) != 1:
        print("usage: python tools/release.py TAG", file=sys.stderr)
        return 2
    found = problems(arguments[0], root)
    print(*(f"Problem: {problem}" for problem in found), sep="\n", end="\n" if found else "")
    print(f"What keeps {arguments[0]} from being released: {len(found)} problems")
    return 1 if found else 0


def problems(tag: str, root: Path) -> list[str]:
    """Everything that keeps the checkout from being released under this tag."""
    own = version.version_of(root)
    found = [] if tag == own else [f"the tag is {tag}, and the version in galaxy.yml is {own}"]
    if own not in releases(root):
        found.append(f"{CHANGELOG} has no release {own}: run antsibull-changelog release")
    if own not in versions_in_notes(root):
        found.append(f"{NOTES} has no section for {own}: run antsibull-changelog generate")
    return found + [f"{fragments.FOLDER}/{name} is in no release" for name in pending(root)]


def pending(root: Path) -> list[str]:
    """The fragments that are in no release. They stay in the folder after a release, so the changelog tells.

    This is how antsibull-changelog itself tells with `keep_fragments`: by name.
    """
    released = {name for release in releases(root).values() for name in release.get("fragments", ())}
    names = {path.name for path in (root / fragments.FOLDER).glob("*") if fragments.is_fragment(_place(path, root))}
    return sorted(names - released)


def releases(root: Path) -> dict[str, dict[str, list[str]]]:
    """The releases of the changelog, by version."""
    found: dict[str, dict[str, list[str]]] = yaml.safe_load((root / CHANGELOG).read_text(encoding="utf-8"))["releases"]
    return found


def versions_in_notes(root: Path) -> list[str]:
    """The versions that have a section in the release notes, the newest first."""
    notes = (root / NOTES).read_text(encoding="utf-8").replace("\\", "")
    return re.findall(r"^## v(\S+)$", notes, re.MULTILINE)


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
