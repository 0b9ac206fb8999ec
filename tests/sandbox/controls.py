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

from . import checks, fault_plan, limits
from .checks import SettingError
from .fault_plan import FaultPlan
from .limits import RateLimit
from .player import Player
from .service import Service
from .traffic import Traffic

SUCCESS = {"message": "success"}


@dataclass(frozen=True)
class Parts:
    """What the service is made of, as the API and the control addresses reach it."""

    service: Service
    plan: FaultPlan
    limit: RateLimit
    player: Player
    traffic: Traffic


@dataclass(frozen=True)
class Asked:
    """What came with a request."""

    query: Mapping[str, str]
    body: bytes


# What to do, and what to answer: a response, or something to make JSON of.
Handler = Callable[[Parts, Asked], object]


def _log(parts: Parts, asked: Asked) -> object:
    entries = parts.service.log_entries(checks.offset(asked.query.get("after", "0")))
    return Response(entries, media_type=JSONResponse.media_type)


def _clear_log(parts: Parts, _asked: Asked) -> object:
    parts.service.clear_log()
    return SUCCESS


def _reset(parts: Parts, _asked: Asked) -> object:
    parts.player.forget_late_calls()
    parts.plan.reset()
    parts.limit.reset()
    parts.traffic.reset()
    parts.service.reset()
    return SUCCESS


def _set_faults(parts: Parts, asked: Asked) -> object:
    parts.plan.add(fault_plan.from_json(asked.body))
    return SUCCESS


def _clear_faults(parts: Parts, _asked: Asked) -> object:
    parts.plan.clear()
    return SUCCESS


def _set_limit(parts: Parts, asked: Asked) -> object:
    parts.limit.set(limits.from_json(asked.body))
    return SUCCESS


def _clear_limit(parts: Parts, _asked: Asked) -> object:
    parts.limit.set(None)
    return SUCCESS


CONTROLS: dict[str, dict[str, Handler]] = {
    "/_sandbox/log": {"GET": _log, "DELETE": _clear_log},
    "/_sandbox/customers": {"GET": lambda parts, _asked: parts.service.customers()},
    "/_sandbox/faults": {
        "GET": lambda parts, _asked: parts.plan.shown(),
        "POST": _set_faults,
        "DELETE": _clear_faults,
    },
    "/_sandbox/limit": {
        "GET": lambda parts, _asked: parts.limit.shown(),
        "POST": _set_limit,
        "DELETE": _clear_limit,
    },
    "/_sandbox/reset": {"POST": _reset},
    "/_sandbox/health": {"GET": lambda parts, _asked: {"behaviour": parts.service.behaviour.name}},
}


def _is_loopback(request: Request) -> bool:
    """Whether the peer is this machine. Forwarding headers are not believed."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _route(path: str, handlers: dict[str, Handler], parts: Parts) -> Route:
    """One control address; `handlers` by verb."""

    async def endpoint(request: Request) -> Response:
        if not _is_loopback(request):
            return JSONResponse({"message": "Only this machine may ask that"}, status_code=403)
        try:
            asked = Asked(request.query_params, await request.body())
            answer = handlers[request.method](parts, asked)
            return answer if isinstance(answer, Response) else JSONResponse(answer)
        except SettingError as error:
            return JSONResponse({"message": str(error)}, status_code=400)
        except ClientDisconnect:
            # Half a request asks for nothing, and nobody is there to be answered.
            return Response()

    return Route(path, endpoint, methods=list(handlers))


def routes(parts: Parts) -> list[Route]:
    return [_route(path, handlers, parts) for path, handlers in CONTROLS.items()]
