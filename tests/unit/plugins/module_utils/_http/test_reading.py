# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of an answer: how many of them are read and held. Servers use real sockets and count what they send."""

from __future__ import annotations

import gzip
import itertools
import random
import socket
import threading
import tracemalloc
import zlib
from contextlib import contextmanager

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, CallError, WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import reading as _reading
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.reading import Room, read_body
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection, Request
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._tasks import manage_customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.answers import confirmation, rows
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.failures import reader
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    ENCODERS,
    FakeResponse,
    customer,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import CONNECTION, LEFT_OUT, made
from hypothesis import given
from hypothesis import strategies as st

MEBIBYTE = 1024 * 1024
# How long a test waits for what must happen before it fails.
PATIENCE = 60
SUCCESS = b'{"message":"success"}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def read_request(connection):
    """Reads one whole request. Returns False if there is none."""
    received = b""
    while True:
        data = connection.recv(65536)
        if not data:
            return False
        received += data
        head, blank, body = received.partition(b"\r\n\r\n")
        if blank and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            return True


class Server:
    """Answers the call of each connection with the next of `answers`, an iterable of bytes each; the last one stays.

    `sent`: bytes, for each connection. An answer goes on until the client has closed the connection.
    """

    def __init__(self, answers):
        self.answers = list(answers)
        self.sent = []
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/apiv2"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.sent.append(0)
            self.talk(connection)

    def talk(self, connection):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        with connection:
            try:
                read_request(connection)
                for piece in answer:
                    rest = memoryview(piece)
                    while rest:
                        # Not `sendall`, which does not tell how much was sent before it failed.
                        count = connection.send(rest)
                        self.sent[-1] += count
                        rest = rest[count:]
                connection.shutdown(socket.SHUT_WR)
                # Closing a connection with unread bytes would reset it, and the client would lose the answer.
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    def close(self):
        for connection in (self.listener, *self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # It is closed already.
                pass
        self.listener.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def serving(*answers):
    server = Server(answers)
    try:
        yield server
    finally:
        server.close()


def client_of(server, **options):
    settings = {"retries": 0, "max_retry_wait": 30, "timeout": 30, **options}
    return Client(Connection(server.url, "acme", "key", **settings))


def call(client, decode=confirmation, **options):
    request = Request("POST", f"{client.connection.api_url}/reseller.manage", body=b"", **options)
    return client.send(request, reader(decode, client.connection.api_format, client.redact))


def failure_of(answer, decode=confirmation, **options):
    """The error of a call that is answered so, and how many bytes the server could send."""
    with serving(answer) as server, client_of(server) as client:
        with pytest.raises(CallError) as caught:
            call(client, decode, **options)
    return caught.value, server.sent[0]


def value_of(answer, decode=confirmation, **options):
    with serving(answer) as server, client_of(server) as client:
        return call(client, decode, **options)


# Lines without end

ENDLESS = {
    "a status line": [b"HTTP/1.1 200 " + b"O" * 4096],
    "a header": [b"HTTP/1.1 200 OK\r\nX-Header: ", b"x" * 4096],
    "headers": [b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n" * 100],
    "interim answers": [b"HTTP/1.1 100 Continue\r\n\r\n" * 100],
    "the size of a chunk": [CHUNKED, b"0" * 4096],
    "an extension of a chunk": [CHUNKED + b"5;", b"x" * 4096],
    "extensions of chunks": [CHUNKED, (b"1;" + b"x" * 1000 + b"\r\n \r\n") * 4],
    "a trailer": [CHUNKED + chunk(SUCCESS) + b"0\r\nX-Trailer: ", b"x" * 4096],
    "trailers": [CHUNKED + chunk(SUCCESS) + b"0\r\n", b"X-Trailer: x\r\n" * 100],
    "what follows a chunk of -1": [CHUNKED + b"-1\r\n", b" " * 4096],
    "what follows a chunk of -5": [CHUNKED + b"-5\r\n", b" " * 4096],
    "a redirect": [b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" " * 4096],
    "a packed redirect": [
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b""),
        b"\0" * 4096,
    ],
    "a body": [CHUNKED, chunk(b" " * 4096)],
    "a body of small chunks": [CHUNKED, chunk(b" " * 16) * 200],
    "a packed body that comes to nothing": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        gzip.compress(b"") * 100,
    ],
    "the header of a packed body": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0",
        b"x" * 4096,
    ],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_is_ended_by_its_size(name):
    start, endless = ENDLESS[name][:-1], ENDLESS[name][-1]
    tracemalloc.start()
    error, sent = failure_of(itertools.chain(start, itertools.repeat(endless)))
    _now, taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.applied == MAYBE_APPLIED
    # A confirmation, with as much around it if its chunks are small, and what the buffers of the two sockets hold.
    assert sent < 3 * MEBIBYTE + 12 * MEBIBYTE
    assert taken < 4 * MEBIBYTE


