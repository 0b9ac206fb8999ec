# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customers against the sandbox: from playbooks, and in this process where only the service matters."""

from __future__ import annotations

import datetime
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet

from tests.sandbox import fleet
from tests.sandbox.seed import DEMO_V3_KEY

from .conftest import both_apis, both_apis_in_json, in_shared_playbook, only_direct, only_json, only_observed
from .preloaded import Forked
from .running import SUBUSERS, Ansible, Run, Sandbox, four_ways, task
from .test_customer import NEW, suits
from .test_tables import rst_table

MODULE = "reseller_customers"
ADA, BEN, CLEO, DORA = (f"{name}@example.com" for name in ("ada", "ben", "cleo", "dora"))
SUMMARY = ("created", "updated", "renamed", "deleted", "unchanged", "failed", "not_reached")
MIXED: list[dict[str, Any]] = [
    NEW,
    {"username": ADA, "city": "Bangor", "company": "Another & Sons", "active": False},
    {"username": BEN, "city": "Portland", "active": False, "company": "not compared"},
    {"username": CLEO, "new_username": "cleo.new@example.com"},
    {"username": "nobody@example.com", "state": "absent"},
]
# Seconds that nothing here takes, unless it fails.
PATIENCE = 60


def counted(result: dict[str, Any]) -> dict[str, int]:
    """The summary without the zeros."""
    assert tuple(sorted(result["summary"])) == tuple(sorted(SUMMARY))
    return {name: count for name, count in result["summary"].items() if count}


