# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customer from a playbook, against the sandbox: each scenario four ways, with both APIs and behaviours.

test_v3.py has what only API v3 does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from .conftest import (
    FORMATS,
    PASSWORD,
    both_apis,
    both_apis_in_json,
    connection,
    in_shared_playbook,
    only_direct,
    only_documented,
    only_json,
    only_observed,
)
from .running import SUBUSERS, Ansible, Run, Sandbox, Step, four_ways, task

MODULE = "reseller_customer"
NEW = {
    "username": "dora@example.com",
    "password": "brand-new-word-4711",
    "email": "dora@example.com",
    "first_name": "Dora",
    "last_name": "Søndergaard",
    "address": "4 Mill Lane",
    "city": "Ålborg",
    "region": "North",
    "zip": "9000",
    "country": "DK",
    "phone": "555-0199",
    "website": "https://dora.example.com",
    "company": "Dora & Daughters",
    "package": "Bronze",
    "whitelabel": "mail.dora.example.com",
}
AWKWARD = {
    "first_name": " <b>\"Ada\"</b> & 'Co' ",
    "last_name": "O'Neill-Łukasiewicz ]]>",
    "address": "line one\nline two\t.",
    "city": "東京 😀",
    "region": "",
    "phone": "  ",
    "company": 'R&D <"quoted">',
}


PROFILE = {"first_name", "last_name", "address", "city", "region", "zip", "country", "phone", "website", "company"}
# What API v3 does not have.
NOT_IN_V3 = {"package", "whitelabel", "billing_date"}


def suits(api: str, options: dict[str, Any]) -> dict[str, Any]:
    """What `api` has of the options. The parameter of the fixture `ansible` will do for it."""
    return {name: value for name, value in options.items() if api != SUBUSERS or name not in NOT_IN_V3}


@dataclass(frozen=True)
class Scenario:
    """What a task asks for, and what it takes. `stored`: of the customer in the end, None where it is gone.

    `reads_in_v3`: when converged, each list in one page; None: what it reads of a customer under its only name.
    """

    options: dict[str, Any]
    operations: list[str]
    stored: dict[str, Any] | None
    name: str = "ada@example.com"
    reads_when_converged: list[str] = field(default_factory=lambda: ["list"])
    sent: dict[str, list[str]] = field(default_factory=dict)
    reads_in_v3: list[str] | None = None

    def in_v3(self) -> Scenario:
        """The same through API v3: a profile is no part of a creation, and no password is set later."""
        operations = [name for name in self.operations if name != "set_password"]
        options = suits(SUBUSERS, self.options)
        if "update_password" in options:
            options = {name: value for name, value in options.items() if "password" not in name}
        reads = ["list", "get_username", "get_profile"] if PROFILE & options.keys() else ["list"]
        return replace(
            self,
            options=options,
            operations=[*operations, "set_profile"] if "create" in operations else operations,
            stored=None if self.stored is None else suits(SUBUSERS, self.stored),
            reads_when_converged=reads if self.reads_in_v3 is None else self.reads_in_v3,
        )


