# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runs of ansible-test there are, and that a run which tested nothing is none."""

from __future__ import annotations

import re
from pathlib import Path

import matrix
import pytest
import run_ansible_test
import yaml

ROOT = Path(__file__).resolve().parents[2]
EVERY_PYTHON = {matrix.OLDEST_TARGET} | {python for known in matrix.CORES.values() for python in known}


def names(pythons: set[str]) -> set[str]:
    return {job.name for job in matrix.all_jobs(pythons)}


def test_each_core_is_tested_on_its_oldest_and_newest_python() -> None:
    jobs = names(EVERY_PYTHON)
    for core, pythons in matrix.CORES.items():
        assert any(name.startswith(f"sanity core-{core} ") for name in jobs)
        for python in pythons:
            pair = f"core-{core} python-{python}"
            # One run of both, with its coverage measured.
            both = f"coverage {pair}" in jobs
            for kind in ("units", "integration"):
                is_wanted = python == pythons[-1] or (core not in matrix.BETWEEN and python == pythons[0])
                assert both or (f"{kind} {pair}" in jobs) is is_wanted
        assert f"units core-{core} python-{matrix.OLDEST_TARGET}" in jobs
    assert len([name for name in jobs if name.startswith("coverage ")]) == 1


def test_cores_with_fewer_runs_have_neighbours_with_all() -> None:
    cores = list(matrix.CORES)
    assert set(matrix.BETWEEN) <= set(cores)
    for core in matrix.BETWEEN:
        place = cores.index(core)
        around = cores[place - 1 : place] + cores[place + 1 : place + 2]
        assert len(around) == 2 and not set(around) & set(matrix.BETWEEN)
        assert set(matrix.CORES[core]) <= {python for each in around for python in matrix.CORES[each]}


def test_each_python_is_tested_with_some_core() -> None:
    jobs = names(EVERY_PYTHON)
    for python in {python for pythons in matrix.CORES.values() for python in pythons}:
        assert any(name.startswith(("integration ", "coverage ")) and name.endswith(f"-{python}") for name in jobs)


def test_only_one_run_of_sanity_makes_environments() -> None:
    jobs = matrix.all_jobs(EVERY_PYTHON)
    lanes = matrix.lanes(jobs)
    assert [job.kind for job in lanes[0]] == ["sanity"] * len(matrix.CORES)
    assert sorted(job.name for lane in lanes for job in lane) == sorted(job.name for job in jobs)
    assert matrix.lanes([job for job in jobs if job.kind == "units"])[0][0].kind == "units"


def test_what_the_machine_lacks_is_left_out() -> None:
    assert names({"3.11"}) == {
        "sanity core-2.17 python-3.11",
        "sanity core-2.18 python-3.11",
        "sanity core-2.19 python-3.11",
        "units core-2.17 python-3.11",
        "units core-2.18 python-3.11",
        "integration core-2.17 python-3.11",
        "integration core-2.18 python-3.11",
        "coverage core-2.19 python-3.11",
    }
    assert names(set()) == set()


def test_there_is_a_lock_for_each_environment() -> None:
    for job in matrix.all_jobs(EVERY_PYTHON):
        for environment in job.environments:
            assert (matrix.LOCKS / f"{environment.lock}.txt").is_file()


def test_environments_are_where_ansible_test_can_use_them() -> None:
    assert matrix.environments(Path("/srv/clone")) == Path("/srv/clone/.venv-matrix")
    spaced = [matrix.environments(Path(path)) for path in ("/srv/my clone", "/srv/other clone", "/srv/a,b@c")]
    assert len(set(spaced)) == 3
    assert all(path.is_relative_to(Path.home()) for path in spaced)


def test_the_oldest_of_each_is_what_the_collection_promises() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={next(iter(matrix.CORES))}.0"
    config = yaml.safe_load((ROOT / "tests" / "config.yml").read_text(encoding="utf-8"))
    assert config["modules"]["python_requires"] == f">={matrix.OLDEST_TARGET}"


def test_the_documentation_names_the_tested_cores() -> None:
    oldest, *_others, newest = matrix.CORES
    assert f"is tested with {oldest} to {newest}." in (ROOT / "README.md").read_text(encoding="utf-8")
    guide = (ROOT / "docs" / "docsite" / "rst" / "developing.rst").read_text(encoding="utf-8")
    [told, thorough] = re.findall(r"with (?:ansible-core )?((?:2\.\d+, )+2\.\d+ and 2\.\d+)\b", guide)
    assert re.findall(r"2\.\d+", told) == list(matrix.CORES)
    assert re.findall(r"2\.\d+", thorough) == [core for core in matrix.CORES if core not in matrix.BETWEEN]


@pytest.mark.parametrize(
    ("kind", "output", "count"),
    [
        ("sanity", 'Running sanity test "pep8"\nRunning sanity test "import" on Python 3.9\n', 2),
        ("sanity", 'Running sanity test "import" on Python 3.9\nRunning sanity test "import" on Python 3.10\n', 1),
        ("sanity", "All targets skipped.\n", 0),
        ("units", "==== 1840 passed in 82.70s (0:01:22) ====\n===== 1 failed, 189 passed in 1.2s =====\n", 2029),
        ("units", "no tests ran in 0.01s\n", 0),
        ("integration", "Running a integration test role\nRunning b integration test role\n", 2),
        ("integration", "WARNING: All targets skipped.\n", 0),
    ],
)
def test_what_was_tested_is_counted(kind: str, output: str, count: int) -> None:
    assert run_ansible_test.KINDS[kind].count(output) == count


@pytest.mark.parametrize("kind", run_ansible_test.KINDS)
def test_a_run_that_tested_nothing_fails(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_ansible_test, "_run", lambda *arguments: (0, "All targets skipped.\n"))
    assert run_ansible_test.gate(tmp_path, kind, []) == 1
    assert re.search(r"fewer than \d+: this run proves nothing", capsys.readouterr().err)


@pytest.mark.parametrize("arguments", [["--python", "3.11"], ["--target-python", "3.9@/x/bin/"]])
@pytest.mark.parametrize(("further", "status"), [([], 1), (["--coverage"], 1), (["tests/unit/test_a.py"], 0)])
def test_a_part_that_is_asked_for_may_be_small(
    arguments: list[str], further: list[str], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run_ansible_test, "_run", lambda *arguments: (0, "===== 3 passed in 1.2s =====\n"))
    assert run_ansible_test.gate(tmp_path, "units", [*arguments, *further]) == status


def test_all_targets_are_expected() -> None:
    expected = run_ansible_test.KINDS["integration"].minimum
    assert expected >= len(list((ROOT / "plugins" / "modules").glob("*.py"))) > 0


REPORT = """<coverage><packages><package><classes>
<class filename="plugins/module_utils/_a.py"><lines>
<line number="1" hits="3"/>
<line number="2" hits="0"/>
<line number="3" hits="1" branch="true" condition-coverage="50% (1/2)"/>
<line number="4" hits="1" branch="true" condition-coverage="100% (2/2)"/>
</lines></class>
<class filename="tests/unit/test_a.py"><lines><line number="1" hits="0"/></lines></class>
</classes></package></packages></coverage>
"""


def test_lines_and_branches_of_the_plugins_are_counted(tmp_path: Path) -> None:
    report = tmp_path / "coverage.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert run_ansible_test.covered(report) == {"lines": 75.0, "branches": 75.0}
