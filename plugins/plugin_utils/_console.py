# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Shows progress to the person at the console."""

from __future__ import annotations

import os
import time
import typing as t

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import Progress

# Seconds. Shorter work shows no progress.
_FIRST = 5.0
# The shortest time from which a rate is calculated.
_SHORTEST = 1.0
_LEAST_PAUSE = 5.0
_PAUSE_GROWTH = 1.5
_LONGEST_PAUSE = 60.0
# Output formats for programs: lines of progress would break them where both outputs go to the same place.
_FOR_PROGRAMS = ("json", "jsonl", "junit", "yaml_output", "null")


def _own_console() -> int | None:
    """A copy of the error output, made when Ansible loads this file. Workers start later and have no error output."""
    try:
        return os.dup(2)
    except OSError:
        return None


_CONSOLE = _own_console()


class Console(Progress):
    """Shows progress of long work at a terminal, also at the one that AWX makes.

    `subject`: the beginning of each line. The console always shows the report of an interrupted run.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._is_read = _is_read_by_people()
        self._began = time.monotonic()
        self._pause = _LEAST_PAUSE
        self._next = self._began + _FIRST
        self._done_at_first: int | None = None

    def on_looked_up(self, done: int, total: int) -> None:
        # The rate of the later work counts from the end of the lookup.
        self._began = time.monotonic()
        if self._is_time(done, total):
            self._show(f"{self._subject}: {done:,} of {total:,} customers that the list lacks are looked up")

    def on_progress(self, done: int, failed: int, total: int) -> None:
        if self._done_at_first is None:
            self._done_at_first = done
        if self._is_time(done, total):
            rate = (done - self._done_at_first) / max(time.monotonic() - self._began, _SHORTEST)
            self._show(progress_text(self._subject, done, failed, total, rate))

    def _is_time(self, done: int, total: int) -> bool:
        """Whether to show a line now. If so, this delays the next one."""
        now = time.monotonic()
        if not self._is_read or now < self._next or done == total:
            return False
        self._next = now + self._pause
        self._pause = min(self._pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
        return True

    @staticmethod
    def _show(text: str) -> None:
        # Ansible passes it to the process that owns the console.
        Display().display(text, stderr=True)

    def on_cancelled(self, report: str) -> None:
        """Writes to the console itself: after an interruption, Ansible no longer passes text on.

        Ansible does not take the result either, and this worker would wait for that for ever. So the process ends here.
        """
        if _CONSOLE is not None:
            _write(_CONSOLE, f"\n{self._subject}: {report}\n".encode("utf-8", "replace"))
        os._exit(1)


def progress_text(subject: str, done: int, failed: int, total: int, rate: float) -> str:
    """One line of progress. `rate`: customers per second."""
    speed = f"{rate:,.0f} per second" if rate >= 1 else f"{rate * 60:,.0f} per minute"
    return f"{subject}: {done:,} of {total:,} customers done, {failed:,} failed, {speed}"


def _is_read_by_people() -> bool:
    callback = str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]
    return _CONSOLE is not None and os.isatty(_CONSOLE) and callback not in _FOR_PROGRAMS


def _write(console: t.Any, text: bytes) -> None:
    try:
        os.write(console, text)
    except OSError:
        # Nobody is there to read it.
        pass
