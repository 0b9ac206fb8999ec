# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's service in memory behind API v3, for tests without a socket, and options for tasks against it.

`SandboxHttp` takes the place of the HTTP session in a `transport.Client`. The sandbox alone decides what is answered;
what a server may send and the sandbox does not is put into an answer on its way back, with `spoil`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet, _info, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import connection_spec, fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import DEFAULT_EU_URL, DEFAULT_URL
from ansible_collections.mailfleet.sendgrid.tests.sandbox import fault_plan, store
from ansible_collections.mailfleet.sendgrid.tests.sandbox.seed import Seed
from ansible_collections.mailfleet.sendgrid.tests.sandbox.service import Service
from ansible_collections.mailfleet.sendgrid.tests.sandbox.store import Store
from ansible_collections.mailfleet.sendgrid.tests.sandbox.switches import SwitchBoard, Switches
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    Clock,
    FakeResponse,
    connection_lost,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import (
    LEFT_OUT,
    UNFILTERED,
    defaults,
    own_defaults,
)
from requests.structures import CaseInsensitiveDict

# In parts, so that no scanner takes it for a key that opens something.
KEY = ".".join(("SG", "canary-key-of-acme-001", "canary-key-of-acme-that-opens-only-the-tests"))
PASSWORD = "canary-password-4711"
CONNECTION = Connection(DEFAULT_URL, None, KEY, eu_api_url=DEFAULT_EU_URL)
ANN = "ann@example.com"
BOB = "bob+1@example.com"
EVA = "eva@example.com"
PROFILE = {
    "first_name": "Ann",
    "last_name": "Archer",
    "address": "1 Alder Alley",
    "city": "Aarhus",
    "state": "AA",
    "zip": "01001",
    "country": "DK",
    "phone": "+45 555 0101",
    "website": "http://ann.example",
    "company": "Archer & Co",
}
IPS = [f"192.0.2.{number}" for number in range(1, 13)]
# The domain of BOB is left out where he is.
DOMAINS = [
    {"domain": "example.com", "subdomain": "mail"},
    {"domain": "example.com", "subdomain": "news"},
    {"domain": "example.net", "valid": False},
    {"domain": "bob.example", "username": "bob+1@example.com"},
    *({"domain": f"{number}.example.org"} for number in range(4)),
]
SEEDED = (
    {"username": ANN, "password": PASSWORD, "email": ANN, **PROFILE},
    {"username": BOB, "password": PASSWORD, "email": "bob@example.com", "active": False, "website_access": False},
    {"username": EVA, "password": PASSWORD, "email": "eva@example.com", "city": "Graz", "region": "eu"},
)


@dataclass(frozen=True)
class Sent:
    """A request as it went out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def base(self) -> str:
        """The address of the API."""
        return self.url.partition("/v3")[0] + "/v3"

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def content(self) -> Any:
        return None if self.body is None else json.loads(self.body)


@dataclass(frozen=True)
class Got:
    """An answer that the test can change."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def with_content(self, content: Any) -> Got:
        """The same with other values."""
        return replace(self, headers={}, body=json.dumps(content).encode())


