# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real service did to others, switched on in the sandbox: by a control address and on the command line."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.seed import DEMO_V3_KEY

from . import sandbox_v3
from .running import ROOT
from .sandbox_v3 import NAMES, OTHER_V3_KEY, Sandbox, by_behaviour, creation, messages, path_of

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA, BEN, EVA = NAMES
NEW = "new@example.com"
OFF = {
    "hide_disabled": False,
    "page_ceiling": None,
    "ignore_on_behalf_of": "never",
    "single_ip": False,
    "without_effect": [],
}


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts further sandboxes. None may have complained at the end."""
    started: list[Sandbox] = []

    def run(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield run
    for item in started:
        assert item.stop() == (0, "", "")


def switch(sandbox: Sandbox, **switches: Any) -> None:
    sandbox.set("switches", switches)


def post(sandbox: Sandbox, name: str, body: str) -> requests.Response:
    return sandbox.http.post(f"{sandbox.root}/_sandbox/{name}", data=body, timeout=30)


# Switches


def test_disabled_customers_are_hidden_from_lists(sandbox: Sandbox) -> None:
    switch(sandbox, hide_disabled=True)
    assert sandbox.names() == [ADA, EVA]
    assert sandbox.names(username=BEN) == []
    assert sandbox.names(limit=1, offset=1) == [EVA]
    assert sandbox.v3("GET", path_of(BEN)).json()["disabled"] is True
    assert messages(sandbox.create(BEN)) == ["username exists"]
    assert sandbox.v3("GET", "user/username", on_behalf_of=BEN).ok
    assert BEN in sandbox.v2_rows()
    assert sandbox.v3("PATCH", path_of(BEN), {"disabled": False}).ok
    assert sandbox.names() == NAMES


def test_a_page_ceiling(sandbox: Sandbox) -> None:
    switch(sandbox, page_ceiling=2)
    assert sandbox.names(limit=500) == sandbox.names() == NAMES[:2]
    assert sandbox.names(limit=1) == NAMES[:1]
    # The offset counts customers, not pages.
    assert sandbox.names(limit=500, offset=1) == NAMES[1:]
    assert sandbox.names(limit=500, offset=2) == NAMES[2:]
    assert sandbox.names(limit=500, offset=3) == []
    assert len(sandbox.v2_rows()) == 3


@pytest.mark.parametrize(
    ("how", "unheard"),
    (
        ("never", ()),
        ("lower-case", ("on-behalf-of",)),
        ("always", ("on-behalf-of", "On-Behalf-Of", "ON-BEHALF-OF")),
    ),
)
def test_a_header_that_is_not_heard(sandbox: Sandbox, how: str, unheard: tuple[str, ...]) -> None:
    switch(sandbox, ignore_on_behalf_of=how)
    for name in ("on-behalf-of", "On-Behalf-Of", "ON-BEHALF-OF"):
        city = f"Elsewhere of {name}"
        assert sandbox.v3("PATCH", "user/profile", {"city": city}, headers={name: ADA}).ok
        assert (sandbox.account()["city"] == city) is (name in unheard)
        assert (sandbox.stored(ADA)["city"] == city) is (name not in unheard)
        shown = sandbox.v3("GET", "user/username", headers={name: ADA}).json()["username"]
        assert shown == ("acme" if name in unheard else ADA)
    # The log has what was sent.
    assert {(entry["user"], entry["on_behalf_of"]) for entry in sandbox.log()} == {(ADA, ADA)}


def test_success_without_effect(sandbox: Sandbox) -> None:
    switch(sandbox, without_effect=["create", "disable", "set_profile", "delete"])
    before = (sandbox.customers(), sandbox.control("GET", "accounts"))
    created = sandbox.create(NEW)
    assert created.status_code == by_behaviour(sandbox, 200, 201)
    assert created.json()["username"] == NEW
    assert sandbox.v3("PATCH", path_of(ADA), {"disabled": True}).status_code == 204
    changed = sandbox.v3("PATCH", "user/profile", {"city": "Bath"}, on_behalf_of=ADA)
    assert changed.json()["city"] == "Bath"
    assert sandbox.v3("PATCH", "user/profile", {"city": "Bath"}).json()["city"] == "Bath"
    assert sandbox.v3("DELETE", path_of(ADA)).status_code == 204
    assert sandbox.v2("delete", user=ADA).json() == {"message": "success"}
    assert (sandbox.customers(), sandbox.control("GET", "accounts")) == before
    assert sandbox.v3("GET", path_of(NEW)).status_code == 404
    log = sandbox.log()[:6]
    assert {(entry["attempted_write"], entry["wrote"], entry["outcome"]) for entry in log} == {(True, False, "ok")}
    # What is refused is refused, and other operations take effect.
    assert messages(sandbox.create(ADA)) == ["username exists"]
    assert sandbox.v3("PATCH", path_of(BEN), {"disabled": False}).ok
    assert sandbox.stored(BEN)["active"] is True
    switch(sandbox, without_effect=["writes"])
    assert sandbox.v3("PUT", "user/email", {"email": "a@b.example"}, on_behalf_of=ADA).ok
    assert sandbox.stored(ADA)["email"] == "mail-of@ada.example"
    switch(sandbox, without_effect=[])
    assert sandbox.create(NEW).ok
    assert NEW in sandbox.customers()


def test_a_late_call_without_effect(sandbox: Sandbox) -> None:
    switch(sandbox, without_effect=["create"])
    sandbox.set_fault("create", "slow-act", seconds=0)
    with pytest.raises(requests.ConnectionError):
        sandbox.create(NEW)
    sandbox.set_fault("create", "lag", calls=0, seconds=3600)
    sandbox.create(NEW)
    switch(sandbox, without_effect=[])
    assert [entry["wrote"] for entry in sandbox.log()] == [False, False]
    # The lag was that of a customer that was never made.
    assert sandbox.create(NEW).ok
    assert sandbox.v3("GET", path_of(NEW)).ok


def test_switches_are_shown_and_set_one_by_one(sandbox: Sandbox) -> None:
    assert sandbox.control("GET", "switches") == OFF
    switch(sandbox, page_ceiling=7)
    switch(sandbox, without_effect=["create"])
    assert sandbox.control("GET", "switches") == {**OFF, "page_ceiling": 7, "without_effect": ["create"]}
    switch(sandbox, page_ceiling=None)
    assert sandbox.control("GET", "switches") == {**OFF, "without_effect": ["create"]}
    assert sandbox.control("DELETE", "switches") == {"message": "success"}
    assert sandbox.control("GET", "switches") == OFF


@pytest.mark.parametrize(
    ("body", "said"),
    (
        ("", "Switches must be a JSON object"),
        ("[]", "Switches must be a JSON object"),
        ('{"nothing": 1}', '"nothing" is not a switch'),
        ('{"page_ceiling": 0}', "page_ceiling must be a whole number from 1 on, or null"),
        ('{"hide_disabled": 1}', "hide_disabled must be true or false"),
        ('{"ignore_on_behalf_of": "upper-case"}', "ignore_on_behalf_of must be one of: never, lower-case, always"),
        ('{"ignore_on_behalf_of": {}}', "ignore_on_behalf_of must be one of"),
        ('{"without_effect": "create"}', "without_effect must be a list of operations"),
        ('{"without_effect": ["boom"]}', '"boom" is neither an operation nor writes'),
        ('{"without_effect": [{}]}', "{} is neither an operation nor writes"),
        ('{"hide_disabled": true, "page_ceiling": -1}', "page_ceiling must be"),
    ),
)
def test_switches_that_cannot_be_set(sandbox: Sandbox, body: str, said: str) -> None:
    answer = post(sandbox, "switches", body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert sandbox.control("GET", "switches") == OFF


def test_switches_of_the_command_line(start: Callable[..., Sandbox]) -> None:
    options = ("--demo", "--hide-disabled", "--page-ceiling", "2", "--ignore-on-behalf-of", "lower-case")
    sandbox = start(*options, "--without-effect", "create", "--without-effect", "enable")
    described = {
        "hide_disabled": True,
        "page_ceiling": 2,
        "ignore_on_behalf_of": "lower-case",
        "single_ip": False,
        "without_effect": ["create", "enable"],
    }
    assert sandbox.control("GET", "switches") == described
    assert len(sandbox.v3("GET", "subusers", key=DEMO_V3_KEY).json()) == 2
    sandbox.control("DELETE", "switches")
    assert len(sandbox.v3("GET", "subusers", key=DEMO_V3_KEY).json()) == 10
    sandbox.reset()
    assert sandbox.control("GET", "switches") == described


@pytest.mark.parametrize(
    ("option", "said"),
    (
        ("--page-ceiling=0", "page_ceiling must be a whole number from 1 on"),
        ("--page-ceiling=many", "page_ceiling must be a whole number from 1 on"),
        ("--ignore-on-behalf-of=upper", "invalid choice"),
        ("--without-effect=boom", '"boom" is neither an operation nor writes'),
        ("--endpoint-limit=1/5", "is not ENDPOINT=CALLS/SECONDS"),
        ("--endpoint-limit=POST /v3/nothing=1/5", '"POST /v3/nothing" is neither a verb and route nor *'),
        ("--endpoint-limit=POST /v3/subusers=0/5", "calls must be a whole number from 1 on"),
        ("--endpoint-limit=POST /v3/subusers=1/5,quiet", "is not silent, and nothing else can follow a limit"),
    ),
)
def test_options_that_are_refused(option: str, said: str) -> None:
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr


# A new customer that is seen late


def sightings(sandbox: Sandbox, name: str = NEW) -> list[bool]:
    """Whether a list, a read of one and a call on behalf know a customer."""
    return [
        name in sandbox.names(),
        sandbox.v3("GET", path_of(name)).ok,
        sandbox.v3("GET", "user/username", on_behalf_of=name).ok,
    ]


def test_lag_in_calls(sandbox: Sandbox) -> None:
    # A list that would show the new one counts, a call about another one does not.
    sandbox.set_fault("create", "lag", calls=5)
    assert sandbox.create(NEW).ok
    assert sightings(sandbox, ADA) == [True, True, True]
    assert sightings(sandbox) == [False, False, False]
    assert messages(sandbox.create(NEW)) == ["username exists"]
    assert sandbox.v3("PATCH", path_of(NEW), {"disabled": True}).status_code == 400
    assert sightings(sandbox) == [True, True, True]
    assert sandbox.v3("GET", path_of(NEW)).json()["disabled"] is False


def test_lag_in_seconds(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "lag", calls=0, seconds=0.7)
    begin = time.monotonic()
    assert sandbox.create(NEW).ok
    assert sightings(sandbox) == [False, False, False]
    assert NEW not in sandbox.v2_rows()
    assert time.monotonic() - begin < 0.7, "the machine is too slow for this test"
    while not sandbox.v3("GET", path_of(NEW)).ok:
        assert time.monotonic() - begin < 15
    assert time.monotonic() - begin >= 0.7
    assert sightings(sandbox) == [True, True, True]


def test_lag_answers_like_an_unknown_name(sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "lag", calls=3)
    sandbox.create(NEW)
    for verb, path, header in (
        ("GET", "subusers/{}", {}),
        ("DELETE", "subusers/{}", {}),
        ("GET", "user/username", {"On-Behalf-Of": "{}"}),
    ):
        late, unknown = [
            sandbox.v3(verb, path.format(name), headers={key: value.format(name) for key, value in header.items()})
            for name in (NEW, "nobody@example.com")
        ]
        assert (late.status_code, late.content) == (unknown.status_code, unknown.content)
    assert NEW in sandbox.customers()


def test_lag_does_not_shift_pages(sandbox: Sandbox) -> None:
    sandbox.create("first@example.com")
    sandbox.set_fault("create", "lag", calls=2)
    sandbox.create(NEW)
    sandbox.create("last@example.com")
    visible = [*NAMES, "first@example.com", "last@example.com"]
    assert [sandbox.names(limit=4), sandbox.names(limit=4, offset=4)] == [visible[:4], visible[4:]]
    assert sandbox.names() == [*visible[:4], NEW, "last@example.com"]


# Rate limits


def set_endpoint_limit(sandbox: Sandbox, endpoint: str, calls: int, seconds: float = 60) -> None:
    sandbox.set("endpoint-limits", {"endpoint": endpoint, "calls": calls, "seconds": seconds})


def remaining(answer: requests.Response) -> tuple[int, int, int]:
    """Status, limit and remaining calls, after a look at the end of the window."""
    reset = answer.headers["x-ratelimit-reset"]
    assert reset.isdecimal()
    assert time.time() - 1 < int(reset) <= math.ceil(time.time() + 60)
    return answer.status_code, int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


def spelled(answer: requests.Response) -> list[str]:
    return [name for name in answer.raw.headers if name.lower().startswith("x-ratelimit")]


def test_each_endpoint_has_its_own_limit(sandbox: Sandbox) -> None:
    created = by_behaviour(sandbox, 200, 201)
    set_endpoint_limit(sandbox, "POST /v3/subusers", 2)
    answers = [sandbox.create(f"{number}@example.com") for number in range(3)]
    assert [remaining(answer) for answer in answers] == [(created, 2, 1), (created, 2, 0), (429, 2, 0)]
    assert answers[2].json() == {"errors": [{"field": None, "message": "too many requests"}]}
    name = by_behaviour(sandbox, "RateLimit", "Ratelimit")
    assert spelled(answers[2]) == [f"X-{name}-Limit", f"X-{name}-Remaining", f"X-{name}-Reset"]
    assert "retry-after" not in answers[2].headers
    assert "2@example.com" not in sandbox.customers()
    # Others are not slowed, and have no headers without a limit.
    assert spelled(sandbox.v3("GET", "subusers")) == []
    assert sandbox.v3("DELETE", path_of("0@example.com")).status_code == 204
    entry = sandbox.log()[2]
    assert (entry["limited"], entry["wrote"], entry["outcome"]) == (True, False, "error")
    assert (entry["operation"], entry["api_user"], entry["user"]) == ("create", "acme", "2@example.com")


def test_a_limit_for_every_endpoint(sandbox: Sandbox) -> None:
    set_endpoint_limit(sandbox, "*", 1)
    set_endpoint_limit(sandbox, "GET /v3/subusers/{subuser_name}", 2)
    # One route is one endpoint, whatever the name in it.
    assert [sandbox.v3("GET", path_of(name)).status_code for name in NAMES] == [200, 200, 429]
    assert remaining(sandbox.v3("GET", "subusers")) == (200, 1, 0)
    assert remaining(sandbox.v3("GET", "subusers", username=ADA)) == (429, 1, 0)
    assert remaining(sandbox.v3("GET", "user/username")) == (200, 1, 0)
    # Another verb, another host and another key count apart.
    assert remaining(sandbox.v3("DELETE", path_of(ADA))) == (204, 1, 0)
    assert remaining(sandbox.v3("GET", "subusers", eu=True)) == (200, 1, 0)
    assert remaining(sandbox.v3("GET", "subusers", key=OTHER_V3_KEY)) == (200, 1, 0)
    assert remaining(sandbox.v3("GET", "subusers", key="SG.wrong")) == (401, 1, 0)
    assert remaining(sandbox.v3("GET", "subusers", key="SG.wrong")) == (429, 1, 0)
    # API v2 has none of this.
    assert "x-ratelimit-limit" not in sandbox.v2("manage", method="profile", task="get").headers


def test_the_limit_of_an_account_holds_for_each_endpoint_of_v3(sandbox: Sandbox) -> None:
    sandbox.set("limit", {"calls": 2, "seconds": 60})
    set_endpoint_limit(sandbox, "GET /v3/user/username", 1)
    assert [sandbox.v3("GET", "subusers").status_code for _turn in range(3)] == [200, 200, 429]
    assert [sandbox.v3("GET", "user/username").status_code for _turn in range(2)] == [200, 429]
    assert remaining(sandbox.v3("GET", "nothing")) == (404, 2, 1)
    codes = [sandbox.v2("manage", method="profile", task="get").status_code for _turn in range(3)]
    assert codes == [200, 200, 429]


def test_a_limit_that_no_answer_tells(sandbox: Sandbox) -> None:
    """Only a refusal shows that there is a limit."""
    silent = {"endpoint": "POST /v3/subusers", "calls": 1, "seconds": 60, "silent": True}
    told = {"endpoint": "GET /v3/subusers", "calls": 9, "seconds": 60, "silent": False}
    sandbox.set("endpoint-limits", [silent, told])
    answers = [sandbox.create(f"{number}@example.com") for number in range(2)]
    assert [answer.status_code for answer in answers] == [by_behaviour(sandbox, 200, 201), 429]
    assert [spelled(answer) for answer in answers] == [[], []]
    assert [entry.get("limited") for entry in sandbox.log()] == [None, True]
    assert remaining(sandbox.v3("GET", "subusers")) == (200, 9, 8)
    shown = sandbox.control("GET", "endpoint-limits")
    assert shown["POST /v3/subusers"] == {"calls": 1, "seconds": 60, "silent": True}
    sandbox.set("limit", {"calls": 1, "seconds": 60, "silent": True})
    assert [spelled(sandbox.v2("manage", method="profile", task="get")) for _turn in range(2)] == [[], []]


def test_a_silent_limit_of_the_command_line(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--endpoint-limit", "POST /v3/subusers=1/5,silent", "--rate-limit", "600/60,silent")
    assert sandbox.control("GET", "endpoint-limits") == {
        "POST /v3/subusers": {"calls": 1, "seconds": 5, "silent": True}
    }
    assert sandbox.control("GET", "limit") == {"calls": 600, "seconds": 60, "silent": True}


def test_calls_go_on_in_the_next_window(sandbox: Sandbox) -> None:
    set_endpoint_limit(sandbox, "GET /v3/subusers", 1, 1.5)
    assert sandbox.v3("GET", "subusers").ok
    refused = sandbox.v3("GET", "subusers")
    assert refused.status_code == 429
    while time.time() < int(refused.headers["x-ratelimit-reset"]):
        time.sleep(0.01)
    assert sandbox.v3("GET", "subusers").ok


def test_endpoint_limits_of_the_control_address(start: Callable[..., Sandbox]) -> None:
    own = {"POST /v3/subusers": {"calls": 1, "seconds": 5}, "*": {"calls": 600, "seconds": 60}}
    sandbox = start("--endpoint-limit", "POST /v3/subusers=1/5", "--endpoint-limit", "*=600/60")
    assert sandbox.control("GET", "endpoint-limits") == own
    more = {"endpoint": "GET /v3/subusers", "calls": 2, "seconds": 0.5}
    sandbox.set("endpoint-limits", [more])
    shown = sandbox.control("GET", "endpoint-limits")
    assert shown == {**own, "GET /v3/subusers": {"calls": 2, "seconds": 0.5}}
    assert sandbox.control("DELETE", "endpoint-limits") == {"message": "success"}
    assert sandbox.control("GET", "endpoint-limits") == {}
    assert spelled(sandbox.v3("GET", "subusers", key=DEMO_V3_KEY)) == []
    sandbox.reset()
    assert sandbox.control("GET", "endpoint-limits") == own
    answers = [sandbox.v3("POST", "subusers", creation(f"{n}@a.example"), key=DEMO_V3_KEY) for n in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


@pytest.mark.parametrize(
    ("body", "said"),
    (
        ("{", "must be a JSON object with endpoint, calls and seconds"),
        ('{"calls": 1, "seconds": 1}', "with endpoint, calls and seconds"),
        ('{"endpoint": "GET /v3/subusers/{name}", "calls": 1, "seconds": 1}', "is neither a verb and route nor *"),
        ('{"endpoint": ["*"], "calls": 1, "seconds": 1}', "is neither a verb and route"),
        ('{"endpoint": "*", "calls": 0, "seconds": 1}', "calls must be a whole number from 1 on"),
        ('[{"endpoint": "*", "calls": 1, "seconds": 1}, 1]', "with endpoint, calls and seconds"),
        ('{"endpoint": "*", "calls": 1, "seconds": 1, "silent": "yes"}', "silent must be true or false"),
    ),
)
def test_endpoint_limits_that_cannot_be_set(sandbox: Sandbox, body: str, said: str) -> None:
    answer = post(sandbox, "endpoint-limits", body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert sandbox.control("GET", "endpoint-limits") == {}


def test_limits_and_faults(sandbox: Sandbox) -> None:
    """The limit comes before the faults, and the answers of faults have its headers."""
    set_endpoint_limit(sandbox, "GET /v3/subusers", 3)
    sandbox.set_fault("list", "error-before", times="forever")
    assert [remaining(sandbox.v3("GET", "subusers"))[0] for _turn in range(4)] == [500, 500, 500, 429]
    (fault,) = sandbox.control("GET", "faults")
    assert fault["seen"] == 3
    assert list(itertools.chain(*[[entry.get("limited")] for entry in sandbox.log()])) == [None, None, None, True]
