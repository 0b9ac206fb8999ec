# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of tests runs with an ansible-core under development, and each failure shows at the end."""

from __future__ import annotations

import devel
import pytest
import run_ansible_test


def test_every_kind_of_tests_runs() -> None:
    assert {"test", *run_ansible_test.KINDS} == set(devel.RUNS)


@pytest.mark.parametrize(("failing", "status"), [(None, 0), ("test", 1), ("integration", 1)])
def test_the_others_run_after_one_that_failed(
    failing: str | None, status: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    runs = {name: ["-c", f"print('run of {name}'); raise SystemExit({int(name == failing)})"] for name in devel.RUNS}
    monkeypatch.setattr(devel, "RUNS", runs)
    assert devel.main() == status
    output = capfd.readouterr().out
    told = output.splitlines()[-len(runs) :]
    for name, line in zip(runs, told, strict=True):
        assert f"run of {name}\n" in output
        assert line.startswith(f"{name:<11} {'FAILED' if name == failing else 'passed'}, ")