@pytest.mark.parametrize("kind", ["sized", "chunked", "until the end"])
@pytest.mark.parametrize("largest", [MEBIBYTE, 3 * MEBIBYTE])
def test_the_size_of_a_body_is_the_limit(kind, largest):
    start, encode = {
        "sized": (SIZED % largest, bytes),
        "chunked": (CHUNKED, chunk),
        "until the end": (b"HTTP/1.1 200 OK\r\n\r\n", bytes),
    }[kind]
    end = chunk(b"") if kind == "chunked" else b""
    body = SUCCESS + b" " * (largest - len(SUCCESS))
    pieces = [encode(body[place : place + 5000]) for place in range(0, largest, 5000)]
    assert value_of([start, *pieces, end], largest=largest) is None
    error, _sent = failure_of([start, *pieces, end], largest=largest - 1)
    assert "the answer is larger than" in str(error)


def test_a_body_in_chunks_of_one_byte_is_read():
    body = SUCCESS + b" " * 100_000
    answer = CHUNKED + b"".join(chunk(body[place : place + 1]) for place in range(len(body))) + chunk(b"")
    assert value_of([answer]) is None


@pytest.mark.parametrize("trailers", [b"", b"X-Sum: 4711\r\n", b"X-Sum: 4711\r\nX-Other: x\r\n"])
@pytest.mark.parametrize("extension", [b"", b";name=value"])
def test_extensions_and_trailers_are_read_over(trailers, extension):
    size = b"%x%s\r\n" % (len(SUCCESS), extension)
    assert value_of([CHUNKED, size, SUCCESS, b"\r\n0\r\n", trailers, b"\r\n"]) is None


def test_one_connection_serves_many_calls():
    """What bounds an answer leaves nothing behind, neither its count nor unread bytes."""
    packed = gzip.compress(SUCCESS)
    answers = [
        SIZED % len(SUCCESS) + SUCCESS,
        CHUNKED + chunk(SUCCESS) + chunk(b""),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
    ]

    class Patient(Server):
        """Answers many calls over one connection."""

        def talk(self, connection):
            with connection:
                number = 0
                while read_request(connection):
                    connection.sendall(answers[number % len(answers)])
                    number += 1

    server = Patient([])
    with client_of(server) as client:
        for _number in range(900):
            assert call(client, confirmation) is None
    server.close()
    assert len(server.connections) == 1


# Packed bodies


