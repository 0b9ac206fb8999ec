# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of what tests and tools start: nothing of the caller's that leads it elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environment
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = {
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
    "SENDGRID_API_KEY": "canary-of-the-shell",
    "GIT_DIR": "/nonexistent",
    "PYTHONPATH": "/nonexistent",
    "PYTHONDONTWRITEBYTECODE": "1",
    "VIRTUAL_ENV": "/nonexistent",
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller's shell in which much is set."""
    for name, value in {**FOREIGN, "HOME": "/home/ada", "PATH": "/opt/bin"}.items():
        monkeypatch.setenv(name, value)


def test_what_is_foreign_stays_out(shell: None) -> None:
    made = environment.clean_environment()
    assert not FOREIGN.keys() & made.keys()
    assert made["HOME"] == "/home/ada"


def test_programs_of_this_python_come_first_and_once(shell: None, monkeypatch: pytest.MonkeyPatch) -> None:
    own = str(Path(sys.executable).parent)
    made = environment.clean_environment()["PATH"]
    assert made == os.pathsep.join([own, "/opt/bin"])
    monkeypatch.setenv("PATH", made)
    assert environment.clean_environment()["PATH"] == made


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy_is_asked_for_this_machine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "internal.example,localhost")
    made = environment.clean_environment()
    assert made["no_proxy"] == made["NO_PROXY"] == "internal.example,localhost,127.0.0.1,::1"


def test_a_locale_that_the_machine_lacks_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    there = "C.UTF-8" if environment._has_locale() else "xx_XX.UTF-8"
    assert environment.clean_environment()["LC_ALL"] == there


def test_ansible_keeps_its_files_in_one_folder(shell: None, tmp_path: Path) -> None:
    made = environment.ansible_environment(tmp_path, Path("/one"), Path("/other"))
    settings = {name: value for name, value in made.items() if name.startswith("ANSIBLE_")}
    assert settings.pop("ANSIBLE_COLLECTIONS_PATH") == f"/one{os.pathsep}/other"
    assert {Path(place).parent for place in settings.values()} == {tmp_path}
    assert Path(settings["ANSIBLE_CONFIG"]).read_bytes() == b""


def test_a_program_can_be_run_in_it(shell: None) -> None:
    command = [sys.executable, str(ROOT / "tools" / "environment.py"), "python", "-c", "import os; print(os.environ)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "/home/ada" in done.stdout
    assert [name for name in FOREIGN if name in done.stdout] == []


def test_these_tests_run_in_it() -> None:
    """Whatever shell they were started from: what Ansible is told is told by the tests."""
    assert {name for name in os.environ if name.startswith(environment.FOREIGN)} == {
        *(f"ANSIBLE_{name}" for name in ("COLLECTIONS_PATH", "CONFIG", "HOME", "LOCAL_TEMP"))
    }
