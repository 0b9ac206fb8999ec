# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit for the whole of a call: real sockets and stopped, and no waiting but for a condition."""

from __future__ import annotations

import functools
import queue
import socket
import threading
from contextlib import closing

import pytest
import requests
import urllib3
import urllib3.poolmanager
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import deadline as _deadline
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.deadline import (
    Alarm,
    AlarmClock,
    BoundedAdapter,
    Deadline,
)

# Longer than any test runs.
NEVER = 3600
# How long a test waits for what must happen before it fails.
PATIENCE = 30
SOON = 0.01


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    theirs.settimeout(PATIENCE)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def clock():
    clock = AlarmClock()
    yield clock
    clock.close()


class StoppedClock:
    """An alarm clock whose alarms ring when the test says so, and be it too late."""

    def __init__(self):
        self.alarms, self._actions = [], []

    def set(self, seconds, action):
        self.alarms.append(Alarm(seconds, action))
        self._actions.append(action)
        return self.alarms[-1]

    def ring(self):
        for action in self._actions:
            action()


@pytest.fixture
def stopped():
    return StoppedClock()


class Wrapper:
    """TLS in TLS, as urllib3 wraps it: no socket itself, but one below it."""

    def __init__(self, connection):
        self.socket = connection


def is_open(pair):
    ours, theirs = pair
    ours.sendall(b"?")
    assert theirs.recv(1) == b"?"
    theirs.sendall(b"!")
    return ours.recv(1) == b"!"


def ends(pair):
    """Whether both sides read the end of the connection."""
    return [side.recv(1) for side in pair] == [b"", b""]


# The time


def test_a_connection_is_shut_when_the_time_is_over(pair, clock):
    with Deadline(SOON, clock) as deadline:
        deadline.watch(pair[0])
        # Blocks until the timer wakes it.
        assert pair[0].recv(1) == b""
    assert deadline.passed is True
    assert pair[1].recv(1) == b""


def test_a_reader_that_waits_wakes_up(pair, clock):
    got = []
    reader = threading.Thread(target=lambda: got.append(pair[0].recv(1)))
    reader.start()
    with Deadline(SOON, clock) as deadline:
        deadline.watch(pair[0])
        reader.join(PATIENCE)
    assert (got, deadline.passed) == ([b""], True)


def test_a_call_that_ends_in_time_leaves_its_connection_open(pair, clock):
    with Deadline(SOON, clock) as deadline:
        deadline.watch(pair[0])
        deadline._alarm.cancel()
    # Alarms ring one after the other, so the time of the first one has passed when this one rings.
    rung = threading.Event()
    clock.set(2 * SOON, rung.set)
    assert rung.wait(PATIENCE)
    assert deadline.passed is False
    assert is_open(pair)


def test_a_call_that_fails_cancels_its_alarm_too(pair, stopped):
    with pytest.raises(ValueError, match="broken"), Deadline(NEVER, stopped) as deadline:
        deadline.watch(pair[0])
        raise ValueError("broken")
    assert stopped.alarms[0].action is None
    assert is_open(pair)


def test_one_alarm_is_set_however_often_it_is_asked_for(pair, stopped):
    with Deadline(7.5, stopped) as deadline:
        assert stopped.alarms == []
        for connection in (*pair, pair[0]):
            deadline.watch(connection)
        [alarm] = stopped.alarms
        assert alarm.moment == 7.5
        assert alarm.action is not None
    assert alarm.action is None


def test_a_deadline_that_nothing_was_watched_for(stopped):
    with Deadline(NEVER, stopped) as deadline:
        pass
    assert (deadline.passed, stopped.alarms) == (False, [])


# The clock


def test_alarms_ring_in_the_order_of_their_moments(clock):
    rung = queue.SimpleQueue()
    for number in (3, 1, 2):
        clock.set(number * 10 * SOON, functools.partial(rung.put, number))
    assert [rung.get(timeout=PATIENCE) for _number in range(3)] == [1, 2, 3]


