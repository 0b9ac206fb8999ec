# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: the API under `/apiv2/`, the control addresses under `/_sandbox/`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import controls, operations, wire
from .calls import Call, read_call
from .fault_plan import FaultPlan
from .player import Player
from .service import Service
from .traffic import Traffic


class ApiEndpoint:
    """The one door of the API. A class, because the router would let a plain function see its own verbs only."""

    def __init__(self, service: Service, plan: FaultPlan, player: Player, traffic: Traffic) -> None:
        self._service = service
        self._plan = plan
        self._player = player
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every API call passes here and nowhere else."""
        with self._traffic.call(wire.connection_of(scope)) as passage:
            try:
                call = await read_call(Request(scope, receive), passage)
            except ClientDisconnect:
                # Half a request is no call: nothing is done, nobody is there to be answered.
                return
            await self._answered(call)(scope, receive, send)

    def _answered(self, call: Call) -> ASGIApp:
        """Serve a call. On the event loop itself, so calls are served one after the other, in about a millisecond."""
        fault = self._plan.next(operations.find(call))
        if fault is not None:
            return self._player.play(fault, call)
        return wire.response(self._service.answer(call))


def create_app(service: Service, plan: FaultPlan) -> Starlette:
    """The ASGI application around one service and the faults that are set."""
    player = Player(service)
    traffic = Traffic()
    api = Route("/apiv2/{address:path}", ApiEndpoint(service, plan, player, traffic))
    return Starlette(routes=[api, *controls.routes(controls.Parts(service, plan, player, traffic))])
