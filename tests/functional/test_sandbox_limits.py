# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections, calls at the same time, the rate limit and large fleets of the sandbox, over a real socket."""

from __future__ import annotations

import itertools
import math
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import requests

from tests.sandbox import fleet

from .running import ROOT, Sandbox

DEMO = {"api_user": "demo", "api_key": "demo-key-1234"}
SUCCESS = {"message": "success"}
LIST = {"method": "profile", "task": "get"}


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes. None may have complained at the end."""
    started: list[Sandbox] = []

    def run(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield run
    for item in started:
        assert item.stop() == (0, "", "")


@pytest.fixture(scope="module")
def _shared() -> Iterator[Sandbox]:
    running = Sandbox()
    yield running
    assert running.stop() == (0, "", "")


@pytest.fixture
def shared(_shared: Sandbox) -> Sandbox:
    """A sandbox without options in its seeded state."""
    _shared.reset()
    return _shared


def session() -> requests.Session:
    """A client with its own connection, which stays open."""
    made = requests.Session()
    made.trust_env = False
    return made


def manage(
    sandbox: Sandbox, client: requests.Session | None = None, wanted: str = "json", **parameters: Any
) -> requests.Response:
    """A call of `reseller.manage`; what is not in `parameters` makes it a list of the account `demo`."""
    data = {**DEMO, **LIST, **parameters}
    return (client or sandbox.http).post(f"{sandbox.api_url}/reseller.manage.{wanted}", data=data, timeout=30)


def bare(sandbox: Sandbox, source: int = 0) -> socket.socket:
    """A socket, from the port `source` where one is given, on which a whole call was sent and nothing read."""
    body = urlencode({**DEMO, **LIST})
    opened = socket.socket()
    opened.settimeout(20)
    # Without a goodbye at the close, so that the port is free again at once.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.bind(("127.0.0.1", source))
    opened.connect(("127.0.0.1", int(sandbox.root.rpartition(":")[2])))
    head = "POST /apiv2/reseller.manage.json HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    opened.sendall((head + body).encode())
    return opened


def refused(*options: str) -> str:
    """What the program says to options with which it does not start."""
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def logged(sandbox: Sandbox, key: str) -> list[Any]:
    return [entry[key] for entry in sandbox.log()]


# Connections


def test_calls_over_one_kept_connection_have_one_number(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    with session() as first, session() as second:
        for client in (first, first, second, first, second):
            manage(sandbox, client)
        assert logged(sandbox, "connection") == [1, 1, 2, 1, 2]
        sandbox.control("DELETE", "log")
        manage(sandbox, second)
        assert logged(sandbox, "connection") == [2]
        sandbox.reset()
        manage(sandbox, second)
        manage(sandbox, first)
        assert logged(sandbox, "connection") == [1, 2]


def test_a_port_that_comes_again_is_another_connection(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    ports = []
    source = 0
    for _turn in range(3):
        with bare(sandbox, source) as opened:
            assert opened.recv(1000).startswith(b"HTTP/1.1 200")
            source = opened.getsockname()[1]
            ports.append(source)
    assert len(set(ports)) == 1
    assert logged(sandbox, "connection") == [1, 2, 3]


def test_the_log_after_some_entries(shared: Sandbox) -> None:
    for task in ("get", "set", "setEmail"):
        manage(shared, task=task)
    assert [entry["operation"] for entry in shared.log(after=1)] == ["set_profile", "set_email"]
    assert shared.log(after=0) == shared.control("GET", "log")
    assert shared.log(after=3) == shared.log(after=10**8) == []
    shared.control("DELETE", "log")
    manage(shared)
    assert [entry["operation"] for entry in shared.log(after=0)] == ["list"]
    assert shared.log(after=1) == []


@pytest.mark.parametrize("after", ("-1", "one", "", "1" * 30))
def test_a_log_after_nonsense(shared: Sandbox, after: str) -> None:
    answer = shared.http.get(f"{shared.root}/_sandbox/log", params={"after": after}, timeout=20)
    assert (answer.status_code, answer.json()) == (400, {"message": "after must be a whole number from 0 on"})


# Calls at the same time


def test_calls_under_way_are_counted_until_their_end(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    sandbox.set_fault("list", "stall", times=3)
    with ExitStack() as opened:
        for calls in range(1, 4):
            opened.enter_context(bare(sandbox))
            until(lambda: len(sandbox.log()) == calls)  # noqa: B023 - it is over before the next turn
        for _turn in range(2):
            manage(sandbox)
        assert logged(sandbox, "in_flight") == [1, 2, 3, 4, 4]
    # The service learns by and by that the three clients are gone.
    until(lambda: manage(sandbox).ok and logged(sandbox, "in_flight")[-1] == 1)


def test_eight_clients_are_never_nine_calls(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--fault", "*:delay,seconds=0.1,times=forever")
    ready = threading.Barrier(8)

    def work(_number: int) -> None:
        with session() as client:
            ready.wait(timeout=20)
            for _call in range(10):
                manage(sandbox, client)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert max(logged(sandbox, "in_flight")) == 8
    assert set(logged(sandbox, "connection")) == set(range(1, 9))
    assert len(sandbox.log()) == 80


# The rate limit


def set_limit(sandbox: Sandbox, body: str) -> requests.Response:
    return sandbox.http.post(f"{sandbox.root}/_sandbox/limit", data=body, timeout=20)


def standing(answer: requests.Response) -> tuple[int, int, int]:
    """Status, limit and remaining calls, after a look at the end of the window."""
    reset = answer.headers["x-ratelimit-reset"]
    assert reset.isdecimal()
    assert time.time() - 1 < int(reset) <= math.ceil(time.time() + 60)
    return answer.status_code, int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


@pytest.mark.parametrize("behaviour", ("documented", "observed"))
@pytest.mark.parametrize("wanted", ("json", "xml"))
def test_a_call_beyond_the_limit(start: Callable[..., Sandbox], behaviour: str, wanted: str) -> None:
    sandbox = start("--behaviour", behaviour, "--demo", "--rate-limit", "2/60")
    user = next(iter(sandbox.customers()))
    change = {"task": "set", "user": user, "city": "Elsewhere"}
    answers = [manage(sandbox, wanted=wanted, **changes) for changes in ({}, change, {**change, "city": "Nowhere"}, {})]
    assert [standing(answer) for answer in answers] == [(200, 2, 1), (200, 2, 0), (429, 2, 0), (429, 2, 0)]
    assert len({answer.headers["x-ratelimit-reset"] for answer in answers}) == 1
    assert "Too many requests" in answers[2].text
    assert ("errors" in answers[2].text) == (behaviour == "documented")
    assert sandbox.customers()[user]["city"] == "Elsewhere"
    assert logged(sandbox, "operation") == ["list", "set_profile", "set_profile", "list"]
    assert logged(sandbox, "wrote") == [False, True, False, False]
    assert logged(sandbox, "outcome") == ["ok", "ok", "error", "error"]
    assert logged(sandbox, "api_user") == ["demo"] * 4
    assert [entry.get("limited") for entry in sandbox.log()] == [None, None, True, True]


def test_calls_go_on_in_the_next_window(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--rate-limit", "1/1.5")
    assert standing(manage(sandbox)) == (200, 1, 0)
    first = int(manage(sandbox).headers["x-ratelimit-reset"])
    until(lambda: time.time() >= first)
    assert standing(manage(sandbox)) == (200, 1, 0)
    assert [entry["outcome"] for entry in sandbox.log()] == ["ok", "error", "ok"]


def test_each_account_has_its_own_limit(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--rate-limit", "1/60")
    statuses = {}
    for api_user in ("demo", "stranger", None):
        answers = [manage(sandbox, api_user=api_user, api_key="wrong") for _turn in range(2)]
        statuses[api_user] = [standing(answer) for answer in answers]
    assert statuses == {name: [(401, 1, 0), (429, 1, 0)] for name in ("demo", "stranger", None)}
    assert [entry.get("limited", False) for entry in sandbox.log()] == [False, True] * 3
    assert logged(sandbox, "api_user") == [None] * 6


def test_whatever_is_answered_counts(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--rate-limit", "4/60")
    assert standing(manage(sandbox, task="nonsense")) == (404, 4, 3)
    elsewhere = sandbox.http.post(f"{sandbox.api_url}/nothing.add.json", data=DEMO, timeout=20)
    assert standing(elsewhere) == (404, 4, 2)
    verb = sandbox.http.put(f"{sandbox.api_url}/reseller.manage.json", params={**DEMO, **LIST}, timeout=20)
    assert standing(verb) == (405, 4, 1)


def test_the_limit_of_the_control_address(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--rate-limit", "600/60")
    assert sandbox.control("GET", "limit") == {"calls": 600, "seconds": 60}
    assert set_limit(sandbox, '{"calls": 1, "seconds": 59.5}').json() == SUCCESS
    assert sandbox.control("GET", "limit") == {"calls": 1, "seconds": 59.5}
    assert [manage(sandbox).status_code for _turn in range(2)] == [200, 429]
    assert set_limit(sandbox, '{"calls": 1, "seconds": 59.5}').ok
    assert manage(sandbox).status_code == 200
    sandbox.control("DELETE", "limit")
    assert sandbox.control("GET", "limit") is None
    free = manage(sandbox)
    assert (free.status_code, [name for name in free.headers if "ratelimit" in name.lower()]) == (200, [])
    sandbox.reset()
    assert sandbox.control("GET", "limit") == {"calls": 600, "seconds": 60}
    assert standing(manage(sandbox)) == (200, 600, 599)
    sandbox.reset()
    assert standing(manage(sandbox)) == (200, 600, 599)


@pytest.mark.parametrize(
    ("body", "said"),
    (
        ("{", "must be a JSON object"),
        ("[]", "must be a JSON object"),
        ('{"calls": 1}', "with calls and seconds"),
        ('{"calls": 0, "seconds": 1}', "calls must be a whole number from 1 on"),
        ('{"calls": true, "seconds": 1}', "calls must be"),
        ('{"calls": 1, "seconds": 0}', "seconds must be more than 0"),
        ('{"calls": 1, "seconds": "1"}', "seconds must be a number"),
        ('{"calls": 1, "seconds": NaN}', "seconds must be a number"),
    ),
)
def test_a_limit_that_cannot_be_set(shared: Sandbox, body: str, said: str) -> None:
    answer = set_limit(shared, body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert shared.control("GET", "limit") is None


@pytest.mark.parametrize("text", ("600", "600/", "/60", "0/60", "1.5/60", "600/0", "600/x", "-1/60"))
def test_a_limit_that_the_command_line_refuses(text: str) -> None:
    assert refused(f"--rate-limit={text}").startswith("Argument --rate-limit: ")


def test_limit_and_faults(start: Callable[..., Sandbox]) -> None:
    """A fault counts the calls that the limit lets through, and what it answers has the headers of the limit."""
    sandbox = start("--rate-limit", "6/60", "--fault", "list:error-before,times=2", "--fault", "*:delay,nth=3,times=2")
    sandbox.set_fault("list", "rate-limit-reset", nth=5, seconds=5)
    sandbox.set_fault("list", "drip", nth=6, seconds=0)
    answers = [manage(sandbox) for _turn in range(8)]
    assert [(answer.status_code, answer.headers["x-ratelimit-remaining"]) for answer in answers] == [
        *((500, "5"), (500, "4"), (200, "3"), (200, "2")),
        # The fault's own headers stay as they are.
        *((429, "0"), (200, "0"), (429, "0"), (429, "0")),
    ]
    assert [answer.headers["x-ratelimit-limit"] for answer in answers] == ["6"] * 4 + ["600"] + ["6"] * 3
    log = sandbox.log()
    faults = ["error-before", "error-before", "delay", "delay", "rate-limit-reset", "drip", None, None]
    assert [entry.get("fault") for entry in log] == faults
    assert [entry.get("limited", False) for entry in log] == [False] * 6 + [True] * 2
    assert {fault["seen"] for fault in sandbox.control("GET", "faults")} == {6}


def test_the_limit_holds_for_many_clients(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--rate-limit", "50/60")

    def work(_number: int) -> list[int]:
        with session() as client:
            return [manage(sandbox, client).status_code for _call in range(10)]

    with ThreadPoolExecutor(16) as pool:
        statuses = list(itertools.chain.from_iterable(pool.map(work, range(16))))
    assert (statuses.count(200), statuses.count(429)) == (50, 110)
    assert len([entry for entry in sandbox.log() if entry.get("limited")]) == 110


# Large fleets

FLEET = 10_000


@pytest.fixture(scope="module", params=("documented", "observed"))
def large(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox with a fleet of FLEET customers. The tests leave it as it was."""
    running = Sandbox("--behaviour", request.param, "--customers", str(FLEET))
    yield running
    assert running.stop() == (0, "", "")


