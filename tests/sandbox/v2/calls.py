# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API call, read from an HTTP request: address, verb and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..connections import ConnectionInfo
from ..http_messages import HttpRequest, Parameters, parse_form, replace_surrogates
from .behaviours import ApiError, ErrorReason

if TYPE_CHECKING:
    from .operations import Operation

VERBS = ("GET", "POST")
FAMILIES = ("reseller", "customer")
FORMATS = ("json", "xml")


@dataclass(frozen=True)
class Call:
    """One call. `family`, `action` and `format` are None if the address does not have a known one.

    `operation` and `target` are their meaning. The other attributes are as the client sent them.
    """

    verb: str
    family: str | None
    action: str | None
    format: str | None
    query: Parameters
    body: Parameters
    content_type: str | None
    connection_info: ConnectionInfo
    malformed: bool = False
    operation: Operation | None = None
    target: str | None = None

    # The rate limit counts per account [doc].
    endpoint = None
    # The credentials are parameters.
    secrets: Parameters = ()

    @property
    def rate_limit_key(self) -> tuple[str, ...]:
        """The limit comes before the check of credentials, so it uses the name that the client sent [own]."""
        return ("v2", self.value("api_user") or "")

    @property
    def log_keys(self) -> Mapping[str, Any]:
        return {}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, value in (*self.query, *self.body):
            found.setdefault(key, []).append(value)
        return found

    def values(self, name: str) -> list[str]:
        """All values of `name`, first those of the query, then those of the body."""
        return self._by_name.get(name, [])

    def value(self, name: str) -> str | None:
        """The value of `name`, or None. The last value counts, and the body comes last, as in PHP [own]."""
        values = self.values(name)
        return values[-1] if values else None


def parse_address(address: str) -> tuple[str | None, str | None, str | None]:
    """`reseller.add.json` -> (family, action, format). An unknown part is None."""
    parts = address.split(".")
    if len(parts) != 3:
        return None, None, None
    family, action, response_format = parts
    return (
        family if family in FAMILIES else None,
        action,
        response_format if response_format in FORMATS else None,
    )


def _form_pairs(request: HttpRequest) -> Parameters | None:
    """The fields of a form or of a multipart body, or None if it is broken."""
    if request.media_type == "application/x-www-form-urlencoded":
        return parse_form(request.body.decode("latin-1"))
    return request.form if request.media_type == "multipart/form-data" else ()


def parse_call(request: HttpRequest, address: str, connection_info: ConnectionInfo) -> Call:
    """Read a request. A broken body makes the call `malformed`."""
    family, action, response_format = parse_address(address)
    body = _form_pairs(request) if request.method == "POST" else ()
    return Call(
        verb=request.method,
        family=family,
        action=action,
        format=response_format,
        query=request.query,
        body=tuple((replace_surrogates(key), replace_surrogates(value)) for key, value in body or ()),
        content_type=request.media_type,
        connection_info=connection_info,
        malformed=body is None,
    )


def check_verb_and_body(call: Call) -> None:
    """Refuse a call with a verb or a body that cannot be handled."""
    if call.verb not in VERBS:
        raise ApiError(ErrorReason.WRONG_VERB)
    if call.malformed:
        raise ApiError(ErrorReason.INVALID, ("The request body cannot be read",))
