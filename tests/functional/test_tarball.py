# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the tarball: everything that users need and nothing else, even if other files exist at the build."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pytest

from tools import staging
from tools.environment import clean_environment

# With all that is in them.
FOLDERS = ("plugins", "roles", "playbooks", "meta", "extensions", "docs/docsite", "tests/sandbox")
FILES = {
    # Galaxy lints an upload.
    ".ansible-lint",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "requirements.txt",
    # README.md shows it.
    "docs/images/fleet_report.png",
    # Ansible's own release notes are made from them.
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    # For the sandbox.
    "tests/__init__.py",
}
# Written by the build.
MANIFESTS = {"MANIFEST.json", "FILES.json"}
# Beside what git ignores: parts of the repository that come and go, and files that no rule has foreseen.
MORE_LITTER = (
    ".venv-other/bin/python",
    ".coverage.host.123",
    "mailfleet-sendgrid-0.0.1.tar.gz",
    "dist/notes.txt",
    "plugins/modules/__pycache__/reseller_customer.cpython-311.pyc",
    "tests/sandbox/__pycache__/wire.cpython-311.pyc",
    "tests/integration/targets/one/tasks/main.yml",
    "tests/output/junit/result.xml",
    "tests/unit/test_new.py",
    "tests/conftest.py",
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def ignored() -> list[str]:
    """A path for each rule of .gitignore, for rules without a place one beside the modules."""
    rules = (staging.CHECKOUT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return [example(rule) for rule in rules if rule and not rule.startswith("#")]


def example(rule: str) -> str:
    name = rule.strip("/").replace("[co]", "c").replace("*", "other")
    place = "" if rule.startswith("/") else "plugins/modules/"
    return place + name + ("/file.py" if rule.endswith("/") else "")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tarball, unpacked, made from a folder in which everything lies about."""
    folder = tmp_path_factory.mktemp("tarball")
    with staging.staged_copy() as copy:
        litter = [*ignored(), *MORE_LITTER]
        for name in litter:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text("litter", encoding="utf-8")
        tarball = staging.build(copy, folder)
    # Without a filter, Python 3.12 and later warn; older bugfix releases of 3.10 know none.
    careful = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(tarball) as archive:
        archive.extractall(folder / "unpacked", **careful)
    return folder / "unpacked"


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def in_repository() -> set[str]:
    listing = ["git", "-C", str(staging.CHECKOUT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, env=clean_environment(), capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines() if (staging.CHECKOUT / name).is_file()}


def test_the_tarball_holds_what_users_need_and_nothing_else(built: Path) -> None:
    wanted = {name for name in in_repository() if name.startswith(tuple(f"{folder}/" for folder in FOLDERS))} | FILES
    assert all(any(name.startswith(f"{folder}/") for name in wanted) for folder in FOLDERS)
    found = files_in(built) - MANIFESTS
    assert (sorted(wanted - found), sorted(found - wanted)) == ([], [])


def test_git_ignores_what_the_examples_say() -> None:
    """Else the litter of the other test would be none."""
    paths = ignored()
    command = ["git", "-C", str(staging.CHECKOUT), "check-ignore", "--no-index", *paths]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == paths
    assert len(paths) > 15


def test_links_between_files_of_the_tarball_lead_somewhere(built: Path) -> None:
    links = {
        (name, link)
        for name in files_in(built)
        if name.endswith(".md")
        for link in LINK.findall((built / name).read_text(encoding="utf-8"))
        if not urlsplit(link).scheme and urlsplit(link).path
    }
    assert len(links) > 10
    dead = {
        (name, link) for name, link in links if not (built / PurePosixPath(name).parent / urlsplit(link).path).exists()
    }
    assert dead == set()
