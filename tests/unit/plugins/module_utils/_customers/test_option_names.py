# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages name the variables of the role that runs the module, and the options where a task runs it."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import (
    OPTION_NAMES,
    option_names,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import FILE_CONTENT, suggestion

NAMES = {
    "customers": "fleet_customers",
    "customers_file": "fleet_file",
    "defaults": "fleet_defaults",
    "passwords": "fleet_passwords",
    "purge": "fleet_purge",
    "concurrency": "fleet_concurrency",
    "on_error": "fleet_on_error",
}
CONNECTED = {"api_user": "user", "api_key": "key"}


def problems_of(names, **options):
    return _module.explain_fleet({**CONNECTED, **options, **names}, _module.fleet_spec())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"customers": [{}]}, ["{customers}[0]: username is missing"]),
        ({"customers": 5}, ["{customers} must be a list of dicts, and is a number"]),
        ({"customers": [], "defaults": {"username": "x"}}, ["{defaults}: there cannot be a default for username"]),
        ({"customers": [], "defaults": [5]}, ["{defaults} must be a dict, and is a list"]),
        (
            {"customers": [], "passwords": {"ann": []}},
            ["{passwords}: the password of 'ann' must be a text, and is a list"],
        ),
        ({"customers": [], "passwords": [5]}, ["{passwords} must be a dict, and is a list"]),
        ({}, ["either {customers} or {customers_file} is required"]),
        ({"customers": [], "customers_file": "x.csv"}, ["{customers} and {customers_file} are mutually exclusive"]),
        ({"customers_file": "x.csv"}, ["only the action plugin of this module can read {customers_file}"]),
        (
            {"customers_file": "x.csv", FILE_CONTENT: {"customers": [{}], "lines": [2]}},
            ["line 2 of 'x.csv': username is missing"],
        ),
        ({"customers": [], "purge": ["x"]}, ["{purge} must be true or false, and is a list"]),
        ({"customers": [], "concurrency": {}}, ["{concurrency} must be a number, and is a dict"]),
    ],
)
@pytest.mark.parametrize("names", [{}, {OPTION_NAMES: NAMES}], ids=["a task", "a role"])
def test_a_message_names_what_the_person_has_set(names, options, told):
    shown = option_names(names)
    expected = [text.format_map({name: shown[name] for name in NAMES}) for text in told]
    assert problems_of(names, **options) == expected


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"purge": "perhaps"}, "argument 'fleet_purge' is of type"),
        ({"concurrency": "many"}, "argument 'fleet_concurrency' is of type"),
        ({"on_error": "pause"}, "value of fleet_on_error must be one of: continue, stop"),
    ],
)
def test_what_ansible_finds_is_named_like_this_too(options, part):
    [told] = problems_of({OPTION_NAMES: NAMES}, customers=[], **options)
    assert part in told


@pytest.mark.parametrize("given", [{}, {OPTION_NAMES: None}, {OPTION_NAMES: "x"}, {OPTION_NAMES: ["purge"]}])
def test_an_option_has_its_own_name_without_another(given):
    assert option_names(given)["purge"] == "purge"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("frist_name", "first_name"),
        ("firstname", "first_name"),
        ("First Name", "first_name"),
        ("pasword", "password"),
        ("EMAIL", "email"),
        ("new-username", "new_username"),
        ("ip_group", "ip_groups"),
    ],
)
def test_a_misspelt_option_gets_the_likely_one_suggested(name, near):
    assert suggestion(name) == f" (did you mean '{near}'?)"


@pytest.mark.parametrize("name", ["", "x", "api_key", "api_url", "canary", "5", "quota", "x" * 100_000])
def test_a_name_like_no_option_gets_no_suggestion(name):
    assert suggestion(name) == ""
