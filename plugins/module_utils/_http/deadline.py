# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A limit for the whole of an HTTP call.

The time limits of requests hold between two bytes only, so a server that sends a byte now and then could keep a call
for ever, in the headers as well as in the body.
"""

from __future__ import annotations

import functools
import heapq
import socket
import threading
import time
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import BoundedResponse

try:
    import requests.adapters

    _Adapter: t.Any = requests.adapters.HTTPAdapter
except ImportError:
    _Adapter = object

_thread = threading.local()


class Alarm:
    """Something to do at a moment of the monotonic clock, unless it is cancelled before."""

    def __init__(self, moment: float, action: t.Callable[[], None]) -> None:
        self.moment = moment
        self.action: t.Callable[[], None] | None = action

    def __lt__(self, other: Alarm) -> bool:
        return self.moment < other.moment

    def cancel(self) -> None:
        """Forgets what was to be done."""
        self.action = None


class AlarmClock:
    """Alarms for any number of calls from one thread, which is there while it is needed: to start one costs a call
    more than all the rest of a limit.
    """

    def __init__(self) -> None:
        self._alarms: list[Alarm] = []
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def set(self, seconds: float, action: t.Callable[[], None]) -> Alarm:
        """Has `action` done in `seconds`, in another thread."""
        alarm = Alarm(time.monotonic() + seconds, action)
        with self._changed:
            heapq.heappush(self._alarms, alarm)
            self._forget_cancelled()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarm clock", daemon=True)
                self._thread.start()
            elif self._alarms[0] is alarm:
                self._changed.notify()
        return alarm

    def close(self) -> None:
        """Forgets all alarms and ends the thread."""
        with self._changed:
            self._alarms.clear()
            self._thread = None
            self._changed.notify()

    def _forget_cancelled(self) -> None:
        while self._alarms and self._alarms[0].action is None:
            heapq.heappop(self._alarms)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._thread is not threading.current_thread():
                    return
                action = self._next()
            if action is not None:
                action()

    def _next(self) -> t.Callable[[], None] | None:
        """What is to be done now; waits for a while if there is nothing."""
        self._forget_cancelled()
        left = self._alarms[0].moment - time.monotonic() if self._alarms else None
        if left is None or left > 0:
            self._changed.wait(left)
            return None
        return heapq.heappop(self._alarms).action


class Deadline:
    """Ends the calls of this thread when `seconds` have passed since they were sent, by closing the connection.

    A context manager. `passed` tells afterwards whether it came to that: what was read is not to be used then, since a
    connection that is closed early can look like one that ended.
    """

    def __init__(self, seconds: float, clock: AlarmClock) -> None:
        self.passed = False
        self._seconds = seconds
        self._clock = clock
        self._alarm: Alarm | None = None
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Deadline:
        _thread.deadline = self
        return self

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._seconds if self._alarm is None else self._alarm.moment - time.monotonic()

    def __exit__(self, *_error: t.Any) -> None:
        _thread.deadline = None
        with self._lock:
            self._over = True
        if self._alarm is not None:
            self._alarm.cancel()

    def watch(self, connection: t.Any) -> None:
        """Starts the time for an answer that is awaited on `connection`, a socket or a wrapper of one."""
        if self._alarm is None:
            self._alarm = self._clock.set(self._seconds, functools.partial(self._end, connection))

    def _end(self, connection: t.Any) -> None:
        # Under the lock: once the call is over, its connection may serve another one.
        with self._lock:
            if not self._over:
                self.passed = True
                _shut(connection)


def _shut(connection: t.Any) -> None:
    """Ends both directions of a connection, so that the thread which waits for it wakes up."""
    while not isinstance(connection, socket.socket):
        # TLS in the TLS of a proxy.
        connection = connection.socket
    try:
        # Not the method of a TLS socket: that takes the TLS layer away under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        # It is closed already.
        pass


class BoundedAdapter(_Adapter):
    """requests' own adapter, with connections that keep the deadline of their thread, and bound what they read."""

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        return _bound(super().proxy_manager_for(*arguments, **options))


def _bound(manager: t.Any) -> t.Any:
    """A pool manager, whose pools have bounded connections from now on."""
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded_pool(pool) for scheme, pool in pools.items()}
    return manager


@functools.cache
def _bounded_pool(pool: t.Any) -> t.Any:
    if issubclass(pool.ConnectionCls, _Bounded):
        return pool
    connection = type(pool.ConnectionCls.__name__, (_Bounded, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


class _Bounded:
    """Goes before a connection class of urllib3."""

    # Of an answer of the server, and of a proxy that is asked for a tunnel.
    response_class = BoundedResponse

    def getresponse(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        deadline = getattr(_thread, "deadline", None)
        if deadline is not None:
            deadline.watch(self.sock)  # type: ignore[attr-defined]
        return super().getresponse(*arguments, **options)  # type: ignore[misc]
