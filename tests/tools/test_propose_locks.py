# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the workflow "Locks" does with new locks. git is real, with a repository on this machine; gh notes its calls."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import staging

SCRIPT = staging.CHECKOUT / "tools" / "propose_locks.sh"
LOCK = "tests/requirements/demo.txt"
OTHER = "Makefile"
CHANGE = "certifi: 2026.1 -> 2026.2 (demo)"
# It lists the open pull requests that the test wants it to find.
GH = """#!/bin/sh
echo "$*" >>"$GH_CALLS"
case "$1 $2" in "pr list") printf %s "$GH_OPEN" ;; esac
"""


@dataclass(frozen=True)
class Clone:
    """A clone, and the folder in which it, its origin and what gh notes are."""

    scratch: Path

    @property
    def folder(self) -> Path:
        return self.scratch / "clone"

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def change_lock(self, text: str) -> None:
        (self.folder / LOCK).write_text(text, encoding="utf-8")

    def propose(self, is_open: str = "") -> subprocess.CompletedProcess[str]:
        changes = self.scratch / "changes"
        changes.write_text(f"{CHANGE}\n", encoding="utf-8")
        return subprocess.run(
            ["sh", str(SCRIPT), str(changes)],
            cwd=self.folder,
            env={**self._environment(), "GH_OPEN": is_open},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self) -> list[str]:
        noted = self.scratch / "calls"
        return noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []

    def _environment(self) -> dict[str, str]:
        return {
            **staging.clean_environment(),
            "PATH": f"{self.scratch / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GH_CALLS": str(self.scratch / "calls"),
            # Nobody's own settings.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path)
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(GH, encoding="utf-8")
    gh.chmod(0o755)
    made.folder.mkdir()
    made.git("init", "--quiet", "--bare", str(tmp_path / "origin"))
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("remote", "add", "origin", str(tmp_path / "origin"))
    (made.folder / LOCK).parent.mkdir(parents=True)
    made.change_lock("certifi==2026.1\n")
    (made.folder / OTHER).write_text("no lock", encoding="utf-8")
    made.git("add", "--all")
    made.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "First")
    made.git("push", "--quiet", "origin", "main")
    return made


def test_new_locks_become_a_pull_request_on_which_ci_runs(clone: Clone) -> None:
    clone.change_lock("certifi==2026.2\n")
    (clone.folder / OTHER).write_text("changed as well", encoding="utf-8")
    done = clone.propose()
    assert done.returncode == 0, done.stderr
    assert CHANGE in done.stdout
    clone.git("fetch", "--quiet", "origin")
    assert clone.git("show", f"origin/upgrade-locks:{LOCK}") == "certifi==2026.2"
    assert clone.git("diff", "--name-only", "main", "origin/upgrade-locks") == LOCK
    assert CHANGE in clone.git("log", "-1", "--format=%B", "origin/upgrade-locks")
    assert clone.git("rev-parse", "origin/main") == clone.git("rev-parse", "main")
    looked, signed_in, opened, started = clone.calls()
    assert looked.startswith("pr list --head upgrade-locks --state open ")
    assert signed_in == "auth setup-git"
    assert opened.startswith("pr create --base main --head upgrade-locks ") and "--body-file" in opened
    assert started == "workflow run ci.yml --ref upgrade-locks"


def test_nothing_happens_where_no_lock_changed(clone: Clone) -> None:
    done = clone.propose()
    assert (done.returncode, clone.calls()) == (0, [])
    assert done.stdout.endswith("No lock has changed.\n")


def test_an_upgrade_that_is_still_open_is_left_alone(clone: Clone) -> None:
    clone.change_lock("certifi==2026.2\n")
    done = clone.propose(is_open="https://forge.example/pull/7\n")
    assert done.returncode == 1
    assert "Merge or close the last upgrade first: https://forge.example/pull/7" in done.stderr
    assert len(clone.calls()) == 1 and clone.git("ls-remote", "origin", "upgrade-locks") == ""


def test_the_branch_of_an_earlier_upgrade_is_replaced(clone: Clone) -> None:
    for version in ("2026.2", "2026.3"):
        clone.change_lock(f"certifi=={version}\n")
        assert clone.propose().returncode == 0
        clone.git("switch", "--quiet", "main")
        clone.git("branch", "--quiet", "--delete", "--force", "upgrade-locks")
    clone.git("fetch", "--quiet", "origin")
    assert clone.git("show", f"origin/upgrade-locks:{LOCK}") == "certifi==2026.3"
    assert clone.git("rev-list", "--count", "main..origin/upgrade-locks") == "1"
