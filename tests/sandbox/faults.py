# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that the sandbox can play: one table, and a small function for each row that makes the answer."""

from __future__ import annotations

import html
import json
import math
import os
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Union
from urllib.parse import quote_plus

from . import request_log
from .api import Api, Call
from .http_messages import ApiResponse, Delivery
from .rate_limit import RateLimitStatus
from .store import Store
from .v2.operations import CREATE, LIST
from .v2.responses import XML_DECLARATION

_GARBAGE_BYTES = 512
_ENTITY_LEVELS = 10

_HTML_TYPE = "text/html; charset=utf-8"
_XML_TYPE = "text/xml; charset=utf-8"
_MAINTENANCE_PAGE = b"""<!DOCTYPE html>
<html>
<head><title>Back soon</title></head>
<body><h1>We are back soon</h1><p>Thank you for your patience.</p></body>
</html>
"""

_ROOT = re.compile(r"<([a-z]+)")
# A colour for a terminal, a line feed, and a character that reverses the writing direction.
_CONTROLS = "\x1b[31m\n\u202e"
# XML cannot contain ESC. U+009B stands for ESC and [.
_XML_CONTROLS = _CONTROLS.replace("\x1b[", "\x9b")


# How an echo can spell a value. Programs between client and server do the same.
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


@dataclass(frozen=True)
class Lag:
    """How long a new customer is not found: the next `calls` lookups miss it, and all lookups within `seconds`."""

    calls: int
    seconds: float


class Execution(Enum):
    """Whether a call with a fault is still executed."""

    NEVER = "not"
    IMMEDIATE = "before the answer"
    DELAYED = "some seconds after the connection was closed"


@dataclass(frozen=True)
class FaultContext:
    """The input of a fault. `response` is the real response. It is empty if the call was not executed."""

    api: Api
    call: Call
    settings: Mapping[str, Any]
    response: ApiResponse = ApiResponse.of_type("text/plain", b"")


ResponseFactory = Callable[[FaultContext], Delivery]
# Something that somebody else does. Arguments: the store, the account, and the customer of the call.
Act = Callable[[Store, str, Union[str, None]], None]


@dataclass(frozen=True)
class FaultKind:
    """One row of the table.

    `outcome`: the outcome in the log, or None if the client can read the real answer. `settings`: the settings of the
    fault and their defaults. `response_format`: the format of the real answer, if it differs from the requested one.
    `only_operation`: the operation that the fault is limited to, if any. `hides_customer`: the customer that the call
    creates is not found at first; the settings are a `Lag`. `act_before`: what somebody else does before the call is
    executed.
    """

    make_response: ResponseFactory
    execution: Execution = Execution.NEVER
    outcome: str | None = request_log.NONE
    settings: Mapping[str, Any] = field(default_factory=dict)
    response_format: str | None = None
    only_operation: str | None = None
    hides_customer: bool = False
    act_before: Act | None = None


# No answer


def _close(context: FaultContext) -> Delivery:
    return Delivery(None)


def _stall(context: FaultContext) -> Delivery:
    return Delivery(None, wait=context.settings["seconds"])


# Errors


def _error(status: int) -> ResponseFactory:
    return lambda context: Delivery(context.api.failure(context.call, status))


def _retry_after(status: int) -> ResponseFactory:
    def make_response(context: FaultContext) -> Delivery:
        # The header can only have whole seconds.
        headers = {"retry-after": str(math.ceil(context.settings["seconds"]))}
        return Delivery(context.api.failure(context.call, status)).with_headers(headers)

    return make_response


def _rate_limit_reset(context: FaultContext) -> Delivery:
    status = RateLimitStatus(600, 0, time.time() + context.settings["seconds"], True)
    return Delivery(context.api.failure(context.call, 429)).with_headers(context.api.rate_limit_headers(status))


def _not_found(context: FaultContext) -> Delivery:
    return Delivery(context.api.not_found(context.call))


def _echo(context: FaultContext) -> Delivery:
    """Everything that was sent, including secrets, between characters that must not reach a terminal."""
    call = context.call
    spell = SPELLINGS[context.settings["spelling"]]
    sent = ", ".join(f"{name}={spell(value)}" for name, value in (*call.query, *call.body, *call.secrets))
    controls = _XML_CONTROLS if call.format == "xml" else _CONTROLS
    more_messages = [context.settings["beside"]] if context.settings["beside"] else []
    return Delivery(context.api.rejection(call, controls + sent + controls, more_messages))


# Answers from other servers


def _gateway_page(context: FaultContext) -> Delivery:
    return Delivery(ApiResponse.of_type(_HTML_TYPE, context.api.gateway_page(), 502))


def _maintenance_page(context: FaultContext) -> Delivery:
    return Delivery(ApiResponse.of_type(_HTML_TYPE, _MAINTENANCE_PAGE))


def _redirect(context: FaultContext) -> Delivery:
    return Delivery(ApiResponse(307, {"location": context.settings["location"]}))


# The real answer, damaged


def _replace_body(body: Callable[[bytes], bytes]) -> ResponseFactory:
    """The headers of the real answer with another body. `body` makes it from the real one."""
    return lambda context: Delivery(replace(context.response, status=200, body=body(context.response.body)))


