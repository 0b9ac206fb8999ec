# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between an answer and the socket: the usual response, and what HTTP has no word for, to close and to wait."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .v2.responses import ApiResponse

# Under these names the scope of each call holds the function that closes its connection, and the connection's number.
_CLOSE = "close_connection"
_CONNECTION = "connection"
# Not the client's port: that comes again once the connection is closed.
_CONNECTION_NUMBERS = itertools.count(1)


class SandboxProtocol(H11Protocol):
    """uvicorn's own protocol, which also lets the application close the connection and tell it from others."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn hands a copy of this dict to each call, as `state` of the scope.
        self.app_state = {**self.app_state, _CLOSE: transport.close, _CONNECTION: next(_CONNECTION_NUMBERS)}


def connection_number(scope: Scope) -> int:
    """The number of the connection that a call came over; no other connection ever had it."""
    return scope["state"][_CONNECTION]


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


def to_response(response: ApiResponse) -> Response:
    """The response for an answer of the API."""
    # As a header: `media_type` would add a charset of its own to text types.
    headers = {"content-type": response.content_type}
    if response.status == 405:
        headers["allow"] = "GET, POST"
    return Response(response.body, status_code=response.status, headers=headers)


def add_headers(app: ASGIApp, headers: Mapping[str, str]) -> ASGIApp:
    """What `app` answers, with those of the headers that it does not have by itself."""

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in headers.items():
                    own.setdefault(name, value)
            await send(message)

        await app(scope, receive, add)

    return with_headers
