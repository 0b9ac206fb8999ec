# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of the checkout where Ansible's tools find a collection: `.../ansible_collections/mailfleet/sendgrid`.

They need a real path, since they resolve a symlink. It must be in a git repository that does not ignore it. Otherwise
they skip everything and call that success.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from environment import clean_environment

CHECKOUT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def staged_copy() -> Iterator[Path]:
    """The copy, in a temporary folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="mailfleet-sendgrid-") as scratch:
        copy = Path(scratch).resolve() / "ansible_collections" / "mailfleet" / "sendgrid"
        for name in _project_files():
            _copy(CHECKOUT / name, copy / name)
        _git(copy, "init", "--quiet")
        # Add all files, also those that rules of the user ignore. Nothing needs a commit.
        _git(copy, "add", "--all", "--force")
        yield copy


def build(copy: Path, folder: Path) -> Path:
    """Build the collection's tarball from the copy into `folder`."""
    _galaxy(copy, "build", str(copy), "--output-path", str(folder))
    [tarball] = folder.glob("*.tar.gz")
    return tarball


def install(source: Path | str, folder: Path) -> Path:
    """Install a collection from a tarball or from the address of a repository. Returns its folder."""
    installed = folder / "ansible_collections" / "mailfleet" / "sendgrid"
    _galaxy(installed, "install", str(source), "--offline", "--collections-path", str(folder))
    return installed


def _galaxy(collection: Path, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", *arguments]
    subprocess.run(command, env=environment_for(collection), stdout=subprocess.DEVNULL, check=True)


def environment_for(copy: Path) -> dict[str, str]:
    """The environment for a tool of this Python that runs on the copy."""
    # copy is .../ansible_collections/mailfleet/sendgrid, and Ansible wants the folder above.
    root = copy.parents[2]
    return {
        **clean_environment(),
        "ANSIBLE_COLLECTIONS_PATH": str(root),
        # Files of another version of ansible-lint in the home of the user would disturb this one.
        "ANSIBLE_HOME": str(root / ".ansible"),
    }


def _project_files() -> list[str]:
    """Everything that is in the repository, or would be after `git add`."""
    listing = _git(CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({name for name in listing.split("\0") if name and os.path.lexists(CHECKOUT / name)})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, check=True, text=True).stdout
