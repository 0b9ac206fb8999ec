# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The end of long work before it is done: after an error, or because somebody interrupts it."""

from __future__ import annotations

import os
import select
import signal
import threading
import typing as t

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cancellation:
    """Tells all threads of a run that no further call is wanted. A context manager.

    While it is entered by the main thread, SIGINT and SIGTERM say so, and what is under way ends as it should. A second
    SIGINT does what it usually does, for a person who insists. A second SIGTERM does not: Ansible sends several.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.is_interrupted = False
        self._parent = os.getppid()
        self._handlers: dict[int, t.Any] = {}
        # Not a threading.Event: a handler of signals may not take a lock, which its own thread might hold just then.
        self._read, self._write = os.pipe()

    def __enter__(self) -> Cancellation:
        if threading.current_thread() is threading.main_thread():
            # What is ignored stays so: that is how nohup and shells keep a program in the background going.
            heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._handlers = {number: signal.signal(number, self._on_signal) for number in heard}
        return self

    def __exit__(self, *_error: t.Any) -> None:
        for number in list(self._handlers):
            self._give_back(number)
        os.close(self._read)
        os.close(self._write)

    def cancel(self, reason: str) -> None:
        """Asks for the end. `reason`: a clause; the first one counts."""
        if not self.reason:
            self.reason = reason
            os.write(self._write, b"!")

    def is_cancelled(self) -> bool:
        """Whether no further call is wanted."""
        return bool(self.reason)

    def wait(self, seconds: float) -> bool:
        """Waits for some seconds or for the end, and says whether it was the end."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def check_parent(self) -> None:
        """Looks whether the program that waits for the result is still there."""
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
        # Taken out in one step, since a signal may come at any moment, also in the middle of this.
        handler = self._handlers.pop(number, self)
        if handler is not self:
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
