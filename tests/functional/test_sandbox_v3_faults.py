# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's faults on calls of API v3: the answer to a plain client, the state, and the log."""

from __future__ import annotations

import time
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from . import sandbox_v3
from .sandbox_v3 import NAMES, NARROW_V3_KEY, PASSWORD, V3_KEY, Sandbox, by_behaviour, creation, messages, path_of

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA, BEN, EVA = NAMES
NEW = "new@example.com"


def assert_played(sandbox: Sandbox, fault: str, *, acted: bool, outcome: str) -> None:
    """The only call was a creation under `fault`, and the log and the state agree about it."""
    (entry,) = sandbox.log()
    assert (entry["operation"], entry["user"], entry["api_user"]) == ("create", NEW, "acme")
    assert (entry["attempted_write"], entry["wrote"]) == (True, acted)
    assert (entry["fault"], entry["outcome"]) == (fault, outcome)
    assert (NEW in sandbox.customers()) == acted


@pytest.mark.parametrize(
    ("fault", "acted", "settings"),
    (
        ("close-before", False, {}),
        ("close-after", True, {}),
        ("stall", False, {"seconds": 0.1}),
        ("slow-act", False, {"seconds": 3600}),
    ),
)
def test_no_answer(sandbox: Sandbox, fault: str, acted: bool, settings: dict[str, Any]) -> None:
    sandbox.set_fault("create", fault, **settings)
    with pytest.raises(requests.ConnectionError):
        sandbox.create(NEW)
    assert_played(sandbox, fault, acted=acted, outcome="none")


def test_slow_act(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "slow-act", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        sandbox.create(NEW)
    end = time.monotonic() + 15
    while not sandbox.log()[0]["wrote"]:
        assert time.monotonic() < end
    assert_played(sandbox, "slow-act", acted=True, outcome="none")


@pytest.mark.parametrize(
    ("fault", "status", "acted", "message"),
    (
        ("error-before", 500, False, "internal server error"),
        ("error-after", 500, True, "internal server error"),
        ("unavailable", 503, False, "service unavailable"),
        ("rate-limit", 429, False, "too many requests"),
        ("rate-limit-reset", 429, False, "too many requests"),
    ),
)
def test_errors(sandbox: Sandbox, fault: str, status: int, acted: bool, message: str) -> None:
    sandbox.set_fault("create", fault)
    answer = sandbox.create(NEW)
    listed = {"errors": [{"field": None, "message": message}]}
    observed = listed if status == 429 else {"error": message}
    assert (answer.status_code, answer.json()) == (status, by_behaviour(sandbox, listed, observed))
    assert_played(sandbox, fault, acted=acted, outcome="error")
    if fault in ("unavailable", "rate-limit"):
        assert answer.headers["retry-after"] == "1"
    if fault == "rate-limit-reset":
        name = by_behaviour(sandbox, "X-RateLimit-Reset", "X-Ratelimit-Reset")
        assert name in list(answer.raw.headers)
        assert time.time() < int(answer.headers[name]) <= time.time() + 3


def test_not_found(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "not-found")
    answer = sandbox.create(NEW)
    assert_played(sandbox, "not-found", acted=False, outcome="error")
    unknown = sandbox.v3("GET", "nothing")
    assert (answer.status_code, answer.content) == (404, unknown.content)
    if sandbox.behaviour == "observed":
        assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", "404 page not found")


def test_echo(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "echo", beside="And one more")
    answer = sandbox.v3("POST", "subusers", creation(NEW, ips=["192.0.2.1"]), on_behalf_of=ADA)
    text, more = messages(answer)
    assert (answer.status_code, more) == (400, "And one more")
    assert f"password={PASSWORD}" in text
    assert f"Authorization=Bearer {V3_KEY}" in text
    assert f"On-Behalf-Of={ADA}" in text
    assert {"\n", "\u202e", "\x1b"} <= set(text)
    assert_played(sandbox, "echo", acted=False, outcome="error")


@pytest.mark.parametrize(("spelling", "expected"), (("url", "%22192.0.2.1%22"), ("html", "&quot;192.0.2.1&quot;")))
def test_spellings_of_an_echo(sandbox: Sandbox, spelling: str, expected: str) -> None:
    sandbox.set_fault("create", "echo", spelling=spelling)
    assert expected in messages(sandbox.create(NEW, ips=["192.0.2.1"]))[0]


@pytest.mark.parametrize(
    ("fault", "status", "acted", "title"),
    (
        ("bad-gateway", 502, False, "SendGrid - 502 Bad Gateway"),
        ("bad-gateway-after", 502, True, "SendGrid - 502 Bad Gateway"),
        ("html", 200, False, "Back soon"),
        ("html-after", 200, True, "Back soon"),
    ),
)
def test_pages(sandbox: Sandbox, fault: str, status: int, acted: bool, title: str) -> None:
    sandbox.set_fault("create", fault)
    answer = sandbox.create(NEW)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<title>{title}</title>" in answer.text
    assert_played(sandbox, fault, acted=acted, outcome="none")


def test_redirect(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "redirect")
    answer = sandbox.create(NEW)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")
    assert_played(sandbox, "redirect", acted=False, outcome="none")


@pytest.mark.parametrize("fault", ("half", "empty", "garbage"))
def test_spoiled_bodies(sandbox: Sandbox, fault: str) -> None:
    sandbox.set_fault("create", fault)
    answer = sandbox.create(NEW)
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(answer.content)))
    with pytest.raises(ValueError):
        answer.json()
    assert_played(sandbox, fault, acted=True, outcome="none")


