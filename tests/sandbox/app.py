# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: the API under `/apiv2/`, the control addresses under `/_sandbox/`."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .answers import Answer
from .calls import read_call
from .service import Service

Handler = Callable[[Service], object]
Endpoint = Callable[[Request], Awaitable[Response]]


class ApiEndpoint:
    """The one door of the API. A class, because the router would let a plain function see its own verbs only."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every API call passes here and nowhere else, with the connection still in hand: the place for faults."""
        try:
            call = await read_call(Request(scope, receive))
        except ClientDisconnect:
            # Half a request is no call: nothing is done, nobody is there to be answered.
            return
        # Served on the event loop itself: one call after the other, about a millisecond each.
        answer = self.service.answer(call)
        await _response(answer)(scope, receive, send)


def _response(answer: Answer) -> Response:
    # As a header: `media_type` would add a charset of its own to text types.
    headers = {"content-type": answer.content_type}
    if answer.status == 405:
        headers["allow"] = "GET, POST"
    return Response(answer.body, status_code=answer.status, headers=headers)


def _is_loopback(request: Request) -> bool:
    """Whether the peer is this machine. Forwarding headers are not believed."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _control(service: Service, handlers: dict[str, Handler]) -> Endpoint:
    """An endpoint for one control address: by verb, what to do and to answer as JSON."""

    async def endpoint(request: Request) -> Response:
        if not _is_loopback(request):
            return JSONResponse({"message": "Only this machine may ask that"}, status_code=403)
        return JSONResponse(handlers[request.method](service))

    return endpoint


def _clear_log(service: Service) -> object:
    service.clear_log()
    return {"message": "success"}


def _reset(service: Service) -> object:
    service.reset()
    return {"message": "success"}


CONTROLS: dict[str, dict[str, Handler]] = {
    "/_sandbox/log": {"GET": Service.log_entries, "DELETE": _clear_log},
    "/_sandbox/customers": {"GET": Service.customers},
    "/_sandbox/reset": {"POST": _reset},
    "/_sandbox/health": {"GET": lambda service: {"behaviour": service.behaviour.name}},
}


def create_app(service: Service) -> Starlette:
    """The ASGI application around one service."""
    routes = [Route("/apiv2/{address:path}", ApiEndpoint(service))]
    for path, handlers in CONTROLS.items():
        routes.append(Route(path, _control(service, handlers), methods=list(handlers)))
    return Starlette(routes=routes)
