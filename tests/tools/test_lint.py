# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A linter that looked at nothing does not pass."""

from __future__ import annotations

import lint
import pytest


def test_each_count_is_that_of_a_linter() -> None:
    assert set(lint.COUNTS) <= {" ".join(linter) for linter in lint.LINTERS}
    assert all(minimum > 0 for _pattern, minimum in lint.COUNTS.values())


@pytest.mark.parametrize(
    ("name", "output", "enough"),
    [
        ("ruff format --check", "143 files already formatted\n", True),
        ("ruff format --check", "3 files already formatted\n", False),
        ("ruff format --check", "warning: No Python files found under the given path(s)\n", False),
        ("mypy --config-file pyproject.toml", "Success: no issues found in 25 source files\n", True),
        ("mypy --config-file pyproject.toml", "Success: no issues found in 1 source file\n", False),
        ("antsibull-changelog lint", "", True),
    ],
)
def test_too_few_files_are_noticed(name: str, output: str, enough: bool) -> None:
    assert lint.looked_at_enough(name, output) is enough
