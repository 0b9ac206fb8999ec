# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module as it is shipped, and in the controller's process: what it says of kinds, and what it writes to a log."""

from __future__ import annotations

import json
import types

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import FILE_CONTENT, read_options
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _direct
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.module_runs import (
    ARGUMENTS,
    CANARY,
    CONNECTED,
    not_called,
    own_process,
    run_module,
)

# Kinds of values, before Ansible looks at them


@pytest.fixture
def both_ways(monkeypatch, capsys):
    """Runs a whole module as it is shipped, then in the controller's process; gives both results."""
    own_process(monkeypatch)

    def run_both(arguments, spec, explain=None, task=not_called):
        _status, shipped = run_module(monkeypatch, capsys, task, arguments, spec, explain=explain)
        # A separate process ends with its own threads.
        module_warnings._global_warnings.clear()
        return shipped, json.loads(_direct.module_output(task, spec, arguments, explain))

    return run_both


@pytest.fixture
def logged(monkeypatch):
    """What reaches the log of the system, of syslog and of the journal."""
    lines = []
    monkeypatch.setattr(basic.syslog, "syslog", lambda _priority, line: lines.append(line))
    journal = types.SimpleNamespace(send=lambda **fields: lines.append(repr(fields)))
    monkeypatch.setattr(basic, "journal", journal, raising=False)
    return lines


FLEET = [{"username": "ann", "password": f"{CANARY}-1"}, {"username": "ben", "password": f"{CANARY}-2"}]
INVALID = "The options are not valid: "
API = capabilities("reseller")


def manage_unconnected(options, check_mode, _connect):
    """The task of a fleet. It must find the problems before it connects."""
    return manage_fleet(options, check_mode, not_called)


def read(options, _check_mode, _connect):
    """A task that tells the rows that it would work with."""
    fleet = read_options(options, API)
    assert fleet.problems == []
    return {"changed": False, "seen": fleet.rows, "warnings": fleet.warnings}


@pytest.mark.parametrize(
    ("customers", "told"),
    [
        ([FLEET], "customers[0] must be a dict, and is a list."),
        ([[FLEET]], "customers[0] must be a dict, and is a list."),
        ([*FLEET, FLEET], "customers[2] must be a dict, and is a list."),
        (FLEET[0], "customers must be a list of dicts, and is a dict."),
        (f"{json.dumps(FLEET)},", "customers must be a list of dicts, and is a text."),
        ([json.dumps(FLEET)], "customers[0] must be a dict, and is a text."),
        ([f'{{"username": "ann", "password": "{CANARY}"'], "customers[0] must be a dict, and is a text."),
        ([f"username=ann {CANARY}=x"], "customers[0] must be a dict, and is a text."),
        ([{"username": {"password": CANARY}}], "customers[0]: username must be a text, and is a dict."),
        ([{"username": "ann", "password": [CANARY]}], "customers[0] ('ann'): password must be a text, and is a list."),
        (
            [{"username": "ann", "active": [CANARY]}],
            "customers[0] ('ann'): active must be true or false, and is a list.",
        ),
        (
            [{"username": "ann", "ips": {CANARY: 1}}],
            "customers[0] ('ann'): ips must be a list of texts, and is a dict.",
        ),
        ("", "customers must be a list of dicts, and is an empty text."),
        (None, "either customers or customers_file is required."),
    ],
)
def test_a_fleet_of_the_wrong_kind_is_told_by_place_and_kind_in_both_ways(both_ways, customers, told):
    arguments = {**CONNECTED, "customers": customers}
    for result in both_ways(arguments, _module.fleet_spec(), _module.explain_fleet, manage_unconnected):
        assert (result["failed"], result["msg"]) == (True, f"{INVALID}{told}")
        # The invocation is also in the result.
        assert CANARY not in json.dumps(result)


@pytest.mark.parametrize("name", ["api_key", "password"])
@pytest.mark.parametrize("value", [[CANARY], {CANARY: CANARY}, [[CANARY]]])
def test_a_secret_of_the_wrong_kind_is_told_by_place_and_kind_in_both_ways(both_ways, name, value):
    arguments = {**ARGUMENTS, "api_key": "key-4711", "password": "pass-4711", name: value}
    for result in both_ways(arguments, _module.password_spec(), _module.explain_customer):
        kind = "a dict" if isinstance(value, dict) else "a list"
        assert result["msg"] == f"{INVALID}{name} must be a text, and is {kind}."
        assert CANARY not in json.dumps(result)


