# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that the sandbox can play: one table, and for each row a small function that makes the answer."""

from __future__ import annotations

import asyncio
import html
import json
import math
import os
import re
import time
import unicodedata
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from urllib.parse import quote_plus

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from . import asgi, request_log
from .rate_limit import RateLimitStatus
from .service import TOO_MANY_REQUESTS, Service
from .v2.behaviours import ErrorReason
from .v2.calls import Call
from .v2.operations import CREATE
from .v2.responses import XML_DECLARATION, ApiResponse
from .v2.validation import replace_non_xml

_MEBIBYTE_OF_BLANKS = b" " * 2**20
_GARBAGE_BYTES = 512
_ENTITY_LEVELS = 10
# zlib's way to ask for the gzip format.
_GZIP = 31

_HTML_TYPE = "text/html; charset=utf-8"
_BAD_GATEWAY_PAGE = b"""<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>gateway</center></body>
</html>
"""
_MAINTENANCE_PAGE = b"""<!DOCTYPE html>
<html>
<head><title>Back soon</title></head>
<body><h1>We are back soon</h1><p>Thank you for your patience.</p></body>
</html>
"""

_ROOT = re.compile(r"<([a-z]+)")
# A colour for a terminal, a line of its own, and what turns the direction of writing.
_CONTROLS = "\x1b[31m\n\u202e"
# XML cannot carry ESC; U+009B is ESC and [ in one.
_XML_CONTROLS = _CONTROLS.replace("\x1b[", "\x9b")


# How an echo may write a value: as programs on the way do.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "html": html.escape,
    "url": quote_plus,
    "json": lambda value: json.dumps(value)[1:-1],
    "html-in-html": lambda value: html.escape(html.escape(value)),
    "url-in-url": lambda value: quote_plus(quote_plus(value)),
    "html-in-url": lambda value: quote_plus(html.escape(value)),
    "capitals": str.upper,
    "decomposed": lambda value: unicodedata.normalize("NFD", value),
    "lines": lambda value: "\n".join(value[place : place + 8] for place in range(0, len(value), 8)),
    "trimmed": str.strip,
    "cut": lambda value: value[:12],
}


class Execution(Enum):
    """Whether a call under a fault still does its work."""

    NEVER = "not"
    IMMEDIATE = "before the answer"
    DELAYED = "some seconds after the connection was closed"


@dataclass(frozen=True)
class FaultContext:
    """What a fault has to work with. `response` is the real one, empty unless the call was acted on."""

    service: Service
    call: Call
    settings: Mapping[str, Any]
    response: ApiResponse = ApiResponse(200, "text/plain", b"")

    def error(self, message: str, status: int | None = None, more_messages: Iterable[str] = ()) -> ApiResponse:
        """An error in the behaviour's usual form, with `more_messages` where that has room for them."""
        return self.service.custom_error(self.call, message, status, more_messages)


ResponseFactory = Callable[[FaultContext], ASGIApp]


@dataclass(frozen=True)
class FaultKind:
    """One row of the table.

    `outcome`: what the log says of the call; None where the client can read the real answer. `settings`: those that
    the fault takes, with their defaults. `response_format`: the format of the real answer, if not the one that was
    asked for. `only_operation`: the one operation that it is for, if it is not for all.
    """

    make_response: ResponseFactory
    execution: Execution = Execution.NEVER
    outcome: str | None = request_log.NONE
    settings: Mapping[str, Any] = field(default_factory=dict)
    response_format: str | None = None
    only_operation: str | None = None


# No answer


def _close(context: FaultContext) -> ASGIApp:
    return asgi.close_connection


def _stall(context: FaultContext) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if await asgi.sleep_unless_disconnected(receive, context.settings["seconds"]):
            await asgi.close_connection(scope, receive, send)

    return app


# Errors


def _error(message: str, status: int) -> ResponseFactory:
    return lambda context: asgi.to_response(context.error(message, status))


def _retry_after(message: str, status: int) -> ResponseFactory:
    def make_response(context: FaultContext) -> ASGIApp:
        # The header knows whole seconds only.
        headers = {"retry-after": str(math.ceil(context.settings["seconds"]))}
        return asgi.add_headers(asgi.to_response(context.error(message, status)), headers)

    return make_response


def _rate_limit_reset(context: FaultContext) -> ASGIApp:
    reset = time.time() + context.settings["seconds"]
    return asgi.add_headers(
        asgi.to_response(context.error(*TOO_MANY_REQUESTS)), RateLimitStatus(600, 0, reset, True).headers
    )


def _not_found(context: FaultContext) -> ASGIApp:
    return asgi.to_response(context.service.error_response(context.call, ErrorReason.UNKNOWN_TASK))


def _echo(context: FaultContext) -> ASGIApp:
    """All that was sent, secrets too, between characters that no terminal should be shown."""
    spell = SPELLINGS[context.settings["spelling"]]
    sent = ", ".join(f"{name}={spell(value)}" for name, value in (*context.call.query, *context.call.body))
    more_messages = [context.settings["beside"]] if context.settings["beside"] else []
    if context.call.format == "xml":
        return asgi.to_response(
            context.error(_XML_CONTROLS + replace_non_xml(sent) + _XML_CONTROLS, more_messages=more_messages)
        )
    return asgi.to_response(context.error(_CONTROLS + sent + _CONTROLS, more_messages=more_messages))


# Answers of somebody else


def _page(status: int, page: bytes) -> ResponseFactory:
    return lambda context: asgi.to_response(ApiResponse(status, _HTML_TYPE, page))


def _redirect(context: FaultContext) -> ASGIApp:
    return Response(status_code=307, headers={"location": context.settings["location"]})


# The real answer, spoiled


def _replace_body(body: Callable[[bytes], bytes]) -> ResponseFactory:
    """The real answer's status and headers with another body, made from the real one."""
    return lambda context: asgi.to_response(replace(context.response, status=200, body=body(context.response.body)))


def _first_half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _cut(context: FaultContext) -> ASGIApp:
    body = context.response.body
    # An empty answer is announced as one byte, or it would arrive whole.
    headers = {"content-type": context.response.content_type, "content-length": str(len(body) or 1)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": Response(headers=headers).raw_headers})
        await send({"type": "http.response.body", "body": _first_half(body), "more_body": True})
        await asgi.close_connection(scope, receive, send)

    return app


def _dtd(context: FaultContext) -> ASGIApp:
    # The list of nobody may be an empty text, and a DTD alone is no document.
    rest = context.response.body.decode("utf-8").removeprefix(XML_DECLARATION) or "<users/>"
    root = _ROOT.match(rest)
    assert root is not None
    name = root[1]
    document = f'{XML_DECLARATION}<!DOCTYPE {name} [\n<!ELEMENT {name} ANY>\n<!ENTITY own "own">\n]>\n{rest}'
    return asgi.to_response(replace(context.response, body=document.encode()))


def _entities(body: bytes) -> bytes:
    """Each entity is ten of the one before: a few hundred bytes that unfold into gigabytes."""
    declared = ['<!ENTITY e0 "ha">']
    for level in range(1, _ENTITY_LEVELS):
        declared.append(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">')
    lines = "\n".join(declared)
    result = f"<result><message>&e{_ENTITY_LEVELS - 1};</message></result>"
    return f"{XML_DECLARATION}<!DOCTYPE result [\n{lines}\n]>\n{result}".encode()


# The real answer, slowly or with much behind it


def _delay(context: FaultContext) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if await asgi.sleep_unless_disconnected(receive, context.settings["seconds"]):
            await asgi.to_response(context.response)(scope, receive, send)

    return app


def _unchanged(context: FaultContext) -> ASGIApp:
    return asgi.to_response(context.response)


def _drip(context: FaultContext) -> ASGIApp:
    usual = asgi.to_response(context.response)
    body = context.response.body

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": usual.status_code, "headers": usual.raw_headers})
        for place in range(len(body)):
            if not await asgi.sleep_unless_disconnected(receive, context.settings["seconds"]):
                return
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


async def _padded_body(context: FaultContext) -> AsyncIterator[bytes]:
    """The real answer and blanks after it, as JSON and XML allow: only a limit of its own helps a client."""
    yield context.response.body
    for _mebibyte in range(context.settings["mebibytes"]):
        yield _MEBIBYTE_OF_BLANKS
        # A client that reads quickly must not keep all others waiting.
        await asyncio.sleep(0)


async def _gzip(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    async for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _huge(context: FaultContext) -> ASGIApp:
    headers = {"content-type": context.response.content_type}
    return StreamingResponse(_padded_body(context), headers=headers)


def _huge_gzip(context: FaultContext) -> ASGIApp:
    headers = {"content-type": context.response.content_type, "content-encoding": "gzip"}
    return StreamingResponse(_gzip(_padded_body(context)), headers=headers)


_A_SECOND = {"seconds": 1}
_SIZE = {"mebibytes": 300}

KINDS: dict[str, FaultKind] = {
    "close-before": FaultKind(_close),
    "close-after": FaultKind(_close, Execution.IMMEDIATE),
    "slow-act": FaultKind(_close, Execution.DELAYED, settings=_A_SECOND),
    "stall": FaultKind(_stall, settings={"seconds": 300}),
    "error-before": FaultKind(_error("Internal server error", 500), outcome=request_log.ERROR),
    "error-after": FaultKind(_error("Internal server error", 500), Execution.IMMEDIATE, request_log.ERROR),
    "unavailable": FaultKind(_retry_after("Service unavailable", 503), outcome=request_log.ERROR, settings=_A_SECOND),
    "rate-limit": FaultKind(_retry_after(*TOO_MANY_REQUESTS), outcome=request_log.ERROR, settings=_A_SECOND),
    "rate-limit-reset": FaultKind(_rate_limit_reset, outcome=request_log.ERROR, settings=_A_SECOND),
    "not-found": FaultKind(_not_found, outcome=request_log.ERROR),
    "echo": FaultKind(_echo, outcome=request_log.ERROR, settings={"spelling": "plain", "beside": ""}),
    "bad-gateway": FaultKind(_page(502, _BAD_GATEWAY_PAGE)),
    "bad-gateway-after": FaultKind(_page(502, _BAD_GATEWAY_PAGE), Execution.IMMEDIATE),
    "html": FaultKind(_page(200, _MAINTENANCE_PAGE)),
    "html-after": FaultKind(_page(200, _MAINTENANCE_PAGE), Execution.IMMEDIATE),
    "redirect": FaultKind(_redirect, settings={"location": "http://127.0.0.1:9/elsewhere"}),
    "half": FaultKind(_replace_body(_first_half), Execution.IMMEDIATE),
    "cut": FaultKind(_cut, Execution.IMMEDIATE),
    "garbage": FaultKind(_replace_body(lambda body: os.urandom(_GARBAGE_BYTES)), Execution.IMMEDIATE),
    "empty": FaultKind(_replace_body(lambda body: b""), Execution.IMMEDIATE),
    "entities": FaultKind(_replace_body(_entities), Execution.IMMEDIATE, response_format="xml"),
    "dtd": FaultKind(_dtd, Execution.IMMEDIATE, outcome=None, response_format="xml"),
    "delay": FaultKind(_delay, Execution.IMMEDIATE, outcome=None, settings=_A_SECOND),
    # What is late is not the answer: calls that come after it look for the customer in vain.
    "lag": FaultKind(_unchanged, Execution.IMMEDIATE, outcome=None, settings={"calls": 1}, only_operation=CREATE.name),
    "drip": FaultKind(_drip, Execution.IMMEDIATE, outcome=None, settings=_A_SECOND),
    "huge": FaultKind(_huge, Execution.IMMEDIATE, outcome=None, settings=_SIZE),
    "huge-gzip": FaultKind(_huge_gzip, Execution.IMMEDIATE, outcome=None, settings=_SIZE),
}
