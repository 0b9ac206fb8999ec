# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Rows of a file that one worker read, for all workers of a run.

Ansible forks a worker for each task of each host, so what a worker remembers is gone with it. Thousands of hosts would
read and parse a file of thousands of rows each. What is kept here is in memory only: it may hold passwords.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import typing as t

Row = dict[str, t.Any]
# What tells one state of one file from another.
Key = t.Sequence[t.Union[str, int]]

_LENGTH = 8


def _anonymous_file() -> int | None:
    """A file without a name that never is on a disk; None where the system has no such thing."""
    try:
        return os.memfd_create("mailfleet-sendgrid")
    except (AttributeError, OSError):
        return None


class WorkerCache:
    """The rows of one file. It must be made before the workers are: they inherit it.

    The file begins with the length of an index. The index is JSON: the key, and for each name where behind the index
    its row begins and how long it is. The rows, JSON too, follow.
    """

    def __init__(self) -> None:
        self._file = _anonymous_file()

    def row(self, key: Key, name: str, read: t.Callable[[], t.Mapping[str, Row]]) -> Row | None:
        """The row of `name`. `read`: gives all rows by name, where no worker has read them yet.

        Raises what `read` raises.
        """
        if self._file is None:
            return read().get(name)
        # The row is read under the lock, too: a worker with another file puts its own rows in the place of these.
        with self._locked(self._file):
            index, begin = self._index(self._file)
            if index.get("key") != list(key):
                self._write(self._file, key, read())
                index, begin = self._index(self._file)
            if name not in index["places"]:
                return None
            start, length = index["places"][name]
            row: Row = json.loads(os.pread(self._file, length, begin + start))
            return row

    @staticmethod
    @contextlib.contextmanager
    def _locked(file: int) -> t.Iterator[None]:
        """A lock of the process, since all workers share the open file."""
        fcntl.lockf(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN)

    @staticmethod
    def _index(file: int) -> tuple[dict[str, t.Any], int]:
        """The index, and where the rows begin."""
        length = int.from_bytes(os.pread(file, _LENGTH, 0), "big")
        return (json.loads(os.pread(file, length, _LENGTH)) if length else {}), _LENGTH + length

    @staticmethod
    def _write(file: int, key: Key, rows: t.Mapping[str, Row]) -> None:
        """The length comes last, so that a worker that is killed meanwhile leaves nothing to be read."""
        os.ftruncate(file, 0)
        texts = [json.dumps(row).encode() for row in rows.values()]
        starts = itertools.accumulate(map(len, texts), initial=0)
        places = {name: (start, len(text)) for name, start, text in zip(rows, starts, texts)}
        index = json.dumps({"key": list(key), "places": places}).encode()
        data = memoryview(b"".join([index, *texts]))
        written = 0
        while written < len(data):
            written += os.pwrite(file, data[written:], _LENGTH + written)
        os.pwrite(file, len(index).to_bytes(_LENGTH, "big"), 0)


WORKER_CACHE = WorkerCache()
