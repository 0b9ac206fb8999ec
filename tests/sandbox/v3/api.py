# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v3 with the store: find the route, authenticate, run, render."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..api import Execution
from ..connections import ConnectionInfo
from ..http_messages import ApiResponse, HttpRequest
from ..rate_limit import RateLimitStatus
from ..store import Account, Store
from ..switches import SwitchBoard
from . import routes
from .behaviours import ApiError, Behaviour, ErrorItem, ErrorReason, ErrorShape, ErrorTemplate
from .calls import Call, parse_call
from .context import NO_CONTENT, Context, Created

# The two hosts of the real service are two paths of one host here [own].
PREFIX = "/v3/"
EU_PREFIX = "/eu/v3/"

_BEARER = "bearer"
_BASIC = "basic"
_FAILURES = {429: "too many requests", 500: "internal server error", 503: "service unavailable"}
# [seen] The page of the proxy, including its title.
_GATEWAY_PAGE = b"""<html>
<head><title>SendGrid - 502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1></body>
</html>
"""


class V3Api:
    """See `Api`."""

    def __init__(self, store: Store, behaviour: Behaviour, switches: SwitchBoard) -> None:
        self._store = store
        self._behaviour = behaviour
        self._switches = switches

    def parse(self, request: HttpRequest, connection_info: ConnectionInfo) -> Call:
        return routes.resolve(parse_call(request, connection_info))

    def identify(self, call: Call) -> Account | None:
        try:
            self._check_route(call)
            return self._authenticate(call)
        except ApiError:
            return None

    def execute(self, call: Call, response_format: str | None = None) -> Execution:
        """This API only uses JSON, even if a fault asks for another format."""
        account: Account | None = None
        try:
            self._check_route(call)
            account = self._authenticate(call)
            return Execution(account, self._render(call, self._run(account, call)), True)
        except ApiError as error:
            return Execution(account, self._render_error(call, error), False)

    def failure(self, call: Call, status: int) -> ApiResponse:
        # The error of a rate limit always has the usual form [doc, seen].
        shape = ErrorShape.ERRORS if status == 429 else self._behaviour.failure_shape
        return _error_response(ErrorTemplate(status, shape, ErrorItem(_FAILURES[status], None, has_field=True)))

    def rejection(self, call: Call, message: str, more_messages: Iterable[str] = ()) -> ApiResponse:
        items = tuple(ErrorItem(text, None, has_field=True) for text in (message, *more_messages))
        return _error_response(self._behaviour.errors[ErrorReason.INVALID], items)

    def not_found(self, call: Call) -> ApiResponse:
        return _error_response(self._behaviour.errors[ErrorReason.UNKNOWN_ROUTE])

    def gateway_page(self) -> bytes:
        return _GATEWAY_PAGE

    def rate_limit_headers(self, status: RateLimitStatus) -> dict[str, str]:
        return status.headers(*self._behaviour.rate_limit_headers)

    def _check_route(self, call: Call) -> None:
        if call.operation is None:
            verbs = routes.verbs_of(call.path)
            raise ApiError(ErrorReason.WRONG_VERB if verbs else ErrorReason.UNKNOWN_ROUTE)

    def _authenticate(self, call: Call) -> Account:
        """The account of the key. A name and a password are refused [doc]."""
        if call.authorization is None:
            raise ApiError(ErrorReason.NO_CREDENTIALS)
        scheme, _blank, key = call.authorization.partition(" ")
        if scheme.lower() == _BASIC:
            raise ApiError(ErrorReason.BASIC_CREDENTIALS)
        account = self._store.authenticate_key(key.strip()) if scheme.lower() == _BEARER else None
        if account is None:
            raise ApiError(ErrorReason.WRONG_KEY)
        return account

    def _run(self, account: Account, call: Call) -> Any:
        operation = call.operation
        assert operation is not None
        if account.v3_scopes is not None and operation.scope not in ("", *account.v3_scopes):
            raise ApiError(ErrorReason.MISSING_SCOPE)
        if not call.is_readable:
            raise ApiError(ErrorReason.UNREADABLE_BODY)
        switches = self._switches.current
        is_heard = call.on_behalf_of_spelling and not switches.ignores_on_behalf_of(call.on_behalf_of_spelling)
        on_behalf_of = call.on_behalf_of if is_heard else None
        return operation.run(Context(self._store, self._behaviour, switches, account, call, on_behalf_of))

    def _render(self, call: Call, result: Any) -> ApiResponse:
        if result is NO_CONTENT:
            return ApiResponse(204)
        if isinstance(result, Created):
            return _json_response(201, result.value)
        return _json_response(self._behaviour.create_status if call.operation is routes.CREATE else 200, result)

    def _render_error(self, call: Call, error: ApiError) -> ApiResponse:
        response = _error_response(self._behaviour.errors[error.reason], error.items)
        if error.reason is ErrorReason.WRONG_VERB:
            return response.with_headers({"Allow": ", ".join(routes.verbs_of(call.path))})
        return response


def _json_response(status: int, value: Any) -> ApiResponse:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return ApiResponse.of_type("application/json", text.encode("utf-8"), status)


def _error_response(template: ErrorTemplate, items: tuple[ErrorItem, ...] = ()) -> ApiResponse:
    return _SHAPES[template.shape](template.status, items or (template.item,))


def _errors(status: int, items: tuple[ErrorItem, ...]) -> ApiResponse:
    return _json_response(status, {"errors": [item.as_json() for item in items]})


def _error_text(status: int, items: tuple[ErrorItem, ...]) -> ApiResponse:
    return _json_response(status, {"error": items[0].message})


def _plain(status: int, items: tuple[ErrorItem, ...]) -> ApiResponse:
    return ApiResponse.of_type("text/plain; charset=utf-8", items[0].message.encode("utf-8"), status)


def _empty(status: int, items: tuple[ErrorItem, ...]) -> ApiResponse:
    return ApiResponse(status)


_SHAPES = {
    ErrorShape.ERRORS: _errors,
    ErrorShape.ERROR_TEXT: _error_text,
    ErrorShape.PLAIN: _plain,
    ErrorShape.EMPTY: _empty,
}
