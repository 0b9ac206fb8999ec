# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as a template calls them: what is omitted, what is refused, and what stays data."""

from __future__ import annotations

import importlib
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mailfleet.sendgrid.plugins.filter.fleet_outcome import fleet_outcome
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._hosts import trust_as_template

FOLDER = Path(__file__).resolve().parents[4] / "plugins" / "filter"
NAMES = sorted(path.stem for path in FOLDER.glob("fleet_*.py"))
OMIT = "__omit_place_holder__4711"
SETTINGS = {"batch_size": 2, "names_shown": 20, "max_deletions": "", "concurrency": 8, "purge": False}
TEMPLATE = "{{ 7 * 7 }}"


def loaded(name):
    return importlib.import_module(f"ansible_collections.mailfleet.sendgrid.plugins.filter.{name}")


@pytest.fixture
def evaluate():
    """Evaluates an expression with variables as a template does, `omit` among them."""
    environment = jinja2.Environment(autoescape=False)
    for name in NAMES:
        environment.filters.update(loaded(name).FilterModule().filters())

    def evaluated(expression, **variables):
        return environment.compile_expression(expression)(omit=OMIT, **variables)

    return evaluated


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_has_the_name_and_the_arguments_that_are_documented(name):
    documentation = yaml.safe_load(loaded(name).DOCUMENTATION)
    [(filter_name, function)] = loaded(name).FilterModule().filters().items()
    assert filter_name == documentation["name"] == name
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    positional = documentation["positional"].split(", ")
    # A filter that looks at variables gets these first, then comes the input.
    assert arguments[-len(positional) :] == tuple(positional)
    assert set(documentation["options"]) == {"_input", *positional}


def test_what_is_omitted_is_not_given(evaluate):
    rows = [{"username": "ann", "city": OMIT, "zip": None}]
    merged = evaluate("rows | fleet_merge({'city': 'Oslo', 'country': omit, 'zip': '1'}, {'ann': omit})", rows=rows)
    assert merged == [{"username": "ann", "city": "Oslo", "zip": None}]
    checked = evaluate("rows | fleet_check({'citty': omit}, {'ann': omit}, settings)", rows=rows, settings=SETTINGS)
    assert checked["problems"] == []
    assert checked["batches"] == [{"first": 0, "last": 1, "size": 1}]


def test_defaults_and_passwords_may_be_left_out(evaluate):
    assert evaluate("rows | fleet_merge", rows=[{"username": "ann"}]) == [{"username": "ann"}]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'canary' | fleet_merge", "fleet_merge: customers must be a list of dicts, and is a text."),
        ("['canary'] | fleet_merge", "fleet_merge: customers[0] must be a dict, and is a text."),
        ("[] | fleet_merge(['canary'])", "fleet_merge: defaults must be a dict, and is a list."),
        ("[] | fleet_merge({}, 4711)", "fleet_merge: passwords must be a dict, and is a number."),
    ],
)
def test_what_cannot_be_merged_is_an_error_without_a_value(evaluate, expression, message):
    with pytest.raises(AnsibleFilterError) as caught:
        evaluate(expression)
    assert caught.value.message == message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_unmanaged_customers_are_customers_to_delete(evaluate):
    fleet = [{"username": "Ann"}, {"username": "ben", "new_username": "bo"}]
    found = evaluate("['ann', 'bo', 'zoe'] | fleet_unmanaged(fleet)", fleet=fleet)
    assert found == [{"username": "zoe", "state": "absent"}]


def test_what_a_server_said_is_no_template():
    operations = [{"name": "set_profile", "status": "failed"}]
    failed = {"username": "ann", "changed": False, "failed": True, "msg": TEMPLATE, "operations": operations}
    summary = {**dict.fromkeys(SUMMARY, 0), "failed": 1}
    batch = {"changed": False, "summary": summary, "results": [failed], "unverified": {}}
    report = fleet_outcome({}, batch, 1, "20")
    assert report["lines"] == ["1 customers: 1 failed", f"failed: ann: {TEMPLATE}"]
    templar = Templar(loader=DataLoader(), variables={"report": report})
    for expression in ("{{ report.lines[1] }}", "{{ report.failed_customers[0].msg }}"):
        assert templar.template(trust_as_template(expression)).endswith(TEMPLATE)


def test_batches_add_up(evaluate):
    batch = {"skipped": True}
    report = evaluate("{} | fleet_outcome(batch, 2) | fleet_outcome(batch, 3)", batch=batch)
    assert (report["summary"]["not_reached"], report["failed"]) == (5, True)
    assert evaluate("report | fleet_outcome", report=report) == report
