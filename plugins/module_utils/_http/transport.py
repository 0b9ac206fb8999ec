# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Sends a request and returns the answer, within limits for time, size and tries. The API decides what it means.

The caller says whether a call may be repeated; the HTTP method and the status do not. Secrets travel in the body or in
a header, never in an address.
"""

from __future__ import annotations

import dataclasses
import functools
import http.cookiejar
import threading
import time
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    MAYBE_APPLIED,
    NOT_APPLIED,
    CallError,
    Cancelled,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.deadline import BoundedAdapter, Deadline
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import certificates, proxies
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.failures import (
    no_answer,
    refuse_by_status,
    server_of,
    unanswered,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import (
    RateLimiter,
    RetryBudget,
    Sleep,
    asked_wait,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import Room, read_body
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor

try:
    import requests
    import urllib3.exceptions

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

VERSION = "0.2.0"
# A list holds the whole fleet, because paging is not reliable. A customer with all fields takes 350 to 600 bytes,
# depending on the format and its blanks, so this is room for 100,000 customers. In addition, MOST_AT_ONCE answers may
# hold 64 KiB each: see `reading`.
LARGEST_ANSWER = 60 * 1024 * 1024
LARGEST_CONFIRMATION = 1024 * 1024
MOST_AT_ONCE = 64

Value = t.TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where and how to call. Times are in seconds. `ca_path`: a file or folder with certificates; None: the default."""

    api_url: str
    api_user: str | None
    api_key: str = dataclasses.field(repr=False)
    api_format: str = "json"
    eu_api_url: str | None = None
    timeout: float = 30.0
    retries: int = 4
    max_retry_wait: float = 120.0
    requests_per_minute: int = 0
    validate_certs: bool = True
    ca_path: str | None = None

    @property
    def pool_key(self) -> tuple[t.Any, ...]:
        """The options that shared connections depend on: the account of the rate limits, and the trusted servers."""
        return (
            self.api_url,
            self.eu_api_url,
            self.api_user,
            self.api_key,
            self.requests_per_minute,
            self.validate_certs,
            self.ca_path,
        )


@dataclasses.dataclass(frozen=True)
class Request:
    """One HTTP call.

    `limit_key`: the same for calls that the server counts together. `probes`: whether these calls find their pace by
    probing, because no answer tells the limit. `repeatable`: whether the client may repeat the call after a lost
    answer. The client always repeats a call that the server certainly did not act on.
    `applied_if_limited`: whether the server may have acted on a call that it answers with HTTP 429. `largest`: the
    largest answer, in bytes.
    """

    method: str
    url: str
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: bytes | None = dataclasses.field(default=None, repr=False)
    limit_key: str = ""
    probes: bool = False
    repeatable: bool = False
    applied_if_limited: str = NOT_APPLIED
    largest: int = LARGEST_CONFIRMATION


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a request. `headers`: by name, in any case."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes = dataclasses.field(repr=False)


class Memory:
    """One object of each class, made when it is first asked for, for any number of threads."""

    def __init__(self) -> None:
        self._objects: dict[type, t.Any] = {}
        self._lock = threading.Lock()

    def object_of(self, kind: type[Value]) -> Value:
        """The one object of the class."""
        with self._lock:
            if kind not in self._objects:
                self._objects[kind] = kind()
            return t.cast(Value, self._objects[kind])


