# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rejects requests that a web page makes a browser on this machine send [own].

The sandbox listens on loopback, so other machines cannot reach it. Their web pages could, in a browser on this machine.
Such a request has the page in `Origin`. After DNS rebinding, it has a foreign name in `Host`.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_NO_ORIGIN = "A request with an Origin header comes from a web page, and web pages must not use the sandbox"
_LOCAL_HOST = "The Host header of a request must be localhost or a loopback address"

# A name or an address, and a port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z.-]+))(?::[0-9]{1,5})?")


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine: `localhost` or a loopback address, with or without a port."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    address, name = found.groups()
    if name is not None and name.lower() == "localhost":
        return True
    try:
        parsed = ipaddress.ip_address(address or name)
    except ValueError:
        return False
    # An IPv6 address has brackets, an IPv4 address does not.
    return parsed.is_loopback and (parsed.version == 6) == (address is not None)


def rejection_reason(headers: Headers) -> str | None:
    """Why a request with these headers is rejected, or None. A request without a Host header is not rejected."""
    if "origin" in headers:
        return _NO_ORIGIN
    if not all(map(is_loopback_host, headers.getlist("host"))):
        return _LOCAL_HOST
    return None


class LocalOnlyMiddleware:
    """Runs before all routes. A rejected request does nothing, is not a call, and is not counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = rejection_reason(Headers(scope=scope))
        app = self._app if reason is None else JSONResponse({"message": reason}, status_code=403)
        await app(scope, receive, send)