def stored_names(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the sandbox keeps them: its own names, without the password."""
    renamed = {"region": "state"}
    return {renamed.get(name, name): value for name, value in options.items() if name != "password"}


SCENARIOS = {
    "create": Scenario(
        NEW,
        ["create"],
        {**stored_names(NEW), "active": True, "website_access": True},
        "dora@example.com",
        ["list", "list"],
    ),
    "create closed": Scenario(
        {**NEW, "active": False, "website_access": False, "update_website_access": "on_create"},
        ["create", "disable", "disable_website"],
        {**stored_names(NEW), "active": False, "website_access": False},
        "dora@example.com",
        ["list", "list"],
    ),
    "profile": Scenario(
        {"username": "ada@example.com", "city": "Bangor", "zip": "04401", "phone": ""},
        ["set_profile"],
        {"city": "Bangor", "zip": "04401", "phone": "", "address": "12 Harbour Street", "company": "Lighthouse Books"},
        sent={"set_profile": ["city", "phone", "zip"]},
    ),
    "e-mail": Scenario(
        {"username": "ada@example.com", "email": "office@example.com"},
        ["set_email"],
        {"email": "office@example.com", "username": "ada@example.com"},
    ),
    "disable": Scenario({"username": "ada@example.com", "active": False}, ["disable"], {"active": False}),
    "enable": Scenario(
        {"username": "ben@example.com", "active": True}, ["enable"], {"active": True}, "ben@example.com"
    ),
    "company": Scenario(
        {"username": "ada@example.com", "company": "Another & Sons"},
        ["set_profile"],
        {"company": "Another & Sons", "city": "Portland"},
        reads_when_converged=["list", "list"],
        sent={"set_profile": ["company"]},
    ),
    "rename": Scenario(
        {"username": "ada@example.com", "new_username": "ada.new@example.com"},
        ["rename"],
        {"email": "ada@example.com"},
        "ada.new@example.com",
        reads_in_v3=["list", "get", "list"],
    ),
    "rename by case": Scenario(
        {"username": "ada@example.com", "new_username": "Ada@example.com"},
        ["rename"],
        {"email": "ada@example.com"},
        "Ada@example.com",
        reads_in_v3=["list", "get", "list"],
    ),
    "delete": Scenario(
        {"username": "ada@example.com", "state": "absent"}, ["delete"], None, reads_in_v3=["list", "get"]
    ),
    "password": Scenario(
        {"username": "ada@example.com", "password": "another-4711", "update_password": "always"},
        ["set_password"],
        {"city": "Portland"},
        reads_when_converged=["list", "check_password"],
    ),
    "everything, doors closed first": Scenario(
        {
            "username": "ada@example.com",
            "new_username": "ada.new@example.com",
            "active": False,
            "email": "office@example.com",
            "city": "Bangor",
            "password": "another-4711",
            "update_password": "always",
        },
        ["disable", "rename", "set_email", "set_profile", "set_password"],
        {"active": False, "email": "office@example.com", "city": "Bangor"},
        "ada.new@example.com",
        ["list", "check_password"],
        reads_in_v3=["list", "get", "list", "get_username", "get_profile"],
    ),
    "everything, doors opened last": Scenario(
        {"username": "ben@example.com", "active": True, "email": "office@example.com", "city": "Bangor"},
        ["set_email", "set_profile", "enable"],
        {"active": True, "email": "office@example.com", "city": "Bangor"},
        "ben@example.com",
    ),
    "awkward text": Scenario(
        {"username": "ada@example.com", **AWKWARD},
        ["set_profile"],
        stored_names(AWKWARD),
        reads_when_converged=["list", "list"],
    ),
}


def assert_stored(customers: dict[str, dict[str, Any]], scenario: Scenario) -> None:
    if scenario.stored is None:
        assert scenario.name not in customers
        return
    kept = customers[scenario.name]
    assert {name: kept[name] for name in scenario.stored} == scenario.stored


# Each with the parameter of the fixture `ansible`.
CASES = [
    *(pytest.param(way, SCENARIOS[name], id=f"{way}-{name}") for way in FORMATS for name in SCENARIOS),
    *(
        pytest.param(SUBUSERS, scenario.in_v3(), id=f"{SUBUSERS}-{name}")
        for name, scenario in SCENARIOS.items()
        if scenario.in_v3().operations
    ),
]


def called(step: Step) -> list[str]:
    """The operations that were asked for, the pages of one list of API v3 as one."""
    groups = itertools.groupby((call["operation"], "route" in call) for call in step.calls)
    return [name for (name, is_v3), group in groups for _call in ([1] if name == "list" and is_v3 else group)]


def has_no_secret_in_its_address(call: dict[str, Any]) -> bool:
    if "route" in call:
        return set(call["query_parameters"]) <= {"limit", "offset", "include_region", "username"}
    return call["query_parameters"] == [] and call["verb"] == "POST"


def assert_four_ways(played: Run, scenario: Scenario) -> None:
    """A run of `four_ways` with the options of a scenario does what it takes, and says so."""
    expected, done, checked_again, again = played.four()

    assert expected.result["changed"] is True
    assert expected.written == []
    assert expected.operations == scenario.operations
    assert set(expected.statuses) == {"planned"}

    assert done.result["changed"] is True
    assert done.written == done.operations == scenario.operations
    assert set(done.statuses) == {"applied"}
    assert done.result["diff"] == expected.result["diff"]
    assert done.result["customer"] == expected.result["customer"]
    for operation, names in scenario.sent.items():
        [call] = [call for call in done.calls if call["operation"] == operation]
        assert set(names) == set(call["body_parameters"]) - {"api_user", "api_key", "method", "task", "user"}
    assert_stored(played.customers, scenario)

    for step in (checked_again, again):
        assert step.result["changed"] is False
        assert called(step) == scenario.reads_when_converged
        assert step.operations == []
        assert step.result["diff"]["before"] == step.result["diff"]["after"]
        assert step.result["customer"] == done.result["customer"]
    assert all(map(has_no_secret_in_its_address, played.log))


# test_direct.py runs them as shipped tasks.
@in_shared_playbook(lambda scenario: four_ways(MODULE, **scenario.options))
@pytest.mark.parametrize(("ansible", "scenario"), CASES, indirect=["ansible"])
@only_direct
def test_four_ways(played: Run, scenario: Scenario) -> None:
    assert_four_ways(played, scenario)


@in_shared_playbook(lambda: four_ways(MODULE, username="ada@example.com", website_access=False))
@both_apis
@only_direct
def test_hidden_website_access_is_sent_each_time(played: Run, ansible: Ansible) -> None:
    steps = played.four()
    shown = ansible.sandbox.behaviour == "observed" and not ansible.is_v3
    assert [step.result["changed"] for step in steps] == ([True, True, False, False] if shown else [True] * 4)
    assert steps[0].written == steps[2].written == []
    assert steps[1].written == ["disable_website"]
    assert steps[3].written == ([] if shown else ["disable_website"])
    assert steps[1].result["unverified"] == ([] if shown else ["website_access"])
    assert steps[1].result["customer"]["website_access"] is (False if shown else None)
    assert steps[1].result["diff"]["after"]["website_access"] is False
    assert ("website_access" in steps[1].result["diff"]["before"]) is shown
    assert played.customers["ada@example.com"]["website_access"] is False


@in_shared_playbook(
    lambda: four_ways(MODULE, username="ada@example.com", website_access=False, update_website_access="on_create")
)
@both_apis
@only_direct
def test_hidden_website_access_of_an_existing_customer_can_be_left_alone(played: Run, ansible: Ansible) -> None:
    steps = played.four()
    shown = ansible.sandbox.behaviour == "observed" and not ansible.is_v3
    assert [step.result["changed"] for step in steps] == ([True, True, False, False] if shown else [False] * 4)
    assert played.customers["ada@example.com"]["website_access"] is (not shown)


@in_shared_playbook(lambda: four_ways(MODULE, username="ada@example.com", website="ada.example.com", country="Canada"))
@only_direct
def test_what_the_server_rewrites_is_no_change(played: Run, sandbox: Sandbox) -> None:
    steps = played.four()
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    assert steps[3].called == ["list"]
    rewritten = sandbox.behaviour == "observed"
    warnings = [
        "website of customer 'ada@example.com': asked for 'ada.example.com', the server stores "
        "'http://ada.example.com'",
        "country of customer 'ada@example.com': asked for 'Canada', the server stores 'Canad'",
    ]
    for step in steps[1:]:
        assert sorted(step.result.get("warnings", [])) == (sorted(warnings) if rewritten else [])
    assert steps[3].result["customer"]["country"] == ("Canad" if rewritten else "Canada")


UNCHANGED = {
    "username": "ada@example.com",
    "password": "not-looked-at-4711",
    "email": "ada@example.com",
    "first_name": "Ada",
    "city": "Portland",
    "active": True,
    "package": "Bronze",
    "billing_date": "2011-02-28",
}


@in_shared_playbook(lambda ansible: [task(MODULE, suits(ansible, UNCHANGED))])
@both_apis
@only_direct
def test_an_unchanged_customer_costs_one_read(played: Run, ansible: Ansible) -> None:
    """With API v3 one more for the profile, and one that shows that calls on behalf of the customer are about it."""
    step = played.one()
    further = ["get_username", "get_profile"] if ansible.is_v3 else []
    assert (step.status, step.result["changed"], step.called) == ("ok", False, ["list", *further])


@in_shared_playbook(lambda: [task(MODULE, {"username": "nobody@example.com", "state": "absent"})])
@both_apis_in_json
@only_documented
@only_direct
def test_a_customer_that_was_never_there_is_absent_with_one_read(played: Run, ansible: Ansible) -> None:
    """With API v3 one more: a list may hide somebody."""
    step = played.one()
    further = ["get"] if ansible.is_v3 else []
    assert (step.status, step.result["changed"], step.called) == ("ok", False, ["list", *further])
    assert step.result["customer"] is None


ONLY_CREATION = {"ips": ["192.0.2.7", "2001:db8::7"], "ip_groups": ["news", "a & b"], "free_user": True}


@in_shared_playbook(lambda: [task(MODULE, {**NEW, **ONLY_CREATION})])
@only_observed
@only_json
def test_everything_that_only_creation_takes(played: Run) -> None:
    step = played.one()
    assert step.operations == ["create"], step.result
    kept = played.customers["dora@example.com"]
    assert kept["ips"] == ["192.0.2.7", "2001:db8::7"]
    assert kept["ip_groups"] == ["news", "a & b"]
    assert kept["free_user"] in (True, "true")
    assert kept["package"] == "Bronze"


NARROW_ACCOUNT = {"api_user": "narrow", "api_key": "key-of-narrow-4711"}


@in_shared_playbook(
    lambda: [
        task(MODULE, {name: value for name, value in NEW.items() if name not in ("package", "whitelabel")}),
        task(MODULE, {"username": "nora@example.com", "active": False, "city": "Bangor"}),
        task(MODULE, {"username": "nora@example.com", "new_username": "nora.new@example.com"}),
        task(MODULE, {"username": "nora.new@example.com", "password": "other-4711", "update_password": "always"}),
        task(MODULE, {"username": "nora.new@example.com", "active": True, "email": "office@example.com"}),
        task(MODULE, {"username": "nora.new@example.com", "state": "absent"}),
    ],
    defaults={**NARROW_ACCOUNT, "api": "customer"},
)
def test_the_family_of_accounts_without_a_contract(played: Run) -> None:
    assert played.status == 0, played.output
    assert [step.written for step in played.steps] == [
        ["create"],
        ["disable", "set_profile"],
        ["rename"],
        ["set_password"],
        ["set_email", "enable"],
        ["delete"],
    ]
    assert {call["family"] for call in played.log} == {"customer"}
    assert "nora.new@example.com" not in played.customers


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all limits at once": (
        {
            "username": "u" * 101,
            "password": "five5",
            "email": "no address",
            "first_name": "f" * 51,
            "website": "w" * 256,
            "ips": ["192.0.2.256"],
            "billing_date": "28.02.2011",
            "timeout": 0,
        },
        ["username has 101", "shorter than 6", "not an e-mail address", "first_name has 51", "website has 256"]
        + ["192.0.2.256", "YYYY-mm-dd", "timeout"],
    ),
    "what one family lacks": (
        {"username": "ada@example.com", "api": "customer", "package": "Bronze", "ips": ["192.0.2.1"]},
        ["package cannot be used with api=customer", "ips cannot be used with api=customer"],
    ),
    "what the other family lacks": (
        {"username": "ada@example.com", "mail_domain": "example.com"},
        ["mail_domain cannot be used with api=reseller"],
    ),
    "a character that XML cannot carry": (
        {"username": "ada@example.com", "city": "Port\u0001land"},
        ["city holds a character"],
    ),
    "a name with a blank at the end": ({"username": "ada@example.com "}, ["<U+0020>'", "U+0020 SPACE at the end"]),
    "the same that should be gone": (
        {"username": "ada@example.com\u00a0", "state": "absent"},
        ["U+00A0 NO-BREAK SPACE at the end"],
    ),
    "a new name with an invisible character": (
        {"username": "ada@example.com", "new_username": "a\u200bda@example.org"},
        ["new_username 'a<U+200B>da@example.org'", "U+200B ZERO WIDTH SPACE at position 2"],
    ),
    "an address with a byte order mark": (
        {"username": "ada@example.com", "email": "\ufeffada@example.com"},
        ["email '<U+FEFF>ada@example.com'", "at the beginning"],
    ),
    "a new name in the vendor's domain": (
        {"username": "ada@example.com", "new_username": "ada@mail.SendGrid.com"},
        ["must not be in the domain"],
    ),
    "a rename of what should be gone": (
        {"username": "ada@example.com", "new_username": "b@example.com", "state": "absent"},
        ["new_username cannot be used with state=absent"],
    ),
    "plain http to elsewhere": (
        {"username": "ada@example.com", "api_url": "http://api.example.com/apiv2"},
        ["plain http"],
    ),
}


def in_both_modes(options: dict[str, Any]) -> list[dict[str, Any]]:
    """In check mode and really, whether it fails or not."""
    return [task(MODULE, options, check_mode=check, ignore_errors=True) for check in (True, False)]


@in_shared_playbook(in_both_modes)
@only_json
@only_documented
@pytest.mark.parametrize(("options", "parts"), REFUSED.values(), ids=REFUSED)
@only_direct
def test_what_cannot_be_is_told_at_once_before_any_call(played: Run, options: dict[str, Any], parts: list[str]) -> None:
    assert len(played.steps) == 2, played.output
    for step in played.steps:
        assert step.status == "failed"
        assert [part for part in parts if part not in step.result["msg"]] == []
        assert step.calls == []


INCOMPLETE = {"username": "dora@example.com", "city": "Ålborg", "billing_date": "2011-02-28", "email": "d@" + "e" * 63}


@in_shared_playbook(lambda: in_both_modes(INCOMPLETE))
@only_json
@only_direct
def test_all_that_creation_lacks_is_told_before_any_write(played: Run) -> None:
    assert len(played.steps) == 2, played.output
    for step in played.steps:
        assert step.status == "failed"
        assert "does not exist" in step.result["msg"]
        assert (
            "creation needs password, first_name, last_name, address, region, zip, country, phone, website, company, "
            "package, whitelabel" in step.result["msg"]
        )
        assert "email has 65 characters" in step.result["msg"]
        assert "billing_date 2011-02-28" in step.result["msg"]
        assert step.written == []
    assert "dora@example.com" not in played.customers


@in_shared_playbook(
    lambda ansible, state: [task(MODULE, {**suits(ansible, NEW), "username": "ADA@example.com", "state": state})]
)
# The list of API v3 that the documentation describes shows a name alone, and nothing near it.
@pytest.mark.parametrize(
    ("sandbox", "ansible"),
    [("documented", "json"), ("observed", "json"), ("observed", SUBUSERS)],
    indirect=True,
)
@pytest.mark.parametrize("state", ["present", "absent"])
@only_direct
def test_a_name_that_differs_only_by_case(played: Run, state: str) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "'ada@example.com' differs only by case" in step.result["msg"]
    assert step.written == []
    assert "ADA@example.com" not in played.customers


@in_shared_playbook(lambda options, name: in_both_modes({**options, "username": name}))
@only_json
@only_observed
@pytest.mark.parametrize(
    "options",
    [NEW, {"state": "absent"}, {"new_username": "new@example.com"}],
    ids=["create", "absent", "rename"],
)
@pytest.mark.parametrize("name", ["\uff41da@example.com", "A\uff24A@EXAMPLE.COM"], ids=["wide", "wide capitals"])
@only_direct
def test_a_name_that_looks_like_an_existing_one(
    played: Run, sandbox: Sandbox, options: dict[str, Any], name: str
) -> None:
    """The server's search does not find it by the name of the task."""
    assert len(played.steps) == 2
    for step in played.steps:
        assert (step.status, step.written) == ("failed", [])
        assert "'ada@example.com'" in step.result["msg"] and "so correct username in the task" in step.result["msg"]
    sandbox.reset()
    assert played.customers == sandbox.customers()


@in_shared_playbook(lambda: [task(MODULE, {"username": "ada@example.com", "new_username": "ben@example.com"})])
@both_apis_in_json
@only_observed
@only_direct
def test_a_rename_to_a_name_that_exists_too(played: Run, ansible: Ansible) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "both 'ada@example.com' and 'ben@example.com' exist" in step.result["msg"]
    assert step.called == ["list"] * (2 if ansible.is_v3 else 1)


@in_shared_playbook(lambda ansible: four_ways(MODULE, **suits(ansible, NEW), new_username="dora.new@example.com"))
@both_apis_in_json
@only_observed
@only_direct
def test_a_rename_of_a_customer_that_never_was_creates_it_under_the_new_name(played: Run, ansible: Ansible) -> None:
    creation = ["create", "set_profile"] if ansible.is_v3 else ["create"]
    assert [step.operations for step in played.four()] == [creation, creation, [], []]
    assert "dora.new@example.com" in played.customers
    assert "dora@example.com" not in played.customers


@in_shared_playbook(lambda ansible: [task(MODULE, {**suits(ansible, NEW), "username": "gone@example.com"})])
@both_apis
@only_direct
def test_a_name_that_stays_taken(played: Run, ansible: Ansible) -> None:
    step = played.one()
    assert step.status == "failed"
    assert step.result["changed"] is False
    not_reached = [{"name": "set_profile", "status": "not_reached"}] if ansible.is_v3 else []
    assert step.result["operations"] == [{"name": "create", "status": "failed"}, *not_reached]
    assert "Could not create customer 'gone@example.com': the server said" in step.result["msg"]
    assert "The name may be taken: a deleted customer keeps its name" in step.result["msg"]


HALF_WAY = {"username": "ada@example.com", "active": False, "new_username": "gone@example.com", "city": "Bangor"}


@in_shared_playbook(lambda: [task(MODULE, HALF_WAY)])
@both_apis
def test_a_run_that_fails_half_way_says_how_far_it_came(played: Run) -> None:
    step = played.one()
    assert step.status == "failed"
    assert step.result["changed"] is True
    assert step.result["operations"] == [
        {"name": "disable", "status": "applied"},
        {"name": "rename", "status": "failed"},
        {"name": "set_profile", "status": "not_reached"},
    ]
    assert "Could not rename customer 'ada@example.com'" in step.result["msg"]
    assert "Applied before that: disable. Not reached: set_profile." in step.result["msg"]
    assert step.result["customer"]["active"] is False
    assert step.result["customer"]["city"] == "Portland"
    assert step.result["diff"]["before"]["active"] is True
    assert step.result["diff"]["after"] == {**step.result["diff"]["before"], "active": False}
    assert played.customers["ada@example.com"]["active"] is False


@in_shared_playbook(
    lambda: [task(MODULE, {"username": "ada@example.com", "city": "Bangor"})], defaults={"api_key": "not-the-key-4711"}
)
@both_apis_in_json
@only_direct
def test_wrong_credentials(played: Run, ansible: Ansible) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "Could not look up customer 'ada@example.com': the server said" in step.result["msg"]
    assert ("Check api_key:" if ansible.is_v3 else "Check api_user and api_key.") in step.result["msg"]
    assert step.called == ["list"]


@in_shared_playbook(lambda: [task(MODULE, {"username": "nora@example.com", "city": "Bangor"})], defaults=NARROW_ACCOUNT)
@only_json
@only_direct
def test_an_account_without_a_contract_is_told_of_the_other_family(played: Run) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "option api" in step.result["msg"]


@only_json
@only_observed
def test_options_of_the_connection_come_from_the_environment_or_the_task(ansible: Ansible) -> None:
    empty = {"SENDGRID_API_USER": "", "SENDGRID_API_KEY": "", "SENDGRID_API_URL": ""}
    apis = ["reseller", SUBUSERS]
    options = [{"username": "ada@example.com", **connection(ansible.sandbox, api)} for api in apis]
    run = ansible.play([task(MODULE, one) for one in options], environment=empty)
    assert [step.status for step in run.steps] == ["ok", "ok"], run.output
    assert [call["family"] for step in run.steps for call in step.calls] == apis
    run = ansible.play([task(MODULE, {"username": "nora@example.com"})], environment={"SENDGRID_API": "customer"})
    assert {call["family"] for call in run.steps[0].calls} == {"customer"}


@in_shared_playbook(
    lambda: [task(MODULE, {"username": "ada@example.com", "password": PASSWORD, "update_password": "always"})]
)
@only_observed
@only_json
@only_direct
def test_a_password_that_is_right_already_is_not_set(played: Run) -> None:
    step = played.one()
    assert (step.status, step.result["changed"], step.called) == ("ok", False, ["list", "check_password"])
