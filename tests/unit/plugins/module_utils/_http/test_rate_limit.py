# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allowance of one call, and the distance between calls."""

from __future__ import annotations

import email.utils
import threading
import time

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import (
    FIRST_PAUSE,
    RateLimiter,
    RetryBudget,
    TimeLimit,
    asked_wait,
    reset_wait,
    whole_number,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_700_000_000


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(NOW)
    monkeypatch.setattr(_rate_limit, "time", clock)
    return clock


def make_budget(clock, retries=4, wait=120.0, timeout=30.0):
    return RetryBudget(retries, wait, timeout, clock.sleep)


def closed_for(seconds):
    """The headers of an answer that used up the window."""
    return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW + seconds)}


# Tries


@pytest.mark.parametrize("retries", [0, 1, 4])
@pytest.mark.parametrize("asked", [None, 0, 1])
def test_there_are_as_many_further_tries_as_allowed(clock, retries, asked):
    budget = make_budget(clock, retries)
    assert [budget.wait_to_retry(asked) for _number in range(retries + 2)] == [True] * retries + [False] * 2
    assert len(clock.sleeps) == retries


def test_pauses_grow_up_to_a_limit_and_differ(clock):
    budget = make_budget(clock, 20, 100_000)
    assert all(budget.wait_to_retry() for _number in range(20))
    # Half of a pause is chance, so every second one is longer for certain.
    growing = clock.sleeps[:6]
    assert all(later > earlier for earlier, later in zip(growing, growing[2:]))
    assert max(clock.sleeps) <= 30
    assert len(set(clock.sleeps)) == 20


def test_the_first_pause_has_jitter(clock):
    for _number in range(50):
        assert make_budget(clock).wait_to_retry()
    assert all(FIRST_PAUSE / 2 <= pause <= FIRST_PAUSE for pause in clock.sleeps)
    assert len(set(clock.sleeps)) > 1


def test_waiting_is_bounded_in_all(clock):
    budget = make_budget(clock, 1000, 20)
    while budget.wait_to_retry():
        pass
    assert 0 < sum(clock.sleeps) <= 20


def test_without_a_wait_there_is_no_further_try(clock):
    assert make_budget(clock, wait=0).wait_to_retry() is False
    assert make_budget(clock, wait=0).wait_to_retry(0) is False
    assert clock.sleeps == []


@pytest.mark.parametrize("asked", [FIRST_PAUSE, 1, 7.25])
def test_the_wait_that_the_server_asks_for_is_kept(clock, asked):
    assert make_budget(clock).wait_to_retry(asked)
    assert clock.sleeps == [asked]


@pytest.mark.parametrize("asked", [0, 0.0, -5.0, FIRST_PAUSE - 0.001])
def test_a_server_that_asks_for_no_wait_is_not_hammered(clock, asked):
    budget = make_budget(clock)
    assert all(budget.wait_to_retry(asked) for _number in range(4))
    for number, pause in enumerate(clock.sleeps):
        assert FIRST_PAUSE * 2**number / 2 <= pause <= FIRST_PAUSE * 2**number


@pytest.mark.parametrize(("asked", "granted"), [(10, True), (10.01, False), (1e9, False)])
def test_more_than_is_left_is_not_waited_for(clock, asked, granted):
    assert make_budget(clock, wait=10).wait_to_retry(asked) is granted
    assert clock.sleeps == ([asked] if granted else [])


@pytest.mark.parametrize("retries", [0, 4])
def test_polling_is_bounded_by_the_waiting_alone(clock, retries):
    budget = make_budget(clock, retries, 120)
    while budget.wait_to_poll():
        assert budget.left == pytest.approx(120 - sum(clock.sleeps))
    assert sum(clock.sleeps) == pytest.approx(120)
    assert clock.sleeps[0] <= FIRST_PAUSE
    for number, pause in enumerate(clock.sleeps[:-1]):
        assert min(30, FIRST_PAUSE * 2**number) / 2 <= pause <= min(30, FIRST_PAUSE * 2**number)
    assert len(clock.sleeps) < 20


def test_polling_leaves_the_tries_as_they_are(clock):
    budget = make_budget(clock, 2, 100)
    assert all(budget.wait_to_poll() for _number in range(3))
    assert [budget.wait_to_retry(), budget.wait_to_retry(), budget.wait_to_retry()] == [True, True, False]
    assert clock.sleeps[3] <= FIRST_PAUSE


