# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Shares the rows of a file that one worker reads with all workers of a run.

Ansible forks a worker for each task of each host, so a worker cannot keep anything for the next one. Without this
cache, each of thousands of hosts would read and parse a file of thousands of rows. The cache is only in memory, because
it may hold passwords.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import typing as t

Row = dict[str, t.Any]
# Identifies one state of one file.
Key = t.Sequence[t.Union[str, int]]

_LENGTH = 8


def _anonymous_file() -> int | None:
    """A file in memory without a name. None if the system has no such files."""
    try:
        return os.memfd_create("mailfleet-sendgrid")
    except (AttributeError, OSError):
        return None


class WorkerCache:
    """The rows of one file. The workers inherit it, so it must exist before Ansible forks them.

    The file in memory begins with the length of an index. The index is JSON: the key, and for each name the start of
    its row (counted from the end of the index) and its length. The rows follow, also in JSON.
    """

    def __init__(self) -> None:
        self._file = _anonymous_file()

    def row(self, key: Key, name: str, read: t.Callable[[], t.Mapping[str, Row]]) -> Row | None:
        """The row of `name`. `read`: returns all rows by name; called if no worker has read them yet.

        Raises the errors of `read`.
        """
        if self._file is None:
            return read().get(name)
        # The lock covers reading the row, too: a worker with another file replaces all rows.
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
        """A lock that belongs to the process, because all workers share the open file."""
        fcntl.lockf(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN)

    @staticmethod
    def _index(file: int) -> tuple[dict[str, t.Any], int]:
        """The index, and the position of the first row."""
        length = int.from_bytes(os.pread(file, _LENGTH, 0), "big")
        return (json.loads(os.pread(file, length, _LENGTH)) if length else {}), _LENGTH + length

    @staticmethod
    def _write(file: int, key: Key, rows: t.Mapping[str, Row]) -> None:
        """Writes the length last, so that a worker that is killed before that leaves an empty cache."""
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
