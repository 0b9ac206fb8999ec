# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tools/importer.py makes of the log and of the result of galaxy-importer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.importer import STEPS, contents, log_problems, page_problems

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {"module one", "role two", "playbook three.yml"}
CLEAN = "\n".join([*STEPS, *(f"Loading {name}" for name in sorted(EXPECTED))])


def test_a_clean_log_has_no_problem() -> None:
    assert log_problems(CLEAN, EXPECTED) == []


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: No changelog found.",
        "ERROR: The import failed for the following reason: x",
        "WARNING: ERROR    Failed to find mailfleet.sendgrid.report playbook.",
        "[WARNING]: something of Ansible",
        "CRITICAL: x",
        "Traceback (most recent call last):",
    ],
)
def test_a_complaint_is_a_problem(line: str) -> None:
    [problem] = log_problems(f"{CLEAN}\n{line}\n", EXPECTED)
    assert line in problem


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_was_left_out_is_a_problem(step: str) -> None:
    [problem] = log_problems(CLEAN.replace(step, ""), EXPECTED)
    assert step in problem


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_was_not_looked_at_is_a_problem(name: str) -> None:
    [problem] = log_problems(CLEAN.replace(f"Loading {name}", ""), EXPECTED)
    assert name in problem
    [problem] = log_problems(CLEAN, EXPECTED - {name})
    assert name in problem


def test_nothing_to_look_at_is_a_problem() -> None:
    assert len(log_problems("\n".join(STEPS), set())) == 1


def test_a_page_without_content_is_a_problem() -> None:
    page = {"content_type": "module", "content_name": "one", "doc_strings": {"doc": {}}, "readme_html": None}
    assert page_problems([page, {**page, "content_type": "action", "doc_strings": {}}]) == []
    for empty in ({**page, "doc_strings": {}}, {**page, "content_type": "role"}):
        assert len(page_problems([empty])) == 1


def test_what_this_collection_holds() -> None:
    found = contents(ROOT)
    assert {
        "module reseller_customers",
        "action reseller_customers",
        "module_utils _customers.plan",
        "inventory reseller",
        "role fleet",
        "playbook report.yml",
    } <= found
    assert not any(name.startswith("plugin_utils") or "__init__" in name for name in found)
