# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control addresses under `/_sandbox/`: for tests and for eyes, answered to this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import fault_plan, rate_limit, settings
from .connections import ConnectionTracker
from .fault_injection import FaultInjector
from .fault_plan import FaultPlan
from .rate_limit import RateLimiter
from .service import Service
from .settings import SettingError

SUCCESS = {"message": "success"}


@dataclass(frozen=True)
class Components:
    """What the service is made of, as the API and the control addresses reach it."""

    service: Service
    fault_plan: FaultPlan
    rate_limiter: RateLimiter
    fault_injector: FaultInjector
    connections: ConnectionTracker


@dataclass(frozen=True)
class ControlRequest:
    """What came with a request."""

    query: Mapping[str, str]
    body: bytes


# What to do, and what to answer: a response, or something to make JSON of.
Handler = Callable[[Components, ControlRequest], object]


def _log(components: Components, request: ControlRequest) -> object:
    entries = components.service.log_entries(settings.parse_offset(request.query.get("after", "0")))
    return Response(entries, media_type=JSONResponse.media_type)


def _clear_log(components: Components, _request: ControlRequest) -> object:
    components.service.clear_log()
    return SUCCESS


def _reset(components: Components, _request: ControlRequest) -> object:
    components.fault_injector.cancel_delayed_calls()
    components.fault_plan.reset()
    components.rate_limiter.reset()
    components.connections.reset()
    components.service.reset()
    return SUCCESS


def _set_faults(components: Components, request: ControlRequest) -> object:
    components.fault_plan.add(fault_plan.from_json(request.body))
    return SUCCESS


def _clear_faults(components: Components, _request: ControlRequest) -> object:
    components.fault_plan.clear()
    return SUCCESS


def _set_limit(components: Components, request: ControlRequest) -> object:
    components.rate_limiter.set(rate_limit.from_json(request.body))
    return SUCCESS


def _clear_limit(components: Components, _request: ControlRequest) -> object:
    components.rate_limiter.set(None)
    return SUCCESS


HANDLERS: dict[str, dict[str, Handler]] = {
    "/_sandbox/log": {"GET": _log, "DELETE": _clear_log},
    "/_sandbox/customers": {"GET": lambda components, _request: components.service.dump_customers()},
    "/_sandbox/faults": {
        "GET": lambda components, _request: components.fault_plan.describe(),
        "POST": _set_faults,
        "DELETE": _clear_faults,
    },
    "/_sandbox/limit": {
        "GET": lambda components, _request: components.rate_limiter.describe(),
        "POST": _set_limit,
        "DELETE": _clear_limit,
    },
    "/_sandbox/reset": {"POST": _reset},
    "/_sandbox/health": {"GET": lambda components, _request: {"behaviour": components.service.behaviour.name}},
}


def _is_loopback(request: Request) -> bool:
    """Whether the peer is this machine. Forwarding headers are not believed."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _route(path: str, handlers: dict[str, Handler], components: Components) -> Route:
    """One control address; `handlers` by verb."""

    async def endpoint(request: Request) -> Response:
        if not _is_loopback(request):
            return JSONResponse({"message": "Only this machine may ask that"}, status_code=403)
        try:
            control_request = ControlRequest(request.query_params, await request.body())
            answer = handlers[request.method](components, control_request)
            return answer if isinstance(answer, Response) else JSONResponse(answer)
        except SettingError as error:
            return JSONResponse({"message": str(error)}, status_code=400)
        except ClientDisconnect:
            # Half a request asks for nothing, and nobody is there to be answered.
            return Response()

    return Route(path, endpoint, methods=list(handlers))


def routes(components: Components) -> list[Route]:
    return [_route(path, handlers, components) for path, handlers in HANDLERS.items()]
