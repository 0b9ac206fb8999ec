# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection of a call, and the number of calls that are in flight at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionInfo:
    """`connection`: a number from 1 on. `in_flight`: the calls in flight when this one began, including itself."""

    connection: int
    in_flight: int


class ConnectionTracker:
    """The API calls in flight. It is used on the event loop, like the service."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Number the connections from 1 again. Calls in flight stay in flight."""
        self._numbers: dict[int, int] = {}

    @contextmanager
    def track(self, connection: int) -> Iterator[ConnectionInfo]:
        """Count a call while it is in flight. `connection`: a number that no other connection has."""
        self._in_flight += 1
        try:
            yield ConnectionInfo(self._numbers.setdefault(connection, len(self._numbers) + 1), self._in_flight)
        finally:
            self._in_flight -= 1
