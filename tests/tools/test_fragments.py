# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that users see comes with a changelog fragment. git is real, with a repository on this machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import fragments
import pytest
import staging

MODULE = "plugins/modules/reseller_customer.py"
FRAGMENT = f"{fragments.FOLDER}/city.yml"
RELEASED = f"{fragments.FOLDER}/0.1.0.yml"


@dataclass(frozen=True)
class Clone:
    """A repository whose branch `main` has a module and a fragment; HEAD is on a branch from there."""

    folder: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        environment = {
            **staging.clean_environment(),
            # Nobody's own settings.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def write(self, *names: str) -> None:
        """Changes files, or adds them."""
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            path.write_text(f"{before}# One more line of {name}\n", encoding="utf-8")

    def commit(self, *names: str) -> None:
        self.write(*names)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit(MODULE, RELEASED, "README.md")
    made.git("switch", "--quiet", "--create", "change")
    return made


@pytest.mark.parametrize("folder", fragments.SEEN_BY_USERS)
def test_a_change_without_a_fragment_fails(folder: str, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert (fragments.ROOT / folder).is_dir()
    clone.commit(f"{folder}new/file.yml", "README.md")
    assert fragments.main(["main"], clone.folder) == 1
    output = capsys.readouterr().out
    assert f"\n  {folder}new/file.yml\n" in output and "README.md" not in output
    assert "use the section `trivial`" in output


def test_a_change_with_a_fragment_passes(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.commit(MODULE)
    assert fragments.main(["main"], clone.folder) == 1
    capsys.readouterr()
    # It may come in a later commit.
    clone.commit(FRAGMENT)
    assert (fragments.main(["main"], clone.folder), capsys.readouterr().out) == (0, "")


def test_a_change_that_no_user_sees_needs_none(clone: Clone) -> None:
    clone.commit("README.md", "tests/unit/test_new.py", "tools/new.py", "my/plugins/modules/new.py")
    assert fragments.main(["main"], clone.folder) == 0


@pytest.mark.parametrize(
    "name",
    [
        # What an earlier change has added says nothing about this one.
        RELEASED,
        # antsibull-changelog reads none of these.
        f"{fragments.FOLDER}/city.txt",
        f"{fragments.FOLDER}/.city.yml",
        f"{fragments.FOLDER}/more/city.yml",
        "changelogs/city.yml",
    ],
)
def test_another_file_is_no_fragment(name: str, clone: Clone) -> None:
    clone.commit(MODULE, name)
    assert fragments.main(["main"], clone.folder) == 1


def test_a_file_that_is_deleted_or_moved_is_a_change(clone: Clone) -> None:
    clone.git("mv", MODULE, "tools.py")
    clone.commit()
    assert fragments.main(["main"], clone.folder) == 1


def test_a_file_that_was_moved_hides_no_other(clone: Clone) -> None:
    clone.git("mv", "README.md", "READ.md")
    clone.commit(MODULE)
    assert fragments.main(["main"], clone.folder) == 1


def test_what_others_did_meanwhile_does_not_count(clone: Clone) -> None:
    clone.commit("README.md")
    clone.git("switch", "--quiet", "main")
    clone.commit(MODULE)
    clone.git("switch", "--quiet", "change")
    assert fragments.main(["main"], clone.folder) == 0
    # A fragment of others counts no more than their change.
    clone.commit(MODULE)
    clone.git("switch", "--quiet", "main")
    clone.commit(FRAGMENT)
    clone.git("switch", "--quiet", "change")
    assert fragments.main(["main"], clone.folder) == 1


def test_a_pull_request_is_compared_as_the_workflow_has_it(clone: Clone, tmp_path: Path) -> None:
    """The workflow sees a merge, and one commit before it on each side."""
    clone.commit(MODULE)
    clone.git("switch", "--quiet", "main")
    clone.commit(FRAGMENT)
    clone.git("merge", "--quiet", "--no-ff", "--message", "Merge", "change")
    shallow = tmp_path / "shallow"
    clone.git("clone", "--quiet", "--depth", "2", f"file://{clone.folder}", str(shallow))
    assert fragments.main(["HEAD^1"], shallow) == 1
    workflow = (fragments.ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "fetch-depth: 2\n" in workflow and "run: python tools/fragments.py HEAD^1\n" in workflow


def test_a_long_list_is_cut(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.commit(*(f"plugins/modules/new_{number:02}.py" for number in range(fragments.SHOWN + 3)))
    assert fragments.main(["main"], clone.folder) == 1
    output = capsys.readouterr().out
    assert output.count("plugins/modules/") == fragments.SHOWN and "\n  and 3 more\n" in output


@pytest.mark.parametrize("arguments", [[], ["main", "HEAD"]])
def test_one_base_is_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert fragments.main(arguments) == 2
    assert "fragments.py BASE" in capsys.readouterr().err


def test_a_base_that_is_not_there_is_an_error(clone: Clone) -> None:
    for base in ("elsewhere", "--output=README.md"):
        with pytest.raises(subprocess.CalledProcessError):
            fragments.main([base], clone.folder)
