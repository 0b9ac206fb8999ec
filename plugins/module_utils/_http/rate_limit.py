# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""How long one call may go on, and how close calls may follow each other. Times are in seconds."""

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
# Moments on the wire are whole seconds, so two that are closer than that may be the same.
_CLOCK_STEP = 1.0

_WHOLE_NUMBER = re.compile(r"\s*[0-9]{1,15}\s*")

# Waits for some seconds; a true value says that the wait was cut short, because no further call is wanted.
Sleep = t.Callable[[float], t.Any]


class RetryBudget:
    """What is left of the tries and of the waiting of one call: `retries` further tries, `wait` seconds in all.

    What a try takes beyond `timeout` counts as waiting, too. So a call ends after `(retries + 1) * timeout + wait`
    seconds at the latest, and what it takes to connect.
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
        """Seconds that are left of the waiting."""
        return max(0.0, self._left)

    @property
    def longest_try(self) -> float:
        """Seconds that the next try may take."""
        return self._timeout + self.left

    def record_try(self, seconds: float) -> None:
        """Takes a try that lasted `seconds` into account."""
        self._left -= max(0.0, seconds - self._timeout)

    def wait_to_retry(self, asked: float | None = None) -> bool:
        """Waits before a further try, and says whether there may be one; `asked` as for `next_pause`."""
        pause = self.next_pause(asked)
        return pause is not None and self.spend(pause)

    def next_pause(self, asked: float | None = None) -> float | None:
        """Takes a further try, and returns the seconds to wait before it; None when there may be none.

        `asked`: the seconds that the server asks for; else, and when it asks for none, exponential backoff with jitter.
        """
        pause = self._backoff(self._tries)
        if asked is not None and asked >= FIRST_PAUSE:
            pause = asked
        if self._tries >= self._retries or pause > self._left:
            return None
        self._tries += 1
        return pause

    def wait_to_poll(self, limit: TimeLimit | None = None) -> bool:
        """Waits before a further look for what comes about by itself, and says whether there may be one.

        Nothing has failed, so such looks are not tries: they go on, at growing distances, until the waiting or `limit`
        is used up.
        """
        left = self.left if limit is None else min(self.left, limit.left)
        if not left:
            return False
        pause = min(self._backoff(self._polls), left)
        self._polls += 1
        return self.spend(pause)

    def spend(self, seconds: float) -> bool:
        """Waits before a try, and says whether it may be made. Takes `seconds` off, which must be left."""
        self._left -= seconds
        return self.pause(seconds)

    def pause(self, seconds: float) -> bool:
        """The same, as long as asked, for a wait that the server has nothing to do with: it is not taken off."""
        return seconds <= 0 or not self._sleep(seconds)

    def _backoff(self, number: int) -> float:
        """Seconds before the try after `number` others."""
        # Half of it is left to chance, so that clients which failed together do not come back together.
        return min(_LONGEST_PAUSE, FIRST_PAUSE * 2.0**number) * random.uniform(0.5, 1.0)


class TimeLimit:
    """Seconds that may pass from now on, whatever is done in them."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._end - time.monotonic())


