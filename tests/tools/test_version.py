# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of galaxy.yml is in every file that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import lint
import pytest
import version
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import VERSION

NEXT = "12.3.45"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files with a version alone, after a new one was written into galaxy.yml."""
    for name in (version.TOOL.source, *version.PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(version.ROOT / name, tmp_path / name)
    galaxy = tmp_path / version.TOOL.source
    own = version.version_of(tmp_path)
    galaxy.write_text(galaxy.read_text(encoding="utf-8").replace(own, NEXT), encoding="utf-8")
    return tmp_path


def texts(checkout: Path) -> dict[str, str]:
    return {name: (checkout / name).read_text(encoding="utf-8") for name in version.PLACES}


def test_the_files_have_the_version_of_galaxy_yml(capsys: pytest.CaptureFixture[str]) -> None:
    assert (version.main(["--check"]), capsys.readouterr().out) == (0, "")
    assert version.version_of(version.ROOT) == VERSION


def test_the_linters_compare_the_versions() -> None:
    assert ["python", version.TOOL.path, "--check"] in lint.LINTERS
    assert (version.ROOT / version.TOOL.path).is_file()


def test_another_version_is_shown_and_then_written(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(checkout)
    assert version.main(["--check"], checkout) == 1
    output = capsys.readouterr().out
    assert [name for name in version.PLACES if f"--- {name}\n" not in output] == []
    assert output.count(f'\n+VERSION = "{NEXT}"\n') == output.count(f"\n+    version: {NEXT}\n") == 1
    assert "run: python tools/version.py\n" in output
    assert texts(checkout) == before
    assert version.main([], checkout) == 0
    assert texts(checkout) == {name: text.replace(VERSION, NEXT) for name, text in before.items()}
    assert version.main(["--check"], checkout) == 0


@pytest.mark.parametrize("name", version.PLACES)
@pytest.mark.parametrize("times", [0, 2])
def test_a_file_has_its_version_once(checkout: Path, name: str, times: int) -> None:
    path = checkout / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    before, after = version.PLACES[name]
    path.write_text("".join(line * times if line == f"{before}{VERSION}{after}\n" else line for line in lines))
    with pytest.raises(ValueError, match=f"{name}: {times} lines"):
        version.main([], checkout)
