# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of the programs that tools and tests start.

This file decides everything about it. The Makefile adds only what must be set before a program of this repository
runs.

    python tools/environment.py PROGRAM [ARGUMENT ...]

runs a program of this Python in it.
"""

from __future__ import annotations

import locale
import os
import sys
from pathlib import Path

# Prefixes of foreign settings, which would lead a program elsewhere: of Ansible, git and Python, and a real account.
FOREIGN = ("ANSIBLE_", "GIT_", "PYTHON", "SENDGRID_", "VIRTUAL_ENV")
# No proxy must get the calls to the sandbox on this machine.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Ansible does not start with a locale that the machine lacks. Remote shells often set one.
LOCALE = "C.UTF-8"


def clean_environment() -> dict[str, str]:
    """The caller's environment without foreign settings. Programs of this Python come first in the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    unproxied = ",".join(_unproxied(kept.get("no_proxy") or kept.get("NO_PROXY") or ""))
    return {
        **kept,
        "PATH": os.pathsep.join(_paths(kept.get("PATH", os.defpath))),
        "no_proxy": unproxied,
        "NO_PROXY": unproxied,
        **({"LC_ALL": LOCALE} if _has_locale() else {}),
    }


def ansible_environment(folder: Path, *collections: Path) -> dict[str, str]:
    """The same for Ansible, which keeps its files in `folder` and finds collections in `collections`."""
    # With an empty configuration, Ansible does not read those of the user and of the machine.
    configuration = folder / "ansible.cfg"
    configuration.touch()
    return {
        **clean_environment(),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, collections)),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
    }


def _unproxied(listed: str) -> list[str]:
    own = [place for place in listed.split(",") if place]
    return [*own, *(place for place in LOOPBACK if place not in own)]


def _paths(listed: str) -> list[str]:
    own = str(Path(sys.executable).parent)
    return [own, *(path for path in listed.split(os.pathsep) if path != own)]


def _has_locale() -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, LOCALE)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True


def main(arguments: list[str]) -> None:
    os.execvpe(arguments[0], arguments, clean_environment())


if __name__ == "__main__":
    main(sys.argv[1:])
