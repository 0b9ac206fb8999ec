# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's faults over a real socket: the answer to a plain client, the state, and the log."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import requests
from starlette.types import Message, Scope

from tests.sandbox.app import create_app
from tests.sandbox.faults import KINDS
from tests.sandbox.seed import DEFAULT_SEED
from tests.sandbox.service import Service
from tests.sandbox.store import Store

from .conftest import ACCOUNT, PASSWORD, only_documented, only_observed, seeded
from .running import ROOT, Sandbox

DEMO = {"api_user": "demo", "api_key": "demo-key-1234"}
NEW = "new@example.com"
SUCCESS = {"message": "success"}
FORMATS = pytest.mark.parametrize("wanted", ("json", "xml"))
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")

# Action and parameters of the operations that are called here.
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "create": ("add", {}),
    "list": ("manage", {"method": "profile", "task": "get"}),
    "enable": ("manage", {"method": "enable"}),
    "check_password": ("manage", {"method": "auth"}),
}


def creation(username: str = NEW) -> dict[str, Any]:
    """All that a creation needs."""
    return {**seeded(username), "confirm_password": PASSWORD, "package": "Bronze", "whitelabel": "example.com"}


def request(
    operation: str, wanted: str = "json", key: dict[str, str] = ACCOUNT, **parameters: Any
) -> tuple[str, dict[str, Any]]:
    """Path and parameters of a call."""
    action, fixed = OPERATIONS[operation]
    return f"/apiv2/reseller.{action}.{wanted}", {**key, **fixed, **parameters}


def call(sandbox: Sandbox, operation: str, wanted: str = "json", **parameters: Any) -> requests.Response:
    path, data = request(operation, wanted, **parameters)
    return sandbox.http.post(sandbox.root + path, data=data, timeout=20, allow_redirects=False)


def create(sandbox: Sandbox, username: str = NEW, wanted: str = "json") -> requests.Response:
    return call(sandbox, "create", wanted, **creation(username))


def port(sandbox: Sandbox) -> int:
    return int(sandbox.root.rpartition(":")[2])


def raw(sandbox: Sandbox, operation: str, **parameters: Any) -> socket.socket:
    """A socket on which a whole call was sent and nothing read."""
    path, data = request(operation, **parameters)
    body = urlencode(data).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    opened = socket.create_connection(("127.0.0.1", port(sandbox)), timeout=20)
    opened.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return opened


def set_fault(sandbox: Sandbox, fault: str, operation: str = "create", **settings: Any) -> None:
    posted = post_faults(sandbox, json.dumps({"operation": operation, "fault": fault, **settings}))
    assert (posted.status_code, posted.json()) == (200, SUCCESS)


