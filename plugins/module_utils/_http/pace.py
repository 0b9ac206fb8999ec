# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The pace of calls to a server that refuses some of them and does not tell its limit. Times are in seconds."""

from __future__ import annotations

import random

# The factor by which the pause grows after each further refusal, and the longest pause. A call has five tries by
# default. The pauses between them last more than a minute, which is the usual length of a window.
_PAUSE_GROWTH = 5.0
_LONGEST_PAUSE = 60.0
# The share of a pace that remains after a refusal, and the share of the rest by which each accepted call raises it.
# The first increase is larger, because the first measurement is only approximate.
_DECREASE = 0.7
_FIRST_INCREASE = 0.1
_INCREASE = 0.02
# Calls in a second. A slower pace means that nothing was measured.
_SLOWEST_PACE = 1 / 300
# After so many seconds without a call, a measurement no longer says what the server allows.
_STALE = 60.0
# A probe keeps other calls from starting until it ends, or for so many seconds at most. They look again after _LOOK.
_LONGEST_PROBE = 60.0
_LOOK = 0.1


class Pace:
    """The pace of calls where no answer tells the limit: additive increase, multiplicative decrease.

    There is no pace until the server refuses a call. Then all calls wait, and one call at a time probes whether the
    server accepts calls again, after growing pauses. The probe that gets through shows what the server allows: the
    number of accepted calls in the time since the first of them. From then on, calls keep to a part of that rate. Each
    accepted call raises it, and a refusal lowers it.

    All moments come from one clock. `first_pause`: seconds after the first refusal.
    """

    def __init__(self, first_pause: float) -> None:
        self._first_pause = first_pause
        self._next = 0.0
        self._rate = 0.0
        self._step = 0.0
        # The pause between probes; 0 while the server accepts calls.
        self._pause = 0.0
        self._refused_at = 0.0
        # The measurement for the first pace.
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
        """Forgets the pace: the server itself says when it accepts calls again."""
        self._next = self._pause = self._rate = self._step = 0.0

    def passed(self, started: float, now: float) -> None:
        """Notes that the server accepted a call that started at `started`."""
        self._passed += 1
        if not self._pause:
            self._rate += self._step
        elif started >= self._refused_at:
            self._pause = 0.0
            # The probe itself counts for the next window of the server.
            measured = max(1, self._passed - 1) / max(now - self._first, _LOOK)
            increase = _INCREASE if self._rate else _FIRST_INCREASE
            self._rate = max(_DECREASE * (self._rate or measured), _SLOWEST_PACE)
            self._step = increase * self._rate
            self._next = started + 1 / self._rate

    def refused(self, started: float, now: float) -> float:
        """Notes that the server refused a call that started at `started`. Returns when calls may start again."""
        # Calls that ran at the same time are refused together. They count as one refusal.
        if started >= self._refused_at:
            self._pause = min(self._pause * _PAUSE_GROWTH or self._first_pause, _LONGEST_PAUSE)
            self._refused_at = now
            self._next = 0.0
        # The random part keeps clients that met the same limit from retrying at the same moment.
        return self._refused_at + self._pause * random.uniform(1.0, 1.25)
