# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: the API under `/apiv2/`, the control addresses under `/_sandbox/`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import controls, operations, wire
from .calls import Call, read_call
from .controls import Parts
from .fault_plan import FaultPlan
from .guard import Guard
from .limits import RateLimit
from .player import Player
from .service import Service
from .traffic import Traffic


class ApiEndpoint:
    """The one door of the API. A class, because the router would let a plain function see its own verbs only."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every API call passes here and nowhere else."""
        with self._parts.traffic.call(wire.connection_of(scope)) as passage:
            try:
                call = await read_call(Request(scope, receive), passage)
            except ClientDisconnect:
                # Half a request is no call: nothing is done, nobody is there to be answered.
                return
            await self._answered(call)(scope, receive, send)

    def _answered(self, call: Call) -> ASGIApp:
        """Serve a call. On the event loop itself, so calls are served one after the other, in about a millisecond."""
        # The limit stands before everything else, so it takes whatever name a client gives itself [own].
        standing = self._parts.limit.count(call.value("api_user") or "")
        if standing is None:
            return self._served(call)
        refused = standing.refused
        answer = wire.response(self._parts.service.turn_away(call)) if refused else self._served(call)
        return wire.with_headers(answer, standing.headers)

    def _served(self, call: Call) -> ASGIApp:
        fault = self._parts.plan.next(operations.find(call))
        if fault is not None:
            return self._parts.player.play(fault, call)
        return wire.response(self._parts.service.answer(call))


def create_app(service: Service, plan: FaultPlan, limit: RateLimit) -> Starlette:
    """The ASGI application around one service, the faults that are set and the rate limit."""
    parts = Parts(service, plan, limit, Player(service), Traffic())
    api = Route("/apiv2/{address:path}", ApiEndpoint(parts))
    return Starlette(routes=[api, *controls.routes(parts)], middleware=[Middleware(Guard)])
