# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that a change which users can see adds a changelog fragment.

    python tools/fragments.py BASE

compares HEAD with the commit where it left BASE, such as `origin/main`. It needs nothing but Python and git. Whether a
fragment is well-formed is checked by `antsibull-changelog lint`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from environment import clean_environment

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "changelogs/fragments"
# What antsibull-changelog reads in that folder.
ENDINGS = (".yml", ".yaml")
# What users run. Everything else reaches them as documentation, or not at all.
SEEN_BY_USERS = ("plugins/", "roles/", "playbooks/", "extensions/")
ADDED = "A"
SHOWN = 10


class Change(NamedTuple):
    """One file that a change concerns. `status`: a letter of git."""

    status: str
    path: str


def main(arguments: list[str], root: Path = ROOT) -> int:
    if len(arguments) != 1:
        print("usage: python tools/fragments.py BASE", file=sys.stderr)
        return 2
    changes = _changes(arguments[0], root)
    seen = [change.path for change in changes if change.path.startswith(SEEN_BY_USERS)]
    if not seen or any(change.status == ADDED and is_fragment(change.path) for change in changes):
        return 0
    print("Users may see these changes, and no changelog fragment comes with them:")
    print(*(f"  {path}" for path in seen[:SHOWN]), sep="\n")
    if len(seen) > SHOWN:
        print(f"  and {len(seen) - SHOWN} more")
    print(f"Add one to {FOLDER}. If no user sees the change, use the section `trivial`. See CONTRIBUTING.md.")
    return 1


def is_fragment(path: str) -> bool:
    """Whether antsibull-changelog reads the file with this path as a fragment."""
    folder, _slash, name = path.rpartition("/")
    return folder == FOLDER and name.endswith(ENDINGS) and not name.startswith(".")


def _changes(base: str, root: Path) -> list[Change]:
    """What HEAD has changed since it left `base`. A file that was moved is gone in one place and added in the other."""
    # `--end-of-options`: git takes no name of a branch for an option.
    command = ["git", "diff", "--name-status", "--no-renames", "-z", "--end-of-options", f"{base}...HEAD"]
    done = subprocess.run(command, cwd=root, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True)
    parts = done.stdout.split("\0")
    return [Change(*pair) for pair in zip(parts[::2], parts[1::2])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