def test_polling_takes_no_more_than_the_tries_have_left(clock):
    budget = make_budget(clock, wait=10)
    assert budget.wait_to_retry(9.9)
    assert [budget.wait_to_poll(), budget.wait_to_poll()] == [True, False]
    assert sum(clock.sleeps) == pytest.approx(10)


def test_polling_ends_with_the_run():
    assert RetryBudget(4, 120.0, 30.0, lambda _seconds: True).wait_to_poll() is False
    assert RetryBudget(4, 0.0, 30.0, pytest.fail).wait_to_poll() is False


def test_waits_add_up(clock):
    budget = make_budget(clock, wait=10)
    assert [budget.wait_to_retry(seconds) for seconds in (4, 4, 4, 2)] == [True, True, False, True]
    assert clock.sleeps == [4, 4, 2]


def test_what_a_try_takes_beyond_the_timeout_counts_as_waiting(clock):
    budget = make_budget(clock, wait=10, timeout=30)
    assert budget.longest_try == 40
    budget.record_try(29)
    assert budget.longest_try == 40
    budget.record_try(34)
    assert budget.longest_try == 36
    assert budget.wait_to_retry(6.5) is False
    assert budget.wait_to_retry(6) is True
    assert budget.longest_try == 30


def test_a_try_may_always_take_the_timeout(clock):
    budget = make_budget(clock, wait=10, timeout=30)
    budget.record_try(500)
    assert (budget.longest_try, budget.left) == (30, 0)
    assert (budget.wait_to_retry(), clock.sleeps) == (False, [])


@pytest.mark.parametrize(("seconds", "waited"), [(0, []), (3, [3]), (10, [10])])
def test_holding_takes_from_the_waiting_but_not_from_the_tries(clock, seconds, waited):
    budget = make_budget(clock, retries=1, wait=10, timeout=30)
    budget.spend(seconds)
    assert clock.sleeps == waited
    assert budget.longest_try == 40 - sum(waited)
    assert budget.wait_to_retry() is (sum(waited) < 10)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["again", "asked", "hold", "try"]),
        st.one_of(st.just(0.0), st.floats(0, 60), st.floats(0, 1e12)),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 6), st.floats(0, 100), st.floats(0.001, 60))
def test_no_order_of_things_takes_longer_than_was_allowed(steps, retries, wait, timeout):
    clock = Clock()
    budget = make_budget(clock, retries, wait, timeout)
    granted = 0
    for kind, seconds in steps:
        if kind == "try":
            # No try lasts longer than it may.
            budget.record_try(min(seconds, budget.longest_try))
        elif kind == "hold":
            budget.spend(min(seconds, budget.left))
        else:
            granted += budget.wait_to_retry(seconds if kind == "asked" else None)
        assert timeout <= budget.longest_try <= timeout + wait
    assert granted <= retries
    assert sum(clock.sleeps) <= wait + 1e-6
    assert all(pause > 0 for pause in clock.sleeps)


# Pace


def test_calls_keep_the_distance_that_was_asked_for(clock):
    rate_limiter = RateLimiter(20)
    for _number in range(4):
        rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == [pytest.approx(3)] * 3


def test_without_a_ceiling_calls_do_not_wait(clock):
    rate_limiter = RateLimiter(0)
    for _number in range(5):
        rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == []


def test_time_that_passed_by_itself_counts(clock):
    rate_limiter = RateLimiter(20)
    for passed in (0, 2, 60, 0):
        clock.now += passed
        rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == [pytest.approx(1), pytest.approx(3)]


def test_the_own_ceiling_does_not_count_for_the_patience(clock):
    rate_limiter = RateLimiter(1)
    budget = make_budget(clock, wait=10)
    for _number in range(3):
        rate_limiter.acquire(budget)
    assert clock.sleeps == [pytest.approx(60)] * 2
    assert budget.longest_try == 40


