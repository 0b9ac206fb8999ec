# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the lock files of tests/requirements, each from the .in file beside it. Prints the versions that changed.

A version stays as long as the .in file allows it; `--upgrade` takes the newest version that it allows.

    python tools/locks.py                       # after a change of an .in file
    python tools/locks.py --upgrade             # the newest versions, in all locks
    python tools/locks.py --upgrade core-2.20   # in one lock
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable

import matrix

# Each lock, and the oldest Python that uses it. `demo` comes first: the other locks take its versions of what they
# share.
LOCKS = {
    **{name: "3.10" for name in ("demo", "test", "lint", "docs", "importer")},
    **{f"core-{core}": pythons[0] for core, pythons in matrix.CORES.items()},
    f"target-{matrix.OLDEST_TARGET}": matrix.OLDEST_TARGET,
}
# One lock for all platforms, with the hashes of all files and without the address of a registry. Extras stay, since pip
# needs them if it requires hashes. With `--no-build`, no code of a package runs.
FORM = ("--no-build", "--universal", "--no-emit-index-url", "--no-annotate", "--no-strip-extras", "--generate-hashes")
ENTRY = re.compile(r"^([a-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)

# The versions of each package in one lock. Some packages have several versions, for several Pythons.
Versions = dict[str, tuple[str, ...]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the lock files of tests/requirements.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that the .in files allow")
    parser.add_argument("locks", nargs="*", metavar="LOCK", help=f"only these of: {', '.join(LOCKS)}")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.locks if name not in LOCKS]
    if unknown:
        parser.error(f"There is no lock {', '.join(unknown)}.")
    chosen = [name for name in LOCKS if name in options.locks or not options.locks]
    before = {name: read(name) for name in chosen}
    for name in chosen:
        print(f"Locking {name}", file=sys.stderr, flush=True)
        matrix.run_uv(*command(name, options.upgrade), folder=matrix.LOCKS)
    print("\n".join(changes(before, {name: read(name) for name in chosen})) or "No version changed.")
    return 0


def command(name: str, upgrade: bool) -> list[str]:
    """The arguments for uv, which runs in the folder of the locks. uv writes them at the top of the lock."""
    further = ["--upgrade"] if upgrade else []
    return ["pip", "compile", *further, *FORM, "--python-version", LOCKS[name], "-o", f"{name}.txt", f"{name}.in"]


def read(name: str) -> Versions:
    """The versions in a lock, or none if the file does not exist yet."""
    lock = matrix.LOCKS / f"{name}.txt"
    return versions(lock.read_text(encoding="utf-8")) if lock.exists() else {}


def versions(text: str) -> Versions:
    """The versions of each package in the text of a lock."""
    found = ENTRY.findall(text)
    return {package: tuple(version for each, version in found if each == package) for package, _version in found}


def changes(before: dict[str, Versions], after: dict[str, Versions]) -> list[str]:
    """A line for each change: the package, its versions before and after, and the locks that have this change."""
    found: dict[str, list[str]] = {}
    for lock in after:
        for package in sorted({*before[lock], *after[lock]}):
            old, new = (_describe(each[lock].get(package, ())) for each in (before, after))
            if old != new:
                found.setdefault(f"{package}: {old} -> {new}", []).append(lock)
    return [f"{change} ({', '.join(locks)})" for change, locks in sorted(found.items())]


def _describe(found: Iterable[str]) -> str:
    return ", ".join(found) or "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
