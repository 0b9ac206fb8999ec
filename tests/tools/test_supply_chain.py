# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others made is taken by what it holds, not by a name that can be given to something else."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import locks
import matrix
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "tests" / "requirements").glob("*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))

# By workflow: what a job may do beyond reading, and the commands that get a secret.
GRANTS = {
    "locks.yml": {"upgrade": {"contents": "write", "pull-requests": "write", "actions": "write"}},
    "release.yml": {"publish": {"contents": "write"}},
}
HOLDERS = {
    "locks.yml": ['sh tools/propose_locks.sh "$RUNNER_TEMP/changes"'],
    "release.yml": [
        'sh tools/publish.sh "dist/mailfleet-sendgrid-$GITHUB_REF_NAME.tar.gz"',
        'gh release create "$GITHUB_REF_NAME" "dist/mailfleet-sendgrid-$GITHUB_REF_NAME.tar.gz" '
        '--verify-tag --title "$GITHUB_REF_NAME" --notes "CHANGELOG.md says what is new."',
    ],
}

HASH = r"--hash=sha256:[0-9a-f]{64}"
# A version, where it holds, and at least one file of it. Extras stay: where hashes are required, pip takes no package
# for pinned that is wanted with an extra and locked without it.
LOCKED = re.compile(rf"[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+(?: ; [^\\\n]+)?(?: \\\n    {HASH})+")
SECRET = r"\bsecrets\b|github\.token"
WHEEL = "canary_package-1.0-py3-none-any.whl"


def test_there_are_locks_and_workflows() -> None:
    wanted = {path.stem for path in (ROOT / "tests" / "requirements").glob("*.in")} - {"ansible-test"}
    assert {lock.stem for lock in LOCKS} == wanted
    assert WORKFLOWS


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_the_hashes_of_every_package_and_nothing_else(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    assert LOCKED.sub("", entries).strip() == ""
    assert len(LOCKED.findall(entries)) == len(re.findall("==", re.sub(r" ;.*", "", entries))) > 20
    # Which registry it was is the business of whoever installs.
    assert "://" not in text


def test_the_tool_makes_each_lock_as_it_is() -> None:
    assert sorted(locks.LOCKS) == [lock.stem for lock in LOCKS]
    for lock in LOCKS:
        made = lock.read_text(encoding="utf-8").splitlines()[1]
        assert made == f"#    uv {shlex.join(locks.command(lock.stem, upgrade=False))}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_named_by_a_commit_and_its_version_beside_it(workflow: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (.*)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert uses
    assert [each for each in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_the_least_permissions(workflow: Path) -> None:
    told = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert told["permissions"] in ({}, {"contents": "read"})
    jobs = told["jobs"].values()
    granted = {name: job["permissions"] for name, job in told["jobs"].items() if "permissions" in job}
    assert granted == GRANTS.get(workflow.name, {})
    # A pull request from elsewhere gets no permission to write.
    assert not granted or not {"pull_request", "pull_request_target"} & set(told["on"])
    steps = [step for job in jobs for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(jobs)
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    holders = [step for step in steps if re.search(SECRET, str(step))]
    assert [step.get("run") for step in holders] == HOLDERS.get(workflow.name, [])
    # One secret for each, so that what one command gives away is not what another one needs.
    assert [len(re.findall(SECRET, str(step))) for step in holders] == [1] * len(holders)
    # Nor is a secret in what all steps of a job, or all jobs, share.
    shared = [{name: value for name, value in part.items() if name not in ("jobs", "steps")} for part in (told, *jobs)]
    assert re.findall(SECRET, str(shared)) == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_only_a_protected_environment_has_a_secret(workflow: Path) -> None:
    """The token that each run has anyhow is none: what it may do, the permissions say."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    names = {name: re.findall(r"\bsecrets\.(\w+)", str(job)) for name, job in jobs.items()}
    environments = {name: job["environment"] for name, job in jobs.items() if names[name]}
    is_release = workflow.name == "release.yml"
    assert environments == ({"publish": "galaxy"} if is_release else {})
    assert [name for found in names.values() for name in found] == (["GALAXY_TOKEN"] if is_release else [])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_command_of_a_workflow_has_nothing_put_into_it(workflow: Path) -> None:
    told = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    commands = [step["run"] for job in told["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands and [command for command in commands if "${{" in command] == []


def test_no_workflow_names_a_registry_or_another_server() -> None:
    for path in [*WORKFLOWS, *sorted((ROOT / "tools").glob("*.sh")), ROOT / "tools" / "release.py"]:
        assert re.findall(r"https?://(?!www\.gnu\.org/licenses/)\S+", path.read_text(encoding="utf-8")) == [], path


def test_locks_are_upgraded_and_what_comes_is_tried_each_week() -> None:
    scheduled = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS}
    commands = {
        name: [step["run"] for job in told["jobs"].values() for step in job["steps"] if "run" in step]
        for name, told in scheduled.items()
        for times in told["on"].get("schedule", ())
        # Day of the week, and no day of the month.
        if re.fullmatch(r"\d+ \d+ \* \* \d", times["cron"])
    }
    assert 'make locks LOCKS_ARGS=--upgrade >"$RUNNER_TEMP/changes"' in commands["locks.yml"]
    assert commands["devel.yml"] == ["make devel"]
    # The pull request with new locks is tested by the same gates as any other.
    assert ".ci/run" in commands["ci.yml"] and "workflow_dispatch" in scheduled["ci.yml"]["on"]


# What installs a lock


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package that can be installed without a network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "canary_package-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as made:
        made.writestr("canary_package.py", "")
        made.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: canary-package\nVersion: 1.0\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", "")
    return folder / WHEEL


@pytest.mark.parametrize("has_hash", [True, False])
def test_an_environment_holds_only_what_the_lock_has_a_hash_of(has_hash: bool, wheel: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    lock.write_text("canary-package==1.0" + (f" --hash=sha256:{digest}" if has_hash else "") + "\n", encoding="utf-8")
    done = subprocess.run(
        ["sh", "tools/make_env.sh", sys.executable, str(tmp_path / "env"), str(lock)],
        cwd=ROOT,
        # Without a registry there is no uv, so pip installs; both are told the same.
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    installed = list((tmp_path / "env").glob("lib/python*/site-packages/canary_package.py"))
    if has_hash:
        assert (done.returncode, len(installed)) == (0, 1), done.stderr
    else:
        assert done.returncode != 0 and installed == []
        assert "hash" in done.stderr.lower()


def test_uv_itself_is_taken_from_the_lock_with_its_hashes() -> None:
    [cut] = re.findall(r"^    (sed -n .*)$", (ROOT / "tools" / "make_env.sh").read_text(encoding="utf-8"), re.MULTILINE)
    found = subprocess.run(["sh", "-c", cut], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert LOCKED.fullmatch(found.rstrip("\n")) and found.startswith("uv==")


def test_the_matrix_requires_hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []

    def note(*arguments: str) -> None:
        calls.append(arguments)
        (tmp_path / "core-2.17-3.10").mkdir(exist_ok=True)

    monkeypatch.setattr(matrix, "run_uv", note)
    monkeypatch.setattr(matrix, "environments", lambda _checkout: tmp_path)
    matrix.make(matrix.Environment("core-2.17", "3.10"), "/nowhere/python3.10")
    assert ["--require-hashes" in call for call in calls if "install" in call] == [True]


def test_every_command_that_installs_a_lock_requires_hashes() -> None:
    files = [ROOT / "Makefile", *sorted((ROOT / "tools").glob("*.sh"))]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if "pip install" in line]
    assert len(lines) >= 5
    # What is not released yet is in no lock.
    assert [line for line in lines if "--require-hashes" not in line] == [
        '\t@.venv-devel/bin/python -m pip install -qq "$(DEVEL)"'
    ]
