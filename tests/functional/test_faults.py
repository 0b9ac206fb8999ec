# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation with every fault, for one customer and for one of a fleet: the outcome matches the guide.

The tasks run in this process, which costs milliseconds; the socket and the service, which is the sandbox, are real.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Union
from urllib.parse import unquote, urlsplit

import pytest
import requests
import urllib3
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet, _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import failures as _failures
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import api as v2
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3 import api as v3

from .conftest import ACCOUNT, PASSWORD, connection, only_observed
from .running import ROOT, SUBUSERS, Sandbox
from .sandbox_v3 import V3_KEY
from .test_customer import NEW

GUIDE = ROOT / "docs" / "docsite" / "rst" / "network_failures.rst"
NEW_PASSWORD = "canary-new-word-4711"
RETRIES = 2
RESELLER = "reseller"

# Settings that make a fault quick, or slow enough, for a test. The maximum size of an answer is 1 MiB.
SETTINGS: dict[str, dict[str, Any]] = {
    "stall": {"seconds": 5},
    "drip": {"seconds": 0.2},
    "delay": {"seconds": 0.05},
    "huge": {"mebibytes": 3},
    "huge-gzip": {"mebibytes": 3},
    "unavailable": {"seconds": 0},
    "rate-limit": {"seconds": 0},
    "rate-limit-reset": {"seconds": 0},
}
# A server that is silent is given up soon; with all other faults, time must not matter on a busy machine.
SILENT = {"stall": {"timeout": 0.3}, "drip": {"timeout": 0.3, "max_retry_wait": 0.3}}


@dataclass(frozen=True)
class Case:
    """A task whose one write is `operation`. `user`: the customer's name afterwards. `stored`: what it then holds."""

    operation: str
    kind: str
    options: dict[str, Any]
    stored: dict[str, Any] | None = field(default_factory=dict)
    user: str = "ada@example.com"


ADA = {"username": "ada@example.com"}
BEN = {"username": "ben@example.com"}
CASES = [
    Case("create", "decided", {**NEW, "password": NEW_PASSWORD}, {"city": "Ålborg"}, "dora@example.com"),
    Case("delete", "decided", {**ADA, "state": "absent"}, None),
    Case("rename", "decided", {**ADA, "new_username": "ada.new@example.com"}, {}, "ada.new@example.com"),
    Case("set_email", "safe", {**ADA, "email": "office@example.com"}, {"email": "office@example.com"}),
    Case("set_profile", "safe", {**ADA, "city": "Bangor"}, {"city": "Bangor"}),
    Case("set_password", "safe", {**ADA, "password": NEW_PASSWORD, "update_password": "always"}),
    Case("enable", "safe", {**BEN, "active": True}, {"active": True}, "ben@example.com"),
    Case("disable", "safe", {**ADA, "active": False}, {"active": False}),
    Case("enable_website", "safe", {**BEN, "website_access": True}, {"website_access": True}, "ben@example.com"),
    Case("disable_website", "safe", {**ADA, "website_access": False}, {"website_access": False}),
    Case("list", "reading", {**ADA, "city": "Bangor"}, {"city": "Bangor"}),
    Case("check_password", "reading", {**ADA, "password": NEW_PASSWORD, "update_password": "always"}),
]

# What a creation through API v3 is alone: the profile is another operation. What closes a door opens it, too.
BARE = {"username": NEW["username"], "email": NEW["email"], "password": NEW_PASSWORD}
CASES_IN_V3 = [
    Case("create", "decided", BARE, {"email": NEW["email"]}, NEW["username"]),
    *(case for case in CASES if "password" not in case.options and not case.operation.startswith("enable")),
    Case("get", "reading", BARE, {"email": NEW["email"]}, NEW["username"]),
    Case("get_username", "reading", {**ADA, "city": "Bangor"}, {"city": "Bangor"}),
    Case("get_profile", "reading", {**ADA, "city": "Bangor"}, {"city": "Bangor"}),
]
COLUMNS = [(kind, times) for kind in ("reading", "safe", "decided") for times in ("once", "for ever")]


def guide_table() -> dict[tuple[str, str, str], str]:
    """(fault, kind of operation, times) -> outcome, as the guide has it."""
    table: dict[tuple[str, str, str], str] = {}
    for row in GUIDE.read_text(encoding="utf-8").split("   * - ")[2:]:
        fault, _what, *outcomes = [line.strip().removeprefix("- ") for line in row.split("\n\n")[0].splitlines()]
        for (kind, times), outcome in zip(COLUMNS, outcomes, strict=True):
            table[fault.strip("`"), kind, times] = outcome
    return table