def made(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [(operation["name"], operation["status"]) for operation in item["operations"]]


# From playbooks


def mixed(api: str) -> list[dict[str, Any]]:
    """The same for either API: v3 compares a company, too."""
    compared = {"company": "Lighthouse Books"} if api == SUBUSERS else {}
    return [{**suits(api, row), **(compared if row["username"] == BEN else {})} for row in MIXED]


@in_shared_playbook(lambda ansible: four_ways(MODULE, customers=mixed(ansible)))
@both_apis
def test_four_ways(ansible: Ansible, played: Run) -> None:
    expected, done, checked_again, again = played.four()

    for step, status in ((expected, "planned"), (done, "applied")):
        assert counted(step.result) == {"created": 1, "updated": 1, "renamed": 1, "unchanged": 2}
        assert [item["username"] for item in step.result["results"]] == [DORA, ADA, CLEO]
        assert {status for item in step.result["results"] for _name, status in made(item)} == {status}
    for key in ("changed", "summary", "diff", "unverified", "not_compared"):
        assert expected.result[key] == done.result[key]
    shown = [[item["customer"] for item in step.result["results"]] for step in (expected, done)]
    assert shown[0] == shown[1]

    customers = played.customers
    assert (customers[ADA]["city"], customers[ADA]["company"], customers[ADA]["active"]) == (
        "Bangor",
        "Another & Sons",
        False,
    )
    assert (customers[DORA]["city"], customers[BEN]["company"]) == ("Ålborg", "Lighthouse Books")
    assert set(customers) == {DORA, ADA, BEN, "cleo.new@example.com", "nora@example.com"}

    for step in (checked_again, again):
        assert (step.result["changed"], counted(step.result)) == (False, {"unchanged": 5})
        assert step.result["results"] == step.result["diff"] == []
    if ansible.is_v3:
        assert_called_in_v3(played)
    else:
        assert_called_in_v2(played, ansible)


def assert_called_in_v2(played: Run, ansible: Ansible) -> None:
    expected, done, checked_again, again = played.steps
    assert expected.called == ["list"]
    assert sorted(done.called) == sorted(["list", "create", "disable", "set_profile", "rename"])
    assert checked_again.called == again.called == ["list"]
    assert done.result["unverified"] == {ADA: ["company"]}
    assert done.result["not_compared"] == {"company": 2}
    # The customer that the first run created exists then.
    assert again.result["not_compared"] == {"company": 3, "package": 1, "password": 1, "whitelabel": 1}
    # The action group's defaults reach it.
    assert {call["format"] for call in played.log} == {ansible.defaults["api_format"]}
    assert all(call["query_parameters"] == [] and call["verb"] == "POST" for call in played.log)


def assert_called_in_v3(played: Run) -> None:
    expected, done, checked_again, again = played.steps
    reads = {"list": 2, "get": 3, "get_username": 1, "get_profile": 2}
    writes = {"create": 1, "disable": 1, "rename": 1, "set_profile": 2}
    assert Counter(expected.called) == reads
    # The creation is confirmed by a list, and who is written to on behalf is verified before: three customers. If the
    # first of them comes before all reads, it verifies the server for them, too.
    verified = done.called.count("get_username")
    assert verified in (3, 4)
    assert Counter(done.called) == {**reads, **writes, "list": 3, "get_username": verified}
    # One customer that should be absent is asked for, and one customer has no profile in the fleet.
    again_reads = {"list": 2, "get": 1, "get_username": 1, "get_profile": 3}
    assert Counter(checked_again.called) == Counter(again.called) == again_reads
    assert done.result["unverified"] == done.result["not_compared"] == {}
    assert again.result["not_compared"] == {"password": 1}


@in_shared_playbook(
    lambda: [
        {**task("reseller_customer_info", {}), "register": "listed"},
        task(MODULE, {"customers": "{{ listed.customers }}", "purge": True, "max_deletions": 0}),
    ]
)
@both_apis
@only_direct
def test_a_list_that_is_fed_back_changes_nothing(played: Run, ansible: Ansible) -> None:
    assert played.status == 0, played.output
    listed, fed_back = played.steps
    assert counted(fed_back.result) == {"unchanged": listed.result["count"]} == {"unchanged": 3}
    # A purge by pages begins each of them with the last row of the one before.
    assert (fed_back.result["changed"], fed_back.called) == (False, ["list"] * (3 if ansible.is_v3 else 1))
    assert fed_back.result.get("warnings", []) == []


PURGED = {"customers": [{"username": ADA, "city": "Bangor"}, {"username": BEN, "state": "absent"}], "purge": True}


@in_shared_playbook(
    lambda: [
        task(MODULE, PURGED, ignore_errors=True),
        task(MODULE, {**PURGED, "max_deletions": 0}, ignore_errors=True),
        task(MODULE, {**PURGED, "max_deletions": 1}, check_mode=True),
        task(MODULE, {**PURGED, "max_deletions": 1, "concurrency": 1}),
        task(MODULE, {**PURGED, "max_deletions": 0}),
    ]
)
@both_apis_in_json
@only_observed
@only_direct
def test_purge_deletes_what_is_not_named_up_to_a_ceiling(played: Run, ansible: Ansible) -> None:
    refused, too_many, predicted, done, again = played.steps
    lists = ["list"] * (3 if ansible.is_v3 else 1)
    reads = [*lists, *(["get_username", "get_profile"] if ansible.is_v3 else [])]
    assert (refused.status, refused.called) == ("failed", [])
    assert "purge needs max_deletions" in refused.result["msg"]
    assert (too_many.status, too_many.called) == ("failed", lists)
    assert "1 customers are not in the fleet ('cleo@example.com'), and max_deletions is 0" in too_many.result["msg"]
    assert (predicted.called, counted(predicted.result)) == (reads, {"updated": 1, "deleted": 2})
    assert done.called[: len(reads)] == reads
    assert done.written == ["set_profile", "delete", "delete"]
    assert [call["user"] for call in done.calls if call["attempted_write"]] == [ADA, BEN, CLEO]
    assert counted(again.result) == {"unchanged": 2}
    # Customers of another account are not touched.
    assert set(played.customers) == {ADA, "nora@example.com"}


SOME_FAIL = [
    {"username": ADA, "new_username": "gone@example.com", "active": False},
    {"username": BEN, "city": "Bangor"},
    {"username": "CLEO@example.com", "city": "Bangor"},
    {"username": "new@example.com", "city": "Bangor"},
]


@in_shared_playbook(
    lambda: [
        {**task(MODULE, {"customers": SOME_FAIL}, ignore_errors=True), "register": "converged"},
        {
            "name": "Use it",
            "ansible.builtin.debug": {
                "msg": "{{ converged.results | rejectattr('failed') | map(attribute='username') }}"
            },
        },
    ]
)
@both_apis_in_json
@only_observed
@only_direct
def test_what_was_done_is_told_though_some_failed(played: Run) -> None:
    failed, used = played.steps
    assert (failed.status, failed.result["changed"]) == ("failed", True)
    assert counted(failed.result) == {"updated": 1, "failed": 3}
    assert used.result["msg"] == [BEN]
    by_name = {item["username"]: item for item in failed.result["results"]}
    assert made(by_name[ADA]) == [("disable", "applied"), ("rename", "failed")]
    assert "differs only by case" in by_name["CLEO@example.com"]["msg"]
    assert "creation needs" in by_name["new@example.com"]["msg"]
    assert "3 of 4 customers failed." in failed.result["msg"] and "Done: 1 updated." in failed.result["msg"]
    assert played.customers[ADA]["active"] is False
    assert [diff["after_header"] for diff in failed.result["diff"]] == ["gone@example.com", BEN]


WRONG = [
    {"username": ADA, "email": "none", "city": "x" * 101},
    {"username": BEN, "new_username": ADA},
    {"username": "Ben@example.com", "password": "4711"},
]


@in_shared_playbook(lambda: [task(MODULE, {"customers": WRONG, "concurrency": 0, "purge": True})])
@only_json
@only_observed
@only_direct
def test_everything_that_is_wrong_is_told_before_any_call(played: Run) -> None:
    step = played.one()
    assert (step.status, step.called) == ("failed", [])
    words = ["customers[0] ('ada@example.com'): email 'none'", "customers[0] ('ada@example.com'): city has 101"]
    words += ["customers[0] and customers[1] have the username", "differ only by case", "max_deletions"]
    words += ["concurrency must be from 1 to 64", "customers[2] ('Ben@example.com'): password is shorter than 6"]
    assert [word for word in words if word not in step.result["msg"]] == []


NARROW_FLEET = [
    {name: value for name, value in NEW.items() if name not in ("package", "whitelabel")},
    {"username": "nora@example.com", "city": "Bangor"},
]


@in_shared_playbook(
    lambda: four_ways(MODULE, customers=NARROW_FLEET),
    defaults={"api_user": "narrow", "api_key": "key-of-narrow-4711", "api": "customer"},
)
@only_json
@only_observed
@only_direct
def test_the_family_of_accounts_without_a_contract(played: Run) -> None:
    _expected, done, _checked, again = played.four()
    assert (counted(done.result), counted(again.result)) == ({"created": 1, "updated": 1}, {"unchanged": 2})
    assert {call["family"] for call in played.log} == {"customer"}


# In this process: what the service gets to see


@pytest.fixture(scope="module")
def _crowd() -> Iterator[Sandbox]:
    running = Sandbox("--customers", "200", "--behaviour", "observed")
    yield running
    assert running.stop() == (0, "", "")


@pytest.fixture
def crowd(_crowd: Sandbox) -> Sandbox:
    """A sandbox with 200 generated customers."""
    _crowd.reset()
    return _crowd


DEMO = {"api_user": "demo", "api_key": "demo-key-1234"}
with_both_apis = pytest.mark.parametrize("api", ["reseller", SUBUSERS])
NAMES = [fleet.customer(number)["username"] for number in range(1, 201)]


def connection(sandbox: Sandbox, api: str) -> dict[str, Any]:
    if api == SUBUSERS:
        return {"api": api, "api_url": sandbox.v3_url, "api_key": DEMO_V3_KEY}
    return {"api": api, "api_url": sandbox.api_url, **DEMO}


def converge(
    sandbox: Sandbox, rows: list[dict[str, Any]], check_mode: bool = False, api: str = "reseller", **options: Any
) -> dict[str, Any]:
    """The result of reseller_customers; options that are left out have their defaults."""
    spec = _module.fleet_spec()
    left_out = {name: option.get("default") for name, option in spec["customers"]["options"].items()}
    given = {
        **{name: option.get("default") for name, option in spec.items()},
        **connection(sandbox, api),
        **options,
        "customers": [{**left_out, **row} for row in rows],
    }
    result = _module.run_task(manage_fleet, given, check_mode)
    if "summary" in result:
        named = {row["username"] for row in rows}
        assert sum(result["summary"].values()) == len(rows) + sum(
            item["username"] not in named for item in result["results"]
        )
    return result


def moved(count: int, **options: Any) -> list[dict[str, Any]]:
    """The first customers, each in another city."""
    return [{"username": name, "city": "Bangor", **options} for name in NAMES[:count]]


def moments(calls: list[dict[str, Any]]) -> list[float]:
    """When calls were answered, in epoch seconds."""
    return [datetime.datetime.fromisoformat(call["time"].replace("Z", "+00:00")).timestamp() for call in calls]


def assert_honest(sandbox: Sandbox, rows: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """The service holds what the result says, for rows that move customers to Bangor and may disable them."""
    told = {item["username"]: dict(made(item)) for item in result["results"]}
    customers = sandbox.customers()
    for row in rows:
        statuses = told.get(row["username"], {})
        assert "unknown" not in statuses.values()
        stored = customers[row["username"]]
        assert (stored["city"] == "Bangor") is (statuses.get("set_profile") == "applied")
        assert stored["active"] is not (statuses.get("disable") == "applied")


def test_a_fleet_of_any_size_costs_one_list_and_the_writes_that_differ(crowd: Sandbox) -> None:
    rows = [{"username": name} for name in NAMES]
    for number in (3, 57, 120):
        rows[number]["city"] = "Bangor"
    assert counted(converge(crowd, rows)) == {"updated": 3, "unchanged": 197}
    assert [call["operation"] for call in crowd.log()] == ["list", *["set_profile"] * 3]
    assert {call["user"] for call in crowd.log()[1:]} == {NAMES[3], NAMES[57], NAMES[120]}
    assert converge(crowd, rows)["changed"] is False
    assert [call["operation"] for call in crowd.log()[4:]] == ["list"]


def generated(number: int, api: str = "reseller") -> dict[str, Any]:
    """A customer of the generated fleet as a row."""
    wire = fleet.customer(number)
    password = f"{wire['password']}-long-enough" if api == SUBUSERS else wire["password"]
    row = {name: value for name, value in wire.items() if name != "state"}
    return suits(api, {**row, "region": wire["state"], "password": password})


@with_both_apis
def test_the_generated_fleet_as_rows_is_converged_and_can_be_made_again(crowd: Sandbox, api: str) -> None:
    rows = [generated(number, api) for number in (*range(1, 21), *range(201, 221))]
    assert counted(converge(crowd, rows, api=api)) == {"created": 20, "unchanged": 20}
    called = Counter(call["operation"] for call in crowd.log())
    if api == SUBUSERS:
        reads = {"list": 2 + 20, "get": 20, "get_profile": 20, "get_username": 1 + 20}
        assert called == {**reads, "create": 20, "set_profile": 20}
    else:
        assert called == {"list": 1, "create": 20}
    before = len(crowd.log())
    assert counted(converge(crowd, rows, api=api)) == {"unchanged": 40}
    again = {"list": 2, "get_profile": 40, "get_username": 1} if api == SUBUSERS else {"list": 1}
    assert Counter(call["operation"] for call in crowd.log(before)) == again


@with_both_apis
@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_are_under_way_at_once_up_to_the_limit(crowd: Sandbox, concurrency: int, api: str) -> None:
    crowd.set_fault("*", "delay", seconds=0.05, times="forever")
    result = converge(crowd, moved(concurrency * 4, active=False), concurrency=concurrency, api=api)
    assert counted(result) == {"updated": concurrency * 4}
    assert max(call["in_flight"] for call in crowd.log()) == concurrency
    assert max(call["connection"] for call in crowd.log()) <= concurrency


def test_the_server_s_limit_is_kept(crowd: Sandbox) -> None:
    """The list's answer tells how many calls there may be until when, and each call is counted as it starts.

    So no window is overrun; only calls that are under way when one ends might be refused, which are fewer than may be
    under way at once.
    """
    concurrency = 16
    crowd.http.post(f"{crowd.root}/_sandbox/limit", json={"calls": 20, "seconds": 1}, timeout=30).raise_for_status()
    result = converge(crowd, moved(60), concurrency=concurrency, retries=4)
    assert counted(result) == {"updated": 60}
    refused = [call for call in crowd.log() if call.get("limited")]
    assert len(refused) < concurrency
    assert len(crowd.log()) == 61 + len(refused)


def test_the_own_ceiling_is_kept_by_all_calls_together(crowd: Sandbox) -> None:
    converge(crowd, moved(12), concurrency=8, requests_per_minute=600)
    times = moments(crowd.log())
    assert len(times) == 13
    # A tenth of a second for each call but the first, less what the first answer may have come late.
    assert times[-1] - times[0] >= 12 * 0.1 - 0.05


def test_when_one_call_has_to_wait_all_calls_wait(crowd: Sandbox) -> None:
    concurrency = 4
    crowd.set_fault("set_profile", "rate-limit", nth=6, seconds=2)
    result = converge(crowd, moved(40), concurrency=concurrency)
    assert counted(result) == {"updated": 40}
    calls = crowd.log()
    times = moments(calls)
    [refused] = [number for number, call in enumerate(calls) if call.get("fault")]
    # Until the refusal has arrived, the others may begin one call after another.
    waited = [moment for moment in times if 0.5 <= moment - times[refused] < 1.9]
    assert waited == []
    assert len([moment for moment in times if moment - times[refused] >= 1.9]) >= 20


@with_both_apis
@pytest.mark.parametrize("fault", ["close-after", "error-after", "close-before", "cut", "bad-gateway-after"])
def test_lost_answers_are_made_up_for_and_nothing_is_done_twice(crowd: Sandbox, fault: str, api: str) -> None:
    rows = [
        *(generated(number, api) for number in range(201, 205)),
        *({"username": name, "new_username": f"new-{name}"} for name in NAMES[:4]),
        *({"username": name, "state": "absent"} for name in NAMES[4:8]),
        *({"username": name, "city": "Bangor"} for name in NAMES[8:12]),
    ]
    for operation in ("create", "rename", "delete", "set_profile"):
        crowd.set_fault(operation, fault, nth=2, times=2)
    result = converge(crowd, rows, concurrency=4, api=api)
    assert counted(result) == {"created": 4, "renamed": 4, "deleted": 4, "updated": 4}, result.get("msg")
    wrote = Counter((call["operation"], call["user"]) for call in crowd.log() if call["wrote"])
    again = {key: times for key, times in wrote.items() if times > 1 and key[0] != "set_profile"}
    # With API v3, a separate write sets the profile of a new customer.
    assert (again, len(wrote)) == ({}, 20 if api == SUBUSERS else 16)
    assert counted(converge(crowd, rows, api=api)) == {"unchanged": 16}


@with_both_apis
def test_an_error_stops_the_run_where_that_is_asked_for(crowd: Sandbox, api: str) -> None:
    rows = moved(60, active=False)
    crowd.set_fault("set_profile", "not-found", nth=5, times=1)
    result = converge(crowd, rows, concurrency=4, on_error="stop", api=api)
    assert result["summary"]["failed"] == 1 and result["summary"]["not_reached"] > 0
    assert f"{result['summary']['not_reached']} of 60 customers were not reached" in result["msg"]
    assert_honest(crowd, rows, result)
    assert counted(converge(crowd, rows, api=api))["updated"] == 60 - result["summary"]["updated"]


@with_both_apis
def test_an_error_does_not_stop_the_run_otherwise(crowd: Sandbox, api: str) -> None:
    rows = moved(30, active=False)
    crowd.set_fault("set_profile", "not-found", nth=5, times=3)
    result = converge(crowd, rows, concurrency=4, api=api)
    assert counted(result) == {"updated": 27, "failed": 3}
    assert_honest(crowd, rows, result)


@pytest.mark.parametrize(
    ("fault", "settings"), [("rate-limit", {"seconds": 3600}), ("rate-limit-reset", {"seconds": 3600})]
)
@with_both_apis
def test_a_limit_that_lasts_ends_the_run(crowd: Sandbox, fault: str, settings: dict[str, Any], api: str) -> None:
    crowd.set_fault("writes", fault, nth=11, times="forever", **settings)
    rows = moved(100)
    result = converge(crowd, rows, concurrency=4, api=api)
    assert result["summary"]["updated"] == 10
    assert "every further call would fail in the same way" in result["msg"]
    # One for each call that was under way.
    assert 1 <= len([call for call in crowd.log() if call.get("fault")]) == result["summary"]["failed"] <= 4
    assert_honest(crowd, rows, result)


@with_both_apis
def test_a_wrong_key_costs_one_call(crowd: Sandbox, api: str) -> None:
    result = converge(crowd, moved(100), api=api, api_key="SG.not-the-key-4711.not-the-key-4711")
    assert result["failed"] is True and result["msg"].startswith("Could not list customers: ")
    assert len(crowd.log()) == 1


def test_a_server_that_repeats_what_it_was_sent(crowd: Sandbox) -> None:
    crowd.set_fault("writes", "echo", times="forever")
    rows = [
        {"username": name, "password": f"canary-{number}-4711", "update_password": "always"}
        for number, name in enumerate(NAMES[:5])
    ]
    result = converge(crowd, rows)
    assert counted(result) == {"failed": 5}
    assert result["msg"].count("the server said (a message that repeats a secret is not shown) (") == 3
    assert "canary" not in repr(result) and DEMO["api_key"] not in repr(result)


# What only API v3 does: lists in pages, which may hide customers and move


def called_by(sandbox: Sandbox) -> Counter[str]:
    """How often each operation was called since the last question."""
    found = Counter(call["operation"] for call in sandbox.log())
    sandbox.control("DELETE", "log")
    return found


def test_what_a_fleet_in_pages_costs(crowd: Sandbox) -> None:
    """The formulas of the guide."""
    crowd.switch(page_ceiling=50)
    rows = [{"username": name, "city": fleet.customer(number)["city"]} for number, name in enumerate(NAMES, 1)]
    assert counted(converge(crowd, rows, api=SUBUSERS)) == {"unchanged": 200}
    # Four pages and an empty one, and the check of the header.
    assert called_by(crowd) == {"list": 4 + 1, "get_username": 1, "get_profile": 200}
    left_alone = [{**row, "update_profile": "on_create"} for row in rows]
    assert counted(converge(crowd, left_alone, api=SUBUSERS)) == {"unchanged": 200}
    assert called_by(crowd) == {"list": 5}
    assert counted(converge(crowd, left_alone, api=SUBUSERS, purge=True, max_deletions=0)) == {"unchanged": 200}
    # 50 customers, then 49 with each further page, one page with the last one alone, and an empty one.
    assert called_by(crowd) == {"list": 5 + 2}


@pytest.fixture(scope="module")
def hundred() -> Iterator[Sandbox]:
    """A sandbox with as many customers as in the guide's table."""
    running = Sandbox("--customers", "100", "--behaviour", "observed")
    yield running
    assert running.stop() == (0, "", "")


def without_profile(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("username", "password", "email")}


def pages_of(count: int) -> int:
    return math.ceil(count / 500) + 1


def overlapping_pages_of(count: int) -> int:
    return 3 + max(0, math.ceil((count - 500) / 499))


def one_page(_count: int) -> int:
    """Of an account without customers."""
    return 1


def test_the_guide_says_what_a_fleet_costs(hundred: Sandbox) -> None:
    """Counted with 100 customers. A call for each of them is one for each of more, too; what is left are pages."""
    rows, newer, newest = ([generated(number + first, SUBUSERS) for number in range(1, 101)] for first in (0, 100, 200))
    bare, gone = ([{"username": row["username"], **more} for row in rows] for more in ({}, {"state": "absent"}))
    tasks: list[tuple[list[dict[str, Any]], dict[str, Any], Callable[[int], int]]] = [
        (bare, {}, pages_of),
        (bare, {"purge": True, "max_deletions": 0}, overlapping_pages_of),
        (rows, {}, pages_of),
        ([{**row, "phone": "another"} for row in rows], {}, pages_of),
        ([without_profile(row) for row in newer], {}, one_page),
        (newest, {}, one_page),
        (gone, {}, pages_of),
        (gone, {}, one_page),
    ]
    told = [[int(cell.replace(",", "")) for cell in row[1:]] for row in rst_table("fleets.rst", "What the fleet needs")]
    assert len(told) == len(tasks)
    for (customers, options, pages), numbers in zip(tasks, told, strict=True):
        if pages is one_page:
            left = [{"username": name, "state": "absent"} for name in hundred.customers()]
            converge(hundred, left, api=SUBUSERS)
        elif customers is gone:
            hundred.reset()
        hundred.control("DELETE", "log")
        assert "failed" not in converge(hundred, customers, api=SUBUSERS, **options)
        calls = len(hundred.log())
        each, once = divmod(calls - pages(100), 100)
        assert numbers == [calls, *(pages(count) + once + each * count for count in (1_000, 10_000))]


@pytest.mark.parametrize("hides", [False, True])
def test_rows_that_move_lose_nobody_and_double_nobody(crowd: Sandbox, hides: bool) -> None:
    crowd.switch(page_ceiling=7, hide_disabled=hides)
    rows = [generated(number, SUBUSERS) for number in range(1, 201)]
    assert counted(converge(crowd, moved(5, active=False), api=SUBUSERS))["updated"] == 5
    for row in rows[:5]:
        row.update(city="Bangor", active=False)
    called_by(crowd)
    crowd.set_fault("list", "move", nth=3, times=20)
    assert counted(converge(crowd, rows, api=SUBUSERS)) == {"unchanged": 200}
    called = called_by(crowd)
    assert called["get"] >= 15
    assert set(called) == {"list", "get", "get_username", "get_profile"}
    # A purge without a consistent list deletes nothing.
    crowd.control("DELETE", "faults")
    crowd.set_fault("list", "move", nth=3, times="forever")
    result = converge(crowd, rows[:100], api=SUBUSERS, purge=True, max_deletions=200)
    assert "customers moved while they were listed, and the pages did not fit together 3 times" in result["msg"]
    assert set(called_by(crowd)) == {"list"}
    crowd.control("DELETE", "faults")
    crowd.set_fault("list", "move", nth=3)
    result = converge(crowd, rows[:100], api=SUBUSERS, purge=True, max_deletions=200)
    assert counted(result) == {"unchanged": 100, "deleted": 100}
    assert ["The list shows no customer with active=false" in text for text in result["warnings"]] == [True] * hides
    assert set(crowd.customers()) == set(NAMES[:100])


def test_a_customer_that_is_renamed_under_our_hands_is_an_error_of_its_own(crowd: Sandbox) -> None:
    crowd.set_fault("set_profile", "rename", nth=3)
    result = converge(crowd, moved(10), api=SUBUSERS, concurrency=4)
    assert counted(result) == {"updated": 9, "failed": 1}
    [failed] = [item["username"] for item in result["results"] if item["failed"]]
    customers = crowd.customers()
    assert failed not in customers
    assert customers[f"moved-{failed}"]["city"] == fleet.customer(NAMES.index(failed) + 1)["city"]
    assert crowd.account("demo")["city"] == ""


def test_new_customers_that_are_seen_late_are_waited_for_within_the_limit_of_calls(crowd: Sandbox) -> None:
    crowd.set_fault("create", "lag", calls=0, seconds=1, times="forever")
    rows = [*(generated(number, SUBUSERS) for number in range(201, 217)), *moved(20)]
    assert counted(converge(crowd, rows, api=SUBUSERS, concurrency=2)) == {"created": 16, "updated": 20}
    calls = crowd.log()
    assert max(call["in_flight"] for call in calls) <= 2
    wrote = Counter(call["operation"] for call in calls if call["wrote"])
    assert wrote == {"create": 16, "set_profile": 16 + 20}


# Interrupted


@pytest.fixture
def slow(crowd: Sandbox, tmp_path: Path, collections_path: Path, direct: bool) -> Ansible:
    """Ansible with many customers and slow calls."""
    crowd.set_fault("writes", "delay", seconds=0.2, times="forever")
    return Ansible(crowd, tmp_path, collections_path, **DEMO, defaults={}, direct=direct)


def to_main(process: Forked, number: int) -> None:
    process.send_signal(number)


def to_all(process: Forked, number: int) -> None:
    """As a terminal does it."""
    os.killpg(process.pid, number)


def still_running(folder: Path) -> list[int]:
    """Processes that were started for a run in `folder`: they work there, or have it in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
                works_there = (entry / "cwd").resolve() == folder
                state = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if (works_there or os.fsencode(f"STEPS_FILE={folder}/") in environment) and state != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system does not show the processes of a run")
@pytest.mark.parametrize(
    ("send", "number"),
    [(to_main, signal.SIGINT), (to_all, signal.SIGINT), (to_main, signal.SIGTERM)],
    ids=["SIGINT", "SIGINT of a terminal", "SIGTERM"],
)
def test_an_interrupted_run_ends_soon_and_half_does_nothing(
    slow: Ansible, crowd: Sandbox, send: Any, number: int
) -> None:
    concurrency = 4
    rows = moved(150, active=False)
    process = slow.start([task(MODULE, {"customers": rows, "concurrency": concurrency})])
    try:
        deadline = time.monotonic() + PATIENCE
        while len(crowd.log()) < 13 and time.monotonic() < deadline and process.poll() is None:
            pass
        assert still_running(slow.folder)
        send(process, number)
        calls = len(crowd.log())
        output, _errors = process.communicate(timeout=PATIENCE)
        while still_running(slow.folder) and time.monotonic() < deadline:
            pass
        assert still_running(slow.folder) == []
    finally:
        process.kill()
        process.communicate()

    assert calls >= 13, output
    # Those that were under way, and those that began before the signal arrived.
    assert len(crowd.log()) <= calls + 3 * concurrency, output
    customers = crowd.customers()
    half = [name for name in NAMES if not customers[name]["active"] and customers[name]["city"] != "Bangor"]
    assert len(half) <= concurrency
    untouched = [name for name in NAMES[:150] if customers[name]["active"]]
    assert len(untouched) >= 100
    if slow.direct:
        # The report on the console: what was done, though Ansible does not show the result any more.
        assert "reseller_customers: " in output and "customers were not reached, because of the signal" in output
    crowd.control("DELETE", "faults")
    finished = converge(crowd, rows)
    assert finished["summary"]["failed"] == finished["summary"]["not_reached"] == 0
    assert len(half) + len(untouched) == finished["summary"]["updated"]
