# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""How long one call may go on, and how close calls may follow each other. Times are in seconds."""

from __future__ import annotations

import datetime
import email.utils
import random
import re
import threading
import time
import typing as t

FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0

Sleep = t.Callable[[float], None]


class Patience:
    """What is left of the tries and of the waiting of one call: `retries` further tries, `wait` seconds in all.

    What a try takes beyond `timeout` counts as waiting, too. So a call ends after `(retries + 1) * timeout + wait`
    seconds at the latest, and what it takes to connect.
    """

    def __init__(self, retries: int, wait: float, timeout: float, sleep: Sleep) -> None:
        self._tries = 0
        self._retries = retries
        self._left = wait
        self._timeout = timeout
        self._sleep = sleep

    @property
    def longest_try(self) -> float:
        """Seconds that the next try may take."""
        return self._timeout + max(0.0, self._left)

    def count_try(self, seconds: float) -> None:
        """Takes a try that lasted `seconds` into account."""
        self._left -= max(0.0, seconds - self._timeout)

    def again(self, asked: float | None = None) -> bool:
        """Waits before a further try, and says whether there may be one.

        `asked`: the seconds that the server asks for; else, and when it asks for none, exponential backoff with jitter.
        """
        pause = self._backoff()
        if asked is not None and asked >= FIRST_PAUSE:
            pause = asked
        if self._tries >= self._retries or pause > self._left:
            return False
        self._tries += 1
        self._wait(pause)
        return True

    def hold(self, seconds: float) -> None:
        """Waits before a try, as long as is left of the waiting."""
        self._wait(min(seconds, max(0.0, self._left)))

    def _wait(self, seconds: float) -> None:
        self._left -= seconds
        if seconds > 0:
            self._sleep(seconds)

    def _backoff(self) -> float:
        # Half of it is left to chance, so that clients which failed together do not come back together.
        return min(_LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._tries) * random.uniform(0.5, 1.0)


class Pace:
    """Keeps the calls of a session apart: by a ceiling of calls in a minute, and as rate-limit headers say."""

    def __init__(self, requests_per_minute: int, sleep: Sleep) -> None:
        self._interval = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._closed_until = 0.0

    def take_turn(self, patience: Patience) -> None:
        """Waits until the next call may start. What the server asks for counts for `patience`, the ceiling does not."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
            held = self._closed_until - start
        if start > now:
            self._sleep(start - now)
        if held > 0:
            patience.hold(held)

    def heed(self, headers: t.Mapping[str, str]) -> None:
        """Lets the next call wait when an answer says that no request is left in this window."""
        wait = reset_wait(headers)
        if wait is not None and headers.get("X-RateLimit-Remaining", "").strip() == "0":
            with self._lock:
                self._closed_until = max(self._closed_until, time.monotonic() + wait)


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
    return int(text) if re.fullmatch(r"\s*[0-9]{1,15}\s*", text) else None
