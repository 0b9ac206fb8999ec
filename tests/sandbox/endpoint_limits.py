# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rate limits for endpoints of API v3, read from the command line or from JSON. An endpoint is a verb and a route."""

from __future__ import annotations

from typing import Any

from . import rate_limit, settings
from .rate_limit import EVERY_ENDPOINT, RateLimit
from .settings import SettingError
from .v3.routes import ROUTES

_ENDPOINTS = {f"{route.verb} {route.template}" for route in ROUTES}
_FORM = (
    "An endpoint limit must be a JSON object with endpoint, calls and seconds, and optionally silent, or a list of them"
)


def from_text(text: str) -> tuple[str, RateLimit]:
    """Parse the form of the command line: `POST /v3/subusers=1/5`, with `,silent` or not. Raises SettingError."""
    endpoint, equals, limit = text.rpartition("=")
    if not equals:
        raise SettingError(f"{settings.abbreviate(text)} is not ENDPOINT=CALLS/SECONDS")
    return _check_endpoint(endpoint), rate_limit.from_text(limit)


def from_json(body: bytes) -> dict[str, RateLimit]:
    """`{"endpoint": "POST /v3/subusers", "calls": 1, "seconds": 5}`, silent or not, or a list. Raises SettingError."""
    data = settings.parse_json(body, _FORM)
    return dict(_from_data(item) for item in (data if isinstance(data, list) else [data]))


def _from_data(data: Any) -> tuple[str, RateLimit]:
    if not isinstance(data, dict) or data.keys() - {"silent"} != {"endpoint", "calls", "seconds"}:
        raise SettingError(_FORM)
    limit = {name: value for name, value in data.items() if name != "endpoint"}
    return _check_endpoint(data["endpoint"]), rate_limit.from_data(**limit)


def _check_endpoint(value: Any) -> str:
    if not isinstance(value, str) or value not in {*_ENDPOINTS, EVERY_ENDPOINT}:
        raise SettingError(f"{settings.abbreviate(value)} is neither a verb and route nor {EVERY_ENDPOINT}")
    return value
