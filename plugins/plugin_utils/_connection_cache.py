# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The open connections of a worker: one HTTP session for all items of a loop."""

from __future__ import annotations

import contextlib
import os
import typing as t
from multiprocessing import util

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection, Transport


class ConnectionCache:
    """The transport of the last task. A task whose connection differs in its `pool_key` gets a new one."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._key: tuple[t.Any, ...] = ()
        self._closes_in = 0

    @contextlib.contextmanager
    def connect(
        self, connection: Connection, secrets: t.Iterable[str | None] = (), names: t.Iterable[str | None] = ()
    ) -> t.Iterator[Client]:
        """A client over the cached transport. The transport stays open afterwards."""
        yield Client(connection, secrets, names, self._transport_for(connection))

    def close(self) -> None:
        """Closes the open connections."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _transport_for(self, connection: Connection) -> Transport:
        # The key holds the process, because parent and child of a fork must not share a transport.
        key = (os.getpid(), *connection.pool_key)
        if self._transport is None or key != self._key:
            self.close()
            self._transport, self._key = Transport(connection), key
            self._close_at_the_end()
        return self._transport

    def _close_at_the_end(self) -> None:
        """Registers `close` once in each process. A worker skips the usual exit handlers, but runs this one."""
        if self._closes_in != os.getpid():
            self._closes_in = os.getpid()
            util.Finalize(None, self.close, exitpriority=0)


CONNECTION_CACHE = ConnectionCache()
