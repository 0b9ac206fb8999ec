# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's service in memory: the same answers without a socket, for tests of a client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.seed import DEMO_V3_KEY, SeedError
from tests.sandbox.service import BEHAVIOURS, Service

from . import sandbox_v3
from .running import ROOT
from .sandbox_v3 import KEY, NAMES, SEED, V3_KEY, Sandbox, creation, path_of

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA = NAMES[0]
NEW = "new@example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HEADERS = {"Authorization": f"Bearer {V3_KEY}", "Content-Type": "application/json"}


@pytest.fixture(params=BEHAVIOURS)
def service(request: pytest.FixtureRequest) -> Service:
    return Service.in_memory(request.param, SEED)


def v3(service: Service, verb: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any]:
    body = b"" if content is None else json.dumps(content)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _headers, answer = service.handle(verb, f"https://api.sendgrid.com/v3/{path}", {**HEADERS, **more}, body)
    return status, json.loads(answer) if answer else None


def control(service: Service, verb: str, name: str, content: Any = None) -> Any:
    status, _headers, body = service.handle(verb, f"/_sandbox/{name}", body=json.dumps(content))
    assert status == 200, body
    return json.loads(body)


def v2(service: Service, action: str, **parameters: str) -> tuple[int, dict[str, str], bytes]:
    return service.handle("POST", f"/apiv2/reseller.{action}.json", FORM, urlencode({**KEY, **parameters}))


def test_both_apis_over_one_state(service: Service) -> None:
    status, made = v3(service, "POST", "subusers", creation(NEW))
    assert (status, made["username"]) == ({"documented": 200, "observed": 201}[service.behaviour], NEW)
    assert v3(service, "PATCH", path_of(NEW), {"disabled": True}) == (204, None)
    status, headers, body = v2(service, "manage", method="profile", task="get", username=NEW)
    assert (status, json.loads(body)[0]["active"]) == (200, "false")
    assert headers["content-length"] == str(len(body))
    parameters = urlencode({**KEY, "user": NEW})
    assert service.handle("GET", f"/apiv2/reseller.delete.json?{parameters}")[0] == 200
    assert v3(service, "GET", path_of(NEW))[0] == 404
    assert [entry["operation"] for entry in control(service, "GET", "log")] == [
        *("create", "disable", "list", "delete", "get"),
    ]


def test_the_answers_are_those_of_the_socket(sandbox: Sandbox) -> None:
    service = Service.in_memory(sandbox.behaviour, SEED)
    for verb, path, content, headers in (
        ("POST", "v3/subusers", creation(NEW), {}),
        ("POST", "v3/subusers", creation(NEW), {}),
        ("GET", "v3/subusers?limit=2&include_region=true", None, {}),
        ("PATCH", f"v3/{path_of(ADA)}", {"disabled": True}, {}),
        ("DELETE", f"v3/{path_of('nobody@example.com')}", None, {}),
        ("GET", "v3/user/profile", None, {"On-Behalf-Of": NEW}),
        ("GET", "eu/v3/user/profile", None, {"On-Behalf-Of": NEW}),
        ("PUT", "v3/subusers", None, {}),
        ("GET", "v3/nothing", None, {}),
        ("GET", "apiv2/reseller.manage.json", None, {}),
        ("PUT", "apiv2/reseller.manage.xml", None, {}),
        ("GET", "_sandbox/customers", None, {}),
        ("GET", "_sandbox/nothing", None, {}),
        ("PUT", "_sandbox/log", None, {}),
        ("POST", "_sandbox/faults", {"operation": "boom"}, {}),
    ):
        sent = {**HEADERS, **headers}
        body = b"" if content is None else json.dumps(content).encode()
        answer = sandbox.http.request(verb, f"{sandbox.root}/{path}", data=body, headers=sent, timeout=30)
        status, names, text = service.handle(verb, f"/{path}", sent, body)
        assert (status, text) == (answer.status_code, answer.content), path
        assert {name: answer.headers[name] for name in names} == names
        assert set(answer.headers) == {*names, "date"}
    logs = [sandbox.log(), control(service, "GET", "log")]
    unequal = ("time", "connection")
    assert [[{**entry, **dict.fromkeys(unequal)} for entry in log] for log in logs][0] == [
        {**entry, **dict.fromkeys(unequal)} for entry in logs[1]
    ]


