# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Ends long work early: after an error, or because somebody interrupts it."""

from __future__ import annotations

import os
import select
import signal
import threading
import typing as t

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cancellation:
    """Tells all threads of a run to make no further call. A context manager.

    While the main thread is inside it, SIGINT and SIGTERM cancel the run, and running calls end normally. A second
    SIGINT has its usual effect, for a person who insists. A second SIGTERM does not, because Ansible sends several.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.is_interrupted = False
        self._parent = os.getppid()
        self._handlers: dict[int, t.Any] = {}
        # Not a threading.Event: a signal handler must not take a lock, because its own thread may hold the lock.
        self._read, self._write = os.pipe()

    def __enter__(self) -> Cancellation:
        if threading.current_thread() is threading.main_thread():
            # An ignored signal stays ignored: nohup and shells keep a background program alive in this way.
            heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._handlers = {number: signal.signal(number, self._on_signal) for number in heard}
        return self

    def __exit__(self, *_error: t.Any) -> None:
        for number in list(self._handlers):
            self._give_back(number)
        os.close(self._read)
        os.close(self._write)

    def cancel(self, reason: str) -> None:
        """Cancels the run. `reason`: a clause that follows "because"; the first one counts."""
        if not self.reason:
            self.reason = reason
            os.write(self._write, b"!")

    def is_cancelled(self) -> bool:
        """Whether the run is cancelled."""
        return bool(self.reason)

    def wait(self, seconds: float) -> bool:
        """Waits for some seconds, or until the run is cancelled. Returns whether it is cancelled."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def check_parent(self) -> None:
        """Cancels the run if the program that waits for the result has ended."""
        if os.getppid() != self._parent:
            self._interrupt("the program that started it has ended")

    def _on_signal(self, number: int, _frame: t.Any) -> None:
        if number == signal.SIGINT:
            self._give_back(number)
        self._interrupt(f"of the signal {signal.Signals(number).name}")

    def _interrupt(self, reason: str) -> None:
        self.is_interrupted = True
        self.cancel(reason)

    def _give_back(self, number: int) -> None:
        # `pop` removes it in one step, because a signal may arrive at any moment, even here.
        handler = self._handlers.pop(number, self)
        if handler is not self:
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