def test_turns_that_are_taken_at_once_come_one_after_the_other(clock):
    """Threads that ask together get different turns."""
    waits = []
    rate_limiter = RateLimiter(60)
    budget = RetryBudget(0, 0.0, 30.0, waits.append)
    threads = [threading.Thread(target=rate_limiter.acquire, args=[budget]) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [pytest.approx(seconds) for seconds in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        (closed_for(12), [12]),
        ({**closed_for(12), "X-RateLimit-Remaining": " 0 "}, [12]),
        # One of the two calls is left, then both are.
        ({**closed_for(12), "X-RateLimit-Remaining": "1"}, [12]),
        ({**closed_for(12), "X-RateLimit-Remaining": "2"}, []),
        (closed_for(-100), []),
        ({"X-RateLimit-Remaining": "0"}, []),
        ({"X-RateLimit-Reset": str(NOW + 12)}, []),
        ({}, []),
    ],
)
def test_a_used_up_window_lets_the_next_call_wait(clock, headers, waits):
    rate_limiter = RateLimiter(0)
    budget = make_budget(clock, wait=50)
    rate_limiter.update_from_headers(headers)
    rate_limiter.acquire(budget)
    rate_limiter.acquire(budget)
    assert clock.sleeps == [pytest.approx(wait) for wait in waits]
    assert budget.longest_try == pytest.approx(80 - sum(waits))


def test_a_window_that_lasts_longer_than_is_left_is_not_waited_for(clock):
    """The server says what it has to say, and the call ends at once."""
    rate_limiter = RateLimiter(0)
    budget = make_budget(clock, wait=50)
    assert budget.wait_to_retry(20)
    rate_limiter.update_from_headers(closed_for(51))
    assert rate_limiter.acquire(budget) is True
    assert clock.sleeps == [20]
    # Another call has its own allowance.
    assert rate_limiter.acquire(make_budget(clock, wait=50)) is True
    assert clock.sleeps[1:] == [pytest.approx(31)]


def test_the_longest_window_counts(clock):
    rate_limiter = RateLimiter(0)
    rate_limiter.update_from_headers(closed_for(12))
    rate_limiter.update_from_headers(closed_for(5))
    rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == [pytest.approx(12)]


def test_a_window_and_the_own_ceiling_go_together(clock):
    rate_limiter = RateLimiter(6)
    budget = make_budget(clock, wait=50)
    rate_limiter.acquire(budget)
    rate_limiter.update_from_headers(closed_for(12))
    rate_limiter.acquire(budget)
    # Ten seconds for the ceiling, and what the window lasts beyond that.
    assert clock.sleeps == [pytest.approx(10), pytest.approx(2)]
    assert budget.longest_try == pytest.approx(78)


def test_a_window_is_shared_by_the_calls_that_are_under_way_together(clock):
    """No answer includes the other calls yet, so calls are counted when they start."""
    rate_limiter = RateLimiter(0)
    rate_limiter.update_from_headers({**closed_for(30), "X-RateLimit-Remaining": "3", "X-RateLimit-Limit": "5"})
    for _number in range(3):
        assert rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == []
    # An answer to the first of them knows of the first one only.
    rate_limiter.update_from_headers({**closed_for(30), "X-RateLimit-Remaining": "2", "X-RateLimit-Limit": "5"})
    for _number in range(5):
        assert rate_limiter.acquire(make_budget(clock))
    # The whole pool waits for the next window, and that has five calls.
    assert clock.sleeps == [pytest.approx(30)]
    rate_limiter.update_from_headers({**closed_for(60), "X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5"})
    assert rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps[1:] == [pytest.approx(30)]


def test_the_calls_of_a_new_window_are_counted_from_its_first_one_on(clock):
    """The first answer of the window knows of one call, when all of them have started."""
    rate_limiter = RateLimiter(0)
    rate_limiter.update_from_headers({**closed_for(30), "X-RateLimit-Limit": "5"})
    for _number in range(4):
        assert rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps == [pytest.approx(30)]
    rate_limiter.update_from_headers({**closed_for(90), "X-RateLimit-Remaining": "4", "X-RateLimit-Limit": "5"})
    for _number in range(2):
        assert rate_limiter.acquire(make_budget(clock))
    assert clock.sleeps[1:] == [pytest.approx(60)]


def test_a_refused_call_lets_all_others_wait(clock):
    rate_limiter = RateLimiter(0)
    rate_limiter.block(7)
    rate_limiter.block(3)
    assert [rate_limiter.acquire(make_budget(clock)) for _number in range(3)] == [True] * 3
    assert clock.sleeps == [pytest.approx(7)]


@pytest.mark.parametrize(
    "close",
    [
        lambda rate_limiter: rate_limiter.block(7),
        lambda rate_limiter: rate_limiter.update_from_headers(closed_for(7)),
        lambda _pace: None,
    ],
)
def test_no_turn_is_given_once_no_further_call_is_wanted(clock, close):
    asked = []

    def cut_short(seconds):
        asked.append(seconds)
        return True

    rate_limiter = RateLimiter(60)
    assert rate_limiter.acquire(make_budget(clock))
    close(rate_limiter)
    assert rate_limiter.acquire(RetryBudget(4, 120.0, 30.0, cut_short)) is False
    assert len(asked) == 1


