# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tag is released only if the version and the changelog fit it, and the token of Galaxy stays secret on its way."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fragments
import pytest
import release
import staging
import version
import yaml

TAG = "4.5.6"
TOKEN = "canary-c0ffee-123"
# Found out as antsibull-changelog does it, by the name in the changelog.
RELEASED = ["city.yml", "4.5.6.yml"]


# What is checked before a release


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is ready to be released as TAG."""
    (tmp_path / version.TOOL.source).write_text(f"version: {TAG}\n", encoding="utf-8")
    folder = tmp_path / fragments.FOLDER
    folder.mkdir(parents=True)
    for name in (*RELEASED, ".hidden.yml", "notes.txt"):
        (folder / name).write_text("bugfixes: []\n", encoding="utf-8")
    (tmp_path / release.CHANGELOG).write_text(
        yaml.safe_dump({"releases": {"4.5.5": {}, TAG: {"fragments": RELEASED}}}), encoding="utf-8"
    )
    (tmp_path / release.NOTES).write_text("# Notes\n\n## v4\\.5\\.6\n\n## v4\\.5\\.5\n", encoding="utf-8")
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_checkout_that_is_ready_passes(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([TAG], checkout) == 0
    assert capsys.readouterr().out == f"What keeps {TAG} from being released: 0 problems\n"


@pytest.mark.parametrize("tag", ["4.5.5", "4.5.7", "v4.5.6", "4.5.6rc1"])
def test_a_tag_is_the_version(tag: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([tag], checkout) == 1
    assert f"Problem: the tag is {tag}, and the version in galaxy.yml is {TAG}\n" in capsys.readouterr().out


def test_the_changelog_has_the_version(checkout: Path) -> None:
    replace(checkout / release.CHANGELOG, TAG, "4.5.4")
    replace(checkout / release.NOTES, "## v4\\.5\\.6", "## v4\\.5\\.4")
    [no_release, no_section, *_left] = release.problems(TAG, checkout)
    assert "changelog.yaml has no release 4.5.6" in no_release
    assert "CHANGELOG.md has no section for 4.5.6" in no_section


def test_no_fragment_is_left(checkout: Path) -> None:
    (checkout / fragments.FOLDER / "later.yaml").touch()
    assert release.problems(TAG, checkout) == ["changelogs/fragments/later.yaml is in no release"]


def test_everything_that_is_wrong_is_printed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / fragments.FOLDER / "later.yml").touch()
    replace(checkout / release.NOTES, "## v4\\.5\\.6", "")
    assert release.main(["4.5.7"], checkout) == 1
    output = capsys.readouterr().out.splitlines()
    assert [line.startswith("Problem: ") for line in output] == [True, True, True, False]
    assert output[-1].endswith(" 3 problems")


def test_this_checkout_names_the_next_release_or_the_last_one() -> None:
    """As long as fragments wait for a release, galaxy.yml has the version of that one."""
    newest = max(release.releases(release.ROOT), key=number)
    own = version.version_of(release.ROOT)
    if release.pending(release.ROOT):
        assert number(own) > number(newest)
    else:
        assert own == newest
    assert release.versions_in_notes(release.ROOT)[0] == newest


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


# What publishes


class Galaxy(BaseHTTPRequestHandler):
    """A stand-in for Galaxy that takes one collection, and notes what it gets."""

    def do_GET(self) -> None:
        if "/imports/" in self.path:
            self._answer({"state": "completed", "finished_at": "2026-01-01T00:00:00", "messages": [], "error": None})
        else:
            self._answer({"available_versions": {"v3": "v3/"}, "current_version": "v3"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.uploads.append((self.path, self.headers["Authorization"], body))  # type: ignore[attr-defined]
        self._answer({"task": f"{self.server.url}/api/v3/imports/collections/1/"})  # type: ignore[attr-defined]

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def galaxy() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Galaxy)
    server.uploads = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    path = tmp_path / f"mailfleet-sendgrid-{TAG}.tar.gz"
    (tmp_path / "MANIFEST.json").write_text("{}", encoding="utf-8")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "MANIFEST.json", "MANIFEST.json")
    return path


def publish(folder: Path, tarball: Path, program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the script of the workflow, with a `program` in place of ansible-galaxy in the environment of the clone."""
    scripts = folder / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "ansible-galaxy").write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    (scripts / "ansible-galaxy").chmod(0o755)
    (folder / "scratch").mkdir()
    environment = {**staging.clean_environment(), "TMPDIR": str(folder / "scratch"), "HOME": str(folder), **variables}
    return subprocess.run(
        ["sh", str(staging.CHECKOUT / "tools" / "publish.sh"), str(tarball)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_tarball_and_the_token_reach_galaxy_and_nothing_else(tmp_path: Path, galaxy: Any, tarball: Path) -> None:
    real = Path(sys.executable).with_name("ansible-galaxy")
    folder = tmp_path / "clone"
    # With all that Ansible can say.
    program = f'"{real}" -vvvvv "$@"'
    done = publish(folder, tarball, program, GALAXY_TOKEN=TOKEN, ANSIBLE_GALAXY_SERVER=galaxy.url)
    assert done.returncode == 0, done.stderr
    [(path, authorization, body)] = galaxy.uploads
    assert path.endswith("/collections/") and authorization == f"Token {TOKEN}"
    assert hashlib.sha256(tarball.read_bytes()).hexdigest().encode() in body
    assert TOKEN not in done.stdout + done.stderr
    assert [name for name in (folder / "scratch").rglob("*") if name.is_file()] == []


def test_the_token_is_on_no_command_line_and_in_no_variable(tmp_path: Path, tarball: Path) -> None:
    program = 'echo "$0 $*"; env; stat -c %a "$ANSIBLE_GALAXY_TOKEN_PATH"; cat "$ANSIBLE_GALAXY_TOKEN_PATH" >token'
    folder = tmp_path / "clone"
    done = publish(folder, tarball, program, GALAXY_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f".venv/bin/ansible-galaxy collection publish {tarball}\n")
    assert done.stdout.endswith("\n600\n") and TOKEN not in done.stdout + done.stderr
    assert yaml.safe_load((folder / "token").read_text(encoding="utf-8")) == {"token": TOKEN}


def test_the_token_is_gone_after_a_failure(tmp_path: Path, tarball: Path) -> None:
    done = publish(tmp_path / "clone", tarball, "exit 5", GALAXY_TOKEN=TOKEN)
    assert done.returncode == 5
    assert list((tmp_path / "clone" / "scratch").iterdir()) == []


@pytest.mark.parametrize("variables", [{}, {"GALAXY_TOKEN": ""}])
def test_nothing_is_published_without_a_token(variables: dict[str, str], tmp_path: Path, tarball: Path) -> None:
    done = publish(tmp_path / "clone", tarball, "echo called", **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Set GALAXY_TOKEN" in done.stderr


# The workflow


def test_a_release_is_checked_and_tested_before_it_is_published() -> None:
    told = yaml.safe_load((staging.CHECKOUT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert told["on"] == {"push": {"tags": ["[0-9]+.[0-9]+.[0-9]+"]}}
    jobs = told["jobs"]
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert commands["gates"][-2:] == ['.venv-lint/bin/python tools/release.py "$GITHUB_REF_NAME"', ".ci/run"]
    assert jobs["publish"]["needs"] == "gates" and jobs["publish"]["environment"] == "galaxy"
    build, upload, attach = commands["publish"]
    tarball = '"dist/mailfleet-sendgrid-$GITHUB_REF_NAME.tar.gz"'
    assert (build, upload) == ("make build", f"sh tools/publish.sh {tarball}")
    assert attach.startswith(f'gh release create "$GITHUB_REF_NAME" {tarball} ')


def test_contributing_says_what_the_workflow_needs() -> None:
    text = (staging.CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "`GALAXY_TOKEN`" in text and "environment `galaxy`" in text