@pytest.mark.parametrize(("spec", "explain"), [("customer_spec", "explain_customer"), ("info_spec", None)])
def test_a_boolean_for_a_text_is_told_with_all_else_that_is_wrong(both_ways, spec, explain):
    arguments = {**CONNECTED, "username": "ann", "country": False, "city": True, "citty": CANARY, "retries": "many"}
    more = {"zip": "1" * 51, "state": "gone", "password": 47114711} if explain else {}
    for result in both_ways(
        {**arguments, **more}, getattr(_module, spec)(), getattr(_module, explain) if explain else None
    ):
        told = result["msg"]
        for part in ("country must be a text, and is a boolean; put it in quotes", "city must", "citty", "retries"):
            assert part in told
        assert not explain or ("password must be a text, and is a number" in told and "state" in told)
        assert "4711" not in told and CANARY not in json.dumps(result)


def test_a_boolean_for_a_text_does_not_hide_a_limit(both_ways):
    arguments = {**CONNECTED, "username": "ann", "country": False, "zip": "1" * 51}
    for result in both_ways(arguments, _module.customer_spec(), _module.explain_customer):
        assert "country must be a text" in result["msg"] and "zip has 51 characters" in result["msg"]


def test_rows_that_ansible_makes_of_texts_are_looked_at(both_ways):
    rows = ['{"username": "ann", "country": false}', "username=ben state=absent", {"username": "cleo"}]
    arguments = {**CONNECTED, "customers": rows}
    for result in both_ways(arguments, _module.fleet_spec(), _module.explain_fleet, manage_unconnected):
        assert result["msg"].startswith(f"{INVALID}customers[0] ('ann'): country must be a text, and is a boolean")

    given = [{"username": "ben", "state": "absent"}, {"username": "cleo"}]
    for customers in ([*rows[1:]], "username=ben state=absent,username=cleo", json.dumps(given)):
        arguments = {**CONNECTED, "customers": customers}
        for result in both_ways(arguments, _module.fleet_spec(), _module.explain_fleet, read):
            assert [(row["username"], row["state"]) for row in result["seen"]] == [
                ("ben", "absent"),
                ("cleo", "present"),
            ]


def test_a_number_for_a_text_is_one_warning_in_both_ways(both_ways):
    rows = [{"username": f"c{number}", "zip": 2113} for number in range(20)]
    for result in both_ways({**CONNECTED, "customers": rows}, _module.fleet_spec(), _module.explain_fleet, read):
        assert result["seen"][3]["zip"] == "2113"
        [warning] = result["warnings"]
        told = str(warning)
        assert "zip of customers[0] ('c0') is a number, and is used as the text '2113', and 19 more like it" in told
        assert "put it in quotes" in told


def test_a_warning_holds_no_secret(both_ways):
    arguments = {**ARGUMENTS, "password": "47114711", "username": 47114711}
    for result in both_ways(arguments, _module.password_spec(), None, lambda *_given: {"changed": False}):
        assert len(result["warnings"]) == 1
        assert "47114711" not in json.dumps(result)


SHARED = [
    {"passwords": CANARY},
    {"passwords": [CANARY]},
    {"passwords": {"ann": [CANARY], "ben": CANARY}},
    {"passwords": {"zoe": CANARY}, "customers": [{"username": "ann"}]},
    {"passwords": f"ann={CANARY}", "customers": [{"username": "ann"}]},
    {"passwords": {f"c{number}": f"{CANARY}-{number}" for number in range(101)}},
    {"customers": CANARY},
    {"defaults": CANARY},
    {"defaults": [CANARY]},
    {"defaults": {"password": CANARY, "pasword": CANARY}},
    {"defaults": {"password": CANARY}, "customers": [{"username": "ann"}]},
    {"defaults": json.dumps({"password": CANARY}), "customers": [{"username": "ann", "city": CANARY}]},
    {"customers": [{"username": f"c{number}", "password": f"{CANARY}-{number}"} for number in range(99)]},
    {"customers_file": "x.csv", FILE_CONTENT: {"customers": [{"username": "ann", "password": CANARY}], "lines": [2]}},
    {"customers_file": "x.csv", FILE_CONTENT: {"customers": [{"password": CANARY}], "lines": [2]}},
    {"customers_file": "x.csv", "customers": [{"username": "ann", "password": CANARY}]},
    {"customers": [], FILE_CONTENT: {"customers": [{"username": "ann", "password": CANARY}]}},
    {"customers": [], "customers_file": "x.csv", FILE_CONTENT: CANARY},
    {"customers_file": "x.yml", FILE_CONTENT: {"customers": CANARY, "lines": []}},
    {"customers_file": "x.yml", FILE_CONTENT: {"customers": [[CANARY]], "lines": []}},
]


