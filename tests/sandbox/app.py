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

from . import asgi, control_api
from .connections import ConnectionTracker
from .control_api import Components
from .fault_injection import FaultInjector
from .fault_plan import FaultPlan
from .local_only import LocalOnlyMiddleware
from .rate_limit import RateLimiter
from .service import Service
from .v2 import operations
from .v2.calls import Call, read_call


class ApiEndpoint:
    """The one door of the API. A class, because the router would let a plain function see its own verbs only."""

    def __init__(self, components: Components) -> None:
        self._components = components

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every API call passes here and nowhere else."""
        with self._components.connections.track(asgi.connection_number(scope)) as connection_info:
            try:
                call = await read_call(Request(scope, receive), connection_info)
            except ClientDisconnect:
                # Half a request is no call: nothing is done, nobody is there to be answered.
                return
            await self._rate_limited(call)(scope, receive, send)

    def _rate_limited(self, call: Call) -> ASGIApp:
        """Serve a call. On the event loop itself, so calls are served one after the other, in about a millisecond."""
        # The limit stands before everything else, so it takes whatever name a client gives itself [own].
        status = self._components.rate_limiter.record_call(call.value("api_user") or "")
        if status is None:
            return self._dispatch(call)
        exceeded = status.exceeded
        response = (
            asgi.to_response(self._components.service.reject_rate_limited(call)) if exceeded else self._dispatch(call)
        )
        return asgi.add_headers(response, status.headers)

    def _dispatch(self, call: Call) -> ASGIApp:
        fault = self._components.fault_plan.next_fault(operations.find(call))
        if fault is not None:
            return self._components.fault_injector.inject(fault, call)
        return asgi.to_response(self._components.service.handle_call(call))


def create_app(service: Service, fault_plan: FaultPlan, rate_limiter: RateLimiter) -> Starlette:
    """The ASGI application around one service, the faults that are set and the rate limit."""
    components = Components(service, fault_plan, rate_limiter, FaultInjector(service), ConnectionTracker())
    api = Route("/apiv2/{address:path}", ApiEndpoint(components))
    return Starlette(routes=[api, *control_api.routes(components)], middleware=[Middleware(LocalOnlyMiddleware)])