def test_the_hosts_have_their_real_names() -> None:
    service = Service.in_memory(seed=SEED)
    headers = {**HEADERS, "On-Behalf-Of": "eva@example.com"}
    for host, status in (("api.sendgrid.com", 401), ("api.eu.sendgrid.com", 200)):
        assert service.handle("GET", f"https://{host}/v3/user/username", headers)[0] == status
    assert service.handle("GET", "/eu/v3/user/username", list(headers.items()))[0] == 200


def test_spellings_of_headers_are_heard_and_kept(service: Service) -> None:
    control(service, "POST", "switches", {"ignore_on_behalf_of": "lower-case"})
    assert v3(service, "GET", "user/username", **{"on-behalf-of": ADA})[1]["username"] == "acme"
    assert v3(service, "GET", "user/username", **{"On-Behalf-Of": ADA})[1]["username"] == ADA
    control(service, "POST", "limit", {"calls": 1, "seconds": 60})
    _status, headers, _body = service.handle("GET", "/v3/subusers", HEADERS)
    name = {"documented": "X-RateLimit-Remaining", "observed": "X-Ratelimit-Remaining"}[service.behaviour]
    assert headers[name] == "0"
    assert service.handle("GET", "/v3/subusers", HEADERS)[0] == 429


@pytest.mark.parametrize("fault", ("close-before", "close-after", "stall", "cut", "slow-act"))
def test_a_closed_connection_is_an_exception(service: Service, fault: str) -> None:
    settings = {"seconds": 0} if fault == "slow-act" else {}
    control(service, "POST", "faults", {"operation": "create", "fault": fault, **settings})
    with pytest.raises(ConnectionResetError):
        v3(service, "POST", "subusers", creation(NEW))
    end = time.monotonic() + 15
    while fault == "slow-act" and not control(service, "GET", "log")[0]["wrote"]:
        assert time.monotonic() < end
    is_done = fault in ("close-after", "cut", "slow-act")
    (entry,) = control(service, "GET", "log")
    assert (entry["fault"], entry["wrote"]) == (fault, is_done)
    assert (v3(service, "GET", path_of(NEW))[0] == 200) is is_done


def test_nothing_waits(service: Service) -> None:
    control(service, "POST", "faults", {"operation": "list", "fault": "delay", "seconds": 3600})
    control(service, "POST", "faults", {"operation": "list", "fault": "drip", "seconds": 3600})
    begin = time.monotonic()
    assert [len(v3(service, "GET", "subusers")[1]) for _turn in range(2)] == [3, 3]
    assert time.monotonic() - begin < 60


def test_reset_prevents_what_would_act_late(service: Service) -> None:
    def late(username: str) -> None:
        control(service, "POST", "faults", {"operation": "create", "fault": "slow-act", "seconds": 0.2})
        with pytest.raises(ConnectionResetError):
            v3(service, "POST", "subusers", creation(username))

    def names() -> list[str]:
        return [customer["username"] for customer in control(service, "GET", "customers")]

    late("before@example.com")
    control(service, "POST", "reset")
    late(NEW)
    # The call before the reset would have acted earlier.
    end = time.monotonic() + 15
    while NEW not in names():
        assert time.monotonic() < end
    assert "before@example.com" not in names()


def test_several_threads(service: Service) -> None:
    def work(number: int) -> int:
        v3(service, "POST", "subusers", creation("contested@example.com"))
        return v3(service, "POST", "subusers", creation(f"{number}@example.com"))[0]

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(work, range(32)))
    assert len(statuses) == 1
    log = control(service, "GET", "log")
    assert (len(log), sum(entry["wrote"] for entry in log)) == (64, 33)
    assert len({entry["connection"] for entry in log}) <= 8


def test_the_usual_account_and_bad_seeds() -> None:
    service = Service.in_memory()
    assert service.behaviour == "documented"
    assert service.handle("GET", "/v3/subusers", {"Authorization": f"Bearer {DEMO_V3_KEY}"})[0] == 200
    with pytest.raises(SeedError, match="unknown keys: customer"):
        Service.in_memory(seed={"customer": []})


def test_no_server_is_needed() -> None:
    program = (
        "import sys\n"
        "for name in ('starlette', 'uvicorn', 'python_multipart', 'yaml'): sys.modules[name] = None\n"
        "from tests.sandbox.service import Service\n"
        "print(Service.in_memory().handle('GET', '/v3/subusers')[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("401\n", "")
