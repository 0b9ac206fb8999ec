# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit for the whole of a call, over real sockets: plain, over TLS, through proxies, and TLS in their TLS."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import requests
import trustme
import urllib3
import urllib3.poolmanager
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, CallError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import deadline as _deadline
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.deadline import BoundedAdapter, Deadline
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection, Request
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock

# Longer than any test runs.
NEVER = 3600
# How long a test waits for what must happen before it fails.
PATIENCE = 30
# The time for an answer that comes in drops, and from one drop to the next.
SOON = 0.2
PAUSE = 0.01


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    theirs.settimeout(PATIENCE)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_deadline, "time", clock)
    return clock


# The time


def test_the_time_starts_with_each_answer_that_is_awaited(clock):
    deadline = Deadline(7.5)
    clock.now += 100
    assert (deadline.left, deadline.passed) == (7.5, False)
    for _answer in range(2):
        deadline.start()
        clock.now += 5
        assert (deadline.left, deadline.passed) == (2.5, False)
    clock.now += 2.5
    assert (deadline.left, deadline.passed) == (0, True)


def test_a_deadline_holds_for_its_own_thread_and_its_own_time():
    seen = []

    def look():
        seen.append(getattr(_deadline._thread, "deadline", None))

    with Deadline(NEVER) as deadline:
        other = threading.Thread(target=look)
        other.start()
        other.join(PATIENCE)
        look()
    look()
    assert seen == [None, deadline, None]


def test_a_call_that_fails_leaves_no_deadline_behind():
    with pytest.raises(ValueError, match="broken"), Deadline(NEVER):
        raise ValueError("broken")
    assert _deadline._thread.deadline is None


# The reader


class Wrapper:
    """TLS in TLS, as urllib3 wraps it. It has a socket below it, and one read takes many reads of this socket."""

    def __init__(self, sock):
        self.socket = sock

    def makefile(self, _mode, _buffering):
        return socket.SocketIO(self, "r")

    def recv_into(self, buffer):
        received = b"".join(self.socket.recv(1) for _number in range(len(buffer)))
        buffer[:] = received
        return len(received)

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def gettimeout(self):
        return self.socket.gettimeout()

    def _decref_socketios(self):
        self.socket._decref_socketios()


def reader_of(connection, deadline):
    deadline.start()
    return _deadline._TimedReader(connection, connection.makefile("rb", 0), deadline)


@pytest.mark.parametrize("wrap", [lambda sock: sock, Wrapper], ids=["plain", "wrapped"])
def test_a_read_lasts_no_longer_than_what_is_left(pair, wrap):
    deadline = Deadline(SOON)
    reader = reader_of(wrap(pair[0]), deadline)
    pair[1].sendall(b"x")
    with pytest.raises(socket.timeout):
        # Two bytes are asked for; the wrapper waits for both.
        while True:
            assert reader.read(2) == b"x"
    assert deadline.passed


@pytest.mark.parametrize("wrap", [lambda sock: sock, Wrapper], ids=["plain", "wrapped"])
def test_nothing_is_read_when_no_time_is_left(pair, wrap, clock):
    deadline = Deadline(5)
    reader = reader_of(wrap(pair[0]), deadline)
    pair[1].sendall(b"xyz")
    assert reader.read(1) == b"x"
    clock.now += 5
    with pytest.raises(socket.timeout):
        reader.read(1)
    assert pair[0].recv(2) == b"yz"


@pytest.mark.parametrize("wrap", [lambda sock: sock, Wrapper], ids=["plain", "wrapped"])
@pytest.mark.parametrize(("timeout", "left", "limit"), [(7.5, 5, 5), (7.5, 10, 7.5), (None, 5, 5)])
def test_the_limit_between_two_bytes_stays(pair, wrap, clock, timeout, left, limit):
    pair[0].settimeout(timeout)
    reader = reader_of(wrap(pair[0]), Deadline(left))
    pair[1].sendall(b"x")
    assert reader.read(1) == b"x"
    assert pair[0].gettimeout() == limit
    reader.close()
    assert pair[0].gettimeout() == timeout


def test_silence_within_the_time_is_not_the_end_of_it(pair):
    pair[0].settimeout(PAUSE)
    deadline = Deadline(NEVER)
    with pytest.raises(socket.timeout):
        reader_of(pair[0], deadline).read(1)
    assert not deadline.passed


