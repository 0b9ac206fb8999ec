# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role `fleet`, as a play uses it: what it does, what it calls, what it prints."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox import fleet
from tests.sandbox.seed import DEMO_V3_KEY
from tools.plugin_source import constant

from .conftest import (
    ACCOUNT,
    PASSWORD,
    Kept,
    both_apis_in_json,
    in_shared_playbook,
    only_documented,
    only_json,
    only_v3,
    seeded,
)
from .running import ROOT, SUBUSERS, Ansible, Run, Sandbox, Step
from .test_customer import suits

ROLE = "mailfleet.sendgrid.fleet"
CANARY = "canary-of-a-customer-4711"

ADA, BEN, CLEO = ({"username": f"{name}@example.com"} for name in ("ada", "ben", "cleo"))


def role(check_mode: bool = False, **variables: Any) -> dict[str, Any]:
    """A task that runs the role with `fleet_` variables, named without that."""
    return {
        "name": "Run the role",
        "ansible.builtin.include_role": {"name": ROLE, **({"apply": {"check_mode": True}} if check_mode else {})},
        "vars": {f"fleet_{name}": value for name, value in variables.items()},
    }


SHOW = {"name": "Show", "ansible.builtin.debug": {"var": "fleet_result"}}


def tries(*runs: dict[str, Any]) -> list[dict[str, Any]]:
    """Tasks that run the role once for each of `runs`, and show `fleet_result` after each, whatever became of it."""
    return [{"name": "Try", "block": [role(**variables)], "always": [SHOW]} for variables in runs]


def parts(played: Run) -> list[Run]:
    """Each run of the role in a play of `tries`. Only the last can have failed, since the play ends with it."""
    ends = [number for number, step in enumerate(played.steps, 1) if step.name == "Show"]
    outputs = played.output.split("TASK [Show]")
    return [
        Run(played.status if end == ends[-1] else 0, output, played.folder, played.steps[start:end])
        for start, end, output in zip([0, *ends], ends, outputs, strict=False)
    ]