@pytest.mark.parametrize("wanted", ("json", "xml"))
def test_a_large_fleet_is_listed_as_it_was_made(large: Sandbox, wanted: str) -> None:
    answer = manage(large, wanted=wanted)
    if wanted == "json":
        rows = answer.json()
    else:
        rows = [{field.tag: field.text or "" for field in user} for user in ElementTree.fromstring(answer.content)]
    assert len(rows) == FLEET
    hidden = ("password", "company", "package", "whitelabel")
    for number, row in enumerate(rows, 1):
        shown = {name: value for name, value in fleet.customer(number).items() if name not in hidden}
        assert {**row, **shown, "active": "true"} == row


def test_all_that_is_stored_of_a_large_fleet(large: Sandbox) -> None:
    stored = large.customers()
    assert len(stored) == FLEET
    for number in (1, 2, FLEET):
        made = fleet.customer(number)
        password = made.pop("password")
        customer = stored[made["username"]]
        assert {**customer, **made, "account": "demo", "active": True, "website_access": True} == customer
        assert manage(large, method="auth", user=made["username"], password=password).json() == SUCCESS
        assert manage(large, method="auth", user=made["username"], password="other-4711").json() != SUCCESS


def test_the_next_customer_of_a_fleet_can_be_created(large: Sandbox) -> None:
    made = fleet.customer(FLEET + 1)
    data = {**DEMO, **made, "confirm_password": made["password"]}
    answers = [large.http.post(f"{large.api_url}/reseller.add.json", data=data, timeout=20) for _turn in range(2)]
    assert [answer.json() == SUCCESS for answer in answers] == [True, False]
    large.reset()
    assert list(large.customers()) == [fleet.customer(number)["username"] for number in range(1, FLEET + 1)]


def test_the_readme_shows_the_first_customer() -> None:
    described = (ROOT / "tests/sandbox/README.md").read_text(encoding="utf-8")
    for name, value in fleet.customer(1).items():
        assert f"| `{name}` | `{value}` |\n" in described


@pytest.mark.parametrize("number", ("-1", "many", "1.5", "1000001"))
def test_a_fleet_that_is_refused(number: str) -> None:
    assert "is not a number of customers" in refused(f"--customers={number}")
    assert "not allowed with" in refused("--customers", "1", "--demo")
