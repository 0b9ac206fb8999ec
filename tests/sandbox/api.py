# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service needs of an API: to read its calls, to execute them, and its words for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .connections import ConnectionInfo
from .http_messages import ApiResponse, HttpRequest, Parameters
from .rate_limit import RateLimitStatus
from .store import Account


class Operation(Protocol):
    """What a call asks for. An operation that several APIs have has one name in all of them."""

    @property
    def name(self) -> str:
        """The name of the operation."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""


class Call(Protocol):
    """One call, as far as limits, faults and the log look at it.

    `target`: the name of the customer that the call is about. `rate_limit_key`: calls with the same key share a window
    of time. `endpoint`: verb and route, where the API counts for each of them. `log_keys`: what only this API logs.
    """

    @property
    def operation(self) -> Operation | None:
        """What is asked for; None for what there is not."""

    @property
    def target(self) -> str | None:
        """The name of the customer that the call is about."""

    @property
    def verb(self) -> str:
        """The verb of HTTP."""

    @property
    def family(self) -> str | None:
        """The addresses that the call belongs to."""

    @property
    def format(self) -> str | None:
        """The format of the answer that is asked for."""

    @property
    def query(self) -> Parameters:
        """The parameters in the address."""

    @property
    def body(self) -> Parameters:
        """The parameters in the body."""

    @property
    def content_type(self) -> str | None:
        """The kind of the body, as the header says it."""

    @property
    def connection_info(self) -> ConnectionInfo:
        """What is known of the connection."""

    @property
    def rate_limit_key(self) -> tuple[str, ...]:
        """The same for calls that share a window of time."""

    @property
    def endpoint(self) -> str | None:
        """The verb and the route, where the API counts for each of them."""

    @property
    def log_keys(self) -> Mapping[str, Any]:
        """What only this API logs."""

    @property
    def secrets(self) -> Parameters:
        """What was sent beside query and body, for a server that repeats everything."""


@dataclass(frozen=True)
class Execution:
    """What came of a call: who called, if that is known, the response, and whether the call succeeded."""

    account: Account | None
    response: ApiResponse
    succeeded: bool


class Api(Protocol):
    """One API over the store. Its methods are called inside of a transaction."""

    def parse(self, request: HttpRequest, connection_info: ConnectionInfo) -> Any:
        """Read a request. Never raises for what a client may send."""

    def identify(self, call: Any) -> Account | None:
        """Who calls, if the call can be read at all and its credentials are right."""

    def execute(self, call: Any, response_format: str | None = None) -> Execution:
        """Do what is asked. `response_format`: that of the response, if not the call's own."""

    def failure(self, call: Any, status: int) -> ApiResponse:
        """The error of a server that does not serve the call: 429, 500 or 503."""

    def rejection(self, call: Any, message: str, more_messages: Iterable[str] = ()) -> ApiResponse:
        """An error with a text of one's own, in the usual form, and more of them if that has room."""

    def not_found(self, call: Any) -> ApiResponse:
        """The answer to a call that there is not."""

    def gateway_page(self) -> bytes:
        """The page of the proxy before the service, for 502."""

    def rate_limit_headers(self, status: RateLimitStatus) -> dict[str, str]:
        """The headers that tell of the window."""
