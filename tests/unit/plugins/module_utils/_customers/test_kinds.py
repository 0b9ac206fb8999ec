# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The types of values are checked against a spec: the problems, the remaining values, and no value in a problem."""

from __future__ import annotations

import copy
import datetime

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import (
    KindCheck,
    kind_of_value,
    number_warnings,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import (
    customer_spec,
    fleet_spec,
    info_spec,
    password_spec,
)

SPECS = [customer_spec(), fleet_spec(), info_spec(), password_spec()]
QUOTE_BOOLEAN = "; put it in quotes, since YAML takes words such as NO, yes and on for booleans"
QUOTE_NUMBER = "; put it in quotes, since YAML drops leading zeros and a plus sign, and takes 12:30 for 750"
TEXTS = sorted(
    {
        name
        for spec in SPECS
        for name, option in spec.items()
        if option["type"] in ("str", "path") and not option.get("choices")
    }
)
SECRETS = ("api_key", "password")
CONTAINERS = [["canary"], {"canary": 1}, ("canary",), b"canary", {"canary"}, object()]


def found(**options):
    spec = next(spec for spec in SPECS if set(options) <= set(spec))
    given = copy.copy(options)
    findings = KindCheck(spec)(options)
    assert options == given, "what is given must stay as it is"
    return findings


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "a text"),
        ("", "an empty text"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ({}, "a dict"),
        ([], "a list"),
        ((), "a list"),
        (set(), "a set"),
        (b"", "bytes"),
        (datetime.date(2026, 1, 2), "a date"),
        (None, "empty"),
        (object(), "of an unknown type"),
    ],
)
def test_the_kind_of_a_value(value, kind):
    assert kind_of_value(value) == kind


@pytest.mark.parametrize("name", TEXTS)
def test_a_boolean_for_any_text_is_told_to_be_put_in_quotes(name):
    for value in (True, False):
        assert found(**{name: value}).problems == [f"{name} must be a text, and is a boolean{QUOTE_BOOLEAN}"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_number_is_wrong_for_a_secret_and_a_warning_for_another_text(name):
    kinds = found(**{name: 4711})
    if name in SECRETS:
        assert kinds.problems == [f"{name} must be a text, and is a number{QUOTE_NUMBER}"]
        assert number_warnings(kinds.numbers) == [] and kinds.options == {}
    else:
        assert kinds.problems == [] and kinds.options == {name: 4711}
        [warning] = number_warnings(kinds.numbers)
        assert warning.startswith(f"{name} is a number, and is used as the text '4711'; ")
        assert warning.endswith(QUOTE_NUMBER[2:])


@pytest.mark.parametrize("value", CONTAINERS)
@pytest.mark.parametrize("name", [*TEXTS, "active", "retries", "timeout", "max_deletions", "state", "api"])
def test_what_holds_other_values_is_told_by_its_kind_and_taken_out(name, value):
    kinds = found(**{name: value})
    [problem] = kinds.problems
    assert problem.startswith(f"{name} must be ") and problem.endswith(f", and is {kind_of_value(value)}")
    assert "canary" not in problem
    assert kinds.options == {} and kinds.wrong == {name}


@pytest.mark.parametrize(
    "options",
    [
        {"active": "yes", "website_access": 1, "free_user": True},
        {"retries": "4", "timeout": 1.5, "max_retry_wait": "2"},
        {"state": False},
        {"city": None, "zip": "04101", "ips": None, "ip_groups": "a,b"},
        {"billing_date": datetime.date(2026, 1, 2)},
        {"ips": ["192.0.2.1"], "ip_groups": []},
    ],
)
def test_what_ansible_converts_is_left_to_it(options):
    kinds = found(**options)
    assert (kinds.problems, number_warnings(kinds.numbers)) == ([], [])
    assert kinds.options == options


@pytest.mark.parametrize("name", ["username", "api_key"])
def test_a_required_option_must_not_be_empty(name):
    [problem] = found(**{name: None}).problems
    assert problem.startswith(f"{name} must be a ") and problem.endswith(", and is empty")


def test_an_object_that_decrypts_itself_is_a_text():
    encrypted = type("Encrypted", (), {"__ENCRYPTED__": True})()
    assert found(password=encrypted, username=encrypted).problems == []


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"canary": 1}, ["ip_groups must be a list of texts, and is a dict"]),
        (True, [f"ip_groups must be a text, and is a boolean{QUOTE_BOOLEAN}"]),
        (["a", False], [f"ip_groups[1] must be a text, and is a boolean{QUOTE_BOOLEAN}"]),
        (
            [["canary"], "a", None, b"canary"],
            [
                "ip_groups[0] must be a text, and is a list",
                "ip_groups[2] must be a text, and is empty",
                "ip_groups[3] must be a text, and is bytes",
            ],
        ),
    ],
)
def test_items_of_a_list_are_told_by_their_place(value, problems):
    kinds = found(ip_groups=value)
    assert kinds.problems == problems
    assert kinds.options == {}


def test_a_number_in_a_list_is_a_warning():
    [warning] = number_warnings(found(ip_groups=["a", 1, 2]).numbers)
    assert warning.startswith("ip_groups[1] is a number, and is used as the text '1', and 1 more like it; ")
    [warning] = number_warnings(found(ip_groups=5).numbers)
    assert warning.startswith("ip_groups is a number, and is used as the text '5'; ")


def test_the_value_of_a_name_that_there_is_not_is_taken_out():
    kinds = KindCheck(password_spec())({"passwrd": "canary", "username": "ann"})
    assert (kinds.unknown, kinds.problems) == (["passwrd"], [])
    assert kinds.options == {"passwrd": "a text", "username": "ann"}


def test_a_usual_row_costs_no_second_look(monkeypatch):
    """Ten thousand rows with twenty options each: only one list is made for a row."""
    looked = []
    monkeypatch.setattr(KindCheck, "_look", lambda _self, name, *_given: looked.append(name))
    row = {name: "x" for name in KindCheck(customer_spec())._wanted if name not in ("timeout", "retries")}
    check = KindCheck(customer_spec())
    check({**row, "active": True, "city": None, "retries": 4, "timeout": 1.5})
    assert looked == []
    check({**row, "zip": 1})
    assert looked == ["zip"]