TABLE = guide_table()
FAULTS = sorted({fault for fault, _kind, _times in TABLE})


def with_ceiling(call: Any, size: int) -> Any:
    """A call of either API, one a named tuple and one a data class, whose answer may have so many bytes."""
    return call._replace(largest=size) if isinstance(call, tuple) else replace(call, largest=size)


AN_INSTANT = 0.02
reset_wait = _rate_limit.reset_wait


def shortened(seconds: float | None) -> float | None:
    """A wait for the end of a window, which a header tells in whole seconds."""
    return None if seconds is None else min(seconds, AN_INSTANT)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses and a low ceiling: what is tested is what comes of a fault, not how long it takes."""
    monkeypatch.setattr(_rate_limit, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(_rate_limit, "_CLOCK_STEP", AN_INSTANT)
    for module in (_rate_limit, _failures):
        monkeypatch.setattr(module, "reset_wait", lambda headers: shortened(reset_wait(headers)))
    for calls in (v2.CALLS, v3.CALLS):
        monkeypatch.setitem(calls, "list", with_ceiling(calls["list"], 1024 * 1024))
    yield


def all_options(sandbox: Sandbox, options: dict[str, Any], way: str = "json", **more: Any) -> dict[str, Any]:
    """The options of reseller_customer as the module has them, with defaults for those left out.

    `way`: `subusers` for API v3, or the format of API v2. `more`: options of the connection.
    """
    return {**defaults_of(_module.customer_spec()), **service(sandbox, way), **more, **options}


def fleet_options(sandbox: Sandbox, rows: list[dict[str, Any]], way: str = "json", **more: Any) -> dict[str, Any]:
    """The same of reseller_customers. `more`: options of the connection and of the fleet."""
    spec = _module.fleet_spec()
    row = defaults_of(spec["customers"]["options"])
    customers = [{**row, **options} for options in rows]
    return {**defaults_of(spec), **service(sandbox, way), **more, "customers": customers}


def defaults_of(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: option.get("default") for name, option in spec.items()}


def service(sandbox: Sandbox, way: str) -> dict[str, Any]:
    """The options of a patient connection. `way` as for `all_options`."""
    patient = {"timeout": 30, "retries": RETRIES, "max_retry_wait": 30}
    if way == SUBUSERS:
        return {**connection(sandbox, SUBUSERS), **patient}
    return {**connection(sandbox, RESELLER), "api_format": way, **patient}


def run(sandbox: Sandbox, options: dict[str, Any], way: str = "json", **more: Any) -> dict[str, Any]:
    """The result of reseller_customer. `way` and `more` as for `all_options`."""
    wanted = all_options(sandbox, options, way, **more)
    return _module.run_task(_tasks.manage_customer, wanted, False)


def is_as_wanted(sandbox: Sandbox, case: Case) -> bool:
    """Whether the service holds what the task asks for."""
    customers = sandbox.customers()
    names = {case.options["username"], case.user} & set(customers)
    if case.stored is None:
        return not names
    if names != {case.user} or not case.stored.items() <= customers[case.user].items():
        return False
    return "update_password" not in case.options or has_password(sandbox, case.user, NEW_PASSWORD)


def has_password(sandbox: Sandbox, user: str, password: str) -> bool:
    """Asked of the service itself, without the collection."""
    answer = sandbox.http.post(
        f"{sandbox.api_url}/reseller.manage.json",
        data={**ACCOUNT, "method": "auth", "user": user, "password": password},
        timeout=30,
    )
    return answer.json() == {"message": "success"}


def assert_no_secret(result: Any) -> None:
    # The name, not only the value: an escaped secret would not be found otherwise.
    text = json.dumps(result, ensure_ascii=False)
    assert V3_KEY not in text
    assert "canary" not in text
    assert ACCOUNT["api_key"] not in text
    assert "token" not in text
    assert PASSWORD not in text


def hides(sandbox: Sandbox, way: str, case: Case) -> bool:
    """Whether this server never shows what the operation writes."""
    return case.operation.endswith("_website") and (sandbox.behaviour == "documented" or way == SUBUSERS)


PAIRS = (("observed", "json"), ("documented", "xml"))
PAIRS_IN_V3 = (("observed", SUBUSERS), ("documented", SUBUSERS))


def combinations(cases: list[Case], pairs: tuple[tuple[str, str], ...], prefix: str = "") -> list[Any]:
    """Each operation under each fault, once and for ever; the two behaviours, each with a format, take turns."""
    return [
        pytest.param(
            *pairs[(row + column + turn) % 2], case, fault, times, id=f"{prefix}{case.operation}-{fault}-{times}"
        )
        for row, case in enumerate(cases)
        for column, fault in enumerate(FAULTS)
        for turn, times in enumerate(("once", "for ever"))
    ]


@pytest.mark.parametrize(
    ("sandbox", "way", "case", "fault", "times"),
    [*combinations(CASES, PAIRS), *combinations(CASES_IN_V3, PAIRS_IN_V3, f"{SUBUSERS}-")],
    indirect=["sandbox"],
)
def test_matrix(sandbox: Sandbox, way: str, case: Case, fault: str, times: str) -> None:
    expected = TABLE[fault, case.kind, times]
    if (case.operation, fault) == ("get", "dtd"):
        # The status means that the customer does not exist.
        expected = "done"
    settings = SETTINGS.get(fault, {})
    sandbox.set_fault(case.operation, fault, times=1 if times == "once" else "forever", **settings)
    result = run(sandbox, case.options, way, **SILENT.get(fault, {}))
    sandbox.control("DELETE", "faults")

    statuses = {operation["name"]: operation["status"] for operation in result.get("operations", [])}
    lost_for_good = hides(sandbox, way, case) and statuses.get(case.operation) == "unknown"
    if lost_for_good:
        assert times == "for ever" or fault.startswith(("html", "huge", "drip", "redirect")), fault
        assert result["failed"] is True
    elif expected == "done":
        assert "failed" not in result, result["msg"]
        assert set(statuses.values()) == {"applied"}
        assert result["changed"] is True
        assert is_as_wanted(sandbox, case)
    else:
        assert result["failed"] is True
        assert result["changed"] is False
        assert statuses in ({}, {case.operation: "failed"})
        assert "Could not" in result["msg"]
        assert not is_as_wanted(sandbox, case)
    assert_no_secret(result)

    # In each case, the next run finishes the work, and the run after that changes nothing.
    finished = run(sandbox, case.options, way)
    assert "failed" not in finished, finished["msg"]
    assert is_as_wanted(sandbox, case)
    if not hides(sandbox, way, case):
        assert finished["changed"] is (expected == "failed")
        assert run(sandbox, case.options, way)["changed"] is False
    created = [call for call in sandbox.log() if call["operation"] == "create" and call["wrote"]]
    assert len(created) == (1 if case.user == NEW["username"] else 0)


# Fleets


def faults_that_end_a_fleet() -> set[str]:
    """Those that the guide names."""
    [sentence] = re.findall(r"Of the faults in the table, (.+?) end it", " ".join(GUIDE.read_text().split()))
    return set(re.findall(r"``([a-z-]+)``", sentence))


ENDS_A_FLEET = faults_that_end_a_fleet()
CLEO = {"username": "cleo@example.com"}
# Beside the customer of the case stands one with another write, on which no call is made on its behalf.
OTHERS = {"disable": ("enable", {**BEN, "active": True})}
OTHER = ("disable", {**CLEO, "active": False})


class Heard(_fleet.Progress):
    """The progress of a run."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_looked_up(self, done: int, total: int) -> None:
        self.told.append(("looked up", done, total))

    def on_progress(self, done: int, failed: int, total: int) -> None:
        self.told.append(("done", done, failed, total))

    def on_cancelled(self, report: str) -> None:
        self.told.append(("cancelled", report))


