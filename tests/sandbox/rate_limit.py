# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limit: how many calls an account can make in a window of time, and how many are left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import settings
from .settings import SettingError

# Stands for each endpoint without its own limit.
EVERY_ENDPOINT = "*"

_FORM = "A limit must be a JSON object with calls and seconds, and optionally silent"
_SILENT = "silent"


@dataclass(frozen=True)
class RateLimit:
    """How many calls in how many seconds. `silent`: no answer shows the limit, except for a refusal."""

    calls: int
    seconds: float
    silent: bool = False

    def describe(self) -> dict[str, Any]:
        return {"calls": self.calls, "seconds": self.seconds, **({_SILENT: True} if self.silent else {})}


def from_text(text: str) -> RateLimit:
    """Parse `600/60` or `600/60,silent`, the form of the command line. Raises SettingError."""
    limit, comma, word = text.partition(",")
    calls, slash, seconds = limit.partition("/")
    if not slash:
        raise SettingError(f"{settings.abbreviate(text)} is not CALLS/SECONDS")
    if comma and word != _SILENT:
        raise SettingError(f"{settings.abbreviate(word)} is not {_SILENT}, and nothing else can follow a limit")
    return from_data(settings.parse_scalar(calls), settings.parse_scalar(seconds), bool(comma))


def from_json(body: bytes) -> RateLimit:
    """Parse `{"calls": 600, "seconds": 60}`, with `"silent": true` or not. Raises SettingError."""
    data = settings.parse_json(body, _FORM)
    if not isinstance(data, dict) or data.keys() - {_SILENT} != {"calls", "seconds"}:
        raise SettingError(_FORM)
    return from_data(**data)


def from_data(calls: Any, seconds: Any, silent: Any = False) -> RateLimit:
    """Raises SettingError."""
    if not isinstance(silent, bool):
        raise SettingError(f"{_SILENT} must be true or false")
    limit = RateLimit(
        settings.check_positive_integer(calls, "calls must be a whole number from 1 on"),
        settings.check_seconds(seconds),
        silent,
    )
    if not limit.seconds:
        raise SettingError("seconds must be more than 0")
    return limit


@dataclass(frozen=True)
class RateLimitStatus:
    """The state of an account after a call: `remaining` calls until `reset`, in epoch seconds.

    `exceeded`: whether this call exceeded the limit. `silent`: no answer shows the limit.
    """

    limit: int
    remaining: int
    reset: float
    exceeded: bool
    silent: bool = False

    def headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        """[doc] The headers of every answer, with the API's names for them. A silent limit has no headers.

        The end of the window is rounded up, so that no client comes too early [own].
        """
        if self.silent:
            return {}
        return {limit: str(self.limit), remaining: str(self.remaining), reset: str(math.ceil(self.reset))}


@dataclass
class _Window:
    """A window of time: its end in epoch seconds, and the number of calls that are left."""

    end: float
    left: int


class RateLimiter:
    """The limits that are set, and a window of time for each key. `reset` restores the `initial` limits."""

    def __init__(
        self,
        initial: RateLimit | None = None,
        initial_endpoints: Mapping[str, RateLimit] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._initial = initial
        self._initial_endpoints = dict(initial_endpoints or {})
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Restore the limits of the command line, and forget all counted calls."""
        self._endpoints = dict(self._initial_endpoints)
        self.set(self._initial)

    def set(self, limit: RateLimit | None) -> None:
        """Set the limit for everything without its own limit, or remove it. Forgets all counted calls."""
        self._limit = limit
        self._windows: dict[tuple[str, ...], _Window] = {}

    def set_endpoints(self, limits: Mapping[str, RateLimit]) -> None:
        """Set limits of endpoints, and keep the limits of other endpoints. Forgets all counted calls."""
        self._endpoints.update(limits)
        self._windows = {}

    def clear_endpoints(self) -> None:
        self._endpoints = {}
        self._windows = {}

    def describe(self) -> dict[str, Any] | None:
        return self._limit.describe() if self._limit else None

    def describe_endpoints(self) -> dict[str, dict[str, Any]]:
        return {endpoint: limit.describe() for endpoint, limit in self._endpoints.items()}

    def record_call(self, key: tuple[str, ...], endpoint: str | None = None) -> RateLimitStatus | None:
        """Count a call for its key, such as an account, and return the state. None without a limit.

        A window begins with the first call after the end of the window before [own]. So a client that pauses has all
        its calls again.
        """
        limit = self._limit_of(endpoint)
        if limit is None:
            return None
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now >= window.end:
            window = self._windows[key] = _Window(now + limit.seconds, limit.calls)
        exceeded = window.left == 0
        if not exceeded:
            window.left -= 1
        return RateLimitStatus(limit.calls, window.left, window.end, exceeded, limit.silent)

    def _limit_of(self, endpoint: str | None) -> RateLimit | None:
        if endpoint is None:
            return self._limit
        return self._endpoints.get(endpoint) or self._endpoints.get(EVERY_ENDPOINT) or self._limit
