# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays faults: does the work of a call or leaves it undone, writes the log, hands out the answer."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp

from .fault_plan import Fault
from .faults import KINDS, Execution, FaultContext
from .request_log import LogEntry, LogOverrides
from .service import Service
from .v2.calls import Call


class FaultInjector:
    """Plays faults on one service. Lives on the event loop, like the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._timers: set[asyncio.TimerHandle] = set()

    def inject(self, fault: Fault, call: Call) -> ASGIApp:
        """The answer to `call` under `fault`. What it does and its log entry are done when this returns."""
        kind = KINDS[fault.name]
        overrides = LogOverrides(fault.name, kind.outcome)
        if kind.execution is Execution.IMMEDIATE:
            response = self._service.handle_call(call, overrides, kind.response_format, fault.settings.get("calls", 0))
            return kind.make_response(FaultContext(self._service, call, fault.settings, response))
        number, entry = self._service.log_without_executing(call, overrides)
        if kind.execution is Execution.DELAYED:
            self._execute_later(call, number, entry, fault.settings["seconds"])
        return kind.make_response(FaultContext(self._service, call, fault.settings))

    def cancel_delayed_calls(self) -> None:
        """Calls that have not acted yet never will: they would write into a state that knows nothing of them."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _execute_later(self, call: Call, number: int, entry: LogEntry, seconds: float) -> None:
        # A timer and no task, so that nothing waits for it when the sandbox stops.
        def execute() -> None:
            self._timers.discard(timer)
            self._service.execute_logged(call, number, entry)

        timer = asyncio.get_running_loop().call_later(seconds, execute)
        self._timers.add(timer)
