# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of a kind that was not meant: told before any call, in the same words wherever a task runs."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import both_apis_in_json, in_shared_playbook, only_json, only_observed
from .running import SUBUSERS, Ansible, Run, Step, four_ways, task
from .test_customer import NEW as COMPLETE
from .test_customer import suits

pytestmark = only_observed

CANARY = "canary-of-a-kind-4711"
FLEET = [{"username": "ada@example.com", "password": f"{CANARY}-1"}, {"username": "ben@example.com"}]
# A new customer, except for two texts that YAML can read as numbers.
NEW = {name: value for name, value in COMPLETE.items() if name not in ("zip", "phone")}


def told(step: Step) -> str:
    """Why a task failed before any call."""
    assert step.status == "failed" and step.calls == [], step.result
    message: str = step.result["msg"]
    return message.removeprefix("Task failed: ")


def warnings(step: Step) -> list[str]:
    """Those of the task itself: ansible-core may add some of its own."""
    return [str(text) for text in step.result.get("warnings", []) if "is used as the text" in str(text)]


def tried(*tasks: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks that can fail. Each is a module and its options."""
    return [task(module, options, ignore_errors=True) for module, options in tasks]


def fleet_of_the_wrong_kind(customers: Any) -> list[dict[str, Any]]:
    return [{"block": tried(("reseller_customers", {"customers": customers})), "vars": {"fleet": FLEET}}]


@both_apis_in_json
@in_shared_playbook(fleet_of_the_wrong_kind, "-v")
@pytest.mark.parametrize(
    ("customers", "problem"),
    [
        (["{{ fleet }}"], "customers[0] must be a dict, and is a list."),
        ("{{ fleet[0] }}", "customers must be a list of dicts, and is a dict."),
        (["{{ fleet[1] }}", "{{ fleet[0].password }}"], "customers[1] must be a dict, and is a text."),
        ([{"username": "{{ fleet[0] }}"}], "customers[0]: username must be a text, and is a dict."),
        ([{"username": "a", "password": ["{{ fleet[0].password }}"]}], "customers[0] ('a'): password must be a text, "),
        ("", "customers must be a list of dicts, and is an empty text."),
        ([{"username": "a", "password": b"canary"}], "customers[0] ('a'): password must be a text, and is bytes."),
    ],
    ids=["a list", "one", "texts", "a dict for a name", "a list for a password", "empty", "bytes"],
)
def test_a_fleet_of_the_wrong_kind_shows_no_secret(played: Run, customers: Any, problem: str) -> None:
    step = played.one()
    assert told(step).startswith(f"The options are not valid: {problem}")
    assert "canary" not in str(step.result)
    assert "canary" not in played.output


BOOLEANS = (
    ("reseller_customer", {"username": "ada@example.com", "country": False, "region": True, "zip": "1" * 51}),
    (
        "reseller_customers",
        {
            "customers": [
                {"username": "ada@example.com", "country": False},
                {"username": "ben@example.com", "password": 47114711},
            ]
        },
    ),
    ("reseller_customer_info", {"region": True}),
    ("reseller_customer_password", {"username": "ada@example.com", "password": 1234567}),
)


@both_apis_in_json
@in_shared_playbook(lambda: tried(*BOOLEANS), "-v")
def test_a_boolean_for_a_text_is_told_and_not_written(played: Run) -> None:
    customer, fleet, listing, password = map(told, played.steps)
    for part in ("country must be a text, and is a boolean; put it in quotes", "region must be", "zip has 51"):
        assert part in customer
    assert "customers[0] ('ada@example.com'): country must be a text, and is a boolean; put it in quotes" in fleet
    assert "customers[1] ('ben@example.com'): password must be a text, and is a number; put it in quotes" in fleet
    assert "region must be a text, and is a boolean; put it in quotes" in listing
    assert "password must be a text, and is a number; put it in quotes" in password
    assert played.customers["ada@example.com"]["country"] == "US"


@in_shared_playbook(
    lambda name: tried(*[("reseller_customer_info", {name: value}) for value in (True, "canary-4711\n")]), "-v"
)
@pytest.mark.parametrize(
    ("ansible", "name"), [("json", "api_key"), ("json", "api_user"), (SUBUSERS, "api_key")], indirect=["ansible"]
)
def test_what_names_the_account_is_a_text_without_a_line_break(played: Run, name: str) -> None:
    of_a_boolean, problem = map(told, played.steps)
    assert f"{name} must be a text, and is a boolean" in of_a_boolean
    assert f"{name} ends with a line break" in problem and "ansible-vault encrypt_string" in problem
    assert "canary" not in problem


WRONG = {"username": "ada@example.com", "password": "canary-4711\n"}
ALWAYS = {**WRONG, "update_password": "always"}


def with_passwords_that_converge() -> list[tuple[str, dict[str, Any]]]:
    """Through API v3, no password of an existing customer does."""
    return [
        ("reseller_customer", ALWAYS),
        ("reseller_customer_password", WRONG),
        ("reseller_customers", {"customers": [ALWAYS]}),
    ]


@both_apis_in_json
@in_shared_playbook(
    lambda ansible: tried(
        ("reseller_customer", WRONG),
        ("reseller_customers", {"customers": [WRONG]}),
        *([] if ansible == SUBUSERS else with_passwords_that_converge()),
    ),
    "-v",
)
def test_a_password_with_a_line_break_is_told_and_not_written(played: Run, ansible: Ansible) -> None:
    assert len(played.steps) == (2 if ansible.is_v3 else 5)
    for step in played.steps:
        assert "password ends with a line break, which nobody can type" in told(step)
        assert "canary" not in str(step.result)


COMPLETE = {**NEW, "zip": "04101", "phone": "1"}


@only_json
@in_shared_playbook(
    lambda: tried(
        *[("reseller_customer", {**COMPLETE, "ip_groups": groups}) for groups in ("News, Marketing", ["News", ""])]
    ),
    "-v",
)
def test_a_group_with_a_blank_is_told_and_not_sent(played: Run) -> None:
    of_a_text, of_a_list = map(told, played.steps)
    assert "ip_groups[1] ' Marketing' begins or ends with a blank" in of_a_text
    assert "ip_groups[1] is empty" in of_a_list


ROWS = [{"username": f"{name}@example.com", "zip": number} for number, name in enumerate(("ada", "ben", "cleo"))]


@both_apis_in_json
@in_shared_playbook(
    lambda ansible: [
        *four_ways("reseller_customer", **suits(ansible, NEW), zip=2113, phone=12075550112),
        task("reseller_customers", {"customers": ROWS}),
        task("reseller_customer_info", {"zip": 2113}),
    ],
    "-v",
)
def test_a_number_for_a_text_is_written_with_a_warning(played: Run) -> None:
    """The same warning four ways, in check mode and really, with something to do and without."""
    *steps, fleet, listing = played.steps
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    for step in steps:
        first, second = sorted(warnings(step))
        assert "phone is a number, and is used as the text '12075550112'" in first
        assert "zip is a number, and is used as the text '2113'" in second and "put it in quotes" in second
    assert played.customers["dora@example.com"]["zip"] == "2113"
    [warning] = warnings(fleet)
    assert "zip of customers[0] ('ada@example.com') is a number, and is used as the text '0', and 2 more" in warning
    [warning] = warnings(listing)
    assert "zip is a number, and is used as the text '2113'" in warning
    assert [customer["username"] for customer in listing.result["customers"]] == ["dora@example.com"]


MEANT = {"username": "ada@example.com", "zip": "04102", "country": "NO", "active": "yes", "website_access": 1}


@both_apis_in_json
@in_shared_playbook(lambda: [task("reseller_customer", MEANT)], "-v")
def test_what_is_no_mistake_is_taken_without_a_word(played: Run) -> None:
    step = played.one()
    assert (step.status, step.result["changed"], warnings(step)) == ("ok", True, [])
    assert played.customers["ada@example.com"]["country"] == "NO"
