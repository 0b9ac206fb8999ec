# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An `ansible_collections` tree that holds this checkout, whatever the checkout's folder is called.

Ansible finds a collection only below `ansible_collections/NAMESPACE/NAME`. A symlink gives a clone with any folder name
such an address without copying it:

    python -m tests.collection_tree DIR
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
COLLECTION = Path("ansible_collections", "mailfleet", "sendgrid")


def make_tree(directory: str | os.PathLike[str]) -> Path:
    """Make `directory/ansible_collections/mailfleet/sendgrid` lead to the checkout; return the directory.

    It may be called again, and by several processes at once. The result is a value for ANSIBLE_COLLECTIONS_PATH and an
    entry for sys.path.
    """
    root = Path(directory).absolute()
    link = root / COLLECTION
    link.parent.mkdir(parents=True, exist_ok=True)
    if not _leads_to_checkout(link):
        _put_link(link)
    return root


def _leads_to_checkout(link: Path) -> bool:
    return link.exists() and link.resolve() == CHECKOUT


def _put_link(link: Path) -> None:
    """Make the link beside its place and move it there: nobody ever sees the tree without it."""
    if link.is_dir() and not link.is_symlink():
        raise FileExistsError(f"{link} is a folder of its own and not this checkout; name another folder")
    with tempfile.TemporaryDirectory(dir=link.parent, prefix=".link-") as scratch:
        fresh = Path(scratch, "link")
        fresh.symlink_to(CHECKOUT, target_is_directory=True)
        os.replace(fresh, link)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m tests.collection_tree DIR", file=sys.stderr)
        return 2
    print(make_tree(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
