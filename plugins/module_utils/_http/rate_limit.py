# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Retry budgets and rate limits: how long one call may take, and how close calls follow each other.

Times are in seconds.
"""

from __future__ import annotations

import collections
import datetime
import email.utils
import random
import re
import threading
import time
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.pace import Pace

FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# Moments on the wire are whole seconds. Two that differ by less may be the same moment.
_CLOCK_STEP = 1.0

_WHOLE_NUMBER = re.compile(r"\s*[0-9]{1,15}\s*")

# Waits for some seconds. Returns a true value if the wait ended early, because the run is cancelled.
Sleep = t.Callable[[float], t.Any]


class RetryBudget:
    """The retries and the waiting time that one call has left: `retries` further tries, `wait` seconds in all.

    The time of a try beyond `timeout` counts as waiting, too. So a call ends after `(retries + 1) * timeout + wait`
    seconds at most, plus the time to connect.
    """

    def __init__(self, retries: int, wait: float, timeout: float, sleep: Sleep) -> None:
        self._tries = 0
        self._polls = 0
        self._retries = retries
        self._left = wait
        self._timeout = timeout
        self._sleep = sleep

    @property
    def left(self) -> float:
        """Seconds of waiting that are left."""
        return max(0.0, self._left)

    @property
    def longest_try(self) -> float:
        """Seconds that the next try may take."""
        return self._timeout + self.left

    def record_try(self, seconds: float) -> None:
        """Counts a try that lasted `seconds`."""
        self._left -= max(0.0, seconds - self._timeout)

    def wait_to_retry(self, asked: float | None = None) -> bool:
        """Waits before a further try. Returns whether the budget allows one. `asked`: as for `next_pause`."""
        pause = self.next_pause(asked)
        return pause is not None and self.spend(pause)

    def next_pause(self, asked: float | None = None) -> float | None:
        """Takes a further try and returns the seconds to wait before it. Returns None if the budget allows none.

        `asked`: the seconds that the server asks for. If it asks for none, the wait is exponential backoff with jitter.
        """
        pause = self._backoff(self._tries)
        if asked is not None and asked >= FIRST_PAUSE:
            pause = asked
        if self._tries >= self._retries or pause > self._left:
            return None
        self._tries += 1
        return pause

    def wait_to_poll(self, limit: TimeLimit | None = None) -> bool:
        """Waits before another poll for a state that the server reaches by itself. Returns whether to poll again.

        Nothing has failed, so polls are not tries: they go on, with growing pauses, until the waiting time or `limit`
        is used up.
        """
        left = self.left if limit is None else min(self.left, limit.left)
        if not left:
            return False
        pause = min(self._backoff(self._polls), left)
        self._polls += 1
        return self.spend(pause)

    def spend(self, seconds: float) -> bool:
        """Waits before a try and subtracts `seconds`, which must be left. Returns whether to make the try."""
        self._left -= seconds
        return self.pause(seconds)

    def pause(self, seconds: float) -> bool:
        """Waits for `seconds` without subtracting them: for a wait that the server did not ask for."""
        return seconds <= 0 or not self._sleep(seconds)

    def _backoff(self, number: int) -> float:
        """Seconds before the try after `number` others."""
        # Half of it is random, so that clients that fail together do not retry together.
        return min(_LONGEST_PAUSE, FIRST_PAUSE * 2.0**number) * random.uniform(0.5, 1.0)


class TimeLimit:
    """A number of seconds from now on, whatever happens in them."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._end - time.monotonic())


