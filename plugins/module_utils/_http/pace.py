# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""How close calls follow each other where a server refuses some and does not tell its limit. Times are in seconds."""

from __future__ import annotations

import random

# How many times as long as the one before the pause after each further refusal is, and its ceiling. The pauses between
# five tries, which a call has unless it says otherwise, outlast a minute, which is how long windows usually are.
_PAUSE_GROWTH = 5.0
_LONGEST_PAUSE = 60.0
# How much of a pace is kept after a refusal, and by how much of what is kept each call that gets through raises it: at
# first by more, since what was measured is only about right.
_DECREASE = 0.7
_FIRST_INCREASE = 0.1
_INCREASE = 0.02
# Calls in a second: a pace that is below says that nothing was measured.
_SLOWEST_PACE = 1 / 300
# Without a call for so long, what was measured says nothing of what the server allows.
_STALE = 60.0
# A try that is under way keeps the others from starting, unless nobody hears of it for so long. They look at these
# distances.
_LONGEST_PROBE = 60.0
_LOOK = 0.1


class Pace:
    """How close calls follow each other whose limit no answer tells: additive increase, multiplicative decrease.

    There is none until a call is refused. Then all wait, and one at a time tries whether the server takes calls again,
    after growing pauses. The one that gets through tells what the server allows: as many calls as got through, in the
    time since the first of them. From then on calls keep to a part of that, which grows with each that gets through and
    falls with a refusal. Moments are those of one clock. `first_pause`: seconds after the first refusal.
    """

    def __init__(self, first_pause: float) -> None:
        self._first_pause = first_pause
        self._next = 0.0
        self._rate = 0.0
        self._step = 0.0
        # Of the probing; 0 while calls are not refused.
        self._pause = 0.0
        self._refused_at = 0.0
        # What is measured until the first pace is known.
        self._first = self._last = -_STALE
        self._passed = 0

    def wait(self, now: float) -> float:
        """Seconds until the next look at whether a call may start; 0 when one may."""
        return min(_LOOK, max(0.0, self._next - now))

    def start(self, moment: float) -> None:
        """A call starts."""
        if moment - self._last >= _STALE and not self._pause:
            self._first, self._passed = moment, 0
        self._last = moment
        if self._pause:
            self._next = moment + _LONGEST_PROBE
        elif self._rate:
            self._next = moment + 1 / self._rate

    def stop(self) -> None:
        """The server tells by itself when it takes calls again."""
        self._next = self._pause = self._rate = self._step = 0.0

    def passed(self, started: float, now: float) -> None:
        """A call that started then was not refused."""
        self._passed += 1
        if not self._pause:
            self._rate += self._step
        elif started >= self._refused_at:
            self._pause = 0.0
            # The one that got through belongs to what the server allows next.
            measured = max(1, self._passed - 1) / max(now - self._first, _LOOK)
            increase = _INCREASE if self._rate else _FIRST_INCREASE
            self._rate = max(_DECREASE * (self._rate or measured), _SLOWEST_PACE)
            self._step = increase * self._rate
            self._next = started + 1 / self._rate

    def refused(self, started: float, now: float) -> float:
        """A call that started then was refused. Returns the moment until which all are to wait."""
        # Those that were under way together are refused together, which says the same once more.
        if started >= self._refused_at:
            self._pause = min(self._pause * _PAUSE_GROWTH or self._first_pause, _LONGEST_PAUSE)
            self._refused_at = now
            self._next = 0.0
        # Others who found the same limit come back at another moment.
        return self._refused_at + self._pause * random.uniform(1.0, 1.25)