def run_role(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    """The role, and `fleet_result` after it, whether or not it failed."""
    return ansible.play(tries(variables), *arguments)


def result_of(run: Run) -> dict[str, Any]:
    return [step.result["fleet_result"] for step in run.steps if step.name == "Show"][-1]


def worked(run: Run) -> Step:
    """The task that may write."""
    [found] = [step for step in run.steps if step.name.endswith("Converge the fleet (the last task reports errors)")]
    return found


def calls(run: Run) -> list[str]:
    return [operation for step in run.steps for operation in step.called]


def told(run: Run) -> list[str]:
    """What the role failed with, in lines."""
    return [step.result["msg"] for step in run.steps if step.status == "failed"][-1]


def creatable(username: str, **changes: Any) -> dict[str, Any]:
    """All that a creation needs, by option name."""
    values = {**seeded(username), "package": "Bronze", "whitelabel": "mail.example.com", **changes}
    return {"region" if name == "state" else name: value for name, value in values.items()}


def suited(api: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as `api` takes it: API v3 lacks some options, and its passwords are longer."""
    longer = {"password": f"{row['password']}-and-more"} if api == SUBUSERS and "password" in row else {}
    return {**suits(api, row), **longer}


def listing(ansible: Ansible, purge: bool = False) -> list[str]:
    """The calls that list the account. API v3 does it in pages, and begins those of a purge one row back."""
    return ["list"] * ((3 if purge else 2) if ansible.is_v3 else 1)


def as_csv(rows: list[dict[str, str]]) -> str:
    """The rows as a CSV file has them. What a row does not have is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


SOME_CHANGE = [{**ADA, "city": "Bergen"}, BEN, creatable("dora@example.com"), {**CLEO, "state": "absent"}]


def four_runs(**variables: Any) -> list[dict[str, Any]]:
    """Tasks that run the role in check mode and really, when there is something to do and when it is done."""
    return tries(*[{**variables, "check_mode": check} for check in (True, False, True, False)])


def some_change(api: str) -> list[dict[str, Any]]:
    return [suited(api, row) for row in SOME_CHANGE]


def expect_some_change(ansible: Ansible, played: Run, customers: dict[str, dict[str, Any]]) -> None:
    """What four runs with SOME_CHANGE do, wherever it comes from. `customers`: who is stored after them."""
    # A new customer's profile is no part of its creation in API v3, which a list confirms.
    profiles, confirming = (["set_profile"] * 2, 1) if ansible.is_v3 else (["set_profile"], 0)
    lists = len(listing(ansible))
    runs = parts(played)
    assert [run.status for run in runs] == [0, 0, 0, 0], played.output
    assert [result_of(run)["changed"] for run in runs] == [True, True, False, False]
    assert [worked(run).result["changed"] for run in runs] == [True, True, False, False]
    assert [sorted(worked(run).written) for run in runs] == [[], ["create", "delete", *profiles], [], []]
    assert [calls(run).count("list") for run in runs] == [lists, lists + confirming, lists, lists]
    assert result_of(runs[0]) == {**result_of(runs[1]), "predicted": True, "lines": result_of(runs[0])["lines"]}
    assert result_of(runs[0])["lines"][0] == (
        "4 customers (check mode, nothing was written): 1 to create, 1 to update, 1 to delete, 1 unchanged"
    )
    assert worked(runs[0]).result["diff"] == worked(runs[1]).result["diff"]
    assert "--- before: ada@example.com" in runs[0].output and "--- before: ada@example.com" in runs[1].output
    assert result_of(runs[1])["lines"] == [
        "4 customers: 1 created, 1 updated, 1 deleted, 1 unchanged",
        "created: dora@example.com",
        "updated: ada@example.com",
        "deleted: cleo@example.com",
    ]
    # The server does not show the password of the customer that the second run created; API v2 also hides its company.
    unchanged, *uncertain = result_of(runs[3])["lines"]
    assert unchanged == "4 customers: 4 unchanged"
    [line] = uncertain
    assert "password of 1 customer" in line
    assert ansible.is_v3 or "company of 1 customer" in line
    assert customers["ada@example.com"]["city"] == "Bergen"
    assert set(customers) == {"ada@example.com", "ben@example.com", "dora@example.com", "nora@example.com"}


@in_shared_playbook(lambda ansible: four_runs(customers=some_change(ansible)), "--diff")
@both_apis_in_json
@only_documented
def test_check_mode_and_the_real_run_with_and_without_changes(ansible: Ansible, played: Run) -> None:
    expect_some_change(ansible, played, played.customers)


PLACES = [("json", place) for place in ("fleet.csv", "files/fleet.csv", "fleet.json", "fleet.yml")]


@pytest.mark.parametrize("ansible,place", [*PLACES, (SUBUSERS, "fleet.csv")], indirect=["ansible"])
@only_documented
def test_the_same_from_a_file(ansible: Ansible, sandbox: Sandbox, place: str) -> None:
    """Found next to the playbook and in its folder `files`."""
    path = ansible.folder / place
    path.parent.mkdir(exist_ok=True)
    # Every text of JSON is one of YAML.
    rows = some_change(ansible.api)
    text = as_csv(rows) if path.suffix == ".csv" else json.dumps(rows)
    path.write_text(text, encoding="utf-8")
    expect_some_change(ansible, ansible.play(four_runs(file=path.name), "--diff"), sandbox.customers())


MONTHLY = {"type": "recurring", "total": 500, "reset_frequency": "monthly"}
# Each part of the credits has a column, and a customer without any gets those of the defaults.
FURTHER = [
    {
        **ADA,
        "ips": "192.0.2.10;192.0.2.2",
        **{f"credits.{name}": str(part) for name, part in MONTHLY.items()},
        "whitelabel": "lantern.example",
        "data_residency": "global",
    },
    BEN,
    {
        **{name: creatable("dora@example.com")[name] for name in ("username", "email")},
        "password": f"{PASSWORD}-and-more",
        "ips": "192.0.2.7",
        "data_residency": "eu",
    },
]
SHARED = {"credits": {"type": "nonrecurring", "total": 20}}


@only_v3
@only_documented
def test_what_api_v3_has_more_of(ansible: Ansible, sandbox: Sandbox) -> None:
    """Four ways with the role, and once more with the lookup, as the playbook for slices has it."""
    (ansible.folder / "fleet.csv").write_text(as_csv(FURTHER), encoding="utf-8")
    played = ansible.play(four_runs(file="fleet.csv", defaults=SHARED))
    runs = parts(played)
    assert [run.status for run in runs] == [0, 0, 0, 0], played.output
    assert [result_of(run)["changed"] for run in runs] == [True, True, False, False]
    written = ["create", "set_credits", "set_credits", "set_credits", "set_ips", "associate_domain"]
    assert [sorted(worked(run).written) for run in runs] == [[], sorted(written), [], []]
    assert worked(runs[0]).result["diff"] == worked(runs[1]).result["diff"]
    # One list of addresses for all, be it of one page and of the page that shows that there is no other one.
    assert [calls(run).count("get_ips") for run in runs] == [2, 2, 2, 2]
    stored = sandbox.customers()
    assert sorted(stored["ada@example.com"]["ips"]) == ["192.0.2.10", "192.0.2.2"]
    assert stored["dora@example.com"]["region"] == "eu"
    look_up = "{{{{ lookup('mailfleet.sendgrid.fleet_customer', '{}', customers_file='fleet.csv', defaults=shared) }}}}"
    tasks = [
        {
            "name": "Converge",
            "mailfleet.sendgrid.reseller_customer": {"username": row["username"]},
            "module_defaults": {"mailfleet.sendgrid.reseller_customer": look_up.format(row["username"])},
            "vars": {"shared": SHARED},
        }
        for row in FURTHER
    ]
    again = ansible.play(tasks)
    assert (again.status, [step.result["changed"] for step in again.steps]) == (0, [False] * 3), again.output
    assert [step.result["customer"]["credits"] for step in again.steps] == [
        MONTHLY,
        *[{"type": "nonrecurring", "total": None, "reset_frequency": None}] * 2,
    ]
    assert [step.result["customer"]["data_residency"] for step in again.steps] == ["global", "global", "eu"]


in_process = pytest.mark.parametrize(("sandbox", "direct"), [("observed", True)], indirect=True)


@both_apis_in_json
@in_process
class TestInProcess:
    def test_check_mode_of_the_whole_run(self, ansible: Ansible) -> None:
        run = run_role(ansible, "--check", customers=[{**ADA, "city": "Bergen"}, {**BEN, "city": "Oslo"}])
        assert run.status == 0, run.output
        assert worked(run).written == []
        assert result_of(run)["summary"]["updated"] == 2

    PURGED = {
        "customers": [
            {**ADA, "city": "Bergen"},
            {"username": "BEN@example.com".lower(), "new_username": "b@example.com"},
        ],
        "purge": True,
        "max_deletions": 1,
    }

    @in_shared_playbook(
        lambda: tries(
            {**TestInProcess.PURGED, "check_mode": True},
            TestInProcess.PURGED,
            {**TestInProcess.PURGED, "max_deletions": 0},
        )
    )
    def test_purge_deletes_only_whom_the_fleet_does_not_name(self, ansible: Ansible, played: Run) -> None:
        # API v3 looks twice before a new name is given away, and reads a profile by itself.
        reads = {"list", "get", "get_username", "get_profile"} if ansible.is_v3 else {"list"}
        predicted, run, again = parts(played)
        assert predicted.status == 0, predicted.output
        assert set(calls(predicted)) == reads
        assert run.status == 0, run.output
        assert result_of(run)["summary"] == result_of(predicted)["summary"]
        assert result_of(run)["deleted"] == ["cleo@example.com"]
        assert result_of(run)["renamed"] == ["ben@example.com"]
        assert calls(run).count("delete") == 1
        assert calls(run).count("list") == len(listing(ansible, purge=True))
        assert set(played.customers) == {"ada@example.com", "b@example.com", "nora@example.com"}
        assert again.status == 0, again.output
        assert set(calls(again)) <= reads

    TOO_MANY = [{**ADA, "city": "Bergen"}, creatable("dora@example.com")]

    @in_shared_playbook(
        lambda ansible: tries(
            {
                "customers": [suited(ansible, row) for row in TestInProcess.TOO_MANY],
                "purge": True,
                "max_deletions": 1,
            }
        )
    )
    def test_the_ceiling_is_checked_before_any_write(self, ansible: Ansible, played: Run) -> None:
        assert played.status == 2
        # A customer that the list of API v3 does not show can still exist.
        assert calls(played) == [*listing(ansible, purge=True), *(["get"] if ansible.is_v3 else [])]
        [text] = told(played)
        assert "Nothing was changed" in text
        assert (
            "2 customers are not in the fleet ('ben@example.com', 'cleo@example.com'), and fleet_max_deletions is 1"
            in text
        )
        assert "dora@example.com" not in played.customers

    ONE_FAILS = [
        {"username": "new@example.com"},
        {**ADA, "city": "Bergen"},
        {**BEN, "new_username": ADA["username"] + ".au"},
    ]

    @in_shared_playbook(lambda: tries({"customers": TestInProcess.ONE_FAILS}))
    def test_a_failure_names_the_customers_and_prints_no_results(self, played: Run) -> None:
        assert played.status == 2
        lines = told(played)
        assert lines[0] == "3 customers: 1 updated, 1 renamed, 1 failed"
        assert lines[-1].startswith("failed: new@example.com: Customer 'new@example.com' does not exist, and cannot be")
        assert [one["username"] for one in result_of(played)["failed_customers"]] == ["new@example.com"]
        assert result_of(played)["failed"] is True
        # One line each, and nowhere the attributes of a customer.
        before_show = played.output.partition("TASK [Show]")[0]
        assert '        "updated: ada@example.com",\n' in before_show
        assert "12 Harbour Street" not in before_show

    @in_shared_playbook(
        lambda: tries(
            {"customers": [{"username": f"new{number}@example.com"} for number in range(5)], "names_shown": 2}
        )
    )
    def test_only_some_of_many_failures_are_printed(self, played: Run) -> None:
        assert [line.split(":")[0] for line in told(played)[1:]] == [
            "failed",
            "failed",
            "and 3 more failed, see fleet_result.failed_customers",
        ]
        assert len(result_of(played)["failed_customers"]) == 5

    PURGING = {"purge": True, "max_deletions": 1}

    @in_shared_playbook(
        lambda: tries(
            {"customers": [{"username": "new@example.com"}, {**ADA, "city": "Bergen"}, BEN], **TestInProcess.PURGING}
        )
    )
    def test_continue_goes_on_with_other_customers_but_not_with_the_purge(self, played: Run) -> None:
        assert played.status == 2
        assert result_of(played)["summary"] == {
            **dict.fromkeys(("created", "renamed", "deleted"), 0),
            **dict.fromkeys(("updated", "unchanged", "failed", "not_reached"), 1),
        }
        assert "a purge deletes nothing as long as a customer of the fleet has an error" in told(played)[-1]
        assert result_of(played)["errors"] == [told(played)[-1]]
        assert "cleo@example.com" in played.customers

    @in_shared_playbook(
        lambda: tries(
            {
                "customers": [BEN, {"username": "new@example.com"}, {**ADA, "city": "Bergen"}],
                **TestInProcess.PURGING,
                "on_error": "stop",
            }
        )
    )
    def test_stop_writes_nothing_more_and_purges_nobody(self, ansible: Ansible, played: Run) -> None:
        assert played.status == 2
        assert calls(played)[: len(listing(ansible, purge=True))] == listing(ansible, purge=True)
        assert [name for step in played.steps for name in step.written] == []
        assert result_of(played)["summary"]["not_reached"] == 2
        assert told(played)[0] == "4 customers: 1 unchanged, 1 failed, 2 not reached"
        assert [line.partition(", because ")[0] for line in told(played)[-2:]] == [
            "1 of 4 customers were not reached",
            "1 of 4 customers were not reached",
        ]
        assert played.customers["ada@example.com"]["city"] == "Portland"

    @in_shared_playbook(lambda: tries({"customers": [ADA, BEN, CLEO]}), defaults={"api_key": "another-key-4711"})
    def test_an_error_that_all_would_meet_ends_the_run(self, ansible: Ansible, played: Run) -> None:
        assert played.status == 2
        assert calls(played) == ["list"]
        [line] = told(played)
        assert "could not" in line.lower()
        assert ("Check api_key" if ansible.is_v3 else "Check api_user and api_key") in line
        assert result_of(played)["errors"] == [line]
        assert result_of(played)["failed"] is True

    @in_shared_playbook(
        lambda: [
            role(customers=[{**ADA, "city": "Bergen"}]),
            {**SHOW, "name": "First"},
            {"name": "Try", "block": [role(customers=[{"username": ""}])], "rescue": [SHOW]},
        ]
    )
    def test_a_result_of_an_earlier_run_is_forgotten(self, played: Run) -> None:
        assert played.status == 0, played.output
        assert result_of(played)["updated"] == [] and result_of(played)["changed"] is False

    @in_shared_playbook(lambda: tries({"customers": []}, {"customers": [], "purge": True, "max_deletions": 10}))
    def test_no_customer_is_nothing_to_do_and_never_a_purge_of_all(self, ansible: Ansible, played: Run) -> None:
        run, purge = parts(played)
        assert run.status == 0, run.output
        assert purge.status == 2
        assert "would delete every customer" in told(purge)[0]
        assert result_of(run)["lines"] == ["0 customers: nothing to do"]
        assert (calls(run), calls(purge)) == (listing(ansible), [])

    WRONG = [
        (
            {"customers": [{**ADA, "citty": "X"}]},
            "fleet_customers[0] ('ada@example.com'): unknown option citty (did you",
        ),
        ({"customers": [ADA, {**BEN, "active": "maybe"}]}, "customers[1] ('ben@example.com'): active must be true or"),
        ({"customers": [{**ADA, "city": ["X"]}]}, "('ada@example.com'): city must be a text, and is a list"),
        ({"customers": [{**ADA, "state": "gone"}]}, "state must be present or absent, and is 'gone'"),
        ({"customers": [ADA, BEN, ADA]}, "fleet_customers[0] and fleet_customers[2] have the username"),
        ({"customers": [{"city": "X"}]}, "fleet_customers[0]: username is missing"),
        ({"customers": [[{"password": CANARY}]]}, "fleet_customers[0] must be a dict, and is a list"),
        ({"customers": [{**ADA, "password": [CANARY]}]}, "password must be a text, and is a list"),
        ({"customers": [ADA], "passwords": {"ada@example.com": [CANARY]}}, "fleet_passwords: the password of"),
        ({"customers": [ADA], "defaults": {"username": "x"}}, "fleet_defaults: there cannot be a default for username"),
        ({"customers": [ADA], "defaults": CANARY}, "fleet_defaults must be a dict, and is a text"),
        ({"customers": [ADA], "max_deletions": -1}, "fleet_max_deletions must not be negative"),
        ({"customers": [ADA], "purge": True}, "fleet_purge needs fleet_max_deletions, "),
        ({"customers": [ADA], "purge": "perhaps"}, "fleet_purge"),
        ({"customers": [ADA], "concurrency": 0}, "fleet_concurrency must be from 1 to 64"),
        ({"customers": [ADA], "on_error": "pause"}, "value of fleet_on_error must be one of: continue, stop"),
        ({"customers": {"ada": {"password": CANARY}}}, "fleet_customers must be a list of dicts, and is a dict"),
        ({"customers": CANARY}, "fleet_customers must be a list of dicts, and is a text"),
        ({"customers": [ADA], "passwords": [CANARY]}, "fleet_passwords must be a dict, and is a list"),
        ({}, "either fleet_customers or fleet_file is required"),
        ({"customers": " ", "file": " "}, "either fleet_customers or fleet_file is required"),
        ({"customers": [ADA], "file": "fleet.csv"}, "fleet_customers and fleet_file are mutually exclusive"),
        ({"file": "no-such-fleet.csv"}, "There is no file 'no-such-fleet.csv'"),
        ({"file": "playbook.txt"}, "playbook.txt"),
    ]

    @in_shared_playbook(lambda variables: [role(**variables)], "-vvvv")
    @pytest.mark.parametrize(("variables", "text"), WRONG)
    def test_wrong_variables_are_told_before_any_call(self, played: Run, variables: dict[str, Any], text: str) -> None:
        assert played.status == 2
        assert text in str(told(played))
        assert calls(played) == []
        assert CANARY not in played.output

    NO_FLEET: list[dict[str, Any]] = [
        {},
        {"customers": [ADA], "file": "fleet.csv"},
        {"customers": {"ada@example.com": {"city": "Oslo"}}},
        {"customers": "ada@example.com"},
        {"customers": [ADA], "defaults": ["country"]},
        {"customers": [ADA], "passwords": "secret"},
    ]

    @in_shared_playbook(lambda variables: [role(**variables)])
    @pytest.mark.parametrize(
        "variables",
        NO_FLEET,
        ids=["nothing", "both", "a dict", "a text", "defaults are a list", "passwords are a text"],
    )
    def test_a_fleet_that_is_none_is_one_sentence(self, played: Run, variables: dict[str, Any]) -> None:
        """Ansible's own check of a type prints the whole argument spec of the role."""
        [sentence] = told(played)
        assert sentence.startswith("The options are not valid: ") and sentence.count(". ") == 0
        assert "argument_spec" not in played.output

    MERGED = {
        "customers": [
            ADA,
            {**BEN, "city": "Graz"},
            {**CLEO, "city": None, "address": "{{ nowhere | default(omit) }}"},
        ],
        "defaults": {"city": "{{ fleet_town }}", "address": "1 Way"},
        "town": "Oslo",
    }

    @in_shared_playbook(lambda: tries(TestInProcess.MERGED))
    def test_defaults_are_merged_under_each_customer(self, played: Run) -> None:
        assert played.status == 0, played.output
        stored = played.customers
        places = {
            name: (stored[f"{name}@example.com"]["city"], stored[f"{name}@example.com"]["address"])
            for name in ("ada", "ben", "cleo")
        }
        assert places == {"ada": ("Oslo", "1 Way"), "ben": ("Graz", "1 Way"), "cleo": ("Portland", "1 Way")}

    OTHERS = "file defaults passwords purge max_deletions concurrency on_error names_shown"

    @in_shared_playbook(
        lambda blank: [
            {
                "name": "Run the role",
                # As the playbook does, since Ansible's own check takes no blank text for a truth value.
                "ansible.builtin.include_role": {"name": ROLE, "rolespec_validate": False},
                "vars": {
                    "fleet_customers": [{**ADA, "city": "Bergen"}],
                    **{f"fleet_{name}": blank for name in TestInProcess.OTHERS.split()},
                },
            },
            SHOW,
        ]
    )
    @pytest.mark.parametrize(
        "blank",
        [None, "", " ", "{{ none }}", "{{ '' }}"],
        ids=["null", "empty", "a blank", "template of null", "template of nothing"],
    )
    def test_what_is_blank_is_not_given(self, played: Run, blank: str | None) -> None:
        """So answers to a survey come, which AWX hands on as empty texts."""
        assert played.status == 0, played.output
        assert result_of(played)["lines"] == ["1 customer: 1 updated", "updated: ada@example.com"]

    def test_what_looks_like_a_template_is_none(self, ansible: Ansible, sandbox: Sandbox) -> None:
        """Neither a value that is marked as unsafe nor a server's text about it is ever evaluated."""
        (ansible.folder / "fleet.yml").write_text(
            "fleet_customers:\n"
            "  - {username: ada@example.com, city: !unsafe '{{ 6 * 7 }}'}\n"
            "  - {username: !unsafe 'no-{{ 6 * 7 }}@example.com'}\n",
            encoding="utf-8",
        )
        run = ansible.play([{"name": "Try", "block": [role()], "always": [SHOW]}], vars_files=["fleet.yml"])
        assert run.status == 2
        assert sandbox.customers()["ada@example.com"]["city"] == "{{ 6 * 7 }}"
        assert "no-{{ 6 * 7 }}@example.com" in told(run)[-1]
        assert result_of(run)["failed_customers"][0]["username"] == "no-{{ 6 * 7 }}@example.com"
        assert "no-42@" not in run.output


# With one API only


@in_shared_playbook(lambda variables: [role(**variables)], "-vvvv")
@in_process
@pytest.mark.parametrize(
    "ansible,variables,text",
    [
        ("json", {"customers": [{**ADA, "first_name": "f" * 51}]}, "first_name has 51 characters, the limit is 50"),
        (SUBUSERS, {"customers": [{**ADA, "package": "Bronze"}]}, "package cannot be used with api=subusers"),
        (SUBUSERS, {"customers": [ADA], "defaults": {"package": "x"}}, "package cannot be used with api=subusers"),
        (SUBUSERS, {"customers": [{**ADA, "update_password": "always"}]}, "update_password=always cannot be used"),
    ],
    indirect=["ansible"],
)
def test_what_one_api_does_not_take_is_told_before_any_call(played: Run, variables: dict[str, Any], text: str) -> None:
    assert played.status == 2
    assert text in str(told(played))
    assert calls(played) == []


TOLD_ONCE = {
    "customers": [ADA, BEN, {**CLEO, "frist_name": "Cleo"}],
    "defaults": {"citty": "Oslo", "country": False},
    "passwords": {"ada@example.com": [CANARY]},
    "purge": True,
}


@only_json
@in_shared_playbook(lambda: tries(TOLD_ONCE))
def test_messages_name_the_variables_of_the_role(played: Run) -> None:
    """On both ways to run the module. A problem with shared values is reported once."""
    assert played.status == 2
    [text] = told(played)
    assert text.startswith("The options are not valid: fleet_defaults: unknown option citty (did you mean 'city'?); ")
    for part in (
        "fleet_defaults: country must be a text, and is a boolean",
        "fleet_passwords: the password of 'ada@example.com' must be a text, and is a list",
        "fleet_customers[2] ('cleo@example.com'): unknown option frist_name (did you mean 'first_name'?)",
        "fleet_purge needs fleet_max_deletions",
    ):
        assert text.count(part) == 1
    assert text.count("fleet_defaults") == 2
    assert calls(played) == [] and CANARY not in played.output


@only_json
@pytest.mark.parametrize("direct", [True, False], indirect=True)
def test_only_a_role_names_its_variables(ansible: Ansible) -> None:
    """A task of the same play names the options, and cannot give names itself."""
    task = "mailfleet.sendgrid.reseller_customers"
    refused = {"ignore_errors": True}
    run = ansible.play(
        [
            {"name": "Run the role", "block": [role(customers=[5])], "rescue": [SHOW]},
            {"name": "Options", task: {"customers": [5]}, **refused},
            {"name": "Names", task: {"customers": [], "_option_names": {"customers": "x"}}, **refused},
        ]
    )
    of_role = result_of(run)["errors"]
    of_task = [step.result["msg"] for step in run.steps if step.name in ("Options", "Names")]
    assert of_role == ["The options are not valid: fleet_customers[0] must be a dict, and is a number."]
    assert of_task == [
        "The options are not valid: customers[0] must be a dict, and is a number.",
        "The options are not valid: unknown option _option_names.",
    ]


APART = {
    "customers": [ADA, {**BEN, "new_username": "b@example.com"}, {**CLEO, "password": PASSWORD}],
    "defaults": {"update_password": "always"},
    "passwords": {"ada@example.com": CANARY, "b@example.com": CANARY, "cleo@example.com": CANARY, "x": "y"},
}


@in_shared_playbook(lambda: tries(*[APART] * 2))
@only_json
@in_process
def test_passwords_come_from_a_dict_of_their_own(played: Run) -> None:
    run, again = parts(played)
    assert run.status == 0, run.output
    assert calls(run).count("set_password") == 2
    assert result_of(again)["changed"] is False, again.output
    assert CANARY not in played.output


# With API v3, a password is for a new customer.
NEW_APART = {
    "customers": [ADA, {"username": "dora@example.com", "email": "dora@example.com"}],
    "passwords": {"ada@example.com": CANARY, "dora@example.com": CANARY},
}


@only_v3
@in_process
def test_passwords_of_new_customers_come_from_a_dict_of_their_own(ansible: Ansible, sandbox: Sandbox) -> None:
    run, again = parts(ansible.play(tries(*[NEW_APART] * 2)))
    assert run.status == again.status == 0, run.output
    assert [name for step in run.steps for name in step.written] == ["create"]
    assert result_of(again)["changed"] is False, again.output
    assert CANARY not in run.output
    assert has_password(sandbox, "dora@example.com", CANARY)
    assert has_password(sandbox, "ada@example.com", PASSWORD)


def has_password(sandbox: Sandbox, username: str, password: str) -> bool:
    """Asks the service, without the collection: API v2 tells it of a customer of API v3, too."""
    body = {**ACCOUNT, "method": "auth", "user": username, "password": password}
    answer = sandbox.http.post(f"{sandbox.api_url}/reseller.manage.json", data=body, timeout=30)
    return answer.json() == {"message": "success"}


def in_a_block(**connection: str) -> list[dict[str, Any]]:
    """The role in a block whose connection is another one than the play's."""
    defaults = {"group/mailfleet.sendgrid.reseller": {"retries": 0, **connection}}
    return [{"name": "Another account", "module_defaults": defaults, "block": [role(customers=[ADA])]}]


OTHERS = {"json": {"api_user": "nobody"}, SUBUSERS: {"api_key": "SG.of-nobody"}}


@in_shared_playbook(lambda ansible: in_a_block(**OTHERS[ansible]))
@both_apis_in_json
@in_process
def test_the_connection_of_a_block(played: Run) -> None:
    assert played.status == 2
    assert "Check api_" in told(played)[0]


# By API: the variables beside the customers, and what a run writes because of a password
WAYS = {
    "json": (
        {
            "defaults": {"update_password": "always", "password": "{{ secret }}-default"},
            "passwords": {"ben@example.com": "{{ secret }}-apart"},
        },
        "set_password",
    ),
    SUBUSERS: (
        {
            "defaults": {"city": "Bergen", "password": "{{ secret }}-default"},
            "passwords": {"dora@example.com": "{{ secret }}-apart"},
        },
        "create",
    ),
}


@pytest.mark.parametrize(
    "ansible,sandbox,direct",
    [("json", "observed", True), ("json", "documented", False), (SUBUSERS, "observed", True)],
    indirect=True,
)
def test_no_secret_is_printed_at_the_highest_verbosity(ansible: Ansible, sandbox: Sandbox, kept: Kept) -> None:
    """For each source of a password: on success, if customers fail, and if the server repeats it."""
    customers = [
        {**ADA, "password": "{{ secret }}-own"},
        BEN,
        suits(ansible.api, creatable("dora@example.com", password="{{ secret }}-new")),
        {"username": "new@example.com", "password": "{{ secret }}-lost"},
    ]
    variables, write = WAYS[SUBUSERS if ansible.is_v3 else "json"]
    (ansible.folder / "secret.yml").write_text(yaml.safe_dump({"secret": CANARY}), encoding="utf-8")
    rows = [{name: value.replace("{{ secret }}", CANARY) for name, value in row.items()} for row in customers]
    (ansible.folder / "fleet.csv").write_text(as_csv(rows), encoding="utf-8")
    for source in ({"customers": customers}, {"file": "fleet.csv"}):
        for echo in (False, True):
            sandbox.reset()
            if echo:
                sandbox.set_fault("writes", "echo", times="forever")
            run = ansible.play(
                [{"name": "Try", "block": [role(**variables, **source)], "always": [SHOW]}],
                "-vvvv",
                "--diff",
                vars_files=["secret.yml"],
                environment=kept.settings,
            )
            assert run.status == 2
            assert write in run.output
            assert len(result_of(run)["failed_customers"]) == (4 if echo else 1), told(run)
            assert CANARY not in run.output
            assert CANARY not in json.dumps([step.result for step in run.steps])
    assert "new@example.com" in kept.log.read_text(encoding="utf-8")
    assert CANARY not in kept.log.read_text(encoding="utf-8")


@pytest.fixture
def hundred(request: pytest.FixtureRequest, tmp_path: Path, collections_path: Path) -> Iterator[Ansible]:
    sandbox = Sandbox("--customers", "100")
    folder = tmp_path / "run"
    folder.mkdir()
    account = {"api_user": "demo", "api_key": DEMO_V3_KEY if request.param == SUBUSERS else "demo-key-1234"}
    yield Ansible(sandbox, folder, collections_path, **account, defaults={"retries": 0}, api=request.param)
    assert sandbox.stop() == (0, "", "")


@pytest.mark.parametrize(
    "hundred,source",
    [("reseller", "variables"), ("reseller", "file"), (SUBUSERS, "variables"), (SUBUSERS, "file")],
    indirect=["hundred"],
)
def test_what_a_hundred_customers_cost(hundred: Ansible, source: str) -> None:
    """One list; with API v3, whose list has no profiles, a read for each of them."""
    customers = [suits(hundred.api, _wanted(number)) for number in range(1, 101)]
    variables: dict[str, Any] = {"fleet_defaults": {"active": True}}
    if source == "variables":
        variables["fleet_customers"] = customers
    else:
        variables["fleet_file"] = "fleet.json"
        (hundred.folder / "fleet.json").write_text(json.dumps(customers), encoding="utf-8")
    # Not in vars_files, which Ansible reads again for each task.
    (hundred.folder / "fleet.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    runs = [hundred.play([role(), SHOW], "--extra-vars", "@fleet.yml") for number in range(2)]
    assert [run.status for run in runs] == [0, 0], runs[0].output
    reads = Counter(listing(hundred))
    if hundred.is_v3:
        reads += Counter(get_username=1, get_profile=100)
    # Every tenth customer has moved, and API v3 verifies who is written to.
    writes = Counter(set_profile=10, **({"get_username": 10} if hundred.is_v3 else {}))
    assert Counter(calls(runs[0])) == reads + writes
    assert result_of(runs[0])["summary"]["updated"] == 10
    assert Counter(calls(runs[1])) == reads
    assert result_of(runs[1])["summary"]["unchanged"] == 100


def _wanted(number: int) -> dict[str, Any]:
    customer = fleet.customer(number)
    customer["region"] = customer.pop("state")
    return {**customer, "city": "Moved"} if number % 10 == 0 else customer


def test_the_role_takes_the_options_of_the_module() -> None:
    """The role's own description of a customer says what the module's does."""
    module = ROOT / "plugins" / "modules" / "reseller_customers.py"
    documented = yaml.safe_load(constant(module, "DOCUMENTATION"))
    spec = yaml.safe_load((ROOT / "roles" / "fleet" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    of_the_module = documented["options"]["customers"]["suboptions"]
    of_the_role = options["fleet_customers"]["options"]

    def facts(described: dict[str, Any], parts: str) -> dict[str, Any]:
        """What Ansible checks. `parts`: the key under which a dict has its parts.

        A role has no choices without a default: Ansible would refuse a null, which the module leaves out.
        """
        found = {}
        for name, option in described.items():
            left_out = {"description", "no_log", parts} | (set() if "default" in option else {"choices"})
            checked = {key: value for key, value in option.items() if key not in left_out}
            found[name] = {**checked, "parts": facts(option.get(parts, {}), parts)}
        return found

    assert facts(of_the_role, "options") == facts(of_the_module, "suboptions")
    defaults = yaml.safe_load((ROOT / "roles" / "fleet" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    # A fleet may come from a file: so the role looks whether this one is defined.
    del options["fleet_customers"]
    public = {name: value for name, value in defaults.items() if not name.startswith("_")}
    assert public == {name: option.get("default") for name, option in options.items()}