class RateLimiter:
    """Keeps calls apart: by a ceiling of calls in a minute, and as rate-limit headers say.

    Calls that the server counts together have the same `key`. What an answer to one of them says holds for all of them,
    since those that are under way together share the window of the server. The ceiling holds for all calls.

    Where no answer tells the limit, those of a key find their pace by trying: `refused` and `passed` say what came of
    each.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._interval = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._windows: dict[str, _Window] = collections.defaultdict(_Window)

    def acquire(self, budget: RetryBudget, key: str = "") -> bool:
        """Waits until the next call may start, and says whether it may.

        What the server asks for counts for `budget`, the ceiling and the queue do not.
        """
        with self._lock:
            window = self._windows[key]
        # One call waits for the server, and the others for their turn after it.
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
                    # What is too long to wait for is left to the server to say.
                    is_turn = held <= 0 or held > budget.left
                    if is_turn:
                        self._next = start + self._interval
                        window.pace.start(start)
                if not budget.pause(start - now):
                    return False
                if is_turn or not budget.spend(held):
                    return is_turn

    def _wait_for_pace(self, window: _Window, budget: RetryBudget) -> bool:
        """Waits until a call fits the pace of its window, and says whether it may start then."""
        while True:
            with self._lock:
                look = window.pace.wait(time.monotonic())
            if look <= 0:
                return True
            if not budget.pause(look):
                return False

    def update_from_headers(self, headers: t.Mapping[str, str], key: str = "") -> None:
        """Takes in what an answer says of the server's window."""
        wait = reset_wait(headers)
        left = whole_number(headers.get("X-RateLimit-Remaining", ""))
        if wait and left is not None:
            limit = whole_number(headers.get("X-RateLimit-Limit", ""))
            with self._lock:
                self._windows[key].update_from_headers(time.monotonic() + wait, left, limit)

    def block(self, seconds: float, key: str = "") -> None:
        """Lets all calls wait that the server counts together, since it refused one of them for now."""
        with self._lock:
            self._windows[key].close(time.monotonic() + seconds)

    def passed(self, started: float, key: str) -> None:
        """Takes in that a call was not refused. `started`: by the monotonic clock."""
        with self._lock:
            self._windows[key].pace.passed(started, time.monotonic())

    def refused(self, started: float, key: str, asked: float | None) -> float:
        """Takes in that a call was refused, and returns the seconds to wait.

        `asked`: those that the server asks for. None, or next to nothing, does not tell when it takes calls again.
        """
        with self._lock:
            now, window = time.monotonic(), self._windows[key]
            if asked is not None and asked >= FIRST_PAUSE:
                window.pace.stop()
                return asked
            window.close(window.pace.refused(started, now))
            return max(0.0, window.closed_until - now)


class _Window:
    """How many calls the server allows until when. Moments are those of the monotonic clock.

    Calls are counted as they start, since those under way together are not in each other's answers: a pool of them
    would run into the limit all at once. `gate`: held by the call whose turn is next. `pace`: of calls whose limit no
    answer tells.
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
        """When a call that could start at `start` may start; it is counted if that is then."""
        if start < self.closed_until:
            return self.closed_until
        if start >= self._until:
            # A new window, of which no answer has told anything yet.
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
        """No call before that."""
        self.closed_until = max(until, self.closed_until)

    def update_from_headers(self, until: float, left: int, limit: int | None) -> None:
        """Takes in that `left` calls are left `until` then."""
        # The first answer of a window tells how long it lasts, and nothing of the calls that started beside its own.
        is_same = self._is_guess or until < self._until + _CLOCK_STEP
        self._is_guess = False
        self._left = left if self._left is None or not is_same else min(left, self._left)
        self._until = max(until, self._until)
        self._limit = limit or self._limit


def asked_wait(headers: t.Mapping[str, str]) -> float | None:
    """Seconds until `Retry-After`, which holds seconds or a date; None where there is none."""
    after = headers.get("Retry-After", "")
    seconds = whole_number(after)
    if seconds is not None:
        return float(seconds)
    try:
        date = email.utils.parsedate_to_datetime(after)
        # HTTP's dates are in UTC, also in the form that does not say so.
        moment = date.replace(tzinfo=date.tzinfo or datetime.timezone.utc).timestamp()
    # What is neither raises one of these, by the version of Python.
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, moment - time.time())


def reset_wait(headers: t.Mapping[str, str]) -> float | None:
    """Seconds until `X-RateLimit-Reset`, a moment in epoch seconds [doc]; None where there is none."""
    reset = whole_number(headers.get("X-RateLimit-Reset", ""))
    return None if reset is None else max(0.0, reset - time.time())


def whole_number(text: str) -> int | None:
    """A header's number. Not `isdigit`, which takes signs that `int` does not, nor a number beyond all reason."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None