def test_cut(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sandbox.create(NEW)
    assert_played(sandbox, "cut", acted=True, outcome="none")


def test_xml_that_nobody_asked_for(sandbox: Sandbox) -> None:
    for fault in ("dtd", "entities"):
        sandbox.set_fault("list", fault)
    document = sandbox.v3("GET", "subusers")
    assert document.headers["content-type"] == "text/xml; charset=utf-8"
    assert b"<!DOCTYPE users" in document.content
    assert ElementTree.fromstring(document.content).tag == "users"
    entities = sandbox.v3("GET", "subusers")
    assert (entities.headers["content-type"], entities.status_code) == ("text/xml; charset=utf-8", 200)
    assert b"<!ENTITY e9" in entities.content


def test_slow_and_huge_answers(sandbox: Sandbox) -> None:
    usual = sandbox.v3("GET", "subusers").content
    for fault, settings in (
        ("delay", {"seconds": 0.2}),
        ("drip", {"seconds": 0}),
        ("huge", {"mebibytes": 1}),
        ("huge-gzip", {"mebibytes": 1}),
    ):
        begin = time.monotonic()
        sandbox.set_fault("list", fault, **settings)
        answer = sandbox.v3("GET", "subusers")
        assert (answer.status_code, answer.content.rstrip(b" ")) == (200, usual)
        assert len(answer.content) == len(usual) + (2**20 if fault.startswith("huge") else 0)
        assert fault != "delay" or time.monotonic() - begin >= 0.2
        assert sandbox.log()[-1]["outcome"] == "ok"


@pytest.mark.parametrize("fault", ("half", "cut", "drip", "huge", "delay", "empty", "dtd", "garbage", "entities"))
def test_answers_without_a_body_can_be_spoiled(sandbox: Sandbox, fault: str) -> None:
    settings = {"huge": {"mebibytes": 1}, "drip": {"seconds": 0}, "delay": {"seconds": 0}}.get(fault, {})
    sandbox.set_fault("disable", fault, **settings)
    if fault == "cut":
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            sandbox.v3("PATCH", path_of(ADA), {"disabled": True})
    else:
        answer = sandbox.v3("PATCH", path_of(ADA), {"disabled": True})
        assert answer.status_code == (204 if fault in ("drip", "delay") else 200)
    assert sandbox.stored(ADA)["active"] is False
    # The connection is in order for the next call.
    assert sandbox.names() == NAMES


def test_a_fault_of_an_operation_is_one_of_both_apis(sandbox: Sandbox) -> None:
    for operation in ("create", "list", "delete", "set_email", "set_profile", "rename", "disable"):
        sandbox.set_fault(operation, "error-before", times=2)
    v2 = [
        sandbox.v2("add"),
        sandbox.v2("manage", method="profile", task="get"),
        sandbox.v2("delete", user=ADA),
        sandbox.v2("manage", method="profile", task="setEmail", user=ADA),
        sandbox.v2("manage", method="profile", task="set", user=ADA),
        sandbox.v2("manage", method="profile", task="setUsername", user=ADA),
        sandbox.v2("manage", method="disable", user=ADA, username=ADA),
    ]
    v3 = [
        sandbox.create(NEW),
        sandbox.v3("GET", "subusers"),
        sandbox.v3("DELETE", path_of(ADA)),
        sandbox.v3("PUT", "user/email", {"email": "a@b.example"}, on_behalf_of=ADA),
        sandbox.v3("PATCH", "user/profile", {"city": "Bath"}, on_behalf_of=ADA),
        sandbox.v3("PUT", "user/username", {"username": NEW}, on_behalf_of=ADA),
        sandbox.v3("PATCH", path_of(ADA), {"disabled": True}),
    ]
    assert {answer.status_code for answer in (*v2, *v3)} == {500}
    assert sandbox.names() == NAMES


@pytest.mark.parametrize("operation", ("get", "get_profile", "get_username", "get_email", "get_account", "get_scopes"))
def test_faults_of_reads_that_only_v3_has(sandbox: Sandbox, operation: str) -> None:
    calls = {
        "get": lambda: sandbox.v3("GET", path_of(ADA)),
        "get_profile": lambda: sandbox.v3("GET", "user/profile", on_behalf_of=ADA),
        "get_username": lambda: sandbox.v3("GET", "user/username", on_behalf_of=ADA),
        "get_email": lambda: sandbox.v3("GET", "user/email", on_behalf_of=ADA),
        "get_account": lambda: sandbox.v3("GET", "user/account", on_behalf_of=ADA),
        "get_scopes": lambda: sandbox.v3("GET", "scopes", on_behalf_of=ADA),
    }
    sandbox.set_fault(operation, "bad-gateway")
    sandbox.set_fault("writes", "unavailable", times="forever")
    assert [name for name, call in calls.items() if call().status_code == 502] == [operation]
    assert sandbox.v3("PATCH", "user/profile", {"city": "Bath"}, on_behalf_of=ADA).status_code == 503
    assert sandbox.v3("PATCH", path_of(ADA), {"email": "x"}).status_code == 503


# Changes by others


def test_rows_that_move_between_two_pages(sandbox: Sandbox) -> None:
    sandbox.set_fault("list", "move", nth=2)
    # The second row is the first one now, and the third one moved to where the first page ended.
    assert [sandbox.names(limit=1), sandbox.names(limit=1, offset=1), sandbox.names(limit=9, offset=2)] == [
        [ADA],
        [EVA],
        [ADA],
    ]
    assert [entry.get("fault") for entry in sandbox.log()] == [None, "move", None]
    assert sandbox.names() == [BEN, EVA, ADA]
    sandbox.create(NEW)
    assert sandbox.names() == [BEN, EVA, NEW, ADA]
    sandbox.set_fault("list", "move")
    assert sandbox.names() == [EVA, NEW, ADA, BEN]
    # What is stored is the same, and so is the list of API v2.
    assert list(sandbox.v2_rows()) == [*NAMES, NEW]
    sandbox.reset()
    assert sandbox.names() == NAMES


def test_rows_move_in_the_account_of_the_key_alone(sandbox: Sandbox) -> None:
    sandbox.set_fault("list", "move", times=2)
    assert sandbox.v3("GET", "subusers", key="SG.wrong").status_code == 401
    assert sandbox.v3("GET", "subusers", key=NARROW_V3_KEY).json() == []
    assert sandbox.names() == NAMES


def test_a_customer_that_somebody_renames_under_our_hands(sandbox: Sandbox) -> None:
    sandbox.set_fault("set_profile", "rename")
    number = sandbox.stored(ADA)["id"]
    answer = sandbox.v3("PATCH", "user/profile", {"city": "Bath"}, on_behalf_of=ADA)
    assert answer.status_code == by_behaviour(sandbox, 401, 403)
    moved = sandbox.stored(f"moved-{ADA}")
    assert (moved["id"], moved["city"], ADA in sandbox.customers()) == (number, "Portland", False)
    (entry,) = sandbox.log()
    assert (entry["fault"], entry["outcome"], entry["wrote"]) == ("rename", "error", False)
    # A call without a target renames no customer.
    sandbox.set_fault("*", "rename", times="forever")
    assert sandbox.names() == [f"moved-{ADA}", BEN, EVA]
    assert sandbox.v3("GET", path_of("nobody@example.com")).status_code == 404
    assert sandbox.v3("GET", path_of(BEN), key="SG.wrong").status_code == 401
    sandbox.v2("delete", user=EVA)
    assert set(sandbox.customers()) >= {f"moved-{ADA}", BEN, f"moved-{EVA}"}


def test_a_fault_for_every_call(sandbox: Sandbox) -> None:
    sandbox.set_fault("*", "html", times="forever")
    for verb, path in (("GET", "subusers"), ("GET", "nothing"), ("PUT", "subusers"), ("GET", "user/username")):
        assert "Back soon" in sandbox.v3(verb, path).text


def test_the_log_of_strangers_under_a_fault(sandbox: Sandbox) -> None:
    sandbox.set_fault("*", "close-after", times="forever")
    for key in (V3_KEY, "SG.wrong"):
        with pytest.raises(requests.ConnectionError):
            sandbox.v3("POST", "subusers", creation(NEW), key=key)
    assert [(entry["wrote"], entry["api_user"]) for entry in sandbox.log()] == [(True, "acme"), (False, None)]