def run_fleet(
    sandbox: Sandbox, rows: list[dict[str, Any]], way: str = SUBUSERS, http: Any = None, **more: Any
) -> dict[str, Any]:
    """The result of reseller_customers, one call at a time, so that the first customer is done before the next.

    `http`: what sends the calls. `more`: as for `fleet_options`.
    """
    heard = Heard()
    wanted = fleet_options(sandbox, rows, way, **{"concurrency": 1, **more})
    result = _module.run_task(
        lambda options, check_mode, connect: _fleet.manage_fleet(options, check_mode, connect, heard),
        wanted,
        False,
        lambda connection, secrets, names: Client(connection, secrets, names, http=http),
    )
    assert_no_secret([result, heard.told])
    return result


def assert_honest(result: dict[str, Any], calls: list[dict[str, Any]], customers: int) -> None:
    """The result says what the service's log says, and counts every customer once."""
    told = {
        (item["username"], operation["name"]): operation["status"]
        for item in result.get("results", [])
        for operation in item["operations"]
    }
    wrote = {(call["user"], call["operation"]) for call in calls if call["wrote"]}
    applied = {one for one, status in told.items() if status == "applied"}
    assert applied <= wrote <= applied | {one for one, status in told.items() if status == "unknown"}
    assert result["changed"] is bool(applied)
    if "summary" not in result:
        assert result["failed"] is True and not any(call["attempted_write"] for call in calls)
        return
    assert sum(result["summary"].values()) == customers
    kinds = Counter("failed" for item in result["results"] if item["failed"])
    assert result["summary"]["failed"] == kinds["failed"]
    assert result.get("failed", False) is (result["summary"]["failed"] + result["summary"]["not_reached"] > 0)
    made = Counter(call["user"] for call in calls if call["operation"] == "create" and call["wrote"])
    assert max(made.values(), default=0) <= 1