class RateLimiter:
    """Spaces out calls: by a limit of calls per minute, and by the rate-limit headers of the server.

    Calls that the server counts together have the same `key`. What one answer says holds for all calls of its key,
    because concurrent calls share the window of the server. The limit per minute holds for all calls.

    Where no answer tells the limit, the calls of a key find their pace by probing: `refused` and `passed` report the
    result of each call.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._interval = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._windows: dict[str, _Window] = collections.defaultdict(_Window)

    def acquire(self, budget: RetryBudget, key: str = "") -> bool:
        """Waits until the next call may start. Returns whether it may.

        Waits that the server asks for count for `budget`. Waits for the limit per minute and for other calls do not.
        """
        with self._lock:
            window = self._windows[key]
        # One call waits for the server; the others wait for their turn after it.
        with window.gate:
            earliest = 0.0
            while True:
                if not self._wait_for_pace(window, budget):
                    return False
                with self._lock:
                    now = time.monotonic()
                    start = max(now, earliest, self._next)
                    earliest = window.take(start)
                    held = earliest - start
                    # If the wait is longer than the budget, make the call: the server then says how long to wait.
                    is_turn = held <= 0 or held > budget.left
                    if is_turn:
                        self._next = start + self._interval
                        window.pace.start(start)
                if not budget.pause(start - now):
                    return False
                if is_turn or not budget.spend(held):
                    return is_turn

    def _wait_for_pace(self, window: _Window, budget: RetryBudget) -> bool:
        """Waits until a call fits the pace of its window. Returns whether it may start."""
        while True:
            with self._lock:
                look = window.pace.wait(time.monotonic())
            if look <= 0:
                return True
            if not budget.pause(look):
                return False

    def update_from_headers(self, headers: t.Mapping[str, str], key: str = "") -> None:
        """Updates the server's window from the headers of an answer."""
        wait = reset_wait(headers)
        left = whole_number(headers.get("X-RateLimit-Remaining", ""))
        if wait and left is not None:
            limit = whole_number(headers.get("X-RateLimit-Limit", ""))
            with self._lock:
                self._windows[key].update_from_headers(time.monotonic() + wait, left, limit)

    def block(self, seconds: float, key: str = "") -> None:
        """Delays all calls of `key` for `seconds`, because the server refused one of them."""
        with self._lock:
            self._windows[key].close(time.monotonic() + seconds)

    def passed(self, started: float, key: str) -> None:
        """Notes that the server accepted a call. `started`: by the monotonic clock."""
        with self._lock:
            self._windows[key].pace.passed(started, time.monotonic())

    def refused(self, started: float, key: str, asked: float | None) -> float:
        """Notes that the server refused a call, and returns the seconds to wait.

        `asked`: the seconds that the server asks for. None or almost 0 does not say when it accepts calls again.
        """
        with self._lock:
            now, window = time.monotonic(), self._windows[key]
            if asked is not None and asked >= FIRST_PAUSE:
                window.pace.stop()
                return asked
            window.close(window.pace.refused(started, now))
            return max(0.0, window.closed_until - now)


class _Window:
    """How many calls the server allows, and until when. Moments are those of the monotonic clock.

    The window counts calls when they start, because an answer does not include the calls that run at the same time.
    Otherwise a pool of calls would exceed the limit at once. `gate`: the next call holds it. `pace`: for calls where
    no answer tells the limit.
    """

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.pace = Pace(FIRST_PAUSE)
        self.closed_until = 0.0
        self._until = 0.0
        self._left: int | None = None
        self._limit: int | None = None
        self._is_guess = False

    def take(self, start: float) -> float:
        """The moment when a call may start that is ready at `start`. Counts the call if that is the same moment."""
        if start < self.closed_until:
            return self.closed_until
        if start >= self._until:
            # A new window: no answer has described it yet.
            self._left = self._limit
            self._until = start + _CLOCK_STEP
            self._is_guess = True
        if self._left is None:
            return start
        if self._left > 0:
            self._left -= 1
            return start
        return self._until

    def close(self, until: float) -> None:
        """Lets no call start before `until`."""
        self.closed_until = max(until, self.closed_until)

    def update_from_headers(self, until: float, left: int, limit: int | None) -> None:
        """Notes that `left` calls are left `until` that moment."""
        # The first answer of a window tells how long it lasts. It does not count the calls that run at the same time.
        is_same = self._is_guess or until < self._until + _CLOCK_STEP
        self._is_guess = False
        self._left = left if self._left is None or not is_same else min(left, self._left)
        self._until = max(until, self._until)
        self._limit = limit or self._limit


def asked_wait(headers: t.Mapping[str, str]) -> float | None:
    """The seconds in `Retry-After`, or the seconds until its date. None without such a header."""
    after = headers.get("Retry-After", "")
    seconds = whole_number(after)
    if seconds is not None:
        return float(seconds)
    try:
        date = email.utils.parsedate_to_datetime(after)
        # Dates in HTTP are in UTC, even in the form that does not say so.
        moment = date.replace(tzinfo=date.tzinfo or datetime.timezone.utc).timestamp()
    # Any other text raises one of these errors; which one depends on the version of Python.
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, moment - time.time())


def reset_wait(headers: t.Mapping[str, str]) -> float | None:
    """Seconds until `X-RateLimit-Reset`, a moment in epoch seconds [doc]. None without such a header."""
    reset = whole_number(headers.get("X-RateLimit-Reset", ""))
    return None if reset is None else max(0.0, reset - time.time())


def whole_number(text: str) -> int | None:
    """The number in a header. Not by `isdigit`, which accepts characters that `int` does not, and not if it is huge."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None
