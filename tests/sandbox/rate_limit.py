# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limit: so many calls an account may make in a window of time, and where each of them stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import settings
from .settings import SettingError

# In place of an endpoint: each of those that have no limit of their own.
EVERY_ENDPOINT = "*"

_FORM = "A limit must be a JSON object with calls and seconds, and at most silent"
_SILENT = "silent"


@dataclass(frozen=True)
class RateLimit:
    """How many calls in how many seconds. `silent`: no answer tells of it, but for a refusal."""

    calls: int
    seconds: float
    silent: bool = False

    def describe(self) -> dict[str, Any]:
        return {"calls": self.calls, "seconds": self.seconds, **({_SILENT: True} if self.silent else {})}


def from_text(text: str) -> RateLimit:
    """`600/60` or `600/60,silent`, as the command line has it. Raises SettingError."""
    limit, comma, word = text.partition(",")
    calls, slash, seconds = limit.partition("/")
    if not slash:
        raise SettingError(f"{settings.abbreviate(text)} is not CALLS/SECONDS")
    if comma and word != _SILENT:
        raise SettingError(f"{settings.abbreviate(word)} is not {_SILENT}, which is all that can follow a limit")
    return from_data(settings.parse_scalar(calls), settings.parse_scalar(seconds), bool(comma))


def from_json(body: bytes) -> RateLimit:
    """`{"calls": 600, "seconds": 60}`, with `"silent": true` or not. Raises SettingError."""
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
    """Where an account stands after a call: `remaining` calls until `reset`, in epoch seconds.

    `exceeded`: that call. `silent`: no answer tells of it.
    """

    limit: int
    remaining: int
    reset: float
    exceeded: bool
    silent: bool = False

    def headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        """[doc] As every answer carries them, under the names that an API has for them. None where the limit is silent.

        A moment later than the true one lets no client come too early [own].
        """
        if self.silent:
            return {}
        return {limit: str(self.limit), remaining: str(self.remaining), reset: str(math.ceil(self.reset))}


@dataclass
class _Window:
    """A window of time: its end in epoch seconds, and the calls that are left until then."""

    end: float
    left: int


class RateLimiter:
    """The limits that are set, and the windows of time, one for each key. `initial...`: what `reset` returns to."""

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
        """Only the limits of the command line, and as if no call had been counted."""
        self._endpoints = dict(self._initial_endpoints)
        self.set(self._initial)

    def set(self, limit: RateLimit | None) -> None:
        """Another limit, or none, for what has no limit of its own. No call is counted yet."""
        self._limit = limit
        self._windows: dict[tuple[str, ...], _Window] = {}

    def set_endpoints(self, limits: Mapping[str, RateLimit]) -> None:
        """Limits of endpoints of their own, beside those that others have. No call is counted yet."""
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
        """Count a call among those with the same key, such as those of an account, and say where that leaves them.

        None without a limit. A window begins with the first call after the one before [own]: so a client that stands
        still for a while has all its calls again.
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
