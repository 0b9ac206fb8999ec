# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API call as the service reads it: address, verb and parameters, taken from an HTTP request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..connections import ConnectionInfo
from .behaviours import ApiError, ErrorReason

Parameters = tuple[tuple[str, str], ...]

VERBS = ("GET", "POST")
FAMILIES = ("reseller", "customer")
FORMATS = ("json", "xml")

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Call:
    """What was asked. `family`, `action` and `format` are None where the address does not name a known one."""

    verb: str
    family: str | None
    action: str | None
    format: str | None
    query: Parameters
    body: Parameters
    content_type: str | None
    connection_info: ConnectionInfo
    malformed: bool = False

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, value in (*self.query, *self.body):
            found.setdefault(key, []).append(value)
        return found

    def values(self, name: str) -> list[str]:
        """Every value sent under `name`, those of the query before those of the body."""
        return self._by_name.get(name, [])

    def value(self, name: str) -> str | None:
        """The value of `name`, or None. The last one counts and the body comes last, as in PHP [own]."""
        values = self.values(name)
        return values[-1] if values else None


def parse_address(address: str) -> tuple[str | None, str | None, str | None]:
    """`reseller.add.json` -> (family, action, format); a part that is unknown is None."""
    parts = address.split(".")
    if len(parts) != 3:
        return None, None, None
    family, action, response_format = parts
    return (
        family if family in FAMILIES else None,
        action,
        response_format if response_format in FORMATS else None,
    )


def _replace_surrogates(text: str) -> str:
    """Lone surrogates can come out of an odd charset and cannot be stored as UTF-8: they become U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def _media_type(request: Request) -> str | None:
    header = request.headers.get("content-type")
    return None if header is None else header.split(";", 1)[0].strip().lower()


async def _form_pairs(request: Request) -> Parameters:
    """The form or multipart fields of a POST. Files are no parameters. Raises HTTPException for a broken body."""
    async with request.form() as form:
        pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    return tuple((_replace_surrogates(key), _replace_surrogates(value)) for key, value in pairs)


async def read_call(request: Request, connection_info: ConnectionInfo) -> Call:
    """Read the whole request. A broken body makes the call `malformed`, never an exception."""
    family, action, response_format = parse_address(request.path_params["address"])
    body: Parameters = ()
    malformed = False
    if request.method == "POST":
        try:
            body = await _form_pairs(request)
        except HTTPException:
            malformed = True
    return Call(
        verb=request.method,
        family=family,
        action=action,
        format=response_format,
        query=tuple(request.query_params.multi_items()),
        body=body,
        content_type=_media_type(request),
        connection_info=connection_info,
        malformed=malformed,
    )


def check_verb_and_body(call: Call) -> None:
    """Refuse a call whose verb or body cannot be served at all."""
    if call.verb not in VERBS:
        raise ApiError(ErrorReason.WRONG_VERB)
    if call.malformed:
        raise ApiError(ErrorReason.INVALID, ("The request body cannot be read",))