def unpacked(body, largest=MEBIBYTE):
    with Room() as room:
        return read_body(FakeResponse(body, 200, {"Content-Encoding": "gzip"}), largest, room, lambda: PATIENCE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        SUCCESS,
        b" " * (_reading._PIECE - 1),
        b" " * _reading._PIECE,
        b" " * (_reading._PIECE + 1),
        b" " * MEBIBYTE,
        random.Random(4711).randbytes(MEBIBYTE - 1000),
    ],
    ids=len,
)
@pytest.mark.parametrize("end", [b"", b"\0" * 100_000, b"anything else"])
def test_a_packed_body_is_unpacked(body, end):
    assert unpacked(gzip.compress(body) + (end if len(body) < MEBIBYTE // 2 else b"")) == body


@pytest.mark.parametrize("count", [2, 500])
def test_a_packed_body_may_have_several_streams(count):
    parts = [b"part %d " % number * (number % 9) for number in range(count)]
    assert unpacked(b"".join(map(gzip.compress, parts))) == b"".join(parts)


@given(st.binary(max_size=200), st.integers(1, 40), st.integers(1, 40))
def test_a_packed_body_is_unpacked_in_pieces_of_any_size(body, sent, made):
    packed = gzip.compress(body) + gzip.compress(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_reading, "_PIECE", made)
        unpack = _reading._Packed({"Content-Encoding": "gzip"})
        parts = [part for place in range(0, len(packed), sent) for part in unpack.unpack(packed[place : place + sent])]
    assert b"".join(parts) == body * 2
    assert unpack.is_whole
    assert max(map(len, parts)) <= made


def test_a_bomb_takes_no_more_than_the_largest_body():
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([*(packer.compress(b" " * MEBIBYTE) for _number in range(200)), packer.flush()])
    tracemalloc.start()
    with pytest.raises(CallError, match="larger than 1 MiB"):
        unpacked(bomb)
    _now, taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 2 * MEBIBYTE


@given(st.binary(max_size=60), st.integers(0, 40))
def test_any_damage_to_a_packed_body_is_an_error_or_a_body(damage, place):
    packed = gzip.compress(SUCCESS * 3)
    try:
        assert isinstance(unpacked(packed[:place] + damage + packed[place + 1 :]), bytes)
    except CallError as error:
        assert error.applied == MAYBE_APPLIED


def test_a_large_body_is_held_once():
    body = b"x" * (20 * MEBIBYTE)
    with Room() as room:
        tracemalloc.start()
        assert len(read_body(FakeResponse(body), 60 * MEBIBYTE, room, lambda: PATIENCE)) == len(body)
        _now, taken = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert taken < 1.3 * len(body)


# Room in the process


def is_free():
    free = _reading._ONE_LARGE_ANSWER.acquire(blocking=False)
    if free:
        _reading._ONE_LARGE_ANSWER.release()
    return free


def test_small_answers_take_no_room():
    with Room() as room:
        read_body(FakeResponse(b" " * _reading.SMALL_ANSWER), MEBIBYTE, room, lambda: PATIENCE)
        assert is_free()
        read_body(FakeResponse(b" " * (_reading.SMALL_ANSWER + 1)), MEBIBYTE, room, lambda: PATIENCE)
        assert not is_free()
    assert is_free()


def list_of(size):
    """A list of that many bytes, in pieces; and how many of them are large."""
    return [SIZED % size, b"[", *[b" " * 4096] * ((size - 2) // 4096), b" " * ((size - 2) % 4096), b"]"]


@pytest.mark.parametrize("outcome", ["a value", "an error of the server", "unreadable", "a defect"])
def test_room_is_held_until_the_answer_is_decoded_and_free_afterwards(outcome):
    held = []

    def decode(_answer_format, body):
        held.append((len(body), is_free()))
        if outcome == "a defect":
            raise ZeroDivisionError
        if outcome != "a value":
            raise WireError(["No"], readable=outcome != "unreadable")
        return []

    with serving(list_of(100_000)) as server, client_of(server) as client:
        try:
            call(client, decode)
            assert outcome == "a value"
        except (CallError, ZeroDivisionError):
            assert outcome != "a value"
    assert held == [(100_000, False)]
    assert is_free()


def test_answers_that_fail_while_they_are_read_give_room_back():
    answers = {
        "too large": [CHUNKED, *[chunk(b" " * 4096)] * 300],
        "cut": [SIZED % MEBIBYTE, b" " * 500_000],
        "not HTTP": [CHUNKED, chunk(b" " * 500_000), b"-1\r\n"],
    }
    for answer in answers.values():
        failure_of(answer)
        assert is_free()


def test_many_large_answers_at_once_are_held_one_after_the_other():
    """64 threads, each with an answer of 1 MiB. All succeed, and hold little besides the answer being read."""
    at_once, most, done = [0], [0], []
    lock = threading.Lock()
    size = MEBIBYTE

    def decode(answer_format, body):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        listed = rows(answer_format, body)
        with lock:
            at_once[0] -= 1
        return listed

    class Threaded(Server):
        """Serves each connection in its own thread."""

        def talk(self, connection):
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

        def answer(self, connection):
            with connection:
                read_request(connection)
                for piece in list_of(size):
                    connection.sendall(piece)

    server = Threaded([])
    with client_of(server, timeout=PATIENCE) as client:

        def work():
            done.append(call(client, decode))

        threads = [threading.Thread(target=work, daemon=True) for _number in range(64)]
        tracemalloc.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        _now, taken = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    server.close()
    assert done == [[]] * 64
    assert most == [1]
    # All of them at once would be 64 MiB, as bytes alone.
    assert taken < 32 * MEBIBYTE
    assert is_free()


def test_who_waits_for_room_waits_no_longer_than_a_call_may_take():
    with Room() as other:
        other.take(0)
        with serving(list_of(100_000)) as server, client_of(server, timeout=0.2, max_retry_wait=0) as client:
            with pytest.raises(CallError) as caught:
                call(client, rows)
    assert (caught.value.applied, caught.value.transient) == (MAYBE_APPLIED, True)
    assert is_free()


def test_who_waits_for_room_gets_it_when_it_is_free():
    other = Room()
    other.take(0)
    taking = threading.Event()

    class Seen(Room):
        def take(self, seconds):
            taking.set()
            super().take(seconds)

    bodies = []

    def read():
        with Seen() as room:
            bodies.append(read_body(FakeResponse(b" " * 100_000), MEBIBYTE, room, lambda: PATIENCE))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert taking.wait(PATIENCE)
    assert bodies == []
    with other:
        pass
    thread.join(PATIENCE)
    assert list(map(len, bodies)) == [100_000]
    assert is_free()


@pytest.mark.parametrize("seconds", [-5, 0, 1e300])
def test_any_time_may_be_left(seconds):
    with Room() as room:
        room.take(seconds)
        assert not is_free()
        # Taken once, it is not waited for again.
        room.take(-1)
    assert is_free()


# Any bytes from a server


HOSTILE = {
    "a chunk of -5": [CHUNKED, b"-5\r\n" + SUCCESS],
    "a chunk of -1": [CHUNKED, b"-1\r\n" + SUCCESS],
    "a chunk of -0": [CHUNKED, b"-0\r\n\r\n"],
    "a chunk of +5": [CHUNKED, b"+5\r\n12345\r\n0\r\n\r\n"],
    "a chunk of 0x5": [CHUNKED, b"0x5\r\n12345\r\n0\r\n\r\n"],
    "a chunk of x": [CHUNKED, b"x\r\n" + SUCCESS],
    "a chunk without a size": [CHUNKED, b"\r\n" + SUCCESS],
    "a chunk of any size": [CHUNKED, b"f" * 4000 + b"\r\n" + SUCCESS],
    "a chunk with a size in Latin-1": [CHUNKED, b"\xe9\r\n" + SUCCESS],
    "a chunk that is longer": [CHUNKED, b"5\r\n" + SUCCESS],
    "no chunk": [CHUNKED],
    "no last chunk": [CHUNKED, chunk(SUCCESS)],
    "a negative length": [SIZED % -5, b"x"],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n", SUCCESS],
    "a length that is none": [b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", b"x"],
    "a length in other digits": ["HTTP/1.1 200 OK\r\nContent-Length: ²\r\n\r\n".encode("latin-1"), b"x"],
    "a length of any size": [b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"x"],
    "a status that is none": [b"HTTP/1.1 abc OK\r\n\r\n"],
    "a negative status": [b"HTTP/1.1 -20 OK\r\n\r\n"],
    "a status of any size": [b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n"],
    "another version": [b"HTTP/9.9 200 OK\r\n\r\n" + SUCCESS],
    "no HTTP": [b"\xff" * 100],
    "no header": [b"HTTP/1.1 200 OK\r\n: \r\nbroken\r\n\0\r\n\r\n", b"x"],
    "an unknown coding": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"x"],
    "damaged gzip": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"\x1f\x8b" + b"x" * 100],
    "errors 700 deep": [b"HTTP/1.1 200 OK\r\n\r\n", b'{"message":"error","errors":' + b"[" * 700 + b"]" * 700 + b"}"],
    "no length and nothing": [b"HTTP/1.1 200 OK\r\n\r\n"],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "a switch of protocols": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", b"x"],
    "a redirect to nothing": [b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n", b"x"],
    "a redirect in another charset": ["HTTP/1.1 302 Found\r\nLocation: /\u00e9\r\n\r\n".encode("latin-1"), b"x"],
    "a cookie": [b"HTTP/1.1 200 OK\r\nSet-Cookie: =;;;\xff; expires=x\r\n\r\n", b"x"],
}
HOSTILE_XML = {"errors 700 deep in XML": b"<result><errors>" + b"<e>" * 700 + b"</e>" * 700 + b"</errors></result>"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_an_error_of_the_call(name):
    error, _sent = failure_of(HOSTILE[name])
    assert error.applied == MAYBE_APPLIED


@pytest.mark.parametrize("name", HOSTILE_XML)
def test_a_hostile_answer_in_xml_is_an_error_of_the_call(name):
    body = HOSTILE_XML[name]
    with serving([SIZED % len(body), body]) as server, client_of(server, api_format="xml") as client:
        with pytest.raises(CallError) as caught:
            call(client, confirmation)
    assert caught.value.applied == MAYBE_APPLIED


@pytest.mark.parametrize("name", ["a chunk of -5", "a chunk of -1", "a chunk of x", "trailers", "extensions of chunks"])
def test_what_is_not_valid_http_is_told(name):
    answer = HOSTILE.get(name) or itertools.chain(ENDLESS[name][:-1], itertools.repeat(ENDLESS[name][-1]))
    error, _sent = failure_of(answer)
    assert "the answer is not valid HTTP (http://127.0.0.1:" in str(error)
    assert error.transient is True


# An unreadable answer to a write, by format.
LOST = {
    "json": [CHUNKED + b"-5\r\n" + SUCCESS, *(b"".join(HOSTILE[name]) for name in ("errors 700 deep", "damaged gzip"))],
    "xml": [CHUNKED + b"-5\r\n" + SUCCESS, b"HTTP/1.1 200 OK\r\n\r\n" + HOSTILE_XML["errors 700 deep in XML"]],
}


@pytest.mark.parametrize("was_done", [True, False])
@pytest.mark.parametrize(("answer_format", "lost"), [(name, answer) for name in LOST for answer in LOST[name]])
def test_a_write_whose_answer_is_hostile_is_decided_by_reading_again(answer_format, lost, was_done):
    listed, empty, success = (
        b"HTTP/1.1 200 OK\r\n\r\n" + encode
        for encode in (
            ENCODERS[answer_format]([customer("ann@example.com")]),
            ENCODERS[answer_format]([]),
            ENCODERS[answer_format]({"message": "success"}),
        )
    )
    # An empty list is asked for twice, since a server that fails may give one.
    answers = [listed, lost, *([empty, empty] if was_done else [listed, success])]
    with serving(*([answer] for answer in answers)) as server:
        options = {**CONNECTION, **LEFT_OUT, "api_url": server.url, "api_format": answer_format}
        result = manage_customer({**options, "username": "ann@example.com", "state": "absent"}, False)
    assert "failed" not in result
    assert made(result) == [("delete", "applied")]
    assert len(server.sent) == len(answers)


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.1 100 Continue", b"HTTP/1.1 302 Found", b"HTTP/1.0 500 x", b"HTTP/1.1 ", b"",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: x", b"Content-Encoding: gzip", b"Content-Length: 21",
        b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Type: multipart/mixed; boundary=x",
        b"Location: http://127.0.0.1:1/", b"Location: //[", b"Retry-After: -1", b"Connection: close", b"Connection: x",
        b"Set-Cookie: a=b", b"15", b"-5", b"-1", b"0", b"5;x", b"zz", SUCCESS, b"[]", b"\x1f\x8b\x08", b"\xff\xfe",
    ]
)  # fmt: skip
RAW = st.one_of(
    st.lists(LINES, max_size=12).map(b"\r\n".join),
    st.lists(LINES, max_size=12).map(lambda lines: b"\r\n".join([b"HTTP/1.1 200 OK", *lines])),
    st.lists(LINES, max_size=12).map(lambda lines: CHUNKED + b"\r\n".join(lines)),
    st.binary(max_size=100).map(lambda some: CHUNKED + some),
    st.binary(max_size=100),
)


@pytest.fixture(scope="module")
def fuzzed():
    """A server and its client for many examples: to start one takes longer than a call."""
    with serving([]) as server, client_of(server) as client:
        yield server, client


@given(answer=RAW)
def test_whatever_a_server_sends_gives_a_value_or_the_one_error(fuzzed, answer):
    server, client = fuzzed
    server.answers = [[answer]]
    for decode in (confirmation, rows):
        try:
            assert call(client, decode) in (None, [])
        except CallError as error:
            assert str(error)
    assert is_free()