def _first_half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _cut(context: FaultContext) -> Delivery:
    body = context.response.body
    # An empty answer gets the length 1. With the length 0, it would arrive complete.
    announced = context.response.with_headers({"content-length": str(len(body) or 1)})
    return Delivery(replace(announced, status=200), close_after=len(body) // 2)


def _dtd(context: FaultContext) -> Delivery:
    rest = context.response.body.decode("utf-8").removeprefix(XML_DECLARATION)
    # An empty list can be an empty text, a DTD alone is not a document, and not every API uses XML.
    root = _ROOT.match(rest) or _ROOT.match(rest := "<users/>")
    assert root is not None
    name = root[1]
    document = f'{XML_DECLARATION}<!DOCTYPE {name} [\n<!ELEMENT {name} ANY>\n<!ENTITY own "own">\n]>\n{rest}'
    return Delivery(_as_xml(context.response, document.encode()))


def _entities(context: FaultContext) -> Delivery:
    """Each entity repeats the one before ten times, so a few hundred bytes expand to gigabytes."""
    declared = ['<!ENTITY e0 "ha">']
    for level in range(1, _ENTITY_LEVELS):
        declared.append(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">')
    lines = "\n".join(declared)
    result = f"<result><message>&e{_ENTITY_LEVELS - 1};</message></result>"
    document = f"{XML_DECLARATION}<!DOCTYPE result [\n{lines}\n]>\n{result}"
    return Delivery(replace(_as_xml(context.response, document.encode()), status=200))


def _as_xml(response: ApiResponse, document: bytes) -> ApiResponse:
    # A response with status 204 has no body.
    status = 200 if response.status == 204 else response.status
    return replace(response, status=status, headers={**response.headers, "content-type": _XML_TYPE}, body=document)


# What somebody else does at the same time


def _move_first(store: Store, account: str, _target: str | None) -> None:
    store.move_first_to_end(account)


def _rename(store: Store, account: str, target: str | None) -> None:
    number = store.find_customer(account, target or "")
    if number is not None:
        store.change_customer(number, {"username": f"moved-{target}"})


# The real answer, slow or with a lot of padding


def _unchanged(context: FaultContext) -> Delivery:
    return Delivery(context.response)


def _delay(context: FaultContext) -> Delivery:
    return Delivery(context.response, wait=context.settings["seconds"])


def _drip(context: FaultContext) -> Delivery:
    return Delivery(context.response, byte_interval=context.settings["seconds"])


def _huge(context: FaultContext) -> Delivery:
    return Delivery(replace(context.response, status=200), blanks=context.settings["mebibytes"])


def _huge_gzip(context: FaultContext) -> Delivery:
    return replace(_huge(context), gzip=True)


_A_SECOND = {"seconds": 1}
_SIZE = {"mebibytes": 300}

KINDS: dict[str, FaultKind] = {
    "close-before": FaultKind(_close),
    "close-after": FaultKind(_close, Execution.IMMEDIATE),
    "slow-act": FaultKind(_close, Execution.DELAYED, settings=_A_SECOND),
    "stall": FaultKind(_stall, settings={"seconds": 300}),
    "error-before": FaultKind(_error(500), outcome=request_log.ERROR),
    "error-after": FaultKind(_error(500), Execution.IMMEDIATE, request_log.ERROR),
    "unavailable": FaultKind(_retry_after(503), outcome=request_log.ERROR, settings=_A_SECOND),
    "rate-limit": FaultKind(_retry_after(429), outcome=request_log.ERROR, settings=_A_SECOND),
    "rate-limit-reset": FaultKind(_rate_limit_reset, outcome=request_log.ERROR, settings=_A_SECOND),
    "not-found": FaultKind(_not_found, outcome=request_log.ERROR),
    "echo": FaultKind(_echo, outcome=request_log.ERROR, settings={"spelling": "plain", "beside": ""}),
    "bad-gateway": FaultKind(_gateway_page),
    "bad-gateway-after": FaultKind(_gateway_page, Execution.IMMEDIATE),
    "html": FaultKind(_maintenance_page),
    "html-after": FaultKind(_maintenance_page, Execution.IMMEDIATE),
    "redirect": FaultKind(_redirect, settings={"location": "http://127.0.0.1:9/elsewhere"}),
    "half": FaultKind(_replace_body(_first_half), Execution.IMMEDIATE),
    "cut": FaultKind(_cut, Execution.IMMEDIATE),
    "garbage": FaultKind(_replace_body(lambda body: os.urandom(_GARBAGE_BYTES)), Execution.IMMEDIATE),
    "empty": FaultKind(_replace_body(lambda body: b""), Execution.IMMEDIATE),
    "entities": FaultKind(_entities, Execution.IMMEDIATE, response_format="xml"),
    "dtd": FaultKind(_dtd, Execution.IMMEDIATE, outcome=None, response_format="xml"),
    "delay": FaultKind(_delay, Execution.IMMEDIATE, outcome=None, settings=_A_SECOND),
    # The answer is not late. Later calls do not find the customer.
    "lag": FaultKind(
        _unchanged,
        Execution.IMMEDIATE,
        outcome=None,
        settings={"calls": 1, "seconds": 0},
        only_operation=CREATE.name,
        hides_customer=True,
    ),
    "move": FaultKind(_unchanged, Execution.IMMEDIATE, outcome=None, only_operation=LIST.name, act_before=_move_first),
    "rename": FaultKind(_unchanged, Execution.IMMEDIATE, outcome=None, act_before=_rename),
    "drip": FaultKind(_drip, Execution.IMMEDIATE, outcome=None, settings=_A_SECOND),
    "huge": FaultKind(_huge, Execution.IMMEDIATE, outcome=None, settings=_SIZE),
    "huge-gzip": FaultKind(_huge_gzip, Execution.IMMEDIATE, outcome=None, settings=_SIZE),
}
