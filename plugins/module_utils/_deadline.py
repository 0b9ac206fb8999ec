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
import socket
import threading
import typing as t

try:
    import requests.adapters

    _Adapter: t.Any = requests.adapters.HTTPAdapter
except ImportError:
    _Adapter = object

_thread = threading.local()


class Deadline:
    """Ends the calls of this thread when `seconds` have passed since they were sent, by closing the connection.

    A context manager. `passed` tells afterwards whether it came to that: what was read is not to be used then, since a
    connection that is closed early can look like one that ended.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Deadline:
        _thread.deadline = self
        return self

    def __exit__(self, *_error: t.Any) -> None:
        _thread.deadline = None
        with self._lock:
            self._over = True
        if self._timer is not None:
            self._timer.cancel()

    def watch(self, connection: t.Any) -> None:
        """Starts the time for an answer that is awaited on `connection`, a socket or a wrapper of one."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end, [connection])
            self._timer.daemon = True
            self._timer.start()

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
    """requests' own adapter, with connections that keep the deadline of their thread."""

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

    def getresponse(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        deadline = getattr(_thread, "deadline", None)
        if deadline is not None:
            deadline.watch(self.sock)  # type: ignore[attr-defined]
        return super().getresponse(*arguments, **options)  # type: ignore[misc]