def test_one_thread_serves_all_alarms_and_ends_with_the_clock(clock):
    threads = set()
    for _number in range(100):
        clock.set(NEVER, list)
        threads.add(clock._thread)
    [thread] = threads
    assert thread.daemon, "a process must be able to end while it runs"
    clock.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_cancelled_alarms_do_not_pile_up(clock):
    for _number in range(100):
        clock.set(NEVER, list).cancel()
    assert len(clock._alarms) == 1


def test_a_closed_clock_can_be_used_again(clock):
    clock.set(NEVER, list)
    clock.close()
    rung = threading.Event()
    clock.set(SOON, rung.set)
    assert rung.wait(PATIENCE)


# The connection


def test_a_timer_that_runs_out_after_the_call_shuts_nothing(pair, stopped):
    """The timer fires just when the call ends: by now its connection may serve another call."""
    with Deadline(NEVER, stopped) as deadline:
        deadline.watch(pair[0])
    stopped.ring()
    assert deadline.passed is False
    assert is_open(pair)


def test_a_timer_that_waits_while_the_call_ends_shuts_nothing(pair, stopped):
    deadline = Deadline(NEVER, stopped)
    with deadline:
        deadline.watch(pair[0])
        late = threading.Thread(target=stopped.ring)
        with deadline._lock:
            late.start()
            deadline._over = True
        late.join(PATIENCE)
        assert not late.is_alive()
    assert deadline.passed is False
    assert is_open(pair)


def test_what_passed_stays_so(pair, stopped):
    with Deadline(NEVER, stopped) as deadline:
        deadline.watch(pair[0])
        stopped.ring()
        assert deadline.passed is True
    assert deadline.passed is True
    assert ends(pair)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_socket_below_a_wrapper_is_shut(pair, stopped, depth):
    connection = pair[0]
    for _number in range(depth):
        connection = Wrapper(connection)
    with Deadline(NEVER, stopped) as deadline:
        deadline.watch(connection)
        stopped.ring()
    assert deadline.passed is True
    assert ends(pair)


def test_the_method_of_a_tls_socket_is_not_used(pair, stopped):
    class Tls(socket.socket):
        def shutdown(self, _how):
            raise AssertionError("this takes the TLS layer away under the thread that reads")

    with Tls(fileno=pair[0].detach()) as connection, Deadline(NEVER, stopped) as deadline:
        connection.settimeout(PATIENCE)
        deadline.watch(connection)
        stopped.ring()
        assert connection.recv(1) == b""
    assert deadline.passed is True


def test_a_connection_that_is_closed_already_is_no_error(pair, stopped):
    with Deadline(NEVER, stopped) as deadline:
        deadline.watch(pair[0])
        pair[0].close()
        stopped.ring()
    assert deadline.passed is True


def test_a_deadline_holds_for_its_own_thread_and_its_own_time(stopped):
    seen = []

    def look():
        seen.append(getattr(_deadline._thread, "deadline", None))

    with Deadline(NEVER, stopped) as deadline:
        other = threading.Thread(target=look)
        other.start()
        other.join(PATIENCE)
        look()
    look()
    assert seen == [None, deadline, None]


# The adapter


