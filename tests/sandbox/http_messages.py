# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests and responses as plain data, and how a response goes out. No server and no framework is needed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

# Names and values, in the order in which they came. A name may come more than once.
Parameters = tuple[tuple[str, str], ...]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Responses with these have no body, nor a length of it.
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class HttpRequest:
    """A whole request.

    `path` is as it came, with its percent signs. `headers` have the spelling of the client. `form` holds the fields of
    a multipart body, None if it is broken or of another kind.
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
    """Lone surrogates can come out of odd charsets and JSON, and cannot be stored as UTF-8: they become U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True)
class ApiResponse:
    """A whole response. Its headers go out as they are spelled here; the length of the body is added."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_type(cls, content_type: str, body: bytes, status: int = 200) -> ApiResponse:
        return cls(status, {"content-type": content_type}, body)

    def with_headers(self, headers: Mapping[str, str]) -> ApiResponse:
        """The same with those of the headers that it does not have yet."""
        own = {name.lower() for name in self.headers}
        more = {name: value for name, value in headers.items() if name.lower() not in own}
        return replace(self, headers={**self.headers, **more})

    def with_length(self) -> ApiResponse:
        """The same with the length of the body, if it does not have another one and is of a kind that has a body."""
        if self.status in _WITHOUT_BODY:
            return self
        return self.with_headers({"content-length": str(len(self.body))})


@dataclass(frozen=True)
class Delivery:
    """How a response goes out: usually at once, as a whole, and over a connection that stays open.

    `response`: None closes the connection without one. `wait`: seconds before anything happens. `close_after`: the
    connection is closed after so many bytes of the body. `byte_interval`: seconds before each byte of the body.
    `blanks`: mebibytes of blanks after the body, which then has no length beforehand; `gzip`: packed.
    """

    response: ApiResponse | None
    wait: float = 0
    close_after: int | None = None
    byte_interval: float | None = None
    blanks: int = 0
    gzip: bool = False

    def with_headers(self, headers: Mapping[str, str]) -> Delivery:
        return replace(self, response=self.response and self.response.with_headers(headers))
