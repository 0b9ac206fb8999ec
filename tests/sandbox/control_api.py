# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control addresses under `/_sandbox/`, for tests and for people. They are not calls of an API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import endpoint_limits, fault_plan, rate_limit, settings
from .http_messages import ApiResponse, HttpRequest
from .settings import SettingError

if TYPE_CHECKING:
    from .service import Service

PREFIX = "/_sandbox/"
SUCCESS = {"message": "success"}

# Handles a request. Returns a response, or a value that is answered as JSON.
Handler = Callable[["Service", HttpRequest], object]


def _log(service: Service, request: HttpRequest) -> object:
    entries = service.log_entries(settings.parse_offset(dict(request.query).get("after", "0")))
    return _json_response(200, entries)


def _clear_log(service: Service, _request: HttpRequest) -> object:
    service.clear_log()
    return SUCCESS


def _reset(service: Service, _request: HttpRequest) -> object:
    service.reset()
    return SUCCESS


def _set_faults(service: Service, request: HttpRequest) -> object:
    service.fault_plan.add(fault_plan.from_json(request.body))
    return SUCCESS


def _clear_faults(service: Service, _request: HttpRequest) -> object:
    service.fault_plan.clear()
    return SUCCESS


def _set_limit(service: Service, request: HttpRequest) -> object:
    service.rate_limiter.set(rate_limit.from_json(request.body))
    return SUCCESS


def _clear_limit(service: Service, _request: HttpRequest) -> object:
    service.rate_limiter.set(None)
    return SUCCESS


def _set_endpoint_limits(service: Service, request: HttpRequest) -> object:
    service.rate_limiter.set_endpoints(endpoint_limits.from_json(request.body))
    return SUCCESS


def _clear_endpoint_limits(service: Service, _request: HttpRequest) -> object:
    service.rate_limiter.clear_endpoints()
    return SUCCESS


def _set_switches(service: Service, request: HttpRequest) -> object:
    service.switches.change(request.body)
    return SUCCESS


def _clear_switches(service: Service, _request: HttpRequest) -> object:
    service.switches.clear()
    return SUCCESS


HANDLERS: dict[str, dict[str, Handler]] = {
    "log": {"GET": _log, "DELETE": _clear_log},
    "accounts": {"GET": lambda service, _request: service.dump_accounts()},
    "api-keys": {"GET": lambda service, _request: service.dump_api_keys()},
    "customers": {"GET": lambda service, _request: service.dump_customers()},
    "faults": {
        "GET": lambda service, _request: service.fault_plan.describe(),
        "POST": _set_faults,
        "DELETE": _clear_faults,
    },
    "limit": {
        "GET": lambda service, _request: service.rate_limiter.describe(),
        "POST": _set_limit,
        "DELETE": _clear_limit,
    },
    "endpoint-limits": {
        "GET": lambda service, _request: service.rate_limiter.describe_endpoints(),
        "POST": _set_endpoint_limits,
        "DELETE": _clear_endpoint_limits,
    },
    "switches": {
        "GET": lambda service, _request: service.switches.describe(),
        "POST": _set_switches,
        "DELETE": _clear_switches,
    },
    "reset": {"POST": _reset},
    "health": {"GET": lambda service, _request: {"behaviour": service.behaviour}},
}


def _json_response(status: int, text: str) -> ApiResponse:
    return ApiResponse.of_type("application/json", text.encode("utf-8"), status)


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def respond(service: Service, request: HttpRequest) -> ApiResponse:
    """The answer of a control address."""
    handlers = HANDLERS.get(request.path[len(PREFIX) :])
    if handlers is None:
        return _json_response(404, _encode({"message": "This control address does not exist"}))
    if request.method not in handlers:
        refused = _json_response(405, _encode({"message": f"Only {', '.join(handlers)} is allowed"}))
        return refused.with_headers({"allow": ", ".join(handlers)})
    try:
        answer = handlers[request.method](service, request)
    except SettingError as error:
        return _json_response(400, _encode({"message": str(error)}))
    return answer if isinstance(answer, ApiResponse) else _json_response(200, _encode(answer))