class SandboxHttp:
    """Takes the place of `requests.Session`, for any number of threads.

    `sent`: the requests in their order. `spoil`: makes of a request and its answer what the client gets, or raises what
    a library would.
    """

    def __init__(self, behaviour: str, *customers: Mapping[str, Any], **switches: Any) -> None:
        account = {"api_user": "acme", "api_key": "canary-key-of-v2", "v3_key": KEY, "ips": IPS, "domains": DOMAINS}
        seed = Seed([account], [dict(one) for one in customers])
        self.service = Service(Store(), behaviour, seed, switches=SwitchBoard(Switches(**switches)))
        self.sent: list[Sent] = []
        self.spoil: Callable[[Sent, Got], Got] = lambda _sent, got: got
        self.closed = False
        self._lock = threading.Lock()

    def request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str], **options: Any
    ) -> FakeResponse:
        assert (options["allow_redirects"], options["stream"]) == (False, True)
        sent = Sent(method, url, headers, data)
        with self._lock:
            self.sent.append(sent)
        try:
            got = self.spoil(sent, Got(*self.service.handle(method, url, headers, data or b"")))
        except ConnectionResetError:
            raise connection_lost() from None
        response = FakeResponse(got.body, got.status)
        response.headers = CaseInsensitiveDict(got.headers)
        return response

    def close(self) -> None:
        self.closed = True

    def fail(self, operation: str, fault: str, **settings: Any) -> None:
        """Sets a fault of the sandbox."""
        self.service.fault_plan.add([fault_plan.from_data({"operation": operation, "fault": fault, **settings})])

    def drop_log(self) -> None:
        """Forgets the calls so far."""
        self.sent.clear()
        self.service.clear_log()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What a list shows, without a call that is recorded here."""
        address = "/v3/subusers?limit=500&include_region=true"
        return Got(*self.service.handle("GET", address, {"Authorization": f"Bearer {KEY}"})).content

    @property
    def log(self) -> list[dict[str, Any]]:
        return json.loads(self.service.log_entries(0))

    @property
    def operations(self) -> list[str]:
        return [entry["operation"] for entry in self.log]

    @property
    def writes(self) -> list[str]:
        return [entry["operation"] for entry in self.log if entry["attempted_write"]]

    @property
    def customers(self) -> dict[str, dict[str, Any]]:
        return {one["username"]: one for one in self.service.dump_customers()}

    @property
    def parent(self) -> dict[str, Any]:
        """The account itself, as a user."""
        return self.service.dump_accounts()[0]


class SandboxWorld:
    """Tasks with API v3 against the sandbox, and a clock that only sleeping moves. It begins now, as the sandbox's own
    does, since rate limits tell moments.
    """

    def __init__(self, behaviour: str, *customers: Mapping[str, Any], **switches: Any) -> None:
        self.clock = Clock(time.time())
        self.http = SandboxHttp(behaviour, *(customers or SEEDED), **switches)
        self.options = {**defaults(connection_spec()), "api": "subusers", "api_key": KEY}

    def pass_time_by_waiting(self, monkeypatch: pytest.MonkeyPatch) -> SandboxWorld:
        """Lets no wait take time: neither one of a call, nor one of a fleet, nor what the sandbox's lag is about."""
        clock = self.clock

        class Patient(Cancellation):
            def wait(self, seconds: float) -> bool:
                clock.sleep(seconds)
                return self.is_cancelled()

        for module in (_rate_limit, store):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(_fleet, "Cancellation", Patient)
        return self

    def connect(self, connection: Connection, secrets: Any = (), names: Any = ()) -> Client:
        return Client(connection, secrets, names, sleep=self.clock.sleep, http=self.http)

    def customer(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {**self.options, "api_url": DEFAULT_URL, "eu_api_url": DEFAULT_EU_URL, **LEFT_OUT, "username": ANN}
        return _tasks.manage_customer({**given, **options}, check_mode, self.connect)

    def fleet(
        self, rows: Iterable[Mapping[str, Any]], check_mode: bool = False, progress: Any = None, **options: Any
    ) -> dict[str, Any]:
        given = {
            **self.options,
            "api_url": DEFAULT_URL,
            "eu_api_url": DEFAULT_EU_URL,
            **own_defaults(fleet_spec()),
            "customers": [{**LEFT_OUT, **row} for row in rows],
            **options,
        }
        return _fleet.manage_fleet(given, check_mode, self.connect, progress)

    def info(self, **options: Any) -> dict[str, Any]:
        given = {**self.options, "api_url": DEFAULT_URL, "eu_api_url": DEFAULT_EU_URL, **UNFILTERED}
        return _info.customer_info({**given, **options}, False, self.connect)