def test_no_further_try_is_made_once_no_further_call_is_wanted():
    assert RetryBudget(4, 120.0, 30.0, lambda _seconds: True).wait_to_retry() is False


# Headers


def http_date(moment):
    return email.utils.formatdate(moment, usegmt=True)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        (http_date(NOW + 9), 9),
        (http_date(NOW - 1000), 0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("9" * 400, None),
    ],
)
def test_the_wait_that_is_asked_for(clock, text, wait):
    assert asked_wait({"Retry-After": text}) == (None if wait is None else pytest.approx(wait))


def test_no_headers_ask_for_nothing(clock):
    assert asked_wait({}) is None and reset_wait({}) is None


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "date", ["Tue, 14 Nov 2023 22:13:29 GMT", "Tuesday, 14-Nov-23 22:13:29 GMT", "Tue Nov 14 22:13:29 2023"]
)
def test_a_date_in_each_form_of_http_counts_in_utc(clock, monkeypatch, zone, date):
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", zone)
            time.tzset()
            assert asked_wait({"Retry-After": date}) == pytest.approx(9)
    finally:
        time.tzset()


@pytest.mark.parametrize(
    ("text", "wait"), [(str(NOW + 11), 11), (str(NOW), 0), ("1600000000", 0), ("soon", None), ("", None), ("-5", None)]
)
def test_the_wait_for_the_end_of_a_window(clock, text, wait):
    assert reset_wait({"X-RateLimit-Reset": text}) == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        (" 42\t", 42),
        ("9" * 15, 10**15 - 1),
        *[(text, None) for text in ("", " ", "+1", "-1", "1e3", "1_0", "4 2", "²", "٤", "9" * 16, "9" * 5000)],
    ],
)
def test_a_whole_number(text, number):
    assert whole_number(text) == number


@given(
    st.one_of(
        st.text(st.characters(max_codepoint=255), max_size=30),
        st.from_regex(
            r"(Mon, )?[0-9]{1,3} (Jan|Feb) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? (GMT|[+-][0-9]{1,6})",
            fullmatch=True,
        ),
    )
)
def test_any_header_is_a_wait_or_none(text):
    for wait in (asked_wait({"Retry-After": text}), reset_wait({"X-RateLimit-Reset": text})):
        assert wait is None or wait >= 0


# Calls that the server does not count together


def test_a_used_up_window_holds_for_the_calls_of_its_key_alone(clock):
    rate_limiter = RateLimiter(0)
    rate_limiter.update_from_headers(closed_for(10), "a")
    rate_limiter.block(20, "b")
    assert [rate_limiter.acquire(make_budget(clock), key) for key in ("", "c")] == [True, True]
    assert clock.sleeps == []
    assert rate_limiter.acquire(make_budget(clock), "a")
    assert sum(clock.sleeps) == pytest.approx(10)
    assert rate_limiter.acquire(make_budget(clock), "b")
    assert sum(clock.sleeps) == pytest.approx(20)


def test_the_own_ceiling_holds_for_all_calls(clock):
    rate_limiter = RateLimiter(20)
    assert all(rate_limiter.acquire(make_budget(clock), key) for key in ("a", "b", "", "a"))
    assert clock.sleeps == [pytest.approx(3)] * 3


def test_a_call_that_waits_for_its_window_does_not_keep_others_waiting():
    """With real time: the first call waits in its own thread while the second one starts."""
    rate_limiter, over, turns = RateLimiter(0), threading.Event(), []
    rate_limiter.block(3600, "create")
    slow = RetryBudget(4, 7200.0, 30.0, lambda _seconds: over.wait(60))
    thread = threading.Thread(target=lambda: turns.append(rate_limiter.acquire(slow, "create")), daemon=True)
    thread.start()
    assert rate_limiter.acquire(RetryBudget(4, 7200.0, 30.0, pytest.fail), "list")
    over.set()
    thread.join(60)
    assert turns == [False]


def test_looks_end_with_their_limit_before_the_waiting_is_used_up(clock):
    budget, limit = make_budget(clock, wait=100.0), TimeLimit(5)
    looks = 0
    while budget.wait_to_poll(limit):
        looks += 1
    assert sum(clock.sleeps) == pytest.approx(5) and looks > 2
    assert limit.left == 0 and budget.left == pytest.approx(95)
