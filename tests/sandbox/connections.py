# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over which connection a call comes in, and how many calls are under way at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionInfo:
    """How one call came in. `connection`: from 1 on. `in_flight`: calls under way as it began, itself included."""

    connection: int
    in_flight: int


class ConnectionTracker:
    """The API calls that are under way. Lives on the event loop, like the service."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Number the connections from 1 again. Calls that are under way stay so."""
        self._numbers: dict[int, int] = {}

    @contextmanager
    def track(self, connection: int) -> Iterator[ConnectionInfo]:
        """A call for as long as it is under way. `connection`: a number that no other connection ever had."""
        self._in_flight += 1
        try:
            yield ConnectionInfo(self._numbers.setdefault(connection, len(self._numbers) + 1), self._in_flight)
        finally:
            self._in_flight -= 1
