# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays faults: executes a call or skips it, writes the log, and makes the answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Union

from .api import Api, Call
from .fault_plan import Fault
from .faults import KINDS, Execution, FaultContext, Lag
from .http_messages import Delivery
from .request_log import LogEntry, LogOverrides

if TYPE_CHECKING:
    from .service import Service

Timer = Union[asyncio.TimerHandle, threading.Timer]


class FaultInjector:
    """Plays the faults of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._timers: set[Timer] = set()

    def inject(self, fault: Fault, api: Api, call: Call) -> Delivery:
        """The answer to `call` with `fault`. The call and its log entry are complete when this returns."""
        kind = KINDS[fault.name]
        overrides = LogOverrides(fault.name, kind.outcome)
        if kind.act_before is not None:
            self._service.act_before(api, call, kind.act_before)
        if kind.execution is Execution.IMMEDIATE:
            lag = Lag(**fault.settings) if kind.hides_customer else None
            response = self._service.execute(api, call, overrides, kind.response_format, lag)
            return kind.make_response(FaultContext(api, call, fault.settings, response))
        number, entry = self._service.log_without_executing(api, call, overrides)
        if kind.execution is Execution.DELAYED:
            self._execute_later(api, call, number, entry, fault.settings["seconds"])
        return kind.make_response(FaultContext(api, call, fault.settings))

    def cancel_delayed_calls(self) -> None:
        """Cancel the calls that were not executed yet. They must not write to the state after a reset."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _execute_later(self, api: Api, call: Call, number: int, entry: LogEntry, seconds: float) -> None:
        def execute() -> None:
            # In memory, this is another thread. It may have waited here while a reset was running.
            with self._service.lock:
                if timer in self._timers:
                    self._timers.discard(timer)
                    self._service.execute_logged(api, call, number, entry)

        timer = _start_timer(seconds, execute)
        self._timers.add(timer)


def _start_timer(seconds: float, function: Callable[[], None]) -> Timer:
    """A timer, not a task, so that nothing waits for it when the sandbox stops."""
    try:
        return asyncio.get_running_loop().call_later(seconds, function)
    except RuntimeError:
        # The service in memory has no loop.
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer
