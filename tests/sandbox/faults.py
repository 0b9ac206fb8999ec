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

from . import log, wire
from .answers import XML_DECLARATION, Answer
from .behaviours import Reason
from .calls import Call
from .limits import Standing
from .operations import CREATE
from .service import TOO_MANY_REQUESTS, Service
from .validation import carried_by_xml

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


class Acts(Enum):
    """Whether a call under a fault still does its work."""

    NOT = "not"
    NOW = "before the answer"
    LATER = "some seconds after the connection was closed"


@dataclass(frozen=True)
class Scene:
    """What a fault has to work with. `answer` is the real one, empty unless the call was acted on."""

    service: Service
    call: Call
    settings: Mapping[str, Any]
    answer: Answer = Answer(200, "text/plain", b"")

    def error(self, message: str, status: int | None = None, more: Iterable[str] = ()) -> Answer:
        """An error in the behaviour's usual form, with `more` messages where that has room for them."""
        return self.service.error(self.call, message, status, more)


Strategy = Callable[[Scene], ASGIApp]


@dataclass(frozen=True)
class Kind:
    """One row of the table.

    `outcome`: what the log says of the call; None where the client can read the real answer. `settings`: those that
    the fault takes, with their defaults. `wanted`: the format of the real answer, if not the one that was asked for.
    `only`: the one operation that it is for, if it is not for all.
    """

    strategy: Strategy
    acts: Acts = Acts.NOT
    outcome: str | None = log.NONE
    settings: Mapping[str, Any] = field(default_factory=dict)
    wanted: str | None = None
    only: str | None = None


# No answer


def _closed(scene: Scene) -> ASGIApp:
    return wire.close


def _stalled(scene: Scene) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if await wire.stayed(receive, scene.settings["seconds"]):
            await wire.close(scope, receive, send)

    return app


# Errors


def _failed(message: str, status: int) -> Strategy:
    return lambda scene: wire.response(scene.error(message, status))


def _retry_after(message: str, status: int) -> Strategy:
    def strategy(scene: Scene) -> ASGIApp:
        # The header knows whole seconds only.
        headers = {"retry-after": str(math.ceil(scene.settings["seconds"]))}
        return wire.with_headers(wire.response(scene.error(message, status)), headers)

    return strategy


def _rate_limit_reset(scene: Scene) -> ASGIApp:
    reset = time.time() + scene.settings["seconds"]
    return wire.with_headers(wire.response(scene.error(*TOO_MANY_REQUESTS)), Standing(600, 0, reset, True).headers)


def _not_found(scene: Scene) -> ASGIApp:
    return wire.response(scene.service.refusal(scene.call, Reason.UNKNOWN_TASK))


def _echo(scene: Scene) -> ASGIApp:
    """All that was sent, secrets too, between characters that no terminal should be shown."""
    spell = SPELLINGS[scene.settings["spelling"]]
    sent = ", ".join(f"{name}={spell(value)}" for name, value in (*scene.call.query, *scene.call.body))
    more = [scene.settings["beside"]] if scene.settings["beside"] else []
    if scene.call.format == "xml":
        return wire.response(scene.error(_XML_CONTROLS + carried_by_xml(sent) + _XML_CONTROLS, more=more))
    return wire.response(scene.error(_CONTROLS + sent + _CONTROLS, more=more))


# Answers of somebody else


def _page(status: int, page: bytes) -> Strategy:
    return lambda scene: wire.response(Answer(status, _HTML_TYPE, page))


def _redirect(scene: Scene) -> ASGIApp:
    return Response(status_code=307, headers={"location": scene.settings["location"]})


# The real answer, spoiled


def _replaced(body: Callable[[bytes], bytes]) -> Strategy:
    """The real answer's status and headers with another body, made from the real one."""
    return lambda scene: wire.response(replace(scene.answer, status=200, body=body(scene.answer.body)))


