# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as a template calls them, and what stays data."""

from __future__ import annotations

import importlib
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mailfleet.sendgrid.plugins.filter.fleet_outcome import fleet_outcome
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._hosts import trust_as_template

FOLDER = Path(__file__).resolve().parents[4] / "plugins" / "filter"
NAMES = sorted(path.stem for path in FOLDER.glob("fleet_*.py"))
TEMPLATE = "{{ 7 * 7 }}"


def loaded(name):
    return importlib.import_module(f"ansible_collections.mailfleet.sendgrid.plugins.filter.{name}")


@pytest.fixture
def evaluate():
    """Evaluates an expression with variables as a template does."""
    environment = jinja2.Environment(autoescape=False)
    for name in NAMES:
        environment.filters.update(loaded(name).FilterModule().filters())

    def evaluated(expression, **variables):
        return environment.compile_expression(expression)(**variables)

    return evaluated


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_has_the_name_and_the_arguments_that_are_documented(name):
    documentation = yaml.safe_load(loaded(name).DOCUMENTATION)
    [(filter_name, function)] = loaded(name).FilterModule().filters().items()
    assert filter_name == documentation["name"] == name
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    positional = documentation["positional"].split(", ")
    # The first is the input.
    assert arguments[1:] == tuple(positional)
    assert set(documentation["options"]) == {"_input", *positional}


def test_what_a_server_said_is_no_template():
    operations = [{"name": "set_profile", "status": "failed"}]
    failed = {"username": "ann", "changed": False, "failed": True, "msg": TEMPLATE, "operations": operations}
    summary = {**dict.fromkeys(SUMMARY, 0), "failed": 1}
    result = {"changed": False, "summary": summary, "results": [failed], "unverified": {}}
    report = fleet_outcome(result, "20")
    assert report["lines"] == ["1 customer: 1 failed", f"failed: ann: {TEMPLATE}"]
    templar = Templar(loader=DataLoader(), variables={"report": report})
    for expression in ("{{ report.lines[1] }}", "{{ report.failed_customers[0].msg }}"):
        assert templar.template(trust_as_template(expression)).endswith(TEMPLATE)


def test_a_result_that_came_through_a_template_is_taken(evaluate):
    report = evaluate("result | fleet_outcome(names_shown='1')", result={"failed": True, "msg": "No."})
    assert (report["lines"], report["failed"]) == (["No."], True)
