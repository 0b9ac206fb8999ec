# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A time limit for a whole HTTP call.

The time limits of requests hold only between two bytes. A server that sends a byte now and then could therefore hold a
call for ever, in the headers and in the body. Here, no read of the socket lasts longer than the time that is left.
"""

from __future__ import annotations

import contextlib
import functools
import io
import socket
import threading
import time
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import BoundedReader, BoundedResponse

try:
    import requests.adapters

    _Adapter: t.Any = requests.adapters.HTTPAdapter
except ImportError:
    _Adapter = object

_thread = threading.local()


class Deadline:
    """Gives each answer `seconds` from the moment this thread starts to wait for it. A context manager."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def __enter__(self) -> Deadline:
        _thread.deadline = self
        return self

    def __exit__(self, *_error: t.Any) -> None:
        _thread.deadline = None

    def start(self) -> None:
        """Starts the time for one answer: of a proxy that opens a tunnel, or of the server."""
        self._end = time.monotonic() + self._seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._seconds if self._end is None else self._end - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self.left <= 0


class BoundedAdapter(_Adapter):
    """The adapter of requests, with connections that keep the deadline of their thread and limit what they read."""

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        return _bound(super().proxy_manager_for(*arguments, **options))


def _bound(manager: t.Any) -> t.Any:
    """The pool manager. From now on, its pools make bounded connections."""
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded_pool(pool) for scheme, pool in pools.items()}
    return manager


@functools.cache
def _bounded_pool(pool: t.Any) -> t.Any:
    if issubclass(pool.ConnectionCls, _Bounded):
        return pool
    connection = type(pool.ConnectionCls.__name__, (_Bounded, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


class _TimedResponse(BoundedResponse):
    """Keeps the deadline of the thread that waits for the answer."""

    def __init__(self, sock: t.Any, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(sock, *arguments, **options)
        deadline = getattr(_thread, "deadline", None)
        if deadline is not None:
            deadline.start()
            file: t.Any = self.fp
            self.fp = BoundedReader(_TimedReader(sock, file.detach(), deadline))


class _Bounded:
    """A mixin that goes before a connection class of urllib3."""

    # For answers of the server, and of a proxy that opens a tunnel.
    response_class = _TimedResponse


class _TimedReader(io.RawIOBase):
    """Reads from a socket or its wrapper. The time that is left limits each read."""

    def __init__(self, sock: t.Any, raw: io.RawIOBase, deadline: Deadline) -> None:
        super().__init__()
        self._sock, self._raw, self._deadline = sock, raw, deadline
        self._timeout: float | None = sock.gettimeout()
        self._is_tls_in_tls = not isinstance(sock, socket.socket)
        if self._is_tls_in_tls:
            sock.socket = _TimedSocket(sock.socket, self._limit)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        self._limit()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Closes the reader, and restores the socket: another call may use it."""
        if not self.closed:
            if self._is_tls_in_tls:
                self._sock.socket = self._sock.socket.original
            with contextlib.suppress(OSError):
                # The socket may be closed already.
                self._sock.settimeout(self._timeout)
            self._raw.close()
        super().close()

    def _limit(self) -> None:
        left = self._deadline.left
        if left <= 0:
            # Before Python 3.10, sockets do not raise TimeoutError.
            raise socket.timeout("no time is left for the answer")
        self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))


class _TimedSocket:
    """The socket below TLS inside the TLS of a proxy: one read of an answer may read several times here."""

    def __init__(self, original: t.Any, limit: t.Callable[[], None]) -> None:
        self.original = original
        self._limit = limit

    def recv(self, *arguments: t.Any) -> bytes:
        """Reads once, within the time that is left."""
        self._limit()
        received: bytes = self.original.recv(*arguments)
        return received

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.original, name)