def post_faults(sandbox: Sandbox, body: str) -> requests.Response:
    return sandbox.http.post(f"{sandbox.root}/_sandbox/faults", data=body, timeout=20)


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` returns once that is true."""
    end = time.monotonic() + 15
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    return found


def is_logged(sandbox: Sandbox, fault: str) -> bool:
    return fault in [entry.get("fault") for entry in sandbox.log()]


def last(sandbox: Sandbox) -> tuple[str | None, bool, str]:
    """Fault, `wrote` and outcome of the latest call."""
    entry = sandbox.log()[-1]
    return entry.get("fault"), entry["wrote"], entry["outcome"]


def assert_played(sandbox: Sandbox, fault: str, *, acted: bool, outcome: str) -> None:
    """The only call was a creation under `fault`, and the log and the state agree about it."""
    (entry,) = sandbox.log()
    assert (entry["operation"], entry["user"], entry["api_user"]) == ("create", NEW, "acme")
    assert (entry["attempted_write"], entry["wrote"]) == (True, acted)
    assert (entry["fault"], entry["outcome"]) == (fault, outcome)
    assert (NEW in sandbox.customers()) == acted


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts further sandboxes. Each must end well."""
    started: list[Sandbox] = []

    def run(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield run
    for item in started:
        if item.process.poll() is None:
            assert item.stop() == (0, "", "")


# No answer


@only_documented
@pytest.mark.parametrize(("fault", "acted"), (("close-before", False), ("close-after", True), ("slow-act", False)))
def test_closed_connections(sandbox: Sandbox, fault: str, acted: bool) -> None:
    settings: dict[str, Any] = {"seconds": 3600} if fault == "slow-act" else {}
    set_fault(sandbox, fault, **settings)
    path, data = request("create", **creation())
    with closing(http.client.HTTPConnection("127.0.0.1", port(sandbox), timeout=20)) as connection:
        connection.request("POST", path, urlencode(data), {"Content-Type": "application/x-www-form-urlencoded"})
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
    assert_played(sandbox, fault, acted=acted, outcome="none")


@only_documented
def test_a_kept_connection_is_closed_too(sandbox: Sandbox) -> None:
    set_fault(sandbox, "close-after", nth=2)
    assert create(sandbox, "first@example.com").json() == SUCCESS
    with pytest.raises(requests.ConnectionError):
        create(sandbox)
    assert create(sandbox, "third@example.com").json() == SUCCESS
    assert [entry["wrote"] for entry in sandbox.log()] == [True, True, True]


@only_documented
def test_slow_act(sandbox: Sandbox) -> None:
    set_fault(sandbox, "slow-act", seconds=0.3)
    begin = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        create(sandbox)
    until(lambda: last(sandbox)[1])
    assert time.monotonic() - begin >= 0.3
    assert_played(sandbox, "slow-act", acted=True, outcome="none")


@only_documented
def test_slow_act_that_is_refused(sandbox: Sandbox) -> None:
    set_fault(sandbox, "slow-act", seconds=0.1)
    set_fault(sandbox, "slow-act", seconds=0.3)
    for username in ("ada@example.com", NEW):
        with pytest.raises(requests.ConnectionError):
            create(sandbox, username)
    # The second acts after the first.
    until(lambda: last(sandbox)[1])
    assert [entry["wrote"] for entry in sandbox.log()] == [False, True]


@only_documented
def test_slow_act_after_a_cleared_log(sandbox: Sandbox) -> None:
    """What is written after the clearing is in the log again, and does not take the place of another call."""
    set_fault(sandbox, "slow-act", seconds=1)
    with pytest.raises(requests.ConnectionError):
        create(sandbox)
    sandbox.control("DELETE", "log")
    call(sandbox, "list")
    until(lambda: NEW in sandbox.customers())
    assert [(entry["operation"], entry["wrote"]) for entry in sandbox.log()] == [("create", True), ("list", False)]


@only_documented
def test_reset_prevents_what_would_act_late(sandbox: Sandbox) -> None:
    def late(username: str) -> None:
        set_fault(sandbox, "slow-act", seconds=0.2)
        with pytest.raises(requests.ConnectionError):
            create(sandbox, username)

    late("before@example.com")
    sandbox.reset()
    late(NEW)
    # The call before the reset would have acted earlier.
    until(lambda: NEW in sandbox.customers())
    assert "before@example.com" not in sandbox.customers()
    assert_played(sandbox, "slow-act", acted=True, outcome="none")


@only_documented
def test_stall_ends_at_its_limit(sandbox: Sandbox) -> None:
    set_fault(sandbox, "stall", seconds=0.2)
    begin = time.monotonic()
    with pytest.raises(requests.ConnectionError) as failed:
        create(sandbox)
    assert not isinstance(failed.value, requests.Timeout)
    assert time.monotonic() - begin >= 0.2
    assert_played(sandbox, "stall", acted=False, outcome="none")


@only_documented
@ON_LINUX
def test_stall_ends_with_the_client(sandbox: Sandbox) -> None:
    def open_files() -> int:
        return len(list(Path(f"/proc/{sandbox.process.pid}/fd").iterdir()))

    set_fault(sandbox, "stall")
    before = open_files()
    with raw(sandbox, "create", **creation()) as opened:
        until(sandbox.log)
        assert open_files() == before + 1
        opened.settimeout(0.05)
        with pytest.raises(TimeoutError):
            opened.recv(1)
    until(lambda: open_files() == before)
    assert_played(sandbox, "stall", acted=False, outcome="none")


# Errors


def error_message(answer: requests.Response, behaviour: str, wanted: str, code: int | None = None) -> str:
    """The only text of an error in the behaviour's usual form. `code`: what the observed one names."""
    if behaviour == "documented":
        if wanted == "json":
            value = answer.json()
            assert list(value) == ["message", "errors"] and value["message"] == "error"
            (text,) = value["errors"]
            return str(text)
        (error,) = ElementTree.fromstring(answer.content).findall("errors/error")
        return error.text or ""
    if wanted == "json":
        found = answer.json()["error"]
    else:
        found = {child.tag: child.text for child in ElementTree.fromstring(answer.content)}
    assert code is None or str(found["code"]) == str(code)
    return str(found["message"])


@FORMATS
@pytest.mark.parametrize(
    ("fault", "status", "acted", "message"),
    (
        ("error-before", 500, False, "Internal server error"),
        ("error-after", 500, True, "Internal server error"),
        ("unavailable", 503, False, "Service unavailable"),
        ("rate-limit", 429, False, "Too many requests"),
        ("rate-limit-reset", 429, False, "Too many requests"),
    ),
)
def test_errors(sandbox: Sandbox, wanted: str, fault: str, status: int, acted: bool, message: str) -> None:
    set_fault(sandbox, fault)
    answer = create(sandbox, wanted=wanted)
    assert answer.status_code == status
    assert error_message(answer, sandbox.behaviour, wanted, status) == message
    assert_played(sandbox, fault, acted=acted, outcome="error")


@only_documented
@pytest.mark.parametrize("fault", ("unavailable", "rate-limit"))
@pytest.mark.parametrize(("seconds", "header"), ((None, "1"), (7, "7"), (0.2, "1"), (0, "0")))
def test_retry_after(sandbox: Sandbox, fault: str, seconds: float | None, header: str) -> None:
    settings: dict[str, Any] = {} if seconds is None else {"seconds": seconds}
    set_fault(sandbox, fault, **settings)
    assert create(sandbox).headers["Retry-After"] == header


@only_documented
def test_rate_limit_reset(sandbox: Sandbox) -> None:
    set_fault(sandbox, "rate-limit-reset", seconds=50)
    before = time.time()
    headers = create(sandbox).headers
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("600", "0")
    assert before + 50 <= int(headers["X-RateLimit-Reset"]) <= time.time() + 51
    assert "Retry-After" not in headers


@FORMATS
def test_not_found(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "not-found", "check_password")
    answer = call(sandbox, "check_password", wanted, user="ada@example.com", password=PASSWORD)
    assert last(sandbox) == ("not-found", False, "error")
    path = f"{sandbox.api_url}/reseller.manage.{wanted}"
    unknown = sandbox.http.post(path, data={**ACCOUNT, "method": "nothing"}, timeout=20)
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)
    assert answer.status_code == (404 if sandbox.behaviour == "documented" else 200)


@FORMATS
def test_echo(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "echo")
    answer = call(sandbox, "create", wanted, **{**creation(), "company": "Ärmel & <Söhne>"})
    text = error_message(answer, sandbox.behaviour, wanted, 400)
    assert f"api_key={ACCOUNT['api_key']}" in text
    assert f"confirm_password={PASSWORD}" in text
    assert "company=Ärmel & <Söhne>" in text
    assert {"\n", "\u202e", "\x9b" if wanted == "xml" else "\x1b"} <= set(text)
    assert answer.status_code == (400 if sandbox.behaviour == "documented" else 200)
    assert_played(sandbox, "echo", acted=False, outcome="error")
    assert ACCOUNT["api_key"] not in json.dumps(sandbox.log())


@FORMATS
@pytest.mark.parametrize(
    ("spelling", "expected"),
    (
        ("plain", "Ärmel & <Söhne>  "),
        ("html", "Ärmel &amp; &lt;Söhne&gt;"),
        ("url", "%C3%84rmel+%26+%3CS%C3%B6hne%3E++"),
        ("json", "\\u00c4rmel & <S\\u00f6hne>"),
        ("html-in-html", "Ärmel &amp;amp; &amp;lt;S"),
        ("url-in-url", "%25C3%2584rmel%2B%2526%2B%253C"),
        ("html-in-url", "%C3%84rmel+%26amp%3B+%26lt%3BS"),
        ("capitals", "ÄRMEL & <SÖHNE>"),
        ("decomposed", "A\u0308rmel & <So\u0308hne>"),
        ("lines", "Ärmel & \n<Söhne> \n "),
        ("trimmed", "Ärmel & <Söhne>,"),
        ("cut", "Ärmel & <Söh,"),
    ),
)
def test_spellings_of_an_echo(sandbox: Sandbox, wanted: str, spelling: str, expected: str) -> None:
    set_fault(sandbox, "echo", spelling=spelling)
    answer = call(sandbox, "create", wanted, **{**creation(), "company": "Ärmel & <Söhne>  "})
    assert f"company={expected}" in error_message(answer, sandbox.behaviour, wanted, 400)


@FORMATS
def test_a_message_beside_an_echo(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "echo", beside="And one more")
    answer = call(sandbox, "create", wanted, **creation())
    assert ("And one more" in answer.text) is (sandbox.behaviour == "documented")
    assert answer.text.index("api_key=") < answer.text.find("And one more") or sandbox.behaviour == "observed"


@only_documented
def test_echo_of_what_xml_cannot_carry(sandbox: Sandbox) -> None:
    set_fault(sandbox, "echo")
    answer = call(sandbox, "create", "xml", **{**creation(), "company": "a\x01b"})
    assert "company=a\ufffdb" in error_message(answer, "documented", "xml")


# Answers of somebody else


@only_documented
@FORMATS
@pytest.mark.parametrize(
    ("fault", "status", "acted"),
    (
        ("bad-gateway", 502, False),
        ("bad-gateway-after", 502, True),
        ("html", 200, False),
        ("html-after", 200, True),
    ),
)
def test_pages(sandbox: Sandbox, wanted: str, fault: str, status: int, acted: bool) -> None:
    set_fault(sandbox, fault)
    answer = create(sandbox, wanted=wanted)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert "<html>" in answer.text and "success" not in answer.text
    assert_played(sandbox, fault, acted=acted, outcome="none")


@only_documented
@pytest.mark.parametrize("location", (None, "http://127.0.0.1:9/a?b=c&d"))
def test_redirect(sandbox: Sandbox, location: str | None) -> None:
    set_fault(sandbox, "redirect", **({"location": location} if location else {}))
    answer = create(sandbox)
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["Location"] == (location or "http://127.0.0.1:9/elsewhere")
    assert_played(sandbox, "redirect", acted=False, outcome="none")


# The real answer, spoiled


def usual_body(sandbox: Sandbox, wanted: str) -> bytes:
    """The answer to a creation without a fault."""
    body = create(sandbox, "usual@example.com", wanted).content
    sandbox.control("DELETE", "log")
    return body


@only_documented
@FORMATS
@pytest.mark.parametrize("fault", ("half", "empty", "garbage"))
def test_spoiled_bodies_look_complete(sandbox: Sandbox, wanted: str, fault: str) -> None:
    usual = usual_body(sandbox, wanted)
    set_fault(sandbox, fault)
    answer = create(sandbox, wanted=wanted)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(answer.content)))
    if fault == "half":
        assert answer.content == usual[: len(usual) // 2] != b""
    elif fault == "empty":
        assert answer.content == b""
    else:
        assert len(answer.content) == 512 and len(set(answer.content)) > 100
    assert_played(sandbox, fault, acted=True, outcome="none")


@only_documented
def test_garbage_is_new_each_time(sandbox: Sandbox) -> None:
    set_fault(sandbox, "garbage", "list", times=2)
    assert call(sandbox, "list").content != call(sandbox, "list").content


@only_documented
@FORMATS
def test_cut(sandbox: Sandbox, wanted: str) -> None:
    usual = usual_body(sandbox, wanted)
    set_fault(sandbox, "cut")
    path, data = request("create", wanted, **creation())
    with closing(http.client.HTTPConnection("127.0.0.1", port(sandbox), timeout=20)) as connection:
        connection.request("POST", path, urlencode(data), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(usual)))
        with pytest.raises(http.client.IncompleteRead) as failed:
            answer.read()
    assert failed.value.partial == usual[: len(usual) // 2]
    assert_played(sandbox, "cut", acted=True, outcome="none")


@only_observed
def test_empty_answers_can_be_spoiled(sandbox: Sandbox) -> None:
    """The observed service answers an empty list in XML with an empty body."""
    for fault in ("cut", "half", "dtd", "drip"):
        set_fault(sandbox, fault, "list")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call(sandbox, "list", "xml", username="nobody")
    assert call(sandbox, "list", "xml", username="nobody").content == b""
    assert ElementTree.fromstring(call(sandbox, "list", "xml", username="nobody").content).tag == "users"
    assert call(sandbox, "list", "xml", username="nobody").content == b""
    assert [entry["fault"] for entry in sandbox.log()] == ["cut", "half", "dtd", "drip"]


@only_documented
@FORMATS
def test_dtd(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "dtd")
    answer = create(sandbox, wanted=wanted)
    assert answer.status_code == 200
    assert re.match(rb'<\?xml version="1.0" encoding="UTF-8"\?>\n<!DOCTYPE result \[\n<!ELEMENT', answer.content)
    assert ElementTree.fromstring(answer.content).findtext("message") == "success"
    assert_played(sandbox, "dtd", acted=True, outcome="ok")
    assert sandbox.log()[0]["format"] == wanted


@only_documented
def test_dtd_before_an_error(sandbox: Sandbox) -> None:
    set_fault(sandbox, "dtd")
    answer = create(sandbox, "ada@example.com")
    assert (answer.status_code, b"<!DOCTYPE result" in answer.content) == (400, True)
    assert error_message(answer, "documented", "xml") == "Username is already taken"
    assert last(sandbox) == ("dtd", False, "error")


@only_documented
@FORMATS
def test_entities(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "entities")
    answer = create(sandbox, wanted=wanted)
    assert answer.status_code == 200
    declared = dict(re.findall(rb'<!ENTITY (e\d) "([^"]*)">', answer.content))
    assert list(declared) == [f"e{level}".encode() for level in range(10)]
    size = len(declared[b"e0"])
    for level in range(1, 10):
        assert declared[f"e{level}".encode()] == f"&e{level - 1};".encode() * 10
        size *= 10
    assert size == 2 * 10**9
    assert answer.content.endswith(b"<result><message>&e9;</message></result>")
    assert_played(sandbox, "entities", acted=True, outcome="none")


# The real answer, slowly or with much behind it


@FORMATS
def test_delay(sandbox: Sandbox, wanted: str) -> None:
    usual = usual_body(sandbox, wanted)
    set_fault(sandbox, "delay", seconds=0.3)
    begin = time.monotonic()
    answer = create(sandbox, wanted=wanted)
    assert time.monotonic() - begin >= 0.3
    assert (answer.status_code, answer.content) == (200, usual)
    assert_played(sandbox, "delay", acted=True, outcome="ok")


@only_documented
def test_delay_acts_before(sandbox: Sandbox) -> None:
    set_fault(sandbox, "delay", seconds=3600)
    with raw(sandbox, "create", **creation()):
        until(sandbox.log)
        assert_played(sandbox, "delay", acted=True, outcome="ok")


@only_documented
def test_drip(sandbox: Sandbox) -> None:
    usual = usual_body(sandbox, "json")
    set_fault(sandbox, "drip", seconds=0.02)
    begin = time.monotonic()
    path, data = request("create", **creation())
    with sandbox.http.post(sandbox.root + path, data=data, timeout=20, stream=True) as answer:
        assert_played(sandbox, "drip", acted=True, outcome="ok")
        assert answer.headers["Content-Length"] == str(len(usual))
        assert b"".join(answer.iter_content(1)) == usual
    assert time.monotonic() - begin >= 0.02 * len(usual)


@only_documented
@FORMATS
@pytest.mark.parametrize("fault", ("huge", "huge-gzip"))
def test_huge(sandbox: Sandbox, wanted: str, fault: str) -> None:
    usual = usual_body(sandbox, wanted)
    set_fault(sandbox, fault, mebibytes=3)
    answer = create(sandbox, wanted=wanted)
    assert answer.content.rstrip(b" ") == usual
    assert len(answer.content) == len(usual) + 3 * 2**20
    assert "Content-Length" not in answer.headers
    assert answer.headers.get("Content-Encoding") == ("gzip" if fault == "huge-gzip" else None)
    assert_played(sandbox, fault, acted=True, outcome="ok")


@ON_LINUX
@pytest.mark.parametrize("fault", ("huge", "huge-gzip"))
def test_huge_is_not_held_in_memory(start: Callable[..., Sandbox], fault: str) -> None:
    sandbox = start("--fault", f"list:{fault}")

    def peak() -> int:
        """The most memory that the sandbox ever had, in kB."""
        status = Path(f"/proc/{sandbox.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1])

    before = peak()
    path, data = request("list", key=DEMO)
    size = 0
    with sandbox.http.post(sandbox.root + path, data=data, timeout=20, stream=True) as answer:
        unpacker = zlib.decompressobj(wbits=31)
        for piece in answer.raw.stream(2**20, decode_content=False):
            size += len(unpacker.decompress(piece)) if fault == "huge-gzip" else len(piece)
    assert size == 300 * 2**20 + len("[]")
    assert peak() - before < 50_000


# Which calls


@only_documented
def test_nth_and_times(sandbox: Sandbox) -> None:
    set_fault(sandbox, "error-before", "list", nth=3, times=2)
    create(sandbox)
    assert [call(sandbox, "list").status_code for _turn in range(6)] == [200, 200, 500, 500, 200, 200]
    (shown,) = sandbox.control("GET", "faults")
    assert (shown["seen"], shown["played"]) == (6, 2)


@only_documented
def test_counting_begins_when_the_fault_is_set(sandbox: Sandbox) -> None:
    call(sandbox, "list")
    set_fault(sandbox, "error-before", "list", nth=2)
    assert [call(sandbox, "list").status_code for _turn in range(3)] == [200, 500, 200]


@only_documented
@pytest.mark.parametrize("forever", ("forever", None))
def test_for_ever(sandbox: Sandbox, forever: str | None) -> None:
    set_fault(sandbox, "error-before", "list", nth=2, times=forever)
    assert [call(sandbox, "list").status_code for _turn in range(5)] == [200, 500, 500, 500, 500]


@only_documented
@pytest.mark.parametrize(
    ("operation", "expected"),
    (
        ("create", [500, 200, 200, 404]),
        ("writes", [500, 500, 200, 404]),
        ("*", [500, 500, 500, 500]),
        ("check_password", [200, 200, 200, 404]),
    ),
)
def test_which_operations(sandbox: Sandbox, operation: str, expected: list[int]) -> None:
    set_fault(sandbox, "error-before", operation, times="forever")
    seen = [create(sandbox), call(sandbox, "enable", user="ada@example.com"), call(sandbox, "list")]
    seen.append(sandbox.http.post(sandbox.api_url + "/nothing.add.json", timeout=20))
    assert [answer.status_code for answer in seen] == expected


@only_documented
def test_several_faults_due_at_once(sandbox: Sandbox) -> None:
    """The oldest is played, the others keep their turn."""
    for fault in ("error-before", "rate-limit", "unavailable"):
        set_fault(sandbox, fault, "list")
    assert [call(sandbox, "list").status_code for _turn in range(4)] == [500, 429, 503, 200]


def test_entries_without_a_fault(sandbox: Sandbox) -> None:
    set_fault(sandbox, "close-after", nth=2)
    create(sandbox)
    assert last(sandbox) == (None, True, "ok")


@only_documented
def test_log_of_calls_that_are_not_good(sandbox: Sandbox) -> None:
    """Under a fault too, `wrote` is true only if something was written, and strangers stay nameless."""
    set_fault(sandbox, "close-after", "*", times="forever")
    for username, key in (("ada@example.com", ACCOUNT), (NEW, {"api_user": "acme", "api_key": "wrong"})):
        path, data = request("create", key=key, **creation(username))
        with pytest.raises(requests.ConnectionError):
            sandbox.http.post(sandbox.root + path, data=data, timeout=20)
    assert [(entry["wrote"], entry["api_user"]) for entry in sandbox.log()] == [(False, "acme"), (False, None)]
    sandbox.reset()
    set_fault(sandbox, "close-before", "*")
    with pytest.raises(requests.ConnectionError):
        call(sandbox, "list", api_key="wrong")
    assert sandbox.log()[0]["api_user"] is None


# A new customer that is seen late


def listed(sandbox: Sandbox, wanted: str = "json", **filters: str) -> bool:
    """Whether a list shows the new customer."""
    answer = call(sandbox, "list", wanted, **filters)
    assert answer.status_code == 200
    return NEW in answer.text.replace("\\/", "/")


@FORMATS
def test_lag(sandbox: Sandbox, wanted: str) -> None:
    set_fault(sandbox, "lag", calls=4)
    answer = create(sandbox, wanted=wanted)
    assert answer.status_code == 200 and "success" in answer.text
    assert_played(sandbox, "lag", acted=True, outcome="ok")
    stranger = call(sandbox, "enable", wanted, user="nobody@example.com")
    # What is not about the new customer does not count, and neither does a look at the state itself.
    for _turn in range(3):
        call(sandbox, "enable", wanted, user="ada@example.com")
        assert NEW in sandbox.customers()
        assert not listed(sandbox, wanted, username="ada@")
    assert [listed(sandbox, wanted), listed(sandbox, wanted, username="new")] == [False, False]
    late = call(sandbox, "enable", wanted, user=NEW)
    assert (late.status_code, late.content) == (stranger.status_code, stranger.content)
    assert "success" not in call(sandbox, "check_password", wanted, user=NEW, password=PASSWORD).text
    assert listed(sandbox, wanted)
    assert "success" in call(sandbox, "enable", wanted, user=NEW).text
    assert "success" in call(sandbox, "check_password", wanted, user=NEW, password=PASSWORD).text


@only_observed
def test_lag_keeps_the_name_taken_and_hides_no_older_customer(sandbox: Sandbox) -> None:
    set_fault(sandbox, "lag", times=3, calls=2)
    for username in (NEW, NEW, "ada@example.com"):
        create(sandbox, username)
    assert [entry["wrote"] for entry in sandbox.log()] == [True, False, False]
    assert "ada@example.com" in call(sandbox, "list").text
    assert [listed(sandbox), listed(sandbox)] == [False, True]
    set_fault(sandbox, "lag", calls=5)
    create(sandbox, "other@example.com")
    sandbox.reset()
    create(sandbox, "other@example.com")
    assert "other@example.com" in call(sandbox, "list").text


@only_documented
@pytest.mark.parametrize(
    ("settings", "said"),
    (
        ({"operation": "list"}, "lag is a fault for create only"),
        ({"operation": "*"}, "lag is a fault for create only"),
        ({"calls": -1}, "calls must be a whole number from 0 on"),
        ({"calls": False}, "calls must be a whole number from 0 on"),
        ({"seconds": -1}, "seconds must be a number from 0 to 86400"),
        ({"mebibytes": 1}, '"mebibytes" is not a setting of lag'),
    ),
)
def test_lag_is_of_creations_alone(sandbox: Sandbox, settings: dict[str, Any], said: str) -> None:
    answer = post_faults(sandbox, json.dumps({"operation": "create", "fault": "lag", **settings}))
    assert (answer.status_code, answer.json()) == (400, {"message": said})


# Setting and taking away


@only_documented
def test_faults_are_shown(sandbox: Sandbox) -> None:
    assert sandbox.control("GET", "faults") == []
    faults = [
        {"operation": "create", "fault": "close-after", "nth": 2, "times": 3},
        {"operation": "*", "fault": "redirect", "times": "forever"},
        {"operation": "writes", "fault": "drip", "seconds": 0.5},
    ]
    assert post_faults(sandbox, json.dumps(faults)).json() == SUCCESS
    counted = {"seen": 0, "played": 0}
    assert sandbox.control("GET", "faults") == [
        {"operation": "create", "fault": "close-after", "nth": 2, "times": 3, **counted},
        {
            "operation": "*",
            "fault": "redirect",
            "nth": 1,
            "times": "forever",
            "location": "http://127.0.0.1:9/elsewhere",
            **counted,
        },
        {"operation": "writes", "fault": "drip", "nth": 1, "times": 1, "seconds": 0.5, **counted},
    ]
    assert sandbox.control("DELETE", "faults") == SUCCESS
    assert sandbox.control("GET", "faults") == []
    assert create(sandbox).json() == SUCCESS


@only_documented
def test_reset_takes_them_away(sandbox: Sandbox) -> None:
    set_fault(sandbox, "error-before", times="forever")
    sandbox.reset()
    assert sandbox.control("GET", "faults") == []
    assert create(sandbox).json() == SUCCESS


def test_the_command_line(start: Callable[..., Sandbox]) -> None:
    sandbox = start(
        "--fault", "list:rate-limit,seconds=3,nth=2,times=2", "--fault", "writes:redirect,location=http://h/"
    )

    def listed() -> list[int]:
        return [call(sandbox, "list", key=DEMO).status_code for _turn in range(4)]

    assert listed() == [200, 429, 429, 200]
    assert [shown["fault"] for shown in sandbox.control("GET", "faults")] == ["rate-limit", "redirect"]
    set_fault(sandbox, "stall", "*")
    sandbox.reset()
    assert [(shown["fault"], shown["played"]) for shown in sandbox.control("GET", "faults")] == [
        ("rate-limit", 0),
        ("redirect", 0),
    ]
    assert listed() == [200, 429, 429, 200]
    assert call(sandbox, "create", key=DEMO, **creation()).headers["Location"] == "http://h/"
    sandbox.control("DELETE", "faults")
    assert listed() == [200, 200, 200, 200]
    sandbox.reset()
    assert listed() == [200, 429, 429, 200]


@only_documented
@pytest.mark.parametrize(
    ("body", "said"),
    (
        ("", "A fault must be a JSON object, or a list of them"),
        ("{", "A fault must be a JSON object"),
        ("[" * 100_000, "A fault must be a JSON object"),
        ("[1]", "A fault must be a JSON object"),
        ("{}", "null is not an operation"),
        ('{"operation": "nothing", "fault": "stall"}', '"nothing" is not an operation, * or writes'),
        ('{"operation": ["*"], "fault": "stall"}', "is not an operation"),
        ('{"operation": "*"}', "null is not a fault"),
        ('{"operation": "*", "fault": "boom\\n"}', '"boom\\n" is not a fault'),
        ('{"operation": "*", "fault": {}}', "{} is not a fault"),
        ('{"operation": "*", "fault": "stall", "nth": 0}', "nth must be a whole number"),
        ('{"operation": "*", "fault": "stall", "nth": true}', "nth must be a whole number"),
        ('{"operation": "*", "fault": "stall", "times": 0}', "times must be a whole number from 1 on, or forever"),
        ('{"operation": "*", "fault": "stall", "times": "3"}', "times must be"),
        ('{"operation": "*", "fault": "stall", "seconds": -1}', "seconds must be a number from 0 to 86400"),
        ('{"operation": "*", "fault": "stall", "seconds": NaN}', "seconds must be"),
        ('{"operation": "*", "fault": "stall", "seconds": "1"}', "seconds must be"),
        ('{"operation": "*", "fault": "close-after", "seconds": 1}', '"seconds" is not a setting of close-after'),
        ('{"operation": "*", "fault": "huge", "mebibytes": 1.5}', "mebibytes must be a whole number from 1 to 100000"),
        ('{"operation": "*", "fault": "redirect", "location": "http://a/\\r\\nX: y"}', "location must be a URL"),
    ),
)
def test_bad_faults(sandbox: Sandbox, body: str, said: str) -> None:
    answer = post_faults(sandbox, body)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    message = answer.json()["message"]
    assert said in message and "\n" not in message and len(message) < 120
    assert sandbox.control("GET", "faults") == []


@only_documented
def test_one_bad_fault_spoils_the_list(sandbox: Sandbox) -> None:
    good = {"operation": "*", "fault": "close-after"}
    assert post_faults(sandbox, json.dumps([good, {**good, "fault": "boom"}])).status_code == 400
    assert sandbox.control("GET", "faults") == []


@pytest.mark.parametrize(
    ("fault", "said"),
    (
        ("close-after", '"close-after" does not begin with OPERATION:FAULT'),
        ("create:boom", '"boom" is not a fault'),
        ("boom:stall", '"boom" is not an operation'),
        ("create:stall,seconds", '"seconds" is not SETTING=VALUE'),
        ("create:stall,seconds=1,seconds=2", '"seconds" appears twice'),
        ("create:stall,fault=html", '"fault" appears twice'),
        ("create:stall,seconds=soon", "seconds must be a number"),
        ("create:stall,nth=1.5", "nth must be a whole number"),
        ("create:stall,times=often", "times must be"),
    ),
)
def test_bad_faults_of_the_command_line(fault: str, said: str) -> None:
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", "--fault", fault]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr


@only_documented
def test_every_fault_can_be_set_and_is_described(sandbox: Sandbox) -> None:
    described = (ROOT / "tests/sandbox/README.md").read_text(encoding="utf-8")
    for name in KINDS:
        set_fault(sandbox, name, KINDS[name].only_operation or "create")
        assert f"| `{name}` |" in described
    assert [shown["fault"] for shown in sandbox.control("GET", "faults")] == list(KINDS)


@pytest.mark.parametrize(("peer", "status"), (("127.0.0.1", 200), ("192.0.2.7", 403)))
@pytest.mark.parametrize("verb", ("GET", "POST", "DELETE"))
def test_only_this_machine_may_set_faults(peer: str, status: int, verb: str) -> None:
    """Called without a socket: the program itself listens where no other machine can reach it."""
    service = Service(Store(), "documented", DEFAULT_SEED)
    scope: Scope = {
        "type": "http",
        "method": verb,
        "path": "/_sandbox/faults",
        "headers": [],
        "query_string": b"",
        "client": (peer, 4711),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"operation": "*", "fault": "html"}', "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(create_app(service)(scope, receive, send))
    assert sent[0]["status"] == status
    assert len(service.fault_plan.describe()) == (1 if (verb, status) == ("POST", 200) else 0)


# Many clients


@pytest.mark.parametrize("behaviour", ("documented", "observed"))
def test_64_clients_and_faults(start: Callable[..., Sandbox], behaviour: str) -> None:
    """Each client asks again until it is answered. The stored customers are those that the log says were written."""
    sandbox = start("--behaviour", behaviour)
    dice = random.Random(4711)
    names = ("close-after", "close-before", "error-after", "error-before", "cut", "html-after")
    faults = [
        {"operation": dice.choice(("create", "writes", "*")), "fault": dice.choice(names), "nth": dice.randint(1, 300)}
        for _turn in range(120)
    ]
    assert post_faults(sandbox, json.dumps(faults)).status_code == 200
    ready = threading.Barrier(64)

    def work(number: int) -> int:
        """Each client has three customers, and all want one shared name. Returns the number of calls."""
        calls = 0
        with requests.Session() as client:
            client.trust_env = False
            ready.wait(timeout=20)
            for username in (*(f"{number}-{item}@example.com" for item in range(3)), "contested@example.com"):
                answered = False
                while not answered:
                    path, data = request("create", key=DEMO, **creation(username))
                    calls += 1
                    try:
                        answer = client.post(sandbox.root + path, data=data, timeout=30)
                        answered = answer.status_code < 500 and answer.text.startswith("{")
                    except requests.RequestException:
                        pass
        return calls

    with ThreadPoolExecutor(64) as pool:
        calls = sum(pool.map(work, range(64)))
    log = sandbox.log()
    played = Counter(entry["fault"] for entry in log if "fault" in entry)
    assert len(log) == calls == 64 * 4 + sum(played.values())
    assert played == Counter(fault["fault"] for fault in faults)
    stored = [customer["username"] for customer in sandbox.control("GET", "customers")]
    assert sorted(stored) == sorted(entry["user"] for entry in log if entry["wrote"])
    own = [f"{number}-{item}@example.com" for number in range(64) for item in range(3)]
    assert sorted(stored) == sorted([*own, "contested@example.com"])
    undone = {"close-before", "error-before"}
    assert not any(entry["wrote"] for entry in log if entry.get("fault") in undone)


# The program


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_clean_stop_while_faults_are_under_way(start: Callable[..., Sandbox], number: int) -> None:
    sandbox = start()
    slow: dict[str, dict[str, Any]] = {
        "stall": {},
        "drip": {"seconds": 3600},
        "delay": {"seconds": 3600},
        "slow-act": {"seconds": 3600},
        "huge": {"mebibytes": 1000},
        "huge-gzip": {"mebibytes": 100_000},
    }
    with ExitStack() as opened:
        for fault, settings in slow.items():
            set_fault(sandbox, fault, "*", **settings)
        for fault in slow:
            opened.enter_context(raw(sandbox, "list", key=DEMO))
            until(partial(is_logged, sandbox, fault))
        assert [entry["fault"] for entry in sandbox.log()] == list(slow)
        # One that never sends the whole of its call.
        half = opened.enter_context(socket.create_connection(("127.0.0.1", port(sandbox))))
        half.sendall(b"POST /apiv2/reseller.add.json HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 99\r\n\r\napi_user=")
        # Nothing of it ends by itself before the patience of whoever waits for the stop.
        assert sandbox.stop(number) == (0, "", "")


@pytest.mark.parametrize("attempt", range(2))
def test_clean_stop_while_clients_arrive(start: Callable[..., Sandbox], attempt: int) -> None:
    """One may come in the very moment of the stop. To meet that moment takes luck: hence many, and two attempts."""
    sandbox = start("--fault", "list:huge-gzip,mebibytes=100000,times=forever", "--fault", "create:stall")
    stopped = threading.Event()
    with ExitStack() as opened:
        for _turn in range(3):
            opened.enter_context(raw(sandbox, "list", key=DEMO))

        def arrive() -> None:
            while not stopped.wait(0.002):
                try:
                    client = socket.create_connection(("127.0.0.1", port(sandbox)), timeout=5)
                    opened.enter_context(client).sendall(b"POST /apiv2/reseller.add.json HTTP/1.1\r\n")
                except OSError:
                    return

        with ThreadPoolExecutor(1) as pool:
            pool.submit(arrive)
            until(sandbox.log)
            try:
                assert sandbox.stop() == (0, "", "")
            finally:
                stopped.set()


@pytest.mark.parametrize("module", ("uvicorn", "starlette", "python_multipart"))
def test_a_library_that_is_missing(module: str) -> None:
    program = (
        f"import runpy, sys; sys.modules[{module!r}] = None; runpy.run_module('tests.sandbox', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    needs = ROOT / "tests" / "sandbox" / "requirements.txt"
    command = shlex.join([sys.executable, "-m", "pip", "install", "-r", str(needs)])
    said = f"The sandbox needs the Python module {module}, which is not installed. Install its requirements with:"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said}\n\n    {command}\n\n")
    assert module.replace("_", "-") in needs.read_text(encoding="utf-8")
