# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in: both APIs with one store. Each call passes the rate limit, the faults, the execution and the log."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from . import control_api, request_log
from .api import Api, Call, Execution
from .connections import ConnectionInfo, ConnectionTracker
from .fault_injection import FaultInjector
from .fault_plan import FaultPlan
from .faults import Act, Lag
from .http_messages import ApiResponse, Delivery, HttpRequest
from .rate_limit import RateLimiter
from .request_log import NO_OVERRIDES, LogEntry, LogOverrides
from .seed import DEFAULT_SEED, Seed, from_data
from .store import Store
from .switches import SwitchBoard
from .v2 import api as v2
from .v2 import behaviours as v2_behaviours
from .v3 import api as v3
from .v3 import behaviours as v3_behaviours

API_PREFIXES = (v2.PREFIX, v3.PREFIX, v3.EU_PREFIX)
# The real name of the European host, for clients that use the service in memory.
_EU_HOST = "api.eu.sendgrid.com"
BEHAVIOURS = tuple(v2_behaviours.BEHAVIOURS)


class Service:
    """The stand-in without a server. Each call is one transaction in the store."""

    def __init__(
        self,
        store: Store,
        behaviour: str,
        seed: Seed,
        fault_plan: FaultPlan | None = None,
        rate_limiter: RateLimiter | None = None,
        switches: SwitchBoard | None = None,
    ) -> None:
        """Use `store`. A new store is filled from `seed`, an existing database keeps its state."""
        self.store = store
        self.behaviour: str = behaviour
        self.seed = seed
        self.fault_plan: FaultPlan = fault_plan or FaultPlan()
        self.rate_limiter: RateLimiter = rate_limiter or RateLimiter()
        self.switches: SwitchBoard = switches or SwitchBoard()
        self.fault_injector = FaultInjector(self)
        self.connections = ConnectionTracker()
        self._v2 = v2.V2Api(store, v2_behaviours.BEHAVIOURS[behaviour])
        self._v3 = v3.V3Api(store, v3_behaviours.BEHAVIOURS[behaviour], self.switches)
        # For the service in memory only: a server runs all calls on one event loop.
        self.lock = threading.Lock()
        with store.transaction():
            if not store.has_accounts():
                self._load_seed()

    @classmethod
    def in_memory(cls, behaviour: str = BEHAVIOURS[0], seed: Mapping[str, Any] | None = None) -> Service:
        """A service for `handle`, with the account `demo`, or with `seed`, which has the content of a seed file.

        Raises SeedError.
        """
        return cls(Store(), behaviour, DEFAULT_SEED if seed is None else from_data(seed))

    # Calls

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | str = b"",
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request without a socket: the service in memory, for tests of a client.

        `url` is a URL of an API or a control address, with or without a host. The European host can have its real name.
        Returns status, headers and body. If a fault closes the connection, this raises ConnectionResetError. Nothing
        waits: a delayed answer comes at once. Several threads can call this method; their calls run one after another.
        """
        parts = urlsplit(url)
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        content = body.encode() if isinstance(body, str) else body
        path = f"/eu{parts.path}" if parts.hostname == _EU_HOST else parts.path
        request = HttpRequest(method.upper(), path, parts.query, tuple(pairs), content)
        with self.lock:
            response = self._handle(request)
        return response.status, dict(response.with_length().headers), response.body

    def _handle(self, request: HttpRequest) -> ApiResponse:
        if request.path.startswith(control_api.PREFIX):
            return control_api.respond(self, request)
        with self.connections.track(threading.get_ident()) as connection_info:
            delivery = self.respond(request, connection_info)
        if delivery.response is None or delivery.close_after is not None:
            raise ConnectionResetError("The connection was closed before the end of the answer")
        return delivery.response

    def respond(self, request: HttpRequest, connection_info: ConnectionInfo) -> Delivery:
        """Each call of an API passes here. Never raises, whatever the client sends."""
        api = self._api_of(request)
        call = api.parse(request, connection_info)
        # The limit comes before everything else.
        status = self.rate_limiter.record_call(call.rate_limit_key, call.endpoint)
        if status is None:
            return self._dispatch(api, call)
        delivery = self._reject_rate_limited(api, call) if status.exceeded else self._dispatch(api, call)
        return delivery.with_headers(api.rate_limit_headers(status))

    def _api_of(self, request: HttpRequest) -> Api:
        return self._v2 if unquote(request.path).startswith(v2.PREFIX) else self._v3

    def _dispatch(self, api: Api, call: Call) -> Delivery:
        fault = self.fault_plan.next_fault(call.operation)
        if fault is not None:
            return self.fault_injector.inject(fault, api, call)
        return Delivery(self.execute(api, call))

    def _reject_rate_limited(self, api: Api, call: Call) -> Delivery:
        self.log_without_executing(api, call, LogOverrides(outcome=request_log.ERROR, limited=True))
        return Delivery(api.failure(call, 429))

    def execute(
        self,
        api: Api,
        call: Call,
        overrides: LogOverrides = NO_OVERRIDES,
        response_format: str | None = None,
        lag: Lag | None = None,
    ) -> ApiResponse:
        """Execute a call, and write it to the log.

        `response_format`: the format of the response, if it differs from the call's own. `lag`: how long other calls do
        not find the customer that this call creates.
        """
        with self.store.transaction() as db:
            execution, takes_effect = self._execute(api, call, response_format)
            if lag and execution.succeeded and takes_effect:
                self.store.hide_customer(call.target or "", lag.calls, lag.seconds)
            entry = request_log.make_entry(call, execution.account, execution.succeeded, overrides, takes_effect)
            request_log.append(db, entry)
        return execution.response

    def act_before(self, api: Api, call: Call, act: Act) -> None:
        """Run an act of somebody else in the account of a call, before the call is executed."""
        with self.store.transaction():
            account = api.identify(call)
            if account is not None:
                act(self.store, account.api_user, call.target)

    def _execute(self, api: Api, call: Call, response_format: str | None = None) -> tuple[Execution, bool]:
        """The result of a call, and whether its effect is kept."""
        takes_effect = self.switches.current.takes_effect(call.operation)
        with contextlib.nullcontext() if takes_effect else self.store.discarded():
            return api.execute(call, response_format), takes_effect

    def log_without_executing(self, api: Api, call: Call, overrides: LogOverrides) -> tuple[int, LogEntry]:
        """Write a call to the log without executing it. Return the number of the entry and the entry."""
        with self.store.transaction() as db:
            entry = request_log.make_entry(call, api.identify(call), False, overrides)
            return request_log.append(db, entry), entry

    def execute_logged(self, api: Api, call: Call, number: int, entry: LogEntry) -> None:
        """Execute a call that is already in the log, without an answer, and record in its entry whether it wrote."""
        with self.store.transaction() as db:
            execution, takes_effect = self._execute(api, call)
            if entry.attempted_write and execution.succeeded and takes_effect:
                request_log.replace(db, number, dataclasses.replace(entry, wrote=True))

    # For the control addresses

    def reset(self) -> None:
        """Return to the seeded state and to the settings of the command line, with an empty log."""
        self.fault_injector.cancel_delayed_calls()
        self.fault_plan.reset()
        self.rate_limiter.reset()
        self.switches.reset()
        self.connections.reset()
        with self.store.transaction():
            self._load_seed()

    def _load_seed(self) -> None:
        self.store.clear()
        self.seed.populate(self.store, v2_behaviours.BEHAVIOURS[self.behaviour])

    def log_entries(self, after: int) -> str:
        """The log as JSON, without its first `after` entries."""
        with self.store.transaction() as db:
            return request_log.read(db, after)

    def clear_log(self) -> None:
        with self.store.transaction() as db:
            request_log.clear(db)

    def dump_customers(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.dump_customers()

    def dump_api_keys(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.dump_api_keys()

    def dump_accounts(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.dump_accounts()