def test_a_connection_is_left_as_it_was(pair):
    wrapper = Wrapper(pair[0])
    for _answer in range(2):
        reader = reader_of(wrapper, Deadline(SOON))
        assert wrapper.socket is not pair[0]
        reader.close()
        reader.close()
        assert (wrapper.socket, pair[0].gettimeout()) == (pair[0], PATIENCE)


def test_a_connection_that_is_closed_already_is_no_error(pair):
    reader = reader_of(pair[0], Deadline(NEVER))
    pair[0].detach()
    reader.close()
    assert reader.closed


def test_without_a_deadline_nothing_is_wrapped(pair):
    assert isinstance(_deadline._TimedResponse(pair[0]).fp.raw, socket.SocketIO)


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


# Whole calls


class Plain:
    """The server's side of a connection."""

    def __init__(self, sock):
        self.sock = sock

    def recv(self):
        return self.sock.recv(65536)

    def send(self, data):
        self.sock.sendall(data)


class Tls:
    """TLS over a connection, or over other TLS."""

    def __init__(self, below, context):
        self.below = below
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.fed(self.tls.do_handshake)
        below.send(self.outgoing.read())

    def fed(self, act):
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self.below.send(self.outgoing.read())
                received = self.below.recv()
                if not received:
                    raise ConnectionResetError from None
                self.incoming.write(received)

    def recv(self):
        return self.fed(lambda: self.tls.read(65536))

    def encrypted(self, data):
        if data:
            # Older versions of Python take none for the end.
            self.tls.write(data)
        return self.outgoing.read()

    def send(self, data):
        self.below.send(self.encrypted(data))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The TLS context of a server, and the file with the certificates that a client trusts."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    return context, str(trusted)


# By name: the proxy's scheme, if there is one, and the server's.
WAYS = {
    "plain": (None, "http"),
    "TLS": (None, "https"),
    "a proxy": ("http", "http"),
    "TLS through a proxy": ("http", "https"),
    "TLS in the TLS of a proxy": ("https", "https"),
}


class Server:
    """Talks to each connection as `talk` says; it is its own proxy. `way`: one of WAYS."""

    def __init__(self, way, context, talk, tunnel=None):
        self.proxy_scheme, self.scheme = WAYS[way]
        self.context, self.talk, self.tunnel = context, talk, tunnel or self.open_tunnel
        self.over = threading.Event()
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.proxies = {self.scheme: f"{self.proxy_scheme}://{self.address}"} if self.proxy_scheme else {}
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                sock, _address = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with sock:
                sock.settimeout(PATIENCE)
                try:
                    self.talk(self, self.connected(Plain(sock)))
                except (OSError, ssl.SSLError):
                    # The client has closed the connection.
                    pass

    def connected(self, connection):
        """The connection with the layers of the way, once the client has asked for them."""
        if self.proxy_scheme == "https":
            connection = Tls(connection, self.context)
        if self.scheme == "https":
            if self.proxy_scheme:
                assert request_on(connection).startswith(b"CONNECT ")
                self.tunnel(self, connection)
            connection = Tls(connection, self.context)
        return connection

    @staticmethod
    def open_tunnel(_server, connection):
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    def drip(self, send, pieces):
        """Sends one piece after the other, with pauses, until the client closes the connection."""
        for piece in pieces:
            send(piece)
            if self.over.wait(PAUSE):
                return

    def close(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def serving(*arguments):
    server = Server(*arguments)
    try:
        yield server
    finally:
        server.close()


def request_on(connection):
    """One whole request; a body is taken for one packet."""
    received = b""
    while b"\r\n\r\n" not in received or (b"CONNECT" not in received and not received.endswith(b"the body")):
        more = connection.recv()
        if not more:
            raise ConnectionResetError
        received += more
    return received


def called(server, trusted, seconds, calls=1):
    """The result of calls with deadlines, in a thread: texts or the last error, and whether the time had passed."""
    texts, passed = [], []

    def call():
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter())
        with session:
            for _number in range(calls):
                with Deadline(seconds) as deadline:
                    try:
                        options = {"proxies": server.proxies, "verify": trusted, "timeout": PATIENCE}
                        texts.append(session.post(f"{server.scheme}://{server.address}/", b"the body", **options).text)
                    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
                        texts.append(type(error))
                    passed.append(deadline.passed)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it waits for ever"
    return texts, passed


