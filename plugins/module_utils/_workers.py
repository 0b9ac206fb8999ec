# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Several threads that work on one list of things."""

from __future__ import annotations

import contextlib
import queue
import threading
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation

Item = t.TypeVar("Item")

# Seconds between two looks at the clock while calls are under way.
TICK = 0.5


class Slots:
    """How many of several threads may be at work at once. A context manager for the work.

    A thread that waits for something to come about by itself lends its slot meanwhile.
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
        """Lets another thread work until the end of it."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


@contextlib.contextmanager
def worker_threads(
    work: t.Callable[[Item], None], items: t.Sequence[Item], concurrency: int, cancellation: Cancellation
) -> t.Iterator[queue.SimpleQueue[Item]]:
    """Threads that do `work` on each of `items`; gives those that are finished.

    What is under way ends before it returns. Only for a person who insists, nothing is waited for. So the threads are
    no pool of concurrent.futures, whose threads the interpreter waits for in any case.
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
    """`count` items as they are finished, and None now and then in between."""
    while count:
        item: Item | None = None
        with contextlib.suppress(queue.Empty):
            item = finished.get(timeout=TICK)
            count -= 1
        yield item


def _work(work: t.Callable[[Item], None], waiting: queue.SimpleQueue[Item], finished: queue.SimpleQueue[Item]) -> None:
    """What a thread does."""
    with contextlib.suppress(queue.Empty):
        while True:
            item = waiting.get_nowait()
            try:
                work(item)
            finally:
                finished.put(item)