def fleet_combinations(cases: list[Case], pairs: tuple[tuple[str, str], ...], prefix: str) -> list[Any]:
    """As `combinations`; fleets with and without purge take turns, and so do the values of `on_error`."""
    return [
        pytest.param(*found.values, on_error, purge, id=str(found.id))
        for number, found in enumerate(combinations(cases, pairs, prefix))
        for on_error, purge in [(("continue", "stop")[number // 4 % 2], number // 2 % 2 == 1)]
    ]


@pytest.mark.parametrize(
    ("sandbox", "way", "case", "fault", "times", "on_error", "purge"),
    [
        *fleet_combinations(CASES, PAIRS, ""),
        *fleet_combinations(CASES_IN_V3, PAIRS_IN_V3, f"{SUBUSERS}-"),
    ],
    indirect=["sandbox"],
)
def test_matrix_of_fleets(
    sandbox: Sandbox, way: str, case: Case, fault: str, times: str, on_error: str, purge: bool
) -> None:
    """One customer meets the fault, and another customer needs another write. The rest is left alone or purged."""
    operation, other = OTHERS.get(case.operation, OTHER)
    rest = sandbox.customers().keys() - {case.options["username"], other["username"], "nora@example.com"}
    rows = [case.options, other, *({"username": name} for name in sorted(rest) if not purge)]
    settings = {"on_error": on_error, "purge": purge, "max_deletions": len(rest) if purge else None}
    expected = TABLE[fault, case.kind, times]
    if (case.operation, fault) == ("get", "dtd"):
        expected = "done"
    sandbox.set_fault(case.operation, fault, times=1 if times == "once" else "forever", **SETTINGS.get(fault, {}))
    result = run_fleet(sandbox, rows, way, **settings, **SILENT.get(fault, {}))
    sandbox.control("DELETE", "faults")
    calls, customers = sandbox.log(), sandbox.customers()

    assert_honest(result, calls, len(rows) + len(rest) * purge)
    items = {item["username"]: item for item in result.get("results", [])}
    first = items.get(case.options["username"], {})
    statuses = {one["name"]: one["status"] for one in first.get("operations", [])}
    lost_for_good = hides(sandbox, way, case) and statuses.get(case.operation) == "unknown"
    if lost_for_good:
        assert times == "for ever" or fault.startswith(("html", "huge", "drip", "redirect")), fault
    elif expected == "done":
        assert "failed" not in result, result["msg"]
        assert set(statuses.values()) == {"applied"}
        assert is_as_wanted(sandbox, case)
    else:
        assert statuses in ({}, {case.operation: "failed"})
        assert "Could not" in result["msg"]
        assert not is_as_wanted(sandbox, case)
    if case.operation == "list" and expected == "failed":
        assert items == {}
    elif expected == "failed" or lost_for_good:
        assert first["failed"] is True
        # Nothing is deleted if there is an error, and the customers that are kept for this reason are counted.
        ends = on_error == "stop" or fault in ENDS_A_FLEET
        assert rest <= customers.keys()
        assert result["summary"]["not_reached"] == len(rest) * purge + (other["username"] not in items)
        assert (other["username"] in items) is not ends
    else:
        assert bool(rest & customers.keys()) is not purge
    if other["username"] in items:
        assert items[other["username"]]["operations"] == [{"name": operation, "status": "applied"}]

    finished = run_fleet(sandbox, rows, way, **settings)
    assert "failed" not in finished, finished["msg"]
    assert is_as_wanted(sandbox, case)
    assert sandbox.customers()[other["username"]]["active"] is other["active"]
    assert bool(rest & sandbox.customers().keys()) is not purge
    assert_honest(finished, sandbox.log(len(calls)), len(rows) + len(rest & customers.keys()) * purge)
    created = [call["user"] for call in sandbox.log() if call["operation"] == "create" and call["wrote"]]
    assert created == ([case.user] if case.user == NEW["username"] else [])


@only_observed
@pytest.mark.parametrize(
    ("fault", "times", "purge"),
    [
        pytest.param(fault, times, (number + turn) % 2 == 1, id=f"{fault}-{times}")
        for number, fault in enumerate([*FAULTS, "empty"])
        for turn, times in enumerate(("once", "for ever"))
    ],
)
def test_a_page_that_is_not_the_first_one(sandbox: Sandbox, fault: str, times: str, purge: bool) -> None:
    """An incomplete list is not used: it neither creates nor deletes a customer."""
    # An empty body is not a page.
    expected = TABLE["garbage" if fault == "empty" else fault, "reading", times]
    sandbox.switch(page_ceiling=1)
    count = 1 if times == "once" else "forever"
    sandbox.set_fault("list", fault, nth=2, times=count, **SETTINGS.get(fault, {}))
    rows = [BARE, {**CLEO, "active": False}, BEN, *([] if purge else [ADA])]
    settings = {"purge": purge, "max_deletions": 1 if purge else None}
    result = run_fleet(sandbox, rows, **settings, **SILENT.get(fault, {}))

    wrote = Counter(call["operation"] for call in sandbox.log() if call["attempted_write"])
    if expected == "failed":
        assert "Could not list customers" in result["msg"]
        assert (result["failed"], result["changed"], wrote) == (True, False, {})
        assert all(call["operation"] == "list" for call in sandbox.log())
    else:
        assert "failed" not in result, result["msg"]
        assert wrote == {"create": 1, "disable": 1, **({"delete": 1} if purge else {})}
    assert_honest(result, sandbox.log(), len(rows) + purge)


# The verb and the path of a call, and the customer on whose behalf it is.
Aim = tuple[str, str, Union[str, None]]


class Refusing(requests.Session):
    """A session whose calls of one kind are answered with a status and an error, and without further headers.

    Such calls do not reach the service; they are in `calls`. `most`: how many there are. `after`: a call that has to be
    made before the first of them.
    """

    def __init__(self, status: int, aim: Aim, most: int | None = None, after: Aim | None = None) -> None:
        super().__init__()
        self.trust_env = False
        self._status, self._aim, self._most, self._after = status, aim, most, after
        self.calls: list[Aim] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        aim = method, unquote(urlsplit(url).path).removeprefix("/v3"), options["headers"].get("On-Behalf-Of")
        if aim != self._aim or self._after or len(self.calls) == self._most:
            self._after = None if aim == self._after else self._after
            return super().request(method, url, **options)
        self.calls.append(aim)
        body = json.dumps({"errors": [{"field": None, "message": "not for you"}]}).encode()
        answer = urllib3.HTTPResponse(io.BytesIO(body), {}, self._status, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(requests.Request(method, url).prepare(), answer)


DORA = BARE["username"]
CREATED = {**BARE, "city": "Oslo"}
CLOSED = {**CLEO, "active": False}
MOVED = {**ADA, "city": "Bangor"}
FLEET = [CREATED, CLOSED, MOVED]
SHORT = {"max_retry_wait": 0.1}


def counted(result: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in result["summary"].items() if count}


def made(result: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The operations of each customer that changed or failed, each with its status."""
    return {
        item["username"]: [(one["name"], one["status"]) for one in item["operations"]] for item in result["results"]
    }


@only_observed
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("call", "row", "expected"),
    [
        (("GET", f"/subusers/{DORA}", None), CREATED, []),
        (("POST", "/subusers", None), CREATED, [("create", "failed"), ("set_profile", "not_reached")]),
        (("DELETE", f"/subusers/{ADA['username']}", None), {**ADA, "state": "absent"}, [("delete", "failed")]),
    ],
    ids=["get", "create", "delete"],
)
def test_a_refusal_of_the_account_ends_the_run(
    sandbox: Sandbox, status: int, call: Aim, row: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    http, rows = Refusing(status, call), [row, CLOSED, BEN]
    result = run_fleet(sandbox, rows, http=http)
    assert made(result) == {row["username"]: expected}
    assert counted(result) == {"failed": 1, "not_reached": 1, "unchanged": 1}
    assert "every further call would fail in the same way" in result["msg"]
    assert len(http.calls) == 1
    assert [one for one in sandbox.log() if one["attempted_write"]] == []
    assert_honest(result, sandbox.log(), 3)
    assert "failed" not in run_fleet(sandbox, rows)


@only_observed
def test_a_refused_list_costs_one_call(sandbox: Sandbox) -> None:
    for status in (401, 403):
        http = Refusing(status, ("GET", "/subusers", None))
        result = run_fleet(sandbox, [CREATED, MOVED], http=http)
        assert (result["failed"], result["changed"], len(http.calls), sandbox.log()) == (True, False, 1, [])


@only_observed
@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(
    ("verb", "path", "options", "operations"),
    [
        ("GET", "/user/username", {"city": "Bangor"}, []),
        ("GET", "/user/profile", {"city": "Bangor"}, []),
        ("PATCH", "/user/profile", {"city": "Bangor"}, [("set_profile", "failed")]),
        ("PUT", "/user/email", {"email": "a@example.com"}, [("set_email", "failed")]),
        ("PUT", "/user/username", {"new_username": "ada.new@example.com"}, [("rename", "failed")]),
    ],
)
def test_a_refusal_on_behalf_of_an_old_customer_is_its_error_alone(
    sandbox: Sandbox, status: int, verb: str, path: str, options: dict[str, Any], operations: list[tuple[str, str]]
) -> None:
    """It is not repeated, and who was there before is not waited for."""
    http = Refusing(status, (verb, path, ADA["username"]))
    result = run_fleet(sandbox, [{**ADA, **options}, CREATED, CLOSED], http=http, **SHORT)
    assert counted(result) == {"created": 1, "updated": 1, "failed": 1}
    assert made(result)[ADA["username"]] == operations
    assert len(http.calls) == 1
    assert "not for you" in result["msg"]
    assert ("needs the scope user." in result["msg"]) is (status == 403)
    assert_honest(result, sandbox.log(), 3)


@only_observed
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_on_behalf_of_a_new_customer_is_waited_for(sandbox: Sandbox, status: int) -> None:
    http = Refusing(status, ("GET", "/user/username", DORA), most=3)
    result = run_fleet(sandbox, [CREATED, CLOSED], http=http)
    assert (counted(result), len(http.calls)) == ({"created": 1, "updated": 1}, 3)

    sandbox.reset()
    http = Refusing(status, ("GET", "/user/username", DORA))
    result = run_fleet(sandbox, [CREATED, CLOSED], http=http, **SHORT)
    assert counted(result) == {"updated": 1, "failed": 1}
    assert made(result)[DORA] == [("create", "applied"), ("set_profile", "failed")]
    assert "still did not know the new customer after 0.1 s" in result["msg"]
    assert_honest(result, sandbox.log(), 2)
    finished = run_fleet(sandbox, [CREATED, CLOSED])
    assert made(finished) == {DORA: [("set_profile", "applied")]}


@only_observed
@pytest.mark.parametrize("status", [401, 403, 429])
def test_who_cannot_be_read_after_a_creation_is_not_waited_for(sandbox: Sandbox, status: int) -> None:
    """The message has the error of the account, not the slowness of the server, and the run ends."""
    http = Refusing(status, ("GET", "/subusers", None), after=("POST", "/subusers", None))
    result = run_fleet(sandbox, FLEET, http=http)
    assert made(result) == {DORA: [("create", "unknown"), ("set_profile", "not_reached")]}
    assert counted(result) == {"failed": 1, "not_reached": 2}
    assert "the server confirmed it, but the customer could not be read: the server sa" in result["msg"]
    assert "did not know" not in result["msg"]
    assert len(http.calls) == (RETRIES + 1 if status == 429 else 1)
    assert_honest(result, sandbox.log(), 3)
    assert made(run_fleet(sandbox, FLEET))[DORA] == [("set_profile", "applied")]


@only_observed
@pytest.mark.parametrize(
    "call",
    [
        ("POST", "/subusers", None),
        ("GET", "/subusers", None),
        ("GET", "/user/profile", ADA["username"]),
        ("PATCH", "/user/profile", ADA["username"]),
    ],
    ids=["create", "list", "get_profile", "set_profile"],
)
def test_too_many_requests_without_a_header(sandbox: Sandbox, call: Aim) -> None:
    http = Refusing(429, call, most=2)
    result = run_fleet(sandbox, [CREATED, MOVED, CLOSED], http=http)
    assert (counted(result), len(http.calls)) == ({"created": 1, "updated": 2}, 2)
    assert_honest(result, sandbox.log(), 3)