@pytest.mark.parametrize("options", SHARED)
@pytest.mark.parametrize("more", [{}, {"concurrency": "many"}], ids=["read", "refused at the start"])
def test_no_secret_of_a_fleet_is_in_a_result(both_ways, logged, options, more):
    """Whether the rows are fine or not, and whoever finds what is wrong."""
    # ansible-core 2.21 asks for the invocation where it is wanted.
    asked = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}

    def seen(options, _check_mode, _connect):
        return manage_unconnected(options, True, None) if read_options(options, API).problems else read(options, 0, 0)

    for result in both_ways(
        {**CONNECTED, **asked, **options, **more}, _module.fleet_spec(), _module.explain_fleet, seen
    ):
        assert FILE_CONTENT not in json.dumps(result.get("invocation"))
        assert "invocation" in result or result["failed"]
        assert CANARY not in json.dumps(result)
    assert CANARY not in "".join(logged) and FILE_CONTENT not in "".join(logged)
    assert len(logged) == (0 if more else 2)


# The line in the system's log


HARD_TO_MASK = [
    "canary\\4711",
    "canary'4711\"",
    "canary\u00a04711",
    "canary\x074711",
    "canary\n4711",
    "canary\u20284711",
]


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize("password", HARD_TO_MASK)
@pytest.mark.parametrize("count", [1, 3, 101])
def test_the_log_counts_customers_and_holds_no_secret(both_ways, logged, monkeypatch, has_journal, password, count):
    monkeypatch.setattr(basic, "has_journal", has_journal)
    rows = [{"username": f"c{number}", "password": f"{password}-{number}"} for number in range(count)]
    arguments = {**CONNECTED, "api_key": password, "customers": rows, "concurrency": 4}
    both_ways(arguments, _module.fleet_spec(), None, lambda *_given: {"changed": False})
    assert len(logged) == 2
    for line in logged:
        assert "Invoked with " in line and "concurrency=4" in line and f"customers=({count} items)" in line
        assert "api_key=NOT_LOGGING_PARAMETER" in line
        assert "canary" not in line and "4711" not in line and "c0" not in line


@pytest.mark.parametrize("secret", [*HARD_TO_MASK, "canary-4711"])
@pytest.mark.parametrize("where", ["customers", "defaults", "passwords", "file"])
def test_a_text_that_holds_a_secret_of_a_fleet_is_not_logged(both_ways, logged, monkeypatch, secret, where):
    monkeypatch.setattr(basic, "has_journal", False)
    rows = [{"username": "ann", "password": secret}]
    given = {
        "customers": {"customers": rows},
        "defaults": {"customers": [], "defaults": rows[0]},
        "passwords": {"customers": [], "passwords": {"ann": secret}},
        "file": {"customers_file": "x.csv", FILE_CONTENT: {"customers": rows, "lines": [2]}},
    }
    arguments = {**CONNECTED, **given[where], "api_url": f"https://{secret}.example/"}
    both_ways(arguments, _module.fleet_spec(), None, lambda *_given: {"changed": False})
    assert len(logged) == 2
    for line in logged:
        assert "api_url=NOT_LOGGING_PARAMETER" in line
        assert "canary" not in line and "4711" not in line and "ann" not in line


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize("secret", [*HARD_TO_MASK, "canary-4711"])
def test_a_text_that_holds_a_secret_is_not_logged(both_ways, logged, monkeypatch, has_journal, secret):
    """A username that is the password too, an address that holds the key."""
    monkeypatch.setattr(basic, "has_journal", has_journal)
    arguments = {**ARGUMENTS, "username": secret, "password": secret, "api_url": f"https://{secret}.example/"}
    both_ways(arguments, _module.password_spec(), None, lambda *_given: {"changed": False})
    assert len(logged) == 2
    for line in logged:
        assert "username=NOT_LOGGING_PARAMETER" in line and "api_url=NOT_LOGGING_PARAMETER" in line
        assert "api_user=acme" in line and "canary" not in line and "4711" not in line


def test_the_log_of_a_task_that_fails_holds_no_secret(both_ways, logged, monkeypatch):
    monkeypatch.setattr(basic, "has_journal", False)
    arguments = {**CONNECTED, "customers": [FLEET]}
    both_ways(arguments, _module.fleet_spec(), _module.explain_fleet, manage_unconnected)
    assert CANARY not in "".join(logged)
