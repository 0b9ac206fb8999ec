# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v2 with the store: find the operation, authenticate, run, render."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from ..api import Execution
from ..connections import ConnectionInfo
from ..http_messages import ApiResponse, HttpRequest
from ..rate_limit import RateLimitStatus
from ..store import Account, Store
from . import operations, validation
from .behaviours import ApiError, Behaviour, ErrorReason
from .calls import Call, check_verb_and_body, parse_call
from .operations import Context
from .responses import Renderer

PREFIX = "/apiv2/"

_FAILURES = {429: "Too many requests", 500: "Internal server error", 503: "Service unavailable"}
_GATEWAY_PAGE = b"""<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>gateway</center></body>
</html>
"""


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


class V2Api:
    """See `Api`."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour
        self._renderer = Renderer(behaviour)

    def parse(self, request: HttpRequest, connection_info: ConnectionInfo) -> Call:
        call = parse_call(request, unquote(request.path)[len(PREFIX) :], connection_info)
        operation = operations.find(call)
        parameter = operation.target_parameter(self._behaviour) if operation else None
        return replace(call, operation=operation, target=call.value(parameter) if parameter else None)

    def identify(self, call: Call) -> Account | None:
        try:
            self._check_address(call)
            return self._authenticate(call)
        except ApiError:
            return None

    def execute(self, call: Call, response_format: str | None = None) -> Execution:
        wanted = response_format or call.format or "json"
        account: Account | None = None
        try:
            self._check_address(call)
            account = self._authenticate(call)
            result = self._run(account, call)
            return Execution(account, self._renderer.render_result(result, wanted, _operation_name(call)), True)
        except ApiError as error:
            response = self._renderer.render_error(error, wanted, _operation_name(call))
            return Execution(account, response, False)

    def failure(self, call: Call, status: int) -> ApiResponse:
        return self._custom_error(call, _FAILURES[status], status)

    def rejection(self, call: Call, message: str, more_messages: Iterable[str] = ()) -> ApiResponse:
        if call.format == "xml":
            message = validation.replace_non_xml(message)
        return self._custom_error(call, message, None, more_messages)

    def not_found(self, call: Call) -> ApiResponse:
        error = ApiError(ErrorReason.UNKNOWN_TASK)
        return self._renderer.render_error(error, call.format or "json", _operation_name(call))

    def gateway_page(self) -> bytes:
        return _GATEWAY_PAGE

    def rate_limit_headers(self, status: RateLimitStatus) -> dict[str, str]:
        return status.headers("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")

    def _custom_error(
        self, call: Call, message: str, status: int | None, more_messages: Iterable[str] = ()
    ) -> ApiResponse:
        return self._renderer.render_custom_error(
            message, status, call.format or "json", _operation_name(call), more_messages
        )

    def _check_address(self, call: Call) -> None:
        check_verb_and_body(call)
        if call.format is None or (call.family, call.action) not in operations.ADDRESSES:
            raise ApiError(ErrorReason.UNKNOWN_ADDRESS)

    def _authenticate(self, call: Call) -> Account:
        """The account of the credentials. Each call contains credentials [doc]."""
        account = self._store.authenticate(call.value("api_user") or "", call.value("api_key") or "")
        if account is None:
            raise ApiError(ErrorReason.WRONG_CREDENTIALS)
        return account

    def _run(self, account: Account, call: Call) -> operations.Result:
        permitted = account.reseller if call.family == "reseller" else account.subusers
        if not permitted:
            raise ApiError(ErrorReason.NOT_AUTHORIZED)
        if call.operation is None:
            raise ApiError(ErrorReason.UNKNOWN_TASK)
        bad = validation.unstorable_parameters(call)
        if bad:
            raise ApiError(ErrorReason.INVALID, tuple(bad))
        return call.operation.run(Context(self._store, self._behaviour, account, _today()), call)


def _operation_name(call: Call) -> str:
    return call.operation.name if call.operation else "unknown"