class Transport:
    """What calls with the same connection options share: open connections and the rate limiter.

    It serves up to MOST_AT_ONCE threads. `http`: sends requests in place of a session of requests.
    """

    def __init__(self, connection: Connection, http: t.Any = None) -> None:
        self.rate_limiter = RateLimiter(connection.requests_per_minute)
        self._http = http or _http_session(connection)
        self._verify = _verify(connection)
        # The cache key is the server, because a full address may name a customer.
        self._proxies = functools.cache(proxies)
        self._memory = Memory()

    def close(self) -> None:
        """Closes the open connections."""
        self._http.close()

    def remembered(self, kind: type[Value]) -> Value:
        """The one object of class `kind` that an API keeps for as long as the connections."""
        return self._memory.object_of(kind)

    def exchange(self, request: Request, timeout: float, read: t.Callable[[t.Any], bytes]) -> Answer:
        """Sends a request and returns its answer, with the body that `read` gets from the response.

        `timeout`: seconds to connect, and between two bytes. Raises CallError without a whole answer.
        """
        try:
            with self._http.request(
                request.method,
                request.url,
                data=request.body,
                headers=dict(request.headers),
                timeout=(timeout, timeout),
                verify=self._verify,
                proxies=self._proxies(server_of(request.url)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, read(response))
        except unanswered() as error:
            raise no_answer(error, request.url, timeout) from None


class Client:
    """Calls to the servers of one account. Use as a context manager, or call `close`.

    `secrets` and `names`: those of the customers, in addition to those of the account. `transport`: the client uses it
    and leaves it open. Without one, the client makes its own, which sends with `http` or a session of requests.
    `sleep`: waits, and returns whether the run is cancelled. `memory`: what the
    clients of one task share.
    """

    def __init__(
        self,
        connection: Connection,
        secrets: t.Iterable[str | None] = (),
        names: t.Iterable[str | None] = (),
        transport: Transport | None = None,
        sleep: Sleep = time.sleep,
        http: t.Any = None,
        memory: Memory | None = None,
    ) -> None:
        self.connection = connection
        self.redact = Redactor([connection.api_key, *secrets], [connection.api_user, *names])
        self._sleep = sleep
        self._transport = transport or Transport(connection, http)
        self._closes = transport is None
        self._memory = memory or Memory()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes the client's own transport."""
        if self._closes:
            self._transport.close()

    def for_customers(self, secrets: t.Iterable[str | None], names: t.Iterable[str | None], sleep: Sleep) -> Client:
        """A client for other customers over the same transport."""
        return Client(self.connection, secrets, names, self._transport, sleep, memory=self._memory)

    def remembered(self, kind: type[Value]) -> Value:
        """The one object of class `kind` that an API keeps for as long as the connections."""
        return self._transport.remembered(kind)

    def remembered_in_task(self, kind: type[Value]) -> Value:
        """The one object of class `kind` that an API keeps for this client and for all clients made from it."""
        return self._memory.object_of(kind)

    def retry_budget(self) -> RetryBudget:
        """A new budget of tries and waiting."""
        connection = self.connection
        return RetryBudget(connection.retries, connection.max_retry_wait, connection.timeout, self._sleep)

    def send(self, request: Request, read: t.Callable[[Answer], Value], budget: RetryBudget | None = None) -> Value:
        """What `read` makes of the answer. `read` raises CallError for an answer that is an error.

        `budget`: the rest of a budget, if the caller itself tries several times. Raises CallError, or Cancelled for a
        call that was not made.
        """
        budget = budget or self.retry_budget()
        lost: CallError | None = None
        while True:
            if not self._transport.rate_limiter.acquire(budget, request.limit_key):
                # The error of an earlier try says more than that no further try was made.
                raise lost or Cancelled()
            started = time.monotonic()
            try:
                value = self._once(request, read, budget.longest_try)
            except CallError as error:
                budget.record_try(time.monotonic() - started)
                self._learn_pace(request, started, budget, error)
                may_repeat = error.transient and (request.repeatable or error.applied == NOT_APPLIED)
                pause = budget.next_pause(error.wait) if may_repeat else None
                if pause is None:
                    raise
                if 429 in (error.status, error.code):
                    # The limit holds for all calls that the server counts together.
                    self._transport.rate_limiter.block(pause, request.limit_key)
                if not budget.spend(pause):
                    raise
                lost = error
            else:
                self._learn_pace(request, started, budget)
                return value

    def _learn_pace(
        self, request: Request, started: float, budget: RetryBudget, error: CallError | None = None
    ) -> None:
        """Reports the result of a try to the pace. Sets the wait of an error where no answer tells the limit."""
        if not request.probes:
            return
        if error is None or 429 not in (error.status, error.code):
            self._transport.rate_limiter.passed(started, request.limit_key)
        else:
            asked = error.wait
            error.wait = self._transport.rate_limiter.refused(started, request.limit_key, asked)
            if error.wait != asked:
                # A guess is no reason to give up: wait for the time that is left.
                error.wait = min(error.wait, budget.left)

    def _once(self, request: Request, read: t.Callable[[Answer], Value], seconds: float) -> Value:
        """One try. It takes `seconds` at most after the connection is open."""
        # A large answer keeps its room until its values are decoded.
        with Room() as room:
            answer = self._answer(request, seconds, room)
            self._transport.rate_limiter.update_from_headers(answer.headers, request.limit_key)
            refuse_by_status(answer.status, answer.headers, request.applied_if_limited)
            try:
                return read(answer)
            except CallError as error:
                error.wait = asked_wait(answer.headers) if error.wait is None else error.wait
                raise

    def _answer(self, request: Request, seconds: float, room: Room) -> Answer:
        with Deadline(seconds) as deadline:
            try:
                answer = self._transport.exchange(
                    request,
                    self.connection.timeout,
                    lambda response: read_body(response, request.largest, room, lambda: deadline.left),
                )
            except CallError:
                if not deadline.passed:
                    raise
        if deadline.passed:
            raise CallError("the answer took too long to arrive", MAYBE_APPLIED, transient=True)
        return answer


def _http_session(connection: Connection) -> t.Any:
    session: t.Any = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter(pool_maxsize=MOST_AT_ONCE))
    session.headers["User-Agent"] = f"mailfleet.sendgrid/{VERSION}"
    # The one encoding that all versions of the library decompress in limited pieces.
    session.headers["Accept-Encoding"] = "gzip"
    # Otherwise requests uses the credentials of a .netrc file, which are for other services, and asks the system for
    # proxies.
    session.trust_env = False
    # Otherwise requests merges settings that this session does not have. That takes a twelfth of the time of a call.
    session.prepare_request = functools.partial(_prepared, session)
    # Otherwise requests prepares the call to the new address, and reads the whole answer for it, whatever its size.
    session.get_redirect_target = _no_redirect
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    if not connection.validate_certs:
        # Otherwise every call warns a user who asked for it.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def _prepared(session: t.Any, request: t.Any) -> t.Any:
    """The request with the headers of the session, and with no other setting of the session."""
    request.headers = {**session.headers, **request.headers}
    return request.prepare()


def _no_redirect(_response: t.Any) -> None:
    return None


def _verify(connection: Connection) -> bool | str:
    if not connection.validate_certs:
        return False
    return certificates(connection.ca_path) or True
