# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only API v3 does, against the sandbox. The other tests of single customers run with both APIs.

Most tasks run in this process, which costs milliseconds; the socket and the service are real.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet, _info, _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import addresses
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3 import fields

from .conftest import (
    NARROW,
    connection,
    in_shared_playbook,
    only_direct,
    only_documented,
    only_observed,
    only_v3,
)
from .running import MODULES, SUBUSERS, Run, Sandbox, task
from .sandbox_v3 import NARROW_V3_KEY, PARENT, V3_KEY
from .test_customer import NEW, suits
from .test_faults import all_options, assert_no_secret
from .test_faults import run as run_any

MODULE = "reseller_customer"
ADA, BEN, CLEO, DORA = "ada@example.com", "ben@example.com", "cleo@example.com", "dora@example.com"
BARE = {name: NEW[name] for name in ("username", "email", "password")}
FULL = suits(SUBUSERS, NEW)
CLOSED = {**FULL, "active": False, "website_access": False, "update_website_access": "on_create"}
READS = {"list", "get", "get_username", "get_profile"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses: what is tested is what comes of a wait, not how long it takes."""
    monkeypatch.setattr(rate_limit, "FIRST_PAUSE", 0.001)


def run(sandbox: Sandbox, options: dict[str, Any], check_mode: bool = False, **more: Any) -> dict[str, Any]:
    """The result of reseller_customer through API v3."""
    result = _module.run_task(_tasks.manage_customer, all_options(sandbox, options, SUBUSERS, **more), check_mode)
    assert_no_secret(result)
    return result


def info(sandbox: Sandbox, **options: Any) -> dict[str, Any]:
    """The result of reseller_customer_info through API v3."""
    defaults = {name: option.get("default") for name, option in _module.info_spec().items()}
    given = {**defaults, **connection(sandbox, SUBUSERS), **options}
    return _module.run_task(_info.customer_info, given, False)


def calls_of(sandbox: Sandbox) -> list[str]:
    """The operations that were called since the last question."""
    found = [call["operation"] for call in sandbox.log()]
    sandbox.control("DELETE", "log")
    return found


def done(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(operation["name"], operation["status"]) for operation in result.get("operations", [])]


def seed_eu(sandbox: Sandbox, username: str = "eva@example.com") -> str:
    """A customer whose data reside in the EU."""
    body = {**BARE, "username": username, "region": "eu"}
    answer = sandbox.http.post(
        f"{sandbox.v3_url}/subusers", json=body, headers={"Authorization": f"Bearer {V3_KEY}"}, timeout=30
    )
    assert answer.ok, answer.text
    sandbox.control("DELETE", "log")
    return username


# Calls


CONVERGED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "without a profile": ({"username": ADA, "email": ADA, "active": True}, ["list"]),
    "with a profile": (
        {"username": ADA, "city": "Portland", "company": "Lighthouse Books", "zip": "04101"},
        ["list", "get_username", "get_profile"],
    ),
    "a profile that is left alone": ({"username": ADA, "city": "Bangor", "update_profile": "on_create"}, ["list"]),
    "a password that cannot be compared": ({"username": ADA, "password": "short"}, ["list"]),
    "hidden website access": (
        {"username": ADA, "website_access": False, "update_website_access": "on_create"},
        ["list"],
    ),
    "absent": ({"username": DORA, "state": "absent"}, ["list", "get"]),
}


@pytest.mark.parametrize(("options", "calls"), CONVERGED.values(), ids=CONVERGED)
def test_what_a_converged_customer_costs(sandbox: Sandbox, options: dict[str, Any], calls: list[str]) -> None:
    for check_mode in (True, False):
        result = run(sandbox, options, check_mode)
        assert (result["changed"], done(result)) == (False, [])
        assert calls_of(sandbox) == calls


WRITES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    # What it writes, and the reads before that; then comes what shows the customer as it is now.
    "create, close the doors, then the profile": (
        CLOSED,
        ["list", "get"],
        ["create", "disable", "disable_website", "set_profile"],
    ),
    "profile": ({"username": ADA, "city": "Bangor"}, ["list", "get_username", "get_profile"], ["set_profile"]),
    "e-mail": ({"username": ADA, "email": "office@example.com"}, ["list"], ["set_email"]),
    "switch": ({"username": ADA, "active": False}, ["list"], ["disable"]),
    "rename": ({"username": ADA, "new_username": "ada.new@example.com"}, ["list", "list", "get"], ["rename"]),
    "delete": ({"username": ADA, "state": "absent"}, ["list"], ["delete"]),
    "everything": (
        {"username": BEN, "new_username": "ben.new@example.com", "active": True, "email": "b@example.com", "zip": "1"},
        ["list", "list", "get", "get_username", "get_profile"],
        ["rename", "set_email", "set_profile", "enable"],
    ),
}


@pytest.mark.parametrize(("options", "reads", "writes"), WRITES.values(), ids=WRITES)
def test_the_order_of_calls(sandbox: Sandbox, options: dict[str, Any], reads: list[str], writes: list[str]) -> None:
    expected = run(sandbox, options, True)
    assert done(expected) == [(name, "planned") for name in writes]
    assert calls_of(sandbox) == reads
    result = run(sandbox, options)
    assert done(result) == [(name, "applied") for name in writes]
    assert (result["diff"], result["customer"]) == (expected["diff"], expected["customer"])
    log = sandbox.log()
    calls = calls_of(sandbox)
    assert calls[: len(reads)] == reads
    assert [name for name in calls if name not in READS] == writes
    # Nothing is written on behalf of a customer that was not seen as itself before.
    on_behalf = [call for call in log if call["on_behalf_of"]]
    assert {call["route"] for call in on_behalf} <= {"/v3/user/username", "/v3/user/email", "/v3/user/profile"}
    written = [number for number, call in enumerate(on_behalf) if call["attempted_write"]]
    for name in {on_behalf[number]["on_behalf_of"] for number in written}:
        mine = [call["operation"] for call in on_behalf if call["on_behalf_of"] == name]
        assert mine[0] == "get_username"
    again = run(sandbox, options)
    assert again["changed"] is False
    assert set(calls_of(sandbox)) <= READS


def test_what_a_new_customer_is(sandbox: Sandbox) -> None:
    result = run(sandbox, BARE)
    customer = result["customer"]
    assert (customer["email"], customer["active"], customer["website_access"]) == (BARE["email"], True, None)
    # Not asked for, so not read.
    assert customer["city"] is None
    assert "password" not in result["diff"]["before"]
    assert result["diff"]["after"]["password"] == "********"
    result = run(sandbox, {"username": DORA, "city": "", "phone": ""})
    # It was never set: null, missing or an empty text.
    assert result["changed"] is False
    assert (result["customer"]["city"], result["customer"]["phone"]) == ("", "")
    result = run(sandbox, {**BARE, "first_name": "Dora", "update_profile": "on_create"})
    assert result["changed"] is False


def test_a_customer_can_be_fed_back(sandbox: Sandbox) -> None:
    customer = run(sandbox, CLOSED)["customer"]
    result = run(sandbox, customer)
    assert (result["changed"], result["customer"]) == (False, customer)


@pytest.mark.parametrize("way", ["json", SUBUSERS])
def test_update_profile_on_create(sandbox: Sandbox, way: str) -> None:
    """The profile of a customer that exists is not written, and with API v3 not read either; a new one gets it."""
    options = {"username": ADA, "city": "Bangor", "company": "Other", "active": False, "update_profile": "on_create"}
    result = run_any(sandbox, options, way)
    assert done(result) == [("disable", "applied")]
    calls = calls_of(sandbox)
    assert "set_profile" not in calls and "get_profile" not in calls
    stored = sandbox.customers()[ADA]
    assert (stored["city"], stored["company"]) == ("Portland", "Lighthouse Books")
    assert run_any(sandbox, options, way)["changed"] is False
    fresh = {**suits(way, NEW), "update_profile": "on_create"}
    assert run_any(sandbox, fresh, way)["changed"] is True
    stored = sandbox.customers()[DORA]
    assert (stored["city"], stored["company"]) == (NEW["city"], NEW["company"])
    assert run_any(sandbox, {**fresh, "city": "Elsewhere"}, way)["changed"] is False


@in_shared_playbook(
    lambda: [
        {
            "name": "Read several",
            MODULES + MODULE: {"username": "{{ item }}", "city": "Portland"},
            "loop": [ADA, BEN, CLEO],
        },
        {
            "name": "Write several",
            MODULES + MODULE: {"username": "{{ item }}", "city": "Bangor"},
            "loop": [ADA, BEN, CLEO],
        },
    ]
)
@only_v3
@only_direct
@only_observed
def test_a_loop_asks_once_whether_the_header_is_heard(played: Run) -> None:
    """Before reads, that is; before the first write on behalf of a customer, that customer is asked for."""
    read, written = ([call for call in step.calls if call["operation"] != "list"] for step in played.steps)
    assert [call["operation"] for call in read] == ["get_username", *["get_profile"] * 3]
    asked = [call["on_behalf_of"] for call in written if call["operation"] == "get_username"]
    # The first customer twice: before its read, and before its write.
    assert asked == [ADA, ADA, BEN, CLEO]
    assert [customer["city"] for customer in played.customers.values() if "nora" not in customer["username"]] == [
        "Bangor"
    ] * 3


# Calls on behalf of a customer


ON_BEHALF: dict[str, dict[str, Any]] = {
    "profile": {"username": ADA, "city": "Bangor"},
    "e-mail": {"username": ADA, "email": "office@example.com"},
    "rename": {"username": ADA, "new_username": "ada.new@example.com"},
    "create": {**BARE, "city": "Bangor"},
}


@pytest.mark.parametrize("options", ON_BEHALF.values(), ids=ON_BEHALF)
def test_a_header_that_is_not_heard_changes_nothing(sandbox: Sandbox, options: dict[str, Any]) -> None:
    """The same calls would rename, re-mail or re-profile the parent account."""
    parent, customers = sandbox.account(), sandbox.customers()
    assert PARENT.items() <= parent.items()
    sandbox.switch(ignore_on_behalf_of="always")
    result = run(sandbox, options)
    assert result["failed"] is True
    assert f"the server answers a call on behalf of customer '{options['username']}' (id " in result["msg"]
    assert "as 'acme' (id " in result["msg"]
    assert "Nothing was written, because the call would be about another account." in result["msg"]
    assert "On-Behalf-Of" in result["msg"]
    assert not {"set_profile", "set_email", "rename"} & set(calls_of(sandbox))
    assert sandbox.account() == parent
    assert {name: stored for name, stored in sandbox.customers().items() if name != DORA} == customers


def test_info_believes_no_profile_of_the_parent(sandbox: Sandbox) -> None:
    sandbox.switch(ignore_on_behalf_of="always")
    result = info(sandbox, details=["profile"])
    assert result["failed"] is True
    assert "as 'acme' (id " in result["msg"]
    assert "Parent" not in json.dumps(result)
    # Without the profile, nothing is read on behalf.
    assert info(sandbox)["count"] == 3


def test_a_server_that_hears_no_lower_case_hears_the_header(sandbox: Sandbox) -> None:
    sandbox.switch(ignore_on_behalf_of="lower-case")
    parent = sandbox.account()
    assert done(run(sandbox, {"username": ADA, "city": "Bangor"})) == [("set_profile", "applied")]
    assert sandbox.account() == parent
    assert sandbox.customers()[ADA]["city"] == "Bangor"


# Lists


def test_disabled_customers_that_lists_hide(sandbox: Sandbox) -> None:
    sandbox.switch(hide_disabled=True)
    assert [customer["username"] for customer in info(sandbox)["customers"]] == [ADA, CLEO]
    calls_of(sandbox)
    # Not created a second time.
    result = run(sandbox, {**BARE, "username": BEN, "email": BEN})
    assert (result["changed"], result["customer"]["active"], calls_of(sandbox)) == (False, False, ["list", "get"])
    assert done(run(sandbox, {"username": BEN, "city": "Bangor"})) == [("set_profile", "applied")]
    # Nor is another one given its name.
    message = run(sandbox, {"username": ADA, "new_username": BEN})["msg"]
    assert f"both '{ADA}' and '{BEN}' exist" in message
    result = run(sandbox, {"username": BEN, "new_username": "ben.new@example.com"})
    assert done(result) == [("rename", "applied")]
    result = run(sandbox, {"username": "ben.new@example.com", "state": "absent"})
    assert (done(result), result["customer"]) == ([("delete", "applied")], None)
    assert "ben.new@example.com" not in sandbox.customers()


def test_who_is_disabled_stays_in_sight_of_the_task(sandbox: Sandbox) -> None:
    """The list hides a customer as soon as it is disabled."""
    sandbox.switch(hide_disabled=True)
    result = run(sandbox, {"username": ADA, "active": False, "city": "Bangor"})
    assert done(result) == [("disable", "applied"), ("set_profile", "applied")]
    assert result["customer"]["active"] is False
    assert "warnings" not in result or result["warnings"] == []
    result = run(sandbox, CLOSED)
    assert done(result) == [(name, "applied") for name in ("create", "disable", "disable_website", "set_profile")]
    assert run(sandbox, CLOSED)["changed"] is False


@pytest.mark.parametrize("ceiling", [1, 2])
def test_a_page_ceiling_below_what_was_asked_for(sandbox: Sandbox, ceiling: int) -> None:
    sandbox.switch(page_ceiling=ceiling)
    result = info(sandbox)
    assert [customer["username"] for customer in result["customers"]] == [ADA, BEN, CLEO]
    assert calls_of(sandbox) == ["list"] * (-(-3 // ceiling) + 1)
    # Found on a later page of those that begin alike.
    for name in ("c", "cl", "cleo"):
        run(sandbox, {**BARE, "username": name})
    sandbox.control("DELETE", "log")
    assert run(sandbox, {"username": "cleo", "active": True})["changed"] is False
    assert run(sandbox, {"username": "c", "state": "absent"})["changed"] is True
    assert {"cl", "cleo", CLEO} <= set(sandbox.customers())


# A new customer


def test_a_new_customer_that_the_server_shows_late_is_waited_for(sandbox: Sandbox) -> None:
    for options, calls in ((BARE, 3), (CLOSED, 5)):
        sandbox.reset()
        sandbox.set_fault("create", "lag", calls=calls)
        result = run(sandbox, options)
        assert "failed" not in result, result["msg"]
        assert {status for _name, status in done(result)} == {"applied"}
        assert result["warnings"] == []
        assert run(sandbox, options)["changed"] is False


def test_a_new_customer_that_never_shows_is_unknown(sandbox: Sandbox) -> None:
    for options, further in ((BARE, []), (CLOSED, ["disable", "disable_website", "set_profile"])):
        sandbox.reset()
        sandbox.set_fault("create", "lag", calls=0, seconds=3600)
        result = run(sandbox, options, max_retry_wait=0.05)
        assert result["failed"] is True
        assert done(result) == [("create", "unknown"), *((name, "not_reached") for name in further)]
        assert "no read shows the customer" in result["msg"]
        assert "after 0.05 s of waiting (max_retry_wait)" in result["msg"]
        assert "Whether it took effect is unknown: create." in result["msg"]
        assert calls_of(sandbox).count("create") == 1


def test_a_creation_without_effect_is_unknown(sandbox: Sandbox) -> None:
    sandbox.switch(without_effect=["create"])
    result = run(sandbox, BARE, max_retry_wait=0.05)
    assert done(result) == [("create", "unknown")]
    assert DORA not in sandbox.customers()


@pytest.mark.parametrize("operation", ["get_username", "set_profile", "get_profile"])
def test_only_a_new_customer_may_be_unknown_for_a_while(sandbox: Sandbox, operation: str) -> None:
    """A refusal on its behalf is repeated then, and no other one is."""
    sandbox.set_fault(operation, "not-found", times="forever")
    assert run(sandbox, {"username": ADA, "city": "Bangor"})["failed"] is True
    assert calls_of(sandbox).count(operation) == 1
    sandbox.control("DELETE", "faults")
    if operation != "get_profile":
        sandbox.set_fault(operation, "not-found", times=3)
        result = run(sandbox, FULL)
        assert done(result) == [("create", "applied"), ("set_profile", "applied")]
        assert calls_of(sandbox).count(operation) == 4


# What a client hears of a call, in place of the service's answer: status, kind of content, body.
Heard = tuple[int, str, bytes]
TOO_MANY = (429, "application/json", b'{"errors":[{"field":null,"message":"too many requests"}]}')

BAD_GATEWAY = (502, "text/html", b"<html><head><title>SendGrid - 502 Bad Gateway</title></head></html>")


@contextmanager
def overheard(sandbox: Sandbox, answer: Callable[[str, str, int], Heard | None]) -> Iterator[str]:
    """The address of API v3 behind a proxy. `answer`: of verb, path and number of a call, what is heard of it."""
    counts: dict[tuple[str, str], int] = {}

    class Proxy(BaseHTTPRequestHandler):
        def handle_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Connection")}
            told = requests.request(self.command, sandbox.root + self.path, data=body, headers=headers, timeout=30)
            kind = (self.command, self.path.partition("?")[0])
            counts[kind] = counts.get(kind, 0) + 1
            usual = (told.status_code, told.headers.get("Content-Type", "application/json"), told.content)
            status, content_type, content = answer(*kind, counts[kind]) or usual
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_call  # noqa: N815

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3"
    finally:
        server.shutdown()
        server.server_close()


def test_a_creation_that_is_done_and_answered_with_too_many_requests(sandbox: Sandbox) -> None:
    """Reported of the real service. The next try would be told that the name is taken."""
    for options in (BARE, FULL):
        sandbox.reset()
        heard = {("POST", "/v3/subusers", 1): TOO_MANY}
        with overheard(sandbox, lambda *call, heard=heard: heard.get(call)) as url:
            result = run(sandbox, options, api_url=url)
        assert "failed" not in result, result["msg"]
        assert {status for _name, status in done(result)} == {"applied"}
        created = [call for call in sandbox.log() if call["operation"] == "create"]
        assert [call["wrote"] for call in created] == [True]
        assert run(sandbox, options)["changed"] is False


def test_a_creation_that_is_refused_with_too_many_requests_is_made_later(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "rate-limit", seconds=0)
    assert done(run(sandbox, BARE)) == [("create", "applied")]
    assert [call["wrote"] for call in sandbox.log() if call["operation"] == "create"] == [False, True]


NOT_OF_THE_API: dict[str, tuple[Heard, list[str]]] = {
    "a gateway's page": (
        BAD_GATEWAY,
        ["the server answered HTTP 502 with a web page"],
    ),
    "a plain text": (
        (404, "text/plain", b"404 page not found"),
        ["the server answered HTTP 404 with a text that is not of the API", "Check that api_url is the address"],
    ),
    "nothing": ((401, "application/json", b""), ["the server answered HTTP 401", "Check api_key"]),
    "a single message": ((403, "application/json", b'{"error":"no way"}'), ["said 'no way' (HTTP 403)", "scope"]),
    "with ids": (
        (400, "application/json", b'{"errors":[{"message":"bad","field":"x","error_id":"10-40002"}]}'),
        ["said 'x: bad' (HTTP 400)"],
    ),
    "a page in place of a list": ((200, "text/html", b"<html><body>Hello</body></html>"), ["but a web page"]),
}


@pytest.mark.parametrize(("heard", "parts"), NOT_OF_THE_API.values(), ids=NOT_OF_THE_API)
@only_observed
def test_every_shape_of_an_error_is_one_sentence(sandbox: Sandbox, heard: Heard, parts: list[str]) -> None:
    with overheard(sandbox, lambda verb, path, number: heard if path == "/v3/subusers" else None) as url:
        message = run(sandbox, {"username": ADA, "city": "Bangor"}, api_url=url, retries=1)["msg"]
    assert message.startswith(f"Could not look up customer '{ADA}': ")
    assert [part for part in parts if part not in message] == []
    assert "<" not in message and message.isprintable()


@pytest.mark.parametrize("answer", [TOO_MANY, BAD_GATEWAY, (500, "application/json", b'{"error":"oh"}')])
def test_a_name_that_is_taken_by_the_customer_of_this_run(sandbox: Sandbox, answer: Heard) -> None:
    """It is created, the answer is lost, no read shows it yet, and the next try is refused: the name is taken."""
    sandbox.set_fault("create", "lag", calls=3)
    heard = {("POST", "/v3/subusers", 1): answer}
    with overheard(sandbox, lambda *call: heard.get(call)) as url:
        result = run(sandbox, BARE, api_url=url)
    assert "failed" not in result, result["msg"]
    assert done(result) == [("create", "applied")]
    assert [call["wrote"] for call in sandbox.log() if call["operation"] == "create"] == [True, False]


@only_documented
def test_the_limit_of_one_endpoint_is_none_for_others(sandbox: Sandbox) -> None:
    """Creations and deletions have a tight limit. All other calls continue."""
    sandbox.set("endpoint-limits", {"endpoint": "POST /v3/subusers", "calls": 1, "seconds": 3600})
    assert done(run(sandbox, BARE)) == [("create", "applied")]
    for name in (ADA, DORA):
        assert run(sandbox, {"username": name, "city": "Bath"})["changed"] is True
    result = run(sandbox, {**BARE, "username": "emil@example.com"}, max_retry_wait=1)
    assert done(result) == [("create", "failed")]
    # The moment is told in whole seconds.
    assert re.search(r"asks to wait 3[56]\d\d s", result["msg"])


# Where data reside


def test_calls_on_behalf_of_a_customer_in_the_eu(sandbox: Sandbox) -> None:
    eva = seed_eu(sandbox)
    options = {"username": eva, "city": "Bergen", "email": "eva.new@example.com"}
    assert run(sandbox, {"username": eva, "active": True})["changed"] is False
    calls_of(sandbox)
    result = run(sandbox, options)
    assert result["failed"] is True
    assert "its data reside in the EU" in result["msg"] and "Set eu_api_url" in result["msg"]
    assert calls_of(sandbox) == ["list"]
    result = run(sandbox, options, eu_api_url=sandbox.root + "/eu/v3")
    assert done(result) == [("set_email", "applied"), ("set_profile", "applied")]
    log = sandbox.log()
    assert {call["host"] for call in log if call["on_behalf_of"]} == {"eu"}
    assert {call["host"] for call in log if not call["on_behalf_of"]} == {"global"}
    calls_of(sandbox)
    # The others stay where they are; and each server is asked once whether it hears the header.
    result = info(sandbox, details=["profile"], eu_api_url=sandbox.root + "/eu/v3", concurrency=1)
    assert result["count"] == 4
    assert {one["username"]: one["city"] for one in result["customers"]}[eva] == "Bergen"
    calls = calls_of(sandbox)
    assert (calls.count("get_username"), calls.count("get_profile")) == (2, 4)
    message = info(sandbox, details=["profile"])["msg"]
    assert "Set eu_api_url" in message


def test_the_default_of_eu_api_url_holds_only_beside_that_of_api_url() -> None:
    can = fields.capabilities()
    own = {"api_url": fields.DEFAULT_URL, "eu_api_url": fields.DEFAULT_EU_URL}
    assert addresses({}, can) == own
    assert addresses({"api_url": fields.DEFAULT_URL + "/"}, can)["eu_api_url"] == fields.DEFAULT_EU_URL
    assert addresses({"api_url": "https://api.example.com/v3"}, can)["eu_api_url"] is None


# Refused before any call


MISSING = {
    "package": "Bronze",
    "ip_groups": ["news"],
    "free_user": True,
    "billing_date": "2011-02-28",
    "mail_domain": "example.com",
}
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all at once": (
        {
            "username": "100%@example.com",
            "email": "no address",
            "update_password": "always",
            "password": "not-shown-4711-4711",
            "api_format": "xml",
            "timeout": 0,
            **MISSING,
        },
        [
            *(f"{name} cannot be used with api=subusers" for name in MISSING),
            "username '100%@example.com' holds '%'",
            "'no address' is not an e-mail address",
            "update_password=always cannot be used with api=subusers",
            "api_format=xml cannot be used with api=subusers",
            "timeout",
        ],
    ),
    "a slash": ({"username": "a/b"}, ["username 'a/b' holds '/'"]),
    "a dot": ({"username": "."}, ["username '.' cannot be addressed"]),
    "two dots": ({"username": ".."}, ["username '..' cannot be addressed"]),
    "stats": ({"username": "stats"}, ["username 'stats' cannot be addressed"]),
    "reputations": ({"username": "reputations", "state": "absent"}, ["username 'reputations' cannot be addressed"]),
    "beyond ASCII": ({"username": "bjørn@example.com"}, ["holds a character beyond printable ASCII"]),
    "a line break": ({"username": "a\nb"}, ["username"]),
    "a new name": ({"username": ADA, "new_username": "a%b"}, ["new_username 'a%b' holds '%'"]),
    "a new name beyond ASCII": ({"username": ADA, "new_username": "å"}, ["new_username 'å' holds a character beyond"]),
    "an address of API v2": (
        {"username": ADA, "api_url": "https://api.example.com/apiv2/"},
        ["ends in /apiv2, which is the address of another API"],
    ),
    "plain http to elsewhere": ({"username": ADA, "api_url": "http://api.example.com/v3"}, ["plain http"]),
    "plain http to elsewhere in the EU": (
        {"username": ADA, "eu_api_url": "http://api.example.com/v3"},
        ["eu_api_url uses plain http"],
    ),
    "a key with a line break": ({"username": ADA, "api_key": "SG.x\n"}, ["api_key ends with a line break"]),
}


@pytest.mark.parametrize(("options", "parts"), REFUSED.values(), ids=REFUSED)
@only_observed
def test_what_cannot_be_is_told_at_once_before_any_call(
    sandbox: Sandbox, options: dict[str, Any], parts: list[str]
) -> None:
    for check_mode in (True, False):
        given = {**connection(sandbox, SUBUSERS), **options}
        result = run(sandbox, given, check_mode)
        assert result["failed"] is True
        assert [part for part in parts if part not in result["msg"]] == []
        assert result["msg"].count("\n") == 0
        assert sandbox.log() == []


@only_observed
def test_the_address_of_api_v3_with_api_v2(sandbox: Sandbox) -> None:
    for api in ("reseller", "customer"):
        message = run_any(sandbox, {"username": ADA, "api": api, "api_url": sandbox.v3_url})["msg"]
        assert "ends in /v3, which is the address of another API" in message
    assert sandbox.log() == []


@only_observed
def test_the_name_of_the_account(sandbox: Sandbox) -> None:
    """API v2 needs it, API v3 does not and does not send it."""
    for user in ("acme", "somebody else", "", None):
        assert "failed" not in run(sandbox, {"username": ADA}, api_user=user)
    assert all("api_user" not in call["query_parameters"] for call in sandbox.log())
    calls_of(sandbox)
    for user in (None, ""):
        message = run_any(sandbox, {"username": ADA, "api_user": user})["msg"]
        assert "api_user" in message
    assert sandbox.log() == []


@only_observed
def test_a_password_counts_where_a_customer_has_to_be_created(sandbox: Sandbox) -> None:
    for password, problem in (
        ("short-4711", "password of a new customer must have 16 to 128 characters, and has 10"),
        ("x" * 128 + "1", "and has 129"),
        ("no-digit-in-all-of-it", "must hold a letter and a digit"),
        ("4711-4711-4711-4711", "must hold a letter and a digit"),
    ):
        assert run(sandbox, {"username": ADA, "password": password})["changed"] is False
        result = run(sandbox, {**BARE, "password": password})
        assert problem in result["msg"]
        assert f"Customer '{DORA}' does not exist, and cannot be created" in result["msg"]
    message = run(sandbox, {"username": DORA, "city": "Bangor"})["msg"]
    assert "creation needs password, email" in message or "creation needs email, password" in message
    assert set(calls_of(sandbox)) == {"list", "get"}


FLEET = [{"username": ADA, "city": "Bangor"}]


@in_shared_playbook(
    lambda: [
        task("reseller_customer_password", {"username": ADA, "password": "brand-new-word-4711"}, ignore_errors=True),
        task(
            "reseller_customer_password",
            {"username": ADA, "password": "brand-new-word-4711", "force": True},
            ignore_errors=True,
        ),
    ]
)
@only_v3
@only_observed
def test_what_is_not_for_this_api_says_so_without_a_call(played: Run) -> None:
    assert [step.status for step in played.steps] == ["failed"] * 2
    for step in played.steps:
        assert "API v3 can neither check nor reset the password" in step.result["msg"]
        assert "api=subusers" in step.result["msg"]
        assert step.result["msg"].count(". ") == 0
        assert step.calls == []


# Errors


def test_a_key_that_may_not_is_told_the_scope(sandbox: Sandbox) -> None:
    narrow = {"api_key": NARROW_V3_KEY}
    for options, scope in (
        (BARE, "subusers.create"),
        ({"username": "nora@example.com", "active": False}, "subusers.update"),
        ({"username": "nora@example.com", "state": "absent"}, "subusers.delete"),
        ({"username": "nora@example.com", "city": "Bangor"}, "user.username.read"),
    ):
        result = run(sandbox, options, **narrow)
        assert f"The API key needs the scope {scope}. Some operations need a key with full access" in result["msg"]
        assert "(HTTP 403)" in result["msg"]
    assert NARROW["api_user"] not in sandbox.log()[-1]["body_parameters"]


def test_a_customer_of_another_account(sandbox: Sandbox) -> None:
    assert run(sandbox, {"username": "nora@example.com", "state": "absent"})["changed"] is False
    result = run(sandbox, {**BARE, "username": "nora@example.com"})
    assert done(result) == [("create", "failed")]
    assert "username exists" in result["msg"] and "so does a customer of another account" in result["msg"]


# Info


def test_details_are_read_of_those_that_are_listed(sandbox: Sandbox) -> None:
    result = info(sandbox, details=["profile"], concurrency=2)
    assert [one["company"] for one in result["customers"]] == ["Lighthouse Books", "Lighthouse Books", "Harbour & Sons"]
    log = sandbox.log()
    assert sorted(call["operation"] for call in log) == ["get_profile"] * 3 + ["get_username"] + ["list"] * 2
    assert max(call["in_flight"] for call in log) <= 2
    calls_of(sandbox)
    result = info(sandbox, details=["profile"], username="ADA@")
    assert [one["company"] for one in result["customers"]] == ["Lighthouse Books"]
    assert calls_of(sandbox) == ["list", "list", "get_username", "get_profile"]
    result = info(sandbox, company="HARBOUR", city="port")
    assert [one["username"] for one in result["customers"]] == [CLEO]


UNLIMITED = {"type": "unlimited", "total": None, "reset_frequency": None}
MONTHLY = {"type": "recurring", "total": 500, "reset_frequency": "monthly"}
ALL_DETAILS = ["profile", "ips", "credits", "whitelabel"]


def sent_from_ada(sandbox: Sandbox) -> None:
    """Gives ADA addresses, credits and a domain of the account."""
    given = {"username": ADA, "ips": ["192.0.2.10", "192.0.2.2"], "credits": MONTHLY, "whitelabel": "lantern.example"}
    result = run(sandbox, given)
    assert [name for name, _status in done(result)] == ["set_ips", "set_credits", "set_whitelabel"], result
    calls_of(sandbox)


def test_each_detail_costs_its_calls(sandbox: Sandbox) -> None:
    """One list of addresses tells those of all customers; a list of customers tells where their data reside."""
    sent_from_ada(sandbox)
    ada, ben, _cleo = info(sandbox, details=["ips", "credits", "whitelabel"], concurrency=2)["customers"]
    assert (ada["ips"], ada["credits"], ada["whitelabel"]) == (
        ["192.0.2.2", "192.0.2.10"],
        MONTHLY,
        "mail.lantern.example",
    )
    assert (ben["ips"], ben["credits"], ben["whitelabel"]) == ([], UNLIMITED, "")
    assert {one["data_residency"] for one in (ada, ben)} == {"global"}
    assert {one["city"] for one in (ada, ben)} == {None}
    found = Counter(calls_of(sandbox))
    assert found == {"list": 2, "get_ips": 2, "get_credits": 3, "list_associated_domains": 3}
    [listed, *_others] = info(sandbox, details=[])["customers"]
    assert [listed[name] for name in ("ips", "credits", "whitelabel")] == [None] * 3
    assert calls_of(sandbox) == ["list", "list"]


def test_a_list_with_all_details_can_be_fed_back(sandbox: Sandbox) -> None:
    sent_from_ada(sandbox)
    seed_eu(sandbox)
    eu = {"eu_api_url": sandbox.root + "/eu/v3"}
    listed = info(sandbox, details=ALL_DETAILS, **eu)["customers"]
    calls_of(sandbox)
    given = {**{name: option.get("default") for name, option in _module.fleet_spec().items()}, **eu}
    given = {**given, **connection(sandbox, SUBUSERS), "customers": listed}
    result = _module.run_task(_fleet.manage_fleet, given, False)
    assert (result["changed"], result["summary"]["unchanged"]) == (False, 4), result
    log = sandbox.log()
    assert not any(call["attempted_write"] for call in log)
    calls = Counter(call["operation"] for call in log)
    del calls["list"]
    # Each of the two hosts is asked once whether it hears the header.
    assert calls == {
        "get_username": 2,
        "get_profile": 4,
        "get_credits": 4,
        "list_associated_domains": 4,
        "get_ips": 2,
    }


def test_many_profiles_are_read_at_once(sandbox: Sandbox) -> None:
    sandbox.set_fault("get_profile", "delay", seconds=0.3, times="forever")
    assert info(sandbox, details=["profile"], concurrency=3)["count"] == 3
    assert max(call["in_flight"] for call in sandbox.log()) == 3
    calls_of(sandbox)
    assert info(sandbox, details=["profile"], concurrency=1)["count"] == 3
    assert max(call["in_flight"] for call in sandbox.log()) == 1


def test_a_profile_that_cannot_be_read_is_an_error(sandbox: Sandbox) -> None:
    sandbox.set_fault("get_profile", "not-found", nth=2, times="forever")
    result = info(sandbox, details=["profile"], concurrency=1)
    assert result["failed"] is True
    assert "Could not read the profile of customer" in result["msg"]
    assert "customers" not in result
