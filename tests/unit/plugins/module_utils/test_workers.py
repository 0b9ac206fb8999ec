# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads that work on one list: what they finish, how many there are, and how they end."""

from __future__ import annotations

import contextlib
import threading

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _workers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._workers import Slots, as_completed, worker_threads

# Seconds that nothing here takes, unless it fails.
PATIENCE = 20


@pytest.fixture
def cancellation():
    with Cancellation() as one:
        yield one


def finish(work, items, concurrency, cancellation):
    """The items as they are finished."""
    done, ticks = [], 0
    with worker_threads(work, items, concurrency, cancellation) as finished:
        for item in as_completed(finished, len(items)):
            if item is not None:
                done.append(item)
                continue
            ticks += 1
            assert ticks * _workers.TICK < PATIENCE, "one is never finished"
    return done


@pytest.mark.parametrize("concurrency", [1, 2, 64])
@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_each_item_is_worked_on_once(cancellation, count, concurrency):
    worked_on = []
    done = finish(worked_on.append, range(count), concurrency, cancellation)
    assert sorted(done) == sorted(worked_on) == list(range(count))
    assert cancellation.is_cancelled() is False


def test_one_thread_works_in_the_order_of_the_list(cancellation):
    worked_on = []
    assert finish(worked_on.append, range(50), 1, cancellation) == worked_on == list(range(50))


def test_what_is_finished_first_comes_first(cancellation):
    second_is_there = threading.Event()
    found = []
    with worker_threads(lambda item: item or second_is_there.wait(PATIENCE), [0, 1], 2, cancellation) as finished:
        for item in as_completed(finished, 2):
            found += [] if item is None else [item]
            if found:
                second_is_there.set()
    assert found == [1, 0]


@pytest.mark.parametrize(("concurrency", "count", "at_once"), [(3, 12, 3), (5, 2, 2), (1, 3, 1)])
def test_so_many_work_at_once(cancellation, concurrency, count, at_once):
    """All of them meet, so there are as many; and no more are ever seen."""
    meeting = threading.Barrier(at_once)
    under_way, most = set(), []

    def work(item):
        under_way.add(item)
        meeting.wait(PATIENCE)
        most.append(len(under_way))
        meeting.wait(PATIENCE)
        under_way.discard(item)
        meeting.wait(PATIENCE)

    assert len(finish(work, range(count), concurrency, cancellation)) == count
    assert set(most) == {at_once}


def test_what_is_under_way_ends_before_it_returns(cancellation):
    started, release, ended = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        assert release.wait(PATIENCE)
        ended.append(item)

    with worker_threads(work, ["one"], 1, cancellation):
        assert started.wait(PATIENCE)
        assert ended == []
        release.set()
    assert ended == ["one"]


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, GeneratorExit])
def test_a_defect_ends_the_rest(cancellation, error):
    started, worked_on = threading.Event(), []

    def work(item):
        worked_on.append(item)
        started.set()
        cancellation.wait(PATIENCE)

    with pytest.raises(error), worker_threads(work, [0], 1, cancellation):
        assert started.wait(PATIENCE)
        raise error
    # It was told, and not waited for in vain.
    assert (cancellation.reason, worked_on) == ("of an internal error", [0])


def test_a_person_who_insists_is_not_kept_waiting(cancellation):
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work(_item):
        started.set()
        release.wait(PATIENCE)
        ended.set()

    with pytest.raises(KeyboardInterrupt), worker_threads(work, [0], 1, cancellation):
        assert started.wait(PATIENCE)
        raise KeyboardInterrupt
    # Nothing waited for it, and nothing told it to end.
    assert (ended.is_set(), cancellation.is_cancelled()) == (False, False)
    release.set()
    assert ended.wait(PATIENCE)


def test_nobody_waits_for_the_threads_at_the_end_of_the_process(cancellation):
    daemons = []
    finish(lambda _item: daemons.append(threading.current_thread().daemon), [0, 1], 2, cancellation)
    assert daemons == [True, True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_raises_is_finished_all_the_same(cancellation):
    """A caller would wait for it forever. The thread is gone, and the others continue."""

    def work(item):
        if item == 0:
            raise ZeroDivisionError

    assert sorted(finish(work, [0, 1], 2, cancellation)) == [0, 1]


def test_between_two_finished_ones_there_is_time_to_look_around(cancellation, monkeypatch):
    monkeypatch.setattr(_workers, "TICK", 0.01)
    release = threading.Event()
    with worker_threads(lambda _item: release.wait(PATIENCE), ["one"], 1, cancellation) as finished:
        seen = []
        for item in as_completed(finished, 1):
            seen.append(item)
            if len(seen) == 3:
                release.set()
    assert seen[:3] == [None] * 3 and seen[-1] == "one"


# Slots


def test_no_more_threads_work_at_once_than_there_are_slots(cancellation):
    slots, at_work, most, lock = Slots(3), 0, 0, threading.Lock()

    def work(_item):
        nonlocal at_work, most
        with slots:
            with lock:
                at_work += 1
                most = max(most, at_work)
            with lock:
                at_work -= 1

    finish(work, range(200), 20, cancellation)
    assert 1 <= most <= 3


def test_a_thread_that_waits_lends_its_slot(cancellation):
    slots, second_is_done = Slots(1), threading.Event()
    ended = []

    def work(item):
        with slots:
            if item == 0:
                with slots.lent():
                    assert second_is_done.wait(PATIENCE)
            ended.append(item)
            second_is_done.set()

    finish(work, [0, 1], 2, cancellation)
    assert ended == [1, 0]


def test_a_slot_that_was_lent_comes_back_after_an_error():
    slots = Slots(1)
    with contextlib.suppress(ZeroDivisionError), slots, slots.lent():
        raise ZeroDivisionError
    with slots:
        assert slots._free.acquire(blocking=False) is False
