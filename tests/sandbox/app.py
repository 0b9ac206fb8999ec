# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: the APIs under their prefixes, and the control addresses under `/_sandbox/`."""

from __future__ import annotations

import ipaddress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import asgi, control_api
from .http_messages import Delivery
from .local_only import LocalOnlyMiddleware
from .service import API_PREFIXES, Service


# Both are classes. The router would pass only some verbs to a plain function.
class ApiEndpoint:
    """Each call of an API passes here."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._service.connections.track(asgi.connection_number(scope)) as connection_info:
            try:
                request = await asgi.read_request(Request(scope, receive))
            except ClientDisconnect:
                # Half a request is not a call. Nothing is done, and the client is gone.
                return
            # This runs on the event loop itself, so calls run one after another. Each takes about a millisecond.
            await asgi.deliver(self._service.respond(request, connection_info))(scope, receive, send)


class ControlEndpoint:
    """The control addresses. Only this machine can use them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if not _is_loopback(request):
            refused = JSONResponse({"message": "Only this machine can use the control addresses"}, status_code=403)
            await refused(scope, receive, send)
            return
        try:
            control_request = await asgi.read_request(request)
        except ClientDisconnect:
            # Half a request is ignored, and the client is gone.
            return
        response = control_api.respond(self._service, control_request)
        await asgi.deliver(Delivery(response))(scope, receive, send)


def _is_loopback(request: Request) -> bool:
    """Whether the peer is this machine. Forwarding headers are not trusted."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def create_app(service: Service) -> Starlette:
    """The ASGI application around one service."""
    api, controls = ApiEndpoint(service), ControlEndpoint(service)
    routes = [Route(f"{prefix}{{address:path}}", api) for prefix in API_PREFIXES]
    routes.append(Route(f"{control_api.PREFIX}{{name:path}}", controls))
    return Starlette(routes=routes, middleware=[Middleware(LocalOnlyMiddleware)])
