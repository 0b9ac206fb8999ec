# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface of an API for the service: it parses calls, executes them, and renders errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .connections import ConnectionInfo
from .http_messages import ApiResponse, HttpRequest, Parameters
from .rate_limit import RateLimitStatus
from .store import Account


class Operation(Protocol):
    """What a call asks for. The same operation has the same name in all APIs."""

    @property
    def name(self) -> str:
        """The name of the operation."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""


class Call(Protocol):
    """The parts of a call that limits, faults and the log use.

    `target`: the name of the customer that the call is about. `rate_limit_key`: calls with the same key share a window
    of time. `endpoint`: verb and route, if the API has a limit for each of them. `log_keys`: log keys of this API only.
    """

    @property
    def operation(self) -> Operation | None:
        """The operation that the call asks for. None if it does not exist."""

    @property
    def target(self) -> str | None:
        """The name of the customer that the call is about."""

    @property
    def verb(self) -> str:
        """The verb of HTTP."""

    @property
    def family(self) -> str | None:
        """The family of addresses that the call belongs to."""

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
        """The type of the body, from the header."""

    @property
    def connection_info(self) -> ConnectionInfo:
        """What is known about the connection."""

    @property
    def rate_limit_key(self) -> tuple[str, ...]:
        """The same for calls that share a window of time."""

    @property
    def endpoint(self) -> str | None:
        """The verb and the route, if the API has a limit for each of them."""

    @property
    def log_keys(self) -> Mapping[str, Any]:
        """Log keys of this API only."""

    @property
    def secrets(self) -> Parameters:
        """What was sent in addition to query and body, for a server that repeats everything."""


@dataclass(frozen=True)
class Execution:
    """The result of a call: the account, if it is known, the response, and whether the call succeeded."""

    account: Account | None
    response: ApiResponse
    succeeded: bool


class Api(Protocol):
    """One API with the store. Its methods are called inside a transaction."""

    def parse(self, request: HttpRequest, connection_info: ConnectionInfo) -> Any:
        """Read a request. Never raises, whatever the client sends."""

    def identify(self, call: Any) -> Account | None:
        """The account of a call, if the call can be read and its credentials are right."""

    def execute(self, call: Any, response_format: str | None = None) -> Execution:
        """Execute a call. `response_format`: the format of the response, if it differs from the call's own."""

    def failure(self, call: Any, status: int) -> ApiResponse:
        """The error of a server that does not serve the call: 429, 500 or 503."""

    def rejection(self, call: Any, message: str, more_messages: Iterable[str] = ()) -> ApiResponse:
        """An error with the given text in the usual form. If the form is a list, it also has `more_messages`."""

    def not_found(self, call: Any) -> ApiResponse:
        """The answer to a call that does not exist."""

    def gateway_page(self) -> bytes:
        """The page of the proxy in front of the service, for status 502."""

    def rate_limit_headers(self, status: RateLimitStatus) -> dict[str, str]:
        """The headers that describe the window of the rate limit."""
