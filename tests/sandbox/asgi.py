# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between plain requests and responses and the socket, with what HTTP has no word for: to close and to wait."""

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

# Under these names the scope of each call holds the function that closes its connection, the connection's number, and
# the headers of the request as the client spelled them.
_CLOSE = "close_connection"
_CONNECTION = "connection"
_HEADERS = "headers"
# Not the client's port: that comes again once the connection is closed.
_CONNECTION_NUMBERS = itertools.count(1)

_MEBIBYTE_OF_BLANKS = b" " * 2**20
# zlib's way to ask for the gzip format.
_GZIP = 31


class SandboxProtocol(h11_impl.H11Protocol):
    """uvicorn's own protocol, which also lets the application close the connection and tell it from others."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn hands a copy of this dict to each call, as `state` of the scope.
        self.app_state = {**self.app_state, _CLOSE: transport.close, _CONNECTION: next(_CONNECTION_NUMBERS)}
        self._next_event = self.conn.next_event
        self.conn.next_event = self._remember_headers  # type: ignore[method-assign]

    def _remember_headers(self) -> Any:
        """uvicorn has all names of headers in lower case; before that, their spelling is kept."""
        event = self._next_event()
        if isinstance(event, h11_impl.h11.Request):
            self.app_state[_HEADERS] = event.headers.raw_items()
        return event


def connection_number(scope: Scope) -> int:
    """The number of the connection that a call came over; no other connection ever had it."""
    return scope["state"][_CONNECTION]


async def read_request(request: Request) -> HttpRequest:
    """Read the whole request. Raises ClientDisconnect if the client leaves before its end."""
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
    """The fields of a multipart body; None for a broken one. Files are no parameters."""
    try:
        async with request.form() as form:
            return tuple((key, value) for key, value in form.multi_items() if isinstance(value, str))
    except HTTPException:
        return None


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the connection has ended, from whichever side. The request must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def sleep_unless_disconnected(receive: Receive, seconds: float) -> bool:
    """Wait. False, and at once, when the connection ends meanwhile."""
    try:
        await asyncio.wait_for(wait_for_disconnect(receive), seconds)
    except asyncio.TimeoutError:
        return True
    return False


async def close_connection(scope: Scope, receive: Receive, send: Send) -> None:
    """Close the connection after what was sent so far. A real end of TCP, no HTTP answer."""
    scope["state"][_CLOSE]()
    # To return earlier would look to uvicorn like an application that forgot to answer.
    await wait_for_disconnect(receive)


def deliver(delivery: Delivery) -> ASGIApp:
    """The application that sends a response in that way."""

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
    """The body and blanks after it, as JSON and XML allow: only a limit of its own helps a client."""
    pieces = _blanks_after(response.body, delivery.blanks)
    headers = {**response.headers, **({"content-encoding": "gzip"} if delivery.gzip else {})}
    return StreamingResponse(_gzip(pieces) if delivery.gzip else pieces, response.status, headers)


async def _blanks_after(body: bytes, mebibytes: int) -> AsyncIterator[bytes]:
    yield body
    for _mebibyte in range(mebibytes):
        yield _MEBIBYTE_OF_BLANKS
        # A client that reads quickly must not keep all others waiting.
        await asyncio.sleep(0)


async def _gzip(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    async for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
