# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays faults: does the work of a call or leaves it undone, writes the log, hands out the answer."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp

from .calls import Call
from .fault_plan import Fault
from .faults import KINDS, Acts, Scene
from .log import Entry, Trouble
from .service import Service


class Player:
    """Plays faults on one service. Lives on the event loop, like the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._late: set[asyncio.TimerHandle] = set()

    def play(self, fault: Fault, call: Call) -> ASGIApp:
        """The answer to `call` under `fault`. What it does and its log entry are done when this returns."""
        kind = KINDS[fault.name]
        trouble = Trouble(fault.name, kind.outcome)
        if kind.acts is Acts.NOW:
            answer = self._service.answer(call, trouble, kind.wanted, fault.settings.get("calls", 0))
            return kind.strategy(Scene(self._service, call, fault.settings, answer))
        number, entry = self._service.note(call, trouble)
        if kind.acts is Acts.LATER:
            self._act_later(call, number, entry, fault.settings["seconds"])
        return kind.strategy(Scene(self._service, call, fault.settings))

    def forget_late_calls(self) -> None:
        """Calls that have not acted yet never will: they would write into a state that knows nothing of them."""
        for timer in self._late:
            timer.cancel()
        self._late.clear()

    def _act_later(self, call: Call, number: int, entry: Entry, seconds: float) -> None:
        # A timer and no task, so that nothing waits for it when the sandbox stops.
        def act() -> None:
            self._late.discard(timer)
            self._service.act_on_noted(call, number, entry)

        timer = asyncio.get_running_loop().call_later(seconds, act)
        self._late.add(timer)
