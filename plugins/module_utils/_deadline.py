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
    import urllib3.connectionpool

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

    def __enter__(self) -> Deadline:
        _thread.deadline = self
        return self

    def __exit__(self, *_error: t.Any) -> None:
        _thread.deadline = None
        if self._timer is not None:
            self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Starts the time for an answer that is awaited on `connection`."""
        self._timer = threading.Timer(self._seconds, self._end, [connection])
        self._timer.daemon = True
        self._timer.start()

    def _end(self, connection: socket.socket) -> None:
        self.passed = True
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
        self.poolmanager.pool_classes_by_scheme = _pools()

    def proxy_manager_for(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _pools()
        return manager


@functools.cache
def _pools() -> dict[str, type]:
    """Pools by scheme, with bounded connections."""
    return {
        pool.scheme: type(pool.__name__, (pool,), {"ConnectionCls": _bounded(pool.ConnectionCls)})
        for pool in (urllib3.connectionpool.HTTPConnectionPool, urllib3.connectionpool.HTTPSConnectionPool)
    }


def _bounded(connection_class: t.Any) -> type:
    class Bounded(connection_class):
        def getresponse(self, *arguments: t.Any, **options: t.Any) -> t.Any:
            deadline = getattr(_thread, "deadline", None)
            if deadline is not None:
                deadline.watch(self.sock)
            return super().getresponse(*arguments, **options)

    return Bounded