def zeros():
    return itertools.repeat(b"0")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# Parts that come at once, and parts that come slowly.
DROPS = {
    "nothing": (b"", []),
    "a status line": (b"HTTP/1.1 200 ", zeros()),
    "interim answers": (b"", itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "a header": (b"HTTP/1.1 200 OK\r\nX-Header: ", zeros()),
    "headers": (b"HTTP/1.1 200 OK\r\n", itertools.repeat(b"X: 0\r\n")),
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", zeros()),
    "a body without a length": (b"HTTP/1.1 200 OK\r\n\r\n", zeros()),
    "the size of a chunk": (CHUNKED, zeros()),
    "an extension of a chunk": (CHUNKED + b"1;", zeros()),
    "a chunk": (CHUNKED + b"f00000\r\n", zeros()),
    "chunks": (CHUNKED, itertools.repeat(b"1\r\n0\r\n")),
    "trailers": (CHUNKED + b"0\r\n", itertools.repeat(b"X: 0\r\n")),
}


@pytest.mark.parametrize("drops", DROPS)
@pytest.mark.parametrize("way", WAYS)
def test_an_answer_in_drops_is_ended(tls, way, drops):
    context, trusted = tls
    start, rest = DROPS[drops]

    def talk(server, connection):
        request_on(connection)
        connection.send(start)
        server.drip(connection.send, rest)
        connection.recv()

    with serving(way, context, talk) as server:
        texts, passed = called(server, trusted, SOON)
    assert passed == [True]
    assert not isinstance(texts[0], str)


@pytest.mark.parametrize("way", [way for way in WAYS if "TLS" in way])
def test_a_piece_of_tls_in_drops_is_ended(tls, way):
    """It is one read for who reads the answer."""
    context, trusted = tls

    def talk(server, connection):
        request_on(connection)
        piece = connection.encrypted(b"HTTP/1.1 200 OK\r\nX-Header: ".ljust(16000, b"0"))
        server.drip(connection.below.send, (piece[place : place + 1] for place in range(len(piece))))
        connection.recv()

    with serving(way, context, talk) as server:
        _texts, passed = called(server, trusted, SOON)
    assert passed == [True]


@pytest.mark.parametrize("way", ["TLS through a proxy", "TLS in the TLS of a proxy"])
def test_a_tunnel_in_drops_is_ended(tls, way):
    context, trusted = tls

    def tunnel(server, connection):
        connection.send(b"HTTP/1.1 200 ")
        server.drip(connection.send, zeros())

    with serving(way, context, None, tunnel) as server:
        _texts, passed = called(server, trusted, SOON)
    assert passed == [True]


@pytest.mark.parametrize("way", WAYS)
def test_answers_in_time_are_read_over_one_connection(tls, way):
    context, trusted = tls
    body = b"0123456789" * 5000
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body),
        CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    ]

    def talk(_server, connection):
        for answer in answers * 3:
            request_on(connection)
            connection.send(answer)
        connection.recv()

    with serving(way, context, talk) as server:
        texts, passed = called(server, trusted, NEVER, calls=6)
    assert texts == [body.decode()] * 6
    assert (passed, server.connections) == ([False] * 6, 1)


@pytest.mark.parametrize(("way", "drops"), [("plain", "a header"), ("plain", "the size of a chunk"), ("TLS", "a body")])
def test_a_call_says_that_its_answer_took_too_long(tls, way, drops):
    context, trusted = tls
    start, rest = DROPS[drops]

    def talk(server, connection):
        while b"api_key" not in connection.recv():
            pass
        connection.send(start)
        server.drip(connection.send, rest)
        connection.recv()

    with serving(way, context, talk) as server:
        options = {"ca_path": trusted, "timeout": 1, "retries": 0, "max_retry_wait": 0}
        url = f"{server.scheme}://{server.address}"
        request = Request("POST", f"{url}/reseller.manage.json", body=b"api_key=key")
        with Client(Connection(url, "acme", "key", **options)) as client, pytest.raises(CallError) as caught:
            client.send(request, lambda answer: answer.body)
    assert caught.value.reason == "the answer took too long to arrive"
    assert (caught.value.applied, caught.value.transient) == (MAYBE_APPLIED, True)
