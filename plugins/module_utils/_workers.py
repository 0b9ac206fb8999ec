# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Threads that work on one list of items."""

from __future__ import annotations

import contextlib
import queue
import threading
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation

Item = t.TypeVar("Item")

# Seconds between two reports of progress while calls run.
TICK = 0.5


class Slots:
    """Limits how many threads work at the same time. A context manager for the work.

    A thread that waits for the server to settle lends its slot to another thread.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)

    def __enter__(self) -> Slots:
        self._free.acquire()
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self._free.release()

    @contextlib.contextmanager
    def lent(self) -> t.Iterator[None]:
        """Lends the slot to another thread inside this context."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


@contextlib.contextmanager
def worker_threads(
    work: t.Callable[[Item], None], items: t.Sequence[Item], concurrency: int, cancellation: Cancellation
) -> t.Iterator[queue.SimpleQueue[Item]]:
    """Threads that do `work` on each of `items`. Yields the queue of finished items.

    It returns after all running work has ended, except after a second SIGINT: then it does not wait. A pool of
    concurrent.futures cannot do that, because the interpreter always waits for its threads.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    finished: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    started: list[threading.Thread] = []
    try:
        for _number in range(min(concurrency, len(items))):
            thread = threading.Thread(target=_work, args=(work, waiting, finished), daemon=True)
            thread.start()
            started.append(thread)
        yield finished
    except KeyboardInterrupt:
        started.clear()
        raise
    except BaseException:
        cancellation.cancel("of an internal error")
        raise
    finally:
        for thread in started:
            thread.join()


def as_completed(finished: queue.SimpleQueue[Item], count: int) -> t.Iterator[Item | None]:
    """Yields `count` items as they finish, and None now and then in between."""
    while count:
        item: Item | None = None
        with contextlib.suppress(queue.Empty):
            item = finished.get(timeout=TICK)
            count -= 1
        yield item


def _work(work: t.Callable[[Item], None], waiting: queue.SimpleQueue[Item], finished: queue.SimpleQueue[Item]) -> None:
    """The work of one thread."""
    with contextlib.suppress(queue.Empty):
        while True:
            item = waiting.get_nowait()
            try:
                work(item)
            finally:
                finished.put(item)
