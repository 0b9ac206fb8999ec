# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of a kind that was not meant: told before any call, in the same words wherever a task runs."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import only_json, only_observed
from .running import Ansible, Sandbox, Step, task
from .test_customer import NEW as COMPLETE

pytestmark = [only_json, only_observed]

CANARY = "canary-of-a-kind-4711"
FLEET = [{"username": "ada@example.com", "password": f"{CANARY}-1"}, {"username": "ben@example.com"}]
# A new customer but for two texts that YAML may take for numbers.
NEW = {name: value for name, value in COMPLETE.items() if name not in ("zip", "phone")}


def told(step: Step) -> str:
    """Why a task failed before any call."""
    assert step.status == "failed" and step.calls == [], step.result
    message: str = step.result["msg"]
    return message.removeprefix("Task failed: ")


def warnings(step: Step) -> list[str]:
    """Those of the task itself: ansible-core may add some of its own."""
    return [str(text) for text in step.result.get("warnings", []) if "is used as the text" in str(text)]


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
)
def test_a_fleet_of_the_wrong_kind_shows_no_secret(ansible: Ansible, customers: Any, problem: str) -> None:
    run = ansible.play([task("reseller_customers", {"customers": customers})], "-v", vars={**vars_of(ansible)})
    assert told(run.steps[0]).startswith(f"The options are not valid: {problem}")
    assert "canary" not in str(run.steps[0].result)
    assert "canary" not in run.output


def vars_of(ansible: Ansible) -> dict[str, Any]:
    return {"sendgrid_direct_execution": ansible.direct, "fleet": FLEET}


def test_a_boolean_for_a_text_is_told_and_not_written(ansible: Ansible, sandbox: Sandbox) -> None:
    step = ansible.one("reseller_customer", username="ada@example.com", country=False, region=True, zip="1" * 51)
    problem = told(step)
    for part in ("country must be a text, and is a boolean; put it in quotes", "region must be", "zip has 51"):
        assert part in problem
    row = {"username": "ada@example.com", "country": False}
    step = ansible.one("reseller_customers", customers=[row, {"username": "ben@example.com", "password": 47114711}])
    problem = told(step)
    assert "customers[0] ('ada@example.com'): country must be a text, and is a boolean; put it in quotes" in problem
    assert "customers[1] ('ben@example.com'): password must be a text, and is a number; put it in quotes" in problem
    step = ansible.one("reseller_customer_info", region=True)
    assert "region must be a text, and is a boolean; put it in quotes" in told(step)
    step = ansible.one("reseller_customer_password", username="ada@example.com", password=1234567)
    assert "password must be a text, and is a number; put it in quotes" in told(step)
    assert sandbox.customers()["ada@example.com"]["country"] == "US"


@pytest.mark.parametrize("name", ["api_key", "api_user"])
def test_what_names_the_account_is_a_text_without_a_line_break(ansible: Ansible, name: str) -> None:
    assert f"{name} must be a text, and is a boolean" in told(ansible.one("reseller_customer_info", **{name: True}))
    problem = told(ansible.one("reseller_customer_info", **{name: "canary-4711\n"}))
    assert f"{name} ends with a line break" in problem and "ansible-vault encrypt_string" in problem
    assert "canary" not in problem


def test_a_password_with_a_line_break_is_told_and_not_written(ansible: Ansible) -> None:
    wrong = {"username": "ada@example.com", "password": "canary-4711\n"}
    for module, options in (
        ("reseller_customer", {**wrong, "update_password": "always"}),
        ("reseller_customer_password", wrong),
        ("reseller_customers", {"customers": [{**wrong, "update_password": "always"}]}),
    ):
        step = ansible.one(module, **options)
        assert "password ends with a line break, which nobody can type" in told(step)
        assert "canary" not in str(step.result)


def test_a_group_with_a_blank_is_told_and_not_sent(ansible: Ansible) -> None:
    step = ansible.one("reseller_customer", **NEW, zip="04101", phone="1", ip_groups="News, Marketing")
    assert "ip_groups[1] ' Marketing' begins or ends with a blank" in told(step)
    step = ansible.one("reseller_customer", **NEW, zip="04101", phone="1", ip_groups=["News", ""])
    assert "ip_groups[1] is empty" in told(step)


def test_a_number_for_a_text_is_written_with_a_warning(ansible: Ansible, sandbox: Sandbox) -> None:
    """The same warning four ways, in check mode and really, with something to do and without."""
    steps = ansible.four_ways("reseller_customer", **NEW, zip=2113, phone=12075550112)
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    for step in steps:
        first, second = sorted(warnings(step))
        assert "phone is a number, and is used as the text '12075550112'" in first
        assert "zip is a number, and is used as the text '2113'" in second and "put it in quotes" in second
    assert sandbox.customers()["dora@example.com"]["zip"] == "2113"
    rows = [{"username": f"{name}@example.com", "zip": number} for number, name in enumerate(("ada", "ben", "cleo"))]
    step = ansible.one("reseller_customers", customers=rows)
    [warning] = warnings(step)
    assert "zip of customers[0] ('ada@example.com') is a number, and is used as the text '0', and 2 more" in warning
    step = ansible.one("reseller_customer_info", zip=2113)
    [warning] = warnings(step)
    assert "zip is a number, and is used as the text '2113'" in warning
    assert [customer["username"] for customer in step.result["customers"]] == ["dora@example.com"]


def test_what_is_no_mistake_is_taken_without_a_word(ansible: Ansible, sandbox: Sandbox) -> None:
    options = {"username": "ada@example.com", "zip": "04102", "country": "NO", "active": "yes", "website_access": 1}
    step = ansible.one("reseller_customer", **options)
    assert (step.status, step.result["changed"], warnings(step)) == ("ok", True, [])
    assert sandbox.customers()["ada@example.com"]["country"] == "NO"
