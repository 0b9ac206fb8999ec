# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation under every fault, against the sandbox: what came of it is what the guide's table says.

The tasks run in this process, which costs milliseconds; the socket and the service are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import api as v2
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3 import api as v3

from .conftest import ACCOUNT, PASSWORD, connection
from .running import ROOT, SUBUSERS, Sandbox
from .test_customer import NEW

GUIDE = ROOT / "docs" / "docsite" / "rst" / "network_failures.rst"
NEW_PASSWORD = "canary-new-word-4711"
RETRIES = 2
RESELLER = "reseller"

# What makes a fault quick, or slow enough, for a test. Sizes are seen with a ceiling of 1 MiB.
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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses and a low ceiling: what is tested is what comes of a fault, not how long it takes."""
    monkeypatch.setattr(_rate_limit, "FIRST_PAUSE", 0.001)
    for calls in (v2.CALLS, v3.CALLS):
        monkeypatch.setitem(calls, "list", replace(calls["list"], largest=1024 * 1024))  # type: ignore[type-var]
    yield


def all_options(sandbox: Sandbox, options: dict[str, Any], way: str = "json", **more: Any) -> dict[str, Any]:
    """The options of reseller_customer as the module has them, with defaults for those left out.

    `way`: `subusers` for API v3, or the format of API v2. `more`: options of the connection.
    """
    defaults = {name: option.get("default") for name, option in _module.customer_spec().items()}
    patient = {"timeout": 30, "retries": RETRIES, "max_retry_wait": 30}
    service = connection(sandbox, SUBUSERS) if way == SUBUSERS else {**connection(sandbox, RESELLER), "api_format": way}
    return {**defaults, **service, **patient, **more, **options}


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


def assert_no_secret(result: dict[str, Any]) -> None:
    # The name, not only the value: an escaped secret would not be found otherwise.
    text = json.dumps(result, ensure_ascii=False)
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
        # That there is no such customer, the status says.
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

    # Whatever came of it, the next run finishes the work, and the one after that has nothing to do.
    finished = run(sandbox, case.options, way)
    assert "failed" not in finished, finished["msg"]
    assert is_as_wanted(sandbox, case)
    if not hides(sandbox, way, case):
        assert finished["changed"] is (expected == "failed")
        assert run(sandbox, case.options, way)["changed"] is False
    created = [call for call in sandbox.log() if call["operation"] == "create" and call["wrote"]]
    assert len(created) == (1 if case.user == NEW["username"] else 0)
