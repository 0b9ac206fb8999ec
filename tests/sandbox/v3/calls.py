# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API call, read from an HTTP request: host, verb, route, parameters and JSON body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..connections import ConnectionInfo
from ..http_messages import HttpRequest, Parameters, replace_surrogates

if TYPE_CHECKING:
    from .routes import Operation

ON_BEHALF_OF = "On-Behalf-Of"
# The name of the parameters if the body is an array.
ARRAY_ITEM = "[]"


@dataclass(frozen=True)
class Call:
    """One call.

    `host`: the region of the host. `path`: the decoded segments of the path after `v3`. `route`: the template that
    matches the path, or None. `path_parameters`: its parameters. `content`: the JSON of the body, or None without a
    body. `body`: its parameters as texts. `on_behalf_of`: the unchanged value of the header.
    `on_behalf_of_spelling`: the name of the header in the client's spelling.
    """

    host: str
    verb: str
    path: tuple[str, ...]
    query: Parameters
    content: Any
    body: Parameters
    content_type: str | None
    authorization: str | None
    on_behalf_of: str | None
    on_behalf_of_spelling: str | None
    connection_info: ConnectionInfo
    is_readable: bool = True
    route: str | None = None
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    operation: Operation | None = None
    target: str | None = None

    family = "subusers"
    format = "json"

    @property
    def endpoint(self) -> str | None:
        """The unit of a rate limit [doc]."""
        return None if self.route is None else f"{self.verb} {self.route}"

    @property
    def rate_limit_key(self) -> tuple[str, ...]:
        """The key that the client sent, right or wrong. Each host counts separately [own]."""
        return ("v3", self.authorization or "", self.host, self.endpoint or "")

    @property
    def log_keys(self) -> Mapping[str, str | None]:
        return {"host": self.host, "route": self.route, "on_behalf_of": self.on_behalf_of}

    @property
    def secrets(self) -> Parameters:
        sent = (("Authorization", self.authorization), (ON_BEHALF_OF, self.on_behalf_of))
        return tuple((name, value) for name, value in sent if value is not None)

    def query_value(self, name: str) -> str | None:
        """The last value of a query parameter, or None."""
        return dict(self.query).get(name)

    def body_value(self, name: str) -> Any:
        """A value of the body's object, or None."""
        return self.content.get(name) if isinstance(self.content, dict) else None


def parse_call(request: HttpRequest, connection_info: ConnectionInfo) -> Call:
    """Read a request, except for its route."""
    segments = [unquote(segment) for segment in request.path.split("/")][1:]
    is_eu = segments[0] == "eu"
    content, is_readable = _read_json(request)
    spelling = next((name for name, _value in request.headers if name.lower() == ON_BEHALF_OF.lower()), None)
    return Call(
        host="eu" if is_eu else "global",
        verb=request.method,
        path=tuple(segments[2:] if is_eu else segments[1:]),
        query=request.query,
        content=content,
        body=_parameters(content),
        content_type=request.media_type,
        authorization=request.header("Authorization"),
        on_behalf_of=request.header(ON_BEHALF_OF),
        on_behalf_of_spelling=spelling,
        connection_info=connection_info,
        is_readable=is_readable,
    )


def _read_json(request: HttpRequest) -> tuple[Any, bool]:
    """The content of the body, and whether it can be read. A body must be JSON and have the type of JSON [own]."""
    if not request.body:
        return None, True
    if request.media_type != "application/json":
        return None, False
    try:
        return json.loads(request.body), True
    except (ValueError, RecursionError):
        return None, False


def _parameters(content: Any) -> Parameters:
    """Names and values of a body as texts, for the log and for a server that repeats them."""
    if isinstance(content, dict):
        pairs = list(content.items())
    else:
        pairs = [(ARRAY_ITEM, item) for item in content] if isinstance(content, list) else []
    return tuple((replace_surrogates(name), replace_surrogates(_text(value))) for name, value in pairs)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
