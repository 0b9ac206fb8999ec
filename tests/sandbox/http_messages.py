# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests and responses as plain data, and how a response is sent. This needs no server and no framework."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

# Names and values in their original order. A name can appear more than once.
Parameters = tuple[tuple[str, str], ...]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Responses with these statuses have neither a body nor a length.
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class HttpRequest:
    """A whole request.

    `path` is not decoded. `headers` have the spelling of the client. `form`: the fields of a multipart body, or None if
    the body is broken or of another type.
    """

    method: str
    path: str
    query_string: str = ""
    headers: Parameters = ()
    body: bytes = b""
    form: Parameters | None = None

    def header(self, name: str) -> str | None:
        """The value of the first header with that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def query(self) -> Parameters:
        return parse_form(self.query_string)

    @property
    def media_type(self) -> str | None:
        header = self.header("content-type")
        return None if header is None else header.split(";", 1)[0].strip().lower()


def parse_form(text: str) -> Parameters:
    """The parameters of a query or of a body in the same form."""
    return tuple(parse_qsl(text, keep_blank_values=True))


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates by U+FFFD. Some charsets and JSON contain them, but UTF-8 cannot store them."""
    return _SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True)
class ApiResponse:
    """A whole response. Its headers are sent with this spelling, and the length of the body is added."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_type(cls, content_type: str, body: bytes, status: int = 200) -> ApiResponse:
        return cls(status, {"content-type": content_type}, body)

    def with_headers(self, headers: Mapping[str, str]) -> ApiResponse:
        """The same response with the given headers, except for those that it already has."""
        own = {name.lower() for name in self.headers}
        more = {name: value for name, value in headers.items() if name.lower() not in own}
        return replace(self, headers={**self.headers, **more})

    def with_length(self) -> ApiResponse:
        """The same response with the length of the body, if its status allows a body and it has no length yet."""
        if self.status in _WITHOUT_BODY:
            return self
        return self.with_headers({"content-length": str(len(self.body))})


@dataclass(frozen=True)
class Delivery:
    """How a response is sent: usually at once, as a whole, over a connection that stays open.

    `response`: None closes the connection without a response. `wait`: seconds before anything happens. `close_after`:
    how many bytes of the body are sent before the connection is closed. `byte_interval`: seconds before each byte of
    the body. `blanks`: mebibytes of blanks after the body; the response then has no length. `gzip`: whether the body is
    compressed.
    """

    response: ApiResponse | None
    wait: float = 0
    close_after: int | None = None
    byte_interval: float | None = None
    blanks: int = 0
    gzip: bool = False

    def with_headers(self, headers: Mapping[str, str]) -> Delivery:
        return replace(self, response=self.response and self.response.with_headers(headers))
