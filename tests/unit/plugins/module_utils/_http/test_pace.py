# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace of calls that a server refuses without telling its limit: found by trying, with time that is not real."""

from __future__ import annotations

import collections
import heapq
import itertools

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RateLimiter, RetryBudget
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITED, OTHER = "POST /subusers", "PATCH /user/profile"


class Timetable(Clock):
    """A clock on which things happen at their moments, while somebody sleeps."""

    def __init__(self):
        super().__init__()
        self._events = []
        self._numbers = itertools.count()

    def at(self, moment, happen):
        heapq.heappush(self._events, (moment, next(self._numbers), happen))

    def sleep(self, seconds):
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.skip()
        self.now = end

    def skip(self):
        """Goes on to the next event."""
        moment, _number, happen = heapq.heappop(self._events)
        self.now = max(self.now, moment)
        happen()


class Server:
    """It takes so many calls in a window, which begins with the first call after the one before."""

    def __init__(self, clock, calls, seconds):
        self._clock, self._calls, self._seconds = clock, calls, seconds
        self._end = self._left = 0

    def refuses(self):
        if self._clock.now >= self._end:
            self._end, self._left = self._clock.now + self._seconds, self._calls
        self._left -= 1
        return self._left < 0


class Call:
    def __init__(self, clock):
        self.sleep = clock.sleep
        self.budget = RetryBudget(4, 120.0, 30.0, self._wait)

    def _wait(self, seconds):
        """Looks `sleep` up for each wait, because a test replaces it."""
        return self.sleep(seconds)


class Pool:
    """Threads of a client, as far as the rate limiter sees them: one of them waits for its turn at a time."""

    def __init__(self, threads, latency, calls, seconds):
        self.clock = Timetable()
        self.limiter = RateLimiter(0)
        self.server = Server(self.clock, calls, seconds)
        self.threads, self.latency = threads, latency
        self.moments, self.refusals, self.given_up = [], 0, 0
        self._waiting = collections.deque()
        self._busy = 0

    def run(self, number):
        self._waiting.extend(Call(self.clock) for _number in range(number))
        while self._waiting or self._busy:
            if self._waiting and self._busy < self.threads:
                self._start(self._waiting.popleft())
            else:
                self.clock.skip()
        return self

    def _start(self, call):
        self._busy += 1
        assert self.limiter.acquire(call.budget, LIMITED)
        # Independent of its result, no other kind of call waits.
        assert self.limiter.acquire(RetryBudget(4, 120.0, 30.0, pytest.fail), OTHER)
        started, is_refused = self.clock.now, self.server.refuses()
        self.clock.at(started + self.latency, lambda: self._answer(call, started, is_refused))

    def _answer(self, call, started, is_refused):
        if not is_refused:
            self.limiter.passed(started, LIMITED)
            self.moments.append(self.clock.now)
            self._busy -= 1
            return
        self.refusals += 1
        wait = min(self.limiter.refused(started, LIMITED, None), call.budget.left)
        pause = call.budget.next_pause(wait)
        if pause is None:
            self.given_up += 1
            self._busy -= 1
            return
        call.sleep = lambda _seconds: None
        call.budget.spend(pause)
        call.sleep = self.clock.sleep
        self.clock.at(self.clock.now + pause, lambda: self._come_back(call))

    def _come_back(self, call):
        self._busy -= 1
        self._waiting.appendleft(call)