def bounded(manager):
    return {
        scheme: issubclass(pool.ConnectionCls, _deadline._Bounded)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def test_the_pools_of_an_adapter_are_bounded():
    adapter = BoundedAdapter()
    assert bounded(adapter.poolmanager) == {"http": True, "https": True}
    pool = adapter.poolmanager.connection_from_url("https://api.example.com")
    assert isinstance(pool, urllib3.HTTPSConnectionPool)
    assert issubclass(pool.ConnectionCls, urllib3.HTTPSConnectionPool.ConnectionCls)
    adapter.close()


@pytest.mark.parametrize("proxy", ["http://proxy.example:3128", "https://user:word@proxy.example:3128"])
def test_the_pools_of_a_proxy_are_bounded(proxy):
    adapter = BoundedAdapter()
    manager = adapter.proxy_manager_for(proxy)
    assert bounded(manager) == {"http": True, "https": True}
    assert adapter.proxy_manager_for(proxy) is manager
    adapter.close()


def test_pools_are_bounded_once_only():
    adapter = BoundedAdapter()
    first = dict(adapter.poolmanager.pool_classes_by_scheme)
    for manager in (_deadline._bound(adapter.poolmanager), _deadline._bound(adapter.poolmanager)):
        assert manager.pool_classes_by_scheme == first
    for pool in first.values():
        assert pool.ConnectionCls.__mro__.count(_deadline._Bounded) == 1
    # Other adapters have the same classes, not new ones for each.
    other = BoundedAdapter()
    assert other.poolmanager.pool_classes_by_scheme == first
    for one in (adapter, other):
        one.close()


def test_without_a_deadline_a_request_takes_as_long_as_it_takes(server):
    url, accept = server
    texts = []

    def call():
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", BoundedAdapter())
            texts.append(session.post(url, timeout=PATIENCE).text)

    thread = threading.Thread(target=call)
    thread.start()
    connection, _address = accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        thread.join(PATIENCE)
    assert texts == ["ok"]


def test_nothing_else_of_a_manager_is_touched():
    manager, untouched = urllib3.PoolManager(num_pools=3), urllib3.PoolManager(num_pools=3)
    before = dict(vars(manager))
    assert _deadline._bound(manager) is manager
    changed = {name for name, value in vars(manager).items() if value is not before.get(name)}
    assert changed == {"pool_classes_by_scheme"}
    assert set(vars(manager)) == set(before)
    # Nor are the library's own pools, which other code uses.
    assert bounded(untouched) == {"http": False, "https": False}
    assert bounded(urllib3.PoolManager()) == {"http": False, "https": False}
    assert not any(
        issubclass(pool.ConnectionCls, _deadline._Bounded)
        for pool in urllib3.poolmanager.pool_classes_by_scheme.values()
    )


def test_pools_of_another_kind_keep_their_kind():
    class OtherConnection(urllib3.HTTPConnectionPool.ConnectionCls):
        pass

    class OtherPool(urllib3.HTTPConnectionPool):
        ConnectionCls = OtherConnection

    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": OtherPool, "other": OtherPool}
    _deadline._bound(manager)
    assert bounded(manager) == {"http": True, "other": True}
    assert all(issubclass(pool, OtherPool) for pool in manager.pool_classes_by_scheme.values())
    assert all(issubclass(pool.ConnectionCls, OtherConnection) for pool in manager.pool_classes_by_scheme.values())


@pytest.fixture
def server():
    """A server whose answers the test writes; gives its address and a function that accepts a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", listener.accept


def request_in_a_thread(url, seconds):
    """Makes a request under a deadline; gives the thread and what comes of it."""
    outcome = {}

    def call():
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", BoundedAdapter())
        with session, closing(AlarmClock()) as clock, Deadline(seconds, clock) as deadline:
            try:
                outcome["text"] = session.post(url, timeout=PATIENCE).text
            except requests.exceptions.RequestException as error:
                outcome["error"] = error
        outcome["passed"] = deadline.passed

    thread = threading.Thread(target=call)
    thread.start()
    return thread, outcome


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX-Slow", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"])
def test_an_answer_that_never_ends_is_ended(server, sent):
    url, accept = server
    thread, outcome = request_in_a_thread(url, 0.2)
    connection, _address = accept()
    with connection:
        connection.sendall(sent)
        thread.join(PATIENCE)
    assert not thread.is_alive()
    # Whether there is an error, too, depends on where it ended: headers that are cut short look like whole ones.
    assert outcome["passed"] is True


def test_an_answer_in_time_is_read(server):
    url, accept = server
    thread, outcome = request_in_a_thread(url, NEVER)
    connection, _address = accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
        thread.join(PATIENCE)
    assert outcome == {"text": "ab", "passed": False}