def _first_half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _cut(scene: Scene) -> ASGIApp:
    body = scene.answer.body
    # An empty answer is announced as one byte, or it would arrive whole.
    headers = {"content-type": scene.answer.content_type, "content-length": str(len(body) or 1)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": Response(headers=headers).raw_headers})
        await send({"type": "http.response.body", "body": _first_half(body), "more_body": True})
        await wire.close(scope, receive, send)

    return app


def _dtd(scene: Scene) -> ASGIApp:
    # The list of nobody may be an empty text, and a DTD alone is no document.
    rest = scene.answer.body.decode("utf-8").removeprefix(XML_DECLARATION) or "<users/>"
    root = _ROOT.match(rest)
    assert root is not None
    name = root[1]
    document = f'{XML_DECLARATION}<!DOCTYPE {name} [\n<!ELEMENT {name} ANY>\n<!ENTITY own "own">\n]>\n{rest}'
    return wire.response(replace(scene.answer, body=document.encode()))


def _entities(body: bytes) -> bytes:
    """Each entity is ten of the one before: a few hundred bytes that unfold into gigabytes."""
    declared = ['<!ENTITY e0 "ha">']
    for level in range(1, _ENTITY_LEVELS):
        declared.append(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">')
    lines = "\n".join(declared)
    result = f"<result><message>&e{_ENTITY_LEVELS - 1};</message></result>"
    return f"{XML_DECLARATION}<!DOCTYPE result [\n{lines}\n]>\n{result}".encode()


# The real answer, slowly or with much behind it


def _delayed(scene: Scene) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if await wire.stayed(receive, scene.settings["seconds"]):
            await wire.response(scene.answer)(scope, receive, send)

    return app


def _as_usual(scene: Scene) -> ASGIApp:
    return wire.response(scene.answer)


def _dripping(scene: Scene) -> ASGIApp:
    usual = wire.response(scene.answer)
    body = scene.answer.body

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": usual.status_code, "headers": usual.raw_headers})
        for place in range(len(body)):
            if not await wire.stayed(receive, scene.settings["seconds"]):
                return
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


async def _padded(scene: Scene) -> AsyncIterator[bytes]:
    """The real answer and blanks after it, as JSON and XML allow: only a limit of its own helps a client."""
    yield scene.answer.body
    for _mebibyte in range(scene.settings["mebibytes"]):
        yield _MEBIBYTE_OF_BLANKS
        # A client that reads quickly must not keep all others waiting.
        await asyncio.sleep(0)


async def _packed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    async for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _huge(scene: Scene) -> ASGIApp:
    headers = {"content-type": scene.answer.content_type}
    return StreamingResponse(_padded(scene), headers=headers)


def _huge_gzip(scene: Scene) -> ASGIApp:
    headers = {"content-type": scene.answer.content_type, "content-encoding": "gzip"}
    return StreamingResponse(_packed(_padded(scene)), headers=headers)


_A_SECOND = {"seconds": 1}
_MUCH = {"mebibytes": 300}

KINDS: dict[str, Kind] = {
    "close-before": Kind(_closed),
    "close-after": Kind(_closed, Acts.NOW),
    "slow-act": Kind(_closed, Acts.LATER, settings=_A_SECOND),
    "stall": Kind(_stalled, settings={"seconds": 300}),
    "error-before": Kind(_failed("Internal server error", 500), outcome=log.ERROR),
    "error-after": Kind(_failed("Internal server error", 500), Acts.NOW, log.ERROR),
    "unavailable": Kind(_retry_after("Service unavailable", 503), outcome=log.ERROR, settings=_A_SECOND),
    "rate-limit": Kind(_retry_after(*TOO_MANY_REQUESTS), outcome=log.ERROR, settings=_A_SECOND),
    "rate-limit-reset": Kind(_rate_limit_reset, outcome=log.ERROR, settings=_A_SECOND),
    "not-found": Kind(_not_found, outcome=log.ERROR),
    "echo": Kind(_echo, outcome=log.ERROR, settings={"spelling": "plain", "beside": ""}),
    "bad-gateway": Kind(_page(502, _BAD_GATEWAY_PAGE)),
    "bad-gateway-after": Kind(_page(502, _BAD_GATEWAY_PAGE), Acts.NOW),
    "html": Kind(_page(200, _MAINTENANCE_PAGE)),
    "html-after": Kind(_page(200, _MAINTENANCE_PAGE), Acts.NOW),
    "redirect": Kind(_redirect, settings={"location": "http://127.0.0.1:9/elsewhere"}),
    "half": Kind(_replaced(_first_half), Acts.NOW),
    "cut": Kind(_cut, Acts.NOW),
    "garbage": Kind(_replaced(lambda body: os.urandom(_GARBAGE_BYTES)), Acts.NOW),
    "empty": Kind(_replaced(lambda body: b""), Acts.NOW),
    "entities": Kind(_replaced(_entities), Acts.NOW, wanted="xml"),
    "dtd": Kind(_dtd, Acts.NOW, outcome=None, wanted="xml"),
    "delay": Kind(_delayed, Acts.NOW, outcome=None, settings=_A_SECOND),
    # What is late is not the answer: calls that come after it look for the customer in vain.
    "lag": Kind(_as_usual, Acts.NOW, outcome=None, settings={"calls": 1}, only=CREATE.name),
    "drip": Kind(_dripping, Acts.NOW, outcome=None, settings=_A_SECOND),
    "huge": Kind(_huge, Acts.NOW, outcome=None, settings=_MUCH),
    "huge-gzip": Kind(_huge_gzip, Acts.NOW, outcome=None, settings=_MUCH),
}