def run(pool, number):
    """Lets the pool make so many calls, with its clock as the time of the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rate_limit, "time", pool.clock)
        return pool.run(number)


# The bound: what is under way when the limit is met, the tries of the first pause, and one in four after that.
@settings(deadline=None)
@given(
    threads=st.sampled_from([1, 2, 8, 32]),
    latency=st.sampled_from([0.01, 0.1, 1.0]),
    calls=st.sampled_from([1, 2, 5, 30, 100]),
    seconds=st.sampled_from([0.2, 1, 5, 30, 60]),
    number=st.integers(1, 150),
)
def test_all_calls_get_through_and_few_are_refused(threads, latency, calls, seconds, number):
    pool = run(Pool(threads, latency, calls, seconds), number)
    assert (len(pool.moments), pool.given_up) == (number, 0)
    assert pool.refusals <= threads + 6 + number / 4


@pytest.mark.parametrize(("calls", "seconds", "number"), [(10, 1, 300), (600, 60, 3000), (1, 5, 60)])
def test_the_pace_comes_near_to_what_the_server_allows(calls, seconds, number):
    pool = run(Pool(8, 0.05, calls, seconds), number)
    second_half = pool.moments[-1] - pool.moments[number // 2]
    allowed = number / 2 / calls * seconds
    assert allowed * 0.7 <= second_half <= allowed * 2


def test_without_a_limit_there_is_no_pace():
    pool = run(Pool(8, 0.5, 1000, 1), 400)
    assert pool.refusals == 0
    assert pool.moments[-1] - pool.moments[0] == pytest.approx(0.5 * (400 / 8 - 1))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_rate_limit, "time", clock)
    return clock


def budget(clock, wait=1000.0):
    return RetryBudget(4, wait, 30.0, clock.sleep)


def start(limiter, clock, wait=1000.0):
    """A call that starts, and how long it has waited for that."""
    before = clock.now
    assert limiter.acquire(budget(clock, wait), LIMITED)
    return clock.now - before


def test_the_pauses_of_one_call_outlast_a_minute(clock):
    limiter = RateLimiter(0)
    start(limiter, clock)
    pauses = []
    for _number in range(4):
        pauses.append(limiter.refused(clock.now, LIMITED, None))
        assert start(limiter, clock) == pytest.approx(pauses[-1])
    for shortest, pause in zip((0.5, 2.5, 12.5, 60), pauses):
        assert shortest <= pause <= shortest * 1.25
    assert 60 < sum(pauses) < 120


def test_calls_that_are_refused_together_say_the_same_once(clock):
    limiter = RateLimiter(0)
    started = clock.now
    clock.now += 0.2
    waits = [limiter.refused(started, LIMITED, None) for _number in range(8)]
    assert max(waits) <= 0.5 * 1.25
    clock.now += 1
    start(limiter, clock)
    limiter.passed(clock.now, LIMITED)
    # One that comes as late as that closes nothing again.
    assert limiter.refused(started, LIMITED, None) == 0


def test_while_one_call_tries_the_others_wait(clock):
    limiter = RateLimiter(0)
    start(limiter, clock)
    limiter.refused(clock.now, LIMITED, None)
    start(limiter, clock)
    # This call never ends, so after a while the next one tries.
    assert start(limiter, clock) == pytest.approx(60)


def test_an_answer_to_a_call_of_before_the_refusal_opens_nothing(clock):
    limiter = RateLimiter(0)
    early = clock.now
    clock.now += 1
    limiter.refused(early, LIMITED, None)
    limiter.passed(early, LIMITED)
    assert start(limiter, clock) >= 0.5
    assert start(limiter, clock) == pytest.approx(60)


def test_a_server_that_tells_its_limit_after_all_is_believed(clock):
    limiter = RateLimiter(0)
    start(limiter, clock)
    limiter.refused(clock.now, LIMITED, None)
    start(limiter, clock)
    assert limiter.refused(clock.now, LIMITED, 7.0) == 7.0
    assert [start(limiter, clock) for _number in range(3)] == [0, 0, 0]


def test_what_was_measured_long_ago_does_not_count(clock):
    limiter = RateLimiter(0)
    start(limiter, clock)
    limiter.passed(clock.now, LIMITED)
    clock.now += 3600
    for _number in range(10):
        start(limiter, clock)
        limiter.passed(clock.now, LIMITED)
    limiter.refused(clock.now, LIMITED, None)
    start(limiter, clock)
    limiter.passed(clock.now, LIMITED)
    # Ten in half a second, not eleven in an hour.
    assert start(limiter, clock) < 1


def test_no_call_starts_once_none_is_wanted(clock):
    limiter = RateLimiter(0)
    start(limiter, clock)
    limiter.refused(clock.now, LIMITED, None)
    start(limiter, clock)
    assert limiter.acquire(RetryBudget(4, 100.0, 30.0, lambda _seconds: True), LIMITED) is False


def test_the_own_pace_does_not_count_for_the_waiting(clock):
    """It is a guess of this side, like the ceiling; the pauses of the probing are what the server has to do with."""
    limiter = RateLimiter(0)
    start(limiter, clock)
    limiter.refused(clock.now, LIMITED, None)
    start(limiter, clock)
    clock.now += 40
    limiter.passed(clock.now, LIMITED)
    start(limiter, clock)
    own = budget(clock, wait=10)
    assert limiter.acquire(own, LIMITED)
    assert (own.left, sum(clock.sleeps) > 30) == (10, True)
