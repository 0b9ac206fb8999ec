# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connects plain requests and responses with the socket. It can also close a connection and wait."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http import h11_impl

from .http_messages import ApiResponse, Delivery, HttpRequest, Parameters

# Keys in the scope of each call: the function that closes its connection, the number of the connection, and the headers
# of the request in the client's spelling.
_CLOSE = "close_connection"
_CONNECTION = "connection"
_HEADERS = "headers"
# Not the client's port: another connection can have the same port later.
_CONNECTION_NUMBERS = itertools.count(1)

_MEBIBYTE_OF_BLANKS = b" " * 2**20
# Tells zlib to use the gzip format.
_GZIP = 31


class SandboxProtocol(h11_impl.H11Protocol):
    """uvicorn's own protocol. With it, the application can also close a connection and identify it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn passes a copy of this dict to each call, as `state` of the scope.
        self.app_state = {**self.app_state, _CLOSE: transport.close, _CONNECTION: next(_CONNECTION_NUMBERS)}
        self._next_event = self.conn.next_event
        self.conn.next_event = self._remember_headers  # type: ignore[method-assign]

    def _remember_headers(self) -> Any:
        """Keep the spelling of the headers. Later, uvicorn has all names in lower case."""
        event = self._next_event()
        if isinstance(event, h11_impl.h11.Request):
            self.app_state[_HEADERS] = event.headers.raw_items()
        return event


def connection_number(scope: Scope) -> int:
    """The number of the connection of a call. No other connection has the same number."""
    return scope["state"][_CONNECTION]


async def read_request(request: Request) -> HttpRequest:
    """Read the whole request. Raises ClientDisconnect if the client disconnects before the end."""
    scope = request.scope
    spelled = scope.get("state", {}).get(_HEADERS, scope["headers"])
    made = HttpRequest(
        method=scope["method"],
        path=scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in spelled),
        body=await request.body(),
        form=None,
    )
    if made.media_type != "multipart/form-data":
        return made
    return HttpRequest(**{**vars(made), "form": await _read_form(request)})


async def _read_form(request: Request) -> Parameters | None:
    """The fields of a multipart body, or None if it is broken. Files are not parameters."""
    try:
        async with request.form() as form:
            return tuple((key, value) for key, value in form.multi_items() if isinstance(value, str))
    except HTTPException:
        return None


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when either side has ended the connection. The request must already be read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def sleep_unless_disconnected(receive: Receive, seconds: float) -> bool:
    """Wait. Returns False at once if the connection ends before `seconds` have passed."""
    try:
        await asyncio.wait_for(wait_for_disconnect(receive), seconds)
    except asyncio.TimeoutError:
        return True
    return False


async def close_connection(scope: Scope, receive: Receive, send: Send) -> None:
    """Close the TCP connection after the data that was sent so far, without an HTTP answer."""
    scope["state"][_CLOSE]()
    # If this returned earlier, uvicorn would report an application that did not answer.
    await wait_for_disconnect(receive)


def deliver(delivery: Delivery) -> ASGIApp:
    """The application that sends a delivery."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if delivery.wait and not await sleep_unless_disconnected(receive, delivery.wait):
            return
        if delivery.response is None:
            await close_connection(scope, receive, send)
        elif delivery.blanks:
            await _padded(delivery.response, delivery)(scope, receive, send)
        else:
            await _send(delivery.response, delivery, scope, receive, send)

    return app


async def _send(response: ApiResponse, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": _raw_headers(response)})
    body = response.body
    if delivery.close_after is not None:
        await send({"type": "http.response.body", "body": body[: delivery.close_after], "more_body": True})
        await close_connection(scope, receive, send)
        return
    if delivery.byte_interval is not None:
        for place in range(len(body)):
            if not await sleep_unless_disconnected(receive, delivery.byte_interval):
                return
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


def _raw_headers(response: ApiResponse) -> list[tuple[bytes, bytes]]:
    headers = response.with_length().headers
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _padded(response: ApiResponse, delivery: Delivery) -> ASGIApp:
    """The body with blanks after it. JSON and XML allow blanks, so a client needs its own limit."""
    pieces = _blanks_after(response.body, delivery.blanks)
    headers = {**response.headers, **({"content-encoding": "gzip"} if delivery.gzip else {})}
    return StreamingResponse(_gzip(pieces) if delivery.gzip else pieces, response.status, headers)


async def _blanks_after(body: bytes, mebibytes: int) -> AsyncIterator[bytes]:
    yield body
    for _mebibyte in range(mebibytes):
        yield _MEBIBYTE_OF_BLANKS
        # Let other clients run while this client reads quickly.
        await asyncio.sleep(0)


async def _gzip(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    async for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
